// SPDX-License-Identifier: MIT
/* Accesses to what is not the client's own memory (iommufd-ioctls.md 24, 8.7). */
#include "selftest.h"

#include <sys/mman.h>
#include <unistd.h>

#define WRITE MOCK_FLAGS_ACCESS_WRITE
#define AT(n) (0x2000000ull + (n)*PAGE)

static int memory_file(size_t pages)
{
	int memfd = memfd_create("access", 0);

	assert_int_equal(ftruncate(memfd, (off_t)(pages * PAGE)), 0);
	return memfd;
}

static void files_are_copied_and_pinned(struct abi *abi)
{
	int memfd = memory_file(3), fd;
	uint32_t ioas = abi_ioas(abi), id;
	uint8_t bytes[2];
	uint8_t *seen;

	seen = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ok(abi_map_file_at(abi, ioas, RW, memfd, PAGE, 2 * PAGE, AT(0)));
	ok(abi_map_file_at(abi, ioas, R, memfd, 0, PAGE, AT(2)));
	fd = st_access(abi, ioas, true);
	seen[2 * PAGE - 1] = 5;
	seen[2 * PAGE] = 6;
	ok(st_rw(abi, fd, 0, AT(1) - 1, bytes, 2));
	assert_memory_equal(bytes, "\5\6", 2);
	ok(st_rw(abi, fd, WRITE, AT(0) + 9, "xy", 2));
	assert_memory_equal(seen + PAGE + 9, "xy", 2);
	expect(st_rw(abi, fd, WRITE, AT(2), "xy", 2), -EPERM);
	/* Another mapping of it is the same memory. */
	ok(st_pin(abi, fd, WRITE, AT(0), PAGE + 1, seen + PAGE, &id));
	expect(st_pin(abi, fd, 0, AT(2), PAGE, seen + PAGE, &id), -EBADE);
	ok(st_check_refs(abi, seen + PAGE, 2 * PAGE, 1));
	ok(st_rw(abi, fd, 0, AT(0) + 9, bytes, 2));
	assert_memory_equal(bytes, "xy", 2);
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(st_check_refs(abi, seen, 3 * PAGE, 0));
	munmap(seen, 3 * PAGE);
	close(memfd);
}

/* 8.7: what is wrong with a file is found out when it is used. */
static void a_file_that_ends_before_is_einval(struct abi *abi)
{
	int memfd = memory_file(1), fd;
	uint32_t ioas = abi_ioas(abi), id;
	uint8_t byte;

	ok(abi_map_file_at(abi, ioas, RW, memfd, 0, 2 * PAGE, AT(0)));
	fd = st_access(abi, ioas, true);
	expect(st_pin(abi, fd, 0, AT(0), 2 * PAGE, NULL, &id), -EINVAL);
	expect(st_rw(abi, fd, 0, AT(1), &byte, 1), -EINVAL);
	ok(st_rw(abi, fd, 0, AT(0), &byte, 1));
	ok(st_pin(abi, fd, 0, AT(0), PAGE, NULL, &id));
	close(memfd);
}

static void dma_bufs_are_einval(struct abi *abi)
{
	int dmabuf = st_dmabuf(abi, PAGE), fd;
	uint32_t ioas = abi_ioas(abi), id;
	uint8_t byte = 0;

	ok(abi_map_file_at(abi, ioas, RW, dmabuf, 0, PAGE, AT(0)));
	fd = st_access(abi, ioas, true);
	expect(st_pin(abi, fd, 0, AT(0), PAGE, NULL, &id), -EINVAL);
	expect(st_rw(abi, fd, 0, AT(0), &byte, 1), -EINVAL);
	expect(st_rw(abi, fd, WRITE, AT(0), &byte, 1), -EINVAL);
	expect(st_rw(abi, fd, 0, AT(0), &byte, PAGE + 1), -EINVAL);
	ok(abi_unmap_all(abi, ioas, NULL));
}

int main(void)
{
	abi_on(abi_selftest, files_are_copied_and_pinned);
	abi_on(abi_selftest, a_file_that_ends_before_is_einval);
	abi_on(abi_selftest, dma_bufs_are_einval);
	return abi_run("access_file");
}
