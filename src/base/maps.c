// SPDX-License-Identifier: MIT
/* What a process has mapped, and the same files mapped here. */
#include "base/maps.h"
#include "base/sys.h"
#include "base/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* ---- the list that the kernel shows ---- */

int base_maps_open(struct base_maps *maps, pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), pid ? "/proc/%d/maps" : "/proc/self/maps", pid);
	maps->pid = pid;
	maps->used = maps->size = 0;
	maps->fd = (int)base_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return maps->fd < 0 ? maps->fd : 0;
}

void base_maps_close(struct base_maps *maps)
{
	base_sys_close(maps->fd);
}

static int next_char(struct base_maps *maps)
{
	if (maps->used == maps->size) {
		ssize_t n = base_sys_read(maps->fd, maps->buf, sizeof(maps->buf));

		if (n <= 0)
			return -1;
		maps->used = 0;
		maps->size = (size_t)n;
	}
	return (unsigned char)maps->buf[maps->used++];
}

/* A line without its end; what does not fit is left out. */
static bool next_line(struct base_maps *maps, char *line, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = next_char(maps)) >= 0 && c != '\n')
		if (n < size - 1)
			line[n++] = (char)c;
	line[n] = '\0';
	return c >= 0;
}

static bool parse(const char *line, struct base_mapping *mapping)
{
	unsigned long start, end, offset, inode;
	unsigned device_major, device_minor;
	int path = 0;
	char perms[5];

	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &start, &end, perms, &offset,
		   &device_major, &device_minor, &inode, &path) < 7 ||
	    start >= end)
		return false;
	mapping->start = start;
	mapping->last = end - 1;
	mapping->read = perms[0] == 'r';
	mapping->write = perms[1] == 'w';
	mapping->shared = perms[3] == 's';
	mapping->offset = offset;
	mapping->device = makedev(device_major, device_minor);
	mapping->inode = inode;
	mapping->path[0] = '\0';
	if (path && strlen(line + path) < sizeof(mapping->path))
		strcpy(mapping->path, line + path);
	return true;
}

bool base_maps_next(struct base_maps *maps, struct base_mapping *mapping)
{
	char line[sizeof(mapping->path) + 128];

	return next_line(maps, line, sizeof(line)) && parse(line, mapping);
}

/* ---- the same pages here ---- */

/* Only plain files: to open a device may do anything. */
static int open_same(const char *path, const struct base_mapping *mapping, bool write)
{
	int handle = (int)base_syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC), fd;
	char again[32];
	struct stat st;
	long rc;

	if (handle < 0)
		return handle;
	rc = base_syscall(SYS_newfstatat, handle, "", &st, AT_EMPTY_PATH);
	if (rc || !S_ISREG(st.st_mode) || st.st_ino != mapping->inode ||
	    st.st_dev != mapping->device) {
		base_sys_close(handle);
		return -ENOENT;
	}
	snprintf(again, sizeof(again), "/proc/self/fd/%d", handle);
	fd = (int)base_syscall(SYS_openat, AT_FDCWD, again,
			       (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY);
	base_sys_close(handle);
	return fd;
}

static int open_mapped(pid_t pid, const struct base_mapping *mapping, bool write)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid,
		 (unsigned long)mapping->start, (unsigned long)mapping->last + 1);
	fd = open_same(path, mapping, write);
	return fd >= 0 || mapping->path[0] != '/' ? fd : open_same(mapping->path, mapping, write);
}

static int share_file(pid_t pid, const struct base_mapping *mapping, uint64_t start, size_t size,
		      bool write, void **host)
{
	int fd = open_mapped(pid, mapping, write), rc;

	if (fd < 0)
		return fd;
	rc = base_sys_map_file(fd, mapping->offset + (start - mapping->start), size, write, host);
	base_sys_close(fd);
	return rc;
}

/* Our own mapping of the bytes [offset, offset + size - 1] of the same file, 0 if there is none. */
static uint64_t find_own(const struct base_mapping *mapping, uint64_t offset, size_t size,
			 bool write)
{
	struct base_mapping own;
	struct base_maps maps;
	uint64_t found = 0;

	if (base_maps_open(&maps, 0))
		return 0;
	while (!found && base_maps_next(&maps, &own))
		if (own.shared && own.read && (own.write || !write) &&
		    own.inode == mapping->inode && own.device == mapping->device &&
		    own.offset <= offset && offset - own.offset + size - 1 <= own.last - own.start)
			found = own.start + (offset - own.offset);
	base_maps_close(&maps);
	return found;
}

/* A shared mapping whose old size is given as 0 is doubled. */
static int share_own(const struct base_mapping *mapping, uint64_t start, size_t size, bool write,
		     void **host)
{
	uint64_t own = find_own(mapping, mapping->offset + (start - mapping->start), size, write);
	long rc = own ? base_syscall(SYS_mremap, own, 0, size, MREMAP_MAYMOVE) : -ENOENT;

	if (rc < 0)
		return (int)rc;
	base_syscall(SYS_madvise, rc, size, MADV_DONTFORK);
	*host = (void *)rc;
	return 0;
}

int base_maps_share(pid_t pid, const struct base_mapping *mapping, uint64_t start, uint64_t last,
		    bool write, void **host)
{
	size_t size = last - start + 1;
	int rc;

	if (!mapping->shared || !mapping->inode)
		return -ENOENT;
	rc = share_file(pid, mapping, start, size, write, host);
	return rc && rc != -ENOMEM ? share_own(mapping, start, size, write, host) : rc;
}
