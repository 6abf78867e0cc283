/* SPDX-License-Identifier: MIT */
/* Inside iommu/: what a kind of IOMMU supplies, and the state that all kinds share. */
#ifndef IOMMU_DRIVER_H
#define IOMMU_DRIVER_H

#include "iommu/iommu.h"

enum iommu_request_fate {
	IOMMU_REQUEST_ASK,    /* whoever attached the domain */
	IOMMU_REQUEST_REFUSE, /* the answer is INVALID */
	IOMMU_REQUEST_DROP,   /* it wants no answer */
};

/* One kind of IOMMU. Members may be NULL where the comment says so. */
struct iommu_driver {
	const char *kind; /* the word in `--iommu KIND` */

	/* A zeroed device of the driver's own size, embedding struct iommu_device. NULL: no memory.
	 */
	struct iommu_device *(*device_alloc)(void);

	/* Fill type, len, data and capabilities. -EOPNOTSUPP: `type` is not one of ours. */
	int (*hw_info)(struct iommu_device *device, uint32_t type, struct iommu_device_facts *info);

	/* See iommu_domain_alloc(), iommu_domain_alloc_nested(). */
	int (*domain_alloc)(struct iommu_device *device, uint32_t flags,
			    const struct iommu_user_data *data, struct iommu_domain **out);
	int (*domain_alloc_nested)(struct iommu_device *device, struct iommu_domain *parent,
				   uint32_t flags, const struct iommu_user_data *data,
				   struct iommu_domain **out);

	/* See iommu_viommu_alloc(). NULL: no vIOMMUs. */
	int (*viommu_alloc)(struct iommu_device *device, struct iommu_domain *parent,
			    const struct iommu_user_data *data, struct iommu_mmaps *mmaps,
			    struct iommu_viommu **out);
	uint32_t viommu_type; /* the only one */

	/* May `pasid` of the device use `domain`? 0 or an errno. The group lock is held. */
	int (*check)(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain);

	/*
	 * It is about to use `domain`, which was checked, or nothing (NULL). The group
	 * lock is held. NULL: the driver keeps no record.
	 */
	void (*attach)(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain);

	/* What becomes of a page request. NULL: all of them are asked about. */
	enum iommu_request_fate (*page_request)(struct iommu_device *device,
						const struct iommu_page_request *request);

	/* A nested domain has the PASIDs, too, that are not attached by themselves. */
	bool user_pasid_table;

	const struct iommu_reserved *reserved;
	size_t reserved_count;
};

extern const struct iommu_driver iommu_vtd_driver;
extern const struct iommu_driver iommu_mock_driver;

struct iommu {
	const struct iommu_driver *driver;
	struct base_mutex lock; /* everything below, partial page requests of its devices */
	struct iommu_fault_record faults;
	struct base_list test_devices; /* that the test ABI has made, by number */
};

struct iommu_group {
	unsigned number;
	struct base_mutex lock; /* everything below, and the domains of the devices */
	struct base_list devices;
	const void *owner;
	unsigned owner_count;

	struct base_rwlock reports; /* handles */
	struct base_list handles;   /* struct iommu_attach_handle */
};

/* Count a refused request and remember it. */
void iommu_report_fault(struct iommu_device *device, uint32_t pasid,
			const struct iommu_dma_fault *fault);

/* The device goes, or starts again: forget requests of unfinished groups. */
void iommu_partials_drop(struct iommu_device *device);

/* A value for struct iommu_domain.tag that was never used before. */
uint64_t iommu_new_tag(void);

/*
 * The leaf of a paging domain for an access `prot`, with the rights that may be
 * cached; false: none. While dirty state is tracked a write makes the leaf dirty,
 * and only what a write was told may be written: the first write after a read
 * has to come here again.
 */
bool iommu_paging_walk(struct iommu_domain *domain, uint64_t iova, uint32_t prot,
		       struct pgtable_leaf *leaf);

/* Translate through a paging domain's own table; the translate() of such domains. */
bool iommu_paging_translate(struct iommu_domain *domain, uint32_t pasid, uint64_t iova,
			    uint32_t prot, struct pgtable_leaf *leaf, iommu_fault_code *code);

/* Cut `leaf` so that it does not reach beyond [start, last]. */
void iommu_leaf_clip(struct pgtable_leaf *leaf, uint64_t start, uint64_t last);

#endif
