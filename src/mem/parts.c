// SPDX-License-Identifier: MIT
/* Counts of pages by runs. */
#include "mem/parts.h"

#include <errno.h>

struct part_run {
	struct base_gapnode node; /* start and last are page numbers */
	uint64_t pins;		  /* 0: between prepare and add or cancel */
};

static uint64_t run_pages(const struct part_run *run)
{
	return run->node.last - run->node.start + 1;
}

/* The lowest run that meets [first, last], NULL: none. Pages are fewer than 2^64. */
static struct part_run *run_at(const struct mem_parts *parts, uint64_t first, uint64_t last)
{
	struct base_gapnode *node =
		first <= last ? base_gaptree_first(&parts->runs, first, last) : NULL;

	return node ? base_container_of(node, struct part_run, node) : NULL;
}

#define for_each_run(run, parts, first, last)                 \
	for ((run) = run_at((parts), (first), (last)); (run); \
	     (run) = run_at((parts), (run)->node.last + 1, (last)))

static int run_new(struct mem_parts *parts, uint64_t first, uint64_t last, uint64_t pins)
{
	struct part_run *run = base_zalloc(sizeof(*run));

	if (!run)
		return -ENOMEM;
	run->node.start = first;
	run->node.last = last;
	run->pins = pins;
	base_gaptree_insert(&parts->runs, &run->node);
	return 0;
}

static void run_resize(struct mem_parts *parts, struct part_run *run, uint64_t first, uint64_t last)
{
	base_gaptree_remove(&parts->runs, &run->node);
	run->node.start = first;
	run->node.last = last;
	base_gaptree_insert(&parts->runs, &run->node);
}

/* From now on no run has both page - 1 and page. */
static int split(struct mem_parts *parts, uint64_t page)
{
	struct part_run *run = run_at(parts, page, page);
	uint64_t last;
	int rc;

	if (!run || run->node.start == page)
		return 0;
	last = run->node.last;
	run_resize(parts, run, run->node.start, page - 1);
	rc = run_new(parts, page, last, run->pins);
	if (rc)
		run_resize(parts, run, run->node.start, last);
	return rc;
}

static int fill_gaps(struct mem_parts *parts, uint64_t first, uint64_t last)
{
	uint64_t gap_last;
	int rc = 0;

	/* The new runs have no count, so each step goes on behind the one before. */
	for (; !rc && first <= last && mem_parts_gap(parts, &first, last, &gap_last);
	     first = gap_last + 1)
		rc = run_new(parts, first, gap_last, 0);
	return rc;
}

int mem_parts_prepare(struct mem_parts *parts, uint64_t first, uint64_t last)
{
	int rc = split(parts, first);

	if (!rc)
		rc = split(parts, last + 1);
	if (!rc)
		rc = fill_gaps(parts, first, last);
	if (rc)
		mem_parts_cancel(parts, first, last);
	return rc;
}

void mem_parts_add(struct mem_parts *parts, uint64_t first, uint64_t last)
{
	struct part_run *run;

	for_each_run(run, parts, first, last) if (!run->pins++) parts->pages += run_pages(run);
}

/* Remove the runs without a count. */
void mem_parts_cancel(struct mem_parts *parts, uint64_t first, uint64_t last)
{
	struct part_run *run;

	while ((run = run_at(parts, first, last))) {
		first = run->node.last + 1;
		if (run->pins)
			continue;
		base_gaptree_remove(&parts->runs, &run->node);
		base_free(run);
	}
}

void mem_parts_sub(struct mem_parts *parts, uint64_t first, uint64_t last)
{
	struct part_run *run;

	for_each_run(run, parts, first, last)
	{
		base_assert(run->pins > 0 && run->node.start >= first && run->node.last <= last);
		if (!--run->pins)
			parts->pages -= run_pages(run);
	}
	mem_parts_cancel(parts, first, last);
}

bool mem_parts_gap(const struct mem_parts *parts, uint64_t *first, uint64_t last,
		   uint64_t *gap_last)
{
	struct part_run *run;

	*gap_last = last;
	for_each_run(run, parts, *first, last)
	{
		if (!run->pins)
			continue;
		if (run->node.start > *first) {
			*gap_last = run->node.start - 1;
			return true;
		}
		*first = run->node.last + 1;
	}
	return *first <= last;
}
