// SPDX-License-Identifier: MIT
/*
 * Memory of drivers that clients map (iommufd-ioctls.md 25; iommufd-objects.md 13.3).
 * Each mapping is a user of the vIOMMU, and holds the context's file.
 */
#include "iommufd/private.h"

#include <errno.h>
#include <sys/mman.h>

static struct iommufd_mmap *mmap_of(struct mem_region *region)
{
	return base_container_of(region, struct iommufd_mmap, region);
}

/* ---- mappings ---- */

static void region_get(struct mem_region *region)
{
	struct iommufd_viommu *viommu = mmap_of(region)->viommu;

	iommufd_object_use(&viommu->obj);
	mem_file_get(&viommu->ctx->file);
}

static void region_put(struct mem_region *region)
{
	struct iommufd_viommu *viommu = mmap_of(region)->viommu;
	struct iommufd_ctx *ctx = viommu->ctx;

	/* Nothing of the vIOMMU is touched after that. */
	iommufd_object_unuse(&viommu->obj);
	mem_file_put(&ctx->file);
}

/* What begins at `offset`, held unless its owner is on its way out, or not yet there. */
static struct mem_region *region_find_locked(struct iommufd_ctx *ctx, uint64_t offset,
					     uint64_t last)
{
	struct base_gapnode *node = base_gaptree_first(&ctx->mmaps, offset, offset);
	struct iommufd_mmap *m;

	base_assert_held(&ctx->mmaps_lock);
	if (!node || node->start != offset || node->last != last)
		return NULL;
	m = base_container_of(node, struct iommufd_mmap, node);
	if (!iommufd_object_try_user(ctx, &m->viommu->obj))
		return NULL;
	mem_file_get(&ctx->file);
	return &m->region;
}

int iommufd_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		 struct mem_region **region)
{
	struct iommufd_ctx *ctx = iommufd_ctx_of(file);

	if ((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (prot & PROT_EXEC)
		return -EPERM;
	base_scoped_lock(&ctx->mmaps_lock);
	*region = region_find_locked(ctx, offset, offset + (length - 1));
	return *region ? 0 : -ENXIO;
}

/* ---- regions ---- */

/* At the lowest offset that is free; the first page of them is never used. */
static int place_locked(struct iommufd_ctx *ctx, struct iommufd_mmap *m, uint64_t length)
{
	uint64_t offset;

	base_assert_held(&ctx->mmaps_lock);
	if (!base_gaptree_fit(&ctx->mmaps, BASE_PAGE_SIZE, UINT64_MAX, length, BASE_PAGE_SIZE, 0,
			      &offset))
		return -EBUSY;
	m->node.start = offset;
	m->node.last = offset + (length - 1);
	base_gaptree_insert(&ctx->mmaps, &m->node);
	return 0;
}

static int place(struct iommufd_ctx *ctx, struct iommufd_mmap *m, uint64_t length)
{
	base_scoped_lock(&ctx->mmaps_lock);
	return place_locked(ctx, m, length);
}

int iommufd_mmap_add(struct iommu_mmaps *mmaps, int fd, uint64_t length, uint64_t *offset)
{
	struct iommufd_viommu *viommu = base_container_of(mmaps, struct iommufd_viommu, mmaps);
	struct iommufd_mmap *m = base_zalloc(sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->viommu = viommu;
	m->region = (struct mem_region){
		.fd = fd,
		.length = length,
		.get = region_get,
		.put = region_put,
	};
	rc = place(viommu->ctx, m, length);
	if (rc) {
		base_free(m);
		return rc;
	}
	base_list_add_tail(&viommu->mmap_list, &m->viommu_node);
	*offset = m->node.start;
	return 0;
}

void iommufd_mmap_remove_all(struct iommufd_viommu *viommu)
{
	struct iommufd_mmap *m, *next;

	base_scoped_lock(&viommu->ctx->mmaps_lock);
	base_list_for_each_safe (m, next, &viommu->mmap_list, viommu_node) {
		base_gaptree_remove(&viommu->ctx->mmaps, &m->node);
		base_free(m);
	}
}
