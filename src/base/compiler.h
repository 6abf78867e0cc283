/* SPDX-License-Identifier: MIT */
/* Compiler helpers and assertions. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define base_likely(x)	 __builtin_expect(!!(x), 1)
#define base_unlikely(x) __builtin_expect(!!(x), 0)

#define BASE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define BASE_COLD	       __attribute__((cold, noinline))
#define BASE_INLINE	       inline __attribute__((always_inline))
#define BASE_CACHE_ALIGNED     __attribute__((aligned(64)))

#define base_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define base_array_size(a)		     (sizeof(a) / sizeof((a)[0]))

/*
 * An internal invariant, never a client's mistake. In builds with checks
 * (SWIOMMU_CHECKS) a breach prints the place and aborts; elsewhere the
 * condition is not evaluated.
 */
#ifdef SWIOMMU_CHECKS
#define base_assert(cond)                                              \
	do {                                                           \
		if (base_unlikely(!(cond)))                            \
			base_assert_failed(#cond, __FILE__, __LINE__); \
	} while (0)
#else
#define base_assert(cond)             \
	do {                          \
		if (0)                \
			(void)(cond); \
	} while (0)
#endif

/* Prints "file:line: assertion ... failed" to stderr and aborts. */
void base_assert_failed(const char *cond, const char *file, int line)
	__attribute__((noreturn, cold));

#endif
