// SPDX-License-Identifier: MIT
/* Page sources: user ranges of a client whose memory is ours. */
#include "mem/source.h"
#include "mem/pincount.h"

#include <errno.h>

int mem_source_pin(struct mem_source *source, uint64_t offset, uint64_t length)
{
	base_scoped_lock(&source->lock);

	if (source->pins == 0) {
		int rc = base_guard_touch((const void *)(uintptr_t)(source->addr + offset), length,
					  source->writable);

		if (rc)
			return rc;
		mem_pincount_change(source->addr + offset, length, 1);
	}
	source->pins++;
	return 0;
}

void mem_source_unpin(struct mem_source *source, uint64_t offset, uint64_t length)
{
	base_scoped_lock(&source->lock);

	base_assert(source->pins > 0);
	if (--source->pins == 0)
		mem_pincount_change(source->addr + offset, length, -1);
}

uint64_t mem_source_pa(const struct mem_source *source, uint64_t offset, uint64_t *run)
{
	*run = source->length - offset;
	return source->addr + offset;
}
