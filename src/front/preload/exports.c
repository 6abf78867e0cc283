// SPDX-License-Identifier: MIT
/*
 * What programs call: one line each. Names are given as symbols, so that no
 * header's view of them (fortified, 64-bit, not-null) gets in the way.
 */
#include "front/preload/preload.h"

#include <fcntl.h>

/* A symbol's name can be given in a declaration only. */
#define EXPORT(result, name, ...)                                                                \
	result export_##name(__VA_ARGS__) __asm__(#name) __attribute__((visibility("default"))); \
	result export_##name(__VA_ARGS__)

/* glibc's, for a buffer smaller than the count: ends the program. */
void __chk_fail(void) __attribute__((noreturn));

/* ---- ioctl: the program's other files pay for this one, too; it needs no stack ---- */

EXPORT(int, ioctl, int fd, unsigned long request, void *arg)
{
	if (base_unlikely((uint32_t)fd >= base_array_size(preload_table.low)))
		return preload_ioctl_high(fd, request, arg);
	if (base_likely(!base_load_relaxed(&preload_table.low[fd])))
		return libc_ioctl(fd, request, arg);
	return preload_ioctl(fd, request, arg, &preload_table.low[fd]);
}

/* ---- open ---- */

EXPORT(int, open, const char *path, int flags, mode_t mode)
{
	return preload_open(path, flags, mode);
}

EXPORT(int, open64, const char *path, int flags, mode_t mode)
{
	return preload_open(path, flags, mode);
}

EXPORT(int, __open_2, const char *path, int flags)
{
	return preload_open_2(path, flags);
}

EXPORT(int, __open64_2, const char *path, int flags)
{
	return preload_open_2(path, flags);
}

EXPORT(int, openat, int dir, const char *path, int flags, mode_t mode)
{
	return preload_openat(dir, path, flags, mode);
}

EXPORT(int, openat64, int dir, const char *path, int flags, mode_t mode)
{
	return preload_openat(dir, path, flags, mode);
}

EXPORT(int, __openat_2, int dir, const char *path, int flags)
{
	return preload_openat_2(dir, path, flags);
}

EXPORT(int, __openat64_2, int dir, const char *path, int flags)
{
	return preload_openat_2(dir, path, flags);
}

EXPORT(int, creat, const char *path, mode_t mode)
{
	return preload_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT(int, creat64, const char *path, mode_t mode)
{
	return preload_open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT(FILE *, fopen, const char *path, const char *mode)
{
	return preload_fopen(path, mode);
}

EXPORT(FILE *, fopen64, const char *path, const char *mode)
{
	return preload_fopen(path, mode);
}

/* ---- streams of directories ---- */

EXPORT(DIR *, opendir, const char *path)
{
	return preload_opendir(path);
}

EXPORT(int, closedir, DIR *dir)
{
	return preload_closedir(dir);
}

EXPORT(struct dirent *, readdir, DIR *dir)
{
	return preload_readdir(dir);
}

EXPORT(struct dirent *, readdir64, DIR *dir)
{
	return preload_readdir(dir);
}

EXPORT(int, readdir_r, DIR *dir, struct dirent *entry, struct dirent **result)
{
	return preload_readdir_r(dir, entry, result);
}

EXPORT(int, readdir64_r, DIR *dir, struct dirent *entry, struct dirent **result)
{
	return preload_readdir_r(dir, entry, result);
}

EXPORT(void, rewinddir, DIR *dir)
{
	preload_rewinddir(dir);
}

EXPORT(void, seekdir, DIR *dir, long pos)
{
	preload_seekdir(dir, pos);
}

EXPORT(long, telldir, DIR *dir)
{
	return preload_telldir(dir);
}

EXPORT(int, dirfd, DIR *dir)
{
	return preload_dirfd(dir);
}

/* ---- numbers ---- */

EXPORT(int, close, int fd)
{
	return preload_close(fd);
}

EXPORT(int, close_range, unsigned first, unsigned last, int flags)
{
	return preload_close_range(first, last, flags);
}

EXPORT(void, closefrom, int first)
{
	preload_closefrom(first);
}

EXPORT(int, dup, int fd)
{
	return preload_dup(fd);
}

EXPORT(int, dup2, int fd, int target)
{
	return preload_dup2(fd, target);
}

EXPORT(int, dup3, int fd, int target, int flags)
{
	return preload_dup3(fd, target, flags);
}

EXPORT(int, fcntl, int fd, int cmd, void *arg)
{
	return preload_fcntl(fd, cmd, arg);
}

EXPORT(int, fcntl64, int fd, int cmd, void *arg)
{
	return preload_fcntl(fd, cmd, arg);
}

/* ---- read and write ---- */

EXPORT(ssize_t, read, int fd, void *buf, size_t count)
{
	return preload_read(fd, buf, count);
}

EXPORT(ssize_t, __read_chk, int fd, void *buf, size_t count, size_t size)
{
	return count > size ? __chk_fail(), 0 : preload_read(fd, buf, count);
}

EXPORT(ssize_t, write, int fd, const void *buf, size_t count)
{
	return preload_write(fd, buf, count);
}

EXPORT(ssize_t, pread, int fd, void *buf, size_t count, off_t pos)
{
	return preload_pread(fd, buf, count, pos);
}

EXPORT(ssize_t, pread64, int fd, void *buf, size_t count, off_t pos)
{
	return preload_pread(fd, buf, count, pos);
}

EXPORT(ssize_t, __pread_chk, int fd, void *buf, size_t count, off_t pos, size_t size)
{
	return count > size ? __chk_fail(), 0 : preload_pread(fd, buf, count, pos);
}

EXPORT(ssize_t, __pread64_chk, int fd, void *buf, size_t count, off_t pos, size_t size)
{
	return count > size ? __chk_fail(), 0 : preload_pread(fd, buf, count, pos);
}

EXPORT(ssize_t, pwrite, int fd, const void *buf, size_t count, off_t pos)
{
	return preload_pwrite(fd, buf, count, pos);
}

EXPORT(ssize_t, pwrite64, int fd, const void *buf, size_t count, off_t pos)
{
	return preload_pwrite(fd, buf, count, pos);
}

EXPORT(ssize_t, readv, int fd, const struct iovec *iov, int n)
{
	return preload_readv(fd, iov, n);
}

EXPORT(ssize_t, writev, int fd, const struct iovec *iov, int n)
{
	return preload_writev(fd, iov, n);
}

EXPORT(ssize_t, preadv, int fd, const struct iovec *iov, int n, off_t pos)
{
	return preload_preadv(fd, iov, n, pos);
}

EXPORT(ssize_t, preadv64, int fd, const struct iovec *iov, int n, off_t pos)
{
	return preload_preadv(fd, iov, n, pos);
}

EXPORT(ssize_t, pwritev, int fd, const struct iovec *iov, int n, off_t pos)
{
	return preload_pwritev(fd, iov, n, pos);
}

EXPORT(ssize_t, pwritev64, int fd, const struct iovec *iov, int n, off_t pos)
{
	return preload_pwritev(fd, iov, n, pos);
}

EXPORT(ssize_t, preadv2, int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	return preload_preadv2(fd, iov, n, pos, flags);
}

EXPORT(ssize_t, preadv64v2, int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	return preload_preadv2(fd, iov, n, pos, flags);
}

EXPORT(ssize_t, pwritev2, int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	return preload_pwritev2(fd, iov, n, pos, flags);
}

EXPORT(ssize_t, pwritev64v2, int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	return preload_pwritev2(fd, iov, n, pos, flags);
}

EXPORT(ssize_t, recvmsg, int fd, struct msghdr *message, int flags)
{
	return preload_recvmsg(fd, message, flags);
}

EXPORT(int, recvmmsg, int fd, struct mmsghdr *messages, unsigned count, int flags,
       struct timespec *timeout)
{
	return preload_recvmmsg(fd, messages, count, flags, timeout);
}

EXPORT(void *, mmap, void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	return preload_mmap(addr, length, prot, flags, fd, offset);
}

EXPORT(void *, mmap64, void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	return preload_mmap(addr, length, prot, flags, fd, offset);
}

EXPORT(int, munmap, void *addr, size_t length)
{
	return preload_munmap(addr, length);
}

EXPORT(void *, mremap, void *addr, size_t old_length, size_t length, int flags, void *wanted)
{
	return preload_mremap(addr, old_length, length, flags, wanted);
}

/* ---- stat; the names with x are of programs built before glibc 2.33 ---- */

EXPORT(int, stat, const char *path, struct stat *out)
{
	return preload_fstatat(AT_FDCWD, path, out, 0);
}

EXPORT(int, stat64, const char *path, struct stat *out)
{
	return preload_fstatat(AT_FDCWD, path, out, 0);
}

EXPORT(int, lstat, const char *path, struct stat *out)
{
	return preload_fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

EXPORT(int, lstat64, const char *path, struct stat *out)
{
	return preload_fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

EXPORT(int, fstat, int fd, struct stat *out)
{
	return preload_fstat(fd, out);
}

EXPORT(int, fstat64, int fd, struct stat *out)
{
	return preload_fstat(fd, out);
}

EXPORT(int, fstatat, int dir, const char *path, struct stat *out, int flags)
{
	return preload_fstatat(dir, path, out, flags);
}

EXPORT(int, fstatat64, int dir, const char *path, struct stat *out, int flags)
{
	return preload_fstatat(dir, path, out, flags);
}

EXPORT(int, __xstat, int version, const char *path, struct stat *out)
{
	(void)version;
	return preload_fstatat(AT_FDCWD, path, out, 0);
}

EXPORT(int, __xstat64, int version, const char *path, struct stat *out)
{
	(void)version;
	return preload_fstatat(AT_FDCWD, path, out, 0);
}

EXPORT(int, __lxstat, int version, const char *path, struct stat *out)
{
	(void)version;
	return preload_fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

EXPORT(int, __lxstat64, int version, const char *path, struct stat *out)
{
	(void)version;
	return preload_fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

EXPORT(int, __fxstat, int version, int fd, struct stat *out)
{
	(void)version;
	return preload_fstat(fd, out);
}

EXPORT(int, __fxstat64, int version, int fd, struct stat *out)
{
	(void)version;
	return preload_fstat(fd, out);
}

EXPORT(int, __fxstatat, int version, int dir, const char *path, struct stat *out, int flags)
{
	(void)version;
	return preload_fstatat(dir, path, out, flags);
}

EXPORT(int, __fxstatat64, int version, int dir, const char *path, struct stat *out, int flags)
{
	(void)version;
	return preload_fstatat(dir, path, out, flags);
}

EXPORT(int, statx, int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
	return preload_statx(dir, path, flags, mask, out);
}

EXPORT(int, access, const char *path, int mode)
{
	return preload_faccessat(AT_FDCWD, path, mode, 0);
}

EXPORT(int, faccessat, int dir, const char *path, int mode, int flags)
{
	return preload_faccessat(dir, path, mode, flags);
}

EXPORT(int, euidaccess, const char *path, int mode)
{
	return preload_faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

EXPORT(int, eaccess, const char *path, int mode)
{
	return preload_faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

/* ---- signals ---- */

EXPORT(int, sigaction, int signo, const struct sigaction *act, struct sigaction *old)
{
	return preload_sigaction(signo, act, old);
}

EXPORT(int, __sigaction, int signo, const struct sigaction *act, struct sigaction *old)
{
	return preload_sigaction(signo, act, old);
}

EXPORT(sighandler_t, signal, int signo, sighandler_t handler)
{
	return preload_signal(signo, handler);
}

EXPORT(sighandler_t, bsd_signal, int signo, sighandler_t handler)
{
	return preload_signal(signo, handler);
}

EXPORT(sighandler_t, ssignal, int signo, sighandler_t handler)
{
	return preload_signal(signo, handler);
}

EXPORT(sighandler_t, sysv_signal, int signo, sighandler_t handler)
{
	return preload_sysv_signal(signo, handler);
}

EXPORT(sighandler_t, __sysv_signal, int signo, sighandler_t handler)
{
	return preload_sysv_signal(signo, handler);
}

EXPORT(int, sigprocmask, int how, const sigset_t *set, sigset_t *old)
{
	return preload_sigprocmask(how, set, old);
}

EXPORT(int, pthread_sigmask, int how, const sigset_t *set, sigset_t *old)
{
	return preload_pthread_sigmask(how, set, old);
}
