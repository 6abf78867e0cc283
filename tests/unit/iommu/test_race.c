// SPDX-License-Identifier: MIT
/* Memory is taken away by unmap, detach, replace or a map that fails: see race.h. */
#include "guest.h"
#include "race.h"

#include <errno.h>
#include <string.h>

#define ROUNDS 40
#define IOVA   MIB(64)
#define LENGTH MIB(2)
#define GOOD   RACE_GOOD

/* Where the workers are, and what they may meet. */
static struct race race_at_iova(uint32_t allowed)
{
	return (struct race){
		.iova = IOVA,
		.length = LENGTH,
		.chunk = RACE_CHUNK_MAX,
		.allowed = allowed,
		.rounds = ROUNDS,
	};
}

/* ---- map and unmap ---- */

struct unmapping {
	struct race race;
	struct rig rig;
	struct iommu_domain *domain;
	uint8_t *memory;
};

/*
 * Every other memory begins a page off, so that its leaves are small and a whole
 * table goes with the unmap.
 */
static void unmap_round(void *arg, unsigned number)
{
	struct unmapping *u = arg;
	uint8_t *memory = u->memory + number % 2 * PAGE;

	memset(memory, GOOD, LENGTH);
	map(u->domain, IOVA, memory, LENGTH, BOTH);
	race_wait_for_success(&u->race);
	unmap(u->domain, IOVA, LENGTH);
	race_expect_left_alone(&u->race, memory);
}

static void munmap_round(void *arg, unsigned number)
{
	struct unmapping *u = arg;
	uint8_t *memory = memory_new(LENGTH, number % 2 ? PAGE : LENGTH);

	memset(memory, GOOD, LENGTH);
	map(u->domain, IOVA, memory, LENGTH, BOTH);
	race_wait_for_success(&u->race);
	unmap(u->domain, IOVA, LENGTH);
	memory_free(memory, LENGTH);
}

static void unmapping_run(const char *kind, void (*round)(void *arg, unsigned number))
{
	struct unmapping u = {.race = race_at_iova(IOMMU_FAULT_NOT_MAPPED)};

	rig_init(&u.rig, kind);
	u.race.device = u.rig.device;
	u.domain = domain_new(u.rig.device, 0);
	u.memory = memory_new(LENGTH + PAGE, LENGTH);
	attach(&u.rig, u.domain);
	race_run(&u.race, round, &u);
	iommu_group_detach(u.rig.group, 0);
	iommu_domain_free(u.domain);
	memory_free(u.memory, LENGTH + PAGE);
	rig_fini(&u.rig);
	race_expect_no_mistakes(&u.race);
}

static void memory_is_left_alone_after_unmap(void **state)
{
	unmapping_run(*state, unmap_round);
}

static void memory_may_be_given_back_after_unmap(void **state)
{
	unmapping_run(*state, munmap_round);
}

/*
 * One page that leads now here, now there, as fast as can be. Whatever a worker
 * has kept of an earlier round leads to poison.
 */
static void quick_round(void *arg, unsigned number)
{
	struct unmapping *u = arg;
	uint8_t *page = u->memory + number % 2 * PAGE;

	memset(page, GOOD, PAGE);
	map(u->domain, IOVA, page, PAGE, BOTH);
	if (number % 64 == 0)
		race_wait_for_success(&u->race);
	unmap(u->domain, IOVA, PAGE);
	memset(page, RACE_POISON, PAGE);
}

static void quick_changes_leave_nothing_behind(void **state)
{
	struct unmapping u = {.race = race_at_iova(IOMMU_FAULT_NOT_MAPPED)};

	u.race.length = u.race.chunk = PAGE;
	u.race.rounds = 3000;
	rig_init(&u.rig, *state);
	u.race.device = u.rig.device;
	u.domain = domain_new(u.rig.device, 0);
	u.memory = memory_new(2 * PAGE, PAGE);
	attach(&u.rig, u.domain);
	race_run(&u.race, quick_round, &u);
	iommu_group_detach(u.rig.group, 0);
	iommu_domain_free(u.domain);
	memory_free(u.memory, 2 * PAGE);
	rig_fini(&u.rig);
	race_expect_no_mistakes(&u.race);
}

/* ---- detach, free, replace ---- */

struct switching {
	struct race race;
	struct rig rig;
	struct iommu_domain *domains[2];
	uint8_t *memory[2];
};

static void switching_map(struct switching *s, unsigned i)
{
	memset(s->memory[i], GOOD, LENGTH);
	s->domains[i] = domain_new(s->rig.device, 0);
	map(s->domains[i], IOVA, s->memory[i], LENGTH, BOTH);
}

static void detach_round(void *arg, unsigned number)
{
	struct switching *s = arg;
	unsigned i = number % 2;

	memset(s->memory[i], GOOD, LENGTH);
	attach(&s->rig, s->domains[i]);
	race_wait_for_success(&s->race);
	iommu_group_detach(s->rig.group, 0);
	race_expect_left_alone(&s->race, s->memory[i]);
}

static void free_round(void *arg, unsigned number)
{
	struct switching *s = arg;
	unsigned i = number % 2;

	attach(&s->rig, s->domains[i]);
	race_wait_for_success(&s->race);
	iommu_group_detach(s->rig.group, 0);
	iommu_domain_free(s->domains[i]);
	race_expect_left_alone(&s->race, s->memory[i]);
	switching_map(s, i);
}

/* Requests find the old domain or the new one, never none. */
static void replace_round(void *arg, unsigned number)
{
	struct switching *s = arg;
	unsigned i = number % 2;

	memset(s->memory[!i], GOOD, LENGTH);
	race_wait_for_success(&s->race);
	assert_int_equal(iommu_group_replace(s->rig.group, 0, s->domains[!i]), 0);
	race_expect_left_alone(&s->race, s->memory[i]);
	race_wait_for_success(&s->race);
}

static void switching_run(const char *kind, void (*round)(void *arg, unsigned number),
			  uint32_t allowed)
{
	struct switching s = {.race = race_at_iova(allowed)};

	rig_init(&s.rig, kind);
	s.race.device = s.rig.device;
	for (unsigned i = 0; i < 2; i++) {
		s.memory[i] = memory_new(LENGTH, LENGTH);
		switching_map(&s, i);
	}
	if (round == replace_round)
		attach(&s.rig, s.domains[0]);
	race_run(&s.race, round, &s);
	iommu_group_detach(s.rig.group, 0);
	for (unsigned i = 0; i < 2; i++) {
		iommu_domain_free(s.domains[i]);
		memory_free(s.memory[i], LENGTH);
	}
	rig_fini(&s.rig);
	race_expect_no_mistakes(&s.race);
}

static void memory_is_left_alone_after_detach(void **state)
{
	switching_run(*state, detach_round, IOMMU_FAULT_BLOCKED);
}

static void domains_may_be_freed_after_detach(void **state)
{
	switching_run(*state, free_round, IOMMU_FAULT_BLOCKED);
}

static void memory_is_left_alone_after_replace(void **state)
{
	switching_run(*state, replace_round, 0);
}

/* ---- a map that fails ---- */

#define FAILING_LENGTH MIB(64)

/*
 * The last page of the range is taken, so the map is undone when it gets there.
 * Requests that came through meanwhile leave nothing behind.
 */
static void failing_map_round(void *arg, unsigned number)
{
	struct unmapping *u = arg;
	struct base_list trash = BASE_LIST_INIT(trash);

	(void)number;
	memset(u->memory, GOOD, LENGTH);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(iommu_domain_map(u->domain, IOVA, (uintptr_t)u->memory,
						  FAILING_LENGTH, BOTH, PAGE),
				 -EADDRINUSE);
	iommu_sync(&trash);
	race_expect_left_alone(&u->race, u->memory);
}

static void memory_is_left_alone_after_a_map_that_failed(void **state)
{
	struct unmapping u = {.race = race_at_iova(IOMMU_FAULT_NOT_MAPPED)};

	u.race.rounds = ROUNDS / 2;
	rig_init(&u.rig, *state);
	u.race.device = u.rig.device;
	u.domain = domain_new(u.rig.device, 0);
	u.memory = memory_new(LENGTH, PAGE);
	map(u.domain, IOVA + FAILING_LENGTH - PAGE, u.memory, PAGE, READ);
	attach(&u.rig, u.domain);
	race_run(&u.race, failing_map_round, &u);
	iommu_group_detach(u.rig.group, 0);
	iommu_domain_free(u.domain);
	memory_free(u.memory, LENGTH);
	rig_fini(&u.rig);
	race_expect_no_mistakes(&u.race);
}

/* ---- below a nested domain ---- */

struct nesting {
	struct race race;
	struct guest guest;
	uint8_t *memory;
};

/* The guest's table stays; what it leads to comes and goes behind the parent. */
static void nested_round(void *arg, unsigned number)
{
	struct nesting *n = arg;
	uint8_t *memory = n->memory + number % 2 * PAGE;

	memset(memory, GOOD, LENGTH);
	map(n->guest.parent, GIB(1), memory, LENGTH, BOTH);
	race_wait_for_success(&n->race);
	unmap(n->guest.parent, GIB(1), LENGTH);
	race_expect_left_alone(&n->race, memory);
}

static void nesting_run(unsigned level)
{
	struct nesting n = {.race = race_at_iova(IOMMU_FAULT_NOT_MAPPED)};

	guest_init(&n.guest, KIB(4));
	n.race.device = n.guest.device;
	n.memory = memory_new(LENGTH + PAGE, LENGTH);
	for (uint64_t at = 0; at < LENGTH; at += level ? MIB(2) : PAGE)
		guest_map(&n.guest, IOVA + at, GIB(1) + at, level, USER_RW);
	race_run(&n.race, nested_round, &n);
	memory_free(n.memory, LENGTH + PAGE);
	guest_fini(&n.guest);
	race_expect_no_mistakes(&n.race);
}

static void memory_is_left_alone_after_unmap_below_small_guest_pages(void **state)
{
	(void)state;
	nesting_run(0);
}

static void memory_is_left_alone_after_unmap_below_a_large_guest_page(void **state)
{
	(void)state;
	nesting_run(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_EACH_KIND(memory_is_left_alone_after_unmap),
		ON_EACH_KIND(memory_may_be_given_back_after_unmap),
		ON_EACH_KIND(quick_changes_leave_nothing_behind),
		ON_EACH_KIND(memory_is_left_alone_after_detach),
		ON_EACH_KIND(domains_may_be_freed_after_detach),
		ON_EACH_KIND(memory_is_left_alone_after_replace),
		ON_EACH_KIND(memory_is_left_alone_after_a_map_that_failed),
		cmocka_unit_test(memory_is_left_alone_after_unmap_below_small_guest_pages),
		cmocka_unit_test(memory_is_left_alone_after_unmap_below_a_large_guest_page),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
