// SPDX-License-Identifier: MIT
/* Event queues of vIOMMUs (iommufd-ioctls.md 22): allocation, numbers, losses, reading. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define TYPE   IOMMU_VEVENTQ_TYPE_SELFTEST
#define HEADER sizeof(struct iommufd_vevent_header)
#define RECORD (HEADER + sizeof(uint32_t))
#define LOST   IOMMU_VEVENTQ_FLAG_LOST_EVENTS
#define DEPTH  3
#define IN     (POLLIN | POLLRDNORM)

static struct rig rig;
static uint32_t viommu, veventq;
static int fd;

static int set_up(void **state)
{
	(void)state;
	rig_init(&rig, "mock");
	viommu = rig_viommu(&rig, rig_parent(&rig));
	assert_int_equal(rig_veventq(&rig, viommu, TYPE, DEPTH, &veventq, &fd), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

static struct iommu_viommu *hardware(void)
{
	return base_container_of(rig_object(&rig, viommu), struct iommufd_viommu, obj)->viommu;
}

static int report(uint32_t value)
{
	return iommu_viommu_report(hardware(), TYPE, &value, sizeof(value));
}

/* The next record; a lost one has no value. */
static void expect_event(uint32_t flags, uint32_t sequence, uint32_t value)
{
	uint32_t got[3] = {0}, want[3] = {flags, sequence, flags & LOST ? 0 : value};
	ssize_t size = flags & LOST ? HEADER : RECORD;

	/* One at a time: nothing else fits. */
	assert_int_equal(rig_read(&rig, fd, got, (size_t)size), size);
	assert_memory_equal(got, want, sizeof(got));
}

static void expect_empty(void)
{
	uint32_t got[3];

	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 0);
}

/* ---- the object and its file ---- */

static void what_is_allocated_is_checked(void **state)
{
	static const struct {
		uint32_t flags, reserved, type, depth, viommu;
		int result;
	} rows[] = {
		{1, 0, 1, 1, 0, -EOPNOTSUPP},	      {0, 1, 1, 1, 0, -EOPNOTSUPP},
		{0, 0, 0, 1, 0, -EOPNOTSUPP},	      {0, 0, 1, 0, 0, -EINVAL},
		{0, 0, 1, (1 << 19) + 1, 0, -EINVAL}, {0, 0, 1, 0, NO_ID, -EINVAL},
		{0, 0, 1, 1, NO_ID, -ENOENT},	      {0, 0, 1, 1, 1, -ENOENT}, /* a device */
		{0, 0, TYPE, 1, 0, -EEXIST},	      {0, 0, 1, 1, 0, 0},
		{0, 0, UINT32_MAX, 1 << 19, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		struct iommu_veventq_alloc cmd = {
			.size = sizeof(cmd),
			.flags = rows[i].flags,
			.viommu_id = rows[i].viommu ? rows[i].viommu : viommu,
			.type = rows[i].type,
			.veventq_depth = rows[i].depth,
			.__reserved = rows[i].reserved,
		};

		assert_int_equal(rig_ioctl(&rig, IOMMU_VEVENTQ_ALLOC, &cmd), rows[i].result);
	}
}

/* A queue of the type is what counts, not that there is no number for another. */
static void without_a_number_there_is_no_queue(void **state)
{
	uint32_t next = rig_next_id(&rig), id;
	int other;

	(void)state;
	rig.no_number = true;
	assert_int_equal(rig_veventq(&rig, viommu, TYPE, 1, &id, &other), -EEXIST);
	assert_int_equal(rig_veventq(&rig, viommu, 1, 1, &id, &other), -EMFILE);
	rig.no_number = false;
	assert_int_equal(rig_veventq(&rig, viommu, 1, 1, &id, &other), 0);
	assert_int_equal(id, next);
}

static void a_queue_that_cannot_be_told_is_undone(void **state)
{
	struct iommu_veventq_alloc cmd = {
		.size = offsetof(struct iommu_veventq_alloc, __reserved),
		.viommu_id = viommu,
		.type = 1,
		.veventq_depth = 1,
	};
	uint8_t *at = memory_edge() - PAGE;
	uint32_t next = rig_next_id(&rig);

	(void)state;
	memcpy(at, &cmd, sizeof(cmd));
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(rig_ioctl(&rig, IOMMU_VEVENTQ_ALLOC, at), -EFAULT);
	assert_int_equal(rig.reserved, 0);
	assert_int_equal(rig_next_id(&rig), next);
	/* There is room for one of the type, also by the short struct. */
	assert_int_equal(rig_ioctl(&rig, IOMMU_VEVENTQ_ALLOC, &cmd), 0);
	assert_int_equal(cmd.out_veventq_id, next);
}

static void the_file_is_a_user_of_the_queue_and_that_of_the_viommu(void **state)
{
	(void)state;
	assert_int_equal(rig_destroy(&rig, veventq), -EBUSY);
	report(1);
	rig_close(&rig, fd);
	report(2);
	assert_int_equal(rig_destroy(&rig, viommu), -EBUSY);
	assert_int_equal(rig_destroy(&rig, veventq), 0);
	assert_int_equal(report(3), -EOPNOTSUPP);
	assert_int_equal(rig_veventq(&rig, viommu, TYPE, 1, &veventq, &fd), 0);
	expect_empty();
	rig_close(&rig, fd);
	assert_int_equal(rig_destroy(&rig, veventq), 0);
	assert_int_equal(rig_destroy(&rig, viommu), 0);
}

static void other_calls_on_the_file(void **state)
{
	struct mem_file *file = rig.files[fd];
	uint32_t word = 0;

	(void)state;
	assert_int_equal(mem_file_ioctl(file, &rig.client, IOMMU_DESTROY, 0), -ENOTTY);
	assert_int_equal(mem_file_pread(file, &rig.client, 0, RECORD, 0), -ESPIPE);
	assert_int_equal(mem_file_pwrite(file, &rig.client, 0, RECORD, 0), -ESPIPE);
	assert_int_equal(rig_write(&rig, fd, &word, sizeof(word)), -EINVAL);
}

static void allocations_that_fail_leave_nothing(void **state)
{
	uint32_t next = rig_next_id(&rig), id;
	int other;
	long rc;

	(void)state;
	for (unsigned nth = 1;; nth++) {
		base_fail_nth(nth);
		rc = rig_veventq(&rig, viommu, 1, 1, &id, &other);
		if (base_fail_pending())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(rig_next_id(&rig), next);
		assert_int_equal(rig.reserved, 0);
	}
	base_fail_nth(0);
	assert_int_equal(rc, 0);
}

/* ---- events ---- */

static void events_come_in_order_with_their_numbers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3 * DEPTH; i++) {
		assert_int_equal(report(100 + i), 0);
		expect_event(0, i, 100 + i);
	}
	expect_empty();
}

static void a_full_queue_tells_of_the_last_loss(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < DEPTH + 2; i++)
		assert_int_equal(report(i), 0);
	for (uint32_t i = 0; i < DEPTH; i++)
		expect_event(0, i, i);
	expect_event(LOST, DEPTH + 1, 0);
	expect_empty();
}

/* The jump in the numbers is enough then. */
static void an_event_removes_the_loss_before_it(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < DEPTH + 1; i++)
		report(i);
	expect_event(0, 0, 0);
	report(9);
	expect_event(0, 1, 1);
	expect_event(0, 2, 2);
	expect_event(0, DEPTH + 1, 9);
	expect_empty();
}

static void an_event_without_memory_is_lost(void **state)
{
	(void)state;
	base_fail_nth(1);
	assert_int_equal(report(1), -ENOMEM);
	expect_event(LOST, 0, 0);
	assert_int_equal(report(2), 0);
	expect_event(0, 1, 2);
}

static void nobody_takes_events_of_other_types(void **state)
{
	uint32_t value = 1;

	(void)state;
	assert_int_equal(iommu_viommu_report(hardware(), 1, &value, sizeof(value)), -EOPNOTSUPP);
	expect_empty();
}

/* ---- reading ---- */

static void counts_of_a_read(void **state)
{
	uint32_t got[16];

	(void)state;
	assert_int_equal(rig_read(&rig, fd, got, 0), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, got, HEADER - 1), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, got, HEADER), 0);
	for (uint32_t i = 0; i < DEPTH + 1; i++)
		report(i);
	assert_int_equal(rig_read(&rig, fd, got, HEADER - 1), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, got, RECORD - 1), -EINVAL);
	assert_int_equal(rig_read(&rig, fd, got, RECORD + HEADER), RECORD);
	assert_int_equal(rig_read(&rig, fd, got, 2 * RECORD + HEADER - 1), 2 * RECORD);
	assert_int_equal(rig_read(&rig, fd, got, HEADER), HEADER);
	assert_int_equal(rig_read(&rig, fd, got, sizeof(got)), 0);
}

static void a_record_that_cannot_be_copied_stays(void **state)
{
	uint8_t *edge = memory_edge();

	(void)state;
	report(1);
	report(2);
	assert_int_equal(rig_read(&rig, fd, edge, RECORD), -EFAULT);
	assert_int_equal(rig_read(&rig, fd, edge - HEADER, RECORD), -EFAULT);
	assert_int_equal(rig_read(&rig, fd, edge - RECORD - HEADER, 2 * RECORD), RECORD);
	expect_event(0, 1, 2);
}

static uint32_t pushed;

static void on_change(struct mem_watch *watch, uint32_t ready)
{
	(void)watch;
	pushed = ready;
}

static void readiness_follows_the_queue(void **state)
{
	struct mem_watch watch = {.changed = on_change};

	(void)state;
	mem_file_watch(rig.files[fd], &watch);
	assert_int_equal(rig_poll(&rig, fd), 0);
	base_fail_nth(1);
	report(1);
	assert_int_equal(rig_poll(&rig, fd), IN);
	assert_int_equal(pushed, IN);
	expect_event(LOST, 0, 0);
	assert_int_equal(rig_poll(&rig, fd), 0);
	assert_int_equal(pushed, 0);
	mem_file_watch(rig.files[fd], NULL);
}

/* ---- beside a list that is searched and shifted for every step ---- */

struct twin {
	uint32_t flags[64], sequence[64], value[64], count, next;
};

static void twin_report(struct twin *twin, uint32_t value)
{
	uint32_t normal = 0, i;

	for (i = 0; i < twin->count; i++)
		normal += !twin->flags[i];
	if (twin->count && twin->flags[twin->count - 1])
		twin->count--;
	i = twin->count++;
	twin->flags[i] = normal == DEPTH ? LOST : 0;
	twin->sequence[i] = twin->next++;
	twin->value[i] = value;
}

static ssize_t twin_read(struct twin *twin, uint32_t *out, size_t count)
{
	size_t done = 0;

	if (count < HEADER)
		return -EINVAL;
	while (twin->count) {
		size_t size = twin->flags[0] ? HEADER : RECORD;
		uint32_t record[3] = {twin->flags[0], twin->sequence[0], twin->value[0]};

		if (size > count - done)
			return done ? (ssize_t)done : -EINVAL;
		memcpy((uint8_t *)out + done, record, size);
		done += size;
		twin->count--;
		memmove(&twin->flags[0], &twin->flags[1], sizeof(twin->flags) - 4);
		memmove(&twin->sequence[0], &twin->sequence[1], sizeof(twin->sequence) - 4);
		memmove(&twin->value[0], &twin->value[1], sizeof(twin->value) - 4);
	}
	return (ssize_t)done;
}

static void a_queue_is_as_its_twin(void **state)
{
	struct twin twin = {.count = 0};
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t got[12] = {0}, want[12] = {0};
		size_t count;

		random = random * 1664525 + 1013904223;
		count = (random >> 16) % sizeof(got);
		if (random >> 30) {
			report(random);
			twin_report(&twin, random);
			continue;
		}
		assert_int_equal(rig_read(&rig, fd, got, count), twin_read(&twin, want, count));
		assert_memory_equal(got, want, sizeof(got));
	}
}

/* ---- threads ---- */

static uint32_t stop;

static void *driver_run(void *arg)
{
	struct iommu_viommu *its = arg;

	for (uint32_t i = 0; !base_load(&stop); i++)
		iommu_viommu_report(its, TYPE, &i, sizeof(i));
	return NULL;
}

/* Numbers only rise, and queues come and go under the driver's hands. */
static void events_beside_reads_and_ends(void **state)
{
	pthread_t thread;

	(void)state;
	stop = 0;
	pthread_create(&thread, NULL, driver_run, hardware());
	for (unsigned round = 0; round < 200; round++) {
		int64_t last = -1;

		for (unsigned i = 0; i < 20; i++) {
			uint32_t got[3];

			if (rig_read(&rig, fd, got, sizeof(got)) <= 0)
				continue;
			assert_true((int64_t)got[1] > last);
			last = got[1];
		}
		rig_close(&rig, fd);
		assert_int_equal(rig_destroy(&rig, veventq), 0);
		assert_int_equal(rig_veventq(&rig, viommu, TYPE, DEPTH, &veventq, &fd), 0);
	}
	base_store(&stop, 1);
	pthread_join(thread, NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_is_allocated_is_checked),
		test(without_a_number_there_is_no_queue),
		test(a_queue_that_cannot_be_told_is_undone),
		test(the_file_is_a_user_of_the_queue_and_that_of_the_viommu),
		test(other_calls_on_the_file),
		test(allocations_that_fail_leave_nothing),
		test(events_come_in_order_with_their_numbers),
		test(a_full_queue_tells_of_the_last_loss),
		test(an_event_removes_the_loss_before_it),
		test(an_event_without_memory_is_lost),
		test(nobody_takes_events_of_other_types),
		test(counts_of_a_read),
		test(a_record_that_cannot_be_copied_stays),
		test(readiness_follows_the_queue),
		test(a_queue_is_as_its_twin),
		test(events_beside_reads_and_ends),
	};

	return cmocka_run_group_tests_name("veventq", tests, fixture_setup, NULL);
}
