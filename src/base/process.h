/* SPDX-License-Identifier: MIT */
/*
 * Memory and descriptors of other processes. Needs the rights of a debugger: the
 * same user, and where the system is stricter (Yama) an ancestor, or leave
 * by base_process_admit().
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/compiler.h"

#include <sys/types.h>

/*
 * One address space of one process. `token` is a number that it has at
 * token_addr: what has become of the process after its end or an exec does not
 * have it there, so that it is never taken for the one that is meant.
 */
struct base_process {
	pid_t pid;
	uint64_t token_addr, token;
};

/* Copy n bytes from / to it. 0, or -EFAULT (also if it is gone; a part may have been copied). */
int base_process_read(const struct base_process *process, void *dst, uint64_t addr, size_t n);
int base_process_write(const struct base_process *process, uint64_t addr, const void *src,
		       size_t n);

/* A close-on-exec copy of its descriptor. -EBADF, -EPERM, -ESRCH, -EMFILE and the like. */
int base_process_fd(const struct base_process *process, int fd);

/* Its RLIMIT_MEMLOCK in bytes; 0 if it cannot be told, UINT64_MAX: no limit. */
uint64_t base_process_memlock_limit(pid_t pid);

/* Let process `pid` do all that with this one, if the system asks for leave. */
void base_process_admit(pid_t pid);

/* A number that nobody can guess, not 0. */
uint64_t base_process_random(void);

#endif
