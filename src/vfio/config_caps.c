// SPDX-License-Identifier: MIT
/* What a program may see and write of each standard capability (vfio-device-ioctls.md 8). */
#include "vfio/private.h"

/* More capabilities than fit are a list that does not end. */
#define CAP_LIMIT 48

/* A capability that is shown: its length, and what goes beyond "read only". */
struct cap_rule {
	uint8_t id;
	uint8_t length; /* 0: `size` knows */
	unsigned (*size)(const struct vfio_config *config, unsigned offset);
	void (*rights)(struct vfio_config *config, unsigned offset);
};

void vfio_config_read_only(struct vfio_config *config, unsigned offset, unsigned length)
{
	for (unsigned i = offset; i < offset + length && i < VFIO_CONFIG_SIZE; i++)
		vfio_config_rights(config, i, 1, 0, 0);
}

/* Bits that read as 0 whatever the device has. */
static void hide_bits(struct vfio_config *config, unsigned offset, uint16_t bits)
{
	config->shadow[offset] &= ~bits;
	config->shadow[offset + 1] &= ~(bits >> 8);
}

/* Power state may be written; wake-up events (PME) are not ours to give. */
static void pm_rights(struct vfio_config *config, unsigned offset)
{
	const uint16_t pme = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS;

	vfio_config_rights(config, offset + PCI_PM_PMC, 2, PCI_PM_CAP_PME_MASK, 0);
	hide_bits(config, offset + PCI_PM_PMC, PCI_PM_CAP_PME_MASK);
	vfio_config_rights(config, offset + PCI_PM_CTRL, 2, pme, PCI_PM_CTRL_STATE_MASK);
	hide_bits(config, offset + PCI_PM_CTRL, pme);
}

/* The program's own picture: no device here has vital product data. */
static void vpd_rights(struct vfio_config *config, unsigned offset)
{
	vfio_config_rights(config, offset + PCI_VPD_ADDR, 2, 0xffff, 0xffff);
	vfio_config_rights(config, offset + PCI_VPD_DATA, 4, ~0u, ~0u);
}

static unsigned msi_size(const struct vfio_config *config, unsigned offset)
{
	uint16_t flags = vfio_config_hw_get(config, offset + PCI_MSI_FLAGS, 2);

	return (flags & PCI_MSI_FLAGS_64BIT ? 14 : 10) + (flags & PCI_MSI_FLAGS_MASKBIT ? 10 : 0);
}

/* Address, data and enable are the program's own picture; VFIO routes the vectors. */
static void msi_rights(struct vfio_config *config, unsigned offset)
{
	bool wide = config->hw[offset + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_64BIT;

	vfio_config_rights(config, offset + PCI_MSI_FLAGS, 2, 0xffff,
			   PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	vfio_config_rights(config, offset + PCI_MSI_ADDRESS_LO, 4, ~0u, ~3u);
	if (wide)
		vfio_config_rights(config, offset + PCI_MSI_ADDRESS_HI, 4, ~0u, ~0u);
	vfio_config_rights(config, offset + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, 0xffff,
			   0xffff);
}

static void pcix_rights(struct vfio_config *config, unsigned offset)
{
	vfio_config_rights(config, offset + PCI_X_CMD, 2, 0, 0xffff);
}

static unsigned vendor_size(const struct vfio_config *config, unsigned offset)
{
	return base_max_u64(config->hw[offset + 2], 3);
}

static void vendor_rights(struct vfio_config *config, unsigned offset)
{
	unsigned end = base_min_u64(offset + vendor_size(config, offset), 256);

	for (unsigned i = offset + 2; i < end; i++)
		vfio_config_rights(config, i, 1, 0, 0xff);
}

/* Payload and read request sizes are the program's picture; a reset bit reads 0. */
static void pcie_rights(struct vfio_config *config, unsigned offset)
{
	const uint16_t reset = PCI_EXP_DEVCTL_BCR_FLR;

	vfio_config_rights(config, offset + PCI_EXP_DEVCTL, 2,
			   PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ | reset,
			   0xffff & ~(PCI_EXP_DEVCTL_PHANTOM | reset));
	hide_bits(config, offset + PCI_EXP_DEVCTL, reset);
	vfio_config_rights(config, offset + PCI_EXP_DEVCTL2, 2, 0, 0xffff & ~PCI_EXP_DEVCTL2_ARI);
}

static void af_rights(struct vfio_config *config, unsigned offset)
{
	vfio_config_rights(config, offset + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR, 0);
	config->shadow[offset + PCI_AF_CTRL] = 0;
}

static const struct cap_rule cap_rules[] = {
	{PCI_CAP_ID_PM, PCI_PM_SIZEOF, NULL, pm_rights},
	{PCI_CAP_ID_AGP, PCI_AGP_SIZEOF, NULL, NULL},
	{PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF, NULL, vpd_rights},
	{PCI_CAP_ID_MSI, 0, msi_size, msi_rights},
	{PCI_CAP_ID_PCIX, PCI_CAP_PCIX_SIZEOF_V0, NULL, pcix_rights},
	{PCI_CAP_ID_HT, 4, NULL, NULL},
	{PCI_CAP_ID_VNDR, 0, vendor_size, vendor_rights},
	{PCI_CAP_ID_EXP, 60, NULL, pcie_rights},
	{PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, NULL, NULL},
	{PCI_CAP_ID_SATA, PCI_SATA_SIZEOF_LONG, NULL, NULL},
	{PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, NULL, af_rights},
};

/* NULL: programs do not see it. */
static const struct cap_rule *cap_rule(uint8_t id)
{
	for (size_t i = 0; i < base_array_size(cap_rules); i++)
		if (cap_rules[i].id == id)
			return &cap_rules[i];
	return NULL;
}

static void cap_open(struct vfio_config *config, const struct cap_rule *rule, unsigned offset)
{
	unsigned length = rule->length ? rule->length : rule->size(config, offset);

	vfio_config_read_only(config, offset, base_min_u64(length, 256 - offset));
	if (rule->rights)
		rule->rights(config, offset);
	vfio_config_rights(config, offset + PCI_CAP_LIST_NEXT, 1, 0xff, 0);
}

/* Hidden ones are skipped: the `next` byte before them, which is virtual, leads past. */
void vfio_config_caps_open(struct vfio_config *config)
{
	unsigned link = PCI_CAPABILITY_LIST, offset = config->hw[link] & ~3u;

	for (unsigned left = CAP_LIMIT; offset >= PCI_STD_HEADER_SIZEOF && left; left--) {
		const struct cap_rule *rule = cap_rule(config->hw[offset]);

		if (rule) {
			cap_open(config, rule, offset);
			config->shadow[link] = offset;
			link = offset + PCI_CAP_LIST_NEXT;
		}
		offset = config->hw[offset + PCI_CAP_LIST_NEXT] & ~3u;
	}
	config->shadow[link] = 0;
	if (config->pcie)
		vfio_config_ext_open(config);
}
