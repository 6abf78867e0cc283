// SPDX-License-Identifier: MIT
/*
 * Pins as disjoint ranges of host addresses, each pinned equally often. A range is
 * cut where a pin or unpin begins or ends, and never put together again as long as it
 * is pinned.
 */
#include "mem/pincount.h"
#include "mem/pageid.h"

struct pinned {
	struct base_gapnode node;
	uint32_t count;
};

bool mem_pincount_on;

static struct base_mutex lock = BASE_MUTEX_INIT(RANK_LEAF);
static struct base_gaptree pins; /* struct pinned, guarded by lock */

void mem_pincount_enable(void)
{
	base_store(&mem_pincount_on, true);
}

/* What the parent had is lost here, memory and all. */
void mem_pincount_after_fork(void)
{
	base_mutex_init(&lock, RANK_LEAF);
	base_gaptree_init(&pins);
}

static struct pinned *pinned_first_locked(uint64_t start, uint64_t last)
{
	struct base_gapnode *node;

	base_assert_held(&lock);
	node = base_gaptree_first(&pins, start, last);
	return node ? base_container_of(node, struct pinned, node) : NULL;
}

/* Tests that let the nth allocation fail do not mean these. */
static struct pinned *pinned_alloc(void)
{
	unsigned armed = base_fail_pending();
	struct pinned *pinned;

	base_fail_nth(0);
	pinned = base_alloc(sizeof(*pinned));
	base_fail_nth(armed);
	return pinned;
}

static void pinned_insert_locked(struct pinned *pinned, uint64_t start, uint64_t last,
				 uint32_t count)
{
	pinned->node.start = start;
	pinned->node.last = last;
	pinned->count = count;
	base_gaptree_insert(&pins, &pinned->node);
}

/* Cut the range around `at`, if there is one, so that a range begins there. */
static void cut_locked(uint64_t at)
{
	struct pinned *pinned = pinned_first_locked(at, at), *right;
	uint64_t last;

	if (!pinned || pinned->node.start == at)
		return;
	right = pinned_alloc();
	if (!right)
		return;
	last = pinned->node.last;
	base_gaptree_remove(&pins, &pinned->node);
	pinned_insert_locked(pinned, pinned->node.start, at - 1, pinned->count);
	pinned_insert_locked(right, at, last, pinned->count);
}

static void fill_locked(uint64_t start, uint64_t last)
{
	struct pinned *fresh = pinned_alloc();

	if (fresh)
		pinned_insert_locked(fresh, start, last, 1);
}

static void pin_locked(uint64_t start, uint64_t last)
{
	struct pinned *pinned;

	cut_locked(start);
	cut_locked(last + 1);
	while (start <= last && (pinned = pinned_first_locked(start, last))) {
		if (pinned->node.start > start)
			fill_locked(start, pinned->node.start - 1);
		pinned->count++;
		start = pinned->node.last + 1;
	}
	if (start <= last)
		fill_locked(start, last);
}

/* What was pinned before there was counting, or was not counted, is not there. */
static void unpin_locked(uint64_t start, uint64_t last)
{
	struct pinned *pinned;

	cut_locked(start);
	cut_locked(last + 1);
	while (start <= last && (pinned = pinned_first_locked(start, last))) {
		start = pinned->node.last + 1;
		if (--pinned->count)
			continue;
		base_gaptree_remove(&pins, &pinned->node);
		base_free(pinned);
	}
}

void mem_pincount_record(uint64_t host, uint64_t length, int delta)
{
	uint64_t start = base_align_down(host, BASE_PAGE_SIZE);
	uint64_t last = (host + (length - 1)) | (BASE_PAGE_SIZE - 1);

	base_scoped_lock(&lock);
	if (delta > 0)
		pin_locked(start, last);
	else
		unpin_locked(start, last);
}

static uint32_t count_at(uint64_t host)
{
	struct pinned *pinned;

	base_scoped_lock(&lock);
	pinned = pinned_first_locked(host, host);
	return pinned ? pinned->count : 0;
}

uint32_t mem_pincount_of(const struct mem_pageids *ids, uint64_t host)
{
	uint32_t count = count_at(host);
	uint64_t alias;
	size_t cursor = 0;

	while (mem_pageids_alias(ids, host, &cursor, &alias))
		count += count_at(alias);
	return count;
}
