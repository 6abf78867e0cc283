// SPDX-License-Identifier: MIT
/*
 * vdevice-life: what becomes of a vdevice when its device goes away.
 *
 * A virtual machine monitor gives a device to its guest: it binds the device to
 * an iommufd, makes a vIOMMU (the IOMMU that the guest sees), and tells the
 * vIOMMU by which number the guest knows the device. The last step makes a
 * vdevice. It belongs to the program, but the device can be unbound at any time,
 * and then the vdevice must go with it. This program walks through the rules,
 * prints what each call should answer and what it answers, and fails if they
 * differ.
 *
 * It is an ordinary iommufd program and knows nothing of swiommu. It only wants
 * two I/OAT engines behind an IOMMU with the vIOMMU type of the kernel's own
 * tests:
 *
 *	swiommu run --iommu mock --device ioat --device ioat -- vdevice-life
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#define VIOMMU_TYPE_TEST 0xdeadbeef
#define VIRT_ID		 0x42	   /* how the guest calls the device */
#define IOVA		 0x1000000 /* where the device finds our memory */
#define PAGE		 4096
#define ROUNDS		 200 /* of each race */
#define LATEST		 400 /* turns that one thread lets the other go first */
#define NEW_OBJECTS	 100

static struct world {
	const char *path[2];
	bool unbound; /* the policy: only unbinding destroys a vdevice */

	int iommufd;
	int device[2];	   /* file descriptors */
	uint32_t devid[2]; /* their ids in the iommufd */
	uint32_t ioas, hwpt, viommu, vdevice;
	uint32_t retired[2]; /* ids of vdevices that went with their devices */
} world = {.path = {"/dev/vfio/devices/vfio0", "/dev/vfio/devices/vfio1"}};

/* ---- telling ---- */

static unsigned checks, mismatches;

static void step(char letter, const char *text)
{
	printf("\n(%c) %s\n", letter, text);
}

static void report(const char *what, const char *want, const char *got)
{
	bool ok = !strcmp(want, got);

	printf("    %-56s %-8s %-8s %s\n", what, want, got, ok ? "ok" : "MISMATCH");
	checks++;
	mismatches += !ok;
}

static const char *name_of(int error)
{
	switch (error) {
	case 0: return "success";
	case EBUSY: return "EBUSY";
	case EEXIST: return "EEXIST";
	case EINVAL: return "EINVAL";
	case ENOENT: return "ENOENT";
	default: return strerror(error);
	}
}

/* What a call should answer, and what it answers: 0 or an errno. */
static void expect(const char *what, int want, int got)
{
	report(what, name_of(want), name_of(got));
}

static void expect_id(const char *what, uint32_t want, uint32_t got)
{
	char want_text[16], got_text[16];

	snprintf(want_text, sizeof(want_text), "id %u", want);
	snprintf(got_text, sizeof(got_text), "id %u", got);
	report(what, want_text, got_text);
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fprintf(stderr, "vdevice-life: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

/* For what only prepares a step: without it there is no point in going on. */
static void need(const char *what, int error)
{
	if (error)
		die("%s: %s", what, strerror(error));
}

/* ---- the calls: each answers 0 or an errno ---- */

static int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? errno : 0;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s (run me under 'swiommu run --iommu mock --device ioat --device ioat')",
		    path, strerror(errno));
	return fd;
}

static int destroy(uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	return call(world.iommufd, IOMMU_DESTROY, &cmd);
}

static int bind_device(int device, int iommufd, uint32_t *devid)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = iommufd};
	int error = call(device, VFIO_DEVICE_BIND_IOMMUFD, &cmd);

	*devid = cmd.out_devid;
	return error;
}

/* Open device n and bind it to our iommufd. */
static int open_device(int n)
{
	world.device[n] = open_file(world.path[n]);
	return bind_device(world.device[n], world.iommufd, &world.devid[n]);
}

static int attach(int device, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {.argsz = sizeof(cmd), .pt_id = pt};

	return call(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static int ioas_alloc(uint32_t *id)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};
	int error = call(world.iommufd, IOMMU_IOAS_ALLOC, &cmd);

	*id = cmd.out_ioas_id;
	return error;
}

static int ioas_map(uint32_t ioas, void *memory, uint64_t length, uint64_t iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = iova,
	};

	return call(world.iommufd, IOMMU_IOAS_MAP, &cmd);
}

/* A page table under the guest's own: the parent of what is nested on it. */
static int hwpt_alloc(uint32_t devid, uint32_t ioas, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_ALLOC_NEST_PARENT,
		.dev_id = devid,
		.pt_id = ioas,
	};
	int error = call(world.iommufd, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return error;
}

static int viommu_alloc(uint32_t devid, uint32_t hwpt, uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = VIOMMU_TYPE_TEST,
		.dev_id = devid,
		.hwpt_id = hwpt,
	};
	int error = call(world.iommufd, IOMMU_VIOMMU_ALLOC, &cmd);

	*id = cmd.out_viommu_id;
	return error;
}

static int vdevice_alloc(uint32_t viommu, uint32_t devid, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.dev_id = devid,
		.virt_id = virt_id,
	};
	int error = call(world.iommufd, IOMMU_VDEVICE_ALLOC, &cmd);

	*id = cmd.out_vdevice_id;
	return error;
}

static int hw_info(uint32_t devid)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd), .dev_id = devid};

	return call(world.iommufd, IOMMU_GET_HW_INFO, &cmd);
}

static int iova_ranges(uint32_t ioas)
{
	struct iommu_iova_range ranges[8];
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = 8,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return call(world.iommufd, IOMMU_IOAS_IOVA_RANGES, &cmd);
}

/* ---- the device at work: an I/OAT engine copies eight bytes ---- */

enum { /* BAR 0 */
       CHANCMD = 0x84,
       DMACOUNT = 0x86,
       CHANSTS = 0x88,
       CHAINADDR = 0x90,
};

enum { RESET = 0x20 };		  /* CHANCMD */
enum { STATE = 7, DONE = 1 };	  /* CHANSTS */
enum { PCI_COMMAND = 4 };	  /* config space */
enum { MEMORY_BUS_MASTER = 0x6 }; /* PCI_COMMAND */

/* What we share with the engine: one page at IOVA. */
static struct shared {
	struct {
		uint32_t size, control;
		uint64_t source, destination, next, other[4];
	} descriptor;
	uint64_t source, destination;
} * shared;

static uint64_t region_offset(int device, uint32_t index)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	need("VFIO_DEVICE_GET_REGION_INFO", call(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info.offset;
}

static void reg_write(int device, uint64_t offset, size_t width, uint64_t value)
{
	if (pwrite(device, &value, width, (off_t)offset) != (ssize_t)width)
		die("writing a register of the device: %s", strerror(errno));
}

static void engine_prepare(int device)
{
	uint64_t config = region_offset(device, VFIO_PCI_CONFIG_REGION_INDEX);
	uint64_t bar = region_offset(device, VFIO_PCI_BAR0_REGION_INDEX);

	reg_write(device, config + PCI_COMMAND, 2, MEMORY_BUS_MASTER);
	reg_write(device, bar + CHANCMD, 1, RESET);
	shared->descriptor.size = sizeof(shared->source);
	shared->descriptor.source = IOVA + offsetof(struct shared, source);
	shared->descriptor.destination = IOVA + offsetof(struct shared, destination);
}

/* Have it copy `value`. Did it arrive? */
static bool engine_copies(int device, uint64_t value)
{
	uint64_t bar = region_offset(device, VFIO_PCI_BAR0_REGION_INDEX), status;

	shared->source = value;
	shared->destination = 0;
	reg_write(device, bar + CHAINADDR, 8, IOVA);
	reg_write(device, bar + DMACOUNT, 2, 1);
	for (int i = 0; i < 100000; i++) {
		if (pread(device, &status, 8, (off_t)(bar + CHANSTS)) != 8)
			die("reading a register of the device: %s", strerror(errno));
		if ((status & STATE) == DONE)
			break;
	}
	return shared->destination == value;
}

static void expect_copy(const char *what, uint64_t value)
{
	report(what, "arrives", engine_copies(world.device[0], value) ? "arrives" : "nothing");
}

/* ---- the steps ---- */

static void ids_are_taken(void)
{
	step('a', "Binding a device to an iommufd gives it an id, which other calls take.");
	expect("bind the first device", 0, open_device(0));
	expect("bind the second device", 0, open_device(1));
	expect("make an address space (IOAS)", 0, ioas_alloc(&world.ioas));
	expect("make a page table (HWPT) for the first device", 0,
	       hwpt_alloc(world.devid[0], world.ioas, &world.hwpt));
	expect("make a vIOMMU with it", 0, viommu_alloc(world.devid[0], world.hwpt, &world.viommu));
	expect("make a vdevice: the first device is 0x42 to the guest", 0,
	       vdevice_alloc(world.viommu, world.devid[0], VIRT_ID, &world.vdevice));
	printf("    the ids: devices %u and %u, IOAS %u, HWPT %u, vIOMMU %u, vdevice %u\n",
	       world.devid[0], world.devid[1], world.ioas, world.hwpt, world.viommu, world.vdevice);
}

static void closing_ends_the_vdevice(void)
{
	uint32_t id;

	step('b', "When a device is unbound, its vdevice is gone before close() returns.");
	expect("before: destroy the vIOMMU", EBUSY, destroy(world.viommu));
	expect("before: the second device as 0x42", EEXIST,
	       vdevice_alloc(world.viommu, world.devid[1], VIRT_ID, &id));
	expect("close the first device", 0, close(world.device[0]) ? errno : 0);
	world.retired[0] = world.vdevice;
	expect("0x42 is free: the second device as 0x42", 0,
	       vdevice_alloc(world.viommu, world.devid[1], VIRT_ID, &world.retired[1]));
	expect("close the second device", 0, close(world.device[1]) ? errno : 0);
	expect("nothing uses the vIOMMU: destroy it", 0, destroy(world.viommu));
}

static void retired_ids_stay_dead(void)
{
	uint32_t ids[NEW_OBJECTS], count = 0, again = 0;
	char what[64];

	step('c', "The id of such a vdevice is a tombstone: it is never handed out again.");
	for (; count < NEW_OBJECTS; count++) {
		need("IOMMU_IOAS_ALLOC", ioas_alloc(&ids[count]));
		again += ids[count] == world.retired[0] || ids[count] == world.retired[1];
	}
	snprintf(what, sizeof(what), "make %d objects: is one of them id %u or %u?", NEW_OBJECTS,
		 world.retired[0], world.retired[1]);
	report(what, "no", again ? "yes" : "no");
	expect_id("in contrast, the id of a closed device is free", world.devid[1], ids[0]);
	while (count)
		need("IOMMU_DESTROY", destroy(ids[--count]));
	need("binding the devices again", open_device(0) | open_device(1));
}

static void retired_ids_are_not_found(void)
{
	uint32_t dead = world.retired[0], id;

	step('d', "Whatever is done with a retired id: there is no such object.");
	expect("destroy it", ENOENT, destroy(dead));
	expect("use it as a device: ask for its IOMMU", ENOENT, hw_info(dead));
	expect("use it as a device: make an HWPT", ENOENT, hwpt_alloc(dead, world.ioas, &id));
	expect("use it as a vIOMMU: make a vdevice", ENOENT,
	       vdevice_alloc(dead, world.devid[0], VIRT_ID, &id));
	expect("use it as an IOAS: ask for its IOVA ranges", ENOENT, iova_ranges(dead));
	expect("use it as a page table: attach a device", ENOENT, attach(world.device[0], dead));
}

static void make_vdevice_again(void)
{
	need("IOMMU_VIOMMU_ALLOC", viommu_alloc(world.devid[0], world.hwpt, &world.viommu));
	need("IOMMU_VDEVICE_ALLOC",
	     vdevice_alloc(world.viommu, world.devid[0], VIRT_ID, &world.vdevice));
}

static void destroying_at_any_time(void)
{
	uint32_t first = world.vdevice;

	step('e', "Destroying a vdevice whose device is bound works, and frees its id.");
	expect("destroy the vdevice", 0, destroy(world.vdevice));
	expect("make another", 0,
	       vdevice_alloc(world.viommu, world.devid[0], VIRT_ID, &world.vdevice));
	expect_id("its id is the one that was freed", first, world.vdevice);
}

static void destroying_when_unbound(void)
{
	uint32_t id;

	step('f', "This IOMMU leaves the end of a vdevice to unbinding (--unbound).");
	expect("destroy the vdevice", EBUSY, destroy(world.vdevice));
	expect("it is still there: make another for its device", EEXIST,
	       vdevice_alloc(world.viommu, world.devid[0], VIRT_ID + 1, &id));
}

static void devices_are_not_destroyed(void)
{
	step('g', "What something depends on is not destroyed.");
	expect("destroy the device: the driver has it", EBUSY, destroy(world.devid[0]));
	expect("destroy the vIOMMU: the vdevice needs it", EBUSY, destroy(world.viommu));
	expect("destroy the HWPT: the vIOMMU needs it", EBUSY, destroy(world.hwpt));
	expect("destroy the IOAS: the HWPT needs it", EBUSY, destroy(world.ioas));
}

static void devices_keep_the_context(void)
{
	int other, device;
	uint32_t id;

	step('h', "A bound device keeps everything alive, also without any iommufd descriptor.");
	expect("attach the first device to the HWPT", 0, attach(world.device[0], world.hwpt));
	expect("map a page for it", 0, ioas_map(world.ioas, shared, PAGE, IOVA));
	engine_prepare(world.device[0]);
	expect_copy("the device copies eight bytes", 0x1122334455667788);
	expect("close the iommufd", 0, close(world.iommufd) ? errno : 0);
	expect_copy("the device copies eight other bytes", 0x99aabbccddeeff00);

	other = open_file("/dev/iommu");
	device = open_file(world.path[0]);
	expect("the device is still bound: bind it to another iommufd", EINVAL,
	       bind_device(device, other, &id));
	close(world.device[1]);
	expect("close the last bound device", 0, close(world.device[0]) ? errno : 0);
	expect("it is free: bind it to another iommufd", 0, bind_device(device, other, &id));
	expect_id("which counts its own ids from 1", 1, id);
	close(device);
	world.iommufd = other;
}

/* ---- races: two threads, one device ---- */

static struct race {
	atomic_int ready, late; /* threads at the start; turns that the closing one waits there */
	int (*rival)(void);	/* what runs beside the close of the device */
	int answer;
} race;

/* Both threads leave at the same moment. */
static void race_start(void)
{
	atomic_fetch_add(&race.ready, 1);
	while (atomic_load(&race.ready) < 2)
		;
}

static void *rival_run(void *arg)
{
	(void)arg;
	race_start();
	race.answer = race.rival();
	return NULL;
}

/* Close the first device while another thread does something else. The rival's answer. */
static int race_run(int (*rival)(void), int late)
{
	pthread_t thread;

	race.rival = rival;
	atomic_store(&race.ready, 0);
	atomic_store(&race.late, late);
	need("pthread_create", pthread_create(&thread, NULL, rival_run, NULL));
	race_start();
	while (atomic_fetch_sub(&race.late, 1) > 0)
		;
	need("close", close(world.device[0]) ? errno : 0);
	pthread_join(thread, NULL);
	return race.answer;
}

static int rival_alloc(void)
{
	return vdevice_alloc(world.viommu, world.devid[0], VIRT_ID, &world.vdevice);
}

static int rival_destroy(void)
{
	return destroy(world.vdevice);
}

struct tally {
	unsigned success, enoent, ebusy, other;
	unsigned remains; /* rounds in which something of the vdevice was left */
};

static void tally_add(struct tally *tally, int answer)
{
	switch (answer) {
	case 0: tally->success++; break;
	case ENOENT: tally->enoent++; break;
	case EBUSY: tally->ebusy++; break;
	default: tally->other++; break;
	}
}

static struct tally race_rounds(int (*rival)(void), bool with_vdevice)
{
	struct tally tally = {0};

	for (int i = 0; i < ROUNDS; i++) {
		need("binding the device", open_device(0));
		need("IOMMU_VIOMMU_ALLOC", viommu_alloc(world.devid[0], world.hwpt, &world.viommu));
		world.vdevice = 0;
		if (with_vdevice)
			need("IOMMU_VDEVICE_ALLOC",
			     vdevice_alloc(world.viommu, world.devid[0], VIRT_ID, &world.vdevice));
		tally_add(&tally, race_run(rival, i * LATEST / ROUNDS));
		/* The vdevice is not there, and the vIOMMU has no user. */
		tally.remains += destroy(world.vdevice) != ENOENT || destroy(world.viommu) != 0;
	}
	return tally;
}

static void tally_report(const struct tally *tally, const char *what, unsigned wrong)
{
	printf("    %d rounds: success %u, ENOENT %u, EBUSY %u, other %u\n", ROUNDS, tally->success,
	       tally->enoent, tally->ebusy, tally->other);
	report(what, "all", wrong ? "not all" : "all");
	report("rounds in which something of the vdevice is left", "none",
	       tally->remains ? "some" : "none");
}

static void races(void)
{
	struct tally tally;

	need("binding the device", open_device(0));
	need("IOMMU_IOAS_ALLOC", ioas_alloc(&world.ioas));
	need("IOMMU_HWPT_ALLOC", hwpt_alloc(world.devid[0], world.ioas, &world.hwpt));
	close(world.device[0]);

	step('i', "A vdevice made while its device is closed goes with it, or is not made.");
	tally = race_rounds(rival_alloc, false);
	tally_report(&tally, "answers that are success or ENOENT", tally.ebusy + tally.other);

	step('j', "A vdevice destroyed while its device is closed ends exactly once.");
	tally = race_rounds(rival_destroy, true);
	if (world.unbound)
		tally_report(&tally, "answers that are EBUSY or ENOENT",
			     tally.success + tally.other);
	else
		tally_report(&tally, "answers that are success, EBUSY or ENOENT", tally.other);
}

/* ---- main ---- */

static void usage(void)
{
	fprintf(stderr, "usage: vdevice-life [--unbound] [DEVICE DEVICE]\n"
			"  --unbound  expect that only unbinding a device destroys its vdevice\n"
			"             (swiommu run --vdevice-destroy=unbound)\n"
			"  DEVICE     default: /dev/vfio/devices/vfio0 and vfio1\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	int i = 1;

	if (i < argc && !strcmp(argv[i], "--unbound")) {
		world.unbound = true;
		i++;
	}
	if (argc - i == 2) {
		world.path[0] = argv[i];
		world.path[1] = argv[i + 1];
	} else if (argc != i) {
		usage();
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("no memory");
	world.iommufd = open_file("/dev/iommu");

	printf("    %-56s %-8s %s\n", "", "expected", "got");
	ids_are_taken();
	if (!world.viommu)
		die("no vIOMMU of type %#x here: is the IOMMU 'mock'?", VIOMMU_TYPE_TEST);
	closing_ends_the_vdevice();
	retired_ids_stay_dead();
	retired_ids_are_not_found();
	make_vdevice_again();
	if (world.unbound)
		destroying_when_unbound();
	else
		destroying_at_any_time(); /* (f) is for the other policy */
	devices_are_not_destroyed();
	devices_keep_the_context();
	races();

	printf("\nvdevice-life: %u checks, %u mismatches\n", checks, mismatches);
	return mismatches != 0;
}
