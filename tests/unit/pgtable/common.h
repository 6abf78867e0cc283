/* SPDX-License-Identifier: MIT */
/* What the page-table tests share. */
#ifndef TESTS_PGTABLE_COMMON_H
#define TESTS_PGTABLE_COMMON_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pgtable/pgtable.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

#define READ  PGTABLE_READ
#define WRITE PGTABLE_WRITE
#define BOTH  (PGTABLE_READ | PGTABLE_WRITE)

static const struct pgtable_format *const all_formats[] = {
	&pgtable_vtdss,
	&pgtable_x86_64,
	&pgtable_amdv1_mock,
	&pgtable_amdv1_mock_huge,
};

/* Random numbers that are the same in every run (splitmix64). */
struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

/* The prot that a walk reports for a map with `prot`. */
static inline uint32_t walked_prot(const struct pgtable_format *format, uint32_t prot)
{
	return format == &pgtable_x86_64 ? prot | READ : prot;
}

/* Unmap where nobody walks. Returns how many tables went. */
static inline size_t unmap_now(struct pgtable *pt, uint64_t iova, uint64_t length)
{
	struct base_list trash = BASE_LIST_INIT(trash);
	size_t count = 0;

	pgtable_unmap(pt, iova, length, &trash);
	for (struct base_list *item = trash.next; item != &trash; item = item->next)
		count++;
	pgtable_trash_free(&trash);
	assert_true(base_list_is_empty(&trash));
	return count;
}

static inline void expect_leaf(const struct pgtable *pt, uint64_t iova, uint64_t start,
			       uint64_t length, uint64_t pa, uint32_t prot)
{
	struct pgtable_leaf leaf;

	assert_true(pgtable_walk(pt, iova, &leaf));
	assert_int_equal(leaf.start, start);
	assert_int_equal(leaf.last, start + length - 1);
	assert_int_equal(leaf.pa, pa);
	assert_int_equal(leaf.prot, prot);
}

static inline void expect_hole(const struct pgtable *pt, uint64_t iova)
{
	struct pgtable_leaf leaf;

	assert_false(pgtable_walk(pt, iova, &leaf));
}

#endif
