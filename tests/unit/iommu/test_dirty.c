// SPDX-License-Identifier: MIT
/* Dirty tracking: which requests make what dirty, and that none is lost. */
#include "guest.h"

#include <pthread.h>
#include <string.h>

#define PAGES 64u
#define PASID 3u

/* A domain for dirty tracking, attached, with PAGES leaves of 4 KiB. */
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
	s->domain = domain_new(s->device, IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_ALLOC_PASID);
	s->memory = memory_new(PAGES * PAGE, MIB(2));
	assert_int_equal(iommu_domain_map(s->domain, SOME_IOVA, (uintptr_t)s->memory, PAGES * PAGE,
					  BOTH, PAGE),
			 0);
	attach(&s->rig, s->domain);
	assert_int_equal(iommu_group_attach(s->rig.group, PASID, s->domain), 0);
}

static void setting_fini(struct setting *s)
{
	iommu_group_detach(s->rig.group, 0);
	iommu_group_detach(s->rig.group, PASID);
	iommu_domain_free(s->domain);
	memory_free(s->memory, PAGES * PAGE);
	rig_fini(&s->rig);
}

static uint64_t page_iova(unsigned page)
{
	return SOME_IOVA + page * PAGE;
}

/* The dirty pages of [start, start + PAGES * PAGE - 1] as bits; they become clean. */
static uint64_t take_dirty(struct iommu_domain *domain, uint64_t start)
{
	uint64_t bits = 0;
	struct pgtable_dirty dirty = {
		.bits = &bits,
		.start = start,
		.last = start + PAGES * PAGE - 1,
		.unit_lg2 = 12,
		.clear = true,
	};

	iommu_domain_read_dirty(domain, dirty.start, dirty.last, &dirty);
	iommu_domain_sync_dirty(domain);
	return bits;
}

static void expect_dirty(struct setting *s, uint64_t bits)
{
	assert_int_equal(take_dirty(s->domain, SOME_IOVA), bits);
}

/* ---- what has it ---- */

static void every_kind_says_that_it_tracks(void **state)
{
	struct iommu_device_facts facts;
	struct rig rig;

	rig_init(&rig, *state);
	assert_int_equal(iommu_device_hw_info(rig.device, 0, &facts), 0);
	assert_true(facts.capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	rig_fini(&rig);
}

static void only_domains_made_for_it_keep_dirty_state(void **state)
{
	static const uint32_t other_flags[] = {0, IOMMU_HWPT_ALLOC_NEST_PARENT,
					       IOMMU_HWPT_ALLOC_PASID};
	struct iommu_domain *domain;
	struct rig rig;

	rig_init(&rig, *state);
	for (unsigned i = 0; i < base_array_size(other_flags); i++) {
		domain = domain_new(rig.device, other_flags[i]);
		assert_false(domain->keeps_dirty);
		iommu_domain_free(domain);
		domain = domain_new(rig.device, other_flags[i] | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
		assert_true(domain->keeps_dirty);
		assert_non_null(domain->pt.format->read_dirty);
		assert_int_equal(domain->nest_parent,
				 other_flags[i] == IOMMU_HWPT_ALLOC_NEST_PARENT);
		iommu_domain_free(domain);
	}
	rig_fini(&rig);
}

/* vtd.md 2.3 is about nest parents only. */
static void read_only_memory_can_be_mapped(void **state)
{
	struct setting s;
	uint8_t *memory = memory_new(PAGE, PAGE);

	setting_init(&s, *state);
	iommu_domain_set_tracking(s.domain, true);
	map(s.domain, page_iova(PAGES), memory, PAGE, READ);
	expect_word(s.device, 0, page_iova(PAGES), 0);
	expect_refused(s.device, 0, page_iova(PAGES), WRITE, IOMMU_FAULT_NO_WRITE);
	assert_int_equal(take_dirty(s.domain, page_iova(PAGES)), 0);
	setting_fini(&s);
	memory_free(memory, PAGE);
}

/* ---- requests ---- */

static void writes_count_while_tracking_is_on(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	store_word(s.device, 0, page_iova(0), 1);
	expect_dirty(&s, 0);
	iommu_domain_set_tracking(s.domain, true);
	store_word(s.device, 0, page_iova(0), 2);
	store_word(s.device, PASID, page_iova(2) + 8, 2);
	expect_dirty(&s, 5);
	store_word(s.device, 0, page_iova(3), 3);
	iommu_domain_set_tracking(s.domain, false);
	store_word(s.device, 0, page_iova(4), 4);
	expect_dirty(&s, 8);
	setting_fini(&s);
}

static void reads_do_not_count(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	iommu_domain_set_tracking(s.domain, true);
	expect_word(s.device, 0, page_iova(1), 0);
	expect_dirty(&s, 0);
	/* What the read was told is not enough for a write. */
	expect_word(s.device, 0, page_iova(1), 0);
	store_word(s.device, 0, page_iova(1), 1);
	expect_word(s.device, 0, page_iova(1), 1);
	store_word(s.device, 0, page_iova(1), 2);
	expect_dirty(&s, 2);
	setting_fini(&s);
}

static void each_kind_of_request_counts(void **state)
{
	struct iommu_dma_fault fault;
	uint8_t buf[3 * PAGE] = {0};
	struct setting s;

	setting_init(&s, *state);
	iommu_domain_set_tracking(s.domain, true);
	assert_int_equal(iommu_dma_write(s.device, 0, page_iova(1) - 1, buf, 2, &fault), 0);
	expect_dirty(&s, 3);
	assert_int_equal(iommu_dma_fill(s.device, 0, page_iova(4), 7, 2 * PAGE, &fault), 0);
	expect_dirty(&s, 0x30);
	assert_int_equal(iommu_dma_copy(s.device, 0, page_iova(8), page_iova(2), PAGE, &fault), 0);
	expect_dirty(&s, 0x100);
	assert_int_equal(iommu_dma_copy(s.device, 0, page_iova(3), page_iova(2), 2 * PAGE, &fault),
			 0);
	expect_dirty(&s, 0x18);
	setting_fini(&s);
}

static void a_cached_translation_hides_no_write(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	store_word(s.device, 0, page_iova(0), 1);
	iommu_domain_set_tracking(s.domain, true);
	for (unsigned i = 0; i < 3; i++) {
		store_word(s.device, 0, page_iova(0), 2);
		expect_dirty(&s, 1);
		expect_dirty(&s, 0);
	}
	store_word(s.device, 0, page_iova(0), 3);
	iommu_domain_set_tracking(s.domain, true);
	expect_dirty(&s, 0);
	store_word(s.device, 0, page_iova(0), 4);
	iommu_domain_set_tracking(s.domain, false);
	iommu_domain_set_tracking(s.domain, true);
	store_word(s.device, 0, page_iova(0), 5);
	expect_dirty(&s, 1);
	setting_fini(&s);
}

static void a_leaf_is_dirty_as_a_whole(void **state)
{
	struct setting s;

	setting_init(&s, *state);
	unmap(s.domain, SOME_IOVA, PAGES * PAGE);
	map(s.domain, SOME_IOVA, s.memory, PAGES * PAGE, BOTH);
	iommu_domain_set_tracking(s.domain, true);
	store_word(s.device, 0, page_iova(PAGES - 1), 1);
	/* VT-d has no leaves of that size. */
	expect_dirty(&s, s.domain->pgsizes & (PAGES * PAGE) ? UINT64_MAX : (uint64_t)1 << 63);
	expect_dirty(&s, 0);
	setting_fini(&s);
}

/* ---- nested ---- */

/* The guest's parent keeps dirty state; its tables are in the first pages of the guest. */
static void tracked_guest_init(struct guest *guest)
{
	memset(guest, 0, sizeof(*guest));
	rig_init(&guest->rig, "vtd");
	guest->device = guest->rig.device;
	guest->ram = memory_new(GUEST_SIZE, MIB(2));
	guest->next_table = GUEST_ROOT + PAGE;
	guest->parent = domain_new(guest->device,
				   IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	assert_int_equal(iommu_domain_map(guest->parent, 0, (uintptr_t)guest->ram, GUEST_SIZE, BOTH,
					  PAGE),
			 0);
	assert_int_equal(nested_new(guest->device, guest->parent, GUEST_ROOT, 48, &guest->nested),
			 0);
	attach(&guest->rig, guest->nested);
	assert_int_equal(iommu_group_attach(guest->rig.group, GUEST_PASID, guest->nested), 0);
	iommu_domain_set_tracking(guest->parent, true);
}

/* vtd.md 3.6: also what is written through a child; its accessed and dirty bits too. */
static void writes_of_a_nested_domain_count_for_its_parent(void **state)
{
	const uint64_t iova = GIB(5), tables = (uint64_t)0xf << (GUEST_ROOT / PAGE);
	struct guest guest;

	(void)state;
	tracked_guest_init(&guest);
	guest_map(&guest, iova, GUEST_DATA, 0, USER_RW);
	/* Accessed bits in four tables. */
	expect_word(guest.device, 0, iova, 0);
	assert_int_equal(take_dirty(guest.parent, 0), tables);
	assert_int_equal(take_dirty(guest.parent, GUEST_DATA), 0);
	/* The dirty bit in the last one, and the page. */
	store_word(guest.device, 0, iova, 1);
	assert_int_equal(take_dirty(guest.parent, 0), (uint64_t)1 << (GUEST_ROOT / PAGE + 3));
	assert_int_equal(take_dirty(guest.parent, GUEST_DATA), 1);
	for (unsigned i = 0; i < 3; i++) {
		store_word(guest.device, i % 2 ? GUEST_PASID : 0, iova, 2 + i);
		assert_int_equal(take_dirty(guest.parent, 0), 0);
		assert_int_equal(take_dirty(guest.parent, GUEST_DATA), 1);
	}
	guest_fini(&guest);
}

static void writes_of_a_mock_nested_domain_count_for_its_parent(void **state)
{
	struct iommu_hwpt_selftest selftest = {0};
	struct iommu_user_data data = {&local_client, (uintptr_t)&selftest,
				       IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest)};
	struct iommu_domain *nested;
	struct setting s;

	(void)state;
	setting_init(&s, "mock");
	assert_int_equal(iommu_domain_alloc_nested(s.device, s.domain, 0, &data, &nested), 0);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, nested), 0);
	iommu_domain_set_tracking(s.domain, true);
	for (unsigned i = 0; i < 3; i++) {
		store_word(s.device, 0, page_iova(9), i);
		expect_dirty(&s, 1 << 9);
	}
	assert_int_equal(iommu_group_replace(s.rig.group, 0, s.domain), 0);
	iommu_domain_free(nested);
	setting_fini(&s);
}

/* ---- beside requests ---- */

#define WRITERS 2
#define ROUNDS	100

struct migration {
	struct setting s;
	uint8_t *copy;
	uint32_t stop, written;
	unsigned rounds_with_pages;
};

static void *writer_run(void *arg)
{
	struct migration *m = arg;
	struct random random = {(uintptr_t)&random};

	while (!base_load(&m->stop)) {
		uint64_t iova = SOME_IOVA + 8 * random_below(&random, PAGES * PAGE / 8 - 8);
		uint64_t value = random_next(&random);
		struct iommu_dma_fault fault;

		if (random_below(&random, 4))
			iommu_dma_write(m->s.device, 0, iova, &value, 8, &fault);
		else
			iommu_dma_fill(m->s.device, 0, iova, value, 64, &fault);
		base_add(&m->written, 1);
	}
	return NULL;
}

/* Copy the pages that are dirty. */
static void migrate_dirty(struct migration *m)
{
	uint64_t bits = take_dirty(m->s.domain, SOME_IOVA);

	m->rounds_with_pages += bits != 0;
	for (unsigned page = 0; page < PAGES; page++)
		if (bits >> page & 1)
			base_guard_copy(m->copy + page * PAGE, m->s.memory + page * PAGE, PAGE);
}

static void wait_for_writes(struct migration *m)
{
	uint32_t before = base_load(&m->written);

	while (base_load(&m->written) == before)
		base_yield();
}

/* What a virtual machine that moves needs: after the last round the copy is the memory. */
static void a_copy_of_dirty_pages_is_complete(void **state)
{
	static struct migration m;
	pthread_t writers[WRITERS];

	m = (struct migration){0};
	setting_init(&m.s, *state);
	m.copy = memory_new(PAGES * PAGE, PAGE);
	iommu_domain_set_tracking(m.s.domain, true);
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, writer_run, &m), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		migrate_dirty(&m);
		wait_for_writes(&m);
	}
	base_store(&m.stop, 1);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	migrate_dirty(&m);
	assert_true(m.rounds_with_pages > ROUNDS / 2);
	assert_memory_equal(m.copy, m.s.memory, PAGES * PAGE);
	memory_free(m.copy, PAGES * PAGE);
	setting_fini(&m.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_EACH_KIND(every_kind_says_that_it_tracks),
		ON_EACH_KIND(only_domains_made_for_it_keep_dirty_state),
		ON_EACH_KIND(read_only_memory_can_be_mapped),
		ON_EACH_KIND(writes_count_while_tracking_is_on),
		ON_EACH_KIND(reads_do_not_count),
		ON_EACH_KIND(each_kind_of_request_counts),
		ON_EACH_KIND(a_cached_translation_hides_no_write),
		ON_EACH_KIND(a_leaf_is_dirty_as_a_whole),
		cmocka_unit_test(writes_of_a_nested_domain_count_for_its_parent),
		cmocka_unit_test(writes_of_a_mock_nested_domain_count_for_its_parent),
		ON_EACH_KIND(a_copy_of_dirty_pages_is_complete),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
