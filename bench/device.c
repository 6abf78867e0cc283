// SPDX-License-Identifier: MIT
/* Setting up a device, by whichever way the calls go. */
#include "device.h"

#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

#define PCI_COMMAND	       4
#define PCI_COMMAND_MEMORY     2
#define PCI_COMMAND_BUS_MASTER 4

long bench_must(long result, const char *what)
{
	if (result >= 0)
		return result;
	perror(what);
	exit(1);
}

void bench_space_open(struct bench_space *space)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	space->fd = (int)bench_must(bench_open("/dev/iommu"), "/dev/iommu");
	bench_must(bench_ioctl(space->fd, IOMMU_IOAS_ALLOC, &cmd), "IOMMU_IOAS_ALLOC");
	space->ioas = cmd.out_ioas_id;
}

void bench_space_map(const struct bench_space *space, void *va, uint64_t length, uint64_t iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = space->ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = iova,
	};

	bench_must(bench_ioctl(space->fd, IOMMU_IOAS_MAP, &cmd), "IOMMU_IOAS_MAP");
}

static uint64_t region_offset(int fd, uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	bench_must(bench_ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info),
		   "VFIO_DEVICE_GET_REGION_INFO");
	return info.offset;
}

void bench_device_bind(struct bench_device *device, const struct bench_space *space)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind), .iommufd = space->fd};

	device->fd = (int)bench_must(bench_open("/dev/vfio/devices/vfio0"), "vfio0");
	bench_must(bench_ioctl(device->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind),
		   "VFIO_DEVICE_BIND_IOMMUFD");
	device->id = bind.out_devid;
	device->bar0 = region_offset(device->fd, VFIO_PCI_BAR0_REGION_INDEX);
}

void bench_device_attach(const struct bench_device *device, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach), .pt_id = pt_id};
	uint64_t config = region_offset(device->fd, VFIO_PCI_CONFIG_REGION_INDEX);
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER;

	bench_must(bench_ioctl(device->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach),
		   "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	bench_must(bench_pwrite(device->fd, &command, sizeof(command),
				(off_t)(config + PCI_COMMAND)),
		   "PCI command register");
}

void bench_device_write(const struct bench_device *device, uint64_t offset, uint64_t value,
			unsigned width)
{
	bench_must(bench_pwrite(device->fd, &value, width, (off_t)(device->bar0 + offset)),
		   "write to BAR 0");
}

void *bench_memory(size_t size)
{
	uint8_t *memory = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_must(memory == MAP_FAILED ? -1 : 0, "mmap");
	return memory + (-(uintptr_t)memory & (HUGE_PAGE - 1));
}
