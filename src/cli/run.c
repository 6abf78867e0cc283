// SPDX-License-Identifier: MIT
/* swiommu run: start a program with the machine preloaded into it. */
#include "cli/cli.h"

#include "front/front.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	char *devices; /* a line for each, NULL: none yet */
	const char *iommu;
	const char *vdevice_destroy;
	const char *memlock;
	bool test_abi;
	const char *log;
};

static void print_help(void)
{
	char models[128], iommus[64];

	front_model_list(models, sizeof(models));
	front_iommu_list(iommus, sizeof(iommus));
	printf("Usage: swiommu run [OPTION]... [--] PROGRAM [ARG]...\n"
	       "Run PROGRAM with /dev/iommu and /dev/vfio/devices/vfioN in software.\n"
	       "\n"
	       "  --device MODEL[,KEY=VALUE]...\n"
	       "                        add a PCI device; repeat it for more. The first is vfio0.\n"
	       "                        Without this option: --device " FRONT_DEFAULT_DEVICES "\n"
	       "                        MODEL: %s\n"
	       "                        bdf=DDDD:BB:DD.F  its PCI address (0000:6a:01.0, then\n"
	       "                                          0000:6a:02.0, ...)\n"
	       "                        group=N           its IOMMU group (one of its own)\n"
	       "                        iommu=KIND        the IOMMU it is behind (--iommu)\n"
	       "                        Other keys are the model's: see swiommu(1).\n"
	       "  --iommu KIND          kind of IOMMU: %s (vtd)\n"
	       "  --vdevice-destroy WHEN\n"
	       "                        when a vdevice of a bound device can be destroyed:\n"
	       "                        anytime, unbound (anytime)\n"
	       "  --memlock LIMIT       what may be pinned for devices: host (RLIMIT_MEMLOCK, see\n"
	       "                        ulimit -l), unlimited (host)\n"
	       "  --test-abi            with the ABI that the Linux kernel's tests of iommufd use\n"
	       "  --log FILE            append a line for every call to FILE\n"
	       "  --help                print this text and exit\n"
	       "\n"
	       "The exit status is the PROGRAM's; %d if the command line is wrong, %d if PROGRAM\n"
	       "cannot be executed, %d if it is not found.\n",
	       models, iommus, CLI_WRONG_USE, CLI_NOT_EXECUTABLE, CLI_NOT_FOUND);
}

/* ---- options ---- */

static int add_device(struct settings *settings, const char *spec)
{
	char *joined;

	if (strchr(spec, '\n'))
		return cli_fail(CLI_WRONG_USE,
				"--device: write it on one line, and repeat the option for more");
	if (asprintf(&joined, "%s%s%s", settings->devices ? settings->devices : "",
		     settings->devices ? "\n" : "", spec) < 0)
		return cli_fail(CLI_WRONG_USE, "out of memory");
	free(settings->devices);
	settings->devices = joined;
	return 0;
}

enum {
	OPT_HELP = 'h',
	OPT_DEVICE = 256,
	OPT_IOMMU,
	OPT_VDEVICE_DESTROY,
	OPT_MEMLOCK,
	OPT_TEST_ABI,
	OPT_LOG
};

/* What getopt_long() stopped at: a letter of a bundle, or a whole word. */
static int wrong_option(const char *word, bool needs_value)
{
	char letter[] = {'-', (char)optopt, '\0'};

	if (needs_value)
		return cli_fail(CLI_WRONG_USE, "%s needs a value: see 'swiommu run --help'", word);
	return cli_fail(CLI_WRONG_USE, "no option '%s': see 'swiommu run --help'",
			optopt > 0 && optopt < OPT_DEVICE && optopt != OPT_HELP ? letter : word);
}

static const struct option options[] = {
	{"device", required_argument, NULL, OPT_DEVICE},
	{"iommu", required_argument, NULL, OPT_IOMMU},
	{"vdevice-destroy", required_argument, NULL, OPT_VDEVICE_DESTROY},
	{"memlock", required_argument, NULL, OPT_MEMLOCK},
	{"test-abi", no_argument, NULL, OPT_TEST_ABI},
	{"log", required_argument, NULL, OPT_LOG},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

/* 0; or an exit status, or -1 for help. Options end at the first word that is none. */
static int parse(struct settings *settings, int argc, char **argv)
{
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, "+:h", options, NULL)) != -1)
		switch (option) {
		case OPT_DEVICE: rc = add_device(settings, optarg); break;
		case OPT_IOMMU: settings->iommu = optarg; break;
		case OPT_VDEVICE_DESTROY: settings->vdevice_destroy = optarg; break;
		case OPT_MEMLOCK: settings->memlock = optarg; break;
		case OPT_TEST_ABI: settings->test_abi = true; break;
		case OPT_LOG: settings->log = optarg; break;
		case OPT_HELP: print_help(); return -1;
		default: rc = wrong_option(argv[optind - 1], option == ':');
		}
	return rc;
}

/* ---- checks ---- */

/* Make the machine once, to find every mistake before the program starts. */
static int check_devices(struct front_machine *machine, const char *devices)
{
	char message[FRONT_MESSAGE_SIZE];

	if (front_machine_add_lines(machine, devices, message, sizeof(message)))
		return cli_fail(CLI_WRONG_USE, "--device: %s", message);
	return 0;
}

static int check_iommu(const char *iommu)
{
	char list[64];
	size_t length = strcspn(iommu, ",");

	if (iommu[length])
		return cli_fail(CLI_WRONG_USE, "--iommu: no option '%s': write --iommu %.*s",
				iommu + length + 1, (int)length, iommu);
	front_iommu_list(list, sizeof(list));
	return cli_fail(CLI_WRONG_USE, "--iommu: no IOMMU '%s': write one of: %s", iommu, list);
}

static int check_words(const struct settings *settings, uint64_t *flags)
{
	uint64_t memlock;

	if (front_vdevice_destroy_flag(settings->vdevice_destroy, flags))
		return cli_fail(CLI_WRONG_USE,
				"--vdevice-destroy: no word '%s': write anytime or unbound",
				settings->vdevice_destroy);
	if (front_memlock_flag(settings->memlock, &memlock))
		return cli_fail(CLI_WRONG_USE, "--memlock: no word '%s': write host or unlimited",
				settings->memlock);
	*flags |= memlock | (settings->test_abi ? SWIOMMU_TEST_ABI : 0);
	return 0;
}

static int check_machine(const struct settings *settings)
{
	struct front_machine *machine;
	uint64_t flags;
	int rc = check_words(settings, &flags);

	if (rc)
		return rc;
	rc = front_machine_new(settings->iommu, flags, &machine);
	if (rc == -EINVAL)
		return check_iommu(settings->iommu);
	if (rc)
		return cli_fail(CLI_WRONG_USE, "%s", strerror(-rc));
	rc = check_devices(machine, settings->devices ? settings->devices : FRONT_DEFAULT_DEVICES);
	front_machine_free(machine);
	return rc;
}

static int check_log(const char *log)
{
	int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return cli_fail(CLI_WRONG_USE, "--log: cannot write '%s': %s", log,
				strerror(errno));
	close(fd);
	return 0;
}

/* ---- the start ---- */

/*
 * The program may change directory before it starts another one. Links stay as
 * they are: /dev/stderr may lead to a pipe, which has no name.
 */
static bool set_log(const char *log)
{
	char *directory, *path = NULL;
	int rc = -1;

	if (!log)
		return !unsetenv(FRONT_ENV_LOG);
	if (*log == '/')
		return !setenv(FRONT_ENV_LOG, log, 1);
	directory = getcwd(NULL, 0);
	if (directory && asprintf(&path, "%s/%s", directory, log) >= 0)
		rc = setenv(FRONT_ENV_LOG, path, 1);
	free(path);
	free(directory);
	return !rc;
}

static bool set_environment(const struct settings *settings, const char *preload)
{
#ifdef __SANITIZE_ADDRESS__
	/* The runtime comes with the preloaded library, and leaks are the program's business. */
	if (!cli_env_append("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", ':'))
		return false;
#endif
	return !setenv(FRONT_ENV_DEVICES,
		       settings->devices ? settings->devices : FRONT_DEFAULT_DEVICES, 1) &&
	       !setenv(FRONT_ENV_IOMMU, settings->iommu, 1) &&
	       !setenv(FRONT_ENV_VDEVICE_DESTROY, settings->vdevice_destroy, 1) &&
	       !setenv(FRONT_ENV_MEMLOCK, settings->memlock, 1) &&
	       !setenv(FRONT_ENV_TEST_ABI, settings->test_abi ? "1" : "0", 1) &&
	       set_log(settings->log) && cli_env_prepend("LD_PRELOAD", preload, ':');
}

static int fail_exec(const char *program, int error)
{
	return cli_fail(error == ENOENT || error == ENOTDIR ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE,
			"cannot run '%s': %s", program, strerror(error));
}

static int start(const struct settings *settings, char **argv)
{
	char *path = cli_program_find(argv[0]), *preload;
	int rc;

	if (!path)
		return fail_exec(argv[0], errno);
	rc = cli_program_check(path);
	free(path);
	if (rc)
		return rc;
	preload = cli_preload_find();
	if (!preload)
		return CLI_WRONG_USE;
	if (!set_environment(settings, preload))
		rc = cli_fail(CLI_WRONG_USE, "cannot set the environment: %s", strerror(errno));
	free(preload);
	if (rc)
		return rc;
	execvp(argv[0], argv);
	return fail_exec(argv[0], errno);
}

static int cli_run_main(int argc, char **argv)
{
	struct settings settings = {.iommu = "vtd",
				    .vdevice_destroy = "anytime",
				    .memlock = "host"};
	int rc = parse(&settings, argc, argv);

	if (!rc && optind == argc)
		rc = cli_fail(CLI_WRONG_USE,
			      "no program to run: write 'swiommu run [OPTION]... -- PROGRAM'");
	if (!rc)
		rc = check_machine(&settings);
	if (!rc && settings.log)
		rc = check_log(settings.log);
	if (!rc)
		rc = start(&settings, argv + optind);
	free(settings.devices);
	return rc < 0 ? 0 : rc;
}

const struct cli_command cli_run = {
	.name = "run",
	.summary = "run a program with the devices in reach",
	.run = cli_run_main,
};
