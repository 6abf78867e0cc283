/* SPDX-License-Identifier: MIT */
/* A guest of the VT-d model: memory behind a nest parent, first-stage tables in it. */
#ifndef TESTS_IOMMU_GUEST_H
#define TESTS_IOMMU_GUEST_H

#include "fixture.h"

/* Bits of first-stage entries. */
#define P  ((uint64_t)1 << 0)
#define RW ((uint64_t)1 << 1)
#define US ((uint64_t)1 << 2)
#define A  ((uint64_t)1 << 5)
#define D  ((uint64_t)1 << 6)
#define PS ((uint64_t)1 << 7)

#define USER_RW (P | RW | US)

/* Guest memory: GPA [0, GUEST_SIZE - 1]. Tables are made from the bottom. */
#define GUEST_SIZE MIB(8)
#define GUEST_ROOT ((uint64_t)0x3000)

/* The first GPA that no table uses, aligned to 2 MiB. */
#define GUEST_DATA MIB(4)

/* Of the nested domain's other requests. */
#define GUEST_PASID 4u

struct guest {
	struct rig rig;
	struct iommu_device *device;
	struct iommu_domain *parent, *nested; /* nested is attached, with and without PASID */
	uint8_t *ram;
	uint64_t next_table; /* GPA */
};

/* `leaf` bytes are mapped at a time behind the parent: KIB(4), or MIB(2) for large leaves. */
void guest_init(struct guest *guest, uint64_t leaf);
void guest_fini(struct guest *guest);

/* A nested domain on a parent; `width` is 48 for the one that works. */
int nested_new(struct iommu_device *device, struct iommu_domain *parent, uint64_t root,
	       uint32_t width, struct iommu_domain **out);

/*
 * The entry for iova at `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB, 3: 512 GiB). Tables above
 * it are made, with all rights.
 */
uint64_t *guest_entry(struct guest *guest, uint64_t iova, unsigned level);

/* Map the leaf of `level` at iova to gpa, with these bits. */
void guest_map(struct guest *guest, uint64_t iova, uint64_t gpa, unsigned level, uint64_t bits);

/* The word of guest memory at gpa. */
uint64_t *guest_word(struct guest *guest, uint64_t gpa);

/* Every word of memory from GUEST_DATA on = its own GPA. */
void guest_number(struct guest *guest);

#endif
