// SPDX-License-Identifier: MIT
// The I/OAT engine: fetches descriptors, does what they say, reports completion (5 to 8).

#include "models/ioat.h"

#include "base/base.h"

/* Descriptor control (6) */
#define CONTROL_INTERRUPT    0x00000001u
#define CONTROL_COMPLETION   0x00000008u
#define CONTROL_NULL	     0x00000020u
#define CONTROL_OPCODE_SHIFT 24
#define OPCODE_COPY	     0x00u
#define OPCODE_FILL	     0x01u

/*
 * Bits that may be set: interrupt, snoop control, completion, fence, bundle,
 * cache access, hint; null for copies only. Page breaks are refused.
 */
#define CONTROL_ALLOWED_FILL 0x0000071fu
#define CONTROL_ALLOWED_COPY (CONTROL_ALLOWED_FILL | CONTROL_NULL)

#define DESCRIPTOR_ALIGN 64

/* As it lies in memory. */
struct descriptor {
	uint32_t size, control;
	uint64_t source; /* fill: the pattern */
	uint64_t destination;
	uint64_t next;
	uint64_t other[4]; /* page breaks, words of the driver's own */
};
_Static_assert(sizeof(struct descriptor) == 64, "a descriptor is 64 bytes");

static enum model_ioat_error descriptor_fetch(struct model_ioat *ioat, struct descriptor *desc)
{
	const struct model_ioat_channel *channel = &ioat->channel;
	bool first = channel->at_chain_start;

	if (!base_is_aligned(channel->next_iova, DESCRIPTOR_ALIGN))
		return first ? IOAT_ERR_CHAIN_ADDRESS : IOAT_ERR_NEXT_ADDRESS;
	if (swiommu_dma_read(ioat->device, 0, channel->next_iova, desc, sizeof(*desc), NULL))
		return first ? IOAT_ERR_CHAIN_ADDRESS : IOAT_ERR_DESCRIPTOR;
	return 0;
}

static enum model_ioat_error dma_error(const struct model_ioat *ioat,
				       const struct swiommu_dma_fault *fault)
{
	if (ioat->fault_is_address)
		return fault->write ? IOAT_ERR_DESTINATION_ADDRESS : IOAT_ERR_SOURCE_ADDRESS;
	return fault->write ? IOAT_ERR_WRITE_DATA : IOAT_ERR_READ_DATA;
}

static bool size_is_valid(const struct model_ioat *ioat, uint32_t size)
{
	return size && size <= (uint32_t)1 << ioat->xfercap_lg2;
}

static enum model_ioat_error descriptor_copy(struct model_ioat *ioat, const struct descriptor *desc)
{
	struct swiommu_dma_fault fault = {0};

	if (desc->control & ~CONTROL_ALLOWED_COPY)
		return IOAT_ERR_CONTROL;
	if (desc->control & CONTROL_NULL)
		return 0;
	if (!size_is_valid(ioat, desc->size))
		return IOAT_ERR_LENGTH;
	if (swiommu_dma_copy(ioat->device, 0, desc->destination, desc->source, desc->size, &fault))
		return dma_error(ioat, &fault);
	return 0;
}

static enum model_ioat_error descriptor_fill(struct model_ioat *ioat, const struct descriptor *desc)
{
	struct swiommu_dma_fault fault = {.write = true};
	uint32_t control = desc->control ^ OPCODE_FILL << CONTROL_OPCODE_SHIFT;

	if (control & ~CONTROL_ALLOWED_FILL)
		return IOAT_ERR_CONTROL;
	if (!size_is_valid(ioat, desc->size))
		return IOAT_ERR_LENGTH;
	if (swiommu_dma_fill(ioat->device, 0, desc->destination, desc->source, desc->size, &fault))
		return dma_error(ioat, &fault);
	return 0;
}

static enum model_ioat_error descriptor_execute(struct model_ioat *ioat,
						const struct descriptor *desc)
{
	switch (desc->control >> CONTROL_OPCODE_SHIFT) {
	case OPCODE_COPY: return descriptor_copy(ioat, desc);
	case OPCODE_FILL: return descriptor_fill(ioat, desc);
	default: return IOAT_ERR_CONTROL;
	}
}

bool model_ioat_engine_completion(struct model_ioat *ioat)
{
	uint64_t word = model_ioat_channel_status(ioat);

	if (!ioat->channel.completion_set)
		return true;
	return !swiommu_dma_write(ioat->device, 0, ioat->reg[IOAT_CHANCMP], &word, sizeof(word),
				  NULL);
}

/* Account for a descriptor that did its work, then tell the program if it wants to know. */
static void descriptor_retire(struct model_ioat *ioat, const struct descriptor *desc)
{
	struct model_ioat_channel *channel = &ioat->channel;

	channel->done_iova = channel->next_iova;
	channel->next_iova = desc->next;
	channel->at_chain_start = false;
	channel->executed++;
	if (channel->executed == ioat->reg[IOAT_DMACOUNT])
		channel->state = IOAT_DONE;
	if (desc->control & CONTROL_COMPLETION && !model_ioat_engine_completion(ioat))
		model_ioat_channel_fail(ioat, IOAT_ERR_COMPLETION);
	else if (desc->control & CONTROL_INTERRUPT)
		model_ioat_irq_due(ioat);
}

static void engine_step(struct model_ioat *ioat)
{
	struct descriptor desc;
	enum model_ioat_error error;

	ioat->reg[IOAT_CDAR] = ioat->channel.next_iova;
	error = descriptor_fetch(ioat, &desc);
	if (!error)
		error = descriptor_execute(ioat, &desc);
	if (error)
		model_ioat_channel_fail(ioat, error);
	else
		descriptor_retire(ioat, &desc);
}

/*
 * Each descriptor is fetched when its turn comes, a self-linked one too: it may
 * be the destination of its own copy.
 */
void model_ioat_engine_run(struct model_ioat *ioat)
{
	while (ioat->channel.state == IOAT_ACTIVE)
		engine_step(ioat);
}
