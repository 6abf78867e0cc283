// SPDX-License-Identifier: MIT
/* The ioctls of a VFIO type1 container on an iommufd (vfio-device-ioctls.md 13). */
#include "abi.h"

#define BASE 0x2000000ull

#define V1 VFIO_TYPE1_IOMMU
#define V2 VFIO_TYPE1v2_IOMMU

/* An ioctl whose argument is a value. */
static int by_value(struct abi *abi, unsigned long cmd, unsigned long value)
{
	return swiommu_ioctl(abi->machine, abi->ctx, cmd, (void *)value);
}

static uint32_t compat(struct abi *abi)
{
	struct iommu_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_VFIO_IOAS_SET,
		.ioas_id = abi_ioas(abi),
	};

	ok(abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd));
	return cmd.ioas_id;
}

static int map_dma(struct abi *abi, uint32_t flags, const void *va, uint64_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map cmd = {sizeof(cmd), flags, ADDR(va), iova, size};

	return abi_ioctl(abi, VFIO_IOMMU_MAP_DMA, &cmd);
}

static int unmap_dma(struct abi *abi, uint32_t flags, uint64_t iova, uint64_t size,
		     uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int rc = abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &cmd);

	*unmapped = cmd.size;
	return rc;
}

/* ---- extensions, types ---- */

struct value_row {
	const char *name;
	unsigned long cmd, value;
	int without, with; /* a compat IOAS */
};

static const struct value_row values[] = {
	{"API version", VFIO_GET_API_VERSION, 0, 0, 0},
	{"API version, argument", VFIO_GET_API_VERSION, 77, 0, 0},
	{"type 1", VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU, 1, 1},
	{"type 1v2", VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU, 1, 1},
	{"unmap all", VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL, 1, 1},
	{"coherency without HWPTs", VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU, -ENODEV, 1},
	{"no-IOMMU", VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU, 0, 0},
	{"nesting", VFIO_CHECK_EXTENSION, 6, 0, 0},
	{"update vaddr", VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR, 0, 0},
	{"nothing", VFIO_CHECK_EXTENSION, 0, 0, 0},
	{"all 64 bits count", VFIO_CHECK_EXTENSION, 1ul << 32 | 1, 0, 0},
	{"set type 1", VFIO_SET_IOMMU, V1, -ENODEV, 0},
	{"set type 1v2", VFIO_SET_IOMMU, V2, -ENODEV, 0},
	{"set no-IOMMU", VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU, -EINVAL, -EINVAL},
	{"set SPAPR", VFIO_SET_IOMMU, VFIO_SPAPR_TCE_IOMMU, -EINVAL, -EINVAL},
	{"set all 64 bits", VFIO_SET_IOMMU, 1ul << 32 | 1, -EINVAL, -EINVAL},
	{"dirty pages", VFIO_IOMMU_DIRTY_PAGES, 0, -ENOTTY, -ENOTTY},
	{"another direction", VFIO_GET_API_VERSION | 0x40000000, 0, -ENOTTY, -ENOTTY},
};

static void arguments_by_value(struct abi *abi)
{
	const struct value_row *row = abi->row;

	expect(by_value(abi, row->cmd, row->value), row->without);
	compat(abi);
	expect(by_value(abi, row->cmd, row->value), row->with);
	expect(by_value(abi, row->cmd, row->value), row->with);
}

static void coherency_is_that_of_all_hwpts(struct abi *abi)
{
	uint32_t ioas = compat(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	assert_int_equal(by_value(abi, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU), 1);
	abi_bound(abi, 1);
	abi_attached(abi, 1, ioas);
	assert_int_equal(by_value(abi, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU), 0);
	ok(abi_detach(abi, 1));
	assert_int_equal(by_value(abi, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU), 1);
}

/* Type 1 switches huge pages off, which needs page-aligned areas and no domain with areas. */
static void type_1_has_small_pages(struct abi *abi)
{
	uint32_t ioas = compat(abi);
	void *memory = abi_pages(abi, 1);

	ok(by_value(abi, VFIO_SET_IOMMU, V2));
	expect_full_ranges(abi, ioas);
	ok(map_dma(abi, RW >> 1, memory, 2048, BASE));
	expect(by_value(abi, VFIO_SET_IOMMU, V1), -EADDRINUSE);
	ok(abi_unmap_all(abi, ioas, NULL));
	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	ok(map_dma(abi, RW >> 1, memory, PAGE, BASE));
	expect(by_value(abi, VFIO_SET_IOMMU, V1), -EINVAL);
	ok(abi_detach(abi, 0));
	ok(by_value(abi, VFIO_SET_IOMMU, V1));
	abi_attached(abi, 0, ioas);
	ok(by_value(abi, VFIO_SET_IOMMU, V1));
	ok(by_value(abi, VFIO_SET_IOMMU, V2));
	/* Version 2 does not bring them back. */
	expect(map_dma(abi, RW >> 1, memory, 2048, BASE + PAGE), -EINVAL);
}

/* ---- MAP_DMA ---- */

struct map_row {
	const char *name;
	uint32_t argsz, flags;
	uint64_t offset, size, iova;
	int want;
};

static const struct map_row maps[] = {
	{"read and write", 32, 3, 0, PAGE, BASE, 0},
	{"read", 32, 1, 0, PAGE, BASE, 0},
	{"a larger struct", 100, 3, 0, PAGE, BASE, 0},
	{"neither, which is not checked", 32, 0, 0, PAGE, BASE, 0},
	{"the last byte of the space", 32, 3, 0, 1, ULAST, 0},
	{"a smaller struct", 31, 3, 0, PAGE, BASE, -EINVAL},
	{"update vaddr", 32, 4 | 3, 0, PAGE, BASE, -EINVAL},
	{"unknown flag", 32, 8 | 3, 0, PAGE, BASE, -EINVAL},
	{"no size", 32, 3, 0, 0, BASE, -EINVAL},
	{"memory that wraps", 32, 3, 0, ULAST, BASE, -EOVERFLOW},
	{"IOVA that wraps", 32, 3, 0, PAGE, ULAST - 1, -EOVERFLOW},
	{"onto an area", 32, 3, 0, PAGE, BASE + 8 * PAGE, -EEXIST},
};

static void map_dma_obeys_its_rules(struct abi *abi)
{
	const struct map_row *row = abi->row;
	uint8_t *memory = abi_pages(abi, 4);
	struct vfio_iommu_type1_dma_map cmd = {row->argsz, row->flags, ADDR(memory + row->offset),
					       row->iova, row->size};
	uint32_t ioas;
	uint64_t unmapped;

	expect(abi_ioctl(abi, VFIO_IOMMU_MAP_DMA, &cmd),
	       row->want == -EINVAL && row->size ? -EINVAL : -ENODEV);
	ioas = compat(abi);
	ok(map_dma(abi, 3, memory, PAGE, BASE + 8 * PAGE));
	/* Nothing is written. */
	expect(abi_ioctl(abi, VFIO_IOMMU_MAP_DMA, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       row->want);
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, PAGE + (row->want ? 0 : row->size));
}

static void a_struct_that_cannot_be_read_is_efault(struct abi *abi)
{
	static const unsigned long cmds[] = {VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA,
					     VFIO_IOMMU_GET_INFO};
	static const uint32_t sizes[] = {32, 24, 16};
	uint32_t bytes[8] = {32};
	uint8_t *edge = abi_edge(abi);

	for (unsigned i = 0; i < 3; i++) {
		expect(abi_ioctl(abi, cmds[i], NULL), -EFAULT);
		expect(abi_ioctl(abi, cmds[i], abi_at(edge, bytes, sizes[i] - 1)), -EFAULT);
		expect(abi_ioctl(abi, cmds[i], abi_at(edge, bytes, sizes[i])), -ENODEV);
	}
}

/* ---- UNMAP_DMA ---- */

/* Before: 4 pages, then 2, a hole of 2, 2 pages. */
#define LAST_AREA (BASE + 8 * PAGE)

struct unmap_row {
	const char *name;
	uint32_t flags;
	uint64_t iova, size;
	int want[2];	      /* with and without huge pages */
	uint64_t unmapped[2]; /* what the struct says afterwards, in pages */
	uint32_t left[2];     /* bit i: page i is still there */
};

#define ALL VFIO_DMA_UNMAP_FLAG_ALL
#define SAME(x)      \
	{            \
		x, x \
	}

static const struct unmap_row unmaps[] = {
	{"an area", 0, BASE, 4 * PAGE, SAME(0), SAME(4), SAME(0x330)},
	{"two areas", 0, BASE, 6 * PAGE, SAME(0), SAME(6), SAME(0x300)},
	{"across a hole", 0, BASE + 4 * PAGE, 6 * PAGE, SAME(0), SAME(4), SAME(0xf)},
	{"nothing there", 0, BASE + 6 * PAGE, 2 * PAGE, SAME(0), SAME(0), SAME(0x33f)},
	{"everything", ALL, 0, 0, SAME(0), SAME(8), SAME(0)},
	{"the head of an area", 0, BASE, PAGE, {-ENOENT, 0}, {0, 1}, {0x33f, 0x33e}},
	{"the tail of an area", 0, BASE + 3 * PAGE, PAGE, {-ENOENT, 0}, {0, 1}, {0x33f, 0x337}},
	{"the middle of an area", 0, BASE + PAGE, 2 * PAGE, {-ENOENT, 0}, {0, 2}, {0x33f, 0x339}},
	{"parts of two", 0, BASE + 3 * PAGE, 2 * PAGE, {-ENOENT, 0}, {0, 2}, {0x33f, 0x327}},
	{"one and the head of the next", 0, BASE, 5 * PAGE, {-ENOENT, 0}, {4, 5}, {0x330, 0x320}},
	{"part of the last, and more",
	 0,
	 BASE + 9 * PAGE,
	 MIB(1),
	 {-ENOENT, 0},
	 {0, 1},
	 {0x33f, 0x13f}},
	{"no size", 0, BASE, 0, SAME(-EINVAL), SAME(0), SAME(0x33f)},
	{"a range that wraps", 0, BASE, ULAST - BASE + 2, SAME(-EOVERFLOW), SAME(0), SAME(0x33f)},
	{"up to the end of the space", 0, BASE, ULAST - BASE + 1, SAME(0), SAME(8), SAME(0)},
};

static uint32_t pages_left(struct abi *abi)
{
	uint32_t left = 0;

	for (unsigned i = 0; i < 12; i++)
		left |= (uint32_t)abi_reads(abi, 0, BASE + i * PAGE) << i;
	return left;
}

static void run_unmap(struct abi *abi, bool small)
{
	const struct unmap_row *row = abi->row;
	uint8_t *memory = abi_aligned(abi, 16);
	uint32_t ioas = compat(abi);
	uint64_t unmapped;

	ok(by_value(abi, VFIO_SET_IOMMU, small ? V1 : V2));
	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	ok(map_dma(abi, 3, memory, 4 * PAGE, BASE));
	ok(map_dma(abi, 3, memory + 8 * PAGE, 2 * PAGE, BASE + 4 * PAGE));
	ok(map_dma(abi, 3, memory + 12 * PAGE, 2 * PAGE, LAST_AREA));
	expect(unmap_dma(abi, row->flags, row->iova, row->size, &unmapped), row->want[small]);
	assert_int_equal(unmapped, row->unmapped[small] * PAGE);
	assert_int_equal(pages_left(abi), row->left[small]);
	for (unsigned i = 0; i < 4; i++)
		if (row->left[small] & 1 << i)
			assert_true(abi_sees(abi, 0, BASE + i * PAGE, memory + i * PAGE));
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, (uint64_t)__builtin_popcount(row->left[small]) * PAGE);
}

static void unmap_dma_with_huge_pages(struct abi *abi)
{
	run_unmap(abi, false);
}

static void unmap_dma_of_type_1(struct abi *abi)
{
	run_unmap(abi, true);
}

/* Errors that come before there is anything to say: the struct stays as it was. */
static void unmap_dma_that_is_refused_writes_nothing(struct abi *abi)
{
	struct vfio_iommu_type1_dma_unmap small = {.argsz = 23, .iova = BASE, .size = PAGE};
	uint32_t ioas = compat(abi);
	uint64_t size;

	ok(by_value(abi, VFIO_SET_IOMMU, V1));
	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 2), 2 * PAGE, BASE));
	expect(unmap_dma(abi, ALL, 0, 8, &size), -EINVAL);
	assert_int_equal(size, 8);
	expect(unmap_dma(abi, ALL, 8, 0, &size), -EINVAL);
	expect(unmap_dma(abi, 1, BASE, PAGE, &size), -EINVAL);
	expect(unmap_dma(abi, 4, BASE, PAGE, &size), -EINVAL);
	assert_int_equal(size, PAGE);
	expect(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &small), -EINVAL);
	assert_int_equal(small.size, PAGE);
	/* A cut that is not aligned, at the end or at the beginning. */
	expect(unmap_dma(abi, 0, BASE, 2048, &size), -EINVAL);
	assert_int_equal(size, 2048);
	expect(unmap_dma(abi, 0, BASE + 2048, 2 * PAGE - 2048, &size), -EINVAL);
	assert_int_equal(size, 2 * PAGE - 2048);
	ok(abi_unmap(abi, ioas, BASE, 2 * PAGE, NULL));
}

static void unmap_dma_that_cannot_answer_is_done(struct abi *abi)
{
	struct vfio_iommu_type1_dma_unmap cmd = {.argsz = sizeof(cmd), .iova = BASE, .size = PAGE};
	uint32_t ioas = compat(abi);

	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, BASE));
	expect(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	expect(abi_unmap(abi, ioas, BASE, PAGE, NULL), -ENOENT);
}

/* The parts are areas of their own, also for domains that join or leave later. */
static void parts_live_on_by_themselves(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 8);
	uint32_t ioas = compat(abi);
	uint64_t size;

	ok(by_value(abi, VFIO_SET_IOMMU, V1));
	abi_bound(abi, 0);
	abi_bound(abi, 1);
	abi_attached(abi, 0, ioas);
	ok(map_dma(abi, 3, memory, 8 * PAGE, BASE));
	ok(unmap_dma(abi, 0, BASE + 2 * PAGE, PAGE, &size));
	abi_attached(abi, 1, abi_parent(abi, 1, ioas));
	ok(unmap_dma(abi, 0, BASE + 5 * PAGE, PAGE, &size));
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(abi_reads(abi, n, BASE + i * PAGE), i != 2 && i != 5);
	assert_true(abi_sees(abi, 1, BASE + 4 * PAGE, memory + 4 * PAGE));
	ok(abi_detach(abi, 0));
	ok(unmap_dma(abi, 0, BASE + 6 * PAGE, PAGE, &size));
	assert_true(abi_sees(abi, 1, BASE + 7 * PAGE, memory + 7 * PAGE));
	/* Huge pages are on again: the parts stay, and are not cut. */
	ok(abi_unmap(abi, ioas, BASE + 3 * PAGE, 2 * PAGE, NULL));
	expect(abi_unmap(abi, ioas, BASE, PAGE, NULL), -ENOENT);
}

/* ---- IOMMU_GET_INFO ---- */

/* The whole answer, with three ranges of IOVAs. */
struct info {
	struct vfio_iommu_type1_info head;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	struct {
		struct vfio_info_cap_header header;
		uint32_t nr_iovas, reserved;
	} cap;
	struct vfio_iova_range ranges[3];
};

_Static_assert(offsetof(struct info, cap) == 40, "as the specification says");

struct info_row {
	const char *name;
	const struct abi_machine *machine;
	uint32_t argsz;
	uint64_t pgsizes;
	uint32_t nr, size; /* of ranges; the whole answer */
};

static const struct info_row infos[] = {
	{"no domain", NULL, 200, ULAST - 4095, 1, 72},
	{"no domain, room for all", NULL, 72, ULAST - 4095, 1, 72},
	{"no domain, a byte less", NULL, 71, ULAST - 4095, 1, 72},
	{"no domain, the first capability", NULL, 40, ULAST - 4095, 1, 72},
	{"no domain, not even that", NULL, 35, ULAST - 4095, 1, 72},
	{"no domain, the head", NULL, 24, ULAST - 4095, 1, 72},
	{"no domain, an old head", NULL, 16, ULAST - 4095, 1, 72},
	{"vtd", &abi_vtd, 200, 0x40201000, 2, 88},
	{"vtd, room for one range", &abi_vtd, 80, 0x40201000, 2, 88},
	{"mock: below a page is a page", &abi_mock, 200, ((uint64_t)1 << 37) - 4096, 1, 72},
};

static void get_info(struct abi *abi)
{
	const struct info_row *row = abi->row;
	struct info info;
	uint32_t ioas;

	abi_again(abi, row->machine ? row->machine : &abi_vtd);
	ioas = compat(abi);
	if (row->machine) {
		abi_bound(abi, 0);
		abi_attached(abi, 0, ioas);
	}
	memset(&info, 0xee, sizeof(info));
	info.head.argsz = row->argsz;
	ok(abi_ioctl(abi, VFIO_IOMMU_GET_INFO, &info));
	assert_int_equal(info.head.argsz, row->size);
	assert_int_equal(info.head.flags, VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS);
	assert_int_equal(info.head.iova_pgsizes, row->pgsizes);
	if (row->argsz >= 24)
		assert_int_equal(info.head.cap_offset, row->argsz >= row->size ? 24 : 0);
	else
		assert_int_equal(info.head.cap_offset, 0xeeeeeeee);
	if (row->argsz >= row->size) {
		assert_int_equal(info.avail.header.id, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
		assert_int_equal(info.avail.header.version, 1);
		assert_int_equal(info.avail.header.next, 40);
		assert_int_equal(info.avail.avail, 0xffffffff);
		assert_int_equal(info.cap.header.id, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
		assert_int_equal(info.cap.header.version, 1);
		assert_int_equal(info.cap.header.next, 0);
		assert_int_equal(info.cap.nr_iovas, row->nr);
		assert_int_equal(info.ranges[0].start, abi->mock ? MOCK_APERTURE_START : 0);
	}
	/* Nothing is written beyond what the client has room for. */
	for (uint32_t at = row->argsz; at < sizeof(info); at++)
		if (at >= 24 || row->argsz == 16)
			assert_int_equal(((uint8_t *)&info)[at], 0xee);
}

static void info_is_at_least_the_alignment(struct abi *abi)
{
	struct info info = {.head.argsz = 15};

	compat(abi);
	expect(abi_ioctl(abi, VFIO_IOMMU_GET_INFO, &info), -EINVAL);
	ok(by_value(abi, VFIO_SET_IOMMU, V1));
	info.head.argsz = sizeof(info);
	ok(abi_ioctl(abi, VFIO_IOMMU_GET_INFO, &info));
	assert_int_equal(info.head.iova_pgsizes, ULAST - 4095);
}

int main(void)
{
	abi_rows(abi_vtd, values, arguments_by_value);
	abi_on(abi_mixed, coherency_is_that_of_all_hwpts);
	abi_on(abi_vtd, type_1_has_small_pages);
	abi_rows(abi_vtd, maps, map_dma_obeys_its_rules);
	abi_on(abi_vtd, a_struct_that_cannot_be_read_is_efault);
	abi_library(abi_rows(abi_vtd, unmaps, unmap_dma_with_huge_pages));
	abi_library(abi_rows(abi_vtd, unmaps, unmap_dma_of_type_1));
	abi_library(abi_rows(abi_mock, unmaps, unmap_dma_of_type_1));
	abi_on(abi_vtd, unmap_dma_that_is_refused_writes_nothing);
	abi_on(abi_vtd, unmap_dma_that_cannot_answer_is_done);
	abi_library(abi_on(abi_vtd, parts_live_on_by_themselves));
	abi_library(abi_rows(abi_vtd, infos, get_info));
	abi_on(abi_vtd, info_is_at_least_the_alignment);
	return abi_run("compat");
}
