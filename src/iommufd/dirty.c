// SPDX-License-Identifier: MIT
/*
 * Dirty tracking of a paging HWPT (iommufd-ioctls.md 16, 17), and how its state
 * gets into a client's bitmap: a page of the bitmap at a time is put together
 * here, then the bytes with bits in them are merged into the client's memory.
 */
#include "iommufd/private.h"

#include <errno.h>
#include <string.h>

#define WINDOW_WORDS (BASE_PAGE_SIZE / sizeof(uint64_t))

/* Words that are merged at once. */
#define RUN_WORDS 32

/* The part of the bitmap that is in one page of the client's memory. */
struct window {
	struct mem_client *client;
	uint64_t addr; /* of the first bit */
	struct pgtable_dirty dirty;
	uint64_t bits[WINDOW_WORDS];
};

static struct iommufd_hwpt *hwpt_lookup(struct iommufd_call *call, uint32_t id)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, id, IOMMUFD_OBJ_HWPT_PAGING);

	return obj ? base_container_of(obj, struct iommufd_hwpt, obj) : NULL;
}

int iommufd_hwpt_set_dirty(struct iommufd_call *call, struct iommu_hwpt_set_dirty_tracking *cmd)
{
	struct iommufd_hwpt *hwpt;

	if (cmd->flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = hwpt_lookup(call, cmd->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	if (!hwpt->domain->keeps_dirty)
		return -EOPNOTSUPP;
	iommu_domain_set_tracking(hwpt->domain, cmd->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
	return 0;
}

/* ---- the client's bitmap ---- */

/* The window whose first bit, at addr, stands for `start`. */
static void window_open(struct window *w, uint64_t addr, uint64_t start)
{
	uint64_t units = 8 * (BASE_PAGE_SIZE - addr % BASE_PAGE_SIZE);
	struct pgtable_dirty *dirty = &w->dirty;

	w->addr = addr;
	memset(w->bits, 0, sizeof(w->bits));
	dirty->start = start;
	if (units > UINT64_MAX >> dirty->unit_lg2 ||
	    !base_range_last(start, units << dirty->unit_lg2, &dirty->last))
		dirty->last = UINT64_MAX;
}

/* Merge words from `first` on, none of which is 0. Only bytes with a bit in them are touched. */
static void window_merge(const struct window *w, unsigned first, unsigned count)
{
	const uint64_t *bits = w->bits + first;
	size_t skip = (size_t)__builtin_ctzll(bits[0]) / 8;
	size_t size = count * sizeof(*bits) - skip - (size_t)__builtin_clzll(bits[count - 1]) / 8;
	uint64_t addr = w->addr + first * sizeof(*bits) + skip, theirs[RUN_WORDS] = {0};

	/* Bits that cannot be written are lost (17.7). */
	if (mem_copy_in(w->client, (uint8_t *)theirs + skip, addr, size))
		return;
	for (unsigned i = 0; i < count; i++)
		theirs[i] |= bits[i];
	mem_copy_out(w->client, addr, (uint8_t *)theirs + skip, size);
}

static void window_write(const struct window *w)
{
	const struct pgtable_dirty *dirty = &w->dirty;
	uint64_t last = base_min_u64(dirty->reach, dirty->last);
	unsigned words, end;

	if (!dirty->found || last < dirty->start)
		return;
	words = (unsigned)((last - dirty->start) >> dirty->unit_lg2) / 64 + 1;
	for (unsigned word = 0; word < words; word = end) {
		for (end = word; end < words && end - word < RUN_WORDS && w->bits[end];)
			end++;
		if (end == word)
			end++;
		else
			window_merge(w, word, end - word);
	}
}

/* Go on with the next page. A leaf that reaches into it was reported only once. */
static void window_advance(struct window *w)
{
	uint64_t start = w->dirty.last + 1;

	window_write(w);
	window_open(w, w->addr + (BASE_PAGE_SIZE - w->addr % BASE_PAGE_SIZE), start);
	if (w->dirty.found && w->dirty.reach >= start)
		pgtable_dirty_add(&w->dirty, start, w->dirty.reach);
}

/* ---- GET_DIRTY_BITMAP ---- */

/* From area to area up to the first hole. Nothing fails (17.7). */
static void read_areas_locked(const struct iopt *iopt, struct iommu_domain *domain, uint64_t iova,
			      uint64_t last, struct window *w)
{
	uint64_t area_last;

	base_assert_held(&iopt->iova_lock);
	while (iopt_area_at_locked(iopt, iova, &area_last)) {
		uint64_t part_last = base_min_u64(base_min_u64(area_last, last), w->dirty.last);

		iommu_domain_read_dirty(domain, iova, part_last, &w->dirty);
		if (part_last == last)
			break;
		if (part_last == w->dirty.last)
			window_advance(w);
		iova = part_last + 1;
	}
	window_write(w);
	if (w->dirty.found && w->dirty.clear)
		iommu_domain_sync_dirty(domain);
}

/* 17.4 */
static int check_alignment_locked(const struct iopt *iopt,
				  const struct iommu_hwpt_get_dirty_bitmap *cmd, uint64_t last)
{
	uint64_t borders = cmd->iova | (last + 1);

	base_assert_held(&iopt->iova_lock);
	if (!base_is_aligned(borders, iopt->alignment) || !cmd->page_size ||
	    (borders & (cmd->page_size - 1)))
		return -EINVAL;
	return 0;
}

static int get_dirty(struct iommufd_call *call, const struct iommufd_hwpt *hwpt,
		     const struct iommu_hwpt_get_dirty_bitmap *cmd, uint64_t last)
{
	struct iopt *iopt = &hwpt->ioas->iopt;
	struct window *w;
	int rc;

	base_scoped_read(&iopt->iova_lock);
	rc = check_alignment_locked(iopt, cmd, last);
	if (rc)
		return rc;
	if (!hwpt->domain->keeps_dirty)
		return -EOPNOTSUPP;
	w = base_alloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->client = call->client;
	w->dirty = (struct pgtable_dirty){
		.bits = w->bits,
		.unit_lg2 = (unsigned)__builtin_ctzll(cmd->page_size),
		.clear = !(cmd->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR),
	};
	window_open(w, cmd->data, cmd->iova);
	read_areas_locked(iopt, hwpt->domain, cmd->iova, last, w);
	base_free(w);
	return 0;
}

int iommufd_hwpt_get_dirty(struct iommufd_call *call, struct iommu_hwpt_get_dirty_bitmap *cmd)
{
	struct iommufd_hwpt *hwpt;
	uint64_t last;

	if ((cmd->flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) || cmd->__reserved)
		return -EOPNOTSUPP;
	hwpt = hwpt_lookup(call, cmd->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	/* Nothing from 0 on is the whole space (17.3). */
	if (__builtin_add_overflow(cmd->iova, cmd->length - 1, &last))
		return -EOVERFLOW;
	return get_dirty(call, hwpt, cmd, last);
}
