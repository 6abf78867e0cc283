// SPDX-License-Identifier: MIT
/* Files that ioctls make look like a kernel's. The devices are behind the mock IOMMU. */
#include "e2e.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SELFTEST_VIOMMU	 0xdeadbeef
#define SELFTEST_VEVENTQ 0xbeefbeef

static int new_fault_queue(int iommufd)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};

	assert_int_equal(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &cmd), 0);
	return (int)cmd.out_fault_fd;
}

/* With a device, a parent and a vIOMMU for it; the device's number is lost. */
static int new_event_queue(int iommufd)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind), .iommufd = iommufd};
	struct iommu_hwpt_alloc hwpt = {.size = sizeof(hwpt),
					.flags = IOMMU_HWPT_ALLOC_NEST_PARENT};
	struct iommu_viommu_alloc viommu = {.size = sizeof(viommu), .type = SELFTEST_VIOMMU};
	struct iommu_veventq_alloc cmd = {.size = sizeof(cmd),
					  .type = SELFTEST_VEVENTQ,
					  .veventq_depth = 4};

	assert_int_equal(ioctl(open_device(), VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	hwpt.dev_id = viommu.dev_id = bind.out_devid;
	hwpt.pt_id = new_ioas(iommufd);
	assert_int_equal(ioctl(iommufd, IOMMU_HWPT_ALLOC, &hwpt), 0);
	viommu.hwpt_id = hwpt.out_hwpt_id;
	assert_int_equal(ioctl(iommufd, IOMMU_VIOMMU_ALLOC, &viommu), 0);
	cmd.viommu_id = viommu.out_viommu_id;
	assert_int_equal(ioctl(iommufd, IOMMU_VEVENTQ_ALLOC, &cmd), 0);
	return (int)cmd.out_veventq_fd;
}

static short ready(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLOUT};

	assert_true(poll(&poll_fd, 1, 0) >= 0);
	return poll_fd.revents;
}

static void a_fault_queue_looks_like_a_kernels(void **state)
{
	int fd = new_fault_queue(open_iommufd());
	struct stat st;

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(ready(fd), POLLOUT);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, 0600);
	assert_fails(lseek(fd, 0, SEEK_SET), ESPIPE);
	assert_fails(ioctl(fd, IOMMU_IOAS_ALLOC, &st), ENOTTY);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(close(fd), 0);
	assert_fails(close(fd), EBADF);
}

static void an_empty_queue_is_read_and_written(void **state)
{
	char buf[80];
	struct iovec parts[] = {{buf, 40}, {buf + 40, 40}}, odd[] = {{buf, 40}, {buf + 40, 1}};
	int fd = new_fault_queue(open_iommufd()), copy = dup(fd);

	(void)state;
	memset(buf, 0, sizeof(buf));
	assert_int_equal(read(fd, buf, sizeof(buf)), 0);
	assert_int_equal(read(copy, buf, sizeof(buf)), 0);
	assert_int_equal(readv(fd, parts, 2), 0);
	assert_int_equal(readv(fd, odd, 2), 0); /* the first part was short */
	assert_fails(read(fd, buf, 41), ESPIPE);
	assert_fails(pread(fd, buf, 40, 0), ESPIPE);
	assert_fails(preadv(fd, parts, 2, 0), ESPIPE);
	assert_fails(write(fd, buf, 8), EINVAL);
	assert_fails(write(fd, buf, 7), ESPIPE);
	assert_int_equal(write(fd, buf, 0), 0);
	assert_fails(pwrite(fd, buf, 8, 0), ESPIPE);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ready(copy), POLLOUT);
	assert_int_equal(close(copy), 0);
}

static void an_event_queue_is_never_written(void **state)
{
	char buf[64];
	int fd = new_event_queue(open_iommufd());

	(void)state;
	assert_int_equal(ready(fd), 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 0);
	assert_fails(read(fd, buf, 7), EINVAL);
	assert_fails(write(fd, buf, 8), EINVAL);
	assert_int_equal(ready(fd), 0);
	assert_int_equal(close(fd), 0);
}

/* Also the number is as if the call had not been made. */
static void a_queue_that_cannot_be_told_leaves_no_number(void **state)
{
	struct iommu_fault_alloc *cmd =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int iommufd = open_iommufd(), next = dup(0);

	(void)state;
	assert_int_equal(close(next), 0);
	cmd->size = sizeof(*cmd);
	assert_int_equal(mprotect(cmd, 4096, PROT_READ), 0);
	for (unsigned i = 0; i < 3000; i++)
		assert_fails(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, cmd), EFAULT);
	assert_int_equal(new_fault_queue(iommufd), next);
}

/* The object goes when the last number has gone, in whatever process. */
static void the_last_number_is_the_user(void **state)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	struct iommu_destroy destroy = {.size = sizeof(destroy)};
	int iommufd = open_iommufd(), copy;

	(void)state;
	assert_int_equal(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &cmd), 0);
	destroy.id = cmd.out_fault_id;
	copy = dup((int)cmd.out_fault_fd);
	assert_int_equal(close((int)cmd.out_fault_fd), 0);
	assert_fails(ioctl(iommufd, IOMMU_DESTROY, &destroy), EBUSY);
	assert_int_equal(close(copy), 0);
	assert_int_equal(ioctl(iommufd, IOMMU_DESTROY, &destroy), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_queue_looks_like_a_kernels),
		cmocka_unit_test(an_empty_queue_is_read_and_written),
		cmocka_unit_test(an_event_queue_is_never_written),
		cmocka_unit_test(a_queue_that_cannot_be_told_leaves_no_number),
		cmocka_unit_test(the_last_number_is_the_user),
	};

	return cmocka_run_group_tests_name("queues", tests, NULL, NULL);
}
