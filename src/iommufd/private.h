/* SPDX-License-Identifier: MIT */
/* Inside iommufd/: the context, the calls on it, and the objects' structs. */
#ifndef IOMMUFD_PRIVATE_H
#define IOMMUFD_PRIVATE_H

#include "iommufd/iommufd.h"
#include "iommufd/iopt.h"
#include "iommufd/object.h"

#include <errno.h>
#include <string.h>

struct iommufd_ctx {
	struct mem_file file;
	struct iommufd_options options;
	struct iommufd_objects objects;
	struct base_slab mappings;	    /* struct iopt_mapping, of all IOASes */
	struct base_mutex groups_lock;	    /* groups */
	struct base_list groups;	    /* struct iommufd_group */
	struct base_mutex ioas_lock;	    /* IOASes come, or many change at once */
	bool per_process;		    /* RLIMIT_MODE; changes only while there is no object */
	struct iommufd_object *compat_ioas; /* guarded by objects.lock; no reference */
	struct base_mutex mmaps_lock;	    /* mmaps */
	struct base_gaptree mmaps;	    /* struct iommufd_mmap, by offset in the file */
};

/*
 * A zeroed object of `size` bytes, which begin with struct iommufd_object, with
 * the lowest free id reserved. 0 and *obj; -ENOMEM; -EBUSY: no id is free. Inline,
 * because memset() is much faster if the size is known.
 */
static inline int iommufd_object_alloc(struct iommufd_ctx *ctx, size_t size,
				       enum iommufd_object_type type, struct iommufd_object **obj)
{
	struct iommufd_object *fresh = base_spare_take(&ctx->objects.spares[type]);

	if (!fresh)
		fresh = base_alloc(size);
	if (!fresh)
		return -ENOMEM;
	memset(fresh, 0, size);
	return iommufd_object_enter(ctx, fresh, type, obj);
}

/* ---- one ioctl in progress (call.c) ---- */

#define IOMMUFD_CALL_LOOKUPS 3

struct iommufd_call {
	struct iommufd_ctx *ctx;
	struct mem_client *client;
	uint64_t addr; /* of the client's struct */
	uint32_t size; /* of the client's struct, as far as we know it */
	bool respond;  /* copy the struct back, also if the handler fails */

	/*
	 * A new object, NULL if there is none: published once the struct is copied
	 * out, aborted on any failure. The other two count only with it.
	 */
	struct iommufd_object *created;
	/* The file of that object, likewise; no lock is held then. file NULL: it has none. */
	struct mem_new_file new_file;
	/* A lock to release after that; NULL: none. */
	struct base_mutex *held;
	/* Objects to put after that. */
	struct iommufd_object *lookups[IOMMUFD_CALL_LOOKUPS];
	unsigned lookup_count;
};

/* The call has made an object, and hands over the lock (or NULL) under which it was made. */
static inline void iommufd_call_create(struct iommufd_call *call, struct iommufd_object *obj,
				       struct base_mutex *held)
{
	call->created = obj;
	call->held = held;
	call->new_file.file = NULL;
}

/*
 * Does a lookup fail because a test wants it to (iommufd-test-abi.md 14)? A map
 * cannot afford to ask, so builds without checks never do.
 */
static inline bool iommufd_lookup_fails(const struct iommufd_ctx *ctx)
{
#ifdef SWIOMMU_CHECKS
	return ctx->options.test_abi && base_fail_here();
#else
	(void)ctx;
	return false;
#endif
}

/*
 * Find a live object of `type` (or any) and hold both counts of it for the
 * length of a call. NULL: no such object (the client sees ENOENT).
 */
static BASE_INLINE struct iommufd_object *iommufd_object_lookup(struct iommufd_ctx *ctx,
								uint32_t id,
								enum iommufd_object_type type)
{
	struct iommufd_object *obj;

	if (iommufd_lookup_fails(ctx))
		return NULL;
	base_scoped_lock(&ctx->objects.lock);
	obj = base_idtable_get(&ctx->objects.ids, id);
	if (!obj || (type != IOMMUFD_OBJ_ANY && obj->type != type) || !iommufd_object_try_hold(obj))
		return NULL;
	return obj;
}

/* The same, given back when the call ends. NULL: -ENOENT. */
static BASE_INLINE struct iommufd_object *iommufd_call_lookup(struct iommufd_call *call,
							      uint32_t id,
							      enum iommufd_object_type type)
{
	struct iommufd_object *obj = iommufd_object_lookup(call->ctx, id, type);

	base_assert(call->lookup_count < IOMMUFD_CALL_LOOKUPS);
	if (obj)
		call->lookups[call->lookup_count++] = obj;
	return obj;
}

/*
 * Give the file of the new object a number, which *fd tells. Takes the caller's
 * reference of the file in any case.
 */
int iommufd_call_new_file(struct iommufd_call *call, struct mem_file *file, uint32_t *fd);

/* ---- IOAS (ioas.c) ---- */

struct iommufd_ioas {
	struct iommufd_object obj;
	struct iopt iopt;
	struct base_mutex lock;	   /* hwpts, and domains that join or leave */
	struct base_list hwpts;	   /* struct iommufd_hwpt, in order of creation */
	struct iommufd_ioas *next; /* of those that change at once; guarded by ctx->ioas_lock */
};

/* The flags of all calls that map, and the rights that they ask for. */
#define IOMMUFD_MAP_FLAGS \
	(IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)

static inline uint32_t iommufd_map_prot(uint32_t flags)
{
	return (flags & IOMMU_IOAS_MAP_READABLE ? PGTABLE_READ : 0) |
	       (flags & IOMMU_IOAS_MAP_WRITEABLE ? PGTABLE_WRITE : 0);
}

int iommufd_ioas_alloc(struct iommufd_call *call, struct iommu_ioas_alloc *cmd);
int iommufd_ioas_iova_ranges(struct iommufd_call *call, struct iommu_ioas_iova_ranges *cmd);
int iommufd_ioas_allow_iovas(struct iommufd_call *call, struct iommu_ioas_allow_iovas *cmd);
int iommufd_ioas_map(struct iommufd_call *call, struct iommu_ioas_map *cmd);
int iommufd_ioas_unmap(struct iommufd_call *call, struct iommu_ioas_unmap *cmd);
int iommufd_ioas_copy(struct iommufd_call *call, struct iommu_ioas_copy *cmd);
int iommufd_ioas_map_file(struct iommufd_call *call, struct iommu_ioas_map_file *cmd);
int iommufd_ioas_change_process(struct iommufd_call *call, struct iommu_ioas_change_process *cmd);
void iommufd_ioas_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* MAP from step 5 on, for other ioctls. */
int iommufd_ioas_map_user(struct iommufd_ioas *ioas, const struct iopt_map_request *request,
			  uint64_t *iova);

/* ---- options, and the IOAS of the type1 container (option.c, compat.c) ---- */

int iommufd_option(struct iommufd_call *call, struct iommu_option *cmd);
int iommufd_vfio_ioas(struct iommufd_call *call, struct iommu_vfio_ioas *cmd);

/* The compat IOAS with both counts held, NULL if there is none. */
struct iommufd_ioas *iommufd_compat_ioas_get(struct iommufd_ctx *ctx);

/* An ioctl of a VFIO container (vfio-device-ioctls.md 13). Its result or a negative errno. */
long iommufd_compat_run(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
			uint64_t arg);

/* ---- page tables of the hardware (hwpt.c) ---- */

struct iommufd_hwpt {
	struct iommufd_object obj;
	struct iommu_domain *domain;
	bool pasid_compatible; /* allocated with ALLOC_PASID */
	bool automatic;	       /* made by an attach to its IOAS, goes with the last attachment */
	struct iommufd_fault *fault; /* where page requests go, or NULL */

	/* Paging. */
	struct iommufd_ioas *ioas; /* NULL: nested */
	struct base_list ioas_node;
	struct iopt_domain iopt_domain;
	bool joined; /* the IOAS fills the domain */

	/* Nested: what it was made from, one of the two. */
	struct iommufd_hwpt *parent;
	struct iommufd_viommu *viommu;
};

int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd);
void iommufd_hwpt_paging_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);
void iommufd_hwpt_paging_abort(struct iommufd_ctx *ctx, struct iommufd_object *obj);
void iommufd_hwpt_nested_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

int iommufd_hwpt_invalidate(struct iommufd_call *call, struct iommu_hwpt_invalidate *cmd);

/* A paging HWPT on `ioas` (its lock held) with an empty domain. Not published. */
int iommufd_hwpt_paging_new_locked(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas,
				   struct iommu_device *device, uint32_t flags,
				   const struct iommu_user_data *data, struct iommufd_hwpt **out);

/* Fill the domain with the mappings of the IOAS (its lock held) and keep it so. */
int iommufd_hwpt_join_locked(struct iommufd_hwpt *hwpt);

/* The paging HWPT at the bottom of any HWPT. */
struct iommufd_hwpt *iommufd_hwpt_paging_of(struct iommufd_hwpt *hwpt);

/* ---- dirty tracking of a HWPT (dirty.c) ---- */

int iommufd_hwpt_set_dirty(struct iommufd_call *call, struct iommu_hwpt_set_dirty_tracking *cmd);
int iommufd_hwpt_get_dirty(struct iommufd_call *call, struct iommu_hwpt_get_dirty_bitmap *cmd);

/* ---- devices and groups (device.c, attach.c) ---- */

/* The devices of one iommu group that are bound in one context. */
struct iommufd_group {
	struct iommu_group *group;
	struct base_list node;	      /* in ctx->groups */
	unsigned devices;	      /* guarded by ctx->groups_lock */
	struct base_mutex lock;	      /* everything below, and vdevices of the devices */
	struct base_list attachments; /* struct iommufd_attachment */
};

struct iommufd_device {
	struct iommufd_object obj;
	struct iommufd_ctx *ctx;
	struct iommu_device *device;
	bool owns_device; /* a mock's, which ends with this */
	struct iommufd_group *group;
	struct iommufd_vdevice *vdevice; /* guarded by group->lock */
	bool destroying;		 /* guarded by group->lock; never cleared */
};

/*
 * Bind and unbind as the outward functions do, but for a device that the context
 * itself unbinds before it ends: the binding does not hold the context's file (1.5).
 */
int iommufd_device_bind_weak(struct iommufd_ctx *ctx, struct iommu_device *device,
			     struct iommufd_device **idev, uint32_t *id);
int iommufd_device_unbind_weak(struct iommufd_device *idev);

/* Detach whatever the device has attached. False: that was nothing. */
bool iommufd_device_detach_all(struct iommufd_device *idev);

/* Has the device's group this HWPT at this PASID? NULL: has it none? */
bool iommufd_device_uses(struct iommufd_device *idev, uint32_t pasid,
			 const struct iommufd_hwpt *hwpt);

int iommufd_device_get_hw_info(struct iommufd_call *call, struct iommu_hw_info *cmd);
void iommufd_device_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);
void iommufd_device_pre_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* ---- accesses (access.c) ---- */

struct iommufd_access {
	struct iommufd_object obj;
	struct iommufd_ctx *ctx;
	const struct iommufd_access_ops *ops;
	void *data;
	struct iopt_access link;

	/* Not held while the driver's unmap() runs. Both are the same but for changes. */
	struct base_mutex lock;
	struct iommufd_ioas *ioas;	  /* for new pins and copies */
	struct iommufd_ioas *ioas_pinned; /* where pins are */
	uint32_t link_id;		  /* in the second */
};

/*
 * An access of our own, that pins in `ioas`: it does not hold the context, and nobody is
 * asked to unpin. -ENOMEM, -EBUSY, -EADDRINUSE.
 */
int iommufd_access_new_internal(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas,
				struct iommufd_access **out);
void iommufd_access_free_internal(struct iommufd_access *access);

void iommufd_access_object_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* ---- queues with files (queue.c, fault.c, veventq.c) ---- */

struct iommufd_queue {
	struct mem_file file; /* its memory is the object's, also when it is closed */
	struct base_mutex lock;
	struct iommufd_ctx *ctx;
	struct iommufd_object *obj;
};

int iommufd_fault_alloc(struct iommufd_call *call, struct iommu_fault_alloc *cmd);
void iommufd_fault_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);
int iommufd_veventq_alloc(struct iommufd_call *call, struct iommu_veventq_alloc *cmd);
void iommufd_veventq_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

/* ---- what can be mapped (mmap.c) ---- */

/* Memory of a vIOMMU's driver. */
struct iommufd_mmap {
	struct mem_region region;
	struct base_gapnode node; /* offsets */
	struct base_list viommu_node;
	struct iommufd_viommu *viommu;
};

/* The member mmaps.add of a vIOMMU. */
int iommufd_mmap_add(struct iommu_mmaps *mmaps, int fd, uint64_t length, uint64_t *offset);

/* The vIOMMU ends: nobody has it mapped. */
void iommufd_mmap_remove_all(struct iommufd_viommu *viommu);

/* Member of struct mem_file_ops, of a context (iommufd-ioctls.md 25). */
int iommufd_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		 struct mem_region **region);

/* ---- vIOMMUs, vdevices, hardware queues (viommu.c, vdevice.c, hw_queue.c) ---- */

struct iommufd_viommu {
	struct iommufd_object obj;
	struct iommufd_ctx *ctx;
	struct iommu_mmaps mmaps;
	struct base_list mmap_list; /* struct iommufd_mmap; changes only at its begin and end */
	struct iommu_viommu *viommu;
	struct iommufd_hwpt *hwpt; /* the nesting parent */
};

struct iommufd_hw_queue {
	struct iommufd_object obj;
	struct iommufd_ctx *ctx;
	struct iommufd_viommu *viommu;
	struct iommufd_access *access; /* NULL until it is there */
	struct iommu_hw_queue queue;
	uint64_t iova, length;
	struct iopt_locked locked;
	bool pinned, running;
};

struct iommufd_vdevice {
	struct iommufd_object obj;
	struct iommu_vdevice vdevice;
	struct iommufd_device *idev;
	struct iommufd_viommu *viommu; /* NULL until the virtual id is reserved */
};

int iommufd_viommu_alloc(struct iommufd_call *call, struct iommu_viommu_alloc *cmd);
void iommufd_viommu_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);
int iommufd_vdevice_alloc(struct iommufd_call *call, struct iommu_vdevice_alloc *cmd);
void iommufd_vdevice_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);
void iommufd_vdevice_abort(struct iommufd_ctx *ctx, struct iommufd_object *obj);
int iommufd_hw_queue_alloc(struct iommufd_call *call, struct iommu_hw_queue_alloc *cmd);
void iommufd_hw_queue_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj);

#endif
