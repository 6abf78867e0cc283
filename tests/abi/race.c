// SPDX-License-Identifier: MIT
/* Threads that race. */
#include "race.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

/* ---- what was seen ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char complaint[200];

static void complain(const char *what, int got, const char *file, int line)
{
	pthread_mutex_lock(&lock);
	if (!complaint[0])
		snprintf(complaint, sizeof(complaint), "%s:%d: %s (%d)", file, line, what, got);
	pthread_mutex_unlock(&lock);
}

int race_allow(int got, const int *allowed, size_t count, const char *call, const char *file,
	       int line)
{
	for (size_t i = 0; i < count; i++)
		if (allowed[i] == got)
			return got;
	complain(call, got, file, line);
	return got;
}

void race_must(bool holds, const char *condition, const char *file, int line)
{
	if (!holds)
		complain(condition, 0, file, line);
}

static void judge(void)
{
	char text[sizeof(complaint)];

	memcpy(text, complaint, sizeof(text));
	complaint[0] = '\0';
	if (text[0])
		fail_msg("%s", text);
}

/* ---- workers ---- */

struct race_thread {
	pthread_t thread;
	struct race *race;
	race_worker worker;
	void *arg;
};

static void *run_worker(void *arg)
{
	struct race_thread *t = arg;

	t->worker(t->race, t->arg);
	return NULL;
}

void race_start(struct race *race, struct abi *abi)
{
	memset(race, 0, sizeof(*race));
	race->abi = abi;
}

void race_add(struct race *race, race_worker worker, void *arg)
{
	struct race_thread *t = malloc(sizeof(*t));

	assert_non_null(t);
	assert_true(race->count < RACE_THREADS);
	*t = (struct race_thread){.race = race, .worker = worker, .arg = arg};
	race->threads[race->count++] = t;
	assert_int_equal(pthread_create(&t->thread, NULL, run_worker, t), 0);
}

bool race_goes_on(const struct race *race)
{
	sched_yield();
	return !__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE);
}

void race_join(struct race *race)
{
	__atomic_store_n(&race->stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < race->count; i++) {
		pthread_join(race->threads[i]->thread, NULL);
		free(race->threads[i]);
	}
	judge();
}

/* ---- duels: one other thread, which sleeps in between ---- */

static struct {
	bool running;
	sem_t go;
	struct abi *abi;
	struct duel *duel;
	uint32_t ready, done; /* atomic */
} second;

/* Both are at the line; who comes first waits for the other. */
static void meet(void)
{
	__atomic_add_fetch(&second.ready, 1, __ATOMIC_SEQ_CST);
	for (unsigned spins = 0; __atomic_load_n(&second.ready, __ATOMIC_ACQUIRE) < 2; spins++)
		if (spins > 200)
			sched_yield();
}

static void *run_second(void *arg)
{
	(void)arg;
	for (;;) {
		while (sem_wait(&second.go))
			;
		meet();
		second.duel->result[1] = second.duel->call[1](second.abi, second.duel->arg[1]);
		__atomic_store_n(&second.done, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void start_second(void)
{
	pthread_t thread;

	assert_int_equal(sem_init(&second.go, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_second, NULL), 0);
	assert_int_equal(pthread_detach(thread), 0);
	second.running = true;
}

void race_duel(struct abi *abi, struct duel *duel)
{
	if (!second.running)
		start_second();
	second.abi = abi;
	second.duel = duel;
	second.done = second.ready = 0;
	sem_post(&second.go);
	meet();
	duel->result[0] = duel->call[0](abi, duel->arg[0]);
	while (!__atomic_load_n(&second.done, __ATOMIC_ACQUIRE))
		sched_yield();
	judge();
}
