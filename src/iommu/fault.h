/* SPDX-License-Identifier: MIT */
/*
 * Recoverable faults: a device asks for a page (PCI's page requests), whoever has
 * attached the address space provides it or does not, and answers.
 *
 * Requests come in groups; the last one of a group is marked. Each attachment of
 * a group of devices has a handle, which gets the groups of requests that
 * concern it, and must see to it that each is answered exactly once.
 */
#ifndef IOMMU_FAULT_H
#define IOMMU_FAULT_H

#include "iommu/device.h"

/* A whole group of requests, in the order in which they came. */
struct iommu_fault_group {
	struct base_list node; /* of who has it, as is the cookie */
	uint32_t cookie;
	struct iommu_attach_handle *handle;
	struct iommu_device *device; /* that wants the answer */
	uint32_t count;
	struct iommu_page_request requests[];
};

/* What a group of devices has attached for one PASID, as far as faults go. */
struct iommu_attach_handle {
	struct base_list node;
	uint32_t pasid; /* 0: requests without one */
	bool nested;	/* the domain is a nested one */

	/*
	 * Takes over a group; the handle cannot be taken away meanwhile. Any
	 * thread, under locks of the driver. NULL: no faults are wanted.
	 */
	void (*deliver)(struct iommu_attach_handle *handle, struct iommu_fault_group *group);
};

/*
 * Handles come and go with attachments, none of which fails: there is at most
 * one for a PASID. When replace or remove returns, the old one gets no more groups.
 */
void iommu_handle_add(struct iommu_group *group, struct iommu_attach_handle *handle);
void iommu_handle_replace(struct iommu_group *group, struct iommu_attach_handle *old,
			  struct iommu_attach_handle *handle);
void iommu_handle_remove(struct iommu_group *group, struct iommu_attach_handle *handle);

/*
 * For drivers and tests: the device asks. A request that is not the last of its group is
 * kept until that comes; the last one brings an answer, now or later.
 */
void iommu_report_page_request(struct iommu_device *device,
			       const struct iommu_page_request *request);

/* Give the device the answer and free the group. */
void iommu_fault_group_answer(struct iommu_fault_group *group, iommu_page_response code);

#endif
