// SPDX-License-Identifier: MIT
/*
 * Readiness, as the kernel sees it. The program's end of a pair is readable while
 * there is a byte in it, and writable unless more is on its way than it may send.
 *
 * A byte can be put there by our end from any thread, but be taken back through
 * the program's end only, whose number may change meanwhile. So a file that is no
 * longer ready is marked, and the byte taken by whoever ends a call next.
 *
 * What a pair cannot express: POLLOUT never comes or goes (a file that cannot be
 * written at first never can); the byte stays if all numbers are in other
 * processes; and a file that gets ready once more is no new edge to epoll.
 */
#include "front/preload/preload.h"

#include <poll.h>
#include <sys/socket.h>

bool preload_ready_stale;

/* Guards kept, raised, fallen of all slots that have a watch. Reports come from under locks. */
static struct base_mutex ready_lock = BASE_MUTEX_INIT(RANK_LEAF);

static void show_locked(struct front_slot *slot, uint32_t ready)
{
	bool in = ready & POLLIN;

	base_assert_held(&ready_lock);
	if (in && !slot->raised && slot->kept >= 0)
		slot->raised = send(slot->kept, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
	slot->fallen = !in && slot->raised;
	if (slot->fallen)
		base_store(&preload_ready_stale, true);
}

static void on_change(struct mem_watch *watch, uint32_t ready)
{
	int saved = errno;

	base_mutex_lock(&ready_lock);
	show_locked(base_container_of(watch, struct front_slot, watch), ready);
	base_mutex_unlock(&ready_lock);
	errno = saved;
}

/* As much as may be on its way, which nobody will ever read. */
static void fill(int fd)
{
	static const char data[512];
	int least = 0;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	while (send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

void preload_ready_init(struct front_slot *slot, int fd)
{
	uint32_t ready = mem_file_poll(slot->file);

	if (!(ready & POLLOUT))
		fill(fd);
	slot->watch.changed = on_change;
	if (slot->file->ops->poll)
		mem_file_watch(slot->file, &slot->watch);
	on_change(&slot->watch, ready);
}

void preload_kept_set_locked(struct front_slot *slot, int kept)
{
	base_assert_held(&preload_table.lock);
	base_scoped_lock(&ready_lock);
	slot->kept = kept;
}

/* A number of the slot in this process, -1 if there is none. */
static int number_find_locked(const struct front_slot *slot)
{
	int fd = -1;

	base_assert_held(&preload_table.lock);
	do
		fd = front_fdtable_next(&preload_table, fd + 1);
	while (fd >= 0 && preload_peek(fd) != slot);
	return fd;
}

static void take_back_from(struct front_slot *slot, int fd)
{
	char byte;

	base_scoped_lock(&ready_lock);
	if (!slot->fallen)
		return;
	slot->raised = recv(fd, &byte, 1, MSG_DONTWAIT) != 1 && errno != EAGAIN;
	slot->fallen = false;
}

static void take_back_locked(struct front_slot *slot)
{
	int fd = number_find_locked(slot);

	if (fd >= 0)
		take_back_from(slot, fd);
}

void preload_ready_settle_slow(void)
{
	int saved = errno;

	if (!preload_is_owner())
		return;
	base_mutex_lock(&preload_table.lock);
	base_store(&preload_ready_stale, false);
	for (struct front_slot *slot = preload_table.made; slot; slot = slot->next_made)
		if (slot->is_open)
			take_back_locked(slot);
	base_mutex_unlock(&preload_table.lock);
	errno = saved;
}

/* The number may mean something else there by now: its name tells. */
void preload_ready_settle_remote(struct front_slot *slot, const struct base_process *process,
				 int number)
{
	struct front_name name;
	int saved = errno, fd;

	preload_ready_settle();
	if (number < 0 || !base_load(&slot->fallen))
		return;
	fd = base_process_fd(process, number);
	if (fd < 0)
		return;
	if (front_name_get(fd, &name) && name.key == preload_server_key() &&
	    name.serial == slot->serial)
		take_back_from(slot, fd);
	base_sys_close(fd);
	errno = saved;
}

void preload_ready_after_fork_locked(void)
{
	base_assert_held(&preload_table.lock);
	base_mutex_init(&ready_lock, RANK_LEAF);
	preload_ready_stale = false;
	for (struct front_slot *slot = preload_table.made; slot; slot = slot->next_made)
		slot->fallen = false;
}
