// SPDX-License-Identifier: MIT
/* mem/parts.h beside a twin that has a count for each page. */
#include "spaces.h"

#include "mem/parts.h"

#include <errno.h>

#define PAGES  64u
#define HELD   40u
#define ROUNDS 20000u

struct range {
	uint64_t first, last;
};

static struct mem_parts parts;
static unsigned twin[PAGES];
static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static int parts_new(void **state)
{
	(void)state;
	mem_parts_init(&parts);
	for (unsigned i = 0; i < PAGES; i++)
		twin[i] = 0;
	seed = 1;
	return 0;
}

static int pin(uint64_t first, uint64_t last)
{
	int rc = mem_parts_prepare(&parts, first, last);

	if (rc)
		return rc;
	mem_parts_add(&parts, first, last);
	for (uint64_t i = first; i <= last; i++)
		twin[i]++;
	return 0;
}

static void unpin(uint64_t first, uint64_t last)
{
	mem_parts_sub(&parts, first, last);
	for (uint64_t i = first; i <= last; i++)
		twin[i]--;
}

/* The gaps of [first, last] and the number of pages are those of the twin. */
static void check(uint64_t first, uint64_t last)
{
	uint64_t gap_last, pages = 0, page = first;

	for (unsigned i = 0; i < PAGES; i++)
		pages += twin[i] != 0;
	assert_int_equal(parts.pages, pages);
	while (page <= last) {
		uint64_t at = page;
		bool found = mem_parts_gap(&parts, &at, last, &gap_last);

		for (; page <= last && twin[page]; page++)
			;
		assert_int_equal(found, page <= last);
		if (!found)
			break;
		assert_int_equal(at, page);
		for (; page <= last && !twin[page]; page++)
			;
		assert_int_equal(gap_last, page - 1);
	}
}

static void check_all(void)
{
	check(0, PAGES - 1);
}

static struct range random_range(void)
{
	uint64_t a = random_below(PAGES), b = random_below(PAGES);

	return (struct range){base_min_u64(a, b), base_max_u64(a, b)};
}

/* ---- what a run is ---- */

static void without_pins_all_is_one_gap(void **state)
{
	uint64_t first = 0, last;

	(void)state;
	assert_true(mem_parts_gap(&parts, &first, UINT64_MAX >> 12, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, UINT64_MAX >> 12);
	check_all();
}

static void a_pin_splits_runs_at_its_borders(void **state)
{
	(void)state;
	assert_int_equal(pin(0, 9), 0);
	assert_int_equal(parts.runs.count, 1);
	assert_int_equal(pin(3, 5), 0);
	assert_int_equal(parts.runs.count, 3);
	assert_int_equal(pin(4, 20), 0);
	assert_int_equal(parts.runs.count, 5);
	check_all();
	unpin(0, 9);
	check_all();
	unpin(3, 5);
	check_all();
	unpin(4, 20);
	assert_int_equal(parts.runs.count, 0);
	check_all();
}

static void the_same_pages_are_one_run(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(pin(7, 30), 0);
	assert_int_equal(parts.runs.count, 1);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(parts.pages, 24);
		unpin(7, 30);
	}
	assert_int_equal(parts.runs.count, 0);
}

/* The cost follows runs: these are 2^52 pages. */
static void runs_may_be_long(void **state)
{
	const uint64_t last = (1ull << 52) - 1;
	uint64_t first = 0, gap_last;

	(void)state;
	assert_int_equal(mem_parts_prepare(&parts, 1, last), 0);
	mem_parts_add(&parts, 1, last);
	assert_int_equal(parts.pages, last);
	assert_true(mem_parts_gap(&parts, &first, last, &gap_last));
	assert_int_equal(gap_last, 0);
	mem_parts_sub(&parts, 1, last);
	assert_int_equal(parts.runs.count, 0);
}

static void a_cancelled_pin_leaves_no_count(void **state)
{
	(void)state;
	assert_int_equal(pin(10, 20), 0);
	assert_int_equal(mem_parts_prepare(&parts, 5, 15), 0);
	check_all();
	mem_parts_cancel(&parts, 5, 15);
	check_all();
	unpin(10, 20);
	assert_int_equal(parts.runs.count, 0);
}

/* ---- the twin ---- */

static void random_pins_equal_the_twin(void **state)
{
	struct range held[HELD];
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct range look = random_range();

		if (count < HELD && random_below(2)) {
			held[count] = random_range();
			assert_int_equal(pin(held[count].first, held[count].last), 0);
			count++;
		} else if (count) {
			unsigned which = random_below(count);

			unpin(held[which].first, held[which].last);
			held[which] = held[--count];
		}
		check(look.first, look.last);
	}
	while (count--)
		unpin(held[count].first, held[count].last);
	assert_int_equal(parts.runs.count, 0);
	assert_int_equal(parts.pages, 0);
}

/* Whatever allocation fails, the counts stay, and unpinning does without any. */
static void a_pin_that_fails_changes_nothing(void **state)
{
	unsigned nth, failed = 0;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pin(i * 8, i * 8 + 3), 0);
	for (nth = 1;; nth++) {
		int rc;

		base_fail_nth(nth);
		rc = pin(1, PAGES - 2);
		if (base_fail_pending())
			break;
		failed++;
		assert_int_equal(rc, -ENOMEM);
		check_all();
	}
	/* Seven gaps and the end. A run that an attempt has split stays so. */
	assert_true(failed >= 8);
	base_fail_nth(1);
	unpin(1, PAGES - 2);
	for (unsigned i = 0; i < 8; i++)
		unpin(i * 8, i * 8 + 3);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	assert_int_equal(parts.runs.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_pins_all_is_one_gap, parts_new),
		cmocka_unit_test_setup(a_pin_splits_runs_at_its_borders, parts_new),
		cmocka_unit_test_setup(the_same_pages_are_one_run, parts_new),
		cmocka_unit_test_setup(runs_may_be_long, parts_new),
		cmocka_unit_test_setup(a_cancelled_pin_leaves_no_count, parts_new),
		cmocka_unit_test_setup(random_pins_equal_the_twin, parts_new),
		cmocka_unit_test_setup(a_pin_that_fails_changes_nothing, parts_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
