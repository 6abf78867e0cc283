// SPDX-License-Identifier: MIT
/* The exact bits that map writes, computed by hand from pgtable-formats.md. */
#include "common.h"

/* The entry for iova at a level (0: lowest); `table_pa` decodes the entries above. */
static uint64_t entry_at(const struct pgtable *pt, uint64_t iova, unsigned level,
			 unsigned granule_lg2, uint64_t (*table_pa)(uint64_t entry, unsigned level))
{
	const uint64_t *table = pt->root;

	for (unsigned at = pt->levels - 1;; at--) {
		uint64_t entry = table[iova >> (granule_lg2 + 9 * at) & 511];

		if (at == level)
			return entry;
		table = (const uint64_t *)(uintptr_t)table_pa(entry, at);
	}
}

/* Each takes the flags off a table entry and shows that there were no others. */
static uint64_t vtdss_table(uint64_t entry, unsigned level)
{
	(void)level;
	assert_int_equal(entry & 0xfff0000000000fffull, 0x3);
	return entry - 0x3;
}

static uint64_t x86_64_table(uint64_t entry, unsigned level)
{
	(void)level;
	assert_int_equal(entry & 0xfff0000000000fffull, 0x27);
	return entry - 0x27;
}

static uint64_t amdv1_table(uint64_t entry, unsigned level)
{
	uint64_t flags = 0x6000000000000001ull + level * 0x200;

	assert_int_equal(entry & 0xfff0000000000fffull, flags);
	return (entry - flags) / 2;
}

struct row {
	uint64_t iova, pa, length;
	uint32_t prot;
	unsigned level;
	uint64_t entry;
};

static const struct row vtdss_rows[] = {
	{0x40201000, 0x123456000, KIB(4), READ, 0, 0x123456001},
	{0x40201000, 0x123456000, KIB(4), WRITE, 0, 0x123456002},
	{0x40201000, 0x123456000, KIB(4), BOTH, 0, 0x123456003},
	{0x7ffffff000, 0xffffffffff000, KIB(4), BOTH, 0, 0xffffffffff003},
	{0x40200000, 0x76543200000, MIB(2), READ, 1, 0x76543200081},
	{0x40200000, 0x76543200000, MIB(2), BOTH, 1, 0x76543200083},
	{0x40000000, 0x8000000000000, GIB(1), WRITE, 2, 0x8000000000082},
	{0x40000000, 0x8000000000000, GIB(1), BOTH, 2, 0x8000000000083},
};

static const struct row x86_64_rows[] = {
	{0x40201000, 0x123456000, KIB(4), READ, 0, 0x123456025},
	{0x40201000, 0x123456000, KIB(4), WRITE, 0, 0x123456067},
	{0x40201000, 0x123456000, KIB(4), BOTH, 0, 0x123456067},
	{0x40200000, 0x76543200000, MIB(2), READ, 1, 0x765432000a5},
	{0x40200000, 0x76543200000, MIB(2), BOTH, 1, 0x765432000e7},
	{0x40000000, 0x8000000000000, GIB(1), READ, 2, 0x80000000000a5},
	{0x40000000, 0x8000000000000, GIB(1), BOTH, 2, 0x80000000000e7},
};

/*
 * Addresses are doubled (2 KiB units from bit 12). NextLevel 7 is 0xe00, and
 * the size is coded: 4 KiB by nothing, 8 KiB by bit 12, 16 KiB by 13:12, ...
 */
static const struct row amdv1_rows[] = {
	{0x40101800, 0x123456800, KIB(2), READ, 0, 0x20000002468ad001},
	{0x40101800, 0x123456800, KIB(2), WRITE, 0, 0x40000002468ad001},
	{0x40101800, 0x123456800, KIB(2), BOTH, 0, 0x60000002468ad001},
	{0x40101800, 0x7fffffffff800, KIB(2), BOTH, 0, 0x600ffffffffff001},
	{0x40101000, 0x123457000, KIB(4), BOTH, 0, 0x60000002468aee01},
	{0x40102000, 0x123458000, KIB(8), BOTH, 0, 0x60000002468b1e01},
	{0x40104000, 0x123458000, KIB(16), READ, 0, 0x20000002468b3e01},
	{0x40180000, 0x123480000, KIB(512), BOTH, 0, 0x600000024697fe01},
	{0x40100000, 0x123400000, MIB(1), BOTH, 1, 0x6000000246800001},
	{0x40200000, 0x123400000, MIB(2), WRITE, 1, 0x40000002469ffe01},
	{0x50000000, 0x110000000, MIB(256), BOTH, 1, 0x600000022ffffe01},
	{0x60000000, 0x120000000, MIB(512), READ, 2, 0x2000000240000001},
	{0x1000000000, 0x1000000000, GIB(64), BOTH, 2, 0x6000002ffffffe01},
};

/* All slots that the range covers hold the entry, and those beside it nothing. */
static void check_row(const struct pgtable_format *format, unsigned va_lg2, const struct row *row,
		      unsigned granule_lg2, uint64_t (*table_pa)(uint64_t entry, unsigned level))
{
	uint64_t slot = (uint64_t)1 << (granule_lg2 + 9 * row->level);
	uint64_t table = slot << 9, end = row->iova + row->length;
	struct pgtable pt;

	assert_int_equal(pgtable_init(&pt, format, va_lg2), 0);
	assert_int_equal(pgtable_map(&pt, row->iova, row->pa, row->length, row->prot,
				     format->pgsizes),
			 0);
	for (uint64_t at = row->iova & -table; at < (row->iova & -table) + table; at += slot)
		assert_int_equal(entry_at(&pt, at, row->level, granule_lg2, table_pa),
				 at >= row->iova && at < end ? row->entry : 0);
	pgtable_fini(&pt);
}

static void vtdss_entries(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(vtdss_rows); i++)
		for (unsigned va_lg2 = 39; va_lg2 <= 57; va_lg2 += 9)
			check_row(&pgtable_vtdss, va_lg2, &vtdss_rows[i], 12, vtdss_table);
}

static void x86_64_entries(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(x86_64_rows); i++)
		for (unsigned va_lg2 = 48; va_lg2 <= 57; va_lg2 += 9)
			check_row(&pgtable_x86_64, va_lg2, &x86_64_rows[i], 12, x86_64_table);
}

static void amdv1_mock_entries(void **state)
{
	(void)state;
	for (unsigned i = 0; i < base_array_size(amdv1_rows); i++)
		for (unsigned va_lg2 = 38; va_lg2 <= 56; va_lg2 += 9)
			check_row(&pgtable_amdv1_mock, va_lg2, &amdv1_rows[i], 11, amdv1_table);
}

static void amdv1_mock_huge_entries(void **state)
{
	static const struct row rows[] = {
		{0x40101000, 0x123457000, KIB(4), BOTH, 0, 0x60000002468aee01},
		{0x40100000, 0x123400000, MIB(1), BOTH, 1, 0x6000000246800001},
	};

	(void)state;
	for (unsigned i = 0; i < base_array_size(rows); i++)
		check_row(&pgtable_amdv1_mock_huge, 38, &rows[i], 11, amdv1_table);
}

static void unmap_leaves_no_stray_bits(void **state)
{
	struct pgtable pt;

	(void)state;
	for (unsigned i = 0; i < base_array_size(all_formats); i++) {
		const uint64_t *root;

		assert_int_equal(pgtable_init(&pt, all_formats[i], 48), 0);
		assert_int_equal(pgtable_map(&pt, 0, 0, GIB(4) + KIB(4), BOTH, UINT64_MAX), 0);
		unmap_now(&pt, 0, (uint64_t)1 << 48);
		root = pt.root;
		for (unsigned j = 0; j < 512; j++)
			assert_int_equal(root[j], 0);
		pgtable_fini(&pt);
	}
}

static void tables_are_aligned_to_4k(void **state)
{
	struct pgtable pt;

	(void)state;
	assert_int_equal(pgtable_init(&pt, &pgtable_vtdss, 39), 0);
	assert_int_equal((uintptr_t)pt.root & 4095, 0);
	pgtable_fini(&pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vtdss_entries),
		cmocka_unit_test(x86_64_entries),
		cmocka_unit_test(amdv1_mock_entries),
		cmocka_unit_test(amdv1_mock_huge_entries),
		cmocka_unit_test(unmap_leaves_no_stray_bits),
		cmocka_unit_test(tables_are_aligned_to_4k),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
