// SPDX-License-Identifier: MIT
/* Threads that make requests, and count what must not be. */
#include "race.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct worker {
	struct race *race;
	unsigned number;
};

/* ---- workers ---- */

static void count_fault(struct race *race, const struct iommu_dma_fault *fault)
{
	if (fault->code == IOMMU_FAULT_ACCESS)
		base_add(&race->gone, 1);
	else if (fault->code != race->allowed)
		base_add(&race->other_faults, 1);
}

static int read_and_check(struct race *race, uint64_t iova, struct iommu_dma_fault *fault)
{
	uint8_t buf[RACE_CHUNK_MAX];
	int rc = iommu_dma_read(race->device, 0, iova, buf, race->chunk, fault);

	if (!rc && memchr(buf, RACE_POISON, race->chunk))
		base_add(&race->poison_read, 1);
	return rc;
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	struct race *race = worker->race;
	struct random random = {worker->number};
	uint8_t good[RACE_CHUNK_MAX];

	memset(good, RACE_GOOD, sizeof(good));
	while (!base_load(&race->stop)) {
		uint64_t iova = race->iova + random_below(&random, race->length - race->chunk + 1);
		uint64_t other = race->iova + random_below(&random, race->length - race->chunk + 1);
		struct iommu_dma_fault fault;
		int rc;

		switch (random_below(&random, 4)) {
		case 0:
			rc = iommu_dma_write(race->device, 0, iova, good, race->chunk, &fault);
			break;
		case 1:
			rc = iommu_dma_copy(race->device, 0, iova, other, race->chunk, &fault);
			break;
		default: rc = read_and_check(race, iova, &fault);
		}
		if (rc)
			count_fault(race, &fault);
		else
			base_add(&race->done[worker->number], 1);
		base_add(&race->tried[worker->number], 1);
		base_waitq_wake(&race->progress);
	}
	return NULL;
}

/* Some counter of a worker, and what it was. */
struct progress {
	const uint32_t *counter;
	uint32_t before, wanted;
};

static bool has_progressed(void *arg)
{
	const struct progress *p = arg;

	return base_load(p->counter) - p->before >= p->wanted;
}

/* Until every counter has got on so far. */
static void wait_for(struct race *race, const uint32_t counters[RACE_WORKERS], uint32_t wanted)
{
	struct progress before[RACE_WORKERS];

	for (unsigned i = 0; i < RACE_WORKERS; i++)
		before[i] = (struct progress){&counters[i], base_load(&counters[i]), wanted};
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		while (base_waitq_wait(&race->progress, has_progressed, &before[i], 1000))
			;
}

/* Until each worker has got through once more. */
void race_wait_for_success(struct race *race)
{
	wait_for(race, race->done, 1);
}

/* Run `round` beside the workers. */
void race_run(struct race *race, void (*round)(void *arg, unsigned number), void *arg)
{
	struct worker workers[RACE_WORKERS];
	pthread_t threads[RACE_WORKERS];

	base_waitq_init(&race->progress);
	for (unsigned i = 0; i < RACE_WORKERS; i++) {
		workers[i] = (struct worker){race, i};
		assert_int_equal(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
	}
	for (unsigned i = 0; i < race->rounds; i++)
		round(arg, i);
	base_store(&race->stop, 1);
	for (unsigned i = 0; i < RACE_WORKERS; i++)
		pthread_join(threads[i], NULL);
}

void race_expect_no_mistakes(const struct race *race)
{
	assert_int_equal(race->poison_read, 0);
	assert_int_equal(race->late_writes, 0);
	assert_int_equal(race->gone, 0);
	assert_int_equal(race->other_faults, 0);
}

/*
 * Nobody has a right to this memory. What the workers were about now has ended
 * when they have ended two more requests.
 */
void race_expect_left_alone(struct race *race, uint8_t *memory)
{
	memset(memory, RACE_POISON, race->length);
	wait_for(race, race->tried, 2);
	/* All bytes are equal if each is equal to the one before. */
	race->late_writes +=
		memory[0] != RACE_POISON || memcmp(memory, memory + 1, race->length - 1) != 0;
}
