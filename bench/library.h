/* SPDX-License-Identifier: MIT */
/* The machine that library.c sends the calls of device.h to. */
#ifndef BENCH_LIBRARY_H
#define BENCH_LIBRARY_H

#include "device.h"

#include <swiommu/swiommu.h>

/* Make the machine, with one ioat device, which is returned. */
struct swiommu_device *bench_machine_new(void);

#endif
