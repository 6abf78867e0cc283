// SPDX-License-Identifier: MIT
/* Where a mapping goes, and where it may not (iommufd-ioctls.md 3.2, 3.3, 3.6, 7). */
#include "abi.h"

/* What was done to the IOAS before. */
enum step_kind { NOTHING, MAPPED, ALLOWED };
struct step {
	enum step_kind kind;
	uint64_t start, last;
};

/* Which device is attached, and thereby which ranges are reserved and what `A` is. */
enum domain {
	NONE, /* A 1 */
	VTD,  /* A 4096, reserved: the MSI window, from 2^47 on */
	MOCK, /* A 2048, reserved: all but 0x1000000-0x7fffffff */
};

struct place_row {
	const char *name;
	enum domain domain;
	struct step steps[4];
	uint64_t addr; /* with a domain: relative to an address that is a multiple of 16 MiB */
	uint64_t length;
	uint64_t iova; /* automatic: what comes out */
	int want;
};

#define MAP(start, last)            \
	{                           \
		MAPPED, start, last \
	}
#define ALLOW(start, last)           \
	{                            \
		ALLOWED, start, last \
	}
#define USER 0x7f0000000000ull

static const struct place_row automatic[] = {
	/* 3.6, in its order (the row with a file is MAP_FILE's) */
	{"3.6: page-aligned", NONE, {{0}}, USER + 0x1000, 0x3000, 0x1000, 0},
	{"3.6: rounded up to a power of two", NONE, {{0}}, USER + 0x200000, 0x3000, 0x4000, 0},
	{"3.6: the offset in the page is kept", NONE, {{0}}, USER + 0x804, 0x100, 0x1804, 0},
	{"3.6: address 0 asks for nothing", NONE, {{0}}, 0, 0x5000, 0x8000, 0},
	{"3.6: aperture", MOCK, {{0}}, 0x200000, 0x200000, 0x1000000, 0},
	{"3.6: aperture, then the same again",
	 MOCK,
	 {MAP(0x1000000, 0x11fffff)},
	 0x400000,
	 0x200000,
	 0x1200000,
	 0},
	{"3.6: g < A", VTD, {{0}}, 0x800, 0x1000, 0, -EINVAL},
	{"3.6: one allowed range",
	 NONE,
	 {ALLOW(0x5000, 0x7fff)},
	 USER + 0x1000,
	 0x4000,
	 0,
	 -ENOSPC},

	/* steps 1, 2, 4 */
	{"no length", NONE, {{0}}, USER, 0, 0, -EINVAL},
	{"2^63 - 1 bytes", NONE, {{0}}, 0x1000, ULAST / 2, 0, -EOVERFLOW},
	{"2^63 - 2 bytes", NONE, {{0}}, 0x1000, ULAST / 2 - 1, 0x1000, 0},
	{"A is judged before the size", MOCK, {{0}}, 0x1000, ULAST / 2, 0, -EINVAL},
	{"half of A", MOCK, {{0}}, 0x800, 0x400, 0, -EINVAL},
	{"A and a half", MOCK, {{0}}, 0x800, 0xc00, 0, -EINVAL},
	{"one A", MOCK, {{0}}, 0x800, 0x800, 0x1000800, 0},
	{"an address that is no multiple of A", MOCK, {{0}}, 0x400, 0x800, 0, -EINVAL},
	{"half a page on VT-d", VTD, {{0}}, 0, 0x800, 0, -EINVAL},
	{"a page on VT-d", VTD, {{0}}, 0x1000, 0x1000, 0x1000, 0},

	/* step 3 */
	{"one byte", NONE, {{0}}, USER + 0x123, 1, 0x1123, 0},
	{"one byte at address 0", NONE, {{0}}, 0, 1, 0x1000, 0},
	{"g is the lowest bit of the address", NONE, {{0}}, USER + 0x8000, 0x20000, 0x8000, 0},
	{"g is never above 2 MiB", NONE, {{0}}, USER + 0x1000000, 0x1000000, 0x200000, 0},
	{"g is never above 2 MiB, address 0", NONE, {{0}}, 0, 0x40000000, 0x200000, 0},

	/* step 5 */
	{"the first page is never chosen",
	 NONE,
	 {ALLOW(0, 0xfff)},
	 USER + 0x1000,
	 0x10,
	 0,
	 -ENOSPC},
	{"the second page is", NONE, {ALLOW(0, 0x1fff)}, USER + 0x1000, 0x1000, 0x1000, 0},
	{"the last page is never chosen",
	 NONE,
	 {ALLOW(ULAST - 0xfff, ULAST)},
	 USER + 0x1000,
	 0x10,
	 0,
	 -ENOSPC},
	{"the page before it is",
	 NONE,
	 {ALLOW(ULAST - 0x1fff, ULAST)},
	 USER + 0x1000,
	 0x1000,
	 ULAST - 0x1fff,
	 0},
	{"and no byte more",
	 NONE,
	 {ALLOW(ULAST - 0x1fff, ULAST)},
	 USER + 0x1000,
	 0x1001,
	 0,
	 -ENOSPC},
	{"allowed ranges count in ascending order",
	 NONE,
	 {ALLOW(0x9000, 0x9fff), ALLOW(0x5000, 0x5fff)},
	 USER + 0x1000,
	 0x1000,
	 0x5000,
	 0},
	{"a range that is too small is skipped",
	 NONE,
	 {ALLOW(0x9000, 0xafff), ALLOW(0x5000, 0x5fff)},
	 USER + 0x1000,
	 0x2000,
	 0x9000,
	 0},
	{"adjacent ranges are one",
	 NONE,
	 {ALLOW(0x6000, 0x6fff), ALLOW(0x5000, 0x5fff)},
	 USER + 0x1000,
	 0x2000,
	 0x5000,
	 0},
	{"ranges that are not adjacent are two",
	 NONE,
	 {ALLOW(0x6001, 0x6fff), ALLOW(0x5000, 0x5fff)},
	 USER + 0x1000,
	 0x2000,
	 0,
	 -ENOSPC},

	/* step 6: windows */
	{"a window of one byte is none",
	 NONE,
	 {ALLOW(0xfff, 0x1000)},
	 USER + 0x1000,
	 1,
	 0,
	 -ENOSPC},
	{"a window of two bytes is one",
	 NONE,
	 {ALLOW(0x1000, 0x1001)},
	 USER + 0x1000,
	 1,
	 0x1000,
	 0},
	{"a window that rounding leaves",
	 NONE,
	 {ALLOW(0x5000, 0x5fff)},
	 USER + 0x4000,
	 0x4000,
	 0,
	 -ENOSPC},
	{"a window that the offset leaves",
	 NONE,
	 {ALLOW(0x5000, 0x57ff)},
	 USER + 0x800,
	 0x10,
	 0,
	 -ENOSPC},
	{"a window that the offset just does not leave",
	 NONE,
	 {ALLOW(0x5000, 0x5801)},
	 USER + 0x800,
	 2,
	 0x5800,
	 0},
	{"rounding that wraps",
	 NONE,
	 {ALLOW(ULAST - 0xfffff, ULAST)},
	 USER + 0x200000,
	 0x200000,
	 0,
	 -ENOSPC},
	{"a window that begins inside a page",
	 NONE,
	 {ALLOW(0x5008, 0x9000)},
	 USER + 0x1000,
	 0x1000,
	 0x6000,
	 0},

	/* step 6: holes */
	{"behind a mapping", NONE, {MAP(0x1000, 0x1fff)}, USER + 0x1000, 0x1000, 0x2000, 0},
	{"a hole that fits exactly",
	 NONE,
	 {MAP(0x1000, 0x1fff), MAP(0x4000, 0x4fff)},
	 USER + 0x1000,
	 0x2000,
	 0x2000,
	 0},
	{"a hole that is a byte short",
	 NONE,
	 {MAP(0x1000, 0x1fff), MAP(0x3fff, 0x4fff)},
	 USER + 0x1000,
	 0x2000,
	 0x5000,
	 0},
	{"a hole that alignment makes too small",
	 NONE,
	 {MAP(0x1000, 0x1fff), MAP(0x6000, 0x6fff)},
	 USER + 0x200000,
	 0x3000,
	 0x8000,
	 0},
	{"a hole that alignment leaves alone",
	 NONE,
	 {MAP(0x1000, 0x1fff), MAP(0x8000, 0x8fff)},
	 USER + 0x200000,
	 0x3000,
	 0x4000,
	 0},
	{"a hole of one byte is none",
	 NONE,
	 {MAP(0x1000, 0x1fff), MAP(0x2001, 0x2fff)},
	 USER + 0x1000,
	 1,
	 0x3000,
	 0},
	{"the offset is or-ed to where the hole begins",
	 NONE,
	 {MAP(0x1000, 0x1bff)},
	 USER + 0x804,
	 0x100,
	 0x1c04,
	 0},
	{"mappings in an allowed range",
	 NONE,
	 {ALLOW(0x5000, 0x8fff), MAP(0x5000, 0x6fff)},
	 USER + 0x1000,
	 0x1000,
	 0x7000,
	 0},
	{"an allowed range that is full",
	 NONE,
	 {ALLOW(0x5000, 0x6fff), MAP(0x5000, 0x6fff)},
	 USER + 0x1000,
	 0x1000,
	 0,
	 -ENOSPC},
	{"a mapping across the border of an allowed range",
	 NONE,
	 {ALLOW(0x5000, 0x8fff), MAP(0x1000, 0x5fff)},
	 USER + 0x1000,
	 0x1000,
	 0x6000,
	 0},
	{"more than the aperture", MOCK, {{0}}, 0x1000, 0x7f000800, 0, -ENOSPC},
	{"the aperture begins unaligned to nothing",
	 MOCK,
	 {MAP(0x1000000, 0x10007ff)},
	 0x800,
	 0x800,
	 0x1000800,
	 0},
	{"allowed inside the aperture",
	 MOCK,
	 {ALLOW(0x7ffff000, 0x7fffffff)},
	 0x1000,
	 0x1000,
	 0x7ffff000,
	 0},
};

static const struct place_row fixed[] = {
	{"at 0", NONE, {{0}}, USER, 0x1000, 0, 0},
	{"at the very end", NONE, {{0}}, USER, 0x1000, ULAST - 0xfff, 0},
	{"a byte over the end", NONE, {{0}}, USER, 0x1001, ULAST - 0xfff, -EOVERFLOW},
	{"odd addresses are fine with A 1", NONE, {{0}}, USER + 3, 5, 7, 0},
	{"outside what is allowed", NONE, {ALLOW(0x5000, 0x8fff)}, USER, 0x1000, 0x10000, 0},
	{"no length", NONE, {{0}}, USER, 0, 0x1000, -EINVAL},
	{"the same again", NONE, {MAP(0x5000, 0x6fff)}, USER, 0x2000, 0x5000, -EEXIST},
	{"a byte in front of a mapping and its first",
	 NONE,
	 {MAP(0x5000, 0x6fff)},
	 USER,
	 2,
	 0x4fff,
	 -EEXIST},
	{"the last byte of a mapping", NONE, {MAP(0x5000, 0x6fff)}, USER, 1, 0x6fff, -EEXIST},
	{"inside a mapping", NONE, {MAP(0x5000, 0x6fff)}, USER, 1, 0x6000, -EEXIST},
	{"around a mapping", NONE, {MAP(0x5000, 0x6fff)}, USER, 0x10000, 0x1000, -EEXIST},
	{"just in front of a mapping", NONE, {MAP(0x5000, 0x6fff)}, USER, 0x1000, 0x4000, 0},
	{"just behind a mapping", NONE, {MAP(0x5000, 0x6fff)}, USER, 0x1000, 0x7000, 0},
	{"between two mappings",
	 NONE,
	 {MAP(0x5000, 0x5fff), MAP(0x7000, 0x7fff)},
	 USER,
	 0x1000,
	 0x6000,
	 0},

	{"A: the length", VTD, {{0}}, 0, 0x800, 0x1000, -EINVAL},
	{"A: the IOVA", VTD, {{0}}, 0, 0x1000, 0x1800, -EINVAL},
	{"A: the address", VTD, {{0}}, 0x800, 0x1000, 0x1000, -EINVAL},
	{"A: all of them", VTD, {{0}}, 0x1000, 0x1000, 0x1000, 0},
	{"A: 2048 on the mock", MOCK, {{0}}, 0x800, 0x800, 0x1000800, 0},
	{"A: 1024 on the mock", MOCK, {{0}}, 0x800, 0x400, 0x1000800, -EINVAL},
	{"A is judged before the end of the space", VTD, {{0}}, 0, 0x1800, ULAST - 0xfff, -EINVAL},
	{"the end of the space is judged before reservations",
	 VTD,
	 {{0}},
	 0,
	 0x2000,
	 ULAST - 0xfff,
	 -EOVERFLOW},

	{"reserved: just below the MSI window", VTD, {{0}}, 0, 0x1000, MSI_START - 0x1000, 0},
	{"reserved: into the MSI window", VTD, {{0}}, 0, 0x2000, MSI_START - 0x1000, -EINVAL},
	{"reserved: in the MSI window", VTD, {{0}}, 0, 0x1000, 0xfee80000, -EINVAL},
	{"reserved: the end of the MSI window", VTD, {{0}}, 0, 0x2000, MSI_LAST - 0xfff, -EINVAL},
	{"reserved: just above the MSI window", VTD, {{0}}, 0, 0x1000, MSI_LAST + 1, 0},
	{"reserved: the last page below 2^47", VTD, {{0}}, 0, 0x1000, VTD_FS_LAST - 0xfff, 0},
	{"reserved: 2^47", VTD, {{0}}, 0, 0x1000, VTD_FS_LAST + 1, -EINVAL},
	{"reserved: the last 2 KiB below the aperture", MOCK, {{0}}, 0, 0x800, 0xfff800, -EINVAL},
	{"reserved: the first 2 KiB of the aperture", MOCK, {{0}}, 0, 0x800, 0x1000000, 0},
	{"reserved: the last 2 KiB of the aperture", MOCK, {{0}}, 0, 0x800, 0x7ffff800, 0},
	{"reserved: the first 2 KiB above the aperture",
	 MOCK,
	 {{0}},
	 0,
	 0x800,
	 0x80000000,
	 -EINVAL},
	{"reserved comes before mapped",
	 MOCK,
	 {MAP(0x1000000, 0x1000fff)},
	 0,
	 0x1000,
	 0xfff800,
	 -EINVAL},
	{"mapped comes before the address",
	 MOCK,
	 {MAP(0x1000000, 0x1000fff)},
	 0x400,
	 0x800,
	 0x1000000,
	 -EEXIST},
};

/* ---- running a row ---- */

static void *base;

static void run_step(struct abi *abi, uint32_t ioas, const struct step *step)
{
	uint64_t length = step->last - step->start + 1;

	if (step->kind == MAPPED)
		ok(abi_map_at(abi, ioas, RW, base ? base : (void *)USER, length, step->start));
}

/* All allowed ranges of a row are one list. */
static void allow_all(struct abi *abi, uint32_t ioas, const struct place_row *row)
{
	struct iommu_iova_range ranges[COUNT(row->steps)];
	uint32_t count = 0;

	for (unsigned i = 0; i < COUNT(row->steps); i++)
		if (row->steps[i].kind == ALLOWED)
			ranges[count++] =
				(struct iommu_iova_range){row->steps[i].start, row->steps[i].last};
	ok(abi_allow(abi, ioas, ranges, count));
}

/* An IOAS as the row wants it. With a domain there has to be memory, else not. */
static uint32_t prepare(struct abi *abi, const struct place_row *row)
{
	static const struct abi_machine *const machines[] = {&abi_vtd, &abi_vtd, &abi_mock};
	uint32_t ioas;

	abi_init(abi, machines[row->domain]);
	ioas = abi_ioas(abi);
	base = NULL;
	if (row->domain != NONE) {
		abi_bound(abi, 0);
		abi_attached(abi, 0, ioas);
		base = abi_aligned(abi, 4096);
	}
	for (unsigned i = 0; i < COUNT(row->steps); i++)
		run_step(abi, ioas, &row->steps[i]);
	allow_all(abi, ioas, row);
	return ioas;
}

static void check(struct abi *abi, const struct place_row *row, uint32_t flags)
{
	uint32_t ioas = prepare(abi, row);
	uint64_t iova = row->iova, length;

	expect(abi_map(abi, ioas, flags, ADDR(base) + row->addr, row->length, &iova), row->want);
	assert_int_equal(iova, row->iova);
	if (!row->want) {
		expect(abi_map(abi, ioas, flags | FIXED, ADDR(base) + row->addr, row->length,
			       &iova),
		       -EEXIST);
		ok(abi_unmap(abi, ioas, iova, row->length, &length));
		assert_int_equal(length, row->length);
	}
	abi_fini(abi);
}

/* 3.2 */
static void automatic_place(struct abi *abi)
{
	check(abi, abi->row, RW);
}

/* 3.3 */
static void fixed_place(struct abi *abi)
{
	check(abi, abi->row, RW | FIXED);
}

/* ---- MAP's own checks, in their order (7) ---- */

struct order_row {
	const char *name;
	uint32_t flags, ioas; /* 0: a real one */
	uint64_t addr, length, iova;
	int want;
};

static const struct order_row orders[] = {
	{"flags come first", 8, NO_ID, 0, ULAST, ULAST, -EOPNOTSUPP},
	{"then IOVA 2^64 - 1, also without FIXED", 0, NO_ID, 0, PAGE, ULAST, -EOVERFLOW},
	{"then length 2^64 - 1", 0, NO_ID, 0, ULAST, 0, -EOVERFLOW},
	{"then the rights", 0, NO_ID, ULAST, 2, 0, -EINVAL},
	{"FIXED alone gives no rights", FIXED, NO_ID, 0, PAGE, 0, -EINVAL},
	{"then the IOAS", RW, NO_ID, ULAST, 2, 0, -ENOENT},
	{"then the end of the user range", RW, 0, ULAST - 0xfff, PAGE, 0, -EOVERFLOW},
	{"which may be the last but one byte", RW | FIXED, 0, ULAST - 0xfff, PAGE - 1, 0, 0},
	{"then a length of 0", RW, 0, ULAST, 0, 0, -EINVAL},
	{"or more than 2^64 - 1 - PAGE", RW | FIXED, 0, 0, ULAST - PAGE + 1, 0, -EINVAL},
	{"but not that", RW | FIXED, 0, 0, ULAST - PAGE, 0, 0},
	{"any other IOVA does not count without FIXED", RW, 0, USER + PAGE, PAGE, ULAST - 1, 0},
	{"IOVA 2^64 - 2 with FIXED", RW | FIXED, 0, USER, 2, ULAST - 1, 0},
};

static void map_checks_in_order(struct abi *abi)
{
	const struct order_row *row = abi->row;
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = row->flags,
		.ioas_id = row->ioas ? row->ioas : abi_ioas(abi),
		.user_va = row->addr,
		.length = row->length,
		.iova = row->iova,
	};
	struct iommu_ioas_map before = cmd;

	expect(abi_ioctl(abi, IOMMU_IOAS_MAP, &cmd), row->want);
	if (!row->want)
		before.iova = row->flags & FIXED ? row->iova : PAGE;
	assert_memory_equal(&cmd, &before, sizeof(cmd));
}

/* 7.4: only an IOAS will do. */
static void an_id_that_is_no_ioas_is_enoent(struct abi *abi)
{
	uint32_t devid = abi_bound(abi, 0), ioas = abi_ioas(abi);
	uint32_t ids[] = {0, NO_ID, ULAST & UINT32_MAX, devid, abi_paging(abi, 0, ioas)};
	struct iommu_iova_range range = {0x5000, 0x5fff};

	for (unsigned i = 0; i < COUNT(ids); i++) {
		struct iommu_ioas_iova_ranges ranges = {.size = sizeof(ranges), .ioas_id = ids[i]};

		expect(abi_map(abi, ids[i], RW, USER, PAGE, NULL), -ENOENT);
		expect(abi_unmap(abi, ids[i], 0, PAGE, NULL), -ENOENT);
		expect(abi_unmap_all(abi, ids[i], NULL), -ENOENT);
		expect(abi_allow(abi, ids[i], &range, 1), -ENOENT);
		expect(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &ranges), -ENOENT);
	}
}

int main(void)
{
	abi_rows(abi_none, automatic, automatic_place);
	abi_rows(abi_none, fixed, fixed_place);
	abi_rows(abi_vtd, orders, map_checks_in_order);
	abi_both(an_id_that_is_no_ioas_is_enoent);
	return abi_run("place");
}
