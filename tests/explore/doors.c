// SPDX-License-Identifier: MIT
/* The doors through which threads come in: atomics, frees, and what base/explore.h declares. */
#include "state.h"
#include "base/explore.h"

#include <errno.h>
#include <limits.h>

/* ---- atomics ---- */

static bool is_own_stack(const struct thread *t, const volatile void *addr)
{
	return (uintptr_t)addr - t->stack < t->stack_end - t->stack;
}

bool engine_before(const volatile void *addr, size_t size, uintptr_t pc)
{
	struct thread *t = &threads[self];
	struct location *l;

	memory_alive(addr, size, pc);
	if (!engine_on || !self || is_own_stack(t, addr) || t->quiet == addr)
		return false;
	t->quiet = NULL;
	l = location_of(addr);
	if (!l->shared)
		return true;
	offer(t);
	/* It may be gone by now. */
	memory_alive(addr, size, pc);
	return true;
}

void engine_after(const volatile void *addr, size_t size, enum event_kind kind, int order,
		  uint64_t value, uintptr_t pc)
{
	struct thread *t = &threads[self];
	struct location *l = location_of(addr);

	if (l->rank && kind == EVENT_CHANGE)
		kind = EVENT_UNLOCK;
	shared_event(t, l, kind, kind != EVENT_LOAD && kind != EVENT_CAS_FAILED, value, pc);
	order_event(t, l, kind, order, size, pc);
}

void engine_touch(const void *addr, bool write, uintptr_t pc)
{
	const void *page = (const void *)((uintptr_t)addr & ~(uintptr_t)4095);

	if (memory_is_ours(addr) || is_own_stack(&threads[self], addr))
		return;
	if (engine_before(page, 1, pc))
		engine_after(page, 1, write ? EVENT_STORE : EVENT_LOAD, __ATOMIC_RELAXED, 0, pc);
}

void engine_freed(const void *start, size_t size)
{
	if (engine_on && self)
		locations_freed(start, size);
}

void engine_lock_taken(const volatile void *addr)
{
	if (threads[self].quiet == addr)
		threads[self].quiet = NULL;
}

/* ---- the doors of base/explore.h ---- */

#define CALLER ((uintptr_t)__builtin_return_address(0))

static bool is_scheduled(void)
{
	return engine_on && self;
}

/* What follows on the same word takes the lock, as nobody else runs; it is part of this. */
void base_explore_lock(const uint32_t *word, uint32_t busy, int rank)
{
	struct thread *t = &threads[self];
	struct location *l;

	memory_alive(word, sizeof(*word), CALLER);
	if (!is_scheduled() || engine.program->real_locks)
		return;
	l = location_of(word);
	l->rank = rank;
	t->state = LOCKS;
	t->word = word;
	t->busy = busy;
	if (l->shared || !could_run(t))
		offer(t);
	t->state = RUNS;
	memory_alive(word, sizeof(*word), CALLER);
	shared_event(t, l, EVENT_LOCK, true, *word, CALLER);
	acquire(t, l);
	t->quiet = word;
}

int base_explore_sleep(const uint32_t *word, uint32_t expected, uint32_t kind,
		       const struct timespec *deadline)
{
	struct thread *t = &threads[self];

	if (!is_scheduled())
		engine_fail("a call of the check, with no thread left, would wait");
	engine_before(word, sizeof(*word), CALLER);
	shared_event(t, location_of(word), EVENT_SLEEP, true, *word, CALLER);
	if (*word != expected)
		return -EAGAIN;
	t->state = SLEEPS;
	t->word = word;
	t->kind = kind;
	t->woken = false;
	t->timed = deadline;
	t->order = engine.order++;
	offer(t);
	t->state = RUNS;
	memory_alive(word, sizeof(*word), CALLER);
	shared_event(t, location_of(word), EVENT_WOKEN, false, *word, CALLER);
	return 0;
}

/* Who sleeps there longest. */
static struct thread *first_sleeper(const uint32_t *word, uint32_t kind)
{
	struct thread *first = NULL;

	for (unsigned i = 1; i <= engine.program->threads; i++) {
		struct thread *t = &threads[i];

		if (t->state == SLEEPS && !t->woken && t->word == word && (t->kind & kind) &&
		    (!first || t->order < first->order))
			first = t;
	}
	return first;
}

/* Only the address of the word is used: it may be free memory. */
int base_explore_wake(const uint32_t *word, int count, uint32_t kind)
{
	struct thread *t = &threads[self], *sleeper;
	struct location *l;
	int woken = 0;

	if (!is_scheduled())
		return 0;
	l = location_of(word);
	if (l->shared)
		offer(t);
	while (woken < count && (sleeper = first_sleeper(word, kind))) {
		sleeper->woken = true;
		woken++;
	}
	shared_event(t, l, EVENT_WAKE, true, (uint64_t)woken, CALLER);
	return woken;
}

void base_explore_yield(void)
{
	struct thread *t = &threads[self];

	if (!is_scheduled())
		return;
	t->state = SPINS;
	offer(t);
	t->state = RUNS;
	t->look_count = 0;
	own_event(t, EVENT_YIELD, NULL);
}
