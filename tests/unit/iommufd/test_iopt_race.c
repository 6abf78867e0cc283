// SPDX-License-Identifier: MIT
/* Requests of several threads while an IOVA space and its domains change: see race.h. */
#include "../iommu/race.h"
#include "space.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define IOVA   MIB(64)
#define LENGTH MIB(2)

/* A space with a domain that is attached, and perhaps a second one that is not. */
struct setting {
	struct race race;
	struct hardware hardware;
	struct iopt iopt;
	struct iopt_domain domains[2];
	uint8_t *memory;
};

static void setting_init(struct setting *s, unsigned rounds)
{
	*s = (struct setting){.race = {.iova = IOVA,
				       .length = LENGTH,
				       .chunk = RACE_CHUNK_MAX,
				       .allowed = IOMMU_FAULT_NOT_MAPPED,
				       .rounds = rounds}};
	hardware_init(&s->hardware);
	space_init(&s->iopt);
	s->race.device = s->hardware.vtd.device;
	s->memory = memory_new(LENGTH, LENGTH);
	domain_make(&s->hardware, DOMAIN_VTD, &s->domains[0]);
	attach(&s->hardware.vtd, s->domains[0].domain);
	assert_int_equal(iopt_add_domain(&s->iopt, &s->domains[0]), 0);
}

static void setting_fini(struct setting *s)
{
	iommu_group_detach(s->hardware.vtd.group, 0);
	iopt_remove_domain(&s->iopt, &s->domains[0]);
	iommu_domain_free(s->domains[0].domain);
	iopt_fini(&s->iopt);
	hardware_fini(&s->hardware);
	memory_free(s->memory, LENGTH);
	race_expect_no_mistakes(&s->race);
}

static void unmap_round(void *arg, unsigned number)
{
	struct setting *s = arg;
	uint64_t unmapped;

	(void)number;
	memset(s->memory, RACE_GOOD, LENGTH);
	assert_int_equal(space_map_fixed(&s->iopt, (uintptr_t)s->memory, LENGTH, BOTH, IOVA), 0);
	race_wait_for_success(&s->race);
	assert_int_equal(iopt_unmap(&s->iopt, 0, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, LENGTH);
	race_expect_left_alone(&s->race, s->memory);
}

static void memory_is_left_alone_after_unmap(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s, 40);
	race_run(&s.race, unmap_round, &s);
	setting_fini(&s);
}

/* The second domain does not take what is read-only, after the first has taken it. */
static void refused_round(void *arg, unsigned number)
{
	struct setting *s = arg;

	(void)number;
	memset(s->memory, RACE_GOOD, LENGTH);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(space_map_fixed(&s->iopt, (uintptr_t)s->memory, LENGTH, READ,
						 IOVA),
				 -EINVAL);
	race_expect_left_alone(&s->race, s->memory);
}

static void memory_is_left_alone_after_a_map_that_failed(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s, 20);
	domain_make(&s.hardware, DOMAIN_VTD_PARENT, &s.domains[1]);
	assert_int_equal(iopt_add_domain(&s.iopt, &s.domains[1]), 0);
	/* Writes are refused as well, for another reason. */
	race_run(&s.race, refused_round, &s);
	s.race.other_faults = 0;
	iopt_remove_domain(&s.iopt, &s.domains[1]);
	iommu_domain_free(s.domains[1].domain);
	setting_fini(&s);
}

/* ---- many threads change the space ---- */

#define THREADS 4
#define CHANGES 400
#define SHARE	MIB(1) /* of IOVA, for each thread */

struct changer {
	struct setting *s;
	unsigned number, mistakes;
};

/* Maps and unmaps in a range of its own: nobody else is in the way. */
static void *change_own_range(void *arg)
{
	struct changer *c = arg;
	uint64_t start = IOVA + c->number * SHARE, unmapped;
	struct random random = {c->number};

	for (unsigned i = 0; i < CHANGES; i++) {
		uint64_t length = (1 + random_below(&random, 32)) * PAGE;

		c->mistakes += space_map_fixed(&c->s->iopt, (uintptr_t)c->s->memory, length, BOTH,
					       start) != 0;
		c->mistakes += space_map_fixed(&c->s->iopt, (uintptr_t)c->s->memory, PAGE, BOTH,
					       start + length - PAGE) != -EEXIST;
		c->mistakes += iopt_unmap(&c->s->iopt, start, start + SHARE - 1, &unmapped) != 0;
		c->mistakes += unmapped != length;
	}
	return NULL;
}

/* Everybody wants the same place: one has it, until anybody unmaps it. */
static void *change_one_place(void *arg)
{
	struct changer *c = arg;
	uint64_t unmapped;

	for (unsigned i = 0; i < CHANGES; i++) {
		int rc = space_map_fixed(&c->s->iopt, (uintptr_t)c->s->memory, PAGE, BOTH, IOVA);

		c->mistakes += rc && rc != -EEXIST;
		rc = iopt_unmap(&c->s->iopt, IOVA, IOVA + PAGE - 1, &unmapped);
		c->mistakes += rc && rc != -EBUSY;
		c->mistakes += !rc && unmapped && unmapped != PAGE;
	}
	return NULL;
}

/* While a second domain joins and leaves. */
static void changes_run(void *(*change)(void *arg))
{
	struct changer changers[THREADS];
	pthread_t threads[THREADS];
	struct setting s;

	setting_init(&s, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		changers[i] = (struct changer){.s = &s, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, change, &changers[i]), 0);
	}
	for (unsigned i = 0; i < 50; i++) {
		domain_make(&s.hardware, DOMAIN_MOCK_HUGE, &s.domains[1]);
		assert_int_equal(iopt_add_domain(&s.iopt, &s.domains[1]), 0);
		base_yield();
		iopt_remove_domain(&s.iopt, &s.domains[1]);
		iommu_domain_free(s.domains[1].domain);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(changers[i].mistakes, 0);
	}
	setting_fini(&s);
}

static void threads_change_ranges_of_their_own(void **state)
{
	(void)state;
	changes_run(change_own_range);
}

static void threads_want_the_same_place(void **state)
{
	(void)state;
	changes_run(change_one_place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_left_alone_after_unmap),
		cmocka_unit_test(memory_is_left_alone_after_a_map_that_failed),
		cmocka_unit_test(threads_change_ranges_of_their_own),
		cmocka_unit_test(threads_want_the_same_place),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
