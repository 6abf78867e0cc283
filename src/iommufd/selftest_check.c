// SPDX-License-Identifier: MIT
/* Looks at mock domains and at the memory behind them (iommufd-test-abi.md 4.1-4.3, 6.4). */
#include "iommufd/selftest.h"

#include <errno.h>

/* The longest bitmap of DIRTY, in bits. */
#define DIRTY_MAX ((uint64_t)1 << 27)

static int mock_hwpt_lookup(struct iommufd_call *call, uint32_t id, enum iommufd_object_type type,
			    struct iommufd_hwpt **hwpt)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, id, type);

	if (!obj)
		return -ENOENT;
	*hwpt = base_container_of(obj, struct iommufd_hwpt, obj);
	return iommu_domain_is_mock((*hwpt)->domain) ? 0 : -EINVAL;
}

/* ---- memory ---- */

/* Make the page at `uptr` present. */
static int touch(struct iommufd_call *call, uint64_t uptr)
{
	uint8_t byte;

	return mem_copy_in(call->client, &byte, uptr, 1);
}

/* The list of mappings is read when the first page has another address than expected. */
static int pages_know(struct iommufd_selftest_pages *pages)
{
	int rc = pages->known ? 0 : mem_pageids_init(&pages->ids);

	if (!rc)
		pages->known = true;
	return rc;
}

void iommufd_selftest_pages_fini(struct iommufd_selftest_pages *pages)
{
	if (pages->known)
		mem_pageids_fini(&pages->ids);
}

int iommufd_selftest_same_byte(struct iommufd_call *call, struct iommufd_selftest_pages *pages,
			       uint64_t host, uint64_t uptr, int otherwise)
{
	int rc = touch(call, uptr);

	if (rc || host == uptr)
		return rc;
	rc = pages_know(pages);
	if (rc)
		return rc;
	return mem_pageids_same(&pages->ids, host, uptr) ? 0 : otherwise;
}

/* ---- MD_CHECK_MAP ---- */

/* Does the domain lead `iova` to the byte at `uptr`? 0, -EINVAL, or an errno of the look. */
static int check_piece(struct iommufd_call *call, struct iommu_domain *domain, uint64_t iova,
		       uint64_t uptr, struct iommufd_selftest_pages *pages)
{
	struct pgtable_leaf leaf;
	uint64_t host;
	int rc = touch(call, uptr);

	if (rc)
		return rc;
	if (!iommu_domain_find(domain, iova, &leaf))
		return -EINVAL;
	host = (uint64_t)(uintptr_t)mem_pa_to_host(leaf.pa + (iova - leaf.start));
	return iommufd_selftest_same_byte(call, pages, host, uptr, -EINVAL);
}

int iommufd_selftest_md_check_map(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	uint64_t iova = cmd->check_map.iova, uptr = cmd->check_map.uptr;
	uint64_t length = cmd->check_map.length, granule, end;
	struct iommufd_selftest_pages pages = {.known = false};
	struct iommufd_hwpt *hwpt;
	int rc = mock_hwpt_lookup(call, cmd->id, IOMMUFD_OBJ_HWPT_PAGING, &hwpt);

	if (rc)
		return rc;
	granule = base_lowest_bit(hwpt->domain->pgsizes);
	if (!base_is_aligned(iova | length | uptr, granule) ||
	    __builtin_add_overflow(uptr, length, &end))
		return -EINVAL;
	for (; uptr != end && !rc; iova += granule, uptr += granule)
		rc = check_piece(call, hwpt->domain, iova, uptr, &pages);
	iommufd_selftest_pages_fini(&pages);
	return rc;
}

/* ---- MD_CHECK_REFS ---- */

int iommufd_selftest_md_check_refs(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	uint64_t uptr = cmd->check_refs.uptr, length = cmd->check_refs.length, end;
	struct iommufd_selftest_pages pages = {.known = false};
	int rc;

	if (!base_is_aligned(uptr | length, BASE_PAGE_SIZE) ||
	    __builtin_add_overflow(uptr, length, &end))
		return -EINVAL;
	rc = pages_know(&pages);
	for (; uptr != end && !rc; uptr += BASE_PAGE_SIZE) {
		rc = touch(call, uptr);
		if (!rc && mem_pincount_of(&pages.ids, uptr) != cmd->check_refs.refs)
			rc = -EIO;
	}
	iommufd_selftest_pages_fini(&pages);
	return rc;
}

/* ---- DIRTY ---- */

/* Mark the pages that have a bit. Returns how many those are. */
static uint64_t mark(struct iommu_domain *domain, const struct iommu_test_cmd *cmd,
		     const uint8_t *bits, uint64_t count)
{
	uint64_t found = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (!(bits[i / 8] >> i % 8 & 1))
			continue;
		iommu_domain_mark_dirty(domain, cmd->dirty.iova + i * cmd->dirty.page_size);
		found++;
	}
	return found;
}

/* Read `count` bits of the client, and mark. */
static int read_and_mark(struct iommufd_call *call, struct iommu_domain *domain,
			 struct iommu_test_cmd *cmd, uint64_t count)
{
	size_t size = (count + 7) / 8;
	uint8_t *bits = base_alloc(size);
	int rc;

	if (!bits)
		return -ENOMEM;
	rc = mem_copy_in(call->client, bits, cmd->dirty.uptr, size);
	if (!rc)
		cmd->dirty.out_nr_dirty = mark(domain, cmd, bits, count);
	base_free(bits);
	return rc;
}

int iommufd_selftest_dirty(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	uint64_t page_size = cmd->dirty.page_size, length = cmd->dirty.length;
	struct iommufd_hwpt *hwpt;
	int rc;

	if (!page_size || !length || cmd->dirty.iova % page_size || length % page_size ||
	    !cmd->dirty.uptr)
		return -EINVAL;
	if (length / page_size > DIRTY_MAX)
		return -EOVERFLOW;
	rc = mock_hwpt_lookup(call, cmd->id, IOMMUFD_OBJ_HWPT_PAGING, &hwpt);
	if (rc)
		return rc;
	if (!base_load(&hwpt->domain->tracking))
		return -EINVAL;
	rc = read_and_mark(call, hwpt->domain, cmd, length / page_size);
	call->respond = !rc;
	return rc;
}

/* ---- MD_CHECK_IOTLB ---- */

int iommufd_selftest_md_check_iotlb(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_hwpt *hwpt;
	int rc = mock_hwpt_lookup(call, cmd->id, IOMMUFD_OBJ_HWPT_NESTED, &hwpt);

	return rc ? rc
		  : iommu_mock_check_iotlb(hwpt->domain, cmd->check_iotlb.id,
					   cmd->check_iotlb.iotlb);
}
