/* SPDX-License-Identifier: MIT */
/*
 * A page source: a stretch of memory that areas of IOVA space refer to. Its pages
 * are pinned as long as a domain or an access uses them, each page once however
 * many do.
 *
 * Pinned memory is named by physical address (PA): what page tables hold. For
 * memory of our own process the PA is the host address, so a user range is one
 * contiguous run; a file is mapped into our process while it is pinned.
 */
#ifndef MEM_SOURCE_H
#define MEM_SOURCE_H

#include "mem/client.h"
#include "mem/pa.h"

enum mem_source_kind {
	MEM_SOURCE_USER,   /* a range of the client's addresses, which are ours */
	MEM_SOURCE_REMOTE, /* a range of a remote client's addresses */
	MEM_SOURCE_FILE,   /* a range of a memfd (or other tmpfs or hugetlbfs file) */
	MEM_SOURCE_DMABUF,
};

struct mem_dmabuf;
struct mem_source_extra;

/* At most 48 bytes without checks: there may be a million of them. */
struct mem_source {
	struct base_ref refs;
	uint32_t pins; /* of the whole; guarded by lock */
	struct base_mutex lock;
	uint8_t kind : 4;    /* enum mem_source_kind */
	uint8_t account : 4; /* enum mem_account_mode */
	bool writable;
	bool special; /* it takes more than memory to its grave: `extra`, or a counted client */
	bool marked;  /* for whoever looks at many; anything before that */
	struct mem_client *client; /* whose memory it is, and who is charged; a reference */
	uint64_t addr;		   /* first byte: in the client's address space, or of the file */
	uint64_t length;	   /* bytes */
	struct mem_source_extra *extra; /* pins of parts, and the file; NULL: neither */
};

#ifndef SWIOMMU_CHECKS
_Static_assert(sizeof(struct mem_source) <= 48, "sources are to stay small");
#endif

/*
 * Make `source`, in memory of the caller, one over [addr, addr + length - 1] of
 * the client's memory, which is neither read nor checked yet. The caller owns one
 * reference.
 */
static inline void mem_source_init(struct mem_source *source, struct mem_client *client,
				   uint64_t addr, uint64_t length, bool writable,
				   enum mem_account_mode account)
{
	base_ref_init(&source->refs, 1);
	base_mutex_init(&source->lock, RANK_SOURCE);
	source->pins = 0;
	source->kind = client->remote ? MEM_SOURCE_REMOTE : MEM_SOURCE_USER;
	source->account = account;
	source->writable = writable;
	source->special = client->remote;
	mem_client_get(client);
	source->client = client;
	source->addr = addr;
	source->length = length;
	source->extra = NULL;
}

/*
 * The same over [start, start + length - 1] of a file, which is not checked yet: pins
 * find out what is wrong with it (8.7). `fd` is a private descriptor, as
 * mem_client_ops.fd_get gives it. It is the source's from now on, and closed even on
 * failure. 0 or -ENOMEM, and then there is no source.
 *
 * The file is mapped into our process as long as pages of it are pinned; pages that
 * it lacks are allocated. What is writable is so even if fd is not, but not if the
 * file may not be written to by us or is sealed: -EFAULT.
 */
int mem_source_init_file(struct mem_source *source, struct mem_client *client, int fd,
			 uint64_t start, uint64_t length, bool writable,
			 enum mem_account_mode account);

/*
 * The same over [start, start + length - 1] of a dma-buf, which is then the source's,
 * too. Never charged. 0; -EINVAL: beyond its end; -ENODEV: it is revoked; -ENOMEM.
 */
int mem_source_init_dmabuf(struct mem_source *source, struct mem_client *client,
			   struct mem_dmabuf *dmabuf, uint64_t start, uint64_t length,
			   bool writable);

static inline void mem_source_get(struct mem_source *source)
{
	base_ref_get(&source->refs);
}

/* The second half of mem_source_put(). */
void mem_source_fini_special(struct mem_source *source);

/* Drop a reference. True if it was the last: the memory is the caller's again. */
static inline bool mem_source_put(struct mem_source *source)
{
	if (base_ref_put(&source->refs))
		return false;
	base_assert(!source->pins);
	if (base_unlikely(source->special))
		mem_source_fini_special(source);
	return true;
}

/*
 * Pin the pages that have bytes [offset, offset + length - 1] of the source:
 * present, and writable if the source is. Pins add up; each success wants one
 * mem_source_unpin() of the same range. Only pages that had no pin are looked at, and
 * charged. 0; -EFAULT; -ENOMEM: memory, or the limit of locked pages; -EINVAL: a file
 * of the wrong type, or that ends before. A pin that fails changes nothing. The memory of
 * a dma-buf is always there: of one that is revoked, too.
 */
int mem_source_pin(struct mem_source *source, uint64_t offset, uint64_t length);
void mem_source_unpin(struct mem_source *source, uint64_t offset, uint64_t length);

/* As below, of what is not the client's own memory. */
uint64_t mem_source_mapped_pa(const struct mem_source *source, uint64_t offset, uint64_t *run);

/*
 * The PA of byte `offset` (< length) of a source that is pinned there, and in *run how
 * many bytes from there on are contiguous.
 */
static inline uint64_t mem_source_pa(const struct mem_source *source, uint64_t offset,
				     uint64_t *run)
{
	*run = source->length - offset;
	return base_likely(source->kind == MEM_SOURCE_USER)
		       ? source->addr + offset
		       : mem_source_mapped_pa(source, offset, run);
}

/*
 * Copy n > 0 bytes from / to `offset` of the source, whatever is pinned; nothing is
 * charged. Whether it may be written is the caller's question. 0; -EFAULT (a prefix may
 * have been copied); of a file also -EINVAL and -ENOMEM as of a pin; -EINVAL of a dma-buf.
 * Pinned memory of a remote client is reached as its PA is: also when the client is gone.
 */
int mem_source_read(struct mem_source *source, uint64_t offset, void *dst, size_t n);
int mem_source_write(struct mem_source *source, uint64_t offset, const void *src, size_t n);

/* ---- owners: for IOAS_CHANGE_PROCESS (13), while nobody pins or unpins ---- */

/* How many pages are pinned, each counted once. */
uint64_t mem_source_pinned(struct mem_source *source);

/* Would `client` be charged, in mode source->account, for what is pinned if it were the owner? */
static inline bool mem_source_is_chargeable(const struct mem_source *source,
					    const struct mem_client *client)
{
	return source->account != MEM_ACCOUNT_NONE && source->client != client;
}

/*
 * The source is `client`'s from now on, which, if mem_source_is_chargeable(), has been
 * charged for the pages that are pinned. The former owner is uncharged.
 */
void mem_source_set_owner(struct mem_source *source, struct mem_client *client);

#endif
