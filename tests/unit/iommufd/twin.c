// SPDX-License-Identifier: MIT
/* The rules of iommufd-ioctls.md 3, unit by unit. */
#include "twin.h"

#include <errno.h>
#include <sys/mman.h>

#define WINDOW_LAST (UNITS * UNIT - 1)

void twin_init(struct twin *twin, uint64_t seed)
{
	*twin = (struct twin){.random = {seed}};
	space_init(&twin->iopt);
	hardware_init(&twin->hardware);
	twin->memory = memory_new(MEMORY_SIZE, MIB(2));
	assert_int_equal(mprotect(twin->memory + MEMORY_GOOD, MEMORY_READ_ONLY, PROT_READ), 0);
	assert_int_equal(mprotect(twin->memory + MEMORY_GOOD + MEMORY_READ_ONLY, MEMORY_NOTHING,
				  PROT_NONE),
			 0);
	assert_int_equal(iopt_reserve(&twin->iopt, WINDOW_LAST + 1, UINT64_MAX, twin), 0);
}

void twin_fini(struct twin *twin)
{
	for (unsigned i = 0; i < JOINS; i++) {
		if (!twin->joins[i].used)
			continue;
		iopt_remove_domain(&twin->iopt, &twin->joins[i].domain);
		iommu_domain_free(twin->joins[i].domain.domain);
	}
	iopt_fini(&twin->iopt);
	hardware_fini(&twin->hardware);
	memory_free(twin->memory, MEMORY_SIZE);
}

static uint64_t granule_of(enum domain_kind kind)
{
	return kind == DOMAIN_MOCK ? KIB(2) : KIB(4);
}

uint64_t twin_alignment(const struct twin *twin)
{
	uint64_t alignment = twin->small ? PAGE : 1;

	for (unsigned i = 0; i < JOINS; i++)
		if (twin->joins[i].used)
			alignment = base_max_u64(alignment, granule_of(twin->joins[i].kind));
	return alignment;
}

struct twin_area *twin_area_free(struct twin *twin)
{
	for (unsigned i = 0; i < AREAS; i++)
		if (!twin->areas[i].length)
			return &twin->areas[i];
	return NULL;
}

unsigned twin_area_room(const struct twin *twin)
{
	unsigned count = 0;

	for (unsigned i = 0; i < AREAS; i++)
		count += !twin->areas[i].length;
	return count;
}

bool twin_piece(const struct twin *twin, uint64_t iova, uint64_t last, struct twin_area *piece)
{
	uint64_t unit = iova / UNIT, skip;

	if (unit >= UNITS || !twin->area_at[unit])
		return false;
	*piece = twin->areas[twin->area_at[unit] - 1];
	skip = iova - piece->iova;
	piece->iova = iova;
	piece->addr += skip;
	piece->length = base_min_u64(piece->length - skip, last - iova + 1);
	return true;
}

void twin_area_enter(struct twin *twin, const struct twin_area *area, bool in)
{
	for (uint64_t at = area->iova; at < area->iova + area->length; at += UNIT)
		twin->area_at[at / UNIT] = in ? area - twin->areas + 1 : 0;
}

/* ---- units ---- */

/* The unit behind the last one that has a byte of [.., last]; nothing is behind the window. */
static uint64_t unit_end(uint64_t last)
{
	return base_min_u64(last / UNIT + 1, UNITS);
}

bool twin_has_area(const struct twin *twin, uint64_t start, uint64_t last)
{
	for (uint64_t unit = start / UNIT; unit < unit_end(last); unit++)
		if (twin->area_at[unit])
			return true;
	return false;
}

bool twin_is_reserved(const struct twin *twin, uint64_t start, uint64_t last)
{
	for (uint64_t unit = start / UNIT; unit < unit_end(last); unit++)
		if (twin->reserved[unit])
			return true;
	return last > WINDOW_LAST;
}

bool twin_is_allowed(const struct twin *twin, uint64_t start, uint64_t last)
{
	for (uint64_t unit = start / UNIT; unit < unit_end(last); unit++)
		if (twin->allowed[unit])
			return true;
	return false;
}

static bool is_free(const struct twin *twin, uint64_t unit)
{
	return unit < UNITS && !twin->area_at[unit] && !twin->reserved[unit];
}

/* ---- placement ---- */

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

static uint64_t power_of_two_above(uint64_t value)
{
	uint64_t power = 1;

	while (power < value)
		power *= 2;
	return power;
}

/* 3.2 step 6: holes of [start, last], whose borders are those of units. */
static bool place_in_window(const struct twin *twin, uint64_t start, uint64_t last, uint64_t length,
			    uint64_t granule, uint64_t offset, uint64_t *iova)
{
	start = round_up(start, granule) | offset;
	if (start >= last || last - start < length - 1)
		return false;
	while (start <= last) {
		uint64_t unit = start / UNIT, at;

		if (!is_free(twin, unit)) {
			if (unit >= UNITS)
				return false;
			start = (unit + 1) * UNIT;
			continue;
		}
		while (is_free(twin, unit))
			unit++;
		at = round_up(start, granule) | offset;
		start = unit * UNIT;
		if (at < base_min_u64(start - 1, last) &&
		    base_min_u64(start - 1, last) - at >= length - 1) {
			*iova = at;
			return true;
		}
	}
	return false;
}

int twin_place_auto(const struct twin *twin, uint64_t length, uint64_t addr, uint64_t *iova)
{
	const uint64_t bottom = PAGE, top = UINT64_MAX - PAGE;
	uint64_t granule = power_of_two_above(length), alignment = twin_alignment(twin);

	if (!length || length % alignment)
		return -EINVAL;
	if (addr)
		granule = base_min_u64(granule, addr & -addr);
	granule = base_min_u64(granule, MIB(2));
	if (granule < alignment)
		return -EINVAL;
	if (!twin->range_count &&
	    place_in_window(twin, bottom, top, length, granule, addr % PAGE, iova))
		return 0;
	for (size_t i = 0; i < twin->range_count; i++) {
		uint64_t start = twin->ranges[i].start;

		while (i + 1 < twin->range_count &&
		       twin->ranges[i].last + 1 == twin->ranges[i + 1].start)
			i++;
		if (twin->ranges[i].last >= bottom &&
		    place_in_window(twin, base_max_u64(start, bottom), twin->ranges[i].last, length,
				    granule, addr % PAGE, iova))
			return 0;
	}
	return -ENOSPC;
}

int twin_place_fixed(const struct twin *twin, uint64_t length, uint64_t addr, uint64_t iova)
{
	uint64_t alignment = twin_alignment(twin), last = iova + length - 1;

	if (!length || length % alignment || iova % alignment)
		return -EINVAL;
	if (twin_is_reserved(twin, iova, last))
		return -EINVAL;
	if (twin_has_area(twin, iova, last))
		return -EEXIST;
	return addr % alignment ? -EINVAL : 0;
}

/* ---- domains ---- */

int twin_fill(const struct twin *twin, const struct twin_area *area, enum domain_kind kind)
{
	uint64_t reach = MEMORY_GOOD + (area->writable ? 0 : MEMORY_READ_ONLY);

	if (area->addr + area->length > (uintptr_t)twin->memory + reach)
		return -EFAULT;
	return kind == DOMAIN_VTD_PARENT && !(area->prot & WRITE) ? -EINVAL : 0;
}

static const struct twin_area *area_at(const struct twin *twin, uint64_t unit)
{
	return twin->area_at[unit] ? &twin->areas[twin->area_at[unit] - 1] : NULL;
}

bool twin_is_aligned(const struct twin *twin, uint64_t alignment)
{
	for (unsigned i = 0; i < AREAS; i++) {
		const struct twin_area *area = &twin->areas[i];

		if (area->length && (area->iova | area->length | area->addr) % alignment)
			return false;
	}
	return true;
}

int twin_join_result(const struct twin *twin, enum domain_kind kind)
{
	if (granule_of(kind) > twin_alignment(twin) && !twin_is_aligned(twin, granule_of(kind)))
		return -EADDRINUSE;
	if (kind == DOMAIN_MOCK && (twin_has_area(twin, 0, MOCK_APERTURE_START - 1) ||
				    twin_is_allowed(twin, 0, MOCK_APERTURE_START - 1)))
		return -EADDRINUSE;
	for (uint64_t unit = 0; unit < UNITS; unit++) {
		const struct twin_area *area = area_at(twin, unit);
		int rc = area ? twin_fill(twin, area, kind) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- the product beside it ---- */

static void check_ranges(struct twin *twin)
{
	uint64_t start = 0, last, expected = 0;

	base_scoped_read(&twin->iopt.iova_lock);
	while (iopt_next_usable_locked(&twin->iopt, &start, UINT64_MAX, &last)) {
		assert_int_equal(start % UNIT, 0);
		while (expected < start)
			assert_true(twin->reserved[expected / UNIT] && (expected += UNIT));
		while (expected < last)
			assert_true(!twin->reserved[expected / UNIT] && (expected += UNIT));
		assert_int_equal(expected, last + 1);
		start = last + 1;
	}
	for (; expected < UNITS * UNIT; expected += UNIT)
		assert_true(twin->reserved[expected / UNIT]);
}

static unsigned join_count(const struct twin *twin)
{
	unsigned count = 0;

	for (unsigned i = 0; i < JOINS; i++)
		count += twin->joins[i].used;
	return count;
}

/* The areas that are all that is mapped of a source. */
static unsigned whole_count(struct twin *twin, const struct mem_source *source)
{
	unsigned count = 0;

	for (unsigned i = 0; i < AREAS; i++)
		count += twin->areas[i].length == source->length &&
			 space_area(&twin->iopt, twin->areas[i].iova)->source == source;
	return count;
}

static void check_area(struct twin *twin, const struct twin_area *expected)
{
	struct iopt_area *area = space_area(&twin->iopt, expected->iova);

	assert_non_null(area);
	assert_int_equal(area->node.start, expected->iova);
	assert_int_equal(area->node.last, expected->iova + expected->length - 1);
	assert_int_equal(area->source->addr + area->offset, expected->addr);
	assert_int_equal(area->source->pins, join_count(twin) * whole_count(twin, area->source));
}

static void check_domain(struct twin *twin, const struct twin_join *join)
{
	for (uint64_t unit = 0; unit < UNITS; unit++) {
		const struct twin_area *area = area_at(twin, unit);

		expect_mapped(&join->domain, unit * UNIT, UNIT,
			      area ? area->addr + (unit * UNIT - area->iova) : 0,
			      area ? domain_prot(join->kind, area->prot) : 0);
	}
}

void twin_check(struct twin *twin)
{
	size_t count = 0;

	assert_int_equal(twin->iopt.alignment, twin_alignment(twin));
	check_ranges(twin);
	for (unsigned i = 0; i < AREAS; i++) {
		if (!twin->areas[i].length)
			continue;
		check_area(twin, &twin->areas[i]);
		count++;
	}
	assert_int_equal(twin->iopt.areas.count, count);
	for (unsigned i = 0; i < JOINS; i++)
		if (twin->joins[i].used)
			check_domain(twin, &twin->joins[i]);
}
