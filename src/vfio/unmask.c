// SPDX-License-Identifier: MIT
/*
 * Unmasking INTx by an eventfd: somebody has to wait for it, so a thread of our
 * own does, from SET_IRQS until the interrupt is disabled.
 */
#include "vfio/private.h"

#include <errno.h>

/* Waits for watchers to end; shared, since a watcher outlives the last use of its device. */
static struct base_waitq ended;

struct vfio_unmask {
	struct swiommu_device *device;
	int eventfd;
	int stop[2]; /* the watcher leaves when something is written to [1] */
};

static void unmask_fired(struct vfio_unmask *watch)
{
	struct vfio_irqs *irqs = &watch->device->irqs;

	base_scoped_lock(&irqs->lock);
	if (irqs->unmask != watch)
		return;
	irqs->masked = false;
	vfio_intx_deliver_locked(irqs);
}

static void unmask_thread(void *arg)
{
	struct vfio_unmask *watch = arg;
	struct swiommu_device *device = watch->device;
	const int fds[2] = {watch->stop[0], watch->eventfd};
	uint64_t value;

	while (base_sys_wait_readable(fds, 2) == 1)
		if (base_sys_read(watch->eventfd, &value, sizeof(value)) == sizeof(value))
			unmask_fired(watch);
	base_sys_close(watch->stop[0]);
	base_sys_close(watch->eventfd);
	base_free(watch);
	base_sub(&device->watchers, 1);
	base_waitq_wake(&ended);
}

static bool no_watchers(void *arg)
{
	struct swiommu_device *device = arg;

	return base_load(&device->watchers) == 0;
}

void vfio_unmask_wait(struct swiommu_device *device)
{
	while (base_waitq_wait(&ended, no_watchers, device, 1000))
		;
}

static int unmask_start(struct swiommu_device *device, int eventfd, struct vfio_unmask **out)
{
	struct vfio_unmask *watch = base_zalloc(sizeof(*watch));
	int rc;

	if (!watch)
		return -ENOMEM;
	watch->device = device;
	watch->eventfd = eventfd;
	rc = base_sys_socketpair(watch->stop);
	if (rc)
		goto err_free;
	watch->stop[0] = base_sys_move_high(watch->stop[0]);
	watch->stop[1] = base_sys_move_high(watch->stop[1]);
	rc = watch->stop[0] < 0 ? watch->stop[0] : watch->stop[1] < 0 ? watch->stop[1] : 0;
	if (rc)
		goto err_close;
	base_add(&device->watchers, 1);
	rc = base_thread_start(unmask_thread, watch);
	if (rc)
		goto err_watcher;
	*out = watch;
	return 0;
err_watcher:
	base_sub(&device->watchers, 1);
err_close:
	base_sys_close(watch->stop[0]);
	base_sys_close(watch->stop[1]);
err_free:
	base_free(watch);
	return rc;
}

/* Not by closing alone: a forked child may have a copy of the descriptor. */
static void unmask_stop(struct vfio_unmask *watch)
{
	int fd = watch->stop[1];

	base_sys_write(fd, "", 1);
	base_sys_close(fd);
}

int vfio_unmask_watch_locked(struct swiommu_device *device, int eventfd)
{
	struct vfio_irqs *irqs = &device->irqs;
	int rc = 0;

	base_assert_held(&irqs->lock);
	if (irqs->unmask)
		unmask_stop(irqs->unmask);
	irqs->unmask = NULL;
	if (eventfd < 0)
		return 0;
	rc = unmask_start(device, eventfd, &irqs->unmask);
	if (rc)
		base_sys_close(eventfd);
	return rc;
}
