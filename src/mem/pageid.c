// SPDX-License-Identifier: MIT
/* The list of shared mappings, from the text that the kernel makes of it. */
#include "mem/pageid.h"

#include <errno.h>

/*
 * One line of /proc/self/maps, of which the first words count:
 *	7f00c0000000-7f00c0200000 rw-s 00001000 00:01 2052	/memfd:name (deleted)
 */
enum field { START, LAST, RIGHTS, OFFSET, MAJOR, MINOR, INODE, REST };

struct parser {
	enum field field;
	uint64_t number[REST];
	bool shared;
};

#define CHUNK 4096

/* What ends each field. */
static const char ends[] = {
	[START] = '-', [LAST] = ' ',  [RIGHTS] = ' ', [OFFSET] = ' ',
	[MAJOR] = ':', [MINOR] = ' ', [INODE] = ' ',
};

static uint64_t digit_of(char c)
{
	return c <= '9' ? (uint64_t)(c - '0') : (uint64_t)((c | 32) - 'a' + 10);
}

static int shared_add(struct mem_pageids *ids, const struct parser *parser)
{
	const uint64_t *number = parser->number;

	/* Room doubles at every power of two. */
	if (!(ids->count & (ids->count - 1))) {
		size_t room = ids->count ? 2 * ids->count : 1;
		struct mem_shared *bigger = base_alloc(room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		for (size_t i = 0; i < ids->count; i++)
			bigger[i] = ids->shared[i];
		base_free(ids->shared);
		ids->shared = bigger;
	}
	ids->shared[ids->count++] = (struct mem_shared){
		.start = number[START],
		.last = number[LAST] - 1,
		.offset = number[OFFSET],
		.device = number[MAJOR] << 32 | number[MINOR],
		.inode = number[INODE],
	};
	return 0;
}

static int parse_char(struct mem_pageids *ids, struct parser *parser, char c)
{
	uint64_t base = parser->field == INODE ? 10 : 16;
	int rc = 0;

	if (c == '\n') {
		if (parser->shared)
			rc = shared_add(ids, parser);
		*parser = (struct parser){0};
	} else if (parser->field == REST) {
		return 0;
	} else if (c == ends[parser->field]) {
		parser->field++;
	} else if (parser->field == RIGHTS) {
		parser->shared |= c == 's';
	} else {
		parser->number[parser->field] = parser->number[parser->field] * base + digit_of(c);
	}
	return rc;
}

static int read_maps(struct mem_pageids *ids, int fd)
{
	struct parser parser = {0};
	char text[CHUNK];
	ssize_t n;
	int rc = 0;

	while ((n = base_sys_read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n && !rc; i++)
			rc = parse_char(ids, &parser, text[i]);
	return n < 0 ? (int)n : rc;
}

int mem_pageids_init(struct mem_pageids *ids)
{
	int fd = base_sys_open_read("/proc/self/maps"), rc;

	ids->shared = NULL;
	ids->count = 0;
	if (fd < 0)
		return fd;
	rc = read_maps(ids, fd);
	base_sys_close(fd);
	if (rc)
		mem_pageids_fini(ids);
	return rc;
}

void mem_pageids_fini(struct mem_pageids *ids)
{
	base_free(ids->shared);
}

/* The mapping that has `host`, NULL if none has. */
static const struct mem_shared *shared_at(const struct mem_pageids *ids, uint64_t host)
{
	size_t low = 0, high = ids->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ids->shared[middle].last < host)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ids->count && ids->shared[low].start <= host ? &ids->shared[low] : NULL;
}

static bool same_file(const struct mem_shared *a, const struct mem_shared *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static uint64_t offset_of(const struct mem_shared *shared, uint64_t host)
{
	return shared->offset + (host - shared->start);
}

bool mem_pageids_same(const struct mem_pageids *ids, uint64_t a, uint64_t b)
{
	const struct mem_shared *of_a, *of_b;

	if (a == b)
		return true;
	of_a = shared_at(ids, a);
	of_b = shared_at(ids, b);
	return of_a && of_b && same_file(of_a, of_b) && offset_of(of_a, a) == offset_of(of_b, b);
}

bool mem_pageids_alias(const struct mem_pageids *ids, uint64_t host, size_t *cursor,
		       uint64_t *alias)
{
	const struct mem_shared *own = shared_at(ids, host);

	while (own && *cursor < ids->count) {
		const struct mem_shared *other = &ids->shared[(*cursor)++];
		uint64_t offset = offset_of(own, host);

		if (!same_file(own, other) || offset < other->offset ||
		    offset - other->offset > other->last - other->start)
			continue;
		*alias = other->start + (offset - other->offset);
		if (*alias != host)
			return true;
	}
	return false;
}
