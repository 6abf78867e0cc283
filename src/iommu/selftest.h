/* SPDX-License-Identifier: MIT */
/*
 * What the test ABI does with the mock IOMMU (iommufd-test-abi.md): devices that
 * come and go, looks at what its domains and devices keep, and things that happen.
 */
#ifndef IOMMU_SELFTEST_H
#define IOMMU_SELFTEST_H

#include "iommu/device.h"

struct iommu;

/*
 * A device of a mock IOMMU, in a group of its own, with the lowest free number among
 * these. -EINVAL: flags other than MOCK_FLAGS_DEVICE_*; -ENOMEM. Freed as it was
 * made: nobody has it bound or attached.
 */
int iommu_mock_device_new(struct iommu *iommu, uint32_t flags, struct iommu_device **out);
void iommu_mock_device_free(struct iommu_device *device);

bool iommu_device_is_mock(const struct iommu_device *device);
bool iommu_domain_is_mock(const struct iommu_domain *domain);

/* The leaf that a paging domain has at `iova`. False: none. */
bool iommu_domain_find(struct iommu_domain *domain, uint64_t iova, struct pgtable_leaf *leaf);

/* As if a device had written at `iova`; nothing happens where nothing is mapped. */
void iommu_domain_mark_dirty(struct iommu_domain *domain, uint64_t iova);

/* Is word `index` that of a nested mock domain, or of a mock device? -EINVAL if not, or too large.
 */
int iommu_mock_check_iotlb(const struct iommu_domain *domain, uint32_t index, uint32_t word);
int iommu_mock_check_cache(const struct iommu_device *device, uint32_t index, uint32_t word);

/*
 * An event of a mock device for the vIOMMU through which it is attached (8.6).
 * -ENOENT: it has none, or the virtual id 0; else as iommu_viommu_report().
 */
int iommu_mock_trigger_event(struct iommu_device *device);

#endif
