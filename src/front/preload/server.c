// SPDX-License-Identifier: MIT
/*
 * The server of our files: a thread that waits for connections of remote
 * processes, and one for each connection. Started with the first file.
 */
#include "front/preload/preload.h"

#include "front/peer.h"

#include <unistd.h>

/* Guarded by the table's lock, which a fork holds. */
struct connection {
	int fd;
	struct base_list node;
};
static struct base_list connections = BASE_LIST_INIT(connections);
static int listening = -1;

static struct front_host host = {
	.table = &preload_table,
	.client = &preload_client,
	.file_new = preload_file_new,
	.file_drop = preload_slot_end,
	.settle = preload_slot_settle,
	.called = preload_ready_settle_remote,
};

void preload_server_account(uint64_t pid, struct mem_account *sum)
{
	front_host_account(&host, pid, sum);
}

uint64_t preload_server_key(void)
{
	return host.key;
}

struct front_name preload_name_of(const struct front_slot *slot)
{
	return (struct front_name){
		.magic = FRONT_NAME_MAGIC,
		.key = host.key,
		.serial = slot->serial,
		.type = slot->node.type,
		.number = slot->node.number,
		.access = (uint32_t)slot->access,
	};
}

/* ---- one connection ---- */

static void connection_end(struct connection *connection)
{
	base_scoped_lock(&preload_table.lock);

	base_list_remove(&connection->node);
	front_fdtable_clear_locked(&preload_table, connection->fd);
	base_sys_close(connection->fd);
}

static void connection_run(void *arg)
{
	struct connection *connection = arg;

	front_peer_serve(&host, connection->fd);
	connection_end(connection);
	base_free(connection);
}

static bool is_welcome(int fd)
{
	pid_t pid;
	uid_t uid;

	return !base_socket_peer(fd, &pid, &uid) && (uid == geteuid() || !geteuid());
}

/* The fd is closed in any case of failure. */
static struct connection *connection_new(int fd)
{
	struct connection *connection = base_zalloc(sizeof(*connection));

	if (!connection) {
		base_sys_close(fd);
		return NULL;
	}
	base_scoped_lock(&preload_table.lock);
	connection->fd = preload_hide_locked(fd);
	if (connection->fd < 0) {
		base_free(connection);
		return NULL;
	}
	base_list_add_tail(&connections, &connection->node);
	return connection;
}

static void welcome(int fd)
{
	struct connection *connection;

	if (!is_welcome(fd)) {
		base_sys_close(fd);
		return;
	}
	connection = connection_new(fd);
	if (connection && base_thread_start(connection_run, connection)) {
		connection_end(connection);
		base_free(connection);
	}
}

/* ---- the server ---- */

/* Until the process has descriptors or memory again, which nobody tells. */
#define PAUSE_MS 10

static bool is_short(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -ENOBUFS;
}

static void server_run(void *arg)
{
	int fd;

	(void)arg;
	do {
		fd = base_load(&listening);
		base_sys_wait_readable(&fd, 1);
		fd = base_socket_accept(base_load(&listening));
		if (fd >= 0)
			welcome(fd);
		else if (is_short(fd))
			base_sys_sleep_ms(PAUSE_MS);
	} while (fd >= 0 || fd == -EAGAIN || is_short(fd));
}

static void listening_end_locked(void)
{
	base_assert_held(&preload_table.lock);
	if (listening >= 0) {
		front_fdtable_clear_locked(&preload_table, listening);
		base_sys_close(listening);
	}
	base_store(&listening, -1);
}

/* Without a server, files work in this process only. */
void preload_server_start_locked(void)
{
	struct front_name name;
	int fd;

	base_assert_held(&preload_table.lock);
	if (host.key)
		return;
	host.key = base_process_random();
	name = front_name_of_server(host.key);
	fd = base_socket_listen(&name, sizeof(name));
	if (fd >= 0)
		fd = preload_hide_locked(fd);
	base_store(&listening, fd);
	/* Or others would wait for it for ever. */
	if (fd >= 0 && base_thread_start(server_run, NULL))
		listening_end_locked();
}

bool preload_server_has_locked(int fd)
{
	base_assert_held(&preload_table.lock);
	return fd == listening;
}

void preload_server_renumber_locked(int fd)
{
	base_assert_held(&preload_table.lock);
	base_store(&listening, fd);
}

void preload_server_after_fork_locked(void)
{
	struct connection *connection;

	base_assert_held(&preload_table.lock);
	base_list_for_each (connection, &connections, node) {
		front_fdtable_clear_locked(&preload_table, connection->fd);
		base_sys_close(connection->fd);
	}
	base_list_init(&connections);
	listening_end_locked();
	host.key = 0;
	front_peer_after_fork();
}
