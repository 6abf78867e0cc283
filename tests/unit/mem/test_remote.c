// SPDX-License-Identifier: MIT
/* mem/pa.h and mem/remote.h: memory of another process (a child), by PA. */
#include "mem/mem.h"
#include "mem/remote.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PAGE 4096ul
#define SIZE (16 * PAGE)

static uint64_t token = 0x123456789;

/* A client that is a child of ours; it has our memory as of child_start(). */
struct child {
	struct mem_client client;
	struct base_process process;
	unsigned released;
};

static int child_copy_in(struct mem_client *client, void *dst, uint64_t addr, size_t n)
{
	return base_process_read(client->process, dst, addr, n);
}

static int child_copy_out(struct mem_client *client, uint64_t addr, const void *src, size_t n)
{
	return base_process_write(client->process, addr, src, n);
}

static void child_release(struct mem_client *client)
{
	base_container_of(client, struct child, client)->released++;
}

static const struct mem_client_ops child_ops = {.copy_in = child_copy_in,
						.copy_out = child_copy_out,
						.release = child_release};

static void child_start(struct child *child)
{
	*child = (struct child){
		.client = {.ops = &child_ops, .remote = true, .process = &child->process},
		.process = {.token_addr = (uintptr_t)&token, .token = token},
	};
	base_ref_init(&child->client.refs, 1);
	child->process.pid = fork();
	if (!child->process.pid)
		for (;;)
			pause();
}

static void child_kill(struct child *child)
{
	kill(child->process.pid, SIGKILL);
	waitpid(child->process.pid, NULL, 0);
}

static void child_end(struct child *child)
{
	child_kill(child);
	mem_client_put(&child->client);
	assert_int_equal(child->released, 1);
}

static uint8_t *pages(size_t size, int flags)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/* ---- windows ---- */

static void windows_are_used_again(void **state)
{
	const uint64_t size = (uint64_t)1 << MEM_WINDOW_LG2;
	struct child a, b;
	uint64_t pa[4];

	(void)state;
	child_start(&a);
	child_start(&b);
	assert_int_equal(mem_window_get(&a.client, 5 * size + 7, &pa[0]), 0);
	assert_int_equal(mem_window_get(&a.client, 5 * size, &pa[1]), 0);
	assert_int_equal(mem_window_get(&b.client, 5 * size, &pa[2]), 0);
	assert_int_equal(mem_window_get(&a.client, 6 * size, &pa[3]), 0);
	assert_int_equal(pa[0], pa[1] + 7);
	for (int i = 0; i < 4; i++) {
		assert_false(mem_pa_is_host(pa[i]));
		assert_true(pa[i] < MEM_PA_END);
	}
	assert_true(pa[1] != pa[2] && pa[2] != pa[3] && pa[1] != pa[3]);
	mem_window_put(pa[0]);
	mem_window_put(pa[3]);
	assert_int_equal(mem_window_get(&b.client, 9 * size, &pa[0]), 0);
	assert_int_equal(pa[0], pa[3]);
	for (int i = 0; i < 3; i++)
		mem_window_put(pa[i]);
	child_end(&a);
	child_end(&b);
}

static void windows_run_out(void **state)
{
	const uint64_t size = (uint64_t)1 << MEM_WINDOW_LG2;
	const size_t count = (MEM_PA_END - MEM_PA_END_OF_HOST) / size;
	struct child child;
	uint64_t pa;

	(void)state;
	child_start(&child);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(mem_window_get(&child.client, i * size, &pa), 0);
	assert_int_equal(mem_window_get(&child.client, count * size, &pa), -ENOMEM);
	for (size_t i = 0; i < count; i++)
		mem_window_put(MEM_PA_END_OF_HOST + i * size);
	child_end(&child);
}

static void a_forked_child_has_no_windows(void **state)
{
	struct child child;
	uint64_t pa, its;
	int status;
	pid_t pid;

	(void)state;
	child_start(&child);
	assert_int_equal(mem_window_get(&child.client, 0, &pa), 0);
	pid = fork();
	if (pid == 0) {
		mem_pa_after_fork();
		_exit(mem_window_get(&child.client, (uint64_t)5 << MEM_WINDOW_LG2, &its) ||
		      its != MEM_PA_END_OF_HOST);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	mem_window_put(pa);
	child_end(&child);
}

/* Random accesses of all kinds, once by PA on the child's memory and once on a copy here. */
static void access_by_pa_is_as_access_to_memory(void **state)
{
	uint8_t *memory = pages(SIZE, MAP_PRIVATE), *twin = pages(SIZE, MAP_PRIVATE);
	static uint8_t buf[SIZE], seen[SIZE];
	struct child child;
	uint64_t pa, base;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		memory[i] = twin[i] = (uint8_t)rand();
	child_start(&child);
	assert_int_equal(mem_window_get(&child.client, (uintptr_t)memory, &base), 0);
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)rand() % (round % 10 ? 300 : SIZE) + 1;
		size_t to = (size_t)rand() % (SIZE - n + 1), from = (size_t)rand() % (SIZE - n + 1);
		uint64_t pattern = (uint64_t)rand() << 32 | (uint64_t)rand();

		pa = base + to;
		switch (rand() % 5) {
		case 0:
			assert_int_equal(mem_pa_move(pa, base + from, n), 0);
			memmove(twin + to, twin + from, n);
			break;
		case 1:
			assert_int_equal(mem_pa_fill(pa, pattern, n), 0);
			base_guard_fill(twin + to, pattern, n);
			break;
		case 2: /* from here */
			memset(buf, round, n);
			assert_int_equal(mem_pa_move(pa, (uintptr_t)buf, n), 0);
			memcpy(twin + to, buf, n);
			break;
		case 3:
			memset(buf, ~round, n);
			assert_int_equal(mem_pa_write(pa, buf, n), 0);
			memcpy(twin + to, buf, n);
			break;
		default: /* to here */
			assert_int_equal(mem_pa_move((uintptr_t)buf, pa, n), 0);
			assert_memory_equal(buf, twin + to, n);
			assert_int_equal(mem_pa_read(buf, pa, n), 0);
			assert_memory_equal(buf, twin + to, n);
		}
	}
	assert_int_equal(mem_pa_read(seen, base, SIZE), 0);
	assert_memory_equal(seen, twin, SIZE);
	mem_window_put(base);
	child_end(&child);
	munmap(memory, SIZE);
	munmap(twin, SIZE);
}

static void words_are_loaded_and_swapped(void **state)
{
	static uint64_t word = 5;
	uint64_t local = 5, value, expected;
	struct child child;
	bool swapped;
	uint64_t pas[] = {(uintptr_t)&local, 0};

	(void)state;
	child_start(&child);
	assert_int_equal(mem_window_get(&child.client, (uintptr_t)&word, &pas[1]), 0);
	for (int i = 0; i < 2; i++) {
		expected = 4;
		assert_int_equal(mem_pa_cas64(pas[i], &expected, 9, &swapped), 0);
		assert_true(!swapped && expected == 5);
		assert_int_equal(mem_pa_cas64(pas[i], &expected, 9, &swapped), 0);
		assert_true(swapped);
		assert_int_equal(mem_pa_load64(pas[i], &value), 0);
		assert_int_equal(value, 9);
	}
	assert_int_equal(word, 5);
	mem_window_put(pas[1]);
	child_end(&child);
}

static void after_its_death_a_window_is_efault(void **state)
{
	static uint8_t bytes[64];
	struct child child;
	uint64_t pa, expected = 0;
	bool swapped;

	(void)state;
	child_start(&child);
	assert_int_equal(mem_window_get(&child.client, (uintptr_t)bytes, &pa), 0);
	assert_int_equal(mem_pa_touch(pa, 64, true), 0);
	child_kill(&child);
	assert_int_equal(mem_pa_touch(pa, 64, true), -EFAULT);
	assert_int_equal(mem_pa_read(bytes, pa, 1), -EFAULT);
	assert_int_equal(mem_pa_write(pa, bytes, 1), -EFAULT);
	assert_int_equal(mem_pa_fill(pa, 0, 1), -EFAULT);
	assert_int_equal(mem_pa_move(pa, (uintptr_t)bytes, 1), -EFAULT);
	assert_int_equal(mem_pa_move((uintptr_t)bytes, pa, 1), -EFAULT);
	assert_int_equal(mem_pa_load64(pa, &expected), -EFAULT);
	assert_int_equal(mem_pa_cas64(pa, &expected, 1, &swapped), -EFAULT);
	mem_window_put(pa);
	mem_client_put(&child.client);
}

/* ---- runs ---- */

/* Private, shared, shared again elsewhere in a file, private in two mappings, hole, private. */
struct range {
	uint8_t *at;
	struct child child;
	struct mem_remote *remote;
};

static void range_init(struct range *range)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	uint8_t *p = pages(9 * PAGE, MAP_PRIVATE);

	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	assert_ptr_not_equal(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				  fd, PAGE),
			     MAP_FAILED);
	assert_ptr_not_equal(mmap(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, fd, 0),
			     MAP_FAILED);
	close(fd);
	mprotect(p + 4 * PAGE, PAGE, PROT_READ);
	munmap(p + 7 * PAGE, PAGE);
	for (int i = 0; i < 9; i++)
		if (i != 7 && i != 4)
			p[i * PAGE] = (uint8_t)(i + 1);
	range->at = p;
	child_start(&range->child);
	range->remote = mem_remote_new(&range->child.client);
	assert_non_null(range->remote);
}

static void range_fini(struct range *range)
{
	mem_remote_free(range->remote);
	assert_int_equal(range->child.released, 0);
	child_end(&range->child);
	munmap(range->at, 9 * PAGE);
}

static int take(struct range *range, unsigned first, unsigned last, bool write)
{
	uint64_t start = (uintptr_t)range->at;

	return mem_remote_take(range->remote, start + first * PAGE, start + (last + 1) * PAGE - 1,
			       write);
}

/* The first byte of a page, and how many pages go on from there. */
static uint64_t look(struct range *range, unsigned page, uint8_t *byte)
{
	uint64_t run, pa;

	pa = mem_remote_pa(range->remote, (uintptr_t)range->at + page * PAGE, &run);
	assert_int_equal(mem_pa_read(byte, pa, 1), 0);
	return run / PAGE;
}

static void a_range_becomes_runs_of_one_kind(void **state)
{
	static const uint64_t left[] = {1, 1, 1, 4, 3, 2, 1};
	static const uint8_t bytes[] = {1, 2, 3, 4, 0, 6, 7};
	struct range range;
	uint8_t byte;

	(void)state;
	range_init(&range);
	assert_int_equal(take(&range, 0, 6, false), 0);
	assert_int_equal(range.remote->count, 4);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(look(&range, i, &byte), left[i]);
		assert_int_equal(byte, bytes[i]);
	}
	range_fini(&range);
}

static void shared_runs_outlive_the_process(void **state)
{
	struct range range;
	uint64_t run, pa;
	uint8_t byte;

	(void)state;
	range_init(&range);
	assert_int_equal(take(&range, 0, 2, true), 0);
	child_kill(&range.child);
	assert_int_equal(look(&range, 1, &byte), 1);
	assert_int_equal(byte, 2);
	look(&range, 2, &byte);
	assert_int_equal(byte, 3);
	pa = mem_remote_pa(range.remote, (uintptr_t)range.at, &run);
	assert_int_equal(mem_pa_read(&byte, pa, 1), -EFAULT);
	/* What it had cannot be pinned any more. */
	assert_int_equal(take(&range, 3, 3, false), -EFAULT);
	range_fini(&range);
}

static void parts_are_taken_in_any_order(void **state)
{
	static const unsigned parts[][2] = {{5, 5}, {1, 3}, {0, 0}, {3, 6}, {0, 6}, {8, 8}};
	struct range range;
	uint8_t byte;

	(void)state;
	range_init(&range);
	for (size_t i = 0; i < base_array_size(parts); i++)
		assert_int_equal(take(&range, parts[i][0], parts[i][1], false), 0);
	for (unsigned i = 0; i < 9; i++)
		if (i != 7 && i != 4) {
			look(&range, i, &byte);
			assert_int_equal(byte, i + 1);
		}
	for (size_t i = 1; i < range.remote->count; i++)
		assert_true(range.remote->runs[i].start > range.remote->runs[i - 1].last);
	mem_remote_drop(range.remote);
	assert_int_equal(range.remote->count, 0);
	range_fini(&range);
}

static void what_is_missing_changes_nothing(void **state)
{
	struct range range;

	(void)state;
	range_init(&range);
	assert_int_equal(take(&range, 0, 8, false), -EFAULT);
	assert_int_equal(take(&range, 7, 7, false), -EFAULT);
	assert_int_equal(take(&range, 4, 4, true), -EFAULT);
	assert_int_equal(take(&range, 0, 6, true), -EFAULT);
	assert_int_equal(range.remote->count, 0);
	assert_int_equal(take(&range, 2, 3, true), 0);
	assert_int_equal(take(&range, 0, 6, true), -EFAULT);
	assert_int_equal(range.remote->count, 2);
	range_fini(&range);
}

static void a_take_survives_every_failure(void **state)
{
	struct range range;
	unsigned nth = 0;
	int rc;

	(void)state;
	range_init(&range);
	do {
		base_fail_nth(++nth);
		rc = take(&range, 0, 6, false);
		assert_true(!rc || rc == -ENOMEM);
		assert_int_equal(range.remote->count ? 0 : -ENOMEM, rc);
	} while (rc);
	base_fail_nth(0);
	range_fini(&range);
}

struct release_row {
	unsigned first, last; /* pages */
	size_t count;	      /* of runs then */
};

/* Of four runs: 0, 1, 2, 3 to 6. */
static const struct release_row releases[] = {
	{0, 0, 3}, {1, 2, 2}, {0, 6, 0}, {3, 3, 4}, {6, 6, 4}, {4, 4, 5}, {2, 4, 3}, {8, 8, 4},
};

/* What is left is what it was, and the rest can be taken again. */
static void parts_are_released(void **state)
{
	(void)state;
	for (size_t i = 0; i < base_array_size(releases); i++) {
		const struct release_row *row = &releases[i];
		struct range range;
		uint64_t start;
		uint8_t byte;

		range_init(&range);
		start = (uintptr_t)range.at;
		assert_int_equal(take(&range, 0, 6, false), 0);
		mem_remote_release(range.remote, start + row->first * PAGE,
				   start + (row->last + 1) * PAGE - 1);
		assert_int_equal(range.remote->count, row->count);
		for (unsigned page = 0; page < 7; page++) {
			if (page >= row->first && page <= row->last)
				continue;
			look(&range, page, &byte);
			assert_int_equal(byte, page == 4 ? 0 : page + 1);
		}
		assert_int_equal(take(&range, 0, 6, false), 0);
		for (unsigned page = 0; page < 7; page++) {
			look(&range, page, &byte);
			assert_int_equal(byte, page == 4 ? 0 : page + 1);
		}
		range_fini(&range);
	}
}

static int set_up(void **state)
{
	(void)state;
	return base_guard_install();
}

/* ---- sources ---- */

static void a_source_is_copied_as_long_as_it_is_pinned(void **state)
{
	uint8_t *memory = pages(SIZE, MAP_SHARED), byte = 0;
	struct mem_source source;
	struct child child;

	(void)state;
	child_start(&child);
	mem_source_init(&source, &child.client, (uintptr_t)memory, SIZE, true, MEM_ACCOUNT_NONE);
	assert_int_equal(mem_source_pin(&source, PAGE, 2 * PAGE), 0);
	child_kill(&child);
	memory[PAGE + 5] = 1;
	assert_int_equal(mem_source_read(&source, PAGE + 5, &byte, 1), 0);
	assert_int_equal(byte, 1);
	assert_int_equal(mem_source_write(&source, 3 * PAGE - 1, &byte, 1), 0);
	assert_int_equal(memory[3 * PAGE - 1], 1);
	assert_int_equal(mem_source_read(&source, PAGE - 1, &byte, 1), -EFAULT);
	assert_int_equal(mem_source_write(&source, 3 * PAGE, &byte, 1), -EFAULT);
	mem_source_unpin(&source, PAGE, 2 * PAGE);
	assert_int_equal(mem_source_read(&source, PAGE + 5, &byte, 1), -EFAULT);
	assert_true(mem_source_put(&source));
	child_end(&child);
	munmap(memory, SIZE);
}

static uint8_t *remapped;
static int other_file;

/* In the child. */
static void remap(int signo)
{
	(void)signo;
	mmap(remapped, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, other_file, 0);
}

static uint8_t pinned_byte(const struct mem_source *source, uint64_t offset)
{
	uint64_t run;
	uint8_t byte;

	assert_int_equal(mem_pa_read(&byte, mem_source_pa(source, offset, &run), 1), 0);
	return byte;
}

/* Also while other pages of the source stay pinned, and after a pin that failed. */
static void what_is_pinned_again_is_looked_at_again(void **state)
{
	const struct sigaction action = {.sa_handler = remap};
	uint8_t *memory = pages(3 * PAGE, MAP_SHARED), byte = 0;
	struct mem_source source;
	struct child child;

	(void)state;
	memory[0] = 1;
	memory[PAGE] = 2;
	munmap(memory + 2 * PAGE, PAGE);
	remapped = memory;
	other_file = memfd_create("other", MFD_CLOEXEC);
	assert_int_equal(ftruncate(other_file, PAGE), 0);
	assert_int_equal(pwrite(other_file, "\3", 1, 0), 1);
	sigaction(SIGUSR1, &action, NULL);
	child_start(&child);
	mem_source_init(&source, &child.client, (uintptr_t)memory, 3 * PAGE, true,
			MEM_ACCOUNT_NONE);
	assert_int_equal(mem_source_pin(&source, PAGE, PAGE), 0);
	assert_int_equal(mem_source_pin(&source, 0, PAGE), 0);
	assert_int_equal(pinned_byte(&source, 0), 1);
	mem_source_unpin(&source, 0, PAGE);
	/* The first page is there, the last is not. */
	assert_int_equal(mem_source_pin(&source, 0, 3 * PAGE), -EFAULT);
	kill(child.process.pid, SIGUSR1);
	while (byte != 3)
		assert_int_equal(mem_source_read(&source, 0, &byte, 1), 0);
	assert_int_equal(mem_source_pin(&source, 0, PAGE), 0);
	assert_int_equal(pinned_byte(&source, 0), 3);
	assert_int_equal(pinned_byte(&source, PAGE), 2);
	mem_source_unpin(&source, 0, PAGE);
	mem_source_unpin(&source, PAGE, PAGE);
	assert_true(mem_source_put(&source));
	child_end(&child);
	close(other_file);
	munmap(memory, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_used_again),
		cmocka_unit_test(windows_run_out),
		cmocka_unit_test(a_forked_child_has_no_windows),
		cmocka_unit_test(access_by_pa_is_as_access_to_memory),
		cmocka_unit_test(words_are_loaded_and_swapped),
		cmocka_unit_test(after_its_death_a_window_is_efault),
		cmocka_unit_test(a_range_becomes_runs_of_one_kind),
		cmocka_unit_test(shared_runs_outlive_the_process),
		cmocka_unit_test(parts_are_taken_in_any_order),
		cmocka_unit_test(what_is_missing_changes_nothing),
		cmocka_unit_test(a_take_survives_every_failure),
		cmocka_unit_test(parts_are_released),
		cmocka_unit_test(what_is_pinned_again_is_looked_at_again),
		cmocka_unit_test(a_source_is_copied_as_long_as_it_is_pinned),
	};

	return cmocka_run_group_tests_name("remote", tests, set_up, NULL);
}
