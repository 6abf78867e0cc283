// SPDX-License-Identifier: MIT
/* /proc/PID/status with the memory that is pinned here. */
#include "front/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void assert_rewritten(const char *text, uint64_t pinned, uint64_t locked,
			     const char *expected)
{
	struct mem_account account = {.pinned = pinned, .locked = locked};
	char out[512];
	size_t size = front_status_rewrite(out, text, strlen(text), &account);

	assert_true(size <= strlen(text) + FRONT_STATUS_GROWTH);
	out[size] = '\0';
	assert_string_equal(out, expected);
}

static void pages_are_added_in_kb(void **state)
{
	(void)state;
	assert_rewritten("Name:\tx\nVmLck:\t       0 kB\nVmPin:\t       0 kB\nVmHWM:\t    1 kB\n",
			 3, 1,
			 "Name:\tx\nVmLck:\t       4 kB\nVmPin:\t      12 kB\nVmHWM:\t    1 kB\n");
	assert_rewritten("VmLck:\t      64 kB\nVmPin:\t       8 kB\n", 1, 2,
			 "VmLck:\t      72 kB\nVmPin:\t      12 kB\n");
}

static void nothing_pinned_is_the_same_text(void **state)
{
	const char *text = "Name:\tx\nVmLck:\t       7 kB\nVmPin:\t0 kB\n";

	(void)state;
	assert_rewritten(text, 0, 0, text);
}

static void a_large_number_widens_its_line(void **state)
{
	(void)state;
	assert_rewritten("VmPin:\t       0 kB\nA:\t1\n", 1ull << 40, 0,
			 "VmPin:\t4398046511104 kB\nA:\t1\n");
	assert_rewritten("VmLck:\t       0 kB\nVmPin:\t       0 kB\n", 1ull << 52, 1ull << 52,
			 "VmLck:\t18014398509481984 kB\nVmPin:\t18014398509481984 kB\n");
}

static void other_texts_stay(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"VmPin:",
		"VmPin:\n",
		"VmPin:\tmuch\n",
		"VmPin:\t1 kB of a line that is longer than any that a kernel has ever written\n",
		"xVmPin:\t1 kB\n",
		"Name:\tVmPin: 1 kB\n",
		"Name:\tno newline",
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(texts); i++)
		assert_rewritten(texts[i], 1, 1, texts[i]);
}

/* Of a running kernel: all lines, in their order. */
static void this_process_has_both_lines(void **state)
{
	const struct mem_account account = {.pinned = 5, .locked = 2};
	char text[8192], out[sizeof(text) + FRONT_STATUS_GROWTH];
	FILE *file = fopen("/proc/self/status", "r");
	size_t size;

	(void)state;
	assert_non_null(file);
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	size = front_status_rewrite(out, text, size, &account);
	out[size] = '\0';
	assert_non_null(strstr(out, "\nVmPin:\t      20 kB\n"));
	assert_non_null(strstr(out, "\nVmLck:\t       8 kB\n"));
	assert_non_null(strstr(out, "\nVmPeak:\t"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_added_in_kb),
		cmocka_unit_test(nothing_pinned_is_the_same_text),
		cmocka_unit_test(a_large_number_widens_its_line),
		cmocka_unit_test(other_texts_stay),
		cmocka_unit_test(this_process_has_both_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
