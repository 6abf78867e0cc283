// SPDX-License-Identifier: MIT
/*
 * The ABI tests on the library itself: every machine can be made. On demand the calls are
 * written down, for scripts/errno-coverage: the linker puts the functions here in front of
 * the library's.
 */
#include "abi.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHOWN 72 /* bytes of a struct, at most */

const bool abi_is_library = true;

bool abi_has(const struct abi_machine *machine)
{
	(void)machine;
	return true;
}

/* ---- what was called, and what came of it ---- */

int __real_swiommu_ioctl(struct swiommu *machine, int fd, unsigned long request, void *arg);
int __wrap_swiommu_ioctl(struct swiommu *machine, int fd, unsigned long request, void *arg);
ssize_t __real_swiommu_read(struct swiommu *machine, int fd, void *buf, size_t count);
ssize_t __wrap_swiommu_read(struct swiommu *machine, int fd, void *buf, size_t count);
ssize_t __real_swiommu_write(struct swiommu *machine, int fd, const void *buf, size_t count);
ssize_t __wrap_swiommu_write(struct swiommu *machine, int fd, const void *buf, size_t count);

/* The file that the environment names, or -1. */
static int record(void)
{
	static int file = -2;
	const char *path;

	if (file == -2) {
		path = getenv("ABI_RECORD");
		file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
	}
	return file;
}

struct seen {
	uint8_t bytes[SHOWN];
	ssize_t size; /* of what can be read of it */
};

/* The argument as it was before the call, wherever it points. */
static void see(struct seen *seen, const void *arg)
{
	struct iovec local = {seen->bytes, 4}, remote = {(void *)(uintptr_t)arg, 4};

	seen->size = 0;
	for (; seen->size < SHOWN; seen->size += 4) {
		local.iov_base = seen->bytes + seen->size;
		remote.iov_base = (uint8_t *)(uintptr_t)arg + seen->size;
		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 4)
			return;
	}
}

/* One line: the test, the call, its result, its argument. */
static void write_down(const char *call, unsigned long number, long result, const struct seen *seen)
{
	char line[400];
	int n = snprintf(line, sizeof(line), "%.120s\t%s\t%#lx\t%ld\t", abi_test_name, call, number,
			 result);

	for (ssize_t i = 0; i < seen->size; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x", seen->bytes[i]);
	line[n++] = '\n';
	if (write(record(), line, (size_t)n) != n)
		fail_msg("the calls cannot be written down");
}

int __wrap_swiommu_ioctl(struct swiommu *machine, int fd, unsigned long request, void *arg)
{
	struct seen seen;
	int rc;

	if (record() < 0)
		return __real_swiommu_ioctl(machine, fd, request, arg);
	see(&seen, arg);
	rc = __real_swiommu_ioctl(machine, fd, request, arg);
	if (rc < 0)
		write_down("ioctl", request, rc, &seen);
	return rc;
}

ssize_t __wrap_swiommu_read(struct swiommu *machine, int fd, void *buf, size_t count)
{
	ssize_t rc = __real_swiommu_read(machine, fd, buf, count);

	if (rc < 0 && record() >= 0)
		write_down("read", count, rc, &(struct seen){0});
	return rc;
}

ssize_t __wrap_swiommu_write(struct swiommu *machine, int fd, const void *buf, size_t count)
{
	ssize_t rc = __real_swiommu_write(machine, fd, buf, count);

	if (rc < 0 && record() >= 0)
		write_down("write", count, rc, &(struct seen){0});
	return rc;
}
