/* SPDX-License-Identifier: MIT */
/*
 * The dirty state of leaves: the second part of the template, for formats that
 * have a bit for it. Included after template.h, once.
 *
 * Walkers set the bit, by compare-and-swap on the entry that they found, so that
 * one that unmap has cleared stays 0. Of a leaf that is repeated they may mark
 * any copy: it is dirty if one of them is. read_dirty alone clears the bit, with
 * an AND that leaves the rest of the entry to whoever changes it.
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
static void fmt_read_dirty(struct pgtable *pt, uint64_t start, uint64_t last,
			   struct pgtable_dirty *dirty);

#define FMT_DIRTY_OPS .walk_dirty = fmt_walk_dirty, .read_dirty = fmt_read_dirty

#define GROUP_LG2      6 /* slots that are looked at together */
#define GROUP_COUNT    (1u << GROUP_LG2)
#define GROUP_SPAN_LG2 (FMT_GRANULE_LG2 + GROUP_LG2)

_Static_assert(GROUP_COUNT == BASE_SCAN_WORDS, "a group is not what base_scan_or reads");

/* ---- set ---- */

/* Make the leaf where the walk ended dirty. False: the entry changed since. */
static inline bool walk_mark(const struct walk *walk)
{
	uint64_t *slot = &walk->table->entry[pgtable_table_index(walk->iova, walk->slot_lg2)];
	uint64_t expected = walk->entry, desired = walk->entry | FMT_WRITTEN;

	return desired == expected || base_cas(slot, &expected, desired);
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

/* ---- read and clear ---- */

struct dirty_job {
	uint64_t start; /* nothing below is reported */
	struct pgtable_dirty *dirty;
};

static inline void job_report(const struct dirty_job *job, uint64_t start, uint64_t last)
{
	pgtable_dirty_add(job->dirty, base_max_u64(start, job->start), last);
}

/* Report the leaf with this slot if it is dirty. Returns the leaf's last byte. */
static uint64_t dirty_leaf(const struct dirty_job *job, struct pgtable_table *table,
			   unsigned slot_lg2, uint64_t iova)
{
	unsigned index = pgtable_table_index(iova, slot_lg2);
	unsigned leaf_lg2 = fmt_leaf_lg2(base_load_relaxed(&table->entry[index]), slot_lg2);
	unsigned copies = fmt_leaf_copies(leaf_lg2, slot_lg2);
	uint64_t *slot = &table->entry[index & ~(copies - 1)], any = 0;
	uint64_t last = iova | low_bits(leaf_lg2);

	for (unsigned i = 0; i < copies; i++)
		any |= base_load_relaxed(slot + i);
	if (!(any & FMT_DIRTY))
		return last;
	for (unsigned i = 0; job->dirty->clear && i < copies; i++)
		if (base_load_relaxed(slot + i) & FMT_DIRTY)
			base_and(slot + i, ~FMT_DIRTY);
	job_report(job, iova & ~low_bits(leaf_lg2), last);
	return last;
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

/* Does no leaf reach from this group into another? */
static inline bool group_is_closed(const uint64_t *slot)
{
	return fmt_leaf_lg2(base_load_relaxed(slot), FMT_GRANULE_LG2) <= GROUP_SPAN_LG2;
}

/* The slots of all leaves that have one in `mask`, in a closed group. */
static inline uint64_t group_spread(const uint64_t *slot, uint64_t mask)
{
	uint64_t all = 0;

	while (mask) {
		unsigned i = (unsigned)__builtin_ctzll(mask);
		unsigned leaf_lg2 = fmt_leaf_lg2(base_load_relaxed(slot + i), FMT_GRANULE_LG2);
		unsigned copies = fmt_leaf_copies(leaf_lg2, FMT_GRANULE_LG2);
		uint64_t leaf = UINT64_MAX >> (GROUP_COUNT - copies) << (i & ~(copies - 1));

		all |= leaf;
		mask &= ~leaf;
	}
	return all;
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

/* Report the leaves of a group at iova of which a slot is in `mask`. */
static void dirty_group(const struct dirty_job *job, struct pgtable_table *table, uint64_t iova,
			uint64_t mask)
{
	uint64_t *slot = &table->entry[pgtable_table_index(iova, FMT_GRANULE_LG2)];

	if (!group_is_closed(slot)) {
		dirty_leaf(job, table, FMT_GRANULE_LG2, iova);
		return;
	}
	for (uint64_t left = mask; job->dirty->clear && left; left &= left - 1)
		base_and(slot + __builtin_ctzll(left), ~FMT_DIRTY);
	report_slots(job, iova, group_spread(slot, mask));
}

/* [start, last], with all of the leaves at its ends, in a table of the lowest level. */
static void dirty_slots(const struct dirty_job *job, struct pgtable_table *table, uint64_t start,
			uint64_t last)
{
	uint64_t *slot = &table->entry[pgtable_table_index(start, FMT_GRANULE_LG2)];
	uint64_t *end = &table->entry[pgtable_table_index(last, FMT_GRANULE_LG2)];
	uint64_t iova, full_start = 0, span = (uint64_t)1 << GROUP_SPAN_LG2;
	bool full = false; /* all groups from full_start on are */

	start &= ~low_bits(fmt_leaf_lg2(base_load_relaxed(slot), FMT_GRANULE_LG2));
	last |= low_bits(fmt_leaf_lg2(base_load_relaxed(end), FMT_GRANULE_LG2));
	for (iova = base_align_down(start, span); iova <= last; iova += span) {
		uint64_t mask;

		slot = &table->entry[pgtable_table_index(iova, FMT_GRANULE_LG2)];
		mask = group_dirty(slot, full);
		if (iova < start)
			mask &= UINT64_MAX << ((start - iova) >> FMT_GRANULE_LG2);
		if (last - iova < span - 1)
			mask &= UINT64_MAX >> ((span - 1 - (last - iova)) >> FMT_GRANULE_LG2);
		if (mask == UINT64_MAX && group_is_closed(slot)) {
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
			dirty_group(job, table, iova, mask);
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
		uint64_t entry =
			base_load_relaxed(&table->entry[pgtable_table_index(iova, slot_lg2)]);

		slot_last = iova | low_bits(slot_lg2);
		if (fmt_is_table(entry))
			dirty_range(job, table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2, iova,
				    base_min_u64(slot_last, last));
		else if (entry)
			slot_last = dirty_leaf(job, table, slot_lg2, iova);
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
