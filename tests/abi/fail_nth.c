// SPDX-License-Identifier: MIT
/*
 * Every call with the first, second, third ... allocation failing: it fails, and
 * everything is as before (iommufd-test-abi.md 14). What takes things away never
 * allocates.
 */
#include "fail_scene.h"
#include "inject.h"

#include "base/alloc.h"
#include "iommu/section.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the calls ---- */

static int ioas_alloc(struct abi *abi)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	return abi_ioctl(abi, IOMMU_IOAS_ALLOC, &cmd);
}

static int allow(struct abi *abi)
{
	struct iommu_iova_range ranges[5];

	for (unsigned i = 0; i < 5; i++)
		ranges[i] = (struct iommu_iova_range){BASE + i * MIB(1), BASE + i * MIB(1) + PAGE};
	return abi_allow(abi, scene.ioas, ranges, 5);
}

static int map_fixed(struct abi *abi)
{
	return abi_map_at(abi, scene.ioas, RW, scene.memory, PAGE, BASE + PAGE);
}

static int map_auto(struct abi *abi)
{
	return abi_map(abi, scene.ioas, RW, ADDR(scene.memory), PAGE, &scene.iova);
}

/* Across a border of 1 GiB, in small leaves: many tables. */
static int map_far(struct abi *abi)
{
	return abi_map_at(abi, scene.ioas, RW, scene.memory + PAGE, 1023 * PAGE,
			  MIB(1024) - 256 * PAGE);
}

static int copy(struct abi *abi)
{
	return abi_copy_to(abi, scene.other, RW, BASE + PAGE, scene.ioas, BASE, PAGE);
}

/* Across a border of 1 GiB, so that tables are missing in the middle. */
static int copy_areas(struct abi *abi)
{
	return abi_copy_to(abi, scene.other, RW, MIB(1024) - 2 * PAGE, scene.ioas, BASE, 4 * PAGE);
}

static int map_file(struct abi *abi)
{
	return abi_map_file_at(abi, scene.ioas, RW, scene.file, PAGE, 2 * PAGE, BASE + MIB(2));
}

/* Only part of its source. */
static int copy_file(struct abi *abi)
{
	return abi_copy_to(abi, scene.other, RW, BASE, scene.ioas, BASE + MIB(1), PAGE);
}

static int map_dma(struct abi *abi)
{
	struct vfio_iommu_type1_dma_map cmd = {sizeof(cmd), 3, ADDR(scene.memory), BASE + MIB(1),
					       PAGE};

	return abi_ioctl(abi, VFIO_IOMMU_MAP_DMA, &cmd);
}

static int unmap_tail(struct abi *abi)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.iova = BASE + PAGE,
		.size = 3 * PAGE,
	};

	return abi_ioctl(abi, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

static int hwpt_alloc(struct abi *abi)
{
	return abi_hwpt(abi, abi->devid[0], scene.ioas, 0, NULL, &scene.id);
}

static int parent_alloc(struct abi *abi)
{
	return abi_hwpt(abi, abi->devid[0], scene.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, NULL,
			&scene.id);
}

static int nested_on(struct abi *abi, uint32_t pt)
{
	const struct iommu_hwpt_selftest selftest = {0};
	const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 48};
	const struct abi_data mock = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), &selftest};
	const struct abi_data vtd = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};

	return abi_hwpt(abi, abi->devid[0], pt, 0, abi->mock ? &mock : &vtd, &scene.id);
}

static int nested_alloc(struct abi *abi)
{
	return nested_on(abi, scene.parent);
}

static int nested_alloc_on_viommu(struct abi *abi)
{
	return nested_on(abi, scene.viommu);
}

static int viommu_alloc(struct abi *abi)
{
	return abi_viommu(abi, abi->devid[0], scene.parent, &scene.id);
}

static int vdevice_alloc(struct abi *abi)
{
	return abi_vdevice(abi, scene.viommu, abi->devid[0], 5, &scene.id);
}

static int hw_queue_alloc(struct abi *abi)
{
	return abi_hw_queue(abi, scene.viommu, 0, BASE, PAGE, &scene.id);
}

static int second_hw_queue_alloc(struct abi *abi)
{
	return abi_hw_queue(abi, scene.viommu, 1, BASE, PAGE, &scene.id);
}

static int create_access(struct abi *abi)
{
	return st_create_access(abi, scene.ioas, true, &scene.access);
}

static int dmabuf_get(struct abi *abi)
{
	int fd = st_dmabuf_get(abi, PAGE);

	return fd < 0 ? fd : 0;
}

static int map_dmabuf(struct abi *abi)
{
	return abi_map_file_at(abi, scene.ioas, RW, scene.access, 0, PAGE, BASE);
}

static int map_dmabuf_with_a_domain(struct abi *abi)
{
	return abi_map_file_at(abi, scene.other, RW, scene.access, 0, PAGE, BASE);
}

static int access_pin(struct abi *abi)
{
	return st_pin(abi, scene.access, 0, BASE + PAGE, 4 * PAGE, NULL, &scene.id);
}

static int access_rw(struct abi *abi)
{
	uint8_t bytes[2 * PAGE];

	return st_rw(abi, scene.access, 0, BASE + 5, bytes, sizeof(bytes));
}

static int access_replace(struct abi *abi)
{
	return st_access_replace(abi, scene.access, scene.other);
}

static int fault_alloc(struct abi *abi)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};

	return abi_ioctl(abi, IOMMU_FAULT_QUEUE_ALLOC, &cmd);
}

static int veventq_alloc(struct abi *abi)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = scene.viommu,
		.type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = 1,
	};

	return abi_ioctl(abi, IOMMU_VEVENTQ_ALLOC, &cmd);
}

static int open_device(struct abi *abi)
{
	int fd = swiommu_open(abi->machine, "/dev/vfio/devices/vfio0");

	return fd < 0 ? fd : swiommu_close(abi->machine, fd);
}

static int open_iommufd(struct abi *abi)
{
	int fd = swiommu_open(abi->machine, "/dev/iommu");

	return fd < 0 ? fd : swiommu_close(abi->machine, fd);
}

static int bind_0(struct abi *abi)
{
	return abi_bind(abi, 0);
}

static int bind_1(struct abi *abi)
{
	return abi_bind(abi, 1);
}

static int attach_ioas(struct abi *abi)
{
	return abi_attach_to(abi, 0, scene.ioas);
}

static int attach_other_ioas(struct abi *abi)
{
	return abi_attach_to(abi, 0, scene.other);
}

static int attach_1_to_ioas(struct abi *abi)
{
	return abi_attach_to(abi, 1, scene.ioas);
}

static int attach_hwpt(struct abi *abi)
{
	return abi_attach_to(abi, 0, scene.hwpt);
}

static int attach_pasid_0(struct abi *abi)
{
	struct vfio_device_attach_iommufd_pt cmd = {sizeof(cmd), VFIO_DEVICE_ATTACH_PASID,
						    scene.ioas, 0};

	return abi_dev(abi, 0, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static int enable_msix(struct abi *abi)
{
	return set_fd(abi, TRIGGER, MSIX, -1);
}

static int enable_msi(struct abi *abi)
{
	return set_fd(abi, TRIGGER, MSI, -1);
}

static int enable_intx(struct abi *abi)
{
	return set_fd(abi, TRIGGER, INTX, -1);
}

static int unmask_by_eventfd(struct abi *abi)
{
	return set_fd(abi, UNMASK, INTX, fds[1]);
}

/* ---- sweeps ---- */

struct sweep {
	const char *name;
	const struct abi_machine *machine;
	void (*prepare)(struct abi *abi);
	int (*call)(struct abi *abi);
	bool keeps_memory;
};

static const struct sweep sweeps[] = {
	{"IOAS_ALLOC", &abi_vtd, scene_unbound, ioas_alloc},
	{"ALLOW_IOVAS", &abi_vtd, scene_bound, allow},
	{"MAP", &abi_vtd, scene_bound, map_fixed},
	{"MAP, automatic", &abi_vtd, scene_bound, map_auto},
	{"MAP, vtd", &abi_vtd, scene_attached, map_fixed},
	{"MAP, vtd, automatic", &abi_vtd, scene_attached, map_auto},
	{"MAP, vtd, many tables", &abi_vtd, scene_attached, map_far, true},
	{"MAP, vtd, two domains", &abi_vtd, scene_with_two_domains, map_fixed},
	{"MAP, vtd, two domains, many tables", &abi_vtd, scene_with_two_domains, map_far, true},
	{"MAP, mock", &abi_mock, scene_attached, map_fixed},
	{"MAP, mock, two domains, many tables", &abi_mock, scene_with_two_domains, map_far, true},
	{"COPY", &abi_vtd, scene_bound, copy},
	{"COPY, vtd, two domains, many pieces", &abi_vtd, scene_with_areas, copy_areas, true},
	{"COPY, mock, two domains, many pieces", &abi_mock, scene_with_areas, copy_areas, true},
	{"MAP_FILE", &abi_vtd, scene_with_file, map_file},
	{"MAP_FILE, vtd", &abi_vtd, scene_with_attached_file, map_file},
	{"MAP_FILE, mock", &abi_mock, scene_with_attached_file, map_file},
	{"COPY of a file", &abi_vtd, scene_with_file, copy_file, true},
	{"ATTACH to an IOAS with a file", &abi_vtd, scene_with_file, attach_1_to_ioas, true},
	{"MAP_DMA, vtd", &abi_vtd, scene_with_container, map_dma},
	{"UNMAP_DMA of a part, vtd", &abi_vtd, scene_with_container, unmap_tail, true},
	{"UNMAP_DMA of a part, mock", &abi_mock, scene_with_container, unmap_tail, true},
	{"HWPT_ALLOC, vtd", &abi_vtd, scene_bound, hwpt_alloc},
	{"HWPT_ALLOC, mock", &abi_mock, scene_bound, hwpt_alloc},
	{"HWPT_ALLOC, vtd, nest parent", &abi_vtd, scene_bound, parent_alloc},
	{"HWPT_ALLOC, mock, nest parent", &abi_mock, scene_bound, parent_alloc},
	{"HWPT_ALLOC, vtd, nested", &abi_vtd, scene_with_parent, nested_alloc},
	{"HWPT_ALLOC, mock, nested", &abi_mock, scene_with_parent, nested_alloc},
	{"HWPT_ALLOC, mock, on a vIOMMU", &abi_mock, scene_with_viommu, nested_alloc_on_viommu},
	{"VIOMMU_ALLOC", &abi_mock, scene_with_parent, viommu_alloc},
	{"VDEVICE_ALLOC", &abi_mock, scene_with_viommu, vdevice_alloc},
	{"HW_QUEUE_ALLOC", &abi_mock, scene_with_viommu, hw_queue_alloc},
	{"HW_QUEUE_ALLOC, second", &abi_mock, scene_with_hw_queue, second_hw_queue_alloc},
	{"CREATE_ACCESS", &abi_selftest, scene_with_room_for_an_access, create_access},
	{"DMABUF_GET", &abi_selftest, scene_with_dmabuf, dmabuf_get},
	{"MAP_FILE of a dma-buf", &abi_selftest, scene_with_dmabuf, map_dmabuf},
	{"MAP_FILE of a dma-buf, mock", &abi_selftest, scene_with_dmabuf, map_dmabuf_with_a_domain,
	 true},
	{"ACCESS_PAGES", &abi_selftest, scene_with_access, access_pin},
	{"ACCESS_RW", &abi_selftest, scene_with_access, access_rw},
	{"ACCESS_REPLACE_IOAS", &abi_selftest, scene_with_access, access_replace},
	{"FAULT_QUEUE_ALLOC", &abi_vtd, scene_unbound, fault_alloc},
	{"VEVENTQ_ALLOC", &abi_mock, scene_with_viommu, veventq_alloc},
	{"open of a device", &abi_vtd, scene_unbound, open_device},
	{"open of an iommufd", &abi_vtd, scene_unbound, open_iommufd},
	{"BIND", &abi_vtd, scene_unbound, bind_0},
	{"BIND, second of a group", &abi_vtd_group, scene_one_of_a_group, bind_1},
	{"ATTACH to an IOAS, vtd", &abi_vtd, scene_bound, attach_ioas},
	{"ATTACH to an IOAS, mock", &abi_mock, scene_bound, attach_ioas},
	{"ATTACH to an IOAS that has a domain", &abi_vtd, scene_attached, attach_1_to_ioas},
	{"ATTACH to an IOAS, second of a group", &abi_vtd_group, scene_both_of_a_group,
	 attach_1_to_ioas},
	{"ATTACH to a HWPT, vtd", &abi_vtd, scene_with_hwpt, attach_hwpt},
	{"ATTACH to a HWPT, mock", &abi_mock, scene_with_hwpt, attach_hwpt},
	{"ATTACH to a nested HWPT, vtd", &abi_vtd, scene_with_nested, attach_hwpt},
	{"ATTACH to a nested HWPT, mock", &abi_mock, scene_with_nested, attach_hwpt},
	{"ATTACH to a HWPT on a vIOMMU", &abi_mock, scene_with_vdevice, attach_hwpt},
	{"ATTACH as PASID 0", &abi_vtd, scene_bound, attach_pasid_0},
	{"replace by an IOAS, vtd", &abi_vtd, scene_attached, attach_other_ioas},
	{"replace by an IOAS, mock", &abi_mock, scene_attached, attach_other_ioas},
	{"replace by the IOAS of the HWPT", &abi_vtd, scene_with_attached_hwpt, attach_ioas},
	{"replace by a HWPT, vtd", &abi_vtd, scene_with_other_hwpt, attach_hwpt},
	{"SET_IRQS, MSI-X", &machine_pci, scene_with_intx, enable_msix},
	{"SET_IRQS, MSI", &machine_pci, scene_with_intx, enable_msi},
	{"SET_IRQS, INTx", &machine_pci, scene_with_intx, enable_intx},
	{"SET_IRQS, unmask by eventfd", &machine_pci, scene_with_intx, unmask_by_eventfd},
};

/* What must be as before. */
struct snapshot {
	uint32_t next;
	struct iommu_iova_range ranges[2][4];
	uint32_t count[2];
	uint64_t alignment[2];
	bool reads[2][3];
	size_t allocations;
};

static void take_ranges(struct abi *abi, struct snapshot *snap, unsigned i, uint32_t ioas)
{
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = 4,
		.allowed_iovas = ADDR(snap->ranges[i]),
	};

	ok(abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &cmd));
	snap->count[i] = cmd.num_iovas;
	snap->alignment[i] = cmd.out_iova_alignment;
}

static void take(struct abi *abi, struct snapshot *snap)
{
	static const uint64_t probes[] = {BASE, BASE + PAGE, MIB(1024)};

	memset(snap, 0, sizeof(*snap));
	snap->next = abi_next_id(abi);
	take_ranges(abi, snap, 0, scene.ioas);
	take_ranges(abi, snap, 1, scene.other);
	for (unsigned n = 0; n < 2 && n < abi->device_count; n++)
		for (unsigned i = 0; i < COUNT(probes); i++)
			snap->reads[n][i] = abi_reads(abi, n, probes[i]);
	snap->allocations = base_alloc_count();
}

/* The call with its nth allocation failing. True if there was no nth. */
static bool run_failing(struct abi *abi, const struct sweep *sweep, unsigned nth)
{
	struct snapshot before, after;
	int rc;

	take(abi, &before);
	if (inject(abi, nth, sweep->call, &rc)) {
		ok(rc);
		return true;
	}
	if (rc >= 0)
		fail_msg("allocation %u failed, the call did not", nth);
	take(abi, &after);
	/*
	 * Tables that a failed map has made stay with the domain, and end with it. The room
	 * to count pins of parts stays with the source.
	 */
	if (sweep->keeps_memory)
		after.allocations = before.allocations;
	assert_memory_equal(&before, &after, sizeof(before));
	return false;
}

/* SET_IRQS sweeps begin with INTx on: what is tried has to begin from nothing. */
static void prepare(struct abi *abi, const struct sweep *sweep)
{
	sweep->prepare(abi);
	if (sweep->prepare == scene_with_intx && sweep->call != unmask_by_eventfd)
		ok(set_none(abi, TRIGGER, INTX, 0, 0));
}

static void finish(const struct sweep *sweep)
{
	if (sweep->prepare == scene_with_intx)
		irqs_end();
	if (scene.file > 0)
		close(scene.file);
}

/* Threads get what they need for DMA at their first request, and keep it. */
static void warm_up(void)
{
	assert_non_null(iommu_requester_self());
}

static void every_allocation_may_fail(struct abi *abi)
{
	const struct sweep *sweep = abi->row;
	unsigned nth = 1;
	size_t before;

	warm_up();
	before = base_alloc_count();
	abi_init(abi, sweep->machine);
	prepare(abi, sweep);
	while (!run_failing(abi, sweep, nth))
		nth++;
	assert_true(nth > 1);
	finish(sweep);
	abi_fini(abi);
	assert_int_equal(base_alloc_count(), before);
}

/* ---- what takes away never allocates, and therefore never fails ---- */

static int unmap_all(struct abi *abi)
{
	return abi_unmap_all(abi, scene.ioas, NULL);
}

static int destroy_id(struct abi *abi)
{
	return abi_destroy(abi, scene.id);
}

static int destroy_hwpt(struct abi *abi)
{
	return abi_destroy(abi, scene.hwpt);
}

static int destroy_other(struct abi *abi)
{
	return abi_destroy(abi, scene.other);
}

static int detach(struct abi *abi)
{
	return abi_detach(abi, 0);
}

static int close_device(struct abi *abi)
{
	return swiommu_close(abi->machine, abi->file[0]);
}

static int close_iommufd(struct abi *abi)
{
	return swiommu_close(abi->machine, abi->ctx);
}

static int clear_allowed(struct abi *abi)
{
	return abi_allow(abi, scene.ioas, NULL, 0);
}

static int access_unpin(struct abi *abi)
{
	return st_unpin(abi, scene.access, scene.id);
}

static int close_access(struct abi *abi)
{
	return swiommu_close(abi->machine, scene.access);
}

static int disable_intx(struct abi *abi)
{
	return set_none(abi, TRIGGER, INTX, 0, 0);
}

static const struct sweep takers[] = {
	{"UNMAP", &abi_vtd, scene_bound, unmap_all},
	{"UNMAP, two domains", &abi_vtd, scene_with_two_domains, unmap_all},
	{"UNMAP, mock", &abi_mock, scene_attached, unmap_all},
	{"ALLOW_IOVAS of nothing", &abi_vtd, scene_bound, clear_allowed},
	{"DESTROY of an IOAS", &abi_vtd, scene_bound, destroy_other},
	{"DESTROY of a HWPT", &abi_vtd, scene_with_hwpt, destroy_hwpt},
	{"DESTROY of a nested HWPT", &abi_vtd, scene_with_nested, destroy_hwpt},
	{"DESTROY of a vdevice", &abi_mock, scene_with_vdevice, destroy_id},
	{"DESTROY of a hardware queue", &abi_mock, scene_with_hw_queue, destroy_id},
	{"DESTROY_ACCESS_PAGES", &abi_selftest, scene_with_access, access_unpin},
	{"close of an access", &abi_selftest, scene_with_access, close_access},
	{"DETACH", &abi_vtd, scene_attached, detach},
	{"DETACH, mock", &abi_mock, scene_attached, detach},
	{"close of a device with a vdevice", &abi_mock, scene_with_vdevice, close_device},
	{"close of a device that is attached", &abi_vtd, scene_attached, close_device},
	{"close of an iommufd", &abi_vtd, scene_unbound, close_iommufd},
	{"SET_IRQS, disable", &machine_pci, scene_with_intx, disable_intx},
};

static void nothing_is_allocated(struct abi *abi)
{
	const struct sweep *sweep = abi->row;

	abi_init(abi, sweep->machine);
	sweep->prepare(abi);
	inject_nothing(abi, sweep->call);
	finish(sweep);
	abi_fini(abi);
}

/* ---- machines ---- */

static int make_machine(struct swiommu **machine)
{
	const struct swiommu_options options = {.size = sizeof(options), .iommu = "mock"};
	int rc = swiommu_new(&options, machine);

	if (rc)
		return rc;
	rc = swiommu_add_device(*machine, NULL, "ioat,group=3,bdf=0000:01:00.0", NULL, NULL);
	if (!rc)
		rc = swiommu_add_device(*machine, NULL, "ioat,iommu=vtd", NULL, NULL);
	if (rc)
		swiommu_free(*machine);
	return rc;
}

static void machines_fail_without_a_trace(struct abi *abi)
{
	(void)abi;
	inject_machines(make_machine);
}

#ifdef SWIOMMU_CHECKS
int main(void)
{
	abi_rows(abi_none, sweeps, every_allocation_may_fail);
	abi_rows(abi_none, takers, nothing_is_allocated);
	abi_on(abi_none, machines_fail_without_a_trace);
	return abi_run("fail_nth");
}
#else
/* Freed blocks are kept and used again, and nobody counts what is allocated. */
int main(void)
{
	(void)sweeps, (void)takers, (void)every_allocation_may_fail;
	(void)nothing_is_allocated, (void)machines_fail_without_a_trace;
	puts("skipped: needs a build with checks");
	return 77;
}
#endif
