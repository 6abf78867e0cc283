/* SPDX-License-Identifier: MIT */
/*
 * The services of <swiommu/model.h> for tests of device models: an array as
 * memory with permissions per page, a config space, and counters.
 */
#ifndef TESTS_FAKE_DEVICE_H
#define TESTS_FAKE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swiommu/model.h>

#define FAKE_PAGE_SIZE	 4096u
#define FAKE_PAGES	 1024u
#define FAKE_CONFIG_SIZE 4096u
#define FAKE_EVENTS	 64u

enum fake_permission {
	FAKE_NONE = 0,
	FAKE_READ = 1,
	FAKE_WRITE = 2,
};

/* What the model did, in order. Fetches and other plain reads are FAKE_DMA_READ. */
enum fake_event_kind {
	FAKE_DMA_READ,
	FAKE_DMA_WRITE,
	FAKE_DMA_COPY,
	FAKE_DMA_FILL,
	FAKE_IRQ,
};

struct fake_event {
	enum fake_event_kind kind;
	uint64_t iova; /* copy, fill: the destination; interrupt: the vector */
};

struct swiommu_device {
	/* Set by tests at will. */
	bool msix_enabled;
	uint64_t base_iova;		 /* of memory[0] */
	uint8_t permissions[FAKE_PAGES]; /* enum fake_permission */

	/* Looked at by tests. */
	unsigned irq_count;
	unsigned intx_rises; /* the line went from low to high */
	bool intx_asserted;
	unsigned fetch_count;		       /* calls of swiommu_dma_read() */
	unsigned event_count;		       /* may exceed FAKE_EVENTS */
	struct fake_event events[FAKE_EVENTS]; /* the first ones */

	uint8_t config[FAKE_CONFIG_SIZE];
	uint8_t config_writable[FAKE_CONFIG_SIZE];
	uint8_t config_clear[FAKE_CONFIG_SIZE];
	uint8_t memory[FAKE_PAGES * FAKE_PAGE_SIZE];
};

/*
 * A device with all memory readable and writable at base_iova, a bus master
 * with MSI-X enabled. Aborts if there is no memory. Freed with free().
 */
struct swiommu_device *fake_device_new(uint64_t base_iova);

/* Forget the events and set all counters to 0. */
void fake_device_forget(struct swiommu_device *device);

/* Give the pages of [iova, iova + npages * 4096 - 1] these permissions. */
void fake_device_protect(struct swiommu_device *device, uint64_t iova, unsigned npages,
			 unsigned permissions);

/* Where iova lies in the array. */
void *fake_device_at(struct swiommu_device *device, uint64_t iova);

/* The program's side of config space; the rules given to swiommu_config_init() hold. */
uint32_t fake_config_read(struct swiommu_device *device, unsigned offset, unsigned width);
void fake_config_write(struct swiommu_device *device, unsigned offset, unsigned width,
		       uint32_t value);

/* Set or clear the bus master bit of the command register. */
void fake_device_bus_master(struct swiommu_device *device, bool on);

#endif
