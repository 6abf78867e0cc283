// SPDX-License-Identifier: MIT
/* Names for the log. */
#include "front/call.h"

#include "uapi/uapi.h"

#include <stdio.h>
#include <string.h>

struct name {
	uint32_t cmd;
	const char *text;
};

#define NAME(constant)              \
	{                           \
		constant, #constant \
	}

static const struct name iommufd_names[] = {
	NAME(IOMMU_DESTROY),
	NAME(IOMMU_IOAS_ALLOC),
	NAME(IOMMU_IOAS_ALLOW_IOVAS),
	NAME(IOMMU_IOAS_COPY),
	NAME(IOMMU_IOAS_IOVA_RANGES),
	NAME(IOMMU_IOAS_MAP),
	NAME(IOMMU_IOAS_UNMAP),
	NAME(IOMMU_OPTION),
	NAME(IOMMU_VFIO_IOAS),
	NAME(IOMMU_HWPT_ALLOC),
	NAME(IOMMU_GET_HW_INFO),
	NAME(IOMMU_HWPT_SET_DIRTY_TRACKING),
	NAME(IOMMU_HWPT_GET_DIRTY_BITMAP),
	NAME(IOMMU_HWPT_INVALIDATE),
	NAME(IOMMU_FAULT_QUEUE_ALLOC),
	NAME(IOMMU_IOAS_MAP_FILE),
	NAME(IOMMU_VIOMMU_ALLOC),
	NAME(IOMMU_VDEVICE_ALLOC),
	NAME(IOMMU_IOAS_CHANGE_PROCESS),
	NAME(IOMMU_VEVENTQ_ALLOC),
	NAME(IOMMU_HW_QUEUE_ALLOC),
	NAME(IOMMU_TEST_CMD),
	NAME(VFIO_GET_API_VERSION),
	NAME(VFIO_CHECK_EXTENSION),
	NAME(VFIO_SET_IOMMU),
	NAME(VFIO_IOMMU_GET_INFO),
	NAME(VFIO_IOMMU_MAP_DMA),
	NAME(VFIO_IOMMU_UNMAP_DMA),
	NAME(VFIO_IOMMU_DIRTY_PAGES),
};

static const struct name device_names[] = {
	NAME(VFIO_DEVICE_GET_INFO),
	NAME(VFIO_DEVICE_GET_REGION_INFO),
	NAME(VFIO_DEVICE_GET_IRQ_INFO),
	NAME(VFIO_DEVICE_SET_IRQS),
	NAME(VFIO_DEVICE_RESET),
	NAME(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO),
	NAME(VFIO_DEVICE_PCI_HOT_RESET),
	NAME(VFIO_DEVICE_IOEVENTFD),
	NAME(VFIO_DEVICE_FEATURE),
	NAME(VFIO_DEVICE_BIND_IOMMUFD),
	NAME(VFIO_DEVICE_ATTACH_IOMMUFD_PT),
	NAME(VFIO_DEVICE_DETACH_IOMMUFD_PT),
	NAME(VFIO_MIG_GET_PRECOPY_INFO),
};

static const char *find(const struct name *names, size_t count, uint32_t cmd)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].cmd == cmd)
			return names[i].text;
	return NULL;
}

const char *front_ioctl_name(enum front_node_type type, uint32_t cmd)
{
	if (type == FRONT_NODE_DEVICE)
		return find(device_names, base_array_size(device_names), cmd);
	return find(iommufd_names, base_array_size(iommufd_names), cmd);
}

/* A value, or the name of an error as "-EINVAL", in `text` (24 bytes). */
static const char *result_text(long result, char *text)
{
	const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;

	if (name)
		snprintf(text, 24, "-%s", name);
	else
		snprintf(text, 24, "%ld", result);
	return text;
}

void front_trace_ioctl(const struct front_slot *slot, uint32_t cmd, long result)
{
	const char *name = front_ioctl_name(slot->node.type, cmd);
	char number[16], text[24];

	snprintf(number, sizeof(number), "0x%x", cmd);
	base_trace_line("ioctl %s %s = %s", slot->file->ops->name, name ? name : number,
			result_text(result, text));
}

void front_trace_transfer(const struct front_slot *slot, const char *call, size_t count,
			  int64_t pos, ssize_t result)
{
	char text[24];

	base_trace_line("%s %s %zu at 0x%llx = %s", call, slot->file->ops->name, count,
			(unsigned long long)pos, result_text(result, text));
}

void front_trace_mmap(const struct front_slot *slot, int result)
{
	char text[24];

	base_trace_line("mmap %s = %s", slot->file->ops->name, result_text(result, text));
}

void front_trace_open(const struct front_slot *slot, int fd)
{
	if (slot->node.type == FRONT_NODE_DEVICE)
		base_trace_line("open /dev/vfio/devices/vfio%u = %d", slot->node.number, fd);
	else if (slot->node.type == FRONT_NODE_QUEUE)
		base_trace_line("new %s = %d", slot->file->ops->name, fd);
	else if (slot->node.type == FRONT_NODE_CONTAINER)
		base_trace_line("open /dev/vfio/vfio = %d", fd);
	else if (slot->node.type == FRONT_NODE_PLAIN || slot->node.type == FRONT_NODE_DIR)
		base_trace_line("open %s = %d", slot->file->ops->name, fd);
	else
		base_trace_line("open /dev/iommu = %d", fd);
}
