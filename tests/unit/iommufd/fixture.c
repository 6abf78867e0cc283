// SPDX-License-Identifier: MIT
/* A context with two bound devices. */
#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

/* cmocka would take SIGSEGV and SIGBUS from the guard for each test. */
void (*signal(int signo, void (*handler)(int)))(int)
{
	(void)signo, (void)handler;
	return SIG_DFL;
}

int fixture_setup(void **state)
{
	(void)state;
	return base_guard_install();
}

/* ---- the client ---- */

static struct rig *rig_of(struct mem_client *client)
{
	return base_container_of(client, struct rig, client);
}

/* An allocation, so that sweeps find that this can fail. */
static int local_reserve(struct mem_client *client, struct mem_file *file, int flags,
			 struct mem_new_file *new_file)
{
	struct rig *rig = rig_of(client);
	int fd = 0;

	(void)flags;
	if (rig->no_number)
		return -EMFILE;
	new_file->front = base_alloc(1);
	if (!new_file->front)
		return -ENOMEM;
	while (rig->files[fd] || (rig->reserved & 1u << fd))
		fd++;
	rig->reserved |= 1u << fd;
	new_file->file = file;
	new_file->fd = fd;
	return 0;
}

static void local_publish(struct mem_client *client, struct mem_new_file *new_file)
{
	struct rig *rig = rig_of(client);

	rig->reserved &= ~(1u << new_file->fd);
	rig->files[new_file->fd] = new_file->file;
	base_free(new_file->front);
}

static void local_abort(struct mem_client *client, struct mem_new_file *new_file)
{
	rig_of(client)->reserved &= ~(1u << new_file->fd);
	mem_file_put(new_file->file);
	base_free(new_file->front);
}

static const struct mem_client_ops local_ops = {
	.file_reserve = local_reserve,
	.file_publish = local_publish,
	.file_abort = local_abort,
};

/* ---- the rig ---- */

static void add_device(struct rig *rig, unsigned n)
{
	struct iommu_device *device;

	assert_int_equal(iommu_group_new(n, &rig->group[n]), 0);
	assert_int_equal(iommu_device_new(rig->iommu, rig->group[n], (uint16_t)(0x6a00 + 8 * n),
					  &device),
			 0);
	device->max_pasids = 1u << 20;
	rig->device[n] = device;
	assert_int_equal(iommufd_device_bind(iommufd_ctx_of(rig->ctx), device, &rig->idev[n],
					     &rig->devid[n]),
			 0);
}

void rig_init(struct rig *rig, const char *kind)
{
	static const struct iommufd_options options;

	memset(rig, 0, sizeof(*rig));
	rig->allocations = base_alloc_count();
	rig->client.ops = &local_ops;
	assert_int_equal(iommu_new(kind, &rig->iommu), 0);
	assert_int_equal(iommufd_open(&options, &rig->ctx), 0);
	add_device(rig, 0);
	add_device(rig, 1);
}

void rig_fini(struct rig *rig)
{
	for (unsigned n = 0; n < 2; n++)
		iommufd_device_unbind(rig->idev[n]);
	for (int fd = 0; fd < RIG_FILES; fd++)
		if (rig->files[fd])
			rig_close(rig, fd);
	mem_file_put(rig->ctx);
	for (unsigned n = 0; n < 2; n++) {
		iommu_device_free(rig->device[n]);
		iommu_group_free(rig->group[n]);
	}
	iommu_free(rig->iommu);
	assert_int_equal(base_alloc_count(), rig->allocations);
}

/* ---- calls ---- */

long rig_ioctl(struct rig *rig, uint32_t cmd, void *arg)
{
	return mem_file_ioctl(rig->ctx, &rig->client, cmd, ADDR(arg));
}

long rig_destroy(struct rig *rig, uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	return rig_ioctl(rig, IOMMU_DESTROY, &cmd);
}

long rig_hwpt(struct rig *rig, unsigned n, uint32_t pt, uint32_t flags, uint32_t fault,
	      const struct blob *data, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags | (fault ? IOMMU_HWPT_FAULT_ID_VALID : 0),
		.dev_id = rig->devid[n],
		.pt_id = pt,
		.data_type = data ? data->type : IOMMU_HWPT_DATA_NONE,
		.data_len = data ? data->len : 0,
		.data_uptr = data ? ADDR(data->ptr) : 0,
		.fault_id = fault,
	};
	long rc = rig_ioctl(rig, IOMMU_HWPT_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_hwpt_id;
	return rc;
}

uint32_t rig_ioas(struct rig *rig)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	assert_int_equal(rig_ioctl(rig, IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

uint32_t rig_parent(struct rig *rig)
{
	uint32_t id = 0;

	assert_int_equal(rig_hwpt(rig, 0, rig_ioas(rig),
				  IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_PASID, 0, NULL,
				  &id),
			 0);
	return id;
}

uint32_t rig_nested(struct rig *rig, uint32_t pt, uint32_t flags, uint32_t fault)
{
	static const struct iommu_hwpt_selftest selftest = {.iotlb = IOMMU_TEST_IOTLB_DEFAULT};
	static const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 48};
	const struct blob mock = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), &selftest};
	const struct blob vtd = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};
	uint32_t id = 0;

	if (rig_hwpt(rig, 0, pt, flags, fault, &mock, &id))
		assert_int_equal(rig_hwpt(rig, 0, pt, flags, fault, &vtd, &id), 0);
	return id;
}

uint32_t rig_viommu(struct rig *rig, uint32_t parent)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = rig->devid[0],
		.hwpt_id = parent,
	};

	assert_int_equal(rig_ioctl(rig, IOMMU_VIOMMU_ALLOC, &cmd), 0);
	return cmd.out_viommu_id;
}

uint32_t rig_vdevice(struct rig *rig, uint32_t viommu, unsigned n, uint64_t virt_id)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.dev_id = rig->devid[n],
		.virt_id = virt_id,
	};

	assert_int_equal(rig_ioctl(rig, IOMMU_VDEVICE_ALLOC, &cmd), 0);
	return cmd.out_vdevice_id;
}

void rig_attach(struct rig *rig, unsigned n, uint32_t pasid, uint32_t pt)
{
	assert_int_equal(iommufd_device_attach(rig->idev[n], pasid, &pt), 0);
}

/* ---- queues ---- */

uint32_t rig_fault_queue(struct rig *rig, int *fd)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};

	assert_int_equal(rig_ioctl(rig, IOMMU_FAULT_QUEUE_ALLOC, &cmd), 0);
	*fd = (int)cmd.out_fault_fd;
	return cmd.out_fault_id;
}

long rig_veventq(struct rig *rig, uint32_t viommu, uint32_t type, uint32_t depth, uint32_t *id,
		 int *fd)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.type = type,
		.veventq_depth = depth,
	};
	long rc = rig_ioctl(rig, IOMMU_VEVENTQ_ALLOC, &cmd);

	if (!rc) {
		*id = cmd.out_veventq_id;
		*fd = (int)cmd.out_veventq_fd;
	}
	return rc;
}

ssize_t rig_read(struct rig *rig, int fd, void *buf, size_t count)
{
	return mem_file_read(rig->files[fd], &rig->client, ADDR(buf), count);
}

ssize_t rig_write(struct rig *rig, int fd, const void *buf, size_t count)
{
	return mem_file_write(rig->files[fd], &rig->client, ADDR(buf), count);
}

uint32_t rig_poll(struct rig *rig, int fd)
{
	return mem_file_poll(rig->files[fd]);
}

void rig_close(struct rig *rig, int fd)
{
	struct mem_file *file = rig->files[fd];

	rig->files[fd] = NULL;
	mem_file_put(file);
}

/* ---- objects ---- */

uint32_t rig_next_id(struct rig *rig)
{
	uint32_t id = rig_ioas(rig);

	assert_int_equal(rig_destroy(rig, id), 0);
	return id;
}

struct iommufd_object *rig_object(struct rig *rig, uint32_t id)
{
	struct iommufd_ctx *ctx = iommufd_ctx_of(rig->ctx);
	struct iommufd_object *obj = iommufd_object_lookup(ctx, id, IOMMUFD_OBJ_ANY);

	assert_non_null(obj);
	iommufd_object_put(&ctx->objects, obj);
	return obj;
}

struct iommu_domain *rig_domain(struct rig *rig, uint32_t hwpt)
{
	return base_container_of(rig_object(rig, hwpt), struct iommufd_hwpt, obj)->domain;
}

uint8_t *memory_edge(void)
{
	uint8_t *addr =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(addr, MAP_FAILED);
	assert_int_equal(mprotect(addr + PAGE, PAGE, PROT_NONE), 0);
	return addr + PAGE;
}
