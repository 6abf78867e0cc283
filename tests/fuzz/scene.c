// SPDX-License-Identifier: MIT
/* The fuzzer's machine, and what calls have made so far. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"
#include "iommu/section.h"

#define FILES 24
#define IDS   64
#define IOVAS 8

/* Some of the memory that can be mapped. */
#define MEMLOCK ((size_t)1 << 20)

struct fuzz_scene fuzz_scene;
bool fuzz_verbose;

static struct {
	int fd;
	enum fuzz_file kind;
} files[FILES];
static unsigned file_count;

static struct {
	uint32_t id;
	uint64_t types;
} ids[IDS];
static unsigned id_count;
static uint32_t dead_id;

static uint64_t iovas[IOVAS];
static unsigned iova_count;

static int eventfds[3], memfd = -1;
static bool reversed; /* the order in which files are closed in the end */
static size_t allocations;
static int next_fd;

/* ---- a device with what the I/OAT engine lacks: MSI, several BARs, a wider table of vectors ----
 */

static uint64_t registers[4];

static int model_create(struct swiommu_device *device, const char *const *options, void **state,
			const char **message)
{
	static const struct {
		uint16_t offset, width;
		uint32_t value, writable;
	} fields[] = {
		{0x50, 2, 0x7005, 0},				 /* MSI, 64 bit, 8 vectors */
		{0x52, 2, 0x0086, 0x0071}, {0x70, 2, 0x9011, 0}, /* MSI-X: 4 vectors, in BAR 2 */
		{0x72, 2, 0x0003, 0xc000}, {0x74, 4, 0x00000802, 0},
		{0x78, 4, 0x00000f02, 0},  {0x90, 2, 0x0010, 0}, /* PCI Express, function reset */
		{0x92, 2, 0x0002, 0},	   {0x94, 4, 0x10008002, 0},
		{0x98, 2, 0x2850, 0x7fff}, {0xb8, 2, 0x0000, 0x043f},
	};

	(void)options, (void)message;
	for (size_t i = 0; i < FUZZ_COUNT(fields); i++)
		swiommu_config_init(device, fields[i].offset, fields[i].width, fields[i].value,
				    fields[i].writable, 0);
	*state = registers;
	return 0;
}

static void model_destroy(void *state)
{
	(void)state;
}

static void model_reset(void *state)
{
	memset(state, 0, sizeof(registers));
}

static uint64_t model_read(void *state, unsigned bar, uint64_t offset, unsigned width)
{
	(void)width;
	return ((uint64_t *)state)[(bar + offset / 8) % FUZZ_COUNT(registers)];
}

static void model_write(void *state, unsigned bar, uint64_t offset, unsigned width, uint64_t value)
{
	(void)width;
	((uint64_t *)state)[(bar + offset / 8) % FUZZ_COUNT(registers)] = value;
}

static const struct swiommu_model model = {
	.name = "fuzz",
	.vendor = 0x1af4,
	.device = 0x1234,
	.class_code = 0xff0000,
	.interrupt_pin = 1,
	.capability_ptr = 0x50,
	.bars = {[0] = {0x4000, SWIOMMU_BAR_64BIT},
		 [2] = {0x1000, SWIOMMU_BAR_PREFETCH},
		 [3] = {16, 0}},
	.create = model_create,
	.destroy = model_destroy,
	.reset = model_reset,
	.bar_read = model_read,
	.bar_write = model_write,
};

/* ---- findings ---- */

void fuzz_finding(const char *what)
{
	fprintf(stderr, "FINDING: %s\n", what);
	abort();
}

/* The number that the library would give the next descriptor that it keeps. */
static int next_kept_fd(void)
{
	int fd = base_sys_dup_high(eventfds[0]);

	close(fd);
	return fd;
}

/* ---- the machine ---- */

static void init_once(void)
{
	if (memfd >= 0)
		return;
	/* Its number is none of the machine's. */
	memfd = fcntl(memfd_create("fuzz", MFD_CLOEXEC), F_DUPFD_CLOEXEC, 10 * FILES);
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){MEMLOCK, MEMLOCK});
	for (size_t i = 0; i < FUZZ_COUNT(eventfds); i++)
		eventfds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz_memory_init();
	/* What a thread keeps for itself from its first DMA on. */
	if (!iommu_requester_self())
		fuzz_finding("no memory for requests");
}

static void open_file(const char *path, enum fuzz_file kind)
{
	int fd = swiommu_open(fuzz_scene.machine, path);

	if (fd < 0)
		fuzz_finding("a file cannot be opened");
	fuzz_file_add(kind, fd);
}

static void add_device(const struct swiommu_model *of, const char *spec, unsigned n)
{
	if (swiommu_add_device(fuzz_scene.machine, of, spec, &fuzz_scene.devices[n], NULL))
		fuzz_finding("a device cannot be added");
}

static void make_machine(uint8_t settings)
{
	const struct swiommu_options options = {
		.size = sizeof(options),
		.iommu = settings & 1 ? "mock" : "vtd",
		.flags = (settings & 2 ? SWIOMMU_VDEVICE_DESTROY_UNBOUND : 0) |
			 (settings & 4 ? SWIOMMU_TEST_ABI : 0) |
			 (settings & 32 ? 0 : SWIOMMU_MEMLOCK_UNLIMITED),
	};

	if (swiommu_new(&options, &fuzz_scene.machine))
		fuzz_finding("no machine");
}

/*
 * Bit 0: mock; 1: vdevices end by unbinding only; 2: the test ABI; 3: both kinds of IOMMU;
 * 4: the last file goes first; 5: RLIMIT_MEMLOCK counts.
 */
void fuzz_scene_init(uint8_t settings)
{
	bool mock = settings & 1, mixed = settings & 8;

	init_once();
	fuzz_memory_reset();
	if (ftruncate(memfd, 0) || ftruncate(memfd, 64 * FUZZ_PAGE))
		fuzz_finding("no file");
	memset(registers, 0, sizeof(registers));
	file_count = id_count = iova_count = dead_id = 0;
	fuzz_scene.fail_nth = 0;
	reversed = settings & 16;
	next_fd = next_kept_fd();
	allocations = base_alloc_count();

	make_machine(settings);
	add_device(NULL, mixed && mock ? "ioat,xfercap=12,iommu=vtd" : "ioat,xfercap=12,group=5",
		   0);
	add_device(NULL, mixed ? "ioat,xfercap=12" : "ioat,xfercap=12,group=5", 1);
	add_device(&model, "fuzz", 2);
	open_file("/dev/iommu", FUZZ_FILE_CONTEXT);
	for (unsigned n = 0; n < FUZZ_DEVICES; n++) {
		char path[40];

		snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", n);
		open_file(path, FUZZ_FILE_DEVICE);
	}
}

static void drain_eventfds(void)
{
	uint64_t count;

	for (size_t i = 0; i < FUZZ_COUNT(eventfds); i++)
		while (read(eventfds[i], &count, sizeof(count)) > 0)
			;
}

void fuzz_scene_fini(void)
{
	while (file_count)
		fuzz_file_close(files[reversed ? file_count - 1 : 0].fd);
	for (int fd = 0; fd < FILES; fd++)
		if (swiommu_close(fuzz_scene.machine, fd) != -EBADF)
			fuzz_finding("a file that nobody was told of");
	swiommu_free(fuzz_scene.machine);
	if (base_alloc_count() != allocations)
		fuzz_finding("memory remains allocated");
	if (next_kept_fd() != next_fd)
		fuzz_finding("a descriptor remains open");
	drain_eventfds();
}

/* ---- files ---- */

int fuzz_file(enum fuzz_file kind, uint8_t choice)
{
	unsigned of_kind = 0;

	if (choice >= 0xf0)
		return choice == 0xff ? -1 : choice & 15;
	for (unsigned i = 0; i < file_count; i++)
		of_kind += files[i].kind == kind;
	if (!of_kind)
		return choice & 15;
	choice %= of_kind;
	for (unsigned i = 0;; i++)
		if (files[i].kind == kind && !choice--)
			return files[i].fd;
}

void fuzz_file_add(enum fuzz_file kind, int fd)
{
	if (file_count == FILES) {
		swiommu_close(fuzz_scene.machine, fd);
		return;
	}
	files[file_count].kind = kind;
	files[file_count++].fd = fd;
}

void fuzz_file_close(int fd)
{
	int rc = swiommu_close(fuzz_scene.machine, fd);

	for (unsigned i = 0; i < file_count; i++)
		if (files[i].fd == fd) {
			if (rc)
				fuzz_finding("an open file cannot be closed");
			memmove(&files[i], &files[i + 1], (--file_count - i) * sizeof(files[0]));
			return;
		}
	if (!rc)
		fuzz_finding("a file was closed that was not open");
}

/* ---- ids ---- */

uint32_t fuzz_id(uint64_t types, uint8_t choice)
{
	static const uint32_t others[] = {0, 1, 2, 3, INT32_MAX, 1u << 31, UINT32_MAX};
	unsigned fitting = 0;

	if (choice >= 0xe0)
		return choice & 1 ? others[choice / 2 % FUZZ_COUNT(others)] : dead_id;
	if (choice >= 0xc0)
		types = FUZZ_ANY;
	for (unsigned i = 0; i < id_count; i++)
		fitting += !!(ids[i].types & types);
	if (!fitting)
		return choice & 31;
	choice %= fitting;
	/* The last one first: what a program has just made. */
	for (unsigned i = id_count - 1;; i--)
		if ((ids[i].types & types) && !choice--)
			return ids[i].id;
}

void fuzz_id_add(uint64_t types, uint32_t id)
{
	for (unsigned i = 0; i < id_count; i++)
		if (ids[i].id == id && (ids[i].types & types))
			return;
	if (id_count == IDS)
		memmove(&ids[0], &ids[1], --id_count * sizeof(ids[0]));
	ids[id_count].id = id;
	ids[id_count++].types = types;
}

void fuzz_id_remove(uint32_t id)
{
	dead_id = id;
	for (unsigned i = id_count; i-- > 0;)
		if (ids[i].id == id)
			memmove(&ids[i], &ids[i + 1], (--id_count - i) * sizeof(ids[0]));
}

/* ---- IOVAs ---- */

uint64_t fuzz_iova(struct fuzz_input *in)
{
	static const uint64_t bases[] = {
		0x4000000,  0,		0x1000000,  0x80000000, 0xfee00000,
		1ull << 21, 0x40000000, 1ull << 38, 1ull << 39, 1ull << 47,
		1ull << 48, 1ull << 52, 1ull << 63, UINT64_MAX, UINT64_MAX - 1,
		0xfeefffff, 0x4400000,	0x4001000,  0x4002000,	0x1000,
	};
	static const uint32_t units[] = {4096, 1, 2048, 512, 1 << 20, 2 << 20, 64 << 10, 1 << 30};
	uint8_t base = fuzz_byte(in);
	int64_t delta = (int8_t)fuzz_byte(in) * (int64_t)units[base >> 5];

	base &= 31;
	if (base < FUZZ_COUNT(bases))
		return bases[base] + (uint64_t)delta;
	return iovas[base % IOVAS] + (uint64_t)delta;
}

void fuzz_iova_add(uint64_t iova)
{
	iovas[iova_count++ % IOVAS] = iova;
}

/* ---- descriptors of the process ---- */

int fuzz_process_fd(enum fuzz_kind kind, uint8_t choice)
{
	if (choice < FUZZ_COUNT(eventfds))
		return kind == FUZZ_MEMFD ? memfd : eventfds[choice];
	switch (choice & 3) {
	case 0: return -1;
	case 1: return kind == FUZZ_MEMFD ? eventfds[0] : memfd;
	case 2: return fuzz_file(FUZZ_FILE_DMABUF, choice >> 2);
	default: return INT32_MIN;
	}
}
