/* SPDX-License-Identifier: MIT */
/* Shows that <linux/vfio.h> compiles alone in C++. */
#include <linux/vfio.h>
