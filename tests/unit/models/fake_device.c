// SPDX-License-Identifier: MIT
// The services of <swiommu/model.h> over a plain array, for tests of device models.

#include "fake_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_COMMAND	   0x04
#define COMMAND_BUS_MASTER 0x04

struct swiommu_device *fake_device_new(uint64_t base_iova)
{
	struct swiommu_device *device = calloc(1, sizeof(*device));

	if (!device)
		abort();
	device->base_iova = base_iova;
	device->msix_enabled = true;
	memset(device->permissions, FAKE_READ | FAKE_WRITE, sizeof(device->permissions));
	fake_device_bus_master(device, true);
	return device;
}

void fake_device_forget(struct swiommu_device *device)
{
	device->irq_count = 0;
	device->intx_rises = 0;
	device->fetch_count = 0;
	device->event_count = 0;
}

void fake_device_protect(struct swiommu_device *device, uint64_t iova, unsigned npages,
			 unsigned permissions)
{
	memset(&device->permissions[(iova - device->base_iova) / FAKE_PAGE_SIZE], (int)permissions,
	       npages);
}

void *fake_device_at(struct swiommu_device *device, uint64_t iova)
{
	return &device->memory[iova - device->base_iova];
}

void fake_device_bus_master(struct swiommu_device *device, bool on)
{
	if (on)
		device->config[CONFIG_COMMAND] |= COMMAND_BUS_MASTER;
	else
		device->config[CONFIG_COMMAND] &= (uint8_t)~COMMAND_BUS_MASTER;
}

static void event_record(struct swiommu_device *device, enum fake_event_kind kind, uint64_t iova)
{
	if (device->event_count < FAKE_EVENTS)
		device->events[device->event_count] = (struct fake_event){kind, iova};
	device->event_count++;
}

/* ---- config space ---- */

void swiommu_config_init(struct swiommu_device *device, unsigned offset, unsigned width,
			 uint32_t value, uint32_t writable, uint32_t clear)
{
	memcpy(&device->config[offset], &value, width);
	memcpy(&device->config_writable[offset], &writable, width);
	memcpy(&device->config_clear[offset], &clear, width);
}

uint32_t swiommu_config_get(struct swiommu_device *device, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	memcpy(&value, &device->config[offset], width);
	return value;
}

void swiommu_config_set(struct swiommu_device *device, unsigned offset, unsigned width,
			uint32_t value)
{
	memcpy(&device->config[offset], &value, width);
}

uint32_t fake_config_read(struct swiommu_device *device, unsigned offset, unsigned width)
{
	return swiommu_config_get(device, offset, width);
}

void fake_config_write(struct swiommu_device *device, unsigned offset, unsigned width,
		       uint32_t value)
{
	for (unsigned i = 0; i < width; i++) {
		uint8_t *byte = &device->config[offset + i];
		uint8_t written = (uint8_t)(value >> (8 * i));
		uint8_t writable = device->config_writable[offset + i];

		*byte = (uint8_t)((*byte & ~writable) | (written & writable));
		*byte &= (uint8_t) ~(written & device->config_clear[offset + i]);
	}
}

/* ---- DMA ---- */

static bool iova_is_allowed(const struct swiommu_device *device, uint64_t iova, unsigned permission)
{
	uint64_t page = (iova - device->base_iova) / FAKE_PAGE_SIZE;

	return device->config[CONFIG_COMMAND] & COMMAND_BUS_MASTER && page < FAKE_PAGES &&
	       device->permissions[page] & permission;
}

/* How many of the `size` bytes can be reached. Fills *fault if it is not all of them. */
static size_t iova_reach(const struct swiommu_device *device, uint64_t iova, size_t size,
			 unsigned permission, struct swiommu_dma_fault *fault)
{
	size_t done = 0;

	while (done < size && iova_is_allowed(device, iova + done, permission))
		done += FAKE_PAGE_SIZE - (iova + done) % FAKE_PAGE_SIZE;
	if (done >= size)
		return size;
	if (fault)
		*fault = (struct swiommu_dma_fault){iova + done, permission == FAKE_WRITE};
	return done;
}

int swiommu_dma_read(struct swiommu_device *device, uint32_t pasid, uint64_t iova, void *buf,
		     size_t size, struct swiommu_dma_fault *fault)
{
	size_t done = iova_reach(device, iova, size, FAKE_READ, fault);

	(void)pasid;
	device->fetch_count++;
	event_record(device, FAKE_DMA_READ, iova);
	if (done)
		memcpy(buf, fake_device_at(device, iova), done);
	return done == size ? 0 : -EFAULT;
}

int swiommu_dma_write(struct swiommu_device *device, uint32_t pasid, uint64_t iova, const void *buf,
		      size_t size, struct swiommu_dma_fault *fault)
{
	size_t done = iova_reach(device, iova, size, FAKE_WRITE, fault);

	(void)pasid;
	event_record(device, FAKE_DMA_WRITE, iova);
	if (done)
		memcpy(fake_device_at(device, iova), buf, done);
	return done == size ? 0 : -EFAULT;
}

int swiommu_dma_copy(struct swiommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		     size_t size, struct swiommu_dma_fault *fault)
{
	size_t readable = iova_reach(device, src, size, FAKE_READ, fault);
	size_t done = iova_reach(device, dst, readable, FAKE_WRITE, fault);

	(void)pasid;
	event_record(device, FAKE_DMA_COPY, dst);
	if (done)
		memmove(fake_device_at(device, dst), fake_device_at(device, src), done);
	return done == size ? 0 : -EFAULT;
}

int swiommu_dma_fill(struct swiommu_device *device, uint32_t pasid, uint64_t iova, uint64_t pattern,
		     size_t size, struct swiommu_dma_fault *fault)
{
	size_t done = iova_reach(device, iova, size, FAKE_WRITE, fault);

	(void)pasid;
	event_record(device, FAKE_DMA_FILL, iova);
	for (size_t i = 0; i < done; i++)
		*(uint8_t *)fake_device_at(device, iova + i) = (uint8_t)(pattern >> (8 * (i % 8)));
	return done == size ? 0 : -EFAULT;
}

/* ---- interrupts ---- */

void swiommu_irq_raise(struct swiommu_device *device, unsigned vector)
{
	event_record(device, FAKE_IRQ, vector);
	if (device->msix_enabled)
		device->irq_count++;
}

void swiommu_intx_set(struct swiommu_device *device, bool asserted)
{
	if (asserted && !device->intx_asserted)
		device->intx_rises++;
	device->intx_asserted = asserted;
}

bool swiommu_msix_enabled(struct swiommu_device *device)
{
	return device->msix_enabled;
}
