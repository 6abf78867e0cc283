/* SPDX-License-Identifier: MIT */
/* Shows that <linux/iommufd.h> compiles alone in C++. */
#include <linux/iommufd.h>
