// SPDX-License-Identifier: MIT
/* Domains that join an IOVA space, and maps in it. */
#include "space.h"

#include <errno.h>

void hardware_init(struct hardware *hardware)
{
	rig_init(&hardware->mock, "mock");
	rig_init(&hardware->vtd, "vtd");
}

void hardware_fini(struct hardware *hardware)
{
	rig_fini(&hardware->mock);
	rig_fini(&hardware->vtd);
}

void domain_make(struct hardware *hardware, enum domain_kind kind, struct iopt_domain *out)
{
	struct iommu_device *mock = hardware->mock.device, *vtd = hardware->vtd.device;

	*out = (struct iopt_domain){.domain = NULL};
	switch (kind) {
	case DOMAIN_MOCK: out->domain = domain_new(mock, 0); break;
	case DOMAIN_MOCK_HUGE: out->domain = mock_domain_new(mock, MOCK_IOMMUPT_HUGE); break;
	case DOMAIN_VTD: out->domain = domain_new(vtd, 0); break;
	default: out->domain = domain_new(vtd, IOMMU_HWPT_ALLOC_NEST_PARENT);
	}
}

uint32_t domain_prot(enum domain_kind kind, uint32_t prot)
{
	return kind == DOMAIN_VTD && (prot & WRITE) ? BOTH : prot;
}

void space_init(struct iopt *iopt)
{
	static struct base_slab mappings;

	if (!mappings.size)
		base_slab_init(&mappings, sizeof(struct iopt_mapping));
	*iopt = (struct iopt){.allowed = NULL};
	iopt_init(iopt, &mappings);
}

int space_map_fixed(struct iopt *iopt, uint64_t addr, uint64_t length, uint32_t prot, uint64_t iova)
{
	struct iopt_map_request request = {&local_client, addr, length, prot, true};
	uint64_t at = iova;
	int rc = iopt_map(iopt, &request, &at);

	if (!rc)
		assert_int_equal(at, iova);
	return rc;
}

int space_map_auto(struct iopt *iopt, uint64_t addr, uint64_t length, uint32_t prot, uint64_t *iova)
{
	struct iopt_map_request request = {&local_client, addr, length, prot, false};

	return iopt_map(iopt, &request, iova);
}

struct iopt_area *space_area(struct iopt *iopt, uint64_t iova)
{
	struct base_gapnode *node = base_gaptree_first(&iopt->areas, iova, iova);

	return node ? base_container_of(node, struct iopt_area, node) : NULL;
}

int space_allow(struct iopt *iopt, const struct iopt_allowed *ranges, size_t count)
{
	struct iopt_allowed *array = NULL;
	int rc;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(iopt_allowed_grow(&array, i), 0);
		array[i] = ranges[i];
	}
	rc = iopt_allow(iopt, array, count);
	if (rc)
		base_free(array);
	return rc;
}

void expect_mapped(const struct iopt_domain *domain, uint64_t iova, uint64_t length, uint64_t addr,
		   uint32_t prot)
{
	struct pgtable_leaf leaf;

	for (uint64_t at = 0; at < length; at += KIB(2)) {
		bool found = pgtable_walk(&domain->domain->pt, iova + at, &leaf);

		assert_int_equal(found, prot != 0);
		if (!found)
			continue;
		assert_int_equal(leaf.pa + (iova + at - leaf.start), addr + at);
		assert_int_equal(leaf.prot, prot);
	}
}
