// SPDX-License-Identifier: MIT
/* Page sources over files of memory: mapped into our process while pages are pinned. */
#include "mem/private.h"

#include <errno.h>

int mem_source_init_file(struct mem_source *source, struct mem_client *client, int fd,
			 uint64_t start, uint64_t length, bool writable,
			 enum mem_account_mode account)
{
	struct mem_source_extra *extra = mem_source_extra_new();

	if (!extra) {
		base_sys_close(fd);
		return -ENOMEM;
	}
	extra->fd = fd;
	mem_source_init(source, client, start, length, writable, account);
	source->kind = MEM_SOURCE_FILE;
	mem_source_extend(source, extra);
	return 0;
}

/* What mmap(2) says, in the words of a pin. */
static int map_error(int rc)
{
	switch (rc) {
	case -EACCES:
	case -EPERM: return -EFAULT;
	case -EOVERFLOW: return -EINVAL;
	default: return -ENOMEM;
	}
}

/*
 * All pages of the source, and what else the file's own pages have. Beyond the end of
 * a file of huge pages nothing is mapped, for that would make it longer.
 */
static int map(struct mem_source *source, uint64_t size, uint64_t page_size)
{
	struct mem_source_extra *extra = source->extra;
	uint64_t first = base_align_down(source->addr, BASE_PAGE_SIZE);
	uint64_t start = base_align_down(source->addr, page_size);
	uint64_t last = (source->addr + (source->length - 1)) | (page_size - 1);
	int rc;

	if (page_size != BASE_PAGE_SIZE && last >= size)
		return -EINVAL;
	rc = base_sys_map_file(extra->fd, start, last - start + 1, source->writable, &extra->map);
	if (rc)
		return map_error(rc);
	extra->map_length = last - start + 1;
	extra->host = (uintptr_t)extra->map + (first - start);
	return 0;
}

int mem_source_file_map_locked(struct mem_source *source, uint64_t last)
{
	uint64_t size, page_size;
	int rc = base_sys_memory_file(source->extra->fd, &size, &page_size);

	base_assert_held(&source->lock);
	if (rc)
		return rc;
	if ((source->addr >> BASE_PAGE_LG2) + last >= size >> BASE_PAGE_LG2)
		return -EINVAL;
	return source->extra->host ? 0 : map(source, size, page_size);
}

void mem_source_file_unmap_locked(struct mem_source *source)
{
	struct mem_source_extra *extra = source->extra;

	base_assert_held(&source->lock);
	if (!extra->host)
		return;
	base_sys_unmap(extra->map, extra->map_length);
	extra->map = NULL;
	extra->host = 0;
}
