// SPDX-License-Identifier: MIT
/* IOMMU_TEST_CMD as an ioctl (iommufd-test-abi.md 1; iommufd-ioctls.md 1), and its simple
 * operations. */
#include "abi.h"

#define TEST_SIZE 72
#define TEST_MIN  68
#define OPS	  23

static const struct abi_machine with = {.iommu = "mock", .flags = SWIOMMU_TEST_ABI};
static const struct abi_machine without = {.iommu = "mock"};

/* A SET_TEMP_MEMORY_LIMIT that works. */
static struct iommu_test_cmd limit_cmd(uint32_t size)
{
	return (struct iommu_test_cmd){
		.size = size,
		.op = IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,
		.memory_limit.limit = 65536,
	};
}

static void without_the_option_the_number_is_a_containers(struct abi *abi)
{
	struct iommu_test_cmd cmd = limit_cmd(sizeof(cmd));

	expect(abi_ioctl(abi, IOMMU_TEST_CMD, &cmd), -ENOTTY);
	expect(abi_ioctl(abi, IOMMU_TEST_CMD, NULL), -ENOTTY);
	expect(abi_ioctl(abi, 0x3b95, NULL), -ENOTTY);
}

/* iommufd-ioctls.md 1.2a: the range is 0x80-0xa0 then. */
static void with_it_the_range_is_larger(struct abi *abi)
{
	uint32_t size = 8;

	for (uint32_t nr = 0x80; nr <= 0xa0; nr++) {
		expect(abi_ioctl(abi, 0x1200 | nr, &size), -ENOTTY);
		expect(abi_ioctl(abi, 0x1200 | nr, NULL), -EFAULT);
	}
	for (uint32_t nr = 0x95; nr <= 0x9f; nr++)
		expect(abi_ioctl(abi, 0x3b00 | nr, NULL), -EFAULT);
	expect(abi_ioctl(abi, 0x3ba1, NULL), -ENOTTY);
	expect(abi_ioctl(abi, IOMMU_TEST_CMD, NULL), -EFAULT);
}

static void sizes_are_judged_as_those_of_any_ioctl(struct abi *abi)
{
	static const struct {
		uint32_t size;
		uint8_t tail;
		int want;
	} rows[] = {
		{0, 0, -EINVAL},
		{TEST_MIN - 1, 0, -EINVAL},
		{TEST_MIN, 0, 0},
		{TEST_SIZE, 0, 0},
		{TEST_SIZE, 1, 0},
		{TEST_SIZE + 8, 0, 0},
		{TEST_SIZE + 8, 1, -E2BIG},
	};

	assert_int_equal(sizeof(struct iommu_test_cmd), TEST_SIZE);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		union {
			struct iommu_test_cmd cmd;
			uint8_t bytes[TEST_SIZE + 8];
		} u;

		memset(&u, 0, sizeof(u));
		u.cmd = limit_cmd(rows[i].size);
		u.bytes[TEST_SIZE + 7] = rows[i].tail;
		expect(abi_ioctl(abi, IOMMU_TEST_CMD, &u), rows[i].want);
	}
}

/* 1: 0 and more than 23. What is reserved, or at the end, is not looked at. */
static void unknown_operations_are_eopnotsupp(struct abi *abi)
{
	static const uint32_t unknown[] = {0, OPS + 1, OPS + 2, 255, 1u << 31, ~0u};
	struct iommu_test_cmd cmd = limit_cmd(sizeof(cmd));

	cmd.__reserved = cmd.last = ~0u;
	cmd.id = NO_ID;
	ok(abi_ioctl(abi, IOMMU_TEST_CMD, &cmd));
	for (unsigned i = 0; i < COUNT(unknown); i++) {
		cmd.op = unknown[i];
		expect(abi_ioctl(abi, IOMMU_TEST_CMD, &cmd), -EOPNOTSUPP);
	}
}

/* 12 */
static void the_memory_limit_is_at_least_12(struct abi *abi)
{
	static const struct {
		uint32_t limit;
		int want;
	} rows[] = {{0, -EINVAL}, {11, -EINVAL}, {12, 0}, {16, 0}, {65536, 0}, {~0u, 0}};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct iommu_test_cmd cmd = limit_cmd(sizeof(cmd));

		cmd.memory_limit.limit = rows[i].limit;
		expect(abi_ioctl(abi, IOMMU_TEST_CMD, &cmd), rows[i].want);
	}
}

/* ---- ADD_RESERVED (12) ---- */

static int add_reserved(struct abi *abi, uint32_t ioas, uint64_t start, uint64_t length)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_ADD_RESERVED,
		.id = ioas,
		.add_reserved = {.start = start, .length = length},
	};

	return abi_ioctl(abi, IOMMU_TEST_CMD, &cmd);
}

static void ranges_can_be_reserved(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	expect(add_reserved(abi, NO_ID, 0, 0), -EINVAL);
	expect(add_reserved(abi, NO_ID, 2, ULAST), -EOVERFLOW);
	expect(add_reserved(abi, NO_ID, 0, 1), -ENOENT);
	expect_full_ranges(abi, ioas);
	ok(add_reserved(abi, ioas, PAGE, PAGE));
	expect_ranges(abi, ioas, 1, {0, PAGE - 1}, {2 * PAGE, ULAST});
	/* They may overlap. */
	ok(add_reserved(abi, ioas, PAGE + 5, PAGE));
	expect_ranges(abi, ioas, 1, {0, PAGE - 1}, {2 * PAGE + 5, ULAST});
	ok(add_reserved(abi, ioas, ULAST, 1));
	expect_ranges(abi, ioas, 1, {0, PAGE - 1}, {2 * PAGE + 5, ULAST - 1});
}

static void what_is_used_or_allowed_cannot_be_reserved(struct abi *abi)
{
	const struct iommu_iova_range allowed = {MIB(1), MIB(2) - 1};
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi);

	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, MIB(4)));
	ok(abi_allow(abi, ioas, &allowed, 1));
	expect(add_reserved(abi, ioas, MIB(4), 1), -EADDRINUSE);
	expect(add_reserved(abi, ioas, MIB(4) - 1, PAGE + 2), -EADDRINUSE);
	expect(add_reserved(abi, ioas, MIB(2) - 1, 1), -EADDRINUSE);
	expect_full_ranges(abi, ioas);
	ok(add_reserved(abi, ioas, MIB(2), MIB(2)));
	expect(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, MIB(3)), -EINVAL);
	ok(add_reserved(abi, other, 0, ULAST));
	ok(abi_destroy(abi, other));
	ok(abi_destroy(abi, ioas));
}

int main(void)
{
	abi_on(without, without_the_option_the_number_is_a_containers);
	abi_on(with, with_it_the_range_is_larger);
	abi_on(with, sizes_are_judged_as_those_of_any_ioctl);
	abi_on(with, unknown_operations_are_eopnotsupp);
	abi_on(with, the_memory_limit_is_at_least_12);
	abi_on(with, ranges_can_be_reserved);
	abi_on(with, what_is_used_or_allowed_cannot_be_reserved);
	return abi_run("selftest_framing");
}
