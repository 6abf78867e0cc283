// SPDX-License-Identifier: MIT
/* IOAS_CHANGE_PROCESS (iommufd-ioctls.md 13), by a process that is the owner already. */
#include "race.h"

#include <sys/mman.h>
#include <unistd.h>

#define BASE 0x2000000ull

static int change_process(struct abi *abi)
{
	struct iommu_ioas_change_process cmd = {.size = sizeof(cmd)};

	return abi_ioctl(abi, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

static int memfd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	return fd;
}

static void reserved_is_judged_first(struct abi *abi)
{
	struct iommu_ioas_change_process cmd = {.size = sizeof(cmd), .__reserved = 1};

	ok(abi_map_at(abi, abi_ioas(abi), RW, abi_pages(abi, 1), PAGE, BASE));
	expect(abi_ioctl(abi, IOMMU_IOAS_CHANGE_PROCESS, &cmd), -EOPNOTSUPP);
	expect(change_process(abi), -EINVAL);
}

/* 13.3: one mapping of another kind, in any IOAS, is enough. */
static void only_mappings_of_files_can_move(struct abi *abi)
{
	uint32_t first, second, third;
	int fd = memfd();

	ok(change_process(abi));
	first = abi_ioas(abi), second = abi_ioas(abi), third = abi_ioas(abi);
	ok(change_process(abi));
	ok(abi_map_file_at(abi, first, RW, fd, 0, 4 * PAGE, BASE));
	ok(abi_map_file_at(abi, second, RW, fd, 0, PAGE, BASE));
	ok(change_process(abi));
	ok(abi_map_at(abi, third, RW, abi_pages(abi, 1), PAGE, BASE));
	expect(change_process(abi), -EINVAL);
	ok(abi_unmap_all(abi, third, NULL));
	ok(change_process(abi));
	ok(abi_map_at(abi, first, RW, abi_pages(abi, 1), PAGE, BASE + MIB(1)));
	expect(change_process(abi), -EINVAL);
	ok(abi_destroy(abi, first));
	ok(change_process(abi));
	close(fd);
}

/* What is mapped stays so, with domains and with copies that share a source. */
static void mappings_stay(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi);
	int fd = memfd();

	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	ok(abi_map_file_at(abi, ioas, RW, fd, 0, 4 * PAGE, BASE));
	ok(abi_copy_to(abi, ioas, RW, BASE + MIB(1), ioas, BASE + PAGE, 2 * PAGE));
	for (unsigned i = 0; i < 3; i++) {
		ok(change_process(abi));
		for (unsigned page = 0; page < 4; page++)
			assert_true(abi_writes(abi, 0, BASE + page * PAGE));
		assert_true(abi_writes(abi, 0, BASE + MIB(1) + PAGE));
	}
	ok(abi_unmap(abi, ioas, BASE, 4 * PAGE, NULL));
	ok(change_process(abi));
	ok(abi_unmap_all(abi, ioas, NULL));
	close(fd);
}

/* ---- races ---- */

struct worker {
	uint32_t ioas;
	int fd;
};

/* IOASes, maps and unmaps; the first thread's IOAS has a domain. */
static void map_and_unmap(struct race *race, void *arg)
{
	const struct worker *w = arg;

	while (race_goes_on(race)) {
		uint32_t other = abi_ioas(race->abi);
		uint64_t iova;

		allow(abi_map_file_at(race->abi, w->ioas, RW, w->fd, 0, 4 * PAGE, BASE), 0);
		allow(abi_copy(race->abi, other, RW, w->ioas, BASE, 2 * PAGE, &iova), 0);
		allow(abi_unmap(race->abi, w->ioas, BASE, 4 * PAGE, NULL), 0);
		allow(abi_destroy(race->abi, other), 0, -EBUSY);
	}
}

static void nobody_is_disturbed(struct abi *abi)
{
	struct worker workers[2];
	struct race race;

	for (unsigned i = 0; i < COUNT(workers); i++)
		workers[i] = (struct worker){abi_ioas(abi), memfd()};
	abi_bound(abi, 0);
	abi_attached(abi, 0, workers[0].ioas);
	race_start(&race, abi);
	for (unsigned i = 0; i < COUNT(workers); i++)
		race_add(&race, map_and_unmap, &workers[i]);
	for (unsigned i = 0; i < 2000; i++) {
		int rc = change_process(abi);

		if (rc)
			expect(rc, -EBUSY);
	}
	race_join(&race);
	for (unsigned i = 0; i < COUNT(workers); i++)
		close(workers[i].fd);
}

int main(void)
{
	abi_on(abi_vtd, reserved_is_judged_first);
	abi_on(abi_vtd, only_mappings_of_files_can_move);
	abi_library(abi_both(mappings_stay));
	abi_on(abi_vtd, nobody_is_disturbed);
	return abi_run("change_process");
}
