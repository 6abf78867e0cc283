/* SPDX-License-Identifier: MIT */
/*
 * Threads that race. cmocka's assertions belong to the thread that runs the
 * test, so the others note the first result that is not allowed, and race_join()
 * fails for it.
 */
#ifndef TESTS_ABI_RACE_H
#define TESTS_ABI_RACE_H

#include "abi.h"

/* The call's result is one of these; it is returned. */
#define allow(call, ...)                                                                           \
	race_allow((call), (const int[]){__VA_ARGS__}, COUNT(((const int[]){__VA_ARGS__})), #call, \
		   __FILE__, __LINE__)
int race_allow(int got, const int *allowed, size_t count, const char *call, const char *file,
	       int line);

/* Something that must hold. */
#define must(condition) race_must((condition), #condition, __FILE__, __LINE__)
void race_must(bool holds, const char *condition, const char *file, int line);

#define RACE_THREADS 8

struct race {
	struct abi *abi;
	struct race_thread *threads[RACE_THREADS];
	unsigned count;
	uint32_t stop;
};

typedef void (*race_worker)(struct race *race, void *arg);

void race_start(struct race *race, struct abi *abi);
void race_add(struct race *race, race_worker worker, void *arg);

/* For loops of workers: false once race_join() was called. */
bool race_goes_on(const struct race *race);

/* Tell all to stop, wait for them, and fail if one of them saw something. */
void race_join(struct race *race);

/* Two threads call their function at the same time; returns when both are done. Any number of
 * times. */
struct duel {
	int (*call[2])(struct abi *abi, void *arg);
	void *arg[2];
	int result[2];
};
void race_duel(struct abi *abi, struct duel *duel);

/* How many of the two results are `want`. */
static inline unsigned duel_count(const struct duel *duel, int want)
{
	return (unsigned)(duel->result[0] == want) + (unsigned)(duel->result[1] == want);
}

#endif
