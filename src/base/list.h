/* SPDX-License-Identifier: MIT */
/* Intrusive doubly linked list with a head of the same type. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/compiler.h"

struct base_list {
	struct base_list *prev, *next;
};

#define BASE_LIST_INIT(name)     \
	{                        \
		&(name), &(name) \
	}

static inline void base_list_init(struct base_list *head)
{
	head->prev = head->next = head;
}

static inline bool base_list_is_empty(const struct base_list *head)
{
	return head->next == head;
}

/* Append item at the tail of head. */
static inline void base_list_add_tail(struct base_list *head, struct base_list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

/* Insert item at the front of head. */
static inline void base_list_add(struct base_list *head, struct base_list *item)
{
	base_list_add_tail(head->next, item);
}

/* Unlink item and leave it as an empty list, so that a second removal is harmless. */
static inline void base_list_remove(struct base_list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	base_list_init(item);
}

/* The struct around list item `ptr`. */
#define base_list_entry(ptr, type, member) base_container_of(ptr, type, member)

/* Visit each struct of `head` in order; the loop body must not remove `pos`. */
#define base_list_for_each(pos, head, member)                               \
	for (pos = base_list_entry((head)->next, __typeof__(*pos), member); \
	     &pos->member != (head);                                        \
	     pos = base_list_entry(pos->member.next, __typeof__(*pos), member))

/* As above; the body may remove `pos`. `tmp` is a cursor of the same type. */
#define base_list_for_each_safe(pos, tmp, head, member)                        \
	for (pos = base_list_entry((head)->next, __typeof__(*pos), member),    \
	    tmp = base_list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (head);                                           \
	     pos = tmp, tmp = base_list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif
