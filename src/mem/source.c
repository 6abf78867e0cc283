// SPDX-License-Identifier: MIT
/* Page sources: pins. */
#include "mem/private.h"

#include "mem/dmabuf.h"
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

/* Of remote memory: the client's address. Else only of a file that is mapped. */
static uint64_t page_host(const struct mem_source *source, uint64_t page)
{
	uint64_t first = base_likely(source->kind <= MEM_SOURCE_REMOTE)
				 ? base_align_down(source->addr, BASE_PAGE_SIZE)
				 : source->extra->host;

	return first + (page << BASE_PAGE_LG2);
}

static bool is_whole(const struct mem_source *source, uint64_t length)
{
	return length == source->length;
}

/* ---- what few sources have ---- */

struct mem_source_extra *mem_source_extra_new(void)
{
	struct mem_source_extra *extra = base_zalloc(sizeof(*extra));

	if (extra)
		mem_parts_init(&extra->parts);
	return extra;
}

void mem_source_extend(struct mem_source *source, struct mem_source_extra *extra)
{
	source->extra = extra;
	source->special = true;
}

static void extra_free(const struct mem_source *source)
{
	struct mem_source_extra *extra = source->extra;

	base_assert(!extra->parts.pages && !extra->map);
	if (source->kind == MEM_SOURCE_FILE)
		base_sys_close(extra->fd);
	else if (source->kind == MEM_SOURCE_DMABUF)
		mem_file_put(&extra->dmabuf->file);
	if (extra->remote)
		mem_remote_free(extra->remote);
	base_free(extra);
}

void mem_source_fini_special(struct mem_source *source)
{
	if (source->extra)
		extra_free(source);
	mem_client_put(source->client);
}

/* What is mapped here is not, if nothing of it is pinned. */
static void settle_locked(struct mem_source *source)
{
	struct mem_source_extra *extra = source->extra;

	base_assert_held(&source->lock);
	if (base_likely(!extra) || source->pins || extra->parts.pages)
		return;
	if (source->kind == MEM_SOURCE_FILE)
		mem_source_file_unmap_locked(source);
	if (extra->remote)
		mem_remote_drop(extra->remote);
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

static BASE_COLD int fill_remote_locked(struct mem_source *source, uint64_t first, uint64_t last)
{
	base_assert_held(&source->lock);
	if (!source->extra)
		source->extra = mem_source_extra_new();
	if (source->extra && !source->extra->remote)
		source->extra->remote = mem_remote_new(source->client);
	if (!source->extra || !source->extra->remote)
		return -ENOMEM;
	return mem_remote_take(source->extra->remote, page_host(source, first),
			       page_host(source, last + 1) - 1, source->writable);
}

/* Pages without a pin are no longer those that they were. */
static BASE_COLD void forget_remote_locked(struct mem_source *source, uint64_t first, uint64_t last)
{
	uint64_t gap_last;

	base_assert_held(&source->lock);
	if (!source->extra || !source->extra->remote)
		return;
	for (; gap_next(source, &first, last, &gap_last); first = gap_last + 1)
		mem_remote_release(source->extra->remote, page_host(source, first),
				   page_host(source, gap_last + 1) - 1);
}

/* Make the pages present. */
static int fill_locked(struct mem_source *source, uint64_t first, uint64_t last)
{
	if (base_unlikely(source->kind == MEM_SOURCE_REMOTE))
		return fill_remote_locked(source, first, last);
	if (base_unlikely(source->kind == MEM_SOURCE_FILE)) {
		int rc = mem_source_file_map_locked(source, last);

		if (rc)
			return rc;
	}
	return base_guard_touch((const void *)(uintptr_t)page_host(source, first),
				(last - first + 1) << BASE_PAGE_LG2, source->writable);
}

/* Tell the test ABI of pages that have got their first pin (delta 1), or lost the last (-1). */
static void BASE_COLD count_locked(const struct mem_source *source, uint64_t first, uint64_t last,
				   int delta)
{
	uint64_t gap_last;

	base_assert_held(&source->lock);
	if (source->kind == MEM_SOURCE_REMOTE)
		return;
	for (; gap_next(source, &first, last, &gap_last); first = gap_last + 1)
		mem_pincount_record(page_host(source, first),
				    (gap_last - first + 1) << BASE_PAGE_LG2, delta);
}

/* The source gets pins on pages of [first, last] that it had none on. */
static int take_locked(struct mem_source *source, uint64_t first, uint64_t last)
{
	uint64_t page = first, gap_last, pages = 0;
	int rc = 0;

	base_assert_held(&source->lock);
	if (base_unlikely(source->kind == MEM_SOURCE_DMABUF))
		return 0;
	for (; !rc && gap_next(source, &page, last, &gap_last); page = gap_last + 1) {
		rc = fill_locked(source, page, gap_last);
		pages += gap_last - page + 1;
	}
	if (!rc)
		rc = mem_account_charge(source->client, source->account, pages);
	if (rc && source->kind == MEM_SOURCE_REMOTE)
		forget_remote_locked(source, first, last);
	if (base_unlikely(base_load_relaxed(&mem_pincount_on)) && !rc)
		count_locked(source, first, last, 1);
	return rc;
}

/* The last pins on those pages are gone. */
static __attribute__((noinline)) void release_locked(struct mem_source *source, uint64_t first,
						     uint64_t last)
{
	uint64_t page = first, gap_last, pages = 0;

	base_assert_held(&source->lock);
	if (base_unlikely(source->kind == MEM_SOURCE_DMABUF))
		return;
	for (; gap_next(source, &page, last, &gap_last); page = gap_last + 1)
		pages += gap_last - page + 1;
	if (base_unlikely(base_load_relaxed(&mem_pincount_on)))
		count_locked(source, first, last, -1);
	mem_account_uncharge(source->client, source->account, pages);
	if (base_unlikely(source->kind == MEM_SOURCE_REMOTE))
		forget_remote_locked(source, first, last);
	settle_locked(source);
}

/* ---- pins of parts ---- */

static __attribute__((noinline)) int pin_part_locked(struct mem_source *source, uint64_t first,
						     uint64_t last)
{
	struct mem_parts *parts;
	int rc;

	base_assert_held(&source->lock);
	if (!source->extra) {
		struct mem_source_extra *extra = mem_source_extra_new();

		if (!extra)
			return -ENOMEM;
		mem_source_extend(source, extra);
	}
	parts = &source->extra->parts;
	rc = mem_parts_prepare(parts, first, last);
	if (rc)
		return rc;
	if (!source->pins)
		rc = take_locked(source, first, last);
	if (!rc) {
		mem_parts_add(parts, first, last);
		return 0;
	}
	mem_parts_cancel(parts, first, last);
	settle_locked(source);
	return rc;
}

static __attribute__((noinline)) void unpin_part_locked(struct mem_source *source, uint64_t first,
							uint64_t last)
{
	base_assert_held(&source->lock);
	mem_parts_sub(&source->extra->parts, first, last);
	if (!source->pins)
		release_locked(source, first, last);
}

/* ---- pins of the whole ---- */

/* A range of the client's memory, without pins of parts: its pages are taken in one go. */
static bool is_plain(const struct mem_source *source)
{
	return base_likely(!source->extra && source->kind == MEM_SOURCE_USER &&
			   !base_load_relaxed(&mem_pincount_on));
}

static int take_plain_locked(const struct mem_source *source)
{
	int rc = base_guard_touch((const void *)(uintptr_t)source->addr, source->length,
				  source->writable);

	base_assert_held(&source->lock);
	return base_unlikely(rc)
		       ? rc
		       : mem_account_charge(source->client, source->account, last_page(source) + 1);
}

static __attribute__((noinline)) int take_whole_locked(struct mem_source *source)
{
	int rc = take_locked(source, 0, last_page(source));

	if (rc)
		settle_locked(source);
	return rc;
}

/* ---- pins ---- */

int mem_source_pin(struct mem_source *source, uint64_t offset, uint64_t length)
{
	base_scoped_lock(&source->lock);

	if (base_unlikely(!is_whole(source, length)))
		return pin_part_locked(source, page_at(source, offset),
				       page_at(source, offset + (length - 1)));
	if (source->pins == 0) {
		int rc = is_plain(source) ? take_plain_locked(source) : take_whole_locked(source);

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
	if (--source->pins)
		return;
	if (is_plain(source))
		mem_account_uncharge(source->client, source->account, last_page(source) + 1);
	else
		release_locked(source, 0, last_page(source));
}

/* Pins of other parts change the runs. */
static uint64_t remote_pa(const struct mem_source *source, uint64_t offset, uint64_t *run)
{
	base_scoped_lock((struct base_mutex *)&source->lock);
	uint64_t limit = *run, pa;

	pa = mem_remote_pa(source->extra->remote, source->addr + offset, run);
	*run = base_min_u64(*run, limit);
	return pa;
}

uint64_t mem_source_mapped_pa(const struct mem_source *source, uint64_t offset, uint64_t *run)
{
	if (source->kind == MEM_SOURCE_REMOTE)
		return remote_pa(source, offset, run);
	return source->extra->host + (source->addr & (BASE_PAGE_SIZE - 1)) + offset;
}

/* ---- copies ---- */

/* Pages of a file are made present for the copy: src and dst are ours. */
static int copy_file(struct mem_source *source, uint64_t offset, void *dst, const void *src,
		     size_t n)
{
	base_scoped_lock(&source->lock);
	int rc = fill_locked(source, page_at(source, offset), page_at(source, offset + (n - 1)));
	uint64_t run;

	if (!rc) {
		void *at = mem_pa_to_host(mem_source_pa(source, offset, &run));

		rc = base_guard_copy(dst ? dst : at, src ? src : at, n);
	}
	settle_locked(source);
	return rc;
}

static bool is_pinned_locked(const struct mem_source *source, uint64_t first, uint64_t last)
{
	uint64_t gap_last;

	base_assert_held(&source->lock);
	return source->pins || !gap_next(source, &first, last, &gap_last);
}

/* Of pinned remote memory, where its PA is. */
static int copy_pinned(struct mem_source *source, uint64_t offset, uint8_t *dst, const uint8_t *src,
		       size_t n)
{
	base_scoped_lock(&source->lock);
	uint64_t run;
	int rc = 0;

	if (!is_pinned_locked(source, page_at(source, offset), page_at(source, offset + (n - 1))))
		return -EFAULT;
	for (size_t done = 0; !rc && done < n; done += run) {
		uint64_t pa =
			mem_remote_pa(source->extra->remote, source->addr + offset + done, &run);

		run = base_min_u64(run, n - done);
		rc = dst ? mem_pa_read(dst + done, pa, run) : mem_pa_write(pa, src + done, run);
	}
	return rc;
}

/* The client may be gone, but what is pinned is not. */
static int copy_remote(struct mem_source *source, uint64_t offset, void *dst, const void *src,
		       size_t n)
{
	uint64_t addr = source->addr + offset;
	int rc = dst ? mem_copy_in(source->client, dst, addr, n)
		     : mem_copy_out(source->client, addr, src, n);

	return rc ? copy_pinned(source, offset, dst, src, n) : 0;
}

int mem_source_read(struct mem_source *source, uint64_t offset, void *dst, size_t n)
{
	switch (source->kind) {
	case MEM_SOURCE_USER: return mem_copy_in(source->client, dst, source->addr + offset, n);
	case MEM_SOURCE_REMOTE: return copy_remote(source, offset, dst, NULL, n);
	case MEM_SOURCE_FILE: return copy_file(source, offset, dst, NULL, n);
	default: return -EINVAL;
	}
}

int mem_source_write(struct mem_source *source, uint64_t offset, const void *src, size_t n)
{
	switch (source->kind) {
	case MEM_SOURCE_USER: return mem_copy_out(source->client, source->addr + offset, src, n);
	case MEM_SOURCE_REMOTE: return copy_remote(source, offset, NULL, src, n);
	case MEM_SOURCE_FILE: return copy_file(source, offset, NULL, src, n);
	default: return -EINVAL;
	}
}

/* ---- owners ---- */

static uint64_t pinned_locked(const struct mem_source *source)
{
	base_assert_held(&source->lock);
	if (source->kind == MEM_SOURCE_DMABUF)
		return 0;
	if (source->pins)
		return last_page(source) + 1;
	return source->extra ? source->extra->parts.pages : 0;
}

uint64_t mem_source_pinned(struct mem_source *source)
{
	base_scoped_lock(&source->lock);
	return pinned_locked(source);
}

void mem_source_set_owner(struct mem_source *source, struct mem_client *client)
{
	struct mem_client *former;

	base_scoped_lock(&source->lock);
	former = source->client;
	if (former == client)
		return;
	if (!mem_source_is_chargeable(source, client))
		mem_account_charge(client, source->account, pinned_locked(source));
	mem_account_uncharge(former, source->account, pinned_locked(source));
	mem_client_get(client);
	source->client = client;
	source->special |= client->remote;
	mem_client_put(former);
}
