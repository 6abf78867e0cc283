// SPDX-License-Identifier: MIT
/* The dirty state of leaves: pgtable-formats.md 1.8. */
#include "common.h"

#include <pthread.h>

static const struct pgtable_format *const dirty_formats[] = {
	&pgtable_vtdss,
	&pgtable_amdv1_mock,
	&pgtable_amdv1_mock_huge,
};

#define IOVA GIB(3)

static struct pgtable pt;
static uint64_t bits[64];

static void table_new(const struct pgtable_format *format)
{
	assert_int_equal(pgtable_init(&pt, format, 38), 0);
}

static void map(uint64_t iova, uint64_t length, uint32_t prot, uint64_t pgsizes)
{
	assert_int_equal(pgtable_map(&pt, iova, iova, length, prot, pgsizes), 0);
}

static void mark(uint64_t iova)
{
	struct pgtable_leaf leaf;

	assert_true(pgtable_walk_dirty(&pt, iova, WRITE, &leaf));
}

/* Read [start, start + length - 1], a bit for 4 KiB from IOVA on, into `bits`. */
static struct pgtable_dirty read_some(uint64_t start, uint64_t length, bool clear)
{
	struct pgtable_dirty dirty = {
		.bits = bits,
		.start = IOVA,
		.last = IOVA + sizeof(bits) * 8 * KIB(4) - 1,
		.unit_lg2 = 12,
		.clear = clear,
	};

	for (unsigned i = 0; i < base_array_size(bits); i++)
		bits[i] = 0;
	pgtable_read_dirty(&pt, start, start + length - 1, &dirty);
	return dirty;
}

static bool is_dirty(uint64_t start, uint64_t length, bool clear)
{
	return read_some(start, length, clear).found;
}

static void the_first_stage_keeps_no_dirty_state(void **state)
{
	(void)state;
	assert_null(pgtable_x86_64.walk_dirty);
	assert_null(pgtable_x86_64.read_dirty);
}

static void only_a_write_makes_dirty(void **state)
{
	struct pgtable_leaf leaf;

	(void)state;
	for (unsigned i = 0; i < base_array_size(dirty_formats); i++) {
		table_new(dirty_formats[i]);
		map(IOVA, KIB(4), BOTH, KIB(4));
		map(IOVA + KIB(4), KIB(4), READ, KIB(4));
		assert_true(pgtable_walk(&pt, IOVA, &leaf));
		assert_true(pgtable_walk_dirty(&pt, IOVA + KIB(4), WRITE, &leaf));
		assert_int_equal(leaf.prot, READ);
		assert_false(pgtable_walk_dirty(&pt, IOVA + KIB(8), WRITE, &leaf));
		assert_false(is_dirty(IOVA, KIB(12), false));
		mark(IOVA);
		assert_true(is_dirty(IOVA, KIB(12), false));
		assert_int_equal(bits[0], 1);
		pgtable_fini(&pt);
	}
}

/* What asks for no right may mark a leaf that cannot be written. */
static void a_read_only_leaf_can_be_marked(void **state)
{
	struct pgtable_leaf leaf;

	(void)state;
	for (unsigned i = 0; i < base_array_size(dirty_formats); i++) {
		table_new(dirty_formats[i]);
		map(IOVA, KIB(4), READ, KIB(4));
		assert_true(pgtable_walk_dirty(&pt, IOVA, 0, &leaf));
		assert_true(is_dirty(IOVA, KIB(4), true));
		assert_false(is_dirty(IOVA, KIB(4), true));
		expect_leaf(&pt, IOVA, IOVA, KIB(4), IOVA, READ);
		pgtable_fini(&pt);
	}
}

static void clearing_is_asked_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(dirty_formats); i++) {
		table_new(dirty_formats[i]);
		map(IOVA, MIB(2), BOTH, KIB(4));
		for (uint64_t at = 0; at < MIB(2); at += KIB(4))
			mark(IOVA + at);
		assert_true(is_dirty(IOVA, MIB(2), false));
		assert_true(is_dirty(IOVA, MIB(2), true));
		for (unsigned word = 0; word < 8; word++)
			assert_int_equal(bits[word], UINT64_MAX);
		assert_int_equal(bits[8], 0);
		assert_false(is_dirty(IOVA, MIB(2), true));
		pgtable_fini(&pt);
	}
}

static void nobody_has_to_want_the_bits(void **state)
{
	struct pgtable_dirty dirty = {.clear = true};

	(void)state;
	table_new(&pgtable_vtdss);
	map(IOVA, MIB(1), BOTH, KIB(4));
	mark(IOVA + KIB(12));
	pgtable_read_dirty(&pt, 0, UINT64_MAX, &dirty);
	assert_true(dirty.found);
	assert_false(is_dirty(IOVA, MIB(1), false));
	pgtable_fini(&pt);
}

/* A leaf of 512 KiB is repeated in 256 slots. */
static void a_write_makes_all_copies_dirty(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < KIB(512); at += KIB(62)) {
		table_new(&pgtable_amdv1_mock);
		map(IOVA, KIB(512), BOTH, UINT64_MAX);
		mark(IOVA + at);
		assert_int_equal(read_some(IOVA, KIB(512), true).reach, IOVA + KIB(512) - 1);
		assert_int_equal(bits[0], UINT64_MAX);
		assert_int_equal(bits[1], UINT64_MAX);
		assert_int_equal(bits[2], 0);
		assert_false(is_dirty(IOVA, KIB(512), false));
		pgtable_fini(&pt);
	}
}

static void one_copy_can_be_marked(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < KIB(512); at += KIB(62)) {
		table_new(&pgtable_amdv1_mock);
		map(IOVA, KIB(512), BOTH, UINT64_MAX);
		pgtable_mark_dirty(&pt, IOVA + at);
		assert_true(is_dirty(IOVA + at, KIB(2), false));
		if (at)
			assert_false(is_dirty(IOVA, at, false));
		assert_false(is_dirty(IOVA + at + KIB(2), KIB(512) - at - KIB(2), false));
		assert_true(is_dirty(IOVA, KIB(512), true));
		assert_false(is_dirty(IOVA, KIB(512), false));
		pgtable_fini(&pt);
	}
}

/* In holes, too, which stay holes. */
static void a_leaf_of_one_slot_is_marked_as_a_whole(void **state)
{
	(void)state;
	table_new(&pgtable_vtdss);
	map(IOVA, MIB(2), BOTH, UINT64_MAX);
	pgtable_mark_dirty(&pt, IOVA - 1);
	pgtable_mark_dirty(&pt, IOVA + MIB(2));
	assert_false(is_dirty(0, GIB(16), false));
	pgtable_mark_dirty(&pt, IOVA + MIB(1));
	assert_true(is_dirty(IOVA, KIB(4), true));
	assert_false(is_dirty(IOVA, MIB(2), false));
	pgtable_fini(&pt);
}

/* Reported from where the question begins, to the last byte that there is a bit for. */
static void a_question_may_begin_and_end_inside_a_leaf(void **state)
{
	(void)state;
	table_new(&pgtable_amdv1_mock);
	map(IOVA, KIB(512), BOTH, UINT64_MAX);
	mark(IOVA);
	assert_int_equal(read_some(IOVA + KIB(256), KIB(8), false).reach,
			 IOVA + KIB(256) + KIB(8) - 1);
	assert_true(is_dirty(IOVA + KIB(256), KIB(8), true));
	assert_false(is_dirty(IOVA + KIB(256), KIB(8), false));
	assert_true(is_dirty(IOVA + KIB(248), KIB(8), false));
	pgtable_fini(&pt);

	table_new(&pgtable_vtdss);
	map(IOVA, GIB(1), BOTH, UINT64_MAX);
	mark(IOVA + MIB(700));
	assert_int_equal(read_some(IOVA + KIB(40), KIB(4), true).reach, IOVA + GIB(1) - 1);
	assert_int_equal(bits[0], UINT64_MAX << 10);
	assert_int_equal(bits[63], UINT64_MAX);
	assert_false(is_dirty(IOVA, GIB(1), false));
	pgtable_fini(&pt);
}

static void a_new_map_is_clean(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(dirty_formats); i++) {
		table_new(dirty_formats[i]);
		map(IOVA, MIB(2), BOTH, UINT64_MAX);
		mark(IOVA + MIB(1));
		unmap_now(&pt, IOVA, MIB(2));
		map(IOVA, MIB(2), BOTH, UINT64_MAX);
		assert_false(is_dirty(IOVA, MIB(2), false));
		pgtable_fini(&pt);
	}
}

/* ---- beside walkers ---- */

#define RACE_PAGES  64
#define RACE_LENGTH (RACE_PAGES * KIB(4))
#define RACE_ROUNDS 2000

struct race {
	uint32_t stop, walks;	       /* odd while in a walk */
	uint64_t written[RACE_PAGES];  /* how often; 0 and 1 while the page is clean */
	uint64_t reported[RACE_PAGES]; /* a read that began after so many writes said "dirty" */
};

/* A writer counts after its walk: what was counted is dirty, or was reported. */
static void *race_write(void *arg)
{
	struct race *race = arg;
	struct random random = {1};

	while (!base_load(&race->stop)) {
		uint64_t page = random_below(&random, RACE_PAGES);
		struct pgtable_leaf leaf;

		base_add(&race->walks, 1);
		if (pgtable_walk_dirty(&pt, IOVA + page * KIB(4), WRITE, &leaf))
			base_add(&race->written[page], 1);
		base_add(&race->walks, 1);
	}
	return NULL;
}

static void race_wait(struct race *race)
{
	uint32_t walks;

	base_fence();
	walks = base_load(&race->walks);
	while (walks % 2 && base_load(&race->walks) == walks)
		base_yield();
}

/* A write that was counted before a read began is in that read, or in an earlier one. */
static void race_read(struct race *race)
{
	uint64_t before[RACE_PAGES];

	for (unsigned page = 0; page < RACE_PAGES; page++)
		before[page] = base_load(&race->written[page]);
	read_some(IOVA, RACE_LENGTH, true);
	/* The cached translations of real requests: those of earlier walks end here. */
	race_wait(race);
	for (unsigned page = 0; page < RACE_PAGES; page++) {
		if (bits[0] >> page & 1)
			race->reported[page] = base_load(&race->written[page]);
		assert_true(before[page] <= race->reported[page]);
	}
}

static void no_write_is_lost(void **state)
{
	static struct race race;
	pthread_t writer;

	(void)state;
	for (unsigned i = 0; i < base_array_size(dirty_formats); i++) {
		race = (struct race){0};
		table_new(dirty_formats[i]);
		map(IOVA, RACE_LENGTH, BOTH, KIB(4));
		assert_int_equal(pthread_create(&writer, NULL, race_write, &race), 0);
		for (unsigned round = 0; round < RACE_ROUNDS; round++)
			race_read(&race);
		base_store(&race.stop, 1);
		pthread_join(writer, NULL);
		pgtable_fini(&pt);
	}
}

/* Were an entry that was cleared to come back, in whatever form, the next map would fail. */
static void what_is_unmapped_stays_so(void **state)
{
	static struct race race;
	pthread_t writer;

	(void)state;
	for (unsigned i = 0; i < base_array_size(dirty_formats); i++) {
		race = (struct race){0};
		table_new(dirty_formats[i]);
		assert_int_equal(pthread_create(&writer, NULL, race_write, &race), 0);
		for (unsigned round = 0; round < RACE_ROUNDS; round++) {
			struct base_list trash = BASE_LIST_INIT(trash);

			map(IOVA, RACE_LENGTH, BOTH, KIB(4));
			read_some(IOVA, RACE_LENGTH, round % 2);
			pgtable_unmap(&pt, IOVA, RACE_LENGTH, &trash);
			race_wait(&race);
			pgtable_trash_free(&trash);
			assert_false(is_dirty(IOVA, RACE_LENGTH, false));
		}
		base_store(&race.stop, 1);
		pthread_join(writer, NULL);
		pgtable_fini(&pt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_stage_keeps_no_dirty_state),
		cmocka_unit_test(only_a_write_makes_dirty),
		cmocka_unit_test(a_read_only_leaf_can_be_marked),
		cmocka_unit_test(clearing_is_asked_for),
		cmocka_unit_test(nobody_has_to_want_the_bits),
		cmocka_unit_test(a_write_makes_all_copies_dirty),
		cmocka_unit_test(one_copy_can_be_marked),
		cmocka_unit_test(a_leaf_of_one_slot_is_marked_as_a_whole),
		cmocka_unit_test(a_question_may_begin_and_end_inside_a_leaf),
		cmocka_unit_test(a_new_map_is_clean),
		cmocka_unit_test(no_write_is_lost),
		cmocka_unit_test(what_is_unmapped_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
