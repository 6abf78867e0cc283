// SPDX-License-Identifier: MIT
/* Device files: states, BIND, ATTACH and DETACH (vfio-device-ioctls.md 2, 3, 4, 14). */
#include "abi.h"

#define BASE 0x2000000ull

/* ---- states (2, 14.1) ---- */

static const uint32_t bound_only[] = {
	VFIO_DEVICE_GET_INFO,
	VFIO_DEVICE_GET_REGION_INFO,
	VFIO_DEVICE_GET_IRQ_INFO,
	VFIO_DEVICE_SET_IRQS,
	VFIO_DEVICE_RESET,
	VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
	VFIO_DEVICE_PCI_HOT_RESET,
	VFIO_DEVICE_FEATURE,
	VFIO_DEVICE_IOEVENTFD,
	VFIO_DEVICE_ATTACH_IOMMUFD_PT,
	VFIO_DEVICE_DETACH_IOMMUFD_PT,
	IOMMU_IOAS_ALLOC,
	_IO(VFIO_TYPE, VFIO_BASE + 30),
	0x12345678,
};

static void an_unbound_device_answers_bind_only(struct abi *abi)
{
	uint8_t bytes[64] = {sizeof(bytes)};

	for (unsigned i = 0; i < COUNT(bound_only); i++) {
		expect(abi_dev(abi, 0, bound_only[i], bytes), -EINVAL);
		expect(abi_dev(abi, 0, bound_only[i], NULL), -EINVAL);
	}
	for (unsigned region = 0; region < 10; region++) {
		off_t offset = (off_t)region << 40;

		expect(swiommu_pread(abi->machine, abi->file[0], bytes, 4, offset), -EINVAL);
		expect(swiommu_pwrite(abi->machine, abi->file[0], bytes, 4, offset), -EINVAL);
		expect(swiommu_pread(abi->machine, abi->file[0], bytes, 0, offset), -EINVAL);
	}
}

static void a_bound_device_has_no_other_ioctls(struct abi *abi)
{
	static const uint32_t others[] = {VFIO_GET_API_VERSION,
					  VFIO_CHECK_EXTENSION,
					  VFIO_GROUP_GET_STATUS,
					  IOMMU_DESTROY,
					  IOMMU_IOAS_ALLOC,
					  _IO(VFIO_TYPE, VFIO_BASE + 30),
					  0x12345678,
					  VFIO_DEVICE_GET_INFO | 0x40000000,
					  VFIO_DEVICE_GET_INFO ^ 0x100};
	struct vfio_device_info info = {.argsz = sizeof(info)};

	abi_bound(abi, 0);
	for (unsigned i = 0; i < COUNT(others); i++) {
		expect(abi_dev(abi, 0, others[i], &info), -ENOTTY);
		expect(abi_dev(abi, 0, others[i], NULL), -ENOTTY);
	}
	ok(abi_dev(abi, 0, 0xffffffff00000000ul | VFIO_DEVICE_GET_INFO, &info));
}

/* swiommu.h: numbers are the lowest that are free; other paths do not exist. */
static void files_get_the_lowest_number(struct abi *abi)
{
	static const char *const none[] = {"/dev/vfio/devices/vfio2",
					   "/dev/vfio/devices/vfio",
					   "/dev/vfio/devices/vfio00",
					   "/dev/vfio/devices",
					   "/dev/iommu/",
					   "/dev/null",
					   "iommu",
					   ""};

	for (unsigned i = 0; i < COUNT(none); i++)
		expect(swiommu_open(abi->machine, none[i]), -ENOENT);
	assert_int_equal(abi->ctx, 0);
	assert_int_equal(abi->file[0], 1);
	assert_int_equal(abi->file[1], 2);
	abi_close(abi, 0);
	expect(swiommu_open(abi->machine, "/dev/iommu"), 1);
	expect(swiommu_open(abi->machine, "/dev/vfio/devices/vfio0"), 3);
	expect(swiommu_ioctl(abi->machine, 99, IOMMU_IOAS_ALLOC, NULL), -EBADF);
	expect(swiommu_ioctl(abi->machine, -1, IOMMU_IOAS_ALLOC, NULL), -EBADF);
	expect(swiommu_close(abi->machine, 99), -EBADF);
}

/* ---- BIND (3) ---- */

enum fd_kind { CONTEXT, MINUS_ONE, MINUS_MANY, NOT_OPEN, DEVICE, ITSELF };

struct bind_row {
	const char *name;
	uint32_t argsz, flags;
	enum fd_kind fd;
	uint32_t tail; /* a byte there is 1; 0: none */
	int want;
	size_t token; /* so many bytes of it can be read */
};

static const struct bind_row binds[] = {
	{"16 bytes", 16, 0, CONTEXT, 0, 0},
	{"20 bytes", 20, 0, CONTEXT, 0, 0},
	{"24 bytes", 24, 0, CONTEXT, 0, 0},
	{"25 bytes", 25, 0, CONTEXT, 0, 0},
	{"many bytes", 3000, 0, CONTEXT, 0, 0},
	{"step 1: 15 bytes", 15, ~0u, MINUS_ONE, 0, -EINVAL},
	{"step 1: 0 bytes", 0, 0, CONTEXT, 0, -EINVAL},
	{"step 1: a tail", 25, 0, CONTEXT, 24, -E2BIG},
	{"step 1: a tail far behind", 3000, ~0u, MINUS_ONE, 2999, -E2BIG},
	{"the token's address is ignored without its flag", 24, 0, CONTEXT, 16, 0},
	{"step 2: fd -1", 24, 0, MINUS_ONE, 0, -EINVAL},
	{"step 2: fd -1000", 24, 0, MINUS_MANY, 0, -EINVAL},
	{"step 2: flags 2", 24, 2, NOT_OPEN, 0, -EINVAL},
	{"step 2: flags 2^31", 24, 1u << 31, NOT_OPEN, 0, -EINVAL},
	{"step 6: a token, which no device here takes", 24, 1, NOT_OPEN, 0, -EINVAL, 16},
	{"step 6: a token that cannot be read", 24, 1, NOT_OPEN, 0, -EFAULT, 15},
	{"step 6: a token that is not there", 16, 1, NOT_OPEN, 0, -EFAULT},
	{"step 7: fd that is not open", 24, 0, NOT_OPEN, 0, -EBADF},
	{"step 7: fd of a device", 24, 0, DEVICE, 0, -EBADFD},
	{"step 7: fd of the same device file", 24, 0, ITSELF, 0, -EBADFD},
};

static int fd_of(struct abi *abi, enum fd_kind kind)
{
	switch (kind) {
	case CONTEXT: return abi->ctx;
	case MINUS_ONE: return -1;
	case MINUS_MANY: return -1000;
	case NOT_OPEN: return 500;
	case DEVICE: return abi->file[1];
	default: return abi->file[0];
	}
}

/* A BIND that failed leaves a file that can be bound (3). */
static void bind(struct abi *abi)
{
	const struct bind_row *row = abi->row;
	uint8_t *edge = abi_edge(abi), *at = edge - (row->argsz < 16 ? 16 : row->argsz);
	struct vfio_device_bind_iommufd cmd = {
		.argsz = row->argsz,
		.flags = row->flags,
		.iommufd = fd_of(abi, row->fd),
		.out_devid = 77,
		.token_uuid_ptr = row->token ? ADDR(edge) - row->token : 0,
	};

	memcpy(at, &cmd, row->argsz < 24 ? 16 : 24);
	if (row->tail)
		at[row->tail] = 1;
	expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, at), row->want);
	memcpy(&cmd, at, 16);
	assert_int_equal(cmd.out_devid, row->want ? 77 : 1);
	expect(abi_bind(abi, 0), row->want ? 0 : -EINVAL);
}

/* 3.1 */
static void bind_of_a_struct_in_a_hole_is_efault(struct abi *abi)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = abi->ctx};
	uint8_t *edge = abi_edge(abi);

	expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, NULL), -EFAULT);
	for (size_t there = 0; there < sizeof(cmd); there++)
		expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, abi_at(edge, &cmd, there)),
		       -EFAULT);
	cmd.argsz = 32;
	expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, abi_at(edge, &cmd, sizeof(cmd))), -EFAULT);
	ok(abi_bind(abi, 0));
}

/* 3.12: closed and unbound again, the id is free, the group has no owner. */
static void bind_whose_copy_out_fails_is_undone(struct abi *abi)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = abi->ctx};
	int other = swiommu_open(abi->machine, "/dev/iommu");

	for (size_t writable = 0; writable <= 12; writable += 4)
		expect(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD,
			       abi_constant_copy(abi, &cmd, sizeof(cmd), writable)),
		       -EFAULT);
	assert_int_equal(abi_next_id(abi), 1);
	expect(abi_dev(abi, 0, VFIO_DEVICE_RESET, NULL), -EINVAL);
	cmd.iommufd = other;
	ok(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, &cmd));
}

/* 3.12: only out_devid is written. */
static void bind_writes_four_bytes(struct abi *abi)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd),
					       .iommufd = abi->ctx,
					       .out_devid = 5,
					       .token_uuid_ptr = 6};
	struct vfio_device_bind_iommufd want = cmd;

	want.out_devid = 1;
	ok(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD,
		   memcpy(abi_constant_copy(abi, &cmd, sizeof(cmd), 16), &cmd, 16)));
	abi_close(abi, 0);
	abi_open(abi, 0);
	ok(abi_dev(abi, 0, VFIO_DEVICE_BIND_IOMMUFD, &cmd));
	assert_memory_equal(&cmd, &want, sizeof(cmd));
}

static int bind_file(struct abi *abi, int file, int ctx)
{
	struct vfio_device_bind_iommufd cmd = {.argsz = sizeof(cmd), .iommufd = ctx};

	return swiommu_ioctl(abi->machine, file, VFIO_DEVICE_BIND_IOMMUFD, &cmd);
}

/* 3.5, 3.8, 14.2 */
static void a_device_is_bound_once(struct abi *abi)
{
	int second = swiommu_open(abi->machine, "/dev/vfio/devices/vfio0");
	int other = swiommu_open(abi->machine, "/dev/iommu");

	ok(abi_bind(abi, 0));
	expect(bind_file(abi, abi->file[0], abi->ctx), -EINVAL);
	expect(bind_file(abi, abi->file[0], other), -EINVAL);
	/* The file is bound (5) before the fd is looked at (7); another file's (8) comes after. */
	expect(bind_file(abi, abi->file[0], 500), -EINVAL);
	expect(bind_file(abi, second, 500), -EBADF);
	expect(bind_file(abi, second, abi->file[0]), -EBADFD);
	expect(bind_file(abi, second, abi->ctx), -EINVAL);
	expect(bind_file(abi, second, other), -EINVAL);
	expect(swiommu_ioctl(abi->machine, second, VFIO_DEVICE_RESET, NULL), -EINVAL);
	ok(abi_dev(abi, 0, VFIO_DEVICE_RESET, NULL));
	abi_close(abi, 0);
	ok(bind_file(abi, second, other));
}

/* 14.2; iommufd-objects.md 8.1.4 */
static void a_group_belongs_to_one_iommufd(struct abi *abi)
{
	int other = swiommu_open(abi->machine, "/dev/iommu");

	ok(abi_bind(abi, 0));
	expect(bind_file(abi, abi->file[1], other), -EPERM);
	ok(bind_file(abi, abi->file[2], other));
	ok(abi_bind(abi, 1));
	assert_int_equal(abi->devid[1], abi->devid[0] + 1);
	abi_close(abi, 0);
	abi_open(abi, 0);
	expect(bind_file(abi, abi->file[0], other), -EPERM);
	abi_close(abi, 1);
	ok(bind_file(abi, abi->file[0], other));
}

/* 3.11: bus mastering is off, memory space on, INTx not disabled; close switches mastering off. */
static void bind_gives_a_fresh_device(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi);

	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	for (unsigned i = 0; i < 3; i++) {
		ok(abi_bind(abi, 0));
		assert_int_equal(abi_config(abi, 0, 4, 2), 2);
		abi_attached(abi, 0, ioas);
		assert_false(abi_reads(abi, 0, BASE));
		abi_config_set(abi, 0, 4, 2, 0x0546);
		abi_config_set(abi, 0, 0x10, 4, 0x12340000);
		abi_config_set(abi, 0, 0x3c, 1, 0x11);
		assert_true(abi_sees(abi, 0, BASE, page));
		abi_close(abi, 0);
		assert_false(abi_reads(abi, 0, BASE));
		abi_open(abi, 0);
	}
	ok(abi_bind(abi, 0));
	assert_int_equal(abi_config(abi, 0, 0x10, 4) & ~0xfu, 0);
	assert_int_equal(abi_config(abi, 0, 0x3c, 1), 0);
}

/* ---- ATTACH and DETACH (4) ---- */

struct pt_row {
	const char *name;
	bool detach;
	uint32_t argsz, flags, pasid;
	uint32_t there; /* bytes that can be read */
	int want;
};

#define PASID 1

/* Attach is to a HWPT for PASIDs; the device has none. */
static const struct pt_row pts[] = {
	{"attach: 12 bytes", false, 12, 0, 0, 12, 0},
	{"attach: 16 bytes", false, 16, 0, 5, 16, 0},
	{"attach: more, which nobody looks at", false, 0xffffffff, 0, 0, 12, 0},
	{"attach: 11 bytes readable", false, 12, 0, 0, 11, -EFAULT},
	{"attach: nothing readable", false, 12, 0, 0, 0, -EFAULT},
	{"attach: 11 bytes", false, 11, 0, 0, 16, -EINVAL},
	{"attach: 0 bytes", false, 0, 0, 0, 16, -EINVAL},
	{"attach: the memory comes before the size", false, 11, 0, 0, 11, -EFAULT},
	{"attach: flags 2", false, 16, 2, 0, 16, -EINVAL},
	{"attach: flags 3", false, 16, 3, 0, 16, -EINVAL},
	{"attach: PASID in 12 bytes", false, 12, PASID, 0, 16, -EINVAL},
	{"attach: PASID in 15 bytes", false, 15, PASID, 0, 16, -EINVAL},
	{"attach: PASID that cannot be read", false, 16, PASID, 0, 15, -EFAULT},
	{"attach: PASID 2^31", false, 16, PASID, 0x80000000, 16, -ENOSPC},
	{"attach: PASID 2^32 - 1", false, 16, PASID, 0xffffffff, 16, -ENOSPC},
	{"attach: PASID 2^31 - 1, more than the device has", false, 16, PASID, 0x7fffffff, 16,
	 -EINVAL},
	{"attach: PASID 1, more than the device has", false, 16, PASID, 1, 16, -EINVAL},
	{"attach: PASID 0 is the requester id's place", false, 16, PASID, 0, 16, 0},
	{"detach: 8 bytes", true, 8, 0, 0, 8, 0},
	{"detach: 12 bytes", true, 12, 0, 5, 12, 0},
	{"detach: more, which nobody looks at", true, 0xffffffff, 0, 0, 8, 0},
	{"detach: 7 bytes readable", true, 8, 0, 0, 7, -EFAULT},
	{"detach: 7 bytes", true, 7, 0, 0, 12, -EINVAL},
	{"detach: flags 2", true, 12, 2, 0, 12, -EINVAL},
	{"detach: PASID in 8 bytes", true, 8, PASID, 0, 12, -EINVAL},
	{"detach: PASID that cannot be read", true, 12, PASID, 0, 11, -EFAULT},
	{"detach: a PASID that is not attached", true, 12, PASID, 7, 12, 0},
	{"detach: PASID 2^32 - 1", true, 12, PASID, 0xffffffff, 12, 0},
};

static int run_pt(struct abi *abi, uint8_t *edge, const struct pt_row *row, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt attach = {row->argsz, row->flags, pt, row->pasid};
	struct vfio_device_detach_iommufd_pt detach = {row->argsz, row->flags, row->pasid};

	if (row->detach)
		return abi_dev(abi, 0, VFIO_DEVICE_DETACH_IOMMUFD_PT,
			       abi_at(edge, &detach, row->there));
	return abi_dev(abi, 0, VFIO_DEVICE_ATTACH_IOMMUFD_PT, abi_at(edge, &attach, row->there));
}

/* A refused ATTACH leaves nothing behind. */
static void attach_and_detach(struct abi *abi)
{
	const struct pt_row *row = abi->row;
	uint32_t hwpt;

	abi_bound(abi, 0);
	ok(abi_hwpt(abi, abi->devid[0], abi_ioas(abi), IOMMU_HWPT_ALLOC_PASID, NULL, &hwpt));
	expect(run_pt(abi, abi_edge(abi), row, hwpt), row->want);
	if (row->want || row->detach)
		ok(abi_destroy(abi, hwpt));
	else
		expect(abi_destroy(abi, hwpt), -EBUSY);
}

static int attach_pasid(struct abi *abi, uint32_t pasid, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {sizeof(cmd), PASID, pt, pasid};

	return abi_dev(abi, 0, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static int detach_pasid(struct abi *abi, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt cmd = {sizeof(cmd), PASID, pasid};

	return abi_dev(abi, 0, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

/* iommufd-objects.md 9.2.5b, 10.3 */
static void pasids_want_a_hwpt_for_them(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), plain, next;

	abi_bound(abi, 0);
	plain = abi_paging(abi, 0, ioas);
	next = abi_next_id(abi);
	expect(attach_pasid(abi, 1, NO_ID), -ENOENT);
	expect(attach_pasid(abi, 1, abi->devid[0]), -EINVAL);
	expect(attach_pasid(abi, 1, plain), -EINVAL);
	expect(attach_pasid(abi, 1, ioas), -EINVAL);
	assert_int_equal(abi_next_id(abi), next);
	/* No trace of the attempts: a plain HWPT would not go with a PASID. */
	abi_attached(abi, 0, plain);
	expect(attach_pasid(abi, 1, plain), -EINVAL);
}

/* iommufd-objects.md 9.2.5b: what the requester id has decides, too. */
static void a_pasid_beside_a_hwpt_without(struct abi *abi)
{
	uint32_t ioas = abi_ioas(abi), hwpt;

	abi_bound(abi, 0);
	ok(abi_hwpt(abi, abi->devid[0], ioas, IOMMU_HWPT_ALLOC_PASID, NULL, &hwpt));
	abi_attached(abi, 0, ioas);
	expect(attach_pasid(abi, 1, hwpt), -EINVAL);
	ok(abi_destroy(abi, hwpt));
}

/* 4: PASID 0 names the requester id's slot. */
static void pasid_0_is_the_requester_ids_slot(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi);

	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	abi_bound(abi, 0);
	ok(attach_pasid(abi, 0, ioas));
	assert_true(abi_sees(abi, 0, BASE, page));
	expect(abi_attach_to(abi, 0, ioas), -EBUSY);
	ok(abi_detach(abi, 0));
	assert_true(abi_sees(abi, 0, BASE, page));
	ok(attach_pasid(abi, 0, ioas));
	ok(detach_pasid(abi, 0));
	assert_false(abi_reads(abi, 0, BASE));
	abi_attached(abi, 0, ioas);
	expect(attach_pasid(abi, 0, ioas), -EBUSY);
	ok(detach_pasid(abi, 0));
	assert_true(abi_sees(abi, 0, BASE, page));
}

/* 5: what was attached so is detached by close, too. */
static void close_detaches_pasid_0(struct abi *abi)
{
	uint32_t hwpt;

	abi_bound(abi, 0);
	hwpt = abi_paging(abi, 0, abi_ioas(abi));
	ok(attach_pasid(abi, 0, hwpt));
	expect(abi_destroy(abi, hwpt), -EBUSY);
	abi_close(abi, 0);
	ok(abi_destroy(abi, hwpt));
}

static int attach_constant(struct abi *abi, uint32_t flags, uint32_t pt, size_t writable)
{
	const struct vfio_device_attach_iommufd_pt cmd = {sizeof(cmd), flags, pt, 0};

	return abi_dev(abi, 0, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		       abi_constant_copy(abi, &cmd, sizeof(cmd), writable));
}

/* 4.7 */
static void attach_whose_copy_out_fails_detaches(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi), next, hwpt;

	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	abi_bound(abi, 0);
	next = abi_next_id(abi);
	expect(attach_constant(abi, 0, ioas, 0), -EFAULT);
	expect(attach_constant(abi, 0, ioas, 8), -EFAULT);
	assert_false(abi_reads(abi, 0, BASE));
	assert_int_equal(abi_next_id(abi), next);
	expect_full_ranges(abi, ioas);
	/* A replace is not put back: the old attachment is gone, too. */
	hwpt = abi_attached(abi, 0, ioas);
	expect(attach_constant(abi, 0, abi_ioas(abi), 8), -EFAULT);
	assert_false(abi_reads(abi, 0, BASE));
	expect(abi_destroy(abi, hwpt), -ENOENT);
	/* It is enough that pt_id can be written. */
	ok(attach_constant(abi, 0, ioas, 12));
	assert_true(abi_sees(abi, 0, BASE, page));
}

/* 4.7: what is given up is the requester id's attachment; that of the PASID stays. */
static void attach_of_a_pasid_whose_copy_out_fails_stays(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi);

	ok(abi_map_at(abi, ioas, RW, page, PAGE, BASE));
	abi_bound(abi, 0);
	expect(attach_constant(abi, PASID, ioas, 8), -EFAULT);
	assert_true(abi_sees(abi, 0, BASE, page));
	ok(detach_pasid(abi, 0));
	assert_false(abi_reads(abi, 0, BASE));
}

int main(void)
{
	abi_on(abi_vtd, an_unbound_device_answers_bind_only);
	abi_on(abi_vtd, a_bound_device_has_no_other_ioctls);
	abi_library(abi_on(abi_vtd, files_get_the_lowest_number));
	abi_rows(abi_vtd, binds, bind);
	abi_both(bind_of_a_struct_in_a_hole_is_efault);
	abi_both(bind_whose_copy_out_fails_is_undone);
	abi_on(abi_vtd, bind_writes_four_bytes);
	abi_on(abi_vtd, a_device_is_bound_once);
	abi_groups(a_group_belongs_to_one_iommufd);
	abi_library(abi_both(bind_gives_a_fresh_device));
	abi_rows(abi_vtd, pts, attach_and_detach);
	abi_both(pasids_want_a_hwpt_for_them);
	abi_both(a_pasid_beside_a_hwpt_without);
	abi_library(abi_both(pasid_0_is_the_requester_ids_slot));
	abi_both(close_detaches_pasid_0);
	abi_library(abi_both(attach_whose_copy_out_fails_detaches));
	abi_library(abi_both(attach_of_a_pasid_whose_copy_out_fails_stays));
	return abi_run("vfio");
}
