// SPDX-License-Identifier: MIT
/* Mappings, attachments and queues: what devices, clients and drivers do to them at once. */
#include "ops.h"

/* Devices 0 and 1 bound, a page in an IOAS without HWPTs. */
static void set_up_bare(struct world *w)
{
	bind_device(w, 0);
	bind_device(w, 1);
	w->ioas = new_ioas(w);
	*w->page = 7;
	map_page(w, w->ioas);
}

static void set_up_bare_attached(struct world *w)
{
	set_up_bare(w);
	must(attach_device(w, 0, w->ioas));
	/* The automatic one. */
	w->hwpt = w->ioas + 1;
}

static void set_up_unmapped(struct world *w)
{
	set_up_bare_attached(w);
	must(unmap.run(w, 0));
}

static void set_up_both_attached(struct world *w)
{
	set_up_bare_attached(w);
	must(attach_device(w, 1, w->ioas));
}

static void set_up_manual(struct world *w)
{
	set_up_bare(w);
	w->hwpt = new_hwpt(w, 0, w->ioas, 0);
}

static void set_up_manual_attached(struct world *w)
{
	set_up_manual(w);
	must(attach_device(w, 0, w->hwpt));
}

/* Device 0 attached, what it writes is tracked. */
static void set_up_tracked(struct world *w)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
	};

	set_up_bare(w);
	w->hwpt = new_hwpt(w, 0, w->ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	cmd.hwpt_id = w->hwpt;
	must(ioctl_of(w, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd));
	must(attach_device(w, 0, w->hwpt));
}

static void set_up_dirty(struct world *w)
{
	set_up_tracked(w);
	must(dma_write.run(w, 0));
}

static void set_up_queued_fault(struct world *w)
{
	set_up_faults(w);
	report_fault.run(w, 2);
}

static void set_up_unused_fault_queue(struct world *w)
{
	set_up_faults(w);
	must(detach_device(w, 0));
	must(destroy_id(w, w->nested));
}

static void answers(struct world *w)
{
	fact(w, "%u answered", w->answers);
}

static void set_up_queued_event(struct world *w)
{
	set_up_events(w);
	must(report_event.run(w, 2));
}

static void devices(struct world *w)
{
	for (unsigned n = 0; n < 2; n++) {
		uint8_t byte;

		fact(w, swiommu_dma_read(w->device[n], 0, IOVA, &byte, 1, NULL) ? "blocked"
										: "attached");
	}
}

#define OF(name_, rows_, set_up_, check_, group, flags_, a, b, c, ...)                       \
	{                                                                                    \
		.name = name_, .rows = rows_, .set_up = set_up_,                             \
		.threads = {CALLS a, CALLS b, CALLS c}, .check = check_, .one_group = group, \
		.flags = flags_, .outcomes = {                                               \
			__VA_ARGS__                                                          \
		}                                                                            \
	}
#define S(name_, rows_, set_up_, check_, ...) \
	OF(name_, rows_, set_up_, check_, false, 0, __VA_ARGS__)
#define GROUP(name_, rows_, set_up_, check_, ...) \
	OF(name_, rows_, set_up_, check_, true, 0, __VA_ARGS__)
#define GROUPS(name_, rows_, set_up_, check_, ...)                 \
	GROUP(name_, rows_, set_up_, check_, __VA_ARGS__),         \
		OF(name_ "/unbound", rows_, set_up_, check_, true, \
		   SWIOMMU_VDEVICE_DESTROY_UNBOUND, __VA_ARGS__)

static const struct scenario list[] = {
	/*
	 * DMA: none reaches a page after the call that takes it away has returned. UNMAP against
	 * others: 29.2 to 29.4 and 10 of iommufd-ioctls.md.
	 */
	S("unmap-dma_read", "L11", set_up_bare_attached, NULL, (&unmap), (&dma_read), (NULL),
	  "ok | 7", "ok | FAULT"),
	S("unmap-dma_read-twice", "L11", set_up_bare_attached, NULL, (&unmap),
	  (&dma_read, &dma_read), (NULL), "ok | 7 7", "ok | 7 FAULT", "ok | FAULT FAULT"),
	S("unmap-dma_write", "L11", set_up_bare_attached, page_state, (&unmap), (&dma_write),
	  (NULL), "ok | FAULT : page 99", "ok | ok : page 99"),
	S("unmap-two-dma", "L11", set_up_bare_attached, page_state, (&unmap), (&dma_write),
	  (&dma_read), "ok | FAULT | 7 : page 99", "ok | FAULT | FAULT : page 99",
	  "ok | ok | 7 : page 99", "ok | ok | 8 : page 99", "ok | ok | FAULT : page 99"),
	S("unmap-map-dma_read", "L11", set_up_bare_attached, NULL, (&unmap, &map), (&dma_read),
	  (NULL), "ok ok | 7", "ok ok | 99", "ok ok | FAULT"),
	S("detach-dma_read", "L11", set_up_bare_attached, NULL, (&detach, &scribble), (&dma_read),
	  (NULL), "ok ok | 7", "ok ok | FAULT"),
	S("detach-dma_write", "L11", set_up_bare_attached, page_state, (&detach, &scribble),
	  (&dma_write), (NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("detach-dma_write-kept", "L11", set_up_manual_attached, page_state, (&detach, &scribble),
	  (&dma_write), (NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("close-dma_write", "L11", set_up_bare_attached, page_state, (&close_device, &scribble),
	  (&dma_write), (NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("replace-dma_read", "L11", set_up_attached, NULL, (&replace), (&dma_read), (NULL),
	  "ok | 7"),
	S("replace-unmap-dma_read", "L11", set_up_attached, NULL, (&replace), (&dma_read), (&unmap),
	  "ok | 7 | ok", "ok | FAULT | ok"),
	S("unmap-unmap", "L11, L14", set_up_bare_attached, NULL, (&unmap), (&unmap), (NULL),
	  "BUSY | ok", "NOENT | ok", "ok | BUSY", "ok | NOENT"),
	S("unmap-map", "L11, L14", set_up_bare_attached, devices, (&unmap), (&map), (NULL),
	  "ok | EXIST : blocked, blocked", "ok | ok : attached, blocked"),
	S("unmap-attach", "L11, L14", set_up_bare, devices, (&unmap), (&attach), (NULL),
	  "ok | ok : blocked, blocked"),
	S("unmap-detach", "L11, L14", set_up_bare_attached, devices, (&unmap), (&detach), (NULL),
	  "ok | ok : blocked, blocked"),
	S("unmap-alloc_hwpt", "L11, L14", set_up_bare, NULL, (&unmap), (&alloc_hwpt), (NULL),
	  "ok | ok"),
	S("unmap-destroy_hwpt", "L11, L14", set_up_manual, NULL, (&unmap), (&destroy_hwpt), (NULL),
	  "ok | ok"),
	S("map-attach", "L11, L14", set_up_bare, devices, (&unmap, &map), (&attach), (NULL),
	  "ok ok | ok : attached, blocked"),
	S("unmap-destroy_ioas", "L11, L14", set_up_bare, NULL, (&unmap), (&destroy_ioas), (NULL),
	  "NOENT | ok", "ok | BUSY", "ok | ok"),

	/* An area that is being made, or taken away (29.1, 29.2, 13.3 of iommufd-ioctls.md). */
	S("map-map", "L14", set_up_unmapped, devices, (&map), (&map), (NULL),
	  "EXIST | ok : attached, blocked", "ok | EXIST : attached, blocked"),
	S("map_anywhere-map_anywhere", "L14", set_up_unmapped, iova_state, (&map_anywhere),
	  (&map_anywhere), (NULL), "ok | ok : apart"),
	S("map-unmap", "L11, L14", set_up_unmapped, NULL, (&map), (&unmap), (NULL), "ok | BUSY",
	  "ok | NOENT", "ok | ok"),
	S("map-dma_read", "L11", set_up_unmapped, NULL, (&map), (&dma_read), (NULL), "ok | 99",
	  "ok | FAULT"),
	S("map-change_process", "L14", set_up_unmapped, NULL, (&map), (&change_process), (NULL),
	  "ok | BUSY", "ok | INVAL", "ok | ok"),
	S("unmap-change_process", "L14", set_up_bare_attached, NULL, (&unmap), (&change_process),
	  (NULL), "ok | BUSY", "ok | INVAL", "ok | ok"),
	S("map-destroy_ioas", "L4, L14", set_up_bare, NULL, (&unmap, &map), (&destroy_ioas), (NULL),
	  "NOENT NOENT | ok", "ok NOENT | ok", "ok ok | BUSY", "ok ok | ok"),

	/*
	 * What is dirty: told after the write at the latest, and gone with the mapping (17 and 29.5
	 * of iommufd-ioctls.md). The mock has two entries per page, each with a bit of its own: a
	 * read in the middle of a write is told once more.
	 */
	S("dma_write-read_dirty", "L11", set_up_tracked, NULL, (&dma_write),
	  (&read_dirty, &read_dirty), (NULL), "ok | 1 1", "ok | 1 ok", "ok | ok 1", "ok | ok ok"),
	S("read_dirty-read_dirty", "L11", set_up_dirty, NULL, (&read_dirty), (&read_dirty), (NULL),
	  "1 | ok", "ok | 1"),
	S("unmap-read_dirty", "L11, L14", set_up_dirty, NULL, (&unmap), (&read_dirty), (NULL),
	  "ok | 1", "ok | ok"),

	/* Automatic HWPTs (6.3 and 10 of iommufd-objects.md; a pt_id that is not there: 4.1). */
	S("destroy_ioas-attach", "L14, L15", set_up_bare, NULL, (&destroy_ioas), (&attach), (NULL),
	  "BUSY | ok", "ok | NOENT"),
	S("destroy_ioas-attach-both", "L14, L15", set_up_bare, NULL, (&destroy_ioas), (&attach),
	  (&attach_other), "BUSY | ok | ok", "ok | NOENT | NOENT"),
	S("attach-attach_other", "L14, L15", set_up_bare, devices, (&attach), (&attach_other),
	  (NULL), "ok | ok : attached, attached"),
	S("detach-attach_other", "L14, L15", set_up_bare_attached, devices, (&detach),
	  (&attach_other), (NULL), "ok | ok : blocked, attached"),
	S("detach-detach_other", "L14, L15", set_up_both_attached, made_state, (&detach),
	  (&detach_other, &destroy_ioas), (NULL), "ok | ok BUSY", "ok | ok ok"),
	S("detach-destroy_ioas", "L14, L15", set_up_bare_attached, NULL, (&detach), (&destroy_ioas),
	  (NULL), "ok | BUSY", "ok | ok"),
	S("detach-destroy_automatic", "L14, L15", set_up_bare_attached, NULL, (&detach),
	  (&destroy_hwpt), (NULL), "ok | BUSY", "ok | NOENT"),
	S("detach-invalidate_automatic", "L14, L15", set_up_bare_attached, hwpt_state, (&detach),
	  (&invalidate_hwpt), (NULL), "ok | INVAL : hwpt free", "ok | INVAL : hwpt live",
	  "ok | NOENT : hwpt free"),
	S("detach-attach_other-destroy_ioas", "L14, L15", set_up_bare_attached, devices, (&detach),
	  (&attach_other), (&destroy_ioas), "ok | NOENT | ok : blocked, blocked",
	  "ok | ok | BUSY : blocked, attached"),
	S("attach-destroy_hwpt", "L14, L15", set_up_manual, NULL, (&replace), (&destroy_hwpt),
	  (NULL), "NOENT | ok", "ok | BUSY"),
	S("alloc_hwpt-destroy_ioas", "L14, L15", set_up_bare, NULL, (&alloc_hwpt), (&destroy_ioas),
	  (NULL), "INVAL | ok", "ok | BUSY"),
	S("attach-alloc_hwpt-destroy_ioas", "L14, L15", set_up_bare, NULL, (&attach), (&alloc_hwpt),
	  (&destroy_ioas), "NOENT | INVAL | ok", "ok | ok | BUSY"),

	/* Devices of one group share one HWPT, whoever attaches (9 of iommufd-objects.md). */
	GROUP("group-attach-attach", "L14, L15", set_up_bare, devices, (&attach), (&attach_other),
	      (NULL), "ok | ok : attached, attached"),
	GROUP("group-attach-detach", "L14, L15", set_up_bare_attached, devices, (&detach),
	      (&attach_other), (NULL), "ok | ok : attached, attached"),
	GROUP("group-attach-replace", "L14, L15", set_up_attached_without_vdevice, devices,
	      (&replace), (&attach_other), (NULL), "ok | INVAL : attached, attached",
	      "ok | ok : attached, attached"),
	GROUP("group-detach-detach", "L14, L15", set_up_both_attached, devices, (&detach),
	      (&detach_other), (NULL), "ok | ok : blocked, blocked"),
	GROUP("group-close-attach", "L15, L18", set_up_bare_attached, devices, (&close_device),
	      (&attach_other), (NULL), "ok | ok : blocked, attached"),
	GROUP("group-close-close", "L15, L18", set_up_both_attached, NULL, (&close_device),
	      (&close_other_device), (NULL), "ok | ok"),
	GROUPS("group-alloc-alloc-close", "13", set_up_viommu, made_state, (&alloc_vdevice),
	       (&alloc_vdevice_of_other), (&close_device), "EXIST | ok | ok : b's live",
	       "NOENT | ok | ok : b's live", "ok | EXIST | ok : a's retired",
	       "ok | ok | ok : a's retired, b's live"),

	/*
	 * Page requests: each is answered once, at the latest when its attachment ends (13.2 of
	 * iommufd-objects.md, 19 and 29.6 of iommufd-ioctls.md). Closing the file answers none.
	 */
	S("report_fault-read_fault", "L16", set_up_faults, NULL, (&report_fault),
	  (&read_fault, &answer_fault), (NULL), "ok | 1 1", "ok | ok INVAL"),
	S("read_fault-detach", "L16", set_up_queued_fault, answers, (&detach),
	  (&read_fault, &answer_fault), (NULL), "ok | 1 1 : 1 answered",
	  "ok | 1 INVAL : 1 answered", "ok | ok INVAL : 1 answered"),
	S("read_fault-read_fault", "L16", set_up_queued_fault, NULL, (&read_fault, &answer_fault),
	  (&read_fault, &answer_fault), (NULL), "1 1 | ok INVAL", "ok INVAL | 1 1"),
	S("read_fault-replace", "L16", set_up_queued_fault, answers, (&replace),
	  (&read_fault, &answer_fault), (NULL), "ok | 1 1 : 1 answered",
	  "ok | 1 INVAL : 1 answered", "ok | ok INVAL : 1 answered"),
	S("report_fault-detach", "L16", set_up_faults, answers, (&detach), (&report_fault), (NULL),
	  "ok | ok : 1 answered"),
	S("report_fault-close", "L16", set_up_faults, answers, (&close_device), (&report_fault),
	  (NULL), "ok | ok : 1 answered"),
	S("report_fault-read_fault-detach", "L16", set_up_faults, answers, (&detach),
	  (&report_fault), (&read_fault, &answer_fault), "ok | ok | 1 1 : 1 answered",
	  "ok | ok | 1 INVAL : 1 answered", "ok | ok | ok INVAL : 1 answered"),
	S("report_fault-close_fault", "L16", set_up_faults, answers, (&close_fault),
	  (&report_fault), (NULL), "ok | ok : 0 answered"),
	S("close_fault-read_fault", "L16", set_up_queued_fault, NULL, (&close_fault), (&read_fault),
	  (NULL), "ok | 1", "ok | BADF"),
	S("close_fault-destroy_fault", "L16", set_up_unused_fault_queue, NULL, (&close_fault),
	  (&destroy_fault), (NULL), "ok | BUSY", "ok | ok"),

	/* Events (22 of iommufd-ioctls.md): when the queue is full, the next one is lost. */
	S("report_event-read_event", "L17", set_up_events, NULL, (&report_event), (&read_event),
	  (NULL), "ok | 3", "ok | ok"),
	S("report_event-read_event-full", "L17", set_up_queued_event, NULL, (&report_event),
	  (&read_event, &read_event), (NULL), "ok | 3 2", "ok | 3 3", "ok | 3 ok"),
	S("report_event-report_event", "L17", set_up_events, NULL, (&report_event), (&report_event),
	  (&read_event), "ok | ok | 3", "ok | ok | ok"),
	S("report_event-destroy_veventq", "L17", set_up_events, NULL, (&report_event),
	  (&close_veventq, &destroy_veventq), (NULL), "OPNOTSUPP | ok ok", "ok | ok ok"),
	S("close_veventq-destroy_veventq", "L17", set_up_events, NULL, (&close_veventq),
	  (&destroy_veventq), (&destroy_viommu), "ok | BUSY | BUSY", "ok | ok | BUSY",
	  "ok | ok | ok"),
};
SCENARIOS(scenarios_io, list);
