// SPDX-License-Identifier: MIT
/* The read and write family: positions and vectors. */
#include "front/preload/preload.h"

#include <limits.h>

/* front_call_pread or front_call_pwrite. */
typedef ssize_t transfer(const struct front_slot *slot, struct mem_client *client, uint64_t addr,
			 size_t count, int64_t pos);

static ssize_t transfer_at(const struct front_slot *slot, transfer *fn, const void *buf,
			   size_t count, off_t pos)
{
	return fn(slot, &preload_client, (uintptr_t)buf, count, pos);
}

/* Part by part, as for a file that knows no vectors; a short part is the last. */
static ssize_t vector_at(const struct front_slot *slot, transfer *fn, const struct iovec *iov,
			 int n, off_t pos)
{
	ssize_t total = 0;

	for (int i = 0; i < n; i++) {
		ssize_t done = transfer_at(slot, fn, iov[i].iov_base, iov[i].iov_len, pos + total);

		if (done < 0)
			return total ? total : done;
		total += done;
		if ((size_t)done < iov[i].iov_len)
			break;
	}
	return total;
}

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

/* front_call_read or front_call_write: from where the slot is. */
typedef ssize_t transfer_next(struct front_slot *slot, struct mem_client *client, uint64_t addr,
			      size_t count);

static ssize_t transfer_on(struct front_slot *slot, transfer_next *fn, const void *buf,
			   size_t count)
{
	return fn(slot, &preload_client, (uintptr_t)buf, count);
}

static ssize_t parts_on(struct front_slot *slot, transfer_next *fn, const struct iovec *iov, int n)
{
	ssize_t total = 0;

	for (int i = 0; i < n; i++) {
		ssize_t done = transfer_on(slot, fn, iov[i].iov_base, iov[i].iov_len);

		if (done < 0)
			return total ? total : done;
		total += done;
		if ((size_t)done < iov[i].iov_len)
			break;
	}
	return total;
}

static ssize_t vector_on(struct front_slot *slot, transfer_next *fn, const struct iovec *iov, int n)
{
	struct iovec copy[IOV_MAX];
	ssize_t rc = vector_get(copy, iov, n);

	return rc ? rc : parts_on(slot, fn, copy, n);
}

static ssize_t vector_from(struct front_slot *slot, transfer *fn, const struct iovec *iov, int n,
			   off_t pos)
{
	struct iovec copy[IOV_MAX];
	ssize_t rc = pos < 0 ? -EINVAL : vector_get(copy, iov, n);

	return rc ? rc : vector_at(slot, fn, copy, n, pos);
}

/* pos -1: from the slot's own. Files without vectors know one flag, a hint. */
static ssize_t vector_flags(struct front_slot *slot, transfer_next *next, transfer *fn,
			    const struct iovec *iov, int n, off_t pos, int flags)
{
	if (flags & ~RWF_HIPRI)
		return -EOPNOTSUPP;
	return pos == -1 ? vector_on(slot, next, iov, n) : vector_from(slot, fn, iov, n, pos);
}

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

	return slot ? done(slot, transfer_on(slot, front_call_read, buf, count))
		    : libc_read(fd, buf, count);
}

ssize_t preload_write(int fd, const void *buf, size_t count)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, transfer_on(slot, front_call_write, buf, count))
		    : libc_write(fd, buf, count);
}

ssize_t preload_pread(int fd, void *buf, size_t count, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, transfer_at(slot, front_call_pread, buf, count, pos))
		    : libc_pread(fd, buf, count, pos);
}

ssize_t preload_pwrite(int fd, const void *buf, size_t count, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, transfer_at(slot, front_call_pwrite, buf, count, pos))
		    : libc_pwrite(fd, buf, count, pos);
}

ssize_t preload_readv(int fd, const struct iovec *iov, int n)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_on(slot, front_call_read, iov, n)) : libc_readv(fd, iov, n);
}

ssize_t preload_writev(int fd, const struct iovec *iov, int n)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_on(slot, front_call_write, iov, n))
		    : libc_writev(fd, iov, n);
}

ssize_t preload_preadv(int fd, const struct iovec *iov, int n, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_from(slot, front_call_pread, iov, n, pos))
		    : libc_preadv(fd, iov, n, pos);
}

ssize_t preload_pwritev(int fd, const struct iovec *iov, int n, off_t pos)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_from(slot, front_call_pwrite, iov, n, pos))
		    : libc_pwritev(fd, iov, n, pos);
}

ssize_t preload_preadv2(int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_flags(slot, front_call_read, front_call_pread, iov, n, pos,
					      flags))
		    : libc_preadv2(fd, iov, n, pos, flags);
}

ssize_t preload_pwritev2(int fd, const struct iovec *iov, int n, off_t pos, int flags)
{
	struct front_slot *slot = preload_get(fd);

	return slot ? done(slot, vector_flags(slot, front_call_write, front_call_pwrite, iov, n,
					      pos, flags))
		    : libc_pwritev2(fd, iov, n, pos, flags);
}
