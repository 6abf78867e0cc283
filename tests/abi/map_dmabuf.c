// SPDX-License-Identifier: MIT
/* MAP_FILE of dma-bufs, with and without domains, and their revocation (iommufd-ioctls.md 8). */
#include "selftest.h"

#define BASE 0x2000000ull

/* Of a dma-buf of two pages. */
struct map_row {
	const char *name;
	uint32_t flags;
	uint64_t start, length, iova;
	int without, with; /* domains */
	uint64_t out;
};

static const struct map_row maps[] = {
	{"all of it", RW | FIXED, 0, 2 * PAGE, BASE, 0, 0, BASE},
	{"a page", RW | FIXED, PAGE, PAGE, BASE, 0, 0, BASE},
	{"read only", R | FIXED, 0, PAGE, BASE, 0, 0, BASE},
	{"inside a page", RW, 0x804, 0x100, 0, 0, -EINVAL, 0x1804},
	{"automatic, shares the low bits of start", RW, PAGE, PAGE, 0, 0, 0, PAGE},
	{"a byte beyond its end", RW | FIXED, 0, 2 * PAGE + 1, BASE, -EINVAL, -EINVAL, 0},
	{"from its end on", RW | FIXED, 2 * PAGE, PAGE, BASE, -EINVAL, -EINVAL, 0},
	{"the largest length", RW | FIXED, 0, ULAST - 1, BASE, -EINVAL, -EINVAL, 0},
	{"a range that wraps", RW | FIXED, ULAST, 2, BASE, -EOVERFLOW, -EOVERFLOW, 0},
	{"its size before the place", RW | FIXED, 0, 3 * PAGE, BASE + 1, -EINVAL, -EINVAL, 0},
};

static void run_map(struct abi *abi, bool domains)
{
	const struct map_row *row = abi->row;
	int fd = st_dmabuf(abi, PAGE + 1), want = domains ? row->with : row->without;
	uint64_t iova = row->iova, unmapped;
	uint32_t ioas = abi_ioas(abi);

	if (domains) {
		abi_bound(abi, 0);
		abi_attached(abi, 0, ioas);
	}
	expect(abi_map_file(abi, ioas, row->flags, fd, row->start, row->length, &iova), want);
	ok(swiommu_close(abi->machine, fd));
	assert_int_equal(iova, want ? row->iova : row->out);
	if (domains && !want) {
		assert_true(abi_reads(abi, 0, iova + row->length - 1));
		assert_int_equal(abi_writes(abi, 0, iova), !!(row->flags & W));
	}
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, want ? 0 : row->length);
}

static void map_dma_buf_without_a_domain(struct abi *abi)
{
	run_map(abi, false);
}

static void map_dma_buf_with_a_domain(struct abi *abi)
{
	run_map(abi, true);
}

/* An IOAS with both devices attached; device 0 is behind VT-d. */
static uint32_t ioas_of_both(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	for (unsigned n = 0; n < 2; n++) {
		abi_bound(abi, n);
		abi_attached(abi, n, ioas);
	}
	return ioas;
}

static bool are_one_memory(struct abi *abi, uint64_t a, uint64_t b)
{
	uint32_t out = (uint32_t)(a * 7 + b), in = ~out;

	ok(swiommu_dma_write(abi->device[0], 0, a, &out, sizeof(out), NULL));
	ok(swiommu_dma_read(abi->device[1], 0, b, &in, sizeof(in), NULL));
	return in == out;
}

static void expect_there(struct abi *abi, uint64_t iova, bool there)
{
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(abi_reads(abi, n, iova), there);
}

/* 8: every mapping leaves every domain, for good, and stays in its IOAS. */
static void a_revoked_dma_buf_is_out_of_reach(struct abi *abi)
{
	uint32_t ioas = ioas_of_both(abi), other = abi_ioas(abi);
	int fd = st_dmabuf(abi, 2 * PAGE);
	uint64_t unmapped;

	ok(abi_map_file_at(abi, ioas, RW, fd, 0, 2 * PAGE, BASE));
	ok(abi_copy_to(abi, ioas, RW, BASE + MIB(1), ioas, BASE + PAGE, PAGE));
	ok(abi_copy_to(abi, other, RW, BASE, ioas, BASE, 2 * PAGE));
	assert_true(are_one_memory(abi, BASE + PAGE, BASE + MIB(1)));
	ok(st_dmabuf_revoke(abi, fd, 1));
	expect_there(abi, BASE, false);
	expect_there(abi, BASE + MIB(1), false);
	expect(abi_map_file_at(abi, ioas, RW, fd, 0, PAGE, BASE + MIB(2)), -ENODEV);
	/* The size is judged before. */
	expect(abi_map_file_at(abi, ioas, RW, fd, 0, 3 * PAGE, BASE + MIB(2)), -EINVAL);
	/* Domains that join later, and copies, have nothing of it, either. */
	ok(abi_detach(abi, 1));
	abi_attached(abi, 1, other);
	ok(abi_copy_to(abi, ioas, RW, BASE + MIB(3), ioas, BASE, PAGE));
	expect_there(abi, BASE, false);
	expect_there(abi, BASE + MIB(3), false);
	ok(st_dmabuf_revoke(abi, fd, 0));
	expect_there(abi, BASE, false);
	ok(abi_map_file_at(abi, ioas, RW, fd, 0, PAGE, BASE + MIB(2)));
	ok(abi_map_file_at(abi, other, RW, fd, 0, PAGE, BASE + MIB(2)));
	assert_true(are_one_memory(abi, BASE + MIB(2), BASE + MIB(2)));
	expect(abi_map_file_at(abi, ioas, RW, fd, 0, PAGE, BASE), -EEXIST);
	ok(abi_unmap(abi, ioas, BASE, 2 * PAGE, NULL));
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, 3 * PAGE);
}

/* In both cases (13). */
static void taking_a_revocation_back_invalidates_too(struct abi *abi)
{
	uint32_t ioas = ioas_of_both(abi);
	int fd = st_dmabuf(abi, PAGE);

	ok(abi_map_file_at(abi, ioas, RW, fd, 0, PAGE, BASE));
	ok(st_dmabuf_revoke(abi, fd, 0));
	expect_there(abi, BASE, false);
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(abi_map_file_at(abi, ioas, RW, fd, 0, PAGE, BASE));
	expect_there(abi, BASE, true);
}

/* vfio-device-ioctls.md 13, iommufd-ioctls.md 13.3 */
static void a_dma_buf_is_neither_cut_nor_given_away(struct abi *abi)
{
	struct iommu_vfio_ioas set = {.size = sizeof(set), .op = IOMMU_VFIO_IOAS_SET};
	struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof(unmap),
						   .iova = BASE,
						   .size = PAGE};
	struct iommu_ioas_change_process change = {.size = sizeof(change)};
	int fd = st_dmabuf(abi, 2 * PAGE);

	set.ioas_id = abi_ioas(abi);
	ok(abi_ioctl(abi, IOMMU_VFIO_IOAS, &set));
	ok(abi_map_file_at(abi, set.ioas_id, RW, fd, 0, 2 * PAGE, BASE));
	expect(abi_ioctl(abi, IOMMU_IOAS_CHANGE_PROCESS, &change), -EINVAL);
	expect(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &unmap), -ENOENT);
	assert_int_equal(unmap.size, 0);
	unmap.size = PAGE;
	ok(swiommu_ioctl(abi->machine, abi->ctx, VFIO_SET_IOMMU, (void *)VFIO_TYPE1_IOMMU));
	expect(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &unmap), -EOPNOTSUPP);
	assert_int_equal(unmap.size, PAGE);
	unmap.size = 2 * PAGE;
	ok(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &unmap));
	assert_int_equal(unmap.size, 2 * PAGE);
	ok(abi_ioctl(abi, IOMMU_IOAS_CHANGE_PROCESS, &change));
}

int main(void)
{
	abi_rows(abi_selftest_mixed, maps, map_dma_buf_without_a_domain);
	abi_rows(abi_selftest_mixed, maps, map_dma_buf_with_a_domain);
	abi_on(abi_selftest_mixed, a_revoked_dma_buf_is_out_of_reach);
	abi_on(abi_selftest_mixed, taking_a_revocation_back_invalidates_too);
	abi_on(abi_selftest, a_dma_buf_is_neither_cut_nor_given_away);
	return abi_run("map_dmabuf");
}
