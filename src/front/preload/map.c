// SPDX-License-Identifier: MIT
/* Mappings of the machine's files, and what may end them. */
#include "front/preload/preload.h"

#include <sys/mman.h>

struct front_vmas preload_vmas = FRONT_VMAS_INIT;

static void *answer(int rc, void *addr)
{
	if (!rc)
		return addr;
	errno = -rc;
	return MAP_FAILED;
}

void *preload_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	const struct front_mmap call = {length, prot, flags, offset};
	struct front_slot *slot = flags & MAP_ANONYMOUS ? NULL : preload_get(fd);
	int rc;

	if (slot) {
		rc = front_vmas_mmap(&preload_vmas, slot, &addr, &call);
		preload_put(slot);
		return answer(rc, addr);
	}
	if (base_likely(!(flags & MAP_FIXED)) || !front_vmas_exist(&preload_vmas))
		return libc_mmap(addr, length, prot, flags, fd, offset);
	rc = front_vmas_mmap_other(&preload_vmas, fd, &addr, &call);
	return answer(rc, addr);
}

int preload_munmap(void *addr, size_t length)
{
	int rc;

	if (base_likely(!front_vmas_exist(&preload_vmas)))
		return libc_munmap(addr, length);
	rc = front_vmas_munmap(&preload_vmas, addr, length);
	if (!rc)
		return 0;
	errno = -rc;
	return -1;
}

void *preload_mremap(void *addr, size_t old_length, size_t length, int flags, void *wanted)
{
	int rc;

	if (base_likely(!front_vmas_exist(&preload_vmas)))
		return libc_mremap(addr, old_length, length, flags, wanted);
	rc = front_vmas_mremap(&preload_vmas, &addr, old_length, length, flags, wanted);
	return answer(rc, addr);
}
