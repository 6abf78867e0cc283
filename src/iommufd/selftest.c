// SPDX-License-Identifier: MIT
/* IOMMU_TEST_CMD: its operations, and those that fit no other file. */
#include "iommufd/selftest.h"
#include "iommufd/iopt_area.h"

#include <errno.h>

int iommufd_selftest_answer(struct iommufd_call *call, const struct iommu_test_cmd *cmd)
{
	return mem_copy_out(call->client, call->addr, cmd, call->size);
}

/* The least that a temporary buffer has to hold (12). */
#define LIMIT_MIN 12

/* Nothing here is done in batches whose size could be limited. */
static int set_temp_memory_limit(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	(void)call;
	return cmd->memory_limit.limit < LIMIT_MIN ? -EINVAL : 0;
}

/* Nobody owns the range, so it stays as long as the IOAS. */
static int add_reserved(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommufd_object *obj;
	uint64_t last;

	if (!cmd->add_reserved.length)
		return -EINVAL;
	if (!base_range_last(cmd->add_reserved.start, cmd->add_reserved.length, &last))
		return -EOVERFLOW;
	obj = iommufd_call_lookup(call, cmd->id, IOMMUFD_OBJ_IOAS);
	if (!obj)
		return -ENOENT;
	return iopt_reserve(&base_container_of(obj, struct iommufd_ioas, obj)->iopt,
			    cmd->add_reserved.start, last, NULL);
}

/* ---- IOVAs by the number of their area ---- */

uint64_t iommufd_selftest_iova(const struct iopt *iopt, uint64_t iova)
{
	uint32_t number = (uint32_t)iova, offset = iova >> 32;
	const struct iopt_area *area;

	base_assert_held(&iopt->iova_lock);
	area = iopt_area_first_locked(iopt, 0, UINT64_MAX);
	for (; area && number; number--)
		area = iopt_area_next_locked(iopt, area);
	return area ? area->node.start + offset : 0;
}

void iommufd_selftest_copy(struct iommufd_call *call, struct iommu_ioas_copy *cmd)
{
	struct iommufd_object *obj;
	struct iopt *iopt;

	if (!(cmd->flags & MOCK_FLAGS_ACCESS_SYZ))
		return;
	cmd->flags &= ~MOCK_FLAGS_ACCESS_SYZ;
	obj = iommufd_object_lookup(call->ctx, cmd->src_ioas_id, IOMMUFD_OBJ_IOAS);
	if (!obj)
		return;
	iopt = &base_container_of(obj, struct iommufd_ioas, obj)->iopt;
	base_rwlock_rdlock(&iopt->iova_lock);
	cmd->src_iova = iommufd_selftest_iova(iopt, cmd->src_iova);
	base_rwlock_rdunlock(&iopt->iova_lock);
	iommufd_object_put(&call->ctx->objects, obj);
}

static int (*const ops[])(struct iommufd_call *call, struct iommu_test_cmd *cmd) = {
	[IOMMU_TEST_OP_ADD_RESERVED] = add_reserved,
	[IOMMU_TEST_OP_MOCK_DOMAIN] = iommufd_selftest_mock_domain,
	[IOMMU_TEST_OP_MD_CHECK_MAP] = iommufd_selftest_md_check_map,
	[IOMMU_TEST_OP_MD_CHECK_REFS] = iommufd_selftest_md_check_refs,
	[IOMMU_TEST_OP_CREATE_ACCESS] = iommufd_selftest_create_access,
	[IOMMU_TEST_OP_DESTROY_ACCESS_PAGES] = iommufd_selftest_destroy_access_pages,
	[IOMMU_TEST_OP_ACCESS_PAGES] = iommufd_selftest_access_pages,
	[IOMMU_TEST_OP_ACCESS_RW] = iommufd_selftest_access_rw,
	[IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT] = set_temp_memory_limit,
	[IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE] = iommufd_selftest_mock_domain_replace,
	[IOMMU_TEST_OP_ACCESS_REPLACE_IOAS] = iommufd_selftest_access_replace_ioas,
	[IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS] = iommufd_selftest_mock_domain_flags,
	[IOMMU_TEST_OP_DIRTY] = iommufd_selftest_dirty,
	[IOMMU_TEST_OP_MD_CHECK_IOTLB] = iommufd_selftest_md_check_iotlb,
	[IOMMU_TEST_OP_TRIGGER_IOPF] = iommufd_selftest_trigger_iopf,
	[IOMMU_TEST_OP_DEV_CHECK_CACHE] = iommufd_selftest_dev_check_cache,
	[IOMMU_TEST_OP_TRIGGER_VEVENT] = iommufd_selftest_trigger_vevent,
	[IOMMU_TEST_OP_PASID_ATTACH] = iommufd_selftest_pasid_attach,
	[IOMMU_TEST_OP_PASID_REPLACE] = iommufd_selftest_pasid_replace,
	[IOMMU_TEST_OP_PASID_DETACH] = iommufd_selftest_pasid_detach,
	[IOMMU_TEST_OP_PASID_CHECK_HWPT] = iommufd_selftest_pasid_check_hwpt,
	[IOMMU_TEST_OP_DMABUF_GET] = iommufd_selftest_dmabuf_get,
	[IOMMU_TEST_OP_DMABUF_REVOKE] = iommufd_selftest_dmabuf_revoke,
};

int iommufd_selftest_run(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	if (cmd->op >= base_array_size(ops) || !ops[cmd->op])
		return -EOPNOTSUPP;
	return ops[cmd->op](call, cmd);
}
