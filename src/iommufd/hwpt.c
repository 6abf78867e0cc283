// SPDX-License-Identifier: MIT
/* HWPTs: domains with an id, filled by an IOAS or nested on another. */
#include "iommufd/fault.h"

#include <errno.h>

#define PAGING_FLAGS                                                      \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | \
	 IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID)
#define NESTED_FLAGS (IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID)

static struct iommufd_hwpt *hwpt_of(struct iommufd_object *obj)
{
	return base_container_of(obj, struct iommufd_hwpt, obj);
}

struct iommufd_hwpt *iommufd_hwpt_paging_of(struct iommufd_hwpt *hwpt)
{
	if (hwpt->ioas)
		return hwpt;
	return hwpt->viommu ? hwpt->viommu->hwpt : hwpt->parent;
}

/* An object of `type` whose domain the caller is about to make. */
static int hwpt_new(struct iommufd_ctx *ctx, enum iommufd_object_type type, uint32_t flags,
		    struct iommufd_hwpt **out)
{
	struct iommufd_object *obj;
	int rc = iommufd_object_alloc(ctx, sizeof(**out), type, &obj);

	if (rc)
		return rc;
	*out = hwpt_of(obj);
	(*out)->pasid_compatible = flags & IOMMU_HWPT_ALLOC_PASID;
	return 0;
}

/* ---- where its page requests go ---- */

static int fault_link(struct iommufd_call *call, struct iommufd_hwpt *hwpt, uint32_t fault_id)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, fault_id, IOMMUFD_OBJ_FAULT);

	if (!obj)
		return -ENOENT;
	hwpt->fault = base_container_of(obj, struct iommufd_fault, obj);
	hwpt->domain->takes_faults = true;
	iommufd_object_use(obj);
	return 0;
}

static void fault_unlink(struct iommufd_hwpt *hwpt)
{
	if (hwpt->fault)
		iommufd_object_unuse(&hwpt->fault->obj);
}

/* ---- paging ---- */

int iommufd_hwpt_paging_new_locked(struct iommufd_ctx *ctx, struct iommufd_ioas *ioas,
				   struct iommu_device *device, uint32_t flags,
				   const struct iommu_user_data *data, struct iommufd_hwpt **out)
{
	struct iommufd_hwpt *hwpt;
	int rc;

	base_assert_held(&ioas->lock);
	if (flags & ~PAGING_FLAGS)
		return -EOPNOTSUPP;
	if ((flags & IOMMU_HWPT_FAULT_ID_VALID) && (flags & IOMMU_HWPT_ALLOC_NEST_PARENT))
		return -EOPNOTSUPP;
	rc = hwpt_new(ctx, IOMMUFD_OBJ_HWPT_PAGING, flags, &hwpt);
	if (rc)
		return rc;
	hwpt->ioas = ioas;
	iommufd_object_use(&ioas->obj);
	base_list_add_tail(&ioas->hwpts, &hwpt->ioas_node);
	rc = iommu_domain_alloc(device, flags & ~IOMMU_HWPT_FAULT_ID_VALID, data, &hwpt->domain);
	if (rc) {
		iommufd_object_abort(ctx, &hwpt->obj);
		return rc;
	}
	*out = hwpt;
	return 0;
}

int iommufd_hwpt_join_locked(struct iommufd_hwpt *hwpt)
{
	int rc;

	base_assert_held(&hwpt->ioas->lock);
	hwpt->iopt_domain.domain = hwpt->domain;
	rc = iopt_add_domain(&hwpt->ioas->iopt, &hwpt->iopt_domain);
	hwpt->joined = !rc;
	return rc;
}

void iommufd_hwpt_paging_abort(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_hwpt *hwpt = hwpt_of(obj);

	(void)ctx;
	base_assert_held(&hwpt->ioas->lock);
	base_list_remove(&hwpt->ioas_node);
	if (hwpt->joined)
		iopt_remove_domain(&hwpt->ioas->iopt, &hwpt->iopt_domain);
	if (hwpt->domain)
		iommu_domain_free(hwpt->domain);
	fault_unlink(hwpt);
	iommufd_object_unuse(&hwpt->ioas->obj);
}

void iommufd_hwpt_paging_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_ioas *ioas = hwpt_of(obj)->ioas;

	/* The lock is part of the IOAS, which must outlive its release (L14). */
	iommufd_object_use(&ioas->obj);
	base_mutex_lock(&ioas->lock);
	iommufd_hwpt_paging_abort(ctx, obj);
	base_mutex_unlock(&ioas->lock);
	iommufd_object_unuse(&ioas->obj);
}

/* Its lock is held until the call has published or undone the HWPT. */
static int alloc_on_ioas(struct iommufd_call *call, struct iommufd_ioas *ioas,
			 struct iommufd_device *idev, uint32_t flags,
			 const struct iommu_user_data *data, struct iommufd_hwpt **out)
{
	int rc;

	base_mutex_lock(&ioas->lock);
	rc = iommufd_hwpt_paging_new_locked(call->ctx, ioas, idev->device, flags, data, out);
	if (rc) {
		base_mutex_unlock(&ioas->lock);
		return rc;
	}
	iommufd_call_create(call, &(*out)->obj, &ioas->lock);
	return iommufd_hwpt_join_locked(*out);
}

/* ---- nested ---- */

void iommufd_hwpt_nested_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_hwpt *hwpt = hwpt_of(obj);

	(void)ctx;
	if (hwpt->domain)
		iommu_domain_free(hwpt->domain);
	fault_unlink(hwpt);
	iommufd_object_unuse(hwpt->viommu ? &hwpt->viommu->obj : &hwpt->parent->obj);
}

static int alloc_on_hwpt(struct iommufd_call *call, struct iommufd_hwpt *parent,
			 struct iommufd_device *idev, uint32_t flags,
			 const struct iommu_user_data *data, struct iommufd_hwpt **out)
{
	int rc;

	if ((flags & ~NESTED_FLAGS) || !data)
		return -EOPNOTSUPP;
	if (parent->automatic || !parent->domain->nest_parent ||
	    !iommu_device_accepts(idev->device, parent->domain))
		return -EINVAL;
	rc = hwpt_new(call->ctx, IOMMUFD_OBJ_HWPT_NESTED, flags, out);
	if (rc)
		return rc;
	(*out)->parent = parent;
	iommufd_object_use(&parent->obj);
	iommufd_call_create(call, &(*out)->obj, NULL);
	return iommu_domain_alloc_nested(idev->device, parent->domain,
					 flags & ~IOMMU_HWPT_FAULT_ID_VALID, data, &(*out)->domain);
}

static int alloc_on_viommu(struct iommufd_call *call, struct iommufd_viommu *viommu,
			   struct iommufd_device *idev, uint32_t flags,
			   const struct iommu_user_data *data, struct iommufd_hwpt **out)
{
	int rc;

	if (viommu->viommu->iommu != idev->device->iommu)
		return -EINVAL;
	if ((flags & ~NESTED_FLAGS) || !data)
		return -EOPNOTSUPP;
	rc = hwpt_new(call->ctx, IOMMUFD_OBJ_HWPT_NESTED, flags, out);
	if (rc)
		return rc;
	(*out)->viommu = viommu;
	iommufd_object_use(&viommu->obj);
	iommufd_call_create(call, &(*out)->obj, NULL);
	return iommu_viommu_domain_alloc(viommu->viommu, flags & ~IOMMU_HWPT_FAULT_ID_VALID, data,
					 &(*out)->domain);
}

/* ---- the ioctl ---- */

static int hwpt_alloc_on(struct iommufd_call *call, struct iommufd_object *pt,
			 struct iommufd_device *idev, uint32_t flags,
			 const struct iommu_user_data *data, struct iommufd_hwpt **out)
{
	switch (pt->type) {
	case IOMMUFD_OBJ_IOAS:
		return alloc_on_ioas(call, base_container_of(pt, struct iommufd_ioas, obj), idev,
				     flags, data, out);
	case IOMMUFD_OBJ_HWPT_PAGING:
		return alloc_on_hwpt(call, hwpt_of(pt), idev, flags, data, out);
	case IOMMUFD_OBJ_VIOMMU:
		return alloc_on_viommu(call, base_container_of(pt, struct iommufd_viommu, obj),
				       idev, flags, data, out);
	default: return -EINVAL;
	}
}

int iommufd_hwpt_alloc(struct iommufd_call *call, struct iommu_hwpt_alloc *cmd)
{
	struct iommu_user_data data = {
		.client = call->client,
		.addr = cmd->data_uptr,
		.type = cmd->data_type,
		.len = cmd->data_len,
	};
	struct iommufd_object *dev, *pt;
	struct iommufd_hwpt *hwpt;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if ((cmd->data_type == IOMMU_HWPT_DATA_NONE) != (cmd->data_len == 0))
		return -EINVAL;
	dev = iommufd_call_lookup(call, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (!dev)
		return -ENOENT;
	pt = iommufd_call_lookup(call, cmd->pt_id, IOMMUFD_OBJ_ANY);
	if (!pt)
		return -EINVAL;
	rc = hwpt_alloc_on(call, pt, base_container_of(dev, struct iommufd_device, obj), cmd->flags,
			   cmd->data_len ? &data : NULL, &hwpt);
	if (rc)
		return rc;
	if (cmd->flags & IOMMU_HWPT_FAULT_ID_VALID) {
		rc = fault_link(call, hwpt, cmd->fault_id);
		if (rc)
			return rc;
	}
	cmd->out_hwpt_id = hwpt->obj.id;
	call->respond = true;
	return 0;
}
