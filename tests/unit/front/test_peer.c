// SPDX-License-Identifier: MIT
/*
 * front/peer.h and front/remote.h: an owner and remote processes, here one process
 * that is both, over real connections; and peers that do not keep to the rules.
 */
#include "front/peer.h"
#include "front/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#define CALLS 300

/* ---- a file that says what it was asked ---- */

enum {
	CMD_COPY = 1, /* the 8 bytes at arg, plus 1 */
	CMD_FILE,     /* the file of fd arg: 0 if it is this one */
	CMD_EVENT,    /* adds 7 to the eventfd arg */
	CMD_FD,	      /* closes a copy of descriptor arg */
	CMD_OPEN,     /* makes a file; its number to arg */
	CMD_UNDO,     /* makes a file, but no */
};

static struct owner {
	struct mem_file file;
	unsigned released, dropped, settled, called;
} owner;

static struct mem_file other_file;

static long file_copy(struct mem_client *client, uint64_t arg)
{
	uint64_t value;

	if (mem_copy_in(client, &value, arg, sizeof(value)))
		return -EFAULT;
	value++;
	return mem_copy_out(client, arg, &value, sizeof(value));
}

static long file_file(struct mem_file *file, struct mem_client *client, int fd)
{
	struct mem_file *found;
	int rc = client->ops->file_get(client, fd, &found);

	if (rc)
		return rc;
	rc = found != file;
	mem_file_put(found);
	return rc;
}

static long file_event(struct mem_client *client, int fd)
{
	int event = client->ops->eventfd_get(client, fd);
	uint64_t seven = 7;

	if (event < 0)
		return event;
	base_sys_write(event, &seven, sizeof(seven));
	return base_sys_close(event);
}

static long file_open(struct mem_client *client, uint64_t arg, bool publish)
{
	struct mem_new_file new_file;
	int rc;

	mem_file_get(&other_file);
	rc = client->ops->file_reserve(client, &other_file, O_RDWR | O_CLOEXEC, &new_file);
	if (rc) {
		mem_file_put(&other_file);
		return rc;
	}
	rc = publish ? mem_copy_out(client, arg, &new_file.fd, sizeof(int)) : -ECANCELED;
	if (rc)
		client->ops->file_abort(client, &new_file);
	else
		client->ops->file_publish(client, &new_file);
	return rc;
}

static long owner_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			uint64_t arg)
{
	assert_true(client->remote);
	switch (cmd) {
	case CMD_COPY: return file_copy(client, arg);
	case CMD_FILE: return file_file(file, client, (int)arg);
	case CMD_EVENT: return file_event(client, (int)arg);
	case CMD_FD: return base_sys_close(client->ops->fd_get(client, (int)arg));
	case CMD_OPEN: return file_open(client, arg, true);
	case CMD_UNDO: return file_open(client, arg, false);
	default: return -ENOTTY;
	}
}

static ssize_t owner_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
			   size_t count, uint64_t pos)
{
	uint8_t byte = (uint8_t)pos;

	(void)file;
	return mem_copy_out(client, addr, &byte, 1) ? -EFAULT : (ssize_t)count;
}

static ssize_t owner_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			    size_t count, uint64_t pos)
{
	uint8_t byte;

	(void)file, (void)count;
	return mem_copy_in(client, &byte, addr, 1) ? -EFAULT : (ssize_t)(byte + pos);
}

static void owner_release(struct mem_file *file)
{
	(void)file;
	base_add(&owner.released, 1);
}

static const struct mem_file_ops owner_ops = {.name = "test",
					      .ioctl = owner_ioctl,
					      .pread = owner_pread,
					      .pwrite = owner_pwrite,
					      .release = owner_release};

/* ---- the owner ---- */

static struct front_fdtable table;
static struct mem_client local;

static int host_file_new(struct mem_file *file, int flags, int *fd, struct front_slot **slot);

static void host_file_drop(struct front_slot *slot)
{
	base_add(&owner.dropped, 1);
	base_mutex_lock(&table.lock);
	front_slot_close_locked(&table, slot);
	base_mutex_unlock(&table.lock);
	base_sys_close(slot->kept);
	front_slot_put(&table, slot);
}

static void host_settle(struct front_slot *slot)
{
	(void)slot;
	base_add(&owner.settled, 1);
}

static void host_called(struct front_slot *slot, const struct base_process *process, int number)
{
	(void)slot, (void)number;
	assert_int_equal(process->pid, getpid());
	base_add(&owner.called, 1);
}

static struct front_host host = {
	.table = &table,
	.client = &local,
	.file_new = host_file_new,
	.file_drop = host_file_drop,
	.settle = host_settle,
	.called = host_called,
};

/* A description of the file: its kept end has a name, *fd is the other. */
static struct front_slot *describe(struct mem_file *file, int *fd)
{
	struct front_name name = {.magic = FRONT_NAME_MAGIC,
				  .key = host.key,
				  .type = FRONT_NODE_QUEUE,
				  .access = O_RDWR};
	struct front_slot *slot;
	int pair[2];

	assert_int_equal(base_sys_socketpair(pair), 0);
	base_mutex_lock(&table.lock);
	assert_int_equal(front_slot_new_locked(&table, file, &slot), 0);
	base_mutex_unlock(&table.lock);
	slot->node.type = FRONT_NODE_QUEUE;
	slot->access = O_RDWR;
	slot->kept = pair[1];
	name.serial = slot->serial;
	assert_int_equal(base_socket_bind(pair[1], &name, sizeof(name)), 0);
	*fd = pair[0];
	return slot;
}

static int host_file_new(struct mem_file *file, int flags, int *fd, struct front_slot **slot)
{
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	*slot = describe(file, fd);
	return 0;
}

static void undescribe(struct front_slot *slot, int fd)
{
	base_mutex_lock(&table.lock);
	front_slot_close_locked(&table, slot);
	base_mutex_unlock(&table.lock);
	base_sys_close(slot->kept);
	base_sys_close(fd);
	front_slot_put(&table, slot);
}

static void *serve(void *arg)
{
	int conn = (int)(intptr_t)arg;

	front_peer_serve(&host, conn);
	base_sys_close(conn);
	return NULL;
}

/* Serves connections until one comes while `stop` is set. */
static bool stop;
static int listening;
static pthread_t acceptor;

static void *accept_all(void *arg)
{
	pthread_t threads[CALLS];
	size_t count = 0;

	for (;;) {
		int conn;

		base_sys_wait_readable(&listening, 1);
		conn = base_socket_accept(listening);
		assert_true(conn >= 0);
		if (base_load(&stop)) {
			base_sys_close(conn);
			break;
		}
		assert_true(count < CALLS);
		pthread_create(&threads[count++], NULL, serve, (void *)(intptr_t)conn);
	}
	while (count)
		pthread_join(threads[--count], NULL);
	return arg;
}

/* ---- the remote side ---- */

static int number, opened;

static int remote_number(struct front_remote *remote)
{
	(void)remote;
	return number;
}

static void remote_number_new(int fd, int flags)
{
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
}

static void remote_number_opened(int fd)
{
	opened = fd;
}

static const struct front_remote_ops remote_ops = {
	.number = remote_number,
	.number_new = remote_number_new,
	.number_opened = remote_number_opened,
};

static struct front_slot *slot;
static struct front_remote *remote;

static int set_up(void **state)
{
	struct front_name name;

	(void)state;
	memset(&owner, 0, sizeof(owner));
	mem_file_init(&owner.file, &owner_ops);
	mem_file_init(&other_file, &owner_ops);
	table = (struct front_fdtable){0};
	front_fdtable_init(&table);
	host.key = base_process_random();
	name = front_name_of_server(host.key);
	listening = base_socket_listen(&name, sizeof(name));
	base_store(&stop, false);
	pthread_create(&acceptor, NULL, accept_all, NULL);
	slot = describe(&owner.file, &number);
	if (!front_name_get(number, &name))
		return -1;
	return front_remote_new(&name, &remote_ops, &remote);
}

static int tear_down(void **state)
{
	const struct front_name name = front_name_of_server(host.key);
	int conn;

	(void)state;
	mem_file_put(&remote->file);
	base_store(&stop, true);
	conn = base_socket_connect(&name, sizeof(name));
	pthread_join(acceptor, NULL);
	base_sys_close(conn);
	base_sys_close(listening);
	undescribe(slot, number);
	assert_int_equal(base_load(&owner.released), 1);
	front_fdtable_fini(&table);
	return 0;
}

static long call(uint32_t cmd, uint64_t arg)
{
	return mem_file_ioctl(&remote->file, &local, cmd, arg);
}

/* ---- calls ---- */

static void names_tell_what_is_ours(void **state)
{
	const struct front_name server = front_name_of_server(host.key);
	int conn = base_socket_connect(&server, sizeof(server)), event = eventfd(0, 0);
	struct front_name name;

	(void)state;
	assert_true(front_name_get(number, &name));
	assert_true(name.key == host.key && name.serial == slot->serial);
	assert_false(front_name_get(slot->kept, &name));
	assert_false(front_name_get(conn, &name));
	assert_false(front_name_get(listening, &name));
	assert_false(front_name_get(event, &name));
	assert_true(front_name_is_own(slot->kept));
	assert_true(front_name_is_own(conn));
	assert_true(front_name_is_own(listening));
	assert_false(front_name_is_own(number));
	assert_false(front_name_is_own(event));
	base_sys_close(conn);
	close(event);
}

static void calls_reach_the_file(void **state)
{
	uint64_t value = 41;
	uint8_t byte = 9;

	(void)state;
	assert_int_equal(call(CMD_COPY, (uintptr_t)&value), 0);
	assert_int_equal(value, 42);
	assert_int_equal(call(CMD_COPY, 8), -EFAULT);
	assert_int_equal(call(99, 0), -ENOTTY);
	assert_int_equal(mem_file_pread(&remote->file, &local, (uintptr_t)&byte, 5, 77), 5);
	assert_int_equal(byte, 77);
	assert_int_equal(mem_file_pwrite(&remote->file, &local, (uintptr_t)&byte, 1, 3), 80);
	assert_int_equal(mem_file_pread(&remote->file, &local, 8, 1, 0), -EFAULT);
	assert_int_equal(mem_file_pread(&remote->file, &local, 8, 1, UINT64_MAX), -EINVAL);
	/* The position is the owner's. */
	assert_int_equal(mem_file_read(&remote->file, &local, (uintptr_t)&byte, 5), 5);
	assert_int_equal(mem_file_read(&remote->file, &local, (uintptr_t)&byte, 5), 5);
	assert_int_equal(byte, 5);
	assert_int_equal(mem_file_write(&remote->file, &local, (uintptr_t)&byte, 1), 15);
	assert_int_equal(base_load(&owner.called), 10);
}

static void descriptors_are_those_of_the_remote(void **state)
{
	int event = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	(void)state;
	assert_int_equal(call(CMD_FILE, (uint64_t)number), 0);
	assert_int_equal(call(CMD_FILE, (uint64_t)event), -EBADFD);
	assert_int_equal(call(CMD_FILE, 999), -EBADF);
	assert_int_equal(call(CMD_FILE, UINT64_MAX), -EBADF);
	assert_int_equal(call(CMD_EVENT, (uint64_t)event), 0);
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 7);
	assert_int_equal(call(CMD_EVENT, 999), -EBADF);
	assert_int_equal(call(CMD_EVENT, (uint64_t)number), -EINVAL);
	assert_int_equal(call(CMD_FD, (uint64_t)event), 0);
	assert_int_equal(call(CMD_FD, (uint64_t)number), -EBADF);
	close(event);
}

static void new_files_get_numbers(void **state)
{
	struct front_slot *made;
	struct front_name name;
	int fd = -1;

	(void)state;
	assert_int_equal(call(CMD_UNDO, 0), -ECANCELED);
	assert_int_equal(base_load(&owner.dropped), 1);
	assert_int_equal(call(CMD_OPEN, 8), -EFAULT);
	assert_int_equal(base_load(&owner.dropped), 2);
	assert_int_equal(call(CMD_OPEN, (uintptr_t)&fd), 0);
	assert_int_equal(opened, fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(front_name_get(fd, &name) && name.key == host.key);
	assert_int_equal(base_load(&owner.settled), 1);
	made = front_slot_get_serial(&table, name.serial);
	front_slot_put(&table, made);
	undescribe(made, fd);
}

static void *call_often(void *arg)
{
	for (int i = 0; i < CALLS; i++) {
		uint64_t value = (uint64_t)i;

		assert_int_equal(call(CMD_COPY, (uintptr_t)&value), 0);
		assert_int_equal(value, i + 1);
	}
	return arg;
}

static void threads_call_at_once(void **state)
{
	pthread_t threads[2 * FRONT_REMOTE_CALLS];

	(void)state;
	for (size_t i = 0; i < base_array_size(threads); i++)
		pthread_create(&threads[i], NULL, call_often, NULL);
	for (size_t i = 0; i < base_array_size(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(base_load(&owner.called), base_array_size(threads) * CALLS);
}

static void the_last_close_is_told(void **state)
{
	uint64_t value = 0;

	(void)state;
	front_remote_close(remote);
	assert_int_equal(base_load(&owner.settled), 0);
	assert_int_equal(call(CMD_COPY, (uintptr_t)&value), 0);
	front_remote_close(remote);
	assert_int_equal(base_load(&owner.settled), 1);
}

static void without_a_number_there_is_no_call(void **state)
{
	int good = number, pair[2];
	uint64_t value = 0;

	(void)state;
	number = -1;
	assert_int_equal(call(CMD_COPY, (uintptr_t)&value), -EBADF);
	assert_int_equal(base_sys_socketpair(pair), 0);
	number = pair[0];
	assert_int_equal(call(CMD_COPY, (uintptr_t)&value), -EIO);
	number = 999;
	assert_int_equal(call(CMD_COPY, (uintptr_t)&value), -EIO);
	number = good;
	assert_int_equal(call(CMD_COPY, (uintptr_t)&value), 0);
	base_sys_close(pair[0]);
	base_sys_close(pair[1]);
}

static void pinned_memory_is_told(void **state)
{
	struct mem_account seen = {0};

	(void)state;
	base_store_relaxed(&local.account.pinned, 7);
	base_store_relaxed(&local.account.locked, 3);
	front_remote_account(remote, (uint64_t)getpid(), &seen);
	assert_true(seen.pinned == 7 && seen.locked == 3);
	front_remote_account(remote, (uint64_t)getpid() + 1, &seen);
	assert_true(seen.pinned == 7 && seen.locked == 3);
	base_store_relaxed(&local.account.pinned, 0);
	base_store_relaxed(&local.account.locked, 0);
}

/* ---- peers that do not keep to the rules ---- */

static const uint64_t some_token = 77;

static int raw_connect(void)
{
	const struct front_name server = front_name_of_server(host.key);

	return base_socket_connect(&server, sizeof(server));
}

/* The owner's answer to a request; -ECONNRESET: it has closed the connection. */
static int64_t raw_call(int conn, uint32_t op, int fd, uint64_t a, uint64_t b)
{
	const struct front_request request = {.op = op, .fd = fd, .args = {a, b, 0}};
	struct front_reply reply;
	int rc = base_socket_send(conn, &request, sizeof(request), -1);

	if (!rc)
		rc = base_socket_recv(conn, &reply, sizeof(reply), NULL);
	return rc ? -ECONNRESET : reply.result;
}

static int64_t raw_hello(int conn)
{
	return raw_call(conn, FRONT_HELLO, number, (uintptr_t)&some_token, some_token);
}

static void the_first_request_is_hello(void **state)
{
	(void)state;
	for (uint32_t op = 0; op < 12; op++) {
		int conn = raw_connect();

		if (op != FRONT_HELLO)
			assert_int_equal(raw_call(conn, op, number, 0, 0), -ECONNRESET);
		base_sys_close(conn);
	}
}

static void nonsense_ends_the_connection(void **state)
{
	static const uint32_t ops[] = {0, FRONT_HELLO, FRONT_NUMBER, FRONT_ACCOUNT + 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < base_array_size(ops); i++) {
		int conn = raw_connect();

		assert_int_equal(raw_hello(conn), 0);
		assert_int_equal(raw_call(conn, FRONT_IOCTL, 0, 99, 0), -ENOTTY);
		assert_int_equal(raw_call(conn, ops[i], number, 0, 0), -ECONNRESET);
		base_sys_close(conn);
	}
}

static void messages_of_a_wrong_size_end_the_connection(void **state)
{
	static const char bytes[200];
	struct front_reply reply;

	(void)state;
	for (size_t n = 1; n < sizeof(bytes); n += 13) {
		int conn = raw_connect();

		assert_int_equal(raw_hello(conn), 0);
		assert_int_equal(base_socket_send(conn, bytes, n, -1), 0);
		assert_true(base_socket_recv(conn, &reply, sizeof(reply), NULL) < 0);
		base_sys_close(conn);
	}
}

static void who_lies_about_its_memory_is_refused(void **state)
{
	int conn = raw_connect();

	(void)state;
	assert_true(raw_call(conn, FRONT_HELLO, number, 8, some_token) < 0);
	assert_true(raw_call(conn, FRONT_HELLO, number, (uintptr_t)&some_token, 5) < 0);
	/* But it may try again. */
	assert_int_equal(raw_hello(conn), 0);
	base_sys_close(conn);
}

static void a_name_alone_is_no_proof(void **state)
{
	struct front_name name;
	int good = number, pair[2], conn = raw_connect();

	(void)state;
	assert_true(front_name_get(number, &name));
	name.serial += 1000;
	assert_int_equal(base_sys_socketpair(pair), 0);
	assert_int_equal(base_socket_bind(pair[1], &name, sizeof(name)), 0);
	number = pair[0];
	assert_int_equal(raw_hello(conn), -EBADF);
	number = good;
	base_sys_close(pair[0]);
	base_sys_close(pair[1]);
	base_sys_close(conn);
}

/* Wherever a call is: the owner finishes it, and goes on with others. */
/* Of another user, who has taken the name of an owner that is gone. */
static void a_false_server_is_not_trusted(void **state)
{
	const struct front_name server = front_name_of_server(~host.key);
	struct front_remote *deceived;
	struct front_name name;
	uint64_t value = 1;
	int fd;

	(void)state;
	if (geteuid()) {
		print_message("only root can be another user\n");
		skip();
	}
	assert_int_equal(seteuid(65534), 0);
	fd = base_socket_listen(&server, sizeof(server));
	assert_int_equal(seteuid(0), 0);
	assert_true(fd >= 0);
	assert_true(front_name_get(number, &name));
	name.key = ~host.key;
	assert_int_equal(front_remote_new(&name, &remote_ops, &deceived), 0);
	assert_int_equal(mem_file_ioctl(&deceived->file, &local, CMD_COPY, (uintptr_t)&value),
			 -EIO);
	mem_file_put(&deceived->file);
	base_sys_close(fd);
}

static void a_peer_may_leave_at_any_time(void **state)
{
	const struct front_request open = {.op = FRONT_IOCTL, .args = {CMD_OPEN, 8}};
	uint64_t value = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		int conn = raw_connect();

		if (i % 4)
			assert_int_equal(raw_hello(conn), 0);
		if (i % 4 > 1)
			assert_int_equal(base_socket_send(conn, &open, sizeof(open), -1), 0);
		if (i % 4 > 2)
			base_sys_wait_readable(&conn, 1);
		base_sys_close(conn);
		assert_int_equal(call(CMD_COPY, (uintptr_t)&value), 0);
	}
	assert_int_equal(value, 20);
}

static void an_answer_that_is_none_ends_the_call(void **state)
{
	struct front_reply reply;
	int conn = raw_connect(), fd;

	(void)state;
	assert_int_equal(raw_hello(conn), 0);
	assert_int_equal(base_socket_send(conn,
					  &(struct front_request){.op = FRONT_IOCTL,
								  .args = {CMD_OPEN, 8}},
					  sizeof(struct front_request), -1),
			 0);
	assert_int_equal(base_socket_recv(conn, &reply, sizeof(reply), &fd), 0);
	assert_int_equal(reply.op, FRONT_NEW);
	base_sys_close(fd);
	assert_int_equal(raw_call(conn, FRONT_IOCTL, 0, 0, 0), -EIO);
	assert_int_equal(base_load(&owner.dropped), 1);
	base_sys_close(conn);
}

static void a_description_that_has_ended_is_no_other(void **state)
{
	int conn = raw_connect(), fd;
	struct front_slot *again;

	(void)state;
	assert_int_equal(raw_hello(conn), 0);
	undescribe(slot, number);
	assert_int_equal(base_load(&owner.released), 1);
	assert_int_equal(raw_call(conn, FRONT_IOCTL, 0, 99, 0), -EBADF);
	mem_file_init(&owner.file, &owner_ops);
	again = describe(&owner.file, &fd);
	assert_ptr_equal(again, slot);
	assert_int_equal(raw_call(conn, FRONT_IOCTL, 0, 99, 0), -EBADF);
	base_sys_close(conn);
	number = fd;
	owner.released = 0;
}

static int install(void **state)
{
	(void)state;
	return base_guard_install();
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_tell_what_is_ours),
		TEST(calls_reach_the_file),
		TEST(descriptors_are_those_of_the_remote),
		TEST(new_files_get_numbers),
		TEST(threads_call_at_once),
		TEST(the_last_close_is_told),
		TEST(without_a_number_there_is_no_call),
		TEST(pinned_memory_is_told),
		TEST(the_first_request_is_hello),
		TEST(nonsense_ends_the_connection),
		TEST(messages_of_a_wrong_size_end_the_connection),
		TEST(who_lies_about_its_memory_is_refused),
		TEST(a_name_alone_is_no_proof),
		TEST(a_false_server_is_not_trusted),
		TEST(a_peer_may_leave_at_any_time),
		TEST(an_answer_that_is_none_ends_the_call),
		TEST(a_description_that_has_ended_is_no_other),
	};

	return cmocka_run_group_tests_name("peer", tests, install, NULL);
}
