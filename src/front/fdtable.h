/* SPDX-License-Identifier: MIT */
/*
 * Numbers to files. A slot is an open file description: a file, and what belongs
 * to the open rather than to the file. Several numbers can stand for one slot.
 *
 * Looking up takes no lock, from any thread. Slots are type-stable: their memory
 * is used again for other slots, but never for anything else, so a reader that
 * comes late finds a reference count of 0, or sees that the number has moved on.
 *
 * Changes are made under the table's lock (functions named _locked).
 */
#ifndef FRONT_FDTABLE_H
#define FRONT_FDTABLE_H

#include "front/front.h"

struct front_slot {
	/* 1 while the description is open anywhere, and 1 for each call on it. */
	struct base_ref refs;
	int access; /* O_RDONLY, O_WRONLY or O_RDWR */
	struct mem_file *file;
	uint64_t position; /* of read and write */
	uint64_t serial;   /* no other description of the table ever has it */
	struct front_node node;

	/* Guarded by the table's lock. */
	uint32_t numbers; /* of this table that stand for the slot */
	int kept;	  /* preload: our end of the socket pair, -1 */
	bool is_open;	  /* `refs` has the 1 of the description */

	/* Preload: of a file that is not always ready. Guarded by the lock of ready.c. */
	bool raised, fallen;
	struct mem_watch watch;

	struct front_slot *next_free, *next_made;
} BASE_CACHE_ALIGNED;

#define FRONT_CHUNK_LG2 10

/*
 * Numbers come in chunks. The first is part of the table, for it has nearly all.
 * The others are made when a number in them is first used, and stay; so does each directory.
 */
struct front_fddir {
	size_t count; /* of chunks */
	struct front_fddir *older;
	struct front_slot **chunks[];
};

struct front_fdtable {
	struct front_slot *low[1 << FRONT_CHUNK_LG2];
	struct front_fddir *dir; /* its first chunk is `low`, and not looked at there */
	struct base_mutex lock;
	int lowest;		 /* no number below is free */
	uint64_t serials;	 /* given out */
	struct front_slot *free; /* slots that are not in use */
	struct front_slot *made; /* all there are */
};

extern struct front_fddir front_fddir_empty;

#define FRONT_FDTABLE_INIT                                                      \
	{                                                                       \
		.dir = &front_fddir_empty, .lock = BASE_MUTEX_INIT(RANK_FRONT), \
	}

/*
 * For numbers that are taken, but not by a file: descriptors of our own. Of the front end
 * itself, or of the layers below. They never have a reference.
 */
extern struct front_slot front_slot_hidden, front_slot_below;

static inline bool front_slot_is_own(const struct front_slot *slot)
{
	return slot == &front_slot_hidden || slot == &front_slot_below;
}

/* For numbers whose close is under way. Likewise; gone before the lock is free. */
extern struct front_slot front_slot_closing;

void front_fdtable_init(struct front_fdtable *table);

/* No slot is in use; frees what the table allocated. */
void front_fdtable_fini(struct front_fdtable *table);

/* front_fdtable_entry() beyond the first chunk. */
struct front_slot **front_fdtable_entry_high(const struct front_fdtable *table, uint32_t fd);

/* Where the slot of fd is kept, NULL if there is no such place yet. */
static inline struct front_slot **front_fdtable_entry(const struct front_fdtable *table, int fd)
{
	if (base_likely((uint32_t)fd < base_array_size(table->low)))
		return (struct front_slot **)&table->low[fd];
	return front_fdtable_entry_high(table, (uint32_t)fd);
}

/* The slot of fd without a reference: good for comparisons only. NULL, or one of our own. */
static inline struct front_slot *front_fdtable_peek(const struct front_fdtable *table, int fd)
{
	struct front_slot **entry = front_fdtable_entry(table, fd);

	return entry ? base_load(entry) : NULL;
}

/* Gives the slot back to the table and drops its file. */
void front_slot_release(struct front_fdtable *table, struct front_slot *slot) BASE_COLD;

/* The last reference releases the file. The caller holds no lock then that a release may take. */
static inline void front_slot_put(struct front_fdtable *table, struct front_slot *slot)
{
	if (base_unlikely(base_ref_put(&slot->refs) == 0))
		front_slot_release(table, slot);
}

/* The slot kept at `entry` with a reference; NULL if there is none, or it is our own or closing. */
static inline struct front_slot *front_fdtable_get_at(struct front_fdtable *table,
						      struct front_slot **entry)
{
	for (;;) {
		struct front_slot *slot = base_load(entry);

		if (base_unlikely(!slot))
			return NULL;
		if (base_likely(base_ref_get_unless_zero(&slot->refs))) {
			if (base_likely(base_load(entry) == slot))
				return slot;
			front_slot_put(table, slot);
		} else if (front_slot_is_own(slot) || slot == &front_slot_closing) {
			return NULL;
		}
	}
}

/* The slot of fd, likewise. */
static inline struct front_slot *front_fdtable_get(struct front_fdtable *table, int fd)
{
	struct front_slot **entry = front_fdtable_entry(table, fd);

	return entry ? front_fdtable_get_at(table, entry) : NULL;
}

/*
 * A new slot without numbers, with the one reference of an open description.
 * Takes over the caller's reference of `file` if it succeeds. 0 or -ENOMEM.
 */
int front_slot_new_locked(struct front_fdtable *table, struct mem_file *file,
			  struct front_slot **out);

/* The slot of an open description, with a reference, by its serial; NULL. Takes no lock. */
struct front_slot *front_slot_get_serial(struct front_fdtable *table, uint64_t serial);

/*
 * The description is not open any more: the caller drops its reference with
 * front_slot_put() once the lock is free. It has no numbers.
 */
void front_slot_close_locked(struct front_fdtable *table, struct front_slot *slot);

/* Make sure that fd has a place. 0 or -ENOMEM. */
int front_fdtable_reserve_locked(struct front_fdtable *table, int fd);

/* The lowest number that stands for nothing, with a place. -ENOMEM, -EMFILE. */
int front_fdtable_lowest_locked(struct front_fdtable *table);

/* Let fd, which has a place and stands for nothing, stand for `slot`. */
void front_fdtable_set_locked(struct front_fdtable *table, int fd, struct front_slot *slot);

/* Let fd stand for nothing. What it stood for, which may be one of our own, or NULL. */
struct front_slot *front_fdtable_clear_locked(struct front_fdtable *table, int fd);

/* The first half of that: look-ups find &front_slot_closing until fd is cleared. */
struct front_slot *front_fdtable_closing_locked(struct front_fdtable *table, int fd);

/*
 * Layers below have just been given fd, or are about to close it. Take no lock. Do
 * nothing if fd has no place or stands for something else.
 */
void front_fdtable_below(struct front_fdtable *table, int fd);
void front_fdtable_below_end(struct front_fdtable *table, int fd);

/* The first number >= fd that stands for something, -1 if there is none. */
int front_fdtable_next(const struct front_fdtable *table, int fd);

/* The slot whose `kept` is fd, NULL if there is none. */
struct front_slot *front_slot_find_kept_locked(struct front_fdtable *table, int fd);

/*
 * The process is a forked copy, and this its only thread. The files belong to
 * the original: every slot gets the file that `inherit` says, with a reference, kept
 * ends are closed, and calls that were under way are forgotten.
 */
void front_fdtable_after_fork_locked(struct front_fdtable *table,
				     struct mem_file *(*inherit)(struct front_slot *slot));

#endif
