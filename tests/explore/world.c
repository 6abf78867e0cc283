// SPDX-License-Identifier: MIT
/* The machine of a scenario, from set-up to the end, and the judgement about it. */
#include "world.h"

#include "iommu/section.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct world world;
static uint8_t *page;

/* Outcomes that were seen, in the order of their first time. */
static struct {
	char text[OUTCOMES_MAX * 4][256];
	size_t count;
	const struct world_options *options;
} seen;

void world_must(long result, const char *call)
{
	if (result < 0)
		engine_fail("%s: %s", call, strerrorname_np((int)-result));
}

void fact(struct world *w, const char *fmt, ...)
{
	size_t length = strlen(w->facts);
	va_list args;

	if (length)
		length += (size_t)snprintf(w->facts + length, sizeof(w->facts) - length, ", ");
	va_start(args, fmt);
	vsnprintf(w->facts + length, sizeof(w->facts) - length, fmt, args);
	va_end(args);
}

/* ---- ids ---- */

void world_got_id(struct world *w, uint32_t id)
{
	unsigned empty = IDS_MAX;

	for (unsigned i = 0; i < IDS_MAX; i++) {
		if (w->ids[i] == id)
			engine_fail("id %u was given out twice", id);
		if (!w->ids[i])
			empty = i;
	}
	w->ids[empty] = id;
}

void world_lost_id(struct world *w, uint32_t id)
{
	for (unsigned i = 0; i < IDS_MAX; i++)
		if (w->ids[i] == id)
			w->ids[i] = 0;
}

void world_answered(void)
{
	world.answers++;
}

/* ---- set-up ---- */

/* Requesters are never freed, so each thread has its own before the first schedule. */
void world_warm_up(void)
{
	if (!iommu_requester_self())
		engine_fail("no requester");
}

static void add_devices(struct world *w)
{
	const char *spec = w->scenario->one_group ? "ioat,group=5" : "ioat";

	for (unsigned i = 0; i < DEVICES; i++) {
		must(swiommu_add_device(w->machine, NULL, spec, &w->device[i], NULL));
		w->file[i] = -1;
	}
}

static void begin(void *arg)
{
	struct world *w = arg;
	const struct scenario *scenario = w->scenario;
	struct swiommu_options options = {
		.size = sizeof(options),
		.iommu = "mock",
		.flags = scenario->flags,
	};

	*w = (struct world){.scenario = scenario, .page = page};
	w->again = w->fault_fd = w->veventq_fd = w->access_fd = -1;
	must(swiommu_new(&options, &w->machine));
	w->ctx = swiommu_open(w->machine, "/dev/iommu");
	must(w->ctx);
	add_devices(w);
	if (scenario->set_up)
		scenario->set_up(w);
}

/* ---- threads ---- */

static const char *result_text(int result, char *text, size_t size)
{
	const char *name = result < 0 ? strerrorname_np(-result) : NULL;

	if (!result)
		return "ok";
	if (name)
		return name + 1;
	snprintf(text, size, "%d", result);
	return text;
}

static void run(void *arg, unsigned thread)
{
	struct world *w = arg;
	unsigned t = thread - 1;

	for (unsigned i = 0; i < CALLS_MAX && w->scenario->threads[t][i]; i++) {
		const struct op *op = w->scenario->threads[t][i];
		static _Thread_local char text[20];

		engine_note_call(op->name);
		w->results[t][i] = op->run(w, t);
		engine_note_result(result_text(w->results[t][i], text, sizeof(text)));
	}
}

static unsigned count_threads(const struct scenario *scenario)
{
	unsigned n = 0;

	while (n < THREADS - 1 && scenario->threads[n][0])
		n++;
	return n;
}

/* ---- outcomes ---- */

static void outcome_of(const struct world *w, char *out, size_t size)
{
	const struct scenario *scenario = w->scenario;
	size_t n = 0;

	out[0] = '\0';
	for (unsigned t = 0; t < count_threads(scenario); t++) {
		if (t)
			n += (size_t)snprintf(out + n, size - n, " | ");
		for (unsigned i = 0; i < CALLS_MAX && scenario->threads[t][i]; i++) {
			char text[20];

			n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "",
					      result_text(w->results[t][i], text, sizeof(text)));
		}
	}
	if (w->facts[0])
		snprintf(out + n, size - n, " : %s", w->facts);
}

static bool is_allowed(const struct scenario *scenario, const char *outcome)
{
	for (unsigned i = 0; i < OUTCOMES_MAX && scenario->outcomes[i]; i++)
		if (!strcmp(scenario->outcomes[i], outcome))
			return true;
	return false;
}

static bool is_seen(const char *outcome)
{
	for (size_t i = 0; i < seen.count; i++)
		if (!strcmp(seen.text[i], outcome))
			return true;
	return false;
}

static void note_outcome(const struct world *w)
{
	char text[256];

	outcome_of(w, text, sizeof(text));
	if (!is_seen(text)) {
		if (seen.count == COUNT(seen.text))
			engine_fail("too many outcomes");
		strcpy(seen.text[seen.count++], text);
	}
	if (!seen.options->learn && !is_allowed(w->scenario, text))
		engine_fail("this outcome is not allowed: %s", text);
}

/* ---- the end ---- */

static void close_fd(struct world *w, int fd)
{
	if (fd >= 0 && !w->closed[fd])
		must(swiommu_close(w->machine, fd));
}

static int destroy(struct world *w, uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	return swiommu_ioctl(w->machine, w->ctx, IOMMU_DESTROY, &cmd);
}

/* Without devices, files and calls, every object can be destroyed: the counts are balanced. */
static void destroy_all(struct world *w)
{
	bool progress = true, left = true;

	while (progress) {
		progress = left = false;
		for (uint32_t id = 1; id <= IDS_MAX; id++) {
			int rc = destroy(w, id);

			progress |= !rc;
			left |= rc == -EBUSY;
		}
	}
	for (uint32_t id = 1; left && id <= IDS_MAX; id++)
		if (destroy(w, id) == -EBUSY)
			engine_fail("a count is not balanced: object %u has a user too many", id);
}

static void end(void *arg)
{
	struct world *w = arg;

	if (w->scenario->check)
		w->scenario->check(w);
	note_outcome(w);
	for (unsigned i = 0; i < DEVICES; i++)
		close_fd(w, w->file[i]);
	close_fd(w, w->again);
	if (w->mapped)
		must(swiommu_munmap(w->machine, w->mapped, 2 * PAGE));
	close_fd(w, w->fault_fd);
	close_fd(w, w->veventq_fd);
	close_fd(w, w->access_fd);
	if (!w->closed[w->ctx])
		destroy_all(w);
	swiommu_free(w->machine);
}

/* ---- exploring ---- */

static void count_outcomes(const struct scenario *scenario, struct verdict *verdict)
{
	for (unsigned i = 0; i < OUTCOMES_MAX && scenario->outcomes[i]; i++) {
		verdict->outcomes++;
		if (is_seen(scenario->outcomes[i]))
			continue;
		verdict->unseen++;
		if (!verdict->too_low)
			fprintf(stderr, "allowed, but never seen: %s\n", scenario->outcomes[i]);
	}
}

void world_explore(const struct scenario *scenario, const struct world_options *options,
		   struct verdict *verdict)
{
	struct search search = {
		.program = {.threads = count_threads(scenario),
			    .run = run,
			    .arg = &world,
			    .real_locks = scenario->real_locks},
		.bound = options->bound,
		.no_pruning = options->no_pruning,
		.begin = begin,
		.end = end,
	};

	page = mmap(NULL, PAGE * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	world.scenario = scenario;
	engine_name = scenario->name;
	seen.options = options;
	if (options->token)
		search_replay(&search, options->token);
	else
		search_all(&search);
	*verdict = (struct verdict){
		.schedules = search.schedules,
		.pruned = search.pruned,
		.passes = search.passes,
		.depth = (unsigned)search.depth,
		.too_low = options->token || options->bound < 2 || options->bound < scenario->bound,
	};
	if (options->learn)
		for (size_t i = 0; i < seen.count; i++)
			fprintf(stderr, "\t\t\t\"%s\",\n", seen.text[i]);
	count_outcomes(scenario, verdict);
}
