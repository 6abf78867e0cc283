// SPDX-License-Identifier: MIT
/* The IOVA space: ranges that are reserved, and those that are allowed. */
#include "iommufd/iopt_area.h"

#include <errno.h>

static bool is_allowed_locked(const struct iopt *iopt, uint64_t start, uint64_t last)
{
	for (size_t i = 0; i < iopt->allowed_count; i++)
		if (base_ranges_meet(start, last, iopt->allowed[i].start, iopt->allowed[i].last))
			return true;
	return false;
}

int iopt_reserve_locked(struct iopt *iopt, uint64_t start, uint64_t last, const void *owner)
{
	struct iopt_reserved *r, *at;

	base_assert_held(&iopt->iova_lock);
	if (iopt_area_first_locked(iopt, start, last) || is_allowed_locked(iopt, start, last))
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

void iopt_unreserve_locked(struct iopt *iopt, const void *owner)
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
	return iopt_reserve_locked(iopt, start, last, owner);
}

void iopt_unreserve(struct iopt *iopt, const void *owner)
{
	base_scoped_write(&iopt->iova_lock);
	iopt_unreserve_locked(iopt, owner);
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
