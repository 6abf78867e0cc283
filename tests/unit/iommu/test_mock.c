// SPDX-License-Identifier: MIT
/* Nested domains and vIOMMUs of the mock (iommufd-test-abi.md 6, 8). */
#include "fixture.h"
#include "iommu/mock/mock.h"

#include <errno.h>

#define SELFTEST IOMMU_HWPT_DATA_SELFTEST
#define PASID	 7u

static int nested_new(struct iommu_device *device, struct iommu_domain *parent, uint32_t flags,
		      uint32_t type, uint32_t len, struct iommu_domain **out)
{
	static const uint32_t content[3] = {0xbadbeef, 0x12345678, 0x9abcdef0};
	struct iommu_user_data data = {&local_client, (uintptr_t)content, type, len};

	return iommu_domain_alloc_nested(device, parent, flags, &data, out);
}

/* A nest parent that leads SOME_IOVA to a word, and a vIOMMU on it. */
struct setting {
	struct rig rig;
	struct iommu_device *device;
	struct iommu_domain *parent;
	struct iommu_viommu *viommu;
	uint64_t *memory;
};

static struct iommu_viommu *viommu_new(struct iommu_device *device, struct iommu_domain *parent)
{
	struct iommu_viommu *viommu;

	assert_int_equal(iommu_viommu_alloc(device, parent, IOMMU_VIOMMU_TYPE_SELFTEST, NULL, NULL,
					    &viommu),
			 0);
	return viommu;
}

static void setting_init(struct setting *s)
{
	rig_init(&s->rig, "mock");
	s->device = s->rig.device;
	s->parent = domain_new(s->device, IOMMU_HWPT_ALLOC_NEST_PARENT);
	s->memory = (uint64_t *)memory_new(PAGE, PAGE);
	s->memory[0] = 42;
	map(s->parent, SOME_IOVA, s->memory, PAGE, BOTH);
	s->viommu = viommu_new(s->device, s->parent);
}

static void setting_fini(struct setting *s)
{
	iommu_group_detach(s->rig.group, 0);
	iommu_viommu_free(s->viommu);
	iommu_domain_free(s->parent);
	memory_free((uint8_t *)s->memory, PAGE);
	rig_fini(&s->rig);
}

static struct iommu_domain *nested_of(struct iommu_viommu *viommu)
{
	uint32_t content[2] = {1, 0};
	struct iommu_user_data data = {&local_client, (uintptr_t)content, SELFTEST, 8};
	struct iommu_domain *nested;

	assert_int_equal(iommu_viommu_domain_alloc(viommu, 0, &data, &nested), 0);
	assert_ptr_equal(nested->viommu, viommu);
	assert_ptr_equal(nested->parent, viommu->parent);
	return nested;
}

/* ---- nested domains ---- */

struct alloc_row {
	uint32_t flags, type, len;
	int rc;
};

static const struct alloc_row alloc_rows[] = {
	{0, SELFTEST, 4, 0},
	{0, SELFTEST, 5, 0},
	{0, SELFTEST, 8, 0},
	{IOMMU_HWPT_ALLOC_PASID, SELFTEST, 8, 0},
	{0, SELFTEST, 1, -EINVAL},
	{0, SELFTEST, 3, -EINVAL},
	{0, SELFTEST, 9, -EINVAL},
	{0, SELFTEST, 12, -EINVAL},
	{0, SELFTEST + 1, 8, -EOPNOTSUPP},
	{0, SELFTEST + 1, 3, -EOPNOTSUPP},
	{0, IOMMU_HWPT_DATA_VTD_S1, 24, -EOPNOTSUPP},
	{IOMMU_HWPT_ALLOC_NEST_PARENT, SELFTEST, 8, -EOPNOTSUPP},
	{IOMMU_HWPT_ALLOC_DIRTY_TRACKING, SELFTEST, 8, -EOPNOTSUPP},
};

/* All four words of its cache are the one that was given. */
static void expect_iotlb(struct iommu_domain *domain, uint32_t value)
{
	struct mock_nested *nested = base_container_of(domain, struct mock_nested, domain);

	for (unsigned i = 0; i < MOCK_NESTED_DOMAIN_IOTLB_NUM; i++)
		assert_int_equal(nested->iotlb[i], value);
}

static void nested_domains_take_four_to_eight_bytes(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s);
	for (size_t i = 0; i < base_array_size(alloc_rows); i++) {
		const struct alloc_row *row = &alloc_rows[i];
		struct iommu_domain *nested;
		int rc = nested_new(s.device, s.parent, row->flags, row->type, row->len, &nested);

		if (rc != row->rc)
			fail_msg("row %zu: %d instead of %d", i, rc, row->rc);
		if (rc)
			continue;
		expect_iotlb(nested, 0xbadbeef);
		iommu_domain_free(nested);
	}
	setting_fini(&s);
}

static void nested_domains_translate_like_their_parent(void **state)
{
	struct iommu_domain *nested;
	struct setting s;

	(void)state;
	setting_init(&s);
	assert_int_equal(nested_new(s.device, s.parent, 0, SELFTEST, 8, &nested), 0);
	attach(&s.rig, nested);
	expect_word(s.device, 0, SOME_IOVA, 42);
	expect_refused(s.device, 0, SOME_IOVA + PAGE, READ, IOMMU_FAULT_NOT_MAPPED);
	unmap(s.parent, SOME_IOVA, PAGE);
	expect_refused(s.device, 0, SOME_IOVA, READ, IOMMU_FAULT_NOT_MAPPED);
	map(s.parent, SOME_IOVA, s.memory, PAGE, READ);
	expect_word(s.device, 0, SOME_IOVA, 42);
	expect_refused(s.device, 0, SOME_IOVA, WRITE, IOMMU_FAULT_NO_WRITE);
	iommu_group_detach(s.rig.group, 0);
	iommu_domain_free(nested);
	setting_fini(&s);
}

static void nothing_is_left_without_memory(void **state)
{
	struct iommu_domain *nested;
	struct iommu_viommu *viommu;
	struct setting s;
	size_t before;

	(void)state;
	setting_init(&s);
	before = base_alloc_count();
	base_fail_nth(1);
	assert_int_equal(nested_new(s.device, s.parent, 0, SELFTEST, 8, &nested), -ENOMEM);
	base_fail_nth(1);
	assert_int_equal(iommu_viommu_alloc(s.device, s.parent, IOMMU_VIOMMU_TYPE_SELFTEST, NULL,
					    NULL, &viommu),
			 -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	assert_int_equal(base_alloc_count(), before);
	setting_fini(&s);
}

/* ---- vIOMMUs ---- */

static void only_the_mock_has_viommus_of_one_type(void **state)
{
	static const uint32_t types[] = {IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
					 IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV,
					 IOMMU_VIOMMU_TYPE_SELFTEST - 1};
	struct iommu_viommu *viommu;
	struct setting s;
	struct rig vtd;

	(void)state;
	setting_init(&s);
	rig_init(&vtd, "vtd");
	assert_true(iommu_viommu_is_supported(s.device, IOMMU_VIOMMU_TYPE_SELFTEST));
	assert_false(iommu_viommu_is_supported(vtd.device, IOMMU_VIOMMU_TYPE_SELFTEST));
	assert_int_equal(iommu_viommu_alloc(vtd.device, s.parent, IOMMU_VIOMMU_TYPE_SELFTEST, NULL,
					    NULL, &viommu),
			 -EOPNOTSUPP);
	for (size_t i = 0; i < base_array_size(types); i++) {
		assert_false(iommu_viommu_is_supported(s.device, types[i]));
		assert_int_equal(iommu_viommu_alloc(s.device, s.parent, types[i], NULL, NULL,
						    &viommu),
				 -EOPNOTSUPP);
	}
	rig_fini(&vtd);
	setting_fini(&s);
}

static void a_viommu_knows_where_it_comes_from(void **state)
{
	struct setting s;

	(void)state;
	setting_init(&s);
	assert_ptr_equal(s.viommu->iommu, s.rig.iommu);
	assert_ptr_equal(s.viommu->parent, s.parent);
	setting_fini(&s);
}

/* ---- virtual ids ---- */

static void expect_virt_id(struct setting *s, struct iommu_device *device, uint64_t expected)
{
	uint64_t virt_id = ~expected;

	assert_true(iommu_viommu_find_device(s->viommu, device, &virt_id));
	assert_int_equal(virt_id, expected);
}

static void a_virtual_id_is_taken_once(void **state)
{
	static const uint64_t ids[] = {0, 1, 0x99, UINT64_MAX - 1, UINT64_MAX};
	struct iommu_vdevice vdevices[base_array_size(ids)], other;
	struct setting s;

	(void)state;
	setting_init(&s);
	for (size_t i = 0; i < base_array_size(ids); i++) {
		assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, ids[i], &vdevices[i]),
				 0);
		/* hidden, then visible */
		assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, ids[i], &other),
				 -EEXIST);
		iommu_vdevice_show(&vdevices[i]);
		assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, ids[i], &other),
				 -EEXIST);
	}
	for (size_t i = 0; i < base_array_size(ids); i++) {
		iommu_vdevice_remove(&vdevices[i]);
		assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, ids[i], &vdevices[i]),
				 0);
		iommu_vdevice_remove(&vdevices[i]);
	}
	setting_fini(&s);
}

static void two_viommus_have_ids_of_their_own(void **state)
{
	struct iommu_vdevice a, b;
	struct iommu_viommu *second;
	struct setting s;
	uint64_t virt_id;

	(void)state;
	setting_init(&s);
	second = viommu_new(s.device, s.parent);
	assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, 5, &a), 0);
	assert_int_equal(iommu_vdevice_reserve(second, s.device, 5, &b), 0);
	iommu_vdevice_show(&a);
	expect_virt_id(&s, s.device, 5);
	assert_false(iommu_viommu_find_device(second, s.device, &virt_id));
	iommu_vdevice_remove(&a);
	iommu_vdevice_remove(&b);
	iommu_viommu_free(second);
	setting_fini(&s);
}

static void only_visible_vdevices_are_found(void **state)
{
	static const uint64_t ids[] = {0, 0x99, UINT64_MAX};
	struct iommu_device *second;
	struct iommu_vdevice a, b;
	struct setting s;
	uint64_t virt_id;

	(void)state;
	setting_init(&s);
	second = device_new(s.rig.iommu, s.rig.group, SOURCE_ID + 1, 1);
	for (size_t i = 0; i < base_array_size(ids); i++) {
		assert_int_equal(iommu_vdevice_reserve(s.viommu, second, ids[i] / 2 + 1, &b), 0);
		iommu_vdevice_show(&b);
		assert_false(iommu_viommu_find_device(s.viommu, s.device, &virt_id));
		assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, ids[i], &a), 0);
		assert_false(iommu_viommu_find_device(s.viommu, s.device, &virt_id));
		iommu_vdevice_show(&a);
		expect_virt_id(&s, s.device, ids[i]);
		expect_virt_id(&s, second, ids[i] / 2 + 1);
		iommu_vdevice_remove(&a);
		assert_false(iommu_viommu_find_device(s.viommu, s.device, &virt_id));
		iommu_vdevice_remove(&b);
	}
	iommu_device_free(second);
	setting_fini(&s);
}

/* ---- attach ---- */

static void vdevice_new(struct setting *s, struct iommu_viommu *viommu, uint64_t virt_id,
			struct iommu_vdevice *vdevice)
{
	assert_int_equal(iommu_vdevice_reserve(viommu, s->device, virt_id, vdevice), 0);
	iommu_vdevice_show(vdevice);
}

/* What the device remembers of its vIOMMU. */
static void expect_record(struct setting *s, const struct iommu_viommu *viommu, uint64_t virt_id)
{
	struct mock_device *mock = base_container_of(s->device, struct mock_device, device);

	assert_ptr_equal(mock->viommu, viommu);
	if (viommu)
		assert_int_equal(mock->virt_id, virt_id);
}

static void a_domain_of_a_viommu_wants_a_vdevice(void **state)
{
	struct iommu_vdevice vdevice;
	struct iommu_domain *nested;
	struct setting s;

	(void)state;
	setting_init(&s);
	nested = nested_of(s.viommu);
	assert_int_equal(iommu_group_attach(s.rig.group, 0, nested), -ENOENT);
	expect_refused(s.device, 0, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	attach(&s.rig, s.parent);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, nested), -ENOENT);
	expect_word(s.device, 0, SOME_IOVA, 42);
	expect_record(&s, NULL, 0);
	/* not yet complete */
	assert_int_equal(iommu_vdevice_reserve(s.viommu, s.device, 1, &vdevice), 0);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, nested), -ENOENT);
	iommu_vdevice_show(&vdevice);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, nested), 0);
	expect_word(s.device, 0, SOME_IOVA, 42);
	iommu_group_detach(s.rig.group, 0);
	iommu_vdevice_remove(&vdevice);
	iommu_domain_free(nested);
	setting_fini(&s);
}

static void only_the_device_itself_wants_a_vdevice(void **state)
{
	struct iommu_domain *of_parent, *of_viommu;
	struct setting s;

	(void)state;
	setting_init(&s);
	of_viommu = nested_of(s.viommu);
	assert_int_equal(nested_new(s.device, s.parent, 0, SELFTEST, 8, &of_parent), 0);
	attach(&s.rig, of_parent);
	assert_int_equal(iommu_group_attach(s.rig.group, PASID, of_viommu), 0);
	expect_word(s.device, PASID, SOME_IOVA, 42);
	expect_record(&s, NULL, 0);
	iommu_group_detach(s.rig.group, PASID);
	iommu_group_detach(s.rig.group, 0);
	iommu_domain_free(of_parent);
	iommu_domain_free(of_viommu);
	setting_fini(&s);
}

static void attach_records_and_anything_else_forgets(void **state)
{
	struct iommu_vdevice vdevice;
	struct iommu_domain *nested;
	struct setting s;

	(void)state;
	setting_init(&s);
	nested = nested_of(s.viommu);
	vdevice_new(&s, s.viommu, 0x99, &vdevice);
	expect_record(&s, NULL, 0);
	attach(&s.rig, nested);
	expect_record(&s, s.viommu, 0x99);
	iommu_group_detach(s.rig.group, PASID);
	expect_record(&s, s.viommu, 0x99);
	iommu_group_detach(s.rig.group, 0);
	expect_record(&s, NULL, 0);
	attach(&s.rig, s.parent);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, nested), 0);
	expect_record(&s, s.viommu, 0x99);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, s.parent), 0);
	expect_record(&s, NULL, 0);
	iommu_group_detach(s.rig.group, 0);
	iommu_vdevice_remove(&vdevice);
	iommu_domain_free(nested);
	setting_fini(&s);
}

/* The record outlives the vdevice, and even a new one with another id. */
static void the_record_changes_with_the_viommu_only(void **state)
{
	struct iommu_domain *first, *second, *other;
	struct iommu_vdevice vdevice, there;
	struct iommu_viommu *viommu;
	struct setting s;

	(void)state;
	setting_init(&s);
	viommu = viommu_new(s.device, s.parent);
	first = nested_of(s.viommu);
	second = nested_of(s.viommu);
	other = nested_of(viommu);
	vdevice_new(&s, s.viommu, 0x99, &vdevice);
	attach(&s.rig, first);
	iommu_vdevice_remove(&vdevice);
	expect_record(&s, s.viommu, 0x99);
	/* The vdevice is looked up all the same. */
	assert_int_equal(iommu_group_replace(s.rig.group, 0, second), -ENOENT);
	expect_record(&s, s.viommu, 0x99);
	vdevice_new(&s, s.viommu, 0x77, &vdevice);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, second), 0);
	expect_record(&s, s.viommu, 0x99);
	vdevice_new(&s, viommu, 0x55, &there);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, other), 0);
	expect_record(&s, viommu, 0x55);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, first), 0);
	expect_record(&s, s.viommu, 0x77);
	iommu_group_detach(s.rig.group, 0);
	iommu_vdevice_remove(&vdevice);
	iommu_vdevice_remove(&there);
	iommu_domain_free(first);
	iommu_domain_free(second);
	iommu_domain_free(other);
	iommu_viommu_free(viommu);
	setting_fini(&s);
}

/* The first device of the group would take the new domain, the second has no vdevice there. */
static void a_refused_replace_keeps_the_record(void **state)
{
	struct iommu_vdevice vdevice, there, others;
	struct iommu_domain *here, *other;
	struct iommu_device *second;
	struct iommu_viommu *viommu;
	struct setting s;

	(void)state;
	setting_init(&s);
	second = device_new(s.rig.iommu, s.rig.group, SOURCE_ID + 1, 1);
	viommu = viommu_new(s.device, s.parent);
	here = nested_of(s.viommu);
	other = nested_of(viommu);
	vdevice_new(&s, s.viommu, 0x99, &vdevice);
	vdevice_new(&s, viommu, 0x55, &there);
	assert_int_equal(iommu_vdevice_reserve(s.viommu, second, 0x98, &others), 0);
	iommu_vdevice_show(&others);
	attach(&s.rig, here);
	expect_record(&s, s.viommu, 0x99);
	iommu_vdevice_remove(&vdevice);
	assert_int_equal(iommu_group_replace(s.rig.group, 0, other), -ENOENT);
	expect_record(&s, s.viommu, 0x99);
	iommu_group_detach(s.rig.group, 0);
	iommu_vdevice_remove(&there);
	iommu_vdevice_remove(&others);
	iommu_domain_free(here);
	iommu_domain_free(other);
	iommu_viommu_free(viommu);
	iommu_device_free(second);
	setting_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_domains_take_four_to_eight_bytes),
		cmocka_unit_test(nested_domains_translate_like_their_parent),
		cmocka_unit_test(nothing_is_left_without_memory),
		cmocka_unit_test(only_the_mock_has_viommus_of_one_type),
		cmocka_unit_test(a_viommu_knows_where_it_comes_from),
		cmocka_unit_test(a_virtual_id_is_taken_once),
		cmocka_unit_test(two_viommus_have_ids_of_their_own),
		cmocka_unit_test(only_visible_vdevices_are_found),
		cmocka_unit_test(a_domain_of_a_viommu_wants_a_vdevice),
		cmocka_unit_test(only_the_device_itself_wants_a_vdevice),
		cmocka_unit_test(attach_records_and_anything_else_forgets),
		cmocka_unit_test(the_record_changes_with_the_viommu_only),
		cmocka_unit_test(a_refused_replace_keeps_the_record),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
