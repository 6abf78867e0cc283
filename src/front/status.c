// SPDX-License-Identifier: MIT
/* The lines of /proc/PID/status that count pinned and locked memory. */
#include "front/status.h"

#include <stdio.h>
#include <string.h>

#define PAGE_KB (BASE_PAGE_SIZE / 1024)

/* The longest line that is rewritten, with its NUL. */
#define LINE_SIZE 64

static uint64_t pages_of(const char *line, const struct mem_account *account)
{
	if (!strncmp(line, "VmPin:", 6))
		return base_load_relaxed(&account->pinned);
	if (!strncmp(line, "VmLck:", 6))
		return base_load_relaxed(&account->locked);
	return 0;
}

/* "VmPin:\t       0 kB\n" with more kB, laid out as before. 0: it does not look like that. */
static size_t rewrite_line(char *out, const char *line, size_t size, uint64_t pages)
{
	unsigned long long kb;
	char copy[LINE_SIZE];

	if (size >= sizeof(copy))
		return 0;
	memcpy(copy, line, size);
	copy[size] = '\0';
	if (sscanf(copy + 6, "%llu kB", &kb) != 1)
		return 0;
	return (size_t)snprintf(out, LINE_SIZE, "%.6s\t%8llu kB\n", copy, kb + pages * PAGE_KB);
}

static size_t copy_line(char *out, const char *line, size_t size, const struct mem_account *account)
{
	uint64_t pages = size > 6 ? pages_of(line, account) : 0;
	size_t done = pages ? rewrite_line(out, line, size, pages) : 0;

	if (done)
		return done;
	memcpy(out, line, size);
	return size;
}

size_t front_status_rewrite(char *out, const char *text, size_t size,
			    const struct mem_account *account)
{
	char *start = out;

	for (size_t length; size; text += length, size -= length) {
		const char *end = memchr(text, '\n', size);

		length = end ? (size_t)(end + 1 - text) : size;
		out += copy_line(out, text, length, account);
	}
	return (size_t)(out - start);
}
