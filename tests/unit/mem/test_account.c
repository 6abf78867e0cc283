// SPDX-License-Identifier: MIT
/* mem/account.h: what is charged to whom, and where it ends (iommufd-ioctls.md 3.5). */
#include "spaces.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES	16u
#define THREADS 4
#define ROUNDS	20000

static uint64_t limit_pages;

static uint64_t limited(struct mem_client *client)
{
	(void)client;
	return limit_pages == UINT64_MAX ? UINT64_MAX : limit_pages * SPACE_PAGE + 17;
}

static const struct mem_client_ops limited_ops = {.memlock_limit = limited};
static const struct mem_client_ops host_ops;
static struct mem_client alice = {.ops = &limited_ops}, bob = {.ops = &limited_ops};
static uint8_t *arena;

static int arena_new(void **state)
{
	arena = mmap(NULL, PAGES * SPACE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	return arena == MAP_FAILED ? -1 : spaces_setup(state);
}

static int charge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	return mem_account_charge(client, mode, pages);
}

static void uncharge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	mem_account_uncharge(client, mode, pages);
}

/* ---- counters ---- */

static void without_a_mode_there_is_no_limit(void **state)
{
	(void)state;
	limit_pages = 0;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_NONE, 1u << 30), 0);
	assert_int_equal(alice.account.pinned, 1u << 30);
	assert_int_equal(alice.account.locked, 0);
	uncharge(&alice, MEM_ACCOUNT_NONE, 1u << 30);
	assert_int_equal(alice.account.pinned, 0);
}

static void clients_share_the_limit_of_their_user(void **state)
{
	(void)state;
	limit_pages = 10;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 6), 0);
	assert_int_equal(charge(&bob, MEM_ACCOUNT_USER, 5), -ENOMEM);
	assert_int_equal(bob.account.pinned, 0);
	assert_int_equal(charge(&bob, MEM_ACCOUNT_USER, 4), 0);
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 1), -ENOMEM);
	assert_int_equal(alice.account.pinned, 6);
	assert_int_equal(bob.account.pinned, 4);
	uncharge(&alice, MEM_ACCOUNT_USER, 6);
	uncharge(&bob, MEM_ACCOUNT_USER, 4);
}

static void each_address_space_has_a_limit_of_its_own(void **state)
{
	(void)state;
	limit_pages = 10;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_MM, 10), 0);
	assert_int_equal(charge(&bob, MEM_ACCOUNT_MM, 10), 0);
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 10), 0);
	assert_int_equal(charge(&bob, MEM_ACCOUNT_MM, 1), -ENOMEM);
	assert_int_equal(alice.account.locked, 10);
	assert_int_equal(alice.account.pinned, 20);
	uncharge(&alice, MEM_ACCOUNT_USER, 10);
	uncharge(&alice, MEM_ACCOUNT_MM, 10);
	uncharge(&bob, MEM_ACCOUNT_MM, 10);
	assert_int_equal(alice.account.locked, 0);
}

static void the_limit_is_read_at_each_charge(void **state)
{
	(void)state;
	limit_pages = 1;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 2), -ENOMEM);
	limit_pages = 2;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 2), 0);
	limit_pages = 1;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 0), 0);
	uncharge(&alice, MEM_ACCOUNT_USER, 2);
	limit_pages = UINT64_MAX;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, UINT64_MAX), 0);
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 1), -ENOMEM);
	uncharge(&alice, MEM_ACCOUNT_USER, UINT64_MAX);
}

/* ---- modes ---- */

static void the_mode_is_that_of_the_client_and_the_context(void **state)
{
	struct mem_client client = {.ops = &limited_ops};

	(void)state;
	assert_int_equal(mem_client_account_mode(&client, false), MEM_ACCOUNT_USER);
	assert_int_equal(mem_client_account_mode(&client, true), MEM_ACCOUNT_MM);
	mem_client_set_may_lock(&client, true);
	assert_int_equal(mem_client_account_mode(&client, false), MEM_ACCOUNT_NONE);
	assert_int_equal(mem_client_account_mode(&client, true), MEM_ACCOUNT_NONE);
}

/* ---- sources ---- */

/* Of the whole, of parts, and of what a part lacks: each page once. */
static void a_pin_beyond_the_limit_changes_nothing(void **state)
{
	struct mem_source source;

	(void)state;
	limit_pages = 8;
	mem_source_init(&source, &alice, (uintptr_t)arena, PAGES * SPACE_PAGE, true,
			MEM_ACCOUNT_MM);
	assert_int_equal(mem_source_pin(&source, 0, source.length), -ENOMEM);
	assert_int_equal(source.pins, 0);
	assert_int_equal(mem_source_pin(&source, 0, 9 * SPACE_PAGE), -ENOMEM);
	assert_int_equal(alice.account.locked, 0);
	assert_int_equal(mem_source_pin(&source, 0, 5 * SPACE_PAGE), 0);
	assert_int_equal(mem_source_pin(&source, 2 * SPACE_PAGE, 7 * SPACE_PAGE), -ENOMEM);
	assert_int_equal(mem_source_pin(&source, 2 * SPACE_PAGE, 6 * SPACE_PAGE), 0);
	assert_int_equal(alice.account.locked, 8);
	limit_pages = PAGES;
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	limit_pages = 0;
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	assert_int_equal(mem_source_pin(&source, 100, SPACE_PAGE), 0);
	mem_source_unpin(&source, 100, SPACE_PAGE);
	mem_source_unpin(&source, 0, source.length);
	mem_source_unpin(&source, 0, 5 * SPACE_PAGE);
	mem_source_unpin(&source, 0, source.length);
	assert_int_equal(alice.account.locked, 6);
	mem_source_unpin(&source, 2 * SPACE_PAGE, 6 * SPACE_PAGE);
	assert_int_equal(alice.account.locked, 0);
	assert_true(mem_source_put(&source));
}

/* In a child: the limit of the process is that of its client. */
static int pins_under_rlimit(void)
{
	struct mem_client client = {.ops = &host_ops};
	struct mem_source source;
	struct rlimit limit;
	int rc;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return 77;
	limit.rlim_cur = 4 * SPACE_PAGE + 100;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return 77;
	mem_source_init(&source, &client, (uintptr_t)arena, 5 * SPACE_PAGE, true, MEM_ACCOUNT_USER);
	if (mem_source_pin(&source, 0, source.length) != -ENOMEM)
		return 1;
	if (mem_source_pin(&source, 0, 4 * SPACE_PAGE))
		return 2;
	limit.rlim_cur = 5 * SPACE_PAGE;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return 77;
	rc = mem_source_pin(&source, 0, source.length);
	mem_source_unpin(&source, 0, 4 * SPACE_PAGE);
	return rc;
}

static void without_an_op_the_limit_is_ours(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(pins_under_rlimit());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("RLIMIT_MEMLOCK cannot be raised to 5 pages\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_forked_child_has_nothing_pinned(void **state)
{
	int status;
	pid_t child;

	(void)state;
	limit_pages = 10;
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 4), 0);
	assert_int_equal(charge(&alice, MEM_ACCOUNT_MM, 4), 0);
	child = fork();
	if (child == 0) {
		mem_account_after_fork(&alice);
		_exit(alice.account.pinned || alice.account.locked ||
		      charge(&alice, MEM_ACCOUNT_USER, 10));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	uncharge(&alice, MEM_ACCOUNT_USER, 4);
	uncharge(&alice, MEM_ACCOUNT_MM, 4);
}

/* ---- the log ---- */

static void the_log_says_what_to_do(void **state)
{
	char path[] = "/tmp/memlock-XXXXXX", line[512] = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	limit_pages = 10;
	assert_int_equal(base_trace_open(path), 0);
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 4), 0);
	assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 7), -ENOMEM);
	base_trace_open(NULL);
	uncharge(&alice, MEM_ACCOUNT_USER, 4);
	assert_true(read(fd, line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "RLIMIT_MEMLOCK: 16 KiB are pinned, 28 KiB more are too many: "
				     "raise it (ulimit -l), or run with --memlock unlimited\n"));
	unlink(path);
	close(fd);
}

/* ---- threads ---- */

static void *charge_and_uncharge(void *arg)
{
	struct mem_client *client = arg;
	uintptr_t beyond = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (mem_account_charge(client, MEM_ACCOUNT_MM, 3))
			continue;
		beyond += base_load(&client->account.locked) > 9;
		mem_account_uncharge(client, MEM_ACCOUNT_MM, 3);
	}
	return (void *)beyond;
}

static void threads_never_exceed_the_limit(void **state)
{
	struct mem_client client = {.ops = &limited_ops};
	pthread_t threads[THREADS];
	void *beyond;

	(void)state;
	limit_pages = 9;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, charge_and_uncharge, &client),
				 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &beyond);
		assert_null(beyond);
	}
	assert_int_equal(client.account.locked, 0);
	assert_int_equal(client.account.pinned, 0);
}

/* ---- references of clients ---- */

static unsigned released;

static void release(struct mem_client *client)
{
	(void)client;
	released++;
}

/* A remote client lives as long as a source of its memory; ours are not counted. */
static void a_source_holds_its_remote_client(void **state)
{
	static const struct mem_client_ops ops = {.release = release};
	struct mem_client far = {.ops = &ops, .remote = true, .refs = {1}};
	struct mem_source a, b;

	(void)state;
	released = 0;
	mem_source_init(&a, &far, 0, 100, true, MEM_ACCOUNT_NONE);
	mem_source_init(&b, &far, 0, 100, true, MEM_ACCOUNT_NONE);
	mem_client_put(&far);
	assert_true(mem_source_put(&a));
	assert_int_equal(released, 0);
	assert_true(mem_source_put(&b));
	assert_int_equal(released, 1);
	mem_client_get(&alice);
	mem_client_put(&alice);
	mem_client_put(&alice);
	assert_int_equal(released, 1);
}

/* ---- owners (iommufd-ioctls.md 13) ---- */

/* Of all that is pinned, each page once; in mode NONE nobody asks. */
static void a_new_owner_takes_over_what_is_pinned(void **state)
{
	static const struct {
		enum mem_account_mode mode;
		bool chargeable;
		unsigned locked;
	} rows[] = {
		{MEM_ACCOUNT_NONE, false, 0},
		{MEM_ACCOUNT_USER, true, 0},
		{MEM_ACCOUNT_MM, true, 6},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		struct mem_source source;

		limit_pages = 12; /* in mode USER both are charged for a moment */
		mem_source_init(&source, &alice, (uintptr_t)arena, PAGES * SPACE_PAGE, true,
				rows[i].mode);
		assert_int_equal(mem_source_pin(&source, 0, 4 * SPACE_PAGE), 0);
		assert_int_equal(mem_source_pin(&source, 2 * SPACE_PAGE, 4 * SPACE_PAGE), 0);
		assert_int_equal(mem_source_pinned(&source), 6);
		assert_false(mem_source_is_chargeable(&source, &alice));
		assert_int_equal(mem_source_is_chargeable(&source, &bob), rows[i].chargeable);
		if (rows[i].chargeable)
			assert_int_equal(charge(&bob, rows[i].mode, 6), 0);
		mem_source_set_owner(&source, &bob);
		mem_source_set_owner(&source, &bob);
		assert_int_equal(alice.account.pinned, 0);
		assert_int_equal(alice.account.locked, 0);
		assert_int_equal(bob.account.pinned, 6);
		assert_int_equal(bob.account.locked, rows[i].locked);
		mem_source_unpin(&source, 0, 4 * SPACE_PAGE);
		mem_source_unpin(&source, 2 * SPACE_PAGE, 4 * SPACE_PAGE);
		assert_int_equal(bob.account.pinned, 0);
		assert_true(mem_source_put(&source));
		/* Nothing of the user's limit is lost. */
		assert_int_equal(charge(&alice, MEM_ACCOUNT_USER, 12), 0);
		uncharge(&alice, MEM_ACCOUNT_USER, 12);
	}
}

static void the_whole_counts_all_its_pages(void **state)
{
	struct mem_source source;

	(void)state;
	mem_source_init(&source, &alice, (uintptr_t)arena + 100, 2 * SPACE_PAGE, true,
			MEM_ACCOUNT_NONE);
	assert_int_equal(mem_source_pinned(&source), 0);
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	assert_int_equal(mem_source_pin(&source, 0, 1), 0);
	assert_int_equal(mem_source_pinned(&source), 3);
	mem_source_unpin(&source, 0, source.length);
	assert_int_equal(mem_source_pinned(&source), 1);
	mem_source_unpin(&source, 0, 1);
	assert_int_equal(mem_source_pinned(&source), 0);
	assert_true(mem_source_put(&source));
}

static void owners_are_held(void **state)
{
	static const struct mem_client_ops ops = {.release = release};
	struct mem_client far = {.ops = &ops, .remote = true, .refs = {1}};
	struct mem_source source;

	(void)state;
	released = 0;
	mem_source_init(&source, &alice, 0, 100, true, MEM_ACCOUNT_NONE);
	mem_source_set_owner(&source, &far);
	mem_client_put(&far);
	assert_int_equal(released, 0);
	mem_source_set_owner(&source, &alice);
	assert_int_equal(released, 1);
	assert_true(mem_source_put(&source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_mode_there_is_no_limit),
		cmocka_unit_test(clients_share_the_limit_of_their_user),
		cmocka_unit_test(each_address_space_has_a_limit_of_its_own),
		cmocka_unit_test(the_limit_is_read_at_each_charge),
		cmocka_unit_test(the_mode_is_that_of_the_client_and_the_context),
		cmocka_unit_test(a_pin_beyond_the_limit_changes_nothing),
		cmocka_unit_test(without_an_op_the_limit_is_ours),
		cmocka_unit_test(a_forked_child_has_nothing_pinned),
		cmocka_unit_test(the_log_says_what_to_do),
		cmocka_unit_test(threads_never_exceed_the_limit),
		cmocka_unit_test(a_source_holds_its_remote_client),
		cmocka_unit_test(a_new_owner_takes_over_what_is_pinned),
		cmocka_unit_test(the_whole_counts_all_its_pages),
		cmocka_unit_test(owners_are_held),
	};

	return cmocka_run_group_tests(tests, arena_new, NULL);
}
