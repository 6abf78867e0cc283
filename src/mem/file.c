// SPDX-License-Identifier: MIT
/* The calls that a file may do without, and its watch. */
#include "mem/file.h"

#include <errno.h>

/* What a file says that has no such call at a position. */
static ssize_t no_position(const struct mem_file *file)
{
	return mem_file_is_stream(file) ? -ESPIPE : -EINVAL;
}

ssize_t mem_file_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
		       size_t count, uint64_t pos)
{
	return file->ops->pread ? file->ops->pread(file, client, addr, count, pos)
				: no_position(file);
}

ssize_t mem_file_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			size_t count, uint64_t pos)
{
	return file->ops->pwrite ? file->ops->pwrite(file, client, addr, count, pos)
				 : no_position(file);
}

ssize_t mem_file_read(struct mem_file *file, struct mem_client *client, uint64_t addr, size_t count)
{
	return file->ops->read ? file->ops->read(file, client, addr, count) : -EINVAL;
}

ssize_t mem_file_write(struct mem_file *file, struct mem_client *client, uint64_t addr,
		       size_t count)
{
	return file->ops->write ? file->ops->write(file, client, addr, count) : -EINVAL;
}

uint32_t mem_file_poll(struct mem_file *file)
{
	return file->ops->poll ? file->ops->poll(file) : MEM_FILE_READY;
}

int mem_file_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		  struct mem_region **region)
{
	if (!file->ops->mmap)
		return -ENODEV;
	return file->ops->mmap(file, offset, length, prot, flags, region);
}

void mem_file_watch(struct mem_file *file, struct mem_watch *watch)
{
	base_scoped_lock(&file->watch_lock);
	file->watch = watch;
}

void mem_file_changed(struct mem_file *file, uint32_t ready)
{
	base_scoped_lock(&file->watch_lock);
	if (file->watch)
		file->watch->changed(file->watch, ready);
}
