// SPDX-License-Identifier: MIT
// The I/OAT channel: states, commands, the two registers that start work, errors (4, 8).

#include "models/ioat.h"

#include "base/base.h"

void model_ioat_channel_reset(struct model_ioat *ioat)
{
	static const enum model_ioat_reg cleared[] = {
		IOAT_CHANCTRL,
		IOAT_DMACOUNT,
		IOAT_CHAINADDR,
		IOAT_CHANCMP,
	};

	for (size_t i = 0; i < base_array_size(cleared); i++)
		ioat->reg[cleared[i]] = 0;
	ioat->channel = (struct model_ioat_channel){.state = IOAT_HALTED};
}

static void channel_suspend(struct model_ioat_channel *channel)
{
	if (channel->state == IOAT_DONE)
		channel->state = IOAT_SUSPENDED;
}

/* One bit, and one that some part of this family knows. */
static bool command_is_known(uint8_t command)
{
	return base_lowest_bit(command) == command &&
	       !(command & ~(IOAT_CHANCMD_SUSPEND | IOAT_CHANCMD_OLD));
}

void model_ioat_channel_command(struct model_ioat *ioat, uint8_t command)
{
	if (command & IOAT_CHANCMD_RESET)
		model_ioat_channel_reset(ioat);
	else if (!command_is_known(command))
		model_ioat_channel_fail(ioat, IOAT_ERR_COMMAND);
	else if (command & IOAT_CHANCMD_SUSPEND)
		channel_suspend(&ioat->channel);
}

void model_ioat_channel_chain(struct model_ioat *ioat)
{
	struct model_ioat_channel *channel = &ioat->channel;

	channel->chain_staged = false;
	if (channel->state == IOAT_HALTED && ioat->reg[IOAT_CHANERR])
		return;
	channel->state = IOAT_ARMED;
	channel->done_iova = 0;
	channel->next_iova = ioat->reg[IOAT_CHAINADDR];
	channel->at_chain_start = true;
	channel->executed = 0;
	ioat->reg[IOAT_DMACOUNT] = 0;
}

/* A low half of CHAINADDR alone counts from here on; the new count belongs to it. */
static void chain_unstage(struct model_ioat *ioat)
{
	uint64_t count = ioat->reg[IOAT_DMACOUNT];

	if (!ioat->channel.chain_staged)
		return;
	model_ioat_channel_chain(ioat);
	ioat->reg[IOAT_DMACOUNT] = count;
}

void model_ioat_channel_count(struct model_ioat *ioat)
{
	struct model_ioat_channel *channel = &ioat->channel;

	chain_unstage(ioat);
	if (channel->state == IOAT_HALTED || channel->executed == ioat->reg[IOAT_DMACOUNT])
		return;
	channel->state = IOAT_ACTIVE;
	model_ioat_engine_run(ioat);
}

uint64_t model_ioat_channel_status(const struct model_ioat *ioat)
{
	return ioat->channel.done_iova | ioat->channel.state;
}

static void error_mirror(struct model_ioat *ioat, enum model_ioat_error error)
{
	uint32_t errors = swiommu_config_get(ioat->device, IOAT_CONFIG_CHANERR_INT, 4);

	swiommu_config_set(ioat->device, IOAT_CONFIG_CHANERR_INT, 4, errors | error);
}

/* Errors of a descriptor halt in any case, the only other one if it is asked to (3). */
static bool error_halts(const struct model_ioat *ioat, enum model_ioat_error error)
{
	return error != IOAT_ERR_COMMAND || ioat->reg[IOAT_CHANCTRL] & IOAT_CHANCTRL_ANY_ERR_ABORT;
}

static bool error_wants_completion(const struct model_ioat *ioat, enum model_ioat_error error)
{
	return error != IOAT_ERR_COMPLETION && error_halts(ioat, error) &&
	       ioat->reg[IOAT_CHANCTRL] & IOAT_CHANCTRL_ERR_COMPLETION;
}

static bool error_wants_interrupt(const struct model_ioat *ioat, enum model_ioat_error error)
{
	return ioat->reg[IOAT_CHANCTRL] & IOAT_CHANCTRL_ERR_INT &&
	       !(ioat->reg[IOAT_CHANERRMSK] & error);
}

void model_ioat_channel_fail(struct model_ioat *ioat, enum model_ioat_error error)
{
	ioat->reg[IOAT_CHANERR] |= error;
	error_mirror(ioat, error);
	if (error_halts(ioat, error))
		ioat->channel.state = IOAT_HALTED;
	if (error_wants_completion(ioat, error))
		model_ioat_engine_completion(ioat); /* a second failure adds no bit (8) */
	if (error_wants_interrupt(ioat, error))
		model_ioat_irq_due(ioat);
}
