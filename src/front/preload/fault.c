// SPDX-License-Identifier: MIT
/*
 * The fault-injection folders of debugfs with the knobs that Linux has there, so that
 * programs can set them up. What is injected is what fail-nth says, and nothing
 * by chance: a probability other than 0 is refused, the other knobs keep what they are given.
 *
 * A process has values of its own, with those of its parent to begin with.
 */
#include "front/preload/preload.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ROOT "/sys/kernel/debug"

/* Of our nodes, so that a stat() tells them from those below /dev. */
#define FIRST_NUMBER 100

#define PATH_SIZE 64

enum kind { FOLDER, NUMBER, FLAG, ZERO };

struct fault {
	struct mem_file file;
	const char *path; /* below the root */
	enum kind kind;
	uint64_t value;
};

static const struct mem_file_ops folder_ops, knob_ops;

/* Their last references are ours, and never dropped. */
#define NODE(its_path, its_kind, its_value)                                                 \
	{                                                                                   \
		.file = {.ops = its_kind == FOLDER ? &folder_ops : &knob_ops, .refs = {1}}, \
		.path = its_path, .kind = its_kind, .value = its_value,                     \
	}

#define NODES_OF(folder)                                                               \
	NODE(folder, FOLDER, 0), NODE(folder "/probability", ZERO, 0),                 \
		NODE(folder "/interval", NUMBER, 1), NODE(folder "/times", NUMBER, 1), \
		NODE(folder "/space", NUMBER, 0), NODE(folder "/verbose", NUMBER, 2),  \
		NODE(folder "/verbose_ratelimit_interval_ms", NUMBER, 0),              \
		NODE(folder "/verbose_ratelimit_burst", NUMBER, 10),                   \
		NODE(folder "/task-filter", FLAG, 0)

static struct fault faults[] = {
	NODE("", FOLDER, 0),
	NODES_OF("failslab"),
	NODE("failslab/ignore-gfp-wait", FLAG, 1),
	NODE("failslab/cache-filter", FLAG, 0),
	NODES_OF("fail_page_alloc"),
	NODE("fail_page_alloc/ignore-gfp-wait", FLAG, 1),
	NODE("fail_page_alloc/ignore-gfp-highmem", FLAG, 1),
	NODE("fail_page_alloc/min-order", NUMBER, 1),
	NODES_OF("fail_iommufd"),
};

/* ---- knobs ---- */

static ssize_t knob_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
			  size_t count, uint64_t pos)
{
	const struct fault *fault = base_container_of(file, const struct fault, file);
	uint64_t value = base_load_relaxed(&fault->value);
	char text[PRELOAD_TEXT_SIZE];

	if (fault->kind == FLAG)
		snprintf(text, sizeof(text), "%c\n", value ? 'Y' : 'N');
	else
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
	return preload_text_read(client, addr, count, pos, text);
}

static int flag_parse(const char *text, uint64_t *value)
{
	if (!*text || text[1])
		return -EINVAL;
	*value = !!strchr("1yYtT", *text);
	return *value || strchr("0nNfF", *text) ? 0 : -EINVAL;
}

static ssize_t knob_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			   size_t count, uint64_t pos)
{
	struct fault *fault = base_container_of(file, struct fault, file);
	char text[PRELOAD_TEXT_SIZE];
	uint64_t value;
	int rc = preload_text_take(client, addr, count, text);

	(void)pos;
	if (!rc && fault->kind == FLAG)
		rc = flag_parse(text, &value);
	else if (!rc)
		rc = preload_text_number(text, UINT64_MAX, &value);
	if (!rc && fault->kind == ZERO && value)
		rc = -EINVAL;
	if (rc)
		return rc;
	base_store_relaxed(&fault->value, value);
	return (ssize_t)count;
}

static ssize_t folder_transfer(struct mem_file *file, struct mem_client *client, uint64_t addr,
			       size_t count, uint64_t pos)
{
	(void)file, (void)client, (void)addr, (void)count, (void)pos;
	return -EISDIR;
}

static long fault_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			uint64_t arg)
{
	(void)file, (void)client, (void)cmd, (void)arg;
	return -ENOTTY;
}

static void fault_release(struct mem_file *file)
{
	(void)file;
}

static const struct mem_file_ops knob_ops = {
	.name = "fault-knob",
	.ioctl = fault_ioctl,
	.pread = knob_pread,
	.pwrite = knob_pwrite,
	.release = fault_release,
};

static const struct mem_file_ops folder_ops = {
	.name = "fault-folder",
	.ioctl = fault_ioctl,
	.pread = folder_transfer,
	.release = fault_release,
};

/* ---- paths ---- */

/* Our node behind a front_node, NULL if that is of others. */
static struct fault *fault_of(struct front_node node)
{
	uint32_t index = node.number - FIRST_NUMBER;

	if (node.number < FIRST_NUMBER || index >= base_array_size(faults))
		return NULL;
	return &faults[index];
}

static struct front_node node_of(const struct fault *fault)
{
	return (struct front_node){
		fault->kind == FOLDER ? FRONT_NODE_DIR : FRONT_NODE_PLAIN,
		FIRST_NUMBER + (uint32_t)(fault - faults),
	};
}

/* Which folder the number stands for, NULL if none of ours. */
static const struct fault *folder_at(int fd)
{
	struct front_slot *slot = preload_get(fd);
	const struct fault *fault = NULL;

	if (!slot)
		return NULL;
	if (slot->node.type == FRONT_NODE_DIR)
		fault = fault_of(slot->node);
	preload_put(slot);
	return fault;
}

/* Add the parts of `path` to `full` (PATH_SIZE bytes). False: too long for any of ours. */
static bool append(char *full, const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/"), used = strlen(full);

		if (used + length + 2 > PATH_SIZE)
			return false;
		if (length && !(length == 1 && *path == '.'))
			snprintf(full + used, PATH_SIZE - used, "%s%.*s", used ? "/" : "",
				 (int)length, path);
		path += length + (path[length] == '/');
	}
	return true;
}

static const struct fault *fault_find(const char *folder, const char *path)
{
	char full[PATH_SIZE] = "";

	if (!append(full, folder) || !append(full, path))
		return NULL;
	for (size_t i = 0; i < base_array_size(faults); i++)
		if (!strcmp(faults[i].path, full))
			return &faults[i];
	return NULL;
}

/* Other files of debugfs are the kernel's; below one of our numbers there are only ours. */
bool preload_fault_find(int dir, const char *path, struct front_node *node)
{
	const size_t root = strlen(ROOT);
	const struct fault *folder, *fault;

	node->type = FRONT_NODE_NONE;
	if (!preload_is_address(path))
		return false;
	if (*path == '/') {
		if (strncmp(path, ROOT, root) || (path[root] && path[root] != '/'))
			return false;
		folder = NULL;
		fault = fault_find("", path + root);
	} else {
		folder = folder_at(dir);
		fault = folder ? fault_find(folder->path, path) : NULL;
	}
	if (fault)
		*node = node_of(fault);
	return fault || folder;
}

int preload_fault_open(struct front_node node, int flags)
{
	struct fault *fault = fault_of(node);
	int rc;

	if (node.type == FRONT_NODE_NONE)
		return -ENOENT;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (fault->kind != FOLDER && (flags & O_DIRECTORY))
		return -ENOTDIR;
	if (fault->kind == FOLDER && (flags & (O_ACCMODE | O_CREAT)))
		return -EISDIR;
	rc = preload_prepare();
	if (rc)
		return rc;
	mem_file_get(&fault->file);
	rc = preload_file_open(&fault->file, node, flags);
	if (rc < 0)
		mem_file_put(&fault->file);
	return rc;
}

/* ---- what is in a folder ---- */

/* The name of `fault` if it is directly in the folder, else NULL. */
static const char *name_in(const struct fault *fault, const struct fault *folder)
{
	size_t length = strlen(folder->path);
	const char *name = fault->path;

	if (length) {
		if (strncmp(name, folder->path, length) || name[length] != '/')
			return NULL;
		name += length + 1;
	}
	return *name && !strchr(name, '/') ? name : NULL;
}

static void fill_entry(struct dirent *out, const char *name, const struct fault *fault,
		       unsigned pos)
{
	memset(out, 0, sizeof(*out));
	out->d_ino = FIRST_NUMBER + (ino_t)(fault - faults);
	out->d_off = (off_t)pos + 1;
	out->d_reclen = sizeof(*out);
	out->d_type = fault->kind == FOLDER ? DT_DIR : DT_REG;
	strcpy(out->d_name, name);
}

bool preload_fault_entry(struct front_node folder, unsigned pos, struct dirent *out)
{
	const struct fault *its = fault_of(folder);
	unsigned left = pos;

	if (pos < 2) {
		fill_entry(out, pos ? ".." : ".", pos ? faults : its, pos);
		return true;
	}
	left -= 2;
	for (size_t i = 0; i < base_array_size(faults); i++) {
		const char *name = name_in(&faults[i], its);

		if (!name || left--)
			continue;
		fill_entry(out, name, &faults[i], pos);
		return true;
	}
	return false;
}
