// SPDX-License-Identifier: MIT
/* The IOVA space: domains are kept in step with the areas. */
#include "iommufd/iopt_area.h"

#include <errno.h>

/* ---- one area and one domain ---- */

static int area_map_runs(const struct iopt *iopt, const struct iopt_area *area,
			 struct iommu_domain *domain, uint64_t *done)
{
	uint64_t pgsizes = iopt->small_pages ? BASE_PAGE_SIZE : UINT64_MAX;
	uint64_t length = iopt_area_length(area), run;

	for (*done = 0; *done < length; *done += run) {
		uint64_t pa = mem_source_pa(area->source, area->offset + *done, &run);
		int rc;

		run = base_min_u64(run, length - *done);
		rc = iommu_domain_map(domain, area->node.start + *done, pa, run,
				      iopt_area_prot(area), pgsizes);
		if (rc)
			return rc;
	}
	return 0;
}

/* Map the area's memory, all or nothing. */
static inline int area_map(const struct iopt *iopt, const struct iopt_area *area,
			   struct iommu_domain *domain)
{
	struct base_list trash;
	uint64_t done;
	int rc = area_map_runs(iopt, area, domain, &done);

	if (!rc)
		return 0;
	base_list_init(&trash);
	if (done)
		iommu_domain_unmap(domain, area->node.start, done, &trash);
	iommu_sync(&trash);
	return rc;
}

/* What is void stays out of the domain, as if it were there. */
static BASE_COLD int area_map_dmabuf(const struct iopt *iopt, const struct iopt_area *area,
				     struct iommu_domain *domain)
{
	struct mem_dmabuf *dmabuf = mem_source_dmabuf(area->source);
	struct iopt_dmabuf_fill *fill = iopt_dmabuf_fill_new(area, domain);
	bool is_void;
	int rc = 0;

	if (!fill)
		return -ENOMEM;
	base_mutex_lock(&dmabuf->lock);
	is_void = mem_source_is_void_locked(area->source);
	if (!is_void)
		rc = area_map(iopt, area, domain);
	if (!is_void && !rc)
		mem_dmabuf_attach_locked(dmabuf, &fill->user);
	base_mutex_unlock(&dmabuf->lock);
	if (is_void || rc)
		iopt_dmabuf_fill_free(fill);
	return rc;
}

static bool is_dmabuf(const struct iopt_area *area)
{
	return base_unlikely(area->source->kind == MEM_SOURCE_DMABUF);
}

/* Pin the area's memory and put it into the domain, or neither. */
static int area_fill_one(const struct iopt *iopt, const struct iopt_area *area,
			 struct iommu_domain *domain)
{
	int rc = mem_source_pin(area->source, area->offset, iopt_area_length(area));

	if (rc)
		return rc;
	rc = is_dmabuf(area) ? area_map_dmabuf(iopt, area, domain) : area_map(iopt, area, domain);
	if (rc)
		mem_source_unpin(area->source, area->offset, iopt_area_length(area));
	return rc;
}

/* Nothing in the domain reaches the area's memory any more, nor will. */
static void area_unpin(const struct iopt_area *area, const struct iommu_domain *domain)
{
	if (is_dmabuf(area))
		iopt_dmabuf_leave(area, domain);
	mem_source_unpin(area->source, area->offset, iopt_area_length(area));
}

/* Take the area out of the domains up to (not including) `stop`; NULL: all of them. */
static void area_drain_until(const struct iopt *iopt, const struct iopt_area *area,
			     const struct iopt_domain *stop)
{
	struct iopt_domain *d;
	struct base_list trash;

	base_list_init(&trash);
	base_list_for_each (d, &iopt->domains, node) {
		if (d == stop)
			break;
		iommu_domain_unmap(d->domain, area->node.start, iopt_area_length(area), &trash);
	}
	/* The memory may be used for something else once its pins are gone. */
	iommu_sync(&trash);
	base_list_for_each (d, &iopt->domains, node) {
		if (d == stop)
			break;
		area_unpin(area, d->domain);
	}
}

int iopt_area_fill(const struct iopt *iopt, const struct iopt_area *area)
{
	struct iopt_domain *d;

	base_assert_held(&iopt->domains_lock);
	base_list_for_each (d, &iopt->domains, node) {
		int rc = area_fill_one(iopt, area, d->domain);

		if (rc) {
			area_drain_until(iopt, area, d);
			return rc;
		}
	}
	return 0;
}

void iopt_area_drain(const struct iopt *iopt, const struct iopt_area *area)
{
	area_drain_until(iopt, area, NULL);
}

/* ---- domains join and leave ---- */

static uint64_t domain_granule(const struct iommu_domain *domain)
{
	return base_lowest_bit(domain->pgsizes);
}

bool iopt_areas_are_aligned_locked(const struct iopt *iopt, uint64_t alignment)
{
	struct iopt_area *a = iopt_area_first_locked(iopt, 0, UINT64_MAX);

	for (; a; a = iopt_area_next_locked(iopt, a))
		if (!base_is_aligned(a->node.start | iopt_area_length(a) | iopt_area_addr(a),
				     alignment))
			return false;
	return true;
}

void iopt_alignment_update_locked(struct iopt *iopt)
{
	struct iopt_domain *d;

	iopt->alignment = iopt->small_pages || iopt->pinning ? BASE_PAGE_SIZE : 1;
	base_list_for_each (d, &iopt->domains, node)
		iopt->alignment = base_max_u64(iopt->alignment, domain_granule(d->domain));
}

static int aperture_reserve_locked(struct iopt *iopt, const struct iommu_domain *domain)
{
	int rc = 0;

	if (domain->aperture_start)
		rc = iopt_reserve_locked(iopt, 0, domain->aperture_start - 1, domain);
	if (!rc && domain->aperture_last != UINT64_MAX)
		rc = iopt_reserve_locked(iopt, domain->aperture_last + 1, UINT64_MAX, domain);
	return rc;
}

/* Unpin what areas up to (not including) `stop` had in a domain that nothing reads any more. */
static void unpin_areas_locked(const struct iopt *iopt, const struct iommu_domain *domain,
			       const struct iopt_area *stop)
{
	struct iopt_area *a = iopt_area_first_locked(iopt, 0, UINT64_MAX);

	for (; a && a != stop; a = iopt_area_next_locked(iopt, a))
		area_unpin(a, domain);
}

static int fill_domain_locked(const struct iopt *iopt, struct iommu_domain *domain)
{
	struct iopt_area *a = iopt_area_first_locked(iopt, 0, UINT64_MAX);

	for (; a; a = iopt_area_next_locked(iopt, a)) {
		int rc = area_fill_one(iopt, a, domain);

		if (rc) {
			struct base_list trash;

			base_list_init(&trash);
			iommu_domain_unmap(domain, 0, domain->aperture_last + 1, &trash);
			iommu_sync(&trash);
			unpin_areas_locked(iopt, domain, a);
			return rc;
		}
	}
	return 0;
}

int iopt_add_domain(struct iopt *iopt, struct iopt_domain *d)
{
	uint64_t granule = domain_granule(d->domain);
	int rc;

	base_scoped_write(&iopt->domains_lock);
	base_scoped_write(&iopt->iova_lock);
	if (granule > BASE_PAGE_SIZE)
		return -EINVAL;
	if (granule > iopt->alignment && !iopt_areas_are_aligned_locked(iopt, granule))
		return -EADDRINUSE;
	rc = aperture_reserve_locked(iopt, d->domain);
	if (!rc)
		rc = fill_domain_locked(iopt, d->domain);
	if (rc) {
		iopt_unreserve_locked(iopt, d->domain);
		return rc;
	}
	base_list_add_tail(&iopt->domains, &d->node);
	iopt_alignment_update_locked(iopt);
	return 0;
}

void iopt_remove_domain(struct iopt *iopt, struct iopt_domain *d)
{
	base_scoped_write(&iopt->domains_lock);
	base_scoped_write(&iopt->iova_lock);

	unpin_areas_locked(iopt, d->domain, NULL);
	base_list_remove(&d->node);
	iopt_unreserve_locked(iopt, d->domain);
	iopt_alignment_update_locked(iopt);
}

/* ---- what the client may set, and what it sees ---- */

int iopt_set_huge_pages(struct iopt *iopt, bool on)
{
	base_scoped_write(&iopt->domains_lock);
	base_scoped_write(&iopt->iova_lock);

	if (!on && !iopt->small_pages) {
		if (!base_list_is_empty(&iopt->domains) && iopt->areas.count)
			return -EINVAL;
		if (!iopt_areas_are_aligned_locked(iopt, BASE_PAGE_SIZE))
			return -EADDRINUSE;
	}
	iopt->small_pages = !on;
	iopt_alignment_update_locked(iopt);
	return 0;
}

uint64_t iopt_pgsizes_locked(const struct iopt *iopt)
{
	uint64_t pgsizes = UINT64_MAX;
	struct iopt_domain *d;

	base_assert_held(&iopt->iova_lock);
	base_list_for_each (d, &iopt->domains, node)
		pgsizes &= d->domain->pgsizes;
	return pgsizes;
}
