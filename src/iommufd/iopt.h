/* SPDX-License-Identifier: MIT */
/*
 * Inside iommufd/: the IOVA space of an IOAS (iommufd-ioctls.md 3): areas, each
 * one mapping of a page source, the ranges that are reserved or allowed, and the
 * domains that are kept filled with the areas.
 *
 * Locks: domains_lock (read: map and unmap; write: a domain joins or leaves)
 * outside iova_lock (the trees and lists).
 */
#ifndef IOMMUFD_IOPT_H
#define IOMMUFD_IOPT_H

#include "iommufd/iommufd.h"

#include <errno.h>

/* What an area is going through; kept in node.user[1] (guarded by iova_lock). */
enum iopt_area_state {
	IOPT_AREA_NEW, /* being filled: occupies its IOVA, otherwise invisible */
	IOPT_AREA_LIVE,
	IOPT_AREA_REMOVING, /* taken by an unmap */
};

/*
 * 72 bytes: there may be a million of them. In node.user: [0] PGTABLE_* rights, [1]
 * state, [2] blocked for accesses, [3..6] how many parts of it accesses have pinned.
 */
struct iopt_area {
	struct base_gapnode node;
	struct mem_source *source;
	uint64_t offset; /* of the first byte, in the source */
};

/* What a map allocates: a page source, and the area that it is made for. 120 bytes. */
struct iopt_mapping {
	struct mem_source source; /* outlives `first` if other areas share it */
	struct iopt_area first;
};

/* A range nobody may map. They may overlap each other. */
struct iopt_reserved {
	struct base_list node; /* sorted by start */
	uint64_t start, last;
	const void *owner;
};

struct iopt_allowed {
	uint64_t start, last;
};

/* A domain that is filled with the areas. */
struct iopt_domain {
	struct base_list node;
	struct iommu_domain *domain;
};

/* Who has access to an IOVA space, beside the domains. */
struct iopt_access {
	bool pins;
	/*
	 * Keep it for unmap(). False: it is going away, or has nothing to unpin. iova_lock
	 * is held.
	 */
	bool (*hold)(struct iopt_access *access);
	/* Unpin what meets [start, last], and no longer keep it. No lock is held. */
	void (*unmap)(struct iopt_access *access, uint64_t start, uint64_t last);
};

#define IOPT_ACCESS_IDS 65536

/* A range whose pins nobody asks to undo: unmap refuses instead. */
struct iopt_locked {
	struct base_list node;
	uint64_t start, last;
};

struct iopt {
	struct base_rwlock domains_lock, iova_lock;
	struct base_list domains; /* struct iopt_domain; changed under both locks */
	struct base_gaptree areas;
	struct base_stock mappings; /* struct iopt_mapping; guarded by iova_lock */
	struct base_list reserved;
	struct iopt_allowed *allowed; /* sorted, disjoint */
	size_t allowed_count;
	struct base_idtable accesses; /* struct iopt_access */
	uint32_t pinning;	      /* of the accesses, how many pin */
	bool small_pages;	      /* no leaves but of PAGE (11.4); changed under both locks */
	struct base_list locked;      /* struct iopt_locked */
	uint64_t alignment;	      /* of every IOVA, length and source address */
};

/*
 * In zeroed memory. `mappings` has the memory for struct iopt_mapping of all spaces that
 * areas are copied between, since one may outlive the space that it was made in.
 */
void iopt_init(struct iopt *iopt, struct base_slab *mappings);

/* Unmap everything and free it all. No domain is left. */
void iopt_fini(struct iopt *iopt);

/* What to map: all of [addr, addr + length - 1] of the client's memory, length > 0. */
struct iopt_map_request {
	struct mem_client *client;
	uint64_t addr, length;
	uint32_t prot; /* PGTABLE_* */
	bool fixed;    /* at *iova; else a place is chosen that shares the low bits of addr */
	enum mem_account_mode account;
};

/*
 * Map memory at *iova, or set it. 3.2-3.4: -EINVAL, -EOVERFLOW, -EEXIST, -ENOSPC,
 * -EFAULT, -ENOMEM.
 */
int iopt_map(struct iopt *iopt, const struct iopt_map_request *request, uint64_t *iova);

/* Areas that are in no space yet, in the order of their IOVAs, which begin at 0. */
struct iopt_block {
	struct iopt_area *areas; /* chained by node.child[1] */
	uint64_t length;
	struct base_slab *mappings; /* where they are from */
};

/*
 * Make a block of one area, as iopt_map() does for itself; where in the space it is to go
 * is not looked at. -ENOMEM.
 */
int iopt_block_user(const struct iopt *iopt, const struct iopt_map_request *request,
		    struct iopt_block *block);

/*
 * The same of a file or of a dma-buf (section 8), from byte request->addr on. `fd` is as
 * for mem_source_init_file(). -ENOMEM; of a dma-buf also -EINVAL, -ENODEV.
 */
int iopt_block_file(const struct iopt *iopt, const struct iopt_map_request *request, int fd,
		    struct iopt_block *block);
int iopt_block_dmabuf(const struct iopt *iopt, const struct iopt_map_request *request,
		      struct mem_dmabuf *dmabuf, struct iopt_block *block);

/*
 * Make a block of what the published areas that cover [start, last] map (section 9).
 * -ENOENT: a gap; -ENOMEM.
 */
int iopt_copy(struct iopt *iopt, uint64_t start, uint64_t last, struct iopt_block *block);
void iopt_block_free(struct iopt_block *block);

/*
 * Map a block with these rights, as iopt_map() does. It is empty then, also on
 * failure. -EPERM: PGTABLE_WRITE to what was mapped read-only; else as iopt_map().
 */
int iopt_map_block(struct iopt *iopt, struct iopt_block *block, uint32_t prot, bool fixed,
		   uint64_t *iova);

/*
 * Unmap the areas inside [start, last]; *unmapped counts bytes, also on failure.
 * -EBUSY: an area in transition, or locked; -ENOENT: one only partly inside (10.4).
 * Accesses that have pinned an area are asked to unpin it: no lock is held. -EDEADLK:
 * they do not.
 */
int iopt_unmap(struct iopt *iopt, uint64_t start, uint64_t last, uint64_t *unmapped);

/* Reserve a range. -EADDRINUSE: it meets an area or an allowed range. -ENOMEM. */
int iopt_reserve(struct iopt *iopt, uint64_t start, uint64_t last, const void *owner);

/* Drop every reservation of an owner. */
void iopt_unreserve(struct iopt *iopt, const void *owner);

/* Make room for one more range behind `count` in an array that began as NULL. -ENOMEM. */
int iopt_allowed_grow(struct iopt_allowed **ranges, size_t count);

/* Replace the allowed ranges; takes over the array on success. -EADDRINUSE. */
int iopt_allow(struct iopt *iopt, struct iopt_allowed *ranges, size_t count);

/* The last IOVA of the published area that has `iova`; false: none has. iova_lock is held. */
bool iopt_area_at_locked(const struct iopt *iopt, uint64_t iova, uint64_t *last);

/*
 * A domain joins: its page size and aperture are imposed, then it is filled.
 * All or nothing. -EINVAL, -EADDRINUSE, -EFAULT, -ENOMEM (section 10.5).
 */
int iopt_add_domain(struct iopt *iopt, struct iopt_domain *domain);

/*
 * A domain leaves: its aperture is no longer imposed, and what it reads is unpinned,
 * since nothing uses it any more. Never fails.
 */
void iopt_remove_domain(struct iopt *iopt, struct iopt_domain *domain);

/*
 * May pages be combined in the domains (11.4)? Always if `on`; else -EINVAL: there are
 * a domain and an area, -EADDRINUSE: an area is not page-aligned.
 */
int iopt_set_huge_pages(struct iopt *iopt, bool on);

/* The page sizes that all domains have, all of them without any. iova_lock is held. */
uint64_t iopt_pgsizes_locked(const struct iopt *iopt);

/*
 * If huge pages are off, let no area have bytes both at `border` and at border + 1.
 * -EBUSY: the one that has is in transition or blocked; -EOPNOTSUPP: it is of a dma-buf;
 * -EINVAL: it cannot be cut there, or is in use; -ENOMEM.
 */
int iopt_cut(struct iopt *iopt, uint64_t border);

/* ---- owners of page sources (iopt_owner.c) ---- */

/* Sources of several spaces that are to belong to another client (13). */
struct iopt_owner_change {
	struct mem_client *client;
	uint64_t pages[MEM_ACCOUNT_MM + 1]; /* to charge it for, by mode */
};

/*
 * In this order, each on all spaces, whose iova_lock is held: look at what is there
 * (-EBUSY: an area is in transition; -EINVAL: one that is not of a file), count the pages
 * of each source once, and hand the sources over.
 */
int iopt_owner_check(const struct iopt *iopt);
void iopt_owner_count(const struct iopt *iopt, struct iopt_owner_change *change);
void iopt_owner_set(const struct iopt *iopt, const struct iopt_owner_change *change);

/* ---- accesses (iopt_access.c) ---- */

/*
 * The access gets an id in the space. If it pins, areas have to be multiples of pages:
 * -EADDRINUSE. -EBUSY: too many accesses; -ENOMEM.
 */
int iopt_add_access(struct iopt *iopt, struct iopt_access *access, uint32_t *id);

/* It has unpinned everything. unmap() may still be under way: hold() says so. */
void iopt_remove_access(struct iopt *iopt, const struct iopt_access *access, uint32_t id);

/*
 * Pin the pages of [start, last] for `prot`, PGTABLE_READ or PGTABLE_WRITE, and show
 * their runs; what fails has no effect. For accesses that pin. -ENOENT: a gap; -EINVAL:
 * start is not that of a page, blocked, or cannot be pinned; -EPERM; -EFAULT; -ENOMEM; or
 * the errno of run().
 */
int iopt_pin(struct iopt *iopt, uint64_t start, uint64_t last, uint32_t prot, iommufd_run_fn run,
	     void *arg);

/* Undo a pin of the same range. */
void iopt_unpin(struct iopt *iopt, uint64_t start, uint64_t last);

/*
 * Copy what is mapped at [start, last] to `data`, or from there with PGTABLE_WRITE.
 * Errors as above; what is before the area that fails has been copied.
 */
int iopt_copy_data(struct iopt *iopt, uint64_t start, uint64_t last, void *data, uint32_t prot);

/* Areas with pins that meet the range cannot be unmapped, until it is unlocked. */
void iopt_lock(struct iopt *iopt, struct iopt_locked *locked, uint64_t start, uint64_t last);
void iopt_unlock(struct iopt *iopt, struct iopt_locked *locked);

/* ---- placement (iopt_place.c); iova_lock is held ---- */

/*
 * The next maximal range at or after *start, up to `last`, that is not reserved.
 * True and [*start, *range_last], or false.
 */
bool iopt_next_usable_locked(const struct iopt *iopt, uint64_t *start, uint64_t last,
			     uint64_t *range_last);

/* Choose a place (3.2). -EINVAL, -EOVERFLOW, -ENOSPC. */
int iopt_place_auto_locked(const struct iopt *iopt, uint64_t length, uint64_t hint, uint64_t *iova);

static inline bool iopt_is_reserved_locked(const struct iopt *iopt, uint64_t start, uint64_t last)
{
	struct iopt_reserved *r;

	base_assert_held(&iopt->iova_lock);
	base_list_for_each (r, &iopt->reserved, node) {
		if (r->start > last)
			break;
		if (r->last >= start)
			return true;
	}
	return false;
}

/* Check a fixed place up to, not including, the areas (3.3). -EINVAL, -EOVERFLOW. */
static inline int iopt_place_fixed_locked(const struct iopt *iopt, uint64_t length, uint64_t iova)
{
	uint64_t last;

	if (!length || !base_is_aligned(length, iopt->alignment) ||
	    !base_is_aligned(iova, iopt->alignment))
		return -EINVAL;
	if (!base_range_last(iova, length, &last))
		return -EOVERFLOW;
	return iopt_is_reserved_locked(iopt, iova, last) ? -EINVAL : 0;
}

#endif
