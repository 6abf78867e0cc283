// SPDX-License-Identifier: MIT
/*
 * Memory of other processes, as a device of this one reaches it: each child maps
 * some of its own into the IOAS, and an I/OAT engine copies.
 */
#include "engine.h"

#include <sys/mman.h>

#define SIZE	  ((size_t)64 << 10)
#define SOME_IOVA ((uint64_t)64 << 20) /* within what every IOMMU has */

/* The parent's, inherited by children. */
static struct {
	int iommufd, device;
	uint32_t ioas;
	struct engine engine;
	uint8_t *memory; /* the parent's own, SIZE bytes */
	uint64_t iova;
} rig;

/* What a child tells its parent. */
static volatile struct shared {
	uint64_t iova, other;
	uint32_t step;
} * shared;

static uint8_t *pages(size_t size, int flags)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static int map_flags(const void *memory, size_t size, uint32_t flags, uint64_t *iova)
{
	struct iommu_ioas_map cmd = {.size = sizeof(cmd),
				     .flags = flags,
				     .ioas_id = rig.ioas,
				     .user_va = (uintptr_t)memory,
				     .length = size,
				     .iova = *iova};
	int rc = ioctl(rig.iommufd, IOMMU_IOAS_MAP, &cmd);

	*iova = cmd.iova;
	return rc;
}

static int map(const void *memory, size_t size, uint64_t *iova)
{
	return map_flags(memory, size, IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE, iova);
}

static int unmap(uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd),
				       .ioas_id = rig.ioas,
				       .iova = iova,
				       .length = size};

	return ioctl(rig.iommufd, IOMMU_IOAS_UNMAP, &cmd);
}

/* ---- the engine ---- */

static unsigned copy(uint64_t to, uint64_t from, size_t size)
{
	return engine_copy(&rig.engine, to, from, size);
}

static int set_up(void **state)
{
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};

	(void)state;
	rig.iommufd = open_iommufd();
	rig.device = open_device();
	assert_int_equal(bind_device(rig.device, rig.iommufd), 0);
	rig.ioas = attach.pt_id = new_ioas(rig.iommufd);
	assert_int_equal(ioctl(rig.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), 0);
	engine_init(&rig.engine, rig.device);
	rig.engine.ring = (struct descriptor *)pages(4096, MAP_SHARED);
	rig.memory = pages(SIZE, MAP_SHARED);
	shared = (struct shared *)pages(4096, MAP_SHARED);
	assert_int_equal(map(rig.engine.ring, 4096, &rig.engine.ring_iova), 0);
	assert_int_equal(map(rig.memory, SIZE, &rig.iova), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(rig.device);
	close(rig.iommufd);
	munmap(rig.engine.ring, 4096);
	munmap(rig.memory, SIZE);
	munmap((void *)shared, 4096);
	return 0;
}

/* ---- private memory ---- */

static int copy_private(int seed)
{
	uint8_t *mine = pages(2 * SIZE, MAP_PRIVATE);
	uint64_t iova = 0;

	child_check(map(mine, 2 * SIZE, &iova) == 0);
	paint(mine, SIZE, (unsigned)seed);
	child_check(copy(rig.iova, iova, SIZE) == STATE_DONE);
	child_check(is_painted(rig.memory, SIZE, (unsigned)seed));
	child_check(copy(iova + SIZE, rig.iova, SIZE) == STATE_DONE);
	child_check(is_painted(mine + SIZE, SIZE, (unsigned)seed));
	/* From its memory to its memory, also where both overlap. */
	child_check(copy(iova + 4096, iova, SIZE) == STATE_DONE);
	child_check(is_painted(mine + 4096, SIZE, (unsigned)seed));
	child_check(copy(iova, iova + 4096, SIZE) == STATE_DONE);
	child_check(is_painted(mine, SIZE, (unsigned)seed));
	child_check(unmap(iova, 2 * SIZE) == 0);
	child_check(copy(rig.iova, iova, SIZE) == STATE_HALTED);
	return 0;
}

static void a_device_reads_and_writes_a_childs_memory(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(in_child(copy_private, i), 0);
}

/* The same addresses as the parent's, with other content. */
static int map_same_addresses(int arg)
{
	uint64_t iova = 0;

	(void)arg;
	paint(rig.memory, SIZE, 9);
	child_check(map((void *)shared->other, SIZE, &iova) == 0);
	memset((void *)shared->other, 'c', SIZE);
	child_check(copy(rig.iova, iova, SIZE) == STATE_DONE);
	child_check(rig.memory[0] == 'c' && rig.memory[SIZE - 1] == 'c');
	return 0;
}

static void addresses_are_the_childs_own(void **state)
{
	uint8_t *mine = pages(SIZE, MAP_PRIVATE);
	uint64_t iova = 0;

	(void)state;
	memset(mine, 'p', SIZE);
	assert_int_equal(map(mine, SIZE, &iova), 0);
	shared->other = (uintptr_t)mine;
	assert_int_equal(in_child(map_same_addresses, 0), 0);
	assert_int_equal(mine[0], 'p');
	assert_int_equal(copy(rig.iova, iova, SIZE), STATE_DONE);
	assert_int_equal(rig.memory[0], 'p');
	munmap(mine, SIZE);
}

static int map_and_leave(int flags)
{
	uint8_t *mine = pages(2 * SIZE, flags);
	uint64_t iova = 0;

	paint(mine, SIZE, 5);
	child_check(map(mine, 2 * SIZE, &iova) == 0);
	shared->iova = iova;
	return 0;
}

static void private_memory_ends_with_its_process(void **state)
{
	(void)state;
	assert_int_equal(in_child(map_and_leave, MAP_PRIVATE), 0);
	assert_int_equal(copy(rig.iova, shared->iova, SIZE), STATE_HALTED);
	assert_int_equal(copy(shared->iova, rig.iova, SIZE), STATE_HALTED);
	assert_int_equal(copy(rig.iova, rig.iova, SIZE), STATE_DONE);
	assert_int_equal(unmap(shared->iova, 2 * SIZE), 0);
}

static void many_dead_processes_may_have_memory(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(in_child(map_and_leave, MAP_PRIVATE), 0);
	assert_int_equal(copy(rig.iova, shared->iova, SIZE), STATE_HALTED);
}

/* ---- shared memory ---- */

static void shared_memory_outlives_its_process(void **state)
{
	(void)state;
	if (geteuid()) {
		print_message("only root gets at what another process alone has mapped\n");
		skip();
	}
	assert_int_equal(in_child(map_and_leave, MAP_SHARED), 0);
	assert_int_equal(copy(rig.iova, shared->iova, SIZE), STATE_DONE);
	assert_true(is_painted(rig.memory, SIZE, 5));
	memset(rig.memory, 1, SIZE);
	assert_int_equal(copy(shared->iova + SIZE, shared->iova, SIZE), STATE_DONE);
	assert_int_equal(copy(rig.iova, shared->iova + SIZE, SIZE), STATE_DONE);
	assert_true(is_painted(rig.memory, SIZE, 5));
}

static int map_memfd(int fd)
{
	uint8_t *mine = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, SIZE);
	uint64_t iova = 0;

	close(fd);
	paint(mine, SIZE, 3);
	child_check(map(mine, SIZE, &iova) == 0);
	shared->iova = iova;
	return 0;
}

static void a_memfd_is_the_same_memory_for_all(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	uint8_t *ours;

	(void)state;
	assert_int_equal(ftruncate(fd, 2 * SIZE), 0);
	ours = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_int_equal(in_child(map_memfd, fd), 0);
	assert_true(is_painted(ours + SIZE, SIZE, 3));
	paint(rig.memory, SIZE, 4);
	assert_int_equal(copy(shared->iova, rig.iova, SIZE), STATE_DONE);
	assert_true(is_painted(ours + SIZE, SIZE, 4));
	munmap(ours, 2 * SIZE);
	close(fd);
}

/* ---- kinds side by side, and what cannot be mapped ---- */

static int map_mixed(int arg)
{
	uint8_t *mine = pages(3 * SIZE, MAP_PRIVATE);
	uint64_t iova = 0;

	(void)arg;
	child_check(mmap(mine + SIZE, SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	child_check(map(mine, 3 * SIZE, &iova) == 0);
	for (size_t at = 0; at <= 2 * SIZE; at += SIZE / 2) {
		paint(mine + at, SIZE, (unsigned)at / 4096);
		child_check(copy(rig.iova, iova + at, SIZE) == STATE_DONE);
		child_check(is_painted(rig.memory, SIZE, (unsigned)at / 4096));
		memset(mine + at, 0, SIZE);
		child_check(copy(iova + at, rig.iova, SIZE) == STATE_DONE);
		child_check(is_painted(mine + at, SIZE, (unsigned)at / 4096));
	}
	child_check(unmap(iova, 3 * SIZE) == 0);
	return 0;
}

static void a_range_may_be_of_several_kinds(void **state)
{
	(void)state;
	assert_int_equal(in_child(map_mixed, 0), 0);
}

static int map_badly(int arg)
{
	uint8_t *mine = pages(3 * SIZE, MAP_PRIVATE);
	int fd = memfd_create("short", MFD_CLOEXEC);
	uint8_t *cut;
	uint64_t iova = 0;

	(void)arg;
	child_check(ftruncate(fd, SIZE) == 0);
	cut = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	child_check(munmap(mine + SIZE, SIZE) == 0);
	child_check(map(mine, 3 * SIZE, &iova) == -1 && errno == EFAULT);
	child_check(map(mine + SIZE, SIZE, &iova) == -1 && errno == EFAULT);
	child_check(map(cut, 2 * SIZE, &iova) == -1 && errno == EFAULT);
	child_check(map(cut, SIZE, &iova) == 0);
	child_check(mprotect(mine, SIZE, PROT_READ) == 0);
	child_check(map(mine, SIZE, &iova) == -1 && errno == EFAULT);
	child_check(map_flags(mine, SIZE, IOMMU_IOAS_MAP_READABLE, &iova) == 0);
	child_check(mprotect(mine, SIZE, PROT_NONE) == 0);
	child_check(map_flags(mine, SIZE, IOMMU_IOAS_MAP_READABLE, &iova) == -1 && errno == EFAULT);
	return 0;
}

static void what_is_not_there_cannot_be_mapped(void **state)
{
	(void)state;
	assert_int_equal(in_child(map_badly, 0), 0);
}

static int map_fixed_and_leave(int arg)
{
	uint64_t iova = SOME_IOVA;

	(void)arg;
	return map_flags(pages(SIZE, MAP_PRIVATE), SIZE,
			 IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_FIXED_IOVA, &iova);
}

/* Mapped while no device uses the IOAS: pinned later, by the parent. */
static void a_dead_processs_memory_cannot_be_pinned(void **state)
{
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};
	uint32_t used = rig.ioas;

	(void)state;
	rig.ioas = attach.pt_id = new_ioas(rig.iommufd);
	assert_int_equal(in_child(map_fixed_and_leave, 0), 0);
	assert_fails(ioctl(rig.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), EFAULT);
	assert_int_equal(unmap(SOME_IOVA, SIZE), 0);
	assert_int_equal(ioctl(rig.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), 0);
	rig.ioas = used;
}

/* ---- what is pinned, as /proc tells ---- */

static long pinned(pid_t pid)
{
	return status_pages(pid, "VmPin:");
}

static int map_and_count(int arg)
{
	uint64_t iova = 0;
	long parents = pinned(getppid());

	(void)arg;
	child_check(parents > 0);
	child_check(pinned(getpid()) == 0);
	child_check(map(pages(SIZE, MAP_PRIVATE), SIZE, &iova) == 0);
	child_check(pinned(getpid()) == SIZE / 4096);
	child_check(pinned(getppid()) == parents);
	shared->step = 1;
	pause();
	return 0;
}

static void pinned_memory_is_that_of_its_process(void **state)
{
	long before = pinned(getpid());
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(map_and_count(0));
	while (!shared->step && !waitpid(pid, NULL, WNOHANG))
		usleep(1000);
	assert_int_equal(pinned(pid), SIZE / 4096);
	assert_int_equal(pinned(getpid()), before);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- exec ---- */

static int become(int arg)
{
	uint8_t *mine = pages(SIZE, MAP_PRIVATE);
	uint64_t iova = 0;

	(void)arg;
	child_check(map(mine, SIZE, &iova) == 0);
	shared->iova = iova;
	execl("/bin/sh", "sh", "-c", "read line", NULL);
	return 127;
}

/* The process goes on, with other memory at the same addresses or none. */
static void an_exec_ends_private_memory(void **state)
{
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	shared->iova = 0;
	pid = fork();
	if (!pid) {
		dup2(ends[0], 0);
		_exit(become(0));
	}
	close(ends[0]);
	while (!shared->iova || copy(rig.iova, shared->iova, SIZE) != STATE_HALTED)
		usleep(1000);
	assert_int_equal(kill(pid, 0), 0);
	close(ends[1]);
	waitpid(pid, &status, 0);
}

/* ---- death ---- */

static int map_for_ever(void)
{
	for (;;) {
		uint8_t *mine = pages(SIZE, shared->step++ % 2 ? MAP_PRIVATE : MAP_SHARED);
		uint64_t iova = 0;

		if (map(mine, SIZE, &iova))
			return 1;
		shared->iova = iova;
		if (shared->step % 3 && unmap(iova, SIZE))
			return 1;
		munmap(mine, SIZE);
	}
}

static void a_process_may_die_while_its_memory_is_used(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			_exit(map_for_ever());
		for (int k = 0; k < i; k++)
			copy(rig.iova, shared->iova, SIZE);
		kill(pid, SIGKILL);
		copy(shared->iova, rig.iova, SIZE);
		waitpid(pid, &status, 0);
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
	paint(rig.memory, SIZE / 2, 8);
	assert_int_equal(copy(rig.iova + SIZE / 2, rig.iova, SIZE / 2), STATE_DONE);
	assert_true(is_painted(rig.memory + SIZE / 2, SIZE / 2, 8));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_reads_and_writes_a_childs_memory),
		TEST(addresses_are_the_childs_own),
		TEST(private_memory_ends_with_its_process),
		TEST(many_dead_processes_may_have_memory),
		TEST(shared_memory_outlives_its_process),
		TEST(a_memfd_is_the_same_memory_for_all),
		TEST(a_range_may_be_of_several_kinds),
		TEST(what_is_not_there_cannot_be_mapped),
		TEST(a_dead_processs_memory_cannot_be_pinned),
		TEST(pinned_memory_is_that_of_its_process),
		TEST(an_exec_ends_private_memory),
		TEST(a_process_may_die_while_its_memory_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
