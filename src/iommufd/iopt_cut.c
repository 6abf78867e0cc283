// SPDX-License-Identifier: MIT
/* The IOVA space: an area becomes two (vfio-device-ioctls.md 13). */
#include "iommufd/iopt_area.h"

#include <errno.h>

/* An area is cut into `area`, the lower part, which becomes shorter, and `upper`. */
struct cut {
	struct iopt_area *area, *upper;
	uint64_t lower_length, upper_length;
};

/* Pin the parts by themselves for one domain; all of it is pinned already. */
static int pin_parts(const struct cut *cut)
{
	struct mem_source *source = cut->area->source;
	int rc = mem_source_pin(source, cut->area->offset, cut->lower_length);

	if (rc)
		return rc;
	rc = mem_source_pin(source, cut->upper->offset, cut->upper_length);
	if (rc)
		mem_source_unpin(source, cut->area->offset, cut->lower_length);
	return rc;
}

static void unpin_parts(const struct cut *cut)
{
	mem_source_unpin(cut->area->source, cut->area->offset, cut->lower_length);
	mem_source_unpin(cut->upper->source, cut->upper->offset, cut->upper_length);
}

/* What each domain has pinned of the area, it has pinned of the parts then. */
static int repin(const struct iopt *iopt, const struct cut *cut)
{
	struct iopt_domain *d, *undo;
	int rc = 0;

	base_list_for_each (d, &iopt->domains, node) {
		rc = pin_parts(cut);
		if (rc)
			break;
	}
	base_list_for_each (undo, &iopt->domains, node) {
		if (rc && undo == d)
			break;
		if (rc)
			unpin_parts(cut);
		else
			mem_source_unpin(cut->area->source, cut->area->offset,
					 iopt_area_length(cut->area));
	}
	return rc;
}

/* Leaves are pages, so that the domains stay as they are. */
static int area_cut_locked(struct iopt *iopt, struct iopt_area *area, uint64_t border)
{
	struct cut cut = {
		.area = area,
		.upper = base_alloc(sizeof(*cut.upper)),
		.lower_length = border - area->node.start + 1,
		.upper_length = area->node.last - border,
	};
	bool entered;
	int rc;

	if (!cut.upper)
		return -ENOMEM;
	iopt_area_init(cut.upper, area->source, area->offset + cut.lower_length,
		       iopt_area_prot(area), IOPT_AREA_LIVE);
	rc = repin(iopt, &cut);
	if (rc) {
		base_free(cut.upper);
		return rc;
	}
	mem_source_get(area->source);
	cut.upper->node.start = border + 1;
	cut.upper->node.last = area->node.last;
	base_gaptree_remove(&iopt->areas, &area->node);
	area->node.last = border;
	entered = base_gaptree_insert(&iopt->areas, &area->node) &&
		  base_gaptree_insert(&iopt->areas, &cut.upper->node);
	base_assert(entered);
	return 0;
}

int iopt_cut(struct iopt *iopt, uint64_t border)
{
	struct iopt_area *area;

	base_scoped_read(&iopt->domains_lock);
	base_scoped_write(&iopt->iova_lock);

	if (!iopt->small_pages)
		return 0;
	area = iopt_area_first_locked(iopt, border, border);
	if (!area || area->node.start == border || area->node.last == border)
		return 0;
	if (*iopt_area_state(area) != IOPT_AREA_LIVE || *iopt_area_blocked(area))
		return -EBUSY;
	if (area->source->kind == MEM_SOURCE_DMABUF)
		return -EOPNOTSUPP;
	if (!base_is_aligned(border + 1, iopt->alignment) || *iopt_area_pins(area))
		return -EINVAL;
	return area_cut_locked(iopt, area, border);
}
