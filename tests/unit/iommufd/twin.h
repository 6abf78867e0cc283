/* SPDX-License-Identifier: MIT */
/*
 * A dumb twin of an IOVA space: what is in each unit of 2 KiB, in arrays. It says
 * what a call must answer, and what the domains must hold afterwards.
 */
#ifndef TESTS_IOMMUFD_TWIN_H
#define TESTS_IOMMUFD_TWIN_H

#include "space.h"

#define UNIT  KIB(2)
#define UNITS (MIB(24) / UNIT) /* the rest of the space is reserved */
#define AREAS 96
#define JOINS 3 /* domains at a time */

/* Client memory: good, then read-only, then nothing. */
#define MEMORY_GOOD	 MIB(6)
#define MEMORY_READ_ONLY MIB(1)
#define MEMORY_NOTHING	 MIB(1)
#define MEMORY_SIZE	 (MEMORY_GOOD + MEMORY_READ_ONLY + MEMORY_NOTHING)

struct twin_area {
	uint64_t iova, length, addr; /* length 0: not in use */
	uint32_t prot;
	bool writable; /* the map that it comes from, in the end */
};

struct twin_join {
	struct iopt_domain domain;
	enum domain_kind kind;
	uint64_t order; /* of joining */
	bool used;
};

struct twin {
	struct iopt iopt;
	struct hardware hardware;
	uint8_t *memory;
	struct random random;
	struct twin_area areas[AREAS];
	struct twin_join joins[JOINS];
	uint64_t joined; /* so far */
	bool small;	 /* huge pages are off */
	bool coarse; /* for a while: maps in 4 KiB, none below any aperture, so that all can join */

	/* Per unit: the number of its area + 1; a bit for each owner that reserved it; allowed? */
	uint8_t area_at[UNITS];
	uint8_t reserved[UNITS];
	bool allowed[UNITS];
	struct iopt_allowed ranges[4]; /* what is allowed: sorted, disjoint */
	size_t range_count;
};

void twin_init(struct twin *twin, uint64_t seed);
void twin_fini(struct twin *twin);

/* The alignment that the domains impose now. */
uint64_t twin_alignment(const struct twin *twin);

/* An area that nobody uses, NULL if there are enough; how many of these there are. */
struct twin_area *twin_area_free(struct twin *twin);
unsigned twin_area_room(const struct twin *twin);

/* Enter, or remove, an area in the array of units. */
void twin_area_enter(struct twin *twin, const struct twin_area *area, bool in);

/* Where 3.2 puts a block: 0 and *iova, or the errno. */
int twin_place_auto(const struct twin *twin, uint64_t length, uint64_t addr, uint64_t *iova);

/* What 3.3 says of a place. */
int twin_place_fixed(const struct twin *twin, uint64_t length, uint64_t addr, uint64_t iova);

/* The part of the area at iova, up to `last`, there; false: there is none. */
bool twin_piece(const struct twin *twin, uint64_t iova, uint64_t last, struct twin_area *piece);

/* Do all areas begin and end at multiples of `alignment`, here and in memory? */
bool twin_is_aligned(const struct twin *twin, uint64_t alignment);

/* What pinning and mapping this area into this domain gives. */
int twin_fill(const struct twin *twin, const struct twin_area *area, enum domain_kind kind);

/* What a domain of this kind gets that joins now. */
int twin_join_result(const struct twin *twin, enum domain_kind kind);

/* Does any unit of [start, last] have an area, a reservation, a permission? */
bool twin_has_area(const struct twin *twin, uint64_t start, uint64_t last);
bool twin_is_reserved(const struct twin *twin, uint64_t start, uint64_t last);
bool twin_is_allowed(const struct twin *twin, uint64_t start, uint64_t last);

/* Does the product have the same areas, ranges, alignment, pins and tables? */
void twin_check(struct twin *twin);

#endif
