// SPDX-License-Identifier: MIT
/* Memory that somebody else uses: accesses, copies, hardware queues. */
#include "ops.h"

/* A page in an IOAS, another IOAS. */
static void set_up_ioas(struct world *w)
{
	w->ioas = new_ioas(w);
	w->other_ioas = new_ioas(w);
	*w->page = 7;
	map_page(w, w->ioas);
}

static void set_up_pins(struct world *w)
{
	set_up_ioas(w);
	new_access(w, true);
}

static void set_up_pinned(struct world *w)
{
	set_up_pins(w);
	must(pin.run(w, 2));
}

static void set_up_copies(struct world *w)
{
	set_up_ioas(w);
	new_access(w, false);
}

static void set_up_copied(struct world *w)
{
	set_up_ioas(w);
	must(copy.run(w, 0));
}

static void set_up_copied_attached(struct world *w)
{
	set_up_copied(w);
	bind_device(w, 0);
	must(attach_device(w, 0, w->other_ioas));
}

static void set_up_compat(struct world *w)
{
	set_up_ioas(w);
	must(compat_set.run(w, 0));
}

static void set_up_mapped_region(struct world *w)
{
	set_up_region(w);
	must(map_region.run(w, 0));
}

static void set_up_queue_memory(struct world *w)
{
	set_up_viommu(w);
	map_page(w, w->ioas);
}

static void set_up_queue(struct world *w)
{
	set_up_queue_memory(w);
	w->queue = new_queue(w);
}

#define S(name_, rows_, set_up_, check_, a, b, c, ...)                                      \
	{                                                                                   \
		.name = name_, .rows = rows_, .flags = SWIOMMU_TEST_ABI, .set_up = set_up_, \
		.threads = {CALLS a, CALLS b, CALLS c}, .check = check_, .outcomes = {      \
			__VA_ARGS__                                                         \
		}                                                                           \
	}

static const struct scenario list[] = {
	/*
	 * An UNMAP asks the driver to unpin, and takes no new pins meanwhile (10.4d and 24 of
	 * iommufd-ioctls.md; the accesses of the test ABI: 5). Without a domain it is in one step:
	 * a second one finds nothing.
	 */
	S("pin-unmap", "L12", set_up_pins, pin_state, (&pin), (&unmap), (NULL),
	  "NOENT | ok : not pinned", "ok | ok : not pinned"),
	S("pin-unpin-unmap", "L12", set_up_pins, pin_state, (&pin, &unpin), (&unmap), (NULL),
	  "NOENT NOENT | ok : not pinned", "ok NOENT | ok : not pinned", "ok ok | ok : not pinned"),
	S("pinned-unmap-pin", "L12", set_up_pinned, pin_state, (&unmap), (&pin), (NULL),
	  "ok | INVAL : not pinned", "ok | NOENT : not pinned", "ok | ok : not pinned"),
	S("pinned-unmap-access_read", "L12", set_up_pinned, NULL, (&unmap), (&access_read), (NULL),
	  "ok | 7", "ok | INVAL", "ok | NOENT"),
	S("pinned-unmap-close", "L12", set_up_pinned, pin_state, (&unmap), (&close_access), (NULL),
	  "ok | ok : not pinned"),
	S("pinned-unmap-move", "L12", set_up_pinned, pin_state, (&unmap), (&move_access), (NULL),
	  "ok | ok : not pinned"),
	S("pinned-unmap-unmap", "L12", set_up_pinned, pin_state, (&unmap), (&unmap), (NULL),
	  "NOENT | ok : not pinned", "ok | NOENT : not pinned"),
	S("pin-close", "L12", set_up_pins, pin_state, (&pin), (&close_access), (NULL),
	  "BADFD | ok : not pinned", "ok | ok : not pinned"),
	S("pin-move", "L12", set_up_pins, pin_state, (&pin), (&move_access), (NULL),
	  "NOENT | ok : not pinned", "ok | ok : not pinned"),
	S("pin-unmap-close", "L12", set_up_pins, pin_state, (&pin), (&unmap), (&close_access),
	  "BADFD | ok | ok : not pinned", "NOENT | ok | ok : not pinned",
	  "ok | ok | ok : not pinned"),
	S("move-move", "L4, L6, L12", set_up_pins, NULL, (&move_access), (&move_access), (NULL),
	  "BUSY | ok", "ok | BUSY", "ok | ok"),
	S("move-destroy_ioas", "L4, L6, L12", set_up_pins, NULL, (&move_access), (&destroy_ioas),
	  (NULL), "ok | BUSY", "ok | ok"),
	S("move-destroy_other_ioas", "L4, L6, L12", set_up_pins, NULL, (&move_access),
	  (&destroy_other_ioas), (NULL), "NOENT | ok", "ok | BUSY"),
	S("close_access-destroy_ioas", "L4, L6, L12", set_up_pins, NULL, (&close_access),
	  (&destroy_ioas), (NULL), "ok | BUSY", "ok | ok"),
	S("close_access-close_context", "L4, L6, L12", set_up_pinned, NULL, (&close_access),
	  (&close_context), (NULL), "ok | ok"),
	S("access_read-unmap", "L11", set_up_copies, NULL, (&access_read), (&unmap), (NULL),
	  "7 | ok", "NOENT | ok"),
	S("access_write-unmap", "L11", set_up_copies, page_state, (&access_write), (&unmap), (NULL),
	  "NOENT | ok : page 99", "ok | ok : page 99"),
	S("access_read-move", "L4, L6, L12", set_up_copies, NULL, (&access_read), (&move_access),
	  (NULL), "7 | ok", "NOENT | ok"),
	S("access_read-close", "L4, L6, L12", set_up_copies, NULL, (&access_read), (&close_access),
	  (NULL), "7 | ok", "BADFD | ok"),

	/* COPY shares the memory, not the mapping (9, 13, 29.3 and 29.7 of iommufd-ioctls.md). */
	S("copy-unmap", "L4, L14", set_up_ioas, NULL, (&copy), (&unmap), (NULL), "NOENT | ok",
	  "ok | ok"),
	S("copy-destroy_ioas", "L4, L14", set_up_ioas, NULL, (&copy), (&destroy_ioas), (NULL),
	  "NOENT | ok", "ok | BUSY", "ok | ok"),
	S("copy-destroy_other_ioas", "L4, L14", set_up_ioas, NULL, (&copy), (&destroy_other_ioas),
	  (NULL), "NOENT | ok", "ok | BUSY", "ok | ok"),
	S("copy-copy", "L4, L14", set_up_ioas, NULL, (&copy), (&copy), (NULL), "EXIST | ok",
	  "ok | EXIST"),
	S("unmap-unmap_copy", "L4, L14", set_up_copied, NULL, (&unmap), (&unmap_copy), (NULL),
	  "ok | ok"),
	S("unmap_copy-dma", "L11", set_up_copied_attached, page_state, (&unmap_copy, &scribble),
	  (&dma_write), (NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("unmap-dma-copy", "L4, L14", set_up_copied_attached, NULL, (&unmap), (&unmap_copy),
	  (&dma_read), "ok | ok | 7", "ok | ok | 99", "ok | ok | FAULT"),
	S("change_process-map", "L4, L14", set_up_ioas, NULL, (&change_process), (&unmap, &map),
	  (NULL), "INVAL | ok ok", "ok | ok ok"),
	S("change_process-alloc_ioas", "L4, L14", set_up_ioas, NULL, (&change_process),
	  (&alloc_ioas), (&destroy_other_ioas), "INVAL | ok | BUSY", "INVAL | ok | ok"),

	/* The compatibility IOAS is a pointer that keeps nothing (12 of iommufd-ioctls.md). */
	S("compat_get-destroy_ioas", "L4", set_up_compat, NULL, (&compat_get), (&destroy_ioas),
	  (NULL), "NODEV | ok", "ok | ok"),
	S("compat_set-destroy_ioas", "L4", set_up_ioas, NULL, (&compat_set, &compat_get),
	  (&destroy_ioas), (NULL), "NOENT NODEV | ok", "ok NODEV | ok", "ok ok | BUSY",
	  "ok ok | ok"),
	S("compat_clear-destroy_ioas", "L4", set_up_compat, NULL, (&compat_clear), (&destroy_ioas),
	  (&compat_get), "ok | ok | NODEV", "ok | ok | ok"),

	/* A mapping keeps the vIOMMU whose memory it shows, and the context (13.3; ioctls 25). */
	S("map_region-destroy_viommu", "L4", set_up_region, NULL, (&map_region), (&destroy_viommu),
	  (NULL), "NXIO | ok", "ok | BUSY"),
	S("unmap_region-destroy_viommu", "L4", set_up_mapped_region, NULL, (&unmap_region),
	  (&destroy_viommu), (NULL), "ok | BUSY", "ok | ok"),
	S("unmap_region-close", "L4, L18", set_up_mapped_region, NULL, (&unmap_region),
	  (&close_context), (&close_device), "ok | ok | ok"),

	/*
	 * The memory of a hardware queue cannot be unmapped as long as the queue is there (13.4 of
	 * iommufd-objects.md, 23 of iommufd-ioctls.md; indices of the mock queues: test ABI 8).
	 */
	S("alloc_queue-unmap", "L13", set_up_queue_memory, made_state, (&alloc_queue), (&unmap),
	  (NULL), "NOENT | ok", "ok | BUSY : a's live"),
	S("destroy_queue-unmap", "L13", set_up_queue, NULL, (&destroy_queue), (&unmap), (NULL),
	  "ok | BUSY", "ok | ok"),
	S("alloc_queue-destroy_viommu", "11", set_up_queue_memory, made_state, (&alloc_queue),
	  (&destroy_viommu), (NULL), "NOENT | ok", "ok | BUSY : a's live"),
	S("alloc_queue-alloc_queue", "L13", set_up_queue_memory, made_state, (&alloc_queue),
	  (&alloc_queue), (NULL), "EXIST | ok : b's live", "ok | EXIST : a's live"),
	S("destroy_queue-alloc_queue", "L13", set_up_queue, NULL, (&destroy_queue), (&alloc_queue),
	  (NULL), "ok | EXIST", "ok | ok"),
	S("destroy_queue-alloc_next_queue", "L13", set_up_queue, NULL, (&destroy_queue),
	  (&alloc_next_queue), (NULL), "BUSY | ok", "ok | IO"),
	S("destroy_queue-destroy_queue", "L13", set_up_queue, NULL, (&destroy_queue),
	  (&destroy_queue), (&destroy_viommu), "NOENT | ok | BUSY", "NOENT | ok | ok",
	  "ok | NOENT | BUSY", "ok | NOENT | ok"),
};
SCENARIOS(scenarios_memory, list);
