// SPDX-License-Identifier: MIT
/* The fixture of the ABI tests: one line for each call. */
#include "abi.h"

/* ---- the context ---- */

int abi_destroy(struct abi *abi, uint32_t id)
{
	struct iommu_destroy cmd = {.size = sizeof(cmd), .id = id};

	return abi_ioctl(abi, IOMMU_DESTROY, &cmd);
}

uint32_t abi_ioas(struct abi *abi)
{
	struct iommu_ioas_alloc cmd = {.size = sizeof(cmd)};

	ok(abi_ioctl(abi, IOMMU_IOAS_ALLOC, &cmd));
	return cmd.out_ioas_id;
}

uint32_t abi_next_id(struct abi *abi)
{
	uint32_t id = abi_ioas(abi);

	ok(abi_destroy(abi, id));
	return id;
}

int abi_map(struct abi *abi, uint32_t ioas, uint32_t flags, uint64_t va, uint64_t length,
	    uint64_t *iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = va,
		.length = length,
		.iova = flags & FIXED ? *iova : 0,
	};
	int rc = abi_ioctl(abi, IOMMU_IOAS_MAP, &cmd);

	if (!rc && iova)
		*iova = cmd.iova;
	return rc;
}

int abi_map_at(struct abi *abi, uint32_t ioas, uint32_t flags, const void *va, uint64_t length,
	       uint64_t iova)
{
	uint64_t got = iova;
	int rc = abi_map(abi, ioas, flags | FIXED, ADDR(va), length, &got);

	assert_int_equal(got, iova);
	return rc;
}

int abi_unmap(struct abi *abi, uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *unmapped)
{
	struct iommu_ioas_unmap cmd = {.size = sizeof(cmd),
				       .ioas_id = ioas,
				       .iova = iova,
				       .length = length};
	int rc = abi_ioctl(abi, IOMMU_IOAS_UNMAP, &cmd);

	if (unmapped)
		*unmapped = cmd.length;
	return rc;
}

int abi_unmap_all(struct abi *abi, uint32_t ioas, uint64_t *unmapped)
{
	return abi_unmap(abi, ioas, 0, ULAST, unmapped);
}

int abi_map_file(struct abi *abi, uint32_t ioas, uint32_t flags, int fd, uint64_t start,
		 uint64_t length, uint64_t *iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.fd = fd,
		.start = start,
		.length = length,
		.iova = flags & FIXED ? *iova : 0,
	};
	int rc = abi_ioctl(abi, IOMMU_IOAS_MAP_FILE, &cmd);

	if (!rc)
		*iova = cmd.iova;
	return rc;
}

int abi_map_file_at(struct abi *abi, uint32_t ioas, uint32_t flags, int fd, uint64_t start,
		    uint64_t length, uint64_t iova)
{
	uint64_t got = iova;
	int rc = abi_map_file(abi, ioas, flags | FIXED, fd, start, length, &got);

	assert_int_equal(got, iova);
	return rc;
}

int abi_copy(struct abi *abi, uint32_t dst, uint32_t flags, uint32_t src, uint64_t src_iova,
	     uint64_t length, uint64_t *iova)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = length,
		.dst_iova = flags & FIXED ? *iova : 0,
		.src_iova = src_iova,
	};
	int rc = abi_ioctl(abi, IOMMU_IOAS_COPY, &cmd);

	if (!rc)
		*iova = cmd.dst_iova;
	return rc;
}

int abi_copy_to(struct abi *abi, uint32_t dst, uint32_t flags, uint64_t iova, uint32_t src,
		uint64_t src_iova, uint64_t length)
{
	uint64_t got = iova;
	int rc = abi_copy(abi, dst, flags | FIXED, src, src_iova, length, &got);

	assert_int_equal(got, iova);
	return rc;
}

int abi_allow(struct abi *abi, uint32_t ioas, const struct iommu_iova_range *ranges, uint32_t count)
{
	struct iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = count,
		.allowed_iovas = ADDR(ranges),
	};

	return abi_ioctl(abi, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

void abi_expect_ranges(struct abi *abi, uint32_t ioas, uint64_t alignment,
		       const struct iommu_iova_range *ranges, uint32_t count, int line)
{
	struct iommu_iova_range got[8] = {0};
	struct iommu_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = COUNT(got),
		.allowed_iovas = ADDR(got),
	};
	int rc = abi_ioctl(abi, IOMMU_IOAS_IOVA_RANGES, &cmd);
	bool same = !rc && cmd.num_iovas == count && cmd.out_iova_alignment == alignment &&
		    !memcmp(got, ranges, count * sizeof(*ranges));

	if (same)
		return;
	print_error("line %d: IOVA_RANGES is %d, alignment %llu:\n", line, rc,
		    (unsigned long long)cmd.out_iova_alignment);
	for (uint32_t i = 0; i < cmd.num_iovas && i < COUNT(got); i++)
		print_error("\t0x%llx-0x%llx\n", (unsigned long long)got[i].start,
			    (unsigned long long)got[i].last);
	fail();
}

int abi_hwpt(struct abi *abi, uint32_t devid, uint32_t pt, uint32_t flags,
	     const struct abi_data *data, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = devid,
		.pt_id = pt,
		.data_type = data ? data->type : IOMMU_HWPT_DATA_NONE,
		.data_len = data ? data->len : 0,
		.data_uptr = data ? ADDR(data->ptr) : 0,
	};
	int rc = abi_ioctl(abi, IOMMU_HWPT_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_hwpt_id;
	return rc;
}

int abi_viommu(struct abi *abi, uint32_t devid, uint32_t hwpt, uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = devid,
		.hwpt_id = hwpt,
	};
	int rc = abi_ioctl(abi, IOMMU_VIOMMU_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_viommu_id;
	return rc;
}

int abi_vdevice(struct abi *abi, uint32_t viommu, uint32_t devid, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.dev_id = devid,
		.virt_id = virt_id,
	};
	int rc = abi_ioctl(abi, IOMMU_VDEVICE_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_vdevice_id;
	return rc;
}

int abi_hw_queue(struct abi *abi, uint32_t viommu, uint32_t index, uint64_t iova, uint64_t length,
		 uint32_t *id)
{
	struct iommu_hw_queue_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.type = IOMMU_HW_QUEUE_TYPE_SELFTEST,
		.index = index,
		.nesting_parent_iova = iova,
		.length = length,
	};
	int rc = abi_ioctl(abi, IOMMU_HW_QUEUE_ALLOC, &cmd);

	if (!rc)
		*id = cmd.out_hw_queue_id;
	return rc;
}

uint32_t abi_paging(struct abi *abi, unsigned n, uint32_t ioas)
{
	uint32_t id;

	ok(abi_hwpt(abi, abi->devid[n], ioas, 0, NULL, &id));
	return id;
}

uint32_t abi_parent(struct abi *abi, unsigned n, uint32_t ioas)
{
	uint32_t id;

	ok(abi_hwpt(abi, abi->devid[n], ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, NULL, &id));
	return id;
}

uint32_t abi_nested(struct abi *abi, unsigned n, uint32_t pt)
{
	const struct iommu_hwpt_selftest selftest = {.iotlb = IOMMU_TEST_IOTLB_DEFAULT};
	const struct iommu_hwpt_vtd_s1 s1 = {.addr_width = 48};
	const struct abi_data mock = {IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest), &selftest};
	const struct abi_data vtd = {IOMMU_HWPT_DATA_VTD_S1, sizeof(s1), &s1};
	uint32_t id;

	ok(abi_hwpt(abi, abi->devid[n], pt, 0, abi->mock ? &mock : &vtd, &id));
	return id;
}

/* ---- devices ---- */

void abi_open(struct abi *abi, unsigned n)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", n);
	abi->file[n] = swiommu_open(abi->machine, path);
	assert_true(abi->file[n] >= 0);
	abi->devid[n] = 0;
}

void abi_close(struct abi *abi, unsigned n)
{
	ok(swiommu_close(abi->machine, abi->file[n]));
	abi->file[n] = -1;
	abi->devid[n] = 0;
}

int abi_bind(struct abi *abi, unsigned n)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = abi->ctx};
	int rc = abi_dev(abi, n, VFIO_DEVICE_BIND_IOMMUFD, &cmd);

	if (!rc)
		abi->devid[n] = cmd.out_devid;
	return rc;
}

uint32_t abi_bound(struct abi *abi, unsigned n)
{
	ok(abi_bind(abi, n));
	abi_config_set(abi, n, 4, 2, 0x0006);
	return abi->devid[n];
}

int abi_attach(struct abi *abi, unsigned n, uint32_t *pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {.argsz = sizeof(cmd), .pt_id = *pt};
	int rc = abi_dev(abi, n, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	*pt = cmd.pt_id;
	return rc;
}

int abi_attach_to(struct abi *abi, unsigned n, uint32_t pt)
{
	return abi_attach(abi, n, &pt);
}

uint32_t abi_attached(struct abi *abi, unsigned n, uint32_t pt)
{
	ok(abi_attach(abi, n, &pt));
	return pt;
}

int abi_detach(struct abi *abi, unsigned n)
{
	struct vfio_device_detach_iommufd_pt cmd = {.argsz = sizeof(cmd)};

	return abi_dev(abi, n, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

uint32_t abi_config(struct abi *abi, unsigned n, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	assert_int_equal(swiommu_pread(abi->machine, abi->file[n], &value, width,
				       CONFIG_REGION + offset),
			 width);
	return value;
}

void abi_config_set(struct abi *abi, unsigned n, unsigned offset, unsigned width, uint32_t value)
{
	assert_int_equal(swiommu_pwrite(abi->machine, abi->file[n], &value, width,
					CONFIG_REGION + offset),
			 width);
}

/* ---- DMA ---- */

bool abi_reads(struct abi *abi, unsigned n, uint64_t iova)
{
	uint8_t byte;
	int rc = swiommu_dma_read(abi->device[n], 0, iova, &byte, 1, NULL);

	assert_true(rc == 0 || rc == -EFAULT);
	return !rc;
}

bool abi_writes(struct abi *abi, unsigned n, uint64_t iova)
{
	uint8_t byte = 0xa5;
	int rc = swiommu_dma_write(abi->device[n], 0, iova, &byte, 1, NULL);

	assert_true(rc == 0 || rc == -EFAULT);
	return !rc;
}

bool abi_sees(struct abi *abi, unsigned n, uint64_t iova, void *va)
{
	static uint8_t last;
	volatile uint8_t *byte = va;
	uint8_t got = 0;

	*byte = ++last;
	if (swiommu_dma_read(abi->device[n], 0, iova, &got, 1, NULL) || got != last)
		return false;
	got = ++last;
	return !swiommu_dma_write(abi->device[n], 0, iova, &got, 1, NULL) && *byte == last;
}
