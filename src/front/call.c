// SPDX-License-Identifier: MIT
/* Reads and writes: the checks that a kernel makes before a file sees the call. */
#include "front/call.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* What one call transfers at most: INT_MAX down to a page. */
#define MAX_COUNT 0x7ffff000u

static int check(const struct front_slot *slot, int wrong_access, size_t count, int64_t pos)
{
	int64_t end;

	if (pos < 0)
		return -EINVAL;
	if (slot->access == wrong_access)
		return -EBADF;
	if (count > INT64_MAX || __builtin_add_overflow(pos, (int64_t)count, &end))
		return -EINVAL;
	return 0;
}

ssize_t front_call_pread(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			 size_t count, int64_t pos)
{
	ssize_t result = check(slot, O_WRONLY, count, pos);

	if (!result)
		result = mem_file_pread(slot->file, client, addr, base_min_u64(count, MAX_COUNT),
					(uint64_t)pos);
	if (base_unlikely(base_trace_on))
		front_trace_transfer(slot, "read", count, pos, result);
	return result;
}

ssize_t front_call_pwrite(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			  size_t count, int64_t pos)
{
	ssize_t result = check(slot, O_RDONLY, count, pos);

	if (!result)
		result = mem_file_pwrite(slot->file, client, addr, base_min_u64(count, MAX_COUNT),
					 (uint64_t)pos);
	if (base_unlikely(base_trace_on))
		front_trace_transfer(slot, "write", count, pos, result);
	return result;
}

/* A stream; positions are for the log. */
static ssize_t stream_read(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			   size_t count)
{
	ssize_t result = check(slot, O_WRONLY, count, 0);

	if (!result)
		result = mem_file_read(slot->file, client, addr, base_min_u64(count, MAX_COUNT));
	if (base_unlikely(base_trace_on))
		front_trace_transfer(slot, "read", count, 0, result);
	return result;
}

static ssize_t stream_write(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			    size_t count)
{
	ssize_t result = check(slot, O_RDONLY, count, 0);

	if (!result)
		result = mem_file_write(slot->file, client, addr, base_min_u64(count, MAX_COUNT));
	if (base_unlikely(base_trace_on))
		front_trace_transfer(slot, "write", count, 0, result);
	return result;
}

ssize_t front_call_read(struct front_slot *slot, struct mem_client *client, uint64_t addr,
			size_t count)
{
	uint64_t pos = base_load_relaxed(&slot->position);
	ssize_t done;

	if (mem_file_is_stream(slot->file))
		return stream_read(slot, client, addr, count);
	done = front_call_pread(slot, client, addr, count, (int64_t)pos);
	if (done > 0)
		base_store_relaxed(&slot->position, pos + (uint64_t)done);
	return done;
}

ssize_t front_call_write(struct front_slot *slot, struct mem_client *client, uint64_t addr,
			 size_t count)
{
	uint64_t pos = base_load_relaxed(&slot->position);
	ssize_t done;

	if (mem_file_is_stream(slot->file))
		return stream_write(slot, client, addr, count);
	done = front_call_pwrite(slot, client, addr, count, (int64_t)pos);
	if (done > 0)
		base_store_relaxed(&slot->position, pos + (uint64_t)done);
	return done;
}

static int check_mmap(const struct front_slot *slot, int64_t offset, size_t length, int prot,
		      int flags, uint64_t *bytes)
{
	uint64_t last;

	if (!length || !base_is_aligned((uint64_t)offset, BASE_PAGE_SIZE))
		return -EINVAL;
	if (!base_align_up(length, BASE_PAGE_SIZE, bytes))
		return -ENOMEM;
	if (!base_range_last((uint64_t)offset, *bytes, &last))
		return -EOVERFLOW;
	if (slot->access == O_WRONLY ||
	    (slot->access == O_RDONLY && (prot & PROT_WRITE) && (flags & MAP_TYPE) != MAP_PRIVATE))
		return -EACCES;
	return 0;
}

int front_call_mmap(const struct front_slot *slot, int64_t offset, size_t length, int prot,
		    int flags, struct mem_region **region)
{
	uint64_t bytes;
	int rc = check_mmap(slot, offset, length, prot, flags, &bytes);

	if (!rc)
		rc = mem_file_mmap(slot->file, (uint64_t)offset, bytes, prot, flags, region);
	if (base_unlikely(base_trace_on))
		front_trace_mmap(slot, rc);
	return rc;
}
