// SPDX-License-Identifier: MIT
/* dma-bufs: how they are made and revoked (iommufd-test-abi.md 13), and mapped (iommufd-ioctls.md
 * 8). */
#include "selftest.h"

#define BASE 0x2000000ull

/* ---- the operations ---- */

struct get_row {
	const char *name;
	uint32_t length;
	int want; /* 0: a descriptor */
};

static const struct get_row gets[] = {
	{"nothing", 0, -EINVAL},
	{"a byte", 1, 0},
	{"a page", 4096, 0},
	{"the most", 2 << 20, 0},
	{"a byte more", (2 << 20) + 1, -EINVAL},
	{"the largest number", ~0u, -EINVAL},
};

static void dmabuf_get(struct abi *abi)
{
	const struct get_row *row = abi->row;
	int fd = st_dmabuf_get(abi, row->length);

	if (row->want) {
		expect(fd, row->want);
		return;
	}
	assert_true(fd > abi->ctx);
	ok(st_dmabuf_revoke(abi, fd, true));
	ok(st_dmabuf_revoke(abi, fd, false));
	ok(swiommu_close(abi->machine, fd));
	expect(st_dmabuf_revoke(abi, fd, true), -EBADF);
}

static void revoke_wants_a_dma_buf(struct abi *abi)
{
	expect(st_dmabuf_revoke(abi, -1, true), -EBADF);
	expect(st_dmabuf_revoke(abi, 1000, false), -EBADF);
	expect(st_dmabuf_revoke(abi, abi->ctx, true), -EINVAL);
	expect(st_dmabuf_revoke(abi, st_access(abi, abi_ioas(abi), false), true), -EINVAL);
}

/* It cannot be mapped by its number. */
static void a_dma_buf_has_no_mmap(struct abi *abi)
{
	void *addr = NULL;

	expect(swiommu_mmap(abi->machine, st_dmabuf(abi, PAGE), &addr, PAGE, 1, 1, 0), -ENODEV);
}

/* ---- MAP_FILE ---- */

struct map_row {
	const char *name;
	uint32_t flags;
	uint64_t start, length, iova;
	int want;
};

/* Of a dma-buf of two pages; [BASE, BASE + PAGE) is taken, and only the page after it allowed. */
static const struct map_row maps[] = {
	{"all of it", RW | FIXED, 0, 2 * PAGE, BASE + MIB(1), 0},
	{"a part", RW | FIXED, PAGE, PAGE, BASE + MIB(1), 0},
	{"bytes of a page", RW | FIXED, 0x804, 0x100, BASE + 0x100804, 0},
	{"automatic", RW, 0, PAGE, BASE + PAGE, 0},
	{"too small for the length", RW, 0, 2 * PAGE + 1, 0, -EINVAL},
	{"too small for the start", RW, 2 * PAGE, 1, 0, -EINVAL},
	{"too small by far", RW, 0, ULAST - PAGE, 0, -EINVAL},
	{"placed on another area", RW | FIXED, 0, 2 * PAGE, BASE, -EEXIST},
	{"no hole", RW, 0, 2 * PAGE, 0, -ENOSPC},
};

static void map_of_a_dma_buf(struct abi *abi)
{
	const struct iommu_iova_range allowed = {BASE, BASE + 2 * PAGE - 1};
	const struct map_row *row = abi->row;
	int dmabuf = st_dmabuf(abi, PAGE + 1);
	uint32_t ioas = abi_ioas(abi);
	uint64_t iova = row->iova, unmapped;

	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, BASE));
	ok(abi_allow(abi, ioas, &allowed, 1));
	expect(abi_map_file(abi, ioas, row->flags, dmabuf, row->start, row->length, &iova),
	       row->want);
	assert_int_equal(iova, row->iova);
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, row->want ? 0 : row->length);
}

/* Who revokes it once more, or gives it back, does so to all mappings; new ones work again. */
static void a_dma_buf_that_is_revoked_cannot_be_mapped(struct abi *abi)
{
	int dmabuf = st_dmabuf(abi, PAGE);
	uint32_t ioas = abi_ioas(abi);

	st_new(abi, ioas);
	ok(abi_map_file_at(abi, ioas, RW, dmabuf, 0, PAGE, BASE));
	ok(st_dmabuf_revoke(abi, dmabuf, true));
	expect(abi_map_file_at(abi, ioas, RW, dmabuf, 0, PAGE, BASE + PAGE), -ENODEV);
	ok(st_dmabuf_revoke(abi, dmabuf, false));
	ok(abi_map_file_at(abi, ioas, RW, dmabuf, 0, PAGE, BASE + PAGE));
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(abi_unmap(abi, ioas, BASE + PAGE, PAGE, NULL));
}

/* ---- what wants memory that can be pinned, or cut ---- */

/* iommufd-ioctls.md 23.9 */
static void a_dma_buf_is_no_hardware_queue(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), viommu, queue, parent;
	struct stdev stdev = st_new(abi, ioas);

	parent = st_hwpt(abi, stdev.idev, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	ok(abi_viommu(abi, stdev.idev, parent, &viommu));
	ok(abi_map_file_at(abi, ioas, RW, st_dmabuf(abi, PAGE), 0, PAGE, BASE));
	expect(abi_hw_queue(abi, viommu, 0, BASE, PAGE, &queue), -EINVAL);
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
}

/* iommufd-ioctls.md 13.3 */
static void a_dma_buf_stays_with_its_process(struct abi *abi)
{
	struct iommu_ioas_change_process cmd = {.size = sizeof(cmd)};
	uint32_t ioas = abi_ioas(abi);

	ok(abi_map_file_at(abi, ioas, RW, st_dmabuf(abi, PAGE), 0, PAGE, BASE));
	expect(abi_ioctl(abi, IOMMU_IOAS_CHANGE_PROCESS, &cmd), -EINVAL);
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	ok(abi_ioctl(abi, IOMMU_IOAS_CHANGE_PROCESS, &cmd));
}

static int unmap_dma(struct abi *abi, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap cmd = {sizeof(cmd), 0, iova, size};

	return abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

/* vfio-device-ioctls.md 13 */
static void a_dma_buf_cannot_be_cut(struct abi *abi)
{
	struct iommu_vfio_ioas cmd = {.size = sizeof(cmd), .op = IOMMU_VFIO_IOAS_SET};

	cmd.ioas_id = abi_ioas(abi);
	ok(abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd));
	ok(abi_ioctl(abi, VFIO_SET_IOMMU, (void *)VFIO_TYPE1_IOMMU));
	ok(abi_map_file_at(abi, cmd.ioas_id, RW, st_dmabuf(abi, 2 * PAGE), 0, 2 * PAGE, BASE));
	expect(unmap_dma(abi, BASE, PAGE), -EOPNOTSUPP);
	expect(unmap_dma(abi, BASE + PAGE, PAGE), -EOPNOTSUPP);
	ok(unmap_dma(abi, BASE, 2 * PAGE));
}

int main(void)
{
	abi_rows(abi_selftest, gets, dmabuf_get);
	abi_on(abi_selftest, revoke_wants_a_dma_buf);
	abi_on(abi_selftest, a_dma_buf_has_no_mmap);
	abi_rows(abi_selftest, maps, map_of_a_dma_buf);
	abi_on(abi_selftest, a_dma_buf_that_is_revoked_cannot_be_mapped);
	abi_on(abi_selftest, a_dma_buf_is_no_hardware_queue);
	abi_on(abi_selftest, a_dma_buf_stays_with_its_process);
	abi_on(abi_selftest, a_dma_buf_cannot_be_cut);
	return abi_run("selftest_dmabuf");
}
