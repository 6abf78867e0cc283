// SPDX-License-Identifier: MIT
/* Groups: who owns their DMA, and which domain each PASID of theirs uses. */
#include "iommu/driver.h"

#include <errno.h>

int iommu_group_new(unsigned number, struct iommu_group **out)
{
	struct iommu_group *group = base_zalloc(sizeof(*group));

	if (!group)
		return -ENOMEM;
	group->number = number;
	base_mutex_init(&group->lock, RANK_IOMMU_GROUP);
	base_list_init(&group->devices);
	base_rwlock_init(&group->reports, RANK_REPORTS);
	base_list_init(&group->handles);
	*out = group;
	return 0;
}

void iommu_group_free(struct iommu_group *group)
{
	base_assert(base_list_is_empty(&group->devices) && !group->owner_count);
	base_assert(base_list_is_empty(&group->handles));
	base_free(group);
}

unsigned iommu_group_number(const struct iommu_group *group)
{
	return group->number;
}

int iommu_group_claim(struct iommu_group *group, const void *owner)
{
	base_scoped_lock(&group->lock);

	if (group->owner_count && group->owner != owner)
		return -EPERM;
	group->owner = owner;
	group->owner_count++;
	return 0;
}

void iommu_group_release(struct iommu_group *group)
{
	base_scoped_lock(&group->lock);

	base_assert(group->owner_count);
	if (!--group->owner_count)
		group->owner = NULL;
}

/* The slot that holds the domain of a PASID, NULL if there is none yet. */
static struct iommu_domain **domain_slot_locked(struct iommu_device *device, uint32_t pasid)
{
	struct iommu_pasid_entry *entry;

	base_assert_held(&device->group->lock);
	if (pasid == 0)
		return &device->domain;
	for (entry = device->pasids; entry; entry = entry->next)
		if (entry->pasid == pasid)
			return &entry->domain;
	return NULL;
}

/* Make sure that the slot exists. Readers may walk the list meanwhile. */
static int domain_slot_add_locked(struct iommu_device *device, uint32_t pasid)
{
	struct iommu_pasid_entry *entry;

	if (domain_slot_locked(device, pasid))
		return 0;
	entry = base_zalloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->pasid = pasid;
	entry->next = device->pasids;
	base_store(&device->pasids, entry);
	return 0;
}

static struct iommu_domain *group_domain_locked(struct iommu_group *group, uint32_t pasid)
{
	struct iommu_device *device =
		base_list_entry(group->devices.next, struct iommu_device, group_node);
	struct iommu_domain **slot = domain_slot_locked(device, pasid);

	return slot ? *slot : NULL;
}

/* May every device of the group use the domain, as far as all drivers agree? */
static int group_check_locked(struct iommu_group *group, uint32_t pasid,
			      struct iommu_domain *domain)
{
	struct iommu_device *device;

	base_list_for_each (device, &group->devices, group_node) {
		int rc;

		if (!iommu_device_accepts(device, domain))
			return -EINVAL;
		if (pasid && pasid >= device->max_pasids)
			return -EINVAL;
		rc = domain_slot_add_locked(device, pasid);
		if (!rc)
			rc = device->iommu->driver->check(device, pasid, domain);
		if (rc)
			return rc;
	}
	return 0;
}

/* Every device of the group uses `domain` from now on; NULL: nothing. */
static void group_set_locked(struct iommu_group *group, uint32_t pasid, struct iommu_domain *domain)
{
	struct iommu_device *device;

	base_list_for_each (device, &group->devices, group_node) {
		struct iommu_domain **slot = domain_slot_locked(device, pasid);

		if (device->iommu->driver->attach)
			device->iommu->driver->attach(device, pasid, domain);
		if (slot)
			base_store(slot, domain);
	}
}

int iommu_group_attach(struct iommu_group *group, uint32_t pasid, struct iommu_domain *domain)
{
	int rc;

	base_scoped_lock(&group->lock);
	rc = group_check_locked(group, pasid, domain);
	if (!rc && group_domain_locked(group, pasid))
		rc = -EBUSY;
	if (!rc)
		group_set_locked(group, pasid, domain);
	return rc;
}

int iommu_group_replace(struct iommu_group *group, uint32_t pasid, struct iommu_domain *domain)
{
	int rc;

	base_scoped_lock(&group->lock);
	rc = group_check_locked(group, pasid, domain);
	if (rc)
		return rc;
	group_set_locked(group, pasid, domain);
	iommu_sync(NULL);
	return 0;
}

void iommu_group_detach(struct iommu_group *group, uint32_t pasid)
{
	base_scoped_lock(&group->lock);
	group_set_locked(group, pasid, NULL);
	iommu_sync(NULL);
}
