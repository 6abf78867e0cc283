// SPDX-License-Identifier: MIT
/* System calls on memory: files of memory, mappings. */
#include "base/sys.h"

#include "base/alloc.h"
#include "base/arith.h"
#include "base/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int base_sys_memory_file(int fd, uint64_t *size, uint64_t *page_size)
{
	struct statfs fs;
	struct stat file;

	if (base_syscall(SYS_fstatfs, fd, &fs) || base_syscall(SYS_fstat, fd, &file))
		return -EINVAL;
	if ((fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC) || !S_ISREG(file.st_mode))
		return -EINVAL;
	*size = (uint64_t)file.st_size;
	*page_size = (uint64_t)fs.f_bsize;
	return 0;
}

static int map(void **addr, uint64_t length, int prot, int flags, int fd, uint64_t offset)
{
	long result = base_fail_here()
			      ? -ENOMEM
			      : base_syscall(SYS_mmap, NULL, length, prot, flags, fd, offset);

	/* The kernel's half of the addresses is negative, and so are its errors. */
	if (result < 0)
		return (int)result;
	*addr = (void *)result;
	return 0;
}

/* Through another open of the file that fd stands for. */
static int map_reopened(void **addr, uint64_t length, int prot, int fd, uint64_t offset)
{
	char path[32];
	int again, rc;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = (int)base_syscall(SYS_openat, AT_FDCWD, path,
				  (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (again < 0)
		return -EACCES;
	rc = map(addr, length, prot, MAP_SHARED, again, offset);
	base_sys_close(again);
	return rc;
}

int base_sys_map_file(int fd, uint64_t offset, uint64_t length, bool writable, void **addr)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	int rc = map(addr, length, prot, MAP_SHARED, fd, offset);

	if (rc == -EACCES)
		rc = map_reopened(addr, length, prot, fd, offset);
	if (!rc)
		base_syscall(SYS_madvise, *addr, length, MADV_DONTFORK);
	return rc;
}

int base_sys_map_zeroes(uint64_t length, void **addr)
{
	return map(addr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
		       ? -ENOMEM
		       : 0;
}

void base_sys_unmap(void *addr, uint64_t length)
{
	base_syscall(SYS_munmap, addr, length);
}

/* ---- what clients map ---- */

int base_sys_memfd(const char *name, uint64_t size)
{
	int fd = (int)base_syscall(SYS_memfd_create, name, MFD_CLOEXEC), rc;

	if (fd < 0)
		return fd;
	rc = (int)base_syscall(SYS_ftruncate, fd, size);
	if (rc) {
		base_sys_close(fd);
		return rc;
	}
	return base_sys_move_high(fd);
}

/* An address, or an error: the last page of addresses is for those. */
static int to_address(long result, void **addr)
{
	if (result < 0 && result >= -(long)BASE_PAGE_SIZE)
		return (int)result;
	*addr = (void *)result;
	return 0;
}

int base_sys_mmap(void **addr, size_t length, int prot, int flags, int fd, uint64_t offset)
{
	return to_address(base_syscall(SYS_mmap, *addr, length, prot, flags, fd, offset), addr);
}

int base_sys_mremap(void **addr, size_t old_length, size_t length, int flags, void *wanted)
{
	return to_address(base_syscall(SYS_mremap, *addr, old_length, length, flags, wanted), addr);
}

int base_sys_munmap(void *addr, size_t length)
{
	return (int)base_syscall(SYS_munmap, addr, length);
}
