// SPDX-License-Identifier: MIT
/* The fuzzer's memory, always at the same addresses. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Far from everything else: a range that begins here and is as long as a power of two
 * ends where there is nothing, so that no call reaches the fuzzer's own memory.
 */
#define BASE 0x300000000000ull

struct piece {
	uint64_t start, pages;
	int prot;
};

/* What can be mapped. Behind each there is nothing. */
static const struct piece pieces[] = {
	{BASE, 1024, PROT_READ | PROT_WRITE},
	{BASE + 0x1000000, 16, PROT_READ},
	{BASE + 0x2000000, 16, PROT_READ | PROT_WRITE},
	{BASE + 0x2020000, 8, PROT_READ | PROT_WRITE},
	{BASE + 0x3000000, 16, PROT_READ | PROT_WRITE}, /* changes */
};
#define CHANGING (&pieces[4])

#define WINDOWS	     (BASE + 0x8000000)
#define WINDOW_PAGES 2

enum view {
	WRITABLE,
	HALF, /* the second page is constant */
	CONSTANT,
	VIEWS,
};

static void *pointer(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static void check(bool good, const char *what)
{
	if (!good)
		fuzz_finding(what);
}

static uint8_t *view_at(enum fuzz_window window, enum view view)
{
	return pointer(WINDOWS + ((uint64_t)window * VIEWS + view) * 16 * FUZZ_PAGE);
}

static void make_window(enum fuzz_window window)
{
	static const int prots[VIEWS][WINDOW_PAGES] = {
		[WRITABLE] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE},
		[HALF] = {PROT_READ | PROT_WRITE, PROT_READ},
		[CONSTANT] = {PROT_READ, PROT_READ},
	};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0 && !ftruncate(fd, WINDOW_PAGES * FUZZ_PAGE), "no memory for a window");
	for (enum view view = 0; view < VIEWS; view++)
		for (unsigned page = 0; page < WINDOW_PAGES; page++) {
			uint8_t *at = view_at(window, view) + page * FUZZ_PAGE;

			check(mmap(at, FUZZ_PAGE, prots[view][page],
				   MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
				   (off_t)(page * FUZZ_PAGE)) == at,
			      "no memory for a view");
		}
	close(fd);
}

void fuzz_memory_init(void)
{
	for (size_t i = 0; i < FUZZ_COUNT(pieces); i++) {
		void *at = pointer(pieces[i].start);

		check(mmap(at, pieces[i].pages * FUZZ_PAGE, pieces[i].prot,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
			   0) == at,
		      "no memory");
	}
	for (enum fuzz_window window = 0; window < FUZZ_WINDOWS; window++)
		make_window(window);
}

void fuzz_memory_reset(void)
{
	for (size_t i = 0; i < FUZZ_COUNT(pieces); i++)
		madvise(pointer(pieces[i].start), pieces[i].pages * FUZZ_PAGE, MADV_DONTNEED);
	mprotect(pointer(CHANGING->start), CHANGING->pages * FUZZ_PAGE, CHANGING->prot);
	for (enum fuzz_window window = 0; window < FUZZ_WINDOWS; window++)
		memset(view_at(window, WRITABLE), 0, WINDOW_PAGES * FUZZ_PAGE);
}

struct fuzz_place fuzz_place(enum fuzz_window window, uint8_t choice, size_t size)
{
	size_t edge = WINDOW_PAGES * FUZZ_PAGE, some = choice >> 3, at = 64;
	enum view view = WRITABLE;

	switch (choice & 7) {
	case 1: at = edge - size; break;
	case 2: at = edge - some; break;
	case 3: at = FUZZ_PAGE - some, view = HALF; break;
	case 4: at = FUZZ_PAGE - 8 * some, view = HALF; break;
	case 5: view = CONSTANT; break;
	case 6: at = 64 + some; break;
	case 7: return (struct fuzz_place){some * FUZZ_PAGE, NULL, 0};
	}
	return (struct fuzz_place){(uint64_t)(uintptr_t)view_at(window, view) + at,
				   view_at(window, WRITABLE) + at, edge - at};
}

uint64_t fuzz_address(struct fuzz_input *in)
{
	static const uint64_t elsewhere[] = {
		0,	    FUZZ_PAGE,	BASE - FUZZ_PAGE, BASE + 0x7000000,
		1ull << 47, 1ull << 63, UINT64_MAX,	  UINT64_MAX & ~(uint64_t)4095};
	static const uint16_t within[] = {0, 2048, 1, 8, 4095, 0x804, 1024, 512};
	uint8_t piece = fuzz_byte(in), page = fuzz_byte(in);
	uint64_t offset = within[piece >> 5];

	piece &= 31;
	if (piece >= 16)
		return elsewhere[piece % FUZZ_COUNT(elsewhere)] + offset;
	/* Large steps only in what is large. */
	offset += page * FUZZ_PAGE * (page & 1 ? 1 : 8);
	return pieces[piece % FUZZ_COUNT(pieces)].start + offset;
}

void fuzz_memory_change(struct fuzz_input *in)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
	uint8_t what = fuzz_byte(in), page = fuzz_byte(in) % CHANGING->pages;

	mprotect(pointer(CHANGING->start + page * FUZZ_PAGE), (CHANGING->pages - page) * FUZZ_PAGE,
		 prots[what % FUZZ_COUNT(prots)]);
}

/* Four pages of eight entries each, and the last entry of each page. */
void fuzz_memory_poke(struct fuzz_input *in)
{
	uint8_t where = fuzz_byte(in), bits = fuzz_byte(in);
	uint64_t value = fuzz_iova(in) ^ bits;
	size_t slot = where & 15, page = where >> 4 & 3;

	if (slot == 15)
		slot = 511;
	memcpy((uint8_t *)pointer(BASE) + page * FUZZ_PAGE + slot * 8, &value, 8);
}
