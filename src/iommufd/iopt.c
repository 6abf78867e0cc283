// SPDX-License-Identifier: MIT
/* The IOVA space: areas come and go. */
#include "iommufd/iopt_area.h"

#include <errno.h>

/* How often accesses are asked for one area. */
#define UNMAP_ROUNDS 100

bool iopt_area_at_locked(const struct iopt *iopt, uint64_t iova, uint64_t *last)
{
	struct iopt_area *area = iopt_area_first_locked(iopt, iova, iova);

	if (!area || *iopt_area_state(area) != IOPT_AREA_LIVE)
		return false;
	*last = area->node.last;
	return true;
}

void iopt_init(struct iopt *iopt, struct base_slab *mappings)
{
	base_rwlock_init(&iopt->domains_lock, RANK_IOPT_DOMAINS);
	base_rwlock_init(&iopt->iova_lock, RANK_IOPT_IOVA);
	base_list_init(&iopt->domains);
	base_gaptree_init(&iopt->areas);
	base_stock_init(&iopt->mappings, mappings);
	base_list_init(&iopt->reserved);
	base_idtable_init(&iopt->accesses, 0, IOPT_ACCESS_IDS - 1);
	base_list_init(&iopt->locked);
	iopt->alignment = 1;
}

void iopt_fini(struct iopt *iopt)
{
	struct iopt_reserved *r, *next;
	uint64_t unmapped;

	base_assert(base_list_is_empty(&iopt->domains) && !iopt->accesses.taken);
	if (iopt->areas.count)
		iopt_unmap(iopt, 0, UINT64_MAX, &unmapped);
	base_assert(!iopt->areas.count);
	base_list_for_each_safe (r, next, &iopt->reserved, node)
		base_free(r);
	if (iopt->allowed)
		base_free(iopt->allowed);
	base_idtable_fini(&iopt->accesses);
	base_stock_fini(&iopt->mappings);
}

/* ---- memory ---- */

/* Free an area that is in no tree. */
static BASE_INLINE void area_free_locked(struct iopt *iopt, struct iopt_area *area)
{
	struct iopt_mapping *mapping = iopt_area_put(area);

	base_assert_held(&iopt->iova_lock);
	if (base_likely(mapping))
		base_stock_free(&iopt->mappings, mapping);
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

	*iopt_area_state(area) = IOPT_AREA_NEW;
	base_rwlock_wrunlock(&iopt->iova_lock);
	rc = iopt_area_fill(iopt, area);
	base_rwlock_wrlock(&iopt->iova_lock);
	if (rc)
		base_gaptree_remove(&iopt->areas, &area->node);
	else
		*iopt_area_state(area) = IOPT_AREA_LIVE;
	return rc;
}

static BASE_INLINE struct iopt_area *area_new_locked(struct iopt *iopt,
						     const struct iopt_map_request *request)
{
	struct iopt_mapping *mapping = base_stock_alloc(&iopt->mappings);
	struct iopt_area *area;

	base_assert_held(&iopt->iova_lock);
	if (!mapping)
		return NULL;
	mem_source_init(&mapping->source, request->client, request->addr, request->length,
			request->prot & PGTABLE_WRITE, request->account);
	area = &mapping->first;
	iopt_area_init(area, &mapping->source, 0, request->prot, IOPT_AREA_LIVE);
	return area;
}

int iopt_map(struct iopt *iopt, const struct iopt_map_request *request, uint64_t *iova)
{
	bool domains = iopt_areas_lock(iopt);
	struct iopt_area *area = area_new_locked(iopt, request);
	int rc = area ? area_place_locked(iopt, area, request, iova) : -ENOMEM;

	if (!rc && domains)
		rc = area_complete_locked(iopt, area);
	if (rc && area)
		area_free_locked(iopt, area);
	iopt_areas_unlock(iopt, domains);
	return rc;
}

/* ---- unmap ---- */

/* The next area to go, marked, and the way to it; NULL and *rc: 0 at the end, or why not. */
static BASE_INLINE struct iopt_area *area_take_locked(struct iopt *iopt, uint64_t start,
						      uint64_t last, struct base_gapway *way,
						      int *rc)
{
	struct iopt_area *area = iopt_area_of(base_gaptree_find(&iopt->areas, start, last, way));

	base_assert_held(&iopt->iova_lock);
	*rc = 0;
	if (!area)
		return NULL;
	if (*iopt_area_state(area) != IOPT_AREA_LIVE)
		*rc = -EBUSY;
	else if (base_unlikely(*iopt_area_pins(area)))
		*rc = iopt_area_block_locked(iopt, area, start, last);
	else if (area->node.start < start || area->node.last > last)
		*rc = -ENOENT;
	if (*rc)
		return NULL;
	*iopt_area_state(area) = IOPT_AREA_REMOVING;
	return area;
}

/* Drain a marked area without the inner lock. */
static BASE_INLINE void area_empty_locked(struct iopt *iopt, struct iopt_area *area)
{
	base_rwlock_wrunlock(&iopt->iova_lock);
	iopt_area_drain(iopt, area);
	base_rwlock_wrlock(&iopt->iova_lock);
}

/* Unmap from *at on, until something stands in the way: *at is then what is left to look at. */
static BASE_INLINE int unmap_some(struct iopt *iopt, uint64_t *at, uint64_t last,
				  uint64_t *unmapped)
{
	bool domains = iopt_areas_lock(iopt);
	uint64_t start = *at;
	struct base_gapway way;
	struct iopt_area *area;
	int rc;

	while ((area = area_take_locked(iopt, start, last, &way, &rc))) {
		uint64_t area_last = area->node.last;

		if (domains)
			area_empty_locked(iopt, area);
		*unmapped += iopt_area_length(area);
		base_gaptree_remove_found(&iopt->areas, &area->node, &way);
		area_free_locked(iopt, area);
		if (area_last >= last)
			break;
		start = area_last + 1;
	}
	iopt_areas_unlock(iopt, domains);
	*at = start;
	return rc;
}

/* Accesses have pinned what is left: have them unpin it, area by area (10.4 d), from there on. */
static BASE_COLD int unmap_pinned(struct iopt *iopt, uint64_t start, uint64_t last,
				  uint64_t *unmapped)
{
	uint64_t asked = start;
	unsigned rounds = 0;
	int rc;

	do {
		iopt_ask_accesses(iopt, &start, last);
		rounds = start == asked ? rounds + 1 : 1;
		if (rounds > UNMAP_ROUNDS)
			return -EDEADLK;
		asked = start;
		rc = unmap_some(iopt, &start, last, unmapped);
	} while (rc == -EAGAIN);
	return rc;
}

int iopt_unmap(struct iopt *iopt, uint64_t start, uint64_t last, uint64_t *unmapped)
{
	int rc;

	*unmapped = 0;
	rc = unmap_some(iopt, &start, last, unmapped);
	return base_likely(rc != -EAGAIN) ? rc : unmap_pinned(iopt, start, last, unmapped);
}
