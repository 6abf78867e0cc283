/* SPDX-License-Identifier: MIT */
/* Inside the mock IOMMU (iommufd-test-abi.md): what its devices and domains keep. */
#ifndef IOMMU_MOCK_MOCK_H
#define IOMMU_MOCK_MOCK_H

#include "iommu/driver.h"

#define MOCK_PAGING_WIDTH 38 /* three levels of the 2 KiB granule */

struct mock_device {
	struct iommu_device device;
	struct iommu_viommu *viommu;	    /* of the domain that is attached, or NULL */
	uint64_t virt_id;		    /* the device's id on it, at the time of attach */
	uint32_t cache[MOCK_DEV_CACHE_NUM]; /* words that invalidation clears */
	bool no_dirty;			    /* domains that track cannot be attached */
	bool fails_next;		    /* the next attachment of PASID 1024 (7) */

	/* Of devices that the test ABI has made; guarded by the IOMMU's lock. */
	struct base_list test_node;
	uint32_t number;
};

static inline struct mock_device *mock_device_of(const struct iommu_device *device)
{
	return base_container_of(device, struct mock_device, device);
}

struct mock_nested {
	struct iommu_domain domain;
	uint32_t iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM]; /* words that invalidation clears */
};

struct mock_viommu {
	struct iommu_viommu viommu;
	int region; /* a descriptor of memory that the client maps, -1: none */
	struct iommu_hw_queue *queues[IOMMU_TEST_HW_QUEUE_MAX]; /* guarded by viommu.lock */
};

/* Members of struct iommu_driver and struct iommu_viommu_ops (8). */
int mock_viommu_alloc(struct iommu_device *device, struct iommu_domain *parent,
		      const struct iommu_user_data *data, struct iommu_mmaps *mmaps,
		      struct iommu_viommu **out);
int mock_viommu_domain_alloc(struct iommu_viommu *viommu, uint32_t flags,
			     const struct iommu_user_data *data, struct iommu_domain **out);

/* Members of struct iommu_domain_ops and struct iommu_viommu_ops (iommufd-test-abi.md 6.3, 8.4). */
int mock_nested_invalidate(struct iommu_domain *domain, const struct iommu_user_array *array,
			   uint32_t *done);
int mock_viommu_invalidate(struct iommu_viommu *viommu, const struct iommu_user_array *array,
			   uint32_t *done);

#endif
