/* SPDX-License-Identifier: MIT */
/* Checked arithmetic on 64-bit addresses; ranges are (start, last), last inclusive. */
#ifndef BASE_ARITH_H
#define BASE_ARITH_H

#include "base/compiler.h"

#define BASE_PAGE_LG2  12
#define BASE_PAGE_SIZE ((uint64_t)1 << BASE_PAGE_LG2)

/* start + length - 1 into *last. False if length is 0 or the sum wraps. */
static inline bool base_range_last(uint64_t start, uint64_t length, uint64_t *last)
{
	return length && !__builtin_add_overflow(start, length - 1, last);
}

/* Is value a multiple of align (a power of two)? */
static inline bool base_is_aligned(uint64_t value, uint64_t align)
{
	return !(value & (align - 1));
}

static inline uint64_t base_align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

/* False if rounding up wraps past 2^64 - 1. */
static inline bool base_align_up(uint64_t value, uint64_t align, uint64_t *out)
{
	if (__builtin_add_overflow(value, align - 1, out))
		return false;
	*out &= ~(align - 1);
	return true;
}

static inline uint64_t base_min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t base_max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The lowest set bit of value, 0 for 0. */
static inline uint64_t base_lowest_bit(uint64_t value)
{
	return value & -value;
}

/* floor(log2(value)); value is not 0. */
static inline unsigned base_log2(uint64_t value)
{
	return 63 ^ (unsigned)__builtin_clzll(value);
}

/* Do [a_start, a_last] and [b_start, b_last] share an address? */
static inline bool base_ranges_meet(uint64_t a_start, uint64_t a_last, uint64_t b_start,
				    uint64_t b_last)
{
	return a_start <= b_last && b_start <= a_last;
}

#endif
