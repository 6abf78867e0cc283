// SPDX-License-Identifier: MIT
/* IOAS_CHANGE_PROCESS by somebody who is not the owner yet (iommufd-ioctls.md 13, 3.5). */
#include "fixture.h"

#include <sys/mman.h>
#include <unistd.h>

#define BASE	 0x2000000ull
#define OTHER	 0x4000000ull
#define PAGES	 8u /* that are pinned of the file */
#define NO_LIMIT 1000u

static struct rig rig;
static struct iommufd_ctx *ctx;
static int memfd;

/* ---- two clients ---- */

struct person {
	struct mem_client client;
	uint64_t limit; /* in pages */
};

static int none_of_ours(struct mem_client *client, int fd, struct mem_file **file)
{
	(void)client, (void)fd, (void)file;
	return -EBADFD;
}

static int fd_copy(struct mem_client *client, int fd)
{
	(void)client;
	return dup(fd);
}

static uint64_t limit_of(struct mem_client *client)
{
	return base_container_of(client, struct person, client)->limit * PAGE;
}

static const struct mem_client_ops ops = {
	.file_get = none_of_ours,
	.fd_get = fd_copy,
	.memlock_limit = limit_of,
};
static struct person alice, bob;

static long call(struct person *person, uint32_t cmd, void *arg)
{
	return mem_file_ioctl(rig.ctx, &person->client, cmd, ADDR(arg));
}

static long map_file(struct person *person, uint32_t ioas, uint64_t pages, uint64_t iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = ioas,
		.fd = memfd,
		.length = pages * PAGE,
		.iova = iova,
	};

	return call(person, IOMMU_IOAS_MAP_FILE, &cmd);
}

static long copy(uint32_t dst, uint64_t dst_iova, uint32_t src, uint64_t src_iova, uint64_t pages)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = pages * PAGE,
		.dst_iova = dst_iova,
		.src_iova = src_iova,
	};

	return call(&alice, IOMMU_IOAS_COPY, &cmd);
}

static long unmap_all(uint32_t ioas)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd), .ioas_id = ioas, .length = UINT64_MAX};

	return call(&alice, IOMMU_IOAS_UNMAP, &cmd);
}

static long change_process(struct person *person)
{
	struct iommu_ioas_change_process cmd = {.size = sizeof(cmd)};

	return call(person, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

static void expect_pages(const struct person *person, uint64_t pinned, uint64_t locked)
{
	assert_int_equal(person->client.account.pinned, pinned);
	assert_int_equal(person->client.account.locked, locked);
}

/* So many pages are charged to the user. */
static void expect_user(uint64_t pages)
{
	struct person probe = {.client.ops = &ops, .limit = NO_LIMIT};

	assert_int_equal(mem_account_charge(&probe.client, MEM_ACCOUNT_USER, NO_LIMIT - pages + 1),
			 -ENOMEM);
	assert_int_equal(mem_account_charge(&probe.client, MEM_ACCOUNT_USER, NO_LIMIT - pages), 0);
	mem_account_uncharge(&probe.client, MEM_ACCOUNT_USER, NO_LIMIT - pages);
}

static int setup(void **state)
{
	(void)state;
	rig_init(&rig, "mock");
	ctx = iommufd_ctx_of(rig.ctx);
	memfd = memfd_create("owner", MFD_CLOEXEC);
	assert_true(memfd >= 0);
	assert_int_equal(ftruncate(memfd, (off_t)(PAGES * PAGE)), 0);
	alice = (struct person){.client.ops = &ops, .limit = NO_LIMIT};
	bob = (struct person){.client.ops = &ops, .limit = NO_LIMIT};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_fini(&rig);
	close(memfd);
	expect_pages(&alice, 0, 0);
	expect_pages(&bob, 0, 0);
	expect_user(0);
	return 0;
}

/* ---- what is charged (13.4, 13.5) ---- */

struct row {
	const char *name;
	enum mem_account_mode mode;
	uint64_t limit; /* of the new owner */
	int want;
};

static const struct row rows[] = {
	{"NONE has no limit", MEM_ACCOUNT_NONE, 0, 0},
	{"USER", MEM_ACCOUNT_USER, NO_LIMIT, 0},
	{"USER, charged before the old owner is uncharged", MEM_ACCOUNT_USER, 2 * PAGES, 0},
	{"USER, a page too many", MEM_ACCOUNT_USER, 2 * PAGES - 1, -ENOMEM},
	{"MM", MEM_ACCOUNT_MM, NO_LIMIT, 0},
	{"MM, just enough", MEM_ACCOUNT_MM, PAGES, 0},
	{"MM, a page too many", MEM_ACCOUNT_MM, PAGES - 1, -ENOMEM},
};

/*
 * A file that two domains and several copies have pinned, one of them in part, and a
 * mapping that nobody has. What is unpinned in the end is uncharged, whoever the owner is.
 */
static void run_row(const struct row *row)
{
	bool user = row->mode == MEM_ACCOUNT_USER, mm = row->mode == MEM_ACCOUNT_MM;
	uint32_t first = rig_ioas(&rig), second = rig_ioas(&rig), third = rig_ioas(&rig);

	alice.client.may_lock = row->mode == MEM_ACCOUNT_NONE;
	ctx->per_process = mm;
	rig_attach(&rig, 0, 0, first);
	rig_attach(&rig, 1, 0, second);
	assert_int_equal(map_file(&alice, first, PAGES, BASE), 0);
	assert_int_equal(copy(first, OTHER, first, BASE + PAGE, 2), 0);
	assert_int_equal(copy(second, BASE, first, BASE, PAGES), 0);
	assert_int_equal(copy(second, OTHER, first, BASE + PAGE, 2), 0);
	assert_int_equal(map_file(&alice, third, PAGES, BASE), 0);
	expect_pages(&alice, PAGES, mm ? PAGES : 0);
	/* Who is the owner already is not charged. */
	alice.limit = 0;
	assert_int_equal(change_process(&alice), 0);
	bob.limit = row->limit;
	assert_int_equal(change_process(&bob), row->want);
	expect_pages(row->want ? &alice : &bob, PAGES, mm ? PAGES : 0);
	expect_pages(row->want ? &bob : &alice, 0, 0);
	expect_user(user ? PAGES : 0);
	assert_int_equal(unmap_all(first), 0);
	expect_pages(row->want ? &alice : &bob, PAGES, mm ? PAGES : 0);
	iommufd_device_detach(rig.idev[1], 0);
	expect_pages(&bob, 0, 0);
	iommufd_device_detach(rig.idev[0], 0);
}

static void pinned_pages_are_the_new_owners(void **state)
{
	for (unsigned i = 0; i < base_array_size(rows); i++) {
		print_message("%s\n", rows[i].name);
		setup(state);
		run_row(&rows[i]);
		teardown(state);
	}
}

/* The first charge is undone if the second fails. */
static void modes_are_charged_together_or_not_at_all(void **state)
{
	uint32_t ioas = rig_ioas(&rig);

	(void)state;
	rig_attach(&rig, 0, 0, ioas);
	assert_int_equal(map_file(&alice, ioas, 2, BASE), 0);
	ctx->per_process = true;
	assert_int_equal(map_file(&alice, ioas, PAGES, OTHER), 0);
	expect_pages(&alice, PAGES + 2, PAGES);
	bob.limit = PAGES - 1;
	assert_int_equal(change_process(&bob), -ENOMEM);
	expect_pages(&alice, PAGES + 2, PAGES);
	expect_pages(&bob, 0, 0);
	expect_user(2);
	bob.limit = PAGES;
	assert_int_equal(change_process(&bob), 0);
	expect_pages(&alice, 0, 0);
	expect_pages(&bob, PAGES + 2, PAGES);
	expect_user(2);
	/* And back. What alice maps meanwhile is hers. */
	assert_int_equal(map_file(&alice, ioas, 1, BASE + 0x100000), 0);
	expect_pages(&alice, 1, 1);
	assert_int_equal(change_process(&alice), 0);
	expect_pages(&alice, PAGES + 3, PAGES + 1);
	expect_pages(&bob, 0, 0);
	iommufd_device_detach(rig.idev[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pinned_pages_are_the_new_owners),
		cmocka_unit_test_setup_teardown(modes_are_charged_together_or_not_at_all, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("owner", tests, fixture_setup, NULL);
}
