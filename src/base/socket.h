/* SPDX-License-Identifier: MIT */
/*
 * Local sockets between processes: names, connections, messages with a
 * descriptor. Straight to the kernel, as in base/sys.h; all are close-on-exec.
 * A name is `n` bytes (at most BASE_SOCKET_NAME_MAX) in the abstract name
 * space, where no file has to be removed.
 */
#ifndef BASE_SOCKET_H
#define BASE_SOCKET_H

#include "base/compiler.h"

#include <sys/types.h>

#define BASE_SOCKET_NAME_MAX 107

/* Name one end of a connected pair, for the other to see. 0 or a negative errno. */
int base_socket_bind(int fd, const void *name, size_t n);

/* A listening socket, which never sleeps, for connections that keep the bounds of messages. */
int base_socket_listen(const void *name, size_t n);

/*
 * The next connection, -EAGAIN if there is none: see base_sys_wait_readable(). (The kernel
 * takes a number before it sleeps for a connection, which the program would miss.)
 */
int base_socket_accept(int fd);

/* Connect to a listening socket. -ECONNREFUSED if there is none of that name. */
int base_socket_connect(const void *name, size_t n);

/*
 * The name of the socket fd, or of the one it is connected to: its n bytes.
 * -ENOTSOCK, -ENOTCONN and the like; -ENOENT if the name is not abstract or not n bytes long.
 */
int base_socket_name(int fd, bool of_peer, void *name, size_t n);

/* Who made the other end: -errno, or 0. */
int base_socket_peer(int fd, pid_t *pid, uid_t *uid);

/*
 * Send a message of n bytes, and a copy of descriptor `passed` if it is not -1.
 * 0 or a negative errno; never SIGPIPE.
 */
int base_socket_send(int fd, const void *message, size_t n, int passed);

/*
 * Sleep until a message is there. 0 if it has exactly n bytes and at most one
 * descriptor, which is the caller's then (*passed, -1: none; with `passed` NULL none is
 * allowed). -ECONNRESET at the end, -EPROTO for any other message.
 */
int base_socket_recv(int fd, void *message, size_t n, int *passed);

#endif
