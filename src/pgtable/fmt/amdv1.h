/* SPDX-License-Identifier: MIT */
/*
 * The bits of AMDv1 entries: pgtable-formats.md section 2. The instance defines
 * FMT_GRANULE_LG2 (12 in hardware), FMT_VA_LG2, FMT_PA_LG2 and FMT_MIN_LEVELS. An
 * output address is stored in units of the granule, from bit 12 upward.
 */
#ifndef PGTABLE_FMT_AMDV1_H
#define PGTABLE_FMT_AMDV1_H

#include "pgtable/table.h"

#define AMDV1_PR	 ((uint64_t)1 << 0)
#define AMDV1_D		 ((uint64_t)1 << 6)
#define AMDV1_LEVEL_LG2	 9 /* NextLevel 11:9 */
#define AMDV1_LEVEL_MASK 7u
#define AMDV1_CODED	 7u /* NextLevel of a leaf whose size is in its address */
#define AMDV1_OA_LG2	 12
#define AMDV1_OA	 0x000ffffffffff000ull /* 51:12 */
#define AMDV1_IR_LG2	 61
#define AMDV1_PROT	 ((uint64_t)(PGTABLE_READ | PGTABLE_WRITE) << AMDV1_IR_LG2) /* IR, IW */

/* How far an address is shifted in an entry. */
#define AMDV1_SHIFT (AMDV1_OA_LG2 - FMT_GRANULE_LG2)

static inline unsigned amdv1_next_level(uint64_t entry)
{
	return (entry >> AMDV1_LEVEL_LG2) & AMDV1_LEVEL_MASK;
}

static inline bool amdv1_is_present(uint64_t entry)
{
	return entry & AMDV1_PR;
}

/* NextLevel 1..6; only a present entry has one. */
static inline bool amdv1_is_table(uint64_t entry)
{
	return amdv1_next_level(entry) - 1 < AMDV1_CODED - 1;
}

static inline uint64_t amdv1_table_pa(uint64_t entry)
{
	return (entry & AMDV1_OA) >> AMDV1_SHIFT;
}

/* 2.2: one more than the lowest zero bit of the address field. */
static inline unsigned amdv1_leaf_lg2(uint64_t entry, unsigned slot_lg2)
{
	if (amdv1_next_level(entry) != AMDV1_CODED)
		return slot_lg2;
	return (unsigned)__builtin_ctzll(~(entry | ~AMDV1_OA)) + 1 - AMDV1_SHIFT;
}

static inline uint64_t amdv1_leaf_pa(uint64_t entry, unsigned leaf_lg2)
{
	return base_align_down((entry & AMDV1_OA) >> AMDV1_SHIFT, (uint64_t)1 << leaf_lg2);
}

/* 2.4 */
static inline uint32_t amdv1_rights_prot(uint64_t rights)
{
	return (rights & AMDV1_PROT) >> AMDV1_IR_LG2;
}

/* 2.1, 2.4: the level of the child, counted from 1; always readable and writable. */
static inline uint64_t amdv1_table_entry(uint64_t pa, unsigned slot_lg2)
{
	uint64_t level = (slot_lg2 - FMT_GRANULE_LG2) / PGTABLE_INDEX_LG2;

	return pa << AMDV1_SHIFT | level << AMDV1_LEVEL_LG2 | AMDV1_PROT | AMDV1_PR;
}

/* 2.2 */
static inline uint64_t amdv1_leaf_entry(uint64_t pa, unsigned leaf_lg2, unsigned slot_lg2,
					uint32_t prot)
{
	uint64_t entry = pa << AMDV1_SHIFT | (uint64_t)prot << AMDV1_IR_LG2 | AMDV1_PR;
	uint64_t ones = ((uint64_t)1 << (leaf_lg2 + AMDV1_SHIFT - 1)) - 1;

	if (leaf_lg2 > slot_lg2)
		entry |= (ones & AMDV1_OA) | (uint64_t)AMDV1_CODED << AMDV1_LEVEL_LG2;
	return entry;
}

static inline uint64_t amdv1_leaf_step(unsigned leaf_lg2)
{
	return (uint64_t)1 << (leaf_lg2 + AMDV1_SHIFT);
}

/* 2.2: a larger leaf is repeated in all slots that it covers. */
static inline unsigned amdv1_leaf_copies(unsigned leaf_lg2, unsigned slot_lg2)
{
	return 1u << (leaf_lg2 - slot_lg2);
}

#define fmt_is_present	amdv1_is_present
#define fmt_is_table	amdv1_is_table
#define fmt_table_pa	amdv1_table_pa
#define fmt_leaf_lg2	amdv1_leaf_lg2
#define fmt_leaf_pa	amdv1_leaf_pa
#define fmt_rights_prot amdv1_rights_prot
#define fmt_table_entry amdv1_table_entry
#define fmt_leaf_entry	amdv1_leaf_entry
#define fmt_leaf_step	amdv1_leaf_step
#define fmt_leaf_copies amdv1_leaf_copies

#define fmt_init  amdv1_init
#define fmt_fini  amdv1_fini
#define fmt_map	  amdv1_map
#define fmt_unmap amdv1_unmap
#define fmt_walk  amdv1_walk

#define FMT_DIRTY      AMDV1_D
#define FMT_WRITTEN    AMDV1_D
#define fmt_walk_dirty amdv1_walk_dirty
#define fmt_mark_dirty amdv1_mark_dirty
#define fmt_read_dirty amdv1_read_dirty

#endif
