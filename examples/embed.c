// SPDX-License-Identifier: MIT
/*
 * embed: a software IOMMU and a device of our own in one program.
 *
 * Nothing is preloaded here. The program links with libswiommu, which gives it
 * a small machine; to the machine it adds a device that it has modelled itself;
 * and then it drives the device as it would drive a real one through VFIO. That
 * is how a driver is tested without its hardware.
 *
 *	cc embed.c $(pkg-config --cflags --libs swiommu) -o embed
 *
 * First the device, then the program that uses it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <swiommu/swiommu.h>

/* ======== the device: it copies when its doorbell is rung ======== */

/* BAR 0: five registers of eight bytes. */
enum {
	REG_SOURCE = 0x00,
	REG_DESTINATION = 0x08,
	REG_SIZE = 0x10,
	REG_DOORBELL = 0x18, /* write anything: copy now */
	REG_RESULT = 0x20,   /* 0, or the address that the IOMMU did not let through */
	REG_COUNT = 5,
};

struct copier {
	struct swiommu_device *device;
	uint64_t reg[REG_COUNT];
};

static int copier_create(struct swiommu_device *device, const char *const *options, void **state,
			 const char **message)
{
	struct copier *copier;

	if (*options) {
		*message = "there are no options";
		return -EINVAL;
	}
	copier = calloc(1, sizeof(*copier));
	if (!copier)
		return -ENOMEM;
	copier->device = device;
	*state = copier;
	return 0;
}

static void copier_destroy(void *state)
{
	free(state);
}

static void copier_reset(void *state)
{
	struct copier *copier = state;

	memset(copier->reg, 0, sizeof(copier->reg));
}

/* The model only names addresses; the library asks the IOMMU what they mean. */
static void copier_run(struct copier *copier)
{
	struct swiommu_dma_fault fault = {0};

	swiommu_dma_copy(copier->device, 0, copier->reg[REG_DESTINATION / 8],
			 copier->reg[REG_SOURCE / 8], copier->reg[REG_SIZE / 8], &fault);
	copier->reg[REG_RESULT / 8] = fault.iova;
}

static uint64_t copier_read(void *state, unsigned bar, uint64_t offset, unsigned width)
{
	struct copier *copier = state;

	(void)bar;
	return width == 8 && offset / 8 < REG_COUNT ? copier->reg[offset / 8] : 0;
}

static void copier_write(void *state, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	struct copier *copier = state;

	(void)bar;
	if (width == 8 && offset / 8 < REG_COUNT)
		copier->reg[offset / 8] = value;
	if (offset == REG_DOORBELL)
		copier_run(copier);
}

static const struct swiommu_model copier_model = {
	.name = "copier",
	.vendor = 0x1234, /* as lspci would show it */
	.device = 0x0001,
	.class_code = 0x088000,
	.bars = {[0] = {.size = 0x1000, .flags = SWIOMMU_BAR_64BIT}},
	.create = copier_create,
	.destroy = copier_destroy,
	.reset = copier_reset,
	.bar_read = copier_read,
	.bar_write = copier_write,
};

/* ======== the program ======== */

#define PAGE 4096
#define IOVA 0x10000 /* what the device calls our memory */

static struct swiommu *machine;
static int iommufd, device; /* descriptors that mean something to the machine only */

/* A negative number from the library is an errno. */
static long check(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "embed: %s: %s\n", what, strerror((int)-result));
		exit(1);
	}
	return result;
}

static void machine_make(void)
{
	const char *message = "";
	int error;

	check(swiommu_new(NULL, &machine), "swiommu_new");
	error = swiommu_add_device(machine, &copier_model, "copier", NULL, &message);
	check(error, message);
	iommufd = (int)check(swiommu_open(machine, "/dev/iommu"), "/dev/iommu");
	device = (int)check(swiommu_open(machine, "/dev/vfio/devices/vfio0"), "vfio0");
}

/* An address space, and the device in it. Returns its id. */
static uint32_t ioas_make(void)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind), .iommufd = iommufd};
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};

	check(swiommu_ioctl(machine, device, VFIO_DEVICE_BIND_IOMMUFD, &bind), "bind");
	check(swiommu_ioctl(machine, iommufd, IOMMU_IOAS_ALLOC, &alloc), "IOAS_ALLOC");
	attach.pt_id = alloc.out_ioas_id;
	check(swiommu_ioctl(machine, device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), "attach");
	return alloc.out_ioas_id;
}

static void map(uint32_t ioas, void *memory, uint64_t length)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = IOVA,
	};

	check(swiommu_ioctl(machine, iommufd, IOMMU_IOAS_MAP, &cmd), "IOAS_MAP");
}

static void unmap(uint32_t ioas, uint64_t length)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.iova = IOVA,
		.length = length,
	};

	check(swiommu_ioctl(machine, iommufd, IOMMU_IOAS_UNMAP, &cmd), "IOAS_UNMAP");
}

/* A region (a BAR, or config space) lies somewhere in the device file. */
static off_t region(uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	check(swiommu_ioctl(machine, device, VFIO_DEVICE_GET_REGION_INFO, &info), "region");
	return (off_t)info.offset;
}

/* A PCI device may access memory only if bit 2 of its command register is set. */
static void bus_master_enable(void)
{
	const uint16_t memory_and_bus_master = 0x6;

	check(swiommu_pwrite(machine, device, &memory_and_bus_master, 2,
			     region(VFIO_PCI_CONFIG_REGION_INDEX) + 4),
	      "command register");
}

static uint64_t reg_read(unsigned reg)
{
	uint64_t value;

	check(swiommu_pread(machine, device, &value, 8, region(VFIO_PCI_BAR0_REGION_INDEX) + reg),
	      "reading a register");
	return value;
}

static void reg_write(unsigned reg, uint64_t value)
{
	check(swiommu_pwrite(machine, device, &value, 8, region(VFIO_PCI_BAR0_REGION_INDEX) + reg),
	      "writing a register");
}

/* Have the device copy; 0, or the address at which it was stopped. */
static uint64_t copy(uint64_t destination, uint64_t source, uint64_t size)
{
	reg_write(REG_SOURCE, source);
	reg_write(REG_DESTINATION, destination);
	reg_write(REG_SIZE, size);
	reg_write(REG_DOORBELL, 1);
	return reg_read(REG_RESULT);
}

static void expect(int ok, const char *what)
{
	printf("%-60s %s\n", what, ok ? "ok" : "WRONG");
	if (!ok)
		exit(1);
}

int main(void)
{
	char *memory =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *here = memory, *there = memory + PAGE;
	uint32_t ioas;

	if (memory == MAP_FAILED)
		return 1;
	machine_make();
	ioas = ioas_make();
	bus_master_enable();
	strcpy(here, "one page");

	expect(copy(IOVA + PAGE, IOVA, PAGE) == IOVA, "nothing is mapped: the device is stopped");
	map(ioas, memory, 2 * PAGE);
	expect(copy(IOVA + PAGE, IOVA, PAGE) == 0, "two pages are mapped: the device copies");
	expect(!strcmp(there, "one page"), "the copy is right");

	strcpy(here, "another page");
	unmap(ioas, 2 * PAGE);
	expect(copy(IOVA + PAGE, IOVA, PAGE) == IOVA, "unmapped again: the device is stopped");
	expect(!strcmp(there, "one page"), "and has not touched our memory");

	swiommu_free(machine);
	munmap(memory, 2 * PAGE);
	return 0;
}
