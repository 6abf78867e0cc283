// SPDX-License-Identifier: MIT
/* mem/source.h: pins of a client's memory. */
#include "spaces.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#define PAGES	8u
#define PAGE(n) (arena + (size_t)(n)*SPACE_PAGE)
#define THREADS 4
#define ROUNDS	2000

/* Fresh memory for each test: PAGES pages of zeroes. */
static uint8_t *arena;

static void arena_protect(unsigned page, unsigned npages, int prot)
{
	assert_int_equal(mprotect(PAGE(page), npages * (size_t)SPACE_PAGE, prot), 0);
}

static int arena_new(void **state)
{
	(void)state;
	arena = mmap(NULL, PAGES * (size_t)SPACE_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return arena == MAP_FAILED ? -1 : 0;
}

static int arena_free(void **state)
{
	(void)state;
	return munmap(arena, PAGES * (size_t)SPACE_PAGE);
}

static void source_init(struct mem_source *source, const void *addr, size_t length, bool writable)
{
	mem_source_init(source, &space_local.client, (uintptr_t)addr, length, writable,
			MEM_ACCOUNT_NONE);
}

/* The one reference that is left goes. */
static void source_end(struct mem_source *source)
{
	assert_int_equal(source->pins, 0);
	assert_true(mem_source_put(source));
}

/* Try to pin a range once; nothing is left. */
static int pin_of(const void *addr, size_t length, bool writable)
{
	struct mem_source source;
	int rc;

	source_init(&source, addr, length, writable);
	rc = mem_source_pin(&source, 0, source.length);
	assert_int_equal(source.pins, rc ? 0 : 1);
	if (!rc)
		mem_source_unpin(&source, 0, source.length);
	source_end(&source);
	return rc;
}

/* ---- what can be pinned ---- */

static void a_new_source_is_not_looked_at(void **state)
{
	static const uint64_t addrs[] = {0, 8, 0xffff800000000000, UINT64_MAX - 99};
	struct mem_source source;

	(void)state;
	for (size_t i = 0; i < base_array_size(addrs); i++) {
		mem_source_init(&source, &space_remote.client, addrs[i], 100, true,
				MEM_ACCOUNT_NONE);
		assert_int_equal(source.addr, addrs[i]);
		assert_int_equal(source.length, 100);
		source_end(&source);
	}
}

static void pin_of_a_hole_is_efault(void **state)
{
	(void)state;
	arena_protect(3, 1, PROT_NONE);
	assert_int_equal(pin_of(PAGE(0), PAGES * SPACE_PAGE, false), -EFAULT);
	assert_int_equal(pin_of(PAGE(3), SPACE_PAGE, false), -EFAULT);
	assert_int_equal(pin_of(PAGE(0), 3 * SPACE_PAGE, true), 0);
	assert_int_equal(pin_of(PAGE(4), 4 * SPACE_PAGE, true), 0);
}

static void pin_of_wild_addresses_is_efault(void **state)
{
	(void)state;
	assert_int_equal(pin_of(NULL, 1, false), -EFAULT);
	assert_int_equal(pin_of((void *)0x8000000000000000, SPACE_PAGE, false), -EFAULT);
	assert_int_equal(pin_of((void *)(UINTPTR_MAX - 99), 100, true), -EFAULT);
	assert_int_equal(pin_of((void *)(UINTPTR_MAX - 99), 101, false), -EFAULT);
	assert_int_equal(pin_of(PAGE(0), SIZE_MAX / 2, false), -EFAULT);
}

static void read_only_memory_is_pinned_for_reads_only(void **state)
{
	(void)state;
	arena_protect(2, 1, PROT_READ);
	assert_int_equal(pin_of(PAGE(0), PAGES * SPACE_PAGE, false), 0);
	assert_int_equal(pin_of(PAGE(0), PAGES * SPACE_PAGE, true), -EFAULT);
	assert_int_equal(pin_of(PAGE(2), 1, true), -EFAULT);
	assert_int_equal(pin_of(PAGE(3), 1, true), 0);
}

/* Each byte of the range counts, and no byte beside the pages that it is in. */
static void parts_of_pages_are_pinned_as_whole_pages(void **state)
{
	(void)state;
	arena_protect(0, 1, PROT_NONE);
	arena_protect(2, 1, PROT_NONE);
	for (size_t offset = 0; offset < SPACE_PAGE; offset += 1 + offset) {
		size_t left = SPACE_PAGE - offset;

		assert_int_equal(pin_of(PAGE(1) + offset, 1, true), 0);
		assert_int_equal(pin_of(PAGE(1) + offset, left, true), 0);
		assert_int_equal(pin_of(PAGE(1) + offset, left + 1, false), -EFAULT);
		assert_int_equal(pin_of(PAGE(1) - 1, offset + 2, false), -EFAULT);
	}
}

static void pin_does_not_change_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAGES * (size_t)SPACE_PAGE; i++)
		arena[i] = (uint8_t)(i * 7);
	assert_int_equal(pin_of(arena + 100, PAGES * (size_t)SPACE_PAGE - 200, true), 0);
	for (size_t i = 0; i < PAGES * (size_t)SPACE_PAGE; i++)
		assert_int_equal(arena[i], (uint8_t)(i * 7));
}

static void pin_makes_all_pages_present(void **state)
{
	unsigned char present[PAGES];

	(void)state;
	assert_int_equal(pin_of(PAGE(1) + 4000, 3 * SPACE_PAGE, true), 0);
	assert_int_equal(mincore(arena, PAGES * (size_t)SPACE_PAGE, present), 0);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(present[i] & 1, i >= 1 && i <= 4);
}

/* ---- counts ---- */

static void pins_add_up(void **state)
{
	struct mem_source source;

	(void)state;
	source_init(&source, PAGE(0), 100, true);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
		assert_int_equal(source.pins, i);
	}
	for (unsigned i = 5; i > 0; i--) {
		mem_source_unpin(&source, 0, source.length);
		assert_int_equal(source.pins, i - 1);
	}
	source_end(&source);
}

/* Memory that is pinned already is not asked for again; once it is not, it is. */
static void a_source_is_pinned_once(void **state)
{
	struct mem_source source;

	(void)state;
	source_init(&source, PAGE(0), SPACE_PAGE, true);
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	arena_protect(0, 1, PROT_NONE);
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	mem_source_unpin(&source, 0, source.length);
	mem_source_unpin(&source, 0, source.length);
	assert_int_equal(mem_source_pin(&source, 0, source.length), -EFAULT);
	assert_int_equal(source.pins, 0);
	arena_protect(0, 1, PROT_READ | PROT_WRITE);
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	mem_source_unpin(&source, 0, source.length);
	source_end(&source);
}

/* Two sources over one page know nothing of each other. */
static void sources_have_pins_of_their_own(void **state)
{
	struct mem_source a, b;

	(void)state;
	source_init(&a, PAGE(0), SPACE_PAGE, true);
	source_init(&b, PAGE(0), SPACE_PAGE, false);
	assert_int_equal(mem_source_pin(&a, 0, a.length), 0);
	assert_int_equal(b.pins, 0);
	arena_protect(0, 1, PROT_NONE);
	assert_int_equal(mem_source_pin(&b, 0, b.length), -EFAULT);
	mem_source_unpin(&a, 0, a.length);
	source_end(&a);
	source_end(&b);
}

static void last_reference_gives_the_memory_back(void **state)
{
	struct mem_source source;

	(void)state;
	source_init(&source, PAGE(0), 100, true);
	mem_source_get(&source);
	mem_source_get(&source);
	assert_false(mem_source_put(&source));
	assert_false(mem_source_put(&source));
	assert_true(mem_source_put(&source));
}

/* ---- addresses ---- */

static void the_pa_is_the_host_address(void **state)
{
	struct mem_source source;
	uint64_t run;

	(void)state;
	source_init(&source, PAGE(1) + 24, 5000, false);
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	for (uint64_t offset = 0; offset < 5000; offset += 1 + offset / 2) {
		uint64_t pa = mem_source_pa(&source, offset, &run);

		assert_ptr_equal(mem_pa_to_host(pa), PAGE(1) + 24 + offset);
		assert_int_equal(run, 5000 - offset);
	}
	mem_source_unpin(&source, 0, source.length);
	source_end(&source);
}

/* ---- failures ---- */

/* So nothing but the memory itself makes a pin fail. */
static void a_source_is_no_injection_point(void **state)
{
	struct mem_source source;
	unsigned left;
	int rc;

	(void)state;
	base_fail_nth(1);
	source_init(&source, PAGE(0), 2 * SPACE_PAGE, true);
	rc = mem_source_pin(&source, 0, source.length);
	mem_source_unpin(&source, 0, source.length);
	left = base_fail_pending();
	base_fail_nth(0);
	assert_int_equal(rc, 0);
	assert_int_equal(left, 1);
	source_end(&source);
}

/* ---- threads ---- */

static void *pin_and_unpin(void *arg)
{
	struct mem_source *source = arg;
	uintptr_t mistakes = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mistakes += mem_source_pin(source, 0, source->length) != 0;
		mem_source_get(source);
		if (i % 64 == 0)
			base_yield();
		mistakes += mem_source_put(source);
		mem_source_unpin(source, 0, source->length);
	}
	return (void *)mistakes;
}

static void pins_of_many_threads_are_balanced(void **state)
{
	struct mem_source source;
	pthread_t threads[THREADS];
	void *mistakes;

	(void)state;
	source_init(&source, PAGE(0), PAGES * SPACE_PAGE, true);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pin_and_unpin, &source), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &mistakes);
		assert_null(mistakes);
	}
	source_end(&source);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, arena_new, arena_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_source_is_not_looked_at),
		WITH_ARENA(pin_of_a_hole_is_efault),
		WITH_ARENA(pin_of_wild_addresses_is_efault),
		WITH_ARENA(read_only_memory_is_pinned_for_reads_only),
		WITH_ARENA(parts_of_pages_are_pinned_as_whole_pages),
		WITH_ARENA(pin_does_not_change_memory),
		WITH_ARENA(pin_makes_all_pages_present),
		WITH_ARENA(pins_add_up),
		WITH_ARENA(a_source_is_pinned_once),
		WITH_ARENA(sources_have_pins_of_their_own),
		WITH_ARENA(last_reference_gives_the_memory_back),
		WITH_ARENA(the_pa_is_the_host_address),
		WITH_ARENA(a_source_is_no_injection_point),
		WITH_ARENA(pins_of_many_threads_are_balanced),
	};

	return cmocka_run_group_tests(tests, spaces_setup, NULL);
}
