// SPDX-License-Identifier: MIT
/* An input from its first byte to its last: what each record does. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "vfio/private.h"

#define BUFFER	 256
#define MAPPINGS 4

/* First bytes of records that are no ioctls of the table. */
enum op {
	OP_OPEN = 1,
	OP_CLOSE,
	OP_READ,
	OP_WRITE,
	OP_PREAD,
	OP_PWRITE,
	OP_POLL,
	OP_DMA,
	OP_PAGE_REQUEST,
	OP_FAIL_NTH,
	OP_MEMORY,
	OP_POKE,
	OP_INTERRUPT,
	OP_ANY_IOCTL,
	OP_MMAP,
	OP_MUNMAP,
	OPS,
};

static void print(const char *what, int fd, uint64_t first, uint64_t second, long rc)
{
	if (!fuzz_verbose)
		return;
	printf("%s of %d: %#llx, %#llx = %ld\n", what, fd, (unsigned long long)first,
	       (unsigned long long)second, rc);
	fflush(stdout);
}

static void op_open(struct fuzz_input *in)
{
	static const char *const paths[] = {
		"/dev/iommu",
		"/dev/vfio/devices/vfio0",
		"/dev/vfio/devices/vfio1",
		"/dev/vfio/devices/vfio2",
		"/dev/vfio/devices/vfio3",
		"/dev/vfio/vfio",
	};
	const char *path = paths[fuzz_byte(in) % FUZZ_COUNT(paths)];
	int fd = swiommu_open(fuzz_scene.machine, path);

	print(path, fd, 0, 0, 0);
	if (fd >= 0)
		fuzz_file_add(strstr(path, "devices") ? FUZZ_FILE_DEVICE : FUZZ_FILE_CONTEXT, fd);
}

static int any_file(struct fuzz_input *in, enum fuzz_file usual)
{
	uint8_t kind = fuzz_byte(in);

	return fuzz_file((usual + kind) % FUZZ_FILE_KINDS, fuzz_byte(in));
}

static void op_close(struct fuzz_input *in)
{
	int fd = any_file(in, FUZZ_FILE_DEVICE);

	print("close", fd, 0, 0, 0);
	fuzz_file_close(fd);
}

/* ---- reads and writes ---- */

static void check_count(ssize_t rc, size_t count)
{
	if (rc > 0 && (size_t)rc > count)
		fuzz_finding("more was read or written than asked for");
}

static size_t count_of(struct fuzz_input *in)
{
	static const size_t counts[] = {40, 8, 80, 16, 12, 0, 24, 41};
	uint8_t choice = fuzz_byte(in);

	return choice < FUZZ_COUNT(counts) ? counts[choice] : choice;
}

static void op_read(struct fuzz_input *in)
{
	int fd = any_file(in, FUZZ_FILE_QUEUE);
	size_t count = count_of(in);
	struct fuzz_place place = fuzz_place(FUZZ_DATAS, fuzz_byte(in), count);
	ssize_t rc = swiommu_read(fuzz_scene.machine, fd, (void *)(uintptr_t)place.address, count);

	print("read", fd, place.address, count, rc);
	check_count(rc, count);
}

/* Answers to page requests: small cookies, then the code. */
static void op_write(struct fuzz_input *in)
{
	int fd = any_file(in, FUZZ_FILE_QUEUE);
	uint8_t size = fuzz_byte(in), where = fuzz_byte(in);
	size_t count = size ? size & 31 : 8;
	struct fuzz_place place = fuzz_place(FUZZ_DATAS, where, count);
	uint32_t words[8] = {0};
	ssize_t rc;

	for (size_t i = 0; i < FUZZ_COUNT(words); i++)
		words[i] = fuzz_byte(in) ^ (i % 2 ? 0 : 1);
	if (place.room)
		memcpy(place.bytes, words, count < place.room ? count : place.room);
	rc = swiommu_write(fuzz_scene.machine, fd, (const void *)(uintptr_t)place.address, count);
	print("write", fd, place.address, count, rc);
	check_count(rc, count);
}

/* Regions of a device: config space, BARs, what is behind them. */
static off_t offset_of(struct fuzz_input *in)
{
	static const uint8_t regions[] = {7, 0, 2, 3, 6, 8, 9, 1};
	uint8_t region = fuzz_byte(in);
	uint64_t offset = fuzz_bytes(in, 2);

	return (off_t)((uint64_t)regions[region % FUZZ_COUNT(regions)] << 40 | offset);
}

static void op_pread(struct fuzz_input *in)
{
	int fd = fuzz_file(FUZZ_FILE_DEVICE, fuzz_byte(in));
	off_t offset = offset_of(in);
	uint8_t size = fuzz_byte(in);
	size_t count = size ? size : 4;
	struct fuzz_place place = fuzz_place(FUZZ_DATAS, fuzz_byte(in), count);
	ssize_t rc = swiommu_pread(fuzz_scene.machine, fd, (void *)(uintptr_t)place.address, count,
				   offset);

	print("pread", fd, (uint64_t)offset, count, rc);
	check_count(rc, count);
}

/* What is written is an address, or any eight bytes, over and over. */
static void op_pwrite(struct fuzz_input *in)
{
	int fd = fuzz_file(FUZZ_FILE_DEVICE, fuzz_byte(in));
	off_t offset = offset_of(in);
	uint8_t size = fuzz_byte(in), where = fuzz_byte(in), kind = fuzz_byte(in);
	size_t count = size ? size : 4;
	struct fuzz_place place = fuzz_place(FUZZ_DATAS, where, count);
	uint64_t value = kind & 1 ? fuzz_iova(in) : fuzz_bytes(in, 8);
	ssize_t rc;

	for (size_t i = 0; i < count && i < place.room; i++)
		place.bytes[i] = (uint8_t)(value >> i % 8 * 8);
	rc = swiommu_pwrite(fuzz_scene.machine, fd, (const void *)(uintptr_t)place.address, count,
			    offset);
	print("pwrite", fd, (uint64_t)offset, value, rc);
	check_count(rc, count);
}

static void op_poll(struct fuzz_input *in)
{
	int fd = any_file(in, FUZZ_FILE_QUEUE);

	print("poll", fd, 0, 0, swiommu_poll(fuzz_scene.machine, fd));
}

/* ---- what devices do ---- */

static struct swiommu_device *device_of(struct fuzz_input *in)
{
	return fuzz_scene.devices[fuzz_byte(in) % FUZZ_DEVICES];
}

static int dma(struct fuzz_input *in, struct swiommu_device *device, uint32_t pasid, uint64_t iova,
	       size_t size, struct swiommu_dma_fault *fault)
{
	static uint8_t buffer[BUFFER];

	switch (fuzz_byte(in) & 3) {
	case 0: return swiommu_dma_write(device, pasid, iova, buffer, size, fault);
	case 1: return swiommu_dma_read(device, pasid, iova, buffer, size, fault);
	case 2: return swiommu_dma_copy(device, pasid, iova, fuzz_iova(in), size, fault);
	default: return swiommu_dma_fill(device, pasid, iova, fuzz_byte(in), size, fault);
	}
}

static void op_dma(struct fuzz_input *in)
{
	struct swiommu_device *device = device_of(in);
	uint32_t pasid = fuzz_byte(in) & 3;
	uint64_t iova = fuzz_iova(in);
	uint8_t many = fuzz_byte(in);
	size_t size = many ? many : 8;
	struct swiommu_dma_fault fault = {.iova = iova};
	int rc = dma(in, device, pasid, iova, size, &fault);

	print("DMA", (int)pasid, iova, size, rc);
	if (rc && rc != -EFAULT)
		fuzz_finding("a DMA fails with another errno than EFAULT");
}

static void op_page_request(struct fuzz_input *in)
{
	struct swiommu_device *device = device_of(in);
	struct iommu_page_request request = {
		.flags = (fuzz_byte(in) & 3) ^ IOMMU_PGFAULT_FLAGS_LAST_PAGE,
		.pasid = fuzz_byte(in) & 3,
		.grpid = fuzz_byte(in) & 3,
		.perm = fuzz_byte(in) & 15,
		.addr = fuzz_iova(in),
	};

	print("page request", (int)request.pasid, request.addr, request.flags, 0);
	iommu_report_page_request(device->stream, &request);
}

static void op_interrupt(struct fuzz_input *in)
{
	struct swiommu_device *device = device_of(in);
	uint8_t what = fuzz_byte(in);

	print("interrupt", 0, what, 0, 0);
	if (what & 0x80)
		swiommu_intx_set(device, what & 1);
	else
		swiommu_irq_raise(device, what & 15);
}

/* ---- the rest ---- */

static void op_fail_nth(struct fuzz_input *in)
{
	fuzz_scene.fail_nth = 1 + (fuzz_byte(in) & 15);
}

/* A number of which the table knows nothing: neighbours, other types, sizes, directions. */
static void op_any_ioctl(struct fuzz_input *in)
{
	int fd = any_file(in, FUZZ_FILE_CONTEXT);
	uint8_t upper = fuzz_byte(in);
	unsigned long cmd = 0x3b00 | fuzz_byte(in);
	struct fuzz_place place = fuzz_place(FUZZ_STRUCTS, fuzz_byte(in), 4);

	cmd |= (unsigned long)(upper & 0xf0) << 26 | (unsigned long)(upper & 15) << 16;
	print("ioctl", fd, cmd, 0,
	      swiommu_ioctl(fuzz_scene.machine, fd, cmd, (void *)(uintptr_t)place.address));
}

/* What is mapped; the machine unmaps what is left in the end. */
static struct {
	void *addr;
	size_t length;
} mappings[MAPPINGS];

static void op_mmap(struct fuzz_input *in)
{
	static const size_t lengths[] = {8192, 4096, 0, 8191, 16384};
	static const off_t offsets[] = {0x1000, 0x3000, 0, 0x2000, 0x1001};
	static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_EXEC};
	int fd = any_file(in, FUZZ_FILE_CONTEXT), rc;
	size_t length = lengths[fuzz_byte(in) % FUZZ_COUNT(lengths)];
	off_t offset = offsets[fuzz_byte(in) % FUZZ_COUNT(offsets)];
	int prot = prots[fuzz_byte(in) % FUZZ_COUNT(prots)];
	int flags = fuzz_byte(in) & 1 ? MAP_PRIVATE : MAP_SHARED;
	void *addr = NULL;

	rc = swiommu_mmap(fuzz_scene.machine, fd, &addr, length, prot, flags, offset);
	print("mmap", fd, (uint64_t)offset, length, rc);
	for (size_t i = 0; !rc && i < MAPPINGS; i++)
		if (!mappings[i].length) {
			mappings[i].addr = addr;
			mappings[i].length = length;
			break;
		}
}

/* As a whole, or the first page. */
static void op_munmap(struct fuzz_input *in)
{
	size_t n = fuzz_byte(in) % MAPPINGS;
	size_t length = fuzz_byte(in) & 1 ? FUZZ_PAGE : mappings[n].length;
	int rc;

	if (!mappings[n].length)
		return;
	rc = swiommu_munmap(fuzz_scene.machine, mappings[n].addr, length);
	print("munmap", 0, length, mappings[n].length, rc);
	mappings[n].length -= length;
	mappings[n].addr = (uint8_t *)mappings[n].addr + length;
}

static void (*const ops[OPS])(struct fuzz_input *in) = {
	[OP_OPEN] = op_open,
	[OP_CLOSE] = op_close,
	[OP_READ] = op_read,
	[OP_WRITE] = op_write,
	[OP_PREAD] = op_pread,
	[OP_PWRITE] = op_pwrite,
	[OP_POLL] = op_poll,
	[OP_DMA] = op_dma,
	[OP_PAGE_REQUEST] = op_page_request,
	[OP_FAIL_NTH] = op_fail_nth,
	[OP_MEMORY] = fuzz_memory_change,
	[OP_POKE] = fuzz_memory_poke,
	[OP_INTERRUPT] = op_interrupt,
	[OP_ANY_IOCTL] = op_any_ioctl,
	[OP_MMAP] = op_mmap,
	[OP_MUNMAP] = op_munmap,
};

size_t fuzz_ops(uint8_t list[256])
{
	size_t count = 0;

	for (uint8_t op = 1; op < OPS; op++)
		list[count++] = op;
	for (size_t i = 0; i < fuzz_call_count; i++)
		list[count++] = fuzz_calls[i].op;
	return count;
}

static void run_record(struct fuzz_input *in)
{
	uint8_t op = fuzz_byte(in);

	if (op < OPS && ops[op]) {
		ops[op](in);
		return;
	}
	for (size_t i = 0; i < fuzz_call_count; i++)
		if (fuzz_calls[i].op == op)
			fuzz_ioctl(&fuzz_calls[i], in);
}

void fuzz_run(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = bytes + size;

	if (!size)
		return;
	memset(mappings, 0, sizeof(mappings));
	fuzz_scene_init(*bytes++);
	while (bytes < end) {
		size_t length =
			(size_t)(end - bytes) < FUZZ_RECORD ? (size_t)(end - bytes) : FUZZ_RECORD;
		struct fuzz_input in = {bytes, bytes + length};

		run_record(&in);
		bytes += length;
	}
	fuzz_scene_fini();
}
