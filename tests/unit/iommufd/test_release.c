// SPDX-License-Identifier: MIT
/* The end of a context: what goes, in which order; and vdevices, which a driver may take away. */
#include "../iommu/fixture.h"
#include "iommufd/private.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDS 32

/* A context, and a mock device bound in it. */
struct setting {
	struct rig rig;
	struct mem_file *file;
	struct iommufd_ctx *ctx;
	struct iommufd_device *idev;
	uint32_t device; /* its id */
};

static void setting_init(struct setting *s, bool vdevice_destroy_unbound)
{
	const struct iommufd_options options = {.vdevice_destroy_unbound = vdevice_destroy_unbound};

	rig_init(&s->rig, "mock");
	assert_int_equal(iommufd_open(&options, &s->file), 0);
	s->ctx = iommufd_ctx_of(s->file);
	assert_int_equal(iommufd_device_bind(s->ctx, s->rig.device, &s->idev, &s->device), 0);
}

static long call(struct setting *s, uint32_t cmd, void *arg)
{
	return mem_file_ioctl(s->file, &local_client, cmd, (uintptr_t)arg);
}

static uint32_t ioas_new(struct setting *s)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	assert_int_equal(call(s, IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

/* On an IOAS; on a parent or a vIOMMU with the mock's driver data. */
static uint32_t hwpt_new(struct setting *s, uint32_t pt, uint32_t flags, bool nested)
{
	struct iommu_hwpt_selftest data = {.iotlb = 1};
	struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd),
				       .flags = flags,
				       .dev_id = s->device,
				       .pt_id = pt,
				       .data_type = nested ? IOMMU_HWPT_DATA_SELFTEST : 0,
				       .data_len = nested ? sizeof(data) : 0,
				       .data_uptr = (uintptr_t)&data};

	assert_int_equal(call(s, IOMMU_HWPT_ALLOC, &cmd), 0);
	return cmd.out_hwpt_id;
}

static uint32_t viommu_new(struct setting *s, uint32_t hwpt)
{
	struct iommu_viommu_alloc cmd = {.size = sizeof(cmd),
					 .type = IOMMU_VIOMMU_TYPE_SELFTEST,
					 .dev_id = s->device,
					 .hwpt_id = hwpt};

	assert_int_equal(call(s, IOMMU_VIOMMU_ALLOC, &cmd), 0);
	return cmd.out_viommu_id;
}

static long vdevice_alloc(struct setting *s, uint32_t viommu, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc cmd = {.size = sizeof(cmd),
					  .viommu_id = viommu,
					  .dev_id = s->device,
					  .virt_id = virt_id};
	long rc = call(s, IOMMU_VDEVICE_ALLOC, &cmd);

	*id = cmd.out_vdevice_id;
	return rc;
}

static long destroy(struct setting *s, uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	return call(s, IOMMU_DESTROY, &cmd);
}

/* ---- what is destroyed, as the log has it ---- */

struct ends {
	char path[64];
	uint32_t ids[IDS];
	unsigned count;
};

static void ends_watch(struct ends *ends)
{
	int fd;

	strcpy(ends->path, "/tmp/swiommu-release-XXXXXX");
	fd = mkstemp(ends->path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(base_trace_open(ends->path), 0);
}

/* Lines that say "end of KIND ID". */
static void ends_read(struct ends *ends)
{
	FILE *log = fopen(ends->path, "r");
	char line[256];

	assert_non_null(log);
	base_trace_open(NULL);
	ends->count = 0;
	while (fgets(line, sizeof(line), log)) {
		if (!strstr(line, "end of "))
			continue;
		assert_true(ends->count < IDS);
		ends->ids[ends->count++] = strtoul(strrchr(line, ' '), NULL, 10);
	}
	fclose(log);
	unlink(ends->path);
}

static void expect_ends(struct ends *ends, const uint32_t *expected, unsigned count)
{
	ends_read(ends);
	for (unsigned i = 0; i < count && i < ends->count; i++)
		assert_int_equal(ends->ids[i], expected[i]);
	assert_int_equal(ends->count, count);
}

#define EXPECT_ENDS(ends, ...)                             \
	expect_ends(ends, (const uint32_t[]){__VA_ARGS__}, \
		    base_array_size(((const uint32_t[]){__VA_ARGS__})))

/* ---- order ---- */

/* Walks in ascending order, each over what nobody uses any more. */
static void release_destroys_dependents_first(void **state)
{
	size_t before = base_alloc_count();
	struct ends ends;
	struct setting s;
	uint32_t ioas, parent, viommu;

	(void)state;
	setting_init(&s, false);
	assert_int_equal(s.device, 1);
	ioas = ioas_new(&s);
	parent = hwpt_new(&s, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, false);
	viommu = viommu_new(&s, parent);
	assert_int_equal(hwpt_new(&s, viommu, 0, true), 5);
	assert_int_equal(hwpt_new(&s, parent, 0, true), 6);
	assert_int_equal(ioas_new(&s), 7);
	assert_int_equal(hwpt_new(&s, 7, 0, false), 8);
	iommufd_device_unbind(s.idev);
	assert_int_equal(ioas_new(&s), 1);
	ends_watch(&ends);
	mem_file_put(s.file);
	EXPECT_ENDS(&ends, 1, 5, 6, 8, viommu, 7, parent, ioas);
	rig_fini(&s.rig);
	assert_int_equal(base_alloc_count(), before);
}

/* A table that is upside down: the IOAS has the highest id of all. */
static void release_does_not_rely_on_the_order_of_ids(void **state)
{
	struct ends ends;
	struct setting s;

	(void)state;
	setting_init(&s, false);
	for (uint32_t id = 2; id <= 5; id++)
		assert_int_equal(ioas_new(&s), id);
	for (uint32_t id = 4; id >= 2; id--)
		assert_int_equal(destroy(&s, id), 0);
	assert_int_equal(ioas_new(&s), 2);
	assert_int_equal(ioas_new(&s), 3);
	assert_int_equal(hwpt_new(&s, 5, IOMMU_HWPT_ALLOC_NEST_PARENT, false), 4);
	assert_int_equal(destroy(&s, 3), 0);
	assert_int_equal(viommu_new(&s, 4), 3);
	assert_int_equal(destroy(&s, 2), 0);
	assert_int_equal(hwpt_new(&s, 3, 0, true), 2);
	iommufd_device_unbind(s.idev);
	ends_watch(&ends);
	mem_file_put(s.file);
	EXPECT_ENDS(&ends, 2, 3, 4, 5);
	rig_fini(&s.rig);
}

static void release_of_an_empty_context_ends_nothing(void **state)
{
	struct ends ends;
	struct setting s;

	(void)state;
	setting_init(&s, false);
	iommufd_device_unbind(s.idev);
	ends_watch(&ends);
	mem_file_put(s.file);
	expect_ends(&ends, NULL, 0);
	rig_fini(&s.rig);
}

/* Whoever holds the file: the client, or a device that is bound. */
static void a_bound_device_keeps_the_context(void **state)
{
	struct ends ends;
	struct setting s;

	(void)state;
	setting_init(&s, false);
	assert_int_equal(ioas_new(&s), 2);
	mem_file_put(s.file);
	assert_int_equal(ioas_new(&s), 3);
	ends_watch(&ends);
	iommufd_device_unbind(s.idev);
	EXPECT_ENDS(&ends, 1, 2, 3);
	rig_fini(&s.rig);
}

/* ---- mappings ---- */

/* An IOAS that nobody uses goes with everything that is mapped in it. */
static void release_unmaps(void **state)
{
	uint8_t *memory = memory_new(PAGE, PAGE);
	size_t before = base_alloc_count();
	struct iommu_ioas_map map_cmd = {.size = sizeof(map_cmd),
					 .flags = IOMMU_IOAS_MAP_READABLE,
					 .user_va = (uintptr_t)memory,
					 .length = PAGE};
	struct setting s;

	(void)state;
	setting_init(&s, false);
	map_cmd.ioas_id = ioas_new(&s);
	hwpt_new(&s, map_cmd.ioas_id, 0, false);
	assert_int_equal(call(&s, IOMMU_IOAS_MAP, &map_cmd), 0);
	map_cmd.ioas_id = ioas_new(&s);
	assert_int_equal(call(&s, IOMMU_IOAS_MAP, &map_cmd), 0);
	iommufd_device_unbind(s.idev);
	mem_file_put(s.file);
	rig_fini(&s.rig);
	assert_int_equal(base_alloc_count(), before);
	memory_free(memory, PAGE);
}

/* ---- vdevices ---- */

static void unbind_turns_a_vdevice_into_a_tombstone(void **state)
{
	struct ends ends;
	struct setting s;
	uint32_t viommu, vdevice, other;

	(void)state;
	setting_init(&s, false);
	viommu = viommu_new(&s, hwpt_new(&s, ioas_new(&s), IOMMU_HWPT_ALLOC_NEST_PARENT, false));
	assert_int_equal(vdevice_alloc(&s, viommu, 0x99, &vdevice), 0);
	assert_int_equal(destroy(&s, viommu), -EBUSY);
	ends_watch(&ends);
	iommufd_device_unbind(s.idev);
	EXPECT_ENDS(&ends, vdevice, s.device);
	assert_int_equal(destroy(&s, vdevice), -ENOENT);
	/* The device's id is free again, the vdevice's is not. */
	assert_int_equal(ioas_new(&s), s.device);
	assert_int_equal(ioas_new(&s), vdevice + 1);
	assert_int_equal(destroy(&s, vdevice), -ENOENT);
	/* The virtual id is. */
	assert_int_equal(iommufd_device_bind(s.ctx, s.rig.device, &s.idev, &s.device), 0);
	assert_int_equal(vdevice_alloc(&s, viommu, 0x99, &other), 0);
	iommufd_device_unbind(s.idev);
	assert_int_equal(destroy(&s, viommu), 0);
	mem_file_put(s.file);
	rig_fini(&s.rig);
}

static void a_client_may_destroy_a_vdevice_itself(void **state)
{
	struct setting s;
	uint32_t viommu, vdevice, again;

	(void)state;
	setting_init(&s, false);
	viommu = viommu_new(&s, hwpt_new(&s, ioas_new(&s), IOMMU_HWPT_ALLOC_NEST_PARENT, false));
	assert_int_equal(vdevice_alloc(&s, viommu, 1, &vdevice), 0);
	assert_int_equal(vdevice_alloc(&s, viommu, 2, &again), -EEXIST);
	assert_int_equal(destroy(&s, vdevice), 0);
	assert_int_equal(destroy(&s, vdevice), -ENOENT);
	assert_int_equal(vdevice_alloc(&s, viommu, 1, &again), 0);
	assert_int_equal(again, vdevice);
	assert_int_equal(destroy(&s, again), 0);
	assert_int_equal(destroy(&s, viommu), 0);
	iommufd_device_unbind(s.idev);
	mem_file_put(s.file);
	rig_fini(&s.rig);
}

static void with_the_option_only_unbind_ends_a_vdevice(void **state)
{
	struct setting s;
	uint32_t viommu, vdevice;

	(void)state;
	setting_init(&s, true);
	viommu = viommu_new(&s, hwpt_new(&s, ioas_new(&s), IOMMU_HWPT_ALLOC_NEST_PARENT, false));
	assert_int_equal(vdevice_alloc(&s, viommu, 1, &vdevice), 0);
	assert_int_equal(destroy(&s, vdevice), -EBUSY);
	iommufd_device_unbind(s.idev);
	assert_int_equal(destroy(&s, vdevice), -ENOENT);
	assert_int_equal(destroy(&s, viommu), 0);
	mem_file_put(s.file);
	rig_fini(&s.rig);
}

/* ---- vdevices against unbind ---- */

struct contest {
	struct setting s;
	uint32_t viommu, stop;
	uint32_t destroyed, refused, mistakes;
};

/* A client that makes and destroys vdevices as long as there is a device. */
static void *make_and_destroy(void *arg)
{
	struct contest *c = arg;

	while (!base_load(&c->stop)) {
		uint32_t vdevice;
		long rc = vdevice_alloc(&c->s, c->viommu, 7, &vdevice);

		if (rc) {
			if (rc != -ENOENT && rc != -EEXIST)
				base_add(&c->mistakes, 1);
			continue;
		}
		do {
			rc = destroy(&c->s, vdevice);
		} while (rc == -EBUSY);
		if (rc && rc != -ENOENT)
			base_add(&c->mistakes, 1);
	}
	return NULL;
}

/* Bound and unbound meanwhile: each time all is over when unbind returns. */
static void unbind_and_destroy_of_a_vdevice_may_race(void **state)
{
	struct contest c = {.stop = 0};
	pthread_t threads[2];

	(void)state;
	setting_init(&c.s, false);
	c.viommu = viommu_new(&c.s,
			      hwpt_new(&c.s, ioas_new(&c.s), IOMMU_HWPT_ALLOC_NEST_PARENT, false));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_and_destroy, &c), 0);
	for (unsigned round = 0; round < 200; round++) {
		uint32_t id;

		base_yield();
		iommufd_device_unbind(c.s.idev);
		assert_int_equal(iommufd_device_bind(c.s.ctx, c.s.rig.device, &c.s.idev, &id), 0);
		/* The lowest id that is free: clients only have the device's in common. */
		if (id != c.s.device)
			c.mistakes++;
	}
	base_store(&c.stop, 1);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	iommufd_device_unbind(c.s.idev);
	assert_int_equal(c.mistakes, 0);
	assert_int_equal(destroy(&c.s, c.viommu), 0);
	mem_file_put(c.s.file);
	rig_fini(&c.s.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_destroys_dependents_first),
		cmocka_unit_test(release_does_not_rely_on_the_order_of_ids),
		cmocka_unit_test(release_of_an_empty_context_ends_nothing),
		cmocka_unit_test(a_bound_device_keeps_the_context),
		cmocka_unit_test(release_unmaps),
		cmocka_unit_test(unbind_turns_a_vdevice_into_a_tombstone),
		cmocka_unit_test(a_client_may_destroy_a_vdevice_itself),
		cmocka_unit_test(with_the_option_only_unbind_ends_a_vdevice),
		cmocka_unit_test(unbind_and_destroy_of_a_vdevice_may_race),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
