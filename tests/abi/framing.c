// SPDX-License-Identifier: MIT
/* How an ioctl is taken apart: numbers, sizes, reserved fields (iommufd-ioctls.md 1). */
#include "abi.h"

#include <sys/mman.h>
#include <unistd.h>

/* A struct of any command, and room behind it. */
union command {
	uint32_t size;
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas allow;
	struct iommu_ioas_iova_ranges ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_unmap unmap;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_map_file map_file;
	struct iommu_ioas_change_process change_process;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_hwpt_alloc hwpt;
	struct iommu_hw_info info;
	struct iommu_viommu_alloc viommu;
	struct iommu_vdevice_alloc vdevice;
	struct iommu_hw_queue_alloc hw_queue;
	uint8_t bytes[128];
};

/* What the commands are about. */
static struct {
	uint32_t spare, other, ioas, devid, parent, viommu;
	struct iommu_iova_range range;
} scene;

static void make_scene(struct abi *abi)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	scene.devid = abi_bound(abi, 0);
	scene.ioas = abi_ioas(abi);
	scene.parent = abi_parent(abi, 0, scene.ioas);
	ok(abi_viommu(abi, scene.devid, scene.parent, &scene.viommu));
	/* CHANGE_PROCESS wants all mappings to be of files. */
	ok(abi_map_file_at(abi, scene.ioas, RW, fd, 0, PAGE, 0x4000000));
	close(fd);
	scene.other = abi_ioas(abi);
	scene.spare = abi_ioas(abi);
	scene.range = (struct iommu_iova_range){0x2000000, 0x20fffff};
}

/* ---- one row per command ---- */

static void fill_destroy(union command *cmd)
{
	cmd->destroy.id = scene.spare;
}

static void fill_ioas_alloc(union command *cmd)
{
	(void)cmd;
}

static void fill_allow(union command *cmd)
{
	cmd->allow.ioas_id = scene.ioas;
	cmd->allow.num_iovas = 1;
	cmd->allow.allowed_iovas = ADDR(&scene.range);
}

static void fill_ranges(union command *cmd)
{
	cmd->ranges.ioas_id = scene.ioas;
	cmd->ranges.num_iovas = 1;
	cmd->ranges.allowed_iovas = ADDR(&scene.range);
}

static void fill_map(union command *cmd)
{
	static uint8_t page[4096] __attribute__((aligned(4096)));

	cmd->map.ioas_id = scene.ioas;
	cmd->map.flags = RW;
	cmd->map.user_va = ADDR(page);
	cmd->map.length = PAGE;
}

static void fill_unmap(union command *cmd)
{
	cmd->unmap.ioas_id = scene.ioas;
	cmd->unmap.iova = 0x4000000;
	cmd->unmap.length = PAGE;
}

static void fill_copy(union command *cmd)
{
	cmd->copy.flags = RW;
	cmd->copy.dst_ioas_id = cmd->copy.src_ioas_id = scene.ioas;
	cmd->copy.src_iova = 0x4000000;
	cmd->copy.length = PAGE;
}

static void fill_map_file(union command *cmd)
{
	cmd->map_file.ioas_id = scene.other;
	cmd->map_file.flags = RW;
	cmd->map_file.fd = 0; /* whatever that is: nobody needs the memory */
	cmd->map_file.length = PAGE;
}

static void fill_change_process(union command *cmd)
{
	(void)cmd;
}

static void fill_option(union command *cmd)
{
	cmd->option.option_id = IOMMU_OPTION_HUGE_PAGES;
	cmd->option.op = IOMMU_OPTION_OP_GET;
	cmd->option.object_id = scene.ioas;
}

static void fill_vfio_ioas(union command *cmd)
{
	cmd->vfio_ioas.ioas_id = scene.ioas;
	cmd->vfio_ioas.op = IOMMU_VFIO_IOAS_SET;
}

static void fill_hwpt(union command *cmd)
{
	cmd->hwpt.dev_id = scene.devid;
	cmd->hwpt.pt_id = scene.ioas;
}

static void fill_info(union command *cmd)
{
	cmd->info.dev_id = scene.devid;
}

static void fill_viommu(union command *cmd)
{
	cmd->viommu.type = IOMMU_VIOMMU_TYPE_SELFTEST;
	cmd->viommu.dev_id = scene.devid;
	cmd->viommu.hwpt_id = scene.parent;
}

static void fill_vdevice(union command *cmd)
{
	cmd->vdevice.viommu_id = scene.viommu;
	cmd->vdevice.dev_id = scene.devid;
	cmd->vdevice.virt_id = 5;
}

static void fill_hw_queue(union command *cmd)
{
	cmd->hw_queue.viommu_id = scene.viommu;
	cmd->hw_queue.type = IOMMU_HW_QUEUE_TYPE_SELFTEST;
	cmd->hw_queue.nesting_parent_iova = 0x4000000;
	cmd->hw_queue.length = PAGE;
}

struct ioctl_row {
	const char *name;
	uint32_t cmd, size, min;
	void (*fill)(union command *cmd);
};

static const struct ioctl_row ioctls[] = {
	{"DESTROY", 0x3b80, 8, 8, fill_destroy},
	{"IOAS_ALLOC", 0x3b81, 12, 12, fill_ioas_alloc},
	{"IOAS_ALLOW_IOVAS", 0x3b82, 24, 24, fill_allow},
	{"IOAS_COPY", 0x3b83, 40, 40, fill_copy},
	{"IOAS_IOVA_RANGES", 0x3b84, 32, 32, fill_ranges},
	{"IOAS_MAP", 0x3b85, 40, 40, fill_map},
	{"IOAS_UNMAP", 0x3b86, 24, 24, fill_unmap},
	{"OPTION", 0x3b87, 24, 24, fill_option},
	{"VFIO_IOAS", 0x3b88, 12, 12, fill_vfio_ioas},
	{"HWPT_ALLOC", 0x3b89, 48, 24, fill_hwpt},
	{"GET_HW_INFO", 0x3b8a, 40, 32, fill_info},
	{"IOAS_MAP_FILE", 0x3b8f, 40, 40, fill_map_file},
	{"VIOMMU_ALLOC", 0x3b90, 40, 24, fill_viommu},
	{"VDEVICE_ALLOC", 0x3b91, 24, 24, fill_vdevice},
	{"IOAS_CHANGE_PROCESS", 0x3b92, 8, 8, fill_change_process},
	{"HW_QUEUE_ALLOC", 0x3b94, 40, 40, fill_hw_queue},
};

static void fill(const struct ioctl_row *row, union command *cmd, uint32_t size)
{
	union command full;

	/* `cmd` may have no room for a longer one. */
	memset(&full, 0, sizeof(full));
	row->fill(&full);
	full.size = size;
	memset(cmd, 0, size);
	memcpy(cmd, &full, size >= sizeof(full) ? sizeof(full) : size < 4 ? 4 : size);
}

/* Run the command with `size` bytes that end at an edge, so that no byte beyond is touched. */
static int run_at(struct abi *abi, const struct ioctl_row *row, uint8_t *edge, uint32_t size)
{
	union command cmd;

	fill(row, &cmd, size);
	return abi_ioctl(abi, row->cmd, abi_at(edge, &cmd, size));
}

/* 1.2d, e: the full struct, and every size down to the smallest (the historic forms). */
static void sizes_from_smallest_to_full_are_taken(struct abi *abi)
{
	const struct ioctl_row *row = abi->row;

	for (uint32_t size = row->size; size >= row->min; size--) {
		abi_again(abi, &abi_mock);
		make_scene(abi);
		ok(run_at(abi, row, abi_edge(abi), size));
	}
}

/* 1.2d: the size is judged before anything else is read. */
static void smaller_sizes_are_einval(struct abi *abi)
{
	const struct ioctl_row *row = abi->row;
	uint8_t *edge = abi_edge(abi);
	union command cmd;

	make_scene(abi);
	for (uint32_t size = 0; size < row->min; size++) {
		fill(row, &cmd, size);
		expect(abi_ioctl(abi, row->cmd, &cmd), -EINVAL);
		expect(abi_ioctl(abi, row->cmd, abi_at(edge, &cmd, sizeof(uint32_t))), -EINVAL);
	}
	ok(run_at(abi, row, edge, row->size));
}

/* 1.2e, 1.3: bytes beyond the struct have to be 0 and stay what they are. */
static void larger_sizes_with_a_zero_tail_are_taken(struct abi *abi)
{
	static const uint32_t extra[] = {1, 4, 8, 63, 2048};
	const struct ioctl_row *row = abi->row;

	for (unsigned i = 0; i < COUNT(extra); i++) {
		uint8_t *at;

		abi_again(abi, &abi_mock);
		make_scene(abi);
		at = abi_edge(abi) - row->size - extra[i];
		fill(row, (union command *)at, row->size + extra[i]);
		ok(abi_ioctl(abi, row->cmd, at));
		for (uint32_t j = 0; j < extra[i]; j++)
			assert_int_equal(at[row->size + j], 0);
	}
}

/* 1.2e, 27: E2BIG, and nothing has happened. */
static void a_tail_that_is_not_zero_is_e2big(struct abi *abi)
{
	static const uint32_t at[] = {0, 1, 7, 100, 2047};
	const struct ioctl_row *row = abi->row;
	uint8_t *edge = abi_edge(abi), *bytes = edge - row->size - 2048;
	uint32_t next;

	make_scene(abi);
	next = abi_next_id(abi);
	for (unsigned i = 0; i < COUNT(at); i++) {
		memset(bytes, 0, row->size + 2048);
		fill(row, (union command *)bytes, row->size + 2048);
		bytes[row->size + at[i]] = 0x80;
		expect(abi_ioctl(abi, row->cmd, bytes), -E2BIG);
	}
	assert_int_equal(abi_next_id(abi), next);
	ok(run_at(abi, row, edge, row->size));
}

/* 1.2e, f: EFAULT, and nothing has happened. */
static void a_struct_that_ends_in_a_hole_is_efault(struct abi *abi)
{
	const struct ioctl_row *row = abi->row;
	uint8_t *edge = abi_edge(abi);
	union command cmd;
	uint32_t next;

	make_scene(abi);
	next = abi_next_id(abi);
	for (uint32_t there = 4; there < row->size + 8; there++) {
		fill(row, &cmd, row->size + 8);
		expect(abi_ioctl(abi, row->cmd, abi_at(edge, &cmd, there)), -EFAULT);
		if (there >= row->size)
			continue;
		fill(row, &cmd, row->size);
		expect(abi_ioctl(abi, row->cmd, abi_at(edge, &cmd, there)), -EFAULT);
	}
	assert_int_equal(abi_next_id(abi), next);
	ok(run_at(abi, row, edge, row->size));
}

/* 1.2b */
static void a_size_that_cannot_be_read_is_efault(struct abi *abi)
{
	const struct ioctl_row *row = abi->row;
	uint8_t *edge = abi_edge(abi);

	expect(abi_ioctl(abi, row->cmd, NULL), -EFAULT);
	expect(abi_ioctl(abi, row->cmd, edge), -EFAULT);
	expect(abi_ioctl(abi, row->cmd, (void *)0x8000000000000000), -EFAULT);
	expect(abi_ioctl(abi, row->cmd, (void *)-PAGE), -EFAULT);
	for (unsigned there = 1; there < 4; there++)
		expect(abi_ioctl(abi, row->cmd, edge - there), -EFAULT);
}

/* 1.2c: all 32 bits count, and they are looked at after the size word (b), before the size (d). */
static void other_bits_in_the_number_are_enotty(struct abi *abi)
{
	static const uint32_t bits[] = {0x40000000, 0x80000000, 0xc0000000, 0x00080000,
					0x00300000, 0x3fff0000, 0x00000100, 0x00008000};
	const struct ioctl_row *row = abi->row;
	union command cmd;

	make_scene(abi);
	for (unsigned i = 0; i < COUNT(bits); i++) {
		fill(row, &cmd, row->size);
		expect(abi_ioctl(abi, row->cmd ^ bits[i], &cmd), -ENOTTY);
		fill(row, &cmd, 1);
		expect(abi_ioctl(abi, row->cmd ^ bits[i], &cmd), -ENOTTY);
		expect(abi_ioctl(abi, row->cmd ^ bits[i], NULL), -EFAULT);
	}
	ok(run_at(abi, row, abi_edge(abi), row->size));
}

/* 1.2c: 32 bits of it, however the program's int type extended them. */
static void bits_above_32_in_the_number_do_not_count(struct abi *abi)
{
	const struct ioctl_row *row = abi->row;
	union command cmd;

	make_scene(abi);
	fill(row, &cmd, row->size);
	ok(abi_ioctl(abi, 0xffffffff00000000ul | row->cmd, &cmd));
}

/* ---- numbers ---- */

/* 1.2a: outside 0x80-0x94 the number is a container's; the argument is not touched. */
static void numbers_that_are_not_iommufds_are_enotty(struct abi *abi)
{
	for (uint32_t nr = 0; nr <= 0xff; nr++) {
		bool iommufd = nr >= 0x80 && nr <= 0xa0, container = nr >= 0x64 && nr <= 0x75;

		if (iommufd || container)
			continue;
		expect(abi_ioctl(abi, 0x3b00 | nr, NULL), -ENOTTY);
		expect(abi_ioctl(abi, 0x1200 | nr, NULL), -ENOTTY);
	}
}

/* 1.2b, c: a number in the range with another type is iommufd's to refuse. */
static void a_foreign_type_in_the_range_is_enotty_after_the_size(struct abi *abi)
{
	uint32_t size = 8;

	for (uint32_t nr = 0x80; nr <= 0x94; nr++) {
		expect(abi_ioctl(abi, 0x1200 | nr, &size), -ENOTTY);
		expect(abi_ioctl(abi, 0x1200 | nr, NULL), -EFAULT);
	}
}

/* iommufd-objects.md 1.3 */
static void an_iommufd_can_be_neither_read_nor_written(struct abi *abi)
{
	char bytes[16];

	expect(swiommu_pread(abi->machine, abi->ctx, bytes, 16, 0), -EINVAL);
	expect(swiommu_pwrite(abi->machine, abi->ctx, bytes, 16, 0), -EINVAL);
}

/* iommufd-objects.md 1.1 */
static void contexts_do_not_share_ids(struct abi *abi)
{
	uint32_t first = abi_ioas(abi);
	int other = swiommu_open(abi->machine, "/dev/iommu");
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = first};

	assert_true(other >= 0);
	expect(swiommu_ioctl(abi->machine, other, IOMMU_DESTROY, &cmd), -ENOENT);
	ok(swiommu_close(abi->machine, other));
	ok(abi_destroy(abi, first));
}

/* ---- fields ---- */

/* A command that works, with one field changed. */
struct field_row {
	const char *name;
	const char *ioctl;
	uint32_t offset, width;
	uint64_t value;
	int want;
};

static const struct field_row fields[] = {
	{"IOAS_ALLOC flags 1 are refused (4)", "IOAS_ALLOC", 4, 4, 1, -EOPNOTSUPP},
	{"IOAS_ALLOC flags 2^31 are refused (4)", "IOAS_ALLOC", 4, 4, 1u << 31, -EOPNOTSUPP},
	{"ALLOW_IOVAS __reserved is checked (6)", "IOAS_ALLOW_IOVAS", 12, 4, 1, -EOPNOTSUPP},
	{"IOVA_RANGES __reserved is checked (5)", "IOAS_IOVA_RANGES", 12, 4, 1, -EOPNOTSUPP},
	{"MAP flag 8 is refused (7.1)", "IOAS_MAP", 4, 4, RW | 8, -EOPNOTSUPP},
	{"MAP flag 2^16 is refused (7.1)", "IOAS_MAP", 4, 4, RW | 1 << 16, -EOPNOTSUPP},
	{"MAP flag 2^31 is refused (7.1)", "IOAS_MAP", 4, 4, RW | 1u << 31, -EOPNOTSUPP},
	{"MAP __reserved is checked (7.1)", "IOAS_MAP", 12, 4, 1u << 31, -EOPNOTSUPP},
	{"HWPT_ALLOC flag 16 is refused (15.5)", "HWPT_ALLOC", 4, 4, 16, -EOPNOTSUPP},
	{"HWPT_ALLOC flag 2^31 is refused (15.5)", "HWPT_ALLOC", 4, 4, 1u << 31, -EOPNOTSUPP},
	{"HWPT_ALLOC __reserved is checked (15.1)", "HWPT_ALLOC", 20, 4, 1, -EOPNOTSUPP},
	{"HWPT_ALLOC __reserved2 is not checked (15)", "HWPT_ALLOC", 44, 4, 1, 0},
	{"HWPT_ALLOC fault_id is ignored without its flag (15)", "HWPT_ALLOC", 40, 4, NO_ID, 0},
	{"HWPT_ALLOC data_uptr is ignored without data (15)", "HWPT_ALLOC", 32, 8, 1, 0},
	{"HWPT_ALLOC out_hwpt_id may hold anything (15)", "HWPT_ALLOC", 16, 4, NO_ID, 0},
	{"HW_INFO flag 2 is refused (14.1)", "GET_HW_INFO", 4, 4, 2, -EOPNOTSUPP},
	{"HW_INFO flag 2^31 is refused (14.1)", "GET_HW_INFO", 4, 4, 1u << 31, -EOPNOTSUPP},
	{"HW_INFO __reserved[0] is checked (14.1)", "GET_HW_INFO", 29, 1, 1, -EOPNOTSUPP},
	{"HW_INFO __reserved[1] is checked (14.1)", "GET_HW_INFO", 30, 1, 0x80, -EOPNOTSUPP},
	{"HW_INFO __reserved[2] is checked (14.1)", "GET_HW_INFO", 31, 1, 1, -EOPNOTSUPP},
	{"HW_INFO in_data_type is ignored without its flag (14.2)", "GET_HW_INFO", 24, 4, 77, 0},
	{"HW_INFO out_max_pasid_log2 may hold anything (14)", "GET_HW_INFO", 28, 1, 0xff, 0},
	{"HW_INFO out_capabilities may hold anything (14)", "GET_HW_INFO", 32, 8, ULAST, 0},
	{"HW_INFO data_uptr is ignored without room (14.5)", "GET_HW_INFO", 16, 8, 1, 0},
	{"VIOMMU_ALLOC flags 1 are refused (20.1)", "VIOMMU_ALLOC", 4, 4, 1, -EOPNOTSUPP},
	{"VIOMMU_ALLOC flags 2^31 are refused (20.1)", "VIOMMU_ALLOC", 4, 4, 1u << 31, -EOPNOTSUPP},
	{"VIOMMU_ALLOC type 0 is refused (20.1)", "VIOMMU_ALLOC", 8, 4, 0, -EOPNOTSUPP},
	{"VIOMMU_ALLOC type 1 is refused on the mock (20.3)", "VIOMMU_ALLOC", 8, 4, 1, -EOPNOTSUPP},
	{"VIOMMU_ALLOC __reserved is not checked (20)", "VIOMMU_ALLOC", 28, 4, 1, 0},
	{"VIOMMU_ALLOC data_uptr is ignored without data (20.7)", "VIOMMU_ALLOC", 32, 8, 1, 0},
	{"COPY flag 8 is refused (9.1)", "IOAS_COPY", 4, 4, RW | 8, -EOPNOTSUPP},
	{"MAP_FILE flag 8 is refused (8)", "IOAS_MAP_FILE", 4, 4, RW | 8, -EOPNOTSUPP},
	{"OPTION __reserved is checked (11.1)", "OPTION", 10, 2, 1, -EOPNOTSUPP},
	{"OPTION 2 is refused (11.2)", "OPTION", 4, 4, 2, -EOPNOTSUPP},
	{"VFIO_IOAS __reserved is checked (12)", "VFIO_IOAS", 10, 2, 1, -EOPNOTSUPP},
	{"CHANGE_PROCESS __reserved is checked (13.1)", "IOAS_CHANGE_PROCESS", 4, 4, 1,
	 -EOPNOTSUPP},
	{"VDEVICE_ALLOC takes any virt_id (21)", "VDEVICE_ALLOC", 16, 8, ULAST, 0},
	{"VDEVICE_ALLOC takes virt_id 0 (21)", "VDEVICE_ALLOC", 16, 8, 0, 0},
};

static const struct ioctl_row *find_ioctl(const char *name)
{
	const struct ioctl_row *row = ioctls;

	while (strcmp(row->name, name))
		row++;
	return row;
}

static void field(struct abi *abi)
{
	const struct field_row *f = abi->row;
	const struct ioctl_row *row = find_ioctl(f->ioctl);
	union command cmd, before;

	make_scene(abi);
	fill(row, &cmd, row->size);
	memcpy(cmd.bytes + f->offset, &f->value, f->width);
	before = cmd;
	expect(abi_ioctl(abi, row->cmd, &cmd), f->want);
	if (f->want)
		assert_memory_equal(&cmd, &before, sizeof(cmd));
}

/* 1.5: what is not supported is said before an unknown id is. */
static void reserved_fields_are_judged_before_ids(struct abi *abi)
{
	const struct field_row *field = abi->row;
	const struct ioctl_row *row = find_ioctl(field->ioctl);
	union command cmd;

	if (field->want != -EOPNOTSUPP || field->offset == 8 || !strcmp(row->name, "IOAS_ALLOC"))
		return;
	if (!strcmp(row->name, "HWPT_ALLOC") && field->offset == 4)
		return; /* 15: flags come after the ids there */
	fill(row, &cmd, row->size);
	memcpy(cmd.bytes + field->offset, &field->value, field->width);
	expect(abi_ioctl(abi, row->cmd, &cmd), -EOPNOTSUPP);
}

/* Every command against every test that has a row for each. */
static void add_per_ioctl(const char *what, abi_test test)
{
	char name[120];

	for (size_t i = 0; i < COUNT(ioctls); i++) {
		snprintf(name, sizeof(name), "%s: %s", ioctls[i].name, what);
		abi_add(name, test, &abi_mock, &ioctls[i]);
	}
}
#define per_ioctl(test) add_per_ioctl(#test, test)

int main(void)
{
	per_ioctl(sizes_from_smallest_to_full_are_taken);
	per_ioctl(smaller_sizes_are_einval);
	per_ioctl(larger_sizes_with_a_zero_tail_are_taken);
	per_ioctl(a_tail_that_is_not_zero_is_e2big);
	per_ioctl(a_struct_that_ends_in_a_hole_is_efault);
	per_ioctl(a_size_that_cannot_be_read_is_efault);
	per_ioctl(other_bits_in_the_number_are_enotty);
	per_ioctl(bits_above_32_in_the_number_do_not_count);
	abi_on(abi_mock, numbers_that_are_not_iommufds_are_enotty);
	abi_on(abi_mock, a_foreign_type_in_the_range_is_enotty_after_the_size);
	abi_on(abi_mock, an_iommufd_can_be_neither_read_nor_written);
	abi_on(abi_mock, contexts_do_not_share_ids);
	abi_rows(abi_mock, fields, field);
	abi_rows(abi_mock, fields, reserved_fields_are_judged_before_ids);
	return abi_run("framing");
}
