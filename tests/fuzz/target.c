// SPDX-License-Identifier: MIT
/* The fuzzer: libFuzzer chooses the inputs, and changes them record by record. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second,
				 size_t second_size, uint8_t *out, size_t max_size, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(data, size);
	return 0;
}

static unsigned next(unsigned *seed, size_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (unsigned)((*seed >> 8) % below);
}

/* A call as a program would make it, with a few bytes changed. */
static void make_record(uint8_t *record, unsigned *seed)
{
	uint8_t ops[256];
	size_t count = fuzz_ops(ops);

	memset(record, 0, FUZZ_RECORD);
	record[0] = ops[next(seed, count)];
	for (unsigned bytes = next(seed, 4); bytes > 0; bytes--)
		record[1 + next(seed, FUZZ_RECORD - 1)] = (uint8_t)next(seed, 256);
}

/* Put a record in front of the nth. */
static void insert(uint8_t *records, size_t count, size_t n, const uint8_t *record)
{
	uint8_t *at = records + n * FUZZ_RECORD;

	memmove(at + FUZZ_RECORD, at, (count - n) * FUZZ_RECORD);
	memcpy(at, record, FUZZ_RECORD);
}

static void erase(uint8_t *records, size_t count, size_t n)
{
	uint8_t *at = records + n * FUZZ_RECORD;

	memmove(at, at + FUZZ_RECORD, (count - n - 1) * FUZZ_RECORD);
}

/* Change a byte to one that is common, or let libFuzzer change the record. */
static void bend(uint8_t *record, unsigned *seed)
{
	if (next(seed, 3))
		record[1 + next(seed, FUZZ_RECORD - 1)] =
			(uint8_t)next(seed, next(seed, 2) ? 256 : 6);
	else
		LLVMFuzzerMutate(record, FUZZ_RECORD, FUZZ_RECORD);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t count = size ? (size - 1) / FUZZ_RECORD : 0;
	size_t most = (max_size - 1) / FUZZ_RECORD;
	uint8_t *records = data + 1, record[FUZZ_RECORD];

	if (!size || !next(&seed, 20))
		data[0] = (uint8_t)next(&seed, 64);
	for (unsigned times = 1 + next(&seed, 4); times > 0; times--) {
		unsigned what = count ? next(&seed, 8) : 0;

		if (what < 3 && count < most) {
			if (what < 2)
				make_record(record, &seed);
			else
				memcpy(record, records + next(&seed, count) * FUZZ_RECORD,
				       FUZZ_RECORD);
			insert(records, count, next(&seed, count + 1), record);
			count++;
		} else if (what == 3 && count > 1) {
			erase(records, count, next(&seed, count));
			count--;
		} else if (count) {
			bend(records + next(&seed, count) * FUZZ_RECORD, &seed);
		}
	}
	return 1 + count * FUZZ_RECORD;
}

/* The beginning of one, the end of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second,
				 size_t second_size, uint8_t *out, size_t max_size, unsigned seed)
{
	size_t most = (max_size - 1) / FUZZ_RECORD;
	size_t head = first_size ? next(&seed, (first_size - 1) / FUZZ_RECORD + 1) : 0;
	size_t count = second_size ? (second_size - 1) / FUZZ_RECORD : 0;
	size_t tail = next(&seed, count + 1);

	if (head > most)
		head = most;
	if (tail > most - head)
		tail = most - head;
	out[0] = first_size ? first[0] : 0;
	memcpy(out + 1, first + 1, head * FUZZ_RECORD);
	memcpy(out + 1 + head * FUZZ_RECORD, second + 1 + (count - tail) * FUZZ_RECORD,
	       tail * FUZZ_RECORD);
	return 1 + (head + tail) * FUZZ_RECORD;
}
