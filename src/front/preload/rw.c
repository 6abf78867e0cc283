// SPDX-License-Identifier: MIT
/* The read and write family: positions and vectors. */
#include "front/preload/preload.h"

#include <limits.h>

/* Reads or writes: from where the slot is, or from a position. */
struct way {
	ssize_t (*next)(struct front_slot *slot, struct mem_client *client, uint64_t addr,
			size_t count);
	ssize_t (*at)(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
		      size_t count, int64_t pos);
};

static const struct way reading = {front_call_read, front_call_pread};
static const struct way writing = {front_call_write, front_call_pwrite};

static ssize_t next(struct front_slot *slot, const struct way *way, const void *buf, size_t count)
{
	return way->next(slot, &preload_client, (uintptr_t)buf, count);
}

static ssize_t at(struct front_slot *slot, const struct way *way, const void *buf, size_t count,
		  off_t pos)
{
	return way->at(slot, &preload_client, (uintptr_t)buf, count, pos);
}

/* ---- vectors ---- */

/* In place of a position: from where the slot is. */
#define NEXT (-1)

/* The program's vector, checked as a whole before anything is transferred. */
static int vector_get(struct iovec *copy, const struct iovec *iov, int n)
{
	size_t total = 0;

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	if (n && base_guard_copy(copy, iov, (size_t)n * sizeof(*iov)))
		return -EFAULT;
	for (int i = 0; i < n; i++)
		if (__builtin_add_overflow(total, copy[i].iov_len, &total) || total > SSIZE_MAX)
			return -EINVAL;
	return 0;
}

/* Part by part, as for a file that knows no vectors; a short part is the last. */
static ssize_t parts(struct front_slot *slot, const struct way *way, const struct iovec *iov, int n,
		     off_t pos)
{
	ssize_t total = 0;

	for (int i = 0; i < n; i++) {
		const struct iovec *part = &iov[i];
		ssize_t done = pos == NEXT
				       ? next(slot, way, part->iov_base, part->iov_len)
				       : at(slot, way, part->iov_base, part->iov_len, pos + total);

		if (done < 0)
			return total ? total : done;
		total += done;
		if ((size_t)done < part->iov_len)
			break;
	}
	return total;
}

static ssize_t vector(struct front_slot *slot, const struct way *way, const struct iovec *iov,
		      int n, off_t pos)
{
	struct iovec copy[IOV_MAX];
	ssize_t rc = vector_get(copy, iov, n);

	return rc ? rc : parts(slot, way, copy, n, pos);
}

static ssize_t vector_at(struct front_slot *slot, const struct way *way, const struct iovec *iov,
			 int n, off_t pos)
{
	return pos < 0 ? -EINVAL : vector(slot, way, iov, n, pos);
}

/* pos -1: from the slot's own. Files without vectors know one flag, a hint. */
static ssize_t vector_flags(struct front_slot *slot, const struct way *way, const struct iovec *iov,
			    int n, off_t pos, int flags)
{
	if (flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return pos == -1 ? vector(slot, way, iov, n, NEXT) : vector_at(slot, way, iov, n, pos);
}

/* ---- the calls ---- */

/* The end of a call: as preload_answer(), for calls that leave errno alone. */
static ssize_t done(struct front_slot *slot, ssize_t result)
{
	preload_put(slot);
	preload_ready_settle();
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

ssize_t preload_read(int fd, void *buf, size_t count)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, next(slot, &reading, buf, count)) : libc_read(fd, buf, count);
}

ssize_t preload_write(int fd, const void *buf, size_t count)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, next(slot, &writing, buf, count)) : libc_write(fd, buf, count);
}

ssize_t preload_pread(int fd, void *buf, size_t count, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, at(slot, &reading, buf, count, pos))
		    : libc_pread(fd, buf, count, pos);
}

ssize_t preload_pwrite(int fd, const void *buf, size_t count, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, at(slot, &writing, buf, count, pos))
		    : libc_pwrite(fd, buf, count, pos);
}

ssize_t preload_readv(int fd, const struct iovec *iov, int n)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector(slot, &reading, iov, n, NEXT)) : libc_readv(fd, iov, n);
}

ssize_t preload_writev(int fd, const struct iovec *iov, int n)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector(slot, &writing, iov, n, NEXT)) : libc_writev(fd, iov, n);
}

ssize_t preload_preadv(int fd, const struct iovec *iov, int n, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_at(slot, &reading, iov, n, pos))
		    : libc_preadv(fd, iov, n, pos);
}

ssize_t preload_pwritev(int fd, const struct iovec *iov, int n, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_at(slot, &writing, iov, n, pos))
		    : libc_pwritev(fd, iov, n, pos);
}

ssize_t preload_preadv2(int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_flags(slot, &reading, iov, n, pos, flags))
		    : libc_preadv2(fd, iov, n, pos, flags);
}

ssize_t preload_pwritev2(int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_flags(slot, &writing, iov, n, pos, flags))
		    : libc_pwritev2(fd, iov, n, pos, flags);
}
