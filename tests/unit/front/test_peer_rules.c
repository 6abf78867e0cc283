// SPDX-License-Identifier: MIT
/* front/peer.h and front/remote.h: peers that do not keep to the rules. */
#include "peers.h"

static const uint64_t some_token = 77;

static int raw_connect(void)
{
	const struct front_name server = front_name_of_server(peers_host.key);

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
	return raw_call(conn, FRONT_HELLO, peers.number, (uintptr_t)&some_token, some_token);
}

static void the_first_request_is_hello(void **state)
{
	(void)state;
	for (uint32_t op = 0; op < 12; op++) {
		int conn = raw_connect();

		if (op != FRONT_HELLO)
			assert_int_equal(raw_call(conn, op, peers.number, 0, 0), -ECONNRESET);
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
		assert_int_equal(raw_call(conn, ops[i], peers.number, 0, 0), -ECONNRESET);
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
	assert_true(raw_call(conn, FRONT_HELLO, peers.number, 8, some_token) < 0);
	assert_true(raw_call(conn, FRONT_HELLO, peers.number, (uintptr_t)&some_token, 5) < 0);
	/* But it may try again. */
	assert_int_equal(raw_hello(conn), 0);
	base_sys_close(conn);
}

static void a_name_alone_is_no_proof(void **state)
{
	struct front_name name;
	int good = peers.number, pair[2], conn = raw_connect();

	(void)state;
	assert_true(front_name_get(peers.number, &name));
	name.serial += 1000;
	assert_int_equal(base_sys_socketpair(pair), 0);
	assert_int_equal(base_socket_bind(pair[1], &name, sizeof(name)), 0);
	peers.number = pair[0];
	assert_int_equal(raw_hello(conn), -EBADF);
	peers.number = good;
	base_sys_close(pair[0]);
	base_sys_close(pair[1]);
	base_sys_close(conn);
}

/* Wherever a call is: the owner finishes it, and goes on with others. */
/* Of another user, who has taken the name of an owner that is gone. */
static void a_false_server_is_not_trusted(void **state)
{
	const struct front_name server = front_name_of_server(~peers_host.key);
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
	assert_true(front_name_get(peers.number, &name));
	name.key = ~peers_host.key;
	assert_int_equal(front_remote_new(&name, &peers_remote_ops, &deceived), 0);
	assert_int_equal(mem_file_ioctl(&deceived->file, &peers.local, CMD_COPY, (uintptr_t)&value),
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
		assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), 0);
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
	assert_int_equal(base_load(&peers.owner.dropped), 1);
	base_sys_close(conn);
}

static void a_description_that_has_ended_is_no_other(void **state)
{
	int conn = raw_connect(), fd;
	struct front_slot *again;

	(void)state;
	assert_int_equal(raw_hello(conn), 0);
	peers_undescribe(peers.slot, peers.number);
	assert_int_equal(base_load(&peers.owner.released), 1);
	assert_int_equal(raw_call(conn, FRONT_IOCTL, 0, 99, 0), -EBADF);
	mem_file_init(&peers.owner.file, peers.other_file.ops);
	again = peers_describe(&peers.owner.file, &fd);
	assert_ptr_equal(again, peers.slot);
	assert_int_equal(raw_call(conn, FRONT_IOCTL, 0, 99, 0), -EBADF);
	base_sys_close(conn);
	peers.number = fd;
	peers.owner.released = 0;
}

static int install(void **state)
{
	(void)state;
	return base_guard_install();
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, peers_set_up, peers_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
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

	return cmocka_run_group_tests_name("peer_rules", tests, install, NULL);
}
