/* SPDX-License-Identifier: MIT */
/* What the tests of dirty tracking share: its two calls, and a device that writes. */
#ifndef TESTS_ABI_DIRTY_H
#define TESTS_ABI_DIRTY_H

#include "abi.h"

#define DIRTY	 IOMMU_HWPT_ALLOC_DIRTY_TRACKING
#define NEST	 IOMMU_HWPT_ALLOC_NEST_PARENT
#define ENABLE	 IOMMU_HWPT_DIRTY_TRACKING_ENABLE
#define NO_CLEAR IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR

/* Both domains have it. */
#define IOVA  0x2000000ull
#define PAGES 64

/* ---- the calls ---- */

static inline int set_dirty(struct abi *abi, uint32_t hwpt, uint32_t flags)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.hwpt_id = hwpt,
		.__reserved = ~0u, /* 16: not checked */
	};

	return abi_ioctl(abi, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd);
}

static inline int get_dirty(struct abi *abi, uint32_t hwpt, uint32_t flags, uint64_t iova,
			    uint64_t length, uint64_t page_size, const void *data)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.flags = flags,
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.data = ADDR(data),
	};

	return abi_ioctl(abi, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
}

/* ---- a device on a HWPT that keeps dirty state ---- */

struct scene {
	uint32_t ioas, hwpt;
	uint8_t *memory;
};

static inline void make_hwpt(struct abi *abi, struct scene *scene, uint32_t flags)
{
	abi_bound(abi, 0);
	scene->ioas = abi_ioas(abi);
	ok(abi_hwpt(abi, abi->devid[0], scene->ioas, flags, NULL, &scene->hwpt));
}

/* PAGES mappings of a page each, so that no leaf is larger; tracking is on. */
static inline void make_scene(struct abi *abi, struct scene *scene)
{
	make_hwpt(abi, scene, DIRTY);
	scene->memory = abi_pages(abi, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		ok(abi_map_at(abi, scene->ioas, RW, scene->memory + i * PAGE, PAGE,
			      IOVA + i * PAGE));
	abi_attached(abi, 0, scene->hwpt);
	ok(set_dirty(abi, scene->hwpt, ENABLE));
}

static inline void write_page(struct abi *abi, unsigned page)
{
	assert_true(abi_writes(abi, 0, IOVA + page * PAGE));
}

/* The dirty state of all pages. */
static inline uint64_t pages_of(struct abi *abi, const struct scene *scene, uint32_t flags)
{
	uint64_t bits = 0;

	ok(get_dirty(abi, scene->hwpt, flags, IOVA, PAGES * PAGE, PAGE, &bits));
	return bits;
}

#endif
