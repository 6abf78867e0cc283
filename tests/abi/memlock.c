// SPDX-License-Identifier: MIT
/* RLIMIT_MEMLOCK against what is mapped (iommufd-ioctls.md 3.5). */
#include "abi.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 8u

static const struct abi_machine limited_vtd = {
	.iommu = "vtd",
	.memlock = true,
	.devices = {"ioat", "ioat"},
};
static const struct abi_machine limited_mock = {
	.iommu = "mock",
	.memlock = true,
	.devices = {"ioat", "ioat"},
};
static const struct abi_machine unlimited = {.iommu = "vtd", .devices = {"ioat"}};

/* ---- this process ---- */

/* A capability of this thread goes, or comes back. False: there never was one. */
static bool privilege(unsigned capability, bool on)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t bit = 1u << capability;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (!(data[0].permitted & bit))
		return false;
	data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	return true;
}

static void set_limit(uint64_t pages)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = pages * PAGE;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

/* A machine whose client has no privilege, and `pages` to pin. */
static void limited_init(struct abi *abi, const struct abi_machine *machine, uint64_t pages)
{
	privilege(CAP_IPC_LOCK, false);
	set_limit(pages);
	abi_init(abi, machine);
	abi_bound(abi, 0);
	abi_bound(abi, 1);
}

struct machine_row {
	const char *name;
	const struct abi_machine *machine;
};

static const struct machine_row machines[] = {{"vtd", &limited_vtd}, {"mock", &limited_mock}};

static const struct abi_machine *machine_of(const struct abi *abi)
{
	return ((const struct machine_row *)abi->row)->machine;
}

/* ---- what counts ---- */

/* Memory that no domain reaches is not pinned; attaching pins it. */
static void attaching_pins_what_is_mapped(struct abi *abi)
{
	uint32_t ioas, other;
	void *memory;

	limited_init(abi, machine_of(abi), PAGES);
	ioas = abi_ioas(abi);
	memory = abi_pages(abi, 2 * PAGES);
	ok(abi_map_at(abi, ioas, RW, memory, (PAGES + 1) * PAGE, 0x2000000));
	other = ioas;
	expect(abi_attach(abi, 0, &other), -ENOMEM);
	ok(abi_unmap(abi, ioas, 0x2000000, (PAGES + 1) * PAGE, NULL));
	ok(abi_map_at(abi, ioas, RW, memory, PAGES * PAGE, 0x2000000));
	abi_attached(abi, 0, ioas);
	assert_true(abi_sees(abi, 0, 0x2000000, memory));
	abi_fini(abi);
}

static void a_map_beyond_the_limit_leaves_nothing(struct abi *abi)
{
	uint8_t *memory;
	uint32_t ioas;

	limited_init(abi, machine_of(abi), PAGES);
	ioas = abi_ioas(abi);
	memory = abi_pages(abi, 2 * PAGES);
	abi_attached(abi, 0, ioas);
	expect(abi_map_at(abi, ioas, RW, memory, (PAGES + 1) * PAGE, 0x2000000), -ENOMEM);
	expect(abi_unmap(abi, ioas, 0x2000000, (PAGES + 1) * PAGE, NULL), -ENOENT);
	assert_false(abi_reads(abi, 0, 0x2000000));
	ok(abi_map_at(abi, ioas, RW, memory, PAGES * PAGE, 0x2000000));
	expect(abi_map_at(abi, ioas, RW, memory, PAGE, 0x4000000), -ENOMEM);
	ok(abi_unmap(abi, ioas, 0x2000000, PAGES * PAGE, NULL));
	ok(abi_map_at(abi, ioas, RW, memory, PAGE, 0x4000000));
	abi_fini(abi);
}

/* Each page of a source counts once, whoever uses it (3.4.6). */
static void copies_and_domains_share_their_pins(struct abi *abi)
{
	uint32_t ioas, copy;
	uint8_t *memory;

	limited_init(abi, machine_of(abi), PAGES);
	ioas = abi_ioas(abi);
	copy = abi_ioas(abi);
	memory = abi_pages(abi, PAGES);
	abi_attached(abi, 0, ioas);
	abi_attached(abi, 1, copy);
	ok(abi_map_at(abi, ioas, RW, memory, PAGES * PAGE, 0x2000000));
	ok(abi_copy_to(abi, copy, RW, 0x4000000, ioas, 0x2000000, PAGES * PAGE));
	ok(abi_copy_to(abi, copy, RW, 0x6000000, ioas, 0x2000000 + PAGE, 2 * PAGE));
	ok(abi_unmap(abi, ioas, 0x2000000, PAGES * PAGE, NULL));
	expect(abi_map_at(abi, ioas, RW, memory, PAGE, 0x2000000), -ENOMEM);
	ok(abi_unmap(abi, copy, 0x4000000, PAGES * PAGE, NULL));
	/* Two pages are left. */
	expect(abi_map_at(abi, ioas, RW, memory, (PAGES - 1) * PAGE, 0x2000000), -ENOMEM);
	ok(abi_map_at(abi, ioas, RW, memory, (PAGES - 2) * PAGE, 0x2000000));
	abi_fini(abi);
}

/* ---- modes ---- */

/* All contexts of a user share a limit; those per process have one of their own. */
static void contexts_share_the_limit_of_their_mode(struct abi *abi)
{
	uint8_t *memory;
	uint32_t ioas;
	int per_user;

	limited_init(abi, &limited_vtd, PAGES);
	per_user = abi->ctx;
	memory = abi_pages(abi, PAGES);
	ioas = abi_ioas(abi);
	abi_attached(abi, 0, ioas);
	ok(abi_map_at(abi, ioas, RW, memory, PAGES * PAGE, 0x2000000));
	abi_close(abi, 1);
	abi_open(abi, 1);
	/* A container is per process. */
	abi->ctx = swiommu_open(abi->machine, "/dev/vfio/vfio");
	assert_true(abi->ctx >= 0);
	abi_bound(abi, 1);
	ioas = abi_ioas(abi);
	abi_attached(abi, 1, ioas);
	ok(abi_map_at(abi, ioas, RW, memory, PAGES * PAGE, 0x2000000));
	expect(abi_map_at(abi, ioas, RW, memory, PAGE, 0x4000000), -ENOMEM);
	abi->ctx = per_user;
	abi_fini(abi);
}

/* The mode of what is mapped stays: a context that is opened with the privilege frees the next. */
static void the_privilege_counts_when_a_context_is_opened(struct abi *abi)
{
	uint8_t *memory;
	uint32_t ioas;

	limited_init(abi, &limited_vtd, PAGES);
	ioas = abi_ioas(abi);
	if (privilege(CAP_IPC_LOCK, true)) {
		memory = abi_pages(abi, 2 * PAGES);
		abi_attached(abi, 0, ioas);
		expect(abi_map_at(abi, ioas, RW, memory, 2 * PAGES * PAGE, 0x2000000), -ENOMEM);
		ok(swiommu_close(abi->machine, swiommu_open(abi->machine, "/dev/iommu")));
		ok(abi_map_at(abi, ioas, RW, memory, 2 * PAGES * PAGE, 0x2000000));
	}
	abi_fini(abi);
}

/* Programs open a context first, and then give their privileges away. */
static void the_privilege_counts_when_an_ioas_is_made(struct abi *abi)
{
	uint8_t *memory;
	uint32_t ioas;

	limited_init(abi, &limited_vtd, PAGES);
	memory = abi_pages(abi, 2 * PAGES);
	if (privilege(CAP_IPC_LOCK, true)) {
		ioas = abi_ioas(abi);
		abi_attached(abi, 0, ioas);
		ok(abi_map_at(abi, ioas, RW, memory, 2 * PAGES * PAGE, 0x2000000));
		ok(abi_unmap(abi, ioas, 0x2000000, 2 * PAGES * PAGE, NULL));
		privilege(CAP_IPC_LOCK, false);
		abi_ioas(abi);
		expect(abi_map_at(abi, ioas, RW, memory, 2 * PAGES * PAGE, 0x2000000), -ENOMEM);
	}
	abi_fini(abi);
}

static void a_machine_without_limit_has_none(struct abi *abi)
{
	uint32_t ioas;

	privilege(CAP_IPC_LOCK, false);
	set_limit(0);
	abi_init(abi, &unlimited);
	abi_bound(abi, 0);
	ioas = abi_ioas(abi);
	abi_attached(abi, 0, ioas);
	ok(abi_map_at(abi, ioas, RW, abi_pages(abi, PAGES), PAGES * PAGE, 0x2000000));
	abi_fini(abi);
}

int main(void)
{
	abi_rows(abi_none, machines, attaching_pins_what_is_mapped);
	abi_rows(abi_none, machines, a_map_beyond_the_limit_leaves_nothing);
	abi_rows(abi_none, machines, copies_and_domains_share_their_pins);
	abi_on(abi_none, contexts_share_the_limit_of_their_mode);
	abi_on(abi_none, the_privilege_counts_when_a_context_is_opened);
	abi_on(abi_none, the_privilege_counts_when_an_ioas_is_made);
	abi_on(abi_none, a_machine_without_limit_has_none);
	return abi_run("memlock");
}
