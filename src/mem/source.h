/* SPDX-License-Identifier: MIT */
/*
 * A page source: a stretch of a client's memory that areas of IOVA space refer
 * to. It is pinned as long as a domain reads through it, once however many do.
 *
 * Pinned memory is named by physical address (PA): what page tables hold. For
 * memory of our own process the PA is the host address, so a user range is one
 * contiguous run.
 */
#ifndef MEM_SOURCE_H
#define MEM_SOURCE_H

#include "mem/client.h"

struct mem_source {
	struct base_ref refs;
	uint32_t pins; /* guarded by lock */
	struct base_mutex lock;
	bool writable;
	struct mem_client *client; /* whose memory; outlives the source */
	uint64_t addr;		   /* its first byte, in the client's address space */
	uint64_t length;	   /* bytes */
};

/*
 * Make `source`, in memory of the caller, one over [addr, addr + length - 1] of
 * the client's memory, which is neither read nor checked yet. The caller owns one
 * reference.
 */
void mem_source_init(struct mem_source *source, struct mem_client *client, uint64_t addr,
		     uint64_t length, bool writable);

static inline void mem_source_get(struct mem_source *source)
{
	base_ref_get(&source->refs);
}

/* Drop a reference. True if it was the last: the memory is the caller's again. */
static inline bool mem_source_put(struct mem_source *source)
{
	if (base_ref_put(&source->refs))
		return false;
	base_assert(!source->pins);
	return true;
}

/*
 * Pin the whole pages of the source: present, and writable if the source is.
 * Pins add up; each success wants one mem_source_unpin(). 0, -EFAULT.
 */
int mem_source_pin(struct mem_source *source);
void mem_source_unpin(struct mem_source *source);

/*
 * The PA of byte `offset` (< length) of a pinned source, and in *run how many
 * bytes from there on are contiguous.
 */
uint64_t mem_source_pa(const struct mem_source *source, uint64_t offset, uint64_t *run);

/* The host address of a PA that page tables gave. */
static inline void *mem_pa_to_host(uint64_t pa)
{
	return (void *)(uintptr_t)pa;
}

#endif
