// SPDX-License-Identifier: MIT
/* Groups: who owns them, and which domain each PASID of theirs uses. */
#include "fixture.h"
#include "iommu/driver.h"

#include <errno.h>

#define PASID 5u

/* ---- ownership ---- */

static void claims_are_counted_for_one_owner(void **state)
{
	struct iommu_group *group;
	int a, b;

	(void)state;
	assert_int_equal(iommu_group_new(7, &group), 0);
	assert_int_equal(iommu_group_number(group), 7);
	assert_int_equal(iommu_group_claim(group, &a), 0);
	assert_int_equal(iommu_group_claim(group, &b), -EPERM);
	assert_int_equal(iommu_group_claim(group, &a), 0);
	iommu_group_release(group);
	assert_int_equal(iommu_group_claim(group, &b), -EPERM);
	iommu_group_release(group);
	assert_int_equal(iommu_group_claim(group, &b), 0);
	assert_int_equal(iommu_group_claim(group, &a), -EPERM);
	iommu_group_release(group);
	iommu_group_free(group);
}

/* ---- one device, both kinds of IOMMU ---- */

/* Two domains that map SOME_IOVA to words of their own. */
struct pair {
	struct rig rig;
	uint64_t *memory;
	struct iommu_domain *a, *b;
};

static void pair_init(struct pair *pair, const char *kind, uint32_t flags)
{
	rig_init(&pair->rig, kind);
	pair->memory = (uint64_t *)memory_new(2 * PAGE, PAGE);
	pair->memory[0] = 0xa;
	pair->memory[PAGE / 8] = 0xb;
	pair->a = domain_new(pair->rig.device, flags);
	pair->b = domain_new(pair->rig.device, flags);
	map(pair->a, SOME_IOVA, pair->memory, PAGE, BOTH);
	map(pair->b, SOME_IOVA, pair->memory + PAGE / 8, PAGE, BOTH);
}

static void pair_fini(struct pair *pair)
{
	iommu_domain_free(pair->a);
	iommu_domain_free(pair->b);
	memory_free((uint8_t *)pair->memory, 2 * PAGE);
	rig_fini(&pair->rig);
}

static void nothing_attached_is_blocked(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, 0);
	expect_refused(pair.rig.device, 0, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	expect_refused(pair.rig.device, PASID, SOME_IOVA, WRITE, IOMMU_FAULT_BLOCKED);
	pair_fini(&pair);
}

static void attach_opens_and_detach_closes(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, 0);
	for (unsigned i = 0; i < 3; i++) {
		attach(&pair.rig, pair.a);
		expect_word(pair.rig.device, 0, SOME_IOVA, 0xa);
		iommu_group_detach(pair.rig.group, 0);
		expect_refused(pair.rig.device, 0, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	}
	pair_fini(&pair);
}

static void second_attach_is_ebusy(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, 0);
	attach(&pair.rig, pair.a);
	assert_int_equal(iommu_group_attach(pair.rig.group, 0, pair.a), -EBUSY);
	assert_int_equal(iommu_group_attach(pair.rig.group, 0, pair.b), -EBUSY);
	expect_word(pair.rig.device, 0, SOME_IOVA, 0xa);
	iommu_group_detach(pair.rig.group, 0);
	pair_fini(&pair);
}

static void replace_switches_and_back(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, 0);
	attach(&pair.rig, pair.a);
	for (unsigned i = 0; i < 3; i++) {
		expect_word(pair.rig.device, 0, SOME_IOVA, 0xa);
		assert_int_equal(iommu_group_replace(pair.rig.group, 0, pair.b), 0);
		expect_word(pair.rig.device, 0, SOME_IOVA, 0xb);
		assert_int_equal(iommu_group_replace(pair.rig.group, 0, pair.b), 0);
		expect_word(pair.rig.device, 0, SOME_IOVA, 0xb);
		assert_int_equal(iommu_group_replace(pair.rig.group, 0, pair.a), 0);
	}
	iommu_group_detach(pair.rig.group, 0);
	pair_fini(&pair);
}

static void detach_of_nothing_does_nothing(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, IOMMU_HWPT_ALLOC_PASID);
	iommu_group_detach(pair.rig.group, 0);
	iommu_group_detach(pair.rig.group, PASID);
	iommu_group_detach(pair.rig.group, UINT32_MAX);
	attach(&pair.rig, pair.a);
	iommu_group_detach(pair.rig.group, PASID);
	expect_word(pair.rig.device, 0, SOME_IOVA, 0xa);
	iommu_group_detach(pair.rig.group, 0);
	iommu_group_detach(pair.rig.group, 0);
	pair_fini(&pair);
}

static void domains_of_another_kind_are_einval(void **state)
{
	struct pair vtd, mock;

	(void)state;
	pair_init(&vtd, "vtd", 0);
	pair_init(&mock, "mock", 0);
	assert_false(iommu_device_accepts(vtd.rig.device, mock.a));
	assert_false(iommu_device_accepts(mock.rig.device, vtd.a));
	assert_int_equal(iommu_group_attach(vtd.rig.group, 0, mock.a), -EINVAL);
	assert_int_equal(iommu_group_attach(mock.rig.group, PASID, vtd.a), -EINVAL);
	expect_refused(vtd.rig.device, 0, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	expect_refused(mock.rig.device, PASID, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	attach(&vtd.rig, vtd.a);
	assert_int_equal(iommu_group_replace(vtd.rig.group, 0, mock.a), -EINVAL);
	expect_word(vtd.rig.device, 0, SOME_IOVA, 0xa);
	iommu_group_detach(vtd.rig.group, 0);
	pair_fini(&vtd);
	pair_fini(&mock);
}

static void domains_of_a_sibling_of_the_kind_are_fine(void **state)
{
	const char *kind = *state;
	struct pair here, there;

	pair_init(&here, kind, 0);
	pair_init(&there, kind, 0);
	assert_true(iommu_device_accepts(here.rig.device, there.b));
	attach(&here.rig, there.b);
	expect_word(here.rig.device, 0, SOME_IOVA, 0xb);
	iommu_group_detach(here.rig.group, 0);
	pair_fini(&here);
	pair_fini(&there);
}

/* ---- PASIDs ---- */

static void pasids_are_apart_from_each_other(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, IOMMU_HWPT_ALLOC_PASID);
	attach(&pair.rig, pair.a);
	assert_int_equal(iommu_group_attach(pair.rig.group, PASID, pair.b), 0);
	assert_int_equal(iommu_group_attach(pair.rig.group, PASID, pair.a), -EBUSY);
	assert_int_equal(iommu_group_attach(pair.rig.group, PASID + 1, pair.a), 0);
	for (unsigned i = 0; i < 3; i++) {
		expect_word(pair.rig.device, 0, SOME_IOVA, 0xa);
		expect_word(pair.rig.device, PASID, SOME_IOVA, 0xb);
		expect_word(pair.rig.device, PASID + 1, SOME_IOVA, 0xa);
	}
	iommu_group_detach(pair.rig.group, 0);
	expect_refused(pair.rig.device, 0, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	expect_word(pair.rig.device, PASID, SOME_IOVA, 0xb);
	assert_int_equal(iommu_group_replace(pair.rig.group, PASID + 1, pair.b), 0);
	iommu_group_detach(pair.rig.group, PASID);
	expect_refused(pair.rig.device, PASID, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	expect_word(pair.rig.device, PASID + 1, SOME_IOVA, 0xb);
	iommu_group_detach(pair.rig.group, PASID + 1);
	pair_fini(&pair);
}

static void pasids_are_below_the_maximum(void **state)
{
	const char *kind = *state;
	struct pair pair;

	pair_init(&pair, kind, IOMMU_HWPT_ALLOC_PASID);
	pair.rig.device->max_pasids = 16;
	assert_int_equal(iommu_group_attach(pair.rig.group, 16, pair.a), -EINVAL);
	assert_int_equal(iommu_group_attach(pair.rig.group, UINT32_MAX, pair.a), -EINVAL);
	assert_int_equal(iommu_group_replace(pair.rig.group, 16, pair.a), -EINVAL);
	assert_int_equal(iommu_group_attach(pair.rig.group, 15, pair.a), 0);
	expect_word(pair.rig.device, 15, SOME_IOVA, 0xa);
	iommu_group_detach(pair.rig.group, 15);
	pair.rig.device->max_pasids = 1;
	assert_int_equal(iommu_group_attach(pair.rig.group, 1, pair.a), -EINVAL);
	attach(&pair.rig, pair.a);
	iommu_group_detach(pair.rig.group, 0);
	pair_fini(&pair);
}

/* What each of a few PASIDs uses, beside an array. */
static void many_pasids_come_and_go(void **state)
{
	struct iommu_domain *twin[24] = {NULL};
	struct random random = {1};
	struct pair pair;

	(void)state;
	pair_init(&pair, "vtd", IOMMU_HWPT_ALLOC_PASID);
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t pasid = random_below(&random, base_array_size(twin));
		struct iommu_domain *domain = random_below(&random, 2) ? pair.a : pair.b;

		switch (random_below(&random, 3)) {
		case 0:
			assert_int_equal(iommu_group_attach(pair.rig.group, pasid, domain),
					 twin[pasid] ? -EBUSY : 0);
			twin[pasid] = twin[pasid] ? twin[pasid] : domain;
			break;
		case 1:
			if (!twin[pasid])
				break;
			assert_int_equal(iommu_group_replace(pair.rig.group, pasid, domain), 0);
			twin[pasid] = domain;
			break;
		default: iommu_group_detach(pair.rig.group, pasid); twin[pasid] = NULL;
		}
		pasid = random_below(&random, base_array_size(twin));
		if (twin[pasid])
			expect_word(pair.rig.device, pasid, SOME_IOVA,
				    twin[pasid] == pair.a ? 0xa : 0xb);
		else
			expect_refused(pair.rig.device, pasid, SOME_IOVA, READ,
				       IOMMU_FAULT_BLOCKED);
	}
	for (uint32_t pasid = 0; pasid < base_array_size(twin); pasid++)
		iommu_group_detach(pair.rig.group, pasid);
	pair_fini(&pair);
}

/* ---- groups of several devices ---- */

static void a_group_moves_as_one(void **state)
{
	const char *kind = *state;
	struct iommu_device *second;
	struct pair pair;

	pair_init(&pair, kind, IOMMU_HWPT_ALLOC_PASID);
	second = device_new(pair.rig.iommu, pair.rig.group, SOURCE_ID + 1, 1u << 20);
	attach(&pair.rig, pair.a);
	assert_int_equal(iommu_group_attach(pair.rig.group, PASID, pair.b), 0);
	expect_word(pair.rig.device, 0, SOME_IOVA, 0xa);
	expect_word(second, 0, SOME_IOVA, 0xa);
	expect_word(second, PASID, SOME_IOVA, 0xb);
	assert_int_equal(iommu_group_replace(pair.rig.group, 0, pair.b), 0);
	expect_word(pair.rig.device, 0, SOME_IOVA, 0xb);
	expect_word(second, 0, SOME_IOVA, 0xb);
	iommu_group_detach(pair.rig.group, 0);
	expect_refused(second, 0, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	expect_word(second, PASID, SOME_IOVA, 0xb);
	iommu_group_detach(pair.rig.group, PASID);
	expect_refused(second, PASID, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	iommu_device_free(second);
	pair_fini(&pair);
}

static void the_device_with_the_fewest_pasids_decides(void **state)
{
	const char *kind = *state;
	struct iommu_device *second;
	struct pair pair;

	pair_init(&pair, kind, IOMMU_HWPT_ALLOC_PASID);
	second = device_new(pair.rig.iommu, pair.rig.group, SOURCE_ID + 1, PASID);
	assert_int_equal(iommu_group_attach(pair.rig.group, PASID, pair.a), -EINVAL);
	expect_refused(pair.rig.device, PASID, SOME_IOVA, READ, IOMMU_FAULT_BLOCKED);
	assert_int_equal(iommu_group_attach(pair.rig.group, PASID - 1, pair.a), 0);
	expect_word(second, PASID - 1, SOME_IOVA, 0xa);
	iommu_group_detach(pair.rig.group, PASID - 1);
	iommu_device_free(second);
	pair_fini(&pair);
}

/* ---- what drivers are asked ---- */

#define FAKE_DEVICES 3

/* What one device of the fake driver was told last, per PASID (0 and PASID only). */
struct fake_device {
	struct iommu_device device;
	struct iommu_domain *told[2];
};

static int fake_errno;		 /* of the check that is refused */
static unsigned fake_refuse_nth; /* 1: the next one; 0: none */
static unsigned fake_calls;

static struct iommu_device *fake_device_alloc(void)
{
	return base_zalloc(sizeof(struct fake_device));
}

static int fake_check(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain)
{
	(void)pasid, (void)domain;
	base_assert_held(&device->group->lock);
	return fake_refuse_nth && !--fake_refuse_nth ? fake_errno : 0;
}

static void fake_attach(struct iommu_device *device, uint32_t pasid, struct iommu_domain *domain)
{
	struct fake_device *fake = base_container_of(device, struct fake_device, device);

	fake_calls++;
	base_assert_held(&device->group->lock);
	fake->told[pasid == PASID] = domain;
}

static const struct iommu_driver fake_driver = {
	.kind = "fake",
	.device_alloc = fake_device_alloc,
	.check = fake_check,
	.attach = fake_attach,
};

static struct iommu fake_iommu = {
	.driver = &fake_driver,
	.lock = BASE_MUTEX_INIT(RANK_LEAF),
};

struct fakes {
	struct iommu_group *group;
	struct iommu_device *device[FAKE_DEVICES];
	struct iommu_domain a, b;
};

static void fakes_init(struct fakes *fakes)
{
	*fakes = (struct fakes){.a.iommu = &fake_iommu, .b.iommu = &fake_iommu};
	fake_calls = fake_refuse_nth = 0;
	assert_int_equal(iommu_group_new(1, &fakes->group), 0);
	for (unsigned i = 0; i < FAKE_DEVICES; i++)
		fakes->device[i] = device_new(&fake_iommu, fakes->group, i, 1u << 20);
}

static void fakes_fini(struct fakes *fakes)
{
	for (unsigned i = 0; i < FAKE_DEVICES; i++)
		iommu_device_free(fakes->device[i]);
	iommu_group_free(fakes->group);
}

static struct iommu_domain *domain_at(const struct iommu_device *device, uint32_t pasid)
{
	const struct iommu_pasid_entry *entry = device->pasids;

	if (!pasid)
		return device->domain;
	while (entry && entry->pasid != pasid)
		entry = entry->next;
	return entry ? entry->domain : NULL;
}

/* All devices use `domain`, and their driver knows. */
static void expect_fakes(const struct fakes *fakes, uint32_t pasid,
			 const struct iommu_domain *domain)
{
	for (unsigned i = 0; i < FAKE_DEVICES; i++) {
		struct fake_device *fake =
			base_container_of(fakes->device[i], struct fake_device, device);

		assert_ptr_equal(domain_at(fakes->device[i], pasid), domain);
		assert_ptr_equal(fake->told[pasid == PASID], domain);
	}
}

static void a_driver_may_refuse_any_device_of_an_attach(void **state)
{
	static const uint32_t pasids[] = {0, PASID};
	struct fakes fakes;

	(void)state;
	fakes_init(&fakes);
	fake_errno = -EXDEV;
	for (unsigned p = 0; p < base_array_size(pasids); p++) {
		for (unsigned nth = 1; nth <= FAKE_DEVICES; nth++) {
			fake_refuse_nth = nth;
			assert_int_equal(iommu_group_attach(fakes.group, pasids[p], &fakes.a),
					 -EXDEV);
			expect_fakes(&fakes, pasids[p], NULL);
		}
		assert_int_equal(iommu_group_attach(fakes.group, pasids[p], &fakes.a), 0);
		expect_fakes(&fakes, pasids[p], &fakes.a);
		iommu_group_detach(fakes.group, pasids[p]);
		expect_fakes(&fakes, pasids[p], NULL);
	}
	fakes_fini(&fakes);
}

static void a_refused_replace_changes_nothing(void **state)
{
	struct fakes fakes;

	(void)state;
	fakes_init(&fakes);
	fake_errno = -ENOMEM;
	assert_int_equal(iommu_group_attach(fakes.group, 0, &fakes.a), 0);
	assert_int_equal(iommu_group_attach(fakes.group, PASID, &fakes.b), 0);
	for (unsigned nth = 1; nth <= FAKE_DEVICES; nth++) {
		fake_refuse_nth = nth;
		assert_int_equal(iommu_group_replace(fakes.group, 0, &fakes.b), -ENOMEM);
		expect_fakes(&fakes, 0, &fakes.a);
		expect_fakes(&fakes, PASID, &fakes.b);
	}
	assert_int_equal(iommu_group_replace(fakes.group, 0, &fakes.b), 0);
	expect_fakes(&fakes, 0, &fakes.b);
	iommu_group_detach(fakes.group, 0);
	iommu_group_detach(fakes.group, PASID);
	fakes_fini(&fakes);
}

/* What the core refuses by itself never reaches a driver. */
static void drivers_see_only_what_may_be(void **state)
{
	struct pair other;
	struct fakes fakes;

	(void)state;
	fakes_init(&fakes);
	pair_init(&other, "vtd", 0);
	assert_int_equal(iommu_group_attach(fakes.group, 0, other.a), -EINVAL);
	assert_int_equal(iommu_group_attach(fakes.group, 1u << 20, &fakes.a), -EINVAL);
	assert_int_equal(fake_calls, 0);
	assert_int_equal(iommu_group_attach(fakes.group, 0, &fakes.a), 0);
	assert_int_equal(fake_calls, FAKE_DEVICES);
	assert_int_equal(iommu_group_attach(fakes.group, 0, &fakes.a), -EBUSY);
	assert_int_equal(fake_calls, FAKE_DEVICES);
	iommu_group_detach(fakes.group, 0);
	pair_fini(&other);
	fakes_fini(&fakes);
}

/* ---- memory ---- */

static void attach_without_memory_changes_nothing(void **state)
{
	size_t before = base_alloc_count();
	struct fakes fakes;
	unsigned nth = 0, left;
	int rc;

	(void)state;
	fakes_init(&fakes);
	do {
		base_fail_nth(++nth);
		rc = iommu_group_attach(fakes.group, PASID, &fakes.a);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		expect_fakes(&fakes, PASID, rc ? NULL : &fakes.a);
	} while (rc);
	assert_int_not_equal(nth, 1);
	iommu_group_detach(fakes.group, PASID);
	fakes_fini(&fakes);
	assert_int_equal(base_alloc_count(), before);
}

/* Also a PASID that was used before takes no memory a second time. */
static void detach_and_attach_again_allocate_nothing(void **state)
{
	struct fakes fakes;
	int rc;

	(void)state;
	fakes_init(&fakes);
	assert_int_equal(iommu_group_attach(fakes.group, 0, &fakes.a), 0);
	assert_int_equal(iommu_group_attach(fakes.group, PASID, &fakes.a), 0);
	base_fail_nth(1);
	iommu_group_detach(fakes.group, 0);
	iommu_group_detach(fakes.group, PASID);
	rc = iommu_group_attach(fakes.group, PASID, &fakes.b);
	iommu_group_detach(fakes.group, PASID);
	assert_int_equal(base_fail_pending(), 1);
	base_fail_nth(0);
	assert_int_equal(rc, 0);
	fakes_fini(&fakes);
}

static void nothing_is_made_without_memory(void **state)
{
	size_t before = base_alloc_count();
	struct iommu_device *device;
	struct iommu_group *group;
	struct iommu *iommu;
	const char *kind = *state;

	assert_int_equal(iommu_new("amiga", &iommu), -EINVAL);

	base_fail_nth(1);
	assert_int_equal(iommu_new(kind, &iommu), -ENOMEM);
	base_fail_nth(1);
	assert_int_equal(iommu_group_new(1, &group), -ENOMEM);
	assert_int_equal(iommu_new(kind, &iommu), 0);
	assert_int_equal(iommu_group_new(1, &group), 0);
	base_fail_nth(1);
	assert_int_equal(iommu_device_new(iommu, group, 0, &device), -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	iommu_group_free(group);
	iommu_free(iommu);
	assert_int_equal(base_alloc_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_counted_for_one_owner),
		ON_EACH_KIND(nothing_attached_is_blocked),
		ON_EACH_KIND(attach_opens_and_detach_closes),
		ON_EACH_KIND(second_attach_is_ebusy),
		ON_EACH_KIND(replace_switches_and_back),
		ON_EACH_KIND(detach_of_nothing_does_nothing),
		cmocka_unit_test(domains_of_another_kind_are_einval),
		ON_EACH_KIND(domains_of_a_sibling_of_the_kind_are_fine),
		ON_EACH_KIND(pasids_are_apart_from_each_other),
		ON_EACH_KIND(pasids_are_below_the_maximum),
		cmocka_unit_test(many_pasids_come_and_go),
		ON_EACH_KIND(a_group_moves_as_one),
		ON_EACH_KIND(the_device_with_the_fewest_pasids_decides),
		cmocka_unit_test(a_driver_may_refuse_any_device_of_an_attach),
		cmocka_unit_test(a_refused_replace_changes_nothing),
		cmocka_unit_test(drivers_see_only_what_may_be),
		cmocka_unit_test(attach_without_memory_changes_nothing),
		cmocka_unit_test(detach_and_attach_again_allocate_nothing),
		ON_EACH_KIND(nothing_is_made_without_memory),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
