/* SPDX-License-Identifier: MIT */
/*
 * For programs that know nothing of swiommu: the kernel's headers, the C
 * library, and what these tests do over and over. They run under `swiommu run`
 * with one device.
 */
#ifndef E2E_H
#define E2E_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include <cmocka.h>

#define IOMMU_PATH  "/dev/iommu"
#define DEVICE_PATH "/dev/vfio/devices/vfio0"

/* The call fails and sets errno. */
#define assert_fails(call, error)                        \
	do {                                             \
		errno = 0;                               \
		assert_int_equal((long long)(call), -1); \
		assert_int_equal(errno, error);          \
	} while (0)

static inline int open_iommufd(void)
{
	int fd = open(IOMMU_PATH, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline int open_device(void)
{
	int fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static inline int bind_device(int device, int iommufd)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = iommufd};

	return ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &cmd);
}

/* The id of a new IOAS, 0 on failure. */
static inline uint32_t new_ioas(int iommufd)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	return ioctl(iommufd, IOMMU_IOAS_ALLOC, &cmd) ? 0 : cmd.out_ioas_id;
}

/* Does an ioctl reach the iommufd behind fd? */
static inline bool is_iommufd(int fd)
{
	return new_ioas(fd) != 0;
}

/* Nobody has the device bound: close has released it. */
static inline bool device_is_free(void)
{
	int iommufd = open_iommufd(), device = open_device();
	bool bound = !bind_device(device, iommufd);

	close(device);
	close(iommufd);
	return bound;
}

/* A device number that is bound, with its iommufd already closed. */
static inline int open_bound_device(void)
{
	int iommufd = open_iommufd(), device = open_device();

	assert_int_equal(bind_device(device, iommufd), 0);
	assert_int_equal(close(iommufd), 0);
	return device;
}

/* A release in another thread is near: wait for it, for as long as it takes. */
static inline void wait_until_free(void)
{
	while (!device_is_free())
		usleep(1000);
}

/* The wait status of a child that runs fn; 0 if all its checks held. */
static inline int in_child(int (*fn)(int arg), int arg)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(fn(arg));
	waitpid(pid, &status, 0);
	return status;
}

/* Give a file away in a message. */
static inline void send_number(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

/* The number of the file in the next message, -1 if there is none. */
static inline int receive_number(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header)
		memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

/* For children, where a failed assertion would go on in the parent's test. */
#define child_check(cond)                                                             \
	do {                                                                          \
		if (!(cond)) {                                                        \
			print_error("%s:%d: child: %s\n", __FILE__, __LINE__, #cond); \
			return 1;                                                     \
		}                                                                     \
	} while (0)

#endif
