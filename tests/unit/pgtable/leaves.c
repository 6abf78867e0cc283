// SPDX-License-Identifier: MIT
/* Which leaf sizes map chooses, and when tables come and go. */
#include "common.h"

#include <errno.h>

#define ALL UINT64_MAX

static void init(struct pgtable *pt, const struct pgtable_format *format)
{
	assert_int_equal(pgtable_init(pt, format, format == &pgtable_x86_64 ? 48 : 38), 0);
}

/* One page below 1 GiB to one page above 2 GiB + 2 MiB: small, large, huge, large, small. */
static void largest_leaves_that_alignment_allows(void **state)
{
	static const struct pgtable_format *const formats[] = {&pgtable_vtdss, &pgtable_x86_64};
	uint64_t iova = GIB(1) - MIB(2) - KIB(4), end = GIB(2) + MIB(2) + KIB(4), delta = GIB(7);
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(formats); i++) {
		init(&pt, formats[i]);
		assert_int_equal(pgtable_map(&pt, iova, iova + delta, end - iova, BOTH, ALL), 0);
		expect_leaf(&pt, iova + 1, iova, KIB(4), iova + delta, BOTH);
		expect_leaf(&pt, GIB(1) - 1, GIB(1) - MIB(2), MIB(2), GIB(1) - MIB(2) + delta,
			    BOTH);
		expect_leaf(&pt, GIB(1), GIB(1), GIB(1), GIB(1) + delta, BOTH);
		expect_leaf(&pt, GIB(2) - 1, GIB(1), GIB(1), GIB(1) + delta, BOTH);
		expect_leaf(&pt, GIB(2) + 5, GIB(2), MIB(2), GIB(2) + delta, BOTH);
		expect_leaf(&pt, end - 1, end - KIB(4), KIB(4), end - KIB(4) + delta, BOTH);
		expect_hole(&pt, iova - 1);
		expect_hole(&pt, end);
		pgtable_fini(&pt);
	}
}

static void output_alignment_limits_leaves(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_vtdss);
	assert_int_equal(pgtable_map(&pt, GIB(1), GIB(4) + MIB(2), GIB(1), READ, ALL), 0);
	expect_leaf(&pt, GIB(1) + MIB(3), GIB(1) + MIB(2), MIB(2), GIB(4) + MIB(4), READ);
	assert_int_equal(pgtable_map(&pt, GIB(2), GIB(4) + KIB(4), MIB(4), READ, ALL), 0);
	expect_leaf(&pt, GIB(2) + MIB(2), GIB(2) + MIB(2), KIB(4), GIB(4) + MIB(2) + KIB(4), READ);
	pgtable_fini(&pt);
}

static void caller_limits_leaves(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_vtdss);
	assert_int_equal(pgtable_map(&pt, 0, 0, GIB(1), BOTH, KIB(4)), 0);
	expect_leaf(&pt, MIB(512), MIB(512), KIB(4), MIB(512), BOTH);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, GIB(1), BOTH, MIB(2) | KIB(4)), 0);
	expect_leaf(&pt, GIB(1), GIB(1), MIB(2), 0, BOTH);
	pgtable_fini(&pt);
	init(&pt, &pgtable_amdv1_mock);
	assert_int_equal(pgtable_map(&pt, MIB(4), MIB(4), MIB(4), BOTH, KIB(4)), 0);
	expect_leaf(&pt, MIB(5), MIB(5), KIB(4), MIB(5), BOTH);
	pgtable_fini(&pt);
}

/* From one granule to 64 GiB: 2 KiB, 2 KiB, 4 KiB, 8 KiB, ... */
static void amdv1_mock_has_all_powers_of_two(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_amdv1_mock);
	assert_int_equal(pgtable_map(&pt, KIB(2), KIB(2), GIB(128) - KIB(2), BOTH, ALL), 0);
	for (uint64_t size = KIB(2); size <= GIB(64); size *= 2) {
		expect_leaf(&pt, size, size, size, size, BOTH);
		expect_leaf(&pt, 2 * size - 1, size, size, size, BOTH);
	}
	assert_int_equal(unmap_now(&pt, KIB(2), GIB(128) - KIB(2)), 0);
	expect_hole(&pt, GIB(100));
	pgtable_fini(&pt);
}

static void amdv1_mock_huge_has_two_sizes(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_amdv1_mock_huge);
	assert_int_equal(pgtable_map(&pt, KIB(4), KIB(4), MIB(512), BOTH, ALL), 0);
	expect_leaf(&pt, KIB(512), KIB(512), KIB(4), KIB(512), BOTH);
	expect_leaf(&pt, MIB(256), MIB(256), MIB(1), MIB(256), BOTH);
	pgtable_fini(&pt);
}

/* Two areas beside each other never share a leaf, so that each can be unmapped alone. */
static void leaf_stays_inside_its_map(void **state)
{
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		init(&pt, all_formats[i]);
		for (unsigned j = 0; j < 4; j++)
			assert_int_equal(pgtable_map(&pt, GIB(1) + j * KIB(512), j * KIB(512),
						     KIB(512), BOTH, ALL),
					 0);
		unmap_now(&pt, GIB(1) + KIB(512), KIB(512));
		expect_hole(&pt, GIB(1) + KIB(512));
		expect_hole(&pt, GIB(1) + MIB(1) - 1);
		for (unsigned j = 0; j < 4; j += j ? 1 : 2) {
			struct pgtable_leaf leaf;

			assert_true(pgtable_walk(&pt, GIB(1) + j * KIB(512), &leaf));
			assert_true(leaf.last < GIB(1) + (j + 1) * KIB(512));
		}
		pgtable_fini(&pt);
	}
}

/* A page that comes and goes takes no memory: its tables stay. */
static void ping_pong_allocates_nothing(void **state)
{
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		init(&pt, all_formats[i]);
		assert_int_equal(pgtable_map(&pt, GIB(1), 0, KIB(4), BOTH, ALL), 0);
		assert_int_equal(unmap_now(&pt, GIB(1), KIB(4)), 0);
		base_fail_nth(1);
		for (unsigned j = 0; j < 4; j++) {
			assert_int_equal(pgtable_map(&pt, GIB(1), 0, KIB(4), BOTH, ALL), 0);
			assert_int_equal(unmap_now(&pt, GIB(1), KIB(4)), 0);
		}
		assert_int_equal(base_fail_pending(), 1);
		base_fail_nth(0);
		pgtable_fini(&pt);
	}
}

/* Three levels below 1 GiB slots: a table of 4 KiB slots goes with its 2 MiB, and so on. */
static void covered_tables_are_unlinked(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_vtdss);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(4), BOTH, KIB(4)), 0);
	assert_int_equal(unmap_now(&pt, GIB(1), MIB(2)), 1);
	assert_int_equal(unmap_now(&pt, GIB(1) + MIB(2) - KIB(4), MIB(2) + KIB(4)), 1);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(4), BOTH, KIB(4)), 0);
	assert_int_equal(unmap_now(&pt, GIB(1), GIB(1)), 3);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, GIB(4), BOTH, KIB(4)), 0);
	assert_int_equal(unmap_now(&pt, 0, ALL & -KIB(4)), 4 * 513);
	pgtable_fini(&pt);
}

/* Once the small pages are gone, their place can hold a large leaf, even with the table there. */
static void leaf_replaces_empty_table(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_vtdss);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pgtable_map(&pt, GIB(1) + i * MIB(2) + KIB(4), 0, KIB(4), BOTH,
					     ALL),
				 0);
		assert_int_equal(unmap_now(&pt, GIB(1) + i * MIB(2) + KIB(4), KIB(4)), 0);
	}
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(2), BOTH, ALL), 0);
	expect_leaf(&pt, GIB(1), GIB(1), MIB(2), 0, BOTH);
	assert_int_equal(unmap_now(&pt, GIB(1), MIB(2)), 1);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, GIB(1), BOTH, ALL), 0);
	expect_leaf(&pt, GIB(1), GIB(1), GIB(1), 0, BOTH);
	assert_int_equal(unmap_now(&pt, GIB(1), GIB(1)), 4);
	pgtable_fini(&pt);
}

/* The same for a leaf that takes the place of several tables. */
static void repeated_leaf_replaces_empty_tables(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_amdv1_mock);
	for (unsigned i = 0; i < 4; i += 3) {
		assert_int_equal(pgtable_map(&pt, GIB(1) + i * MIB(1), 0, KIB(2), BOTH, ALL), 0);
		assert_int_equal(unmap_now(&pt, GIB(1) + i * MIB(1), KIB(2)), 0);
	}
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(4), BOTH, ALL), 0);
	for (unsigned i = 0; i < 4; i++)
		expect_leaf(&pt, GIB(1) + i * MIB(1), GIB(1), MIB(4), 0, BOTH);
	assert_int_equal(unmap_now(&pt, GIB(1), MIB(4)), 2);
	pgtable_fini(&pt);
}

/* One page in the last of four slots: the leaf may not take the first three. */
static void repeated_leaf_is_all_or_nothing(void **state)
{
	struct pgtable pt;

	(void)state;
	init(&pt, &pgtable_amdv1_mock);
	assert_int_equal(pgtable_map(&pt, GIB(1) + MIB(3), KIB(2), KIB(2), READ, ALL), 0);
	assert_int_equal(pgtable_map(&pt, GIB(1), 0, MIB(4), BOTH, ALL), -EADDRINUSE);
	for (unsigned i = 0; i < 3; i++)
		expect_hole(&pt, GIB(1) + i * MIB(1));
	expect_leaf(&pt, GIB(1) + MIB(3), GIB(1) + MIB(3), KIB(2), KIB(2), READ);
	pgtable_fini(&pt);
}

static void unmap_skips_holes(void **state)
{
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		init(&pt, all_formats[i]);
		assert_int_equal(unmap_now(&pt, 0, ALL & -KIB(4)), 0);
		assert_int_equal(pgtable_map(&pt, KIB(4), 0, KIB(4), BOTH, ALL), 0);
		assert_int_equal(pgtable_map(&pt, GIB(200), 0, KIB(4), BOTH, ALL), 0);
		unmap_now(&pt, KIB(8), GIB(200) - KIB(8));
		expect_leaf(&pt, KIB(4), KIB(4), KIB(4), 0, BOTH);
		expect_leaf(&pt, GIB(200), GIB(200), KIB(4), 0, BOTH);
		unmap_now(&pt, KIB(4), GIB(200));
		expect_hole(&pt, KIB(4));
		expect_hole(&pt, GIB(200));
		pgtable_fini(&pt);
	}
}

static void unmap_beyond_the_width_does_nothing(void **state)
{
	struct pgtable pt;

	(void)state;
	assert_int_equal(pgtable_init(&pt, &pgtable_vtdss, 39), 0);
	assert_int_equal(pgtable_map(&pt, 0, 0, KIB(4), BOTH, ALL), 0);
	assert_int_equal(unmap_now(&pt, GIB(512), KIB(4)), 0);
	expect_leaf(&pt, 0, 0, KIB(4), 0, BOTH);
	pgtable_fini(&pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(largest_leaves_that_alignment_allows),
		cmocka_unit_test(output_alignment_limits_leaves),
		cmocka_unit_test(caller_limits_leaves),
		cmocka_unit_test(amdv1_mock_has_all_powers_of_two),
		cmocka_unit_test(amdv1_mock_huge_has_two_sizes),
		cmocka_unit_test(leaf_stays_inside_its_map),
		cmocka_unit_test(ping_pong_allocates_nothing),
		cmocka_unit_test(covered_tables_are_unlinked),
		cmocka_unit_test(leaf_replaces_empty_table),
		cmocka_unit_test(repeated_leaf_replaces_empty_tables),
		cmocka_unit_test(repeated_leaf_is_all_or_nothing),
		cmocka_unit_test(unmap_skips_holes),
		cmocka_unit_test(unmap_beyond_the_width_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
