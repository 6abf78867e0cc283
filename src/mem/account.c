// SPDX-License-Identifier: MIT
/* Accounting of pinned pages. */
#include "mem/account.h"

#include "mem/client.h"

int mem_account_charge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	(void)mode;
	base_add(&client->account.pinned, pages);
	return 0;
}

void mem_account_uncharge(struct mem_client *client, enum mem_account_mode mode, uint64_t pages)
{
	(void)mode;
	base_sub(&client->account.pinned, pages);
}
