// SPDX-License-Identifier: MIT
/*
 * Devices that are unbound while others use them (iommufd-objects.md 12.5): every
 * outcome is one of those that the rows allow.
 */
#include "race.h"

#include <sched.h>

#define ROUNDS	1000
#define DUELS	4000
#define VIRT_ID 5 /* of the binder's vdevices; workers use others */

static const struct abi_machine three = {.iommu = "mock", .devices = {"ioat", "ioat", "ioat"}};

/* Device 0 comes and goes; device 2 stays, and the vIOMMU with it. */
static struct {
	uint32_t ioas, parent, viommu;
	uint32_t devid;	       /* of device 0, or the last one it had (atomic) */
	uint32_t vdevice;      /* the last one of the binder (atomic) */
	uint8_t dead[1 << 16]; /* ids that are tombstones (atomic) */
} shared;

static uint32_t load(uint32_t *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *value, uint32_t to)
{
	__atomic_store_n(value, to, __ATOMIC_RELEASE);
}

/* Row 3: a tombstone's id is never given out again. */
static void note_dead(uint32_t id)
{
	must(id < sizeof(shared.dead));
	__atomic_store_n(&shared.dead[id % sizeof(shared.dead)], 1, __ATOMIC_RELEASE);
}

static void note_new(uint32_t id)
{
	must(id < sizeof(shared.dead));
	must(!__atomic_load_n(&shared.dead[id % sizeof(shared.dead)], __ATOMIC_ACQUIRE));
}

static void make_shared(struct abi *abi)
{
	memset(&shared, 0, sizeof(shared));
	abi_bound(abi, 2);
	shared.ioas = abi_ioas(abi);
	shared.parent = abi_parent(abi, 2, shared.ioas);
	ok(abi_viommu(abi, abi->devid[2], shared.parent, &shared.viommu));
}

/* ---- the binder, in the test's own thread ---- */

/* What holds when close has returned (rows 1 and 3). */
static void after_close(struct abi *abi, uint32_t devid)
{
	struct iommu_hw_info info = {.size = sizeof(info), .dev_id = devid};
	uint32_t id;

	expect(abi_ioctl(abi, IOMMU_GET_HW_INFO, &info), -ENOENT);
	/* The virtual id is free. */
	ok(abi_vdevice(abi, shared.viommu, abi->devid[2], VIRT_ID, &id));
	note_new(id);
	/* It may have the device's id, which somebody tries to destroy. */
	while (allow(abi_destroy(abi, id), 0, -EBUSY, -ENOENT) == -EBUSY)
		sched_yield();
}

static void one_life(struct abi *abi, unsigned round)
{
	uint32_t devid = abi_bound(abi, 0), vdevice = 0;
	int rc = -ENOENT;

	store(&shared.devid, devid);
	if (round % 4)
		rc = allow(abi_vdevice(abi, shared.viommu, devid, VIRT_ID, &vdevice), 0, -EEXIST);
	if (!rc) {
		note_new(vdevice);
		store(&shared.vdevice, vdevice);
	}
	if (round % 3 == 0)
		abi_attached(abi, 0, shared.ioas);
	for (unsigned i = 0; i < round % 8; i++)
		sched_yield();
	abi_close(abi, 0);
	if (!rc) {
		expect(abi_destroy(abi, vdevice), -ENOENT);
		note_dead(vdevice);
	}
	after_close(abi, devid);
	abi_open(abi, 0);
}

/* ---- workers: one kind of ioctl in a loop ---- */

/* Of an object of the worker's own; a lookup by somebody else makes it busy for a moment. */
static void destroy_own(struct abi *abi, uint32_t id)
{
	note_new(id);
	while (allow(abi_destroy(abi, id), 0, -EBUSY) == -EBUSY)
		sched_yield();
}

static void ask_hw_info(struct race *race, void *arg)
{
	(void)arg;
	while (race_goes_on(race)) {
		struct iommu_hw_info info = {.size = sizeof(info), .dev_id = load(&shared.devid)};

		allow(abi_ioctl(race->abi, IOMMU_GET_HW_INFO, &info), 0, -ENOENT);
	}
}

static void make_hwpts(struct race *race, void *arg)
{
	uint32_t id;

	(void)arg;
	while (race_goes_on(race))
		if (!allow(abi_hwpt(race->abi, load(&shared.devid), shared.ioas, 0, NULL, &id), 0,
			   -ENOENT))
			destroy_own(race->abi, id);
}

static void make_viommus(struct race *race, void *arg)
{
	uint32_t id;

	(void)arg;
	while (race_goes_on(race))
		if (!allow(abi_viommu(race->abi, load(&shared.devid), shared.parent, &id), 0,
			   -ENOENT))
			destroy_own(race->abi, id);
}

/* Rows 4 to 8, 12, 14: made at any moment, destroyed by us or by the unbind. */
static void make_vdevices(struct race *race, void *arg)
{
	uint32_t id;

	(void)arg;
	while (race_goes_on(race)) {
		if (allow(abi_vdevice(race->abi, shared.viommu, load(&shared.devid), 77, &id), 0,
			  -ENOENT, -EEXIST))
			continue;
		note_new(id);
		sched_yield();
		while (allow(abi_destroy(race->abi, id), 0, -ENOENT, -EBUSY) == -EBUSY)
			sched_yield();
	}
}

/* Row 6: left to the unbind. */
static void leave_vdevices(struct race *race, void *arg)
{
	uint32_t id;

	(void)arg;
	while (race_goes_on(race))
		if (!allow(abi_vdevice(race->abi, shared.viommu, load(&shared.devid), 88, &id), 0,
			   -ENOENT, -EEXIST))
			note_new(id);
}

/* Row 9: a lookup of any type, which is not a page table, holds the vdevice for a moment. */
static void name_the_vdevice(struct race *race, void *arg)
{
	uint32_t id;

	(void)arg;
	while (race_goes_on(race)) {
		uint32_t vdevice = load(&shared.vdevice);

		allow(abi_hwpt(race->abi, race->abi->devid[2], vdevice, 0, NULL, &id), -EINVAL);
		allow(abi_attach_to(race->abi, 2, vdevice), -EINVAL, -ENOENT);
	}
}

/* Row 5: a foreign DESTROY of the binder's vdevice id, once that is a tombstone or about to be. */
static void destroy_dead_vdevices(struct race *race, void *arg)
{
	(void)arg;
	while (race_goes_on(race)) {
		uint32_t vdevice = load(&shared.vdevice);

		if (__atomic_load_n(&shared.dead[vdevice], __ATOMIC_ACQUIRE))
			allow(abi_destroy(race->abi, vdevice), -ENOENT);
	}
}

/* Row 11: a vIOMMU is busy until its vdevice has gone, then it goes. */
static void destroy_viommus(struct race *race, void *arg)
{
	struct abi *abi = race->abi;
	uint32_t viommu, id;
	int rc;

	(void)arg;
	while (race_goes_on(race)) {
		if (allow(abi_viommu(abi, abi->devid[2], shared.parent, &viommu), 0))
			return;
		rc = allow(abi_vdevice(abi, viommu, load(&shared.devid), 1, &id), 0, -ENOENT,
			   -EEXIST);
		while (allow(abi_destroy(abi, viommu), 0, -EBUSY) == -EBUSY) {
			sched_yield();
			if (!rc && !race_goes_on(race))
				allow(abi_destroy(abi, id), 0, -ENOENT);
		}
	}
}

/* Once the device has gone its id may be that of something else. */
static void destroy_the_device(struct race *race, void *arg)
{
	(void)arg;
	while (race_goes_on(race))
		allow(abi_destroy(race->abi, load(&shared.devid)), -EBUSY, -ENOENT, 0);
}

struct race_row {
	const char *name;
	race_worker workers[5];
};

static const struct race_row races[] = {
	{"HW_INFO (2)", {ask_hw_info}},
	{"a stream of HW_INFO (2)", {ask_hw_info, ask_hw_info, ask_hw_info}},
	{"HWPT_ALLOC (2)", {make_hwpts}},
	{"VIOMMU_ALLOC (2)", {make_viommus}},
	{"VDEVICE_ALLOC and DESTROY (4-8, 14)", {make_vdevices}},
	{"two of VDEVICE_ALLOC and DESTROY (12)", {make_vdevices, make_vdevices}},
	{"VDEVICE_ALLOC (6, 7)", {leave_vdevices}},
	{"lookups of the vdevice (9)", {name_the_vdevice}},
	{"DESTROY of tombstones (5)", {destroy_dead_vdevices}},
	{"DESTROY of the vIOMMU (11)", {destroy_viommus}},
	{"DESTROY of the device", {destroy_the_device}},
	{"all that makes objects",
	 {ask_hw_info, make_hwpts, make_viommus, make_vdevices, destroy_viommus}},
};

/* Afterwards nothing is left that would hold the parent. */
static void unbinding_races_with(struct abi *abi)
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
	ok(abi_destroy(abi, shared.parent));
	ok(abi_destroy(abi, shared.ioas));
}

/* Calls on the device file itself: it is bound, unbound, or not open. */
static void use_the_file(struct race *race, void *arg)
{
	int file = *(int *)arg;

	while (race_goes_on(race)) {
		struct vfio_device_info info = {.argsz = sizeof(info)};
		struct vfio_device_attach_iommufd_pt pt = {.argsz = sizeof(pt),
							   .pt_id = shared.ioas};
		uint32_t value;

		allow(swiommu_ioctl(race->abi->machine, file, VFIO_DEVICE_GET_INFO, &info), 0,
		      -EINVAL, -EBADF);
		allow(swiommu_ioctl(race->abi->machine, file, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
		      0, -EINVAL, -EBADF);
		allow((int)swiommu_pread(race->abi->machine, file, &value, 4, CONFIG_REGION), 4,
		      -EINVAL, -EBADF);
	}
}

/*
 * The last call on a file finishes its release; after that the device can be bound again.
 * In a program, numbers that are guessed while a file is being opened may meet a bare
 * socket; tests/e2e/test_numbers.c has what can be said of close.
 */
static void closing_races_with_calls_on_the_file(struct abi *abi)
{
	int file = abi->file[0];
	struct race race;

	make_shared(abi);
	race_start(&race, abi);
	race_add(&race, use_the_file, &file);
	race_add(&race, use_the_file, &file);
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* A call that still runs on the file before keeps the device bound: EINVAL. */
		while (allow(abi_bind(abi, 0), 0, -EINVAL) == -EINVAL)
			sched_yield();
		sched_yield();
		abi_close(abi, 0);
		abi_open(abi, 0);
		must(abi->file[0] == file);
	}
	race_join(&race);
}

/* ---- duels: two calls at the same moment, many times ---- */

struct vdevice_call {
	uint32_t viommu, devid, id;
	uint64_t virt_id;
};

static int alloc_vdevice(struct abi *abi, void *arg)
{
	struct vdevice_call *call = arg;

	return abi_vdevice(abi, call->viommu, call->devid, call->virt_id, &call->id);
}

static int destroy_id(struct abi *abi, void *arg)
{
	return abi_destroy(abi, *(uint32_t *)arg);
}

static int close_file(struct abi *abi, void *arg)
{
	return swiommu_close(abi->machine, *(int *)arg);
}

/* Rows 12 and 13: one device, or one virtual id: exactly one wins. */
static void of_two_vdevices_one_is_made(struct abi *abi)
{
	struct vdevice_call calls[2];
	struct duel duel = {{alloc_vdevice, alloc_vdevice}, {&calls[0], &calls[1]}};

	make_shared(abi);
	abi_bound(abi, 0);
	for (unsigned round = 0; round < DUELS; round++) {
		bool one_device = round % 2;

		for (unsigned i = 0; i < 2; i++)
			calls[i] = (struct vdevice_call){
				.viommu = shared.viommu,
				.devid = abi->devid[one_device ? 0 : i * 2],
				.virt_id = one_device ? i : 9,
			};
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 1);
		assert_int_equal(duel_count(&duel, -EEXIST), 1);
		ok(abi_destroy(abi, calls[duel.result[0] ? 1 : 0].id));
	}
}

/* Row 14: the new one comes before or after the old one has gone. */
static void destroy_and_alloc_of_one_device(struct abi *abi)
{
	struct vdevice_call call;
	uint32_t old;
	struct duel duel = {{destroy_id, alloc_vdevice}, {&old, &call}};

	make_shared(abi);
	abi_bound(abi, 0);
	call = (struct vdevice_call){shared.viommu, abi->devid[0], 0, 1};
	ok(alloc_vdevice(abi, &call));
	for (unsigned round = 0; round < DUELS; round++) {
		old = call.id;
		race_duel(abi, &duel);
		ok(duel.result[0]);
		if (duel.result[1])
			expect(duel.result[1], -EEXIST);
		if (duel.result[1])
			ok(alloc_vdevice(abi, &call));
	}
}

/* Rows 4 and 5: the vdevice goes once, whoever comes first; the virtual id is free. */
static void destroy_and_close(struct abi *abi)
{
	struct vdevice_call call;
	struct duel duel = {{destroy_id, close_file}, {&call.id, &abi->file[0]}};
	unsigned dead = 0, next;

	make_shared(abi);
	next = abi_next_id(abi);
	for (unsigned round = 0; round < DUELS; round++) {
		uint32_t id;

		abi_bound(abi, 0);
		call = (struct vdevice_call){shared.viommu, abi->devid[0], 0, VIRT_ID};
		ok(alloc_vdevice(abi, &call));
		race_duel(abi, &duel);
		ok(duel.result[1]);
		if (duel.result[0] && duel.result[0] != -EBUSY)
			expect(duel.result[0], -ENOENT);
		dead += duel.result[0] != 0;
		expect(abi_destroy(abi, call.id), -ENOENT);
		ok(abi_vdevice(abi, shared.viommu, abi->devid[2], VIRT_ID, &id));
		ok(abi_destroy(abi, id));
		abi_open(abi, 0);
	}
	/* As many ids are lost as the unbind has won. */
	for (unsigned i = 0; i < DUELS + 10; i++)
		abi_ioas(abi);
	assert_int_equal(abi_next_id(abi), next + dead + DUELS + 10);
}

/* Rows 2, 6, 7, 8: a vdevice that is made while the device goes is gone afterwards. */
static void alloc_and_close(struct abi *abi)
{
	struct vdevice_call call;
	struct duel duel = {{alloc_vdevice, close_file}, {&call, &abi->file[0]}};

	make_shared(abi);
	for (unsigned round = 0; round < DUELS; round++) {
		uint32_t id;

		abi_bound(abi, 0);
		call = (struct vdevice_call){shared.viommu, abi->devid[0], NO_ID, VIRT_ID};
		race_duel(abi, &duel);
		ok(duel.result[1]);
		if (duel.result[0])
			expect(duel.result[0], -ENOENT);
		expect(abi_destroy(abi, call.id), -ENOENT);
		ok(abi_vdevice(abi, shared.viommu, abi->devid[2], VIRT_ID, &id));
		ok(abi_destroy(abi, id));
		abi_open(abi, 0);
	}
	ok(abi_destroy(abi, shared.viommu));
}

struct bind_call {
	int file, ctx;
};

static int bind_file(struct abi *abi, void *arg)
{
	struct bind_call *call = arg;
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = call->ctx};

	return swiommu_ioctl(abi->machine, call->file, VFIO_DEVICE_BIND_IOMMUFD, &cmd);
}

/* vfio-device-ioctls.md 14.2: one file of a device, one iommufd of a group. */
static void of_two_binds_one_works(struct abi *abi)
{
	int other = swiommu_open(abi->machine, "/dev/iommu");
	struct bind_call calls[2];
	struct duel duel = {{bind_file, bind_file}, {&calls[0], &calls[1]}};

	for (unsigned round = 0; round < DUELS; round++) {
		bool one_device = round % 2;

		calls[0] = (struct bind_call){abi->file[0], abi->ctx};
		calls[1] = (struct bind_call){abi->file[1], other};
		if (one_device)
			calls[1].file = swiommu_open(abi->machine, "/dev/vfio/devices/vfio0");
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 1);
		assert_int_equal(duel_count(&duel, one_device ? -EINVAL : -EPERM), 1);
		if (one_device)
			ok(swiommu_close(abi->machine, calls[1].file));
		abi_close(abi, 0);
		abi_close(abi, 1);
		abi_open(abi, 0);
		abi_open(abi, 1);
	}
}

/* Section 14: the last holder releases the context, whoever it is; nothing of it is left. */
static void closing_everything_at_once(struct abi *abi)
{
	struct duel duel = {{close_file, close_file}, {NULL, NULL}};
	uint32_t id;

	for (unsigned round = 0; round < DUELS; round++) {
		make_shared(abi);
		abi_bound(abi, 0);
		ok(abi_vdevice(abi, shared.viommu, abi->devid[0], 1, &id));
		ok(abi_vdevice(abi, shared.viommu, abi->devid[2], 2, &id));
		abi_attached(abi, 2, shared.ioas);
		if (round % 2)
			abi_close(abi, 0);
		else
			ok(swiommu_close(abi->machine, abi->ctx));
		duel.arg[0] = round % 2 ? &abi->ctx : &abi->file[0];
		duel.arg[1] = &abi->file[2];
		race_duel(abi, &duel);
		assert_int_equal(duel_count(&duel, 0), 2);
		abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
		abi_open(abi, 0);
		abi_open(abi, 2);
	}
}

int main(void)
{
	abi_rows(three, races, unbinding_races_with);
	abi_library(abi_on(three, closing_races_with_calls_on_the_file));
	abi_on(three, of_two_vdevices_one_is_made);
	abi_on(three, destroy_and_alloc_of_one_device);
	abi_on(three, destroy_and_close);
	abi_on(three, alloc_and_close);
	abi_on(abi_vtd_group, of_two_binds_one_works);
	abi_on(three, closing_everything_at_once);
	return abi_run("lifetime_race");
}
