// SPDX-License-Identifier: MIT
/* Page sources: user ranges of a client whose memory is ours. */
#include "mem/source.h"
#include "mem/pincount.h"

#include <errno.h>

/* ---- pages of a source: numbered from the one with its first byte ---- */

static uint64_t page_at(const struct mem_source *source, uint64_t offset)
{
	return ((source->addr & (BASE_PAGE_SIZE - 1)) + offset) >> BASE_PAGE_LG2;
}

static uint64_t last_page(const struct mem_source *source)
{
	return page_at(source, source->length - 1);
}

static bool is_whole(const struct mem_source *source, uint64_t length)
{
	return length == source->length;
}

/* ---- pages that no pin has: the gaps between the parts ---- */

static bool gap_next(const struct mem_source *source, uint64_t *first, uint64_t last,
		     uint64_t *gap_last)
{
	if (source->extra)
		return mem_parts_gap(&source->extra->parts, first, last, gap_last);
	*gap_last = last;
	return *first <= last;
}

static uint64_t page_host(const struct mem_source *source, uint64_t page)
{
	return base_align_down(source->addr, BASE_PAGE_SIZE) + (page << BASE_PAGE_LG2);
}

static int touch(const struct mem_source *source, uint64_t first, uint64_t last)
{
	return base_guard_touch((const void *)(uintptr_t)page_host(source, first),
				(last - first + 1) << BASE_PAGE_LG2, source->writable);
}

/* Tell the test ABI of pages that have got their first pin (delta 1), or lost the last (-1). */
static void BASE_COLD count_locked(const struct mem_source *source, uint64_t first, uint64_t last,
				   int delta)
{
	uint64_t gap_last;

	base_assert_held(&source->lock);
	for (; gap_next(source, &first, last, &gap_last); first = gap_last + 1)
		mem_pincount_record(page_host(source, first),
				    (gap_last - first + 1) << BASE_PAGE_LG2, delta);
}

/* The source gets pins on pages of [first, last] that it had none on. */
static int take_locked(const struct mem_source *source, uint64_t first, uint64_t last)
{
	uint64_t page = first, gap_last, pages = 0;
	int rc = 0;

	base_assert_held(&source->lock);
	for (; !rc && gap_next(source, &page, last, &gap_last); page = gap_last + 1) {
		rc = touch(source, page, gap_last);
		pages += gap_last - page + 1;
	}
	if (!rc)
		rc = mem_account_charge(source->client, source->account, pages);
	if (base_unlikely(base_load_relaxed(&mem_pincount_on)) && !rc)
		count_locked(source, first, last, 1);
	return rc;
}

/* The last pins on those pages are gone. */
static void release_locked(const struct mem_source *source, uint64_t first, uint64_t last)
{
	uint64_t page = first, gap_last, pages = 0;

	base_assert_held(&source->lock);
	for (; gap_next(source, &page, last, &gap_last); page = gap_last + 1)
		pages += gap_last - page + 1;
	if (base_unlikely(base_load_relaxed(&mem_pincount_on)))
		count_locked(source, first, last, -1);
	mem_account_uncharge(source->client, source->account, pages);
}

/* ---- pins of parts ---- */

static struct mem_parts *parts_need_locked(struct mem_source *source)
{
	base_assert_held(&source->lock);
	if (!source->extra) {
		source->extra = base_alloc(sizeof(*source->extra));
		if (!source->extra)
			return NULL;
		mem_parts_init(&source->extra->parts);
	}
	return &source->extra->parts;
}

static __attribute__((noinline)) int pin_part_locked(struct mem_source *source, uint64_t first,
						     uint64_t last)
{
	struct mem_parts *parts = parts_need_locked(source);
	int rc;

	if (!parts)
		return -ENOMEM;
	rc = mem_parts_prepare(parts, first, last);
	if (rc)
		return rc;
	if (!source->pins)
		rc = take_locked(source, first, last);
	if (rc)
		mem_parts_cancel(parts, first, last);
	else
		mem_parts_add(parts, first, last);
	return rc;
}

static __attribute__((noinline)) void unpin_part_locked(struct mem_source *source, uint64_t first,
							uint64_t last)
{
	mem_parts_sub(&source->extra->parts, first, last);
	if (!source->pins)
		release_locked(source, first, last);
}

void mem_source_free_extra(struct mem_source *source)
{
	base_assert(!source->extra->parts.pages);
	base_free(source->extra);
}

/* ---- pins ---- */

int mem_source_pin(struct mem_source *source, uint64_t offset, uint64_t length)
{
	base_scoped_lock(&source->lock);

	if (base_unlikely(!is_whole(source, length)))
		return pin_part_locked(source, page_at(source, offset),
				       page_at(source, offset + (length - 1)));
	if (source->pins == 0) {
		int rc = take_locked(source, 0, last_page(source));

		if (rc)
			return rc;
	}
	source->pins++;
	return 0;
}

void mem_source_unpin(struct mem_source *source, uint64_t offset, uint64_t length)
{
	base_scoped_lock(&source->lock);

	if (base_unlikely(!is_whole(source, length))) {
		unpin_part_locked(source, page_at(source, offset),
				  page_at(source, offset + (length - 1)));
		return;
	}
	base_assert(source->pins > 0);
	if (!--source->pins)
		release_locked(source, 0, last_page(source));
}

uint64_t mem_source_pa(const struct mem_source *source, uint64_t offset, uint64_t *run)
{
	*run = source->length - offset;
	return source->addr + offset;
}
