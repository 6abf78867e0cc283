// SPDX-License-Identifier: MIT
/* SET_IRQS (vfio-device-ioctls.md 9), on the model "pci": INTA, 8 MSI, 16 MSI-X vectors. */
#include "irqs.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- the numbers, before anything is done (steps 1 to 7) ---- */

struct check_row {
	const char *name;
	uint32_t argsz, flags, index, start, count;
	int want;
};

/* Nothing is enabled. Data is 64 bytes of -1. */
static const struct check_row checks[] = {
	{"step 2: 19 bytes", 19, NONE | TRIGGER, REQ, 0, 1, -EINVAL},
	{"step 2: 0 bytes", 0, NONE | TRIGGER, REQ, 0, 1, -EINVAL},
	{"step 2: index 5", 84, NONE | TRIGGER, 5, 0, 1, -EINVAL},
	{"step 2: index 2^32 - 1", 84, NONE | TRIGGER, ~0u, 0, 1, -EINVAL},
	{"step 2: flags 64", 84, NONE | TRIGGER | 64, REQ, 0, 1, -EINVAL},
	{"step 2: start and count wrap", 84, NONE | TRIGGER, MSIX, 2, ~0u - 2, -EINVAL},
	{"step 2: count 2^32 - 1", 84, NONE | TRIGGER, MSIX, 0, ~0u, -EINVAL},
	{"step 3: start at the count", 84, EVENTFD | TRIGGER, MSIX, 16, 0, -EINVAL},
	{"step 3: a vector too many", 84, EVENTFD | TRIGGER, MSIX, 15, 2, -EINVAL},
	{"step 3: MSI vector 8", 84, EVENTFD | TRIGGER, MSI, 8, 1, -EINVAL},
	{"step 3: INTx 1", 84, EVENTFD | TRIGGER, INTX, 1, 1, -EINVAL},
	{"step 3: two INTx", 84, EVENTFD | TRIGGER, INTX, 0, 2, -EINVAL},
	{"step 4: no data type", 84, TRIGGER, REQ, 0, 1, -EINVAL},
	{"step 4: two data types", 84, NONE | EVENTFD | TRIGGER, REQ, 0, 1, -EINVAL},
	{"step 4: all data types", 84, NONE | BOOL | EVENTFD | TRIGGER, REQ, 0, 1, -EINVAL},
	{"step 5: eventfds too short", 27, EVENTFD | TRIGGER, MSIX, 0, 2, -EINVAL},
	{"step 5: bytes too short", 21, BOOL | TRIGGER, MSIX, 0, 2, -EINVAL},
	{"step 5: no data at all", 20, EVENTFD | TRIGGER, REQ, 0, 1, -EINVAL},
	{"step 7: no action", 84, EVENTFD, REQ, 0, 1, -ENOTTY},
	{"step 7: two actions", 84, EVENTFD | TRIGGER | MASK, REQ, 0, 1, -ENOTTY},
	{"step 7: all actions", 84, EVENTFD | TRIGGER | MASK | UNMASK, INTX, 0, 1, -ENOTTY},
	{"step 7: mask MSI", 84, NONE | MASK, MSI, 0, 1, -ENOTTY},
	{"step 7: unmask MSI", 84, NONE | UNMASK, MSI, 0, 1, -ENOTTY},
	{"step 7: mask MSI-X", 84, NONE | MASK, MSIX, 0, 1, -ENOTTY},
	{"step 7: unmask MSI-X", 84, EVENTFD | UNMASK, MSIX, 0, 1, -ENOTTY},
	{"step 7: mask error", 84, NONE | MASK, ERR, 0, 1, -ENOTTY},
	{"step 7: unmask request", 84, NONE | UNMASK, REQ, 0, 1, -ENOTTY},
	{"more room than needed", 84, EVENTFD | TRIGGER, REQ, 0, 1, 0},
	{"exactly the room", 24, EVENTFD | TRIGGER, REQ, 0, 1, 0},
};

static void check(struct abi *abi)
{
	const struct check_row *row = abi->row;
	struct vfio_irq_set set = {row->argsz, row->flags, row->index, row->start, row->count};
	uint8_t buf[84];

	abi_bound(abi, 0);
	memset(buf, 0xff, sizeof(buf));
	memcpy(buf, &set, sizeof(set));
	expect(abi_dev(abi, 0, VFIO_DEVICE_SET_IRQS, abi_at(abi_edge(abi), buf, sizeof(buf))),
	       row->want);
}

/* Step 3: an index without interrupts takes no request at all. */
static void an_index_without_interrupts_is_einval(struct abi *abi)
{
	abi_bound(abi, 0);
	for (uint32_t index = 0; index < 4; index++) {
		expect(set_none(abi, TRIGGER, index, 0, 0), -EINVAL);
		expect(set_none(abi, TRIGGER, index, 0, 1), -EINVAL);
		expect(set_fd(abi, TRIGGER, index, -1), -EINVAL);
	}
	ok(set_fd(abi, TRIGGER, REQ, -1));
}

/* Steps 1 and 6: nothing is done if the data cannot be read. */
static void bad_memory_is_efault(struct abi *abi)
{
	uint32_t cmd[9] = {sizeof(cmd), EVENTFD | TRIGGER, MSIX, 0, 4};
	uint8_t *edge = abi_edge(abi);

	irqs_begin(abi);
	memcpy(cmd + 5, fds, 4 * sizeof(int32_t));
	expect(abi_dev(abi, 0, VFIO_DEVICE_SET_IRQS, NULL), -EFAULT);
	for (size_t there = 0; there < sizeof(cmd); there++)
		expect(abi_dev(abi, 0, VFIO_DEVICE_SET_IRQS, abi_at(edge, cmd, there)), -EFAULT);
	assert_int_equal(raise_all(abi), 0);
	expect(set_none(abi, TRIGGER, MSIX, 0, 0), -EINVAL);
	ok(abi_dev(abi, 0, VFIO_DEVICE_SET_IRQS, abi_at(edge, cmd, sizeof(cmd))));
	assert_int_equal(raise_all(abi), 0xf);
	irqs_end();
}

/* ---- MSI and MSI-X ---- */

/* Both kinds, by their index. */
struct kind_row {
	const char *name;
	uint32_t index, vectors;
};

static const struct kind_row kinds[] = {{"MSI", MSI, 8}, {"MSI-X", MSIX, 16}};

static void vectors_signal_their_eventfds(struct abi *abi)
{
	const struct kind_row *row = abi->row;

	irqs_begin(abi);
	assert_int_equal(raise_all(abi), 0);
	ok(set_fds(abi, TRIGGER, row->index, 0, fds, row->vectors));
	assert_int_equal(swiommu_msix_enabled(abi->device[0]), row->index == MSIX);
	for (unsigned i = 0; i < row->vectors; i++) {
		swiommu_irq_raise(abi->device[0], i);
		assert_int_equal(signalled(), 1u << i);
	}
	swiommu_irq_raise(abi->device[0], 3);
	swiommu_irq_raise(abi->device[0], 3);
	assert_int_equal(signals(fds[3]), 2);
	ok(set_none(abi, TRIGGER, row->index, 0, 0));
	assert_int_equal(raise_all(abi), 0);
	assert_false(swiommu_msix_enabled(abi->device[0]));
	expect(set_none(abi, TRIGGER, row->index, 0, 0), -EINVAL);
	irqs_end();
}

/* -1 removes, others replace; what is not named stays. */
static void eventfds_are_exchanged(struct abi *abi)
{
	const struct kind_row *row = abi->row;
	int32_t change[] = {-1, 0, -1};

	irqs_begin(abi);
	change[1] = fds[9];
	ok(set_fds(abi, TRIGGER, row->index, 0, fds, 5));
	assert_int_equal(raise_all(abi), 0x1f);
	ok(set_fds(abi, TRIGGER, row->index, 1, change, 3));
	assert_int_equal(raise_all(abi), 0x211);
	ok(set_fds(abi, TRIGGER, row->index, 3, fds + 3, 1));
	assert_int_equal(raise_all(abi), 0x219);
	ok(set_none(abi, TRIGGER, row->index, 0, 0));
	irqs_end();
}

/* An eventfd is held by the device: the program may close its own. */
static void the_program_may_close_its_eventfd(struct abi *abi)
{
	const struct kind_row *row = abi->row;
	int copy;

	irqs_begin(abi);
	copy = dup(fds[0]);
	ok(set_fds(abi, TRIGGER, row->index, 0, &copy, 1));
	close(copy);
	assert_int_equal(raise_all(abi), 1);
	irqs_end();
}

/* start + count vectors are allocated; those before `start` have no eventfd. */
static void enabling_may_begin_at_any_vector(struct abi *abi)
{
	const struct kind_row *row = abi->row;

	irqs_begin(abi);
	ok(set_fds(abi, TRIGGER, row->index, 3, fds + 3, 2));
	assert_int_equal(raise_all(abi), 0x18);
	ok(set_fds(abi, TRIGGER, row->index, 0, fds, 1));
	assert_int_equal(raise_all(abi), 0x19);
	irqs_end();
}

/* A vector beyond: MSI-X gets it, MSI does not, and the range up to it loses its eventfds. */
static void vectors_beyond_those_allocated(struct abi *abi)
{
	const struct kind_row *row = abi->row;

	irqs_begin(abi);
	ok(set_fds(abi, TRIGGER, row->index, 0, fds, 3));
	expect(set_fds(abi, TRIGGER, row->index, 5, fds + 5, 1), row->index == MSI ? -EINVAL : 0);
	assert_int_equal(raise_all(abi), row->index == MSI ? 0x07 : 0x27);
	expect(set_fds(abi, TRIGGER, row->index, 1, fds + 1, 4), row->index == MSI ? -EINVAL : 0);
	assert_int_equal(raise_all(abi), row->index == MSI ? 0x01 : 0x3f);
	irqs_end();
}

struct bad_fd_row {
	const char *name;
	unsigned at;
	bool open; /* an open file that is no eventfd */
	int want;
};

static const struct bad_fd_row bad_fds[] = {
	{"the first is not open", 0, false, -EBADF},  {"the third is not open", 2, false, -EBADF},
	{"the last is not open", 3, false, -EBADF},   {"the first is no eventfd", 0, true, -EINVAL},
	{"the last is no eventfd", 3, true, -EINVAL},
};

static void put_bad_fd(const struct bad_fd_row *row, int32_t set[4])
{
	memcpy(set, fds, 4 * sizeof(*set));
	set[row->at] = row->open ? not_an_eventfd : NOT_OPEN;
}

/* While nothing is enabled, nothing is then. */
static void a_bad_eventfd_enables_nothing(struct abi *abi)
{
	const struct bad_fd_row *row = abi->row;
	int32_t set[4];

	irqs_begin(abi);
	put_bad_fd(row, set);
	for (uint32_t index = MSI; index <= MSIX; index++) {
		expect(set_fds(abi, TRIGGER, index, 0, set, 4), row->want);
		assert_int_equal(raise_all(abi), 0);
		expect(set_none(abi, TRIGGER, index, 0, 0), -EINVAL);
		assert_false(swiommu_msix_enabled(abi->device[0]));
	}
	ok(set_fd(abi, TRIGGER, INTX, fds[0]));
	irqs_end();
}

/* While the type is active, the vectors of the range up to the bad one lose their eventfds. */
static void a_bad_eventfd_clears_the_range_up_to_it(struct abi *abi)
{
	const struct bad_fd_row *row = abi->row;
	int32_t set[4];

	irqs_begin(abi);
	put_bad_fd(row, set);
	for (uint32_t index = MSI; index <= MSIX; index++) {
		ok(set_fds(abi, TRIGGER, index, 0, fds, 7));
		expect(set_fds(abi, TRIGGER, index, 2, set, 4), row->want);
		assert_int_equal(raise_all(abi), 0x7f & ~(((2u << row->at) - 1) << 2));
		/* They are still allocated. */
		ok(set_fds(abi, TRIGGER, index, 2, fds + 2, 4));
		assert_int_equal(raise_all(abi), 0x7f);
		ok(set_none(abi, TRIGGER, index, 0, 0));
	}
	irqs_end();
}

/* TRIGGER with NONE or BOOL is a loopback. */
static void vectors_can_be_triggered_by_the_program(struct abi *abi)
{
	const struct kind_row *row = abi->row;

	irqs_begin(abi);
	expect(set_none(abi, TRIGGER, row->index, 0, 1), -EINVAL);
	expect(set_bools(abi, TRIGGER, row->index, 0, "1"), -EINVAL);
	ok(set_fds(abi, TRIGGER, row->index, 0, fds, 4));
	ok(set_none(abi, TRIGGER, row->index, 1, 2));
	assert_int_equal(signalled(), 0x6);
	ok(set_bools(abi, TRIGGER, row->index, 0, "1011"));
	assert_int_equal(signalled(), 0xd);
	ok(set_bools(abi, TRIGGER, row->index, 2, "01"));
	assert_int_equal(signalled(), 0x8);
	ok(set_none(abi, TRIGGER, row->index, 0, row->vectors));
	assert_int_equal(signalled(), 0xf);
	irqs_end();
}

/* ---- one type at a time ---- */

static int enable(struct abi *abi, uint32_t index)
{
	return set_fd(abi, TRIGGER, index, fds[index]);
}

static void types_exclude_each_other(struct abi *abi)
{
	irqs_begin(abi);
	for (uint32_t index = INTX; index <= MSIX; index++) {
		ok(enable(abi, index));
		for (uint32_t other = INTX; other <= MSIX; other++) {
			if (other == index)
				continue;
			expect(enable(abi, other), -EINVAL);
			expect(set_none(abi, TRIGGER, other, 0, 0), -EINVAL);
			expect(set_none(abi, TRIGGER, other, 0, 1), -EINVAL);
		}
		ok(enable(abi, ERR));
		ok(enable(abi, REQ));
		assert_int_equal(signalled(), 0);
		ok(set_none(abi, TRIGGER, index, 0, 1));
		assert_int_equal(signalled(), 1u << index);
		ok(set_none(abi, TRIGGER, index, 0, 0));
	}
	irqs_end();
}

/* 5: close tears everything down; a new bind starts with nothing. */
static void close_disables_everything(struct abi *abi)
{
	for (uint32_t index = INTX; index <= MSIX; index++) {
		irqs_begin(abi);
		ok(enable(abi, index));
		ok(enable(abi, ERR));
		ok(enable(abi, REQ));
		abi_close(abi, 0);
		swiommu_intx_set(abi->device[0], true);
		assert_int_equal(raise_all(abi), 0);
		swiommu_intx_set(abi->device[0], false);
		abi_open(abi, 0);
		abi_bound(abi, 0);
		expect(set_none(abi, TRIGGER, index, 0, 1), -EINVAL);
		expect(set_none(abi, TRIGGER, ERR, 0, 1), -EINVAL);
		expect(set_none(abi, TRIGGER, REQ, 0, 1), -EINVAL);
		abi_close(abi, 0);
		abi_open(abi, 0);
		irqs_end();
	}
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Whatever way an eventfd is given up, the library's own descriptor of it is closed. */
static void no_descriptor_is_kept(struct abi *abi)
{
	unsigned before = open_descriptors();
	int32_t bad[2];

	irqs_begin(abi);
	bad[0] = fds[0];
	bad[1] = NOT_OPEN;
	for (uint32_t index = INTX; index <= MSIX; index++) {
		ok(enable(abi, index));
		ok(enable(abi, index));
		ok(set_fd(abi, TRIGGER, index, -1));
		ok(enable(abi, index));
		ok(enable(abi, ERR));
		ok(enable(abi, REQ));
		ok(enable(abi, REQ));
		if (index != INTX)
			expect(set_fds(abi, TRIGGER, index, 0, bad, 2),
			       index == MSI ? -EINVAL : -EBADF);
		ok(set_none(abi, TRIGGER, index, 0, 0));
		if (index != INTX)
			expect(set_fds(abi, TRIGGER, index, 0, bad, 2), -EBADF);
	}
	ok(enable(abi, INTX));
	abi_close(abi, 0);
	irqs_end();
	assert_int_equal(open_descriptors(), before);
}

/* Interrupts do not depend on an attachment, and not on bus mastering. */
static void no_attachment_is_needed(struct abi *abi)
{
	irqs_begin(abi);
	abi_config_set(abi, 0, 4, 2, 2);
	ok(enable(abi, MSIX));
	swiommu_irq_raise(abi->device[0], 0);
	assert_int_equal(signalled(), 1u << MSIX);
	irqs_end();
}

/* ---- error and request ---- */

static const struct kind_row singles[] = {{"error", ERR, 1}, {"request", REQ, 1}};

static void single_interrupts(struct abi *abi)
{
	const struct kind_row *row = abi->row;

	irqs_begin(abi);
	expect(set_none(abi, TRIGGER, row->index, 0, 1), -EINVAL);
	expect(set_none(abi, TRIGGER, row->index, 0, 0), -EINVAL);
	expect(set_fds(abi, TRIGGER, row->index, 0, fds, 0), -EINVAL);
	expect(set_fd(abi, TRIGGER, row->index, -2), -EINVAL);
	expect(set_fd(abi, TRIGGER, row->index, NOT_OPEN), -EBADF);
	expect(set_fd(abi, TRIGGER, row->index, not_an_eventfd), -EINVAL);
	/* With a byte it is no error that nothing is set. */
	ok(set_bools(abi, TRIGGER, row->index, 0, "1"));
	expect(set_bools(abi, TRIGGER, row->index, 0, ""), -EINVAL);

	ok(set_fd(abi, TRIGGER, row->index, fds[2]));
	ok(set_none(abi, TRIGGER, row->index, 0, 1));
	ok(set_bools(abi, TRIGGER, row->index, 0, "0"));
	assert_int_equal(signals(fds[2]), 1);
	ok(set_bools(abi, TRIGGER, row->index, 0, "1"));
	assert_int_equal(signals(fds[2]), 1);
	/* Exchanged, removed by -1, removed by count 0. */
	ok(set_fd(abi, TRIGGER, row->index, fds[3]));
	ok(set_none(abi, TRIGGER, row->index, 0, 1));
	assert_int_equal(signalled(), 0x8);
	ok(set_fd(abi, TRIGGER, row->index, -1));
	expect(set_none(abi, TRIGGER, row->index, 0, 1), -EINVAL);
	ok(set_fd(abi, TRIGGER, row->index, fds[3]));
	ok(set_none(abi, TRIGGER, row->index, 0, 0));
	expect(set_none(abi, TRIGGER, row->index, 0, 0), -EINVAL);
	irqs_end();
}

/* What was set stays if a new one is refused. */
static void a_refused_eventfd_leaves_the_old_one(struct abi *abi)
{
	const struct kind_row *row = abi->row;

	irqs_begin(abi);
	ok(set_fd(abi, TRIGGER, row->index, fds[2]));
	expect(set_fd(abi, TRIGGER, row->index, NOT_OPEN), -EBADF);
	expect(set_fd(abi, TRIGGER, row->index, not_an_eventfd), -EINVAL);
	expect(set_fd(abi, TRIGGER, row->index, -2), -EINVAL);
	ok(set_none(abi, TRIGGER, row->index, 0, 1));
	assert_int_equal(signalled(), 0x4);
	irqs_end();
}

int main(void)
{
	abi_rows(machine_pci, checks, check);
	abi_on(machine_plain, an_index_without_interrupts_is_einval);
	abi_on(machine_pci, bad_memory_is_efault);
	abi_rows(machine_pci, kinds, vectors_signal_their_eventfds);
	abi_rows(machine_pci, kinds, eventfds_are_exchanged);
	abi_rows(machine_pci, kinds, the_program_may_close_its_eventfd);
	abi_rows(machine_pci, kinds, enabling_may_begin_at_any_vector);
	abi_rows(machine_pci, kinds, vectors_beyond_those_allocated);
	abi_rows(machine_pci, bad_fds, a_bad_eventfd_enables_nothing);
	abi_rows(machine_pci, bad_fds, a_bad_eventfd_clears_the_range_up_to_it);
	abi_rows(machine_pci, kinds, vectors_can_be_triggered_by_the_program);
	abi_on(machine_pci, types_exclude_each_other);
	abi_on(machine_pci, close_disables_everything);
	abi_on(machine_pci, no_descriptor_is_kept);
	abi_on(machine_pci, no_attachment_is_needed);
	abi_rows(machine_pci, singles, single_interrupts);
	abi_rows(machine_pci, singles, a_refused_eventfd_leaves_the_old_one);
	return abi_run("irq");
}
