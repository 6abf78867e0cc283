// SPDX-License-Identifier: MIT
// The I/OAT model when things go wrong (8): which bit, what it stops, who is told, how to recover.

#include "ioat_fixture.h"

#include <string.h>

/*
 * Three descriptors are due. The first is a null one, the second is the one of
 * the row; `chain` and `next` say where the engine looks for them.
 */
struct error_row {
	const char *name, *option;
	uint64_t chain, next;	     /* 0: as it should be */
	struct ioat_descriptor desc; /* `next` and interrupt are added */
	uint64_t completion;	     /* 0: IOVA_WORD */
	unsigned error;		     /* bit of CHANERR */
	uint64_t done, where;	     /* address in CHANSTS; CDAR */
};

#define FIRST  ioat_ring_iova(0)
#define SECOND ioat_ring_iova(1)

/* A row in which the second descriptor fails by itself. */
#define SECOND_FAILS(title, bit, size_, control_, source_, destination_) \
	.name = title, .error = bit, .done = FIRST, .where = SECOND,     \
	.desc = {                                                        \
		.size = size_,                                           \
		.control = control_,                                     \
		.source = source_,                                       \
		.destination = destination_,                             \
	}

static const struct error_row error_rows[] = {
	{SECOND_FAILS("source not mapped", 8, 64, COPY, IOVA_HOLE, IOVA_DST)},
	{SECOND_FAILS("source not readable", 8, 64, COPY, IOVA_WRITEABLE, IOVA_DST)},
	{SECOND_FAILS("source ends early", 8, 64, COPY, IOVA_HOLE - 8, IOVA_DST)},
	{SECOND_FAILS("destination not mapped", 9, 64, COPY, IOVA_SRC, IOVA_HOLE)},
	{SECOND_FAILS("destination not writable", 9, 64, COPY, IOVA_SRC, IOVA_READABLE)},
	{SECOND_FAILS("both not mapped", 8, 64, COPY, IOVA_HOLE, IOVA_HOLE)},
	{SECOND_FAILS("fill not mapped", 9, 64, FILL, 0, IOVA_HOLE)},
	{SECOND_FAILS("option data", 8, 64, COPY, IOVA_HOLE, IOVA_DST), .option = "fault=data"},
	{SECOND_FAILS("source, option address", 0, 64, COPY, IOVA_HOLE, IOVA_DST),
	 .option = "fault=address"},
	{SECOND_FAILS("destination, option address", 1, 64, COPY, IOVA_SRC, IOVA_HOLE),
	 .option = "fault=address"},
	{SECOND_FAILS("fill, option address", 1, 64, FILL, 0, IOVA_HOLE),
	 .option = "fault=address"},
	{.name = "next misaligned",
	 .next = SECOND + 8,
	 .error = 2,
	 .done = FIRST,
	 .where = SECOND + 8},
	{.name = "next not mapped",
	 .next = IOVA_HOLE,
	 .error = 3,
	 .done = FIRST,
	 .where = IOVA_HOLE},
	{.name = "chain misaligned", .chain = FIRST + 32, .error = 4, .where = FIRST + 32},
	{.name = "chain not mapped", .chain = IOVA_HOLE, .error = 4, .where = IOVA_HOLE},
	{SECOND_FAILS("opcode CRC", 10, 64, 0x40000000, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("opcode XOR", 10, 64, 0x87000000, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("opcode PQ", 10, 64, 0x89000000, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("opcode unknown", 10, 64, 0x02000000, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("source page break", 10, 64, COPY | 0x40, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("destination page break", 10, 64, COPY | 0x80, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("reserved control bit", 10, 64, COPY | 0x800, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("fill that is null", 10, 64, FILL | NULL_OP, 0, IOVA_DST)},
	{SECOND_FAILS("copy of 0 bytes", 11, 0, COPY, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("fill of 0 bytes", 11, 0, FILL, 0, IOVA_DST)},
	{SECOND_FAILS("copy above the cap", 11, 0x100001, COPY, IOVA_SRC, IOVA_DST)},
	{SECOND_FAILS("fill above the cap", 11, 0x100001, FILL, 0, IOVA_DST)},
	{SECOND_FAILS("copy above a lower cap", 11, 4097, COPY, IOVA_SRC, IOVA_DST),
	 .option = "xfercap=12"},
	{.name = "completion not mapped",
	 .desc = {.control = NULL_OP | COMPLETION},
	 .completion = IOVA_HOLE,
	 .error = 12,
	 .done = SECOND,
	 .where = SECOND},
};

static void error_row_run(struct ioat *ioat, const struct error_row *row, uint16_t chanctrl)
{
	struct ioat_descriptor *desc = ioat_desc(ioat, 1);

	ioat_ring_link(ioat, 4, 0);
	if (row->next)
		ioat_desc(ioat, 0)->next = row->next;
	*desc = row->desc;
	desc->control |= INTERRUPT;
	desc->next = ioat_ring_iova(2);
	ioat_desc_copy(ioat, 2, 64, 0);
	memset(fake_device_at(ioat->device, IOVA_WORD), 0, 8);
	ioat_clear(ioat);
	fake_config_write(ioat->device, CHANERR_INT, 4, UINT32_MAX);
	ioat_arm(ioat, chanctrl);
	ioat_write(ioat, CHAINADDR, 8, row->chain ? row->chain : FIRST);
	ioat_write(ioat, CHANCMP, 8, row->completion ? row->completion : IOVA_WORD);
	fake_device_forget(ioat->device);
	ioat_write(ioat, DMACOUNT, 2, 3);
}

static void error_row_check(struct ioat *ioat, const struct error_row *row)
{
	assert_int_equal(ioat_errors(ioat), 1u << row->error);
	assert_int_equal(fake_config_read(ioat->device, CHANERR_INT, 4), 1u << row->error);
	assert_int_equal(ioat_status(ioat), row->done | HALTED);
	assert_int_equal(ioat_read(ioat, CDAR, 8), row->where);
}

/* After what all drivers do to recover, a copy with an interrupt has to work. */
static void error_recover(struct ioat *ioat)
{
	fake_device_forget(ioat->device);
	ioat_desc_copy(ioat, 0, 64, INTERRUPT | COMPLETION);
	ioat_run_one(ioat, DRIVER_KERNEL);
	assert_int_equal(ioat_errors(ioat), 0);
	assert_int_equal(ioat_word(ioat), ioat_ring_iova(0) | DONE);
	assert_int_equal(ioat->device->irq_count, 1);
}

static void error_table_holds(void **state)
{
	struct ioat *ioat = *state;

	for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
		const struct error_row *row = &error_rows[i];
		uint64_t word = row->completion ? 0 : row->done | HALTED;

		print_message("         %s\n", row->name);
		ioat_recreate(ioat, row->option);

		error_row_run(ioat, row, DRIVER_KERNEL);
		error_row_check(ioat, row);
		assert_int_equal(ioat->device->irq_count, 0);
		assert_int_equal(ioat_word(ioat), 0);

		error_row_run(ioat, row, DRIVER_LINUX);
		error_row_check(ioat, row);
		assert_int_equal(ioat->device->irq_count, 1);
		assert_int_equal(ioat_word(ioat), word);

		error_recover(ioat);
	}
}

static void error_stops_the_later_descriptors(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 3, INTERRUPT);
	ioat_desc_copy(ioat, 0, 64, INTERRUPT | COMPLETION);
	ioat_desc(ioat, 0)->source = IOVA_HOLE;
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat_status(ioat), HALTED);
	assert_int_equal(ioat->device->fetch_count, 1);

	ioat_write(ioat, DMACOUNT, 2, 4);
	assert_int_equal(ioat->device->fetch_count, 1);
	assert_int_equal(ioat->device->irq_count, 0);
}

static void self_linked_descriptor_that_vanishes_is_a_descriptor_error(void **state)
{
	struct ioat *ioat = *state;

	ioat_enter_state(ioat, DONE);
	fake_device_protect(ioat->device, IOVA_RING, 1, FAKE_NONE);
	ioat_write(ioat, DMACOUNT, 2, 2);
	assert_int_equal(ioat_errors(ioat), 1 << 3);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | HALTED);
}

static void device_that_is_no_bus_master_faults(void **state)
{
	struct ioat *ioat = *state;

	fake_device_bus_master(ioat->device, false);
	ioat_ring_link(ioat, 1, 0);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_errors(ioat), 1 << 4);
	assert_int_equal(ioat_status(ioat), HALTED);

	fake_device_bus_master(ioat->device, true);
	error_recover(ioat);
}

static void failing_error_word_adds_no_second_bit(void **state)
{
	struct ioat *ioat = *state;

	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, CHANCMP, 8, IOVA_HOLE);
	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_errors(ioat), 1 << 4);
	assert_int_equal(ioat->device->irq_count, 1);
}

static void failing_completion_word_is_not_tried_again(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 1, COMPLETION);
	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, CHANCMP, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_errors(ioat), 1 << 12);
	assert_int_equal(ioat->device->event_count, 3); /* fetch, word, interrupt */
}

static void error_mirror_collects_errors_until_it_is_cleared(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, CHANCMD, 1, 0x40);
	ioat_clear(ioat);
	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_errors(ioat), 1 << 4);
	assert_int_equal(fake_config_read(ioat->device, CHANERR_INT, 4), 1 << 4 | 1 << 5);
}

static void masked_error_does_not_interrupt(void **state)
{
	struct ioat *ioat = *state;

	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, CHANERRMSK, 4, 1 << 4);
	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_errors(ioat), 1 << 4);
	assert_int_equal(ioat->device->irq_count, 0);
}

static void error_mirror_is_cleared_on_its_own_and_survives_a_reset(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	ioat_write(ioat, CHANERR, 4, 1 << 4);
	ioat_write(ioat, CHANCMD, 1, RESET);
	assert_int_equal(ioat_errors(ioat), 0);
	assert_int_equal(fake_config_read(ioat->device, CHANERR_INT, 4), 1 << 4);
	fake_config_write(ioat->device, CHANERR_INT, 4, 1 << 4);
	assert_int_equal(fake_config_read(ioat->device, CHANERR_INT, 4), 0);
}

static void reset_keeps_the_errors(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	ioat_write(ioat, CHANCMD, 1, RESET);
	assert_int_equal(ioat_errors(ioat), 1 << 4);
	assert_int_equal(ioat_status(ioat), HALTED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ioat_test(error_table_holds),
		ioat_test(error_stops_the_later_descriptors),
		ioat_test(self_linked_descriptor_that_vanishes_is_a_descriptor_error),
		ioat_test(device_that_is_no_bus_master_faults),
		ioat_test(failing_error_word_adds_no_second_bit),
		ioat_test(failing_completion_word_is_not_tried_again),
		ioat_test(error_mirror_collects_errors_until_it_is_cleared),
		ioat_test(masked_error_does_not_interrupt),
		ioat_test(error_mirror_is_cleared_on_its_own_and_survives_a_reset),
		ioat_test(reset_keeps_the_errors),
	};

	return cmocka_run_group_tests_name("ioat_errors", tests, NULL, NULL);
}
