// SPDX-License-Identifier: MIT
/* SET_IRQS in one line. */
#include "irqs.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

int irqs_set(struct abi *abi, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
	     const void *data, uint32_t size)
{
	uint8_t buf[20 + 256];
	struct vfio_irq_set set = {20 + size, flags, index, start, count};

	memcpy(buf, &set, 20);
	if (size)
		memcpy(buf + 20, data, size);
	return abi_dev(abi, 0, VFIO_DEVICE_SET_IRQS, buf);
}

int set_none(struct abi *abi, uint32_t action, uint32_t index, uint32_t start, uint32_t count)
{
	return irqs_set(abi, NONE | action, index, start, count, NULL, 0);
}

int set_bools(struct abi *abi, uint32_t action, uint32_t index, uint32_t start, const char *bools)
{
	uint8_t data[32];
	uint32_t count = (uint32_t)strlen(bools);

	for (uint32_t i = 0; i < count; i++)
		data[i] = bools[i] != '0';
	return irqs_set(abi, BOOL | action, index, start, count, data, count);
}

int set_fds(struct abi *abi, uint32_t action, uint32_t index, uint32_t start, const int32_t *set,
	    uint32_t count)
{
	return irqs_set(abi, EVENTFD | action, index, start, count, set, 4 * count);
}

int set_fd(struct abi *abi, uint32_t action, uint32_t index, int32_t fd)
{
	return set_fds(abi, action, index, 0, &fd, 1);
}

int32_t fds[FDS];
int not_an_eventfd;

void irqs_begin(struct abi *abi)
{
	abi_bound(abi, 0);
	for (unsigned i = 0; i < FDS; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	not_an_eventfd = open("/dev/null", O_RDWR | O_CLOEXEC);
}

void irqs_end(void)
{
	for (unsigned i = 0; i < FDS; i++)
		close(fds[i]);
	close(not_an_eventfd);
}

uint64_t signals(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

unsigned signalled(void)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < FDS; i++)
		if (signals(fds[i]))
			bits |= 1u << i;
	return bits;
}

unsigned raise_all(struct abi *abi)
{
	for (unsigned vector = 0; vector < 20; vector++)
		swiommu_irq_raise(abi->device[0], vector);
	return signalled();
}
