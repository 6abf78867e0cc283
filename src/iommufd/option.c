// SPDX-License-Identifier: MIT
/* OPTION and VFIO_IOAS (iommufd-ioctls.md 11, 12). */
#include "iommufd/private.h"

/* ---- OPTION ---- */

/* A remote client is not asked: what is known of it does not tell. */
static bool may_set_rlimit_mode(const struct mem_client *client)
{
	return !client->remote && base_sys_may_set_limits();
}

static int rlimit_mode_set(struct iommufd_call *call, uint64_t value)
{
	struct iommufd_ctx *ctx = call->ctx;

	if (!may_set_rlimit_mode(call->client))
		return -EPERM;
	base_scoped_lock(&ctx->objects.lock);
	if (ctx->objects.ids.taken)
		return -EBUSY;
	if (value > 1)
		return -EINVAL;
	ctx->per_process = value;
	return 0;
}

static int rlimit_mode(struct iommufd_call *call, struct iommu_option *cmd)
{
	if (cmd->object_id)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET: cmd->val64 = call->ctx->per_process; return 0;
	case IOMMU_OPTION_OP_SET: return rlimit_mode_set(call, cmd->val64);
	default: return -EOPNOTSUPP;
	}
}

static uint64_t huge_pages_get(struct iopt *iopt)
{
	base_scoped_read(&iopt->iova_lock);
	return !iopt->small_pages;
}

static int huge_pages(struct iommufd_call *call, struct iommu_option *cmd)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, cmd->object_id, IOMMUFD_OBJ_IOAS);
	struct iopt *iopt;

	if (!obj)
		return -ENOENT;
	iopt = &base_container_of(obj, struct iommufd_ioas, obj)->iopt;
	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET: cmd->val64 = huge_pages_get(iopt); return 0;
	case IOMMU_OPTION_OP_SET:
		return cmd->val64 > 1 ? -EINVAL : iopt_set_huge_pages(iopt, cmd->val64);
	default: return -EOPNOTSUPP;
	}
}

int iommufd_option(struct iommufd_call *call, struct iommu_option *cmd)
{
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE: rc = rlimit_mode(call, cmd); break;
	case IOMMU_OPTION_HUGE_PAGES: rc = huge_pages(call, cmd); break;
	default: return -EOPNOTSUPP;
	}
	if (rc)
		return rc;
	/* The value alone goes back. */
	return mem_copy_out(call->client, call->addr + offsetof(struct iommu_option, val64),
			    &cmd->val64, sizeof(cmd->val64));
}

/* ---- the compat IOAS ---- */

struct iommufd_ioas *iommufd_compat_ioas_get(struct iommufd_ctx *ctx)
{
	base_scoped_lock(&ctx->objects.lock);
	if (!ctx->compat_ioas || !iommufd_object_try_hold(ctx->compat_ioas))
		return NULL;
	return base_container_of(ctx->compat_ioas, struct iommufd_ioas, obj);
}

static int vfio_ioas_get(struct iommufd_call *call, struct iommu_vfio_ioas *cmd)
{
	base_scoped_lock(&call->ctx->objects.lock);
	if (!call->ctx->compat_ioas)
		return -ENODEV;
	cmd->ioas_id = call->ctx->compat_ioas->id;
	call->respond = true;
	return 0;
}

/* `obj`, an IOAS or NULL, is the compat IOAS. The caller holds it. */
static void compat_ioas_set(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	base_scoped_lock(&ctx->objects.lock);
	ctx->compat_ioas = obj;
}

static int vfio_ioas_set(struct iommufd_call *call, uint32_t id)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, id, IOMMUFD_OBJ_IOAS);

	if (!obj)
		return -ENOENT;
	compat_ioas_set(call->ctx, obj);
	return 0;
}

int iommufd_vfio_ioas(struct iommufd_call *call, struct iommu_vfio_ioas *cmd)
{
	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_VFIO_IOAS_GET: return vfio_ioas_get(call, cmd);
	case IOMMU_VFIO_IOAS_SET: return vfio_ioas_set(call, cmd->ioas_id);
	case IOMMU_VFIO_IOAS_CLEAR: compat_ioas_set(call->ctx, NULL); return 0;
	default: return -EOPNOTSUPP;
	}
}
