/* SPDX-License-Identifier: MIT */
/*
 * IOMMU_TEST_CMD in one line for each operation (iommufd-test-abi.md 1). Calls
 * return what the ioctl does.
 */
#ifndef TESTS_ABI_SELFTEST_H
#define TESTS_ABI_SELFTEST_H

#include "abi.h"

/* A mock machine without devices but those that the tests make. */
extern const struct abi_machine abi_selftest;
/* The same with two devices of the ordinary kind, the first behind VT-d. */
extern const struct abi_machine abi_selftest_mixed;

#define APERTURE		   (uint64_t) MOCK_APERTURE_START, (uint64_t)MOCK_APERTURE_LAST
#define expect_aperture(abi, ioas) expect_ranges(abi, ioas, MOCK_PAGE_SIZE, {APERTURE})

/* What MOCK_DOMAIN makes. */
struct stdev {
	uint32_t id, hwpt, idev;
};

int st_run(struct abi *abi, uint32_t op, struct iommu_test_cmd *cmd);

int st_mock_domain(struct abi *abi, uint32_t pt, struct stdev *stdev);
int st_mock_domain_flags(struct abi *abi, uint32_t pt, uint32_t flags, struct stdev *stdev);
/* With an expected result. *pt is in and out. */
int st_replace(struct abi *abi, uint32_t stdev, uint32_t *pt);
int st_replace_by(struct abi *abi, uint32_t stdev, uint32_t pt);

int st_check_map(struct abi *abi, uint32_t hwpt, uint64_t iova, const void *va, uint64_t length);
int st_check_refs(struct abi *abi, const void *va, uint64_t length, uint32_t refs);
int st_check_iotlb(struct abi *abi, uint32_t hwpt, uint32_t index, uint32_t word);
int st_check_cache(struct abi *abi, uint32_t idev, uint32_t index, uint32_t word);

int st_pasid_attach(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t *pt);
int st_pasid_attach_to(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t pt);
int st_pasid_replace_by(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t pt);
int st_pasid_detach(struct abi *abi, uint32_t stdev, uint32_t pasid);
int st_pasid_check(struct abi *abi, uint32_t stdev, uint32_t pasid, uint32_t hwpt);

int st_trigger_vevent(struct abi *abi, uint32_t idev);

/* The fd of an access, for the ops that follow; `pins`: it may pin. */
int st_create_access(struct abi *abi, uint32_t ioas, bool pins, int *fd);
int st_access_replace(struct abi *abi, int fd, uint32_t ioas);
/* `va` NULL: nothing is compared; `id` is set on success. */
int st_pin(struct abi *abi, int fd, uint32_t flags, uint64_t iova, uint64_t length, const void *va,
	   uint32_t *id);
int st_unpin(struct abi *abi, int fd, uint32_t id);
int st_rw(struct abi *abi, int fd, uint32_t flags, uint64_t iova, void *data, uint64_t length);
/* These have to work. */
int st_access(struct abi *abi, uint32_t ioas, bool pins);
uint32_t st_pinned(struct abi *abi, int fd, uint64_t iova, uint64_t length);

/* dma-bufs. st_dmabuf() has to work: a descriptor, of so many bytes. */
int st_dmabuf_get(struct abi *abi, uint64_t length);
int st_dmabuf_revoke(struct abi *abi, int fd, bool revoked);
int st_dmabuf(struct abi *abi, uint64_t length);

/* These have to work: a device, an allocated HWPT for it, a nested one whose words are `iotlb`. */
struct stdev st_new(struct abi *abi, uint32_t pt);
struct stdev st_new_flags(struct abi *abi, uint32_t pt, uint32_t flags);
uint32_t st_hwpt(struct abi *abi, uint32_t idev, uint32_t pt, uint32_t flags);
uint32_t st_nested(struct abi *abi, uint32_t idev, uint32_t pt, uint32_t flags, uint32_t iotlb);

/* ---- events and page requests; what is made has to be ---- */

/* The file of an event queue. */
int st_veventq(struct abi *abi, uint32_t viommu, uint32_t depth);

/* A fault queue, and its file. */
uint32_t st_fault_queue(struct abi *abi, int *fd);

/* A HWPT whose faults go to the queue: paging, or nested with data. */
uint32_t st_fault_hwpt(struct abi *abi, uint32_t idev, uint32_t pt, uint32_t flags, uint32_t fault,
		       bool nested);

/* The device asks for a page. */
int st_trigger_iopf(struct abi *abi, uint32_t idev, uint32_t pasid);

#endif
