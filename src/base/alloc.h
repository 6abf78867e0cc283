/* SPDX-License-Identifier: MIT */
/* Memory, with fail-the-nth injection for tests. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include "base/compiler.h"

/*
 * size bytes, not initialised / zeroed. NULL if memory is short or the test
 * asked this allocation to fail. Freed with base_free().
 */
void *base_alloc(size_t size) __attribute__((malloc, warn_unused_result));
void *base_zalloc(size_t size) __attribute__((malloc, warn_unused_result));

/* As base_zalloc, aligned to `align` (a power of two, at least 8); freed with base_free(). */
void *base_zalloc_aligned(size_t align, size_t size) __attribute__((malloc, warn_unused_result));

/* Free what the functions above returned; NULL is allowed. Never fails, keeps errno. */
void base_free(void *ptr);

/*
 * One freed block, kept for the next allocation of the same kind: whoever makes
 * and frees something in turn allocates nothing. Builds with checks keep none, so
 * that sanitizers see every free.
 */
struct base_spare {
	void *block;
};

/* The kept block, not initialised, or NULL; it is the caller's then. Any thread. */
static inline void *base_spare_take(struct base_spare *spare)
{
	return __atomic_load_n(&spare->block, __ATOMIC_RELAXED)
		       ? __atomic_exchange_n(&spare->block, NULL, __ATOMIC_ACQ_REL)
		       : NULL;
}

/* Free a block by keeping it, in place of an earlier one. Any thread. */
static inline void base_spare_put(struct base_spare *spare, void *block)
{
#ifdef SWIOMMU_CHECKS
	(void)spare;
#else
	block = __atomic_exchange_n(&spare->block, block, __ATOMIC_ACQ_REL);
	if (base_likely(!block))
		return;
#endif
	base_free(block);
}

/* Free the kept block; nobody uses the spare any more. */
static inline void base_spare_fini(struct base_spare *spare)
{
	if (spare->block)
		base_free(spare->block);
}

/*
 * Fault injection, per thread: the nth injection point from now on (1 = the
 * next one) fails, once; 0 disarms. Every allocation above is an injection
 * point.
 */
void base_fail_nth(unsigned nth);

/* What is left of the count: 0 if the fault has fired (or none was armed). */
unsigned base_fail_pending(void);

/* An injection point of its own kind: true if this one has to fail. */
bool base_fail_here(void);

/* Allocations alive now, of the whole process. Counted in builds with checks, else 0. */
size_t base_alloc_count(void);

#endif
