// SPDX-License-Identifier: MIT
/* front/peer.h and front/remote.h: calls of remote processes reach the owner. */
#include "peers.h"

static void names_tell_what_is_ours(void **state)
{
	const struct front_name server = front_name_of_server(peers_host.key);
	int conn = base_socket_connect(&server, sizeof(server)), event = eventfd(0, 0);
	struct front_name name;

	(void)state;
	assert_true(front_name_get(peers.number, &name));
	assert_true(name.key == peers_host.key && name.serial == peers.slot->serial);
	assert_false(front_name_get(peers.slot->kept, &name));
	assert_false(front_name_get(conn, &name));
	assert_false(front_name_get(peers.listening, &name));
	assert_false(front_name_get(event, &name));
	assert_true(front_name_is_own(peers.slot->kept));
	assert_true(front_name_is_own(conn));
	assert_true(front_name_is_own(peers.listening));
	assert_false(front_name_is_own(peers.number));
	assert_false(front_name_is_own(event));
	base_sys_close(conn);
	close(event);
}

static void calls_reach_the_file(void **state)
{
	uint64_t value = 41;
	uint8_t byte = 9;

	(void)state;
	assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), 0);
	assert_int_equal(value, 42);
	assert_int_equal(peers_call(CMD_COPY, 8), -EFAULT);
	assert_int_equal(peers_call(99, 0), -ENOTTY);
	assert_int_equal(mem_file_pread(&peers.remote->file, &peers.local, (uintptr_t)&byte, 5, 77),
			 5);
	assert_int_equal(byte, 77);
	assert_int_equal(mem_file_pwrite(&peers.remote->file, &peers.local, (uintptr_t)&byte, 1, 3),
			 80);
	assert_int_equal(mem_file_pread(&peers.remote->file, &peers.local, 8, 1, 0), -EFAULT);
	assert_int_equal(mem_file_pread(&peers.remote->file, &peers.local, 8, 1, UINT64_MAX),
			 -EINVAL);
	/* The position is the owner's. */
	assert_int_equal(mem_file_read(&peers.remote->file, &peers.local, (uintptr_t)&byte, 5), 5);
	assert_int_equal(mem_file_read(&peers.remote->file, &peers.local, (uintptr_t)&byte, 5), 5);
	assert_int_equal(byte, 5);
	assert_int_equal(mem_file_write(&peers.remote->file, &peers.local, (uintptr_t)&byte, 1),
			 15);
	assert_int_equal(base_load(&peers.owner.called), 10);
}

static void descriptors_are_those_of_the_remote(void **state)
{
	int event = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	(void)state;
	assert_int_equal(peers_call(CMD_FILE, (uint64_t)peers.number), 0);
	assert_int_equal(peers_call(CMD_FILE, (uint64_t)event), -EBADFD);
	assert_int_equal(peers_call(CMD_FILE, 999), -EBADF);
	assert_int_equal(peers_call(CMD_FILE, UINT64_MAX), -EBADF);
	assert_int_equal(peers_call(CMD_EVENT, (uint64_t)event), 0);
	assert_int_equal(read(event, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 7);
	assert_int_equal(peers_call(CMD_EVENT, 999), -EBADF);
	assert_int_equal(peers_call(CMD_EVENT, (uint64_t)peers.number), -EINVAL);
	assert_int_equal(peers_call(CMD_FD, (uint64_t)event), 0);
	assert_int_equal(peers_call(CMD_FD, (uint64_t)peers.number), -EBADF);
	close(event);
}

static void new_files_get_numbers(void **state)
{
	struct front_slot *made;
	struct front_name name;
	int fd = -1;

	(void)state;
	assert_int_equal(peers_call(CMD_UNDO, 0), -ECANCELED);
	assert_int_equal(base_load(&peers.owner.dropped), 1);
	assert_int_equal(peers_call(CMD_OPEN, 8), -EFAULT);
	assert_int_equal(base_load(&peers.owner.dropped), 2);
	assert_int_equal(peers_call(CMD_OPEN, (uintptr_t)&fd), 0);
	assert_int_equal(peers.opened, fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(front_name_get(fd, &name) && name.key == peers_host.key);
	assert_int_equal(base_load(&peers.owner.settled), 1);
	made = front_slot_get_serial(&peers.table, name.serial);
	front_slot_put(&peers.table, made);
	peers_undescribe(made, fd);
}

static void *call_often(void *arg)
{
	for (int i = 0; i < CALLS; i++) {
		uint64_t value = (uint64_t)i;

		assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), 0);
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
	assert_int_equal(base_load(&peers.owner.called), base_array_size(threads) * CALLS);
}

static void the_last_close_is_told(void **state)
{
	uint64_t value = 0;

	(void)state;
	front_remote_close(peers.remote);
	assert_int_equal(base_load(&peers.owner.settled), 0);
	assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), 0);
	front_remote_close(peers.remote);
	assert_int_equal(base_load(&peers.owner.settled), 1);
}

static void without_a_number_there_is_no_call(void **state)
{
	int good = peers.number, pair[2];
	uint64_t value = 0;

	(void)state;
	peers.number = -1;
	assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), -EBADF);
	assert_int_equal(base_sys_socketpair(pair), 0);
	peers.number = pair[0];
	assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), -EIO);
	peers.number = 999;
	assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), -EIO);
	peers.number = good;
	assert_int_equal(peers_call(CMD_COPY, (uintptr_t)&value), 0);
	base_sys_close(pair[0]);
	base_sys_close(pair[1]);
}

static void pinned_memory_is_told(void **state)
{
	struct mem_account seen = {0};

	(void)state;
	base_store_relaxed(&peers.local.account.pinned, 7);
	base_store_relaxed(&peers.local.account.locked, 3);
	front_remote_account(peers.remote, (uint64_t)getpid(), &seen);
	assert_true(seen.pinned == 7 && seen.locked == 3);
	front_remote_account(peers.remote, (uint64_t)getpid() + 1, &seen);
	assert_true(seen.pinned == 7 && seen.locked == 3);
	base_store_relaxed(&peers.local.account.pinned, 0);
	base_store_relaxed(&peers.local.account.locked, 0);
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
		TEST(names_tell_what_is_ours),
		TEST(calls_reach_the_file),
		TEST(descriptors_are_those_of_the_remote),
		TEST(new_files_get_numbers),
		TEST(threads_call_at_once),
		TEST(the_last_close_is_told),
		TEST(without_a_number_there_is_no_call),
		TEST(pinned_memory_is_told),
	};

	return cmocka_run_group_tests_name("peer", tests, install, NULL);
}
