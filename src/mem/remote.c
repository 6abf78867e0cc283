// SPDX-License-Identifier: MIT
/* Runs of a remote client's memory. */
#include "mem/remote.h"

#include <errno.h>

struct mem_remote *mem_remote_new(struct mem_client *client)
{
	struct mem_remote *remote = base_zalloc(sizeof(*remote));

	if (!remote)
		return NULL;
	mem_client_get(client);
	remote->client = client;
	return remote;
}

void mem_remote_free(struct mem_remote *remote)
{
	mem_remote_drop(remote);
	base_free(remote->runs);
	mem_client_put(remote->client);
	base_free(remote);
}

/* ---- the array ---- */

static void run_drop(const struct mem_remote_run *run)
{
	if (mem_pa_is_host(run->pa))
		base_sys_unmap(mem_pa_to_host(run->pa), run->last - run->start + 1);
	else
		mem_window_put(run->pa);
}

void mem_remote_drop(struct mem_remote *remote)
{
	for (size_t i = 0; i < remote->count; i++)
		run_drop(&remote->runs[i]);
	remote->count = 0;
}

/* The first run that ends at addr or behind; `count` if there is none. */
static size_t run_find(const struct mem_remote *remote, uint64_t addr)
{
	size_t low = 0, high = remote->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (remote->runs[middle].last < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(struct mem_remote *remote)
{
	size_t room = remote->room ? 2 * remote->room : 4;
	struct mem_remote_run *runs;

	if (remote->count < remote->room)
		return 0;
	runs = base_alloc(room * sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	for (size_t i = 0; i < remote->count; i++)
		runs[i] = remote->runs[i];
	base_free(remote->runs);
	remote->runs = runs;
	remote->room = room;
	return 0;
}

static void run_put(struct mem_remote *remote, size_t at, const struct mem_remote_run *run)
{
	for (size_t i = remote->count++; i > at; i--)
		remote->runs[i] = remote->runs[i - 1];
	remote->runs[at] = *run;
}

/* Memory that goes on where a window's run ends, in the same window, is one run with it. */
static bool run_extend(struct mem_remote *remote, size_t at, const struct mem_remote_run *run)
{
	struct mem_remote_run *before = at ? &remote->runs[at - 1] : NULL;

	if (!before || !before->fresh || mem_pa_is_host(before->pa) || mem_pa_is_host(run->pa) ||
	    before->last + 1 != run->start || before->pa + (run->start - before->start) != run->pa)
		return false;
	before->last = run->last;
	mem_window_put(run->pa);
	return true;
}

static void run_insert(struct mem_remote *remote, const struct mem_remote_run *run)
{
	size_t at = run_find(remote, run->start);

	if (!run_extend(remote, at, run))
		run_put(remote, at, run);
}

/* No run has both addr - 1 and addr, if there is memory for one more. */
static void run_split(struct mem_remote *remote, uint64_t addr)
{
	size_t at = run_find(remote, addr);
	struct mem_remote_run upper;

	if (at == remote->count || remote->runs[at].start >= addr || make_room(remote))
		return;
	upper = remote->runs[at];
	upper.pa += addr - upper.start;
	upper.start = addr;
	/* Each run has a use of the window. */
	if (!mem_pa_is_host(upper.pa) && mem_window_get(remote->client, addr, &upper.pa))
		return;
	remote->runs[at].last = addr - 1;
	run_put(remote, at + 1, &upper);
}

void mem_remote_release(struct mem_remote *remote, uint64_t start, uint64_t last)
{
	size_t kept = 0;

	run_split(remote, start);
	run_split(remote, last + 1);
	for (size_t i = 0; i < remote->count; i++) {
		struct mem_remote_run run = remote->runs[i];

		if (run.start >= start && run.last <= last)
			run_drop(&run);
		else
			remote->runs[kept++] = run;
	}
	remote->count = kept;
}

/* Keep the fresh runs, or undo them. */
static void settle(struct mem_remote *remote, bool keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < remote->count; i++) {
		struct mem_remote_run run = remote->runs[i];

		if (run.fresh && !keep) {
			run_drop(&run);
			continue;
		}
		run.fresh = false;
		remote->runs[kept++] = run;
	}
	remote->count = kept;
}

/* ---- kinds of memory ---- */

/* -ENOENT: it is not shared, or we cannot get at it. */
static int take_shared(const struct mem_remote *remote, const struct base_mapping *mapping,
		       struct mem_remote_run *run, bool write)
{
	uint64_t size = run->last - run->start + 1;
	void *host;
	int rc = base_maps_share(remote->client->process->pid, mapping, run->start, run->last,
				 write, &host);

	if (rc)
		return rc == -ENOMEM ? rc : -ENOENT;
	/* The file may end before. */
	if (base_guard_touch(host, size, write)) {
		base_sys_unmap(host, size);
		return -EFAULT;
	}
	run->pa = (uintptr_t)host;
	return 0;
}

static int take_private(const struct mem_remote *remote, struct mem_remote_run *run)
{
	uint64_t window_last = run->start | (((uint64_t)1 << MEM_WINDOW_LG2) - 1);
	uint8_t byte;

	run->last = base_min_u64(run->last, window_last);
	if (mem_copy_in(remote->client, &byte, run->last, 1))
		return -EFAULT;
	return mem_window_get(remote->client, run->start, &run->pa);
}

static int take_run(struct mem_remote *remote, const struct base_mapping *mapping,
		    struct mem_remote_run *run, bool write)
{
	int rc = make_room(remote);

	if (!rc)
		rc = take_shared(remote, mapping, run, write);
	if (rc == -ENOENT)
		rc = take_private(remote, run);
	if (!rc)
		run_insert(remote, run);
	return rc;
}

/* The client's mapping that has addr, and allows what is asked for. */
static bool mapping_find(struct base_maps *maps, struct base_mapping *mapping, uint64_t addr,
			 bool write)
{
	while (mapping->last < addr)
		if (!base_maps_next(maps, mapping))
			return false;
	return mapping->start <= addr && mapping->read && (mapping->write || !write);
}

static int take_all(struct mem_remote *remote, struct base_maps *maps, uint64_t start,
		    uint64_t last, bool write)
{
	struct base_mapping mapping = {0};
	uint64_t at = start;
	int rc = 0;

	while (!rc && at <= last) {
		size_t next = run_find(remote, at);
		struct mem_remote_run run = {.start = at, .last = last, .fresh = true};

		if (next < remote->count && remote->runs[next].start <= at) {
			at = remote->runs[next].last + 1;
			continue;
		}
		if (next < remote->count)
			run.last = base_min_u64(last, remote->runs[next].start - 1);
		if (!mapping_find(maps, &mapping, at, write))
			return -EFAULT;
		run.last = base_min_u64(run.last, mapping.last);
		rc = take_run(remote, &mapping, &run, write);
		at = run.last + 1;
	}
	return rc;
}

int mem_remote_take(struct mem_remote *remote, uint64_t start, uint64_t last, bool write)
{
	struct base_maps maps;
	int rc;

	/* Somebody else may be there by now under its number, who cannot be read. */
	if (base_maps_open(&maps, remote->client->process->pid))
		return -EFAULT;
	rc = base_process_read(remote->client->process, NULL, 0, 0);
	if (!rc)
		rc = take_all(remote, &maps, start, last, write);
	base_maps_close(&maps);
	settle(remote, !rc);
	return rc;
}

uint64_t mem_remote_pa(const struct mem_remote *remote, uint64_t addr, uint64_t *run)
{
	const struct mem_remote_run *found = &remote->runs[run_find(remote, addr)];

	*run = found->last - addr + 1;
	return found->pa + (addr - found->start);
}
