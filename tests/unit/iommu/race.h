/* SPDX-License-Identifier: MIT */
/*
 * Requests of several threads while memory is taken away: once the call that did
 * so has returned, nothing of it is read or written. To show that, the memory
 * is then poisoned, or unmapped from the process.
 */
#ifndef TESTS_IOMMU_RACE_H
#define TESTS_IOMMU_RACE_H

#include "fixture.h"

#define RACE_WORKERS   3
#define RACE_CHUNK_MAX KIB(8)
#define RACE_GOOD      0x11 /* all that workers write, and may read */
#define RACE_POISON    0xbd

struct race {
	/* Set before the run: where the workers are, and in what pieces. */
	struct iommu_device *device;
	uint64_t iova, length, chunk;
	uint32_t allowed; /* the fault code that may be, 0: none */
	unsigned rounds;

	uint32_t stop;
	uint32_t tried[RACE_WORKERS], done[RACE_WORKERS]; /* requests that ended; successful ones */
	struct base_waitq progress;

	/* What must not be. */
	uint32_t poison_read, late_writes, gone, other_faults;
};

/* Call `round` with arg and 0, 1, 2... beside the workers. They are gone afterwards. */
void race_run(struct race *race, void (*round)(void *arg, unsigned number), void *arg);

/* In a round: until each worker has got through once more. */
void race_wait_for_success(struct race *race);

/* In a round: nobody has a right to the `length` bytes at memory any more. They are poisoned. */
void race_expect_left_alone(struct race *race, uint8_t *memory);

/* After the run. */
void race_expect_no_mistakes(const struct race *race);

#endif
