/* SPDX-License-Identifier: MIT */
/*
 * Accounting of pinned pages (iommufd-ioctls.md 3.5): each page of a source once,
 * as long as it is pinned.
 */
#ifndef MEM_ACCOUNT_H
#define MEM_ACCOUNT_H

#include "base/base.h"

struct mem_client;

/* What a source is charged to. Decided when it is made. */
enum mem_account_mode {
	MEM_ACCOUNT_NONE, /* nothing, and no limit */
	MEM_ACCOUNT_USER, /* the user: all clients together */
	MEM_ACCOUNT_MM,	  /* the client's address space */
};

/* Of one client; in pages, changed with atomics. */
struct mem_account {
	uint64_t pinned; /* all of it: VmPin */
	uint64_t locked; /* charged in mode MM: part of VmLck */
};

/*
 * `pages` more are pinned. -ENOMEM and nothing changed if what is charged to the
 * user (MEM_ACCOUNT_USER) or the client (MEM_ACCOUNT_MM) would exceed RLIMIT_MEMLOCK
 * of the client, which is read now. The log says so.
 */
int mem_account_charge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages);
void mem_account_uncharge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages);

/* In a child of fork(), which has nothing pinned, and one client. */
void mem_account_after_fork(struct mem_client *client);

#endif
