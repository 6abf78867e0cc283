// SPDX-License-Identifier: MIT
/* HWPT_ALLOC and GET_HW_INFO (iommufd-ioctls.md 14, 15, 18; vtd.md 1, 2; iommufd-test-abi.md 3, 4,
 * 6). */
#include "abi.h"

enum {
	NEST = IOMMU_HWPT_ALLOC_NEST_PARENT,
	DIRTY = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
	FAULT = IOMMU_HWPT_FAULT_ID_VALID,
	PASID = IOMMU_HWPT_ALLOC_PASID,
};

/* What dev_id and pt_id can be. */
enum kind { DEVICE, IOAS, MANUAL, AUTOMATIC, PARENT, NESTED, VIOMMU, VDEVICE, NOBODY, ZERO, KINDS };

struct alloc_row {
	const char *name;
	uint32_t flags;
	enum kind dev, pt;
	uint32_t type, len;
	int want;
};

#define S1   IOMMU_HWPT_DATA_VTD_S1
#define TEST IOMMU_HWPT_DATA_SELFTEST

/* What any IOMMU answers, in the order of 15. S1 is always a wrong type on the mock, TEST on VT-d.
 */
static const struct alloc_row any_allocs[] = {
	{"plain", 0, DEVICE, IOAS, 0, 0, 0},
	{"nest parent", NEST, DEVICE, IOAS, 0, 0, 0},
	{"for PASIDs", PASID, DEVICE, IOAS, 0, 0, 0},
	{"nest parent for PASIDs", NEST | PASID, DEVICE, IOAS, 0, 0, 0},
	{"step 2: a length without a type", 0, NOBODY, NOBODY, 0, 24, -EINVAL},
	{"step 2: a type without a length", 0, NOBODY, NOBODY, S1, 0, -EINVAL},
	{"step 3: no such device", 0, NOBODY, NOBODY, 0, 0, -ENOENT},
	{"step 3: device 0", 0, ZERO, IOAS, 0, 0, -ENOENT},
	{"step 3: an IOAS is no device", 0, IOAS, IOAS, 0, 0, -ENOENT},
	{"step 3: a HWPT is no device", 0, MANUAL, IOAS, 0, 0, -ENOENT},
	{"step 4: no such pt_id", 0, DEVICE, NOBODY, 0, 0, -EINVAL},
	{"step 4: pt_id 0", 0, DEVICE, ZERO, 0, 0, -EINVAL},
	{"step 4 comes before flags", 1u << 31, DEVICE, NOBODY, 0, 0, -EINVAL},
	{"step 5: on a device", 0, DEVICE, DEVICE, 0, 0, -EINVAL},
	{"step 5: on a nested HWPT", 0, DEVICE, NESTED, TEST, 4, -EINVAL},
	{"on an IOAS: unknown flags", 16, DEVICE, IOAS, 0, 0, -EOPNOTSUPP},
	{"on an IOAS: all flags", ~0u, DEVICE, IOAS, 0, 0, -EOPNOTSUPP},
	{"on an IOAS: dirty tracking", DIRTY, DEVICE, IOAS, 0, 0, 0},
	{"on an IOAS: nest parent with dirty tracking", NEST | DIRTY, DEVICE, IOAS, 0, 0, 0},
	{"on an IOAS: faults of a nest parent", FAULT | NEST, DEVICE, IOAS, 0, 0, -EOPNOTSUPP},
	/* Nothing makes fault objects for now, so that no id is one. */
	{"step 6: no such fault object", FAULT, DEVICE, IOAS, 0, 0, -ENOENT},
	{"step 6: no such fault object, for PASIDs", FAULT | PASID, DEVICE, IOAS, 0, 0, -ENOENT},
	{"on a parent: no data", 0, DEVICE, PARENT, 0, 0, -EOPNOTSUPP},
	{"on a parent: nest parent", NEST, DEVICE, PARENT, S1, 24, -EOPNOTSUPP},
	{"on a parent: dirty tracking", DIRTY, DEVICE, PARENT, S1, 24, -EOPNOTSUPP},
	{"on a parent: unknown flags", 16, DEVICE, PARENT, S1, 24, -EOPNOTSUPP},
	{"on a HWPT that is no parent: no data", 0, DEVICE, MANUAL, 0, 0, -EOPNOTSUPP},
	{"on a HWPT that is no parent", 0, DEVICE, MANUAL, S1, 24, -EINVAL},
	{"on an automatic HWPT", 0, DEVICE, AUTOMATIC, S1, 24, -EINVAL},
	{"what is wrong with the parent comes before the type", 0, DEVICE, MANUAL, 77, 24, -EINVAL},
	{"on a parent: type of nobody", 0, DEVICE, PARENT, 77, 24, -EOPNOTSUPP},
	{"on a parent: type of SMMUv3", 0, DEVICE, PARENT, IOMMU_HWPT_DATA_ARM_SMMUV3, 16,
	 -EOPNOTSUPP},
};

static const struct alloc_row vtd_allocs[] = {
	{"on an IOAS: data", 0, DEVICE, IOAS, S1, 24, -EOPNOTSUPP},
	{"on an IOAS: data of another type", 0, DEVICE, IOAS, 77, 1, -EOPNOTSUPP},
	{"nested: 24 bytes", 0, DEVICE, PARENT, S1, 24, 0},
	{"nested, for PASIDs", PASID, DEVICE, PARENT, S1, 24, 0},
	{"nested: 23 bytes", 0, DEVICE, PARENT, S1, 23, -EINVAL},
	{"nested: 20 bytes", 0, DEVICE, PARENT, S1, 20, -EINVAL},
	{"nested: 1 byte", 0, DEVICE, PARENT, S1, 1, -EINVAL},
	{"nested: 25 bytes, although the last is 0", 0, DEVICE, PARENT, S1, 25, -EINVAL},
	{"nested: a page", 0, DEVICE, PARENT, S1, 4096, -EINVAL},
	{"nested: data of the mock", 0, DEVICE, PARENT, TEST, 8, -EOPNOTSUPP},
	{"nested: no such fault object", FAULT, DEVICE, PARENT, S1, 24, -ENOENT},
};

static const struct alloc_row mock_allocs[] = {
	{"on an IOAS: 4 bytes", 0, DEVICE, IOAS, TEST, 4, 0},
	{"on an IOAS: 8 bytes", 0, DEVICE, IOAS, TEST, 8, 0},
	{"on an IOAS: 3 bytes", 0, DEVICE, IOAS, TEST, 3, -EINVAL},
	{"on an IOAS: 9 bytes", 0, DEVICE, IOAS, TEST, 9, -EINVAL},
	{"on an IOAS: data of VT-d", 0, DEVICE, IOAS, S1, 24, -EOPNOTSUPP},
	{"nest parent with data", NEST, DEVICE, IOAS, TEST, 8, 0},
	{"nested: 4 bytes", 0, DEVICE, PARENT, TEST, 4, 0},
	{"nested: 8 bytes", 0, DEVICE, PARENT, TEST, 8, 0},
	{"nested, for PASIDs", PASID, DEVICE, PARENT, TEST, 8, 0},
	{"nested: 3 bytes", 0, DEVICE, PARENT, TEST, 3, -EINVAL},
	{"nested: 9 bytes", 0, DEVICE, PARENT, TEST, 9, -EINVAL},
	{"nested: data of VT-d", 0, DEVICE, PARENT, S1, 24, -EOPNOTSUPP},
	{"nested: no such fault object", FAULT, DEVICE, PARENT, TEST, 8, -ENOENT},
	{"on a vIOMMU: 8 bytes", 0, DEVICE, VIOMMU, TEST, 8, 0},
	{"on a vIOMMU, for PASIDs", PASID, DEVICE, VIOMMU, TEST, 8, 0},
	{"on a vIOMMU: no data", 0, DEVICE, VIOMMU, 0, 0, -EOPNOTSUPP},
	{"on a vIOMMU: nest parent", NEST, DEVICE, VIOMMU, TEST, 8, -EOPNOTSUPP},
	{"on a vIOMMU: dirty tracking", DIRTY, DEVICE, VIOMMU, TEST, 8, -EOPNOTSUPP},
	{"on a vIOMMU: unknown flags", 16, DEVICE, VIOMMU, TEST, 8, -EOPNOTSUPP},
	{"on a vIOMMU: data of VT-d", 0, DEVICE, VIOMMU, S1, 24, -EOPNOTSUPP},
	{"on a vIOMMU: 3 bytes", 0, DEVICE, VIOMMU, TEST, 3, -EINVAL},
	{"on a vIOMMU: no such fault object", FAULT, DEVICE, VIOMMU, TEST, 8, -ENOENT},
	{"on a vdevice", 0, DEVICE, VDEVICE, TEST, 8, -EINVAL},
	{"a vIOMMU is no device", 0, VIOMMU, IOAS, 0, 0, -ENOENT},
	{"a vdevice is no device", 0, VDEVICE, IOAS, 0, 0, -ENOENT},
};

/* One of each kind that the IOMMU has; those it has not are NOBODY. */
static void make_ids(struct abi *abi, uint32_t ids[KINDS])
{
	ids[NOBODY] = ids[VIOMMU] = ids[VDEVICE] = NO_ID;
	ids[ZERO] = 0;
	ids[DEVICE] = abi_bound(abi, 0);
	ids[IOAS] = abi_ioas(abi);
	ids[MANUAL] = abi_paging(abi, 0, ids[IOAS]);
	ids[AUTOMATIC] = abi_attached(abi, 0, ids[IOAS]);
	ids[PARENT] = abi_parent(abi, 0, ids[IOAS]);
	ids[NESTED] = abi_nested(abi, 0, ids[PARENT]);
	if (!abi->mock)
		return;
	ok(abi_viommu(abi, ids[DEVICE], ids[PARENT], &ids[VIOMMU]));
	ok(abi_vdevice(abi, ids[VIOMMU], ids[DEVICE], 1, &ids[VDEVICE]));
}

static void run_alloc(struct abi *abi)
{
	static const uint8_t zero[4096];
	const struct alloc_row *row = abi->row;
	const struct abi_data data = {row->type, row->len, zero};
	uint32_t ids[KINDS], next, id;

	make_ids(abi, ids);
	next = abi_next_id(abi);
	expect(abi_hwpt(abi, ids[row->dev], ids[row->pt], row->flags, &data, &id), row->want);
	if (!row->want) {
		assert_int_equal(id, next);
		ok(abi_destroy(abi, id));
	}
	assert_int_equal(abi_next_id(abi), next);
}

static void alloc_on_vtd(struct abi *abi)
{
	run_alloc(abi);
}

static void alloc_on_mock(struct abi *abi)
{
	run_alloc(abi);
}

/* vtd.md 2: what is in the structure is looked at when it is attached, not here. */
static void vtd_takes_any_content_of_nested_data(struct abi *abi)
{
	static const struct iommu_hwpt_vtd_s1 contents[] = {
		{.flags = ~0ull, .addr_width = 48},
		{.pgtbl_addr = ~0ull, .addr_width = 48},
		{.addr_width = 0},
		{.addr_width = 57},
		{.addr_width = 48, .__reserved = 1},
	};
	uint32_t ids[KINDS], id;

	make_ids(abi, ids);
	for (unsigned i = 0; i < COUNT(contents); i++) {
		const struct abi_data data = {S1, sizeof(contents[i]), &contents[i]};

		ok(abi_hwpt(abi, ids[DEVICE], ids[PARENT], 0, &data, &id));
	}
}

/* iommufd-test-abi.md 4.1 */
static void mock_page_tables_are_of_two_types(struct abi *abi)
{
	struct iommu_hwpt_selftest selftest = {.iotlb = 77};
	const struct abi_data data = {TEST, sizeof(selftest), &selftest};
	uint32_t devid = abi_bound(abi, 0), id;

	for (; selftest.pagetable_type < 4; selftest.pagetable_type++)
		expect(abi_hwpt(abi, devid, abi_ioas(abi), 0, &data, &id),
		       selftest.pagetable_type < 2 ? 0 : -EOPNOTSUPP);
}

/* 15.5: a parent of another IOMMU driver, a vIOMMU of another IOMMU. */
static void parents_of_another_iommu_are_einval(struct abi *abi)
{
	const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 48};
	const struct abi_data data = {S1, sizeof(s1), &s1};
	uint32_t vtd_dev = abi_bound(abi, 0), mock_dev = abi_bound(abi, 1), ioas = abi_ioas(abi);
	uint32_t mock_parent = abi_parent(abi, 1, ioas), vtd_parent = abi_parent(abi, 0, ioas);
	uint32_t viommu, id;

	ok(abi_viommu(abi, mock_dev, mock_parent, &viommu));
	expect(abi_hwpt(abi, vtd_dev, mock_parent, 0, &data, &id), -EINVAL);
	expect(abi_hwpt(abi, mock_dev, vtd_parent, 0, &data, &id), -EINVAL);
	expect(abi_hwpt(abi, vtd_dev, viommu, 0, &data, &id), -EINVAL);
	/* On a vIOMMU that is judged before the flags are. */
	expect(abi_hwpt(abi, vtd_dev, viommu, ~0u, &data, &id), -EINVAL);
	ok(abi_hwpt(abi, vtd_dev, vtd_parent, 0, &data, &id));
}

/* 1.3: the whole struct comes back, inputs as they were. */
static void the_answer_changes_the_id_only(struct abi *abi)
{
	struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd),
				       .out_hwpt_id = 77,
				       .fault_id = 5,
				       .__reserved2 = 6};
	struct iommu_hwpt_alloc want;

	cmd.dev_id = abi_bound(abi, 0);
	cmd.pt_id = abi_ioas(abi);
	want = cmd;
	want.out_hwpt_id = abi_next_id(abi);
	ok(abi_ioctl(abi, IOMMU_HWPT_ALLOC, &cmd));
	assert_memory_equal(&cmd, &want, sizeof(cmd));
}

/* iommufd-objects.md 7: a HWPT holds what it was made on, nothing else. */
static void hwpts_hold_what_is_below_them(struct abi *abi)
{
	uint32_t ids[KINDS];

	make_ids(abi, ids);
	ok(abi_detach(abi, 0));
	expect(abi_destroy(abi, ids[AUTOMATIC]), -ENOENT);
	expect(abi_destroy(abi, ids[IOAS]), -EBUSY);
	expect(abi_destroy(abi, ids[PARENT]), -EBUSY);
	ok(abi_destroy(abi, ids[MANUAL]));
	ok(abi_destroy(abi, ids[NESTED]));
	if (abi->mock) {
		expect(abi_destroy(abi, ids[PARENT]), -EBUSY);
		ok(abi_destroy(abi, ids[VDEVICE]));
		ok(abi_destroy(abi, ids[VIOMMU]));
	}
	expect(abi_destroy(abi, ids[IOAS]), -EBUSY);
	ok(abi_destroy(abi, ids[PARENT]));
	ok(abi_destroy(abi, ids[IOAS]));
	/* The device is not held by any of them. */
	expect(abi_destroy(abi, ids[DEVICE]), -EBUSY);
}

/* iommufd-objects.md 7: the device that a HWPT was made for may go; the HWPT stays. */
static void a_hwpt_outlives_its_device(struct abi *abi)
{
	void *memory = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi), hwpt;

	abi_bound(abi, 0);
	hwpt = abi_paging(abi, 0, ioas);
	abi_close(abi, 0);
	ok(abi_map_at(abi, ioas, RW, memory, PAGE, 0x2000000));
	abi_bound(abi, 1);
	abi_attached(abi, 1, hwpt);
	assert_true(abi_sees(abi, 1, 0x2000000, memory));
}

/* ---- GET_HW_INFO ---- */

struct info_row {
	const char *name;
	const struct abi_machine *machine;
	uint32_t flags, type, room;
	int want;
};

static const struct info_row infos[] = {
	{"vtd", &abi_vtd, 0, 0, 24, 0},
	{"vtd by its type", &abi_vtd, 1, IOMMU_HW_INFO_TYPE_INTEL_VTD, 24, 0},
	{"vtd by the default type", &abi_vtd, 1, 0, 24, 0},
	{"vtd as SMMUv3", &abi_vtd, 1, IOMMU_HW_INFO_TYPE_ARM_SMMUV3, 24, -EOPNOTSUPP},
	{"vtd as the mock", &abi_vtd, 1, IOMMU_HW_INFO_TYPE_SELFTEST, 24, -EOPNOTSUPP},
	{"vtd, no room", &abi_vtd, 0, 0, 0, 0},
	{"vtd, one byte", &abi_vtd, 0, 0, 1, 0},
	{"vtd, room for less", &abi_vtd, 0, 0, 12, 0},
	{"vtd, room for more", &abi_vtd, 0, 0, 40, 0},
	{"vtd, room for much more", &abi_vtd, 0, 0, 600, 0},
	{"mock", &abi_mock, 0, 0, 8, 0},
	{"mock by its type", &abi_mock, 1, IOMMU_HW_INFO_TYPE_SELFTEST, 8, 0},
	{"mock as VT-d", &abi_mock, 1, IOMMU_HW_INFO_TYPE_INTEL_VTD, 8, -EOPNOTSUPP},
	{"mock, room for less", &abi_mock, 0, 0, 4, 0},
	{"mock, room for more", &abi_mock, 0, 0, 700, 0},
};

/* 14.5, 14.6; vtd.md 1; iommufd-test-abi.md 3.4 */
static const struct iommu_hw_info_vtd vtd_info = {.flags = 1,
						  .cap_reg = 0x01D2008C402F0406,
						  .ecap_reg = 0x0001ED9CA40050C7};
static const struct iommu_test_hw_info mock_info = {0, IOMMU_HW_INFO_SELFTEST_REGVAL};

static void expect_info(const struct info_row *row, const struct iommu_hw_info *cmd,
			const uint8_t *buf, size_t size)
{
	bool is_mock = row->machine == &abi_mock;
	uint32_t have = is_mock ? sizeof(mock_info) : sizeof(vtd_info);
	const uint8_t *want = is_mock ? (const uint8_t *)&mock_info : (const uint8_t *)&vtd_info;

	assert_int_equal(cmd->data_len, have);
	assert_int_equal(cmd->out_data_type,
			 is_mock ? IOMMU_HW_INFO_TYPE_SELFTEST : IOMMU_HW_INFO_TYPE_INTEL_VTD);
	/* No PASIDs, no ATS. */
	assert_int_equal(cmd->out_capabilities,
			 IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
	assert_int_equal(cmd->out_max_pasid_log2, 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(buf[i], i >= row->room ? 0xee : i < have ? want[i] : 0);
}

static void hw_info(struct abi *abi)
{
	const struct info_row *row = abi->row;
	uint8_t buf[1024];
	struct iommu_hw_info cmd = {
		.size = sizeof(cmd),
		.flags = row->flags,
		.in_data_type = row->type,
		.data_len = row->room,
		.data_uptr = ADDR(buf),
		.out_max_pasid_log2 = 9,
		.out_capabilities = ULAST,
	};

	abi_init(abi, row->machine);
	memset(buf, 0xee, sizeof(buf));
	cmd.dev_id = abi_bound(abi, 0);
	expect(abi_ioctl(abi, IOMMU_GET_HW_INFO, &cmd), row->want);
	if (!row->want)
		expect_info(row, &cmd, buf, sizeof(buf));
	else
		assert_int_equal(buf[0], 0xee);
	abi_fini(abi);
}

/* 14.3: the device is looked up before its IOMMU is asked. */
static void hw_info_wants_a_device(struct abi *abi)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd), .flags = 1, .in_data_type = 77};
	uint32_t ids[KINDS];

	make_ids(abi, ids);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		cmd.dev_id = ids[kind];
		expect(abi_ioctl(abi, IOMMU_GET_HW_INFO, &cmd),
		       kind == DEVICE ? -EOPNOTSUPP : -ENOENT);
	}
}

int main(void)
{
	abi_rows(abi_vtd, any_allocs, alloc_on_vtd);
	abi_rows(abi_mock, any_allocs, alloc_on_mock);
	abi_rows(abi_vtd, vtd_allocs, alloc_on_vtd);
	abi_rows(abi_mock, mock_allocs, alloc_on_mock);
	abi_on(abi_vtd, vtd_takes_any_content_of_nested_data);
	abi_on(abi_mock, mock_page_tables_are_of_two_types);
	abi_on(abi_mixed, parents_of_another_iommu_are_einval);
	abi_both(the_answer_changes_the_id_only);
	abi_both(hwpts_hold_what_is_below_them);
	abi_library(abi_both(a_hwpt_outlives_its_device));
	abi_rows(abi_none, infos, hw_info);
	abi_both(hw_info_wants_a_device);
	return abi_run("hwpt");
}
