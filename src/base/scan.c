// SPDX-License-Identifier: MIT
/*
 * Quick looks at shared words. Atomic loads would be one instruction more for
 * each word; vectors of words are half of one. Machines do not tear an aligned
 * word, whatever it is a part of.
 */
#include "base/scan.h"

/* A cache line. */
typedef uint64_t line __attribute__((vector_size(64), may_alias));

#define LINES (BASE_SCAN_WORDS / 8)

/* Races with atomic stores are what this file is for. */
#define RACY __attribute__((no_sanitize_thread))

RACY uint64_t base_scan_or(const uint64_t *words)
{
	const line *at = (const line *)words;
	line sum = at[0] | at[1];

	for (unsigned i = 2; i < LINES; i += 2) {
		sum |= at[i];
		sum |= at[i + 1];
	}
	return (sum[0] | sum[1]) | (sum[2] | sum[3]) | (sum[4] | sum[5]) | (sum[6] | sum[7]);
}

RACY uint64_t base_scan_and(const uint64_t *words)
{
	const line *at = (const line *)words;
	line sum = at[0] & at[1];

	for (unsigned i = 2; i < LINES; i += 2) {
		sum &= at[i];
		sum &= at[i + 1];
	}
	return (sum[0] & sum[1]) & (sum[2] & sum[3]) & (sum[4] & sum[5]) & (sum[6] & sum[7]);
}
