// SPDX-License-Identifier: MIT
/* The IOVA space: areas come and go, domains are kept in step. */
#include "iommufd/iopt.h"

#include <errno.h>

static struct iopt_area *area_of(struct base_gapnode *node)
{
	return node ? base_container_of(node, struct iopt_area, node) : NULL;
}

static uint32_t area_prot(const struct iopt_area *area)
{
	return area->node.user[0];
}

static uint8_t *area_state(struct iopt_area *area)
{
	return &area->node.user[1];
}

static uint64_t area_length(const struct iopt_area *area)
{
	return area->node.last - area->node.start + 1;
}

static struct iopt_area *area_first_locked(const struct iopt *iopt, uint64_t start, uint64_t last)
{
	base_assert_held(&iopt->iova_lock);
	return area_of(base_gaptree_first(&iopt->areas, start, last));
}

static struct iopt_area *area_next_locked(const struct iopt *iopt, const struct iopt_area *area)
{
	if (area->node.last == UINT64_MAX)
		return NULL;
	return area_first_locked(iopt, area->node.last + 1, UINT64_MAX);
}

bool iopt_area_at_locked(const struct iopt *iopt, uint64_t iova, uint64_t *last)
{
	struct iopt_area *area = area_first_locked(iopt, iova, iova);

	if (!area || *area_state(area) != IOPT_AREA_LIVE)
		return false;
	*last = area->node.last;
	return true;
}

void iopt_init(struct iopt *iopt)
{
	base_rwlock_init(&iopt->domains_lock, RANK_IOPT_DOMAINS);
	base_rwlock_init(&iopt->iova_lock, RANK_IOPT_IOVA);
	base_list_init(&iopt->domains);
	base_gaptree_init(&iopt->areas);
	base_list_init(&iopt->reserved);
	iopt->alignment = 1;
}

void iopt_fini(struct iopt *iopt)
{
	struct iopt_reserved *r, *next;
	uint64_t unmapped;

	base_assert(base_list_is_empty(&iopt->domains));
	if (iopt->areas.count)
		iopt_unmap(iopt, 0, UINT64_MAX, &unmapped);
	base_assert(!iopt->areas.count);
	base_list_for_each_safe (r, next, &iopt->reserved, node)
		base_free(r);
	if (iopt->allowed)
		base_free(iopt->allowed);
	base_spare_fini(&iopt->spare);
}

/*
 * Lock for a map or unmap. True: there are domains, and domains_lock is held.
 * Without any the inner lock alone keeps it so.
 */
static inline bool areas_lock(struct iopt *iopt)
{
	base_rwlock_wrlock(&iopt->iova_lock);
	if (base_list_is_empty(&iopt->domains))
		return false;
	base_rwlock_wrunlock(&iopt->iova_lock);
	base_rwlock_rdlock(&iopt->domains_lock);
	base_rwlock_wrlock(&iopt->iova_lock);
	return true;
}

static void areas_unlock(struct iopt *iopt, bool domains)
{
	base_rwlock_wrunlock(&iopt->iova_lock);
	if (domains)
		base_rwlock_rdunlock(&iopt->domains_lock);
}

/* ---- one area and one domain ---- */

static int area_map_runs(const struct iopt_area *area, struct iommu_domain *domain, uint64_t *done)
{
	uint64_t length = area_length(area), run;

	for (*done = 0; *done < length; *done += run) {
		uint64_t pa = mem_source_pa(area->source, area->offset + *done, &run);
		int rc;

		run = base_min_u64(run, length - *done);
		rc = iommu_domain_map(domain, area->node.start + *done, pa, run, area_prot(area),
				      UINT64_MAX);
		if (rc)
			return rc;
	}
	return 0;
}

/* Pin the area's memory and put it into the domain, or neither. */
static int area_fill(const struct iopt_area *area, struct iommu_domain *domain)
{
	struct base_list trash;
	uint64_t done;
	int rc = mem_source_pin(area->source);

	if (rc)
		return rc;
	rc = area_map_runs(area, domain, &done);
	if (!rc)
		return 0;
	base_list_init(&trash);
	if (done)
		iommu_domain_unmap(domain, area->node.start, done, &trash);
	iommu_sync(&trash);
	mem_source_unpin(area->source);
	return rc;
}

/* Take the area out of the domains up to (not including) `stop`; NULL: all of them. */
static void area_drain(const struct iopt *iopt, const struct iopt_area *area,
		       const struct iopt_domain *stop)
{
	struct iopt_domain *d;
	struct base_list trash;

	base_list_init(&trash);
	base_list_for_each (d, &iopt->domains, node) {
		if (d == stop)
			break;
		iommu_domain_unmap(d->domain, area->node.start, area_length(area), &trash);
	}
	/* The memory may be used for something else once its pins are gone. */
	iommu_sync(&trash);
	base_list_for_each (d, &iopt->domains, node) {
		if (d == stop)
			break;
		mem_source_unpin(area->source);
	}
}

static int area_fill_all(const struct iopt *iopt, const struct iopt_area *area)
{
	struct iopt_domain *d;

	base_assert_held(&iopt->domains_lock);
	base_list_for_each (d, &iopt->domains, node) {
		int rc = area_fill(area, d->domain);

		if (rc) {
			area_drain(iopt, area, d);
			return rc;
		}
	}
	return 0;
}

/* ---- memory ---- */

static struct iopt_mapping *mapping_of(struct mem_source *source)
{
	return base_container_of(source, struct iopt_mapping, source);
}

static void area_free_locked(struct iopt *iopt, struct iopt_area *area)
{
	base_assert_held(&iopt->iova_lock);
	base_gaptree_remove(&iopt->areas, &area->node);
	if (mem_source_put(area->source))
		base_spare_put(&iopt->spare, mapping_of(area->source));
}

/* ---- map ---- */

/* Enter the area where it may go (3.2, 3.3). On failure it is in no tree. */
static int area_place_locked(struct iopt *iopt, struct iopt_area *area,
			     const struct iopt_map_request *request, uint64_t *iova)
{
	uint64_t length = request->length;
	int rc;

	base_assert_held(&iopt->iova_lock);
	rc = request->fixed ? iopt_place_fixed_locked(iopt, length, *iova)
			    : iopt_place_auto_locked(iopt, length, request->addr, iova);
	if (rc)
		return rc;
	area->node.start = *iova;
	area->node.last = *iova + (length - 1);
	if (!base_gaptree_insert(&iopt->areas, &area->node))
		return -EEXIST;
	if (!base_is_aligned(request->addr, iopt->alignment)) {
		base_gaptree_remove(&iopt->areas, &area->node);
		return -EINVAL;
	}
	return 0;
}

/* Fill the domains without the inner lock, then let everybody see the area. */
static __attribute__((noinline)) int area_complete_locked(struct iopt *iopt, struct iopt_area *area)
{
	int rc;

	*area_state(area) = IOPT_AREA_NEW;
	base_rwlock_wrunlock(&iopt->iova_lock);
	rc = area_fill_all(iopt, area);
	base_rwlock_wrlock(&iopt->iova_lock);
	if (rc)
		base_gaptree_remove(&iopt->areas, &area->node);
	else
		*area_state(area) = IOPT_AREA_LIVE;
	return rc;
}

static struct iopt_area *area_new(struct iopt *iopt, const struct iopt_map_request *request)
{
	struct iopt_mapping *mapping = base_spare_take(&iopt->spare);
	struct iopt_area *area;

	if (!mapping)
		mapping = base_alloc(sizeof(*mapping));
	if (!mapping)
		return NULL;
	mem_source_init(&mapping->source, request->client, request->addr, request->length,
			request->prot & PGTABLE_WRITE);
	area = &mapping->first;
	area->source = &mapping->source;
	area->offset = 0;
	area->node.user[0] = request->prot;
	*area_state(area) = IOPT_AREA_LIVE;
	return area;
}

int iopt_map(struct iopt *iopt, const struct iopt_map_request *request, uint64_t *iova)
{
	struct iopt_area *area = area_new(iopt, request);
	bool domains;
	int rc;

	if (!area)
		return -ENOMEM;
	domains = areas_lock(iopt);
	rc = area_place_locked(iopt, area, request, iova);
	if (!rc && domains)
		rc = area_complete_locked(iopt, area);
	areas_unlock(iopt, domains);
	if (rc)
		base_spare_put(&iopt->spare, mapping_of(area->source));
	return rc;
}

/* ---- unmap ---- */

/* The next area to go, marked; NULL and *rc: 0 at the end, or why not. */
static struct iopt_area *area_take_locked(struct iopt *iopt, uint64_t start, uint64_t last, int *rc)
{
	struct iopt_area *area = area_first_locked(iopt, start, last);

	*rc = 0;
	if (!area)
		return NULL;
	if (*area_state(area) != IOPT_AREA_LIVE)
		*rc = -EBUSY;
	else if (area->node.start < start || area->node.last > last)
		*rc = -ENOENT;
	if (*rc)
		return NULL;
	*area_state(area) = IOPT_AREA_REMOVING;
	return area;
}

/* Drain a marked area without the inner lock. */
static __attribute__((noinline)) void area_empty_locked(struct iopt *iopt, struct iopt_area *area)
{
	base_rwlock_wrunlock(&iopt->iova_lock);
	area_drain(iopt, area, NULL);
	base_rwlock_wrlock(&iopt->iova_lock);
}

int iopt_unmap(struct iopt *iopt, uint64_t start, uint64_t last, uint64_t *unmapped)
{
	bool domains = areas_lock(iopt);
	struct iopt_area *area;
	int rc;

	*unmapped = 0;
	while ((area = area_take_locked(iopt, start, last, &rc))) {
		uint64_t area_last = area->node.last;

		if (domains)
			area_empty_locked(iopt, area);
		*unmapped += area_length(area);
		area_free_locked(iopt, area);
		if (area_last >= last)
			break;
		start = area_last + 1;
	}
	areas_unlock(iopt, domains);
	return rc;
}

/* ---- reserved and allowed ranges ---- */

static bool is_allowed_locked(const struct iopt *iopt, uint64_t start, uint64_t last)
{
	for (size_t i = 0; i < iopt->allowed_count; i++)
		if (base_ranges_meet(start, last, iopt->allowed[i].start, iopt->allowed[i].last))
			return true;
	return false;
}

static int reserve_locked(struct iopt *iopt, uint64_t start, uint64_t last, const void *owner)
{
	struct iopt_reserved *r, *at;

	base_assert_held(&iopt->iova_lock);
	if (area_first_locked(iopt, start, last) || is_allowed_locked(iopt, start, last))
		return -EADDRINUSE;
	r = base_alloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->start = start;
	r->last = last;
	r->owner = owner;
	base_list_for_each (at, &iopt->reserved, node) {
		if (at->start > start)
			break;
	}
	base_list_add_tail(&at->node, &r->node);
	return 0;
}

static void unreserve_locked(struct iopt *iopt, const void *owner)
{
	struct iopt_reserved *r, *next;

	base_assert_held(&iopt->iova_lock);
	base_list_for_each_safe (r, next, &iopt->reserved, node) {
		if (r->owner == owner) {
			base_list_remove(&r->node);
			base_free(r);
		}
	}
}

int iopt_reserve(struct iopt *iopt, uint64_t start, uint64_t last, const void *owner)
{
	base_scoped_write(&iopt->iova_lock);
	return reserve_locked(iopt, start, last, owner);
}

void iopt_unreserve(struct iopt *iopt, const void *owner)
{
	base_scoped_write(&iopt->iova_lock);
	unreserve_locked(iopt, owner);
}

int iopt_allowed_grow(struct iopt_allowed **ranges, size_t count)
{
	struct iopt_allowed *bigger;

	/* Room doubles at every power of two. */
	if (count & (count - 1))
		return 0;
	bigger = base_alloc((count ? 2 * count : 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		bigger[i] = (*ranges)[i];
	base_free(*ranges);
	*ranges = bigger;
	return 0;
}

int iopt_allow(struct iopt *iopt, struct iopt_allowed *ranges, size_t count)
{
	base_scoped_write(&iopt->iova_lock);

	for (size_t i = 0; i < count; i++)
		if (iopt_is_reserved_locked(iopt, ranges[i].start, ranges[i].last))
			return -EADDRINUSE;
	base_free(iopt->allowed);
	iopt->allowed = ranges;
	iopt->allowed_count = count;
	return 0;
}

/* ---- domains join and leave ---- */

static uint64_t domain_granule(const struct iommu_domain *domain)
{
	return base_lowest_bit(domain->pgsizes);
}

/* May every area live with this alignment? */
static bool areas_are_aligned_locked(const struct iopt *iopt, uint64_t alignment)
{
	struct iopt_area *a = area_first_locked(iopt, 0, UINT64_MAX);

	for (; a; a = area_next_locked(iopt, a))
		if (!base_is_aligned(a->node.start | area_length(a) | (a->source->addr + a->offset),
				     alignment))
			return false;
	return true;
}

static void alignment_update_locked(struct iopt *iopt)
{
	struct iopt_domain *d;

	iopt->alignment = 1;
	base_list_for_each (d, &iopt->domains, node)
		iopt->alignment = base_max_u64(iopt->alignment, domain_granule(d->domain));
}

static int aperture_reserve_locked(struct iopt *iopt, const struct iommu_domain *domain)
{
	int rc = 0;

	if (domain->aperture_start)
		rc = reserve_locked(iopt, 0, domain->aperture_start - 1, domain);
	if (!rc && domain->aperture_last != UINT64_MAX)
		rc = reserve_locked(iopt, domain->aperture_last + 1, UINT64_MAX, domain);
	return rc;
}

/* Unpin what areas up to (not including) `stop` had in a domain that nothing reads any more. */
static void unpin_areas_locked(const struct iopt *iopt, const struct iopt_area *stop)
{
	struct iopt_area *a = area_first_locked(iopt, 0, UINT64_MAX);

	for (; a && a != stop; a = area_next_locked(iopt, a))
		mem_source_unpin(a->source);
}

static int fill_domain_locked(const struct iopt *iopt, struct iommu_domain *domain)
{
	struct iopt_area *a = area_first_locked(iopt, 0, UINT64_MAX);

	for (; a; a = area_next_locked(iopt, a)) {
		int rc = area_fill(a, domain);

		if (rc) {
			struct base_list trash;

			base_list_init(&trash);
			iommu_domain_unmap(domain, 0, domain->aperture_last + 1, &trash);
			iommu_sync(&trash);
			unpin_areas_locked(iopt, a);
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
	if (granule > iopt->alignment && !areas_are_aligned_locked(iopt, granule))
		return -EADDRINUSE;
	rc = aperture_reserve_locked(iopt, d->domain);
	if (!rc)
		rc = fill_domain_locked(iopt, d->domain);
	if (rc) {
		unreserve_locked(iopt, d->domain);
		return rc;
	}
	base_list_add_tail(&iopt->domains, &d->node);
	alignment_update_locked(iopt);
	return 0;
}

void iopt_remove_domain(struct iopt *iopt, struct iopt_domain *d)
{
	base_scoped_write(&iopt->domains_lock);
	base_scoped_write(&iopt->iova_lock);

	unpin_areas_locked(iopt, NULL);
	base_list_remove(&d->node);
	unreserve_locked(iopt, d->domain);
	alignment_update_locked(iopt);
}
