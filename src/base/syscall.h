/* SPDX-License-Identifier: MIT */
/*
 * System calls without libc in between: private to base/. libc's syscall() is
 * among the functions that the preload front end wraps, and it sets errno.
 */
#ifndef BASE_SYSCALL_H
#define BASE_SYSCALL_H

#include "base/compiler.h"

#include <sys/syscall.h>

#ifndef __x86_64__
#include <errno.h>
#include <unistd.h>
#endif

/* The kernel's answer: a value, or a negative errno. errno stays as it was. */
static inline long base_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
#ifdef __x86_64__
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(nr)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return nr;
#else
	int saved = errno;
	long result = syscall(nr, a, b, c, d, e, f);

	if (result == -1)
		result = -errno;
	errno = saved;
	return result;
#endif
}

/* With up to six arguments, integers or pointers. */
#define base_syscall(...) BASE_SYSCALL_PAD(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define BASE_SYSCALL_PAD(nr, a, b, c, d, e, f, ...) \
	base_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
