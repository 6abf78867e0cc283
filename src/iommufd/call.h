/* SPDX-License-Identifier: MIT */
/* Inside iommufd/: the one way in for ioctls (iommufd-ioctls.md 1). */
#ifndef IOMMUFD_CALL_H
#define IOMMUFD_CALL_H

#include "iommufd/private.h"

/*
 * How many numbers from 0x80 on are iommufd's own, without and with the test ABI;
 * others of the type are a VFIO container's.
 */
#define IOMMUFD_IOCTLS	    0x15
#define IOMMUFD_IOCTLS_TEST 0x21

/* Run an ioctl of a context. Its result or a negative errno. */
long iommufd_call_run(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
		      uint64_t arg);

#endif
