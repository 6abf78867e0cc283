// SPDX-License-Identifier: MIT
/*
 * Reads and answers beside detach and replace (iommufd-ioctls.md 29.6): each group
 * is answered exactly once, and when the end of an attachment has returned there
 * is no answer of a client to come.
 */
#include "fixture.h"

#include <pthread.h>

#define MESSAGE	 sizeof(struct iommu_hwpt_pgfault)
#define RESPONSE sizeof(struct iommu_hwpt_page_response)
#define ROUNDS	 300

static struct rig rig;
static uint32_t stop;
static uint64_t asked, answered, by_client;
static uint32_t attached, late; /* answers of clients without an attachment */

static void on_answer(struct iommu_device *device, const struct iommu_page_request *last,
		      iommu_page_response code)
{
	(void)device, (void)last;
	base_add(&answered, 1);
	if (code != IOMMU_RESPONSE_SUCCESS)
		return;
	base_add(&by_client, 1);
	if (!base_load(&attached))
		base_add(&late, 1);
}

/* Groups of two, never more than some at a time. */
static void *device_run(void *arg)
{
	struct iommu_page_request request = {.perm = IOMMU_PGFAULT_PERM_READ};

	(void)arg;
	while (!base_load(&stop)) {
		if (base_load(&asked) - base_load(&answered) > 20) {
			base_yield();
			continue;
		}
		base_add(&asked, 1);
		request.grpid++;
		request.flags = 0;
		iommu_report_page_request(rig.device[0], &request);
		request.flags = IOMMU_PGFAULT_FLAGS_LAST_PAGE;
		iommu_report_page_request(rig.device[0], &request);
	}
	return NULL;
}

static void *client_run(void *arg)
{
	int fd = *(int *)arg;

	while (!base_load(&stop)) {
		struct iommu_hwpt_pgfault got[6];
		ssize_t n = rig_read(&rig, fd, got, sizeof(got));

		for (ssize_t i = 0; i < n / (ssize_t)MESSAGE; i += 2) {
			const struct iommu_hwpt_page_response response = {got[i].cookie, 0};

			base_assert(got[i].cookie == got[i + 1].cookie);
			/* EINVAL: the attachment was faster. */
			rig_write(&rig, fd, &response, RESPONSE);
		}
	}
	return NULL;
}

static void wait_for_answers(void)
{
	uint64_t before = base_load(&by_client);

	while (base_load(&by_client) == before)
		base_yield();
}

static void round_of(uint32_t *hwpts, unsigned number)
{
	uint32_t pt = hwpts[0];

	base_store(&attached, 1);
	assert_int_equal(iommufd_device_attach(rig.idev[0], 0, &pt), 0);
	if (number % 4 == 0)
		wait_for_answers();
	pt = hwpts[1];
	if (number % 2)
		assert_int_equal(iommufd_device_replace(rig.idev[0], 0, &pt), 0);
	iommufd_device_detach(rig.idev[0], 0);
	base_store(&attached, 0);
}

static void each_group_is_answered_once(void **state)
{
	pthread_t threads[3];
	uint32_t fault, parent, hwpts[2];
	int fd;

	(void)state;
	rig_init(&rig, "mock");
	rig.device[0]->page_answer = on_answer;
	fault = rig_fault_queue(&rig, &fd);
	parent = rig_parent(&rig);
	for (unsigned i = 0; i < 2; i++)
		hwpts[i] = rig_nested(&rig, parent, 0, fault);
	pthread_create(&threads[0], NULL, device_run, NULL);
	pthread_create(&threads[1], NULL, client_run, &fd);
	pthread_create(&threads[2], NULL, client_run, &fd);
	for (unsigned i = 0; i < ROUNDS; i++)
		round_of(hwpts, i);
	base_store(&stop, 1);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(asked, answered);
	assert_true(by_client > 0);
	assert_int_equal(late, 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_group_is_answered_once),
	};

	return cmocka_run_group_tests_name("fault race", tests, fixture_setup, NULL);
}
