// SPDX-License-Identifier: MIT
/*
 * What a program does with a VFIO type1 container, and with files that it maps: real
 * descriptors, of which some are the machine's (vfio-device-ioctls.md 13,
 * iommufd-ioctls.md 8).
 */
#include "e2e.h"

#include <sys/mman.h>

#define IOVA 0x2000000ull
#define SIZE 0x4000ull

static uint64_t unmap_dma(int fd, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.iova = iova,
		.size = size,
	};

	assert_int_equal(ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &cmd), 0);
	return cmd.size;
}

static void a_container_maps_memory(void **state)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	struct iommu_vfio_ioas set = {.size = sizeof(set), .op = IOMMU_VFIO_IOAS_SET};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = SIZE,
	};
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	map.vaddr = (uintptr_t)memory;
	assert_int_equal(ioctl(fd, VFIO_GET_API_VERSION), VFIO_API_VERSION);
	assert_int_equal(ioctl(fd, VFIO_CHECK_EXTENSION, (unsigned long)VFIO_TYPE1v2_IOMMU), 1);
	assert_fails(ioctl(fd, VFIO_SET_IOMMU, (unsigned long)VFIO_TYPE1_IOMMU), ENODEV);
	set.ioas_id = new_ioas(fd);
	assert_int_equal(ioctl(fd, IOMMU_VFIO_IOAS, &set), 0);
	assert_int_equal(ioctl(fd, VFIO_SET_IOMMU, (unsigned long)VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(ioctl(fd, VFIO_IOMMU_MAP_DMA, &map), 0);
	assert_fails(ioctl(fd, VFIO_IOMMU_MAP_DMA, &map), EEXIST);
	assert_int_equal(unmap_dma(fd, IOVA + 0x1000, 0x2000), 0x2000);
	assert_int_equal(unmap_dma(fd, 0, UINT64_MAX), 0x2000);
	assert_int_equal(munmap(memory, SIZE), 0);
	assert_int_equal(close(fd), 0);
}

static int map_file(int fd, uint32_t ioas, int file)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.fd = file,
		.length = SIZE,
	};

	return ioctl(fd, IOMMU_IOAS_MAP_FILE, &cmd);
}

static void descriptors_are_told_apart(void **state)
{
	int fd = open_iommufd(), memory = memfd_create("test", 0);
	uint32_t ioas = new_ioas(fd);

	(void)state;
	assert_true(memory >= 0);
	assert_int_equal(ftruncate(memory, SIZE), 0);
	assert_int_equal(map_file(fd, ioas, memory), 0);
	/* Any open file will do as long as nobody needs its memory. */
	assert_int_equal(map_file(fd, ioas, fd), 0);
	assert_int_equal(map_file(fd, ioas, 2), 0);
	assert_fails(map_file(fd, ioas, 1000), EBADF);
	assert_int_equal(close(memory), 0);
	assert_fails(map_file(fd, ioas, memory), EBADF);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_maps_memory),
		cmocka_unit_test(descriptors_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
