/* SPDX-License-Identifier: MIT */
/* Shows that <swiommu/swiommu.h> compiles alone in C. */
#include <swiommu/swiommu.h>
