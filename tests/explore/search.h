/* SPDX-License-Identifier: MIT */
/*
 * All schedules of a program with at most so many preemptions, depth first.
 *
 * A schedule is told by what was chosen at each point. The search runs one,
 * goes back to the last point where another choice is left, and runs the next:
 * the same up to there, then a thread goes on as long as it can.
 *
 * Pruning: two histories that differ only in the order of independent events
 * lead to the same state (their signatures are equal). If the search has been in
 * that state, with the same thread running and no fewer preemptions left, it has
 * seen or will see all that follows, so nothing new is tried from there. Unlike
 * sleep sets that is exact together with the limit.
 */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include "engine.h"

struct search {
	struct program program; /* `choose` is the search's */
	unsigned bound;		/* preemptions */
	bool no_pruning;	/* and points everywhere */
	/* Around each schedule, in thread 0. */
	void (*begin)(void *arg);
	void (*end)(void *arg);

	uint64_t schedules, pruned; /* of the last pass */
	unsigned passes;
	size_t depth; /* of points, at most */
};

/* Run them all; ends the process if a schedule fails. */
void search_all(struct search *search);

/* Run the one of that token ("17b.40a"). */
void search_replay(struct search *search, const char *token);

#endif
