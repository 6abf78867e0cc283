// SPDX-License-Identifier: MIT
/* What a program may see and write of each extended capability (vfio-device-ioctls.md 8). */
#include "vfio/private.h"

/* More capabilities than fit are a list that does not end. */
#define CAP_LIMIT ((VFIO_CONFIG_SIZE - PCI_CFG_SPACE_SIZE) / 8)

struct ext_rule {
	uint16_t id;
	uint16_t length; /* of the part that is read only; 0: `rights` sees to all */
	void (*rights)(struct vfio_config *config, unsigned offset);
};

static void allow(struct vfio_config *config, unsigned offset, unsigned width)
{
	vfio_config_rights(config, offset, width, 0, ~0u);
}

static void error_rights(struct vfio_config *config, unsigned offset)
{
	for (unsigned i = PCI_ERR_UNCOR_STATUS; i <= PCI_ERR_CAP; i += 4)
		allow(config, offset + i, 4);
}

static void power_rights(struct vfio_config *config, unsigned offset)
{
	allow(config, offset + PCI_PWR_DSR, 1);
}

/* Everything behind the header is the device's own business. */
static void raw_rights(struct vfio_config *config, unsigned offset)
{
	vfio_config_read_only(config, offset, 4);
}

static const struct ext_rule ext_rules[] = {
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_ROOT_COMMAND, error_rights},
	{PCI_EXT_CAP_ID_VC, 16, NULL},
	{PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_DSN_SIZEOF, NULL},
	{PCI_EXT_CAP_ID_PWR, PCI_EXT_CAP_PWR_SIZEOF, power_rights},
	{PCI_EXT_CAP_ID_VNDR, 0, raw_rights},
	{PCI_EXT_CAP_ID_ACS, 8, NULL},
	{PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ARI_SIZEOF, NULL},
	{PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ATS_SIZEOF, NULL},
	{PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF, NULL},
	{PCI_EXT_CAP_ID_PRI, PCI_EXT_CAP_PRI_SIZEOF, NULL},
	{PCI_EXT_CAP_ID_REBAR, 12, NULL},
	{PCI_EXT_CAP_ID_TPH, 12, NULL},
	{PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_LTR_SIZEOF, NULL},
	{PCI_EXT_CAP_ID_DVSEC, 0, raw_rights},
};

/* NULL: programs do not see it, as they do not see PASIDs. */
static const struct ext_rule *ext_rule(unsigned id)
{
	for (size_t i = 0; i < base_array_size(ext_rules); i++)
		if (ext_rules[i].id == id)
			return &ext_rules[i];
	return NULL;
}

static void ext_open(struct vfio_config *config, const struct ext_rule *rule, unsigned offset)
{
	if (rule) {
		vfio_config_read_only(config, offset, rule->length);
		if (rule->rights)
			rule->rights(config, offset);
	}
	vfio_config_rights(config, offset, 4, ~0u, 0);
}

static void ext_set_next(struct vfio_config *config, unsigned offset, unsigned next)
{
	config->shadow[offset + 2] = (config->shadow[offset + 2] & 0x0f) | next << 4;
	config->shadow[offset + 3] = next >> 4;
}

/* The first one is the anchor of the list: if it is hidden it loses its id and stays. */
void vfio_config_ext_open(struct vfio_config *config)
{
	unsigned offset = PCI_CFG_SPACE_SIZE, link = 0;

	for (unsigned left = CAP_LIMIT; offset >= PCI_CFG_SPACE_SIZE && left; left--) {
		uint32_t header = vfio_config_hw_get(config, offset, 4);
		const struct ext_rule *rule = ext_rule(PCI_EXT_CAP_ID(header));

		if (!header)
			break;
		if (rule || !link) {
			ext_open(config, rule, offset);
			if (!rule)
				config->shadow[offset] = config->shadow[offset + 1] = 0;
			if (link)
				ext_set_next(config, link, offset);
			ext_set_next(config, offset, 0);
			link = offset;
		}
		offset = PCI_EXT_CAP_NEXT(header);
	}
}
