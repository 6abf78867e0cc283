// SPDX-License-Identifier: MIT
/*
 * The IOVA space: blocks of areas, new ones or such as share the page sources of
 * others (COPY). The way of all mappings but those of MAP, which has a shorter one.
 */
#include "iommufd/iopt_area.h"

#include <errno.h>

static struct iopt_area *chain_next(const struct iopt_area *area)
{
	return iopt_area_of(area->node.child[1]);
}

/* A block of one area, which is all of a new source. */
static void block_of_one(const struct iopt *iopt, struct iopt_area *area, struct mem_source *source,
			 struct iopt_block *block)
{
	iopt_area_init(area, source, 0, 0, IOPT_AREA_NEW);
	area->node.start = 0;
	area->node.last = source->length - 1;
	area->node.child[1] = NULL;
	block->areas = area;
	block->length = source->length;
	block->mappings = iopt->mappings.slab;
}

static void area_free(struct iopt_area *area, struct base_slab *mappings)
{
	struct iopt_mapping *mapping = iopt_area_put(area);

	if (mapping)
		base_slab_free(mappings, mapping);
}

void iopt_block_free(struct iopt_block *block)
{
	struct iopt_area *area = block->areas, *next;

	for (; area; area = next) {
		next = chain_next(area);
		area_free(area, block->mappings);
	}
}

/* ---- make ---- */

int iopt_block_user(const struct iopt *iopt, const struct iopt_map_request *request,
		    struct iopt_block *block)
{
	struct iopt_mapping *mapping = base_slab_alloc(iopt->mappings.slab);

	if (!mapping)
		return -ENOMEM;
	mem_source_init(&mapping->source, request->client, request->addr, request->length,
			request->prot & PGTABLE_WRITE, request->account);
	block_of_one(iopt, &mapping->first, &mapping->source, block);
	return 0;
}

int iopt_block_file(const struct iopt *iopt, const struct iopt_map_request *request, int fd,
		    struct iopt_block *block)
{
	struct iopt_mapping *mapping = base_slab_alloc(iopt->mappings.slab);
	int rc;

	if (!mapping) {
		base_sys_close(fd);
		return -ENOMEM;
	}
	rc = mem_source_init_file(&mapping->source, request->client, fd, request->addr,
				  request->length, request->prot & PGTABLE_WRITE, request->account);
	if (rc) {
		base_slab_free(iopt->mappings.slab, mapping);
		return rc;
	}
	block_of_one(iopt, &mapping->first, &mapping->source, block);
	return 0;
}

int iopt_block_dmabuf(const struct iopt *iopt, const struct iopt_map_request *request,
		      struct mem_dmabuf *dmabuf, struct iopt_block *block)
{
	struct iopt_mapping *mapping = base_slab_alloc(iopt->mappings.slab);
	struct iopt_area *area = iopt_dmabuf_area_alloc();
	int rc = -ENOMEM;

	if (mapping && area)
		rc = mem_source_init_dmabuf(&mapping->source, request->client, dmabuf,
					    request->addr, request->length,
					    request->prot & PGTABLE_WRITE);
	if (rc) {
		base_free(area);
		if (mapping)
			base_slab_free(iopt->mappings.slab, mapping);
		return rc;
	}
	block_of_one(iopt, area, &mapping->source, block);
	return 0;
}

/* An area on the same memory as [start, last] of `from`, `base` lower. */
static struct iopt_area *piece_new(const struct iopt_area *from, uint64_t start, uint64_t last,
				   uint64_t base)
{
	struct iopt_area *piece = iopt_area_alloc(from->source);

	if (!piece)
		return NULL;
	mem_source_get(from->source);
	iopt_area_init(piece, from->source, from->offset + (start - from->node.start), 0,
		       IOPT_AREA_NEW);
	piece->node.start = start - base;
	piece->node.last = last - base;
	piece->node.child[1] = NULL;
	return piece;
}

/* On failure the chain is as long as it got. */
static int chain_make_locked(const struct iopt *iopt, uint64_t start, uint64_t last,
			     struct iopt_area **chain)
{
	struct base_gapnode **end = NULL;
	uint64_t at = start, piece_last;

	base_assert_held(&iopt->iova_lock);
	*chain = NULL;
	for (;; at = piece_last + 1) {
		struct iopt_area *area = iopt_area_first_locked(iopt, at, at), *piece;

		if (!area || *iopt_area_state(area) != IOPT_AREA_LIVE)
			return -ENOENT;
		piece_last = base_min_u64(area->node.last, last);
		piece = piece_new(area, at, piece_last, start);
		if (!piece)
			return -ENOMEM;
		if (end)
			*end = &piece->node;
		else
			*chain = piece;
		end = &piece->node.child[1];
		if (piece_last == last)
			return 0;
	}
}

int iopt_copy(struct iopt *iopt, uint64_t start, uint64_t last, struct iopt_block *block)
{
	int rc;

	base_rwlock_rdlock(&iopt->iova_lock);
	rc = chain_make_locked(iopt, start, last, &block->areas);
	base_rwlock_rdunlock(&iopt->iova_lock);
	block->length = last - start + 1;
	block->mappings = iopt->mappings.slab;
	if (rc)
		iopt_block_free(block);
	return rc;
}

/* ---- map ---- */

/* May each piece be there with these rights (3.3)? */
static int pieces_check_locked(const struct iopt *iopt, const struct iopt_block *block,
			       uint32_t prot, uint64_t iova)
{
	const struct iopt_area *piece = block->areas;

	base_assert_held(&iopt->iova_lock);
	for (; piece; piece = chain_next(piece)) {
		if ((prot & PGTABLE_WRITE) && !piece->source->writable)
			return -EPERM;
		if (!base_is_aligned(iopt_area_addr(piece) | (iova + piece->node.start),
				     iopt->alignment))
			return -EINVAL;
	}
	return 0;
}

/* Where the block may go. */
static int block_place_locked(const struct iopt *iopt, const struct iopt_block *block,
			      uint32_t prot, bool fixed, uint64_t *iova)
{
	int rc = fixed ? iopt_place_fixed_locked(iopt, block->length, *iova)
		       : iopt_place_auto_locked(iopt, block->length, iopt_area_addr(block->areas),
						iova);

	if (rc)
		return rc;
	if (iopt_area_first_locked(iopt, *iova, *iova + (block->length - 1)))
		return -EEXIST;
	return pieces_check_locked(iopt, block, prot, *iova);
}

/* Enter what is sure to find its place free. */
static void block_enter_locked(struct iopt *iopt, const struct iopt_block *block, uint32_t prot,
			       uint64_t iova)
{
	struct iopt_area *piece = block->areas, *next;
	bool entered;

	base_assert_held(&iopt->iova_lock);
	for (; piece; piece = next) {
		next = chain_next(piece);
		piece->node.start += iova;
		piece->node.last += iova;
		piece->node.user[0] = (uint8_t)prot;
		entered = base_gaptree_insert(&iopt->areas, &piece->node);
		base_assert(entered);
	}
}

/* Fill from `area` to `last`, without the inner lock. On failure nothing is filled. */
static int areas_fill_locked(struct iopt *iopt, struct iopt_area *area, uint64_t last)
{
	struct iopt_area *first = area, *stop;
	int rc = 0;

	for (; area && area->node.start <= last; area = iopt_area_next_locked(iopt, area)) {
		base_rwlock_wrunlock(&iopt->iova_lock);
		rc = iopt_area_fill(iopt, area);
		base_rwlock_wrlock(&iopt->iova_lock);
		if (rc)
			break;
	}
	if (!rc)
		return 0;
	stop = area;
	for (area = first; area != stop; area = iopt_area_next_locked(iopt, area)) {
		base_rwlock_wrunlock(&iopt->iova_lock);
		iopt_area_drain(iopt, area);
		base_rwlock_wrlock(&iopt->iova_lock);
	}
	return rc;
}

/* Everybody may see the new areas of [start, last], or they go again. */
static void areas_settle_locked(struct iopt *iopt, uint64_t start, uint64_t last, bool stay)
{
	struct iopt_area *area = iopt_area_first_locked(iopt, start, last), *next;

	for (; area && area->node.start <= last; area = next) {
		next = iopt_area_next_locked(iopt, area);
		if (stay) {
			*iopt_area_state(area) = IOPT_AREA_LIVE;
		} else {
			base_gaptree_remove(&iopt->areas, &area->node);
			area_free(area, iopt->mappings.slab);
		}
	}
}

int iopt_map_block(struct iopt *iopt, struct iopt_block *block, uint32_t prot, bool fixed,
		   uint64_t *iova)
{
	bool domains = iopt_areas_lock(iopt);
	int rc = block_place_locked(iopt, block, prot, fixed, iova);
	uint64_t last = *iova + (block->length - 1);

	if (!rc) {
		struct iopt_area *first = block->areas;

		block_enter_locked(iopt, block, prot, *iova);
		block->areas = NULL;
		if (domains)
			rc = areas_fill_locked(iopt, first, last);
		areas_settle_locked(iopt, *iova, last, !rc);
	}
	iopt_areas_unlock(iopt, domains);
	iopt_block_free(block);
	return rc;
}
