// SPDX-License-Identifier: MIT
/* The walk through a guest's own x86-64 table, in a small fake memory. */
#include "common.h"

#include <errno.h>

#define MEMORY_GPA   0x7000ull
#define MEMORY_PAGES 8

#define P   0x1ull
#define RW  0x2ull
#define US  0x4ull
#define A   0x20ull
#define D   0x40ull
#define PS  0x80ull
#define PAT 0x1000ull
#define XD  0x8000000000000000ull

/* Tables in the pages of the memory: PML5, PML4, PDPT, PD, PT. */
#define PAGE(n)	 (MEMORY_GPA + (n)*4096ull)
#define TABLE(n) (PAGE(n) | P | RW | US)

/* Index 5 in the PML5, then 1, 2, 3 and 4. */
#define IOVA  0x0005008080604123ull
#define IOVA4 (IOVA & 0xffffffffffffull)

struct memory {
	uint64_t entry[MEMORY_PAGES * 512];
	unsigned loads, swaps;
	uint64_t read_only;			  /* GPA of an entry that cannot be updated */
	void (*interfere)(struct memory *memory); /* just before a swap; once */
};

static uint64_t *memory_at(struct memory *memory, uint64_t gpa)
{
	assert_int_equal(gpa % 8, 0);
	if (gpa < MEMORY_GPA || gpa >= PAGE(MEMORY_PAGES))
		return NULL;
	return &memory->entry[(gpa - MEMORY_GPA) / 8];
}

static int memory_load(void *ctx, uint64_t gpa, uint64_t *value)
{
	struct memory *memory = ctx;
	uint64_t *entry = memory_at(memory, gpa);

	memory->loads++;
	if (!entry)
		return -EFAULT;
	*value = *entry;
	return 0;
}

static int memory_cas(void *ctx, uint64_t gpa, uint64_t *expected, uint64_t desired, bool *swapped)
{
	struct memory *memory = ctx;
	void (*interfere)(struct memory * memory) = memory->interfere;
	uint64_t *entry = memory_at(memory, gpa);

	if (!entry || gpa == memory->read_only)
		return -EFAULT;
	memory->interfere = NULL;
	if (interfere)
		interfere(memory);
	*swapped = *entry == *expected;
	if (*swapped)
		*entry = desired;
	else
		*expected = *entry;
	memory->swaps += *swapped;
	return 0;
}

static enum pgtable_fault walk(struct memory *memory, unsigned levels, uint64_t iova, uint32_t prot,
			       struct pgtable_leaf *leaf)
{
	struct pgtable_guest guest = {memory, memory_load, memory_cas};

	return pgtable_guest_walk_x86_64(&guest, PAGE(5 - levels), levels, iova, prot, leaf);
}

/* IOVA mapped to 0xabcde000 by a 4 KiB page that allows everything; nothing accessed yet. */
static struct memory *fresh(void)
{
	static struct memory memory;

	memory = (struct memory){.read_only = UINT64_MAX};
	memory.entry[0 * 512 + 5] = TABLE(1);
	memory.entry[1 * 512 + 1] = TABLE(2);
	memory.entry[2 * 512 + 2] = TABLE(3);
	memory.entry[3 * 512 + 3] = TABLE(4);
	memory.entry[4 * 512 + 4] = 0xabcde000 | P | RW | US;
	return &memory;
}

#define PML5E(m) ((m)->entry[0 * 512 + 5])
#define PML4E(m) ((m)->entry[1 * 512 + 1])
#define PDPTE(m) ((m)->entry[2 * 512 + 2])
#define PDE(m)	 ((m)->entry[3 * 512 + 3])
#define PTE(m)	 ((m)->entry[4 * 512 + 4])

static void expect_walk(struct memory *memory, unsigned levels, uint32_t prot, uint64_t length,
			uint64_t pa, uint32_t leaf_prot)
{
	uint64_t iova = levels == 5 ? IOVA : IOVA4;
	struct pgtable_leaf leaf;

	assert_int_equal(walk(memory, levels, iova, prot, &leaf), PGTABLE_FAULT_NONE);
	assert_int_equal(leaf.start, iova & -length);
	assert_int_equal(leaf.last, iova | (length - 1));
	assert_int_equal(leaf.pa, pa);
	assert_int_equal(leaf.prot, leaf_prot);
}

static void expect_fault(struct memory *memory, unsigned levels, uint32_t prot,
			 enum pgtable_fault fault)
{
	struct pgtable_leaf leaf;

	assert_int_equal(walk(memory, levels, levels == 5 ? IOVA : IOVA4, prot, &leaf), fault);
}

static void read_sets_accessed_everywhere(void **state)
{
	struct memory *m = fresh();

	(void)state;
	expect_walk(m, 5, READ, KIB(4), 0xabcde000, READ);
	assert_int_equal(PML5E(m), TABLE(1) | A);
	assert_int_equal(PML4E(m), TABLE(2) | A);
	assert_int_equal(PDPTE(m), TABLE(3) | A);
	assert_int_equal(PDE(m), TABLE(4) | A);
	assert_int_equal(PTE(m), 0xabcde000 | P | RW | US | A);
	assert_int_equal(m->loads, 5);
	assert_int_equal(m->swaps, 5);
}

static void write_sets_dirty_in_the_leaf(void **state)
{
	struct memory *m = fresh();

	(void)state;
	expect_walk(m, 4, WRITE, KIB(4), 0xabcde000, BOTH);
	assert_int_equal(PML5E(m), TABLE(1));
	assert_int_equal(PML4E(m), TABLE(2) | A);
	assert_int_equal(PDE(m), TABLE(4) | A);
	assert_int_equal(PTE(m), 0xabcde000 | P | RW | US | A | D);
	assert_int_equal(m->swaps, 4);
}

static void bits_that_are_set_are_not_written_again(void **state)
{
	struct memory *m = fresh();

	(void)state;
	expect_walk(m, 4, WRITE, KIB(4), 0xabcde000, BOTH);
	m->swaps = 0;
	expect_walk(m, 4, WRITE, KIB(4), 0xabcde000, BOTH);
	expect_walk(m, 4, READ, KIB(4), 0xabcde000, BOTH);
	assert_int_equal(m->swaps, 0);
}

/* A cached copy of the leaf must not let the first write pass without D. */
static void clean_leaf_is_reported_read_only(void **state)
{
	struct memory *m = fresh();

	(void)state;
	expect_walk(m, 4, READ, KIB(4), 0xabcde000, READ);
	assert_int_equal(PTE(m) & D, 0);
	expect_walk(m, 4, BOTH, KIB(4), 0xabcde000, BOTH);
	assert_int_equal(PTE(m) & D, D);
}

static void large_leaves(void **state)
{
	struct memory *m = fresh();

	(void)state;
	PDE(m) = 0x1234567200000 | PS | PAT | P | RW | US;
	expect_walk(m, 4, WRITE, MIB(2), 0x1234567200000, BOTH);
	assert_int_equal(PDE(m), 0x1234567200000 | PS | PAT | P | RW | US | A | D);
	PDPTE(m) = 0xfffffc0000000 | PS | PAT | XD | P | US;
	expect_walk(m, 5, READ, GIB(1), 0xfffffc0000000, READ);
	assert_int_equal(PDPTE(m), 0xfffffc0000000 | PS | PAT | XD | P | US | A);
}

/* In a PTE bit 7 is PAT; the bits for software and no-execute mean nothing here. */
static void ignored_bits(void **state)
{
	uint64_t ignored = XD | 0x7ff0000000000000ull | 0xf18;
	struct memory *m = fresh();

	(void)state;
	PML4E(m) |= ignored;
	PDPTE(m) |= ignored;
	PDE(m) |= ignored | D;
	PTE(m) |= ignored | PS;
	expect_walk(m, 4, READ, KIB(4), 0xabcde000, READ);
	assert_int_equal(PTE(m), 0xabcde000 | P | RW | US | A | ignored | PS);
}

static void rights_are_anded(void **state)
{
	struct memory *m = fresh();

	(void)state;
	PTE(m) |= D;
	PDPTE(m) &= ~RW;
	expect_walk(m, 4, READ, KIB(4), 0xabcde000, READ);
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_PERM);
	expect_fault(m, 4, BOTH, PGTABLE_FAULT_PERM);
}

static void address_must_be_canonical(void **state)
{
	static const struct {
		unsigned levels;
		uint64_t iova;
		bool good;
	} rows[] = {
		{4, 0x00007fffffffffff, true},	{4, 0x0000800000000000, false},
		{4, 0xffff7fffffffffff, false}, {4, 0xffff800000000000, true},
		{4, UINT64_MAX, true},		{4, 0x0001000000000000, false},
		{5, 0x00ffffffffffffff, true},	{5, 0x0100000000000000, false},
		{5, 0xfeffffffffffffff, false}, {5, 0xff00000000000000, true},
	};
	struct memory *m = fresh();
	struct pgtable_leaf leaf;

	(void)state;
	for (unsigned i = 0; i < base_array_size(rows); i++) {
		m->loads = 0;
		assert_int_equal(walk(m, rows[i].levels, rows[i].iova, READ, &leaf),
				 rows[i].good ? PGTABLE_FAULT_PRESENT : PGTABLE_FAULT_CANONICAL);
		assert_int_equal(m->loads, rows[i].good);
	}
}

static void upper_half_is_walked(void **state)
{
	uint64_t iova = 0xffff808080604123ull;
	struct memory *m = fresh();
	struct pgtable_leaf leaf;

	(void)state;
	m->entry[1 * 512 + 257] = TABLE(2);
	assert_int_equal(walk(m, 4, iova, READ, &leaf), PGTABLE_FAULT_NONE);
	assert_int_equal(leaf.start, iova & -KIB(4));
	assert_int_equal(leaf.last, iova | 4095);
	assert_int_equal(leaf.pa, 0xabcde000);
}

/* The same damage at each level gives the same fault, and nothing below is touched. */
static void faults_at_each_level(void **state)
{
	static const struct {
		uint64_t clear, set;
		uint32_t prot;
		enum pgtable_fault fault;
	} rows[] = {
		{P, 0, READ, PGTABLE_FAULT_PRESENT},
		{P | US | RW, PS, WRITE, PGTABLE_FAULT_PRESENT},
		{US, 0, READ, PGTABLE_FAULT_USER},
		{US | RW, 0, WRITE, PGTABLE_FAULT_USER},
		{RW, 0, WRITE, PGTABLE_FAULT_PERM},
	};

	(void)state;
	for (unsigned i = 0; i < base_array_size(rows); i++) {
		for (unsigned level = 0; level < 5; level++) {
			struct memory *m = fresh();
			uint64_t *entry = &m->entry[level * 512 + (level ? level : 5)];
			uint64_t value = (*entry & ~rows[i].clear) | rows[i].set;

			*entry = value;
			expect_fault(m, 5, rows[i].prot, rows[i].fault);
			assert_int_equal(*entry, value);
			assert_int_equal(m->loads, level + 1);
			assert_int_equal(m->swaps, level);
		}
	}
}

static void reserved_bits_fault(void **state)
{
	struct memory *m;

	(void)state;
	for (unsigned bit = 13; bit <= 29; bit++) {
		m = fresh();
		PDPTE(m) = GIB(8) | (uint64_t)1 << bit | PS | P | RW | US;
		expect_fault(m, 4, READ, PGTABLE_FAULT_RESERVED);
		if (bit > 20)
			continue;
		m = fresh();
		PDE(m) = GIB(8) | (uint64_t)1 << bit | PS | P | RW | US;
		expect_fault(m, 4, READ, PGTABLE_FAULT_RESERVED);
	}
	m = fresh();
	PML4E(m) |= PS;
	expect_fault(m, 4, READ, PGTABLE_FAULT_RESERVED);
	assert_int_equal(m->swaps, 0);
	m = fresh();
	PML5E(m) |= PS;
	expect_fault(m, 5, READ, PGTABLE_FAULT_RESERVED);
}

/* Each check hides the ones after it: 4.5. */
static void order_of_checks(void **state)
{
	struct memory *m = fresh();
	uint64_t bad = GIB(8) | MIB(1) | PS; /* a large leaf with a reserved bit */

	(void)state;
	PDE(m) = bad;
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_PRESENT);
	PDE(m) = bad | P;
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_USER);
	PDE(m) = bad | P | US;
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_PERM);
	PDE(m) = bad | P | US | RW;
	m->read_only = PAGE(3) + 3 * 8;
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_RESERVED);
	PDE(m) &= ~MIB(1);
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_UPDATE);
}

static void table_outside_memory_is_an_access_fault(void **state)
{
	struct memory *m = fresh();
	struct pgtable_leaf leaf;

	(void)state;
	PDE(m) = 0xffffff000 | P | RW | US;
	expect_fault(m, 4, READ, PGTABLE_FAULT_ACCESS);
	assert_int_equal(PDE(m), 0xffffff000 | P | RW | US | A);
	assert_int_equal(pgtable_guest_walk_x86_64(&(struct pgtable_guest){m, memory_load,
									   memory_cas},
						   0, 4, IOVA4, READ, &leaf),
			 PGTABLE_FAULT_ACCESS);
}

static void update_that_fails_is_a_fault(void **state)
{
	struct memory *m = fresh();

	(void)state;
	m->read_only = PAGE(4) + 4 * 8;
	expect_fault(m, 4, READ, PGTABLE_FAULT_UPDATE);
	PTE(m) |= A;
	expect_walk(m, 4, READ, KIB(4), 0xabcde000, READ);
	expect_fault(m, 4, WRITE, PGTABLE_FAULT_UPDATE);
	PTE(m) |= D;
	expect_walk(m, 4, WRITE, KIB(4), 0xabcde000, BOTH);
}

static void guest_moves_the_page(struct memory *m)
{
	PTE(m) = 0xfeed000 | P | RW | US;
}

static void guest_unmaps_the_page(struct memory *m)
{
	PTE(m) = 0;
}

static void guest_maps_a_large_page(struct memory *m)
{
	PML4E(m) |= A;
	PDPTE(m) = GIB(5) | PS | P | RW | US;
}

/* The guest changes an entry between its load and its update: the walk starts again. */
static void changed_entry_is_walked_again(void **state)
{
	struct memory *m = fresh();

	(void)state;
	PML4E(m) |= A;
	PDPTE(m) |= A;
	PDE(m) |= A;
	m->interfere = guest_moves_the_page;
	expect_walk(m, 4, WRITE, KIB(4), 0xfeed000, BOTH);
	assert_int_equal(m->loads, 8);
	assert_int_equal(PTE(m), 0xfeed000 | P | RW | US | A | D);
	PTE(m) &= ~(A | D);
	m->interfere = guest_unmaps_the_page;
	expect_fault(m, 4, READ, PGTABLE_FAULT_PRESENT);
	assert_int_equal(PTE(m), 0);
	m = fresh();
	m->interfere = guest_maps_a_large_page;
	expect_walk(m, 4, READ, GIB(1), GIB(5), READ);
	assert_int_equal(PDE(m), TABLE(4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_sets_accessed_everywhere),
		cmocka_unit_test(write_sets_dirty_in_the_leaf),
		cmocka_unit_test(bits_that_are_set_are_not_written_again),
		cmocka_unit_test(clean_leaf_is_reported_read_only),
		cmocka_unit_test(large_leaves),
		cmocka_unit_test(ignored_bits),
		cmocka_unit_test(rights_are_anded),
		cmocka_unit_test(address_must_be_canonical),
		cmocka_unit_test(upper_half_is_walked),
		cmocka_unit_test(faults_at_each_level),
		cmocka_unit_test(reserved_bits_fault),
		cmocka_unit_test(order_of_checks),
		cmocka_unit_test(table_outside_memory_is_an_access_fault),
		cmocka_unit_test(update_that_fails_is_a_fault),
		cmocka_unit_test(changed_entry_is_walked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
