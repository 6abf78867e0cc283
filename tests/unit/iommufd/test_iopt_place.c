// SPDX-License-Identifier: MIT
/* Where a mapping may go: iommufd-ioctls.md 3.2, 3.3 and the examples of 3.6. */
#include "space.h"

#include <errno.h>

#define MAX UINT64_MAX

/* ---- a place is chosen ---- */

/* One choice in an empty space. */
struct place_row {
	uint64_t alignment;
	struct iopt_allowed aperture; /* last 0: none */
	struct iopt_allowed allowed;  /* last 0: all */
	uint64_t addr, length;
	int rc;
	uint64_t iova;
};

#define NO_APERTURE  \
	{            \
		0, 0 \
	}
#define ALL          \
	{            \
		0, 0 \
	}

static const struct place_row examples[] = {
	{1, NO_APERTURE, ALL, 0x7f0000001000, 0x3000, 0, 0x1000},
	{1, NO_APERTURE, ALL, 0x7f0000200000, 0x3000, 0, 0x4000},
	{1, NO_APERTURE, ALL, 0x7f0000000804, 0x100, 0, 0x1804},
	{1, NO_APERTURE, ALL, 0, 0x5000, 0, 0x8000},
	{2048, {0x1000000, 0x7fffffff}, ALL, 0x7f0000200000, 0x200000, 0, 0x1000000},
	{4096, NO_APERTURE, ALL, 0x7f0000000800, 0x1000, -EINVAL, 0},
	{1, NO_APERTURE, {0x5000, 0x7fff}, 0x7f0000001000, 0x4000, -ENOSPC, 0},
};

static const struct place_row more_rows[] = {
	/* lengths */
	{1, NO_APERTURE, ALL, 0, 0, -EINVAL, 0},
	{2048, NO_APERTURE, ALL, 0x1000, 0x801, -EINVAL, 0},
	{1, NO_APERTURE, ALL, 0, MAX / 2, -EOVERFLOW, 0},
	{1, NO_APERTURE, ALL, 0, MAX / 2 - 1, 0, 0x200000},
	{1, NO_APERTURE, ALL, 0x1, MAX / 2 - 1, 0, 0x1001},
	/* the granule: the length, the address, at most 2 MiB */
	{1, NO_APERTURE, ALL, 0, 1, 0, 0x1000},
	{1, NO_APERTURE, ALL, 0x7f0000001001, 1, 0, 0x1001},
	{1, NO_APERTURE, ALL, 0x7f0000002000, 0x1001, 0, 0x2000},
	{1, NO_APERTURE, ALL, 0x7f0000004000, 0x2000, 0, 0x2000},
	{1, NO_APERTURE, ALL, GIB(64), 0x2001, 0, 0x4000},
	{1, NO_APERTURE, ALL, GIB(64), MIB(3), 0, MIB(2)},
	{1, NO_APERTURE, ALL, GIB(64), GIB(3), 0, MIB(2)},
	{1, NO_APERTURE, ALL, 0x7f0000000ffe, 2, 0, 0x1ffe},
	/* a granule below the alignment */
	{2048, NO_APERTURE, ALL, 0x7f0000000400, 0x800, -EINVAL, 0},
	{4096, NO_APERTURE, ALL, 0x7f0000001000, 0x1000, 0, 0x1000},
	{2048, NO_APERTURE, ALL, 0x7f0000000800, 0x800, 0, 0x1800},
	/* windows: never the first page, nor the last */
	{1, NO_APERTURE, {0, 0xfff}, 0, 1, -ENOSPC, 0},
	{1, NO_APERTURE, {0, 0x1001}, 0, 1, 0, 0x1000},
	{1, NO_APERTURE, {0, 0x1001}, 0, 2, 0, 0x1000},
	{1, NO_APERTURE, {0, 0x1001}, 0, 3, -ENOSPC, 0},
	/* ... whose start must be before its end, so one byte is no room */
	{1, NO_APERTURE, {0, 0x1000}, 0, 1, -ENOSPC, 0},
	{1, NO_APERTURE, {MAX - 0x2fff, MAX}, 0, 0x1000, 0, MAX - 0x2fff},
	{1, NO_APERTURE, {MAX - 0x1fff, MAX}, 0, 0x1000, 0, MAX - 0x1fff},
	{1, NO_APERTURE, {MAX - 0x1fff, MAX}, 0x1001, 0x1000, -ENOSPC, 0},
	{1, NO_APERTURE, {MAX - 0xfff, MAX}, 0, 1, -ENOSPC, 0},
	/* rounding up wraps */
	{1, NO_APERTURE, {MAX - 0x1fff, MAX}, 0, 0x2000, -ENOSPC, 0},
	/* the aperture need not be aligned to the granule */
	{1, {0x1001000, 0x7fffffff}, ALL, GIB(4), MIB(2), 0, 0x1200000},
	{1, {0x1001000, 0x12fffff}, ALL, GIB(4), MIB(2), -ENOSPC, 0},
	{1, {0x1001000, 0x13fffff}, ALL, GIB(4), MIB(2), 0, 0x1200000},
	{1, {0x1001000, 0x1001000}, ALL, 0, 1, -ENOSPC, 0},
};

static void space_for_row(struct iopt *iopt, const struct place_row *row)
{
	space_init(iopt);
	iopt->alignment = row->alignment;
	if (row->aperture.last) {
		assert_int_equal(iopt_reserve(iopt, 0, row->aperture.start - 1, iopt), 0);
		assert_int_equal(iopt_reserve(iopt, row->aperture.last + 1, MAX, iopt), 0);
	}
	if (row->allowed.last)
		assert_int_equal(space_allow(iopt, &row->allowed, 1), 0);
}

static int place_auto(struct iopt *iopt, uint64_t length, uint64_t addr, uint64_t *iova)
{
	base_scoped_read(&iopt->iova_lock);
	return iopt_place_auto_locked(iopt, length, addr, iova);
}

static void check_rows(const struct place_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct iopt iopt;
		uint64_t iova = 0;
		int rc;

		space_for_row(&iopt, &rows[i]);
		rc = place_auto(&iopt, rows[i].length, rows[i].addr, &iova);
		if (rc != rows[i].rc || (!rc && iova != rows[i].iova))
			fail_msg("row %zu: %d, 0x%llx instead of %d, 0x%llx", i, rc,
				 (unsigned long long)iova, rows[i].rc,
				 (unsigned long long)rows[i].iova);
		iopt_fini(&iopt);
	}
}

static void the_examples_of_the_specification_hold(void **state)
{
	(void)state;
	check_rows(examples, base_array_size(examples));
}

static void limits_are_as_specified(void **state)
{
	(void)state;
	check_rows(more_rows, base_array_size(more_rows));
}

/* The sixth example: the same call again. */
static void the_next_one_goes_behind(void **state)
{
	struct iopt iopt;
	uint64_t iova;

	(void)state;
	space_for_row(&iopt, &examples[4]);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(space_map_auto(&iopt, 0x7f0000200000 * (i + 1), MIB(2), BOTH,
						&iova),
				 0);
		assert_int_equal(iova, 0x1000000 + i * MIB(2));
	}
	iopt_fini(&iopt);
}

/* ---- holes ---- */

static void the_first_hole_that_fits_is_taken(void **state)
{
	struct iopt iopt;
	uint64_t iova;

	(void)state;
	space_init(&iopt);
	/* Holes of one, two and three pages. */
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, 0x2000), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, 0x5000), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, 0x9000), 0);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x3000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x6000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x2000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x3000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x2000, BOTH, &iova), 0);
	assert_int_equal(iova, 0xa000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x1000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x1000);
	iopt_fini(&iopt);
}

static void holes_end_at_reserved_ranges(void **state)
{
	struct iopt iopt;
	uint64_t iova;

	(void)state;
	space_init(&iopt);
	assert_int_equal(iopt_reserve(&iopt, 0x3000, 0x3fff, &iopt), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x3800, 0x4fff, &iova), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x7000, 0x7000, &iopt), 0);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x3000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x8000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x2000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x1000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x2000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x5000);
	iopt_unreserve(&iopt, &iopt);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x800, BOTH, &iova), 0);
	assert_int_equal(iova, 0x3000);
	iopt_fini(&iopt);
}

/* As far as the hole begins with a whole page. */
static void low_bits_of_the_address_are_shared(void **state)
{
	struct iopt iopt;
	uint64_t iova;

	(void)state;
	for (uint64_t low = 0; low < PAGE; low += 123) {
		space_init(&iopt);
		assert_int_equal(space_map_auto(&iopt, MIB(5) + low, 5000, BOTH, &iova), 0);
		assert_in_range(iova, PAGE, 3 * PAGE);
		assert_int_equal(iova % PAGE, low);
		iopt_fini(&iopt);
	}
}

/* 3.2 says "or", not "plus": a hole that begins inside a page gives other low bits. */
static void low_bits_are_put_on_top_of_the_hole(void **state)
{
	struct iopt iopt;
	uint64_t iova;

	(void)state;
	space_init(&iopt);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1200, BOTH, 0x1000), 0);
	assert_int_equal(space_map_auto(&iopt, 0x7f0000000804, 0x100, BOTH, &iova), 0);
	assert_int_equal(iova, 0x2a04);
	iopt_fini(&iopt);
}

static void windows_beside_each_other_are_one(void **state)
{
	static const struct iopt_allowed apart[] = {{0x5000, 0x6fff}, {0x8000, 0x9fff}};
	static const struct iopt_allowed beside[] = {{0x5000, 0x6fff},
						     {0x7000, 0x7fff},
						     {0x8000, 0x9fff}};
	struct iopt iopt;
	uint64_t iova;

	(void)state;
	space_init(&iopt);
	assert_int_equal(space_allow(&iopt, apart, 2), 0);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x3000, BOTH, &iova), -ENOSPC);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x2000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x5000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x2000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x8000);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 1, BOTH, &iova), -ENOSPC);
	iopt_fini(&iopt);
	space_init(&iopt);
	assert_int_equal(space_allow(&iopt, beside, 3), 0);
	assert_int_equal(space_map_auto(&iopt, 0x1000, 0x5000, BOTH, &iova), 0);
	assert_int_equal(iova, 0x5000);
	iopt_fini(&iopt);
}

/* ---- a place is given ---- */

static void fixed_places_are_free_of_the_window(void **state)
{
	static const struct iopt_allowed allowed = {0x5000, 0x6fff};
	struct iopt iopt;

	(void)state;
	space_init(&iopt);
	assert_int_equal(space_allow(&iopt, &allowed, 1), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, 0), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, 0x6800), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 1, BOTH, MAX), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, MAX - 0x1000), 0);
	assert_int_equal(iopt.areas.count, 4);
	iopt_fini(&iopt);
}

static void fixed_places_are_checked_in_order(void **state)
{
	struct iopt iopt;

	(void)state;
	space_init(&iopt);
	assert_int_equal(iopt_reserve(&iopt, 0x100000, 0x1fffff, &iopt), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x2000, BOTH, 0x2000), 0);
	iopt.alignment = 0x800;
	/* length, IOVA, the sum, reserved, taken, the address */
	assert_int_equal(space_map_fixed(&iopt, 1, 0x801, BOTH, 1), -EINVAL);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x800, BOTH, 0x2400), -EINVAL);
	assert_int_equal(space_map_fixed(&iopt, 1, 0x1000, BOTH, MAX - 0x7ff), -EOVERFLOW);
	assert_int_equal(space_map_fixed(&iopt, 1, -0x1000, BOTH, 0x100000), -EOVERFLOW);
	assert_int_equal(space_map_fixed(&iopt, 1, 0x100000, BOTH, 0x3000), -EINVAL);
	assert_int_equal(space_map_fixed(&iopt, 1, 0x800, BOTH, 0x3800), -EEXIST);
	assert_int_equal(space_map_fixed(&iopt, 1, 0x800, BOTH, 0x4000), -EINVAL);
	assert_int_equal(space_map_fixed(&iopt, 0x800, 0x800, BOTH, 0x4000), 0);
	assert_int_equal(iopt.areas.count, 2);
	iopt_fini(&iopt);
}

static void areas_may_touch_but_not_meet(void **state)
{
	struct iopt iopt;

	(void)state;
	space_init(&iopt);
	assert_int_equal(space_map_fixed(&iopt, 0, 100, BOTH, 1000), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 100, BOTH, 1099), -EEXIST);
	assert_int_equal(space_map_fixed(&iopt, 0, 100, BOTH, 901), -EEXIST);
	assert_int_equal(space_map_fixed(&iopt, 0, 1000, BOTH, 500), -EEXIST);
	assert_int_equal(space_map_fixed(&iopt, 0, 1, BOTH, 1050), -EEXIST);
	assert_int_equal(space_map_fixed(&iopt, 0, 100, BOTH, 1100), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 100, BOTH, 900), 0);
	iopt_fini(&iopt);
}

/* ---- reserved and allowed ranges ---- */

static void expect_ranges(struct iopt *iopt, const struct iopt_allowed *expected, size_t count)
{
	uint64_t start = 0, last;
	size_t i = 0;

	base_scoped_read(&iopt->iova_lock);
	while (iopt_next_usable_locked(iopt, &start, MAX, &last)) {
		assert_in_range(i, 0, count - 1);
		assert_int_equal(start, expected[i].start);
		assert_int_equal(last, expected[i].last);
		i++;
		if (last == MAX)
			break;
		start = last + 1;
	}
	assert_int_equal(i, count);
}

static void usable_ranges_are_between_reserved_ones(void **state)
{
	static const struct iopt_allowed all[] = {{0, MAX}}, holes[] = {{0x1000, 0x1fff},
									{0x5000, 0x5000},
									{0x6000, MAX - 1}};
	int a, b;
	struct iopt iopt;

	(void)state;
	space_init(&iopt);
	expect_ranges(&iopt, all, 1);
	/* overlapping, beside each other, inside another, at both ends; in no order */
	assert_int_equal(iopt_reserve(&iopt, 0x3000, 0x4fff, &a), 0);
	assert_int_equal(iopt_reserve(&iopt, MAX, MAX, &b), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x2000, 0x37ff, &b), 0);
	assert_int_equal(iopt_reserve(&iopt, 0, 0xfff, &a), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x4000, 0x4000, &b), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x5001, 0x5800, &b), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x5801, 0x5fff, &a), 0);
	expect_ranges(&iopt, holes, 3);
	iopt_unreserve(&iopt, &a);
	iopt_unreserve(&iopt, &b);
	expect_ranges(&iopt, all, 1);
	iopt_fini(&iopt);
}

static void everything_may_be_reserved(void **state)
{
	uint64_t start = 0, last;
	struct iopt iopt;

	(void)state;
	space_init(&iopt);
	assert_int_equal(iopt_reserve(&iopt, 0, MAX, &iopt), 0);
	base_rwlock_rdlock(&iopt.iova_lock);
	assert_false(iopt_next_usable_locked(&iopt, &start, MAX, &last));
	base_rwlock_rdunlock(&iopt.iova_lock);
	assert_int_equal(space_map_fixed(&iopt, 0, 1, BOTH, 55), -EINVAL);
	assert_int_equal(space_map_auto(&iopt, 0, 1, BOTH, &start), -ENOSPC);
	iopt_fini(&iopt);
}

static void reserved_allowed_and_mapped_exclude_each_other(void **state)
{
	static const struct iopt_allowed low = {0x1000, 0x1fff}, high = {0x8000, 0x8fff};
	struct iopt iopt;

	(void)state;
	space_init(&iopt);
	assert_int_equal(space_allow(&iopt, &low, 1), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 0x1000, BOTH, 0x4000), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x1fff, 0x3000, &iopt), -EADDRINUSE);
	assert_int_equal(iopt_reserve(&iopt, 0x3000, 0x4000, &iopt), -EADDRINUSE);
	assert_int_equal(iopt_reserve(&iopt, 0, MAX, &iopt), -EADDRINUSE);
	assert_int_equal(iopt_reserve(&iopt, 0x2000, 0x3fff, &iopt), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x8000, 0x8000, &iopt), 0);
	assert_int_equal(space_allow(&iopt, &high, 1), -EADDRINUSE);
	/* the old list is still there */
	assert_int_equal(iopt_reserve(&iopt, 0x1000, 0x1000, &iopt), -EADDRINUSE);
	assert_int_equal(space_allow(&iopt, NULL, 0), 0);
	assert_int_equal(iopt_reserve(&iopt, 0x1000, 0x1000, &iopt), 0);
	iopt_fini(&iopt);
}

/* ---- unmap ---- */

static void unmap_takes_whole_areas_only(void **state)
{
	struct iopt iopt;
	uint64_t unmapped;

	(void)state;
	space_init(&iopt);
	for (uint64_t iova = 0x1000; iova < 0x6000; iova += 0x1000)
		assert_int_equal(space_map_fixed(&iopt, 0, 0x800, BOTH, iova), 0);
	assert_int_equal(iopt_unmap(&iopt, 0x1000, 0x17fe, &unmapped), -ENOENT);
	assert_int_equal(unmapped, 0);
	assert_int_equal(iopt_unmap(&iopt, 0x1001, 0x2fff, &unmapped), -ENOENT);
	assert_int_equal(unmapped, 0);
	assert_int_equal(iopt_unmap(&iopt, 0x1800, 0x1fff, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	/* what was before the area that is only partly inside is gone */
	assert_int_equal(iopt_unmap(&iopt, 0, 0x3000, &unmapped), -ENOENT);
	assert_int_equal(unmapped, 0x1000);
	assert_int_equal(iopt.areas.count, 3);
	assert_int_equal(iopt_unmap(&iopt, 0x2fff, 0x4800, &unmapped), 0);
	assert_int_equal(unmapped, 0x1000);
	assert_int_equal(iopt_unmap(&iopt, 0, MAX, &unmapped), 0);
	assert_int_equal(unmapped, 0x800);
	assert_int_equal(iopt_unmap(&iopt, 0, MAX, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	iopt_fini(&iopt);
}

static void unmap_reaches_the_last_byte(void **state)
{
	struct iopt iopt;
	uint64_t unmapped;

	(void)state;
	space_init(&iopt);
	assert_int_equal(space_map_fixed(&iopt, 0, 1, BOTH, MAX), 0);
	assert_int_equal(space_map_fixed(&iopt, 0, 1, BOTH, 0), 0);
	assert_int_equal(iopt_unmap(&iopt, MAX, MAX, &unmapped), 0);
	assert_int_equal(unmapped, 1);
	assert_int_equal(space_map_fixed(&iopt, 0, 1, BOTH, MAX), 0);
	assert_int_equal(iopt_unmap(&iopt, 0, MAX, &unmapped), 0);
	assert_int_equal(unmapped, 2);
	iopt_fini(&iopt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_specification_hold),
		cmocka_unit_test(limits_are_as_specified),
		cmocka_unit_test(the_next_one_goes_behind),
		cmocka_unit_test(the_first_hole_that_fits_is_taken),
		cmocka_unit_test(holes_end_at_reserved_ranges),
		cmocka_unit_test(low_bits_of_the_address_are_shared),
		cmocka_unit_test(low_bits_are_put_on_top_of_the_hole),
		cmocka_unit_test(windows_beside_each_other_are_one),
		cmocka_unit_test(fixed_places_are_free_of_the_window),
		cmocka_unit_test(fixed_places_are_checked_in_order),
		cmocka_unit_test(areas_may_touch_but_not_meet),
		cmocka_unit_test(usable_ranges_are_between_reserved_ones),
		cmocka_unit_test(everything_may_be_reserved),
		cmocka_unit_test(reserved_allowed_and_mapped_exclude_each_other),
		cmocka_unit_test(unmap_takes_whole_areas_only),
		cmocka_unit_test(unmap_reaches_the_last_byte),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
