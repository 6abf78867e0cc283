/* SPDX-License-Identifier: MIT */
/* The bits of x86-64 entries, as VT-d first stage uses them: pgtable-formats.md section 4. */
#ifndef PGTABLE_FMT_X86_64_H
#define PGTABLE_FMT_X86_64_H

#include "pgtable/table.h"

#define X86_64_P       ((uint64_t)1 << 0)
#define X86_64_RW      ((uint64_t)1 << 1)
#define X86_64_US      ((uint64_t)1 << 2)
#define X86_64_A       ((uint64_t)1 << 5)
#define X86_64_D       ((uint64_t)1 << 6)
#define X86_64_PS      ((uint64_t)1 << 7)
#define X86_64_PAT     ((uint64_t)1 << 12)   /* in a large leaf */
#define X86_64_ADDRESS 0x000ffffffffff000ull /* 51:12 */

#define FMT_GRANULE_LG2 12
#define FMT_MIN_LEVELS	4 /* 4.1 */
#define FMT_VA_LG2	57
#define FMT_PA_LG2	52
#define FMT_PGSIZES	((uint64_t)1 << 12 | (uint64_t)1 << 21 | (uint64_t)1 << 30)

static inline bool x86_64_is_present(uint64_t entry)
{
	return entry & X86_64_P;
}

static inline bool x86_64_is_table(uint64_t entry)
{
	return x86_64_is_present(entry) && !(entry & X86_64_PS);
}

static inline uint64_t x86_64_table_pa(uint64_t entry)
{
	return entry & X86_64_ADDRESS;
}

/* A guest may have set PAT below the address of a large leaf. */
static inline uint64_t x86_64_leaf_pa(uint64_t entry, unsigned leaf_lg2)
{
	return base_align_down(entry & X86_64_ADDRESS, (uint64_t)1 << leaf_lg2);
}

/* 4.3: P allows reads. */
static inline uint32_t x86_64_rights_prot(uint64_t rights)
{
	return PGTABLE_READ | (rights & X86_64_RW ? PGTABLE_WRITE : 0);
}

/* Column "Linux writes". */
static inline uint64_t x86_64_table_entry(uint64_t pa, unsigned slot_lg2)
{
	(void)slot_lg2;
	return pa | X86_64_P | X86_64_RW | X86_64_US | X86_64_A;
}

/* Column "Linux writes". */
static inline uint64_t x86_64_leaf_entry(uint64_t pa, unsigned leaf_lg2, unsigned slot_lg2,
					 uint32_t prot)
{
	uint64_t entry = pa | X86_64_P | X86_64_US | X86_64_A;

	(void)slot_lg2;
	if (prot & PGTABLE_WRITE)
		entry |= X86_64_RW | X86_64_D;
	return leaf_lg2 > FMT_GRANULE_LG2 ? entry | X86_64_PS : entry;
}

static inline uint64_t x86_64_leaf_step(unsigned leaf_lg2)
{
	return (uint64_t)1 << leaf_lg2;
}

#define fmt_is_present	x86_64_is_present
#define fmt_is_table	x86_64_is_table
#define fmt_table_pa	x86_64_table_pa
#define fmt_leaf_pa	x86_64_leaf_pa
#define fmt_rights_prot x86_64_rights_prot
#define fmt_table_entry x86_64_table_entry
#define fmt_leaf_entry	x86_64_leaf_entry
#define fmt_leaf_step	x86_64_leaf_step

#define fmt_init  x86_64_init
#define fmt_fini  x86_64_fini
#define fmt_map	  x86_64_map
#define fmt_unmap x86_64_unmap
#define fmt_walk  x86_64_walk

#endif
