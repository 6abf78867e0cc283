// SPDX-License-Identifier: MIT
/* Nested domains of VT-d: how they are made, and translation through both stages. */
#include "guest.h"
#include "iommu/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define S1     IOMMU_HWPT_DATA_VTD_S1
#define IOVA   (GIB(3) + MIB(2))
#define WINDOW ((uint64_t)0xfee00000)

/* ---- how they are made ---- */

struct alloc_row {
	bool nest_parent;
	uint32_t flags, type, len;
	int rc;
};

static const struct alloc_row alloc_rows[] = {
	{true, 0, S1, 24, 0},
	{true, IOMMU_HWPT_ALLOC_PASID, S1, 24, 0},
	{true, IOMMU_HWPT_ALLOC_NEST_PARENT, S1, 24, -EOPNOTSUPP},
	{true, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, S1, 24, -EOPNOTSUPP},
	{true, 0, S1 + 1, 24, -EOPNOTSUPP},
	{false, 0, S1, 24, -EINVAL},
	{true, 0, S1, 1, -EINVAL},
	{true, 0, S1, 16, -EINVAL},
	{true, 0, S1, 23, -EINVAL},
	{true, 0, S1, 25, -EINVAL},
	{true, 0, S1, 4096, -EINVAL},
	/* which of two mistakes counts */
	{false, 0, S1 + 1, 23, -EOPNOTSUPP},
	{true, IOMMU_HWPT_ALLOC_NEST_PARENT, S1, 23, -EOPNOTSUPP},
	{false, IOMMU_HWPT_ALLOC_NEST_PARENT, S1, 24, -EOPNOTSUPP},
};

/* Whatever it says, the content is not looked at. */
static const struct iommu_hwpt_vtd_s1 odd_content = {
	.flags = UINT64_MAX,
	.pgtbl_addr = UINT64_MAX,
	.addr_width = 12345,
	.__reserved = UINT32_MAX,
};

static void nested_domains_are_made_as_asked(void **state)
{
	size_t before = base_alloc_count();
	struct iommu_domain *parents[2], *nested;
	struct rig rig;

	(void)state;
	rig_init(&rig, "vtd");
	parents[false] = domain_new(rig.device, 0);
	parents[true] = domain_new(rig.device, IOMMU_HWPT_ALLOC_NEST_PARENT);
	for (size_t i = 0; i < base_array_size(alloc_rows); i++) {
		const struct alloc_row *row = &alloc_rows[i];
		struct iommu_user_data data = {&local_client, (uintptr_t)&odd_content, row->type,
					       row->len};
		int rc = iommu_domain_alloc_nested(rig.device, parents[row->nest_parent],
						   row->flags, &data, &nested);

		if (rc != row->rc)
			fail_msg("row %zu: %d instead of %d", i, rc, row->rc);
		if (rc)
			continue;
		assert_ptr_equal(nested->parent, parents[true]);
		assert_false(nested->nest_parent);
		iommu_domain_free(nested);
	}
	iommu_domain_free(parents[0]);
	iommu_domain_free(parents[1]);
	rig_fini(&rig);
	assert_int_equal(base_alloc_count(), before);
}

static void bad_data_and_no_memory_leave_nothing(void **state)
{
	struct iommu_user_data data = {&local_client, 8, S1, 24};
	struct iommu_domain *parent, *nested;
	size_t before;
	struct rig rig;

	(void)state;
	rig_init(&rig, "vtd");
	parent = domain_new(rig.device, IOMMU_HWPT_ALLOC_NEST_PARENT);
	before = base_alloc_count();
	assert_int_equal(iommu_domain_alloc_nested(rig.device, parent, 0, &data, &nested), -EFAULT);
	base_fail_nth(1);
	assert_int_equal(nested_new(rig.device, parent, 0, 48, &nested), -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	assert_int_equal(base_alloc_count(), before);
	iommu_domain_free(parent);
	rig_fini(&rig);
}

/* 57 bits would need FS5LP. */
static void only_tables_of_48_bits_can_be_attached(void **state)
{
	static const uint32_t widths[] = {0, 39, 47, 49, 57, UINT32_MAX};
	struct iommu_domain *odd;
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	for (size_t i = 0; i < base_array_size(widths); i++) {
		assert_int_equal(nested_new(g.device, g.parent, GUEST_ROOT, widths[i], &odd), 0);
		assert_int_equal(iommu_group_attach(g.rig.group, 9, odd), -EINVAL);
		expect_refused(g.device, 9, IOVA, READ, IOMMU_FAULT_BLOCKED);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, odd), -EINVAL);
		store_word(g.device, 0, IOVA, i);
		iommu_domain_free(odd);
	}
	guest_fini(&g);
}

static void flags_that_the_hardware_has_can_be_attached(void **state)
{
	static const uint64_t flags[] = {IOMMU_VTD_S1_SRE, IOMMU_VTD_S1_EAFE, IOMMU_VTD_S1_WPE, 7};
	struct iommu_domain *nested;
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	for (size_t i = 0; i < base_array_size(flags); i++) {
		struct iommu_hwpt_vtd_s1 s1 = {flags[i], GUEST_ROOT, 48, 0};
		struct iommu_user_data data = {&local_client, (uintptr_t)&s1, S1, 24};

		assert_int_equal(iommu_domain_alloc_nested(g.device, g.parent, 0, &data, &nested),
				 0);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, nested), 0);
		store_word(g.device, 0, IOVA, 77);
		assert_int_equal(*guest_word(&g, GUEST_DATA), 77);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, g.nested), 0);
		iommu_domain_free(nested);
	}
	guest_fini(&g);
}

static void low_bits_of_the_root_do_not_count(void **state)
{
	struct iommu_domain *nested;
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	guest_number(&g);
	assert_int_equal(nested_new(g.device, g.parent, GUEST_ROOT | 0xfff, 48, &nested), 0);
	assert_int_equal(iommu_group_attach(g.rig.group, 9, nested), 0);
	expect_word(g.device, 9, IOVA + 8, GUEST_DATA + 8);
	iommu_group_detach(g.rig.group, 9);
	iommu_domain_free(nested);
	guest_fini(&g);
}

/* ---- the simplest ways through ---- */

static void all_sizes_of_guest_pages_lead_to_memory(void **state)
{
	static const uint64_t sizes[] = {KIB(4), MIB(2), GIB(1)};
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	for (unsigned level = 0; level < 3; level++) {
		uint64_t iova = GIB(512) * level + GIB(5), in_page = GUEST_DATA % sizes[level];

		guest_map(&g, iova, base_align_down(GUEST_DATA, sizes[level]), level, USER_RW);
		expect_word(g.device, 0, iova + in_page + 128, GUEST_DATA + 128);
		expect_word(g.device, GUEST_PASID, iova + in_page + 4088, GUEST_DATA + 4088);
		store_word(g.device, 0, iova + in_page, level);
		assert_int_equal(*guest_word(&g, GUEST_DATA), level);
	}
	guest_fini(&g);
}

static void the_upper_half_is_translated_too(void **state)
{
	const uint64_t iova = 0xffffff8000200000;
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	guest_map(&g, iova, GUEST_DATA, 0, USER_RW);
	expect_word(g.device, 0, iova, GUEST_DATA);
	guest_map(&g, -PAGE, GUEST_DATA + PAGE, 0, USER_RW);
	expect_word(g.device, 0, UINT64_MAX - 7, GUEST_DATA + 2 * PAGE - 8);
	guest_fini(&g);
}

/* ---- accessed and dirty ---- */

static void expect_bits(struct guest *g, uint64_t iova, unsigned leaf, uint64_t bits)
{
	for (unsigned level = leaf; level < 4; level++)
		assert_int_equal(*guest_entry(g, iova, level) & (A | D), level == leaf ? bits : A);
}

static void reads_set_accessed_and_writes_set_dirty(void **state)
{
	struct guest g;

	(void)state;
	for (unsigned level = 0; level < 2; level++) {
		guest_init(&g, KIB(4));
		guest_map(&g, IOVA, GUEST_DATA, level, USER_RW);
		guest_map(&g, GIB(700), GUEST_DATA, level, USER_RW);
		expect_word(g.device, 0, IOVA, 0);
		expect_bits(&g, IOVA, level, A);
		store_word(g.device, 0, GIB(700), 1);
		expect_bits(&g, GIB(700), level, A | D);
		expect_bits(&g, IOVA, level, A);
		guest_fini(&g);
	}
}

/* What a read has cached does not let a write through: that has to set the bit first. */
static void the_first_write_after_a_cached_read_sets_dirty(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	for (unsigned i = 0; i < 3; i++) {
		expect_word(g.device, 0, IOVA, 0);
		expect_bits(&g, IOVA, 0, A);
	}
	store_word(g.device, 0, IOVA, 1);
	expect_bits(&g, IOVA, 0, A | D);
	guest_fini(&g);
}

/* Dirty in memory already: a read may cache the right to write or not, both are fine. */
static void a_clean_page_is_dirtied_again_after_a_flush(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	for (unsigned i = 0; i < 3; i++) {
		store_word(g.device, 0, IOVA, i);
		expect_bits(&g, IOVA, 0, A | D);
		*guest_entry(&g, IOVA, 0) &= ~D;
		iommu_domain_flush(g.nested);
		expect_word(g.device, 0, IOVA, i);
		expect_bits(&g, IOVA, 0, A);
	}
	guest_fini(&g);
}

static void a_refused_write_does_not_set_dirty(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, P | US);
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_NO_WRITE);
	assert_false(*guest_entry(&g, IOVA, 0) & D);
	guest_fini(&g);
}

/* Tables that are complete are not written to: they may be in read-only memory. */
static void bits_that_are_set_are_not_written(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW | A | D);
	for (unsigned level = 1; level < 4; level++)
		*guest_entry(&g, IOVA, level) |= A;
	assert_int_equal(mprotect(g.ram, GUEST_DATA, PROT_READ), 0);
	store_word(g.device, 0, IOVA, 5);
	expect_word(g.device, 0, IOVA, 5);
	guest_fini(&g);
}

/* ---- both stages together ---- */

#define GPA   GIB(2)
#define COUNT 512u

/* Where page i is behind the next stage. */
static unsigned shuffled(unsigned i)
{
	return i * 77 % COUNT;
}

static void expect_numbers(struct guest *g, uint64_t iova, uint64_t number, size_t size)
{
	static uint64_t buf[MIB(2) / 8];
	struct iommu_dma_fault fault;

	assert_int_equal(iommu_dma_read(g->device, 0, iova, buf, size, &fault), 0);
	for (size_t i = 0; i < size / 8; i++)
		if (buf[i] != number + i * 8)
			fail_msg("0x%llx: page 0x%llx", (unsigned long long)(iova + i * 8),
				 (unsigned long long)buf[i]);
}

/* A large guest page that the host holds in small ones, in no order. */
static void a_large_guest_page_of_small_host_pages(void **state)
{
	uint8_t *memory = memory_new(COUNT * PAGE, PAGE);
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	for (unsigned i = 0; i < COUNT; i++) {
		uint8_t *page = memory + shuffled(i) * PAGE;

		map(g.parent, GPA + i * PAGE, page, PAGE, BOTH);
		for (uint64_t at = 0; at < PAGE; at += 8)
			memcpy(page + at, &(uint64_t){GPA + i * PAGE + at}, 8);
	}
	guest_map(&g, IOVA, GPA, 1, USER_RW);
	expect_numbers(&g, IOVA, GPA, MIB(2));
	/* Pages that share a slot of the cache, one after the other. */
	for (unsigned i = 0; i < COUNT; i++)
		expect_word(g.device, 0, IOVA + i * 64 % COUNT * PAGE, GPA + i * 64 % COUNT * PAGE);
	guest_fini(&g);
	memory_free(memory, COUNT * PAGE);
}

/* Small guest pages, in no order, in what the host holds as one large page. */
static void small_guest_pages_of_a_large_host_page(void **state)
{
	struct pgtable_leaf leaf;
	struct guest g;

	(void)state;
	guest_init(&g, MIB(2));
	guest_number(&g);
	assert_true(pgtable_walk(&g.parent->pt, GUEST_DATA, &leaf));
	assert_int_equal(leaf.last - leaf.start + 1, MIB(2));
	for (unsigned i = 0; i < COUNT; i++)
		guest_map(&g, IOVA + i * PAGE, GUEST_DATA + shuffled(i) * PAGE, 0, USER_RW);
	for (unsigned i = 0; i < COUNT; i++)
		expect_numbers(&g, IOVA + i * PAGE, GUEST_DATA + shuffled(i) * PAGE, PAGE);
	for (unsigned i = 0; i < COUNT; i++)
		expect_word(g.device, 0, IOVA + i * 64 % COUNT * PAGE,
			    GUEST_DATA + shuffled(i * 64 % COUNT) * PAGE);
	guest_fini(&g);
}

static void equal_pages_need_not_be_equally_aligned(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, MIB(2));
	guest_number(&g);
	guest_map(&g, IOVA, GUEST_DATA + MIB(2), 1, USER_RW);
	guest_map(&g, IOVA + MIB(2), GUEST_DATA, 1, USER_RW);
	expect_numbers(&g, IOVA, GUEST_DATA + MIB(2), MIB(2));
	expect_numbers(&g, IOVA + MIB(2), GUEST_DATA, MIB(2));
	guest_fini(&g);
}

/* Most of a 1 GiB guest page leads nowhere behind the parent. */
static void holes_below_a_large_guest_page_fault_where_they_are(void **state)
{
	struct iommu_dma_fault fault;
	struct guest g;
	uint8_t buf[64];

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	guest_map(&g, GIB(9), 0, 2, USER_RW);
	expect_word(g.device, 0, GIB(9) + GUEST_SIZE - 8, GUEST_SIZE - 8);
	assert_int_equal(iommu_dma_read(g.device, 0, GIB(9) + GUEST_SIZE - 24, buf, sizeof(buf),
					&fault),
			 -EFAULT);
	assert_int_equal(fault.iova, GIB(9) + GUEST_SIZE);
	assert_int_equal(fault.code, IOMMU_FAULT_NOT_MAPPED);
	expect_refused(g.device, 0, GIB(10) - 8, WRITE, IOMMU_FAULT_NOT_MAPPED);
	guest_fini(&g);
}

/* ---- what is cached ---- */

static void after_a_flush_the_guest_tables_are_read_again(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	for (unsigned i = 0; i < 4; i++) {
		guest_map(&g, IOVA, GUEST_DATA + i * PAGE, 0, USER_RW);
		iommu_domain_flush(g.nested);
		expect_word(g.device, 0, IOVA, GUEST_DATA + i * PAGE);
		expect_word(g.device, GUEST_PASID, IOVA, GUEST_DATA + i * PAGE);
	}
	*guest_entry(&g, IOVA, 0) = 0;
	iommu_domain_flush(g.nested);
	expect_refused(g.device, 0, IOVA, READ, IOMMU_FAULT_S1_PRESENT);
	expect_refused(g.device, GUEST_PASID, IOVA, WRITE, IOMMU_FAULT_S1_PRESENT);
	guest_fini(&g);
}

/* A guest that does not say so may see its old table or the new one, but nothing else. */
static void without_a_flush_old_or_new_is_used(void **state)
{
	struct iommu_dma_fault fault;
	struct guest g;
	uint64_t word;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	expect_word(g.device, 0, IOVA, GUEST_DATA);
	guest_map(&g, IOVA, GUEST_DATA + PAGE, 0, USER_RW);
	assert_int_equal(iommu_dma_read(g.device, 0, IOVA, &word, 8, &fault), 0);
	assert_true(word == GUEST_DATA || word == GUEST_DATA + PAGE);
	guest_fini(&g);
}

static void unmap_on_the_parent_drops_nested_translations(void **state)
{
	uint8_t *memory = memory_new(2 * PAGE, PAGE);
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	*(uint64_t *)memory = 1;
	*(uint64_t *)(memory + PAGE) = 2;
	guest_map(&g, IOVA, GPA, 0, USER_RW);
	for (unsigned i = 0; i < 4; i++) {
		map(g.parent, GPA, memory + i % 2 * PAGE, PAGE, BOTH);
		expect_word(g.device, 0, IOVA, 1 + i % 2);
		store_word(g.device, GUEST_PASID, IOVA, 1 + i % 2);
		unmap(g.parent, GPA, PAGE);
		expect_refused(g.device, 0, IOVA, READ, IOMMU_FAULT_NOT_MAPPED);
		expect_refused(g.device, GUEST_PASID, IOVA, WRITE, IOMMU_FAULT_NOT_MAPPED);
	}
	guest_fini(&g);
	memory_free(memory, 2 * PAGE);
}

/* Also if it was the guest's tables that went. */
static void unmap_of_the_guest_tables_drops_nested_translations(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	expect_word(g.device, 0, IOVA, GUEST_DATA);
	unmap(g.parent, GUEST_ROOT, PAGE);
	expect_refused(g.device, 0, IOVA, READ, IOMMU_FAULT_S1_NO_READ);
	map(g.parent, GUEST_ROOT, g.ram + GUEST_ROOT, PAGE, BOTH);
	expect_word(g.device, 0, IOVA, GUEST_DATA);
	guest_fini(&g);
}

/* A parent and two nested domains, one after the other at one device. */
static void domains_of_one_parent_do_not_mix(void **state)
{
	struct iommu_domain *other;
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	/* The other root: a table that leads to the same third level, but for another page. */
	*guest_word(&g, GUEST_DATA - PAGE + (IOVA >> 39 & 511) * 8) =
		(GUEST_DATA - 2 * PAGE) | USER_RW;
	*guest_word(&g, GUEST_DATA - 2 * PAGE + (IOVA >> 30 & 511) * 8) =
		base_align_down(GUEST_DATA, GIB(1)) | USER_RW | PS;
	assert_int_equal(nested_new(g.device, g.parent, GUEST_DATA - PAGE, 48, &other), 0);
	for (unsigned i = 0; i < 3; i++) {
		expect_word(g.device, 0, IOVA, GUEST_DATA);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, other), 0);
		expect_word(g.device, 0, GIB(3) + GUEST_DATA + MIB(2), GUEST_DATA + MIB(2));
		expect_word(g.device, 0, IOVA, *guest_word(&g, IOVA % GIB(1)));
		assert_int_equal(iommu_group_replace(g.rig.group, 0, g.parent), 0);
		expect_word(g.device, 0, GUEST_DATA, GUEST_DATA);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, g.nested), 0);
	}
	iommu_domain_free(other);
	guest_fini(&g);
}

/* ---- the interrupt window ---- */

static void requests_into_the_window_are_interrupts_without_pasid(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	for (uint64_t at = 0; at < 4; at++)
		guest_map(&g, WINDOW + at * PAGE, GUEST_DATA + at * PAGE, 0, USER_RW);
	guest_map(&g, WINDOW - PAGE, GUEST_DATA, 0, USER_RW);
	expect_refused(g.device, 0, WINDOW, WRITE, IOMMU_FAULT_INTERRUPT);
	expect_refused(g.device, 0, WINDOW + 3 * PAGE + 8, READ, IOMMU_FAULT_INTERRUPT);
	expect_refused(g.device, 0, WINDOW + MIB(1) - 8, WRITE, IOMMU_FAULT_INTERRUPT);
	expect_word(g.device, 0, WINDOW - 8, GUEST_DATA + PAGE - 8);
	expect_refused(g.device, 0, WINDOW + MIB(1), READ, IOMMU_FAULT_S1_PRESENT);
	guest_fini(&g);
}

static void requests_into_the_window_are_translated_with_pasid(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_number(&g);
	guest_map(&g, WINDOW, GUEST_DATA, 0, USER_RW);
	expect_word(g.device, GUEST_PASID, WINDOW, GUEST_DATA);
	store_word(g.device, GUEST_PASID, WINDOW + 8, 9);
	expect_refused(g.device, GUEST_PASID, WINDOW + PAGE, READ, IOMMU_FAULT_S1_PRESENT);
	guest_fini(&g);
}

/* The domain is the same, so that what one request has cached could serve the other. */
static void what_a_pasid_cached_does_not_open_the_window(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, WINDOW, GUEST_DATA, 0, USER_RW);
	store_word(g.device, GUEST_PASID, WINDOW, 1);
	expect_refused(g.device, 0, WINDOW, WRITE, IOMMU_FAULT_INTERRUPT);
	expect_refused(g.device, 0, WINDOW, READ, IOMMU_FAULT_INTERRUPT);
	guest_fini(&g);
}

/* 2 MiB, of which the lower half is the window. */
static void a_large_page_across_the_window_does_not_open_it(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, MIB(2));
	guest_number(&g);
	guest_map(&g, WINDOW, GUEST_DATA, 1, USER_RW);
	expect_word(g.device, 0, WINDOW + MIB(1), GUEST_DATA + MIB(1));
	expect_refused(g.device, 0, WINDOW, READ, IOMMU_FAULT_INTERRUPT);
	expect_word(g.device, GUEST_PASID, WINDOW, GUEST_DATA);
	guest_fini(&g);
}

static void output_into_the_window_faults(void **state)
{
	uint8_t *memory = memory_new(MIB(2), MIB(2));
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	map(g.parent, WINDOW, memory, MIB(2), BOTH);
	guest_map(&g, IOVA, WINDOW, 0, USER_RW);
	guest_map(&g, IOVA + PAGE, WINDOW + MIB(1) - PAGE, 0, USER_RW);
	guest_map(&g, IOVA + 2 * PAGE, WINDOW + MIB(1), 0, USER_RW);
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_INTERRUPT);
	expect_refused(g.device, GUEST_PASID, IOVA, READ, IOMMU_FAULT_INTERRUPT);
	expect_refused(g.device, 0, IOVA + 2 * PAGE - 8, READ, IOMMU_FAULT_INTERRUPT);
	store_word(g.device, 0, IOVA + 2 * PAGE, 1);
	guest_fini(&g);
	memory_free(memory, MIB(2));
}

/* Both stages have a large page there: what is cached for its upper half ends at the window. */
static void output_beside_the_window_does_not_open_it(void **state)
{
	uint8_t *memory = memory_new(MIB(2), MIB(2));
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	map(g.parent, WINDOW, memory, MIB(2), BOTH);
	guest_map(&g, IOVA, WINDOW, 1, USER_RW);
	store_word(g.device, 0, IOVA + MIB(1), 1);
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_INTERRUPT);
	expect_refused(g.device, GUEST_PASID, IOVA + MIB(1) - 8, WRITE, IOMMU_FAULT_INTERRUPT);
	guest_fini(&g);
	memory_free(memory, MIB(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_domains_are_made_as_asked),
		cmocka_unit_test(bad_data_and_no_memory_leave_nothing),
		cmocka_unit_test(only_tables_of_48_bits_can_be_attached),
		cmocka_unit_test(flags_that_the_hardware_has_can_be_attached),
		cmocka_unit_test(low_bits_of_the_root_do_not_count),
		cmocka_unit_test(all_sizes_of_guest_pages_lead_to_memory),
		cmocka_unit_test(the_upper_half_is_translated_too),
		cmocka_unit_test(reads_set_accessed_and_writes_set_dirty),
		cmocka_unit_test(the_first_write_after_a_cached_read_sets_dirty),
		cmocka_unit_test(a_clean_page_is_dirtied_again_after_a_flush),
		cmocka_unit_test(a_refused_write_does_not_set_dirty),
		cmocka_unit_test(bits_that_are_set_are_not_written),
		cmocka_unit_test(a_large_guest_page_of_small_host_pages),
		cmocka_unit_test(small_guest_pages_of_a_large_host_page),
		cmocka_unit_test(equal_pages_need_not_be_equally_aligned),
		cmocka_unit_test(holes_below_a_large_guest_page_fault_where_they_are),
		cmocka_unit_test(after_a_flush_the_guest_tables_are_read_again),
		cmocka_unit_test(without_a_flush_old_or_new_is_used),
		cmocka_unit_test(unmap_on_the_parent_drops_nested_translations),
		cmocka_unit_test(unmap_of_the_guest_tables_drops_nested_translations),
		cmocka_unit_test(domains_of_one_parent_do_not_mix),
		cmocka_unit_test(requests_into_the_window_are_interrupts_without_pasid),
		cmocka_unit_test(requests_into_the_window_are_translated_with_pasid),
		cmocka_unit_test(what_a_pasid_cached_does_not_open_the_window),
		cmocka_unit_test(a_large_page_across_the_window_does_not_open_it),
		cmocka_unit_test(output_into_the_window_faults),
		cmocka_unit_test(output_beside_the_window_does_not_open_it),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
