// SPDX-License-Identifier: MIT
/*
 * A plain iommufd client: `ops ROW BEFORE COUNT` does BEFORE operations of one
 * kind, then COUNT more inside measure(), where callgrind counts instructions.
 * Prints how much the heap grew for each of these.
 */
#include "device.h"

#include <linux/iommufd.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE   ((uint64_t)4096)
#define LARGE  ((uint64_t)64 << 20)
#define MANY   8192u /* areas that there are when one of many is unmapped; a power of two */
#define BOTTOM ((uint64_t)1 << 32)
#define LOW    ((uint64_t)1 << 30) /* an IOVA that the mock IOMMU has, too */

/* Of the test ABI: what the mock IOMMU's vIOMMUs are, and two operations on accesses. */
#define VIOMMU_TYPE_SELFTEST 0xdeadbeef

struct test_cmd {
	uint32_t size, op, id, reserved;
	union {
		struct {
			uint32_t out_fd, flags;
		} create_access;
		struct {
			uint64_t iova, length, uptr;
			uint32_t flags;
		} access_rw;
		uint64_t words[6];
	};
	uint64_t last;
};
#define TEST_CMD	      _IO(IOMMUFD_TYPE, 0xa0)
#define TEST_OP_CREATE_ACCESS 5
#define TEST_OP_ACCESS_RW     8
#define TEST_ACCESS_WRITE     1u

static struct bench_space space;
static struct bench_device device;
static uint32_t hwpt; /* a parent for vIOMMUs, or one that keeps dirty state */
static uint8_t *memory;
static uint32_t access_fd;
static int foreign[2]; /* a pipe */

/* ---- single calls: what a client would write ---- */

static void call(unsigned long request, void *cmd, const char *name)
{
	if (ioctl(space.fd, request, cmd))
		bench_must(-1, name);
}
#define CALL(request, cmd) call(request, cmd, #request)

static void destroy(uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	CALL(IOMMU_DESTROY, &cmd);
}

static void map_at(uint8_t *va, uint64_t length, uint64_t iova, uint32_t flags)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags | IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = space.ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = iova,
	};

	CALL(IOMMU_IOAS_MAP, &cmd);
}

static void map(uint8_t *va, uint64_t length, uint64_t iova)
{
	map_at(va, length, iova, IOMMU_IOAS_MAP_FIXED_IOVA);
}

static void unmap(uint64_t iova, uint64_t length)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = space.ioas,
		.iova = iova,
		.length = length,
	};

	CALL(IOMMU_IOAS_UNMAP, &cmd);
}

/* From the start of what is mapped at `from`. */
static void copy(uint64_t from, uint64_t length, uint64_t to)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = space.ioas,
		.src_ioas_id = space.ioas,
		.length = length,
		.dst_iova = to,
		.src_iova = from,
	};

	CALL(IOMMU_IOAS_COPY, &cmd);
}

/* ---- before: what the rows need ---- */

static void need_space(void)
{
	bench_space_open(&space);
	memory = bench_memory(LARGE + PAGE);
}

static void need_domain(void)
{
	need_space();
	bench_device_bind(&device, &space);
	bench_device_attach(&device, space.ioas);
}

static void need_large(void)
{
	need_domain();
	map(memory, LARGE, BOTTOM);
}

static void need_hwpt(uint32_t flags)
{
	struct iommu_hwpt_alloc cmd = {.size = sizeof(cmd), .flags = flags};

	need_space();
	bench_device_bind(&device, &space);
	cmd.dev_id = device.id;
	cmd.pt_id = space.ioas;
	CALL(IOMMU_HWPT_ALLOC, &cmd);
	hwpt = cmd.out_hwpt_id;
}

static void need_parent(void)
{
	need_hwpt(IOMMU_HWPT_ALLOC_NEST_PARENT);
}

/* 4 KiB leaves: no more than that of the two addresses is alike. */
static void need_tracking(void)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
	};

	need_hwpt(IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	map(memory + PAGE, LARGE, LOW);
	cmd.hwpt_id = hwpt;
	CALL(IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd);
}

/* An access to an area of a page. */
static void need_access(void)
{
	struct test_cmd cmd = {.size = sizeof(cmd), .op = TEST_OP_CREATE_ACCESS};

	need_space();
	map(memory, PAGE, BOTTOM);
	cmd.id = space.ioas;
	CALL(TEST_CMD, &cmd);
	access_fd = cmd.create_access.out_fd;
}

/* Also one of our files, if the machine is there. */
static void need_foreign(void)
{
	bench_open("/dev/iommu");
	bench_must(pipe(foreign), "pipe");
}

/* ---- the operations; `i` counts them ---- */

static void op_ioas(unsigned i)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	(void)i;
	CALL(IOMMU_IOAS_ALLOC, &cmd);
	destroy(cmd.out_ioas_id);
}

static void op_page(unsigned i)
{
	(void)i;
	map(memory, PAGE, BOTTOM);
	unmap(BOTTOM, PAGE);
}

static void op_large(unsigned i)
{
	(void)i;
	map(memory, LARGE, BOTTOM);
	unmap(BOTTOM, LARGE);
}

/* No more than 4 KiB of the two addresses are alike. */
static void op_large_askew(unsigned i)
{
	(void)i;
	map(memory + PAGE, LARGE, BOTTOM);
	unmap(BOTTOM, LARGE);
}

static void op_copy(unsigned i)
{
	(void)i;
	copy(BOTTOM, LARGE, 2 * BOTTOM);
	unmap(2 * BOTTOM, LARGE);
}

static void op_viommu(unsigned i)
{
	struct iommu_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = VIOMMU_TYPE_SELFTEST,
		.dev_id = device.id,
		.hwpt_id = hwpt,
	};
	struct iommu_vdevice_alloc vdevice = {
		.size = sizeof(vdevice),
		.dev_id = device.id,
		.virt_id = i,
	};

	CALL(IOMMU_VIOMMU_ALLOC, &viommu);
	vdevice.viommu_id = viommu.out_viommu_id;
	CALL(IOMMU_VDEVICE_ALLOC, &vdevice);
	destroy(vdevice.out_vdevice_id);
	destroy(viommu.out_viommu_id);
}

static void op_dirty(unsigned i)
{
	static uint64_t bits[LARGE / PAGE / 64];
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = hwpt,
		.iova = LOW,
		.length = LARGE,
		.page_size = PAGE,
		.data = (uintptr_t)bits,
	};

	(void)i;
	CALL(IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
}

static void op_foreign(unsigned i)
{
	int available;

	(void)i;
	ioctl(foreign[0], FIONREAD, &available);
}

static void access_rw(uint32_t flags)
{
	struct test_cmd cmd = {
		.size = sizeof(cmd),
		.op = TEST_OP_ACCESS_RW,
		.id = access_fd,
		.access_rw = {BOTTOM, PAGE, (uintptr_t)(memory + PAGE), flags},
	};

	CALL(TEST_CMD, &cmd);
}

static void op_access_read(unsigned i)
{
	(void)i;
	access_rw(0);
}

static void op_access_write(unsigned i)
{
	(void)i;
	access_rw(TEST_ACCESS_WRITE);
}

static uint8_t *page_of(unsigned i)
{
	return memory + i * PAGE % LARGE;
}

/* With a hole of a page between neighbours, which so cannot be one. */
static uint64_t iova_of(unsigned i)
{
	return BOTTOM + 2 * PAGE * i;
}

static void op_area(unsigned i)
{
	map(page_of(i), PAGE, iova_of(i));
}

static void op_area_auto(unsigned i)
{
	map_at(page_of(i), PAGE, 0, 0);
}

static void need_many(void)
{
	need_domain();
	for (unsigned i = 0; i < MANY; i++)
		op_area(i);
}

/* Each of the many once, in no order. */
static void op_unmap(unsigned i)
{
	unmap(iova_of(i * 2654435761u % MANY), PAGE);
}

static const struct row {
	const char *name;
	void (*prepare)(void);
	void (*op)(unsigned i);
} rows[] = {
	{"ioas", need_space, op_ioas},
	{"page", need_space, op_page},
	{"page-domain", need_domain, op_page},
	{"large", need_domain, op_large},
	{"large-askew", need_domain, op_large_askew},
	{"copy", need_large, op_copy},
	{"viommu", need_parent, op_viommu},
	{"dirty", need_tracking, op_dirty},
	{"access-read", need_access, op_access_read},
	{"access-write", need_access, op_access_write},
	{"foreign", need_foreign, op_foreign},
	{"area", need_space, op_area},
	{"area-auto", need_space, op_area_auto},
	{"area-domain", need_domain, op_area},
	{"unmap", need_many, op_unmap},
};

/* Callgrind knows this function by its name. */
static __attribute__((noinline)) void measure(void (*op)(unsigned i), unsigned first,
					      unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		op(i);
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static const struct row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct row *row = argc == 4 ? find_row(argv[1]) : NULL;
	unsigned before, count;
	size_t heap;

	if (!row) {
		fprintf(stderr, "usage: ops ROW BEFORE COUNT\n");
		return 2;
	}
	before = (unsigned)atoi(argv[2]);
	count = (unsigned)atoi(argv[3]);
	row->prepare();
	for (unsigned i = 0; i < before; i++)
		row->op(i);
	heap = heap_bytes();
	measure(row->op, before, count);
	printf("%.1f\n", ((double)heap_bytes() - (double)heap) / count);
	return 0;
}
