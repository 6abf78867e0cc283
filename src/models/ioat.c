// SPDX-License-Identifier: MIT
// The I/OAT model's PCI side: identity, config space, options, life cycle.

#include "models/ioat.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "models/models.h"

/* The largest transfer, as a power of two (2: XFERCAP). */
#define XFERCAP_LG2_MIN	    12
#define XFERCAP_LG2_DEFAULT 20

struct config_field {
	uint16_t offset;
	uint8_t width;
	uint32_t value, writable, clear;
};

/* Config space after the first 64 bytes (1). All that is not listed reads 0. */
static const struct config_field config_fields[] = {
	/* MSI-X: one vector; VFIO switches it on and off, not the program. */
	{0x80, 2, 0x9011, 0, 0},
	{0x82, 2, 0x0000, 0, 0},
	{0x84, 4, 0x2000, 0, 0}, /* table: BAR 0 + 2000 */
	{0x88, 4, 0x3000, 0, 0}, /* pending bits: BAR 0 + 3000 */

	/* PCI Express: version 2, root complex integrated endpoint. */
	{0x90, 2, 0xe010, 0, 0},
	{0x92, 2, 0x0092, 0, 0},
	{0x94, 4, 0x10008000, 0, 0},  /* function reset, role-based error reports */
	{0x98, 2, 0x2810, 0x78ff, 0}, /* device control */
	{0x9a, 2, 0x0000, 0, 0x000f}, /* device status */

	/* Power management: version 3, D0, no soft reset. */
	{0xe0, 2, 0x0001, 0, 0},
	{0xe2, 2, 0x0003, 0, 0},
	{0xe4, 2, 0x0008, 0x0003, 0},

	/* Uncorrectable errors of the function: never any. */
	{0x148, 4, 0x00000000, 0, 0xffffffff},
	{0x14c, 4, 0x00000000, 0xffffffff, 0},
	{0x150, 4, 0x00000098, 0xffffffff, 0},
	{0x154, 1, 0x0a, 0, 0},
	{0x160, 1, 0x00, 0, 0},

	/* The mirror of CHANERR: errors, mask, severity, first error. */
	{IOAT_CONFIG_CHANERR_INT, 4, 0x00000000, 0, 0xffffffff},
	{0x184, 4, 0x00060000, 0xffffffff, 0},
	{0x188, 4, 0x00010000, 0xffffffff, 0},
	{0x18c, 1, 0x02, 0, 0},
};

static void config_lay_out(struct swiommu_device *device)
{
	for (size_t i = 0; i < base_array_size(config_fields); i++) {
		const struct config_field *field = &config_fields[i];

		swiommu_config_init(device, field->offset, field->width, field->value,
				    field->writable, field->clear);
	}
}

/* The text after "key=" if that is what the option sets, else NULL. */
static const char *option_value(const char *option, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(option, key, length) || option[length] != '=')
		return NULL;
	return option + length + 1;
}

static const char *option_fault(struct model_ioat *ioat, const char *value)
{
	ioat->fault_is_address = !strcmp(value, "address");
	if (ioat->fault_is_address || !strcmp(value, "data"))
		return NULL;
	return "ioat: write fault=data or fault=address";
}

static const char *option_xfercap(struct model_ioat *ioat, const char *value)
{
	char *end;
	unsigned long lg2 = strtoul(value, &end, 10);

	ioat->xfercap_lg2 = (unsigned)lg2;
	if (isdigit((unsigned char)*value) && !*end && lg2 >= XFERCAP_LG2_MIN &&
	    lg2 <= XFERCAP_LG2_DEFAULT)
		return NULL;
	return "ioat: write xfercap=N with N from 12 to 20 (the largest copy is 2^N bytes)";
}

/* Take one "key=value" over. NULL, or a text that says what is allowed. */
static const char *option_apply(struct model_ioat *ioat, const char *option)
{
	const char *value;

	value = option_value(option, "fault");
	if (value)
		return option_fault(ioat, value);
	value = option_value(option, "xfercap");
	if (value)
		return option_xfercap(ioat, value);
	return "ioat: the options are fault=data|address and xfercap=12..20";
}

static const char *options_apply(struct model_ioat *ioat, const char *const *options)
{
	const char *message = NULL;

	for (; *options && !message; options++)
		message = option_apply(ioat, *options);
	return message;
}

static int model_ioat_create(struct swiommu_device *device, const char *const *options,
			     void **state, const char **message)
{
	struct model_ioat *ioat = base_zalloc(sizeof(*ioat));
	const char *complaint;

	if (!ioat)
		return -ENOMEM;
	ioat->device = device;
	ioat->xfercap_lg2 = XFERCAP_LG2_DEFAULT;
	complaint = options_apply(ioat, options);
	if (complaint) {
		base_free(ioat);
		*message = complaint;
		return -EINVAL;
	}
	config_lay_out(device);
	model_ioat_regs_reset(ioat);
	*state = ioat;
	return 0;
}

static void model_ioat_destroy(void *state)
{
	base_free(state);
}

static void model_ioat_reset(void *state)
{
	model_ioat_regs_reset(state);
	model_ioat_irq_line_update(state);
}

static uint64_t model_ioat_bar_read(void *state, unsigned bar, uint64_t offset, unsigned width)
{
	(void)bar;
	return model_ioat_regs_read(state, offset, width);
}

static void model_ioat_bar_write(void *state, unsigned bar, uint64_t offset, unsigned width,
				 uint64_t value)
{
	(void)bar;
	model_ioat_regs_write(state, offset, width, value);
}

const struct swiommu_model model_ioat = {
	.name = "ioat",
	.vendor = 0x8086,
	.device = 0x2021,
	.subsystem_vendor = 0x8086,
	.subsystem = 0x0000,
	.revision = 0x04,
	.class_code = 0x088000,
	.interrupt_pin = 1,
	.capability_ptr = 0x80,
	.bars = {[0] = {.size = 0x4000, .flags = SWIOMMU_BAR_64BIT}},
	.create = model_ioat_create,
	.destroy = model_ioat_destroy,
	.reset = model_ioat_reset,
	.bar_read = model_ioat_bar_read,
	.bar_write = model_ioat_bar_write,
};
