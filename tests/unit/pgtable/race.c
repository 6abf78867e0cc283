// SPDX-License-Identifier: MIT
/* Walkers beside map and unmap: each walk finds the old state or the new one. */
#include "common.h"

#include <pthread.h>

#define WALKERS 2
#define ROUNDS	100
#define IOVA	(GIB(3) - MIB(2))
#define LENGTH	MIB(4)

/*
 * Round n maps IOVA to n * STRIDE with the rights of its number: so a walk
 * that mixes two rounds shows.
 */
#define STRIDE GIB(1)

struct race {
	struct pgtable pt;
	uint32_t stop;
	uint32_t oldest, newest; /* rounds that a walk may find */
	uint32_t walks[WALKERS]; /* odd while in a walk */
	uint32_t found, mistakes;
};

struct walker {
	struct race *race;
	unsigned number;
};

static uint32_t round_prot(uint64_t round)
{
	return round % 2 ? READ : BOTH;
}

static bool is_right(const struct pgtable_leaf *leaf, uint64_t iova, uint64_t oldest,
		     uint64_t newest)
{
	uint64_t pa = leaf->pa + (iova - leaf->start), round = pa / STRIDE;

	return iova >= leaf->start && iova <= leaf->last && leaf->start >= IOVA &&
	       leaf->last < IOVA + LENGTH && pa % STRIDE == iova - IOVA && round >= oldest &&
	       round <= newest && leaf->prot == round_prot(round);
}

static void *walker_run(void *arg)
{
	struct walker *walker = arg;
	struct race *race = walker->race;
	uint32_t *walks = &race->walks[walker->number];
	struct random random = {walker->number};

	while (!base_load(&race->stop)) {
		uint64_t iova = IOVA + random_below(&random, LENGTH);
		struct pgtable_leaf leaf;
		uint32_t oldest;
		bool found;

		base_add(walks, 1);
		oldest = base_load(&race->oldest);
		found = pgtable_walk(&race->pt, iova, &leaf);
		if (found && !is_right(&leaf, iova, oldest, base_load(&race->newest)))
			base_add(&race->mistakes, 1);
		base_add(walks, 1);
		if (found)
			base_add(&race->found, 1);
		else
			base_yield();
	}
	return NULL;
}

/* Until every walk that is under way has ended. */
static void wait_for_walkers(struct race *race)
{
	base_fence();
	for (unsigned i = 0; i < WALKERS; i++) {
		uint32_t walks = base_load(&race->walks[i]);

		while (walks % 2 && base_load(&race->walks[i]) == walks)
			base_yield();
	}
}

/* So that walkers of a slow machine see each round. */
static void wait_for_a_find(struct race *race)
{
	uint32_t found = base_load(&race->found);

	while (base_load(&race->found) == found)
		base_yield();
}

/* Unmapped in one piece or in two, of which only large ones free tables. */
static void round_unmap(struct race *race, struct random *random, uint64_t cut)
{
	struct base_list trash = BASE_LIST_INIT(trash);

	if (cut && random_below(random, 2)) {
		pgtable_unmap(&race->pt, IOVA, cut, &trash);
		pgtable_unmap(&race->pt, IOVA + cut, LENGTH - cut, &trash);
	} else {
		pgtable_unmap(&race->pt, IOVA, LENGTH, &trash);
	}
	wait_for_walkers(race);
	pgtable_trash_free(&trash);
}

/* One or two maps, with small leaves or with the largest, which replace tables left empty. */
static void round_run(struct race *race, struct random *random, uint32_t round)
{
	uint64_t pgsizes = random_below(random, 2) ? KIB(4) : UINT64_MAX;
	uint64_t cut = random_below(random, 3) * random_below(random, LENGTH / KIB(8)) * KIB(4);
	uint64_t pa = round * STRIDE;

	if (cut >= LENGTH)
		cut = KIB(4);
	base_store(&race->newest, round);
	if (cut)
		assert_int_equal(pgtable_map(&race->pt, IOVA, pa, cut, round_prot(round), pgsizes),
				 0);
	assert_int_equal(pgtable_map(&race->pt, IOVA + cut, pa + cut, LENGTH - cut,
				     round_prot(round), pgsizes),
			 0);
	wait_for_a_find(race);
	round_unmap(race, random, cut);
	base_store(&race->oldest, round + 1);
}

static void race_run(const struct pgtable_format *format)
{
	struct race race = {.oldest = 1};
	struct walker walkers[WALKERS];
	pthread_t threads[WALKERS];
	struct random random = {42};

	assert_int_equal(pgtable_init(&race.pt, format, 38), 0);
	for (unsigned i = 0; i < WALKERS; i++) {
		walkers[i] = (struct walker){&race, i};
		assert_int_equal(pthread_create(&threads[i], NULL, walker_run, &walkers[i]), 0);
	}
	for (uint32_t round = 1; round <= ROUNDS; round++)
		round_run(&race, &random, round);
	base_store(&race.stop, 1);
	for (unsigned i = 0; i < WALKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.mistakes, 0);
	pgtable_fini(&race.pt);
}

static void walks_see_old_or_new(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++)
		race_run(all_formats[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_see_old_or_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
