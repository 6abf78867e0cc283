// SPDX-License-Identifier: MIT
/*
 * Mock devices that a client destroys while others use them (iommufd-objects.md 12.5):
 * here the end of an object unbinds.
 */
#include "race.h"
#include "selftest.h"

#include <sched.h>

#define ROUNDS 600
#define BASE   0x2000000ull

/* One device stays, and the vIOMMU with it; another comes and goes. */
static struct {
	uint32_t ioas, other, parent, pasid_hwpt, viommu;
	uint8_t *memory;
	uint32_t id, idev; /* of the one that comes and goes, or the last one (atomic) */
} shared;

static uint32_t load(uint32_t *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *value, uint32_t to)
{
	__atomic_store_n(value, to, __ATOMIC_RELEASE);
}

static void make_shared(struct abi *abi)
{
	struct stdev keeper;

	memset(&shared, 0, sizeof(shared));
	shared.memory = abi_pages(abi, 2);
	shared.ioas = abi_ioas(abi);
	shared.other = abi_ioas(abi);
	ok(abi_map_at(abi, shared.ioas, RW, shared.memory, PAGE, BASE));
	keeper = st_new_flags(abi, shared.ioas, MOCK_FLAGS_DEVICE_PASID);
	shared.parent = st_hwpt(abi, keeper.idev, shared.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	shared.pasid_hwpt = st_hwpt(abi, keeper.idev, shared.ioas, IOMMU_HWPT_ALLOC_PASID);
	ok(abi_viommu(abi, keeper.idev, shared.parent, &shared.viommu));
}

/* Somebody may be looking at the device: busy for a moment. */
static void destroy_stdev(struct abi *abi, uint32_t id)
{
	while (allow(abi_destroy(abi, id), 0, -EBUSY) == -EBUSY)
		sched_yield();
}

static void one_life(struct abi *abi, unsigned round)
{
	struct stdev stdev = st_new_flags(abi, round % 2 ? shared.other : shared.pasid_hwpt,
					  MOCK_FLAGS_DEVICE_PASID);
	uint32_t vdevice;
	int rc = -ENOENT;

	store(&shared.id, stdev.id);
	store(&shared.idev, stdev.idev);
	if (round % 4)
		rc = allow(abi_vdevice(abi, shared.viommu, stdev.idev, 5, &vdevice), 0, -EEXIST);
	for (unsigned i = 0; i < round % 8; i++)
		sched_yield();
	destroy_stdev(abi, stdev.id);
	if (!rc)
		expect(abi_destroy(abi, vdevice), -ENOENT);
}

/* ---- workers ---- */

static void look_at_the_device(struct race *race, void *arg)
{
	(void)arg;
	while (race_goes_on(race)) {
		uint32_t idev = load(&shared.idev);
		struct iommu_hw_info info = {.size = sizeof(info), .dev_id = idev};
		struct iommu_test_cmd iopf = {.trigger_iopf.dev_id = idev};

		allow(abi_ioctl(race->abi, IOMMU_GET_HW_INFO, &info), 0, -ENOENT);
		allow(st_check_cache(race->abi, idev, 0, IOMMU_TEST_DEV_CACHE_DEFAULT), 0, -ENOENT);
		allow(st_trigger_vevent(race->abi, idev), -ENOENT);
		allow(st_run(race->abi, IOMMU_TEST_OP_TRIGGER_IOPF, &iopf), 0, -ENOENT);
	}
}

static void make_vdevices(struct race *race, void *arg)
{
	uint32_t id;

	(void)arg;
	while (race_goes_on(race))
		allow(abi_vdevice(race->abi, shared.viommu, load(&shared.idev), 88, &id), 0,
		      -ENOENT, -EEXIST);
}

static void replace_what_is_attached(struct race *race, void *arg)
{
	(void)arg;
	while (race_goes_on(race)) {
		uint32_t id = load(&shared.id);

		allow(st_replace_by(race->abi, id, shared.pasid_hwpt), 0, -ENOENT);
		allow(st_pasid_attach_to(race->abi, id, 3, shared.pasid_hwpt), 0, -ENOENT, -EBUSY,
		      -EINVAL);
		allow(st_pasid_check(race->abi, id, 3, shared.pasid_hwpt), 0, -ENOENT, -EINVAL);
		allow(st_pasid_detach(race->abi, id, 3), 0, -ENOENT);
		allow(st_replace_by(race->abi, id, shared.other), 0, -ENOENT, -EINVAL);
	}
}

static void map_and_check(struct race *race, void *arg)
{
	struct abi *abi = race->abi;

	(void)arg;
	while (race_goes_on(race)) {
		allow(abi_map_at(abi, shared.ioas, RW, shared.memory + PAGE, PAGE, BASE + PAGE), 0);
		allow(st_check_map(abi, shared.parent, BASE, shared.memory, 2 * PAGE), 0);
		allow(st_check_refs(abi, shared.memory, 2 * PAGE, 1), 0);
		allow(abi_unmap(abi, shared.ioas, BASE + PAGE, PAGE, NULL), 0);
		allow(st_check_map(abi, shared.parent, BASE, shared.memory, PAGE), 0);
		allow(st_check_refs(abi, shared.memory + PAGE, PAGE, 0), 0);
	}
}

/* The id may be that of the next device, too, and one that nobody else uses then goes. */
static void make_devices(struct race *race, void *arg)
{
	struct stdev stdev;

	(void)arg;
	while (race_goes_on(race))
		if (!allow(st_mock_domain(race->abi, shared.ioas, &stdev), 0))
			destroy_stdev(race->abi, stdev.id);
}

struct race_row {
	const char *name;
	race_worker workers[4];
};

static const struct race_row races[] = {
	{"looks", {look_at_the_device, look_at_the_device}},
	{"VDEVICE_ALLOC", {make_vdevices}},
	{"replace and PASIDs", {replace_what_is_attached}},
	{"maps and checks", {map_and_check}},
	{"other devices", {make_devices, make_devices}},
	{"all", {look_at_the_device, make_vdevices, replace_what_is_attached, map_and_check}},
};

static void destroying_races_with(struct abi *abi)
{
	const struct race_row *row = abi->row;
	struct race race;

	make_shared(abi);
	race_start(&race, abi);
	for (unsigned i = 0; i < COUNT(row->workers) && row->workers[i]; i++)
		race_add(&race, row->workers[i], NULL);
	for (unsigned round = 0; round < ROUNDS; round++)
		one_life(abi, round);
	race_join(&race);
	ok(abi_destroy(abi, shared.viommu));
	ok(abi_destroy(abi, shared.other));
}

int main(void)
{
	abi_rows(abi_selftest, races, destroying_races_with);
	return abi_run("selftest_race");
}
