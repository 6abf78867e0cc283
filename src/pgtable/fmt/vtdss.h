/* SPDX-License-Identifier: MIT */
/* The bits of VT-d second-stage entries: pgtable-formats.md section 3. */
#ifndef PGTABLE_FMT_VTDSS_H
#define PGTABLE_FMT_VTDSS_H

#include "pgtable/table.h"

#define VTDSS_R	      ((uint64_t)PGTABLE_READ)
#define VTDSS_W	      ((uint64_t)PGTABLE_WRITE)
#define VTDSS_PS      ((uint64_t)1 << 7)
#define VTDSS_A	      ((uint64_t)1 << 8)
#define VTDSS_D	      ((uint64_t)1 << 9)
#define VTDSS_ADDRESS 0x000ffffffffff000ull /* 51:12 */

#define FMT_GRANULE_LG2 12
#define FMT_MIN_LEVELS	3 /* 3.1 */
#define FMT_VA_LG2	57
#define FMT_PA_LG2	52
#define FMT_PGSIZES	((uint64_t)1 << 12 | (uint64_t)1 << 21 | (uint64_t)1 << 30)

static inline bool vtdss_is_present(uint64_t entry)
{
	return entry & (VTDSS_R | VTDSS_W);
}

static inline bool vtdss_is_table(uint64_t entry)
{
	return vtdss_is_present(entry) && !(entry & VTDSS_PS);
}

static inline uint64_t vtdss_table_pa(uint64_t entry)
{
	return entry & VTDSS_ADDRESS;
}

static inline uint64_t vtdss_leaf_pa(uint64_t entry, unsigned leaf_lg2)
{
	(void)leaf_lg2;
	return entry & VTDSS_ADDRESS;
}

/* 3.3 */
static inline uint32_t vtdss_rights_prot(uint64_t rights)
{
	return rights & (VTDSS_R | VTDSS_W);
}

/* 3.4 */
static inline uint64_t vtdss_table_entry(uint64_t pa, unsigned slot_lg2)
{
	(void)slot_lg2;
	return pa | VTDSS_R | VTDSS_W;
}

/* 3.4 */
static inline uint64_t vtdss_leaf_entry(uint64_t pa, unsigned leaf_lg2, unsigned slot_lg2,
					uint32_t prot)
{
	(void)slot_lg2;
	return pa | prot | (leaf_lg2 > FMT_GRANULE_LG2 ? VTDSS_PS : 0);
}

static inline uint64_t vtdss_leaf_step(unsigned leaf_lg2)
{
	return (uint64_t)1 << leaf_lg2;
}

#define fmt_is_present	vtdss_is_present
#define fmt_is_table	vtdss_is_table
#define fmt_table_pa	vtdss_table_pa
#define fmt_leaf_pa	vtdss_leaf_pa
#define fmt_rights_prot vtdss_rights_prot
#define fmt_table_entry vtdss_table_entry
#define fmt_leaf_entry	vtdss_leaf_entry
#define fmt_leaf_step	vtdss_leaf_step

#define fmt_init  vtdss_init
#define fmt_fini  vtdss_fini
#define fmt_map	  vtdss_map
#define fmt_unmap vtdss_unmap
#define fmt_walk  vtdss_walk

#define FMT_DIRTY      VTDSS_D
#define FMT_WRITTEN    (VTDSS_A | VTDSS_D)
#define fmt_walk_dirty vtdss_walk_dirty
#define fmt_mark_dirty vtdss_mark_dirty
#define fmt_read_dirty vtdss_read_dirty

#endif
