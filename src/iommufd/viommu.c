// SPDX-License-Identifier: MIT
/* vIOMMUs: a share of a hardware IOMMU on a nesting parent. */
#include "iommufd/private.h"

#include <errno.h>

static int viommu_init(struct iommufd_call *call, struct iommufd_viommu *viommu,
		       struct iommufd_device *idev, struct iommufd_hwpt *hwpt,
		       const struct iommu_viommu_alloc *cmd)
{
	struct iommu_user_data data = {
		.client = call->client,
		.addr = cmd->data_uptr,
		.type = cmd->type,
		.len = cmd->data_len,
	};

	viommu->ctx = call->ctx;
	viommu->mmaps.add = iommufd_mmap_add;
	base_list_init(&viommu->mmap_list);
	viommu->hwpt = hwpt;
	iommufd_object_use(&hwpt->obj);
	return iommu_viommu_alloc(idev->device, hwpt->domain, cmd->type,
				  cmd->data_len ? &data : NULL, &viommu->mmaps, &viommu->viommu);
}

int iommufd_viommu_alloc(struct iommufd_call *call, struct iommu_viommu_alloc *cmd)
{
	struct iommufd_object *dev, *pt, *obj;
	struct iommufd_device *idev;
	struct iommufd_hwpt *hwpt;
	int rc;

	if (cmd->flags || cmd->type == IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	dev = iommufd_call_lookup(call, cmd->dev_id, IOMMUFD_OBJ_DEVICE);
	if (!dev)
		return -ENOENT;
	idev = base_container_of(dev, struct iommufd_device, obj);
	if (!iommu_viommu_is_supported(idev->device, cmd->type))
		return -EOPNOTSUPP;
	pt = iommufd_call_lookup(call, cmd->hwpt_id, IOMMUFD_OBJ_HWPT_PAGING);
	if (!pt)
		return -ENOENT;
	hwpt = base_container_of(pt, struct iommufd_hwpt, obj);
	if (!hwpt->domain->nest_parent)
		return -EINVAL;
	rc = iommufd_object_alloc(call->ctx, sizeof(struct iommufd_viommu), IOMMUFD_OBJ_VIOMMU,
				  &obj);
	if (rc)
		return rc;
	iommufd_call_create(call, obj, NULL);
	rc = viommu_init(call, base_container_of(obj, struct iommufd_viommu, obj), idev, hwpt, cmd);
	if (rc)
		return rc;
	cmd->out_viommu_id = obj->id;
	call->respond = true;
	return 0;
}

void iommufd_viommu_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_viommu *viommu = base_container_of(obj, struct iommufd_viommu, obj);

	(void)ctx;
	iommufd_mmap_remove_all(viommu);
	if (viommu->viommu)
		iommu_viommu_free(viommu->viommu);
	iommufd_object_unuse(&viommu->hwpt->obj);
}
