// SPDX-License-Identifier: MIT
/* IOAS_MAP_FILE (iommufd-ioctls.md 8) of memfds and other files. */
#include "selftest.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE  0x2000000ull
#define PAGES 8

/* A memfd of `size` bytes. */
static int memfd(uint64_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* Does device n see the bytes of the file from `start` on at iova, and write to them? */
static bool sees(struct abi *abi, unsigned n, uint64_t iova, int fd, uint64_t start)
{
	uint32_t in = (uint32_t)(start * 7 + 1), out = ~in, got = 0;

	assert_int_equal(pwrite(fd, &in, sizeof(in), (off_t)start), sizeof(in));
	if (swiommu_dma_read(abi->device[n], 0, iova, &got, sizeof(got), NULL) || got != in ||
	    swiommu_dma_write(abi->device[n], 0, iova, &out, sizeof(out), NULL))
		return false;
	assert_int_equal(pread(fd, &got, sizeof(got), (off_t)start), sizeof(got));
	return got == out;
}

/* ---- arguments ---- */

struct map_row {
	const char *name;
	uint32_t flags;
	int fd; /* 1: a memfd of 8 pages */
	uint64_t start, length, iova;
	int without, with; /* a domain */
	uint64_t out;
};

static const struct map_row maps[] = {
	{"all of it", RW | FIXED, 1, 0, 8 * PAGE, BASE, 0, 0, BASE},
	{"a part", RW | FIXED, 1, PAGE, 2 * PAGE, BASE, 0, 0, BASE},
	{"automatic (3.6: start 0)", RW, 1, 0, 5 * PAGE, 0, 0, 0, 0x8000},
	{"automatic, shares the low bits of start", RW, 1, PAGE, 2 * PAGE, 0, 0, 0, PAGE},
	{"inside a page", RW, 1, 0x804, 0x100, 0, 0, -EINVAL, 0x1804},
	{"unknown flag", RW | 8, 1, 0, PAGE, 0, -EOPNOTSUPP, -EOPNOTSUPP, 0},
	{"IOVA 2^64 - 1", RW, 1, 0, PAGE, ULAST, -EOVERFLOW, -EOVERFLOW, 0},
	{"length 2^64 - 1", RW, 1, 0, ULAST, 0, -EOVERFLOW, -EOVERFLOW, 0},
	{"no rights", FIXED, 1, 0, PAGE, BASE, -EINVAL, -EINVAL, 0},
	{"no length", RW, -1, 0, 0, 0, -EINVAL, -EINVAL, 0},
	{"a range that wraps", RW, -1, ULAST, 2, 0, -EOVERFLOW, -EOVERFLOW, 0},
	{"no file", RW, -1, 0, PAGE, 0, -EBADF, -EBADF, 0},
	{"a number that is not open", RW, 1000, 0, PAGE, 0, -EBADF, -EBADF, 0},
	{"a file before a bad place", RW | FIXED, -1, 0, PAGE, BASE + 1, -EBADF, -EBADF, 0},
	{"beyond the end (8.7)", RW | FIXED, 1, 8 * PAGE, PAGE, BASE, 0, -EINVAL, BASE},
	{"across the end", RW | FIXED, 1, 7 * PAGE, 2 * PAGE, BASE, 0, -EINVAL, BASE},
	{"far beyond", RW | FIXED, 1, (uint64_t)1 << 62, PAGE, BASE, 0, -EINVAL, BASE},
};

static void run_map(struct abi *abi, bool domain)
{
	const struct map_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi);
	int want = domain ? row->with : row->without, own = memfd(PAGES * PAGE), rc;
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = row->flags,
		.ioas_id = ioas,
		.fd = row->fd == 1 ? own : row->fd,
		.start = row->start,
		.length = row->length,
		.iova = row->iova,
	};
	uint64_t unmapped;

	abi_bound(abi, 0);
	if (domain)
		abi_attached(abi, 0, ioas);
	rc = abi_ioctl(abi, IOMMU_IOAS_MAP_FILE, &cmd);
	close(own);
	expect(rc, want);
	assert_int_equal(cmd.iova, want ? row->iova : row->out);
	ok(abi_unmap_all(abi, ioas, &unmapped));
	assert_int_equal(unmapped, want ? 0 : row->length);
}

static void map_file_without_a_domain(struct abi *abi)
{
	run_map(abi, false);
}

static void map_file_with_a_domain(struct abi *abi)
{
	run_map(abi, true);
}

static void an_unknown_ioas_comes_before_the_length(struct abi *abi)
{
	uint64_t iova = 0;

	expect(abi_map_file(abi, NO_ID, RW, -1, 0, 0, &iova), -ENOENT);
	expect(abi_map_file(abi, NO_ID, 0, -1, 0, 0, &iova), -EINVAL);
}

/* Whole pages have to be inside the file, when they are pinned (8.7). */
struct end_row {
	const char *name;
	const struct abi_machine *machine;
	uint64_t size, start, length;
	int want;
};

static const struct end_row ends[] = {
	{"the last whole page", &abi_vtd, 2 * PAGE + 1, PAGE, PAGE, 0},
	{"a partial last page", &abi_vtd, 2 * PAGE + 1, 2 * PAGE, PAGE, -EINVAL},
	{"up to a partial last page", &abi_vtd, 3 * PAGE - 1, 0, 3 * PAGE, -EINVAL},
	{"an empty file", &abi_vtd, 0, 0, PAGE, -EINVAL},
	{"half a page", &abi_mock, PAGE, 2048, 2048, 0},
	{"half a page, all that there is of it", &abi_mock, 2048, 0, 2048, -EINVAL},
	{"across the end from inside a page", &abi_mock, 2 * PAGE, PAGE + 2048, PAGE, -EINVAL},
	{"to the end from inside a page", &abi_mock, 2 * PAGE, 2048, 2 * PAGE - 2048, 0},
};

static void the_last_page_is_whole(struct abi *abi)
{
	const struct end_row *row = abi->row;
	int fd = memfd(row->size);
	uint32_t late, ioas;

	abi_again(abi, row->machine);
	late = abi_ioas(abi), ioas = abi_ioas(abi);
	abi_bound(abi, 0);
	abi_bound(abi, 1);
	abi_attached(abi, 0, ioas);
	expect(abi_map_file_at(abi, ioas, RW, fd, row->start, row->length, BASE), row->want);
	assert_int_equal(abi_reads(abi, 0, BASE), !row->want);
	ok(abi_map_file_at(abi, late, RW, fd, row->start, row->length, BASE));
	expect(abi_attach_to(abi, 1, late), row->want);
	if (row->want) {
		/* Nobody remembers what it was. */
		assert_int_equal(ftruncate(fd, (off_t)(4 * PAGE)), 0);
		abi_attached(abi, 1, late);
	}
	assert_true(sees(abi, 1, BASE, fd, row->start));
	close(fd);
}

/* ---- what is not memory: found out when pages are needed (8.7) ---- */

struct file_row {
	const char *name;
	const char *path;
};

static const struct file_row files[] = {
	{"a device", "/dev/null"},
	{"a directory", "/"},
	{"a pipe", NULL},
};

static void what_is_no_memory_is_found_out_late(struct abi *abi)
{
	const struct file_row *row = abi->row;
	uint32_t ioas = abi_ioas(abi);
	int fds[2] = {-1, -1};

	if (row->path)
		fds[0] = open(row->path, O_RDONLY | O_CLOEXEC);
	else
		assert_int_equal(pipe(fds), 0);
	assert_true(fds[0] >= 0);
	abi_bound(abi, 0);
	ok(abi_map_file_at(abi, ioas, R, fds[0], 0, PAGE, BASE));
	expect(abi_attach_to(abi, 0, ioas), -EINVAL);
	ok(abi_unmap(abi, ioas, BASE, PAGE, NULL));
	abi_attached(abi, 0, ioas);
	expect(abi_map_file_at(abi, ioas, R, fds[0], 0, PAGE, BASE), -EINVAL);
	expect(abi_unmap(abi, ioas, BASE, PAGE, NULL), -ENOENT);
	close(fds[0]);
	close(fds[1]);
}

/* A file without memory of its own, by a number that is one of ours. */
static void files_of_ours_are_no_memory(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	ok(abi_map_file_at(abi, ioas, R, abi->ctx, 0, PAGE, BASE));
	expect(abi_attach_to(abi, 0, ioas), -EINVAL);
}

/* ---- DMA ---- */

/* The mapping has a file of its own: the client may close its descriptor. */
static void dma_reaches_the_file(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	int fd = memfd(PAGES * PAGE), closed = dup(fd);

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	ok(abi_map_file_at(abi, ioas, RW, closed, 0, PAGES * PAGE, BASE));
	close(closed);
	abi_attached(abi, 0, ioas);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(sees(abi, 0, BASE + i * PAGE, fd, i * PAGE));
	abi_attached(abi, 1, abi_parent(abi, 1, ioas));
	assert_true(sees(abi, 1, BASE + 7 * PAGE, fd, 7 * PAGE));
	assert_false(abi_reads(abi, 0, BASE + 8 * PAGE));
	ok(abi_map_file_at(abi, ioas, RW, fd, 3 * PAGE, 2 * PAGE, BASE + MIB(1)));
	assert_true(sees(abi, 0, BASE + MIB(1) + PAGE, fd, 4 * PAGE));
	ok(abi_detach(abi, 0));
	assert_true(sees(abi, 1, BASE + PAGE, fd, PAGE));
	ok(abi_unmap_all(abi, ioas, NULL));
	assert_false(abi_reads(abi, 1, BASE));
	close(fd);
}

/* 9: copies share the source, of which parts are pinned by themselves. */
static void parts_of_a_file_can_be_copied(struct abi *abi)
{
	uint32_t src = abi_ioas(abi), dst = abi_ioas(abi);
	int fd = memfd(PAGES * PAGE);

	abi_bound(abi, 0);
	abi_attached(abi, 0, dst);
	/* Half of the mapping is beyond the end. */
	ok(abi_map_file_at(abi, src, RW, fd, 0, 2 * PAGES * PAGE, BASE));
	expect(abi_copy_to(abi, dst, RW, BASE, src, BASE + 6 * PAGE, 3 * PAGE), -EINVAL);
	ok(abi_copy_to(abi, dst, RW, BASE, src, BASE + 6 * PAGE, 2 * PAGE));
	assert_true(sees(abi, 0, BASE + PAGE, fd, 7 * PAGE));
	/* The file grows. */
	assert_int_equal(ftruncate(fd, 2 * PAGES * (off_t)PAGE), 0);
	ok(abi_copy_to(abi, dst, RW, BASE + MIB(1), src, BASE + 8 * PAGE, PAGE));
	assert_true(sees(abi, 0, BASE + MIB(1), fd, 8 * PAGE));
	ok(abi_destroy(abi, src));
	assert_true(sees(abi, 0, BASE, fd, 6 * PAGE));
	close(fd);
}

static void a_read_only_map_of_a_file_is_kept(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	uint64_t iova = BASE + MIB(1);
	int fd = memfd(PAGE);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	ok(abi_map_file_at(abi, ioas, R, fd, 0, PAGE, BASE));
	assert_true(abi_reads(abi, 0, BASE));
	assert_false(abi_writes(abi, 0, BASE));
	expect(abi_copy(abi, ioas, RW | FIXED, ioas, BASE, PAGE, &iova), -EPERM);
	close(fd);
}

/* 8.8, 27 */
static void a_map_that_cannot_answer_is_made(struct abi *abi)
{
	struct iommu_ioas_map_file cmd = {.size = sizeof(cmd), .flags = RW, .length = PAGE};
	uint64_t unmapped;

	cmd.ioas_id = abi_ioas(abi);
	cmd.fd = memfd(PAGE);
	expect(abi_ioctl(abi, IOMMU_IOAS_MAP_FILE, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	ok(abi_unmap_all(abi, cmd.ioas_id, &unmapped));
	assert_int_equal(unmapped, PAGE);
	close(cmd.fd);
}

int main(void)
{
	abi_rows(abi_vtd, maps, map_file_without_a_domain);
	abi_rows(abi_vtd, maps, map_file_with_a_domain);
	abi_library(abi_rows(abi_vtd, ends, the_last_page_is_whole));
	abi_on(abi_vtd, an_unknown_ioas_comes_before_the_length);
	abi_rows(abi_vtd, files, what_is_no_memory_is_found_out_late);
	abi_on(abi_vtd, files_of_ours_are_no_memory);
	abi_library(abi_both(dma_reaches_the_file));
	abi_library(abi_both(parts_of_a_file_can_be_copied));
	abi_library(abi_on(abi_vtd, a_read_only_map_of_a_file_is_kept));
	abi_on(abi_vtd, a_map_that_cannot_answer_is_made);
	return abi_run("map_file");
}
