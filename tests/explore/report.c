// SPDX-License-Identifier: MIT
/* The trace of a schedule that has failed, for people. */
#include "engine.h"
#include "base/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACE_MAX  1024
#define PLACES_MAX 2048

/* ---- places in the source ---- */

static char *base_name(char *path)
{
	char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * addr2line gives a function and a line for each level of inlining, innermost
 * first. The synchronisation itself is of no interest, who uses it is. Reads on
 * to the next address.
 */
static void read_place(FILE *in, char *text, size_t size)
{
	char function[256], line[512];
	bool found = false;

	while (fgets(function, sizeof(function), in) && strncmp(function, "0x", 2)) {
		if (!fgets(line, sizeof(line), in))
			return;
		function[strcspn(function, "\n")] = '\0';
		line[strcspn(line, " (\n")] = '\0';
		if (!found)
			snprintf(text, size, "%s %s", function, base_name(line));
		found |= !strstr(line, "base/sync.h") && !strstr(line, "base/alloc.h");
	}
}

/* What is known already; the end of a process is no time to be slow. */
static struct place {
	uintptr_t pc;
	char text[PLACE_MAX];
} places[PLACES_MAX];
static size_t place_count;

static const char *place_of(uintptr_t pc)
{
	for (size_t i = 0; i < place_count; i++)
		if (places[i].pc == pc)
			return places[i].text;
	return NULL;
}

static void note_place(uintptr_t pc)
{
	if (!pc || place_of(pc) || place_count == PLACES_MAX)
		return;
	places[place_count].pc = pc;
	snprintf(places[place_count++].text, PLACE_MAX, "%#zx", (size_t)pc);
}

/* With -a there is a line with the address before each place. The call returns to pc. */
static void look_up(size_t first)
{
	char name[] = "/tmp/explore-XXXXXX", command[128], line[PLACE_MAX];
	int fd = mkstemp(name);
	FILE *in;

	if (fd < 0)
		return;
	for (size_t i = first; i < place_count; i++)
		dprintf(fd, "%#zx\n", (size_t)places[i].pc - 1);
	close(fd);
	snprintf(command, sizeof(command), "addr2line -a -i -f -e /proc/%d/exe < %s 2>/dev/null",
		 (int)getpid(), name);
	in = popen(command, "r");
	if (in && fgets(line, sizeof(line), in))
		for (size_t i = first; i < place_count; i++)
			read_place(in, places[i].text, PLACE_MAX);
	if (in)
		pclose(in);
	unlink(name);
}

void report_place(uintptr_t pc)
{
	size_t first = place_count;

	note_place(pc);
	if (first < place_count)
		look_up(first);
	fprintf(stderr, "%s", pc ? place_of(pc) : "?");
}

/* ---- events ---- */

static const char *const verbs[] = {
	[EVENT_START] = "starts",
	[EVENT_END] = "ends",
	[EVENT_CALL] = "calls",
	[EVENT_RESULT] = "returns",
	[EVENT_LOAD] = "loads",
	[EVENT_STORE] = "stores",
	[EVENT_CHANGE] = "changes to",
	[EVENT_CAS] = "swaps in",
	[EVENT_CAS_FAILED] = "cannot swap",
	[EVENT_LOCK] = "locks",
	[EVENT_UNLOCK] = "unlocks",
	[EVENT_SLEEP] = "goes to sleep on",
	[EVENT_WAKE] = "wakes",
	[EVENT_WOKEN] = "is awake again",
	[EVENT_YIELD] = "spins no more",
};

static const char *rank_name(int rank)
{
#define NAME(rank) [RANK_##rank] = #rank
	static const char *const names[] = {
		NAME(FRONT),	   NAME(VFIO_GROUP),   NAME(VFIO_SET),	NAME(VFIO_DEVICE),
		NAME(VFIO_IRQ),	   NAME(IOAS_CREATE),  NAME(IOAS),	NAME(ACCESS),
		NAME(GROUP),	   NAME(IOPT_DOMAINS), NAME(IOPT_IOVA), NAME(SOURCE),
		NAME(IOMMU_GROUP), NAME(VIOMMU_MAP),   NAME(DOMAIN),	NAME(IOMMU),
		NAME(REPORTS),	   NAME(EVENTQ),       NAME(WATCH),	NAME(OBJECTS),
		NAME(LEAF),
	};

	return (size_t)rank < base_array_size(names) && names[rank] ? names[rank] : "?";
}

static void print_target(const struct event *event)
{
	char name[64];

	memory_name(event->addr, name, sizeof(name));
	if (event->kind == EVENT_LOCK || event->kind == EVENT_UNLOCK)
		fprintf(stderr, " %s (%s)", rank_name(event->rank), name);
	else
		fprintf(stderr, " %#llx at %s", (unsigned long long)event->value, name);
}

static void print_event(size_t index, const struct event *event)
{
	fprintf(stderr, "%5zu %*s%c %s", index, (event->thread - 1) * 4, "",
		'a' + event->thread - 1, verbs[event->kind]);
	if (event->text)
		fprintf(stderr, " %s", event->text);
	if (event->addr)
		print_target(event);
	if (event->pc)
		fprintf(stderr, "  [%s]", place_of(event->pc) ? place_of(event->pc) : "?");
	fprintf(stderr, "\n");
}

/* What only one thread uses is left out. */
static bool is_shared(const struct event *events, size_t count, const struct event *event)
{
	for (size_t i = 0; i < count; i++)
		if (events[i].addr == event->addr && events[i].thread != event->thread)
			return true;
	return !event->addr;
}

void report_events(struct event *events, size_t count)
{
	size_t first = place_count;

	for (size_t i = 0; i < count; i++) {
		events[i].shared = is_shared(events, count, &events[i]);
		if (events[i].shared)
			note_place(events[i].pc);
	}
	if (first < place_count)
		look_up(first);
	fprintf(stderr, "\nevent  thread\n");
	for (size_t i = 0; i < count; i++)
		if (events[i].shared)
			print_event(i, &events[i]);
}

/* In place of base/assert.c. */
void base_assert_failed(const char *cond, const char *file, int line)
{
	engine_fail("%s:%d: assertion `%s' failed", file, line, cond);
}
