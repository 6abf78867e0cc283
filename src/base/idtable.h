/* SPDX-License-Identifier: MIT */
/*
 * Ids and what they stand for: a 64-way radix tree whose nodes also know which
 * slots are taken, so that the lowest free id and a lookup both cost one step
 * per level. Not locked: the owner's lock guards every call.
 */
#ifndef BASE_IDTABLE_H
#define BASE_IDTABLE_H

#include "base/compiler.h"

#define BASE_IDNODE_SLOTS 64

/* The slots of a leaf hold what ids stand for, all others hold nodes. */
struct base_idnode {
	uint64_t full;	/* slots without a free id */
	uint64_t nodes; /* slots that hold a node: none in a leaf */
	void *slot[BASE_IDNODE_SLOTS];
};

struct base_idtable {
	struct base_idnode *root;
	unsigned levels; /* 0 while empty */
	uint32_t taken;	 /* ids that are not free */
	uint32_t min, max;
};

/* Ids are given out from [min, max]; max < 2^32 - 1. */
void base_idtable_init(struct base_idtable *table, uint32_t min, uint32_t max);

/* Free the nodes. What the ids stood for is the caller's. */
void base_idtable_fini(struct base_idtable *table);

/*
 * Reserve the lowest free id; its slot reads as NULL until it is set. Returns 0
 * and *id, -ENOMEM, or -EBUSY if none is free. On failure nothing changes.
 */
int base_idtable_reserve(struct base_idtable *table, uint32_t *id);

/* Set what a reserved id stands for; NULL leaves it taken but empty (a tombstone). */
void base_idtable_set(struct base_idtable *table, uint32_t id, void *ptr);

/* Make a taken id free again. Never fails. */
void base_idtable_release(struct base_idtable *table, uint32_t id);

/* base_idtable_get() in a table of any depth. */
void *base_idtable_get_deep(const struct base_idtable *table, uint32_t id);

/* What id stands for; NULL if it is free, empty or out of range. */
static inline void *base_idtable_get(const struct base_idtable *table, uint32_t id)
{
	uint32_t index = id - table->min;

	if (base_likely(table->levels == 1 && index < BASE_IDNODE_SLOTS))
		return table->root->slot[index];
	return base_idtable_get_deep(table, id);
}

/* The first non-empty slot at or after *id; sets *id to it. NULL if there is none. */
void *base_idtable_next(const struct base_idtable *table, uint32_t *id);

#endif
