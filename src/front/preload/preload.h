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

#include "front/preload/real.h"
#include "front/vma.h"
#include "front/wire.h"

#include <errno.h>

/* ---- universe.c: the one machine of this process ---- */

/* Hidden: their addresses are known when the library is linked. */
extern struct front_fdtable preload_table __attribute__((visibility("hidden")));
extern struct mem_client preload_client __attribute__((visibility("hidden")));

/* The file of numbers whose owner cannot be asked: answers -EIO. */
extern struct mem_file preload_foreign_file;

/* The machine, made at the first call. 0, or the errno of making it. */
int preload_machine(struct front_machine **out);

/* Once per process, with its children, before it has a number. 0 or a negative errno. */
int preload_prepare_locked(void);

/*
 * Is `path` (a string, or NULL and the like) a file of the machine? *node as front_node_parse(). If
 * there is no making the machine, it may be: opening it says what is wrong.
 */
bool preload_has(const char *path, struct front_node *node);

/* NULL, -1 and the like are not: the kernel may say what is wrong with them. */
bool preload_is_address(const char *path);

/* Does the machine speak the test-only ABI? Then the files that come with it are there, too. */
bool preload_test_abi(void);

/* Before the first file that does not need the machine. 0 or a negative errno. */
int preload_prepare(void);

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

FILE *preload_fopen(const char *path, const char *mode);

/* A number for `file`, whose reference it takes over if it succeeds; or a negative errno. */
int preload_file_open(struct mem_file *file, struct front_node node, int flags);

/*
 * Is `path`, which may be relative to the number `dir`, presented by proc.c or
 * fault.c? Not so the rewritten files of /proc, which are the kernel's to all but readers.
 */
bool preload_presents(int dir, const char *path, struct front_node *node);

/* Members of struct mem_client_ops. */
int preload_file_reserve(struct mem_client *client, struct mem_file *file, int flags,
			 struct mem_new_file *new_file);
void preload_file_publish(struct mem_client *client, struct mem_new_file *new_file);
void preload_file_abort(struct mem_client *client, struct mem_new_file *new_file);

/*
 * For a remote process: a slot of a new file, and *fd, the end that becomes its number
 * there. As file_new of struct front_host.
 */
int preload_file_new(struct mem_file *file, int flags, int *fd, struct front_slot **slot);

/* ---- adopt.c: numbers that other processes gave us ---- */

/* fd, which stands for nothing, is new: from now on it stands for what its name says, if any. */
void preload_adopt(int fd);

/* The file of a slot in a forked child, with a reference. */
struct mem_file *preload_inherit(struct front_slot *slot);

ssize_t preload_recvmsg(int fd, struct msghdr *message, int flags);
int preload_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		     struct timespec *timeout);

/* ---- server.c: other processes that use our files ---- */

void preload_server_start_locked(void);

/* As of the keeper: the number at which the server waits. */
bool preload_server_has_locked(int fd);
void preload_server_renumber_locked(int fd);

/* Add what a process, our own or a remote one, has pinned in our machine. */
void preload_server_account(uint64_t pid, struct mem_account *sum);

/* In the names of our files; 0: there are none yet. */
uint64_t preload_server_key(void);

/* The name of our slot's kept end. */
struct front_name preload_name_of(const struct front_slot *slot);

/* In a forked child: there is no server, and there are no connections. */
void preload_server_after_fork_locked(void);

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

/* The same for a slot that has no number here, but is `number` of a remote process. */
void preload_ready_settle_remote(struct front_slot *slot, const struct base_process *process,
				 int number);

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

/* The same, and mark it as hidden. */
int preload_hide_locked(int fd);

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

/* ---- proc.c: files of /proc that tell of the machine ---- */

/*
 * Is `path` /proc/PID/status or /proc/PID/task/TID/status of a process that has pinned memory
 * here? Then *fd is a number of the kernel's with the text that it would have if the machine
 * were the kernel's, as it is now; or a negative errno.
 */
bool preload_status_open(const char *path, int flags, int *fd);

/*
 * Is it fail-nth of a thread, under the test-only ABI? *tid is the thread. The file
 * can be opened by all threads, but used only by that one.
 */
bool preload_fail_nth_parse(const char *path, uint32_t *tid);
int preload_fail_nth_open(uint32_t tid, int flags);

/* ---- fault.c: the fault-injection folders of debugfs, under the test-only ABI ---- */

/* By path, or relative to the number `dir` if that is one of the folders. */
bool preload_fault_find(int dir, const char *path, struct front_node *node);

/* A node as found: which may be of type FRONT_NODE_NONE. The number or a negative errno. */
int preload_fault_open(struct front_node node, int flags);

/* The entry at position `pos` of a folder, which may have none there. */
bool preload_fault_entry(struct front_node folder, unsigned pos, struct dirent *out);

/* ---- text.c: small files of text ---- */

/* As pread(): of a file that is `text` now. */
ssize_t preload_text_read(struct mem_client *client, uint64_t addr, size_t count, uint64_t pos,
			  const char *text);

/* All that was written, without a newline at the end, as a string. 0, -EINVAL, -EFAULT. */
#define PRELOAD_TEXT_SIZE 24
int preload_text_take(struct mem_client *client, uint64_t addr, size_t count,
		      char text[PRELOAD_TEXT_SIZE]);

/* A number as C has them. 0, -EINVAL, or -ERANGE: it is above `max`. */
int preload_text_number(const char *text, uint64_t max, uint64_t *number);

/* ---- dir.c: streams of the folders' entries ---- */

DIR *preload_opendir(const char *path);
int preload_closedir(DIR *dir);
struct dirent *preload_readdir(DIR *dir);
int preload_readdir_r(DIR *dir, struct dirent *entry, struct dirent **result);
void preload_rewinddir(DIR *dir);
void preload_seekdir(DIR *dir, long pos);
long preload_telldir(DIR *dir);
int preload_dirfd(DIR *dir);

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
