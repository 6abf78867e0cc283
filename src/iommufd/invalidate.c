// SPDX-License-Identifier: MIT
/* HWPT_INVALIDATE (iommufd-ioctls.md 18): on to the driver, and always an answer. */
#include "iommufd/private.h"

#include <errno.h>

#define ENTRIES_MAX ((uint32_t)1 << 19)

static bool array_is_sane(const struct iommu_user_array *array)
{
	return !array->count || (array->addr && array->entry_len &&
				 array->entry_len <= BASE_PAGE_SIZE && array->count <= ENTRIES_MAX);
}

static int invalidate(struct iommufd_object *obj, const struct iommu_user_array *array,
		      uint32_t *done)
{
	switch (obj->type) {
	case IOMMUFD_OBJ_HWPT_NESTED:
		return iommu_domain_invalidate(
			base_container_of(obj, struct iommufd_hwpt, obj)->domain, array, done);
	case IOMMUFD_OBJ_VIOMMU:
		return iommu_viommu_invalidate(
			base_container_of(obj, struct iommufd_viommu, obj)->viommu, array, done);
	default: return -EINVAL;
	}
}

int iommufd_hwpt_invalidate(struct iommufd_call *call, struct iommu_hwpt_invalidate *cmd)
{
	struct iommu_user_array array = {
		.client = call->client,
		.addr = cmd->data_uptr,
		.type = cmd->data_type,
		.entry_len = cmd->entry_len,
		.count = cmd->entry_num,
	};
	struct iommufd_object *obj;

	/* From here on the client learns how many entries were done, whatever happens. */
	call->respond = true;
	cmd->entry_num = 0;
	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (!array_is_sane(&array))
		return -EINVAL;
	obj = iommufd_call_lookup(call, cmd->hwpt_id, IOMMUFD_OBJ_ANY);
	if (!obj)
		return -ENOENT;
	return invalidate(obj, &array, &cmd->entry_num);
}
