// SPDX-License-Identifier: MIT
/* Fault queues: groups of page requests on their way to the client and back. */
#include "iommufd/fault.h"
#include "iommufd/queue.h"

#include <errno.h>

#define FIRST_COOKIE 1
#define LAST_COOKIE  (UINT32_MAX - 1)

static struct iommufd_fault *fault_of(struct mem_file *file)
{
	return base_container_of(file, struct iommufd_fault, queue.file);
}

static uint32_t ready_locked(struct iommufd_fault *fault)
{
	uint32_t in = base_list_is_empty(&fault->queued) ? 0 : POLLIN | POLLRDNORM;

	base_assert_held(&fault->queue.lock);
	return in | POLLOUT | POLLWRNORM;
}

static void changed_locked(struct iommufd_fault *fault)
{
	mem_file_changed(&fault->queue.file, ready_locked(fault));
}

/* ---- from the device ---- */

static void fault_deliver(struct iommu_attach_handle *attach, struct iommu_fault_group *group)
{
	struct iommufd_fault *fault =
		base_container_of(attach, struct iommufd_fault_handle, handle)->fault;

	base_scoped_lock(&fault->queue.lock);
	base_list_add_tail(&fault->queued, &group->node);
	changed_locked(fault);
}

void iommufd_fault_handle_init(struct iommufd_fault_handle *handle,
			       const struct iommufd_device *idev, uint32_t pasid,
			       const struct iommufd_hwpt *hwpt)
{
	handle->handle.pasid = pasid;
	handle->handle.nested = !hwpt->ioas;
	handle->handle.deliver = hwpt->fault ? fault_deliver : NULL;
	handle->fault = hwpt->fault;
	handle->dev_id = idev->obj.id;
}

/* Answers are given under the lock: when the caller goes on, none is still on its way (L16). */
void iommufd_fault_handle_fini(struct iommufd_fault_handle *handle)
{
	struct iommufd_fault *fault = handle->fault;
	struct iommu_fault_group *group, *next;

	if (!fault)
		return;
	base_scoped_lock(&fault->queue.lock);
	base_list_for_each_safe (group, next, &fault->queued, node) {
		if (group->handle != &handle->handle)
			continue;
		base_list_remove(&group->node);
		iommu_fault_group_answer(group, IOMMU_RESPONSE_INVALID);
	}
	for (uint32_t cookie = 0; (group = base_idtable_next(&fault->outstanding, &cookie));
	     cookie++) {
		if (group->handle != &handle->handle)
			continue;
		base_idtable_release(&fault->outstanding, cookie);
		iommu_fault_group_answer(group, IOMMU_RESPONSE_INVALID);
	}
	changed_locked(fault);
}

/* ---- read ---- */

static void message_fill(struct iommu_hwpt_pgfault *message, const struct iommu_fault_group *group,
			 uint32_t index)
{
	const struct iommu_page_request *request = &group->requests[index];

	*message = (struct iommu_hwpt_pgfault){
		.flags = request->flags,
		.dev_id = base_container_of(group->handle, struct iommufd_fault_handle, handle)
				  ->dev_id,
		.pasid = request->pasid,
		.grpid = request->grpid,
		.perm = request->perm,
		.addr = request->addr,
		.cookie = group->cookie,
	};
}

static int group_copy_out(const struct iommu_fault_group *group, struct mem_client *client,
			  uint64_t addr)
{
	for (uint32_t i = 0; i < group->count; i++, addr += sizeof(struct iommu_hwpt_pgfault)) {
		struct iommu_hwpt_pgfault message;

		message_fill(&message, group, i);
		if (mem_copy_out(client, addr, &message, sizeof(message)))
			return -EFAULT;
	}
	return 0;
}

/* The group at the head, as a whole or not at all. */
static int read_group_locked(struct iommufd_fault *fault, struct mem_client *client, uint64_t addr,
			     size_t count, size_t *done)
{
	struct iommu_fault_group *group =
		base_list_entry(fault->queued.next, struct iommu_fault_group, node);
	size_t size = group->count * sizeof(struct iommu_hwpt_pgfault);
	int rc;

	base_assert_held(&fault->queue.lock);
	if (size > count)
		return -EINVAL;
	rc = base_idtable_reserve(&fault->outstanding, &group->cookie);
	if (rc)
		return rc;
	rc = group_copy_out(group, client, addr);
	if (rc) {
		base_idtable_release(&fault->outstanding, group->cookie);
		return rc;
	}
	base_list_remove(&group->node);
	base_idtable_set(&fault->outstanding, group->cookie, group);
	*done += size;
	return 0;
}

static ssize_t fault_read(struct mem_file *file, struct mem_client *client, uint64_t addr,
			  size_t count)
{
	struct iommufd_fault *fault = fault_of(file);
	size_t done = 0;
	int rc = 0;

	if (count % sizeof(struct iommu_hwpt_pgfault))
		return -ESPIPE;
	base_scoped_lock(&fault->queue.lock);
	while (!rc && !base_list_is_empty(&fault->queued))
		rc = read_group_locked(fault, client, addr + done, count - done, &done);
	if (done)
		changed_locked(fault);
	return done ? (ssize_t)done : rc;
}

/* ---- write ---- */

static int write_answer_locked(struct iommufd_fault *fault, struct mem_client *client,
			       uint64_t addr)
{
	struct iommu_hwpt_page_response response;
	struct iommu_fault_group *group;

	base_assert_held(&fault->queue.lock);
	if (mem_copy_in(client, &response, addr, sizeof(response)))
		return -EFAULT;
	if (response.code != IOMMUFD_PAGE_RESP_SUCCESS &&
	    response.code != IOMMUFD_PAGE_RESP_INVALID)
		return -EINVAL;
	group = base_idtable_get(&fault->outstanding, response.cookie);
	if (!group)
		return -EINVAL;
	base_idtable_release(&fault->outstanding, response.cookie);
	iommu_fault_group_answer(group, (iommu_page_response)response.code);
	return 0;
}

static ssize_t fault_write(struct mem_file *file, struct mem_client *client, uint64_t addr,
			   size_t count)
{
	struct iommufd_fault *fault = fault_of(file);
	size_t done = 0;
	int rc = 0;

	if (count % sizeof(struct iommu_hwpt_page_response))
		return -ESPIPE;
	base_scoped_lock(&fault->queue.lock);
	while (done < count && !(rc = write_answer_locked(fault, client, addr + done)))
		done += sizeof(struct iommu_hwpt_page_response);
	return done ? (ssize_t)done : rc;
}

static uint32_t fault_poll(struct mem_file *file)
{
	struct iommufd_fault *fault = fault_of(file);

	base_scoped_lock(&fault->queue.lock);
	return ready_locked(fault);
}

static const struct mem_file_ops fault_ops = {
	.name = "iommufd-pgfault",
	.ioctl = iommufd_queue_ioctl,
	.read = fault_read,
	.write = fault_write,
	.poll = fault_poll,
	.release = iommufd_queue_release,
};

/* ---- the object ---- */

int iommufd_fault_alloc(struct iommufd_call *call, struct iommu_fault_alloc *cmd)
{
	struct iommufd_fault *fault;
	struct iommufd_object *obj;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	rc = iommufd_object_alloc(call->ctx, sizeof(*fault), IOMMUFD_OBJ_FAULT, &obj);
	if (rc)
		return rc;
	iommufd_call_create(call, obj, NULL);
	fault = base_container_of(obj, struct iommufd_fault, obj);
	iommufd_queue_init(&fault->queue, call->ctx, obj, &fault_ops);
	base_list_init(&fault->queued);
	base_idtable_init(&fault->outstanding, FIRST_COOKIE, LAST_COOKIE);
	cmd->out_fault_id = obj->id;
	rc = iommufd_queue_open(call, &fault->queue, &cmd->out_fault_fd);
	call->respond = !rc;
	return rc;
}

/* No HWPT uses it, so no attachment does, and all groups were answered with their attachments. */
void iommufd_fault_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_fault *fault = base_container_of(obj, struct iommufd_fault, obj);

	(void)ctx;
	base_assert(base_list_is_empty(&fault->queued) && !fault->outstanding.taken);
	base_idtable_fini(&fault->outstanding);
}
