// SPDX-License-Identifier: MIT
/* HWPT_INVALIDATE (iommufd-ioctls.md 18) with all drivers: what is done, counted, answered. */
#include "fixture.h"

#include "iommu/mock/mock.h"

#include <string.h>
#include <sys/mman.h>

#define VIRT_ID 0x99
#define TYPE	0xdeadbeef /* the mock's, of both kinds */
#define OLD	IOMMU_TEST_IOTLB_DEFAULT
#define OLD_DEV IOMMU_TEST_DEV_CACHE_DEFAULT
#define ALL	IOMMU_TEST_INVALIDATE_FLAG_ALL

/* Which array the call is given. */
enum where {
	HERE,
	NULL_POINTER,
	AT_THE_EDGE, /* its last 4 bytes cannot be read */
};

struct row {
	const char *name;
	uint32_t type, entry_len, entry_num, reserved;
	enum where where;
	uint32_t entries[12]; /* of entry_len each, in words */
	int result;
	uint32_t done;
	unsigned kept; /* mask of the mock's words that are as before */
};

static struct rig rig;
static uint32_t target;

static void run(const struct row *row, int result)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = target,
		.data_type = row->type,
		.entry_len = row->entry_len,
		.entry_num = row->entry_num,
		.__reserved = row->reserved,
	};
	size_t bytes = (size_t)row->entry_len * row->entry_num;
	uint8_t *edge = memory_edge();

	if (row->where == HERE)
		cmd.data_uptr = ADDR(row->entries);
	if (row->where == AT_THE_EDGE) {
		memcpy(edge - (bytes - 4), row->entries, bytes - 4);
		cmd.data_uptr = ADDR(edge - (bytes - 4));
	}
	assert_int_equal(rig_ioctl(&rig, IOMMU_HWPT_INVALIDATE, &cmd), result);
	assert_int_equal(cmd.entry_num, row->done);
}

static void expect_words(const uint32_t *words, uint32_t old, unsigned kept)
{
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(words[i], kept & 1u << i ? old : 0);
}

/* ---- nested HWPTs of the mock ---- */

/* clang-format off */
static const struct row mock_rows[] = {
	{"is the type known", TYPE, 0, 0, 0, NULL_POINTER, {0}, 0, 0, 15},
	{"is another type known", TYPE + 1, 0, 0, 0, NULL_POINTER, {0}, -EINVAL, 0, 15},
	{"one word", TYPE, 8, 1, 0, HERE, {0, 1}, 0, 1, 13},
	{"all words", TYPE, 8, 1, 0, HERE, {ALL, 3}, 0, 1, 0},
	{"two entries", TYPE, 8, 2, 0, HERE, {0, 0, 0, 3}, 0, 2, 6},
	{"another type", TYPE + 1, 8, 1, 0, HERE, {0, 1}, -EINVAL, 0, 15},
	{"reserved", TYPE, 8, 1, 1, HERE, {0, 1}, -EOPNOTSUPP, 0, 15},
	{"no array", TYPE, 8, 1, 0, NULL_POINTER, {0}, -EINVAL, 0, 15},
	{"no length", TYPE, 0, 1, 0, HERE, {0}, -EINVAL, 0, 15},
	{"entry beyond a page", TYPE, 4097, 1, 0, HERE, {0}, -EINVAL, 0, 15},
	{"too many", TYPE, 8, (1 << 19) + 1, 0, HERE, {0}, -EINVAL, 0, 15},
	{"short entry", TYPE, 4, 1, 0, HERE, {0}, -EINVAL, 0, 15},
	{"long entry of zeros", TYPE, 12, 1, 0, HERE, {0, 1, 0}, -EINVAL, 0, 15},
	{"unknown flag", TYPE, 8, 2, 0, HERE, {0, 0, 2, 1}, -EOPNOTSUPP, 1, 14},
	{"no such word", TYPE, 8, 3, 0, HERE, {0, 0, 0, 4, 0, 1}, -EINVAL, 1, 14},
	{"no such word, but all", TYPE, 8, 2, 0, HERE, {0, 2, ALL, 4}, -EINVAL, 1, 11},
	{"unreadable", TYPE, 8, 2, 0, AT_THE_EDGE, {0, 0, 0, 1}, -EFAULT, 1, 14},
};
/* clang-format on */

static void nested_of_the_mock(void **state)
{
	uint32_t parent;

	(void)state;
	rig_init(&rig, "mock");
	parent = rig_parent(&rig);
	for (size_t i = 0; i < base_array_size(mock_rows); i++) {
		const struct row *row = &mock_rows[i];

		print_message("\t%s\n", row->name);
		target = rig_nested(&rig, parent, 0, 0);
		run(row, row->result);
		expect_words(base_container_of(rig_domain(&rig, target), struct mock_nested, domain)
				     ->iotlb,
			     OLD, row->kept);
		assert_int_equal(rig_destroy(&rig, target), 0);
	}
	rig_fini(&rig);
}

/* ---- vIOMMUs of the mock ---- */

/* clang-format off */
static const struct row viommu_rows[] = {
	{"is the type known", TYPE, 0, 0, 0, NULL_POINTER, {0}, 0, 0, 15},
	{"is another type known", TYPE + 1, 0, 0, 0, NULL_POINTER, {0}, -EINVAL, 0, 15},
	{"one word", TYPE, 12, 1, 0, HERE, {0, VIRT_ID, 1}, 0, 1, 13},
	{"all words", TYPE, 12, 1, 0, HERE, {ALL, VIRT_ID, 0}, 0, 1, 0},
	{"short entries: word 0", TYPE, 8, 2, 0, HERE, {0, VIRT_ID, 0, VIRT_ID}, 0, 2, 14},
	{"long entries of zeros", TYPE, 16, 2, 0, HERE,
	 {0, VIRT_ID, 1, 0, 0, VIRT_ID, 2, 0}, 0, 2, 9},
	{"long entries, the last with a tail", TYPE, 16, 2, 0, HERE,
	 {0, VIRT_ID, 1, 0, 0, VIRT_ID, 2, 1}, -E2BIG, 0, 15},
	{"another type", TYPE + 1, 12, 1, 0, HERE, {0, VIRT_ID, 1}, -EINVAL, 0, 15},
	{"unknown flag", TYPE, 12, 2, 0, HERE, {0, VIRT_ID, 0, 2, VIRT_ID, 1}, -EOPNOTSUPP, 1, 14},
	{"no such word, but all", TYPE, 12, 1, 0, HERE, {ALL, VIRT_ID, 4}, -EINVAL, 0, 15},
	{"no such device", TYPE, 12, 2, 0, HERE, {0, VIRT_ID, 3, 0, 1, 1}, -EINVAL, 1, 7},
	{"unreadable", TYPE, 12, 2, 0, AT_THE_EDGE, {0, VIRT_ID, 0, 0, VIRT_ID, 1}, -EFAULT, 0, 15},
	{"unreadable, in parts", TYPE, 8, 2, 0, AT_THE_EDGE, {0, VIRT_ID, 0, VIRT_ID}, -EFAULT, 0,
	 15},
};
/* clang-format on */

static void viommu_of_the_mock(void **state)
{
	struct mock_device *mock;
	uint32_t vdevice;

	(void)state;
	rig_init(&rig, "mock");
	target = rig_viommu(&rig, rig_parent(&rig));
	vdevice = rig_vdevice(&rig, target, 1, VIRT_ID);
	mock = base_container_of(rig.device[1], struct mock_device, device);
	for (size_t i = 0; i < base_array_size(viommu_rows); i++) {
		const struct row *row = &viommu_rows[i];

		print_message("\t%s\n", row->name);
		for (unsigned w = 0; w < 4; w++)
			mock->cache[w] = OLD_DEV;
		run(row, row->result);
		expect_words(mock->cache, OLD_DEV, row->kept);
	}
	/* Without its vdevice the device has no name. */
	assert_int_equal(rig_destroy(&rig, vdevice), 0);
	run(&(const struct row){"", TYPE, 12, 1, 0, HERE, {0, VIRT_ID, 1}, 0, 0, 0}, -EINVAL);
	rig_fini(&rig);
}

static void memory_for_the_whole_array(void **state)
{
	const struct row row = {"", TYPE, 12, 1, 0, HERE, {0, VIRT_ID, 1}, 0, 0, 0};

	(void)state;
	rig_init(&rig, "mock");
	target = rig_viommu(&rig, rig_parent(&rig));
	base_fail_nth(1);
	run(&row, -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	rig_fini(&rig);
}

/* ---- nested HWPTs of VT-d ---- */

/* clang-format off */
static const struct row vtd_rows[] = {
	{"is the type known", 0, 0, 0, 0, NULL_POINTER, {0}, 0, 0, 0},
	{"is another type known", 1, 0, 0, 0, NULL_POINTER, {0}, -EINVAL, 0, 0},
	{"a page", 0, 24, 1, 0, HERE, {0x1000, 0, 1, 0, 0, 0}, 0, 1, 0},
	{"leaves", 0, 24, 1, 0, HERE, {0x1000, 0, 1, 0, 1, 0}, 0, 1, 0},
	{"everything", 0, 24, 1, 0, HERE, {0, 0, ~0u, ~0u, 0, 0}, 0, 1, 0},
	{"everything but not from 0", 0, 24, 1, 0, HERE, {0x1000, 0, ~0u, ~0u, 0, 0}, -EINVAL, 0, 0},
	{"two", 0, 24, 2, 0, HERE, {0, 0, 1, 0, 0, 0, 0x1000, 0, 1, 0, 0, 0}, 0, 2, 0},
	{"the second unaligned", 0, 24, 2, 0, HERE, {0, 0, 1, 0, 0, 0, 0x800, 0, 1, 0, 0, 0},
	 -EINVAL, 1, 0},
	{"unknown flag", 0, 24, 2, 0, HERE, {0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2, 0}, -EOPNOTSUPP, 1, 0},
	{"reserved in an entry", 0, 24, 2, 0, HERE, {0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1},
	 -EOPNOTSUPP, 1, 0},
	{"reserved", 0, 24, 1, 1, HERE, {0}, -EOPNOTSUPP, 0, 0},
	{"short entry", 0, 16, 1, 0, HERE, {0}, -EINVAL, 0, 0},
	{"long entry", 0, 32, 1, 0, HERE, {0}, -EINVAL, 0, 0},
	{"another type", 1, 24, 1, 0, HERE, {0}, -EINVAL, 0, 0},
	{"unreadable", 0, 24, 2, 0, AT_THE_EDGE, {0}, -EFAULT, 1, 0},
};
/* clang-format on */

/* Whoever was done, even before a failure, took effect: no cached translation is left. */
static void nested_of_vtd(void **state)
{
	(void)state;
	rig_init(&rig, "vtd");
	target = rig_nested(&rig, rig_parent(&rig), 0, 0);
	for (size_t i = 0; i < base_array_size(vtd_rows); i++) {
		const struct row *row = &vtd_rows[i];
		uint64_t tag = rig_domain(&rig, target)->tag;

		print_message("\t%s\n", row->name);
		run(row, row->result);
		assert_int_equal(rig_domain(&rig, target)->tag != tag, row->done > 0);
	}
	rig_fini(&rig);
}

/* ---- ids and answers ---- */

static void what_cannot_be_invalidated(void **state)
{
	const struct row row = {.type = TYPE, .entry_len = 8, .entry_num = 1};

	(void)state;
	rig_init(&rig, "mock");
	target = rig_ioas(&rig);
	run(&row, -EINVAL);
	target = rig_parent(&rig);
	run(&row, -EINVAL);
	target = rig.devid[0];
	run(&row, -EINVAL);
	target = NO_ID;
	run(&row, -ENOENT);
	rig_fini(&rig);
}

/* The count is all there is to tell; if it cannot be told that is the error. */
static void an_answer_that_cannot_be_given(void **state)
{
	static const uint32_t entry[2] = {0, 1};
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.data_uptr = ADDR(entry),
		.data_type = TYPE,
		.entry_len = sizeof(entry),
		.entry_num = 1,
	};
	uint8_t *at = memory_edge() - PAGE;

	(void)state;
	rig_init(&rig, "mock");
	cmd.hwpt_id = rig_nested(&rig, rig_parent(&rig), 0, 0);
	memcpy(at, &cmd, sizeof(cmd));
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(rig_ioctl(&rig, IOMMU_HWPT_INVALIDATE, at), -EFAULT);
	expect_words(
		base_container_of(rig_domain(&rig, cmd.hwpt_id), struct mock_nested, domain)->iotlb,
		OLD, 13);
	assert_int_equal(mprotect(at, PAGE, PROT_READ | PROT_WRITE), 0);
	((struct iommu_hwpt_invalidate *)at)->__reserved = 1;
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(rig_ioctl(&rig, IOMMU_HWPT_INVALIDATE, at), -EFAULT);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_of_the_mock),
		cmocka_unit_test(viommu_of_the_mock),
		cmocka_unit_test(memory_for_the_whole_array),
		cmocka_unit_test(nested_of_vtd),
		cmocka_unit_test(what_cannot_be_invalidated),
		cmocka_unit_test(an_answer_that_cannot_be_given),
	};

	return cmocka_run_group_tests_name("invalidate", tests, fixture_setup, NULL);
}
