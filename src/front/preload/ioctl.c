// SPDX-License-Identifier: MIT
/* ioctl and mmap on the machine's files. */
#include "front/preload/preload.h"

#include <sys/mman.h>

int preload_ioctl(int fd, unsigned long request, void *arg, struct front_slot **entry)
{
	struct front_slot *slot = front_fdtable_get_at(&preload_table, entry);
	long result;

	if (base_unlikely(!slot))
		return libc_ioctl(fd, request, arg);
	result = front_call_ioctl(slot, &preload_client, request, arg);
	preload_put(slot);
	preload_ready_settle();
	if (base_likely(result >= 0))
		return (int)result;
	errno = (int)-result;
	return -1;
}

int preload_ioctl_high(int fd, unsigned long request, void *arg)
{
	struct front_slot **entry = front_fdtable_entry(&preload_table, fd);

	return entry ? preload_ioctl(fd, request, arg, entry) : libc_ioctl(fd, request, arg);
}

/* iommufd-ioctls.md 25 and vfio-device-ioctls.md 7: there is nothing to map yet. */
static int mmap_refusal(const struct front_slot *slot, size_t length, int prot, int flags,
			off_t offset)
{
	if (!length || !base_is_aligned((uint64_t)offset, BASE_PAGE_SIZE))
		return EINVAL;
	if (slot->file == &preload_foreign_file)
		return EIO;
	if (slot->node.type == FRONT_NODE_QUEUE)
		return ENODEV;
	if (slot->node.type != FRONT_NODE_IOMMUFD || (flags & MAP_TYPE) == MAP_PRIVATE)
		return EINVAL;
	return prot & PROT_EXEC ? EPERM : ENXIO;
}

void *preload_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	struct front_slot *slot = flags & MAP_ANONYMOUS ? NULL : preload_get(fd);
	int error;

	if (base_likely(!slot))
		return libc_mmap(addr, length, prot, flags, fd, offset);
	error = mmap_refusal(slot, length, prot, flags, offset);
	if (base_unlikely(base_trace_on))
		front_trace_mmap(slot, error);
	preload_put(slot);
	errno = error;
	return MAP_FAILED;
}
