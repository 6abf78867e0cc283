/* SPDX-License-Identifier: MIT */
/*
 * What owner and remote processes say to each other. An owner is the process
 * whose machine has the files; a remote one holds numbers of them.
 *
 * Names: the owner's end of each socket pair has a name that the other end can
 * see, in whatever process, and that says whose file it is. The owner's server
 * listens at a name that follows from it.
 *
 * A connection is for one open description and for one call at a time:
 *
 *   remote                            owner
 *   request HELLO      ------------>  looks whether the remote has such a number
 *                      <------------  reply RESULT
 *   request IOCTL ...  ------------>  makes the call; copies from and to the
 *                                     remote's memory, takes its descriptors
 *                      <------------  reply NEW with the number of a new file
 *   request NUMBER     ------------>
 *                      <------------  reply OPEN or DROP
 *                      <------------  reply RESULT
 *
 * Whoever gets something else, or the end, closes the connection.
 */
#ifndef FRONT_WIRE_H
#define FRONT_WIRE_H

#include "front/front.h"

struct front_name {
	uint64_t magic;
	uint64_t key;	       /* of the owner, random */
	uint64_t serial;       /* of the description; 0: the server */
	uint32_t type, number; /* struct front_node */
	uint32_t access;
	uint32_t zero;
};

/* "swiommu" and the version of all this. */
#define FRONT_NAME_MAGIC 0x31756d6d6f697773ull

enum front_request_op {
	FRONT_HELLO = 1, /* fd: a number of the description; args: token_addr, token */
	FRONT_IOCTL,	 /* args: command, argument */
	FRONT_READ,	 /* fd: as of HELLO; args: address, count */
	FRONT_WRITE,
	FRONT_PREAD, /* args: address, count, position */
	FRONT_PWRITE,
	FRONT_CLOSE,   /* the last number of this process is closed: if that was all, release */
	FRONT_NUMBER,  /* fd: where the new file is, or a negative errno */
	FRONT_ACCOUNT, /* args: process id, which (enum): pages */
};

/* What a process has pinned in the owner's machine. */
enum front_account { FRONT_PINNED, FRONT_LOCKED };

struct front_request {
	uint32_t op;
	int32_t fd;
	uint64_t args[3];
};

enum front_reply_op {
	FRONT_RESULT = 1,
	FRONT_NEW,  /* carries a descriptor: find a number for it; result: flags of open(2) */
	FRONT_OPEN, /* fd: now it is the file's */
	FRONT_DROP, /* fd: close it again */
};

struct front_reply {
	uint32_t op;
	int32_t fd;
	int64_t result; /* a value or a negative errno */
};

/*
 * Is fd a number of a machine's file, here or elsewhere? Then *name says which. Asks the
 * kernel, once.
 */
bool front_name_get(int fd, struct front_name *name);

/* Is fd one of a front end's own sockets: a kept end, a server, a connection? */
bool front_name_is_own(int fd);

/* The name of the server of the process with that key. */
struct front_name front_name_of_server(uint64_t key);

#endif
