// SPDX-License-Identifier: MIT
/*
 * opendir() and so on for the folders of fault.c. Streams of ours are told from the
 * C library's by their address. What the C library does by itself (fdopendir,
 * scandir, nftw, glob) does not find the folders.
 */
#include "front/preload/preload.h"

#include <fcntl.h>

struct stream {
	bool is_open;
	int fd;
	struct front_node folder;
	unsigned pos; /* of the next entry */
	struct dirent entry;
};

/* As many as anybody has open at a time. */
static struct stream streams[16];

static struct stream *ours(DIR *dir)
{
	uintptr_t offset = (uintptr_t)dir - (uintptr_t)streams;

	return offset < sizeof(streams) ? (struct stream *)(void *)dir : NULL;
}

static struct stream *take(void)
{
	for (size_t i = 0; i < base_array_size(streams); i++)
		if (!base_exchange(&streams[i].is_open, true))
			return &streams[i];
	return NULL;
}

/* Negative errno: the folder cannot be opened. */
static int open_stream(struct front_node folder, struct stream **out)
{
	struct stream *stream = take();

	if (!stream)
		return -EMFILE;
	stream->fd = preload_fault_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (stream->fd < 0) {
		base_store(&stream->is_open, false);
		return stream->fd;
	}
	stream->folder = folder;
	stream->pos = 0;
	*out = stream;
	return 0;
}

DIR *preload_opendir(const char *path)
{
	int saved = errno;
	struct stream *stream = NULL;
	struct front_node node;

	if (!preload_test_abi() || !preload_fault_find(AT_FDCWD, path, &node))
		return libc_opendir(path);
	return preload_answer(open_stream(node, &stream), saved) ? NULL : (DIR *)(void *)stream;
}

int preload_closedir(DIR *dir)
{
	struct stream *stream = ours(dir);
	int fd;

	if (!stream)
		return libc_closedir(dir);
	fd = stream->fd;
	base_store(&stream->is_open, false);
	return preload_close(fd);
}

struct dirent *preload_readdir(DIR *dir)
{
	struct stream *stream = ours(dir);

	if (!stream)
		return libc_readdir(dir);
	if (!preload_fault_entry(stream->folder, stream->pos, &stream->entry))
		return NULL;
	stream->pos++;
	return &stream->entry;
}

int preload_readdir_r(DIR *dir, struct dirent *entry, struct dirent **result)
{
	struct stream *stream = ours(dir);

	if (!stream)
		return libc_readdir_r(dir, entry, result);
	*result = preload_fault_entry(stream->folder, stream->pos, entry) ? entry : NULL;
	stream->pos += !!*result;
	return 0;
}

void preload_seekdir(DIR *dir, long pos)
{
	struct stream *stream = ours(dir);

	if (stream)
		stream->pos = (unsigned)pos;
	else
		libc_seekdir(dir, pos);
}

void preload_rewinddir(DIR *dir)
{
	if (ours(dir))
		preload_seekdir(dir, 0);
	else
		libc_rewinddir(dir);
}

long preload_telldir(DIR *dir)
{
	struct stream *stream = ours(dir);

	return stream ? (long)stream->pos : libc_telldir(dir);
}

int preload_dirfd(DIR *dir)
{
	struct stream *stream = ours(dir);

	return stream ? stream->fd : libc_dirfd(dir);
}
