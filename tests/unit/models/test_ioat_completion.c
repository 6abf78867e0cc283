// SPDX-License-Identifier: MIT
// What the I/OAT model reports when work is done: completion words and interrupts (7).

#include "ioat_fixture.h"

static void words_inside_a_run_say_active_and_the_last_says_done(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 3, 0);
	ioat_desc(ioat, 1)->control |= COMPLETION;
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, CHANCMP, 8, IOVA_WORD);
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat_word(ioat), ioat_ring_iova(1) | ACTIVE);

	ioat_desc(ioat, 2)->control |= COMPLETION;
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat_word(ioat), ioat_ring_iova(2) | DONE);
}

static void no_word_is_written_without_the_bit(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 1, 0);
	ioat_run_one(ioat, DRIVER_KERNEL);
	assert_int_equal(ioat_word(ioat), 0);
}

static void completion_address_drops_its_low_bits(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 1, COMPLETION);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, CHANCMP, 4, (uint32_t)IOVA_WORD + 5);
	ioat_write(ioat, CHANCMP + 4, 4, IOVA_WORD >> 32);
	assert_int_equal(ioat_read(ioat, CHANCMP, 8), IOVA_WORD);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_word(ioat), ioat_ring_iova(0) | DONE);
}

static void completion_address_0_is_an_address_once_written(void **state)
{
	struct ioat *ioat = *state;
	uint64_t *word = (uint64_t *)ioat->device->memory;

	ioat->device->base_iova = 0;
	*(struct ioat_descriptor *)fake_device_at(ioat->device, 0x40) =
		(struct ioat_descriptor){.control = NULL_OP | COMPLETION};
	ioat_write(ioat, CHAINADDR, 8, 0x40);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(*word, 0);

	ioat_write(ioat, CHANCMP, 8, 0);
	ioat_write(ioat, CHAINADDR, 8, 0x40);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(*word, 0x40 | DONE);
}

static void reset_forgets_the_completion_address(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 1, COMPLETION);
	ioat_write(ioat, CHANCMP, 8, IOVA_WORD);
	ioat_write(ioat, CHANCMD, 1, RESET);
	assert_int_equal(ioat_read(ioat, CHANCMP, 8), 0);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_word(ioat), 0);
	assert_int_equal(ioat_status(ioat), ioat_ring_iova(0) | DONE);
}

static void data_comes_before_the_word_and_the_word_before_the_interrupt(void **state)
{
	struct ioat *ioat = *state;
	const struct fake_event *events = ioat->device->events;

	ioat_desc_copy(ioat, 0, 64, COMPLETION | INTERRUPT);
	ioat_run_one(ioat, DRIVER_KERNEL);
	assert_int_equal(ioat->device->event_count, 4);
	assert_int_equal(events[0].kind, FAKE_DMA_READ);
	assert_int_equal(events[1].kind, FAKE_DMA_COPY);
	assert_int_equal(events[2].kind, FAKE_DMA_WRITE);
	assert_int_equal(events[2].iova, IOVA_WORD);
	assert_int_equal(events[3].kind, FAKE_IRQ);
	assert_int_equal(events[3].iova, 0);
}

static void interrupt_is_raised_if_intrctrl_permits(void **state)
{
	static const struct {
		uint8_t intrctrl;
		unsigned count;
	} rows[] = {{0x00, 0}, {0x01, 1}, {0x08, 1}, {0x09, 1}};
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 1, INTERRUPT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_device_forget(ioat->device);
		ioat_arm(ioat, DRIVER_KERNEL);
		ioat_write(ioat, INTRCTRL, 1, rows[i].intrctrl);
		ioat_write(ioat, DMACOUNT, 2, 1);
		assert_int_equal(ioat->device->irq_count, rows[i].count);
		assert_int_equal(ioat_read(ioat, CHANCTRL, 1) & 1, rows[i].count);
	}
}

static void second_interrupt_waits_for_the_rearm(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 3, INTERRUPT);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 3);
	assert_int_equal(ioat->device->irq_count, 1);

	ioat_write(ioat, CHANCTRL, 2, DRIVER_KERNEL & ~1);
	assert_int_equal(ioat->device->irq_count, 1);
	ioat_write(ioat, CHANCTRL, 2, DRIVER_KERNEL);
	assert_int_equal(ioat->device->irq_count, 2);
	ioat_write(ioat, CHANCTRL, 2, DRIVER_KERNEL);
	assert_int_equal(ioat->device->irq_count, 2);
	assert_int_equal(ioat_read(ioat, CHANCTRL, 2), DRIVER_KERNEL & ~1);
}

static void reset_drops_the_held_interrupt_and_permits_the_next(void **state)
{
	struct ioat *ioat = *state;

	ioat_ring_link(ioat, 2, INTERRUPT);
	ioat_arm(ioat, DRIVER_KERNEL);
	ioat_write(ioat, DMACOUNT, 2, 2);
	ioat_write(ioat, CHANCMD, 1, RESET);
	assert_int_equal(ioat_read(ioat, CHANCTRL, 2), 0);
	ioat_write(ioat, CHANCTRL, 2, DRIVER_KERNEL);
	assert_int_equal(ioat->device->irq_count, 1);

	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat->device->irq_count, 2);
}

static void without_msix_the_line_rises_and_a_handler_lowers_it(void **state)
{
	struct ioat *ioat = *state;

	ioat->device->msix_enabled = false;
	ioat_ring_link(ioat, 1, INTERRUPT);
	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, INTRCTRL, 1, 0x01);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat->device->irq_count, 0);
	assert_int_equal(ioat->device->intx_rises, 1);

	assert_int_equal(ioat_read(ioat, INTRCTRL, 1), 0x07);
	assert_false(ioat->device->intx_asserted);
	assert_int_equal(ioat_read(ioat, ATTNSTATUS, 4), 1);
	ioat_write(ioat, INTRCTRL, 1, 0x07);
	assert_int_equal(ioat_read(ioat, ATTNSTATUS, 4), 0);
	assert_int_equal(ioat->device->intx_rises, 1);
	assert_int_equal(ioat_read(ioat, INTRCTRL, 1), 0x01);
}

static void unserved_line_rises_again_when_the_master_bit_is_set(void **state)
{
	struct ioat *ioat = *state;

	ioat->device->msix_enabled = false;
	ioat_ring_link(ioat, 1, INTERRUPT);
	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_false(ioat->device->intx_asserted);
	ioat_write(ioat, INTRCTRL, 1, 0x01);
	assert_true(ioat->device->intx_asserted);
	model_ioat.reset(ioat->model);
	assert_false(ioat->device->intx_asserted);
}

static void line_falls_once_msix_takes_over(void **state)
{
	struct ioat *ioat = *state;

	ioat->device->msix_enabled = false;
	ioat_ring_link(ioat, 1, INTERRUPT);
	ioat_arm(ioat, DRIVER_LINUX);
	ioat_write(ioat, INTRCTRL, 1, 0x01);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_true(ioat->device->intx_asserted);
	ioat->device->msix_enabled = true;
	ioat_write(ioat, INTRCTRL, 1, 0x09);
	assert_false(ioat->device->intx_asserted);
}

static void with_msix_a_read_keeps_the_master_bit(void **state)
{
	struct ioat *ioat = *state;

	ioat_write(ioat, INTRCTRL, 1, 0x09);
	assert_int_equal(ioat_read(ioat, INTRCTRL, 1), 0x09);
	assert_int_equal(ioat_read(ioat, INTRCTRL, 1), 0x09);
}

/* The start of Linux' driver and its self-test: a null descriptor, then a copy. */
static void boot_of_linux_gets_exactly_two_interrupts(void **state)
{
	struct ioat *ioat = *state;

	ioat_clear(ioat);
	ioat_write(ioat, INTRCTRL, 1, 0x09);
	ioat_write(ioat, CHANCTRL, 2, DRIVER_LINUX);
	ioat_write(ioat, CHANCMP, 4, (uint32_t)IOVA_WORD);
	ioat_write(ioat, CHANCMP + 4, 4, IOVA_WORD >> 32);
	ioat_ring_link(ioat, 2, INTERRUPT | COMPLETION);
	ioat_desc(ioat, 0)->size = 1;
	ioat_write(ioat, CHAINADDR, 4, (uint32_t)ioat_ring_iova(0));
	ioat_write(ioat, CHAINADDR + 4, 4, ioat_ring_iova(0) >> 32);
	ioat_write(ioat, DMACOUNT, 2, 1);
	assert_int_equal(ioat_status(ioat) & 7, DONE);
	assert_int_equal(ioat->device->irq_count, 1);
	ioat_write(ioat, CHANCTRL, 2, DRIVER_LINUX);

	ioat_desc_copy(ioat, 1, 2000, INTERRUPT | COMPLETION);
	ioat_write(ioat, DMACOUNT, 2, 2);
	assert_int_equal(ioat_word(ioat), ioat_ring_iova(1) | DONE);
	ioat_write(ioat, CHANCTRL, 2, DRIVER_LINUX);
	assert_int_equal(ioat->device->irq_count, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ioat_test(words_inside_a_run_say_active_and_the_last_says_done),
		ioat_test(no_word_is_written_without_the_bit),
		ioat_test(completion_address_drops_its_low_bits),
		ioat_test(completion_address_0_is_an_address_once_written),
		ioat_test(reset_forgets_the_completion_address),
		ioat_test(data_comes_before_the_word_and_the_word_before_the_interrupt),
		ioat_test(interrupt_is_raised_if_intrctrl_permits),
		ioat_test(second_interrupt_waits_for_the_rearm),
		ioat_test(reset_drops_the_held_interrupt_and_permits_the_next),
		ioat_test(without_msix_the_line_rises_and_a_handler_lowers_it),
		ioat_test(unserved_line_rises_again_when_the_master_bit_is_set),
		ioat_test(line_falls_once_msix_takes_over),
		ioat_test(with_msix_a_read_keeps_the_master_bit),
		ioat_test(boot_of_linux_gets_exactly_two_interrupts),
	};

	return cmocka_run_group_tests_name("ioat_completion", tests, NULL, NULL);
}
