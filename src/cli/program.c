// SPDX-License-Identifier: MIT
/* Looking at a program before it is run. */
#include "cli/cli.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin"
#define MAX_SCRIPTS  4 /* interpreters that are scripts themselves */

/* ---- finding ---- */

/* 0, or the errno that running it would give. */
static int executable_error(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return access(path, X_OK) ? errno : 0;
}

static char *join(const char *dir, size_t length, const char *name)
{
	char *path;

	/* An empty entry is the current directory. */
	if (asprintf(&path, "%.*s%s%s", (int)length, dir, length ? "/" : "", name) < 0)
		return NULL;
	return path;
}

/* As execvp(): a file that may not be executed counts only if no other is found. */
static char *search(const char *dirs, const char *name)
{
	int error = ENOENT;

	for (;;) {
		size_t length = strcspn(dirs, ":");
		char *path = join(dirs, length, name);
		int rc = path ? executable_error(path) : ENOMEM;

		if (!rc)
			return path;
		free(path);
		if (rc == EACCES)
			error = rc;
		if (!dirs[length])
			break;
		dirs += length + 1;
	}
	errno = error;
	return NULL;
}

char *cli_program_find(const char *name)
{
	const char *dirs = getenv("PATH");
	int rc;

	if (!strchr(name, '/'))
		return *name ? search(dirs ? dirs : DEFAULT_PATH, name) : (errno = ENOENT, NULL);
	rc = executable_error(name);
	if (!rc)
		return strdup(name);
	errno = rc;
	return NULL;
}

/* ---- looking inside ---- */

enum kind {
	KIND_OTHER, /* whatever the kernel or a shell makes of it */
	KIND_SCRIPT,
	KIND_DYNAMIC,
	KIND_STATIC,
	KIND_FOREIGN, /* of another machine or word size */
};

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#else
#define OUR_MACHINE EM_AARCH64
#endif

static bool read_at(int fd, void *buf, size_t size, off_t offset)
{
	return pread(fd, buf, size, offset) == (ssize_t)size;
}

/* A program that the dynamic loader starts names it in a PT_INTERP header. */
static enum kind elf_kind(int fd)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (!read_at(fd, &header, sizeof(header), 0))
		return KIND_OTHER;
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != OUR_MACHINE)
		return KIND_FOREIGN;
	for (unsigned i = 0; i < header.e_phnum; i++)
		if (read_at(fd, &segment, sizeof(segment),
			    (off_t)(header.e_phoff + (size_t)i * header.e_phentsize)) &&
		    segment.p_type == PT_INTERP)
			return KIND_DYNAMIC;
	return KIND_STATIC;
}

/* `interpreter` (256 bytes) is set for scripts: the word after "#!". */
static enum kind file_kind(int fd, char *interpreter)
{
	char head[256] = "";

	if (pread(fd, head, sizeof(head) - 1, 0) < 4)
		return KIND_OTHER;
	if (!memcmp(head, ELFMAG, SELFMAG))
		return elf_kind(fd);
	if (sscanf(head, "#! %255[^ \t\n]", interpreter) == 1)
		return KIND_SCRIPT;
	return KIND_OTHER;
}

/* Would the kernel change user or group for it? Then the loader ignores LD_PRELOAD. */
static bool changes_identity(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	return ((st.st_mode & S_ISUID) && st.st_uid != geteuid()) ||
	       ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		st.st_gid != getegid());
}

static int explain(const char *path, enum kind kind, bool privileged)
{
	if (privileged)
		return cli_fail(CLI_WRONG_USE,
				"'%s' is set-user-ID or set-group-ID, so that no library can be "
				"preloaded: run a copy without that bit",
				path);
	if (kind == KIND_STATIC)
		return cli_fail(CLI_WRONG_USE,
				"'%s' is statically linked, so that no library can be preloaded: "
				"link it dynamically",
				path);
	if (kind == KIND_FOREIGN)
		return cli_fail(CLI_WRONG_USE,
				"'%s' is for another machine or word size: build it for this one",
				path);
	return 0;
}

/* Follow a script to the program that reads it. */
static int check(const char *path, int scripts)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char interpreter[256];
	bool privileged;
	enum kind kind;

	if (fd < 0)
		return 0; /* may be executed, but not read: nothing to be said about it */
	kind = file_kind(fd, interpreter);
	privileged = kind != KIND_SCRIPT && changes_identity(fd);
	close(fd);
	if (kind == KIND_SCRIPT && scripts)
		return check(interpreter, scripts - 1);
	return explain(path, kind, privileged);
}

int cli_program_check(const char *path)
{
	return check(path, MAX_SCRIPTS);
}
