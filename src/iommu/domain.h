/* SPDX-License-Identifier: MIT */
/*
 * A domain is an address space of an IOMMU: a paging domain has a table that we
 * fill, a nested domain adds a guest's own table (or none, for the mock) on top
 * of a paging domain, its parent.
 */
#ifndef IOMMU_DOMAIN_H
#define IOMMU_DOMAIN_H

#include "iommu/userdata.h"
#include "pgtable/pgtable.h"

struct iommu;
struct iommu_device;
struct iommu_domain;
struct iommu_viommu;

/* Why a request was refused: the codes of VT-d (vtd.md 8), which the other kinds share. */
typedef enum iommu_fault_code {
	IOMMU_FAULT_BLOCKED = 0x59,	 /* no domain */
	IOMMU_FAULT_S1_ACCESS = 0x70,	 /* stage 1 entry could not be read */
	IOMMU_FAULT_S1_PRESENT = 0x71,	 /* stage 1 entry not present */
	IOMMU_FAULT_S1_RESERVED = 0x72,	 /* stage 1 entry has reserved bits */
	IOMMU_FAULT_S1_NO_READ = 0x76,	 /* stage 2 does not let stage 1 be read */
	IOMMU_FAULT_S1_NO_UPDATE = 0x77, /* stage 1 accessed/dirty bits cannot be written */
	IOMMU_FAULT_ACCESS = 0x78,	 /* the memory is gone */
	IOMMU_FAULT_NOT_MAPPED = 0x79,	 /* no leaf */
	IOMMU_FAULT_NOT_CANONICAL = 0x80,
	IOMMU_FAULT_USER = 0x81,     /* user request, supervisor page */
	IOMMU_FAULT_TOO_WIDE = 0x84, /* beyond the aperture */
	IOMMU_FAULT_NO_WRITE = 0x85,
	IOMMU_FAULT_NO_READ = 0x86,
	IOMMU_FAULT_INTERRUPT = 0x87, /* output (or request without PASID) in the MSI window */
} iommu_fault_code;

/* With the rights of a leaf: for this request only, not to be cached. */
#define IOMMU_LEAF_ONCE 0x80000000u

struct iommu_domain_ops {
	/*
	 * Translate a request that missed the IOTLB. `pasid` 0: without one;
	 * `prot` is PGTABLE_READ or PGTABLE_WRITE. True and *leaf with host PAs and
	 * no more rights than may be cached, or false and *code.
	 */
	bool (*translate)(struct iommu_domain *domain, uint32_t pasid, uint64_t iova, uint32_t prot,
			  struct pgtable_leaf *leaf, iommu_fault_code *code);

	/* See iommu_domain_invalidate(). NULL: not supported. */
	int (*invalidate)(struct iommu_domain *domain, const struct iommu_user_array *array,
			  uint32_t *done);

	void (*free)(struct iommu_domain *domain);
};

struct iommu_domain {
	const struct iommu_domain_ops *ops;
	struct iommu *iommu;
	struct iommu_domain *parent; /* paging domain below a nested one, else NULL */
	struct iommu_viommu *viommu; /* the vIOMMU that a nested one was made from, or NULL */
	bool takes_faults;	     /* whoever attaches it wants page requests; set before that */

	/*
	 * Names the state of the tables: cached translations carry it and are void
	 * once it changes. Values are never used twice in a process.
	 */
	uint64_t tag;

	/* Paging domains only. */
	struct base_mutex lock; /* writers of pt */
	struct pgtable pt;
	uint64_t pgsizes;
	uint64_t aperture_start, aperture_last;
	bool nest_parent;
	bool no_read_only; /* maps must be writable (vtd.md 2.3) */
	bool coherent;	   /* requests cannot bypass the caches */
	bool keeps_dirty;  /* allocated for dirty tracking */
	uint32_t tracking; /* writes make dirty; changed under lock */
};

/* Allocation flags of iommu_domain_alloc: IOMMU_HWPT_ALLOC_* of the uAPI. */

/*
 * A paging domain for `device`, with driver data or NULL. Errors are the
 * driver's (-EOPNOTSUPP, -EINVAL, -EFAULT) or -ENOMEM.
 */
int iommu_domain_alloc(struct iommu_device *device, uint32_t flags,
		       const struct iommu_user_data *data, struct iommu_domain **out);

/* A nested domain on `parent` (which outlives it). As above. */
int iommu_domain_alloc_nested(struct iommu_device *device, struct iommu_domain *parent,
			      uint32_t flags, const struct iommu_user_data *data,
			      struct iommu_domain **out);

/*
 * The guest has changed what a nested domain is made of: carry out the entries of
 * `array` in order (none asks whether the type is known). *done is how many were,
 * on failure, too. When it returns no request uses what they name. -EOPNOTSUPP: the domain
 * has nothing to invalidate; else the driver's errno.
 */
int iommu_domain_invalidate(struct iommu_domain *domain, const struct iommu_user_array *array,
			    uint32_t *done);

/* Nothing is attached to it. Waits for requests in flight. */
void iommu_domain_free(struct iommu_domain *domain);

/*
 * Map pinned memory, all or nothing. `prot` is PGTABLE_*; `pgsizes` restricts
 * the leaf sizes. Errors of pgtable_map(), and -EINVAL for a read-only map where
 * the IOMMU refuses it.
 */
int iommu_domain_map(struct iommu_domain *domain, uint64_t iova, uint64_t pa, uint64_t length,
		     uint32_t prot, uint64_t pgsizes);

/*
 * Unmap what was mapped in the range. The memory may be reached until
 * iommu_sync(trash) has returned.
 */
void iommu_domain_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t length,
			struct base_list *trash);

/* Wait until no request that began earlier is in flight, then free what unmap left (if not NULL).
 */
void iommu_sync(struct base_list *trash);

/* Make every cached translation of the domain void. */
void iommu_domain_flush(struct iommu_domain *domain);

/* ---- dirty tracking: for domains with keeps_dirty ---- */

/*
 * From now on requests that write make leaves dirty, also those of nested
 * domains on top; all leaves are clean at first, also if tracking was on. Off:
 * no longer, and what is dirty stays so.
 */
void iommu_domain_set_tracking(struct iommu_domain *domain, bool on);

/*
 * As pgtable_read_dirty(). Where that clears, a request may still write without
 * making the leaf dirty again, until iommu_domain_sync_dirty().
 */
void iommu_domain_read_dirty(struct iommu_domain *domain, uint64_t start, uint64_t last,
			     struct pgtable_dirty *dirty);

/*
 * When it returns, whoever wrote through what was reported has written, and the
 * next write makes the leaf dirty again.
 */
void iommu_domain_sync_dirty(struct iommu_domain *domain);

/* For drivers: the common members of a new domain. */
void iommu_domain_init(struct iommu_domain *domain, const struct iommu_domain_ops *ops,
		       struct iommu *iommu);

/* For drivers: a page table of `format` and its aperture. 0 or -ENOMEM. */
int iommu_domain_init_paging(struct iommu_domain *domain, const struct pgtable_format *format,
			     unsigned va_lg2);

#endif
