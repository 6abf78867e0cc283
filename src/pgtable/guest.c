// SPDX-License-Identifier: MIT
/*
 * The walk through an x86-64 table in a guest's memory: pgtable-formats.md
 * section 4. All extensions are as wide as they get: 52-bit addresses, 1 GiB
 * leaves and no-execute exist.
 */
#include "pgtable/fmt/x86_64.h"

#define GUEST_LEAF_LG2_MAX 30 /* PS is reserved above */

struct guest_walk {
	const struct pgtable_guest *guest;
	uint64_t root, iova;
	unsigned levels;
	bool write;
	bool changed; /* the guest was faster: walk again */
};

/* One entry on the way down. */
struct guest_entry {
	uint64_t gpa, value;
	unsigned slot_lg2;
};

static bool is_canonical(uint64_t iova, unsigned va_lg2)
{
	unsigned above = 64 - va_lg2;

	return (uint64_t)((int64_t)(iova << above) >> above) == iova;
}

static bool entry_is_table(const struct guest_entry *entry)
{
	return entry->slot_lg2 > FMT_GRANULE_LG2 && x86_64_is_table(entry->value);
}

/* Address bits below a large leaf, but PAT; PS where there are no leaves. */
static uint64_t reserved_bits(const struct guest_entry *entry)
{
	if (entry->slot_lg2 > GUEST_LEAF_LG2_MAX)
		return X86_64_PS;
	if (entry_is_table(entry))
		return 0;
	return X86_64_ADDRESS & (((uint64_t)1 << entry->slot_lg2) - 1) &
	       (entry->slot_lg2 > FMT_GRANULE_LG2 ? ~X86_64_PAT : 0);
}

/* In the order of 4.5. */
static enum pgtable_fault entry_check(const struct guest_walk *walk,
				      const struct guest_entry *entry)
{
	if (!x86_64_is_present(entry->value))
		return PGTABLE_FAULT_PRESENT;
	if (!(entry->value & X86_64_US))
		return PGTABLE_FAULT_USER;
	if (walk->write && !(entry->value & X86_64_RW))
		return PGTABLE_FAULT_PERM;
	if (entry->value & reserved_bits(entry))
		return PGTABLE_FAULT_RESERVED;
	return PGTABLE_FAULT_NONE;
}

/* Set the accessed bit, and dirty for a write through a leaf: 4.4. */
static enum pgtable_fault entry_update(struct guest_walk *walk, struct guest_entry *entry)
{
	bool is_leaf = !entry_is_table(entry);
	uint64_t desired = entry->value | X86_64_A | (is_leaf && walk->write ? X86_64_D : 0);
	uint64_t expected = entry->value;
	bool swapped = true;

	if (desired != expected &&
	    walk->guest->cas(walk->guest->ctx, entry->gpa, &expected, desired, &swapped))
		return PGTABLE_FAULT_UPDATE;
	entry->value = desired;
	walk->changed = !swapped;
	return PGTABLE_FAULT_NONE;
}

static enum pgtable_fault entry_use(struct guest_walk *walk, struct guest_entry *entry)
{
	enum pgtable_fault fault;

	if (walk->guest->load(walk->guest->ctx, entry->gpa, &entry->value))
		return PGTABLE_FAULT_ACCESS;
	fault = entry_check(walk, entry);
	return fault ? fault : entry_update(walk, entry);
}

static void leaf_fill(struct pgtable_leaf *leaf, uint64_t iova, const struct guest_entry *entry,
		      uint64_t rights)
{
	uint64_t mask = ((uint64_t)1 << entry->slot_lg2) - 1;

	leaf->start = iova & ~mask;
	leaf->last = iova | mask;
	leaf->pa = x86_64_leaf_pa(entry->value, entry->slot_lg2);
	leaf->prot = x86_64_rights_prot(rights);
	if (!(entry->value & X86_64_D))
		leaf->prot &= ~PGTABLE_WRITE;
}

/* From the root to the leaf, or to an entry that the guest changed meanwhile. */
static enum pgtable_fault guest_walk_once(struct guest_walk *walk, struct pgtable_leaf *leaf)
{
	uint64_t table = walk->root, rights = UINT64_MAX;
	unsigned slot_lg2 = FMT_GRANULE_LG2 + PGTABLE_INDEX_LG2 * (walk->levels - 1);

	for (;; slot_lg2 -= PGTABLE_INDEX_LG2) {
		uint64_t index = pgtable_table_index(walk->iova, slot_lg2);
		struct guest_entry entry = {table + index * sizeof(uint64_t), 0, slot_lg2};
		enum pgtable_fault fault = entry_use(walk, &entry);

		if (fault || walk->changed)
			return fault;
		rights &= entry.value;
		if (!entry_is_table(&entry)) {
			leaf_fill(leaf, walk->iova, &entry, rights);
			return PGTABLE_FAULT_NONE;
		}
		table = x86_64_table_pa(entry.value);
	}
}

enum pgtable_fault pgtable_guest_walk_x86_64(const struct pgtable_guest *guest, uint64_t root,
					     unsigned levels, uint64_t iova, uint32_t prot,
					     struct pgtable_leaf *leaf)
{
	struct guest_walk walk = {guest, root, iova, levels, prot & PGTABLE_WRITE, false};
	enum pgtable_fault fault;

	if (!is_canonical(iova, FMT_GRANULE_LG2 + PGTABLE_INDEX_LG2 * levels))
		return PGTABLE_FAULT_CANONICAL;
	do {
		fault = guest_walk_once(&walk, leaf);
	} while (!fault && walk.changed);
	return fault;
}
