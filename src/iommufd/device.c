// SPDX-License-Identifier: MIT
/* Devices: bound by a driver, known to clients by id, gone when the driver unbinds. */
#include "iommufd/private.h"

#include <errno.h>

/* ---- group records ---- */

static struct iommufd_group *group_find_locked(struct iommufd_ctx *ctx, struct iommu_group *group)
{
	struct iommufd_group *igroup;

	base_assert_held(&ctx->groups_lock);
	base_list_for_each (igroup, &ctx->groups, node) {
		if (igroup->group == group)
			return igroup;
	}
	return NULL;
}

/* The record of a group, with one more device in it. NULL: no memory. */
static struct iommufd_group *group_join(struct iommufd_ctx *ctx, struct iommu_group *group)
{
	struct iommufd_group *igroup;

	base_scoped_lock(&ctx->groups_lock);
	igroup = group_find_locked(ctx, group);
	if (!igroup) {
		igroup = base_zalloc(sizeof(*igroup));
		if (!igroup)
			return NULL;
		igroup->group = group;
		base_mutex_init(&igroup->lock, RANK_GROUP);
		base_list_init(&igroup->attachments);
		base_list_add_tail(&ctx->groups, &igroup->node);
	}
	igroup->devices++;
	return igroup;
}

static void group_leave(struct iommufd_ctx *ctx, struct iommufd_group *igroup)
{
	base_scoped_lock(&ctx->groups_lock);

	if (--igroup->devices)
		return;
	base_assert(base_list_is_empty(&igroup->attachments));
	base_list_remove(&igroup->node);
	base_free(igroup);
}

/* ---- bind and unbind ---- */

static int device_new(struct iommufd_ctx *ctx, struct iommu_device *device,
		      struct iommufd_group *igroup, struct iommufd_device **out)
{
	struct iommufd_object *obj;
	int rc = iommufd_object_alloc(ctx, sizeof(**out), IOMMUFD_OBJ_DEVICE, &obj);

	if (rc)
		return rc;
	*out = base_container_of(obj, struct iommufd_device, obj);
	(*out)->ctx = ctx;
	(*out)->device = device;
	(*out)->group = igroup;
	return 0;
}

int iommufd_device_bind_weak(struct iommufd_ctx *ctx, struct iommu_device *device,
			     struct iommufd_device **out, uint32_t *id)
{
	struct iommufd_group *igroup = group_join(ctx, device->group);
	int rc;

	if (!igroup)
		return -ENOMEM;
	rc = iommu_group_claim(device->group, ctx);
	if (rc)
		goto err_group;
	rc = device_new(ctx, device, igroup, out);
	if (rc)
		goto err_claim;
	/* The driver's own user, beside the table's. */
	iommufd_object_use(&(*out)->obj);
	*id = (*out)->obj.id;
	iommufd_object_publish(ctx, &(*out)->obj);
	return 0;
err_claim:
	iommu_group_release(device->group);
err_group:
	group_leave(ctx, igroup);
	return rc;
}

int iommufd_device_bind(struct iommufd_ctx *ctx, struct iommu_device *device,
			struct iommufd_device **out, uint32_t *id)
{
	int rc = iommufd_device_bind_weak(ctx, device, out, id);

	if (!rc)
		mem_file_get(&ctx->file);
	return rc;
}

int iommufd_device_unbind_weak(struct iommufd_device *idev)
{
	return iommufd_object_destroy_driver(idev->ctx, &idev->obj, false);
}

void iommufd_device_unbind(struct iommufd_device *idev)
{
	struct iommufd_ctx *ctx = idev->ctx;
	int rc = iommufd_device_unbind_weak(idev);

	base_assert(!rc);
	/* The context may end here, so this is no part of the device's own end. */
	if (!rc)
		mem_file_put(&ctx->file);
}

void iommufd_device_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_device *idev = base_container_of(obj, struct iommufd_device, obj);

	base_assert(!idev->vdevice);
	iommu_group_release(idev->device->group);
	group_leave(ctx, idev->group);
	if (idev->owns_device)
		iommu_mock_device_free(idev->device);
}

/*
 * Somebody holds a waiter of the device: calls in flight, which end by
 * themselves, or a vdevice, which has to go (12.4.2). From now on no new vdevice
 * is made (L8). The group lock is not held while the vdevice goes, since its end
 * takes the lock (L6).
 */
void iommufd_device_pre_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_device *idev = base_container_of(obj, struct iommufd_device, obj);
	struct iommufd_object *vdevice = NULL;

	base_mutex_lock(&idev->group->lock);
	idev->destroying = true;
	/* Else a DESTROY took it out of the table and is about to finish it (L9). */
	if (idev->vdevice && iommufd_object_try_user(ctx, &idev->vdevice->obj))
		vdevice = &idev->vdevice->obj;
	base_mutex_unlock(&idev->group->lock);
	if (vdevice)
		iommufd_object_destroy_driver(ctx, vdevice, true);
}

/* ---- GET_HW_INFO ---- */

#define HW_INFO_FLAGS IOMMU_HW_INFO_FLAG_INPUT_TYPE

int iommufd_device_get_hw_info(struct iommufd_call *call, struct iommu_hw_info *cmd)
{
	struct iommu_device_facts facts;
	struct iommufd_object *obj;
	uint32_t type, copied;
	int rc;

	if ((cmd->flags & ~HW_INFO_FLAGS) || cmd->__reserved[0] || cmd->__reserved[1] ||
	    cmd->__reserved[2])
		return -EOPNOTSUPP;
	type = cmd->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE ? cmd->in_data_type
							  : IOMMU_HW_INFO_TYPE_DEFAULT;
	obj = iommufd_call_lookup(call, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (!obj)
		return -ENOENT;
	rc = iommu_device_hw_info(base_container_of(obj, struct iommufd_device, obj)->device, type,
				  &facts);
	if (rc)
		return rc;
	copied = base_min_u64(cmd->data_len, facts.len);
	if (mem_copy_out(call->client, cmd->data_uptr, facts.data, copied) ||
	    mem_clear_out(call->client, cmd->data_uptr + copied, cmd->data_len - copied))
		return -EFAULT;
	cmd->data_len = facts.len;
	cmd->out_data_type = facts.type;
	cmd->out_max_pasid_log2 = facts.max_pasid_log2;
	cmd->out_capabilities = facts.capabilities;
	call->respond = true;
	return 0;
}
