// SPDX-License-Identifier: MIT
/* The calls of a program that knows nothing of swiommu. */
#include "device.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int bench_open(const char *path)
{
	return open(path, O_RDWR | O_CLOEXEC);
}

int bench_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

ssize_t bench_pread(int fd, void *buf, size_t count, off_t pos)
{
	return pread(fd, buf, count, pos);
}

ssize_t bench_pwrite(int fd, const void *buf, size_t count, off_t pos)
{
	return pwrite(fd, buf, count, pos);
}
