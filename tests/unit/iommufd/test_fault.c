// SPDX-License-Identifier: MIT
/* Fault queues (iommufd-ioctls.md 19): allocation, delivery, reading, answering, the end. */
#include "fixture.h"

#include <string.h>
#include <sys/mman.h>

#define MESSAGE	 sizeof(struct iommu_hwpt_pgfault)
#define RESPONSE sizeof(struct iommu_hwpt_page_response)
#define LAST	 IOMMU_PGFAULT_FLAGS_LAST_PAGE
#define PASID	 IOMMU_PGFAULT_FLAGS_PASID_VALID
#define READ	 IOMMU_PGFAULT_PERM_READ
#define OUT	 (POLLOUT | POLLWRNORM)
#define IN	 (POLLIN | POLLRDNORM)
#define ADDRESS	 0x7000000ull

/* The mock with device 0 attached to a nested HWPT that has a fault queue. */
static struct rig rig;
static uint32_t fault, parent, nested;
static int fd;

/* What devices have been answered. */
static struct {
	unsigned count;
	struct iommu_device *device;
	uint32_t grpid;
	iommu_page_response code;
} answered;

static void on_answer(struct iommu_device *device, const struct iommu_page_request *last,
		      iommu_page_response code)
{
	answered.count++;
	answered.device = device;
	answered.grpid = last->grpid;
	answered.code = code;
}

static void expect_answer(unsigned n, uint32_t grpid, iommu_page_response code)
{
	assert_int_equal(answered.count, 1);
	assert_ptr_equal(answered.device, rig.device[n]);
	assert_int_equal(answered.grpid, grpid);
	assert_int_equal(answered.code, code);
	answered.count = 0;
}

static int set_up(void **state)
{
	(void)state;
	rig_init(&rig, "mock");
	answered.count = 0;
	for (unsigned n = 0; n < 2; n++)
		rig.device[n]->page_answer = on_answer;
	fault = rig_fault_queue(&rig, &fd);
	parent = rig_parent(&rig);
	nested = rig_nested(&rig, parent, 0, fault);
	rig_attach(&rig, 0, 0, nested);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	iommufd_device_detach(rig.idev[0], 0);
	rig_fini(&rig);
	return 0;
}

/* Device n asks for a page; pasid 0: without one. */
static void ask(unsigned n, uint32_t pasid, uint32_t grpid, uint32_t flags)
{
	const struct iommu_page_request request = {
		.flags = flags | (pasid ? PASID : 0),
		.pasid = pasid,
		.grpid = grpid,
		.perm = READ,
		.addr = ADDRESS + grpid * PAGE,
	};

	iommu_report_page_request(rig.device[n], &request);
}

static ssize_t respond(uint32_t cookie, uint32_t code)
{
	const struct iommu_hwpt_page_response response = {cookie, code};

	return rig_write(&rig, fd, &response, RESPONSE);
}

/* The next group has one message, with this cookie. */
static void expect_message(uint32_t grpid, uint32_t cookie)
{
	struct iommu_hwpt_pgfault got, want = {
					       .flags = LAST,
					       .dev_id = rig.devid[0],
					       .grpid = grpid,
					       .perm = READ,
					       .addr = ADDRESS + grpid * PAGE,
					       .cookie = cookie,
				       };

	assert_int_equal(rig_read(&rig, fd, &got, MESSAGE), MESSAGE);
	assert_memory_equal(&got, &want, MESSAGE);
}

/* ---- the object and its file ---- */

static void flags_are_refused(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd), .flags = 1};

	(void)state;
	assert_int_equal(rig_ioctl(&rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd), -EOPNOTSUPP);
}

static void without_a_number_there_is_no_queue(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	uint32_t next = rig_next_id(&rig);

	(void)state;
	rig.no_number = true;
	assert_int_equal(rig_ioctl(&rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd), -EMFILE);
	assert_int_equal(rig_next_id(&rig), next);
}

/* Neither the id nor the number is taken when the client does not learn of them. */
static void a_queue_that_cannot_be_told_is_undone(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	uint8_t *at = memory_edge() - PAGE;
	uint32_t next = rig_next_id(&rig);

	(void)state;
	memcpy(at, &cmd, sizeof(cmd));
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(rig_ioctl(&rig, IOMMU_FAULT_QUEUE_ALLOC, at), -EFAULT);
	assert_int_equal(rig.reserved, 0);
	assert_null(rig.files[fd + 1]);
	assert_int_equal(rig_next_id(&rig), next);
}

static void the_file_and_hwpts_are_users(void **state)
{
	int other_fd;
	uint32_t other = rig_fault_queue(&rig, &other_fd);

	(void)state;
	assert_int_equal(rig_destroy(&rig, other), -EBUSY);
	rig_close(&rig, other_fd);
	assert_int_equal(rig_destroy(&rig, other), 0);
	rig_close(&rig, fd);
	assert_int_equal(rig_destroy(&rig, fault), -EBUSY);
	iommufd_device_detach(rig.idev[0], 0);
	assert_int_equal(rig_destroy(&rig, nested), 0);
	assert_int_equal(rig_destroy(&rig, fault), 0);
}

/* What nobody can read any more is answered all the same. */
static void faults_queue_without_a_file(void **state)
{
	(void)state;
	rig_close(&rig, fd);
	ask(0, 0, 3, LAST);
	assert_int_equal(answered.count, 0);
	iommufd_device_detach(rig.idev[0], 0);
	expect_answer(0, 3, IOMMU_RESPONSE_INVALID);
}

static void the_file_holds_the_context(void **state)
{
	static const struct iommufd_options options;
	struct mem_file *own = rig.ctx;
	int other_fd;

	(void)state;
	assert_int_equal(iommufd_open(&options, &rig.ctx), 0);
	rig_fault_queue(&rig, &other_fd);
	mem_file_put(rig.ctx);
	assert_int_equal(rig_poll(&rig, other_fd), OUT);
	rig_close(&rig, other_fd);
	rig.ctx = own;
}

static void hwpts_name_a_fault_queue(void **state)
{
	uint32_t next = rig_next_id(&rig), id;

	(void)state;
	assert_int_equal(rig_hwpt(&rig, 0, rig_ioas(&rig), 0, NO_ID, NULL, &id), -ENOENT);
	assert_int_equal(rig_destroy(&rig, next), 0);
	assert_int_equal(rig_hwpt(&rig, 0, rig_ioas(&rig), 0, parent, NULL, &id), -ENOENT);
	assert_int_equal(rig_destroy(&rig, next), 0);
	assert_int_equal(rig_next_id(&rig), next);
	assert_int_equal(rig_hwpt(&rig, 0, rig_ioas(&rig), IOMMU_HWPT_ALLOC_NEST_PARENT, fault,
				  NULL, &id),
			 -EOPNOTSUPP);
}

static void other_calls_on_the_file(void **state)
{
	struct mem_file *file = rig.files[fd];

	(void)state;
	assert_int_equal(mem_file_ioctl(file, &rig.client, IOMMU_DESTROY, 0), -ENOTTY);
	assert_int_equal(mem_file_pread(file, &rig.client, 0, MESSAGE, 0), -ESPIPE);
	assert_int_equal(mem_file_pwrite(file, &rig.client, 0, RESPONSE, 0), -ESPIPE);
	assert_null(iommufd_ctx_of(file));
}

/* ---- reading ---- */

static void a_message_says_what_is_wanted(void **state)
{
	struct iommu_page_request request = {
		.flags = PASID | LAST,
		.pasid = 77,
		.grpid = 511,
		.perm = IOMMU_PGFAULT_PERM_WRITE | IOMMU_PGFAULT_PERM_PRIV,
		.addr = UINT64_MAX << 12,
	};
	struct iommu_hwpt_pgfault got,
		want = {
			.flags = PASID | LAST,
			.dev_id = rig.devid[0],
			.pasid = 77,
			.grpid = 511,
			.perm = IOMMU_PGFAULT_PERM_WRITE | IOMMU_PGFAULT_PERM_PRIV,
			.addr = UINT64_MAX << 12,
			.cookie = 1,
		};

	(void)state;
	iommu_report_page_request(rig.device[0], &request);
	assert_int_equal(rig_read(&rig, fd, &got, MESSAGE), MESSAGE);
	assert_memory_equal(&got, &want, MESSAGE);
}

static void a_group_comes_when_it_is_complete(void **state)
{
	struct iommu_hwpt_pgfault got[4];

	(void)state;
	ask(0, 0, 1, 0);
	ask(0, 0, 2, 0);
	ask(0, 0, 1, 0);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 0);
	ask(0, 0, 1, LAST);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 3 * MESSAGE);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(got[i].grpid, 1);
		assert_int_equal(got[i].cookie, 1);
		assert_int_equal(got[i].flags, i == 2 ? LAST : 0);
	}
	assert_int_equal(respond(1, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	expect_answer(0, 1, IOMMU_RESPONSE_SUCCESS);
}

static void counts_of_a_read(void **state)
{
	struct iommu_hwpt_pgfault got[4];

	(void)state;
	assert_int_equal(rig_read(&rig, fd, got, 0), 0);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 0);
	assert_int_equal(rig_read(&rig, fd, got, MESSAGE - 1), -ESPIPE);
	ask(0, 0, 1, LAST);
	ask(0, 0, 2, 0);
	ask(0, 0, 2, LAST);
	ask(0, 0, 3, LAST);
	assert_int_equal(rig_read(&rig, fd, got, 0), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, got, MESSAGE + 1), -ESPIPE);
	/* The second group does not fit behind the first. */
	assert_int_equal(rig_read(&rig, fd, got, 2 * MESSAGE), MESSAGE);
	assert_int_equal(rig_read(&rig, fd, got, MESSAGE), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 3 * MESSAGE);
	assert_int_equal(got[1].cookie, 2);
	assert_int_equal(got[2].cookie, 3);
	assert_int_equal(rig_read(&rig, fd, got, MESSAGE), 0);
}

static void a_group_that_cannot_be_copied_stays(void **state)
{
	uint8_t *edge = memory_edge();

	(void)state;
	ask(0, 0, 1, LAST);
	ask(0, 0, 2, 0);
	ask(0, 0, 2, LAST);
	assert_int_equal(rig_read(&rig, fd, edge, MESSAGE), -EFAULT);
	assert_int_equal(rig_read(&rig, fd, edge - 2 * MESSAGE, 3 * MESSAGE), MESSAGE);
	assert_int_equal(rig_read(&rig, fd, edge - MESSAGE, 2 * MESSAGE), -EFAULT);
	/* Its cookie was free again in between. */
	assert_int_equal(rig_read(&rig, fd, edge - 2 * MESSAGE, 2 * MESSAGE), 2 * MESSAGE);
	assert_int_equal(((struct iommu_hwpt_pgfault *)(edge - MESSAGE))->cookie, 2);
}

static void cookies_are_the_lowest_free(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		ask(0, 0, i, LAST);
		expect_message(i, i);
	}
	assert_int_equal(respond(2, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	ask(0, 0, 4, LAST);
	expect_message(4, 2);
}

/* ---- answering ---- */

static void answers_reach_the_device(void **state)
{
	(void)state;
	ask(0, 0, 5, LAST);
	expect_message(5, 1);
	assert_int_equal(answered.count, 0);
	assert_int_equal(respond(1, IOMMUFD_PAGE_RESP_INVALID), RESPONSE);
	expect_answer(0, 5, IOMMU_RESPONSE_INVALID);
	assert_int_equal(respond(1, IOMMUFD_PAGE_RESP_INVALID), -EINVAL);
}

static void counts_of_a_write(void **state)
{
	const struct iommu_hwpt_page_response both[] = {{1, 0}, {2, 1}}, bad[] = {{1, 0}, {2, 2}};
	uint8_t *edge = memory_edge();

	(void)state;
	ask(0, 0, 1, LAST);
	expect_message(1, 1);
	ask(0, 0, 2, LAST);
	assert_int_equal(rig_write(&rig, fd, both, 0), 0);
	assert_int_equal(rig_write(&rig, fd, both, RESPONSE - 1), -ESPIPE);
	assert_int_equal(rig_write(&rig, fd, both, RESPONSE + 1), -ESPIPE);
	assert_int_equal(rig_write(&rig, fd, edge, RESPONSE), -EFAULT);
	assert_int_equal(respond(1, 2), -EINVAL);
	assert_int_equal(respond(0, 0), -EINVAL);
	assert_int_equal(respond(2, 0), -EINVAL); /* not read yet */
	assert_int_equal(rig_write(&rig, fd, bad, sizeof(bad)), RESPONSE);
	expect_answer(0, 1, IOMMU_RESPONSE_SUCCESS);
	expect_message(2, 1);
	memcpy(edge - RESPONSE, both, RESPONSE);
	assert_int_equal(rig_write(&rig, fd, edge - RESPONSE, 2 * RESPONSE), RESPONSE);
	expect_answer(0, 2, IOMMU_RESPONSE_SUCCESS);
}

/* ---- readiness ---- */

static uint32_t pushed;

static void on_change(struct mem_watch *watch, uint32_t ready)
{
	(void)watch;
	pushed = ready;
}

static void expect_ready(uint32_t ready)
{
	assert_int_equal(rig_poll(&rig, fd), ready);
	assert_int_equal(pushed, ready);
}

static void readiness_follows_the_queue(void **state)
{
	struct mem_watch watch = {.changed = on_change};

	(void)state;
	mem_file_watch(rig.files[fd], &watch);
	pushed = OUT;
	expect_ready(OUT);
	ask(0, 0, 1, 0);
	expect_ready(OUT);
	ask(0, 0, 1, LAST);
	expect_ready(OUT | IN);
	assert_int_equal(rig_read(&rig, fd, memory_edge() - 2 * MESSAGE, 2 * MESSAGE), 2 * MESSAGE);
	expect_ready(OUT);
	assert_int_equal(respond(1, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	expect_ready(OUT);
	ask(0, 0, 2, LAST);
	expect_ready(OUT | IN);
	iommufd_device_detach(rig.idev[0], 0);
	expect_ready(OUT);
	mem_file_watch(rig.files[fd], NULL);
}

/* ---- the end of an attachment ---- */

static void detach_answers_what_is_left(void **state)
{
	(void)state;
	ask(0, 0, 1, LAST);
	expect_message(1, 1);
	ask(0, 0, 2, LAST);
	iommufd_device_detach(rig.idev[0], 0);
	assert_int_equal(answered.count, 2);
	assert_int_equal(answered.code, IOMMU_RESPONSE_INVALID);
	assert_int_equal(respond(1, IOMMUFD_PAGE_RESP_SUCCESS), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, memory_edge() - MESSAGE, MESSAGE), 0);
	/* Nobody to ask. */
	answered.count = 0;
	ask(0, 0, 3, LAST);
	expect_answer(0, 3, IOMMU_RESPONSE_INVALID);
}

/* Also by a HWPT that has the same queue. */
static void replace_answers_what_is_left(void **state)
{
	uint32_t other = rig_nested(&rig, parent, 0, fault);

	(void)state;
	ask(0, 0, 1, LAST);
	expect_message(1, 1);
	assert_int_equal(iommufd_device_replace(rig.idev[0], 0, &other), 0);
	expect_answer(0, 1, IOMMU_RESPONSE_INVALID);
	ask(0, 0, 2, LAST);
	expect_message(2, 1);
	/* By itself: nothing changes. */
	assert_int_equal(iommufd_device_replace(rig.idev[0], 0, &other), 0);
	assert_int_equal(answered.count, 0);
	assert_int_equal(iommufd_device_replace(rig.idev[0], 0, &nested), 0);
	expect_answer(0, 2, IOMMU_RESPONSE_INVALID);
}

static void a_replace_that_fails_leaves_the_faults(void **state)
{
	uint32_t none = NO_ID;

	(void)state;
	ask(0, 0, 1, LAST);
	assert_int_equal(iommufd_device_replace(rig.idev[0], 0, &none), -ENOENT);
	expect_message(1, 1);
	assert_int_equal(respond(1, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	expect_answer(0, 1, IOMMU_RESPONSE_SUCCESS);
}

/* Two attachments, one queue: the end of one leaves the other's. */
static void other_attachments_keep_theirs(void **state)
{
	struct iommu_hwpt_pgfault got;

	(void)state;
	rig_attach(&rig, 1, 0, nested);
	ask(1, 0, 1, LAST);
	ask(0, 0, 2, LAST);
	assert_int_equal(rig_read(&rig, fd, &got, MESSAGE), MESSAGE);
	assert_int_equal(got.dev_id, rig.devid[1]);
	iommufd_device_detach(rig.idev[0], 0);
	expect_answer(0, 2, IOMMU_RESPONSE_INVALID);
	assert_int_equal(respond(got.cookie, IOMMUFD_PAGE_RESP_SUCCESS), RESPONSE);
	expect_answer(1, 1, IOMMU_RESPONSE_SUCCESS);
	iommufd_device_detach(rig.idev[1], 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(flags_are_refused),
		test(without_a_number_there_is_no_queue),
		test(a_queue_that_cannot_be_told_is_undone),
		test(the_file_and_hwpts_are_users),
		test(faults_queue_without_a_file),
		test(the_file_holds_the_context),
		test(hwpts_name_a_fault_queue),
		test(other_calls_on_the_file),
		test(a_message_says_what_is_wanted),
		test(a_group_comes_when_it_is_complete),
		test(counts_of_a_read),
		test(a_group_that_cannot_be_copied_stays),
		test(cookies_are_the_lowest_free),
		test(answers_reach_the_device),
		test(counts_of_a_write),
		test(readiness_follows_the_queue),
		test(detach_answers_what_is_left),
		test(replace_answers_what_is_left),
		test(a_replace_that_fails_leaves_the_faults),
		test(other_attachments_keep_theirs),
	};

	return cmocka_run_group_tests_name("fault", tests, fixture_setup, NULL);
}
