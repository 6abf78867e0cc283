// SPDX-License-Identifier: MIT
/* Depth-first search over schedules. */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 8192
#define EARLY_PASS 200 /* schedules after which it does not pay to start again at once */
#define NO_ONE	   THREADS
#define SEEN_FIRST ((size_t)1 << 16)

/* A point on the way to where we are. */
struct node {
	uint32_t events;
	uint8_t enabled, current, chosen;
	uint8_t left; /* choices that have not been tried, a bit each */
	bool goes_on;
};

static struct node path[POINTS_MAX];
static size_t path_length; /* of the choices that are fixed or made */
static size_t depth;	   /* points of this schedule until now */
static unsigned preemptions;
static bool cut; /* nothing new is tried in the rest of this schedule */
static struct search *search;

/* ---- states that were there before ---- */

/* Open addressing; the fewest preemptions with which the state was reached. */
static struct seen {
	uint64_t key;
	uint8_t preemptions;
} * seen;
static size_t seen_size, seen_count;

static struct seen *seen_slot(uint64_t key)
{
	size_t i = key & (seen_size - 1);

	while (seen[i].key && seen[i].key != key)
		i = (i + 1) & (seen_size - 1);
	return &seen[i];
}

static void seen_clear(void)
{
	free(seen);
	seen_size = SEEN_FIRST;
	seen_count = 0;
	seen = calloc(seen_size, sizeof(*seen));
	if (!seen)
		engine_fail("no memory");
}

static void seen_grow(void)
{
	struct seen *old = seen;
	size_t size = seen_size;

	seen_size *= 2;
	seen = calloc(seen_size, sizeof(*seen));
	if (!seen)
		engine_fail("no memory");
	for (size_t i = 0; i < size; i++)
		if (old[i].key)
			*seen_slot(old[i].key) = old[i];
	free(old);
}

/* Was the search here with as many preemptions left? Notes that it is now. */
static bool was_here(const struct point *point)
{
	uint64_t who = point->goes_on ? point->current : NO_ONE;
	uint64_t key = (point->signature ^ who * 0x9e3779b97f4a7c15) | 1;
	struct seen *slot;

	if (seen_count > seen_size / 2)
		seen_grow();
	slot = seen_slot(key);
	if (slot->key && slot->preemptions <= preemptions)
		return true;
	seen_count += !slot->key;
	slot->key = key;
	slot->preemptions = (uint8_t)preemptions;
	return false;
}

/* ---- choosing ---- */

static unsigned first_choice(const struct point *point)
{
	return point->goes_on ? point->current : (unsigned)__builtin_ctz(point->enabled);
}

static void verify(const struct node *node, const struct point *point)
{
	if (node->events != point->events || node->enabled != point->enabled ||
	    node->current != point->current)
		engine_fail(
			"the scenario is not deterministic: at point %zu, event %u, threads %#x, "
			"before it was event %u, threads %#x",
			depth, point->events, point->enabled, node->events, node->enabled);
}

/* A point where the search has not been in this schedule: go on as it is, try the rest later. */
static void extend(const struct point *point)
{
	struct node *node = &path[path_length++];
	unsigned first = first_choice(point);
	bool may_preempt = !point->goes_on || preemptions < search->bound;

	if (path_length == POINTS_MAX)
		engine_fail("%d points: this does not end", POINTS_MAX);
	*node = (struct node){
		.events = point->events,
		.enabled = (uint8_t)point->enabled,
		.current = (uint8_t)point->current,
		.chosen = (uint8_t)first,
		.goes_on = point->goes_on,
	};
	if (!cut && !search->no_pruning && was_here(point)) {
		cut = true;
		search->pruned++;
	}
	if (!cut && may_preempt)
		node->left = (uint8_t)(point->enabled & ~(1u << first));
}

static unsigned choose(const struct point *point)
{
	struct node *node;

	if (depth == path_length)
		extend(point);
	node = &path[depth];
	verify(node, point);
	depth++;
	preemptions += node->goes_on && node->chosen != node->current;
	return node->chosen;
}

/* To the last point with a choice left, which is made; false: there is none. */
static bool go_back(void)
{
	while (path_length) {
		struct node *node = &path[path_length - 1];

		if (node->left) {
			node->chosen = (uint8_t)__builtin_ctz(node->left);
			node->left &= (uint8_t)(node->left - 1);
			return true;
		}
		path_length--;
	}
	return false;
}

/* ---- schedules ---- */

static void run_once(void)
{
	depth = 0;
	preemptions = 0;
	cut = false;
	memory_reset();
	search->begin(search->program.arg);
	engine_run(&search->program);
	search->end(search->program.arg);
	memory_check();
	search->schedules++;
	if (depth > search->depth)
		search->depth = depth;
	if (depth < path_length)
		engine_fail("the scenario is not deterministic: it ended at point %zu of %zu",
			    depth, path_length);
}

/* False: points were missing, start again. */
static bool run_pass(void)
{
	bool learned = false;

	path_length = 0;
	search->schedules = search->pruned = 0;
	search->passes++;
	engine_new_pass();
	seen_clear();
	do {
		run_once();
		learned |= engine_has_learned();
		if (learned && search->schedules < EARLY_PASS)
			return false;
	} while (go_back());
	return !learned;
}

void search_all(struct search *s)
{
	search = s;
	search->program.choose = choose;
	search->program.all_points = search->no_pruning;
	engine_forget();
	while (!run_pass())
		;
}

/* ---- replay ---- */

static const char *token_left;

/* What the token says for this event, else the default. */
static unsigned choose_by_token(const struct point *point)
{
	char *end;
	unsigned long events = strtoul(token_left, &end, 10);
	unsigned thread = (unsigned)(*end - 'a' + 1);

	if (end == token_left || events != point->events)
		return first_choice(point);
	if (thread >= THREADS || !(point->enabled >> thread & 1))
		engine_fail("the token does not fit: no thread %c at event %lu", *end, events);
	token_left = end + 1 + (end[1] == '.');
	return thread;
}

void search_replay(struct search *s, const char *token)
{
	search = s;
	token_left = token;
	search->program.choose = choose_by_token;
	search->program.all_points = true;
	memory_reset();
	search->begin(search->program.arg);
	engine_run(&search->program);
	search->end(search->program.arg);
	memory_check();
	if (*token_left)
		engine_fail("the token does not fit: '%s' is left", token_left);
	engine_print_trace();
}
