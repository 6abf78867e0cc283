/* SPDX-License-Identifier: MIT */
/*
 * Devices behind an IOMMU, and their groups: ownership, and which domain each
 * PASID of a group uses (iommufd-objects.md 8.1, 9.2 step 5d).
 */
#ifndef IOMMU_DEVICE_H
#define IOMMU_DEVICE_H

#include "iommu/domain.h"
#include "uapi/uapi.h"

struct iommu_group;

enum iommu_reserved_type {
	IOMMU_RESERVED_MSI, /* interrupt window of the hardware */
};

struct iommu_reserved {
	uint64_t start, last;
	enum iommu_reserved_type type;
};

/* The domain of one PASID; entries are reused, never removed. */
struct iommu_pasid_entry {
	uint32_t pasid;
	struct iommu_domain *domain; /* NULL: blocked */
	struct iommu_pasid_entry *next;
};

/* A device asks for a page (iommu/fault.h). */
struct iommu_page_request {
	uint32_t flags; /* enum iommu_hwpt_pgfault_flags */
	uint32_t pasid; /* with PASID_VALID */
	uint32_t grpid; /* the device's name for the group */
	uint32_t perm;	/* enum iommu_hwpt_pgfault_perm */
	uint64_t addr;
};

typedef enum iommu_page_response {
	IOMMU_RESPONSE_SUCCESS = IOMMUFD_PAGE_RESP_SUCCESS, /* the page is there: try again */
	IOMMU_RESPONSE_INVALID = IOMMUFD_PAGE_RESP_INVALID, /* it will not be there */
	IOMMU_RESPONSE_FAILURE,				    /* nobody could be asked */
} iommu_page_response;

struct iommu_device {
	struct iommu *iommu;
	struct iommu_group *group;
	struct base_list group_node;
	uint16_t source_id;	     /* PCI bus, device, function */
	uint32_t max_pasids;	     /* PASIDs are below this; 1: none */
	struct iommu_domain *domain; /* of requests without PASID; NULL: blocked */
	struct iommu_pasid_entry *pasids;

	/* Page requests: may it make some, and who hears the answers (under locks; NULL: nobody).
	 */
	bool page_requests;
	void (*page_answer)(struct iommu_device *device, const struct iommu_page_request *last,
			    iommu_page_response code);

	/* Requests of groups that are not complete. Guarded by the IOMMU's lock. */
	struct base_list partials;
	unsigned partial_count;
};

/* The unit number of a group (as in /dev/vfio/N). */
unsigned iommu_group_number(const struct iommu_group *group);

/* Every IOMMU reports coherent DMA. Type and capability facts for GET_HW_INFO. */
struct iommu_device_facts {
	uint32_t type; /* enum iommu_hw_info_type */
	uint32_t len;  /* bytes in data */
	uint8_t data[64];
	uint64_t capabilities; /* enum iommufd_hw_capabilities */
	uint8_t max_pasid_log2;
};

/* `type` as the client asks for it (0: default). 0 or -EOPNOTSUPP. */
int iommu_device_hw_info(struct iommu_device *device, uint32_t type,
			 struct iommu_device_facts *info);

/* Is the domain of the kind that the device's IOMMU can use? */
bool iommu_device_accepts(const struct iommu_device *device, const struct iommu_domain *domain);

/* Ranges that no address space of the device may map. Returns how many there are. */
size_t iommu_device_reserved(struct iommu_device *device, const struct iommu_reserved **ranges);

/*
 * Claim DMA of the device's whole group for `owner`; counted. The first claim
 * blocks all DMA of the group. -EPERM: someone else has it.
 */
int iommu_group_claim(struct iommu_group *group, const void *owner);
void iommu_group_release(struct iommu_group *group);

/*
 * Let `pasid` (0: requests without PASID) of every device of the group use
 * `domain`. -EBUSY: something is attached; -EINVAL: the domain is another
 * driver's, the PASID too large, or not compatible; -ENOMEM; driver errno. On
 * failure nothing changes.
 */
int iommu_group_attach(struct iommu_group *group, uint32_t pasid, struct iommu_domain *domain);

/* The same in place of what is attached. When it returns no request uses the old domain. */
int iommu_group_replace(struct iommu_group *group, uint32_t pasid, struct iommu_domain *domain);

/* Back to blocked; never fails. When it returns no request uses the old domain. */
void iommu_group_detach(struct iommu_group *group, uint32_t pasid);

#endif
