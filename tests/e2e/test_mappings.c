// SPDX-License-Identifier: MIT
/* Memory of a vIOMMU that a program maps, by what means ever it goes away again. */
#include "e2e.h"

#include <sys/mman.h>

#define SELFTEST_VIOMMU 0xdeadbeef
#define PAGE		((size_t)4096)
#define LENGTH		(2 * PAGE)

/* Of the mock: the data of VIOMMU_ALLOC. */
struct viommu_data {
	uint32_t in, out;
	uint64_t offset, length;
};

static int iommufd, device;
static uint32_t viommu;
static off_t offset;

static int setup(void **state)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind)};
	struct viommu_data data = {.in = 0x1234};
	struct iommu_hwpt_alloc hwpt = {.size = sizeof(hwpt),
					.flags = IOMMU_HWPT_ALLOC_NEST_PARENT};
	struct iommu_viommu_alloc cmd = {.size = sizeof(cmd),
					 .type = SELFTEST_VIOMMU,
					 .data_len = sizeof(data),
					 .data_uptr = (uintptr_t)&data};

	(void)state;
	iommufd = open_iommufd();
	device = open_device();
	bind.iommufd = iommufd;
	assert_int_equal(ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	hwpt.dev_id = cmd.dev_id = bind.out_devid;
	hwpt.pt_id = new_ioas(iommufd);
	assert_int_equal(ioctl(iommufd, IOMMU_HWPT_ALLOC, &hwpt), 0);
	cmd.hwpt_id = hwpt.out_hwpt_id;
	assert_int_equal(ioctl(iommufd, IOMMU_VIOMMU_ALLOC, &cmd), 0);
	assert_int_equal(data.out, 0x1234);
	assert_int_equal(data.length, LENGTH);
	viommu = cmd.out_viommu_id;
	offset = (off_t)data.offset;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(device);
	close(iommufd);
	return 0;
}

static int destroy(void)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = viommu};

	return ioctl(iommufd, IOMMU_DESTROY, &cmd);
}

static uint8_t *map_at(void *addr, int flags)
{
	void *memory =
		mmap(addr, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | flags, iommufd, offset);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static void it_survives_a_closefrom(void **state)
{
	uint8_t *memory;

	(void)state;
	closefrom((iommufd > device ? iommufd : device) + 1);
	memory = map_at(NULL, 0);
	assert_int_equal(memory[0], 0x34);
	assert_int_equal(munmap(memory, LENGTH), 0);
}

/* Memory of the program's own, where its mappings may go. */
static uint8_t *reserve(size_t pages)
{
	void *memory = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static void expect_in_use(void)
{
	assert_fails(destroy(), EBUSY);
}

static void munmap_ends_it(void **state)
{
	uint8_t *memory = map_at(NULL, 0);

	(void)state;
	assert_int_equal(memory[0], 0x34);
	memory[LENGTH - 1] = 9;
	expect_in_use();
	assert_int_equal(munmap(memory, PAGE), 0);
	expect_in_use();
	assert_int_equal(memory[LENGTH - 1], 9);
	assert_fails(munmap(memory + PAGE + 1, PAGE), EINVAL);
	expect_in_use();
	assert_int_equal(munmap(memory + PAGE, PAGE), 0);
	assert_int_equal(destroy(), 0);
}

static void an_munmap_of_more_ends_it(void **state)
{
	uint8_t *memory = reserve(6);

	(void)state;
	map_at(memory + PAGE, MAP_FIXED);
	map_at(memory + 3 * PAGE, MAP_FIXED);
	assert_int_equal(munmap(memory, 4 * PAGE), 0);
	expect_in_use();
	memory[4 * PAGE] = 1;
	assert_int_equal(munmap(memory + 4 * PAGE, 2 * PAGE), 0);
	assert_int_equal(destroy(), 0);
}

static void a_map_over_it_ends_it(void **state)
{
	uint8_t *memory = map_at(NULL, 0);
	void *over;

	(void)state;
	over = mmap(memory, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0);
	assert_ptr_equal(over, memory);
	assert_int_equal(memory[0], 0);
	assert_int_equal(destroy(), 0);
	munmap(memory, LENGTH);
}

static void a_map_that_fails_ends_nothing(void **state)
{
	uint8_t *memory = map_at(NULL, 0);

	(void)state;
	assert_ptr_equal(mmap(memory, LENGTH, PROT_READ, MAP_PRIVATE | MAP_FIXED, 1000, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EBADF);
	expect_in_use();
	assert_int_equal(munmap(memory, LENGTH), 0);
	assert_int_equal(destroy(), 0);
}

static void mremap_takes_it_along(void **state)
{
	uint8_t *memory = map_at(NULL, 0), *other = reserve(2);
	void *moved = mremap(memory, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, other);

	(void)state;
	assert_ptr_equal(moved, other);
	assert_int_equal(other[0], 0x34);
	expect_in_use();
	/* Its old place is nobody's. */
	munmap(memory, LENGTH);
	expect_in_use();
	assert_ptr_equal(mremap(other, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE), MAP_FAILED);
	assert_int_equal(errno, EFAULT);
	assert_ptr_equal(mremap(other, LENGTH, PAGE, 0), other);
	expect_in_use();
	assert_int_equal(munmap(other, PAGE), 0);
	assert_int_equal(destroy(), 0);
}

static void mremap_onto_it_ends_it(void **state)
{
	uint8_t *memory = map_at(NULL, 0), *other = reserve(2);

	(void)state;
	assert_ptr_equal(mremap(other, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, memory),
			 memory);
	assert_int_equal(destroy(), 0);
	munmap(memory, LENGTH);
}

/* The child has the memory, and the parent the note of it. */
static void a_forked_child_sees_the_same(void **state)
{
	uint8_t *memory = map_at(NULL, 0);
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (!child) {
		memory[5] = 6;
		_exit(munmap(memory, LENGTH) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(memory[5], 6);
	expect_in_use();
	assert_int_equal(munmap(memory, LENGTH), 0);
	assert_int_equal(destroy(), 0);
}

static void it_outlives_the_iommufd(void **state)
{
	uint8_t *memory = map_at(NULL, 0);

	(void)state;
	close(device);
	close(iommufd);
	memory[0]++;
	assert_int_equal(memory[0], 0x35);
	assert_int_equal(munmap(memory, LENGTH), 0);
	setup(state);
}

static void what_is_not_open_for_it_is_refused(void **state)
{
	int reader = open(IOMMU_PATH, O_RDONLY);

	(void)state;
	assert_ptr_equal(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, reader, offset),
			 MAP_FAILED);
	assert_int_equal(errno, EACCES);
	/* It is another iommufd, where nothing is. */
	assert_ptr_equal(mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, reader, offset), MAP_FAILED);
	assert_int_equal(errno, ENXIO);
	close(reader);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(munmap_ends_it),
		test(it_survives_a_closefrom),
		test(an_munmap_of_more_ends_it),
		test(a_map_over_it_ends_it),
		test(a_map_that_fails_ends_nothing),
		test(mremap_takes_it_along),
		test(mremap_onto_it_ends_it),
		test(a_forked_child_sees_the_same),
		test(it_outlives_the_iommufd),
		test(what_is_not_open_for_it_is_refused),
	};

	return cmocka_run_group_tests_name("mappings", tests, NULL, NULL);
}
