// SPDX-License-Identifier: MIT
/* Length rules for driver data (iommufd-ioctls.md 18). */
#include "fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define KNOWN 16u
#define MIN   8u

static void blobs_are_between_the_minimum_and_what_is_known(void **state)
{
	uint8_t blob[KNOWN + 8], dst[KNOWN + 1];
	struct iommu_user_data data = {&local_client, (uintptr_t)blob, 3, 0};

	(void)state;
	memset(blob, 0x11, sizeof(blob));
	for (data.len = 0; data.len <= KNOWN + 8; data.len++) {
		bool fits = data.len >= MIN && data.len <= KNOWN;

		memset(dst, 0xee, sizeof(dst));
		assert_int_equal(iommu_user_data_in(&data, 3, dst, KNOWN, MIN), fits ? 0 : -EINVAL);
		for (unsigned i = 0; fits && i < KNOWN; i++)
			assert_int_equal(dst[i], i < data.len ? 0x11 : 0);
		assert_int_equal(dst[KNOWN], 0xee);
		assert_int_equal(iommu_user_data_in(&data, 4, dst, KNOWN, MIN), -EINVAL);
	}
	data.len = KNOWN;
	data.addr = 8;
	assert_int_equal(iommu_user_data_in(&data, 3, dst, KNOWN, MIN), -EFAULT);
}

static void entries_of_an_array_are_blobs(void **state)
{
	uint8_t *memory = memory_new(2 * PAGE, PAGE), dst[KNOWN];
	struct iommu_user_array array = {&local_client, 0, 3, 12, 4};

	(void)state;
	assert_int_equal(mprotect(memory + PAGE, PAGE, PROT_NONE), 0);
	array.addr = (uintptr_t)memory + PAGE - 3 * 12;
	for (unsigned i = 0; i < 3; i++) {
		memset(memory + PAGE - 3 * 12 + i * 12, 0x20 + i, 12);
		assert_int_equal(iommu_user_array_entry(&array, 3, i, dst, KNOWN, MIN), 0);
		for (unsigned j = 0; j < KNOWN; j++)
			assert_int_equal(dst[j], j < 12 ? 0x20 + i : 0);
	}
	assert_int_equal(iommu_user_array_entry(&array, 3, 3, dst, KNOWN, MIN), -EFAULT);
	assert_int_equal(iommu_user_array_entry(&array, 4, 0, dst, KNOWN, MIN), -EINVAL);
	array.entry_len = MIN - 1;
	assert_int_equal(iommu_user_array_entry(&array, 3, 0, dst, KNOWN, MIN), -EINVAL);
	array.entry_len = KNOWN + 1;
	assert_int_equal(iommu_user_array_entry(&array, 3, 0, dst, KNOWN, MIN), -EINVAL);
	memory_free(memory, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_are_between_the_minimum_and_what_is_known),
		cmocka_unit_test(entries_of_an_array_are_blobs),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
