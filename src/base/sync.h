/* SPDX-License-Identifier: MIT */
/*
 * The one interface for everything that threads share: atomics, reference
 * counts, ranked locks and waits. Nothing outside base/ uses pthread or
 * compiler atomics.
 *
 * Locks are taken in rising order of rank; builds with SWIOMMU_CHECKS verify it
 * per thread and know which locks a thread holds.
 */
#ifndef BASE_SYNC_H
#define BASE_SYNC_H

#include "base/compiler.h"
#include "base/explore.h"

/* All lock ranks, outermost first (iommufd-objects.md section 15). */
enum base_rank {
	RANK_FRONT = 1,	   /* front ends: fd table changes */
	RANK_VFIO_GROUP,   /* VFIO: who has the group */
	RANK_VFIO_SET,	   /* VFIO: device set */
	RANK_VFIO_DEVICE,  /* VFIO: one device's model, config space, regions */
	RANK_VFIO_IRQ,	   /* VFIO: one device's interrupts */
	RANK_IOAS_CREATE,  /* iommufd: IOAS creation against CHANGE_PROCESS */
	RANK_IOAS,	   /* iommufd: the HWPTs of one IOAS */
	RANK_ACCESS_USER,  /* iommufd: what the driver of one access has pinned */
	RANK_ACCESS,	   /* iommufd: the IOAS of one access */
	RANK_GROUP,	   /* iommufd: attachments of one group, vdevices */
	RANK_IOPT_DOMAINS, /* iommufd: which domains an IOAS has */
	RANK_IOPT_IOVA,	   /* iommufd: areas and reserved ranges */
	RANK_SOURCE,	   /* mem: pins of one page source */
	RANK_DMABUF,	   /* mem: who uses one dma-buf, and whether that is revoked */
	RANK_IOMMU_GROUP,  /* iommu: attachments and owner of one group */
	RANK_VIOMMU_MAP,   /* iommu: virtual ids of one vIOMMU */
	RANK_DOMAIN,	   /* iommu: one domain's page table */
	RANK_IOMMU,	   /* iommu: one IOMMU's own state */
	RANK_REPORTS,	   /* iommu: who gets the reports about a group or of a vIOMMU */
	RANK_EVENTQ,	   /* iommufd: one event or fault queue */
	RANK_WATCH,	   /* mem: who watches a file */
	RANK_MMAPS,	   /* iommufd: what can be mapped of one context */
	RANK_OBJECTS,	   /* iommufd: object table of one context, innermost */
	RANK_LEAF,	   /* anything that takes no other lock */

	/* The highest held during a wait: a close of a device waits for calls in flight. */
	RANK_WAIT = RANK_VFIO_SET,
};

/* ---- atomics: on plain integers and pointers that threads share ---- */

#define base_load(p)		 __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define base_load_relaxed(p)	 __atomic_load_n(p, __ATOMIC_RELAXED)
#define base_store(p, v)	 __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define base_store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
/* Sequentially consistent store: later loads of this thread cannot pass it. */
#define base_store_fence(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define base_exchange(p, v)    __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
/* The new value. */
#define base_add(p, v) __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST)
#define base_sub(p, v) __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST)
#define base_or(p, v)  __atomic_or_fetch(p, v, __ATOMIC_SEQ_CST)
#define base_and(p, v) __atomic_and_fetch(p, v, __ATOMIC_SEQ_CST)
/* True if *p was *expected and is now v; else *expected is what was found. */
#define base_cas(p, expected, v) \
	__atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)
#ifdef __SANITIZE_THREAD__ /* gcc: the sanitizer does not know fences, but a locked add is one */
#define base_fence()                                                       \
	do {                                                               \
		uint32_t base_fence_word = 0;                              \
		__atomic_fetch_add(&base_fence_word, 1, __ATOMIC_SEQ_CST); \
	} while (0)
#else
#define base_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

/* Let another thread run: for the rare spin on something that is about to happen. */
void base_yield(void);

/* ---- reference counts ---- */

struct base_ref {
	uint32_t count;
};

static inline void base_ref_init(struct base_ref *ref, uint32_t count)
{
	ref->count = count;
}

static inline uint32_t base_ref_read(const struct base_ref *ref)
{
	return base_load(&ref->count);
}

/* The caller already owns a reference. */
static inline void base_ref_get(struct base_ref *ref)
{
	base_add(&ref->count, 1);
}

/* False if the count is 0: the object is on its way out. */
static inline bool base_ref_get_unless_zero(struct base_ref *ref)
{
	uint32_t count = base_load_relaxed(&ref->count);

	while (count)
		if (base_cas(&ref->count, &count, count + 1))
			return true;
	return false;
}

/* Returns what is left; whoever gets 0 frees the object. */
static inline uint32_t base_ref_put(struct base_ref *ref)
{
	return base_sub(&ref->count, 1);
}

/* 1 becomes 0 and true; any other value stays and gives false. */
static inline bool base_ref_drop_if_one(struct base_ref *ref)
{
	uint32_t one = 1;

	return base_cas(&ref->count, &one, 0);
}

/* ---- locks ---- */

/* Mutual exclusion; not recursive. 0 free, 1 held, 2 held with waiters. */
struct base_mutex {
	uint32_t word;
#ifdef SWIOMMU_CHECKS
	enum base_rank rank;
#endif
};

/*
 * Shared or exclusive. A waiting writer holds back new readers, so nobody may
 * take it twice, not even shared. An unlock still looks at the lock after
 * another thread could have taken it: it may be freed only when all threads have
 * returned from it (a reference on what the lock is in does that).
 */
struct base_rwlock {
	uint32_t word; /* BASE_RWLOCK_... and the number of readers */
#ifdef SWIOMMU_CHECKS
	enum base_rank rank;
#endif
};

void base_mutex_init(struct base_mutex *lock, enum base_rank rank);
void base_rwlock_init(struct base_rwlock *lock, enum base_rank rank);

/* For static locks. */
#ifdef SWIOMMU_CHECKS
#define BASE_MUTEX_INIT(rank_)             \
	{                                  \
		.word = 0, .rank = (rank_) \
	}
#else
#define BASE_MUTEX_INIT(rank_) \
	{                      \
		.word = 0      \
	}
#endif

/* Slow halves and checks: sync.c. */
void base_mutex_lock_slow(struct base_mutex *lock);
void base_mutex_unlock_slow(struct base_mutex *lock);
void base_rwlock_rdlock_slow(struct base_rwlock *lock);
void base_rwlock_wrlock_slow(struct base_rwlock *lock);
void base_rwlock_unlock_slow(struct base_rwlock *lock);

#ifdef SWIOMMU_CHECKS
/* A thread's record of the locks it holds; a breach of the order aborts with both ranks. */
void base_lockcheck_acquire(const void *lock, enum base_rank rank, bool nested);
void base_lockcheck_release(const void *lock);
bool base_lockcheck_is_held(const void *lock);
/* The calling thread holds no lock above RANK_WAIT. */
bool base_lockcheck_may_wait(void);
#else
static inline void base_lockcheck_acquire(const void *lock, int rank, bool nested)
{
	(void)lock, (void)rank, (void)nested;
}
static inline void base_lockcheck_release(const void *lock)
{
	(void)lock;
}
#endif

#ifdef SWIOMMU_CHECKS
#define BASE_LOCK_RANK(lock) ((lock)->rank)
/* The calling thread holds `lock` (a mutex, or an rwlock in either mode). */
#define base_assert_held(lock) base_assert(base_lockcheck_is_held(lock))
#else
#define BASE_LOCK_RANK(lock)   0
#define base_assert_held(lock) ((void)(lock))
#endif

static inline void base_mutex_lock(struct base_mutex *lock)
{
	uint32_t free = 0;

	base_explore_lock(&lock->word, ~0u, BASE_LOCK_RANK(lock));
	base_lockcheck_acquire(lock, BASE_LOCK_RANK(lock), false);
	if (base_unlikely(!__atomic_compare_exchange_n(&lock->word, &free, 1, false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		base_mutex_lock_slow(lock);
}

static inline void base_mutex_unlock(struct base_mutex *lock)
{
	base_lockcheck_release(lock);
	if (base_unlikely(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2))
		base_mutex_unlock_slow(lock);
}

#define BASE_RWLOCK_WRITER   0x80000000u /* held exclusively */
#define BASE_RWLOCK_WAITING  0x40000000u /* a writer waits */
#define BASE_RWLOCK_SLEEPERS 0x20000000u /* readers sleep */
#define BASE_RWLOCK_COUNT    0x1fffffffu /* readers that hold it */

static inline void base_rwlock_rdlock(struct base_rwlock *lock)
{
	uint32_t word;

	base_explore_lock(&lock->word, BASE_RWLOCK_WRITER | BASE_RWLOCK_WAITING,
			  BASE_LOCK_RANK(lock));
	word = base_load_relaxed(&lock->word);
	base_lockcheck_acquire(lock, BASE_LOCK_RANK(lock), false);
	if (base_unlikely((word & (BASE_RWLOCK_WRITER | BASE_RWLOCK_WAITING)) ||
			  !__atomic_compare_exchange_n(&lock->word, &word, word + 1, false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		base_rwlock_rdlock_slow(lock);
}

static inline void base_rwlock_wrlock(struct base_rwlock *lock)
{
	uint32_t free = 0;

	base_explore_lock(&lock->word, ~0u, BASE_LOCK_RANK(lock));
	base_lockcheck_acquire(lock, BASE_LOCK_RANK(lock), false);
	if (base_unlikely(!__atomic_compare_exchange_n(&lock->word, &free, BASE_RWLOCK_WRITER,
						       false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		base_rwlock_wrlock_slow(lock);
}

static inline void base_rwlock_rdunlock(struct base_rwlock *lock)
{
	base_lockcheck_release(lock);
	if (base_unlikely(__atomic_fetch_sub(&lock->word, 1, __ATOMIC_RELEASE) > BASE_RWLOCK_COUNT))
		base_rwlock_unlock_slow(lock);
}

static inline void base_rwlock_wrunlock(struct base_rwlock *lock)
{
	base_lockcheck_release(lock);
	if (base_unlikely(__atomic_sub_fetch(&lock->word, BASE_RWLOCK_WRITER, __ATOMIC_RELEASE)))
		base_rwlock_unlock_slow(lock);
}

/*
 * One of several locks of a rank, which are always taken in the same order. The thread
 * takes no other locks of that rank meanwhile; nobody can assert that these are held.
 */
static inline void base_rwlock_wrlock_nested(struct base_rwlock *lock)
{
	uint32_t free = 0;

	base_lockcheck_acquire(lock, BASE_LOCK_RANK(lock), true);
	base_lockcheck_release(lock);
	if (base_unlikely(!__atomic_compare_exchange_n(&lock->word, &free, BASE_RWLOCK_WRITER,
						       false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		base_rwlock_wrlock_slow(lock);
}

static inline void base_rwlock_wrunlock_nested(struct base_rwlock *lock)
{
	if (base_unlikely(__atomic_sub_fetch(&lock->word, BASE_RWLOCK_WRITER, __ATOMIC_RELEASE)))
		base_rwlock_unlock_slow(lock);
}

/* ---- scoped locks: released at the end of the enclosing block ---- */

static inline void base_scope_mutex(struct base_mutex **lock)
{
	base_mutex_unlock(*lock);
}
static inline void base_scope_read(struct base_rwlock **lock)
{
	base_rwlock_rdunlock(*lock);
}
static inline void base_scope_write(struct base_rwlock **lock)
{
	base_rwlock_wrunlock(*lock);
}
#define BASE_UNIQUE2(a, b) a##b
#define BASE_UNIQUE1(a, b) BASE_UNIQUE2(a, b)
#define BASE_UNIQUE(a)	   BASE_UNIQUE1(a, __LINE__)
#define BASE_SCOPED(type, fn, drop, lock)                                          \
	type *BASE_UNIQUE(scope_) __attribute__((cleanup(drop), unused)) = (lock); \
	fn(BASE_UNIQUE(scope_))
#define base_scoped_lock(lock) \
	BASE_SCOPED(struct base_mutex, base_mutex_lock, base_scope_mutex, lock)
#define base_scoped_read(lock) \
	BASE_SCOPED(struct base_rwlock, base_rwlock_rdlock, base_scope_read, lock)
#define base_scoped_write(lock) \
	BASE_SCOPED(struct base_rwlock, base_rwlock_wrlock, base_scope_write, lock)

/* ---- waits ---- */

/*
 * Threads that wait for a condition. Whoever makes the condition true calls
 * base_waitq_wake() afterwards; it costs one load if nobody waits.
 */
struct base_waitq {
	uint32_t seq;
	uint32_t sleepers;
};

void base_waitq_init(struct base_waitq *wq);
void base_waitq_wake_slow(struct base_waitq *wq);

static inline void base_waitq_wake(struct base_waitq *wq)
{
	base_fence();
	if (base_unlikely(base_load_relaxed(&wq->sleepers)))
		base_waitq_wake_slow(wq);
}

/*
 * Sleep until cond(arg) is true; cond reads shared state with base_load() and
 * may be called any number of times. No lock above RANK_WAIT is held. Returns 0, or
 * -ETIMEDOUT if `timeout_ms` passed and the condition still does not hold.
 */
int base_waitq_wait(struct base_waitq *wq, bool (*cond)(void *arg), void *arg, unsigned timeout_ms);

#endif
