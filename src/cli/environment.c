// SPDX-License-Identifier: MIT
/* What the program finds in its environment: the preload library, lists. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SWIOMMU_LIBDIR
#error "define SWIOMMU_LIBDIR"
#endif

#define PRELOAD_NAME "libswiommu-preload.so"

/* The directory of our own executable, without the last slash. */
static bool own_directory(char *dir, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	if (length < 0)
		return false;
	dir[length] = '\0';
	slash = strrchr(dir, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

/* The build tree first, so that what was just built is what is tested. */
char *cli_preload_find(void)
{
	char dir[4096], *path = NULL;

	if (!own_directory(dir, sizeof(dir)))
		strcpy(dir, SWIOMMU_LIBDIR);
	if (asprintf(&path, "%s/" PRELOAD_NAME, dir) >= 0 && access(path, R_OK)) {
		free(path);
		path = strdup(SWIOMMU_LIBDIR "/" PRELOAD_NAME);
	}
	if (path && !access(path, R_OK) && !strpbrk(path, " :"))
		return path;
	if (path && strpbrk(path, " :"))
		cli_fail(CLI_WRONG_USE,
			 "'%s' cannot be preloaded, because of the space or colon in its name: "
			 "move swiommu elsewhere",
			 path);
	else
		cli_fail(CLI_WRONG_USE,
			 PRELOAD_NAME " is neither in %s nor in " SWIOMMU_LIBDIR
				      ": install swiommu again",
			 dir);
	free(path);
	return NULL;
}

static bool env_list(const char *name, const char *first, char separator, const char *second)
{
	char *list;
	int rc;

	if (asprintf(&list, "%s%c%s", first, separator, second) < 0)
		return false;
	rc = setenv(name, list, 1);
	free(list);
	return !rc;
}

bool cli_env_prepend(const char *name, const char *word, char separator)
{
	const char *list = getenv(name);

	if (!list || !*list)
		return !setenv(name, word, 1);
	return env_list(name, word, separator, list);
}

bool cli_env_append(const char *name, const char *word, char separator)
{
	const char *list = getenv(name);

	if (!list || !*list)
		return !setenv(name, word, 1);
	return env_list(name, list, separator, word);
}
