// SPDX-License-Identifier: MIT
/* Page requests: collected, routed to an attachment, answered. */
#include "iommu/driver.h"

#include <errno.h>

/* More than that, and what a device has left unfinished is forgotten. */
#define PARTIAL_MAX 512

/* A request whose group is not complete. */
struct partial {
	struct base_list node;
	struct iommu_page_request request;
};

/* ---- handles ---- */

void iommu_handle_add(struct iommu_group *group, struct iommu_attach_handle *handle)
{
	base_scoped_write(&group->reports);
	base_list_add_tail(&group->handles, &handle->node);
}

void iommu_handle_remove(struct iommu_group *group, struct iommu_attach_handle *handle)
{
	base_scoped_write(&group->reports);
	base_list_remove(&handle->node);
}

void iommu_handle_replace(struct iommu_group *group, struct iommu_attach_handle *old,
			  struct iommu_attach_handle *handle)
{
	base_scoped_write(&group->reports);
	base_list_remove(&old->node);
	base_list_add_tail(&group->handles, &handle->node);
}

static struct iommu_attach_handle *handle_find_locked(struct iommu_group *group, uint32_t pasid)
{
	struct iommu_attach_handle *handle;

	base_assert_held(&group->reports);
	base_list_for_each (handle, &group->handles, node) {
		if (handle->pasid == pasid)
			return handle;
	}
	return NULL;
}

/*
 * A guest that has its own table of PASIDs, which is part of what it has nested
 * for requests without one, answers for all that is not attached by itself.
 */
static struct iommu_attach_handle *handle_route_locked(struct iommu_device *device,
						       const struct iommu_page_request *request)
{
	bool has_pasid = request->flags & IOMMU_PGFAULT_FLAGS_PASID_VALID;
	struct iommu_attach_handle *handle =
		handle_find_locked(device->group, has_pasid ? request->pasid : 0);

	if (handle || !has_pasid || !device->iommu->driver->user_pasid_table)
		return handle;
	handle = handle_find_locked(device->group, 0);
	return handle && handle->nested ? handle : NULL;
}

/* ---- answers ---- */

static void answer(struct iommu_device *device, const struct iommu_page_request *last,
		   iommu_page_response code)
{
	base_trace("iommu %s: page request group %u answered %d", device->iommu->driver->kind,
		   last->grpid, (int)code);
	if (device->page_answer)
		device->page_answer(device, last, code);
}

void iommu_fault_group_answer(struct iommu_fault_group *group, iommu_page_response code)
{
	answer(group->device, &group->requests[group->count - 1], code);
	base_free(group);
}

/* ---- groups ---- */

static void partial_drop_locked(struct iommu_device *device, struct partial *partial)
{
	base_assert_held(&device->iommu->lock);
	base_list_remove(&partial->node);
	base_free(partial);
	device->partial_count--;
}

static void partials_drop_locked(struct iommu_device *device)
{
	struct partial *partial, *next;

	base_list_for_each_safe (partial, next, &device->partials, node)
		partial_drop_locked(device, partial);
}

void iommu_partials_drop(struct iommu_device *device)
{
	base_scoped_lock(&device->iommu->lock);
	partials_drop_locked(device);
}

/* Without memory the request is lost; the group will lack it. */
static void partial_add(struct iommu_device *device, const struct iommu_page_request *request)
{
	struct partial *partial = base_alloc(sizeof(*partial));

	if (!partial)
		return;
	partial->request = *request;
	base_scoped_lock(&device->iommu->lock);
	if (device->partial_count == PARTIAL_MAX)
		partials_drop_locked(device);
	base_list_add_tail(&device->partials, &partial->node);
	device->partial_count++;
}

static uint32_t partial_count_locked(struct iommu_device *device, uint32_t grpid)
{
	struct partial *partial;
	uint32_t count = 0;

	base_assert_held(&device->iommu->lock);
	base_list_for_each (partial, &device->partials, node)
		count += partial->request.grpid == grpid;
	return count;
}

/* Move the group's partial requests to `group`; NULL: drop them. */
static void partials_take_locked(struct iommu_device *device, uint32_t grpid,
				 struct iommu_fault_group *group)
{
	struct partial *partial, *next;

	base_list_for_each_safe (partial, next, &device->partials, node) {
		if (partial->request.grpid != grpid)
			continue;
		if (group)
			group->requests[group->count++] = partial->request;
		partial_drop_locked(device, partial);
	}
}

/* The group that `last` completes. NULL: no memory. */
static struct iommu_fault_group *group_new(struct iommu_device *device,
					   const struct iommu_page_request *last)
{
	struct iommu_fault_group *group;
	size_t count;

	base_scoped_lock(&device->iommu->lock);
	count = partial_count_locked(device, last->grpid) + 1;
	group = base_zalloc(sizeof(*group) + count * sizeof(group->requests[0]));
	partials_take_locked(device, last->grpid, group);
	if (!group)
		return NULL;
	group->device = device;
	group->requests[group->count++] = *last;
	return group;
}

/* True if the attachment that the group concerns has taken it over. */
static bool group_deliver(struct iommu_device *device, struct iommu_fault_group *group)
{
	base_scoped_read(&device->group->reports);
	group->handle = handle_route_locked(device, &group->requests[group->count - 1]);
	if (!group->handle || !group->handle->deliver)
		return false;
	group->handle->deliver(group->handle, group);
	return true;
}

void iommu_report_page_request(struct iommu_device *device,
			       const struct iommu_page_request *request)
{
	const struct iommu_driver *driver = device->iommu->driver;
	enum iommu_request_fate fate =
		driver->page_request ? driver->page_request(device, request) : IOMMU_REQUEST_ASK;
	bool last = request->flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	struct iommu_fault_group *group;

	if (fate == IOMMU_REQUEST_DROP || (fate == IOMMU_REQUEST_REFUSE && !last))
		return;
	if (fate == IOMMU_REQUEST_REFUSE) {
		answer(device, request, IOMMU_RESPONSE_INVALID);
		return;
	}
	if (!last) {
		partial_add(device, request);
		return;
	}
	group = group_new(device, request);
	if (!group)
		answer(device, request, IOMMU_RESPONSE_FAILURE);
	else if (!group_deliver(device, group))
		iommu_fault_group_answer(group, IOMMU_RESPONSE_INVALID);
}
