/* SPDX-License-Identifier: MIT */
/* Inside mem/: what the kinds of page sources share (source.h). */
#ifndef MEM_PRIVATE_H
#define MEM_PRIVATE_H

#include "mem/parts.h"
#include "mem/remote.h"
#include "mem/source.h"

/* What few sources need. */
struct mem_source_extra {
	struct mem_parts parts; /* pins of parts, in pages of the source */

	/*
	 * The host address of the source's first page, if that is not the client's
	 * own memory. Of a file: 0 unless it is mapped.
	 */
	uint64_t host;

	/* Of a file: */
	int fd; /* ours */
	void *map;
	uint64_t map_length;

	/* Of memory of a remote client: */
	struct mem_remote *remote;

	/* Of a dma-buf: */
	struct mem_dmabuf *dmabuf; /* a reference of its file */
	uint64_t revocations;	   /* of it, before the source was made */
};

/* Without pins, all else 0. NULL: out of memory. */
struct mem_source_extra *mem_source_extra_new(void);

/* It is the source's from now on. */
void mem_source_extend(struct mem_source *source, struct mem_source_extra *extra);

/* ---- source_file.c ---- */

/* Pages up to `last` are to be pinned: the file is as long, and mapped then. -EINVAL, ... */
int mem_source_file_map_locked(struct mem_source *source, uint64_t last);

/* No page of the file is pinned. */
void mem_source_file_unmap_locked(struct mem_source *source);

#endif
