// SPDX-License-Identifier: MIT
/* The object table: ids, the two counts, and the ways an object ends. */
#include "../iommu/fixture.h"
#include "iommufd/private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct mem_file *file;
static struct iommufd_ctx *ctx;

static int open_context(void **state)
{
	const struct iommufd_options options = {0};

	(void)state;
	if (iommufd_open(&options, &file))
		return -1;
	ctx = iommufd_ctx_of(file);
	return ctx ? 0 : -1;
}

static int close_context(void **state)
{
	(void)state;
	mem_file_put(file);
	return 0;
}

/* An empty IOAS: the simplest object whose end needs nothing else. */
static struct iommufd_object *reserve(void)
{
	struct iommufd_object *obj;
	struct iommufd_ioas *ioas;

	assert_int_equal(iommufd_object_alloc(ctx, sizeof(*ioas), IOMMUFD_OBJ_IOAS, &obj), 0);
	ioas = base_container_of(obj, struct iommufd_ioas, obj);
	iopt_init(&ioas->iopt, &ctx->mappings);
	base_mutex_init(&ioas->lock, RANK_IOAS);
	base_list_init(&ioas->hwpts);
	return obj;
}

static struct iommufd_object *publish(void)
{
	struct iommufd_object *obj = reserve();

	iommufd_object_publish(ctx, obj);
	return obj;
}

static void put(struct iommufd_object *obj)
{
	iommufd_object_put(&ctx->objects, obj);
}

static struct iommufd_object *lookup(uint32_t id)
{
	return iommufd_object_lookup(ctx, id, IOMMUFD_OBJ_ANY);
}

static void expect_counts(const struct iommufd_object *obj, uint32_t users, uint32_t waiters)
{
	assert_int_equal(iommufd_object_users(obj), users);
	assert_int_equal(iommufd_object_waiters(obj), waiters);
}

/* Nobody can find or destroy what has this id. */
static void expect_gone(uint32_t id)
{
	assert_null(lookup(id));
	assert_int_equal(iommufd_object_destroy_user(ctx, id), -ENOENT);
}

static void expect_found(uint32_t id, const struct iommufd_object *obj)
{
	struct iommufd_object *found = lookup(id);

	assert_ptr_equal(found, obj);
	put(found);
}

/* The id that an object would get now. */
static void expect_next_id(uint32_t id)
{
	struct iommufd_object *obj = reserve();

	assert_int_equal(obj->id, id);
	iommufd_object_abort(ctx, obj);
}

/* ---- ids ---- */

static void ids_begin_at_one(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 200; id++)
		assert_int_equal(publish()->id, id);
	expect_gone(0);
	expect_gone(201);
	expect_gone(0x7fffffff);
	expect_gone(UINT32_MAX);
}

#define IDS 150

/* Beside an array of which ids are there. */
static void the_lowest_free_id_is_taken(void **state)
{
	struct iommufd_object *twin[IDS + 1] = {NULL};
	struct random random = {3};

	(void)state;
	for (unsigned step = 0; step < 5000; step++) {
		uint32_t id = 1 + random_below(&random, IDS), lowest = 1;

		while (lowest <= IDS && twin[lowest])
			lowest++;
		if (random_below(&random, 2) && lowest <= IDS) {
			twin[lowest] = publish();
			assert_int_equal(twin[lowest]->id, lowest);
		} else {
			assert_int_equal(iommufd_object_destroy_user(ctx, id),
					 twin[id] ? 0 : -ENOENT);
			twin[id] = NULL;
		}
		if (twin[id])
			expect_found(id, twin[id]);
		else
			assert_null(lookup(id));
	}
}

static void a_reserved_id_is_neither_found_nor_given_again(void **state)
{
	struct iommufd_object *obj = reserve();

	(void)state;
	assert_int_equal(obj->id, 1);
	expect_counts(obj, 1, 1);
	expect_gone(1);
	assert_int_equal(publish()->id, 2);
	iommufd_object_publish(ctx, obj);
	expect_found(1, obj);
}

static void abort_gives_the_id_back(void **state)
{
	struct iommufd_object *a = reserve(), *b = reserve(), *c = reserve();

	(void)state;
	iommufd_object_publish(ctx, c);
	iommufd_object_abort(ctx, a);
	expect_next_id(1);
	iommufd_object_abort(ctx, b);
	expect_next_id(1);
	assert_int_equal(publish()->id, 1);
	assert_int_equal(publish()->id, 2);
	assert_int_equal(publish()->id, 4);
	expect_found(3, c);
}

static void two_contexts_have_ids_of_their_own(void **state)
{
	const struct iommufd_options options = {0};
	struct mem_file *other;

	(void)state;
	assert_int_equal(iommufd_open(&options, &other), 0);
	assert_int_equal(publish()->id, 1);
	assert_null(iommufd_object_lookup(iommufd_ctx_of(other), 1, IOMMUFD_OBJ_ANY));
	mem_file_put(other);
	expect_next_id(2);
}

/* ---- lookup ---- */

static void lookup_wants_the_right_type(void **state)
{
	struct iommufd_object *obj = publish();

	(void)state;
	for (enum iommufd_object_type type = IOMMUFD_OBJ_ANY; type < IOMMUFD_OBJ_TYPES; type++) {
		struct iommufd_object *found = iommufd_object_lookup(ctx, obj->id, type);

		if (type == IOMMUFD_OBJ_ANY || type == IOMMUFD_OBJ_IOAS) {
			assert_ptr_equal(found, obj);
			put(found);
		} else {
			assert_null(found);
		}
		expect_counts(obj, 1, 1);
	}
}

static void lookup_holds_both_counts(void **state)
{
	struct iommufd_object *obj = publish();

	(void)state;
	for (uint32_t n = 2; n < 6; n++) {
		assert_ptr_equal(lookup(obj->id), obj);
		expect_counts(obj, n, n);
	}
	iommufd_object_hold(obj);
	expect_counts(obj, 6, 6);
	assert_true(iommufd_object_try_hold(obj));
	expect_counts(obj, 7, 7);
	for (uint32_t n = 6; n > 0; n--) {
		put(obj);
		expect_counts(obj, n, n);
	}
}

static void users_count_apart_from_waiters(void **state)
{
	struct iommufd_object *obj = publish();

	(void)state;
	iommufd_object_use(obj);
	iommufd_object_use(obj);
	expect_counts(obj, 3, 1);
	iommufd_object_unuse(obj);
	expect_counts(obj, 2, 1);
	assert_true(iommufd_object_try_user(ctx, obj));
	expect_counts(obj, 3, 1);
	iommufd_object_unuse(obj);
	iommufd_object_unuse(obj);
	expect_counts(obj, 1, 1);
}

/* ---- destroy by a client ---- */

static void destroy_wants_the_table_to_be_the_only_user(void **state)
{
	struct iommufd_object *obj = publish();
	uint32_t id = obj->id;

	(void)state;
	assert_ptr_equal(lookup(id), obj);
	assert_int_equal(iommufd_object_destroy_user(ctx, id), -EBUSY);
	expect_counts(obj, 2, 2);
	iommufd_object_use(obj);
	put(obj);
	assert_int_equal(iommufd_object_destroy_user(ctx, id), -EBUSY);
	expect_found(id, obj);
	iommufd_object_unuse(obj);
	assert_int_equal(iommufd_object_destroy_user(ctx, id), 0);
	expect_gone(id);
	expect_next_id(id);
}

static void destroy_frees_what_the_object_has(void **state)
{
	size_t before = base_alloc_count();
	struct iommufd_object *obj = publish();
	struct iommufd_ioas *ioas = base_container_of(obj, struct iommufd_ioas, obj);

	(void)state;
	assert_int_equal(iopt_reserve(&ioas->iopt, 5, 10, ioas), 0);
	assert_int_equal(iommufd_object_destroy_user(ctx, obj->id), 0);
	/* The table keeps its first node. */
	assert_in_range(base_alloc_count(), before, before + 3);
}

/* ---- destroy by a driver ---- */

static void a_driver_destroys_with_its_own_user(void **state)
{
	struct iommufd_object *obj = publish();
	uint32_t id = obj->id;

	(void)state;
	iommufd_object_use(obj);
	assert_int_equal(iommufd_object_destroy_user(ctx, id), -EBUSY);
	assert_int_equal(iommufd_object_destroy_driver(ctx, obj, false), 0);
	expect_gone(id);
	expect_next_id(id);
}

/* 6.2.2: what still has users stays in the table, without the driver's. */
static void a_driver_cannot_destroy_what_is_used(void **state)
{
	struct iommufd_object *obj = publish();
	uint32_t id = obj->id;

	(void)state;
	iommufd_object_use(obj);
	iommufd_object_use(obj);
	assert_int_equal(iommufd_object_destroy_driver(ctx, obj, true), -EBUSY);
	expect_found(id, obj);
	assert_int_equal(iommufd_object_destroy_user(ctx, id), -EBUSY);
	iommufd_object_unuse(obj);
	assert_int_equal(iommufd_object_destroy_user(ctx, id), 0);
	expect_gone(id);
	expect_next_id(id);
}

static void a_tombstone_is_for_ever(void **state)
{
	struct iommufd_object *obj, *other;

	(void)state;
	publish();
	obj = publish();
	publish();
	iommufd_object_use(obj);
	assert_int_equal(iommufd_object_destroy_driver(ctx, obj, true), 0);
	expect_gone(2);
	expect_next_id(4);
	assert_int_equal(iommufd_object_destroy_user(ctx, 1), 0);
	other = publish();
	assert_int_equal(other->id, 1);
	expect_next_id(4);
	expect_gone(2);
}

/* Many of them, and ids are taken around them. */
static void tombstones_are_skipped(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 100; id++) {
		struct iommufd_object *obj = publish();

		assert_int_equal(obj->id, id);
		if (id % 3 == 0) {
			iommufd_object_use(obj);
			assert_int_equal(iommufd_object_destroy_driver(ctx, obj, true), 0);
		}
	}
	for (uint32_t id = 1; id <= 100; id++)
		assert_int_equal(iommufd_object_destroy_user(ctx, id), id % 3 ? 0 : -ENOENT);
	for (uint32_t id = 1; id <= 100; id++)
		if (id % 3)
			assert_int_equal(publish()->id, id);
	expect_next_id(101);
}

static void try_user_wants_exactly_this_object(void **state)
{
	struct iommufd_object *obj = reserve(), other = {.id = 1};

	(void)state;
	assert_false(iommufd_object_try_user(ctx, obj));
	iommufd_object_publish(ctx, obj);
	assert_true(iommufd_object_try_user(ctx, obj));
	assert_false(iommufd_object_try_user(ctx, &other));
	assert_int_equal(iommufd_object_destroy_driver(ctx, obj, true), 0);
	assert_false(iommufd_object_try_user(ctx, &other));
}

static void put_and_try_destroy_leaves_what_is_used(void **state)
{
	struct iommufd_object *obj = publish();
	uint32_t id = obj->id;

	(void)state;
	iommufd_object_use(obj);
	iommufd_object_use(obj);
	iommufd_object_put_and_try_destroy(ctx, obj);
	expect_counts(obj, 2, 1);
	assert_ptr_equal(lookup(id), obj);
	iommufd_object_put_and_try_destroy(ctx, obj);
	/* A call is looking: it survives, unused, until somebody destroys it. */
	expect_counts(obj, 2, 2);
	put(obj);
	expect_found(id, obj);
	iommufd_object_use(obj);
	iommufd_object_put_and_try_destroy(ctx, obj);
	expect_gone(id);
	expect_next_id(id);
}

/* ---- threads ---- */

struct meeting {
	struct iommufd_object *obj;
	uint32_t looking; /* the other thread holds the object */
	uint32_t put;	  /* ... is about to give it back */
	bool found_while_draining;
	int destroy_while_draining;
	bool found_when_drained;
};

/* Look at the object until the driver waits, and then a little more. */
static void *look_until_the_driver_waits(void *arg)
{
	struct meeting *m = arg;
	struct iommufd_object *again;
	uint32_t id = m->obj->id;

	lookup(id);
	base_store(&m->looking, 1);
	while (iommufd_object_waiters(m->obj) != 1)
		base_yield();
	again = lookup(id);
	m->found_while_draining = again == m->obj;
	m->destroy_while_draining = iommufd_object_destroy_user(ctx, id);
	if (again)
		put(again);
	base_store(&m->put, 1);
	put(m->obj);
	return NULL;
}

static void a_driver_waits_for_calls_in_flight(void **state)
{
	pthread_t thread;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct meeting m = {.obj = publish()};
		uint32_t id = m.obj->id;

		iommufd_object_use(m.obj);
		assert_int_equal(pthread_create(&thread, NULL, look_until_the_driver_waits, &m), 0);
		while (!base_load(&m.looking))
			base_yield();
		assert_int_equal(iommufd_object_destroy_driver(ctx, m.obj, false), 0);
		assert_int_equal(base_load(&m.put), 1);
		pthread_join(thread, NULL);
		assert_true(m.found_while_draining);
		assert_int_equal(m.destroy_while_draining, -EBUSY);
		expect_gone(id);
	}
}

#define THREADS 4
#define ROUNDS	2000

/* Objects come, are looked at by everybody, and go. What a call finds stays until it puts it. */
static void *come_look_and_go(void *arg)
{
	struct random random = {(uintptr_t)arg};
	uintptr_t mistakes = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t id = publish()->id;
		struct iommufd_object *other = lookup(1 + random_below(&random, THREADS));

		mistakes += id < 1 || id > THREADS;
		if (other) {
			mistakes += other->type != IOMMUFD_OBJ_IOAS || other->id > THREADS;
			put(other);
		}
		while (iommufd_object_destroy_user(ctx, id) == -EBUSY)
			base_yield();
	}
	return (void *)mistakes;
}

static void ids_and_counts_survive_many_threads(void **state)
{
	pthread_t threads[THREADS];
	void *mistakes;

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_look_and_go, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &mistakes);
		assert_null(mistakes);
	}
	for (uint32_t id = 1; id <= THREADS; id++)
		expect_gone(id);
	expect_next_id(1);
}

/* ---- memory ---- */

static void alloc_without_memory_leaves_nothing(void **state)
{
	struct iommufd_object *obj;
	unsigned nth = 1;
	size_t before;

	(void)state;
	before = base_alloc_count();
	for (;; nth++) {
		unsigned left;
		int rc;

		base_fail_nth(nth);
		rc = iommufd_object_alloc(ctx, sizeof(struct iommufd_ioas), IOMMUFD_OBJ_IOAS, &obj);
		left = base_fail_pending();
		base_fail_nth(0);
		assert_int_equal(rc, left ? 0 : -ENOMEM);
		if (!rc)
			break;
		assert_int_equal(base_alloc_count(), before);
	}
	assert_int_not_equal(nth, 1);
	assert_int_equal(obj->id, 1);
	iopt_init(&base_container_of(obj, struct iommufd_ioas, obj)->iopt, &ctx->mappings);
	iommufd_object_abort(ctx, obj);
}

static void ends_allocate_nothing(void **state)
{
	struct iommufd_object *a = publish(), *b = publish(), *c = reserve();
	unsigned left;

	(void)state;
	iommufd_object_use(b);
	base_fail_nth(1);
	iommufd_object_destroy_user(ctx, a->id);
	iommufd_object_destroy_driver(ctx, b, true);
	iommufd_object_abort(ctx, c);
	left = base_fail_pending();
	base_fail_nth(0);
	assert_int_equal(left, 1);
	expect_next_id(1);
}

static void open_without_memory_is_enomem(void **state)
{
	const struct iommufd_options options = {0};
	size_t before = base_alloc_count();
	struct mem_file *other;

	(void)state;
	base_fail_nth(1);
	assert_int_equal(iommufd_open(&options, &other), -ENOMEM);
	assert_int_equal(base_fail_pending(), 0);
	assert_int_equal(iommufd_open(&options, &other), 0);
	mem_file_put(other);
	assert_int_equal(base_alloc_count(), before);
}

static void other_files_have_no_context(void **state)
{
	static const struct mem_file_ops ops;
	struct mem_file other;

	(void)state;
	mem_file_init(&other, &ops);
	assert_null(iommufd_ctx_of(&other));
	assert_non_null(iommufd_ctx_of(file));
}

#define IN_CONTEXT(test) cmocka_unit_test_setup_teardown(test, open_context, close_context)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_CONTEXT(ids_begin_at_one),
		IN_CONTEXT(the_lowest_free_id_is_taken),
		IN_CONTEXT(a_reserved_id_is_neither_found_nor_given_again),
		IN_CONTEXT(abort_gives_the_id_back),
		IN_CONTEXT(two_contexts_have_ids_of_their_own),
		IN_CONTEXT(lookup_wants_the_right_type),
		IN_CONTEXT(lookup_holds_both_counts),
		IN_CONTEXT(users_count_apart_from_waiters),
		IN_CONTEXT(destroy_wants_the_table_to_be_the_only_user),
		IN_CONTEXT(destroy_frees_what_the_object_has),
		IN_CONTEXT(a_driver_destroys_with_its_own_user),
		IN_CONTEXT(a_driver_cannot_destroy_what_is_used),
		IN_CONTEXT(a_tombstone_is_for_ever),
		IN_CONTEXT(tombstones_are_skipped),
		IN_CONTEXT(try_user_wants_exactly_this_object),
		IN_CONTEXT(put_and_try_destroy_leaves_what_is_used),
		IN_CONTEXT(a_driver_waits_for_calls_in_flight),
		IN_CONTEXT(ids_and_counts_survive_many_threads),
		IN_CONTEXT(alloc_without_memory_leaves_nothing),
		IN_CONTEXT(ends_allocate_nothing),
		IN_CONTEXT(open_without_memory_is_enomem),
		IN_CONTEXT(other_files_have_no_context),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
