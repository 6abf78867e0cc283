/* SPDX-License-Identifier: MIT */
/*
 * What base/ gives to threads, in small: for scenarios about base/ itself, and
 * for programs that test the explorer. Compiled like the product.
 */
#ifndef EXPLORE_WORDS_H
#define EXPLORE_WORDS_H

#include "base/base.h"

struct words {
	uint32_t word[3];
	struct base_mutex mutex;
	struct base_rwlock rwlock;
	struct base_waitq waitq;
	struct base_ref ref;
	uint32_t counted, left, right; /* plain; guarded by either lock */
};

struct words *words_new(void);
void words_free(struct words *words);

enum word_op {
	WORD_LOAD,
	WORD_STORE,
	WORD_ADD,
	WORD_CAS,
	WORD_LOCKED, /* adds under the mutex */
	WORD_READ,   /* compares under the rwlock */
	WORD_WRITE,
	WORD_OPS,
	WORD_SET = WORD_OPS, /* and wake whoever waits */
	WORD_WAIT,	     /* until it is set */
	WORD_PUT,	     /* the last one frees all */
};

/* What was found, or 0. `index` of the word. */
uint32_t words_do(struct words *words, enum word_op op, unsigned index, uint32_t value);

#endif
