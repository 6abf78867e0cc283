// SPDX-License-Identifier: MIT
/* <swiommu/swiommu.h>: a machine with descriptors of its own. */
#include "front/vma.h"

#include <errno.h>
#include <fcntl.h>

struct swiommu {
	struct front_machine *machine;
	struct mem_client client;
	struct front_fdtable table;
	struct front_vmas vmas;
	char message[FRONT_MESSAGE_SIZE];
};

/* ---- the client: this process, with our numbers and its own eventfds ---- */

static int lib_file_get(struct mem_client *client, int fd, struct mem_file **file)
{
	struct swiommu *swiommu = base_container_of(client, struct swiommu, client);
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);

	if (!slot)
		return -EBADF;
	*file = slot->file;
	mem_file_get(*file);
	front_slot_put(&swiommu->table, slot);
	return 0;
}

static int lib_eventfd_get(struct mem_client *client, int fd)
{
	int rc = base_sys_check_eventfd(fd);

	(void)client;
	return rc ? rc : base_sys_dup_high(fd);
}

/* The file's number is the process's, whatever it stands for here. */
static int lib_fd_get(struct mem_client *client, int fd)
{
	(void)client;
	return base_sys_dup_file(fd);
}

/* The lowest number is taken, the slot made: what is left cannot fail. */
static int lib_file_reserve(struct mem_client *client, struct mem_file *file, int flags,
			    struct mem_new_file *new_file)
{
	struct swiommu *swiommu = base_container_of(client, struct swiommu, client);
	struct front_slot *slot;
	int fd, rc;

	base_scoped_lock(&swiommu->table.lock);
	fd = front_fdtable_lowest_locked(&swiommu->table);
	if (fd < 0)
		return fd;
	rc = front_slot_new_locked(&swiommu->table, file, &slot);
	if (rc)
		return rc;
	slot->node = (struct front_node){FRONT_NODE_QUEUE, 0};
	slot->access = flags & O_ACCMODE;
	front_fdtable_set_locked(&swiommu->table, fd, &front_slot_hidden);
	*new_file = (struct mem_new_file){file, fd, slot};
	return 0;
}

static void lib_file_publish(struct mem_client *client, struct mem_new_file *new_file)
{
	struct swiommu *swiommu = base_container_of(client, struct swiommu, client);

	base_scoped_lock(&swiommu->table.lock);
	front_fdtable_clear_locked(&swiommu->table, new_file->fd);
	front_fdtable_set_locked(&swiommu->table, new_file->fd, new_file->front);
	if (base_unlikely(base_trace_on))
		front_trace_open(new_file->front, new_file->fd);
}

static void lib_file_abort(struct mem_client *client, struct mem_new_file *new_file)
{
	struct swiommu *swiommu = base_container_of(client, struct swiommu, client);

	base_mutex_lock(&swiommu->table.lock);
	front_fdtable_clear_locked(&swiommu->table, new_file->fd);
	front_slot_close_locked(&swiommu->table, new_file->front);
	base_mutex_unlock(&swiommu->table.lock);
	front_slot_put(&swiommu->table, new_file->front);
}

static const struct mem_client_ops lib_client_ops = {
	.file_get = lib_file_get,
	.eventfd_get = lib_eventfd_get,
	.fd_get = lib_fd_get,
	.file_reserve = lib_file_reserve,
	.file_publish = lib_file_publish,
	.file_abort = lib_file_abort,
};

/* ---- the machine ---- */

int swiommu_new(const struct swiommu_options *options, struct swiommu **out)
{
	static const struct swiommu_options defaults = {.size = sizeof(defaults)};
	struct swiommu *swiommu;
	int rc;

	if (!options)
		options = &defaults;
	if (options->size != sizeof(*options))
		return -EINVAL;
	rc = base_guard_install();
	if (rc)
		return rc;
	swiommu = base_zalloc(sizeof(*swiommu));
	if (!swiommu)
		return -ENOMEM;
	rc = front_machine_new(options->iommu, options->flags, &swiommu->machine);
	if (rc) {
		base_free(swiommu);
		return rc;
	}
	swiommu->client.ops = &lib_client_ops;
	front_fdtable_init(&swiommu->table);
	front_vmas_init(&swiommu->vmas);
	*out = swiommu;
	return 0;
}

void swiommu_free(struct swiommu *swiommu)
{
	for (int fd = 0; (fd = front_fdtable_next(&swiommu->table, fd)) >= 0;)
		swiommu_close(swiommu, fd);
	front_vmas_fini(&swiommu->vmas);
	front_fdtable_fini(&swiommu->table);
	front_machine_free(swiommu->machine);
	base_free(swiommu);
}

int swiommu_add_device(struct swiommu *swiommu, const struct swiommu_model *model, const char *spec,
		       struct swiommu_device **device, const char **message)
{
	int rc = front_machine_add(swiommu->machine, model, spec, device, swiommu->message,
				   sizeof(swiommu->message));

	if (rc && message)
		*message = swiommu->message;
	return rc;
}

/* ---- files ---- */

/* Give the file a number. */
static int publish(struct swiommu *swiommu, struct mem_file *file, struct front_node node)
{
	base_scoped_lock(&swiommu->table.lock);
	int fd = front_fdtable_lowest_locked(&swiommu->table), rc;
	struct front_slot *slot;

	if (fd < 0)
		return fd;
	rc = front_slot_new_locked(&swiommu->table, file, &slot);
	if (rc)
		return rc;
	slot->node = node;
	slot->access = O_RDWR;
	front_fdtable_set_locked(&swiommu->table, fd, slot);
	if (base_unlikely(base_trace_on))
		front_trace_open(slot, fd);
	return fd;
}

int swiommu_open(struct swiommu *swiommu, const char *path)
{
	struct front_node node = front_node_parse(path);
	struct mem_file *file;
	int rc = front_machine_open(swiommu->machine, node, &swiommu->client, &file);

	if (rc)
		return rc;
	rc = publish(swiommu, file, node);
	if (rc < 0)
		mem_file_put(file);
	return rc;
}

/* Take fd out of the table: the slot, whose only number it was, or NULL. A reserved one stays. */
static struct front_slot *withdraw(struct swiommu *swiommu, int fd)
{
	struct front_slot *slot;

	base_scoped_lock(&swiommu->table.lock);
	if (front_fdtable_peek(&swiommu->table, fd) == &front_slot_hidden)
		return NULL;
	slot = front_fdtable_clear_locked(&swiommu->table, fd);
	if (slot)
		front_slot_close_locked(&swiommu->table, slot);
	return slot;
}

int swiommu_close(struct swiommu *swiommu, int fd)
{
	struct front_slot *slot = withdraw(swiommu, fd);

	if (!slot)
		return -EBADF;
	base_trace("close %d", fd);
	front_slot_put(&swiommu->table, slot);
	return 0;
}

int swiommu_ioctl(struct swiommu *swiommu, int fd, unsigned long request, void *arg)
{
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	int result;

	if (!slot)
		return -EBADF;
	result = (int)front_call_ioctl(slot, &swiommu->client, request, arg);
	front_slot_put(&swiommu->table, slot);
	return result;
}

ssize_t swiommu_read(struct swiommu *swiommu, int fd, void *buf, size_t count)
{
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	ssize_t result;

	if (!slot)
		return -EBADF;
	result = front_call_read(slot, &swiommu->client, (uintptr_t)buf, count);
	front_slot_put(&swiommu->table, slot);
	return result;
}

ssize_t swiommu_write(struct swiommu *swiommu, int fd, const void *buf, size_t count)
{
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	ssize_t result;

	if (!slot)
		return -EBADF;
	result = front_call_write(slot, &swiommu->client, (uintptr_t)buf, count);
	front_slot_put(&swiommu->table, slot);
	return result;
}

int swiommu_poll(struct swiommu *swiommu, int fd)
{
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	int ready;

	if (!slot)
		return -EBADF;
	ready = (int)mem_file_poll(slot->file);
	front_slot_put(&swiommu->table, slot);
	return ready;
}

ssize_t swiommu_pread(struct swiommu *swiommu, int fd, void *buf, size_t count, off_t offset)
{
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	ssize_t result;

	if (!slot)
		return -EBADF;
	result = front_call_pread(slot, &swiommu->client, (uintptr_t)buf, count, offset);
	front_slot_put(&swiommu->table, slot);
	return result;
}

ssize_t swiommu_pwrite(struct swiommu *swiommu, int fd, const void *buf, size_t count, off_t offset)
{
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	ssize_t result;

	if (!slot)
		return -EBADF;
	result = front_call_pwrite(slot, &swiommu->client, (uintptr_t)buf, count, offset);
	front_slot_put(&swiommu->table, slot);
	return result;
}

int swiommu_mmap(struct swiommu *swiommu, int fd, void **addr, size_t length, int prot, int flags,
		 off_t offset)
{
	const struct front_mmap call = {length, prot, flags, offset};
	struct front_slot *slot = front_fdtable_get(&swiommu->table, fd);
	int rc;

	if (!slot)
		return -EBADF;
	rc = front_vmas_mmap(&swiommu->vmas, slot, addr, &call);
	front_slot_put(&swiommu->table, slot);
	return rc;
}

int swiommu_munmap(struct swiommu *swiommu, void *addr, size_t length)
{
	return front_vmas_munmap(&swiommu->vmas, addr, length);
}
