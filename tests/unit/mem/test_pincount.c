// SPDX-License-Identifier: MIT
/* mem/pincount.h: who pins a page, against a dumb twin that has a counter for each. */
#include "mem/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define BASE	0x700000000000ull
#define PAGES	64
#define AT(n)	(BASE + (n)*BASE_PAGE_SIZE)
#define RANGES	32
#define ROUNDS	20000
#define THREADS 4

static const struct mem_pageids no_aliases;

static void pin(uint64_t host, uint64_t length, int delta)
{
	if (mem_pincount_on)
		mem_pincount_record(host, length, delta);
}

static uint32_t count_of(uint64_t host)
{
	return mem_pincount_of(&no_aliases, host);
}

static void expect_counts(const uint32_t counts[PAGES])
{
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(count_of(AT(i) + i * 61 % BASE_PAGE_SIZE), counts[i]);
}

/* Comes first: it is never switched off again. */
static void nothing_is_counted_before_it_is_switched_on(void **state)
{
	(void)state;
	assert_false(mem_pincount_on);
	pin(AT(0), 1, 1);
	assert_int_equal(count_of(AT(0)), 0);
	mem_pincount_enable();
	/* The end of a pin of before. */
	pin(AT(0), 1, -1);
	assert_int_equal(count_of(AT(0)), 0);
	pin(AT(0), 1, 1);
	assert_int_equal(count_of(AT(0)), 1);
	pin(AT(0), 1, -1);
}

static void pages_count_as_a_whole(void **state)
{
	(void)state;
	pin(AT(3) + 4095, 2, 1);
	assert_int_equal(count_of(AT(2) + 4095), 0);
	assert_int_equal(count_of(AT(3)), 1);
	assert_int_equal(count_of(AT(4) + 4095), 1);
	assert_int_equal(count_of(AT(5)), 0);
	pin(AT(3) + 4095, 2, -1);
	assert_int_equal(count_of(AT(3)), 0);
}

static void parts_are_pinned_more_often(void **state)
{
	(void)state;
	pin(AT(0), 8 * BASE_PAGE_SIZE, 1);
	pin(AT(2), 2 * BASE_PAGE_SIZE, 1);
	pin(AT(3), 8 * BASE_PAGE_SIZE, 1);
	expect_counts((uint32_t[PAGES]){1, 1, 2, 3, 2, 2, 2, 2, 1, 1, 1});
	pin(AT(0), 8 * BASE_PAGE_SIZE, -1);
	expect_counts((uint32_t[PAGES]){0, 0, 1, 2, 1, 1, 1, 1, 1, 1, 1});
	pin(AT(3), 8 * BASE_PAGE_SIZE, -1);
	expect_counts((uint32_t[PAGES]){0, 0, 1, 1});
	pin(AT(2), 2 * BASE_PAGE_SIZE, -1);
	expect_counts((uint32_t[PAGES]){0});
}

/* ---- the twin ---- */

static struct {
	uint64_t host, length;
} ranges[RANGES];

static void twin_change(uint32_t counts[PAGES], unsigned range, int delta)
{
	uint64_t first = (ranges[range].host - BASE) / BASE_PAGE_SIZE;
	uint64_t last = (ranges[range].host + ranges[range].length - 1 - BASE) / BASE_PAGE_SIZE;

	for (; first <= last; first++)
		counts[first] += (uint32_t)delta;
	pin(ranges[range].host, ranges[range].length, delta);
}

static void counts_are_those_of_the_twin(void **state)
{
	uint32_t counts[PAGES] = {0};
	bool pinned[RANGES] = {false};
	size_t allocations = base_alloc_count();
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned r = (unsigned)rand_r(&seed) % RANGES;

		if (!pinned[r]) {
			ranges[r].host = BASE + (uint64_t)rand_r(&seed) % (PAGES * BASE_PAGE_SIZE);
			ranges[r].length =
				1 + (uint64_t)rand_r(&seed) % (AT(PAGES) - ranges[r].host);
		}
		twin_change(counts, r, pinned[r] ? -1 : 1);
		pinned[r] = !pinned[r];
		if (round % 16 == 0)
			expect_counts(counts);
	}
	for (unsigned r = 0; r < RANGES; r++)
		if (pinned[r])
			twin_change(counts, r, -1);
	expect_counts((uint32_t[PAGES]){0});
	assert_int_equal(base_alloc_count(), allocations);
}

/* ---- memory ---- */

/* Tests of other things let their nth allocation fail. */
static void no_allocation_is_an_injection_point(void **state)
{
	(void)state;
	base_fail_nth(1);
	pin(AT(0), 4 * BASE_PAGE_SIZE, 1);
	pin(AT(1), BASE_PAGE_SIZE, 1);
	pin(AT(1), BASE_PAGE_SIZE, -1);
	pin(AT(0), 4 * BASE_PAGE_SIZE, -1);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
}

/* What the child inherits is lost there, so it has to be a child indeed. */
static int look_as_a_child(void)
{
	int wrong;

	mem_pincount_after_fork();
	wrong = count_of(AT(0)) != 0;
	pin(AT(0), BASE_PAGE_SIZE, 1);
	wrong |= count_of(AT(0)) != 1;
	pin(AT(0), BASE_PAGE_SIZE, -1);
	return wrong | (count_of(AT(0)) != 0);
}

static void a_child_of_fork_has_no_pins(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	pin(AT(0), BASE_PAGE_SIZE, 1);
	pid = fork();
	if (!pid)
		_exit(look_as_a_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_of(AT(0)), 1);
	pin(AT(0), BASE_PAGE_SIZE, -1);
}

/* ---- threads ---- */

static void *pin_and_unpin(void *arg)
{
	uint64_t host = AT(*(unsigned *)arg);

	for (unsigned i = 0; i < 2000; i++) {
		pin(host, (1 + i % 8) * BASE_PAGE_SIZE, 1);
		pin(host, (1 + i % 8) * BASE_PAGE_SIZE, -1);
	}
	return NULL;
}

static void threads_count_at_the_same_time(void **state)
{
	unsigned starts[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		starts[i] = 3 * i;
		assert_int_equal(pthread_create(&threads[i], NULL, pin_and_unpin, &starts[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_counts((uint32_t[PAGES]){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_counted_before_it_is_switched_on),
		cmocka_unit_test(pages_count_as_a_whole),
		cmocka_unit_test(parts_are_pinned_more_often),
		cmocka_unit_test(counts_are_those_of_the_twin),
		cmocka_unit_test(no_allocation_is_an_injection_point),
		cmocka_unit_test(threads_count_at_the_same_time),
		cmocka_unit_test(a_child_of_fork_has_no_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
