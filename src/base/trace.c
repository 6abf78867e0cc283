// SPDX-License-Identifier: MIT
/* The log file behind base_trace(). */
#include "base/trace.h"
#include "base/arith.h"
#include "base/sys.h"
#include "base/syscall.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define MAX_LINE 1024

bool base_trace_on;
static int log_fd = -1;
static struct timespec opened;

/* Microseconds since the log was opened. */
static uint64_t elapsed_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - opened.tv_sec) * 1000000 +
			  (now.tv_nsec - opened.tv_nsec) / 1000);
}

void base_trace_line(const char *fmt, ...)
{
	char text[MAX_LINE];
	uint64_t us = elapsed_us();
	va_list args;
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "%llu.%06llu %d ", us / 1000000ull,
			     us % 1000000ull, base_sys_gettid());
	va_start(args, fmt);
	n += (size_t)vsnprintf(text + n, sizeof(text) - n, fmt, args);
	va_end(args);
	n = base_min_u64(n, sizeof(text) - 1);
	text[n] = '\n';
	base_sys_write(log_fd, text, n + 1);
}

int base_trace_open(const char *path)
{
	int fd = -1;

	if (path) {
		fd = (int)base_syscall(SYS_openat, AT_FDCWD, path,
				       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		if (fd >= 0)
			fd = base_sys_move_high(fd);
		if (fd < 0)
			return fd;
	}
	if (log_fd >= 0)
		base_sys_close(log_fd);
	log_fd = fd;
	clock_gettime(CLOCK_MONOTONIC, &opened);
	base_trace_on = path;
	return 0;
}

int base_trace_fd(void)
{
	return log_fd;
}
