/* SPDX-License-Identifier: MIT */
/*
 * The few system calls the library makes for itself. They go to the kernel
 * directly, so that a preloaded library never meets its own wrappers. All
 * return a value >= 0 or a negative errno and leave errno alone.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include "base/compiler.h"

#include <sys/types.h>

/* A close-on-exec descriptor with a high number, to read the file. */
int base_sys_open_read(const char *path);

int base_sys_close(int fd);

/*
 * Who shares its numbers with a program, and has to know which ones it must not close.
 * Both may be called under any lock.
 */
struct base_fd_watch {
	void (*made)(int fd);	 /* by base_sys_dup_high(), for the library to keep */
	void (*closing)(int fd); /* by base_sys_close(), whose ever it is */
};

/* From now on, for this process: `watch` stays. NULL: nobody wants to know. */
void base_sys_watch(const struct base_fd_watch *watch);

/*
 * A close-on-exec copy of fd with a number out of the way of the program's own
 * (as high as the limits allow).
 */
int base_sys_dup_high(int fd);

/* Move fd to a high number: as above, and fd is closed in any case. */
int base_sys_move_high(int fd);

/*
 * `size` bytes of zeros in memory that can be mapped: a close-on-exec descriptor with a
 * high number. The name is for people who look at the process.
 */
int base_sys_memfd(const char *name, uint64_t size);

/*
 * mmap(2), with *addr as the address that is wanted, or NULL, and that it became. 0 or a
 * negative errno.
 */
int base_sys_mmap(void **addr, size_t length, int prot, int flags, int fd, uint64_t offset);
int base_sys_munmap(void *addr, size_t length);

/* mremap(2), likewise; `wanted` counts with MREMAP_FIXED. */
int base_sys_mremap(void **addr, size_t old_length, size_t length, int flags, void *wanted);

/* A connected pair of local stream sockets, both close-on-exec. */
int base_sys_socketpair(int fds[2]);

/* True if the other end of the pair is closed everywhere. */
bool base_sys_is_hung_up(int fd);

ssize_t base_sys_write(int fd, const void *buf, size_t n);
ssize_t base_sys_read(int fd, void *buf, size_t n);

/*
 * Sleep until one of `count` (at most 8) descriptors is readable or hung up.
 * Returns its index, the lowest if there are several.
 */
int base_sys_wait_readable(const int *fds, size_t count);

/* Sleep that long, or until a signal comes. */
void base_sys_sleep_ms(unsigned ms);

/* Is fd an eventfd? 0, -EBADF if it is not open, -EINVAL if it is something else. */
int base_sys_check_eventfd(int fd);

/*
 * As base_sys_dup_high(), of what programs can hand over: -EBADF if fd is not open, or
 * open as a path only (O_PATH).
 */
int base_sys_dup_file(int fd);

/*
 * Is fd a file of memory, in tmpfs or hugetlbfs? 0, its size, and the size of the pages
 * that it is mapped by; -EINVAL: it is something else.
 */
int base_sys_memory_file(int fd, uint64_t *size, uint64_t *page_size);

/*
 * Map a part of a file of memory, shared, for reading or also for writing, whatever the
 * descriptor is open for; forked children do not have it. offset and length are multiples of its
 * page size. 0 and *addr, or the errno of mmap(2): -EACCES and -EPERM say that the file may not be
 * used so. An injection point: -ENOMEM.
 */
int base_sys_map_file(int fd, uint64_t offset, uint64_t length, bool writable, void **addr);

/* Map memory of our own, all zeroes. 0 and *addr, or -ENOMEM. An injection point. */
int base_sys_map_zeroes(uint64_t length, void **addr);

void base_sys_unmap(void *addr, uint64_t length);

int base_sys_gettid(void);

/*
 * May the calling thread change how limits apply (CAP_SYS_RESOURCE)? So may root where
 * nobody can have that capability, as in many containers: the machine is its own.
 */
bool base_sys_may_set_limits(void);

/* The soft RLIMIT_MEMLOCK of this process in bytes; UINT64_MAX: no limit. */
uint64_t base_sys_memlock_limit(void);

/* May the calling thread lock memory beyond that (CAP_IPC_LOCK)? */
bool base_sys_may_lock(void);

#endif
