// SPDX-License-Identifier: MIT
/* Devices that the test ABI makes on a mock IOMMU (iommufd-test-abi.md 3, 4, 7). */
#include "fixture.h"
#include "iommu/mock/mock.h"

#include <errno.h>

#define NO_DIRTY   MOCK_FLAGS_DEVICE_NO_DIRTY
#define WITH_PASID MOCK_FLAGS_DEVICE_PASID
#define RESERVED   IOMMU_TEST_PASID_RESERVED

static struct iommu *iommu;

static int set_up(void **state)
{
	(void)state;
	return iommu_new("mock", &iommu);
}

static int tear_down(void **state)
{
	(void)state;
	iommu_free(iommu);
	return 0;
}

static struct iommu_device *mock_new(uint32_t flags)
{
	struct iommu_device *device;

	assert_int_equal(iommu_mock_device_new(iommu, flags, &device), 0);
	return device;
}

static void numbers_are_the_lowest_that_are_free(void **state)
{
	struct iommu_device *devices[6];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		devices[i] = mock_new(0);
		assert_int_equal(iommu_group_number(devices[i]->group), i);
	}
	iommu_mock_device_free(devices[4]);
	iommu_mock_device_free(devices[0]);
	iommu_mock_device_free(devices[2]);
	for (unsigned i = 0; i < 6; i += 2) {
		devices[i] = mock_new(0);
		assert_int_equal(iommu_group_number(devices[i]->group), i);
	}
	for (unsigned i = 0; i < 6; i++)
		iommu_mock_device_free(devices[i]);
}

static void each_has_a_group_of_its_own(void **state)
{
	struct iommu_device *a = mock_new(0), *b = mock_new(0);
	int owners[2];

	(void)state;
	assert_int_equal(iommu_group_claim(a->group, &owners[0]), 0);
	assert_int_equal(iommu_group_claim(b->group, &owners[1]), 0);
	iommu_group_release(a->group);
	iommu_group_release(b->group);
	iommu_mock_device_free(a);
	iommu_mock_device_free(b);
}

static void devices_fail_without_a_trace(void **state)
{
	size_t before = base_alloc_count();
	struct iommu_device *device;
	unsigned left = 0;
	int rc;

	(void)state;
	assert_int_equal(iommu_mock_device_new(iommu, 2, &device), -EINVAL);
	assert_int_equal(iommu_mock_device_new(iommu, NO_DIRTY | 8, &device), -EINVAL);
	for (unsigned nth = 1; !left; nth++) {
		base_fail_nth(nth);
		rc = iommu_mock_device_new(iommu, 0, &device);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		if (!rc)
			iommu_mock_device_free(device);
		assert_int_equal(base_alloc_count(), before);
	}
}

static void flags_are_capabilities(void **state)
{
	static const struct {
		uint32_t flags, max_pasids, width;
		uint64_t caps;
	} rows[] = {
		{0, 1, 0, 9},
		{NO_DIRTY, 1, 0, 8},
		{WITH_PASID, 1 << 20, 20, 9},
		{NO_DIRTY | WITH_PASID, 1 << 20, 20, 8},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		struct iommu_device *device = mock_new(rows[i].flags);
		struct iommu_device_facts facts;

		assert_true(iommu_device_is_mock(device));
		assert_int_equal(device->max_pasids, rows[i].max_pasids);
		assert_int_equal(iommu_device_hw_info(device, 0, &facts), 0);
		assert_int_equal(facts.capabilities, rows[i].caps);
		assert_int_equal(facts.max_pasid_log2, rows[i].width);
		iommu_mock_device_free(device);
	}
}

/* 4.1, 4.3: domains that track are not for devices that cannot; PASIDs do not mind. */
static void tracking_domains_want_devices_that_track(void **state)
{
	struct iommu_device *device = mock_new(0), *without = mock_new(NO_DIRTY | WITH_PASID);
	struct iommu_domain *domain = domain_new(device, IOMMU_HWPT_ALLOC_DIRTY_TRACKING), *failed;

	(void)state;
	assert_int_equal(iommu_domain_alloc(without, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, NULL,
					    &failed),
			 -EOPNOTSUPP);
	assert_int_equal(iommu_group_attach(without->group, 0, domain), -EINVAL);
	assert_int_equal(iommu_group_attach(without->group, 1, domain), 0);
	iommu_group_detach(without->group, 1);
	assert_int_equal(iommu_group_attach(device->group, 0, domain), 0);
	iommu_group_detach(device->group, 0);
	iommu_domain_free(domain);
	iommu_mock_device_free(without);
	iommu_mock_device_free(device);
}

static void every_other_attachment_of_the_reserved_pasid_fails(void **state)
{
	struct iommu_device *device = mock_new(WITH_PASID);
	struct iommu_group *group = device->group;
	struct iommu_domain *a = domain_new(device, 0), *b = domain_new(device, 0);

	(void)state;
	assert_int_equal(iommu_group_attach(group, RESERVED, a), 0);
	assert_int_equal(iommu_group_replace(group, RESERVED, b), -ENOMEM);
	assert_ptr_equal(device->pasids->domain, a);
	assert_int_equal(iommu_group_replace(group, RESERVED, b), 0);
	assert_ptr_equal(device->pasids->domain, b);
	assert_int_equal(iommu_group_attach(group, RESERVED + 1, a), 0);
	assert_int_equal(iommu_group_replace(group, RESERVED + 1, b), 0);
	iommu_group_detach(group, RESERVED);
	assert_int_equal(iommu_group_attach(group, RESERVED, a), 0);
	iommu_group_detach(group, RESERVED);
	iommu_group_detach(group, RESERVED + 1);
	iommu_domain_free(a);
	iommu_domain_free(b);
	iommu_mock_device_free(device);
}

/* What a domain is asked without a device. */
static void domains_tell_what_they_map(void **state)
{
	struct iommu_device *device = mock_new(0);
	struct iommu_domain *domain = domain_new(device, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	uint8_t *memory = memory_new(4 * PAGE, 4 * PAGE);
	uint64_t bits = 0;
	struct pgtable_dirty dirty = {.bits = &bits,
				      .start = SOME_IOVA,
				      .last = SOME_IOVA + 4 * PAGE - 1,
				      .unit_lg2 = 12};
	struct pgtable_leaf leaf;

	(void)state;
	map(domain, SOME_IOVA, memory, PAGE, READ);
	assert_true(iommu_domain_is_mock(domain));
	assert_true(iommu_domain_find(domain, SOME_IOVA + 5, &leaf));
	assert_ptr_equal(mem_pa_to_host(leaf.pa), memory);
	assert_false(iommu_domain_find(domain, SOME_IOVA + PAGE, &leaf));
	assert_false(iommu_domain_find(domain, UINT64_MAX, &leaf));
	/* Also where a device must not write. */
	iommu_domain_mark_dirty(domain, SOME_IOVA + 7);
	iommu_domain_mark_dirty(domain, SOME_IOVA + PAGE);
	iommu_domain_mark_dirty(domain, UINT64_MAX);
	iommu_domain_read_dirty(domain, dirty.start, dirty.last, &dirty);
	assert_int_equal(bits, 1);
	iommu_domain_free(domain);
	memory_free(memory, 4 * PAGE);
	iommu_mock_device_free(device);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_the_lowest_that_are_free),
		TEST(each_has_a_group_of_its_own),
		TEST(devices_fail_without_a_trace),
		TEST(flags_are_capabilities),
		TEST(tracking_domains_want_devices_that_track),
		TEST(every_other_attachment_of_the_reserved_pasid_fails),
		TEST(domains_tell_what_they_map),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
