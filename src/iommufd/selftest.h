/* SPDX-License-Identifier: MIT */
/*
 * Inside iommufd/: the test-only ABI (iommufd-test-abi.md). IOMMU_TEST_CMD is one
 * ioctl with many operations; each has a function here and a row in selftest.c.
 */
#ifndef IOMMUFD_SELFTEST_H
#define IOMMUFD_SELFTEST_H

#include "iommufd/private.h"

/*
 * Run an operation: 0, a result of its own above that, or a negative errno, which
 * the handlers below return, too. Those that answer set call->respond; those that
 * have to know whether the answer arrived give it by themselves.
 */
int iommufd_selftest_run(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* Copy the struct out now. 0 or -EFAULT. */
int iommufd_selftest_answer(struct iommufd_call *call, const struct iommu_test_cmd *cmd);

/* The IOVA that one with a flag SYZ stands for (11); 0 if no area is there. */
uint64_t iommufd_selftest_iova(const struct iopt *iopt, uint64_t iova);

/* The same for COPY, which loses the flag. */
void iommufd_selftest_copy(struct iommufd_call *call, struct iommu_ioas_copy *cmd);

/* ---- accesses (selftest_access.c) ---- */

int iommufd_selftest_create_access(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_access_replace_ioas(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_access_pages(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_destroy_access_pages(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_access_rw(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* ---- dma-bufs (selftest_dmabuf.c) ---- */

int iommufd_selftest_dmabuf_get(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_dmabuf_revoke(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* ---- mock devices (selftest_device.c) ---- */

void iommufd_selftest_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/*
 * At the end of the context: detach the PASIDs of devices that were destroyed without
 * that, and so have stayed (3.1). False: there are none.
 */
bool iommufd_selftest_detach_all(struct iommufd_ctx *ctx);

int iommufd_selftest_mock_domain(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_mock_domain_flags(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_mock_domain_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_pasid_attach(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_pasid_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_pasid_detach(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_pasid_check_hwpt(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_trigger_iopf(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_trigger_vevent(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_dev_check_cache(struct iommufd_call *call, struct iommu_test_cmd *cmd);

/* ---- looks at domains and memory (selftest_check.c) ---- */

/* For comparing memory with what a client sees. It begins as zeros; fini is due. */
struct iommufd_selftest_pages {
	struct mem_pageids ids;
	bool known;
};

/*
 * Is the byte at the host address the one at `uptr` of the client, which is made
 * present? 0, `otherwise`, or why there is no telling: -EFAULT, -ENOMEM...
 */
int iommufd_selftest_same_byte(struct iommufd_call *call, struct iommufd_selftest_pages *pages,
			       uint64_t host, uint64_t uptr, int otherwise);
void iommufd_selftest_pages_fini(struct iommufd_selftest_pages *pages);

int iommufd_selftest_md_check_map(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_md_check_refs(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_md_check_iotlb(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_dirty(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif
