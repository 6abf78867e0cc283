/* SPDX-License-Identifier: MIT */
/*
 * The C library's own functions, next in search order after ours, as libc_NAME.
 * Variadic ones are called with all their arguments. The 64-bit names (open64,
 * pread64, ...) are the same functions on this machine.
 *
 * Everything in this folder calls the C library's wrapped functions by these
 * names only.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <dirent.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifndef __x86_64__
#error "the preload library knows only the names and types of x86-64"
#endif

/* Name, result, parameters, arguments. */
#define PRELOAD_LIBC(X)                                                                            \
	X(open, int, (const char *path, int flags, mode_t mode), (path, flags, mode))              \
	X(__open_2, int, (const char *path, int flags), (path, flags))                             \
	X(openat, int, (int dir, const char *path, int flags, mode_t mode),                        \
	  (dir, path, flags, mode))                                                                \
	X(__openat_2, int, (int dir, const char *path, int flags), (dir, path, flags))             \
	X(fopen, FILE *, (const char *path, const char *mode), (path, mode))                       \
	X(opendir, DIR *, (const char *path), (path))                                              \
	X(closedir, int, (DIR * dir), (dir))                                                       \
	X(readdir, struct dirent *, (DIR * dir), (dir))                                            \
	X(readdir_r, int, (DIR * dir, struct dirent * entry, struct dirent * *result),             \
	  (dir, entry, result))                                                                    \
	X(rewinddir, void, (DIR * dir), (dir))                                                     \
	X(seekdir, void, (DIR * dir, long pos), (dir, pos))                                        \
	X(telldir, long, (DIR * dir), (dir))                                                       \
	X(dirfd, int, (DIR * dir), (dir))                                                          \
	X(close, int, (int fd), (fd))                                                              \
	X(close_range, int, (unsigned first, unsigned last, int flags), (first, last, flags))      \
	X(closefrom, void, (int first), (first))                                                   \
	X(dup, int, (int fd), (fd))                                                                \
	X(dup2, int, (int fd, int target), (fd, target))                                           \
	X(dup3, int, (int fd, int target, int flags), (fd, target, flags))                         \
	X(fcntl, int, (int fd, int cmd, void *arg), (fd, cmd, arg))                                \
	X(ioctl, int, (int fd, unsigned long request, void *arg), (fd, request, arg))              \
	X(read, ssize_t, (int fd, void *buf, size_t count), (fd, buf, count))                      \
	X(write, ssize_t, (int fd, const void *buf, size_t count), (fd, buf, count))               \
	X(pread, ssize_t, (int fd, void *buf, size_t count, off_t pos), (fd, buf, count, pos))     \
	X(pwrite, ssize_t, (int fd, const void *buf, size_t count, off_t pos),                     \
	  (fd, buf, count, pos))                                                                   \
	X(readv, ssize_t, (int fd, const struct iovec *iov, int n), (fd, iov, n))                  \
	X(writev, ssize_t, (int fd, const struct iovec *iov, int n), (fd, iov, n))                 \
	X(preadv, ssize_t, (int fd, const struct iovec *iov, int n, off_t pos), (fd, iov, n, pos)) \
	X(pwritev, ssize_t, (int fd, const struct iovec *iov, int n, off_t pos),                   \
	  (fd, iov, n, pos))                                                                       \
	X(preadv2, ssize_t, (int fd, const struct iovec *iov, int n, off_t pos, int flags),        \
	  (fd, iov, n, pos, flags))                                                                \
	X(pwritev2, ssize_t, (int fd, const struct iovec *iov, int n, off_t pos, int flags),       \
	  (fd, iov, n, pos, flags))                                                                \
	X(recvmsg, ssize_t, (int fd, struct msghdr *message, int flags), (fd, message, flags))     \
	X(recvmmsg, int,                                                                           \
	  (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout), \
	  (fd, messages, count, flags, timeout))                                                   \
	X(mmap, void *, (void *addr, size_t length, int prot, int flags, int fd, off_t offset),    \
	  (addr, length, prot, flags, fd, offset))                                                 \
	X(munmap, int, (void *addr, size_t length), (addr, length))                                \
	X(mremap, void *, (void *addr, size_t old_length, size_t length, int flags, void *wanted), \
	  (addr, old_length, length, flags, wanted))                                               \
	X(fstat, int, (int fd, struct stat *out), (fd, out))                                       \
	X(fstatat, int, (int dir, const char *path, struct stat *out, int flags),                  \
	  (dir, path, out, flags))                                                                 \
	X(statx, int, (int dir, const char *path, int flags, unsigned mask, struct statx *out),    \
	  (dir, path, flags, mask, out))                                                           \
	X(faccessat, int, (int dir, const char *path, int mode, int flags),                        \
	  (dir, path, mode, flags))                                                                \
	X(sigaction, int, (int signo, const struct sigaction *action, struct sigaction *old),      \
	  (signo, action, old))                                                                    \
	X(signal, sighandler_t, (int signo, sighandler_t handler), (signo, handler))               \
	X(__sysv_signal, sighandler_t, (int signo, sighandler_t handler), (signo, handler))        \
	X(sigprocmask, int, (int how, const sigset_t *set, sigset_t *old), (how, set, old))        \
	X(pthread_sigmask, int, (int how, const sigset_t *set, sigset_t *old), (how, set, old))

struct statx;

#define PRELOAD_DECLARE(name, result, params, args) \
	extern result(*libc_##name) params __attribute__((visibility("hidden")));
PRELOAD_LIBC(PRELOAD_DECLARE)
#undef PRELOAD_DECLARE

#endif
