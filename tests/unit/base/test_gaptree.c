// SPDX-License-Identifier: MIT
/* The gap tree beside a sorted array, which is asked the same with 128-bit arithmetic. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TWIN_NODES 4000
#define PAGE	   BASE_PAGE_SIZE
#define TOP	   UINT64_MAX

__extension__ typedef unsigned __int128 wide;

struct twin {
	struct base_gaptree tree;
	struct base_gapnode *sorted[TWIN_NODES];
	size_t count;
};

static struct twin twin;
static uint64_t seed;

static uint64_t random_u64(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t random_below(uint64_t n)
{
	return random_u64() % n;
}

/* Of any magnitude, not 0. */
static uint64_t random_magnitude(void)
{
	return (random_u64() | (uint64_t)1 << 63) >> random_below(64);
}

static void twin_init(void)
{
	base_gaptree_init(&twin.tree);
	twin.count = 0;
	seed = 1;
}

/* ---- the invariants ---- */

/* Check a subtree whose lowest node is sorted[*at], and move *at past it. Returns its height. */
static unsigned check_subtree(const struct base_gapnode *node, size_t *at)
{
	uint64_t max_gap, free = 0;
	unsigned left, right;

	if (!node)
		return 0;
	left = check_subtree(node->child[0], at);
	assert_true(*at < twin.count && node == twin.sorted[*at]);
	if (*at)
		free = twin.sorted[*at - 1]->last + 1;
	assert_int_equal(node->gap, node->start - free);
	++*at;
	right = check_subtree(node->child[1], at);
	max_gap = node->gap;
	for (unsigned side = 0; side < 2; side++)
		if (node->child[side])
			max_gap = base_max_u64(max_gap, node->child[side]->max_gap);
	assert_int_equal(node->max_gap, max_gap);
	assert_true(left <= right + 1 && right <= left + 1);
	assert_int_equal(node->height, 1 + base_max_u64(left, right));
	return node->height;
}

static void check_tree(void)
{
	size_t at = 0;

	check_subtree(twin.tree.root, &at);
	assert_int_equal(at, twin.count);
	assert_int_equal(twin.tree.count, twin.count);
}

/* ---- the dumb answers ---- */

static struct base_gapnode *expected_first(uint64_t start, uint64_t last)
{
	for (size_t i = 0; i < twin.count; i++)
		if (base_ranges_meet(twin.sorted[i]->start, twin.sorted[i]->last, start, last))
			return twin.sorted[i];
	return NULL;
}

struct request {
	uint64_t start, last, length, align, offset;
};

static bool expected_in_gap(const struct request *req, wide start, wide last, uint64_t *addr)
{
	wide align = req->align, at = start > req->start ? start : req->start;

	if (last > req->last)
		last = req->last;
	at = (at + align - 1) / align * align;
	at |= req->offset;
	*addr = (uint64_t)at;
	return at + req->length <= last + 1;
}

static bool expected_fit(const struct request *req, uint64_t *addr)
{
	wide free = 0;

	for (size_t i = 0; i < twin.count; i++) {
		if (free < twin.sorted[i]->start &&
		    expected_in_gap(req, free, twin.sorted[i]->start - 1, addr))
			return true;
		free = (wide)twin.sorted[i]->last + 1;
	}
	return free <= TOP && expected_in_gap(req, free, TOP, addr);
}

/* ---- both together ---- */

static bool insert(uint64_t start, uint64_t last)
{
	struct base_gapnode *node = base_alloc(sizeof(*node));
	bool clash = expected_first(start, last);
	size_t at = twin.count;

	assert_true(node && twin.count < TWIN_NODES);
	memset(node, 0xa5, sizeof(*node));
	node->start = start;
	node->last = last;
	assert_int_equal(base_gaptree_insert(&twin.tree, node), !clash);
	if (clash) {
		base_free(node);
		return false;
	}
	for (; at && twin.sorted[at - 1]->start > start; at--)
		twin.sorted[at] = twin.sorted[at - 1];
	twin.sorted[at] = node;
	twin.count++;
	return true;
}

/* By an address of it, as it was found; perhaps another was removed or inserted since then. */
static void remove_found(struct base_gapnode *node)
{
	struct base_gapway way;
	uint64_t addr = node->start + random_below(2) * (node->last - node->start);
	struct base_gapnode *other = twin.sorted[random_below(twin.count)];

	assert_ptr_equal(base_gaptree_find(&twin.tree, addr, addr, &way), node);
	if (random_below(4) == 0 && other != node) {
		base_gaptree_remove(&twin.tree, other);
		if (random_below(2)) {
			assert_true(base_gaptree_insert(&twin.tree, other));
			base_gaptree_remove_found(&twin.tree, node, &way);
		} else {
			base_gaptree_remove_found(&twin.tree, node, &way);
			assert_true(base_gaptree_insert(&twin.tree, other));
		}
	} else {
		base_gaptree_remove_found(&twin.tree, node, &way);
	}
}

static void remove_at(size_t at)
{
	struct base_gapnode *node = twin.sorted[at];

	if (random_below(2))
		remove_found(node);
	else
		base_gaptree_remove(&twin.tree, node);
	for (size_t i = 0; i < sizeof(node->user); i++)
		assert_int_equal(node->user[i], 0xa5);
	base_free(node);
	twin.count--;
	memmove(&twin.sorted[at], &twin.sorted[at + 1], (twin.count - at) * sizeof(twin.sorted[0]));
}

static void remove_all(void)
{
	while (twin.count) {
		remove_at(random_below(twin.count));
		if (twin.count % 16 == 0)
			check_tree();
	}
	assert_null(twin.tree.root);
}

static void check_first(uint64_t start, uint64_t last)
{
	struct base_gapnode *expected = expected_first(start, last);
	struct base_gapway way;

	assert_ptr_equal(base_gaptree_first(&twin.tree, start, last), expected);
	assert_ptr_equal(base_gaptree_find(&twin.tree, start, last, &way), expected);
}

static bool check_fit(const struct request *req)
{
	uint64_t want, addr = 0;
	bool found = base_gaptree_fit(&twin.tree, req->start, req->last, req->length, req->align,
				      req->offset, &addr);

	assert_int_equal(found, expected_fit(req, &want));
	if (found)
		assert_int_equal(addr, want);
	return found;
}

/* ---- tests ---- */

/* 256 units somewhere. */
struct space {
	uint64_t start;
	unsigned unit_lg2;
};

static const struct space spaces[] = {
	{0, 0}, {TOP - 255, 0}, {0x7fff00000000, 12}, {-((uint64_t)256 << 12), 12}, {0, 56},
};

static void random_range(const struct space *space, uint64_t nunits, uint64_t *start,
			 uint64_t *last)
{
	uint64_t first = random_below(257 - nunits);

	*start = space->start + (first << space->unit_lg2);
	*last = *start + (nunits << space->unit_lg2) - 1;
	if (nunits == 256)
		*last = space->start + (((uint64_t)255 << space->unit_lg2) |
					(((uint64_t)1 << space->unit_lg2) - 1));
}

static void ask_in_space(const struct space *space)
{
	struct request req = {.align = 1};
	unsigned lg2 = space->unit_lg2;

	random_range(space, 1 + random_below(1 + random_below(256)), &req.start, &req.last);
	check_first(req.start, req.last);
	check_first(req.start, req.start);
	req.length = (1 + random_below(12)) << lg2;
	check_fit(&req);
	req.align <<= random_below(lg2 + 7);
	check_fit(&req);
	req.length -= random_below(2);
	if (!req.length)
		req.length = 1;
	req.offset = req.align * random_below(4) + random_below(3);
	check_fit(&req);
	req.last = TOP;
	check_fit(&req);
}

static void random_step_in_space(const struct space *space, bool growing)
{
	uint64_t start, last, nunits = 1 + random_below(1 + random_below(6));

	if (random_below(100) < (growing ? 80 : 30)) {
		if (random_below(200) == 0)
			nunits = 256 - random_below(2) * random_below(200);
		random_range(space, nunits, &start, &last);
		insert(start, last);
	} else if (twin.count) {
		remove_at(random_below(twin.count));
	}
}

static void random_ranges_in_small_spaces_match_the_twin(void **state)
{
	(void)state;
	for (size_t i = 0; i < base_array_size(spaces); i++) {
		twin_init();
		for (unsigned step = 0; step < 12000; step++) {
			random_step_in_space(&spaces[i], step / 300 % 2 == 0);
			check_tree();
			ask_in_space(&spaces[i]);
		}
		remove_all();
	}
}

static void ask_anywhere(void)
{
	struct request req = {.start = random_u64(), .length = random_magnitude()};

	if (random_below(4) == 0)
		req.start = 0;
	if (!base_range_last(req.start, random_magnitude(), &req.last))
		req.last = TOP;
	check_first(req.start, req.last);
	req.align = (uint64_t)1 << random_below(64);
	req.offset = random_below(2) ? random_u64() % req.align : 0;
	check_fit(&req);
	req.length = 1 + random_below(1 << 20);
	req.align = (uint64_t)1 << random_below(20);
	req.offset = random_below(PAGE);
	check_fit(&req);
}

static void random_ranges_of_the_whole_space_match_the_twin(void **state)
{
	(void)state;
	twin_init();
	for (unsigned step = 0; step < 12000; step++) {
		uint64_t start = random_u64(), last;
		bool growing = step / 3000 % 2 == 0;

		if (!base_range_last(start, random_magnitude() >> 10 | 1, &last))
			last = TOP;
		if (random_below(10) < (growing ? 9 : 2))
			insert(start, last);
		else if (twin.count)
			remove_at(random_below(twin.count));
		ask_anywhere();
		if (step % 64 == 0)
			check_tree();
	}
	check_tree();
	remove_all();
}

/* The i-th of n pages in some order. */
static uint64_t in_order(unsigned order, unsigned i, unsigned n)
{
	switch (order) {
	case 0: return i;
	case 1: return n - 1 - i;
	case 2: return i % 2 ? n - 1 - i / 2 : i / 2;
	case 3: return i % 2 ? n / 2 + i / 2 : n / 2 - 1 - i / 2;
	default: return i * 37 % n;
	}
}

static void any_order_of_insertion_and_removal_stays_balanced(void **state)
{
	const unsigned n = 128;

	(void)state;
	for (unsigned order = 0; order < 25; order++) {
		twin_init();
		for (unsigned i = 0; i < n; i++) {
			uint64_t start = PAGE + 2 * PAGE * in_order(order % 5, i, n);

			assert_true(insert(start, start + PAGE - 1));
			check_tree();
		}
		for (unsigned i = 0; i < n; i++) {
			uint64_t start = PAGE + 2 * PAGE * in_order(order / 5, i, n);
			size_t at = 0;

			while (twin.sorted[at]->start != start)
				at++;
			remove_at(at);
			check_tree();
		}
	}
}

static void empty_tree_is_one_gap(void **state)
{
	static const struct request reqs[] = {
		{0, TOP, 1, 1, 0},
		{0, TOP, TOP, 1, 0},
		{1, TOP, TOP, 1, 0},
		{2, TOP, TOP, 1, 0},
		{TOP, TOP, 1, 1, 0},
		{TOP, TOP, 2, 1, 0},
		{TOP, TOP, 1, 2, 1},
		{0, TOP, (uint64_t)1 << 63, (uint64_t)1 << 63, 0},
		{1, TOP, (uint64_t)1 << 63, (uint64_t)1 << 63, 0},
		{1, TOP, ((uint64_t)1 << 63) + 1, (uint64_t)1 << 63, 0},
		{((uint64_t)1 << 63) + 1, TOP, 1, (uint64_t)1 << 63, 0},
		{0x1000, 0x1fff, 0x1000, 0x1000, 0},
		{0x1000, 0x1fff, 0x1000, 0x1000, 1},
		{0x1000, 0x1fff, 0x1001, 0x1000, 0},
		{0x1001, 0x1fff, 0x1000, 1, 0},
	};

	(void)state;
	twin_init();
	check_first(0, TOP);
	for (size_t i = 0; i < base_array_size(reqs); i++)
		check_fit(&reqs[i]);
}

static void one_range_can_be_everything(void **state)
{
	(void)state;
	twin_init();
	assert_true(insert(0, TOP));
	check_tree();
	assert_false(insert(0, TOP));
	assert_false(insert(0, 0));
	assert_false(insert(TOP, TOP));
	assert_false(insert(5, 10));
	check_tree();
	check_first(TOP, TOP);
	check_first(0, 0);
	assert_false(check_fit(&(struct request){0, TOP, 1, 1, 0}));
	remove_all();
	assert_true(check_fit(&(struct request){0, TOP, TOP, 1, 0}));
}

static void both_ends_of_the_space_can_be_taken(void **state)
{
	(void)state;
	twin_init();
	assert_true(insert(TOP, TOP));
	assert_true(check_fit(&(struct request){0, TOP, TOP, 1, 0}));
	assert_true(insert(0, 0));
	check_tree();
	assert_false(check_fit(&(struct request){0, TOP, TOP, 1, 0}));
	assert_true(check_fit(&(struct request){0, TOP, TOP - 1, 1, 0}));
	assert_false(check_fit(&(struct request){0, TOP, TOP - 1, 2, 0}));
	assert_true(insert(1, TOP - 1));
	check_tree();
	assert_false(check_fit(&(struct request){0, TOP, 1, 1, 0}));
	remove_at(1);
	check_tree();
	assert_true(check_fit(&(struct request){0, TOP, TOP - 1, 1, 0}));
	remove_all();
}

static void ranges_that_meet_are_refused(void **state)
{
	(void)state;
	twin_init();
	assert_true(insert(100, 199));
	assert_true(insert(300, 399));
	assert_false(insert(100, 199));
	assert_false(insert(50, 100));
	assert_false(insert(199, 250));
	assert_false(insert(150, 160));
	assert_false(insert(250, 300));
	assert_false(insert(200, 350));
	assert_false(insert(0, TOP));
	assert_false(insert(200, 300));
	check_tree();
	assert_true(insert(200, 299));
	assert_true(insert(0, 99));
	check_tree();
	remove_all();
}

static void fit_finds_the_room_behind_packed_areas(void **state)
{
	uint64_t addr;

	(void)state;
	twin_init();
	for (uint64_t i = 1; i <= 2000; i++)
		assert_true(insert(i * PAGE, i * PAGE + PAGE - 1));
	assert_true(base_gaptree_fit(&twin.tree, PAGE, TOP - PAGE, PAGE, PAGE, 0, &addr));
	assert_int_equal(addr, 2001 * PAGE);
	remove_at(1499);
	assert_true(base_gaptree_fit(&twin.tree, PAGE, TOP - PAGE, PAGE, PAGE, 0, &addr));
	assert_int_equal(addr, 1500 * PAGE);
	assert_true(base_gaptree_fit(&twin.tree, PAGE, TOP - PAGE, 2 * PAGE, PAGE, 0, &addr));
	assert_int_equal(addr, 2001 * PAGE);
	assert_false(base_gaptree_fit(&twin.tree, PAGE, 2000 * PAGE, 2 * PAGE, PAGE, 0, &addr));
	remove_all();
}

/* iommufd-ioctls.md 3.6: what is taken, and one automatic choice within [start, last]. */
struct example {
	struct {
		uint64_t start, last;
	} taken[3];
	struct request req;
	uint64_t addr; /* 0: ENOSPC */
};

static const struct example examples[] = {
	{.req = {PAGE, TOP - PAGE, 0x3000, 0x1000, 0}, .addr = 0x1000},
	{.req = {PAGE, TOP - PAGE, 0x3000, 0x4000, 0}, .addr = 0x4000},
	{.req = {PAGE, TOP - PAGE, 0x100, 4, 0x804}, .addr = 0x1804},
	{.req = {PAGE, TOP - PAGE, 0x5000, 0x8000, 0}, .addr = 0x8000},
	{
		.taken = {{0, 0xffffff}, {0x80000000, TOP}},
		.req = {PAGE, TOP - PAGE, 0x200000, 0x200000, 0},
		.addr = 0x1000000,
	},
	{
		.taken = {{0, 0xffffff}, {0x80000000, TOP}, {0x1000000, 0x11fffff}},
		.req = {PAGE, TOP - PAGE, 0x200000, 0x200000, 0},
		.addr = 0x1200000,
	},
	{.req = {0x5000, 0x7fff, 0x4000, 0x1000, 0}, .addr = 0},
};

static void worked_examples_of_automatic_iovas(void **state)
{
	(void)state;
	for (size_t i = 0; i < base_array_size(examples); i++) {
		const struct example *example = &examples[i];
		const struct request *req = &example->req;
		uint64_t addr = 0;

		twin_init();
		for (unsigned j = 0; j < 3 && example->taken[j].last; j++)
			assert_true(insert(example->taken[j].start, example->taken[j].last));
		assert_int_equal(base_gaptree_fit(&twin.tree, req->start, req->last, req->length,
						  req->align, req->offset, &addr),
				 example->addr != 0);
		assert_int_equal(addr, example->addr);
		check_fit(req);
		remove_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_tree_is_one_gap),
		cmocka_unit_test(one_range_can_be_everything),
		cmocka_unit_test(both_ends_of_the_space_can_be_taken),
		cmocka_unit_test(ranges_that_meet_are_refused),
		cmocka_unit_test(any_order_of_insertion_and_removal_stays_balanced),
		cmocka_unit_test(fit_finds_the_room_behind_packed_areas),
		cmocka_unit_test(worked_examples_of_automatic_iovas),
		cmocka_unit_test(random_ranges_in_small_spaces_match_the_twin),
		cmocka_unit_test(random_ranges_of_the_whole_space_match_the_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
