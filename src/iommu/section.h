/* SPDX-License-Identifier: MIT */
/*
 * Inside iommu/: sections of threads that make requests, and the IOTLB that
 * each such thread has for itself.
 */
#ifndef IOMMU_SECTION_H
#define IOMMU_SECTION_H

#include "base/base.h"

#define IOTLB_ENTRIES 64

/* A cached translation, valid while both tags are those of the domain (and its parent). */
struct iommu_iotlb_entry {
	uint64_t tag, parent_tag;
	uint64_t start, last;
	uint64_t pa; /* of start */
	uint32_t prot;
} BASE_CACHE_ALIGNED;

/* What a thread that makes requests owns. Nobody else writes it. */
struct iommu_requester {
	uint64_t epoch; /* odd: a request is in flight */
	uint32_t in_use;
	struct iommu_requester *next;
	struct iommu_iotlb_entry iotlb[IOTLB_ENTRIES];
} BASE_CACHE_ALIGNED;

extern _Thread_local struct iommu_requester *iommu_requester_of_thread;

/* Give the calling thread a requester. NULL: no memory. */
struct iommu_requester *iommu_requester_new(void);

static inline struct iommu_requester *iommu_requester_self(void)
{
	struct iommu_requester *self = iommu_requester_of_thread;

	return base_likely(self) ? self : iommu_requester_new();
}

/* The fence makes the section visible before any table is read in it. */
static inline void iommu_section_begin(struct iommu_requester *self)
{
	base_store_fence(&self->epoch, self->epoch + 1);
}

static inline void iommu_section_end(struct iommu_requester *self)
{
	base_store(&self->epoch, self->epoch + 1);
}

#endif
