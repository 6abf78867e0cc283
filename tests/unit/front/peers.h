/* SPDX-License-Identifier: MIT */
/*
 * An owner and a remote process, here one process that is both, over real
 * connections. The owner's file says what it was asked.
 */
#ifndef TESTS_PEERS_H
#define TESTS_PEERS_H

#include "front/peer.h"
#include "front/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

/* Connections that the owner can serve in one test. */
#define CALLS 300

/* What ioctl does to the file. */
enum {
	CMD_COPY = 1, /* the 8 bytes at arg, plus 1 */
	CMD_FILE,     /* the file of fd arg: 0 if it is this one */
	CMD_EVENT,    /* adds 7 to the eventfd arg */
	CMD_FD,	      /* closes a copy of descriptor arg */
	CMD_OPEN,     /* makes a file; its number to arg */
	CMD_UNDO,     /* makes a file, but no */
};

extern struct peers {
	struct owner {
		struct mem_file file;
		unsigned released, dropped, settled, called; /* how often */
	} owner;
	struct mem_file other_file;

	struct front_fdtable table; /* the owner's */
	struct mem_client local;    /* the owner as a client of its own */
	struct front_slot *slot;    /* of owner.file */
	int listening;		    /* the server */

	struct front_remote *remote; /* has `number` of it */
	int number, opened;	     /* opened: the last file that a call has made */
} peers;

extern struct front_host peers_host;
extern const struct front_remote_ops peers_remote_ops;

/* Around each test. */
int peers_set_up(void **state);
int peers_tear_down(void **state);

/* An ioctl of the remote process. */
long peers_call(uint32_t cmd, uint64_t arg);

/* A description of the file: its kept end has a name, *fd is the other. And its end. */
struct front_slot *peers_describe(struct mem_file *file, int *fd);
void peers_undescribe(struct front_slot *slot, int fd);

#endif
