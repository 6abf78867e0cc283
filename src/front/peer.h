/* SPDX-License-Identifier: MIT */
/*
 * The owner's side of connections (front/wire.h): a remote process as a client.
 * Its memory is copied, and its descriptors are taken, without its help, so that
 * no call waits for it under a lock. Only a new file needs its answer.
 */
#ifndef FRONT_PEER_H
#define FRONT_PEER_H

#include "front/call.h"
#include "front/wire.h"

/* One for each address space that makes calls or has pinned memory. */
struct front_process {
	struct mem_client client;
	struct base_process process;
	struct base_list node;
};

/* A front end whose files remote processes use. */
struct front_host {
	struct front_fdtable *table;
	uint64_t key;		   /* in the names of its files */
	struct mem_client *client; /* its own: what may be locked is for all to decide */

	/*
	 * A slot without numbers, that has the caller's reference of `file`, and a descriptor
	 * *fd for the remote to use, which the caller closes. The flags are those of
	 * file_reserve() in mem/client.h. 0 or a negative errno.
	 */
	int (*file_new)(struct mem_file *file, int flags, int *fd, struct front_slot **slot);

	/* Undo that, and drop the file. */
	void (*file_drop)(struct front_slot *slot);

	/* End the description if no number anywhere stands for it, else have it watched. */
	void (*settle)(struct front_slot *slot);

	/* A call of `process` is over, in which the slot is `number` (-1: it did not say). */
	void (*called)(struct front_slot *slot, const struct base_process *process, int number);
};

/* Serve the connection until it ends; the caller closes it. From a thread of its own. */
void front_peer_serve(const struct front_host *host, int conn);

/*
 * The slot that our descriptor fd is a number of, with a reference; NULL if it is none
 * of ours. Takes no lock.
 */
struct front_slot *front_host_slot(const struct front_host *host, int fd);

/* Add what a process, our own or a remote one, has pinned here. */
void front_host_account(const struct front_host *host, uint64_t pid, struct mem_account *sum);

/* The process is a forked copy, and this its only thread: remote processes are the parent's. */
void front_peer_after_fork(void);

#endif
