/* SPDX-License-Identifier: MIT */
/* Sleep on a 32-bit word and wake its sleepers: private to base/. */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include "base/explore.h"
#include "base/syscall.h"

#include <limits.h>
#include <linux/futex.h>
#include <time.h>

#ifdef SWIOMMU_EXPLORE
#define base_futex_wait base_explore_sleep
#define base_futex_wake base_explore_wake
#else
/*
 * Sleep while *word is `expected`, as one of the sleepers in `kind` (a bit set).
 * Returns at a wake-up, but also without one. -ETIMEDOUT once CLOCK_MONOTONIC
 * has reached `deadline` (NULL: never); any other value means: look again.
 */
static inline int base_futex_wait(const uint32_t *word, uint32_t expected, uint32_t kind,
				  const struct timespec *deadline)
{
	return (int)base_syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
				 deadline, NULL, kind);
}

/* Wake at most `count` sleepers in `kind`; returns how many. Only uses the address of word. */
static inline int base_futex_wake(const uint32_t *word, int count, uint32_t kind)
{
	return (int)base_syscall(SYS_futex, word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, count,
				 NULL, NULL, kind);
}
#endif

#define BASE_FUTEX_ANY FUTEX_BITSET_MATCH_ANY
#define BASE_FUTEX_ALL INT_MAX

#endif
