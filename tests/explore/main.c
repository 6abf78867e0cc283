// SPDX-License-Identifier: MIT
/* The explorer's command: which scenarios, how far, and the table. */
#include "pruning.h"
#include "world.h"

#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCENARIOS_MAX 512
#define BOUND	      2

extern const struct scenarios scenarios_base, scenarios_vdevice, scenarios_pairs, scenarios_io,
	scenarios_memory;

static const struct scenarios *const groups[] = {
	&scenarios_base, &scenarios_vdevice, &scenarios_pairs, &scenarios_io, &scenarios_memory,
};

static const struct scenario *all[SCENARIOS_MAX];
static unsigned all_count;

/* One process per scenario: it gets a processor, and may end in the middle. */
struct job {
	pid_t pid;
	int status;
	bool done;
	double seconds;
	struct verdict verdict;
	FILE *output;
};
static struct job *jobs;

static struct {
	int bound; /* -1: each scenario's own */
	bool no_pruning, learn, exact;
	const char *match, *token;
	unsigned parallel, programs;
} options = {.bound = -1};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- one scenario, in a process of its own ---- */

/* Handed over a baton, the next thread runs where this one was: much faster. */
static void stay_on_one_processor(unsigned n)
{
	cpu_set_t set;
	unsigned count = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	n %= (unsigned)CPU_COUNT(&set);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set) || count++ != n)
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
		return;
	}
}

static void crashed(int signo)
{
	if (signo == SIGABRT)
		engine_fail("aborted: the line before the trace says why (the order of locks?)");
	engine_fail("signal %d", signo);
}

static void run_one(const struct scenario *scenario, struct verdict *verdict)
{
	struct world_options world_options = {
		.bound = options.bound >= 0	   ? (unsigned)options.bound
			 : scenario->bound > BOUND ? scenario->bound
						   : BOUND,
		.no_pruning = options.no_pruning,
		.learn = options.learn,
		.token = options.token,
	};

	signal(SIGSEGV, crashed);
	signal(SIGBUS, crashed);
	signal(SIGABRT, crashed);
	engine_init(world_warm_up);
	world_explore(scenario, &world_options, verdict);
	_exit(verdict->unseen && !verdict->too_low && !options.learn ? FAILED_STATUS : 0);
}

static void start(unsigned n, unsigned slot)
{
	struct job *job = &jobs[n];
	pid_t pid;

	job->output = tmpfile();
	job->seconds = now();
	fflush(stdout);
	pid = fork();
	if (pid) {
		job->pid = pid; /* shared with the child */
		return;
	}
	stay_on_one_processor(slot);
	dup2(fileno(job->output), 1);
	dup2(fileno(job->output), 2);
	run_one(all[n], &job->verdict);
}

/* ---- all of them ---- */

static void print_output(FILE *file)
{
	char line[1024];

	rewind(file);
	while (fgets(line, sizeof(line), file))
		fputs(line, stdout);
	fclose(file);
}

static bool print_row(unsigned n)
{
	const struct job *job = &jobs[n];
	const struct verdict *v = &job->verdict;
	bool good = !job->status;

	printf("%-44s %-12s %9llu %6u/%-3u %6.1f s  %s\n", all[n]->name,
	       all[n]->rows ? all[n]->rows : "", (unsigned long long)v->schedules,
	       v->outcomes - v->unseen, v->outcomes, job->seconds, good ? "ok" : "FAILED");
	print_output(job->output);
	fflush(stdout);
	return good;
}

static void reap(pid_t pid, int status, unsigned *running)
{
	for (unsigned i = 0; i < all_count; i++)
		if (jobs[i].pid == pid) {
			jobs[i].status = status;
			jobs[i].done = true;
			jobs[i].seconds = now() - jobs[i].seconds;
			--*running;
		}
}

/* A processor that none of the running ones has. */
static unsigned free_slot(const unsigned *slots, unsigned started)
{
	for (unsigned slot = 0;; slot++) {
		bool taken = false;

		for (unsigned i = 0; i < started; i++)
			taken |= !jobs[i].done && slots[i] == slot;
		if (!taken)
			return slot;
	}
}

static unsigned run_all(uint64_t *schedules)
{
	static unsigned slots[SCENARIOS_MAX];
	unsigned started = 0, printed = 0, running = 0, failed = 0;

	while (printed < all_count) {
		while (started < all_count && running < options.parallel) {
			slots[started] = free_slot(slots, started);
			start(started, slots[started]);
			started++;
			running++;
		}
		for (; printed < started && jobs[printed].done; printed++) {
			*schedules += jobs[printed].verdict.schedules;
			failed += !print_row(printed);
		}
		if (running) {
			int status;
			pid_t pid = wait(&status);

			reap(pid, status, &running);
		}
	}
	return failed;
}

static void collect(void)
{
	for (size_t g = 0; g < COUNT(groups); g++)
		for (size_t i = 0; i < groups[g]->count; i++) {
			const struct scenario *scenario = &groups[g]->list[i];

			if (options.exact ? strcmp(scenario->name, options.match)
					  : options.match && !strstr(scenario->name, options.match))
				continue;
			all[all_count++] = scenario;
		}
}

static void usage(void)
{
	printf("usage: explore [--bound N] [--jobs N] [--no-pruning] [--learn] [--exact] [NAME]\n"
	       "       explore --replay NAME:TOKEN\n"
	       "       explore --pruning PROGRAMS\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option longopts[] = {
		{"bound", required_argument, NULL, 'b'},   {"jobs", required_argument, NULL, 'j'},
		{"no-pruning", no_argument, NULL, 'n'},	   {"learn", no_argument, NULL, 'l'},
		{"exact", no_argument, NULL, 'e'},	   {"replay", required_argument, NULL, 'r'},
		{"pruning", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0},
	};
	int c;

	options.parallel = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		char *colon;

		switch (c) {
		case 'b': options.bound = atoi(optarg); break;
		case 'j': options.parallel = (unsigned)atoi(optarg); break;
		case 'n': options.no_pruning = true; break;
		case 'p': options.programs = (unsigned)atoi(optarg); break;
		case 'e': options.exact = true; break;
		case 'l': options.learn = true; break;
		case 'r':
			colon = strchr(optarg, ':');
			if (!colon)
				usage();
			*colon = '\0';
			options.match = optarg;
			options.token = colon + 1;
			options.exact = true;
			break;
		default: usage();
		}
	}
	if (optind < argc)
		options.match = argv[optind];
	if (options.exact && !options.match)
		usage();
}

int main(int argc, char **argv)
{
	uint64_t schedules = 0;
	double start_time = now();
	unsigned failed;

	parse(argc, argv);
	collect();
	if (!all_count)
		usage();
	if (options.programs) {
		stay_on_one_processor(0);
		engine_init(world_warm_up);
		pruning_test(options.programs);
		return 0;
	}
	jobs = mmap(NULL, sizeof(*jobs) * SCENARIOS_MAX, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (options.token)
		run_one(all[0], &jobs[0].verdict);
	printf("%-44s %-12s %9s %10s %8s  %s\n", "scenario", "rows", "schedules", "outcomes",
	       "time", "result");
	failed = run_all(&schedules);
	printf("explore: %u scenarios, %llu schedules, %u failed, %.0f s\n", all_count,
	       (unsigned long long)schedules, failed, now() - start_time);
	return failed ? 1 : 0;
}
