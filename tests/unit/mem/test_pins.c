// SPDX-License-Identifier: MIT
/*
 * mem/source.h: pins of the whole and of parts of one source, beside a twin that
 * counts for each page (iommufd-ioctls.md 3.4.6, 3.5, 29.7).
 */
#include "spaces.h"

#include <errno.h>
#include <sys/mman.h>

#define PAGES  16u
#define HELD   24u
#define ROUNDS 5000u
#define HEAD   0x740u /* of the first page is not the source's */
#define LENGTH (PAGES * SPACE_PAGE - 2 * HEAD)

static uint8_t *arena;
static struct mem_source source;
static unsigned twin[PAGES];
static uint32_t seed;

static int source_new(void **state)
{
	(void)state;
	arena = mmap(NULL, PAGES * SPACE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (arena == MAP_FAILED)
		return -1;
	mem_source_init(&source, &space_local.client, (uintptr_t)arena + HEAD, LENGTH, true,
			MEM_ACCOUNT_NONE);
	for (unsigned i = 0; i < PAGES; i++)
		twin[i] = 0;
	seed = 7;
	return 0;
}

static int source_end(void **state)
{
	(void)state;
	assert_int_equal(space_local.client.account.pinned, 0);
	assert_true(mem_source_put(&source));
	return munmap(arena, PAGES * SPACE_PAGE);
}

static void twin_change(uint64_t offset, uint64_t length, int by)
{
	for (uint64_t i = (HEAD + offset) / SPACE_PAGE;
	     i <= (HEAD + offset + length - 1) / SPACE_PAGE; i++)
		twin[i] += (unsigned)by;
}

/* Each page is charged once. */
static void check(void)
{
	unsigned pages = 0;

	for (unsigned i = 0; i < PAGES; i++)
		pages += twin[i] != 0;
	assert_int_equal(space_local.client.account.pinned, pages);
}

static int pin(uint64_t offset, uint64_t length)
{
	int rc = mem_source_pin(&source, offset, length);

	if (!rc)
		twin_change(offset, length, 1);
	check();
	return rc;
}

static void unpin(uint64_t offset, uint64_t length)
{
	mem_source_unpin(&source, offset, length);
	twin_change(offset, length, -1);
	check();
}

static void protect(unsigned page, unsigned npages, int prot)
{
	assert_int_equal(mprotect(arena + page * SPACE_PAGE, npages * SPACE_PAGE, prot), 0);
}

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* ---- what is charged ---- */

static void pages_are_charged_once(void **state)
{
	static const struct {
		uint64_t offset, length;
		unsigned pages;
	} rows[] = {
		{0, 1, 1},
		{0, SPACE_PAGE - HEAD, 1},
		{0, SPACE_PAGE - HEAD + 1, 2},
		{SPACE_PAGE - HEAD, SPACE_PAGE, 1},
		{SPACE_PAGE - HEAD - 1, 2, 2},
		{LENGTH - 1, 1, 1},
		{0, LENGTH - 1, PAGES},
		{0, LENGTH, PAGES},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		assert_int_equal(pin(rows[i].offset, rows[i].length), 0);
		assert_int_equal(space_local.client.account.pinned, rows[i].pages);
		unpin(rows[i].offset, rows[i].length);
	}
}

/* In whatever order they come and go. */
static void the_whole_and_its_parts_share_their_pages(void **state)
{
	(void)state;
	assert_int_equal(pin(5 * SPACE_PAGE, 100), 0);
	assert_int_equal(pin(0, LENGTH), 0);
	assert_int_equal(pin(9 * SPACE_PAGE, 100), 0);
	unpin(5 * SPACE_PAGE, 100);
	unpin(0, LENGTH);
	assert_int_equal(space_local.client.account.pinned, 1);
	assert_int_equal(pin(0, LENGTH), 0);
	unpin(9 * SPACE_PAGE, 100);
	unpin(0, LENGTH);
}

static void random_pins_equal_the_twin(void **state)
{
	struct {
		uint64_t offset, length;
	} held[HELD];
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (count < HELD && random_below(2)) {
			uint64_t offset = random_below(8) ? random_below(LENGTH) : 0;
			uint64_t length =
				offset ? 1 + random_below(LENGTH - (uint32_t)offset) : LENGTH;

			held[count].offset = offset;
			held[count].length = length;
			count++;
			assert_int_equal(pin(offset, length), 0);
		} else if (count) {
			unsigned which = random_below(count);

			unpin(held[which].offset, held[which].length);
			held[which] = held[--count];
		}
	}
	while (count--)
		unpin(held[count].offset, held[count].length);
}

/* The counts of the test ABI follow: a page has one pin or none, whatever order they go in. */
static void the_test_abi_counts_each_page_once(void **state)
{
	struct mem_pageids ids;

	mem_pincount_enable();
	assert_int_equal(mem_pageids_init(&ids), 0);
	assert_int_equal(pin(0, LENGTH), 0);
	assert_int_equal(pin(2 * SPACE_PAGE, SPACE_PAGE), 0);
	assert_int_equal(pin(7 * SPACE_PAGE, 100), 0);
	unpin(0, LENGTH);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(mem_pincount_of(&ids, (uintptr_t)arena + i * SPACE_PAGE),
				 twin[i] != 0);
	unpin(2 * SPACE_PAGE, SPACE_PAGE);
	unpin(7 * SPACE_PAGE, 100);
	random_pins_equal_the_twin(state);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(mem_pincount_of(&ids, (uintptr_t)arena + i * SPACE_PAGE), 0);
	mem_pageids_fini(&ids);
}

/* ---- what is touched ---- */

static void only_pages_without_a_pin_are_looked_at(void **state)
{
	(void)state;
	assert_int_equal(pin(3 * SPACE_PAGE, SPACE_PAGE), 0); /* pages 3 and 4 */
	protect(3, 2, PROT_NONE);
	assert_int_equal(pin(0, LENGTH), 0);
	protect(0, PAGES, PROT_NONE);
	assert_int_equal(pin(0, LENGTH), 0);
	assert_int_equal(pin(SPACE_PAGE, 7 * SPACE_PAGE), 0);
	unpin(0, LENGTH);
	unpin(0, LENGTH);
	unpin(3 * SPACE_PAGE, SPACE_PAGE);
	assert_int_equal(pin(2 * SPACE_PAGE, 4 * SPACE_PAGE), 0);
	assert_int_equal(pin(0, LENGTH), -EFAULT);
	assert_int_equal(pin(2 * SPACE_PAGE, 7 * SPACE_PAGE), -EFAULT);
	unpin(2 * SPACE_PAGE, 4 * SPACE_PAGE);
	unpin(SPACE_PAGE, 7 * SPACE_PAGE);
	protect(0, PAGES, PROT_READ | PROT_WRITE);
}

static void a_part_does_not_touch_pages_beside_it(void **state)
{
	(void)state;
	protect(0, 1, PROT_NONE);
	protect(3, 1, PROT_NONE);
	assert_int_equal(pin(SPACE_PAGE - HEAD, 2 * SPACE_PAGE), 0);
	unpin(SPACE_PAGE - HEAD, 2 * SPACE_PAGE);
	assert_int_equal(pin(SPACE_PAGE - HEAD - 1, 1), -EFAULT);
	assert_int_equal(pin(SPACE_PAGE - HEAD, 2 * SPACE_PAGE + 1), -EFAULT);
	protect(0, PAGES, PROT_READ | PROT_WRITE);
}

/* ---- failures ---- */

static void a_part_that_fails_changes_nothing(void **state)
{
	unsigned failed = 0;

	(void)state;
	assert_int_equal(pin(4 * SPACE_PAGE, SPACE_PAGE), 0);
	assert_int_equal(pin(8 * SPACE_PAGE, SPACE_PAGE), 0);
	for (unsigned nth = 1;; nth++) {
		int rc;

		base_fail_nth(nth);
		rc = pin(2 * SPACE_PAGE, 10 * SPACE_PAGE);
		if (base_fail_pending())
			break;
		failed++;
		assert_int_equal(rc, -ENOMEM);
	}
	assert_true(failed >= 3);
	unpin(2 * SPACE_PAGE, 10 * SPACE_PAGE);
	unpin(4 * SPACE_PAGE, SPACE_PAGE);
	unpin(8 * SPACE_PAGE, SPACE_PAGE);
	base_fail_nth(0);
}

#define WITH_SOURCE(test) cmocka_unit_test_setup_teardown(test, source_new, source_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SOURCE(pages_are_charged_once),
		WITH_SOURCE(the_whole_and_its_parts_share_their_pages),
		WITH_SOURCE(random_pins_equal_the_twin),
		WITH_SOURCE(only_pages_without_a_pin_are_looked_at),
		WITH_SOURCE(a_part_does_not_touch_pages_beside_it),
		WITH_SOURCE(a_part_that_fails_changes_nothing),
		WITH_SOURCE(the_test_abi_counts_each_page_once), /* which stays switched on */
	};

	return cmocka_run_group_tests(tests, spaces_setup, NULL);
}
