// SPDX-License-Identifier: MIT
/* The operations of IOMMU_TEST_CMD. */
#include "selftest.h"

const struct abi_machine abi_selftest = {.iommu = "mock", .flags = SWIOMMU_TEST_ABI};
const struct abi_machine abi_selftest_mixed = {
	.iommu = "mock",
	.flags = SWIOMMU_TEST_ABI,
	.devices = {"ioat,iommu=vtd", "ioat"},
};

int st_run(struct abi *abi, uint32_t op, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	return abi_ioctl(abi, IOMMU_TEST_CMD, cmd);
}

/* ---- devices ---- */

int st_mock_domain(struct abi *abi, uint32_t pt, struct stdev *stdev)
{
	struct iommu_test_cmd cmd = {.id = pt};
	int rc = st_run(abi, IOMMU_TEST_OP_MOCK_DOMAIN, &cmd);

	if (!rc)
		*stdev = (struct stdev){cmd.mock_domain.out_stdev_id, cmd.mock_domain.out_hwpt_id,
					cmd.mock_domain.out_idev_id};
	return rc;
}

int st_mock_domain_flags(struct abi *abi, uint32_t pt, uint32_t flags, struct stdev *stdev)
{
	struct iommu_test_cmd cmd = {.id = pt, .mock_domain_flags.dev_flags = flags};
	int rc = st_run(abi, IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, &cmd);

	if (!rc)
		*stdev = (struct stdev){cmd.mock_domain.out_stdev_id, cmd.mock_domain.out_hwpt_id,
					cmd.mock_domain.out_idev_id};
	return rc;
}

int st_replace(struct abi *abi, uint32_t stdev, uint32_t *pt)
{
	struct iommu_test_cmd cmd = {.id = stdev, .mock_domain_replace.pt_id = *pt};
	int rc = st_run(abi, IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, &cmd);

	if (!rc)
		*pt = cmd.mock_domain_replace.pt_id;
	return rc;
}

int st_replace_by(struct abi *abi, uint32_t stdev, uint32_t pt)
{
	return st_replace(abi, stdev, &pt);
}

struct stdev st_new(struct abi *abi, uint32_t pt)
{
	struct stdev stdev;

	ok(st_mock_domain(abi, pt, &stdev));
	return stdev;
}

struct stdev st_new_flags(struct abi *abi, uint32_t pt, uint32_t flags)
{
	struct stdev stdev;

	ok(st_mock_domain_flags(abi, pt, flags, &stdev));
	return stdev;
}

int st_trigger_vevent(struct abi *abi, uint32_t idev)
{
	struct iommu_test_cmd cmd = {.trigger_vevent.dev_id = idev};

	return st_run(abi, IOMMU_TEST_OP_TRIGGER_VEVENT, &cmd);
}

/* ---- looks ---- */

int st_check_map(struct abi *abi, uint32_t hwpt, uint64_t iova, const void *va, uint64_t length)
{
	struct iommu_test_cmd cmd = {
		.id = hwpt,
		.check_map = {.iova = iova, .length = length, .uptr = ADDR(va)},
	};

	return st_run(abi, IOMMU_TEST_OP_MD_CHECK_MAP, &cmd);
}

int st_check_refs(struct abi *abi, const void *va, uint64_t length, uint32_t refs)
{
	struct iommu_test_cmd cmd = {
		.id = NO_ID,
		.check_refs = {.length = length, .uptr = ADDR(va), .refs = refs},
	};

	return st_run(abi, IOMMU_TEST_OP_MD_CHECK_REFS, &cmd);
}

int st_check_iotlb(struct abi *abi, uint32_t hwpt, uint32_t index, uint32_t word)
{
	struct iommu_test_cmd cmd = {.id = hwpt, .check_iotlb = {.id = index, .iotlb = word}};

	return st_run(abi, IOMMU_TEST_OP_MD_CHECK_IOTLB, &cmd);
}

int st_check_cache(struct abi *abi, uint32_t idev, uint32_t index, uint32_t word)
{
	struct iommu_test_cmd cmd = {.id = idev, .check_dev_cache = {.id = index, .cache = word}};

	return st_run(abi, IOMMU_TEST_OP_DEV_CHECK_CACHE, &cmd);
}

/* ---- PASIDs ---- */

int st_pasid_attach(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t *pt)
{
	struct iommu_test_cmd cmd = {.id = stdev, .pasid_attach = {.pasid = pasid, .pt_id = *pt}};
	int rc = st_run(abi, IOMMU_TEST_OP_PASID_ATTACH, &cmd);

	if (!rc)
		*pt = cmd.pasid_attach.pt_id;
	return rc;
}

int st_pasid_attach_to(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t pt)
{
	return st_pasid_attach(abi, stdev, pasid, &pt);
}

int st_pasid_replace_by(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd cmd = {.id = stdev, .pasid_replace = {.pasid = pasid, .pt_id = pt}};

	return st_run(abi, IOMMU_TEST_OP_PASID_REPLACE, &cmd);
}

int st_pasid_detach(struct abi *abi, uint32_t stdev, uint32_t pasid)
{
	struct iommu_test_cmd cmd = {.id = stdev, .pasid_detach.pasid = pasid};

	return st_run(abi, IOMMU_TEST_OP_PASID_DETACH, &cmd);
}

int st_pasid_check(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t hwpt)
{
	struct iommu_test_cmd cmd = {.id = stdev, .pasid_check = {.pasid = pasid, .hwpt_id = hwpt}};

	return st_run(abi, IOMMU_TEST_OP_PASID_CHECK_HWPT, &cmd);
}

/* ---- accesses ---- */

int st_create_access(struct abi *abi, uint32_t ioas, bool pins, int *fd)
{
	struct iommu_test_cmd cmd = {.id = ioas, .create_access.flags = pins};
	int rc = st_run(abi, IOMMU_TEST_OP_CREATE_ACCESS, &cmd);

	if (!rc)
		*fd = (int)cmd.create_access.out_access_fd;
	return rc;
}

int st_access_replace(struct abi *abi, int fd, uint32_t ioas)
{
	struct iommu_test_cmd cmd = {.id = (uint32_t)fd, .access_replace_ioas.ioas_id = ioas};

	return st_run(abi, IOMMU_TEST_OP_ACCESS_REPLACE_IOAS, &cmd);
}

int st_pin(struct abi *abi, int fd, uint32_t flags, uint64_t iova, uint64_t length, const void *va,
	   uint32_t *id)
{
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)fd,
		.access_pages = {.flags = flags, .iova = iova, .length = length, .uptr = ADDR(va)},
	};
	int rc = st_run(abi, IOMMU_TEST_OP_ACCESS_PAGES, &cmd);

	if (!rc)
		*id = cmd.access_pages.out_access_pages_id;
	return rc;
}

int st_unpin(struct abi *abi, int fd, uint32_t id)
{
	struct iommu_test_cmd cmd = {.id = (uint32_t)fd,
				     .destroy_access_pages.access_pages_id = id};

	return st_run(abi, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, &cmd);
}

int st_rw(struct abi *abi, int fd, uint32_t flags, uint64_t iova, void *data, uint64_t length)
{
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)fd,
		.access_rw = {.flags = flags, .iova = iova, .length = length, .uptr = ADDR(data)},
	};

	return st_run(abi, IOMMU_TEST_OP_ACCESS_RW, &cmd);
}

int st_access(struct abi *abi, uint32_t ioas, bool pins)
{
	int fd;

	ok(st_create_access(abi, ioas, pins, &fd));
	return fd;
}

uint32_t st_pinned(struct abi *abi, int fd, uint64_t iova, uint64_t length)
{
	uint32_t id;

	ok(st_pin(abi, fd, 0, iova, length, NULL, &id));
	return id;
}

/* ---- dma-bufs ---- */

int st_dmabuf_get(struct abi *abi, uint64_t length)
{
	struct iommu_test_cmd cmd = {.dmabuf_get.length = (uint32_t)length};

	return st_run(abi, IOMMU_TEST_OP_DMABUF_GET, &cmd);
}

int st_dmabuf_revoke(struct abi *abi, int fd, bool revoked)
{
	struct iommu_test_cmd cmd = {.dmabuf_revoke = {.dmabuf_fd = fd, .revoked = revoked}};

	return st_run(abi, IOMMU_TEST_OP_DMABUF_REVOKE, &cmd);
}

int st_dmabuf(struct abi *abi, uint64_t length)
{
	int fd = st_dmabuf_get(abi, length);

	assert_true(fd > abi->ctx);
	return fd;
}

/* ---- HWPTs ---- */

uint32_t st_hwpt(struct abi *abi, uint32_t idev, uint32_t pt, uint32_t flags)
{
	uint32_t id;

	ok(abi_hwpt(abi, idev, pt, flags, NULL, &id));
	return id;
}

uint32_t st_nested(struct abi *abi, uint32_t idev, uint32_t pt, uint32_t flags, uint32_t iotlb)
{
	const struct iommu_hwpt_selftest selftest = {.iotlb = iotlb};
	const struct abi_data data = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), &selftest};
	uint32_t id;

	ok(abi_hwpt(abi, idev, pt, flags, &data, &id));
	return id;
}

/* ---- events and page requests ---- */

int st_veventq(struct abi *abi, uint32_t viommu, uint32_t depth)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = depth,
	};

	ok(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &cmd));
	return (int)cmd.out_veventq_fd;
}

uint32_t st_fault_queue(struct abi *abi, int *fd)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};

	ok(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &cmd));
	*fd = (int)cmd.out_fault_fd;
	return cmd.out_fault_id;
}

uint32_t st_fault_hwpt(struct abi *abi, uint32_t idev, uint32_t pt, uint32_t flags, uint32_t fault,
		       bool nested)
{
	const struct iommu_hwpt_selftest selftest = {0};
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags | IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = idev,
		.pt_id = pt,
		.fault_id = fault,
		.data_type = nested ? IOMMU_HWPT_DATA_SELFTEST : 0,
		.data_len = nested ? sizeof(selftest) : 0,
		.data_uptr = ADDR(&selftest),
	};

	ok(abi_ioctl(abi, IOMMU_HWPT_ALLOC, &cmd));
	return cmd.out_hwpt_id;
}

int st_trigger_iopf(struct abi *abi, uint32_t idev, uint32_t pasid)
{
	struct iommu_test_cmd cmd = {
		.id = NO_ID,
		.trigger_iopf = {.dev_id = idev,
				 .pasid = pasid,
				 .grpid = 0x1234,
				 .perm = 0x2,
				 .addr = 0xdeadbeaf000},
	};

	return st_run(abi, IOMMU_TEST_OP_TRIGGER_IOPF, &cmd);
}
