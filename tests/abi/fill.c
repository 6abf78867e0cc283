// SPDX-License-Identifier: MIT
/* Mappings and the domains that hold them (iommufd-ioctls.md 3.1, 3.4; iommufd-objects.md 10.5,
 * 11). */
#include "abi.h"

#define BASE 0x2000000ull

/* ---- a bad user address ---- */

/* 3.4.1: without a domain nobody looks; 10.5: the first domain does. */
static void a_bad_address_is_found_by_the_attach(struct abi *abi)
{
	uint8_t *edge = abi_edge(abi);
	uint32_t ioas = abi_ioas(abi), next;

	abi_bound(abi, 0);
	next = abi_next_id(abi);
	ok(abi_map_at(abi, ioas, RW, edge - PAGE, PAGE, BASE));
	ok(abi_map_at(abi, ioas, RW, edge, PAGE, BASE + PAGE));
	expect(abi_attach_to(abi, 0, ioas), -EFAULT);
	assert_int_equal(abi_next_id(abi), next);
	expect_full_ranges(abi, ioas);
	assert_false(abi_reads(abi, 0, BASE));
	ok(abi_unmap(abi, ioas, BASE + PAGE, PAGE, NULL));
	abi_attached(abi, 0, ioas);
	assert_true(abi_sees(abi, 0, BASE, edge - PAGE));
}

static void a_bad_address_is_found_by_hwpt_alloc(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), next, id;

	abi_bound(abi, 0);
	next = abi_next_id(abi);
	ok(abi_map_at(abi, ioas, RW, abi_edge(abi), PAGE, BASE));
	expect(abi_hwpt(abi, abi->devid[0], ioas, 0, NULL, &id), -EFAULT);
	expect(abi_hwpt(abi, abi->devid[0], ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, NULL, &id),
	       -EFAULT);
	assert_int_equal(abi_next_id(abi), next);
	expect_full_ranges(abi, ioas);
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(abi_destroy(abi, ioas));
}

/* Where the memory gives out within the range. */
struct bad_row {
	const char *name;
	uint32_t rights;
	bool constant;	 /* behind the border is memory that can be read, else none */
	uint64_t before; /* bytes of the mapping before the border, of 2 pages */
	int want;
};

static const struct bad_row bads[] = {
	{"all of it is good", RW, false, 2 * PAGE, 0},
	{"the last page is missing", RW, false, PAGE, -EFAULT},
	{"the last page is missing, reads only", R, false, PAGE, -EFAULT},
	{"the first page is missing", RW, false, 0, -EFAULT},
	{"the last page is constant", RW, true, PAGE, -EFAULT},
	{"the last page is constant, writes only", W, true, PAGE, -EFAULT},
	{"all of it is constant", RW, true, 0, -EFAULT},
	{"all of it is constant, reads only", R, true, 0, 0},
	{"the last page is constant, reads only", R, true, PAGE, 0},
};

static uint8_t *bad_memory(struct abi *abi, const struct bad_row *row)
{
	static const uint8_t zero[2 * PAGE];

	if (row->constant && !row->before)
		return abi_constant(abi, 2);
	if (row->constant)
		return abi_constant_copy(abi, zero, PAGE, row->before);
	return row->before == 2 * PAGE ? abi_pages(abi, 2) : abi_edge(abi) - row->before;
}

/* 3.4.2: with a domain the map fails and nothing is mapped. */
static void a_map_needs_its_memory(struct abi *abi)
{
	const struct bad_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi);
	uint8_t *memory = bad_memory(abi, row);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	expect(abi_map_at(abi, ioas, row->rights, memory, 2 * PAGE, BASE), row->want);
	assert_int_equal(abi_reads(abi, 0, BASE), !row->want);
	assert_int_equal(abi_reads(abi, 0, BASE + PAGE), !row->want);
	expect(abi_unmap(abi, ioas, BASE, 2 * PAGE, NULL), row->want ? -ENOENT : 0);
}

/* 3.4.1, 10.5: and so does an attach to mappings of it. */
static void an_attach_needs_the_memory_of_mappings(struct abi *abi)
{
	const struct bad_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi);
	uint8_t *memory = bad_memory(abi, row);

	abi_bound(abi, 0);
	ok(abi_map_at(abi, ioas, row->rights, memory, 2 * PAGE, BASE));
	expect(abi_attach_to(abi, 0, ioas), row->want);
	assert_int_equal(abi_reads(abi, 0, BASE), !row->want);
	ok(abi_unmap(abi, ioas, BASE, 2 * PAGE, NULL));
}

/* Pinning is whole pages (7): a mapping that begins inside a page that is there works. */
static void a_mapping_may_begin_inside_a_page(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 2);
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	ok(abi_map_at(abi, ioas, RW, memory + 2048, PAGE, BASE));
	assert_true(abi_sees(abi, 0, BASE, memory + 2048));
	assert_true(abi_sees(abi, 0, BASE + 4095, memory + 2048 + 4095));
	assert_false(abi_reads(abi, 0, BASE + PAGE));
	assert_false(abi_reads(abi, 0, BASE - 1));
}

/* ---- rights ---- */

enum format { VTD_FIRST, VTD_SECOND, MOCK_TABLE };

struct right_row {
	const char *name;
	enum format format;
	uint32_t flags;
	int want;
	bool reads, writes;
};

/* vtd.md 2.3; pgtable-formats.md 2.4, 3.3, 4.3: read is implied by present in a first-stage entry.
 */
static const struct right_row rights[] = {
	{"first stage, read", VTD_FIRST, R, 0, true, false},
	{"first stage, write implies read", VTD_FIRST, W, 0, true, true},
	{"first stage, both", VTD_FIRST, RW, 0, true, true},
	{"nest parent refuses read only", VTD_SECOND, R, -EINVAL, false, false},
	{"nest parent, write", VTD_SECOND, W, 0, false, true},
	{"nest parent, both", VTD_SECOND, RW, 0, true, true},
	{"mock, read", MOCK_TABLE, R, 0, true, false},
	{"mock, write", MOCK_TABLE, W, 0, false, true},
	{"mock, both", MOCK_TABLE, RW, 0, true, true},
};

static uint32_t hwpt_of(struct abi *abi, enum format format, uint32_t ioas)
{
	return format == VTD_SECOND ? abi_parent(abi, 0, ioas) : abi_paging(abi, 0, ioas);
}

static void rights_are_kept(struct abi *abi)
{
	const struct right_row *row = abi->row;
	uint8_t *memory = abi_pages(abi, 1);
	uint32_t ioas;

	abi_again(abi, row->format == MOCK_TABLE ? &abi_mock : &abi_vtd);
	memory = abi_pages(abi, 1);
	abi_bound(abi, 0);
	ioas = abi_ioas(abi);
	abi_attached(abi, 0, hwpt_of(abi, row->format, ioas));
	expect(abi_map_at(abi, ioas, row->flags, memory, PAGE, BASE), row->want);
	assert_int_equal(abi_reads(abi, 0, BASE), row->reads);
	assert_int_equal(memory[0], 0);
	assert_int_equal(abi_writes(abi, 0, BASE), row->writes);
	assert_int_equal(memory[0], row->writes ? 0xa5 : 0);
	expect(abi_unmap(abi, ioas, BASE, PAGE, NULL), row->want ? -ENOENT : 0);
}

/* The same where the mapping was there first. */
static void rights_are_kept_by_a_domain_that_joins(struct abi *abi)
{
	const struct right_row *row = abi->row;
	uint32_t ioas, hwpt, flags;
	uint8_t *memory;

	abi_again(abi, row->format == MOCK_TABLE ? &abi_mock : &abi_vtd);
	memory = abi_pages(abi, 1);
	abi_bound(abi, 0);
	ioas = abi_ioas(abi);
	ok(abi_map_at(abi, ioas, row->flags, memory, PAGE, BASE));
	flags = row->format == VTD_SECOND ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0;
	expect(abi_hwpt(abi, abi->devid[0], ioas, flags, NULL, &hwpt), row->want);
	if (row->want)
		return;
	abi_attached(abi, 0, hwpt);
	assert_int_equal(abi_reads(abi, 0, BASE), row->reads);
	assert_int_equal(abi_writes(abi, 0, BASE), row->writes);
}

/* 3.4.2: the first domain took it, the second does not: it is in neither. */
static void a_map_that_one_domain_refuses_is_in_none(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	void *memory = abi_pages(abi, 1);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	abi_parent(abi, 0, ioas);
	expect(abi_map_at(abi, ioas, R, memory, PAGE, BASE), -EINVAL);
	assert_false(abi_reads(abi, 0, BASE));
	expect(abi_unmap(abi, ioas, BASE, PAGE, NULL), -ENOENT);
	ok(abi_map_at(abi, ioas, RW, memory, PAGE, BASE));
	assert_true(abi_sees(abi, 0, BASE, memory));
}

/* ---- several domains ---- */

/* 3.4.2, 10.4: all domains of an IOAS have what is mapped before, between and after they join. */
static void all_domains_have_all_mappings(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 3);
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	ok(abi_map_at(abi, ioas, RW, memory, PAGE, BASE));
	abi_attached(abi, 0, ioas);
	ok(abi_map_at(abi, ioas, RW, memory + PAGE, PAGE, BASE + PAGE));
	abi_attached(abi, 1, abi_parent(abi, 1, ioas));
	ok(abi_map_at(abi, ioas, RW, memory + 2 * PAGE, PAGE, BASE + 2 * PAGE));
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < 3; i++)
			assert_true(abi_sees(abi, n, BASE + i * PAGE, memory + i * PAGE));
	ok(abi_unmap(abi, ioas, BASE + PAGE, PAGE, NULL));
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(abi_reads(abi, n, BASE + i * PAGE), i != 1);
}

/* 3.4.6: one page in two places and two IOASes. */
static void one_page_can_be_in_many_places(struct abi *abi)
{
	uint32_t first = abi_ioas(abi), second = abi_ioas(abi);
	void *memory = abi_pages(abi, 1);

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	abi_attached(abi, 0, first);
	abi_attached(abi, 1, second);
	ok(abi_map_at(abi, first, RW, memory, PAGE, BASE));
	ok(abi_map_at(abi, first, RW, memory, PAGE, BASE + 8 * PAGE));
	ok(abi_map_at(abi, second, RW, memory, PAGE, BASE + PAGE));
	ok(abi_unmap(abi, first, BASE, PAGE, NULL));
	assert_false(abi_reads(abi, 0, BASE));
	assert_true(abi_sees(abi, 0, BASE + 8 * PAGE, memory));
	assert_true(abi_sees(abi, 1, BASE + PAGE, memory));
	assert_false(abi_reads(abi, 1, BASE));
}

/* ---- what a domain that joins refuses ---- */

struct join_row {
	const char *name;
	const struct abi_machine *machine;
	uint64_t offset; /* of the user address, in its page */
	uint64_t iova, length;
	struct iommu_iova_range allowed;
	int want;
};

/* 3.1, 10.5, 11.1, 11.3 */
static const struct join_row joins[] = {
	{"vtd: page-aligned", &abi_vtd, 0, 0x5000, 0x2000, {0}, 0},
	{"vtd: IOVA inside a page", &abi_vtd, 0, 0x5800, 0x1000, {0}, -EADDRINUSE},
	{"vtd: half a page", &abi_vtd, 0, 0x5000, 0x1800, {0}, -EADDRINUSE},
	{"vtd: address inside a page", &abi_vtd, 0x800, 0x5000, 0x1000, {0}, -EADDRINUSE},
	{"vtd: one byte", &abi_vtd, 0, 0x5000, 1, {0}, -EADDRINUSE},
	{"vtd: below the MSI window", &abi_vtd, 0, MSI_START - PAGE, PAGE, {0}, 0},
	{"vtd: into the MSI window", &abi_vtd, 0, MSI_START - PAGE, 2 * PAGE, {0}, -EADDRINUSE},
	{"vtd: the last page of the MSI window",
	 &abi_vtd,
	 0,
	 MSI_LAST + 1 - PAGE,
	 PAGE,
	 {0},
	 -EADDRINUSE},
	{"vtd: above the MSI window", &abi_vtd, 0, MSI_LAST + 1, PAGE, {0}, 0},
	{"vtd: the last page of the domain", &abi_vtd, 0, VTD_FS_LAST + 1 - PAGE, PAGE, {0}, 0},
	{"vtd: above the domain", &abi_vtd, 0, VTD_FS_LAST + 1, PAGE, {0}, -EADDRINUSE},
	{"vtd: the end of the space", &abi_vtd, 0, ULAST - PAGE + 1, PAGE, {0}, -EADDRINUSE},
	{"vtd: the MSI window is allowed",
	 &abi_vtd,
	 0,
	 0x5000,
	 PAGE,
	 {0x1000, 0xffffffff},
	 -EADDRINUSE},
	{"vtd: what is above the domain is allowed",
	 &abi_vtd,
	 0,
	 0x5000,
	 PAGE,
	 {MSI_LAST + 1, VTD_FS_LAST + 1},
	 -EADDRINUSE},
	{"vtd: all that is allowed is usable",
	 &abi_vtd,
	 0,
	 0x5000,
	 PAGE,
	 {MSI_LAST + 1, VTD_FS_LAST},
	 0},
	{"mock: 2 KiB", &abi_mock, 0x800, MOCK_APERTURE_START, 0x800, {0}, 0},
	{"mock: 1 KiB", &abi_mock, 0, MOCK_APERTURE_START, 0x400, {0}, -EADDRINUSE},
	{"mock: IOVA inside 2 KiB",
	 &abi_mock,
	 0,
	 MOCK_APERTURE_START + 0x400,
	 0x800,
	 {0},
	 -EADDRINUSE},
	{"mock: address inside 2 KiB",
	 &abi_mock,
	 0x400,
	 MOCK_APERTURE_START,
	 0x800,
	 {0},
	 -EADDRINUSE},
	{"mock: below the aperture",
	 &abi_mock,
	 0,
	 MOCK_APERTURE_START - 0x800,
	 0x800,
	 {0},
	 -EADDRINUSE},
	{"mock: the end of the aperture", &abi_mock, 0, 0x7ffff800, 0x800, {0}, 0},
	{"mock: above the aperture", &abi_mock, 0, 0x80000000, 0x800, {0}, -EADDRINUSE},
	{"mock: across the end", &abi_mock, 0, 0x7ffff800, 0x1000, {0}, -EADDRINUSE},
	{"mock: a byte below the aperture is allowed",
	 &abi_mock,
	 0,
	 0x2000000,
	 0x800,
	 {MOCK_APERTURE_START - 1, MOCK_APERTURE_LAST},
	 -EADDRINUSE},
	{"mock: the aperture is allowed",
	 &abi_mock,
	 0,
	 0x2000000,
	 0x800,
	 {MOCK_APERTURE_START, MOCK_APERTURE_LAST},
	 0},
};

/* All or nothing: after a refusal there is no trace of the attempt. */
static void a_joining_domain_judges_what_is_there(struct abi *abi)
{
	const struct join_row *row = abi->row;
	uint32_t ioas, next;
	uint8_t *memory;

	abi_again(abi, row->machine);
	abi_bound(abi, 0);
	ioas = abi_ioas(abi);
	next = abi_next_id(abi);
	memory = (uint8_t *)abi_pages(abi, 4) + row->offset;
	ok(abi_map_at(abi, ioas, RW, memory, row->length, row->iova));
	if (row->allowed.last)
		ok(abi_allow(abi, ioas, &row->allowed, 1));
	expect(abi_attach_to(abi, 0, ioas), row->want);
	assert_int_equal(abi_reads(abi, 0, row->iova), !row->want);
	if (row->want) {
		assert_int_equal(abi_next_id(abi), next);
		expect_full_ranges(abi, ioas);
		ok(abi_map_at(abi, ioas, RW, memory, 1, ULAST / 2 + 3));
	}
	ok(abi_unmap(abi, ioas, row->iova, row->length, NULL));
}

/* 3.1: A falls again when the domain that asked for it goes. */
static void alignment_follows_the_domains(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi), hwpt;

	abi_bound(abi, 0);
	hwpt = abi_paging(abi, 0, ioas);
	expect(abi_map_at(abi, ioas, RW, memory, 1, BASE), -EINVAL);
	ok(abi_destroy(abi, hwpt));
	ok(abi_map_at(abi, ioas, RW, memory, 1, BASE));
	expect(abi_hwpt(abi, abi->devid[0], ioas, 0, NULL, &hwpt), -EADDRINUSE);
	ok(abi_unmap(abi, ioas, BASE, 1, NULL));
	hwpt = abi_paging(abi, 0, ioas);
	ok(abi_map_at(abi, ioas, RW, memory, PAGE, BASE));
}

/* ---- large and odd mappings ---- */

/* 3.4.4: whatever leaves are used, every byte is there and nothing beyond. */
static void every_page_of_a_large_mapping_is_reached(struct abi *abi)
{
	static const uint64_t iovas[] = {BASE, BASE + PAGE, BASE + MIB(2) - PAGE, BASE + MIB(1)};
	uint8_t *memory = abi_aligned(abi, 1100);
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	for (unsigned i = 0; i < COUNT(iovas); i++) {
		ok(abi_map_at(abi, ioas, RW, memory, 1100 * PAGE, iovas[i]));
		for (uint64_t at = 0; at < 1100 * PAGE; at += PAGE)
			assert_true(abi_sees(abi, 0, iovas[i] + at, memory + at));
		assert_true(abi_sees(abi, 0, iovas[i] + 1100 * PAGE - 1, memory + 1100 * PAGE - 1));
		assert_false(abi_reads(abi, 0, iovas[i] - 1));
		assert_false(abi_reads(abi, 0, iovas[i] + 1100 * PAGE));
		ok(abi_unmap_all(abi, ioas, NULL));
		for (uint64_t at = 0; at < 1100 * PAGE; at += 37 * PAGE)
			assert_false(abi_reads(abi, 0, iovas[i] + at));
	}
}

/* One transfer across three areas whose memory lies in another order, and one that ends in a hole.
 */
static void a_transfer_crosses_areas(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 3), buf[3 * 4096];
	struct swiommu_dma_fault fault;
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	for (unsigned i = 0; i < 3; i++) {
		memset(memory + (2 - i) * PAGE, 'a' + (int)i, PAGE);
		ok(abi_map_at(abi, ioas, RW, memory + (2 - i) * PAGE, PAGE, BASE + i * PAGE));
	}
	ok(swiommu_dma_read(abi->device[0], 0, BASE, buf, sizeof(buf), NULL));
	for (unsigned i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 'a' + i / PAGE);
	expect(swiommu_dma_read(abi->device[0], 0, BASE + PAGE, buf, 2 * PAGE + 1, &fault),
	       -EFAULT);
	assert_int_equal(fault.iova, BASE + 3 * PAGE);
	assert_false(fault.write);
}

/* vtd.md 4.4: a request without PASID to the window is an interrupt, mapped or not. */
static void dma_into_the_msi_window_is_refused(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), parent;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, ioas);
	abi_attached(abi, 0, parent);
	assert_false(abi_writes(abi, 0, MSI_START));
	assert_false(abi_writes(abi, 0, MSI_LAST));
}

int main(void)
{
	abi_both(a_bad_address_is_found_by_the_attach);
	abi_both(a_bad_address_is_found_by_hwpt_alloc);
	abi_rows(abi_vtd, bads, a_map_needs_its_memory);
	abi_rows(abi_mock, bads, an_attach_needs_the_memory_of_mappings);
	abi_on(abi_mock, a_mapping_may_begin_inside_a_page);
	abi_rows(abi_vtd, rights, rights_are_kept);
	abi_rows(abi_vtd, rights, rights_are_kept_by_a_domain_that_joins);
	abi_on(abi_vtd, a_map_that_one_domain_refuses_is_in_none);
	abi_both(all_domains_have_all_mappings);
	abi_both(one_page_can_be_in_many_places);
	abi_rows(abi_vtd, joins, a_joining_domain_judges_what_is_there);
	abi_both(alignment_follows_the_domains);
	abi_both(every_page_of_a_large_mapping_is_reached);
	abi_both(a_transfer_crosses_areas);
	abi_on(abi_vtd, dma_into_the_msi_window_is_refused);
	return abi_run("fill");
}
