// SPDX-License-Identifier: MIT
/* Resets, and VFIO_DEVICE_FEATURE (vfio-device-ioctls.md 10, 11). */
#include "vfio/private.h"

#include <errno.h>

void vfio_function_reset_locked(struct swiommu_device *device)
{
	struct vfio_config *config = &device->config;

	base_assert_held(&device->lock);
	for (unsigned i = 0; i < VFIO_CONFIG_SIZE; i++)
		config->hw[i] = config->reset[i];
	vfio_command_changed_locked(device);
	device->model->reset(device->state);
}

/* Registers that the kernel saves before a reset and restores after it. */
static unsigned saved_registers(const struct vfio_config *config, unsigned offsets[4])
{
	unsigned n = 0;

	offsets[n++] = PCI_COMMAND;
	offsets[n++] = PCI_CACHE_LINE_SIZE;
	if (config->pcie)
		offsets[n++] = config->pcie + PCI_EXP_DEVCTL;
	if (config->msix)
		offsets[n++] = config->msix + PCI_MSIX_FLAGS;
	return n;
}

int vfio_reset(struct swiommu_device *device)
{
	struct vfio_config *config = &device->config;
	unsigned offsets[4], count;
	uint32_t saved[4];

	base_scoped_lock(&device->lock);
	count = saved_registers(config, offsets);
	for (unsigned i = 0; i < count; i++)
		saved[i] = vfio_config_hw_get(config, offsets[i], 2);
	vfio_function_reset_locked(device);
	for (unsigned i = 0; i < count; i++)
		vfio_config_hw_set(config, offsets[i], 2, saved[i]);
	vfio_command_changed_locked(device);
	return 0;
}

/* Neither the slot nor the bus of a device here can be reset. */
int vfio_hot_reset_info(struct mem_client *client, uint64_t arg)
{
	struct vfio_pci_hot_reset_info info;
	const size_t min = offsetof(struct vfio_pci_hot_reset_info, devices);
	int rc = mem_copy_in(client, &info, arg, min);

	if (rc)
		return rc;
	return info.argsz < min ? -EINVAL : -ENODEV;
}

int vfio_hot_reset(struct mem_client *client, uint64_t arg)
{
	struct vfio_pci_hot_reset reset;
	const size_t min = offsetof(struct vfio_pci_hot_reset, group_fds);
	int rc = mem_copy_in(client, &reset, arg, min);

	if (rc)
		return rc;
	if (reset.argsz < min || reset.flags || reset.count)
		return -EINVAL;
	return -ENODEV;
}

/* ---- features ---- */

#define METHODS (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET)
#define FLAGS	(VFIO_DEVICE_FEATURE_MASK | METHODS | VFIO_DEVICE_FEATURE_PROBE)

/*
 * The checks that all features share: `methods` it has, `size` of its data.
 * 1: go on; 0: that was a probe; else the errno.
 */
static int feature_check(const struct vfio_device_feature *feature, uint32_t methods, size_t size)
{
	if ((feature->flags & METHODS) & ~methods)
		return -EINVAL;
	if (feature->flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (!(feature->flags & METHODS) || feature->argsz < sizeof(*feature) + size)
		return -EINVAL;
	return 1;
}

static int feature_low_power(struct swiommu_device *device, struct mem_client *client, uint64_t arg,
			     const struct vfio_device_feature *feature, uint32_t index)
{
	bool wakeup = index == VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP;
	struct vfio_device_low_power_entry_with_wakeup entry;
	int rc = feature_check(feature, VFIO_DEVICE_FEATURE_SET, wakeup ? sizeof(entry) : 0);

	if (rc <= 0)
		return rc;
	if (wakeup) {
		rc = mem_copy_in(client, &entry, arg + sizeof(*feature), sizeof(entry));
		if (rc)
			return rc;
		if (entry.wakeup_eventfd < 0 || entry.reserved)
			return -EINVAL;
		/* Nothing ever wakes the device, so the eventfd is only checked. */
		rc = client->ops->eventfd_get(client, entry.wakeup_eventfd);
		if (rc < 0)
			return rc;
		base_sys_close(rc);
	}
	base_scoped_lock(&device->lock);
	if (index == VFIO_DEVICE_FEATURE_LOW_POWER_EXIT) {
		device->low_power = false;
		return 0;
	}
	if (device->low_power)
		return -EINVAL;
	device->low_power = true;
	return 0;
}

int vfio_feature(struct swiommu_device *device, struct mem_client *client, uint64_t arg)
{
	struct vfio_device_feature feature;
	uint32_t index;
	int rc = mem_copy_in(client, &feature, arg, sizeof(feature));

	if (rc)
		return rc;
	if (feature.argsz < sizeof(feature) || (feature.flags & ~FLAGS))
		return -EINVAL;
	if (!(feature.flags & VFIO_DEVICE_FEATURE_PROBE) && (feature.flags & METHODS) == METHODS)
		return -EINVAL;
	index = feature.flags & VFIO_DEVICE_FEATURE_MASK;
	switch (index) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		return feature_low_power(device, client, arg, &feature, index);
	case VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2: return -EINVAL;
	default: return -ENOTTY;
	}
}
