// SPDX-License-Identifier: MIT
/* The mock's caches: words without a meaning, which invalidation clears (6.3, 8.4). */
#include "iommu/mock/mock.h"

#include <errno.h>

/* One word, or all of them. Others may be looking. */
static void clear(uint32_t *words, uint32_t count, uint32_t index, uint32_t flags)
{
	bool all = flags & IOMMU_TEST_INVALIDATE_FLAG_ALL;

	for (uint32_t i = 0; i < count; i++)
		if (all || i == index)
			base_store_relaxed(&words[i], 0);
}

static int nested_entry(struct mock_nested *nested, const struct iommu_user_array *array,
			uint32_t index)
{
	struct iommu_hwpt_invalidate_selftest inv;
	int rc = iommu_user_array_entry(array, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, index, &inv,
					sizeof(inv), sizeof(inv));

	if (rc)
		return rc;
	if (inv.flags & ~(uint32_t)IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv.iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	clear(nested->iotlb, MOCK_NESTED_DOMAIN_IOTLB_NUM, inv.iotlb_id, inv.flags);
	return 0;
}

int mock_nested_invalidate(struct iommu_domain *domain, const struct iommu_user_array *array,
			   uint32_t *done)
{
	struct mock_nested *nested = base_container_of(domain, struct mock_nested, domain);
	int rc = 0;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_SELFTEST)
		return -EINVAL;
	while (*done < array->count && !(rc = nested_entry(nested, array, *done)))
		++*done;
	return rc;
}

static int viommu_entry(struct iommu_viommu *viommu,
			const struct iommu_viommu_invalidate_selftest *inv)
{
	struct iommu_device *device;

	if (inv->flags & ~(uint32_t)IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (inv->cache_id > MOCK_DEV_CACHE_ID_MAX)
		return -EINVAL;
	base_scoped_lock(&viommu->lock);
	device = iommu_viommu_device_locked(viommu, inv->vdev_id);
	if (!device)
		return -EINVAL;
	clear(mock_device_of(device)->cache, MOCK_DEV_CACHE_NUM, inv->cache_id, inv->flags);
	return 0;
}

int mock_viommu_invalidate(struct iommu_viommu *viommu, const struct iommu_user_array *array,
			   uint32_t *done)
{
	struct iommu_viommu_invalidate_selftest *entries;
	int rc;

	if (array->type != IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST)
		return -EINVAL;
	if (!array->count)
		return 0;
	entries = base_alloc(array->count * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	rc = iommu_user_array_in(array, IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, entries,
				 sizeof(*entries));
	while (!rc && *done < array->count && !(rc = viommu_entry(viommu, &entries[*done])))
		++*done;
	base_free(entries);
	return rc;
}
