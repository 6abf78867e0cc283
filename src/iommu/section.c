// SPDX-License-Identifier: MIT
/*
 * Requesters of all threads, and the wait for their sections.
 *
 * Records are never freed, only handed on to later threads, so that a waiter can
 * walk the list without a lock.
 */
#include "iommu/section.h"
#include "iommu/iommu.h"

_Thread_local struct iommu_requester *iommu_requester_of_thread;

static struct iommu_requester *requesters;

static void requester_leave(void *arg)
{
	struct iommu_requester *self = arg;

	iommu_requester_of_thread = NULL;
	base_store(&self->in_use, 0);
}

/* In a forked child only the forking thread is left; sections of the others are void. */
static void forget_other_threads(void)
{
	for (struct iommu_requester *r = requesters; r; r = r->next) {
		if (r == iommu_requester_of_thread)
			continue;
		r->epoch += r->epoch & 1;
		r->in_use = 0;
	}
}

static void watch_fork(void)
{
	static uint32_t watched;

	if (!base_exchange(&watched, 1))
		base_thread_at_fork(NULL, NULL, forget_other_threads);
}

static struct iommu_requester *requester_reuse(void)
{
	struct iommu_requester *r;

	for (r = base_load(&requesters); r; r = r->next) {
		uint32_t unused = 0;

		if (base_cas(&r->in_use, &unused, 1))
			return r;
	}
	return NULL;
}

static struct iommu_requester *requester_add(void)
{
	struct iommu_requester *self = base_zalloc_aligned(64, sizeof(*self));

	if (!self)
		return NULL;
	self->in_use = 1;
	self->next = base_load(&requesters);
	while (!base_cas(&requesters, &self->next, self))
		;
	return self;
}

struct iommu_requester *iommu_requester_new(void)
{
	struct iommu_requester *self = requester_reuse();

	watch_fork();
	if (!self)
		self = requester_add();
	if (!self)
		return NULL;
	if (base_thread_at_exit(requester_leave, self)) {
		base_store(&self->in_use, 0);
		return NULL;
	}
	iommu_requester_of_thread = self;
	return self;
}

/* From this one on. */
static BASE_COLD void wait_for_sections(const struct iommu_requester *r)
{
	for (; r; r = r->next) {
		uint64_t epoch = base_load(&r->epoch);

		if (epoch & 1)
			while (base_load(&r->epoch) == epoch)
				base_yield();
	}
}

void iommu_sync(struct base_list *trash)
{
	const struct iommu_requester *r;

	base_fence();
	for (r = base_load(&requesters); r; r = r->next) {
		if (base_unlikely(base_load(&r->epoch) & 1)) {
			wait_for_sections(r);
			break;
		}
	}
	if (trash && !base_list_is_empty(trash))
		pgtable_trash_free(trash);
}
