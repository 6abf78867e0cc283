// SPDX-License-Identifier: MIT
/* Copies to and from clients that take more than one step. */
#include "mem/client.h"

#include <errno.h>

int mem_clear_out(struct mem_client *client, uint64_t addr, uint64_t n)
{
	static const uint8_t zeros[256];
	int rc = 0;

	while (n && !rc) {
		size_t part = base_min_u64(n, sizeof(zeros));

		rc = mem_copy_out(client, addr, zeros, part);
		addr += part;
		n -= part;
	}
	return rc;
}

int mem_is_zero(struct mem_client *client, uint64_t addr, uint64_t n, bool *zero)
{
	uint8_t buf[256];
	size_t step = sizeof(buf);

	if (!client->remote)
		return base_guard_is_zero((const void *)(uintptr_t)addr, n, zero);
	*zero = true;
	while (n && *zero) {
		size_t part = base_min_u64(n, step);

		if (mem_copy_in(client, buf, addr, part)) {
			/* A byte before the hole may answer the question. */
			if (part == 1)
				return -EFAULT;
			step = 1;
			continue;
		}
		for (size_t i = 0; i < part; i++)
			*zero &= !buf[i];
		addr += part;
		n -= part;
	}
	return 0;
}

int mem_copy_in_struct(struct mem_client *client, void *dst, size_t known, uint64_t addr,
		       size_t size)
{
	size_t common = base_min_u64(known, size);

	if (size > known) {
		bool zero;
		int rc = mem_is_zero(client, addr + known, size - known, &zero);

		if (rc)
			return rc;
		if (!zero)
			return -E2BIG;
	}
	for (size_t i = common; i < known; i++)
		((uint8_t *)dst)[i] = 0;
	return mem_copy_in(client, dst, addr, common);
}
