// SPDX-License-Identifier: MIT
/* One ioctl of the fuzzer's table: filled in, made, looked at. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "base/alloc.h"
#include "uapi/test.h"

#define ERRNO_MAX 4095
#define TAIL	  16 /* bytes behind a struct that are looked at */
#define ENTRIES	  63

struct argument {
	const struct fuzz_call *call;
	uint8_t bytes[FUZZ_STRUCT_MAX + TAIL];
	uint32_t size; /* as the struct says */
	size_t used;   /* bytes of the struct, the entries in it included */
};

uint8_t fuzz_byte(struct fuzz_input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

uint64_t fuzz_bytes(struct fuzz_input *in, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t)fuzz_byte(in) << 8 * i;
	return value;
}

uint64_t fuzz_length(struct fuzz_input *in)
{
	static const uint64_t lengths[] = {
		4096,	    2048,    1, 8192,	    0x3000,	    0x10000,	    1 << 20,
		2 << 20,    4 << 20, 0, UINT64_MAX, UINT64_MAX - 1, 1ull << 63,	    1ull << 40,
		1ull << 46, 512,     8, 64,	    16 << 20,	    (16 << 20) + 1,
	};
	uint8_t choice = fuzz_byte(in);
	uint64_t length = lengths[(choice & 31) % FUZZ_COUNT(lengths)];

	switch (choice >> 5) {
	case 1: return length + 1;
	case 2: return length - 1;
	case 3: return length + 2048;
	case 4: return length * 3;
	case 5: return length + 4096;
	}
	return length;
}

/* ---- values ---- */

static uint64_t flags(const struct fuzz_field *field, uint8_t choice)
{
	if (choice >= 0xf0)
		return field->usual | 1ull << (choice & 15) * 2;
	if (field->known > UINT8_MAX && choice & 0x40)
		return field->usual ^ field->known;
	return field->usual ^ (choice & field->known);
}

static uint64_t listed(const struct fuzz_field *field, uint8_t choice)
{
	if (choice < field->value_count)
		return field->values[choice];
	return choice == 0xff ? UINT64_MAX : (uint64_t)(choice - field->value_count);
}

static uint64_t value_of(const struct fuzz_field *field, struct fuzz_input *in)
{
	switch ((enum fuzz_kind)field->kind) {
	case FUZZ_IOVA: return fuzz_iova(in) + field->usual;
	case FUZZ_ADDRESS: return fuzz_address(in);
	case FUZZ_LENGTH: return fuzz_length(in);
	case FUZZ_BUFFER: return fuzz_place(FUZZ_DATAS, fuzz_byte(in), 32).address;
	case FUZZ_FLAGS: return flags(field, fuzz_byte(in));
	case FUZZ_VALUE: return listed(field, fuzz_byte(in));
	case FUZZ_OBJECT: return fuzz_id(field->known, fuzz_byte(in));
	case FUZZ_FD: return (uint64_t)fuzz_file((enum fuzz_file)field->usual, fuzz_byte(in));
	case FUZZ_EVENTFD:
	case FUZZ_MEMFD: return (uint64_t)fuzz_process_fd(field->kind, fuzz_byte(in));
	case FUZZ_RESERVED: {
		uint8_t choice = fuzz_byte(in);

		return choice >= 0xfc ? choice : 0;
	}
	case FUZZ_CONSTANT: return field->usual;
	default: return 0;
	}
}

static void fill(uint8_t *bytes, const struct fuzz_field *fields, size_t count,
		 struct fuzz_input *in)
{
	for (size_t i = 0; i < count; i++) {
		const struct fuzz_field *field = &fields[i];
		uint64_t value;

		if (field->kind == FUZZ_SIZE || field->kind >= FUZZ_NEW_ID)
			continue;
		value = value_of(field, in);
		memcpy(bytes + field->offset, &value, field->width);
	}
}

/* ---- data ---- */

static void set32(struct argument *arg, uint8_t offset, uint32_t value)
{
	if (offset)
		memcpy(arg->bytes + offset, &value, sizeof(value));
}

static void add32(struct argument *arg, uint8_t offset, uint32_t bits)
{
	uint32_t value;

	if (!offset)
		return;
	memcpy(&value, arg->bytes + offset, sizeof(value));
	set32(arg, offset, value | bits);
}

/* Entries behind the struct, as many as there is room for. */
static size_t fill_inlined(struct argument *arg, const struct fuzz_layout *layout, size_t count,
			   struct fuzz_input *in)
{
	size_t at = arg->call->data->inlined;

	if (!layout->size)
		return count;
	if (count > (FUZZ_STRUCT_MAX - at) / layout->size)
		count = (FUZZ_STRUCT_MAX - at) / layout->size;
	for (size_t i = 0; i < count; i++)
		fill(arg->bytes + at + i * layout->size, layout->fields, layout->field_count, in);
	arg->used = at + count * layout->size;
	return count;
}

static void fill_pointed(struct argument *arg, const struct fuzz_layout *layout, size_t count,
			 uint8_t choice, struct fuzz_input *in)
{
	static uint8_t bytes[ENTRIES * UINT8_MAX];
	size_t size = count * layout->size;
	struct fuzz_place place = fuzz_place(FUZZ_DATAS, choice, size);

	memset(bytes, 0, size);
	for (size_t i = 0; i < count; i++)
		fill(bytes + i * layout->size, layout->fields, layout->field_count, in);
	if (place.room)
		memcpy(place.bytes, bytes, size < place.room ? size : place.room);
	memcpy(arg->bytes + arg->call->data->pointer, &place.address, sizeof(place.address));
}

static uint32_t number(size_t count, uint8_t choice)
{
	static const uint32_t numbers[] = {0, 1, (1 << 19), (1 << 19) + 1, UINT32_MAX};

	return choice < 0x80 ? (uint32_t)count : numbers[choice % FUZZ_COUNT(numbers)];
}

static void fill_data(struct argument *arg, struct fuzz_input *in)
{
	const struct fuzz_data *data = arg->call->data;
	bool optional = !data->number && !data->inlined;
	uint8_t choice = fuzz_byte(in), bend = fuzz_byte(in), many = 0;
	size_t count = 1;
	const struct fuzz_layout *layout;

	if (optional && !choice--)
		return;
	layout = &data->layouts[choice % data->layout_count];
	if (!optional) {
		many = fuzz_byte(in);
		count = many ? many & ENTRIES : 1;
	}
	if (data->inlined)
		count = fill_inlined(arg, layout, count, in);
	else
		fill_pointed(arg, layout, count, bend >> 2, in);
	add32(arg, data->type, (uint32_t)layout->type + (bend == 1));
	set32(arg, data->length, layout->size + (bend == 2 ? 8 : 0) - (bend == 3 ? 4 : 0));
	set32(arg, data->number, number(count, many));
}

/* ---- the call ---- */

/* The size is that of the struct, of a shorter or a longer one, or nonsense. */
static void fill_size(struct argument *arg, uint8_t choice)
{
	const struct fuzz_call *call = arg->call;

	arg->size = (uint32_t)arg->used;
	switch (choice ? choice & 7 : 8) {
	case 0: arg->size = choice; break;
	case 1: arg->size = call->min; break;
	case 2: arg->size = call->min - 1u; break;
	case 3: arg->size += 8; break;
	case 4:
		arg->size += 8;
		arg->bytes[arg->used + 7] = choice;
		break;
	case 5: arg->size = (uint32_t)FUZZ_PAGE; break;
	case 6: arg->size = 0; break;
	case 7: arg->size = UINT32_MAX; break;
	}
	memcpy(arg->bytes, &arg->size, sizeof(arg->size));
}

static void print_call(const struct argument *arg, int fd, long rc)
{
	const struct fuzz_call *call = arg->call;

	printf("%s of %d:", call->name, fd);
	for (size_t i = 0; i < call->field_count; i++) {
		const struct fuzz_field *field = &call->fields[i];
		uint64_t value = 0;

		memcpy(&value, arg->bytes + field->offset, field->width);
		if (field->kind < FUZZ_NEW_ID)
			printf(" %s=%#llx", field->name, (unsigned long long)value);
	}
	if (call->data)
		for (size_t i = 0; i + 4 <= arg->used && i < call->size; i += 4) {
			uint32_t word;

			memcpy(&word, arg->bytes + i, 4);
			printf("%s%x", i ? " " : " (", word);
		}
	printf("%s = %ld%s%s\n", call->data ? ")" : "", rc, rc < 0 ? " -" : "",
	       rc < 0 ? strerrorname_np((int)-rc) : "");
	fflush(stdout);
}

static long run(int fd, uint32_t cmd, uint64_t argument)
{
	long rc;

	base_fail_nth(fuzz_scene.fail_nth);
	rc = swiommu_ioctl(fuzz_scene.machine, fd, cmd, (void *)(uintptr_t)argument);
	base_fail_nth(0);
	fuzz_scene.fail_nth = 0;
	if (rc < -ERRNO_MAX)
		fuzz_finding("a result that is no errno");
	return rc;
}

/* Calls that end with a number: a vector count, a capability, a descriptor. */
static bool may_be_positive(const struct fuzz_call *call)
{
	return call->cmd == VFIO_CHECK_EXTENSION || call->cmd == VFIO_DEVICE_SET_IRQS ||
	       call->cmd == VFIO_DEVICE_FEATURE || call->cmd == IOMMU_TEST_CMD;
}

/* Where what may be written ends: iommufd knows its structs, VFIO's have room for more. */
static size_t end_of_answer(const struct argument *arg)
{
	bool fixed = (arg->call->cmd & 0xff) >= IOMMUFD_CMD_BASE;

	return fixed && arg->used < arg->size ? arg->used : arg->size;
}

/* Nothing is written behind the struct, and nothing at all if the call fails before it answers. */
static void check_written(const struct argument *arg, const struct fuzz_place *place, long rc)
{
	size_t from = end_of_answer(arg);
	size_t size = arg->used + TAIL < place->room ? arg->used + TAIL : place->room;

	if (rc < 0 && rc != -EFAULT && !arg->call->answers)
		from = 0;
	if (size > from && memcmp(place->bytes + from, arg->bytes + from, size - from))
		fuzz_finding("a struct was written that should not have been");
}

static void remember(const struct argument *arg, const struct fuzz_place *place)
{
	const struct fuzz_call *call = arg->call;

	for (size_t i = 0; i < call->field_count; i++) {
		const struct fuzz_field *field = &call->fields[i];
		size_t end = (size_t)field->offset + field->width;
		uint64_t value = 0;

		if (end > arg->size || end > place->room)
			continue;
		memcpy(&value, place->bytes + field->offset, field->width);
		if (field->kind == FUZZ_NEW_ID)
			fuzz_id_add(field->known, (uint32_t)value);
		else if (field->kind == FUZZ_NEW_FILE)
			fuzz_file_add((enum fuzz_file)field->usual, (int)value);
		else if (field->kind == FUZZ_IOVA)
			fuzz_iova_add(value);
		else if (call->cmd == IOMMU_DESTROY && field->kind == FUZZ_OBJECT)
			fuzz_id_remove((uint32_t)value);
	}
}

static void ioctl_by_value(const struct fuzz_call *call, int fd, struct fuzz_input *in)
{
	struct argument arg = {.call = call};
	uint64_t value = value_of(&call->fields[0], in);
	long rc = run(fd, call->cmd, value);

	memcpy(arg.bytes, &value, sizeof(value));
	if (fuzz_verbose)
		print_call(&arg, fd, rc);
	if (rc > 0 && !may_be_positive(call))
		fuzz_finding("a result that is positive");
}

/* The number of the file is the result, which may be 0. */
static bool makes_dmabuf(const struct argument *arg)
{
	const struct iommu_test_cmd *cmd = (const struct iommu_test_cmd *)arg->bytes;

	return arg->call->cmd == IOMMU_TEST_CMD && cmd->op == IOMMU_TEST_OP_DMABUF_GET;
}

void fuzz_ioctl(const struct fuzz_call *call, struct fuzz_input *in)
{
	int fd = fuzz_file((enum fuzz_file)call->file, fuzz_byte(in));
	struct argument arg = {.call = call, .used = call->size};
	struct fuzz_place place;
	uint8_t where, size;
	long rc;

	if (!call->size) {
		ioctl_by_value(call, fd, in);
		return;
	}
	where = fuzz_byte(in);
	size = fuzz_byte(in);
	fill(arg.bytes, call->fields, call->field_count, in);
	if (call->data)
		fill_data(&arg, in);
	fill_size(&arg, size);
	place = fuzz_place(FUZZ_STRUCTS, where, arg.size < arg.used ? arg.size : arg.used);
	if (place.room)
		memcpy(place.bytes, arg.bytes,
		       arg.used + TAIL < place.room ? arg.used + TAIL : place.room);
	rc = run(fd, call->cmd, place.address);
	if (fuzz_verbose)
		print_call(&arg, fd, rc);
	if (rc > 0 && !may_be_positive(call))
		fuzz_finding("a result that is positive");
	check_written(&arg, &place, rc);
	if (rc >= 0)
		remember(&arg, &place);
	if (rc >= 0 && makes_dmabuf(&arg))
		fuzz_file_add(FUZZ_FILE_DMABUF, (int)rc);
}
