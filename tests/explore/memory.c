// SPDX-License-Identifier: MIT
/*
 * base/alloc.h for exploration: an arena, in which freed blocks stay poisoned
 * until the schedule ends, and where every access is checked.
 */
#include "engine.h"
#include "base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BASE ((uintptr_t)0x500000000000)
#define PART_SIZE  ((size_t)32 << 20) /* of one thread */
#define ARENA_SIZE (PART_SIZE * THREADS)
#define UNIT	   16 /* blocks begin at multiples, with one unit between them */
#define CELL	   8
#define BLOCKS_MAX 16384

#define POISON 0xdd
#define FRESH  0xa5 /* not initialised */

enum unit_state { UNIT_NONE, UNIT_ALIVE, UNIT_FREED };

struct block {
	uint8_t *start;
	size_t size;
	uintptr_t pc, freed_pc;
	uint8_t thread, freed_by;
	bool freed;
};

/* How memory is used: by plain loads and stores, or by atomics. */
enum use { USE_READ, USE_WRITE, USE_ATOMIC_READ, USE_ATOMIC_WRITE, USES };

/* Who has used eight bytes last, how, and which of them. */
struct cell {
	uint32_t schedule;
	uint8_t users; /* threads, a bit each */
	uint8_t mask[USES][THREADS];
	uint32_t clock[USES][THREADS];
};

/* What must be ordered with what: not two reads, and not two atomics. */
static const uint8_t conflicts[USES] = {
	[USE_READ] = 1 << USE_WRITE | 1 << USE_ATOMIC_WRITE,
	[USE_WRITE] = 1 << USE_READ | 1 << USE_WRITE | 1 << USE_ATOMIC_READ | 1 << USE_ATOMIC_WRITE,
	[USE_ATOMIC_READ] = 1 << USE_WRITE,
	[USE_ATOMIC_WRITE] = 1 << USE_READ | 1 << USE_WRITE,
};

static uint8_t *units;	   /* enum unit_state of each unit */
static struct cell *cells; /* of every 8 bytes */
static uint32_t schedule = 1;

static struct part {
	uintptr_t next;
	struct block blocks[BLOCKS_MAX];
	size_t count;
	uintptr_t kept_next;
	size_t kept_count;
} parts[THREADS];
static size_t alive, kept_alive;

static void *reserve(uintptr_t at, size_t size)
{
	void *addr =
		mmap((void *)at, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0),
		     -1, 0);

	if (addr == MAP_FAILED || (at && (uintptr_t)addr != at))
		engine_fail("no memory for the arena");
	return addr;
}

void memory_init(void)
{
	reserve(ARENA_BASE, ARENA_SIZE);
	units = reserve(0, ARENA_SIZE / UNIT);
	cells = reserve(0, ARENA_SIZE / CELL * sizeof(*cells));
	for (unsigned i = 0; i < THREADS; i++)
		parts[i].next = ARENA_BASE + i * PART_SIZE;
	memory_keep();
}

void memory_keep(void)
{
	for (unsigned i = 0; i < THREADS; i++) {
		parts[i].kept_next = parts[i].next;
		parts[i].kept_count = parts[i].count;
	}
	kept_alive = alive;
}

static size_t offset_of(uintptr_t addr)
{
	return addr - ARENA_BASE;
}

static void set_units(const void *start, size_t size, enum unit_state state)
{
	memset(&units[offset_of((uintptr_t)start) / UNIT], state, (size + UNIT - 1) / UNIT);
}

void memory_reset(void)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct part *part = &parts[i];

		if (part->next > part->kept_next)
			set_units((void *)part->kept_next, part->next - part->kept_next, UNIT_NONE);
		part->next = part->kept_next;
		part->count = part->kept_count;
	}
	alive = kept_alive;
	schedule++;
}

static void check_poison(const struct block *block)
{
	/* Each byte is as the one before. */
	if (block->size &&
	    (block->start[0] != POISON || memcmp(block->start, block->start + 1, block->size - 1)))
		engine_fail("freed memory was written to: %zu bytes of thread %u", block->size,
			    block->thread);
}

void memory_check(void)
{
	for (unsigned i = 0; i < THREADS; i++)
		for (size_t n = parts[i].kept_count; n < parts[i].count; n++) {
			const struct block *block = &parts[i].blocks[n];

			if (block->freed) {
				check_poison(block);
				continue;
			}
			fprintf(stderr, "never freed: %zu bytes of thread %u, from ", block->size,
				i);
			report_place(block->pc);
			fprintf(stderr, "\n");
		}
	if (alive != kept_alive)
		engine_fail("%zu allocations are left after the end", alive - kept_alive);
}

/* ---- blocks ---- */

static struct block *block_at(const void *addr)
{
	struct part *part = &parts[offset_of((uintptr_t)addr) / PART_SIZE];
	size_t low = 0, high = part->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (part->blocks[middle].start <= (uint8_t *)addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &part->blocks[low - 1] : NULL;
}

static bool is_ours(uintptr_t addr)
{
	return addr - ARENA_BASE < ARENA_SIZE;
}

bool memory_is_ours(const volatile void *addr)
{
	return is_ours((uintptr_t)addr);
}

void memory_name(const void *addr, char *text, size_t size)
{
	struct block *block = is_ours((uintptr_t)addr) ? block_at(addr) : NULL;

	if (!block)
		snprintf(text, size, "%p", addr);
	else
		snprintf(text, size, "%c%zu+%#zx", block->thread ? 'a' + block->thread - 1 : 's',
			 (size_t)(block - parts[block->thread].blocks),
			 (size_t)((uint8_t *)addr - block->start));
}

static void *take(size_t align, size_t size, int fill, uintptr_t pc)
{
	unsigned thread = engine_self();
	struct part *part = &parts[thread];
	uintptr_t start = (part->next + UNIT + align - 1) & ~(align - 1);
	struct block *block = &part->blocks[part->count];

	if (part->count == BLOCKS_MAX || start + size > ARENA_BASE + (thread + 1) * PART_SIZE)
		engine_fail("the arena is full");
	part->count++;
	part->next = start + (size + UNIT - 1) / UNIT * UNIT;
	*block = (struct block){.start = (uint8_t *)start,
				.size = size,
				.pc = pc,
				.thread = (uint8_t)thread};
	set_units((void *)start, size, UNIT_ALIVE);
	memset((void *)start, fill, size);
	__atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
	return (void *)start;
}

static void __attribute__((noreturn)) dead(const void *addr, const char *what, uintptr_t pc)
{
	struct block *block = block_at(addr);

	fprintf(stderr, "%s, in ", what);
	report_place(pc);
	if (block) {
		fprintf(stderr, "\n  block of %zu bytes, offset %zd, from ", block->size,
			(uint8_t *)addr - block->start);
		report_place(block->pc);
	}
	if (block && block->freed) {
		fprintf(stderr, "\n  freed by thread %c in ", 'a' + block->freed_by - 1);
		report_place(block->freed_pc);
	}
	fprintf(stderr, "\n");
	engine_fail("%s", what);
}

void memory_alive(const volatile void *addr, size_t size, uintptr_t pc)
{
	size_t first, last;

	if (!is_ours((uintptr_t)addr))
		return;
	first = offset_of((uintptr_t)addr) / UNIT;
	last = offset_of((uintptr_t)addr + size - 1) / UNIT;
	for (; first <= last; first++)
		if (base_unlikely(units[first] != UNIT_ALIVE))
			dead((const void *)addr,
			     units[first] == UNIT_FREED ? "use after free" : "use beyond a block",
			     pc);
}

/* ---- races ---- */

/* Bytes of a cell that one access uses. */
static uint8_t mask_of(uintptr_t cell, uintptr_t start, uintptr_t end)
{
	unsigned from = start > cell ? (unsigned)(start - cell) : 0;
	unsigned to = end < cell + CELL ? (unsigned)(end - cell) : CELL;

	return (uint8_t)((1u << to) - (1u << from));
}

static void mark(uint8_t *mask, uint32_t *clock, uint8_t bytes)
{
	uint32_t now = engine_clock();

	*mask = *clock == now ? *mask | bytes : bytes;
	*clock = now;
}

static void check_order(const struct cell *cell, uint8_t bytes, enum use use, const void *addr,
			uintptr_t pc)
{
	static const char *const names[USES] = {"read", "write", "atomic read", "atomic write"};
	unsigned other, earlier;
	char text[80];

	for (other = 1; other < THREADS; other++)
		for (earlier = 0; earlier < USES; earlier++) {
			if (other == engine_self() || !(conflicts[use] >> earlier & 1) ||
			    !(cell->mask[earlier][other] & bytes) ||
			    engine_is_ordered(other, cell->clock[earlier][other]))
				continue;
			snprintf(text, sizeof(text), "data race: %s after %s of thread %c",
				 names[use], names[earlier], 'a' + (char)other - 1);
			dead(addr, text, pc);
		}
}

static void cell_use(struct cell *cell, uint8_t bytes, enum use use, const void *addr, uintptr_t pc)
{
	unsigned self = engine_self();

	if (cell->schedule != schedule)
		*cell = (struct cell){.schedule = schedule};
	if (cell->users & ~(1u << self))
		check_order(cell, bytes, use, addr, pc);
	cell->users |= (uint8_t)(1u << self);
	mark(&cell->mask[use][self], &cell->clock[use][self], bytes);
}

static void use_memory(const volatile void *addr, size_t size, enum use use, uintptr_t pc)
{
	uintptr_t start = (uintptr_t)addr, end = start + size;

	if (!engine_on || !is_ours(start) || !engine_self())
		return;
	memory_alive(addr, size, pc);
	for (uintptr_t cell = start & ~(uintptr_t)(CELL - 1); cell < end; cell += CELL)
		cell_use(&cells[offset_of(cell) / CELL], mask_of(cell, start, end), use,
			 (const void *)addr, pc);
}

void memory_access(const volatile void *addr, size_t size, bool write, uintptr_t pc)
{
	use_memory(addr, size, write ? USE_WRITE : USE_READ, pc);
}

void memory_atomic(const volatile void *addr, size_t size, bool write, uintptr_t pc)
{
	use_memory(addr, size, write ? USE_ATOMIC_WRITE : USE_ATOMIC_READ, pc);
}

/* ---- base/alloc.h ---- */

#define CALLER ((uintptr_t)__builtin_return_address(0))

void *base_alloc(size_t size)
{
	return take(UNIT, size, FRESH, CALLER);
}

void *base_zalloc(size_t size)
{
	return take(UNIT, size, 0, CALLER);
}

void *base_zalloc_aligned(size_t align, size_t size)
{
	return take(align < UNIT ? UNIT : align, size, 0, CALLER);
}

void base_free(void *ptr)
{
	struct block *block;

	if (!ptr)
		return;
	block = is_ours((uintptr_t)ptr) ? block_at(ptr) : NULL;
	if (!block || block->start != ptr || block->freed)
		dead(ptr, block && block->freed ? "double free" : "free of what was not allocated",
		     CALLER);
	/* To free is to write to all of it. */
	memory_access(ptr, block->size, true, CALLER);
	engine_freed(ptr, block->size);
	block->freed = true;
	block->freed_pc = CALLER;
	block->freed_by = (uint8_t)engine_self();
	set_units(ptr, block->size, UNIT_FREED);
	memset(ptr, POISON, block->size);
	__atomic_sub_fetch(&alive, 1, __ATOMIC_RELAXED);
}

size_t base_alloc_count(void)
{
	return alive - kept_alive;
}

void base_fail_nth(unsigned nth)
{
	(void)nth;
}

unsigned base_fail_pending(void)
{
	return 0;
}

bool base_fail_here(void)
{
	return false;
}
