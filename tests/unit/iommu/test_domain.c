// SPDX-License-Identifier: MIT
/* What each kind of IOMMU says of itself, and the domains that it makes. */
#include "fixture.h"
#include "iommu/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SELFTEST IOMMU_HWPT_DATA_SELFTEST

/* ---- facts ---- */

static void vtd_reports_its_registers(void **state)
{
	struct iommu_device_facts facts;
	struct iommu_hw_info_vtd vtd;
	struct rig rig;

	(void)state;
	rig_init(&rig, "vtd");
	for (uint32_t type = 0; type <= IOMMU_HW_INFO_TYPE_INTEL_VTD; type++) {
		memset(&facts, 0xee, sizeof(facts));
		assert_int_equal(iommu_device_hw_info(rig.device, type, &facts), 0);
		assert_int_equal(facts.type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
		assert_int_equal(facts.len, 24);
		assert_int_equal(facts.max_pasid_log2, 20);
		assert_int_equal(facts.capabilities,
				 IOMMU_HW_CAP_DIRTY_TRACKING | IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
		memcpy(&vtd, facts.data, sizeof(vtd));
		assert_int_equal(vtd.flags, IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17);
		assert_int_equal(vtd.__reserved, 0);
		assert_int_equal(vtd.cap_reg, 0x01D2008C402F0406);
		assert_int_equal(vtd.ecap_reg, 0x0001ED9CA40050C7);
	}
	rig_fini(&rig);
}

static void mock_reports_its_register(void **state)
{
	static const uint32_t types[] = {IOMMU_HW_INFO_TYPE_DEFAULT, IOMMU_HW_INFO_TYPE_SELFTEST};
	static const uint8_t expected[] = {0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde};
	struct iommu_device_facts facts;
	struct rig rig;

	(void)state;
	rig_init(&rig, "mock");
	for (size_t i = 0; i < base_array_size(types); i++) {
		assert_int_equal(iommu_device_hw_info(rig.device, types[i], &facts), 0);
		assert_int_equal(facts.type, 0xfeedbeef);
		assert_int_equal(facts.len, sizeof(expected));
		assert_memory_equal(facts.data, expected, sizeof(expected));
		assert_true(facts.capabilities & IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
	}
	rig_fini(&rig);
}

static void other_types_of_facts_are_eopnotsupp(void **state)
{
	struct iommu_device_facts facts;
	struct rig vtd, mock;

	(void)state;
	rig_init(&vtd, "vtd");
	rig_init(&mock, "mock");
	for (uint32_t type = 2; type < 10; type++) {
		assert_int_equal(iommu_device_hw_info(vtd.device, type, &facts), -EOPNOTSUPP);
		assert_int_equal(iommu_device_hw_info(mock.device, type, &facts), -EOPNOTSUPP);
	}
	assert_int_equal(iommu_device_hw_info(vtd.device, IOMMU_HW_INFO_TYPE_SELFTEST, &facts),
			 -EOPNOTSUPP);
	assert_int_equal(iommu_device_hw_info(mock.device, IOMMU_HW_INFO_TYPE_INTEL_VTD, &facts),
			 -EOPNOTSUPP);
	rig_fini(&vtd);
	rig_fini(&mock);
}

static void pasid_width_is_rounded_down(void **state)
{
	static const struct {
		uint32_t max_pasids;
		uint8_t log2;
	} rows[] = {{1, 0}, {2, 1}, {3, 1}, {4, 2}, {1023, 9}, {1024, 10}, {1u << 20, 20}};
	struct iommu_device_facts facts;
	const char *kind = *state;
	struct rig rig;

	rig_init(&rig, kind);
	for (size_t i = 0; i < base_array_size(rows); i++) {
		rig.device->max_pasids = rows[i].max_pasids;
		assert_int_equal(iommu_device_hw_info(rig.device, 0, &facts), 0);
		assert_int_equal(facts.max_pasid_log2, rows[i].log2);
	}
	rig_fini(&rig);
}

static void a_new_device_has_no_pasids(void **state)
{
	struct iommu_device *device;
	const char *kind = *state;
	struct rig rig;

	rig_init(&rig, kind);
	assert_int_equal(iommu_device_new(rig.iommu, rig.group, 0x1234, &device), 0);
	assert_int_equal(device->max_pasids, 1);
	assert_int_equal(device->source_id, 0x1234);
	iommu_device_free(device);
	rig_fini(&rig);
}

static void only_vtd_reserves_its_interrupt_window(void **state)
{
	const struct iommu_reserved *ranges;
	struct rig vtd, mock;

	(void)state;
	rig_init(&vtd, "vtd");
	rig_init(&mock, "mock");
	assert_int_equal(iommu_device_reserved(mock.device, &ranges), 0);
	assert_int_equal(iommu_device_reserved(vtd.device, &ranges), 1);
	assert_int_equal(ranges[0].start, 0xfee00000);
	assert_int_equal(ranges[0].last, 0xfeefffff);
	assert_int_equal(ranges[0].type, IOMMU_RESERVED_MSI);
	rig_fini(&vtd);
	rig_fini(&mock);
}

/* ---- domains: what can be asked for ---- */

struct alloc_row {
	const char *kind;
	uint32_t flags;
	uint32_t data_type, data_len; /* length 0: no data */
	struct iommu_hwpt_selftest data;
	int rc;
	uint64_t start, last, granule;
};

#define NEST  IOMMU_HWPT_ALLOC_NEST_PARENT
#define PASID IOMMU_HWPT_ALLOC_PASID

#define VTD_FS	   0, GIB(128 * 1024) - 1, KIB(4)
#define VTD_SS	   0, GIB(256 * 1024) - 1, KIB(4)
#define MOCK_SMALL MOCK_APERTURE_START, MOCK_APERTURE_LAST, KIB(2)
#define MOCK_HUGE  0, GIB(256) - 1, KIB(4)

static const struct alloc_row alloc_rows[] = {
	{"vtd", 0, 0, 0, {0}, 0, VTD_FS},
	{"vtd", PASID, 0, 0, {0}, 0, VTD_FS},
	{"vtd", NEST, 0, 0, {0}, 0, VTD_SS},
	{"vtd", NEST | PASID, 0, 0, {0}, 0, VTD_SS},
	{"vtd", IOMMU_HWPT_FAULT_ID_VALID, 0, 0, {0}, -EOPNOTSUPP, 0, 0, 0},
	{"vtd", 1u << 31, 0, 0, {0}, -EOPNOTSUPP, 0, 0, 0},
	{"vtd", 0, IOMMU_HWPT_DATA_VTD_S1, 8, {0}, -EOPNOTSUPP, 0, 0, 0},
	{"mock", 0, 0, 0, {0}, 0, MOCK_SMALL},
	{"mock", NEST, 0, 0, {0}, 0, MOCK_SMALL},
	{"mock", NEST | PASID, 0, 0, {0}, 0, MOCK_SMALL},
	{"mock", IOMMU_HWPT_FAULT_ID_VALID, 0, 0, {0}, -EOPNOTSUPP, 0, 0, 0},
	{"mock", 1u << 31, 0, 0, {0}, -EOPNOTSUPP, 0, 0, 0},
	{"mock", 0, SELFTEST, 8, {0x55, MOCK_IOMMUPT_DEFAULT}, 0, MOCK_SMALL},
	{"mock", 0, SELFTEST, 8, {0x55, MOCK_IOMMUPT_HUGE}, 0, MOCK_HUGE},
	{"mock", 0, SELFTEST, 8, {0x55, 2}, -EOPNOTSUPP, 0, 0, 0},
	/* the page-table type is beyond a short blob */
	{"mock", 0, SELFTEST, 4, {0x55, MOCK_IOMMUPT_HUGE}, 0, MOCK_SMALL},
	{"mock", 0, SELFTEST, 5, {0x55, 0}, 0, MOCK_SMALL},
	{"mock", 0, SELFTEST, 3, {0}, -EINVAL, 0, 0, 0},
	{"mock", 0, SELFTEST, 9, {0}, -EINVAL, 0, 0, 0},
	{"mock", 0, SELFTEST + 1, 8, {0}, -EOPNOTSUPP, 0, 0, 0},
	{"mock", 0, SELFTEST + 1, 3, {0}, -EOPNOTSUPP, 0, 0, 0},
};

static void check_domain(struct iommu_domain *domain, const struct alloc_row *row)
{
	assert_int_equal(domain->aperture_start, row->start);
	assert_int_equal(domain->aperture_last, row->last);
	assert_int_equal(base_lowest_bit(domain->pgsizes), row->granule);
	assert_int_equal(domain->nest_parent, !!(row->flags & NEST));
	assert_null(domain->parent);
	assert_null(domain->viommu);
	iommu_domain_free(domain);
}

static void domains_are_made_as_asked(void **state)
{
	size_t before = base_alloc_count();

	(void)state;
	for (size_t i = 0; i < base_array_size(alloc_rows); i++) {
		const struct alloc_row *row = &alloc_rows[i];
		struct iommu_user_data data = {&local_client, (uintptr_t)&row->data, row->data_type,
					       row->data_len};
		struct iommu_domain *domain;
		struct rig rig;
		int rc;

		rig_init(&rig, row->kind);
		rc = iommu_domain_alloc(rig.device, row->flags, row->data_len ? &data : NULL,
					&domain);
		if (rc != row->rc)
			fail_msg("row %zu: %d instead of %d", i, rc, row->rc);
		if (!rc)
			check_domain(domain, row);
		rig_fini(&rig);
	}
	assert_int_equal(base_alloc_count(), before);
}

static void data_that_cannot_be_read_is_efault(void **state)
{
	uint8_t *memory = memory_new(2 * PAGE, PAGE);
	struct iommu_user_data data = {&local_client, 0, SELFTEST, 8};
	struct iommu_domain *domain;
	struct rig rig;

	(void)state;
	rig_init(&rig, "mock");
	assert_int_equal(mprotect(memory + PAGE, PAGE, PROT_NONE), 0);
	assert_int_equal(iommu_domain_alloc(rig.device, 0, &data, &domain), -EFAULT);
	data.addr = (uintptr_t)memory + PAGE - 7;
	assert_int_equal(iommu_domain_alloc(rig.device, 0, &data, &domain), -EFAULT);
	data.len = 7;
	assert_int_equal(iommu_domain_alloc(rig.device, 0, &data, &domain), 0);
	iommu_domain_free(domain);
	memory_free(memory, 2 * PAGE);
	rig_fini(&rig);
}

/* ---- page sizes ---- */

/* A block of `length` at an address that is aligned to it is one leaf, if the size exists. */
static bool is_one_leaf(struct iommu_domain *domain, uint64_t length)
{
	uint64_t iova = base_max_u64(domain->aperture_start, length);
	struct pgtable_leaf leaf;
	bool one;

	assert_int_equal(iommu_domain_map(domain, iova, GIB(128), length, BOTH, UINT64_MAX), 0);
	assert_true(pgtable_walk(&domain->pt, iova, &leaf));
	one = leaf.start == iova && leaf.last == iova + length - 1;
	unmap(domain, iova, length);
	return one;
}

static void leaves_are_of_the_sizes_that_a_domain_has(void **state)
{
	struct rig vtd, mock;
	struct iommu_domain *domains[4];

	(void)state;
	rig_init(&vtd, "vtd");
	rig_init(&mock, "mock");
	domains[0] = domain_new(vtd.device, 0);
	domains[1] = domain_new(vtd.device, NEST);
	domains[2] = domain_new(mock.device, 0);
	domains[3] = mock_domain_new(mock.device, MOCK_IOMMUPT_HUGE);
	assert_int_equal(domains[0]->pgsizes, KIB(4) | MIB(2) | GIB(1));
	assert_int_equal(domains[1]->pgsizes, KIB(4) | MIB(2) | GIB(1));
	assert_int_equal(domains[2]->pgsizes, GIB(128) - KIB(2));
	assert_int_equal(domains[3]->pgsizes, KIB(4) | MIB(1));
	for (size_t i = 0; i < base_array_size(domains); i++) {
		for (uint64_t length = KIB(4); length <= MIB(64); length *= 2)
			assert_int_equal(is_one_leaf(domains[i], length),
					 !!(domains[i]->pgsizes & length));
		iommu_domain_free(domains[i]);
	}
	rig_fini(&vtd);
	rig_fini(&mock);
}

static void a_map_may_restrict_the_sizes(void **state)
{
	struct iommu_domain *domain;
	struct pgtable_leaf leaf;
	struct rig rig;

	(void)state;
	rig_init(&rig, "vtd");
	domain = domain_new(rig.device, 0);
	assert_int_equal(iommu_domain_map(domain, MIB(2), MIB(4), MIB(2), READ, KIB(4)), 0);
	assert_true(pgtable_walk(&domain->pt, MIB(3), &leaf));
	assert_int_equal(leaf.start, MIB(3));
	assert_int_equal(leaf.last, MIB(3) + KIB(4) - 1);
	assert_int_equal(leaf.pa, MIB(5));
	assert_int_equal(iommu_domain_map(domain, MIB(6), MIB(4), MIB(2), READ, KIB(2)), -ENXIO);
	iommu_domain_free(domain);
	rig_fini(&rig);
}

/* ---- map ---- */

static void a_nest_parent_of_vtd_refuses_read_only_maps(void **state)
{
	struct iommu_domain *domain;
	struct rig rig;

	(void)state;
	rig_init(&rig, "vtd");
	domain = domain_new(rig.device, NEST);
	assert_int_equal(iommu_domain_map(domain, PAGE, PAGE, PAGE, READ, UINT64_MAX), -EINVAL);
	assert_int_equal(iommu_domain_map(domain, PAGE, PAGE, PAGE, WRITE, UINT64_MAX), 0);
	assert_int_equal(iommu_domain_map(domain, 2 * PAGE, PAGE, PAGE, BOTH, UINT64_MAX), 0);
	iommu_domain_free(domain);
	domain = domain_new(rig.device, 0);
	assert_int_equal(iommu_domain_map(domain, PAGE, PAGE, PAGE, READ, UINT64_MAX), 0);
	iommu_domain_free(domain);
	rig_fini(&rig);
	rig_init(&rig, "mock");
	domain = domain_new(rig.device, NEST);
	map(domain, SOME_IOVA, NULL, PAGE, READ);
	iommu_domain_free(domain);
	rig_fini(&rig);
}

static void map_has_the_errors_of_the_table(void **state)
{
	struct iommu_domain *domain;
	struct rig rig;

	(void)state;
	rig_init(&rig, "vtd");
	domain = domain_new(rig.device, 0);
	map(domain, PAGE, NULL, PAGE, BOTH);
	assert_int_equal(iommu_domain_map(domain, 0, PAGE, 2 * PAGE, BOTH, UINT64_MAX),
			 -EADDRINUSE);
	assert_int_equal(iommu_domain_map(domain, 0, 0, 0, BOTH, UINT64_MAX), -EINVAL);
	assert_int_equal(iommu_domain_map(domain, 0, 0, PAGE, 0, UINT64_MAX), -EINVAL);
	assert_int_equal(iommu_domain_map(domain, 8, 0, PAGE, BOTH, UINT64_MAX), -ENXIO);
	assert_int_equal(iommu_domain_map(domain, domain->aperture_last + 1, 0, PAGE, BOTH,
					  UINT64_MAX),
			 -ERANGE);
	assert_int_equal(iommu_domain_map(domain, -PAGE, 0, 2 * PAGE, BOTH, UINT64_MAX),
			 -EOVERFLOW);
	iommu_domain_free(domain);
	rig_fini(&rig);
}

/* ---- memory ---- */

/* Each allocation on the way to a domain and a first map in it. */
static bool alloc_and_map(struct iommu_device *device, uint32_t flags, unsigned nth)
{
	struct iommu_domain *domain;
	int rc;

	base_fail_nth(nth);
	rc = iommu_domain_alloc(device, flags, NULL, &domain);
	if (!rc) {
		rc = iommu_domain_map(domain, SOME_IOVA, 0, PAGE, BOTH, UINT64_MAX);
		if (rc)
			assert_false(
				pgtable_walk(&domain->pt, SOME_IOVA, &(struct pgtable_leaf){0}));
		iommu_domain_free(domain);
	}
	assert_int_equal(rc, base_fail_pending() ? 0 : -ENOMEM);
	base_fail_nth(0);
	return !rc;
}

static void domains_fail_cleanly_without_memory(void **state)
{
	static const uint32_t flags[] = {0, NEST};
	size_t before = base_alloc_count();
	const char *kind = *state;
	for (size_t i = 0; i < base_array_size(flags); i++) {
		unsigned nth = 1;
		struct rig rig;

		rig_init(&rig, kind);
		while (!alloc_and_map(rig.device, flags[i], nth))
			nth++;
		assert_in_range(nth, 5, 6);
		rig_fini(&rig);
	}
	assert_int_equal(base_alloc_count(), before);
}

/* Unmap and free are never refused. */
static void ends_allocate_nothing(void **state)
{
	const char *kind = *state;
	struct iommu_domain *domain;
	struct rig rig;

	rig_init(&rig, kind);
	domain = domain_new(rig.device, 0);
	map(domain, SOME_IOVA, NULL, MIB(4), BOTH);
	base_fail_nth(1);
	unmap(domain, SOME_IOVA, MIB(4));
	iommu_domain_flush(domain);
	iommu_domain_free(domain);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtd_reports_its_registers),
		cmocka_unit_test(mock_reports_its_register),
		cmocka_unit_test(other_types_of_facts_are_eopnotsupp),
		ON_EACH_KIND(pasid_width_is_rounded_down),
		ON_EACH_KIND(a_new_device_has_no_pasids),
		cmocka_unit_test(only_vtd_reserves_its_interrupt_window),
		cmocka_unit_test(domains_are_made_as_asked),
		cmocka_unit_test(data_that_cannot_be_read_is_efault),
		cmocka_unit_test(leaves_are_of_the_sizes_that_a_domain_has),
		cmocka_unit_test(a_map_may_restrict_the_sizes),
		cmocka_unit_test(a_nest_parent_of_vtd_refuses_read_only_maps),
		cmocka_unit_test(map_has_the_errors_of_the_table),
		ON_EACH_KIND(domains_fail_cleanly_without_memory),
		ON_EACH_KIND(ends_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
