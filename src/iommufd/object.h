/* SPDX-License-Identifier: MIT */
/*
 * Inside iommufd/: the object model (iommufd-objects.md 2-6).
 *
 * Every object has an id and two counts. `users`: the table, whoever depends on
 * the object, and each call that uses it; a client may destroy it only at 1.
 * `waiters`: the table, each short lookup, and a vdevice for its device; a
 * driver's destroy waits for 0. Whoever counts as a waiter counts as a user, so
 * without users there are no waiters.
 *
 * doc/lifetimes.md has the rules by number: L1, L2, ...
 *
 * Life: alloc (id reserved, nobody sees it) -> fill -> publish or abort. After
 * publication nothing fails.
 */
#ifndef IOMMUFD_OBJECT_H
#define IOMMUFD_OBJECT_H

#include "base/base.h"

struct iommufd_ctx;

enum iommufd_object_type {
	IOMMUFD_OBJ_ANY,
	IOMMUFD_OBJ_IOAS,
	IOMMUFD_OBJ_HWPT_PAGING,
	IOMMUFD_OBJ_HWPT_NESTED,
	IOMMUFD_OBJ_DEVICE,
	IOMMUFD_OBJ_ACCESS,
	IOMMUFD_OBJ_FAULT,
	IOMMUFD_OBJ_VIOMMU,
	IOMMUFD_OBJ_VDEVICE,
	IOMMUFD_OBJ_VEVENTQ,
	IOMMUFD_OBJ_HW_QUEUE,
	IOMMUFD_OBJ_SELFTEST,
	IOMMUFD_OBJ_TYPES,
};

struct iommufd_object {
	uint64_t counts; /* waiters in the low half, users in the high one: changed together */
	uint32_t id;
	enum iommufd_object_type type;
};

#define IOMMUFD_WAITER ((uint64_t)1)
#define IOMMUFD_USER   ((uint64_t)1 << 32)

static inline uint32_t iommufd_object_waiters(const struct iommufd_object *obj)
{
	return (uint32_t)base_load(&obj->counts);
}

static inline uint32_t iommufd_object_users(const struct iommufd_object *obj)
{
	return base_load(&obj->counts) >> 32;
}

/* Depend on an object that the caller holds, or no longer. Never the last user. */
static inline void iommufd_object_use(struct iommufd_object *obj)
{
	base_add(&obj->counts, IOMMUFD_USER);
}

static inline void iommufd_object_unuse(struct iommufd_object *obj)
{
	base_sub(&obj->counts, IOMMUFD_USER);
}

/* How objects of one type end. */
struct iommufd_object_ops {
	const char *name; /* for logs */

	/* Undo everything but the id and the memory. Never fails. */
	void (*destroy)(struct iommufd_ctx *ctx, struct iommufd_object *obj);

	/* The same for an object that was never published, under the creator's lock. NULL: destroy.
	 */
	void (*abort)(struct iommufd_ctx *ctx, struct iommufd_object *obj);

	/* A driver's destroy is about to wait: release what else would keep `waiters` up. */
	void (*pre_destroy)(struct iommufd_ctx *ctx, struct iommufd_object *obj);
};

/* The table of one context. */
struct iommufd_objects {
	struct base_mutex lock; /* ids, slots; innermost */
	struct base_idtable ids;
	struct base_waitq drained; /* some object's waiters reached 0 */
	struct base_spare spares[IOMMUFD_OBJ_TYPES];
};

void iommufd_objects_init(struct iommufd_objects *objects);

/*
 * Destroy everything, dependents first, when nobody can reach the context any
 * more (6.4), and free the table.
 */
void iommufd_objects_fini(struct iommufd_ctx *ctx);

/*
 * The second half of iommufd_object_alloc(): a zeroed object gets the lowest free
 * id. Frees it on failure.
 */
int iommufd_object_enter(struct iommufd_ctx *ctx, struct iommufd_object *obj,
			 enum iommufd_object_type type, struct iommufd_object **out);

/* From now on lookups find it. */
void iommufd_object_publish(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* Undo an object that was not published; its id is free again. */
void iommufd_object_abort(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* Hold both counts of an object that the caller holds already. */
static inline void iommufd_object_hold(struct iommufd_object *obj)
{
	base_add(&obj->counts, IOMMUFD_USER + IOMMUFD_WAITER);
}

/* Both counts unless there is no waiter, not even the table: the object is on its way out. */
static inline bool iommufd_object_try_hold(struct iommufd_object *obj)
{
	uint64_t counts = base_load_relaxed(&obj->counts);

	while ((uint32_t)counts)
		if (base_cas(&obj->counts, &counts, counts + IOMMUFD_USER + IOMMUFD_WAITER))
			return true;
	return false;
}

/* Give back what lookup or hold took. Nothing of the object is touched after that (L7). */
static inline void iommufd_object_put(struct iommufd_objects *objects, struct iommufd_object *obj)
{
	if (base_unlikely(!(uint32_t)base_sub(&obj->counts, IOMMUFD_USER + IOMMUFD_WAITER)))
		base_waitq_wake(&objects->drained);
}

/* One more user, if the table still has exactly this object (12.4.2b). */
bool iommufd_object_try_user(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* IOMMU_DESTROY (6.1). 0, -ENOENT, -EBUSY. */
int iommufd_object_destroy_user(struct iommufd_ctx *ctx, uint32_t id);

/*
 * A driver destroys what it owns (6.2); the caller's user count goes with it.
 * Waits for calls in flight. With `tombstone` the id is retired for good. If it
 * cannot be done (-ETIMEDOUT; -EBUSY: it has users left, a mistake of the driver)
 * the object stays until the context ends.
 */
int iommufd_object_destroy_driver(struct iommufd_ctx *ctx, struct iommufd_object *obj,
				  bool tombstone);

/* Drop one user and destroy the object if nobody else uses it (6.3). */
void iommufd_object_put_and_try_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

#endif
