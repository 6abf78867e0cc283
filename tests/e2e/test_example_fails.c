// SPDX-License-Identifier: MIT
/*
 * An example, linked in as example_main(), whose nth step inside the machine fails, for every
 * n: it ends by itself, with status 1 if it could not do its work.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define STEPS_MAX 5000
#define SECONDS	  20

int example_main(int argc, char **argv);

static int arguments;
static char **words;

static int *left; /* of the count; 0: the fault has fired */

static int fail_nth;

static void tell(void)
{
	char text[16] = "";
	int saved = errno;

	assert_true(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	*left = atoi(text);
	errno = saved;
}

/* In a process of its own, whose output nobody wants to see. */
static void child(unsigned nth)
{
	char text[16];
	int out = open("/dev/null", O_WRONLY);

	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	alarm(SECONDS);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	atexit(tell);
	snprintf(text, sizeof(text), "%u", nth);
	if (fail_nth < 0 || write(fail_nth, text, strlen(text)) < 0)
		_exit(99);
	exit(example_main(arguments, words));
}

/* The exit status. */
static int run(unsigned nth)
{
	int status;
	pid_t pid;

	*left = -1;
	pid = fork();
	if (pid == 0)
		child(nth);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("step %u fails: the example ends by signal %d", nth, WTERMSIG(status));
	assert_int_not_equal(status, 99 << 8);
	return WEXITSTATUS(status);
}

static void the_example_survives_every_failure(void **state)
{
	unsigned nth;

	(void)state;
	assert_int_equal(run(0), 0);
	for (nth = 1; nth < STEPS_MAX; nth++) {
		int status = run(nth);

		if (*left) {
			assert_int_equal(status, 0);
			break;
		}
		assert_in_range(status, 0, 1);
	}
	assert_in_range(nth, 2, STEPS_MAX - 1);
	print_message("%u steps failed in turn\n", nth - 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_survives_every_failure),
	};

	arguments = argc;
	words = argv;
	left = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
