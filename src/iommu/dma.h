/* SPDX-License-Identifier: MIT */
/*
 * DMA: requests of a device, translated by its IOMMU. Any thread, no lock, no
 * shared cache line written.
 *
 * A request is in flight between begin and end of a short section of its
 * thread. Whoever takes memory away changes the tables first and then waits for
 * the sections that had begun (iommu_sync): later sections see the change.
 */
#ifndef IOMMU_DMA_H
#define IOMMU_DMA_H

#include "iommu/device.h"

struct iommu_dma_fault {
	uint64_t iova; /* first address that could not be reached */
	uint32_t prot; /* PGTABLE_READ or PGTABLE_WRITE */
	iommu_fault_code code;
};

/*
 * As `device` with `pasid` (0: none). 0, or -EFAULT with *fault; what precedes
 * the faulting address may have been transferred.
 */
int iommu_dma_read(struct iommu_device *device, uint32_t pasid, uint64_t iova, void *buf,
		   size_t size, struct iommu_dma_fault *fault);
int iommu_dma_write(struct iommu_device *device, uint32_t pasid, uint64_t iova, const void *buf,
		    size_t size, struct iommu_dma_fault *fault);
int iommu_dma_fill(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint64_t pattern,
		   size_t size, struct iommu_dma_fault *fault);

/* Like memmove where the ranges of addresses overlap. */
int iommu_dma_copy(struct iommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		   size_t size, struct iommu_dma_fault *fault);

/* Refused requests of an IOMMU so far, and the last one. */
struct iommu_fault_record {
	uint64_t count;
	uint16_t source_id;
	uint32_t pasid;
	struct iommu_dma_fault last;
};

void iommu_last_fault(struct iommu *iommu, struct iommu_fault_record *record);

#endif
