// SPDX-License-Identifier: MIT
/* VT-d in scalable mode: identity, paging domains, attachment. */
#include "iommu/vtd/vtd.h"

#include <errno.h>
#include <string.h>

static const struct iommu_reserved vtd_reserved[] = {
	{VTD_MSI_START, VTD_MSI_LAST, IOMMU_RESERVED_MSI},
};

static struct iommu_device *vtd_device_alloc(void)
{
	return base_zalloc(sizeof(struct iommu_device));
}

static int vtd_hw_info(struct iommu_device *device, uint32_t type, struct iommu_device_facts *facts)
{
	struct iommu_hw_info_vtd vtd = {
		.flags = IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17,
		.cap_reg = VTD_CAP,
		.ecap_reg = VTD_ECAP,
	};

	(void)device;
	if (type != IOMMU_HW_INFO_TYPE_DEFAULT && type != IOMMU_HW_INFO_TYPE_INTEL_VTD)
		return -EOPNOTSUPP;
	facts->type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	facts->len = sizeof(vtd);
	memcpy(facts->data, &vtd, sizeof(vtd));
	facts->capabilities = IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	return 0;
}

static bool in_window(uint64_t addr)
{
	return addr >= VTD_MSI_START && addr <= VTD_MSI_LAST;
}

bool vtd_is_interrupt(uint32_t pasid, uint64_t iova)
{
	return !pasid && in_window(iova);
}

void vtd_leaf_finish(struct pgtable_leaf *leaf, uint64_t iova)
{
	if (in_window(iova))
		leaf->prot |= IOMMU_LEAF_ONCE;
	else if (iova < VTD_MSI_START)
		iommu_leaf_clip(leaf, leaf->start, VTD_MSI_START - 1);
	else
		iommu_leaf_clip(leaf, VTD_MSI_LAST + 1, leaf->last);
}

static bool vtd_translate(struct iommu_domain *domain, uint32_t pasid, uint64_t iova, uint32_t prot,
			  struct pgtable_leaf *leaf, iommu_fault_code *code)
{
	if (vtd_is_interrupt(pasid, iova)) {
		*code = IOMMU_FAULT_INTERRUPT;
		return false;
	}
	if (!iommu_paging_translate(domain, pasid, iova, prot, leaf, code))
		return false;
	vtd_leaf_finish(leaf, iova);
	return true;
}

static void vtd_domain_free(struct iommu_domain *domain)
{
	base_free(domain);
}

static const struct iommu_domain_ops vtd_paging_ops = {
	.translate = vtd_translate,
	.free = vtd_domain_free,
};

#define VTD_PAGING_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_PASID)

/* First stage unless the client needs what only the second has (vtd.md 2). */
static int vtd_domain_alloc(struct iommu_device *device, uint32_t flags,
			    const struct iommu_user_data *data, struct iommu_domain **out)
{
	bool parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	bool dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct iommu_domain *domain;
	int rc;

	if (data || (flags & ~VTD_PAGING_FLAGS))
		return -EOPNOTSUPP;
	domain = base_zalloc(sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	iommu_domain_init(domain, &vtd_paging_ops, device->iommu);
	rc = parent || dirty ? iommu_domain_init_paging(domain, &pgtable_vtdss, VTD_SS_WIDTH)
			     : iommu_domain_init_paging(domain, &pgtable_x86_64, VTD_FS_WIDTH);
	if (rc) {
		base_free(domain);
		return rc;
	}
	domain->nest_parent = domain->no_read_only = parent;
	domain->keeps_dirty = dirty;
	domain->coherent = VTD_ECAP & VTD_ECAP_SC;
	*out = domain;
	return 0;
}

static int vtd_check(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain)
{
	(void)pasid;
	if (domain->takes_faults && !device->page_requests)
		return -ENODEV;
	return domain->parent ? vtd_nested_check(domain) : 0;
}

static bool is_canonical(uint64_t addr)
{
	return addr + ((uint64_t)1 << VTD_FS_WIDTH) < (uint64_t)1 << (VTD_FS_WIDTH + 1);
}

/* What the driver answers by itself (vtd.md 5.1). */
static enum iommu_request_fate vtd_page_request(struct iommu_device *device,
						const struct iommu_page_request *request)
{
	uint32_t moves = request->perm & (IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE);

	if (!device->page_requests || !is_canonical(request->addr))
		return IOMMU_REQUEST_REFUSE;
	if ((request->perm & IOMMU_PGFAULT_PERM_PRIV) && moves)
		return IOMMU_REQUEST_REFUSE;
	if ((request->perm & IOMMU_PGFAULT_PERM_EXEC) && (moves & IOMMU_PGFAULT_PERM_READ))
		return IOMMU_REQUEST_REFUSE;
	/* Nothing is wanted: the device says that it will send no more. */
	if ((request->flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE) && !moves)
		return IOMMU_REQUEST_DROP;
	return IOMMU_REQUEST_ASK;
}

const struct iommu_driver iommu_vtd_driver = {
	.kind = "vtd",
	.device_alloc = vtd_device_alloc,
	.hw_info = vtd_hw_info,
	.domain_alloc = vtd_domain_alloc,
	.domain_alloc_nested = vtd_nested_alloc,
	.check = vtd_check,
	.page_request = vtd_page_request,
	.reserved = vtd_reserved,
	.reserved_count = base_array_size(vtd_reserved),
};
