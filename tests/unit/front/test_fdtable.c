// SPDX-License-Identifier: MIT
/* front/fdtable.h: numbers, slots, and threads that race for them. */
#include "front/fdtable.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>

#define READERS 3
#define ROUNDS	5000

/* A file that knows whether it has been released. */
struct test_file {
	struct mem_file file;
	unsigned released;
};

static void test_release(struct mem_file *file)
{
	base_add(&base_container_of(file, struct test_file, file)->released, 1);
}

static const struct mem_file_ops test_ops = {.name = "test", .release = test_release};

static void file_init(struct test_file *file)
{
	mem_file_init(&file->file, &test_ops);
	file->released = 0;
}

/* As a front end opens: a slot with one number, chosen by the caller. */
static struct front_slot *open_at(struct front_fdtable *table, struct test_file *file, int fd)
{
	base_scoped_lock(&table->lock);
	struct front_slot *slot;

	if (front_fdtable_reserve_locked(table, fd) ||
	    front_slot_new_locked(table, &file->file, &slot))
		return NULL;
	front_fdtable_set_locked(table, fd, slot);
	return slot;
}

static struct front_slot *withdraw(struct front_fdtable *table, int fd)
{
	base_scoped_lock(&table->lock);
	struct front_slot *slot = front_fdtable_clear_locked(table, fd);

	if (!slot || slot->numbers)
		return NULL;
	front_slot_close_locked(table, slot);
	return slot;
}

/* As a front end closes. */
static void close_at(struct front_fdtable *table, int fd)
{
	struct front_slot *slot = withdraw(table, fd);

	if (slot)
		front_slot_put(table, slot);
}

static struct front_fdtable table;

static int set_up(void **state)
{
	(void)state;
	table = (struct front_fdtable){0};
	front_fdtable_init(&table);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	front_fdtable_fini(&table);
	return 0;
}

/* ---- numbers ---- */

static void an_empty_table_has_nothing(void **state)
{
	(void)state;
	assert_null(front_fdtable_get(&table, 0));
	assert_null(front_fdtable_get(&table, -1));
	assert_null(front_fdtable_get(&table, INT_MAX));
	assert_null(front_fdtable_get(&table, INT_MIN));
	assert_int_equal(front_fdtable_next(&table, 0), -1);
}

static void a_number_stands_for_its_slot(void **state)
{
	struct test_file file;
	struct front_slot *slot;

	(void)state;
	file_init(&file);
	slot = open_at(&table, &file, 3);
	assert_non_null(slot);
	assert_ptr_equal(front_fdtable_get(&table, 3), slot);
	front_slot_put(&table, slot);
	assert_null(front_fdtable_get(&table, 2));
	assert_null(front_fdtable_get(&table, 4));
	close_at(&table, 3);
	assert_null(front_fdtable_get(&table, 3));
	assert_int_equal(file.released, 1);
}

static void numbers_have_no_upper_limit(void **state)
{
	static const int numbers[] = {0, 1023, 1024, 1 << 20, (1 << 20) - 1, INT_MAX - 1, INT_MAX};
	struct test_file files[base_array_size(numbers)];

	(void)state;
	for (size_t i = 0; i < base_array_size(numbers); i++) {
		file_init(&files[i]);
		assert_non_null(open_at(&table, &files[i], numbers[i]));
	}
	for (size_t i = 0; i < base_array_size(numbers); i++) {
		struct front_slot *slot = front_fdtable_get(&table, numbers[i]);

		assert_ptr_equal(slot->file, &files[i].file);
		front_slot_put(&table, slot);
		close_at(&table, numbers[i]);
		assert_int_equal(files[i].released, 1);
	}
}

static void the_next_number_is_found_across_holes(void **state)
{
	struct test_file files[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		file_init(&files[i]);
	open_at(&table, &files[0], 5);
	open_at(&table, &files[1], 70000);
	open_at(&table, &files[2], INT_MAX);
	assert_int_equal(front_fdtable_next(&table, 0), 5);
	assert_int_equal(front_fdtable_next(&table, 5), 5);
	assert_int_equal(front_fdtable_next(&table, 6), 70000);
	assert_int_equal(front_fdtable_next(&table, 70001), INT_MAX);
	close_at(&table, INT_MAX);
	assert_int_equal(front_fdtable_next(&table, 70001), -1);
	close_at(&table, 5);
	close_at(&table, 70000);
}

static int lowest(void)
{
	base_scoped_lock(&table.lock);
	return front_fdtable_lowest_locked(&table);
}

static void the_lowest_free_number_comes_first(void **state)
{
	struct test_file files[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		file_init(&files[i]);
		assert_int_equal(lowest(), i);
		open_at(&table, &files[i], i);
	}
	close_at(&table, 1);
	assert_int_equal(lowest(), 1);
	close_at(&table, 0);
	assert_int_equal(lowest(), 0);
	close_at(&table, 2);
}

static void nobody_gets_a_hidden_number(void **state)
{
	(void)state;
	base_mutex_lock(&table.lock);
	assert_int_equal(front_fdtable_reserve_locked(&table, 9), 0);
	front_fdtable_set_locked(&table, 9, &front_slot_hidden);
	base_mutex_unlock(&table.lock);
	assert_null(front_fdtable_get(&table, 9));
	assert_ptr_equal(front_fdtable_peek(&table, 9), &front_slot_hidden);
	assert_int_equal(front_fdtable_next(&table, 0), 9);
	base_mutex_lock(&table.lock);
	assert_ptr_equal(front_fdtable_clear_locked(&table, 9), &front_slot_hidden);
	base_mutex_unlock(&table.lock);
	assert_null(front_fdtable_peek(&table, 9));
}

static void layers_below_may_hide_numbers(void **state)
{
	struct front_slot *slot = &front_slot_hidden;

	(void)state;
	front_fdtable_below(&table, 7);
	assert_null(front_fdtable_get(&table, 7));
	assert_ptr_equal(front_fdtable_peek(&table, 7), &front_slot_below);
	front_fdtable_below_end(&table, 7);
	assert_null(front_fdtable_peek(&table, 7));
	base_mutex_lock(&table.lock);
	front_fdtable_set_locked(&table, 7, slot);
	base_mutex_unlock(&table.lock);
	front_fdtable_below(&table, 7);
	front_fdtable_below_end(&table, 7);
	assert_ptr_equal(front_fdtable_peek(&table, 7), slot);
	front_fdtable_below(&table, 1 << 20);
	front_fdtable_below_end(&table, -1);
	assert_null(front_fdtable_peek(&table, 1 << 20));
}

static void a_number_that_is_being_closed_is_taken_but_has_no_file(void **state)
{
	struct test_file file;
	struct front_slot *slot;

	(void)state;
	file_init(&file);
	slot = open_at(&table, &file, 0);
	base_mutex_lock(&table.lock);
	assert_ptr_equal(front_fdtable_closing_locked(&table, 0), slot);
	assert_int_equal(slot->numbers, 0);
	assert_null(front_fdtable_get(&table, 0));
	assert_ptr_equal(front_fdtable_peek(&table, 0), &front_slot_closing);
	assert_int_equal(front_fdtable_lowest_locked(&table), 1);
	assert_ptr_equal(front_fdtable_clear_locked(&table, 0), &front_slot_closing);
	assert_int_equal(front_fdtable_lowest_locked(&table), 0);
	assert_null(front_fdtable_closing_locked(&table, 0));
	assert_null(front_fdtable_peek(&table, 0));
	front_slot_close_locked(&table, slot);
	base_mutex_unlock(&table.lock);
	front_slot_put(&table, slot);
	assert_int_equal(file.released, 1);
}

/* ---- slots ---- */

static void a_call_under_way_puts_off_the_release(void **state)
{
	struct test_file file;
	struct front_slot *slot;

	(void)state;
	file_init(&file);
	open_at(&table, &file, 0);
	slot = front_fdtable_get(&table, 0);
	close_at(&table, 0);
	assert_int_equal(file.released, 0);
	front_slot_put(&table, slot);
	assert_int_equal(file.released, 1);
}

static void a_slot_lives_as_long_as_one_of_its_numbers(void **state)
{
	struct test_file file;
	struct front_slot *slot;

	(void)state;
	file_init(&file);
	slot = open_at(&table, &file, 0);
	base_mutex_lock(&table.lock);
	front_fdtable_set_locked(&table, 1, slot);
	base_mutex_unlock(&table.lock);
	close_at(&table, 0);
	assert_int_equal(file.released, 0);
	close_at(&table, 1);
	assert_int_equal(file.released, 1);
}

static void slots_are_used_again(void **state)
{
	struct test_file file;
	struct front_slot *first, *second;

	(void)state;
	file_init(&file);
	first = open_at(&table, &file, 0);
	first->position = 5;
	close_at(&table, 0);
	file_init(&file);
	second = open_at(&table, &file, 7);
	assert_ptr_equal(first, second);
	assert_int_equal(second->position, 0);
	close_at(&table, 7);
}

/* ---- fork ---- */

static struct test_file foreign;

static struct mem_file *inherit(struct front_slot *slot)
{
	assert_true(slot->is_open);
	mem_file_get(&foreign.file);
	return &foreign.file;
}

static void after_a_fork_slots_have_the_files_that_are_inherited(void **state)
{
	struct test_file file;
	struct front_slot *slot, *busy;
	int pair[2];

	(void)state;
	file_init(&file);
	file_init(&foreign);
	assert_int_equal(base_sys_socketpair(pair), 0);
	slot = open_at(&table, &file, 3);
	base_mutex_lock(&table.lock);
	front_fdtable_reserve_locked(&table, pair[1]);
	front_fdtable_set_locked(&table, pair[1], &front_slot_hidden);
	slot->kept = pair[1];
	assert_ptr_equal(front_slot_find_kept_locked(&table, pair[1]), slot);
	base_mutex_unlock(&table.lock);
	busy = front_fdtable_get(&table, 3);

	base_mutex_lock(&table.lock);
	front_fdtable_after_fork_locked(&table, inherit);
	base_mutex_unlock(&table.lock);
	assert_null(front_fdtable_peek(&table, pair[1]));
	assert_true(base_sys_is_hung_up(pair[0]));
	assert_ptr_equal(front_fdtable_peek(&table, 3), busy);
	assert_ptr_equal(slot->file, &foreign.file);
	assert_int_equal(base_ref_read(&slot->refs), 1);

	close_at(&table, 3);
	assert_int_equal(file.released, 0);
	assert_int_equal(foreign.released, 0);
	assert_int_equal(base_ref_read(&foreign.file.refs), 1);
	base_sys_close(pair[0]);
}

/* ---- failures ---- */

static void open_survives_every_failure(void **state)
{
	struct test_file file;
	struct front_slot *slot;
	unsigned nth = 0;

	(void)state;
	do {
		file_init(&file);
		base_fail_nth(++nth);
		slot = open_at(&table, &file, 5000);
		assert_true(slot || !base_fail_pending());
		assert_ptr_equal(front_fdtable_peek(&table, 5000), slot);
	} while (!slot);
	base_fail_nth(0);
	assert_true(nth > 2);
	close_at(&table, 5000);
}

/* ---- threads ---- */

/*
 * One thread opens and closes a number over and over, with files that are
 * released into a memory of their own; the others use whatever they find there.
 */
struct race {
	struct front_fdtable table;
	struct test_file files[ROUNDS];
	uint32_t stop;
	uint64_t uses;
};

static void *use(void *arg)
{
	struct race *race = arg;

	while (!base_load(&race->stop)) {
		struct front_slot *slot = front_fdtable_get(&race->table, 1);
		struct test_file *file;

		if (!slot)
			continue;
		file = base_container_of(slot->file, struct test_file, file);
		if (base_load(&file->released))
			abort();
		base_add(&race->uses, 1);
		front_slot_put(&race->table, slot);
	}
	return NULL;
}

static void a_slot_in_use_is_never_released(void **state)
{
	struct race *race = calloc(1, sizeof(*race));
	pthread_t threads[READERS];

	(void)state;
	front_fdtable_init(&race->table);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, race), 0);
	for (int i = 0; i < ROUNDS; i++) {
		file_init(&race->files[i]);
		if (!open_at(&race->table, &race->files[i], 1))
			abort();
		if (i % 16 == 0)
			base_yield();
		close_at(&race->table, 1);
	}
	base_store(&race->stop, 1);
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(race->files[i].released, 1);
	front_fdtable_fini(&race->table);
	free(race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_table_has_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_number_stands_for_its_slot, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_have_no_upper_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_next_number_is_found_across_holes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_lowest_free_number_comes_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nobody_gets_a_hidden_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(layers_below_may_hide_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_number_that_is_being_closed_is_taken_but_has_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_call_under_way_puts_off_the_release, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_slot_lives_as_long_as_one_of_its_numbers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(slots_are_used_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			after_a_fork_slots_have_the_files_that_are_inherited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(open_survives_every_failure, set_up, tear_down),
		cmocka_unit_test(a_slot_in_use_is_never_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
