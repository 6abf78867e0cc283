// SPDX-License-Identifier: MIT
/* Files of /proc that tell of the machine. Only full paths, as programs write them. */
#include "front/preload/preload.h"
#include "front/remote.h"
#include "front/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- paths ---- */

/* Is *path at `word`? Then behind it. */
static bool skip(const char **path, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*path, word, length))
		return false;
	*path += length;
	return true;
}

/* Number and slash. */
static bool skip_id(const char **path, uint32_t *id)
{
	uint32_t value = 0;
	const char *at;

	for (at = *path; *at >= '0' && *at <= '9'; at++) {
		if (value > UINT32_MAX / 10 - 1)
			return false;
		value = value * 10 + (uint32_t)(*at - '0');
	}
	if (at == *path || *at != '/')
		return false;
	*path = at + 1;
	*id = value;
	return true;
}

/* Whose file a path names: "/proc/self/NAME", "/proc/PID/task/TID/NAME" and the like. */
struct owner {
	uint32_t pid, tid;
};

/* The NAME; NULL for other paths. */
static const char *name_of(const char *path, struct owner *owner)
{
	bool own_thread;

	if (!skip(&path, "/proc/"))
		return NULL;
	owner->pid = (uint32_t)getpid();
	own_thread = skip(&path, "thread-self/");
	if (!own_thread && !skip(&path, "self/") && !skip_id(&path, &owner->pid))
		return NULL;
	owner->tid = own_thread ? (uint32_t)base_sys_gettid() : owner->pid;
	if (skip(&path, "task/") && !skip_id(&path, &owner->tid))
		return NULL;
	return path;
}

/* ---- what a process has pinned ---- */

/* Owners that are asked; nobody has files of more. */
#define OWNERS 8

static bool is_new(uint64_t key, uint64_t *asked, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (asked[i] == key)
			return false;
	if (*count == OWNERS)
		return false;
	asked[(*count)++] = key;
	return true;
}

/* In our own machine, and in those of the processes whose files we have. */
static void account_get(uint32_t pid, struct mem_account *sum)
{
	uint64_t asked[OWNERS];
	size_t count = 0;
	int fd = -1;

	preload_server_account(pid, sum);
	while ((fd = front_fdtable_next(&preload_table, fd + 1)) >= 0) {
		struct front_slot *slot = preload_get(fd);
		struct front_remote *remote = slot ? front_remote_of(slot->file) : NULL;

		if (remote && is_new(remote->name.key, asked, &count))
			front_remote_account(remote, pid, sum);
		if (slot)
			preload_put(slot);
	}
}

/* ---- status ---- */

#define STATUS_SIZE 8192

/* All of a file that is not larger than `size`: bytes read or a negative errno. */
static ssize_t read_all(const char *path, char *text, size_t size)
{
	int fd = libc_open(path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t done, total = 0;

	if (fd < 0)
		return -errno;
	do {
		done = base_sys_read(fd, text + total, size - (size_t)total);
		if (done > 0)
			total += done;
	} while (done > 0 && (size_t)total < size);
	base_sys_close(fd);
	return done < 0 ? done : total;
}

/* A file of the kernel's with this text, that cannot be written. */
static int text_file(const char *text, size_t size, int flags)
{
	int fd = memfd_create("status", MFD_ALLOW_SEALING | (flags & O_CLOEXEC ? MFD_CLOEXEC : 0));
	int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

	if (fd < 0)
		return -errno;
	preload_number_new(fd);
	if (libc_pwrite(fd, text, size, 0) == (ssize_t)size &&
	    !libc_fcntl(fd, F_ADD_SEALS, (void *)(intptr_t)seals))
		return fd;
	base_sys_close(fd);
	return -ENOMEM;
}

static int status_open(const char *path, int flags, const struct mem_account *account)
{
	char text[STATUS_SIZE], out[STATUS_SIZE + FRONT_STATUS_GROWTH];
	ssize_t size = read_all(path, text, sizeof(text));

	if (size < 0)
		return (int)size;
	return text_file(out, front_status_rewrite(out, text, (size_t)size, account), flags);
}

bool preload_status_open(const char *path, int flags, int *fd)
{
	struct mem_account account = {0};
	struct owner owner;
	const char *name;

	name = name_of(path, &owner);
	if (!name || strcmp(name, "status") || (flags & (O_ACCMODE | O_DIRECTORY | O_PATH)))
		return false;
	account_get(owner.pid, &account);
	if (!account.pinned && !account.locked)
		return false;
	*fd = status_open(path, flags, &account);
	return true;
}

/* ---- fail-nth ---- */

struct fail_nth {
	struct mem_file file;
	int tid;
};

static bool is_other_thread(const struct mem_file *file)
{
	return base_container_of(file, const struct fail_nth, file)->tid != base_sys_gettid();
}

static ssize_t fail_nth_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
			      size_t count, uint64_t pos)
{
	char text[PRELOAD_TEXT_SIZE];

	if (is_other_thread(file))
		return -EPERM;
	snprintf(text, sizeof(text), "%u\n", base_fail_pending());
	return preload_text_read(client, addr, count, pos, text);
}

static ssize_t fail_nth_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			       size_t count, uint64_t pos)
{
	char text[PRELOAD_TEXT_SIZE];
	uint64_t nth;
	int rc;

	(void)pos;
	if (is_other_thread(file))
		return -EPERM;
	rc = preload_text_take(client, addr, count, text);
	if (!rc)
		rc = preload_text_number(text, UINT32_MAX, &nth);
	if (rc)
		return rc;
	base_fail_nth((unsigned)nth);
	return (ssize_t)count;
}

static long fail_nth_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			   uint64_t arg)
{
	(void)file, (void)client, (void)cmd, (void)arg;
	return -ENOTTY;
}

static void fail_nth_release(struct mem_file *file)
{
	base_free(base_container_of(file, struct fail_nth, file));
}

static const struct mem_file_ops fail_nth_ops = {
	.name = "fail-nth",
	.ioctl = fail_nth_ioctl,
	.pread = fail_nth_pread,
	.pwrite = fail_nth_pwrite,
	.release = fail_nth_release,
};

static bool has_thread(uint32_t tid)
{
	int saved = errno;
	char path[64];
	bool has;

	snprintf(path, sizeof(path), "/proc/self/task/%u", tid);
	has = !libc_faccessat(AT_FDCWD, path, F_OK, 0);
	errno = saved;
	return has;
}

bool preload_fail_nth_parse(const char *path, uint32_t *tid)
{
	struct owner owner;
	const char *name = name_of(path, &owner);

	if (!name || strcmp(name, "fail-nth") || owner.pid != (uint32_t)getpid())
		return false;
	*tid = owner.tid;
	return has_thread(owner.tid);
}

int preload_fail_nth_open(uint32_t tid, int flags)
{
	const struct front_node node = {FRONT_NODE_PLAIN, tid};
	struct fail_nth *nth;
	int rc = preload_prepare();

	if (rc)
		return rc;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	nth = base_alloc(sizeof(*nth));
	if (!nth)
		return -ENOMEM;
	mem_file_init(&nth->file, &fail_nth_ops);
	nth->tid = (int)tid;
	rc = preload_file_open(&nth->file, node, flags);
	if (rc < 0)
		mem_file_put(&nth->file);
	return rc;
}
