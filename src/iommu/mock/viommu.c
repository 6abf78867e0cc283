// SPDX-License-Identifier: MIT
/* The mock's vIOMMUs and their hardware queues (iommufd-test-abi.md 8, 9). */
#include "iommu/mock/mock.h"

#include <errno.h>

static struct mock_viommu *mock_of(struct iommu_viommu *viommu)
{
	return base_container_of(viommu, struct mock_viommu, viommu);
}

/* ---- hardware queues: they only keep order ---- */

static bool queue_is_supported(struct iommu_viommu *viommu, uint32_t type)
{
	(void)viommu;
	return type == IOMMU_HW_QUEUE_TYPE_SELFTEST;
}

/* Does the parent domain translate the queue's address as its owner does? */
static bool is_translated(const struct iommu_hw_queue *queue)
{
	struct iommu_domain *parent = queue->viommu->parent;
	struct pgtable_leaf leaf;

	return iommu_domain_find(parent, queue->iova, &leaf) &&
	       leaf.pa + (queue->iova - leaf.start) == queue->pa;
}

/* Each queue needs the one before it. */
static int queue_enter_locked(struct mock_viommu *mock, struct iommu_hw_queue *queue)
{
	struct iommu_hw_queue *below = queue->index ? mock->queues[queue->index - 1] : NULL;

	base_assert_held(&mock->viommu.lock);
	if (mock->queues[queue->index])
		return -EEXIST;
	if (queue->index && (!below || !below->hold(below)))
		return -EIO;
	queue->below = below;
	mock->queues[queue->index] = queue;
	return 0;
}

static void queue_leave(struct iommu_hw_queue *queue)
{
	base_scoped_lock(&queue->viommu->lock);
	mock_of(queue->viommu)->queues[queue->index] = NULL;
}

static int queue_enter(struct iommu_hw_queue *queue)
{
	base_scoped_lock(&queue->viommu->lock);
	return queue_enter_locked(mock_of(queue->viommu), queue);
}

static int queue_start(struct iommu_hw_queue *queue)
{
	int rc;

	if (queue->index >= IOMMU_TEST_HW_QUEUE_MAX)
		return -EINVAL;
	rc = queue_enter(queue);
	if (rc || is_translated(queue))
		return rc;
	queue_leave(queue);
	if (queue->below)
		queue->below->unhold(queue->below);
	return -EFAULT;
}

/* ---- vIOMMUs ---- */

static void viommu_free(struct iommu_viommu *viommu)
{
	base_free(mock_of(viommu));
}

static const struct iommu_viommu_ops viommu_ops = {
	.domain_alloc_nested = mock_viommu_domain_alloc,
	.invalidate = mock_viommu_invalidate,
	.hw_queue_is_supported = queue_is_supported,
	.hw_queue_start = queue_start,
	.hw_queue_stop = queue_leave,
	.free = viommu_free,
};

int mock_viommu_alloc(struct iommu_device *device, struct iommu_domain *parent,
		      const struct iommu_user_data *data, struct iommu_viommu **out)
{
	struct mock_viommu *mock;

	/* Data asks for a region to mmap, which this IOMMU does not have. */
	if (data)
		return -EOPNOTSUPP;
	mock = base_zalloc(sizeof(*mock));
	if (!mock)
		return -ENOMEM;
	iommu_viommu_init(&mock->viommu, &viommu_ops, device->iommu, parent);
	*out = &mock->viommu;
	return 0;
}
