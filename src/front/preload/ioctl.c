// SPDX-License-Identifier: MIT
/* ioctl on the machine's files. */
#include "front/preload/preload.h"

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
