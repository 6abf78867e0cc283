/* SPDX-License-Identifier: MIT */
/* Everything a client may pass to an ioctl: outward header of the uapi layer. */
#ifndef UAPI_UAPI_H
#define UAPI_UAPI_H

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "uapi/test.h"

#endif
