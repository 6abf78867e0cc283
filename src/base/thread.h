/* SPDX-License-Identifier: MIT */
/* Threads of our own, and one-time things per thread and process. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/compiler.h"

/*
 * Start a detached thread with every signal blocked but SIGSEGV and SIGBUS (the
 * guard needs them). Returns 0 or a negative errno.
 */
int base_thread_start(void (*fn)(void *arg), void *arg);

/*
 * Call fn(arg) when the calling thread ends; arg is not NULL. One registration per
 * thread and function (the latest counts); at most 4 functions per process.
 * Returns 0 or -ENOMEM.
 */
int base_thread_at_exit(void (*fn)(void *arg), void *arg);

/* Register fork handlers, as pthread_atfork. Returns 0 or -ENOMEM. */
int base_thread_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

/*
 * Is the calling thread the only one but for those of base_thread_start()? False, too, if there
 * is no telling.
 */
bool base_thread_is_only_one(void);

/* In a child of fork(), which has none of them. */
void base_thread_after_fork(void);

#endif
