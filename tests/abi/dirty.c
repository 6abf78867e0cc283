// SPDX-License-Identifier: MIT
/* Dirty tracking of HWPTs (iommufd-ioctls.md 16, 17; iommufd-test-abi.md 4.4; vtd.md 2, 3.6). */
#include "dirty.h"

#include "base/base.h"

/* ---- who has it ---- */

static void the_device_says_so(struct abi *abi)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd), .dev_id = abi_bound(abi, 0)};

	ok(abi_ioctl(abi, IOMMU_GET_HW_INFO, &cmd));
	assert_int_equal(cmd.out_capabilities,
			 IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
}

/* vtd.md 2: it takes the second stage, whose aperture differs. */
static void the_second_stage_has_it(struct abi *abi)
{
	struct scene scene;

	make_hwpt(abi, &scene, DIRTY);
	expect_ranges(abi, scene.ioas, PAGE, {0, VTD_SS_LAST});
	ok(abi_map_at(abi, scene.ioas, R, abi_pages(abi, 1), PAGE, IOVA));
}

static void other_hwpts_have_none(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), plain, parent;
	uint64_t bits = 0;

	abi_bound(abi, 0);
	plain = abi_paging(abi, 0, ioas);
	parent = abi_parent(abi, 0, ioas);
	expect(set_dirty(abi, plain, ENABLE), -EOPNOTSUPP);
	expect(set_dirty(abi, plain, 0), -EOPNOTSUPP);
	expect(set_dirty(abi, parent, ENABLE), -EOPNOTSUPP);
	expect(get_dirty(abi, plain, 0, IOVA, PAGE, PAGE, &bits), -EOPNOTSUPP);
	expect(get_dirty(abi, parent, 0, IOVA, PAGE, PAGE, &bits), -EOPNOTSUPP);
	/* 17.4 comes before 17.5. */
	expect(get_dirty(abi, plain, 0, IOVA, PAGE, 0, &bits), -EINVAL);
}

/* ---- errors ---- */

enum object { HWPT, PLAIN, IOAS, DEVICE, NESTED, NOTHING };

static uint32_t object_id(struct abi *abi, enum object object)
{
	struct scene scene;

	make_hwpt(abi, &scene, DIRTY | NEST);
	switch (object) {
	case HWPT: return scene.hwpt;
	case PLAIN: return abi_paging(abi, 0, scene.ioas);
	case IOAS: return scene.ioas;
	case DEVICE: return abi->devid[0];
	case NESTED: return abi_nested(abi, 0, scene.hwpt);
	default: return NO_ID;
	}
}

struct set_row {
	const char *name;
	uint32_t flags;
	enum object object;
	int want;
};

static const struct set_row sets[] = {
	{"on", ENABLE, HWPT, 0},
	{"off", 0, HWPT, 0},
	{"unknown flag", 2, HWPT, -EOPNOTSUPP},
	{"all flags", ~0u, HWPT, -EOPNOTSUPP},
	{"flags come first", 2, NOTHING, -EOPNOTSUPP},
	{"nothing has the id", ENABLE, NOTHING, -ENOENT},
	{"an IOAS", ENABLE, IOAS, -ENOENT},
	{"a device", ENABLE, DEVICE, -ENOENT},
	{"a nested HWPT", ENABLE, NESTED, -ENOENT},
	{"a HWPT without", ENABLE, PLAIN, -EOPNOTSUPP},
};

static void set(struct abi *abi)
{
	const struct set_row *row = abi->row;

	expect(set_dirty(abi, object_id(abi, row->object), row->flags), row->want);
}

struct get_row {
	const char *name;
	uint32_t flags, reserved;
	enum object object;
	uint64_t iova, length, page_size;
	int want;
};

static const struct get_row gets[] = {
	{"a page", 0, 0, HWPT, IOVA, PAGE, PAGE, 0},
	{"without clearing", NO_CLEAR, 0, HWPT, IOVA, PAGE, PAGE, 0},
	{"the whole space (17.3)", 0, 0, HWPT, 0, 0, PAGE, 0},
	{"the last page", 0, 0, HWPT, ULAST - PAGE + 1, PAGE, PAGE, 0},
	{"half of the space in a bit", 0, 0, HWPT, 0, 0, 1ull << 63, 0},
	{"a bit for a byte", 0, 0, HWPT, IOVA, PAGE, 1, 0},
	{"two bits that fit (17.4)", 0, 0, HWPT, IOVA, 4 * PAGE, 3 * PAGE, 0},

	{"unknown flag", 2, 0, HWPT, IOVA, PAGE, PAGE, -EOPNOTSUPP},
	{"reserved", 0, 1, HWPT, IOVA, PAGE, PAGE, -EOPNOTSUPP},
	{"flags come before the id", 2, 0, NOTHING, IOVA, PAGE, PAGE, -EOPNOTSUPP},
	{"nothing has the id", 0, 0, NOTHING, IOVA, PAGE, PAGE, -ENOENT},
	{"an IOAS", 0, 0, IOAS, IOVA, PAGE, PAGE, -ENOENT},
	{"a nested HWPT", 0, 0, NESTED, IOVA, PAGE, PAGE, -ENOENT},
	{"the id comes before the range", 0, 0, NOTHING, ULAST, 2, 0, -ENOENT},
	{"a HWPT without", 0, 0, PLAIN, IOVA, PAGE, PAGE, -EOPNOTSUPP},

	{"no length (17.3)", 0, 0, HWPT, IOVA, 0, PAGE, -EOVERFLOW},
	{"no length at 1", 0, 0, HWPT, 1, 0, PAGE, -EOVERFLOW},
	{"a range that wraps", 0, 0, HWPT, ULAST - PAGE + 1, 2 * PAGE, PAGE, -EOVERFLOW},
	{"a range that wraps comes before alignment", 0, 0, HWPT, ULAST, 2, 0, -EOVERFLOW},
	{"IOVA not aligned to 1 KiB (17.4)", 0, 0, HWPT, IOVA + 1024, 3072, 1024, -EINVAL},
	{"end not aligned to 1 KiB", 0, 0, HWPT, IOVA, PAGE + 1024, 1024, -EINVAL},
	{"no page size", 0, 0, HWPT, IOVA, PAGE, 0, -EINVAL},
	{"IOVA not aligned to page size", 0, 0, HWPT, IOVA + PAGE, PAGE, 2 * PAGE, -EINVAL},
	{"end not aligned to page size", 0, 0, HWPT, IOVA, 3 * PAGE, 2 * PAGE, -EINVAL},
	{"page size that shares bits", 0, 0, HWPT, IOVA, PAGE, 3 * PAGE, 0},
	{"page size that shares other bits", 0, 0, HWPT, IOVA, 2 * PAGE, 3 * PAGE, -EINVAL},
	{"page size of all bits", 0, 0, HWPT, IOVA, PAGE, ULAST, -EINVAL},
	{"page size of all bits for the whole space", 0, 0, HWPT, 0, 0, ULAST, 0},
	{"alignment comes before support", 0, 0, PLAIN, IOVA, PAGE, 0, -EINVAL},
};

static void get(struct abi *abi)
{
	const struct get_row *row = abi->row;
	uint64_t bits = 0;
	struct iommu_hwpt_get_dirty_bitmap cmd =
						   {
							   .size = sizeof(cmd),
							   .hwpt_id = object_id(abi, row->object),
							   .flags = row->flags,
							   .__reserved = row->reserved,
							   .iova = row->iova,
							   .length = row->length,
							   .page_size = row->page_size,
							   .data = ADDR(&bits),
						   },
					   before = cmd;

	expect(abi_ioctl(abi, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd), row->want);
	assert_memory_equal(&cmd, &before, sizeof(cmd));
	assert_int_equal(bits, 0);
}

static void sizes(struct abi *abi)
{
	struct {
		struct iommu_hwpt_get_dirty_bitmap cmd;
		uint64_t tail;
	} large = {.tail = 0};
	struct scene scene;

	make_hwpt(abi, &scene, DIRTY);
	large.cmd.hwpt_id = scene.hwpt;
	large.cmd.page_size = PAGE;
	large.cmd.size = sizeof(large.cmd) - 1;
	expect(abi_ioctl(abi, IOMMU_HWPT_GET_DIRTY_BITMAP, &large), -EINVAL);
	large.cmd.size = sizeof(large);
	ok(abi_ioctl(abi, IOMMU_HWPT_GET_DIRTY_BITMAP, &large));
	large.tail = 1;
	expect(abi_ioctl(abi, IOMMU_HWPT_GET_DIRTY_BITMAP, &large), -E2BIG);
	large.cmd.size = 15;
	expect(abi_ioctl(abi, IOMMU_HWPT_SET_DIRTY_TRACKING, &large), -EINVAL);
}

/* ---- what is dirty, and until when ---- */

static void writes_are_reported_once(struct abi *abi)
{
	struct scene scene;

	make_scene(abi, &scene);
	assert_int_equal(pages_of(abi, &scene, 0), 0);
	assert_true(abi_reads(abi, 0, IOVA));
	assert_int_equal(pages_of(abi, &scene, 0), 0);
	for (unsigned round = 0; round < 3; round++) {
		write_page(abi, 0);
		write_page(abi, 5);
		write_page(abi, 63);
		assert_int_equal(pages_of(abi, &scene, 0), 1ull << 63 | 0x21);
		assert_int_equal(pages_of(abi, &scene, 0), 0);
	}
}

static void without_clearing_it_stays(struct abi *abi)
{
	struct scene scene;

	make_scene(abi, &scene);
	write_page(abi, 7);
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 0x80);
	write_page(abi, 8);
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 0x180);
	assert_int_equal(pages_of(abi, &scene, 0), 0x180);
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 0);
}

/* 16 */
static void enabling_cleans_and_disabling_keeps(struct abi *abi)
{
	struct scene scene;

	make_scene(abi, &scene);
	write_page(abi, 1);
	ok(set_dirty(abi, scene.hwpt, ENABLE));
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 0);
	write_page(abi, 2);
	ok(set_dirty(abi, scene.hwpt, 0));
	write_page(abi, 3);
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 4);
	ok(set_dirty(abi, scene.hwpt, 0));
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 4);
	ok(set_dirty(abi, scene.hwpt, ENABLE));
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), 0);
	write_page(abi, 3);
	assert_int_equal(pages_of(abi, &scene, 0), 8);
}

/* iommufd-test-abi.md 4.4 */
static void a_new_mapping_is_clean(struct abi *abi)
{
	struct scene scene;

	make_scene(abi, &scene);
	write_page(abi, 1);
	write_page(abi, 2);
	ok(abi_unmap(abi, scene.ioas, IOVA + PAGE, PAGE, NULL));
	ok(abi_map_at(abi, scene.ioas, RW, scene.memory, PAGE, IOVA + PAGE));
	assert_int_equal(pages_of(abi, &scene, 0), 4);
	write_page(abi, 1);
	assert_int_equal(pages_of(abi, &scene, 0), 2);
}

/* vtd.md 3.6 */
static void every_attachment_counts(struct abi *abi)
{
	struct scene scene;

	make_scene(abi, &scene);
	abi_bound(abi, 1);
	abi_attached(abi, 1, scene.hwpt);
	assert_true(abi_writes(abi, 1, IOVA + 3 * PAGE));
	write_page(abi, 4);
	assert_int_equal(pages_of(abi, &scene, 0), 0x18);
	ok(abi_detach(abi, 0));
	assert_true(abi_writes(abi, 1, IOVA));
	ok(abi_detach(abi, 1));
	assert_int_equal(pages_of(abi, &scene, 0), 1);
}

static void two_hwpts_of_an_ioas_keep_their_own(struct abi *abi)
{
	struct scene scene, other;

	make_scene(abi, &scene);
	other = scene;
	abi_bound(abi, 1);
	ok(abi_hwpt(abi, abi->devid[1], scene.ioas, DIRTY, NULL, &other.hwpt));
	abi_attached(abi, 1, other.hwpt);
	ok(set_dirty(abi, other.hwpt, ENABLE));
	write_page(abi, 1);
	assert_true(abi_writes(abi, 1, IOVA + 2 * PAGE));
	assert_int_equal(pages_of(abi, &scene, 0), 2);
	assert_int_equal(pages_of(abi, &other, 0), 4);
}

static void a_nested_hwpt_dirties_its_parent(struct abi *abi)
{
	struct scene scene;

	make_hwpt(abi, &scene, DIRTY | NEST);
	scene.memory = abi_pages(abi, 1);
	ok(abi_map_at(abi, scene.ioas, RW, scene.memory, PAGE, IOVA));
	abi_attached(abi, 0, abi_nested(abi, 0, scene.hwpt));
	ok(set_dirty(abi, scene.hwpt, ENABLE));
	for (unsigned round = 0; round < 3; round++) {
		write_page(abi, 0);
		assert_int_equal(pages_of(abi, &scene, 0), 1);
		assert_int_equal(pages_of(abi, &scene, 0), 0);
	}
}

/* ---- the range ---- */

static void a_hole_ends_the_walk(struct abi *abi)
{
	struct scene scene;
	uint64_t bits = 0;

	make_scene(abi, &scene);
	ok(abi_unmap(abi, scene.ioas, IOVA + 3 * PAGE, PAGE, NULL));
	write_page(abi, 2);
	write_page(abi, 4);
	assert_int_equal(pages_of(abi, &scene, 0), 4);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA + 3 * PAGE, 8 * PAGE, PAGE, &bits));
	assert_int_equal(bits, 0);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA - PAGE, 8 * PAGE, PAGE, &bits));
	assert_int_equal(bits, 0);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA + 4 * PAGE, 8 * PAGE, PAGE, &bits));
	assert_int_equal(bits, 1);
}

static void only_the_range_is_read(struct abi *abi)
{
	struct scene scene;
	uint64_t bits = 0;

	make_scene(abi, &scene);
	for (unsigned page = 0; page < PAGES; page++)
		write_page(abi, page);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA + 8 * PAGE, 20 * PAGE, PAGE, &bits));
	assert_int_equal(bits, 0xfffff);
	assert_int_equal(pages_of(abi, &scene, 0), ~(0xfffffull << 8));
}

/* 17.3; the last page of the space is a hole, so is the first of the mock. */
static void nothing_at_0_is_the_whole_space(struct abi *abi)
{
	struct scene scene;
	uint64_t bits = 0;

	make_hwpt(abi, &scene, DIRTY);
	for (unsigned page = 0; page < 3; page++)
		ok(abi_map_at(abi, scene.ioas, RW, abi_pages(abi, 1), PAGE, page * PAGE));
	abi_attached(abi, 0, scene.hwpt);
	ok(set_dirty(abi, scene.hwpt, ENABLE));
	assert_true(abi_writes(abi, 0, 2 * PAGE));
	ok(get_dirty(abi, scene.hwpt, NO_CLEAR, 0, 0, PAGE, &bits));
	assert_int_equal(bits, 4);
	ok(get_dirty(abi, scene.hwpt, 0, 0, 0, 1ull << 63, &bits));
	assert_int_equal(bits, 5);
	ok(get_dirty(abi, scene.hwpt, 0, 0, 0, PAGE, &bits));
	assert_int_equal(bits, 5);
}

/* ---- no memory ---- */

static void memory_for_the_bookkeeping(struct abi *abi)
{
	struct scene scene;
	uint64_t bits = 0;

	make_scene(abi, &scene);
	write_page(abi, 1);
	base_fail_nth(1);
	expect(get_dirty(abi, scene.hwpt, 0, IOVA, PAGES * PAGE, PAGE, &bits), -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	assert_int_equal(bits, 0);
	base_fail_nth(1);
	ok(set_dirty(abi, scene.hwpt, 0));
	/* It allocates nothing. */
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	assert_int_equal(pages_of(abi, &scene, 0), 2);
}

static void memory_for_the_hwpt(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), devid = abi_bound(abi, 0), id;
	unsigned nth = 0;
	int rc;

	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, IOVA));
	do {
		base_fail_nth(++nth);
		rc = abi_hwpt(abi, devid, ioas, DIRTY, NULL, &id);
		if (rc)
			expect(rc, -ENOMEM);
	} while (base_fail_pending() == 0);
	base_fail_nth(0);
	ok(rc);
	assert_true(nth > 3);
	ok(set_dirty(abi, id, ENABLE));
	ok(abi_destroy(abi, id));
	ok(abi_destroy(abi, ioas));
}

int main(void)
{
	abi_both(the_device_says_so);
	abi_on(abi_vtd, the_second_stage_has_it);
	abi_both(other_hwpts_have_none);
	abi_rows(abi_vtd, sets, set);
	abi_rows(abi_mock, sets, set);
	abi_rows(abi_vtd, gets, get);
	abi_rows(abi_mock, gets, get);
	abi_both(sizes);
	abi_both(writes_are_reported_once);
	abi_both(without_clearing_it_stays);
	abi_both(enabling_cleans_and_disabling_keeps);
	abi_both(a_new_mapping_is_clean);
	abi_both(every_attachment_counts);
	abi_both(two_hwpts_of_an_ioas_keep_their_own);
	abi_on(abi_mock, a_nested_hwpt_dirties_its_parent);
	abi_both(a_hole_ends_the_walk);
	abi_both(only_the_range_is_read);
	abi_on(abi_vtd, nothing_at_0_is_the_whole_space);
	abi_both(memory_for_the_bookkeeping);
	abi_both(memory_for_the_hwpt);
	return abi_run("dirty");
}
