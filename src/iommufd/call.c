// SPDX-License-Identifier: MIT
/*
 * Framing: one table of ioctls; size rules, copy in, copy out, and the fate of a
 * new object happen here, around the handler.
 */
#include "iommufd/call.h"
#include "iommufd/selftest.h"

#include <errno.h>
#include <fcntl.h>

union command {
	uint32_t size;
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas allow_iovas;
	struct iommu_ioas_iova_ranges iova_ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_unmap unmap;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_map_file map_file;
	struct iommu_ioas_change_process change_process;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hw_info hw_info;
	struct iommu_hwpt_set_dirty_tracking set_dirty;
	struct iommu_hwpt_get_dirty_bitmap get_dirty;
	struct iommu_hwpt_invalidate invalidate;
	struct iommu_fault_alloc fault_alloc;
	struct iommu_viommu_alloc viommu_alloc;
	struct iommu_vdevice_alloc vdevice_alloc;
	struct iommu_veventq_alloc veventq_alloc;
	struct iommu_hw_queue_alloc hw_queue_alloc;
	struct iommu_test_cmd test;
};

struct ioctl_row {
	uint16_t size; /* of the whole struct */
	uint16_t min;  /* what every client must pass */
	/* 0, more than 0 if that is the result, or a negative errno. */
	int (*run)(struct iommufd_call *call, union command *cmd);
};

static int run_destroy(struct iommufd_call *call, union command *cmd)
{
	return iommufd_object_destroy_user(call->ctx, cmd->destroy.id);
}

/* A handler with the type of its struct, as the table wants it. */
#define HANDLER(name, fn)                                                    \
	static int run_##name(struct iommufd_call *call, union command *cmd) \
	{                                                                    \
		return fn(call, &cmd->name);                                 \
	}
HANDLER(ioas_alloc, iommufd_ioas_alloc)
HANDLER(allow_iovas, iommufd_ioas_allow_iovas)
HANDLER(iova_ranges, iommufd_ioas_iova_ranges)
HANDLER(map, iommufd_ioas_map)
HANDLER(unmap, iommufd_ioas_unmap)
HANDLER(copy, iommufd_ioas_copy)
HANDLER(map_file, iommufd_ioas_map_file)
HANDLER(change_process, iommufd_ioas_change_process)
HANDLER(option, iommufd_option)
HANDLER(vfio_ioas, iommufd_vfio_ioas)
HANDLER(hwpt_alloc, iommufd_hwpt_alloc)
HANDLER(hw_info, iommufd_device_get_hw_info)
HANDLER(set_dirty, iommufd_hwpt_set_dirty)
HANDLER(get_dirty, iommufd_hwpt_get_dirty)
HANDLER(invalidate, iommufd_hwpt_invalidate)
HANDLER(fault_alloc, iommufd_fault_alloc)
HANDLER(viommu_alloc, iommufd_viommu_alloc)
HANDLER(vdevice_alloc, iommufd_vdevice_alloc)
HANDLER(veventq_alloc, iommufd_veventq_alloc)
HANDLER(hw_queue_alloc, iommufd_hw_queue_alloc)
HANDLER(test, iommufd_selftest_run)

#define MIN_THROUGH(type, field) (offsetof(struct type, field) + sizeof(((struct type *)0)->field))
#define ROW(cmd_, type, field, run_)                               \
	[(cmd_)-IOMMU_DESTROY] = {.size = sizeof(struct type),     \
				  .min = MIN_THROUGH(type, field), \
				  .run = (run_)}

static const struct ioctl_row rows[] = {
	ROW(IOMMU_DESTROY, iommu_destroy, id, run_destroy),
	ROW(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id, run_ioas_alloc),
	ROW(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, allowed_iovas, run_allow_iovas),
	ROW(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova, run_copy),
	ROW(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges, out_iova_alignment, run_iova_ranges),
	ROW(IOMMU_IOAS_MAP, iommu_ioas_map, iova, run_map),
	ROW(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length, run_unmap),
	ROW(IOMMU_OPTION, iommu_option, val64, run_option),
	ROW(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved, run_vfio_ioas),
	ROW(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved, run_hwpt_alloc),
	ROW(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved, run_hw_info),
	ROW(IOMMU_HWPT_SET_DIRTY_TRACKING, iommu_hwpt_set_dirty_tracking, __reserved,
	    run_set_dirty),
	ROW(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap, data, run_get_dirty),
	ROW(IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, __reserved, run_invalidate),
	ROW(IOMMU_FAULT_QUEUE_ALLOC, iommu_fault_alloc, out_fault_fd, run_fault_alloc),
	ROW(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, iova, run_map_file),
	ROW(IOMMU_VIOMMU_ALLOC, iommu_viommu_alloc, out_viommu_id, run_viommu_alloc),
	ROW(IOMMU_VDEVICE_ALLOC, iommu_vdevice_alloc, virt_id, run_vdevice_alloc),
	ROW(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process, __reserved, run_change_process),
	ROW(IOMMU_VEVENTQ_ALLOC, iommu_veventq_alloc, out_veventq_fd, run_veventq_alloc),
	ROW(IOMMU_HW_QUEUE_ALLOC, iommu_hw_queue_alloc, length, run_hw_queue_alloc),
	ROW(IOMMU_TEST_CMD, iommu_test_cmd, last, run_test),
};

/* The numbers of iommufd's own ioctls; others of the type are a VFIO container's. */
#define NR_LAST	     0x94u
#define TEST_NR_LAST 0xa0u

/* All but the lookups, and what comes with a new object. */
static void call_init(struct iommufd_call *call, struct iommufd_ctx *ctx, struct mem_client *client,
		      uint64_t addr)
{
	call->ctx = ctx;
	call->client = client;
	call->addr = addr;
	call->respond = false;
	call->created = NULL;
	call->lookup_count = 0;
}

int iommufd_call_new_file(struct iommufd_call *call, struct mem_file *file, uint32_t *fd)
{
	int rc;

	base_assert(call->created && !call->held);
	rc = call->client->ops->file_reserve(call->client, file, O_RDWR | O_CLOEXEC,
					     &call->new_file);
	if (rc) {
		call->new_file.file = NULL;
		mem_file_put(file);
		return rc;
	}
	*fd = (uint32_t)call->new_file.fd;
	return 0;
}

/* The file opens just before its object can be found, and is gone before that ends (5). */
static BASE_COLD void call_finish_file(struct iommufd_call *call, long rc)
{
	if (rc < 0)
		call->client->ops->file_abort(call->client, &call->new_file);
	else
		call->client->ops->file_publish(call->client, &call->new_file);
}

/* The fate of a new object, and the lock that the handler has left for us. */
static void call_settle(struct iommufd_call *call, long rc)
{
	if (call->new_file.file)
		call_finish_file(call, rc);
	if (rc < 0)
		iommufd_object_abort(call->ctx, call->created);
	else
		iommufd_object_publish(call->ctx, call->created);
	if (call->held)
		base_mutex_unlock(call->held);
}

/* Reserve, fill (the handler did), copy the result out, publish: nothing fails after that (L3). */
static long call_finish(struct iommufd_call *call, const union command *cmd, long rc)
{
	if (call->respond && mem_copy_out(call->client, call->addr, cmd, call->size))
		rc = -EFAULT;
	if (call->created)
		call_settle(call, rc);
	for (unsigned i = call->lookup_count; i; i--)
		iommufd_object_put(&call->ctx->objects, call->lookups[i - 1]);
	return rc;
}

/* The size decides first; only then is the rest looked at (1.2 d-f). */
static BASE_COLD int call_copy_in_any(struct iommufd_call *call, union command *cmd,
				      const struct ioctl_row *row)
{
	uint32_t size;

	if (mem_copy_in(call->client, &size, call->addr, sizeof(size)))
		return -EFAULT;
	if (size < row->min)
		return -EINVAL;
	call->size = base_min_u64(size, row->size);
	return mem_copy_in_struct(call->client, cmd, row->size, call->addr, size);
}

static int call_copy_in(struct iommufd_call *call, union command *cmd, const struct ioctl_row *row)
{
	uint32_t size = row->size;

	/* A struct of the usual size in one go; to read too much of a shorter one does no harm. */
	if (base_likely(!mem_copy_in(call->client, cmd, call->addr, size)) &&
	    base_likely(cmd->size == size)) {
		call->size = size;
		return 0;
	}
	return call_copy_in_any(call, cmd, row);
}

static bool is_test(const struct iommufd_ctx *ctx, uint32_t cmd)
{
	return ctx->options.test_abi && cmd == IOMMU_TEST_CMD;
}

/* NULL: there is no such ioctl. */
static const struct ioctl_row *find_row(const struct iommufd_ctx *ctx, uint32_t cmd)
{
	uint32_t index = cmd - IOMMU_DESTROY;
	const struct ioctl_row *row;

	if (base_unlikely(index > NR_LAST - IOMMUFD_CMD_BASE) && !is_test(ctx, cmd))
		return NULL;
	row = &rows[index];
	return base_likely(row->run) ? row : NULL;
}

/* An ioctl that is not there: the size is read before the number is judged (1.2 b). */
static long call_unknown(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
			 uint64_t arg)
{
	uint32_t nr = cmd & 0xff, size;

	if (nr < IOMMUFD_CMD_BASE || nr > (ctx->options.test_abi ? TEST_NR_LAST : NR_LAST))
		return iommufd_compat_run(ctx, client, cmd, arg);
	return mem_copy_in(client, &size, arg, sizeof(size)) ? -EFAULT : -ENOTTY;
}

long iommufd_call_run(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
		      uint64_t arg)
{
	const struct ioctl_row *row = find_row(ctx, cmd);
	struct iommufd_call call;
	union command command;
	int rc;

	if (base_unlikely(!row))
		return call_unknown(ctx, client, cmd, arg);
	call_init(&call, ctx, client, arg);
	rc = call_copy_in(&call, &command, row);
	if (rc)
		return rc;
	return call_finish(&call, &command, row->run(&call, &command));
}
