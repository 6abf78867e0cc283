// SPDX-License-Identifier: MIT
/*
 * Config space: the device's own registers, and a program's reads and writes of
 * them (vfio-device-ioctls.md 8).
 */
#include "vfio/private.h"

#include <errno.h>

/* ---- the device's own registers ---- */

uint32_t vfio_config_hw_get(const struct vfio_config *config, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint32_t)config->hw[offset + i] << (8 * i);
	return value;
}

void vfio_config_hw_set(struct vfio_config *config, unsigned offset, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++)
		config->hw[offset + i] = value >> (8 * i);
}

static void set_bytes(uint8_t *bytes, unsigned offset, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++)
		bytes[offset + i] = value >> (8 * i);
}

static void config_init(struct vfio_config *config, unsigned offset, unsigned width, uint32_t value,
			uint32_t writable, uint32_t clear)
{
	set_bytes(config->hw, offset, width, value);
	set_bytes(config->writable, offset, width, writable);
	set_bytes(config->clear, offset, width, clear);
}

void swiommu_config_init(struct swiommu_device *device, unsigned offset, unsigned width,
			 uint32_t value, uint32_t writable, uint32_t clear)
{
	config_init(&device->config, offset, width, value, writable, clear);
}

uint32_t swiommu_config_get(struct swiommu_device *device, unsigned offset, unsigned width)
{
	return vfio_config_hw_get(&device->config, offset, width);
}

void swiommu_config_set(struct swiommu_device *device, unsigned offset, unsigned width,
			uint32_t value)
{
	vfio_config_hw_set(&device->config, offset, width, value);
}

/* ---- layout of a new device ---- */

static uint32_t bar_type_bits(const struct swiommu_bar *bar)
{
	return (bar->flags & SWIOMMU_BAR_64BIT ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
	       (bar->flags & SWIOMMU_BAR_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

#define COMMAND_WRITABLE                                                                   \
	(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | \
	 PCI_COMMAND_INTX_DISABLE)

void vfio_config_header(struct swiommu_device *device)
{
	const struct swiommu_model *model = device->model;
	struct vfio_config *config = &device->config;
	uint16_t status = model->capability_ptr ? PCI_STATUS_CAP_LIST : 0;

	config_init(config, PCI_VENDOR_ID, 2, model->vendor, 0, 0);
	config_init(config, PCI_DEVICE_ID, 2, model->device, 0, 0);
	config_init(config, PCI_COMMAND, 2, PCI_COMMAND_MEMORY, COMMAND_WRITABLE, 0);
	config_init(config, PCI_STATUS, 2, status, 0, 0);
	config_init(config, PCI_CLASS_REVISION, 4, model->class_code << 8 | model->revision, 0, 0);
	config_init(config, PCI_CACHE_LINE_SIZE, 1, 0, 0xff, 0);
	for (unsigned i = 0; i < SWIOMMU_BAR_COUNT; i++)
		if (model->bars[i].size)
			config_init(config, PCI_BASE_ADDRESS_0 + 4 * i, 4,
				    bar_type_bits(&model->bars[i]), 0, 0);
	config_init(config, PCI_SUBSYSTEM_VENDOR_ID, 2, model->subsystem_vendor, 0, 0);
	config_init(config, PCI_SUBSYSTEM_ID, 2, model->subsystem, 0, 0);
	config_init(config, PCI_CAPABILITY_LIST, 1, model->capability_ptr, 0, 0);
	config_init(config, PCI_INTERRUPT_PIN, 1, model->interrupt_pin, 0, 0);
}

/* Visit the standard capabilities; a list that does not end is cut after 48. */
static void find_capabilities(struct vfio_config *config)
{
	unsigned offset = config->hw[PCI_CAPABILITY_LIST];

	for (unsigned left = 48; offset >= 0x40 && left; left--) {
		switch (config->hw[offset]) {
		case PCI_CAP_ID_PM: config->pm = offset; break;
		case PCI_CAP_ID_MSI: config->msi = offset; break;
		case PCI_CAP_ID_MSIX: config->msix = offset; break;
		case PCI_CAP_ID_EXP: config->pcie = offset; break;
		case PCI_CAP_ID_AF: config->af = offset; break;
		}
		offset = config->hw[offset + 1] & ~3u;
	}
}

void vfio_config_seal(struct swiommu_device *device)
{
	struct vfio_config *config = &device->config;

	find_capabilities(config);
	for (unsigned i = 0; i < VFIO_CONFIG_SIZE; i++)
		config->reset[i] = config->hw[i];
}

unsigned vfio_config_size(const struct swiommu_device *device)
{
	return device->config.pcie ? VFIO_CONFIG_SIZE : 256;
}

bool vfio_memory_enabled_locked(const struct swiommu_device *device)
{
	const struct vfio_config *config = &device->config;
	unsigned state = 0;

	base_assert_held(&device->lock);
	if (config->pm)
		state = config->hw[config->pm + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;
	return (config->hw[PCI_COMMAND] & PCI_COMMAND_MEMORY) && state != 3;
}

void vfio_command_changed_locked(struct swiommu_device *device)
{
	base_assert_held(&device->lock);
	base_store(&device->bus_master, device->config.hw[PCI_COMMAND] & PCI_COMMAND_MASTER);
}

/* ---- a program's view ---- */

void vfio_config_rights(struct vfio_config *config, unsigned offset, unsigned width, uint32_t virt,
			uint32_t allow)
{
	set_bytes(config->virt, offset, width, virt);
	set_bytes(config->allow, offset, width, allow);
}

static void header_rights(struct vfio_config *config)
{
	for (unsigned i = 0; i < PCI_STD_HEADER_SIZEOF; i += 4)
		vfio_config_rights(config, i, 4, 0, 0);
	vfio_config_rights(config, PCI_VENDOR_ID, 4, ~0u, 0);
	vfio_config_rights(config, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE, 0xffff);
	vfio_config_rights(config, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	vfio_config_rights(config, PCI_CACHE_LINE_SIZE, 2, 0, 0xffff);
	vfio_config_rights(config, PCI_BIST, 1, 0, 0xff);
	for (unsigned i = 0; i < SWIOMMU_BAR_COUNT; i++)
		vfio_config_rights(config, PCI_BASE_ADDRESS_0 + 4 * i, 4, ~0u, ~0u);
	vfio_config_rights(config, PCI_ROM_ADDRESS, 4, ~0u, ~0u);
	vfio_config_rights(config, PCI_CAPABILITY_LIST, 1, 0xff, 0);
	vfio_config_rights(config, PCI_INTERRUPT_LINE, 1, 0xff, 0xff);
	vfio_config_rights(config, PCI_INTERRUPT_PIN, 1, 0xff, 0);
}

void vfio_config_open_locked(struct swiommu_device *device)
{
	struct vfio_config *config = &device->config;

	base_assert_held(&device->lock);
	for (unsigned i = 0; i < VFIO_CONFIG_SIZE; i++) {
		config->shadow[i] = config->hw[i];
		config->virt[i] = 0;
		config->allow[i] = 0xff;
	}
	header_rights(config);
	vfio_config_caps_open(config);
}

uint8_t vfio_config_read_locked(struct swiommu_device *device, unsigned offset)
{
	const struct vfio_config *config = &device->config;
	uint8_t virt = config->virt[offset];

	base_assert_held(&device->lock);
	return (config->hw[offset] & ~virt) | (config->shadow[offset] & virt);
}

static void write_byte(struct vfio_config *config, unsigned offset, uint8_t value)
{
	uint8_t allow = config->allow[offset], virt = config->virt[offset];
	uint8_t to_shadow = allow & virt, to_hw = allow & ~virt;
	uint8_t writable = config->writable[offset] & to_hw;

	config->shadow[offset] = (config->shadow[offset] & ~to_shadow) | (value & to_shadow);
	config->hw[offset] = (config->hw[offset] & ~writable) | (value & writable);
	config->hw[offset] &= ~(value & config->clear[offset] & to_hw);
}

/* The bits of a BAR register that can be ones: BAR sizing reads them back. */
static uint32_t bar_mask(const struct swiommu_model *model, unsigned i)
{
	const struct swiommu_bar *bar = &model->bars[i];

	if (bar->size)
		return ~(uint32_t)(bar->size - 1);
	if (i && (bar[-1].flags & SWIOMMU_BAR_64BIT))
		return ~(uint32_t)((bar[-1].size - 1) >> 32);
	return 0;
}

static void mask_bars(struct swiommu_device *device)
{
	struct vfio_config *config = &device->config;

	for (unsigned i = 0; i < SWIOMMU_BAR_COUNT; i++) {
		unsigned offset = PCI_BASE_ADDRESS_0 + 4 * i;
		uint32_t mask = bar_mask(device->model, i), type = 0;

		if (device->model->bars[i].size)
			type = bar_type_bits(&device->model->bars[i]);
		for (unsigned b = 0; b < 4; b++)
			config->shadow[offset + b] =
				(config->shadow[offset + b] & mask >> 8 * b) | (type >> 8 * b);
	}
	set_bytes(config->shadow, PCI_ROM_ADDRESS, 4, 0);
}

/*
 * The program's MSI enable bit sticks only while VFIO has MSI enabled, and then
 * for no more vectors than that.
 */
static void msi_check(struct swiommu_device *device)
{
	struct vfio_config *config = &device->config;
	uint8_t *flags = &config->shadow[config->msi + PCI_MSI_FLAGS];
	unsigned most = 0;

	if (!config->msi)
		return;
	base_scoped_lock(&device->irqs.lock);
	if (device->irqs.mode != VFIO_IRQ_MSI)
		*flags &= ~PCI_MSI_FLAGS_ENABLE;
	else if (device->irqs.vector_count > 1)
		most = base_log2(device->irqs.vector_count - 1) + 1;
	if ((unsigned)(*flags & PCI_MSI_FLAGS_QSIZE) >> 4 > most)
		*flags = (*flags & ~PCI_MSI_FLAGS_QSIZE) | most << 4;
}

/* The device's own read requests are never smaller than its payloads. */
static void read_request_apply(struct vfio_config *config)
{
	unsigned offset = config->pcie + PCI_EXP_DEVCTL;
	uint16_t hw = vfio_config_hw_get(config, offset, 2);
	unsigned payload = (hw & PCI_EXP_DEVCTL_PAYLOAD) >> 5;
	unsigned asked = (config->shadow[offset + 1] & (PCI_EXP_DEVCTL_READRQ >> 8)) >> 4;

	if (config->pcie)
		vfio_config_hw_set(config, offset, 2,
				   (hw & ~PCI_EXP_DEVCTL_READRQ) | base_max_u64(asked, payload)
									   << 12);
}

/* Does the write set bits of `mask` in the byte at `at`? */
static bool sets(unsigned offset, unsigned width, uint32_t value, unsigned at, uint8_t mask)
{
	return at >= offset && at < offset + width && (value >> 8 * (at - offset) & mask);
}

/* The device resets itself when one of two bits is written, if it can. */
static bool asks_for_reset(const struct vfio_config *config, unsigned offset, unsigned width,
			   uint32_t value)
{
	const uint8_t af_cap = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;

	if (config->pcie &&
	    (vfio_config_hw_get(config, config->pcie + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR) &&
	    sets(offset, width, value, config->pcie + PCI_EXP_DEVCTL + 1,
		 PCI_EXP_DEVCTL_BCR_FLR >> 8))
		return true;
	return config->af && (config->hw[config->af + PCI_AF_CAP] & af_cap) == af_cap &&
	       sets(offset, width, value, config->af + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
}

bool vfio_config_write_locked(struct swiommu_device *device, unsigned offset, unsigned width,
			      uint32_t value)
{
	struct vfio_config *config = &device->config;

	base_assert_held(&device->lock);
	for (unsigned i = 0; i < width; i++)
		write_byte(config, offset + i, value >> (8 * i));
	mask_bars(device);
	msi_check(device);
	read_request_apply(config);
	vfio_command_changed_locked(device);
	if (PCI_COMMAND + 1 >= offset && PCI_COMMAND + 1 < offset + width)
		vfio_intx_disable(device, config->shadow[PCI_COMMAND + 1] &
						  (PCI_COMMAND_INTX_DISABLE >> 8));
	return asks_for_reset(config, offset, width, value);
}
