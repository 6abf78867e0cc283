// SPDX-License-Identifier: MIT
/*
 * What is left when the client's memory gives out (iommufd-ioctls.md 1.3, 1.6, 27).
 * Structs that cannot be copied in are in framing.c.
 */
#include "abi.h"

#define MAPPED 0x4000000ull

/* A device, an IOAS with a page at MAPPED, a nesting parent, a vIOMMU. */
static struct {
	uint32_t devid, ioas, parent, viommu, next;
	void *page;
} scene;

static void make_scene(struct abi *abi)
{
	scene.devid = abi_bound(abi, 0);
	scene.ioas = abi_ioas(abi);
	scene.parent = abi_parent(abi, 0, scene.ioas);
	ok(abi_viommu(abi, scene.devid, scene.parent, &scene.viommu));
	scene.page = abi_pages(abi, 1);
	ok(abi_map_at(abi, scene.ioas, RW, scene.page, PAGE, MAPPED));
	scene.next = abi_next_id(abi);
}

/* The command fails with EFAULT wherever in the struct the memory that can be written ends. */
static void expect_efault_from_copy_out(struct abi *abi, uint32_t cmd, const void *bytes,
					size_t size)
{
	for (size_t writable = 0; writable<size; writable += size> 16 ? 8 : 4)
		expect(abi_ioctl(abi, cmd, abi_constant_copy(abi, bytes, size, writable)), -EFAULT);
	assert_int_equal(abi_next_id(abi), scene.next);
}

/* ---- what creates objects: nothing is created ---- */

static void ioas_alloc_is_undone(struct abi *abi)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	make_scene(abi);
	expect_efault_from_copy_out(abi, IOMMU_IOAS_ALLOC, &cmd, sizeof(cmd));
	expect(abi_destroy(abi, scene.next), -ENOENT);
}

/* The IOAS, whose mappings the new domain held, is as before. */
static void hwpt_alloc_on_an_ioas_is_undone(struct abi *abi)
{
	struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd)};
	uint32_t ioas;

	make_scene(abi);
	ioas = abi_ioas(abi);
	scene.next = abi_next_id(abi);
	cmd.dev_id = scene.devid;
	cmd.pt_id = ioas;
	expect_efault_from_copy_out(abi, IOMMU_HWPT_ALLOC, &cmd, sizeof(cmd));
	expect_full_ranges(abi, ioas);
	ok(abi_destroy(abi, ioas));
}

static void hwpt_alloc_on_a_parent_is_undone(struct abi *abi)
{
	const struct iommu_hwpt_selftest selftest = {0};
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(selftest),
		.data_uptr = ADDR(&selftest),
	};

	make_scene(abi);
	cmd.dev_id = scene.devid;
	cmd.pt_id = scene.parent;
	expect_efault_from_copy_out(abi, IOMMU_HWPT_ALLOC, &cmd, sizeof(cmd));
	cmd.pt_id = scene.viommu;
	expect_efault_from_copy_out(abi, IOMMU_HWPT_ALLOC, &cmd, sizeof(cmd));
	ok(abi_destroy(abi, scene.viommu));
	ok(abi_destroy(abi, scene.parent));
}

static void viommu_alloc_is_undone(struct abi *abi)
{
	struct iommu_viommu_alloc cmd = {.size = sizeof(cmd), .type = IOMMU_VIOMMU_TYPE_SELFTEST};

	make_scene(abi);
	cmd.dev_id = scene.devid;
	cmd.hwpt_id = scene.parent;
	expect_efault_from_copy_out(abi, IOMMU_VIOMMU_ALLOC, &cmd, sizeof(cmd));
	ok(abi_destroy(abi, scene.viommu));
	ok(abi_destroy(abi, scene.parent));
}

/* The device has no vdevice, the virtual id is free, the vIOMMU has no user, the device can go. */
static void vdevice_alloc_is_undone(struct abi *abi)
{
	struct iommu_vdevice_alloc cmd = {.size = sizeof(cmd), .virt_id = 9};
	uint32_t id;

	make_scene(abi);
	cmd.dev_id = scene.devid;
	cmd.viommu_id = scene.viommu;
	expect_efault_from_copy_out(abi, IOMMU_VDEVICE_ALLOC, &cmd, sizeof(cmd));
	ok(abi_vdevice(abi, scene.viommu, scene.devid, 9, &id));
	assert_int_equal(id, scene.next);
	ok(abi_destroy(abi, id));
	expect_efault_from_copy_out(abi, IOMMU_VDEVICE_ALLOC, &cmd, sizeof(cmd));
	ok(abi_destroy(abi, scene.viommu));
	abi_close(abi, 0);
	ok(abi_destroy(abi, scene.parent));
}

/* ---- what changes an IOAS ---- */

static void a_map_stays_when_its_copy_out_fails(struct abi *abi)
{
	struct iommu_ioas_map cmd = {.size = sizeof(cmd),
				     .flags = FIXED | RW,
				     .length = PAGE,
				     .iova = 0x5000000};

	make_scene(abi);
	cmd.ioas_id = scene.ioas;
	cmd.user_va = ADDR(scene.page);
	expect(abi_ioctl(abi, IOMMU_IOAS_MAP, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	expect(abi_ioctl(abi, IOMMU_IOAS_MAP, &cmd), -EEXIST);
	abi_attached(abi, 0, scene.parent);
	assert_true(abi_sees(abi, 0, 0x5000000, scene.page));
	ok(abi_unmap(abi, scene.ioas, 0x5000000, PAGE, NULL));
}

/* Where it went is not told, but it went somewhere. */
static void an_automatic_map_stays_when_its_copy_out_fails(struct abi *abi)
{
	struct iommu_ioas_map cmd = {.size = sizeof(cmd), .flags = RW, .length = PAGE};
	uint64_t unmapped;

	make_scene(abi);
	cmd.ioas_id = scene.ioas;
	cmd.user_va = ADDR(scene.page);
	expect(abi_ioctl(abi, IOMMU_IOAS_MAP, abi_constant_copy(abi, &cmd, sizeof(cmd), 8)),
	       -EFAULT);
	ok(abi_unmap_all(abi, scene.ioas, &unmapped));
	assert_int_equal(unmapped, 2 * PAGE);
}

static void an_unmap_is_done_when_its_copy_out_fails(struct abi *abi)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd), .iova = MAPPED, .length = PAGE};

	make_scene(abi);
	cmd.ioas_id = scene.ioas;
	abi_attached(abi, 0, scene.parent);
	assert_true(abi_reads(abi, 0, MAPPED));
	expect(abi_ioctl(abi, IOMMU_IOAS_UNMAP, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	assert_false(abi_reads(abi, 0, MAPPED));
	expect(abi_ioctl(abi, IOMMU_IOAS_UNMAP, &cmd), -ENOENT);
}

/* Two areas that fit and one that does not: the first two are gone, the length is not told. */
static void an_unmap_that_fails_in_the_middle_keeps_what_it_did(struct abi *abi)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd), .iova = 0x5000000, .length = 0x4000};
	void *memory = abi_pages(abi, 2);

	make_scene(abi);
	cmd.ioas_id = scene.ioas;
	ok(abi_map_at(abi, scene.ioas, RW, memory, PAGE, 0x5000000));
	ok(abi_map_at(abi, scene.ioas, RW, memory, PAGE, 0x5001000));
	ok(abi_map_at(abi, scene.ioas, RW, memory, 2 * PAGE, 0x5003000));
	abi_attached(abi, 0, scene.parent);
	expect(abi_ioctl(abi, IOMMU_IOAS_UNMAP, &cmd), -ENOENT);
	assert_int_equal(cmd.length, 0x4000);
	assert_false(abi_reads(abi, 0, 0x5000000));
	assert_false(abi_reads(abi, 0, 0x5001000));
	assert_true(abi_sees(abi, 0, 0x5003000, memory));
}

/* The list that was there decides where the next mapping goes. */
static void a_failed_allow_leaves_the_old_list(struct abi *abi)
{
	struct iommu_iova_range wanted[] = {{0x3000000, 0x3ffffff}, {0x5000000, 0x5ffffff}};
	struct iommu_iova_range old = {0x6000000, 0x6ffffff};
	uint8_t *edge = abi_edge(abi);
	uint64_t iova;

	make_scene(abi);
	ok(abi_allow(abi, scene.ioas, &old, 1));
	/* The second entry cannot be read; then only half of it. */
	expect(abi_allow(abi, scene.ioas, abi_at(edge, wanted, 16), 2), -EFAULT);
	expect(abi_allow(abi, scene.ioas, abi_at(edge, wanted, 24), 2), -EFAULT);
	wanted[1] = (struct iommu_iova_range){0x5000000, 0x5000000};
	expect(abi_allow(abi, scene.ioas, wanted, 2), -EINVAL);
	wanted[1] = (struct iommu_iova_range){0x3fff000, 0x4ffffff};
	expect(abi_allow(abi, scene.ioas, wanted, 2), -EINVAL);
	wanted[1] = (struct iommu_iova_range){0x80000000, 0x80000fff};
	expect(abi_allow(abi, scene.ioas, wanted, 2), -EADDRINUSE);
	ok(abi_map(abi, scene.ioas, RW, ADDR(scene.page), PAGE, &iova));
	assert_int_equal(iova, 0x6000000);
}

/* 6: there is no copy-out, so the struct need not be writable. */
static void allow_and_destroy_take_a_constant_struct(struct abi *abi)
{
	const struct iommu_iova_range range = {0x3000000, 0x3ffffff};
	struct iommu_ioas_allow_iovas allow = {.size = sizeof(allow),
					       .num_iovas = 1,
					       .allowed_iovas = ADDR(&range)};
	struct iommu_destroy destroy = {.size = sizeof(destroy)};

	make_scene(abi);
	allow.ioas_id = scene.ioas;
	destroy.id = scene.viommu;
	ok(abi_ioctl(abi, IOMMU_IOAS_ALLOW_IOVAS,
		     abi_constant_copy(abi, &allow, sizeof(allow), 0)));
	ok(abi_ioctl(abi, IOMMU_DESTROY, abi_constant_copy(abi, &destroy, sizeof(destroy), 0)));
}

static void a_failed_destroy_leaves_the_object(struct abi *abi)
{
	uint32_t next;

	make_scene(abi);
	next = abi_next_id(abi);
	expect(abi_destroy(abi, scene.parent), -EBUSY);
	expect(abi_destroy(abi, scene.ioas), -EBUSY);
	assert_int_equal(abi_next_id(abi), next);
	abi_attached(abi, 0, scene.parent);
	assert_true(abi_sees(abi, 0, MAPPED, scene.page));
}

/* ---- what tells ---- */

/* Two ranges on VT-d; room for two, of which the second entry cannot be written. */
static void ranges_that_cannot_be_written_leave_the_struct(struct abi *abi)
{
	struct iommu_ioas_iova_ranges cmd = {.size = sizeof(cmd), .num_iovas = 2}, before;
	const struct iommu_iova_range none[2] = {{1, 2}, {3, 4}};
	struct iommu_iova_range *ranges;

	abi_bound(abi, 0);
	cmd.ioas_id = abi_ioas(abi);
	abi_attached(abi, 0, cmd.ioas_id);
	ranges = abi_constant_copy(abi, none, sizeof(none), sizeof(none[0]));
	cmd.allowed_iovas = ADDR(ranges);
	before = cmd;
	expect(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &cmd), -EFAULT);
	assert_memory_equal(&cmd, &before, sizeof(cmd));
	assert_int_equal(ranges[0].start, 0);
	assert_int_equal(ranges[0].last, MSI_START - 1);
	assert_int_equal(ranges[1].start, 3);
}

/* 5: EFAULT also if only the struct cannot be written; the array was. */
static void ranges_in_a_constant_struct_are_efault(struct abi *abi)
{
	struct iommu_iova_range range = {1, 2};
	struct iommu_ioas_iova_ranges cmd = {.size = sizeof(cmd),
					     .num_iovas = 1,
					     .allowed_iovas = ADDR(&range)};

	cmd.ioas_id = abi_ioas(abi);
	expect(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	assert_int_equal(range.start, 0);
	assert_int_equal(range.last, ULAST);
}

/* 14.5: the buffer reaches into memory that cannot be written, in the data or behind it. */
static void hw_info_into_bad_memory_leaves_the_struct(struct abi *abi)
{
	static const uint32_t writable[] = {0, 4, 23, 24, 40};
	struct iommu_hw_info cmd, before;

	for (unsigned i = 0; i < COUNT(writable); i++) {
		abi_again(abi, &abi_vtd);
		abi_bound(abi, 0);
		cmd = (struct iommu_hw_info){
			.size = sizeof(cmd),
			.dev_id = abi->devid[0],
			.data_len = 64,
			.data_uptr = ADDR(abi_edge(abi) - writable[i]),
		};
		before = cmd;
		expect(abi_ioctl(abi, IOMMU_GET_HW_INFO, &cmd), -EFAULT);
		assert_memory_equal(&cmd, &before, sizeof(cmd));
	}
}

static void hw_info_in_a_constant_struct_is_efault(struct abi *abi)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd)};

	cmd.dev_id = abi_bound(abi, 0);
	expect(abi_ioctl(abi, IOMMU_GET_HW_INFO, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
}

/* 15, 18: driver data that cannot be read. */
static void driver_data_that_cannot_be_read_is_efault(struct abi *abi)
{
	const struct iommu_hwpt_selftest selftest = {0};
	uint8_t *edge = abi_edge(abi);
	struct abi_data data = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), NULL};
	uint32_t id;

	make_scene(abi);
	for (unsigned there = 0; there < sizeof(selftest); there += 4) {
		data.ptr = abi_at(edge, &selftest, there);
		expect(abi_hwpt(abi, scene.devid, scene.parent, 0, &data, &id), -EFAULT);
		expect(abi_hwpt(abi, scene.devid, scene.viommu, 0, &data, &id), -EFAULT);
		expect(abi_hwpt(abi, scene.devid, scene.ioas, 0, &data, &id), -EFAULT);
	}
	data.ptr = NULL;
	expect(abi_hwpt(abi, scene.devid, scene.parent, 0, &data, &id), -EFAULT);
	assert_int_equal(abi_next_id(abi), scene.next);
}

int main(void)
{
	abi_on(abi_mock, ioas_alloc_is_undone);
	abi_on(abi_mock, hwpt_alloc_on_an_ioas_is_undone);
	abi_on(abi_mock, hwpt_alloc_on_a_parent_is_undone);
	abi_on(abi_mock, viommu_alloc_is_undone);
	abi_on(abi_mock, vdevice_alloc_is_undone);
	abi_library(abi_on(abi_mock, a_map_stays_when_its_copy_out_fails));
	abi_on(abi_mock, an_automatic_map_stays_when_its_copy_out_fails);
	abi_library(abi_on(abi_mock, an_unmap_is_done_when_its_copy_out_fails));
	abi_library(abi_on(abi_mock, an_unmap_that_fails_in_the_middle_keeps_what_it_did));
	abi_on(abi_mock, a_failed_allow_leaves_the_old_list);
	abi_on(abi_mock, allow_and_destroy_take_a_constant_struct);
	abi_library(abi_on(abi_mock, a_failed_destroy_leaves_the_object));
	abi_on(abi_vtd, ranges_that_cannot_be_written_leave_the_struct);
	abi_both(ranges_in_a_constant_struct_are_efault);
	abi_on(abi_vtd, hw_info_into_bad_memory_leaves_the_struct);
	abi_both(hw_info_in_a_constant_struct_is_efault);
	abi_on(abi_mock, driver_data_that_cannot_be_read_is_efault);
	return abi_run("faults");
}
