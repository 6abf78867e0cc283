/* SPDX-License-Identifier: MIT */
/*
 * The outward header of iommufd/: the context file that clients drive by ioctl,
 * and what a driver (VFIO) does to it: bind devices, attach them to page tables.
 */
#ifndef IOMMUFD_IOMMUFD_H
#define IOMMUFD_IOMMUFD_H

#include "iommu/iommu.h"
#include "mem/mem.h"
#include "uapi/uapi.h"

struct iommufd_ctx;
struct iommufd_device;

struct iommufd_options {
	/* DESTROY of a vdevice gives EBUSY while its device is bound (not Linux's rule). */
	bool vdevice_destroy_unbound;

	/* The RLIMIT_MODE that it begins with (iommufd-ioctls.md 3.5). */
	bool per_process;

	/* IOMMU_TEST_CMD works (iommufd-test-abi.md). */
	bool test_abi;
	/* The mock IOMMU on which it makes devices; outlives the context. NULL without test_abi. */
	struct iommu *test_iommu;
};

/* A new, empty context (iommufd-objects.md 1). The caller owns the file. 0 or -ENOMEM. */
int iommufd_open(const struct iommufd_options *options, struct mem_file **file);

/* The context behind a file, NULL if the file is something else. No new reference. */
struct iommufd_ctx *iommufd_ctx_of(struct mem_file *file);

/*
 * Bind a device (iommufd-objects.md 8.1). The binding holds the context's file
 * until it is undone. 0 with *idev and its id; -EINVAL, -EPERM, -EBUSY, -ENOMEM.
 */
int iommufd_device_bind(struct iommufd_ctx *ctx, struct iommu_device *device,
			struct iommufd_device **idev, uint32_t *id);

/*
 * Undo a bind (sections 6.2, 12.4). The caller has detached everything. Waits
 * for calls in flight on the device, destroys its vdevice and retires that id.
 */
void iommufd_device_unbind(struct iommufd_device *idev);

/*
 * Attach (nothing attached yet), replace (something is), detach (never fails):
 * section 9. pasid 0 is the device's own requester id. *pt_id is the id of an
 * IOAS or HWPT and becomes that of the HWPT in use. -ENOENT, -EINVAL, -EBUSY,
 * -EADDRINUSE, -EOPNOTSUPP, -EFAULT, -ENOMEM.
 */
int iommufd_device_attach(struct iommufd_device *idev, uint32_t pasid, uint32_t *pt_id);
int iommufd_device_replace(struct iommufd_device *idev, uint32_t pasid, uint32_t *pt_id);
void iommufd_device_detach(struct iommufd_device *idev, uint32_t pasid);

#endif
