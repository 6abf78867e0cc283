// SPDX-License-Identifier: MIT
/* VFIO_DEVICE_SET_IRQS (vfio-device-ioctls.md 9). */
#include "vfio/private.h"

#include <errno.h>

#define HEADER_SIZE offsetof(struct vfio_irq_set, data)

/* A request whose numbers have been checked. */
struct request {
	struct swiommu_device *device;
	struct mem_client *client;
	uint32_t data, action; /* one VFIO_IRQ_SET_DATA_*, one VFIO_IRQ_SET_ACTION_* */
	uint32_t index, start, count;
	uint64_t addr; /* of the data in the client's memory */
};

/* The i-th element. */
static int get_bool(const struct request *r, unsigned i, bool *value)
{
	uint8_t byte;
	int rc = mem_copy_in(r->client, &byte, r->addr + i, sizeof(byte));

	*value = byte;
	return rc;
}

static int get_fd(const struct request *r, unsigned i, int32_t *fd)
{
	return mem_copy_in(r->client, fd, r->addr + i * sizeof(*fd), sizeof(*fd));
}

/* The i-th element as a descriptor of our own: -1 stays -1 in *eventfd. */
static int get_eventfd(const struct request *r, unsigned i, int *eventfd)
{
	int32_t fd;
	int rc = get_fd(r, i, &fd);

	*eventfd = -1;
	if (rc || fd < 0)
		return rc;
	rc = r->client->ops->eventfd_get(r->client, fd);
	if (rc < 0)
		return rc;
	*eventfd = rc;
	return 0;
}

static void exchange(int *slot, int eventfd)
{
	if (*slot >= 0)
		base_sys_close(*slot);
	*slot = eventfd;
}

/* ---- INTx ---- */

static int intx_trigger_eventfd(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;
	int eventfd, rc;

	if (irqs->mode != VFIO_IRQ_INTX && irqs->mode != VFIO_IRQ_NONE)
		return -EINVAL;
	rc = get_eventfd(r, 0, &eventfd);
	if (rc)
		return rc;
	if (irqs->mode == VFIO_IRQ_NONE) {
		rc = vfio_irqs_enable_locked(r->device, VFIO_IRQ_INTX, 1);
		if (rc) {
			exchange(&eventfd, -1);
			return rc;
		}
	}
	exchange(&irqs->vectors[0], eventfd);
	vfio_intx_deliver_locked(irqs);
	return 0;
}

static int intx_trigger(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;
	bool signal = true;
	int rc;

	if (irqs->mode == VFIO_IRQ_INTX && !r->count && r->data == VFIO_IRQ_SET_DATA_NONE) {
		vfio_irqs_disable_locked(r->device);
		return 0;
	}
	if (r->start != 0 || r->count != 1)
		return -EINVAL;
	if (r->data == VFIO_IRQ_SET_DATA_EVENTFD)
		return intx_trigger_eventfd(r);
	if (irqs->mode != VFIO_IRQ_INTX)
		return -EINVAL;
	if (r->data == VFIO_IRQ_SET_DATA_BOOL) {
		rc = get_bool(r, 0, &signal);
		if (rc)
			return rc;
	}
	if (signal)
		vfio_irq_signal(irqs->vectors[0]);
	return 0;
}

static int intx_unmask_eventfd(const struct request *r)
{
	int32_t fd;
	int eventfd, rc = get_fd(r, 0, &fd);

	if (rc)
		return rc;
	if (fd >= 0 && r->device->irqs.unmask)
		return -EBUSY;
	rc = get_eventfd(r, 0, &eventfd);
	return rc ? rc : vfio_unmask_watch_locked(r->device, eventfd);
}

static int intx_mask(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;
	bool unmask = r->action == VFIO_IRQ_SET_ACTION_UNMASK, act = true;
	int rc;

	if (irqs->mode != VFIO_IRQ_INTX || r->start != 0 || r->count != 1)
		return -EINVAL;
	if (r->data == VFIO_IRQ_SET_DATA_EVENTFD)
		return unmask ? intx_unmask_eventfd(r) : -ENOTTY;
	if (r->data == VFIO_IRQ_SET_DATA_BOOL) {
		rc = get_bool(r, 0, &act);
		if (rc)
			return rc;
	}
	if (act)
		irqs->masked = !unmask;
	vfio_intx_deliver_locked(irqs);
	return 0;
}

/* ---- MSI and MSI-X ---- */

/* Put eventfds into the range. The first failure leaves the range up to it without any. */
static int msg_set_eventfds(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;
	int eventfd, rc = 0;
	unsigned i;

	for (i = 0; i < r->count && !rc; i++) {
		rc = r->start + i < irqs->vector_count ? get_eventfd(r, i, &eventfd) : -EINVAL;
		if (!rc)
			exchange(&irqs->vectors[r->start + i], eventfd);
	}
	for (; rc && i; i--)
		if (r->start + i - 1 < irqs->vector_count)
			exchange(&irqs->vectors[r->start + i - 1], -1);
	return rc;
}

static int msg_enable(const struct request *r, enum vfio_irq_mode mode)
{
	/* MSI-X vectors beyond those asked for can be added one by one. */
	unsigned count =
		mode == VFIO_IRQ_MSIX ? vfio_irq_count(r->device, r->index) : r->start + r->count;
	int rc;

	if (!r->count)
		return -ERANGE;
	rc = vfio_irqs_enable_locked(r->device, mode, count);
	if (rc)
		return rc;
	rc = msg_set_eventfds(r);
	if (rc)
		vfio_irqs_disable_locked(r->device);
	return rc;
}

static int msg_signal(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;

	for (unsigned i = 0; i < r->count && r->start + i < irqs->vector_count; i++) {
		bool signal = true;
		int rc = 0;

		if (r->data == VFIO_IRQ_SET_DATA_BOOL)
			rc = get_bool(r, i, &signal);
		if (rc)
			return rc;
		if (signal)
			vfio_irq_signal(irqs->vectors[r->start + i]);
	}
	return 0;
}

static int msg_trigger(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;
	enum vfio_irq_mode mode = r->index == VFIO_PCI_MSI_IRQ_INDEX ? VFIO_IRQ_MSI : VFIO_IRQ_MSIX;

	if (irqs->mode == mode && !r->count && r->data == VFIO_IRQ_SET_DATA_NONE) {
		vfio_irqs_disable_locked(r->device);
		return 0;
	}
	if (irqs->mode != mode && irqs->mode != VFIO_IRQ_NONE)
		return -EINVAL;
	if (r->data == VFIO_IRQ_SET_DATA_EVENTFD)
		return irqs->mode == mode ? msg_set_eventfds(r) : msg_enable(r, mode);
	return irqs->mode == mode ? msg_signal(r) : -EINVAL;
}

/* ---- error and request ---- */

static int single_trigger_eventfd(const struct request *r, int *slot)
{
	int32_t fd;
	int eventfd, rc;

	if (!r->count)
		return -EINVAL;
	rc = get_fd(r, 0, &fd);
	if (!rc && fd < -1)
		rc = -EINVAL;
	if (!rc)
		rc = get_eventfd(r, 0, &eventfd);
	if (!rc)
		exchange(slot, eventfd);
	return rc;
}

static int single_trigger(const struct request *r, int *slot)
{
	bool signal;
	int rc;

	if (r->start || r->count > 1)
		return -EINVAL;
	switch (r->data) {
	case VFIO_IRQ_SET_DATA_EVENTFD: return single_trigger_eventfd(r, slot);
	case VFIO_IRQ_SET_DATA_NONE:
		if (*slot < 0)
			return -EINVAL;
		if (r->count)
			vfio_irq_signal(*slot);
		else
			exchange(slot, -1);
		return 0;
	default:
		if (!r->count)
			return -EINVAL;
		rc = get_bool(r, 0, &signal);
		if (!rc && signal)
			vfio_irq_signal(*slot);
		return rc;
	}
}

/* ---- the ioctl ---- */

static int request_run_locked(const struct request *r)
{
	struct vfio_irqs *irqs = &r->device->irqs;
	bool trigger = r->action == VFIO_IRQ_SET_ACTION_TRIGGER;

	base_assert_held(&irqs->lock);
	if (r->index == VFIO_PCI_INTX_IRQ_INDEX)
		return trigger ? intx_trigger(r) : intx_mask(r);
	if (!trigger)
		return -ENOTTY;
	switch (r->index) {
	case VFIO_PCI_ERR_IRQ_INDEX: return single_trigger(r, &irqs->err);
	case VFIO_PCI_REQ_IRQ_INDEX: return single_trigger(r, &irqs->req);
	default: return msg_trigger(r);
	}
}

static bool is_one_bit(uint32_t value)
{
	return value && !(value & (value - 1));
}

#define ALL_FLAGS (VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK)

/* Steps 2 to 5: the numbers, before any data is looked at. */
static int request_check(const struct swiommu_device *device, const struct vfio_irq_set *set)
{
	uint32_t data = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	size_t element = data == VFIO_IRQ_SET_DATA_BOOL	     ? 1
			 : data == VFIO_IRQ_SET_DATA_EVENTFD ? sizeof(int32_t)
							     : 0;
	unsigned count;

	if (set->argsz < HEADER_SIZE || set->index >= VFIO_PCI_NUM_IRQS ||
	    set->count >= UINT32_MAX - set->start || (set->flags & ~ALL_FLAGS))
		return -EINVAL;
	count = vfio_irq_count(device, set->index);
	if (set->start >= count || set->start + set->count > count)
		return -EINVAL;
	if (!is_one_bit(data) || set->argsz - HEADER_SIZE < set->count * element)
		return -EINVAL;
	return 0;
}

/* Step 6: the data must be there before anything is done. */
static int request_probe(const struct request *r)
{
	uint8_t byte;
	size_t size = r->data == VFIO_IRQ_SET_DATA_BOOL	     ? r->count
		      : r->data == VFIO_IRQ_SET_DATA_EVENTFD ? r->count * sizeof(int32_t)
							     : 0;

	for (size_t i = 0; i < size; i++)
		if (mem_copy_in(r->client, &byte, r->addr + i, 1))
			return -EFAULT;
	return 0;
}

int vfio_set_irqs(struct swiommu_device *device, struct mem_client *client, uint64_t arg)
{
	struct vfio_irq_set set;
	int rc = mem_copy_in(client, &set, arg, HEADER_SIZE);

	if (!rc)
		rc = request_check(device, &set);
	if (rc)
		return rc;

	struct request r = {
		.device = device,
		.client = client,
		.data = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK,
		.action = set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK,
		.index = set.index,
		.start = set.start,
		.count = set.count,
		.addr = arg + HEADER_SIZE,
	};
	rc = request_probe(&r);
	if (rc)
		return rc;
	if (!is_one_bit(r.action))
		return -ENOTTY;
	base_scoped_lock(&device->lock);
	base_scoped_lock(&device->irqs.lock);
	return request_run_locked(&r);
}
