// SPDX-License-Identifier: MIT
/*
 * VIOMMU_ALLOC and VDEVICE_ALLOC, and nested HWPTs on a vIOMMU of the mock
 * (iommufd-ioctls.md 20, 21; iommufd-objects.md 12.2; iommufd-test-abi.md 8).
 */
#include "abi.h"

/* ---- VIOMMU_ALLOC ---- */

enum kind { DEVICE, IOAS, MANUAL, AUTOMATIC, PARENT, NESTED, VIOMMU, VDEVICE, NOBODY, KINDS };

struct viommu_row {
	const char *name;
	uint32_t type;
	enum kind dev, hwpt;
	int want;
};

#define TYPE IOMMU_VIOMMU_TYPE_SELFTEST

static const struct viommu_row viommus[] = {
	{"on a parent", TYPE, DEVICE, PARENT, 0},
	{"step 1: type 0", 0, NOBODY, NOBODY, -EOPNOTSUPP},
	{"step 2: no such device", TYPE, NOBODY, NOBODY, -ENOENT},
	{"step 2: an IOAS is no device", TYPE, IOAS, PARENT, -ENOENT},
	{"step 2: a vIOMMU is no device", TYPE, VIOMMU, PARENT, -ENOENT},
	{"step 2: a vdevice is no device", TYPE, VDEVICE, PARENT, -ENOENT},
	{"step 2 comes before the type", 1, NOBODY, PARENT, -ENOENT},
	{"step 3: a type the driver has not", IOMMU_VIOMMU_TYPE_ARM_SMMUV3, DEVICE, NOBODY,
	 -EOPNOTSUPP},
	{"step 3: a type that nobody has", 77, DEVICE, NOBODY, -EOPNOTSUPP},
	{"step 4: no such HWPT", TYPE, DEVICE, NOBODY, -ENOENT},
	{"step 4: an IOAS is no HWPT", TYPE, DEVICE, IOAS, -ENOENT},
	{"step 4: a nested HWPT is not paging", TYPE, DEVICE, NESTED, -ENOENT},
	{"step 4: a vIOMMU is no HWPT", TYPE, DEVICE, VIOMMU, -ENOENT},
	{"step 5: no nest parent", TYPE, DEVICE, MANUAL, -EINVAL},
	{"step 5: automatic", TYPE, DEVICE, AUTOMATIC, -EINVAL},
};

static void make_ids(struct abi *abi, uint32_t ids[KINDS])
{
	ids[NOBODY] = NO_ID;
	ids[DEVICE] = abi_bound(abi, 0);
	ids[IOAS] = abi_ioas(abi);
	ids[MANUAL] = abi_paging(abi, 0, ids[IOAS]);
	ids[AUTOMATIC] = abi_attached(abi, 0, ids[IOAS]);
	ids[PARENT] = abi_parent(abi, 0, ids[IOAS]);
	ids[NESTED] = abi_nested(abi, 0, ids[PARENT]);
	ok(abi_viommu(abi, ids[DEVICE], ids[PARENT], &ids[VIOMMU]));
	ok(abi_vdevice(abi, ids[VIOMMU], ids[DEVICE], 1, &ids[VDEVICE]));
}

static void viommu_alloc(struct abi *abi)
{
	const struct viommu_row *row = abi->row;
	struct iommu_viommu_alloc cmd = {.size = sizeof(cmd), .type = row->type};
	uint32_t ids[KINDS], next;

	make_ids(abi, ids);
	next = abi_next_id(abi);
	cmd.dev_id = ids[row->dev];
	cmd.hwpt_id = ids[row->hwpt];
	expect(abi_ioctl(abi, IOMMU_VIOMMU_ALLOC, &cmd), row->want);
	if (!row->want) {
		assert_int_equal(cmd.out_viommu_id, next);
		ok(abi_destroy(abi, next));
	}
	assert_int_equal(abi_next_id(abi), next);
}

/* vtd.md 6.6 */
static void vtd_has_no_viommus(struct abi *abi)
{
	uint32_t devid = abi_bound(abi, 0), parent = abi_parent(abi, 0, abi_ioas(abi));
	struct iommu_viommu_alloc cmd = {.size = sizeof(cmd), .dev_id = devid, .hwpt_id = parent};
	static const uint32_t types[] = {0, 1, 2, TYPE, ~0u};

	for (unsigned i = 0; i < COUNT(types); i++) {
		cmd.type = types[i];
		expect(abi_ioctl(abi, IOMMU_VIOMMU_ALLOC, &cmd), -EOPNOTSUPP);
	}
	cmd.dev_id = NO_ID;
	expect(abi_ioctl(abi, IOMMU_VIOMMU_ALLOC, &cmd), -ENOENT);
}

/* 20: it holds its parent, not the device. */
static void a_viommu_outlives_its_device(struct abi *abi)
{
	uint32_t parent, viommu, vdevice;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, abi_ioas(abi));
	ok(abi_viommu(abi, abi->devid[0], parent, &viommu));
	abi_close(abi, 0);
	expect(abi_destroy(abi, parent), -EBUSY);
	abi_bound(abi, 1);
	ok(abi_vdevice(abi, viommu, abi->devid[1], 1, &vdevice));
	abi_nested(abi, 1, viommu);
}

/* iommufd-objects.md 7: what is made from a vIOMMU holds it. */
static void a_viommu_is_held_by_its_children(struct abi *abi)
{
	uint32_t parent, viommu, vdevice, nested;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, abi_ioas(abi));
	ok(abi_viommu(abi, abi->devid[0], parent, &viommu));
	ok(abi_vdevice(abi, viommu, abi->devid[0], 1, &vdevice));
	nested = abi_nested(abi, 0, viommu);
	expect(abi_destroy(abi, viommu), -EBUSY);
	ok(abi_destroy(abi, nested));
	expect(abi_destroy(abi, viommu), -EBUSY);
	expect(abi_destroy(abi, parent), -EBUSY);
	ok(abi_destroy(abi, vdevice));
	expect(abi_destroy(abi, parent), -EBUSY);
	ok(abi_destroy(abi, viommu));
	ok(abi_destroy(abi, parent));
}

/* ---- VDEVICE_ALLOC ---- */

/* Two vIOMMUs on one parent; both devices are bound. */
struct vdevices {
	uint32_t viommu[2], next;
};

static void make_viommus(struct abi *abi, struct vdevices *v)
{
	uint32_t parent;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	parent = abi_parent(abi, 0, abi_ioas(abi));
	ok(abi_viommu(abi, abi->devid[0], parent, &v->viommu[0]));
	ok(abi_viommu(abi, abi->devid[1], parent, &v->viommu[1]));
	v->next = abi_next_id(abi);
}

struct vdevice_row {
	const char *name;
	unsigned viommu, dev; /* there is already device 0 on vIOMMU 0 with virtual id 7 */
	uint64_t virt_id;
	int want;
};

static const struct vdevice_row vdevices[] = {
	{"the same again", 0, 0, 7, -EEXIST},
	{"the device with another virtual id", 0, 0, 8, -EEXIST},
	{"the device on another vIOMMU", 1, 0, 7, -EEXIST},
	{"the virtual id for another device", 0, 1, 7, -EEXIST},
	{"another virtual id for another device", 0, 1, 8, 0},
	{"the virtual id on another vIOMMU", 1, 1, 7, 0},
	{"a virtual id with the same low half", 0, 1, 7 | 1ull << 32, 0},
	{"virtual id 0", 0, 1, 0, 0},
	{"virtual id 2^64 - 1", 0, 1, ULAST, 0},
};

static void vdevice_alloc(struct abi *abi)
{
	const struct vdevice_row *row = abi->row;
	struct vdevices v;
	uint32_t first, id;

	make_viommus(abi, &v);
	ok(abi_vdevice(abi, v.viommu[0], abi->devid[0], 7, &first));
	assert_int_equal(first, v.next);
	expect(abi_vdevice(abi, v.viommu[row->viommu], abi->devid[row->dev], row->virt_id, &id),
	       row->want);
	if (row->want) {
		assert_int_equal(abi_next_id(abi), v.next + 1);
		ok(abi_destroy(abi, first));
		ok(abi_vdevice(abi, v.viommu[row->viommu], abi->devid[row->dev], row->virt_id,
			       &id));
		assert_int_equal(id, v.next);
	} else {
		assert_int_equal(id, v.next + 1);
	}
}

/* 21 */
static void vdevice_alloc_wants_a_viommu_and_a_device(struct abi *abi)
{
	uint32_t ids[KINDS], id;

	make_ids(abi, ids);
	ok(abi_destroy(abi, ids[VDEVICE]));
	for (unsigned kind = 0; kind < KINDS; kind++) {
		if (kind != VIOMMU)
			expect(abi_vdevice(abi, ids[kind], ids[DEVICE], 1, &id), -ENOENT);
		if (kind != DEVICE)
			expect(abi_vdevice(abi, ids[VIOMMU], ids[kind], 1, &id), -ENOENT);
	}
	expect(abi_vdevice(abi, ids[VIOMMU], 0, 1, &id), -ENOENT);
	expect(abi_vdevice(abi, 0, ids[DEVICE], 1, &id), -ENOENT);
	ok(abi_vdevice(abi, ids[VIOMMU], ids[DEVICE], 1, &id));
}

/* 12.2 */
static void a_device_behind_another_iommu_is_einval(struct abi *abi)
{
	uint32_t viommu, id;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	ok(abi_viommu(abi, abi->devid[1], abi_parent(abi, 1, abi_ioas(abi)), &viommu));
	expect(abi_vdevice(abi, viommu, abi->devid[0], 1, &id), -EINVAL);
	ok(abi_vdevice(abi, viommu, abi->devid[1], 1, &id));
}

/* ---- nested HWPTs on a vIOMMU (iommufd-test-abi.md 8.3) ---- */

static void attach_wants_a_vdevice(struct abi *abi)
{
	struct vdevices v;
	uint32_t nested, id;

	make_viommus(abi, &v);
	nested = abi_nested(abi, 0, v.viommu[0]);
	expect(abi_attach_to(abi, 0, nested), -ENOENT);
	ok(abi_vdevice(abi, v.viommu[0], abi->devid[0], 7, &id));
	abi_attached(abi, 0, nested);
	expect(abi_attach_to(abi, 1, nested), -ENOENT);
	expect(abi_destroy(abi, nested), -EBUSY);
	ok(abi_detach(abi, 0));
	ok(abi_destroy(abi, nested));
}

static void a_vdevice_on_another_viommu_is_not_enough(struct abi *abi)
{
	struct vdevices v;
	uint32_t nested, id;

	make_viommus(abi, &v);
	nested = abi_nested(abi, 0, v.viommu[0]);
	ok(abi_vdevice(abi, v.viommu[1], abi->devid[0], 7, &id));
	expect(abi_attach_to(abi, 0, nested), -ENOENT);
	ok(abi_destroy(abi, id));
	ok(abi_vdevice(abi, v.viommu[0], abi->devid[0], 7, &id));
	abi_attached(abi, 0, nested);
}

/* 8.3; iommufd-objects.md 12.5, row 15 */
static void an_attachment_outlives_the_vdevice(struct abi *abi)
{
	struct vdevices v;
	uint32_t nested, other, id;

	make_viommus(abi, &v);
	nested = abi_nested(abi, 0, v.viommu[0]);
	other = abi_nested(abi, 0, v.viommu[0]);
	ok(abi_vdevice(abi, v.viommu[0], abi->devid[0], 7, &id));
	abi_attached(abi, 0, nested);
	ok(abi_destroy(abi, id));
	expect(abi_destroy(abi, nested), -EBUSY);
	expect(abi_destroy(abi, v.viommu[0]), -EBUSY);
	/* Replacing by the same is no attempt at all, by another one is. */
	abi_attached(abi, 0, nested);
	expect(abi_attach_to(abi, 0, other), -ENOENT);
	expect(abi_destroy(abi, nested), -EBUSY);
	ok(abi_detach(abi, 0));
	ok(abi_destroy(abi, nested));
	ok(abi_destroy(abi, other));
	ok(abi_destroy(abi, v.viommu[0]));
}

/* 8.3: made directly on the parent it needs none. */
static void nested_on_a_parent_wants_no_vdevice(struct abi *abi)
{
	uint32_t parent;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, abi_ioas(abi));
	abi_attached(abi, 0, abi_nested(abi, 0, parent));
}

/* 9.1.2: a nested HWPT can be replaced by what is below it. */
static void replace_between_levels(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi), parent, nested;

	abi_bound(abi, 0);
	ok(abi_map_at(abi, ioas, RW, page, PAGE, 0x2000000));
	parent = abi_parent(abi, 0, ioas);
	nested = abi_nested(abi, 0, parent);
	abi_attached(abi, 0, nested);
	expect_ranges(abi, ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	abi_attached(abi, 0, parent);
	assert_true(abi_sees(abi, 0, 0x2000000, page));
	ok(abi_destroy(abi, nested));
	abi_attached(abi, 0, ioas);
	ok(abi_destroy(abi, parent));
	assert_true(abi_sees(abi, 0, 0x2000000, page));
}

/* iommufd-ioctls.md 15.5: the vIOMMU is of another IOMMU than the device. */
static void a_viommu_of_another_iommu_is_einval(struct abi *abi)
{
	const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 48};
	const struct abi_data data = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};
	uint32_t viommu, id;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	ok(abi_viommu(abi, abi->devid[1], abi_parent(abi, 1, abi_ioas(abi)), &viommu));
	expect(abi_hwpt(abi, abi->devid[0], viommu, 0, &data, &id), -EINVAL);
	ok(abi_destroy(abi, viommu));
}

int main(void)
{
	abi_on(abi_mixed, a_viommu_of_another_iommu_is_einval);
	abi_rows(abi_mock, viommus, viommu_alloc);
	abi_on(abi_vtd, vtd_has_no_viommus);
	abi_on(abi_mock, a_viommu_outlives_its_device);
	abi_on(abi_mock, a_viommu_is_held_by_its_children);
	abi_rows(abi_mock, vdevices, vdevice_alloc);
	abi_on(abi_mock, vdevice_alloc_wants_a_viommu_and_a_device);
	abi_on(abi_mixed, a_device_behind_another_iommu_is_einval);
	abi_on(abi_mock, attach_wants_a_vdevice);
	abi_on(abi_mock, a_vdevice_on_another_viommu_is_not_enough);
	abi_on(abi_mock, an_attachment_outlives_the_vdevice);
	abi_on(abi_mock, nested_on_a_parent_wants_no_vdevice);
	abi_library(abi_on(abi_mock, replace_between_levels));
	return abi_run("viommu");
}
