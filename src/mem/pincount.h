/* SPDX-License-Identifier: MIT */
/*
 * How many page sources pin a page of this process: for the test ABI, which asks
 * (iommufd-test-abi.md 4.2). Off until somebody wants to know, and then it counts
 * what is pinned from there on.
 */
#ifndef MEM_PINCOUNT_H
#define MEM_PINCOUNT_H

#include "base/base.h"

struct mem_pageids;

extern bool mem_pincount_on;

/* Count from now on, for the rest of the process. */
void mem_pincount_enable(void);

/* In a child of fork(), which has no pins: nothing is counted, and nobody holds the lock. */
void mem_pincount_after_fork(void);

/*
 * A page source has pinned (delta 1) or unpinned (-1) the pages that have bytes of
 * [host, host + length - 1], length > 0. Never fails: without memory some pages are
 * not counted. No allocation of this is an injection point. To be called if
 * mem_pincount_on only.
 */
void mem_pincount_record(uint64_t host, uint64_t length, int delta);

/* The pins of the page at a host address, by whatever addresses they were made. */
uint32_t mem_pincount_of(const struct mem_pageids *ids, uint64_t host);

#endif
