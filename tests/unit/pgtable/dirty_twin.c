// SPDX-License-Identifier: MIT
/*
 * Random maps, writes and reads of the dirty state in a window of the address
 * space, beside a dumb twin: a flag for each unit of the window.
 */
#include "common.h"

#define UNITS 8192
#define STEPS 1500
#define BITS  (4 * UNITS) /* there may be bits for more than the window */

struct setting {
	const struct pgtable_format *format;
	unsigned unit_lg2; /* the smallest leaf */
	uint64_t base;	   /* the window starts here */
};

struct twin {
	const struct setting *set;
	struct random random;
	struct pgtable pt;
	uint16_t owner[UNITS];	 /* the first unit of the map, plus 1; 0: none */
	bool dirty[512 * UNITS]; /* by slots of the lowest level */
	uint64_t got[BITS / 64], want[BITS / 64];
};

static uint64_t unit_iova(const struct twin *twin, uint64_t unit)
{
	return twin->set->base + (unit << twin->set->unit_lg2);
}

static unsigned granule_lg2(const struct twin *twin)
{
	return twin->set->format == &pgtable_vtdss ? 12 : 11;
}

static bool *dirty_at(struct twin *twin, uint64_t iova)
{
	return &twin->dirty[(iova - twin->set->base) >> granule_lg2(twin)];
}

static void range_set(struct twin *twin, uint64_t start, uint64_t last, bool dirty)
{
	for (bool *at = dirty_at(twin, start); at <= dirty_at(twin, last); at++)
		*at = dirty;
}

/* A stretch of units, short as often as long, often aligned. */
static void random_units(struct twin *twin, uint64_t *first, uint64_t *last)
{
	uint64_t length = random_below(&twin->random, UNITS) >> random_below(&twin->random, 14);

	*first = random_below(&twin->random, UNITS);
	if (random_below(&twin->random, 2))
		*first &= ~(base_lowest_bit(length | 1 << 10) - 1);
	*last = base_min_u64(*first + length, UNITS - 1);
}

static void step_map(struct twin *twin)
{
	uint64_t first, last, pa = GIB(random_below(&twin->random, 1000));
	uint64_t pgsizes =
		random_below(&twin->random, 3) ? UINT64_MAX : (uint64_t)1 << twin->set->unit_lg2;

	random_units(twin, &first, &last);
	for (uint64_t unit = first; unit <= last; unit++)
		if (twin->owner[unit])
			return;
	if (random_below(&twin->random, 4))
		pa += unit_iova(twin, first) - twin->set->base;
	assert_int_equal(pgtable_map(&twin->pt, unit_iova(twin, first), pa,
				     (last - first + 1) << twin->set->unit_lg2,
				     1 + random_below(&twin->random, 3), pgsizes),
			 0);
	for (uint64_t unit = first; unit <= last; unit++)
		twin->owner[unit] = first + 1;
}

static void step_unmap(struct twin *twin)
{
	uint64_t first, last;

	random_units(twin, &first, &last);
	while (first && twin->owner[first] && twin->owner[first] == twin->owner[first - 1])
		first--;
	while (last < UNITS - 1 && twin->owner[last] && twin->owner[last] == twin->owner[last + 1])
		last++;
	unmap_now(&twin->pt, unit_iova(twin, first), (last - first + 1) << twin->set->unit_lg2);
	for (uint64_t unit = first; unit <= last; unit++)
		twin->owner[unit] = 0;
	range_set(twin, unit_iova(twin, first), unit_iova(twin, last + 1) - 1, false);
}

/* Cut a leaf that is repeated down to the slot that has iova. */
static void leaf_to_slot(const struct twin *twin, struct pgtable_leaf *leaf, uint64_t iova)
{
	unsigned leaf_lg2 = (unsigned)__builtin_ctzll(leaf->last - leaf->start + 1);
	unsigned copies_lg2 = (leaf_lg2 - granule_lg2(twin)) % 9;
	uint64_t mask = ((uint64_t)1 << (leaf_lg2 - copies_lg2)) - 1;

	leaf->start = iova & ~mask;
	leaf->last = iova | mask;
}

static void step_write(struct twin *twin)
{
	uint64_t first, last;
	uint32_t prot = random_below(&twin->random, 4);
	uint64_t stride = random_below(&twin->random, 2) ? 1 : 1 + random_below(&twin->random, 500);

	random_units(twin, &first, &last);
	for (uint64_t unit = first; unit <= last; unit += stride) {
		uint64_t iova = unit_iova(twin, unit);
		struct pgtable_leaf leaf;
		bool found = pgtable_walk_dirty(&twin->pt, iova, prot, &leaf);

		assert_int_equal(found, twin->owner[unit] != 0);
		if (found && (leaf.prot & prot) == prot)
			range_set(twin, leaf.start, leaf.last, true);
	}
}

static void step_mark(struct twin *twin)
{
	uint64_t first, last;

	random_units(twin, &first, &last);
	for (uint64_t unit = first; unit <= last; unit += 1 + random_below(&twin->random, 50)) {
		uint64_t iova = unit_iova(twin, unit) + KIB(2) * (unit & 1);
		struct pgtable_leaf leaf;

		pgtable_mark_dirty(&twin->pt, iova);
		if (!pgtable_walk(&twin->pt, iova, &leaf))
			continue;
		leaf_to_slot(twin, &leaf, iova);
		range_set(twin, leaf.start, leaf.last, true);
	}
}

static void bits_add(struct twin *twin, const struct pgtable_dirty *dirty, uint64_t start,
		     uint64_t last)
{
	for (uint64_t bit = (start - dirty->start) >> dirty->unit_lg2;
	     bit <= (last - dirty->start) >> dirty->unit_lg2; bit++)
		twin->want[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* What the flags say, slot by slot. */
static void twin_read(struct twin *twin, uint64_t start, uint64_t last, struct pgtable_dirty *dirty)
{
	struct pgtable_leaf leaf = {0};

	for (uint64_t iova = start; iova <= last; iova = leaf.last + 1) {
		if (!pgtable_walk(&twin->pt, iova, &leaf)) {
			leaf.last = iova | (((uint64_t)1 << twin->set->unit_lg2) - 1);
			continue;
		}
		leaf_to_slot(twin, &leaf, iova);
		if (!*dirty_at(twin, iova))
			continue;
		dirty->found = true;
		dirty->reach = leaf.last;
		bits_add(twin, dirty, base_max_u64(leaf.start, start),
			 base_min_u64(leaf.last, dirty->last));
		if (dirty->clear)
			range_set(twin, leaf.start, leaf.last, false);
	}
}

/* Bits for the range and up to as much again, in units that are finer or coarser than leaves. */
static void step_read(struct twin *twin)
{
	struct pgtable_dirty got = {.bits = twin->got}, want;
	uint64_t first, last;

	random_units(twin, &first, &last);
	got.unit_lg2 = twin->set->unit_lg2 + random_below(&twin->random, 10) - 1;
	got.clear = random_below(&twin->random, 2);
	got.start =
		unit_iova(twin, first) - (random_below(&twin->random, 100) << twin->set->unit_lg2);
	got.start &= ~(((uint64_t)1 << got.unit_lg2) - 1);
	got.last = unit_iova(twin, last + 1 + random_below(&twin->random, 700)) - 1;
	got.last |= ((uint64_t)1 << got.unit_lg2) - 1;
	assert_true((got.last - got.start) >> got.unit_lg2 < BITS);
	for (unsigned i = 0; i < base_array_size(twin->got); i++)
		twin->got[i] = twin->want[i] = random_below(&twin->random, 64) ? 0 : 5;
	want = got;
	pgtable_read_dirty(&twin->pt, unit_iova(twin, first), unit_iova(twin, last + 1) - 1, &got);
	twin_read(twin, unit_iova(twin, first), unit_iova(twin, last + 1) - 1, &want);
	assert_int_equal(got.found, want.found);
	assert_int_equal(got.reach, want.reach);
	assert_memory_equal(twin->got, twin->want, sizeof(twin->got));
}

static void twin_run(const struct setting *set, uint64_t seed)
{
	static struct twin twin;

	twin = (struct twin){.set = set, .random = {seed}};
	assert_int_equal(pgtable_init(&twin.pt, set->format,
				      set->format == &pgtable_vtdss ? 48 : 38),
			 0);
	for (unsigned i = 0; i < STEPS; i++) {
		switch (random_below(&twin.random, 9)) {
		case 0:
		case 1: step_map(&twin); break;
		case 2: step_unmap(&twin); break;
		case 3:
		case 4: step_write(&twin); break;
		case 5: step_mark(&twin); break;
		default: step_read(&twin); break;
		}
	}
	pgtable_fini(&twin.pt);
}

static void agrees_with_twin(void **state)
{
	static const struct setting settings[] = {
		{&pgtable_vtdss, 12, MIB(512)},
		{&pgtable_vtdss, 12, GIB(512) - MIB(16)},
		{&pgtable_vtdss, 21, GIB(1)},
		{&pgtable_amdv1_mock, 11, MIB(512)},
		{&pgtable_amdv1_mock, 12, GIB(1) - MIB(15)},
		{&pgtable_amdv1_mock, 16, GIB(1)},
		{&pgtable_amdv1_mock, 20, GIB(8)},
		{&pgtable_amdv1_mock_huge, 12, MIB(512)},
		{&pgtable_amdv1_mock_huge, 20, GIB(1)},
	};

	(void)state;
	for (unsigned i = 0; i < base_array_size(settings); i++)
		for (uint64_t seed = 0; seed < 3; seed++)
			twin_run(&settings[i], seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
