/* SPDX-License-Identifier: MIT */
/*
 * A file of another process: its calls travel to the owner (front/wire.h). This
 * is the remote side; the owner's is front/peer.h.
 *
 * Connections are made when calls need them, one for each call at a time, and
 * kept for later calls.
 */
#ifndef FRONT_REMOTE_H
#define FRONT_REMOTE_H

#include "front/fdtable.h"
#include "front/wire.h"

/* Calls that one process makes at the same time on one description; more wait. */
#define FRONT_REMOTE_CALLS 8

struct front_remote;

/* What is special to a front end. */
struct front_remote_ops {
	/* A number of the file in this process, -1 if there is none any more. */
	int (*number)(struct front_remote *remote);

	/*
	 * `fd` is new to this process: not yet a file's, which is close-on-exec only if the
	 * flags say so; or now the file's that its name says.
	 */
	void (*number_new)(int fd, int flags);
	void (*number_opened)(int fd);
};

struct front_remote {
	struct mem_file file;
	const struct front_remote_ops *ops;
	struct front_name name;
	struct base_waitq idle;
	uint32_t calls[FRONT_REMOTE_CALLS]; /* connections, see remote.c */
};

/* A file with one reference, that closes its connections when it is released. 0 or -ENOMEM. */
int front_remote_new(const struct front_name *name, const struct front_remote_ops *ops,
		     struct front_remote **out);

/* NULL if the file is not a remote one. */
struct front_remote *front_remote_of(struct mem_file *file);

/*
 * This process has closed its last number: if that was the last of all, the
 * owner has released the file when this returns.
 */
void front_remote_close(struct front_remote *remote);

/* Add what a process has pinned in the owner's machine; nothing if it does not answer. */
void front_remote_account(struct front_remote *remote, uint64_t pid, struct mem_account *sum);

/*
 * The process is a forked copy, and this its only thread: connections are the
 * parent's. One reference is left.
 */
void front_remote_after_fork(struct front_remote *remote);

/* The same for what all files share. */
void front_remote_process_after_fork(void);

#endif
