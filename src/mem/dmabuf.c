// SPDX-License-Identifier: MIT
/* dma-bufs of the test ABI. */
#include "mem/dmabuf.h"

#include "mem/private.h"

#include <errno.h>

/* ---- the file ---- */

static long dmabuf_ioctl(struct mem_file *file, struct mem_client *client, uint32_t cmd,
			 uint64_t arg)
{
	(void)file, (void)client, (void)cmd, (void)arg;
	return -ENOTTY;
}

static void dmabuf_release(struct mem_file *file)
{
	struct mem_dmabuf *dmabuf = base_container_of(file, struct mem_dmabuf, file);

	base_assert(base_list_is_empty(&dmabuf->users));
	base_sys_unmap(dmabuf->memory, dmabuf->length);
	base_free(dmabuf);
}

static const struct mem_file_ops dmabuf_ops = {
	.name = "dmabuf",
	.ioctl = dmabuf_ioctl,
	.release = dmabuf_release,
};

int mem_dmabuf_new(uint64_t length, struct mem_file **file)
{
	struct mem_dmabuf *dmabuf = base_zalloc(sizeof(*dmabuf));
	int rc = dmabuf ? base_sys_map_zeroes(length, &dmabuf->memory) : -ENOMEM;

	if (rc) {
		base_free(dmabuf);
		return rc;
	}
	mem_file_init(&dmabuf->file, &dmabuf_ops);
	base_mutex_init(&dmabuf->lock, RANK_DMABUF);
	base_list_init(&dmabuf->users);
	dmabuf->length = length;
	*file = &dmabuf->file;
	return 0;
}

struct mem_dmabuf *mem_dmabuf_of(struct mem_file *file)
{
	return file->ops == &dmabuf_ops ? base_container_of(file, struct mem_dmabuf, file) : NULL;
}

/* ---- sources ---- */

/* Count the revocations so far, unless the last one stands. */
static int admit(struct mem_dmabuf *dmabuf, uint64_t *revocations)
{
	base_scoped_lock(&dmabuf->lock);
	*revocations = dmabuf->revocations;
	return dmabuf->revoked ? -ENODEV : 0;
}

int mem_source_init_dmabuf(struct mem_source *source, struct mem_client *client,
			   struct mem_dmabuf *dmabuf, uint64_t start, uint64_t length,
			   bool writable)
{
	struct mem_source_extra *extra;
	int rc;

	if (start >= dmabuf->length || length > dmabuf->length - start)
		return -EINVAL;
	extra = mem_source_extra_new();
	if (!extra)
		return -ENOMEM;
	rc = admit(dmabuf, &extra->revocations);
	if (rc) {
		base_free(extra);
		return rc;
	}
	mem_file_get(&dmabuf->file);
	extra->dmabuf = dmabuf;
	extra->host = (uintptr_t)dmabuf->memory + base_align_down(start, BASE_PAGE_SIZE);
	mem_source_init(source, client, start, length, writable, MEM_ACCOUNT_NONE);
	source->kind = MEM_SOURCE_DMABUF;
	mem_source_extend(source, extra);
	return 0;
}

struct mem_dmabuf *mem_source_dmabuf(const struct mem_source *source)
{
	return source->kind == MEM_SOURCE_DMABUF ? source->extra->dmabuf : NULL;
}

bool mem_source_is_void_locked(const struct mem_source *source)
{
	const struct mem_source_extra *extra = source->extra;

	base_assert_held(&extra->dmabuf->lock);
	return extra->revocations != extra->dmabuf->revocations;
}

/* ---- users ---- */

void mem_dmabuf_attach_locked(struct mem_dmabuf *dmabuf, struct mem_dmabuf_user *user)
{
	base_assert_held(&dmabuf->lock);
	base_list_add_tail(&dmabuf->users, &user->node);
}

bool mem_dmabuf_detach_locked(struct mem_dmabuf *dmabuf, struct mem_dmabuf_user *user)
{
	bool attached = !base_list_is_empty(&user->node);

	base_assert_held(&dmabuf->lock);
	base_list_remove(&user->node);
	return attached;
}

void mem_dmabuf_revoke(struct mem_dmabuf *dmabuf, bool revoked)
{
	struct mem_dmabuf_user *user, *next;

	base_scoped_lock(&dmabuf->lock);
	dmabuf->revoked = revoked;
	dmabuf->revocations++;
	base_list_for_each_safe (user, next, &dmabuf->users, node) {
		base_list_remove(&user->node);
		user->revoke(user);
	}
}
