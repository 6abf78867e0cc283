// SPDX-License-Identifier: MIT
/*
 * Every allocation of a map and of a domain that joins made to fail in turn, and
 * memory that cannot be pinned: nothing is left, and all pins are given back.
 */
#include "space.h"

#include <errno.h>
#include <sys/mman.h>

#define IOVA   MIB(64)
#define MEMORY MIB(8)

/* Two areas that are there before, one on each side of what is tried. */
#define LOW  (IOVA - PAGE)
#define HIGH (IOVA + MIB(8))

struct setting {
	struct hardware hardware;
	struct iopt iopt;
	struct iopt_domain domains[2];
	enum domain_kind kinds[2];
	unsigned count; /* of domains */
	uint8_t *memory;
	size_t allocated; /* by the whole process, before all */
};

static void neighbours_map(struct setting *s)
{
	uint64_t addr = (uintptr_t)s->memory;

	assert_int_equal(space_map_fixed(&s->iopt, addr, PAGE, BOTH, LOW), 0);
	assert_int_equal(space_map_fixed(&s->iopt, addr + PAGE, PAGE, WRITE, HIGH), 0);
}

static void setting_init(struct setting *s, const enum domain_kind *kinds, unsigned count)
{
	*s = (struct setting){.count = count, .allocated = base_alloc_count()};
	hardware_init(&s->hardware);
	space_init(&s->iopt);
	s->memory = memory_new(MEMORY, MIB(2));
	neighbours_map(s);
	for (unsigned i = 0; i < count; i++) {
		s->kinds[i] = kinds[i];
		domain_make(&s->hardware, kinds[i], &s->domains[i]);
		assert_int_equal(iopt_add_domain(&s->iopt, &s->domains[i]), 0);
	}
}

static void setting_fini(struct setting *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		iopt_remove_domain(&s->iopt, &s->domains[i]);
		iommu_domain_free(s->domains[i].domain);
	}
	iopt_fini(&s->iopt);
	hardware_fini(&s->hardware);
	memory_free(s->memory, MEMORY);
	assert_int_equal(base_alloc_count(), s->allocated);
}

static void expect_pins(struct setting *s, uint64_t iova, unsigned pins)
{
	struct iopt_area *area = space_area(&s->iopt, iova);

	assert_non_null(area);
	assert_int_equal(area->source->pins, pins);
	assert_int_equal(base_ref_read(&area->source->refs), 1);
}

/* Nothing but the two neighbours, in the space and in this many domains. */
static void expect_neighbours(struct setting *s, unsigned domains)
{
	uint64_t addr = (uintptr_t)s->memory;

	assert_int_equal(s->iopt.areas.count, 2);
	expect_pins(s, LOW, domains);
	expect_pins(s, HIGH, domains);
	for (unsigned i = 0; i < domains; i++) {
		expect_mapped(&s->domains[i], LOW, PAGE, addr, BOTH);
		expect_mapped(&s->domains[i], HIGH, PAGE, addr + PAGE,
			      domain_prot(s->kinds[i], WRITE));
		expect_mapped(&s->domains[i], IOVA, HIGH - IOVA, 0, 0);
	}
}

/* ---- maps ---- */

struct map_row {
	uint64_t offset, length; /* of the memory */
	bool fixed;
};

static const struct map_row map_rows[] = {
	{PAGE, PAGE, true},
	{PAGE, MIB(5), true},
	{0, MIB(4), true},
	{PAGE, MIB(2), false},
};

static const enum domain_kind kind_rows[][2] = {
	{DOMAIN_MOCK, DOMAIN_VTD},
	{DOMAIN_VTD_PARENT, DOMAIN_MOCK_HUGE},
	{DOMAIN_VTD, DOMAIN_VTD},
};

static int try_map(struct setting *s, const struct map_row *row, uint64_t *iova)
{
	uint64_t addr = (uintptr_t)s->memory + row->offset;

	*iova = IOVA;
	if (row->fixed)
		return space_map_fixed(&s->iopt, addr, row->length, BOTH, IOVA);
	return space_map_auto(&s->iopt, addr, row->length, BOTH, iova);
}

/* The map after the failed ones; and unmap undoes it. */
static void expect_success(struct setting *s, const struct map_row *row, uint64_t iova)
{
	uint64_t addr = (uintptr_t)s->memory + row->offset, unmapped;

	expect_pins(s, iova, s->count);
	for (unsigned i = 0; i < s->count; i++)
		expect_mapped(&s->domains[i], iova, row->length, addr, BOTH);
	assert_int_equal(iopt_unmap(&s->iopt, iova, iova + row->length - 1, &unmapped), 0);
	assert_int_equal(unmapped, row->length);
	expect_neighbours(s, s->count);
}

/* Returns how many allocations the map takes. */
static unsigned sweep_map(const enum domain_kind *kinds, unsigned count, const struct map_row *row)
{
	unsigned nth = 0, left;
	struct setting s;
	uint64_t iova;
	int rc;

	setting_init(&s, kinds, count);
	do {
		base_fail_nth(++nth);
		rc = try_map(&s, row, &iova);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		if (rc)
			expect_neighbours(&s, count);
	} while (rc);
	expect_success(&s, row, iova);
	setting_fini(&s);
	return nth - 1;
}

static void a_map_into_no_domain_fails_cleanly(void **state)
{
	(void)state;
	for (size_t i = 0; i < base_array_size(map_rows); i++)
		assert_in_range(sweep_map(NULL, 0, &map_rows[i]), 0, 1);
}

static void a_map_into_one_domain_fails_cleanly(void **state)
{
	unsigned most = 0;

	(void)state;
	for (size_t k = 0; k < base_array_size(kind_rows); k++)
		for (size_t i = 0; i < base_array_size(map_rows); i++)
			most = base_max_u64(most, sweep_map(kind_rows[k], 1, &map_rows[i]));
	/* The area, and tables. */
	assert_in_range(most, 3, 20);
}

static void a_map_into_two_domains_fails_cleanly(void **state)
{
	unsigned most = 0;

	(void)state;
	for (size_t k = 0; k < base_array_size(kind_rows); k++)
		for (size_t i = 0; i < base_array_size(map_rows); i++)
			most = base_max_u64(most, sweep_map(kind_rows[k], 2, &map_rows[i]));
	assert_in_range(most, 5, 40);
}

/* The source outlives its area as long as somebody refers to it, but not pinned. */
static void unmap_gives_back_all_pins(void **state)
{
	(void)state;
	for (unsigned count = 0; count <= 2; count++) {
		struct mem_source *source;
		struct setting s;
		uint64_t unmapped;

		setting_init(&s, kind_rows[0], count);
		assert_int_equal(space_map_fixed(&s.iopt, (uintptr_t)s.memory, MIB(1), BOTH, IOVA),
				 0);
		source = space_area(&s.iopt, IOVA)->source;
		assert_int_equal(source->pins, count);
		mem_source_get(source);
		assert_int_equal(iopt_unmap(&s.iopt, IOVA, IOVA + MIB(1) - 1, &unmapped), 0);
		assert_int_equal(source->pins, 0);
		assert_true(mem_source_put(source));
		base_slab_free(s.iopt.mappings.slab,
			       base_container_of(source, struct iopt_mapping, source));
		setting_fini(&s);
	}
}

static void a_map_of_a_hole_fails_cleanly(void **state)
{
	(void)state;
	for (unsigned count = 1; count <= 2; count++) {
		struct setting s;

		setting_init(&s, kind_rows[0], count);
		assert_int_equal(mprotect(s.memory + MIB(3), PAGE, PROT_NONE), 0);
		for (size_t i = 0; i < base_array_size(map_rows); i++) {
			uint64_t iova;
			bool bad = map_rows[i].offset + map_rows[i].length > MIB(3);

			assert_int_equal(try_map(&s, &map_rows[i], &iova), bad ? -EFAULT : 0);
			if (bad)
				expect_neighbours(&s, count);
			else
				expect_success(&s, &map_rows[i], iova);
		}
		setting_fini(&s);
	}
}

/* The first domain takes it, the second does not. */
static void a_map_that_one_domain_refuses_leaves_the_other(void **state)
{
	static const enum domain_kind kinds[] = {DOMAIN_VTD, DOMAIN_VTD_PARENT};
	struct setting s;
	uint64_t addr;

	(void)state;
	setting_init(&s, kinds, 2);
	addr = (uintptr_t)s.memory;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(space_map_fixed(&s.iopt, addr + PAGE, MIB(4), READ, IOVA),
				 -EINVAL);
		expect_neighbours(&s, 2);
	}
	assert_int_equal(space_map_fixed(&s.iopt, addr + PAGE, MIB(4), WRITE, IOVA), 0);
	setting_fini(&s);
}

/* Without a domain memory is not looked at. */
static void a_map_of_a_hole_is_fine_while_there_is_no_domain(void **state)
{
	struct iopt_domain domain;
	struct setting s;
	uint64_t unmapped;

	(void)state;
	setting_init(&s, NULL, 0);
	assert_int_equal(space_map_fixed(&s.iopt, 0x1000, MIB(1), BOTH, IOVA), 0);
	expect_pins(&s, IOVA, 0);
	domain_make(&s.hardware, DOMAIN_VTD, &domain);
	assert_int_equal(iopt_add_domain(&s.iopt, &domain), -EFAULT);
	expect_mapped(&domain, LOW, HIGH + PAGE - LOW, 0, 0);
	iommu_domain_free(domain.domain);
	assert_int_equal(iopt_unmap(&s.iopt, IOVA, IOVA + MIB(1) - 1, &unmapped), 0);
	expect_neighbours(&s, 0);
	setting_fini(&s);
}

/* ---- domains that join ---- */

#define AREAS 12

#define AREA_IOVA(i)   (IOVA + (i)*KIB(640))
#define AREA_LENGTH(i) (((i) % 3 + 1) * KIB(204))
#define AREA_OFFSET(i) ((i)*KIB(36)) /* in memory: they overlap there */

/* Areas of different sizes between the neighbours. */
static void areas_map(struct setting *s)
{
	for (unsigned i = 0; i < AREAS; i++)
		assert_int_equal(space_map_fixed(&s->iopt, (uintptr_t)s->memory + AREA_OFFSET(i),
						 AREA_LENGTH(i), BOTH, AREA_IOVA(i)),
				 0);
}

static void expect_areas(struct setting *s, const struct iopt_domain *domain, unsigned pins)
{
	for (unsigned i = 0; i < AREAS; i++) {
		expect_pins(s, AREA_IOVA(i), pins);
		if (domain)
			expect_mapped(domain, AREA_IOVA(i), AREA_LENGTH(i),
				      (uintptr_t)s->memory + AREA_OFFSET(i), BOTH);
	}
	expect_pins(s, LOW, pins);
	expect_pins(s, HIGH, pins);
}

/* The ranges that may be mapped: those of a space without the domain that failed. */
static void expect_range(struct setting *s, uint64_t start, uint64_t last)
{
	uint64_t at = 0, range_last;

	base_scoped_read(&s->iopt.iova_lock);
	assert_true(iopt_next_usable_locked(&s->iopt, &at, UINT64_MAX, &range_last));
	assert_int_equal(at, start);
	assert_int_equal(range_last, last);
}

static unsigned sweep_join(enum domain_kind kind, unsigned already)
{
	static const enum domain_kind first[] = {DOMAIN_MOCK_HUGE};
	struct iopt_domain domain;
	unsigned nth = 0, left;
	struct setting s;
	uint64_t last;
	int rc;

	setting_init(&s, first, already);
	last = already ? GIB(256) - 1 : UINT64_MAX;
	areas_map(&s);
	do {
		domain_make(&s.hardware, kind, &domain);
		base_fail_nth(++nth);
		rc = iopt_add_domain(&s.iopt, &domain);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		if (!rc)
			break;
		expect_areas(&s, already ? &s.domains[0] : NULL, already);
		expect_mapped(&domain, LOW, HIGH + PAGE - LOW, 0, 0);
		expect_range(&s, 0, last);
		assert_int_equal(s.iopt.alignment, already ? KIB(4) : 1);
		iommu_domain_free(domain.domain);
	} while (true);
	expect_areas(&s, &domain, already + 1);
	iopt_remove_domain(&s.iopt, &domain);
	iommu_domain_free(domain.domain);
	expect_areas(&s, already ? &s.domains[0] : NULL, already);
	expect_range(&s, 0, last);
	setting_fini(&s);
	return nth - 1;
}

static void a_domain_that_joins_fails_cleanly(void **state)
{
	(void)state;
	for (enum domain_kind kind = 0; kind < DOMAIN_KINDS; kind++)
		for (unsigned already = 0; already < 2; already++)
			assert_in_range(sweep_join(kind, already), 3, 30);
}

/* Each area in turn has memory that cannot be pinned. */
static void a_domain_does_not_join_what_it_cannot_hold(void **state)
{
	(void)state;
	for (unsigned bad = 0; bad < AREAS; bad++) {
		struct iopt_domain domain;
		struct setting s;
		uint64_t last; /* page of this area */

		setting_init(&s, NULL, 0);
		areas_map(&s);
		last = AREA_OFFSET(bad) + AREA_LENGTH(bad) - PAGE;
		assert_int_equal(mprotect(s.memory + last, PAGE, PROT_NONE), 0);
		domain_make(&s.hardware, DOMAIN_MOCK, &domain);
		assert_int_equal(iopt_add_domain(&s.iopt, &domain), -EFAULT);
		expect_areas(&s, NULL, 0);
		expect_mapped(&domain, LOW, HIGH + PAGE - LOW, 0, 0);
		expect_range(&s, 0, UINT64_MAX);
		iommu_domain_free(domain.domain);
		setting_fini(&s);
	}
}

static void a_domain_imposes_its_page_size_and_aperture(void **state)
{
	static const uint64_t granules[] = {KIB(2), KIB(4), KIB(4), KIB(4)};
	static const struct iopt_allowed apertures[] = {
		{MOCK_APERTURE_START, MOCK_APERTURE_LAST},
		{0, GIB(256) - 1},
		{0, GIB(128 * 1024) - 1},
		{0, GIB(256 * 1024) - 1},
	};

	(void)state;
	for (enum domain_kind kind = 0; kind < DOMAIN_KINDS; kind++) {
		struct setting s;

		setting_init(&s, &kind, 1);
		assert_int_equal(s.iopt.alignment, granules[kind]);
		expect_range(&s, apertures[kind].start, apertures[kind].last);
		expect_neighbours(&s, 1);
		setting_fini(&s);
	}
}

/* What is there already must fit: alignment of place, length and memory; aperture; permissions. */
static void a_domain_does_not_join_what_does_not_fit(void **state)
{
	static const struct iopt_allowed low = {0, KIB(64)};
	struct iopt_domain domain;
	struct setting s;
	uint64_t addr, unmapped;

	(void)state;
	setting_init(&s, NULL, 0);
	addr = (uintptr_t)s.memory;
	domain_make(&s.hardware, DOMAIN_MOCK, &domain);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t iova = i == 3 ? MIB(1) : IOVA + (i == 0 ? KIB(1) : 0);
		uint64_t length = PAGE + (i == 1 ? KIB(1) : 0);

		assert_int_equal(space_map_fixed(&s.iopt, addr + (i == 2 ? KIB(1) : 0), length,
						 BOTH, iova),
				 0);
		assert_int_equal(iopt_add_domain(&s.iopt, &domain), -EADDRINUSE);
		assert_int_equal(s.iopt.alignment, 1);
		expect_range(&s, 0, UINT64_MAX);
		assert_int_equal(iopt_unmap(&s.iopt, iova, iova + length - 1, &unmapped), 0);
	}
	assert_int_equal(space_allow(&s.iopt, &low, 1), 0);
	assert_int_equal(iopt_add_domain(&s.iopt, &domain), -EADDRINUSE);
	expect_range(&s, 0, UINT64_MAX);
	assert_int_equal(space_allow(&s.iopt, NULL, 0), 0);
	assert_int_equal(iopt_add_domain(&s.iopt, &domain), 0);
	iopt_remove_domain(&s.iopt, &domain);
	iommu_domain_free(domain.domain);
	setting_fini(&s);
}

/* The largest page size counts as long as its domain is there. */
static void the_alignment_is_that_of_the_domains_there_are(void **state)
{
	static const enum domain_kind kinds[] = {DOMAIN_MOCK, DOMAIN_VTD};
	struct setting s;

	(void)state;
	setting_init(&s, kinds, 2);
	assert_int_equal(s.iopt.alignment, KIB(4));
	expect_range(&s, MOCK_APERTURE_START, MOCK_APERTURE_LAST);
	iopt_remove_domain(&s.iopt, &s.domains[1]);
	assert_int_equal(s.iopt.alignment, KIB(2));
	iopt_remove_domain(&s.iopt, &s.domains[0]);
	assert_int_equal(s.iopt.alignment, 1);
	expect_range(&s, 0, UINT64_MAX);
	iommu_domain_free(s.domains[0].domain);
	iommu_domain_free(s.domains[1].domain);
	s.count = 0;
	setting_fini(&s);
}

/* ---- reserve ---- */

static void a_reservation_without_memory_changes_nothing(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s, NULL, 0);
	base_fail_nth(1);
	assert_int_equal(iopt_reserve(&s.iopt, 0, PAGE, &s), -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	expect_range(&s, 0, UINT64_MAX);
	setting_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_into_no_domain_fails_cleanly),
		cmocka_unit_test(a_map_into_one_domain_fails_cleanly),
		cmocka_unit_test(a_map_into_two_domains_fails_cleanly),
		cmocka_unit_test(unmap_gives_back_all_pins),
		cmocka_unit_test(a_map_of_a_hole_fails_cleanly),
		cmocka_unit_test(a_map_that_one_domain_refuses_leaves_the_other),
		cmocka_unit_test(a_map_of_a_hole_is_fine_while_there_is_no_domain),
		cmocka_unit_test(a_domain_that_joins_fails_cleanly),
		cmocka_unit_test(a_domain_does_not_join_what_it_cannot_hold),
		cmocka_unit_test(a_domain_imposes_its_page_size_and_aperture),
		cmocka_unit_test(a_domain_does_not_join_what_does_not_fit),
		cmocka_unit_test(the_alignment_is_that_of_the_domains_there_are),
		cmocka_unit_test(a_reservation_without_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
