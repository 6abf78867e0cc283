// SPDX-License-Identifier: MIT
// The I/OAT register file: a table of registers, and what the special ones do (2, 3).

#include "models/ioat.h"

#include "base/base.h"

/* One register. Without functions it is plain storage. */
struct reg_row {
	uint16_t offset;
	uint8_t width; /* bytes */
	uint64_t reset;
	uint64_t writable; /* bits that take what is written */
	uint64_t clear;	   /* bits that are cleared by writing one */

	/* The value and the side effects of a read; `mask`: the bits that are read. */
	uint64_t (*read)(struct model_ioat *ioat, uint64_t mask);

	/* The effect of a write, after it is stored; `bits` is 0 outside `mask`. */
	void (*written)(struct model_ioat *ioat, uint64_t mask, uint64_t bits);
};

/* An acknowledged interrupt in INTx operation switches the master bit off (2, INTRCTRL). */
static uint64_t intrctrl_read(struct model_ioat *ioat, uint64_t mask)
{
	uint8_t value = model_ioat_irq_control(ioat);

	(void)mask;
	if (!swiommu_msix_enabled(ioat->device))
		ioat->reg[IOAT_INTRCTRL] &= ~(uint64_t)IOAT_INTRCTRL_MASTER;
	model_ioat_irq_line_update(ioat);
	return value;
}

static void intrctrl_written(struct model_ioat *ioat, uint64_t mask, uint64_t bits)
{
	(void)mask;
	(void)bits;
	model_ioat_irq_line_update(ioat);
}

static uint64_t attnstatus_read(struct model_ioat *ioat, uint64_t mask)
{
	uint64_t value = ioat->reg[IOAT_ATTNSTATUS];

	ioat->reg[IOAT_ATTNSTATUS] &= ~mask;
	model_ioat_irq_line_update(ioat);
	return value;
}

static uint64_t chanctrl_read(struct model_ioat *ioat, uint64_t mask)
{
	uint64_t value = ioat->reg[IOAT_CHANCTRL];

	ioat->reg[IOAT_CHANCTRL] |= mask & IOAT_CHANCTRL_IN_USE;
	return value;
}

static void chanctrl_written(struct model_ioat *ioat, uint64_t mask, uint64_t bits)
{
	ioat->reg[IOAT_CHANCTRL] &= ~(mask & ~bits & IOAT_CHANCTRL_IN_USE);
	if (bits & IOAT_CHANCTRL_INT_DISABLE)
		model_ioat_irq_rearm(ioat);
}

static void chancmd_written(struct model_ioat *ioat, uint64_t mask, uint64_t bits)
{
	(void)mask;
	model_ioat_channel_command(ioat, (uint8_t)bits);
}

static void dmacount_written(struct model_ioat *ioat, uint64_t mask, uint64_t bits)
{
	(void)mask;
	(void)bits;
	model_ioat_channel_count(ioat);
}

/* Two reads of 4 bytes, low then high, give one moment's value. */
static uint64_t chansts_read(struct model_ioat *ioat, uint64_t mask)
{
	struct model_ioat_channel *channel = &ioat->channel;
	uint64_t value = model_ioat_channel_status(ioat);
	bool low = mask & UINT32_MAX;
	bool high = mask >> 32;

	if (high && !low && channel->status_latched)
		value = (uint64_t)channel->status_high << 32;
	channel->status_latched = low && !high;
	channel->status_high = (uint32_t)(value >> 32);
	return value;
}

/* The byte that makes the address whole is its last; drivers write low halves first. */
static void chainaddr_written(struct model_ioat *ioat, uint64_t mask, uint64_t bits)
{
	(void)bits;
	if (mask >> 56)
		model_ioat_channel_chain(ioat);
	else
		ioat->channel.chain_staged = true;
}

static void chancmp_written(struct model_ioat *ioat, uint64_t mask, uint64_t bits)
{
	(void)mask;
	(void)bits;
	ioat->channel.completion_set = true;
}

static const struct reg_row reg_rows[IOAT_REG_COUNT] = {
	/* The function */
	[IOAT_CHANCNT] = {0x00, 1, .reset = 1},
	[IOAT_XFERCAP] = {0x01, 1, .reset = 0}, /* then what option xfercap says */
	[IOAT_GENCTRL] = {0x02, 1, .writable = 0x01},
	[IOAT_INTRCTRL] = {0x03, 1, .writable = IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX,
			   .read = intrctrl_read, .written = intrctrl_written},
	[IOAT_ATTNSTATUS] = {0x04, 4, .read = attnstatus_read},
	[IOAT_CBVER] = {0x08, 1, .reset = 0x33},
	[IOAT_INTRDELAY] = {0x0c, 2, .writable = 0x3fff},
	[IOAT_CS_STATUS] = {0x0e, 2, .reset = 0},
	[IOAT_DMACAPABILITY] = {0x10, 4, .reset = 0x40}, /* (9) block fill */
	[IOAT_DCAOFFSET] = {0x14, 2, .reset = 0},

	/* The channel */
	[IOAT_CHANCTRL] = {0x80, 2, .writable = IOAT_CHANCTRL_STORED, .read = chanctrl_read,
			   .written = chanctrl_written},
	[IOAT_DMA_COMP] = {0x82, 2, .reset = 0x0002},
	[IOAT_CHANCMD] = {0x84, 1, .written = chancmd_written},
	[IOAT_DMACOUNT] = {0x86, 2, .writable = 0xffff, .written = dmacount_written},
	[IOAT_CHANSTS] = {0x88, 8, .read = chansts_read},
	[IOAT_CHAINADDR] = {0x90, 8, .writable = UINT64_MAX, .written = chainaddr_written},
	[IOAT_CHANCMP] = {0x98, 8, .writable = ~(uint64_t)7, .written = chancmp_written},
	[IOAT_CDAR] = {0xa0, 8, .reset = 0},
	[IOAT_CHANERR] = {0xa8, 4, .clear = UINT32_MAX},
	[IOAT_CHANERRMSK] = {0xac, 4, .writable = UINT32_MAX},
	[IOAT_DCACTRL] = {0xb0, 4, .writable = UINT32_MAX},
	[IOAT_DRSCTL] = {0xb6, 2, .writable = 0xffff},
	[IOAT_LTRSEL] = {0xbc, 1, .writable = 0xff},
	[IOAT_LTRACTIVE] = {0xc0, 4, .writable = UINT32_MAX},
	[IOAT_LTRIDLE] = {0xc4, 4, .writable = UINT32_MAX},

	/* MSI-X: storage only, interrupts are routed by VFIO */
	[IOAT_MSIX_ADDRESS_LOW] = {0x2000, 4, .writable = ~(uint32_t)3},
	[IOAT_MSIX_ADDRESS_HIGH] = {0x2004, 4, .writable = UINT32_MAX},
	[IOAT_MSIX_DATA] = {0x2008, 4, .writable = UINT32_MAX},
	[IOAT_MSIX_CONTROL] = {0x200c, 4, .reset = 1, .writable = 1},
	[IOAT_MSIX_PBA] = {0x3000, 8, .reset = 0},
};

void model_ioat_regs_reset(struct model_ioat *ioat)
{
	for (unsigned i = 0; i < IOAT_REG_COUNT; i++)
		ioat->reg[i] = reg_rows[i].reset;
	ioat->reg[IOAT_XFERCAP] = ioat->xfercap_lg2;
	model_ioat_channel_reset(ioat);
}

static uint64_t bytes_mask(unsigned width)
{
	return UINT64_MAX >> (64 - 8 * width);
}

/* Shift left by `bytes`, right if negative; less than 8 either way. */
static uint64_t bytes_shift(uint64_t value, int bytes)
{
	return bytes < 0 ? value >> (-8 * bytes) : value << (8 * bytes);
}

static bool reg_is_covered(const struct reg_row *row, uint64_t offset, unsigned width)
{
	return base_ranges_meet(row->offset, row->offset + row->width - 1u, offset,
				offset + width - 1);
}

uint64_t model_ioat_regs_read(struct model_ioat *ioat, uint64_t offset, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < IOAT_REG_COUNT; i++) {
		const struct reg_row *row = &reg_rows[i];
		int shift = (int)(row->offset - offset);
		uint64_t mask, part;

		if (!reg_is_covered(row, offset, width))
			continue;
		mask = bytes_shift(bytes_mask(width), -shift) & bytes_mask(row->width);
		part = row->read ? row->read(ioat, mask) : ioat->reg[i];
		value |= bytes_shift(part & mask, shift);
	}
	return value;
}

void model_ioat_regs_write(struct model_ioat *ioat, uint64_t offset, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < IOAT_REG_COUNT; i++) {
		const struct reg_row *row = &reg_rows[i];
		int shift = (int)(offset - row->offset);
		uint64_t mask, bits, taken;

		if (!reg_is_covered(row, offset, width))
			continue;
		mask = bytes_shift(bytes_mask(width), shift) & bytes_mask(row->width);
		bits = bytes_shift(value, shift) & mask;
		taken = mask & row->writable;
		ioat->reg[i] = ((ioat->reg[i] & ~taken) | (bits & taken)) & ~(bits & row->clear);
		if (row->written)
			row->written(ioat, mask, bits);
	}
}
