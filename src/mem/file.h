/* SPDX-License-Identifier: MIT */
/*
 * A file is everything a client can hold: an iommufd context, a VFIO device...
 * One reference count: whoever drops the last reference runs release(). Front
 * ends turn fds into files; a call on a file holds a reference.
 */
#ifndef MEM_FILE_H
#define MEM_FILE_H

#include "mem/client.h"

#include <sys/types.h>

struct mem_file;

/* What a file can do. A NULL member answers as the comment says. */
struct mem_file_ops {
	const char *name; /* for logs: "iommufd", "vfio-device" */

	/*
	 * The result of the ioctl or a negative errno. `arg` is the third
	 * argument as it came: usually an address in the client's memory.
	 */
	long (*ioctl)(struct mem_file *file, struct mem_client *client, uint32_t cmd, uint64_t arg);

	/* Bytes transferred or a negative errno. NULL: -EINVAL. */
	ssize_t (*pread)(struct mem_file *file, struct mem_client *client, uint64_t addr,
			 size_t count, uint64_t pos);
	ssize_t (*pwrite)(struct mem_file *file, struct mem_client *client, uint64_t addr,
			  size_t count, uint64_t pos);

	/* The last reference is gone: free everything. No caller holds a lock. */
	void (*release)(struct mem_file *file);
};

struct mem_file {
	const struct mem_file_ops *ops;
	struct base_ref refs;
};

/* The creator owns the first reference. */
static inline void mem_file_init(struct mem_file *file, const struct mem_file_ops *ops)
{
	file->ops = ops;
	base_ref_init(&file->refs, 1);
}

static inline void mem_file_get(struct mem_file *file)
{
	base_ref_get(&file->refs);
}

static inline void mem_file_put(struct mem_file *file)
{
	if (base_ref_put(&file->refs) == 0)
		file->ops->release(file);
}

/* The calls of a client on a file; the caller holds a reference. */
static inline long mem_file_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
				  uint64_t arg)
{
	return file->ops->ioctl(file, client, cmd, arg);
}

ssize_t mem_file_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
		       size_t count, uint64_t pos);
ssize_t mem_file_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			size_t count, uint64_t pos);

#endif
