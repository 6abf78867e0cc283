// SPDX-License-Identifier: MIT
/* Which bits of a client's bitmap GET_DIRTY_BITMAP sets (iommufd-ioctls.md 17.4, 17.7, 17.8). */
#include "dirty.h"

#include <stdlib.h>

/* ---- small leaves ---- */

struct unit_row {
	const char *name;
	uint64_t page_size, want;
};

/* Pages 0, 1, 6, 15 of 16 are dirty. */
static const struct unit_row units[] = {
	{"4 KiB", 4096, 0x8043},
	{"8 KiB", 8192, 0x89},
	{"16 KiB", 16384, 0xb},
	{"64 KiB", 65536, 1},
	{"2 KiB", 2048, 0xc000300full},
	{"1 KiB", 1024, 0xf00000000f0000ffull},
	{"12 KiB counts as 4 KiB (17.4)", 3 * 4096, 0x8043},
	{"24 KiB counts as 8 KiB", 6 * 4096, 0x89},
};

static void bits_stand_for_page_size(struct abi *abi)
{
	const struct unit_row *row = abi->row;
	struct scene scene;
	uint64_t bits[2] = {0};

	make_scene(abi, &scene);
	write_page(abi, 0);
	write_page(abi, 1);
	write_page(abi, 6);
	write_page(abi, 15);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, 16 * PAGE, row->page_size, bits));
	assert_int_equal(bits[0], row->want);
	assert_int_equal(bits[1], 0);
}

static void bits_are_only_set(struct abi *abi)
{
	struct scene scene;
	uint8_t bytes[24];

	make_scene(abi, &scene);
	memset(bytes, 0xa0, sizeof(bytes));
	write_page(abi, 0);
	write_page(abi, 33);
	/* Anywhere in memory. */
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, PAGES * PAGE, PAGE, bytes + 3));
	for (unsigned i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], i == 3 ? 0xa1 : i == 7 ? 0xa2 : 0xa0);
}

/* 17.7: bits that cannot be written are lost, and so is what they say. */
static void a_bitmap_that_cannot_be_written(struct abi *abi)
{
	uint8_t *edge = abi_edge(abi), zero[8] = {0};
	void *constant = abi_constant(abi, 1);
	struct scene scene;

	make_scene(abi, &scene);
	for (unsigned page = 0; page < PAGES; page++)
		write_page(abi, page);
	ok(get_dirty(abi, scene.hwpt, NO_CLEAR, IOVA, PAGES * PAGE, PAGE, NULL));
	ok(get_dirty(abi, scene.hwpt, NO_CLEAR, IOVA, PAGES * PAGE, PAGE, constant));
	assert_int_equal(pages_of(abi, &scene, NO_CLEAR), ULAST);
	abi_at(edge, zero, 2);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, 40 * PAGE, PAGE, edge - 2));
	assert_int_equal(edge[-1] & edge[-2], 0xff);
	assert_int_equal(edge[-3], 0);
	assert_int_equal(pages_of(abi, &scene, 0), ULAST << 40);
	write_page(abi, 1);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, PAGES * PAGE, PAGE, constant));
	assert_int_equal(pages_of(abi, &scene, 0), 0);
}

/* Bytes without new bits are not even written. */
static void clean_parts_of_the_bitmap_are_left_alone(struct abi *abi)
{
	static const uint8_t zeros[8];
	struct scene scene;
	uint8_t *bytes;

	make_scene(abi, &scene);
	bytes = abi_constant_copy(abi, zeros, sizeof(zeros), 4);
	write_page(abi, 31);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, PAGES * PAGE, PAGE, bytes));
	assert_int_equal(bytes[3], 0x80);
	assert_int_equal(bytes[2], 0);
}

/* ---- large leaves ---- */

/* 2 MiB in one piece. */
static void make_large(struct abi *abi, struct scene *scene)
{
	make_hwpt(abi, scene, DIRTY);
	scene->memory = abi_aligned(abi, 512);
	ok(abi_map_at(abi, scene->ioas, RW, scene->memory, MIB(2), IOVA));
	abi_attached(abi, 0, scene->hwpt);
	ok(set_dirty(abi, scene->hwpt, ENABLE));
	write_page(abi, 300);
}

static void expect_bits(const uint8_t *bytes, unsigned first, unsigned end, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(bytes[i / 8] >> i % 8 & 1, i >= first && i < end);
}

/* 17.8 */
static void a_large_leaf_is_dirty_as_a_whole(struct abi *abi)
{
	uint8_t bytes[65] = {0};
	struct scene scene;

	make_large(abi, &scene);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, MIB(2), PAGE, bytes));
	expect_bits(bytes, 0, 512, 520);
	memset(bytes, 0, sizeof(bytes));
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, MIB(2), PAGE, bytes));
	expect_bits(bytes, 0, 0, 520);
}

/* From where the question begins, and behind its end in the same page of the bitmap. */
static void a_part_of_a_large_leaf(struct abi *abi)
{
	uint8_t *page = abi_pages(abi, 2);
	struct scene scene;

	make_large(abi, &scene);
	ok(get_dirty(abi, scene.hwpt, NO_CLEAR, IOVA + 500 * PAGE, 2 * PAGE, PAGE, page));
	expect_bits(page, 0, 12, 64);
	memset(page, 0, PAGE);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA + 8 * PAGE, 8 * PAGE, PAGE, page + PAGE - 4));
	expect_bits(page, 8 * 4092, 8 * 4096, 8 * 4100);
	/* Which cleans all of the leaf. */
	memset(page, 0, PAGE);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, MIB(2), PAGE, page));
	expect_bits(page, 0, 0, 512);
}

/* The mock's 2 MiB are two entries of 1 MiB, with a bit each; a write sets both. */
static void a_part_of_a_leaf_that_is_repeated(struct abi *abi)
{
	uint8_t *page = abi_pages(abi, 1);
	struct scene scene;

	make_large(abi, &scene);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA + 500 * PAGE, 2 * PAGE, PAGE, page));
	expect_bits(page, 0, 12, 64);
	memset(page, 0, PAGE);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, MIB(2), PAGE, page));
	expect_bits(page, 0, 256, 512);
}

/* A leaf whose bits are in two pages of the bitmap, then a page behind it. */
static void a_bitmap_of_several_pages(struct abi *abi)
{
	uint8_t *page = abi_pages(abi, 3);
	struct scene scene;

	make_large(abi, &scene);
	for (unsigned i = 512; i < 516; i++)
		ok(abi_map_at(abi, scene.ioas, RW, scene.memory, PAGE, IOVA + i * PAGE));
	write_page(abi, 514);
	ok(get_dirty(abi, scene.hwpt, NO_CLEAR, IOVA, MIB(2) + 4 * PAGE, PAGE, page + PAGE - 3));
	expect_bits(page + PAGE - 3, 0, 512, 514);
	assert_int_equal(page[PAGE + 61], 4);
	memset(page, 0, 2 * PAGE);
	/* A bit for 64 bytes: the leaf alone has a page of bits. */
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, MIB(2), 64, page + PAGE / 2));
	expect_bits(page, 8 * PAGE / 2, 8 * PAGE * 3 / 2, 8 * 2 * PAGE);
	assert_int_equal(page[2 * PAGE], 0);
	ok(get_dirty(abi, scene.hwpt, 0, IOVA, MIB(2) + 4 * PAGE, PAGE, page + 2 * PAGE));
	expect_bits(page + 2 * PAGE, 514, 515, 516);
}

/* Random pages, a bit each, at every place in the bitmap. */
static void every_bit_has_its_place(struct abi *abi)
{
	uint8_t *page = abi_pages(abi, 2);
	struct scene scene;
	uint64_t bits = 0;

	make_scene(abi, &scene);
	srandom(1);
	for (unsigned round = 0; round < 32; round++) {
		uint64_t want = 0;
		unsigned first = random() % PAGES, count = 1 + random() % (PAGES - first);

		for (unsigned i = 0; i < 6; i++) {
			unsigned n = random() % PAGES;

			write_page(abi, n);
			want |= 1ull << n;
		}
		memset(page, 0, 2 * PAGE);
		ok(get_dirty(abi, scene.hwpt, 0, IOVA + first * PAGE, count * PAGE, PAGE,
			     page + PAGE - round % 12));
		memcpy(&bits, page + PAGE - round % 12, 8);
		want >>= first;
		assert_int_equal(bits, count < 64 ? want & ((1ull << count) - 1) : want);
		pages_of(abi, &scene, 0);
	}
}

int main(void)
{
	abi_rows(abi_vtd, units, bits_stand_for_page_size);
	abi_rows(abi_mock, units, bits_stand_for_page_size);
	abi_both(bits_are_only_set);
	abi_both(a_bitmap_that_cannot_be_written);
	abi_both(clean_parts_of_the_bitmap_are_left_alone);
	abi_both(a_large_leaf_is_dirty_as_a_whole);
	abi_on(abi_vtd, a_part_of_a_large_leaf);
	abi_on(abi_mock, a_part_of_a_leaf_that_is_repeated);
	abi_both(a_bitmap_of_several_pages);
	abi_both(every_bit_has_its_place);
	return abi_run("dirty_bits");
}
