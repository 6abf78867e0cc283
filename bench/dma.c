// SPDX-License-Identifier: MIT
/*
 * A program with a machine of its own, whose device uses the DMA services:
 * `dma copy` compares blocks, `dma translate` prints the nanoseconds of a read of
 * 8 bytes, and of its translation alone.
 */
#include "blocks.h"
#include "library.h"

#define WORDS 512u /* of one page */

static void dma_copy(void *arg, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t offset = i % BLOCK_COUNT * BLOCK;

		bench_must(swiommu_dma_copy(arg, 0, BLOCKS_DST + offset, BLOCKS_SRC + offset, BLOCK,
					    NULL),
			   "swiommu_dma_copy");
	}
}

static void dma_read(void *arg, unsigned count)
{
	uint64_t word;

	for (unsigned i = 0; i < count; i++)
		bench_must(swiommu_dma_read(arg, 0, BLOCKS_SRC + i % WORDS * sizeof(word), &word,
					    sizeof(word), NULL),
			   "swiommu_dma_read");
}

/* The same without an access to memory, so without a translation. */
static void dma_read_nothing(void *arg, unsigned count)
{
	uint64_t word;

	for (unsigned i = 0; i < count; i++)
		bench_must(swiommu_dma_read(arg, 0, BLOCKS_SRC + i % WORDS * sizeof(word), &word, 0,
					    NULL),
			   "swiommu_dma_read");
}

static __attribute__((noinline)) int copy_word(uint64_t *dst, const uint64_t *src)
{
	*dst = *src;
	__asm__ volatile("" ::: "memory");
	return 0;
}

/* What the read does with the address once it is translated. */
static void read_word(void *arg, unsigned count)
{
	const uint64_t *words = arg;
	uint64_t word;

	for (unsigned i = 0; i < count; i++)
		bench_must(copy_word(&word, words + i % WORDS), "copy_word");
}

static void read_no_word(void *arg, unsigned count)
{
	(void)arg;
	for (unsigned i = 0; i < count; i++)
		bench_must(i % WORDS ? 0 : 1, "nothing");
}

static void translate(struct swiommu_device *device)
{
	struct timing t[] = {
		{dma_read, device, 0},
		{dma_read_nothing, device, 0},
		{read_word, blocks, 0},
		{read_no_word, blocks, 0},
	};

	timing_all(t, 4, 1000, 4 * WORDS);
	printf("%.1f %.1f\n", t[0].best_ns - t[3].best_ns,
	       t[0].best_ns - t[1].best_ns - (t[2].best_ns - t[3].best_ns));
}

int main(int argc, char **argv)
{
	struct swiommu_device *model = bench_machine_new();
	struct bench_space space;
	struct bench_device device;

	bench_space_open(&space);
	bench_device_bind(&device, &space);
	bench_device_attach(&device, space.ioas);
	blocks_map(&space);
	if (argc == 2 && !strcmp(argv[1], "copy")) {
		blocks_compare(dma_copy, model);
	} else if (argc == 2 && !strcmp(argv[1], "translate")) {
		translate(model);
	} else {
		fprintf(stderr, "usage: dma copy|translate\n");
		return 2;
	}
	return 0;
}
