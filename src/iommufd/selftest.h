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

/* ---- mock devices (selftest_device.c) ---- */

void iommufd_selftest_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

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

int iommufd_selftest_md_check_map(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_md_check_refs(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_md_check_iotlb(struct iommufd_call *call, struct iommu_test_cmd *cmd);
int iommufd_selftest_dirty(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif
