// SPDX-License-Identifier: MIT
/*
 * Accesses: memory by IOVA for devices that exist in software only, and for our own
 * needs. Made and destroyed by a driver; clients only see that an id is taken.
 */
#include "iommufd/private.h"

#include <errno.h>

static struct iommufd_access *access_of(struct iopt_access *link)
{
	return base_container_of(link, struct iommufd_access, link);
}

/* ---- the driver's unmap(): a short lookup, so that destroy waits for it ---- */

static bool access_hold(struct iopt_access *link)
{
	struct iommufd_access *access = access_of(link);

	return access->ops->unmap && iommufd_object_try_hold(&access->obj);
}

static void access_unmap(struct iopt_access *link, uint64_t start, uint64_t last)
{
	struct iommufd_access *access = access_of(link);

	access->ops->unmap(access->data, start, last);
	iommufd_object_put(&access->ctx->objects, &access->obj);
}

/* ---- its IOAS ---- */

/* In between the access has none, and pins can only be undone. */
static void leave_locked(struct iommufd_access *access)
{
	struct iommufd_ioas *ioas = access->ioas_pinned;

	base_assert_held(&access->lock);
	if (access->ops->unmap) {
		base_mutex_unlock(&access->lock);
		access->ops->unmap(access->data, 0, UINT64_MAX);
		base_mutex_lock(&access->lock);
	}
	iopt_remove_access(&ioas->iopt, &access->link, access->link_id);
	iommufd_object_unuse(&ioas->obj);
}

/* Move to an IOAS that the caller holds, or to none. */
static int move_locked(struct iommufd_access *access, struct iommufd_ioas *ioas)
{
	struct iommufd_ioas *old = access->ioas;
	uint32_t id;
	int rc;

	base_assert_held(&access->lock);
	if (old != access->ioas_pinned)
		return -EBUSY;
	if (ioas == old)
		return 0;
	if (ioas) {
		rc = iopt_add_access(&ioas->iopt, &access->link, &id);
		if (rc)
			return rc;
		iommufd_object_use(&ioas->obj);
	}
	access->ioas = NULL;
	if (old)
		leave_locked(access);
	access->ioas = access->ioas_pinned = ioas;
	access->link_id = ioas ? id : 0;
	return 0;
}

static int attach(struct iommufd_access *access, struct iommufd_ioas *ioas)
{
	base_scoped_lock(&access->lock);
	return access->ioas ? -EINVAL : move_locked(access, ioas);
}

static int replace(struct iommufd_access *access, struct iommufd_ioas *ioas)
{
	base_scoped_lock(&access->lock);
	return access->ioas_pinned ? move_locked(access, ioas) : -ENOENT;
}

static int move_to(struct iommufd_access *access, uint32_t ioas_id,
		   int (*move)(struct iommufd_access *access, struct iommufd_ioas *ioas))
{
	struct iommufd_object *obj = iommufd_object_lookup(access->ctx, ioas_id, IOMMUFD_OBJ_IOAS);
	int rc;

	if (!obj)
		return -ENOENT;
	rc = move(access, base_container_of(obj, struct iommufd_ioas, obj));
	iommufd_object_put(&access->ctx->objects, obj);
	return rc;
}

int iommufd_access_attach(struct iommufd_access *access, uint32_t ioas_id)
{
	return move_to(access, ioas_id, attach);
}

int iommufd_access_replace(struct iommufd_access *access, uint32_t ioas_id)
{
	return move_to(access, ioas_id, replace);
}

void iommufd_access_detach(struct iommufd_access *access)
{
	base_scoped_lock(&access->lock);
	move_locked(access, NULL);
}

/* ---- life ---- */

static int access_new(struct iommufd_ctx *ctx, const struct iommufd_access_ops *ops, void *data,
		      struct iommufd_access **out)
{
	struct iommufd_access *access;
	struct iommufd_object *obj;
	int rc = iommufd_object_alloc(ctx, sizeof(*access), IOMMUFD_OBJ_ACCESS, &obj);

	if (rc)
		return rc;
	access = base_container_of(obj, struct iommufd_access, obj);
	access->ctx = ctx;
	access->ops = ops;
	access->data = data;
	access->link = (struct iopt_access){
		.pins = ops->pins,
		.hold = access_hold,
		.unmap = access_unmap,
	};
	base_mutex_init(&access->lock, RANK_ACCESS);
	/* The driver's own user, beside the table's. */
	iommufd_object_use(obj);
	iommufd_object_publish(ctx, obj);
	*out = access;
	return 0;
}

int iommufd_access_create(struct iommufd_ctx *ctx, const struct iommufd_access_ops *ops, void *data,
			  struct iommufd_access **access)
{
	int rc = access_new(ctx, ops, data, access);

	if (!rc)
		mem_file_get(&ctx->file);
	return rc;
}

void iommufd_access_destroy(struct iommufd_access *access)
{
	struct iommufd_ctx *ctx = access->ctx;
	int rc = iommufd_object_destroy_driver(ctx, &access->obj, false);

	base_assert(!rc);
	/* The context may end here, so this is no part of the access's own end. */
	if (!rc)
		mem_file_put(&ctx->file);
}

void iommufd_access_object_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	(void)ctx;
	iommufd_access_detach(base_container_of(obj, struct iommufd_access, obj));
}

static const struct iommufd_access_ops internal_ops = {.pins = true};

int iommufd_access_new_internal(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas,
				struct iommufd_access **out)
{
	struct iommufd_access *access;
	int rc = access_new(ctx, &internal_ops, NULL, &access);

	if (rc)
		return rc;
	rc = attach(access, ioas);
	if (rc)
		iommufd_access_free_internal(access);
	else
		*out = access;
	return rc;
}

void iommufd_access_free_internal(struct iommufd_access *access)
{
	iommufd_object_destroy_driver(access->ctx, &access->obj, false);
}

/* ---- memory ---- */

static uint32_t prot_of(bool write)
{
	return write ? PGTABLE_WRITE : PGTABLE_READ;
}

/* Does it fail because a test wants it to (iommufd-test-abi.md 14)? */
static bool fails(const struct iommufd_access *access)
{
	return access->ctx->options.test_abi && base_fail_here();
}

/* Runs on their way to who wants to see them. */
struct show {
	const struct iommufd_access *access;
	iommufd_run_fn run;
	void *arg;
};

static int show_run(void *arg, uint64_t pa, uint64_t length)
{
	const struct show *show = arg;

	if (fails(show->access))
		return -EINVAL;
	return show->run ? show->run(show->arg, pa, length) : 0;
}

int iommufd_access_pin(struct iommufd_access *access, uint64_t iova, uint64_t length, bool write,
		       iommufd_run_fn run, void *arg)
{
	struct show show = {access, run, arg};
	uint64_t last;

	if (!length || !access->ops->pins)
		return -EINVAL;
	if (!base_range_last(iova, length, &last))
		return -EOVERFLOW;
	base_scoped_lock(&access->lock);
	if (!access->ioas)
		return -ENOENT;
	return iopt_pin(&access->ioas->iopt, iova, last, prot_of(write), show_run, &show);
}

void iommufd_access_unpin(struct iommufd_access *access, uint64_t iova, uint64_t length)
{
	base_scoped_lock(&access->lock);
	base_assert(access->ioas_pinned);
	iopt_unpin(&access->ioas_pinned->iopt, iova, iova + (length - 1));
}

int iommufd_access_rw(struct iommufd_access *access, uint64_t iova, void *data, uint64_t length,
		      bool write)
{
	uint64_t last;

	if (!length)
		return -EINVAL;
	if (!base_range_last(iova, length, &last))
		return -EOVERFLOW;
	base_scoped_lock(&access->lock);
	if (!access->ioas)
		return -ENOENT;
	if (fails(access))
		return -EINVAL;
	return iopt_copy_data(&access->ioas->iopt, iova, last, data, prot_of(write));
}
