// SPDX-License-Identifier: MIT
/*
 * Event queues of vIOMMUs (iommufd-ioctls.md 22). Events are numbered, also those
 * that are lost because the queue is full. A header at the tail, of which a queue
 * has one, tells of a loss until the next event does by its number.
 */
#include "iommufd/queue.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX     ((uint32_t)1 << 19)
#define SEQUENCE_LAST ((uint32_t)INT32_MAX)

struct event {
	struct base_list node;
	struct iommufd_vevent_header header;
	size_t size; /* of data; 0: the header of a loss */
	uint8_t data[];
};

struct iommufd_veventq {
	struct iommufd_object obj;
	struct iommufd_viommu *viommu; /* NULL until the sink is in place */
	struct iommu_event_sink sink;
	struct iommufd_queue queue; /* its lock guards what follows */
	struct base_list events;
	uint32_t depth, count; /* of events, the header of a loss not counted */
	uint32_t sequence;     /* of the next event */
	struct event loss;     /* queued at the tail, or not at all */
};

static struct iommufd_veventq *veventq_of(struct mem_file *file)
{
	return base_container_of(file, struct iommufd_veventq, queue.file);
}

static uint32_t ready_locked(struct iommufd_veventq *veventq)
{
	base_assert_held(&veventq->queue.lock);
	return base_list_is_empty(&veventq->events) ? 0 : POLLIN | POLLRDNORM;
}

static void changed_locked(struct iommufd_veventq *veventq)
{
	mem_file_changed(&veventq->queue.file, ready_locked(veventq));
}

/* ---- from the driver ---- */

/* A new event with a copy of the data. NULL: there is no room, or (*rc) no memory for it. */
static struct event *event_new_locked(struct iommufd_veventq *veventq, const void *data,
				      size_t size, int *rc)
{
	struct event *event;

	base_assert_held(&veventq->queue.lock);
	if (veventq->count == veventq->depth)
		return NULL;
	event = base_alloc(sizeof(*event) + size);
	if (!event) {
		*rc = -ENOMEM;
		return NULL;
	}
	event->header.flags = 0;
	event->size = size;
	memcpy(event->data, data, size);
	veventq->count++;
	return event;
}

static int veventq_event(struct iommu_event_sink *sink, const void *data, size_t size)
{
	struct iommufd_veventq *veventq = base_container_of(sink, struct iommufd_veventq, sink);
	struct event *event;
	int rc = 0;

	base_scoped_lock(&veventq->queue.lock);
	event = event_new_locked(veventq, data, size, &rc);
	base_list_remove(&veventq->loss.node);
	if (!event)
		event = &veventq->loss;
	event->header.sequence = veventq->sequence;
	veventq->sequence = (veventq->sequence + 1) & SEQUENCE_LAST;
	base_list_add_tail(&veventq->events, &event->node);
	changed_locked(veventq);
	return rc;
}

/* ---- the file ---- */

static void event_drop_locked(struct iommufd_veventq *veventq, struct event *event)
{
	base_assert_held(&veventq->queue.lock);
	base_list_remove(&event->node);
	if (event == &veventq->loss)
		return;
	veventq->count--;
	base_free(event);
}

static int event_copy_out(const struct event *event, struct mem_client *client, uint64_t addr)
{
	if (mem_copy_out(client, addr, &event->header, sizeof(event->header)) ||
	    mem_copy_out(client, addr + sizeof(event->header), event->data, event->size))
		return -EFAULT;
	return 0;
}

/* The event at the head, as a whole or not at all. */
static int read_event_locked(struct iommufd_veventq *veventq, struct mem_client *client,
			     uint64_t addr, size_t count, size_t *done)
{
	struct event *event = base_list_entry(veventq->events.next, struct event, node);
	size_t size = sizeof(event->header) + event->size;
	int rc;

	base_assert_held(&veventq->queue.lock);
	if (size > count)
		return -EINVAL;
	rc = event_copy_out(event, client, addr);
	if (rc)
		return rc;
	event_drop_locked(veventq, event);
	*done += size;
	return 0;
}

static ssize_t veventq_read(struct mem_file *file, struct mem_client *client, uint64_t addr,
			    size_t count)
{
	struct iommufd_veventq *veventq = veventq_of(file);
	size_t done = 0;
	int rc = 0;

	if (count < sizeof(struct iommufd_vevent_header))
		return -EINVAL;
	base_scoped_lock(&veventq->queue.lock);
	while (!rc && !base_list_is_empty(&veventq->events))
		rc = read_event_locked(veventq, client, addr + done, count - done, &done);
	if (done)
		changed_locked(veventq);
	return done ? (ssize_t)done : rc;
}

static uint32_t veventq_poll(struct mem_file *file)
{
	struct iommufd_veventq *veventq = veventq_of(file);

	base_scoped_lock(&veventq->queue.lock);
	return ready_locked(veventq);
}

static const struct mem_file_ops veventq_ops = {
	.name = "iommufd-viommu-event",
	.ioctl = iommufd_queue_ioctl,
	.read = veventq_read,
	.poll = veventq_poll,
	.release = iommufd_queue_release,
};

/* ---- the object ---- */

/*
 * From here on the vIOMMU has a queue of that type, though nobody can find it: no
 * lock is held until it is published, since files get their numbers without one.
 */
static int veventq_link(struct iommufd_veventq *veventq, struct iommufd_viommu *viommu)
{
	int rc = iommu_viommu_add_sink(viommu->viommu, &veventq->sink);

	if (rc)
		return rc;
	veventq->viommu = viommu;
	iommufd_object_use(&viommu->obj);
	return 0;
}

static int veventq_init(struct iommufd_call *call, struct iommufd_veventq *veventq,
			struct iommufd_viommu *viommu, struct iommu_veventq_alloc *cmd)
{
	int rc;

	iommufd_queue_init(&veventq->queue, call->ctx, &veventq->obj, &veventq_ops);
	base_list_init(&veventq->events);
	base_list_init(&veventq->loss.node);
	veventq->loss.header.flags = IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
	veventq->depth = cmd->veventq_depth;
	veventq->sink.type = cmd->type;
	veventq->sink.event = veventq_event;
	rc = veventq_link(veventq, viommu);
	return rc ? rc : iommufd_queue_open(call, &veventq->queue, &cmd->out_veventq_fd);
}

int iommufd_veventq_alloc(struct iommufd_call *call, struct iommu_veventq_alloc *cmd)
{
	struct iommufd_object *viommu, *obj;
	int rc;

	if (cmd->flags || cmd->__reserved || cmd->type == IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->veventq_depth || cmd->veventq_depth > DEPTH_MAX)
		return -EINVAL;
	viommu = iommufd_call_lookup(call, cmd->viommu_id, IOMMUFD_OBJ_VIOMMU);
	if (!viommu)
		return -ENOENT;
	rc = iommufd_object_alloc(call->ctx, sizeof(struct iommufd_veventq), IOMMUFD_OBJ_VEVENTQ,
				  &obj);
	if (rc)
		return rc;
	iommufd_call_create(call, obj, NULL);
	cmd->out_veventq_id = obj->id;
	rc = veventq_init(call, base_container_of(obj, struct iommufd_veventq, obj),
			  base_container_of(viommu, struct iommufd_viommu, obj), cmd);
	call->respond = !rc;
	return rc;
}

static void events_drop(struct iommufd_veventq *veventq)
{
	struct event *event, *next;

	base_scoped_lock(&veventq->queue.lock);
	base_list_for_each_safe (event, next, &veventq->events, node)
		event_drop_locked(veventq, event);
}

void iommufd_veventq_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_veventq *veventq = base_container_of(obj, struct iommufd_veventq, obj);

	(void)ctx;
	if (!veventq->viommu)
		return;
	iommu_viommu_remove_sink(veventq->viommu->viommu, &veventq->sink);
	events_drop(veventq);
	iommufd_object_unuse(&veventq->viommu->obj);
}
