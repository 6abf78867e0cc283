// SPDX-License-Identifier: MIT
/* base/sync.h: locks exclude, and waits wake. */
#include "base/sync.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define THREADS 4
#define ROUNDS	20000
#define FOREVER 60000

static void run_threads(void *(*fn)(void *arg), void *arg)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, arg), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- reference counts ---- */

static void a_reference_is_not_got_from_zero(void **state)
{
	struct base_ref ref;

	(void)state;
	base_ref_init(&ref, 1);
	base_ref_get(&ref);
	assert_true(base_ref_get_unless_zero(&ref));
	assert_int_equal(base_ref_read(&ref), 3);
	assert_int_equal(base_ref_put(&ref), 2);
	assert_int_equal(base_ref_put(&ref), 1);
	assert_int_equal(base_ref_put(&ref), 0);
	assert_false(base_ref_get_unless_zero(&ref));
	assert_int_equal(base_ref_read(&ref), 0);
}

static void drop_if_one_takes_only_the_last(void **state)
{
	struct base_ref ref;

	(void)state;
	base_ref_init(&ref, 2);
	assert_false(base_ref_drop_if_one(&ref));
	assert_int_equal(base_ref_put(&ref), 1);
	assert_true(base_ref_drop_if_one(&ref));
	assert_false(base_ref_drop_if_one(&ref));
	assert_int_equal(base_ref_read(&ref), 0);
}

/* ---- mutex ---- */

struct counters {
	struct base_mutex mutex;
	struct base_rwlock rwlock;
	uint64_t a, b; /* plain: what the lock guards */
	uint32_t torn; /* how often a reader saw them differ */
};

static void *add_under_mutex(void *arg)
{
	struct counters *counters = arg;

	for (int i = 0; i < ROUNDS; i++) {
		base_scoped_lock(&counters->mutex);
		counters->a++;
		if (i % 1000 == 0)
			base_yield();
	}
	return NULL;
}

static void mutex_excludes(void **state)
{
	static struct counters counters;

	(void)state;
	base_mutex_init(&counters.mutex, RANK_LEAF);
	run_threads(add_under_mutex, &counters);
	assert_int_equal(counters.a, THREADS * ROUNDS);
	assert_int_equal(counters.mutex.word, 0);
}

static void a_static_mutex_is_free(void **state)
{
	static struct base_mutex lock = BASE_MUTEX_INIT(RANK_LEAF);

	(void)state;
	base_mutex_lock(&lock);
	assert_int_equal(lock.word, 1);
	base_mutex_unlock(&lock);
	assert_int_equal(lock.word, 0);
}

/* ---- rwlock ---- */

static void *read_and_write(void *arg)
{
	struct counters *counters = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			base_scoped_write(&counters->rwlock);
			counters->a++;
			counters->b++;
		} else {
			base_scoped_read(&counters->rwlock);
			if (counters->a != counters->b)
				base_add(&counters->torn, 1);
			if (i % 1001 == 0)
				base_yield();
		}
	}
	return NULL;
}

static void writers_exclude_readers_and_each_other(void **state)
{
	static struct counters counters;

	(void)state;
	base_rwlock_init(&counters.rwlock, RANK_LEAF);
	run_threads(read_and_write, &counters);
	assert_int_equal(counters.a, THREADS * ROUNDS / 4);
	assert_int_equal(counters.b, counters.a);
	assert_int_equal(counters.torn, 0);
	assert_int_equal(counters.rwlock.word, 0);
}

static void *write_only(void *arg)
{
	struct counters *counters = arg;

	for (int i = 0; i < ROUNDS; i++) {
		base_scoped_write(&counters->rwlock);
		counters->a++;
	}
	return NULL;
}

static void writers_alone_lose_no_wake_up(void **state)
{
	static struct counters counters;

	(void)state;
	base_rwlock_init(&counters.rwlock, RANK_LEAF);
	run_threads(write_only, &counters);
	assert_int_equal(counters.a, THREADS * ROUNDS);
	assert_int_equal(counters.rwlock.word, 0);
}

/* A small play: who got the lock when. */
struct play {
	struct base_rwlock lock;
	uint32_t step;
	uint32_t reader_at, writer_at;
};

static void *read_once(void *arg)
{
	struct play *play = arg;

	base_rwlock_rdlock(&play->lock);
	base_store(&play->reader_at, base_add(&play->step, 1));
	base_rwlock_rdunlock(&play->lock);
	return NULL;
}

static void *write_once(void *arg)
{
	struct play *play = arg;

	base_rwlock_wrlock(&play->lock);
	base_store(&play->writer_at, base_add(&play->step, 1));
	base_rwlock_wrunlock(&play->lock);
	return NULL;
}

static void readers_share(void **state)
{
	static struct play play;
	pthread_t reader;

	(void)state;
	base_rwlock_init(&play.lock, RANK_LEAF);
	base_rwlock_rdlock(&play.lock);
	assert_int_equal(pthread_create(&reader, NULL, read_once, &play), 0);
	pthread_join(reader, NULL);
	assert_int_equal(play.reader_at, 1);
	base_rwlock_rdunlock(&play.lock);
	assert_int_equal(play.lock.word, 0);
}

static void wait_for_bit(const uint32_t *word, uint32_t bit)
{
	while (!(base_load(word) & bit))
		base_yield();
}

static void a_waiting_writer_goes_before_new_readers(void **state)
{
	pthread_t reader, writer;
	static struct play play;

	(void)state;
	base_rwlock_init(&play.lock, RANK_LEAF);
	base_rwlock_rdlock(&play.lock);
	assert_int_equal(pthread_create(&writer, NULL, write_once, &play), 0);
	wait_for_bit(&play.lock.word, BASE_RWLOCK_WAITING);
	assert_int_equal(pthread_create(&reader, NULL, read_once, &play), 0);
	wait_for_bit(&play.lock.word, BASE_RWLOCK_SLEEPERS);
	assert_int_equal(base_load(&play.step), 0);
	base_rwlock_rdunlock(&play.lock);
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	assert_int_equal(play.writer_at, 1);
	assert_int_equal(play.reader_at, 2);
	assert_int_equal(play.lock.word, 0);
}

struct siege {
	struct base_rwlock lock;
	uint32_t stop;
};

/* Holds the lock nearly all the time. */
static void *read_until_stopped(void *arg)
{
	struct siege *siege = arg;

	while (!base_load(&siege->stop)) {
		base_scoped_read(&siege->lock);
		for (int i = 0; i < 20; i++)
			base_yield();
	}
	return NULL;
}

static void *write_then_stop(void *arg)
{
	struct siege *siege = arg;

	for (int i = 0; i < 200; i++) {
		base_scoped_write(&siege->lock);
	}
	base_store(&siege->stop, 1);
	return NULL;
}

/* If it starves, this never ends. */
static void readers_do_not_starve_a_writer(void **state)
{
	static struct siege siege;
	pthread_t writer;

	(void)state;
	base_rwlock_init(&siege.lock, RANK_LEAF);
	assert_int_equal(pthread_create(&writer, NULL, write_then_stop, &siege), 0);
	run_threads(read_until_stopped, &siege);
	pthread_join(writer, NULL);
	assert_int_equal(siege.lock.word, 0);
}

/* ---- waits ---- */

struct game {
	struct base_waitq wq;
	uint32_t ball;
};

static bool is_even(void *arg)
{
	return base_load(&((struct game *)arg)->ball) % 2 == 0;
}

static bool is_odd(void *arg)
{
	return !is_even(arg);
}

static void *play_odd(void *arg)
{
	struct game *game = arg;
	intptr_t rc = 0;

	for (int i = 0; i < ROUNDS && !rc; i++) {
		rc = base_waitq_wait(&game->wq, is_odd, game, FOREVER);
		base_add(&game->ball, 1);
		base_waitq_wake(&game->wq);
	}
	return (void *)rc;
}

static void no_wake_up_is_lost(void **state)
{
	static struct game game;
	pthread_t other;
	void *rc;

	(void)state;
	base_waitq_init(&game.wq);
	assert_int_equal(pthread_create(&other, NULL, play_odd, &game), 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(base_waitq_wait(&game.wq, is_even, &game, FOREVER), 0);
		base_add(&game.ball, 1);
		base_waitq_wake(&game.wq);
	}
	pthread_join(other, &rc);
	assert_null(rc);
	assert_int_equal(game.ball, 2 * ROUNDS);
	assert_int_equal(game.wq.sleepers, 0);
}

static void *wait_for_odd(void *arg)
{
	struct game *game = arg;

	return (void *)(intptr_t)base_waitq_wait(&game->wq, is_odd, game, FOREVER);
}

static void one_wake_reaches_all(void **state)
{
	static struct game game;
	pthread_t threads[THREADS];
	void *rc;

	(void)state;
	base_waitq_init(&game.wq);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wait_for_odd, &game), 0);
	while (base_load(&game.wq.sleepers) < THREADS)
		base_yield();
	base_add(&game.ball, 1);
	base_waitq_wake(&game.wq);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &rc);
		assert_null(rc);
	}
}

static void a_wait_times_out(void **state)
{
	struct game game = {.ball = 0};

	(void)state;
	base_waitq_init(&game.wq);
	assert_int_equal(base_waitq_wait(&game.wq, is_odd, &game, 0), -ETIMEDOUT);
	assert_int_equal(base_waitq_wait(&game.wq, is_odd, &game, 1), -ETIMEDOUT);
	assert_int_equal(base_waitq_wait(&game.wq, is_even, &game, 0), 0);
	assert_int_equal(game.wq.sleepers, 0);
}

/* False until it is asked for the third time: before, at the start and at the end of the sleep. */
static bool at_last(void *arg)
{
	return ++*(int *)arg == 3;
}

static void a_condition_that_holds_at_the_time_out_counts(void **state)
{
	struct base_waitq wq;
	int asked = 0;

	(void)state;
	base_waitq_init(&wq);
	assert_int_equal(base_waitq_wait(&wq, at_last, &asked, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_is_not_got_from_zero),
		cmocka_unit_test(drop_if_one_takes_only_the_last),
		cmocka_unit_test(mutex_excludes),
		cmocka_unit_test(a_static_mutex_is_free),
		cmocka_unit_test(writers_exclude_readers_and_each_other),
		cmocka_unit_test(writers_alone_lose_no_wake_up),
		cmocka_unit_test(readers_share),
		cmocka_unit_test(a_waiting_writer_goes_before_new_readers),
		cmocka_unit_test(readers_do_not_starve_a_writer),
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(one_wake_reaches_all),
		cmocka_unit_test(a_wait_times_out),
		cmocka_unit_test(a_condition_that_holds_at_the_time_out_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
