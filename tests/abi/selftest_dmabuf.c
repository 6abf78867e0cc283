// SPDX-License-Identifier: MIT
/* DMABUF_GET and DMABUF_REVOKE (iommufd-test-abi.md 13). */
#include "selftest.h"

static int get(struct abi *abi, uint32_t length, uint32_t flags)
{
	struct iommu_test_cmd cmd = {.dmabuf_get = {.length = length, .open_flags = flags}};

	return st_run(abi, IOMMU_TEST_OP_DMABUF_GET, &cmd);
}

static int revoke(struct abi *abi, int fd, uint32_t revoked)
{
	struct iommu_test_cmd cmd = {.dmabuf_revoke = {.dmabuf_fd = fd, .revoked = revoked}};

	return st_run(abi, IOMMU_TEST_OP_DMABUF_REVOKE, &cmd);
}

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
	int fd = get(abi, row->length, 0);

	if (row->want) {
		expect(fd, row->want);
		return;
	}
	assert_true(fd > abi->ctx);
	ok(revoke(abi, fd, 1));
	ok(revoke(abi, fd, 0));
	ok(swiommu_close(abi->machine, fd));
	expect(revoke(abi, fd, 1), -EBADF);
}

static void revoke_wants_a_dma_buf(struct abi *abi)
{
	expect(revoke(abi, -1, 1), -EBADF);
	expect(revoke(abi, 1000, 0), -EBADF);
	expect(revoke(abi, abi->ctx, 1), -EINVAL);
	expect(revoke(abi, st_access(abi, abi_ioas(abi), false), 1), -EINVAL);
}

/* It cannot be mapped by its number. */
static void a_dma_buf_has_no_mmap(struct abi *abi)
{
	void *addr = NULL;

	expect(swiommu_mmap(abi->machine, get(abi, 4096, 0), &addr, 4096, 1, 1, 0), -ENODEV);
}

int main(void)
{
	abi_rows(abi_selftest, gets, dmabuf_get);
	abi_on(abi_selftest, revoke_wants_a_dma_buf);
	abi_on(abi_selftest, a_dma_buf_has_no_mmap);
	return abi_run("selftest_dmabuf");
}
