/* SPDX-License-Identifier: MIT */
/*
 * The page-table code, compiled once for each format. A format's .c file
 * includes the format's header, then this file, once.
 *
 * Words: a table has 512 slots, and a slot holds an entry (0: nothing). Each
 * slot of one table spans 2^slot_lg2 bytes of input. A leaf spans 2^leaf_lg2
 * bytes; where that is more than its slot, it is repeated in all slots it
 * covers ("copies").
 *
 * Only map and unmap store entries, and one of them runs at a time (but see
 * dirty.h for a bit of leaves). A walk may meet any of these stores, so each one
 * leaves the tree whole: a table is linked after it was filled with zeroes, and
 * freed long after it was unlinked.
 *
 * The format gives FMT_GRANULE_LG2 (span of a slot of the lowest tables),
 * FMT_MIN_LEVELS, FMT_VA_LG2, FMT_PA_LG2 and the functions declared here, under
 * names of its own with a macro for the common name.
 */
#ifndef PGTABLE_TEMPLATE_H
#define PGTABLE_TEMPLATE_H

#include "pgtable/table.h"

#include <errno.h>

/* walk_down goes through three to five levels. */
_Static_assert(FMT_MIN_LEVELS >= 3, "a format with fewer levels");
_Static_assert(FMT_VA_LG2 - FMT_GRANULE_LG2 <= 5 * PGTABLE_INDEX_LG2, "a format with more levels");

/* A format whose leaves fill exactly one slot leaves these out. */
#ifndef fmt_leaf_copies
static inline unsigned fmt_leaf_lg2(uint64_t entry, unsigned slot_lg2)
{
	(void)entry;
	return slot_lg2;
}

static inline unsigned fmt_leaf_copies(unsigned leaf_lg2, unsigned slot_lg2)
{
	(void)leaf_lg2, (void)slot_lg2;
	return 1;
}
#endif

/* Does the entry map or lead anywhere? 0 does not. */
static inline bool fmt_is_present(uint64_t entry);

/*
 * Does an entry above the lowest level lead to another table? Other present
 * entries are leaves.
 */
static inline bool fmt_is_table(uint64_t entry);

/* The PA of the table that the entry leads to. */
static inline uint64_t fmt_table_pa(uint64_t entry);

/* The span of the leaf in a slot. */
static inline unsigned fmt_leaf_lg2(uint64_t entry, unsigned slot_lg2);

/* The output address of a leaf's first byte. */
static inline uint64_t fmt_leaf_pa(uint64_t entry, unsigned leaf_lg2);

/* PGTABLE_* out of the AND of the entries of all levels. */
static inline uint32_t fmt_rights_prot(uint64_t rights);

/* The entry that leads to the table at pa. */
static inline uint64_t fmt_table_entry(uint64_t pa, unsigned slot_lg2);

/* The entry of a leaf. prot is not 0. */
static inline uint64_t fmt_leaf_entry(uint64_t pa, unsigned leaf_lg2, unsigned slot_lg2,
				      uint32_t prot);

/* What to add to a leaf's entry to get that of the leaf right after it. */
static inline uint64_t fmt_leaf_step(unsigned leaf_lg2);

/* In how many slots a leaf is repeated. */
static inline unsigned fmt_leaf_copies(unsigned leaf_lg2, unsigned slot_lg2);

/* The outward functions, at the end of each part. */
static int fmt_init(struct pgtable *pt);
static void fmt_fini(struct pgtable *pt);
static int fmt_map(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t length, uint32_t prot,
		   uint64_t pgsizes);
static void fmt_unmap(struct pgtable *pt, uint64_t iova, uint64_t length, struct base_list *trash);
static bool fmt_walk(const struct pgtable *pt, uint64_t iova, struct pgtable_leaf *leaf);

#define FMT_OPS                                                                                 \
	.va_max_lg2 = FMT_VA_LG2, .pa_max_lg2 = FMT_PA_LG2, .init = fmt_init, .fini = fmt_fini, \
	.map = fmt_map, .unmap = fmt_unmap, .walk = fmt_walk

/* The span of a slot of the top table. */
static inline unsigned top_slot_lg2(const struct pgtable *pt)
{
	return FMT_GRANULE_LG2 + PGTABLE_INDEX_LG2 * (pt->levels - 1);
}

static inline struct pgtable_table *table_of(uint64_t entry)
{
	return pgtable_table_at(fmt_table_pa(entry));
}

/* 2^lg2 - 1 */
static inline uint64_t low_bits(unsigned lg2)
{
	return ((uint64_t)1 << lg2) - 1;
}

/* ---- walk ---- */

struct walk {
	struct pgtable_table *table;
	uint64_t iova, entry, rights;
	unsigned slot_lg2;
};

/* Load the entry at a level, counted from 0. True if that leads to another table. */
static inline bool walk_step(struct walk *walk, unsigned level)
{
	unsigned slot_lg2 = FMT_GRANULE_LG2 + PGTABLE_INDEX_LG2 * level;

	walk->slot_lg2 = slot_lg2;
	walk->entry = base_load(&walk->table->entry[pgtable_table_index(walk->iova, slot_lg2)]);
	walk->rights &= walk->entry;
	if (!level || !fmt_is_table(walk->entry))
		return false;
	walk->table = table_of(walk->entry);
	return true;
}

/* A line for each level, not a loop: with constant shifts a step is 10 instructions, not 16. */
static inline void walk_down(struct walk *walk, unsigned levels)
{
	if (levels > 4 && !walk_step(walk, 4))
		return;
	if (levels > 3 && !walk_step(walk, 3))
		return;
	if (walk_step(walk, 2) && walk_step(walk, 1))
		walk_step(walk, 0);
}

/* From the top to the leaf at iova. False: there is none. */
static inline bool walk_to_leaf(struct walk *walk, const struct pgtable *pt, uint64_t iova,
				struct pgtable_leaf *leaf)
{
	unsigned leaf_lg2;

	*walk = (struct walk){.table = pt->root, .iova = iova, .rights = UINT64_MAX};
	if (base_unlikely(iova >> pt->va_lg2))
		return false;
	walk_down(walk, pt->levels);
	if (!fmt_is_present(walk->entry))
		return false;
	leaf_lg2 = fmt_leaf_lg2(walk->entry, walk->slot_lg2);
	leaf->start = iova & ~low_bits(leaf_lg2);
	leaf->last = iova | low_bits(leaf_lg2);
	leaf->pa = fmt_leaf_pa(walk->entry, leaf_lg2);
	leaf->prot = fmt_rights_prot(walk->rights);
	return true;
}

static bool fmt_walk(const struct pgtable *pt, uint64_t iova, struct pgtable_leaf *leaf)
{
	struct walk walk;

	return walk_to_leaf(&walk, pt, iova, leaf);
}

/*
 * The writer's way down: to the table for iova whose slots span at most
 * 2^bound_lg2, or as far as there are tables. *slot_lg2 goes with the table.
 */
static inline struct pgtable_table *table_descend(struct pgtable_table *table, unsigned *slot_lg2,
						  uint64_t iova, unsigned bound_lg2)
{
	while (*slot_lg2 > bound_lg2) {
		unsigned index = pgtable_table_index(iova, *slot_lg2);
		uint64_t entry = base_load_relaxed(&table->entry[index]);

		if (!fmt_is_table(entry))
			break;
		table = table_of(entry);
		*slot_lg2 -= PGTABLE_INDEX_LG2;
	}
	return table;
}

/* ---- unlinked tables ---- */

/* Append a table that nothing leads to any more, and all below it, to trash. */
static void table_retire(struct pgtable_table *table, unsigned slot_lg2, struct base_list *trash)
{
	if (slot_lg2 > FMT_GRANULE_LG2) {
		for (unsigned i = 0; i < PGTABLE_INDEX_COUNT; i++) {
			uint64_t entry = base_load_relaxed(&table->entry[i]);

			if (fmt_is_table(entry))
				table_retire(table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2, trash);
		}
	}
	base_list_add_tail(trash, &table->link);
}

/* Is there no leaf in this table and below? */
static bool table_is_empty(const struct pgtable_table *table, unsigned slot_lg2)
{
	for (unsigned i = 0; i < PGTABLE_INDEX_COUNT; i++) {
		uint64_t entry = base_load_relaxed(&table->entry[i]);

		if (!entry)
			continue;
		if (slot_lg2 == FMT_GRANULE_LG2 || !fmt_is_table(entry) ||
		    !table_is_empty(table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2))
			return false;
	}
	return true;
}

/* ---- unmap ---- */

/* A leaf never reaches across the borders of what is unmapped. */
static inline bool leaf_is_inside(uint64_t entry, unsigned slot_lg2, uint64_t iova, uint64_t first,
				  uint64_t last)
{
	uint64_t mask = low_bits(fmt_leaf_lg2(entry, slot_lg2));

	return !entry || ((iova & ~mask) >= first && (iova | mask) <= last);
}

/* unmap_range in a table of the lowest level. */
static inline void unmap_leaves(struct pgtable_table *table, uint64_t start, uint64_t last)
{
	uint64_t *slot = &table->entry[pgtable_table_index(start, FMT_GRANULE_LG2)];
	uint64_t *end = &table->entry[pgtable_table_index(last, FMT_GRANULE_LG2)] + 1;

	base_assert(leaf_is_inside(base_load_relaxed(slot), FMT_GRANULE_LG2, start, start, last));
	base_assert(leaf_is_inside(base_load_relaxed(end - 1), FMT_GRANULE_LG2, last, start, last));
	do {
		base_store(slot, 0);
	} while (++slot != end);
}

/* Unmap [start, last] in a table that spans it. */
static void unmap_range(struct pgtable_table *table, unsigned slot_lg2, uint64_t start,
			uint64_t last, struct base_list *trash)
{
	uint64_t slot_last;

	if (slot_lg2 == FMT_GRANULE_LG2) {
		unmap_leaves(table, start, last);
		return;
	}
	for (uint64_t iova = start;; iova = slot_last + 1) {
		uint64_t *slot = &table->entry[pgtable_table_index(iova, slot_lg2)];
		uint64_t entry = base_load_relaxed(slot);

		slot_last = iova | low_bits(slot_lg2);
		if (!fmt_is_table(entry)) {
			base_assert(leaf_is_inside(entry, slot_lg2, iova, start, last));
			base_store(slot, 0);
		} else if (!(iova & low_bits(slot_lg2)) && slot_last <= last) {
			base_store(slot, 0);
			table_retire(table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2, trash);
		} else {
			unmap_range(table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2, iova,
				    base_min_u64(slot_last, last), trash);
		}
		if (slot_last >= last)
			return;
	}
}

/*
 * Unmap [start, last]. The tables at the top in which that is only a part of one
 * slot are passed by quickly.
 */
static inline void unmap_from_top(struct pgtable *pt, uint64_t start, uint64_t last,
				  struct base_list *trash)
{
	uint64_t differ = (start ^ last) | low_bits(FMT_GRANULE_LG2);
	unsigned slot_lg2 = top_slot_lg2(pt), in_slot_lg2 = base_log2(differ) + 1;
	bool is_whole = last - start == low_bits(in_slot_lg2);
	struct pgtable_table *table =
		table_descend(pt->root, &slot_lg2, start, in_slot_lg2 - !is_whole);

	if (slot_lg2 == FMT_GRANULE_LG2)
		unmap_leaves(table, start, last);
	else
		unmap_range(table, slot_lg2, start, last, trash);
}

static void fmt_unmap(struct pgtable *pt, uint64_t iova, uint64_t length, struct base_list *trash)
{
	uint64_t last = iova + (length - 1);

	base_assert(length && last >= iova);
	base_assert(!((iova | length) & low_bits(FMT_GRANULE_LG2)));
	if (!(iova >> pt->va_lg2))
		unmap_from_top(pt, iova, base_min_u64(last, low_bits(pt->va_lg2)), trash);
	if (base_unlikely(!base_list_is_empty(&pt->retired)))
		pgtable_trash_take(trash, &pt->retired);
}

/* ---- map ---- */

/* What is left of one call of map. */
struct map_job {
	struct pgtable *pt;
	uint64_t iova, pa, left; /* the next byte, and how many */
	uint64_t pgsizes;
	uint32_t prot;
};

/* Leaves of one size beside each other in one table. */
struct map_run {
	uint64_t *slot;
	unsigned slot_lg2, leaf_lg2;
	uint64_t count;
};

/* Make a slot empty if it holds a table without leaves. Else false. */
static BASE_COLD bool slot_vacate(struct pgtable *pt, uint64_t *slot, unsigned slot_lg2)
{
	uint64_t entry = base_load_relaxed(slot);

	if (!entry)
		return true;
	if (slot_lg2 == FMT_GRANULE_LG2 || !fmt_is_table(entry) ||
	    !table_is_empty(table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2))
		return false;
	base_store(slot, 0);
	table_retire(table_of(entry), slot_lg2 - PGTABLE_INDEX_LG2, &pt->retired);
	return true;
}

/* Are `copies` slots empty, or could be made so? */
static inline bool slots_vacate(struct pgtable *pt, uint64_t *slot, unsigned copies,
				unsigned slot_lg2)
{
	for (unsigned i = 0; i < copies; i++)
		if (base_unlikely(base_load_relaxed(slot + i)) &&
		    !slot_vacate(pt, slot + i, slot_lg2))
			return false;
	return true;
}

/*
 * The long runs: leaves of one slot each, four at a time while the slots are
 * empty. Returns how many were stored.
 */
static inline uint64_t fill_fours(uint64_t *slot, uint64_t count, uint64_t entry, uint64_t step)
{
	uint64_t *const begin = slot, *const end = slot + (count & ~(uint64_t)3);

	for (; slot != end; slot += 4) {
		if (base_load_relaxed(slot) | base_load_relaxed(slot + 1) |
		    base_load_relaxed(slot + 2) | base_load_relaxed(slot + 3))
			break;
		base_store(slot, entry);
		base_store(slot + 1, entry += step);
		base_store(slot + 2, entry += step);
		base_store(slot + 3, entry += step);
		entry += step;
	}
	return (uint64_t)(slot - begin);
}

/* Store a run's leaves, up to the first slot that is in use. Returns how many. */
static inline uint64_t run_fill(const struct map_job *job, const struct map_run *run)
{
	uint64_t entry = fmt_leaf_entry(job->pa, run->leaf_lg2, run->slot_lg2, job->prot);
	uint64_t step = fmt_leaf_step(run->leaf_lg2), done = 0;
	unsigned copies = fmt_leaf_copies(run->leaf_lg2, run->slot_lg2);
	uint64_t *slot = run->slot;

	if (copies == 1)
		done = fill_fours(slot, run->count, entry, step);
	entry += done * step;
	for (slot += done; done < run->count; done++, entry += step) {
		if (!slots_vacate(job->pt, slot, copies, run->slot_lg2))
			break;
		for (unsigned i = 0; i < copies; i++)
			base_store(slot++, entry);
	}
	return done;
}

/* The largest leaf that alignment and length allow here. */
static inline unsigned job_leaf_lg2(const struct map_job *job)
{
	uint64_t address = job->iova | job->pa;
	uint64_t aligned = address ^ (address - 1); /* all sizes up to the lowest set bit */
	uint64_t fitting = ((uint64_t)2 << base_log2(job->left)) - 1;

	return base_log2(job->pgsizes & aligned & fitting);
}

/* How many leaves of run->leaf_lg2 before the table ends or a larger size may be due. */
static inline uint64_t run_count(const struct map_job *job, const struct map_run *run)
{
	uint64_t span = (uint64_t)1 << (run->slot_lg2 + PGTABLE_INDEX_LG2);
	uint64_t bytes = base_min_u64(job->left, span - (job->iova & (span - 1)));
	uint64_t larger = base_lowest_bit(job->pgsizes & ~low_bits(run->leaf_lg2 + 1));

	if (larger && !((job->iova ^ job->pa) & (larger - 1)))
		bytes = base_min_u64(bytes, larger - (job->iova & (larger - 1)));
	return bytes >> run->leaf_lg2;
}

/* Find the slot for the run's first leaf; tables that are missing are made. */
static inline int run_find(const struct map_job *job, struct map_run *run)
{
	struct pgtable_table *table = job->pt->root, *child;

	run->slot_lg2 = top_slot_lg2(job->pt);
	for (;;) {
		table = table_descend(table, &run->slot_lg2, job->iova, run->leaf_lg2);
		run->slot = &table->entry[pgtable_table_index(job->iova, run->slot_lg2)];
		if (run->slot_lg2 <= run->leaf_lg2)
			return 0;
		if (base_load_relaxed(run->slot))
			return -EADDRINUSE;
		child = pgtable_table_new();
		if (!child)
			return -ENOMEM;
		base_store(run->slot, fmt_table_entry(pgtable_table_pa(child), run->slot_lg2));
	}
}

/* Map the next run and advance by what was stored. */
static inline int job_advance(struct map_job *job)
{
	struct map_run run = {.leaf_lg2 = job_leaf_lg2(job)};
	uint64_t done;
	int rc = run_find(job, &run);

	if (rc)
		return rc;
	run.count = run_count(job, &run);
	done = run_fill(job, &run) << run.leaf_lg2;
	job->iova += done;
	job->pa += done;
	job->left -= done;
	return done == run.count << run.leaf_lg2 ? 0 : -EADDRINUSE;
}

/* Errors that need no look at the tables: pgtable-formats.md 1.5. */
static inline int job_check(const struct map_job *job)
{
	uint64_t last, pa_last;

	if (!job->prot || (job->prot & ~(PGTABLE_READ | PGTABLE_WRITE)) || !job->left)
		return -EINVAL;
	if (!base_range_last(job->iova, job->left, &last))
		return -EOVERFLOW;
	if (last >> job->pt->va_lg2 || !base_range_last(job->pa, job->left, &pa_last) ||
	    pa_last >> FMT_PA_LG2)
		return -ERANGE;
	return 0;
}

/* Is everything a multiple of size? */
static inline bool job_is_aligned(const struct map_job *job, uint64_t size)
{
	return base_is_aligned(job->iova | job->pa | job->left, size);
}

/*
 * The short way for a single leaf into tables that are there, as when a driver
 * maps and unmaps one buffer after the other. False: go the long way.
 */
static inline bool job_is_quick(const struct map_job *job)
{
	unsigned slot_lg2 = top_slot_lg2(job->pt), leaf_lg2, copies;
	struct pgtable_table *table;
	uint64_t *slot, entry;

	if (!(job->left & job->pgsizes) || !job_is_aligned(job, job->left))
		return false;
	leaf_lg2 = (unsigned)__builtin_ctzll(job->left);
	table = table_descend(job->pt->root, &slot_lg2, job->iova, leaf_lg2);
	if (slot_lg2 > leaf_lg2)
		return false;
	slot = &table->entry[pgtable_table_index(job->iova, slot_lg2)];
	copies = fmt_leaf_copies(leaf_lg2, slot_lg2);
	for (unsigned i = 0; i < copies; i++)
		if (base_load_relaxed(slot + i))
			return false;
	entry = fmt_leaf_entry(job->pa, leaf_lg2, slot_lg2, job->prot);
	for (unsigned i = 0; i < copies; i++)
		base_store(slot + i, entry);
	return true;
}

/* The long way: all or nothing, run by run. */
static __attribute__((noinline)) int map_runs(struct pgtable *pt, uint64_t iova, uint64_t pa,
					      uint64_t length, uint32_t prot, uint64_t pgsizes)
{
	struct map_job job = {pt, iova, pa, length, pgsizes, prot};
	int rc;

	if (!pgsizes || !job_is_aligned(&job, base_lowest_bit(pgsizes)))
		return -ENXIO;
	do {
		rc = job_advance(&job);
	} while (!rc && job.left);
	/* Walkers may be in the new tables already, so these are not freed yet. */
	if (rc && job.iova != iova)
		unmap_from_top(pt, iova, job.iova - 1, &pt->retired);
	return rc;
}

static int fmt_map(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t length, uint32_t prot,
		   uint64_t pgsizes)
{
	struct map_job job = {pt, iova, pa, length, pgsizes & pt->format->pgsizes, prot};
	int rc = job_check(&job);

	if (rc || job_is_quick(&job))
		return rc;
	return map_runs(pt, iova, pa, length, prot, job.pgsizes);
}

/* ---- life ---- */

static int fmt_init(struct pgtable *pt)
{
	unsigned index_lg2 = pt->va_lg2 > FMT_GRANULE_LG2 ? pt->va_lg2 - FMT_GRANULE_LG2 : 0;
	unsigned levels = (index_lg2 + PGTABLE_INDEX_LG2 - 1) / PGTABLE_INDEX_LG2;

	pt->levels = levels > FMT_MIN_LEVELS ? levels : FMT_MIN_LEVELS;
	pt->root = pgtable_table_new();
	return pt->root ? 0 : -ENOMEM;
}

static void fmt_fini(struct pgtable *pt)
{
	table_retire(pt->root, top_slot_lg2(pt), &pt->retired);
}

#endif
