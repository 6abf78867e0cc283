// SPDX-License-Identifier: MIT
/* Accesses as their drivers know them (iommufd-objects.md 6.2, 7; iommufd-ioctls.md 10.4, 24). */
#include "fixture.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE	 0x2000000ull
#define AT(n)	 (BASE + (n)*PAGE)
#define ROUNDS	 101
#define ACCESSES 65536

static struct rig rig;
static struct iommufd_ctx *ctx;
static uint32_t ioas;
static uint8_t *memory;

/* A driver that may be told not to unpin, and counts how often it is asked. */
struct driver {
	struct iommufd_access *access;
	uint64_t iova, length;
	bool pinned, stubborn;
	unsigned asked;
	uint64_t start, last;		   /* of the last time */
	void (*also)(struct driver *self); /* what else it does then */
};

static void driver_unmap(void *data, uint64_t start, uint64_t last)
{
	struct driver *d = data;

	base_add(&d->asked, 1);
	d->start = start;
	d->last = last;
	if (d->also)
		d->also(d);
	if (d->pinned && !d->stubborn && start <= d->iova && d->iova <= last) {
		d->pinned = false;
		iommufd_access_unpin(d->access, d->iova, d->length);
	}
}

static const struct iommufd_access_ops pin_ops = {.pins = true, .unmap = driver_unmap};
static const struct iommufd_access_ops rw_ops = {.pins = false};

static void driver_init(struct driver *d)
{
	memset(d, 0, sizeof(*d));
	assert_int_equal(iommufd_access_create(ctx, &pin_ops, d, &d->access), 0);
	assert_int_equal(iommufd_access_attach(d->access, ioas), 0);
}

static int pin(struct driver *d, uint64_t iova, uint64_t length)
{
	int rc = iommufd_access_pin(d->access, iova, length, true, NULL, NULL);

	if (rc)
		return rc;
	d->iova = iova;
	d->length = length;
	d->pinned = true;
	return 0;
}

static long map(uint32_t to, uint64_t iova, uint64_t offset, uint64_t length)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = to,
		.user_va = ADDR(memory) + offset,
		.length = length,
		.iova = iova,
	};

	return rig_ioctl(&rig, IOMMU_IOAS_MAP, &cmd);
}

static long unmap(uint64_t iova, uint64_t length)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd),
				       .ioas_id = ioas,
				       .iova = iova,
				       .length = length};

	return rig_ioctl(&rig, IOMMU_IOAS_UNMAP, &cmd);
}

static int setup(void **state)
{
	(void)state;
	rig_init(&rig, "mock");
	ctx = iommufd_ctx_of(rig.ctx);
	memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ioas = rig_ioas(&rig);
	assert_int_equal(map(ioas, AT(0), 0, 2 * PAGE), 0);
	assert_int_equal(map(ioas, AT(2), 2 * PAGE, PAGE), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_fini(&rig);
	munmap(memory, 8 * PAGE);
	return 0;
}

/* ---- pins ---- */

struct runs {
	uint64_t next, bytes;
	unsigned count, stop; /* at which run -EBADE */
};

static int see(void *arg, uint64_t pa, uint64_t length)
{
	struct runs *runs = arg;

	if (runs->count)
		assert_int_equal(pa, runs->next);
	runs->next = pa + length;
	runs->bytes += length;
	return ++runs->count == runs->stop ? -EBADE : 0;
}

/* Cost follows runs: a run for each area, here, whatever its pages. */
static void runs_of_pinned_memory_are_shown(void **state)
{
	struct runs runs = {0};
	struct driver d;

	(void)state;
	driver_init(&d);
	assert_int_equal(iommufd_access_pin(d.access, AT(0), 2 * PAGE + 1, false, see, &runs), 0);
	assert_int_equal(runs.bytes, 3 * PAGE);
	assert_int_equal(runs.count, 2);
	assert_int_equal(runs.next, ADDR(memory) + 3 * PAGE);
	iommufd_access_unpin(d.access, AT(0), 2 * PAGE + 1);
	/* A result of the visitor undoes the pin: nobody has to be asked. */
	runs = (struct runs){.stop = 2};
	assert_int_equal(iommufd_access_pin(d.access, AT(0), 3 * PAGE, false, see, &runs), -EBADE);
	assert_int_equal(unmap(AT(0), 3 * PAGE), 0);
	assert_int_equal(d.asked, 0);
	iommufd_access_destroy(d.access);
}

static void an_access_without_an_ioas_can_do_nothing(void **state)
{
	struct iommufd_access *access;
	struct driver d = {0};
	uint8_t byte;

	(void)state;
	assert_int_equal(iommufd_access_create(ctx, &pin_ops, &d, &access), 0);
	assert_int_equal(iommufd_access_pin(access, AT(0), PAGE, false, NULL, NULL), -ENOENT);
	assert_int_equal(iommufd_access_rw(access, AT(0), &byte, 1, false), -ENOENT);
	assert_int_equal(iommufd_access_replace(access, ioas), -ENOENT);
	iommufd_access_detach(access);
	assert_int_equal(iommufd_access_attach(access, ioas), 0);
	assert_int_equal(iommufd_access_attach(access, ioas), -EINVAL);
	assert_int_equal(iommufd_access_rw(access, AT(0), &byte, 1, false), 0);
	iommufd_access_detach(access);
	assert_int_equal(d.asked, 1);
	assert_int_equal(d.start, 0);
	assert_int_equal(d.last, UINT64_MAX);
	assert_int_equal(iommufd_access_rw(access, AT(0), &byte, 1, false), -ENOENT);
	iommufd_access_destroy(access);
	assert_int_equal(d.asked, 1);
}

/* ---- unmap (10.4 d) ---- */

static void unmap_asks_all_accesses_for_the_area(void **state)
{
	struct iommufd_access *other;
	struct driver a, b;

	(void)state;
	driver_init(&a);
	driver_init(&b);
	assert_int_equal(iommufd_access_create(ctx, &rw_ops, NULL, &other), 0);
	assert_int_equal(iommufd_access_attach(other, ioas), 0);
	assert_int_equal(pin(&a, AT(1), PAGE), 0);
	assert_int_equal(unmap(AT(2), PAGE), 0);
	assert_int_equal(a.asked + b.asked, 0);
	assert_int_equal(unmap(0, UINT64_MAX - 1), 0);
	assert_int_equal(a.asked, 1);
	assert_int_equal(b.asked, 1);
	assert_int_equal(a.start, AT(0));
	assert_int_equal(a.last, AT(2) - 1);
	iommufd_access_destroy(other);
	iommufd_access_destroy(a.access);
	iommufd_access_destroy(b.access);
}

/* 3.7: and then the area stays blocked, but for COPY. */
static void a_driver_that_does_not_unpin_is_edeadlk(void **state)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_READABLE,
		.length = PAGE,
		.src_iova = AT(0),
	};
	struct driver a, b;
	uint8_t byte;

	(void)state;
	driver_init(&a);
	driver_init(&b);
	a.stubborn = true;
	assert_int_equal(pin(&a, AT(0), PAGE), 0);
	assert_int_equal(unmap(AT(0), 3 * PAGE), -EDEADLK);
	assert_int_equal(a.asked, ROUNDS);
	assert_int_equal(b.asked, ROUNDS);
	assert_int_equal(pin(&b, AT(0), PAGE), -EINVAL);
	assert_int_equal(pin(&b, AT(1), 2 * PAGE), -EINVAL);
	assert_int_equal(iommufd_access_rw(b.access, AT(1), &byte, 1, true), -EINVAL);
	assert_int_equal(iommufd_access_rw(b.access, AT(2), &byte, 1, true), 0);
	copy.src_ioas_id = copy.dst_ioas_id = ioas;
	assert_int_equal(rig_ioctl(&rig, IOMMU_IOAS_COPY, &copy), 0);
	/* Once the pins are gone it can be unmapped. */
	iommufd_access_unpin(a.access, a.iova, a.length);
	a.pinned = false;
	assert_int_equal(pin(&b, AT(0), PAGE), -EINVAL);
	assert_int_equal(unmap(AT(0), 2 * PAGE), 0);
	assert_int_equal(a.asked, ROUNDS);
	assert_int_equal(map(ioas, AT(0), 0, PAGE), 0);
	assert_int_equal(pin(&b, AT(0), PAGE), 0);
	iommufd_access_destroy(a.access);
	iommufd_access_destroy(b.access);
}

static void repin_blocked(struct driver *d)
{
	assert_int_equal(iommufd_access_pin(d->access, d->iova, d->length, false, NULL, NULL),
			 -EINVAL);
}

static void nothing_is_pinned_while_unmap_asks(void **state)
{
	struct driver d;

	(void)state;
	driver_init(&d);
	assert_int_equal(pin(&d, AT(0), 3 * PAGE), 0);
	d.also = repin_blocked;
	assert_int_equal(unmap(AT(0), 2 * PAGE), 0);
	assert_int_equal(d.asked, 1);
	d.also = NULL;
	iommufd_access_destroy(d.access);
}

static void map_behind(struct driver *d)
{
	d->also = NULL;
	assert_int_equal(map(ioas, AT(0), 0, PAGE), 0);
}

/* 10.5: what others map where unmap has been already is theirs. */
static void unmap_does_not_turn_back(void **state)
{
	struct driver d;

	(void)state;
	driver_init(&d);
	assert_int_equal(pin(&d, AT(2), PAGE), 0);
	d.also = map_behind;
	assert_int_equal(unmap(AT(0), 3 * PAGE), 0);
	assert_int_equal(d.asked, 1);
	assert_int_equal(unmap(AT(0), PAGE), 0);
	iommufd_access_destroy(d.access);
}

/* ---- changes ---- */

static uint32_t second;

static void change_meanwhile(struct driver *d)
{
	uint8_t byte;

	assert_int_equal(iommufd_access_replace(d->access, ioas), -EBUSY);
	assert_int_equal(iommufd_access_attach(d->access, ioas), -EBUSY);
	iommufd_access_detach(d->access);
	assert_int_equal(iommufd_access_pin(d->access, AT(0), PAGE, false, NULL, NULL), -ENOENT);
	assert_int_equal(iommufd_access_rw(d->access, AT(0), &byte, 1, false), -ENOENT);
	/* It has joined the new one, and not yet left the old one. */
	assert_int_equal(rig_destroy(&rig, ioas), -EBUSY);
	assert_int_equal(rig_destroy(&rig, second), -EBUSY);
}

static void changes_exclude_each_other(void **state)
{
	struct driver d;

	(void)state;
	second = rig_ioas(&rig);
	driver_init(&d);
	assert_int_equal(pin(&d, AT(0), PAGE), 0);
	d.also = change_meanwhile;
	assert_int_equal(iommufd_access_replace(d.access, second), 0);
	assert_int_equal(d.asked, 1);
	assert_false(d.pinned);
	d.also = NULL;
	assert_int_equal(rig_destroy(&rig, ioas), 0);
	iommufd_access_destroy(d.access);
	assert_int_equal(rig_destroy(&rig, second), 0);
}

static void an_ioas_has_65536_accesses(void **state)
{
	static struct iommufd_access *accesses[ACCESSES];
	struct iommufd_access *one_more;

	(void)state;
	for (unsigned i = 0; i < ACCESSES; i++) {
		assert_int_equal(iommufd_access_create(ctx, &rw_ops, NULL, &accesses[i]), 0);
		assert_int_equal(iommufd_access_attach(accesses[i], ioas), 0);
	}
	assert_int_equal(iommufd_access_create(ctx, &rw_ops, NULL, &one_more), 0);
	assert_int_equal(iommufd_access_attach(one_more, ioas), -EBUSY);
	iommufd_access_destroy(accesses[77]);
	assert_int_equal(iommufd_access_attach(one_more, ioas), 0);
	accesses[77] = one_more;
	for (unsigned i = 0; i < ACCESSES; i++)
		iommufd_access_destroy(accesses[i]);
}

/* ---- ends ---- */

static uint32_t destroying, destroyed;

static void *destroy_thread(void *arg)
{
	struct driver *d = arg;

	base_store(&destroying, 1);
	iommufd_access_destroy(d->access);
	base_store(&destroyed, 1);
	return NULL;
}

/* The other thread has taken the table's share of the access away, and waits. */
static void wait_for_the_destroyer(struct driver *d)
{
	while (!base_load(&destroying) || iommufd_object_waiters(&d->access->obj) != 1)
		usleep(100);
	usleep(2000);
	assert_int_equal(base_load(&destroyed), 0);
}

/* 6.2: no call of unmap() is under way when destroy returns. */
static void destroy_waits_for_unmap(void **state)
{
	pthread_t thread;
	struct driver d;

	(void)state;
	destroying = destroyed = 0;
	driver_init(&d);
	assert_int_equal(pin(&d, AT(0), PAGE), 0);
	d.also = NULL;
	/* As UNMAP does: asked for by hand, so that the thread starts in between. */
	assert_true(d.access->link.hold(&d.access->link));
	assert_int_equal(pthread_create(&thread, NULL, destroy_thread, &d), 0);
	wait_for_the_destroyer(&d);
	d.access->link.unmap(&d.access->link, AT(0), AT(1));
	pthread_join(thread, NULL);
	assert_int_equal(destroyed, 1);
	assert_false(d.pinned);
	/* Once by hand, once by its end. */
	assert_int_equal(d.asked, 2);
	assert_int_equal(unmap(AT(0), 2 * PAGE), 0);
	assert_int_equal(d.asked, 2);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(runs_of_pinned_memory_are_shown),
		test(an_access_without_an_ioas_can_do_nothing),
		test(unmap_asks_all_accesses_for_the_area),
		test(a_driver_that_does_not_unpin_is_edeadlk),
		test(nothing_is_pinned_while_unmap_asks),
		test(unmap_does_not_turn_back),
		test(changes_exclude_each_other),
		test(an_ioas_has_65536_accesses),
		test(destroy_waits_for_unmap),
	};

	return cmocka_run_group_tests_name("access", tests, fixture_setup, NULL);
}
