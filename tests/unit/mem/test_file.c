// SPDX-License-Identifier: MIT
/* Files: the calls they may do without, streams, readiness and its watch. */
#include "mem/mem.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ssize_t count_of(struct mem_file *file, struct mem_client *client, uint64_t addr,
			size_t count)
{
	(void)file, (void)client, (void)addr;
	return (ssize_t)count;
}

static ssize_t pos_of(struct mem_file *file, struct mem_client *client, uint64_t addr, size_t count,
		      uint64_t pos)
{
	(void)file, (void)client, (void)addr, (void)count;
	return (ssize_t)pos;
}

static uint32_t only_in(struct mem_file *file)
{
	(void)file;
	return POLLIN;
}

static const struct mem_file_ops bare_ops = {.name = "bare"};
static const struct mem_file_ops placed_ops = {.name = "placed", .pread = pos_of, .pwrite = pos_of};
static const struct mem_file_ops source_ops = {.name = "source", .read = count_of, .poll = only_in};
static const struct mem_file_ops stream_ops = {.name = "stream",
					       .read = count_of,
					       .write = count_of};

static const struct {
	const struct mem_file_ops *ops;
	ssize_t read, write, pread, pwrite; /* of 3 bytes at 7 */
	uint32_t poll;
} rows[] = {
	{&bare_ops, -EINVAL, -EINVAL, -EINVAL, -EINVAL, MEM_FILE_READY},
	{&placed_ops, -EINVAL, -EINVAL, 7, 7, MEM_FILE_READY},
	{&source_ops, 3, -EINVAL, -ESPIPE, -ESPIPE, POLLIN},
	{&stream_ops, 3, 3, -ESPIPE, -ESPIPE, MEM_FILE_READY},
};

static void what_a_file_lacks_is_answered_for_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		struct mem_file file;

		mem_file_init(&file, rows[i].ops);
		assert_int_equal(mem_file_read(&file, NULL, 0, 3), rows[i].read);
		assert_int_equal(mem_file_write(&file, NULL, 0, 3), rows[i].write);
		assert_int_equal(mem_file_pread(&file, NULL, 0, 3, 7), rows[i].pread);
		assert_int_equal(mem_file_pwrite(&file, NULL, 0, 3, 7), rows[i].pwrite);
		assert_int_equal(mem_file_poll(&file), rows[i].poll);
	}
}

/* ---- the watch ---- */

struct seen {
	struct mem_watch watch;
	uint32_t ready, calls, gone;
};

static void saw(struct mem_watch *watch, uint32_t ready)
{
	struct seen *seen = base_container_of(watch, struct seen, watch);

	seen->ready = ready;
	seen->calls++;
	base_assert(!base_load(&seen->gone));
}

static void a_watch_learns_of_changes(void **state)
{
	struct seen seen = {.watch.changed = saw};
	struct mem_file file;

	(void)state;
	mem_file_init(&file, &stream_ops);
	mem_file_changed(&file, POLLIN);
	mem_file_watch(&file, &seen.watch);
	assert_int_equal(seen.calls, 0);
	mem_file_changed(&file, POLLOUT);
	assert_int_equal(seen.ready, POLLOUT);
	mem_file_watch(&file, NULL);
	mem_file_changed(&file, POLLIN);
	assert_int_equal(seen.calls, 1);
}

struct race {
	struct mem_file file;
	uint32_t stop;
};

static void *change(void *arg)
{
	struct race *race = arg;

	for (uint32_t i = 0; !base_load(&race->stop); i++)
		mem_file_changed(&race->file, i);
	return NULL;
}

/* The watch is on the stack: a late call would be seen by the sanitizers. */
static void no_call_comes_after_the_watch_is_gone(void **state)
{
	struct race race = {.stop = 0};
	pthread_t thread;

	(void)state;
	mem_file_init(&race.file, &stream_ops);
	assert_int_equal(pthread_create(&thread, NULL, change, &race), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct seen seen = {.watch.changed = saw};

		mem_file_watch(&race.file, &seen.watch);
		base_yield();
		mem_file_watch(&race.file, NULL);
		seen.ready = seen.calls = 0;
		base_store(&seen.gone, 1);
	}
	base_store(&race.stop, 1);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_file_lacks_is_answered_for_it),
		cmocka_unit_test(a_watch_learns_of_changes),
		cmocka_unit_test(no_call_comes_after_the_watch_is_gone),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
