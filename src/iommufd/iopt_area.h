/* SPDX-License-Identifier: MIT */
/* Inside the IOVA space: what its files know of areas (iopt.h). */
#ifndef IOMMUFD_IOPT_AREA_H
#define IOMMUFD_IOPT_AREA_H

#include "iommufd/iopt.h"

static inline struct iopt_area *iopt_area_of(struct base_gapnode *node)
{
	return node ? base_container_of(node, struct iopt_area, node) : NULL;
}

static inline uint32_t iopt_area_prot(const struct iopt_area *area)
{
	return area->node.user[0];
}

/* enum iopt_area_state */
static inline uint8_t *iopt_area_state(struct iopt_area *area)
{
	return &area->node.user[1];
}

/* New pins and copies by accesses are refused. */
static inline uint8_t *iopt_area_blocked(struct iopt_area *area)
{
	return &area->node.user[2];
}

/* Changed atomically while iova_lock is held at least for reading. */
typedef uint32_t __attribute__((may_alias)) iopt_area_count;

_Static_assert(offsetof(struct base_gapnode, user[3]) % sizeof(iopt_area_count) == 0,
	       "counts are aligned");

static inline iopt_area_count *iopt_area_pins(struct iopt_area *area)
{
	return (iopt_area_count *)(void *)&area->node.user[3];
}

/*
 * Make an area, in memory of any content, of a piece of a source; it takes over a
 * reference. The caller says where it goes.
 */
static inline void iopt_area_init(struct iopt_area *area, struct mem_source *source,
				  uint64_t offset, uint32_t prot, enum iopt_area_state state)
{
	area->node.user[0] = (uint8_t)prot;
	*iopt_area_state(area) = (uint8_t)state;
	*iopt_area_blocked(area) = false;
	*iopt_area_pins(area) = 0;
	area->source = source;
	area->offset = offset;
}

/*
 * The end of an area that is in no tree. Its mapping, which the caller frees, if that
 * has no other areas; else NULL.
 */
static inline struct iopt_mapping *iopt_area_put(struct iopt_area *area)
{
	struct mem_source *source = area->source;
	struct iopt_mapping *mapping = base_container_of(source, struct iopt_mapping, source);

	if (area != &mapping->first)
		base_free(area);
	return mem_source_put(source) ? mapping : NULL;
}

static inline uint64_t iopt_area_length(const struct iopt_area *area)
{
	return area->node.last - area->node.start + 1;
}

/* The address that IOVAs of the area share their low bits with (3.2). */
static inline uint64_t iopt_area_addr(const struct iopt_area *area)
{
	return area->source->addr + area->offset;
}

/* The lowest area that meets [start, last], NULL if none does. */
static inline struct iopt_area *iopt_area_first_locked(const struct iopt *iopt, uint64_t start,
						       uint64_t last)
{
	base_assert_held(&iopt->iova_lock);
	return iopt_area_of(base_gaptree_first(&iopt->areas, start, last));
}

static inline struct iopt_area *iopt_area_next_locked(const struct iopt *iopt,
						      const struct iopt_area *area)
{
	if (area->node.last == UINT64_MAX)
		return NULL;
	return iopt_area_first_locked(iopt, area->node.last + 1, UINT64_MAX);
}

/*
 * Lock for a change of areas. True: there are domains, and domains_lock is held.
 * Without any the inner lock alone keeps it so.
 */
static inline bool iopt_areas_lock(struct iopt *iopt)
{
	base_rwlock_wrlock(&iopt->iova_lock);
	if (base_list_is_empty(&iopt->domains))
		return false;
	base_rwlock_wrunlock(&iopt->iova_lock);
	base_rwlock_rdlock(&iopt->domains_lock);
	base_rwlock_wrlock(&iopt->iova_lock);
	return true;
}

static inline void iopt_areas_unlock(struct iopt *iopt, bool domains)
{
	base_rwlock_wrunlock(&iopt->iova_lock);
	if (domains)
		base_rwlock_rdunlock(&iopt->domains_lock);
}

/* ---- iopt_dmabuf.c ---- */

/* Memory for an area over a dma-buf, or NULL. */
struct iopt_area *iopt_dmabuf_area_alloc(void);

/* Memory for an area on the source that is not the first of its mapping, or NULL. */
static inline struct iopt_area *iopt_area_alloc(const struct mem_source *source)
{
	return source->kind == MEM_SOURCE_DMABUF ? iopt_dmabuf_area_alloc()
						 : base_alloc(sizeof(struct iopt_area));
}

/* An area over a dma-buf that is in a domain. */
struct iopt_dmabuf_fill {
	struct base_list node; /* of the area; its changes exclude each other */
	struct mem_dmabuf_user user;
	struct iommu_domain *domain;
	uint64_t start, length;
};

/* NULL: out of memory. The caller attaches its user to the dma-buf. */
struct iopt_dmabuf_fill *iopt_dmabuf_fill_new(const struct iopt_area *area,
					      struct iommu_domain *domain);
void iopt_dmabuf_fill_free(struct iopt_dmabuf_fill *fill);

/* The domain no longer has the area, or is on its way out. */
void iopt_dmabuf_leave(const struct iopt_area *area, const struct iommu_domain *domain);

/* ---- iopt_domain.c: areas in domains; domains_lock is held ---- */

/* Pin the area's memory and map it in every domain, or in none. -EFAULT, -EINVAL, -ENOMEM. */
int iopt_area_fill(const struct iopt *iopt, const struct iopt_area *area);

/* Take the area out of every domain, and unpin. No access is in flight when this returns. */
void iopt_area_drain(const struct iopt *iopt, const struct iopt_area *area);

/* May every area live with this alignment? */
bool iopt_areas_are_aligned_locked(const struct iopt *iopt, uint64_t alignment);

/* Domains or accesses have changed. */
void iopt_alignment_update_locked(struct iopt *iopt);

/* ---- iopt_access.c ---- */

/*
 * An area inside [start, last] that is pinned is to be unmapped. -EAGAIN: it is blocked
 * now, and has to be asked for; -EBUSY, -ENOENT: as for iopt_unmap().
 */
int iopt_area_block_locked(struct iopt *iopt, struct iopt_area *area, uint64_t start,
			   uint64_t last);

/*
 * Have all accesses unpin the first area that meets [*start, last], and set *start to
 * where it begins. No lock is held.
 */
void iopt_ask_accesses(struct iopt *iopt, uint64_t *start, uint64_t last);

/* ---- iopt_reserved.c; iova_lock is held ---- */

int iopt_reserve_locked(struct iopt *iopt, uint64_t start, uint64_t last, const void *owner);
void iopt_unreserve_locked(struct iopt *iopt, const void *owner);

#endif
