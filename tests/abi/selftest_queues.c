// SPDX-License-Identifier: MIT
/* Files of queues with something in them (iommufd-ioctls.md 19, 22). */
#include "selftest.h"

#include <poll.h>

#define MESSAGE sizeof(struct iommu_hwpt_pgfault)
#define ANSWER	sizeof(struct iommu_hwpt_page_response)
#define HEADER	sizeof(struct iommufd_vevent_header)
#define EVENT	(HEADER + sizeof(struct iommu_viommu_event_selftest))

/* A read of `count` bytes into memory that has room for some of them. */
struct read_row {
	const char *name;
	unsigned queued;
	size_t count, room;
	long want;
};

static long read_to(struct abi *abi, int fd, const struct read_row *row, void *seen)
{
	uint8_t *to = abi_edge_of(abi, 1) - row->room;
	long done = swiommu_read(abi->machine, fd, to, row->count);

	expect(done, row->want);
	if (done > 0)
		memcpy(seen, to, (size_t)done);
	return done > 0 ? done : 0;
}

/* ---- fault queues ---- */

/* A mock device that has attached a HWPT with a fault queue. */
static int fault_scene(struct abi *abi, uint32_t *idev)
{
	uint32_t ioas = abi_ioas(abi), fault;
	struct stdev stdev = st_new(abi, ioas);
	int fd;

	fault = st_fault_queue(abi, &fd);
	ok(st_replace_by(abi, stdev.id, st_fault_hwpt(abi, stdev.idev, ioas, 0, fault, false)));
	*idev = stdev.idev;
	return fd;
}

static const struct read_row fault_reads[] = {
	{"an empty queue", 0, 0, 0, 0},
	{"an empty queue, into nothing", 0, MESSAGE, 0, 0},
	{"no bytes", 1, 0, 0, -EINVAL},
	{"a part of a message", 1, MESSAGE - 1, 0, -ESPIPE},
	{"a message and a byte", 2, MESSAGE + 1, 2 * MESSAGE, -ESPIPE},
	{"one", 1, MESSAGE, MESSAGE, MESSAGE},
	{"one of two", 2, MESSAGE, MESSAGE, MESSAGE},
	{"both", 2, 2 * MESSAGE, 2 * MESSAGE, 2 * MESSAGE},
	{"more than there are", 1, 3 * MESSAGE, MESSAGE, MESSAGE},
	{"no memory", 1, MESSAGE, 0, -EFAULT},
	{"memory for a part", 2, MESSAGE, MESSAGE - 1, -EFAULT},
	{"memory for one of two", 2, 2 * MESSAGE, MESSAGE, MESSAGE},
	{"memory for one and a part", 3, 3 * MESSAGE, 2 * MESSAGE - 1, MESSAGE},
};

/* What was not delivered comes next, with the lowest cookie that is free. */
static void fault_read(struct abi *abi)
{
	const struct read_row *row = abi->row;
	struct iommu_hwpt_pgfault seen[4];
	uint32_t idev, next = 0;
	int fd = fault_scene(abi, &idev);

	for (unsigned i = 0; i < row->queued; i++)
		ok(st_trigger_iopf(abi, idev, 0));
	next = (uint32_t)((size_t)read_to(abi, fd, row, seen) / MESSAGE);
	for (uint32_t i = 0; i < next; i++)
		assert_int_equal(seen[i].cookie, i + 1);
	for (; next < row->queued; next++) {
		assert_true(swiommu_poll(abi->machine, fd) & POLLIN);
		expect(swiommu_read(abi->machine, fd, seen, MESSAGE), MESSAGE);
		assert_int_equal(seen[0].cookie, next + 1);
	}
	assert_false(swiommu_poll(abi->machine, fd) & POLLIN);
	expect(swiommu_read(abi->machine, fd, seen, MESSAGE), 0);
}

struct answer_row {
	const char *name;
	struct iommu_hwpt_page_response answers[3];
	size_t count, room;
	long want;
	uint32_t next; /* the lowest cookie that is free then */
};

/* Of cookies 1 and 2. */
static const struct answer_row answers[] = {
	{"nothing", {{1, 0}}, 0, 0, 0, 3},
	{"both", {{2, 1}, {1, 0}}, 2 * ANSWER, 2 * ANSWER, 2 * ANSWER, 1},
	{"the second", {{2, 0}}, ANSWER, ANSWER, ANSWER, 2},
	{"a part", {{1, 0}}, ANSWER - 1, ANSWER, -ESPIPE, 3},
	{"one and a part", {{1, 0}, {2, 0}}, 2 * ANSWER - 1, 2 * ANSWER, -ESPIPE, 3},
	{"no such cookie", {{3, 0}}, ANSWER, ANSWER, -EINVAL, 3},
	{"cookie 0", {{0, 0}}, ANSWER, ANSWER, -EINVAL, 3},
	{"the last cookie", {{~0u, 0}}, ANSWER, ANSWER, -EINVAL, 3},
	{"no such code", {{1, 2}}, ANSWER, ANSWER, -EINVAL, 3},
	{"one twice", {{1, 0}, {1, 0}, {2, 0}}, 3 * ANSWER, 3 * ANSWER, ANSWER, 1},
	{"one and a code that there is not", {{1, 1}, {2, 7}}, 2 * ANSWER, 2 * ANSWER, ANSWER, 1},
	{"no memory", {{0}}, ANSWER, 0, -EFAULT, 3},
	{"one and no memory", {{1, 0}}, 2 * ANSWER, ANSWER, ANSWER, 1},
};

static void fault_write(struct abi *abi)
{
	const struct answer_row *row = abi->row;
	struct iommu_hwpt_pgfault seen[2];
	uint8_t *edge = abi_edge_of(abi, 1);
	uint32_t idev;
	int fd = fault_scene(abi, &idev);

	ok(st_trigger_iopf(abi, idev, 0));
	ok(st_trigger_iopf(abi, idev, 0));
	expect(swiommu_read(abi->machine, fd, seen, sizeof(seen)), sizeof(seen));
	expect(swiommu_write(abi->machine, fd, abi_at(edge, row->answers, row->room), row->count),
	       row->want);
	ok(st_trigger_iopf(abi, idev, 0));
	expect(swiommu_read(abi->machine, fd, seen, MESSAGE), MESSAGE);
	assert_int_equal(seen[0].cookie, row->next);
}

/* ---- event queues ---- */

#define DEPTH 2

/* A mock device that sends events to a queue. */
static int event_scene(struct abi *abi, uint32_t depth, uint32_t *idev)
{
	uint32_t ioas = abi_ioas(abi), parent, viommu, vdevice;
	struct stdev stdev = st_new(abi, ioas);

	parent = st_hwpt(abi, stdev.idev, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	ok(abi_viommu(abi, stdev.idev, parent, &viommu));
	ok(abi_vdevice(abi, viommu, stdev.idev, 7, &vdevice));
	ok(st_replace_by(abi, stdev.id, st_nested(abi, stdev.idev, viommu, 0, 0)));
	*idev = stdev.idev;
	return st_veventq(abi, viommu, depth);
}

/* The third is lost, of which a header tells. */
static const struct read_row event_reads[] = {
	{"an empty queue", 0, HEADER, 0, 0},
	{"an empty queue, less than a header", 0, HEADER - 1, 0, -EINVAL},
	{"no bytes", 1, 0, 0, -EINVAL},
	{"less than a header", 1, HEADER - 1, EVENT, -EINVAL},
	{"a header", 1, HEADER, EVENT, -EINVAL},
	{"less than an event", 1, EVENT - 1, EVENT, -EINVAL},
	{"one", 1, EVENT, EVENT, EVENT},
	{"one of two", 2, EVENT, EVENT, EVENT},
	{"one and a header's size", 2, EVENT + HEADER, 2 * EVENT, EVENT},
	{"both", 2, 2 * EVENT, 2 * EVENT, 2 * EVENT},
	{"both, without the loss", 3, 2 * EVENT, 2 * EVENT, 2 * EVENT},
	{"both, and less than the loss", 3, 2 * EVENT + HEADER - 1, 3 * EVENT, 2 * EVENT},
	{"both, and the loss", 3, 2 * EVENT + HEADER, 2 * EVENT + HEADER, 2 * EVENT + HEADER},
	{"more than there are", 3, 9 * EVENT, 2 * EVENT + HEADER, 2 * EVENT + HEADER},
	{"no memory", 1, EVENT, 0, -EFAULT},
	{"memory for a header", 1, EVENT, HEADER, -EFAULT},
	{"memory for one of two", 2, 2 * EVENT, EVENT, EVENT},
	{"memory for both, not for the loss", 3, 3 * EVENT, 2 * EVENT + 1, 2 * EVENT},
};

/* The record at *at, which is the event with that number. */
static void expect_record(const uint8_t **at, uint32_t number)
{
	struct iommufd_vevent_header header;
	bool lost = number == DEPTH;

	memcpy(&header, *at, sizeof(header));
	assert_int_equal(header.flags, lost ? IOMMU_VEVENTQ_FLAG_LOST_EVENTS : 0);
	assert_int_equal(header.sequence, number);
	*at += lost ? HEADER : EVENT;
}

static void event_read(struct abi *abi)
{
	const struct read_row *row = abi->row;
	uint8_t seen[4 * EVENT];
	const uint8_t *at = seen, *end = seen;
	uint32_t idev, number = 0;
	int fd = event_scene(abi, DEPTH, &idev);

	for (unsigned i = 0; i < row->queued; i++)
		ok(st_trigger_vevent(abi, idev));
	end += read_to(abi, fd, row, seen);
	while (at < end)
		expect_record(&at, number++);
	assert_ptr_equal(at, end);
	assert_int_equal(swiommu_poll(abi->machine, fd) & POLLIN,
			 number < row->queued ? POLLIN : 0);
	/* The rest is as it was. */
	end = at + swiommu_read(abi->machine, fd, seen + (at - seen),
				sizeof(seen) - (size_t)(at - seen));
	while (at < end)
		expect_record(&at, number++);
	assert_int_equal(number, row->queued);
	assert_int_equal(swiommu_poll(abi->machine, fd) & POLLIN, 0);
}

/* A header of a loss that is still the last makes room for the next event. */
static void a_loss_is_told_until_the_next_event_comes(struct abi *abi)
{
	uint32_t record[3], idev;
	int fd = event_scene(abi, 1, &idev);

	for (unsigned i = 0; i < 4; i++)
		ok(st_trigger_vevent(abi, idev));
	expect(swiommu_read(abi->machine, fd, record, EVENT), EVENT);
	assert_int_equal(record[1], 0);
	ok(st_trigger_vevent(abi, idev));
	expect(swiommu_read(abi->machine, fd, record, EVENT), EVENT);
	assert_int_equal(record[0], 0);
	assert_int_equal(record[1], 4);
	expect(swiommu_read(abi->machine, fd, record, EVENT), 0);
	/* It carries the number of the last event that was lost. */
	for (unsigned i = 0; i < 3; i++)
		ok(st_trigger_vevent(abi, idev));
	expect(swiommu_read(abi->machine, fd, record, EVENT), EVENT);
	assert_int_equal(record[1], 5);
	expect(swiommu_read(abi->machine, fd, record, EVENT), HEADER);
	assert_int_equal(record[0], IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	assert_int_equal(record[1], 7);
}

int main(void)
{
	abi_rows(abi_selftest, fault_reads, fault_read);
	abi_rows(abi_selftest, answers, fault_write);
	abi_rows(abi_selftest, event_reads, event_read);
	abi_on(abi_selftest, a_loss_is_told_until_the_next_event_comes);
	return abi_run("selftest_queues");
}
