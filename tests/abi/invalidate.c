// SPDX-License-Identifier: MIT
/* HWPT_INVALIDATE: what is refused, and how much was done (iommufd-ioctls.md 18; 26). */
#include "abi.h"

enum target { NOTHING, AN_IOAS, A_DEVICE, A_PARENT, A_NESTED, A_VIOMMU, TARGETS };
enum memory { GOOD, NONE, SHORT };

struct row {
	const char *name;
	enum target target;
	uint32_t type, entry_len, entry_num;
	enum memory memory;
	uint32_t reserved;
	int want;
	uint32_t done;
	/* Words of an entry: `bad` in word `at` of entry number `of`. */
	uint32_t of, at, bad;
};

#define VTD    IOMMU_HWPT_INVALIDATE_DATA_VTD_S1
#define MOCK   IOMMU_HWPT_INVALIDATE_DATA_SELFTEST
#define VIOMMU IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST

/* The words of VT-d's entries: address, its high half, pages, their high half, flags, reserved. */
static const struct row of_vtd[] = {
	{"everything", A_NESTED, VTD, 24, 3, .done = 3},
	{"nothing, to ask for the type", A_NESTED, VTD, 0, 0, NONE},
	{"a page that begins inside one", A_NESTED, VTD, 24, 3, .want = -EINVAL, .done = 1, .of = 1,
	 .at = 0, .bad = 0x800},
	{"another type of data", A_NESTED, MOCK, 24, 1, .want = -EINVAL},
	{"another type of data, asked for", A_NESTED, 1, 24, 0, .want = -EINVAL},
	{"short entries", A_NESTED, VTD, 20, 1, .want = -EINVAL},
	{"unknown flags", A_NESTED, VTD, 24, 3, .want = -EOPNOTSUPP, .done = 2, .of = 2, .at = 4,
	 .bad = 2},
	{"reserved word", A_NESTED, VTD, 24, 3, .want = -EOPNOTSUPP, .done = 1, .of = 1, .at = 5,
	 .bad = 1},
	{"entries that cannot be read", A_NESTED, VTD, 24, 3, SHORT, .want = -EFAULT, .done = 2},
};

/* The words of the mock's entries: flags, index. On a vIOMMU: flags, virtual id, index. */
static const struct row of_mock[] = {
	{"one word each", A_NESTED, MOCK, 8, 3, .done = 3},
	{"step 1: __reserved", NOTHING, MOCK, 8, 1, .reserved = 1, .want = -EOPNOTSUPP},
	{"step 2: no array", NOTHING, MOCK, 8, 1, NONE, .want = -EINVAL},
	{"step 2: entries of 0 bytes", NOTHING, MOCK, 0, 1, .want = -EINVAL},
	{"step 2: entries above a page", NOTHING, MOCK, 4097, 1, .want = -EINVAL},
	{"step 2: more than 2^19 entries", NOTHING, MOCK, 8, (1 << 19) + 1, .want = -EINVAL},
	{"step 2: 2^19 entries pass", NOTHING, MOCK, 8, 1 << 19, .want = -ENOENT},
	{"step 3: no such id", NOTHING, MOCK, 8, 1, .want = -ENOENT},
	{"step 3: no entries", NOTHING, MOCK, 0, 0, NONE, .want = -ENOENT},
	{"step 4: another type of object: an IOAS", AN_IOAS, MOCK, 8, 1, .want = -EINVAL},
	{"step 4: another type of object: a device", A_DEVICE, MOCK, 8, 1, .want = -EINVAL},
	{"step 4: another type of object: paging", A_PARENT, MOCK, 8, 1, .want = -EINVAL},
	{"another type of data", A_NESTED, VTD, 8, 1, .want = -EINVAL},
	{"another type of data, asked for", A_NESTED, VTD, 8, 0, .want = -EINVAL},
	{"short entries", A_NESTED, MOCK, 7, 1, .want = -EINVAL},
	{"entries that are too long", A_NESTED, MOCK, 12, 1, .want = -EINVAL},
	{"unknown flags", A_NESTED, MOCK, 8, 3, .want = -EOPNOTSUPP, .done = 1, .of = 1, .bad = 2},
	{"an index beyond the words", A_NESTED, MOCK, 8, 3, .want = -EINVAL, .done = 2, .of = 2,
	 .at = 1, .bad = 4},
	{"entries that cannot be read", A_NESTED, MOCK, 8, 3, SHORT, .want = -EFAULT, .done = 2},

	{"vIOMMU: one word each", A_VIOMMU, VIOMMU, 12, 3, .done = 3},
	{"vIOMMU: nothing, to ask for the type", A_VIOMMU, VIOMMU, 0, 0, NONE},
	{"vIOMMU: another type of data", A_VIOMMU, 1, 12, 1, .want = -EINVAL},
	{"vIOMMU: unknown flags", A_VIOMMU, VIOMMU, 12, 3, .want = -EOPNOTSUPP, .done = 1, .of = 1,
	 .bad = 2},
	{"vIOMMU: no device has the virtual id", A_VIOMMU, VIOMMU, 12, 3, .want = -EINVAL,
	 .done = 2, .of = 2, .at = 1, .bad = 77},
	{"vIOMMU: an index beyond the words", A_VIOMMU, VIOMMU, 12, 3, .want = -EINVAL, .done = 1,
	 .of = 1, .at = 2, .bad = 4},
	/* All of them are read before the first is done. */
	{"vIOMMU: entries that cannot be read", A_VIOMMU, VIOMMU, 12, 3, SHORT, .want = -EFAULT},
	{"vIOMMU: longer entries", A_VIOMMU, VIOMMU, 16, 2, .done = 2},
	{"vIOMMU: long entries with a tail", A_VIOMMU, VIOMMU, 16, 2, .want = -E2BIG, .of = 1,
	 .at = 3, .bad = 1},
};

static void make_targets(struct abi *abi, uint32_t ids[TARGETS])
{
	uint32_t vdevice;

	ids[NOTHING] = NO_ID;
	ids[A_DEVICE] = abi_bound(abi, 0);
	ids[AN_IOAS] = abi_ioas(abi);
	ids[A_PARENT] = abi_parent(abi, 0, ids[AN_IOAS]);
	ids[A_NESTED] = abi_nested(abi, 0, ids[A_PARENT]);
	if (!abi->mock)
		return;
	ok(abi_viommu(abi, ids[A_DEVICE], ids[A_PARENT], &ids[A_VIOMMU]));
	ok(abi_vdevice(abi, ids[A_VIOMMU], ids[A_DEVICE], 0, &vdevice));
}

/* Three entries that are good, but for what the row makes of one; the last may be missing. */
static uint64_t make_entries(struct abi *abi, const struct row *row)
{
	uint8_t *edge = abi_edge(abi);
	size_t size = (size_t)row->entry_len * 3, room = size;
	uint8_t *entries;

	if (row->memory == NONE)
		return 0;
	if (row->memory == SHORT)
		room -= row->entry_len;
	entries = edge - (room < PAGE ? room : PAGE);
	if (row->type == VTD && row->entry_len == 24)
		for (size_t i = 0; i * 24 < room; i++)
			memset(entries + i * 24 + 8, 0xff, 8);
	if (row->bad)
		memcpy(entries + row->of * row->entry_len + row->at * 4, &row->bad, 4);
	return ADDR(entries);
}

static void invalidate(struct abi *abi)
{
	const struct row *row = abi->row;
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.data_type = row->type,
		.entry_len = row->entry_len,
		.entry_num = row->entry_num,
		.__reserved = row->reserved,
	};
	uint32_t ids[TARGETS];

	make_targets(abi, ids);
	cmd.hwpt_id = ids[row->target];
	cmd.data_uptr = make_entries(abi, row);
	expect(abi_ioctl(abi, IOMMU_HWPT_INVALIDATE, &cmd), row->want);
	assert_int_equal(cmd.entry_num, row->done);
}

/* 18.6: the answer is due after every error; EFAULT takes the place of that. */
static void an_answer_that_cannot_be_written_is_efault(struct abi *abi)
{
	struct iommu_hwpt_invalidate cmd = {.size = sizeof(cmd), .data_type = MOCK};
	uint32_t ids[TARGETS];

	make_targets(abi, ids);
	cmd.hwpt_id = ids[A_NESTED];
	expect(abi_ioctl(abi, IOMMU_HWPT_INVALIDATE, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	cmd.hwpt_id = NO_ID;
	expect(abi_ioctl(abi, IOMMU_HWPT_INVALIDATE, abi_constant_copy(abi, &cmd, sizeof(cmd), 0)),
	       -EFAULT);
	cmd.__reserved = 1;
	expect(abi_ioctl(abi, IOMMU_HWPT_INVALIDATE, abi_constant_copy(abi, &cmd, sizeof(cmd), 24)),
	       -EFAULT);
	ok(abi_destroy(abi, ids[A_NESTED]));
}

int main(void)
{
	abi_rows(abi_vtd, of_vtd, invalidate);
	abi_rows(abi_mock, of_mock, invalidate);
	abi_on(abi_mock, an_answer_that_cannot_be_written_is_efault);
	return abi_run("invalidate");
}
