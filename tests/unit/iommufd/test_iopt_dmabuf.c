// SPDX-License-Identifier: MIT
/*
 * Areas over dma-bufs (iommufd-ioctls.md 8): a revocation takes them out of every
 * domain for good, and leaves them in the space.
 */
#include "space.h"

#include <errno.h>
#include <pthread.h>

#define IOVA   MIB(64)
#define LENGTH (4 * PAGE)

struct setting {
	struct hardware hardware;
	struct iopt iopt;
	struct iopt_domain domains[2];
	struct mem_file *file;
	struct mem_dmabuf *dmabuf;
	uint64_t host; /* of its memory */
	size_t allocated;
};

static int setup(struct setting *s)
{
	*s = (struct setting){.allocated = base_alloc_count()};
	hardware_init(&s->hardware);
	space_init(&s->iopt);
	domain_make(&s->hardware, DOMAIN_VTD, &s->domains[0]);
	domain_make(&s->hardware, DOMAIN_MOCK, &s->domains[1]);
	assert_int_equal(mem_dmabuf_new(LENGTH, &s->file), 0);
	s->dmabuf = mem_dmabuf_of(s->file);
	s->host = (uintptr_t)s->dmabuf->memory;
	return 0;
}

static void teardown(struct setting *s)
{
	for (unsigned i = 0; i < 2; i++)
		iommu_domain_free(s->domains[i].domain);
	iopt_fini(&s->iopt);
	mem_file_put(s->file);
	hardware_fini(&s->hardware);
	assert_int_equal(base_alloc_count(), s->allocated);
}

static int map_buffer(struct setting *s, uint64_t start, uint64_t length, uint64_t iova)
{
	struct iopt_map_request request = {&local_client, start, length, BOTH, true};
	struct iopt_block block;
	int rc = iopt_block_dmabuf(&s->iopt, &request, s->dmabuf, &block);

	return rc ? rc : iopt_map_block(&s->iopt, &block, BOTH, true, &iova);
}

static int copy_buffer(struct setting *s, uint64_t start, uint64_t length, uint64_t iova)
{
	struct iopt_block block;
	int rc = iopt_copy(&s->iopt, start, start + length - 1, &block);

	return rc ? rc : iopt_map_block(&s->iopt, &block, BOTH, true, &iova);
}

static void unmap_all(struct setting *s, uint64_t expected)
{
	uint64_t unmapped;

	assert_int_equal(iopt_unmap(&s->iopt, 0, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, expected);
}

static void join(struct setting *s, unsigned n)
{
	assert_int_equal(iopt_add_domain(&s->iopt, &s->domains[n]), 0);
}

/* The whole buffer is at iova of both domains, or nothing is. */
static void expect_there(struct setting *s, uint64_t iova, bool there)
{
	for (unsigned i = 0; i < 2; i++)
		expect_mapped(&s->domains[i], iova, LENGTH, there ? s->host : 0, there ? BOTH : 0);
}

static void a_revoked_buffer_leaves_all_domains(void **state)
{
	struct setting s;

	(void)state;
	setup(&s);
	join(&s, 0);
	assert_int_equal(map_buffer(&s, 0, LENGTH, IOVA), 0);
	join(&s, 1);
	expect_there(&s, IOVA, true);
	mem_dmabuf_revoke(s.dmabuf, true);
	expect_there(&s, IOVA, false);
	assert_non_null(space_area(&s.iopt, IOVA));
	/* Not even when the exporter takes it back. */
	mem_dmabuf_revoke(s.dmabuf, false);
	expect_there(&s, IOVA, false);
	iopt_remove_domain(&s.iopt, &s.domains[0]);
	join(&s, 0);
	expect_there(&s, IOVA, false);
	/* But what is mapped from now on is there. */
	assert_int_equal(map_buffer(&s, 0, LENGTH, IOVA + MIB(1)), 0);
	expect_there(&s, IOVA + MIB(1), true);
	unmap_all(&s, 2 * LENGTH);
	expect_there(&s, IOVA + MIB(1), false);
	iopt_remove_domain(&s.iopt, &s.domains[0]);
	iopt_remove_domain(&s.iopt, &s.domains[1]);
	teardown(&s);
}

static void copies_are_revoked_with_the_original(void **state)
{
	struct setting s;

	(void)state;
	setup(&s);
	assert_int_equal(map_buffer(&s, 0, LENGTH, IOVA), 0);
	assert_int_equal(copy_buffer(&s, IOVA, LENGTH, IOVA + MIB(1)), 0);
	join(&s, 0);
	join(&s, 1);
	assert_int_equal(copy_buffer(&s, IOVA + PAGE, 2 * PAGE, IOVA + MIB(2)), 0);
	expect_mapped(&s.domains[1], IOVA + MIB(2), 2 * PAGE, s.host + PAGE, BOTH);
	expect_there(&s, IOVA + MIB(1), true);
	mem_dmabuf_revoke(s.dmabuf, true);
	expect_there(&s, IOVA, false);
	expect_there(&s, IOVA + MIB(1), false);
	expect_there(&s, IOVA + MIB(2), false);
	/* A copy of what is void is void. */
	assert_int_equal(copy_buffer(&s, IOVA, LENGTH, IOVA + MIB(3)), 0);
	expect_there(&s, IOVA + MIB(3), false);
	unmap_all(&s, 3 * LENGTH + 2 * PAGE);
	iopt_remove_domain(&s.iopt, &s.domains[0]);
	iopt_remove_domain(&s.iopt, &s.domains[1]);
	teardown(&s);
}

/* 8.6 */
static void the_range_and_the_state_are_checked(void **state)
{
	struct setting s;

	(void)state;
	setup(&s);
	assert_int_equal(map_buffer(&s, 0, LENGTH + 1, IOVA), -EINVAL);
	assert_int_equal(map_buffer(&s, LENGTH, 1, IOVA), -EINVAL);
	assert_int_equal(map_buffer(&s, UINT64_MAX, 1, IOVA), -EINVAL);
	mem_dmabuf_revoke(s.dmabuf, true);
	assert_int_equal(map_buffer(&s, 0, LENGTH, IOVA), -ENODEV);
	mem_dmabuf_revoke(s.dmabuf, false);
	assert_int_equal(map_buffer(&s, LENGTH - 1, 1, IOVA), 0);
	unmap_all(&s, 1);
	teardown(&s);
}

/* vfio-device-ioctls.md 13 */
static void an_area_of_a_buffer_is_not_cut(void **state)
{
	struct setting s;

	(void)state;
	setup(&s);
	assert_int_equal(iopt_set_huge_pages(&s.iopt, false), 0);
	assert_int_equal(map_buffer(&s, 0, LENGTH, IOVA), 0);
	assert_int_equal(iopt_cut(&s.iopt, IOVA + PAGE - 1), -EOPNOTSUPP);
	assert_int_equal(iopt_cut(&s.iopt, IOVA + LENGTH - 1), 0);
	unmap_all(&s, LENGTH);
	teardown(&s);
}

/* The nth allocation of a map into two domains, or of a domain that joins, fails. */
static void nothing_is_left_of_what_runs_short_of_memory(void **state)
{
	struct setting s;
	unsigned nth = 0, left;
	int rc;

	(void)state;
	setup(&s);
	assert_int_equal(map_buffer(&s, 0, LENGTH, IOVA), 0);
	join(&s, 0);
	do {
		base_fail_nth(++nth);
		rc = iopt_add_domain(&s.iopt, &s.domains[1]);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
	} while (!left);
	nth = 0;
	do {
		base_fail_nth(++nth);
		rc = map_buffer(&s, PAGE, PAGE, IOVA + MIB(512));
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		if (rc)
			expect_mapped(&s.domains[0], IOVA + MIB(512), PAGE, 0, 0);
	} while (!left);
	expect_there(&s, IOVA, true);
	mem_dmabuf_revoke(s.dmabuf, true);
	expect_there(&s, IOVA, false);
	expect_there(&s, IOVA + MIB(512), false);
	unmap_all(&s, LENGTH + PAGE);
	iopt_remove_domain(&s.iopt, &s.domains[0]);
	iopt_remove_domain(&s.iopt, &s.domains[1]);
	teardown(&s);
}

/* ---- races ---- */

static uint32_t stop;

static void *revoker(void *arg)
{
	struct setting *s = arg;

	while (!base_load(&stop)) {
		mem_dmabuf_revoke(s->dmabuf, true);
		mem_dmabuf_revoke(s->dmabuf, false);
	}
	return NULL;
}

/* Whatever comes between: what is there is the buffer, and nothing stays behind. */
static void revocations_race_with_maps_and_domains(void **state)
{
	pthread_t thread;
	struct setting s;

	(void)state;
	setup(&s);
	base_store(&stop, 0);
	join(&s, 0);
	assert_int_equal(pthread_create(&thread, NULL, revoker, &s), 0);
	for (unsigned i = 0; i < 2000; i++) {
		int rc = map_buffer(&s, 0, LENGTH, IOVA);

		assert_true(!rc || rc == -ENODEV);
		if (!rc)
			assert_int_equal(copy_buffer(&s, IOVA, LENGTH, IOVA + MIB(1)), 0);
		join(&s, 1);
		if (i % 2)
			unmap_all(&s, rc ? 0 : 2 * LENGTH);
		iopt_remove_domain(&s.iopt, &s.domains[1]);
		if (i % 2 == 0)
			unmap_all(&s, rc ? 0 : 2 * LENGTH);
		expect_mapped(&s.domains[0], IOVA, LENGTH, 0, 0);
		/* As whoever removes a domain does. */
		iommu_domain_free(s.domains[1].domain);
		domain_make(&s.hardware, DOMAIN_MOCK, &s.domains[1]);
	}
	base_store(&stop, 1);
	pthread_join(thread, NULL);
	iopt_remove_domain(&s.iopt, &s.domains[0]);
	teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_revoked_buffer_leaves_all_domains),
		cmocka_unit_test(copies_are_revoked_with_the_original),
		cmocka_unit_test(the_range_and_the_state_are_checked),
		cmocka_unit_test(an_area_of_a_buffer_is_not_cut),
		cmocka_unit_test(nothing_is_left_of_what_runs_short_of_memory),
		cmocka_unit_test(revocations_race_with_maps_and_domains),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
