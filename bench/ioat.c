// SPDX-License-Identifier: MIT
/* A plain client whose ioat device copies blocks: one descriptor, two register writes for each. */
#include "blocks.h"

#define REG_DMACOUNT  0x86
#define REG_CHANSTS   0x88
#define REG_CHAINADDR 0x90

#define RING ((uint64_t)1 << 16) /* IOVA of the descriptors */

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t other[4];
};

static void ring_make(struct descriptor *ring)
{
	for (unsigned i = 0; i < BLOCK_COUNT; i++)
		ring[i] = (struct descriptor){
			.size = BLOCK,
			.source = BLOCKS_SRC + i * BLOCK,
			.destination = BLOCKS_DST + i * BLOCK,
		};
}

static void ioat_copy(void *arg, unsigned count)
{
	const struct bench_device *device = arg;

	for (unsigned i = 0; i < count; i++) {
		bench_device_write(device, REG_CHAINADDR,
				   RING + i % BLOCK_COUNT * sizeof(struct descriptor), 8);
		bench_device_write(device, REG_DMACOUNT, 1, 2);
	}
}

int main(void)
{
	struct bench_space space;
	struct bench_device device;
	struct descriptor *ring = bench_memory(4096);

	bench_space_open(&space);
	bench_device_bind(&device, &space);
	bench_device_attach(&device, space.ioas);
	blocks_map(&space);
	bench_space_map(&space, ring, 4096, RING);
	ring_make(ring);
	blocks_compare(ioat_copy, &device);
	return 0;
}
