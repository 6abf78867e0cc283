// SPDX-License-Identifier: MIT
/*
 * Runs inputs of the fuzzer again, without the fuzzer: files, or all files of folders.
 * usage: fuzz-replay [-v] FILE|FOLDER...   (-v prints the calls)
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536

static unsigned inputs;

static bool replay(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return false;
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	/* Known before it runs: it may be the last thing this process does. */
	fprintf(stderr, "%s\n", path);
	fuzz_run(bytes, size);
	inputs++;
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool replay_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, by_name);
	bool good = true;
	char name[4096];

	if (count < 0)
		return replay(path);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			good &= replay(name);
		free(entries[i]);
	}
	free(entries);
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-v"))
			fuzz_verbose = true;
		else
			good &= replay_folder(argv[i]);
	}
	printf("%u inputs, no findings\n", inputs);
	return good && inputs ? EXIT_SUCCESS : EXIT_FAILURE;
}
