// SPDX-License-Identifier: MIT
/* base/process.h, base/socket.h and base/maps.h: what one process gets of another. */
#include "base/base.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PAGE 4096ul

static uint64_t token = 0x1234567890abcdef;

/* A child that is a copy of us until child_end(). */
static struct base_process child_start(void)
{
	struct base_process child = {.token_addr = (uintptr_t)&token, .token = token};

	child.pid = fork();
	if (!child.pid)
		for (;;)
			pause();
	return child;
}

static void child_end(const struct base_process *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

/* ---- memory ---- */

static void memory_of_a_child_is_its_own(void **state)
{
	static char text[] = "parent";
	struct base_process child = child_start();
	char seen[sizeof(text)];

	(void)state;
	assert_int_equal(base_process_write(&child, (uintptr_t)text, "child!", 7), 0);
	assert_int_equal(base_process_read(&child, seen, (uintptr_t)text, 7), 0);
	assert_string_equal(seen, "child!");
	assert_string_equal(text, "parent");
	assert_int_equal(base_process_read(&child, NULL, 0, 0), 0);
	assert_int_equal(base_process_write(&child, 0, NULL, 0), 0);
	child_end(&child);
}

static void bad_addresses_are_efault(void **state)
{
	struct base_process child = child_start();
	uint8_t *page = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct base_process other = {child.pid, (uintptr_t)page, 0};
	uint8_t buf[16] = {0};

	(void)state;
	assert_int_equal(base_process_read(&child, buf, 8, 1), -EFAULT);
	assert_int_equal(base_process_write(&child, 8, buf, 1), -EFAULT);
	/* It has no such page, and the token is not there either. */
	assert_int_equal(base_process_read(&child, buf, (uintptr_t)page, 1), -EFAULT);
	assert_int_equal(base_process_read(&other, buf, (uintptr_t)&token, 8), -EFAULT);
	munmap(page, 2 * PAGE);
	child_end(&child);
}

static void a_part_that_is_missing_is_efault(void **state)
{
	uint8_t *page =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct base_process self = {getpid(), (uintptr_t)&token, token};
	uint8_t buf[16] = {0};

	(void)state;
	munmap(page + PAGE, PAGE);
	assert_int_equal(base_process_read(&self, buf, (uintptr_t)page + PAGE - 16, 16), 0);
	assert_int_equal(base_process_read(&self, buf, (uintptr_t)page + PAGE - 8, 16), -EFAULT);
	assert_int_equal(base_process_write(&self, (uintptr_t)page + PAGE - 8, buf, 16), -EFAULT);
	munmap(page, PAGE);
}

static void a_process_without_the_token_is_another(void **state)
{
	struct base_process child = child_start();
	uint64_t other = token + 1;
	char byte = 0;

	(void)state;
	/* It has become something else. */
	assert_int_equal(base_process_write(&child, child.token_addr, &other, sizeof(other)), 0);
	assert_int_equal(base_process_read(&child, &byte, (uintptr_t)&token, 1), -EFAULT);
	assert_int_equal(base_process_write(&child, (uintptr_t)&token, &token, 8), -EFAULT);
	assert_int_equal(base_process_fd(&child, 0), -ESRCH);
	child_end(&child);
}

static void a_dead_process_has_nothing(void **state)
{
	struct base_process child = child_start();
	siginfo_t info;
	char byte = 0;

	(void)state;
	kill(child.pid, SIGKILL);
	waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT);
	assert_int_equal(base_process_read(&child, &byte, (uintptr_t)&token, 1), -EFAULT);
	waitpid(child.pid, NULL, 0);
	assert_int_equal(base_process_read(&child, &byte, (uintptr_t)&token, 1), -EFAULT);
	assert_int_equal(base_process_write(&child, (uintptr_t)&token, &byte, 1), -EFAULT);
	assert_true(base_process_fd(&child, 0) < 0);
	assert_int_equal(base_process_memlock_limit(child.pid), 0);
}

static void descriptors_are_copied(void **state)
{
	int event = eventfd(5, EFD_NONBLOCK), copy;
	struct base_process child = child_start();
	uint64_t count;

	(void)state;
	copy = base_process_fd(&child, event);
	assert_true(copy >= 0);
	assert_int_equal(read(copy, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 5);
	assert_int_equal(read(event, &count, sizeof(count)), -1);
	assert_int_equal(base_process_fd(&child, 1000), -EBADF);
	close(copy);
	close(event);
	child_end(&child);
}

static void limits_are_those_of_the_process(void **state)
{
	(void)state;
	assert_int_equal(base_process_memlock_limit(getpid()), base_sys_memlock_limit());
}

static void random_numbers_differ(void **state)
{
	uint64_t a = base_process_random(), b = base_process_random();

	(void)state;
	assert_true(a && b && a != b);
}

/* ---- sockets ---- */

static const char name[] = "swiommu unit test";

static void names_are_seen_from_the_other_end(void **state)
{
	char seen[sizeof(name)], longer[sizeof(name) + 1];
	int pair[2];

	(void)state;
	assert_int_equal(base_sys_socketpair(pair), 0);
	assert_true(base_socket_name(pair[0], true, seen, sizeof(seen)) < 0);
	assert_int_equal(base_socket_bind(pair[1], name, sizeof(name)), 0);
	assert_int_equal(base_socket_name(pair[0], true, seen, sizeof(seen)), 0);
	assert_string_equal(seen, name);
	assert_int_equal(base_socket_name(pair[1], false, seen, sizeof(seen)), 0);
	assert_true(base_socket_name(pair[1], true, seen, sizeof(seen)) < 0);
	assert_int_equal(base_socket_name(pair[0], true, longer, sizeof(longer)), -ENOENT);
	assert_int_equal(base_socket_name(0, true, seen, sizeof(seen)), -ENOTSOCK);
	/* Nobody can connect to such a name. */
	assert_true(base_socket_connect(name, sizeof(name)) < 0);
	base_sys_close(pair[0]);
	base_sys_close(pair[1]);
	assert_int_equal(base_socket_connect(name, sizeof(name)), -ECONNREFUSED);
}

struct message {
	uint64_t words[4];
};

static void connection_open(int ends[2])
{
	int server = base_socket_listen(name, sizeof(name));
	pid_t pid;
	uid_t uid;

	assert_true(server >= 0);
	assert_int_equal(base_socket_listen(name, sizeof(name)), -EADDRINUSE);
	assert_int_equal(base_socket_accept(server), -EAGAIN);
	ends[0] = base_socket_connect(name, sizeof(name));
	ends[1] = base_socket_accept(server);
	assert_true(ends[0] >= 0 && ends[1] >= 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(base_socket_peer(ends[i], &pid, &uid), 0);
		assert_true(pid == getpid() && uid == getuid());
	}
	base_sys_close(server);
}

static void messages_arrive_whole(void **state)
{
	const struct message sent = {{1, 2, 3, 4}};
	struct message got;
	int ends[2], passed = 0;

	(void)state;
	connection_open(ends);
	for (int i = 0; i < 2; i++)
		assert_int_equal(base_socket_send(ends[0], &sent, sizeof(sent), -1), 0);
	assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), NULL), 0);
	assert_memory_equal(&got, &sent, sizeof(sent));
	assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), &passed), 0);
	assert_int_equal(passed, -1);
	base_sys_close(ends[0]);
	assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), NULL), -ECONNRESET);
	/* Without SIGPIPE. */
	assert_int_equal(base_socket_send(ends[1], &sent, sizeof(sent), -1), -EPIPE);
	base_sys_close(ends[1]);
}

static void messages_carry_descriptors(void **state)
{
	const struct message sent = {{0}};
	int event = eventfd(3, EFD_NONBLOCK), ends[2], passed, next;
	struct message got;
	uint64_t count;

	(void)state;
	connection_open(ends);
	assert_int_equal(base_socket_send(ends[0], &sent, sizeof(sent), event), 0);
	assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), &passed), 0);
	assert_int_equal(read(passed, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 3);
	close(passed);
	/* One that nobody wants is not left open. */
	next = dup(0);
	close(next);
	assert_int_equal(base_socket_send(ends[0], &sent, sizeof(sent), event), 0);
	assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), NULL), -EPROTO);
	assert_int_equal(base_socket_send(ends[0], &sent, sizeof(sent) - 1, event), 0);
	assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), &passed), -EPROTO);
	assert_int_equal(passed, -1);
	assert_int_equal(dup(0), next);
	close(next);
	close(event);
	base_sys_close(ends[0]);
	base_sys_close(ends[1]);
}

static void messages_of_another_size_are_refused(void **state)
{
	const char bytes[64] = {0};
	struct message got;
	int ends[2];

	(void)state;
	connection_open(ends);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		assert_int_equal(base_socket_send(ends[0], bytes, n, -1), 0);
		assert_int_equal(base_socket_recv(ends[1], &got, sizeof(got), NULL),
				 n == sizeof(got) ? 0 : -EPROTO);
	}
	base_sys_close(ends[0]);
	base_sys_close(ends[1]);
}

/* ---- maps ---- */

static bool find(pid_t pid, const void *addr, struct base_mapping *mapping)
{
	struct base_maps maps;
	uint64_t before = 0;
	bool found = false;

	assert_int_equal(base_maps_open(&maps, pid), 0);
	while (!found && base_maps_next(&maps, mapping)) {
		assert_true(mapping->start >= before && mapping->last > mapping->start);
		before = mapping->last;
		found = (uintptr_t)addr >= mapping->start && (uintptr_t)addr <= mapping->last;
	}
	base_maps_close(&maps);
	return found;
}

static void mappings_are_found(void **state)
{
	uint8_t *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct base_mapping mapping;

	(void)state;
	assert_true(find(0, &token, &mapping));
	assert_true(mapping.read && mapping.write && !mapping.shared);
	assert_true(find(0, p + PAGE, &mapping));
	assert_true(mapping.read && !mapping.write && mapping.shared && mapping.inode);
	assert_int_equal(mapping.start, (uintptr_t)p);
	assert_int_equal(mapping.last, (uintptr_t)p + 3 * PAGE - 1);
	munmap(p, 3 * PAGE);
	assert_false(find(0, p, &mapping));
}

/* `p` is two pages, which a child has from us: do we find the second again? */
static void check_share(uint8_t *p, int expected)
{
	struct base_process child = child_start();
	struct base_mapping mapping;
	void *host;

	assert_true(find(child.pid, p, &mapping));
	assert_int_equal(base_maps_share(child.pid, &mapping, (uintptr_t)p + PAGE,
					 (uintptr_t)p + 2 * PAGE - 1, true, &host),
			 expected);
	child_end(&child);
	if (expected)
		return;
	strcpy((char *)p + PAGE, "shared");
	assert_string_equal(host, "shared");
	munmap(p, 2 * PAGE);
	assert_string_equal(host, "shared");
	base_sys_unmap(host, PAGE);
}

static uint8_t *two_pages(int flags, int fd)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void shared_memory_of_all_kinds_is_shared(void **state)
{
	char path[] = "/tmp/swiommu-test-XXXXXX";
	int memory = memfd_create("test", MFD_CLOEXEC), file = mkstemp(path);

	(void)state;
	assert_int_equal(ftruncate(memory, 2 * PAGE), 0);
	assert_int_equal(ftruncate(file, 2 * PAGE), 0);
	check_share(two_pages(MAP_SHARED | MAP_ANONYMOUS, -1), 0);
	check_share(two_pages(MAP_SHARED, memory), 0);
	check_share(two_pages(MAP_SHARED, file), 0);
	unlink(path);
	check_share(two_pages(MAP_SHARED, file), 0);
	close(memory);
	close(file);
}

static void private_memory_is_not(void **state)
{
	uint8_t *p = two_pages(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	check_share(p, -ENOENT);
	munmap(p, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_a_child_is_its_own),
		cmocka_unit_test(bad_addresses_are_efault),
		cmocka_unit_test(a_part_that_is_missing_is_efault),
		cmocka_unit_test(a_process_without_the_token_is_another),
		cmocka_unit_test(a_dead_process_has_nothing),
		cmocka_unit_test(descriptors_are_copied),
		cmocka_unit_test(limits_are_those_of_the_process),
		cmocka_unit_test(random_numbers_differ),
		cmocka_unit_test(names_are_seen_from_the_other_end),
		cmocka_unit_test(messages_arrive_whole),
		cmocka_unit_test(messages_carry_descriptors),
		cmocka_unit_test(messages_of_another_size_are_refused),
		cmocka_unit_test(mappings_are_found),
		cmocka_unit_test(shared_memory_of_all_kinds_is_shared),
		cmocka_unit_test(private_memory_is_not),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
