// SPDX-License-Identifier: MIT
/* Calls of remote processes, in the owner. */
#include "front/peer.h"

#include <errno.h>
#include <unistd.h>

/* A connection, while it is served. */
struct peer {
	const struct front_host *host;
	int conn;
	struct front_process *process; /* NULL: no hello yet */
	struct front_slot *slot;       /* no reference; it is the right one if it has this serial */
	uint64_t serial;
};

/* Whose call this thread makes. */
static __thread struct peer *serving;

static struct front_process *process_of(struct mem_client *client)
{
	return base_container_of(client, struct front_process, client);
}

/* ---- the client: another process ---- */

static int peer_copy_in(struct mem_client *client, void *dst, uint64_t addr, size_t n)
{
	return base_process_read(&process_of(client)->process, dst, addr, n);
}

static int peer_copy_out(struct mem_client *client, uint64_t addr, const void *src, size_t n)
{
	return base_process_write(&process_of(client)->process, addr, src, n);
}

/* Our copy of its descriptor. What it cannot show us is not open. */
static int take(struct mem_client *client, int fd)
{
	int copy = fd < 0 ? -EBADF : base_process_fd(&process_of(client)->process, fd);

	return copy >= 0 || copy == -EMFILE || copy == -ENFILE ? copy : -EBADF;
}

static int peer_file_get(struct mem_client *client, int fd, struct mem_file **file)
{
	const struct front_host *host = serving->host;
	int copy = take(client, fd);
	struct front_slot *slot;

	if (copy < 0)
		return copy;
	slot = front_host_slot(host, copy);
	base_sys_close(copy);
	if (!slot)
		return -EBADFD;
	*file = slot->file;
	mem_file_get(*file);
	front_slot_put(host->table, slot);
	return 0;
}

static int peer_eventfd_get(struct mem_client *client, int fd)
{
	int copy = take(client, fd), rc;

	if (copy < 0)
		return copy;
	rc = base_sys_check_eventfd(copy);
	if (!rc)
		return base_sys_move_high(copy);
	base_sys_close(copy);
	return rc;
}

static int peer_fd_get(struct mem_client *client, int fd)
{
	int copy = take(client, fd);
	struct front_name name;

	if (copy < 0)
		return copy;
	if (!front_name_get(copy, &name))
		return base_sys_move_high(copy);
	base_sys_close(copy);
	return -EBADF;
}

/* ---- new files ---- */

static int offer(const struct peer *peer, int fd, int flags)
{
	const struct front_reply reply = {.op = FRONT_NEW, .result = flags};
	struct front_request answer;
	int rc = base_socket_send(peer->conn, &reply, sizeof(reply), fd);

	if (!rc)
		rc = base_socket_recv(peer->conn, &answer, sizeof(answer), NULL);
	if (rc || answer.op != FRONT_NUMBER)
		return -EIO;
	return answer.fd;
}

static int peer_file_reserve(struct mem_client *client, struct mem_file *file, int flags,
			     struct mem_new_file *new_file)
{
	const struct front_host *host = serving->host;
	struct front_slot *slot;
	int fd, rc = host->file_new(file, flags, &fd, &slot);

	(void)client;
	if (rc)
		return rc;
	rc = offer(serving, fd, flags);
	base_sys_close(fd);
	if (rc >= 0) {
		*new_file = (struct mem_new_file){file, rc, slot};
		return 0;
	}
	mem_file_get(file);
	host->file_drop(slot);
	return rc;
}

static void decide(enum front_reply_op op, int number)
{
	const struct front_reply reply = {.op = op, .fd = number};

	base_socket_send(serving->conn, &reply, sizeof(reply), -1);
}

/* Nobody may be left to open it. */
static void peer_file_publish(struct mem_client *client, struct mem_new_file *new_file)
{
	(void)client;
	decide(FRONT_OPEN, new_file->fd);
	serving->host->settle(new_file->front);
}

static void peer_file_abort(struct mem_client *client, struct mem_new_file *new_file)
{
	(void)client;
	decide(FRONT_DROP, new_file->fd);
	serving->host->file_drop(new_file->front);
}

/* ---- processes ---- */

static struct base_mutex processes_lock = BASE_MUTEX_INIT(RANK_LEAF);
static struct base_list processes = BASE_LIST_INIT(processes);

static uint64_t peer_memlock_limit(struct mem_client *client)
{
	return base_process_memlock_limit(client->process->pid);
}

static void peer_release(struct mem_client *client)
{
	struct front_process *process = process_of(client);

	base_mutex_lock(&processes_lock);
	base_list_remove(&process->node);
	base_mutex_unlock(&processes_lock);
	base_free(process);
}

static const struct mem_client_ops peer_ops = {
	.copy_in = peer_copy_in,
	.copy_out = peer_copy_out,
	.file_get = peer_file_get,
	.eventfd_get = peer_eventfd_get,
	.fd_get = peer_fd_get,
	.file_reserve = peer_file_reserve,
	.file_publish = peer_file_publish,
	.file_abort = peer_file_abort,
	.memlock_limit = peer_memlock_limit,
	.release = peer_release,
};

/* With a reference. One that is on its way out is not found: another takes its place. */
static struct front_process *process_find_locked(const struct base_process *process)
{
	struct front_process *found;

	base_assert_held(&processes_lock);
	base_list_for_each (found, &processes, node)
		if (found->process.pid == process->pid && found->process.token == process->token &&
		    found->process.token_addr == process->token_addr &&
		    base_ref_get_unless_zero(&found->client.refs))
			return found;
	return NULL;
}

static struct front_process *process_new(const struct base_process *process)
{
	struct front_process *made = base_zalloc(sizeof(*made));

	if (!made)
		return NULL;
	made->process = *process;
	made->client.ops = &peer_ops;
	made->client.remote = true;
	made->client.process = &made->process;
	base_ref_init(&made->client.refs, 1);
	return made;
}

/* The client that a process is, with a reference; NULL if there is no memory. */
static struct front_process *process_get(const struct base_process *process)
{
	base_scoped_lock(&processes_lock);
	struct front_process *found = process_find_locked(process);

	if (found)
		return found;
	found = process_new(process);
	if (found)
		base_list_add_tail(&processes, &found->node);
	return found;
}

static void add(struct mem_account *sum, const struct mem_client *client)
{
	sum->pinned += base_load_relaxed(&client->account.pinned);
	sum->locked += base_load_relaxed(&client->account.locked);
}

void front_host_account(const struct front_host *host, uint64_t pid, struct mem_account *sum)
{
	const struct front_process *process;

	if (pid == (uint64_t)getpid())
		add(sum, host->client);
	base_scoped_lock(&processes_lock);
	base_list_for_each (process, &processes, node)
		if ((uint64_t)process->process.pid == pid)
			add(sum, &process->client);
}

static int64_t account(const struct front_host *host, uint64_t pid, uint64_t which)
{
	struct mem_account sum = {0};

	front_host_account(host, pid, &sum);
	return (int64_t)(which == FRONT_PINNED ? sum.pinned : sum.locked);
}

void front_peer_after_fork(void)
{
	base_mutex_init(&processes_lock, RANK_LEAF);
	base_list_init(&processes);
}

/* ---- hello: who is it, and which description does it have? ---- */

/* Others could make a socket with the same name elsewhere, but not in our process. */
struct front_slot *front_host_slot(const struct front_host *host, int fd)
{
	struct front_name name;
	pid_t pid;
	uid_t uid;

	if (!front_name_get(fd, &name) || name.key != host->key)
		return NULL;
	if (base_socket_peer(fd, &pid, &uid) || pid != getpid())
		return NULL;
	return front_slot_get_serial(host->table, name.serial);
}

static int claim(struct peer *peer, const struct base_process *process, int number)
{
	int fd = base_process_fd(process, number);
	struct front_slot *slot;

	if (fd < 0)
		return fd;
	slot = front_host_slot(peer->host, fd);
	base_sys_close(fd);
	if (!slot)
		return -EBADF;
	peer->slot = slot;
	peer->serial = slot->serial;
	front_slot_put(peer->host->table, slot);
	return 0;
}

static int hello(struct peer *peer, const struct front_request *request)
{
	struct base_process process = {.token_addr = request->args[0], .token = request->args[1]};
	uid_t uid;
	int rc = base_socket_peer(peer->conn, &process.pid, &uid);

	if (!rc)
		rc = claim(peer, &process, request->fd);
	if (rc)
		return rc;
	peer->process = process_get(&process);
	if (!peer->process)
		return -ENOMEM;
	mem_client_set_may_lock(&peer->process->client,
				base_load_relaxed(&peer->host->client->may_lock));
	return 0;
}

/* ---- calls ---- */

static int64_t call_on(const struct peer *peer, struct front_slot *slot,
		       const struct front_request *request)
{
	struct mem_client *client = &peer->process->client;
	const uint64_t *args = request->args;

	switch (request->op) {
	case FRONT_IOCTL:
		return front_call_ioctl(slot, client, args[0], (void *)(uintptr_t)args[1]);
	case FRONT_READ: return front_call_read(slot, client, args[0], args[1]);
	case FRONT_WRITE: return front_call_write(slot, client, args[0], args[1]);
	case FRONT_PREAD: return front_call_pread(slot, client, args[0], args[1], (int64_t)args[2]);
	default: return front_call_pwrite(slot, client, args[0], args[1], (int64_t)args[2]);
	}
}

/* Without a reference the description may end, and its slot be another's. */
static struct front_slot *peer_slot(const struct peer *peer)
{
	if (!base_ref_get_unless_zero(&peer->slot->refs))
		return NULL;
	if (peer->slot->serial == peer->serial)
		return peer->slot;
	front_slot_put(peer->host->table, peer->slot);
	return NULL;
}

static int64_t call(const struct peer *peer, const struct front_request *request)
{
	struct front_slot *slot = peer_slot(peer);
	int64_t result;

	if (!slot)
		return -EBADF;
	result = call_on(peer, slot, request);
	peer->host->called(slot, &peer->process->process, request->fd);
	front_slot_put(peer->host->table, slot);
	return result;
}

/* 0 and *result, or -EPROTO. */
static int handle(struct peer *peer, const struct front_request *request, int64_t *result)
{
	if (!peer->process != (request->op == FRONT_HELLO))
		return -EPROTO;
	switch (request->op) {
	case FRONT_HELLO: *result = hello(peer, request); return 0;
	case FRONT_IOCTL:
	case FRONT_READ:
	case FRONT_WRITE:
	case FRONT_PREAD:
	case FRONT_PWRITE: *result = call(peer, request); return 0;
	case FRONT_CLOSE:
		peer->host->settle(peer->slot);
		*result = 0;
		return 0;
	case FRONT_ACCOUNT:
		*result = account(peer->host, request->args[0], request->args[1]);
		return 0;
	default: return -EPROTO;
	}
}

void front_peer_serve(const struct front_host *host, int conn)
{
	struct peer peer = {.host = host, .conn = conn};
	struct front_reply reply = {.op = FRONT_RESULT};
	struct front_request request;

	serving = &peer;
	while (!base_socket_recv(conn, &request, sizeof(request), NULL) &&
	       !handle(&peer, &request, &reply.result) &&
	       !base_socket_send(conn, &reply, sizeof(reply), -1))
		;
	if (peer.process)
		mem_client_put(&peer.process->client);
	serving = NULL;
}
