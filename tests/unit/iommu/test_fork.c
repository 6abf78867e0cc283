// SPDX-License-Identifier: MIT
/* After fork(2) only one thread is left: nobody waits for requests of the others. */
#include "fixture.h"
#include "iommu/section.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHERS 3

struct setting {
	struct rig rig;
	struct iommu_domain *domain;
	uint64_t *memory;
	uint32_t inside; /* threads that are in the middle of a request */
	uint32_t leave;
};

static void setting_init(struct setting *s, const char *kind)
{
	*s = (struct setting){.inside = 0};
	rig_init(&s->rig, kind);
	s->domain = domain_new(s->rig.device, 0);
	s->memory = (uint64_t *)memory_new(PAGE, PAGE);
	s->memory[0] = 42;
	map(s->domain, SOME_IOVA, s->memory, PAGE, BOTH);
	attach(&s->rig, s->domain);
	expect_word(s->rig.device, 0, SOME_IOVA, 42);
}

static void setting_fini(struct setting *s)
{
	iommu_group_detach(s->rig.group, 0);
	iommu_domain_free(s->domain);
	memory_free((uint8_t *)s->memory, PAGE);
	rig_fini(&s->rig);
}

/* A request that takes as long as the test wants. */
static void *stay_inside(void *arg)
{
	struct iommu_requester *self = iommu_requester_self();
	struct setting *s = arg;

	iommu_section_begin(self);
	base_add(&s->inside, 1);
	while (!base_load(&s->leave))
		base_yield();
	iommu_section_end(self);
	return NULL;
}

/* What a client does to its memory, and requests meanwhile. 0 if all is as it should be. */
static int live_on(struct setting *s)
{
	struct iommu_domain *other;
	struct iommu_dma_fault fault;
	uint64_t word = 0;

	if (iommu_dma_read(s->rig.device, 0, SOME_IOVA, &word, 8, &fault) || word != 42)
		return 1;
	unmap(s->domain, SOME_IOVA, PAGE);
	if (!iommu_dma_read(s->rig.device, 0, SOME_IOVA, &word, 8, &fault) ||
	    fault.code != IOMMU_FAULT_NOT_MAPPED)
		return 2;
	map(s->domain, SOME_IOVA, s->memory, PAGE, READ);
	other = domain_new(s->rig.device, 0);
	if (iommu_group_replace(s->rig.group, 0, other))
		return 3;
	if (iommu_group_replace(s->rig.group, 0, s->domain))
		return 4;
	iommu_domain_free(other);
	return 0;
}

static int wait_for(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_child_does_not_wait_for_threads_it_does_not_have(void **state)
{
	pthread_t threads[OTHERS];
	struct setting s;
	pid_t child;

	setting_init(&s, *state);
	for (unsigned i = 0; i < OTHERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stay_inside, &s), 0);
	while (base_load(&s.inside) < OTHERS)
		base_yield();
	child = fork();
	if (!child)
		_exit(live_on(&s));
	assert_int_equal(wait_for(child), 0);
	base_store(&s.leave, 1);
	for (unsigned i = 0; i < OTHERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(live_on(&s), 0);
	setting_fini(&s);
}

static void *fork_inside(void *arg)
{
	struct setting *s = arg;
	struct iommu_dma_fault fault;
	uint64_t word = 0;
	pid_t child;

	iommu_dma_read(s->rig.device, 0, SOME_IOVA, &word, 8, &fault);
	child = fork();
	if (!child)
		_exit(live_on(s));
	return (void *)(intptr_t)wait_for(child);
}

/* The child goes on in a thread that was not the first one. */
static void any_thread_may_fork(void **state)
{
	pthread_t inside, forker;
	struct setting s;
	void *result;

	setting_init(&s, *state);
	assert_int_equal(pthread_create(&inside, NULL, stay_inside, &s), 0);
	while (!base_load(&s.inside))
		base_yield();
	assert_int_equal(pthread_create(&forker, NULL, fork_inside, &s), 0);
	pthread_join(forker, &result);
	assert_null(result);
	base_store(&s.leave, 1);
	pthread_join(inside, NULL);
	setting_fini(&s);
}

static void *one_request(void *arg)
{
	struct setting *s = arg;
	struct iommu_dma_fault fault;
	uint64_t word;

	return iommu_dma_read(s->rig.device, 0, SOME_IOVA, &word, 8, &fault) ? s : NULL;
}

/* Threads of a child take over the records of those that it does not have. */
static int start_threads(struct setting *s)
{
	pthread_t threads[OTHERS + 1];
	void *failure;

	for (unsigned i = 0; i <= OTHERS; i++)
		if (pthread_create(&threads[i], NULL, one_request, s))
			return 10;
	for (unsigned i = 0; i <= OTHERS; i++) {
		pthread_join(threads[i], &failure);
		if (failure)
			return 11;
	}
	return live_on(s);
}

static void a_child_can_start_threads(void **state)
{
	pthread_t threads[OTHERS];
	struct setting s;
	pid_t child;

	setting_init(&s, *state);
	for (unsigned i = 0; i < OTHERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stay_inside, &s), 0);
	while (base_load(&s.inside) < OTHERS)
		base_yield();
	child = fork();
	if (!child)
		_exit(start_threads(&s));
	assert_int_equal(wait_for(child), 0);
	base_store(&s.leave, 1);
	for (unsigned i = 0; i < OTHERS; i++)
		pthread_join(threads[i], NULL);
	setting_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_EACH_KIND(a_child_does_not_wait_for_threads_it_does_not_have),
		ON_EACH_KIND(any_thread_may_fork),
		ON_EACH_KIND(a_child_can_start_threads),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
