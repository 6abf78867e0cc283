// SPDX-License-Identifier: MIT
/*
 * What the machine's files look like and answer, apart from ioctl. Built twice:
 * plain, and fortified with 64-bit names, whose calls have other symbols.
 */
#include "e2e.h"

#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define CONFIG ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

/* So that the compiler cannot see sizes and flags, and checks at run time. */
static volatile size_t four = 4;
static volatile int read_write = O_RDWR;

static int device;

static int set_up(void **state)
{
	(void)state;
	device = open_bound_device();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return close(device);
}

/* ---- open ---- */

static void every_open_opens(void **state)
{
	int fds[] = {
		open(IOMMU_PATH, read_write),
		open64(IOMMU_PATH, read_write),
		openat(AT_FDCWD, IOMMU_PATH, read_write),
		openat64(device, IOMMU_PATH, read_write),
		open(IOMMU_PATH, O_RDWR | O_CREAT, 0600),
		creat(IOMMU_PATH, 0600),
		creat64(IOMMU_PATH, 0600),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		assert_true(is_iommufd(fds[i]));
		close(fds[i]);
	}
}

static void open_flags_are_judged(void **state)
{
	(void)state;
	assert_fails(open(IOMMU_PATH, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	assert_fails(open(IOMMU_PATH, O_RDONLY | O_DIRECTORY), ENOTDIR);
}

static void other_paths_are_the_kernels(void **state)
{
	const char *volatile no_paths[] = {NULL, (char *)1, (char *)-1};
	int fd;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_fails(open(no_paths[i], read_write), EFAULT);
		assert_fails(access(no_paths[i], F_OK), EFAULT);
	}
	assert_fails(open("/dev/vfio/devices/vfio1", O_RDWR), ENOENT);
	assert_fails(open("/dev/vfio/devices/vfio00", O_RDWR), ENOENT);
	assert_fails(open("/dev/iommu/x", O_RDWR), ENOENT);
	assert_fails(open("", O_RDWR), ENOENT);
	fd = open("/dev/null", read_write);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

/* ---- read and write ---- */

static void an_iommufd_is_not_read_or_written(void **state)
{
	int fd = open_iommufd();
	char buf[4];
	struct iovec iov = {buf, four};

	(void)state;
	assert_fails(read(fd, buf, four), EINVAL);
	assert_fails(write(fd, buf, four), EINVAL);
	assert_fails(pread(fd, buf, four, 0), EINVAL);
	assert_fails(pwrite(fd, buf, four, 0), EINVAL);
	assert_fails(readv(fd, &iov, 1), EINVAL);
	assert_fails(writev(fd, &iov, 1), EINVAL);
	assert_fails(lseek(fd, 0, SEEK_SET), ESPIPE);
	close(fd);
}

static void config_space_is_read_in_every_way(void **state)
{
	struct iovec parts[2];
	uint16_t ids[2];

	(void)state;
	parts[0] = (struct iovec){&ids[0], 2};
	parts[1] = (struct iovec){&ids[1], 2};
#define CHECK_IDS(call)                           \
	do {                                      \
		memset(ids, 0, sizeof(ids));      \
		assert_int_equal(call, 4);        \
		assert_int_equal(ids[0], 0x8086); \
		assert_int_equal(ids[1], 0x2021); \
	} while (0)
	CHECK_IDS(pread(device, ids, four, CONFIG));
	CHECK_IDS(pread64(device, ids, four, CONFIG));
	CHECK_IDS(preadv(device, parts, 2, CONFIG));
	CHECK_IDS(preadv64(device, parts, 2, CONFIG));
	CHECK_IDS(preadv2(device, parts, 2, CONFIG, 0));
	CHECK_IDS(preadv64v2(device, parts, 2, CONFIG, RWF_HIPRI));
	assert_fails(preadv2(device, parts, 2, CONFIG, RWF_NOWAIT), EOPNOTSUPP);
}

static void config_space_is_written_in_every_way(void **state)
{
	static const uint8_t lines[] = {1, 2, 3, 4, 5, 6};
	uint8_t now;

	(void)state;
	for (size_t i = 0; i < sizeof(lines); i++) {
		uint8_t line = lines[i];
		struct iovec part = {&line, 1};
		off_t at = CONFIG + 0x3c; /* the interrupt line: free for software */
		ssize_t done = -1;

		switch (i) {
		case 0: done = pwrite(device, &line, 1, at); break;
		case 1: done = pwrite64(device, &line, 1, at); break;
		case 2: done = pwritev(device, &part, 1, at); break;
		case 3: done = pwritev64(device, &part, 1, at); break;
		case 4: done = pwritev2(device, &part, 1, at, 0); break;
		case 5: done = pwritev64v2(device, &part, 1, at, 0); break;
		}
		assert_int_equal(done, 1);
		assert_int_equal(pread(device, &now, 1, at), 1);
		assert_int_equal(now, line);
	}
}

static void vectors_are_checked_first(void **state)
{
	uint16_t id = 0;
	struct iovec parts[] = {{&id, 2}, {&id, SIZE_MAX}}, *volatile nowhere = (void *)8;
	volatile int none = -1, many = 1025;

	(void)state;
	assert_fails(preadv(device, parts, 2, CONFIG), EINVAL);
	assert_fails(preadv(device, parts, none, CONFIG), EINVAL);
	assert_fails(preadv(device, parts, many, CONFIG), EINVAL);
	assert_fails(preadv(device, nowhere, 1, CONFIG), EFAULT);
	assert_fails(preadv(device, parts, 1, -2), EINVAL);
	assert_int_equal(id, 0);
	assert_int_equal(preadv(device, parts, 0, CONFIG), 0);
}

static void bad_buffers_are_efault(void **state)
{
	char *volatile nowhere = (char *)8;

	(void)state;
	assert_fails(pread(device, nowhere, four, CONFIG), EFAULT);
	assert_fails(pwrite(device, nowhere, four, CONFIG + 0x10), EFAULT);
	assert_fails(pread(device, nowhere, four, -1), EINVAL);
}

static void an_unbound_device_is_not_read(void **state)
{
	int fd = open_device();
	char buf[4];

	(void)state;
	assert_fails(pread(fd, buf, four, CONFIG), EINVAL);
	assert_fails(pwrite(fd, buf, four, CONFIG), EINVAL);
	close(fd);
}

static void access_modes_are_kept(void **state)
{
	int fd = open(DEVICE_PATH, O_RDONLY);
	char buf[4];

	(void)state;
	assert_fails(pwrite(fd, buf, four, CONFIG), EBADF);
	close(fd);
	fd = open(DEVICE_PATH, O_WRONLY);
	assert_fails(pread(fd, buf, four, CONFIG), EBADF);
	close(fd);
}

/* ---- readiness ---- */

static void files_are_always_ready(void **state)
{
	int fds[] = {device, open_iommufd()};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pollfd poll_fd = {.fd = fds[i], .events = POLLIN | POLLOUT | POLLPRI};
		struct timeval now = {0};
		fd_set in, out, other;

		assert_int_equal(poll(&poll_fd, 1, 0), 1);
		assert_int_equal(poll_fd.revents, POLLIN | POLLOUT);
		FD_ZERO(&in);
		FD_SET(fds[i], &in);
		out = other = in;
		assert_int_equal(select(fds[i] + 1, &in, &out, &other, &now), 2);
		assert_false(FD_ISSET(fds[i], &other));
	}
	close(fds[1]);
}

/* ---- mmap ---- */

static void what_cannot_be_mapped_is_refused(void **state)
{
	int fd = open_iommufd();
	struct {
		int fd, prot, flags;
		off_t offset;
		size_t length;
		int error;
	} rows[] = {
		{fd, PROT_READ, MAP_SHARED, 0, 4096, ENXIO},
		{fd, PROT_READ, MAP_PRIVATE, 0, 4096, EINVAL},
		{fd, PROT_READ | PROT_EXEC, MAP_SHARED, 0, 4096, EPERM},
		{fd, PROT_READ, MAP_SHARED, 1, 4096, EINVAL},
		{fd, PROT_READ, MAP_SHARED, 0, 0, EINVAL},
		{device, PROT_READ, MAP_PRIVATE, 0, 4096, EINVAL},
		{device, PROT_READ, MAP_SHARED, CONFIG, 4096, EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		errno = 0;
		assert_ptr_equal(mmap(NULL, rows[i].length, rows[i].prot, rows[i].flags, rows[i].fd,
				      rows[i].offset),
				 MAP_FAILED);
		assert_int_equal(errno, rows[i].error);
	}
	close(fd);
}

static void anonymous_memory_needs_no_number(void **state)
{
	void *memory =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, device, 0);

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	munmap(memory, 4096);
}

/* ---- stat ---- */

static void check_device(const struct stat *st)
{
	assert_int_equal(st->st_mode, S_IFCHR | 0660);
	assert_int_equal(major(st->st_rdev), 511);
	assert_int_equal(minor(st->st_rdev), 0);
	assert_int_equal(st->st_nlink, 1);
}

static void every_stat_sees_a_character_device(void **state)
{
	struct stat st, *volatile nowhere = (void *)8;

	(void)state;
	assert_int_equal(stat(DEVICE_PATH, &st), 0);
	check_device(&st);
	assert_int_equal(lstat(DEVICE_PATH, &st), 0);
	check_device(&st);
	assert_int_equal(fstat(device, &st), 0);
	check_device(&st);
	assert_int_equal(fstatat(AT_FDCWD, DEVICE_PATH, &st, 0), 0);
	check_device(&st);
	assert_int_equal(fstatat(device, "", &st, AT_EMPTY_PATH), 0);
	check_device(&st);
	assert_int_equal(stat(IOMMU_PATH, &st), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0660);
	assert_int_equal(major(st.st_rdev), 10);
	assert_int_equal(stat("/dev/vfio/vfio", &st), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0666);
	assert_int_equal(st.st_rdev, makedev(10, 196));
	assert_fails(stat("/dev/vfio/devices/vfio1", &st), ENOENT);
	assert_fails(stat(DEVICE_PATH, nowhere), EFAULT);
}

static void statx_sees_the_same(void **state)
{
	struct statx stx;

	(void)state;
	assert_int_equal(statx(AT_FDCWD, DEVICE_PATH, 0, STATX_BASIC_STATS, &stx), 0);
	assert_int_equal(stx.stx_mode, S_IFCHR | 0660);
	assert_int_equal(stx.stx_rdev_major, 511);
	assert_int_equal(stx.stx_mask & STATX_TYPE, STATX_TYPE);
	assert_int_equal(statx(device, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx), 0);
	assert_int_equal(stx.stx_rdev_major, 511);
	assert_int_equal(statx(AT_FDCWD, "/dev/vfio/devices", 0, STATX_TYPE, &stx), 0);
	assert_true(S_ISDIR(stx.stx_mode));
}

static void the_directories_above_are_there(void **state)
{
	struct stat st;

	(void)state;
	errno = 77;
	assert_int_equal(stat("/dev/vfio", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(stat("/dev/vfio/devices", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(access("/dev/vfio/devices", R_OK | X_OK), 0);
	assert_int_equal(errno, 77);
}

static void other_files_are_as_they_were(void **state)
{
	struct stat st;
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_rdev, makedev(1, 3));
	assert_int_equal(stat("/", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_fails(stat("/nowhere", &st), ENOENT);
	assert_fails(fstat(-1, &st), EBADF);
	assert_int_equal(access("/", R_OK), 0);
	assert_fails(access("/nowhere", F_OK), ENOENT);
	close(fd);
}

static void every_access_is_granted(void **state)
{
	(void)state;
	assert_int_equal(access(IOMMU_PATH, R_OK | W_OK), 0);
	assert_int_equal(access(DEVICE_PATH, F_OK), 0);
	assert_int_equal(euidaccess(DEVICE_PATH, R_OK), 0);
	assert_int_equal(eaccess(DEVICE_PATH, W_OK), 0);
	assert_int_equal(faccessat(AT_FDCWD, DEVICE_PATH, R_OK | W_OK, AT_EACCESS), 0);
	assert_fails(access(IOMMU_PATH, X_OK), EACCES);
	assert_fails(access(IOMMU_PATH, 64), EINVAL);
	assert_fails(access("/dev/vfio/devices/vfio1", F_OK), ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_open_opens),
		cmocka_unit_test(open_flags_are_judged),
		cmocka_unit_test(other_paths_are_the_kernels),
		cmocka_unit_test(an_iommufd_is_not_read_or_written),
		cmocka_unit_test(config_space_is_read_in_every_way),
		cmocka_unit_test(config_space_is_written_in_every_way),
		cmocka_unit_test(vectors_are_checked_first),
		cmocka_unit_test(bad_buffers_are_efault),
		cmocka_unit_test(an_unbound_device_is_not_read),
		cmocka_unit_test(access_modes_are_kept),
		cmocka_unit_test(files_are_always_ready),
		cmocka_unit_test(what_cannot_be_mapped_is_refused),
		cmocka_unit_test(anonymous_memory_needs_no_number),
		cmocka_unit_test(every_stat_sees_a_character_device),
		cmocka_unit_test(statx_sees_the_same),
		cmocka_unit_test(the_directories_above_are_there),
		cmocka_unit_test(other_files_are_as_they_were),
		cmocka_unit_test(every_access_is_granted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
