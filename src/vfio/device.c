// SPDX-License-Identifier: MIT
/* Devices and their files: what is answered in which state (vfio-device-ioctls.md 2). */
#include "vfio/private.h"

#include <errno.h>

static struct vfio_file *vfile_of(struct mem_file *file)
{
	return base_container_of(file, struct vfio_file, file);
}

/* What a bound device answers, whoever attached it. */
static long device_ioctl(struct swiommu_device *device, struct mem_client *client, uint32_t cmd,
			 uint64_t arg)
{
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO: return vfio_get_info(device, client, arg);
	case VFIO_DEVICE_GET_REGION_INFO: return vfio_get_region_info(device, client, arg);
	case VFIO_DEVICE_GET_IRQ_INFO: return vfio_get_irq_info(device, client, arg);
	case VFIO_DEVICE_SET_IRQS: return vfio_set_irqs(device, client, arg);
	case VFIO_DEVICE_RESET: return vfio_reset(device);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: return vfio_hot_reset_info(client, arg);
	case VFIO_DEVICE_PCI_HOT_RESET: return vfio_hot_reset(client, arg);
	case VFIO_DEVICE_FEATURE: return vfio_feature(device, client, arg);
	default: return -ENOTTY;
	}
}

static long vfile_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			uint64_t arg)
{
	struct vfio_file *vfile = vfile_of(file);

	if (cmd == VFIO_DEVICE_BIND_IOMMUFD)
		return vfio_bind(vfile, client, arg);
	if (!base_load(&vfile->bound))
		return -EINVAL;
	switch (cmd) {
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT: return vfio_attach(vfile, client, arg);
	case VFIO_DEVICE_DETACH_IOMMUFD_PT: return vfio_detach(vfile, client, arg);
	default: return device_ioctl(vfile->device, client, cmd, arg);
	}
}

static ssize_t vfile_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
			   size_t count, uint64_t pos)
{
	struct vfio_file *vfile = vfile_of(file);

	if (!base_load(&vfile->bound))
		return -EINVAL;
	return vfio_region_read(vfile->device, client, addr, count, pos);
}

static ssize_t vfile_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			    size_t count, uint64_t pos)
{
	struct vfio_file *vfile = vfile_of(file);

	if (!base_load(&vfile->bound))
		return -EINVAL;
	return vfio_region_write(vfile->device, client, addr, count, pos);
}

static void vfile_release(struct mem_file *file)
{
	struct vfio_file *vfile = vfile_of(file);

	if (vfile->bound)
		vfio_unbind(vfile);
	base_free(vfile);
}

/* vfio-device-ioctls.md 7: no region says that it can be mapped. */
static int vfile_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		      struct mem_region **region)
{
	(void)file, (void)offset, (void)length, (void)prot, (void)flags, (void)region;
	return -EINVAL;
}

static const struct mem_file_ops vfile_ops = {
	.name = "vfio-device",
	.ioctl = vfile_ioctl,
	.pread = vfile_pread,
	.pwrite = vfile_pwrite,
	.mmap = vfile_mmap,
	.release = vfile_release,
};

int vfio_device_open(struct swiommu_device *device, struct mem_file **file)
{
	struct vfio_file *vfile = base_zalloc(sizeof(*vfile));

	if (!vfile)
		return -ENOMEM;
	mem_file_init(&vfile->file, &vfile_ops);
	vfile->device = device;
	base_list_init(&vfile->pasids);
	*file = &vfile->file;
	return 0;
}

int vfio_device_new(const struct swiommu_model *model, const char *const *options,
		    struct iommu_device *stream, struct swiommu_device **out, const char **message)
{
	struct swiommu_device *device = base_zalloc(sizeof(*device));
	int rc;

	if (!device)
		return -ENOMEM;
	device->model = model;
	device->stream = stream;
	base_mutex_init(&device->set_lock, RANK_VFIO_SET);
	base_mutex_init(&device->lock, RANK_VFIO_DEVICE);
	vfio_irqs_init(&device->irqs);
	vfio_config_header(device);
	rc = model->create(device, options, &device->state, message);
	if (rc) {
		base_free(device);
		return rc;
	}
	vfio_config_seal(device);
	*out = device;
	return 0;
}

void vfio_device_free(struct swiommu_device *device)
{
	base_assert(!device->bound);
	vfio_unmask_wait(device);
	device->model->destroy(device->state);
	base_free(device);
}
