// SPDX-License-Identifier: MIT
/* Where the sweeps of fail_nth.c begin. */
#include "fail_scene.h"

#include <sys/mman.h>
#include <unistd.h>

struct scene scene;

void scene_bound(struct abi *abi)
{
	memset(&scene, 0, sizeof(scene));
	abi_bound(abi, 0);
	abi_bound(abi, 1);
	scene.memory = abi_aligned(abi, 1024);
	scene.ioas = abi_ioas(abi);
	scene.other = abi_ioas(abi);
	ok(abi_map_at(abi, scene.ioas, RW, scene.memory, PAGE, BASE));
}

void scene_attached(struct abi *abi)
{
	scene_bound(abi);
	abi_attached(abi, 0, scene.ioas);
}

void scene_with_areas(struct abi *abi)
{
	scene_bound(abi);
	for (unsigned i = 1; i < 4; i++)
		ok(abi_map_at(abi, scene.ioas, RW, scene.memory + i * PAGE, PAGE, BASE + i * PAGE));
	abi_attached(abi, 0, scene.other);
	abi_attached(abi, 1, abi_parent(abi, 0, scene.other));
}

void scene_with_file(struct abi *abi)
{
	scene_bound(abi);
	scene.file = memfd_create("test", MFD_CLOEXEC);
	assert_true(scene.file >= 0);
	assert_int_equal(ftruncate(scene.file, 4 * PAGE), 0);
	ok(abi_map_file_at(abi, scene.ioas, RW, scene.file, 0, 4 * PAGE, BASE + MIB(1)));
	abi_attached(abi, 0, scene.other);
}

void scene_with_attached_file(struct abi *abi)
{
	scene_with_file(abi);
	abi_attached(abi, 1, scene.ioas);
}

void scene_with_container(struct abi *abi)
{
	struct iommu_vfio_ioas cmd = {.size = sizeof(cmd), .op = IOMMU_VFIO_IOAS_SET};

	scene_bound(abi);
	cmd.ioas_id = scene.other;
	ok(abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd));
	ok(swiommu_ioctl(abi->machine, abi->ctx, VFIO_SET_IOMMU, (void *)VFIO_TYPE1_IOMMU));
	ok(abi_map_at(abi, scene.other, RW, scene.memory, 4 * PAGE, BASE));
	abi_attached(abi, 0, scene.other);
	abi_attached(abi, 1, abi_parent(abi, 0, scene.other));
}

void scene_with_parent(struct abi *abi)
{
	scene_bound(abi);
	scene.parent = abi_parent(abi, 0, scene.ioas);
}

void scene_with_two_domains(struct abi *abi)
{
	scene_with_parent(abi);
	abi_attached(abi, 0, scene.ioas);
	abi_attached(abi, 1, scene.parent);
}

void scene_with_hwpt(struct abi *abi)
{
	scene_bound(abi);
	scene.hwpt = abi_paging(abi, 0, scene.ioas);
}

void scene_with_attached_hwpt(struct abi *abi)
{
	scene_with_hwpt(abi);
	abi_attached(abi, 0, scene.hwpt);
}

void scene_with_other_hwpt(struct abi *abi)
{
	scene_attached(abi);
	scene.hwpt = abi_paging(abi, 0, scene.other);
}

void scene_with_viommu(struct abi *abi)
{
	scene_with_parent(abi);
	ok(abi_viommu(abi, abi->devid[0], scene.parent, &scene.viommu));
}

void scene_with_hw_queue(struct abi *abi)
{
	scene_with_viommu(abi);
	ok(abi_hw_queue(abi, scene.viommu, 0, BASE, PAGE, &scene.id));
}

void scene_with_nested(struct abi *abi)
{
	scene_with_parent(abi);
	scene.hwpt = abi_nested(abi, 0, scene.parent);
}

void scene_with_vdevice(struct abi *abi)
{
	scene_with_viommu(abi);
	ok(abi_vdevice(abi, scene.viommu, abi->devid[0], 1, &scene.id));
	scene.hwpt = abi_nested(abi, 0, scene.viommu);
}

void scene_unbound(struct abi *abi)
{
	memset(&scene, 0, sizeof(scene));
	scene.ioas = abi_ioas(abi);
	scene.other = abi_ioas(abi);
}

void scene_with_room_for_an_access(struct abi *abi)
{
	scene_unbound(abi);
	ok(swiommu_close(abi->machine, st_access(abi, scene.ioas, true)));
}

void scene_with_access(struct abi *abi)
{
	scene_unbound(abi);
	scene.memory = abi_aligned(abi, 4);
	ok(abi_map_at(abi, scene.ioas, RW, scene.memory, 4 * PAGE, BASE));
	ok(abi_map_at(abi, scene.ioas, RW, scene.memory, PAGE, BASE + 4 * PAGE));
	scene.access = st_access(abi, scene.ioas, true);
	scene.id = st_pinned(abi, scene.access, BASE + 2 * PAGE, PAGE);
}

void scene_with_dmabuf(struct abi *abi)
{
	scene_unbound(abi);
	st_new(abi, scene.other);
	scene.access = st_dmabuf(abi, PAGE);
}

void scene_one_of_a_group(struct abi *abi)
{
	scene_unbound(abi);
	abi_bound(abi, 0);
	abi_attached(abi, 0, scene.ioas);
}

void scene_both_of_a_group(struct abi *abi)
{
	scene_one_of_a_group(abi);
	abi_bound(abi, 1);
}

void scene_with_intx(struct abi *abi)
{
	scene_unbound(abi);
	irqs_begin(abi);
	ok(set_fd(abi, TRIGGER, INTX, fds[0]));
}
