// SPDX-License-Identifier: MIT
/* Memory from malloc, with fail-the-nth injection and a count for leak tests. */
#include "base/alloc.h"
#include "base/sync.h"

#include <stdlib.h>
#include <string.h>

/* Injection points until the one that fails, itself included; 0 = not armed. */
static _Thread_local unsigned fail_left;

void base_fail_nth(unsigned nth)
{
	fail_left = nth;
}

unsigned base_fail_pending(void)
{
	return fail_left;
}

static BASE_COLD bool fail_step(void)
{
	return !--fail_left;
}

static inline bool fail_here(void)
{
	return base_unlikely(fail_left) && fail_step();
}

bool base_fail_here(void)
{
	return fail_here();
}

#ifdef SWIOMMU_CHECKS
static size_t alive;

static void *counted(void *ptr)
{
	if (ptr)
		base_add(&alive, 1);
	return ptr;
}

static void uncount(void *ptr)
{
	if (ptr)
		base_sub(&alive, 1);
}

size_t base_alloc_count(void)
{
	return base_load(&alive);
}
#else
static inline void *counted(void *ptr)
{
	return ptr;
}

static inline void uncount(void *ptr)
{
	(void)ptr;
}

size_t base_alloc_count(void)
{
	return 0;
}
#endif

void *base_alloc(size_t size)
{
	return fail_here() ? NULL : counted(malloc(size));
}

void *base_zalloc(size_t size)
{
	void *ptr;

	if (fail_here())
		return NULL;
	ptr = malloc(size);
	/* Or the compiler makes it a calloc, which bypasses glibc's per-thread cache. */
	__asm__("" : "+r"(ptr));
	return ptr ? memset(counted(ptr), 0, size) : NULL;
}

void *base_zalloc_aligned(size_t align, size_t size)
{
	void *ptr;

	if (fail_here() || posix_memalign(&ptr, align, size))
		return NULL;
	return memset(counted(ptr), 0, size);
}

void base_free(void *ptr)
{
	if (!ptr)
		return;
	uncount(ptr);
	free(ptr);
}
