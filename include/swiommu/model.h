/* SPDX-License-Identifier: MIT */
/*
 * swiommu/model.h - write a PCI device model.
 *
 * A model is a `const struct swiommu_model`: what the device looks like, and a
 * few callbacks that are run when a program touches it. The library does the
 * rest: the VFIO device file, config space rules, interrupts, and the IOMMU
 * between the device and memory.
 *
 * Threads: all callbacks of one device are serialised by the library and run in
 * the thread of the program that made the access. The services below may be
 * called from callbacks, and the DMA services from any other thread as well.
 */
#ifndef SWIOMMU_MODEL_H
#define SWIOMMU_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here leaves the library; all else in it is hidden. */
#pragma GCC visibility push(default)

/* One device: an instance of a model behind its own IOMMU stream. */
struct swiommu_device;

#define SWIOMMU_BAR_COUNT 6

enum swiommu_bar_flags {
	SWIOMMU_BAR_64BIT = 1,	  /* takes the next BAR's register as its upper half */
	SWIOMMU_BAR_PREFETCH = 2, /* prefetchable */
};

struct swiommu_bar {
	uint64_t size; /* bytes, a power of two >= 16; 0: no such BAR */
	unsigned flags;
};

struct swiommu_model {
	const char *name; /* the word in `--device NAME` */

	/* Identity, as in the first 64 bytes of config space. */
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code;	/* 24 bits, e.g. 0x088000 */
	uint8_t interrupt_pin;	/* 0: no INTx; 1: INTA */
	uint8_t capability_ptr; /* offset of the first capability, 0: none */
	struct swiommu_bar bars[SWIOMMU_BAR_COUNT];

	/*
	 * Make an instance: lay out config space with swiommu_config_init(), put
	 * the instance's own data into *state. `options` are the "key=value"
	 * strings that the library does not know itself, NULL-terminated. Returns
	 * 0 or a negative errno; with -EINVAL, *message may point at a static text
	 * that says what is wrong with the options.
	 */
	int (*create)(struct swiommu_device *device, const char *const *options, void **state,
		      const char **message);

	/* The instance goes away. No other callback runs then or later. */
	void (*destroy)(void *state);

	/* Function reset: everything back to power-on, config space already is. */
	void (*reset)(void *state);

	/*
	 * A register access: `width` is 1, 2, 4 or 8 bytes, `offset` a multiple of
	 * it inside the BAR. The value is in the low bits, little endian.
	 */
	uint64_t (*bar_read)(void *state, unsigned bar, uint64_t offset, unsigned width);
	void (*bar_write)(void *state, unsigned bar, uint64_t offset, unsigned width,
			  uint64_t value);
};

/* ---- config space ---- */

/*
 * Only in create(): `width` (1, 2 or 4) bytes at `offset` start as `value`;
 * `writable` bits can be written by the program, `clear` bits are cleared by
 * writing one to them. The first 64 bytes are laid out by the library.
 */
void swiommu_config_init(struct swiommu_device *device, unsigned offset, unsigned width,
			 uint32_t value, uint32_t writable, uint32_t clear);

/* What config space holds now; `width` as above. */
uint32_t swiommu_config_get(struct swiommu_device *device, unsigned offset, unsigned width);
void swiommu_config_set(struct swiommu_device *device, unsigned offset, unsigned width,
			uint32_t value);

/* ---- DMA ---- */

/* Where a DMA failed. */
struct swiommu_dma_fault {
	uint64_t iova; /* first address that could not be reached */
	bool write;    /* it was to be written */
};

/*
 * Access [iova, iova + size - 1] as the device, through its IOMMU. `pasid` is 0
 * for requests without one. Returns 0, or -EFAULT if the device is not a bus
 * master, is not attached to an address space, or part of the range is not
 * mapped with the needed permission; *fault (may be NULL) says where. What was
 * transferred before the faulting address stays transferred.
 *
 * No access reaches memory after the call that took it away (unmap, detach,
 * unbind) has returned.
 */
int swiommu_dma_read(struct swiommu_device *device, uint32_t pasid, uint64_t iova, void *buf,
		     size_t size, struct swiommu_dma_fault *fault);
int swiommu_dma_write(struct swiommu_device *device, uint32_t pasid, uint64_t iova, const void *buf,
		      size_t size, struct swiommu_dma_fault *fault);

/* Copy inside the device's address space, like memmove if the ranges overlap. */
int swiommu_dma_copy(struct swiommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		     size_t size, struct swiommu_dma_fault *fault);

/* Fill: byte i of the range = byte i mod 8 of pattern (little endian). */
int swiommu_dma_fill(struct swiommu_device *device, uint32_t pasid, uint64_t iova, uint64_t pattern,
		     size_t size, struct swiommu_dma_fault *fault);

/* ---- interrupts ---- */

/*
 * Send a message-signalled interrupt: MSI-X or MSI, whichever the program has
 * enabled; nothing if it has enabled neither, or not this vector.
 */
void swiommu_irq_raise(struct swiommu_device *device, unsigned vector);

/* Drive the INTx line. Ignored by devices without an interrupt pin. */
void swiommu_intx_set(struct swiommu_device *device, bool asserted);

/* True if the program uses MSI-X, so that the device should not drive INTx. */
bool swiommu_msix_enabled(struct swiommu_device *device);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
