// SPDX-License-Identifier: MIT
/*
 * Attach, replace, detach (iommufd-objects.md 9, 10). A group has one HWPT per
 * PASID; the hardware is programmed by the first device, later ones join it.
 */
#include "iommufd/fault.h"

#include <errno.h>

/* What a group uses for one PASID (0: requests without one). */
struct iommufd_attachment {
	struct base_list node;
	uint32_t pasid;
	struct iommufd_hwpt *hwpt;
	struct base_list members; /* struct member */

	/* The one in use, and the one for the next replace: they must not be the same. */
	struct iommufd_fault_handle *handle;
	struct iommufd_fault_handle handles[2];
};

/* A device that has attached by itself. */
struct member {
	struct base_list node;
	struct iommufd_device *idev;
};

static struct iommufd_attachment *attachment_find_locked(struct iommufd_group *igroup,
							 uint32_t pasid)
{
	struct iommufd_attachment *a;

	base_assert_held(&igroup->lock);
	base_list_for_each (a, &igroup->attachments, node) {
		if (a->pasid == pasid)
			return a;
	}
	return NULL;
}

static struct member *member_find(struct iommufd_attachment *a, const struct iommufd_device *idev)
{
	struct member *m;

	if (a)
		base_list_for_each (m, &a->members, node) {
			if (m->idev == idev)
				return m;
		}
	return NULL;
}

/* ---- rules ---- */

/* PASIDs and the requester id get along only on HWPTs made for it (9.2.5b). */
static int check_pasid_locked(struct iommufd_group *igroup, uint32_t pasid,
			      const struct iommufd_hwpt *hwpt)
{
	struct iommufd_attachment *a;

	base_assert_held(&igroup->lock);
	if (hwpt->pasid_compatible && !pasid)
		return 0;
	if (pasid) {
		if (!hwpt->pasid_compatible)
			return -EINVAL;
		a = attachment_find_locked(igroup, 0);
		return a && !a->hwpt->pasid_compatible ? -EINVAL : 0;
	}
	base_list_for_each (a, &igroup->attachments, node) {
		if (a->pasid)
			return -EINVAL;
	}
	return 0;
}

/* Add the device's reserved ranges to the IOAS below a HWPT. On failure none is left. */
static int reserve_device(struct iommufd_device *idev, struct iommufd_hwpt *hwpt)
{
	struct iopt *iopt = &iommufd_hwpt_paging_of(hwpt)->ioas->iopt;
	const struct iommu_reserved *ranges;
	size_t count = iommu_device_reserved(idev->device, &ranges);

	/* A point where tests want failures (iommufd-test-abi.md 14). */
	if (idev->ctx->options.test_abi && base_fail_here())
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		int rc = iopt_reserve(iopt, ranges[i].start, ranges[i].last, idev);

		if (rc) {
			iopt_unreserve(iopt, idev);
			return rc;
		}
	}
	return 0;
}

static void unreserve_device(struct iommufd_device *idev, struct iommufd_hwpt *hwpt)
{
	iopt_unreserve(&iommufd_hwpt_paging_of(hwpt)->ioas->iopt, idev);
}

/* An attachment is over for one device: an automatic HWPT goes with the last one. */
static void hwpt_unuse(struct iommufd_ctx *ctx, struct iommufd_hwpt *hwpt)
{
	if (hwpt->automatic)
		iommufd_object_put_and_try_destroy(ctx, &hwpt->obj);
	else
		iommufd_object_unuse(&hwpt->obj);
}

/* ---- attach ---- */

/* The record for a PASID, made for the HWPT if there is none. */
static int attachment_get_locked(struct iommufd_group *igroup, uint32_t pasid,
				 struct iommufd_hwpt *hwpt, struct iommufd_attachment **out)
{
	struct iommufd_attachment *a = attachment_find_locked(igroup, pasid);

	if (!a) {
		a = base_zalloc(sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->pasid = pasid;
		a->hwpt = hwpt;
		a->handle = &a->handles[0];
		base_list_init(&a->members);
		base_list_init(&a->node);
	}
	*out = a;
	return 0;
}

/* Nothing but a record without members is freed here. */
static void attachment_drop_locked(struct iommufd_attachment *a)
{
	if (!base_list_is_empty(&a->members))
		return;
	base_list_remove(&a->node);
	base_free(a);
}

/* Program the hardware if this is the group's first device at this PASID. */
static int attach_hardware_locked(struct iommufd_device *idev, struct iommufd_attachment *a,
				  struct iommufd_hwpt *hwpt)
{
	struct iommufd_group *igroup = idev->group;
	int rc = 0;

	if (a->pasid == 0)
		rc = reserve_device(idev, hwpt);
	if (rc || !base_list_is_empty(&a->members))
		return rc;
	rc = check_pasid_locked(igroup, a->pasid, hwpt);
	if (!rc)
		rc = iommu_group_attach(igroup->group, a->pasid, hwpt->domain);
	if (rc && a->pasid == 0)
		unreserve_device(idev, hwpt);
	if (rc)
		return rc;
	iommufd_fault_handle_init(a->handle, idev, a->pasid, hwpt);
	iommu_handle_add(igroup->group, &a->handle->handle);
	return 0;
}

static int attach_locked(struct iommufd_device *idev, uint32_t pasid, struct iommufd_hwpt *hwpt)
{
	struct iommufd_group *igroup = idev->group;
	struct iommufd_attachment *a;
	struct member *m;
	int rc = attachment_get_locked(igroup, pasid, hwpt, &a);

	if (rc)
		return rc;
	if (member_find(a, idev))
		return -EBUSY;
	m = base_zalloc(sizeof(*m));
	rc = !m ? -ENOMEM : a->hwpt != hwpt ? -EINVAL : attach_hardware_locked(idev, a, hwpt);
	if (rc) {
		attachment_drop_locked(a);
		base_free(m);
		return rc;
	}
	if (base_list_is_empty(&a->members))
		base_list_add_tail(&igroup->attachments, &a->node);
	m->idev = idev;
	base_list_add_tail(&a->members, &m->node);
	iommufd_object_use(&hwpt->obj);
	iommufd_object_use(&idev->obj);
	return 0;
}

static int do_attach(struct iommufd_device *idev, uint32_t pasid, struct iommufd_hwpt *hwpt)
{
	base_scoped_lock(&idev->group->lock);
	return attach_locked(idev, pasid, hwpt);
}

/* ---- replace ---- */

/* The devices of an attachment change IOAS: reserve in the new one, all or nothing. */
static int reserve_members_locked(struct iommufd_attachment *a, struct iommufd_hwpt *hwpt)
{
	struct member *m, *undo;

	base_list_for_each (m, &a->members, node) {
		int rc = reserve_device(m->idev, hwpt);

		if (!rc)
			continue;
		base_list_for_each (undo, &a->members, node) {
			if (undo == m)
				return rc;
			unreserve_device(undo->idev, hwpt);
		}
	}
	return 0;
}

static void unreserve_members_locked(struct iommufd_attachment *a, struct iommufd_hwpt *hwpt)
{
	struct member *m;

	base_list_for_each (m, &a->members, node)
		unreserve_device(m->idev, hwpt);
}

static bool same_ioas(struct iommufd_hwpt *a, struct iommufd_hwpt *b)
{
	return iommufd_hwpt_paging_of(a)->ioas == iommufd_hwpt_paging_of(b)->ioas;
}

/* Faults of what is attached now go to its queue; those of before are over. */
static void replace_handle_locked(struct iommufd_device *idev, struct iommufd_attachment *a,
				  struct iommufd_hwpt *hwpt)
{
	struct iommufd_fault_handle *old = a->handle;

	a->handle = &a->handles[old == &a->handles[0]];
	iommufd_fault_handle_init(a->handle, idev, a->pasid, hwpt);
	iommu_handle_replace(idev->group->group, &old->handle, &a->handle->handle);
	iommufd_fault_handle_fini(old);
}

static int replace_hardware_locked(struct iommufd_group *igroup, struct iommufd_attachment *a,
				   struct iommufd_hwpt *hwpt)
{
	bool moves = a->pasid == 0 && !same_ioas(a->hwpt, hwpt);
	int rc = moves ? reserve_members_locked(a, hwpt) : 0;

	if (rc)
		return rc;
	rc = check_pasid_locked(igroup, a->pasid, hwpt);
	if (!rc)
		rc = iommu_group_replace(igroup->group, a->pasid, hwpt->domain);
	if (moves)
		unreserve_members_locked(a, rc ? hwpt : a->hwpt);
	return rc;
}

/* All devices of the attachment move; *moved is how many users the old HWPT loses. */
static int replace_locked(struct iommufd_device *idev, uint32_t pasid, struct iommufd_hwpt *hwpt,
			  struct iommufd_hwpt **old, unsigned *moved)
{
	struct iommufd_group *igroup = idev->group;
	struct iommufd_attachment *a = attachment_find_locked(igroup, pasid);
	struct member *m;
	int rc;

	*moved = 0;
	if (!member_find(a, idev))
		return -EINVAL;
	if (a->hwpt == hwpt)
		return 0;
	rc = replace_hardware_locked(igroup, a, hwpt);
	if (rc)
		return rc;
	replace_handle_locked(idev, a, hwpt);
	*old = a->hwpt;
	a->hwpt = hwpt;
	base_list_for_each (m, &a->members, node) {
		iommufd_object_use(&hwpt->obj);
		++*moved;
	}
	return 0;
}

/*
 * The old HWPT is given up by the outermost caller: its end takes the lock of
 * its IOAS, which may be the one that is held here.
 */
struct replaced {
	struct iommufd_hwpt *hwpt;
	unsigned users;
};

static int do_replace(struct iommufd_device *idev, uint32_t pasid, struct iommufd_hwpt *hwpt,
		      struct replaced *old)
{
	base_scoped_lock(&idev->group->lock);
	return replace_locked(idev, pasid, hwpt, &old->hwpt, &old->users);
}

/* ---- targets ---- */

/* One of two verbs on one target; the rest is the same for both. */
struct change {
	struct iommufd_device *idev;
	uint32_t pasid;
	bool replace;
	struct replaced old;
};

static int change_to(struct change *change, struct iommufd_hwpt *hwpt)
{
	if (change->replace)
		return do_replace(change->idev, change->pasid, hwpt, &change->old);
	return do_attach(change->idev, change->pasid, hwpt);
}

/* Try the automatic HWPTs of an IOAS; *id is set on success (10.1; L15). */
static int change_to_existing_locked(struct change *change, struct iommufd_ioas *ioas, uint32_t *id)
{
	struct iommufd_ctx *ctx = change->idev->ctx;
	struct iommufd_hwpt *hwpt;

	base_assert_held(&ioas->lock);
	base_list_for_each (hwpt, &ioas->hwpts, ioas_node) {
		int rc;

		if (!hwpt->automatic || !iommufd_object_try_hold(&hwpt->obj))
			continue;
		rc = change_to(change, hwpt);
		*id = hwpt->obj.id;
		iommufd_object_put(&ctx->objects, &hwpt->obj);
		if (rc != -EINVAL)
			return rc;
	}
	return -EINVAL;
}

/* Attach to the empty domain and then fill it; replace by a domain that is full (10.2). */
static int change_to_new_locked(struct change *change, struct iommufd_hwpt *hwpt)
{
	int rc;

	if (change->replace) {
		rc = iommufd_hwpt_join_locked(hwpt);
		return rc ? rc : change_to(change, hwpt);
	}
	rc = change_to(change, hwpt);
	if (rc)
		return rc;
	rc = iommufd_hwpt_join_locked(hwpt);
	if (rc)
		iommufd_device_detach(change->idev, change->pasid);
	return rc;
}

static int change_to_ioas(struct change *change, struct iommufd_ioas *ioas, uint32_t *id)
{
	struct iommufd_ctx *ctx = change->idev->ctx;
	struct iommufd_hwpt *hwpt;
	int rc;

	base_scoped_lock(&ioas->lock);
	rc = change_to_existing_locked(change, ioas, id);
	if (rc != -EINVAL)
		return rc;
	rc = iommufd_hwpt_paging_new_locked(ctx, ioas, change->idev->device, 0, NULL, &hwpt);
	if (rc)
		return rc;
	rc = change_to_new_locked(change, hwpt);
	if (rc) {
		iommufd_object_abort(ctx, &hwpt->obj);
		return rc;
	}
	hwpt->automatic = true;
	*id = hwpt->obj.id;
	iommufd_object_publish(ctx, &hwpt->obj);
	return 0;
}

static int change_to_object(struct change *change, struct iommufd_object *pt, uint32_t *id)
{
	switch (pt->type) {
	case IOMMUFD_OBJ_HWPT_PAGING:
	case IOMMUFD_OBJ_HWPT_NESTED:
		return change_to(change, base_container_of(pt, struct iommufd_hwpt, obj));
	case IOMMUFD_OBJ_IOAS:
		return change_to_ioas(change, base_container_of(pt, struct iommufd_ioas, obj), id);
	default: return -EINVAL;
	}
}

static int change_run(struct change *change, uint32_t *pt_id)
{
	struct iommufd_ctx *ctx = change->idev->ctx;
	struct iommufd_object *pt = iommufd_object_lookup(ctx, *pt_id, IOMMUFD_OBJ_ANY);
	int rc;

	if (!pt)
		return -ENOENT;
	rc = change_to_object(change, pt, pt_id);
	iommufd_object_put(&ctx->objects, pt);
	while (change->old.users--)
		hwpt_unuse(ctx, change->old.hwpt);
	return rc;
}

int iommufd_device_attach(struct iommufd_device *idev, uint32_t pasid, uint32_t *pt_id)
{
	struct change change = {.idev = idev, .pasid = pasid};

	return change_run(&change, pt_id);
}

int iommufd_device_replace(struct iommufd_device *idev, uint32_t pasid, uint32_t *pt_id)
{
	struct change change = {.idev = idev, .pasid = pasid, .replace = true};

	return change_run(&change, pt_id);
}

/* ---- detach ---- */

static struct iommufd_hwpt *detach_locked(struct iommufd_device *idev, uint32_t pasid)
{
	struct iommufd_group *igroup = idev->group;
	struct iommufd_attachment *a = attachment_find_locked(igroup, pasid);
	struct member *m = member_find(a, idev);
	struct iommufd_hwpt *hwpt;

	if (!m)
		return NULL;
	hwpt = a->hwpt;
	base_list_remove(&m->node);
	base_free(m);
	if (base_list_is_empty(&a->members)) {
		iommu_group_detach(igroup->group, pasid);
		iommu_handle_remove(igroup->group, &a->handle->handle);
		iommufd_fault_handle_fini(a->handle);
	}
	attachment_drop_locked(a);
	if (pasid == 0)
		unreserve_device(idev, hwpt);
	return hwpt;
}

void iommufd_device_detach(struct iommufd_device *idev, uint32_t pasid)
{
	struct iommufd_hwpt *hwpt;

	base_mutex_lock(&idev->group->lock);
	hwpt = detach_locked(idev, pasid);
	base_mutex_unlock(&idev->group->lock);
	if (!hwpt)
		return;
	hwpt_unuse(idev->ctx, hwpt);
	iommufd_object_unuse(&idev->obj);
}

/* A PASID at which the device is attached. False: there is none. */
static bool attached_pasid(struct iommufd_device *idev, uint32_t *pasid)
{
	struct iommufd_attachment *a;

	base_scoped_lock(&idev->group->lock);
	base_list_for_each (a, &idev->group->attachments, node) {
		*pasid = a->pasid;
		if (member_find(a, idev))
			return true;
	}
	return false;
}

bool iommufd_device_detach_all(struct iommufd_device *idev)
{
	bool any = false;
	uint32_t pasid;

	for (; attached_pasid(idev, &pasid); any = true)
		iommufd_device_detach(idev, pasid);
	return any;
}

bool iommufd_device_uses(struct iommufd_device *idev, uint32_t pasid,
			 const struct iommufd_hwpt *hwpt)
{
	struct iommufd_attachment *a;

	base_scoped_lock(&idev->group->lock);
	a = attachment_find_locked(idev->group, pasid);
	return (a ? a->hwpt : NULL) == hwpt;
}
