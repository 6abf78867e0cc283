/* SPDX-License-Identifier: MIT */
/*
 * The outward header of pgtable/: radix page tables that hardware would walk.
 * The walk, map and unmap code is one template (template.h, dirty.h), compiled
 * once for each format (one header with bits only, hw/pgtable-formats.md).
 *
 * Writers (map, unmap, read_dirty) are serialised by the owner's lock. A walk
 * takes no lock and may run at any time beside them; the owner keeps what unmap
 * put into the trash until every walk that began earlier has ended.
 */
#ifndef PGTABLE_PGTABLE_H
#define PGTABLE_PGTABLE_H

#include "base/base.h"

#define PGTABLE_READ  1u
#define PGTABLE_WRITE 2u

struct pgtable;

/* A leaf as a walk found it. */
struct pgtable_leaf {
	uint64_t start, last; /* the input addresses that it maps */
	uint64_t pa;	      /* output address of start */
	uint32_t prot;	      /* PGTABLE_READ | PGTABLE_WRITE: the AND over all levels */
};

/*
 * Dirty memory as a bitmap: bit i is word i / 64, bit i mod 64, and stands for
 * 2^unit_lg2 bytes from start + (i << unit_lg2) on.
 */
struct pgtable_dirty {
	uint64_t *bits;	      /* are only set, never cleared; NULL: nobody wants to know */
	uint64_t start, last; /* the input addresses that there are bits for */
	unsigned unit_lg2;
	bool clear;	/* what is reported becomes clean */
	bool found;	/* something was dirty */
	uint64_t reach; /* if so: the last byte of it, be it beyond `last` */
};

/* One page-table format; the instances are below. */
struct pgtable_format {
	const char *name;
	uint64_t pgsizes;    /* bit n: leaves of 2^n bytes */
	unsigned va_max_lg2; /* widest input address */
	unsigned pa_max_lg2; /* widest output address */
	int (*init)(struct pgtable *pt);
	void (*fini)(struct pgtable *pt);
	int (*map)(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t length, uint32_t prot,
		   uint64_t pgsizes);
	void (*unmap)(struct pgtable *pt, uint64_t iova, uint64_t length, struct base_list *trash);
	bool (*walk)(const struct pgtable *pt, uint64_t iova, struct pgtable_leaf *leaf);

	/* NULL: the format keeps no dirty state. */
	bool (*walk_dirty)(struct pgtable *pt, uint64_t iova, uint32_t prot,
			   struct pgtable_leaf *leaf);
	void (*mark_dirty)(struct pgtable *pt, uint64_t iova);
	void (*read_dirty)(struct pgtable *pt, uint64_t start, uint64_t last,
			   struct pgtable_dirty *dirty);
};

extern const struct pgtable_format pgtable_vtdss;      /* VT-d second stage */
extern const struct pgtable_format pgtable_x86_64;     /* VT-d first stage */
extern const struct pgtable_format pgtable_amdv1_mock; /* AMDv1 with a 2 KiB granule, all sizes */
extern const struct pgtable_format pgtable_amdv1_mock_huge; /* the same, 4 KiB and 1 MiB only */

struct pgtable {
	const struct pgtable_format *format;
	unsigned va_lg2; /* input addresses are below 2^va_lg2 */
	unsigned levels;
	void *root;		  /* the top table; its address is its PA */
	struct base_list retired; /* empty tables that leaves replaced; unmap hands them on */
};

/*
 * An empty table for input addresses [0, 2^va_lg2 - 1], with as many levels as
 * that needs (at least the format's smallest number: 3, x86_64 4). 0, -ENOMEM,
 * or -EINVAL if va_lg2 is 0 or more than the format has. pt is not moved
 * afterwards.
 */
int pgtable_init(struct pgtable *pt, const struct pgtable_format *format, unsigned va_lg2);

/* Free everything, mapped or not. Nobody walks any more. */
void pgtable_fini(struct pgtable *pt);

/*
 * Map [iova, iova + length - 1] to contiguous output from pa, with the largest
 * leaves of `pgsizes` (others than the format's are ignored) that alignment and
 * length allow. prot is not 0; where a format cannot say "write only" (x86_64),
 * PGTABLE_WRITE implies PGTABLE_READ. All or nothing. Errors, checked in this
 * order (pgtable-formats.md 1.5): -EINVAL (impossible prot, length 0), -EOVERFLOW
 * (iova wraps), -ERANGE (iova or pa too wide), -ENXIO (not aligned to any size),
 * -EADDRINUSE (a leaf is there), -ENOMEM. After one of the last two, walkers may
 * have seen a part of the range mapped for a moment.
 */
static inline int pgtable_map(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t length,
			      uint32_t prot, uint64_t pgsizes)
{
	return pt->format->map(pt, iova, pa, length, prot, pgsizes);
}

/*
 * Unmap what is mapped in [iova, iova + length - 1], which begins and ends at
 * borders of earlier maps or in holes, at multiples of the smallest page size;
 * holes are skipped, and so is what lies above 2^va_lg2 - 1. length is not 0 and
 * the range does not wrap. Tables that the range covers completely, but the top
 * one, are appended to `trash` (an initialised list; intrusive, cannot fail). A
 * walker that is inside such a table may still find what was mapped, until the
 * owner has waited for it.
 */
static inline void pgtable_unmap(struct pgtable *pt, uint64_t iova, uint64_t length,
				 struct base_list *trash)
{
	pt->format->unmap(pt, iova, length, trash);
}

/* Free the tables that unmap unlinked; the list is empty afterwards. No earlier walk goes on. */
void pgtable_trash_free(struct base_list *trash);

/* The leaf that maps iova. False, and *leaf as it was, if there is none. */
static inline bool pgtable_walk(const struct pgtable *pt, uint64_t iova, struct pgtable_leaf *leaf)
{
	return pt->format->walk(pt, iova, leaf);
}

/* ---- dirty state, for formats that keep it (pgtable-formats.md 1.8) ---- */

/*
 * Walk as pgtable_walk() does, and make the leaf dirty if it has all rights of
 * `prot`. Nothing is stored if it is dirty already, or was unmapped meanwhile.
 */
static inline bool pgtable_walk_dirty(struct pgtable *pt, uint64_t iova, uint32_t prot,
				      struct pgtable_leaf *leaf)
{
	return pt->format->walk_dirty(pt, iova, prot, leaf);
}

/*
 * Make dirty what maps iova, if anything does: the leaf, or of one that is repeated
 * in its table (AMD) only the slot there.
 */
static inline void pgtable_mark_dirty(struct pgtable *pt, uint64_t iova)
{
	pt->format->mark_dirty(pt, iova);
}

/*
 * Report each dirty leaf (of one that is repeated: each dirty slot) that meets [start, last], from
 * `start` on (or its first byte) to its last byte, as far as there are bits: `dirty` has bits for
 * the range, and maybe for more behind it. Holes are skipped, and so is what lies above 2^va_lg2
 * - 1. A walker that began before the state was cleared may go on to write; one that begins
 * afterwards makes the leaf dirty again.
 */
static inline void pgtable_read_dirty(struct pgtable *pt, uint64_t start, uint64_t last,
				      struct pgtable_dirty *dirty)
{
	pt->format->read_dirty(pt, start, last, dirty);
}

/* Set the bits of [start, last], which begins in what there are bits for. */
void pgtable_dirty_add(struct pgtable_dirty *dirty, uint64_t start, uint64_t last);

/* ---- tables that a guest owns (stage 1 of a nested domain) ---- */

/* Why a walk of a guest's table failed. */
enum pgtable_fault {
	PGTABLE_FAULT_NONE,
	PGTABLE_FAULT_CANONICAL, /* address wider than the table */
	PGTABLE_FAULT_ACCESS,	 /* load of an entry failed */
	PGTABLE_FAULT_PRESENT,	 /* entry not present */
	PGTABLE_FAULT_RESERVED,	 /* reserved bit set */
	PGTABLE_FAULT_USER,	 /* user request, supervisor page */
	PGTABLE_FAULT_PERM,	 /* no write permission */
	PGTABLE_FAULT_UPDATE,	 /* accessed/dirty bit could not be written */
};

/*
 * How the walker reaches the guest's entries, by the guest's physical address
 * (aligned to 8). 0 or -EFAULT; cas as base_cas, its result in *swapped.
 */
struct pgtable_guest {
	void *ctx;
	int (*load)(void *ctx, uint64_t gpa, uint64_t *entry);
	int (*cas)(void *ctx, uint64_t gpa, uint64_t *expected, uint64_t desired, bool *swapped);
};

/*
 * Walk an x86-64 table of `levels` (4 or 5) levels with its root at GPA `root`
 * (aligned to 4 KiB) for a user access `prot` (PGTABLE_READ, PGTABLE_WRITE or both)
 * at iova; sets accessed and dirty bits by compare-and-swap, and starts again if
 * the guest changed an entry meanwhile. Order of checks at each level:
 * pgtable-formats.md 4.5. On PGTABLE_FAULT_NONE *leaf holds guest-physical output.
 * Its prot is what a cached copy may allow: PGTABLE_WRITE is missing while the
 * dirty bit is clear, so that the first write walks again and sets it.
 */
enum pgtable_fault pgtable_guest_walk_x86_64(const struct pgtable_guest *guest, uint64_t root,
					     unsigned levels, uint64_t iova, uint32_t prot,
					     struct pgtable_leaf *leaf);

#endif
