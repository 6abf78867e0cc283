// SPDX-License-Identifier: MIT
/* Which addresses of this process show memory of our files. */
#include "front/vma.h"

#include <errno.h>
#include <sys/mman.h>

/* ---- pieces ---- */

/* What a change of notes needs, and what it leaves, with holds: those end without the lock. */
struct pieces {
	struct front_vma *fresh, *over;
};

static void chain_free(struct front_vma *list)
{
	while (list) {
		struct front_vma *next = list->next;

		if (list->region)
			list->region->put(list->region);
		base_free(list);
		list = next;
	}
}

static void pieces_fini(struct pieces *pieces)
{
	chain_free(pieces->fresh);
	chain_free(pieces->over);
}

/* `count` fresh ones, or -ENOMEM and none. */
static int pieces_init(struct pieces *pieces, unsigned count)
{
	*pieces = (struct pieces){NULL, NULL};
	while (count--) {
		struct front_vma *vma = base_zalloc(sizeof(*vma));

		if (!vma) {
			pieces_fini(pieces);
			*pieces = (struct pieces){NULL, NULL};
			return -ENOMEM;
		}
		vma->next = pieces->fresh;
		pieces->fresh = vma;
	}
	return 0;
}

static struct front_vma *fresh_take(struct pieces *pieces)
{
	struct front_vma *vma = pieces->fresh;

	base_assert(vma);
	pieces->fresh = vma->next;
	return vma;
}

static struct front_vma *vma_at_locked(const struct front_vmas *vmas, uint64_t start, uint64_t last)
{
	struct base_gapnode *node = base_gaptree_first(&vmas->tree, start, last);

	base_assert_held(&vmas->lock);
	return node ? base_container_of(node, struct front_vma, node) : NULL;
}

/* Takes over a hold of the region. */
static void vma_add_locked(struct front_vmas *vmas, struct front_vma *vma, uint64_t start,
			   uint64_t last, struct mem_region *region)
{
	base_assert_held(&vmas->lock);
	vma->region = region;
	vma->node.start = start;
	vma->node.last = last;
	base_gaptree_insert(&vmas->tree, &vma->node);
}

/* Nothing of ours is mapped at [start, last] any more. Takes a fresh piece if one becomes two. */
static void vma_cut_locked(struct front_vmas *vmas, uint64_t start, uint64_t last,
			   struct pieces *pieces)
{
	struct front_vma *vma;

	while ((vma = vma_at_locked(vmas, start, last))) {
		uint64_t first = vma->node.start, end = vma->node.last;

		base_gaptree_remove(&vmas->tree, &vma->node);
		if (first < start && end > last) {
			struct front_vma *tail = fresh_take(pieces);

			vma->region->get(vma->region);
			vma_add_locked(vmas, tail, last + 1, end, vma->region);
		}
		if (first < start) {
			vma_add_locked(vmas, vma, first, start - 1, vma->region);
		} else if (end > last) {
			vma_add_locked(vmas, vma, last + 1, end, vma->region);
		} else {
			vma->next = pieces->over;
			pieces->over = vma;
		}
	}
}

static uint64_t address(const void *addr)
{
	return (uint64_t)(uintptr_t)addr;
}

/* The last address of a range that the kernel has taken. */
static uint64_t last_of(const void *addr, size_t length)
{
	return (address(addr) + (length - 1)) | (BASE_PAGE_SIZE - 1);
}

/*
 * Is nothing of ours there? Then the call needs no note, and no memory for it: it may come
 * from an allocator of the program's own, in the middle of its work.
 */
static bool is_plain_locked(const struct front_vmas *vmas, const void *addr, size_t length)
{
	uint64_t last = last_of(addr, length);

	/* The kernel knows what to say to a range that is none. */
	return !length || last < address(addr) || !vma_at_locked(vmas, address(addr), last);
}

/* ---- life ---- */

void front_vmas_init(struct front_vmas *vmas)
{
	base_mutex_init(&vmas->lock, RANK_FRONT);
	base_gaptree_init(&vmas->tree);
}

void front_vmas_fini(struct front_vmas *vmas)
{
	struct base_gapnode *node;

	while ((node = base_gaptree_first(&vmas->tree, 0, UINT64_MAX)))
		front_vmas_munmap(vmas, (void *)(uintptr_t)node->start,
				  node->last - node->start + 1);
}

void front_vmas_after_fork(struct front_vmas *vmas)
{
	front_vmas_init(vmas);
}

/* ---- mmap ---- */

/* The memory of the file may get a place of its own, or be put over something. */
static int map_region(struct front_vmas *vmas, struct mem_region *region, void **addr,
		      const struct front_mmap *call, struct pieces *pieces)
{
	uint64_t last;
	int rc;

	base_scoped_lock(&vmas->lock);
	rc = base_sys_mmap(addr, call->length, call->prot, call->flags, region->fd, region->offset);
	if (rc)
		return rc;
	last = last_of(*addr, call->length);
	vma_cut_locked(vmas, address(*addr), last, pieces);
	vma_add_locked(vmas, fresh_take(pieces), address(*addr), last, region);
	return 0;
}

int front_vmas_mmap(struct front_vmas *vmas, struct front_slot *slot, void **addr,
		    const struct front_mmap *call)
{
	struct mem_region *region;
	struct pieces pieces;
	int rc =
		front_call_mmap(slot, call->offset, call->length, call->prot, call->flags, &region);

	if (rc)
		return rc;
	rc = pieces_init(&pieces, 2);
	if (!rc)
		rc = map_region(vmas, region, addr, call, &pieces);
	pieces_fini(&pieces);
	if (rc)
		region->put(region);
	return rc;
}

static int map_over(struct front_vmas *vmas, int fd, void **addr, const struct front_mmap *call,
		    struct pieces *pieces)
{
	int rc;

	base_scoped_lock(&vmas->lock);
	rc = base_sys_mmap(addr, call->length, call->prot, call->flags, fd, (uint64_t)call->offset);
	if (!rc)
		vma_cut_locked(vmas, address(*addr), last_of(*addr, call->length), pieces);
	return rc;
}

/* True if it was plain, and is done: *rc says how. */
static bool map_plain(struct front_vmas *vmas, int fd, void **addr, const struct front_mmap *call,
		      int *rc)
{
	base_scoped_lock(&vmas->lock);
	if (!is_plain_locked(vmas, *addr, call->length))
		return false;
	*rc = base_sys_mmap(addr, call->length, call->prot, call->flags, fd,
			    (uint64_t)call->offset);
	return true;
}

int front_vmas_mmap_other(struct front_vmas *vmas, int fd, void **addr,
			  const struct front_mmap *call)
{
	struct pieces pieces;
	int rc;

	if (map_plain(vmas, fd, addr, call, &rc))
		return rc;
	rc = pieces_init(&pieces, 1);
	if (!rc)
		rc = map_over(vmas, fd, addr, call, &pieces);
	pieces_fini(&pieces);
	return rc;
}

/* ---- munmap ---- */

/* Only a piece of which both ends stay needs memory. */
static bool is_inside_locked(const struct front_vmas *vmas, uint64_t start, uint64_t last)
{
	struct front_vma *vma = vma_at_locked(vmas, start, last);

	return vma && vma->node.start < start && vma->node.last > last;
}

static int unmap(struct front_vmas *vmas, void *addr, size_t length, struct pieces *pieces)
{
	uint64_t start = address(addr), last = last_of(addr, length);
	int rc;

	base_scoped_lock(&vmas->lock);
	if (!pieces->fresh && is_inside_locked(vmas, start, last))
		return -ENOMEM;
	rc = base_sys_munmap(addr, length);
	if (!rc)
		vma_cut_locked(vmas, start, last, pieces);
	return rc;
}

static bool unmap_plain(struct front_vmas *vmas, void *addr, size_t length, int *rc)
{
	base_scoped_lock(&vmas->lock);
	if (!is_plain_locked(vmas, addr, length))
		return false;
	*rc = base_sys_munmap(addr, length);
	return true;
}

int front_vmas_munmap(struct front_vmas *vmas, void *addr, size_t length)
{
	struct pieces pieces;
	int rc;

	if (unmap_plain(vmas, addr, length, &rc))
		return rc;
	pieces_init(&pieces, 1);
	rc = unmap(vmas, addr, length, &pieces);
	pieces_fini(&pieces);
	return rc;
}

/* ---- mremap ---- */

/* The kernel has moved, shrunk or doubled [old, old + old_length - 1] of the region. */
static void moved_locked(struct front_vmas *vmas, struct mem_region *region, void *old,
			 size_t old_length, void *addr, size_t length, struct pieces *pieces)
{
	uint64_t last = last_of(addr, length);

	region->get(region);
	if (old_length)
		vma_cut_locked(vmas, address(old), last_of(old, old_length), pieces);
	vma_cut_locked(vmas, address(addr), last, pieces);
	vma_add_locked(vmas, fresh_take(pieces), address(addr), last, region);
}

static int remap(struct front_vmas *vmas, void **addr, size_t old_length, size_t length, int flags,
		 void *wanted, struct pieces *pieces)
{
	uint64_t last = last_of(*addr, old_length ? old_length : 1);
	struct front_vma *vma;
	void *old = *addr;
	int rc;

	base_scoped_lock(&vmas->lock);
	vma = vma_at_locked(vmas, address(old), last);
	if (vma && old_length && length > old_length)
		return -EFAULT;
	rc = base_sys_mremap(addr, old_length, length, flags, wanted);
	if (rc)
		return rc;
	if (vma)
		moved_locked(vmas, vma->region, old, flags & MREMAP_DONTUNMAP ? 0 : old_length,
			     *addr, length, pieces);
	else if (flags & MREMAP_FIXED)
		vma_cut_locked(vmas, address(*addr), last_of(*addr, length), pieces);
	return 0;
}

static bool remap_plain(struct front_vmas *vmas, void **addr, size_t old_length, size_t length,
			int flags, void *wanted, int *rc)
{
	base_scoped_lock(&vmas->lock);
	if (!is_plain_locked(vmas, *addr, old_length ? old_length : 1) ||
	    ((flags & MREMAP_FIXED) && !is_plain_locked(vmas, wanted, length)))
		return false;
	*rc = base_sys_mremap(addr, old_length, length, flags, wanted);
	return true;
}

int front_vmas_mremap(struct front_vmas *vmas, void **addr, size_t old_length, size_t length,
		      int flags, void *wanted)
{
	struct pieces pieces;
	int rc;

	if (remap_plain(vmas, addr, old_length, length, flags, wanted, &rc))
		return rc;
	rc = pieces_init(&pieces, 3);
	if (!rc)
		rc = remap(vmas, addr, old_length, length, flags, wanted, &pieces);
	pieces_fini(&pieces);
	return rc;
}
