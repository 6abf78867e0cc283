// SPDX-License-Identifier: MIT
/* The command line up to the subcommand. */
#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>

#ifndef SWIOMMU_VERSION
#error "define SWIOMMU_VERSION"
#endif

static const struct cli_command *const commands[] = {
	&cli_run,
};

int cli_fail(int status, const char *fmt, ...)
{
	va_list args;

	fputs("swiommu: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

static int print_help(void)
{
	puts("Usage: swiommu COMMAND [OPTION]...\n"
	     "Run programs on an IOMMU, with devices behind it, in software.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < base_array_size(commands); i++)
		printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
	puts("\n"
	     "  --help       print this text and exit\n"
	     "  --version    print the version and exit\n"
	     "\n"
	     "'swiommu COMMAND --help' says more about a command, swiommu(1) about everything.");
	return 0;
}

static int print_version(void)
{
	puts("swiommu " SWIOMMU_VERSION);
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argv[1];

	if (argc < 2)
		return cli_fail(CLI_WRONG_USE, "no command: write 'swiommu run -- PROGRAM', or see "
					       "'swiommu --help'");
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return print_help();
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return print_version();
	for (size_t i = 0; i < base_array_size(commands); i++)
		if (!strcmp(word, commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	return cli_fail(CLI_WRONG_USE, "no %s '%s': see 'swiommu --help'",
			*word == '-' ? "option" : "command", word);
}
