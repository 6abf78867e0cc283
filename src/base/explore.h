/* SPDX-License-Identifier: MIT */
/*
 * Private to base/: the doors through which a build for exploration
 * (SWIOMMU_EXPLORE, tests/explore) takes over what threads wait for. There one
 * thread runs at a time, and a scheduler decides which. Every other build is
 * without them. Atomics need no door: the compiler reports them.
 */
#ifndef BASE_EXPLORE_H
#define BASE_EXPLORE_H

#include "base/compiler.h"

#ifdef SWIOMMU_EXPLORE
struct timespec;

/* The thread is about to take the lock of that rank; it goes on when none of `busy` is set. */
void base_explore_lock(const uint32_t *word, uint32_t busy, int rank);

/* As base_futex_wait() and base_futex_wake(). */
int base_explore_sleep(const uint32_t *word, uint32_t expected, uint32_t kind,
		       const struct timespec *deadline);
int base_explore_wake(const uint32_t *word, int count, uint32_t kind);

/* The thread spins: it goes on when something has changed that it has looked at. */
void base_explore_yield(void);
#else
#define base_explore_lock(word, busy, rank) ((void)0)
#endif

#endif
