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

#define T(...)              \
	{                   \
		__VA_ARGS__ \
	}
#define S(name_, rows_, set_up_, check_, a, b, c, ...)                                 \
	{                                                                              \
		.name = name_, .rows = rows_, .set_up = set_up_, .threads = {a, b, c}, \
		.check = check_, .outcomes = {                                         \
			__VA_ARGS__                                                    \
		}                                                                      \
	}
#define GROUP(name_, rows_, set_up_, check_, a, b, c, ...)                             \
	{                                                                              \
		.name = name_, .rows = rows_, .set_up = set_up_, .threads = {a, b, c}, \
		.check = check_, .one_group = true, .outcomes = {                      \
			__VA_ARGS__                                                    \
		}                                                                      \
	}

static const struct scenario list[] = {
	/* DMA: none reaches a page after the call that takes it away has returned. */
	S("unmap-dma_read", "L11", set_up_bare_attached, NULL, T(&unmap), T(&dma_read), T(NULL),
	  "ok | 7", "ok | FAULT"),
	S("unmap-dma_read-twice", "L11", set_up_bare_attached, NULL, T(&unmap),
	  T(&dma_read, &dma_read), T(NULL), "ok | 7 7", "ok | 7 FAULT", "ok | FAULT FAULT"),
	S("unmap-dma_write", "L11", set_up_bare_attached, page_state, T(&unmap), T(&dma_write),
	  T(NULL), "ok | FAULT : page 99", "ok | ok : page 99"),
	S("unmap-two-dma", "L11", set_up_bare_attached, page_state, T(&unmap), T(&dma_write),
	  T(&dma_read), "ok | FAULT | 7 : page 99", "ok | FAULT | FAULT : page 99",
	  "ok | ok | 7 : page 99", "ok | ok | 8 : page 99", "ok | ok | FAULT : page 99"),
	S("unmap-map-dma_read", "L11", set_up_bare_attached, NULL, T(&unmap, &map), T(&dma_read),
	  T(NULL), "ok ok | 7", "ok ok | 99", "ok ok | FAULT"),
	S("detach-dma_read", "L11", set_up_bare_attached, NULL, T(&detach, &scribble), T(&dma_read),
	  T(NULL), "ok ok | 7", "ok ok | FAULT"),
	S("detach-dma_write", "L11", set_up_bare_attached, page_state, T(&detach, &scribble),
	  T(&dma_write), T(NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("detach-dma_write-kept", "L11", set_up_manual_attached, page_state, T(&detach, &scribble),
	  T(&dma_write), T(NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("close-dma_write", "L11", set_up_bare_attached, page_state, T(&close_device, &scribble),
	  T(&dma_write), T(NULL), "ok ok | FAULT : page 99", "ok ok | ok : page 99"),
	S("replace-dma_read", "L11", set_up_attached, NULL, T(&replace), T(&dma_read), T(NULL),
	  "ok | 7"),
	S("replace-unmap-dma_read", "L11", set_up_attached, NULL, T(&replace), T(&dma_read),
	  T(&unmap), "ok | 7 | ok", "ok | FAULT | ok"),
	S("unmap-unmap", "L11, L14", set_up_bare_attached, NULL, T(&unmap), T(&unmap), T(NULL),
	  "BUSY | ok", "NOENT | ok", "ok | BUSY", "ok | NOENT"),
	S("unmap-map", "L11, L14", set_up_bare_attached, devices, T(&unmap), T(&map), T(NULL),
	  "ok | EXIST : blocked, blocked", "ok | ok : attached, blocked"),
	S("unmap-attach", "L11, L14", set_up_bare, devices, T(&unmap), T(&attach), T(NULL),
	  "ok | ok : blocked, blocked"),
	S("unmap-detach", "L11, L14", set_up_bare_attached, devices, T(&unmap), T(&detach), T(NULL),
	  "ok | ok : blocked, blocked"),
	S("unmap-alloc_hwpt", "L11, L14", set_up_bare, NULL, T(&unmap), T(&alloc_hwpt), T(NULL),
	  "ok | ok"),
	S("unmap-destroy_hwpt", "L11, L14", set_up_manual, NULL, T(&unmap), T(&destroy_hwpt),
	  T(NULL), "ok | ok"),
	S("map-attach", "L11, L14", set_up_bare, devices, T(&unmap, &map), T(&attach), T(NULL),
	  "ok ok | ok : attached, blocked"),
	S("unmap-destroy_ioas", "L11, L14", set_up_bare, NULL, T(&unmap), T(&destroy_ioas), T(NULL),
	  "NOENT | ok", "ok | BUSY", "ok | ok"),

	/* Automatic HWPTs. */
	S("destroy_ioas-attach", "L14, L15", set_up_bare, NULL, T(&destroy_ioas), T(&attach),
	  T(NULL), "BUSY | ok", "ok | NOENT"),
	S("destroy_ioas-attach-both", "L14, L15", set_up_bare, NULL, T(&destroy_ioas), T(&attach),
	  T(&attach_other), "BUSY | ok | ok", "ok | NOENT | NOENT"),
	S("attach-attach_other", "L14, L15", set_up_bare, devices, T(&attach), T(&attach_other),
	  T(NULL), "ok | ok : attached, attached"),
	S("detach-attach_other", "L14, L15", set_up_bare_attached, devices, T(&detach),
	  T(&attach_other), T(NULL), "ok | ok : blocked, attached"),
	S("detach-detach_other", "L14, L15", set_up_both_attached, made_state, T(&detach),
	  T(&detach_other, &destroy_ioas), T(NULL), "ok | ok BUSY", "ok | ok ok"),
	S("detach-destroy_ioas", "L14, L15", set_up_bare_attached, NULL, T(&detach),
	  T(&destroy_ioas), T(NULL), "ok | BUSY", "ok | ok"),
	S("detach-destroy_automatic", "L14, L15", set_up_bare_attached, NULL, T(&detach),
	  T(&destroy_hwpt), T(NULL), "ok | BUSY", "ok | NOENT"),
	S("detach-invalidate_automatic", "L14, L15", set_up_bare_attached, hwpt_state, T(&detach),
	  T(&invalidate_hwpt), T(NULL), "ok | INVAL : hwpt free", "ok | INVAL : hwpt live",
	  "ok | NOENT : hwpt free"),
	S("detach-attach_other-destroy_ioas", "L14, L15", set_up_bare_attached, devices, T(&detach),
	  T(&attach_other), T(&destroy_ioas), "ok | NOENT | ok : blocked, blocked",
	  "ok | ok | BUSY : blocked, attached"),
	S("attach-destroy_hwpt", "L14, L15", set_up_manual, NULL, T(&replace), T(&destroy_hwpt),
	  T(NULL), "NOENT | ok", "ok | BUSY"),
	S("alloc_hwpt-destroy_ioas", "L14, L15", set_up_bare, NULL, T(&alloc_hwpt),
	  T(&destroy_ioas), T(NULL), "INVAL | ok", "ok | BUSY"),
	S("attach-alloc_hwpt-destroy_ioas", "L14, L15", set_up_bare, NULL, T(&attach),
	  T(&alloc_hwpt), T(&destroy_ioas), "NOENT | INVAL | ok", "ok | ok | BUSY"),

	/* Devices of one group. */
	GROUP("group-attach-attach", "L14, L15", set_up_bare, devices, T(&attach), T(&attach_other),
	      T(NULL), "ok | ok : attached, attached"),
	GROUP("group-attach-detach", "L14, L15", set_up_bare_attached, devices, T(&detach),
	      T(&attach_other), T(NULL), "ok | ok : attached, attached"),
	GROUP("group-attach-replace", "L14, L15", set_up_attached_without_vdevice, devices,
	      T(&replace), T(&attach_other), T(NULL), "ok | INVAL : attached, attached",
	      "ok | ok : attached, attached"),
	GROUP("group-detach-detach", "L14, L15", set_up_both_attached, devices, T(&detach),
	      T(&detach_other), T(NULL), "ok | ok : blocked, blocked"),
	GROUP("group-close-attach", "L15, L18", set_up_bare_attached, devices, T(&close_device),
	      T(&attach_other), T(NULL), "ok | ok : blocked, attached"),
	GROUP("group-close-close", "L15, L18", set_up_both_attached, NULL, T(&close_device),
	      T(&close_other_device), T(NULL), "ok | ok"),
	GROUP("group-alloc-alloc-close", "13", set_up_viommu, made_state, T(&alloc_vdevice),
	      T(&alloc_vdevice_of_other), T(&close_device), "EXIST | ok | ok : b's live",
	      "NOENT | ok | ok : b's live", "ok | EXIST | ok : a's retired",
	      "ok | ok | ok : a's retired, b's live"),

	/* Page requests: each is answered once, at the latest when its attachment ends. */
	S("report_fault-read_fault", "L16", set_up_faults, NULL, T(&report_fault),
	  T(&read_fault, &answer_fault), T(NULL), "ok | 1 1", "ok | ok INVAL"),
	S("read_fault-detach", "L16", set_up_queued_fault, answers, T(&detach),
	  T(&read_fault, &answer_fault), T(NULL), "ok | 1 1 : 1 answered",
	  "ok | 1 INVAL : 1 answered", "ok | ok INVAL : 1 answered"),
	S("read_fault-read_fault", "L16", set_up_queued_fault, NULL, T(&read_fault, &answer_fault),
	  T(&read_fault, &answer_fault), T(NULL), "1 1 | ok INVAL", "ok INVAL | 1 1"),
	S("read_fault-replace", "L16", set_up_queued_fault, answers, T(&replace),
	  T(&read_fault, &answer_fault), T(NULL), "ok | 1 1 : 1 answered",
	  "ok | 1 INVAL : 1 answered", "ok | ok INVAL : 1 answered"),
	S("report_fault-detach", "L16", set_up_faults, answers, T(&detach), T(&report_fault),
	  T(NULL), "ok | ok : 1 answered"),
	S("report_fault-close", "L16", set_up_faults, answers, T(&close_device), T(&report_fault),
	  T(NULL), "ok | ok : 1 answered"),
	S("report_fault-read_fault-detach", "L16", set_up_faults, answers, T(&detach),
	  T(&report_fault), T(&read_fault, &answer_fault), "ok | ok | 1 1 : 1 answered",
	  "ok | ok | 1 INVAL : 1 answered", "ok | ok | ok INVAL : 1 answered"),
	S("report_fault-close_fault", "L16", set_up_faults, NULL, T(&close_fault), T(&report_fault),
	  T(NULL), "ok | ok"),
	S("close_fault-read_fault", "L16", set_up_queued_fault, NULL, T(&close_fault),
	  T(&read_fault), T(NULL), "ok | 1", "ok | BADF"),
	S("close_fault-destroy_fault", "L16", set_up_unused_fault_queue, NULL, T(&close_fault),
	  T(&destroy_fault), T(NULL), "ok | BUSY", "ok | ok"),

	/* Events. */
	S("report_event-read_event", "L17", set_up_events, NULL, T(&report_event), T(&read_event),
	  T(NULL), "ok | 3", "ok | ok"),
	S("report_event-read_event-full", "L17", set_up_queued_event, NULL, T(&report_event),
	  T(&read_event, &read_event), T(NULL), "ok | 3 2", "ok | 3 3", "ok | 3 ok"),
	S("report_event-report_event", "L17", set_up_events, NULL, T(&report_event),
	  T(&report_event), T(&read_event), "ok | ok | 3", "ok | ok | ok"),
	S("report_event-destroy_veventq", "L17", set_up_events, NULL, T(&report_event),
	  T(&close_veventq, &destroy_veventq), T(NULL), "OPNOTSUPP | ok ok", "ok | ok ok"),
	S("close_veventq-destroy_veventq", "L17", set_up_events, NULL, T(&close_veventq),
	  T(&destroy_veventq), T(&destroy_viommu), "ok | BUSY | BUSY", "ok | ok | BUSY",
	  "ok | ok | ok"),
};
SCENARIOS(scenarios_io, list);
