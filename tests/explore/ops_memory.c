// SPDX-License-Identifier: MIT
/* Calls of scenarios about memory: DMA, accesses, copies, hardware queues. */
#include "ops.h"

#include <sys/mman.h>

#define RW (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

/* ---- DMA ---- */

/* The client uses its page for something else. */
static void use_page(struct world *w)
{
	engine_touch(w->page, true, 0);
	*w->page = 99;
}

/* When it has returned, the page is the client's own again. */
OP(unmap)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd),
				       .ioas_id = w->ioas,
				       .iova = IOVA,
				       .length = PAGE};
	int rc = ioctl_of(w, IOMMU_IOAS_UNMAP, &cmd);

	if (!rc)
		use_page(w);
	return rc;
}

/* After a call that has taken the page from the device. */
OP(scribble)
{
	use_page(w);
	return 0;
}

/* What device 0 finds in the page, which has a 7 at first. */
OP(dma_read)
{
	uint8_t byte;
	int rc = swiommu_dma_read(w->device[0], 0, IOVA, &byte, 1, NULL);

	return rc ? rc : byte;
}

OP(dma_write)
{
	uint8_t byte = 8;

	return swiommu_dma_write(w->device[0], 0, IOVA, &byte, 1, NULL);
}

OP(map)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | RW,
		.ioas_id = w->ioas,
		.user_va = ADDR(w->page),
		.length = PAGE,
		.iova = IOVA,
	};

	return ioctl_of(w, IOMMU_IOAS_MAP, &cmd);
}

OP(map_anywhere)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = RW,
		.ioas_id = w->ioas,
		.user_va = ADDR(w->page),
		.length = PAGE,
	};
	int rc = ioctl_of(w, IOMMU_IOAS_MAP, &cmd);

	w->iova[t] = cmd.iova;
	return rc;
}

/* Of the first two threads. */
void iova_state(struct world *w)
{
	fact(w, "%s", w->iova[0] == w->iova[1] ? "at one place" : "apart");
}

/* 1: the page is dirty; no more after that. */
OP(read_dirty)
{
	uint8_t bits = 0;
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = w->hwpt,
		.iova = IOVA,
		.length = PAGE,
		.page_size = PAGE,
		.data = ADDR(&bits),
	};
	int rc = ioctl_of(w, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);

	return rc ? rc : bits;
}

/* ---- the compatibility IOAS ---- */

static int compat(struct world *w, uint16_t op)
{
	struct iommu_vfio_ioas cmd = {.size = sizeof(cmd), .op = op, .ioas_id = w->ioas};

	return ioctl_of(w, IOMMU_VFIO_IOAS, &cmd);
}

OP(compat_set)
{
	return compat(w, IOMMU_VFIO_IOAS_SET);
}

OP(compat_get)
{
	return compat(w, IOMMU_VFIO_IOAS_GET);
}

OP(compat_clear)
{
	return compat(w, IOMMU_VFIO_IOAS_CLEAR);
}

/* ---- accesses ---- */

static int test_op(struct world *w, uint32_t op, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	return ioctl_of(w, IOMMU_TEST_CMD, cmd);
}

/* In place of device 0. */
void new_test_device(struct world *w)
{
	struct iommu_test_cmd cmd = {.id = w->ioas};

	must(test_op(w, IOMMU_TEST_OP_MOCK_DOMAIN, &cmd));
	w->test_device = cmd.mock_domain.out_stdev_id;
	w->devid[0] = cmd.mock_domain.out_idev_id;
}

/* Unbinds it. */
OP(destroy_device)
{
	return destroy_id(w, w->test_device);
}

void new_access(struct world *w, bool pins)
{
	struct iommu_test_cmd cmd = {.id = w->ioas, .create_access.flags = pins};

	must(test_op(w, IOMMU_TEST_OP_CREATE_ACCESS, &cmd));
	w->access_fd = (int)cmd.create_access.out_access_fd;
}

OP(pin)
{
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)w->access_fd,
		.access_pages = {.iova = IOVA, .length = PAGE},
	};
	int rc = test_op(w, IOMMU_TEST_OP_ACCESS_PAGES, &cmd);

	w->pin[t] = rc ? ~0u : cmd.access_pages.out_access_pages_id;
	return rc;
}

/* What the same thread has pinned; an UNMAP may have been faster. */
OP(unpin)
{
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)w->access_fd,
		.destroy_access_pages.access_pages_id = w->pin[t],
	};

	return test_op(w, IOMMU_TEST_OP_DESTROY_ACCESS_PAGES, &cmd);
}

OP(access_read)
{
	uint8_t byte = 0;
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)w->access_fd,
		.access_rw = {.iova = IOVA, .length = 1, .uptr = ADDR(&byte)},
	};
	int rc = test_op(w, IOMMU_TEST_OP_ACCESS_RW, &cmd);

	return rc ? rc : byte;
}

OP(access_write)
{
	uint8_t byte = 8;
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)w->access_fd,
		.access_rw = {.flags = MOCK_ACCESS_RW_WRITE,
			      .iova = IOVA,
			      .length = 1,
			      .uptr = ADDR(&byte)},
	};

	return test_op(w, IOMMU_TEST_OP_ACCESS_RW, &cmd);
}

OP(move_access)
{
	struct iommu_test_cmd cmd = {
		.id = (uint32_t)w->access_fd,
		.access_replace_ioas.ioas_id = w->other_ioas,
	};

	return test_op(w, IOMMU_TEST_OP_ACCESS_REPLACE_IOAS, &cmd);
}

OP(close_access)
{
	return close_number(w, w->access_fd);
}

void pin_state(struct world *w)
{
	struct iommu_test_cmd cmd = {.check_refs = {.length = PAGE, .uptr = ADDR(w->page)}};

	fact(w, "%s", test_op(w, IOMMU_TEST_OP_MD_CHECK_REFS, &cmd) ? "pinned" : "not pinned");
}

/* ---- copies ---- */

OP(copy)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | RW,
		.dst_ioas_id = w->other_ioas,
		.src_ioas_id = w->ioas,
		.length = PAGE,
		.dst_iova = IOVA,
		.src_iova = IOVA,
	};

	return ioctl_of(w, IOMMU_IOAS_COPY, &cmd);
}

OP(unmap_copy)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd),
				       .ioas_id = w->other_ioas,
				       .iova = IOVA,
				       .length = PAGE};

	return ioctl_of(w, IOMMU_IOAS_UNMAP, &cmd);
}

OP(destroy_other_ioas)
{
	return destroy_id(w, w->other_ioas);
}

OP(change_process)
{
	struct iommu_ioas_change_process cmd = {.size = sizeof(cmd)};

	return ioctl_of(w, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

/* ---- hardware queues ---- */

static int alloc_queue_of(struct world *w, uint32_t index, uint32_t *id)
{
	struct iommu_hw_queue_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = w->viommu,
		.type = IOMMU_HW_QUEUE_TYPE_SELFTEST,
		.index = index,
		.nesting_parent_iova = IOVA,
		.length = PAGE,
	};
	int rc = ioctl_of(w, IOMMU_HW_QUEUE_ALLOC, &cmd);

	*id = rc ? 0 : cmd.out_hw_queue_id;
	return rc;
}

uint32_t new_queue(struct world *w)
{
	uint32_t id;

	must(alloc_queue_of(w, 0, &id));
	return id;
}

OP(alloc_queue)
{
	return note_made(w, t, alloc_queue_of(w, 0, &w->made[t]));
}

/* Stands on the first one. */
OP(alloc_next_queue)
{
	return note_made(w, t, alloc_queue_of(w, 1, &w->made[t]));
}

OP(destroy_queue)
{
	return destroy_id(w, w->queue);
}

/* ---- memory of a vIOMMU's driver ---- */

void set_up_region(struct world *w)
{
	struct iommu_viommu_selftest data = {0};
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = ADDR(&data),
	};

	bind_device(w, 0);
	w->ioas = new_ioas(w);
	w->parent = new_hwpt(w, 0, w->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	cmd.dev_id = w->devid[0];
	cmd.hwpt_id = w->parent;
	must(ioctl_of(w, IOMMU_VIOMMU_ALLOC, &cmd));
	w->viommu = cmd.out_viommu_id;
	w->region = (off_t)data.out_mmap_offset;
}

OP(map_region)
{
	return swiommu_mmap(w->machine, w->ctx, &w->mapped, 2 * PAGE, PROT_READ, MAP_SHARED,
			    w->region);
}

OP(unmap_region)
{
	void *mapped = w->mapped;

	w->mapped = NULL;
	return swiommu_munmap(w->machine, mapped, 2 * PAGE);
}
