/* SPDX-License-Identifier: MIT */
/*
 * A client is whoever makes a call: every call carries one. It says how to
 * reach the caller's memory and what the caller's file descriptors mean; the
 * layers below the front ends know nothing else about the caller.
 */
#ifndef MEM_CLIENT_H
#define MEM_CLIENT_H

#include "base/base.h"
#include "mem/account.h"

struct mem_client;
struct mem_file;

/* A file on its way to a number. */
struct mem_new_file {
	struct mem_file *file; /* NULL: none */
	int fd;		       /* the number that it will have */
	void *front;	       /* the front end's */
};

struct mem_client_ops {
	/*
	 * Copy n bytes from / to the client's memory. 0, or -EFAULT (a prefix
	 * may have been copied). NULL in both for clients that are not remote.
	 */
	int (*copy_in)(struct mem_client *client, void *dst, uint64_t addr, size_t n);
	int (*copy_out)(struct mem_client *client, uint64_t addr, const void *src, size_t n);

	/*
	 * The file behind one of the client's fds, with a reference for the
	 * caller. -EBADF: not open; -EBADFD: open, but none of our files.
	 */
	int (*file_get)(struct mem_client *client, int fd, struct mem_file **file);

	/*
	 * A private descriptor (>= 0, the caller closes it with base_sys_close)
	 * of the client's eventfd. -EBADF: not open; -EINVAL: not an eventfd.
	 */
	int (*eventfd_get)(struct mem_client *client, int fd);

	/*
	 * A private descriptor, likewise, of a file that is none of ours. -EBADF: not open,
	 * open as a path only, or one of ours.
	 */
	int (*fd_get)(struct mem_client *client, int fd);

	/*
	 * Give a new file a number, in two steps; of `flags` count those of open(2) that
	 * say how it is open: the access mode, O_NONBLOCK, O_CLOEXEC. The first step does
	 * what can fail: -EMFILE, -ENFILE, -ENOMEM. If it succeeds `new_file` is filled in,
	 * and has the caller's reference of the file. The number is taken then, but not
	 * open. The second step opens it, or undoes the first and drops the file. The
	 * caller holds no lock.
	 */
	int (*file_reserve)(struct mem_client *client, struct mem_file *file, int flags,
			    struct mem_new_file *new_file);
	void (*file_publish)(struct mem_client *client, struct mem_new_file *new_file);
	void (*file_abort)(struct mem_client *client, struct mem_new_file *new_file);

	/*
	 * RLIMIT_MEMLOCK of the client's process in bytes, as it is now; UINT64_MAX:
	 * no limit. NULL for clients that are not remote.
	 */
	uint64_t (*memlock_limit)(struct mem_client *client);

	/*
	 * Remote clients only: the last reference is gone. The caller may hold locks
	 * up to RANK_SOURCE.
	 */
	void (*release)(struct mem_client *client);
};

/*
 * A client that is not remote lives as long as all that it has made. A remote one
 * is counted: whoever makes it sets `refs` to 1.
 */
struct mem_client {
	const struct mem_client_ops *ops;
	bool remote;   /* its memory is not ours: copies go through ops */
	bool may_lock; /* has CAP_IPC_LOCK: as of the last context that it opened, or IOAS */
	struct base_ref refs;
	const struct base_process *process; /* of a remote client: which one */
	struct mem_account account;
};

static inline void mem_client_get(struct mem_client *client)
{
	if (base_unlikely(client->remote))
		base_ref_get(&client->refs);
}

static inline void mem_client_put(struct mem_client *client)
{
	if (base_unlikely(client->remote) && base_ref_put(&client->refs) == 0)
		client->ops->release(client);
}

/* For front ends: can what the client pins from now on go without a limit? */
static inline void mem_client_set_may_lock(struct mem_client *client, bool may_lock)
{
	base_store_relaxed(&client->may_lock, may_lock);
}

/*
 * What a page source that `client` makes now is charged to (3.5). `per_process`:
 * the context's RLIMIT_MODE.
 */
static inline enum mem_account_mode mem_client_account_mode(const struct mem_client *client,
							    bool per_process)
{
	if (base_load_relaxed(&client->may_lock))
		return MEM_ACCOUNT_NONE;
	return per_process ? MEM_ACCOUNT_MM : MEM_ACCOUNT_USER;
}

/* Read / write the client's memory at address `addr` in it. 0 or -EFAULT. */
static inline int mem_copy_in(struct mem_client *client, void *dst, uint64_t addr, size_t n)
{
	if (base_likely(!client->remote))
		return base_guard_copy(dst, (const void *)(uintptr_t)addr, n);
	return client->ops->copy_in(client, dst, addr, n);
}

static inline int mem_copy_out(struct mem_client *client, uint64_t addr, const void *src, size_t n)
{
	if (base_likely(!client->remote))
		return base_guard_copy((void *)(uintptr_t)addr, src, n);
	return client->ops->copy_out(client, addr, src, n);
}

/* Write n zero bytes to the client's memory. 0 or -EFAULT. */
int mem_clear_out(struct mem_client *client, uint64_t addr, uint64_t n);

/* Are the n bytes at addr of the client all zero? 0 and *zero, or -EFAULT. */
int mem_is_zero(struct mem_client *client, uint64_t addr, uint64_t n, bool *zero);

/*
 * Copy in a struct whose size the client chose (iommufd-ioctls.md 1.2e): `size`
 * bytes at addr into the `known` bytes at dst, missing tail taken as 0. -E2BIG
 * if a byte beyond `known` is not 0, -EFAULT.
 */
int mem_copy_in_struct(struct mem_client *client, void *dst, size_t known, uint64_t addr,
		       size_t size);

#endif
