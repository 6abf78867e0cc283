// SPDX-License-Identifier: MIT
/* Local sockets between processes. */
#include "base/socket.h"
#include "base/sys.h"
#include "base/syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKLOG 128

/* An abstract name begins with a NUL. */
#define NAME_OFFSET (offsetof(struct sockaddr_un, sun_path) + 1)

static socklen_t address_init(struct sockaddr_un *address, const void *name, size_t n)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path + 1, name, n);
	return (socklen_t)(NAME_OFFSET + n);
}

int base_socket_bind(int fd, const void *name, size_t n)
{
	struct sockaddr_un address;
	socklen_t size = address_init(&address, name, n);

	return (int)base_syscall(SYS_bind, fd, &address, size);
}

/* The call on a new socket that makes it useful: the socket, or why it failed. */
static int socket_with_name(long nr, int flags, const void *name, size_t n)
{
	int fd = (int)base_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	struct sockaddr_un address;
	socklen_t size = address_init(&address, name, n);
	int rc;

	if (fd < 0)
		return fd;
	do
		rc = (int)base_syscall(nr, fd, &address, size);
	while (rc == -EINTR);
	if (!rc)
		return fd;
	base_sys_close(fd);
	return rc;
}

int base_socket_listen(const void *name, size_t n)
{
	int fd = socket_with_name(SYS_bind, SOCK_NONBLOCK, name, n);
	int rc = fd < 0 ? fd : (int)base_syscall(SYS_listen, fd, BACKLOG);

	if (rc >= 0)
		return fd;
	base_sys_close(fd);
	return rc;
}

int base_socket_connect(const void *name, size_t n)
{
	return socket_with_name(SYS_connect, 0, name, n);
}

int base_socket_accept(int fd)
{
	int rc;

	do
		rc = (int)base_syscall(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC);
	while (rc == -EINTR || rc == -ECONNABORTED);
	return rc;
}

int base_socket_name(int fd, bool of_peer, void *name, size_t n)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address);
	int rc =
		(int)base_syscall(of_peer ? SYS_getpeername : SYS_getsockname, fd, &address, &size);

	if (rc)
		return rc;
	if (address.sun_family != AF_UNIX || size != NAME_OFFSET + n || address.sun_path[0])
		return -ENOENT;
	memcpy(name, address.sun_path + 1, n);
	return 0;
}

int base_socket_peer(int fd, pid_t *pid, uid_t *uid)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	int rc = (int)base_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);

	*pid = peer.pid;
	*uid = peer.uid;
	return rc;
}

/* Room for one descriptor. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void control_fill(struct msghdr *message, union control *control, int fd)
{
	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	message->msg_controllen = sizeof(*control);
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control->header), &fd, sizeof(int));
}

int base_socket_send(int fd, const void *message, size_t n, int passed)
{
	struct iovec iov = {(void *)message, n};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	long rc;

	if (passed >= 0)
		control_fill(&header, &control, passed);
	do
		rc = base_syscall(SYS_sendmsg, fd, &header, MSG_NOSIGNAL);
	while (rc == -EINTR);
	return rc < 0 ? (int)rc : 0;
}

/* The descriptor of a message, -1 if it has none. There is no room for more. */
static int control_fd(const union control *control, const struct msghdr *header)
{
	int fd = -1;

	if (header->msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    control->header.cmsg_level == SOL_SOCKET && control->header.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(&control->header), sizeof(int));
	return fd;
}

int base_socket_recv(int fd, void *message, size_t n, int *passed)
{
	struct iovec iov = {message, n};
	union control control = {0};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	long rc;

	if (passed) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		*passed = -1;
	}
	do
		rc = base_syscall(SYS_recvmsg, fd, &header, MSG_CMSG_CLOEXEC);
	while (rc == -EINTR);
	if (passed && rc >= 0)
		*passed = control_fd(&control, &header);
	if (rc == (long)n && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	if (passed && *passed >= 0) {
		base_sys_close(*passed);
		*passed = -1;
	}
	return rc < 0 ? (int)rc : rc == 0 ? -ECONNRESET : -EPROTO;
}
