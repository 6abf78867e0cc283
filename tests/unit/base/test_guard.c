// SPDX-License-Identifier: MIT
/*
 * base/guard.h: access to memory that may not be there. One table of tests runs
 * against the machine's own version and against the portable one.
 */
#include "base/guard.h"
#include "base/arith.h"
#include "base/sync.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

int portable_copy(void *dst, const void *src, size_t n);
int portable_move(void *dst, const void *src, size_t n);
int portable_fill(void *dst, uint64_t pattern, size_t n);
int portable_load64(const uint64_t *addr, uint64_t *value);
int portable_store64(uint64_t *addr, uint64_t value);
int portable_cas64(uint64_t *addr, uint64_t *expected, uint64_t desired, bool *swapped);
int portable_is_zero(const void *addr, size_t n, bool *zero);
int portable_touch(const void *addr, size_t n, bool write);
#define BASE_GUARD(name) portable_##name
#include "base/guard_portable.c"

#define PAGE 4096

/* cmocka would take SIGSEGV and SIGBUS from the guard for each test. */
void (*signal(int signo, void (*handler)(int)))(int)
{
	(void)signo, (void)handler;
	return SIG_DFL;
}

static const struct guard {
	int (*copy)(void *dst, const void *src, size_t n);
	int (*move)(void *dst, const void *src, size_t n);
	int (*fill)(void *dst, uint64_t pattern, size_t n);
	int (*load64)(const uint64_t *addr, uint64_t *value);
	int (*store64)(uint64_t *addr, uint64_t value);
	int (*cas64)(uint64_t *addr, uint64_t *expected, uint64_t desired, bool *swapped);
	int (*is_zero)(const void *addr, size_t n, bool *zero);
	int (*touch)(const void *addr, size_t n, bool write);
} native = {base_guard_copy,	base_guard_move,  base_guard_fill,    base_guard_load64,
	    base_guard_store64, base_guard_cas64, base_guard_is_zero, base_guard_touch},
  portable = {portable_copy,	portable_move,	portable_fill,	  portable_load64,
	      portable_store64, portable_cas64, portable_is_zero, portable_touch};

/* ---- memory, good and bad ---- */

/* Three pages that can be read and written, and one that cannot even be read. */
static char *good, *bad;
/* A page that can only be read, and the second page of a file that has one. */
static char *constant, *past_end;

static char *map(size_t npages, int prot)
{
	void *p = mmap(NULL, npages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static int map_and_install(void **state)
{
	int fd = memfd_create("guard", MFD_CLOEXEC);

	(void)state;
	good = map(4, PROT_READ | PROT_WRITE);
	bad = good + 3 * PAGE;
	if (mprotect(bad, PAGE, PROT_NONE) || ftruncate(fd, PAGE))
		return -1;
	constant = map(1, PROT_READ);
	past_end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	past_end += PAGE;
	close(fd);
	return base_guard_install();
}

#define BAD_KINDS 6

/* Memory that can be neither read nor written; page-aligned. */
static char *bad_memory(int kind)
{
	switch (kind) {
	case 0: return NULL;
	case 1: return (char *)0x20000; /* where mmap puts nothing by itself */
	case 2: return bad;
	case 3: return past_end;
	case 4: return (char *)0x8000000000000000;
	default: return (char *)-(uintptr_t)PAGE;
	}
}

/* Bytes that differ from their neighbours. */
static void paint(char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 7 + i / 251 + seed);
}

static const size_t sizes[] = {0,   1,	 2,   3,   4,	5,   7,	  8,	9,   12,  15,
			       16,  17,	 23,  24,  31,	32,  33,  40,	47,  48,  56,
			       63,  64,	 65,  72,  100, 127, 128, 129,	191, 192, 255,
			       256, 257, 319, 384, 500, 511, 512, 1000, 1500};

#define for_each_size(n) \
	for (size_t i_ = 0, n = 0; i_ < base_array_size(sizes) && (n = sizes[i_], true); i_++)

/* ---- what it does to good memory ---- */

static void copy_equals_memcpy(void **state)
{
	const struct guard *guard = *state;
	static char src[2048], dst[2048], twin[2048];

	paint(src, sizeof(src), 1);
	for_each_size(n)
	{
		for (size_t at = 0; at < 40; at++) {
			size_t from = at * 5 % 37;

			paint(dst, sizeof(dst), 99);
			memcpy(twin, dst, sizeof(dst));
			memcpy(twin + at, src + from, n);
			assert_int_equal(guard->copy(dst + at, src + from, n), 0);
			assert_memory_equal(dst, twin, sizeof(dst));
		}
	}
}

static void a_big_copy_equals_memcpy(void **state)
{
	const struct guard *guard = *state;
	size_t n = 3 * 1024 * 1024 + 77;
	char *src = malloc(n), *dst = malloc(n);

	paint(src, n, 5);
	assert_int_equal(guard->copy(dst, src, n), 0);
	assert_memory_equal(dst, src, n);
	free(src);
	free(dst);
}

static void move_equals_memmove(void **state)
{
	const struct guard *guard = *state;
	static char area[2048], twin[2048];
	static const size_t from[] = {0, 1, 7, 8, 16, 33, 64, 200};

	for_each_size(n)
	{
		for (size_t k = 0; k < 64; k++) {
			size_t src = from[k / 8], dst = from[k % 8];

			paint(area, sizeof(area), 3);
			memcpy(twin, area, sizeof(area));
			memmove(twin + dst, twin + src, n);
			assert_int_equal(guard->move(area + dst, area + src, n), 0);
			assert_memory_equal(area, twin, sizeof(area));
		}
	}
}

static void fill_repeats_the_pattern(void **state)
{
	const struct guard *guard = *state;
	static unsigned char area[2048], twin[2048];
	const uint64_t pattern = 0x8877665544332211;

	for_each_size(n)
	{
		for (size_t at = 0; at < 9; at++) {
			memset(area, 0xee, sizeof(area));
			memset(twin, 0xee, sizeof(twin));
			for (size_t i = 0; i < n; i++)
				twin[at + i] = (unsigned char)(0x11 * (i % 8 + 1));
			assert_int_equal(guard->fill(area + at, pattern, n), 0);
			assert_memory_equal(area, twin, sizeof(area));
		}
	}
}

static void load_store_and_swap(void **state)
{
	const struct guard *guard = *state;
	uint64_t word = 1, value = 0, expected = 5;
	bool swapped = true;

	assert_int_equal(guard->load64(&word, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(guard->store64(&word, UINT64_MAX - 1), 0);
	assert_true(word == UINT64_MAX - 1);
	assert_int_equal(guard->cas64(&word, &expected, 7, &swapped), 0);
	assert_false(swapped);
	assert_true(expected == UINT64_MAX - 1);
	assert_true(word == UINT64_MAX - 1);
	assert_int_equal(guard->cas64(&word, &expected, 7, &swapped), 0);
	assert_true(swapped);
	assert_true(expected == UINT64_MAX - 1);
	assert_int_equal(word, 7);
}

static void is_zero_finds_every_single_byte(void **state)
{
	const struct guard *guard = *state;
	static char area[400];

	for (size_t start = 0; start < 9; start++) {
		for (size_t n = 1; n < 300; n += n < 40 ? 1 : 37) {
			bool zero = false;

			area[start ? start - 1 : 399] = area[start + n] = 1;
			assert_int_equal(guard->is_zero(area + start, n, &zero), 0);
			assert_true(zero);
			for (size_t i = 0; i < n; i++) {
				area[start + i] = (char)0x80;
				assert_int_equal(guard->is_zero(area + start, n, &zero), 0);
				assert_false(zero);
				area[start + i] = 0;
			}
			memset(area, 0, sizeof(area));
		}
	}
}

static void *count_up(void *arg)
{
	uint64_t *counter = arg;

	for (int i = 0; i < 100000; i++)
		base_add(counter, 1);
	return NULL;
}

static void touch_loses_no_concurrent_change(void **state)
{
	const struct guard *guard = *state;
	uint64_t *counter = (uint64_t *)map(1, PROT_READ | PROT_WRITE);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, count_up, counter), 0);
	while (base_load(counter) < 100000)
		assert_int_equal(guard->touch(counter, 8, true), 0);
	pthread_join(thread, NULL);
	assert_int_equal(*counter, 100000);
	munmap(counter, PAGE);
}

static unsigned resident(char *p, size_t npages)
{
	unsigned char vec[16];
	unsigned count = 0;

	assert_int_equal(mincore(p, npages * PAGE, vec), 0);
	for (size_t i = 0; i < npages; i++)
		count += vec[i] & 1;
	return count;
}

static void touch_makes_every_page_present(void **state)
{
	const struct guard *guard = *state;

	for (size_t first = 0; first <= PAGE; first += PAGE - 1) {
		char *p = map(8, PROT_READ | PROT_WRITE);

		madvise(p, 8 * PAGE, MADV_NOHUGEPAGE);
		assert_int_equal(guard->touch(p + first, 5 * PAGE - first + 1, true), 0);
		assert_int_equal(resident(p, 8), first == PAGE ? 5 : 6);
		munmap(p, 8 * PAGE);
	}
}

/* ---- what it does about bad memory ---- */

static void bad_sources_are_efault(void **state)
{
	const struct guard *guard = *state;
	char buffer[1500];
	uint64_t value;
	bool zero;

	for (int kind = 0; kind < BAD_KINDS; kind++) {
		char *p = bad_memory(kind);

		for_each_size(n)
		{
			int rc = n ? -EFAULT : 0;

			assert_int_equal(guard->copy(buffer, p, n), rc);
			assert_int_equal(guard->move(buffer, p, n), rc);
			assert_int_equal(guard->touch(p, n, false), rc);
			if (n)
				assert_int_equal(guard->is_zero(p, n, &zero), rc);
		}
		assert_int_equal(guard->load64((uint64_t *)p, &value), -EFAULT);
	}
}

static void assert_not_writable(const struct guard *guard, char *p)
{
	uint64_t expected = 0;
	char buffer[1500] = {0};
	bool swapped;

	for_each_size(n)
	{
		int rc = n ? -EFAULT : 0;

		assert_int_equal(guard->copy(p, buffer, n), rc);
		assert_int_equal(guard->move(p, buffer, n), rc);
		assert_int_equal(guard->fill(p, 0, n), rc);
		assert_int_equal(guard->touch(p, n, true), rc);
	}
	assert_int_equal(guard->store64((uint64_t *)p, 1), -EFAULT);
	assert_int_equal(guard->cas64((uint64_t *)p, &expected, 1, &swapped), -EFAULT);
}

static void bad_destinations_are_efault(void **state)
{
	for (int kind = 0; kind < BAD_KINDS; kind++)
		assert_not_writable(*state, bad_memory(kind));
}

static void a_constant_page_is_read_but_not_written(void **state)
{
	const struct guard *guard = *state;
	uint64_t value = 1;
	char buffer[64];

	assert_int_equal(guard->copy(buffer, constant, sizeof(buffer)), 0);
	assert_int_equal(guard->load64((uint64_t *)constant, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(guard->touch(constant, PAGE, false), 0);
	assert_not_writable(guard, constant);
}

/* What is in front of the bad page is old or new, what is behind the copy is old. */
static void assert_partly(const char *dst, const char *src, size_t ngood, size_t n, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (dst[i] != 'o' && (i >= ngood || i >= n || dst[i] != src[i]))
			fail_msg("byte %zu of %zu (%zu good) is %d", i, n, ngood, dst[i]);
}

static void a_copy_out_of_good_memory_gives_a_prefix(void **state)
{
	const struct guard *guard = *state;
	char buffer[2048];

	paint(good, 3 * PAGE, 11);
	for_each_size(n)
	{
		for (size_t ngood = 0; ngood < n; ngood += 1 + ngood / 3) {
			memset(buffer, 'o', sizeof(buffer));
			assert_int_equal(guard->copy(buffer + 3, bad - ngood, n), -EFAULT);
			assert_partly(buffer + 3, bad - ngood, ngood, n, sizeof(buffer) - 3);
		}
	}
}

static void a_copy_into_bad_memory_writes_a_prefix(void **state)
{
	const struct guard *guard = *state;
	char src[2048];

	paint(src, sizeof(src), 13);
	for_each_size(n)
	{
		for (size_t ngood = 0; ngood < n; ngood += 1 + ngood / 3) {
			memset(good, 'o', 3 * PAGE);
			assert_int_equal(guard->copy(bad - ngood, src, n), -EFAULT);
			assert_partly(bad - ngood, src, ngood, n, ngood);
			assert_partly(good, src, 0, 0, 3 * PAGE - ngood);
			assert_int_equal(guard->move(bad - ngood, src, n), -EFAULT);
			assert_int_equal(guard->fill(bad - ngood, 0, n), -EFAULT);
			assert_partly(good, src, 0, 0, 3 * PAGE - ngood);
		}
	}
}

static void a_big_copy_stops_at_the_hole(void **state)
{
	const struct guard *guard = *state;
	size_t n = 64 * PAGE;
	char *src = map(64, PROT_READ | PROT_WRITE), *dst = map(64, PROT_READ | PROT_WRITE);

	paint(src, n, 17);
	for (size_t hole = 1; hole < 64; hole += 9) {
		mprotect(src + hole * PAGE, PAGE, PROT_NONE);
		memset(dst, 'o', n);
		assert_int_equal(guard->copy(dst + 5, src + 8, n - 8), -EFAULT);
		assert_partly(dst + 5, src + 8, hole * PAGE - 8, n, n - 5);
		assert_int_equal(guard->move(src + 16, src, n - 16), -EFAULT);
		mprotect(src + hole * PAGE, PAGE, PROT_READ | PROT_WRITE);
		paint(src, n, 17);
	}
	munmap(src, n);
	munmap(dst, n);
}

static void a_page_behind_the_range_does_not_matter(void **state)
{
	const struct guard *guard = *state;
	char buffer[2048] = {0};
	bool zero;

	memset(good, 0, 3 * PAGE);
	for_each_size(n)
	{
		assert_int_equal(guard->copy(buffer, bad - n, n), 0);
		assert_int_equal(guard->copy(bad - n, buffer, n), 0);
		assert_int_equal(guard->move(buffer, bad - n, n), 0);
		assert_int_equal(guard->fill(bad - n, 0, n), 0);
		assert_int_equal(guard->touch(bad - n, n, true), 0);
		assert_int_equal(guard->touch(bad - n, n + 1, true), -EFAULT);
		assert_int_equal(guard->touch(bad - n, n + 1, false), -EFAULT);
		if (n) {
			assert_int_equal(guard->is_zero(bad - n, n, &zero), 0);
			assert_true(zero);
			assert_int_equal(guard->is_zero(bad - n, n + 1, &zero), -EFAULT);
		}
	}
}

static void is_zero_stops_at_the_first_other_byte(void **state)
{
	const struct guard *guard = *state;
	bool zero = true;

	memset(good, 0, 3 * PAGE);
	for (size_t n = 1; n < 300; n++) {
		bad[-1] = 1;
		assert_int_equal(guard->is_zero(bad - n, 2 * PAGE, &zero), 0);
		assert_false(zero);
		bad[-1] = 0;
		assert_int_equal(guard->is_zero(bad - n, 2 * PAGE, &zero), -EFAULT);
	}
}

static void a_range_that_wraps_is_efault(void **state)
{
	const struct guard *guard = *state;

	assert_int_equal(guard->touch(good, SIZE_MAX, false), -EFAULT);
	assert_int_equal(guard->touch(good, SIZE_MAX, true), -EFAULT);
	assert_int_equal(guard->touch((void *)-1l, 2, true), -EFAULT);
	assert_int_equal(guard->touch(good, 0, true), 0);
	assert_int_equal(guard->touch(NULL, 0, true), 0);
}

struct crowd {
	const struct guard *guard;
	uint32_t wrong;
};

static void *fault_often(void *arg)
{
	struct crowd *crowd = arg;
	char buffer[100];

	for (int i = 0; i < 2000; i++)
		if (crowd->guard->copy(buffer, bad_memory(i % BAD_KINDS), 100) != -EFAULT)
			base_add(&crowd->wrong, 1);
	return NULL;
}

static void threads_fault_independently(void **state)
{
	struct crowd crowd = {*state, 0};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fault_often, &crowd), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.wrong, 0);
}

static void a_fault_leaves_mask_and_errno_alone(void **state)
{
	const struct guard *guard = *state;
	sigset_t before, after;
	char buffer[8];

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	errno = EXDEV;
	assert_int_equal(guard->copy(buffer, NULL, 8), -EFAULT);
	assert_int_equal(guard->touch(NULL, 8, true), -EFAULT);
	assert_int_equal(errno, EXDEV);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int signo = 1; signo < 65; signo++)
		assert_int_equal(sigismember(&before, signo), sigismember(&after, signo));
}

#define ON_BOTH(fn)                                                 \
	{"native: " #fn, fn, NULL, NULL, (void *)&native},          \
	{                                                           \
		"portable: " #fn, fn, NULL, NULL, (void *)&portable \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(copy_equals_memcpy),
		ON_BOTH(a_big_copy_equals_memcpy),
		ON_BOTH(move_equals_memmove),
		ON_BOTH(fill_repeats_the_pattern),
		ON_BOTH(load_store_and_swap),
		ON_BOTH(is_zero_finds_every_single_byte),
		ON_BOTH(touch_loses_no_concurrent_change),
		ON_BOTH(touch_makes_every_page_present),
		ON_BOTH(bad_sources_are_efault),
		ON_BOTH(bad_destinations_are_efault),
		ON_BOTH(a_constant_page_is_read_but_not_written),
		ON_BOTH(a_copy_out_of_good_memory_gives_a_prefix),
		ON_BOTH(a_copy_into_bad_memory_writes_a_prefix),
		ON_BOTH(a_big_copy_stops_at_the_hole),
		ON_BOTH(a_page_behind_the_range_does_not_matter),
		ON_BOTH(is_zero_stops_at_the_first_other_byte),
		ON_BOTH(a_range_that_wraps_is_efault),
		ON_BOTH(threads_fault_independently),
		ON_BOTH(a_fault_leaves_mask_and_errno_alone),
	};

	return cmocka_run_group_tests(tests, map_and_install, NULL);
}
