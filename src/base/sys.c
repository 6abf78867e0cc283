// SPDX-License-Identifier: MIT
/* The few system calls the library makes for itself. */
#include "base/sys.h"
#include "base/arith.h"
#include "base/sync.h"
#include "base/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static const struct base_fd_watch *fd_watch;

void base_sys_watch(const struct base_fd_watch *watch)
{
	base_store(&fd_watch, watch);
}

int base_sys_close(int fd)
{
	const struct base_fd_watch *watch = base_load(&fd_watch);

	if (watch)
		watch->closing(fd);
	return (int)base_syscall(SYS_close, fd);
}

/* Three quarters up to the soft limit, but a table that forks copy quickly. */
static uint64_t high_number(void)
{
	struct rlimit limit;

	if (base_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit))
		return 0;
	return base_min_u64(limit.rlim_cur, 1 << 16) / 4 * 3;
}

static int dup_high(int fd)
{
	uint64_t lowest = high_number();

	for (;;) {
		int copy = (int)base_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest);

		if (!lowest || (copy != -EINVAL && copy != -EMFILE))
			return copy;
		lowest /= 2;
	}
}

int base_sys_dup_high(int fd)
{
	const struct base_fd_watch *watch = base_load(&fd_watch);
	int copy = dup_high(fd);

	if (watch && copy >= 0)
		watch->made(copy);
	return copy;
}

int base_sys_dup_file(int fd)
{
	long flags = base_syscall(SYS_fcntl, fd, F_GETFL);

	return flags < 0 || (flags & O_PATH) ? -EBADF : base_sys_dup_high(fd);
}

int base_sys_move_high(int fd)
{
	int copy = base_sys_dup_high(fd);

	base_sys_close(fd);
	return copy;
}

int base_sys_open_read(const char *path)
{
	int fd = (int)base_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fd : base_sys_move_high(fd);
}

int base_sys_socketpair(int fds[2])
{
	return (int)base_syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
}

bool base_sys_is_hung_up(int fd)
{
	struct pollfd poll = {.fd = fd};
	struct timespec now = {0};

	return base_syscall(SYS_ppoll, &poll, 1, &now) == 1 && (poll.revents & POLLHUP);
}

ssize_t base_sys_write(int fd, const void *buf, size_t n)
{
	return base_syscall(SYS_write, fd, buf, n);
}

ssize_t base_sys_read(int fd, void *buf, size_t n)
{
	return base_syscall(SYS_read, fd, buf, n);
}

/* Without /proc there is no telling: an open fd then passes. */
int base_sys_check_eventfd(int fd)
{
	static const char eventfd[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(eventfd)];
	long n;

	if (base_syscall(SYS_fcntl, fd, F_GETFD) < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = base_syscall(SYS_readlinkat, AT_FDCWD, path, target, sizeof(target));
	if (n < 0)
		return 0;
	return n == sizeof(eventfd) - 1 && !memcmp(target, eventfd, sizeof(eventfd) - 1) ? 0
											 : -EINVAL;
}

int base_sys_gettid(void)
{
	return (int)base_syscall(SYS_gettid);
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (base_syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[capability / 32].effective & 1u << capability % 32;
}

bool base_sys_may_set_limits(void)
{
	if (has_capability(CAP_SYS_RESOURCE))
		return true;
	return !base_syscall(SYS_geteuid) &&
	       !base_syscall(SYS_prctl, PR_CAPBSET_READ, CAP_SYS_RESOURCE);
}

uint64_t base_sys_memlock_limit(void)
{
	struct rlimit limit;

	if (base_syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, NULL, &limit))
		return 0;
	return limit.rlim_cur; /* RLIM_INFINITY is UINT64_MAX */
}

bool base_sys_may_lock(void)
{
	return has_capability(CAP_IPC_LOCK);
}

int base_sys_wait_readable(const int *fds, size_t count)
{
	struct pollfd polls[8];

	for (;;) {
		for (size_t i = 0; i < count; i++)
			polls[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
		base_syscall(SYS_ppoll, polls, count, NULL, NULL, 0);
		for (size_t i = 0; i < count; i++)
			if (polls[i].revents)
				return (int)i;
	}
}

void base_sys_sleep_ms(unsigned ms)
{
	const struct timespec length = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	base_syscall(SYS_nanosleep, &length, NULL);
}
