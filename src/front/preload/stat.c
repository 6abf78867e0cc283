// SPDX-License-Identifier: MIT
/* What the machine's files look like from outside: character devices, and the directories above. */
#include "front/preload/preload.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Misc devices have major 10; vfio-dev gets one of those that Linux gives out on demand. */
#define MISC_MAJOR  10
#define IOMMU_MINOR 125
#define VFIO_MINOR  196 /* of the container */
#define VFIO_MAJOR  511

#define DEV_MAJOR 0 /* the file system that they are on */
#define DEV_MINOR 5

static dev_t number_of(struct front_node node)
{
	switch (node.type) {
	case FRONT_NODE_DEVICE: return makedev(VFIO_MAJOR, node.number);
	case FRONT_NODE_CONTAINER: return makedev(MISC_MAJOR, VFIO_MINOR);
	default: return makedev(MISC_MAJOR, IOMMU_MINOR);
	}
}

/* A program that is let in by access() should find that it may. */
static void fill(struct stat *out, struct front_node node)
{
	memset(out, 0, sizeof(*out));
	out->st_dev = makedev(DEV_MAJOR, DEV_MINOR);
	out->st_ino = 1000u * node.type + node.number;
	out->st_uid = geteuid();
	out->st_gid = getegid();
	out->st_blksize = (blksize_t)BASE_PAGE_SIZE;
	if (node.type == FRONT_NODE_DIR) {
		out->st_mode = S_IFDIR | 0755;
		out->st_nlink = 2;
		return;
	}
	out->st_nlink = 1;
	if (node.type == FRONT_NODE_PLAIN) {
		out->st_mode = S_IFREG | 0644;
		return;
	}
	/* An anonymous inode has no type. */
	if (node.type == FRONT_NODE_QUEUE) {
		out->st_mode = 0600;
		return;
	}
	out->st_mode = S_IFCHR | (node.type == FRONT_NODE_CONTAINER ? 0666 : 0660);
	out->st_rdev = number_of(node);
}

static void fill_x(struct statx *out, struct front_node node)
{
	struct stat st;

	fill(&st, node);
	memset(out, 0, sizeof(*out));
	out->stx_mask = STATX_BASIC_STATS;
	out->stx_blksize = (uint32_t)st.st_blksize;
	out->stx_nlink = (uint32_t)st.st_nlink;
	out->stx_uid = st.st_uid;
	out->stx_gid = st.st_gid;
	out->stx_mode = (uint16_t)st.st_mode;
	out->stx_ino = st.st_ino;
	out->stx_rdev_major = major(st.st_rdev);
	out->stx_rdev_minor = minor(st.st_rdev);
	out->stx_dev_major = DEV_MAJOR;
	out->stx_dev_minor = DEV_MINOR;
}

/* Into the program's memory: 0, or -1 and errno. */
static int give(void *out, const void *what, size_t size)
{
	if (!base_guard_copy(out, what, size))
		return 0;
	errno = EFAULT;
	return -1;
}

static int give_stat(struct stat *out, struct front_node node)
{
	struct stat st;

	fill(&st, node);
	return give(out, &st, sizeof(st));
}

static int give_statx(struct statx *out, struct front_node node)
{
	struct statx stx;

	fill_x(&stx, node);
	return give(out, &stx, sizeof(stx));
}

/* What the number stands for, FRONT_NODE_NONE if it is not ours. */
static struct front_node node_of(int fd)
{
	struct front_node node = {FRONT_NODE_NONE, 0};
	struct front_slot *slot = preload_get(fd);

	if (slot) {
		node = slot->node;
		preload_put(slot);
	}
	return node;
}

/*
 * What a path stands for, or the number `dir` if the path is empty: a file of the
 * machine, a directory above one, or nothing of ours.
 */
static struct front_node lookup(int dir, const char *path, int flags)
{
	struct front_node node;

	if ((flags & AT_EMPTY_PATH) && (!path || !*path))
		return node_of(dir);
	if (preload_has(path, &node) || node.type == FRONT_NODE_DIR ||
	    preload_presents(dir, path, &node))
		return node;
	node.type = FRONT_NODE_NONE;
	return node;
}

static bool is_file(struct front_node node)
{
	return node.type != FRONT_NODE_NONE && node.type != FRONT_NODE_DIR;
}

/* A real call has failed because there is no such directory: then it is ours, and errno as before.
 */
static bool is_missing_dir(struct front_node node, int rc, int saved)
{
	if (node.type != FRONT_NODE_DIR || !rc || (errno != ENOENT && errno != ENOTDIR))
		return false;
	errno = saved;
	return true;
}

int preload_fstatat(int dir, const char *path, struct stat *out, int flags)
{
	struct front_node node = lookup(dir, path, flags);
	int saved = errno, rc;

	if (is_file(node))
		return give_stat(out, node);
	rc = libc_fstatat(dir, path, out, flags);
	return is_missing_dir(node, rc, saved) ? give_stat(out, node) : rc;
}

int preload_fstat(int fd, struct stat *out)
{
	struct front_node node = node_of(fd);

	return node.type != FRONT_NODE_NONE ? give_stat(out, node) : libc_fstat(fd, out);
}

int preload_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
	struct front_node node = lookup(dir, path, flags);
	int saved = errno, rc;

	if (is_file(node))
		return give_statx(out, node);
	rc = libc_statx(dir, path, flags, mask, out);
	return is_missing_dir(node, rc, saved) ? give_statx(out, node) : rc;
}

/* Everybody may read and write the machine's files; nobody can run them. */
static int file_access(int mode)
{
	if (!(mode & ~(R_OK | W_OK)))
		return 0;
	errno = mode & ~(R_OK | W_OK | X_OK) ? EINVAL : EACCES;
	return -1;
}

int preload_faccessat(int dir, const char *path, int mode, int flags)
{
	struct front_node node = lookup(dir, path, 0);
	int saved = errno, rc;

	if (is_file(node))
		return file_access(mode);
	rc = libc_faccessat(dir, path, mode, flags);
	return is_missing_dir(node, rc, saved) ? 0 : rc;
}
