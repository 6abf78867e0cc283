// SPDX-License-Identifier: MIT
/* The file of a queue object. */
#include "iommufd/queue.h"

#include <errno.h>

void iommufd_queue_init(struct iommufd_queue *queue, struct iommufd_ctx *ctx,
			struct iommufd_object *obj, const struct mem_file_ops *ops)
{
	mem_file_init(&queue->file, ops);
	base_mutex_init(&queue->lock, RANK_EVENTQ);
	queue->ctx = ctx;
	queue->obj = obj;
}

int iommufd_queue_open(struct iommufd_call *call, struct iommufd_queue *queue, uint32_t *fd)
{
	iommufd_object_use(queue->obj);
	mem_file_get(&queue->ctx->file);
	return iommufd_call_new_file(call, &queue->file, fd);
}

long iommufd_queue_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			 uint64_t arg)
{
	(void)file, (void)client, (void)cmd, (void)arg;
	return -ENOTTY;
}

/* The file is part of the object, which may end when this is no user of it any more. */
void iommufd_queue_release(struct mem_file *file)
{
	struct iommufd_queue *queue = base_container_of(file, struct iommufd_queue, file);
	struct iommufd_ctx *ctx = queue->ctx;

	iommufd_object_unuse(queue->obj);
	mem_file_put(&ctx->file);
}
