/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: setting up a machine's device. Nothing here is
 * measured; whatever goes wrong ends the program with one line.
 */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The calls on the machine's files: system calls (plain.c), or the library's (library.c). */
int bench_open(const char *path);
int bench_ioctl(int fd, unsigned long request, void *arg);
ssize_t bench_pread(int fd, void *buf, size_t count, off_t pos);
ssize_t bench_pwrite(int fd, const void *buf, size_t count, off_t pos);

/* Ends the program unless `result` is at least 0; returns it. */
long bench_must(long result, const char *what);

/* An open /dev/iommu, and an IOAS in it. */
struct bench_space {
	int fd;
	uint32_t ioas;
};

void bench_space_open(struct bench_space *space);

/* Map for reading and writing at `iova`. */
void bench_space_map(const struct bench_space *space, void *va, uint64_t length, uint64_t iova);

/* vfio0, bound to the iommufd of a space. */
struct bench_device {
	int fd;
	uint32_t id;
	uint64_t bar0; /* where BAR 0 is in the file */
};

void bench_device_bind(struct bench_device *device, const struct bench_space *space);

/* Attach to an IOAS or HWPT, and let the device do DMA. */
void bench_device_attach(const struct bench_device *device, uint32_t pt_id);

/* Write a register of BAR 0. */
void bench_device_write(const struct bench_device *device, uint64_t offset, uint64_t value,
			unsigned width);

/* Zeroed memory at a multiple of 2 MiB. */
void *bench_memory(size_t size);

#endif
