/* SPDX-License-Identifier: MIT */
/* What the tests of the IOVA space share: domains of all kinds that can join it, and maps. */
#ifndef TESTS_IOMMUFD_SPACE_H
#define TESTS_IOMMUFD_SPACE_H

#include "../iommu/fixture.h"
#include "iommufd/iopt.h"

/* Kinds of domains, by what they impose on a space. */
enum domain_kind {
	DOMAIN_MOCK,	   /* 2 KiB, an aperture */
	DOMAIN_MOCK_HUGE,  /* 4 KiB, 38 bits */
	DOMAIN_VTD,	   /* 4 KiB, 47 bits; writable is readable, too */
	DOMAIN_VTD_PARENT, /* 4 KiB, 48 bits; nothing read-only */
	DOMAIN_KINDS,
};

/* The IOMMUs that the domains are from. */
struct hardware {
	struct rig mock, vtd;
};

void hardware_init(struct hardware *hardware);
void hardware_fini(struct hardware *hardware);

/* An empty domain, not yet in any space. */
void domain_make(struct hardware *hardware, enum domain_kind kind, struct iopt_domain *out);

/* The rights that a domain has for a map with `prot`. */
uint32_t domain_prot(enum domain_kind kind, uint32_t prot);

/* An empty space, in memory that need not be zero. */
void space_init(struct iopt *iopt);

/* iopt_map() of our own memory at a fixed place, or at one that is chosen. */
int space_map_fixed(struct iopt *iopt, uint64_t addr, uint64_t length, uint32_t prot,
		    uint64_t iova);
int space_map_auto(struct iopt *iopt, uint64_t addr, uint64_t length, uint32_t prot,
		   uint64_t *iova);

/* The area at iova, NULL if there is none. */
struct iopt_area *space_area(struct iopt *iopt, uint64_t iova);

/* The allowed ranges become these `count` ones; errors of iopt_allow(). */
int space_allow(struct iopt *iopt, const struct iopt_allowed *ranges, size_t count);

/* [iova, iova + length - 1] of the domain leads to addr, with `prot`; or to nothing, if that is 0.
 */
void expect_mapped(const struct iopt_domain *domain, uint64_t iova, uint64_t length, uint64_t addr,
		   uint32_t prot);

#endif
