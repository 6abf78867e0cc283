// SPDX-License-Identifier: MIT
/* The calls that threads of scenarios make. */
#include "ops.h"

#include "iommu/fault.h"
#include "iommu/viommu.h"
#include "iommufd/private.h"
#include "vfio/private.h"

#include <stdio.h>

int ioctl_of(struct world *w, unsigned long request, void *arg)
{
	return swiommu_ioctl(w->machine, w->ctx, request, arg);
}

int destroy_id(struct world *w, uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};
	int rc;

	world_lost_id(w, id);
	rc = ioctl_of(w, IOMMU_DESTROY, &cmd);
	return rc;
}

/* ---- devices ---- */

static int open_device(struct world *w, unsigned n)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", n);
	return swiommu_open(w->machine, path);
}

static int bind_file(struct world *w, int file, uint32_t *devid)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = w->ctx};
	int rc = swiommu_ioctl(w->machine, file, VFIO_DEVICE_BIND_IOMMUFD, &cmd);

	if (!rc)
		*devid = cmd.out_devid;
	return rc;
}

/* With bus mastering, so that it can make requests. */
void bind_device(struct world *w, unsigned n)
{
	uint16_t command = 6;

	w->file[n] = open_device(w, n);
	must(w->file[n]);
	must(bind_file(w, w->file[n], &w->devid[n]));
	must(swiommu_pwrite(w->machine, w->file[n], &command, 2, ((off_t)7 << 40) + 4));
}

/* Whoever comes first. */
int close_number(struct world *w, int fd)
{
	int rc = swiommu_close(w->machine, fd);

	if (!rc)
		w->closed[fd] = true;
	return rc;
}

OP(close_device)
{
	return close_number(w, w->file[0]);
}

OP(close_other_device)
{
	return close_number(w, w->file[1]);
}

/* Through another open file of the same device, set up as `again`. */
OP(bind_again)
{
	return bind_file(w, w->again, &w->made[t]);
}

OP(close_context)
{
	return close_number(w, w->ctx);
}

int attach_device(struct world *w, unsigned n, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {.argsz = sizeof(cmd), .pt_id = pt};

	return swiommu_ioctl(w->machine, w->file[n], VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

int detach_device(struct world *w, unsigned n)
{
	struct vfio_device_detach_iommufd_pt cmd = {.argsz = sizeof(cmd)};

	return swiommu_ioctl(w->machine, w->file[n], VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

OP(attach)
{
	return attach_device(w, 0, w->ioas);
}

OP(attach_other)
{
	return attach_device(w, 1, w->ioas);
}

OP(attach_nested)
{
	return attach_device(w, 0, w->nested);
}

OP(replace)
{
	return attach_device(w, 0, w->hwpt);
}

OP(detach)
{
	return detach_device(w, 0);
}

OP(detach_other)
{
	return detach_device(w, 1);
}

/* ---- objects ---- */

uint32_t new_ioas(struct world *w)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	must(ioctl_of(w, IOMMU_IOAS_ALLOC, &cmd));
	return cmd.out_ioas_id;
}

static int alloc_hwpt_of(struct world *w, uint32_t devid, uint32_t pt, uint32_t flags, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd),
				       .flags = flags,
				       .dev_id = devid,
				       .pt_id = pt};
	int rc = ioctl_of(w, IOMMU_HWPT_ALLOC, &cmd);

	*id = rc ? 0 : cmd.out_hwpt_id;
	return rc;
}

uint32_t new_hwpt(struct world *w, unsigned n, uint32_t pt, uint32_t flags)
{
	uint32_t id;

	must(alloc_hwpt_of(w, w->devid[n], pt, flags, &id));
	return id;
}

uint32_t new_nested(struct world *w, unsigned n, uint32_t pt)
{
	const struct iommu_hwpt_selftest data = {.iotlb = IOMMU_TEST_IOTLB_DEFAULT};
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = w->devid[n],
		.pt_id = pt,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = ADDR(&data),
	};

	must(ioctl_of(w, IOMMU_HWPT_ALLOC, &cmd));
	return cmd.out_hwpt_id;
}

int alloc_viommu_of(struct world *w, uint32_t devid, uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = devid,
		.hwpt_id = w->parent,
	};
	int rc = ioctl_of(w, IOMMU_VIOMMU_ALLOC, &cmd);

	*id = rc ? 0 : cmd.out_viommu_id;
	return rc;
}

int alloc_vdevice_of(struct world *w, unsigned n, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = w->viommu,
		.dev_id = w->devid[n],
		.virt_id = virt_id,
	};
	int rc = ioctl_of(w, IOMMU_VDEVICE_ALLOC, &cmd);

	*id = rc ? 0 : cmd.out_vdevice_id;
	return rc;
}

uint32_t new_vdevice(struct world *w, unsigned n, uint64_t virt_id)
{
	uint32_t id;

	must(alloc_vdevice_of(w, n, virt_id, &id));
	world_got_id(w, id);
	return id;
}

void map_page(struct world *w, uint32_t ioas)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = ADDR(w->page),
		.length = PAGE,
		.iova = IOVA,
	};

	must(ioctl_of(w, IOMMU_IOAS_MAP, &cmd));
}

OP(destroy_vdevice)
{
	return destroy_id(w, w->vdevice);
}

OP(destroy_made)
{
	return destroy_id(w, w->made[t]);
}

/* The id that the next object will get. */
OP(destroy_next)
{
	return destroy_id(w, w->next);
}

OP(destroy_viommu)
{
	return destroy_id(w, w->viommu);
}

int note_made(struct world *w, unsigned t, int rc)
{
	if (!rc)
		world_got_id(w, w->made[t]);
	return rc;
}

OP(alloc_vdevice)
{
	return note_made(w, t, alloc_vdevice_of(w, 0, VIRT_ID, &w->made[t]));
}

/* The same device as another one to the guest. */
OP(alloc_vdevice_again)
{
	return note_made(w, t, alloc_vdevice_of(w, 0, VIRT_ID + 1, &w->made[t]));
}

/* Another device as the same one. */
OP(alloc_vdevice_of_other)
{
	return note_made(w, t, alloc_vdevice_of(w, 1, VIRT_ID, &w->made[t]));
}

OP(alloc_hwpt)
{
	return note_made(w, t, alloc_hwpt_of(w, w->devid[0], w->ioas, 0, &w->made[t]));
}

OP(alloc_viommu)
{
	return note_made(w, t, alloc_viommu_of(w, w->devid[0], &w->made[t]));
}

OP(invalidate_vdevice)
{
	struct iommu_hwpt_invalidate cmd = {.size = sizeof(cmd), .hwpt_id = w->vdevice};

	return ioctl_of(w, IOMMU_HWPT_INVALIDATE, &cmd);
}

OP(invalidate_hwpt)
{
	struct iommu_hwpt_invalidate cmd = {.size = sizeof(cmd), .hwpt_id = w->hwpt};

	return ioctl_of(w, IOMMU_HWPT_INVALIDATE, &cmd);
}

int hw_info_of(struct world *w, uint32_t devid)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd), .dev_id = devid};

	return ioctl_of(w, IOMMU_GET_HW_INFO, &cmd);
}

OP(hw_info)
{
	return hw_info_of(w, w->devid[0]);
}

OP(destroy_hwpt)
{
	return destroy_id(w, w->hwpt);
}

OP(destroy_ioas)
{
	return destroy_id(w, w->ioas);
}

OP(destroy_nested)
{
	return destroy_id(w, w->nested);
}

OP(destroy_parent)
{
	return destroy_id(w, w->parent);
}

OP(alloc_ioas)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};
	int rc = ioctl_of(w, IOMMU_IOAS_ALLOC, &cmd);

	w->made[t] = rc ? 0 : cmd.out_ioas_id;
	return note_made(w, t, rc);
}

/* ---- page requests ---- */

OP(report_fault)
{
	const struct iommu_page_request request = {
		.flags = IOMMU_PGFAULT_FLAGS_LAST_PAGE,
		.grpid = t + 1,
		.perm = IOMMU_PGFAULT_PERM_READ,
	};

	iommu_report_page_request(w->device[0]->stream, &request);
	return 0;
}

/* How many messages. */
OP(read_fault)
{
	struct iommu_hwpt_pgfault got[4];
	ssize_t size = swiommu_read(w->machine, w->fault_fd, got, sizeof(got));

	w->made[t] = size > 0 ? got[0].cookie : 0;
	return (int)(size < 0 ? size : size / (ssize_t)sizeof(got[0]));
}

/* The one that the same thread has read. */
OP(answer_fault)
{
	const struct iommu_hwpt_page_response response = {.cookie = w->made[t]};
	ssize_t size = swiommu_write(w->machine, w->fault_fd, &response, sizeof(response));

	return (int)(size < 0 ? size : size / (ssize_t)sizeof(response));
}

OP(close_fault)
{
	return close_number(w, w->fault_fd);
}

OP(destroy_fault)
{
	return destroy_id(w, w->fault);
}

/* ---- events ---- */

OP(report_event)
{
	uint32_t value = 5;

	return iommu_viommu_report(w->own, IOMMU_VEVENTQ_TYPE_SELFTEST, &value, sizeof(value));
}

/* How many words: an event has three, the notice of a loss two. */
OP(read_event)
{
	uint32_t got[3];
	ssize_t size = swiommu_read(w->machine, w->veventq_fd, got, sizeof(got));

	return (int)(size < 0 ? size : size / 4);
}

OP(close_veventq)
{
	return close_number(w, w->veventq_fd);
}

OP(destroy_veventq)
{
	return destroy_id(w, w->veventq);
}

/* ---- set-up ---- */

void set_up_viommu(struct world *w)
{
	bind_device(w, 0);
	bind_device(w, 1);
	w->ioas = new_ioas(w);
	w->parent = new_hwpt(w, 1, w->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	must(alloc_viommu_of(w, w->devid[1], &w->viommu));
}

void set_up_vdevice(struct world *w)
{
	set_up_viommu(w);
	w->vdevice = new_vdevice(w, 0, VIRT_ID);
}

void set_up_everything(struct world *w)
{
	set_up_viommu(w);
	w->hwpt = new_hwpt(w, 0, w->ioas, 0);
	*w->page = 7;
	map_page(w, w->ioas);
	w->again = open_device(w, 0);
}

void set_up_everything_and_vdevice(struct world *w)
{
	set_up_everything(w);
	w->vdevice = new_vdevice(w, 0, VIRT_ID);
}

void set_up_attached(struct world *w)
{
	set_up_everything_and_vdevice(w);
	must(attach_device(w, 0, w->ioas));
}

void set_up_attached_without_vdevice(struct world *w)
{
	set_up_everything(w);
	must(attach_device(w, 0, w->ioas));
}

static void count_answer(struct iommu_device *device, const struct iommu_page_request *last,
			 iommu_page_response code)
{
	(void)device, (void)last, (void)code;
	world_answered();
}

void set_up_faults(struct world *w)
{
	struct iommu_fault_alloc fault = {.size = sizeof(fault)};
	struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd), .flags = IOMMU_HWPT_FAULT_ID_VALID};

	set_up_everything(w);
	must(ioctl_of(w, IOMMU_FAULT_QUEUE_ALLOC, &fault));
	w->fault = fault.out_fault_id;
	w->fault_fd = (int)fault.out_fault_fd;
	cmd.dev_id = w->devid[0];
	cmd.pt_id = w->ioas;
	cmd.fault_id = w->fault;
	must(ioctl_of(w, IOMMU_HWPT_ALLOC, &cmd));
	w->nested = cmd.out_hwpt_id;
	must(attach_device(w, 0, w->nested));
	w->device[0]->stream->page_answer = count_answer;
}

/* The vIOMMU that a driver would report for is held by nobody, but stays. */
void set_up_events(struct world *w)
{
	struct iommu_veventq_alloc cmd = {.size = sizeof(cmd),
					  .type = IOMMU_VEVENTQ_TYPE_SELFTEST,
					  .veventq_depth = 1};
	struct iommufd_ctx *ctx;
	struct iommufd_object *obj;

	set_up_viommu(w);
	cmd.viommu_id = w->viommu;
	must(ioctl_of(w, IOMMU_VEVENTQ_ALLOC, &cmd));
	w->veventq = cmd.out_veventq_id;
	w->veventq_fd = (int)cmd.out_veventq_fd;
	ctx = w->device[1]->bound->idev->ctx;
	obj = iommufd_object_lookup(ctx, w->viommu, IOMMUFD_OBJ_VIOMMU);
	w->own = base_container_of(obj, struct iommufd_viommu, obj)->viommu;
	iommufd_object_put(&ctx->objects, obj);
}

uint32_t next_id(struct world *w)
{
	uint32_t id = new_ioas(w);

	must(destroy_id(w, id));
	return id;
}

/* ---- facts ---- */

/* Makes objects until the ids below 20 are used up. */
static bool is_handed_out(struct world *w, uint32_t id)
{
	uint32_t made[IDS_MAX];
	unsigned count = 0;
	bool found = false;

	do {
		made[count] = new_ioas(w);
		found |= made[count] == id;
	} while (made[count++] < 20 && count < IDS_MAX);
	while (count)
		must(destroy_id(w, made[--count]));
	return found;
}

/* A lookup of any type is an error of its own if the object is there. */
static bool is_there(struct world *w, uint32_t id)
{
	struct iommu_hwpt_invalidate cmd = {.size = sizeof(cmd), .hwpt_id = id};

	return ioctl_of(w, IOMMU_HWPT_INVALIDATE, &cmd) != -ENOENT;
}

const char *id_state(struct world *w, uint32_t id)
{
	if (!id)
		return "none";
	if (w->closed[w->ctx])
		return "out of reach";
	if (is_there(w, id))
		return "live";
	return is_handed_out(w, id) ? "free" : "retired";
}

void vdevice_state(struct world *w)
{
	fact(w, "vdevice %s", id_state(w, w->vdevice));
}

void hwpt_state(struct world *w)
{
	fact(w, "hwpt %s", id_state(w, w->hwpt));
}

void made_state(struct world *w)
{
	for (unsigned t = 0; t < THREADS - 1; t++)
		if (w->made[t])
			fact(w, "%c's %s", 'a' + t, id_state(w, w->made[t]));
}

void device_state(struct world *w)
{
	uint8_t byte;

	if (w->vdevice)
		vdevice_state(w);
	made_state(w);
	fact(w, "device %s",
	     swiommu_dma_read(w->device[0], 0, IOVA, &byte, 1, NULL) ? "blocked" : "attached");
}

void page_state(struct world *w)
{
	fact(w, "page %u", *w->page);
}
