// SPDX-License-Identifier: MIT
/*
 * The accesses of base/guard.h without a fault handler: the kernel copies from
 * and to our own memory, and says so if it cannot. Needs Linux 5.14
 * (MADV_POPULATE). Two limits: 8-byte accesses are as atomic as the kernel's own
 * copy is, and a compare-and-swap faults if the page goes away during the call.
 *
 * A test compiles this file by the side of guard_x86_64.S, under other names.
 */
#include "base/guard.h"

#if !defined(__x86_64__) || defined(BASE_GUARD)

#ifndef BASE_GUARD
#define BASE_GUARD(name) base_guard_##name
#endif

#include "base/arith.h"
#include "base/sync.h"
#include "base/syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/uio.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

#define MAX_COPY  ((size_t)1 << 30)
#define SMALL	  256
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Not pointer arithmetic: p may be anything. */
static void *ahead(const void *p, size_t n)
{
	return (void *)((uintptr_t)p + n);
}

/* How many of the n bytes could be copied. */
static size_t copy_some(void *dst, const void *src, size_t n)
{
	struct iovec local = {dst, n}, remote = {(void *)src, n};
	long done = base_syscall(SYS_process_vm_readv, base_syscall(SYS_getpid), &local, 1, &remote,
				 1, 0);

	return done > 0 ? (size_t)done : 0;
}

static bool copy_all(void *dst, const void *src, size_t n)
{
	return !n || copy_some(dst, src, n) == n;
}

int BASE_GUARD(copy)(void *dst, const void *src, size_t n)
{
	for (size_t at = 0, step; at < n; at += step) {
		step = MIN(n - at, MAX_COPY);
		if (!copy_all(ahead(dst, at), ahead(src, at), step))
			return -EFAULT;
	}
	return 0;
}

/* Through a buffer, so that the kernel never sees an overlap. */
static bool move_small(void *dst, const void *src, size_t n)
{
	char buffer[SMALL];

	return copy_all(buffer, src, n) && copy_all(dst, buffer, n);
}

int BASE_GUARD(move)(void *dst, const void *src, size_t n)
{
	bool down = (uintptr_t)dst - (uintptr_t)src < n;

	for (size_t done = 0, step; done < n; done += step) {
		size_t at;

		step = MIN(n - done, SMALL);
		at = down ? n - done - step : done;
		if (!move_small(ahead(dst, at), ahead(src, at), step))
			return -EFAULT;
	}
	return 0;
}

int BASE_GUARD(fill)(void *dst, uint64_t pattern, size_t n)
{
	uint64_t buffer[SMALL / 8];

	for (size_t i = 0; i < SMALL / 8; i++)
		buffer[i] = pattern;
	for (size_t at = 0, step; at < n; at += step) {
		step = MIN(n - at, SMALL);
		if (!copy_all(ahead(dst, at), buffer, step))
			return -EFAULT;
	}
	return 0;
}

int BASE_GUARD(load64)(const uint64_t *addr, uint64_t *value)
{
	return BASE_GUARD(copy)(value, addr, sizeof(*value));
}

int BASE_GUARD(store64)(uint64_t *addr, uint64_t value)
{
	return BASE_GUARD(copy)(addr, &value, sizeof(value));
}

int BASE_GUARD(is_zero)(const void *addr, size_t n, bool *zero)
{
	static const char zeros[SMALL];
	char buffer[SMALL];

	*zero = false;
	for (size_t at = 0, step; at < n; at += step) {
		const void *from = ahead(addr, at);

		/* Steps end where pages do: what is behind a non-zero byte must not matter. */
		step = MIN(n - at, SMALL - (uintptr_t)from % SMALL);
		if (!copy_all(buffer, from, step))
			return -EFAULT;
		if (memcmp(buffer, zeros, step))
			return 0;
	}
	*zero = true;
	return 0;
}

int BASE_GUARD(touch)(const void *addr, size_t n, bool write)
{
	uint64_t start = base_align_down((uintptr_t)addr, getauxval(AT_PAGESZ)), last;

	if (!n)
		return 0;
	if (!base_range_last((uintptr_t)addr, n, &last))
		return -EFAULT;
	return base_syscall(SYS_madvise, start, last - start + 1,
			    write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ)
		       ? -EFAULT
		       : 0;
}

int BASE_GUARD(cas64)(uint64_t *addr, uint64_t *expected, uint64_t desired, bool *swapped)
{
	int rc = BASE_GUARD(touch)(addr, sizeof(*addr), true);

	if (!rc)
		*swapped = base_cas(addr, expected, desired);
	return rc;
}

#endif
