/* SPDX-License-Identifier: MIT */
/*
 * Blocks of one size, of which there may be a million: none has an overhead, and to take
 * or free one is a few instructions. The slab has the memory. A stock is what one user has
 * of its free blocks; a block may be taken from one stock and freed to another.
 *
 * The memory goes back when all blocks are free and all stocks at their end. Builds with
 * checks keep nothing, so that sanitizers see every block come and go.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/alloc.h"
#include "base/sync.h"

/* A free block. */
struct base_block {
	struct base_block *next;
};

struct base_chunk;

struct base_slab {
	struct base_mutex lock;
	size_t size;		  /* of a block */
	size_t out;		  /* blocks in use or in stocks */
	struct base_block *free;  /* all other blocks that have been out */
	struct base_chunk *chunk; /* newest first */
	size_t cut;		  /* bytes of the newest that have become blocks */
};

/* size: a multiple of 8, at most 1024. */
static inline void base_slab_init(struct base_slab *slab, size_t size)
{
	base_mutex_init(&slab->lock, RANK_LEAF);
	slab->size = size;
	slab->out = 0;
	slab->free = NULL;
	slab->chunk = NULL;
	slab->cut = 0;
}

/* All blocks are free, and all stocks at their end. */
static inline void base_slab_fini(const struct base_slab *slab)
{
	base_assert(!slab->out && !slab->chunk);
}

struct base_stock {
	struct base_slab *slab;
	struct base_block *first; /* guarded by a lock of the user, as the functions are */
};

static inline void base_stock_init(struct base_stock *stock, struct base_slab *slab)
{
	stock->slab = slab;
	stock->first = NULL;
}

/* A block for who has no stock, not initialised; NULL if memory is short. Any thread. */
void *base_slab_alloc(struct base_slab *slab);

/* Free a block, wherever it is from. Any thread. */
void base_slab_free(struct base_slab *slab, void *block);

/* Get blocks for an empty stock. Returns one more; NULL: out of memory. */
void *base_stock_refill(struct base_stock *stock);

/* As base_slab_alloc(). */
static inline void *base_stock_alloc(struct base_stock *stock)
{
#ifdef SWIOMMU_CHECKS
	return base_slab_alloc(stock->slab);
#else
	struct base_block *block = stock->first;

	if (base_unlikely(!block))
		return base_stock_refill(stock);
	stock->first = block->next;
	return block;
#endif
}

/* As base_slab_free(). */
static inline void base_stock_free(struct base_stock *stock, void *ptr)
{
#ifdef SWIOMMU_CHECKS
	base_slab_free(stock->slab, ptr);
#else
	struct base_block *block = ptr;

	block->next = stock->first;
	stock->first = block;
#endif
}

/* The second half of base_stock_fini(). */
void base_stock_drain(struct base_stock *stock);

/* Nobody uses the stock any more: the slab gets the blocks. */
static inline void base_stock_fini(struct base_stock *stock)
{
	if (stock->first)
		base_stock_drain(stock);
}

#endif
