// SPDX-License-Identifier: MIT
/* Accesses (iommufd-ioctls.md 10.d, 24; iommufd-test-abi.md 5, 11). */
#include "selftest.h"

#include <sys/mman.h>
#include <unistd.h>

#define WRITE		  MOCK_FLAGS_ACCESS_WRITE
#define SYZ		  MOCK_FLAGS_ACCESS_SYZ
#define SLOW		  MOCK_ACCESS_RW_SLOW_PATH
#define SYZ_AT(n, offset) ((uint64_t)(n) | (uint64_t)(offset) << 32)

/*
 * Pages of the IOAS, an area each but the first, which has four. 4: read only.
 * 5: write only. 6: nothing. 7: a hole in the memory.
 */
#define BASE  0x2000000ull
#define AT(n) (BASE + (n)*PAGE)
#define PAGES 8

struct scene {
	uint32_t ioas;
	uint8_t *memory; /* page n is behind AT(n) */
	int pins, copies;
};

static void make_ioas(struct abi *abi, struct scene *s)
{
	s->memory = abi_edge_of(abi, PAGES - 1) - (PAGES - 1) * PAGE;
	for (unsigned i = 0; i < (PAGES - 1) * PAGE; i++)
		s->memory[i] = (uint8_t)(i / 7);
	s->ioas = abi_ioas(abi);
	ok(abi_map_at(abi, s->ioas, RW, s->memory, 4 * PAGE, AT(0)));
	ok(abi_map_at(abi, s->ioas, R, s->memory + 4 * PAGE, PAGE, AT(4)));
	ok(abi_map_at(abi, s->ioas, W, s->memory + 5 * PAGE, PAGE, AT(5)));
	ok(abi_map_at(abi, s->ioas, RW, s->memory + 7 * PAGE, PAGE, AT(7)));
}

static void make_scene(struct abi *abi, struct scene *s)
{
	make_ioas(abi, s);
	s->pins = st_access(abi, s->ioas, true);
	s->copies = st_access(abi, s->ioas, false);
}

static void expect_unpinned(struct abi *abi, const struct scene *s)
{
	ok(st_check_refs(abi, s->memory, 6 * PAGE, 0));
}

/* ---- CREATE_ACCESS ---- */

/* 5.1, 15.1 */
static void an_access_takes_an_id_that_nobody_can_destroy(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), next = abi_next_id(abi);
	int fd = st_access(abi, ioas, true);

	assert_int_equal(abi_next_id(abi), next + 1);
	expect(abi_destroy(abi, next), -EBUSY);
	expect(abi_destroy(abi, ioas), -EBUSY);
	ok(swiommu_close(abi->machine, fd));
	assert_int_equal(abi_next_id(abi), next);
	expect(abi_destroy(abi, next), -ENOENT);
	ok(abi_destroy(abi, ioas));
}

static void create_access_refuses(struct abi *abi)
{
	struct iommu_test_cmd cmd = {.size = sizeof(cmd),
				     .op = IOMMU_TEST_OP_CREATE_ACCESS,
				     .id = abi_ioas(abi)};
	struct stdev stdev = st_new(abi, cmd.id);
	uint32_t next = abi_next_id(abi), flags[] = {2, 4, 0x10000, 0x80000000};
	int fd = st_access(abi, cmd.id, false), again;

	ok(swiommu_close(abi->machine, fd));
	for (unsigned i = 0; i < COUNT(flags); i++) {
		cmd.create_access.flags = flags[i];
		expect(abi_ioctl(abi, IOMMU_TEST_CMD, &cmd), -EOPNOTSUPP);
	}
	expect(st_create_access(abi, NO_ID, true, &again), -ENOENT);
	expect(st_create_access(abi, 0, true, &again), -ENOENT);
	expect(st_create_access(abi, stdev.hwpt, true, &again), -ENOENT);
	cmd.create_access.flags = 0;
	expect(abi_ioctl(abi, IOMMU_TEST_CMD, abi_constant_copy(abi, &cmd, sizeof(cmd), 16)),
	       -EFAULT);
	/* Neither ids nor numbers are gone. */
	assert_int_equal(abi_next_id(abi), next);
	assert_int_equal(st_access(abi, cmd.id, false), fd);
}

/* The kernel's anonymous file without calls of its own. */
static void the_file_has_no_calls(struct abi *abi)
{
	int fd = st_access(abi, abi_ioas(abi), true);
	struct iommu_destroy cmd = {.size = sizeof(cmd)};
	char bytes[8];

	expect(swiommu_ioctl(abi->machine, fd, IOMMU_DESTROY, &cmd), -ENOTTY);
	expect(swiommu_read(abi->machine, fd, bytes, 8), -EINVAL);
	expect(swiommu_write(abi->machine, fd, bytes, 8), -EINVAL);
}

/* 5: the access holds its iommufd. */
static void an_access_outlives_the_close_of_its_iommufd(struct abi *abi)
{
	uint8_t byte = 0;
	struct scene s;

	make_scene(abi, &s);
	ok(swiommu_close(abi->machine, abi->ctx));
	/* The op may be issued on any iommufd. */
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	assert_true(abi->ctx >= 0);
	ok(st_rw(abi, s.copies, 0, AT(1), &byte, 1));
	assert_int_equal(byte, s.memory[PAGE]);
	st_pinned(abi, s.pins, AT(0), PAGE);
	ok(st_check_refs(abi, s.memory, PAGE, 1));
	ok(swiommu_close(abi->machine, s.pins));
	expect_unpinned(abi, &s);
	expect(st_access_replace(abi, s.copies, abi_ioas(abi) + 100), -ENOENT);
}

/* ---- alignment (3.1; iommufd-test-abi.md 15) ---- */

static void an_access_that_pins_wants_pages(struct abi *abi)
{
	uint8_t *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi);
	int fd, copies = st_access(abi, ioas, false);

	expect_full_ranges(abi, ioas);
	ok(abi_map_at(abi, ioas, RW, page, 2048, BASE));
	expect(st_create_access(abi, ioas, true, &fd), -EADDRINUSE);
	ok(abi_unmap(abi, ioas, BASE, 2048, NULL));
	ok(abi_map_at(abi, ioas, RW, page + 1, 2 * PAGE, BASE));
	expect(st_create_access(abi, ioas, true, &fd), -EADDRINUSE);
	ok(abi_unmap_all(abi, ioas, NULL));
	fd = st_access(abi, ioas, true);
	expect_ranges(abi, ioas, PAGE, {0, ULAST});
	expect(abi_map_at(abi, ioas, RW, page, 2048, BASE), -EINVAL);
	ok(swiommu_close(abi->machine, fd));
	expect_full_ranges(abi, ioas);
	ok(abi_map_at(abi, ioas, RW, page, 1, BASE));
	ok(swiommu_close(abi->machine, copies));
}

static void the_alignment_is_that_of_domains_then(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	int fd[2] = {st_access(abi, ioas, true), st_access(abi, ioas, true)};

	st_new(abi, ioas);
	expect_ranges(abi, ioas, PAGE, {APERTURE});
	ok(swiommu_close(abi->machine, fd[0]));
	expect_ranges(abi, ioas, PAGE, {APERTURE});
	ok(swiommu_close(abi->machine, fd[1]));
	expect_aperture(abi, ioas);
}

/* ---- ACCESS_PAGES ---- */

enum handle { PINS, COPIES, CONTEXT, NO_FD };

static int handle_of(struct abi *abi, const struct scene *s, enum handle handle)
{
	const int fds[] = {s->pins, s->copies, abi->ctx, 1000};

	return fds[handle];
}

struct pin_row {
	const char *name;
	enum handle handle;
	uint32_t flags;
	uint64_t iova, length;
	int want;
};

static const struct pin_row pins[] = {
	{"a page", PINS, 0, AT(0), PAGE, 0},
	{"a byte", PINS, WRITE, AT(1), 1, 0},
	{"bytes of two pages", PINS, WRITE, AT(1), PAGE + 1, 0},
	{"two areas", PINS, 0, AT(3), 2 * PAGE, 0},
	{"read only", PINS, 0, AT(4), PAGE, 0},
	{"write only, to write", PINS, WRITE, AT(5), PAGE, 0},
	{"step 1: too long", NO_FD, 2, AT(0), MIB(16) + 1, -ENOMEM},
	{"step 1: just not too long", PINS, 0, AT(0), MIB(16), -EPERM},
	{"step 2: flags", NO_FD, 2, AT(0), PAGE, -EOPNOTSUPP},
	{"step 2: flags", NO_FD, 4, AT(0), PAGE, -EOPNOTSUPP},
	{"step 3: no such file", NO_FD, 0, AT(0), PAGE, -EBADFD},
	{"step 3: another file", CONTEXT, 0, AT(0), PAGE, -EBADFD},
	{"step 4: does not pin", COPIES, 0, AT(0), 0, -EOPNOTSUPP},
	{"step 7: no length", PINS, 0, AT(0), 0, -EINVAL},
	{"step 7: beyond the last address", PINS, 0, ULAST, 2, -EOVERFLOW},
	{"step 7: the last address", PINS, 0, ULAST, 1, -ENOENT},
	{"step 7: a gap", PINS, 0, AT(6), PAGE, -ENOENT},
	{"step 7: a gap at the end", PINS, WRITE, AT(5), PAGE + 1, -ENOENT},
	{"step 7: a gap at the beginning", PINS, 0, AT(0) - 1, 2, -ENOENT},
	{"step 7: within a page", PINS, WRITE, AT(1) + 17, 1, -EINVAL},
	{"step 7: from a page's last byte on", PINS, WRITE, AT(1) - 1, 2, -EINVAL},
	{"step 7: within a page, to the end of the area", PINS, 0, AT(0) + 5, PAGE - 5, -EINVAL},
	{"step 7: within a page comes before rights", PINS, WRITE, AT(4) + 1, 1, -EINVAL},
	{"step 7: within a page comes before a gap behind it", PINS, 0, AT(5) + 1, PAGE, -EINVAL},
	{"step 7: within a page comes before memory", PINS, 0, AT(7) + 1, PAGE, -EINVAL},
	{"step 7: read only, to write", PINS, WRITE, AT(4), PAGE, -EPERM},
	{"step 7: read only at the end, to write", PINS, WRITE, AT(3), PAGE + 1, -EPERM},
	{"step 7: write only", PINS, 0, AT(5), PAGE, -EPERM},
	{"step 7: no memory", PINS, 0, AT(7), PAGE, -EFAULT},
};

static void access_pages(struct abi *abi)
{
	const struct pin_row *row = abi->row;
	uint64_t first = (row->iova - BASE) / PAGE;
	struct scene s;
	uint32_t id;
	int fd;

	make_scene(abi, &s);
	fd = handle_of(abi, &s, row->handle);
	expect(st_pin(abi, fd, row->flags, row->iova, row->length,
		      row->want ? NULL : s.memory + (row->iova - BASE), &id),
	       row->want);
	if (!row->want) {
		assert_int_equal(id, 0);
		ok(st_check_refs(abi, s.memory + first * PAGE, PAGE, 1));
		ok(st_unpin(abi, fd, id));
		expect(st_unpin(abi, fd, id), -ENOENT);
	}
	expect_unpinned(abi, &s);
}

/* 5.2.8-10 */
static void pinned_memory_is_compared(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	expect(st_pin(abi, s.pins, 0, AT(0), PAGE, s.memory + PAGE, &id), -EBADE);
	expect(st_pin(abi, s.pins, 0, AT(3), 2 * PAGE, s.memory + 2 * PAGE, &id), -EBADE);
	expect(st_pin(abi, s.pins, 0, AT(0), PAGE, s.memory + 7 * PAGE, &id), -EFAULT);
	expect_unpinned(abi, &s);
	ok(st_pin(abi, s.pins, 0, AT(0), PAGE, s.memory, &id));
	assert_int_equal(id, 0);
	/* Any byte of a page will do. */
	ok(st_pin(abi, s.pins, 0, AT(0), 2 * PAGE, s.memory + 5, &id));
	expect(st_pin(abi, s.pins, 0, AT(0), PAGE, s.memory + PAGE + 5, &id), -EBADE);
}

/* Memory that is mapped twice is the same at both places. */
static void pinned_memory_may_be_an_alias(struct abi *abi)
{
	int memfd = memfd_create("alias", 0);
	uint8_t *a, *b;
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	assert_int_equal(ftruncate(memfd, 2 * PAGE), 0);
	a = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	b = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ok(abi_map_at(abi, s.ioas, RW, a, 2 * PAGE, AT(100)));
	ok(st_pin(abi, s.pins, 0, AT(100), 2 * PAGE, b, &id));
	expect(st_pin(abi, s.pins, 0, AT(100), PAGE, b + PAGE, &id), -EBADE);
	ok(st_unpin(abi, s.pins, id));
	munmap(a, 2 * PAGE);
	munmap(b, 2 * PAGE);
	close(memfd);
}

static void pins_without_an_answer_are_undone(struct abi *abi)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.access_pages = {.iova = AT(0), .length = PAGE},
	};
	struct scene s;

	make_scene(abi, &s);
	cmd.id = (uint32_t)s.pins;
	expect(abi_ioctl(abi, IOMMU_TEST_CMD, abi_constant_copy(abi, &cmd, sizeof(cmd), 16)),
	       -EFAULT);
	expect_unpinned(abi, &s);
	/* 5.2.9: its number is gone for good. */
	assert_int_equal(st_pinned(abi, s.pins, AT(0), PAGE), 1);
	assert_int_equal(st_pinned(abi, s.pins, AT(0), PAGE), 2);
	ok(st_unpin(abi, s.pins, 2));
	assert_int_equal(st_pinned(abi, s.pins, AT(0), PAGE), 3);
}

static void pins_are_found_by_their_access_only(struct abi *abi)
{
	struct scene s;
	int other;

	make_scene(abi, &s);
	other = st_access(abi, s.ioas, true);
	st_pinned(abi, s.pins, AT(0), PAGE);
	expect(st_unpin(abi, other, 0), -ENOENT);
	expect(st_unpin(abi, abi->ctx, 0), -EBADFD);
	expect(st_unpin(abi, 1000, 0), -EBADFD);
	/* One pin of a page, however many want it. */
	st_pinned(abi, other, AT(0), 2 * PAGE);
	ok(st_check_refs(abi, s.memory, 2 * PAGE, 1));
	ok(st_unpin(abi, s.pins, 0));
	ok(st_check_refs(abi, s.memory, 2 * PAGE, 1));
	ok(swiommu_close(abi->machine, other));
	expect_unpinned(abi, &s);
}

/* ---- UNMAP (10.d) ---- */

static void unmap_has_pins_dropped(struct abi *abi)
{
	uint64_t unmapped;
	struct scene s;
	int other;

	make_scene(abi, &s);
	other = st_access(abi, s.ioas, true);
	st_pinned(abi, s.pins, AT(0), PAGE);
	st_pinned(abi, s.pins, AT(3), 2 * PAGE);
	st_pinned(abi, s.pins, AT(4), PAGE);
	st_pinned(abi, other, AT(1), PAGE);
	ok(abi_unmap(abi, s.ioas, AT(0), 4 * PAGE, &unmapped));
	assert_int_equal(unmapped, 4 * PAGE);
	/* What met the area is gone, in both accesses; the rest is not. */
	expect(st_unpin(abi, s.pins, 0), -ENOENT);
	expect(st_unpin(abi, s.pins, 1), -ENOENT);
	expect(st_unpin(abi, other, 0), -ENOENT);
	ok(st_check_refs(abi, s.memory, 4 * PAGE, 0));
	ok(st_check_refs(abi, s.memory + 4 * PAGE, PAGE, 1));
	ok(st_unpin(abi, s.pins, 2));
	/* 3.7: nobody blocks what is mapped there now. */
	ok(abi_map_at(abi, s.ioas, RW, s.memory, PAGE, AT(0)));
	st_pinned(abi, s.pins, AT(0), PAGE);
}

static void unmap_of_part_of_an_area_does_not_ask(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	st_pinned(abi, s.pins, AT(0), PAGE);
	expect(abi_unmap(abi, s.ioas, AT(0), PAGE, NULL), -ENOENT);
	st_pinned(abi, s.pins, AT(0), PAGE);
	ok(st_unpin(abi, s.pins, 0));
}

static void unmap_of_all_has_pins_dropped(struct abi *abi)
{
	uint64_t unmapped;
	struct scene s;

	make_scene(abi, &s);
	ok(abi_unmap(abi, s.ioas, AT(7), PAGE, NULL));
	st_new(abi, s.ioas);
	st_pinned(abi, s.pins, AT(0), 5 * PAGE);
	ok(st_check_refs(abi, s.memory, 5 * PAGE, 1));
	ok(abi_unmap_all(abi, s.ioas, &unmapped));
	assert_int_equal(unmapped, 6 * PAGE);
	expect_unpinned(abi, &s);
}

/* ---- ACCESS_RW ---- */

struct rw_row {
	const char *name;
	enum handle handle;
	uint32_t flags;
	uint64_t iova, length;
	int want;
};

static const struct rw_row copies[] = {
	{"a page", COPIES, 0, AT(0), PAGE, 0},
	{"a byte", COPIES, 0, AT(1) + 17, 1, 0},
	{"across a page", COPIES, SLOW, AT(1) - 9, 20, 0},
	{"across areas", COPIES, 0, AT(4) - 5, 9, 0},
	{"all that can be read", PINS, 0, AT(0), 5 * PAGE, 0},
	{"to write a page", COPIES, WRITE, AT(0), PAGE, 0},
	{"to write across a page", COPIES, WRITE | SLOW, AT(1) - 9, 20, 0},
	{"to write what can only be written", PINS, WRITE, AT(5), PAGE, 0},
	{"step 1: too long", NO_FD, 2, AT(0), MIB(16) + 1, -ENOMEM},
	{"step 2: flags", NO_FD, 2, AT(0), 1, -EOPNOTSUPP},
	{"step 2: flags", NO_FD, 8, AT(0), 1, -EOPNOTSUPP},
	{"step 3: no such file", NO_FD, 0, AT(0), 1, -EBADFD},
	{"step 3: another file", CONTEXT, 0, AT(0), 1, -EBADFD},
	{"step 7: no length", COPIES, 0, AT(0), 0, -EINVAL},
	{"step 7: beyond the last address", COPIES, 0, ULAST, 2, -EOVERFLOW},
	{"step 7: a gap", COPIES, 0, AT(6), 1, -ENOENT},
	{"step 7: a gap at the end", COPIES, WRITE, AT(5), PAGE + 1, -ENOENT},
	{"step 7: read only", COPIES, WRITE, AT(4), 1, -EPERM},
	{"step 7: write only", COPIES, 0, AT(4), PAGE + 1, -EPERM},
	{"step 7: no memory", COPIES, 0, AT(7), 1, -EFAULT},
	{"step 7: no memory, to write", COPIES, WRITE, AT(7), 1, -EFAULT},
};

static void access_rw(struct abi *abi)
{
	const struct rw_row *row = abi->row;
	uint8_t *data = abi_pages(abi, 6), *memory;
	struct scene s;

	make_scene(abi, &s);
	/* Of rows that want an error it is not looked at. */
	memory = s.memory + (row->want ? 0 : row->iova - BASE);
	memset(data, 0xee, 6 * PAGE);
	expect(st_rw(abi, handle_of(abi, &s, row->handle), row->flags, row->iova, data,
		     row->length),
	       row->want);
	if (!row->want)
		assert_memory_equal(data, memory, row->length);
	for (unsigned i = 0; !row->want && i < row->length && row->flags & WRITE; i++)
		assert_int_equal(memory[i], 0xee);
	if (!row->want)
		assert_int_equal(data[row->length], 0xee);
	expect_unpinned(abi, &s);
}

/* 24: areas before the one that fails have been copied. */
static void a_write_that_fails_has_written_what_came_before(struct abi *abi)
{
	uint8_t *data = abi_pages(abi, 2);
	struct scene s;

	make_scene(abi, &s);
	memset(data, 0xee, 2 * PAGE);
	expect(st_rw(abi, s.copies, WRITE, AT(3), data, 2 * PAGE), -EPERM);
	assert_memory_equal(data, s.memory + 3 * PAGE, PAGE);
	assert_int_equal(s.memory[4 * PAGE], (uint8_t)(4 * PAGE / 7));
}

/* 5.4.5, 8 */
static void the_clients_own_memory_may_be_missing(struct abi *abi)
{
	uint8_t *edge = abi_edge(abi);
	struct scene s;

	make_scene(abi, &s);
	expect(st_rw(abi, s.copies, 0, AT(0), edge - 1, 2), -EFAULT);
	expect(st_rw(abi, s.copies, WRITE, AT(6), edge - 1, 2), -EFAULT);
	expect(st_rw(abi, s.copies, 0, AT(6), edge - 1, 2), -ENOENT);
	ok(st_rw(abi, s.copies, 0, AT(0), edge - 2, 2));
}

/* Nothing has to be aligned (5.4). */
static void areas_of_bytes_can_be_copied(struct abi *abi)
{
	uint8_t *bytes = abi_pages(abi, 1), back[3] = {0};
	uint32_t ioas = abi_ioas(abi);
	int fd = st_access(abi, ioas, false);

	memcpy(bytes, "abcdef", 6);
	ok(abi_map_at(abi, ioas, RW, bytes + 4, 1, 7));
	ok(abi_map_at(abi, ioas, RW, bytes + 1, 2, 5));
	ok(st_rw(abi, fd, 0, 5, back, 3));
	assert_memory_equal(back, "bce", 3);
	ok(st_rw(abi, fd, WRITE, 6, (char[]){"XY"}, 2));
	assert_memory_equal(bytes, "abXdYf", 6);
}

/* ---- ACCESS_REPLACE_IOAS ---- */

static void replace_moves_the_access(struct abi *abi)
{
	uint8_t *other = abi_pages(abi, 1), byte;
	struct scene s;
	uint32_t ioas;

	make_scene(abi, &s);
	ioas = abi_ioas(abi);
	other[0] = 77;
	ok(abi_map_at(abi, ioas, RW, other, PAGE, AT(0)));
	st_pinned(abi, s.pins, AT(0), 2 * PAGE);
	ok(st_access_replace(abi, s.pins, ioas));
	/* Pins in the old one are dropped. */
	expect_unpinned(abi, &s);
	expect(st_unpin(abi, s.pins, 0), -ENOENT);
	ok(st_rw(abi, s.pins, 0, AT(0), &byte, 1));
	assert_int_equal(byte, 77);
	expect_full_ranges(abi, s.ioas);
	expect_ranges(abi, ioas, PAGE, {0, ULAST});
	expect(abi_destroy(abi, ioas), -EBUSY);
	ok(swiommu_close(abi->machine, s.copies));
	ok(abi_destroy(abi, s.ioas));
	ok(swiommu_close(abi->machine, s.pins));
	ok(abi_destroy(abi, ioas));
}

static void replace_refuses(struct abi *abi)
{
	struct scene s;
	uint32_t small;

	make_scene(abi, &s);
	small = abi_ioas(abi);
	ok(abi_map_at(abi, small, RW, s.memory, 2048, AT(0)));
	st_pinned(abi, s.pins, AT(0), PAGE);
	expect(st_access_replace(abi, 1000, s.ioas), -EBADFD);
	expect(st_access_replace(abi, abi->ctx, s.ioas), -EBADFD);
	expect(st_access_replace(abi, s.pins, NO_ID), -ENOENT);
	expect(st_access_replace(abi, s.pins, small), -EADDRINUSE);
	/* The same one: nothing happens. */
	ok(st_access_replace(abi, s.pins, s.ioas));
	ok(st_unpin(abi, s.pins, 0));
	ok(abi_destroy(abi, small));
	expect_ranges(abi, s.ioas, PAGE, {0, ULAST});
}

static void copies_do_not_mind_small_areas(struct abi *abi)
{
	struct scene s;
	uint32_t small;
	uint8_t byte;

	make_scene(abi, &s);
	small = abi_ioas(abi);
	ok(abi_map_at(abi, small, RW, s.memory + 5, 3, 9));
	ok(st_access_replace(abi, s.copies, small));
	ok(st_rw(abi, s.copies, 0, 11, &byte, 1));
	assert_int_equal(byte, s.memory[7]);
}

/* ---- UNMAP_DMA ---- */

/* vfio-device-ioctls.md 13: an area that is pinned is not cut. */
static void a_pinned_area_is_not_cut(struct abi *abi)
{
	struct iommu_vfio_ioas set = {.size = sizeof(set), .op = IOMMU_VFIO_IOAS_SET};
	struct vfio_iommu_type1_dma_unmap cmd = {.argsz = sizeof(cmd), .iova = AT(0), .size = PAGE};
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	set.ioas_id = s.ioas;
	ok(abi_ioctl(abi, IOMMU_VFIO_IOAS, &set));
	ok(swiommu_ioctl(abi->machine, abi->ctx, VFIO_SET_IOMMU, (void *)VFIO_TYPE1_IOMMU));
	id = st_pinned(abi, s.pins, AT(3), PAGE);
	expect(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &cmd), -EINVAL);
	ok(st_unpin(abi, s.pins, id));
	ok(abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &cmd));
	st_pinned(abi, s.pins, AT(1), 3 * PAGE);
}

/* ---- SYZ (11) ---- */

static void an_area_can_be_named_by_its_number(struct abi *abi)
{
	uint8_t bytes[2];
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(st_rw(abi, s.copies, SYZ, SYZ_AT(0, PAGE + 3), bytes, 2));
	assert_memory_equal(bytes, s.memory + PAGE + 3, 2);
	ok(st_rw(abi, s.copies, SYZ, SYZ_AT(1, 4), bytes, 2));
	assert_memory_equal(bytes, s.memory + 4 * PAGE + 4, 2);
	ok(st_pin(abi, s.pins, SYZ, SYZ_AT(1, 0), PAGE, s.memory + 4 * PAGE, &id));
	expect(st_rw(abi, s.copies, SYZ, SYZ_AT(3, 0), bytes, 1), -EFAULT);
	/* There is no fifth, so it is address 0. */
	expect(st_rw(abi, s.copies, SYZ, SYZ_AT(4, 0), bytes, 1), -ENOENT);
	ok(abi_map_at(abi, s.ioas, RW, s.memory, PAGE, 0));
	ok(st_rw(abi, s.copies, SYZ, SYZ_AT(99, 0), bytes, 1));
}

int main(void)
{
	abi_on(abi_selftest, an_access_takes_an_id_that_nobody_can_destroy);
	abi_on(abi_selftest, create_access_refuses);
	abi_on(abi_selftest, the_file_has_no_calls);
	abi_on(abi_selftest, an_access_outlives_the_close_of_its_iommufd);
	abi_on(abi_selftest, an_access_that_pins_wants_pages);
	abi_on(abi_selftest, the_alignment_is_that_of_domains_then);
	abi_rows(abi_selftest, pins, access_pages);
	abi_on(abi_selftest, pinned_memory_is_compared);
	abi_on(abi_selftest, pinned_memory_may_be_an_alias);
	abi_on(abi_selftest, pins_without_an_answer_are_undone);
	abi_on(abi_selftest, pins_are_found_by_their_access_only);
	abi_on(abi_selftest, unmap_has_pins_dropped);
	abi_on(abi_selftest, unmap_of_part_of_an_area_does_not_ask);
	abi_on(abi_selftest, unmap_of_all_has_pins_dropped);
	abi_rows(abi_selftest, copies, access_rw);
	abi_on(abi_selftest, a_write_that_fails_has_written_what_came_before);
	abi_on(abi_selftest, the_clients_own_memory_may_be_missing);
	abi_on(abi_selftest, areas_of_bytes_can_be_copied);
	abi_on(abi_selftest, replace_moves_the_access);
	abi_on(abi_selftest, replace_refuses);
	abi_on(abi_selftest, copies_do_not_mind_small_areas);
	abi_on(abi_selftest, a_pinned_area_is_not_cut);
	abi_on(abi_selftest, an_area_can_be_named_by_its_number);
	return abi_run("access");
}
