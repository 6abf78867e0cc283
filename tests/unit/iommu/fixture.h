/* SPDX-License-Identifier: MIT */
/* What the tests of iommu/ share: a device behind an IOMMU, memory, expected faults. */
#ifndef TESTS_IOMMU_FIXTURE_H
#define TESTS_IOMMU_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "iommu/iommu.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define PAGE   KIB(4)

#define READ  PGTABLE_READ
#define WRITE PGTABLE_WRITE
#define BOTH  (PGTABLE_READ | PGTABLE_WRITE)

#define SOURCE_ID 0x6a08

/* Random numbers that are the same in every run (splitmix64). */
struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound);

/* The guard is ready: a group setup of cmocka. */
int fixture_setup(void **state);

/* A client whose memory is ours. */
extern struct mem_client local_client;

/* Zeroed host memory, aligned to `align` (a multiple of the page size). */
uint8_t *memory_new(size_t size, size_t align);
void memory_free(uint8_t *memory, size_t size);

/* ---- a machine with one IOMMU, one group, one device ---- */

struct rig {
	struct iommu *iommu;
	struct iommu_group *group;
	struct iommu_device *device;
};

void rig_init(struct rig *rig, const char *kind);
void rig_fini(struct rig *rig);

/* One more device with PASIDs below max_pasids; freed by the test. */
struct iommu_device *device_new(struct iommu *iommu, struct iommu_group *group, uint16_t source_id,
				uint32_t max_pasids);

/* A test that is run for each kind of IOMMU: `*state` is its name. */
#define ON_EACH_KIND(test)                                                         \
	{.name = "vtd: " #test, .test_func = test, .initial_state = "vtd"},        \
	{                                                                          \
		.name = "mock: " #test, .test_func = test, .initial_state = "mock" \
	}

/* ---- domains ---- */

struct iommu_domain *domain_new(struct iommu_device *device, uint32_t flags);

/* Of the mock: `pagetable_type` is MOCK_IOMMUPT_*. */
struct iommu_domain *mock_domain_new(struct iommu_device *device, uint32_t pagetable_type);

/* An address that every domain of the kinds has. */
#define SOME_IOVA ((uint64_t)0x2000000)

/* Map, unmap and wait; neither fails. */
void map(struct iommu_domain *domain, uint64_t iova, const void *host, uint64_t length,
	 uint32_t prot);
void unmap(struct iommu_domain *domain, uint64_t iova, uint64_t length);

/* Attach requests without PASID; does not fail. */
void attach(struct rig *rig, struct iommu_domain *domain);

/* ---- requests ---- */

/* An 8-byte word at iova is `value`. */
void expect_word(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint64_t value);

/* Store an 8-byte word through the device. */
void store_word(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint64_t value);

/* An 8-byte access is refused at its first byte, for this reason. */
void expect_refused(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint32_t prot,
		    iommu_fault_code code);

#endif
