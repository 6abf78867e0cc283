// SPDX-License-Identifier: MIT
/* Page sources: user ranges of a client whose memory is ours. */
#include "mem/source.h"

#include <errno.h>

void mem_source_init(struct mem_source *source, struct mem_client *client, uint64_t addr,
		     uint64_t length, bool writable)
{
	base_ref_init(&source->refs, 1);
	base_mutex_init(&source->lock, RANK_SOURCE);
	source->pins = 0;
	source->writable = writable;
	source->client = client;
	source->addr = addr;
	source->length = length;
}

int mem_source_pin(struct mem_source *source)
{
	base_scoped_lock(&source->lock);

	if (source->pins == 0) {
		int rc = base_guard_touch((const void *)(uintptr_t)source->addr, source->length,
					  source->writable);

		if (rc)
			return rc;
	}
	source->pins++;
	return 0;
}

void mem_source_unpin(struct mem_source *source)
{
	base_scoped_lock(&source->lock);

	base_assert(source->pins > 0);
	source->pins--;
}

uint64_t mem_source_pa(const struct mem_source *source, uint64_t offset, uint64_t *run)
{
	*run = source->length - offset;
	return source->addr + offset;
}
