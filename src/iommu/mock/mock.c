// SPDX-License-Identifier: MIT
/* The mock IOMMU of the test ABI (iommufd-test-abi.md 3-6, 8): devices and domains. */
#include "iommu/mock/mock.h"

#include <errno.h>
#include <string.h>

static struct iommu_device *mock_device_alloc(void)
{
	struct mock_device *mock = base_zalloc(sizeof(*mock));

	if (!mock)
		return NULL;
	for (size_t i = 0; i < base_array_size(mock->cache); i++)
		mock->cache[i] = IOMMU_TEST_DEV_CACHE_DEFAULT;
	return &mock->device;
}

static int mock_hw_info(struct iommu_device *device, uint32_t type,
			struct iommu_device_facts *facts)
{
	struct iommu_test_hw_info info = {.test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL};

	if (type != IOMMU_HW_INFO_TYPE_DEFAULT && type != IOMMU_HW_INFO_TYPE_SELFTEST)
		return -EOPNOTSUPP;
	facts->type = IOMMU_HW_INFO_TYPE_SELFTEST;
	facts->len = sizeof(info);
	memcpy(facts->data, &info, sizeof(info));
	facts->capabilities = IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	if (!mock_device_of(device)->no_dirty)
		facts->capabilities |= IOMMU_HW_CAP_DIRTY_TRACKING;
	return 0;
}

/* ---- paging domains ---- */

static void mock_domain_free(struct iommu_domain *domain)
{
	base_free(domain);
}

static const struct iommu_domain_ops mock_paging_ops = {
	.translate = iommu_paging_translate,
	.free = mock_domain_free,
};

static int mock_domain_init(struct iommu_domain *domain, uint32_t pagetable_type)
{
	int rc;

	switch (pagetable_type) {
	case MOCK_IOMMUPT_DEFAULT:
		rc = iommu_domain_init_paging(domain, &pgtable_amdv1_mock, MOCK_PAGING_WIDTH);
		domain->aperture_start = MOCK_APERTURE_START;
		domain->aperture_last = MOCK_APERTURE_LAST;
		return rc;
	case MOCK_IOMMUPT_HUGE:
		return iommu_domain_init_paging(domain, &pgtable_amdv1_mock_huge,
						MOCK_PAGING_WIDTH);
	default: return -EOPNOTSUPP;
	}
}

#define MOCK_PAGING_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_PASID)

static int mock_domain_alloc(struct iommu_device *device, uint32_t flags,
			     const struct iommu_user_data *data, struct iommu_domain **out)
{
	struct iommu_hwpt_selftest selftest = {0};
	struct iommu_domain *domain;
	int rc;

	if (flags & ~MOCK_PAGING_FLAGS)
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && mock_device_of(device)->no_dirty)
		return -EOPNOTSUPP;
	if (data) {
		if (data->type != IOMMU_HWPT_DATA_SELFTEST)
			return -EOPNOTSUPP;
		rc = iommu_user_data_in(data, IOMMU_HWPT_DATA_SELFTEST, &selftest, sizeof(selftest),
					sizeof(selftest.iotlb));
		if (rc)
			return rc;
	}
	domain = base_zalloc(sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	iommu_domain_init(domain, &mock_paging_ops, device->iommu);
	rc = mock_domain_init(domain, selftest.pagetable_type);
	if (rc) {
		base_free(domain);
		return rc;
	}
	domain->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	domain->keeps_dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	*out = domain;
	return 0;
}

/* ---- nested domains: no table of their own ---- */

static bool mock_nested_translate(struct iommu_domain *domain, uint32_t pasid, uint64_t iova,
				  uint32_t prot, struct pgtable_leaf *leaf, iommu_fault_code *code)
{
	return iommu_paging_translate(domain->parent, pasid, iova, prot, leaf, code);
}

static void mock_nested_free(struct iommu_domain *domain)
{
	base_free(base_container_of(domain, struct mock_nested, domain));
}

static const struct iommu_domain_ops mock_nested_ops = {
	.translate = mock_nested_translate,
	.invalidate = mock_nested_invalidate,
	.free = mock_nested_free,
};

static int mock_nested_alloc(struct iommu *iommu, struct iommu_domain *parent, uint32_t flags,
			     const struct iommu_user_data *data, struct iommu_domain **out)
{
	struct iommu_hwpt_selftest selftest;
	struct mock_nested *nested;
	int rc;

	if ((flags & ~IOMMU_HWPT_ALLOC_PASID) || data->type != IOMMU_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	rc = iommu_user_data_in(data, IOMMU_HWPT_DATA_SELFTEST, &selftest, sizeof(selftest),
				sizeof(selftest.iotlb));
	if (rc)
		return rc;
	nested = base_zalloc(sizeof(*nested));
	if (!nested)
		return -ENOMEM;
	iommu_domain_init(&nested->domain, &mock_nested_ops, iommu);
	nested->domain.parent = parent;
	for (size_t i = 0; i < base_array_size(nested->iotlb); i++)
		nested->iotlb[i] = selftest.iotlb;
	*out = &nested->domain;
	return 0;
}

static int mock_domain_alloc_nested(struct iommu_device *device, struct iommu_domain *parent,
				    uint32_t flags, const struct iommu_user_data *data,
				    struct iommu_domain **out)
{
	return mock_nested_alloc(device->iommu, parent, flags, data, out);
}

/* ---- vIOMMUs ---- */

int mock_viommu_domain_alloc(struct iommu_viommu *viommu, uint32_t flags,
			     const struct iommu_user_data *data, struct iommu_domain **out)
{
	return mock_nested_alloc(viommu->iommu, viommu->parent, flags, data, out);
}

/* Only the device's own requester id looks at vIOMMUs (8.3). */
static struct iommu_viommu *viommu_of(uint32_t pasid, struct iommu_domain *domain)
{
	return !pasid && domain ? domain->viommu : NULL;
}

/* Every second attachment of this PASID fails (7). */
static int check_reserved_pasid(struct mock_device *mock)
{
	if (!mock->fails_next)
		return 0;
	mock->fails_next = false;
	return -ENOMEM;
}

static int mock_check(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain)
{
	struct mock_device *mock = mock_device_of(device);
	struct iommu_viommu *viommu = viommu_of(pasid, domain);
	uint64_t virt_id;

	if (pasid == IOMMU_TEST_PASID_RESERVED)
		return check_reserved_pasid(mock);
	if (!pasid && domain->keeps_dirty && mock->no_dirty)
		return -EINVAL;
	return viommu && !iommu_viommu_find_device(viommu, device, &virt_id) ? -ENOENT : 0;
}

/* The record of (vIOMMU, virtual id) is rewritten when the vIOMMU changes, and only then. */
static void mock_attach(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain)
{
	struct mock_device *mock = mock_device_of(device);
	struct iommu_viommu *viommu = viommu_of(pasid, domain);

	if (pasid == IOMMU_TEST_PASID_RESERVED)
		mock->fails_next = domain;
	if (pasid || viommu == mock->viommu)
		return;
	mock->viommu = viommu;
	mock->virt_id = 0;
	if (viommu)
		iommu_viommu_find_device(viommu, device, &mock->virt_id);
}

const struct iommu_driver iommu_mock_driver = {
	.kind = "mock",
	.device_alloc = mock_device_alloc,
	.hw_info = mock_hw_info,
	.domain_alloc = mock_domain_alloc,
	.domain_alloc_nested = mock_domain_alloc_nested,
	.viommu_alloc = mock_viommu_alloc,
	.viommu_type = IOMMU_VIOMMU_TYPE_SELFTEST,
	.check = mock_check,
	.attach = mock_attach,
	.user_pasid_table = true,
};
