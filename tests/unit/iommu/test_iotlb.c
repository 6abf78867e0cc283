// SPDX-License-Identifier: MIT
/*
 * Cached translations: whatever takes memory away, nothing that was cached
 * before is used after. One thread; the race is in test_race.c.
 */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define PASID 3u

/* Addresses with this distance share a slot of the cache. */
#define SLOTS	     64
#define SAME_SLOT    (SLOTS * PAGE)
#define MEMORY_PAGES 1024

/* An attached domain, and memory whose every word is its own offset. */
struct setting {
	struct rig rig;
	struct iommu_device *device;
	struct iommu_domain *domain;
	uint8_t *memory;
};

static void setting_init(struct setting *s, const char *kind)
{
	rig_init(&s->rig, kind);
	s->device = s->rig.device;
	s->domain = domain_new(s->device, IOMMU_HWPT_ALLOC_PASID);
	s->memory = memory_new(MEMORY_PAGES * PAGE, MIB(2));
	for (uint64_t offset = 0; offset < MEMORY_PAGES * PAGE; offset += 8)
		memcpy(s->memory + offset, &offset, 8);
	attach(&s->rig, s->domain);
}

static void setting_fini(struct setting *s)
{
	iommu_group_detach(s->rig.group, 0);
	iommu_domain_free(s->domain);
	memory_free(s->memory, MEMORY_PAGES * PAGE);
	rig_fini(&s->rig);
}

static void map_page(struct setting *s, struct iommu_domain *domain, uint64_t iova, unsigned page)
{
	map(domain, iova, s->memory + page * PAGE, PAGE, BOTH);
}

/* Reads and writes at iova reach this page. */
static void expect_page(struct setting *s, uint32_t pasid, uint64_t iova, unsigned page)
{
	uint64_t offset = page * PAGE + 16;

	expect_word(s->device, pasid, iova + 16, offset);
	store_word(s->device, pasid, iova + 16, ~offset);
	assert_memory_equal(s->memory + offset, &(uint64_t){~offset}, 8);
	store_word(s->device, pasid, iova + 16, offset);
}

static void expect_nothing(struct setting *s, uint64_t iova, iommu_fault_code code)
{
	expect_refused(s->device, 0, iova, READ, code);
	expect_refused(s->device, 0, iova, WRITE, code);
}

/* ---- unmap ---- */

static void unmapped_memory_is_not_reached(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	for (unsigned i = 0; i < 5; i++) {
		map_page(&s, s.domain, SOME_IOVA, i);
		expect_page(&s, 0, SOME_IOVA, i);
		expect_page(&s, 0, SOME_IOVA, i);
		unmap(s.domain, SOME_IOVA, PAGE);
		expect_nothing(&s, SOME_IOVA, IOMMU_FAULT_NOT_MAPPED);
	}
	setting_fini(&s);
}

static void memory_mapped_elsewhere_is_found_there(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	for (unsigned i = 0; i < 100; i++) {
		map_page(&s, s.domain, SOME_IOVA, i % 7);
		expect_page(&s, 0, SOME_IOVA, i % 7);
		unmap(s.domain, SOME_IOVA, PAGE);
	}
	setting_fini(&s);
}

static void rights_that_are_gone_are_not_used(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	map_page(&s, s.domain, SOME_IOVA, 0);
	expect_page(&s, 0, SOME_IOVA, 0);
	unmap(s.domain, SOME_IOVA, PAGE);
	map(s.domain, SOME_IOVA, s.memory, PAGE, READ);
	expect_word(s.device, 0, SOME_IOVA + 16, 16);
	expect_refused(s.device, 0, SOME_IOVA, WRITE, IOMMU_FAULT_NO_WRITE);
	unmap(s.domain, SOME_IOVA, PAGE);
	map_page(&s, s.domain, SOME_IOVA, 0);
	expect_page(&s, 0, SOME_IOVA, 0);
	setting_fini(&s);
}

static void unmap_of_one_area_leaves_the_others(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	for (unsigned i = 0; i < 8; i++) {
		map_page(&s, s.domain, SOME_IOVA + i * PAGE, i);
		expect_page(&s, 0, SOME_IOVA + i * PAGE, i);
	}
	for (unsigned gone = 0; gone < 8; gone++) {
		unmap(s.domain, SOME_IOVA + gone * PAGE, PAGE);
		for (unsigned i = 0; i < 8; i++) {
			if (i > gone)
				expect_page(&s, 0, SOME_IOVA + i * PAGE, i);
			else
				expect_nothing(&s, SOME_IOVA + i * PAGE, IOMMU_FAULT_NOT_MAPPED);
		}
	}
	setting_fini(&s);
}

/* A leaf that is cached in several slots is gone from all of them. */
static void a_large_leaf_is_gone_as_a_whole(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	map(s.domain, SOME_IOVA, s.memory, MIB(2), BOTH);
	for (unsigned i = 0; i < 512; i++)
		expect_page(&s, 0, SOME_IOVA + i * PAGE, i);
	unmap(s.domain, SOME_IOVA, MIB(2));
	for (unsigned i = 0; i < 512; i++)
		expect_nothing(&s, SOME_IOVA + i * PAGE, IOMMU_FAULT_NOT_MAPPED);
	for (unsigned i = 0; i < 512; i++)
		map_page(&s, s.domain, SOME_IOVA + i * PAGE, (i * 7) % 512);
	for (unsigned i = 0; i < 512; i++)
		expect_page(&s, 0, SOME_IOVA + i * PAGE, (i * 7) % 512);
	setting_fini(&s);
}

/* ---- one slot, many users ---- */

static void addresses_that_share_a_slot_do_not_mix(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	for (unsigned i = 0; i < 5; i++)
		map_page(&s, s.domain, SOME_IOVA + i * SAME_SLOT, i);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 5; i++)
			expect_page(&s, 0, SOME_IOVA + i * SAME_SLOT, i);
	expect_nothing(&s, SOME_IOVA + 5 * SAME_SLOT, IOMMU_FAULT_NOT_MAPPED);
	expect_page(&s, 0, SOME_IOVA + 4 * SAME_SLOT, 4);
	setting_fini(&s);
}

/* Two 2 KiB pages of the mock share the slot of their 4 KiB. */
static void halves_of_a_page_do_not_mix(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s, "mock");
	map(s.domain, SOME_IOVA, s.memory + 5 * PAGE, KIB(2), BOTH);
	map(s.domain, SOME_IOVA + KIB(2), s.memory + 9 * PAGE, KIB(2), BOTH);
	for (unsigned i = 0; i < 3; i++) {
		expect_word(s.device, 0, SOME_IOVA + KIB(2) - 8, 5 * PAGE + KIB(2) - 8);
		expect_word(s.device, 0, SOME_IOVA + KIB(2), 9 * PAGE);
	}
	unmap(s.domain, SOME_IOVA, KIB(2));
	expect_nothing(&s, SOME_IOVA, IOMMU_FAULT_NOT_MAPPED);
	expect_word(s.device, 0, SOME_IOVA + KIB(2), 9 * PAGE);
	setting_fini(&s);
}

static void pasids_and_devices_do_not_mix(void **state)
{
	struct iommu_domain *other;
	struct iommu_device *second;
	struct iommu_group *group;
	struct setting s;

	setting_init(&s, *state);
	other = domain_new(s.device, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(iommu_group_new(8, &group), 0);
	second = device_new(s.rig.iommu, group, SOURCE_ID + 1, 1);
	map_page(&s, s.domain, SOME_IOVA, 1);
	map_page(&s, other, SOME_IOVA, 2);
	assert_int_equal(iommu_group_attach(s.rig.group, PASID, other), 0);
	assert_int_equal(iommu_group_attach(group, 0, other), 0);
	for (unsigned i = 0; i < 3; i++) {
		expect_page(&s, 0, SOME_IOVA, 1);
		expect_page(&s, PASID, SOME_IOVA, 2);
		expect_word(second, 0, SOME_IOVA, 2 * PAGE);
	}
	/* What one user has cached is gone for the other as well. */
	unmap(other, SOME_IOVA, PAGE);
	expect_refused(second, 0, SOME_IOVA, READ, IOMMU_FAULT_NOT_MAPPED);
	expect_refused(s.device, PASID, SOME_IOVA, READ, IOMMU_FAULT_NOT_MAPPED);
	expect_page(&s, 0, SOME_IOVA, 1);
	iommu_group_detach(group, 0);
	iommu_group_detach(s.rig.group, PASID);
	iommu_device_free(second);
	iommu_group_free(group);
	iommu_domain_free(other);
	setting_fini(&s);
}

/* ---- attach, replace, detach, free ---- */

static void a_detached_domain_is_not_reached(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	map_page(&s, s.domain, SOME_IOVA, 1);
	for (unsigned i = 0; i < 3; i++) {
		expect_page(&s, 0, SOME_IOVA, 1);
		iommu_group_detach(s.rig.group, 0);
		expect_nothing(&s, SOME_IOVA, IOMMU_FAULT_BLOCKED);
		attach(&s.rig, s.domain);
	}
	setting_fini(&s);
}

static void a_replaced_domain_is_not_reached(void **state)
{
	struct iommu_domain *other;
	struct setting s;

	setting_init(&s, *state);
	other = domain_new(s.device, 0);
	map_page(&s, s.domain, SOME_IOVA, 1);
	map_page(&s, s.domain, SOME_IOVA + PAGE, 3);
	map_page(&s, other, SOME_IOVA, 2);
	for (unsigned i = 0; i < 3; i++) {
		expect_page(&s, 0, SOME_IOVA, 1);
		expect_page(&s, 0, SOME_IOVA + PAGE, 3);
		assert_int_equal(iommu_group_replace(s.rig.group, 0, other), 0);
		expect_page(&s, 0, SOME_IOVA, 2);
		expect_nothing(&s, SOME_IOVA + PAGE, IOMMU_FAULT_NOT_MAPPED);
		assert_int_equal(iommu_group_replace(s.rig.group, 0, s.domain), 0);
	}
	iommu_domain_free(other);
	setting_fini(&s);
}

/* While it was not attached, the domain changed. */
static void a_domain_that_comes_back_is_as_it_is_now(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	map_page(&s, s.domain, SOME_IOVA, 1);
	map_page(&s, s.domain, SOME_IOVA + PAGE, 2);
	expect_page(&s, 0, SOME_IOVA, 1);
	expect_page(&s, 0, SOME_IOVA + PAGE, 2);
	iommu_group_detach(s.rig.group, 0);
	unmap(s.domain, SOME_IOVA, PAGE);
	unmap(s.domain, SOME_IOVA + PAGE, PAGE);
	map_page(&s, s.domain, SOME_IOVA, 3);
	attach(&s.rig, s.domain);
	expect_page(&s, 0, SOME_IOVA, 3);
	expect_nothing(&s, SOME_IOVA + PAGE, IOMMU_FAULT_NOT_MAPPED);
	setting_fini(&s);
}

/* A new domain may well have the address of the old one. */
static void a_freed_domain_is_not_reached(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	for (unsigned i = 0; i < 50; i++) {
		map_page(&s, s.domain, SOME_IOVA, i);
		expect_page(&s, 0, SOME_IOVA, i);
		iommu_group_detach(s.rig.group, 0);
		iommu_domain_free(s.domain);
		s.domain = domain_new(s.device, 0);
		attach(&s.rig, s.domain);
		expect_nothing(&s, SOME_IOVA, IOMMU_FAULT_NOT_MAPPED);
	}
	setting_fini(&s);
}

/* ---- flush ---- */

static void after_a_flush_the_tables_are_read_again(void **state)
{
	struct base_list trash = BASE_LIST_INIT(trash);
	struct setting s;

	setting_init(&s, *state);
	map_page(&s, s.domain, SOME_IOVA, 1);
	expect_page(&s, 0, SOME_IOVA, 1);
	/* Behind the back of the domain. */
	pgtable_unmap(&s.domain->pt, SOME_IOVA, PAGE, &trash);
	map_page(&s, s.domain, SOME_IOVA, 2);
	iommu_domain_flush(s.domain);
	expect_page(&s, 0, SOME_IOVA, 2);
	pgtable_trash_free(&trash);
	setting_fini(&s);
}

/* ---- other threads ---- */

/* The word at SOME_IOVA as a thread of its own sees it. */
struct look {
	struct iommu_device *device;
	uint64_t word;
	int rc;
};

static void *look_run(void *arg)
{
	struct look *look = arg;
	struct iommu_dma_fault fault;

	look->rc = iommu_dma_read(look->device, 0, SOME_IOVA, &look->word, 8, &fault);
	return NULL;
}

static void expect_in_new_thread(struct setting *s, uint64_t word)
{
	struct look look = {.device = s->device};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, look_run, &look), 0);
	pthread_join(thread, NULL);
	assert_int_equal(look.rc, 0);
	assert_int_equal(look.word, word);
}

/* A new thread may inherit the cache of one that is gone, and with it what is stale. */
static void a_new_thread_does_not_use_what_an_old_one_cached(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	for (unsigned i = 0; i < 8; i++) {
		map_page(&s, s.domain, SOME_IOVA, i % 2);
		expect_in_new_thread(&s, i % 2 * PAGE);
		unmap(s.domain, SOME_IOVA, PAGE);
	}
	setting_fini(&s);
}

/* ---- tags ---- */

static void expect_new_tag(const struct iommu_domain *domain, uint64_t *newest)
{
	assert_true(domain->tag > *newest);
	*newest = domain->tag;
}

/* Across all domains and kinds, whatever becomes of their addresses. */
static void tags_are_never_used_twice(void **state)
{
	uint64_t newest = 0;
	struct rig rig[2];

	(void)state;
	rig_init(&rig[0], "vtd");
	rig_init(&rig[1], "mock");
	for (unsigned i = 0; i < 200; i++) {
		struct iommu_domain *domain = domain_new(rig[i % 2].device, 0);

		expect_new_tag(domain, &newest);
		map(domain, SOME_IOVA, NULL, PAGE, READ);
		unmap(domain, SOME_IOVA, PAGE);
		expect_new_tag(domain, &newest);
		iommu_domain_flush(domain);
		expect_new_tag(domain, &newest);
		iommu_domain_free(domain);
	}
	rig_fini(&rig[0]);
	rig_fini(&rig[1]);
}

#define FLUSHES 5000

struct flusher {
	struct iommu_domain *domain;
	uint64_t tags[FLUSHES];
};

static void *flush_often(void *arg)
{
	struct flusher *flusher = arg;

	for (unsigned i = 0; i < FLUSHES; i++) {
		iommu_domain_flush(flusher->domain);
		flusher->tags[i] = flusher->domain->tag;
	}
	return NULL;
}

static void tags_of_many_threads_are_all_different(void **state)
{
	static struct flusher flushers[2];
	pthread_t threads[2];
	struct rig rig;

	rig_init(&rig, *state);
	for (unsigned i = 0; i < 2; i++) {
		flushers[i].domain = domain_new(rig.device, 0);
		assert_int_equal(pthread_create(&threads[i], NULL, flush_often, &flushers[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	/* Each list rises, so one walk through both finds what they share. */
	for (unsigned a = 0, b = 0; a < FLUSHES && b < FLUSHES;) {
		assert_int_not_equal(flushers[0].tags[a], flushers[1].tags[b]);
		if (flushers[0].tags[a] < flushers[1].tags[b])
			a++;
		else
			b++;
	}
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 1; j < FLUSHES; j++)
			assert_true(flushers[i].tags[j] > flushers[i].tags[j - 1]);
		iommu_domain_free(flushers[i].domain);
	}
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_EACH_KIND(unmapped_memory_is_not_reached),
		ON_EACH_KIND(memory_mapped_elsewhere_is_found_there),
		ON_EACH_KIND(rights_that_are_gone_are_not_used),
		ON_EACH_KIND(unmap_of_one_area_leaves_the_others),
		ON_EACH_KIND(a_large_leaf_is_gone_as_a_whole),
		ON_EACH_KIND(addresses_that_share_a_slot_do_not_mix),
		cmocka_unit_test(halves_of_a_page_do_not_mix),
		ON_EACH_KIND(pasids_and_devices_do_not_mix),
		ON_EACH_KIND(a_detached_domain_is_not_reached),
		ON_EACH_KIND(a_replaced_domain_is_not_reached),
		ON_EACH_KIND(a_domain_that_comes_back_is_as_it_is_now),
		ON_EACH_KIND(a_freed_domain_is_not_reached),
		ON_EACH_KIND(after_a_flush_the_tables_are_read_again),
		ON_EACH_KIND(a_new_thread_does_not_use_what_an_old_one_cached),
		cmocka_unit_test(tags_are_never_used_twice),
		ON_EACH_KIND(tags_of_many_threads_are_all_different),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
