// SPDX-License-Identifier: MIT
/* ioctl on the machine's files. */
#include "front/preload/preload.h"

#include <sys/ioctl.h>

/* No file of ours is at `entry`. One that is just being closed still is a bare socket. */
static int ioctl_of_none(int fd, unsigned long request, void *arg, struct front_slot **entry)
{
	bool closing = base_load(entry) == &front_slot_closing;
	int rc = libc_ioctl(fd, request, arg);

	if (closing && rc < 0 && errno == ENOTTY)
		errno = EBADF;
	return rc;
}

/* What a kernel does to the number or its description, whatever the file. */
static bool is_of_all_files(unsigned long request)
{
	uint32_t cmd = (uint32_t)request;

	return cmd == FIOCLEX || cmd == FIONCLEX || cmd == FIONBIO;
}

int preload_ioctl(int fd, unsigned long request, void *arg, struct front_slot **entry)
{
	struct front_slot *slot = front_fdtable_get_at(&preload_table, entry);
	long result;

	if (base_unlikely(!slot))
		return ioctl_of_none(fd, request, arg, entry);
	result = front_call_ioctl(slot, &preload_client, request, arg);
	preload_put(slot);
	preload_ready_settle();
	if (base_likely(result >= 0))
		return (int)result;
	if (result == -ENOTTY && is_of_all_files(request))
		return libc_ioctl(fd, request, arg);
	errno = (int)-result;
	return -1;
}

int preload_ioctl_high(int fd, unsigned long request, void *arg)
{
	struct front_slot **entry = front_fdtable_entry(&preload_table, fd);

	return entry ? preload_ioctl(fd, request, arg, entry) : libc_ioctl(fd, request, arg);
}
