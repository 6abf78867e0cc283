// SPDX-License-Identifier: MIT
/*
 * The files that come with the machine: fail-nth and the fault-injection folders, under the
 * test-only ABI (iommufd-test-abi.md 14), and pinned memory in /proc/PID/status. Run with
 * "plain" it is without that ABI, and they are the kernel's.
 */
#include "e2e.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DEBUGFS "/sys/kernel/debug"
#define PAGE	4096

/* So that the compiler does not see that it is none. */
static void *volatile no_memory = (void *)1;

static void assert_reads(int fd, const char *text)
{
	char buf[64];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static void assert_writes(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* ---- fail-nth ---- */

static int open_fail_nth(void)
{
	int fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void fail_nth_has_all_its_names(void **state)
{
	int pid = getpid(), tid = (int)syscall(SYS_gettid);
	char names[5][64];
	int fd;

	(void)state;
	snprintf(names[0], sizeof(names[0]), "/proc/self/fail-nth");
	snprintf(names[1], sizeof(names[1]), "/proc/thread-self/fail-nth");
	snprintf(names[2], sizeof(names[2]), "/proc/%d/fail-nth", pid);
	snprintf(names[3], sizeof(names[3]), "/proc/self/task/%d/fail-nth", tid);
	snprintf(names[4], sizeof(names[4]), "/proc/%d/task/%d/fail-nth", pid, tid);
	for (int i = 0; i < 5; i++) {
		fd = open(names[i], O_RDWR);
		assert_true(fd >= 0);
		assert_int_equal(access(names[i], R_OK | W_OK), 0);
		assert_writes(fd, "1000000\n");
		assert_reads(fd, "1000000\n");
		assert_writes(fd, "0");
		assert_reads(fd, "0\n");
		close(fd);
	}
}

static void fail_nth_of_others_is_the_kernels(void **state)
{
	static const char *const names[] = {
		"/proc/self/task/1/fail-nth",
		"/proc/self/fail-nth/",
		"/proc/self/fail-nt",
		"/proc/self/task/fail-nth",
		"/proc//fail-nth",
		"/proc/self/task/99999999999/fail-nth",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(open(names[i], O_RDWR), -1);
		assert_true(errno == ENOENT || errno == ENOTDIR);
	}
}

static void only_numbers_arm(void **state)
{
	static const char *const wrong[] = {"",	     "\n", "x",
					    "1x",    "-1", " 1",
					    "1\n\n", "+1", "1234567890123456789012345"};
	int fd = open_fail_nth();

	(void)state;
	assert_writes(fd, "0x100000");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_fails(write(fd, wrong[i], strlen(wrong[i])), EINVAL);
	assert_fails(write(fd, "1\0002", 3), EINVAL);
	assert_fails(write(fd, "4294967296", 10), ERANGE);
	assert_fails(pwrite(fd, no_memory, 1, 0), EFAULT);
	assert_reads(fd, "1048576\n");
	assert_writes(fd, "0");
	close(fd);
}

/* As a file of text: read() goes on where it was, to the end. */
static void the_end_of_the_text_is_the_end(void **state)
{
	int fd = open_fail_nth();
	char buf[8] = "";

	(void)state;
	assert_int_equal(read(fd, buf, 1), 1);
	assert_int_equal(buf[0], '0');
	assert_int_equal(read(fd, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], '\n');
	assert_int_equal(read(fd, buf, sizeof(buf)), 0);
	assert_fails(pread(fd, no_memory, 1, 0), EFAULT);
	close(fd);
}

/* One after the other, each allocation of a call fails; then none is left, and the call succeeds.
 */
static void the_nth_allocation_of_a_call_fails(void **state)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};
	int fd = open_fail_nth(), iommufd = open_iommufd(), rc = -1;
	char nth[16], left[16] = "0\n";
	unsigned n;

	(void)state;
	for (n = 1; left[0] == '0' && n < 100; n++) {
		snprintf(nth, sizeof(nth), "%u", n);
		assert_writes(fd, nth);
		rc = ioctl(iommufd, IOMMU_IOAS_ALLOC, &cmd);
		if (rc)
			assert_int_equal(errno, ENOMEM);
		assert_true(pread(fd, left, sizeof(left), 0) >= 2);
		assert_int_equal(pwrite(fd, "0", 1, 0), 1);
	}
	assert_true(n > 2 && n < 100);
	assert_int_equal(rc, 0);
	close(iommufd);
	close(fd);
}

/* What the program allocates itself is none of our business. */
static void the_programs_own_memory_does_not_count(void **state)
{
	int fd = open_fail_nth();

	(void)state;
	assert_writes(fd, "1");
	for (int i = 0; i < 10; i++)
		free(strdup("x"));
	assert_reads(fd, "1\n");
	assert_writes(fd, "0");
	close(fd);
}

static void *use_elsewhere(void *arg)
{
	int fd = *(int *)arg, own = open("/proc/thread-self/fail-nth", O_RDWR);
	char buf[8];
	bool ok = own >= 0 && read(fd, buf, sizeof(buf)) == -1 && errno == EPERM &&
		  write(fd, "1", 1) == -1 && errno == EPERM &&
		  pread(own, buf, sizeof(buf), 0) == 2 && write(own, "7", 1) == 1;

	close(own);
	return ok ? arg : NULL;
}

static void each_thread_has_its_own(void **state)
{
	int fd = open_fail_nth();
	pthread_t thread;
	void *ok;

	(void)state;
	assert_writes(fd, "5000");
	assert_int_equal(pthread_create(&thread, NULL, use_elsewhere, &fd), 0);
	pthread_join(thread, &ok);
	assert_non_null(ok);
	assert_reads(fd, "5000\n");
	assert_writes(fd, "0");
	close(fd);
}

static void fail_nth_is_a_plain_file(void **state)
{
	int fd = open_fail_nth(), copy = dup(fd);
	struct stat st;

	(void)state;
	assert_int_equal(fstat(copy, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_fails(ioctl(fd, IOMMU_DESTROY, NULL), ENOTTY);
	close(fd);
	assert_reads(copy, "0\n");
	close(copy);
	assert_fails(open("/proc/self/fail-nth", O_RDONLY | O_DIRECTORY), ENOTDIR);
	fd = open("/proc/self/fail-nth", O_RDONLY);
	assert_fails(write(fd, "1", 1), EBADF);
	close(fd);
}

/* ---- fault-injection folders ---- */

/* How many entries there are but "." and "..", how many begin with `prefix`. */
static void count_entries(DIR *dir, const char *prefix, int *all, int *with_prefix)
{
	struct dirent *entry;

	*all = *with_prefix = 0;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			++*all;
			*with_prefix += !strncmp(entry->d_name, prefix, strlen(prefix));
		}
}

static void folders_can_be_listed(void **state)
{
	int all, with_prefix, before;
	DIR *dir = opendir(DEBUGFS "/");
	long start;

	(void)state;
	assert_non_null(dir);
	start = telldir(dir);
	count_entries(dir, "fail", &all, &with_prefix);
	assert_int_equal(all, 3);
	assert_int_equal(with_prefix, 3);
	rewinddir(dir);
	count_entries(dir, "failslab", &all, &with_prefix);
	assert_int_equal(with_prefix, 1);
	seekdir(dir, start);
	count_entries(dir, "", &before, &with_prefix);
	assert_int_equal(before, all);
	assert_int_equal(closedir(dir), 0);

	dir = opendir(DEBUGFS "/fail_iommufd");
	count_entries(dir, "verbose", &all, &with_prefix);
	assert_int_equal(all, 8);
	assert_int_equal(with_prefix, 3);
	closedir(dir);
}

/* As the kernel's tests do it. */
static void knobs_are_set_relative_to_a_stream(void **state)
{
	DIR *dir = opendir(DEBUGFS "/");
	int fd = openat(dirfd(dir), "failslab/ignore-gfp-wait", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_writes(fd, "N");
	close(fd);
	fd = openat(dirfd(dir), "./failslab//ignore-gfp-wait", O_RDWR);
	assert_reads(fd, "N\n");
	assert_writes(fd, "Y\n");
	assert_reads(fd, "Y\n");
	close(fd);
	assert_fails(openat(dirfd(dir), "failslab/none", O_RDONLY), ENOENT);
	assert_fails(openat(dirfd(dir), "../kernel", O_RDONLY), ENOENT);
	assert_int_equal(faccessat(dirfd(dir), "failslab/none", F_OK, 0), -1);
	assert_int_equal(faccessat(dirfd(dir), "failslab/times", F_OK, 0), 0);
	closedir(dir);
}

static void knobs_keep_what_they_are_given(void **state)
{
	int fd = open(DEBUGFS "/fail_page_alloc/times", O_RDWR);

	(void)state;
	assert_reads(fd, "1\n");
	assert_writes(fd, "0x10\n");
	assert_reads(fd, "16\n");
	assert_fails(write(fd, "many", 4), EINVAL);
	assert_reads(fd, "16\n");
	close(fd);
	fd = open(DEBUGFS "/fail_page_alloc/task-filter", O_RDWR);
	assert_fails(write(fd, "2", 1), EINVAL);
	assert_fails(write(fd, "", 0), EINVAL);
	assert_reads(fd, "N\n");
	close(fd);
	fd = open(DEBUGFS "/failslab/times", O_RDONLY);
	assert_reads(fd, "1\n");
	close(fd);
}

/* Nothing fails by chance here: who asks for that is told. */
static void a_probability_is_refused(void **state)
{
	int fd = open(DEBUGFS "/fail_iommufd/probability", O_RDWR);

	(void)state;
	assert_fails(write(fd, "10", 2), EINVAL);
	assert_writes(fd, "0");
	assert_reads(fd, "0\n");
	close(fd);
}

static void folders_are_directories(void **state)
{
	DIR *dir = opendir(DEBUGFS "/failslab");
	struct stat st;
	char byte;

	(void)state;
	assert_int_equal(fstat(dirfd(dir), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_fails(read(dirfd(dir), &byte, 1), EISDIR);
	closedir(dir);
	assert_int_equal(stat(DEBUGFS "/failslab", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(stat(DEBUGFS "/failslab/times", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_fails(stat(DEBUGFS "/failslab/none", &st), ENOENT);
	assert_fails(open(DEBUGFS "/failslab", O_RDWR), EISDIR);
	assert_fails(open(DEBUGFS "/failslab/times", O_RDONLY | O_DIRECTORY), ENOTDIR);
	errno = 0;
	assert_null(opendir(DEBUGFS "/failslab/times"));
	assert_int_equal(errno, ENOTDIR);
}

static void other_folders_are_the_kernels(void **state)
{
	int all, self;
	DIR *dir = opendir("/proc/self");

	(void)state;
	count_entries(dir, "status", &all, &self);
	assert_int_equal(self, 1);
	assert_true(dirfd(dir) >= 0);
	rewinddir(dir);
	assert_int_equal(closedir(dir), 0);
	assert_null(opendir("/nowhere"));
	assert_int_equal(errno, ENOENT);
}

static int child_sees_folders(int fd)
{
	int knob;
	char text[8];

	child_check(read(fd, text, 1) == -1 && errno == EIO);
	knob = open(DEBUGFS "/failslab/space", O_RDONLY);
	child_check(knob >= 0);
	child_check(read(knob, text, sizeof(text)) == 2 && text[0] == '9');
	return 0;
}

static void a_child_has_a_copy_of_the_knobs(void **state)
{
	int fd = open(DEBUGFS "/failslab/space", O_RDWR);

	(void)state;
	assert_writes(fd, "9");
	assert_int_equal(in_child(child_sees_folders, fd), 0);
	close(fd);
}

/* ---- status ---- */

static long parse_kb(const char *text, const char *tag)
{
	const char *line = strstr(text, tag);

	return line ? strtol(line + strlen(tag), NULL, 10) : -1;
}

/* The number on a line of a status file, through open() and read(). */
static long kb_by_read(const char *path, const char *tag)
{
	static char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, text + used, 100)) > 0)
		used += (size_t)n;
	assert_int_equal(n, 0);
	close(fd);
	text[used] = '\0';
	return parse_kb(text, tag);
}

static long kb_by_stream(FILE *file, const char *tag)
{
	char line[256];
	long kb = -1;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, tag, strlen(tag)))
			kb = parse_kb(line, tag);
	fclose(file);
	return kb;
}

static void status_can_be_read_in_every_way(void **state)
{
	int iommufd = open_iommufd();
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/status", getpid());
	assert_int_equal(kb_by_read(path, "VmPin:"), 0);
	assert_int_equal(kb_by_read("/proc/self/status", "VmLck:"), 0);
	assert_int_equal(kb_by_read("/proc/thread-self/status", "VmPin:"), 0);
	assert_int_equal(kb_by_stream(fopen(path, "r"), "VmPin:"), 0);
	assert_int_equal(kb_by_stream(fopen64("/proc/self/status", "re"), "VmLck:"), 0);
	assert_true(kb_by_read(path, "VmRSS:") > 0);
	close(iommufd);
}

static void map_pages(int iommufd, uint32_t ioas, void *memory, size_t pages)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = pages * PAGE,
	};

	assert_int_equal(ioctl(iommufd, IOMMU_IOAS_MAP, &cmd), 0);
}

static void attach(int device, uint32_t ioas)
{
	struct vfio_device_attach_iommufd_pt cmd = {.argsz = sizeof(cmd), .pt_id = ioas};

	assert_int_equal(ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd), 0);
}

/* iommufd-ioctls.md 3.5 */
static void status_counts_pinned_memory(void **state)
{
	void *memory =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int iommufd = open_iommufd(), device = open_device();
	uint32_t ioas = new_ioas(iommufd);

	(void)state;
	assert_int_equal(bind_device(device, iommufd), 0);
	map_pages(iommufd, ioas, memory, 3);
	assert_int_equal(kb_by_read("/proc/self/status", "VmPin:"), 0);
	attach(device, ioas);
	assert_int_equal(kb_by_read("/proc/self/status", "VmPin:"), 12);
	assert_int_equal(kb_by_stream(fopen("/proc/self/status", "r"), "VmPin:"), 12);
	assert_int_equal(close(device), 0);
	assert_int_equal(close(iommufd), 0);
	assert_int_equal(kb_by_read("/proc/self/status", "VmPin:"), 0);
	munmap(memory, 3 * PAGE);
}

/* A child pins memory of its own with its parent's files: each has what it has pinned itself. */
static int child_pins_two_pages(int iommufd)
{
	void *memory =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char parent[64];

	snprintf(parent, sizeof(parent), "/proc/%d/status", getppid());
	child_check(kb_by_read(parent, "VmPin:") == 4);
	child_check(kb_by_read("/proc/self/status", "VmPin:") == 0);
	map_pages(iommufd, 2, memory, 2);
	child_check(kb_by_read(parent, "VmPin:") == 4);
	child_check(kb_by_read("/proc/self/status", "VmPin:") == 8);
	child_check(kb_by_stream(fopen("/proc/self/status", "r"), "VmPin:") == 8);
	return 0;
}

static void status_tells_processes_apart(void **state)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	int iommufd = open_iommufd(), device = open_device();
	uint32_t ioas;

	(void)state;
	assert_int_equal(bind_device(device, iommufd), 0);
	ioas = new_ioas(iommufd);
	assert_int_equal(ioas, 2);
	attach(device, ioas);
	map_pages(iommufd, ioas, page, 1);
	assert_int_equal(in_child(child_pins_two_pages, iommufd), 0);
	assert_int_equal(kb_by_read("/proc/self/status", "VmPin:"), 4);
	close(device);
	close(iommufd);
}

static int child_has_pinned_nothing(int arg)
{
	(void)arg;
	child_check(kb_by_read("/proc/self/status", "VmPin:") == 0);
	child_check(kb_by_read("/proc/1/status", "VmPin:") == 0);
	return 0;
}

static void a_child_begins_with_nothing_pinned(void **state)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	int iommufd = open_iommufd(), device = open_device();
	uint32_t ioas = new_ioas(iommufd);

	(void)state;
	assert_int_equal(bind_device(device, iommufd), 0);
	attach(device, ioas);
	map_pages(iommufd, ioas, page, 1);
	assert_int_equal(kb_by_read("/proc/self/status", "VmPin:"), 4);
	assert_int_equal(in_child(child_has_pinned_nothing, 0), 0);
	close(device);
	close(iommufd);
}

/* ---- without the test-only ABI ---- */

static void without_the_abi_there_are_no_such_files(void **state)
{
	(void)state;
	assert_fails(open("/proc/self/fail-nth/x", O_RDWR),
		     access("/proc/self/fail-nth", F_OK) ? ENOENT : ENOTDIR);
	assert_int_equal(access(DEBUGFS "/fail_iommufd", F_OK), -1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest with_abi[] = {
		cmocka_unit_test(fail_nth_has_all_its_names),
		cmocka_unit_test(fail_nth_of_others_is_the_kernels),
		cmocka_unit_test(only_numbers_arm),
		cmocka_unit_test(the_end_of_the_text_is_the_end),
		cmocka_unit_test(the_nth_allocation_of_a_call_fails),
		cmocka_unit_test(the_programs_own_memory_does_not_count),
		cmocka_unit_test(each_thread_has_its_own),
		cmocka_unit_test(fail_nth_is_a_plain_file),
		cmocka_unit_test(folders_can_be_listed),
		cmocka_unit_test(knobs_are_set_relative_to_a_stream),
		cmocka_unit_test(knobs_keep_what_they_are_given),
		cmocka_unit_test(a_probability_is_refused),
		cmocka_unit_test(folders_are_directories),
		cmocka_unit_test(a_child_has_a_copy_of_the_knobs),
	};
	const struct CMUnitTest always[] = {
		cmocka_unit_test(other_folders_are_the_kernels),
		cmocka_unit_test(status_can_be_read_in_every_way),
		cmocka_unit_test(status_counts_pinned_memory),
		cmocka_unit_test(a_child_begins_with_nothing_pinned),
		cmocka_unit_test(status_tells_processes_apart),
	};
	const struct CMUnitTest without_abi[] = {
		cmocka_unit_test(without_the_abi_there_are_no_such_files),
	};
	bool plain = argc > 1 && !strcmp(argv[1], "plain");
	int failed = cmocka_run_group_tests(always, NULL, NULL);

	if (plain)
		return failed + cmocka_run_group_tests(without_abi, NULL, NULL);
	return failed + cmocka_run_group_tests(with_abi, NULL, NULL);
}
