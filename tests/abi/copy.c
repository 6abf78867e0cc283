// SPDX-License-Identifier: MIT
/* IOAS_COPY (iommufd-ioctls.md 9, 3.2, 3.3, 3.7, 27): which pieces it takes, and where they go. */
#include "selftest.h"

#define SRC 0x2000000ull
#define DST 0x4000000ull

/* The source: two areas that touch, a hole, an area that can only be read, one inside pages. */
struct piece {
	uint64_t iova, length, offset; /* offset: in the memory */
	uint32_t flags;
};

static const struct piece source[] = {
	{SRC, 0x2000, 0x8000, RW},	    {SRC + 0x2000, 0x3000, 0, RW},
	{SRC + 0x7000, 0x2000, 0x5000, R},  {SRC + 0x9000, 0x1000, 0x7000, RW},
	{SRC + 0xb000, 0x800, 0xb800, RW},  {SRC + 0xb800, 0x800, 0xc000, RW},
	{SRC + 0x10000, 0x1000, 0x123, RW},
};
#define PAGES 16

static uint8_t *map_source(struct abi *abi, uint32_t ioas)
{
	uint8_t *memory = abi_aligned(abi, PAGES);

	for (unsigned i = 0; i < COUNT(source); i++)
		ok(abi_map_at(abi, ioas, source[i].flags, memory + source[i].offset,
			      source[i].length, source[i].iova));
	return memory;
}

/* Where in the memory the source has this IOVA. */
static uint64_t offset_of(uint64_t iova)
{
	for (unsigned i = 0; i < COUNT(source); i++)
		if (iova >= source[i].iova && iova - source[i].iova < source[i].length)
			return source[i].offset + (iova - source[i].iova);
	fail();
	return 0;
}

/* ---- the rules ---- */

struct copy_row {
	const char *name;
	uint32_t flags;
	uint64_t src_iova, length, dst_iova;
	int want;
	uint64_t out; /* where it has to be */
};

static const struct copy_row copies[] = {
	{"an area", RW | FIXED, SRC, 0x2000, DST, 0, DST},
	{"the head of an area", RW | FIXED, SRC, 1, DST, 0, DST},
	{"the tail of an area", RW | FIXED, SRC + 0x1fff, 1, DST, 0, DST},
	{"bytes inside an area", RW | FIXED, SRC + 0x123, 0x456, DST + 7, 0, DST + 7},
	{"two areas", RW | FIXED, SRC, 0x5000, DST, 0, DST},
	{"the tail of one and the head of the next", RW | FIXED, SRC + 0x1800, 0x1000, DST, 0, DST},
	{"less rights than the source has", R | FIXED, SRC, 0x2000, DST, 0, DST},
	{"to the end of the space", R | FIXED, SRC, 2, ULAST - 1, 0, ULAST - 1},
	{"into the source's own hole", RW | FIXED, SRC, 0x1000, SRC + 0x5000, 0, SRC + 0x5000},

	{"unknown flag (9.1)", RW | 0x100, SRC, 0x1000, 0, -EOPNOTSUPP, 0},
	{"the flag of test kernels", RW | 0x10000, SRC, 0x1000, 0, -EOPNOTSUPP, 0},
	{"flags come first", 0x100, ULAST, 0x1000, 0, -EOPNOTSUPP, 0},
	{"length 2^64 - 1 (9.2)", RW, SRC, ULAST, 0, -EOVERFLOW, 0},
	{"source IOVA 2^64 - 1", RW, ULAST, 1, 0, -EOVERFLOW, 0},
	{"destination 2^64 - 1", RW | FIXED, SRC, 1, ULAST, -EOVERFLOW, 0},
	{"overflow before rights", 0, ULAST, 1, 0, -EOVERFLOW, 0},
	{"no rights (9.3)", FIXED, SRC, 0x1000, DST, -EINVAL, 0},
	{"no length (9.5)", RW, SRC, 0, 0, -EINVAL, 0},
	{"a range that wraps", RW, ULAST - 1, 3, 0, -EOVERFLOW, 0},

	{"a hole", RW | FIXED, SRC + 0x5000, 0x1000, DST, -ENOENT, 0},
	{"into a hole", RW | FIXED, SRC + 0x4000, 0x1001, DST, -ENOENT, 0},
	{"out of a hole", R | FIXED, SRC + 0x6fff, 2, DST, -ENOENT, 0},
	{"across a hole", R | FIXED, SRC, 0x8000, DST, -ENOENT, 0},
	{"before the first area", RW | FIXED, SRC - 1, 2, DST, -ENOENT, 0},
	{"a gap before the place is judged", RW | FIXED, SRC + 0x5000, 0x1000, SRC, -ENOENT, 0},

	{"onto an area (3.3)", RW | FIXED, SRC, 0x1000, SRC + 0x4fff, -EEXIST, 0},
	{"onto itself", RW | FIXED, SRC, 0x1000, SRC, -EEXIST, 0},
	{"beyond the end of the space", RW | FIXED, SRC, 0x1000, ULAST - 0xffe, -EOVERFLOW, 0},
	{"write to what was mapped read-only", RW | FIXED, SRC + 0x7000, 0x1000, DST, -EPERM, 0},
	{"a read-only piece behind others", RW | FIXED, SRC + 0x7000, 0x3000, DST, -EPERM, 0},
	{"a taken place before rights", RW | FIXED, SRC + 0x7000, 0x1000, SRC, -EEXIST, 0},
	{"only read of it", R | FIXED, SRC + 0x7000, 0x3000, DST, 0, DST},

	{"automatic", RW, SRC, 0x2000, 0, 0, 0x2000},
	{"automatic, destination 2^64 - 2 is no hint", RW, SRC, 0x2000, ULAST - 1, 0, 0x2000},
	{"automatic, g is of the memory", RW, SRC + 0x2000, 0x3000, 0, 0, 0x4000},
	{"automatic, inside a page", RW, SRC + 0x10001, 0x10, 0, 0, 0x1124},
	{"automatic, the first piece decides", RW, SRC + 0x1800, 0x1000, 0, 0, 0x1800},
};

/* Automatic IOVAs are 3.2's, whose `addr` is that of the first piece's memory. */
static void a_copy_obeys_its_rules(struct abi *abi)
{
	const struct copy_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi);
	uint64_t iova = row->dst_iova, unmapped;

	map_source(abi, ioas);
	expect(abi_copy(abi, ioas, row->flags, ioas, row->src_iova, row->length, &iova), row->want);
	ok(abi_unmap_all(abi, ioas, &unmapped));
	if (!row->want)
		assert_int_equal(iova, row->out);
	else
		assert_int_equal(iova, row->dst_iova);
	/* 27: a failure leaves nothing, a success one area more. */
	assert_int_equal(unmapped, 0xa000 + (row->want ? 0 : row->length));
}

/* 9.7: one area for each piece, so that each can be unmapped by itself. */
static void each_piece_is_an_area(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);

	map_source(abi, src);
	ok(abi_copy_to(abi, dst, RW, DST, src, SRC + 0x1000, 0x3000));
	expect(abi_unmap(abi, dst, DST, 0x2000, NULL), -ENOENT);
	expect(abi_unmap(abi, dst, DST + 0x1000, 0x1000, NULL), -ENOENT);
	ok(abi_unmap(abi, dst, DST + 0x1000, 0x2000, NULL));
	expect(abi_unmap(abi, dst, DST, 0x3000, NULL), -ENOENT);
}

static void ids_are_judged_in_order(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi), hwpt;
	uint64_t iova = DST;

	map_source(abi, src);
	abi_bound(abi, 0);
	hwpt = abi_paging(abi, 0, dst);
	/* 9.4: before the length; 9.6: after the source range. */
	expect(abi_copy(abi, dst, RW, NO_ID, SRC, 0, &iova), -ENOENT);
	expect(abi_copy(abi, dst, RW, hwpt, SRC, 0x1000, &iova), -ENOENT);
	expect(abi_copy(abi, NO_ID, RW, src, SRC, 0, &iova), -EINVAL);
	expect(abi_copy(abi, NO_ID, RW, src, ULAST - 1, 3, &iova), -EOVERFLOW);
	expect(abi_copy(abi, NO_ID, RW, src, SRC, 0x1000, &iova), -ENOENT);
	expect(abi_copy(abi, hwpt, RW, src, SRC, 0x1000, &iova), -ENOENT);
	expect(abi_copy(abi, hwpt, 0, NO_ID, SRC, 0x1000, &iova), -EINVAL);
}

/* ---- with domains ---- */

/* 3.1, 3.3: a piece that does not suit `A` is refused, wherever it is in the block. */
struct aligned_row {
	const char *name;
	const struct abi_machine *machine;
	uint64_t src_iova, length, dst_iova;
	int want;
};

static const struct aligned_row aligned[] = {
	{"vtd: a page", &abi_vtd, SRC, 0x1000, DST, 0},
	{"vtd: half a page", &abi_vtd, SRC, 0x800, DST, -EINVAL},
	{"vtd: to the middle of a page", &abi_vtd, SRC, 0x1000, DST + 0x800, -EINVAL},
	{"vtd: from the middle of a page", &abi_vtd, SRC + 0x800, 0x1000, DST, -EINVAL},
	{"vtd: two halves of pages", &abi_vtd, SRC + 0xb000, 0x1000, DST, -EINVAL},
	{"vtd: MSI window", &abi_vtd, SRC, 0x1000, MSI_START, -EINVAL},
	{"mock: half a page", &abi_mock, SRC, 0x800, DST, 0},
	{"mock: from the middle of a page", &abi_mock, SRC + 0x800, 0x1000, DST, 0},
	{"mock: two halves of pages", &abi_mock, SRC + 0xb000, 0x1000, DST, 0},
	{"mock: half of one", &abi_mock, SRC + 0xb000, 0x400, DST, -EINVAL},
	{"mock: odd memory", &abi_mock, SRC + 0x10000, 0x1000, DST, -EINVAL},
	{"mock: below the aperture", &abi_mock, SRC, 0x1000, MOCK_APERTURE_START - PAGE, -EINVAL},
};

static void pieces_suit_the_domains_of_the_destination(struct abi *abi)
{
	const struct aligned_row *row = abi->row;
	uint32_t src, dst;
	uint8_t *memory;

	abi_again(abi, row->machine);
	src = abi_ioas(abi), dst = abi_ioas(abi);
	memory = map_source(abi, src);
	abi_bound(abi, 0);
	abi_attached(abi, 0, dst);
	expect(abi_copy_to(abi, dst, RW, row->dst_iova, src, row->src_iova, row->length),
	       row->want);
	if (row->want) {
		expect(abi_unmap(abi, dst, 0, ULAST - 1, NULL), -ENOENT);
		return;
	}
	for (uint64_t at = 0; at < row->length; at += 0x800)
		assert_true(abi_sees(abi, 0, row->dst_iova + at,
				     memory + offset_of(row->src_iova + at)));
	assert_false(abi_reads(abi, 0, row->dst_iova + row->length));
}

/* The block is one as DMA sees it, with the rights of the call. */
static void a_copy_is_filled(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);
	uint8_t *memory = map_source(abi, src);

	abi_bound(abi, 0);
	abi_attached(abi, 0, dst);
	ok(abi_copy_to(abi, dst, RW, DST, src, SRC + 0x1000, 0x4000));
	for (uint64_t at = 0; at < 0x4000; at += PAGE)
		assert_true(abi_sees(abi, 0, DST + at, memory + offset_of(SRC + 0x1000 + at)));
	ok(abi_copy_to(abi, dst, R, DST + MIB(1), src, SRC, 0x1000));
	assert_true(abi_reads(abi, 0, DST + MIB(1)));
	assert_false(abi_writes(abi, 0, DST + MIB(1)));
	ok(abi_unmap_all(abi, dst, NULL));
	assert_false(abi_reads(abi, 0, DST));
	assert_false(abi_reads(abi, 0, DST + MIB(1)));
}

/* 3.4.6, 29.7: a page source outlives the mapping that it was made for. */
static void a_copy_outlives_its_source(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);
	uint8_t *memory = map_source(abi, src);

	abi_bound(abi, 0);
	ok(abi_copy_to(abi, dst, RW, DST, src, SRC, 0x5000));
	ok(abi_destroy(abi, src));
	abi_attached(abi, 0, dst);
	for (uint64_t at = 0; at < 0x5000; at += PAGE)
		assert_true(abi_sees(abi, 0, DST + at, memory + offset_of(SRC + at)));
	/* Of a copy, too, whose first piece is gone. */
	ok(abi_copy_to(abi, dst, RW, DST + MIB(1), dst, DST + 0x1000, 0x2000));
	ok(abi_unmap(abi, dst, DST, 0x5000, NULL));
	assert_true(abi_sees(abi, 0, DST + MIB(1), memory + offset_of(SRC + 0x1000)));
	assert_true(abi_sees(abi, 0, DST + MIB(1) + PAGE, memory + offset_of(SRC + 0x2000)));
}

/* 9.8, 27: what cannot be pinned at the end takes the whole block with it. */
static void a_copy_is_filled_as_a_whole(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	ok(abi_map_at(abi, src, RW, edge - PAGE, PAGE, SRC));
	ok(abi_map_at(abi, src, RW, edge - 2 * PAGE, PAGE, SRC + PAGE));
	ok(abi_map_at(abi, src, RW, edge, PAGE, SRC + 2 * PAGE));
	abi_attached(abi, 0, dst);
	expect(abi_copy_to(abi, dst, RW, DST, src, SRC, 3 * PAGE), -EFAULT);
	for (unsigned i = 0; i < 3; i++)
		assert_false(abi_reads(abi, 0, DST + i * PAGE));
	expect(abi_unmap(abi, dst, DST, 3 * PAGE, NULL), -ENOENT);
	ok(abi_copy_to(abi, dst, RW, DST, src, SRC, 2 * PAGE));
	assert_true(abi_sees(abi, 0, DST, edge - PAGE));
	assert_true(abi_sees(abi, 0, DST + PAGE, edge - 2 * PAGE));
}

/* Part of a mapping may be good although the rest is not (3.4.1). */
static void only_the_copied_part_is_pinned(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	ok(abi_map_at(abi, src, RW, edge - 2 * PAGE, 4 * PAGE, SRC));
	abi_attached(abi, 0, dst);
	expect(abi_copy_to(abi, dst, RW, DST, src, SRC, 4 * PAGE), -EFAULT);
	ok(abi_copy_to(abi, dst, RW, DST, src, SRC + PAGE, PAGE));
	assert_true(abi_sees(abi, 0, DST, edge - PAGE));
}

/* 9.9: what cannot be reported stays. */
static void a_copy_that_cannot_answer_is_made(struct abi *abi)
{
	struct iommu_ioas_copy cmd = {.size = sizeof(cmd), .flags = RW, .length = PAGE};
	uint32_t ioas = abi_ioas(abi);
	void *constant;
	uint64_t unmapped;

	map_source(abi, ioas);
	cmd.src_ioas_id = cmd.dst_ioas_id = ioas;
	cmd.src_iova = SRC;
	constant = abi_constant_copy(abi, &cmd, sizeof(cmd), 0);
	expect(abi_ioctl(abi, IOMMU_IOAS_COPY, constant), -EFAULT);
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, 0xb000);
}

/* ---- with the test ABI ---- */

/* iommufd-test-abi.md 11: areas by number. */
struct syz_row {
	const char *name;
	uint32_t number, offset;
	int want;
	uint64_t src_iova; /* what it stands for */
};

static const struct syz_row syz[] = {
	{"the first area", 0, 0, 0, SRC},
	{"the second area", 1, 0x800, 0, SRC + 0x2800},
	{"the last area", 6, 0x123, 0, SRC + 0x10123},
	{"no such area, which is IOVA 0", 7, 0, -ENOENT, 0},
	{"an offset beyond the area", 1, 0x4000, -ENOENT, 0},
};

static void a_source_may_be_the_nth_area(struct abi *abi)
{
	const struct syz_row *row = abi->row;
	uint64_t src_iova = (uint64_t)row->offset << 32 | row->number;
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = RW | FIXED | MOCK_FLAGS_ACCESS_SYZ,
		.length = 0x100,
		.dst_iova = DST,
		.src_iova = src_iova,
	};
	uint32_t ioas = abi_ioas(abi);

	map_source(abi, ioas);
	cmd.dst_ioas_id = ioas;
	cmd.src_ioas_id = NO_ID;
	expect(abi_ioctl(abi, IOMMU_IOAS_COPY, &cmd), -ENOENT);
	cmd.src_ioas_id = ioas;
	expect(abi_ioctl(abi, IOMMU_IOAS_COPY, &cmd), row->want);
	if (!row->want)
		assert_int_equal(cmd.src_iova, row->src_iova);
	expect(abi_unmap(abi, ioas, DST, 0x100, NULL), row->want);
	cmd.flags = RW | 1 << 17;
	expect(abi_ioctl(abi, IOMMU_IOAS_COPY, &cmd), -EOPNOTSUPP);
}

/* 3.4.6, 29.7: a page is pinned once for each mapping in a domain, until the last is gone. */
static void pins_are_those_of_all_copies(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);
	uint8_t *memory = abi_aligned(abi, 4);
	struct stdev stdev = st_new(abi, dst);

	ok(abi_map_at(abi, src, RW, memory, 4 * PAGE, SRC));
	ok(st_check_refs(abi, memory, 4 * PAGE, 0));
	ok(abi_copy_to(abi, dst, RW, DST, src, SRC + PAGE, 2 * PAGE));
	ok(abi_copy_to(abi, dst, RW, DST + MIB(1), dst, DST, PAGE));
	ok(st_check_map(abi, stdev.hwpt, DST, memory + PAGE, 2 * PAGE));
	ok(st_check_map(abi, stdev.hwpt, DST + MIB(1), memory + PAGE, PAGE));
	ok(st_check_refs(abi, memory, PAGE, 0));
	ok(st_check_refs(abi, memory + PAGE, 2 * PAGE, 1));
	ok(st_check_refs(abi, memory + 3 * PAGE, PAGE, 0));
	ok(abi_unmap(abi, dst, DST, 2 * PAGE, NULL));
	ok(st_check_refs(abi, memory + PAGE, PAGE, 1));
	ok(st_check_refs(abi, memory + 2 * PAGE, PAGE, 0));
	ok(abi_destroy(abi, src));
	ok(abi_unmap_all(abi, dst, NULL));
	ok(st_check_refs(abi, memory, 4 * PAGE, 0));
}

int main(void)
{
	abi_rows(abi_vtd, copies, a_copy_obeys_its_rules);
	abi_on(abi_vtd, each_piece_is_an_area);
	abi_both(ids_are_judged_in_order);
	abi_library(abi_rows(abi_vtd, aligned, pieces_suit_the_domains_of_the_destination));
	abi_library(abi_both(a_copy_is_filled));
	abi_library(abi_both(a_copy_outlives_its_source));
	abi_library(abi_both(a_copy_is_filled_as_a_whole));
	abi_library(abi_both(only_the_copied_part_is_pinned));
	abi_on(abi_vtd, a_copy_that_cannot_answer_is_made);
	abi_rows(abi_selftest, syz, a_source_may_be_the_nth_area);
	abi_on(abi_selftest, pins_are_those_of_all_copies);
	return abi_run("copy");
}
