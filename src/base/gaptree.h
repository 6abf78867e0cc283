/* SPDX-License-Identifier: MIT */
/*
 * Disjoint inclusive ranges of 64-bit addresses in a balanced (AVL) tree that
 * also knows its gaps: lookup, insertion, removal and "first gap that fits" all
 * take logarithmic time. The node is part of the user's struct, so nothing here
 * allocates or fails. Not locked: the owner's lock guards every call.
 */
#ifndef BASE_GAPTREE_H
#define BASE_GAPTREE_H

#include "base/compiler.h"

struct base_gapnode {
	struct base_gapnode *child[2];
	uint64_t start, last; /* set by the user before insertion, fixed while inserted */
	uint64_t gap;	      /* bytes free directly below start (saturated at 2^64 - 1) */
	uint64_t max_gap;     /* largest `gap` in this subtree */
	uint8_t height;
	uint8_t user[7]; /* free for the struct around, so that it can stay small */
};

struct base_gaptree {
	struct base_gapnode *root;
	size_t count;
	uint64_t changes; /* insertions and removals so far */
};

/* A higher AVL tree has over 2^45 nodes, which no memory holds. */
#define BASE_GAPTREE_HEIGHT 64

/* The way to a node, for who will remove it. */
struct base_gapway {
	struct base_gapnode *path[BASE_GAPTREE_HEIGHT]; /* from the root on */
	struct base_gapnode **end;			/* just behind the node */
	struct base_gapnode **next; /* just behind the one that follows it; path: none above it */
	uint64_t changes;	    /* of the tree, when this was the way */
};

static inline void base_gaptree_init(struct base_gaptree *tree)
{
	tree->root = NULL;
	tree->count = 0;
	tree->changes = 0;
}

static inline void base_gapnode_init(struct base_gapnode *node, uint64_t gap)
{
	node->child[0] = node->child[1] = NULL;
	node->height = 1;
	node->gap = node->max_gap = gap;
}

/* base_gaptree_insert() into a tree that is not empty. */
bool base_gaptree_add(struct base_gaptree *tree, struct base_gapnode *node);

/*
 * Insert node with its start and last (start <= last) set. False, and nothing
 * changes, if it meets a range that is there.
 */
static inline bool base_gaptree_insert(struct base_gaptree *tree, struct base_gapnode *node)
{
	if (tree->root)
		return base_gaptree_add(tree, node);
	base_gapnode_init(node, node->start);
	tree->root = node;
	tree->count = 1;
	tree->changes++;
	return true;
}

/* The second half of base_gaptree_remove_found(). */
void base_gaptree_cut(struct base_gaptree *tree, struct base_gapnode *node,
		      struct base_gapway *way);

/* Remove a node that is in the tree. */
void base_gaptree_remove(struct base_gaptree *tree, struct base_gapnode *node);

/*
 * The same of a node that base_gaptree_find() has found, with the way that it noted:
 * the node is not searched for again, unless the tree has changed since then.
 */
static inline void base_gaptree_remove_found(struct base_gaptree *tree, struct base_gapnode *node,
					     struct base_gapway *way)
{
	tree->changes++;
	if (base_likely(!--tree->count)) {
		base_assert(tree->root == node);
		tree->root = NULL;
	} else {
		base_gaptree_cut(tree, node, way);
	}
}

/* The lowest range that has an address >= start and <= last; NULL if none. */
struct base_gapnode *base_gaptree_first(const struct base_gaptree *tree, uint64_t start,
					uint64_t last);

/* The same, and the way there. */
struct base_gapnode *base_gaptree_find(const struct base_gaptree *tree, uint64_t start,
				       uint64_t last, struct base_gapway *way);

/*
 * First fit inside [start, last]: the lowest address a with a free block
 * [a, a + length - 1] where, for a gap that begins at h (clipped to start),
 * a = round_up(h, align) | offset. align is a power of two, length > 0. Gaps are visited in
 * ascending order; the first one whose a fits wins. True and *addr, or false.
 */
bool base_gaptree_fit(const struct base_gaptree *tree, uint64_t start, uint64_t last,
		      uint64_t length, uint64_t align, uint64_t offset, uint64_t *addr);

#endif
