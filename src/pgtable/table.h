/* SPDX-License-Identifier: MIT */
/* One table of a radix tree. For the files of pgtable/ only. */
#ifndef PGTABLE_TABLE_H
#define PGTABLE_TABLE_H

#include "pgtable/pgtable.h"

#define PGTABLE_TABLE_LG2   12 /* size and alignment of the entries, in bytes */
#define PGTABLE_INDEX_LG2   9
#define PGTABLE_INDEX_COUNT (1u << PGTABLE_INDEX_LG2)

/*
 * A walker may still be among the entries after the table was unlinked, so the
 * link is not stored over them. It costs nothing: malloc leaves a gap between
 * blocks that are aligned to 4 KiB.
 */
struct pgtable_table {
	uint64_t entry[PGTABLE_INDEX_COUNT];
	struct base_list link; /* in a trash list, once unlinked */
};

/* An empty table, aligned to 2^PGTABLE_TABLE_LG2; NULL if memory is short. */
static inline struct pgtable_table *pgtable_table_new(void)
{
	return base_zalloc_aligned((size_t)1 << PGTABLE_TABLE_LG2, sizeof(struct pgtable_table));
}

/* The PA of a table is its host address. */
static inline uint64_t pgtable_table_pa(const struct pgtable_table *table)
{
	return (uintptr_t)table;
}

static inline struct pgtable_table *pgtable_table_at(uint64_t pa)
{
	return (struct pgtable_table *)(uintptr_t)pa;
}

/* The slot for iova in a table whose slots span 2^slot_lg2 bytes each. */
static inline unsigned pgtable_table_index(uint64_t iova, unsigned slot_lg2)
{
	return (iova >> slot_lg2) & (PGTABLE_INDEX_COUNT - 1);
}

/* Append all items of `from` to `to` and leave `from` empty. */
void pgtable_trash_take(struct base_list *to, struct base_list *from);

#endif
