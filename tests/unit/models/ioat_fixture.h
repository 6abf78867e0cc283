/* SPDX-License-Identifier: MIT */
/* One I/OAT model on a fake device, and what a driver would do with it. */
#ifndef TESTS_IOAT_FIXTURE_H
#define TESTS_IOAT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_device.h"
#include "models/models.h"

/* BAR 0 */
enum ioat_offset {
	CHANCNT = 0x00,
	XFERCAP = 0x01,
	INTRCTRL = 0x03,
	ATTNSTATUS = 0x04,
	CBVER = 0x08,
	CHANCTRL = 0x80,
	CHANCMD = 0x84,
	DMACOUNT = 0x86,
	CHANSTS = 0x88,
	CHAINADDR = 0x90,
	CHANCMP = 0x98,
	CDAR = 0xa0,
	CHANERR = 0xa8,
	CHANERRMSK = 0xac,
};

enum { SUSPEND = 0x04, RESET = 0x20 }; /* CHANCMD */
/* CHANCTRL as two drivers set it: the VFIO selftest; Linux, which wants to know of errors. */
enum { DRIVER_KERNEL = 0x0009, DRIVER_LINUX = 0x001d };
enum { ACTIVE, DONE, SUSPENDED, HALTED, ARMED };	      /* CHANSTS 2:0 */
enum { INTERRUPT = 0x01, COMPLETION = 0x08, NULL_OP = 0x20 }; /* descriptor control */
enum { COPY = 0x00000000, FILL = 0x01000000 };		      /* descriptor opcodes */
enum { CHANERR_INT = 0x180 };				      /* config space */

/* Where tests keep things; above 4 GiB, so that both halves of an address matter. */
#define IOVA_BASE      0x500000000ull
#define IOVA_RING      (IOVA_BASE + 0x1000)
#define IOVA_WORD      (IOVA_BASE + 0x3008)
#define IOVA_HOLE      (IOVA_BASE + 0x10000) /* not mapped */
#define IOVA_READABLE  (IOVA_BASE + 0x20000) /* not writable */
#define IOVA_WRITEABLE (IOVA_BASE + 0x30000) /* not readable */
#define IOVA_SRC       (IOVA_BASE + 0x100000)
#define IOVA_DST       (IOVA_BASE + 0x200000)

struct ioat_descriptor {
	uint32_t size, control;
	uint64_t source, destination, next;
	uint64_t other[4];
};

struct ioat {
	struct swiommu_device *device;
	void *model; /* the instance's state */
};

/* cmocka set-up and tear-down: *state is a struct ioat in power-on state, without options. */
int ioat_setup(void **state);
int ioat_teardown(void **state);

/* Take the instance away and make one with this option, which must be right. */
void ioat_recreate(struct ioat *ioat, const char *option);

#define ioat_test(name) cmocka_unit_test_setup_teardown(name, ioat_setup, ioat_teardown)

uint64_t ioat_read(struct ioat *ioat, unsigned offset, unsigned width);
void ioat_write(struct ioat *ioat, unsigned offset, unsigned width, uint64_t value);

static inline uint64_t ioat_status(struct ioat *ioat)
{
	return ioat_read(ioat, CHANSTS, 8);
}

static inline uint32_t ioat_errors(struct ioat *ioat)
{
	return (uint32_t)ioat_read(ioat, CHANERR, 4);
}

/* Address of the ring's descriptor `index`; also for tables. */
#define ioat_ring_iova(index) (IOVA_RING + 64ull * (index))

/* The descriptor itself. Its `next` is the following one after ioat_ring_link(). */
struct ioat_descriptor *ioat_desc(struct ioat *ioat, unsigned index);

/* Make `count` null descriptors with this control, each linked to the next one. */
void ioat_ring_link(struct ioat *ioat, unsigned count, uint32_t control);

/* Make descriptor `index` a copy IOVA_SRC -> IOVA_DST; keeps `next`. */
void ioat_desc_copy(struct ioat *ioat, unsigned index, uint32_t size, uint32_t control);

/* Clear errors and reset the channel, as all drivers do before use. */
void ioat_clear(struct ioat *ioat);

/* MSI-X on, these CHANCTRL bits, the chain at descriptor 0. */
void ioat_arm(struct ioat *ioat, uint16_t chanctrl);

/* Bring a channel that is just cleared into a state other than ACTIVE. */
void ioat_enter_state(struct ioat *ioat, unsigned channel_state);

/* Clear the channel and run descriptor 0, with a completion area at IOVA_WORD. */
void ioat_run_one(struct ioat *ioat, uint16_t chanctrl);

/* The completion word in memory. */
uint64_t ioat_word(struct ioat *ioat);

#endif
