// SPDX-License-Identifier: MIT
/* How a device file gets, uses and gives up an iommufd (vfio-device-ioctls.md 3-5). */
#include "vfio/private.h"

#include <errno.h>

#define PASID_LIMIT 0x80000000u

/* ---- bind ---- */

static int bind_copy_in(struct mem_client *client, uint64_t arg,
			struct vfio_device_bind_iommufd *bind)
{
	const size_t min = offsetof(struct vfio_device_bind_iommufd, token_uuid_ptr);
	uint32_t argsz;
	int rc = mem_copy_in(client, &argsz, arg, sizeof(argsz));

	if (rc)
		return rc;
	if (argsz < min)
		return -EINVAL;
	rc = mem_copy_in_struct(client, bind, sizeof(*bind), arg, argsz);
	if (rc)
		return rc;
	if (bind->iommufd < 0 || (bind->flags & ~VFIO_DEVICE_BIND_FLAG_TOKEN))
		return -EINVAL;
	return 0;
}

/* The driver's open: a device as after a reset, and a fresh view of its config space. */
static void device_open(struct swiommu_device *device)
{
	base_scoped_lock(&device->lock);

	vfio_function_reset_locked(device);
	vfio_config_open_locked(device);
	device->low_power = false;
}

static void device_close(struct swiommu_device *device)
{
	vfio_irqs_close(device);
	base_scoped_lock(&device->lock);
	vfio_function_reset_locked(device);
}

static int bind_to_file_locked(struct vfio_file *vfile, struct mem_file *iommufd, uint32_t *devid)
{
	struct swiommu_device *device = vfile->device;
	struct iommufd_ctx *ctx = iommufd_ctx_of(iommufd);
	int rc;

	base_assert_held(&device->set_lock);
	if (!ctx)
		return -EBADFD;
	if (device->bound)
		return -EINVAL;
	rc = iommufd_device_bind(ctx, device->stream, &vfile->idev, devid);
	if (rc)
		return rc;
	vfile->iommufd = iommufd;
	device->bound = vfile;
	device_open(device);
	return 0;
}

static void unbind_locked(struct vfio_file *vfile)
{
	struct swiommu_device *device = vfile->device;
	struct vfio_pasid *p, *next;

	base_assert_held(&device->set_lock);
	device_close(device);
	base_list_for_each_safe (p, next, &vfile->pasids, node) {
		iommufd_device_detach(vfile->idev, p->pasid);
		base_list_remove(&p->node);
		base_free(p);
	}
	if (vfile->attached)
		iommufd_device_detach(vfile->idev, 0);
	vfile->attached = false;
	iommufd_device_unbind(vfile->idev);
	device->bound = NULL;
}

void vfio_unbind(struct vfio_file *vfile)
{
	struct mem_file *iommufd = vfile->iommufd;

	base_mutex_lock(&vfile->device->set_lock);
	unbind_locked(vfile);
	base_mutex_unlock(&vfile->device->set_lock);
	mem_file_put(iommufd);
}

/* Tokens belong to SR-IOV functions, which no device here is: one that is given is read first. */
static int check_token(struct mem_client *client, const struct vfio_device_bind_iommufd *bind)
{
	uint8_t uuid[16];

	if (!(bind->flags & VFIO_DEVICE_BIND_FLAG_TOKEN))
		return 0;
	return mem_copy_in(client, uuid, bind->token_uuid_ptr, sizeof(uuid)) ? -EFAULT : -EINVAL;
}

static int bind_locked(struct vfio_file *vfile, struct mem_client *client, uint64_t arg,
		       const struct vfio_device_bind_iommufd *bind, struct mem_file **iommufd)
{
	uint32_t devid;
	int rc;

	base_assert_held(&vfile->device->set_lock);
	if (vfile->bound)
		return -EINVAL;
	rc = check_token(client, bind);
	if (rc)
		return rc;
	rc = client->ops->file_get(client, bind->iommufd, iommufd);
	if (rc)
		return rc;
	rc = bind_to_file_locked(vfile, *iommufd, &devid);
	if (rc)
		return rc;
	rc = mem_copy_out(client, arg + offsetof(struct vfio_device_bind_iommufd, out_devid),
			  &devid, sizeof(devid));
	if (rc)
		unbind_locked(vfile);
	else
		base_store(&vfile->bound, true);
	return rc;
}

int vfio_bind(struct vfio_file *vfile, struct mem_client *client, uint64_t arg)
{
	struct vfio_device_bind_iommufd bind;
	struct mem_file *iommufd = NULL;
	int rc = bind_copy_in(client, arg, &bind);

	if (rc)
		return rc;
	base_mutex_lock(&vfile->device->set_lock);
	rc = bind_locked(vfile, client, arg, &bind, &iommufd);
	base_mutex_unlock(&vfile->device->set_lock);
	/* The lock is not held: the last reference releases the whole context. */
	if (rc && iommufd)
		mem_file_put(iommufd);
	return rc;
}

/* ---- attach and detach ---- */

/* Copy a struct of `min` bytes, and its PASID (the last member) if the flags ask for it. */
static int pt_copy_in(struct mem_client *client, uint64_t arg, void *dst, size_t min, size_t full,
		      uint32_t pasid_flag)
{
	struct {
		uint32_t argsz, flags;
	} *head = dst;
	int rc = mem_copy_in(client, dst, arg, min);

	if (rc)
		return rc;
	if (head->argsz < min || (head->flags & ~pasid_flag))
		return -EINVAL;
	if (!head->flags)
		return 0;
	if (head->argsz < full)
		return -EINVAL;
	return mem_copy_in(client, (uint8_t *)dst + min, arg + min, full - min);
}

static struct vfio_pasid *pasid_find_locked(struct vfio_file *vfile, uint32_t pasid)
{
	struct vfio_pasid *p;

	base_assert_held(&vfile->device->set_lock);
	base_list_for_each (p, &vfile->pasids, node) {
		if (p->pasid == pasid)
			return p;
	}
	return NULL;
}

static int attach_pasid_locked(struct vfio_file *vfile, uint32_t pasid, uint32_t *pt_id)
{
	struct vfio_pasid *p, *at;
	int rc;

	if (pasid_find_locked(vfile, pasid))
		return iommufd_device_replace(vfile->idev, pasid, pt_id);
	if (pasid >= PASID_LIMIT)
		return -ENOSPC;
	p = base_alloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->pasid = pasid;
	rc = iommufd_device_attach(vfile->idev, pasid, pt_id);
	if (rc) {
		base_free(p);
		return rc;
	}
	base_list_for_each (at, &vfile->pasids, node) {
		if (at->pasid > pasid)
			break;
	}
	base_list_add_tail(&at->node, &p->node);
	return 0;
}

static int attach_locked(struct vfio_file *vfile, uint32_t *pt_id)
{
	int rc;

	if (vfile->attached)
		return iommufd_device_replace(vfile->idev, 0, pt_id);
	rc = iommufd_device_attach(vfile->idev, 0, pt_id);
	vfile->attached = !rc;
	return rc;
}

static void detach_locked(struct vfio_file *vfile)
{
	if (vfile->attached)
		iommufd_device_detach(vfile->idev, 0);
	vfile->attached = false;
}

int vfio_attach(struct vfio_file *vfile, struct mem_client *client, uint64_t arg)
{
	const size_t min = offsetof(struct vfio_device_attach_iommufd_pt, pasid);
	struct vfio_device_attach_iommufd_pt cmd;
	int rc = pt_copy_in(client, arg, &cmd, min, sizeof(cmd), VFIO_DEVICE_ATTACH_PASID);

	if (rc)
		return rc;
	base_scoped_lock(&vfile->device->set_lock);
	rc = cmd.flags ? attach_pasid_locked(vfile, cmd.pasid, &cmd.pt_id)
		       : attach_locked(vfile, &cmd.pt_id);
	if (rc)
		return rc;
	rc = mem_copy_out(client, arg + offsetof(struct vfio_device_attach_iommufd_pt, pt_id),
			  &cmd.pt_id, sizeof(cmd.pt_id));
	/* Linux gives up the device's own attachment, whichever was asked for (4.7). */
	if (rc)
		detach_locked(vfile);
	return rc;
}

int vfio_detach(struct vfio_file *vfile, struct mem_client *client, uint64_t arg)
{
	const size_t min = offsetof(struct vfio_device_detach_iommufd_pt, pasid);
	struct vfio_device_detach_iommufd_pt cmd;
	int rc = pt_copy_in(client, arg, &cmd, min, sizeof(cmd), VFIO_DEVICE_DETACH_PASID);

	if (rc)
		return rc;
	base_scoped_lock(&vfile->device->set_lock);
	if (cmd.flags) {
		struct vfio_pasid *p = pasid_find_locked(vfile, cmd.pasid);

		if (p) {
			iommufd_device_detach(vfile->idev, cmd.pasid);
			base_list_remove(&p->node);
			base_free(p);
		}
	} else {
		detach_locked(vfile);
	}
	return 0;
}
