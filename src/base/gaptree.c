// SPDX-License-Identifier: MIT
/*
 * The gap tree. Its nodes have no parent pointers: whoever changes the tree
 * keeps the way down, from path[0], the root, to end[-1]. The node that follows
 * in the order of addresses is next[-1]; next == path if there is none.
 */
#include "base/gaptree.h"

#include "base/arith.h"

_Static_assert(sizeof(struct base_gapnode) <= 56, "areas are to stay small");

static unsigned height_of(const struct base_gapnode *node)
{
	return node ? node->height : 0;
}

static uint64_t largest_gap(const struct base_gapnode *node)
{
	uint64_t gap = node->gap;

	if (node->child[0])
		gap = base_max_u64(gap, node->child[0]->max_gap);
	if (node->child[1])
		gap = base_max_u64(gap, node->child[1]->max_gap);
	return gap;
}

static void refresh_height(struct base_gapnode *node)
{
	unsigned left = height_of(node->child[0]), right = height_of(node->child[1]);

	node->height = (uint8_t)(1 + (left > right ? left : right));
}

/* ---- gaps ---- */

/* There is a new gap at end[-1]; tell it and the nodes above, up to *top. */
static void gap_grew(struct base_gapnode **top, struct base_gapnode **end, uint64_t gap)
{
	while (end != top && (*--end)->max_gap < gap)
		(*end)->max_gap = gap;
}

/* A gap at or below end[-1] shrank or went; tell that node and those above, up to *top. */
static void gap_shrank(struct base_gapnode **top, struct base_gapnode **end, uint64_t old)
{
	while (end != top) {
		struct base_gapnode *node = *--end;

		if (node->max_gap > old)
			return;
		node->max_gap = largest_gap(node);
		if (node->max_gap == old)
			return;
	}
}

/* ---- shape ---- */

/* Let `with` take the place of node below end[-1]. */
static void replace(struct base_gaptree *tree, struct base_gapnode **path,
		    struct base_gapnode **end, const struct base_gapnode *node,
		    struct base_gapnode *with)
{
	if (end != path)
		end[-1]->child[end[-1]->child[1] == node] = with;
	else
		tree->root = with;
}

/* Move node down to side `down`, its other child up. Returns the latter. */
static struct base_gapnode *rotate(struct base_gapnode *node, unsigned down)
{
	struct base_gapnode *top = node->child[!down];

	node->child[!down] = top->child[down];
	top->child[down] = node;
	refresh_height(node);
	refresh_height(top);
	top->max_gap = node->max_gap;
	node->max_gap = largest_gap(node);
	return top;
}

/* Repair *end, whose side `heavy` is two higher than the other. Returns what took its place. */
static __attribute__((noinline)) struct base_gapnode *balance(struct base_gaptree *tree,
							      struct base_gapnode **path,
							      struct base_gapnode **end,
							      unsigned heavy)
{
	struct base_gapnode *node = *end, *child = node->child[heavy], *top;

	if (height_of(child->child[heavy]) < height_of(child->child[!heavy]))
		node->child[heavy] = rotate(child, heavy);
	top = rotate(node, !heavy);
	replace(tree, path, end, node, top);
	return top;
}

/* child, which is below end[-1], is one higher than what was there. */
static void grow(struct base_gaptree *tree, struct base_gapnode **path, struct base_gapnode **end,
		 const struct base_gapnode *child)
{
	while (end != path) {
		struct base_gapnode *node = *--end;
		unsigned right = node->child[1] == child;

		if (node->height > child->height)
			return;
		if (height_of(node->child[!right]) + 1 < child->height) {
			balance(tree, path, end, right);
			return;
		}
		node->height++;
		child = node;
	}
}

/* What is below end[-1] is one lower than what was there. */
static void shrink(struct base_gaptree *tree, struct base_gapnode **path, struct base_gapnode **end)
{
	while (end != path) {
		struct base_gapnode *node = *--end;
		unsigned left = height_of(node->child[0]), right = height_of(node->child[1]);
		unsigned was = node->height;

		if (left + 1 - right > 2)
			node = balance(tree, path, end, left < right);
		else
			node->height = (uint8_t)(1 + (left > right ? left : right));
		if (node->height == was)
			return;
	}
}

/* ---- changes ---- */

bool base_gaptree_add(struct base_gaptree *tree, struct base_gapnode *node)
{
	struct base_gapnode *path[BASE_GAPTREE_HEIGHT], **end = path, **next = path;
	struct base_gapnode *at = tree->root, *prev = NULL;
	uint64_t start = node->start;

	while (at) {
		*end++ = at;
		if (start < at->start) {
			next = end;
			at = at->child[0];
		} else {
			prev = at;
			at = at->child[1];
		}
	}
	if ((prev && prev->last >= start) || (next != path && next[-1]->start <= node->last))
		return false;
	base_gapnode_init(node, prev ? start - prev->last - 1 : start);
	tree->count++;
	tree->changes++;
	end[-1]->child[end[-1] == prev] = node;
	gap_grew(next, end, node->gap);
	if (next != path) {
		uint64_t old = next[-1]->gap;

		next[-1]->gap = next[-1]->start - node->last - 1;
		gap_shrank(path, next, old);
	}
	grow(tree, path, end, node);
	return true;
}

/* What the gap below next will be without node. */
static uint64_t joined_gap(const struct base_gapnode *node, const struct base_gapnode *next)
{
	return node->gap + (next->start - node->start);
}

/* Take out a node below end[-1] that has no right child. The one after it is next[-1], if any. */
static void cut_edge(struct base_gaptree *tree, struct base_gapnode **path,
		     struct base_gapnode **end, struct base_gapnode **next,
		     const struct base_gapnode *node)
{
	replace(tree, path, end, node, node->child[0]);
	gap_shrank(next, end, node->gap);
	if (next != path) {
		next[-1]->gap = joined_gap(node, next[-1]);
		gap_grew(path, next, next[-1]->gap);
	}
}

/*
 * Take out a node below end[-1] that has a right child: the one after it, the
 * lowest on the right, takes its place. Returns the end of the path to what
 * lost height.
 */
static struct base_gapnode **cut_inner(struct base_gaptree *tree, struct base_gapnode **path,
				       struct base_gapnode **end, const struct base_gapnode *node)
{
	struct base_gapnode *next = node->child[1], **place = end++;

	for (; next->child[0]; next = next->child[0])
		*end++ = next;
	if (next != node->child[1]) {
		end[-1]->child[0] = next->child[1];
		gap_shrank(place + 1, end, next->gap);
		next->child[1] = node->child[1];
	}
	next->child[0] = node->child[0];
	next->height = node->height;
	next->gap = joined_gap(node, next);
	next->max_gap = largest_gap(next);
	*place = next;
	replace(tree, path, place, node, next);
	gap_grew(path, place, next->gap);
	return end;
}

/* Note the way to the lowest node that ends at or behind `start`, if there is one. */
static inline void find_way(const struct base_gaptree *tree, uint64_t start,
			    struct base_gapway *way)
{
	struct base_gapnode **at_end = way->path, **end = at_end, **next = at_end;

	for (struct base_gapnode *at = tree->root; at;) {
		*at_end++ = at;
		if (at->last >= start) {
			next = end;
			end = at_end;
			at = at->child[0];
		} else {
			at = at->child[1];
		}
	}
	way->end = end;
	way->next = next;
	way->changes = tree->changes;
}

void base_gaptree_cut(struct base_gaptree *tree, struct base_gapnode *node, struct base_gapway *way)
{
	struct base_gapnode **end;

	/* The change that this is has been counted. */
	if (base_unlikely(way->changes != tree->changes - 1))
		find_way(tree, node->start, way);
	end = way->end - 1;
	base_assert(*end == node);
	if (node->child[1])
		end = cut_inner(tree, way->path, end, node);
	else
		cut_edge(tree, way->path, end, way->next, node);
	shrink(tree, way->path, end);
}

void base_gaptree_remove(struct base_gaptree *tree, struct base_gapnode *node)
{
	struct base_gapway way;

	find_way(tree, node->start, &way);
	base_gaptree_remove_found(tree, node, &way);
}

/* ---- questions ---- */

struct base_gapnode *base_gaptree_first(const struct base_gaptree *tree, uint64_t start,
					uint64_t last)
{
	struct base_gapnode *found = NULL;

	for (struct base_gapnode *at = tree->root; at;) {
		if (at->last >= start) {
			found = at;
			at = at->child[0];
		} else {
			at = at->child[1];
		}
	}
	return found && found->start <= last ? found : NULL;
}

struct base_gapnode *base_gaptree_find(const struct base_gaptree *tree, uint64_t start,
				       uint64_t last, struct base_gapway *way)
{
	find_way(tree, start, way);
	return way->end != way->path && way->end[-1]->start <= last ? way->end[-1] : NULL;
}

/* What to look for, and where it was found. */
struct request {
	uint64_t start, last;
	uint64_t length, align, offset;
	uint64_t addr;
};

/* Try the gap [start, last], which meets the request's range. */
static bool fits(struct request *req, uint64_t start, uint64_t last)
{
	last = base_min_u64(last, req->last);
	if (!base_align_up(base_max_u64(start, req->start), req->align, &req->addr))
		return false;
	req->addr |= req->offset;
	return req->addr <= last && last - req->addr >= req->length - 1;
}

/* As base_gaptree_fit, for the gaps that have a node above them. */
static bool fits_below_a_node(const struct base_gaptree *tree, struct request *req)
{
	const struct base_gapnode *path[BASE_GAPTREE_HEIGHT], *at = tree->root;
	unsigned depth = 0;

	for (;;) {
		while (at && at->max_gap >= req->length) {
			if (at->start > req->start) {
				path[depth++] = at;
				at = at->child[0];
			} else {
				at = at->child[1];
			}
		}
		if (!depth)
			return false;
		at = path[--depth];
		if (at->gap >= req->length) {
			if (at->start - at->gap > req->last)
				return false;
			if (fits(req, at->start - at->gap, at->start - 1))
				return true;
		}
		at = at->child[1];
	}
}

static bool fits_at_the_top(const struct base_gaptree *tree, struct request *req)
{
	const struct base_gapnode *at = tree->root;

	if (!at)
		return fits(req, 0, UINT64_MAX);
	while (at->child[1])
		at = at->child[1];
	return at->last != UINT64_MAX && fits(req, at->last + 1, UINT64_MAX);
}

bool base_gaptree_fit(const struct base_gaptree *tree, uint64_t start, uint64_t last,
		      uint64_t length, uint64_t align, uint64_t offset, uint64_t *addr)
{
	struct request req = {start, last, length, align, offset, 0};

	base_assert(length && align && !(align & (align - 1)));
	if (!fits_below_a_node(tree, &req) && !fits_at_the_top(tree, &req))
		return false;
	*addr = req.addr;
	return true;
}
