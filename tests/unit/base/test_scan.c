// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/base.h"

#define BIT ((uint64_t)1 << 9)

static uint64_t words[BASE_SCAN_WORDS] BASE_CACHE_ALIGNED;

static void set_all(uint64_t value)
{
	for (unsigned i = 0; i < BASE_SCAN_WORDS; i++)
		words[i] = value;
}

static void or_finds_a_bit_in_any_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BASE_SCAN_WORDS; i++) {
		set_all(1);
		assert_int_equal(base_scan_or(words), 1);
		words[i] = BIT;
		assert_int_equal(base_scan_or(words), BIT | 1);
	}
}

static void and_misses_a_bit_of_any_word(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BASE_SCAN_WORDS; i++) {
		set_all(~(uint64_t)0);
		assert_int_equal(base_scan_and(words), ~(uint64_t)0);
		words[i] = ~BIT;
		assert_int_equal(base_scan_and(words), ~BIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(or_finds_a_bit_in_any_word),
		cmocka_unit_test(and_misses_a_bit_of_any_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
