// SPDX-License-Identifier: MIT
/* What a program may see and write of each capability (vfio-device-ioctls.md 8). */
#include "vfio/private.h"

/* A standard capability: its length in bytes, and its rights beyond "read only". */
struct cap_rule {
	uint8_t id;
	uint8_t length; /* 0: hidden from programs */
	void (*rights)(struct vfio_config *config, unsigned offset);
};

static void pm_rights(struct vfio_config *config, unsigned offset)
{
	/* Power state may be written; wake-up events (PME) are not ours to give. */
	vfio_config_rights(config, offset + PCI_PM_PMC, 2, PCI_PM_CAP_PME_MASK, 0);
	vfio_config_rights(config, offset + PCI_PM_CTRL, 2,
			   PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS, PCI_PM_CTRL_STATE_MASK);
	config->shadow[offset + PCI_PM_PMC + 1] &= ~(PCI_PM_CAP_PME_MASK >> 8);
	config->shadow[offset + PCI_PM_CTRL + 1] = 0;
}

static void pcie_rights(struct vfio_config *config, unsigned offset)
{
	const uint16_t control = 0xffff & ~PCI_EXP_DEVCTL_PHANTOM;

	vfio_config_rights(config, offset + PCI_EXP_DEVCTL, 2,
			   PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_BCR_FLR,
			   control & ~PCI_EXP_DEVCTL_BCR_FLR);
	config->shadow[offset + PCI_EXP_DEVCTL + 1] &= ~(PCI_EXP_DEVCTL_BCR_FLR >> 8);
	vfio_config_rights(config, offset + PCI_EXP_DEVCTL2, 2, 0, 0xffff & ~PCI_EXP_DEVCTL2_ARI);
}

static void msi_rights(struct vfio_config *config, unsigned offset)
{
	bool wide = config->hw[offset + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_64BIT;

	/* Address, data and enable are the program's own picture; VFIO routes the vectors. */
	vfio_config_rights(config, offset + PCI_MSI_FLAGS, 2, 0xffff,
			   PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	vfio_config_rights(config, offset + PCI_MSI_ADDRESS_LO, 4, ~0u, ~3u);
	if (wide)
		vfio_config_rights(config, offset + PCI_MSI_ADDRESS_HI, 4, ~0u, ~0u);
	vfio_config_rights(config, offset + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, 0xffff,
			   0xffff);
}

static void vendor_rights(struct vfio_config *config, unsigned offset)
{
	for (unsigned i = 2; i < config->hw[offset + 2] && offset + i < 256; i++)
		vfio_config_rights(config, offset + i, 1, 0, 0xff);
}

static const struct cap_rule cap_rules[] = {
	{PCI_CAP_ID_PM, PCI_PM_SIZEOF, pm_rights},
	{PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF, NULL},
	{PCI_CAP_ID_MSI, 24, msi_rights},
	{PCI_CAP_ID_PCIX, PCI_CAP_PCIX_SIZEOF_V0, NULL},
	{PCI_CAP_ID_HT, 4, NULL},
	{PCI_CAP_ID_VNDR, 3, vendor_rights},
	{PCI_CAP_ID_EXP, 60, pcie_rights},
	{PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, NULL},
	{PCI_CAP_ID_SATA, 8, NULL},
	{PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, NULL},
};

static const struct cap_rule *cap_rule(uint8_t id)
{
	for (size_t i = 0; i < base_array_size(cap_rules); i++)
		if (cap_rules[i].id == id)
			return &cap_rules[i];
	return NULL;
}

static void read_only(struct vfio_config *config, unsigned offset, unsigned length, unsigned end)
{
	for (unsigned i = 0; i < length && offset + i < end; i++)
		vfio_config_rights(config, offset + i, 1, 0, 0);
}

/* Hidden ones are skipped: the `next` byte before them, which is virtual, leads past. */
static void std_caps_open(struct vfio_config *config)
{
	unsigned link = PCI_CAPABILITY_LIST, offset = config->hw[link];

	for (unsigned left = 48; offset >= 0x40 && left; left--) {
		const struct cap_rule *rule = cap_rule(config->hw[offset]);
		unsigned next = config->hw[offset + 1] & ~3u;

		if (rule) {
			read_only(config, offset, rule->length, 256);
			if (rule->rights)
				rule->rights(config, offset);
			vfio_config_rights(config, offset + 1, 1, 0xff, 0);
			config->shadow[link] = offset;
			link = offset + 1;
		}
		offset = next;
	}
	config->shadow[link] = 0;
}

/* ---- extended capabilities ---- */

static uint32_t ext_header(const struct vfio_config *config, unsigned offset)
{
	return vfio_config_hw_get(config, offset, 4);
}

/* PASIDs and the rest that a program must not handle by itself are not shown. */
static bool ext_is_hidden(unsigned id)
{
	switch (id) {
	case PCI_EXT_CAP_ID_ERR:
	case PCI_EXT_CAP_ID_VC:
	case PCI_EXT_CAP_ID_DSN:
	case PCI_EXT_CAP_ID_PWR:
	case PCI_EXT_CAP_ID_VNDR:
	case PCI_EXT_CAP_ID_ACS:
	case PCI_EXT_CAP_ID_ARI:
	case PCI_EXT_CAP_ID_ATS:
	case PCI_EXT_CAP_ID_SRIOV:
	case PCI_EXT_CAP_ID_PRI:
	case PCI_EXT_CAP_ID_REBAR:
	case PCI_EXT_CAP_ID_LTR:
	case PCI_EXT_CAP_ID_TPH:
	case PCI_EXT_CAP_ID_DVSEC: return false;
	default: return true;
	}
}

static void ext_rights(struct vfio_config *config, unsigned offset, unsigned id)
{
	bool raw = id == PCI_EXT_CAP_ID_VNDR || id == PCI_EXT_CAP_ID_DVSEC;

	if (!raw)
		read_only(config, offset, 8, VFIO_CONFIG_SIZE);
	if (id == PCI_EXT_CAP_ID_ERR)
		read_only(config, offset + PCI_ERR_HEADER_LOG, 16, VFIO_CONFIG_SIZE);
	vfio_config_rights(config, offset, 4, ~0u, 0);
}

static void ext_set_next(struct vfio_config *config, unsigned offset, unsigned next)
{
	config->shadow[offset + 2] = (config->shadow[offset + 2] & 0x0f) | next << 4;
	config->shadow[offset + 3] = next >> 4;
}

static void ext_caps_open(struct vfio_config *config)
{
	unsigned offset = PCI_CFG_SPACE_SIZE, link = 0;

	for (unsigned left = 480; offset >= PCI_CFG_SPACE_SIZE && left; left--) {
		uint32_t header = ext_header(config, offset);
		unsigned id = PCI_EXT_CAP_ID(header), next = PCI_EXT_CAP_NEXT(header);
		bool first = offset == PCI_CFG_SPACE_SIZE;

		if (!header)
			break;
		if (first || !ext_is_hidden(id)) {
			ext_rights(config, offset, id);
			/* The first one is the anchor of the list even if it is hidden. */
			if (first && ext_is_hidden(id))
				config->shadow[offset] = config->shadow[offset + 1] = 0;
			if (link)
				ext_set_next(config, link, offset);
			ext_set_next(config, offset, 0);
			link = offset;
		}
		offset = next;
	}
}

void vfio_config_caps_open(struct vfio_config *config)
{
	std_caps_open(config);
	if (config->pcie)
		ext_caps_open(config);
}
