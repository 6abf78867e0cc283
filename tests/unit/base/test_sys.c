// SPDX-License-Identifier: MIT
/* base/sys.h and base/thread.h: system calls of our own, threads. */
#include "base/sys.h"
#include "base/alloc.h"
#include "base/arith.h"
#include "base/sync.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- descriptors ---- */

static int new_fd(void)
{
	int fd = open("/dev/null", O_RDWR);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* What body() returns in a child process, whose limits are its own. */
static int in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void set_soft_limit(rlim_t soft)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = soft;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		_exit(99);
}

static void dup_high_is_high_and_close_on_exec(void **state)
{
	int fd = new_fd(), high = base_sys_dup_high(fd);
	struct rlimit limit;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	assert_true(high >= (int)base_min_u64(limit.rlim_cur, 1 << 16) / 4 * 3);
	assert_int_equal(fcntl(high, F_GETFD), FD_CLOEXEC);
	assert_true(is_open(fd));
	assert_int_equal(base_sys_close(high), 0);
	assert_int_equal(base_sys_close(high), -EBADF);
	close(fd);
}

static int fill_the_table(void)
{
	int fd = new_fd(), unused = 0, copy;

	set_soft_limit(64);
	for (int i = 48; i < 64; i++)
		if (base_sys_dup_high(fd) != i)
			return 1;
	if (base_sys_dup_high(fd) < 24)
		return 3;
	while ((copy = base_sys_dup_high(fd)) >= 0)
		;
	for (int i = 0; i < 64; i++)
		unused += !is_open(i);
	return copy == -EMFILE && !unused ? 0 : 2;
}

static void dup_high_uses_lower_numbers_before_it_fails(void **state)
{
	(void)state;
	assert_int_equal(in_child(fill_the_table), 0);
}

static void move_high_closes_the_old_number(void **state)
{
	int fd = new_fd(), high = base_sys_move_high(fd);

	(void)state;
	assert_true(high > fd);
	assert_false(is_open(fd));
	close(high);
	assert_int_equal(base_sys_move_high(high), -EBADF);
}

static int move_in_a_full_table(void)
{
	int fd = new_fd();

	set_soft_limit((rlim_t)fd + 1);
	for (int i = 3; i < fd; i++)
		dup2(fd, i);
	return base_sys_move_high(fd) == -EMFILE && !is_open(fd) ? 0 : 1;
}

static void move_high_closes_even_if_it_fails(void **state)
{
	(void)state;
	assert_int_equal(in_child(move_in_a_full_table), 0);
}

static void socketpair_talks_both_ways(void **state)
{
	int fds[2];
	char buffer[8];

	(void)state;
	assert_int_equal(base_sys_socketpair(fds), 0);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(base_sys_write(fds[0], "ping", 5), 5);
	assert_int_equal(base_sys_read(fds[1], buffer, sizeof(buffer)), 5);
	assert_string_equal(buffer, "ping");
	assert_int_equal(base_sys_write(fds[1], "pong", 5), 5);
	assert_int_equal(base_sys_read(fds[0], buffer, sizeof(buffer)), 5);
	assert_string_equal(buffer, "pong");
	close(fds[0]);
	close(fds[1]);
}

static void hang_up_needs_the_last_copy_closed(void **state)
{
	int fds[2], copy;

	(void)state;
	assert_int_equal(base_sys_socketpair(fds), 0);
	copy = dup(fds[1]);
	close(fds[1]);
	assert_false(base_sys_is_hung_up(fds[0]));
	assert_int_equal(base_sys_write(copy, "x", 1), 1);
	close(copy);
	assert_true(base_sys_is_hung_up(fds[0]));
	close(fds[0]);
	assert_false(base_sys_is_hung_up(fds[0]));
}

static void only_an_eventfd_is_an_eventfd(void **state)
{
	int event = eventfd(0, EFD_CLOEXEC), other = new_fd(), fds[2];

	(void)state;
	assert_int_equal(base_sys_socketpair(fds), 0);
	assert_int_equal(base_sys_check_eventfd(event), 0);
	assert_int_equal(base_sys_check_eventfd(other), -EINVAL);
	assert_int_equal(base_sys_check_eventfd(fds[0]), -EINVAL);
	assert_int_equal(base_sys_check_eventfd(-1), -EBADF);
	close(event);
	assert_int_equal(base_sys_check_eventfd(event), -EBADF);
	close(other);
	close(fds[0]);
	close(fds[1]);
}

static int check_without_proc(void)
{
	char dir[] = "/tmp/swiommu-sys-XXXXXX";
	int fd = new_fd(), rc;

	if (!mkdtemp(dir))
		return 1;
	rc = chroot(dir);
	rmdir(dir);
	if (rc)
		return 77;
	return base_sys_check_eventfd(fd) == 0 && base_sys_check_eventfd(-1) == -EBADF ? 0 : 1;
}

static void without_proc_any_open_fd_passes(void **state)
{
	int rc = in_child(check_without_proc);

	(void)state;
	if (rc == 77) {
		print_message("needs root, for chroot\n");
		skip();
	}
	assert_int_equal(rc, 0);
}

static void errors_leave_errno_alone(void **state)
{
	char byte;
	int fds[2];

	(void)state;
	errno = EXDEV;
	assert_int_equal(base_sys_close(-1), -EBADF);
	assert_int_equal(base_sys_dup_high(-1), -EBADF);
	assert_int_equal(base_sys_move_high(-1), -EBADF);
	assert_int_equal(base_sys_write(-1, "", 1), -EBADF);
	assert_int_equal(base_sys_read(-1, &byte, 1), -EBADF);
	assert_int_equal(base_sys_check_eventfd(-1), -EBADF);
	assert_false(base_sys_is_hung_up(-1));
	assert_int_equal(base_sys_socketpair(fds), 0);
	assert_int_equal(base_sys_close(fds[0]), 0);
	assert_int_equal(base_sys_close(fds[1]), 0);
	assert_int_equal(errno, EXDEV);
}

/* ---- threads ---- */

struct report {
	struct base_waitq wq;
	uint32_t count;
	sigset_t blocked;
	int tid;
};

static bool reported_once(void *arg)
{
	return base_load(&((struct report *)arg)->count) >= 1;
}

static bool reported_twice(void *arg)
{
	return base_load(&((struct report *)arg)->count) >= 2;
}

static void add_report(void *arg)
{
	struct report *report = arg;

	base_add(&report->count, 1);
	base_waitq_wake(&report->wq);
}

static void report_thread(void *arg)
{
	struct report *report = arg;

	pthread_sigmask(SIG_SETMASK, NULL, &report->blocked);
	report->tid = base_sys_gettid();
	add_report(report);
}

static void a_thread_gets_no_signals_but_faults(void **state)
{
	static struct report report;
	sigset_t before, after;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(base_thread_start(report_thread, &report), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int signo = 1; signo < 65; signo++)
		assert_int_equal(sigismember(&before, signo), sigismember(&after, signo));
	assert_int_equal(base_waitq_wait(&report.wq, reported_once, &report, 60000), 0);
	assert_int_not_equal(report.tid, base_sys_gettid());
	for (int signo = 1; signo < 32; signo++)
		if (signo != SIGKILL && signo != SIGSTOP)
			assert_int_equal(sigismember(&report.blocked, signo),
					 signo != SIGSEGV && signo != SIGBUS);
}

static struct report old_exit, new_exit;

static void register_twice(void *arg)
{
	if (base_thread_at_exit(add_report, arg) || base_thread_at_exit(add_report, &new_exit))
		abort();
}

static void at_exit_runs_once_with_the_latest_argument(void **state)
{
	(void)state;
	assert_int_equal(base_thread_start(register_twice, &old_exit), 0);
	assert_int_equal(base_waitq_wait(&new_exit.wq, reported_once, &new_exit, 60000), 0);
	assert_int_equal(base_thread_start(register_twice, &old_exit), 0);
	assert_int_equal(base_waitq_wait(&new_exit.wq, reported_twice, &new_exit, 60000), 0);
	assert_int_equal(base_load(&old_exit.count), 0);
}

static void exit_a(void *arg)
{
	(void)arg;
}

static void exit_b(void *arg)
{
	(void)arg;
}

static void exit_c(void *arg)
{
	(void)arg;
}

static void exit_d(void *arg)
{
	(void)arg;
}

static void at_exit_takes_four_functions(void **state)
{
	int x;

	(void)state;
	assert_int_equal(base_thread_at_exit(add_report, &new_exit), 0);
	assert_int_equal(base_thread_at_exit(exit_a, &x), 0);
	assert_int_equal(base_thread_at_exit(exit_b, &x), 0);
	assert_int_equal(base_thread_at_exit(exit_c, &x), 0);
	assert_int_equal(base_thread_at_exit(exit_d, &x), -ENOMEM);
	assert_int_equal(base_thread_at_exit(exit_c, &x), 0);
}

static int forks_prepared, forks_in_parent, forks_in_child;

static void prepare(void)
{
	forks_prepared++;
}

static void parent(void)
{
	forks_in_parent++;
}

static void child(void)
{
	forks_in_child++;
}

static int count_in_child(void)
{
	return forks_prepared * 100 + forks_in_parent * 10 + forks_in_child;
}

static void at_fork_runs_on_both_sides(void **state)
{
	(void)state;
	assert_int_equal(base_thread_at_fork(prepare, parent, child), 0);
	assert_int_equal(in_child(count_in_child), 101);
	assert_int_equal(count_in_child(), 110);
}

/* ---- files of memory ---- */

static void files_are_copied_and_paths_are_not(void **state)
{
	int fd = new_fd(), path = open("/dev/null", O_PATH), copy;

	(void)state;
	copy = base_sys_dup_file(fd);
	assert_true(copy > fd);
	assert_int_equal(fcntl(copy, F_GETFD), FD_CLOEXEC);
	assert_int_equal(base_sys_dup_file(path), -EBADF);
	close(path);
	assert_int_equal(base_sys_dup_file(path), -EBADF);
	close(copy);
	close(fd);
}

static void only_tmpfs_has_files_of_memory(void **state)
{
	int file = memfd_create("test", 0), null = new_fd();
	uint64_t size, page_size;

	(void)state;
	assert_int_equal(ftruncate(file, 10000), 0);
	assert_int_equal(base_sys_memory_file(file, &size, &page_size), 0);
	assert_int_equal(size, 10000);
	assert_int_equal(page_size, 4096);
	assert_int_equal(base_sys_memory_file(null, &size, &page_size), -EINVAL);
	close(null);
	assert_int_equal(base_sys_memory_file(null, &size, &page_size), -EINVAL);
	close(file);
}

static void a_file_is_mapped_shared(void **state)
{
	int file = memfd_create("test", 0);
	char text[4] = {0};
	void *at;

	(void)state;
	assert_int_equal(ftruncate(file, 8192), 0);
	assert_int_equal(base_sys_map_file(file, 4096, 4096, true, &at), 0);
	memcpy(at, "abc", 3);
	assert_int_equal(pread(file, text, 3, 4096), 3);
	assert_string_equal(text, "abc");
	base_sys_unmap(at, 4096);
	assert_int_equal(base_sys_map_file(file, 1, 4096, true, &at), -EINVAL);
	base_fail_nth(1);
	assert_int_equal(base_sys_map_file(file, 0, 4096, true, &at), -ENOMEM);
	base_fail_nth(1);
	assert_int_equal(base_sys_map_zeroes(4096, &at), -ENOMEM);
	assert_int_equal(base_sys_map_zeroes(UINT64_MAX / 2, &at), -ENOMEM);
	assert_int_equal(base_sys_map_zeroes(4096, &at), 0);
	assert_int_equal(((char *)at)[4095], 0);
	base_sys_unmap(at, 4096);
	close(file);
}

/* ---- limits ---- */

static int memlock_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) || base_sys_memlock_limit() != limit.rlim_cur)
		return 1;
	limit.rlim_cur = 12345;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || base_sys_memlock_limit() != 12345)
		return 2;
	limit.rlim_cur = RLIM_INFINITY;
	if (limit.rlim_max == RLIM_INFINITY &&
	    (setrlimit(RLIMIT_MEMLOCK, &limit) || base_sys_memlock_limit() != UINT64_MAX))
		return 3;
	return 0;
}

static void memlock_limit_is_the_soft_one(void **state)
{
	(void)state;
	assert_int_equal(in_child(memlock_limits), 0);
}

/* Without the effective capability, nobody may lock more, not even root. */
static int lock_without_capability(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return 1;
	if (base_sys_may_lock() != !!(data[0].effective & 1u << CAP_IPC_LOCK))
		return 2;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	if (syscall(SYS_capset, &header, data))
		return 3;
	return base_sys_may_lock();
}

static void locking_wants_an_effective_capability(void **state)
{
	(void)state;
	assert_int_equal(in_child(lock_without_capability), 0);
}

/* ---- who wants to know ---- */

static int last_made, last_closing;

static void note_made(int fd)
{
	last_made = fd;
}

static void note_closing(int fd)
{
	last_closing = is_open(fd) ? fd : -1;
}

static void a_watch_learns_of_our_descriptors(void **state)
{
	static const struct base_fd_watch watch = {.made = note_made, .closing = note_closing};
	int fd = new_fd(), copy;

	(void)state;
	base_sys_watch(&watch);
	copy = base_sys_dup_high(fd);
	assert_int_equal(last_made, copy);
	base_sys_close(copy);
	assert_int_equal(last_closing, copy);
	copy = base_sys_move_high(fd);
	assert_int_equal(last_made, copy);
	assert_int_equal(last_closing, fd);
	base_sys_watch(NULL);
	base_sys_close(copy);
	assert_int_equal(last_closing, fd);
}

static void *ask_from_a_thread(void *arg)
{
	*(bool *)arg = base_thread_is_only_one();
	return NULL;
}

static void sleep_for_ever(void *arg)
{
	(void)arg;
	pause();
}

static int count_threads(void)
{
	pthread_t thread;
	bool alone = true;

	if (!base_thread_is_only_one() || base_thread_start(sleep_for_ever, NULL) ||
	    !base_thread_is_only_one())
		return 1;
	pthread_create(&thread, NULL, ask_from_a_thread, &alone);
	pthread_join(thread, NULL);
	return alone;
}

/* The thread sanitizer has a thread of its own, which counts. */
static void threads_of_ours_do_not_count(void **state)
{
	(void)state;
#ifdef __SANITIZE_THREAD__
	skip();
#endif
	assert_int_equal(in_child(count_threads), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dup_high_is_high_and_close_on_exec),
		cmocka_unit_test(a_watch_learns_of_our_descriptors),
		cmocka_unit_test(threads_of_ours_do_not_count),
		cmocka_unit_test(dup_high_uses_lower_numbers_before_it_fails),
		cmocka_unit_test(move_high_closes_the_old_number),
		cmocka_unit_test(move_high_closes_even_if_it_fails),
		cmocka_unit_test(socketpair_talks_both_ways),
		cmocka_unit_test(hang_up_needs_the_last_copy_closed),
		cmocka_unit_test(only_an_eventfd_is_an_eventfd),
		cmocka_unit_test(without_proc_any_open_fd_passes),
		cmocka_unit_test(errors_leave_errno_alone),
		cmocka_unit_test(files_are_copied_and_paths_are_not),
		cmocka_unit_test(only_tmpfs_has_files_of_memory),
		cmocka_unit_test(a_file_is_mapped_shared),
		cmocka_unit_test(memlock_limit_is_the_soft_one),
		cmocka_unit_test(locking_wants_an_effective_capability),
		cmocka_unit_test(a_thread_gets_no_signals_but_faults),
		cmocka_unit_test(at_exit_runs_once_with_the_latest_argument),
		cmocka_unit_test(at_exit_takes_four_functions),
		cmocka_unit_test(at_fork_runs_on_both_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
