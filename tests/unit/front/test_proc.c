// SPDX-License-Identifier: MIT
/* /proc/PID/status of a process that has pinned memory. */
#include "front/preload/preload.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void pin(uint64_t pinned, uint64_t locked)
{
	preload_client.account = (struct mem_account){.pinned = pinned, .locked = locked};
}

/* The text as it is when the file is opened. */
static void read_status(const char *path, char text[8192])
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, 8191);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(close(fd), 0);
}

static bool status_has(const char *path, const char *line)
{
	char text[8192];

	read_status(path, text);
	return strstr(text, line);
}

static void with_nothing_pinned_it_is_the_kernels(void **state)
{
	struct stat st;
	int fd = open("/proc/self/status", O_RDONLY);

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	close(fd);
	assert_true(status_has("/proc/self/status", "\nVmPin:\t       0 kB\n"));
}

static void of_others_it_is_the_kernels(void **state)
{
	char path[64];

	(void)state;
	pin(3, 1);
	snprintf(path, sizeof(path), "/proc/%d/status", getppid());
	assert_true(status_has(path, "\nVmPin:\t       0 kB\n"));
	snprintf(path, sizeof(path), "/proc/%d/status", getpid());
	assert_true(status_has(path, "\nVmPin:\t      12 kB\n"));
	pin(0, 0);
}

static void it_is_as_of_the_moment_of_opening(void **state)
{
	char before[8192], path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", getpid());
	pin(1, 0);
	fd = open(path, O_RDONLY);
	pin(20, 10);
	assert_true(pread(fd, before, sizeof(before), 0) > 0);
	close(fd);
	assert_non_null(strstr(before, "\nVmPin:\t       4 kB\n"));
	assert_true(status_has(path, "\nVmPin:\t      80 kB\n"));
	assert_true(status_has(path, "\nVmLck:\t      40 kB\n"));
	pin(0, 0);
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void lines_stay_where_they_are(void **state)
{
	char plain[8192], with[8192];

	(void)state;
	pin(0, 0);
	read_status("/proc/self/status", plain);
	pin(123456, 654321);
	read_status("/proc/self/status", with);
	assert_int_equal(count_lines(plain), count_lines(with));
	pin(0, 0);
}

static void the_number_is_the_lowest_and_obeys_the_flags(void **state)
{
	int lowest = open("/dev/null", O_RDONLY), fd;

	(void)state;
	pin(1, 1);
	close(lowest);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd, lowest);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	fd = open("/proc/self/status", O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	close(fd);
	pin(0, 0);
}

static void it_cannot_be_written(void **state)
{
	int fd;

	(void)state;
	pin(1, 1);
	fd = open("/proc/self/status", O_RDONLY);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
	pin(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_nothing_pinned_it_is_the_kernels),
		cmocka_unit_test(of_others_it_is_the_kernels),
		cmocka_unit_test(it_is_as_of_the_moment_of_opening),
		cmocka_unit_test(lines_stay_where_they_are),
		cmocka_unit_test(the_number_is_the_lowest_and_obeys_the_flags),
		cmocka_unit_test(it_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
