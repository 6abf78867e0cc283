// SPDX-License-Identifier: MIT
/*
 * <swiommu/swiommu.h> by system calls: with this in place of the library the ABI tests
 * become a program that knows nothing of it, for `swiommu run`. The machine is the one
 * that the command has made; there is one for all tests.
 */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HIGHEST 255 /* descriptor that a test gets */

struct swiommu {
	int first; /* the lowest descriptor that was free when the machine was made */
};

const bool abi_is_library = false;

static long result(long rc)
{
	return rc < 0 ? -errno : rc;
}

static bool is_set_to(const char *name, const char *value)
{
	const char *is = getenv(name);

	return is && !strcmp(is, value);
}

static bool flags_are(const struct abi_machine *machine)
{
	return is_set_to("SWIOMMU_VDEVICE_DESTROY", machine->flags & SWIOMMU_VDEVICE_DESTROY_UNBOUND
							    ? "unbound"
							    : "anytime") &&
	       is_set_to("SWIOMMU_TEST_ABI", machine->flags & SWIOMMU_TEST_ABI ? "1" : "0") &&
	       is_set_to("SWIOMMU_MEMLOCK", machine->memlock ? "host" : "unlimited");
}

/* Who wants no devices does not mind any. */
bool abi_has(const struct abi_machine *machine)
{
	char devices[200] = "";

	if (!machine->iommu || machine->model || !flags_are(machine))
		return false;
	for (const char *const *device = machine->devices; *device; device++)
		snprintf(devices + strlen(devices), sizeof(devices) - strlen(devices), "%s%s",
			 *devices ? "\n" : "", *device);
	return is_set_to("SWIOMMU_IOMMU", machine->iommu) &&
	       (!*devices || is_set_to("SWIOMMU_DEVICES", devices));
}

int swiommu_new(const struct swiommu_options *options, struct swiommu **out)
{
	static struct swiommu machine;

	(void)options;
	machine.first = dup(0);
	*out = &machine;
	return close(machine.first);
}

void swiommu_free(struct swiommu *machine)
{
	close_range((unsigned)machine->first, HIGHEST, 0);
}

int swiommu_add_device(struct swiommu *machine, const struct swiommu_model *model, const char *spec,
		       struct swiommu_device **device, const char **message)
{
	(void)machine, (void)model, (void)spec, (void)message;
	*device = NULL;
	return 0;
}

int swiommu_open(struct swiommu *machine, const char *path)
{
	(void)machine;
	return (int)result(open(path, O_RDWR | O_CLOEXEC));
}

int swiommu_ioctl(struct swiommu *machine, int fd, unsigned long request, void *arg)
{
	(void)machine;
	return (int)result(ioctl(fd, request, arg));
}

ssize_t swiommu_read(struct swiommu *machine, int fd, void *buf, size_t count)
{
	(void)machine;
	return result(read(fd, buf, count));
}

ssize_t swiommu_write(struct swiommu *machine, int fd, const void *buf, size_t count)
{
	(void)machine;
	return result(write(fd, buf, count));
}

ssize_t swiommu_pread(struct swiommu *machine, int fd, void *buf, size_t count, off_t offset)
{
	(void)machine;
	return result(pread(fd, buf, count, offset));
}

ssize_t swiommu_pwrite(struct swiommu *machine, int fd, const void *buf, size_t count, off_t offset)
{
	(void)machine;
	return result(pwrite(fd, buf, count, offset));
}

int swiommu_close(struct swiommu *machine, int fd)
{
	(void)machine;
	return (int)result(close(fd));
}

int swiommu_mmap(struct swiommu *machine, int fd, void **addr, size_t length, int prot, int flags,
		 off_t offset)
{
	void *at = mmap(*addr, length, prot, flags, fd, offset);

	(void)machine;
	if (at == MAP_FAILED)
		return -errno;
	*addr = at;
	return 0;
}

int swiommu_munmap(struct swiommu *machine, void *addr, size_t length)
{
	(void)machine;
	return (int)result(munmap(addr, length));
}

int swiommu_poll(struct swiommu *machine, int fd)
{
	struct pollfd p = {fd, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM, 0};

	(void)machine;
	if (poll(&p, 1, 0) < 0)
		return -errno;
	return p.revents & POLLNVAL ? -EBADF : p.revents;
}

/* ---- what no program can do: see abi_library() ---- */

static int library_only(void)
{
	fail_msg("a program cannot do this: register the test with abi_library()");
	return 0;
}

int swiommu_dma_read(struct swiommu_device *device, uint32_t pasid, uint64_t iova, void *buf,
		     size_t size, struct swiommu_dma_fault *fault)
{
	(void)device, (void)pasid, (void)iova, (void)buf, (void)size, (void)fault;
	return library_only();
}

int swiommu_dma_write(struct swiommu_device *device, uint32_t pasid, uint64_t iova, const void *buf,
		      size_t size, struct swiommu_dma_fault *fault)
{
	(void)device, (void)pasid, (void)iova, (void)buf, (void)size, (void)fault;
	return library_only();
}

int swiommu_dma_fill(struct swiommu_device *device, uint32_t pasid, uint64_t iova, uint64_t pattern,
		     size_t size, struct swiommu_dma_fault *fault)
{
	(void)device, (void)pasid, (void)iova, (void)pattern, (void)size, (void)fault;
	return library_only();
}

int swiommu_dma_copy(struct swiommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		     size_t size, struct swiommu_dma_fault *fault)
{
	(void)device, (void)pasid, (void)dst, (void)src, (void)size, (void)fault;
	return library_only();
}
