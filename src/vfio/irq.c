// SPDX-License-Identifier: MIT
/* Interrupts of a device: how many there are, who is told (vfio-device-ioctls.md 9). */
#include "vfio/private.h"

#include <errno.h>

void vfio_irq_signal(int eventfd)
{
	const uint64_t one = 1;

	if (eventfd >= 0)
		base_sys_write(eventfd, &one, sizeof(one));
}

void vfio_irqs_init(struct vfio_irqs *irqs)
{
	base_mutex_init(&irqs->lock, RANK_VFIO_IRQ);
	irqs->err = irqs->req = -1;
}

unsigned vfio_irq_count(const struct swiommu_device *device, unsigned index)
{
	const struct vfio_config *config = &device->config;
	uint16_t flags;

	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX: return device->model->interrupt_pin ? 1 : 0;
	case VFIO_PCI_MSI_IRQ_INDEX:
		if (!config->msi)
			return 0;
		flags = config->reset[config->msi + PCI_MSI_FLAGS];
		return 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	case VFIO_PCI_MSIX_IRQ_INDEX:
		if (!config->msix)
			return 0;
		flags = config->reset[config->msix + PCI_MSIX_FLAGS] |
			config->reset[config->msix + PCI_MSIX_FLAGS + 1] << 8;
		return (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	case VFIO_PCI_ERR_IRQ_INDEX: return config->pcie ? 1 : 0;
	default: return 1;
	}
}

void vfio_intx_deliver_locked(struct vfio_irqs *irqs)
{
	base_assert_held(&irqs->lock);
	if (irqs->mode != VFIO_IRQ_INTX || !irqs->line || irqs->masked || irqs->disabled)
		return;
	irqs->masked = true;
	vfio_irq_signal(irqs->vectors[0]);
}

void vfio_intx_disable(struct swiommu_device *device, bool disabled)
{
	base_scoped_lock(&device->irqs.lock);
	device->irqs.disabled = disabled;
	vfio_intx_deliver_locked(&device->irqs);
}

/* The host's own enable bit of MSI-X, which programs can read. */
static void msix_show(struct swiommu_device *device, bool enabled)
{
	struct vfio_config *config = &device->config;
	unsigned offset = config->msix + PCI_MSIX_FLAGS;
	uint16_t flags;

	base_assert_held(&device->lock);
	if (!config->msix)
		return;
	flags = vfio_config_hw_get(config, offset, 2) & ~PCI_MSIX_FLAGS_ENABLE;
	vfio_config_hw_set(config, offset, 2, flags | (enabled ? PCI_MSIX_FLAGS_ENABLE : 0));
}

static void close_eventfd(int *eventfd)
{
	if (*eventfd >= 0)
		base_sys_close(*eventfd);
	*eventfd = -1;
}

void vfio_irqs_disable_locked(struct swiommu_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;

	base_assert_held(&irqs->lock);
	vfio_unmask_watch_locked(device, -1);
	for (unsigned i = 0; i < irqs->vector_count; i++)
		close_eventfd(&irqs->vectors[i]);
	base_free(irqs->vectors);
	irqs->vectors = NULL;
	irqs->vector_count = 0;
	irqs->masked = false;
	if (irqs->mode == VFIO_IRQ_MSIX)
		msix_show(device, false);
	irqs->mode = VFIO_IRQ_NONE;
}

int vfio_irqs_enable_locked(struct swiommu_device *device, enum vfio_irq_mode mode, unsigned count)
{
	struct vfio_irqs *irqs = &device->irqs;
	int *vectors = base_alloc(count * sizeof(*vectors));

	base_assert_held(&irqs->lock);
	if (!vectors)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		vectors[i] = -1;
	irqs->vectors = vectors;
	irqs->vector_count = count;
	irqs->mode = mode;
	if (mode == VFIO_IRQ_MSIX)
		msix_show(device, true);
	return 0;
}

void vfio_irqs_close(struct swiommu_device *device)
{
	struct vfio_irqs *irqs = &device->irqs;

	base_scoped_lock(&device->lock);
	base_scoped_lock(&irqs->lock);
	vfio_irqs_disable_locked(device);
	close_eventfd(&irqs->err);
	close_eventfd(&irqs->req);
	irqs->line = irqs->disabled = false;
}
