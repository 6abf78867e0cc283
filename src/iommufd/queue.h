/* SPDX-License-Identifier: MIT */
/*
 * Inside iommufd/: the file of a queue object. The object is made together with
 * its file, which is a user of it and holds the context; the file cannot be had
 * again once it is closed, while the object goes on.
 */
#ifndef IOMMUFD_QUEUE_H
#define IOMMUFD_QUEUE_H

#include "iommufd/private.h"

/* `queue` is part of the new object `obj`. Its lock and its file can be used from here on. */
void iommufd_queue_init(struct iommufd_queue *queue, struct iommufd_ctx *ctx,
			struct iommufd_object *obj, const struct mem_file_ops *ops);

/*
 * For the handler that has made the object: open its file and give it a number,
 * which becomes the client's when the object is published. On failure nobody has
 * the file. -EMFILE, -ENFILE, -ENOMEM.
 */
int iommufd_queue_open(struct iommufd_call *call, struct iommufd_queue *queue, uint32_t *fd);

/* Members of struct mem_file_ops that all queues share. */
long iommufd_queue_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			 uint64_t arg);
void iommufd_queue_release(struct mem_file *file);

#endif
