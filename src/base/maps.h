/* SPDX-License-Identifier: MIT */
/* What a process has mapped, and the same files mapped here. */
#ifndef BASE_MAPS_H
#define BASE_MAPS_H

#include "base/compiler.h"

#include <sys/types.h>

struct base_mapping {
	uint64_t start, last;
	bool read, write, shared;
	uint64_t offset; /* of `start` in the file */
	dev_t device;
	uint64_t inode; /* 0: no file */
	char path[256]; /* "" if it is longer */
};

/* Goes through the mappings of a process in ascending order. */
struct base_maps {
	pid_t pid;
	int fd;
	size_t used, size; /* of buf: taken, and filled */
	char buf[4096];
};

/* pid 0: our own. 0 or a negative errno; a success wants base_maps_close(). */
int base_maps_open(struct base_maps *maps, pid_t pid);
void base_maps_close(struct base_maps *maps);

/* False after the last one. */
bool base_maps_next(struct base_maps *maps, struct base_mapping *mapping);

/*
 * Map bytes [start, last], whole pages, of the shared `mapping` of process `pid` here, too:
 * the same pages, which stay when that process ends; forked children do not have them. Needs to open what is mapped:
 * as root anything; else a file by its path, or what we have mapped ourselves. 0 and *host
 * for base_sys_unmap(), or a negative errno.
 */
int base_maps_share(pid_t pid, const struct base_mapping *mapping, uint64_t start, uint64_t last,
		    bool write, void **host);

#endif
