// SPDX-License-Identifier: MIT
/*
 * The IOVA space: areas over dma-bufs, which leave every domain at once and for good
 * when the exporter revokes the buffer (iommufd-ioctls.md 8). They stay in the space.
 */
#include "iommufd/iopt_area.h"

#include <errno.h>

struct dmabuf_area {
	struct iopt_area area;
	struct base_list fills; /* struct iopt_dmabuf_fill */
};

static struct base_list *fills_of(const struct iopt_area *area)
{
	return &base_container_of(area, struct dmabuf_area, area)->fills;
}

struct iopt_area *iopt_dmabuf_area_alloc(void)
{
	struct dmabuf_area *area = base_alloc(sizeof(*area));

	if (!area)
		return NULL;
	base_list_init(&area->fills);
	return &area->area;
}

/* The area stays, the domain loses it. */
static void fill_revoke(struct mem_dmabuf_user *user)
{
	struct iopt_dmabuf_fill *fill = base_container_of(user, struct iopt_dmabuf_fill, user);
	struct base_list trash;

	base_list_init(&trash);
	iommu_domain_unmap(fill->domain, fill->start, fill->length, &trash);
	iommu_sync(&trash);
}

struct iopt_dmabuf_fill *iopt_dmabuf_fill_new(const struct iopt_area *area,
					      struct iommu_domain *domain)
{
	struct iopt_dmabuf_fill *fill = base_alloc(sizeof(*fill));

	if (!fill)
		return NULL;
	fill->user.revoke = fill_revoke;
	fill->domain = domain;
	fill->start = area->node.start;
	fill->length = iopt_area_length(area);
	base_list_add_tail(fills_of(area), &fill->node);
	return fill;
}

void iopt_dmabuf_fill_free(struct iopt_dmabuf_fill *fill)
{
	base_list_remove(&fill->node);
	base_free(fill);
}

void iopt_dmabuf_leave(const struct iopt_area *area, const struct iommu_domain *domain)
{
	struct mem_dmabuf *dmabuf = mem_source_dmabuf(area->source);
	struct iopt_dmabuf_fill *fill, *next;

	base_list_for_each_safe (fill, next, fills_of(area), node) {
		if (fill->domain != domain)
			continue;
		base_mutex_lock(&dmabuf->lock);
		mem_dmabuf_detach_locked(dmabuf, &fill->user);
		base_mutex_unlock(&dmabuf->lock);
		iopt_dmabuf_fill_free(fill);
	}
}
