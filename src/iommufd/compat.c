// SPDX-License-Identifier: MIT
/*
 * The ioctls of a VFIO type1 container, on the compat IOAS of a context
 * (vfio-device-ioctls.md 13).
 */
#include "iommufd/private.h"

#include <errno.h>
#include <linux/vfio.h>

/* What a call on the compat IOAS knows. */
struct compat_call {
	struct iommufd_ctx *ctx;
	struct mem_client *client;
	uint64_t arg;
	struct iommufd_ioas *ioas;
};

/* ---- extensions, types ---- */

static bool enforces_coherency(struct iommufd_ioas *ioas)
{
	struct iommufd_hwpt *hwpt;

	base_scoped_lock(&ioas->lock);
	base_list_for_each (hwpt, &ioas->hwpts, ioas_node)
		if (!hwpt->domain->coherent)
			return false;
	return true;
}

static long check_extension(struct iommufd_ctx *ctx, uint64_t extension)
{
	struct iommufd_ioas *ioas;
	long rc;

	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL: return 1;
	case VFIO_DMA_CC_IOMMU: break;
	default: return 0;
	}
	ioas = iommufd_compat_ioas_get(ctx);
	if (!ioas)
		return -ENODEV;
	rc = enforces_coherency(ioas);
	iommufd_object_put(&ctx->objects, &ioas->obj);
	return rc;
}

static long set_iommu(struct iommufd_ctx *ctx, uint64_t type)
{
	struct iommufd_ioas *ioas;
	int rc = 0;

	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	ioas = iommufd_compat_ioas_get(ctx);
	if (!ioas)
		return -ENODEV;
	/* Mappings of version 1 may be unmapped in parts. */
	if (type == VFIO_TYPE1_IOMMU)
		rc = iopt_set_huge_pages(&ioas->iopt, false);
	iommufd_object_put(&ctx->objects, &ioas->obj);
	return rc;
}

/* ---- MAP_DMA, UNMAP_DMA ---- */

static int map_dma(const struct compat_call *call, const struct vfio_iommu_type1_dma_map *cmd)
{
	const struct iopt_map_request request = {
		.client = call->client,
		.addr = cmd->vaddr,
		.length = cmd->size,
		.prot = (cmd->flags & VFIO_DMA_MAP_FLAG_READ ? PGTABLE_READ : 0) |
			(cmd->flags & VFIO_DMA_MAP_FLAG_WRITE ? PGTABLE_WRITE : 0),
		.account = mem_client_account_mode(call->client, call->ctx->per_process),
		.fixed = true,
	};
	uint64_t iova = cmd->iova;

	return iommufd_ioas_map_user(call->ioas, &request, &iova);
}

static int check_map_dma(const void *command)
{
	const struct vfio_iommu_type1_dma_map *cmd = command;

	return cmd->flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE) ? -EINVAL : 0;
}

/* Areas end where the range does, if they may be cut. */
static int cut_range(struct iopt *iopt, uint64_t start, uint64_t length)
{
	int rc = iopt_cut(iopt, start + (length - 1));

	return !rc && start ? iopt_cut(iopt, start - 1) : rc;
}

static int unmap_part(struct iopt *iopt, const struct vfio_iommu_type1_dma_unmap *cmd,
		      uint64_t *unmapped)
{
	uint64_t last;

	if (!cmd->size)
		return -EINVAL;
	if (!base_range_last(cmd->iova, cmd->size, &last))
		return -EOVERFLOW;
	return iopt_unmap(iopt, cmd->iova, last, unmapped);
}

static int unmap_dma(const struct compat_call *call, struct vfio_iommu_type1_dma_unmap *cmd)
{
	struct iopt *iopt = &call->ioas->iopt;
	uint64_t unmapped = 0;
	int rc;

	if (cmd->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (cmd->iova || cmd->size)
			return -EINVAL;
		rc = iopt_unmap(iopt, 0, UINT64_MAX, &unmapped);
	} else {
		rc = cut_range(iopt, cmd->iova, cmd->size);
		if (rc)
			return rc;
		rc = unmap_part(iopt, cmd, &unmapped);
	}
	cmd->size = unmapped;
	return mem_copy_out(call->client, call->arg, cmd, sizeof(*cmd)) ? -EFAULT : rc;
}

static int check_unmap_dma(const void *command)
{
	const struct vfio_iommu_type1_dma_unmap *cmd = command;

	return cmd->flags & ~VFIO_DMA_UNMAP_FLAG_ALL ? -EINVAL : 0;
}

/* ---- IOMMU_GET_INFO ---- */

/* Where a capability begins: the second is behind the first, in multiples of 8. */
#define DMA_AVAIL_OFFSET  sizeof(struct vfio_iommu_type1_info)
#define IOVA_RANGE_OFFSET (DMA_AVAIL_OFFSET + 16)

_Static_assert(sizeof(struct vfio_iommu_type1_info_dma_avail) <= 16, "room for it");

/* Write what is at `offset` of the client's struct, if there is room for all of it. */
static int info_write(const struct compat_call *call, uint32_t room, uint64_t offset,
		      const void *bytes, size_t size)
{
	if (offset + size > room)
		return 0;
	return mem_copy_out(call->client, call->arg + offset, bytes, size);
}

static int write_dma_avail(const struct compat_call *call, uint32_t room)
{
	const struct vfio_iommu_type1_info_dma_avail cap = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
			   .version = 1,
			   .next = room >= IOVA_RANGE_OFFSET ? IOVA_RANGE_OFFSET : 0},
		.avail = UINT32_MAX,
	};

	return info_write(call, room, DMA_AVAIL_OFFSET, &cap, sizeof(cap));
}

/* The ranges that IOVA_RANGES shows. *end is where the capability ends. */
static int write_iova_ranges_locked(const struct compat_call *call, uint32_t room, uint64_t *end)
{
	struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1},
	};
	uint64_t start = 0, last;

	*end = IOVA_RANGE_OFFSET + sizeof(cap);
	while (iopt_next_usable_locked(&call->ioas->iopt, &start, UINT64_MAX, &last)) {
		struct vfio_iova_range range = {.start = start, .end = last};

		if (info_write(call, room, *end, &range, sizeof(range)))
			return -EFAULT;
		*end += sizeof(range);
		cap.nr_iovas++;
		if (last == UINT64_MAX)
			break;
		start = last + 1;
	}
	if (*end > room)
		return 0;
	return info_write(call, room, IOVA_RANGE_OFFSET, &cap, sizeof(cap));
}

/* VFIO knows no pages below the CPU's. */
static uint64_t pgsizes_locked(const struct iopt *iopt)
{
	uint64_t pgsizes = iopt_pgsizes_locked(iopt), small = pgsizes & (BASE_PAGE_SIZE - 1);

	if (small)
		pgsizes = (pgsizes ^ small) | BASE_PAGE_SIZE;
	return base_max_u64(pgsizes, iopt->alignment);
}

static int get_info(const struct compat_call *call, struct vfio_iommu_type1_info *info)
{
	uint32_t room = info->argsz;
	uint64_t end;
	int rc;

	base_scoped_read(&call->ioas->iopt.iova_lock);
	rc = write_dma_avail(call, room);
	if (!rc)
		rc = write_iova_ranges_locked(call, room, &end);
	if (rc)
		return rc;
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = pgsizes_locked(&call->ioas->iopt);
	info->cap_offset = room >= end ? DMA_AVAIL_OFFSET : 0;
	info->pad = 0;
	info->argsz = (uint32_t)end;
	return mem_copy_out(call->client, call->arg, info, base_min_u64(room, sizeof(*info)));
}

/* ---- one way in ---- */

union command {
	uint32_t argsz;
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_dma_map map;
	struct vfio_iommu_type1_dma_unmap unmap;
};

#define THROUGH(type, field) (offsetof(struct type, field) + sizeof(((struct type *)0)->field))

static int run_on_ioas(const struct compat_call *call, uint32_t cmd, union command *command)
{
	switch (cmd) {
	case VFIO_IOMMU_GET_INFO: return get_info(call, &command->info);
	case VFIO_IOMMU_MAP_DMA: return map_dma(call, &command->map);
	default: return unmap_dma(call, &command->unmap);
	}
}

/* The first `size` bytes of the struct are what every client has. */
static int compat_struct(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
			 uint64_t arg, size_t size, int (*check)(const void *command))
{
	struct compat_call call = {ctx, client, arg, NULL};
	union command command;
	int rc = 0;

	if (mem_copy_in(client, &command, arg, size))
		return -EFAULT;
	if (command.argsz < size)
		return -EINVAL;
	if (check)
		rc = check(&command);
	if (rc)
		return rc;
	call.ioas = iommufd_compat_ioas_get(ctx);
	if (!call.ioas)
		return -ENODEV;
	rc = run_on_ioas(&call, cmd, &command);
	iommufd_object_put(&ctx->objects, &call.ioas->obj);
	return rc;
}

long iommufd_compat_run(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
			uint64_t arg)
{
	switch (cmd) {
	case VFIO_GET_API_VERSION: return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION: return check_extension(ctx, arg);
	case VFIO_SET_IOMMU: return set_iommu(ctx, arg);
	case VFIO_IOMMU_GET_INFO:
		return compat_struct(ctx, client, cmd, arg,
				     THROUGH(vfio_iommu_type1_info, iova_pgsizes), NULL);
	case VFIO_IOMMU_MAP_DMA:
		return compat_struct(ctx, client, cmd, arg, THROUGH(vfio_iommu_type1_dma_map, size),
				     check_map_dma);
	case VFIO_IOMMU_UNMAP_DMA:
		return compat_struct(ctx, client, cmd, arg,
				     THROUGH(vfio_iommu_type1_dma_unmap, size), check_unmap_dma);
	default: return -ENOTTY;
	}
}
