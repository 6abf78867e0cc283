/* SPDX-License-Identifier: MIT */
/*
 * What scenarios are made of: a machine with a context and devices, calls on
 * them, and what came of it as a line of text.
 *
 * An outcome is the results of the threads' calls in order, "ok" or an errno
 * without its E or a number, then facts about what is left:
 * "ok BUSY | ok : vdevice retired".
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include "search.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <swiommu/swiommu.h>

#include "uapi/test.h"

#define DEVICES	     2
#define CALLS_MAX    4
#define OUTCOMES_MAX 24
#define IDS_MAX	     32

#define PAGE	 ((uint64_t)4096)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ADDR(p)	 ((uint64_t)(uintptr_t)(p))
#define VIRT_ID	 5 /* of vdevices */
#define IOVA	 ((uint64_t)0x4000000)

struct world;

/* One call of a thread (0, 1, 2); the result is part of the outcome. */
struct op {
	const char *name;
	int (*run)(struct world *w, unsigned thread);
};
#define OP(name_)                                                       \
	static int run_##name_(struct world *w, unsigned t);            \
	const struct op name_ = {#name_, run_##name_};                  \
	static int run_##name_(struct world *w __attribute__((unused)), \
			       unsigned t __attribute__((unused)))

struct scenario {
	const char *name;
	const char *rows; /* what it shows: invariants of doc/lifetimes.md, rows of 12.5 */
	unsigned bound;	  /* preemptions, if more than the default */
	uint64_t flags;	  /* of the machine */
	bool one_group;	  /* devices 0 and 1 share a group */
	bool real_locks;
	void (*set_up)(struct world *w);
	const struct op *threads[THREADS - 1][CALLS_MAX];
	void (*check)(struct world *w);	    /* may add facts; may be NULL */
	const char *outcomes[OUTCOMES_MAX]; /* every one that is allowed; each has to be seen */
};

struct world {
	const struct scenario *scenario;
	struct swiommu *machine;
	struct swiommu_device *device[DEVICES];
	int ctx, file[DEVICES], again; /* numbers; -1: never opened */
	bool closed[IDS_MAX];	       /* by a call of a thread, by number */
	uint32_t devid[DEVICES];
	uint32_t ioas, other_ioas, hwpt, parent, viommu, nested, vdevice, fault, veventq, queue,
		test_device;
	int fault_fd, veventq_fd, access_fd;
	uint32_t next;		/* id of the first object that threads make */
	uint32_t made[THREADS]; /* ids that threads have got */
	uint32_t pin[THREADS];	/* what threads have pinned */
	uint64_t iova[THREADS]; /* where threads have mapped something */
	uint32_t ids[IDS_MAX];	/* of vdevices, HWPTs, ...: each is given out once at a time */
	uint8_t *page;
	off_t region; /* of a vIOMMU, and where it is mapped */
	void *mapped;
	void *own;	  /* of scenarios about base/ */
	unsigned answers; /* to page requests */
	int results[THREADS - 1][CALLS_MAX];
	char facts[200];
};

/* Set-up and checks: the call has to work. */
#define must(call) world_must((call), #call)
void world_must(long result, const char *call);

/* Add to the outcome. */
void fact(struct world *w, const char *fmt, ...) BASE_PRINTF(2, 3);

/* A thread has been given this id: nobody else has it, and it is not retired. */
void world_got_id(struct world *w, uint32_t id);
void world_lost_id(struct world *w, uint32_t id);

/* A page request got an answer. */
void world_answered(void);

/* Run a scenario's schedules; prints to stderr and ends the process on failure. */
struct verdict {
	uint64_t schedules, pruned;
	unsigned outcomes, unseen;
	unsigned passes, depth;
	bool too_low; /* the bound is lower than the scenario's: outcomes may be missing */
};
struct world_options {
	unsigned bound;
	bool no_pruning, learn;
	const char *token;
};
void world_explore(const struct scenario *scenario, const struct world_options *options,
		   struct verdict *verdict);

/* In each thread, before anything else. */
void world_warm_up(void);

/* Groups of scenarios. */
struct scenarios {
	const struct scenario *list;
	size_t count;
};
#define SCENARIOS(name, list) const struct scenarios name = {list, COUNT(list)}

#endif
