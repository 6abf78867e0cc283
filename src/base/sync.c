// SPDX-License-Identifier: MIT
/* The slow halves of the locks in base/sync.h. */
#include "base/sync.h"
#include "base/futex.h"

/* Worth a look before going to sleep: most locks are held for a few instructions. */
#ifdef SWIOMMU_EXPLORE
#define SPINS 1
#else
#define SPINS 20
#endif

/* The two kinds of sleepers on an rwlock. */
#define READERS 1u
#define WRITERS 2u

static inline void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

void base_yield(void)
{
#ifdef SWIOMMU_EXPLORE
	base_explore_yield();
#else
	base_syscall(SYS_sched_yield);
#endif
}

void base_mutex_init(struct base_mutex *lock, enum base_rank rank)
{
	*lock = (struct base_mutex)BASE_MUTEX_INIT(rank);
	(void)rank;
}

static bool mutex_spin(struct base_mutex *lock)
{
	for (unsigned i = 0; i < SPINS; i++) {
		uint32_t free = 0;

		relax();
		if (!base_load_relaxed(&lock->word) && base_cas(&lock->word, &free, 1))
			return true;
	}
	return false;
}

void base_mutex_lock_slow(struct base_mutex *lock)
{
	if (mutex_spin(lock))
		return;
	/* Whoever has slept cannot know if others still do: it holds the lock as 2. */
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE))
		base_futex_wait(&lock->word, 2, BASE_FUTEX_ANY, NULL);
}

void base_mutex_unlock_slow(struct base_mutex *lock)
{
	base_futex_wake(&lock->word, 1, BASE_FUTEX_ANY);
}

void base_rwlock_init(struct base_rwlock *lock, enum base_rank rank)
{
	lock->word = 0;
#ifdef SWIOMMU_CHECKS
	lock->rank = rank;
#else
	(void)rank;
#endif
}

/*
 * Take the lock by adding `take` once none of `against` is set; until then sleep
 * as one of `kind`, with `mark` set in the word.
 */
static void rwlock_take(struct base_rwlock *lock, uint32_t take, uint32_t against, uint32_t mark,
			uint32_t kind)
{
	uint32_t word = base_load_relaxed(&lock->word);

	for (;;) {
		if (!(word & against)) {
			if (base_cas(&lock->word, &word, word + take))
				return;
		} else if ((word & mark) || base_cas(&lock->word, &word, word | mark)) {
			base_futex_wait(&lock->word, word | mark, kind, NULL);
			word = base_load_relaxed(&lock->word);
		}
	}
}

void base_rwlock_rdlock_slow(struct base_rwlock *lock)
{
	rwlock_take(lock, 1, BASE_RWLOCK_WRITER | BASE_RWLOCK_WAITING, BASE_RWLOCK_SLEEPERS,
		    READERS);
}

/* WAITING stays set: other writers may sleep, which the unlock finds out. */
void base_rwlock_wrlock_slow(struct base_rwlock *lock)
{
	rwlock_take(lock, BASE_RWLOCK_WRITER, BASE_RWLOCK_WRITER | BASE_RWLOCK_COUNT,
		    BASE_RWLOCK_WAITING, WRITERS);
}

/*
 * The lock was given up while a mark was set. A sleeping writer goes first, and
 * WAITING stays set so that no reader passes it. If no writer sleeps, the marks
 * are cleared; whoever clears them wakes everybody: a writer may have gone to
 * sleep since, and the thread that now gives up the lock goes by the marks. A
 * thread about to sleep meanwhile finds that the word has changed, and looks again.
 */
void base_rwlock_unlock_slow(struct base_rwlock *lock)
{
	uint32_t word = base_load_relaxed(&lock->word);

	while (word & (BASE_RWLOCK_WAITING | BASE_RWLOCK_SLEEPERS)) {
		if (word & BASE_RWLOCK_WRITER)
			return;
		if ((word & BASE_RWLOCK_WAITING) &&
		    ((word & BASE_RWLOCK_COUNT) || base_futex_wake(&lock->word, 1, WRITERS)))
			return;
		if (base_cas(&lock->word, &word, word & BASE_RWLOCK_COUNT)) {
			base_futex_wake(&lock->word, BASE_FUTEX_ALL, BASE_FUTEX_ANY);
			return;
		}
	}
}
