// SPDX-License-Identifier: MIT
/*
 * Mock devices: a device of the mock IOMMU, its binding, and what is attached to it
 * (iommufd-test-abi.md 3, 7, 8.5, 8.6, 10). Three in one object, which a client may
 * destroy, and which the end of the context destroys: the binding holds no file. The
 * device ends with its binding, which PASIDs keep that nobody has detached.
 */
#include "iommufd/selftest.h"

#include <errno.h>

struct stdev {
	struct iommufd_object obj;
	struct iommufd_device *idev; /* NULL: not bound */
};

static struct stdev *stdev_lookup(struct iommufd_call *call, uint32_t id)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, id, IOMMUFD_OBJ_SELFTEST);

	return obj ? base_container_of(obj, struct stdev, obj) : NULL;
}

/* ---- the object ---- */

void iommufd_selftest_destroy(struct iommufd_ctx *ctx, struct iommufd_object *obj)
{
	struct stdev *stdev = base_container_of(obj, struct stdev, obj);

	(void)ctx;
	if (!stdev->idev)
		return;
	iommufd_device_detach(stdev->idev, 0);
	iommufd_device_unbind_weak(stdev->idev);
}

bool iommufd_selftest_detach_all(struct iommufd_ctx *ctx)
{
	struct iommufd_object *obj;
	bool any = false;

	for (uint32_t id = 0; (obj = base_idtable_next(&ctx->objects.ids, &id)); id++)
		if (obj->type == IOMMUFD_OBJ_DEVICE)
			any |= iommufd_device_detach_all(
				base_container_of(obj, struct iommufd_device, obj));
	return any;
}

/* What is there so far when a step fails is undone with the object. */
static int stdev_fill(struct iommufd_ctx *ctx, struct stdev *stdev, uint32_t dev_flags,
		      uint32_t *pt_id, uint32_t *idev_id)
{
	struct iommu_device *device;
	int rc;

	rc = iommu_mock_device_new(ctx->options.test_iommu, dev_flags, &device);
	if (rc)
		return rc;
	rc = iommufd_device_bind_weak(ctx, device, &stdev->idev, idev_id);
	if (rc) {
		stdev->idev = NULL;
		iommu_mock_device_free(device);
		return rc;
	}
	stdev->idev->owns_device = true;
	return iommufd_device_attach(stdev->idev, 0, pt_id);
}

static int mock_domain(struct iommufd_call *call, struct iommu_test_cmd *cmd, uint32_t dev_flags)
{
	struct iommufd_object *obj;
	int rc;

	rc = iommufd_object_alloc(call->ctx, sizeof(struct stdev), IOMMUFD_OBJ_SELFTEST, &obj);
	if (rc)
		return rc;
	iommufd_call_create(call, obj, NULL);
	cmd->mock_domain.out_stdev_id = obj->id;
	cmd->mock_domain.out_hwpt_id = cmd->id;
	rc = stdev_fill(call->ctx, base_container_of(obj, struct stdev, obj), dev_flags,
			&cmd->mock_domain.out_hwpt_id, &cmd->mock_domain.out_idev_id);
	call->respond = !rc;
	return rc;
}

int iommufd_selftest_mock_domain(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	return mock_domain(call, cmd, 0);
}

int iommufd_selftest_mock_domain_flags(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	return mock_domain(call, cmd, cmd->mock_domain_flags.dev_flags);
}

/* ---- attachments ---- */

int iommufd_selftest_mock_domain_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct stdev *stdev = stdev_lookup(call, cmd->id);
	int rc;

	if (!stdev)
		return -ENOENT;
	rc = iommufd_device_replace(stdev->idev, 0, &cmd->mock_domain_replace.pt_id);
	call->respond = !rc;
	return rc;
}

/* Without an answer there is no attachment. */
int iommufd_selftest_pasid_attach(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct stdev *stdev = stdev_lookup(call, cmd->id);
	int rc;

	if (!stdev)
		return -ENOENT;
	rc = iommufd_device_attach(stdev->idev, cmd->pasid_attach.pasid, &cmd->pasid_attach.pt_id);
	if (rc)
		return rc;
	rc = iommufd_selftest_answer(call, cmd);
	if (rc)
		iommufd_device_detach(stdev->idev, cmd->pasid_attach.pasid);
	return rc;
}

int iommufd_selftest_pasid_replace(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct stdev *stdev = stdev_lookup(call, cmd->id);
	int rc;

	if (!stdev)
		return -ENOENT;
	rc = iommufd_device_replace(stdev->idev, cmd->pasid_replace.pasid,
				    &cmd->pasid_replace.pt_id);
	call->respond = !rc;
	return rc;
}

int iommufd_selftest_pasid_detach(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct stdev *stdev = stdev_lookup(call, cmd->id);

	if (!stdev)
		return -ENOENT;
	iommufd_device_detach(stdev->idev, cmd->pasid_detach.pasid);
	return 0;
}

int iommufd_selftest_pasid_check_hwpt(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct stdev *stdev = stdev_lookup(call, cmd->id);
	struct iommufd_hwpt *hwpt = NULL;
	struct iommufd_object *obj;

	if (!stdev)
		return -ENOENT;
	if (cmd->pasid_check.hwpt_id) {
		obj = iommufd_call_lookup(call, cmd->pasid_check.hwpt_id, IOMMUFD_OBJ_ANY);
		if (!obj)
			return -ENOENT;
		if (obj->type != IOMMUFD_OBJ_HWPT_PAGING && obj->type != IOMMUFD_OBJ_HWPT_NESTED)
			return -EINVAL;
		hwpt = base_container_of(obj, struct iommufd_hwpt, obj);
	}
	return iommufd_device_uses(stdev->idev, cmd->pasid_check.pasid, hwpt) ? 0 : -EINVAL;
}

/* ---- what happens to a device ---- */

/* By its device id; any device of the mock IOMMU will do. */
static int mock_lookup(struct iommufd_call *call, uint32_t id, struct iommu_device **device)
{
	struct iommufd_object *obj = iommufd_call_lookup(call, id, IOMMUFD_OBJ_DEVICE);

	if (!obj)
		return -ENOENT;
	*device = base_container_of(obj, struct iommufd_device, obj)->device;
	return iommu_device_is_mock(*device) ? 0 : -EINVAL;
}

int iommufd_selftest_trigger_iopf(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	const struct iommu_page_request request = {
		.flags = IOMMU_PGFAULT_FLAGS_LAST_PAGE |
			 (cmd->trigger_iopf.pasid ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0u),
		.pasid = cmd->trigger_iopf.pasid,
		.grpid = cmd->trigger_iopf.grpid,
		.perm = cmd->trigger_iopf.perm,
		.addr = cmd->trigger_iopf.addr,
	};
	struct iommu_device *device;
	int rc = mock_lookup(call, cmd->trigger_iopf.dev_id, &device);

	if (!rc)
		iommu_report_page_request(device, &request);
	return rc;
}

int iommufd_selftest_trigger_vevent(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommu_device *device;
	int rc = mock_lookup(call, cmd->trigger_vevent.dev_id, &device);

	return rc ? rc : iommu_mock_trigger_event(device);
}

int iommufd_selftest_dev_check_cache(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	struct iommu_device *device;
	int rc = mock_lookup(call, cmd->id, &device);

	return rc ? rc
		  : iommu_mock_check_cache(device, cmd->check_dev_cache.id,
					   cmd->check_dev_cache.cache);
}
