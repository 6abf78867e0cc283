/* SPDX-License-Identifier: MIT */
/*
 * The preload library: a program's own calls on its own numbers end in a machine
 * inside its process. Three layers: libc_NAME is the real call (real.h),
 * preload_NAME has the logic (below), and the exported NAME is one line
 * (exports.c).
 *
 * A file's number is one end of a socket pair; its slot has the other, the kept
 * end, hidden at a high number. The kept end hangs up when the last copy of the
 * number is closed, in whatever process. One byte lies ready in the pair, so that
 * poll() and select() find the number readable and writable, as a kernel's; for
 * files that are not always ready see ready.c.
 */
#ifndef PRELOAD_PRELOAD_H
#define PRELOAD_PRELOAD_H

#include "front/vma.h"
#include "front/preload/real.h"

#include <errno.h>

/* ---- universe.c: the one machine of this process ---- */

/* Hidden: their addresses are known when the library is linked. */
extern struct front_fdtable preload_table __attribute__((visibility("hidden")));
extern struct mem_client preload_client __attribute__((visibility("hidden")));

/* The file of every number that a fork has left to the original process: answers -EIO. */
extern struct mem_file preload_foreign_file;

/* The machine, made at the first call. 0, or the errno of making it. */
int preload_machine(struct front_machine **out);

/*
 * Is `path` (a string, or NULL and the like) a file of the machine? *node as front_node_parse(). If
 * there is no making the machine, it may be: opening it says what is wrong.
 */
bool preload_has(const char *path, struct front_node *node);

/*
 * Are the table and this process's descriptors a pair? Not in a child of vfork(),
 * which has descriptors of its own, but borrows our memory.
 */
bool preload_is_owner(void);

/* ---- helpers for everything that answers like libc ---- */

static inline struct front_slot *preload_peek(int fd)
{
	return front_fdtable_peek(&preload_table, fd);
}

static inline struct front_slot *preload_get(int fd)
{
	return front_fdtable_get(&preload_table, fd);
}

static inline void preload_put(struct front_slot *slot)
{
	front_slot_put(&preload_table, slot);
}

/* -1 and errno for a negative errno; else `result`, and errno as `saved` before the call. */
static inline long preload_answer(long result, int saved)
{
	errno = result < 0 ? (int)-result : saved;
	return result < 0 ? -1 : result;
}

/* ---- open.c ---- */

int preload_open(const char *path, int flags, mode_t mode);
int preload_open_2(const char *path, int flags);
int preload_openat(int dir, const char *path, int flags, mode_t mode);
int preload_openat_2(int dir, const char *path, int flags);

/* Members of struct mem_client_ops. */
int preload_file_reserve(struct mem_client *client, struct mem_file *file,
			 struct mem_new_file *new_file);
void preload_file_publish(struct mem_client *client, struct mem_new_file *new_file);
void preload_file_abort(struct mem_client *client, struct mem_new_file *new_file);

/* ---- ready.c: what poll() finds ---- */

/*
 * The slot's file is new, and `fd` the program's end: make that look as ready as
 * the file is, from now on.
 */
void preload_ready_init(struct front_slot *slot, int fd);

/* Some file is no longer ready, and does not show it yet. */
extern bool preload_ready_stale __attribute__((visibility("hidden")));
void preload_ready_settle_slow(void) BASE_COLD;

/* At the end of each call that may have emptied a queue. No lock is held. */
static inline void preload_ready_settle(void)
{
	if (base_unlikely(base_load_relaxed(&preload_ready_stale)))
		preload_ready_settle_slow();
}

/* Change the slot's kept end, which a file may be about to write to. */
void preload_kept_set_locked(struct front_slot *slot, int kept);

/* In a forked child: what is in the pairs is the original's. */
void preload_ready_after_fork_locked(void);

/* ---- number.c: numbers come and go ---- */

int preload_close(int fd);
int preload_close_range(unsigned first, unsigned last, int flags);
void preload_closefrom(int first);
int preload_dup(int fd);
int preload_dup2(int fd, int target);
int preload_dup3(int fd, int target, int flags);
int preload_fcntl(int fd, int cmd, void *arg);

/*
 * The kernel has just given out `fd`: if it stands for something, that was closed
 * behind our back. Returns fd, which may be -1.
 */
int preload_number_new(int fd);

/*
 * Move our own descriptor to a high number that stands for nothing; fd is closed
 * in any case. The number, or a negative errno.
 */
int preload_move_high_locked(int fd);

/* `slot` may have become closed everywhere: end its open description, or have it watched. */
void preload_slot_settle(struct front_slot *slot);

/* End the open description of a slot that never had a number, at once. */
void preload_slot_end(struct front_slot *slot);

/* ---- keeper.c: a thread that waits for the last copies in other processes ---- */

/*
 * Settle the slot when its kept end hangs up. If there is no descriptor or no
 * thread for it, its file stays until the process ends.
 */
void preload_keeper_watch_locked(struct front_slot *slot);

/* Is `fd` the keeper's own descriptor? Its number is now `fd` (-1: it is lost). */
bool preload_keeper_has_locked(int fd);
void preload_keeper_renumber_locked(int fd);

/* In a forked child: there is no keeper. */
void preload_keeper_after_fork_locked(void);

/* ---- ioctl.c, rw.c, map.c ---- */

/* The slot of fd is kept at `entry`. */
int preload_ioctl(int fd, unsigned long request, void *arg, struct front_slot **entry)
	__attribute__((noinline));

/* For numbers beyond the first chunk of the table. */
int preload_ioctl_high(int fd, unsigned long request, void *arg) __attribute__((noinline));

ssize_t preload_read(int fd, void *buf, size_t count);
ssize_t preload_write(int fd, const void *buf, size_t count);
ssize_t preload_pread(int fd, void *buf, size_t count, off_t pos);
ssize_t preload_pwrite(int fd, const void *buf, size_t count, off_t pos);
ssize_t preload_readv(int fd, const struct iovec *iov, int n);
ssize_t preload_writev(int fd, const struct iovec *iov, int n);
ssize_t preload_preadv(int fd, const struct iovec *iov, int n, off_t pos);
ssize_t preload_pwritev(int fd, const struct iovec *iov, int n, off_t pos);
ssize_t preload_preadv2(int fd, const struct iovec *iov, int n, off_t pos, int flags);
ssize_t preload_pwritev2(int fd, const struct iovec *iov, int n, off_t pos, int flags);

/* Mappings of the machine's files. */
extern struct front_vmas preload_vmas __attribute__((visibility("hidden")));

void *preload_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
int preload_munmap(void *addr, size_t length);
void *preload_mremap(void *addr, size_t old_length, size_t length, int flags, void *wanted);

/* ---- stat.c ---- */

int preload_fstat(int fd, struct stat *out);
int preload_fstatat(int dir, const char *path, struct stat *out, int flags);
int preload_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out);
int preload_faccessat(int dir, const char *path, int mode, int flags);

/* ---- signals.c: SIGSEGV and SIGBUS are ours, what is not ours is the program's ---- */

/* Install our handler; the program's actions are kept and shown to it. 0 or a negative errno. */
int preload_signals_take(void);

int preload_sigaction(int signo, const struct sigaction *action, struct sigaction *old);
sighandler_t preload_signal(int signo, sighandler_t handler);
sighandler_t preload_sysv_signal(int signo, sighandler_t handler);
int preload_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int preload_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

#endif
