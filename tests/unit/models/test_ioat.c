// SPDX-License-Identifier: MIT
// The I/OAT model at work: states, chains, descriptors (4 to 6).

#include "ioat_fixture.h"

#include <string.h>

/* ---- states and commands (4) ---- */

static void reset_halts_and_the_command_reads_0(void **state)
{
	struct ioat *ioat = *state;

	ioat_enter_state(ioat, DONE);
	ioat_write(ioat, CHANCMD, 1, RESET);
	assert_int_equal(ioat_status(ioat), HALTED);
	assert_int_equal(ioat_read(ioat, CHANCMD, 1), 0);
}

static void chain_write_arms_with_exactly_4(void **state)
{
	struct ioat *ioat = *state;

	ioat_enter_state(ioat, DONE);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(1));
	assert_int_equal(ioat_status(ioat), 4);
	assert_int_equal(ioat_read(ioat, DMACOUNT, 2), 0);
}

static void event_reset(struct ioat *ioat)
{
	ioat_write(ioat, CHANCMD, 1, RESET);
}

static void event_reset_and_suspend(struct ioat *ioat)
{
	ioat_write(ioat, CHANCMD, 1, RESET | SUSPEND);
}

static void event_suspend(struct ioat *ioat)
{
	ioat_write(ioat, CHANCMD, 1, SUSPEND);
}

static void event_chain(struct ioat *ioat)
{
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
}

static void event_count_differs(struct ioat *ioat)
{
	ioat_write(ioat, DMACOUNT, 2, 2);
}

static void event_count_same(struct ioat *ioat)
{
	ioat_write(ioat, DMACOUNT, 2, ioat_read(ioat, DMACOUNT, 2));
}

static void event_old_commands(struct ioat *ioat)
{
	for (unsigned command = 0x01; command <= 0x10; command <<= 1)
		if (command != SUSPEND)
			ioat_write(ioat, CHANCMD, 1, command);
}

static void state_table_holds(void **state)
{
	static const struct {
		void (*event)(struct ioat *ioat);
		unsigned from, to;
	} rows[] = {
		{event_reset, DONE, HALTED},
		{event_reset, SUSPENDED, HALTED},
		{event_reset, HALTED, HALTED},
		{event_reset, ARMED, HALTED},
		{event_reset_and_suspend, DONE, HALTED},
		{event_suspend, DONE, SUSPENDED},
		{event_suspend, SUSPENDED, SUSPENDED},
		{event_suspend, HALTED, HALTED},
		{event_suspend, ARMED, ARMED},
		{event_chain, DONE, ARMED},
		{event_chain, SUSPENDED, ARMED},
		{event_chain, HALTED, ARMED},
		{event_chain, ARMED, ARMED},
		{event_count_differs, DONE, DONE},
		{event_count_differs, SUSPENDED, DONE},
		{event_count_differs, HALTED, HALTED},
		{event_count_differs, ARMED, DONE},
		{event_count_same, DONE, DONE},
		{event_count_same, SUSPENDED, SUSPENDED},
		{event_count_same, HALTED, HALTED},
		{event_count_same, ARMED, ARMED},
		{event_old_commands, DONE, DONE},
		{event_old_commands, SUSPENDED, SUSPENDED},
		{event_old_commands, HALTED, HALTED},
		{event_old_commands, ARMED, ARMED},
	};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ioat_clear(ioat);
		ioat_enter_state(ioat, rows[i].from);
		assert_int_equal(ioat_status(ioat) & 7, rows[i].from);
		rows[i].event(ioat);
		if ((ioat_status(ioat) & 7) != rows[i].to)
			fail_msg("row %zu: state %u", i, (unsigned)(ioat_status(ioat) & 7));
		assert_int_equal(ioat_errors(ioat), 0);
	}
}

static void count_of_a_halted_channel_is_stored_and_runs_nothing(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, DMACOUNT, 2, 7);
	assert_int_equal(ioat_read(ioat, DMACOUNT, 2), 7);
	assert_int_equal(ioat->device->fetch_count, 0);
}

static void chain_write_with_errors_pending_stays_halted(void **state)
{
	struct ioat *ioat = *state;

	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, CHAINADDR, 8, IOVA_HOLE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	assert_int_equal(ioat_status(ioat), HALTED);

	ioat_write(ioat, CHANERR, 4, UINT32_MAX);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	assert_int_equal(ioat_status(ioat), ARMED);
}

static void suspended_channel_goes_on_where_it_stopped(void **state)
{
	struct ioat *ioat = *state;

	ioat_enter_state(ioat, SUSPENDED);
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(2) | DONE);
}

static void unknown_command_sets_bit_5_and_halts_only_on_request(void **state)
{
	static const struct {
		uint8_t command;
		uint16_t chanctrl;
		unsigned state;
	} rows[] = {
		{0x40, 0x0000, ARMED},
		{0x80, 0x0008, HALTED},
		{0x05, 0x0008, HALTED},
	};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ioat_clear(ioat);
		ioat_arm(ioat, rows[i].chanctrl);
		ioat_write(ioat, CHANCMD, 1, rows[i].command);
		assert_int_equal(ioat_errors(ioat), 1 << 5);
		assert_int_equal(ioat_status(ioat), rows[i].state);
	}
}

/* ---- chain and count (5) ---- */

static void null_descriptor_completes_with_address_and_done(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 1, COMPLETION);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, CHANCMP, 8, IOVA_WORD);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | 1);
	assert_int_equal(ioat_word(ioat), ioat_ring_iova(0) | 1);
	assert_int_equal(ioat_read(ioat, CDAR, 8), ioat_ring_iova(0));
}

static void self_linked_copy_runs_65535_times(void **state)
{
	struct ioat *ioat = *state;

	ioat_desc_copy(ioat, 0, 64, 0);
	ioat_desc(ioat, 0)->next = ioat_ring_iova(0);
	memset(fake_device_at(ioat->device, IOVA_SRC), 0x5a, 64);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 65535);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
	assert_int_equal(ioat->device->fetch_count, 65535);
	assert_memory_equal(fake_device_at(ioat->device, IOVA_DST),
			    fake_device_at(ioat->device, IOVA_SRC), 64);
	assert_int_equal(ioat->device->irq_count, 0);
}

static void same_count_again_does_nothing(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 4, 0);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 2);
	ioat_write(ioat, DMACOUNT, 2, 2);
	assert_int_equal(ioat->device->fetch_count, 2);
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat->device->fetch_count, 3);
}

static void same_count_runs_again_after_a_chain_write(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 4, 0);
	for (unsigned round = 1; round <= 3; round++) {
		ioat_arm(ioat, DRIVER_KERNEL);
		ioat_write(ioat, DMACOUNT, 2, 2);
		assert_int_equal(ioat_status(ioat), ioat_ring_iova(1) | DONE);
		assert_int_equal(ioat->device->fetch_count, 2 * round);
	}
}

static void count_wraps_from_65535_to_3_with_4_descriptors(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 8, 0);
	ioat_desc(ioat, 0)->next = ioat_ring_iova(0);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 65534);
	ioat_desc(ioat, 0)->next = ioat_ring_iova(1);
	ioat_write(ioat, DMACOUNT, 2, 65535);
	fake_device_forget(ioat->device);
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat->device->fetch_count, 4);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(4) | DONE);
}

static void two_chain_halves_equal_one_write(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 2, 0);
	ioat_write(ioat, CHAINADDR, 4, (uint32_t)ioat_ring_iova(0));
	assert_int_equal(ioat_status(ioat), HALTED);
	ioat_write(ioat, CHAINADDR + 4, 4, ioat_ring_iova(0) >> 32);
	assert_int_equal(ioat_status(ioat), ARMED);
	assert_int_equal(ioat_read(ioat, CHAINADDR, 8), ioat_ring_iova(0));
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
}

static void low_chain_half_alone_counts_at_the_first_count_write(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 4, 0);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 1);
	ioat_write(ioat, CHAINADDR, 4, (uint32_t)ioat_ring_iova(2));
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(2) | DONE);
	assert_int_equal(ioat_read(ioat, DMACOUNT, 2), 1);
}

static void garbage_next_of_the_last_descriptor_is_no_error(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 2, 0);
	ioat_desc(ioat, 1)->next = 0x123456789abcdef3;
	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, DMACOUNT, 2, 2);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(1) | DONE);
	assert_int_equal(ioat_errors(ioat), 0);
}

static void descriptor_that_a_copy_overwrites_is_fetched_anew(void **state)
{
	struct ioat *ioat = *state;
	struct ioat_descriptor *source = fake_device_at(ioat->device, IOVA_SRC);

	*source = (struct ioat_descriptor){.control = NULL_OP | INTERRUPT};
	ioat_desc_copy(ioat, 0, sizeof(*source), 0);
	ioat_desc(ioat, 0)->destination = ioat_ring_iova(0);
	ioat_desc(ioat, 0)->next = ioat_ring_iova(0);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 2);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
	assert_int_equal(ioat->device->irq_count, 1);
}

/* ---- descriptors (6) ---- */

static void fill_repeats_the_pattern_at_any_size_and_place(void **state)
{
	static const unsigned sizes[] = {1, 7, 8, 50, 89, 100, 4096, 5000};
	static const uint8_t pattern[8] = {0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *bytes = fake_device_at(ioat->device, IOVA_DST + i);

		memset(bytes, 0, 8192);
		*ioat_desc(ioat, 0) = (struct ioat_descriptor){
			.size = sizes[i],
			.control = FILL,
			.source = 0x0123456789abcdef,
			.destination = IOVA_DST + i,
		};
		ioat_run_one(ioat, DRIVER_KERNEL);
		assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
		for (unsigned k = 0; k < sizes[i]; k++)
			assert_int_equal(bytes[k], pattern[k % 8]);
		assert_int_equal(bytes[sizes[i]], 0);
	}
}

static void overlapping_copy_behaves_like_memmove(void **state)
{
	struct ioat *ioat = *state;
	uint8_t *bytes = fake_device_at(ioat->device, IOVA_SRC);

	for (unsigned i = 0; i < 200; i++)
		bytes[i] = (uint8_t)i;
	ioat_desc_copy(ioat, 0, 100, 0);
	ioat_desc(ioat, 0)->destination = IOVA_SRC + 3;
	ioat_run_one(ioat, DRIVER_KERNEL);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(bytes[i + 3], i);
	assert_int_equal(bytes[103], 103);
}

static void copy_of_the_largest_size_works(void **state)
{
	struct ioat *ioat = *state;
	uint32_t size = 1u << ioat_read(ioat, XFERCAP, 1);

	memset(fake_device_at(ioat->device, IOVA_SRC), 0xa5, size);
	ioat_desc_copy(ioat, 0, size, 0);
	ioat_run_one(ioat, DRIVER_KERNEL);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
	assert_memory_equal(fake_device_at(ioat->device, IOVA_DST),
			    fake_device_at(ioat->device, IOVA_SRC), size);
}

static void null_descriptor_ignores_size_and_addresses(void **state)
{
	static const uint32_t sizes[] = {0, 1, 8, UINT32_MAX};
	struct ioat *ioat = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ioat_ring_link(ioat, 1, 0);
		ioat_desc(ioat, 0)->size = sizes[i];
		ioat_desc(ioat, 0)->source = IOVA_HOLE;
		ioat_run_one(ioat, DRIVER_KERNEL);
		assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
	}
}

static void hints_in_the_control_word_are_accepted(void **state)
{
	struct ioat *ioat = *state;

	/* Snoop control, fence, bundle, destination cache, hint. */
	ioat_desc_copy(ioat, 0, 64, 0x00000716);
	ioat_run_one(ioat, DRIVER_KERNEL);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
}

static void user_words_of_a_descriptor_are_not_touched(void **state)
{
	struct ioat *ioat = *state;
	struct ioat_descriptor before;

	ioat_desc_copy(ioat, 0, 64, COMPLETION);
	memset(ioat_desc(ioat, 0)->other, 0x77, sizeof(before.other));
	before = *ioat_desc(ioat, 0);
	ioat_run_one(ioat, DRIVER_KERNEL);
	assert_memory_equal(ioat_desc(ioat, 0), &before, sizeof(before));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ioat_test(reset_halts_and_the_command_reads_0),
		ioat_test(chain_write_arms_with_exactly_4),
		ioat_test(state_table_holds),
		ioat_test(count_of_a_halted_channel_is_stored_and_runs_nothing),
		ioat_test(chain_write_with_errors_pending_stays_halted),
		ioat_test(suspended_channel_goes_on_where_it_stopped),
		ioat_test(unknown_command_sets_bit_5_and_halts_only_on_request),
		ioat_test(null_descriptor_completes_with_address_and_done),
		ioat_test(self_linked_copy_runs_65535_times),
		ioat_test(same_count_again_does_nothing),
		ioat_test(same_count_runs_again_after_a_chain_write),
		ioat_test(count_wraps_from_65535_to_3_with_4_descriptors),
		ioat_test(two_chain_halves_equal_one_write),
		ioat_test(low_chain_half_alone_counts_at_the_first_count_write),
		ioat_test(garbage_next_of_the_last_descriptor_is_no_error),
		ioat_test(descriptor_that_a_copy_overwrites_is_fetched_anew),
		ioat_test(fill_repeats_the_pattern_at_any_size_and_place),
		ioat_test(overlapping_copy_behaves_like_memmove),
		ioat_test(copy_of_the_largest_size_works),
		ioat_test(null_descriptor_ignores_size_and_addresses),
		ioat_test(hints_in_the_control_word_are_accepted),
		ioat_test(user_words_of_a_descriptor_are_not_touched),
	};

	return cmocka_run_group_tests_name("ioat", tests, NULL, NULL);
}
