// SPDX-License-Identifier: MIT
/* That pruning loses nothing: both searches of a program see the same outcomes. */
#include "pruning.h"
#include "search.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPS_MAX	     4
#define OUTCOMES_MAX 4096
#define BOUND_MAX    3
#define UNBOUND	     100

struct small_op {
	enum word_op op;
	unsigned index;
	uint32_t value;
};

struct small {
	unsigned threads, ops;
	struct small_op op[THREADS][OPS_MAX];
	struct words *words;
	uint64_t found[THREADS]; /* what each thread has found, mixed */
};

struct outcomes {
	uint64_t hash[OUTCOMES_MAX];
	size_t count;
};
static struct outcomes *collected;

static uint64_t seed = 0x5eed;

static unsigned any(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % n;
}

static void make(struct small *small)
{
	unsigned words = 1 + any(3);

	small->threads = 2 + any(2);
	small->ops = small->threads == 2 ? 1 + any(OPS_MAX) : 1 + any(2);
	for (unsigned t = 1; t <= small->threads; t++)
		for (unsigned i = 0; i < small->ops; i++)
			small->op[t][i] = (struct small_op){any(WORD_OPS), any(words), 1 + any(3)};
}

static void begin(void *arg)
{
	struct small *small = arg;

	small->words = words_new();
	memset(small->found, 0, sizeof(small->found));
}

static void run(void *arg, unsigned t)
{
	struct small *small = arg;

	for (unsigned i = 0; i < small->ops; i++) {
		const struct small_op *op = &small->op[t][i];

		small->found[t] = small->found[t] * 0x100000001b3 +
				  words_do(small->words, op->op, op->index, op->value) + 1;
	}
}

static uint64_t outcome_of(const struct small *small)
{
	const struct words *words = small->words;
	uint64_t hash = 0;

	for (unsigned i = 0; i < base_array_size(words->word); i++)
		hash = hash * 31 + words->word[i];
	hash = hash * 31 + words->counted;
	hash = hash * 31 + words->left;
	for (unsigned t = 1; t <= small->threads; t++)
		hash = hash * 0x9e3779b97f4a7c15 + small->found[t];
	return hash;
}

static void end(void *arg)
{
	struct small *small = arg;
	uint64_t hash = outcome_of(small);
	size_t i = 0;

	while (i < collected->count && collected->hash[i] != hash)
		i++;
	if (i == OUTCOMES_MAX)
		engine_fail("too many outcomes");
	collected->hash[i] = hash;
	collected->count += i == collected->count;
	words_free(small->words);
}

static uint64_t collect(struct small *small, unsigned bound, bool no_pruning, bool real_locks,
			struct outcomes *outcomes)
{
	struct search search = {
		.program = {.threads = small->threads,
			    .run = run,
			    .arg = small,
			    .real_locks = real_locks},
		.bound = bound,
		.no_pruning = no_pruning,
		.begin = begin,
		.end = end,
	};

	collected = outcomes;
	outcomes->count = 0;
	search_all(&search);
	return search.schedules;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool are_equal(struct outcomes *a, struct outcomes *b)
{
	if (a->count != b->count)
		return false;
	qsort(a->hash, a->count, sizeof(a->hash[0]), by_value);
	qsort(b->hash, b->count, sizeof(b->hash[0]), by_value);
	return !memcmp(a->hash, b->hash, a->count * sizeof(a->hash[0]));
}

void pruning_test(unsigned programs)
{
	static struct outcomes pruned, all;
	uint64_t with = 0, without = 0;
	size_t outcomes = 0;

	for (unsigned n = 0; n < programs; n++) {
		unsigned bound = any(BOUND_MAX + 2);
		bool real_locks = any(4) == 0;
		struct small small;

		make(&small);
		if (bound > BOUND_MAX && small.threads * small.ops <= 4)
			bound = UNBOUND;
		with += collect(&small, bound, false, real_locks, &pruned);
		without += collect(&small, bound, true, real_locks, &all);
		outcomes += all.count;
		if (!are_equal(&pruned, &all))
			engine_fail(
				"program %u at bound %u: %zu outcomes with pruning, %zu without", n,
				bound, pruned.count, all.count);
	}
	printf("pruning: %u programs, %zu outcomes with and without; %llu schedules instead of "
	       "%llu\n",
	       programs, outcomes, (unsigned long long)with, (unsigned long long)without);
}
