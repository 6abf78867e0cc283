// SPDX-License-Identifier: MIT
/* IOAS_MAP_FILE and IOAS_CHANGE_PROCESS (iommufd-ioctls.md 8, 13). */
#include "iommufd/private.h"

#include <errno.h>

/* ---- MAP_FILE ---- */

/* A file that is none of ours. */
static int block_of_file(const struct iopt *iopt, const struct iopt_map_request *request, int fd,
			 bool ours, struct iopt_block *block)
{
	int own = request->client->ops->fd_get(request->client, fd);

	/* Files of ours are no memory. That is found out by those who need it (8.7). */
	if (own < 0 && !ours)
		return own;
	if (request->length > SIZE_MAX - BASE_PAGE_SIZE) {
		base_sys_close(own);
		return -EINVAL;
	}
	return iopt_block_file(iopt, request, own, block);
}

static int block_make(const struct iopt *iopt, const struct iopt_map_request *request, int fd,
		      struct iopt_block *block)
{
	struct mem_dmabuf *dmabuf;
	struct mem_file *file;
	int rc;

	if (request->client->ops->file_get(request->client, fd, &file))
		return block_of_file(iopt, request, fd, false, block);
	dmabuf = mem_dmabuf_of(file);
	rc = dmabuf ? iopt_block_dmabuf(iopt, request, dmabuf, block)
		    : block_of_file(iopt, request, fd, true, block);
	mem_file_put(file);
	return rc;
}

static int check_file_range(uint64_t start, uint64_t length)
{
	uint64_t last;

	if (!length)
		return -EINVAL;
	return base_range_last(start, length, &last) ? 0 : -EOVERFLOW;
}

int iommufd_ioas_map_file(struct iommufd_call *call, struct iommu_ioas_map_file *cmd)
{
	const struct iopt_map_request request = {
		.client = call->client,
		.addr = cmd->start,
		.length = cmd->length,
		.prot = iommufd_map_prot(cmd->flags),
		.account = mem_client_account_mode(call->client, call->ctx->per_process),
		.fixed = cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
	};
	struct iommufd_object *obj;
	struct iopt_block block;
	struct iopt *iopt;
	uint64_t iova = cmd->iova;
	int rc;

	if (cmd->flags & ~IOMMUFD_MAP_FLAGS)
		return -EOPNOTSUPP;
	if (cmd->iova == UINT64_MAX || cmd->length == UINT64_MAX)
		return -EOVERFLOW;
	if (!request.prot)
		return -EINVAL;
	obj = iommufd_call_lookup(call, cmd->ioas_id, IOMMUFD_OBJ_IOAS);
	if (!obj)
		return -ENOENT;
	iopt = &base_container_of(obj, struct iommufd_ioas, obj)->iopt;
	rc = check_file_range(cmd->start, cmd->length);
	if (!rc)
		rc = block_make(iopt, &request, cmd->fd, &block);
	if (!rc)
		rc = iopt_map_block(iopt, &block, request.prot, request.fixed, &iova);
	if (rc)
		return rc;
	cmd->iova = iova;
	call->respond = true;
	return 0;
}

/* ---- CHANGE_PROCESS ---- */

/* All IOASes in the order of their ids, held. ctx->ioas_lock is held. */
static struct iommufd_ioas *ioases_get_locked(struct iommufd_ctx *ctx)
{
	struct iommufd_ioas *first = NULL, **end = &first;
	struct iommufd_object *obj;

	base_assert_held(&ctx->ioas_lock);
	base_scoped_lock(&ctx->objects.lock);
	for (uint32_t id = 0; (obj = base_idtable_next(&ctx->objects.ids, &id)); id++) {
		if (obj->type != IOMMUFD_OBJ_IOAS || !iommufd_object_try_hold(obj))
			continue;
		*end = base_container_of(obj, struct iommufd_ioas, obj);
		end = &(*end)->next;
	}
	*end = NULL;
	return first;
}

static void ioases_put_locked(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas)
{
	struct iommufd_ioas *next;

	base_assert_held(&ctx->ioas_lock);
	for (; ioas; ioas = next) {
		next = ioas->next;
		iommufd_object_put(&ctx->objects, &ioas->obj);
	}
}

/* All or nothing. */
static int owner_charge(const struct iopt_owner_change *change)
{
	int rc = mem_account_charge(change->client, MEM_ACCOUNT_USER,
				    change->pages[MEM_ACCOUNT_USER]);

	if (rc)
		return rc;
	rc = mem_account_charge(change->client, MEM_ACCOUNT_MM, change->pages[MEM_ACCOUNT_MM]);
	if (rc)
		mem_account_uncharge(change->client, MEM_ACCOUNT_USER,
				     change->pages[MEM_ACCOUNT_USER]);
	return rc;
}

/* The locks of all spaces are held. */
static int owner_change(const struct iommufd_ioas *first, struct mem_client *client)
{
	struct iopt_owner_change change = {.client = client};
	const struct iommufd_ioas *ioas;
	int rc = 0;

	for (ioas = first; ioas && !rc; ioas = ioas->next)
		rc = iopt_owner_check(&ioas->iopt);
	if (rc)
		return rc;
	for (ioas = first; ioas; ioas = ioas->next)
		iopt_owner_count(&ioas->iopt, &change);
	rc = owner_charge(&change);
	for (ioas = first; ioas && !rc; ioas = ioas->next)
		iopt_owner_set(&ioas->iopt, &change);
	return rc;
}

int iommufd_ioas_change_process(struct iommufd_call *call, struct iommu_ioas_change_process *cmd)
{
	struct iommufd_ctx *ctx = call->ctx;
	struct iommufd_ioas *first, *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	base_scoped_lock(&ctx->ioas_lock);
	first = ioases_get_locked(ctx);
	for (ioas = first; ioas; ioas = ioas->next)
		base_rwlock_wrlock_nested(&ioas->iopt.iova_lock);
	rc = owner_change(first, call->client);
	for (ioas = first; ioas; ioas = ioas->next)
		base_rwlock_wrunlock_nested(&ioas->iopt.iova_lock);
	ioases_put_locked(ctx, first);
	return rc;
}
