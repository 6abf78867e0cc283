/* SPDX-License-Identifier: MIT */
/*
 * Physical addresses (PA): what page tables hold. Below MEM_PA_END_OF_HOST they
 * are host addresses. Above are windows into the memory of other processes, which
 * is copied by way of its client.
 *
 * Whoever accesses a PA has it from a page table or a source, and knows that it
 * stays pinned meanwhile.
 */
#ifndef MEM_PA_H
#define MEM_PA_H

#include "mem/client.h"

#define MEM_PA_END_OF_HOST ((uint64_t)1 << 47)
#define MEM_PA_END	   ((uint64_t)1 << 51)

static inline bool mem_pa_is_host(uint64_t pa)
{
	return pa < MEM_PA_END_OF_HOST;
}

static inline void *mem_pa_to_host(uint64_t pa)
{
	return (void *)(uintptr_t)pa;
}

/* ---- windows: pa.c ---- */

/* A window shows so many bytes of a client's memory, from a multiple of that. */
#define MEM_WINDOW_LG2 38

/*
 * Let some window show address `addr` of a remote client; a client uses the same
 * one again for the same part of its memory. Wants a mem_window_put() of the PA. 0 and the
 * PA, or -ENOMEM: too many windows.
 */
int mem_window_get(struct mem_client *client, uint64_t addr, uint64_t *pa);
void mem_window_put(uint64_t pa);

/* In a child of fork(), which has no windows, and where nobody holds a lock. */
void mem_pa_after_fork(void);

/* The slow halves of what is below, for ranges where some PA is in a window. */
int mem_window_read(void *dst, uint64_t pa, size_t n) BASE_COLD;
int mem_window_write(uint64_t pa, const void *src, size_t n) BASE_COLD;
int mem_window_fill(uint64_t pa, uint64_t pattern, size_t n) BASE_COLD;
int mem_window_move(uint64_t dst, uint64_t src, size_t n) BASE_COLD;
int mem_window_cas64(uint64_t pa, uint64_t *expected, uint64_t desired, bool *swapped) BASE_COLD;
int mem_window_touch(uint64_t pa, size_t n, bool write) BASE_COLD;

/* ---- access, each like the function of base/guard.h of that name: 0 or -EFAULT ---- */

static inline int mem_pa_read(void *dst, uint64_t pa, size_t n)
{
	return base_likely(mem_pa_is_host(pa)) ? base_guard_copy(dst, mem_pa_to_host(pa), n)
					       : mem_window_read(dst, pa, n);
}

static inline int mem_pa_write(uint64_t pa, const void *src, size_t n)
{
	return base_likely(mem_pa_is_host(pa)) ? base_guard_copy(mem_pa_to_host(pa), src, n)
					       : mem_window_write(pa, src, n);
}

static inline int mem_pa_fill(uint64_t pa, uint64_t pattern, size_t n)
{
	return base_likely(mem_pa_is_host(pa)) ? base_guard_fill(mem_pa_to_host(pa), pattern, n)
					       : mem_window_fill(pa, pattern, n);
}

/* Ranges may overlap. */
static inline int mem_pa_move(uint64_t dst, uint64_t src, size_t n)
{
	return base_likely(mem_pa_is_host(dst | src))
		       ? base_guard_move(mem_pa_to_host(dst), mem_pa_to_host(src), n)
		       : mem_window_move(dst, src, n);
}

static inline int mem_pa_load64(uint64_t pa, uint64_t *value)
{
	return base_likely(mem_pa_is_host(pa)) ? base_guard_load64(mem_pa_to_host(pa), value)
					       : mem_window_read(value, pa, sizeof(*value));
}

/* In a window it is atomic only for those who use this function. */
static inline int mem_pa_cas64(uint64_t pa, uint64_t *expected, uint64_t desired, bool *swapped)
{
	return base_likely(mem_pa_is_host(pa))
		       ? base_guard_cas64(mem_pa_to_host(pa), expected, desired, swapped)
		       : mem_window_cas64(pa, expected, desired, swapped);
}

/* In a window, of writing only the permission of the pin is known. */
static inline int mem_pa_touch(uint64_t pa, size_t n, bool write)
{
	return base_likely(mem_pa_is_host(pa)) ? base_guard_touch(mem_pa_to_host(pa), n, write)
					       : mem_window_touch(pa, n, write);
}

#endif
