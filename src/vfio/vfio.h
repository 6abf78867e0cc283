/* SPDX-License-Identifier: MIT */
/*
 * The outward header of vfio/: PCI devices as VFIO device files. A device is a
 * model (config space, BARs) behind an IOMMU stream.
 */
#ifndef VFIO_VFIO_H
#define VFIO_VFIO_H

#include <swiommu/model.h>

#include "iommu/iommu.h"
#include "iommufd/iommufd.h"
#include "mem/mem.h"

/*
 * Make a device: an instance of `model` (created with the NULL-terminated
 * `options`) whose requests go through `stream`. The caller keeps `stream` alive
 * longer. 0, -ENOMEM, or the errno of the model's create(), with *message if the
 * model gave one.
 */
int vfio_device_new(const struct swiommu_model *model, const char *const *options,
		    struct iommu_device *stream, struct swiommu_device **out, const char **message);

/* Free a device of which no file is open. */
void vfio_device_free(struct swiommu_device *device);

/* Open its cdev: a new, unbound file (vfio-device-ioctls.md 2). 0 or -ENOMEM. */
int vfio_device_open(struct swiommu_device *device, struct mem_file **file);

#endif
