// SPDX-License-Identifier: MIT
/*
 * Calls of other processes on the files of this one: of a forked child, of a
 * program that it becomes, of a process that gets a number in a message.
 */
#include "e2e.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define ROUNDS 200

/* ---- calls ---- */

static int destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	return ioctl(iommufd, IOMMU_DESTROY, &cmd);
}

static uint64_t region_offset(int device, uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	return ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) ? ~0ull : info.offset;
}

/* ---- a forked child ---- */

static uint32_t parents_id;
static int parents_iommufd;
static volatile bool stop;

static int use_objects(int iommufd)
{
	uint32_t id = new_ioas(iommufd);
	int copy = dup(iommufd);

	child_check(id && id != parents_id);
	child_check(destroy(copy, parents_id) == 0);
	child_check(destroy(iommufd, parents_id) == -1 && errno == ENOENT);
	child_check(close(iommufd) == 0);
	child_check(destroy(copy, id) == 0);
	child_check(ioctl(copy, IOMMU_IOAS_ALLOC, NULL) == -1 && errno == EFAULT);
	child_check(ioctl(copy, VFIO_DEVICE_RESET) == -1 && errno == ENOTTY);
	return 0;
}

static void a_child_uses_the_parents_objects(void **state)
{
	static const char *const paths[] = {IOMMU_PATH, "/dev/vfio/vfio"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int fd = open(paths[i], O_RDWR | O_CLOEXEC);

		assert_true(fd >= 0);
		parents_id = new_ioas(fd);
		assert_int_equal(in_child(use_objects, fd), 0);
		assert_fails(destroy(fd, parents_id), ENOENT);
		close(fd);
	}
}

static void *volatile nowhere;

static int read_config(int device)
{
	off_t config = (off_t)region_offset(device, VFIO_PCI_CONFIG_REGION_INDEX);
	uint16_t ids[2] = {0}, half[2] = {0};
	struct iovec parts[] = {{half, 2}, {half + 1, 2}};
	struct stat st;

	child_check(pread(device, ids, 4, config) == 4 && ids[0] == 0x8086);
	child_check(preadv(device, parts, 2, config) == 4);
	child_check(!memcmp(ids, half, 4));
	child_check(pread(device, nowhere, 4, config) == -1 && errno == EFAULT);
	child_check(pread(device, ids, 4, -1) == -1 && errno == EINVAL);
	child_check(fstat(device, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 511);
	child_check((fcntl(device, F_GETFL) & O_ACCMODE) == O_RDWR);
	return 0;
}

static int grandchild_reads_config(int device)
{
	return read_config(device) || in_child(read_config, device) || read_config(device);
}

static void a_child_and_its_child_read_registers(void **state)
{
	int device = open_bound_device();

	(void)state;
	assert_int_equal(in_child(grandchild_reads_config, device), 0);
	close(device);
	assert_true(device_is_free());
}

static int parents_device;

/* The number of the iommufd is the child's own. */
static int bind_parents(int iommufd)
{
	int own = dup2(iommufd, 77);

	child_check(bind_device(parents_device, 78) == -1 && errno == EBADF);
	child_check(bind_device(parents_device, 0) == -1 && errno == EBADFD);
	child_check(bind_device(parents_device, parents_device) == -1 && errno == EBADFD);
	child_check(bind_device(parents_device, open_iommufd()) == -1 && errno == EBADFD);
	child_check(bind_device(parents_device, own) == 0);
	return 0;
}

static void a_child_binds_the_parents_device(void **state)
{
	int iommufd = open_iommufd();

	(void)state;
	parents_device = open_device();
	assert_int_equal(in_child(bind_parents, iommufd), 0);
	assert_false(device_is_free());
	assert_fails(bind_device(parents_device, iommufd), EINVAL);
	close(parents_device);
	assert_true(device_is_free());
	close(iommufd);
}

static int set_eventfd(int device)
{
	char cmd[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	struct vfio_irq_set set = {.argsz = sizeof(cmd),
				   .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
				   .index = VFIO_PCI_MSIX_IRQ_INDEX,
				   .count = 1};
	int32_t event = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	memcpy(cmd, &set, sizeof(set));
	memcpy(cmd + sizeof(set), &device, sizeof(device));
	child_check(ioctl(device, VFIO_DEVICE_SET_IRQS, cmd) == -1 && errno == EINVAL);
	memcpy(cmd + sizeof(set), &event, sizeof(event));
	child_check(ioctl(device, VFIO_DEVICE_SET_IRQS, cmd) == 0);
	set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	set.argsz = sizeof(set);
	child_check(ioctl(device, VFIO_DEVICE_SET_IRQS, &set) == 0);
	child_check(read(event, &count, sizeof(count)) == sizeof(count) && count == 1);
	return 0;
}

static void an_interrupt_arrives_in_a_child(void **state)
{
	int device = open_bound_device();

	(void)state;
	assert_int_equal(in_child(set_eventfd, device), 0);
	close(device);
}

static int close_last(int device)
{
	char byte;

	/* The parent's copy is closed now. */
	if (read(parents_device, &byte, 1) != 0)
		return 1;
	child_check(region_offset(device, 0) != ~0ull);
	child_check(close(device) == 0);
	return 0;
}

/* As of the last copy in the owner: the release is over when close() returns. */
static void a_childs_last_close_releases(void **state)
{
	int device = open_bound_device(), tell[2], told[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(tell[1]);
		close(told[0]);
		parents_device = tell[0];
		if (close_last(device))
			_exit(1);
		write(told[1], "", 1);
		pause();
	}
	close(device);
	assert_false(device_is_free());
	close(tell[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_true(device_is_free());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(tell[0]);
	close(told[0]);
	close(told[1]);
}

static void *allocate_and_destroy(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t id = new_ioas(fd);

		if (!id || destroy(fd, id))
			abort();
	}
	return NULL;
}

static int use_from_threads(int iommufd)
{
	pthread_t threads[12];

	for (size_t i = 0; i < 12; i++)
		child_check(!pthread_create(&threads[i], NULL, allocate_and_destroy, &iommufd));
	for (size_t i = 0; i < 12; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void threads_of_a_child_and_the_parent_call_at_once(void **state)
{
	int fd = open_iommufd(), status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(use_from_threads(fd));
	allocate_and_destroy(&fd);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	close(fd);
}

/* ---- queues ---- */

static short ready(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLOUT};

	poll(&poll_fd, 1, 0);
	return poll_fd.revents;
}

static int use_queue(int iommufd)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	int next = dup(0), fd;
	struct stat st;
	char buf[80];

	child_check(close(next) == 0);
	child_check(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &cmd) == 0);
	fd = (int)cmd.out_fault_fd;
	child_check(fd == next);
	child_check(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	child_check(fstat(fd, &st) == 0 && st.st_mode == 0600);
	child_check(ready(fd) == POLLOUT);
	child_check(read(fd, buf, sizeof(buf)) == 0);
	child_check(write(fd, buf, 7) == -1 && errno == ESPIPE);
	child_check(pread(fd, buf, 40, 0) == -1 && errno == ESPIPE);
	child_check(destroy(iommufd, cmd.out_fault_id) == -1 && errno == EBUSY);
	child_check(close(fd) == 0);
	child_check(destroy(iommufd, cmd.out_fault_id) == 0);
	child_check(write(fd, buf, 8) == -1 && errno == EBADF);
	return 0;
}

static void a_child_makes_a_fault_queue(void **state)
{
	int fd = open_iommufd();

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(in_child(use_queue, fd), 0);
	close(fd);
}

static void *copy_and_close(void *arg)
{
	const int *fd = arg;

	while (!stop)
		close(dup(*fd));
	return NULL;
}

/* A stream has to find a number of the file for each call. */
static int read_beside_closes(int iommufd)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	pthread_t thread;
	char buf[80];
	int queue;

	child_check(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &cmd) == 0);
	queue = (int)cmd.out_fault_fd;
	/* Copies get the lowest number, and are found first. */
	close(0);
	child_check(!pthread_create(&thread, NULL, copy_and_close, &queue));
	for (int i = 0; i < 5 * ROUNDS; i++)
		child_check(read(queue, buf, sizeof(buf)) == 0);
	stop = true;
	pthread_join(thread, NULL);
	return 0;
}

static void numbers_come_and_go_beside_calls(void **state)
{
	int fd = open_iommufd();

	(void)state;
	assert_int_equal(in_child(read_beside_closes, fd), 0);
	close(fd);
}

static int make_untold_queues(int iommufd)
{
	struct iommu_fault_alloc *cmd =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int next = dup(0);

	close(next);
	cmd->size = sizeof(*cmd);
	child_check(mprotect(cmd, 4096, PROT_READ) == 0);
	for (int i = 0; i < ROUNDS; i++)
		child_check(ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, cmd) == -1 && errno == EFAULT);
	child_check(dup(0) == next);
	return 0;
}

static void a_queue_that_cannot_be_told_leaves_the_child_no_number(void **state)
{
	int fd = open_iommufd();

	(void)state;
	assert_int_equal(in_child(make_untold_queues, fd), 0);
	close(fd);
}

/* ---- exec ---- */

static char *self;

static int become(const char *task, int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	execl(self, self, task, number, NULL);
	return 127;
}

static int become_reader(int fd)
{
	fcntl(fd, F_SETFD, 0);
	return become("read-config", fd);
}

static void a_new_program_uses_what_it_inherits(void **state)
{
	int device = open_bound_device();

	(void)state;
	assert_int_equal(in_child(become_reader, device), 0);
	close(device);
	assert_true(device_is_free());
}

/* ---- numbers in messages ---- */

/* A child that begins before there is a file, and does `fn` with the one that it receives. */
static pid_t receiver_start(int (*fn)(int fd), int *socket)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		_exit(fn(receive_number(pair[1])));
	}
	close(pair[1]);
	*socket = pair[0];
	return pid;
}

static void receiver_end(pid_t pid, int socket)
{
	int status;

	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	close(socket);
}

static void a_receiver_uses_the_file(void **state)
{
	int socket, device;
	pid_t pid = receiver_start(read_config, &socket);

	(void)state;
	device = open_bound_device();
	send_number(socket, device);
	receiver_end(pid, socket);
	assert_int_equal(close(device), 0);
	assert_true(device_is_free());
}

static void the_owner_may_get_its_own_file_back(void **state)
{
	int device = open_bound_device(), pair[2], back;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	send_number(pair[0], device);
	back = receive_number(pair[1]);
	assert_int_equal(close(device), 0);
	assert_int_not_equal(region_offset(back, 0), ~0ull);
	assert_false(device_is_free());
	assert_int_equal(close(back), 0);
	assert_true(device_is_free());
	close(pair[0]);
	close(pair[1]);
}

/* ---- ends ---- */

static int call_for_ever(int iommufd)
{
	for (;;) {
		struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
		uint32_t id = new_ioas(iommufd);

		if (!id || ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &cmd))
			return 1;
		close((int)cmd.out_fault_fd);
		destroy(iommufd, id);
	}
}

static int wait_and_allocate(int end)
{
	char byte;

	child_check(read(end, &byte, 1) == 1);
	child_check(new_ioas(parents_iommufd));
	return 0;
}

/* Who takes its numbers away keeps others waiting, but answers in the end. */
static void a_call_waits_while_the_owner_has_no_numbers(void **state)
{
	struct rlimit limit, none;
	int ends[2], status;
	pid_t pid;

	(void)state;
	parents_iommufd = open_iommufd();
	assert_int_equal(pipe(ends), 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	pid = fork();
	if (!pid)
		_exit(wait_and_allocate(ends[0]));
	none = (struct rlimit){.rlim_cur = 1, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(write(ends[1], "", 1), 1);
	usleep(50000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
	close(parents_iommufd);
}

static void a_child_may_be_killed_at_any_time(void **state)
{
	int fd = open_iommufd();

	(void)state;
	for (int i = 0; i < 60; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			_exit(call_for_ever(fd));
		usleep((useconds_t)(i * 131));
		assert_true(is_iommufd(fd));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
	assert_true(is_iommufd(fd));
	close(fd);
}

static int outlive_owner(int socket)
{
	int fd = receive_number(socket);
	char byte;

	child_check(is_iommufd(fd));
	send_number(socket, 0);
	/* The owner's end hangs up when it is gone. */
	while (read(socket, &byte, 1) > 0)
		;
	child_check(!is_iommufd(fd) && errno == EIO);
	child_check(close(fd) == 0);
	return 0;
}

static void without_its_owner_a_file_is_an_error(void **state)
{
	int pair[2], status;
	pid_t owner, pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		_exit(outlive_owner(pair[1]));
	}
	close(pair[1]);
	owner = fork();
	if (!owner) {
		send_number(pair[0], open_iommufd());
		_exit(receive_number(pair[0]) < 0);
	}
	close(pair[0]);
	waitpid(owner, &status, 0);
	assert_int_equal(status, 0);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_uses_the_parents_objects),
		cmocka_unit_test(a_child_and_its_child_read_registers),
		cmocka_unit_test(a_child_binds_the_parents_device),
		cmocka_unit_test(an_interrupt_arrives_in_a_child),
		cmocka_unit_test(a_childs_last_close_releases),
		cmocka_unit_test(threads_of_a_child_and_the_parent_call_at_once),
		cmocka_unit_test(a_child_makes_a_fault_queue),
		cmocka_unit_test(numbers_come_and_go_beside_calls),
		cmocka_unit_test(a_queue_that_cannot_be_told_leaves_the_child_no_number),
		cmocka_unit_test(a_new_program_uses_what_it_inherits),
		cmocka_unit_test(a_receiver_uses_the_file),
		cmocka_unit_test(the_owner_may_get_its_own_file_back),
		cmocka_unit_test(a_call_waits_while_the_owner_has_no_numbers),
		cmocka_unit_test(a_child_may_be_killed_at_any_time),
		cmocka_unit_test(without_its_owner_a_file_is_an_error),
	};

	self = "/proc/self/exe";
	if (argc == 3 && !strcmp(argv[1], "read-config"))
		return read_config(atoi(argv[2]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
