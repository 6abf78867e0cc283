// SPDX-License-Identifier: MIT
// One I/OAT model on a fake device, and what a driver would do with it.

#include "ioat_fixture.h"

#include <stdlib.h>
#include <string.h>

static void model_create(struct ioat *ioat, const char *option)
{
	const char *options[] = {option, NULL};
	const char *message = NULL;

	assert_int_equal(model_ioat.create(ioat->device, options, &ioat->model, &message), 0);
	assert_null(message);
}

int ioat_setup(void **state)
{
	struct ioat *ioat = calloc(1, sizeof(*ioat));

	if (!ioat)
		return -1;
	ioat->device = fake_device_new(IOVA_BASE);
	fake_device_protect(ioat->device, IOVA_HOLE, 16, FAKE_NONE);
	fake_device_protect(ioat->device, IOVA_READABLE, 16, FAKE_READ);
	fake_device_protect(ioat->device, IOVA_WRITEABLE, 16, FAKE_WRITE);
	model_create(ioat, NULL);
	*state = ioat;
	return 0;
}

int ioat_teardown(void **state)
{
	struct ioat *ioat = *state;

	model_ioat.destroy(ioat->model);
	free(ioat->device);
	free(ioat);
	return 0;
}

void ioat_recreate(struct ioat *ioat, const char *option)
{
	model_ioat.destroy(ioat->model);
	model_create(ioat, option);
}

uint64_t ioat_read(struct ioat *ioat, unsigned offset, unsigned width)
{
	return model_ioat.bar_read(ioat->model, 0, offset, width);
}

void ioat_write(struct ioat *ioat, unsigned offset, unsigned width, uint64_t value)
{
	model_ioat.bar_write(ioat->model, 0, offset, width, value);
}

struct ioat_descriptor *ioat_desc(struct ioat *ioat, unsigned index)
{
	return fake_device_at(ioat->device, ioat_ring_iova(index));
}

void ioat_ring_link(struct ioat *ioat, unsigned count, uint32_t control)
{
	for (unsigned i = 0; i < count; i++)
		*ioat_desc(ioat, i) = (struct ioat_descriptor){
			.size = 8,
			.control = NULL_OP | control,
			.next = ioat_ring_iova(i + 1),
		};
}

void ioat_desc_copy(struct ioat *ioat, unsigned index, uint32_t size, uint32_t control)
{
	struct ioat_descriptor *desc = ioat_desc(ioat, index);

	desc->size = size;
	desc->control = COPY | control;
	desc->source = IOVA_SRC;
	desc->destination = IOVA_DST;
}

void ioat_clear(struct ioat *ioat)
{
	ioat_write(ioat, CHANERR, 4, ioat_errors(ioat));
	ioat_write(ioat, CHANCMD, 1, RESET);
}

void ioat_arm(struct ioat *ioat, uint16_t chanctrl)
{
	ioat_write(ioat, INTRCTRL, 1, 0x08);
	ioat_write(ioat, CHANCTRL, 2, chanctrl);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
}

void ioat_enter_state(struct ioat *ioat, unsigned channel_state)
{
	if (channel_state == HALTED)
		return;
	ioat_ring_link(ioat, 4, 0);
	ioat_write(ioat, CHAINADDR, 8, ioat_ring_iova(0));
	if (channel_state == ARMED)
		return;
	ioat_write(ioat, DMACOUNT, 2, 1);
	if (channel_state == SUSPENDED)
		ioat_write(ioat, CHANCMD, 1, SUSPEND);
}

uint64_t ioat_word(struct ioat *ioat)
{
	uint64_t word;

	memcpy(&word, fake_device_at(ioat->device, IOVA_WORD), sizeof(word));
	return word;
}

void ioat_run_one(struct ioat *ioat, uint16_t chanctrl)
{
	ioat_clear(ioat);
	ioat_arm(ioat, chanctrl);
	ioat_write(ioat, CHANCMP, 8, IOVA_WORD);
	ioat_write(ioat, DMACOUNT, 2, 1);
}
