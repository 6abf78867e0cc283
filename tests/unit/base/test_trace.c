// SPDX-License-Identifier: MIT
/* base/trace.h: the log. */
#include "base/trace.h"
#include "base/sync.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define THREADS 4
#define LINES	500

static char path[] = "/tmp/swiommu-trace-XXXXXX";

/* All of the log; the caller frees it. */
static char *read_log(void)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(file);
	if (getdelim(&text, &size, 0, file) < 0)
		text[0] = 0;
	fclose(file);
	return text;
}

static int start_log(void **state)
{
	(void)state;
	return truncate(path, 0) || base_trace_open(path);
}

static int stop_log(void **state)
{
	(void)state;
	return base_trace_open(NULL);
}

static void a_line_has_time_thread_and_text(void **state)
{
	unsigned sec, usec;
	int tid, end = 0;
	char *text;

	(void)state;
	base_trace("map %#x: %s", 0x1000, "ok");
	text = read_log();
	assert_int_equal(sscanf(text, "%u.%6u %d map 0x1000: ok%n", &sec, &usec, &tid, &end), 3);
	assert_int_equal(tid, base_sys_gettid());
	assert_string_equal(text + end, "\n");
	free(text);
}

static void a_closed_log_costs_no_evaluation(void **state)
{
	int calls = 0;
	char *text;

	(void)state;
	assert_int_equal(base_trace_open(NULL), 0);
	base_trace("%d", ++calls);
	text = read_log();
	assert_int_equal(calls, 0);
	assert_string_equal(text, "");
	free(text);
}

static void opening_again_appends(void **state)
{
	char *text;

	(void)state;
	base_trace("first");
	assert_int_equal(base_trace_open(path), 0);
	base_trace("second");
	text = read_log();
	assert_true(strstr(text, " first\n") < strstr(text, " second\n"));
	assert_non_null(strstr(text, " first\n"));
	free(text);
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	char longer[3000], *text;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	base_trace("%s", longer);
	base_trace("next");
	text = read_log();
	assert_int_equal(strchr(text, '\n') - text, 1023);
	assert_non_null(strstr(text, "xxx\n"));
	assert_non_null(strstr(text, " next\n"));
	free(text);
}

static void a_bad_path_keeps_the_open_log(void **state)
{
	char *text;

	(void)state;
	errno = EXDEV;
	assert_int_equal(base_trace_open("/nowhere/at/all"), -ENOENT);
	base_trace("still");
	assert_int_equal(errno, EXDEV);
	text = read_log();
	assert_non_null(strstr(text, " still\n"));
	free(text);
}

static void *write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		base_trace("%s %d.", (const char *)arg, i);
	return NULL;
}

/* Every line is whole, and each writer's lines are in order. */
static void check_lines(const char *const *names, unsigned count)
{
	char *text = read_log(), *rest = text, *line;
	int next[THREADS + 1] = {0};

	while ((line = strsep(&rest, "\n")) && *line) {
		char name[16];
		int n, end = 0;
		unsigned i = 0;

		assert_int_equal(sscanf(line, "%*u.%*6u %*d %15s %d.%n", name, &n, &end), 2);
		assert_int_equal(line[end], 0);
		while (strcmp(names[i], name))
			assert_true(++i < count);
		assert_int_equal(n, next[i]++);
	}
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(next[i], LINES);
	free(text);
}

static void threads_and_children_do_not_mix_lines(void **state)
{
	static const char *const names[THREADS + 1] = {"a", "bb", "ccc", "dddd", "child"};
	pthread_t threads[THREADS];
	pid_t child = fork();

	(void)state;
	if (!child) {
		write_lines((void *)"child");
		_exit(0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_lines, (void *)names[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	check_lines(names, THREADS + 1);
}

static void the_log_is_out_of_the_way(void **state)
{
	int next = open("/dev/null", O_RDONLY);
	struct stat log, other;

	(void)state;
	close(next);
	assert_int_equal(base_trace_open(path), 0);
	assert_int_equal(stat(path, &log), 0);
	for (int fd = 0; fd < 32; fd++)
		assert_false(!fstat(fd, &other) && other.st_ino == log.st_ino &&
			     other.st_dev == log.st_dev);
	assert_int_equal(dup(0), next);
	close(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_has_time_thread_and_text, start_log,
						stop_log),
		cmocka_unit_test_setup_teardown(a_closed_log_costs_no_evaluation, start_log,
						stop_log),
		cmocka_unit_test_setup_teardown(opening_again_appends, start_log, stop_log),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_still_ends, start_log,
						stop_log),
		cmocka_unit_test_setup_teardown(a_bad_path_keeps_the_open_log, start_log, stop_log),
		cmocka_unit_test_setup_teardown(threads_and_children_do_not_mix_lines, start_log,
						stop_log),
		cmocka_unit_test_setup_teardown(the_log_is_out_of_the_way, start_log, stop_log),
	};
	int rc;

	close(mkstemp(path));
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
