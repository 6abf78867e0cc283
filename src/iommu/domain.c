// SPDX-License-Identifier: MIT
/* Paging domains: their tables, and what all domains share. */
#include "iommu/driver.h"

#include <errno.h>

static uint64_t last_tag;

uint64_t iommu_new_tag(void)
{
	return base_add(&last_tag, 1);
}

int iommu_domain_alloc(struct iommu_device *device, uint32_t flags,
		       const struct iommu_user_data *data, struct iommu_domain **out)
{
	return device->iommu->driver->domain_alloc(device, flags, data, out);
}

int iommu_domain_alloc_nested(struct iommu_device *device, struct iommu_domain *parent,
			      uint32_t flags, const struct iommu_user_data *data,
			      struct iommu_domain **out)
{
	if (!device->iommu->driver->domain_alloc_nested)
		return -EOPNOTSUPP;
	return device->iommu->driver->domain_alloc_nested(device, parent, flags, data, out);
}

int iommu_domain_invalidate(struct iommu_domain *domain, const struct iommu_user_array *array,
			    uint32_t *done)
{
	*done = 0;
	return domain->ops->invalidate ? domain->ops->invalidate(domain, array, done) : -EOPNOTSUPP;
}

void iommu_domain_init(struct iommu_domain *domain, const struct iommu_domain_ops *ops,
		       struct iommu *iommu)
{
	domain->ops = ops;
	domain->iommu = iommu;
	domain->tag = iommu_new_tag();
	base_mutex_init(&domain->lock, RANK_DOMAIN);
}

int iommu_domain_init_paging(struct iommu_domain *domain, const struct pgtable_format *format,
			     unsigned va_lg2)
{
	int rc = pgtable_init(&domain->pt, format, va_lg2);

	if (rc)
		return rc;
	domain->aperture_start = 0;
	domain->aperture_last = ((uint64_t)1 << va_lg2) - 1;
	/* Sizes of half the space and more are no use (pgtable-formats.md 1.7). */
	domain->pgsizes = format->pgsizes & (((uint64_t)1 << (va_lg2 - 1)) - 1);
	return 0;
}

void iommu_domain_free(struct iommu_domain *domain)
{
	iommu_sync(NULL);
	if (!domain->parent)
		pgtable_fini(&domain->pt);
	domain->ops->free(domain);
}

/* A map that failed half-way was there for a moment: requests may have met it. */
static BASE_COLD void forget_failed_map(struct iommu_domain *domain)
{
	struct base_list trash;

	base_list_init(&trash);
	iommu_domain_flush(domain);
	iommu_sync(&trash);
}

int iommu_domain_map(struct iommu_domain *domain, uint64_t iova, uint64_t pa, uint64_t length,
		     uint32_t prot, uint64_t pgsizes)
{
	int rc;

	if (domain->no_read_only && !(prot & PGTABLE_WRITE))
		return -EINVAL;
	base_mutex_lock(&domain->lock);
	rc = pgtable_map(&domain->pt, iova, pa, length, prot, pgsizes & domain->pgsizes);
	base_mutex_unlock(&domain->lock);
	if (rc)
		forget_failed_map(domain);
	return rc;
}

void iommu_domain_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t length,
			struct base_list *trash)
{
	base_scoped_lock(&domain->lock);
	pgtable_unmap(&domain->pt, iova, length, trash);
	iommu_domain_flush(domain);
}

void iommu_domain_flush(struct iommu_domain *domain)
{
	base_store_fence(&domain->tag, iommu_new_tag());
}

void iommu_domain_set_tracking(struct iommu_domain *domain, bool on)
{
	struct pgtable_dirty dirty = {.clear = true};

	base_assert(domain->keeps_dirty);
	{
		base_scoped_lock(&domain->lock);
		if (on)
			pgtable_read_dirty(&domain->pt, 0, domain->aperture_last, &dirty);
		base_store(&domain->tracking, on);
	}
	/* Translations of before may write without a mark. */
	if (on)
		iommu_domain_sync_dirty(domain);
}

void iommu_domain_read_dirty(struct iommu_domain *domain, uint64_t start, uint64_t last,
			     struct pgtable_dirty *dirty)
{
	base_assert(domain->keeps_dirty);
	base_scoped_lock(&domain->lock);
	pgtable_read_dirty(&domain->pt, start, last, dirty);
}

void iommu_domain_sync_dirty(struct iommu_domain *domain)
{
	struct base_list trash;

	base_list_init(&trash);
	iommu_domain_flush(domain);
	iommu_sync(&trash);
}

bool iommu_paging_walk(struct iommu_domain *domain, uint64_t iova, uint32_t prot,
		       struct pgtable_leaf *leaf)
{
	if (base_likely(!base_load(&domain->tracking)))
		return pgtable_walk(&domain->pt, iova, leaf);
	if (prot == PGTABLE_WRITE)
		return pgtable_walk_dirty(&domain->pt, iova, prot, leaf);
	if (!pgtable_walk(&domain->pt, iova, leaf))
		return false;
	leaf->prot &= ~PGTABLE_WRITE;
	return true;
}

bool iommu_paging_translate(struct iommu_domain *domain, uint32_t pasid, uint64_t iova,
			    uint32_t prot, struct pgtable_leaf *leaf, iommu_fault_code *code)
{
	(void)pasid;
	if (iova > domain->aperture_last) {
		*code = IOMMU_FAULT_TOO_WIDE;
		return false;
	}
	if (!iommu_paging_walk(domain, iova, prot, leaf)) {
		*code = IOMMU_FAULT_NOT_MAPPED;
		return false;
	}
	if (!(leaf->prot & prot)) {
		*code = prot == PGTABLE_WRITE ? IOMMU_FAULT_NO_WRITE : IOMMU_FAULT_NO_READ;
		return false;
	}
	return true;
}

void iommu_leaf_clip(struct pgtable_leaf *leaf, uint64_t start, uint64_t last)
{
	if (leaf->start < start) {
		leaf->pa += start - leaf->start;
		leaf->start = start;
	}
	leaf->last = base_min_u64(leaf->last, last);
}
