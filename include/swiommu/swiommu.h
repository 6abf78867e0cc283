/* SPDX-License-Identifier: MIT */
/*
 * swiommu/swiommu.h - embed the software IOMMU.
 *
 * A `struct swiommu` is a small machine: PCI devices behind an IOMMU, and the
 * files through which programs drive them, /dev/iommu, /dev/vfio/devices/vfioN
 * and /dev/vfio/vfio. The calls below are the system calls on these files,
 * with the structs and numbers of <linux/iommufd.h> and <linux/vfio.h>.
 *
 * File descriptors here are numbers private to the machine; they appear in
 * structs (the `iommufd` of VFIO_DEVICE_BIND_IOMMUFD) as such. Eventfds are the
 * process's own.
 *
 * All functions return a negative errno on failure and never set errno, print,
 * or end the process. All may be called by any thread at any time, unless the
 * comment says otherwise.
 *
 * The library installs handlers for SIGSEGV and SIGBUS, because a client's bad
 * pointer is its own mistake (-EFAULT) and no reason to crash. Faults that are
 * not the library's go to the handlers that were there before.
 */
#ifndef SWIOMMU_SWIOMMU_H
#define SWIOMMU_SWIOMMU_H

#include <swiommu/model.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here leaves the library; all else in it is hidden. */
#pragma GCC visibility push(default)

struct swiommu;

/* Bits of struct swiommu_options.flags. */
enum swiommu_flags {
	/*
	 * IOMMU_DESTROY of a vdevice fails with EBUSY while its device is bound;
	 * only unbinding ends it. Linux allows it at any time (the default).
	 */
	SWIOMMU_VDEVICE_DESTROY_UNBOUND = 1,

	/*
	 * IOMMU_TEST_CMD works, as in kernels built with CONFIG_IOMMUFD_TEST: the
	 * ABI that the kernel's own tests of iommufd use.
	 */
	SWIOMMU_TEST_ABI = 2,

	/*
	 * Memory that is mapped for devices is not held against RLIMIT_MEMLOCK. By
	 * default it is, as Linux does, unless the process has CAP_IPC_LOCK when it opens
	 * /dev/iommu; a call that would exceed the limit fails with ENOMEM.
	 */
	SWIOMMU_MEMLOCK_UNLIMITED = 4,
};

struct swiommu_options {
	size_t size;	   /* sizeof(struct swiommu_options) */
	const char *iommu; /* "vtd" (also for NULL) or "mock" */
	uint64_t flags;	   /* enum swiommu_flags */
};

/*
 * Make a machine without devices. `options` may be NULL. 0 and *out, -EINVAL
 * (unknown IOMMU, flag or size), -ENOMEM.
 */
int swiommu_new(const struct swiommu_options *options, struct swiommu **out);

/* Close every file and free the machine. No other call on it runs then or later. */
void swiommu_free(struct swiommu *machine);

/*
 * Add a device: "MODEL[,key=value...]" as after `swiommu run --device`. `model`
 * is NULL for the models of the library, or one of your own, whose name is
 * MODEL. Devices are numbered in the order in which they are added: the first is
 * /dev/vfio/devices/vfio0. *device (may be NULL) can be used with the services of
 * <swiommu/model.h> as long as the machine lives.
 *
 * -EINVAL: the text makes no sense. -EBUSY: the address is taken. -ENOMEM, or the
 * errno of the model's create(). *message (may be NULL) then points to one line
 * that says what to write instead, valid until the next call that fails. Not to
 * be called while other threads use the machine.
 */
int swiommu_add_device(struct swiommu *machine, const struct swiommu_model *model, const char *spec,
		       struct swiommu_device **device, const char **message);

/*
 * Open "/dev/iommu", "/dev/vfio/devices/vfioN", or "/dev/vfio/vfio" (an iommufd for the
 * ioctls of a VFIO type1 container). Returns a descriptor >= 0 (the lowest that is
 * free), -ENOENT for any other path, -EMFILE, -ENOMEM.
 */
int swiommu_open(struct swiommu *machine, const char *path);

/*
 * The calls on an open file. -EBADF if fd is not open. swiommu_close() of the
 * last reference to a file finishes its release before it returns.
 */
int swiommu_ioctl(struct swiommu *machine, int fd, unsigned long request, void *arg);
ssize_t swiommu_read(struct swiommu *machine, int fd, void *buf, size_t count);
ssize_t swiommu_write(struct swiommu *machine, int fd, const void *buf, size_t count);
ssize_t swiommu_pread(struct swiommu *machine, int fd, void *buf, size_t count, off_t offset);
ssize_t swiommu_pwrite(struct swiommu *machine, int fd, const void *buf, size_t count,
		       off_t offset);
int swiommu_close(struct swiommu *machine, int fd);

/*
 * Map memory that VIOMMU_ALLOC has given an offset of the iommufd. *addr is where it is
 * wanted, or NULL, and then where it is. What is mapped keeps its vIOMMU and the file
 * alive: it has to be unmapped, as a whole or in parts, by the second call, and by no
 * other. swiommu_free() unmaps what is left.
 */
int swiommu_mmap(struct swiommu *machine, int fd, void **addr, size_t length, int prot, int flags,
		 off_t offset);
int swiommu_munmap(struct swiommu *machine, void *addr, size_t length);

/*
 * What poll(2) would say now: POLLIN, POLLOUT and so on. Only the files that
 * IOMMU_FAULT_QUEUE_ALLOC and IOMMU_VEVENTQ_ALLOC make are not always ready. Never waits.
 */
int swiommu_poll(struct swiommu *machine, int fd);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
