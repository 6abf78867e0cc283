// SPDX-License-Identifier: MIT
/* The lock order, checked: which locks each thread holds, in builds with SWIOMMU_CHECKS. */
#include "base/sync.h"

#ifdef SWIOMMU_CHECKS

#include "base/sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_HELD 32

struct held {
	const void *lock;
	enum base_rank rank;
};

static _Thread_local struct held held[MAX_HELD];
static _Thread_local unsigned nheld;

#define NAME(rank) [RANK_##rank] = #rank
static const char *const rank_names[] = {
	NAME(FRONT),	NAME(VFIO_GROUP),  NAME(VFIO_SET),     NAME(VFIO_DEVICE),
	NAME(VFIO_IRQ), NAME(IOAS_CREATE), NAME(IOAS),	       NAME(ACCESS_USER),
	NAME(ACCESS),	NAME(GROUP),	   NAME(IOPT_DOMAINS), NAME(IOPT_IOVA),
	NAME(SOURCE),	NAME(DMABUF),	   NAME(IOMMU_GROUP),  NAME(VIOMMU_MAP),
	NAME(DOMAIN),	NAME(IOMMU),	   NAME(REPORTS),      NAME(EVENTQ),
	NAME(WATCH),	NAME(MMAPS),	   NAME(OBJECTS),      NAME(LEAF),
};

static const char *rank_name(enum base_rank rank)
{
	const char *name = rank < base_array_size(rank_names) ? rank_names[rank] : NULL;

	return name ? name : "?";
}

static void __attribute__((noreturn, cold)) BASE_PRINTF(1, 2) breach(const char *fmt, ...)
{
	char text[256];
	va_list args;
	int n = snprintf(text, sizeof(text), "lock order: ");

	va_start(args, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, args);
	va_end(args);
	base_sys_write(2, text, (size_t)n);
	abort();
}

static void check_order(const struct held *other, const void *lock, enum base_rank rank,
			bool nested)
{
	if (other->lock == lock)
		breach("rank %d (%s) taken twice\n", rank, rank_name(rank));
	if (other->rank > rank || (other->rank == rank && !nested))
		breach("rank %d (%s) taken while rank %d (%s) is held\n", rank, rank_name(rank),
		       other->rank, rank_name(other->rank));
}

void base_lockcheck_acquire(const void *lock, enum base_rank rank, bool nested)
{
	if (rank_name(rank)[0] == '?')
		breach("lock without a rank: %d\n", rank);
	for (unsigned i = 0; i < nheld; i++)
		check_order(&held[i], lock, rank, nested);
	if (nheld == MAX_HELD)
		breach("more than %d locks held\n", MAX_HELD);
	held[nheld++] = (struct held){lock, rank};
}

static unsigned find(const void *lock)
{
	unsigned i = 0;

	while (i < nheld && held[i].lock != lock)
		i++;
	return i;
}

void base_lockcheck_release(const void *lock)
{
	unsigned i = find(lock);

	if (i == nheld)
		breach("a lock released that is not held\n");
	nheld--;
	for (; i < nheld; i++)
		held[i] = held[i + 1];
}

bool base_lockcheck_is_held(const void *lock)
{
	return find(lock) < nheld;
}

bool base_lockcheck_may_wait(void)
{
	for (unsigned i = 0; i < nheld; i++)
		if (held[i].rank > RANK_WAIT)
			return false;
	return true;
}

#endif
