// SPDX-License-Identifier: MIT
/* The calls that a file may do without. */
#include "mem/file.h"

#include <errno.h>

ssize_t mem_file_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
		       size_t count, uint64_t pos)
{
	return file->ops->pread ? file->ops->pread(file, client, addr, count, pos) : -EINVAL;
}

ssize_t mem_file_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			size_t count, uint64_t pos)
{
	return file->ops->pwrite ? file->ops->pwrite(file, client, addr, count, pos) : -EINVAL;
}
