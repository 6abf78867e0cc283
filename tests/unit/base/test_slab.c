// SPDX-License-Identifier: MIT
/* base/slab.h: no two have a block, whatever way it goes; and the memory goes back. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIZE   120
#define BLOCKS 3000 /* more than a chunk has */
#define STOCKS 4
#define LARGE  1024

static struct base_slab slab;
static struct base_stock stocks[STOCKS];
static uint8_t *blocks[BLOCKS];
static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* The slab has given back all that it had. */
static void check_empty(const struct base_slab *s)
{
	assert_int_equal(s->out, 0);
	assert_null(s->free);
	assert_null(s->chunk);
	base_slab_fini(s);
}

static int init(void **state)
{
	(void)state;
	base_slab_init(&slab, SIZE);
	for (unsigned i = 0; i < STOCKS; i++)
		base_stock_init(&stocks[i], &slab);
	return 0;
}

static void fini_stocks(void)
{
	for (unsigned i = 0; i < STOCKS; i++) {
		base_stock_fini(&stocks[i]);
		assert_null(stocks[i].first);
	}
}

/* From the slab itself if `from` is no stock. */
static void *block_new(unsigned from)
{
	return from < STOCKS ? base_stock_alloc(&stocks[from]) : base_slab_alloc(&slab);
}

static void block_free(unsigned to, void *block)
{
	if (to < STOCKS)
		base_stock_free(&stocks[to], block);
	else
		base_slab_free(&slab, block);
}

/* What block i is filled with. */
static void fill(unsigned i)
{
	assert_int_equal((uintptr_t)blocks[i] % 8, 0);
	memset(blocks[i], (int)(i % 251), SIZE);
}

static void check_filled(unsigned i)
{
	for (unsigned at = 0; at < SIZE; at++)
		assert_int_equal(blocks[i][at], i % 251);
}

static void blocks_keep_what_is_in_them(void **state)
{
	size_t before = base_alloc_count();

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < BLOCKS; i++) {
			blocks[i] = block_new(i % (STOCKS + 1));
			assert_non_null(blocks[i]);
			fill(i);
		}
		for (unsigned i = 0; i < BLOCKS; i++) {
			check_filled(i);
			block_free(i / 7 % (STOCKS + 1), blocks[i]);
		}
	}
	fini_stocks();
	check_empty(&slab);
	assert_int_equal(base_alloc_count(), before);
}

static void random_moves_between_stocks_lose_nothing(void **state)
{
	static bool taken[BLOCKS];

	(void)state;
	for (unsigned step = 0; step < 200000; step++) {
		bool growing = step / 10000 % 2 == 0;
		unsigned i = (unsigned)random_below(BLOCKS);

		if (taken[i]) {
			check_filled(i);
			if (!growing || random_below(4) == 0) {
				block_free((unsigned)random_below(STOCKS + 1), blocks[i]);
				taken[i] = false;
			}
		} else if (growing || random_below(4) == 0) {
			blocks[i] = block_new((unsigned)random_below(STOCKS + 1));
			assert_non_null(blocks[i]);
			fill(i);
			taken[i] = true;
		}
		if (random_below(1000) == 0)
			base_stock_fini(&stocks[random_below(STOCKS)]);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (taken[i]) {
			check_filled(i);
			base_slab_free(&slab, blocks[i]);
		}
	}
	fini_stocks();
	check_empty(&slab);
}

static void without_memory_there_is_no_block(void **state)
{
	void *block;

	(void)state;
	base_fail_nth(1);
	assert_null(base_slab_alloc(&slab));
	base_fail_nth(1);
	assert_null(base_stock_alloc(&stocks[0]));
	assert_int_equal(base_fail_pending(), 0);
	assert_null(stocks[0].first);
	check_empty(&slab);
	block = base_stock_alloc(&stocks[0]);
	assert_non_null(block);
	base_stock_free(&stocks[0], block);
	fini_stocks();
	check_empty(&slab);
}

/* Memory that is short fails an allocation only when there is no block left. */
static void a_stock_gets_what_there_is(void **state)
{
	struct base_slab large;
	struct base_stock stock;
	unsigned count = 0;

	(void)state;
#ifdef SWIOMMU_CHECKS
	skip();
#endif
	base_slab_init(&large, LARGE);
	base_stock_init(&stock, &large);
	for (unsigned refill = 0; refill < 2; refill++) {
		/* The second time the chunk has less than a stock gets. */
		base_fail_nth(refill);
		do {
			blocks[count] = base_stock_alloc(&stock);
			assert_non_null(blocks[count++]);
		} while (stock.first);
		assert_int_equal(base_fail_pending(), 0);
	}
	assert_int_equal(count, 65536 / LARGE - 1);
	for (unsigned i = 0; i < count; i++)
		base_stock_free(&stock, blocks[i]);
	base_stock_fini(&stock);
	check_empty(&large);
}

/* ---- threads ---- */

#define THREADS 3

struct shared {
	uint32_t done;
	struct base_waitq wq;
	void *handed; /* a block that any thread may take */
};

/* A thread's stock, and blocks from and to others. */
static void churn(void *arg)
{
	struct shared *shared = arg;
	struct base_stock stock;

	base_stock_init(&stock, &slab);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *block = i % 3 ? base_stock_alloc(&stock) : base_slab_alloc(&slab);

		if (!block)
			break;
		memset(block, 1, SIZE);
		block = base_exchange(&shared->handed, block);
		if (block && i % 2)
			base_stock_free(&stock, block);
		else if (block)
			base_slab_free(&slab, block);
		if (i % 500 == 0)
			base_stock_fini(&stock);
	}
	base_stock_fini(&stock);
	base_add(&shared->done, 1);
	base_waitq_wake(&shared->wq);
}

static bool all_done(void *arg)
{
	return base_load(&((struct shared *)arg)->done) == THREADS;
}

static void threads_hand_blocks_to_each_other(void **state)
{
	static struct shared shared;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(base_thread_start(churn, &shared), 0);
	assert_int_equal(base_waitq_wait(&shared.wq, all_done, &shared, 60000), 0);
	base_slab_free(&slab, shared.handed);
	check_empty(&slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_keep_what_is_in_them),
		cmocka_unit_test(random_moves_between_stocks_lose_nothing),
		cmocka_unit_test(without_memory_there_is_no_block),
		cmocka_unit_test(a_stock_gets_what_there_is),
		cmocka_unit_test(threads_hand_blocks_to_each_other),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
