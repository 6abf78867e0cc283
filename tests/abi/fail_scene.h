/* SPDX-License-Identifier: MIT */
/* Where the sweeps of fail_nth.c begin. */
#ifndef TESTS_FAIL_SCENE_H
#define TESTS_FAIL_SCENE_H

#include "irqs.h"
#include "selftest.h"

#define BASE 0x2000000ull

/* What the sweeps are about; each uses what it needs. */
extern struct scene {
	uint32_t ioas, other, hwpt, parent, viommu, id;
	uint8_t *memory;
	uint64_t iova;
	int file;
	int access;
} scene;

/* Devices 0 and 1 bound, an IOAS with a page, an empty one. */
void scene_bound(struct abi *abi);
void scene_attached(struct abi *abi);
/* Four areas in a row; the other IOAS has two domains. */
void scene_with_areas(struct abi *abi);
/* A file of four pages, which an IOAS without a domain has mapped. */
void scene_with_file(struct abi *abi);
/* The same, and the IOAS has a domain. */
void scene_with_attached_file(struct abi *abi);
/* An area of four pages in a container of type 1 with two domains. */
void scene_with_container(struct abi *abi);
void scene_with_parent(struct abi *abi);
void scene_with_two_domains(struct abi *abi);
void scene_with_hwpt(struct abi *abi);
void scene_with_attached_hwpt(struct abi *abi);
void scene_with_other_hwpt(struct abi *abi);
void scene_with_viommu(struct abi *abi);
void scene_with_hw_queue(struct abi *abi);
void scene_with_nested(struct abi *abi);
void scene_with_vdevice(struct abi *abi);
/* Nothing is bound. */
void scene_unbound(struct abi *abi);
/* The table of files keeps the room that it once needed. */
void scene_with_room_for_an_access(struct abi *abi);
/* An access that pins, and has pinned a page of an area. */
void scene_with_access(struct abi *abi);
/* The other IOAS has a domain; a dma-buf, for which the table of files has made room. */
void scene_with_dmabuf(struct abi *abi);
/* The other device of the group is bound and attached. */
void scene_one_of_a_group(struct abi *abi);
void scene_both_of_a_group(struct abi *abi);
void scene_with_intx(struct abi *abi);

#endif
