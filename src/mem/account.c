// SPDX-License-Identifier: MIT
/* Accounting of pinned pages. */
#include "mem/account.h"

#include "mem/client.h"

#include <errno.h>

/* Charged in mode USER, in pages; changed with atomics. All our clients are one user's. */
static uint64_t user_locked;

static uint64_t *counter_of(struct mem_client *client, enum mem_account_mode mode)
{
	return mode == MEM_ACCOUNT_MM ? &client->account.locked : &user_locked;
}

/* In pages. */
static uint64_t limit_of(struct mem_client *client)
{
	uint64_t bytes = client->ops->memlock_limit ? client->ops->memlock_limit(client)
						    : base_sys_memlock_limit();

	return bytes == UINT64_MAX ? UINT64_MAX : bytes >> BASE_PAGE_LG2;
}

static void BASE_COLD trace_excess(uint64_t locked, uint64_t pages)
{
	base_trace_line("RLIMIT_MEMLOCK: %llu KiB are pinned, %llu KiB more are too many: raise it "
			"(ulimit -l), or run with --memlock unlimited",
			(unsigned long long)(locked << (BASE_PAGE_LG2 - 10)),
			(unsigned long long)(pages << (BASE_PAGE_LG2 - 10)));
}

static int charge_limited(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	uint64_t *counter = counter_of(client, mode), limit = limit_of(client);
	uint64_t locked = base_load_relaxed(counter), sum;

	if (!pages)
		return 0;
	do {
		if (__builtin_add_overflow(locked, pages, &sum) || sum > limit) {
			if (base_trace_on)
				trace_excess(locked, pages);
			return -ENOMEM;
		}
	} while (!base_cas(counter, &locked, sum));
	return 0;
}

int mem_account_charge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	int rc = base_likely(mode == MEM_ACCOUNT_NONE) ? 0 : charge_limited(client, mode, pages);

	if (!rc)
		base_add(&client->account.pinned, pages);
	return rc;
}

void mem_account_uncharge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	if (mode != MEM_ACCOUNT_NONE)
		base_sub(counter_of(client, mode), pages);
	base_sub(&client->account.pinned, pages);
}

void mem_account_after_fork(struct mem_client *client)
{
	user_locked = 0;
	client->account = (struct mem_account){0};
}
