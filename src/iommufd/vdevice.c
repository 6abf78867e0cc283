// SPDX-License-Identifier: MIT
/*
 * vdevices: a device as a vIOMMU's guest knows it. Made by a client, for a
 * device that a driver owns: it holds both counts of the device, and unbinding
 * ends it (iommufd-objects.md 12).
 */
#include "iommufd/private.h"

#include <errno.h>

static struct iommufd_vdevice *vdevice_of(struct iommufd_object *obj)
{
	return base_container_of(obj, struct iommufd_vdevice, obj);
}

/* Tie a new vdevice to its device and its virtual id; abort unties what is tied. */
static int vdevice_link_locked(struct iommufd_vdevice *vdev, struct iommufd_device *idev,
			       struct iommufd_viommu *viommu, uint64_t virt_id)
{
	int rc;

	base_assert_held(&idev->group->lock);
	vdev->idev = idev;
	iommufd_object_hold(&idev->obj);
	idev->vdevice = vdev;
	rc = iommu_vdevice_reserve(viommu->viommu, idev->device, virt_id, &vdev->vdevice);
	if (rc)
		return rc;
	vdev->viommu = viommu;
	iommufd_object_use(&viommu->obj);
	iommu_vdevice_show(&vdev->vdevice);
	return 0;
}

static void vdevice_unlink_locked(struct iommufd_vdevice *vdev)
{
	base_assert_held(&vdev->idev->group->lock);
	if (vdev->viommu) {
		iommu_vdevice_remove(&vdev->vdevice);
		iommufd_object_unuse(&vdev->viommu->obj);
	}
	vdev->idev->vdevice = NULL;
}

static int vdevice_new_locked(struct iommufd_call *call, struct iommufd_device *idev,
			      struct iommufd_viommu *viommu, struct iommu_vdevice_alloc *cmd)
{
	struct iommufd_object *obj;
	int rc;

	if (idev->destroying)
		return -ENOENT;
	if (idev->vdevice)
		return -EEXIST;
	rc = iommufd_object_alloc(call->ctx, sizeof(struct iommufd_vdevice), IOMMUFD_OBJ_VDEVICE,
				  &obj);
	if (rc)
		return rc;
	iommufd_call_create(call, obj, &idev->group->lock);
	cmd->out_vdevice_id = obj->id;
	return vdevice_link_locked(vdevice_of(obj), idev, viommu, cmd->virt_id);
}

/* The group's lock is held until the vdevice is published: nobody sees half of it. */
int iommufd_vdevice_alloc(struct iommufd_call *call, struct iommu_vdevice_alloc *cmd)
{
	struct iommufd_object *obj;
	struct iommufd_viommu *viommu;
	struct iommufd_device *idev;
	int rc;

	obj = iommufd_call_lookup(call, cmd->viommu_id, IOMMUFD_OBJ_VIOMMU);
	if (!obj)
		return -ENOENT;
	viommu = base_container_of(obj, struct iommufd_viommu, obj);
	obj = iommufd_call_lookup(call, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (!obj)
		return -ENOENT;
	idev = base_container_of(obj, struct iommufd_device, obj);
	if (viommu->viommu->iommu != idev->device->iommu)
		return -EINVAL;
	base_mutex_lock(&idev->group->lock);
	rc = vdevice_new_locked(call, idev, viommu, cmd);
	call->respond = !rc;
	if (!call->created)
		base_mutex_unlock(&idev->group->lock);
	return rc;
}

void iommufd_vdevice_abort(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_vdevice *vdev = vdevice_of(obj);

	vdevice_unlink_locked(vdev);
	iommufd_object_put(&ctx->objects, &vdev->idev->obj);
}

void iommufd_vdevice_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_vdevice *vdev = vdevice_of(obj);
	struct iommufd_device *idev = vdev->idev;

	base_mutex_lock(&idev->group->lock);
	vdevice_unlink_locked(vdev);
	base_mutex_unlock(&idev->group->lock);
	/* Last: an unbind that waits for this goes on and frees the device (L10). */
	iommufd_object_put(&ctx->objects, &idev->obj);
}
