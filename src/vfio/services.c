// SPDX-License-Identifier: MIT
/* The services of <swiommu/model.h>: DMA and interrupts of a device. */
#include "vfio/private.h"

#include <errno.h>

/* A device that is no bus master reaches nothing. */
static int refuse(uint64_t iova, bool write, struct swiommu_dma_fault *fault)
{
	if (fault)
		*fault = (struct swiommu_dma_fault){.iova = iova, .write = write};
	return -EFAULT;
}

static int result(int rc, const struct iommu_dma_fault *from, struct swiommu_dma_fault *to)
{
	return rc ? refuse(from->iova, from->prot == PGTABLE_WRITE, to) : 0;
}

int swiommu_dma_read(struct swiommu_device *device, uint32_t pasid, uint64_t iova, void *buf,
		     size_t size, struct swiommu_dma_fault *fault)
{
	struct iommu_dma_fault f;

	if (!base_load(&device->bus_master))
		return refuse(iova, false, fault);
	return result(iommu_dma_read(device->stream, pasid, iova, buf, size, &f), &f, fault);
}

int swiommu_dma_write(struct swiommu_device *device, uint32_t pasid, uint64_t iova, const void *buf,
		      size_t size, struct swiommu_dma_fault *fault)
{
	struct iommu_dma_fault f;

	if (!base_load(&device->bus_master))
		return refuse(iova, true, fault);
	return result(iommu_dma_write(device->stream, pasid, iova, buf, size, &f), &f, fault);
}

int swiommu_dma_copy(struct swiommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		     size_t size, struct swiommu_dma_fault *fault)
{
	struct iommu_dma_fault f;

	if (!base_load(&device->bus_master))
		return refuse(src, false, fault);
	return result(iommu_dma_copy(device->stream, pasid, dst, src, size, &f), &f, fault);
}

int swiommu_dma_fill(struct swiommu_device *device, uint32_t pasid, uint64_t iova, uint64_t pattern,
		     size_t size, struct swiommu_dma_fault *fault)
{
	struct iommu_dma_fault f;

	if (!base_load(&device->bus_master))
		return refuse(iova, true, fault);
	return result(iommu_dma_fill(device->stream, pasid, iova, pattern, size, &f), &f, fault);
}

void swiommu_irq_raise(struct swiommu_device *device, unsigned vector)
{
	struct vfio_irqs *irqs = &device->irqs;

	base_scoped_lock(&irqs->lock);
	if ((irqs->mode == VFIO_IRQ_MSI || irqs->mode == VFIO_IRQ_MSIX) &&
	    vector < irqs->vector_count)
		vfio_irq_signal(irqs->vectors[vector]);
}

void swiommu_intx_set(struct swiommu_device *device, bool asserted)
{
	base_scoped_lock(&device->irqs.lock);
	device->irqs.line = asserted;
	vfio_intx_deliver_locked(&device->irqs);
}

bool swiommu_msix_enabled(struct swiommu_device *device)
{
	base_scoped_lock(&device->irqs.lock);
	return device->irqs.mode == VFIO_IRQ_MSIX;
}
