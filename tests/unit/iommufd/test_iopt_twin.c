// SPDX-License-Identifier: MIT
/*
 * Random calls on an IOVA space beside its twin. Some of them run short of
 * memory on the way; then they must not have happened.
 */
#include "twin.h"

#include <errno.h>

#define STEPS 6000
#define SEEDS 4

/* ---- calls that may run short of memory ---- */

/* One call in eight has an allocation that fails. */
static void arm(struct twin *twin)
{
	base_fail_nth(random_below(&twin->random, 8) ? 0 : 1 + random_below(&twin->random, 9));
}

/* The call is over: has it done what the twin says? False: it failed for lack of memory. */
static bool as_expected(int rc, int expected, bool armed)
{
	bool fired = armed && !base_fail_pending();

	base_fail_nth(0);
	if (fired && rc == -ENOMEM)
		return false;
	assert_int_equal(rc, expected);
	return true;
}

/* ---- map ---- */

/* Units, often in the upper third, where every domain has its aperture. */
static uint64_t random_iova(struct twin *twin)
{
	uint64_t first = twin->coarse || random_below(&twin->random, 4) ? MIB(16) / UNIT : 0;
	uint64_t iova = (first + random_below(&twin->random, UNITS - first)) * UNIT;

	return twin->coarse ? base_align_down(iova, KIB(4)) : iova;
}

static uint64_t random_length(struct twin *twin)
{
	static const unsigned below[] = {4, 16, 16, 64, 600};

	return (1 + random_below(&twin->random,
				 below[random_below(&twin->random, base_array_size(below))])) *
	       (twin->coarse ? KIB(4) : UNIT);
}

/* Mostly good memory; sometimes it begins or ends where it is not. */
static uint64_t random_addr(struct twin *twin, uint64_t length)
{
	uint64_t reach = random_below(&twin->random, 6) ? MEMORY_GOOD : MEMORY_SIZE;
	uint64_t align =
		random_below(&twin->random, 2) ? UNIT : KIB(4) << random_below(&twin->random, 9);

	return (uintptr_t)twin->memory +
	       base_align_down(random_below(&twin->random, reach - length), align);
}

/* What the domains say, in the order in which they joined. */
static int fill_all(struct twin *twin, const struct twin_area *area)
{
	for (uint64_t order = 1; order <= twin->joined; order++) {
		for (unsigned i = 0; i < JOINS; i++) {
			int rc;

			if (!twin->joins[i].used || twin->joins[i].order != order)
				continue;
			rc = twin_fill(twin, area, twin->joins[i].kind);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static void step_map(struct twin *twin)
{
	struct twin_area *area = twin_area_free(twin), wanted;
	bool fixed = random_below(&twin->random, 2);
	uint64_t iova;
	bool armed;
	int rc, expected;

	if (!area)
		return;
	wanted.length = random_length(twin);
	wanted.addr = random_addr(twin, wanted.length);
	wanted.prot = 1 + random_below(&twin->random, 3);
	wanted.writable = wanted.prot & WRITE;
	wanted.iova = iova = random_iova(twin);
	expected = fixed ? twin_place_fixed(twin, wanted.length, wanted.addr, wanted.iova)
			 : twin_place_auto(twin, wanted.length, wanted.addr, &wanted.iova);
	if (!expected)
		expected = fill_all(twin, &wanted);
	arm(twin);
	armed = base_fail_pending();
	rc = fixed ? space_map_fixed(&twin->iopt, wanted.addr, wanted.length, wanted.prot, iova)
		   : space_map_auto(&twin->iopt, wanted.addr, wanted.length, wanted.prot, &iova);
	if (!as_expected(rc, expected, armed) || rc)
		return;
	assert_int_equal(iova, wanted.iova);
	*area = wanted;
	twin_area_enter(twin, area, true);
}

/* Addresses between units, which only a space without domains would take. */
static void step_map_misaligned(struct twin *twin)
{
	uint64_t iova = random_iova(twin), addr = random_addr(twin, UNIT);
	int expected = twin_place_fixed(twin, UNIT, addr, iova);

	if (twin_alignment(twin) == 1)
		return;
	assert_int_equal(space_map_fixed(&twin->iopt, addr, UNIT - 1, BOTH, iova), -EINVAL);
	assert_int_equal(space_map_fixed(&twin->iopt, addr, UNIT, BOTH, iova + 1), -EINVAL);
	assert_int_equal(space_map_fixed(&twin->iopt, addr + 8, UNIT, BOTH, iova),
			 expected ? expected : -EINVAL);
}

/* ---- copy ---- */

static const struct twin_area *first_area(const struct twin *twin, uint64_t start, uint64_t last)
{
	for (uint64_t unit = start / UNIT; unit < UNITS && unit <= last / UNIT; unit++)
		if (twin->area_at[unit])
			return &twin->areas[twin->area_at[unit] - 1];
	return NULL;
}

/* Mostly somewhere in an area. */
static uint64_t random_mapped(struct twin *twin)
{
	uint64_t iova = random_iova(twin);
	const struct twin_area *area = first_area(twin, iova, UINT64_MAX);

	if (!area || !random_below(&twin->random, 8))
		return iova;
	iova = area->iova + random_below(&twin->random, area->length / UNIT) * UNIT;
	return twin->coarse ? base_align_down(iova, KIB(4)) : iova;
}

/* The pieces of [start, last]. -ENOENT: a gap; -ENOSPC: the twin has no room for them. */
static int twin_pieces(const struct twin *twin, uint64_t start, uint64_t last,
		       struct twin_area pieces[AREAS], unsigned *count)
{
	uint64_t at = start;

	for (*count = 0; at <= last; at += pieces[(*count)++].length) {
		if (*count == twin_area_room(twin))
			return -ENOSPC;
		if (!twin_piece(twin, at, last, &pieces[*count]))
			return -ENOENT;
	}
	return 0;
}

/* The pieces move to the block at iova, and get new rights: what 3.3 and the domains say. */
static int twin_place_pieces(struct twin *twin, uint64_t start, uint64_t iova, uint32_t prot,
			     struct twin_area pieces[AREAS], unsigned count)
{
	int rc = 0;

	for (unsigned i = 0; i < count; i++) {
		if ((prot & WRITE) && !pieces[i].writable)
			return -EPERM;
		pieces[i].prot = prot;
		pieces[i].iova = iova + (pieces[i].iova - start);
		if ((pieces[i].iova | pieces[i].addr) % twin_alignment(twin))
			return -EINVAL;
	}
	for (unsigned i = 0; i < count && !rc; i++)
		rc = fill_all(twin, &pieces[i]);
	return rc;
}

static void twin_enter_pieces(struct twin *twin, const struct twin_area *pieces, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct twin_area *area = twin_area_free(twin);

		*area = pieces[i];
		twin_area_enter(twin, area, true);
	}
}

/* Both halves of a COPY on one space. */
static int space_copy(struct iopt *iopt, uint64_t start, uint64_t last, uint32_t prot, bool fixed,
		      uint64_t *iova)
{
	struct iopt_block block;
	int rc = iopt_copy(iopt, start, last, &block);

	return rc ? rc : iopt_map_block(iopt, &block, prot, fixed, iova);
}

static void step_copy(struct twin *twin)
{
	uint64_t start = random_mapped(twin), length = random_length(twin);
	uint64_t iova = random_iova(twin), wanted = iova;
	uint32_t prot = 1 + random_below(&twin->random, 3);
	bool fixed = random_below(&twin->random, 2), armed;
	struct twin_area pieces[AREAS];
	unsigned count;
	int rc, expected = twin_pieces(twin, start, start + length - 1, pieces, &count);

	/* Most of what is there is short. */
	if (expected == -ENOENT && count && random_below(&twin->random, 8)) {
		length = pieces[count - 1].iova + pieces[count - 1].length - start;
		expected = 0;
	}
	if (expected == -ENOSPC)
		return;
	if (!expected)
		expected = fixed ? twin_place_fixed(twin, length, 0, iova)
				 : twin_place_auto(twin, length, pieces[0].addr, &wanted);
	if (!expected)
		expected = twin_place_pieces(twin, start, wanted, prot, pieces, count);
	arm(twin);
	armed = base_fail_pending();
	rc = space_copy(&twin->iopt, start, start + length - 1, prot, fixed, &iova);
	if (!as_expected(rc, expected, armed) || rc)
		return;
	assert_int_equal(iova, wanted);
	twin_enter_pieces(twin, pieces, count);
}

/* ---- small pages, and areas that are cut ---- */

static void set_huge_pages(struct twin *twin, bool on)
{
	bool domain = false;
	int expected = 0;

	for (unsigned i = 0; i < JOINS; i++)
		domain |= twin->joins[i].used;
	if (!on && !twin->small && domain && twin_has_area(twin, 0, UNITS * UNIT - 1))
		expected = -EINVAL;
	else if (!on && !twin->small && !twin_is_aligned(twin, PAGE))
		expected = -EADDRINUSE;
	assert_int_equal(iopt_set_huge_pages(&twin->iopt, on), expected);
	if (!expected)
		twin->small = !on;
}

static void step_cut(struct twin *twin)
{
	uint64_t at = random_mapped(twin), border = at - 1;
	struct twin_area *upper = twin_area_free(twin), lower, piece;
	bool inside = twin_piece(twin, at, UINT64_MAX, &piece) &&
		      twin_piece(twin, at - UNIT, UINT64_MAX, &lower) &&
		      twin->area_at[at / UNIT] == twin->area_at[at / UNIT - 1];
	int rc, expected = inside && twin->small && at % twin_alignment(twin) ? -EINVAL : 0;
	bool armed;

	if (!upper)
		return;
	arm(twin);
	armed = base_fail_pending();
	rc = iopt_cut(&twin->iopt, border);
	if (!as_expected(rc, expected, armed) || rc || !inside || !twin->small)
		return;
	twin->areas[twin->area_at[at / UNIT] - 1].length -= piece.length;
	*upper = piece;
	twin_area_enter(twin, upper, true);
}

/* ---- unmap ---- */

/* Areas go in ascending order up to one that is only partly inside. */
static int twin_unmap(struct twin *twin, uint64_t start, uint64_t last, uint64_t *unmapped)
{
	const struct twin_area *found;

	*unmapped = 0;
	while ((found = first_area(twin, start, last))) {
		struct twin_area *area = &twin->areas[found - twin->areas];

		if (area->iova < start || area->iova + area->length - 1 > last)
			return -ENOENT;
		*unmapped += area->length;
		twin_area_enter(twin, area, false);
		area->length = 0;
	}
	return 0;
}

static void step_unmap(struct twin *twin)
{
	uint64_t start = random_iova(twin), last = start + random_length(twin) - 1;
	const struct twin_area *area = first_area(twin, start, UINT64_MAX);
	uint64_t expected, unmapped;
	bool wants_small = false;
	int rc;

	switch (random_below(&twin->random, 40)) {
	case 0:
		start = 0, last = UINT64_MAX;
		wants_small = random_below(&twin->random, 2);
		twin->coarse = random_below(&twin->random, 4);
		break;
	case 1: start = MIB(16), last = UINT64_MAX; break;
	case 2:
	case 3: break;
	case 4: start++; break;
	default:
		if (area)
			start = area->iova, last = area->iova + area->length - 1;
	}
	base_fail_nth(1);
	rc = iopt_unmap(&twin->iopt, start, last, &unmapped);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	assert_int_equal(rc, twin_unmap(twin, start, last, &expected));
	assert_int_equal(unmapped, expected);
	/* Nothing is in the way of it now. */
	if (wants_small)
		set_huge_pages(twin, false);
}

/* ---- reserve, allow ---- */

/* Owners of the test; the domains' apertures have the bits above. */
#define OWNERS 3

static void set_reserved(struct twin *twin, uint64_t start, uint64_t last, unsigned owner)
{
	for (uint64_t unit = start / UNIT; unit <= last / UNIT; unit++)
		twin->reserved[unit] |= 1u << owner;
}

static void clear_reserved(struct twin *twin, unsigned owner)
{
	for (uint64_t unit = 0; unit < UNITS; unit++)
		twin->reserved[unit] &= ~(1u << owner);
}

static const void *owner_of(const struct twin *twin, unsigned owner)
{
	return &twin->reserved[owner];
}

static void step_reserve(struct twin *twin)
{
	uint64_t start = random_iova(twin);
	uint64_t last = base_min_u64(start + random_length(twin), UNITS * UNIT) - 1;
	unsigned owner = random_below(&twin->random, OWNERS);
	bool busy = twin_has_area(twin, start, last) || twin_is_allowed(twin, start, last);
	bool armed;
	int rc;

	arm(twin);
	armed = base_fail_pending();
	rc = iopt_reserve(&twin->iopt, start, last, owner_of(twin, owner));
	if (as_expected(rc, busy ? -EADDRINUSE : 0, armed) && !rc)
		set_reserved(twin, start, last, owner);
}

static void step_unreserve(struct twin *twin)
{
	unsigned owner = random_below(&twin->random, OWNERS);

	iopt_unreserve(&twin->iopt, owner_of(twin, owner));
	clear_reserved(twin, owner);
}

/* Up to four ranges with or without room between them. */
static size_t random_ranges(struct twin *twin, struct iopt_allowed ranges[4])
{
	size_t count = random_below(&twin->random, 5);
	uint64_t at = random_iova(twin) / 2;

	for (size_t i = 0; i < count; i++) {
		at += random_below(&twin->random, 2) * random_length(twin);
		ranges[i].start = base_align_down(at, UNIT);
		at = ranges[i].start + random_length(twin) * 2;
		ranges[i].last = at - 1;
	}
	return count;
}

static void step_allow(struct twin *twin)
{
	struct iopt_allowed ranges[4];
	size_t count = random_ranges(twin, ranges);
	int expected = 0;

	for (size_t i = 0; i < count; i++)
		if (twin_is_reserved(twin, ranges[i].start, ranges[i].last))
			expected = -EADDRINUSE;
	assert_int_equal(space_allow(&twin->iopt, ranges, count), expected);
	if (expected)
		return;
	twin->range_count = count;
	for (uint64_t unit = 0; unit < UNITS; unit++)
		twin->allowed[unit] = false;
	for (size_t i = 0; i < count; i++) {
		twin->ranges[i] = ranges[i];
		for (uint64_t at = ranges[i].start; at < ranges[i].last; at += UNIT)
			twin->allowed[at / UNIT] = true;
	}
}

/* ---- domains ---- */

static void step_join(struct twin *twin)
{
	unsigned slot = random_below(&twin->random, JOINS);
	struct twin_join *join = &twin->joins[slot];
	int rc, expected;
	bool armed;

	if (join->used)
		return;
	join->kind = random_below(&twin->random, DOMAIN_KINDS);
	domain_make(&twin->hardware, join->kind, &join->domain);
	expected = twin_join_result(twin, join->kind);
	arm(twin);
	armed = base_fail_pending();
	rc = iopt_add_domain(&twin->iopt, &join->domain);
	if (!as_expected(rc, expected, armed) || rc) {
		/* Nothing is left in it. */
		expect_mapped(&join->domain, 0, UNITS * UNIT, 0, 0);
		iommu_domain_free(join->domain.domain);
		return;
	}
	join->used = true;
	join->order = ++twin->joined;
	if (join->kind == DOMAIN_MOCK)
		set_reserved(twin, 0, MOCK_APERTURE_START - 1, OWNERS + slot);
}

static void step_leave(struct twin *twin)
{
	unsigned slot = random_below(&twin->random, JOINS);

	if (!twin->joins[slot].used)
		return;
	base_fail_nth(1);
	iopt_remove_domain(&twin->iopt, &twin->joins[slot].domain);
	iommu_domain_free(twin->joins[slot].domain.domain);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	twin->joins[slot].used = false;
	clear_reserved(twin, OWNERS + slot);
}

/* ---- the run ---- */

static void twin_step(struct twin *twin)
{
	switch (random_below(&twin->random, 40)) {
	case 0:
	case 1: step_join(twin); break;
	case 2: step_leave(twin); break;
	case 3: step_allow(twin); break;
	case 4:
	case 5: step_reserve(twin); break;
	case 6: step_unreserve(twin); break;
	case 7: step_map_misaligned(twin); break;
	case 8: set_huge_pages(twin, !random_below(&twin->random, 4)); break;
	case 9:
	case 10:
	case 11:
	case 12: step_cut(twin); break;
	case 13:
	case 14:
	case 15:
	case 16:
	case 17:
	case 18: step_copy(twin); break;
	default:
		if (random_below(&twin->random, 5) < 3)
			step_map(twin);
		else
			step_unmap(twin);
	}
}

static void a_space_and_its_twin_agree(void **state)
{
	static struct twin twin;

	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		size_t before = base_alloc_count();

		twin_init(&twin, seed);
		for (unsigned step = 0; step < STEPS; step++) {
			twin_step(&twin);
			if (step % 16 == 0)
				twin_check(&twin);
		}
		twin_check(&twin);
		twin_fini(&twin);
		assert_int_equal(base_alloc_count(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_space_and_its_twin_agree),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
