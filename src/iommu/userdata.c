// SPDX-License-Identifier: MIT
/* Length rules for driver data. */
#include "iommu/userdata.h"

#include <errno.h>
#include <string.h>

int iommu_user_data_in(const struct iommu_user_data *data, uint32_t type, void *dst, size_t known,
		       size_t min)
{
	if (data->type != type || data->len < min || data->len > known)
		return -EINVAL;
	memset((uint8_t *)dst + data->len, 0, known - data->len);
	return mem_copy_in(data->client, dst, data->addr, data->len);
}

int iommu_user_array_entry(const struct iommu_user_array *array, uint32_t type, uint32_t index,
			   void *dst, size_t known, size_t min)
{
	struct iommu_user_data entry = {
		.client = array->client,
		.addr = array->addr + (uint64_t)index * array->entry_len,
		.type = array->type,
		.len = array->entry_len,
	};

	return iommu_user_data_in(&entry, type, dst, known, min);
}

int iommu_user_array_in(const struct iommu_user_array *array, uint32_t type, void *dst,
			size_t known)
{
	int rc = 0;

	if (array->type != type || !array->count)
		return -EINVAL;
	if (array->entry_len == known)
		return mem_copy_in(array->client, dst, array->addr, array->count * known);
	for (uint32_t i = 0; i < array->count && !rc; i++)
		rc = mem_copy_in_struct(array->client, (uint8_t *)dst + i * known, known,
					array->addr + (uint64_t)i * array->entry_len,
					array->entry_len);
	return rc;
}
