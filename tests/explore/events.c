// SPDX-License-Identifier: MIT
/* What threads do to words, which words they share, and what that puts into order. */
#include "state.h"

#include <string.h>

#define LOCATIONS_LG2 13
#define LEARNED_LG2   13

static struct location locations[1 << LOCATIONS_LG2];
static struct location *used[1 << LOCATIONS_LG2]; /* of this schedule */
static size_t used_count;

/* What more than one thread uses; there are points there in the passes after that one. */
static struct learned {
	const volatile void *addr;
	uint32_t pass;
} learned[1 << LEARNED_LG2];
static size_t learned_count;

/* ---- events ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ 0x9e3779b97f4a7c15) + b * 0xff51afd7ed558ccd;

	h ^= h >> 32;
	h *= 0xc4ceb9fe1a85ec53;
	h ^= h >> 29;
	h *= 0x94d049bb133111eb;
	return h ^ h >> 32;
}

static struct event *log_event(enum event_kind kind, const volatile void *addr, uint64_t value,
			       uintptr_t pc)
{
	struct event *event = &engine.events[engine.count++];

	if (engine.count == EVENTS_MAX)
		engine_fail("%d events: this does not end", EVENTS_MAX);
	*event = (struct event){
		.addr = (const void *)addr,
		.value = value,
		.pc = pc,
		.thread = (uint8_t)self,
		.kind = (uint8_t)kind,
	};
	return event;
}

/* An event is known by its thread, its place in it, and those before that it depends on. */
static uint64_t hash_event(struct thread *t, uint64_t before)
{
	return mix(mix(self, t->count++), before);
}

void own_event(struct thread *t, enum event_kind kind, const char *text)
{
	log_event(kind, NULL, 0, 0)->text = text;
	engine.signature += hash_event(t, 1);
}

static struct learned *learned_slot(const volatile void *addr)
{
	size_t i = mix(0, (uintptr_t)addr) >> (64 - LEARNED_LG2);

	while (learned[i].addr && learned[i].addr != addr)
		i = (i + 1) % base_array_size(learned);
	return &learned[i];
}

struct location *location_of(const volatile void *addr)
{
	size_t i = mix(0, (uintptr_t)addr) >> (64 - LOCATIONS_LG2);
	struct learned *known = learned_slot(addr);
	struct location *l;

	for (;; i = (i + 1) % base_array_size(locations)) {
		l = &locations[i];
		if (l->schedule != engine.schedule)
			break;
		if (l->addr == addr)
			return l;
	}
	*l = (struct location){.addr = addr, .schedule = engine.schedule};
	used[used_count++] = l;
	if (used_count == base_array_size(used) / 2)
		engine_fail("too many words");
	l->shared = engine.program->all_points || (known->addr && known->pass < engine.pass);
	return l;
}

/* Is it one that more than one thread uses? Then it is so from the next pass on. */
static void learn(const struct location *l)
{
	unsigned users = l->readers | l->writers;
	struct learned *slot;

	if (!l->writers || !(users & (users - 1)))
		return;
	slot = learned_slot(l->addr);
	if (slot->addr)
		return;
	*slot = (struct learned){l->addr, engine.pass};
	engine.learned = true;
	if (++learned_count > base_array_size(learned) / 2)
		engine_fail("too many shared words");
}

void engine_forget(void)
{
	memset(learned, 0, sizeof(learned));
	learned_count = 0;
}

void engine_new_pass(void)
{
	engine.pass++;
}

/* What is under a lock is seen, too; that the thread itself locks again is no change. */
static void note_look(struct thread *t, struct location *l)
{
	size_t i = 0;

	while (i < t->look_count && t->looks[i].at != l)
		i++;
	if (i == LOOKS_MAX)
		return;
	t->looks[i] = (struct look){l, l->version};
	t->look_count += i == t->look_count;
}

void shared_event(struct thread *t, struct location *l, enum event_kind kind, bool writes,
		  uint64_t value, uintptr_t pc)
{
	struct event *event = log_event(kind, l->addr, value, pc);
	uint64_t hash = hash_event(t, l->written);

	event->rank = l->rank;
	engine.signature += hash;
	if (writes) {
		l->written = hash;
		l->version++;
		l->writers |= 1u << self;
	} else {
		l->readers |= 1u << self;
	}
	learn(l);
	if (!writes || kind == EVENT_UNLOCK)
		note_look(t, l);
}

void locations_reset(void)
{
	used_count = 0;
}

/* To free is to write to all of it. */
void locations_freed(const void *start, size_t size)
{
	for (size_t i = 0; i < used_count; i++) {
		struct location *l = used[i];

		if ((uintptr_t)l->addr - (uintptr_t)start >= size)
			continue;
		l->writers |= 1u << self;
		learn(l);
	}
}

/* ---- what happened before what ---- */

void acquire(struct thread *t, const struct location *l)
{
	for (unsigned i = 1; i < THREADS; i++)
		t->clock[i] = t->clock[i] > l->clock[i] ? t->clock[i] : l->clock[i];
}

static void release(struct thread *t, struct location *l, bool joins)
{
	for (unsigned i = 1; i < THREADS; i++)
		if (!joins || l->clock[i] < t->clock[i])
			l->clock[i] = t->clock[i];
	t->clock[self]++;
}

/* The access itself is after what it acquires, and before what it releases. */
void order_event(struct thread *t, struct location *l, enum event_kind kind, int order, size_t size,
		 uintptr_t pc)
{
	bool loads = kind != EVENT_STORE, stores = kind != EVENT_LOAD && kind != EVENT_CAS_FAILED;

	if (loads && ORDER_ACQUIRES(order))
		acquire(t, l);
	memory_atomic(l->addr, size, stores, pc);
	if (stores && ORDER_RELEASES(order))
		release(t, l, kind != EVENT_STORE);
	else if (kind == EVENT_STORE)
		memset(l->clock, 0, sizeof(l->clock));
}
