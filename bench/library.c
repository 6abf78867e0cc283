// SPDX-License-Identifier: MIT
/* The calls of a program that has a machine of its own. */
#include "library.h"

#include <errno.h>

static struct swiommu *machine;

/* As system calls answer. */
static long answer(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

struct swiommu_device *bench_machine_new(void)
{
	const struct swiommu_options options = {
		.size = sizeof(options),
		.flags = SWIOMMU_MEMLOCK_UNLIMITED,
	};
	struct swiommu_device *device;

	bench_must(answer(swiommu_new(&options, &machine)), "swiommu_new");
	bench_must(answer(swiommu_add_device(machine, NULL, "ioat", &device, NULL)),
		   "swiommu_add_device");
	return device;
}

int bench_open(const char *path)
{
	return (int)answer(swiommu_open(machine, path));
}

int bench_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)answer(swiommu_ioctl(machine, fd, request, arg));
}

ssize_t bench_pread(int fd, void *buf, size_t count, off_t pos)
{
	return answer(swiommu_pread(machine, fd, buf, count, pos));
}

ssize_t bench_pwrite(int fd, const void *buf, size_t count, off_t pos)
{
	return answer(swiommu_pwrite(machine, fd, buf, count, pos));
}
