// SPDX-License-Identifier: MIT
/* Why a nested domain of VT-d refuses a request: the codes of hw/vtd.md 8, and which comes first.
 */
#include "guest.h"

#include <sys/mman.h>

#define IOVA	(GIB(3) + MIB(6))
#define NOWHERE GIB(64) /* a GPA that the parent does not map */

/* A good page at IOVA, and then something is wrong with it. */
struct fault_row {
	void (*spoil)(struct guest *guest, unsigned level);
	unsigned levels; /* bit n: also at level n */
	uint32_t prots;	 /* which accesses are refused; others go through */
	iommu_fault_code code;
};

#define ALL_LEVELS 0xf
#define TABLES	   0xe

/* ---- first stage ---- */

static void not_present(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) &= ~P;
}

static void nothing_at_all(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) = 0;
}

static void supervisor(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) &= ~US;
}

static void read_only(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) &= ~RW;
}

static void large_at_the_top(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) |= PS;
}

/* An address bit below the size of the leaf; bit 12 is PAT there and means nothing. */
static void misaligned_leaf(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) = (uint64_t)1 << 13 | USER_RW | PS;
}

static void misaligned_leaf_at_its_top(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) = (uint64_t)1 << (11 + 9 * level) | USER_RW | PS;
}

static void table_nowhere(struct guest *g, unsigned level)
{
	*guest_entry(g, IOVA, level) = NOWHERE | USER_RW;
}

/* The host took away the memory of the entry, though the parent still maps it. */
static void entry_memory_gone(struct guest *g, unsigned level)
{
	uint64_t page = (uintptr_t)guest_entry(g, IOVA, level) & ~(PAGE - 1);

	assert_int_equal(mprotect((void *)page, PAGE, PROT_NONE), 0);
}

static void entry_memory_read_only(struct guest *g, unsigned level)
{
	uint64_t page = (uintptr_t)guest_entry(g, IOVA, level) & ~(PAGE - 1);

	assert_int_equal(mprotect((void *)page, PAGE, PROT_READ), 0);
}

/* ---- second stage ---- */

/* What the parent has for a GPA becomes `prot`; 0: nothing. */
static void remap(struct guest *g, uint64_t gpa, uint32_t prot)
{
	struct base_list trash = BASE_LIST_INIT(trash);

	/* The domain itself would refuse PGTABLE_READ alone. */
	pgtable_unmap(&g->parent->pt, gpa, PAGE, &trash);
	if (prot)
		assert_int_equal(pgtable_map(&g->parent->pt, gpa, (uintptr_t)g->ram + gpa, PAGE,
					     prot, UINT64_MAX),
				 0);
	pgtable_trash_free(&trash);
	iommu_domain_flush(g->parent);
}

static uint64_t gpa_of_entry(struct guest *g, unsigned level)
{
	return base_align_down((uint8_t *)guest_entry(g, IOVA, level) - g->ram, PAGE);
}

static void entry_not_mapped(struct guest *g, unsigned level)
{
	remap(g, gpa_of_entry(g, level), 0);
}

static void entry_not_readable(struct guest *g, unsigned level)
{
	remap(g, gpa_of_entry(g, level), WRITE);
}

static void entry_not_writable(struct guest *g, unsigned level)
{
	remap(g, gpa_of_entry(g, level), READ);
}

static void output_not_mapped(struct guest *g, unsigned level)
{
	remap(g, GUEST_DATA + level, 0);
}

static void output_not_writable(struct guest *g, unsigned level)
{
	remap(g, GUEST_DATA + level, READ);
}

static void output_not_readable(struct guest *g, unsigned level)
{
	remap(g, GUEST_DATA + level, WRITE);
}

static void output_nowhere(struct guest *g, unsigned level)
{
	guest_map(g, IOVA, NOWHERE, level, USER_RW);
}

static void output_too_wide(struct guest *g, unsigned level)
{
	guest_map(g, IOVA, (uint64_t)1 << 48, level, USER_RW);
}

static void output_much_too_wide(struct guest *g, unsigned level)
{
	guest_map(g, IOVA, 0x000ffffffffff000, level, USER_RW);
}

static void output_is_the_interrupt_window(struct guest *g, unsigned level)
{
	guest_map(g, IOVA, 0xfee01000, level, USER_RW);
}

static void output_memory_gone(struct guest *g, unsigned level)
{
	(void)level;
	assert_int_equal(mprotect(g->ram + GUEST_DATA, PAGE, PROT_NONE), 0);
}

static void access_word(struct guest *g, uint32_t pasid, uint32_t prot)
{
	if (prot == WRITE)
		store_word(g->device, pasid, IOVA, 3);
	else
		expect_word(g->device, pasid, IOVA, 0);
}

/* A fresh guest for each access: none may profit from what another one cached or set. */
static void check_access(const struct fault_row *row, unsigned level, uint32_t prot, uint32_t pasid)
{
	struct iommu_fault_record record;
	struct guest g;

	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	row->spoil(&g, level);
	if (row->prots & prot) {
		expect_refused(g.device, pasid, IOVA, prot, row->code);
		iommu_last_fault(g.rig.iommu, &record);
		assert_int_equal(record.count, 1);
		assert_int_equal(record.pasid, pasid);
		assert_int_equal(record.last.code, row->code);
	} else {
		access_word(&g, pasid, prot);
	}
	mprotect(g.ram, GUEST_SIZE, PROT_READ | PROT_WRITE);
	guest_fini(&g);
}

static void check_row(void **state)
{
	const struct fault_row *row = *state;

	for (unsigned level = 0; level < 4; level++) {
		if (!(row->levels & 1u << level))
			continue;
		check_access(row, level, READ, 0);
		check_access(row, level, WRITE, GUEST_PASID);
	}
}

/* ---- addresses ---- */

static void addresses_must_be_canonical(void **state)
{
	static const uint64_t bad[] = {0x800000000000, 0x1000000000000, 0x7fffffffffffffff & ~7ull,
				       0x8000000000000000, 0xffff7ffffffffff8};
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	for (size_t i = 0; i < base_array_size(bad); i++) {
		expect_refused(g.device, 0, bad[i], READ, IOMMU_FAULT_NOT_CANONICAL);
		expect_refused(g.device, GUEST_PASID, bad[i], WRITE, IOMMU_FAULT_NOT_CANONICAL);
	}
	expect_refused(g.device, 0, 0x7ffffffffff8, READ, IOMMU_FAULT_S1_PRESENT);
	expect_refused(g.device, 0, 0xffff800000000000, READ, IOMMU_FAULT_S1_PRESENT);
	guest_fini(&g);
}

static void a_root_nowhere_cannot_be_read(void **state)
{
	static const uint64_t roots[] = {NOWHERE, GUEST_SIZE};
	struct iommu_domain *nested;
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	for (size_t i = 0; i < base_array_size(roots); i++) {
		assert_int_equal(nested_new(g.device, g.parent, roots[i], 48, &nested), 0);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, nested), 0);
		expect_refused(g.device, 0, IOVA, READ, IOMMU_FAULT_S1_NO_READ);
		expect_refused(g.device, 0, (uint64_t)1 << 47, READ, IOMMU_FAULT_NOT_CANONICAL);
		assert_int_equal(iommu_group_replace(g.rig.group, 0, g.nested), 0);
		iommu_domain_free(nested);
	}
	guest_fini(&g);
}

static void nothing_attached_is_blocked(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, USER_RW);
	iommu_group_detach(g.rig.group, 0);
	expect_refused(g.device, 0, IOVA, READ, IOMMU_FAULT_BLOCKED);
	expect_word(g.device, GUEST_PASID, IOVA, 0);
	expect_refused(g.device, GUEST_PASID + 1, IOVA, WRITE, IOMMU_FAULT_BLOCKED);
	guest_fini(&g);
}

/* ---- which of several reasons ---- */

struct order_row {
	uint64_t bits; /* of the 2 MiB entry */
	uint32_t prot;
	iommu_fault_code code;
};

#define RESERVED ((uint64_t)1 << 13)

/* Not present, user, write, reserved: in this order. */
static const struct order_row order_rows[] = {
	{RESERVED | PS, READ, IOMMU_FAULT_S1_PRESENT},
	{RESERVED | PS | RW | US, WRITE, IOMMU_FAULT_S1_PRESENT},
	{RESERVED | PS | P, WRITE, IOMMU_FAULT_USER},
	{RESERVED | PS | P | RW, READ, IOMMU_FAULT_USER},
	{RESERVED | PS | P | US, WRITE, IOMMU_FAULT_NO_WRITE},
	{RESERVED | PS | P | US, READ, IOMMU_FAULT_S1_RESERVED},
	{RESERVED | PS | P | US | RW, WRITE, IOMMU_FAULT_S1_RESERVED},
};

static void the_first_reason_is_reported(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	for (size_t i = 0; i < base_array_size(order_rows); i++) {
		*guest_entry(&g, IOVA, 1) = order_rows[i].bits;
		iommu_domain_flush(g.nested);
		expect_refused(g.device, 0, IOVA, order_rows[i].prot, order_rows[i].code);
		/* Nothing was used, so nothing is marked. */
		assert_int_equal(*guest_entry(&g, IOVA, 1), order_rows[i].bits);
	}
	guest_fini(&g);
}

/* Each level is checked before the next one is read. */
static void upper_levels_come_first(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g, KIB(4));
	guest_map(&g, IOVA, GUEST_DATA, 0, P);
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_USER);
	*guest_entry(&g, IOVA, 1) &= ~RW;
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_NO_WRITE);
	*guest_entry(&g, IOVA, 2) = NOWHERE | USER_RW;
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_S1_NO_READ);
	*guest_entry(&g, IOVA, 3) |= PS;
	expect_refused(g.device, 0, IOVA, WRITE, IOMMU_FAULT_S1_RESERVED);
	guest_fini(&g);
}

/* A test of its own for each way to spoil the page. */
#define ROW(spoil_, levels_, prots_, code_)                                      \
	{                                                                        \
		.name = #spoil_ "_is_" #code_, .test_func = check_row,           \
		.initial_state = &(struct fault_row)                             \
		{                                                                \
			.spoil = spoil_, .levels = (levels_), .prots = (prots_), \
			.code = IOMMU_FAULT_##code_                              \
		}                                                                \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(not_present, ALL_LEVELS, BOTH, S1_PRESENT),
		ROW(nothing_at_all, ALL_LEVELS, BOTH, S1_PRESENT),
		ROW(supervisor, ALL_LEVELS, BOTH, USER),
		ROW(read_only, ALL_LEVELS, WRITE, NO_WRITE),
		ROW(large_at_the_top, 0x8, BOTH, S1_RESERVED),
		ROW(misaligned_leaf, 0x6, BOTH, S1_RESERVED),
		ROW(misaligned_leaf_at_its_top, 0x6, BOTH, S1_RESERVED),
		ROW(table_nowhere, TABLES, BOTH, S1_NO_READ),
		ROW(entry_memory_gone, ALL_LEVELS, BOTH, S1_ACCESS),
		ROW(entry_memory_read_only, ALL_LEVELS, BOTH, S1_NO_UPDATE),
		ROW(entry_not_mapped, ALL_LEVELS, BOTH, S1_NO_READ),
		ROW(entry_not_readable, ALL_LEVELS, BOTH, S1_NO_READ),
		ROW(entry_not_writable, ALL_LEVELS, BOTH, S1_NO_UPDATE),
		ROW(output_not_mapped, 0x1, BOTH, NOT_MAPPED),
		ROW(output_not_writable, 0x1, WRITE, NO_WRITE),
		ROW(output_not_readable, 0x1, READ, NO_READ),
		ROW(output_nowhere, 0x7, BOTH, NOT_MAPPED),
		ROW(output_too_wide, 0x7, BOTH, TOO_WIDE),
		ROW(output_much_too_wide, 0x1, BOTH, TOO_WIDE),
		ROW(output_is_the_interrupt_window, 0x1, BOTH, INTERRUPT),
		ROW(output_memory_gone, 0x1, BOTH, ACCESS),
		cmocka_unit_test(addresses_must_be_canonical),
		cmocka_unit_test(a_root_nowhere_cannot_be_read),
		cmocka_unit_test(nothing_attached_is_blocked),
		cmocka_unit_test(the_first_reason_is_reported),
		cmocka_unit_test(upper_levels_come_first),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
