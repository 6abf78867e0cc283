/* SPDX-License-Identifier: MIT */
/*
 * Calls on a slot, the same for all ways in, and their lines in the log. The
 * caller holds a reference of the slot. Results are values or negative errnos.
 */
#ifndef FRONT_CALL_H
#define FRONT_CALL_H

#include "front/fdtable.h"

#include <sys/types.h>

/* Log lines. */
void front_trace_open(const struct front_slot *slot, int fd) BASE_COLD;
void front_trace_ioctl(const struct front_slot *slot, uint32_t cmd, long result) BASE_COLD;
void front_trace_transfer(const struct front_slot *slot, const char *call, size_t count,
			  int64_t pos, ssize_t result) BASE_COLD;
void front_trace_mmap(const struct front_slot *slot, int result) BASE_COLD;

/* The constant's name in <linux/iommufd.h> or <linux/vfio.h>, NULL if it has none. */
const char *front_ioctl_name(enum front_node_type type, uint32_t cmd);

/* The kernel takes the command for 32 bits, however the program's type extended it. */
static inline long front_call_ioctl(const struct front_slot *slot, struct mem_client *client,
				    unsigned long request, void *arg)
{
	long result = mem_file_ioctl(slot->file, client, (uint32_t)request, (uintptr_t)arg);

	if (base_unlikely(base_trace_on))
		front_trace_ioctl(slot, (uint32_t)request, result);
	return result;
}

/*
 * Read or write `count` bytes at `addr` of the client's memory and at position
 * `pos` of the file. As a kernel answers: -EBADF if the slot is not open for
 * that, -EINVAL if a number is negative or the sum is; then as the file says.
 */
ssize_t front_call_pread(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			 size_t count, int64_t pos);
ssize_t front_call_pwrite(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			  size_t count, int64_t pos);

/* The same at the slot's own position, which moves on; streams have none. */
ssize_t front_call_read(struct front_slot *slot, struct mem_client *client, uint64_t addr,
			size_t count);
ssize_t front_call_write(struct front_slot *slot, struct mem_client *client, uint64_t addr,
			 size_t count);

/*
 * What an mmap(2) of the slot shows, held. As a kernel answers: -EINVAL: length 0, or an
 * offset that is not one of pages; -ENOMEM, -EOVERFLOW: too long; -EACCES: not open for
 * that; then as the file says.
 */
int front_call_mmap(const struct front_slot *slot, int64_t offset, size_t length, int prot,
		    int flags, struct mem_region **region);

#endif
