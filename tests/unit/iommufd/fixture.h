/* SPDX-License-Identifier: MIT */
/* What the tests of iommufd/ share: a context with two bound devices, and calls on it. */
#ifndef TESTS_IOMMUFD_FIXTURE_H
#define TESTS_IOMMUFD_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "iommufd/private.h"

#define PAGE	  ((uint64_t)4096)
#define NO_ID	  0x7ffffff0u
#define ADDR(ptr) ((uint64_t)(uintptr_t)(ptr))

#define RIG_FILES 8

/* A client whose memory is ours, with a few numbers for new files. */
struct rig {
	struct mem_client client;
	struct mem_file *files[RIG_FILES]; /* open ones */
	unsigned reserved;		   /* mask of numbers that are taken, but not open */
	bool no_number;			   /* EMFILE */
	size_t allocations;		   /* before there was a rig */

	struct iommu *iommu;
	struct iommu_group *group[2];
	struct iommu_device *device[2];
	struct mem_file *ctx;
	struct iommufd_device *idev[2];
	uint32_t devid[2];
};

/* A group setup of cmocka: the guard is ready. */
int fixture_setup(void **state);

/* Devices with PASIDs, each in a group of its own, bound to a new context. */
void rig_init(struct rig *rig, const char *kind);

/* Unbinds and closes everything; allocations are then as many as before. */
void rig_fini(struct rig *rig);

/* ---- calls that return what the ioctl does ---- */

long rig_ioctl(struct rig *rig, uint32_t cmd, void *arg);
long rig_destroy(struct rig *rig, uint32_t id);

struct blob {
	uint32_t type, len;
	const void *ptr;
};

/* On the device `n`; `fault` 0: none. `data` may be NULL. *id is set on success. */
long rig_hwpt(struct rig *rig, unsigned n, uint32_t pt, uint32_t flags, uint32_t fault,
	      const struct blob *data, uint32_t *id);

/* ---- calls that have to work ---- */

uint32_t rig_ioas(struct rig *rig);
uint32_t rig_parent(struct rig *rig);

/* On a parent or vIOMMU, with what the kind of IOMMU needs; `fault` 0: none. */
uint32_t rig_nested(struct rig *rig, uint32_t pt, uint32_t flags, uint32_t fault);
uint32_t rig_viommu(struct rig *rig, uint32_t parent);
uint32_t rig_vdevice(struct rig *rig, uint32_t viommu, unsigned n, uint64_t virt_id);
void rig_attach(struct rig *rig, unsigned n, uint32_t pasid, uint32_t pt);

/* ---- queues ---- */

/* FAULT_QUEUE_ALLOC, which has to work. */
uint32_t rig_fault_queue(struct rig *rig, int *fd);

/* VEVENTQ_ALLOC; `id` and `fd` are set on success. */
long rig_veventq(struct rig *rig, uint32_t viommu, uint32_t type, uint32_t depth, uint32_t *id,
		 int *fd);

ssize_t rig_read(struct rig *rig, int fd, void *buf, size_t count);
ssize_t rig_write(struct rig *rig, int fd, const void *buf, size_t count);
uint32_t rig_poll(struct rig *rig, int fd);
void rig_close(struct rig *rig, int fd);

/* The id that the next object will get. */
uint32_t rig_next_id(struct rig *rig);

/* The live object of that id. Not held: nobody else is there to destroy it. */
struct iommufd_object *rig_object(struct rig *rig, uint32_t id);
struct iommu_domain *rig_domain(struct rig *rig, uint32_t hwpt);

/* A page that cannot be accessed; the one before it can. Stays mapped. */
uint8_t *memory_edge(void);

#endif
