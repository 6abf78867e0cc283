// SPDX-License-Identifier: MIT
/* Calls of which one step fails. */
#include "inject.h"

#include "base/alloc.h"

bool inject(struct abi *abi, unsigned nth, int (*call)(struct abi *abi), int *rc)
{
	unsigned left;

	base_fail_nth(nth);
	*rc = call(abi);
	left = base_fail_pending();
	base_fail_nth(0);
	return left > 0;
}

void inject_nothing(struct abi *abi, int (*call)(struct abi *abi))
{
	int rc;

	assert_true(inject(abi, 1, call, &rc));
	ok(rc);
}

void inject_machines(int (*make)(struct swiommu **machine))
{
	size_t before = base_alloc_count();
	struct swiommu *machine;
	unsigned left = 0;
	int rc;

	for (unsigned nth = 1; !left; nth++) {
		base_fail_nth(nth);
		rc = make(&machine);
		left = base_fail_pending();
		base_fail_nth(0);
		expect(rc, left ? 0 : -ENOMEM);
		if (!rc)
			swiommu_free(machine);
		assert_int_equal(base_alloc_count(), before);
	}
}
