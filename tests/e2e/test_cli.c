// SPDX-License-Identifier: MIT
/*
 * The swiommu command: what it says, and how it ends. SWIOMMU_BIN tells where it
 * is. This program itself does not run under it.
 */
#include "e2e.h"

#include <elf.h>
#include <stdio.h>
#include <sys/stat.h>

static char directory[] = "/tmp/swiommu-cli-XXXXXX";

struct result {
	int status; /* of exit, or 128 + the signal */
	char out[8192], err[8192];
};

static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	close(fd);
}

/* Run `swiommu` with these words, up to NULL, in the test's own directory. */
static void run_words(struct result *result, char *const words[])
{
	char *argv[16] = {getenv("SWIOMMU_BIN")};
	int out[2], err[2], status;
	pid_t pid;

	for (int i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	assert_int_equal(pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		dup2(err[1], 2);
		_exit(chdir(directory) || execv(argv[0], argv));
	}
	close(out[1]);
	close(err[1]);
	read_all(out[0], result->out, sizeof(result->out));
	read_all(err[0], result->err, sizeof(result->err));
	waitpid(pid, &status, 0);
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define run(result, ...) run_words(result, (char *const[]){__VA_ARGS__, NULL})

/* One line, "swiommu: " and the text. */
static void check_complaint(const struct result *result, int status, const char *text)
{
	char line[1024];

	snprintf(line, sizeof(line), "swiommu: %s\n", text);
	assert_string_equal(result->err, line);
	assert_string_equal(result->out, "");
	assert_int_equal(result->status, status);
}

/* ---- wrong use ---- */

#define SEE_RUN "see 'swiommu run --help'"

static const struct {
	const char *words[8];
	const char *complaint;
} wrong[] = {
	{{NULL}, "no command: write 'swiommu run -- PROGRAM', or see 'swiommu --help'"},
	{{"rnu"}, "no command 'rnu': see 'swiommu --help'"},
	{{"--foo"}, "no option '--foo': see 'swiommu --help'"},
	{{"run"}, "no program to run: write 'swiommu run [OPTION]... -- PROGRAM'"},
	{{"run", "--"}, "no program to run: write 'swiommu run [OPTION]... -- PROGRAM'"},
	{{"run", "--foo", "true"}, "no option '--foo': " SEE_RUN},
	{{"run", "-x", "true"}, "no option '-x': " SEE_RUN},
	{{"run", "-xy", "true"}, "no option '-x': " SEE_RUN},
	{{"run", "--help=me"}, "no option '--help=me': " SEE_RUN},
	{{"run", "--device"}, "--device needs a value: " SEE_RUN},
	{{"run", "--device", "iota", "true"}, "--device: no model 'iota': write one of: ioat"},
	{{"run", "--device=ioat", "--device=ioat,bdf=0000:6a:01.0", "true"},
	 "--device: PCI address 0000:6a:01.0 is taken: write another, or leave bdf= out to get a "
	 "free one"},
	{{"run", "--device", "ioat\nioat", "true"},
	 "--device: write it on one line, and repeat the option for more"},
	{{"run", "--iommu", "amd", "true"}, "--iommu: no IOMMU 'amd': write one of: vtd, mock"},
	{{"run", "--iommu", "vtd,caps=1", "true"},
	 "--iommu: no option 'caps=1': write --iommu vtd"},
	{{"run", "--iommu=", "true"}, "--iommu: no IOMMU '': write one of: vtd, mock"},
	{{"run", "--vdevice-destroy", "never", "true"},
	 "--vdevice-destroy: no word 'never': write anytime or unbound"},
	{{"run", "--memlock", "8M", "true"}, "--memlock: no word '8M': write host or unlimited"},
	{{"run", "--log", "/nowhere/log", "true"},
	 "--log: cannot write '/nowhere/log': No such file or directory"},
};

static void every_mistake_is_one_line_and_status_2(void **state)
{
	struct result result;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		run_words(&result, (char *const *)wrong[i].words);
		check_complaint(&result, 2, wrong[i].complaint);
	}
}

/* ---- programs that cannot be run ---- */

static void make_file(const char *name, const void *content, size_t size, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, content, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void a_missing_program_is_127(void **state)
{
	struct result result;

	(void)state;
	run(&result, "run", "--", "no-such-program");
	check_complaint(&result, 127, "cannot run 'no-such-program': No such file or directory");
	run(&result, "run", "./no-such-program");
	check_complaint(&result, 127, "cannot run './no-such-program': No such file or directory");
	run(&result, "run", "");
	check_complaint(&result, 127, "cannot run '': No such file or directory");
}

static void what_is_no_program_is_126(void **state)
{
	struct result result;

	(void)state;
	make_file("data", "data", 4, 0644);
	run(&result, "run", "./data");
	check_complaint(&result, 126, "cannot run './data': Permission denied");
	run(&result, "run", "/");
	check_complaint(&result, 126, "cannot run '/': Permission denied");
}

/* An ELF file without a loader, for this machine or another. */
static void make_elf(const char *name, unsigned char class, uint16_t machine, mode_t mode)
{
	Elf64_Ehdr header = {.e_ident = ELFMAG, .e_type = ET_EXEC, .e_machine = machine};

	header.e_ident[EI_CLASS] = class;
	make_file(name, &header, sizeof(header), mode);
}

static void programs_out_of_reach_are_explained(void **state)
{
	struct result result;

	(void)state;
	make_elf("static", ELFCLASS64, EM_X86_64, 0755);
	run(&result, "run", "./static");
	check_complaint(&result, 2,
			"'./static' is statically linked, so that no library can be preloaded: "
			"link it dynamically");
	make_elf("small", ELFCLASS32, EM_386, 0755);
	run(&result, "run", "./small");
	check_complaint(&result, 2,
			"'./small' is for another machine or word size: build it for this one");
	make_file("script", "#! ./static -x\n", 15, 0755);
	run(&result, "run", "./script");
	assert_int_equal(result.status, 2);
	assert_non_null(strstr(result.err, "'./static' is statically linked"));
}

static void a_privileged_program_is_explained(void **state)
{
	struct result result;
	char path[128];

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can make a set-user-ID program of another user\n");
		skip();
	}
	make_elf("privileged", ELFCLASS64, EM_X86_64, 0755);
	snprintf(path, sizeof(path), "%s/privileged", directory);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_equal(chmod(path, 04755), 0);
	run(&result, "run", "./privileged");
	check_complaint(&result, 2,
			"'./privileged' is set-user-ID or set-group-ID, so that no library can be "
			"preloaded: run a copy without that bit");
}

/* ---- programs that run ---- */

static void the_exit_status_is_the_programs(void **state)
{
	struct result result;

	(void)state;
	run(&result, "run", "true");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.err, "");
	run(&result, "run", "--", "sh", "-c", "exit 42");
	assert_int_equal(result.status, 42);
	run(&result, "run", "--", "sh", "-c", "kill -TERM $$");
	assert_int_equal(result.status, 128 + SIGTERM);
}

static void words_after_the_program_are_its_own(void **state)
{
	struct result result;

	(void)state;
	run(&result, "run", "echo", "--device", "-x");
	assert_string_equal(result.out, "--device -x\n");
	run(&result, "run", "--", "echo", "--", "a b");
	assert_string_equal(result.out, "-- a b\n");
}

static void devices_are_numbered_in_order(void **state)
{
	struct result result;
	const char *look = "for n in 0 1 2; do test -c /dev/vfio/devices/vfio$n && echo $n; done";

	(void)state;
	run(&result, "run", "--", "sh", "-c", (char *)look);
	assert_string_equal(result.out, "0\n");
	run(&result, "run", "--device", "ioat", "--device=ioat,iommu=mock", "--", "sh", "-c",
	    (char *)look);
	assert_string_equal(result.out, "0\n1\n");
	assert_string_equal(result.err, "");
}

static void scripts_run(void **state)
{
	static const char script[] = "#!/bin/sh\ntest -c /dev/iommu && echo \"$1\"\n";
	struct result result;

	(void)state;
	make_file("hello", script, sizeof(script) - 1, 0755);
	run(&result, "run", "./hello", "there");
	assert_string_equal(result.out, "there\n");
	assert_int_equal(result.status, 0);
}

static void other_preloads_stay(void **state)
{
	struct result result;

	(void)state;
	setenv("LD_PRELOAD", "libnone.so", 1);
	run(&result, "run", "--", "sh", "-c", "echo $LD_PRELOAD");
	unsetenv("LD_PRELOAD");
	assert_non_null(strstr(result.out, "/libswiommu-preload.so:libnone.so\n"));
}

static void the_log_has_a_line_for_each_call(void **state)
{
	struct result result;
	char log[4096], path[128];
	int fd;

	(void)state;
	run(&result, "run", "--log", "calls", "--", "sh", "-c", "cd / && exec 5<>/dev/iommu");
	assert_int_equal(result.status, 0);
	assert_string_equal(result.err, "");
	snprintf(path, sizeof(path), "%s/calls", directory);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	read_all(fd, log, sizeof(log));
	assert_non_null(strstr(log, " open /dev/iommu = "));
	assert_non_null(strstr(log, " close "));
}

/* ---- help ---- */

static void help_and_version_are_for_stdout(void **state)
{
	struct result result;

	(void)state;
	run(&result, "--version");
	assert_int_equal(strncmp(result.out, "swiommu ", 8), 0);
	assert_int_equal(result.status, 0);
	run(&result, "--help");
	assert_non_null(strstr(result.out, "\n  run "));
	assert_string_equal(result.err, "");
	assert_int_equal(result.status, 0);
	run(&result, "run", "--help");
	assert_non_null(strstr(result.out, "--vdevice-destroy"));
	assert_non_null(strstr(result.out, "--memlock"));
	assert_non_null(strstr(result.out, "--test-abi"));
	assert_non_null(strstr(result.out, "ioat"));
	assert_string_equal(result.err, "");
	assert_int_equal(result.status, 0);
}

static int set_up(void **state)
{
	(void)state;
	return !getenv("SWIOMMU_BIN") || !mkdtemp(directory);
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_one_line_and_status_2),
		cmocka_unit_test(a_missing_program_is_127),
		cmocka_unit_test(what_is_no_program_is_126),
		cmocka_unit_test(programs_out_of_reach_are_explained),
		cmocka_unit_test(a_privileged_program_is_explained),
		cmocka_unit_test(the_exit_status_is_the_programs),
		cmocka_unit_test(words_after_the_program_are_its_own),
		cmocka_unit_test(devices_are_numbered_in_order),
		cmocka_unit_test(scripts_run),
		cmocka_unit_test(other_preloads_stay),
		cmocka_unit_test(the_log_has_a_line_for_each_call),
		cmocka_unit_test(help_and_version_are_for_stdout),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
