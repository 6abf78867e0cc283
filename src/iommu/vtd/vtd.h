/* SPDX-License-Identifier: MIT */
/* Inside the VT-d model (hw/vtd.md): its registers, domains and nested translation. */
#ifndef IOMMU_VTD_VTD_H
#define IOMMU_VTD_VTD_H

#include "iommu/driver.h"

/* The 48-bit profile of vtd.md 1. */
#define VTD_CAP	      0x01D2008C402F0406ull
#define VTD_ECAP      0x0001ED9CA40050C7ull
#define VTD_ECAP_SC   (1 << 7) /* coherency can be enforced */
#define VTD_SS_WIDTH  48       /* second stage: min(48, MGAW) */
#define VTD_FS_WIDTH  47       /* first stage: the lower, canonical half of 48 bits */
#define VTD_MSI_START 0xfee00000ull
#define VTD_MSI_LAST  0xfeefffffull

/* First-stage table of a guest on a second-stage parent. */
struct vtd_nested {
	struct iommu_domain domain;
	struct iommu_hwpt_vtd_s1 s1; /* as the client gave it */
};

int vtd_nested_alloc(struct iommu_device *device, struct iommu_domain *parent, uint32_t flags,
		     const struct iommu_user_data *data, struct iommu_domain **out);

/* Does the device's IOMMU take what the client put into the nested domain? (vtd.md 2, 3) */
int vtd_nested_check(const struct iommu_domain *domain);

/* Is a request an interrupt message? Those with a PASID are not. */
bool vtd_is_interrupt(uint32_t pasid, uint64_t iova);

/*
 * What may be cached of the leaf around iova: nothing of the MSI window, which
 * requests with and without PASID see differently.
 */
void vtd_leaf_finish(struct pgtable_leaf *leaf, uint64_t iova);

#endif
