// SPDX-License-Identifier: MIT
/* Reads and writes of BARs (vfio-device-ioctls.md 7), on the model "pci". */
#include "model.h"

static off_t region(unsigned index, uint64_t offset)
{
	return (off_t)((uint64_t)index << 40 | offset);
}

static ssize_t rd(struct abi *abi, unsigned index, uint64_t offset, void *buf, size_t count)
{
	return swiommu_pread(abi->machine, abi->file[0], buf, count, region(index, offset));
}

static ssize_t wr(struct abi *abi, unsigned index, uint64_t offset, const void *buf, size_t count)
{
	return swiommu_pwrite(abi->machine, abi->file[0], buf, count, region(index, offset));
}

/* ---- how an access is cut ---- */

struct cut_row {
	const char *name;
	unsigned bar;
	uint64_t offset;
	size_t count;
	int64_t want;
	unsigned widths[8]; /* of the accesses that the model sees, 0 ends */
};

static const struct cut_row cuts[] = {
	{"a byte", 0, 5, 1, 1, {1}},
	{"a word", 0, 6, 2, 2, {2}},
	{"a double word", 0, 0x104, 4, 4, {4}},
	{"a quad word", 0, 0x108, 8, 8, {8}},
	{"two quad words", 0, 0x100, 16, 16, {8, 8}},
	{"an odd word", 0, 7, 2, 2, {1, 1}},
	{"a double word at an even address", 0, 0x102, 4, 4, {2, 2}},
	{"a double word at an odd address", 0, 0x101, 4, 4, {1, 2, 1}},
	{"a quad word at a multiple of 4", 0, 0x104, 8, 8, {4, 4}},
	{"7 bytes at 1", 0, 0x201, 7, 7, {1, 2, 4}},
	{"15 bytes at 1", 0, 0x201, 15, 15, {1, 2, 4, 8}},
	{"15 bytes at 8", 0, 0x208, 15, 15, {8, 4, 2, 1}},
	{"3 bytes at 0", 0, 0, 3, 3, {2, 1}},
	{"6 bytes at 2", 0, 2, 6, 6, {2, 4}},
	{"all of a small BAR", 3, 0, 16, 16, {8, 8}},
	{"more than is left", 0, 0x3ff8, 100, 8, {8}},
	{"more than is left, unaligned", 0, 0x3ffd, 100, 3, {1, 2}},
	{"the last byte", 2, 0xfff, 1, 1, {1}},
	{"a small BAR and more", 3, 12, 4096, 4, {4}},
	{"the end", 0, 0x4000, 4, -EINVAL, {0}},
	{"behind the end", 0, 0x4001, 1, -EINVAL, {0}},
	{"far behind the end", 0, (1ull << 40) - 1, 1, -EINVAL, {0}},
	{"the end of a small BAR", 3, 16, 1, -EINVAL, {0}},
	{"the upper half of a BAR", 1, 0, 4, -EINVAL, {0}},
	{"an absent BAR", 4, 0, 4, -EINVAL, {0}},
	{"the last BAR, absent", 5, 0, 1, -EINVAL, {0}},
	{"no bytes", 0, 0, 0, 0, {0}},
	{"no bytes at the end", 0, 0x4000, 0, 0, {0}},
	{"no bytes of an absent BAR", 4, 0, 0, 0, {0}},
	{"no bytes of config space", 7, 5000, 0, 0, {0}},
	{"no bytes of the region behind the last", 9, 0, 0, -EINVAL, {0}},
	{"the region behind the last", 9, 0, 4, -EINVAL, {0}},
	{"region 255", 255, 0, 4, -EINVAL, {0}},
	{"ROM, absent", 6, 0, 4, -EINVAL, {0}},
	{"VGA, absent", 8, 0xa0000, 4, -EINVAL, {0}},
};

static void expect_accesses(const struct cut_row *row, bool write)
{
	uint64_t at = row->offset;
	unsigned i;

	for (i = 0; i < COUNT(row->widths) && row->widths[i]; i++) {
		const struct model_access *access = &model_log.access[i];

		assert_int_equal(access->write, write);
		assert_int_equal(access->bar, row->bar);
		assert_int_equal(access->offset, at);
		assert_int_equal(access->width, row->widths[i]);
		at += row->widths[i];
	}
	assert_int_equal(model_log.count, i);
}

static void read_is_cut(struct abi *abi)
{
	const struct cut_row *row = abi->row;
	uint8_t buf[4096];

	abi_bound(abi, 0);
	model_forget();
	memset(buf, 0xee, sizeof(buf));
	expect(rd(abi, row->bar, row->offset, buf, row->count), row->want);
	expect_accesses(row, false);
	for (int64_t i = 0; i < (int64_t)sizeof(buf); i++)
		assert_int_equal(buf[i], i < row->want
						 ? model_byte(row->bar, row->offset + (uint64_t)i)
						 : 0xee);
}

static void write_is_cut(struct abi *abi)
{
	const struct cut_row *row = abi->row;
	uint8_t buf[4096], back[16];

	abi_bound(abi, 0);
	model_forget();
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7 + 1);
	expect(wr(abi, row->bar, row->offset, buf, row->count), row->want);
	expect_accesses(row, true);
	if (row->want > 0) {
		expect(rd(abi, row->bar, row->offset, back, (size_t)row->want), row->want);
		assert_memory_equal(back, buf, (size_t)row->want);
	}
}

/* Offsets that no file has. */
static void negative_offsets_are_einval(struct abi *abi)
{
	uint32_t value = 0;

	abi_bound(abi, 0);
	expect(swiommu_pread(abi->machine, abi->file[0], &value, 4, -4), -EINVAL);
	expect(swiommu_pwrite(abi->machine, abi->file[0], &value, 4, INT64_MIN), -EINVAL);
}

/* ---- the MSI-X table: 100 bytes at BAR 2 + 800 ---- */

static void the_msix_table_reads_as_ones(struct abi *abi)
{
	uint8_t buf[0x120];

	abi_bound(abi, 0);
	model_forget();
	expect(rd(abi, 2, 0x7f0, buf, sizeof(buf)), sizeof(buf));
	for (unsigned i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], i >= 0x10 && i < 0x110 ? 0xff : model_byte(2, 0x7f0 + i));
	assert_int_equal(model_log.count, 4);
	for (unsigned i = 0; i < model_log.count; i++)
		assert_true(model_log.access[i].offset < 0x800 ||
			    model_log.access[i].offset >= 0x900);
}

static void writes_to_the_msix_table_are_dropped(struct abi *abi)
{
	const uint32_t value = 0x12345678;
	uint8_t byte;

	abi_bound(abi, 0);
	model_forget();
	for (uint64_t at = 0x800; at < 0x900; at += 4)
		expect(wr(abi, 2, at, &value, 4), 4);
	assert_int_equal(model_log.count, 0);
	expect(rd(abi, 2, 0x800, &byte, 1), 1);
	assert_int_equal(byte, 0xff);
	/* Another BAR has none at that place. */
	expect(wr(abi, 0, 0x800, &value, 4), 4);
	assert_int_equal(model_log.count, 1);
}

/* ---- memory space off, D3 ---- */

static void expect_bars(struct abi *abi, int64_t want)
{
	uint32_t value = 0;

	model_forget();
	expect(rd(abi, 0, 0, &value, 4), want);
	expect(wr(abi, 2, 4, &value, 4), want);
	expect(rd(abi, 3, 8, &value, 1), want < 0 ? want : 1);
	assert_int_equal(model_log.count, want < 0 ? 0 : 3);
}

static void bars_need_memory_space(struct abi *abi)
{
	abi_bound(abi, 0);
	expect_bars(abi, 4);
	abi_config_set(abi, 0, 4, 2, 4);
	expect_bars(abi, -EIO);
	assert_int_equal(abi_config(abi, 0, 0, 2), 0x1af4);
	abi_config_set(abi, 0, 4, 2, 2);
	expect_bars(abi, 4);
}

static void bars_need_power(struct abi *abi)
{
	abi_bound(abi, 0);
	abi_config_set(abi, 0, 0x44, 2, 3);
	assert_int_equal(abi_config(abi, 0, 0x44, 2) & 3, 3);
	expect_bars(abi, -EIO);
	abi_config_set(abi, 0, 0x44, 2, 0);
	abi_config_set(abi, 0, 4, 2, 2);
	expect_bars(abi, 4);
}

/* 8: BARs are where they are, whatever the program writes to their registers. */
static void bar_registers_do_not_move_bars(struct abi *abi)
{
	abi_bound(abi, 0);
	abi_config_set(abi, 0, 0x10, 4, 0xffffffff);
	abi_config_set(abi, 0, 0x18, 4, 0);
	expect_bars(abi, 4);
}

/* ---- bad memory ---- */

static void bad_memory_is_efault(struct abi *abi)
{
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	expect(rd(abi, 0, 0, NULL, 4), -EFAULT);
	expect(rd(abi, 0, 0, edge, 4), -EFAULT);
	expect(rd(abi, 0, 0, edge - 4, 8), -EFAULT);
	expect(rd(abi, 0, 0, abi_constant(abi, 1), 4), -EFAULT);
	expect(wr(abi, 0, 0, abi_constant(abi, 1), 4), 4);
	model_forget();
	expect(wr(abi, 0, 0, NULL, 4), -EFAULT);
	expect(wr(abi, 0, 0, edge - 4, 8), -EFAULT);
	assert_int_equal(model_log.count, 0);
	expect(rd(abi, 7, 0, edge - 2, 4), -EFAULT);
	expect(wr(abi, 7, 0, edge - 2, 4), -EFAULT);
}

/* ---- config space as a region: 7 and the last lines of 7 ---- */

struct config_row {
	const char *name;
	const struct abi_machine *machine;
	uint64_t offset;
	size_t count;
	int64_t want;
};

static const struct config_row configs[] = {
	{"all of it", &machine_pci, 0, 4096, 4096},
	{"a byte more", &machine_pci, 0, 4097, -EFAULT},
	{"the last byte", &machine_pci, 4095, 1, 1},
	{"the last byte and one more", &machine_pci, 4095, 2, -EFAULT},
	{"the end", &machine_pci, 4096, 1, -EFAULT},
	{"far behind the end", &machine_pci, 1 << 30, 4, -EFAULT},
	{"all of a small one", &machine_plain, 0, 256, 256},
	{"a small one and a byte more", &machine_plain, 0, 257, -EFAULT},
	{"the end of a small one", &machine_plain, 256, 4, -EFAULT},
	{"3 bytes at 1", &machine_pci, 1, 3, 3},
	{"5 bytes at 2", &machine_pci, 2, 5, 5},
};

static void config_space(struct abi *abi)
{
	const struct config_row *row = abi->row;
	uint8_t buf[5000] = {0};

	abi_init(abi, row->machine);
	abi_bound(abi, 0);
	expect(rd(abi, 7, row->offset, buf, row->count), row->want);
	for (int64_t i = 0; i < row->want; i++)
		assert_int_equal(buf[i],
				 abi_config(abi, 0, (unsigned)row->offset + (unsigned)i, 1));
	expect(wr(abi, 7, row->offset, buf, row->count), row->want);
	abi_fini(abi);
}

/* 7: an error part-way returns the error although earlier pieces took effect. */
static void config_pieces_before_an_error_take_effect(struct abi *abi)
{
	static const uint8_t ones[4] = {0xff, 0xff, 0xff, 0xff};
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	expect(wr(abi, 7, 0x18, abi_at(edge, ones, 4), 8), -EFAULT);
	assert_int_equal(abi_config(abi, 0, 0x18, 4), 0xfffff008);
	assert_int_equal(abi_config(abi, 0, 0x1c, 4), 0);
}

int main(void)
{
	abi_rows(machine_pci, cuts, read_is_cut);
	abi_rows(machine_pci, cuts, write_is_cut);
	abi_on(machine_pci, negative_offsets_are_einval);
	abi_on(machine_pci, the_msix_table_reads_as_ones);
	abi_on(machine_pci, writes_to_the_msix_table_are_dropped);
	abi_on(machine_pci, bars_need_memory_space);
	abi_on(machine_pci, bars_need_power);
	abi_on(machine_pci, bar_registers_do_not_move_bars);
	abi_on(machine_pci, bad_memory_is_efault);
	abi_rows(abi_none, configs, config_space);
	abi_on(machine_pci, config_pieces_before_an_error_take_effect);
	return abi_run("region");
}
