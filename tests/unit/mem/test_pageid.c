// SPDX-License-Identifier: MIT
/* mem/pageid.h: which addresses are the same page. */
#include "mem/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#define PAGE	  ((size_t)4096)
#define PAGES	  8
#define ADDR(ptr) ((uint64_t)(uintptr_t)(ptr))

/* A file of PAGES pages: mapped twice as a whole, and from its page 3 on; another file. */
static struct {
	int fd, other_fd;
	uint8_t *first, *second, *tail, *private, *other;
	struct mem_pageids ids;
} s;

static uint8_t *map(int fd, int flags, size_t pages, size_t from)
{
	uint8_t *addr =
		mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, (off_t)(from * PAGE));

	assert_ptr_not_equal(addr, MAP_FAILED);
	return addr;
}

static int set_up(void **state)
{
	(void)state;
	s.fd = memfd_create("one with spaces (deleted)", 0);
	s.other_fd = memfd_create("other", 0);
	assert_int_equal(ftruncate(s.fd, PAGES * PAGE) | ftruncate(s.other_fd, PAGES * PAGE), 0);
	s.first = map(s.fd, MAP_SHARED, PAGES, 0);
	s.second = map(s.fd, MAP_SHARED, PAGES, 0);
	s.tail = map(s.fd, MAP_SHARED, PAGES - 3, 3);
	s.private = map(s.fd, MAP_PRIVATE, PAGES, 0);
	s.other = map(s.other_fd, MAP_SHARED, PAGES, 0);
	return mem_pageids_init(&s.ids);
}

static int tear_down(void **state)
{
	(void)state;
	mem_pageids_fini(&s.ids);
	munmap(s.first, PAGES * PAGE);
	munmap(s.second, PAGES * PAGE);
	munmap(s.tail, (PAGES - 3) * PAGE);
	munmap(s.private, PAGES * PAGE);
	munmap(s.other, PAGES * PAGE);
	close(s.fd);
	close(s.other_fd);
	return 0;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	bool result = mem_pageids_same(&s.ids, ADDR(a), ADDR(b));

	assert_int_equal(result, mem_pageids_same(&s.ids, ADDR(b), ADDR(a)));
	return result;
}

static void an_address_is_the_same_as_itself(void **state)
{
	uint8_t byte;

	(void)state;
	assert_true(same(&byte, &byte));
	assert_true(same(NULL, NULL));
	assert_false(same(&byte, &byte + 1));
	assert_true(same(s.private, s.private));
}

static void shared_mappings_are_the_same_at_one_offset(void **state)
{
	(void)state;
	assert_true(same(s.first, s.second));
	assert_true(same(s.first + PAGES * PAGE - 1, s.second + PAGES * PAGE - 1));
	assert_true(same(s.first + 3 * PAGE + 17, s.tail + 17));
	assert_false(same(s.first, s.second + PAGE));
	assert_false(same(s.first, s.second + 1));
	assert_false(same(s.first, s.tail));
	assert_false(same(s.first + 2 * PAGE, s.tail - PAGE));
	assert_false(same(s.first, s.private));
	assert_false(same(s.first, s.other));
	assert_false(same(s.first, (const uint8_t *)&s));
}

static unsigned aliases_of(const uint8_t *host, uint64_t found[4])
{
	unsigned count = 0;
	size_t cursor = 0;
	uint64_t alias;

	while (mem_pageids_alias(&s.ids, ADDR(host), &cursor, &alias)) {
		assert_true(count < 4);
		found[count++] = alias;
	}
	return count;
}

static bool has(const uint64_t found[4], unsigned count, const uint8_t *host)
{
	for (unsigned i = 0; i < count; i++)
		if (found[i] == ADDR(host))
			return true;
	return false;
}

static void all_other_addresses_are_found(void **state)
{
	uint64_t found[4];
	uint8_t byte;

	(void)state;
	assert_int_equal(aliases_of(s.first + 5, found), 1);
	assert_true(has(found, 1, s.second + 5));
	assert_int_equal(aliases_of(s.tail + PAGE, found), 2);
	assert_true(has(found, 2, s.first + 4 * PAGE));
	assert_true(has(found, 2, s.second + 4 * PAGE));
	assert_int_equal(aliases_of(s.second + PAGES * PAGE - 1, found), 2);
	assert_true(has(found, 2, s.tail + (PAGES - 3) * PAGE - 1));
	assert_int_equal(aliases_of(s.other, found), 0);
	assert_int_equal(aliases_of(s.private, found), 0);
	assert_int_equal(aliases_of(&byte, found), 0);
}

/* Anonymous memory can be shared, too: mremap() of nothing is a second mapping. */
static void shared_anonymous_memory_has_a_name(void **state)
{
	uint8_t *anonymous = map(-1, MAP_SHARED | MAP_ANONYMOUS, 2, 0);
	uint8_t *again = mremap(anonymous, 0, 2 * PAGE, MREMAP_MAYMOVE);

	(void)state;
	assert_ptr_not_equal(again, MAP_FAILED);
	mem_pageids_fini(&s.ids);
	assert_int_equal(mem_pageids_init(&s.ids), 0);
	assert_true(same(anonymous + PAGE, again + PAGE));
	assert_false(same(anonymous, again + PAGE));
	munmap(anonymous, 2 * PAGE);
	munmap(again, 2 * PAGE);
}

/* More text than is read at once. */
static void long_lists_are_read_as_a_whole(void **state)
{
	enum { MANY = 300 };
	uint8_t *maps[MANY];
	uint64_t found;
	size_t cursor = 0, aliases = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		maps[i] = map(s.other_fd, MAP_SHARED, 1, i % 2);
	mem_pageids_fini(&s.ids);
	assert_int_equal(mem_pageids_init(&s.ids), 0);
	for (unsigned i = 2; i < MANY; i++) {
		assert_true(same(maps[i], maps[i % 2]));
		assert_false(same(maps[i], maps[(i + 1) % 2]));
	}
	while (mem_pageids_alias(&s.ids, ADDR(s.other), &cursor, &found))
		aliases++;
	assert_int_equal(aliases, MANY / 2);
	for (unsigned i = 0; i < MANY; i++)
		munmap(maps[i], PAGE);
}

static void without_memory_there_is_no_list(void **state)
{
	size_t before = base_alloc_count();
	struct mem_pageids ids;
	unsigned left = 0;
	int rc;

	(void)state;
	for (unsigned nth = 1; !left; nth++) {
		base_fail_nth(nth);
		rc = mem_pageids_init(&ids);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		if (!rc)
			mem_pageids_fini(&ids);
		assert_int_equal(base_alloc_count(), before);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_the_same_as_itself),
		TEST(shared_mappings_are_the_same_at_one_offset),
		TEST(all_other_addresses_are_found),
		TEST(shared_anonymous_memory_has_a_name),
		TEST(long_lists_are_read_as_a_whole),
		TEST(without_memory_there_is_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
