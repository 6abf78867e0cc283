// SPDX-License-Identifier: MIT
/* Threads that hand each other the baton. */
#include "state.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS_MAX 300

const char *engine_name = "?";
bool engine_on;
struct engine engine;
struct thread threads[THREADS];
_Thread_local unsigned self;

unsigned engine_self(void)
{
	return self;
}

bool engine_has_learned(void)
{
	return engine.learned;
}

uint32_t engine_clock(void)
{
	return threads[self].clock[self];
}

bool engine_is_ordered(unsigned other, uint32_t clock)
{
	return threads[self].clock[other] >= clock;
}

/* ---- failure ---- */

void __attribute__((noinline)) explore_failed(void)
{
	__asm__ volatile("");
}

static void print_thread(unsigned i)
{
	struct thread *t = &threads[i];
	static const char *const states[] = {
		[RUNS] = "could run", [LOCKS] = "waits for a lock", [SLEEPS] = "sleeps",
		[SPINS] = "spins",    [ENDED] = "has ended",
	};
	char name[64] = "";

	if (t->state == LOCKS || t->state == SLEEPS)
		memory_name(t->word, name, sizeof(name));
	fprintf(stderr, "  thread %c %s %s%s%s\n", 'a' + i - 1, states[t->state], name,
		t->call ? ", in " : "", t->call ? t->call : "");
}

static void print_token(void)
{
	fprintf(stderr, "make explore REPLAY=%s:", engine_name);
	for (size_t i = 0; i < engine.switch_count; i++)
		fprintf(stderr, "%s%u%c", i ? "." : "", engine.switches[i].events,
			'a' + engine.switches[i].thread - 1);
	fprintf(stderr, "\n");
}

void engine_print_trace(void)
{
	report_events(engine.events, engine.count);
}

void engine_fail(const char *fmt, ...)
{
	va_list args;

	engine_on = false;
	report_events(engine.events, engine.count);
	for (unsigned i = 1; engine.program && i <= engine.program->threads; i++)
		print_thread(i);
	fprintf(stderr, "FAILED: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	print_token();
	fflush(stderr);
	explore_failed();
	_exit(FAILED_STATUS);
}

/* ---- the baton ---- */

static void wait_for_baton(struct thread *t)
{
	while (!__atomic_load_n(&t->baton, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &t->baton, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	t->baton = 0;
}

static void give_baton(struct thread *t)
{
	__atomic_store_n(&t->baton, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &t->baton, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- who could go on ---- */

static bool has_seen_change(const struct thread *t)
{
	for (size_t i = 0; i < t->look_count; i++)
		if (t->looks[i].at->version != t->looks[i].version)
			return true;
	return t->look_count == LOOKS_MAX;
}

bool could_run(const struct thread *t)
{
	switch (t->state) {
	case RUNS: return true;
	case LOCKS: return !(__atomic_load_n(t->word, __ATOMIC_RELAXED) & t->busy);
	case SLEEPS: return t->woken;
	case SPINS: return has_seen_change(t);
	default: return false;
	}
}

static unsigned enabled_threads(void)
{
	unsigned enabled = 0;

	for (unsigned i = 1; i <= engine.program->threads; i++)
		enabled |= (unsigned)could_run(&threads[i]) << i;
	return enabled;
}

/* Nobody can run: a loop that gives up after some rounds does so now. */
static unsigned idle_spinners(void)
{
	unsigned spinners = 0;

	for (unsigned i = 1; i <= engine.program->threads; i++)
		if (threads[i].state == SPINS && threads[i].spins++ < SPINS_MAX)
			spinners |= 1u << i;
	return spinners;
}

static void __attribute__((noreturn)) stuck(void)
{
	for (unsigned i = 1; i <= engine.program->threads; i++)
		if (threads[i].state == SLEEPS && threads[i].timed)
			engine_fail("a wait would time out: nobody wakes thread %c", 'a' + i - 1);
	engine_fail("deadlock: no thread can go on");
}

static unsigned lowest(unsigned bits)
{
	return (unsigned)__builtin_ctz(bits);
}

/* The thread that runs next; 0: all have ended. */
static unsigned pick(void)
{
	unsigned enabled = enabled_threads(), next;
	struct point point;
	bool goes_on;

	if (!enabled)
		enabled = idle_spinners();
	if (!enabled) {
		for (unsigned i = 1; i <= engine.program->threads; i++)
			if (threads[i].state != ENDED)
				stuck();
		return 0;
	}
	if (!(enabled & (enabled - 1)))
		return lowest(enabled);
	goes_on = enabled >> engine.current & 1;
	point = (struct point){
		.events = engine.count,
		.enabled = enabled,
		.current = engine.current,
		.goes_on = goes_on,
		.signature = engine.signature,
	};
	next = engine.program->choose(&point);
	if (next != (goes_on ? engine.current : lowest(enabled))) {
		engine.switches[engine.switch_count].events = engine.count;
		engine.switches[engine.switch_count++].thread = next;
	}
	return next;
}

static void hand_over(unsigned next)
{
	engine.current = next;
	give_baton(&threads[next]);
}

void offer(struct thread *t)
{
	unsigned next = pick();

	if (next == self)
		return;
	hand_over(next);
	wait_for_baton(t);
}

/* ---- running ---- */

static void (*warm_up)(void);

static void run_program(struct thread *t)
{
	wait_for_baton(t);
	own_event(t, EVENT_START, NULL);
	engine.program->run(engine.program->arg, self);
	own_event(t, EVENT_END, NULL);
	t->state = ENDED;
	t->call = NULL;
	hand_over(pick());
}

static void note_stack(struct thread *t)
{
	pthread_attr_t attr;
	void *stack;
	size_t size;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &stack, &size);
	pthread_attr_destroy(&attr);
	t->stack = (uintptr_t)stack;
	t->stack_end = t->stack + size;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	self = (unsigned)(t - threads);
	note_stack(t);
	warm_up();
	give_baton(&threads[0]);
	for (;;)
		run_program(t);
	return NULL;
}

void engine_init(void (*fn)(void))
{
	memory_init();
	warm_up = fn;
	warm_up();
	for (unsigned i = 1; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, thread_main, &threads[i]))
			engine_fail("no threads");
		wait_for_baton(&threads[0]);
	}
	memory_keep();
}

static void thread_reset(struct thread *t)
{
	uintptr_t stack = t->stack, stack_end = t->stack_end;

	*t = (struct thread){.stack = stack, .stack_end = stack_end};
	t->clock[t - threads] = 1;
}

void engine_run(const struct program *program)
{
	for (unsigned i = 1; i <= program->threads; i++)
		thread_reset(&threads[i]);
	engine.program = program;
	engine.schedule++;
	locations_reset();
	engine.count = 0;
	engine.switch_count = 0;
	engine.signature = engine.order = 0;
	engine.learned = false;
	engine.current = 0;
	engine_on = true;
	hand_over(pick());
	wait_for_baton(&threads[0]);
	engine_on = false;
}

/* ---- the trace ---- */

void engine_note_call(const char *name)
{
	struct thread *t = &threads[self];

	t->call = name;
	own_event(t, EVENT_CALL, name);
}

void engine_note_result(const char *result)
{
	own_event(&threads[self], EVENT_RESULT, result);
}
