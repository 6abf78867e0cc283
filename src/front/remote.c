// SPDX-License-Identifier: MIT
/* Files of other processes: calls become messages. */
#include "front/remote.h"

#include <errno.h>
#include <unistd.h>

/* One of `calls`: 0, or a connection's number + 1; with BUSY while somebody has it. */
#define BUSY 0x80000000u

/* By which the owner knows our memory from others' (base_process); 0: not yet chosen. */
static uint64_t process_token;

static void token_choose(void)
{
	uint64_t none = 0;

	if (!base_load(&process_token))
		base_cas(&process_token, &none, base_process_random());
}

/* ---- one call on a connection ---- */

/* The owner has made a file: take in its number, which will be opened or dropped. */
static int take_new(struct front_remote *remote, int conn, int fd, int flags)
{
	const struct front_request answer = {.op = FRONT_NUMBER, .fd = fd};

	if (fd < 0)
		return -EPROTO;
	remote->ops->number_new(fd, flags);
	return base_socket_send(conn, &answer, sizeof(answer), -1);
}

static int follow(struct front_remote *remote, int conn, const struct front_reply *reply, int fd,
		  int *fresh)
{
	if (reply->op == FRONT_NEW && *fresh < 0) {
		*fresh = fd;
		return take_new(remote, conn, fd, (int)reply->result);
	}
	if (fd >= 0)
		base_sys_close(fd);
	if ((reply->op != FRONT_OPEN && reply->op != FRONT_DROP) || fd >= 0 || *fresh < 0)
		return -EPROTO;
	if (reply->op == FRONT_OPEN)
		remote->ops->number_opened(*fresh);
	else
		base_sys_close(*fresh);
	*fresh = -1;
	return 0;
}

/* 0 and *result, or a negative errno: the connection is of no use any more. */
static int exchange(struct front_remote *remote, int conn, const struct front_request *request,
		    int64_t *result)
{
	int rc = base_socket_send(conn, request, sizeof(*request), -1), fresh = -1, fd = -1;
	struct front_reply reply;

	while (!rc) {
		rc = base_socket_recv(conn, &reply, sizeof(reply), &fd);
		if (!rc && reply.op == FRONT_RESULT && fd < 0 && fresh < 0) {
			*result = reply.result;
			return 0;
		}
		if (!rc)
			rc = follow(remote, conn, &reply, fd, &fresh);
	}
	if (fresh >= 0)
		base_sys_close(fresh);
	return rc;
}

/* ---- connections ---- */

static int greet(struct front_remote *remote, int conn)
{
	const struct front_request hello = {
		.op = FRONT_HELLO,
		.fd = remote->ops->number(remote),
		.args = {(uintptr_t)&process_token, process_token},
	};
	int64_t result;

	if (hello.fd < 0)
		return -EBADF;
	return exchange(remote, conn, &hello, &result) || result ? -EIO : 0;
}

/*
 * The server may look into our memory from now on. All users see the names of sockets, and
 * can take that of an owner that is gone.
 */
static int admit(int conn)
{
	pid_t pid;
	uid_t uid;

	if (base_socket_peer(conn, &pid, &uid) || (uid && uid != geteuid()))
		return -EIO;
	base_process_admit(pid);
	return 0;
}

/* A new connection. */
static int connect_to_owner(struct front_remote *remote)
{
	const struct front_name server = front_name_of_server(remote->name.key);
	int conn = base_socket_connect(&server, sizeof(server)), rc;

	if (conn >= 0)
		conn = base_sys_move_high(conn);
	if (conn < 0)
		return conn == -EMFILE ? -EMFILE : -EIO;
	token_choose();
	rc = admit(conn);
	if (!rc)
		rc = greet(remote, conn);
	if (!rc)
		return conn;
	base_sys_close(conn);
	return rc;
}

static bool claim_idle(struct front_remote *remote, size_t *index)
{
	for (size_t i = 0; i < FRONT_REMOTE_CALLS; i++) {
		uint32_t seen = base_load(&remote->calls[i]);

		if (seen && !(seen & BUSY) && base_cas(&remote->calls[i], &seen, seen | BUSY)) {
			*index = i;
			return true;
		}
	}
	return false;
}

static bool claim_free(struct front_remote *remote, size_t *index)
{
	for (size_t i = 0; i < FRONT_REMOTE_CALLS; i++) {
		uint32_t none = 0;

		if (!base_load(&remote->calls[i]) && base_cas(&remote->calls[i], &none, BUSY)) {
			*index = i;
			return true;
		}
	}
	return false;
}

struct claim {
	struct front_remote *remote;
	size_t index;
};

static bool try_claim(void *arg)
{
	struct claim *claim = arg;

	return claim_idle(claim->remote, &claim->index) || claim_free(claim->remote, &claim->index);
}

/* -1: there is none yet. */
static int conn_of(const struct claim *claim)
{
	return (int)(base_load_relaxed(&claim->remote->calls[claim->index]) & ~BUSY) - 1;
}

static void unclaim(const struct claim *claim, int conn)
{
	base_store(&claim->remote->calls[claim->index], (uint32_t)(conn + 1));
	base_waitq_wake(&claim->remote->idle);
}

static int64_t call(struct front_remote *remote, enum front_request_op op, uint64_t a, uint64_t b,
		    uint64_t c)
{
	const struct front_request request = {
		.op = op,
		.fd = op == FRONT_READ || op == FRONT_WRITE ? remote->ops->number(remote) : -1,
		.args = {a, b, c},
	};
	struct claim claim = {remote, 0};
	int64_t result = -EIO;
	int conn;

	while (base_waitq_wait(&remote->idle, try_claim, &claim, UINT32_MAX))
		;
	conn = conn_of(&claim);
	if (conn < 0)
		conn = connect_to_owner(remote);
	if (conn < 0) {
		unclaim(&claim, -1);
		return conn;
	}
	if (exchange(remote, conn, &request, &result)) {
		base_sys_close(conn);
		conn = -1;
	}
	unclaim(&claim, conn);
	return result;
}

/* ---- the file ---- */

static struct front_remote *remote_of(struct mem_file *file)
{
	return base_container_of(file, struct front_remote, file);
}

static long remote_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			 uint64_t arg)
{
	(void)client;
	return call(remote_of(file), FRONT_IOCTL, cmd, arg, 0);
}

/* The owner has the position, if there is one: to us all files are streams. */
static ssize_t remote_read(struct mem_file *file, struct mem_client *client, uint64_t addr,
			   size_t count)
{
	(void)client;
	return call(remote_of(file), FRONT_READ, addr, count, 0);
}

static ssize_t remote_write(struct mem_file *file, struct mem_client *client, uint64_t addr,
			    size_t count)
{
	(void)client;
	return call(remote_of(file), FRONT_WRITE, addr, count, 0);
}

static ssize_t remote_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
			    size_t count, uint64_t pos)
{
	(void)client;
	return call(remote_of(file), FRONT_PREAD, addr, count, pos);
}

static ssize_t remote_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			     size_t count, uint64_t pos)
{
	(void)client;
	return call(remote_of(file), FRONT_PWRITE, addr, count, pos);
}

static void connections_close(struct front_remote *remote)
{
	for (size_t i = 0; i < FRONT_REMOTE_CALLS; i++) {
		uint32_t conn = remote->calls[i] & ~BUSY;

		if (conn)
			base_sys_close((int)conn - 1);
		remote->calls[i] = 0;
	}
}

static void remote_release(struct mem_file *file)
{
	struct front_remote *remote = remote_of(file);

	connections_close(remote);
	base_free(remote);
}

static const struct mem_file_ops remote_ops = {
	.name = "remote",
	.ioctl = remote_ioctl,
	.read = remote_read,
	.write = remote_write,
	.pread = remote_pread,
	.pwrite = remote_pwrite,
	.release = remote_release,
};

int front_remote_new(const struct front_name *name, const struct front_remote_ops *ops,
		     struct front_remote **out)
{
	struct front_remote *remote = base_zalloc(sizeof(*remote));

	if (!remote)
		return -ENOMEM;
	mem_file_init(&remote->file, &remote_ops);
	base_waitq_init(&remote->idle);
	remote->ops = ops;
	remote->name = *name;
	*out = remote;
	return 0;
}

struct front_remote *front_remote_of(struct mem_file *file)
{
	return file->ops == &remote_ops ? remote_of(file) : NULL;
}

void front_remote_account(struct front_remote *remote, uint64_t pid, struct mem_account *sum)
{
	int64_t pinned = call(remote, FRONT_ACCOUNT, pid, FRONT_PINNED, 0);
	int64_t locked = call(remote, FRONT_ACCOUNT, pid, FRONT_LOCKED, 0);

	sum->pinned += pinned > 0 ? (uint64_t)pinned : 0;
	sum->locked += locked > 0 ? (uint64_t)locked : 0;
}

/* Who never made a call has no connection, and nothing to wait for. */
void front_remote_close(struct front_remote *remote)
{
	struct claim claim = {remote, 0};
	const struct front_request request = {.op = FRONT_CLOSE, .fd = -1};
	int64_t result;
	int conn;

	if (!claim_idle(remote, &claim.index))
		return;
	conn = conn_of(&claim);
	if (exchange(remote, conn, &request, &result)) {
		base_sys_close(conn);
		conn = -1;
	}
	unclaim(&claim, conn);
}

void front_remote_after_fork(struct front_remote *remote)
{
	connections_close(remote);
	mem_file_init(&remote->file, &remote_ops);
	base_waitq_init(&remote->idle);
}

void front_remote_process_after_fork(void)
{
	process_token = 0;
}
