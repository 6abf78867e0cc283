// SPDX-License-Identifier: MIT
/* mem/client.h: the same rules for a client that is near and one that is far. */
#include "spaces.h"

#include <errno.h>
#include <string.h>

static struct space *const spaces[] = {&space_local, &space_remote};

#define KNOWN 24 /* bytes of the struct, as we know it */

/* Offsets of what can be written, and of what is not there. */
#define START SPACE_PAGE
#define END   SPACE_SIZE

/* Byte i of a client's struct; never 0. */
static uint8_t pattern(size_t i)
{
	return (uint8_t)(i % 251 + 1);
}

/*
 * A struct of `size` bytes at `offset`: the known part is the pattern, the rest
 * is zero but for the byte at `nonzero` (0: none) of the struct.
 */
struct struct_row {
	size_t offset, size, nonzero;
	int rc;
};

static const struct struct_row struct_rows[] = {
	/* as long as ours, shorter, empty */
	{START, KNOWN, 0, 0},
	{START + 7, KNOWN, 0, 0},
	{START, KNOWN - 1, 0, 0},
	{START, 4, 0, 0},
	{START, 1, 0, 0},
	{START, 0, 0, 0},
	/* longer, and all zero behind our end */
	{START, KNOWN + 1, 0, 0},
	{START + 3, KNOWN + 255, 0, 0},
	{START + 3, KNOWN + 256, 0, 0},
	{START + 3, KNOWN + 257, 0, 0},
	{START, 2 * SPACE_PAGE, 0, 0},
	/* a byte that is not zero: first, last, in the middle, on each side of a buffer's end */
	{START, KNOWN + 1, KNOWN, -E2BIG},
	{START, KNOWN + 300, KNOWN, -E2BIG},
	{START, KNOWN + 300, KNOWN + 299, -E2BIG},
	{START, KNOWN + 300, KNOWN + 255, -E2BIG},
	{START, KNOWN + 300, KNOWN + 256, -E2BIG},
	{START + 1, 2 * SPACE_PAGE - 1, 5000, -E2BIG},
	{START, 2 * SPACE_PAGE, 2 * SPACE_PAGE - 1, -E2BIG},
	/* right behind the tail there may be anything */
	{START, KNOWN + 8, KNOWN + 8, 0},
	/* the tail reaches where nothing is */
	{START, END - START + 1, 0, -EFAULT},
	{END - 100, 101, 0, -EFAULT},
	{START, UINT32_MAX, 0, -EFAULT},
};

/* What is behind a byte that decides is not looked at: far from the hole, near to it. */
static const struct struct_row e2big_rows[] = {
	{START, END - START + 1, KNOWN + 1, -E2BIG},
	{END - 300, 400, 30, -E2BIG},
	{END - 100, 200, 50, -E2BIG},
	{END - 100, 101, 99, -E2BIG},
};

static void write_struct(struct space *space, const struct struct_row *row)
{
	space_fill(space, 0);
	for (size_t i = 0; i < base_min_u64(KNOWN, row->size); i++)
		space->bytes[row->offset + i] = pattern(i);
	if (row->nonzero)
		space->bytes[row->offset + row->nonzero] = 1;
}

static void check_struct(struct space *space, const struct struct_row *row, size_t number)
{
	uint8_t dst[KNOWN + 2];
	int rc;

	memset(dst, 0xee, sizeof(dst));
	write_struct(space, row);
	rc = mem_copy_in_struct(&space->client, dst + 1, KNOWN, space->addr + row->offset,
				row->size);
	if (rc != row->rc)
		fail_msg("row %zu, %s: %d instead of %d", number, space->name, rc, row->rc);
	assert_int_equal(dst[0], 0xee);
	assert_int_equal(dst[KNOWN + 1], 0xee);
	for (size_t i = 0; i < KNOWN && !rc; i++)
		assert_int_equal(dst[1 + i], i < row->size ? pattern(i) : 0);
}

static void structs_of_any_size_are_copied_in(void **state)
{
	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++)
		for (size_t i = 0; i < base_array_size(struct_rows); i++)
			check_struct(spaces[s], &struct_rows[i], i);
}

static void a_byte_that_is_not_zero_hides_a_hole_behind_it(void **state)
{
	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++)
		for (size_t i = 0; i < base_array_size(e2big_rows); i++)
			check_struct(spaces[s], &e2big_rows[i], i);
}

/* Our own size, less and more, at every distance from the end of memory. */
static void a_struct_that_leaves_memory_is_efault(void **state)
{
	uint8_t dst[KNOWN];

	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct space *space = spaces[s];

		space_fill(space, 0);
		for (size_t size = 1; size <= KNOWN + 8; size++) {
			for (size_t inside = 0; inside <= size; inside++) {
				int rc = mem_copy_in_struct(&space->client, dst, KNOWN,
							    space->addr + END - inside, size);

				assert_int_equal(rc, inside == size ? 0 : -EFAULT);
			}
		}
	}
}

/* ---- is it zero? ---- */

static const size_t lengths[] = {1, 7, 8, 255, 256, 257, 511, 512, 513, 1000};

static void expect_zero(struct space *space, size_t offset, size_t n, bool expected)
{
	bool zero = !expected;

	assert_int_equal(mem_is_zero(&space->client, space->addr + offset, n, &zero), 0);
	assert_int_equal(zero, expected);
}

static void one_byte_anywhere_is_not_zero(void **state)
{
	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct space *space = spaces[s];

		for (size_t i = 0; i < base_array_size(lengths); i++) {
			size_t n = lengths[i];

			space_fill(space, 0);
			space->bytes[START + 99] = space->bytes[START + 100 + n] = 0xff;
			expect_zero(space, START + 100, n, true);
			for (size_t at = 0; at < n; at++) {
				space->bytes[START + 100 + at] = 0x80;
				expect_zero(space, START + 100, n, false);
				space->bytes[START + 100 + at] = 0;
			}
		}
	}
}

static void zeros_up_to_a_hole_are_efault(void **state)
{
	bool zero;

	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct space *space = spaces[s];

		space_fill(space, 0);
		for (size_t inside = 0; inside < 1000; inside += 111)
			assert_int_equal(mem_is_zero(&space->client, space->addr + END - inside,
						     inside + 1, &zero),
					 -EFAULT);
		expect_zero(space, END - SPACE_PAGE, SPACE_PAGE, true);
	}
}

/* ---- copies ---- */

static void copies_are_exact(void **state)
{
	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct space *space = spaces[s];
		uint8_t buf[600];

		space_fill(space, 0x11);
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(i);
		assert_int_equal(mem_copy_out(&space->client, space->addr + START + 4000, buf,
					      sizeof(buf)),
				 0);
		assert_int_equal(space->bytes[START + 3999], 0x11);
		assert_int_equal(space->bytes[START + 4600], 0x11);
		assert_memory_equal(space->bytes + START + 4000, buf, sizeof(buf));
		memset(buf, 0, sizeof(buf));
		assert_int_equal(mem_copy_in(&space->client, buf + 1, space->addr + START + 4001,
					     500),
				 0);
		assert_int_equal(buf[0], 0);
		assert_int_equal(buf[501], 0);
		assert_memory_equal(buf + 1, space->bytes + START + 4001, 500);
	}
}

static void bad_addresses_are_efault(void **state)
{
	static const uint64_t bad[] = {0, 8, 0x7fffffffffff, 0x8000000000000000, UINT64_MAX - 7};
	uint8_t buf[8] = {0};
	bool zero;

	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct mem_client *client = &spaces[s]->client;

		for (size_t i = 0; i < base_array_size(bad); i++) {
			assert_int_equal(mem_copy_in(client, buf, bad[i], 8), -EFAULT);
			assert_int_equal(mem_copy_out(client, bad[i], buf, 8), -EFAULT);
			assert_int_equal(mem_clear_out(client, bad[i], 8), -EFAULT);
			assert_int_equal(mem_is_zero(client, bad[i], 8, &zero), -EFAULT);
		}
	}
}

/* ---- clear ---- */

static void clear_out_clears_what_it_should(void **state)
{
	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct space *space = spaces[s];

		for (size_t i = 0; i < base_array_size(lengths); i++) {
			size_t n = lengths[i];

			space_fill(space, 0x77);
			assert_int_equal(mem_clear_out(&space->client, space->addr + START + 50, n),
					 0);
			assert_int_equal(space->bytes[START + 49], 0x77);
			assert_int_equal(space->bytes[START + 50 + n], 0x77);
			expect_zero(space, START + 50, n, true);
		}
	}
}

static void clear_out_of_nothing_touches_nothing(void **state)
{
	(void)state;
	space_remote_copies();
	for (size_t s = 0; s < base_array_size(spaces); s++)
		assert_int_equal(mem_clear_out(&spaces[s]->client, 8, 0), 0);
	assert_int_equal(space_remote_copies(), 0);
}

static void read_only_memory_can_only_be_read(void **state)
{
	uint8_t buf[16] = {1};

	(void)state;
	for (size_t s = 0; s < base_array_size(spaces); s++) {
		struct space *space = spaces[s];
		struct mem_client *client = &space->client;

		assert_int_equal(mem_copy_in(client, buf, space->addr, 16), 0);
		assert_int_equal(mem_copy_out(client, space->addr, buf, 16), -EFAULT);
		assert_int_equal(mem_clear_out(client, space->addr, 16), -EFAULT);
		assert_int_equal(mem_clear_out(client, space->addr + START - 300, 600), -EFAULT);
	}
}

/* ---- files ---- */

static unsigned released;

static void count_release(struct mem_file *file)
{
	(void)file;
	released++;
}

static void last_reference_releases_a_file(void **state)
{
	static const struct mem_file_ops ops = {.release = count_release};
	struct mem_file file;

	(void)state;
	released = 0;
	mem_file_init(&file, &ops);
	mem_file_get(&file);
	mem_file_put(&file);
	assert_int_equal(released, 0);
	mem_file_put(&file);
	assert_int_equal(released, 1);
}

static void a_file_without_reads_and_writes_says_einval(void **state)
{
	static const struct mem_file_ops ops = {.release = count_release};
	struct mem_client *client = &space_local.client;
	struct mem_file file;

	(void)state;
	mem_file_init(&file, &ops);
	assert_int_equal(mem_file_pread(&file, client, space_local.addr, 8, 0), -EINVAL);
	assert_int_equal(mem_file_pwrite(&file, client, space_local.addr, 8, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_of_any_size_are_copied_in),
		cmocka_unit_test(a_byte_that_is_not_zero_hides_a_hole_behind_it),
		cmocka_unit_test(a_struct_that_leaves_memory_is_efault),
		cmocka_unit_test(one_byte_anywhere_is_not_zero),
		cmocka_unit_test(zeros_up_to_a_hole_are_efault),
		cmocka_unit_test(copies_are_exact),
		cmocka_unit_test(bad_addresses_are_efault),
		cmocka_unit_test(clear_out_clears_what_it_should),
		cmocka_unit_test(clear_out_of_nothing_touches_nothing),
		cmocka_unit_test(read_only_memory_can_only_be_read),
		cmocka_unit_test(last_reference_releases_a_file),
		cmocka_unit_test(a_file_without_reads_and_writes_says_einval),
	};

	return cmocka_run_group_tests(tests, spaces_setup, NULL);
}
