/* SPDX-License-Identifier: MIT */
/*
 * Driver data that a client hands through an ioctl: typed blobs and arrays of
 * them, with the length rules of iommufd-ioctls.md 18.
 */
#ifndef IOMMU_USERDATA_H
#define IOMMU_USERDATA_H

#include "mem/mem.h"

/* One blob of `len` bytes at `addr` of the client, declared to be of `type`. */
struct iommu_user_data {
	struct mem_client *client;
	uint64_t addr;
	uint32_t type;
	uint32_t len;
};

/* `count` entries of `entry_len` bytes each. */
struct iommu_user_array {
	struct mem_client *client;
	uint64_t addr;
	uint32_t type;
	uint32_t entry_len;
	uint32_t count;
};

/*
 * Copy a blob into the `known` bytes at dst; at least `min` must be given, the
 * missing tail is zeroed. -EINVAL (other type, too short, longer than known),
 * -EFAULT.
 */
int iommu_user_data_in(const struct iommu_user_data *data, uint32_t type, void *dst, size_t known,
		       size_t min);

/* Entry `index` of an array, by the same rules. */
int iommu_user_array_entry(const struct iommu_user_array *array, uint32_t type, uint32_t index,
			   void *dst, size_t known, size_t min);

/*
 * A whole array into `count` entries of `known` bytes at dst. Shorter entries are
 * zero-extended, longer ones must end in zeros. -EINVAL (other type, no entry),
 * -E2BIG, -EFAULT: no entry counts then.
 */
int iommu_user_array_in(const struct iommu_user_array *array, uint32_t type, void *dst,
			size_t known);

#endif
