// SPDX-License-Identifier: MIT
/*
 * Files across fork, exec and sockets: who holds them, when they end, and the
 * machine of its own that a child gets.
 */
#include "e2e.h"

#include <pthread.h>
#include <stdio.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>

extern char **environ;

/* ---- fork ---- */

static int close_inherited(int fd)
{
	int copy = dup(fd);

	child_check(copy >= 0);
	child_check(dup2(fd, 100) == 100);
	child_check(close(fd) == 0 && close(copy) == 0 && close(100) == 0);
	child_check(close(fd) == -1 && errno == EBADF);
	return 0;
}

static void a_childs_close_changes_nothing_for_the_parent(void **state)
{
	int device = open_bound_device();

	(void)state;
	assert_int_equal(in_child(close_inherited, device), 0);
	assert_false(device_is_free());
	close(device);
	assert_true(device_is_free());
}

static int use_own_machine(int inherited)
{
	int device;

	child_check(device_is_free());
	device = open_bound_device();
	child_check(!device_is_free());
	child_check(close(device) == 0);
	child_check(device_is_free());
	child_check(close(inherited) == 0);
	return 0;
}

static int use_own_machine_as_grandchild(int inherited)
{
	return use_own_machine(inherited) || in_child(use_own_machine, open_bound_device());
}

static void a_child_has_a_machine_of_its_own(void **state)
{
	int device = open_bound_device();

	(void)state;
	assert_int_equal(in_child(use_own_machine, device), 0);
	assert_int_equal(in_child(use_own_machine_as_grandchild, device), 0);
	assert_false(device_is_free());
	close(device);
}

static int bind_to_inherited(int iommufd)
{
	int device = open_device();

	child_check(bind_device(device, iommufd) == -1 && errno == EBADFD);
	return 0;
}

static void a_childs_device_does_not_bind_to_the_parents_iommufd(void **state)
{
	int fd = open_iommufd();

	(void)state;
	assert_int_equal(in_child(bind_to_inherited, fd), 0);
	close(fd);
}

/* A child that holds what it has inherited until told; its pid, and the pipe to tell it. */
static pid_t holder_start(int *tell)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	close(ends[0]);
	*tell = ends[1];
	return pid;
}

static void holder_stop(pid_t pid, int tell)
{
	close(tell);
	waitpid(pid, NULL, 0);
}

static void the_last_copy_may_be_a_childs(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		int device = open_bound_device(), tell;
		pid_t pid = holder_start(&tell);

		assert_int_equal(close(device), 0);
		assert_false(device_is_free());
		holder_stop(pid, tell);
		wait_until_free();
	}
}

static void many_files_can_wait_for_children(void **state)
{
	int fds[40], tell;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 40; i++)
		fds[i] = open_iommufd();
	fds[7] = dup2(open_bound_device(), fds[7]);
	pid = holder_start(&tell);
	closefrom(tell + 1);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	holder_stop(pid, tell);
	closefrom(3);
	wait_until_free();
}

/* ---- vfork and spawn: children with our memory, but descriptors of their own ---- */

static void a_vfork_child_closes_its_own_copies(void **state)
{
	int device = open_bound_device(), status;
	pid_t pid = vfork();

	(void)state;
	if (!pid) {
		close(device);
		dup2(0, device);
		close_range(3, ~0u, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_false(device_is_free());
	assert_fails(ioctl(device, 0x3bff), ENOTTY);
	assert_int_equal(close(device), 0);
	assert_true(device_is_free());
}

static void a_spawned_child_leaves_all_as_it_is(void **state)
{
	char *argv[] = {"true", NULL};
	int device = open_bound_device(), status;
	pid_t pid;

	(void)state;
	assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), 0);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_false(device_is_free());
	close(device);
	assert_true(device_is_free());
}

/* ---- exec ---- */

/* What a new program image sees of number `fd`: exit status of a shell's test. */
static int run_shell(const char *script, int fd)
{
	char command[128];

	snprintf(command, sizeof(command), script, fd);
	execl("/bin/sh", "sh", "-c", command, NULL);
	return 127;
}

static int exec_and_look(int fd)
{
	return run_shell("test -e /proc/self/fd/%d", fd);
}

static void close_on_exec_is_kept_to(void **state)
{
	int marked = open(IOMMU_PATH, O_RDWR | O_CLOEXEC), plain = open(IOMMU_PATH, O_RDWR);

	(void)state;
	assert_int_equal(WEXITSTATUS(in_child(exec_and_look, marked)), 1);
	assert_int_equal(WEXITSTATUS(in_child(exec_and_look, plain)), 0);
	close(marked);
	close(plain);
}

static int exec_and_count(int fd)
{
	(void)fd;
	/* What is open besides 0 to 2 and the directory itself. */
	return run_shell("test $(ls /proc/self/fd | wc -l) -le 4", 0);
}

static void nothing_of_the_librarys_own_is_left_to_exec(void **state)
{
	int fd = open_iommufd(), device = open_bound_device(), tell;
	pid_t pid = holder_start(&tell);

	(void)state;
	close(device);
	assert_int_equal(WEXITSTATUS(in_child(exec_and_count, fd)), 0);
	holder_stop(pid, tell);
	close(fd);
	wait_until_free();
}

/* ---- numbers in messages ---- */

static void a_file_in_a_message_stays_open(void **state)
{
	int device = open_bound_device(), pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	send_number(pair[0], device);
	assert_int_equal(close(device), 0);
	assert_false(device_is_free());
	close(pair[1]);
	close(pair[0]);
	wait_until_free();
}

/* ---- threads ---- */

static volatile bool stop;

static void *open_and_close(void *arg)
{
	while (!stop) {
		int fd = open(IOMMU_PATH, O_RDWR | O_CLOEXEC), copy = dup(fd);

		if (!is_iommufd(copy))
			abort();
		close(fd);
		close(copy);
	}
	return arg;
}

static int use_iommufd(int arg)
{
	int fd = open_iommufd();

	(void)arg;
	child_check(is_iommufd(fd));
	child_check(close(fd) == 0);
	return 0;
}

static void fork_finds_no_lock_held(void **state)
{
	pthread_t threads[2];

	(void)state;
	stop = false;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, open_and_close, NULL);
	for (int i = 0; i < 50; i++)
		assert_int_equal(in_child(use_iommufd, 0), 0);
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(device_is_free());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_childs_close_changes_nothing_for_the_parent),
		cmocka_unit_test(a_child_has_a_machine_of_its_own),
		cmocka_unit_test(a_childs_device_does_not_bind_to_the_parents_iommufd),
		cmocka_unit_test(the_last_copy_may_be_a_childs),
		cmocka_unit_test(many_files_can_wait_for_children),
		cmocka_unit_test(a_vfork_child_closes_its_own_copies),
		cmocka_unit_test(a_spawned_child_leaves_all_as_it_is),
		cmocka_unit_test(close_on_exec_is_kept_to),
		cmocka_unit_test(nothing_of_the_librarys_own_is_left_to_exec),
		cmocka_unit_test(a_file_in_a_message_stays_open),
		cmocka_unit_test(fork_finds_no_lock_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
