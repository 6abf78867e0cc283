/* SPDX-License-Identifier: MIT */
/* Shows that <swiommu/model.h> compiles alone in C++. */
#include <swiommu/model.h>
