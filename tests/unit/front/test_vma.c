// SPDX-License-Identifier: MIT
/* Notes of mappings: against a twin that knows for each page whether it is mapped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "front/vma.h"

#define PAGE  ((size_t)4096)
#define PAGES ((size_t)32)
#define SIZE  ((size_t)8) /* of the region, in pages */

static struct mem_region region;
static int holds;
static struct front_vmas vmas;
static uint8_t *arena;
static bool ours[PAGES];

static void region_get(struct mem_region *r)
{
	assert_ptr_equal(r, &region);
	holds++;
}

static void region_put(struct mem_region *r)
{
	assert_ptr_equal(r, &region);
	holds--;
}

static int file_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		     struct mem_region **out)
{
	(void)file, (void)prot, (void)flags;
	if (offset || length > SIZE * PAGE)
		return -ENXIO;
	holds++;
	*out = &region;
	return 0;
}

static const struct mem_file_ops file_ops = {.name = "test", .mmap = file_mmap};
static struct mem_file file = {.ops = &file_ops};
static struct front_slot slot = {.file = &file, .access = O_RDWR};

static int setup(void **state)
{
	(void)state;
	region = (struct mem_region){
		.fd = base_sys_memfd("test", SIZE * PAGE),
		.length = SIZE * PAGE,
		.get = region_get,
		.put = region_put,
	};
	assert_true(region.fd >= 0);
	arena = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	front_vmas_init(&vmas);
	memset(ours, 0, sizeof(ours));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	front_vmas_fini(&vmas);
	assert_int_equal(holds, 0);
	munmap(arena, PAGES * PAGE);
	base_sys_close(region.fd);
	return 0;
}

static int map(size_t page, size_t count)
{
	const struct front_mmap call = {count * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, 0};
	void *addr = arena + page * PAGE;

	return front_vmas_mmap(&vmas, &slot, &addr, &call);
}

static int cover(size_t page, size_t count)
{
	const struct front_mmap call = {count * PAGE, PROT_NONE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0};
	void *addr = arena + page * PAGE;

	return front_vmas_mmap_other(&vmas, -1, &addr, &call);
}

static bool is_noted(size_t page)
{
	uint64_t at = (uintptr_t)(arena + page * PAGE);

	return base_gaptree_first(&vmas.tree, at, at + PAGE - 1);
}

static void expect_notes(void)
{
	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(is_noted(i), ours[i]);
	/* Each piece has a hold. */
	assert_int_equal(holds, vmas.tree.count);
}

static void set(size_t page, size_t count, bool is)
{
	for (size_t i = page; i < page + count; i++)
		ours[i] = is;
	expect_notes();
}

static void notes_are_what_is_mapped(void **state)
{
	(void)state;
	srandom(1);
	for (unsigned round = 0; round < 4000; round++) {
		size_t count = 1 + (size_t)random() % SIZE;
		size_t page = (size_t)random() % (PAGES - count + 1);

		switch (random() % 3) {
		case 0:
			assert_int_equal(map(page, count), 0);
			set(page, count, true);
			break;
		case 1:
			assert_int_equal(front_vmas_munmap(&vmas, arena + page * PAGE,
							   count * PAGE),
					 0);
			set(page, count, false);
			/* Else somebody else's mapping could take the place. */
			assert_int_equal(cover(page, count), 0);
			break;
		default: assert_int_equal(cover(page, count), 0); set(page, count, false);
		}
	}
}

static void a_mremap_moves_notes(void **state)
{
	void *addr = arena + PAGE;

	(void)state;
	assert_int_equal(map(0, 8), 0);
	set(0, 8, true);
	/* The middle of it goes, onto the end of it and beyond. */
	assert_int_equal(front_vmas_mremap(&vmas, &addr, 2 * PAGE, 2 * PAGE,
					   MREMAP_MAYMOVE | MREMAP_FIXED, arena + 7 * PAGE),
			 0);
	assert_ptr_equal(addr, arena + 7 * PAGE);
	ours[1] = ours[2] = false;
	set(7, 2, true);
	/* It can become shorter, and then goes as a whole. */
	addr = arena + 5 * PAGE;
	assert_int_equal(front_vmas_mremap(&vmas, &addr, 2 * PAGE, PAGE, 0, NULL), 0);
	set(6, 1, false);
	assert_int_equal(cover(6, 1), 0);
	addr = arena + 7 * PAGE;
	/* It cannot grow. */
	assert_int_equal(front_vmas_mremap(&vmas, &addr, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE, NULL),
			 -EFAULT);
	expect_notes();
}

static void what_fails_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(map(2, 4), 0);
	set(2, 4, true);
	assert_int_equal(map(2, SIZE + 1), -ENXIO);
	assert_int_equal(front_vmas_munmap(&vmas, arena + 3 * PAGE, 0), -EINVAL);
	assert_int_equal(front_vmas_munmap(&vmas, arena + 3 * PAGE + 1, PAGE), -EINVAL);
	expect_notes();
	for (unsigned nth = 1; nth <= 2; nth++) {
		base_fail_nth(nth);
		assert_int_equal(map(4, 4), -ENOMEM);
		expect_notes();
	}
	/* Only a piece that becomes two wants memory. */
	base_fail_nth(1);
	assert_int_equal(front_vmas_munmap(&vmas, arena + 3 * PAGE, PAGE), -ENOMEM);
	expect_notes();
	base_fail_nth(1);
	assert_int_equal(front_vmas_munmap(&vmas, arena + 4 * PAGE, 2 * PAGE), 0);
	set(4, 2, false);
	assert_int_equal(cover(4, 2), 0);
}

/* The program's own allocator may be the one who calls. */
static void what_is_not_ours_wants_no_memory(void **state)
{
	void *addr = arena + 6 * PAGE;

	(void)state;
	assert_int_equal(map(0, 2), 0);
	base_fail_nth(1);
	assert_int_equal(front_vmas_munmap(&vmas, arena + 3 * PAGE, PAGE), 0);
	assert_int_equal(cover(3, 4), 0);
	assert_int_equal(front_vmas_mremap(&vmas, &addr, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
					   arena + 3 * PAGE),
			 0);
	assert_ptr_equal(addr, arena + 3 * PAGE);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	assert_int_equal(cover(6, 1), 0);
	set(0, 2, true);
}

static void a_forked_child_forgets(void **state)
{
	struct base_gapnode *note;

	(void)state;
	assert_int_equal(map(0, 2), 0);
	assert_true(front_vmas_exist(&vmas));
	note = vmas.tree.root;
	front_vmas_after_fork(&vmas);
	assert_false(front_vmas_exist(&vmas));
	assert_int_equal(holds, 1);
	holds = 0;
	base_free(base_container_of(note, struct front_vma, node));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(notes_are_what_is_mapped),	  test(a_mremap_moves_notes),
		test(what_fails_changes_nothing), test(what_is_not_ours_wants_no_memory),
		test(a_forked_child_forgets),
	};

	return cmocka_run_group_tests_name("vma", tests, NULL, NULL);
}
