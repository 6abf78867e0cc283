// SPDX-License-Identifier: MIT
/*
 * Numbers come and go. Whatever changes the table makes the system call under
 * the table's lock, so that table and kernel agree whenever a fork looks. A
 * description that ends is put after the lock is free: its release may take long.
 */
#include "front/preload/preload.h"

#include "front/remote.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>

/* ---- the end of an open description ---- */

static void kept_close_locked(struct front_slot *slot)
{
	int kept = slot->kept;

	base_assert_held(&preload_table.lock);
	if (kept < 0)
		return;
	preload_kept_set_locked(slot, -1);
	front_fdtable_clear_locked(&preload_table, kept);
	base_sys_close(kept);
}

/*
 * If no number here or elsewhere stands for the slot, it is over: returned for
 * the caller to put. Copies elsewhere leave it to the keeper. NULL is allowed.
 */
static struct front_slot *settle_locked(struct front_slot *slot)
{
	base_assert_held(&preload_table.lock);
	if (!slot || slot->numbers || !slot->is_open)
		return NULL;
	if (slot->kept >= 0 && !base_sys_is_hung_up(slot->kept)) {
		preload_keeper_watch_locked(slot);
		return NULL;
	}
	kept_close_locked(slot);
	front_slot_close_locked(&preload_table, slot);
	return slot;
}

static void finish(struct front_slot *over)
{
	struct front_remote *remote = over ? front_remote_of(over->file) : NULL;

	if (remote)
		front_remote_close(remote);
	if (over)
		preload_put(over);
	preload_ready_settle();
}

static struct front_slot *settle(struct front_slot *slot)
{
	base_scoped_lock(&preload_table.lock);
	return settle_locked(slot);
}

void preload_slot_settle(struct front_slot *slot)
{
	finish(settle(slot));
}

void preload_slot_end(struct front_slot *slot)
{
	base_mutex_lock(&preload_table.lock);
	kept_close_locked(slot);
	front_slot_close_locked(&preload_table, slot);
	base_mutex_unlock(&preload_table.lock);
	finish(slot);
}

/* ---- descriptors of our own, hidden from the program ---- */

/* Is the hidden fd still ours? A bare system call may have closed it, and another made it. */
static bool is_still_hidden_locked(int fd)
{
	return front_name_is_own(fd) || preload_keeper_has_locked(fd);
}

/* Hidden, and to be kept from the program. */
static bool is_hidden_locked(int fd)
{
	struct front_slot *slot = preload_peek(fd);

	base_assert_held(&preload_table.lock);
	if (!front_slot_is_own(slot))
		return false;
	if (slot == &front_slot_below || is_still_hidden_locked(fd))
		return true;
	front_fdtable_clear_locked(&preload_table, fd);
	return false;
}

/* A descriptor of ours has gone: the end it kept counts as hung up from now on. */
static void hidden_lost_locked(int fd)
{
	struct front_slot *slot = front_slot_find_kept_locked(&preload_table, fd);

	base_assert_held(&preload_table.lock);
	if (slot)
		preload_kept_set_locked(slot, -1);
	else if (preload_server_has_locked(fd))
		preload_server_renumber_locked(-1);
	else if (preload_keeper_has_locked(fd))
		preload_keeper_renumber_locked(-1);
}

/* fd stands for nothing any more. What is over by that, for the caller to put. */
static struct front_slot *forget_locked(int fd)
{
	struct front_slot *slot = front_fdtable_clear_locked(&preload_table, fd);

	base_assert_held(&preload_table.lock);
	if (!front_slot_is_own(slot))
		return settle_locked(slot);
	hidden_lost_locked(fd);
	return NULL;
}

int preload_move_high_locked(int fd)
{
	base_assert_held(&preload_table.lock);
	do
		fd = base_sys_move_high(fd);
	while (fd >= 0 && preload_peek(fd) && !front_slot_is_own(preload_peek(fd)));
	if (fd >= 0)
		forget_locked(fd);
	return fd;
}

int preload_hide_locked(int fd)
{
	base_assert_held(&preload_table.lock);
	fd = preload_move_high_locked(fd);
	if (fd >= 0 && front_fdtable_reserve_locked(&preload_table, fd)) {
		base_sys_close(fd);
		return -ENOMEM;
	}
	if (fd >= 0)
		front_fdtable_set_locked(&preload_table, fd, &front_slot_hidden);
	return fd;
}

/* The program wants number `fd`, which is a descriptor of ours: go elsewhere, or refuse. */
static int hidden_move_locked(int fd)
{
	struct front_slot *slot = front_slot_find_kept_locked(&preload_table, fd);
	int other;

	base_assert_held(&preload_table.lock);
	if (!slot && !preload_keeper_has_locked(fd) && !preload_server_has_locked(fd))
		return -EBUSY; /* of layers below, or a connection: others know its number */
	other = preload_move_high_locked(base_sys_dup_high(fd));
	if (other < 0 || front_fdtable_reserve_locked(&preload_table, other)) {
		base_sys_close(other);
		return -EBUSY;
	}
	front_fdtable_clear_locked(&preload_table, fd);
	front_fdtable_set_locked(&preload_table, other, &front_slot_hidden);
	if (slot)
		preload_kept_set_locked(slot, other);
	else if (preload_server_has_locked(fd))
		preload_server_renumber_locked(other);
	else
		preload_keeper_renumber_locked(other);
	return 0;
}

/* ---- numbers that others have closed ---- */

static struct front_slot *forget(int fd)
{
	base_scoped_lock(&preload_table.lock);
	return forget_locked(fd);
}

int preload_number_new(int fd)
{
	int saved = errno;

	if (base_likely(!preload_peek(fd)) || !preload_is_owner())
		return fd;
	finish(forget(fd));
	errno = saved;
	return fd;
}

/* ---- close ---- */

static int close_ours(int fd, struct front_slot **over)
{
	base_scoped_lock(&preload_table.lock);
	struct front_slot *slot;
	int rc;

	if (is_hidden_locked(fd))
		return -EBADF;
	slot = front_fdtable_closing_locked(&preload_table, fd);
	rc = base_sys_close(fd);
	front_fdtable_clear_locked(&preload_table, fd);
	*over = settle_locked(slot);
	return rc;
}

int preload_close(int fd)
{
	struct front_slot *over = NULL;
	int saved = errno, rc;

	if (base_likely(!preload_peek(fd)) || !preload_is_owner())
		return libc_close(fd);
	rc = close_ours(fd, &over);
	base_trace("close %d = %d", fd, rc);
	finish(over);
	return (int)preload_answer(rc, saved);
}

/* Close [first, last] apart from our own descriptors. 0, or -1 and errno. */
static int close_all(unsigned first, unsigned last)
{
	int fd;

	while (first <= last && first <= INT_MAX) {
		fd = front_fdtable_next(&preload_table, (int)first);
		if (fd < 0 || (unsigned)fd > last)
			return libc_close_range(first, last, 0);
		if ((unsigned)fd > first && libc_close_range(first, (unsigned)fd - 1, 0))
			return -1;
		preload_close(fd); /* fails for a hidden one, as it should */
		first = (unsigned)fd + 1;
	}
	return 0;
}

int preload_close_range(unsigned first, unsigned last, int flags)
{
	int fd = first <= INT_MAX ? front_fdtable_next(&preload_table, (int)first) : -1;

	if (fd < 0 || (unsigned)fd > last || (flags & ~CLOSE_RANGE_UNSHARE) || !preload_is_owner())
		return libc_close_range(first, last, flags);
	/* Threads of ours are to have the same numbers; others are not to lose theirs. */
	if ((flags & CLOSE_RANGE_UNSHARE) && !base_thread_is_only_one() && unshare(CLONE_FILES))
		return -1;
	return close_all(first, last);
}

void preload_closefrom(int first)
{
	int lowest = first < 0 ? 0 : first;

	if (front_fdtable_next(&preload_table, lowest) < 0 || !preload_is_owner())
		libc_closefrom(first);
	else
		close_all((unsigned)lowest, UINT_MAX);
}

/* ---- dup ---- */

/* `copy` is a new number for `slot` (NULL: not ours). It may have been in use for something else.
 */
static int adopt_locked(int copy, struct front_slot *slot, struct front_slot **over)
{
	int rc = slot ? front_fdtable_reserve_locked(&preload_table, copy) : 0;

	base_assert_held(&preload_table.lock);
	*over = forget_locked(copy);
	if (rc)
		base_sys_close(copy);
	else if (slot)
		front_fdtable_set_locked(&preload_table, copy, slot);
	return rc ? rc : copy;
}

static int copy_ours(int fd, int cmd, void *lowest, struct front_slot **over)
{
	base_scoped_lock(&preload_table.lock);
	int copy;

	if (is_hidden_locked(fd))
		return -EBADF;
	copy = libc_fcntl(fd, cmd, lowest);
	return copy < 0 ? -errno : adopt_locked(copy, preload_peek(fd), over);
}

/* F_DUPFD and F_DUPFD_CLOEXEC. */
static int copy_number(int fd, int cmd, void *lowest)
{
	struct front_slot *over = NULL;
	int saved = errno, copy;

	if (base_likely(!preload_peek(fd)) || !preload_is_owner())
		return preload_number_new(libc_fcntl(fd, cmd, lowest));
	copy = copy_ours(fd, cmd, lowest, &over);
	finish(over);
	return (int)preload_answer(copy, saved);
}

int preload_dup(int fd)
{
	return copy_number(fd, F_DUPFD, NULL);
}

static int copy_over(int fd, int target, int flags, struct front_slot **over)
{
	base_scoped_lock(&preload_table.lock);
	int rc = 0;

	if (is_hidden_locked(fd))
		return -EBADF;
	if (is_hidden_locked(target))
		rc = hidden_move_locked(target);
	if (rc)
		return rc;
	rc = libc_dup3(fd, target, flags);
	return rc < 0 ? -errno : adopt_locked(target, preload_peek(fd), over);
}

static bool is_plain(int fd, int target)
{
	return fd == target || (base_likely(!preload_peek(fd) && !preload_peek(target))) ||
	       !preload_is_owner();
}

int preload_dup2(int fd, int target)
{
	return is_plain(fd, target) ? libc_dup2(fd, target) : preload_dup3(fd, target, 0);
}

int preload_dup3(int fd, int target, int flags)
{
	struct front_slot *over = NULL;
	int saved = errno, rc;

	if (is_plain(fd, target))
		return libc_dup3(fd, target, flags);
	rc = copy_over(fd, target, flags, &over);
	finish(over);
	return (int)preload_answer(rc, saved);
}

/* ---- fcntl ---- */

/* A socket can always be read and written; the file as it was opened. */
static int flags_get(int fd, void *arg)
{
	struct front_slot *slot = preload_get(fd);
	int flags = libc_fcntl(fd, F_GETFL, arg);

	if (!slot)
		return flags;
	if (flags >= 0)
		flags = (flags & ~O_ACCMODE) | slot->access;
	preload_put(slot);
	return flags;
}

int preload_fcntl(int fd, int cmd, void *arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC: return copy_number(fd, cmd, arg);
	case F_GETFL: return flags_get(fd, arg);
	default: return libc_fcntl(fd, cmd, arg);
	}
}
