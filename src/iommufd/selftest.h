/* SPDX-License-Identifier: MIT */
/*
 * Inside iommufd/: the test-only ABI (iommufd-test-abi.md). IOMMU_TEST_CMD is one
 * ioctl with many operations; each has a function here and a row in selftest.c.
 */
#ifndef IOMMUFD_SELFTEST_H
#define IOMMUFD_SELFTEST_H

#include "iommufd/private.h"

/*
 * Run an operation. The handler of a row returns 0, a result of its own above
 * that, or a negative errno. Those that answer set call->respond.
 */
int iommufd_selftest_run(struct iommufd_call *call, struct iommu_test_cmd *cmd);

#endif
