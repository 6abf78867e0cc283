// SPDX-License-Identifier: MIT
/* The errors of init and map: pgtable-formats.md 1.5. */
#include "common.h"

#include <errno.h>

struct map_case {
	const struct pgtable_format *format;
	unsigned va_lg2;
	uint64_t iova, pa, length;
	uint32_t prot;
	uint64_t pgsizes;
	int rc;
};

#define ALL UINT64_MAX

static const struct map_case map_cases[] = {
	/* impossible prot, length 0 */
	{&pgtable_vtdss, 39, 0, 0, 4096, 0, ALL, -EINVAL},
	{&pgtable_vtdss, 39, 0, 0, 4096, 4, ALL, -EINVAL},
	{&pgtable_vtdss, 39, 0, 0, 4096, 7, ALL, -EINVAL},
	{&pgtable_vtdss, 39, 0, 0, 0, BOTH, ALL, -EINVAL},
	{&pgtable_x86_64, 48, 0, 0, 4096, 0, ALL, -EINVAL},
	{&pgtable_amdv1_mock, 38, 0, 0, 4096, 0, ALL, -EINVAL},
	{&pgtable_amdv1_mock, 38, 0, 0, 0, BOTH, ALL, -EINVAL},

	/* wraps: before any width */
	{&pgtable_vtdss, 39, UINT64_MAX - 4095, 0, 8192, BOTH, ALL, -EOVERFLOW},
	{&pgtable_vtdss, 39, 8192, 0, UINT64_MAX - 4095, BOTH, ALL, -EOVERFLOW},
	{&pgtable_vtdss, 39, UINT64_MAX - 4095, 0, 4096, BOTH, ALL, -ERANGE},

	/* input too wide: before alignment */
	{&pgtable_vtdss, 39, GIB(512), 0, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_vtdss, 39, GIB(512) - 4096, 0, 8192, BOTH, ALL, -ERANGE},
	{&pgtable_vtdss, 39, GIB(512) - 4096, 0, 4096, BOTH, ALL, 0},
	{&pgtable_vtdss, 39, GIB(512) + 1, 0, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_vtdss, 31, GIB(2), 0, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_vtdss, 57, (uint64_t)1 << 57, 0, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_x86_64, 47, (uint64_t)1 << 47, 0, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_x86_64, 47, ((uint64_t)1 << 47) - 4096, 0, 4096, BOTH, ALL, 0},
	{&pgtable_amdv1_mock, 38, GIB(256), 0, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_amdv1_mock, 38, GIB(256) - 2048, 0, 2048, BOTH, ALL, 0},

	/* output too wide */
	{&pgtable_vtdss, 39, 0, (uint64_t)1 << 52, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_vtdss, 39, 0, ((uint64_t)1 << 52) - 4096, 8192, BOTH, ALL, -ERANGE},
	{&pgtable_vtdss, 39, 0, ((uint64_t)1 << 52) - 4096, 4096, BOTH, ALL, 0},
	{&pgtable_vtdss, 39, 0, UINT64_MAX - 4095, 8192, BOTH, ALL, -ERANGE},
	{&pgtable_x86_64, 48, 0, (uint64_t)1 << 52, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_amdv1_mock, 38, 0, (uint64_t)1 << 51, 4096, BOTH, ALL, -ERANGE},
	{&pgtable_amdv1_mock, 38, 0, ((uint64_t)1 << 51) - 2048, 2048, BOTH, ALL, 0},

	/* not aligned to any size */
	{&pgtable_vtdss, 39, 1, 0, 4096, BOTH, ALL, -ENXIO},
	{&pgtable_vtdss, 39, 0, 2048, 4096, BOTH, ALL, -ENXIO},
	{&pgtable_vtdss, 39, 0, 0, 4097, BOTH, ALL, -ENXIO},
	{&pgtable_vtdss, 39, 0, 0, 2048, BOTH, ALL, -ENXIO},
	{&pgtable_vtdss, 39, 0, 0, 4096, BOTH, 0, -ENXIO},
	{&pgtable_vtdss, 39, 0, 0, 8192, BOTH, 8192, -ENXIO},
	{&pgtable_vtdss, 39, 0, 4096, MIB(2), BOTH, MIB(2), -ENXIO},
	{&pgtable_vtdss, 39, 0, 0, MIB(2), BOTH, MIB(2), 0},
	{&pgtable_amdv1_mock, 38, 0, 0, 1024, BOTH, ALL, -ENXIO},
	{&pgtable_amdv1_mock, 38, 2048, 2048, 2048, BOTH, ALL, 0},
	{&pgtable_amdv1_mock, 38, 2048, 2048, 2048, BOTH, 4096, -ENXIO},
	{&pgtable_amdv1_mock_huge, 38, 2048, 2048, 2048, BOTH, ALL, -ENXIO},
	{&pgtable_amdv1_mock_huge, 38, 4096, 4096, 4096, BOTH, ALL, 0},

	/* each right alone */
	{&pgtable_vtdss, 39, 0, 0, 4096, READ, ALL, 0},
	{&pgtable_vtdss, 39, 0, 0, 4096, WRITE, ALL, 0},
	{&pgtable_x86_64, 48, 0, 0, 4096, WRITE, ALL, 0},
	{&pgtable_amdv1_mock, 38, 0, 0, 4096, WRITE, ALL, 0},
};

static void map_errors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(map_cases); i++) {
		const struct map_case *c = &map_cases[i];
		struct pgtable_leaf leaf;
		struct pgtable pt;
		int rc;

		assert_int_equal(pgtable_init(&pt, c->format, c->va_lg2), 0);
		rc = pgtable_map(&pt, c->iova, c->pa, c->length, c->prot, c->pgsizes);
		if (rc != c->rc)
			fail_msg("row %u: %d", i, rc);
		assert_int_equal(pgtable_walk(&pt, c->iova, &leaf), !rc);
		pgtable_fini(&pt);
	}
}

static void width_is_checked_at_init(void **state)
{
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		unsigned max = all_formats[i]->va_max_lg2;

		assert_int_equal(pgtable_init(&pt, all_formats[i], 0), -EINVAL);
		assert_int_equal(pgtable_init(&pt, all_formats[i], max + 1), -EINVAL);
		assert_int_equal(pgtable_init(&pt, all_formats[i], 1), 0);
		pgtable_fini(&pt);
		assert_int_equal(pgtable_init(&pt, all_formats[i], max), 0);
		assert_int_equal(pt.levels, 5);
		pgtable_fini(&pt);
	}
}

static void levels_follow_width(void **state)
{
	static const struct {
		const struct pgtable_format *format;
		unsigned va_lg2, levels;
	} rows[] = {
		{&pgtable_vtdss, 30, 3},      {&pgtable_vtdss, 39, 3},
		{&pgtable_vtdss, 40, 4},      {&pgtable_vtdss, 48, 4},
		{&pgtable_vtdss, 49, 5},      {&pgtable_x86_64, 39, 4},
		{&pgtable_x86_64, 47, 4},     {&pgtable_x86_64, 48, 4},
		{&pgtable_x86_64, 56, 5},     {&pgtable_amdv1_mock, 31, 3},
		{&pgtable_amdv1_mock, 38, 3}, {&pgtable_amdv1_mock, 39, 4},
		{&pgtable_amdv1_mock, 48, 5}, {&pgtable_amdv1_mock_huge, 38, 3},
	};
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(rows); i++) {
		assert_int_equal(pgtable_init(&pt, rows[i].format, rows[i].va_lg2), 0);
		assert_int_equal(pt.levels, rows[i].levels);
		pgtable_fini(&pt);
	}
}

/* The second map meets the first one at its start, in its middle, at its end, or one level up. */
static void mapped_twice_is_eaddrinuse(void **state)
{
	static const struct {
		uint64_t iova, length;
	} rows[] = {
		{GIB(1) + MIB(2), KIB(4)}, {GIB(1) + MIB(4) - KIB(4), KIB(4)},
		{GIB(1), MIB(4)},	   {GIB(1) + MIB(2) - KIB(4), KIB(8)},
		{GIB(1), GIB(1)},	   {0, GIB(4)},
		{GIB(1) + MIB(2), MIB(2)}, {GIB(1) + MIB(1), MIB(2)},
	};
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		uint32_t prot = walked_prot(all_formats[i], READ);

		assert_int_equal(pgtable_init(&pt, all_formats[i], 38), 0);
		assert_int_equal(pgtable_map(&pt, GIB(1) + MIB(2), GIB(8), MIB(2), READ, ALL), 0);
		for (unsigned j = 0; j < base_array_size(rows); j++) {
			uint64_t end = rows[j].iova + rows[j].length;
			struct pgtable_leaf leaf;

			assert_int_equal(pgtable_map(&pt, rows[j].iova, GIB(16), rows[j].length,
						     BOTH, ALL),
					 -EADDRINUSE);
			assert_int_equal(pgtable_map(&pt, rows[j].iova, GIB(16), rows[j].length,
						     BOTH, 4096),
					 -EADDRINUSE);
			if (rows[j].iova < GIB(1) + MIB(2))
				expect_hole(&pt, rows[j].iova);
			if (end > GIB(1) + MIB(4))
				expect_hole(&pt, end - 1);
			assert_true(pgtable_walk(&pt, GIB(1) + MIB(3), &leaf));
			assert_int_equal(leaf.pa + (GIB(1) + MIB(3) - leaf.start), GIB(8) + MIB(1));
			assert_int_equal(leaf.prot, prot);
		}
		pgtable_fini(&pt);
	}
}

static void walk_beyond_the_width_finds_nothing(void **state)
{
	struct pgtable pt;

	(void)state;
	assert_int_equal(pgtable_init(&pt, &pgtable_vtdss, 39), 0);
	assert_int_equal(pgtable_map(&pt, 0, 0, GIB(512), BOTH, ALL), 0);
	expect_leaf(&pt, GIB(512) - 1, GIB(511), GIB(1), GIB(511), BOTH);
	expect_hole(&pt, GIB(512));
	expect_hole(&pt, UINT64_MAX);
	pgtable_fini(&pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_errors),
		cmocka_unit_test(width_is_checked_at_init),
		cmocka_unit_test(levels_follow_width),
		cmocka_unit_test(mapped_twice_is_eaddrinuse),
		cmocka_unit_test(walk_beyond_the_width_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
