// SPDX-License-Identifier: MIT
/* HW_QUEUE_ALLOC (iommufd-ioctls.md 23; iommufd-objects.md 13.4; iommufd-test-abi.md 9). */
#include "abi.h"

#define TYPE IOMMU_HW_QUEUE_TYPE_SELFTEST

/*
 * Pages of the IOAS. 0-3, 4: two areas whose memory is contiguous. 5: other memory.
 * 6: nothing. 7: cannot be read.
 */
#define BASE  0x2000000ull
#define AT(n) (BASE + (n)*PAGE)

struct scene {
	uint32_t ioas, parent, viommu, next;
	uint8_t *memory, *other;
};

static void make_scene(struct abi *abi, struct scene *s)
{
	s->memory = abi_pages(abi, 5);
	s->other = abi_pages(abi, 3);
	s->ioas = abi_ioas(abi);
	ok(abi_map_at(abi, s->ioas, RW, s->memory, 4 * PAGE, AT(0)));
	ok(abi_map_at(abi, s->ioas, R, s->memory + 4 * PAGE, PAGE, AT(4)));
	ok(abi_map_at(abi, s->ioas, RW, s->other, PAGE, AT(5)));
	ok(abi_map_at(abi, s->ioas, W, s->other + PAGE, PAGE, AT(7)));
	abi_bound(abi, 0);
	s->parent = abi_parent(abi, 0, s->ioas);
	ok(abi_viommu(abi, abi->devid[0], s->parent, &s->viommu));
	s->next = abi_next_id(abi);
}

/* ---- the ioctl ---- */

enum who { VIOMMU, PARENT, NOBODY };

struct alloc_row {
	const char *name;
	uint32_t flags, type;
	enum who who;
	uint32_t index;
	uint64_t iova, length;
	int want;
};

static const struct alloc_row rows[] = {
	{"one page", 0, TYPE, VIOMMU, 0, AT(0), PAGE, 0},
	{"a few bytes", 0, TYPE, VIOMMU, 0, AT(0) + 100, 1, 0},
	{"bytes of two pages", 0, TYPE, VIOMMU, 0, AT(1) - 1, 2, 0},
	{"memory that can only be read", 0, TYPE, VIOMMU, 0, AT(4), PAGE, 0},
	{"two areas with contiguous memory", 0, TYPE, VIOMMU, 0, AT(2), 3 * PAGE, 0},
	{"step 1: flags", 1, TYPE, NOBODY, 0, AT(0), 0, -EOPNOTSUPP},
	{"step 1: type 0", 0, 0, NOBODY, 0, AT(0), 0, -EOPNOTSUPP},
	{"step 2: no length", 0, 77, NOBODY, 0, AT(0), 0, -EINVAL},
	{"step 3: beyond the last address", 0, 77, NOBODY, 0, ULAST, 2, -EOVERFLOW},
	{"step 4: no such vIOMMU", 0, 77, NOBODY, 0, AT(0), PAGE, -ENOENT},
	{"step 4: an HWPT is no vIOMMU", 0, TYPE, PARENT, 0, AT(0), PAGE, -ENOENT},
	{"step 5: a type the driver has not", 0, 1, VIOMMU, 0, 0, ULAST, -EOPNOTSUPP},
	{"step 7: too many pages", 0, TYPE, VIOMMU, 9, 1, ULAST, -ERANGE},
	{"step 7: too many pages, from the first", 0, TYPE, VIOMMU, 9, 0, ULAST, -ERANGE},
	{"step 9: nothing there", 0, TYPE, VIOMMU, 9, AT(6), PAGE, -ENOENT},
	{"step 9: a gap at the end", 0, TYPE, VIOMMU, 9, AT(4), 3 * PAGE, -ENOENT},
	{"step 9: a gap at the end of the last page", 0, TYPE, VIOMMU, 9, AT(5), PAGE + 1, -ENOENT},
	{"step 9: cannot be read", 0, TYPE, VIOMMU, 9, AT(7), PAGE, -EPERM},
	{"step 10: not contiguous", 0, TYPE, VIOMMU, 9, AT(4), 2 * PAGE, -EFAULT},
	{"step 10: not contiguous at the last byte", 0, TYPE, VIOMMU, 9, AT(4), PAGE + 1, -EFAULT},
	{"step 11: no such queue", 0, TYPE, VIOMMU, 2, AT(0), PAGE, -EINVAL},
	{"step 11: the queue before it is missing", 0, TYPE, VIOMMU, 1, AT(0), PAGE, -EIO},
};

static void hw_queue_alloc(struct abi *abi)
{
	const struct alloc_row *row = abi->row;
	struct iommu_hw_queue_alloc cmd = {.size = sizeof(cmd), .flags = row->flags};
	struct scene s;

	make_scene(abi, &s);
	cmd.viommu_id = row->who == VIOMMU ? s.viommu : row->who == PARENT ? s.parent : NO_ID;
	cmd.type = row->type;
	cmd.index = row->index;
	cmd.nesting_parent_iova = row->iova;
	cmd.length = row->length;
	expect(abi_ioctl(abi, IOMMU_HW_QUEUE_ALLOC, &cmd), row->want);
	if (!row->want) {
		assert_int_equal(cmd.out_hw_queue_id, s.next);
		ok(abi_destroy(abi, s.next));
	}
	/* Nothing is left, also on failure. */
	assert_int_equal(abi_next_id(abi), s.next);
	expect_ranges(abi, s.ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	ok(abi_unmap_all(abi, s.ioas, NULL));
	ok(abi_destroy(abi, s.viommu));
}

/* Step 12 */
static void a_queue_that_cannot_be_reported_is_undone(struct abi *abi)
{
	struct iommu_hw_queue_alloc cmd = {.size = sizeof(cmd),
					   .type = TYPE,
					   .nesting_parent_iova = AT(0),
					   .length = PAGE};
	struct scene s;

	make_scene(abi, &s);
	cmd.viommu_id = s.viommu;
	expect(abi_ioctl(abi, IOMMU_HW_QUEUE_ALLOC, abi_constant_copy(abi, &cmd, sizeof(cmd), 8)),
	       -EFAULT);
	assert_int_equal(abi_next_id(abi), s.next);
	ok(abi_unmap_all(abi, s.ioas, NULL));
}

/* Step 8 */
static void small_areas_are_eaddrinuse(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(abi_map_at(abi, s.ioas, RW, s.other + 2 * PAGE, 2048, AT(9)));
	expect(abi_hw_queue(abi, s.viommu, 0, AT(0), PAGE, &id), -EADDRINUSE);
	assert_int_equal(abi_next_id(abi), s.next);
	ok(abi_unmap(abi, s.ioas, AT(9), 2048, NULL));
	ok(abi_hw_queue(abi, s.viommu, 0, AT(0), PAGE, &id));
}

/* ---- while it lives ---- */

static void its_memory_cannot_be_unmapped(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(abi_hw_queue(abi, s.viommu, 0, AT(3), PAGE + 1, &id));
	/* iommufd-ioctls.md 10.4: b comes before c; the areas as a whole are locked. */
	expect(abi_unmap(abi, s.ioas, AT(0), 4 * PAGE, NULL), -EBUSY);
	expect(abi_unmap(abi, s.ioas, AT(0), PAGE, NULL), -EBUSY);
	expect(abi_unmap(abi, s.ioas, AT(4), PAGE, NULL), -EBUSY);
	expect(abi_unmap_all(abi, s.ioas, NULL), -EBUSY);
	ok(abi_unmap(abi, s.ioas, AT(5), PAGE, NULL));
	assert_true(abi_next_id(abi) == s.next + 2);
	/* It was not blocked by that: another queue can have it. */
	ok(abi_hw_queue(abi, s.viommu, 1, AT(3), PAGE, &id));
	ok(abi_destroy(abi, id));
	ok(abi_destroy(abi, s.next));
	ok(abi_unmap(abi, s.ioas, AT(0), 5 * PAGE, NULL));
}

static void an_unmap_stops_at_its_memory(struct abi *abi)
{
	uint64_t unmapped;
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(abi_hw_queue(abi, s.viommu, 0, AT(4), PAGE, &id));
	expect(abi_unmap_all(abi, s.ioas, NULL), -EBUSY);
	ok(abi_destroy(abi, id));
	ok(abi_unmap_all(abi, s.ioas, &unmapped));
	assert_int_equal(unmapped, 3 * PAGE);
}

static void the_ioas_has_pages_only(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(abi_hw_queue(abi, s.viommu, 0, AT(0), 16, &id));
	expect_ranges(abi, s.ioas, PAGE, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	expect(abi_map_at(abi, s.ioas, RW, s.other + 2 * PAGE, 2048, AT(9)), -EINVAL);
	ok(abi_destroy(abi, id));
	expect_ranges(abi, s.ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	ok(abi_map_at(abi, s.ioas, RW, s.other + 2 * PAGE, 2048, AT(9)));
}

/* iommufd-objects.md 3.5, 7; iommufd-test-abi.md 15.1 */
static void it_has_a_hidden_access_and_holds_its_viommu(struct abi *abi)
{
	struct scene s;
	uint32_t id;

	make_scene(abi, &s);
	ok(abi_hw_queue(abi, s.viommu, 0, AT(0), PAGE, &id));
	assert_int_equal(id, s.next);
	assert_int_equal(abi_next_id(abi), s.next + 2);
	expect(abi_destroy(abi, s.next + 1), -EBUSY);
	expect(abi_destroy(abi, s.viommu), -EBUSY);
	expect(abi_destroy(abi, s.ioas), -EBUSY);
	ok(abi_destroy(abi, id));
	expect(abi_destroy(abi, s.next + 1), -ENOENT);
	assert_int_equal(abi_next_id(abi), s.next);
	ok(abi_destroy(abi, s.viommu));
	ok(abi_destroy(abi, s.parent));
	ok(abi_destroy(abi, s.ioas));
}

/* iommufd-test-abi.md 9 */
static void queue_1_stands_on_queue_0(struct abi *abi)
{
	uint32_t id[2], other;
	struct scene s;

	make_scene(abi, &s);
	expect(abi_hw_queue(abi, s.viommu, 1, AT(0), PAGE, &id[1]), -EIO);
	ok(abi_hw_queue(abi, s.viommu, 0, AT(0), PAGE, &id[0]));
	expect(abi_hw_queue(abi, s.viommu, 0, AT(0), PAGE, &other), -EEXIST);
	ok(abi_hw_queue(abi, s.viommu, 1, AT(0), PAGE, &id[1]));
	expect(abi_hw_queue(abi, s.viommu, 1, AT(0), PAGE, &other), -EEXIST);
	expect(abi_destroy(abi, id[0]), -EBUSY);
	ok(abi_destroy(abi, id[1]));
	ok(abi_hw_queue(abi, s.viommu, 1, AT(1), PAGE, &id[1]));
	ok(abi_destroy(abi, id[1]));
	ok(abi_destroy(abi, id[0]));
	expect(abi_hw_queue(abi, s.viommu, 1, AT(0), PAGE, &id[1]), -EIO);
}

static void each_viommu_has_its_own_queues(struct abi *abi)
{
	uint32_t other, id;
	struct scene s;

	make_scene(abi, &s);
	ok(abi_viommu(abi, abi->devid[0], s.parent, &other));
	ok(abi_hw_queue(abi, s.viommu, 0, AT(0), PAGE, &id));
	expect(abi_hw_queue(abi, other, 1, AT(0), PAGE, &id), -EIO);
	ok(abi_hw_queue(abi, other, 0, AT(0), PAGE, &id));
}

int main(void)
{
	abi_rows(abi_mock, rows, hw_queue_alloc);
	abi_on(abi_mock, a_queue_that_cannot_be_reported_is_undone);
	abi_on(abi_mock, small_areas_are_eaddrinuse);
	abi_on(abi_mock, its_memory_cannot_be_unmapped);
	abi_on(abi_mock, an_unmap_stops_at_its_memory);
	abi_on(abi_mock, the_ioas_has_pages_only);
	abi_on(abi_mock, it_has_a_hidden_access_and_holds_its_viommu);
	abi_on(abi_mock, queue_1_stands_on_queue_0);
	abi_on(abi_mock, each_viommu_has_its_own_queues);
	return abi_run("hw_queue");
}
