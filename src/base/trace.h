/* SPDX-License-Identifier: MIT */
/* Trace points: one line each to the file given by `swiommu run --log`, nothing if there is none.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/compiler.h"

/* True while a log is open. Read by the macro below only. */
extern bool base_trace_on;

/* printf-like; the line gets time (seconds since the log was opened), thread id and a newline. */
#define base_trace(...)                               \
	do {                                          \
		if (base_unlikely(base_trace_on))     \
			base_trace_line(__VA_ARGS__); \
	} while (0)

void base_trace_line(const char *fmt, ...) BASE_PRINTF(1, 2) BASE_COLD;

/*
 * Open (append, create with mode 0644) the log at `path`, or close it with
 * NULL. Lines are written with one write(2) each, so that threads and forked
 * children do not mix theirs. Returns 0 or the negative errno of the open. Not to be
 * called while other threads trace.
 */
int base_trace_open(const char *path);

/* The descriptor of the open log, -1 if there is none: for front ends that hide it. */
int base_trace_fd(void);

#endif
