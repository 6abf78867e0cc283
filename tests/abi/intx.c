// SPDX-License-Identifier: MIT
/* INTx: a line that masks itself (vfio-device-ioctls.md 9), on the model "pci". */
#include "irqs.h"

#include "base/alloc.h"

#include <poll.h>
#include <unistd.h>

static void line(struct abi *abi, bool asserted)
{
	swiommu_intx_set(abi->device[0], asserted);
}

static int unmask(struct abi *abi)
{
	return set_none(abi, UNMASK, INTX, 0, 1);
}

static int mask(struct abi *abi)
{
	return set_none(abi, MASK, INTX, 0, 1);
}

/* On, to fds[0]. */
static void begin(struct abi *abi)
{
	irqs_begin(abi);
	ok(set_fd(abi, TRIGGER, INTX, fds[0]));
	assert_int_equal(signalled(), 0);
}

/* ---- one interrupt, then masked ---- */

static void the_line_signals_once_and_is_masked(struct abi *abi)
{
	begin(abi);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	line(abi, false);
	line(abi, true);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 0);
	irqs_end();
}

/* A line that is still asserted signals at once, and is masked again. */
static void unmask_of_an_asserted_line_signals(struct abi *abi)
{
	begin(abi);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	for (unsigned i = 0; i < 3; i++) {
		ok(unmask(abi));
		assert_int_equal(signals(fds[0]), 1);
	}
	line(abi, false);
	ok(unmask(abi));
	assert_int_equal(signals(fds[0]), 0);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	irqs_end();
}

/* Asserted and released while masked: it is a level, nothing is remembered. */
static void a_released_line_is_forgotten(struct abi *abi)
{
	begin(abi);
	ok(mask(abi));
	line(abi, true);
	line(abi, false);
	ok(unmask(abi));
	assert_int_equal(signals(fds[0]), 0);
	irqs_end();
}

static void a_line_that_is_asserted_before_signals_when_enabled(struct abi *abi)
{
	irqs_begin(abi);
	line(abi, true);
	assert_int_equal(signalled(), 0);
	ok(set_fd(abi, TRIGGER, INTX, fds[0]));
	assert_int_equal(signals(fds[0]), 1);
	irqs_end();
}

/* ---- masks ---- */

struct mask_row {
	const char *name;
	bool bools;
	const char *value; /* of MASK and UNMASK with bytes */
	bool masks, unmasks;
};

static const struct mask_row masks[] = {
	{"no data", false, NULL, true, true},
	{"a byte that is 1", true, "1", true, true},
	{"a byte that is 0", true, "0", false, false},
};

static int act(struct abi *abi, const struct mask_row *row, uint32_t action)
{
	return row->bools ? set_bools(abi, action, INTX, 0, row->value)
			  : set_none(abi, action, INTX, 0, 1);
}

static void mask_and_unmask(struct abi *abi)
{
	const struct mask_row *row = abi->row;

	begin(abi);
	ok(act(abi, row, MASK));
	line(abi, true);
	assert_int_equal(signals(fds[0]), row->masks ? 0 : 1);
	ok(mask(abi));
	ok(act(abi, row, UNMASK));
	assert_int_equal(signals(fds[0]), row->unmasks ? 1 : 0);
	irqs_end();
}

/* The command register's bit is a second mask, independent of the first. */
static void the_command_register_masks_too(struct abi *abi)
{
	begin(abi);
	abi_config_set(abi, 0, 4, 2, 0x0406);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 0);
	ok(unmask(abi));
	assert_int_equal(signals(fds[0]), 0);
	abi_config_set(abi, 0, 4, 2, 0x0006);
	assert_int_equal(signals(fds[0]), 1);
	/* Masked by the interrupt; the bit comes and goes, the mask stays. */
	abi_config_set(abi, 0, 5, 1, 0x04);
	abi_config_set(abi, 0, 5, 1, 0x00);
	assert_int_equal(signals(fds[0]), 0);
	ok(unmask(abi));
	assert_int_equal(signals(fds[0]), 1);
	irqs_end();
}

/* The bit counts when it was set before INTx was enabled, and is gone after a new bind. */
static void the_command_registers_bit_is_kept(struct abi *abi)
{
	irqs_begin(abi);
	abi_config_set(abi, 0, 4, 2, 0x0402);
	ok(set_fd(abi, TRIGGER, INTX, fds[0]));
	line(abi, true);
	assert_int_equal(signals(fds[0]), 0);
	irqs_end();
	abi_close(abi, 0);
	abi_open(abi, 0);
	begin(abi);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	irqs_end();
}

/* ---- eventfds ---- */

static void the_eventfd_is_exchanged(struct abi *abi)
{
	begin(abi);
	ok(set_fd(abi, TRIGGER, INTX, fds[1]));
	line(abi, true);
	assert_int_equal(signalled(), 2);
	/* -1 removes it, INTx stays active. */
	ok(set_fd(abi, TRIGGER, INTX, -1));
	ok(unmask(abi));
	assert_int_equal(signalled(), 0);
	ok(set_none(abi, TRIGGER, INTX, 0, 1));
	expect(set_fd(abi, TRIGGER, MSI, fds[2]), -EINVAL);
	ok(set_fd(abi, TRIGGER, INTX, fds[3]));
	line(abi, false);
	ok(unmask(abi));
	line(abi, true);
	assert_int_equal(signalled(), 8);
	irqs_end();
}

/* It can be enabled without an eventfd. */
static void intx_without_an_eventfd_is_active(struct abi *abi)
{
	irqs_begin(abi);
	ok(set_fd(abi, TRIGGER, INTX, -1));
	ok(mask(abi));
	ok(unmask(abi));
	expect(set_fd(abi, TRIGGER, MSIX, fds[2]), -EINVAL);
	ok(set_none(abi, TRIGGER, INTX, 0, 0));
	expect(mask(abi), -EINVAL);
	ok(set_fd(abi, TRIGGER, MSIX, fds[2]));
	irqs_end();
}

static void a_bad_eventfd_does_not_enable(struct abi *abi)
{
	irqs_begin(abi);
	expect(set_fd(abi, TRIGGER, INTX, NOT_OPEN), -EBADF);
	expect(set_fd(abi, TRIGGER, INTX, not_an_eventfd), -EINVAL);
	expect(mask(abi), -EINVAL);
	ok(set_fd(abi, TRIGGER, MSI, fds[0]));
	irqs_end();
}

/* ---- what is refused ---- */

static void nothing_works_while_intx_is_off(struct abi *abi)
{
	irqs_begin(abi);
	expect(set_none(abi, TRIGGER, INTX, 0, 0), -EINVAL);
	expect(set_none(abi, TRIGGER, INTX, 0, 1), -EINVAL);
	expect(set_bools(abi, TRIGGER, INTX, 0, "1"), -EINVAL);
	expect(mask(abi), -EINVAL);
	expect(unmask(abi), -EINVAL);
	expect(set_bools(abi, MASK, INTX, 0, "1"), -EINVAL);
	expect(set_fd(abi, UNMASK, INTX, fds[1]), -EINVAL);
	irqs_end();
}

static void what_is_refused_while_intx_is_on(struct abi *abi)
{
	begin(abi);
	expect(set_fd(abi, MASK, INTX, fds[1]), -ENOTTY);
	expect(set_fds(abi, TRIGGER, INTX, 0, fds, 0), -EINVAL);
	expect(set_bools(abi, TRIGGER, INTX, 0, ""), -EINVAL);
	expect(set_none(abi, MASK, INTX, 0, 0), -EINVAL);
	expect(set_none(abi, UNMASK, INTX, 0, 0), -EINVAL);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	irqs_end();
}

static void the_program_can_trigger_it(struct abi *abi)
{
	begin(abi);
	ok(set_none(abi, TRIGGER, INTX, 0, 1));
	ok(set_bools(abi, TRIGGER, INTX, 0, "1"));
	ok(set_bools(abi, TRIGGER, INTX, 0, "0"));
	assert_int_equal(signals(fds[0]), 2);
	irqs_end();
}

/* ---- unmask by an eventfd ---- */

static void wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 60000), 1);
}

static void fire(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void an_eventfd_unmasks_whenever_it_fires(struct abi *abi)
{
	begin(abi);
	ok(set_fd(abi, UNMASK, INTX, fds[1]));
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	for (unsigned i = 0; i < 5; i++) {
		fire(fds[1]);
		wait_for(fds[0]);
		assert_int_equal(signals(fds[0]), 1);
	}
	irqs_end();
}

static void one_eventfd_can_unmask(struct abi *abi)
{
	begin(abi);
	expect(set_fd(abi, UNMASK, INTX, NOT_OPEN), -EBADF);
	expect(set_fd(abi, UNMASK, INTX, not_an_eventfd), -EINVAL);
	ok(set_fd(abi, UNMASK, INTX, -1));
	ok(set_fd(abi, UNMASK, INTX, fds[1]));
	expect(set_fd(abi, UNMASK, INTX, fds[2]), -EBUSY);
	expect(set_fd(abi, UNMASK, INTX, fds[1]), -EBUSY);
	ok(set_fd(abi, UNMASK, INTX, -1));
	ok(set_fd(abi, UNMASK, INTX, fds[2]));
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	fire(fds[2]);
	wait_for(fds[0]);
	irqs_end();
}

/* It goes with INTx. */
static void disabling_intx_forgets_the_eventfd(struct abi *abi)
{
	begin(abi);
	for (unsigned i = 0; i < 3; i++) {
		ok(set_fd(abi, UNMASK, INTX, fds[1]));
		ok(set_none(abi, TRIGGER, INTX, 0, 0));
		ok(set_fd(abi, TRIGGER, INTX, fds[0]));
	}
	ok(set_fd(abi, UNMASK, INTX, fds[1]));
	abi_close(abi, 0);
	abi_open(abi, 0);
	irqs_end();
}

/* The watcher has ended, and given back its memory, before the machine is gone. */
static void a_watcher_leaves_nothing(struct abi *abi)
{
	for (unsigned i = 0; i < 100; i++) {
		size_t before = base_alloc_count();

		abi_init(abi, &machine_pci);
		begin(abi);
		ok(set_fd(abi, UNMASK, INTX, fds[1]));
		abi_fini(abi);
		irqs_end();
		assert_int_equal(base_alloc_count(), before);
	}
}

/* Disabled and enabled again: the mask is that of a new interrupt. */
static void enabling_again_starts_unmasked(struct abi *abi)
{
	begin(abi);
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	line(abi, false);
	ok(set_none(abi, TRIGGER, INTX, 0, 0));
	line(abi, true);
	line(abi, false);
	assert_int_equal(signals(fds[0]), 0);
	ok(set_fd(abi, TRIGGER, INTX, fds[0]));
	line(abi, true);
	assert_int_equal(signals(fds[0]), 1);
	irqs_end();
}

int main(void)
{
	abi_on(machine_pci, the_line_signals_once_and_is_masked);
	abi_on(machine_pci, unmask_of_an_asserted_line_signals);
	abi_on(machine_pci, a_released_line_is_forgotten);
	abi_on(machine_pci, a_line_that_is_asserted_before_signals_when_enabled);
	abi_rows(machine_pci, masks, mask_and_unmask);
	abi_on(machine_pci, the_command_register_masks_too);
	abi_on(machine_pci, the_command_registers_bit_is_kept);
	abi_on(machine_pci, the_eventfd_is_exchanged);
	abi_on(machine_pci, intx_without_an_eventfd_is_active);
	abi_on(machine_pci, a_bad_eventfd_does_not_enable);
	abi_on(machine_pci, nothing_works_while_intx_is_off);
	abi_on(machine_pci, what_is_refused_while_intx_is_on);
	abi_on(machine_pci, the_program_can_trigger_it);
	abi_on(machine_pci, an_eventfd_unmasks_whenever_it_fires);
	abi_on(machine_pci, one_eventfd_can_unmask);
	abi_on(machine_pci, disabling_intx_forgets_the_eventfd);
	abi_on(abi_none, a_watcher_leaves_nothing);
	abi_on(machine_pci, enabling_again_starts_unmasked);
	return abi_run("intx");
}
