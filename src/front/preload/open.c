// SPDX-License-Identifier: MIT
/* Opening the machine's files. */
#include "front/preload/preload.h"

#include <fcntl.h>

/* What the program asked for of its end, and the byte that makes its end ready. */
static void pair_equip(const int pair[2], int flags)
{
	if (!(flags & O_CLOEXEC))
		libc_fcntl(pair[0], F_SETFD, NULL);
	if (flags & O_NONBLOCK)
		libc_fcntl(pair[0], F_SETFL, (void *)O_NONBLOCK);
	base_sys_write(pair[1], "", 1);
}

/* The program's end has a number; the other one goes out of the way, and both into the table. */
static int publish_locked(int fd, int kept, struct mem_file *file, struct front_node node,
			  int flags)
{
	struct front_slot *slot;
	int rc = front_fdtable_reserve_locked(&preload_table, fd);

	base_assert_held(&preload_table.lock);
	if (!rc)
		rc = front_fdtable_reserve_locked(&preload_table, kept);
	if (!rc)
		rc = front_slot_new_locked(&preload_table, file, &slot);
	if (rc)
		return rc;
	slot->node = node;
	slot->access = flags & O_ACCMODE;
	slot->kept = kept;
	front_fdtable_set_locked(&preload_table, kept, &front_slot_hidden);
	front_fdtable_set_locked(&preload_table, fd, slot);
	if (base_unlikely(base_trace_on))
		front_trace_open(slot, fd);
	return 0;
}

static int publish(int pair[2], struct mem_file *file, struct front_node node, int flags)
{
	base_scoped_lock(&preload_table.lock);
	int rc;

	pair[1] = preload_move_high_locked(pair[1]);
	rc = pair[1] < 0 ? pair[1] : publish_locked(pair[0], pair[1], file, node, flags);
	if (rc && pair[1] >= 0)
		base_sys_close(pair[1]);
	return rc;
}

/* A number for the file. */
static int file_open(struct mem_file *file, struct front_node node, int flags)
{
	int pair[2], rc = base_sys_socketpair(pair);

	if (rc)
		return rc;
	preload_number_new(pair[0]);
	pair_equip(pair, flags);
	rc = publish(pair, file, node, flags);
	if (rc)
		base_sys_close(pair[0]);
	return rc ? rc : pair[0];
}

static int node_open(struct front_node node, int flags)
{
	struct front_machine *machine;
	struct mem_file *file;
	int rc;

	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	rc = preload_machine(&machine);
	if (!rc)
		rc = front_machine_open(machine, node, &file);
	if (rc)
		return rc;
	rc = file_open(file, node, flags);
	if (rc < 0)
		mem_file_put(file);
	return rc;
}

/* True if the path is the machine's: *fd and errno are the answer. */
static bool is_answered(const char *path, int flags, int *fd)
{
	int saved = errno;
	struct front_node node;

	if (!preload_has(path, &node))
		return false;
	*fd = (int)preload_answer(node_open(node, flags), saved);
	return true;
}

int preload_open(const char *path, int flags, mode_t mode)
{
	int fd;

	return is_answered(path, flags, &fd) ? fd
					     : preload_number_new(libc_open(path, flags, mode));
}

int preload_open_2(const char *path, int flags)
{
	int fd;

	return is_answered(path, flags, &fd) ? fd : preload_number_new(libc___open_2(path, flags));
}

/* The machine's paths are absolute: whatever the directory. */
int preload_openat(int dir, const char *path, int flags, mode_t mode)
{
	int fd;

	return is_answered(path, flags, &fd)
		       ? fd
		       : preload_number_new(libc_openat(dir, path, flags, mode));
}

int preload_openat_2(int dir, const char *path, int flags)
{
	int fd;

	return is_answered(path, flags, &fd)
		       ? fd
		       : preload_number_new(libc___openat_2(dir, path, flags));
}
