// SPDX-License-Identifier: MIT
/* Page requests on their way to a fault queue: whose they are, what the driver refuses, no memory.
 */
#include "fixture.h"

#include <string.h>

#define MESSAGE	     sizeof(struct iommu_hwpt_pgfault)
#define LAST	     IOMMU_PGFAULT_FLAGS_LAST_PAGE
#define PASID	     IOMMU_PGFAULT_FLAGS_PASID_VALID
#define READ	     IOMMU_PGFAULT_PERM_READ
#define WRITE	     IOMMU_PGFAULT_PERM_WRITE
#define EXEC	     IOMMU_PGFAULT_PERM_EXEC
#define PRIV	     IOMMU_PGFAULT_PERM_PRIV
#define NOT_ANSWERED -1

static struct rig rig;
static int answer; /* the last one */
static unsigned answers;

static void on_answer(struct iommu_device *device, const struct iommu_page_request *last,
		      iommu_page_response code)
{
	(void)device, (void)last;
	answer = (int)code;
	answers++;
}

static void set_up(const char *kind)
{
	rig_init(&rig, kind);
	for (unsigned n = 0; n < 2; n++) {
		rig.device[n]->page_answer = on_answer;
		rig.device[n]->page_requests = true;
	}
	answer = NOT_ANSWERED;
	answers = 0;
}

static void ask(uint32_t flags, uint32_t pasid, uint32_t grpid, uint32_t perm, uint64_t addr)
{
	const struct iommu_page_request request = {flags, pasid, grpid, perm, addr};

	answer = NOT_ANSWERED;
	iommu_report_page_request(rig.device[0], &request);
}

/* ---- which attachment (iommufd-test-abi.md 10, vtd.md 5) ---- */

enum attached {
	NOTHING,
	PAGING, /* without faults */
	PAGING_FAULTS,
	NESTED, /* without faults */
	NESTED_FAULTS,
};

struct route {
	enum attached rid, pasid; /* what is attached at PASID 0 and 5 */
	uint32_t asked;		  /* PASID of the request */
	char mock, vtd;		  /* whose queue it reaches: r, p, or - */
};

static const struct route routes[] = {
	{NOTHING, NOTHING, 0, '-', '-'},
	{PAGING, NOTHING, 0, '-', '-'},
	{PAGING_FAULTS, NOTHING, 0, 'r', 'r'},
	{NESTED, NOTHING, 0, '-', '-'},
	{NESTED_FAULTS, NOTHING, 0, 'r', 'r'},
	{NOTHING, PAGING_FAULTS, 0, '-', '-'},
	{PAGING_FAULTS, PAGING_FAULTS, 0, 'r', 'r'},
	{PAGING_FAULTS, PAGING_FAULTS, 5, 'p', 'p'},
	{NESTED_FAULTS, NESTED_FAULTS, 5, 'p', 'p'},
	{NOTHING, PAGING_FAULTS, 5, 'p', 'p'},
	{NOTHING, PAGING_FAULTS, 6, '-', '-'},
	/* Its own attachment wants none: the other one is not asked. */
	{NESTED_FAULTS, PAGING, 5, '-', '-'},
	/* No attachment of its own: that of a guest's table of PASIDs, where there is one. */
	{NESTED_FAULTS, NOTHING, 5, 'r', '-'},
	{NESTED_FAULTS, PAGING_FAULTS, 6, 'r', '-'},
	{PAGING_FAULTS, NOTHING, 5, '-', '-'},
	{NESTED, NOTHING, 5, '-', '-'},
};

static void attach(enum attached what, uint32_t pasid, uint32_t parent, uint32_t queue)
{
	uint32_t fault = what == PAGING_FAULTS || what == NESTED_FAULTS ? queue : 0, id;

	if (what == NOTHING)
		return;
	if (what == NESTED || what == NESTED_FAULTS)
		id = rig_nested(&rig, parent, IOMMU_HWPT_ALLOC_PASID, fault);
	else
		assert_int_equal(rig_hwpt(&rig, 0, rig_ioas(&rig), IOMMU_HWPT_ALLOC_PASID, fault,
					  NULL, &id),
				 0);
	rig_attach(&rig, 0, pasid, id);
}

static void run_route(const char *kind, const struct route *route, char want)
{
	struct iommu_hwpt_pgfault got;
	uint32_t parent, queue[2];
	int fd[2];
	bool at[2];

	set_up(kind);
	parent = rig_parent(&rig);
	for (unsigned i = 0; i < 2; i++)
		queue[i] = rig_fault_queue(&rig, &fd[i]);
	attach(route->rid, 0, parent, queue[0]);
	attach(route->pasid, 5, parent, queue[1]);
	ask(LAST | (route->asked ? PASID : 0), route->asked, 1, READ, 0x1000);
	for (unsigned i = 0; i < 2; i++)
		at[i] = rig_read(&rig, fd[i], &got, MESSAGE) == MESSAGE;
	assert_int_equal(at[0], want == 'r');
	assert_int_equal(at[1], want == 'p');
	assert_int_equal(answer, want == '-' ? IOMMU_RESPONSE_INVALID : NOT_ANSWERED);
	iommufd_device_detach(rig.idev[0], 0);
	iommufd_device_detach(rig.idev[0], 5);
	assert_int_equal(answer, IOMMU_RESPONSE_INVALID);
	rig_fini(&rig);
}

static void requests_go_to_their_attachment(void **state)
{
	(void)state;
	for (size_t i = 0; i < base_array_size(routes); i++) {
		run_route("mock", &routes[i], routes[i].mock);
		run_route("vtd", &routes[i], routes[i].vtd);
	}
}

/* ---- VT-d ---- */

static void vtd_wants_devices_with_page_requests(void **state)
{
	uint32_t fault, id, pt;
	int fd;

	(void)state;
	set_up("vtd");
	rig.device[0]->page_requests = false;
	fault = rig_fault_queue(&rig, &fd);
	assert_int_equal(rig_hwpt(&rig, 0, rig_ioas(&rig), 0, fault, NULL, &id), 0);
	pt = id;
	assert_int_equal(iommufd_device_attach(rig.idev[0], 0, &pt), -ENODEV);
	rig.device[0]->page_requests = true;
	rig_attach(&rig, 0, 0, id);
	iommufd_device_detach(rig.idev[0], 0);
	rig_fini(&rig);
}

/* clang-format off */
static const struct {
	uint32_t flags, perm;
	uint64_t addr;
	int answer;
	bool queued;
} requests[] = {
	{LAST, READ, 0x1000, NOT_ANSWERED, true},
	{LAST, READ | WRITE, 0x7ffffffff000, NOT_ANSWERED, true},
	{LAST, READ, 0x800000000000, IOMMU_RESPONSE_INVALID, false},
	{LAST, READ, 0xffff7ffffffff000, IOMMU_RESPONSE_INVALID, false},
	{LAST, READ, 0xffff800000000000, NOT_ANSWERED, true},
	{LAST, READ | PRIV, 0x1000, IOMMU_RESPONSE_INVALID, false},
	{LAST, WRITE | PRIV, 0x1000, IOMMU_RESPONSE_INVALID, false},
	{LAST, READ | EXEC, 0x1000, IOMMU_RESPONSE_INVALID, false},
	{LAST, WRITE | EXEC, 0x1000, NOT_ANSWERED, true},
	/* Only the last of a group is answered. */
	{0, READ | PRIV, 0x1000, NOT_ANSWERED, false},
	/* A marker, not a request. */
	{LAST, 0, 0x1000, NOT_ANSWERED, false},
};
/* clang-format on */

static void vtd_answers_nonsense_itself(void **state)
{
	struct iommu_hwpt_pgfault got;
	uint32_t id;
	int fd;

	(void)state;
	set_up("vtd");
	assert_int_equal(rig_hwpt(&rig, 0, rig_ioas(&rig), 0, rig_fault_queue(&rig, &fd), NULL,
				  &id),
			 0);
	rig_attach(&rig, 0, 0, id);
	for (size_t i = 0; i < base_array_size(requests); i++) {
		ask(requests[i].flags, 0, (uint32_t)i, requests[i].perm, requests[i].addr);
		assert_int_equal(answer, requests[i].answer);
		assert_int_equal(rig_read(&rig, fd, &got, MESSAGE),
				 requests[i].queued ? MESSAGE : 0);
	}
	iommufd_device_detach(rig.idev[0], 0);
	rig_fini(&rig);
}

/* ---- memory ---- */

static int set_up_queue(void)
{
	int fd;
	uint32_t fault;

	set_up("mock");
	fault = rig_fault_queue(&rig, &fd);
	rig_attach(&rig, 0, 0, rig_nested(&rig, rig_parent(&rig), 0, fault));
	return fd;
}

static void tear_down(void)
{
	iommufd_device_detach(rig.idev[0], 0);
	rig_fini(&rig);
}

/* A device that never finishes a group does not fill our memory. */
static void unfinished_groups_are_few(void **state)
{
	static struct iommu_hwpt_pgfault got[600];
	int fd = set_up_queue();
	size_t before = base_alloc_count();

	(void)state;
	for (uint32_t i = 0; i < 512; i++)
		ask(0, 0, i % 2, READ, 0x1000);
	ask(LAST, 0, 0, READ, 0x1000);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 257 * MESSAGE);
	for (uint32_t i = 0; i < 2000; i++)
		ask(0, 0, 1, READ, 0x1000);
#ifdef SWIOMMU_CHECKS
	assert_true(base_alloc_count() - before < 600);
#endif
	(void)before;
	tear_down();
}

static void a_group_without_memory_fails(void **state)
{
	struct iommu_hwpt_pgfault got[2];
	int fd = set_up_queue();

	(void)state;
	ask(0, 0, 1, READ, 0x1000);
	base_fail_nth(1);
	ask(LAST, 0, 1, READ, 0x2000);
	assert_int_equal(base_fail_pending(), 0);
	assert_int_equal(answer, IOMMU_RESPONSE_FAILURE);
	/* Nothing of it is left for another group of that name. */
	base_fail_nth(1);
	ask(0, 0, 1, READ, 0x3000);
	ask(LAST, 0, 1, READ, 0x4000);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), MESSAGE);
	assert_int_equal(got[0].addr, 0x4000);
	tear_down();
}

static void a_group_without_a_cookie_stays(void **state)
{
	struct iommu_hwpt_pgfault got;
	int fd = set_up_queue();

	(void)state;
	ask(LAST, 0, 1, READ, 0x1000);
	base_fail_nth(1);
	assert_int_equal(rig_read(&rig, fd, &got, MESSAGE), -ENOMEM);
	assert_int_equal(rig_read(&rig, fd, &got, MESSAGE), MESSAGE);
	tear_down();
}

/* Whichever allocation fails, nothing is left of the call. */
static void allocations_that_fail_leave_nothing(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	uint32_t fault, ioas, next, id;
	int fd;
	long rc;

	(void)state;
	set_up("mock");
	next = rig_next_id(&rig);
	for (unsigned nth = 1;; nth++) {
		base_fail_nth(nth);
		rc = rig_ioctl(&rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd);
		if (base_fail_pending())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(rig_next_id(&rig), next);
		assert_int_equal(rig.reserved, 0);
	}
	base_fail_nth(0);
	assert_int_equal(rc, 0);
	rig_close(&rig, (int)cmd.out_fault_fd);
	assert_int_equal(rig_destroy(&rig, cmd.out_fault_id), 0);
	fault = rig_fault_queue(&rig, &fd);
	ioas = rig_ioas(&rig);
	next = rig_next_id(&rig);
	for (unsigned nth = 1;; nth++) {
		base_fail_nth(nth);
		rc = rig_hwpt(&rig, 0, ioas, 0, fault, NULL, &id);
		if (base_fail_pending())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(rig_next_id(&rig), next);
		assert_int_equal(iommufd_object_users(rig_object(&rig, fault)), 2);
	}
	base_fail_nth(0);
	assert_int_equal(rc, 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_to_their_attachment),
		cmocka_unit_test(vtd_wants_devices_with_page_requests),
		cmocka_unit_test(vtd_answers_nonsense_itself),
		cmocka_unit_test(unfinished_groups_are_few),
		cmocka_unit_test(a_group_without_memory_fails),
		cmocka_unit_test(a_group_without_a_cookie_stays),
		cmocka_unit_test(allocations_that_fail_leave_nothing),
	};

	return cmocka_run_group_tests_name("fault route", tests, fixture_setup, NULL);
}
