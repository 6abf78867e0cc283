/* SPDX-License-Identifier: MIT */
/* Inside iommufd/: the one way in for ioctls (iommufd-ioctls.md 1). */
#ifndef IOMMUFD_CALL_H
#define IOMMUFD_CALL_H

#include "iommufd/private.h"

/* Run an ioctl of a context. Its result or a negative errno. */
long iommufd_call_run(struct iommufd_ctx *ctx, struct mem_client *client, uint32_t cmd,
		      uint64_t arg);

#endif
