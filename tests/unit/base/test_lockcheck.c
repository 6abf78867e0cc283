// SPDX-License-Identifier: MIT
/* base/sync.h: the lock order is enforced, in builds with SWIOMMU_CHECKS. */
#include "base/sync.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#ifdef SWIOMMU_CHECKS

static struct base_mutex group, domain, other_domain;
static struct base_rwlock iova;
static struct base_waitq wq;

static int init_locks(void **state)
{
	(void)state;
	base_mutex_init(&group, RANK_GROUP);
	base_mutex_init(&domain, RANK_DOMAIN);
	base_mutex_init(&other_domain, RANK_DOMAIN);
	base_rwlock_init(&iova, RANK_IOPT_IOVA);
	base_waitq_init(&wq);
	return 0;
}

static void run_doomed(void (*body)(void), int to)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	dup2(to, 2);
	body();
	_exit(0);
}

/* body() aborts, and says `message`. */
static void assert_aborts(void (*body)(void), const char *message)
{
	char text[512];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid)
		run_doomed(body, fds[1]);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(n > 0);
	text[n] = 0;
	if (!strstr(text, message))
		fail_msg("\"%s\" is not in \"%s\"", message, text);
}

static void falling(void)
{
	base_mutex_lock(&domain);
	base_mutex_lock(&group);
}

static void falling_behind_a_rise(void)
{
	base_mutex_lock(&group);
	base_mutex_lock(&domain);
	base_mutex_unlock(&group);
	base_rwlock_wrlock(&iova);
}

static void falling_shared(void)
{
	base_mutex_lock(&domain);
	base_rwlock_rdlock(&iova);
}

static void falling_after_shared(void)
{
	base_rwlock_rdlock(&iova);
	base_mutex_lock(&group);
}

static void equal(void)
{
	base_mutex_lock(&domain);
	base_mutex_lock(&other_domain);
}

static void twice(void)
{
	base_mutex_lock(&domain);
	base_mutex_lock(&domain);
}

static void twice_shared(void)
{
	base_rwlock_rdlock(&iova);
	base_rwlock_rdlock(&iova);
}

static void twice_nested(void)
{
	base_lockcheck_acquire(&domain, RANK_DOMAIN, false);
	base_lockcheck_acquire(&domain, RANK_DOMAIN, true);
}

static void release_of_nothing(void)
{
	base_mutex_unlock(&domain);
}

static void without_rank(void)
{
	static struct base_mutex lock;

	base_mutex_lock(&lock);
}

static void too_many(void)
{
	static char locks[33];

	for (int i = 0; i < 33; i++)
		base_lockcheck_acquire(&locks[i], RANK_LEAF, true);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void wait_with_a_lock(void)
{
	base_mutex_lock(&domain);
	base_waitq_wait(&wq, never, NULL, 0);
}

static void assert_not_held(void)
{
	base_mutex_lock(&group);
	base_assert_held(&domain);
}

static void a_wrong_order_aborts_with_both_ranks(void **state)
{
	static const char message[] = "rank 10 (GROUP) taken while rank 17 (DOMAIN) is held";

	(void)state;
	assert_int_equal(RANK_GROUP, 10);
	assert_int_equal(RANK_DOMAIN, 17);
	assert_aborts(falling, message);
	assert_aborts(falling_behind_a_rise, "(IOPT_IOVA) taken while rank 17 (DOMAIN)");
	assert_aborts(falling_shared, "(IOPT_IOVA) taken while rank 17 (DOMAIN)");
	assert_aborts(falling_after_shared, "(GROUP) taken while rank 12 (IOPT_IOVA)");
	assert_aborts(equal, "rank 17 (DOMAIN) taken while rank 17 (DOMAIN)");
}

static void other_misuse_aborts(void **state)
{
	(void)state;
	assert_aborts(twice, "(DOMAIN) taken twice");
	assert_aborts(twice_shared, "(IOPT_IOVA) taken twice");
	assert_aborts(twice_nested, "(DOMAIN) taken twice");
	assert_aborts(release_of_nothing, "not held");
	assert_aborts(without_rank, "without a rank");
	assert_aborts(too_many, "more than 32");
	assert_aborts(wait_with_a_lock, "base_lockcheck_may_wait");
	assert_aborts(assert_not_held, "test_lockcheck.c");
}

static void *is_held_here(void *lock)
{
	return base_lockcheck_is_held(lock) ? lock : NULL;
}

static bool is_held_elsewhere(void *lock)
{
	pthread_t thread;
	void *held;

	assert_int_equal(pthread_create(&thread, NULL, is_held_here, lock), 0);
	pthread_join(thread, &held);
	return held;
}

static void a_right_order_passes(void **state)
{
	(void)state;
	assert_true(base_lockcheck_may_wait());
	base_mutex_lock(&group);
	base_rwlock_rdlock(&iova);
	base_mutex_lock(&domain);
	base_lockcheck_acquire(&other_domain, RANK_DOMAIN, true);
	base_assert_held(&group);
	base_assert_held(&iova);
	base_assert_held(&domain);
	assert_false(is_held_elsewhere(&domain));
	/* Released in any order. */
	base_mutex_unlock(&group);
	assert_false(base_lockcheck_is_held(&group));
	base_assert_held(&iova);
	base_assert_held(&domain);
	base_rwlock_rdunlock(&iova);
	base_mutex_unlock(&domain);
	assert_false(base_lockcheck_may_wait());
	base_lockcheck_release(&other_domain);
	assert_true(base_lockcheck_may_wait());
}

static void a_scope_releases_its_lock(void **state)
{
	(void)state;
	{
		base_scoped_lock(&group);
		base_scoped_write(&iova);
		base_assert_held(&group);
		base_assert_held(&iova);
	}
	assert_true(base_lockcheck_may_wait());
	{
		base_scoped_read(&iova);
		base_assert_held(&iova);
	}
	assert_true(base_lockcheck_may_wait());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_wrong_order_aborts_with_both_ranks, init_locks),
		cmocka_unit_test_setup(other_misuse_aborts, init_locks),
		cmocka_unit_test_setup(a_right_order_passes, init_locks),
		cmocka_unit_test_setup(a_scope_releases_its_lock, init_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	puts("the lock order is checked in builds with SWIOMMU_CHECKS only");
	return 77;
}

#endif
