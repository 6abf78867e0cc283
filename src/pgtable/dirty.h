/* SPDX-License-Identifier: MIT */
/*
 * The dirty state of leaves: the second part of the template, for formats that
 * have a bit for it. Included after template.h, once.
 *
 * Every slot has a bit of its own, also where a leaf is repeated in several. A
 * walker sets those of all copies, since it may go on to write anywhere in the
 * leaf; by compare-and-swap on the entry that it found, so that one that unmap has
 * cleared stays 0. read_dirty alone clears the bit, with an AND that leaves the
 * rest of the entry to whoever changes it.
 *
 * The format gives FMT_DIRTY (the bit), FMT_WRITTEN (all that a write sets in a
 * leaf) and names for the functions below. Neither bit is ever set in an entry
 * that leads to a table.
 */
#ifndef PGTABLE_DIRTY_H
#define PGTABLE_DIRTY_H

#include "pgtable/template.h"

static bool fmt_walk_dirty(struct pgtable *pt, uint64_t iova, uint32_t prot,
			   struct pgtable_leaf *leaf);
static void fmt_mark_dirty(struct pgtable *pt, uint64_t iova);
static void fmt_read_dirty(struct pgtable *pt, uint64_t start, uint64_t last,
			   struct pgtable_dirty *dirty);

#define FMT_DIRTY_OPS \
	.walk_dirty = fmt_walk_dirty, .mark_dirty = fmt_mark_dirty, .read_dirty = fmt_read_dirty

#define GROUP_LG2      6 /* slots that are looked at together */
#define GROUP_COUNT    (1u << GROUP_LG2)
#define GROUP_SPAN_LG2 (FMT_GRANULE_LG2 + GROUP_LG2)

_Static_assert(GROUP_COUNT == BASE_SCAN_WORDS, "a group is not what base_scan_or reads");

/* ---- set ---- */

/* Make a slot dirty that has the leaf `entry`. False: it has something else. */
static inline bool slot_mark(uint64_t *slot, uint64_t entry)
{
	uint64_t found = base_load_relaxed(slot);

	do {
		if ((found ^ entry) & ~FMT_WRITTEN)
			return false;
	} while ((found & FMT_WRITTEN) != FMT_WRITTEN &&
		 !base_cas(slot, &found, found | FMT_WRITTEN));
	return true;
}

/* The same for all copies of the leaf where the walk ended. */
static inline bool walk_mark(const struct walk *walk)
{
	unsigned index = pgtable_table_index(walk->iova, walk->slot_lg2);
	unsigned copies =
		fmt_leaf_copies(fmt_leaf_lg2(walk->entry, walk->slot_lg2), walk->slot_lg2);
	uint64_t *slot = &walk->table->entry[index & ~(copies - 1)];

	for (unsigned i = 0; i < copies; i++)
		if (!slot_mark(slot + i, walk->entry))
			return false;
	return true;
}

static bool fmt_walk_dirty(struct pgtable *pt, uint64_t iova, uint32_t prot,
			   struct pgtable_leaf *leaf)
{
	struct walk walk;

	do {
		if (!walk_to_leaf(&walk, pt, iova, leaf))
			return false;
	} while ((leaf->prot & prot) == prot && !walk_mark(&walk));
	return true;
}

static void fmt_mark_dirty(struct pgtable *pt, uint64_t iova)
{
	struct pgtable_leaf leaf;
	struct walk walk;

	while (walk_to_leaf(&walk, pt, iova, &leaf)) {
		unsigned index = pgtable_table_index(iova, walk.slot_lg2);

		if (slot_mark(&walk.table->entry[index], walk.entry))
			return;
	}
}

/* ---- read and clear ---- */

struct dirty_job {
	uint64_t start; /* nothing below is reported */
	struct pgtable_dirty *dirty;
};

static inline void job_report(const struct dirty_job *job, uint64_t start, uint64_t last)
{
	pgtable_dirty_add(job->dirty, base_max_u64(start, job->start), last);
}

/* A slot above the lowest level. */
static void dirty_slot(const struct dirty_job *job, uint64_t *slot, unsigned slot_lg2,
		       uint64_t iova)
{
	if (!(base_load_relaxed(slot) & FMT_DIRTY))
		return;
	if (job->dirty->clear)
		base_and(slot, ~FMT_DIRTY);
	job_report(job, iova & ~low_bits(slot_lg2), iova | low_bits(slot_lg2));
}

/*
 * Which slots of a group have the bit. Mostly none, or all if the one before had
 * (`full`): the likely answer is tried first.
 */
static inline uint64_t group_dirty(const uint64_t *slot, bool full)
{
	uint64_t mask = 0;

	if (full && (base_scan_and(slot) & FMT_DIRTY))
		return UINT64_MAX;
	if (!(base_scan_or(slot) & FMT_DIRTY))
		return 0;
	if (!full && (base_scan_and(slot) & FMT_DIRTY))
		return UINT64_MAX;
	for (unsigned i = GROUP_COUNT; i--;)
		mask = mask << 1 | !!(base_load_relaxed(slot + i) & FMT_DIRTY);
	return mask;
}

static inline void group_clear(uint64_t *slot)
{
	for (uint64_t *end = slot + GROUP_COUNT; slot != end; slot += 8) {
		base_and(slot, ~FMT_DIRTY);
		base_and(slot + 1, ~FMT_DIRTY);
		base_and(slot + 2, ~FMT_DIRTY);
		base_and(slot + 3, ~FMT_DIRTY);
		base_and(slot + 4, ~FMT_DIRTY);
		base_and(slot + 5, ~FMT_DIRTY);
		base_and(slot + 6, ~FMT_DIRTY);
		base_and(slot + 7, ~FMT_DIRTY);
	}
}

/* Report each run of slots. */
static void report_slots(const struct dirty_job *job, uint64_t iova, uint64_t mask)
{
	while (mask) {
		uint64_t first = (uint64_t)__builtin_ctzll(mask), carry = mask + (mask & -mask);
		uint64_t end = carry ? (uint64_t)__builtin_ctzll(carry) : GROUP_COUNT;

		job_report(job, iova + (first << FMT_GRANULE_LG2),
			   iova + (end << FMT_GRANULE_LG2) - 1);
		mask &= carry;
	}
}

/* The slots of a group at iova that are in `mask`. */
static void dirty_group(const struct dirty_job *job, uint64_t *slot, uint64_t iova, uint64_t mask)
{
	for (uint64_t left = mask; job->dirty->clear && left; left &= left - 1)
		base_and(slot + __builtin_ctzll(left), ~FMT_DIRTY);
	report_slots(job, iova, mask);
}

/* [start, last], with all of the slots at its ends, in a table of the lowest level. */
static void dirty_slots(const struct dirty_job *job, struct pgtable_table *table, uint64_t start,
			uint64_t last)
{
	uint64_t iova, full_start = 0, span = (uint64_t)1 << GROUP_SPAN_LG2;
	bool full = false; /* all groups from full_start on are */

	for (iova = base_align_down(start, span); iova <= last; iova += span) {
		uint64_t *slot = &table->entry[pgtable_table_index(iova, FMT_GRANULE_LG2)];
		uint64_t mask = group_dirty(slot, full);

		if (iova < start)
			mask &= UINT64_MAX << ((start - iova) >> FMT_GRANULE_LG2);
		if (last - iova < span - 1)
			mask &= UINT64_MAX >> ((span - 1 - (last - iova)) >> FMT_GRANULE_LG2);
		if (mask == UINT64_MAX) {
			if (job->dirty->clear)
				group_clear(slot);
			full_start = full ? full_start : iova;
			full = true;
			continue;
		}
		if (full)
			job_report(job, full_start, iova - 1);
		full = false;
		if (mask)
			dirty_group(job, slot, iova, mask);
	}
	if (full)
		job_report(job, full_start, iova - 1);
}

/* [start, last] in a table that spans it. */
static void dirty_range(const struct dirty_job *job, struct pgtable_table *table, unsigned slot_lg2,
			uint64_t start, uint64_t last)
{
	uint64_t slot_last;

	if (slot_lg2 == FMT_GRANULE_LG2) {
		dirty_slots(job, table, start, last);
		return;
	}
	for (uint64_t iova = start;; iova = slot_last + 1) {
		uint64_t *slot = &table->entry[pgtable_table_index(iova, slot_lg2)];
		uint64_t entry = base_load_relaxed(slot);

		slot_last = iova | low_bits(slot_lg2);
		if (fmt_is_table(entry))
			dirty_range(job, table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2, iova,
				    base_min_u64(slot_last, last));
		else if (entry)
			dirty_slot(job, slot, slot_lg2, iova);
		if (slot_last >= last)
			return;
	}
}

static void fmt_read_dirty(struct pgtable *pt, uint64_t start, uint64_t last,
			   struct pgtable_dirty *dirty)
{
	struct dirty_job job = {start, dirty};

	base_assert(last >= start);
	if (!(start >> pt->va_lg2))
		dirty_range(&job, pt->root, top_slot_lg2(pt), start,
			    base_min_u64(last, low_bits(pt->va_lg2)));
}

#endif
