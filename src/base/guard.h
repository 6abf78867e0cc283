/* SPDX-License-Identifier: MIT */
/*
 * Access to memory that may not be there. Each function is an allowed fault
 * site: a SIGSEGV or SIGBUS inside it becomes -EFAULT, never a crash. On x86-64
 * a signal handler knows the sites (so base_guard_install() comes first);
 * elsewhere the kernel is asked to copy (process_vm_readv on ourselves).
 *
 * The access is made with the machine's own loads and stores, so memory that
 * other threads change meanwhile is fine. Each byte is stored once; and where
 * both sides are multiples of 8 (4, 2), so are the units that are not torn.
 * Sanitizers do not look inside.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include "base/compiler.h"

#include <signal.h>

/*
 * Install the handlers for SIGSEGV and SIGBUS; earlier ones are kept and called
 * for faults that are not ours. Only the first call does anything. A thread that
 * has blocked one of these signals must not use the guard: the kernel would end
 * the process. 0 or a negative errno.
 */
int base_guard_install(void);

/*
 * For front ends that stand between the program and sigaction(2): is the fault
 * in `ucontext` at one of our sites? If so the context is moved to the site's
 * error return, and the handler just returns.
 */
bool base_guard_handle(int signo, siginfo_t *info, void *ucontext);

/*
 * Copy n bytes; either side may be bad memory. 0, or -EFAULT after a prefix
 * was copied (bytes before the faulting one may or may not have been). The
 * ranges do not overlap. In ascending order, at memcpy speed for large n.
 */
int base_guard_copy(void *dst, const void *src, size_t n);

/* As above for overlapping ranges. After -EFAULT any part of dst may have been written. */
int base_guard_move(void *dst, const void *src, size_t n);

/* Fill n bytes at dst: byte i = byte i mod 8 of pattern (little endian). */
int base_guard_fill(void *dst, uint64_t pattern, size_t n);

/* One aligned 8-byte load, store, or compare-and-swap (*expected as base_cas). */
int base_guard_load64(const uint64_t *addr, uint64_t *value);
int base_guard_store64(uint64_t *addr, uint64_t value);
int base_guard_cas64(uint64_t *addr, uint64_t *expected, uint64_t desired, bool *swapped);

/*
 * Is every byte of the n (> 0) at addr zero? 0 and *zero, or -EFAULT. Pages
 * behind the first byte that is not zero are not looked at.
 */
int base_guard_is_zero(const void *addr, size_t n, bool *zero);

/*
 * Make every page of [addr, addr + n - 1] present, and writable if `write`,
 * without changing its content. 0 or -EFAULT. About three instructions a page.
 */
int base_guard_touch(const void *addr, size_t n, bool write);

#endif
