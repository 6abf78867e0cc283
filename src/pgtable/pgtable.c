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
