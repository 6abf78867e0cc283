// SPDX-License-Identifier: MIT
/* Nested translation: the guest's first-stage table, read through the second stage. */
#include "iommu/vtd/vtd.h"

#include <errno.h>

#define FS_LEVELS_48 4

/* Is the guest-physical address inside the parent, and may it be accessed so? */
static bool stage2(struct iommu_domain *parent, uint64_t gpa, uint32_t prot,
		   struct pgtable_leaf *leaf)
{
	return iommu_paging_walk(parent, gpa, prot, leaf) && (leaf->prot & prot);
}

/* The guest's memory as its tables see it. */
struct guest_memory {
	struct iommu_domain *parent;
	iommu_fault_code code; /* why the last load failed */
};

static bool stage2_pa(struct iommu_domain *parent, uint64_t gpa, uint32_t prot, uint64_t *pa)
{
	struct pgtable_leaf leaf;

	if (gpa > parent->aperture_last || !stage2(parent, gpa, prot, &leaf))
		return false;
	*pa = leaf.pa + (gpa - leaf.start);
	return true;
}

static int guest_load(void *ctx, uint64_t gpa, uint64_t *entry)
{
	struct guest_memory *memory = ctx;
	uint64_t pa;
	bool ok = stage2_pa(memory->parent, gpa, PGTABLE_READ, &pa);

	memory->code = ok ? IOMMU_FAULT_S1_ACCESS : IOMMU_FAULT_S1_NO_READ;
	return ok ? mem_pa_load64(pa, entry) : -EFAULT;
}

static int guest_cas(void *ctx, uint64_t gpa, uint64_t *expected, uint64_t desired, bool *swapped)
{
	struct guest_memory *memory = ctx;
	uint64_t pa;

	return stage2_pa(memory->parent, gpa, PGTABLE_WRITE, &pa)
		       ? mem_pa_cas64(pa, expected, desired, swapped)
		       : -EFAULT;
}

static iommu_fault_code fault_code(const struct guest_memory *memory, enum pgtable_fault fault,
				   uint32_t prot)
{
	switch (fault) {
	case PGTABLE_FAULT_CANONICAL: return IOMMU_FAULT_NOT_CANONICAL;
	case PGTABLE_FAULT_ACCESS: return memory->code;
	case PGTABLE_FAULT_PRESENT: return IOMMU_FAULT_S1_PRESENT;
	case PGTABLE_FAULT_RESERVED: return IOMMU_FAULT_S1_RESERVED;
	case PGTABLE_FAULT_USER: return IOMMU_FAULT_USER;
	case PGTABLE_FAULT_UPDATE: return IOMMU_FAULT_S1_NO_UPDATE;
	default: return prot == PGTABLE_WRITE ? IOMMU_FAULT_NO_WRITE : IOMMU_FAULT_NO_READ;
	}
}

/* Put the second stage behind a first-stage leaf, for the part that has iova. */
static bool compose(struct iommu_domain *parent, uint64_t iova, uint32_t prot,
		    struct pgtable_leaf *leaf, iommu_fault_code *code)
{
	uint64_t gpa = leaf->pa + (iova - leaf->start);
	struct pgtable_leaf s2;

	if (vtd_is_interrupt(0, gpa)) {
		*code = IOMMU_FAULT_INTERRUPT;
		return false;
	}
	if (!iommu_paging_translate(parent, 0, gpa, prot, &s2, code))
		return false;
	vtd_leaf_finish(&s2, gpa);
	/* The second-stage leaf in terms of first-stage input addresses. */
	iommu_leaf_clip(&s2, base_max_u64(s2.start, gpa - (iova - leaf->start)),
			base_min_u64(s2.last, gpa + (leaf->last - iova)));
	leaf->start = iova - (gpa - s2.start);
	leaf->last = iova + (s2.last - gpa);
	leaf->pa = s2.pa;
	/* A read did not set the dirty bit, so a later write has to walk again. */
	leaf->prot =
		prot == PGTABLE_WRITE ? (PGTABLE_WRITE | (s2.prot & PGTABLE_READ)) : PGTABLE_READ;
	return true;
}

static bool nested_translate(struct iommu_domain *domain, uint32_t pasid, uint64_t iova,
			     uint32_t prot, struct pgtable_leaf *leaf, iommu_fault_code *code)
{
	struct vtd_nested *nested = base_container_of(domain, struct vtd_nested, domain);
	struct guest_memory memory = {.parent = domain->parent};
	struct pgtable_guest guest = {
		.ctx = &memory,
		.load = guest_load,
		.cas = guest_cas,
	};
	enum pgtable_fault fault;

	if (vtd_is_interrupt(pasid, iova)) {
		*code = IOMMU_FAULT_INTERRUPT;
		return false;
	}
	fault = pgtable_guest_walk_x86_64(&guest, nested->s1.pgtbl_addr & ~(uint64_t)0xfff,
					  FS_LEVELS_48, iova, prot, leaf);
	if (fault != PGTABLE_FAULT_NONE) {
		*code = fault_code(&memory, fault, prot);
		return false;
	}
	if (!compose(domain->parent, iova, prot, leaf, code))
		return false;
	vtd_leaf_finish(leaf, iova);
	return true;
}

/* One request of hw/vtd.md 6, which is in order: what it names is part of the domain. */
static int nested_check_entry(const struct iommu_user_array *array, uint32_t index)
{
	struct iommu_hwpt_vtd_s1_invalidate inv;
	int rc = iommu_user_array_entry(array, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, index, &inv,
					sizeof(inv), sizeof(inv));

	if (rc)
		return rc;
	if ((inv.flags & ~(uint32_t)IOMMU_VTD_INV_FLAGS_LEAF) || inv.__reserved)
		return -EOPNOTSUPP;
	if (!base_is_aligned(inv.addr, BASE_PAGE_SIZE) || (inv.npages == UINT64_MAX && inv.addr))
		return -EINVAL;
	return 0;
}

/* Whatever the ranges are, everything goes: more than was asked for is allowed. */
static int nested_invalidate(struct iommu_domain *domain, const struct iommu_user_array *array,
			     uint32_t *done)
{
	int rc = 0;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_VTD_S1)
		return -EINVAL;
	while (*done < array->count && !(rc = nested_check_entry(array, *done)))
		++*done;
	if (*done) {
		iommu_domain_flush(domain);
		iommu_sync(NULL);
	}
	return rc;
}

static void nested_free(struct iommu_domain *domain)
{
	base_free(base_container_of(domain, struct vtd_nested, domain));
}

static const struct iommu_domain_ops nested_ops = {
	.translate = nested_translate,
	.invalidate = nested_invalidate,
	.free = nested_free,
};

int vtd_nested_alloc(struct iommu_device *device, struct iommu_domain *parent, uint32_t flags,
		     const struct iommu_user_data *data, struct iommu_domain **out)
{
	struct vtd_nested *nested;
	struct iommu_hwpt_vtd_s1 s1;
	int rc;

	if ((flags & ~IOMMU_HWPT_ALLOC_PASID) || data->type != IOMMU_HWPT_DATA_VTD_S1)
		return -EOPNOTSUPP;
	if (!parent->nest_parent)
		return -EINVAL;
	rc = iommu_user_data_in(data, IOMMU_HWPT_DATA_VTD_S1, &s1, sizeof(s1), sizeof(s1));
	if (rc)
		return rc;
	nested = base_zalloc(sizeof(*nested));
	if (!nested)
		return -ENOMEM;
	iommu_domain_init(&nested->domain, &nested_ops, device->iommu);
	nested->domain.parent = parent;
	nested->s1 = s1;
	*out = &nested->domain;
	return 0;
}

int vtd_nested_check(const struct iommu_domain *domain)
{
	const struct vtd_nested *nested =
		base_container_of(domain, const struct vtd_nested, domain);

	/* ECAP offers SRS and EAFS, so their flags are fine; FS5LP it does not. */
	return nested->s1.addr_width == 48 ? 0 : -EINVAL;
}
