/* SPDX-License-Identifier: MIT */
/*
 * A dma-buf of the test ABI (iommufd-test-abi.md 13): a file over memory of ours that
 * page sources refer to, and that its exporter revokes. A source that was made before
 * a revocation is void for good, and the domains lose its pages at once.
 */
#ifndef MEM_DMABUF_H
#define MEM_DMABUF_H

#include "mem/file.h"

struct mem_source;

struct mem_dmabuf {
	struct mem_file file;
	struct base_mutex lock; /* fills and drains of areas against revocations */
	bool revoked;		/* no new sources; guarded by lock */
	uint64_t revocations;	/* guarded by lock */
	struct base_list users; /* struct mem_dmabuf_user; guarded by lock */
	uint64_t length;	/* bytes */
	void *memory;
};

/* Somebody who has pages of a dma-buf in use: an area in a domain. */
struct mem_dmabuf_user {
	struct base_list node;
	/*
	 * The dma-buf is revoked: nothing reaches the pages any more when this returns.
	 * The user is in no list then. The dma-buf's lock is held.
	 */
	void (*revoke)(struct mem_dmabuf_user *user);
};

/*
 * Make one over `length` zeroed contiguous bytes (> 0, a multiple of the page size). 0
 * and a file, with the caller's reference; -ENOMEM. Its last reference may be dropped
 * under locks.
 */
int mem_dmabuf_new(uint64_t length, struct mem_file **file);

/* The dma-buf that a file is, NULL if it is none. */
struct mem_dmabuf *mem_dmabuf_of(struct mem_file *file);

/* The dma-buf that a source is over, NULL if it is over something else. */
struct mem_dmabuf *mem_source_dmabuf(const struct mem_source *source);

/*
 * All users so far have to go, and all sources so far are void. `revoked`: there are no
 * new sources until it is called with false.
 */
void mem_dmabuf_revoke(struct mem_dmabuf *dmabuf, bool revoked);

/*
 * Under dmabuf->lock: is the source void? Whoever is about to use its pages asks,
 * and attaches a user before the lock is free again.
 */
bool mem_source_is_void_locked(const struct mem_source *source);

void mem_dmabuf_attach_locked(struct mem_dmabuf *dmabuf, struct mem_dmabuf_user *user);

/* False: the user was revoked before. */
bool mem_dmabuf_detach_locked(struct mem_dmabuf *dmabuf, struct mem_dmabuf_user *user);

#endif
