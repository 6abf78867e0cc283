// SPDX-License-Identifier: MIT
/*
 * Random calls of several threads on one context. Whatever they do, each answer is
 * one that an ioctl may give, and when everything is closed nothing is left.
 *
 * STRESS_CALLS says how many there are; `make explore` has ten million.
 */
#include "race.h"
#include "selftest.h"

#include "base/alloc.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define CALLS	  40000
#define PER_ROUND 20000 /* on one machine: retired ids do not come back */
#define WORKERS	  4
#define DEVICES	  3
#define RECENT	  4
#define FILES	  8
#define IOVA(n)	  (0x2000000ull + (n)*PAGE)
#define IOVAS	  8

static const struct abi_machine machine = {
	.iommu = "mock",
	.flags = SWIOMMU_TEST_ABI,
	.devices = {"ioat,group=5", "ioat,group=5", "ioat"},
};

enum kind { IOAS, HWPT, PARENT, VIOMMU, VDEVICE, QUEUE, KINDS };

/* What threads know of each other's doings, all atomic. */
static struct {
	uint32_t ids[KINDS][RECENT]; /* that were given out lately */
	uint32_t next;
	int file[DEVICES]; /* -1: closed */
	uint32_t devid[DEVICES];
	int files[FILES]; /* of queues and accesses; -1: none */
	uint8_t *memory;
	uint32_t calls, limit;
	pthread_barrier_t start;
} shared;

struct worker {
	struct abi *abi;
	pthread_t thread;
	uint64_t seed;
};

/* ---- chance ---- */

static uint32_t any(struct worker *w, uint32_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (uint32_t)(w->seed >> 24) % n;
}

/* Mostly of that kind, and mostly alive. */
static uint32_t any_id(struct worker *w, enum kind kind)
{
	if (!any(w, 16))
		kind = (enum kind)any(w, KINDS);
	return __atomic_load_n(&shared.ids[kind][any(w, RECENT)], __ATOMIC_RELAXED);
}

static int note_id(int rc, enum kind kind, uint32_t id)
{
	uint32_t at = __atomic_fetch_add(&shared.next, 1, __ATOMIC_RELAXED) % RECENT;

	if (!rc)
		__atomic_store_n(&shared.ids[kind][at], id, __ATOMIC_RELAXED);
	return rc;
}

static uint32_t any_devid(struct worker *w)
{
	return __atomic_load_n(&shared.devid[any(w, DEVICES)], __ATOMIC_RELAXED);
}

static int any_device(struct worker *w)
{
	return __atomic_load_n(&shared.file[any(w, DEVICES)], __ATOMIC_RELAXED);
}

/* Keep a file, or close the one whose place it takes. */
static int note_file(struct worker *w, int rc, int fd)
{
	int old = rc ? -1 : __atomic_exchange_n(&shared.files[any(w, FILES)], fd, __ATOMIC_RELAXED);

	if (old >= 0)
		swiommu_close(w->abi->machine, old);
	return rc;
}

static int any_file(struct worker *w)
{
	return __atomic_load_n(&shared.files[any(w, FILES)], __ATOMIC_RELAXED);
}

/* ---- calls ---- */

static int call(struct worker *w, unsigned long cmd, void *arg)
{
	return abi_ioctl(w->abi, cmd, arg);
}

static int ioas_alloc(struct worker *w)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};
	int rc = call(w, IOMMU_IOAS_ALLOC, &cmd);

	return note_id(rc, IOAS, cmd.out_ioas_id);
}

static int destroy(struct worker *w)
{
	return abi_destroy(w->abi, any_id(w, (enum kind)any(w, KINDS)));
}

static int map(struct worker *w)
{
	uint32_t n = any(w, IOVAS);
	uint64_t iova = IOVA(n);

	return abi_map(w->abi, any_id(w, IOAS), RW | FIXED, ADDR(shared.memory + n * PAGE),
		       PAGE * (1 + any(w, 2)), &iova);
}

static int unmap(struct worker *w)
{
	return abi_unmap(w->abi, any_id(w, IOAS), IOVA(any(w, IOVAS)), PAGE * (1 + any(w, 2)),
			 NULL);
}

static int copy(struct worker *w)
{
	uint64_t iova = IOVA(any(w, IOVAS));

	return abi_copy(w->abi, any_id(w, IOAS), RW | FIXED, any_id(w, IOAS), IOVA(any(w, IOVAS)),
			PAGE, &iova);
}

static int hwpt_alloc(struct worker *w)
{
	uint32_t flags = any(w, 2) ? IOMMU_HWPT_ALLOC_NEST_PARENT : 0, id = 0;
	int rc = abi_hwpt(w->abi, any_devid(w), any_id(w, IOAS), flags, NULL, &id);

	return note_id(rc, flags ? PARENT : HWPT, id);
}

static int nested_alloc(struct worker *w)
{
	const struct iommu_hwpt_selftest selftest = {.iotlb = IOMMU_TEST_IOTLB_DEFAULT};
	const struct abi_data data = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), &selftest};
	uint32_t id = 0;
	int rc = abi_hwpt(w->abi, any_devid(w), any_id(w, any(w, 2) ? PARENT : VIOMMU), 0, &data,
			  &id);

	return note_id(rc, HWPT, id);
}

static int viommu_alloc(struct worker *w)
{
	uint32_t id = 0;
	int rc = abi_viommu(w->abi, any_devid(w), any_id(w, PARENT), &id);

	return note_id(rc, VIOMMU, id);
}

static int vdevice_alloc(struct worker *w)
{
	uint32_t id = 0;
	int rc = abi_vdevice(w->abi, any_id(w, VIOMMU), any_devid(w), any(w, 4), &id);

	return note_id(rc, VDEVICE, id);
}

static int hw_queue_alloc(struct worker *w)
{
	struct iommu_hw_queue_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = any_id(w, VIOMMU),
		.type = IOMMU_HW_QUEUE_TYPE_SELFTEST,
		.index = any(w, 2),
		.nesting_parent_iova = IOVA(any(w, IOVAS)),
		.length = PAGE,
	};
	int rc = call(w, IOMMU_HW_QUEUE_ALLOC, &cmd);

	return note_id(rc, QUEUE, cmd.out_hw_queue_id);
}

static int hw_info(struct worker *w)
{
	struct iommu_hw_info cmd = {.size = sizeof(cmd), .dev_id = any_devid(w)};

	return call(w, IOMMU_GET_HW_INFO, &cmd);
}

static int invalidate(struct worker *w)
{
	struct iommu_hwpt_invalidate cmd = {.size = sizeof(cmd),
					    .hwpt_id = any_id(w, any(w, 2) ? VDEVICE : HWPT)};

	return call(w, IOMMU_HWPT_INVALIDATE, &cmd);
}

static int fault_alloc(struct worker *w)
{
	struct iommu_fault_alloc cmd = {.size = sizeof(cmd)};
	int rc = call(w, IOMMU_FAULT_QUEUE_ALLOC, &cmd);

	note_id(rc, QUEUE, cmd.out_fault_id);
	return note_file(w, rc, (int)cmd.out_fault_fd);
}

static int veventq_alloc(struct worker *w)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = any_id(w, VIOMMU),
		.type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = 2,
	};
	int rc = call(w, IOMMU_VEVENTQ_ALLOC, &cmd);

	note_id(rc, QUEUE, cmd.out_veventq_id);
	return note_file(w, rc, (int)cmd.out_veventq_fd);
}

static int trigger_event(struct worker *w)
{
	return st_trigger_vevent(w->abi, any_devid(w));
}

static int read_file(struct worker *w)
{
	uint8_t got[64];
	ssize_t n = swiommu_read(w->abi->machine, any_file(w), got, sizeof(got));

	return n < 0 ? (int)n : 0;
}

static int poll_file(struct worker *w)
{
	int n = swiommu_poll(w->abi->machine, any_file(w));

	return n < 0 ? n : 0;
}

static int access_create(struct worker *w)
{
	int fd = -1, rc = st_create_access(w->abi, any_id(w, IOAS), any(w, 2), &fd);

	return note_file(w, rc, fd);
}

static int access_pin(struct worker *w)
{
	uint32_t id;

	return st_pin(w->abi, any_file(w), 0, IOVA(any(w, IOVAS)), PAGE, NULL, &id);
}

static int access_unpin(struct worker *w)
{
	return st_unpin(w->abi, any_file(w), any(w, 8));
}

static int access_rw(struct worker *w)
{
	uint8_t byte = 1;

	return st_rw(w->abi, any_file(w), any(w, 2) ? MOCK_ACCESS_RW_WRITE : 0, IOVA(any(w, IOVAS)),
		     &byte, 1);
}

static int access_move(struct worker *w)
{
	return st_access_replace(w->abi, any_file(w), any_id(w, IOAS));
}

static int attach(struct worker *w)
{
	struct vfio_device_attach_iommufd_pt cmd = {.argsz = sizeof(cmd),
						    .pt_id = any_id(w, any(w, 2) ? IOAS : HWPT)};

	return swiommu_ioctl(w->abi->machine, any_device(w), VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static int detach(struct worker *w)
{
	struct vfio_device_detach_iommufd_pt cmd = {.argsz = sizeof(cmd)};

	return swiommu_ioctl(w->abi->machine, any_device(w), VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

static int dma(struct worker *w)
{
	struct swiommu_device *device = w->abi->device[any(w, DEVICES)];
	uint8_t byte = 1;

	return any(w, 2) ? swiommu_dma_read(device, 0, IOVA(any(w, IOVAS)), &byte, 1, NULL)
			 : swiommu_dma_write(device, 0, IOVA(any(w, IOVAS)), &byte, 1, NULL);
}

/* ---- devices that come and go ---- */

static int open_and_bind(struct worker *w, unsigned n)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = w->abi->ctx};
	uint16_t command = 6;
	char path[40];
	int fd, rc, none = -1;

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", n);
	fd = swiommu_open(w->abi->machine, path);
	if (fd < 0)
		return fd;
	rc = swiommu_ioctl(w->abi->machine, fd, VFIO_DEVICE_BIND_IOMMUFD, &cmd);
	if (!rc)
		swiommu_pwrite(w->abi->machine, fd, &command, 2, CONFIG_REGION + 4);
	if (!rc)
		__atomic_store_n(&shared.devid[n], cmd.out_devid, __ATOMIC_RELAXED);
	if (rc || !__atomic_compare_exchange_n(&shared.file[n], &none, fd, false, __ATOMIC_RELAXED,
					       __ATOMIC_RELAXED))
		swiommu_close(w->abi->machine, fd);
	return rc;
}

static int bind_or_close(struct worker *w)
{
	unsigned n = any(w, DEVICES);
	int fd = __atomic_exchange_n(&shared.file[n], -1, __ATOMIC_RELAXED);

	return fd < 0 ? open_and_bind(w, n) : swiommu_close(w->abi->machine, fd);
}

/* ---- running ---- */

static int (*const calls[])(struct worker *w) = {
	ioas_alloc, destroy,	   destroy,	map,	       map,	      unmap,
	copy,	    hwpt_alloc,	   hwpt_alloc,	nested_alloc,  viommu_alloc,  vdevice_alloc,
	hw_info,    invalidate,	   fault_alloc, veventq_alloc, trigger_event, read_file,
	poll_file,  access_create, access_pin,	access_unpin,  access_rw,     access_move,
	attach,	    detach,	   dma,		dma,	       bind_or_close, hw_queue_alloc,
};

static void *run_worker(void *arg)
{
	struct worker *w = arg;

	/* Each thread gets a requester, which is handed on later, before any of them ends. */
	dma(w);
	pthread_barrier_wait(&shared.start);
	while (__atomic_fetch_add(&shared.calls, 1, __ATOMIC_RELAXED) < shared.limit)
		allow(calls[any(w, COUNT(calls))](w), 0, -ENOENT, -EBUSY, -EINVAL, -EEXIST,
		      -EOPNOTSUPP, -EADDRINUSE, -EBADF, -EBADFD, -ENOSPC, -EPERM, -EFAULT, -EIO,
		      -ENOTTY, -EDEADLK, -ESPIPE);
	return NULL;
}

static void one_machine(unsigned round, uint32_t limit)
{
	struct worker workers[WORKERS];
	struct race race;
	struct abi abi;

	memset(&shared, 0, sizeof(shared));
	memset(shared.file, 0xff, sizeof(shared.file));
	memset(shared.files, 0xff, sizeof(shared.files));
	shared.limit = limit;
	pthread_barrier_init(&shared.start, NULL, WORKERS);
	abi_init(&abi, &machine);
	shared.memory = abi_pages(&abi, IOVAS + 2);
	shared.ids[IOAS][0] = abi_ioas(&abi);
	race_start(&race, &abi);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.abi = &abi, .seed = round * WORKERS + i + 1};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]),
				 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	race_join(&race);
	abi_fini(&abi);
}

static void random_calls_leave_nothing(struct abi *abi)
{
	const char *text = getenv("STRESS_CALLS");
	uint32_t total = text ? (uint32_t)strtoul(text, NULL, 10) : CALLS;
	size_t before;

	(void)abi;
	one_machine(0, PER_ROUND);
	before = base_alloc_count();
	for (uint32_t done = 0, round = 1; done < total; done += PER_ROUND, round++)
		one_machine(round, PER_ROUND);
	assert_int_equal(base_alloc_count(), before);
}

int main(void)
{
	abi_on(abi_none, random_calls_leave_nothing);
	return abi_run("stress");
}
