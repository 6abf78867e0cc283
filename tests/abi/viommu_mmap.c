// SPDX-License-Identifier: MIT
/* Memory of a vIOMMU's driver (iommufd-ioctls.md 20, 25; iommufd-objects.md 13.3;
 * iommufd-test-abi.md 8.1). */
#include "abi.h"

#include <sys/mman.h>

#define TYPE   IOMMU_VIOMMU_TYPE_SELFTEST
#define FIRST  0x1000
#define SECOND 0x3000
#define LENGTH (2 * PAGE)

struct scene {
	uint32_t parent, viommu[2];
};

static int alloc(struct abi *abi, uint32_t parent, const void *data, uint32_t len, uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = TYPE,
		.dev_id = abi->devid[0],
		.hwpt_id = parent,
		.data_len = len,
		.data_uptr = ADDR(data),
	};
	int rc = abi_ioctl(abi, IOMMU_VIOMMU_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_viommu_id;
	return rc;
}

/* A vIOMMU whose region begins with `word`. Returns its offset. */
static uint64_t with_region(struct abi *abi, uint32_t parent, uint32_t word, uint32_t *id)
{
	struct iommu_viommu_selftest data = {.in_data = word};

	ok(alloc(abi, parent, &data, sizeof(data), id));
	assert_int_equal(data.out_data, word);
	assert_int_equal(data.out_mmap_length, LENGTH);
	return data.out_mmap_offset;
}

static void make_scene(struct abi *abi, struct scene *s)
{
	abi_bound(abi, 0);
	s->parent = abi_parent(abi, 0, abi_ioas(abi));
	assert_int_equal(with_region(abi, s->parent, 0x11, &s->viommu[0]), FIRST);
	assert_int_equal(with_region(abi, s->parent, 0x22, &s->viommu[1]), SECOND);
}

static int try_map(struct abi *abi, uint64_t offset, void **addr)
{
	return swiommu_mmap(abi->machine, abi->ctx, addr, LENGTH, PROT_READ | PROT_WRITE,
			    MAP_SHARED, (off_t)offset);
}

static uint32_t *map(struct abi *abi, uint64_t offset)
{
	void *addr = NULL;

	ok(try_map(abi, offset, &addr));
	return addr;
}

static int unmap(struct abi *abi, void *addr, size_t length)
{
	return swiommu_munmap(abi->machine, addr, length);
}

/* ---- VIOMMU_ALLOC with data ---- */

struct data_row {
	const char *name;
	uint32_t len;
	int want;
};

static const struct data_row lengths[] = {
	{"no data", 0, 0},
	{"less than the first two words", 7, -EINVAL},
	{"one byte", 1, -EINVAL},
	{"the first two words", 8, 0},
	{"a part of the offset", 12, 0},
	{"without the length", 16, 0},
	{"all of it", 24, 0},
	{"more than there is", 25, -EINVAL},
	{"a page", PAGE, -EINVAL},
};

static void viommu_data(struct abi *abi)
{
	const struct data_row *row = abi->row;
	struct iommu_viommu_selftest data = {.in_data = 0x77,
					     .out_data = 1,
					     .out_mmap_offset = ULAST,
					     .out_mmap_length = ULAST};
	struct iommu_viommu_selftest full = {0x77, 0x77, FIRST, LENGTH};
	struct iommu_viommu_selftest want = data;
	uint32_t parent, id, next;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, abi_ioas(abi));
	next = abi_next_id(abi);
	if (!row->want)
		memcpy(&want, &full, row->len);
	expect(alloc(abi, parent, &data, row->len, &id), row->want);
	assert_memory_equal(&data, &want, sizeof(data));
	if (!row->want)
		ok(abi_destroy(abi, id));
	assert_int_equal(abi_next_id(abi), next);
	assert_int_equal(with_region(abi, parent, 1, &id), FIRST);
}

static void data_that_cannot_be_accessed_is_efault(struct abi *abi)
{
	const struct iommu_viommu_selftest data = {.in_data = 1};
	uint8_t *edge = abi_edge(abi);
	uint32_t parent, id;

	abi_bound(abi, 0);
	parent = abi_parent(abi, 0, abi_ioas(abi));
	expect(alloc(abi, parent, edge - 8, 24, &id), -EFAULT);
	expect(alloc(abi, parent, abi_constant_copy(abi, &data, 24, 0), 24, &id), -EFAULT);
	expect(alloc(abi, parent, abi_constant_copy(abi, &data, 24, 16), 24, &id), -EFAULT);
	/* Its offset is free again. */
	assert_int_equal(with_region(abi, parent, 1, &id), FIRST);
}

static void offsets_are_the_lowest_that_are_free(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(abi_destroy(abi, s.viommu[0]));
	assert_int_equal(with_region(abi, s.parent, 3, &id), FIRST);
	assert_int_equal(with_region(abi, s.parent, 4, &id), 0x5000);
	/* Each context has its own. */
	abi_close(abi, 0);
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	abi_open(abi, 0);
	abi_bound(abi, 0);
	assert_int_equal(with_region(abi, abi_parent(abi, 0, abi_ioas(abi)), 5, &id), FIRST);
}

/* ---- mmap ---- */

struct map_row {
	const char *name;
	int prot, flags;
	uint64_t offset, length;
	int want;
};

#define RWP (PROT_READ | PROT_WRITE)

static const struct map_row maps[] = {
	{"the first", RWP, MAP_SHARED, FIRST, LENGTH, 0},
	{"the second", PROT_READ, MAP_SHARED, SECOND, LENGTH, 0},
	{"without rights", PROT_NONE, MAP_SHARED, FIRST, LENGTH, 0},
	{"validated", RWP, MAP_SHARED_VALIDATE, FIRST, LENGTH, 0},
	{"a length that becomes pages", RWP, MAP_SHARED, FIRST, LENGTH - 4095, 0},
	{"no length", RWP | PROT_EXEC, MAP_PRIVATE, FIRST, 0, -EINVAL},
	{"an offset within a page", RWP | PROT_EXEC, MAP_PRIVATE, FIRST + 1, LENGTH, -EINVAL},
	{"a length beyond all", RWP, MAP_SHARED, FIRST, ULAST, -ENOMEM},
	{"private", RWP | PROT_EXEC, MAP_PRIVATE, 0, LENGTH, -EINVAL},
	{"neither", RWP, 0, FIRST, LENGTH, -EINVAL},
	{"to execute", PROT_READ | PROT_EXEC, MAP_SHARED, 0, LENGTH, -EPERM},
	{"offset 0", RWP, MAP_SHARED, 0, LENGTH, -ENXIO},
	{"before the first", RWP, MAP_SHARED, 0, 3 * PAGE, -ENXIO},
	{"behind the second", RWP, MAP_SHARED, 0x5000, LENGTH, -ENXIO},
	{"only the first page", RWP, MAP_SHARED, FIRST, PAGE, -ENXIO},
	{"only the last page", RWP, MAP_SHARED, FIRST + PAGE, PAGE, -ENXIO},
	{"parts of both", RWP, MAP_SHARED, FIRST + PAGE, LENGTH, -ENXIO},
	{"both", RWP, MAP_SHARED, FIRST, 2 * LENGTH, -ENXIO},
};

static void mmap_of_an_iommufd(struct abi *abi)
{
	const struct map_row *row = abi->row;
	void *addr = NULL;
	struct scene s;

	make_scene(abi, &s);
	expect(swiommu_mmap(abi->machine, abi->ctx, &addr, row->length, row->prot, row->flags,
			    (off_t)row->offset),
	       row->want);
	if (!row->want) {
		expect(abi_destroy(abi, s.viommu[row->offset == SECOND]), -EBUSY);
		ok(unmap(abi, addr, LENGTH));
	}
	ok(abi_destroy(abi, s.viommu[0]));
	ok(abi_destroy(abi, s.viommu[1]));
	expect(try_map(abi, FIRST, &addr), -ENXIO);
}

static void files_without_memory_are_refused(struct abi *abi)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	void *addr = NULL;

	ok(abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &cmd));
	expect(swiommu_mmap(abi->machine, (int)cmd.out_fault_fd, &addr, PAGE, PROT_READ, MAP_SHARED,
			    0),
	       -ENODEV);
	expect(swiommu_mmap(abi->machine, abi->file[0], &addr, PAGE, PROT_READ, MAP_SHARED, 0),
	       -EINVAL);
	expect(swiommu_mmap(abi->machine, 1000, &addr, PAGE, PROT_READ, MAP_SHARED, 0), -EBADF);
}

/* 8.1: the pages are the same for all. */
static void all_mappings_show_the_same(struct abi *abi)
{
	uint32_t *a, *b, *other;
	struct scene s;

	make_scene(abi, &s);
	a = map(abi, FIRST);
	b = map(abi, FIRST);
	other = map(abi, SECOND);
	assert_int_equal(a[0], 0x11);
	assert_int_equal(a[1], 0);
	assert_int_equal(other[0], 0x22);
	a[LENGTH / 4 - 1] = 7;
	assert_int_equal(b[LENGTH / 4 - 1], 7);
	assert_int_equal(other[LENGTH / 4 - 1], 0);
	/* 13.3: each of them is a user. */
	ok(unmap(abi, a, LENGTH));
	expect(abi_destroy(abi, s.viommu[0]), -EBUSY);
	ok(unmap(abi, b, LENGTH));
	ok(abi_destroy(abi, s.viommu[0]));
	ok(unmap(abi, other, LENGTH));
}

static void a_part_of_a_mapping_is_a_user(struct abi *abi)
{
	struct scene s;
	uint8_t *a;

	make_scene(abi, &s);
	a = (uint8_t *)map(abi, FIRST);
	ok(unmap(abi, a, PAGE));
	expect(abi_destroy(abi, s.viommu[0]), -EBUSY);
	a[PAGE] = 1;
	expect(unmap(abi, a + PAGE + 1, PAGE), -EINVAL);
	ok(unmap(abi, a + PAGE, 1));
	ok(abi_destroy(abi, s.viommu[0]));
}

static void a_mapping_over_another_takes_its_place(struct abi *abi)
{
	struct scene s;
	void *addr;
	uint32_t *a;

	make_scene(abi, &s);
	addr = a = map(abi, FIRST);
	ok(swiommu_mmap(abi->machine, abi->ctx, &addr, LENGTH, PROT_READ, MAP_SHARED | MAP_FIXED,
			SECOND));
	assert_ptr_equal(addr, a);
	assert_int_equal(a[0], 0x22);
	ok(abi_destroy(abi, s.viommu[0]));
	expect(abi_destroy(abi, s.viommu[1]), -EBUSY);
	/* One that the kernel refuses changes nothing. */
	expect(swiommu_mmap(abi->machine, abi->ctx, &addr, LENGTH, PROT_READ,
			    MAP_SHARED | MAP_FIXED_NOREPLACE, SECOND),
	       -EEXIST);
	ok(unmap(abi, a, LENGTH));
	ok(abi_destroy(abi, s.viommu[1]));
}

/* 13.3, 14: the file stays as well, though nobody has a number of it. */
static void a_mapping_outlives_its_iommufd(struct abi *abi)
{
	struct scene s;
	uint32_t *a;

	make_scene(abi, &s);
	a = map(abi, FIRST);
	abi_close(abi, 0);
	ok(swiommu_close(abi->machine, abi->ctx));
	a[0]++;
	assert_int_equal(a[0], 0x12);
	ok(unmap(abi, a, LENGTH));
	/* What is not ours is unmapped, too. */
	ok(unmap(abi, a, LENGTH));
}

static void a_machine_unmaps_what_is_left(struct abi *abi)
{
	struct scene s;

	make_scene(abi, &s);
	map(abi, FIRST);
	map(abi, SECOND);
	ok(swiommu_close(abi->machine, abi->ctx));
}

int main(void)
{
	abi_rows(abi_mock, lengths, viommu_data);
	abi_on(abi_mock, data_that_cannot_be_accessed_is_efault);
	abi_on(abi_mock, offsets_are_the_lowest_that_are_free);
	abi_rows(abi_mock, maps, mmap_of_an_iommufd);
	abi_on(abi_mock, files_without_memory_are_refused);
	abi_on(abi_mock, all_mappings_show_the_same);
	abi_on(abi_mock, a_part_of_a_mapping_is_a_user);
	abi_on(abi_mock, a_mapping_over_another_takes_its_place);
	abi_on(abi_mock, a_mapping_outlives_its_iommufd);
	abi_library(abi_on(abi_mock, a_machine_unmaps_what_is_left));
	return abi_run("viommu_mmap");
}
