// SPDX-License-Identifier: MIT
/* Attach, replace, detach, automatic domains (iommufd-objects.md 9, 10, 11). */
#include "abi.h"

#define BASE 0x2000000ull

/* An IOAS with one page at BASE. */
static uint32_t ioas_with(struct abi *abi, void *page)
{
	uint32_t ioas = abi_ioas(abi);

	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	return ioas;
}

/* ---- automatic domains (10) ---- */

/* 9.1.4, 10.2: the id that comes back is that of a new HWPT. */
static void an_ioas_gets_an_automatic_hwpt(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), next, hwpt;

	abi_bound(abi, 0);
	next = abi_next_id(abi);
	assert_false(abi_reads(abi, 0, BASE));
	hwpt = abi_attached(abi, 0, ioas);
	assert_int_equal(hwpt, next);
	assert_true(abi_sees(abi, 0, BASE, page));
	expect(abi_destroy(abi, hwpt), -EBUSY);
	expect(abi_destroy(abi, ioas), -EBUSY);
	ok(abi_detach(abi, 0));
	assert_false(abi_reads(abi, 0, BASE));
	expect(abi_destroy(abi, hwpt), -ENOENT);
	expect_full_ranges(abi, ioas);
	ok(abi_destroy(abi, ioas));
}

/* 10.1, 10.4: devices of different groups share it, and the last one takes it away. */
static void an_automatic_hwpt_is_shared_by_groups(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), hwpt;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	hwpt = abi_attached(abi, 0, ioas);
	assert_int_equal(abi_attached(abi, 1, ioas), hwpt);
	assert_true(abi_sees(abi, 1, BASE, page));
	ok(abi_detach(abi, 0));
	assert_false(abi_reads(abi, 0, BASE));
	assert_true(abi_sees(abi, 1, BASE, page));
	expect(abi_destroy(abi, hwpt), -EBUSY);
	abi_close(abi, 1);
	expect(abi_destroy(abi, hwpt), -ENOENT);
}

/* 10.3 */
static void a_manual_hwpt_is_never_picked(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), manual, automatic;

	abi_bound(abi, 0);
	manual = abi_paging(abi, 0, ioas);
	automatic = abi_attached(abi, 0, ioas);
	assert_int_not_equal(manual, automatic);
	ok(abi_detach(abi, 0));
	expect(abi_destroy(abi, automatic), -ENOENT);
	ok(abi_destroy(abi, manual));
}

/* 9.1.2: it may be named, too, and is not kept by being named. */
static void an_automatic_hwpt_can_be_named(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), hwpt;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	hwpt = abi_attached(abi, 0, ioas);
	assert_int_equal(abi_attached(abi, 1, hwpt), hwpt);
	ok(abi_detach(abi, 0));
	expect(abi_destroy(abi, hwpt), -EBUSY);
	ok(abi_detach(abi, 1));
	expect(abi_destroy(abi, hwpt), -ENOENT);
}

/* 10.1: a domain of another IOMMU driver is EINVAL for the device, so the next is tried. */
static void each_kind_of_iommu_gets_its_own(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), vtd_hwpt, mock_hwpt;

	for (unsigned n = 0; n < 3; n++)
		abi_bound(abi, n);
	vtd_hwpt = abi_attached(abi, 0, ioas);
	mock_hwpt = abi_attached(abi, 1, ioas);
	assert_int_not_equal(vtd_hwpt, mock_hwpt);
	assert_int_equal(abi_attached(abi, 2, ioas), mock_hwpt);
	for (unsigned n = 0; n < 3; n++)
		assert_true(abi_sees(abi, n, BASE, page));
	expect(abi_attach_to(abi, 0, mock_hwpt), -EINVAL);
	assert_true(abi_sees(abi, 0, BASE, page));
}

/* ---- manual HWPTs ---- */

/* 9.2.6: it is used, and stays when the last device leaves. */
static void a_manual_hwpt_stays(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), hwpt;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	hwpt = abi_paging(abi, 0, ioas);
	assert_int_equal(abi_attached(abi, 0, hwpt), hwpt);
	assert_int_equal(abi_attached(abi, 1, hwpt), hwpt);
	assert_true(abi_sees(abi, 1, BASE, page));
	ok(abi_detach(abi, 0));
	expect(abi_destroy(abi, hwpt), -EBUSY);
	ok(abi_detach(abi, 1));
	ok(abi_destroy(abi, hwpt));
}

/* 9.1: what pt_id may not be. */
static void only_ioases_and_hwpts_can_be_attached(struct abi *abi)
{
	uint32_t devid = abi_bound(abi, 0), ioas = abi_ioas(abi), parent, viommu, vdevice;

	for (unsigned replace = 0; replace < 2; replace++) {
		expect(abi_attach_to(abi, 0, NO_ID), -ENOENT);
		expect(abi_attach_to(abi, 0, 0), -ENOENT);
		expect(abi_attach_to(abi, 0, devid), -EINVAL);
		if (abi->mock) {
			parent = abi_parent(abi, 0, ioas);
			ok(abi_viommu(abi, devid, parent, &viommu));
			ok(abi_vdevice(abi, viommu, devid, 1, &vdevice));
			expect(abi_attach_to(abi, 0, viommu), -EINVAL);
			expect(abi_attach_to(abi, 0, vdevice), -EINVAL);
			ok(abi_destroy(abi, vdevice));
		}
		abi_attached(abi, 0, ioas);
	}
}

/* Detaching what is not attached is no error (vfio-device-ioctls.md 4). */
static void detaching_twice_is_fine(struct abi *abi)
{
	abi_bound(abi, 0);
	ok(abi_detach(abi, 0));
	abi_attached(abi, 0, abi_ioas(abi));
	ok(abi_detach(abi, 0));
	ok(abi_detach(abi, 0));
}

/* A device that is no bus master reaches nothing (swiommu/model.h; vfio-device-ioctls.md 14.3). */
static void dma_needs_bus_mastering(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page);

	ok(abi_bind(abi, 0));
	abi_attached(abi, 0, ioas);
	assert_false(abi_reads(abi, 0, BASE));
	abi_config_set(abi, 0, 4, 2, 4);
	assert_true(abi_sees(abi, 0, BASE, page));
	abi_config_set(abi, 0, 4, 2, 2);
	assert_false(abi_writes(abi, 0, BASE));
}

/* ---- replace (9.3) ---- */

/* The page that device 0 sees tells which IOAS it is on. */
static void replace_moves_a_device(struct abi *abi)
{
	void *first = abi_pages(abi, 1), *second = abi_pages(abi, 1);
	uint32_t ioas1 = ioas_with(abi, first), ioas2 = ioas_with(abi, second), hwpt, automatic;

	abi_bound(abi, 0);
	hwpt = abi_paging(abi, 0, ioas2);
	automatic = abi_attached(abi, 0, ioas1);
	assert_true(abi_sees(abi, 0, BASE, first));
	assert_int_equal(abi_attached(abi, 0, hwpt), hwpt);
	assert_true(abi_sees(abi, 0, BASE, second));
	expect(abi_destroy(abi, automatic), -ENOENT);
	expect_full_ranges(abi, ioas1);
	abi_attached(abi, 0, ioas1);
	assert_true(abi_sees(abi, 0, BASE, first));
	ok(abi_destroy(abi, hwpt));
	expect_full_ranges(abi, ioas2);
}

/* 9.3.3, 10.1 */
static void replace_by_the_same_changes_nothing(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), hwpt, manual;

	abi_bound(abi, 0);
	hwpt = abi_attached(abi, 0, ioas);
	assert_int_equal(abi_attached(abi, 0, ioas), hwpt);
	assert_int_equal(abi_attached(abi, 0, hwpt), hwpt);
	assert_true(abi_sees(abi, 0, BASE, page));
	manual = abi_paging(abi, 0, ioas);
	abi_attached(abi, 0, manual);
	abi_attached(abi, 0, manual);
	ok(abi_detach(abi, 0));
	ok(abi_destroy(abi, manual));
	expect(abi_destroy(abi, hwpt), -ENOENT);
}

/* 10: from a manual HWPT to the IOAS below it, and back. */
static void replace_within_one_ioas(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), manual, automatic;

	abi_bound(abi, 0);
	manual = abi_paging(abi, 0, ioas);
	abi_attached(abi, 0, manual);
	automatic = abi_attached(abi, 0, ioas);
	assert_int_not_equal(automatic, manual);
	assert_true(abi_sees(abi, 0, BASE, page));
	abi_attached(abi, 0, manual);
	assert_true(abi_sees(abi, 0, BASE, page));
	expect(abi_destroy(abi, automatic), -ENOENT);
	if (!abi->mock)
		expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
}

/* What makes a replace fail. */
struct failure_row {
	const char *name;
	const struct abi_machine *machine;
	bool bad_memory;
	uint64_t iova, length; /* mapped in the other IOAS */
	bool manual;	       /* to a HWPT that is there, else to the IOAS */
	int want;
};

/* 9.3.4, 10.5, 11.1 */
static const struct failure_row failures[] = {
	{"memory that is not there", &abi_vtd, true, BASE, PAGE, false, -EFAULT},
	{"a mapping in the MSI window", &abi_vtd, false, MSI_START, PAGE, false, -EADDRINUSE},
	{"a mapping in the MSI window, HWPT", &abi_vtd, false, MSI_START, PAGE, true, -EADDRINUSE},
	{"a mapping above the domain", &abi_vtd, false, 1ull << 47, PAGE, false, -EADDRINUSE},
	{"an unaligned mapping", &abi_vtd, false, BASE, 1, false, -EADDRINUSE},
	{"memory that is not there, mock", &abi_mock, true, BASE, PAGE, false, -EFAULT},
	{"a mapping below the aperture", &abi_mock, false, 0x1000, PAGE, false, -EADDRINUSE},
	{"an unaligned mapping, mock", &abi_mock, false, BASE, 1024, false, -EADDRINUSE},
};

/* 9.3.5: the old attachment is intact; the other IOAS shows no trace. */
static void a_failed_replace_changes_nothing(struct abi *abi)
{
	const struct failure_row *row = abi->row;
	uint32_t ioas, other, next, to;
	void *page;

	abi_init(abi, row->machine);
	page = abi_pages(abi, 1);
	ioas = ioas_with(abi, page);
	other = abi_ioas(abi);
	abi_bound(abi, 0);
	to = row->manual ? abi_paging(abi, 0, other) : other;
	abi_attached(abi, 0, ioas);
	next = abi_next_id(abi);
	ok(abi_map_at(abi, other, RW, row->bad_memory ? abi_edge(abi) : abi_pages(abi, 1),
		      row->length, row->iova));
	expect(abi_attach_to(abi, 0, to), row->want);
	assert_true(abi_sees(abi, 0, BASE, page));
	assert_int_equal(abi_next_id(abi), next);
	if (row->manual)
		expect_ranges(abi, other, PAGE, {0, VTD_FS_LAST});
	else
		expect_full_ranges(abi, other);
	if (!abi->mock)
		expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
	ok(abi_unmap_all(abi, other, NULL));
	abi_attached(abi, 0, to);
	abi_fini(abi);
}

/* 9.3, quirk: a failed replace within one IOAS does not take the reservations away. */
static void a_failed_replace_within_one_ioas_keeps_the_window(struct abi *abi)
{
	const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 57};
	const struct abi_data data = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};
	uint32_t ioas = abi_ioas(abi), parent, nested;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, ioas);
	ok(abi_hwpt(abi, abi->devid[0], parent, 0, &data, &nested));
	abi_attached(abi, 0, parent);
	expect(abi_attach_to(abi, 0, nested), -EINVAL);
	expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_SS_LAST});
	expect(abi_destroy(abi, parent), -EBUSY);
	ok(abi_destroy(abi, nested));
	ok(abi_detach(abi, 0));
	expect_ranges(abi, ioas, PAGE, {0, VTD_SS_LAST});
	ok(abi_destroy(abi, parent));
}

/* 9.3.5: refused by the hardware after the new IOAS took the reservations. */
static void a_replace_that_the_iommu_refuses_keeps_the_window(struct abi *abi)
{
	const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 57};
	const struct abi_data data = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi), nested;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	ok(abi_hwpt(abi, abi->devid[0], abi_parent(abi, 0, other), 0, &data, &nested));
	abi_attached(abi, 0, ioas);
	abi_attached(abi, 1, ioas);
	expect(abi_attach_to(abi, 0, nested), -EINVAL);
	expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_FS_LAST});
	expect_ranges(abi, other, PAGE, {0, VTD_SS_LAST});
	ok(abi_destroy(abi, nested));
}

/* ---- groups: devices 0 and 1 share one, 2 is alone ---- */

/* 9: the hardware is programmed for the whole group by the first device. */
static void the_first_device_attaches_the_group(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), hwpt;

	for (unsigned n = 0; n < 3; n++)
		abi_bound(abi, n);
	hwpt = abi_attached(abi, 0, ioas);
	assert_true(abi_sees(abi, 1, BASE, page));
	assert_false(abi_reads(abi, 2, BASE));
	assert_int_equal(abi_attached(abi, 1, ioas), hwpt);
	ok(abi_detach(abi, 0));
	assert_true(abi_sees(abi, 0, BASE, page));
	assert_true(abi_sees(abi, 1, BASE, page));
	ok(abi_detach(abi, 1));
	assert_false(abi_reads(abi, 0, BASE));
	assert_false(abi_reads(abi, 1, BASE));
	expect(abi_destroy(abi, hwpt), -ENOENT);
}

/* 9.2.3: all devices of a group use one HWPT. */
static void another_hwpt_within_a_group_is_einval(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi), manual, hwpt, next;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	manual = abi_paging(abi, 0, other);
	hwpt = abi_attached(abi, 0, ioas);
	next = abi_next_id(abi);
	expect(abi_attach_to(abi, 1, manual), -EINVAL);
	expect(abi_attach_to(abi, 1, other), -EINVAL);
	assert_int_equal(abi_next_id(abi), next);
	assert_int_equal(abi_attached(abi, 1, hwpt), hwpt);
	ok(abi_detach(abi, 0));
	/* Device 1 alone keeps the HWPT for the group. */
	expect(abi_attach_to(abi, 0, manual), -EINVAL);
	ok(abi_detach(abi, 1));
	abi_attached(abi, 0, manual);
}

/* 10: the IOAS of the manual HWPT that the group uses would need an automatic one. */
static void the_ioas_is_another_hwpt_than_a_manual_one(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), manual, next;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	manual = abi_paging(abi, 0, ioas);
	abi_attached(abi, 0, manual);
	next = abi_next_id(abi);
	expect(abi_attach_to(abi, 1, ioas), -EINVAL);
	assert_int_equal(abi_next_id(abi), next);
	abi_attached(abi, 1, manual);
}

/* 9.3.6: both move, and both users. */
static void replace_moves_all_devices_of_the_group(struct abi *abi)
{
	void *first = abi_pages(abi, 1), *second = abi_pages(abi, 1);
	uint32_t ioas1 = ioas_with(abi, first), ioas2 = ioas_with(abi, second), old, manual;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	manual = abi_paging(abi, 1, ioas2);
	old = abi_attached(abi, 0, ioas1);
	abi_attached(abi, 1, ioas1);
	abi_attached(abi, 1, manual);
	assert_true(abi_sees(abi, 0, BASE, second));
	assert_true(abi_sees(abi, 1, BASE, second));
	expect(abi_destroy(abi, old), -ENOENT);
	expect_full_ranges(abi, ioas1);
	ok(abi_detach(abi, 1));
	expect(abi_destroy(abi, manual), -EBUSY);
	assert_true(abi_sees(abi, 1, BASE, second));
	ok(abi_detach(abi, 0));
	ok(abi_destroy(abi, manual));
	expect_full_ranges(abi, ioas2);
}

/* 9.3.2: a device that has not attached joins, it does not replace. */
static void a_device_that_has_not_attached_cannot_replace(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), manual;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	manual = abi_paging(abi, 0, ioas);
	abi_attached(abi, 0, ioas);
	expect(abi_attach_to(abi, 1, manual), -EINVAL);
	abi_attached(abi, 0, manual);
	abi_attached(abi, 1, manual);
}

/* 9.4, 11.1: each device has reservations of its own. */
static void the_window_stays_until_the_last_device_leaves(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), parent;

	for (unsigned n = 0; n < 3; n++)
		abi_bound(abi, n);
	parent = abi_parent(abi, 0, ioas);
	for (unsigned n = 0; n < 3; n++)
		abi_attached(abi, n, parent);
	for (unsigned n = 0; n < 3; n++) {
		expect_ranges(abi, ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_SS_LAST});
		ok(abi_detach(abi, n));
	}
	expect_ranges(abi, ioas, PAGE, {0, VTD_SS_LAST});
}

/* 9.3.4: the reservations of every device of the group move with a replace. */
static void replace_moves_the_window_of_all_devices(struct abi *abi)
{
	uint32_t ioas1 = abi_ioas(abi), ioas2 = abi_ioas(abi), parent1, parent2;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	parent1 = abi_parent(abi, 0, ioas1);
	parent2 = abi_parent(abi, 0, ioas2);
	abi_attached(abi, 0, parent1);
	abi_attached(abi, 1, parent1);
	abi_attached(abi, 0, parent2);
	expect_ranges(abi, ioas1, PAGE, {0, VTD_SS_LAST});
	expect_ranges(abi, ioas2, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_SS_LAST});
	ok(abi_detach(abi, 0));
	expect_ranges(abi, ioas2, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_SS_LAST});
	ok(abi_detach(abi, 1));
	expect_ranges(abi, ioas2, PAGE, {0, VTD_SS_LAST});
}

/* 9.2.4: a device that joins brings its own reservations, which may collide. */
static void a_device_that_joins_may_collide(struct abi *abi)
{
	const struct iommu_iova_range window = {MSI_START, MSI_LAST};
	uint32_t ioas = abi_ioas(abi), hwpt;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	hwpt = abi_attached(abi, 0, ioas);
	expect(abi_allow(abi, ioas, &window, 1), -EADDRINUSE);
	assert_int_equal(abi_attached(abi, 1, ioas), hwpt);
	ok(abi_detach(abi, 0));
	expect(abi_allow(abi, ioas, &window, 1), -EADDRINUSE);
	ok(abi_detach(abi, 1));
	ok(abi_allow(abi, ioas, &window, 1));
	expect(abi_attach_to(abi, 0, ioas), -EADDRINUSE);
}

/* Closing one device of the group leaves the other as it is. */
static void a_group_lives_on_when_one_device_closes(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = ioas_with(abi, page), hwpt;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	hwpt = abi_attached(abi, 0, ioas);
	abi_attached(abi, 1, ioas);
	abi_close(abi, 0);
	assert_true(abi_sees(abi, 1, BASE, page));
	expect(abi_destroy(abi, hwpt), -EBUSY);
	abi_open(abi, 0);
	abi_bound(abi, 0);
	assert_int_equal(abi_attached(abi, 0, ioas), hwpt);
	abi_close(abi, 1);
	abi_close(abi, 0);
	expect(abi_destroy(abi, hwpt), -ENOENT);
}

int main(void)
{
	abi_library(abi_both(an_ioas_gets_an_automatic_hwpt));
	abi_library(abi_both(an_automatic_hwpt_is_shared_by_groups));
	abi_both(a_manual_hwpt_is_never_picked);
	abi_both(an_automatic_hwpt_can_be_named);
	abi_library(abi_on(abi_mixed, each_kind_of_iommu_gets_its_own));
	abi_library(abi_both(a_manual_hwpt_stays));
	abi_both(only_ioases_and_hwpts_can_be_attached);
	abi_both(detaching_twice_is_fine);
	abi_library(abi_both(dma_needs_bus_mastering));
	abi_library(abi_both(replace_moves_a_device));
	abi_library(abi_both(replace_by_the_same_changes_nothing));
	abi_library(abi_both(replace_within_one_ioas));
	abi_rows(abi_none, failures, a_failed_replace_changes_nothing);
	abi_on(abi_vtd, a_failed_replace_within_one_ioas_keeps_the_window);
	abi_on(abi_vtd_group, a_replace_that_the_iommu_refuses_keeps_the_window);
	abi_library(abi_groups(the_first_device_attaches_the_group));
	abi_groups(another_hwpt_within_a_group_is_einval);
	abi_on(abi_vtd_group, the_ioas_is_another_hwpt_than_a_manual_one);
	abi_library(abi_groups(replace_moves_all_devices_of_the_group));
	abi_on(abi_vtd_group, a_device_that_has_not_attached_cannot_replace);
	abi_on(abi_vtd_group, the_window_stays_until_the_last_device_leaves);
	abi_on(abi_vtd_group, replace_moves_the_window_of_all_devices);
	abi_on(abi_vtd_group, a_device_that_joins_may_collide);
	abi_library(abi_groups(a_group_lives_on_when_one_device_closes));
	return abi_run("attach");
}
