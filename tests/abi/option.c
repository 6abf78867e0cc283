// SPDX-License-Identifier: MIT
/* OPTION and VFIO_IOAS (iommufd-ioctls.md 11, 12). */
#include "dirty.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RLIMIT_MODE IOMMU_OPTION_RLIMIT_MODE
#define HUGE_PAGES  IOMMU_OPTION_HUGE_PAGES
#define SET	    IOMMU_OPTION_OP_SET
#define GET	    IOMMU_OPTION_OP_GET

static int option(struct abi *abi, uint32_t id, uint16_t op, uint32_t object, uint64_t *value)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = id,
		.op = op,
		.object_id = object,
		.val64 = *value,
	};
	int rc = abi_ioctl(abi, IOMMU_OPTION, &cmd);

	*value = cmd.val64;
	return rc;
}

static int set(struct abi *abi, uint32_t id, uint32_t object, uint64_t value)
{
	return option(abi, id, SET, object, &value);
}

static uint64_t get(struct abi *abi, uint32_t id, uint32_t object)
{
	uint64_t value = 77;

	ok(option(abi, id, GET, object, &value));
	return value;
}

/* ---- privilege of this thread ---- */

/* CAP_SYS_RESOURCE goes or comes back. False: it cannot be had. */
static bool capability(bool on)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t bit = 1u << CAP_SYS_RESOURCE;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (!(data[0].permitted & bit))
		return false;
	data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	return true;
}

/* The same where root does without: then it is root that goes. False: there never was a privilege.
 */
static bool privilege(bool on)
{
	if (capability(on))
		return true;
	if (getuid())
		return false;
	assert_int_equal(syscall(SYS_setresuid, -1, on ? 0 : 65534, -1), 0);
	return true;
}

/* ---- arguments ---- */

struct option_row {
	const char *name;
	uint32_t option;
	uint16_t op;
	uint32_t object; /* 1 is the IOAS */
	uint64_t value;
	int want;
};

static const struct option_row options[] = {
	{"unknown option (11.2)", 2, GET, 0, 0, -EOPNOTSUPP},
	{"rlimit mode of an object (11.3)", RLIMIT_MODE, GET, 1, 0, -EOPNOTSUPP},
	{"rlimit mode of an object, set", RLIMIT_MODE, SET, 1, 0, -EOPNOTSUPP},
	{"rlimit mode, unknown op", RLIMIT_MODE, 2, 0, 0, -EOPNOTSUPP},
	{"rlimit mode, get", RLIMIT_MODE, GET, 0, 77, 0},
	{"huge pages of nothing (11.4)", HUGE_PAGES, GET, 0, 0, -ENOENT},
	{"huge pages, unknown op of nothing", HUGE_PAGES, 2, NO_ID, 0, -ENOENT},
	{"huge pages, unknown op", HUGE_PAGES, 2, 1, 0, -EOPNOTSUPP},
	{"huge pages, 2", HUGE_PAGES, SET, 1, 2, -EINVAL},
	{"huge pages, 2^32", HUGE_PAGES, SET, 1, (uint64_t)1 << 32, -EINVAL},
	{"huge pages, 0", HUGE_PAGES, SET, 1, 0, 0},
	{"huge pages, 1", HUGE_PAGES, SET, 1, 1, 0},
	{"huge pages, get", HUGE_PAGES, GET, 1, 77, 0},
};

static void an_option_obeys_its_rules(struct abi *abi)
{
	const struct option_row *row = abi->row;
	uint64_t value = row->value;

	assert_int_equal(abi_ioas(abi), 1);
	expect(option(abi, row->option, row->op, row->object, &value), row->want);
	if (row->want)
		assert_int_equal(value, row->value);
}

/* 11.1, 11.5: reserved first; the value alone goes back. */
static void only_the_value_is_written(struct abi *abi)
{
	struct iommu_option cmd = {.size = sizeof(cmd), .option_id = 9, .__reserved = 1}, *at;

	expect(abi_ioctl(abi, IOMMU_OPTION, &cmd), -EOPNOTSUPP);
	cmd = (struct iommu_option){
		.size = sizeof(cmd),
		.option_id = HUGE_PAGES,
		.op = GET,
		.object_id = abi_ioas(abi),
		.val64 = 77,
	};
	at = abi_constant_copy(abi, &cmd, sizeof(cmd), 0);
	expect(abi_ioctl(abi, IOMMU_OPTION, at), -EFAULT);
	cmd.op = SET;
	cmd.val64 = 0;
	at = abi_constant_copy(abi, &cmd, sizeof(cmd), 0);
	expect(abi_ioctl(abi, IOMMU_OPTION, at), -EFAULT);
	/* The setting stays (27). */
	assert_int_equal(get(abi, HUGE_PAGES, cmd.object_id), 0);
}

/* ---- RLIMIT_MODE ---- */

static void the_rlimit_mode_takes_a_privilege(struct abi *abi)
{
	bool privileged = privilege(true);

	assert_int_equal(get(abi, RLIMIT_MODE, 0), 0);
	privilege(false);
	expect(set(abi, RLIMIT_MODE, 0, 1), -EPERM);
	expect(set(abi, RLIMIT_MODE, 0, 2), -EPERM);
	assert_int_equal(get(abi, RLIMIT_MODE, 0), 0);
	if (!privileged)
		return;
	privilege(true);
	expect(set(abi, RLIMIT_MODE, 0, 2), -EINVAL);
	ok(set(abi, RLIMIT_MODE, 0, 1));
	assert_int_equal(get(abi, RLIMIT_MODE, 0), 1);
	ok(set(abi, RLIMIT_MODE, 0, 0));
	assert_int_equal(get(abi, RLIMIT_MODE, 0), 0);
}

/* 3.5 */
static void a_container_begins_per_process(struct abi *abi)
{
	int container = swiommu_open(abi->machine, "/dev/vfio/vfio");

	assert_true(container >= 0);
	ok(swiommu_close(abi->machine, abi->ctx));
	abi->ctx = container;
	assert_int_equal(get(abi, RLIMIT_MODE, 0), 1);
	assert_int_equal(abi_ioas(abi), 1);
	if (privilege(true))
		expect(set(abi, RLIMIT_MODE, 0, 0), -EBUSY);
}

/* 11.3: any id that is not free. */
static void the_rlimit_mode_is_fixed_by_objects(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	if (!privilege(true))
		return;
	expect(set(abi, RLIMIT_MODE, 0, 1), -EBUSY);
	expect(set(abi, RLIMIT_MODE, 0, 2), -EBUSY);
	ok(abi_destroy(abi, ioas));
	ok(set(abi, RLIMIT_MODE, 0, 1));
}

static void the_rlimit_mode_is_fixed_by_a_tombstone(struct abi *abi)
{
	uint32_t ioas, viommu, vdevice;

	if (!privilege(true))
		return;
	abi_bound(abi, 0);
	ioas = abi_ioas(abi);
	ok(abi_viommu(abi, abi->devid[0], abi_parent(abi, 0, ioas), &viommu));
	ok(abi_vdevice(abi, viommu, abi->devid[0], 1, &vdevice));
	abi_close(abi, 0);
	for (uint32_t id = 20; id; id--)
		if (id != vdevice)
			abi_destroy(abi, id);
	ok(abi_destroy(abi, abi_ioas(abi)));
	expect(set(abi, RLIMIT_MODE, 0, 1), -EBUSY);
}

/* ---- HUGE_PAGES ---- */

/* 3.1: without huge pages `A` is at least PAGE. */
static void without_huge_pages_everything_is_page_aligned(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	uint8_t *memory = abi_pages(abi, 2);

	assert_int_equal(get(abi, HUGE_PAGES, ioas), 1);
	ok(abi_map_at(abi, ioas, RW, memory + 1, 1, 0x2000001));
	expect(set(abi, HUGE_PAGES, ioas, 0), -EADDRINUSE);
	ok(set(abi, HUGE_PAGES, ioas, 1));
	assert_int_equal(get(abi, HUGE_PAGES, ioas), 1);
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(abi_map_at(abi, ioas, RW, memory, PAGE, 0x2000000));
	ok(set(abi, HUGE_PAGES, ioas, 0));
	ok(set(abi, HUGE_PAGES, ioas, 0));
	assert_int_equal(get(abi, HUGE_PAGES, ioas), 0);
	expect_ranges(abi, ioas, PAGE, {0, ULAST});
	expect(abi_map_at(abi, ioas, RW, memory, 2048, 0x3000000), -EINVAL);
	expect(abi_map_at(abi, ioas, RW, memory + 2048, PAGE, 0x3000000), -EINVAL);
	ok(set(abi, HUGE_PAGES, ioas, 1));
	expect_full_ranges(abi, ioas);
	ok(abi_map_at(abi, ioas, RW, memory, 2048, 0x3000000));
}

/* 11.4 */
static void huge_pages_stay_while_they_may_be_in_use(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, IOVA));
	expect(set(abi, HUGE_PAGES, ioas, 0), -EINVAL);
	assert_int_equal(get(abi, HUGE_PAGES, ioas), 1);
	ok(abi_unmap_all(abi, ioas, NULL));
	ok(set(abi, HUGE_PAGES, ioas, 0));
	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, 1), PAGE, IOVA));
	ok(set(abi, HUGE_PAGES, ioas, 0));
	ok(set(abi, HUGE_PAGES, ioas, 1));
}

/* 3.4.4: dirty state is kept for each leaf, which shows how large they are. */
static void dirty_pages(struct abi *abi, bool map_first, bool huge, unsigned want)
{
	uint32_t ioas = abi_ioas(abi), hwpt;
	uint8_t *memory = abi_aligned(abi, 1024);
	uint64_t bits[16] = {0};
	unsigned count = 0;

	abi_bound(abi, 0);
	ok(set(abi, HUGE_PAGES, ioas, huge));
	if (map_first)
		ok(abi_map_at(abi, ioas, RW, memory, MIB(4), IOVA));
	ok(abi_hwpt(abi, abi->devid[0], ioas, DIRTY, NULL, &hwpt));
	if (!map_first)
		ok(abi_map_at(abi, ioas, RW, memory, MIB(4), IOVA));
	abi_attached(abi, 0, hwpt);
	ok(set_dirty(abi, hwpt, ENABLE));
	assert_true(abi_writes(abi, 0, IOVA + MIB(3)));
	ok(get_dirty(abi, hwpt, 0, IOVA, MIB(4), PAGE, bits));
	for (unsigned i = 0; i < 1024; i++)
		count += bits[i / 64] >> i % 64 & 1;
	assert_int_equal(count, want);
	for (uint64_t at = 0; at < MIB(4); at += 3 * PAGE)
		assert_true(abi_sees(abi, 0, IOVA + at, memory + at));
	ok(abi_unmap(abi, ioas, IOVA, MIB(4), NULL));
	assert_false(abi_reads(abi, 0, IOVA + MIB(3)));
}

static void leaves_are_huge(struct abi *abi)
{
	dirty_pages(abi, false, true, abi->mock ? 1024 : 512);
}

static void leaves_are_pages(struct abi *abi)
{
	dirty_pages(abi, false, false, 1);
}

static void leaves_of_a_domain_that_joins_are_pages(struct abi *abi)
{
	dirty_pages(abi, true, false, 1);
}

/* ---- VFIO_IOAS ---- */

static int vfio_ioas(struct abi *abi, uint16_t op, uint32_t *id)
{
	struct iommu_vfio_ioas cmd = {.size = sizeof(cmd), .op = op, .ioas_id = *id};
	int rc = abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd);

	*id = cmd.ioas_id;
	return rc;
}

static void the_compat_ioas_is_what_was_set(struct abi *abi)
{
	uint32_t first = abi_ioas(abi), second = abi_ioas(abi), id = 0;

	expect(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_CLEAR, &id));
	id = first;
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_SET, &id));
	id = 0;
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id));
	assert_int_equal(id, first);
	id = NO_ID;
	expect(vfio_ioas(abi, IOMMU_VFIO_IOAS_SET, &id), -ENOENT);
	id = second;
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_SET, &id));
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id));
	assert_int_equal(id, second);
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_CLEAR, &id));
	expect(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
	ok(abi_destroy(abi, second));
}

/* 12: no reference is kept. */
static void the_compat_ioas_can_be_destroyed(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), other = abi_ioas(abi), id = ioas;

	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_SET, &id));
	ok(abi_destroy(abi, other));
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id));
	ok(abi_destroy(abi, ioas));
	expect(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
	/* Another one may have that id. */
	assert_int_equal(abi_ioas(abi), ioas);
	expect(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
}

static void vfio_ioas_judges_its_fields(struct abi *abi)
{
	struct iommu_vfio_ioas cmd = {.size = sizeof(cmd), .op = 3};

	expect(abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd), -EOPNOTSUPP);
	cmd.op = IOMMU_VFIO_IOAS_CLEAR;
	cmd.__reserved = 1;
	expect(abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd), -EOPNOTSUPP);
	cmd.__reserved = 0;
	cmd.op = IOMMU_VFIO_IOAS_SET;
	abi_bound(abi, 0);
	cmd.ioas_id = abi->devid[0];
	expect(abi_ioctl(abi, IOMMU_VFIO_IOAS, &cmd), -ENOENT);
}

static void an_answer_that_cannot_be_written_is_efault(struct abi *abi)
{
	struct iommu_vfio_ioas cmd = {.size = sizeof(cmd), .op = IOMMU_VFIO_IOAS_GET};
	uint32_t id = abi_ioas(abi);

	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_SET, &id));
	expect(abi_ioctl(abi, IOMMU_VFIO_IOAS, abi_constant_copy(abi, &cmd, sizeof(cmd), 4)),
	       -EFAULT);
	ok(vfio_ioas(abi, IOMMU_VFIO_IOAS_GET, &id));
}

int main(void)
{
	abi_rows(abi_vtd, options, an_option_obeys_its_rules);
	abi_on(abi_vtd, only_the_value_is_written);
	abi_on(abi_vtd, the_rlimit_mode_takes_a_privilege);
	abi_on(abi_vtd, a_container_begins_per_process);
	abi_on(abi_vtd, the_rlimit_mode_is_fixed_by_objects);
	abi_on(abi_mock, the_rlimit_mode_is_fixed_by_a_tombstone);
	abi_both(without_huge_pages_everything_is_page_aligned);
	abi_both(huge_pages_stay_while_they_may_be_in_use);
	abi_library(abi_both(leaves_are_huge));
	abi_library(abi_both(leaves_are_pages));
	abi_library(abi_both(leaves_of_a_domain_that_joins_are_pages));
	abi_on(abi_vtd, the_compat_ioas_is_what_was_set);
	abi_on(abi_vtd, the_compat_ioas_can_be_destroyed);
	abi_on(abi_vtd, vfio_ioas_judges_its_fields);
	abi_on(abi_vtd, an_answer_that_cannot_be_written_is_efault);
	return abi_run("option");
}
