// SPDX-License-Identifier: MIT
/*
 * Accesses that pin, copy, move and end, against UNMAP, and hardware queues against all
 * of that (iommufd-ioctls.md 10.4, 24, 29; iommufd-objects.md 6.2, 13.4).
 */
#include "race.h"
#include "selftest.h"

#include <unistd.h>

#define BASE  0x2000000ull
#define AT(n) (BASE + (n)*PAGE)
#define AREAS 4
#define TIME  300000 /* microseconds */

struct scene {
	uint32_t ioas[2], viommu;
	uint8_t *memory; /* of area n: page n */
	int access[2];
};

static struct scene s;

static unsigned next_random(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

static void make_scene(struct abi *abi)
{
	s.memory = abi_pages(abi, AREAS);
	for (unsigned i = 0; i < 2; i++) {
		s.ioas[i] = abi_ioas(abi);
		s.access[i] = st_access(abi, s.ioas[i], true);
	}
}

/* ---- workers ---- */

/* Everything comes and goes. -EBUSY: somebody else maps or unmaps it. */
static void mapper(struct race *race, void *arg)
{
	unsigned state = ADDR(arg);

	while (race_goes_on(race)) {
		unsigned n = next_random(&state) % AREAS, i = next_random(&state) % 2;

		allow(abi_map_at(race->abi, s.ioas[i], RW, s.memory + n * PAGE, PAGE, AT(n)), 0,
		      -EEXIST);
		n = next_random(&state) % AREAS;
		allow(abi_unmap(race->abi, s.ioas[i], AT(n), PAGE, NULL), 0, -ENOENT, -EBUSY);
	}
}

/* -EINVAL: it is just being unmapped. */
static void pinner(struct race *race, void *arg)
{
	unsigned state = ADDR(arg) + 7;
	int fd = s.access[ADDR(arg) % 2];
	uint32_t id;

	while (race_goes_on(race)) {
		unsigned n = next_random(&state) % AREAS, count = 1 + next_random(&state) % 2;

		if (allow(st_pin(race->abi, fd, 0, AT(n), count * PAGE, s.memory + n * PAGE, &id),
			  0, -ENOENT, -EINVAL))
			continue;
		allow(st_unpin(race->abi, fd, id), 0, -ENOENT);
	}
}

static void copier(struct race *race, void *arg)
{
	unsigned state = ADDR(arg) + 99;
	uint8_t bytes[32] = {0};

	while (race_goes_on(race)) {
		unsigned n = next_random(&state) % AREAS;
		uint32_t flags = next_random(&state) % 2 ? MOCK_ACCESS_RW_WRITE : 0;

		allow(st_rw(race->abi, s.access[n % 2], flags, AT(n) - 16, bytes, 32), 0, -ENOENT,
		      -EINVAL);
	}
}

static void mover(struct race *race, void *arg)
{
	unsigned state = ADDR(arg) + 31;

	while (race_goes_on(race))
		allow(st_access_replace(race->abi, s.access[next_random(&state) % 2],
					s.ioas[next_random(&state) % 2]),
		      0, -EBUSY);
}

/* An access that ends with what it has pinned, maybe while it is asked to unpin. */
static void ender(struct race *race, void *arg)
{
	unsigned state = ADDR(arg) + 5;
	uint32_t id;
	int fd;

	while (race_goes_on(race)) {
		unsigned n = next_random(&state) % AREAS;

		if (allow(st_create_access(race->abi, s.ioas[n % 2], true, &fd), 0))
			continue;
		allow(st_pin(race->abi, fd, 0, AT(n), PAGE, NULL, &id), 0, -ENOENT, -EINVAL);
		allow(swiommu_close(race->abi->machine, fd), 0);
	}
}

/* -EIO: the queue below is missing; -EEXIST: the other thread has it. */
static void queuer(struct race *race, void *arg)
{
	unsigned state = ADDR(arg) + 3;
	uint32_t id;

	while (race_goes_on(race)) {
		uint32_t index = next_random(&state) % 2;

		if (allow(abi_hw_queue(race->abi, s.viommu, index, AT(0), PAGE, &id), 0, -EIO,
			  -EEXIST, -ENOENT, -EINVAL))
			continue;
		/* Nobody else knows the id; who stands on the queue goes away soon. */
		while (allow(abi_destroy(race->abi, id), 0, -EBUSY))
			usleep(50);
	}
}

/* ---- scenes ---- */

/* Nothing is left: neither pins nor users. */
static void finish(struct abi *abi)
{
	for (unsigned i = 0; i < 2; i++)
		ok(swiommu_close(abi->machine, s.access[i]));
	for (unsigned i = 0; i < 2; i++)
		ok(abi_unmap_all(abi, s.ioas[i], NULL));
	ok(st_check_refs(abi, s.memory, AREAS * PAGE, 0));
}

static void accesses_against_unmap(struct abi *abi)
{
	struct race race;

	make_scene(abi);
	race_start(&race, abi);
	race_add(&race, mapper, (void *)1);
	race_add(&race, mapper, (void *)2);
	race_add(&race, pinner, (void *)1);
	race_add(&race, pinner, (void *)2);
	race_add(&race, copier, (void *)3);
	race_add(&race, ender, (void *)4);
	usleep(TIME);
	race_join(&race);
	finish(abi);
	for (unsigned i = 0; i < 2; i++)
		ok(abi_destroy(abi, s.ioas[i]));
}

static void accesses_that_move(struct abi *abi)
{
	struct race race;

	make_scene(abi);
	race_start(&race, abi);
	race_add(&race, mapper, (void *)1);
	race_add(&race, pinner, (void *)1);
	race_add(&race, pinner, (void *)2);
	race_add(&race, copier, (void *)3);
	race_add(&race, mover, (void *)4);
	race_add(&race, mover, (void *)5);
	usleep(TIME);
	race_join(&race);
	finish(abi);
	for (unsigned i = 0; i < 2; i++)
		ok(abi_destroy(abi, s.ioas[i]));
}

static void queues_against_unmap(struct abi *abi)
{
	struct iommu_viommu_alloc cmd = {.size = sizeof(cmd), .type = IOMMU_VIOMMU_TYPE_SELFTEST};
	struct race race;
	struct stdev stdev;

	make_scene(abi);
	stdev = st_new(abi, s.ioas[0]);
	cmd.dev_id = stdev.idev;
	cmd.hwpt_id = st_hwpt(abi, stdev.idev, s.ioas[0], IOMMU_HWPT_ALLOC_NEST_PARENT);
	ok(abi_ioctl(abi, IOMMU_VIOMMU_ALLOC, &cmd));
	s.viommu = cmd.out_viommu_id;
	race_start(&race, abi);
	race_add(&race, mapper, (void *)1);
	race_add(&race, mapper, (void *)2);
	race_add(&race, pinner, (void *)2);
	race_add(&race, queuer, (void *)3);
	race_add(&race, queuer, (void *)4);
	usleep(TIME);
	race_join(&race);
	finish(abi);
	ok(abi_destroy(abi, s.viommu));
}

int main(void)
{
	abi_on(abi_selftest, accesses_against_unmap);
	abi_on(abi_selftest, accesses_that_move);
	abi_on(abi_selftest, queues_against_unmap);
	return abi_run("access_race");
}
