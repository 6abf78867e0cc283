/* SPDX-License-Identifier: MIT */
/* Device models of the tests: registers that remember how they were accessed. */
#ifndef TESTS_ABI_MODEL_H
#define TESTS_ABI_MODEL_H

#include "abi.h"

#include <linux/pci_regs.h>

#define MODEL_BAR_SIZE 0x4000 /* no BAR of theirs is larger */

/* What happened to the models since model_forget(). */
struct model_access {
	bool write;
	unsigned bar, width;
	uint64_t offset, value;
};

extern struct model_log {
	unsigned resets, count;
	struct model_access access[32];
} model_log;

void model_forget(void);

/* One field of config space after the first 64 bytes, as for swiommu_config_init(). */
struct model_field {
	uint16_t offset;
	uint8_t width;
	uint32_t value, writable, clear;
};

/* For models of a test's own: a create() with these fields, and the other callbacks. */
int model_create(struct swiommu_device *device, const struct model_field *fields, size_t count,
		 void **state);
void model_destroy(void *state);
void model_reset(void *state);
uint64_t model_bar_read(void *state, unsigned bar, uint64_t offset, unsigned width);
void model_bar_write(void *state, unsigned bar, uint64_t offset, unsigned width, uint64_t value);
#define MODEL_CALLBACKS                                                             \
	.destroy = model_destroy, .reset = model_reset, .bar_read = model_bar_read, \
	.bar_write = model_bar_write

/* What byte `offset` of a BAR is after a reset. */
uint8_t model_byte(unsigned bar, uint64_t offset);

/*
 * "pci": BAR 0 64 bit, 16 KiB; BAR 2 prefetchable, 4 KiB; BAR 3 16 bytes. INTA.
 * Capabilities: power management at 40, MSI (64 bit, 8 vectors) at 50, MSI-X (16
 * vectors, table at BAR 2 + 800) at 70, PCI Express (function reset, payload 512,
 * read request 512) at 90.
 */
extern const struct swiommu_model model_pci;

/* "plain": BAR 0 of 4 KiB, no interrupt pin, no capability. */
extern const struct swiommu_model model_plain;

/* One of each behind VT-d: device 0 is pci, alone. */
extern const struct abi_machine machine_pci, machine_plain;

#endif
