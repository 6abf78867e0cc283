/* SPDX-License-Identifier: MIT */
/*
 * Inside iommufd/: fault queues (iommufd-ioctls.md 19). A group of page requests
 * is queued, read and thereby outstanding, answered. It belongs to the attachment
 * that got it, and is answered at the latest when that ends.
 */
#ifndef IOMMUFD_FAULT_H
#define IOMMUFD_FAULT_H

#include "iommufd/private.h"

struct iommufd_fault {
	struct iommufd_object obj;
	struct iommufd_queue queue;	 /* its lock guards what follows */
	struct base_list queued;	 /* struct iommu_fault_group */
	struct base_idtable outstanding; /* by cookie */
};

/* One attachment of a group, as far as faults go. */
struct iommufd_fault_handle {
	struct iommu_attach_handle handle;
	struct iommufd_fault *fault; /* NULL: none are wanted */
	uint32_t dev_id;	     /* of the device that made the attachment */
};

/* Describe the attachment of `hwpt` for a PASID that the device makes. */
void iommufd_fault_handle_init(struct iommufd_fault_handle *handle,
			       const struct iommufd_device *idev, uint32_t pasid,
			       const struct iommufd_hwpt *hwpt);

/* The attachment is over, and no more groups come: answer INVALID to what is left of it. */
void iommufd_fault_handle_fini(struct iommufd_fault_handle *handle);

#endif
