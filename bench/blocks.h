/* SPDX-License-Identifier: MIT */
/* Copies of 1 MiB by a device, against memcpy() of the same memory. */
#ifndef BENCH_BLOCKS_H
#define BENCH_BLOCKS_H

#include "device.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK	    ((size_t)1 << 20)
#define BLOCK_COUNT 16u

/* Where the device sees the blocks: the sources, then the destinations. */
#define BLOCKS_SRC ((uint64_t)1 << 32)
#define BLOCKS_DST (BLOCKS_SRC + BLOCK * BLOCK_COUNT)

static uint8_t *blocks; /* in the client's memory, sources first */

static inline void blocks_map(const struct bench_space *space)
{
	blocks = bench_memory(2 * BLOCK * BLOCK_COUNT);
	memset(blocks, 0x5a, BLOCK * BLOCK_COUNT);
	bench_space_map(space, blocks, 2 * BLOCK * BLOCK_COUNT, BLOCKS_SRC);
}

static inline void blocks_memcpy(void *arg, unsigned count)
{
	(void)arg;
	for (unsigned i = 0; i < count; i++) {
		uint8_t *src = blocks + i % BLOCK_COUNT * BLOCK;

		memcpy(src + BLOCK * BLOCK_COUNT, src, BLOCK);
		__asm__ volatile("" ::: "memory");
	}
}

/* Does the device copy all blocks? Prints its speed in per cent of memcpy's. */
static inline void blocks_compare(void (*device_copy)(void *arg, unsigned count), void *arg)
{
	struct timing timings[] = {{blocks_memcpy, NULL, 0}, {device_copy, arg, 0}};

	device_copy(arg, BLOCK_COUNT);
	if (memcmp(blocks, blocks + BLOCK * BLOCK_COUNT, BLOCK * BLOCK_COUNT)) {
		fprintf(stderr, "what the device has copied is not like the source\n");
		exit(1);
	}
	timing_all(timings, 2, 100, BLOCK_COUNT);
	printf("%.1f\n", 100 * timings[0].best_ns / timings[1].best_ns);
}

#endif
