// SPDX-License-Identifier: MIT
/* The context: one open of /dev/iommu. */
#include "iommufd/call.h"

#include <errno.h>

static struct iommufd_ctx *ctx_of(struct mem_file *file)
{
	return base_container_of(file, struct iommufd_ctx, file);
}

static long context_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			  uint64_t arg)
{
	return iommufd_call_run(ctx_of(file), client, cmd, arg);
}

static void context_release(struct mem_file *file)
{
	struct iommufd_ctx *ctx = ctx_of(file);

	iommufd_objects_fini(ctx);
	base_slab_fini(&ctx->mappings);
	base_assert(base_list_is_empty(&ctx->groups) && !ctx->mmaps.count);
	base_free(ctx);
}

static const struct mem_file_ops context_ops = {
	.name = "iommufd",
	.ioctl = context_ioctl,
	.mmap = iommufd_mmap,
	.release = context_release,
};

int iommufd_open(const struct iommufd_options *options, struct mem_file **file)
{
	struct iommufd_ctx *ctx = base_zalloc(sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	mem_file_init(&ctx->file, &context_ops);
	ctx->options = *options;
	ctx->per_process = options->per_process;
	iommufd_objects_init(&ctx->objects);
	base_slab_init(&ctx->mappings, sizeof(struct iopt_mapping));
	base_mutex_init(&ctx->ioas_lock, RANK_IOAS_CREATE);
	base_mutex_init(&ctx->groups_lock, RANK_LEAF);
	base_list_init(&ctx->groups);
	base_mutex_init(&ctx->mmaps_lock, RANK_MMAPS);
	base_gaptree_init(&ctx->mmaps);
	*file = &ctx->file;
	return 0;
}

void iommufd_client_refresh(const struct iommufd_options *options, struct mem_client *client)
{
	if (options->memlock_unlimited)
		mem_client_set_may_lock(client, true);
	else if (!client->remote)
		mem_client_set_may_lock(client, base_sys_may_lock());
}

struct iommufd_ctx *iommufd_ctx_of(struct mem_file *file)
{
	return file->ops == &context_ops ? ctx_of(file) : NULL;
}
