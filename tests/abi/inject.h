/* SPDX-License-Identifier: MIT */
/* Calls of which one step fails (iommufd-test-abi.md 14), in builds with checks. */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include "abi.h"

/*
 * call(abi) with its nth injection point failing, the first is 1; *rc is what it
 * answers. True if it has no nth: nothing was in its way.
 */
bool inject(struct abi *abi, unsigned nth, int (*call)(struct abi *abi), int *rc);

/* A call that takes something away: it has no injection point, and succeeds. */
void inject_nothing(struct abi *abi, int (*call)(struct abi *abi));

/* make() with every allocation failing in turn: -ENOMEM, and no memory is left behind. */
void inject_machines(int (*make)(struct swiommu **machine));

#endif
