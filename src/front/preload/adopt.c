// SPDX-License-Identifier: MIT
/*
 * Numbers that others have made: inherited through fork or exec, or received in
 * a message. If a name in the kernel says that one is a machine's file, it
 * stands for that from now on: here, or over there in the owner.
 */
#include "front/preload/preload.h"

#include "front/remote.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- what remote files need of us ---- */

/* Another thread may just be closing it. */
static bool is_number_of(int fd, const struct front_remote *remote)
{
	const struct front_slot *slot = preload_peek(fd);

	return slot && slot->file == &remote->file;
}

static int remote_number(struct front_remote *remote)
{
	int fd = -1;

	do
		fd = front_fdtable_next(&preload_table, fd + 1);
	while (fd >= 0 && !is_number_of(fd, remote));
	return fd;
}

static void remote_number_new(int fd, int flags)
{
	if (!(flags & O_CLOEXEC))
		libc_fcntl(fd, F_SETFD, NULL);
	preload_number_new(fd);
}

static const struct front_remote_ops remote_ops = {
	.number = remote_number,
	.number_new = remote_number_new,
	.number_opened = preload_adopt,
};

/* ---- one number ---- */

static bool is_named(struct front_slot *slot, const struct front_name *name)
{
	struct front_remote *remote = front_remote_of(slot->file);

	if (remote)
		return remote->name.key == name->key && remote->name.serial == name->serial;
	return name->key == preload_server_key() && name->serial == slot->serial;
}

static struct front_slot *slot_find_locked(const struct front_name *name)
{
	base_assert_held(&preload_table.lock);
	for (struct front_slot *slot = preload_table.made; slot; slot = slot->next_made)
		if (slot->is_open && is_named(slot, name))
			return slot;
	return NULL;
}

/* A slot for a file of another process; it still has no number. */
static struct front_slot *slot_make_locked(const struct front_name *name)
{
	struct front_remote *remote;
	struct front_slot *slot;

	base_assert_held(&preload_table.lock);
	if (name->key == preload_server_key() || front_remote_new(name, &remote_ops, &remote))
		return NULL;
	if (front_slot_new_locked(&preload_table, &remote->file, &slot)) {
		mem_file_put(&remote->file);
		return NULL;
	}
	slot->node = (struct front_node){name->type, name->number};
	slot->access = (int)name->access;
	return slot;
}

/* Without memory the number stays the socket that it is. */
static void adopt_locked(int fd, const struct front_name *name)
{
	struct front_slot *slot;

	base_assert_held(&preload_table.lock);
	if (preload_peek(fd) || front_fdtable_reserve_locked(&preload_table, fd) ||
	    preload_prepare_locked())
		return;
	slot = slot_find_locked(name);
	if (!slot)
		slot = slot_make_locked(name);
	if (slot)
		front_fdtable_set_locked(&preload_table, fd, slot);
}

void preload_adopt(int fd)
{
	struct front_name name;

	if (!front_name_get(fd, &name))
		return;
	base_scoped_lock(&preload_table.lock);
	adopt_locked(fd, &name);
}

/* ---- fork ---- */

struct mem_file *preload_inherit(struct front_slot *slot)
{
	struct front_remote *remote = front_remote_of(slot->file);
	const struct front_name name = preload_name_of(slot);

	if (remote) {
		front_remote_after_fork(remote);
		return &remote->file;
	}
	if (slot->file != &preload_foreign_file && !front_remote_new(&name, &remote_ops, &remote))
		return &remote->file;
	mem_file_get(&preload_foreign_file);
	return &preload_foreign_file;
}

/* ---- exec: the program begins with numbers of another ---- */

static void __attribute__((constructor(102))) adopt_inherited(void)
{
	DIR *dir = libc_opendir("/proc/self/fd");
	int saved = errno;
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = libc_readdir(dir)))
		if (entry->d_name[0] != '.')
			preload_adopt(atoi(entry->d_name));
	libc_closedir(dir);
	errno = saved;
}

/* ---- messages ---- */

static void adopt_message(struct msghdr *message)
{
	int saved = errno, fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(fd) <= c->cmsg_len; at += sizeof(fd)) {
			memcpy(&fd, (char *)c + at, sizeof(fd));
			preload_number_new(fd);
			preload_adopt(fd);
		}
	}
	errno = saved;
}

ssize_t preload_recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t n = libc_recvmsg(fd, message, flags);

	if (n >= 0 && message->msg_controllen)
		adopt_message(message);
	return n;
}

int preload_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		     struct timespec *timeout)
{
	int n = libc_recvmmsg(fd, messages, count, flags, timeout);

	for (int i = 0; i < n; i++)
		if (messages[i].msg_hdr.msg_controllen)
			adopt_message(&messages[i].msg_hdr);
	return n;
}
