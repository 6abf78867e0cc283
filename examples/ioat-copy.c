// SPDX-License-Identifier: MIT
/*
 * ioat-copy: copy a file with an I/OAT DMA engine, from user space.
 *
 * The engine is a PCI device that copies memory. This program drives it through
 * VFIO: it binds the device to an iommufd, maps buffers into the device's
 * address space, writes descriptors ("copy so many bytes from here to there")
 * into memory, rings the engine's doorbell, and sleeps until the interrupt.
 *
 * It is an ordinary VFIO program and knows nothing of swiommu:
 *
 *	swiommu run -- ioat-copy IN OUT
 *
 * On a machine with such an engine (Intel Xeon, bound to vfio-pci) it runs
 * without swiommu. Steps are numbered 1 to 6 below.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

/* BAR 0 of the engine, with the width of each register in bytes */
enum {
	XFERCAP = 0x01,	  /* 1: log2 of the largest copy */
	INTRCTRL = 0x03,  /* 1 */
	CBVER = 0x08,	  /* 1: version, major in the upper half */
	CHANCTRL = 0x80,  /* 2 */
	CHANCMD = 0x84,	  /* 1 */
	DMACOUNT = 0x86,  /* 2: the doorbell, how many descriptors to do */
	CHANSTS = 0x88,	  /* 8: state in the lowest three bits */
	CHAINADDR = 0x90, /* 8: where the first descriptor is */
	CHANERR = 0xa8,	  /* 4: write one to clear */
};

enum { INTRCTRL_MSIX = 0x08 };
enum { CHANCTRL_REARM = 0x01, CHANCTRL_ABORT = 0x08, CHANCTRL_ERROR_INTERRUPT = 0x10 };
enum { CHANCMD_RESET = 0x20 };
enum { STATE_MASK = 7, STATE_DONE = 1, STATE_HALTED = 3 };

/* Config space */
enum { PCI_IDS = 0x00, PCI_COMMAND = 0x04 };
enum { PCI_MEMORY = 0x2, PCI_BUS_MASTER = 0x4 };

#define DESCRIPTORS	1024	     /* in a batch */
#define BUFFER_SIZE	(3ull << 20) /* bytes in a batch; two of these fit RLIMIT_MEMLOCK's 8 MiB */
#define INTERRUPT_LIMIT 10000	     /* milliseconds that a batch may take */

struct descriptor {
	uint32_t size, control;
	uint64_t source, destination, next; /* IOVAs */
	uint64_t other[4];
};

enum { CONTROL_INTERRUPT = 1 };

/* Memory that the engine can reach. */
struct buffer {
	uint8_t *memory; /* for us */
	uint64_t iova;	 /* for the engine */
	size_t size;
};

static struct {
	const char *device_path, *in_path, *out_path;
	uint64_t block;

	int iommufd, device, interrupt;
	uint32_t ioas;
	uint64_t bar, config; /* where these regions are in the device file */
	struct buffer ring, source, destination;

	uint64_t bytes, copies, interrupts;
	double seconds; /* of the engine's work alone */
} app = {.device_path = "/dev/vfio/devices/vfio0"};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "ioat-copy: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0666);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static void ioctl_or_die(int fd, unsigned long request, void *arg, const char *name)
{
	if (ioctl(fd, request, arg) < 0)
		die("%s: %s", name, strerror(errno));
}

#define IOCTL(fd, request, arg) ioctl_or_die(fd, request, arg, #request)

/* ---- 1. bind the device, give it an address space ---- */

static void device_bind(void)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind)};
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};

	app.iommufd = open_or_die("/dev/iommu", O_RDWR);
	app.device = open_or_die(app.device_path, O_RDWR);
	bind.iommufd = app.iommufd;
	IOCTL(app.device, VFIO_DEVICE_BIND_IOMMUFD, &bind);

	IOCTL(app.iommufd, IOMMU_IOAS_ALLOC, &alloc);
	app.ioas = alloc.out_ioas_id;
	attach.pt_id = app.ioas;
	IOCTL(app.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

/* ---- 2. reach its registers: regions of the device file ---- */

static uint64_t region_offset(uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	IOCTL(app.device, VFIO_DEVICE_GET_REGION_INFO, &info);
	return info.offset;
}

static uint64_t get(uint64_t where, size_t width)
{
	uint64_t value = 0;

	if (pread(app.device, &value, width, (off_t)where) != (ssize_t)width)
		die("reading a register: %s", strerror(errno));
	return value;
}

static void set(uint64_t where, size_t width, uint64_t value)
{
	if (pwrite(app.device, &value, width, (off_t)where) != (ssize_t)width)
		die("writing a register: %s", strerror(errno));
}

static void registers_find(void)
{
	uint64_t ids, version;

	app.config = region_offset(VFIO_PCI_CONFIG_REGION_INDEX);
	app.bar = region_offset(VFIO_PCI_BAR0_REGION_INDEX);
	ids = get(app.config + PCI_IDS, 4);
	version = get(app.bar + CBVER, 1);
	if ((ids & 0xffff) != 0x8086 || version < 0x30)
		die("%s is %04x:%04x version %x, not an I/OAT engine of version 3", app.device_path,
		    (unsigned)(ids & 0xffff), (unsigned)(ids >> 16), (unsigned)version);
	/* Answer to accesses, and be allowed to access memory. */
	set(app.config + PCI_COMMAND, 2, PCI_MEMORY | PCI_BUS_MASTER);
}

/* ---- 3. interrupts arrive as an eventfd ---- */

static void interrupt_connect(void)
{
	union { /* the struct ends with room for one eventfd */
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
	} irq = {
		.set = {.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.start = 0,
			.count = 1},
	};

	app.interrupt = eventfd(0, EFD_CLOEXEC);
	if (app.interrupt < 0)
		die("eventfd: %s", strerror(errno));
	memcpy(irq.set.data, &app.interrupt, sizeof(int32_t));
	IOCTL(app.device, VFIO_DEVICE_SET_IRQS, &irq);
}

/* Sleep until the engine has something to say. */
static void interrupt_wait(void)
{
	struct pollfd poll_fd = {.fd = app.interrupt, .events = POLLIN};
	uint64_t count;

	if (poll(&poll_fd, 1, INTERRUPT_LIMIT) != 1)
		die("no interrupt after %d seconds", INTERRUPT_LIMIT / 1000);
	if (read(app.interrupt, &count, sizeof(count)) != sizeof(count))
		die("reading the eventfd: %s", strerror(errno));
	app.interrupts += count;
}

/* ---- 4. memory that the engine can reach ---- */

static void buffer_map(struct buffer *buffer, size_t size)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = app.ioas,
		.length = (size + 4095) & ~4095ull,
	};

	buffer->size = size;
	buffer->memory =
		mmap(NULL, map.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer->memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	map.user_va = (uintptr_t)buffer->memory;
	IOCTL(app.iommufd, IOMMU_IOAS_MAP, &map);
	buffer->iova = map.iova; /* which the kernel has chosen */
}

/* ---- 5. the engine ---- */

/* Poll until the channel is in that state; it takes microseconds. */
static void state_wait(uint64_t state)
{
	for (int i = 0; i < 1000000; i++)
		if ((get(app.bar + CHANSTS, 8) & STATE_MASK) == state)
			return;
	die("the engine does not reach state %u: status %#llx, errors %#llx", (unsigned)state,
	    (unsigned long long)get(app.bar + CHANSTS, 8),
	    (unsigned long long)get(app.bar + CHANERR, 4));
}

static void engine_reset(void)
{
	set(app.bar + CHANERR, 4, get(app.bar + CHANERR, 4));
	set(app.bar + CHANCMD, 1, CHANCMD_RESET);
	state_wait(STATE_HALTED);
	set(app.bar + INTRCTRL, 1, INTRCTRL_MSIX);
}

/* One descriptor for each block of `size` bytes; the last one interrupts. Returns how many. */
static unsigned ring_fill(size_t size)
{
	struct descriptor *ring = (struct descriptor *)app.ring.memory;
	unsigned count = 0;

	for (size_t done = 0; done < size; done += app.block, count++) {
		size_t left = size - done;

		ring[count] = (struct descriptor){
			.size = (uint32_t)(left < app.block ? left : app.block),
			.source = app.source.iova + done,
			.destination = app.destination.iova + done,
			.next = app.ring.iova + (count + 1) * sizeof(struct descriptor),
		};
	}
	ring[count - 1].control = CONTROL_INTERRUPT;
	return count;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Let the engine copy `size` bytes from one buffer to the other. */
static void engine_copy(size_t size)
{
	unsigned count = ring_fill(size);
	double start = now();

	set(app.bar + CHAINADDR, 8, app.ring.iova);
	set(app.bar + CHANCTRL, 2, CHANCTRL_REARM | CHANCTRL_ABORT | CHANCTRL_ERROR_INTERRUPT);
	set(app.bar + DMACOUNT, 2, count);
	interrupt_wait();
	state_wait(STATE_DONE);
	app.seconds += now() - start;
	app.copies += count;
	app.bytes += size;
}

/* ---- 6. the file, a bufferful at a time ---- */

/* Read until the buffer is full or the file ends. */
static size_t read_all(int fd, uint8_t *memory, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, memory + done, size - done);

		if (n < 0)
			die("%s: %s", app.in_path, strerror(errno));
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static void write_all(int fd, const uint8_t *memory, size_t size)
{
	while (size) {
		ssize_t n = write(fd, memory, size);

		if (n < 0)
			die("%s: %s", app.out_path, strerror(errno));
		memory += n;
		size -= (size_t)n;
	}
}

static void file_copy(void)
{
	int in = open_or_die(app.in_path, O_RDONLY);
	int out = open_or_die(app.out_path, O_WRONLY | O_CREAT | O_TRUNC);
	size_t n;

	while ((n = read_all(in, app.source.memory, app.source.size)) > 0) {
		memset(app.destination.memory, 0, n);
		engine_copy(n);
		if (memcmp(app.source.memory, app.destination.memory, n))
			die("the engine's copy differs from the original");
		write_all(out, app.destination.memory, n);
	}
	if (close(out))
		die("%s: %s", app.out_path, strerror(errno));
}

/* ---- main ---- */

static void usage(void)
{
	fprintf(stderr,
		"usage: ioat-copy [--block SIZE] [--device PATH] IN OUT\n"
		"  --block SIZE   bytes in each copy, with k or M (default: what the engine "
		"can do)\n"
		"  --device PATH  default: /dev/vfio/devices/vfio0\n");
	exit(2);
}

static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (*end == 'k')
		value <<= 10, end++;
	else if (*end == 'M')
		value <<= 20, end++;
	if (!value || *end)
		die("no size '%s': write a number, perhaps with k or M", text);
	return value;
}

static void parse(int argc, char **argv)
{
	int i = 1;

	for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
		if (!strcmp(argv[i], "--block"))
			app.block = parse_size(argv[i + 1]);
		else if (!strcmp(argv[i], "--device"))
			app.device_path = argv[i + 1];
		else
			usage();
	}
	if (argc - i != 2)
		usage();
	app.in_path = argv[i];
	app.out_path = argv[i + 1];
}

/* Buffers for a batch of blocks; no block is larger than what the engine can do. */
static void buffers_make(void)
{
	uint64_t largest = 1ull << get(app.bar + XFERCAP, 1), size;

	if (!app.block)
		app.block = largest;
	if (app.block > largest)
		die("the engine copies at most %llu bytes at a time", (unsigned long long)largest);
	size = app.block * DESCRIPTORS;
	if (size > BUFFER_SIZE)
		size = app.block < BUFFER_SIZE ? BUFFER_SIZE - BUFFER_SIZE % app.block : app.block;
	buffer_map(&app.ring, DESCRIPTORS * sizeof(struct descriptor));
	buffer_map(&app.source, size);
	buffer_map(&app.destination, size);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	device_bind();
	registers_find();
	interrupt_connect();
	buffers_make();
	engine_reset();
	file_copy();
	printf("%llu bytes in %llu copies, %llu interrupts: %.2f GB/s, verified\n",
	       (unsigned long long)app.bytes, (unsigned long long)app.copies,
	       (unsigned long long)app.interrupts,
	       app.seconds > 0 ? (double)app.bytes / 1e9 / app.seconds : 0);
	return 0;
}
