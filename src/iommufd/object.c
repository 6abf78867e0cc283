// SPDX-License-Identifier: MIT
/* The object table: ids, the two counts, and the ways an object ends. */
#include "iommufd/selftest.h"

#include <errno.h>

#define FIRST_ID	1
#define LAST_ID		0x7fffffffu
#define DESTROY_WAIT_MS 60000

static const struct iommufd_object_ops object_ops[IOMMUFD_OBJ_TYPES] = {
	[IOMMUFD_OBJ_IOAS] = {.name = "ioas", .destroy = iommufd_ioas_destroy},
	[IOMMUFD_OBJ_HWPT_PAGING] = {.name = "hwpt",
				     .destroy = iommufd_hwpt_paging_destroy,
				     .abort = iommufd_hwpt_paging_abort},
	[IOMMUFD_OBJ_HWPT_NESTED] = {.name = "nested hwpt", .destroy = iommufd_hwpt_nested_destroy},
	[IOMMUFD_OBJ_DEVICE] = {.name = "device",
				.destroy = iommufd_device_destroy,
				.pre_destroy = iommufd_device_pre_destroy},
	[IOMMUFD_OBJ_ACCESS] = {.name = "access", .destroy = iommufd_access_object_destroy},
	[IOMMUFD_OBJ_FAULT] = {.name = "fault queue", .destroy = iommufd_fault_destroy},
	[IOMMUFD_OBJ_VIOMMU] = {.name = "viommu", .destroy = iommufd_viommu_destroy},
	[IOMMUFD_OBJ_VDEVICE] = {.name = "vdevice",
				 .destroy = iommufd_vdevice_destroy,
				 .abort = iommufd_vdevice_abort},
	[IOMMUFD_OBJ_VEVENTQ] = {.name = "event queue", .destroy = iommufd_veventq_destroy},
	[IOMMUFD_OBJ_HW_QUEUE] = {.name = "hw queue", .destroy = iommufd_hw_queue_destroy},
	[IOMMUFD_OBJ_SELFTEST] = {.name = "mock device", .destroy = iommufd_selftest_destroy},
};

void iommufd_objects_init(struct iommufd_objects *objects)
{
	base_mutex_init(&objects->lock, RANK_OBJECTS);
	base_idtable_init(&objects->ids, FIRST_ID, LAST_ID);
	base_waitq_init(&objects->drained);
}

static inline void object_free(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	base_spare_put(&ctx->objects.spares[obj->type], obj);
}

int iommufd_object_enter(struct iommufd_ctx *ctx, struct iommufd_object *obj,
			 enum iommufd_object_type type, struct iommufd_object **out)
{
	int rc;

	obj->counts = IOMMUFD_USER + IOMMUFD_WAITER;
	obj->type = type;
	base_mutex_lock(&ctx->objects.lock);
	rc = base_idtable_reserve(&ctx->objects.ids, &obj->id);
	base_mutex_unlock(&ctx->objects.lock);
	if (rc)
		object_free(ctx, obj);
	else
		*out = obj;
	return rc;
}

void iommufd_object_publish(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	base_trace("iommufd: new %s %u", object_ops[obj->type].name, obj->id);
	base_scoped_lock(&ctx->objects.lock);
	base_idtable_set(&ctx->objects.ids, obj->id, obj);
}

void iommufd_object_abort(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	const struct iommufd_object_ops *ops = &object_ops[obj->type];

	(ops->abort ? ops->abort : ops->destroy)(ctx, obj);
	base_mutex_lock(&ctx->objects.lock);
	base_idtable_release(&ctx->objects.ids, obj->id);
	base_mutex_unlock(&ctx->objects.lock);
	object_free(ctx, obj);
}

static bool has_users(const struct iommufd_object *obj)
{
	return iommufd_object_users(obj) > 0;
}

bool iommufd_object_try_user(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	base_scoped_lock(&ctx->objects.lock);

	/* The last user goes only together with the slot, under this lock. */
	if (base_idtable_get(&ctx->objects.ids, obj->id) != obj || !has_users(obj))
		return false;
	iommufd_object_use(obj);
	return true;
}

static bool is_drained(void *arg)
{
	struct iommufd_object *obj = arg;

	return iommufd_object_waiters(obj) == 0;
}

/* Take the table's share of `waiters` away. True if it was the last. */
static bool drop_table_waiter(struct iommufd_object *obj)
{
	return !(uint32_t)base_sub(&obj->counts, IOMMUFD_WAITER);
}

/* The table as the only user becomes none, its waiter with it; else false and no change (L4). */
static bool drop_last_user(struct iommufd_object *obj)
{
	uint64_t counts = base_load_relaxed(&obj->counts);

	while (counts >> 32 == 1)
		if (base_cas(&obj->counts, &counts, 0))
			return true;
	return false;
}

/* Give up the table's share of `waiters` and wait for the rest. 0 or -ETIMEDOUT. */
static int object_drain(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	if (drop_table_waiter(obj))
		return 0;
	if (object_ops[obj->type].pre_destroy)
		object_ops[obj->type].pre_destroy(ctx, obj);
	return base_waitq_wait(&ctx->objects.drained, is_drained, obj, DESTROY_WAIT_MS);
}

/* The object is out of the table and nobody looks at it. */
static inline void object_end(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	base_trace("iommufd: end of %s %u", object_ops[obj->type].name, obj->id);
	object_ops[obj->type].destroy(ctx, obj);
	object_free(ctx, obj);
}

/*
 * Take the last user away and the object out of the table, or -EBUSY. Every
 * waiter but the table's is a user, too, so nobody looks at the object then (L2, L4).
 */
static inline int object_remove_locked(struct iommufd_ctx *ctx, struct iommufd_object *obj,
				       bool tombstone)
{
	base_assert_held(&ctx->objects.lock);
	if (!drop_last_user(obj))
		return -EBUSY;
	if (tombstone)
		base_idtable_set(&ctx->objects.ids, obj->id, NULL);
	else
		base_idtable_release(&ctx->objects.ids, obj->id);
	if (ctx->compat_ioas == obj)
		ctx->compat_ioas = NULL;
	return 0;
}

static bool is_held_by_driver(const struct iommufd_ctx *ctx, const struct iommufd_object *obj)
{
	return obj->type == IOMMUFD_OBJ_VDEVICE && ctx->options.vdevice_destroy_unbound;
}

int iommufd_object_destroy_user(struct iommufd_ctx *ctx, uint32_t id)
{
	struct iommufd_object *obj;
	int rc;

	{
		base_scoped_lock(&ctx->objects.lock);
		obj = base_idtable_get(&ctx->objects.ids, id);
		if (!obj)
			return -ENOENT;
		if (is_held_by_driver(ctx, obj))
			return -EBUSY;
		rc = object_remove_locked(ctx, obj, false);
	}
	if (!rc)
		object_end(ctx, obj);
	return rc;
}

/* The object cannot be drained or has a user too many: leave it to the end of the context. */
static void object_give_up(struct iommufd_object *obj, const char *why)
{
	base_trace("iommufd: %s %u: %s", object_ops[obj->type].name, obj->id, why);
	base_add(&obj->counts, IOMMUFD_WAITER);
}

int iommufd_object_destroy_driver(struct iommufd_ctx *ctx, struct iommufd_object *obj,
				  bool tombstone)
{
	int rc = object_drain(ctx, obj);

	if (rc) {
		object_give_up(obj, "still in use after 60 s, not destroyed");
		iommufd_object_unuse(obj);
		return rc;
	}
	base_mutex_lock(&ctx->objects.lock);
	iommufd_object_unuse(obj);
	rc = object_remove_locked(ctx, obj, tombstone);
	if (rc)
		object_give_up(obj, "has users left, not destroyed");
	base_mutex_unlock(&ctx->objects.lock);
	if (!rc)
		object_end(ctx, obj);
	return rc;
}

void iommufd_object_put_and_try_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	bool last;

	{
		base_scoped_lock(&ctx->objects.lock);
		iommufd_object_unuse(obj);
		last = !object_remove_locked(ctx, obj, false);
	}
	if (last)
		object_end(ctx, obj);
}

/* One walk in ascending order over what nobody else uses. Returns objects that remain. */
static size_t destroy_leaves(struct iommufd_ctx *ctx, bool *progress)
{
	struct base_idtable *ids = &ctx->objects.ids;
	struct iommufd_object *obj;
	size_t remain = 0;

	for (uint32_t id = 0; (obj = base_idtable_next(ids, &id)); id++) {
		base_mutex_lock(&ctx->objects.lock);
		bool leaf = !object_remove_locked(ctx, obj, false);
		base_mutex_unlock(&ctx->objects.lock);

		if (leaf)
			object_end(ctx, obj);
		*progress |= leaf;
		remain += !leaf;
	}
	return remain;
}

void iommufd_objects_fini(struct iommufd_ctx *ctx)
{
	bool progress = true;

	while (progress) {
		progress = false;
		if (!destroy_leaves(ctx, &progress))
			break;
		if (!progress)
			progress = iommufd_selftest_detach_all(ctx);
	}
	base_idtable_fini(&ctx->objects.ids);
	for (unsigned type = 0; type < IOMMUFD_OBJ_TYPES; type++)
		base_spare_fini(&ctx->objects.spares[type]);
}
