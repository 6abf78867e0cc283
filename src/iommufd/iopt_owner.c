// SPDX-License-Identifier: MIT
/* The IOVA space: whom page sources belong to (iommufd-ioctls.md 13). */
#include "iommufd/iopt_area.h"

#include <errno.h>

/* Many spaces are locked at once: nobody can assert that this one is. */
static struct iopt_area *area_at(const struct iopt *iopt, uint64_t start)
{
	return iopt_area_of(base_gaptree_first(&iopt->areas, start, UINT64_MAX));
}

static struct iopt_area *area_after(const struct iopt *iopt, const struct iopt_area *area)
{
	return area->node.last == UINT64_MAX ? NULL : area_at(iopt, area->node.last + 1);
}

int iopt_owner_check(const struct iopt *iopt)
{
	struct iopt_area *area = area_at(iopt, 0);

	for (; area; area = area_after(iopt, area)) {
		if (*iopt_area_state(area) != IOPT_AREA_LIVE)
			return -EBUSY;
		if (area->source->kind != MEM_SOURCE_FILE)
			return -EINVAL;
		area->source->marked = false;
	}
	return 0;
}

void iopt_owner_count(const struct iopt *iopt, struct iopt_owner_change *change)
{
	const struct iopt_area *area = area_at(iopt, 0);

	for (; area; area = area_after(iopt, area)) {
		struct mem_source *source = area->source;

		if (!source->marked && mem_source_is_chargeable(source, change->client))
			change->pages[source->account] += mem_source_pinned(source);
		source->marked = true;
	}
}

void iopt_owner_set(const struct iopt *iopt, const struct iopt_owner_change *change)
{
	const struct iopt_area *area = area_at(iopt, 0);

	for (; area; area = area_after(iopt, area))
		if (area->source->client != change->client)
			mem_source_set_owner(area->source, change->client);
}
