// SPDX-License-Identifier: MIT
/* Opening the machine's files. */
#include "front/preload/preload.h"

#include <fcntl.h>
#include <string.h>

/* What the program asked for of its end. */
static void pair_equip(const int pair[2], int flags)
{
	if (!(flags & O_CLOEXEC))
		libc_fcntl(pair[0], F_SETFD, NULL);
	if (flags & O_NONBLOCK)
		libc_fcntl(pair[0], F_SETFL, (void *)O_NONBLOCK);
}

/* For other processes to find. If it cannot be, they find a socket. */
static void name_kept_locked(struct front_slot *slot)
{
	struct front_name name;

	base_assert_held(&preload_table.lock);
	preload_server_start_locked();
	name = preload_name_of(slot);
	base_socket_bind(slot->kept, &name, sizeof(name));
}

/* A slot for the file, with everything but the number of the program's end. */
static int slot_new_locked(const int pair[2], struct mem_file *file, struct front_node node,
			   int flags, struct front_slot **out)
{
	int rc = front_fdtable_reserve_locked(&preload_table, pair[0]);

	base_assert_held(&preload_table.lock);
	if (!rc)
		rc = front_fdtable_reserve_locked(&preload_table, pair[1]);
	if (!rc)
		rc = front_slot_new_locked(&preload_table, file, out);
	if (rc)
		return rc;
	(*out)->node = node;
	(*out)->access = flags & O_ACCMODE;
	(*out)->kept = pair[1];
	name_kept_locked(*out);
	front_fdtable_set_locked(&preload_table, pair[1], &front_slot_hidden);
	preload_ready_init(*out, pair[0]);
	return 0;
}

/* The program's end has a number; the other one goes out of the way. */
static int prepare_locked(int pair[2], struct mem_file *file, struct front_node node, int flags,
			  struct front_slot **out)
{
	int rc;

	base_assert_held(&preload_table.lock);
	pair[1] = preload_move_high_locked(pair[1]);
	rc = pair[1] < 0 ? pair[1] : slot_new_locked(pair, file, node, flags, out);
	if (rc && pair[1] >= 0)
		base_sys_close(pair[1]);
	return rc;
}

static void publish_locked(int fd, struct front_slot *slot)
{
	base_assert_held(&preload_table.lock);
	front_fdtable_set_locked(&preload_table, fd, slot);
	if (base_unlikely(base_trace_on))
		front_trace_open(slot, fd);
}

static int publish(int pair[2], struct mem_file *file, struct front_node node, int flags)
{
	base_scoped_lock(&preload_table.lock);
	struct front_slot *slot;
	int rc = prepare_locked(pair, file, node, flags, &slot);

	if (!rc)
		publish_locked(pair[0], slot);
	return rc;
}

int preload_file_open(struct mem_file *file, struct front_node node, int flags)
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

/* ---- files that ioctls make: the same in two steps ---- */

static int prepare(int pair[2], struct mem_file *file, int flags, struct front_slot **out)
{
	const struct front_node node = {FRONT_NODE_QUEUE, 0};

	base_scoped_lock(&preload_table.lock);
	return prepare_locked(pair, file, node, flags, out);
}

int preload_file_new(struct mem_file *file, int flags, int *fd, struct front_slot **slot)
{
	int pair[2], rc = base_sys_socketpair(pair);

	if (rc)
		return rc;
	preload_number_new(pair[0]);
	pair_equip(pair, flags);
	rc = prepare(pair, file, flags, slot);
	if (rc)
		base_sys_close(pair[0]);
	*fd = pair[0];
	return rc;
}

int preload_file_reserve(struct mem_client *client, struct mem_file *file, int flags,
			 struct mem_new_file *new_file)
{
	struct front_slot *slot;
	int fd, rc = preload_file_new(file, flags, &fd, &slot);

	(void)client;
	if (!rc)
		*new_file = (struct mem_new_file){file, fd, slot};
	return rc;
}

void preload_file_publish(struct mem_client *client, struct mem_new_file *new_file)
{
	(void)client;
	base_scoped_lock(&preload_table.lock);
	publish_locked(new_file->fd, new_file->front);
}

/* A fork may have copied the number, but nobody knows what it stands for. */
void preload_file_abort(struct mem_client *client, struct mem_new_file *new_file)
{
	(void)client;
	base_sys_close(new_file->fd);
	preload_slot_end(new_file->front);
}

/* ---- the machine's nodes ---- */

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
		rc = front_machine_open(machine, node, &preload_client, &file);
	if (rc)
		return rc;
	rc = preload_file_open(file, node, flags);
	if (rc < 0)
		mem_file_put(file);
	return rc;
}

/* ---- the files that come with the machine ---- */

static bool is_fail_nth(const char *path, uint32_t *tid)
{
	return preload_test_abi() && preload_is_address(path) && preload_fail_nth_parse(path, tid);
}

static bool is_fault(int dir, const char *path, struct front_node *node)
{
	return preload_test_abi() && preload_fault_find(dir, path, node);
}

bool preload_presents(int dir, const char *path, struct front_node *node)
{
	node->type = FRONT_NODE_PLAIN;
	return is_fail_nth(path, &node->number) || is_fault(dir, path, node);
}

/* *result: a number or a negative errno. */
static bool presented_open(int dir, const char *path, int flags, int *result)
{
	struct front_node node;
	uint32_t tid;

	if (preload_is_address(path) && preload_status_open(path, flags, result))
		return true;
	if (is_fail_nth(path, &tid))
		*result = preload_fail_nth_open(tid, flags);
	else if (is_fault(dir, path, &node))
		*result = preload_fault_open(node, flags);
	else
		return false;
	return true;
}

/* True if the path is the machine's: *fd and errno are the answer. */
static bool is_answered(int dir, const char *path, int flags, int *fd)
{
	int saved = errno, rc;
	struct front_node node;

	if (preload_has(path, &node))
		rc = node_open(node, flags);
	else if (!presented_open(dir, path, flags, &rc))
		return false;
	*fd = (int)preload_answer(rc, saved);
	return true;
}

int preload_open(const char *path, int flags, mode_t mode)
{
	int fd;

	return is_answered(AT_FDCWD, path, flags, &fd)
		       ? fd
		       : preload_number_new(libc_open(path, flags, mode));
}

int preload_open_2(const char *path, int flags)
{
	int fd;

	return is_answered(AT_FDCWD, path, flags, &fd)
		       ? fd
		       : preload_number_new(libc___open_2(path, flags));
}

int preload_openat(int dir, const char *path, int flags, mode_t mode)
{
	int fd;

	return is_answered(dir, path, flags, &fd)
		       ? fd
		       : preload_number_new(libc_openat(dir, path, flags, mode));
}

int preload_openat_2(int dir, const char *path, int flags)
{
	int fd;

	return is_answered(dir, path, flags, &fd)
		       ? fd
		       : preload_number_new(libc___openat_2(dir, path, flags));
}

/* Only what is a file of the kernel's can be a stream of the C library's. */
FILE *preload_fopen(const char *path, const char *mode)
{
	int saved = errno, fd;
	FILE *stream;

	if (!preload_is_address(path) || *mode != 'r' || strchr(mode, '+') ||
	    !preload_status_open(path, strchr(mode, 'e') ? O_RDONLY | O_CLOEXEC : O_RDONLY, &fd))
		return libc_fopen(path, mode);
	fd = (int)preload_answer(fd, saved);
	stream = fd < 0 ? NULL : fdopen(fd, mode);
	if (fd >= 0 && !stream)
		base_sys_close(fd);
	return stream;
}
