// SPDX-License-Identifier: MIT
/* What a device tells of itself (vfio-device-ioctls.md 6, 7, 9). */
#include "vfio/private.h"

#include <errno.h>

#define MIN_THROUGH(type, field) (offsetof(struct type, field) + sizeof(((struct type *)0)->field))

/* Copy in the first `min` bytes, which begin with argsz, and check it. */
static int info_copy_in(struct mem_client *client, uint64_t arg, void *info, size_t min)
{
	int rc = mem_copy_in(client, info, arg, min);

	if (rc)
		return rc;
	return *(uint32_t *)info < min ? -EINVAL : 0;
}

int vfio_get_info(struct swiommu_device *device, struct mem_client *client, uint64_t arg)
{
	struct vfio_device_info info = {0};
	int rc = info_copy_in(client, arg, &info, MIN_THROUGH(vfio_device_info, num_irqs));

	(void)device;
	if (rc)
		return rc;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return mem_copy_out(client, arg, &info, base_min_u64(info.argsz, sizeof(info)));
}

int vfio_get_region_info(struct swiommu_device *device, struct mem_client *client, uint64_t arg)
{
	struct vfio_region_info info = {0};
	int rc = info_copy_in(client, arg, &info, sizeof(info));
	int64_t size;

	if (rc)
		return rc;
	size = vfio_region_size(device, info.index);
	if (size < 0)
		return size;
	info.flags = size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	info.cap_offset = 0;
	info.size = size;
	info.offset = (uint64_t)info.index << 40;
	return mem_copy_out(client, arg, &info, sizeof(info));
}

int vfio_get_irq_info(struct swiommu_device *device, struct mem_client *client, uint64_t arg)
{
	struct vfio_irq_info info = {0};
	int rc = info_copy_in(client, arg, &info, sizeof(info));

	if (rc)
		return rc;
	if (info.index >= VFIO_PCI_NUM_IRQS ||
	    (info.index == VFIO_PCI_ERR_IRQ_INDEX && !device->config.pcie))
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index != VFIO_PCI_MSIX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	info.count = vfio_irq_count(device, info.index);
	return mem_copy_out(client, arg, &info, sizeof(info));
}
