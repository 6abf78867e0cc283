/* SPDX-License-Identifier: MIT */
/* What the tests of mem/ share: two clients with the same memory, near and far. */
#ifndef TESTS_MEM_SPACES_H
#define TESTS_MEM_SPACES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "mem/mem.h"

#define SPACE_PAGE 4096u
#define SPACE_SIZE (3 * SPACE_PAGE) /* read-only, writable, writable; behind it is nothing */

/*
 * SPACE_SIZE bytes of a client, at `addr` of it. The test itself gets at them
 * through `bytes`, whatever the client may do.
 */
struct space {
	struct mem_client client;
	const char *name;
	uint64_t addr;
	uint8_t *bytes;
};

/* The client's memory is ours. */
extern struct space space_local;

/* A client somewhere else: copies go through its ops. */
extern struct space space_remote;

/* Maps both and installs the guard: a group setup of cmocka. */
int spaces_setup(void **state);

/* All bytes of the writable pages = `byte`; those of the first page are always 0. */
void space_fill(struct space *space, uint8_t byte);

/* How many copies the far client has been asked for since the last call. */
unsigned space_remote_copies(void);

#endif
