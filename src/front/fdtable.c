// SPDX-License-Identifier: MIT
/* The table of numbers and the pool of slots. */
#include "front/fdtable.h"

#include <errno.h>
#include <limits.h>

#define MIN_CHUNKS 16

struct front_slot front_slot_hidden, front_slot_below, front_slot_closing;
struct front_fddir front_fddir_empty;

void front_fdtable_init(struct front_fdtable *table)
{
	table->dir = &front_fddir_empty;
	base_mutex_init(&table->lock, RANK_FRONT);
}

static void dirs_free(struct front_fddir *dir)
{
	while (dir != &front_fddir_empty) {
		struct front_fddir *older = dir->older;

		base_free(dir);
		dir = older;
	}
}

void front_fdtable_fini(struct front_fdtable *table)
{
	struct front_slot *slot, *next;

	for (size_t i = 1; i < table->dir->count; i++)
		base_free(table->dir->chunks[i]);
	dirs_free(table->dir);
	for (slot = table->made; slot; slot = next) {
		next = slot->next_made;
		base_free(slot);
	}
}

/* ---- slots ---- */

/* From any thread, under any lock: a slot may be given back wherever a call ends. */
static void pool_push(struct front_fdtable *table, struct front_slot *slot)
{
	struct front_slot *head = base_load_relaxed(&table->free);

	do
		base_store_relaxed(&slot->next_free, head);
	while (!base_cas(&table->free, &head, slot));
}

/* Only one thread at a time takes slots away, so the head cannot leave and come back meanwhile. */
static struct front_slot *pool_pop_locked(struct front_fdtable *table)
{
	struct front_slot *head = base_load(&table->free);

	base_assert_held(&table->lock);
	while (head && !base_cas(&table->free, &head, base_load_relaxed(&head->next_free)))
		;
	return head;
}

static struct front_slot *slot_make_locked(struct front_fdtable *table)
{
	struct front_slot *slot = base_zalloc_aligned(64, sizeof(*slot));

	base_assert_held(&table->lock);
	if (!slot)
		return NULL;
	slot->next_made = table->made;
	base_store(&table->made, slot);
	return slot;
}

int front_slot_new_locked(struct front_fdtable *table, struct mem_file *file,
			  struct front_slot **out)
{
	struct front_slot *slot = pool_pop_locked(table);

	if (!slot)
		slot = slot_make_locked(table);
	if (!slot)
		return -ENOMEM;
	slot->file = file;
	slot->position = 0;
	base_store_relaxed(&slot->serial, ++table->serials);
	slot->numbers = 0;
	slot->kept = -1;
	slot->is_open = true;
	slot->raised = slot->fallen = false;
	base_store(&slot->refs.count, 1);
	*out = slot;
	return 0;
}

struct front_slot *front_slot_get_serial(struct front_fdtable *table, uint64_t serial)
{
	struct front_slot *slot = base_load(&table->made);

	while (slot && base_load_relaxed(&slot->serial) != serial)
		slot = slot->next_made;
	if (!slot || !base_ref_get_unless_zero(&slot->refs))
		return NULL;
	if (slot->serial == serial)
		return slot;
	front_slot_put(table, slot);
	return NULL;
}

void front_slot_close_locked(struct front_fdtable *table, struct front_slot *slot)
{
	base_assert_held(&table->lock);
	base_assert(slot->is_open && !slot->numbers);
	slot->is_open = false;
}

void front_slot_release(struct front_fdtable *table, struct front_slot *slot)
{
	struct mem_file *file = slot->file;

	/* The watch is part of the slot. */
	if (file->ops->poll)
		mem_file_watch(file, NULL);
	pool_push(table, slot);
	mem_file_put(file);
}

struct front_slot *front_slot_find_kept_locked(struct front_fdtable *table, int fd)
{
	base_assert_held(&table->lock);
	for (struct front_slot *slot = table->made; slot; slot = slot->next_made)
		if (slot->is_open && slot->kept == fd)
			return slot;
	return NULL;
}

static void slot_after_fork_locked(struct front_fdtable *table, struct front_slot *slot,
				   struct mem_file *(*inherit)(struct front_slot *slot))
{
	base_assert_held(&table->lock);
	if (slot->is_open && slot->kept >= 0) {
		front_fdtable_clear_locked(table, slot->kept);
		base_sys_close(slot->kept);
		slot->kept = -1;
	}
	slot->is_open = slot->numbers > 0;
	if (slot->is_open)
		slot->file = inherit(slot);
	else
		pool_push(table, slot);
	base_store(&slot->refs.count, slot->is_open);
}

void front_fdtable_after_fork_locked(struct front_fdtable *table,
				     struct mem_file *(*inherit)(struct front_slot *slot))
{
	for (struct front_slot *slot = table->made; slot; slot = slot->next_made)
		if (base_ref_read(&slot->refs))
			slot_after_fork_locked(table, slot, inherit);
}

/* ---- numbers ---- */

struct front_slot **front_fdtable_entry_high(const struct front_fdtable *table, uint32_t fd)
{
	const struct front_fddir *dir = base_load(&table->dir);
	size_t index = fd >> FRONT_CHUNK_LG2;
	struct front_slot **chunk;

	if (index >= dir->count)
		return NULL;
	chunk = base_load(&dir->chunks[index]);
	return chunk ? &chunk[fd & ((1 << FRONT_CHUNK_LG2) - 1)] : NULL;
}

/* A reader that still has the older directory misses new numbers only. */
static int dir_grow_locked(struct front_fdtable *table, size_t index)
{
	struct front_fddir *older = table->dir, *dir;
	size_t count = MIN_CHUNKS;

	base_assert_held(&table->lock);
	while (count <= index)
		count *= 2;
	dir = base_zalloc(sizeof(*dir) + count * sizeof(dir->chunks[0]));
	if (!dir)
		return -ENOMEM;
	dir->count = count;
	dir->older = older;
	for (size_t i = 0; i < older->count; i++)
		dir->chunks[i] = older->chunks[i];
	base_store(&table->dir, dir);
	return 0;
}

int front_fdtable_reserve_locked(struct front_fdtable *table, int fd)
{
	size_t index = (uint32_t)fd >> FRONT_CHUNK_LG2;
	struct front_slot ***chunk;

	base_assert_held(&table->lock);
	if (!index)
		return 0;
	if (index >= table->dir->count && dir_grow_locked(table, index))
		return -ENOMEM;
	chunk = &table->dir->chunks[index];
	if (!*chunk)
		base_store(chunk, base_zalloc(sizeof(**chunk) << FRONT_CHUNK_LG2));
	return *chunk ? 0 : -ENOMEM;
}

int front_fdtable_lowest_locked(struct front_fdtable *table)
{
	int rc;

	base_assert_held(&table->lock);
	while (table->lowest < INT_MAX && front_fdtable_peek(table, table->lowest))
		table->lowest++;
	if (table->lowest == INT_MAX)
		return -EMFILE;
	rc = front_fdtable_reserve_locked(table, table->lowest);
	return rc ? rc : table->lowest;
}

void front_fdtable_set_locked(struct front_fdtable *table, int fd, struct front_slot *slot)
{
	struct front_slot **entry = front_fdtable_entry(table, fd);

	base_assert_held(&table->lock);
	base_assert(entry && !*entry);
	if (!front_slot_is_own(slot))
		slot->numbers++;
	base_store(entry, slot);
}

static bool is_mark(const struct front_slot *slot)
{
	return front_slot_is_own(slot) || slot == &front_slot_closing;
}

/* What fd stood for, which may be a mark or NULL; if not NULL, it is `next` now. */
static struct front_slot *replace_locked(struct front_fdtable *table, int fd,
					 struct front_slot *next)
{
	struct front_slot **entry = front_fdtable_entry(table, fd);
	struct front_slot *slot = entry ? *entry : NULL;

	base_assert_held(&table->lock);
	if (!slot)
		return NULL;
	base_store(entry, next);
	if (!is_mark(slot))
		slot->numbers--;
	return slot;
}

struct front_slot *front_fdtable_clear_locked(struct front_fdtable *table, int fd)
{
	struct front_slot *slot = replace_locked(table, fd, NULL);

	if (slot && fd < table->lowest)
		table->lowest = fd;
	return slot;
}

struct front_slot *front_fdtable_closing_locked(struct front_fdtable *table, int fd)
{
	return replace_locked(table, fd, &front_slot_closing);
}

static void change(struct front_fdtable *table, int fd, struct front_slot *from,
		   struct front_slot *to)
{
	struct front_slot **entry = front_fdtable_entry(table, fd);

	if (entry)
		base_cas(entry, &from, to);
}

void front_fdtable_below(struct front_fdtable *table, int fd)
{
	change(table, fd, NULL, &front_slot_below);
}

void front_fdtable_below_end(struct front_fdtable *table, int fd)
{
	change(table, fd, &front_slot_below, NULL);
}

int front_fdtable_next(const struct front_fdtable *table, int fd)
{
	size_t count = base_max_u64(base_load(&table->dir)->count, 1) << FRONT_CHUNK_LG2;

	for (size_t n = (uint32_t)fd; n < count; n++) {
		struct front_slot **entry = front_fdtable_entry(table, (int)n);

		if (!entry)
			n |= (1 << FRONT_CHUNK_LG2) - 1;
		else if (base_load(entry))
			return (int)n;
	}
	return -1;
}
