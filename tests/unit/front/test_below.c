// SPDX-License-Identifier: MIT
/* Descriptors that the library keeps for itself, when a program closes what is not its own. */
#include "front/preload/preload.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The log is open before there is anything to tell. */
static int open_log(void **state)
{
	int rc = base_trace_open("/dev/null");

	(void)state;
	return rc ? rc : preload_prepare();
}

static int close_log(void **state)
{
	(void)state;
	return base_trace_open(NULL);
}

static void the_log_stays(void **state)
{
	int fd = base_trace_fd();

	(void)state;
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EBADF);
	closefrom(3);
	assert_true(is_open(fd));
}

static void what_layers_below_have_is_theirs_until_they_close_it(void **state)
{
	int null = open("/dev/null", O_RDONLY), fd = base_sys_dup_high(null);

	(void)state;
	closefrom(3);
	assert_false(is_open(null));
	assert_true(is_open(fd));
	assert_int_equal(dup2(0, fd), -1);
	assert_int_equal(errno, EBUSY);
	base_sys_close(fd);
	assert_false(is_open(fd));
	assert_int_equal(dup2(0, fd), fd);
	assert_int_equal(close(fd), 0);
	assert_false(is_open(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_stays),
		cmocka_unit_test(what_layers_below_have_is_theirs_until_they_close_it),
	};

	return cmocka_run_group_tests_name("below", tests, open_log, close_log);
}
