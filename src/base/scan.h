/* SPDX-License-Identifier: MIT */
/*
 * A quick look at many words at once, which other threads may change meanwhile:
 * each word is read at some moment during the call, none is torn. Nothing is
 * ordered by it.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include "base/compiler.h"

#define BASE_SCAN_WORDS 64

/* The OR, or the AND, of BASE_SCAN_WORDS words; `words` is a multiple of 64. */
uint64_t base_scan_or(const uint64_t *words);
uint64_t base_scan_and(const uint64_t *words);

#endif
