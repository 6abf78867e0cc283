// SPDX-License-Identifier: MIT
/* VT-d's nested HWPTs in use: a guest's first-stage table on a parent (vtd.md 2, 3, 4). */
#include "abi.h"

/* ---- a guest: memory at GUEST of the parent, with a table for IOVA in its first pages ---- */

#define GUEST	    0x40000000ull
#define GUEST_PAGES 32
#define IOVA	    0x0000123456789000ull

/* Pages of the guest's memory. */
enum { PML4, PDPT, PD, PT, DATA, OTHER_PML4, OTHER_PDPT, OTHER_PD, OTHER_PT, OTHER_DATA };

/* pgtable-formats.md 4 */
enum { P = 1, WRITE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40, LARGE = 0x80 };
#define TABLE (P | WRITE | USER)

struct guest {
	uint8_t *memory;
	uint32_t ioas, parent;
};

static uint64_t gpa(unsigned page)
{
	return GUEST + page * PAGE;
}

static volatile uint64_t *entry(struct guest *guest, unsigned page, unsigned shift)
{
	return (volatile uint64_t *)(guest->memory + page * PAGE) + (IOVA >> shift) % 512;
}

/* A table of four pages from `first` on, which maps IOVA to the page after it. */
static void make_table(struct guest *guest, unsigned first)
{
	*entry(guest, first, 39) = gpa(first + 1) | TABLE;
	*entry(guest, first + 1, 30) = gpa(first + 2) | TABLE;
	*entry(guest, first + 2, 21) = gpa(first + 3) | TABLE;
	*entry(guest, first + 3, 12) = gpa(first + 4) | TABLE;
}

static void make_guest(struct abi *abi, struct guest *guest)
{
	guest->memory = abi_pages(abi, GUEST_PAGES);
	abi_bound(abi, 0);
	guest->ioas = abi_ioas(abi);
	guest->parent = abi_parent(abi, 0, guest->ioas);
	ok(abi_map_at(abi, guest->ioas, RW, guest->memory, GUEST_PAGES * PAGE, GUEST));
	make_table(guest, PML4);
	make_table(guest, OTHER_PML4);
}

static uint32_t nested_of(struct abi *abi, struct guest *guest, const struct iommu_hwpt_vtd_s1 *s1)
{
	const struct abi_data data = {IOMMU_HWPT_DATA_VTD_S1, sizeof(*s1), s1};
	uint32_t id;

	ok(abi_hwpt(abi, abi->devid[0], guest->parent, 0, &data, &id));
	return id;
}

/* The device on the table whose root is that page. */
static uint32_t attach_table(struct abi *abi, struct guest *guest, unsigned root)
{
	const struct iommu_hwpt_vtd_s1 s1 = {.pgtbl_addr = gpa(root), .addr_width = 48};

	return abi_attached(abi, 0, nested_of(abi, guest, &s1));
}

/* ---- what is checked when it is attached ---- */

struct s1_row {
	const char *name;
	struct iommu_hwpt_vtd_s1 s1; /* pgtbl_addr: bits beside the root */
	int want;
};

static const struct s1_row s1s[] = {
	{"48 bits", {0, 0, 48}, 0},
	{"supervisor requests", {IOMMU_VTD_S1_SRE, 0, 48}, 0},
	{"extended access flag", {IOMMU_VTD_S1_EAFE, 0, 48}, 0},
	{"write protect", {IOMMU_VTD_S1_WPE, 0, 48}, 0},
	{"all three", {7, 0, 48}, 0},
	{"flags that nobody knows are ignored", {~0ull, 0, 48}, 0},
	{"__reserved is ignored", {0, 0, 48, ~0u}, 0},
	{"the low bits of the root are dropped", {0, 0xfff, 48}, 0},
	{"57 bits, which the IOMMU has not", {0, 0, 57}, -EINVAL},
	{"39 bits", {0, 0, 39}, -EINVAL},
	{"47 bits", {0, 0, 47}, -EINVAL},
	{"0 bits", {0, 0, 0}, -EINVAL},
	{"2^32 - 1 bits", {0, 0, ~0u}, -EINVAL},
};

static void attach(struct abi *abi)
{
	const struct s1_row *row = abi->row;
	struct iommu_hwpt_vtd_s1 s1 = row->s1;
	struct guest guest;
	uint32_t nested;

	make_guest(abi, &guest);
	s1.pgtbl_addr |= gpa(PML4);
	nested = nested_of(abi, &guest, &s1);
	expect(abi_attach_to(abi, 0, nested), row->want);
	assert_int_equal(abi_sees(abi, 0, IOVA, guest.memory + DATA * PAGE), !row->want);
	expect(abi_destroy(abi, nested), row->want ? 0 : -EBUSY);
}

/* ---- translation ---- */

static void the_guests_table_translates(struct abi *abi)
{
	struct guest guest;

	make_guest(abi, &guest);
	attach_table(abi, &guest, PML4);
	assert_true(abi_sees(abi, 0, IOVA, guest.memory + DATA * PAGE));
	assert_true(abi_sees(abi, 0, IOVA + PAGE - 1, guest.memory + DATA * PAGE + PAGE - 1));
	assert_false(abi_reads(abi, 0, IOVA + PAGE));
	assert_false(abi_reads(abi, 0, IOVA - 1));
	assert_false(abi_reads(abi, 0, GUEST));
}

/* What a guest's entries allow; `at` is the shift of the level that is changed. */
struct entry_row {
	const char *name;
	unsigned page, shift;
	uint64_t clear;
	bool reads, writes;
};

static const struct entry_row entries[] = {
	{"all rights", PT, 12, 0, true, true},
	{"leaf not present", PT, 12, P, false, false},
	{"leaf not writable", PT, 12, WRITE, true, false},
	{"leaf for supervisors", PT, 12, USER, false, false},
	{"PD entry not present", PD, 21, P, false, false},
	{"PD entry not writable", PD, 21, WRITE, true, false},
	{"PDPT entry for supervisors", PDPT, 30, USER, false, false},
	{"PML4 entry not present", PML4, 39, P, false, false},
	{"PML4 entry not writable", PML4, 39, WRITE, true, false},
};

static void rights_of_the_guest(struct abi *abi)
{
	const struct entry_row *row = abi->row;
	struct guest guest;

	make_guest(abi, &guest);
	*entry(&guest, row->page, row->shift) &= ~row->clear;
	attach_table(abi, &guest, PML4);
	assert_int_equal(abi_reads(abi, 0, IOVA), row->reads);
	assert_int_equal(abi_writes(abi, 0, IOVA), row->writes);
	/* What was not present is not remembered. */
	*entry(&guest, row->page, row->shift) |= row->clear;
	if (!row->reads)
		assert_true(abi_reads(abi, 0, IOVA));
}

/* pgtable-formats.md 4.4 */
static void accessed_and_dirty_bits_are_set(struct abi *abi)
{
	struct guest guest;

	make_guest(abi, &guest);
	attach_table(abi, &guest, PML4);
	assert_true(abi_reads(abi, 0, IOVA));
	assert_true(*entry(&guest, PML4, 39) & ACCESSED);
	assert_true(*entry(&guest, PDPT, 30) & ACCESSED);
	assert_true(*entry(&guest, PD, 21) & ACCESSED);
	assert_int_equal(*entry(&guest, PT, 12) & (ACCESSED | DIRTY), ACCESSED);
	assert_true(abi_writes(abi, 0, IOVA));
	assert_int_equal(*entry(&guest, PT, 12) & (ACCESSED | DIRTY), ACCESSED | DIRTY);
}

/* pgtable-formats.md 7.2: a leaf of 2 MiB on a parent that maps a part of it. */
static void a_large_leaf_reaches_what_the_parent_maps(struct abi *abi)
{
	const uint64_t leaf = IOVA & ~(MIB(2) - 1);
	struct guest guest;

	make_guest(abi, &guest);
	*entry(&guest, PD, 21) = GUEST | TABLE | LARGE;
	attach_table(abi, &guest, PML4);
	for (unsigned page = 0; page < GUEST_PAGES; page++)
		if (page > OTHER_DATA)
			assert_true(
				abi_sees(abi, 0, leaf + page * PAGE, guest.memory + page * PAGE));
	assert_false(abi_reads(abi, 0, leaf + GUEST_PAGES * PAGE));
	assert_false(abi_reads(abi, 0, leaf + MIB(2) - 1));
	assert_false(abi_reads(abi, 0, leaf + MIB(2)));
}

/* What the guest points at that is not its memory. */
struct stray_row {
	const char *name;
	unsigned page, shift;
	uint64_t value;
};

static const struct stray_row strays[] = {
	{"a page behind its memory", PT, 12, GUEST + GUEST_PAGES *PAGE},
	{"a page in front of its memory", PT, 12, GUEST - PAGE},
	{"the MSI window", PT, 12, MSI_START},
	{"a table behind its memory", PD, 21, GUEST + GUEST_PAGES *PAGE},
	{"a table at 0", PML4, 39, 0},
	{"a page above the parent's width", PT, 12, 1ull << 48},
	{"a table above the parent's width", PDPT, 30, 1ull << 50},
};

static void strays_are_refused(struct abi *abi)
{
	const struct stray_row *row = abi->row;
	struct guest guest;

	make_guest(abi, &guest);
	*entry(&guest, row->page, row->shift) = row->value | TABLE;
	attach_table(abi, &guest, PML4);
	assert_false(abi_reads(abi, 0, IOVA));
	assert_false(abi_writes(abi, 0, IOVA));
}

/* vtd.md 2: a bad root address faults when it is used. */
static void a_stray_root_is_refused(struct abi *abi)
{
	static const uint64_t roots[] = {0, GUEST - PAGE, 1ull << 50, ~0ull};
	struct guest guest;

	make_guest(abi, &guest);
	for (unsigned i = 0; i < COUNT(roots); i++) {
		const struct iommu_hwpt_vtd_s1 s1 = {.pgtbl_addr = roots[i], .addr_width = 48};

		abi_attached(abi, 0, nested_of(abi, &guest, &s1));
		assert_false(abi_reads(abi, 0, IOVA));
	}
}

/* vtd.md 4.2: addresses have to be canonical for 48 bits. */
static void addresses_have_to_be_canonical(struct abi *abi)
{
	struct guest guest;

	make_guest(abi, &guest);
	attach_table(abi, &guest, PML4);
	assert_true(abi_reads(abi, 0, IOVA));
	assert_false(abi_reads(abi, 0, IOVA | 1ull << 48));
	assert_false(abi_reads(abi, 0, IOVA | 1ull << 63));
}

/* ---- changes below and beside ---- */

/* vtd.md 6.5: an unmap of the parent takes the memory from its nested children at once. */
static void an_unmap_of_the_parent_reaches_the_child(struct abi *abi)
{
	struct guest guest;
	uint8_t *more = abi_pages(abi, 1);

	make_guest(abi, &guest);
	ok(abi_map_at(abi, guest.ioas, RW, more, PAGE, GUEST + MIB(1)));
	*entry(&guest, PT, 12) = (GUEST + MIB(1)) | TABLE;
	attach_table(abi, &guest, PML4);
	assert_true(abi_sees(abi, 0, IOVA, more));
	ok(abi_unmap(abi, guest.ioas, GUEST + MIB(1), PAGE, NULL));
	assert_false(abi_reads(abi, 0, IOVA));
	ok(abi_map_at(abi, guest.ioas, RW, guest.memory + DATA * PAGE, PAGE, GUEST + MIB(1)));
	assert_true(abi_sees(abi, 0, IOVA, guest.memory + DATA * PAGE));
	ok(abi_unmap_all(abi, guest.ioas, NULL));
	assert_false(abi_reads(abi, 0, IOVA));
}

static void replace_changes_the_table(struct abi *abi)
{
	struct guest guest;
	uint32_t first;

	make_guest(abi, &guest);
	first = attach_table(abi, &guest, PML4);
	assert_true(abi_sees(abi, 0, IOVA, guest.memory + DATA * PAGE));
	attach_table(abi, &guest, OTHER_PML4);
	assert_true(abi_sees(abi, 0, IOVA, guest.memory + OTHER_DATA * PAGE));
	ok(abi_destroy(abi, first));
	abi_attached(abi, 0, guest.parent);
	assert_false(abi_reads(abi, 0, IOVA));
	assert_true(abi_sees(abi, 0, gpa(DATA), guest.memory + DATA * PAGE));
	ok(abi_detach(abi, 0));
	assert_false(abi_reads(abi, 0, gpa(DATA)));
}

/* iommufd-objects.md 7, 9.2.4: it holds its parent, and reserves in the IOAS below. */
static void a_nested_hwpt_holds_its_parent(struct abi *abi)
{
	struct guest guest;
	uint32_t nested;

	make_guest(abi, &guest);
	nested = attach_table(abi, &guest, PML4);
	expect_ranges(abi, guest.ioas, PAGE, {0, MSI_START - 1}, {MSI_LAST + 1, VTD_SS_LAST});
	expect(abi_destroy(abi, nested), -EBUSY);
	expect(abi_destroy(abi, guest.parent), -EBUSY);
	expect(abi_destroy(abi, guest.ioas), -EBUSY);
	abi_close(abi, 0);
	expect_ranges(abi, guest.ioas, PAGE, {0, VTD_SS_LAST});
	expect(abi_destroy(abi, guest.parent), -EBUSY);
	ok(abi_destroy(abi, nested));
	ok(abi_destroy(abi, guest.parent));
	ok(abi_destroy(abi, guest.ioas));
}

int main(void)
{
	abi_rows(abi_vtd, s1s, attach);
	abi_on(abi_vtd, the_guests_table_translates);
	abi_rows(abi_vtd, entries, rights_of_the_guest);
	abi_on(abi_vtd, accessed_and_dirty_bits_are_set);
	abi_on(abi_vtd, a_large_leaf_reaches_what_the_parent_maps);
	abi_rows(abi_vtd, strays, strays_are_refused);
	abi_on(abi_vtd, a_stray_root_is_refused);
	abi_on(abi_vtd, addresses_have_to_be_canonical);
	abi_on(abi_vtd, an_unmap_of_the_parent_reaches_the_child);
	abi_on(abi_vtd, replace_changes_the_table);
	abi_on(abi_vtd, a_nested_hwpt_holds_its_parent);
	return abi_run("nested");
}
