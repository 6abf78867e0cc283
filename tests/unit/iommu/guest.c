// SPDX-License-Identifier: MIT
/* Memory behind a nest parent, and first-stage tables in it. */
#include "guest.h"

#include <string.h>

int nested_new(struct iommu_device *device, struct iommu_domain *parent, uint64_t root,
	       uint32_t width, struct iommu_domain **out)
{
	struct iommu_hwpt_vtd_s1 s1 = {.pgtbl_addr = root, .addr_width = width};
	struct iommu_user_data data = {&local_client, (uintptr_t)&s1, IOMMU_HWPT_DATA_VTD_S1,
				       sizeof(s1)};

	return iommu_domain_alloc_nested(device, parent, IOMMU_HWPT_ALLOC_PASID, &data, out);
}

void guest_init(struct guest *guest, uint64_t leaf)
{
	rig_init(&guest->rig, "vtd");
	guest->device = guest->rig.device;
	guest->ram = memory_new(GUEST_SIZE, MIB(2));
	guest->next_table = GUEST_ROOT + PAGE;
	guest->parent = domain_new(guest->device, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_int_equal(iommu_domain_map(guest->parent, 0, (uintptr_t)guest->ram, GUEST_SIZE, BOTH,
					  leaf),
			 0);
	assert_int_equal(nested_new(guest->device, guest->parent, GUEST_ROOT, 48, &guest->nested),
			 0);
	attach(&guest->rig, guest->nested);
	assert_int_equal(iommu_group_attach(guest->rig.group, GUEST_PASID, guest->nested), 0);
}

void guest_fini(struct guest *guest)
{
	iommu_group_detach(guest->rig.group, 0);
	iommu_group_detach(guest->rig.group, GUEST_PASID);
	iommu_domain_free(guest->nested);
	iommu_domain_free(guest->parent);
	memory_free(guest->ram, GUEST_SIZE);
	rig_fini(&guest->rig);
}

uint64_t *guest_word(struct guest *guest, uint64_t gpa)
{
	assert_true(gpa < GUEST_SIZE);
	return (uint64_t *)(guest->ram + gpa);
}

uint64_t *guest_entry(struct guest *guest, uint64_t iova, unsigned level)
{
	uint64_t table = GUEST_ROOT;

	for (unsigned at = 3;; at--) {
		uint64_t *entry = guest_word(guest, table + (iova >> (12 + 9 * at) & 511) * 8);

		if (at == level)
			return entry;
		if (!*entry) {
			*entry = guest->next_table | USER_RW;
			guest->next_table += PAGE;
			assert_true(guest->next_table <= GUEST_DATA);
		}
		table = *entry & 0x000ffffffffff000;
	}
}

void guest_map(struct guest *guest, uint64_t iova, uint64_t gpa, unsigned level, uint64_t bits)
{
	*guest_entry(guest, iova, level) = gpa | bits | (level ? PS : 0);
}

void guest_number(struct guest *guest)
{
	for (uint64_t gpa = GUEST_DATA; gpa < GUEST_SIZE; gpa += 8)
		memcpy(guest->ram + gpa, &gpa, 8);
}
