// SPDX-License-Identifier: MIT
/* COPY under several threads (iommufd-ioctls.md 29): what it reads may be on its way out. */
#include "race.h"

#define DUELS 2000
#define SRC   0x2000000ull
#define DST   0x4000000ull

/* What the calls are about; in every other round device 0 is attached to the destination. */
static struct {
	uint32_t src, dst;
	uint8_t *memory;
	uint64_t to[2];
} s;

static int copy_0(struct abi *abi, void *arg)
{
	return abi_copy(abi, s.dst, RW | FIXED, s.src, SRC, 4 * PAGE, arg);
}

static int copy_auto(struct abi *abi, void *arg)
{
	return abi_copy(abi, s.dst, RW, s.src, SRC, 4 * PAGE, arg);
}

static int unmap_source(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_unmap(abi, s.src, SRC, 4 * PAGE, NULL);
}

static int unmap_copy(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_unmap(abi, s.dst, DST, 4 * PAGE, NULL);
}

static int destroy_source(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_destroy(abi, s.src);
}

static int attach_1(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_attach_to(abi, 1, s.dst);
}

static int detach_0(struct abi *abi, void *arg)
{
	(void)arg;
	return abi_detach(abi, 0);
}

/* Four pages in two areas. */
static void make_scene(struct abi *abi, unsigned round)
{
	if (!round) {
		s.memory = abi_pages(abi, 4);
		abi_bound(abi, 0);
		abi_bound(abi, 1);
	}
	s.src = abi_ioas(abi);
	s.dst = abi_ioas(abi);
	s.to[0] = s.to[1] = DST;
	ok(abi_map_at(abi, s.src, RW, s.memory, 3 * PAGE, SRC));
	ok(abi_map_at(abi, s.src, RW, s.memory + 3 * PAGE, PAGE, SRC + 3 * PAGE));
	if (round % 2)
		abi_attached(abi, 0, s.dst);
}

static void drop_scene(struct abi *abi)
{
	ok(abi_detach(abi, 0));
	ok(abi_detach(abi, 1));
	abi_destroy(abi, s.src);
	ok(abi_destroy(abi, s.dst));
}

/* All of the block is there for device n, or nothing. */
static void expect_block(struct abi *abi, unsigned n, uint64_t iova, bool there)
{
	for (unsigned i = 0; i < 4; i++) {
		if (there)
			assert_true(abi_sees(abi, n, iova + i * PAGE, s.memory + i * PAGE));
		else
			assert_false(abi_reads(abi, n, iova + i * PAGE));
	}
}

/* 29.1 */
static void of_two_copies_to_one_place_one_works(struct abi *abi)
{
	struct duel duel = {{copy_0, copy_0}, {&s.to[0], &s.to[1]}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 1);
		assert_int_equal(duel_count(&duel, -EEXIST), 1);
		expect_block(abi, 0, DST, round % 2);
		drop_scene(abi);
	}
}

static void automatic_copies_do_not_overlap(struct abi *abi)
{
	struct duel duel = {{copy_auto, copy_auto}, {&s.to[0], &s.to[1]}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		assert_true(s.to[0] + 4 * PAGE <= s.to[1] || s.to[1] + 4 * PAGE <= s.to[0]);
		expect_block(abi, 0, s.to[0], round % 2);
		expect_block(abi, 0, s.to[1], round % 2);
		drop_scene(abi);
	}
}

/* 9.5, 29.7: a gap, or a copy that lives on without its source. */
static void copy_against_unmap_of_the_source(struct abi *abi)
{
	struct duel duel = {{copy_0, unmap_source}, {&s.to[0], NULL}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		ok(duel.result[1]);
		if (duel.result[0])
			expect(duel.result[0], -ENOENT);
		expect_block(abi, 0, DST, round % 2 && !duel.result[0]);
		drop_scene(abi);
	}
}

/* 29.2: BUSY until the block is published. */
static void copy_against_unmap_of_the_copy(struct abi *abi)
{
	struct duel duel = {{copy_0, unmap_copy}, {&s.to[0], NULL}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		ok(duel.result[0]);
		if (duel.result[1] != -EBUSY && duel.result[1] != -ENOENT)
			ok(duel.result[1]);
		expect_block(abi, 0, DST, round % 2 && duel.result[1]);
		drop_scene(abi);
	}
}

/* 9.6, 29.3 */
static void copy_against_destroy_of_the_source(struct abi *abi)
{
	struct duel duel = {{copy_0, destroy_source}, {&s.to[0], NULL}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		if (duel.result[0])
			expect(duel.result[0], -ENOENT);
		if (duel.result[1])
			expect(duel.result[1], -EBUSY);
		assert_false(duel.result[0] && duel.result[1]);
		expect_block(abi, 0, DST, round % 2 && !duel.result[0]);
		drop_scene(abi);
	}
}

/* 29.4 */
static void copy_against_attach(struct abi *abi)
{
	struct duel duel = {{copy_0, attach_1}, {&s.to[0], NULL}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		expect_block(abi, 1, DST, true);
		drop_scene(abi);
	}
}

static void copy_against_detach(struct abi *abi)
{
	struct duel duel = {{copy_0, detach_0}, {&s.to[0], NULL}};

	for (unsigned round = 0; round < DUELS; round++) {
		make_scene(abi, round);
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		expect_block(abi, 0, DST, false);
		ok(abi_unmap(abi, s.dst, DST, 4 * PAGE, NULL));
		drop_scene(abi);
	}
}

int main(void)
{
	abi_both(of_two_copies_to_one_place_one_works);
	abi_both(automatic_copies_do_not_overlap);
	abi_both(copy_against_unmap_of_the_source);
	abi_both(copy_against_unmap_of_the_copy);
	abi_on(abi_vtd, copy_against_destroy_of_the_source);
	abi_both(copy_against_attach);
	abi_both(copy_against_detach);
	return abi_run("copy_race");
}
