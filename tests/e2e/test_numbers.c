// SPDX-License-Identifier: MIT
/* Numbers of the machine's files are like any others. */
#include "e2e.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static void numbers_are_the_lowest_free_ones(void **state)
{
	int first = open("/dev/null", O_RDONLY), second, third;

	(void)state;
	close(first);
	second = open_iommufd();
	assert_int_equal(second, first);
	third = open("/dev/null", O_RDONLY);
	assert_int_equal(third, first + 1);
	close(second);
	close(third);
}

static void close_has_released_the_device(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		int device = open_bound_device();

		assert_false(device_is_free());
		assert_int_equal(close(device), 0);
		assert_true(device_is_free());
	}
}

static void a_closed_number_is_ebadf(void **state)
{
	int fd = open_iommufd();

	(void)state;
	close(fd);
	assert_fails(close(fd), EBADF);
	assert_fails(ioctl(fd, IOMMU_DESTROY, NULL), EBADF);
	assert_fails(dup(fd), EBADF);
	assert_fails(fcntl(fd, F_GETFD), EBADF);
}

/* ---- copies ---- */

static int copy_by_dup(int fd)
{
	return dup(fd);
}

static int copy_by_dup2(int fd)
{
	return dup2(fd, 200);
}

static int copy_by_dup3(int fd)
{
	return dup3(fd, 201, O_CLOEXEC);
}

static int copy_by_fcntl(int fd)
{
	return fcntl(fd, F_DUPFD, 202);
}

static int copy_by_fcntl_cloexec(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 300000 < sysconf(_SC_OPEN_MAX) ? 300000 : 500);
}

static int (*const copies[])(int fd) = {
	copy_by_dup, copy_by_dup2, copy_by_dup3, copy_by_fcntl, copy_by_fcntl_cloexec,
};

static void a_copy_is_the_same_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		int fd = open_iommufd(), copy = copies[i](fd);

		assert_true(copy >= 0);
		assert_int_equal(new_ioas(fd), 1);
		assert_int_equal(new_ioas(copy), 2);
		assert_int_equal(close(fd), 0);
		assert_int_equal(new_ioas(copy), 3);
		assert_int_equal(close(copy), 0);
	}
}

static void the_last_copy_releases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		int device = open_bound_device(), copy = copies[i](device);

		assert_int_equal(close(device), 0);
		assert_false(device_is_free());
		assert_int_equal(close(copy), 0);
		assert_true(device_is_free());
	}
}

static void copies_have_their_own_close_on_exec(void **state)
{
	int fd = open_iommufd(), plain = dup(fd), marked = dup3(fd, 205, O_CLOEXEC);

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(plain, F_GETFD), 0);
	assert_int_equal(fcntl(marked, F_GETFD), FD_CLOEXEC);
	close(fd);
	close(plain);
	close(marked);
	fd = open(IOMMU_PATH, O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	close(fd);
}

static void dup2_over_a_file_closes_it(void **state)
{
	int device = open_bound_device(), other = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(dup2(other, device), device);
	assert_true(device_is_free());
	assert_int_equal(write(device, "x", 1), 1);
	assert_fails(ioctl(device, VFIO_DEVICE_RESET), ENOTTY);
	close(device);
	close(other);
}

static void dup2_of_one_file_over_another_replaces_it(void **state)
{
	int device = open_bound_device(), iommufd = open_iommufd();

	(void)state;
	assert_int_equal(dup3(iommufd, device, 0), device);
	assert_true(device_is_free());
	assert_true(is_iommufd(device));
	close(device);
	assert_true(is_iommufd(iommufd));
	close(iommufd);
}

static void dup2_onto_itself_changes_nothing(void **state)
{
	int fd = open_iommufd();

	(void)state;
	assert_int_equal(dup2(fd, fd), fd);
	assert_fails(dup3(fd, fd, 0), EINVAL);
	assert_true(is_iommufd(fd));
	close(fd);
}

static void a_failed_dup2_changes_nothing(void **state)
{
	int device = open_bound_device();

	(void)state;
	assert_fails(dup2(199, device), EBADF);
	assert_fails(dup2(device, -1), EBADF);
	assert_fails(dup3(device, 200, O_APPEND), EINVAL);
	assert_fails(fcntl(device, F_DUPFD, -1), EINVAL);
	assert_false(device_is_free());
	close(device);
	assert_true(device_is_free());
}

/* ---- closing many at once ---- */

static void close_range_closes_what_is_inside(void **state)
{
	int device = open_bound_device(), iommufd = open_iommufd();

	(void)state;
	assert_int_equal(dup2(device, 50), 50);
	assert_int_equal(dup2(iommufd, 61), 61);
	close(device);
	assert_int_equal(close_range(40, 60, 0), 0);
	assert_true(device_is_free());
	assert_true(is_iommufd(61));
	assert_true(is_iommufd(iommufd));
	close(61);
	close(iommufd);
}

static void close_range_can_mark_only(void **state)
{
	int fd = dup2(open_iommufd(), 50);

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(close_range(50, 50, CLOSE_RANGE_CLOEXEC), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(is_iommufd(fd));
	assert_fails(close_range(51, 50, 0), EINVAL);
	assert_fails(close_range(50, 50, 1u << 30), EINVAL);
	assert_true(is_iommufd(fd));
	assert_int_equal(close_range(3, ~0u, CLOSE_RANGE_UNSHARE), 0);
	assert_fails(close(50), EBADF);
}

static void files_survive_a_closefrom_beyond_them(void **state)
{
	int fd = open_iommufd();

	(void)state;
	closefrom(fd + 1);
	assert_true(is_iommufd(fd));
	/* And the next one works as well: nothing of the library's own was hit. */
	assert_true(device_is_free());
	closefrom(fd);
	assert_fails(close(fd), EBADF);
	assert_true(device_is_free());
}

static void close_from(int first)
{
	int limit = (int)sysconf(_SC_OPEN_MAX);

	for (int other = first; other < limit && other < 1 << 20; other++)
		close(other);
}

static void a_loop_over_all_numbers_harms_nothing(void **state)
{
	int fd = open_iommufd();

	(void)state;
	close_from(fd + 1);
	assert_true(is_iommufd(fd));
	assert_true(device_is_free());
	close(fd);
}

static int set_irqs(int device, uint32_t flags, uint32_t count, int eventfd)
{
	char cmd[sizeof(struct vfio_irq_set) + sizeof(eventfd)];
	struct vfio_irq_set set = {.argsz = sizeof(cmd),
				   .flags = flags | VFIO_IRQ_SET_ACTION_TRIGGER,
				   .index = VFIO_PCI_MSIX_IRQ_INDEX,
				   .count = count};

	memcpy(cmd, &set, sizeof(set));
	memcpy(cmd + sizeof(set), &eventfd, sizeof(eventfd));
	return ioctl(device, VFIO_DEVICE_SET_IRQS, cmd);
}

static void interrupts_survive_a_loop_over_all_numbers(void **state)
{
	int device = open_bound_device(), event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int limit = (int)sysconf(_SC_OPEN_MAX);
	uint64_t count = 0;

	(void)state;
	assert_fails(set_irqs(device, VFIO_IRQ_SET_DATA_EVENTFD, 1, device), EINVAL);
	assert_fails(set_irqs(device, VFIO_IRQ_SET_DATA_EVENTFD, 1, 199), EBADF);
	assert_int_equal(set_irqs(device, VFIO_IRQ_SET_DATA_EVENTFD, 1, event), 0);
	close_from(device + 1);
	assert_int_equal(set_irqs(device, VFIO_IRQ_SET_DATA_NONE, 1, -1), 0);
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	assert_int_equal(set_irqs(device, VFIO_IRQ_SET_DATA_NONE, 0, -1), 0);
	/* The copy of the eventfd is gone: its number is any other. */
	for (int other = limit / 4 * 3; other < limit / 4 * 3 + 8; other++) {
		assert_int_equal(dup2(0, other), other);
		assert_int_equal(close(other), 0);
	}
	close(event);
	close(device);
	assert_true(device_is_free());
}

static int map_file(int iommufd, uint32_t ioas, int file)
{
	struct iommu_ioas_map_file cmd = {.size = sizeof(cmd),
					  .flags = IOMMU_IOAS_MAP_READABLE,
					  .ioas_id = ioas,
					  .fd = file,
					  .length = 4096};

	return ioctl(iommufd, IOMMU_IOAS_MAP_FILE, &cmd);
}

/* The page is needed only when there is a device. */
static void files_that_are_mapped_survive_it_too(void **state)
{
	int device = open_device(), iommufd = open_iommufd(), file = memfd_create("mapped", 0);
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};

	(void)state;
	attach.pt_id = new_ioas(iommufd);
	assert_int_equal(ftruncate(file, 4096), 0);
	assert_int_equal(map_file(iommufd, attach.pt_id, file), 0);
	close_from(iommufd + 1);
	assert_int_equal(bind_device(device, iommufd), 0);
	assert_int_equal(ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), 0);
	close(device);
	close(iommufd);
}

static void any_number_can_be_taken(void **state)
{
	int device = open_bound_device(), limit = (int)sysconf(_SC_OPEN_MAX);

	(void)state;
	for (int target = limit / 4 * 3 - 8; target < limit / 4 * 3 + 8; target++)
		assert_int_equal(dup2(0, target), target);
	assert_false(device_is_free());
	for (int target = limit / 4 * 3 - 8; target < limit / 4 * 3 + 8; target++)
		assert_int_equal(close(target), 0);
	close(device);
	assert_true(device_is_free());
}

/* ---- behind the library's back ---- */

static void a_number_closed_by_a_bare_system_call_is_forgotten(void **state)
{
	int device = open_bound_device(), filler = dup(0), again;

	(void)state;
	assert_int_equal(syscall(SYS_close, device), 0);
	again = open("/dev/null", O_RDWR);
	assert_int_equal(again, device);
	assert_true(device_is_free());
	assert_fails(ioctl(again, VFIO_DEVICE_RESET), ENOTTY);
	close(again);
	close(filler);
}

static void the_same_for_a_number_that_is_ours_again(void **state)
{
	int device = open_bound_device(), filler = dup(0), again;

	(void)state;
	assert_int_equal(syscall(SYS_close, device), 0);
	again = open_iommufd();
	assert_int_equal(again, device);
	assert_true(device_is_free());
	assert_true(is_iommufd(again));
	close(again);
	close(filler);
}

static void a_bare_dup_keeps_the_file_open(void **state)
{
	int device = open_bound_device();
	int copy = (int)syscall(SYS_dup, device);

	(void)state;
	close(device);
	assert_false(device_is_free());
	syscall(SYS_close, copy);
	wait_until_free();
}

/* ---- flags ---- */

static void status_flags_are_as_opened(void **state)
{
	int fd = open(IOMMU_PATH, O_RDONLY);

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	fd = open(IOMMU_PATH, O_RDWR | O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	close(fd);
}

static void ioctls_of_all_files_work(void **state)
{
	int fd = open_iommufd(), on = 1, off = 0;

	(void)state;
	assert_int_equal(ioctl(fd, FIONCLEX), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(ioctl(fd, FIOCLEX), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(ioctl(fd, FIONBIO, &on), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(ioctl(fd, FIONBIO, &off), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_fails(ioctl(fd, FIONREAD, &on), ENOTTY);
	assert_int_equal(close(fd), 0);
}

static void errno_survives_success(void **state)
{
	int fd, copy;

	(void)state;
	errno = 77;
	fd = open(IOMMU_PATH, O_RDWR);
	copy = dup(fd);
	dup2(fd, copy);
	new_ioas(fd);
	close(copy);
	close_range((unsigned)fd, (unsigned)fd, 0);
	assert_int_equal(errno, 77);
}

/* ---- other threads ---- */

/* What the first call says that fails. */
static void *use_until_closed(void *arg)
{
	struct iommu_option cmd = {.size = sizeof(cmd), .op = IOMMU_OPTION_OP_GET};
	int fd = (int)(intptr_t)arg;

	while (!ioctl(fd, IOMMU_OPTION, &cmd))
		;
	return (void *)(intptr_t)errno;
}

static void a_number_is_ebadf_from_the_start_of_its_close(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		int fd = open_iommufd();
		pthread_t threads[2];
		void *errors[2];

		for (int k = 0; k < 2; k++)
			assert_int_equal(pthread_create(&threads[k], NULL, use_until_closed,
							(void *)(intptr_t)fd),
					 0);
		usleep(i % 50);
		assert_int_equal(close(fd), 0);
		for (int k = 0; k < 2; k++)
			assert_int_equal(pthread_join(threads[k], &errors[k]), 0);
		assert_int_equal((intptr_t)errors[0], EBADF);
		assert_int_equal((intptr_t)errors[1], EBADF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_the_lowest_free_ones),
		cmocka_unit_test(close_has_released_the_device),
		cmocka_unit_test(a_closed_number_is_ebadf),
		cmocka_unit_test(a_copy_is_the_same_file),
		cmocka_unit_test(the_last_copy_releases),
		cmocka_unit_test(copies_have_their_own_close_on_exec),
		cmocka_unit_test(dup2_over_a_file_closes_it),
		cmocka_unit_test(dup2_of_one_file_over_another_replaces_it),
		cmocka_unit_test(dup2_onto_itself_changes_nothing),
		cmocka_unit_test(a_failed_dup2_changes_nothing),
		cmocka_unit_test(close_range_closes_what_is_inside),
		cmocka_unit_test(close_range_can_mark_only),
		cmocka_unit_test(files_survive_a_closefrom_beyond_them),
		cmocka_unit_test(a_loop_over_all_numbers_harms_nothing),
		cmocka_unit_test(interrupts_survive_a_loop_over_all_numbers),
		cmocka_unit_test(files_that_are_mapped_survive_it_too),
		cmocka_unit_test(any_number_can_be_taken),
		cmocka_unit_test(a_number_closed_by_a_bare_system_call_is_forgotten),
		cmocka_unit_test(the_same_for_a_number_that_is_ours_again),
		cmocka_unit_test(a_bare_dup_keeps_the_file_open),
		cmocka_unit_test(status_flags_are_as_opened),
		cmocka_unit_test(ioctls_of_all_files_work),
		cmocka_unit_test(errno_survives_success),
		/* Starts threads of the library's, which a close_range with UNSHARE leaves behind.
		 */
		cmocka_unit_test(a_number_is_ebadf_from_the_start_of_its_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
