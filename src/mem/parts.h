/* SPDX-License-Identifier: MIT */
/*
 * How often each page of a source is pinned by part: disjoint runs of pages, each
 * with one count. A pin splits the runs at its two borders; runs that have a count
 * are not joined again. So the runs that meet an unpin lie inside it, and it
 * neither allocates nor fails. The cost follows runs, not pages.
 *
 * Pages are numbered from 0; [first, last] is inclusive. The owner's lock guards
 * every call.
 */
#ifndef MEM_PARTS_H
#define MEM_PARTS_H

#include "base/base.h"

struct mem_parts {
	struct base_gaptree runs;
	uint64_t pages; /* that have a count */
};

static inline void mem_parts_init(struct mem_parts *parts)
{
	base_gaptree_init(&parts->runs);
	parts->pages = 0;
}

/*
 * A pin in two steps. The first makes the runs, and can fail: -ENOMEM. The counts
 * stay what they were until mem_parts_add() or mem_parts_cancel() of the same pages.
 */
int mem_parts_prepare(struct mem_parts *parts, uint64_t first, uint64_t last);
void mem_parts_add(struct mem_parts *parts, uint64_t first, uint64_t last);
void mem_parts_cancel(struct mem_parts *parts, uint64_t first, uint64_t last);

/* Undo one mem_parts_add() of the same pages. */
void mem_parts_sub(struct mem_parts *parts, uint64_t first, uint64_t last);

/*
 * The lowest run of pages in [*first, last] without a count: true, and it is
 * [*first, *gap_last]. False: all have one.
 */
bool mem_parts_gap(const struct mem_parts *parts, uint64_t *first, uint64_t last,
		   uint64_t *gap_last);

#endif
