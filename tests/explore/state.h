/* SPDX-License-Identifier: MIT */
/* Inside the engine: its threads, the words that they share, and one schedule of them. */
#ifndef EXPLORE_STATE_H
#define EXPLORE_STATE_H

#include "engine.h"

#define EVENTS_MAX 16384 /* of one schedule: more, and it does not end */
#define LOOKS_MAX  512

enum thread_state {
	RUNS,	/* or could */
	LOCKS,	/* until none of `busy` is set in *word */
	SLEEPS, /* until it is woken */
	SPINS,	/* until something changes that it has looked at, or nobody else can run */
	ENDED,
};

/* A word that threads share. */
struct location {
	const volatile void *addr;
	uint32_t schedule;
	uint32_t version; /* counts changes */
	uint64_t written; /* hash of the last change */
	unsigned readers, writers;
	bool shared; /* has been found to be */
	int rank;    /* of a lock */
	uint32_t clock[THREADS];
};

struct thread {
	uint32_t baton; /* futex: 1 = go on */
	enum thread_state state;
	uint64_t count; /* of its events */
	uint32_t clock[THREADS];
	uintptr_t stack, stack_end;

	const uint32_t *word; /* LOCKS, SLEEPS */
	uint32_t busy, kind;
	bool woken, timed;
	uint64_t order; /* of sleepers */
	struct look {	/* at a word, since it last spun */
		struct location *at;
		uint32_t version;
	} looks[LOOKS_MAX];
	size_t look_count;
	unsigned spins;		    /* in vain */
	const volatile void *quiet; /* the lock that is about to be taken, and may be */
	const char *call;
};

struct engine {
	unsigned current;
	const struct program *program;
	uint64_t signature, order;
	bool learned;
	uint32_t schedule, pass;
	struct event events[EVENTS_MAX];
	uint32_t count;
	struct {
		uint32_t events;
		unsigned thread;
	} switches[EVENTS_MAX];
	size_t switch_count;
};

extern struct engine engine;
extern struct thread threads[THREADS];
extern _Thread_local unsigned self;

/* ---- engine.c ---- */

bool could_run(const struct thread *t);

/* Another thread may run now; returns when the calling one goes on. */
void offer(struct thread *t);

/* ---- events.c ---- */

/* The words that were used before belong to another schedule. */
void locations_reset(void);
struct location *location_of(const volatile void *addr);

/* What the free of a block means for the words in it. */
void locations_freed(const void *start, size_t size);

/* An event of the thread alone; of a word that it may share. */
void own_event(struct thread *t, enum event_kind kind, const char *text);
void shared_event(struct thread *t, struct location *l, enum event_kind kind, bool writes,
		  uint64_t value, uintptr_t pc);

/* What the event orders: what came before a release comes before what follows an acquire. */
void acquire(struct thread *t, const struct location *l);
void order_event(struct thread *t, struct location *l, enum event_kind kind, int order, size_t size,
		 uintptr_t pc);

#endif
