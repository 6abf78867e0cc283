// SPDX-License-Identifier: MIT
/* UNMAP, IOVA_RANGES and ALLOW_IOVAS (iommufd-ioctls.md 5, 6, 10), with and without a domain. */
#include "abi.h"

/* ---- UNMAP ---- */

/* Three areas: two that touch, one behind a hole. */
static const struct iommu_iova_range areas[] = {
	{0x2001000, 0x2002fff},
	{0x2003000, 0x2003fff},
	{0x2006000, 0x2007fff},
};

struct unmap_row {
	const char *name;
	uint64_t iova, length;
	int want;
	uint64_t unmapped;
	unsigned left; /* bit i: areas[i] is still there */
};

static const struct unmap_row unmaps[] = {
	{"the first area", 0x2001000, 0x2000, 0, 0x2000, 6},
	{"the second area", 0x2003000, 0x1000, 0, 0x1000, 5},
	{"the last area", 0x2006000, 0x2000, 0, 0x2000, 3},
	{"two that touch", 0x2001000, 0x3000, 0, 0x3000, 4},
	{"all three and the hole", 0x2001000, 0x7000, 0, 0x5000, 0},
	{"all three and more on both sides", 0x2000000, 0x100000, 0, 0x5000, 0},
	{"from 0 to the end but for a byte", 0, ULAST - 1, 0, 0x5000, 0},
	{"everything", 0, ULAST, 0, 0x5000, 0},
	{"the second and the hole behind it", 0x2003000, 0x3000, 0, 0x1000, 5},
	{"a byte of the hole and the last area", 0x2005fff, 0x2001, 0, 0x2000, 3},

	{"a hole (10.6)", 0x2004000, 0x2000, -ENOENT, 0, 7},
	{"a byte of a hole", 0x2004000, 1, -ENOENT, 0, 7},
	{"nothing was ever there", 0x10000000, 0x1000, -ENOENT, 0, 7},
	{"the head of an area (10.4c)", 0x2001000, 0x1000, -ENOENT, 0, 7},
	{"the tail of an area", 0x2002000, 0x1000, -ENOENT, 0, 7},
	{"a byte inside an area", 0x2001800, 1, -ENOENT, 0, 7},
	{"all but a byte of an area", 0x2001000, 0x1fff, -ENOENT, 0, 7},
	{"an area and the head of the next (10.5)", 0x2001000, 0x2001, -ENOENT, 0, 6},
	{"two areas and the head of the third", 0x2001000, 0x6000, -ENOENT, 0, 4},
	{"the tail of the first and the second", 0x2002000, 0x2000, -ENOENT, 0, 7},

	{"no length (10.3)", 0x2001000, 0, -EINVAL, 0, 7},
	{"no length at 0", 0, 0, -EINVAL, 0, 7},
	{"IOVA 2^64 - 1", ULAST, 1, -EOVERFLOW, 0, 7},
	{"IOVA 2^64 - 1, no length", ULAST, 0, -EOVERFLOW, 0, 7},
	{"length 2^64 - 1 not at 0", 1, ULAST, -EOVERFLOW, 0, 7},
	{"a range that wraps", 0x2001000, ULAST - 0x2001000 + 2, -EOVERFLOW, 0, 7},
	{"a range that ends at 2^64 - 1", 0x2001000, ULAST - 0x2001000 + 1, 0, 0x5000, 0},
	{"the last byte", ULAST - 1, 2, -ENOENT, 0, 7},
};

static uint32_t map_areas(struct abi *abi, uint32_t ioas)
{
	void *memory = abi_pages(abi, 2);

	for (unsigned i = 0; i < COUNT(areas); i++)
		ok(abi_map_at(abi, ioas, RW, memory, areas[i].last - areas[i].start + 1,
			      areas[i].start));
	return ioas;
}

static void run_unmap(struct abi *abi, uint32_t ioas, bool dma)
{
	const struct unmap_row *row = abi->row;
	uint64_t length;

	map_areas(abi, ioas);
	expect(abi_unmap(abi, ioas, row->iova, row->length, &length), row->want);
	assert_int_equal(length, row->want ? row->length : row->unmapped);
	for (unsigned i = 0; i < COUNT(areas); i++) {
		bool there = row->left & 1 << i;
		uint64_t size = areas[i].last - areas[i].start + 1;

		if (dma) {
			assert_int_equal(abi_reads(abi, 0, areas[i].start), there);
			assert_int_equal(abi_writes(abi, 0, areas[i].last), there);
		}
		expect(abi_unmap(abi, ioas, areas[i].start, size, NULL), there ? 0 : -ENOENT);
	}
}

static void unmap(struct abi *abi)
{
	run_unmap(abi, abi_ioas(abi), false);
}

static void unmap_with_dma(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	run_unmap(abi, ioas, true);
}

static void unmap_and_dma_of_vtd(struct abi *abi)
{
	unmap_with_dma(abi);
}

static void unmap_and_dma_of_mock(struct abi *abi)
{
	unmap_with_dma(abi);
}

/* 10.2 */
static void unmapping_everything_of_an_empty_ioas_works(struct abi *abi)
{
	uint64_t length = 1;

	ok(abi_unmap_all(abi, abi_ioas(abi), &length));
	assert_int_equal(length, 0);
}

/* 10.1: the IOAS is looked up before the numbers are judged. */
static void unmap_looks_for_the_ioas_first(struct abi *abi)
{
	expect(abi_unmap(abi, NO_ID, ULAST, 0, NULL), -ENOENT);
}

/* 10: only what MAP made in one piece goes in one piece, whatever memory is behind it. */
static void areas_do_not_merge(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 2);
	uint32_t ioas = abi_ioas(abi);
	uint64_t length;

	ok(abi_map_at(abi, ioas, RW, memory, PAGE, 0x2000000));
	ok(abi_map_at(abi, ioas, RW, memory + PAGE, PAGE, 0x2001000));
	ok(abi_unmap(abi, ioas, 0x2001000, PAGE, &length));
	assert_int_equal(length, PAGE);
	expect(abi_unmap(abi, ioas, 0x2000000, 1, NULL), -ENOENT);
	ok(abi_unmap(abi, ioas, 0x2000000, PAGE, NULL));
}

/* Many areas, large and small, in no order. */
static void many_areas_come_and_go(struct abi *abi)
{
	void *memory = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi);
	uint64_t length;

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	for (uint64_t i = 0; i < 2000; i++)
		ok(abi_map_at(abi, ioas, RW, memory, PAGE, MIB(32) + i * 7919 % 2000 * 2 * PAGE));
	for (uint64_t i = 0; i < 2000; i += 2)
		ok(abi_unmap(abi, ioas, MIB(32) + i * 2 * PAGE, PAGE, NULL));
	for (uint64_t i = 0; i < 2000; i += 37)
		assert_int_equal(abi_reads(abi, 0, MIB(32) + i * 2 * PAGE), i % 2);
	ok(abi_unmap_all(abi, ioas, &length));
	assert_int_equal(length, 1000 * PAGE);
}

/* ---- IOVA_RANGES ---- */

/* 5: as many entries as there is room for, the number that there are, and EMSGSIZE if they differ.
 */
static void ranges_fill_what_room_there_is(struct abi *abi)
{
	const struct iommu_iova_range want[] = {{0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST}};
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	for (uint32_t room = 0; room < 5; room++) {
		struct iommu_iova_range got[5] = {{7, 7}, {7, 7}, {7, 7}, {7, 7}, {7, 7}};
		struct iommu_ioas_iova_ranges cmd = {
			.size = sizeof(cmd),
			.ioas_id = ioas,
			.num_iovas = room,
			.allowed_iovas = room ? ADDR(got) : 1,
		};

		expect(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &cmd), room < 2 ? -EMSGSIZE : 0);
		assert_int_equal(cmd.num_iovas, 2);
		assert_int_equal(cmd.out_iova_alignment, PAGE);
		assert_int_equal(cmd.ioas_id, ioas);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(got[i].start, i < room && i < 2 ? want[i].start : 7);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(got[i].last, i < room && i < 2 ? want[i].last : 7);
	}
}

static void a_new_ioas_has_one_range(struct abi *abi)
{
	expect_full_ranges(abi, abi_ioas(abi));
}

/* 5 */
static void mappings_and_allowed_ranges_do_not_show(struct abi *abi)
{
	const struct iommu_iova_range allowed = {0x2000000, 0x2ffffff};
	uint32_t ioas = abi_ioas(abi);

	map_areas(abi, ioas);
	ok(abi_allow(abi, ioas, &allowed, 1));
	expect_full_ranges(abi, ioas);
	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	if (abi->mock)
		expect_ranges(abi, ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	else
		expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
}

/* vtd.md 7: the window goes with the attachment, the width with the domain. */
static void vtd_ranges_follow_domains_and_devices(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), hwpt, parent;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	parent = abi_parent(abi, 0, ioas);
	expect_ranges(abi, ioas, PAGE, {0, VTD_SS_LAST});
	hwpt = abi_paging(abi, 0, ioas);
	expect_ranges(abi, ioas, PAGE, {0, VTD_FS_LAST});
	abi_attached(abi, 0, parent);
	abi_attached(abi, 1, hwpt);
	expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
	ok(abi_detach(abi, 0));
	ok(abi_destroy(abi, parent));
	expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
	ok(abi_detach(abi, 1));
	expect_ranges(abi, ioas, PAGE, {0, VTD_FS_LAST});
	ok(abi_destroy(abi, hwpt));
	expect_full_ranges(abi, ioas);
}

/* 3.1, 5: the strictest alignment of all domains, the intersection of all ranges. */
static void ranges_of_two_kinds_of_iommu_intersect(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	for (unsigned n = 0; n < 3; n++)
		abi_bound(abi, n);
	abi_attached(abi, 1, ioas);
	expect_ranges(abi, ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	abi_attached(abi, 0, ioas);
	expect_ranges(abi, ioas, PAGE, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	ok(abi_detach(abi, 1));
	expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
	ok(abi_detach(abi, 0));
	expect_full_ranges(abi, ioas);
}

/* iommufd-test-abi.md 4.1 */
static void huge_mock_domains_have_another_aperture(struct abi *abi)
{
	const struct iommu_hwpt_selftest huge = {.pagetable_type = MOCK_IOMMUPT_HUGE};
	const struct abi_data data = {IOMMU_HWPT_DATA_SELFTEST, sizeof(huge), &huge};
	uint32_t ioas = abi_ioas(abi), hwpt;

	abi_bound(abi, 0);
	ok(abi_hwpt(abi, abi->devid[0], ioas, 0, &data, &hwpt));
	expect_ranges(abi, ioas, PAGE, {0, MOCK_HUGE_LAST});
	abi_paging(abi, 0, ioas);
	expect_ranges(abi, ioas, PAGE, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
}

/* ---- ALLOW_IOVAS ---- */

struct allow_row {
	const char *name;
	uint32_t count;
	struct iommu_iova_range ranges[3];
	int want;
};

/* With a device of VT-d attached. */
static const struct allow_row allows[] = {
	{"nothing", 0, {{0}}, 0},
	{"two bytes", 1, {{5, 6}}, 0},
	{"a single byte (6)", 1, {{5, 5}}, -EINVAL},
	{"backwards", 1, {{6, 5}}, -EINVAL},
	{"disjoint, in any order", 3, {{0x5000, 0x5fff}, {0x1000, 0x1fff}, {0x3000, 0x3fff}}, 0},
	{"adjacent", 2, {{0x5000, 0x5fff}, {0x6000, 0x6fff}}, 0},
	{"adjacent, backwards", 2, {{0x6000, 0x6fff}, {0x5000, 0x5fff}}, 0},
	{"the same twice", 2, {{0x5000, 0x5fff}, {0x5000, 0x5fff}}, -EINVAL},
	{"sharing a byte", 2, {{0x5000, 0x5fff}, {0x5fff, 0x6fff}}, -EINVAL},
	{"sharing a byte, backwards", 2, {{0x5fff, 0x6fff}, {0x5000, 0x5fff}}, -EINVAL},
	{"one inside another", 2, {{0x5000, 0x8fff}, {0x6000, 0x6fff}}, -EINVAL},
	{"one around another", 2, {{0x6000, 0x6fff}, {0x5000, 0x8fff}}, -EINVAL},
	{"the third meets the first",
	 3,
	 {{0x5000, 0x5fff}, {0x1000, 0x1fff}, {0x5800, 0x58ff}},
	 -EINVAL},
	{"the bottom", 1, {{0, 1}}, 0},
	{"up to the MSI window", 1, {{0, MSI_START - 1}}, 0},
	{"the first byte of the MSI window", 1, {{0, MSI_START}}, -EADDRINUSE},
	{"inside the MSI window", 1, {{MSI_START + 5, MSI_START + 6}}, -EADDRINUSE},
	{"around the MSI window", 1, {{0, VTD_FS_LAST}}, -EADDRINUSE},
	{"from the MSI window on", 1, {{MSI_LAST + 1, VTD_FS_LAST}}, 0},
	{"the last byte of the MSI window", 1, {{MSI_LAST, MSI_LAST + 1}}, -EADDRINUSE},
	{"a byte above the domain", 1, {{0x100000000, VTD_FS_LAST + 1}}, -EADDRINUSE},
	{"the last entry is reserved", 2, {{0, 1}, {MSI_START, MSI_LAST}}, -EADDRINUSE},
	{"what is wrong in itself comes before what is reserved",
	 2,
	 {{MSI_START, MSI_LAST}, {5, 5}},
	 -EINVAL},
};

static void allow(struct abi *abi)
{
	const struct allow_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	expect(abi_allow(abi, ioas, row->ranges, row->count), row->want);
}

/* 6: entries are judged in order; one that cannot be read comes after a bad one before it. */
static void entries_are_judged_in_order(struct abi *abi)
{
	const struct iommu_iova_range bad = {5, 5}, good = {5, 6};
	uint32_t ioas = abi_ioas(abi);
	uint8_t *edge = abi_edge(abi);

	expect(abi_allow(abi, ioas, abi_at(edge, &bad, sizeof(bad)), 2), -EINVAL);
	expect(abi_allow(abi, ioas, abi_at(edge, &good, sizeof(good)), 2), -EFAULT);
	expect(abi_allow(abi, ioas, abi_at(edge, &good, sizeof(good)), UINT32_MAX), -EFAULT);
	expect(abi_allow(abi, ioas, NULL, 1), -EFAULT);
	ok(abi_allow(abi, ioas, NULL, 0));
}

/* 6: the new list replaces the old one; an empty one lifts the restriction. */
static void allowing_again_replaces(struct abi *abi)
{
	const struct iommu_iova_range first = {0x5000, 0x5fff}, second = {0x9000, 0x9fff};
	uint32_t ioas = abi_ioas(abi);
	uint64_t iova;

	ok(abi_allow(abi, ioas, &first, 1));
	ok(abi_allow(abi, ioas, &second, 1));
	ok(abi_map(abi, ioas, RW, PAGE, PAGE, &iova));
	assert_int_equal(iova, 0x9000);
	expect(abi_map(abi, ioas, RW, PAGE, PAGE, &iova), -ENOSPC);
	ok(abi_allow(abi, ioas, NULL, 0));
	ok(abi_map(abi, ioas, RW, PAGE, PAGE, &iova));
	assert_int_equal(iova, PAGE);
}

/* 6: a list can be long; 3.2: the one that fits is found. */
static void a_long_list_works(struct abi *abi)
{
	static struct iommu_iova_range ranges[1000];
	uint32_t ioas = abi_ioas(abi);
	uint64_t iova;

	for (uint64_t i = 0; i < COUNT(ranges); i++) {
		uint64_t start = MIB(1) + i * 611 % COUNT(ranges) * 2 * PAGE;

		ranges[i] = (struct iommu_iova_range){start, start + PAGE - 1};
	}
	ok(abi_allow(abi, ioas, ranges, COUNT(ranges)));
	for (uint64_t i = 0; i < COUNT(ranges); i++) {
		ok(abi_map(abi, ioas, RW, PAGE, PAGE, &iova));
		assert_int_equal(iova, MIB(1) + i * 2 * PAGE);
	}
	expect(abi_map(abi, ioas, RW, PAGE, PAGE, &iova), -ENOSPC);
}

/* 3.1, 6: existing mappings do not matter, neither inside nor outside. */
static void allowing_does_not_look_at_mappings(struct abi *abi)
{
	const struct iommu_iova_range inside = {0x2000000, 0x20fffff}, outside = {0x5000, 0x5fff};
	uint32_t ioas = map_areas(abi, abi_ioas(abi));

	ok(abi_allow(abi, ioas, &inside, 1));
	ok(abi_allow(abi, ioas, &outside, 1));
	ok(abi_unmap(abi, ioas, 0x2001000, 0x2000, NULL));
}

int main(void)
{
	abi_rows(abi_mock, unmaps, unmap);
	abi_library(abi_rows(abi_vtd, unmaps, unmap_and_dma_of_vtd));
	abi_library(abi_rows(abi_mock, unmaps, unmap_and_dma_of_mock));
	abi_both(unmapping_everything_of_an_empty_ioas_works);
	abi_on(abi_mock, unmap_looks_for_the_ioas_first);
	abi_on(abi_mock, areas_do_not_merge);
	abi_library(abi_both(many_areas_come_and_go));
	abi_on(abi_vtd, ranges_fill_what_room_there_is);
	abi_on(abi_mock, a_new_ioas_has_one_range);
	abi_both(mappings_and_allowed_ranges_do_not_show);
	abi_on(abi_vtd, vtd_ranges_follow_domains_and_devices);
	abi_on(abi_mixed, ranges_of_two_kinds_of_iommu_intersect);
	abi_on(abi_mock, huge_mock_domains_have_another_aperture);
	abi_rows(abi_vtd, allows, allow);
	abi_on(abi_mock, entries_are_judged_in_order);
	abi_on(abi_mock, allowing_again_replaces);
	abi_on(abi_mock, a_long_list_works);
	abi_on(abi_mock, allowing_does_not_look_at_mappings);
	return abi_run("unmap");
}
