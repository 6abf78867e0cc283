// SPDX-License-Identifier: MIT
/*
 * Random maps and unmaps in a window of the address space, beside a dumb twin:
 * an array that says for each unit of the window which map it belongs to.
 */
#include "common.h"

#include <errno.h>

#define UNITS_MAX   2048
#define STEPS	    600
#define PROBES	    24
#define DENSITY_LG2 10

struct setting {
	const struct pgtable_format *format;
	unsigned va_lg2, unit_lg2, unit_count;
	uint64_t base; /* the window starts here */
	uint64_t pgsizes;
};

struct map {
	unsigned first, last; /* units */
	uint64_t pa, pgsizes;
	uint32_t prot;
};

struct twin {
	const struct setting *set;
	struct random random;
	struct pgtable pt;
	uint16_t owner[UNITS_MAX];	/* index into maps, 0: none */
	struct map maps[UNITS_MAX + 1]; /* by first unit, plus 1 */
};

static uint64_t unit_iova(const struct twin *twin, uint64_t unit)
{
	return twin->set->base + (unit << twin->set->unit_lg2);
}

/* The leaf around iova: the largest aligned block inside the map, all sizes tried. */
static struct pgtable_leaf twin_leaf(const struct twin *twin, const struct map *map, uint64_t iova)
{
	uint64_t start = unit_iova(twin, map->first), last = unit_iova(twin, map->last + 1ull) - 1;

	for (unsigned lg2 = 63; lg2; lg2--) {
		uint64_t size = (uint64_t)1 << lg2, block = iova / size * size;
		uint64_t pa = map->pa + (block - start);

		if ((map->pgsizes & size) && block >= start && block + (size - 1) <= last &&
		    pa % size == 0)
			return (struct pgtable_leaf){block, block + (size - 1), pa,
						     walked_prot(twin->set->format, map->prot)};
	}
	fail_msg("no size fits");
	return (struct pgtable_leaf){0};
}

static void compare_at(struct twin *twin, unsigned unit, uint64_t offset)
{
	uint64_t iova = unit_iova(twin, unit) + offset;
	struct pgtable_leaf want;

	if (!twin->owner[unit]) {
		expect_hole(&twin->pt, iova);
		return;
	}
	want = twin_leaf(twin, &twin->maps[twin->owner[unit]], iova);
	expect_leaf(&twin->pt, iova, want.start, want.last - want.start + 1, want.pa, want.prot);
}

static void compare_some(struct twin *twin)
{
	for (unsigned i = 0; i < PROBES; i++)
		compare_at(twin, random_below(&twin->random, twin->set->unit_count),
			   random_below(&twin->random, (uint64_t)1 << twin->set->unit_lg2));
}

static void compare_all(struct twin *twin)
{
	for (unsigned unit = 0; unit < twin->set->unit_count; unit++)
		compare_at(twin, unit, 0);
}

/* A stretch of units, short as often as long. */
static void random_units(struct twin *twin, unsigned *first, unsigned *last)
{
	unsigned count = twin->set->unit_count;
	unsigned length = random_below(&twin->random, count) >> random_below(&twin->random, 12);

	*first = random_below(&twin->random, count);
	if (random_below(&twin->random, 2))
		*first &= ~(base_lowest_bit(length | 1 << 9) - 1);
	*last = *first + length < count ? *first + length : count - 1;
}

/* Units are filled with at most 2^DENSITY_LG2 leaves, so that coarse ones take no ages. */
static uint64_t smallest_leaf(const struct twin *twin)
{
	uint64_t least = ((uint64_t)1 << twin->set->unit_lg2) >> DENSITY_LG2;

	return base_lowest_bit(twin->set->pgsizes & -(least ? least : 1));
}

/* All sizes, or some that can fill a unit. */
static uint64_t random_pgsizes(struct twin *twin)
{
	uint64_t some = twin->set->pgsizes & random_next(&twin->random);

	if (random_below(&twin->random, 2))
		return twin->set->pgsizes;
	return (some & -smallest_leaf(twin)) | smallest_leaf(twin);
}

/* Aligned with the window, or with nothing but the smallest leaf. */
static uint64_t random_pa(struct twin *twin, uint64_t iova)
{
	uint64_t mask = ((uint64_t)1 << (twin->set->format->pa_max_lg2 - 1)) - 1;
	uint64_t pa = random_next(&twin->random) & mask;
	unsigned same_lg2 = twin->set->unit_lg2 + random_below(&twin->random, 10);
	uint64_t low = ((uint64_t)1 << same_lg2) - 1;

	if (random_below(&twin->random, 3))
		return (pa & ~low) | (iova & low);
	return base_align_down(pa, smallest_leaf(twin));
}

static bool is_free(const struct twin *twin, unsigned first, unsigned last)
{
	for (unsigned unit = first; unit <= last; unit++)
		if (twin->owner[unit])
			return false;
	return true;
}

static void step_map(struct twin *twin)
{
	struct map map = {.prot = 1 + random_below(&twin->random, 3)};
	uint64_t iova, length;
	int want;

	random_units(twin, &map.first, &map.last);
	iova = unit_iova(twin, map.first);
	length = (map.last - map.first + 1ull) << twin->set->unit_lg2;
	map.pgsizes = random_pgsizes(twin);
	map.pa = random_pa(twin, iova);
	want = is_free(twin, map.first, map.last) ? 0 : -EADDRINUSE;
	assert_int_equal(pgtable_map(&twin->pt, iova, map.pa, length, map.prot, map.pgsizes), want);
	if (want)
		return;
	twin->maps[map.first + 1] = map;
	for (unsigned unit = map.first; unit <= map.last; unit++)
		twin->owner[unit] = map.first + 1;
}

static void step_unmap(struct twin *twin)
{
	unsigned first, last;

	random_units(twin, &first, &last);
	if (twin->owner[first])
		first = twin->maps[twin->owner[first]].first;
	if (twin->owner[last])
		last = twin->maps[twin->owner[last]].last;
	unmap_now(&twin->pt, unit_iova(twin, first), (last - first + 1ull) << twin->set->unit_lg2);
	for (unsigned unit = first; unit <= last; unit++)
		twin->owner[unit] = 0;
}

static void twin_run(const struct setting *set, uint64_t seed)
{
	static struct twin twin;

	twin = (struct twin){.set = set, .random = {seed}};
	assert_int_equal(pgtable_init(&twin.pt, set->format, set->va_lg2), 0);
	for (unsigned i = 0; i < STEPS; i++) {
		if (random_below(&twin.random, 8) < 5)
			step_map(&twin);
		else
			step_unmap(&twin);
		compare_some(&twin);
	}
	compare_all(&twin);
	pgtable_fini(&twin.pt);
}

/* Windows at the bottom, across the border in the middle, and up to the last address. */
static void run_windows(struct setting set, uint64_t seed)
{
	uint64_t span = (uint64_t)1 << set.va_lg2, window;

	set.unit_count = UNITS_MAX;
	while (((uint64_t)set.unit_count << set.unit_lg2) > span / 2)
		set.unit_count /= 2;
	window = (uint64_t)set.unit_count << set.unit_lg2;
	for (unsigned i = 0; i < 3; i++) {
		set.base = i == 0 ? 0 : i == 1 ? span / 2 - window / 2 : span - window;
		twin_run(&set, seed + i);
	}
}

static void run_widths(const struct pgtable_format *format, uint64_t pgsizes)
{
	static const unsigned widths[] = {31, 38, 39, 47, 48, 56, 57};
	unsigned smallest_lg2 = (unsigned)__builtin_ctzll(pgsizes);

	for (unsigned i = 0; i < base_array_size(widths); i++) {
		struct setting set = {format, widths[i], smallest_lg2, 0, 0, pgsizes};

		if (widths[i] > format->va_max_lg2)
			continue;
		run_windows(set, 1000 * i);
	}
}

/* Units so large that leaves of the highest levels turn up. */
static void run_coarse(const struct pgtable_format *format, unsigned unit_lg2)
{
	struct setting set = {format, format->va_max_lg2, unit_lg2, 64, 0, format->pgsizes};

	set.base = ((uint64_t)1 << (format->va_max_lg2 - 1)) - ((uint64_t)32 << unit_lg2);
	twin_run(&set, unit_lg2);
	set.base = 0;
	twin_run(&set, unit_lg2 + 1);
}

static void all_sizes_agree_with_twin(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++)
		run_widths(all_formats[i], all_formats[i]->pgsizes);
}

static void one_size_agrees_with_twin(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++)
		run_widths(all_formats[i], 4096);
}

static void some_sizes_agree_with_twin(void **state)
{
	(void)state;
	run_widths(&pgtable_vtdss, MIB(2) | GIB(1));
	run_widths(&pgtable_x86_64, KIB(4) | GIB(1));
	run_widths(&pgtable_amdv1_mock, KIB(4) | KIB(64) | MIB(1) | MIB(4));
	run_widths(&pgtable_amdv1_mock, KIB(2) | MIB(512));
}

static void large_leaves_agree_with_twin(void **state)
{
	(void)state;
	run_coarse(&pgtable_vtdss, 21);
	run_coarse(&pgtable_vtdss, 28);
	run_coarse(&pgtable_x86_64, 21);
	run_coarse(&pgtable_x86_64, 28);
	run_coarse(&pgtable_amdv1_mock, 20);
	run_coarse(&pgtable_amdv1_mock, 32);
	run_coarse(&pgtable_amdv1_mock_huge, 20);
	run_coarse(&pgtable_amdv1_mock_huge, 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sizes_agree_with_twin),
		cmocka_unit_test(one_size_agrees_with_twin),
		cmocka_unit_test(some_sizes_agree_with_twin),
		cmocka_unit_test(large_leaves_agree_with_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
