// SPDX-License-Identifier: MIT
/* Files that ioctls make (iommufd-ioctls.md 19, 22, 27): their numbers, their calls, their end. */
#include "abi.h"

#include <poll.h>

#define MESSAGE sizeof(struct iommu_hwpt_pgfault)

static int fault_alloc(struct abi *abi, uint32_t *id)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};

	ok(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &cmd));
	*id = cmd.out_fault_id;
	return (int)cmd.out_fault_fd;
}

static int veventq_alloc(struct abi *abi, uint32_t viommu, uint32_t *id)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = 4,
	};

	ok(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &cmd));
	*id = cmd.out_veventq_id;
	return (int)cmd.out_veventq_fd;
}

/* ---- what is refused (19, 22) ---- */

struct veventq_row {
	const char *name;
	uint32_t flags, type, depth, reserved;
	bool of_nothing;
	int want;
};

#define TYPE	  IOMMU_VEVENTQ_TYPE_SELFTEST
#define DEPTH_MAX (1 << 19)

static const struct veventq_row veventqs[] = {
	{"a queue", 0, TYPE, 1, 0, .want = 0},
	{"the deepest", 0, TYPE, DEPTH_MAX, 0, .want = 0},
	{"a type that no driver has", 0, 77, 1, 0, .want = 0},
	{"step 1: flags", 1, TYPE, 0, 0, true, .want = -EOPNOTSUPP},
	{"step 1: __reserved", 0, TYPE, 0, 1, true, .want = -EOPNOTSUPP},
	{"step 1: type 0", 0, 0, 0, 0, true, .want = -EOPNOTSUPP},
	{"step 2: no depth", 0, TYPE, 0, 0, true, .want = -EINVAL},
	{"step 2: too deep", 0, TYPE, DEPTH_MAX + 1, 0, true, .want = -EINVAL},
	{"step 3: no vIOMMU", 0, TYPE, 1, 0, true, .want = -ENOENT},
};

static uint32_t viommu_alloc(struct abi *abi)
{
	uint32_t viommu;

	abi_bound(abi, 0);
	ok(abi_viommu(abi, abi->devid[0], abi_parent(abi, 0, abi_ioas(abi)), &viommu));
	return viommu;
}

static void veventq_alloc_checks(struct abi *abi)
{
	const struct veventq_row *row = abi->row;
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.flags = row->flags,
		.type = row->type,
		.veventq_depth = row->depth,
		.__reserved = row->reserved,
	};
	uint32_t ioas, next;

	cmd.viommu_id = viommu_alloc(abi);
	ioas = abi_ioas(abi);
	next = abi_next_id(abi);
	if (row->of_nothing)
		cmd.viommu_id = ioas;
	expect(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &cmd), row->want);
	assert_int_equal(abi_next_id(abi), row->want ? next : next + 1);
	if (row->want)
		return;
	/* 4: one of each type. */
	expect(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &cmd), -EEXIST);
	cmd.type++;
	ok(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &cmd));
}

static void a_fault_queue_has_no_flags(struct abi *abi)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd), .flags = 1};
	uint32_t next = abi_next_id(abi);

	expect(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &cmd), -EOPNOTSUPP);
	cmd.flags = 1u << 31;
	expect(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &cmd), -EOPNOTSUPP);
	assert_int_equal(abi_next_id(abi), next);
}

/* ---- files ---- */

static void numbers_are_the_lowest(struct abi *abi)
{
	uint32_t first, second;
	int fd = fault_alloc(abi, &first);

	expect(swiommu_close(abi->machine, fd), 0);
	expect(fault_alloc(abi, &second), fd);
	expect(fault_alloc(abi, &first), fd + 1);
}

static void a_fault_file_that_is_empty(struct abi *abi)
{
	struct iommu_hwpt_page_response response = {1, 0};
	struct iommu_hwpt_pgfault message;
	uint32_t id;
	int fd = fault_alloc(abi, &id);

	expect(swiommu_poll(abi->machine, fd), POLLOUT | POLLWRNORM);
	expect(swiommu_read(abi->machine, fd, &message, MESSAGE), 0);
	expect(swiommu_read(abi->machine, fd, &message, 0), 0);
	expect(swiommu_read(abi->machine, fd, &message, MESSAGE + 1), -ESPIPE);
	expect(swiommu_write(abi->machine, fd, &response, sizeof(response)), -EINVAL);
	expect(swiommu_write(abi->machine, fd, &response, 4), -ESPIPE);
	expect(swiommu_write(abi->machine, fd, &response, 0), 0);
	expect(swiommu_pread(abi->machine, fd, &message, MESSAGE, 0), -ESPIPE);
	expect(swiommu_pwrite(abi->machine, fd, &response, sizeof(response), 0), -ESPIPE);
	expect(swiommu_ioctl(abi->machine, fd, IOMMU_IOAS_ALLOC, &response), -ENOTTY);
}

/* 19: the memory, then the code, then the cookie. */
static void answers_are_judged(struct abi *abi)
{
	const struct iommu_hwpt_page_response good = {1, 0}, bad = {1, 2};
	uint8_t *edge = abi_edge(abi);
	uint32_t id;
	int fd = fault_alloc(abi, &id);

	expect(swiommu_write(abi->machine, fd, edge, sizeof(good)), -EFAULT);
	expect(swiommu_write(abi->machine, fd, edge - 4, sizeof(good)), -EFAULT);
	expect(swiommu_write(abi->machine, fd, &bad, sizeof(bad)), -EINVAL);
	expect(swiommu_write(abi->machine, fd, &good, sizeof(good)), -EINVAL);
	expect(swiommu_write(abi->machine, fd, abi_at(edge, &bad, sizeof(bad)), 16), -EINVAL);
}

static void an_event_file_that_is_empty(struct abi *abi)
{
	uint32_t record[4], id;
	int fd = veventq_alloc(abi, viommu_alloc(abi), &id);

	expect(swiommu_poll(abi->machine, fd), 0);
	expect(swiommu_read(abi->machine, fd, record, sizeof(record)), 0);
	expect(swiommu_read(abi->machine, fd, record, 7), -EINVAL);
	expect(swiommu_write(abi->machine, fd, record, 8), -EINVAL);
	expect(swiommu_pread(abi->machine, fd, record, sizeof(record), 0), -ESPIPE);
	expect(swiommu_ioctl(abi->machine, fd, IOMMU_IOAS_ALLOC, record), -ENOTTY);
}

static void other_files_are_as_before(struct abi *abi)
{
	uint32_t ids;

	expect(swiommu_poll(abi->machine, abi->ctx), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
	expect(swiommu_read(abi->machine, abi->ctx, &ids, sizeof(ids)), -EINVAL);
	expect(swiommu_pread(abi->machine, abi->ctx, &ids, sizeof(ids), 0), -EINVAL);
	expect(swiommu_poll(abi->machine, 1000), -EBADF);
	expect(swiommu_read(abi->machine, 1000, &ids, sizeof(ids)), -EBADF);
	expect(swiommu_write(abi->machine, 1000, &ids, sizeof(ids)), -EBADF);
}

/* Wherever in the struct the memory that can be written ends: no object, no number. */
static void nothing_is_made_that_cannot_be_told(struct abi *abi)
{
	const struct iommu_fault_alloc fault = {.size = sizeof(fault)};
	struct iommu_veventq_alloc veventq = {
		.size = sizeof(veventq),
		.viommu_id = viommu_alloc(abi),
		.type = 1,
		.veventq_depth = 1,
	};
	uint32_t next = abi_next_id(abi), id;
	int fd = fault_alloc(abi, &id);

	expect(swiommu_close(abi->machine, fd), 0);
	ok(abi_destroy(abi, id));
	for (size_t writable = 0; writable < sizeof(fault); writable += 4)
		expect(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC,
				 abi_constant_copy(abi, &fault, sizeof(fault), writable)),
		       -EFAULT);
	for (size_t writable = 0; writable < sizeof(veventq); writable += 4)
		expect(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC,
				 abi_constant_copy(abi, &veventq, sizeof(veventq), writable)),
		       -EFAULT);
	assert_int_equal(abi_next_id(abi), next);
	expect(swiommu_poll(abi->machine, fd), -EBADF);
	expect(fault_alloc(abi, &id), fd);
	ok(abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &veventq));
}

/* Closed in any order: the machine ends without a leak. */
static void files_outlive_the_context(struct abi *abi)
{
	uint32_t id, message[10];
	int fault = fault_alloc(abi, &id), veventq = veventq_alloc(abi, viommu_alloc(abi), &id);

	abi_close(abi, 0);
	expect(swiommu_close(abi->machine, abi->ctx), 0);
	expect(swiommu_read(abi->machine, fault, message, sizeof(message)), 0);
	expect(swiommu_read(abi->machine, veventq, message, sizeof(message)), 0);
	expect(swiommu_close(abi->machine, veventq), 0);
	expect(swiommu_close(abi->machine, fault), 0);
}

/* A queue is no iommufd. */
static void a_device_is_not_bound_to_a_queue(struct abi *abi)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd)};
	uint32_t id;

	cmd.iommufd = fault_alloc(abi, &id);
	expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, &cmd), -EBADFD);
}

/* The devices of the machine make no page requests; the mock does not ask. */
static void vtd_refuses_to_attach_what_takes_faults(struct abi *abi)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = abi_bound(abi, 0),
		.pt_id = abi_ioas(abi),
	};
	uint32_t fault;
	int fd = fault_alloc(abi, &fault);

	cmd.fault_id = fault;
	ok(abi_ioctl(abi, IOMMU_HWPT_ALLOC, &cmd));
	expect(abi_attach_to(abi, 0, cmd.out_hwpt_id), abi->mock ? 0 : -ENODEV);
	expect(swiommu_close(abi->machine, fd), 0);
	expect(abi_destroy(abi, fault), -EBUSY);
	if (abi->mock)
		ok(abi_detach(abi, 0));
	ok(abi_destroy(abi, cmd.out_hwpt_id));
	ok(abi_destroy(abi, fault));
}

int main(void)
{
	abi_rows(abi_mock, veventqs, veventq_alloc_checks);
	abi_both(a_fault_queue_has_no_flags);
	abi_both(numbers_are_the_lowest);
	abi_both(a_fault_file_that_is_empty);
	abi_both(answers_are_judged);
	abi_on(abi_mock, an_event_file_that_is_empty);
	abi_both(other_files_are_as_before);
	abi_on(abi_mock, nothing_is_made_that_cannot_be_told);
	abi_on(abi_mock, files_outlive_the_context);
	abi_both(a_device_is_not_bound_to_a_queue);
	abi_both(vtd_refuses_to_attach_what_takes_faults);
	return abi_run("queues");
}
