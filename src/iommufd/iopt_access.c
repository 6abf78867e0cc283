// SPDX-License-Identifier: MIT
/* The IOVA space: accesses, which pin areas, and copy to and from them. */
#include "iommufd/iopt_area.h"

#include <errno.h>

/* ---- who has access ---- */

int iopt_add_access(struct iopt *iopt, struct iopt_access *access, uint32_t *id)
{
	int rc;

	base_scoped_write(&iopt->iova_lock);
	if (access->pins && !iopt_areas_are_aligned_locked(iopt, BASE_PAGE_SIZE))
		return -EADDRINUSE;
	rc = base_idtable_reserve(&iopt->accesses, id);
	if (rc)
		return rc;
	base_idtable_set(&iopt->accesses, *id, access);
	iopt->pinning += access->pins;
	iopt_alignment_update_locked(iopt);
	return 0;
}

void iopt_remove_access(struct iopt *iopt, const struct iopt_access *access, uint32_t id)
{
	base_scoped_write(&iopt->iova_lock);
	base_assert(base_idtable_get(&iopt->accesses, id) == access);
	base_idtable_release(&iopt->accesses, id);
	iopt->pinning -= access->pins;
	iopt_alignment_update_locked(iopt);
}

/* ---- unmap and accesses ---- */

void iopt_lock(struct iopt *iopt, struct iopt_locked *locked, uint64_t start, uint64_t last)
{
	locked->start = start;
	locked->last = last;
	base_scoped_write(&iopt->iova_lock);
	base_list_add_tail(&iopt->locked, &locked->node);
}

void iopt_unlock(struct iopt *iopt, struct iopt_locked *locked)
{
	base_scoped_write(&iopt->iova_lock);
	base_list_remove(&locked->node);
}

static bool is_locked_locked(const struct iopt *iopt, const struct iopt_area *area)
{
	struct iopt_locked *l;

	base_assert_held(&iopt->iova_lock);
	base_list_for_each (l, &iopt->locked, node) {
		if (base_ranges_meet(l->start, l->last, area->node.start, area->node.last))
			return true;
	}
	return false;
}

int iopt_area_block_locked(struct iopt *iopt, struct iopt_area *area, uint64_t start, uint64_t last)
{
	if (is_locked_locked(iopt, area))
		return -EBUSY;
	if (area->node.start < start || area->node.last > last)
		return -ENOENT;
	*iopt_area_blocked(area) = true;
	return -EAGAIN;
}

/* The next access from *id on that can be asked, and is kept for that. */
static struct iopt_access *next_to_ask(struct iopt *iopt, uint32_t *id)
{
	struct iopt_access *access;

	base_scoped_read(&iopt->iova_lock);
	while ((access = base_idtable_next(&iopt->accesses, id)) && !access->hold(access))
		++*id;
	return access;
}

/* Make [*start, *last] the first area that meets it. False: there is none, or none with pins. */
static bool first_pinned(struct iopt *iopt, uint64_t *start, uint64_t *last)
{
	struct iopt_area *area;

	base_scoped_read(&iopt->iova_lock);
	area = iopt_area_first_locked(iopt, *start, *last);
	if (!area || !base_load(iopt_area_pins(area)))
		return false;
	*start = area->node.start;
	*last = area->node.last;
	return true;
}

void iopt_ask_accesses(struct iopt *iopt, uint64_t *start, uint64_t last)
{
	struct iopt_access *access;

	if (!first_pinned(iopt, start, &last))
		return;
	for (uint32_t id = 0; (access = next_to_ask(iopt, &id)); id++)
		access->unmap(access, *start, last);
	/* A pin may be on its way to whoever has to undo it. */
	base_yield();
}

/* ---- parts of areas ---- */

/* What a range has of one area. */
struct part {
	struct iopt_area *area;
	uint64_t start, last;
};

/* The part of [at, last] that begins at `at`. -ENOENT, -EINVAL, -EPERM. */
static int part_at_locked(const struct iopt *iopt, uint64_t at, uint64_t last, uint32_t prot,
			  struct part *part)
{
	struct iopt_area *area = iopt_area_first_locked(iopt, at, at);

	if (!area || *iopt_area_state(area) != IOPT_AREA_LIVE)
		return -ENOENT;
	if (*iopt_area_blocked(area))
		return -EINVAL;
	if (!(iopt_area_prot(area) & prot))
		return -EPERM;
	if (area->source->kind == MEM_SOURCE_DMABUF)
		return -EINVAL;
	*part = (struct part){area, at, base_min_u64(last, area->node.last)};
	return 0;
}

static uint64_t part_offset(const struct part *part)
{
	return part->area->offset + (part->start - part->area->node.start);
}

static uint64_t part_length(const struct part *part)
{
	return part->last - part->start + 1;
}

/* ---- pins ---- */

/* As part_at_locked(). Pages are pinned from their first byte on: else -EINVAL. */
static int pinnable_at_locked(const struct iopt *iopt, uint64_t at, uint64_t last, uint32_t prot,
			      struct part *part)
{
	int rc = part_at_locked(iopt, at, last, prot, part);

	return rc != -ENOENT && !base_is_aligned(at, BASE_PAGE_SIZE) ? -EINVAL : rc;
}

static int part_pin(const struct part *part)
{
	int rc;

	/* Who pins has made the areas so: their first and last bytes are those of pages. */
	base_assert(base_is_aligned(part_offset(part) + part->area->source->addr, BASE_PAGE_SIZE));
	rc = mem_source_pin(part->area->source, part_offset(part), part_length(part));
	if (!rc)
		base_add(iopt_area_pins(part->area), 1);
	return rc;
}

static void part_unpin(const struct part *part)
{
	mem_source_unpin(part->area->source, part_offset(part), part_length(part));
	base_sub(iopt_area_pins(part->area), 1);
}

static int part_show(const struct part *part, iommufd_run_fn run, void *arg)
{
	uint64_t length = part_length(part), n;
	int rc = 0;

	for (uint64_t done = 0; done < length && !rc; done += n) {
		uint64_t pa = mem_source_pa(part->area->source, part_offset(part) + done, &n);

		n = base_min_u64(n, length - done);
		rc = run(arg, pa, n);
	}
	return rc;
}

/* The part of a range that is pinned. It has not changed since then. */
static struct part pinned_at_locked(const struct iopt *iopt, uint64_t at, uint64_t last)
{
	struct iopt_area *area = iopt_area_first_locked(iopt, at, at);

	base_assert(area && base_load(iopt_area_pins(area)));
	return (struct part){area, at, base_min_u64(last, area->node.last)};
}

static void unpin_locked(struct iopt *iopt, uint64_t start, uint64_t last)
{
	struct part part;

	do {
		part = pinned_at_locked(iopt, start, last);
		start = part.last + 1;
		part_unpin(&part);
	} while (part.last != last);
}

static int show_locked(struct iopt *iopt, uint64_t start, uint64_t last, iommufd_run_fn run,
		       void *arg)
{
	struct part part;
	int rc;

	do {
		part = pinned_at_locked(iopt, start, last);
		start = part.last + 1;
		rc = part_show(&part, run, arg);
	} while (!rc && part.last != last);
	return rc;
}

/* All parts, or none. */
static int pin_locked(struct iopt *iopt, uint64_t start, uint64_t last, uint32_t prot)
{
	uint64_t at = start;
	struct part part;
	int rc;

	do {
		rc = pinnable_at_locked(iopt, at, last, prot, &part);
		if (!rc)
			rc = part_pin(&part);
		if (rc)
			break;
		at = part.last + 1;
	} while (part.last != last);
	if (rc && at != start)
		unpin_locked(iopt, start, at - 1);
	return rc;
}

int iopt_pin(struct iopt *iopt, uint64_t start, uint64_t last, uint32_t prot, iommufd_run_fn run,
	     void *arg)
{
	int rc;

	last |= BASE_PAGE_SIZE - 1;
	base_scoped_read(&iopt->iova_lock);
	rc = pin_locked(iopt, start, last, prot);
	if (rc)
		return rc;
	rc = show_locked(iopt, start, last, run, arg);
	if (rc)
		unpin_locked(iopt, start, last);
	return rc;
}

void iopt_unpin(struct iopt *iopt, uint64_t start, uint64_t last)
{
	base_scoped_read(&iopt->iova_lock);
	unpin_locked(iopt, start, last | (BASE_PAGE_SIZE - 1));
}

/* ---- copies ---- */

static int part_copy(const struct part *part, void *data, uint32_t prot)
{
	struct mem_source *source = part->area->source;

	return prot == PGTABLE_WRITE
		       ? mem_source_write(source, part_offset(part), data, part_length(part))
		       : mem_source_read(source, part_offset(part), data, part_length(part));
}

int iopt_copy_data(struct iopt *iopt, uint64_t start, uint64_t last, void *data, uint32_t prot)
{
	struct part part;
	int rc;

	base_scoped_read(&iopt->iova_lock);
	do {
		rc = part_at_locked(iopt, start, last, prot, &part);
		if (!rc)
			rc = part_copy(&part, data, prot);
		if (rc)
			return rc;
		data = (uint8_t *)data + part_length(&part);
		start = part.last + 1;
	} while (part.last != last);
	return 0;
}
