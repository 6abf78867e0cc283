// SPDX-License-Identifier: MIT
/*
 * The id table: a 64-way radix tree over index = id - min.
 *
 * The nodes on the way to index 0 are never freed before the table is, since
 * the next reservations go there: taking and releasing the same few ids costs
 * no allocation. Every other node goes as soon as it is empty.
 */
#include "base/idtable.h"

#include "base/alloc.h"

#include <errno.h>

#define SLOTS_LG2 6
#define SLOTS	  BASE_IDNODE_SLOTS
#define ALL_SLOTS UINT64_MAX
_Static_assert(SLOTS == 1u << SLOTS_LG2, "slots of a node");
#define LEVELS_MAX 6 /* of 6 bits each: more than the 32 of an id */

static unsigned slot_of(uint64_t index, unsigned shift)
{
	return (unsigned)(index >> shift) % SLOTS;
}

static uint64_t bit_of(uint64_t index, unsigned shift)
{
	return (uint64_t)1 << slot_of(index, shift);
}

static unsigned first_free(const struct base_idnode *node)
{
	return (unsigned)__builtin_ctzll(~node->full);
}

static bool is_past_root(const struct base_idtable *table, uint64_t index)
{
	return index >> (table->levels * SLOTS_LG2);
}

/* Free node and all below it. */
static void free_nodes(struct base_idnode *node)
{
	for (uint64_t rest = node->nodes; rest; rest &= rest - 1)
		free_nodes(node->slot[__builtin_ctzll(rest)]);
	base_free(node);
}

/* One empty leaf at slot 0 of nodes that have nothing else, `levels` (> 0) in all. NULL: ENOMEM. */
static struct base_idnode *new_nodes(unsigned levels)
{
	struct base_idnode *top = NULL;

	for (unsigned level = 0; level < levels; level++) {
		struct base_idnode *node = base_zalloc(sizeof(*node));

		if (!node) {
			if (top)
				free_nodes(top);
			return NULL;
		}
		node->slot[0] = top;
		node->nodes = top ? 1 : 0;
		top = node;
	}
	return top;
}

/* The first root. */
static BASE_COLD int plant(struct base_idtable *table)
{
	table->root = new_nodes(1);
	if (!table->root)
		return -ENOMEM;
	table->levels = 1;
	return 0;
}

/* A new root above the full one, and the nodes down to its first free id. */
static BASE_COLD int grow(struct base_idtable *table)
{
	struct base_idnode *root, *side;

	if ((uint64_t)1 << (table->levels * SLOTS_LG2) > table->max - table->min)
		return -EBUSY;
	side = new_nodes(table->levels);
	if (!side)
		return -ENOMEM;
	root = base_zalloc(sizeof(*root));
	if (!root) {
		free_nodes(side);
		return -ENOMEM;
	}
	root->full = 1;
	root->nodes = 3;
	root->slot[0] = table->root;
	root->slot[1] = side;
	table->root = root;
	table->levels++;
	return 0;
}

/* Give the parent of `first` and its successors, at `shift`, the missing nodes below. */
static BASE_COLD int branch(const struct base_idtable *table, struct base_idnode *parent,
			    uint64_t first, unsigned shift)
{
	struct base_idnode *side;

	if (first > table->max - table->min)
		return -EBUSY;
	side = new_nodes(shift / SLOTS_LG2);
	if (!side)
		return -ENOMEM;
	parent->slot[slot_of(first, shift)] = side;
	parent->nodes |= bit_of(first, shift);
	return 0;
}

/* path[level] is the node at that level on the way to index; leaves are at level 0. */
static void find_path(const struct base_idtable *table, uint64_t index, struct base_idnode **path)
{
	struct base_idnode *node = table->root;

	for (unsigned level = table->levels - 1; level; level--) {
		path[level] = node;
		node = node->slot[slot_of(index, level * SLOTS_LG2)];
	}
	path[0] = node;
}

/* The leaf of index has become full: tell the nodes above. */
static BASE_COLD void fill(struct base_idtable *table, uint64_t index)
{
	struct base_idnode *path[LEVELS_MAX];

	find_path(table, index, path);
	for (unsigned level = 1; level < table->levels; level++) {
		path[level]->full |= bit_of(index, level * SLOTS_LG2);
		if (path[level]->full != ALL_SLOTS)
			return;
	}
}

/* The leaf of index is full no more. */
static BASE_COLD void unfill(struct base_idtable *table, uint64_t index)
{
	struct base_idnode *path[LEVELS_MAX];

	find_path(table, index, path);
	for (unsigned level = 1; level < table->levels; level++)
		path[level]->full &= ~bit_of(index, level * SLOTS_LG2);
}

/* The leaf of index has become empty and is not the first: free what is empty on the way to it. */
static BASE_COLD void prune(struct base_idtable *table, uint64_t index)
{
	struct base_idnode *path[LEVELS_MAX];
	unsigned shift = SLOTS_LG2;

	find_path(table, index, path);
	for (unsigned level = 0; index >> shift && !path[level]->full && !path[level]->nodes;
	     level++, shift += SLOTS_LG2) {
		base_free(path[level]);
		path[level + 1]->slot[slot_of(index, shift)] = NULL;
		path[level + 1]->nodes &= ~bit_of(index, shift);
	}
}

/* The leaf of a taken id. */
static struct base_idnode *leaf_of(const struct base_idtable *table, uint64_t index)
{
	struct base_idnode *leaf = table->root;

	base_assert(leaf && !is_past_root(table, index));
	for (unsigned level = table->levels - 1; level; level--) {
		leaf = leaf->slot[slot_of(index, level * SLOTS_LG2)];
		base_assert(leaf);
	}
	base_assert(leaf->full & bit_of(index, 0));
	return leaf;
}

void base_idtable_init(struct base_idtable *table, uint32_t min, uint32_t max)
{
	base_assert(min <= max && max < UINT32_MAX);
	*table = (struct base_idtable){.min = min, .max = max};
}

void base_idtable_fini(struct base_idtable *table)
{
	if (table->root)
		free_nodes(table->root);
	base_idtable_init(table, table->min, table->max);
}

/* Take the lowest free id of a leaf, whose index this is. */
static void take(struct base_idtable *table, struct base_idnode *leaf, uint64_t index, uint32_t *id)
{
	leaf->full |= leaf->full + 1;
	table->taken++;
	*id = table->min + (uint32_t)index;
}

/* base_idtable_reserve for any table. */
static __attribute__((noinline)) int reserve_any(struct base_idtable *table, uint32_t *id)
{
	struct base_idnode *node = table->root;
	uint64_t index = 0;
	int rc;

	if (!node || node->full == ALL_SLOTS) {
		rc = node ? grow(table) : plant(table);
		if (rc)
			return rc;
		node = table->root;
	}
	for (unsigned shift = (table->levels - 1) * SLOTS_LG2; shift; shift -= SLOTS_LG2) {
		unsigned slot = first_free(node);

		index |= (uint64_t)slot << shift;
		if (!node->slot[slot]) {
			rc = branch(table, node, index, shift);
			if (rc)
				return rc;
		}
		node = node->slot[slot];
	}
	index |= first_free(node);
	if (index > table->max - table->min)
		return -EBUSY;
	take(table, node, index, id);
	if (node->full == ALL_SLOTS)
		fill(table, index);
	return 0;
}

/* The fast way is for a table that is one leaf, with room. */
int base_idtable_reserve(struct base_idtable *table, uint32_t *id)
{
	struct base_idnode *leaf = table->root;
	uint64_t index;

	if (base_unlikely(table->levels != 1 || leaf->full == ALL_SLOTS))
		return reserve_any(table, id);
	index = first_free(leaf);
	if (base_unlikely(index > table->max - table->min))
		return -EBUSY;
	take(table, leaf, index, id);
	return 0;
}

void base_idtable_set(struct base_idtable *table, uint32_t id, void *ptr)
{
	uint64_t index = id - table->min;
	struct base_idnode *leaf = leaf_of(table, index);

	leaf->slot[slot_of(index, 0)] = ptr;
}

void base_idtable_release(struct base_idtable *table, uint32_t id)
{
	uint64_t index = id - table->min;
	struct base_idnode *leaf = leaf_of(table, index);
	bool was_full = leaf->full == ALL_SLOTS;

	leaf->full &= ~bit_of(index, 0);
	leaf->slot[slot_of(index, 0)] = NULL;
	table->taken--;
	if (base_unlikely(was_full))
		unfill(table, index);
	else if (base_unlikely(!leaf->full && index >= SLOTS))
		prune(table, index);
}

void *base_idtable_get_deep(const struct base_idtable *table, uint32_t id)
{
	uint64_t index = id - table->min;
	void *at = table->root;

	if (base_unlikely(is_past_root(table, index)))
		return NULL;
	for (unsigned shift = table->levels * SLOTS_LG2; shift && at;) {
		const struct base_idnode *node = at;

		shift -= SLOTS_LG2;
		at = node->slot[slot_of(index, shift)];
	}
	return at;
}

/*
 * Go down to the first slot at or after *index that may have something, and
 * move *index there. If nothing is there, *index is moved past it; NULL.
 */
static void *seek(const struct base_idtable *table, uint64_t *index)
{
	void *at = table->root;

	for (unsigned shift = table->levels * SLOTS_LG2; shift;) {
		const struct base_idnode *node = at;
		uint64_t rest;

		shift -= SLOTS_LG2;
		rest = (shift ? node->nodes : node->full) >> slot_of(*index, shift);
		if (!rest) {
			*index = ((*index >> shift | (SLOTS - 1)) + 1) << shift;
			return NULL;
		}
		if (!(rest & 1))
			*index = ((*index >> shift) + (unsigned)__builtin_ctzll(rest)) << shift;
		at = node->slot[slot_of(*index, shift)];
	}
	if (!at)
		++*index;
	return at;
}

void *base_idtable_next(const struct base_idtable *table, uint32_t *id)
{
	uint64_t index = *id > table->min ? *id - table->min : 0;

	while (table->root && !is_past_root(table, index)) {
		void *ptr = seek(table, &index);

		if (ptr) {
			*id = table->min + (uint32_t)index;
			return ptr;
		}
	}
	return NULL;
}
