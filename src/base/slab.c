// SPDX-License-Identifier: MIT
/* Slabs: memory in large chunks. */
#include "base/slab.h"

#ifndef SWIOMMU_CHECKS

/* With what malloc needs for itself. */
#define CHUNK_SIZE (65536 - 16)

/* How many blocks a stock gets at a time. */
#define REFILL 32

struct base_chunk {
	struct base_chunk *next;
	uint8_t blocks[CHUNK_SIZE - sizeof(struct base_chunk *)];
};

/* ---- blocks ---- */

/* The next block of the newest chunk, or of a new one. */
static void *cut_locked(struct base_slab *slab)
{
	struct base_chunk *chunk = slab->chunk;

	base_assert_held(&slab->lock);
	if (!chunk || sizeof(chunk->blocks) - slab->cut < slab->size) {
		chunk = base_alloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->next = slab->chunk;
		slab->chunk = chunk;
		slab->cut = 0;
	}
	slab->cut += slab->size;
	return chunk->blocks + slab->cut - slab->size;
}

static void *alloc_locked(struct base_slab *slab)
{
	struct base_block *block = slab->free;

	base_assert_held(&slab->lock);
	if (block)
		slab->free = block->next;
	else
		block = cut_locked(slab);
	slab->out += block != NULL;
	return block;
}

static void free_locked(struct base_slab *slab, struct base_block *block)
{
	base_assert_held(&slab->lock);
	block->next = slab->free;
	slab->free = block;
	slab->out--;
}

/* If no block is out, the chunks are nothing but memory. */
static void settle_locked(struct base_slab *slab)
{
	struct base_chunk *chunk = slab->chunk, *next;

	base_assert_held(&slab->lock);
	if (slab->out)
		return;
	for (; chunk; chunk = next) {
		next = chunk->next;
		base_free(chunk);
	}
	slab->chunk = NULL;
	slab->free = NULL;
}

void *base_slab_alloc(struct base_slab *slab)
{
	base_scoped_lock(&slab->lock);
	return alloc_locked(slab);
}

void base_slab_free(struct base_slab *slab, void *block)
{
	base_scoped_lock(&slab->lock);
	free_locked(slab, block);
	settle_locked(slab);
}

/* ---- stocks ---- */

BASE_COLD void *base_stock_refill(struct base_stock *stock)
{
	struct base_slab *slab = stock->slab;
	struct base_block *first, **end = &stock->first;

	base_scoped_lock(&slab->lock);
	first = alloc_locked(slab);
	/* In the order of their addresses, if they are new. */
	for (unsigned i = 1; i < REFILL && first; i++) {
		*end = alloc_locked(slab);
		if (!*end)
			break;
		end = &(*end)->next;
	}
	*end = NULL;
	return first;
}

BASE_COLD void base_stock_drain(struct base_stock *stock)
{
	struct base_slab *slab = stock->slab;
	struct base_block *block, *next;

	base_scoped_lock(&slab->lock);
	for (block = stock->first; block; block = next) {
		next = block->next;
		free_locked(slab, block);
	}
	stock->first = NULL;
	settle_locked(slab);
}

#else

void *base_slab_alloc(struct base_slab *slab)
{
	return base_alloc(slab->size);
}

void base_slab_free(struct base_slab *slab, void *block)
{
	(void)slab;
	base_free(block);
}

void *base_stock_refill(struct base_stock *stock)
{
	return base_slab_alloc(stock->slab);
}

void base_stock_drain(struct base_stock *stock)
{
	base_assert(!stock->first);
}

#endif
