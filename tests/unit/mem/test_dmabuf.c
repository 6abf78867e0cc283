// SPDX-License-Identifier: MIT
/* mem/dmabuf.h: memory that its exporter takes back (iommufd-test-abi.md 13). */
#include "spaces.h"

#include <errno.h>

#define PAGES 4u
#define SIZE  (PAGES * SPACE_PAGE)

static struct mem_file *file;
static struct mem_dmabuf *dmabuf;

static int dmabuf_new(void **state)
{
	(void)state;
	if (mem_dmabuf_new(SIZE, &file))
		return -1;
	dmabuf = mem_dmabuf_of(file);
	return 0;
}

static int dmabuf_end(void **state)
{
	(void)state;
	mem_file_put(file);
	return 0;
}

static int source_of(struct mem_source *source, uint64_t start, uint64_t length)
{
	return mem_source_init_dmabuf(source, &space_local.client, dmabuf, start, length, true);
}

static bool is_void(const struct mem_source *source)
{
	base_scoped_lock(&dmabuf->lock);
	return mem_source_is_void_locked(source);
}

/* ---- the file ---- */

static const struct mem_file_ops other_ops = {.name = "other"};

static void a_dmabuf_is_known_by_its_file(void **state)
{
	struct mem_file other;

	(void)state;
	mem_file_init(&other, &other_ops);
	assert_null(mem_dmabuf_of(&other));
	assert_ptr_equal(dmabuf, file);
	assert_string_equal(file->ops->name, "dmabuf");
	assert_int_equal(mem_file_ioctl(file, &space_local.client, 0x3b71, 0), -ENOTTY);
	assert_int_equal(mem_file_pread(file, &space_local.client, 0, 1, 0), -EINVAL);
}

static void making_one_can_fail(void **state)
{
	struct mem_file *fresh;
	size_t before = base_alloc_count();

	(void)state;
	for (unsigned nth = 1; nth <= 2; nth++) {
		base_fail_nth(nth);
		assert_int_equal(mem_dmabuf_new(SIZE, &fresh), -ENOMEM);
		assert_int_equal(base_fail_pending(), 0);
	}
	assert_int_equal(base_alloc_count(), before);
}

/* ---- sources ---- */

static void sources_stay_inside(void **state)
{
	static const struct {
		uint64_t start, length;
		int rc;
	} rows[] = {
		{0, SIZE, 0},
		{SIZE - 1, 1, 0},
		{0x800, 0x800, 0},
		{0, SIZE + 1, -EINVAL},
		{1, SIZE, -EINVAL},
		{SIZE, 1, -EINVAL},
		{UINT64_MAX, 1, -EINVAL},
		{1, UINT64_MAX, -EINVAL},
	};
	struct mem_source source;

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		int rc = source_of(&source, rows[i].start, rows[i].length);

		assert_int_equal(rc, rows[i].rc);
		if (!rc)
			assert_true(mem_source_put(&source));
	}
}

/* Zeroes, in one run, that nobody is charged for. */
static void its_memory_is_one_run(void **state)
{
	struct mem_source source;
	uint8_t *host;
	uint64_t run;

	(void)state;
	assert_int_equal(source_of(&source, 0x880, SIZE - 0x880), 0);
	assert_ptr_equal(mem_source_dmabuf(&source), dmabuf);
	assert_int_equal(mem_source_pin(&source, 0, source.length), 0);
	assert_int_equal(mem_source_pin(&source, 10, SPACE_PAGE), 0);
	assert_int_equal(space_local.client.account.pinned, 0);
	assert_int_equal(mem_source_pinned(&source), 0);
	host = mem_pa_to_host(mem_source_pa(&source, 100, &run));
	assert_ptr_equal(host, (uint8_t *)dmabuf->memory + 0x880 + 100);
	assert_int_equal(run, source.length - 100);
	for (uint64_t i = 0; i < run; i++)
		assert_int_equal(host[i], 0);
	mem_source_unpin(&source, 0, source.length);
	mem_source_unpin(&source, 10, SPACE_PAGE);
	assert_true(mem_source_put(&source));
}

static void it_cannot_be_copied(void **state)
{
	struct mem_source source;
	char byte = 0;

	(void)state;
	assert_int_equal(source_of(&source, 0, SIZE), 0);
	assert_int_equal(mem_source_read(&source, 0, &byte, 1), -EINVAL);
	assert_int_equal(mem_source_write(&source, 0, &byte, 1), -EINVAL);
	assert_true(mem_source_put(&source));
}

static void a_source_keeps_the_dmabuf(void **state)
{
	struct mem_source source, user;

	(void)state;
	assert_int_equal(source_of(&source, 0, SIZE), 0);
	mem_file_put(file);
	assert_int_equal(base_ref_read(&file->refs), 1);
	assert_false(is_void(&source));
	mem_file_get(file);
	assert_true(mem_source_put(&source));
	mem_source_init(&user, &space_local.client, 0, 1, true, MEM_ACCOUNT_NONE);
	assert_null(mem_source_dmabuf(&user));
	assert_true(mem_source_put(&user));
}

static void a_source_that_fails_leaves_nothing(void **state)
{
	struct mem_source source;
	size_t before = base_alloc_count();

	(void)state;
	base_fail_nth(1);
	assert_int_equal(source_of(&source, 0, SIZE), -ENOMEM);
	base_fail_nth(0);
	mem_dmabuf_revoke(dmabuf, true);
	assert_int_equal(source_of(&source, 0, SIZE), -ENODEV);
	assert_int_equal(base_ref_read(&file->refs), 1);
	assert_int_equal(base_alloc_count(), before);
}

/* ---- revocation ---- */

/* What is there goes for good, in both cases; only new sources can work again. */
static void sources_from_before_a_revocation_are_void(void **state)
{
	struct mem_source a, b, c;

	(void)state;
	assert_int_equal(source_of(&a, 0, SIZE), 0);
	mem_dmabuf_revoke(dmabuf, true);
	assert_true(is_void(&a));
	assert_int_equal(source_of(&b, 0, SIZE), -ENODEV);
	assert_int_equal(source_of(&b, 0, SIZE + 1), -EINVAL);
	mem_dmabuf_revoke(dmabuf, false);
	assert_true(is_void(&a));
	assert_int_equal(source_of(&b, 0, SIZE), 0);
	assert_false(is_void(&b));
	mem_dmabuf_revoke(dmabuf, false);
	assert_true(is_void(&b));
	assert_int_equal(source_of(&c, 0, SIZE), 0);
	assert_false(is_void(&c));
	/* Areas of it stay, and pin. */
	assert_int_equal(mem_source_pin(&a, 0, a.length), 0);
	mem_source_unpin(&a, 0, a.length);
	assert_true(mem_source_put(&a));
	assert_true(mem_source_put(&b));
	assert_true(mem_source_put(&c));
}

struct user {
	struct mem_dmabuf_user user;
	unsigned revoked;
};

static void count_revoke(struct mem_dmabuf_user *user)
{
	base_assert_held(&dmabuf->lock);
	base_container_of(user, struct user, user)->revoked++;
}

static void attach(struct user *user)
{
	user->user.revoke = count_revoke;
	user->revoked = 0;
	base_scoped_lock(&dmabuf->lock);
	mem_dmabuf_attach_locked(dmabuf, &user->user);
}

static bool detach(struct user *user)
{
	base_scoped_lock(&dmabuf->lock);
	return mem_dmabuf_detach_locked(dmabuf, &user->user);
}

static void users_are_told_once(void **state)
{
	struct user a, b, c;

	(void)state;
	attach(&a);
	attach(&b);
	attach(&c);
	assert_true(detach(&b));
	mem_dmabuf_revoke(dmabuf, true);
	mem_dmabuf_revoke(dmabuf, true);
	assert_int_equal(a.revoked, 1);
	assert_int_equal(b.revoked, 0);
	assert_int_equal(c.revoked, 1);
	assert_false(detach(&a));
	assert_false(detach(&c));
	attach(&a);
	mem_dmabuf_revoke(dmabuf, false);
	assert_int_equal(a.revoked, 1);
	assert_false(detach(&a));
}

#define WITH_DMABUF(test) cmocka_unit_test_setup_teardown(test, dmabuf_new, dmabuf_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DMABUF(a_dmabuf_is_known_by_its_file),
		cmocka_unit_test(making_one_can_fail),
		WITH_DMABUF(sources_stay_inside),
		WITH_DMABUF(its_memory_is_one_run),
		WITH_DMABUF(it_cannot_be_copied),
		WITH_DMABUF(a_source_keeps_the_dmabuf),
		WITH_DMABUF(a_source_that_fails_leaves_nothing),
		WITH_DMABUF(sources_from_before_a_revocation_are_void),
		WITH_DMABUF(users_are_told_once),
	};

	return cmocka_run_group_tests(tests, spaces_setup, NULL);
}
