// SPDX-License-Identifier: MIT
/* Requests: translation through the IOTLB, and the data movers. */
#include "iommu/driver.h"
#include "iommu/section.h"

#include <errno.h>

/* A section is short: whoever waits for it waits for one piece of this size. */
#define PIECE_MAX ((size_t)256 << 10)

/* A run of memory behind an address. */
struct run {
	uint64_t pa;
	size_t size;
};

static struct iommu_domain *domain_of(struct iommu_device *device, uint32_t pasid)
{
	struct iommu_pasid_entry *entry;

	if (base_likely(pasid == 0))
		return base_load(&device->domain);
	for (entry = base_load(&device->pasids); entry; entry = entry->next)
		if (entry->pasid == pasid)
			return base_load(&entry->domain);
	return NULL;
}

static void run_set(struct run *run, uint64_t pa, uint64_t in_leaf, uint64_t leaf_left, size_t size)
{
	run->pa = pa + in_leaf;
	run->size = leaf_left < size ? leaf_left + 1 : size;
}

/*
 * Where iova is in memory, and how far from there. Inside a section. The tags
 * are read before the tables: a translation that loses the race against an
 * unmap carries an old tag and is never used again.
 */
static bool translate(struct iommu_requester *self, struct iommu_device *device, uint32_t pasid,
		      uint64_t iova, uint32_t prot, size_t size, struct run *run,
		      iommu_fault_code *code)
{
	struct iommu_domain *domain = domain_of(device, pasid);
	struct iommu_iotlb_entry *entry = &self->iotlb[(iova >> 12) % IOTLB_ENTRIES];
	uint64_t tag, parent_tag = 0;
	struct pgtable_leaf leaf;

	*code = IOMMU_FAULT_BLOCKED;
	if (base_unlikely(!domain))
		return false;
	tag = base_load(&domain->tag);
	if (domain->parent)
		parent_tag = base_load(&domain->parent->tag);
	if (base_likely(entry->tag == tag && entry->parent_tag == parent_tag &&
			iova >= entry->start && iova <= entry->last && (entry->prot & prot))) {
		run_set(run, entry->pa, iova - entry->start, entry->last - iova, size);
		return true;
	}
	if (!domain->ops->translate(domain, pasid, iova, prot, &leaf, code))
		return false;
	run_set(run, leaf.pa, iova - leaf.start, leaf.last - iova, size);
	if (leaf.prot & IOMMU_LEAF_ONCE)
		return true;
	entry->tag = tag;
	entry->parent_tag = parent_tag;
	entry->start = leaf.start;
	entry->last = leaf.last;
	entry->pa = leaf.pa;
	entry->prot = leaf.prot;
	return true;
}

/* How much of the memory behind a translation is still there, for a request that failed. */
static BASE_COLD size_t count_present(const struct run *run, uint32_t prot)
{
	size_t done = 0;

	while (done < run->size && !mem_pa_touch(run->pa + done, 1, prot == PGTABLE_WRITE))
		done += BASE_PAGE_SIZE - (run->pa + done) % BASE_PAGE_SIZE;
	return base_min_u64(done, run->size);
}

static int refuse(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint32_t prot,
		  iommu_fault_code code, struct iommu_dma_fault *fault)
{
	*fault = (struct iommu_dma_fault){.iova = iova, .prot = prot, .code = code};
	iommu_report_fault(device, pasid, fault);
	return -EFAULT;
}

/* What to do with each piece of memory: read into, write from, or fill by `pattern`. */
struct mover {
	int (*move)(const struct mover *mover, uint64_t pa, size_t done, size_t size);
	void *to;
	const void *from;
	uint64_t pattern;
};

static int move_read(const struct mover *mover, uint64_t pa, size_t done, size_t size)
{
	return mem_pa_read((uint8_t *)mover->to + done, pa, size);
}

static int move_write(const struct mover *mover, uint64_t pa, size_t done, size_t size)
{
	return mem_pa_write(pa, (const uint8_t *)mover->from + done, size);
}

static int move_fill(const struct mover *mover, uint64_t pa, size_t done, size_t size)
{
	unsigned shift = done % 8 * 8;
	uint64_t p = mover->pattern;

	return mem_pa_fill(pa, shift ? p >> shift | p << (64 - shift) : p, size);
}

static inline int dma_move(struct iommu_device *device, uint32_t pasid, uint64_t iova, size_t size,
			   uint32_t prot, const struct mover *mover, struct iommu_dma_fault *fault)
{
	struct iommu_requester *self = iommu_requester_self();
	iommu_fault_code code = IOMMU_FAULT_BLOCKED;
	size_t done = 0;

	if (!self)
		return refuse(device, pasid, iova, prot, code, fault);
	while (done < size) {
		struct run run;
		bool ok;

		iommu_section_begin(self);
		ok = translate(self, device, pasid, iova + done, prot,
			       base_min_u64(size - done, PIECE_MAX), &run, &code);
		if (ok && mover->move(mover, run.pa, done, run.size)) {
			code = IOMMU_FAULT_ACCESS;
			done += count_present(&run, prot);
			ok = false;
		}
		iommu_section_end(self);
		if (!ok)
			return refuse(device, pasid, iova + done, prot, code, fault);
		done += run.size;
	}
	return 0;
}

/* A range that runs over the end of the address space stops there. */
static bool range_wraps(uint64_t iova, size_t size)
{
	return size && iova + (size - 1) < iova;
}

int iommu_dma_read(struct iommu_device *device, uint32_t pasid, uint64_t iova, void *buf,
		   size_t size, struct iommu_dma_fault *fault)
{
	struct mover mover = {.move = move_read, .to = buf};

	if (range_wraps(iova, size))
		return refuse(device, pasid, iova, PGTABLE_READ, IOMMU_FAULT_TOO_WIDE, fault);
	return dma_move(device, pasid, iova, size, PGTABLE_READ, &mover, fault);
}

int iommu_dma_write(struct iommu_device *device, uint32_t pasid, uint64_t iova, const void *buf,
		    size_t size, struct iommu_dma_fault *fault)
{
	struct mover mover = {.move = move_write, .from = buf};

	if (range_wraps(iova, size))
		return refuse(device, pasid, iova, PGTABLE_WRITE, IOMMU_FAULT_TOO_WIDE, fault);
	return dma_move(device, pasid, iova, size, PGTABLE_WRITE, &mover, fault);
}

int iommu_dma_fill(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint64_t pattern,
		   size_t size, struct iommu_dma_fault *fault)
{
	struct mover mover = {.move = move_fill, .pattern = pattern};

	if (range_wraps(iova, size))
		return refuse(device, pasid, iova, PGTABLE_WRITE, IOMMU_FAULT_TOO_WIDE, fault);
	return dma_move(device, pasid, iova, size, PGTABLE_WRITE, &mover, fault);
}

/* One piece of a copy; *size becomes what was copied. */
static int copy_piece(struct iommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		      size_t *size, struct iommu_dma_fault *fault)
{
	struct iommu_requester *self = iommu_requester_self();
	iommu_fault_code code = IOMMU_FAULT_BLOCKED;
	uint32_t prot = PGTABLE_READ;
	struct run from, to;
	size_t present = 0;
	bool ok = false;

	if (!self)
		return refuse(device, pasid, src, prot, code, fault);
	iommu_section_begin(self);
	if (translate(self, device, pasid, src, PGTABLE_READ, *size, &from, &code)) {
		prot = PGTABLE_WRITE;
		ok = translate(self, device, pasid, dst, PGTABLE_WRITE, from.size, &to, &code);
	}
	if (ok && mem_pa_move(to.pa, from.pa, to.size)) {
		code = IOMMU_FAULT_ACCESS;
		from.size = to.size;
		present = count_present(&from, PGTABLE_READ);
		prot = present < from.size ? PGTABLE_READ : PGTABLE_WRITE;
		if (prot == PGTABLE_WRITE)
			present = count_present(&to, PGTABLE_WRITE);
		ok = false;
	}
	iommu_section_end(self);
	if (!ok)
		return refuse(device, pasid, (prot == PGTABLE_READ ? src : dst) + present, prot,
			      code, fault);
	*size = to.size;
	return 0;
}

/* dst lies inside the source: last block first, each through a buffer. */
static int copy_backwards(struct iommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
			  size_t size, struct iommu_dma_fault *fault)
{
	uint8_t buf[4096];
	int rc = 0;

	while (size && !rc) {
		size_t part = base_min_u64(size, sizeof(buf));

		size -= part;
		rc = iommu_dma_read(device, pasid, src + size, buf, part, fault);
		if (!rc)
			rc = iommu_dma_write(device, pasid, dst + size, buf, part, fault);
	}
	return rc;
}

int iommu_dma_copy(struct iommu_device *device, uint32_t pasid, uint64_t dst, uint64_t src,
		   size_t size, struct iommu_dma_fault *fault)
{
	if (range_wraps(src, size))
		return refuse(device, pasid, src, PGTABLE_READ, IOMMU_FAULT_TOO_WIDE, fault);
	if (range_wraps(dst, size))
		return refuse(device, pasid, dst, PGTABLE_WRITE, IOMMU_FAULT_TOO_WIDE, fault);
	if (dst > src && dst - src < size)
		return copy_backwards(device, pasid, dst, src, size, fault);
	while (size) {
		size_t part = base_min_u64(size, PIECE_MAX);
		int rc = copy_piece(device, pasid, dst, src, &part, fault);

		if (rc)
			return rc;
		src += part;
		dst += part;
		size -= part;
	}
	return 0;
}
