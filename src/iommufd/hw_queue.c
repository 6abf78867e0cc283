// SPDX-License-Identifier: MIT
/*
 * Hardware queues of vIOMMUs (iommufd-ioctls.md 23). Hardware works on memory of the
 * guest, which a hidden access keeps pinned, and which cannot be unmapped meanwhile.
 */
#include "iommufd/private.h"

#include <errno.h>

static struct iommufd_hw_queue *queue_of(struct iommu_hw_queue *queue)
{
	return base_container_of(queue, struct iommufd_hw_queue, queue);
}

/* ---- other queues that stand on one ---- */

static bool queue_hold(struct iommu_hw_queue *queue)
{
	struct iommufd_hw_queue *q = queue_of(queue);

	return iommufd_object_try_user(q->ctx, &q->obj);
}

static void queue_unhold(struct iommu_hw_queue *queue)
{
	iommufd_object_unuse(&queue_of(queue)->obj);
}

/* ---- its memory ---- */

struct contiguous {
	uint64_t start, end; /* of what was seen so far; end 0: nothing */
};

static int check_contiguous(void *arg, uint64_t pa, uint64_t length)
{
	struct contiguous *seen = arg;

	if (!seen->end)
		seen->start = pa;
	else if (seen->end != pa)
		return -EFAULT;
	seen->end = pa + length;
	return 0;
}

/* Whole pages are pinned, whatever the queue has of the first one. */
static uint64_t first_page(const struct iommufd_hw_queue *q)
{
	return base_align_down(q->iova, BASE_PAGE_SIZE);
}

static uint64_t pinned_length(const struct iommufd_hw_queue *q)
{
	return q->iova % BASE_PAGE_SIZE + q->length;
}

static int memory_get(struct iommufd_hw_queue *q, struct iommufd_ioas *ioas)
{
	struct contiguous seen = {0};
	int rc = iommufd_access_new_internal(q->ctx, ioas, &q->access);

	if (rc)
		return rc;
	iopt_lock(&ioas->iopt, &q->locked, q->iova, q->iova + (q->length - 1));
	rc = iommufd_access_pin(q->access, first_page(q), pinned_length(q), false, check_contiguous,
				&seen);
	q->pinned = !rc;
	q->queue.pa = seen.start + q->iova % BASE_PAGE_SIZE;
	return rc;
}

static void memory_put(struct iommufd_hw_queue *q)
{
	if (!q->access)
		return;
	if (q->pinned)
		iommufd_access_unpin(q->access, first_page(q), pinned_length(q));
	iopt_unlock(&q->access->ioas->iopt, &q->locked);
	iommufd_access_free_internal(q->access);
}

/* ---- the object ---- */

static int queue_init(struct iommufd_hw_queue *q, struct iommufd_viommu *viommu,
		      const struct iommu_hw_queue_alloc *cmd)
{
	int rc;

	q->viommu = viommu;
	iommufd_object_use(&viommu->obj);
	q->iova = cmd->nesting_parent_iova;
	q->length = cmd->length;
	rc = memory_get(q, viommu->hwpt->ioas);
	if (rc)
		return rc;
	q->queue.viommu = viommu->viommu;
	q->queue.type = cmd->type;
	q->queue.index = cmd->index;
	q->queue.iova = q->iova;
	q->queue.length = q->length;
	q->queue.hold = queue_hold;
	q->queue.unhold = queue_unhold;
	rc = iommu_hw_queue_start(&q->queue);
	q->running = !rc;
	return rc;
}

/* The whole pages of a range, in bytes. -ERANGE: there is no such number. */
static int check_pages(uint64_t iova, uint64_t length)
{
	uint64_t bytes;

	if (__builtin_add_overflow(iova % BASE_PAGE_SIZE, length, &bytes) ||
	    !base_align_up(bytes, BASE_PAGE_SIZE, &bytes))
		return -ERANGE;
	return 0;
}

int iommufd_hw_queue_alloc(struct iommufd_call *call, struct iommu_hw_queue_alloc *cmd)
{
	struct iommufd_object *viommu, *obj;
	struct iommufd_viommu *v;
	uint64_t last;
	int rc;

	if (cmd->flags || cmd->type == IOMMU_HW_QUEUE_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	if (!base_range_last(cmd->nesting_parent_iova, cmd->length, &last))
		return -EOVERFLOW;
	viommu = iommufd_call_lookup(call, cmd->viommu_id, IOMMUFD_OBJ_VIOMMU);
	if (!viommu)
		return -ENOENT;
	v = base_container_of(viommu, struct iommufd_viommu, obj);
	if (!iommu_hw_queue_is_supported(v->viommu, cmd->type))
		return -EOPNOTSUPP;
	rc = check_pages(cmd->nesting_parent_iova, cmd->length);
	if (!rc)
		rc = iommufd_object_alloc(call->ctx, sizeof(struct iommufd_hw_queue),
					  IOMMUFD_OBJ_HW_QUEUE, &obj);
	if (rc)
		return rc;
	iommufd_call_create(call, obj, NULL);
	cmd->out_hw_queue_id = obj->id;
	base_container_of(obj, struct iommufd_hw_queue, obj)->ctx = call->ctx;
	rc = queue_init(base_container_of(obj, struct iommufd_hw_queue, obj), v, cmd);
	call->respond = !rc;
	return rc;
}

void iommufd_hw_queue_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct iommufd_hw_queue *q = base_container_of(obj, struct iommufd_hw_queue, obj);

	(void)ctx;
	if (q->running)
		iommu_hw_queue_stop(&q->queue);
	memory_put(q);
	iommufd_object_unuse(&q->viommu->obj);
}
