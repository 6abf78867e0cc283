/* SPDX-License-Identifier: MIT */
/*
 * The outward header of iommu/: the hardware side. IOMMUs, the devices behind
 * them, their groups, domains (address spaces that hardware walks), DMA.
 *
 * Nothing here knows ids, ioctls or files.
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include "base/base.h"
#include "mem/mem.h"
#include "pgtable/pgtable.h"
#include "uapi/uapi.h"

#include "iommu/userdata.h"
#include "iommu/domain.h"
#include "iommu/device.h"
#include "iommu/fault.h"
#include "iommu/viommu.h"
#include "iommu/selftest.h"
#include "iommu/dma.h"

struct iommu;
struct iommu_group;

/* The kinds there are, the default first: the name of kind `index` (< IOMMU_KIND_COUNT). */
#define IOMMU_KIND_COUNT 2
const char *iommu_kind_name(size_t index);

/*
 * Make an IOMMU of `kind`: "vtd" or "mock". 0, -EINVAL (no such kind), -ENOMEM.
 * Free it after its devices and domains.
 */
int iommu_new(const char *kind, struct iommu **out);
void iommu_free(struct iommu *iommu);

/* A group: devices whose requests cannot be told apart. Free it after its devices. */
int iommu_group_new(unsigned number, struct iommu_group **out);
void iommu_group_free(struct iommu_group *group);

/* A device (requester) behind an IOMMU, in a group, with its PCI source id. 0 or -ENOMEM. */
int iommu_device_new(struct iommu *iommu, struct iommu_group *group, uint16_t source_id,
		     struct iommu_device **out);

/* Nobody has it bound or attached. */
void iommu_device_free(struct iommu_device *device);

#endif
