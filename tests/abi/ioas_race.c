// SPDX-License-Identifier: MIT
/*
 * Mappings that come and go under several threads (iommufd-ioctls.md 29), and memory
 * that DMA must not reach any more once the call that took it away has returned.
 */
#include "race.h"

#include <sched.h>
#include <stdlib.h>

#define DUELS 3000
#define BASE  0x2000000ull

/* ---- duels on one IOAS ---- */

struct map_call {
	uint32_t ioas;
	uint64_t va, iova, length;
};

static int map_fixed(struct abi *abi, void *arg)
{
	struct map_call *call = arg;

	return abi_map(abi, call->ioas, RW | FIXED, call->va, call->length, &call->iova);
}

static int map_auto(struct abi *abi, void *arg)
{
	struct map_call *call = arg;

	return abi_map(abi, call->ioas, RW, call->va, call->length, &call->iova);
}

static int unmap(struct abi *abi, void *arg)
{
	struct map_call *call = arg;

	return abi_unmap(abi, call->ioas, call->iova, call->length, NULL);
}

static int destroy(struct abi *abi, void *arg)
{
	struct map_call *call = arg;

	return abi_destroy(abi, call->ioas);
}

/* The devices of a duel: 0 and 1. */
static int attach_0(struct abi *abi, void *arg)
{
	return abi_attach(abi, 0, arg);
}

static int attach_1(struct abi *abi, void *arg)
{
	return abi_attach(abi, 1, arg);
}

static int detach_0(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_detach(abi, 0);
}

static int detach_1(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_detach(abi, 1);
}

/* Two calls on one page of an IOAS, to which device 0 is attached in every other round. */
struct scene {
	uint32_t ioas;
	uint8_t *page;
	struct map_call a, b;
};

static void make_scene(struct abi *abi, struct scene *s, unsigned round)
{
	if (!round) {
		s->page = abi_pages(abi, 2);
		abi_bound(abi, 0);
		abi_bound(abi, 1);
	}
	s->ioas = abi_ioas(abi);
	if (round % 2)
		abi_attached(abi, 0, s->ioas);
	s->a = s->b = (struct map_call){s->ioas, ADDR(s->page), BASE, PAGE};
}

static void drop_scene(struct abi *abi, struct scene *s)
{
	ok(abi_detach(abi, 0));
	ok(abi_detach(abi, 1));
	ok(abi_destroy(abi, s->ioas));
}

/* 29.1 */
static void automatic_maps_do_not_overlap(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{map_auto, map_auto}, {&s.a, &s.b}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, &s, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		assert_true(s.a.iova + PAGE == s.b.iova || s.b.iova + PAGE == s.a.iova);
		drop_scene(abi, &s);
	}
}

/* 29.1 */
static void of_two_fixed_maps_one_works(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{map_fixed, map_fixed}, {&s.a, &s.b}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, &s, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 1);
		assert_int_equal(duel_count(&duel, -EEXIST), 1);
		drop_scene(abi, &s);
	}
}

/* 29.2: BUSY until the map is published; what is gone is gone. */
static void unmap_against_map(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{map_fixed, unmap}, {&s.a, &s.b}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, &s, round);
		race_duel(abi, &duel);
		ok(duel.result[0]);
		assert_int_equal(duel_count(&duel, 0) + duel_count(&duel, -EBUSY) +
					 duel_count(&duel, -ENOENT),
				 2);
		if (round % 2)
			assert_int_equal(abi_reads(abi, 0, BASE), duel.result[1] != 0);
		expect(abi_unmap(abi, s.ioas, BASE, PAGE, NULL), duel.result[1] ? 0 : -ENOENT);
		drop_scene(abi, &s);
	}
}

/* 29.2 */
static void of_two_unmaps_one_works(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{unmap, unmap}, {&s.a, &s.b}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, &s, round);
		ok(map_fixed(abi, &s.a));
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 1);
		assert_int_equal(duel_count(&duel, -EBUSY) + duel_count(&duel, -ENOENT), 1);
		drop_scene(abi, &s);
	}
}

/* 29.3: a call in progress makes the IOAS busy; else one of the two finds nothing. */
static void destroy_against_map(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{map_fixed, destroy}, {&s.a, &s.b}};

	for (unsigned round = 0; round < 2 * DUELS; round += 2) {
		make_scene(abi, &s, round);
		race_duel(abi, &duel);
		if (duel.result[0])
			expect(duel.result[0], -ENOENT);
		if (duel.result[1])
			expect(duel.result[1], -EBUSY);
		expect(abi_destroy(abi, s.ioas), duel.result[1] ? 0 : -ENOENT);
	}
}

/* 29.4: the new domain has what was mapped before it joined and what comes later. */
static void attach_against_map(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{map_fixed, attach_1}, {&s.a, NULL}};

	for (unsigned round = 0; round < DUELS; round++) {
		uint32_t pt;

		make_scene(abi, &s, round);
		pt = s.ioas;
		duel.arg[1] = &pt;
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		assert_true(abi_sees(abi, 1, BASE, s.page));
		drop_scene(abi, &s);
	}
}

static void detach_against_map(struct abi *abi)
{
	struct scene s;
	struct duel duel = {{map_fixed, detach_0}, {&s.a, NULL}};

	for (unsigned round = 1; round < 2 * DUELS; round += 2) {
		if (round == 1)
			make_scene(abi, &s, 0);
		make_scene(abi, &s, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		assert_false(abi_reads(abi, 0, BASE));
		drop_scene(abi, &s);
	}
}

/* iommufd-objects.md 10: one automatic domain, whoever makes it; it goes with the last. */
static void two_attaches_share_one_domain(struct abi *abi)
{
	uint32_t pt[2];
	struct duel attach = {{attach_0, attach_1}, {&pt[0], &pt[1]}};
	struct duel detach = {{detach_0, detach_1}, {NULL, NULL}};
	struct scene s;

	for (unsigned round = 0; round < 2 * DUELS; round += 2) {
		make_scene(abi, &s, round);
		pt[0] = pt[1] = s.ioas;
		race_duel(abi, &attach);
		assert_int_equal(duel_count(&attach, 0), 2);
		assert_int_equal(pt[0], pt[1]);
		expect(abi_destroy(abi, pt[0]), -EBUSY);
		race_duel(abi, &detach);
		assert_int_equal(duel_count(&detach, 0), 2);
		expect(abi_destroy(abi, pt[0]), -ENOENT);
		drop_scene(abi, &s);
	}
}

/* ---- many threads, each with a part of the IOVA space ---- */

struct part {
	uint32_t ioas;
	uint8_t *memory;
	uint64_t start;
};

static void map_and_unmap(struct race *race, void *arg)
{
	struct part *part = arg;
	uint64_t iova, length;

	while (race_goes_on(race)) {
		for (unsigned i = 0; i < 8; i++)
			allow(abi_map_at(race->abi, part->ioas, RW, part->memory, PAGE,
					 part->start + i * 2 * PAGE),
			      0);
		for (unsigned i = 0; i < 8; i += 2)
			allow(abi_unmap(race->abi, part->ioas, part->start + i * 2 * PAGE, PAGE,
					NULL),
			      0);
		allow(abi_unmap(race->abi, part->ioas, part->start, 16 * PAGE, &length), 0);
		must(length == 4 * PAGE);
		if (!allow(abi_map(race->abi, part->ioas, RW, ADDR(part->memory), PAGE, &iova), 0))
			allow(abi_unmap(race->abi, part->ioas, iova, PAGE, NULL), 0);
	}
}

/* Meanwhile device 1 attaches and detaches, and ranges are asked for. */
static void parts_do_not_disturb_each_other(struct abi *abi)
{
	struct part parts[3];
	uint32_t ioas = abi_ioas(abi);
	struct race race;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	abi_attached(abi, 0, ioas);
	race_start(&race, abi);
	for (unsigned i = 0; i < COUNT(parts); i++) {
		parts[i] = (struct part){ioas, abi_pages(abi, 1), MIB(256) + i * MIB(1)};
		race_add(&race, map_and_unmap, &parts[i]);
	}
	for (unsigned i = 0; i < 300; i++) {
		abi_attached(abi, 1, ioas);
		if (abi->mock)
			expect_ranges(abi, ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
		ok(abi_detach(abi, 1));
	}
	race_join(&race);
	for (unsigned i = 0; i < COUNT(parts); i++)
		assert_false(abi_reads(abi, 0, parts[i].start));
}

/* ---- DMA against what takes memory away ---- */

enum mover { WRITE, FILL, COPY };

static struct {
	enum mover mover;
	uint32_t attempts; /* that have ended (atomic) */
	uint32_t successes;
} dma;

/* Two blocks; COPY goes from the second to the first, the others to the first. */
#define BLOCK  (64 * PAGE)
#define POISON 0x5555555555555555ull

static int move(struct swiommu_device *device)
{
	static const uint8_t zero[BLOCK];

	switch (dma.mover) {
	case WRITE: return swiommu_dma_write(device, 0, BASE, zero, BLOCK, NULL);
	case FILL: return swiommu_dma_fill(device, 0, BASE, 0, BLOCK, NULL);
	default: return swiommu_dma_copy(device, 0, BASE, BASE + BLOCK, BLOCK, NULL);
	}
}

static void do_dma(struct race *race, void *arg)
{
	(void)arg;
	while (race_goes_on(race)) {
		if (!allow(move(race->abi->device[0]), 0, -EFAULT))
			__atomic_add_fetch(&dma.successes, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&dma.attempts, 1, __ATOMIC_SEQ_CST);
	}
}

/* Until `count` more of them; the requests that were in flight have ended then. */
static void wait_for(uint32_t *counter, uint32_t count)
{
	uint32_t start = __atomic_load_n(counter, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) - start < count)
		sched_yield();
}

/* What gives device 0 the two blocks, and what takes them away. */
struct way {
	const char *name;
	const struct abi_machine *machine;
	void (*give)(struct abi *abi, uint32_t ioas, void *blocks);
	void (*take)(struct abi *abi, uint32_t ioas);
};

static void by_map(struct abi *abi, uint32_t ioas, void *blocks)
{
	if (!abi->devid[0]) {
		abi_bound(abi, 0);
		abi_attached(abi, 0, ioas);
	}
	ok(abi_map_at(abi, ioas, RW, blocks, 2 * BLOCK, BASE));
}

static void by_unmap(struct abi *abi, uint32_t ioas)
{
	ok(abi_unmap(abi, ioas, BASE, 2 * BLOCK, NULL));
}

static void map_once(struct abi *abi, uint32_t ioas, void *blocks)
{
	if (!abi->devid[0]) {
		ok(abi_unmap_all(abi, ioas, NULL));
		ok(abi_map_at(abi, ioas, RW, blocks, 2 * BLOCK, BASE));
		abi_bound(abi, 0);
	}
}

static void by_attach(struct abi *abi, uint32_t ioas, void *blocks)
{
	map_once(abi, ioas, blocks);
	abi_attached(abi, 0, ioas);
}

static void by_detach(struct abi *abi, uint32_t ioas)
{
	(void)ioas;
	ok(abi_detach(abi, 0));
}

/* To another, empty IOAS, which is made for it each time. */
static uint32_t empty_ioas;

static void by_replace(struct abi *abi, uint32_t ioas)
{
	(void)ioas;
	if (empty_ioas)
		ok(abi_destroy(abi, empty_ioas));
	empty_ioas = abi_ioas(abi);
	abi_attached(abi, 0, empty_ioas);
}

/* HWPTs that stay: nothing but the attachment changes. */
static uint32_t first_hwpt, second_hwpt;

static void by_attach_to_a_hwpt(struct abi *abi, uint32_t ioas, void *blocks)
{
	if (!abi->devid[0]) {
		map_once(abi, ioas, blocks);
		first_hwpt = abi_paging(abi, 0, ioas);
		second_hwpt = abi_paging(abi, 0, abi_ioas(abi));
	}
	abi_attached(abi, 0, first_hwpt);
}

static void by_replace_with_a_hwpt(struct abi *abi, uint32_t ioas)
{
	(void)ioas;
	abi_attached(abi, 0, second_hwpt);
}

static void by_close(struct abi *abi, uint32_t ioas)
{
	(void)ioas;
	abi_close(abi, 0);
	abi_open(abi, 0);
}

/* VT-d, nested: the device uses the guest's table, the memory is taken from the parent. */
#define TABLE_GPA (BASE + MIB(16))

static void make_guest(struct abi *abi, uint32_t ioas)
{
	const struct iommu_hwpt_vtd_s1 s1 = {.pgtbl_addr = TABLE_GPA, .addr_width = 48};
	const struct abi_data data = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};
	uint64_t *table = abi_pages(abi, 4);
	uint32_t nested;

	for (unsigned level = 0; level < 3; level++)
		table[512 * level + (BASE >> (39 - 9 * level)) % 512] =
			(TABLE_GPA + (level + 1) * PAGE) | 7;
	for (unsigned i = 0; i < 2 * BLOCK / PAGE; i++)
		table[512 * 3 + (BASE >> 12) % 512 + i] = (BASE + i * PAGE) | 0x67;
	abi_bound(abi, 0);
	ok(abi_map_at(abi, ioas, RW, table, 4 * PAGE, TABLE_GPA));
	ok(abi_hwpt(abi, abi->devid[0], abi_parent(abi, 0, ioas), 0, &data, &nested));
	abi_attached(abi, 0, nested);
}

static void by_map_of_the_parent(struct abi *abi, uint32_t ioas, void *blocks)
{
	if (!abi->devid[0])
		make_guest(abi, ioas);
	ok(abi_map_at(abi, ioas, RW, blocks, 2 * BLOCK, BASE));
}

static const struct way ways[] = {
	{"unmap, vtd", &abi_vtd, by_map, by_unmap},
	{"unmap, mock", &abi_mock, by_map, by_unmap},
	{"unmap of a parent", &abi_vtd, by_map_of_the_parent, by_unmap},
	{"detach, vtd", &abi_vtd, by_attach, by_detach},
	{"detach, mock", &abi_mock, by_attach, by_detach},
	{"replace, vtd", &abi_vtd, by_attach, by_replace},
	{"replace, mock", &abi_mock, by_attach, by_replace},
	{"detach from a HWPT, vtd", &abi_vtd, by_attach_to_a_hwpt, by_detach},
	{"detach from a HWPT, mock", &abi_mock, by_attach_to_a_hwpt, by_detach},
	{"replace by a HWPT, vtd", &abi_vtd, by_attach_to_a_hwpt, by_replace_with_a_hwpt},
	{"replace by a HWPT, mock", &abi_mock, by_attach_to_a_hwpt, by_replace_with_a_hwpt},
	{"close", &abi_vtd, by_attach, by_close},
};

#define TAKES 200

/* The first block: what DMA writes. */
static void poison(uint64_t *memory)
{
	for (uint64_t i = 0; i < BLOCK / 8; i++)
		memory[i] = POISON;
}

static void expect_poison(const uint64_t *memory)
{
	uint64_t i = 0;

	while (i < BLOCK / 8 && memory[i] == POISON)
		i++;
	assert_int_equal(i, BLOCK / 8);
}

/* So that the call comes at any moment of a transfer. */
static void let_pass(unsigned turns)
{
	for (volatile unsigned left = turns; left; left--)
		;
}

/* The memory is used for something else as soon as the call has returned. */
static void take_memory_away(struct abi *abi, const struct way *way)
{
	uint64_t *memory = abi_pages(abi, 2 * BLOCK / PAGE);
	uint32_t ioas = abi_ioas(abi);
	struct race race;

	race_start(&race, abi);
	empty_ioas = 0;
	way->give(abi, ioas, memory);
	race_add(&race, do_dma, NULL);
	for (unsigned i = 0; i < TAKES; i++) {
		wait_for(&dma.successes, 1);
		let_pass(i % 50 * 100);
		way->take(abi, ioas);
		poison(memory);
		wait_for(&dma.attempts, 2);
		expect_poison(memory);
		way->give(abi, ioas, memory);
	}
	race_join(&race);
}

static void writes(struct abi *abi)
{
	dma.mover = WRITE;
	take_memory_away(abi, abi->row);
}

static void fills(struct abi *abi)
{
	dma.mover = FILL;
	take_memory_away(abi, abi->row);
}

static void copies(struct abi *abi)
{
	dma.mover = COPY;
	take_memory_away(abi, abi->row);
}

static void add_ways(const char *name, abi_test test)
{
	char text[120];

	for (size_t i = 0; i < COUNT(ways); i++) {
		snprintf(text, sizeof(text), "%s against %s", name, ways[i].name);
		abi_library(abi_add(text, test, ways[i].machine, &ways[i]));
	}
}

int main(void)
{
	abi_both(automatic_maps_do_not_overlap);
	abi_both(of_two_fixed_maps_one_works);
	abi_library(abi_both(unmap_against_map));
	abi_both(of_two_unmaps_one_works);
	abi_on(abi_vtd, destroy_against_map);
	abi_library(abi_both(attach_against_map));
	abi_library(abi_on(abi_vtd, detach_against_map));
	abi_both(two_attaches_share_one_domain);
	abi_library(abi_both(parts_do_not_disturb_each_other));
	add_ways("writes", writes);
	add_ways("fills", fills);
	add_ways("copies", copies);
	return abi_run("ioas_race");
}
