/* SPDX-License-Identifier: MIT */
/*
 * Which host addresses are the same page: for the test ABI (iommufd-test-abi.md 4.1,
 * 4.2). Memory that is shared may be mapped at several addresses: then a page is
 * named by device, inode and offset, of which the kernel tells us in a list of mappings.
 */
#ifndef MEM_PAGEID_H
#define MEM_PAGEID_H

#include "base/base.h"

/* A mapping of memory that may be mapped elsewhere, too. */
struct mem_shared {
	uint64_t start, last; /* host addresses */
	uint64_t offset;      /* of start, in the file */
	uint64_t device, inode;
};

/* The shared mappings of this process as they were when they were read. */
struct mem_pageids {
	struct mem_shared *shared; /* by address */
	size_t count;
};

/* Read the list. 0; -ENOMEM, or what open(2) or read(2) says. On success _fini() is due. */
int mem_pageids_init(struct mem_pageids *ids);
void mem_pageids_fini(struct mem_pageids *ids);

/* Are two host addresses the same byte of the same page? */
bool mem_pageids_same(const struct mem_pageids *ids, uint64_t a, uint64_t b);

/*
 * The next address at which the byte at `host` is mapped, besides that one.
 * *cursor begins as 0. False: there are no more.
 */
bool mem_pageids_alias(const struct mem_pageids *ids, uint64_t host, size_t *cursor,
		       uint64_t *alias);

#endif
