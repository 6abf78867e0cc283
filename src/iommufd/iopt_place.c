// SPDX-License-Identifier: MIT
/* Where a mapping may go: reserved and allowed ranges, alignment, first fit. */
#include "iommufd/iopt.h"

#include <errno.h>

#define HUGE_PAGE_SIZE ((uint64_t)2 << 20)

bool iopt_next_usable_locked(const struct iopt *iopt, uint64_t *start, uint64_t last,
			     uint64_t *range_last)
{
	uint64_t from = *start;
	struct iopt_reserved *r;

	base_assert_held(&iopt->iova_lock);
	base_list_for_each (r, &iopt->reserved, node) {
		if (r->last < from)
			continue;
		if (r->start > from) {
			last = base_min_u64(last, r->start - 1);
			break;
		}
		if (r->last == UINT64_MAX)
			return false;
		from = r->last + 1;
	}
	*start = from;
	*range_last = last;
	return from <= last;
}

/* The first hole of one window that takes the block (3.2 step 6). */
static bool place_in_window_locked(const struct iopt *iopt, uint64_t start, uint64_t last,
				   uint64_t length, uint64_t granule, uint64_t offset,
				   uint64_t *iova)
{
	uint64_t range_last;

	if (!base_align_up(start, granule, &start))
		return false;
	start |= offset;
	if (start >= last || last - start < length - 1)
		return false;
	while (iopt_next_usable_locked(iopt, &start, last, &range_last)) {
		/* A hole must be longer than one byte, whatever the length. */
		if (base_gaptree_fit(&iopt->areas, start, range_last, base_max_u64(length, 2),
				     granule, offset, iova))
			return true;
		if (range_last == last)
			break;
		start = range_last + 1;
	}
	return false;
}

/* Windows in ascending order: what is allowed, adjacent ranges as one; never the first page. */
static bool place_in_windows_locked(const struct iopt *iopt, uint64_t length, uint64_t granule,
				    uint64_t offset, uint64_t *iova)
{
	const uint64_t bottom = BASE_PAGE_SIZE, top = UINT64_MAX - BASE_PAGE_SIZE;
	const struct iopt_allowed *a = iopt->allowed;

	if (!iopt->allowed_count)
		return place_in_window_locked(iopt, bottom, top, length, granule, offset, iova);
	for (size_t i = 0; i < iopt->allowed_count; i++) {
		uint64_t start = base_max_u64(a[i].start, bottom), last;

		while (i + 1 < iopt->allowed_count && a[i].last + 1 == a[i + 1].start)
			i++;
		last = base_min_u64(a[i].last, top);
		if (start <= last &&
		    place_in_window_locked(iopt, start, last, length, granule, offset, iova))
			return true;
	}
	return false;
}

__attribute__((noinline)) int iopt_place_auto_locked(const struct iopt *iopt, uint64_t length,
						     uint64_t hint, uint64_t *iova)
{
	uint64_t offset = hint % BASE_PAGE_SIZE;
	uint64_t granule;

	if (!length || !base_is_aligned(length, iopt->alignment))
		return -EINVAL;
	if (length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	granule = (uint64_t)1 << (length > 1 ? base_log2(length - 1) + 1 : 0);
	if (hint)
		granule = base_min_u64(granule, base_lowest_bit(hint));
	granule = base_min_u64(granule, HUGE_PAGE_SIZE);
	if (granule < iopt->alignment)
		return -EINVAL;
	if (!place_in_windows_locked(iopt, length, granule, offset, iova))
		return -ENOSPC;
	return 0;
}
