/* SPDX-License-Identifier: MIT */
/*
 * The outward header of front/: a machine is made from the words of the command
 * line, and paths become files. What the ways in share besides that is in
 * front/fdtable.h and front/call.h.
 */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include <swiommu/swiommu.h>

#include "mem/mem.h"

/* ---- words: what `swiommu run` tells the preload library, by environment ---- */

#define FRONT_ENV_DEVICES	  "SWIOMMU_DEVICES" /* one spec a line */
#define FRONT_ENV_IOMMU		  "SWIOMMU_IOMMU"
#define FRONT_ENV_VDEVICE_DESTROY "SWIOMMU_VDEVICE_DESTROY"
#define FRONT_ENV_MEMLOCK	  "SWIOMMU_MEMLOCK"
#define FRONT_ENV_TEST_ABI	  "SWIOMMU_TEST_ABI" /* "1"; else without */
#define FRONT_ENV_LOG		  "SWIOMMU_LOG"

#define FRONT_DEFAULT_DEVICES "ioat"

/* The longest message below, with its NUL. */
#define FRONT_MESSAGE_SIZE 256

/* "vtd, mock" and "ioat, ...": what can be named, for messages and help. Writes at most `size`. */
void front_iommu_list(char *text, size_t size);
void front_model_list(char *text, size_t size);

/* "anytime" gives 0, "unbound" SWIOMMU_VDEVICE_DESTROY_UNBOUND; -EINVAL for other words. */
int front_vdevice_destroy_flag(const char *word, uint64_t *flags);

/* "host" gives 0, "unlimited" SWIOMMU_MEMLOCK_UNLIMITED; -EINVAL for other words. */
int front_memlock_flag(const char *word, uint64_t *flags);

/* ---- node.c: what a path is ---- */

enum front_node_type {
	FRONT_NODE_NONE,
	FRONT_NODE_IOMMUFD,   /* /dev/iommu */
	FRONT_NODE_DEVICE,    /* /dev/vfio/devices/vfioN */
	FRONT_NODE_DIR,	      /* /dev/vfio, /dev/vfio/devices */
	FRONT_NODE_QUEUE,     /* no path: made by an ioctl */
	FRONT_NODE_CONTAINER, /* /dev/vfio/vfio: an iommufd that accounts per process */
	FRONT_NODE_PLAIN,     /* preload: a file of /proc or debugfs */
};

struct front_node {
	enum front_node_type type;
	uint32_t number; /* N of vfioN; of a directory: its depth below /dev/vfio; the preload's */
};

/* By its spelling alone; whether a machine has that device is another question. */
struct front_node front_node_parse(const char *path);

/* A decimal number below 2^20 without leading zeros. */
bool front_number_parse(const char *text, uint32_t *number);

/* ---- machine.c: IOMMUs, devices, files by path ---- */

struct front_machine;

/* As swiommu_new() without the fd numbers: `iommu` NULL is "vtd". 0, -EINVAL, -ENOMEM. */
int front_machine_new(const char *iommu, uint64_t flags, struct front_machine **out);

/* Every file of the machine has been released. */
void front_machine_free(struct front_machine *machine);

/*
 * As swiommu_add_device(). On failure `message` (`size` bytes) gets one line for
 * people that says what to write instead.
 */
int front_machine_add(struct front_machine *machine, const struct swiommu_model *model,
		      const char *spec, struct swiommu_device **device, char *message, size_t size);

/* Add one device for each line of `specs`; stops at the first that fails, as above. */
int front_machine_add_lines(struct front_machine *machine, const char *specs, char *message,
			    size_t size);

/* Does the machine have this node? Directories and FRONT_NODE_NONE: no. */
bool front_machine_has(const struct front_machine *machine, struct front_node node);

/*
 * Open one of the machine's nodes for the client. 0 and a file, -ENOENT if it has no
 * such node, -ENOMEM. Sets client->may_lock; that of a remote client only if the
 * machine has no limit.
 */
int front_machine_open(struct front_machine *machine, struct front_node node,
		       struct mem_client *client, struct mem_file **file);

#endif
