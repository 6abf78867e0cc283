// SPDX-License-Identifier: MIT
/*
 * IOAS_CHANGE_PROCESS by another process than the owner (iommufd-ioctls.md 13.4, 13.5):
 * whose pages they are, in each mode of accounting (3.5), and that DMA does not notice.
 */
#include "engine.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGE  4096
#define PART  16	     /* pages that are copied */
#define PAGES (1 + 2 * PART) /* the engine's ring, and two parts */

struct mode {
	const char *path;
	bool privileged; /* CAP_IPC_LOCK */
	bool locks;	 /* VmLck counts it */
};

static struct mode mode_none = {IOMMU_PATH, true, false};
static struct mode mode_user = {IOMMU_PATH, false, false};
static struct mode mode_mm = {"/dev/vfio/vfio", false, true};

/* The parent's, inherited by children. */
static struct {
	const struct mode *mode;
	int iommufd, device, memfd;
	uint32_t ioas;
	struct engine engine;
	uint8_t *memory; /* of the memfd */
} rig;

/* What a child tells its parent. */
static volatile struct shared {
	uint64_t iova;
	bool ready;
} * shared;

/* False: there never was the capability. */
static bool privilege(bool on)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t bit = 1u << CAP_IPC_LOCK;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (!(data[0].permitted & bit))
		return false;
	data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	return true;
}

static bool set_limit(uint64_t pages)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return false;
	limit.rlim_cur = pages * PAGE;
	return !setrlimit(RLIMIT_MEMLOCK, &limit);
}

static int map(uint64_t *iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = rig.ioas,
		.fd = rig.memfd,
		.length = PAGES * PAGE,
	};
	int rc = ioctl(rig.iommufd, IOMMU_IOAS_MAP_FILE, &cmd);

	*iova = cmd.iova;
	return rc;
}

static int unmap(uint64_t iova)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd),
				       .ioas_id = rig.ioas,
				       .iova = iova,
				       .length = PAGES * PAGE};

	return ioctl(rig.iommufd, IOMMU_IOAS_UNMAP, &cmd);
}

static int change_process(void)
{
	struct iommu_ioas_change_process cmd = {.size = sizeof(cmd)};

	return ioctl(rig.iommufd, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

/* DMA from one part of the file to the other. */
static bool is_usable(uint64_t iova)
{
	static unsigned seed;
	uint8_t *from = rig.memory + PAGE, *to = from + PART * PAGE;

	rig.engine.ring_iova = iova;
	paint(from, PART * PAGE, ++seed);
	return engine_copy(&rig.engine, iova + PAGE + PART * PAGE, iova + PAGE, PART * PAGE) ==
		       STATE_DONE &&
	       is_painted(to, PART * PAGE, seed);
}

/* So many mappings of the file count for the process. */
static bool has_pinned(pid_t pid, int mappings)
{
	return status_pages(pid, "VmPin:") == mappings * PAGES &&
	       status_pages(pid, "VmLck:") == (rig.mode->locks ? mappings * PAGES : 0);
}

static int set_up(void **state)
{
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};

	rig.mode = *state;
	privilege(rig.mode->privileged);
	rig.iommufd = open(rig.mode->path, O_RDWR | O_CLOEXEC);
	rig.device = open_device();
	assert_int_equal(bind_device(rig.device, rig.iommufd), 0);
	rig.ioas = attach.pt_id = new_ioas(rig.iommufd);
	assert_int_equal(ioctl(rig.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), 0);
	rig.memfd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(rig.memfd, PAGES * PAGE), 0);
	rig.memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rig.memfd, 0);
	assert_ptr_not_equal(rig.memory, MAP_FAILED);
	engine_init(&rig.engine, rig.device);
	rig.engine.ring = (struct descriptor *)rig.memory;
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(rig.device);
	close(rig.iommufd);
	close(rig.memfd);
	munmap(rig.memory, PAGES * PAGE);
	munmap((void *)shared, PAGE);
	return set_limit(2 * PAGES) ? 0 : -1;
}

/* A child that has done fn and waits; it is killed by the caller. */
static pid_t child(int (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (fn())
			_exit(1);
		shared->ready = true;
		pause();
		_exit(0);
	}
	while (!shared->ready) {
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		usleep(1000);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* All is free again, of the user's pages too: no more than the limit is there for all. */
static void nothing_is_pinned(void)
{
	uint64_t iova;

	assert_true(has_pinned(getpid(), 0));
	assert_true(set_limit(PAGES));
	assert_int_equal(map(&iova), 0);
	assert_true(has_pinned(getpid(), 1));
	assert_int_equal(unmap(iova), 0);
}

/* ---- a child takes what its parent has mapped ---- */

static int take(void)
{
	child_check(set_limit(3 * PAGES));
	child_check(has_pinned(getpid(), 0) && has_pinned(getppid(), 1));
	child_check(change_process() == 0);
	child_check(has_pinned(getpid(), 1) && has_pinned(getppid(), 0));
	/* Once more is nothing new. */
	child_check(change_process() == 0);
	child_check(has_pinned(getpid(), 1) && has_pinned(getppid(), 0));
	return 0;
}

static void a_child_can_be_the_owner(void **state)
{
	uint64_t iova;
	pid_t pid;

	(void)state;
	assert_int_equal(map(&iova), 0);
	assert_true(is_usable(iova));
	pid = child(take);
	assert_true(has_pinned(getpid(), 0));
	assert_true(has_pinned(pid, 1));
	assert_true(is_usable(iova));
	end(pid);
	assert_true(is_usable(iova));
	/* From a process that is gone. */
	assert_int_equal(change_process(), 0);
	assert_true(has_pinned(getpid(), 1));
	assert_true(is_usable(iova));
	assert_int_equal(unmap(iova), 0);
	nothing_is_pinned();
}

/* ---- a parent takes what its child has mapped ---- */

static int map_own(void)
{
	uint64_t iova;

	child_check(map(&iova) == 0);
	child_check(has_pinned(getpid(), 1) && has_pinned(getppid(), 0));
	shared->iova = iova;
	return 0;
}

static void the_owner_of_before_may_go(void **state)
{
	pid_t pid = child(map_own);

	(void)state;
	assert_true(is_usable(shared->iova));
	assert_int_equal(change_process(), 0);
	assert_true(has_pinned(getpid(), 1));
	assert_true(has_pinned(pid, 0));
	assert_true(is_usable(shared->iova));
	end(pid);
	assert_true(is_usable(shared->iova));
	assert_int_equal(unmap(shared->iova), 0);
	nothing_is_pinned();
}

/* ---- too much for the new owner ---- */

/* In mode USER both count for a moment, for one user: the former owner's go last. */
static int take_too_much(void)
{
	long enough = rig.mode->locks ? PAGES : 2 * PAGES;

	child_check(set_limit((uint64_t)enough - 1));
	child_check(change_process() == -1 && errno == ENOMEM);
	child_check(has_pinned(getpid(), 0) && has_pinned(getppid(), 1));
	child_check(set_limit((uint64_t)enough));
	child_check(change_process() == 0);
	child_check(has_pinned(getpid(), 1) && has_pinned(getppid(), 0));
	return 0;
}

static void the_limit_is_that_of_the_new_owner(void **state)
{
	uint64_t iova;

	(void)state;
	assert_int_equal(map(&iova), 0);
	end(child(take_too_much));
	assert_true(is_usable(iova));
	assert_int_equal(unmap(iova), 0);
	nothing_is_pinned();
}

/* Of two mappings of one file, and none of them moves. */
static int take_half(void)
{
	child_check(set_limit(PAGES));
	child_check(change_process() == -1 && errno == ENOMEM);
	child_check(has_pinned(getpid(), 0) && has_pinned(getppid(), 2));
	return 0;
}

static void all_mappings_move_or_none(void **state)
{
	uint64_t iova[2];

	(void)state;
	assert_int_equal(map(&iova[0]), 0);
	assert_int_equal(map(&iova[1]), 0);
	end(child(take_half));
	assert_true(has_pinned(getpid(), 2));
	for (int i = 0; i < 2; i++) {
		assert_true(is_usable(iova[i]));
		assert_int_equal(unmap(iova[i]), 0);
	}
	nothing_is_pinned();
}

static int take_with_no_limit_left(void)
{
	child_check(set_limit(0));
	child_check(change_process() == 0);
	child_check(has_pinned(getpid(), 1) && has_pinned(getppid(), 0));
	return 0;
}

/* The mode is that of the mapping, whoever has it. */
static void what_has_no_limit_keeps_none(void **state)
{
	uint64_t iova;

	(void)state;
	assert_int_equal(map(&iova), 0);
	end(child(take_with_no_limit_left));
	assert_true(is_usable(iova));
	assert_int_equal(unmap(iova), 0);
}

#define TEST(fn, mode)                                               \
	{                                                            \
#mode ": " #fn, fn, set_up, tear_down, &mode_##mode, \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_can_be_the_owner, user),
		TEST(the_owner_of_before_may_go, user),
		TEST(the_limit_is_that_of_the_new_owner, user),
		TEST(all_mappings_move_or_none, user),
		TEST(a_child_can_be_the_owner, mm),
		TEST(the_owner_of_before_may_go, mm),
		TEST(the_limit_is_that_of_the_new_owner, mm),
		TEST(all_mappings_move_or_none, mm),
		TEST(a_child_can_be_the_owner, none),
		TEST(the_owner_of_before_may_go, none),
		TEST(what_has_no_limit_keeps_none, none),
	};
	/* Only who has the privilege can be without a limit. */
	size_t count = sizeof(tests) / sizeof(tests[0]);

	if (!privilege(true)) {
		print_message("mode NONE is left out: no CAP_IPC_LOCK\n");
		count -= 3;
	}
	return _cmocka_run_group_tests("owner", tests, count, NULL, NULL);
}
