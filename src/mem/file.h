/* SPDX-License-Identifier: MIT */
/*
 * A file is everything a client can hold: an iommufd context, a VFIO device...
 * One reference count: whoever drops the last reference runs release(). Front
 * ends turn fds into files; a call on a file holds a reference.
 *
 * A file has positions or is a stream. A stream has read() or write(), and
 * answers -ESPIPE where a position is given.
 *
 * Most files are always ready. One that is not has poll(), and tells its watch
 * when that changes.
 */
#ifndef MEM_FILE_H
#define MEM_FILE_H

#include "mem/client.h"

#include <poll.h>
#include <sys/types.h>

struct mem_file;

/*
 * Memory of a file that clients map: `length` bytes of the memory at `offset` in the
 * descriptor `fd`. Whoever has it mapped holds it, once for each mapping; what is mapped
 * does not end before that.
 */
struct mem_region {
	int fd;
	uint64_t offset, length;
	/* One mapping more, of a region that is held; or less. put() may release the file. */
	void (*get)(struct mem_region *region);
	void (*put)(struct mem_region *region);
};

/* What poll(2) says of files that are always ready. */
#define MEM_FILE_READY (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM)

/* What a file can do. A NULL member answers as the comment says. */
struct mem_file_ops {
	const char *name; /* for logs: "iommufd", "vfio-device" */

	/*
	 * The result of the ioctl or a negative errno. `arg` is the third
	 * argument as it came: usually an address in the client's memory.
	 */
	long (*ioctl)(struct mem_file *file, struct mem_client *client, uint32_t cmd, uint64_t arg);

	/* Streams only, never blocking: bytes transferred or a negative errno. NULL: -EINVAL. */
	ssize_t (*read)(struct mem_file *file, struct mem_client *client, uint64_t addr,
			size_t count);
	ssize_t (*write)(struct mem_file *file, struct mem_client *client, uint64_t addr,
			 size_t count);

	/* POLLIN and so on, as it is now. NULL: MEM_FILE_READY. */
	uint32_t (*poll)(struct mem_file *file);

	/* Bytes transferred or a negative errno. NULL: -EINVAL, of a stream -ESPIPE. */
	ssize_t (*pread)(struct mem_file *file, struct mem_client *client, uint64_t addr,
			 size_t count, uint64_t pos);
	ssize_t (*pwrite)(struct mem_file *file, struct mem_client *client, uint64_t addr,
			  size_t count, uint64_t pos);

	/*
	 * The region at [offset, offset + length - 1], which are pages, length > 0, held. `prot`
	 * and `flags` as for mmap(2). Or a negative errno; NULL: -ENODEV.
	 */
	int (*mmap)(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		    struct mem_region **region);

	/* The last reference is gone: free everything. No caller holds a lock. */
	void (*release)(struct mem_file *file);
};

/* Who wants to know when a file becomes ready or is no longer: a front end. */
struct mem_watch {
	/* `ready` as of poll(). Under locks of the file: takes leaf locks only, keeps errno. */
	void (*changed)(struct mem_watch *watch, uint32_t ready);
};

struct mem_file {
	const struct mem_file_ops *ops;
	struct base_ref refs;
	struct base_mutex watch_lock;
	struct mem_watch *watch; /* guarded by watch_lock; NULL: nobody */
};

/* The creator owns the first reference. */
static inline void mem_file_init(struct mem_file *file, const struct mem_file_ops *ops)
{
	file->ops = ops;
	base_ref_init(&file->refs, 1);
	base_mutex_init(&file->watch_lock, RANK_WATCH);
	file->watch = NULL;
}

static inline void mem_file_get(struct mem_file *file)
{
	base_ref_get(&file->refs);
}

static inline void mem_file_put(struct mem_file *file)
{
	if (base_ref_put(&file->refs) == 0)
		file->ops->release(file);
}

/* The calls of a client on a file; the caller holds a reference. */
static inline long mem_file_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
				  uint64_t arg)
{
	return file->ops->ioctl(file, client, cmd, arg);
}

static inline bool mem_file_is_stream(const struct mem_file *file)
{
	return file->ops->read || file->ops->write;
}

/* Of streams. */
ssize_t mem_file_read(struct mem_file *file, struct mem_client *client, uint64_t addr,
		      size_t count);
ssize_t mem_file_write(struct mem_file *file, struct mem_client *client, uint64_t addr,
		       size_t count);

uint32_t mem_file_poll(struct mem_file *file);

int mem_file_mmap(struct mem_file *file, uint64_t offset, uint64_t length, int prot, int flags,
		  struct mem_region **region);

/*
 * From now on `watch` learns of changes; NULL: nobody does, and no call of the
 * former watch is under way when this returns. Set before anybody else has the file.
 */
void mem_file_watch(struct mem_file *file, struct mem_watch *watch);

/*
 * For files: poll() would now say `ready`. Called under the lock that orders the
 * changes. Nothing happens if nobody watches, also after the file was released.
 */
void mem_file_changed(struct mem_file *file, uint32_t ready);

ssize_t mem_file_pread(struct mem_file *file, struct mem_client *client, uint64_t addr,
		       size_t count, uint64_t pos);
ssize_t mem_file_pwrite(struct mem_file *file, struct mem_client *client, uint64_t addr,
			size_t count, uint64_t pos);

#endif
