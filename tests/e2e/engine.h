/* SPDX-License-Identifier: MIT */
/* An I/OAT engine that copies memory for a test, by the registers in its BAR 0. */
#ifndef ENGINE_H
#define ENGINE_H

#include "e2e.h"

#include <stdio.h>

enum {
	CHANCTRL = 0x80,
	CHANCMD = 0x84,
	DMACOUNT = 0x86,
	CHANSTS = 0x88,
	CHAINADDR = 0x90,
	CHANERR = 0xa8
};
enum { STATE_MASK = 7, STATE_DONE = 1, STATE_HALTED = 3 };

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t other[4];
};

struct engine {
	int device;
	off_t bar;
	struct descriptor *ring; /* shared with children, which may ring the doorbell themselves */
	uint64_t ring_iova;
};

/* Of a bound device; the ring is the caller's business. */
static inline void engine_init(struct engine *engine, int device)
{
	struct vfio_region_info info = {.argsz = sizeof(info),
					.index = VFIO_PCI_CONFIG_REGION_INDEX};
	uint16_t command = 0x6;

	engine->device = device;
	assert_int_equal(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), 0);
	assert_int_equal(pwrite(device, &command, 2, (off_t)info.offset + 4), 2);
	info.index = VFIO_PCI_BAR0_REGION_INDEX;
	assert_int_equal(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), 0);
	engine->bar = (off_t)info.offset;
}

static inline void engine_set(const struct engine *engine, off_t where, size_t width,
			      uint64_t value)
{
	if (pwrite(engine->device, &value, width, engine->bar + where) != (ssize_t)width)
		abort();
}

static inline uint64_t engine_get(const struct engine *engine, off_t where, size_t width)
{
	uint64_t value = 0;

	if (pread(engine->device, &value, width, engine->bar + where) != (ssize_t)width)
		abort();
	return value;
}

/* The state in which the engine ends: DONE, or HALTED by an access that failed. */
static inline unsigned engine_copy(const struct engine *engine, uint64_t to, uint64_t from,
				   size_t size)
{
	uint64_t state;

	engine_set(engine, CHANERR, 4, engine_get(engine, CHANERR, 4));
	engine_set(engine, CHANCMD, 1, 0x20);
	*engine->ring =
		(struct descriptor){.size = (uint32_t)size, .source = from, .destination = to};
	engine_set(engine, CHANCTRL, 2, 0);
	engine_set(engine, CHAINADDR, 8, engine->ring_iova);
	engine_set(engine, DMACOUNT, 2, 1);
	do
		state = engine_get(engine, CHANSTS, 8) & STATE_MASK;
	while (state != STATE_DONE && state != STATE_HALTED);
	return (unsigned)state;
}

/* ---- memory, and what is pinned of it ---- */

static inline void paint(uint8_t *p, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(i * 7 + i / 251 + seed);
}

static inline bool is_painted(const uint8_t *p, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != (uint8_t)(i * 7 + i / 251 + seed))
			return false;
	return true;
}

/* What /proc says of a process on a line like "VmPin:", in pages; negative: nothing. */
static inline long status_pages(pid_t pid, const char *name)
{
	char path[32], line[256];
	long kib = -4;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kib = atol(line + strlen(name));
	if (file)
		fclose(file);
	return kib / 4;
}

#endif
