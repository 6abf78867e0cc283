// SPDX-License-Identifier: MIT
/* What the test ABI sees of domains and memory (iommufd-test-abi.md 4.1-4.4, 15.2). */
#include "selftest.h"

#include <sys/mman.h>
#include <unistd.h>

#define BASE	0x2000000ull
#define GRANULE ((uint64_t)MOCK_PAGE_SIZE)
#define HUGE	MOCK_IOMMUPT_HUGE

enum {
	NEST = IOMMU_HWPT_ALLOC_NEST_PARENT,
	DIRTY = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
};

/* `size` bytes of a memfd, mapped as often as the caller likes; gone at the end of the test. */
static uint8_t *map_file(struct abi *abi, int fd, size_t size, int flags)
{
	uint8_t *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(addr, MAP_FAILED);
	abi->memory[abi->memory_count].addr = addr;
	abi->memory[abi->memory_count++].size = size;
	return addr;
}

static int new_file(size_t size)
{
	int fd = memfd_create("memory", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* ---- MD_CHECK_MAP (4.1) ---- */

struct map_row {
	const char *name;
	uint64_t iova, offset, length; /* `offset` in the memory */
	int want, want_huge;
};

/* 16 pages are mapped at BASE. */
static const struct map_row map_rows[] = {
	{"all", BASE, 0, 16 * PAGE, 0, 0},
	{"the last page", BASE + 15 * PAGE, 15 * PAGE, PAGE, 0, 0},
	{"nothing", 0, 0, 0, 0, 0},
	{"half a page", BASE + GRANULE, GRANULE, GRANULE, 0, -EINVAL},
	{"half a page of another", BASE + GRANULE, 0, GRANULE, -EINVAL, -EINVAL},
	{"another page", BASE, PAGE, PAGE, -EINVAL, -EINVAL},
	{"a page too many", BASE, 0, 17 * PAGE, -EINVAL, -EINVAL},
	{"a hole", BASE - PAGE, 0, PAGE, -EINVAL, -EINVAL},
	{"beyond the aperture", ULAST - PAGE + 1, 0, PAGE, -EINVAL, -EINVAL},
	{"iova not aligned", BASE + 1024, 0, PAGE, -EINVAL, -EINVAL},
	{"length not aligned", BASE, 0, PAGE - 1, -EINVAL, -EINVAL},
	{"memory not aligned", BASE, 1024, PAGE, -EINVAL, -EINVAL},
	{"memory that wraps", BASE, ULAST - 2 * PAGE, ULAST - PAGE + 1, -EINVAL, -EINVAL},
};

static uint32_t hwpt_of_type(struct abi *abi, uint32_t idev, uint32_t ioas, uint32_t type)
{
	const struct iommu_hwpt_selftest selftest = {.pagetable_type = type};
	const struct abi_data data = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), &selftest};
	uint32_t id;

	ok(abi_hwpt(abi, idev, ioas, 0, &data, &id));
	return id;
}

static void check_map(struct abi *abi)
{
	const struct map_row *row = abi->row;
	uint8_t *memory = abi_pages(abi, 17);
	uint32_t ioas = abi_ioas(abi), huge;
	struct stdev stdev = st_new(abi, ioas);
	/* An absolute address where the sum is to wrap. */
	const void *va = (const void *)(uintptr_t)(row->offset < MIB(1) ? ADDR(memory) + row->offset
									: row->offset);

	ok(abi_map_at(abi, ioas, RW, memory, 16 * PAGE, BASE));
	expect(st_check_map(abi, stdev.hwpt, row->iova, va, row->length), row->want);
	huge = hwpt_of_type(abi, stdev.idev, ioas, HUGE);
	expect(st_check_map(abi, huge, row->iova, va, row->length), row->want_huge);
	/* No pins are left. */
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(st_check_refs(abi, memory, 17 * PAGE, 0));
}

static void checks_fault_memory_in(struct abi *abi)
{
	uint8_t *edge = abi_edge(abi);
	uint32_t ioas = abi_ioas(abi);
	struct stdev stdev = st_new(abi, ioas);

	ok(abi_map_at(abi, ioas, RW, edge - PAGE, PAGE, BASE));
	ok(st_check_map(abi, stdev.hwpt, BASE, edge - PAGE, PAGE));
	expect(st_check_map(abi, stdev.hwpt, BASE, edge, PAGE), -EFAULT);
	expect(st_check_map(abi, stdev.hwpt, BASE, edge - PAGE, 2 * PAGE), -EFAULT);
	expect(st_check_map(abi, stdev.hwpt, BASE, NULL, PAGE), -EFAULT);
	expect(st_check_refs(abi, edge, PAGE, 0), -EFAULT);
	expect(st_check_refs(abi, edge - PAGE, 2 * PAGE, 1), -EFAULT);
	expect(st_check_refs(abi, NULL, PAGE, 0), -EFAULT);
}

static void nested_hwpts_and_other_iommus_have_no_map_to_check(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), vtd, mock;
	struct stdev stdev = st_new(abi, ioas);
	uint32_t parent = st_hwpt(abi, stdev.idev, ioas, NEST);
	struct iommu_test_cmd dirty = {
		.dirty = {.length = PAGE, .page_size = PAGE, .uptr = ADDR(&dirty)},
	};

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	vtd = abi_paging(abi, 0, ioas);
	mock = abi_paging(abi, 1, ioas);
	expect(st_check_map(abi, st_nested(abi, stdev.idev, parent, 0, 0), 0, NULL, 0), -ENOENT);
	expect(st_check_map(abi, vtd, 0, NULL, 0), -EINVAL);
	ok(st_check_map(abi, mock, 0, NULL, 0));
	dirty.id = vtd;
	expect(st_run(abi, IOMMU_TEST_OP_DIRTY, &dirty), -EINVAL);
	/* Device ids of the ordinary kind: not the mock's, and the mock's. */
	expect(st_check_cache(abi, abi->devid[0], 0, IOMMU_TEST_DEV_CACHE_DEFAULT), -EINVAL);
	ok(st_check_cache(abi, abi->devid[1], 0, IOMMU_TEST_DEV_CACHE_DEFAULT));
}

/* One page has several addresses: shared mappings of a file, at its offset. */
static void a_page_is_the_same_at_all_its_addresses(struct abi *abi)
{
	int fd = new_file(4 * PAGE), other = new_file(4 * PAGE);
	uint8_t *a = map_file(abi, fd, 4 * PAGE, MAP_SHARED);
	uint8_t *b = map_file(abi, fd, 4 * PAGE, MAP_SHARED);
	uint8_t *c = map_file(abi, other, 4 * PAGE, MAP_SHARED);
	uint8_t *copy = map_file(abi, fd, 4 * PAGE, MAP_PRIVATE);
	uint32_t ioas = abi_ioas(abi);
	struct stdev stdev = st_new(abi, ioas);

	ok(abi_map_at(abi, ioas, RW, a, 4 * PAGE, BASE));
	ok(st_check_map(abi, stdev.hwpt, BASE, a, 4 * PAGE));
	ok(st_check_map(abi, stdev.hwpt, BASE, b, 4 * PAGE));
	ok(st_check_map(abi, stdev.hwpt, BASE + PAGE, b + PAGE, PAGE));
	ok(st_check_map(abi, stdev.hwpt, BASE + GRANULE, b + GRANULE, GRANULE));
	expect(st_check_map(abi, stdev.hwpt, BASE + GRANULE, b, GRANULE), -EINVAL);
	expect(st_check_map(abi, stdev.hwpt, BASE, b + PAGE, PAGE), -EINVAL);
	expect(st_check_map(abi, stdev.hwpt, BASE, c, PAGE), -EINVAL);
	*copy = 1;
	expect(st_check_map(abi, stdev.hwpt, BASE, copy, PAGE), -EINVAL);
	close(fd);
	close(other);
}

/* ---- MD_CHECK_REFS (4.2, 15.2) ---- */

static void refs_want_whole_pages(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 2);

	ok(st_check_refs(abi, memory, 2 * PAGE, 0));
	ok(st_check_refs(abi, memory, 0, 77));
	ok(st_check_refs(abi, NULL, 0, 77));
	expect(st_check_refs(abi, memory, PAGE, 1), -EIO);
	expect(st_check_refs(abi, memory + 1, PAGE, 0), -EINVAL);
	expect(st_check_refs(abi, memory + GRANULE, PAGE, 0), -EINVAL);
	expect(st_check_refs(abi, memory, GRANULE, 0), -EINVAL);
	expect(st_check_refs(abi, memory + PAGE, ULAST - PAGE + 1, 0), -EINVAL);
}

/* A source pins its pages once, however many domains there are; two maps are two sources. */
static void sources_pin_once(struct abi *abi)
{
	uint8_t *memory = abi_pages(abi, 4);
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi);
	struct stdev first, second;

	ok(abi_map_at(abi, ioas, RW, memory, 4 * PAGE, BASE));
	ok(st_check_refs(abi, memory, 4 * PAGE, 0));
	first = st_new(abi, ioas);
	ok(st_check_refs(abi, memory, 4 * PAGE, 1));
	ok(st_replace_by(abi, first.id, st_hwpt(abi, first.idev, ioas, 0)));
	second = st_new(abi, ioas);
	ok(st_check_refs(abi, memory, 4 * PAGE, 1));
	expect(st_check_refs(abi, memory, 4 * PAGE, 2), -EIO);
	/* Part of it a second time, not at a border of pages. */
	ok(abi_map_at(abi, ioas, RW, memory + PAGE + GRANULE, PAGE, BASE + MIB(1)));
	ok(st_check_refs(abi, memory, PAGE, 1));
	ok(st_check_refs(abi, memory + PAGE, 2 * PAGE, 2));
	ok(st_check_refs(abi, memory + 3 * PAGE, PAGE, 1));
	ok(st_replace_by(abi, second.id, other));
	ok(abi_unmap(abi, ioas, BASE, 4 * PAGE, NULL));
	ok(st_check_refs(abi, memory, PAGE, 0));
	ok(st_check_refs(abi, memory + PAGE, 2 * PAGE, 1));
	ok(st_check_refs(abi, memory + 3 * PAGE, PAGE, 0));
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(st_check_refs(abi, memory, 4 * PAGE, 0));
}

static void pins_count_at_all_addresses_of_a_page(struct abi *abi)
{
	int fd = new_file(2 * PAGE);
	uint8_t *a = map_file(abi, fd, 2 * PAGE, MAP_SHARED);
	uint8_t *b = map_file(abi, fd, 2 * PAGE, MAP_SHARED);
	uint32_t ioas = abi_ioas(abi);

	st_new(abi, ioas);
	ok(abi_map_at(abi, ioas, RW, a, PAGE, BASE));
	ok(abi_map_at(abi, ioas, RW, b, 2 * PAGE, BASE + MIB(1)));
	ok(st_check_refs(abi, a, PAGE, 2));
	ok(st_check_refs(abi, b, PAGE, 2));
	ok(st_check_refs(abi, a + PAGE, PAGE, 1));
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(st_check_refs(abi, a, 2 * PAGE, 1));
	close(fd);
}

static void maps_that_fail_leave_no_pins(struct abi *abi)
{
	uint8_t *edge = abi_edge(abi);
	uint32_t ioas = abi_ioas(abi);
	struct stdev stdev = st_new(abi, ioas);

	expect(abi_map_at(abi, ioas, RW, edge - PAGE, 2 * PAGE, BASE), -EFAULT);
	ok(st_check_refs(abi, edge - PAGE, PAGE, 0));
	ok(abi_map_at(abi, ioas, RW, edge - PAGE, PAGE, BASE));
	ok(abi_destroy(abi, stdev.id));
	ok(st_check_refs(abi, edge - PAGE, PAGE, 0));
}

/* ---- DIRTY (4.3, 4.4) ---- */

#define PAGES 16

static int dirty(struct abi *abi, uint32_t hwpt, uint64_t iova, uint64_t length, uint64_t page_size,
		 const void *bits, uint64_t *count)
{
	struct iommu_test_cmd cmd = {
		.id = hwpt,
		.dirty = {.flags = ~0u,
			  .iova = iova,
			  .length = length,
			  .page_size = page_size,
			  .uptr = ADDR(bits),
			  .out_nr_dirty = 99},
	};
	int rc = st_run(abi, IOMMU_TEST_OP_DIRTY, &cmd);

	*count = cmd.dirty.out_nr_dirty;
	return rc;
}

static void track(struct abi *abi, uint32_t hwpt, bool on)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = on ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt,
	};

	ok(abi_ioctl(abi, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd));
}

static uint64_t read_bits(struct abi *abi, uint32_t hwpt, uint64_t iova, uint64_t npages)
{
	uint64_t bits = 0;
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.iova = iova,
		.length = npages * PAGE,
		.page_size = PAGE,
		.data = ADDR(&bits),
	};

	ok(abi_ioctl(abi, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd));
	return bits;
}

/* An IOAS with PAGES pages at BASE, one area each, and a HWPT that can track. */
static uint32_t tracking_hwpt(struct abi *abi, uint32_t *ioas)
{
	uint8_t *memory = abi_aligned(abi, PAGES);
	struct stdev stdev;

	*ioas = abi_ioas(abi);
	for (unsigned i = 0; i < PAGES; i++)
		ok(abi_map_at(abi, *ioas, RW, memory + i * PAGE, PAGE, BASE + i * PAGE));
	stdev = st_new(abi, *ioas);
	return st_hwpt(abi, stdev.idev, *ioas, DIRTY);
}

static void dirty_arguments(struct abi *abi)
{
	uint8_t bits[8] = {0}, *edge = abi_edge(abi);
	uint32_t ioas, hwpt = tracking_hwpt(abi, &ioas);
	uint64_t count;

	expect(dirty(abi, NO_ID, BASE, PAGE, 0, bits, &count), -EINVAL);
	expect(dirty(abi, NO_ID, BASE, 0, PAGE, bits, &count), -EINVAL);
	expect(dirty(abi, NO_ID, BASE + GRANULE, PAGE, PAGE, bits, &count), -EINVAL);
	expect(dirty(abi, NO_ID, BASE, GRANULE, PAGE, bits, &count), -EINVAL);
	expect(dirty(abi, NO_ID, BASE, PAGE, PAGE, NULL, &count), -EINVAL);
	expect(dirty(abi, NO_ID, BASE, (1ull << 27) * PAGE + PAGE, PAGE, bits, &count), -EOVERFLOW);
	expect(dirty(abi, NO_ID, BASE, (1ull << 27) * PAGE, PAGE, bits, &count), -ENOENT);
	expect(dirty(abi, ioas, BASE, PAGE, PAGE, bits, &count), -ENOENT);
	/* Not tracking. */
	expect(dirty(abi, hwpt, BASE, PAGE, PAGE, bits, &count), -EINVAL);
	track(abi, hwpt, true);
	ok(dirty(abi, hwpt, BASE, PAGE, PAGE, bits, &count));
	assert_int_equal(count, 0);
	expect(dirty(abi, hwpt, BASE, 9 * PAGE, PAGE, edge - 1, &count), -EFAULT);
	assert_int_equal(count, 99);
	ok(dirty(abi, hwpt, BASE, 8 * PAGE, PAGE, edge - 1, &count));
	/* A page size needs not be a power of two. */
	ok(dirty(abi, hwpt, 3 * BASE, 3 * PAGE, 3, bits, &count));
	track(abi, hwpt, false);
	expect(dirty(abi, hwpt, BASE, PAGE, PAGE, bits, &count), -EINVAL);
}

static void what_is_marked_is_dirty(struct abi *abi)
{
	const uint64_t bits = 0x8421;
	uint32_t ioas, hwpt = tracking_hwpt(abi, &ioas);
	uint64_t count, all = ULAST;

	track(abi, hwpt, true);
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), 0);
	ok(dirty(abi, hwpt, BASE, PAGES * PAGE, PAGE, &bits, &count));
	assert_int_equal(count, 4);
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), bits);
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), 0);
	/* Both halves of a page are the page. */
	ok(dirty(abi, hwpt, BASE, 2 * PAGE, GRANULE, "\x0a", &count));
	assert_int_equal(count, 2);
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), 3);
	/* Where nothing is mapped nothing is marked, but counted. */
	ok(dirty(abi, hwpt, BASE + 8 * PAGE, 64 * PAGE, PAGE, &all, &count));
	assert_int_equal(count, 64);
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), 0xff00);
	/* With tracking off what is dirty can be read. */
	ok(dirty(abi, hwpt, BASE, PAGE, PAGE, &all, &count));
	track(abi, hwpt, false);
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), 1);
}

/* 4.4: the state goes with the mapping. */
static void unmapping_loses_dirty_state(struct abi *abi)
{
	uint32_t ioas, hwpt = tracking_hwpt(abi, &ioas);
	uint64_t count, all = ULAST;

	track(abi, hwpt, true);
	ok(dirty(abi, hwpt, BASE, 2 * PAGE, PAGE, &all, &count));
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, BASE));
	assert_int_equal(read_bits(abi, hwpt, BASE, PAGES), 2);
}

int main(void)
{
	abi_rows(abi_selftest, map_rows, check_map);
	abi_on(abi_selftest, checks_fault_memory_in);
	abi_on(abi_selftest_mixed, nested_hwpts_and_other_iommus_have_no_map_to_check);
	abi_on(abi_selftest, a_page_is_the_same_at_all_its_addresses);
	abi_on(abi_selftest, refs_want_whole_pages);
	abi_on(abi_selftest, sources_pin_once);
	abi_on(abi_selftest, pins_count_at_all_addresses_of_a_page);
	abi_on(abi_selftest, maps_that_fail_leave_no_pins);
	abi_on(abi_selftest, dirty_arguments);
	abi_on(abi_selftest, what_is_marked_is_dirty);
	abi_on(abi_selftest, unmapping_loses_dirty_state);
	return abi_run("selftest_check");
}
