// SPDX-License-Identifier: MIT
/* The id table beside an array with one byte per id. */
#include "base/base.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TWIN_IDS 9000

enum state { FREE, EMPTY, SET };

/* state[id - min]; what id stands for is the address of its state. */
struct twin {
	struct base_idtable table;
	uint32_t nids, taken;
	uint8_t state[TWIN_IDS];
};

static struct twin twin;
static uint64_t seed;

static uint64_t random_u64(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t random_below(uint32_t n)
{
	return (uint32_t)(random_u64() % n);
}

static void twin_init(uint32_t min, uint32_t nids)
{
	assert_true(nids && nids <= TWIN_IDS);
	memset(&twin, 0, sizeof(twin));
	twin.nids = nids;
	base_idtable_init(&twin.table, min, min + (nids - 1));
	seed = min + nids;
}

static void twin_fini(void)
{
	base_idtable_fini(&twin.table);
	assert_null(twin.table.root);
	assert_int_equal(twin.table.taken, 0);
}

static void *expected_ptr(uint64_t id)
{
	uint64_t at = id - twin.table.min;

	return at < twin.nids && twin.state[at] == SET ? &twin.state[at] : NULL;
}

static void check_get(uint32_t id)
{
	assert_ptr_equal(base_idtable_get(&twin.table, id), expected_ptr(id));
}

static void check_next(uint32_t from)
{
	uint64_t want = base_max_u64(from, twin.table.min);
	uint64_t end = (uint64_t)twin.table.min + twin.nids;
	uint32_t id = from;
	void *ptr = base_idtable_next(&twin.table, &id);

	while (want < end && !expected_ptr(want))
		want++;
	assert_ptr_equal(ptr, expected_ptr(want));
	assert_int_equal(id, want < end ? want : from);
}

static void check_all(void)
{
	uint32_t at = 0, id = 0;

	assert_int_equal(twin.table.taken, twin.taken);
	for (uint32_t i = 0; i < twin.nids; i++)
		check_get(twin.table.min + i);
	for (void *ptr; (ptr = base_idtable_next(&twin.table, &id)); id++, at++) {
		while (at < twin.nids && twin.state[at] != SET)
			at++;
		assert_int_equal(id, twin.table.min + at);
		assert_ptr_equal(ptr, &twin.state[at]);
	}
	while (at < twin.nids)
		assert_int_not_equal(twin.state[at++], SET);
}

static int reserve(void)
{
	uint32_t at = 0, id = 12345;
	int rc = base_idtable_reserve(&twin.table, &id);

	while (at < twin.nids && twin.state[at] != FREE)
		at++;
	if (at == twin.nids) {
		assert_int_equal(rc, -EBUSY);
	} else if (rc) {
		assert_int_equal(rc, -ENOMEM);
	} else {
		assert_int_equal(id, twin.table.min + at);
		twin.state[at] = EMPTY;
		twin.taken++;
		check_get(id);
	}
	return rc;
}

static void set(uint32_t at, bool empty)
{
	base_idtable_set(&twin.table, twin.table.min + at, empty ? NULL : &twin.state[at]);
	twin.state[at] = empty ? EMPTY : SET;
}

static void release(uint32_t at)
{
	base_idtable_release(&twin.table, twin.table.min + at);
	twin.state[at] = FREE;
	twin.taken--;
}

/* Take the first n ids and set them. */
static void take(uint32_t n)
{
	for (uint32_t at = 0; at < n; at++) {
		assert_int_equal(reserve(), 0);
		set(at, false);
	}
}

static void release_range(uint32_t first, uint32_t last)
{
	for (uint32_t at = first; at <= last; at++)
		release(at);
}

/* Growing and shrinking phases take turns. */
static void random_step(unsigned step)
{
	uint32_t at = random_below(twin.nids);
	bool growing = step / (twin.nids + 100) % 2 == 0;

	if (random_below(100) < (growing ? 70 : 25))
		reserve();
	else if (twin.state[at] != FREE && random_below(100) < (growing ? 30 : 80))
		release(at);
	else if (twin.state[at] != FREE)
		set(at, random_below(4) == 0);
	check_get(twin.table.min + random_below(twin.nids + 200) - 100);
	check_next(twin.table.min + random_below(twin.nids + 200) - 100);
}

static void random_ids_match_a_byte_array(void **state)
{
	static const struct {
		uint32_t min, nids;
		unsigned steps;
	} cases[] = {
		{1, 1, 1000},	      {0, 63, 4000},
		{0, 64, 4000},	      {1, 65, 4000},
		{7, 300, 8000},	      {4095, 5000, 25000},
		{1, TWIN_IDS, 40000}, {UINT32_MAX - 200, 200, 8000},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(cases); i++) {
		twin_init(cases[i].min, cases[i].nids);
		for (unsigned step = 0; step < cases[i].steps; step++) {
			random_step(step);
			if (step % (1 + cases[i].nids / 4) == 0)
				check_all();
		}
		check_all();
		twin_fini();
	}
}

static void empty_table_has_nothing(void **state)
{
	(void)state;
	twin_init(1, 100);
	check_get(0);
	check_get(1);
	check_get(UINT32_MAX);
	check_next(0);
	check_next(UINT32_MAX);
	twin_fini();
}

static void freed_id_is_given_again_first(void **state)
{
	(void)state;
	twin_init(1, 1000);
	take(500);
	release(3);
	release(470);
	release(70);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(reserve(), 0);
	check_all();
	twin_fini();
}

static void reserved_id_is_taken_but_reads_as_null(void **state)
{
	(void)state;
	twin_init(1, 10);
	assert_int_equal(reserve(), 0);
	assert_int_equal(reserve(), 0);
	assert_null(base_idtable_get(&twin.table, 1));
	check_next(0);
	set(1, false);
	check_next(0);
	twin_fini();
}

static void tombstone_is_never_given_again(void **state)
{
	(void)state;
	twin_init(1, 200);
	take(100);
	set(10, true);
	set(64, true);
	release(11);
	assert_int_equal(reserve(), 0);
	assert_int_equal(reserve(), 0);
	assert_int_equal(twin.state[10], EMPTY);
	assert_int_equal(twin.taken, 101);
	check_all();
	twin_fini();
}

static void full_table_is_ebusy_and_unchanged(void **state)
{
	static const uint32_t sizes[] = {1, 63, 64, 65, 128, 4096, 4097, 4200};

	(void)state;
	for (size_t i = 0; i < base_array_size(sizes); i++) {
		struct base_idtable before;
		size_t allocated;

		twin_init(5, sizes[i]);
		take(sizes[i]);
		before = twin.table;
		allocated = base_alloc_count();
		assert_int_equal(reserve(), -EBUSY);
		assert_memory_equal(&before, &twin.table, sizeof(before));
		assert_int_equal(allocated, base_alloc_count());
		check_all();
		release(sizes[i] / 2);
		assert_int_equal(reserve(), 0);
		twin_fini();
	}
}

/* The next reserve fails once for each of its allocations, and then succeeds. */
static void sweep_reserve(unsigned nallocations)
{
	for (unsigned nth = 1; nth <= nallocations; nth++) {
		struct base_idtable before = twin.table;
		size_t allocated = base_alloc_count();

		base_fail_nth(nth);
		assert_int_equal(reserve(), -ENOMEM);
		assert_int_equal(base_fail_pending(), 0);
		assert_memory_equal(&before, &twin.table, sizeof(before));
		assert_int_equal(allocated, base_alloc_count());
		check_all();
	}
	base_fail_nth(nallocations + 1);
	assert_int_equal(reserve(), 0);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	check_all();
}

static void failed_reserve_changes_nothing(void **state)
{
	static const struct {
		uint32_t take, first, last; /* take so many, release first to last */
		unsigned nallocations;
	} cases[] = {
		{0, 1, 0, 1},	       /* the first leaf */
		{63, 1, 0, 0},	       /* room in it */
		{64, 1, 0, 2},	       /* a second leaf and a root */
		{128, 1, 0, 1},	       /* a third leaf */
		{4096, 1, 0, 3},       /* a root, a node and a leaf */
		{65, 64, 64, 1},       /* a leaf that was freed */
		{4200, 64, 127, 1},    /* the same in a larger tree */
		{4200, 4096, 4199, 2}, /* a node and a leaf that were freed */
		{4160, 4096, 4159, 2}, /* the same with its only leaf full */
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(cases); i++) {
		twin_init(1, TWIN_IDS);
		take(cases[i].take);
		if (cases[i].first <= cases[i].last)
			release_range(cases[i].first, cases[i].last);
		sweep_reserve(cases[i].nallocations);
		twin_fini();
	}
}

static void ping_pong_of_one_id_allocates_nothing(void **state)
{
	(void)state;
	twin_init(1, TWIN_IDS);
	assert_int_equal(reserve(), 0);
	for (unsigned round = 0; round < 2; round++) {
		release(0);
		base_fail_nth(1);
		for (unsigned i = 0; i < 10; i++) {
			assert_int_equal(reserve(), 0);
			set(0, false);
			release(0);
		}
		assert_int_equal(base_fail_pending(), 1);
		base_fail_nth(0);
		/* Again after the table has been large. */
		take(5000);
		release_range(1, 4999);
	}
	twin_fini();
}

static void release_frees_empty_nodes_and_never_allocates(void **state)
{
	size_t before = base_alloc_count();

	(void)state;
	twin_init(1, TWIN_IDS);
	take(8000);
	base_fail_nth(1);
	for (uint32_t at = 0; at < 8000; at++)
		release(at * 7 % 8000);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	check_all();
	assert_in_range(base_alloc_count() - before, 0, 3);
	twin_fini();
	assert_int_equal(base_alloc_count(), before);
}

static void table_can_be_used_again_after_fini(void **state)
{
	(void)state;
	twin_init(1, 100);
	take(100);
	twin_fini();
	memset(twin.state, FREE, sizeof(twin.state));
	twin.taken = 0;
	take(100);
	check_all();
	twin_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_table_has_nothing),
		cmocka_unit_test(freed_id_is_given_again_first),
		cmocka_unit_test(reserved_id_is_taken_but_reads_as_null),
		cmocka_unit_test(tombstone_is_never_given_again),
		cmocka_unit_test(full_table_is_ebusy_and_unchanged),
		cmocka_unit_test(failed_reserve_changes_nothing),
		cmocka_unit_test(ping_pong_of_one_id_allocates_nothing),
		cmocka_unit_test(release_frees_empty_nodes_and_never_allocates),
		cmocka_unit_test(table_can_be_used_again_after_fini),
		cmocka_unit_test(random_ids_match_a_byte_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
