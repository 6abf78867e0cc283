/* SPDX-License-Identifier: MIT */
/* Inside the mock IOMMU (iommufd-test-abi.md): what its devices and domains keep. */
#ifndef IOMMU_MOCK_MOCK_H
#define IOMMU_MOCK_MOCK_H

#include "iommu/driver.h"

#define MOCK_PAGING_WIDTH 38 /* three levels of the 2 KiB granule */

struct mock_device {
	struct iommu_device device;
	struct iommu_viommu *viommu; /* of the domain that is attached, or NULL */
	uint64_t virt_id;	     /* the device's id on it, at the time of attach */
};

struct mock_nested {
	struct iommu_domain domain;
	uint32_t iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
};

#endif
