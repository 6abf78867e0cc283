// SPDX-License-Identifier: MIT
/* Device models of the tests. */
#include "model.h"

#include <stdlib.h>

struct model_log model_log;

void model_forget(void)
{
	memset(&model_log, 0, sizeof(model_log));
}

struct model_state {
	uint8_t bytes[SWIOMMU_BAR_COUNT][MODEL_BAR_SIZE];
};

uint8_t model_byte(unsigned bar, uint64_t offset)
{
	return (uint8_t)(offset ^ offset >> 8 ^ (bar + 1) * 0x23);
}

static void fill_bars(struct model_state *state)
{
	for (unsigned bar = 0; bar < SWIOMMU_BAR_COUNT; bar++)
		for (unsigned i = 0; i < MODEL_BAR_SIZE; i++)
			state->bytes[bar][i] = model_byte(bar, i);
}

int model_create(struct swiommu_device *device, const struct model_field *fields, size_t count,
		 void **state)
{
	struct model_state *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	fill_bars(s);
	for (size_t i = 0; i < count; i++)
		swiommu_config_init(device, fields[i].offset, fields[i].width, fields[i].value,
				    fields[i].writable, fields[i].clear);
	*state = s;
	return 0;
}

void model_destroy(void *state)
{
	free(state);
}

void model_reset(void *state)
{
	fill_bars(state);
	model_log.resets++;
}

static void note(bool write, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	struct model_access *access = &model_log.access[model_log.count % COUNT(model_log.access)];

	*access = (struct model_access){write, bar, width, offset, value};
	model_log.count++;
}

uint64_t model_bar_read(void *state, unsigned bar, uint64_t offset, unsigned width)
{
	struct model_state *s = state;
	uint64_t value = 0;

	memcpy(&value, &s->bytes[bar][offset], width);
	note(false, bar, offset, width, value);
	return value;
}

void model_bar_write(void *state, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	struct model_state *s = state;

	memcpy(&s->bytes[bar][offset], &value, width);
	note(true, bar, offset, width, value);
}

static const struct model_field pci_fields[] = {
	/* Power management: version 3, PME from D0 and D3hot; state, PME enable and status. */
	{0x40, 2, 0x5001, 0, 0},
	{0x42, 2, 0x4803, 0, 0},
	{0x44, 2, 0x0008, 0x0103, 0x8000},
	/* MSI: 64 bit, 8 vectors. VFIO routes it, so the registers are storage. */
	{0x50, 2, 0x7005, 0, 0},
	{0x52, 2, 0x0086, 0x0071, 0},
	/* MSI-X: 16 vectors; table at BAR 2 + 800, pending bits at BAR 2 + f00. */
	{0x70, 2, 0x9011, 0, 0},
	{0x72, 2, 0x000f, 0xc000, 0},
	{0x74, 4, 0x00000802, 0, 0},
	{0x78, 4, 0x00000f02, 0, 0},
	/* PCI Express: endpoint, function reset; payload 512, read request 512, both writable. */
	{0x90, 2, 0x0010, 0, 0},
	{0x92, 2, 0x0002, 0, 0},
	{0x94, 4, 0x10008002, 0, 0},
	{0x98, 2, 0x2850, 0x7fff, 0},
	{0x9a, 2, 0x0000, 0, 0x000f},
	{0xb8, 2, 0x0000, 0x043f, 0},
	/* A register of its own between the capabilities and one behind them. */
	{0x60, 4, 0x11223344, 0xffff0000, 0},
	{0xf0, 4, 0x55667788, 0x0000ffff, 0},
};

static int pci_create(struct swiommu_device *device, const char *const *options, void **state,
		      const char **message)
{
	(void)options, (void)message;
	return model_create(device, pci_fields, COUNT(pci_fields), state);
}

const struct swiommu_model model_pci = {
	.name = "pci",
	.vendor = 0x1af4,
	.device = 0x1234,
	.subsystem_vendor = 0x5678,
	.subsystem = 0x9abc,
	.revision = 0x42,
	.class_code = 0x020000,
	.interrupt_pin = 1,
	.capability_ptr = 0x40,
	.bars = {[0] = {0x4000, SWIOMMU_BAR_64BIT},
		 [2] = {0x1000, SWIOMMU_BAR_PREFETCH},
		 [3] = {16, 0}},
	.create = pci_create,
	MODEL_CALLBACKS,
};

static int plain_create(struct swiommu_device *device, const char *const *options, void **state,
			const char **message)
{
	(void)options, (void)message;
	return model_create(device, NULL, 0, state);
}

const struct swiommu_model model_plain = {
	.name = "plain",
	.vendor = 0x1af4,
	.device = 0x4321,
	.class_code = 0xff0000,
	.bars = {[0] = {0x1000, 0}},
	.create = plain_create,
	MODEL_CALLBACKS,
};

const struct abi_machine machine_pci = {.iommu = "vtd", .model = &model_pci, .devices = {"pci"}};
const struct abi_machine machine_plain = {.iommu = "vtd",
					  .model = &model_plain,
					  .devices = {"plain"}};
