// SPDX-License-Identifier: MIT
/* The ioctls on an IOAS. */
#include "iommufd/selftest.h"

#include <errno.h>

static BASE_INLINE struct iommufd_ioas *ioas_lookup(struct iommufd_call *call, uint32_t id)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, id, IOMMUFD_OBJ_IOAS);

	return obj ? base_container_of(obj, struct iommufd_ioas, obj) : NULL;
}

int iommufd_ioas_alloc(struct iommufd_call *call, struct iommu_ioas_alloc *cmd)
{
	struct iommufd_object *obj;
	struct iommufd_ioas *ioas;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	rc = iommufd_object_alloc(call->ctx, sizeof(*ioas), IOMMUFD_OBJ_IOAS, &obj);
	if (rc)
		return rc;
	iommufd_client_refresh(&call->ctx->options, call->client);
	ioas = base_container_of(obj, struct iommufd_ioas, obj);
	iopt_init(&ioas->iopt, &call->ctx->mappings);
	base_mutex_init(&ioas->lock, RANK_IOAS);
	base_list_init(&ioas->hwpts);
	cmd->out_ioas_id = obj->id;
	base_mutex_lock(&call->ctx->ioas_lock);
	iommufd_call_create(call, obj, &call->ctx->ioas_lock);
	call->respond = true;
	return 0;
}

void iommufd_ioas_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	(void)ctx;
	iopt_fini(&base_container_of(obj, struct iommufd_ioas, obj)->iopt);
}

/* Write the usable ranges as far as the client's array reaches; *total counts all. */
static int write_ranges_locked(struct iommufd_call *call, const struct iopt *iopt,
			       const struct iommu_ioas_iova_ranges *cmd, uint32_t *total)
{
	uint64_t start = 0, last;

	base_assert_held(&iopt->iova_lock);
	*total = 0;
	while (iopt_next_usable_locked(iopt, &start, UINT64_MAX, &last)) {
		struct iommu_iova_range range = {.start = start, .last = last};

		if (*total < cmd->num_iovas &&
		    mem_copy_out(call->client, cmd->allowed_iovas + *total * sizeof(range), &range,
				 sizeof(range)))
			return -EFAULT;
		++*total;
		if (last == UINT64_MAX)
			break;
		start = last + 1;
	}
	return 0;
}

int iommufd_ioas_iova_ranges(struct iommufd_call *call, struct iommu_ioas_iova_ranges *cmd)
{
	struct iommufd_ioas *ioas;
	uint32_t total;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_lookup(call, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	base_scoped_read(&ioas->iopt.iova_lock);
	rc = write_ranges_locked(call, &ioas->iopt, cmd, &total);
	if (rc)
		return rc;
	rc = total > cmd->num_iovas ? -EMSGSIZE : 0;
	cmd->num_iovas = total;
	cmd->out_iova_alignment = ioas->iopt.alignment;
	call->respond = true;
	return rc;
}

/* Put `range` into the sorted array of `count` ranges. -EINVAL if it meets one of them. */
static int allowed_insert(struct iopt_allowed *ranges, size_t count, struct iommu_iova_range range)
{
	size_t at = count;

	if (range.start >= range.last)
		return -EINVAL;
	while (at && ranges[at - 1].start > range.last)
		at--;
	if (at && ranges[at - 1].last >= range.start)
		return -EINVAL;
	for (size_t i = count; i > at; i--)
		ranges[i] = ranges[i - 1];
	ranges[at] = (struct iopt_allowed){.start = range.start, .last = range.last};
	return 0;
}

int iommufd_ioas_allow_iovas(struct iommufd_call *call, struct iommu_ioas_allow_iovas *cmd)
{
	struct iopt_allowed *ranges = NULL;
	struct iommufd_ioas *ioas;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_lookup(call, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	for (uint32_t i = 0; i < cmd->num_iovas && !rc; i++) {
		struct iommu_iova_range range;

		rc = mem_copy_in(call->client, &range, cmd->allowed_iovas + i * sizeof(range),
				 sizeof(range));
		if (!rc)
			rc = iopt_allowed_grow(&ranges, i);
		if (!rc)
			rc = allowed_insert(ranges, i, range);
	}
	if (!rc)
		rc = iopt_allow(&ioas->iopt, ranges, cmd->num_iovas);
	if (rc)
		base_free(ranges);
	return rc;
}

/* The size of the client's memory (7.5). */
static int check_user_range(uint64_t addr, uint64_t length)
{
	uint64_t end;

	if (__builtin_add_overflow(addr, length, &end))
		return -EOVERFLOW;
	return !length || length > SIZE_MAX - BASE_PAGE_SIZE ? -EINVAL : 0;
}

int iommufd_ioas_map_user(struct iommufd_ioas *ioas, const struct iopt_map_request *request,
			  uint64_t *iova)
{
	struct iopt_block block;
	int rc = check_user_range(request->addr, request->length);

	if (!rc)
		rc = iopt_block_user(&ioas->iopt, request, &block);
	if (rc)
		return rc;
	return iopt_map_block(&ioas->iopt, &block, request->prot, request->fixed, iova);
}

int iommufd_ioas_map(struct iommufd_call *call, struct iommu_ioas_map *cmd)
{
	struct iopt_map_request request = {
		.client = call->client,
		.addr = cmd->user_va,
		.length = cmd->length,
		.prot = iommufd_map_prot(cmd->flags),
		.account = mem_client_account_mode(call->client, call->ctx->per_process),
		.fixed = cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
	};
	struct iommufd_ioas *ioas;
	uint64_t iova = cmd->iova;
	int rc;

	if ((cmd->flags & ~IOMMUFD_MAP_FLAGS) || cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->iova == UINT64_MAX || cmd->length == UINT64_MAX)
		return -EOVERFLOW;
	if (!request.prot)
		return -EINVAL;
	ioas = ioas_lookup(call, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = check_user_range(request.addr, request.length);
	if (!rc)
		rc = iopt_map(&ioas->iopt, &request, &iova);
	if (rc)
		return rc;
	cmd->iova = iova;
	call->respond = true;
	return 0;
}

static int copy_take(struct iommufd_call *call, const struct iommu_ioas_copy *cmd,
		     struct iopt_block *block)
{
	struct iommufd_object *obj =
		iommufd_object_lookup(call->ctx, cmd->src_ioas_id, IOMMUFD_OBJ_IOAS);
	uint64_t last;
	int rc;

	if (!obj)
		return -ENOENT;
	if (!cmd->length)
		rc = -EINVAL;
	else if (!base_range_last(cmd->src_iova, cmd->length, &last))
		rc = -EOVERFLOW;
	else
		rc = iopt_copy(&base_container_of(obj, struct iommufd_ioas, obj)->iopt,
			       cmd->src_iova, last, block);
	/* The source may be destroyed from here on (9.6). */
	iommufd_object_put(&call->ctx->objects, obj);
	return rc;
}

int iommufd_ioas_copy(struct iommufd_call *call, struct iommu_ioas_copy *cmd)
{
	uint32_t prot = iommufd_map_prot(cmd->flags);
	uint64_t iova = cmd->dst_iova;
	struct iommufd_ioas *ioas;
	struct iopt_block block;
	int rc;

	if (call->ctx->options.test_abi)
		iommufd_selftest_copy(call, cmd);
	if (cmd->flags & ~IOMMUFD_MAP_FLAGS)
		return -EOPNOTSUPP;
	if (cmd->length == UINT64_MAX || cmd->src_iova == UINT64_MAX || iova == UINT64_MAX)
		return -EOVERFLOW;
	if (!prot)
		return -EINVAL;
	rc = copy_take(call, cmd, &block);
	if (rc)
		return rc;
	ioas = ioas_lookup(call, cmd->dst_ioas_id);
	if (!ioas) {
		iopt_block_free(&block);
		return -ENOENT;
	}
	rc = iopt_map_block(&ioas->iopt, &block, prot, cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
			    &iova);
	if (rc)
		return rc;
	cmd->dst_iova = iova;
	call->respond = true;
	return 0;
}

/* The range of an UNMAP (10.2, 10.3); *all: everything there is. */
static int unmap_range(const struct iommu_ioas_unmap *cmd, uint64_t *last, bool *all)
{
	*all = false;
	if (base_unlikely(cmd->iova == UINT64_MAX || cmd->length == UINT64_MAX)) {
		*all = cmd->iova == 0;
		*last = UINT64_MAX;
		return *all ? 0 : -EOVERFLOW;
	}
	if (!cmd->length)
		return -EINVAL;
	return base_range_last(cmd->iova, cmd->length, last) ? 0 : -EOVERFLOW;
}

int iommufd_ioas_unmap(struct iommufd_call *call, struct iommu_ioas_unmap *cmd)
{
	struct iommufd_ioas *ioas = ioas_lookup(call, cmd->ioas_id);
	uint64_t last, unmapped;
	bool all;
	int rc;

	if (!ioas)
		return -ENOENT;
	rc = unmap_range(cmd, &last, &all);
	if (!rc)
		rc = iopt_unmap(&ioas->iopt, cmd->iova, last, &unmapped);
	if (rc)
		return rc;
	if (!unmapped && !all)
		return -ENOENT;
	cmd->length = unmapped;
	call->respond = true;
	return 0;
}
