// SPDX-License-Identifier: MIT
/* Every allocation of init and map made to fail in turn: nothing changes, nothing leaks. */
#include "common.h"

#include <errno.h>

#define ALL UINT64_MAX

struct sweep {
	const struct pgtable_format *format;
	uint64_t iova, length, pgsizes;
	unsigned allocations; /* that it takes to succeed */
};

/* Into a table that is empty but for one page on each side of the range. */
static const struct sweep sweeps[] = {
	{&pgtable_vtdss, GIB(3), KIB(4), ALL, 2},
	{&pgtable_vtdss, GIB(3), MIB(6), KIB(4), 4},
	{&pgtable_vtdss, GIB(4) - MIB(4), MIB(8), KIB(4), 6},
	{&pgtable_vtdss, GIB(3), GIB(3) + KIB(4), ALL, 5},
	{&pgtable_x86_64, GIB(4) - MIB(4), MIB(8), KIB(4), 6},
	{&pgtable_amdv1_mock, MIB(1536) - KIB(2), MIB(3), KIB(2), 6},
	{&pgtable_amdv1_mock, MIB(1536) - KIB(2), MIB(3), ALL, 4},
	{&pgtable_amdv1_mock_huge, MIB(1536) - KIB(4), MIB(3), ALL, 4},
};

static void expect_neighbours(const struct pgtable *pt, const struct sweep *s)
{
	uint64_t end = s->iova + s->length;

	expect_leaf(pt, GIB(16), GIB(16), KIB(4), KIB(8), BOTH);
	expect_leaf(pt, 0, 0, KIB(4), KIB(4), BOTH);
	for (uint64_t iova = s->iova; iova < end; iova += KIB(2))
		expect_hole(pt, iova);
}

/* The first n - 1 allocations work, the nth does not; afterwards the map goes through. */
static unsigned sweep_once(const struct sweep *s, unsigned nth)
{
	size_t before = base_alloc_count();
	struct pgtable pt;
	unsigned left;
	int rc;

	assert_int_equal(pgtable_init(&pt, s->format, 38), 0);
	assert_int_equal(pgtable_map(&pt, 0, KIB(4), KIB(4), BOTH, ALL), 0);
	assert_int_equal(pgtable_map(&pt, GIB(16), KIB(8), KIB(4), BOTH, ALL), 0);
	base_fail_nth(nth);
	rc = pgtable_map(&pt, s->iova, s->iova + MIB(64), s->length, READ, s->pgsizes);
	left = base_fail_pending();
	base_fail_nth(0);
	assert_int_equal(rc, left ? 0 : -ENOMEM);
	if (rc) {
		struct pgtable_leaf leaf;

		expect_neighbours(&pt, s);
		assert_int_equal(pgtable_map(&pt, s->iova, s->iova + MIB(64), s->length, READ,
					     s->pgsizes),
				 0);
		assert_true(pgtable_walk(&pt, s->iova + s->length - 1, &leaf));
	}
	unmap_now(&pt, s->iova, s->length);
	expect_neighbours(&pt, s);
	pgtable_fini(&pt);
	assert_int_equal(base_alloc_count(), before);
	return left;
}

static void map_is_all_or_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(sweeps); i++) {
		unsigned nth = 1;

		while (!sweep_once(&sweeps[i], nth))
			nth++;
		if (nth != sweeps[i].allocations + 1)
			fail_msg("row %u took %u allocations", i, nth - 1);
	}
}

static void init_fails_cleanly(void **state)
{
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		base_fail_nth(1);
		assert_int_equal(pgtable_init(&pt, all_formats[i], 38), -ENOMEM);
		assert_int_equal(base_fail_pending(), 0);
	}
}

/* Large leaves took the place of empty tables before the map failed: that is undone, too. */
static void failure_after_tables_were_replaced(void **state)
{
	size_t before = base_alloc_count();
	struct pgtable pt;

	(void)state;
	assert_int_equal(pgtable_init(&pt, &pgtable_vtdss, 39), 0);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, KIB(4), BOTH, ALL), 0);
	assert_int_equal(unmap_now(&pt, GIB(1), KIB(4)), 0);
	base_fail_nth(1);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(2) + KIB(4), BOTH, ALL), -ENOMEM);
	expect_hole(&pt, GIB(1));
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(2) + KIB(4), BOTH, ALL), 0);
	expect_leaf(&pt, GIB(1), GIB(1), MIB(2), 0, BOTH);
	pgtable_fini(&pt);
	assert_int_equal(base_alloc_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_is_all_or_nothing),
		cmocka_unit_test(init_fails_cleanly),
		cmocka_unit_test(failure_after_tables_were_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
