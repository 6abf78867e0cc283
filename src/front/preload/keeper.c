// SPDX-License-Identifier: MIT
/*
 * The keeper: a thread that sleeps until a kept end hangs up whose last copies
 * are out of our sight (in another process, on their way in a message, or made
 * by a bare system call), and then ends the description. Started when the first
 * such end turns up.
 */
#include "front/preload/preload.h"

#include <sys/epoll.h>

static int poll_fd = -1; /* epoll of the kept ends, hidden */
static bool running;

static void keeper_run(void *arg)
{
	struct epoll_event event;
	int fd, n;

	(void)arg;
	do {
		fd = base_load(&poll_fd);
		n = epoll_wait(fd, &event, 1, -1);
		if (n == 1)
			preload_slot_settle(event.data.ptr);
		/* The program may just have taken the number: then there is another. */
	} while (n >= 0 || errno == EINTR || base_load(&poll_fd) != fd);
}

static int poll_make_locked(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	base_assert_held(&preload_table.lock);
	if (fd >= 0)
		fd = preload_hide_locked(fd);
	if (fd < 0)
		return -EMFILE;
	base_store(&poll_fd, fd);
	return 0;
}

/* Each watch gives one event. A late one, about a slot in other use by now, is harmless. */
void preload_keeper_watch_locked(struct front_slot *slot)
{
	struct epoll_event event = {.events = EPOLLONESHOT, .data.ptr = slot};

	base_assert_held(&preload_table.lock);
	if (poll_fd < 0 && poll_make_locked())
		return;
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, slot->kept, &event) && errno == EEXIST)
		epoll_ctl(poll_fd, EPOLL_CTL_MOD, slot->kept, &event);
	if (!running)
		running = !base_thread_start(keeper_run, NULL);
}

bool preload_keeper_has_locked(int fd)
{
	base_assert_held(&preload_table.lock);
	return fd == poll_fd;
}

/* A keeper whose descriptor is lost sleeps on for what it knows; the next watch starts another. */
void preload_keeper_renumber_locked(int fd)
{
	base_assert_held(&preload_table.lock);
	base_store(&poll_fd, fd);
	running = fd >= 0;
}

void preload_keeper_after_fork_locked(void)
{
	base_assert_held(&preload_table.lock);
	running = false;
	if (poll_fd < 0)
		return;
	front_fdtable_clear_locked(&preload_table, poll_fd);
	base_sys_close(poll_fd);
	poll_fd = -1;
}
