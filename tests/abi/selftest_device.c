// SPDX-License-Identifier: MIT
/* Mock devices: their ids and lives (iommufd-test-abi.md 3, 15), what each handle is good for. */
#include "selftest.h"

#define BASE	   0x2000000ull
#define NO_DIRTY   MOCK_FLAGS_DEVICE_NO_DIRTY
#define WITH_PASID MOCK_FLAGS_DEVICE_PASID

enum {
	NEST = IOMMU_HWPT_ALLOC_NEST_PARENT,
	DIRTY = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
};

static void expect_stdev(struct stdev stdev, uint32_t id, uint32_t idev, uint32_t hwpt)
{
	assert_int_equal(stdev.id, id);
	assert_int_equal(stdev.idev, idev);
	assert_int_equal(stdev.hwpt, hwpt);
}

/* ---- ids (15, 15.1) ---- */

static void ids_on_a_fresh_context(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	assert_int_equal(ioas, 1);
	expect_stdev(st_new(abi, ioas), 2, 3, 4);
	expect_aperture(abi, ioas);
	expect_stdev(st_new(abi, ioas), 5, 6, 4);
	ok(abi_destroy(abi, 2));
	expect_aperture(abi, ioas);
	expect(abi_destroy(abi, 3), -ENOENT);
	expect(abi_destroy(abi, 4), -EBUSY);
	ok(abi_destroy(abi, 5));
	/* The automatic HWPT goes with its last attachment. */
	expect(abi_destroy(abi, 4), -ENOENT);
	expect_full_ranges(abi, ioas);
	assert_int_equal(abi_next_id(abi), 2);
}

static void ids_on_a_hwpt(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	struct stdev first = st_new(abi, ioas), second;
	uint32_t hwpt = st_hwpt(abi, first.idev, ioas, 0);

	assert_int_equal(hwpt, 5);
	second = st_new(abi, hwpt);
	expect_stdev(second, 6, 7, hwpt);
	ok(abi_destroy(abi, second.id));
	assert_int_equal(abi_next_id(abi), 6);
	ok(abi_destroy(abi, hwpt));
}

static void replace_takes_an_id_for_a_new_hwpt_only(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi), pt = other;
	struct stdev stdev = st_new(abi, ioas);

	expect_stdev(stdev, 3, 4, 5);
	ok(st_replace(abi, stdev.id, &pt));
	assert_int_equal(pt, 6);
	expect(abi_destroy(abi, 5), -ENOENT);
	expect_full_ranges(abi, ioas);
	expect_aperture(abi, other);
	/* By what is attached already. */
	pt = other;
	ok(st_replace(abi, stdev.id, &pt));
	assert_int_equal(pt, 6);
	pt = ioas;
	ok(st_replace(abi, stdev.id, &pt));
	assert_int_equal(pt, 5);
}

/* ---- errors ---- */

static void what_cannot_be_attached_leaves_nothing(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), next;
	struct stdev stdev = st_new(abi, ioas), failed;
	struct iommu_fault_alloc alloc = {.size = sizeof(alloc)};

	ok(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &alloc));
	next = abi_next_id(abi);
	expect(st_mock_domain(abi, NO_ID, &failed), -ENOENT);
	expect(st_mock_domain(abi, 0, &failed), -ENOENT);
	expect(st_mock_domain(abi, stdev.id, &failed), -EINVAL);
	expect(st_mock_domain(abi, stdev.idev, &failed), -EINVAL);
	expect(st_mock_domain(abi, alloc.out_fault_id, &failed), -EINVAL);
	assert_int_equal(abi_next_id(abi), next);
	expect(st_replace_by(abi, stdev.id, NO_ID), -ENOENT);
	expect(st_replace_by(abi, stdev.id, stdev.idev), -EINVAL);
	ok(st_replace_by(abi, stdev.id, stdev.hwpt));
}

/* 3.1: flags come after the id, before anything else; MOCK_DOMAIN has none. */
static void device_flags_are_two(struct abi *abi)
{
	static const struct {
		uint32_t flags;
		int want;
	} rows[] = {{0, 0},
		    {1, 0},
		    {4, 0},
		    {5, 0},
		    {2, -EINVAL},
		    {8, -EINVAL},
		    {0x80000000u, -EINVAL},
		    {3, -EINVAL}};
	struct iommu_test_cmd cmd = {.id = abi_ioas(abi), .mock_domain_flags.dev_flags = ~0u};
	struct stdev stdev;

	for (unsigned i = 0; i < COUNT(rows); i++) {
		expect(st_mock_domain_flags(abi, NO_ID, rows[i].flags, &stdev),
		       rows[i].want ? rows[i].want : -ENOENT);
		expect(st_mock_domain_flags(abi, cmd.id, rows[i].flags, &stdev), rows[i].want);
	}
	ok(st_run(abi, IOMMU_TEST_OP_MOCK_DOMAIN, &cmd));
}

/* 3.1: undone if the answer does not arrive; 3.2: not undone. */
static void answers_that_do_not_arrive(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi), next = abi_next_id(abi);
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_MOCK_DOMAIN,
		.id = ioas,
	};
	struct stdev stdev;

	expect(abi_ioctl(abi, IOMMU_TEST_CMD, abi_constant_copy(abi, &cmd, sizeof(cmd), 16)),
	       -EFAULT);
	assert_int_equal(abi_next_id(abi), next);
	expect_full_ranges(abi, ioas);
	stdev = st_new(abi, ioas);
	cmd.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE;
	cmd.id = stdev.id;
	cmd.mock_domain_replace.pt_id = other;
	expect(abi_ioctl(abi, IOMMU_TEST_CMD, abi_constant_copy(abi, &cmd, sizeof(cmd), 16)),
	       -EFAULT);
	expect_full_ranges(abi, ioas);
	expect_aperture(abi, other);
}

/* 4.1: mappings that do not suit the domain. */
static void a_domain_has_to_suit_what_is_mapped(struct abi *abi)
{
	void *memory = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi), next;
	struct stdev stdev, on_other = st_new(abi, other);

	ok(abi_map_at(abi, ioas, RW, memory, PAGE, PAGE));
	next = abi_next_id(abi);
	expect(st_mock_domain(abi, ioas, &stdev), -EADDRINUSE);
	expect(st_replace_by(abi, on_other.id, ioas), -EADDRINUSE);
	assert_int_equal(abi_next_id(abi), next);
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(abi_map_at(abi, ioas, RW, memory, 1024, BASE));
	expect(st_mock_domain(abi, ioas, &stdev), -EADDRINUSE);
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(abi_map_at(abi, ioas, RW, memory, 2048, BASE));
	ok(st_mock_domain(abi, ioas, &stdev));
}

/* ---- handles (15.3) ---- */

#define THE_HWPT 4

enum handle { STDEV, IDEV, HWPT, IOAS, NOTHING, HANDLES };

struct handle_row {
	const char *name;
	int (*call)(struct abi *abi, uint32_t id);
	int want[HANDLES];
};

static int hw_info(struct abi *abi, uint32_t id)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd), .dev_id = id};

	return abi_ioctl(abi, IOMMU_GET_HW_INFO, &cmd);
}

static int replace_by_itself(struct abi *abi, uint32_t id)
{
	return st_replace_by(abi, id, THE_HWPT);
}

static int pasid_attach(struct abi *abi, uint32_t id)
{
	return st_pasid_attach_to(abi, id, 1, THE_HWPT);
}

static int pasid_replace(struct abi *abi, uint32_t id)
{
	return st_pasid_replace_by(abi, id, 1, THE_HWPT);
}

static int pasid_detach(struct abi *abi, uint32_t id)
{
	return st_pasid_detach(abi, id, 1);
}

static int pasid_check(struct abi *abi, uint32_t id)
{
	return st_pasid_check(abi, id, 1, 0);
}

static int check_cache(struct abi *abi, uint32_t id)
{
	return st_check_cache(abi, id, 0, IOMMU_TEST_DEV_CACHE_DEFAULT);
}

static int trigger_iopf(struct abi *abi, uint32_t id)
{
	struct iommu_test_cmd cmd = {.trigger_iopf.dev_id = id};

	return st_run(abi, IOMMU_TEST_OP_TRIGGER_IOPF, &cmd);
}

static int check_map(struct abi *abi, uint32_t id)
{
	return st_check_map(abi, id, 0, NULL, 0);
}

static int check_iotlb(struct abi *abi, uint32_t id)
{
	return st_check_iotlb(abi, id, 0, 0);
}

#define NOENT -ENOENT

static const struct handle_row handles[] = {
	{"GET_HW_INFO", hw_info, {NOENT, 0, NOENT, NOENT, NOENT}},
	{"MOCK_DOMAIN_REPLACE", replace_by_itself, {0, NOENT, NOENT, NOENT, NOENT}},
	{"PASID_ATTACH", pasid_attach, {-EINVAL, NOENT, NOENT, NOENT, NOENT}},
	{"PASID_REPLACE", pasid_replace, {-EINVAL, NOENT, NOENT, NOENT, NOENT}},
	{"PASID_DETACH", pasid_detach, {0, NOENT, NOENT, NOENT, NOENT}},
	{"PASID_CHECK_HWPT", pasid_check, {0, NOENT, NOENT, NOENT, NOENT}},
	{"DEV_CHECK_CACHE", check_cache, {NOENT, 0, NOENT, NOENT, NOENT}},
	{"TRIGGER_IOPF", trigger_iopf, {NOENT, 0, NOENT, NOENT, NOENT}},
	{"TRIGGER_VEVENT", st_trigger_vevent, {NOENT, NOENT, NOENT, NOENT, NOENT}},
	{"MD_CHECK_MAP", check_map, {NOENT, NOENT, 0, NOENT, NOENT}},
	{"MD_CHECK_IOTLB", check_iotlb, {NOENT, NOENT, NOENT, NOENT, NOENT}},
	{"DESTROY", abi_destroy, {0, -EBUSY, -EBUSY, -EBUSY, NOENT}},
};

static void handle(struct abi *abi)
{
	const struct handle_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi), ids[HANDLES];
	struct stdev stdev = st_new(abi, ioas);

	expect_stdev(stdev, 2, 3, THE_HWPT);
	ids[STDEV] = stdev.id;
	ids[IDEV] = stdev.idev;
	ids[HWPT] = stdev.hwpt;
	ids[IOAS] = ioas;
	ids[NOTHING] = NO_ID;
	for (unsigned i = HANDLES; i--;)
		expect(row->call(abi, ids[i]), row->want[i]);
}

/* ---- capabilities (3.2-3.4) ---- */

static void expect_caps(struct abi *abi, uint32_t idev, uint64_t caps, uint8_t width)
{
	struct iommu_test_hw_info info;
	struct iommu_hw_info cmd = {.size = sizeof(cmd),
				    .dev_id = idev,
				    .data_len = sizeof(info),
				    .data_uptr = ADDR(&info)};

	ok(abi_ioctl(abi, IOMMU_GET_HW_INFO, &cmd));
	assert_int_equal(cmd.out_data_type, IOMMU_HW_INFO_TYPE_SELFTEST);
	assert_int_equal(cmd.data_len, sizeof(info));
	assert_int_equal(info.flags, 0);
	assert_int_equal(info.test_reg, IOMMU_HW_INFO_SELFTEST_REGVAL);
	assert_int_equal(cmd.out_capabilities, caps);
	assert_int_equal(cmd.out_max_pasid_log2, width);
}

static void flags_show_in_hw_info(struct abi *abi)
{
	const uint64_t no_ats = IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	const uint64_t all = no_ats | IOMMU_HW_CAP_DIRTY_TRACKING;
	uint32_t ioas = abi_ioas(abi);

	assert_int_equal(all, 9);
	expect_caps(abi, st_new(abi, ioas).idev, all, 0);
	expect_caps(abi, st_new_flags(abi, ioas, 0).idev, all, 0);
	expect_caps(abi, st_new_flags(abi, ioas, NO_DIRTY).idev, no_ats, 0);
	expect_caps(abi, st_new_flags(abi, ioas, WITH_PASID).idev, all, 20);
	expect_caps(abi, st_new_flags(abi, ioas, NO_DIRTY | WITH_PASID).idev, no_ats, 20);
}

/* 4.1, 4.3 */
static void a_device_without_dirty_tracking_wants_none(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), tracking, plain, parent, nested, id;
	struct stdev device = st_new(abi, ioas), without = st_new_flags(abi, ioas, NO_DIRTY);
	struct stdev failed;

	/* Automatic HWPTs suit both. */
	assert_int_equal(device.hwpt, without.hwpt);
	expect(abi_hwpt(abi, without.idev, ioas, DIRTY, NULL, &id), -EOPNOTSUPP);
	plain = st_hwpt(abi, without.idev, ioas, NEST);
	tracking = st_hwpt(abi, device.idev, ioas, DIRTY);
	parent = st_hwpt(abi, device.idev, ioas, DIRTY | NEST);
	nested = st_nested(abi, device.idev, parent, 0, 0);
	expect(st_replace_by(abi, without.id, tracking), -EINVAL);
	expect(st_mock_domain_flags(abi, tracking, NO_DIRTY, &failed), -EINVAL);
	ok(st_replace_by(abi, without.id, plain));
	/* What is nested does not track by itself. */
	ok(st_replace_by(abi, without.id, nested));
	ok(st_replace_by(abi, device.id, tracking));
}

/* ---- the end ---- */

/* 3.6: the iommufd is not held; closing it ends everything. */
static void close_ends_mock_devices(struct abi *abi)
{
	void *memory = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi), viommu, vdevice;
	struct stdev stdev;

	ok(abi_map_at(abi, ioas, RW, memory, PAGE, BASE));
	stdev = st_new(abi, ioas);
	st_new_flags(abi, ioas, WITH_PASID);
	ok(abi_viommu(abi, stdev.idev, st_hwpt(abi, stdev.idev, ioas, NEST), &viommu));
	ok(abi_vdevice(abi, viommu, stdev.idev, 7, &vdevice));
	ok(st_check_refs(abi, memory, PAGE, 1));
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	/* No page is pinned by anybody, and numbers begin again. */
	ok(st_check_refs(abi, memory, PAGE, 0));
	expect_stdev(st_new(abi, abi_ioas(abi)), 2, 3, 4);
}

/* iommufd-objects.md 6.4.3: the vdevice has a higher id than the device that takes it along. */
static void close_with_vdevices_of_several_devices(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), viommu = 0, vdevice, parent = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct stdev stdev = st_new(abi, ioas);

		if (!parent) {
			parent = st_hwpt(abi, stdev.idev, ioas, NEST);
			ok(abi_viommu(abi, stdev.idev, parent, &viommu));
		}
		ok(abi_vdevice(abi, viommu, stdev.idev, i + 1, &vdevice));
		ok(st_replace_by(abi, stdev.id, st_nested(abi, stdev.idev, viommu, 0, 0)));
	}
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	assert_int_equal(abi_ioas(abi), 1);
}

/* 15: the last row but one. */
static void destroy_takes_the_vdevice_along(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), viommu, vdevice, parent, nested;
	struct stdev stdev = st_new(abi, ioas), other;

	parent = st_hwpt(abi, stdev.idev, ioas, NEST);
	ok(abi_viommu(abi, stdev.idev, parent, &viommu));
	ok(abi_vdevice(abi, viommu, stdev.idev, 0x99, &vdevice));
	nested = st_nested(abi, stdev.idev, viommu, 0, 0);
	ok(st_replace_by(abi, stdev.id, nested));
	expect(abi_destroy(abi, viommu), -EBUSY);
	ok(abi_destroy(abi, stdev.id));
	expect(abi_destroy(abi, vdevice), -ENOENT);
	expect(abi_destroy(abi, viommu), -EBUSY);
	ok(abi_destroy(abi, nested));
	/* The id is never used again, the virtual id is free. */
	other = st_new(abi, ioas);
	for (unsigned i = 0; i < 8; i++)
		assert_int_not_equal(abi_ioas(abi), vdevice);
	ok(abi_vdevice(abi, viommu, other.idev, 0x99, &vdevice));
	ok(abi_destroy(abi, vdevice));
	ok(abi_destroy(abi, viommu));
}

/* A client's mistake (3.1): what PASIDs hold stays to the end, and so do they. */
static void pasids_keep_a_destroyed_device(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), hwpt, rid, viommu, vdevice;
	struct stdev keeper = st_new(abi, ioas), stdev;

	rid = st_hwpt(abi, keeper.idev, ioas, IOMMU_HWPT_ALLOC_PASID | NEST);
	hwpt = st_hwpt(abi, keeper.idev, ioas, IOMMU_HWPT_ALLOC_PASID);
	stdev = st_new_flags(abi, rid, WITH_PASID);
	ok(abi_viommu(abi, stdev.idev, rid, &viommu));
	ok(abi_vdevice(abi, viommu, stdev.idev, 1, &vdevice));
	ok(st_pasid_attach_to(abi, stdev.id, 5, hwpt));
	ok(st_pasid_attach_to(abi, stdev.id, IOMMU_TEST_PASID_RESERVED, hwpt));
	ok(abi_destroy(abi, stdev.id));
	expect(abi_destroy(abi, stdev.id), -ENOENT);
	expect(abi_destroy(abi, stdev.idev), -EBUSY);
	expect(abi_destroy(abi, hwpt), -EBUSY);
	/* The requester id, and the vdevice, were given up. */
	expect(abi_destroy(abi, vdevice), -ENOENT);
	ok(abi_destroy(abi, viommu));
	ok(abi_destroy(abi, rid));
	/* It answers as before, but for what it can have no more. */
	ok(check_cache(abi, stdev.idev));
	ok(hw_info(abi, stdev.idev));
	ok(trigger_iopf(abi, stdev.idev));
	rid = st_hwpt(abi, stdev.idev, ioas, NEST);
	ok(abi_viommu(abi, stdev.idev, rid, &viommu));
	expect(abi_vdevice(abi, viommu, stdev.idev, 1, &vdevice), -ENOENT);
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	assert_int_equal(abi_ioas(abi), 1);
}

/* The same for a device that the end of the context destroys. */
static void close_with_pasids(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), hwpt;
	struct stdev keeper = st_new(abi, ioas), stdev;

	hwpt = st_hwpt(abi, keeper.idev, ioas, IOMMU_HWPT_ALLOC_PASID);
	stdev = st_new_flags(abi, hwpt, WITH_PASID);
	ok(st_pasid_attach_to(abi, stdev.id, 5, hwpt));
	stdev = st_new_flags(abi, hwpt, WITH_PASID);
	ok(st_pasid_attach_to(abi, stdev.id, 5, hwpt));
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	assert_int_equal(abi_ioas(abi), 1);
}

/* 3.1: each is in a group of its own. */
static void devices_do_not_share_groups(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi);
	struct stdev devices[3];

	for (unsigned i = 0; i < COUNT(devices); i++)
		devices[i] = st_new(abi, ioas);
	ok(st_replace_by(abi, devices[1].id, other));
	assert_int_equal(devices[0].hwpt, devices[2].hwpt);
	ok(st_pasid_check(abi, devices[0].id, 0, devices[0].hwpt));
	expect(st_pasid_check(abi, devices[1].id, 0, devices[0].hwpt), -EINVAL);
	ok(st_pasid_check(abi, devices[2].id, 0, devices[0].hwpt));
}

/* Contexts are apart, though the mock IOMMU is one. */
static void contexts_have_devices_of_their_own(struct abi *abi)
{
	int first = abi->ctx;
	uint32_t ioas = abi_ioas(abi);
	struct stdev stdev = st_new(abi, ioas);

	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	expect(st_replace_by(abi, stdev.id, 1), -ENOENT);
	expect_stdev(st_new(abi, abi_ioas(abi)), 2, 3, 4);
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = first;
	ok(st_replace_by(abi, stdev.id, ioas));
}

int main(void)
{
	abi_on(abi_selftest, ids_on_a_fresh_context);
	abi_on(abi_selftest, ids_on_a_hwpt);
	abi_on(abi_selftest, replace_takes_an_id_for_a_new_hwpt_only);
	abi_on(abi_selftest, what_cannot_be_attached_leaves_nothing);
	abi_on(abi_selftest, device_flags_are_two);
	abi_on(abi_selftest, answers_that_do_not_arrive);
	abi_on(abi_selftest, a_domain_has_to_suit_what_is_mapped);
	abi_rows(abi_selftest, handles, handle);
	abi_on(abi_selftest, flags_show_in_hw_info);
	abi_on(abi_selftest, a_device_without_dirty_tracking_wants_none);
	abi_on(abi_selftest, close_ends_mock_devices);
	abi_on(abi_selftest, close_with_vdevices_of_several_devices);
	abi_on(abi_selftest, destroy_takes_the_vdevice_along);
	abi_on(abi_selftest, pasids_keep_a_destroyed_device);
	abi_on(abi_selftest, close_with_pasids);
	abi_on(abi_selftest, devices_do_not_share_groups);
	abi_on(abi_selftest, contexts_have_devices_of_their_own);
	return abi_run("selftest_device");
}
