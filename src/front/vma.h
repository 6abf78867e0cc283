/* SPDX-License-Identifier: MIT */
/*
 * Which addresses of this process show memory of our files. The kernel maps it as it
 * does any memory; what holds the file is a note here. So whatever unmaps has to come
 * this way, as far as there are such addresses.
 *
 * A forked child has the memory, too, but no note of it: the file does not wait for it.
 */
#ifndef FRONT_VMA_H
#define FRONT_VMA_H

#include "front/call.h"

/* A piece of a mapping. */
struct front_vma {
	struct base_gapnode node; /* addresses */
	struct mem_region *region;
	struct front_vma *next;
};

struct front_vmas {
	struct base_mutex lock; /* also held while the kernel maps and unmaps */
	struct base_gaptree tree;
};

#define FRONT_VMAS_INIT                             \
	{                                           \
		.lock = BASE_MUTEX_INIT(RANK_FRONT) \
	}

void front_vmas_init(struct front_vmas *vmas);

/* Unmap all. Nobody else uses it any more. */
void front_vmas_fini(struct front_vmas *vmas);

/* In a forked child: forget all, whatever others did with it. */
void front_vmas_after_fork(struct front_vmas *vmas);

/* False: unmapping and mapping over what is there need not come this way. */
static inline bool front_vmas_exist(const struct front_vmas *vmas)
{
	return base_load_relaxed(&vmas->tree.count);
}

/* The system calls, with *addr also as the result. 0 or a negative errno. */

struct front_mmap {
	size_t length;
	int prot, flags;
	int64_t offset;
};

/* On one of our files. */
int front_vmas_mmap(struct front_vmas *vmas, struct front_slot *slot, void **addr,
		    const struct front_mmap *call);

/* On something else, maybe over addresses of ours. */
int front_vmas_mmap_other(struct front_vmas *vmas, int fd, void **addr,
			  const struct front_mmap *call);

int front_vmas_munmap(struct front_vmas *vmas, void *addr, size_t length);

/* `wanted` counts with MREMAP_FIXED. What grows is -EFAULT. */
int front_vmas_mremap(struct front_vmas *vmas, void **addr, size_t old_length, size_t length,
		      int flags, void *wanted);

#endif
