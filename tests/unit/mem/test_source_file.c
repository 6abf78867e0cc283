// SPDX-License-Identifier: MIT
/* mem/source.h: sources over files of memory (iommufd-ioctls.md 8.7), and copies of sources. */
#include "spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 8u
#define SIZE  (PAGES * SPACE_PAGE)

static int file;

static int file_new(void **state)
{
	(void)state;
	file = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return file < 0 || ftruncate(file, SIZE) ? -1 : 0;
}

static int file_end(void **state)
{
	(void)state;
	assert_int_equal(space_local.client.account.pinned, 0);
	return close(file);
}

static void source_of(struct mem_source *source, int fd, uint64_t start, uint64_t length,
		      bool writable)
{
	assert_int_equal(mem_source_init_file(source, &space_local.client, dup(fd), start, length,
					      writable, MEM_ACCOUNT_NONE),
			 0);
}

static int pin(struct mem_source *source)
{
	return mem_source_pin(source, 0, source->length);
}

static void unpin(struct mem_source *source)
{
	mem_source_unpin(source, 0, source->length);
}

/* The lines of /proc/self/maps that name `text`. */
static unsigned mappings_of(const char *text)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned count = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, text) != NULL;
	fclose(maps);
	return count;
}

/* Pin once, and give all back. */
static int pin_of(int fd, uint64_t start, uint64_t length, bool writable)
{
	struct mem_source source;
	int rc;

	source_of(&source, fd, start, length, writable);
	rc = pin(&source);
	if (!rc)
		unpin(&source);
	assert_int_equal(source.pins, 0);
	assert_true(mem_source_put(&source));
	assert_int_equal(mappings_of("memfd:test"), 0);
	return rc;
}

static unsigned char *host_of(const struct mem_source *source, uint64_t offset)
{
	uint64_t run;

	return mem_pa_to_host(mem_source_pa(source, offset, &run));
}

/* ---- what can be pinned ---- */

static void pins_end_with_the_file(void **state)
{
	static const struct {
		uint64_t size, start, length;
		int rc;
	} rows[] = {
		{SIZE, 0, SIZE, 0},
		{SIZE, 0, 1, 0},
		{SIZE, SIZE - 1, 1, 0},
		{SIZE, SIZE - 1, 2, -EINVAL},
		{SIZE, SIZE, 1, -EINVAL},
		{SIZE, 0, SIZE + 1, -EINVAL},
		/* A page that the file has in part cannot be pinned. */
		{SIZE - 1, 0, SIZE - SPACE_PAGE, 0},
		{SIZE - 1, 0, SIZE - SPACE_PAGE + 1, -EINVAL},
		{SIZE - 1, SIZE - SPACE_PAGE, 1, -EINVAL},
		{0, 0, 1, -EINVAL},
		{SIZE, 0, UINT64_MAX, -EINVAL},
		{SIZE, UINT64_MAX, 1, -EINVAL},
		{SIZE, 1ull << 63, SPACE_PAGE, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		assert_int_equal(ftruncate(file, (off_t)rows[i].size), 0);
		assert_int_equal(pin_of(file, rows[i].start, rows[i].length, true), rows[i].rc);
	}
}

static void only_files_of_memory_can_be_pinned(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/dev/null", "/dev/shm", "/"};
	int pipe[2];

	(void)state;
	for (size_t i = 0; i < base_array_size(paths); i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(pin_of(fd, 0, 1, false), -EINVAL);
		close(fd);
	}
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	assert_int_equal(pin_of(pipe[0], 0, 1, false), -EINVAL);
	close(pipe[0]);
	close(pipe[1]);
}

/* As in Linux, which does not ask what the descriptor is open for. */
static void a_descriptor_need_not_be_open_for_that(void **state)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	for (size_t i = 0; i < base_array_size(modes); i++) {
		int fd = open(path, modes[i] | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(pin_of(fd, 0, SIZE, false), 0);
		assert_int_equal(pin_of(fd, 0, SIZE, true), 0);
		close(fd);
	}
}

static void a_file_that_we_may_not_write_is_read_only(void **state)
{
	char path[64];
	int fd, status;
	pid_t child;

	(void)state;
	assert_int_equal(fchmod(file, 0444), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	child = fork();
	if (child == 0) {
		/* Root may write to it all the same. */
		if (geteuid() == 0 && seteuid(65534))
			_exit(77);
		_exit(pin_of(fd, 0, SIZE, false) == 0 && pin_of(fd, 0, SIZE, true) == -EFAULT ? 0
											      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	close(fd);
	assert_int_equal(status, 0);
}

static void a_sealed_file_is_read_only(void **state)
{
	(void)state;
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(pin_of(file, 0, SIZE, false), 0);
	assert_int_equal(pin_of(file, 0, SIZE, true), -EFAULT);
}

static void huge_pages_are_mapped_as_such(void **state)
{
	const uint64_t huge = 2u << 20;
	int fd = memfd_create("test-huge", MFD_CLOEXEC | MFD_HUGETLB | 21u << 26);
	void *map;

	(void)state;
	if (fd < 0 || ftruncate(fd, (off_t)huge))
		skip();
	map = mmap(NULL, huge, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		print_message("no huge pages: see /proc/sys/vm/nr_hugepages\n");
		close(fd);
		skip();
	}
	munmap(map, huge);
	assert_int_equal(pin_of(fd, 0x3000, 0x5000, true), 0);
	assert_int_equal(pin_of(fd, 0, huge, true), 0);
	assert_int_equal(pin_of(fd, 0, huge + 1, true), -EINVAL);
	close(fd);
}

/* ---- the mapping ---- */

static void the_file_is_mapped_while_it_is_pinned(void **state)
{
	struct mem_source source;

	(void)state;
	source_of(&source, file, 0x1080, 3 * SPACE_PAGE, true);
	assert_int_equal(mappings_of("memfd:test"), 0);
	assert_int_equal(pin(&source), 0);
	assert_int_equal(mem_source_pin(&source, SPACE_PAGE, 5), 0);
	unpin(&source);
	assert_int_equal(mappings_of("memfd:test"), 1);
	assert_int_equal(pin(&source), 0);
	mem_source_unpin(&source, SPACE_PAGE, 5);
	assert_int_equal(mappings_of("memfd:test"), 1);
	assert_int_equal(space_local.client.account.pinned, 4);
	unpin(&source);
	assert_int_equal(mappings_of("memfd:test"), 0);
	assert_true(mem_source_put(&source));
}

/* Also bytes that are there before the pin, and pages that were missing. */
static void the_pa_is_the_files_memory(void **state)
{
	struct mem_source source;
	struct stat stat;
	uint64_t run;
	char text[8] = {0};

	(void)state;
	assert_int_equal(pwrite(file, "before", 6, 0x1080 + 700), 6);
	source_of(&source, file, 0x1080, 3 * SPACE_PAGE, true);
	assert_int_equal(pin(&source), 0);
	assert_int_equal(fstat(file, &stat), 0);
	assert_int_equal(stat.st_blocks * 512, 4 * SPACE_PAGE);
	assert_memory_equal(host_of(&source, 700), "before", 6);
	memcpy(host_of(&source, 2 * SPACE_PAGE + 5), "after", 5);
	assert_int_equal(pread(file, text, 5, 0x1080 + 2 * SPACE_PAGE + 5), 5);
	assert_string_equal(text, "after");
	mem_source_pa(&source, 100, &run);
	assert_int_equal(run, 3 * SPACE_PAGE - 100);
	unpin(&source);
	assert_true(mem_source_put(&source));
}

/* Whoever has the file may make it shorter: what is gone is EFAULT, not a crash. */
static void a_file_that_shrinks_is_a_hole(void **state)
{
	struct mem_source source;
	uint8_t byte;

	(void)state;
	source_of(&source, file, 0, SIZE, true);
	assert_int_equal(pin(&source), 0);
	assert_int_equal(ftruncate(file, 2 * SPACE_PAGE), 0);
	assert_int_equal(base_guard_copy(&byte, host_of(&source, SPACE_PAGE), 1), 0);
	assert_int_equal(base_guard_copy(&byte, host_of(&source, 2 * SPACE_PAGE), 1), -EFAULT);
	assert_int_equal(pin(&source), 0);
	unpin(&source);
	unpin(&source);
	assert_int_equal(pin(&source), -EINVAL);
	assert_int_equal(mem_source_pin(&source, 0, 2 * SPACE_PAGE), 0);
	assert_int_equal(mem_source_pin(&source, 0, 2 * SPACE_PAGE + 1), -EINVAL);
	mem_source_unpin(&source, 0, 2 * SPACE_PAGE);
	assert_true(mem_source_put(&source));
}

static void the_source_keeps_the_file(void **state)
{
	struct mem_source source;

	(void)state;
	assert_int_equal(pwrite(file, "kept", 4, 0), 4);
	source_of(&source, file, 0, SIZE, true);
	assert_int_equal(close(file), 0);
	assert_int_equal(pin(&source), 0);
	assert_memory_equal(host_of(&source, 0), "kept", 4);
	unpin(&source);
	assert_true(mem_source_put(&source));
	assert_int_equal(file_new(NULL), 0);
}

static void forked_children_do_not_have_the_mapping(void **state)
{
	struct mem_source source;
	int status;
	pid_t child;

	(void)state;
	source_of(&source, file, 0, SIZE, true);
	assert_int_equal(pin(&source), 0);
	child = fork();
	if (child == 0)
		_exit((int)mappings_of("memfd:test"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	unpin(&source);
	assert_true(mem_source_put(&source));
}

/* ---- failures ---- */

static void pins_short_of_memory_change_nothing(void **state)
{
	struct mem_source source;
	unsigned failed = 0;

	(void)state;
	source_of(&source, file, 0x80, SIZE - 0x80, true);
	for (unsigned nth = 1;; nth++) {
		int rc;

		base_fail_nth(nth);
		rc = mem_source_pin(&source, SPACE_PAGE, SPACE_PAGE);
		if (!rc)
			rc = pin(&source);
		if (!rc && base_fail_pending())
			break;
		assert_int_equal(rc, -ENOMEM);
		failed++;
		if (space_local.client.account.pinned)
			mem_source_unpin(&source, SPACE_PAGE, SPACE_PAGE);
		assert_int_equal(mappings_of("memfd:test"), 0);
		assert_int_equal(space_local.client.account.pinned, 0);
	}
	base_fail_nth(0);
	assert_true(failed >= 2);
	unpin(&source);
	mem_source_unpin(&source, SPACE_PAGE, SPACE_PAGE);
	assert_true(mem_source_put(&source));
}

static void a_source_that_fails_takes_the_descriptor(void **state)
{
	struct mem_source source;
	int fd = dup(file);

	(void)state;
	base_fail_nth(1);
	assert_int_equal(mem_source_init_file(&source, &space_local.client, fd, 0, SIZE, true,
					      MEM_ACCOUNT_NONE),
			 -ENOMEM);
	base_fail_nth(0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* ---- copies ---- */

static void copies_of_a_file_pin_nothing_for_long(void **state)
{
	struct mem_source source;
	char text[16] = {0};

	(void)state;
	source_of(&source, file, 0x80, SIZE - 0x80, true);
	assert_int_equal(mem_source_write(&source, SPACE_PAGE - 3, "across", 6), 0);
	assert_int_equal(mem_source_read(&source, SPACE_PAGE - 3, text, 6), 0);
	assert_string_equal(text, "across");
	assert_int_equal(pread(file, text, 6, 0x80 + SPACE_PAGE - 3), 6);
	assert_string_equal(text, "across");
	assert_int_equal(mappings_of("memfd:test"), 0);
	assert_int_equal(pin(&source), 0);
	assert_int_equal(mem_source_write(&source, 0, "pinned", 6), 0);
	assert_memory_equal(host_of(&source, 0), "pinned", 6);
	assert_int_equal(mappings_of("memfd:test"), 1);
	unpin(&source);
	assert_int_equal(ftruncate(file, SPACE_PAGE), 0);
	assert_int_equal(mem_source_read(&source, SPACE_PAGE - 0x80 - 6, text, 6), 0);
	assert_int_equal(mem_source_read(&source, SPACE_PAGE - 0x80 - 6, text, 7), -EINVAL);
	assert_int_equal(mappings_of("memfd:test"), 0);
	assert_true(mem_source_put(&source));
}

static void copies_of_the_clients_memory_are_its_own(void **state)
{
	struct space *const spaces[] = {&space_local, &space_remote};
	struct mem_source source;
	char text[16] = {0};

	(void)state;
	for (size_t i = 0; i < base_array_size(spaces); i++) {
		mem_source_init(&source, &spaces[i]->client, spaces[i]->addr, SPACE_SIZE + 8, true,
				MEM_ACCOUNT_USER);
		assert_int_equal(mem_source_write(&source, SPACE_PAGE + 5, "hello", 5), 0);
		assert_int_equal(mem_source_read(&source, SPACE_PAGE + 5, text, 5), 0);
		assert_string_equal(text, "hello");
		assert_memory_equal(spaces[i]->bytes + SPACE_PAGE + 5, "hello", 5);
		assert_int_equal(mem_source_write(&source, SPACE_PAGE - 5, "hello", 5), -EFAULT);
		assert_int_equal(mem_source_read(&source, SPACE_SIZE - 4, text, 5), -EFAULT);
		assert_true(mem_source_put(&source));
	}
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, file_new, file_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(pins_end_with_the_file),
		WITH_FILE(only_files_of_memory_can_be_pinned),
		WITH_FILE(a_descriptor_need_not_be_open_for_that),
		WITH_FILE(a_file_that_we_may_not_write_is_read_only),
		WITH_FILE(a_sealed_file_is_read_only),
		cmocka_unit_test(huge_pages_are_mapped_as_such),
		WITH_FILE(the_file_is_mapped_while_it_is_pinned),
		WITH_FILE(the_pa_is_the_files_memory),
		WITH_FILE(a_file_that_shrinks_is_a_hole),
		WITH_FILE(the_source_keeps_the_file),
		WITH_FILE(forked_children_do_not_have_the_mapping),
		WITH_FILE(pins_short_of_memory_change_nothing),
		WITH_FILE(a_source_that_fails_takes_the_descriptor),
		WITH_FILE(copies_of_a_file_pin_nothing_for_long),
		cmocka_unit_test(copies_of_the_clients_memory_are_its_own),
	};

	return cmocka_run_group_tests(tests, spaces_setup, NULL);
}
