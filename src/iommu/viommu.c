// SPDX-License-Identifier: MIT
/* vIOMMUs and the virtual ids of their devices. */
#include "iommu/driver.h"

#include <errno.h>

bool iommu_viommu_is_supported(struct iommu_device *device, uint32_t type)
{
	const struct iommu_driver *driver = device->iommu->driver;

	return driver->viommu_alloc && driver->viommu_type == type;
}

int iommu_viommu_alloc(struct iommu_device *device, struct iommu_domain *parent, uint32_t type,
		       const struct iommu_user_data *data, struct iommu_mmaps *mmaps,
		       struct iommu_viommu **out)
{
	if (!iommu_viommu_is_supported(device, type))
		return -EOPNOTSUPP;
	return device->iommu->driver->viommu_alloc(device, parent, data, mmaps, out);
}

void iommu_viommu_init(struct iommu_viommu *viommu, const struct iommu_viommu_ops *ops,
		       struct iommu *iommu, struct iommu_domain *parent)
{
	viommu->ops = ops;
	viommu->iommu = iommu;
	viommu->parent = parent;
	base_mutex_init(&viommu->lock, RANK_VIOMMU_MAP);
	base_gaptree_init(&viommu->vdevices);
	base_rwlock_init(&viommu->reports, RANK_REPORTS);
	base_list_init(&viommu->sinks);
}

void iommu_viommu_free(struct iommu_viommu *viommu)
{
	base_assert(viommu->vdevices.count == 0 && base_list_is_empty(&viommu->sinks));
	viommu->ops->free(viommu);
}

int iommu_viommu_domain_alloc(struct iommu_viommu *viommu, uint32_t flags,
			      const struct iommu_user_data *data, struct iommu_domain **out)
{
	int rc;

	if (!viommu->ops->domain_alloc_nested)
		return -EOPNOTSUPP;
	rc = viommu->ops->domain_alloc_nested(viommu, flags, data, out);
	if (!rc)
		(*out)->viommu = viommu;
	return rc;
}

int iommu_viommu_invalidate(struct iommu_viommu *viommu, const struct iommu_user_array *array,
			    uint32_t *done)
{
	*done = 0;
	return viommu->ops->invalidate ? viommu->ops->invalidate(viommu, array, done) : -EOPNOTSUPP;
}

/* ---- hardware queues ---- */

bool iommu_hw_queue_is_supported(struct iommu_viommu *viommu, uint32_t type)
{
	return viommu->ops->hw_queue_is_supported &&
	       viommu->ops->hw_queue_is_supported(viommu, type);
}

int iommu_hw_queue_start(struct iommu_hw_queue *queue)
{
	return queue->viommu->ops->hw_queue_start(queue);
}

void iommu_hw_queue_stop(struct iommu_hw_queue *queue)
{
	queue->viommu->ops->hw_queue_stop(queue);
	if (queue->below)
		queue->below->unhold(queue->below);
}

/* ---- events ---- */

static struct iommu_event_sink *sink_find_locked(struct iommu_viommu *viommu, uint32_t type)
{
	struct iommu_event_sink *sink;

	base_assert_held(&viommu->reports);
	base_list_for_each (sink, &viommu->sinks, node) {
		if (sink->type == type)
			return sink;
	}
	return NULL;
}

int iommu_viommu_add_sink(struct iommu_viommu *viommu, struct iommu_event_sink *sink)
{
	base_scoped_write(&viommu->reports);
	if (sink_find_locked(viommu, sink->type))
		return -EEXIST;
	base_list_add_tail(&viommu->sinks, &sink->node);
	return 0;
}

void iommu_viommu_remove_sink(struct iommu_viommu *viommu, struct iommu_event_sink *sink)
{
	base_scoped_write(&viommu->reports);
	base_list_remove(&sink->node);
}

int iommu_viommu_report(struct iommu_viommu *viommu, uint32_t type, const void *data, size_t size)
{
	struct iommu_event_sink *sink;

	base_scoped_read(&viommu->reports);
	sink = sink_find_locked(viommu, type);
	return sink ? sink->event(sink, data, size) : -EOPNOTSUPP;
}

/* ---- virtual ids ---- */

int iommu_vdevice_reserve(struct iommu_viommu *viommu, struct iommu_device *device,
			  uint64_t virt_id, struct iommu_vdevice *vdevice)
{
	vdevice->viommu = viommu;
	vdevice->device = device;
	vdevice->visible = false;
	vdevice->node.start = vdevice->node.last = virt_id;
	base_scoped_lock(&viommu->lock);
	return base_gaptree_insert(&viommu->vdevices, &vdevice->node) ? 0 : -EEXIST;
}

void iommu_vdevice_show(struct iommu_vdevice *vdevice)
{
	base_scoped_lock(&vdevice->viommu->lock);
	vdevice->visible = true;
}

void iommu_vdevice_remove(struct iommu_vdevice *vdevice)
{
	base_scoped_lock(&vdevice->viommu->lock);
	base_gaptree_remove(&vdevice->viommu->vdevices, &vdevice->node);
}

bool iommu_viommu_find_device(struct iommu_viommu *viommu, struct iommu_device *device,
			      uint64_t *virt_id)
{
	uint64_t next = 0;
	struct base_gapnode *node;

	base_scoped_lock(&viommu->lock);
	while ((node = base_gaptree_first(&viommu->vdevices, next, UINT64_MAX))) {
		struct iommu_vdevice *vdevice = base_container_of(node, struct iommu_vdevice, node);

		if (vdevice->visible && vdevice->device == device) {
			*virt_id = node->start;
			return true;
		}
		if (node->last == UINT64_MAX)
			break;
		next = node->last + 1;
	}
	return false;
}

struct iommu_device *iommu_viommu_device_locked(struct iommu_viommu *viommu, uint64_t virt_id)
{
	struct base_gapnode *node;
	struct iommu_vdevice *vdevice;

	base_assert_held(&viommu->lock);
	node = base_gaptree_first(&viommu->vdevices, virt_id, virt_id);
	if (!node)
		return NULL;
	vdevice = base_container_of(node, struct iommu_vdevice, node);
	return vdevice->visible ? vdevice->device : NULL;
}
