/* SPDX-License-Identifier: MIT */
/* The calls that threads of scenarios make. Device 0 is the one that they fight for. */
#ifndef EXPLORE_OPS_H
#define EXPLORE_OPS_H

#include "world.h"

/* ---- set-up, in thread 0; these have to work ---- */

void bind_device(struct world *w, unsigned n);
uint32_t new_ioas(struct world *w);
uint32_t new_hwpt(struct world *w, unsigned n, uint32_t pt, uint32_t flags);
uint32_t new_nested(struct world *w, unsigned n, uint32_t pt);
uint32_t new_vdevice(struct world *w, unsigned n, uint64_t virt_id);
void map_page(struct world *w, uint32_t ioas);

/* Devices 0 and 1 bound, an IOAS, a parent of device 1, a vIOMMU of device 1 on it. */
void set_up_viommu(struct world *w);
/* And a vdevice of device 0. */
void set_up_vdevice(struct world *w);

/* And an HWPT of device 0, a mapped page, and another open file of device 0, without the vdevice.
 */
void set_up_everything(struct world *w);
void set_up_everything_and_vdevice(struct world *w);

/* And device 0 attached to the IOAS. */
void set_up_attached(struct world *w);
void set_up_attached_without_vdevice(struct world *w);

/* Device 0 attached to an HWPT (`nested`) whose page requests go to a fault queue. */
void set_up_faults(struct world *w);

/* An event queue of the vIOMMU, for one event; `own` is the vIOMMU's hardware. */
void set_up_events(struct world *w);

/* Whoever comes first. */
int close_number(struct world *w, int fd);

/* Thread t has made something, if rc is 0. */
int note_made(struct world *w, unsigned t, int rc);

/* An access (`access_fd`) to the IOAS; a hardware queue of the vIOMMU, in the mapped page. */
void new_access(struct world *w, bool pins);

/* A device of the test ABI, as device 0. */
void new_test_device(struct world *w);
uint32_t new_queue(struct world *w);

/* The id that the next object will get. */
uint32_t next_id(struct world *w);

int ioctl_of(struct world *w, unsigned long request, void *arg);
int destroy_id(struct world *w, uint32_t id);
int alloc_vdevice_of(struct world *w, unsigned n, uint64_t virt_id, uint32_t *id);
int alloc_viommu_of(struct world *w, uint32_t devid, uint32_t *id);
int hw_info_of(struct world *w, uint32_t devid);
int attach_device(struct world *w, unsigned n, uint32_t pt);
int detach_device(struct world *w, unsigned n);

/* Device 0 bound, a vIOMMU that has memory of its own to be mapped. */
void set_up_region(struct world *w);

/* ---- facts ---- */

/* "retired": no object will ever have that id; "free": the next one that is made can; else "live".
 */
const char *id_state(struct world *w, uint32_t id);

/* Of the vdevice of the set-up; of what each thread has made; and of device 0. */
void vdevice_state(struct world *w);
void hwpt_state(struct world *w);
void made_state(struct world *w);
void device_state(struct world *w);
void page_state(struct world *w);
void pin_state(struct world *w);
void iova_state(struct world *w);

/* ---- calls ---- */

extern const struct op close_device, close_other_device, bind_again;
extern const struct op destroy_vdevice, destroy_made, destroy_next, destroy_viommu;
extern const struct op alloc_vdevice, alloc_vdevice_again, alloc_vdevice_of_other;
extern const struct op invalidate_vdevice, hw_info, alloc_hwpt, alloc_viommu;
extern const struct op attach, attach_other, attach_nested, detach, detach_other, replace,
	close_context;
extern const struct op destroy_hwpt, destroy_ioas, destroy_nested, destroy_parent, alloc_ioas;
extern const struct op map, map_anywhere, read_dirty, unmap, scribble, invalidate_hwpt, dma_read,
	dma_write;
extern const struct op pin, unpin, access_read, access_write, move_access, close_access;
extern const struct op copy, unmap_copy, destroy_other_ioas, change_process;
extern const struct op compat_set, compat_get, compat_clear, destroy_device;
extern const struct op map_region, unmap_region;
extern const struct op alloc_queue, alloc_next_queue, destroy_queue;
extern const struct op report_fault, read_fault, answer_fault, close_fault, destroy_fault;
extern const struct op report_event, read_event, close_veventq, destroy_veventq;

/* Of a thread; macros of scenarios get the calls in parentheses. */
#define CALLS(...)          \
	{                   \
		__VA_ARGS__ \
	}

#endif
