// SPDX-License-Identifier: MIT
/* <swiommu/swiommu.h>: descriptors of a machine of one's own. */
#include <swiommu/swiommu.h>

#include "base/base.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct swiommu *machine;
static struct sigaction guard; /* the library's handler of SIGSEGV */

static int set_up(void **state)
{
	(void)state;
	return swiommu_new(NULL, &machine) || swiommu_add_device(machine, NULL, "ioat", NULL, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	swiommu_free(machine);
	return 0;
}

/* cmocka puts a handler of its own in its place for each test. */
static void expect_wild_pointers(void)
{
	sigaction(SIGSEGV, &guard, NULL);
}

static int bind(int device, int iommufd)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = iommufd};

	return swiommu_ioctl(machine, device, VFIO_DEVICE_BIND_IOMMUFD, &cmd);
}

static void options_are_checked(void **state)
{
	struct swiommu_options options = {.size = sizeof(options)};
	struct swiommu *other;

	(void)state;
	options.iommu = "amd";
	assert_int_equal(swiommu_new(&options, &other), -EINVAL);
	options.iommu = "mock";
	options.flags = 8;
	assert_int_equal(swiommu_new(&options, &other), -EINVAL);
	options.flags = SWIOMMU_VDEVICE_DESTROY_UNBOUND;
	options.size--;
	assert_int_equal(swiommu_new(&options, &other), -EINVAL);
	options.size++;
	assert_int_equal(swiommu_new(&options, &other), 0);
	swiommu_free(other);
}

static void a_bad_device_is_explained(void **state)
{
	const char *message = NULL;

	(void)state;
	assert_int_equal(swiommu_add_device(machine, NULL, "iota", NULL, &message), -EINVAL);
	assert_string_equal(message, "no model 'iota': write one of: ioat");
	assert_int_equal(swiommu_add_device(machine, NULL, "iota", NULL, NULL), -EINVAL);
}

static void descriptors_are_the_lowest_free_ones(void **state)
{
	(void)state;
	assert_int_equal(swiommu_open(machine, "/dev/iommu"), 0);
	assert_int_equal(swiommu_open(machine, "/dev/vfio/devices/vfio0"), 1);
	assert_int_equal(swiommu_open(machine, "/dev/iommu"), 2);
	assert_int_equal(swiommu_close(machine, 1), 0);
	assert_int_equal(swiommu_open(machine, "/dev/iommu"), 1);
	assert_int_equal(swiommu_open(machine, "/dev/vfio/devices/vfio1"), -ENOENT);
	assert_int_equal(swiommu_open(machine, "/etc/passwd"), -ENOENT);
}

static void what_is_not_open_is_ebadf(void **state)
{
	static const int numbers[] = {0, -1, 1 << 30};
	char byte;

	(void)state;
	for (size_t i = 0; i < base_array_size(numbers); i++) {
		int fd = numbers[i];

		assert_int_equal(swiommu_close(machine, fd), -EBADF);
		assert_int_equal(swiommu_ioctl(machine, fd, IOMMU_IOAS_ALLOC, &byte), -EBADF);
		assert_int_equal(swiommu_pread(machine, fd, &byte, 1, 0), -EBADF);
		assert_int_equal(swiommu_pwrite(machine, fd, &byte, 1, 0), -EBADF);
	}
}

static void a_bind_takes_the_machines_numbers(void **state)
{
	int iommufd = swiommu_open(machine, "/dev/iommu");
	int device = swiommu_open(machine, "/dev/vfio/devices/vfio0");

	(void)state;
	assert_int_equal(bind(device, 7), -EBADF);
	assert_int_equal(bind(device, device), -EBADFD);
	assert_int_equal(bind(device, iommufd), 0);
	assert_int_equal(bind(device, iommufd), -EINVAL);
}

static void close_has_released_the_device(void **state)
{
	int iommufd = swiommu_open(machine, "/dev/iommu");

	(void)state;
	for (int i = 0; i < 3; i++) {
		int device = swiommu_open(machine, "/dev/vfio/devices/vfio0");

		assert_int_equal(bind(device, iommufd), 0);
		assert_int_equal(swiommu_close(machine, device), 0);
	}
}

static void reads_are_checked_as_by_a_kernel(void **state)
{
	int iommufd = swiommu_open(machine, "/dev/iommu");
	int device = swiommu_open(machine, "/dev/vfio/devices/vfio0");
	uint16_t vendor = 0;
	off_t config = (off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40;

	(void)state;
	expect_wild_pointers();
	assert_int_equal(swiommu_pread(machine, iommufd, &vendor, 2, 0), -EINVAL);
	assert_int_equal(swiommu_pwrite(machine, iommufd, &vendor, 2, 0), -EINVAL);
	assert_int_equal(swiommu_pread(machine, device, &vendor, 2, config), -EINVAL);
	assert_int_equal(bind(device, iommufd), 0);
	assert_int_equal(swiommu_pread(machine, device, &vendor, 2, config), 2);
	assert_int_equal(vendor, 0x8086);
	assert_int_equal(swiommu_pread(machine, device, &vendor, 2, -1), -EINVAL);
	assert_int_equal(swiommu_pread(machine, device, &vendor, SIZE_MAX, config), -EINVAL);
	assert_int_equal(swiommu_pread(machine, device, (void *)8, 2, config), -EFAULT);
}

static void requests_are_taken_for_32_bits(void **state)
{
	int iommufd = swiommu_open(machine, "/dev/iommu");
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	(void)state;
	expect_wild_pointers();
	assert_int_equal(swiommu_ioctl(machine, iommufd, 0xffffffff00000000ul | IOMMU_IOAS_ALLOC,
				       &cmd),
			 0);
	assert_int_equal(swiommu_ioctl(machine, iommufd, IOMMU_IOAS_ALLOC, (void *)8), -EFAULT);
}

static void errno_is_never_set(void **state)
{
	(void)state;
	errno = 77;
	assert_int_equal(swiommu_open(machine, "/nowhere"), -ENOENT);
	assert_int_equal(swiommu_close(machine, 5), -EBADF);
	assert_int_equal(swiommu_add_device(machine, NULL, "ioat,bdf=x", NULL, NULL), -EINVAL);
	assert_int_equal(errno, 77);
}

static void open_survives_every_failure(void **state)
{
	unsigned nth = 0;
	int fd;

	(void)state;
	do {
		base_fail_nth(++nth);
		fd = swiommu_open(machine, "/dev/iommu");
		assert_true(fd == 0 || fd == -ENOMEM);
	} while (fd);
	base_fail_nth(0);
	assert_true(nth > 2);
}

static void freeing_closes_and_leaks_nothing(void **state)
{
	size_t before = base_alloc_count();
	struct swiommu *other, *saved = machine;

	(void)state;
	assert_int_equal(swiommu_new(NULL, &other), 0);
	assert_int_equal(swiommu_add_device(other, NULL, "ioat", NULL, NULL), 0);
	machine = other;
	assert_int_equal(swiommu_open(other, "/dev/iommu"), 0);
	assert_int_equal(swiommu_open(other, "/dev/vfio/devices/vfio0"), 1);
	assert_int_equal(bind(1, 0), 0);
	machine = saved;
	swiommu_free(other);
	assert_int_equal(base_alloc_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(options_are_checked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bad_device_is_explained, set_up, tear_down),
		cmocka_unit_test_setup_teardown(descriptors_are_the_lowest_free_ones, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_open_is_ebadf, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_bind_takes_the_machines_numbers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(close_has_released_the_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_are_checked_as_by_a_kernel, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(requests_are_taken_for_32_bits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errno_is_never_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(open_survives_every_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(freeing_closes_and_leaks_nothing, set_up,
						tear_down),
	};

	if (base_guard_install())
		return 1;
	sigaction(SIGSEGV, NULL, &guard);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
