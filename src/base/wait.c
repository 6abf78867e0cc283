// SPDX-License-Identifier: MIT
/* Waits for a condition, with a time-out. */
#include "base/sync.h"
#include "base/futex.h"

#include <errno.h>

void base_waitq_init(struct base_waitq *wq)
{
	wq->seq = 0;
	wq->sleepers = 0;
}

void base_waitq_wake_slow(struct base_waitq *wq)
{
	base_add(&wq->seq, 1);
	base_futex_wake(&wq->seq, BASE_FUTEX_ALL, BASE_FUTEX_ANY);
}

static struct timespec deadline_in(unsigned timeout_ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += timeout_ms / 1000;
	t.tv_nsec += timeout_ms % 1000 * 1000000l;
	if (t.tv_nsec >= 1000000000l) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000l;
	}
	return t;
}

/*
 * seq is read before the condition: a wake-up in between changes it, and the
 * sleep then ends at once. The fence pairs with the one in base_waitq_wake():
 * either the condition is seen here, or `sleepers` there.
 */
static int sleep_until(struct base_waitq *wq, bool (*cond)(void *arg), void *arg,
		       const struct timespec *deadline)
{
	int rc = 0;

	base_fence();
	for (;;) {
		uint32_t seq = base_load(&wq->seq);

		if (cond(arg))
			return 0;
		if (rc == -ETIMEDOUT)
			return rc;
		rc = base_futex_wait(&wq->seq, seq, BASE_FUTEX_ANY, deadline);
	}
}

int base_waitq_wait(struct base_waitq *wq, bool (*cond)(void *arg), void *arg, unsigned timeout_ms)
{
	struct timespec deadline;
	int rc;

#ifdef SWIOMMU_CHECKS
	base_assert(base_lockcheck_may_wait());
#endif
	if (cond(arg))
		return 0;
	deadline = deadline_in(timeout_ms);
	base_add(&wq->sleepers, 1);
	rc = sleep_until(wq, cond, arg, &deadline);
	base_sub(&wq->sleepers, 1);
	return rc;
}
