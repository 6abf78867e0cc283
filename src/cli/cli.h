/* SPDX-License-Identifier: MIT */
/* The `swiommu` command: a table of subcommands, one file each. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/base.h"

#include <stdio.h>

/* Exit statuses of our own, as those of env(1). */
enum {
	CLI_WRONG_USE = 2,
	CLI_NOT_EXECUTABLE = 126,
	CLI_NOT_FOUND = 127,
};

struct cli_command {
	const char *name;
	const char *summary; /* for `swiommu --help` */
	/* argv[0] is the name; returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct cli_command cli_run;

/* Print "swiommu: ..." and a newline to stderr; returns `status`, so that it can end a function. */
int cli_fail(int status, const char *fmt, ...) BASE_PRINTF(2, 3);

/* ---- program.c ---- */

/*
 * The file that execvp() would run for `name`, to be freed by the caller; NULL
 * if there is none or it cannot be executed, with errno as execvp() sets it.
 */
char *cli_program_find(const char *name);

/*
 * Can a preloaded library reach the program in the file `path`? 0, or the exit
 * status after a message: statically linked, set-user-ID, or of another machine.
 */
int cli_program_check(const char *path);

/* ---- environment.c ---- */

/* Where libswiommu-preload.so is, to be freed by the caller; NULL after a message. */
char *cli_preload_find(void);

/* Put `word` first (or last) in an environment variable that is a list. False: out of memory. */
bool cli_env_prepend(const char *name, const char *word, char separator);
bool cli_env_append(const char *name, const char *word, char separator);

#endif
