/* SPDX-License-Identifier: MIT */
/*
 * The machine under the explorer: up to three logical threads, of which one runs
 * at a time, and the memory that they share.
 *
 * The product is compiled so that it reports each access to memory and each
 * atomic (hooks.c); waits come through the doors of base/explore.h. Before an
 * atomic, a lock or a wait the engine may hand over to another thread: that is a
 * point, where somebody chooses. Between two points a thread runs alone, which
 * is all there is to see as long as plain accesses do not race: they are checked
 * for that, and for use after free.
 *
 * Threads are real ones, so that each has its own thread-local variables; thread
 * 0 is the one that sets up and checks, and is not scheduled.
 */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include "base/compiler.h"

#define THREADS 4 /* with thread 0 */

/* ---- threads (engine.c) ---- */

/* Several threads could go on now; exactly one does. */
struct point {
	uint32_t events;    /* how many there were before */
	unsigned enabled;   /* who could go on, a bit each: at least two */
	unsigned current;   /* who has run last, 0 at the start */
	bool goes_on;	    /* the current one could go on: another one would preempt it */
	uint64_t signature; /* equal for equal histories, up to the order of what is independent */
};

struct program {
	unsigned threads;
	void (*run)(void *arg, unsigned thread); /* of threads 1, 2, ... */
	void *arg;
	unsigned (*choose)(const struct point *point);
	bool all_points; /* also before what only one thread uses */
	bool real_locks; /* locks are not modelled, but run as they are */
};

/* Once per process: makes the threads. `warm_up` runs in each, and what it allocates stays. */
void engine_init(void (*warm_up)(void));

/* Run the threads to their ends. Returns only if nothing has gone wrong. */
void engine_run(const struct program *program);

/*
 * Points are where more than one thread uses a word. Which words these are shows
 * while programs run; what the last one has shown counts from the next pass on.
 */
bool engine_has_learned(void);
void engine_new_pass(void);

/* Forget what is shared: the next program is another one. */
void engine_forget(void);

/* For the trace: what the calling thread is about. */
void engine_note_call(const char *name);
void engine_note_result(const char *result);

/* Print what is wrong, the trace and the token of this schedule, and end the process. */
void engine_fail(const char *fmt, ...) __attribute__((noreturn, cold)) BASE_PRINTF(1, 2);

/* The trace of the last schedule. */
void engine_print_trace(void);

/* Called by engine_fail(): for breakpoints. */
void explore_failed(void);

/* Printed before a token: what to replay. */
extern const char *engine_name;
#define FAILED_STATUS 3

/* ---- what the hooks call (engine.c) ---- */

enum event_kind {
	EVENT_START,
	EVENT_END,
	EVENT_CALL,
	EVENT_RESULT,
	EVENT_LOAD,
	EVENT_STORE,
	EVENT_CHANGE, /* add, exchange, ... */
	EVENT_CAS,
	EVENT_CAS_FAILED,
	EVENT_LOCK,
	EVENT_UNLOCK,
	EVENT_SLEEP,
	EVENT_WAKE,
	EVENT_WOKEN,
	EVENT_YIELD,
};

/* What C11 calls an order, as the compiler passes it. */
#define ORDER_ACQUIRES(order) ((order) != __ATOMIC_RELAXED && (order) != __ATOMIC_RELEASE)
#define ORDER_RELEASES(order) ((order) >= __ATOMIC_RELEASE)

/*
 * Around an atomic. False from the first: it is no event, and the second is not
 * called. `size` in bytes.
 */
bool engine_before(const volatile void *addr, size_t size, uintptr_t pc);
void engine_after(const volatile void *addr, size_t size, enum event_kind kind, int order,
		  uint64_t value, uintptr_t pc);

/* A compare-and-swap that is the second half of a lock that engine_before() let pass. */
void engine_lock_taken(const volatile void *addr);

/* The calling thread is about to use memory of the client: an event, for the whole page. */
void engine_touch(const void *addr, bool write, uintptr_t pc);

/* The block is about to be freed: whoever uses a word in it had better be done. */
void engine_freed(const void *start, size_t size);

/* The calling thread: 0 also for threads that the engine does not know. */
unsigned engine_self(void);
extern bool engine_on; /* threads are scheduled */

/* Has all that thread `other` did up to `clock` happened before what the calling thread does now?
 */
bool engine_is_ordered(unsigned other, uint32_t clock);
uint32_t engine_clock(void);

/* ---- the trace (report.c) ---- */

struct event {
	const void *addr;
	const char *text; /* of calls and results */
	uint64_t value;
	uintptr_t pc;
	uint8_t thread, kind;
	bool shared; /* with another thread of this schedule: set by the report */
	int rank;    /* of a lock, else 0 */
};

void report_events(struct event *events, size_t count);
void report_place(uintptr_t pc);

/* ---- memory (memory.c) ---- */

/*
 * Everything that the product allocates comes from here. Each thread has a part
 * of its own that it uses from the start to the end, so an address says who has
 * allocated it, and when.
 */
void memory_init(void);

/* What was allocated until now stays; all else is gone at each reset. */
void memory_keep(void);
void memory_reset(void);

/* Freed blocks have not been written to, and nothing is left: else engine_fail(). */
void memory_check(void);

/* A plain access; an atomic one, after what it acquires. */
void memory_access(const volatile void *addr, size_t size, bool write, uintptr_t pc);
void memory_atomic(const volatile void *addr, size_t size, bool write, uintptr_t pc);

/* Only that the memory is there. */
void memory_alive(const volatile void *addr, size_t size, uintptr_t pc);

/* Is that in the arena? */
bool memory_is_ours(const volatile void *addr);

/* "a3+0x10": in the third block of thread a, or of the set-up (s) */
void memory_name(const void *addr, char *text, size_t size);

#endif
