/* SPDX-License-Identifier: MIT */
/*
 * Pinned memory of a remote client, in runs of one kind:
 *
 * - what it has mapped shared (a file, a memfd, anonymous) is mapped here, too, if the system
 *   lets us: the PA is the host address. It stays when the client's process ends.
 * - anything else is seen through a window (mem/pa.h): it ends with the process, and
 *   an access is then -EFAULT.
 */
#ifndef MEM_REMOTE_H
#define MEM_REMOTE_H

#include "mem/pa.h"

struct mem_remote_run {
	uint64_t start, last; /* addresses in the client's memory: whole pages */
	uint64_t pa;	      /* of start */
	bool fresh;	      /* not yet settled */
};

/* The pinned parts of one source. The caller has a lock around all calls. */
struct mem_remote {
	struct mem_client *client;   /* a reference */
	struct mem_remote_run *runs; /* ascending */
	size_t count, room;
};

/* Without runs; NULL: out of memory. */
struct mem_remote *mem_remote_new(struct mem_client *client);
void mem_remote_free(struct mem_remote *remote);

/*
 * Make [start, last], whole pages, part of the runs: present, and writable if `write`.
 * 0; -EFAULT, -ENOMEM, and nothing has changed.
 */
int mem_remote_take(struct mem_remote *remote, uint64_t start, uint64_t last, bool write);

/*
 * [start, last], whole pages, is no part of the runs any more, so that a later take looks at
 * it again. What is inside a larger run stays if memory is short.
 */
void mem_remote_release(struct mem_remote *remote, uint64_t start, uint64_t last);

/* Nothing is pinned any more. */
void mem_remote_drop(struct mem_remote *remote);

/* The PA of an address in some run, and in *run how far it goes on. */
uint64_t mem_remote_pa(const struct mem_remote *remote, uint64_t addr, uint64_t *run);

#endif
