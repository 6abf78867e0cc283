// SPDX-License-Identifier: MIT
/* base/alloc.h: memory and fail-the-nth. */
#include "base/alloc.h"
#include "base/sync.h"
#include "base/thread.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The sanitizers' malloc is to fail as the real one does. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
	return __asan_default_options();
}

static bool is_filled(const unsigned char *p, unsigned char byte, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte)
			return false;
	return true;
}

static void zalloc_is_zero_in_reused_memory(void **state)
{
	(void)state;
	for (size_t n = 1; n < 5000; n = n * 3 + 1) {
		unsigned char *p = base_alloc(n);

		assert_non_null(p);
		memset(p, 0xa5, n);
		base_free(p);
		p = base_zalloc(n);
		assert_non_null(p);
		assert_true(is_filled(p, 0, n));
		base_free(p);
	}
}

static void zalloc_aligned_is_aligned_and_zero(void **state)
{
	(void)state;
	for (size_t align = 8; align <= 65536; align *= 2) {
		unsigned char *p = base_zalloc_aligned(align, 100);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		assert_true(is_filled(p, 0, 100));
		base_free(p);
	}
}

/* Or the compiler may leave out an allocation whose memory is not used. */
static void *kept(void *ptr)
{
	__asm__ volatile("" : "+r"(ptr));
	return ptr;
}

static void impossible_sizes_give_null(void **state)
{
	size_t size = SIZE_MAX / 2;

	(void)state;
	__asm__("" : "+r"(size));
	assert_null(kept(base_alloc(size)));
	assert_null(kept(base_zalloc(size)));
	assert_null(kept(base_zalloc_aligned(4096, size)));
}

static void free_takes_null_and_keeps_errno(void **state)
{
	void *p = base_alloc(1 << 20);

	(void)state;
	errno = EXDEV;
	base_free(NULL);
	base_free(p);
	assert_int_equal(errno, EXDEV);
}

/* Which of `count` injection points fail? Bit i for the i-th. All kinds take turns. */
static unsigned failures(unsigned count)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < count; i++) {
		void *p = NULL;

		switch (i % 4) {
		case 0: p = base_alloc(8); break;
		case 1: p = base_zalloc(8); break;
		case 2: p = base_zalloc_aligned(64, 8); break;
		case 3: failed |= (unsigned)base_fail_here() << i; continue;
		}
		failed |= (unsigned)!p << i;
		base_free(p);
	}
	return failed;
}

static void nth_point_fails_once(void **state)
{
	(void)state;
	for (unsigned nth = 1; nth <= 16; nth++) {
		base_fail_nth(nth);
		assert_int_equal(failures(16), 1u << (nth - 1));
		assert_int_equal(base_fail_pending(), 0);
	}
}

static void pending_says_how_many_are_left(void **state)
{
	(void)state;
	base_fail_nth(20);
	assert_int_equal(failures(16), 0);
	assert_int_equal(base_fail_pending(), 4);
	base_fail_nth(0);
	assert_int_equal(failures(16), 0);
	assert_int_equal(base_fail_pending(), 0);
}

struct other_thread {
	unsigned failed;
	uint32_t done;
	struct base_waitq wq;
};

static void count_failures(void *arg)
{
	struct other_thread *other = arg;

	other->failed = failures(16);
	base_fail_nth(2);
	base_store(&other->done, 1);
	base_waitq_wake(&other->wq);
}

static bool is_done(void *arg)
{
	return base_load(&((struct other_thread *)arg)->done);
}

static void injection_is_per_thread(void **state)
{
	static struct other_thread other;

	(void)state;
	assert_int_equal(base_thread_start(count_failures, &other), 0);
	base_fail_nth(3);
	assert_int_equal(base_waitq_wait(&other.wq, is_done, &other, 60000), 0);
	assert_int_equal(other.failed, 0);
	assert_int_equal(base_fail_pending(), 3);
	base_fail_nth(0);
}

static void a_failed_thread_start_is_enomem(void **state)
{
	static struct other_thread other;

	(void)state;
	base_fail_nth(1);
	assert_int_equal(base_thread_start(count_failures, &other), -ENOMEM);
}

static void count_follows_what_is_alive(void **state)
{
	size_t before = base_alloc_count();
	void *a, *b, *c;

	(void)state;
#ifndef SWIOMMU_CHECKS
	skip();
#endif
	a = base_alloc(1);
	b = base_zalloc(1);
	c = base_zalloc_aligned(8, 1);
	base_fail_nth(1);
	assert_null(base_alloc(1));
	assert_int_equal(base_alloc_count(), before + 3);
	base_free(a);
	base_free(b);
	base_free(c);
	base_free(NULL);
	assert_int_equal(base_alloc_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zalloc_is_zero_in_reused_memory),
		cmocka_unit_test(zalloc_aligned_is_aligned_and_zero),
		cmocka_unit_test(impossible_sizes_give_null),
		cmocka_unit_test(free_takes_null_and_keeps_errno),
		cmocka_unit_test(nth_point_fails_once),
		cmocka_unit_test(pending_says_how_many_are_left),
		cmocka_unit_test(injection_is_per_thread),
		cmocka_unit_test(a_failed_thread_start_is_enomem),
		cmocka_unit_test(count_follows_what_is_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
