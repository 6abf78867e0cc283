// SPDX-License-Identifier: MIT
/* What all page-table formats share. */
#include "pgtable/table.h"

#include <errno.h>

int pgtable_init(struct pgtable *pt, const struct pgtable_format *format, unsigned va_lg2)
{
	if (!va_lg2 || va_lg2 > format->va_max_lg2)
		return -EINVAL;
	pt->format = format;
	pt->va_lg2 = va_lg2;
	base_list_init(&pt->retired);
	return format->init(pt);
}

void pgtable_fini(struct pgtable *pt)
{
	pt->format->fini(pt);
	pgtable_trash_free(&pt->retired);
}

/* Set the bits [first, last]. */
static void bits_set(uint64_t *bits, uint64_t first, uint64_t last)
{
	uint64_t *word = bits + first / 64, *end = bits + last / 64;
	uint64_t mask = UINT64_MAX << first % 64;

	for (; word != end; mask = UINT64_MAX)
		*word++ |= mask;
	*word |= mask & UINT64_MAX >> (63 - last % 64);
}

void pgtable_dirty_add(struct pgtable_dirty *dirty, uint64_t start, uint64_t last)
{
	dirty->reach = dirty->found ? base_max_u64(dirty->reach, last) : last;
	dirty->found = true;
	if (dirty->bits)
		bits_set(dirty->bits, (start - dirty->start) >> dirty->unit_lg2,
			 (base_min_u64(last, dirty->last) - dirty->start) >> dirty->unit_lg2);
}

void pgtable_trash_take(struct base_list *to, struct base_list *from)
{
	struct pgtable_table *table, *next;

	base_list_for_each_safe (table, next, from, link) {
		base_list_remove(&table->link);
		base_list_add_tail(to, &table->link);
	}
}

void pgtable_trash_free(struct base_list *trash)
{
	struct pgtable_table *table, *next;

	base_list_for_each_safe (table, next, trash, link)
		base_free(table);
	base_list_init(trash);
}
