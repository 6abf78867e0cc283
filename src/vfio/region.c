// SPDX-License-Identifier: MIT
/* Reads and writes of regions: BARs in natural accesses, config space in pieces. */
#include "vfio/private.h"

#include <errno.h>

#define REGION_SHIFT 40

int64_t vfio_region_size(const struct swiommu_device *device, unsigned index)
{
	if (index < SWIOMMU_BAR_COUNT)
		return device->model->bars[index].size;
	switch (index) {
	case VFIO_PCI_ROM_REGION_INDEX: return 0;
	case VFIO_PCI_CONFIG_REGION_INDEX: return vfio_config_size(device);
	default: return -EINVAL;
	}
}

/* The largest naturally aligned access of up to `max` bytes at pos that fits. */
static unsigned access_width(uint64_t pos, size_t left, unsigned max)
{
	unsigned width = max;

	while (width > left || pos % width)
		width /= 2;
	return width;
}

/* Does the access touch the MSI-X table, which VFIO keeps to itself? */
static bool in_msix_table(const struct swiommu_device *device, unsigned bar, uint64_t pos,
			  unsigned width)
{
	const struct vfio_config *config = &device->config;
	uint32_t table;
	uint64_t start, size;

	if (!config->msix)
		return false;
	table = vfio_config_hw_get(config, config->msix + PCI_MSIX_TABLE, 4);
	start = table & PCI_MSIX_TABLE_OFFSET;
	size = (uint64_t)vfio_irq_count(device, VFIO_PCI_MSIX_IRQ_INDEX) * PCI_MSIX_ENTRY_SIZE;
	return (table & PCI_MSIX_TABLE_BIR) == bar &&
	       base_ranges_meet(pos, pos + width - 1, start, start + size - 1);
}

/* ---- BARs ---- */

static int bar_read_one(struct swiommu_device *device, unsigned bar, uint64_t pos, unsigned width,
			uint64_t *value)
{
	base_scoped_lock(&device->lock);

	if (!vfio_memory_enabled_locked(device))
		return -EIO;
	if (in_msix_table(device, bar, pos, width))
		*value = UINT64_MAX;
	else
		*value = device->model->bar_read(device->state, bar, pos, width);
	return 0;
}

static int bar_write_one(struct swiommu_device *device, unsigned bar, uint64_t pos, unsigned width,
			 uint64_t value)
{
	base_scoped_lock(&device->lock);

	if (!vfio_memory_enabled_locked(device))
		return -EIO;
	if (!in_msix_table(device, bar, pos, width))
		device->model->bar_write(device->state, bar, pos, width, value);
	return 0;
}

static int bar_access(struct swiommu_device *device, struct mem_client *client, unsigned bar,
		      uint64_t addr, uint64_t pos, unsigned width, bool write)
{
	uint64_t value = 0;
	int rc;

	if (write) {
		rc = mem_copy_in(client, &value, addr, width);
		return rc ? rc : bar_write_one(device, bar, pos, width, value);
	}
	rc = bar_read_one(device, bar, pos, width, &value);
	return rc ? rc : mem_copy_out(client, addr, &value, width);
}

static ssize_t bar_rw(struct swiommu_device *device, struct mem_client *client, unsigned bar,
		      uint64_t addr, size_t count, uint64_t pos, bool write)
{
	uint64_t size = device->model->bars[bar].size;
	size_t done = 0;

	if (pos >= size)
		return -EINVAL;
	count = base_min_u64(count, size - pos);
	while (done < count) {
		unsigned width = access_width(pos + done, count - done, 8);
		int rc = bar_access(device, client, bar, addr + done, pos + done, width, write);

		if (rc)
			return rc;
		done += width;
	}
	return done;
}

/* ---- config space ---- */

static int config_access(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			 unsigned pos, unsigned width, bool write)
{
	uint32_t value = 0;
	int rc;

	if (write) {
		rc = mem_copy_in(client, &value, addr, width);
		if (rc)
			return rc;
		base_scoped_lock(&device->lock);
		if (vfio_config_write_locked(device, pos, width, value))
			vfio_function_reset_locked(device);
		return 0;
	}
	base_mutex_lock(&device->lock);
	for (unsigned i = 0; i < width; i++)
		value |= (uint32_t)vfio_config_read_locked(device, pos + i) << (8 * i);
	base_mutex_unlock(&device->lock);
	return mem_copy_out(client, addr, &value, width);
}

static ssize_t config_rw(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			 size_t count, uint64_t pos, bool write)
{
	unsigned size = vfio_config_size(device);
	size_t done = 0;

	if (pos >= size || count > size - pos)
		return -EFAULT;
	while (done < count) {
		unsigned width = access_width(pos + done, count - done, 4);
		int rc = config_access(device, client, addr + done, pos + done, width, write);

		if (rc)
			return rc;
		done += width;
	}
	return done;
}

/* ---- both ---- */

static ssize_t region_rw(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			 size_t count, uint64_t pos, bool write)
{
	uint64_t index = pos >> REGION_SHIFT;

	pos &= ((uint64_t)1 << REGION_SHIFT) - 1;
	if (index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	if (!count)
		return 0;
	if (index < SWIOMMU_BAR_COUNT)
		return bar_rw(device, client, index, addr, count, pos, write);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return config_rw(device, client, addr, count, pos, write);
	return -EINVAL;
}

ssize_t vfio_region_read(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			 size_t count, uint64_t pos)
{
	return region_rw(device, client, addr, count, pos, false);
}

ssize_t vfio_region_write(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			  size_t count, uint64_t pos)
{
	return region_rw(device, client, addr, count, pos, true);
}
