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

/* ---- memory for the client: pages that begin with a word of its own ---- */

#define REGION_SIZE (2 * BASE_PAGE_SIZE)

static int region_make(struct mock_viommu *mock, struct iommu_mmaps *mmaps,
		       struct iommu_viommu_selftest *data)
{
	int fd = base_sys_memfd("swiommu-mock", REGION_SIZE), rc;
	uint64_t offset;

	if (fd < 0)
		return fd;
	mock->region = fd;
	if (base_sys_write(fd, &data->in_data, sizeof(data->in_data)) != sizeof(data->in_data))
		return -ENOMEM;
	data->out_data = data->in_data;
	data->out_mmap_length = REGION_SIZE;
	rc = mmaps->add(mmaps, fd, REGION_SIZE, &offset);
	if (!rc)
		data->out_mmap_offset = offset;
	return rc;
}

static int region_from_data(struct mock_viommu *mock, struct iommu_mmaps *mmaps,
			    const struct iommu_user_data *data)
{
	struct iommu_viommu_selftest selftest;
	int rc = iommu_user_data_in(data, IOMMU_VIOMMU_TYPE_SELFTEST, &selftest, sizeof(selftest),
				    offsetof(struct iommu_viommu_selftest, out_mmap_offset));

	if (!rc)
		rc = region_make(mock, mmaps, &selftest);
	return rc ? rc : mem_copy_out(data->client, data->addr, &selftest, data->len);
}

/* ---- vIOMMUs ---- */

static void mock_free(struct mock_viommu *mock)
{
	if (mock->region >= 0)
		base_sys_close(mock->region);
	base_free(mock);
}

static void viommu_free(struct iommu_viommu *viommu)
{
	mock_free(mock_of(viommu));
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
		      const struct iommu_user_data *data, struct iommu_mmaps *mmaps,
		      struct iommu_viommu **out)
{
	struct mock_viommu *mock = base_zalloc(sizeof(*mock));
	int rc;

	if (!mock)
		return -ENOMEM;
	iommu_viommu_init(&mock->viommu, &viommu_ops, device->iommu, parent);
	mock->region = -1;
	rc = data ? region_from_data(mock, mmaps, data) : 0;
	if (rc)
		mock_free(mock);
	else
		*out = &mock->viommu;
	return rc;
}
