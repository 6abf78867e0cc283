// SPDX-License-Identifier: MIT
// Interrupts of the I/OAT model: permission, the one that is held back, MSI-X and INTx (3, 7).

#include "models/ioat.h"

#define CHANNEL_ATTENTION 1u /* channel 0 in ATTNSTATUS */
#define CHANNEL_VECTOR	  0

uint8_t model_ioat_irq_control(const struct model_ioat *ioat)
{
	uint8_t control = (uint8_t)ioat->reg[IOAT_INTRCTRL];

	if (ioat->reg[IOAT_ATTNSTATUS])
		control |= IOAT_INTRCTRL_STATUS;
	if (control & IOAT_INTRCTRL_STATUS && control & IOAT_INTRCTRL_MASTER)
		control |= IOAT_INTRCTRL_LINE;
	return control;
}

void model_ioat_irq_line_update(struct model_ioat *ioat)
{
	bool asserted = model_ioat_irq_control(ioat) & IOAT_INTRCTRL_LINE;

	swiommu_intx_set(ioat->device, asserted && !swiommu_msix_enabled(ioat->device));
}

static void irq_raise(struct model_ioat *ioat)
{
	ioat->reg[IOAT_CHANCTRL] |= IOAT_CHANCTRL_INT_DISABLE;
	if (swiommu_msix_enabled(ioat->device)) {
		swiommu_irq_raise(ioat->device, CHANNEL_VECTOR);
	} else {
		ioat->reg[IOAT_ATTNSTATUS] |= CHANNEL_ATTENTION;
		model_ioat_irq_line_update(ioat);
	}
}

void model_ioat_irq_due(struct model_ioat *ioat)
{
	if (!(ioat->reg[IOAT_INTRCTRL] & (IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX)))
		return;
	if (ioat->reg[IOAT_CHANCTRL] & IOAT_CHANCTRL_INT_DISABLE)
		ioat->channel.interrupt_held = true;
	else
		irq_raise(ioat);
}

void model_ioat_irq_rearm(struct model_ioat *ioat)
{
	bool held = ioat->channel.interrupt_held;

	ioat->reg[IOAT_CHANCTRL] &= ~(uint64_t)IOAT_CHANCTRL_INT_DISABLE;
	ioat->channel.interrupt_held = false;
	if (held)
		model_ioat_irq_due(ioat);
}
