// SPDX-License-Identifier: MIT
/* An owner and a remote process: peers.h. */
#include "peers.h"

/* ---- a file that says what it was asked ---- */

struct peers peers;

static long file_copy(struct mem_client *client, uint64_t arg)
{
	uint64_t value;

	if (mem_copy_in(client, &value, arg, sizeof(value)))
		return -EFAULT;
	value++;
	return mem_copy_out(client, arg, &value, sizeof(value));
}

static long file_file(struct mem_file *file, struct mem_client *client, int fd)
{
	struct mem_file *found;
	int rc = client->ops->file_get(client, fd, &found);

	if (rc)
		return rc;
	rc = found != file;
	mem_file_put(found);
	return rc;
}

static long file_event(struct mem_client *client, int fd)
{
	int event = client->ops->eventfd_get(client, fd);
	uint64_t seven = 7;

	if (event < 0)
		return event;
	base_sys_write(event, &seven, sizeof(seven));
	return base_sys_close(event);
}

static long file_open(struct mem_client *client, uint64_t arg, bool publish)
{
	struct mem_new_file new_file;
	int rc;

	mem_file_get(&peers.other_file);
	rc = client->ops->file_reserve(client, &peers.other_file, O_RDWR | O_CLOEXEC, &new_file);
	if (rc) {
		mem_file_put(&peers.other_file);
		return rc;
	}
	rc = publish ? mem_copy_out(client, arg, &new_file.fd, sizeof(int)) : -ECANCELED;
	if (rc)
		client->ops->file_abort(client, &new_file);
	else
		client->ops->file_publish(client, &new_file);
	return rc;
}

static long owner_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			uint64_t arg)
{
	assert_true(client->remote);
	switch (cmd) {
	case CMD_COPY: return file_copy(client, arg);
	case CMD_FILE: return file_file(file, client, (int)arg);
	case CMD_EVENT: return file_event(client, (int)arg);
	case CMD_FD: return base_sys_close(client->ops->fd_get(client, (int)arg));
	case CMD_OPEN: return file_open(client, arg, true);
	case CMD_UNDO: return file_open(client, arg, false);
	default: return -ENOTTY;
	}
}

static ssize_t owner_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
			   size_t count, uint64_t pos)
{
	uint8_t byte = (uint8_t)pos;

	(void)file;
	return mem_copy_out(client, addr, &byte, 1) ? -EFAULT : (ssize_t)count;
}

static ssize_t owner_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			    size_t count, uint64_t pos)
{
	uint8_t byte;

	(void)file, (void)count;
	return mem_copy_in(client, &byte, addr, 1) ? -EFAULT : (ssize_t)(byte + pos);
}

static void owner_release(struct mem_file *file)
{
	(void)file;
	base_add(&peers.owner.released, 1);
}

static const struct mem_file_ops owner_ops = {.name = "test",
					      .ioctl = owner_ioctl,
					      .pread = owner_pread,
					      .pwrite = owner_pwrite,
					      .release = owner_release};

/* ---- the owner ---- */

static int host_file_new(struct mem_file *file, int flags, int *fd, struct front_slot **slot);

static void host_file_drop(struct front_slot *slot)
{
	base_add(&peers.owner.dropped, 1);
	base_mutex_lock(&peers.table.lock);
	front_slot_close_locked(&peers.table, slot);
	base_mutex_unlock(&peers.table.lock);
	base_sys_close(slot->kept);
	front_slot_put(&peers.table, slot);
}

static void host_settle(struct front_slot *slot)
{
	(void)slot;
	base_add(&peers.owner.settled, 1);
}

static void host_called(struct front_slot *slot, const struct base_process *process, int number)
{
	(void)slot, (void)number;
	assert_int_equal(process->pid, getpid());
	base_add(&peers.owner.called, 1);
}

struct front_host peers_host = {
	.table = &peers.table,
	.client = &peers.local,
	.file_new = host_file_new,
	.file_drop = host_file_drop,
	.settle = host_settle,
	.called = host_called,
};

/* A description of the file: its kept end has a name, *fd is the other. */
struct front_slot *peers_describe(struct mem_file *file, int *fd)
{
	struct front_name name = {.magic = FRONT_NAME_MAGIC,
				  .key = peers_host.key,
				  .type = FRONT_NODE_QUEUE,
				  .access = O_RDWR};
	struct front_slot *slot;
	int pair[2];

	assert_int_equal(base_sys_socketpair(pair), 0);
	base_mutex_lock(&peers.table.lock);
	assert_int_equal(front_slot_new_locked(&peers.table, file, &slot), 0);
	base_mutex_unlock(&peers.table.lock);
	slot->node.type = FRONT_NODE_QUEUE;
	slot->access = O_RDWR;
	slot->kept = pair[1];
	name.serial = slot->serial;
	assert_int_equal(base_socket_bind(pair[1], &name, sizeof(name)), 0);
	*fd = pair[0];
	return slot;
}

static int host_file_new(struct mem_file *file, int flags, int *fd, struct front_slot **slot)
{
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	*slot = peers_describe(file, fd);
	return 0;
}

void peers_undescribe(struct front_slot *slot, int fd)
{
	base_mutex_lock(&peers.table.lock);
	front_slot_close_locked(&peers.table, slot);
	base_mutex_unlock(&peers.table.lock);
	base_sys_close(slot->kept);
	base_sys_close(fd);
	front_slot_put(&peers.table, slot);
}

static void *serve(void *arg)
{
	int conn = (int)(intptr_t)arg;

	front_peer_serve(&peers_host, conn);
	base_sys_close(conn);
	return NULL;
}

/* Serves connections until one comes while `stop` is set. */
static bool stop;
static pthread_t acceptor;

static void *accept_all(void *arg)
{
	pthread_t threads[CALLS];
	size_t count = 0;

	for (;;) {
		int conn;

		base_sys_wait_readable(&peers.listening, 1);
		conn = base_socket_accept(peers.listening);
		assert_true(conn >= 0);
		if (base_load(&stop)) {
			base_sys_close(conn);
			break;
		}
		assert_true(count < CALLS);
		pthread_create(&threads[count++], NULL, serve, (void *)(intptr_t)conn);
	}
	while (count)
		pthread_join(threads[--count], NULL);
	return arg;
}

/* ---- the remote side ---- */

static int remote_number(struct front_remote *remote)
{
	(void)remote;
	return peers.number;
}

static void remote_number_new(int fd, int flags)
{
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
}

static void remote_number_opened(int fd)
{
	peers.opened = fd;
}

const struct front_remote_ops peers_remote_ops = {
	.number = remote_number,
	.number_new = remote_number_new,
	.number_opened = remote_number_opened,
};

int peers_set_up(void **state)
{
	struct front_name name;

	(void)state;
	memset(&peers.owner, 0, sizeof(peers.owner));
	mem_file_init(&peers.owner.file, &owner_ops);
	mem_file_init(&peers.other_file, &owner_ops);
	peers.table = (struct front_fdtable){0};
	front_fdtable_init(&peers.table);
	peers_host.key = base_process_random();
	name = front_name_of_server(peers_host.key);
	peers.listening = base_socket_listen(&name, sizeof(name));
	base_store(&stop, false);
	pthread_create(&acceptor, NULL, accept_all, NULL);
	peers.slot = peers_describe(&peers.owner.file, &peers.number);
	if (!front_name_get(peers.number, &name))
		return -1;
	return front_remote_new(&name, &peers_remote_ops, &peers.remote);
}

int peers_tear_down(void **state)
{
	const struct front_name name = front_name_of_server(peers_host.key);
	int conn;

	(void)state;
	mem_file_put(&peers.remote->file);
	base_store(&stop, true);
	conn = base_socket_connect(&name, sizeof(name));
	pthread_join(acceptor, NULL);
	base_sys_close(conn);
	base_sys_close(peers.listening);
	peers_undescribe(peers.slot, peers.number);
	assert_int_equal(base_load(&peers.owner.released), 1);
	front_fdtable_fini(&peers.table);
	return 0;
}

long peers_call(uint32_t cmd, uint64_t arg)
{
	return mem_file_ioctl(&peers.remote->file, &peers.local, cmd, arg);
}
