/* SPDX-License-Identifier: MIT */
/* Time, in the one way that a busy machine disturbs least: the best of many short rounds. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <time.h>

/* What is timed: `count` times the same thing. */
struct timing {
	void (*run)(void *arg, unsigned count);
	void *arg;
	double best_ns; /* of one */
};

static inline double timing_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline void timing_round(struct timing *timing, unsigned count)
{
	double start = timing_now_ns(), one;

	timing->run(timing->arg, count);
	one = (timing_now_ns() - start) / count;
	if (timing->best_ns == 0 || one < timing->best_ns)
		timing->best_ns = one;
}

/* Take turns, so that all have the same chance of a quiet moment. */
static inline void timing_all(struct timing *timings, unsigned n, unsigned rounds, unsigned count)
{
	for (unsigned round = 0; round < rounds; round++)
		for (unsigned i = 0; i < n; i++)
			timing_round(&timings[i], count);
}

#endif
