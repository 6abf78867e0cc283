// SPDX-License-Identifier: MIT
/* The mock as the test ABI sees it (iommufd-test-abi.md 3, 4.1, 4.3, 6.4, 8.5, 8.6). */
#include "iommu/mock/mock.h"

#include <errno.h>

#define DEVICE_FLAGS ((uint32_t)(MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_PASID))

/* ---- devices ---- */

/* Enter the device at its place: the list is sorted by number, the first gap is it. */
static void number_take(struct iommu *iommu, struct mock_device *mock)
{
	struct mock_device *other;

	base_scoped_lock(&iommu->lock);
	mock->number = 0;
	base_list_for_each (other, &iommu->test_devices, test_node) {
		if (other->number != mock->number)
			break;
		mock->number++;
	}
	base_list_add_tail(&other->test_node, &mock->test_node);
}

static void number_drop(struct iommu *iommu, struct mock_device *mock)
{
	base_scoped_lock(&iommu->lock);
	base_list_remove(&mock->test_node);
}

int iommu_mock_device_new(struct iommu *iommu, uint32_t flags, struct iommu_device **out)
{
	struct iommu_group *group;
	struct mock_device *mock;
	int rc;

	if (flags & ~DEVICE_FLAGS)
		return -EINVAL;
	rc = iommu_group_new(0, &group);
	if (rc)
		return rc;
	rc = iommu_device_new(iommu, group, 0, out);
	if (rc) {
		iommu_group_free(group);
		return rc;
	}
	mock = mock_device_of(*out);
	number_take(iommu, mock);
	mock->no_dirty = flags & MOCK_FLAGS_DEVICE_NO_DIRTY;
	group->number = mock->number;
	(*out)->source_id = (uint16_t)mock->number;
	if (flags & MOCK_FLAGS_DEVICE_PASID)
		(*out)->max_pasids = 1u << MOCK_PASID_WIDTH;
	return 0;
}

void iommu_mock_device_free(struct iommu_device *device)
{
	struct iommu_group *group = device->group;

	number_drop(device->iommu, mock_device_of(device));
	iommu_device_free(device);
	iommu_group_free(group);
}

bool iommu_device_is_mock(const struct iommu_device *device)
{
	return device->iommu->driver == &iommu_mock_driver;
}

int iommu_mock_check_cache(const struct iommu_device *device, uint32_t index, uint32_t word)
{
	if (index > MOCK_DEV_CACHE_ID_MAX ||
	    base_load_relaxed(&mock_device_of(device)->cache[index]) != word)
		return -EINVAL;
	return 0;
}

/* The group's lock keeps the attachment, which keeps the vIOMMU. */
int iommu_mock_trigger_event(struct iommu_device *device)
{
	const struct mock_device *mock = mock_device_of(device);
	struct iommu_viommu_event_selftest event;

	base_scoped_lock(&device->group->lock);
	if (!mock->viommu || !mock->virt_id)
		return -ENOENT;
	event.virt_id = (uint32_t)mock->virt_id;
	return iommu_viommu_report(mock->viommu, IOMMU_VEVENTQ_TYPE_SELFTEST, &event,
				   sizeof(event));
}

/* ---- domains ---- */

bool iommu_domain_is_mock(const struct iommu_domain *domain)
{
	return domain->iommu->driver == &iommu_mock_driver;
}

int iommu_mock_check_iotlb(const struct iommu_domain *domain, uint32_t index, uint32_t word)
{
	const struct mock_nested *nested = base_container_of(domain, struct mock_nested, domain);

	if (index > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX ||
	    base_load_relaxed(&nested->iotlb[index]) != word)
		return -EINVAL;
	return 0;
}

/* Under the lock of those who unmap no table goes away. */
bool iommu_domain_find(struct iommu_domain *domain, uint64_t iova, struct pgtable_leaf *leaf)
{
	base_scoped_lock(&domain->lock);
	return pgtable_walk(&domain->pt, iova, leaf);
}

void iommu_domain_mark_dirty(struct iommu_domain *domain, uint64_t iova)
{
	base_scoped_lock(&domain->lock);
	pgtable_mark_dirty(&domain->pt, iova);
}
