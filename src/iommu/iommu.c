// SPDX-License-Identifier: MIT
/* IOMMUs by kind, their devices, and their fault records. */
#include "iommu/driver.h"

#include <errno.h>
#include <string.h>

static const struct iommu_driver *const drivers[] = {
	&iommu_vtd_driver,
	&iommu_mock_driver,
};

static const struct iommu_driver *driver_find(const char *kind)
{
	for (size_t i = 0; i < base_array_size(drivers); i++)
		if (!strcmp(drivers[i]->kind, kind))
			return drivers[i];
	return NULL;
}

_Static_assert(base_array_size(drivers) == IOMMU_KIND_COUNT, "kinds");

const char *iommu_kind_name(size_t index)
{
	return drivers[index]->kind;
}

int iommu_new(const char *kind, struct iommu **out)
{
	const struct iommu_driver *driver = driver_find(kind);
	struct iommu *iommu;

	if (!driver)
		return -EINVAL;
	iommu = base_zalloc(sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	iommu->driver = driver;
	base_mutex_init(&iommu->lock, RANK_LEAF);
	base_list_init(&iommu->test_devices);
	*out = iommu;
	return 0;
}

void iommu_free(struct iommu *iommu)
{
	base_free(iommu);
}

int iommu_device_new(struct iommu *iommu, struct iommu_group *group, uint16_t source_id,
		     struct iommu_device **out)
{
	struct iommu_device *device = iommu->driver->device_alloc();

	if (!device)
		return -ENOMEM;
	device->iommu = iommu;
	device->group = group;
	device->source_id = source_id;
	device->max_pasids = 1;
	base_list_init(&device->partials);
	{
		base_scoped_lock(&group->lock);
		base_list_add_tail(&group->devices, &device->group_node);
	}
	*out = device;
	return 0;
}

void iommu_device_free(struct iommu_device *device)
{
	struct iommu_pasid_entry *entry, *next;

	base_assert(!device->domain);
	iommu_partials_drop(device);
	{
		base_scoped_lock(&device->group->lock);
		base_list_remove(&device->group_node);
	}
	for (entry = device->pasids; entry; entry = next) {
		next = entry->next;
		base_free(entry);
	}
	base_free(device);
}

int iommu_device_hw_info(struct iommu_device *device, uint32_t type,
			 struct iommu_device_facts *info)
{
	memset(info, 0, sizeof(*info));
	if (device->max_pasids > 1)
		info->max_pasid_log2 = base_log2(device->max_pasids);
	return device->iommu->driver->hw_info(device, type, info);
}

bool iommu_device_accepts(const struct iommu_device *device, const struct iommu_domain *domain)
{
	return device->iommu->driver == domain->iommu->driver;
}

size_t iommu_device_reserved(struct iommu_device *device, const struct iommu_reserved **ranges)
{
	*ranges = device->iommu->driver->reserved;
	return device->iommu->driver->reserved_count;
}

void iommu_report_fault(struct iommu_device *device, uint32_t pasid,
			const struct iommu_dma_fault *fault)
{
	struct iommu *iommu = device->iommu;

	base_trace("iommu %s: fault 0x%x, device %02x:%02x.%x, pasid %u, %s of iova 0x%llx",
		   iommu->driver->kind, fault->code, device->source_id >> 8,
		   (device->source_id >> 3) & 31, device->source_id & 7, pasid,
		   fault->prot == PGTABLE_WRITE ? "write" : "read",
		   (unsigned long long)fault->iova);
	base_scoped_lock(&iommu->lock);
	iommu->faults.count++;
	iommu->faults.source_id = device->source_id;
	iommu->faults.pasid = pasid;
	iommu->faults.last = *fault;
}

void iommu_last_fault(struct iommu *iommu, struct iommu_fault_record *record)
{
	base_scoped_lock(&iommu->lock);
	*record = iommu->faults;
}
