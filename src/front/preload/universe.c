// SPDX-License-Identifier: MIT
/* The machine of this process, what it is made from, its client, and fork. */
#include "front/preload/preload.h"

#include "front/remote.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of user memory, as Linux lays it out. */
#define LOWEST_ADDRESS	 ((uintptr_t)1 << 16)
#define END_OF_ADDRESSES ((uintptr_t)1 << 47)

struct front_fdtable preload_table = FRONT_FDTABLE_INIT;

static struct front_machine *machine; /* NULL until the first open */
static pid_t owner;		      /* of the descriptors that the table speaks of */

/* Copies, taken before the program can change its environment. */
static struct {
	const char *devices, *iommu, *vdevice_destroy, *memlock;
	bool test_abi;
} settings;

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	size_t size;
	char *copy;

	if (!value || !*value)
		return otherwise;
	size = strlen(value) + 1;
	copy = base_alloc(size);
	return copy ? memcpy(copy, value, size) : otherwise;
}

/* When the library is loaded, or before that if another library opens a file as it starts. */
static void __attribute__((constructor)) universe_load(void)
{
	const char *log = getenv(FRONT_ENV_LOG);
	int saved = errno;

	if (settings.devices)
		return;
	settings.devices = setting(FRONT_ENV_DEVICES, FRONT_DEFAULT_DEVICES);
	settings.iommu = setting(FRONT_ENV_IOMMU, NULL);
	settings.vdevice_destroy = setting(FRONT_ENV_VDEVICE_DESTROY, "anytime");
	settings.memlock = setting(FRONT_ENV_MEMLOCK, "host");
	settings.test_abi = !strcmp(setting(FRONT_ENV_TEST_ABI, ""), "1");
	if (log && *log)
		base_trace_open(log);
	errno = saved;
}

/* ---- the client: this process with its real numbers ---- */

static bool is_open(int fd)
{
	int saved = errno;
	bool open = libc_fcntl(fd, F_GETFD, NULL) >= 0;

	errno = saved;
	return open;
}

static int client_file_get(struct mem_client *client, int fd, struct mem_file **file)
{
	struct front_slot *slot = preload_get(fd);

	(void)client;
	if (!slot)
		return is_open(fd) && !preload_peek(fd) ? -EBADFD : -EBADF;
	*file = slot->file;
	mem_file_get(*file);
	preload_put(slot);
	return 0;
}

static int client_eventfd_get(struct mem_client *client, int fd)
{
	int rc = preload_peek(fd) ? -EINVAL : base_sys_check_eventfd(fd);

	(void)client;
	return rc ? rc : base_sys_dup_high(fd);
}

static int client_fd_get(struct mem_client *client, int fd)
{
	(void)client;
	return preload_peek(fd) ? -EBADF : base_sys_dup_file(fd);
}

static const struct mem_client_ops client_ops = {
	.file_get = client_file_get,
	.eventfd_get = client_eventfd_get,
	.fd_get = client_fd_get,
	.file_reserve = preload_file_reserve,
	.file_publish = preload_file_publish,
	.file_abort = preload_file_abort,
};

struct mem_client preload_client = {.ops = &client_ops};

/* ---- fork: the child starts afresh, and what it has inherited is the parent's (adopt.c) ---- */

static long foreign_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			  uint64_t arg)
{
	(void)file, (void)client, (void)cmd, (void)arg;
	return -EIO;
}

static ssize_t foreign_transfer(struct mem_file *file, struct mem_client *client, uint64_t addr,
				size_t count, uint64_t pos)
{
	(void)file, (void)client, (void)addr, (void)count, (void)pos;
	return -EIO;
}

static int foreign_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot,
			int flags, struct mem_region **region)
{
	(void)file, (void)offset, (void)length, (void)prot, (void)flags, (void)region;
	return -EIO;
}

/* Our own reference is never dropped. */
static void foreign_release(struct mem_file *file)
{
	(void)file;
}

static const struct mem_file_ops foreign_ops = {
	.name = "foreign",
	.ioctl = foreign_ioctl,
	.pread = foreign_transfer,
	.pwrite = foreign_transfer,
	.mmap = foreign_mmap,
	.release = foreign_release,
};

struct mem_file preload_foreign_file = {.ops = &foreign_ops, .refs = {1}};

static void fork_prepare(void)
{
	base_mutex_lock(&preload_table.lock);
}

static void fork_parent(void)
{
	base_mutex_unlock(&preload_table.lock);
}

/* The machine and its files stay behind as they are: their locks may be held for ever. */
static void fork_child(void)
{
	machine = NULL;
	owner = getpid();
	mem_account_after_fork(&preload_client);
	mem_pincount_after_fork();
	mem_pa_after_fork();
	base_thread_after_fork();
	preload_keeper_after_fork_locked();
	preload_ready_after_fork_locked();
	front_vmas_after_fork(&preload_vmas);
	front_remote_process_after_fork();
	front_fdtable_after_fork_locked(&preload_table, preload_inherit);
	preload_server_after_fork_locked();
	base_mutex_unlock(&preload_table.lock);
}

bool preload_is_owner(void)
{
	return getpid() == owner;
}

/* ---- descriptors of the layers below: the program must not close them ---- */

static void below_made(int fd)
{
	front_fdtable_below(&preload_table, fd);
}

static void below_closing(int fd)
{
	front_fdtable_below_end(&preload_table, fd);
}

/* The log was there before. */
static int watch_below_locked(void)
{
	static const struct base_fd_watch watch = {.made = below_made, .closing = below_closing};
	int log = base_trace_fd();
	int rc = log < 0 ? 0 : front_fdtable_reserve_locked(&preload_table, log);

	if (rc)
		return rc;
	base_sys_watch(&watch);
	if (log >= 0)
		below_made(log);
	return 0;
}

/* ---- the machine ---- */

int preload_prepare_locked(void)
{
	static bool prepared;
	int rc;

	base_assert_held(&preload_table.lock);
	if (prepared)
		return 0;
	rc = preload_signals_take();
	if (!rc)
		rc = watch_below_locked();
	if (!rc)
		rc = base_thread_at_fork(fork_prepare, fork_parent, fork_child);
	owner = getpid();
	prepared = !rc;
	return rc;
}

static int machine_flags(uint64_t *flags)
{
	uint64_t memlock = 0;
	int rc = front_vdevice_destroy_flag(settings.vdevice_destroy, flags);

	if (!rc)
		rc = front_memlock_flag(settings.memlock, &memlock);
	*flags |= memlock | (settings.test_abi ? SWIOMMU_TEST_ABI : 0);
	return rc;
}

static int machine_make_locked(void)
{
	char message[FRONT_MESSAGE_SIZE];
	struct front_machine *made;
	uint64_t flags;
	int rc;

	base_assert_held(&preload_table.lock);
	universe_load();
	rc = machine_flags(&flags);
	if (!rc)
		rc = preload_prepare_locked();
	if (!rc)
		rc = front_machine_new(settings.iommu, flags, &made);
	if (rc)
		return rc;
	rc = front_machine_add_lines(made, settings.devices, message, sizeof(message));
	if (rc) {
		base_trace("no machine: %s", message);
		front_machine_free(made);
		return rc;
	}
	base_store(&machine, made);
	return 0;
}

int preload_machine(struct front_machine **out)
{
	int rc = 0;

	*out = base_load(&machine);
	if (*out)
		return 0;
	base_scoped_lock(&preload_table.lock);
	if (!machine)
		rc = machine_make_locked();
	*out = machine;
	return rc;
}

int preload_prepare(void)
{
	base_scoped_lock(&preload_table.lock);
	return preload_prepare_locked();
}

bool preload_test_abi(void)
{
	universe_load();
	return settings.test_abi;
}

bool preload_is_address(const char *path)
{
	return (uintptr_t)path >= LOWEST_ADDRESS && (uintptr_t)path < END_OF_ADDRESSES;
}

bool preload_has(const char *path, struct front_node *node)
{
	struct front_machine *its;

	node->type = FRONT_NODE_NONE;
	if (!preload_is_address(path))
		return false;
	*node = front_node_parse(path);
	if (node->type == FRONT_NODE_NONE || node->type == FRONT_NODE_DIR)
		return false;
	return preload_machine(&its) || front_machine_has(its, *node);
}
