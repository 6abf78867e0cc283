// SPDX-License-Identifier: MIT
/*
 * Who lives how long: ids, bound devices, vdevices, closed files
 * (iommufd-objects.md 3, 6, 7, 8, 12, 14).
 */
#include "abi.h"

#define BASE 0x2000000ull

/* A vIOMMU that stays: it is made with device 1, tests are about device 0. */
struct scene {
	uint32_t devid, ioas, parent, viommu;
	void *page;
};

static void make_scene(struct abi *abi, struct scene *s)
{
	abi_bound(abi, 1);
	s->devid = abi_bound(abi, 0);
	s->ioas = abi_ioas(abi);
	s->page = abi_pages(abi, 1);
	ok(abi_map_at(abi, s->ioas, RW, s->page, PAGE, BASE));
	s->parent = abi_parent(abi, 1, s->ioas);
	ok(abi_viommu(abi, abi->devid[1], s->parent, &s->viommu));
}

static uint32_t vdevice(struct abi *abi, const struct scene *s, unsigned n, uint64_t virt_id)
{
	uint32_t id;

	ok(abi_vdevice(abi, s->viommu, abi->devid[n], virt_id, &id));
	return id;
}

/* Every ioctl that looks an id up answers as if it was never given out. */
static void expect_dead(struct abi *abi, const struct scene *s, uint32_t dead)
{
	struct iommu_hw_info info = {.size = sizeof(info), .dev_id = dead};
	struct iommu_ioas_iova_ranges ranges = {.size = sizeof(ranges), .ioas_id = dead};
	uint32_t id;

	expect(abi_destroy(abi, dead), -ENOENT);
	expect(abi_ioctl(abi, IOMMU_GET_HW_INFO, &info), -ENOENT);
	expect(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &ranges), -ENOENT);
	expect(abi_unmap_all(abi, dead, NULL), -ENOENT);
	expect(abi_hwpt(abi, dead, s->ioas, 0, NULL, &id), -ENOENT);
	expect(abi_hwpt(abi, abi->devid[1], dead, 0, NULL, &id), -EINVAL); /* 4.1 */
	expect(abi_viommu(abi, dead, s->parent, &id), -ENOENT);
	expect(abi_viommu(abi, abi->devid[1], dead, &id), -ENOENT);
	expect(abi_vdevice(abi, dead, abi->devid[1], 1, &id), -ENOENT);
	expect(abi_vdevice(abi, s->viommu, dead, 1, &id), -ENOENT);
	expect(abi_attach_to(abi, 1, dead), -ENOENT);
}

/* ---- ids (3) ---- */

/* 3.1: from 1, the lowest that is free. */
static void ids_are_the_lowest_that_are_free(struct abi *abi)
{
	for (uint32_t id = 1; id <= 200; id++)
		assert_int_equal(abi_ioas(abi), id);
	ok(abi_destroy(abi, 150));
	ok(abi_destroy(abi, 7));
	ok(abi_destroy(abi, 63));
	ok(abi_destroy(abi, 64));
	assert_int_equal(abi_ioas(abi), 7);
	assert_int_equal(abi_ioas(abi), 63);
	assert_int_equal(abi_ioas(abi), 64);
	assert_int_equal(abi_ioas(abi), 150);
	assert_int_equal(abi_ioas(abi), 201);
}

/* 2, 3.2 */
static void ids_that_were_never_given_out_are_enoent(struct abi *abi)
{
	static const uint32_t ids[] = {0, 2, 63, 64, 65, 4096, 0x7fffffff, 0x80000000, 0xffffffff};

	abi_ioas(abi);
	for (unsigned i = 0; i < COUNT(ids); i++)
		expect(abi_destroy(abi, ids[i]), -ENOENT);
}

static void an_id_is_dead_after_destroy(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	id = abi_ioas(abi);
	ok(abi_destroy(abi, id));
	expect_dead(abi, &s, id);
}

/* 8.1.5: BIND takes one id, and gives it back if it fails. */
static void bind_takes_the_lowest_id(struct abi *abi)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = abi->ctx};
	uint32_t first = abi_ioas(abi), second = abi_ioas(abi);

	ok(abi_destroy(abi, first));
	expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD,
		       abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	ok(abi_bind(abi, 0));
	assert_int_equal(abi->devid[0], first);
	ok(abi_bind(abi, 1));
	assert_int_equal(abi->devid[1], second + 1);
}

/* ---- (a) to (g): device, vdevice, vIOMMU ---- */

/* (a) */
static void bind_gives_an_id_that_ioctls_take(struct abi *abi)
{
	struct iommu_hw_info info = {.size = sizeof(info)};
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	info.dev_id = s.devid;
	ok(abi_ioctl(abi, IOMMU_GET_HW_INFO, &info));
	ok(abi_hwpt(abi, s.devid, s.ioas, 0, NULL, &id));
	ok(abi_viommu(abi, s.devid, s.parent, &id));
	ok(abi_vdevice(abi, s.viommu, s.devid, 5, &id));
}

/* (b); 12.5, row 3: the virtual id is free before close returns, and the vIOMMU has no user. */
static void closing_a_device_destroys_its_vdevice(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	vdevice(abi, &s, 0, 5);
	expect(abi_destroy(abi, s.viommu), -EBUSY);
	abi_close(abi, 0);
	vdevice(abi, &s, 1, 5);
	abi_close(abi, 1);
	ok(abi_destroy(abi, s.viommu));
}

/* (c), (d); 12.5, row 3 */
static void the_vdevices_id_is_dead_for_ever(struct abi *abi)
{
	struct scene s;
	uint32_t dead[5];

	make_scene(abi, &s);
	for (unsigned i = 0; i < COUNT(dead); i++) {
		dead[i] = vdevice(abi, &s, 0, 5);
		abi_close(abi, 0);
		abi_open(abi, 0);
		abi_bound(abi, 0);
		/* The device's id is free and given out again, the vdevice's is not. */
		assert_int_equal(abi->devid[0], s.devid);
		for (unsigned j = 0; j <= i; j++)
			expect_dead(abi, &s, dead[j]);
	}
	for (unsigned i = 0; i < 200; i++) {
		uint32_t id = abi_ioas(abi);

		for (unsigned j = 0; j < COUNT(dead); j++)
			assert_int_not_equal(id, dead[j]);
	}
	for (unsigned j = 0; j < COUNT(dead); j++)
		expect_dead(abi, &s, dead[j]);
}

/* 12.5, row 1 */
static void a_device_without_a_vdevice_goes_and_its_id_is_free(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	abi_close(abi, 0);
	expect_dead(abi, &s, s.devid);
	assert_int_equal(abi_next_id(abi), s.devid);
}

/* (e); 12.5, rows 4 and 14, one after the other */
static void destroy_of_a_vdevice_works_and_frees_its_id(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	id = vdevice(abi, &s, 0, 5);
	ok(abi_destroy(abi, id));
	expect_dead(abi, &s, id);
	assert_int_equal(vdevice(abi, &s, 0, 5), id);
	ok(abi_destroy(abi, id));
	abi_close(abi, 0);
	ok(abi_destroy(abi, s.viommu));
	/* Destroyed by the user: no tombstone. */
	assert_int_equal(abi_next_id(abi), s.devid);
	abi_ioas(abi);
	abi_ioas(abi);
	assert_int_equal(abi_ioas(abi), id);
}

/* (f) */
static void with_the_flag_only_unbinding_ends_a_vdevice(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	id = vdevice(abi, &s, 0, 5);
	expect(abi_destroy(abi, id), -EBUSY);
	expect(abi_destroy(abi, s.viommu), -EBUSY);
	expect(abi_vdevice(abi, s.viommu, s.devid, 6, &id), -EEXIST);
	expect(abi_destroy(abi, id), -EBUSY);
	abi_close(abi, 0);
	expect_dead(abi, &s, id);
	ok(abi_destroy(abi, s.viommu));
}

/* (f): nothing else changes. */
static void the_flag_is_about_vdevices_only(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	ok(abi_destroy(abi, s.viommu));
	ok(abi_destroy(abi, s.parent));
	ok(abi_destroy(abi, s.ioas));
	expect(abi_destroy(abi, s.devid), -EBUSY);
}

/* (g) */
static void destroy_of_a_device_is_ebusy(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	expect(abi_destroy(abi, s.devid), -EBUSY);
	vdevice(abi, &s, 0, 5);
	expect(abi_destroy(abi, s.devid), -EBUSY);
	abi_attached(abi, 0, s.ioas);
	expect(abi_destroy(abi, s.devid), -EBUSY);
	abi_close(abi, 0);
	expect(abi_destroy(abi, s.devid), -ENOENT);
}

/* 12.5, row 11 */
static void a_viommu_is_busy_until_its_vdevice_has_gone(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	id = vdevice(abi, &s, 0, 5);
	expect(abi_destroy(abi, s.viommu), -EBUSY);
	ok(abi_destroy(abi, id));
	ok(abi_destroy(abi, s.viommu));
}

/* 12.5, rows 12 and 13 */
static void one_vdevice_for_a_device_and_for_a_virtual_id(struct abi *abi)
{
	struct scene s;
	uint32_t id, next;

	make_scene(abi, &s);
	vdevice(abi, &s, 0, 5);
	next = abi_next_id(abi);
	expect(abi_vdevice(abi, s.viommu, s.devid, 6, &id), -EEXIST);
	expect(abi_vdevice(abi, s.viommu, abi->devid[1], 5, &id), -EEXIST);
	assert_int_equal(abi_next_id(abi), next);
	/* The losers hold nothing: everything can go. */
	abi_close(abi, 1);
	abi_close(abi, 0);
	ok(abi_destroy(abi, s.viommu));
}

/* 12.5, row 15: the nested HWPT stays, and what it is made from. */
static void a_nested_hwpt_outlives_the_device_and_its_vdevice(struct abi *abi)
{
	struct scene s;
	uint32_t nested;

	make_scene(abi, &s);
	vdevice(abi, &s, 0, 5);
	nested = abi_nested(abi, 0, s.viommu);
	abi_attached(abi, 0, nested);
	abi_close(abi, 0);
	expect(abi_destroy(abi, s.viommu), -EBUSY);
	ok(abi_destroy(abi, nested));
	ok(abi_destroy(abi, s.viommu));
}

/* 8.2: what was attached is detached first; the HWPT is free. */
static void closing_a_device_detaches_it(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), manual;
	void *page = abi_pages(abi, 1);

	abi_bound(abi, 0);
	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	manual = abi_paging(abi, 0, ioas);
	abi_attached(abi, 0, manual);
	assert_true(abi_sees(abi, 0, BASE, page));
	abi_close(abi, 0);
	assert_false(abi_reads(abi, 0, BASE));
	ok(abi_destroy(abi, manual));
	ok(abi_destroy(abi, ioas));
}

/* 7: an IOAS goes with its mappings. */
static void an_ioas_is_destroyed_with_its_mappings(struct abi *abi)
{
	const struct iommu_iova_range range = {BASE, BASE + MIB(1)};
	uint32_t ioas = abi_ioas(abi);
	void *page = abi_pages(abi, 1);

	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	ok(abi_map(abi, ioas, RW, ADDR(page), PAGE, NULL));
	ok(abi_allow(abi, ioas, &range, 1));
	ok(abi_destroy(abi, ioas));
	expect(abi_unmap_all(abi, ioas, NULL), -ENOENT);
	assert_int_equal(abi_ioas(abi), ioas);
	expect_full_ranges(abi, ioas);
}

/* ---- (h): the iommufd is closed first (14; 12.5, row 16) ---- */

static int dma_goes_on(struct abi *abi, const struct scene *s)
{
	return abi_sees(abi, 0, BASE, s->page) && !abi_reads(abi, 0, BASE + PAGE);
}

static void closing_the_iommufd_changes_nothing_for_the_device(struct abi *abi)
{
	uint32_t other_ioas;
	struct scene s;
	void *other = abi_pages(abi, 1);

	make_scene(abi, &s);
	other_ioas = abi_ioas(abi);
	ok(abi_map_at(abi, other_ioas, RW, other, PAGE, BASE));
	abi_attached(abi, 0, s.ioas);
	ok(swiommu_close(abi->machine, abi->ctx));
	assert_true(dma_goes_on(abi, &s));
	expect(abi_destroy(abi, s.ioas), -EBADF);
	/* ATTACH and DETACH work with the ids that the program remembers. */
	abi_attached(abi, 0, other_ioas);
	assert_true(abi_sees(abi, 0, BASE, other));
	ok(abi_detach(abi, 0));
	assert_false(abi_reads(abi, 0, BASE));
	abi_attached(abi, 0, s.ioas);
	assert_true(dma_goes_on(abi, &s));
	expect(abi_attach_to(abi, 0, NO_ID), -ENOENT);
}

/* 14.2: the context is the one that was bound, whatever has its number now. */
static void another_iommufd_does_not_take_its_place(struct abi *abi)
{
	struct scene s;
	int old;

	make_scene(abi, &s);
	abi_attached(abi, 0, s.ioas);
	old = abi->ctx;
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	assert_int_equal(abi->ctx, old);
	expect(abi_destroy(abi, s.ioas), -ENOENT);
	assert_int_equal(abi_ioas(abi), 1);
	assert_true(dma_goes_on(abi, &s));
	abi_close(abi, 0);
	abi_close(abi, 1);
	/* All is released: the group has no owner any more. */
	abi_open(abi, 0);
	abi_bound(abi, 0);
	assert_false(abi_reads(abi, 0, BASE));
}

/* The last device takes everything along: HWPTs, vIOMMUs, vdevices, mappings (6.4). */
static void the_last_close_releases_everything(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	vdevice(abi, &s, 0, 5);
	vdevice(abi, &s, 1, 6);
	abi_attached(abi, 0, abi_nested(abi, 0, s.viommu));
	abi_attached(abi, 1, s.ioas);
	ok(swiommu_close(abi->machine, abi->ctx));
	abi_close(abi, 0);
	assert_true(abi_sees(abi, 1, BASE, s.page));
	abi_close(abi, 1);
	assert_false(abi_reads(abi, 1, BASE));
}

/* 6.4: without bound devices closing the iommufd is the end of everything in it. */
static void closing_the_iommufd_releases_everything(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	abi_nested(abi, 1, s.viommu);
	vdevice(abi, &s, 0, 5);
	abi_close(abi, 0);
	abi_close(abi, 1);
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	expect(abi_destroy(abi, s.ioas), -ENOENT);
	assert_int_equal(abi_ioas(abi), 1);
}

/* A file can be closed without ever having been bound, and one of two that are open. */
static void unbound_files_come_and_go(struct abi *abi)
{
	struct scene s;
	int second;

	make_scene(abi, &s);
	abi_attached(abi, 0, s.ioas);
	second = swiommu_open(abi->machine, "/dev/vfio/devices/vfio0");
	assert_true(second >= 0);
	ok(swiommu_close(abi->machine, second));
	assert_true(dma_goes_on(abi, &s));
	expect(swiommu_close(abi->machine, second), -EBADF);
}

static const struct abi_machine strict = {
	.iommu = "mock",
	.flags = SWIOMMU_VDEVICE_DESTROY_UNBOUND,
	.devices = {"ioat", "ioat"},
};

int main(void)
{
	abi_on(abi_mock, ids_are_the_lowest_that_are_free);
	abi_on(abi_mock, ids_that_were_never_given_out_are_enoent);
	abi_on(abi_mock, an_id_is_dead_after_destroy);
	abi_both(bind_takes_the_lowest_id);
	abi_on(abi_mock, bind_gives_an_id_that_ioctls_take);
	abi_on(abi_mock, closing_a_device_destroys_its_vdevice);
	abi_on(abi_mock, the_vdevices_id_is_dead_for_ever);
	abi_on(abi_mock, a_device_without_a_vdevice_goes_and_its_id_is_free);
	abi_on(abi_mock, destroy_of_a_vdevice_works_and_frees_its_id);
	abi_on(strict, with_the_flag_only_unbinding_ends_a_vdevice);
	abi_on(strict, the_flag_is_about_vdevices_only);
	abi_on(strict, closing_a_device_destroys_its_vdevice);
	abi_on(strict, the_vdevices_id_is_dead_for_ever);
	abi_on(abi_mock, destroy_of_a_device_is_ebusy);
	abi_on(abi_mock, a_viommu_is_busy_until_its_vdevice_has_gone);
	abi_on(abi_mock, one_vdevice_for_a_device_and_for_a_virtual_id);
	abi_on(abi_mock, a_nested_hwpt_outlives_the_device_and_its_vdevice);
	abi_library(abi_both(closing_a_device_detaches_it));
	abi_both(an_ioas_is_destroyed_with_its_mappings);
	abi_library(abi_on(abi_mock, closing_the_iommufd_changes_nothing_for_the_device));
	abi_library(abi_on(abi_mock, another_iommufd_does_not_take_its_place));
	abi_library(abi_on(abi_mock, the_last_close_releases_everything));
	abi_library(abi_on(strict, the_last_close_releases_everything));
	abi_on(abi_mock, closing_the_iommufd_releases_everything);
	abi_library(abi_on(abi_mock, unbound_files_come_and_go));
	return abi_run("lifetime");
}
