// SPDX-License-Identifier: MIT
/* dma-bufs of the test ABI (iommufd-test-abi.md 13). */
#include "iommufd/selftest.h"

#include <errno.h>

#define LENGTH_MAX ((uint64_t)2 << 20)

/* The number is the result, so that nothing has to be copied out. */
int iommufd_selftest_dmabuf_get(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	const struct mem_client_ops *ops = call->client->ops;
	struct mem_new_file new_file;
	struct mem_file *file;
	uint64_t length;
	int rc;

	if (!base_align_up(cmd->dmabuf_get.length, BASE_PAGE_SIZE, &length) || !length ||
	    length > LENGTH_MAX)
		return -EINVAL;
	rc = mem_dmabuf_new(length, &file);
	if (rc)
		return rc;
	rc = ops->file_reserve(call->client, file, (int)cmd->dmabuf_get.open_flags, &new_file);
	if (rc) {
		mem_file_put(file);
		return rc;
	}
	rc = new_file.fd;
	ops->file_publish(call->client, &new_file);
	return rc;
}

int iommufd_selftest_dmabuf_revoke(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct mem_dmabuf *dmabuf;
	struct mem_file *file;
	int rc = call->client->ops->file_get(call->client, cmd->dmabuf_revoke.dmabuf_fd, &file);

	if (rc)
		return rc == -EBADFD ? -EINVAL : rc;
	dmabuf = mem_dmabuf_of(file);
	if (dmabuf)
		mem_dmabuf_revoke(dmabuf, cmd->dmabuf_revoke.revoked);
	mem_file_put(file);
	return dmabuf ? 0 : -EINVAL;
}
