// SPDX-License-Identifier: MIT
/* PASIDs of mock devices (iommufd-test-abi.md 7; iommufd-objects.md 9). */
#include "selftest.h"

#define PASID	 77u
#define OTHER	 78u
#define RESERVED ((uint32_t)IOMMU_TEST_PASID_RESERVED)
#define BEYOND	 (1u << MOCK_PASID_WIDTH)

/* Two HWPTs for PASIDs, one without, and a device that has PASIDs. */
struct scene {
	uint32_t ioas, hwpt[2], plain;
	struct stdev stdev;
};

static struct scene scene_new(struct abi *abi)
{
	struct scene s = {.ioas = abi_ioas(abi)};
	struct stdev maker = st_new(abi, s.ioas);

	s.hwpt[0] = st_hwpt(abi, maker.idev, s.ioas, IOMMU_HWPT_ALLOC_PASID);
	s.hwpt[1] = st_hwpt(abi, maker.idev, s.ioas, IOMMU_HWPT_ALLOC_PASID);
	s.plain = st_hwpt(abi, maker.idev, s.ioas, 0);
	s.stdev = st_new_flags(abi, s.hwpt[0], MOCK_FLAGS_DEVICE_PASID);
	return s;
}

/* What is attached at both PASIDs, and the requester id. */
static void expect_attached(struct abi *abi, const struct scene *s, uint32_t rid, uint32_t pasid,
			    uint32_t other)
{
	ok(st_pasid_check(abi, s->stdev.id, 0, rid));
	ok(st_pasid_check(abi, s->stdev.id, PASID, pasid));
	ok(st_pasid_check(abi, s->stdev.id, OTHER, other));
}

static void pasids_attach_replace_and_detach(struct abi *abi)
{
	struct scene s = scene_new(abi);
	uint32_t id = s.stdev.id, pt = s.hwpt[1];

	expect_attached(abi, &s, s.hwpt[0], 0, 0);
	ok(st_pasid_attach(abi, id, PASID, &pt));
	assert_int_equal(pt, s.hwpt[1]);
	ok(st_pasid_attach_to(abi, id, OTHER, s.hwpt[0]));
	expect_attached(abi, &s, s.hwpt[0], s.hwpt[1], s.hwpt[0]);
	ok(st_pasid_replace_by(abi, id, PASID, s.hwpt[0]));
	ok(st_pasid_replace_by(abi, id, PASID, s.hwpt[0]));
	expect_attached(abi, &s, s.hwpt[0], s.hwpt[0], s.hwpt[0]);
	ok(st_pasid_detach(abi, id, OTHER));
	expect_attached(abi, &s, s.hwpt[0], s.hwpt[0], 0);
	/* What is not attached can be detached. */
	ok(st_pasid_detach(abi, id, OTHER));
	ok(st_pasid_detach(abi, id, ~0u));
	ok(st_pasid_detach(abi, id, PASID));
	/* The requester id as PASID 0. */
	expect(st_pasid_attach_to(abi, id, 0, s.hwpt[0]), -EBUSY);
	ok(st_pasid_replace_by(abi, id, 0, s.hwpt[1]));
	expect_attached(abi, &s, s.hwpt[1], 0, 0);
	ok(st_pasid_detach(abi, id, 0));
	expect_attached(abi, &s, 0, 0, 0);
	ok(abi_destroy(abi, id));
}

static void rules_of_pasids(struct abi *abi)
{
	struct scene s = scene_new(abi);
	uint32_t id = s.stdev.id;

	expect(st_pasid_attach_to(abi, id, PASID, NO_ID), -ENOENT);
	expect(st_pasid_attach_to(abi, id, PASID, s.stdev.idev), -EINVAL);
	expect(st_pasid_attach_to(abi, id, PASID, s.plain), -EINVAL);
	expect(st_pasid_attach_to(abi, id, PASID, s.ioas), -EINVAL);
	expect(st_pasid_attach_to(abi, id, BEYOND, s.hwpt[0]), -EINVAL);
	expect(st_pasid_attach_to(abi, id, ~0u, s.hwpt[0]), -EINVAL);
	expect(st_pasid_replace_by(abi, id, PASID, s.hwpt[0]), -EINVAL);
	ok(st_pasid_attach_to(abi, id, BEYOND - 1, s.hwpt[0]));
	ok(st_pasid_attach_to(abi, id, PASID, s.hwpt[0]));
	expect(st_pasid_attach_to(abi, id, PASID, s.hwpt[0]), -EBUSY);
	expect(st_pasid_attach_to(abi, id, PASID, s.hwpt[1]), -EBUSY);
	expect(st_pasid_replace_by(abi, id, PASID, s.plain), -EINVAL);
	expect(st_pasid_replace_by(abi, id, PASID, s.ioas), -EINVAL);
	expect(st_pasid_replace_by(abi, id, PASID, NO_ID), -ENOENT);
	/* While a PASID is attached the requester id needs a HWPT for PASIDs, too. */
	expect(st_replace_by(abi, id, s.plain), -EINVAL);
	expect(st_replace_by(abi, id, s.ioas), -EINVAL);
	ok(st_replace_by(abi, id, s.hwpt[1]));
	expect_attached(abi, &s, s.hwpt[1], s.hwpt[0], 0);
}

static void a_requester_on_an_ordinary_hwpt_blocks_pasids(struct abi *abi)
{
	struct scene s = scene_new(abi);

	ok(st_replace_by(abi, s.stdev.id, s.plain));
	expect(st_pasid_attach_to(abi, s.stdev.id, PASID, s.hwpt[0]), -EINVAL);
	ok(st_pasid_detach(abi, s.stdev.id, 0));
	ok(st_pasid_attach_to(abi, s.stdev.id, PASID, s.hwpt[0]));
	expect_attached(abi, &s, 0, s.hwpt[0], 0);
	expect(st_pasid_attach_to(abi, s.stdev.id, 0, s.plain), -EINVAL);
	ok(st_pasid_attach_to(abi, s.stdev.id, 0, s.hwpt[1]));
}

static void a_device_without_pasids_has_none(struct abi *abi)
{
	struct scene s = scene_new(abi);
	struct stdev without = st_new(abi, s.hwpt[0]);

	expect(st_pasid_attach_to(abi, without.id, 1, s.hwpt[0]), -EINVAL);
	expect(st_pasid_attach_to(abi, without.id, RESERVED, s.hwpt[0]), -EINVAL);
	ok(st_pasid_check(abi, without.id, 1, 0));
}

static void nested_hwpts_for_pasids(struct abi *abi)
{
	struct scene s = scene_new(abi);
	uint32_t idev = s.stdev.idev, viommu, nested;
	uint32_t parent = st_hwpt(abi, idev, s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);

	ok(abi_viommu(abi, idev, parent, &viommu));
	nested = st_nested(abi, idev, viommu, IOMMU_HWPT_ALLOC_PASID, 0);
	/* 8.3: PASIDs do not look at vdevices. */
	ok(st_pasid_attach_to(abi, s.stdev.id, PASID, nested));
	expect(st_replace_by(abi, s.stdev.id, nested), -ENOENT);
	ok(st_pasid_replace_by(abi, s.stdev.id, PASID,
			       st_nested(abi, idev, parent, IOMMU_HWPT_ALLOC_PASID, 0)));
	expect(st_pasid_replace_by(abi, s.stdev.id, PASID, st_nested(abi, idev, parent, 0, 0)),
	       -EINVAL);
}

static void what_is_checked(struct abi *abi)
{
	struct scene s = scene_new(abi);
	uint32_t id = s.stdev.id;

	ok(st_pasid_attach_to(abi, id, PASID, s.hwpt[1]));
	expect(st_pasid_check(abi, id, PASID, 0), -EINVAL);
	expect(st_pasid_check(abi, id, PASID, s.hwpt[0]), -EINVAL);
	expect(st_pasid_check(abi, id, PASID, NO_ID), -ENOENT);
	expect(st_pasid_check(abi, id, PASID, s.ioas), -EINVAL);
	expect(st_pasid_check(abi, id, PASID, s.stdev.idev), -EINVAL);
	expect(st_pasid_check(abi, id, OTHER, s.hwpt[1]), -EINVAL);
	expect(st_pasid_check(abi, NO_ID, OTHER, NO_ID), -ENOENT);
	expect(st_pasid_check(abi, id, 0, 0), -EINVAL);
}

/* Without an answer an attachment is undone, a replacement is not. */
static void answers_that_do_not_arrive(struct abi *abi)
{
	struct scene s = scene_new(abi);
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_PASID_ATTACH,
		.id = s.stdev.id,
		.pasid_attach = {.pasid = PASID, .pt_id = s.hwpt[0]},
	};

	expect(abi_ioctl(abi, IOMMU_TEST_CMD, abi_constant_copy(abi, &cmd, sizeof(cmd), 16)),
	       -EFAULT);
	expect_attached(abi, &s, s.hwpt[0], 0, 0);
	ok(abi_ioctl(abi, IOMMU_TEST_CMD, &cmd));
	cmd.op = IOMMU_TEST_OP_PASID_REPLACE;
	cmd.pasid_replace.pt_id = s.hwpt[1];
	expect(abi_ioctl(abi, IOMMU_TEST_CMD, abi_constant_copy(abi, &cmd, sizeof(cmd), 16)),
	       -EFAULT);
	expect_attached(abi, &s, s.hwpt[0], s.hwpt[1], 0);
}

/* ---- PASID 1024 ---- */

static void every_other_attachment_of_pasid_1024_fails(struct abi *abi)
{
	struct scene s = scene_new(abi);
	uint32_t id = s.stdev.id;

	ok(st_pasid_attach_to(abi, id, RESERVED, s.hwpt[0]));
	/* What is attached already never gets to the driver. */
	ok(st_pasid_replace_by(abi, id, RESERVED, s.hwpt[0]));
	expect(st_pasid_replace_by(abi, id, RESERVED, s.hwpt[1]), -ENOMEM);
	ok(st_pasid_check(abi, id, RESERVED, s.hwpt[0]));
	ok(st_pasid_replace_by(abi, id, RESERVED, s.hwpt[1]));
	ok(st_pasid_check(abi, id, RESERVED, s.hwpt[1]));
	expect(st_pasid_replace_by(abi, id, RESERVED, s.hwpt[0]), -ENOMEM);
	ok(st_pasid_replace_by(abi, id, RESERVED, s.hwpt[0]));
	/* Detaching begins anew. */
	ok(st_pasid_detach(abi, id, RESERVED));
	ok(st_pasid_attach_to(abi, id, RESERVED, s.hwpt[0]));
	ok(st_pasid_detach(abi, id, RESERVED));
	/* Other PASIDs and devices do not take part. */
	ok(st_pasid_attach_to(abi, id, RESERVED, s.hwpt[0]));
	ok(st_pasid_attach_to(abi, id, RESERVED + 1, s.hwpt[0]));
	ok(st_pasid_attach_to(abi, st_new_flags(abi, s.hwpt[0], MOCK_FLAGS_DEVICE_PASID).id,
			      RESERVED, s.hwpt[0]));
	/* What is refused before the driver is asked does not count. */
	expect(st_pasid_replace_by(abi, id, RESERVED, s.plain), -EINVAL);
	expect(st_pasid_replace_by(abi, id, RESERVED, s.hwpt[1]), -ENOMEM);
}

int main(void)
{
	abi_on(abi_selftest, pasids_attach_replace_and_detach);
	abi_on(abi_selftest, rules_of_pasids);
	abi_on(abi_selftest, a_requester_on_an_ordinary_hwpt_blocks_pasids);
	abi_on(abi_selftest, a_device_without_pasids_has_none);
	abi_on(abi_selftest, nested_hwpts_for_pasids);
	abi_on(abi_selftest, what_is_checked);
	abi_on(abi_selftest, answers_that_do_not_arrive);
	abi_on(abi_selftest, every_other_attachment_of_pasid_1024_fails);
	return abi_run("selftest_pasid");
}
