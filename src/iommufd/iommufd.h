/* SPDX-License-Identifier: MIT */
/*
 * The outward header of iommufd/: the context file that clients drive by ioctl,
 * and what a driver (VFIO) does to it: bind devices, attach them to page tables, and
 * have access to memory by IOVA for devices that exist in software only.
 */
#ifndef IOMMUFD_IOMMUFD_H
#define IOMMUFD_IOMMUFD_H

#include "iommu/iommu.h"
#include "mem/mem.h"
#include "uapi/uapi.h"

struct iommufd_ctx;
struct iommufd_device;
struct iommufd_access;

struct iommufd_options {
	/* DESTROY of a vdevice gives EBUSY while its device is bound (not Linux's rule). */
	bool vdevice_destroy_unbound;

	/* The RLIMIT_MODE that it begins with (iommufd-ioctls.md 3.5). */
	bool per_process;

	/* RLIMIT_MEMLOCK is nobody's limit. */
	bool memlock_unlimited;

	/* IOMMU_TEST_CMD works (iommufd-test-abi.md). */
	bool test_abi;
	/* The mock IOMMU on which it makes devices; outlives the context. NULL without test_abi. */
	struct iommu *test_iommu;
};

/* A new, empty context (iommufd-objects.md 1). The caller owns the file. 0 or -ENOMEM. */
int iommufd_open(const struct iommufd_options *options, struct mem_file **file);

/*
 * Ask what the client may lock from now on. Who opens a context does, and the context when
 * the client makes an IOAS, since the program may have given the privilege away. Of a
 * remote client its server knows.
 */
void iommufd_client_refresh(const struct iommufd_options *options, struct mem_client *client);

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

/* ---- accesses: drivers of emulated devices (iommufd-objects.md 7, iommufd-ioctls.md 24) ---- */

struct iommufd_access_ops {
	bool pins; /* the driver pins, not only copies */

	/*
	 * The memory at [start, last] is going to be unmapped: unpin what meets it before
	 * this returns. Any thread; no lock of iommufd is held. It takes no lock
	 * that the driver holds while it destroys the access. NULL: the driver does not pin.
	 */
	void (*unmap)(void *data, uint64_t start, uint64_t last);
};

/*
 * An access without an IOAS. It holds the context's file, and its id (DESTROY: -EBUSY)
 * until it is destroyed. 0 or -ENOMEM, -EBUSY (no id is free).
 */
int iommufd_access_create(struct iommufd_ctx *ctx, const struct iommufd_access_ops *ops, void *data,
			  struct iommufd_access **access);

/*
 * The driver has unpinned all, or does so in unmap(), which is called a last time.
 * No call of that is under way when this returns. Calls on the access are over.
 */
void iommufd_access_destroy(struct iommufd_access *access);

/*
 * Attach: -EINVAL: there is an IOAS. Replace: -ENOENT: there is none; unmap() is called for
 * everything. -ENOENT: no such IOAS; -EADDRINUSE: areas in it are not multiples of pages;
 * -EBUSY: another change is under way, or too many accesses; -ENOMEM.
 */
int iommufd_access_attach(struct iommufd_access *access, uint32_t ioas_id);
int iommufd_access_replace(struct iommufd_access *access, uint32_t ioas_id);

/* No IOAS any more, likewise. Does nothing if there is none, or a change is under way. */
void iommufd_access_detach(struct iommufd_access *access);

/*
 * Pinned memory, in ascending order and page by page or more: `length` bytes at `pa`. A
 * result other than 0, a negative errno, ends it. Takes leaf locks only.
 */
typedef int (*iommufd_run_fn)(void *arg, uint64_t pa, uint64_t length);

/*
 * Pin the pages of [iova, iova + length - 1] to be read, or with `write` to be written,
 * and show their runs (run may be NULL). All or nothing. -EINVAL: length 0, an access
 * that does not pin, an iova within a page, memory that cannot be pinned, or that is just
 * being unmapped; -EOVERFLOW; -ENOENT: no IOAS, or a gap; -EPERM; -EFAULT; -ENOMEM; or the
 * errno of run().
 */
int iommufd_access_pin(struct iommufd_access *access, uint64_t iova, uint64_t length, bool write,
		       iommufd_run_fn run, void *arg);

/* Undo a pin of the same range; also in unmap(). */
void iommufd_access_unpin(struct iommufd_access *access, uint64_t iova, uint64_t length);

/*
 * Copy the memory at [iova, iova + length - 1] to `data`, or with `write` from there.
 * Nothing has to be pinned or aligned. Errors as above; then part of it may be copied.
 */
int iommufd_access_rw(struct iommufd_access *access, uint64_t iova, void *data, uint64_t length,
		      bool write);

#endif
