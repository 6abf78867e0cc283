// SPDX-License-Identifier: MIT
// The I/OAT model as seen without DMA: PCI side, register file, options (1, 2, 3, 9).

#include "ioat_fixture.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/base.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- PCI side (1) ---- */

static void identity_is_that_of_the_real_part(void **state)
{
	(void)state;
	assert_int_equal(model_ioat.vendor, 0x8086);
	assert_int_equal(model_ioat.device, 0x2021);
	assert_int_equal(model_ioat.revision, 0x04);
	assert_int_equal(model_ioat.class_code, 0x088000);
	assert_int_equal(model_ioat.interrupt_pin, 1);
	assert_int_equal(model_ioat.capability_ptr, 0x80);
	assert_int_equal(model_ioat.bars[0].size, 16384);
	assert_int_equal(model_ioat.bars[0].flags, SWIOMMU_BAR_64BIT);
	for (unsigned i = 1; i < SWIOMMU_BAR_COUNT; i++)
		assert_int_equal(model_ioat.bars[i].size, 0);
}

static void capability_list_is_msix_pcie_pm(void **state)
{
	static const struct {
		uint8_t id, offset;
	} rows[] = {{0x11, 0x80}, {0x10, 0x90}, {0x01, 0xe0}};
	struct ioat *ioat = *state;
	unsigned offset = model_ioat.capability_ptr;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(offset, rows[i].offset);
		assert_int_equal(fake_config_read(ioat->device, offset, 1), rows[i].id);
		offset = fake_config_read(ioat->device, offset + 1, 1);
	}
	assert_int_equal(offset, 0);
}

/* Config space after creation, and what an all-ones write leaves behind. */
static void config_registers_start_and_take_writes_as_documented(void **state)
{
	static const struct {
		uint16_t offset;
		uint8_t width;
		uint32_t start, after_ones;
	} rows[] = {
		{0x82, 2, 0x0000, 0x0000},	 /* MSI-X control: VFIO's */
		{0x84, 4, 0x2000, 0x2000},	 /* MSI-X table */
		{0x88, 4, 0x3000, 0x3000},	 /* MSI-X pending bits */
		{0x92, 2, 0x0092, 0x0092},	 /* PCIe: version 2, type 9 */
		{0x98, 2, 0x2810, 0x78ff},	 /* device control */
		{0xe4, 2, 0x0008, 0x000b},	 /* power state */
		{0x100, 4, 0, 0},		 /* no extended capability */
		{0x148, 4, 0, 0},		 /* DMAUNCERRSTS */
		{0x14c, 4, 0, 0xffffffff},	 /* its mask */
		{0x150, 4, 0x98, 0xffffffff},	 /* its severity */
		{0x154, 1, 0x0a, 0x0a},		 /* its first error */
		{0x160, 1, 0, 0},		 /* global error pointer */
		{0x180, 4, 0, 0},		 /* CHANERR_INT */
		{0x184, 4, 0x60000, 0xffffffff}, /* CHANERRMSK_INT */
		{0x188, 4, 0x10000, 0xffffffff}, /* severity */
		{0x18c, 1, 0x02, 0x02},		 /* first error */
	};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned offset = rows[i].offset, width = rows[i].width;

		assert_int_equal(fake_config_read(ioat->device, offset, width), rows[i].start);
		fake_config_write(ioat->device, offset, width, UINT32_MAX);
		assert_int_equal(fake_config_read(ioat->device, offset, width), rows[i].after_ones);
	}
}

static void relaxed_ordering_can_be_switched_off(void **state)
{
	struct ioat *ioat = *state;
	uint32_t control = fake_config_read(ioat->device, 0x98, 2);

	assert_true(control & 0x10);
	fake_config_write(ioat->device, 0x98, 2, control & ~0x10u);
	assert_int_equal(fake_config_read(ioat->device, 0x98, 2), control & ~0x10u);
}

/* ---- the register file (2) ---- */

struct reg_expectation {
	uint16_t offset;
	uint8_t width;
	uint64_t reset;
	uint64_t after_ones; /* what an all-ones write leaves to be read */
};

static const struct reg_expectation registers[] = {
	{0x00, 1, 0x01, 0x01},	    /* CHANCNT */
	{0x01, 1, 0x14, 0x14},	    /* XFERCAP */
	{0x02, 1, 0x00, 0x01},	    /* GENCTRL */
	{0x03, 1, 0x00, 0x09},	    /* INTRCTRL */
	{0x04, 4, 0, 0},	    /* ATTNSTATUS */
	{0x08, 1, 0x33, 0x33},	    /* CBVER */
	{0x0c, 2, 0, 0x3fff},	    /* INTRDELAY */
	{0x0e, 2, 0, 0},	    /* CS_STATUS */
	{0x10, 4, 0x40, 0x40},	    /* DMACAPABILITY */
	{0x14, 2, 0, 0},	    /* DCAOFFSET */
	{0x80, 2, 0, 0xf23c},	    /* CHANCTRL */
	{0x82, 2, 0x0002, 0x0002},  /* DMA_COMP */
	{0x84, 1, 0, 0},	    /* CHANCMD: all ones is a RESET */
	{0x86, 2, 0, 0xffff},	    /* DMACOUNT of a halted channel */
	{0x88, 8, 3, 3},	    /* CHANSTS */
	{0x98, 8, 0, ~7ull},	    /* CHANCMP */
	{0xa0, 8, 0, 0},	    /* CDAR */
	{0xa8, 4, 0, 0},	    /* CHANERR */
	{0xac, 4, 0, 0xffffffff},   /* CHANERRMSK */
	{0xb0, 4, 0, 0xffffffff},   /* DCACTRL */
	{0xb6, 2, 0, 0xffff},	    /* DRS control */
	{0xbc, 1, 0, 0xff},	    /* LTR select */
	{0xc0, 4, 0, 0xffffffff},   /* LTR active */
	{0xc4, 4, 0, 0xffffffff},   /* LTR idle */
	{0x90, 8, 0, UINT64_MAX},   /* CHAINADDR; last, since it arms */
	{0x2000, 4, 0, 0xfffffffc}, /* MSI-X table */
	{0x2004, 4, 0, 0xffffffff},
	{0x2008, 4, 0, 0xffffffff},
	{0x200c, 4, 1, 1},
	{0x3000, 8, 0, 0}, /* pending bits */
};

static void registers_have_their_reset_values(struct ioat *ioat)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		const struct reg_expectation *reg = &registers[i];
		uint64_t value = ioat_read(ioat, reg->offset, reg->width);

		if (value != reg->reset)
			fail_msg("register %#x is %#llx", reg->offset, (unsigned long long)value);
	}
}

static void registers_start_with_the_reset_column(void **state)
{
	registers_have_their_reset_values(*state);
}

static void registers_keep_their_writable_bits_and_no_others(void **state)
{
	struct ioat *ioat = *state;

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		const struct reg_expectation *reg = &registers[i];
		uint64_t value;

		ioat_write(ioat, reg->offset, reg->width, UINT64_MAX);
		value = ioat_read(ioat, reg->offset, reg->width);
		if (value != reg->after_ones)
			fail_msg("register %#x is %#llx", reg->offset, (unsigned long long)value);
	}
}

static void device_reset_restores_the_reset_column(void **state)
{
	struct ioat *ioat = *state;

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		ioat_write(ioat, registers[i].offset, registers[i].width, UINT64_MAX);
	ioat_clear(ioat);
	ioat_ring_link(ioat, 1, INTERRUPT | COMPLETION);
	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, DMACOUNT, 2, 1);
	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_not_equal(ioat_errors(ioat), 0);

	model_ioat.reset(ioat->model);
	registers_have_their_reset_values(ioat);
}

static void device_reset_keeps_the_options(void **state)
{
	struct ioat *ioat = *state;

	ioat_recreate(ioat, "xfercap=13");
	model_ioat.reset(ioat->model);
	assert_int_equal(ioat_read(ioat, XFERCAP, 1), 13);
}

static void unlisted_offsets_read_0_and_ignore_writes(void **state)
{
	static const uint16_t offsets[] = {0x09, 0x18, 0x40, 0x100, 0x188, 0x1000, 0x2010, 0x3fff};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		ioat_write(ioat, offsets[i], 1, 0xff);
		assert_int_equal(ioat_read(ioat, offsets[i], 1), 0);
	}
	registers_have_their_reset_values(ioat);
}

static void wide_reads_span_registers(void **state)
{
	struct ioat *ioat = *state;

	assert_int_equal(ioat_read(ioat, 0x00, 2), 0x1401);
	assert_int_equal(ioat_read(ioat, 0x00, 4), 0x00001401);
	assert_int_equal(ioat_read(ioat, 0x08, 8), 0x33);
	assert_int_equal(ioat_read(ioat, 0x10, 8), 0x40);
	assert_int_equal(ioat_read(ioat, 0x80, 8), 0x00020000);
}

static void narrow_accesses_reach_parts_of_a_register(void **state)
{
	static const unsigned widths[] = {1, 2, 4, 8};
	const uint64_t value = 0x8877665544332218;
	struct ioat *ioat = *state;

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		unsigned width = widths[i];

		ioat_write(ioat, CHANCMP, 8, 0);
		for (unsigned at = 0; at < 8; at += width)
			ioat_write(ioat, CHANCMP + at, width, value >> (8 * at));
		assert_int_equal(ioat_read(ioat, CHANCMP, 8), value);
		for (unsigned at = 0; at < 8; at += width)
			assert_int_equal(ioat_read(ioat, CHANCMP + at, width),
					 value >> (8 * at) & UINT64_MAX >> (64 - 8 * width));
	}
}

static void bits_beyond_the_width_are_ignored(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, CHANERRMSK, 1, 0xffffffffffffff12);
	assert_int_equal(ioat_read(ioat, CHANERRMSK, 4), 0x12);
}

static void one_wide_write_resets_and_then_stores_the_count(void **state)
{
	struct ioat *ioat = *state;

	ioat_enter_state(ioat, DONE);
	ioat_write(ioat, CHANCTRL, 8, (uint64_t)7 << 48 | (uint64_t)RESET << 32);
	assert_int_equal(ioat_status(ioat), HALTED);
	assert_int_equal(ioat_read(ioat, DMACOUNT, 2), 7);
}

static void low_read_of_the_status_latches_the_high_half(void **state)
{
	struct ioat *ioat = *state;
	uint64_t low;

	ioat_enter_state(ioat, DONE);
	low = ioat_read(ioat, CHANSTS, 4);
	assert_int_equal(low, (uint32_t)ioat_ring_iova(0) | DONE);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	assert_int_equal(ioat_read(ioat, CHANSTS + 4, 4), ioat_ring_iova(0) >> 32);
	assert_int_equal(ioat_read(ioat, CHANSTS + 4, 4), 0);
}

static void whole_read_of_the_status_drops_the_latch(void **state)
{
	struct ioat *ioat = *state;

	ioat_enter_state(ioat, DONE);
	ioat_read(ioat, CHANSTS, 4);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	assert_int_equal(ioat_read(ioat, CHANSTS, 8), ARMED);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_read(ioat, CHANSTS + 4, 4), ioat_ring_iova(0) >> 32);
}

static void chain_written_by_bytes_takes_effect_at_the_last(void **state)
{
	struct ioat *ioat = *state;

	for (unsigned at = 0; at < 8; at++) {
		assert_int_equal(ioat_status(ioat), HALTED);
		ioat_write(ioat, CHAINADDR + at, 1, ioat_ring_iova(0) >> (8 * at) & 0xff);
	}
	assert_int_equal(ioat_status(ioat), ARMED);
	assert_int_equal(ioat_read(ioat, CHAINADDR, 8), ioat_ring_iova(0));
}

static void errors_are_cleared_bit_by_bit(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, CHANCMD, 1, 0x40);
	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	assert_int_equal(ioat_errors(ioat), 1 << 5);
	ioat_write(ioat, CHANERR, 4, ~(1u << 5));
	assert_int_equal(ioat_errors(ioat), 1 << 5);
	ioat_write(ioat, CHANERR + 1, 1, 0xff);
	assert_int_equal(ioat_errors(ioat), 1 << 5);
	ioat_write(ioat, CHANERR, 1, 1 << 5);
	assert_int_equal(ioat_errors(ioat), 0);
}

/* ---- CHANCTRL (3) ---- */

static void in_use_reads_the_old_value_and_is_cleared_by_0(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, CHANCTRL, 2, 0x000c);
	assert_int_equal(ioat_read(ioat, CHANCTRL, 2), 0x000c);
	assert_int_equal(ioat_read(ioat, CHANCTRL, 2), 0x010c);
	ioat_write(ioat, CHANCTRL, 2, 0x010c);
	assert_int_equal(ioat_read(ioat, CHANCTRL, 2), 0x010c);
	ioat_write(ioat, CHANCTRL, 2, 0x000c);
	assert_int_equal(ioat_read(ioat, CHANCTRL, 2), 0x000c);
}

static void low_byte_of_chanctrl_leaves_in_use_alone(void **state)
{
	struct ioat *ioat = *state;

	ioat_read(ioat, CHANCTRL, 1);
	assert_int_equal(ioat_read(ioat, CHANCTRL + 1, 1), 0);
	ioat_write(ioat, CHANCTRL, 1, 0);
	assert_int_equal(ioat_read(ioat, CHANCTRL + 1, 1), 1);
}

/* ---- options ---- */

static int create_with(struct ioat *ioat, const char *first, const char *second,
		       const char **message)
{
	const char *options[] = {first, second, NULL};
	void *model;
	int rc = model_ioat.create(ioat->device, options, &model, message);

	if (!rc)
		model_ioat.destroy(model);
	return rc;
}

static void wrong_options_are_einval_and_say_what_to_write(void **state)
{
	static const struct {
		const char *option, *said;
	} rows[] = {
		{"fault=", "fault=data"},
		{"fault=dat", "fault=data"},
		{"fault=address2", "fault=address"},
		{"fault", "fault=data|address"},
		{"faults=data", "fault=data|address"},
		{"file=x", "xfercap=12..20"},
		{"", "xfercap=12..20"},
		{"xfercap=", "12 to 20"},
		{"xfercap=11", "12 to 20"},
		{"xfercap=21", "12 to 20"},
		{"xfercap=12x", "12 to 20"},
		{"xfercap= 12", "12 to 20"},
		{"xfercap=-4294967276", "12 to 20"},
		{"xfercap=18446744073709551632", "12 to 20"},
	};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *message = NULL;

		assert_int_equal(create_with(ioat, rows[i].option, NULL, &message), -EINVAL);
		assert_non_null(message);
		if (!strstr(message, rows[i].said))
			fail_msg("%s: %s", rows[i].option, message);
	}
}

static void second_option_is_looked_at_too(void **state)
{
	const char *message = NULL;

	assert_int_equal(create_with(*state, "fault=address", "xfercap=12", &message), 0);
	assert_int_equal(create_with(*state, "fault=address", "bad", &message), -EINVAL);
	assert_int_equal(create_with(*state, "bad", "fault=address", &message), -EINVAL);
}

static void xfercap_is_what_the_option_says(void **state)
{
	struct ioat *ioat = *state;

	ioat_recreate(ioat, "xfercap=12");
	assert_int_equal(ioat_read(ioat, XFERCAP, 1), 12);
}

static void create_without_memory_is_enomem(void **state)
{
	const char *message = NULL;

	base_fail_nth(1);
	assert_int_equal(create_with(*state, NULL, NULL, &message), -ENOMEM);
	base_fail_nth(0);
	assert_null(message);
}

/* ---- the registry ---- */

static void models_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(models_find("ioat"), &model_ioat);
	assert_null(models_find("ioa"));
	assert_null(models_find("ioat2"));
	assert_null(models_find(""));
}

static void models_listed_are_those_that_are_found(void **state)
{
	size_t count = 0;

	(void)state;
	while (models_at(count)) {
		assert_ptr_equal(models_find(models_at(count)->name), models_at(count));
		count++;
	}
	assert_true(count >= 1);
	assert_null(models_at(SIZE_MAX));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ioat_test(identity_is_that_of_the_real_part),
		ioat_test(capability_list_is_msix_pcie_pm),
		ioat_test(config_registers_start_and_take_writes_as_documented),
		ioat_test(relaxed_ordering_can_be_switched_off),
		ioat_test(registers_start_with_the_reset_column),
		ioat_test(registers_keep_their_writable_bits_and_no_others),
		ioat_test(device_reset_restores_the_reset_column),
		ioat_test(device_reset_keeps_the_options),
		ioat_test(unlisted_offsets_read_0_and_ignore_writes),
		ioat_test(wide_reads_span_registers),
		ioat_test(narrow_accesses_reach_parts_of_a_register),
		ioat_test(bits_beyond_the_width_are_ignored),
		ioat_test(one_wide_write_resets_and_then_stores_the_count),
		ioat_test(low_read_of_the_status_latches_the_high_half),
		ioat_test(whole_read_of_the_status_drops_the_latch),
		ioat_test(chain_written_by_bytes_takes_effect_at_the_last),
		ioat_test(errors_are_cleared_bit_by_bit),
		ioat_test(in_use_reads_the_old_value_and_is_cleared_by_0),
		ioat_test(low_byte_of_chanctrl_leaves_in_use_alone),
		ioat_test(wrong_options_are_einval_and_say_what_to_write),
		ioat_test(second_option_is_looked_at_too),
		ioat_test(xfercap_is_what_the_option_says),
		ioat_test(create_without_memory_is_enomem),
		ioat_test(models_are_found_by_name),
		ioat_test(models_listed_are_those_that_are_found),
	};

	return cmocka_run_group_tests_name("ioat_registers", tests, NULL, NULL);
}
