// SPDX-License-Identifier: MIT
/*
 * Accesses of the test ABI (iommufd-test-abi.md 5, 11): a file each, which has an
 * access and remembers what that has pinned.
 */
#include "iommufd/queue.h"
#include "iommufd/selftest.h"

#include <errno.h>
#include <fcntl.h>

#define LENGTH_MAX ((uint64_t)16 << 20)

struct test_access {
	struct mem_file file;
	struct iommufd_access *access; /* NULL: not made */

	/* What is pinned is found here by the time that the lock is free: see test_unmap(). */
	struct base_mutex lock;
	struct base_list items; /* struct item */
	uint32_t next_id;
};

/* One pinned range. */
struct item {
	struct base_list node;
	uint32_t id;
	uint64_t iova, length;
};

/* ---- pinned ranges ---- */

static void item_drop_locked(struct test_access *test, struct item *item)
{
	base_assert_held(&test->lock);
	iommufd_access_unpin(test->access, item->iova, item->length);
	base_list_remove(&item->node);
	base_free(item);
}

static void test_unmap(void *data, uint64_t start, uint64_t last)
{
	struct test_access *test = data;
	struct item *item, *next;

	base_scoped_lock(&test->lock);
	base_list_for_each_safe (item, next, &test->items, node) {
		if (base_ranges_meet(item->iova, item->iova + (item->length - 1), start, last))
			item_drop_locked(test, item);
	}
}

static const struct iommufd_access_ops pin_ops = {.pins = true, .unmap = test_unmap};
static const struct iommufd_access_ops rw_ops = {.pins = false};

/* ---- the file ---- */

static void test_release(struct mem_file *file)
{
	struct test_access *test = base_container_of(file, struct test_access, file);

	/* Its last unmap() drops the items. */
	if (test->access)
		iommufd_access_destroy(test->access);
	base_assert(base_list_is_empty(&test->items));
	base_free(test);
}

static const struct mem_file_ops test_ops = {
	.name = "iommufd_test_staccess",
	.ioctl = iommufd_queue_ioctl,
	.release = test_release,
};

static int test_attach(struct iommufd_call *call, struct test_access *test,
		       const struct iommu_test_cmd *cmd)
{
	int rc = iommufd_access_create(call->ctx, cmd->create_access.flags ? &pin_ops : &rw_ops,
				       test, &test->access);

	return rc ? rc : iommufd_access_attach(test->access, cmd->id);
}

static struct test_access *test_new(void)
{
	struct test_access *test = base_zalloc(sizeof(*test));

	if (!test)
		return NULL;
	mem_file_init(&test->file, &test_ops);
	base_mutex_init(&test->lock, RANK_ACCESS_USER);
	base_list_init(&test->items);
	return test;
}

int iommufd_selftest_create_access(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	const struct mem_client_ops *ops = call->client->ops;
	struct mem_new_file new_file;
	struct test_access *test;
	int rc;

	if (cmd->create_access.flags & ~(uint32_t)MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;
	test = test_new();
	if (!test)
		return -ENOMEM;
	if (ops->file_reserve(call->client, &test->file, O_RDWR | O_CLOEXEC, &new_file)) {
		mem_file_put(&test->file);
		return -ENOMEM;
	}
	rc = test_attach(call, test, cmd);
	cmd->create_access.out_access_fd = (uint32_t)new_file.fd;
	if (!rc)
		rc = iommufd_selftest_answer(call, cmd);
	if (rc)
		ops->file_abort(call->client, &new_file);
	else
		ops->file_publish(call->client, &new_file);
	return rc;
}

/* The access behind an fd, with a reference of the file. -EBADFD: it is none. */
static int test_get(struct iommufd_call *call, uint32_t fd, struct test_access **test)
{
	struct mem_file *file;

	if (call->client->ops->file_get(call->client, (int)fd, &file))
		return -EBADFD;
	if (file->ops != &test_ops) {
		mem_file_put(file);
		return -EBADFD;
	}
	*test = base_container_of(file, struct test_access, file);
	return 0;
}

static void test_put(struct test_access *test)
{
	mem_file_put(&test->file);
}

int iommufd_selftest_access_replace_ioas(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *test;
	int rc = test_get(call, cmd->id, &test);

	if (rc)
		return rc;
	rc = iommufd_access_replace(test->access, cmd->access_replace_ioas.ioas_id);
	test_put(test);
	return rc;
}

static uint64_t iova_of(struct test_access *test, uint64_t iova, uint32_t flags)
{
	struct iommufd_access *access = test->access;

	if (base_likely(!(flags & MOCK_FLAGS_ACCESS_SYZ)))
		return iova;
	base_scoped_lock(&access->lock);
	if (!access->ioas)
		return 0;
	base_scoped_read(&access->ioas->iopt.iova_lock);
	return iommufd_selftest_iova(&access->ioas->iopt, iova);
}

/* ---- ACCESS_PAGES and DESTROY_ACCESS_PAGES ---- */

#define PAGES_FLAGS ((uint32_t)(MOCK_FLAGS_ACCESS_WRITE | MOCK_FLAGS_ACCESS_SYZ))

/* Pinned memory has to be what the client sees at `uptr`. */
struct comparison {
	struct iommufd_call *call;
	struct iommufd_selftest_pages pages;
	uint64_t uptr; /* of the next page */
};

static int compare(void *arg, uint64_t pa, uint64_t length)
{
	struct comparison *c = arg;
	int rc = 0;

	for (uint64_t at = 0; at < length && !rc; at += BASE_PAGE_SIZE) {
		rc = iommufd_selftest_same_byte(c->call, &c->pages,
						(uint64_t)(uintptr_t)mem_pa_to_host(pa + at),
						c->uptr, -EBADE);
		c->uptr += BASE_PAGE_SIZE;
	}
	return rc;
}

static int item_pin(struct iommufd_call *call, struct test_access *test, struct item *item,
		    const struct iommu_test_cmd *cmd)
{
	struct comparison c = {
		.call = call,
		.uptr = base_align_down(cmd->access_pages.uptr, BASE_PAGE_SIZE),
	};
	int rc = iommufd_access_pin(test->access, item->iova, item->length,
				    cmd->access_pages.flags & MOCK_FLAGS_ACCESS_WRITE,
				    cmd->access_pages.uptr ? compare : NULL, &c);

	iommufd_selftest_pages_fini(&c.pages);
	return rc;
}

static int pages_locked(struct iommufd_call *call, struct test_access *test,
			struct iommu_test_cmd *cmd)
{
	struct item *item = base_alloc(sizeof(*item));
	int rc;

	base_assert_held(&test->lock);
	if (!item)
		return -ENOMEM;
	item->iova = iova_of(test, cmd->access_pages.iova, cmd->access_pages.flags);
	item->length = cmd->access_pages.length;
	rc = item_pin(call, test, item, cmd);
	if (rc) {
		base_free(item);
		return rc;
	}
	item->id = cmd->access_pages.out_access_pages_id = test->next_id++;
	base_list_add_tail(&test->items, &item->node);
	rc = iommufd_selftest_answer(call, cmd);
	if (rc)
		item_drop_locked(test, item);
	return rc;
}

static int pages(struct iommufd_call *call, struct test_access *test, struct iommu_test_cmd *cmd)
{
	if (!test->access->ops->pins)
		return -EOPNOTSUPP;
	base_scoped_lock(&test->lock);
	return pages_locked(call, test, cmd);
}

int iommufd_selftest_access_pages(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *test;
	int rc;

	if (cmd->access_pages.length > LENGTH_MAX)
		return -ENOMEM;
	if (cmd->access_pages.flags & ~PAGES_FLAGS)
		return -EOPNOTSUPP;
	rc = test_get(call, cmd->id, &test);
	if (rc)
		return rc;
	rc = pages(call, test, cmd);
	test_put(test);
	return rc;
}

static int item_drop(struct test_access *test, uint32_t id)
{
	struct item *item;

	base_scoped_lock(&test->lock);
	base_list_for_each (item, &test->items, node) {
		if (item->id == id) {
			item_drop_locked(test, item);
			return 0;
		}
	}
	return -ENOENT;
}

int iommufd_selftest_destroy_access_pages(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct test_access *test;
	int rc = test_get(call, cmd->id, &test);

	if (rc)
		return rc;
	rc = item_drop(test, cmd->destroy_access_pages.access_pages_id);
	test_put(test);
	return rc;
}

/* ---- ACCESS_RW ---- */

#define RW_FLAGS \
	((uint32_t)(MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH | MOCK_FLAGS_ACCESS_SYZ))

/* Up to that no memory is allocated. */
#define SMALL BASE_PAGE_SIZE

/* There is one way to copy, so the slow path is the other one, too. */
static int copy(struct iommufd_call *call, struct test_access *test,
		const struct iommu_test_cmd *cmd, void *buffer)
{
	uint64_t length = cmd->access_rw.length, uptr = cmd->access_rw.uptr;
	bool write = cmd->access_rw.flags & MOCK_ACCESS_RW_WRITE;
	uint64_t iova;
	int rc;

	if (write && mem_copy_in(call->client, buffer, uptr, length))
		return -EFAULT;
	iova = iova_of(test, cmd->access_rw.iova, cmd->access_rw.flags);
	rc = iommufd_access_rw(test->access, iova, buffer, length, write);
	if (!rc && !write)
		rc = mem_copy_out(call->client, uptr, buffer, length);
	return rc;
}

int iommufd_selftest_access_rw(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	uint64_t length = cmd->access_rw.length;
	struct test_access *test;
	uint8_t small[SMALL] __attribute__((aligned(32)));
	void *buffer;
	int rc;

	if (length > LENGTH_MAX)
		return -ENOMEM;
	if (cmd->access_rw.flags & ~RW_FLAGS)
		return -EOPNOTSUPP;
	rc = test_get(call, cmd->id, &test);
	if (rc)
		return rc;
	buffer = length > SMALL ? base_alloc(length) : small;
	rc = buffer ? copy(call, test, cmd, buffer) : -ENOMEM;
	if (buffer != small)
		base_free(buffer);
	test_put(test);
	return rc;
}
