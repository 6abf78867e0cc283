// SPDX-License-Identifier: MIT
/* What the kernel's poll() finds at a number, while its file gets ready and is no longer. */
#include "front/preload/preload.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct {
	struct mem_file file;
	uint32_t ready, releases;
} fake;

static ssize_t fake_read(struct mem_file *file, struct mem_client *client, uint64_t addr,
			 size_t count)
{
	(void)client, (void)addr, (void)count;
	mem_file_changed(file, 0);
	return 0;
}

static uint32_t fake_poll(struct mem_file *file)
{
	(void)file;
	return fake.ready;
}

static void fake_release(struct mem_file *file)
{
	(void)file;
	fake.releases++;
}

static const struct mem_file_ops fake_ops = {.name = "fake",
					     .read = fake_read,
					     .poll = fake_poll,
					     .release = fake_release};

static short ready(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLOUT};

	assert_true(poll(&poll_fd, 1, 0) >= 0);
	return poll_fd.revents;
}

static int fake_open(uint32_t mask)
{
	struct front_machine *machine;
	struct mem_new_file new_file;

	assert_int_equal(preload_machine(&machine), 0);
	fake.ready = mask;
	fake.releases = 0;
	mem_file_init(&fake.file, &fake_ops);
	assert_int_equal(preload_file_reserve(&preload_client, &fake.file, O_RDWR, &new_file), 0);
	assert_null(preload_peek(new_file.fd));
	preload_file_publish(&preload_client, &new_file);
	return new_file.fd;
}

static void a_file_begins_as_ready_as_it_is(void **state)
{
	static const uint32_t masks[] = {0, POLLIN, POLLOUT, POLLIN | POLLOUT};

	(void)state;
	for (size_t i = 0; i < base_array_size(masks); i++) {
		int fd = fake_open(masks[i]);

		assert_int_equal(ready(fd), masks[i]);
		assert_int_equal(preload_close(fd), 0);
		assert_int_equal(fake.releases, 1);
	}
}

static void changes_show(void **state)
{
	int fd = fake_open(POLLOUT), copy = preload_dup(fd);
	char byte;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		mem_file_changed(&fake.file, POLLOUT | POLLIN);
		mem_file_changed(&fake.file, POLLOUT | POLLIN);
		assert_int_equal(ready(copy), POLLOUT | POLLIN);
		mem_file_changed(&fake.file, POLLOUT);
		/* At the end of some call; here that of another number. */
		preload_ready_settle();
		assert_int_equal(ready(fd), POLLOUT);
	}
	mem_file_changed(&fake.file, POLLOUT | POLLIN);
	assert_int_equal(preload_close(fd), 0);
	assert_int_equal(preload_read(copy, &byte, 1), 0);
	assert_int_equal(ready(copy), POLLOUT);
	assert_int_equal(preload_close(copy), 0);
	assert_int_equal(fake.releases, 1);
	mem_file_changed(&fake.file, POLLIN);
}

static void an_abort_releases_the_file(void **state)
{
	struct mem_new_file new_file;
	int fd = fake_open(0);

	(void)state;
	assert_int_equal(preload_close(fd), 0);
	mem_file_init(&fake.file, &fake_ops);
	assert_int_equal(preload_file_reserve(&preload_client, &fake.file, O_RDWR, &new_file), 0);
	preload_file_abort(&preload_client, &new_file);
	assert_int_equal(fake.releases, 2);
	assert_int_equal(preload_close(new_file.fd), -1);
}

/* ---- threads ---- */

static uint32_t stop;

static void *change_run(void *arg)
{
	uint32_t i = 0;

	(void)arg;
	while (!base_load(&stop))
		mem_file_changed(&fake.file, i++ % 2 ? POLLIN : 0);
	mem_file_changed(&fake.file, 0);
	return NULL;
}

static void changes_beside_calls(void **state)
{
	pthread_t thread;
	int fd = fake_open(0);

	(void)state;
	stop = 0;
	pthread_create(&thread, NULL, change_run, NULL);
	for (unsigned i = 0; i < 2000; i++) {
		char byte;
		int copy = preload_dup(fd);

		preload_read(copy, &byte, 1);
		preload_close(copy);
	}
	base_store(&stop, 1);
	pthread_join(thread, NULL);
	preload_ready_settle();
	assert_int_equal(ready(fd), 0);
	assert_int_equal(preload_close(fd), 0);
	assert_int_equal(fake.releases, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_begins_as_ready_as_it_is),
		cmocka_unit_test(changes_show),
		cmocka_unit_test(an_abort_releases_the_file),
		cmocka_unit_test(changes_beside_calls),
	};

	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
