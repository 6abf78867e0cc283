// SPDX-License-Identifier: MIT
/*
 * Operations of the test ABI with every injection point failing in turn: look-ups,
 * reserved ranges, allocations (iommufd-test-abi.md 14). A call fails with some errno
 * and changes nothing; what takes things away is not bothered.
 */
#include "inject.h"
#include "selftest.h"

#include "base/alloc.h"

#define BASE 0x2000000ull

static struct {
	uint32_t ioas, other, hwpt, pasid_hwpt, viommu;
	struct stdev stdev;
	uint8_t *memory;
} s;

/* Two IOASes, the first with a page and a device, which is in a guest as well. */
static void make_scene(struct abi *abi)
{
	s.memory = abi_aligned(abi, 4);
	s.ioas = abi_ioas(abi);
	s.other = abi_ioas(abi);
	ok(abi_map_at(abi, s.ioas, RW, s.memory, PAGE, BASE));
	ok(abi_map_at(abi, s.other, RW, s.memory + PAGE, PAGE, BASE));
	s.stdev = st_new_flags(abi, s.ioas, MOCK_FLAGS_DEVICE_PASID);
	s.hwpt = st_hwpt(abi, s.stdev.idev, s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	s.pasid_hwpt = st_hwpt(abi, s.stdev.idev, s.ioas, IOMMU_HWPT_ALLOC_PASID);
	ok(abi_viommu(abi, s.stdev.idev, s.hwpt, &s.viommu));
}

static int mock_domain_on_hwpt(struct abi *abi)
{
	struct stdev stdev;

	return st_mock_domain(abi, s.hwpt, &stdev);
}

static int mock_domain_on_ioas(struct abi *abi)
{
	struct stdev stdev;

	return st_mock_domain(abi, s.other, &stdev);
}

static int mock_domain_on_automatic(struct abi *abi)
{
	struct stdev stdev;

	return st_mock_domain_flags(abi, s.ioas, MOCK_FLAGS_DEVICE_NO_DIRTY, &stdev);
}

static int replace_by_ioas(struct abi *abi)
{
	return st_replace_by(abi, s.stdev.id, s.other);
}

static int replace_by_hwpt(struct abi *abi)
{
	return st_replace_by(abi, s.stdev.id, s.hwpt);
}

static int pasid_attach(struct abi *abi)
{
	return st_pasid_attach_to(abi, s.stdev.id, 9, s.pasid_hwpt);
}

static int add_reserved(struct abi *abi)
{
	struct iommu_test_cmd cmd = {.id = s.ioas, .add_reserved = {MIB(64), PAGE}};

	return st_run(abi, IOMMU_TEST_OP_ADD_RESERVED, &cmd);
}

static int map(struct abi *abi)
{
	return abi_map_at(abi, s.ioas, RW, s.memory + 2 * PAGE, PAGE, BASE + 2 * PAGE);
}

static int vdevice_alloc(struct abi *abi)
{
	uint32_t id;

	return abi_vdevice(abi, s.viommu, s.stdev.idev, 3, &id);
}

/* 14: a failed look-up of what the HWPT is made on is EINVAL. */
static int hwpt_alloc(struct abi *abi)
{
	uint32_t id;

	return abi_hwpt(abi, s.stdev.idev, s.ioas, 0, NULL, &id);
}

struct sweep {
	const char *name;
	int (*call)(struct abi *abi);
	/* EINVAL of one automatic HWPT is a reason to try another (iommufd-objects.md 10.1). */
	bool goes_on;
};

static const struct sweep sweeps[] = {
	{"MOCK_DOMAIN on a HWPT", mock_domain_on_hwpt},
	{"MOCK_DOMAIN on an IOAS", mock_domain_on_ioas},
	{"MOCK_DOMAIN on an IOAS with a HWPT", mock_domain_on_automatic, true},
	{"MOCK_DOMAIN_REPLACE by an IOAS", replace_by_ioas},
	{"MOCK_DOMAIN_REPLACE by a HWPT", replace_by_hwpt},
	{"ADD_RESERVED", add_reserved},
	{"MAP", map},
	{"VDEVICE_ALLOC", vdevice_alloc},
	{"HWPT_ALLOC", hwpt_alloc},
};

/* What must be as before. */
struct snapshot {
	uint32_t next;
	struct iommu_iova_range ranges[2][4];
	uint32_t count[2];
	size_t allocations;
};

static void take(struct abi *abi, struct snapshot *snap)
{
	const uint32_t ioas[2] = {s.ioas, s.other};

	memset(snap, 0, sizeof(*snap));
	snap->next = abi_next_id(abi);
	for (unsigned i = 0; i < 2; i++) {
		struct iommu_ioas_iova_ranges cmd = {
			.size = sizeof(cmd),
			.ioas_id = ioas[i],
			.num_iovas = 4,
			.allowed_iovas = ADDR(snap->ranges[i]),
		};

		ok(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &cmd));
		snap->count[i] = cmd.num_iovas;
	}
	ok(st_pasid_check(abi, s.stdev.id, 0, s.stdev.hwpt));
	ok(st_pasid_check(abi, s.stdev.id, 9, 0));
	ok(st_check_refs(abi, s.memory, PAGE, 1));
	ok(st_check_refs(abi, s.memory + PAGE, PAGE, 0));
	ok(st_check_refs(abi, s.memory + 2 * PAGE, PAGE, 0));
	snap->allocations = base_alloc_count();
}

static bool is_injected(int rc)
{
	return rc == -ENOMEM || rc == -ENOENT || rc == -EINVAL;
}

/* The call with its nth point failing. True if it was not in the way. */
static bool run_failing(struct abi *abi, const struct sweep *sweep, unsigned nth)
{
	struct snapshot before, after;
	bool free;
	int rc;

	take(abi, &before);
	free = inject(abi, nth, sweep->call, &rc);
	if (free || (sweep->goes_on && !rc)) {
		ok(rc);
		return true;
	}
	if (!is_injected(rc))
		fail_msg("point %u failed, the call gave %d", nth, rc);
	take(abi, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	return false;
}

static void every_point_may_fail(struct abi *abi)
{
	const struct sweep *sweep = abi->row;
	size_t before = base_alloc_count();
	unsigned nth = 1;

	abi_init(abi, &abi_selftest);
	make_scene(abi);
	while (!run_failing(abi, sweep, nth))
		nth++;
	/* A look-up and an allocation at least. */
	assert_true(nth > 2);
	abi_fini(abi);
	assert_int_equal(base_alloc_count(), before);
}

/* PASID_ATTACH wants the device on a HWPT for PASIDs. */
static void every_point_of_pasid_attach_may_fail(struct abi *abi)
{
	bool free = false;
	unsigned nth;
	int rc;

	make_scene(abi);
	ok(st_replace_by(abi, s.stdev.id, s.pasid_hwpt));
	for (nth = 1; !free; nth++) {
		free = inject(abi, nth, pasid_attach, &rc);
		assert_true(free ? !rc : is_injected(rc));
		ok(st_pasid_check(abi, s.stdev.id, 9, free ? s.pasid_hwpt : 0));
	}
	assert_true(nth > 3);
}

/* ---- what takes away ---- */

static int destroy(struct abi *abi)
{
	return abi_destroy(abi, s.stdev.id);
}

static int close_iommufd(struct abi *abi)
{
	return swiommu_close(abi->machine, abi->ctx);
}

static const struct sweep takers[] = {
	{"DESTROY of a mock device", destroy},
	{"close of an iommufd", close_iommufd},
};

static void nothing_is_in_the_way(struct abi *abi)
{
	const struct sweep *sweep = abi->row;

	make_scene(abi);
	ok(vdevice_alloc(abi));
	inject_nothing(abi, sweep->call);
}

/* ---- where a machine with the test ABI is made ---- */

static int make_machine(struct swiommu **machine)
{
	const struct swiommu_options options = {.size = sizeof(options), .flags = SWIOMMU_TEST_ABI};

	return swiommu_new(&options, machine);
}

static void machines_fail_without_a_trace(struct abi *abi)
{
	(void)abi;
	inject_machines(make_machine);
}

#ifdef SWIOMMU_CHECKS
int main(void)
{
	abi_rows(abi_none, sweeps, every_point_may_fail);
	abi_on(abi_selftest, every_point_of_pasid_attach_may_fail);
	abi_rows(abi_selftest, takers, nothing_is_in_the_way);
	abi_on(abi_none, machines_fail_without_a_trace);
	return abi_run("selftest_fail");
}
#else
/* Freed blocks are kept and used again, nobody counts them, and look-ups do not fail. */
int main(void)
{
	(void)sweeps, (void)takers, (void)every_point_may_fail, (void)nothing_is_in_the_way;
	(void)every_point_of_pasid_attach_may_fail, (void)machines_fail_without_a_trace;
	puts("skipped: needs a build with checks");
	return 77;
}
#endif
