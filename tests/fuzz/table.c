// SPDX-License-Identifier: MIT
/* The fuzzer's table of iommufd ioctls: one row for each, its fields by what they mean. */
#include "fuzz.h"

#include <linux/vfio.h>

#include "uapi/test.h"

#define FIELD(type, member, kind_, ...)                                                        \
	{                                                                                      \
		.name = #member, .offset = offsetof(struct type, member),                      \
		.width = sizeof(((struct type *)0)->member), .kind = FUZZ_##kind_, __VA_ARGS__ \
	}
#define VALUES(...)                                \
	.values = (const uint64_t[]){__VA_ARGS__}, \
	.value_count = FUZZ_COUNT(((const uint64_t[]){__VA_ARGS__}))
#define FIELDS(...)                                         \
	.fields = (const struct fuzz_field[]){__VA_ARGS__}, \
	.field_count = FUZZ_COUNT(((const struct fuzz_field[]){__VA_ARGS__}))
#define LAYOUTS(...)                                          \
	.layouts = (const struct fuzz_layout[]){__VA_ARGS__}, \
	.layout_count = FUZZ_COUNT(((const struct fuzz_layout[]){__VA_ARGS__}))
#define DATA(...)                         \
	.data = &(const struct fuzz_data) \
	{                                 \
		__VA_ARGS__               \
	}
#define LAYOUT(struct_, type_, ...)                                                  \
	{                                                                            \
		.type = (type_), .size = sizeof(struct struct_), FIELDS(__VA_ARGS__) \
	}
#define BLOB(struct_, type_, length_, pointer_, ...)                                               \
	DATA(.type = offsetof(struct struct_, type_), .length = offsetof(struct struct_, length_), \
	     .pointer = offsetof(struct struct_, pointer_), LAYOUTS(__VA_ARGS__))
#define ARRAY(struct_, number_, pointer_, ...)            \
	DATA(.number = offsetof(struct struct_, number_), \
	     .pointer = offsetof(struct struct_, pointer_), LAYOUTS(__VA_ARGS__))

#define THROUGH(struct_, member) \
	(offsetof(struct struct_, member) + sizeof(((struct struct_ *)0)->member))
#define CONTEXT_CALL(cmd_, struct_, last)                                               \
	.name = #cmd_, .cmd = (cmd_), .op = (uint8_t)(cmd_), .file = FUZZ_FILE_CONTEXT, \
	.size = sizeof(struct struct_), .min = THROUGH(struct_, last)

/* ---- what several have in common ---- */

#define SIZE_OF(struct_)  FIELD(struct_, size, SIZE)
#define IOAS_ID(struct_)  FIELD(struct_, ioas_id, OBJECT, .known = FUZZ_IOAS)
#define RESERVED(struct_) FIELD(struct_, __reserved, RESERVED)
#define NO_FLAGS(struct_) FIELD(struct_, flags, FLAGS)
#define MAP_FLAGS(struct_) \
	FIELD(struct_, flags, FLAGS, .usual = IOMMU_IOAS_MAP_FIXED_IOVA | READ_WRITE, .known = 7)
#define READ_WRITE (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)

#define RANGE_LAYOUT                                                      \
	LAYOUT(iommu_iova_range, 0, FIELD(iommu_iova_range, start, IOVA), \
	       FIELD(iommu_iova_range, last, IOVA, .usual = 0xffffff))

/* Data of the drivers. */
#define VTD_S1_LAYOUT                                                           \
	LAYOUT(iommu_hwpt_vtd_s1, IOMMU_HWPT_DATA_VTD_S1,                       \
	       FIELD(iommu_hwpt_vtd_s1, addr_width, VALUE, VALUES(48, 57, 39)), \
	       FIELD(iommu_hwpt_vtd_s1, flags, FLAGS, .known = 7),              \
	       FIELD(iommu_hwpt_vtd_s1, pgtbl_addr, IOVA),                      \
	       FIELD(iommu_hwpt_vtd_s1, __reserved, RESERVED))
#define SELFTEST_HWPT_LAYOUT                                                    \
	LAYOUT(iommu_hwpt_selftest, IOMMU_HWPT_DATA_SELFTEST,                   \
	       FIELD(iommu_hwpt_selftest, pagetable_type, VALUE, VALUES(0, 1)), \
	       FIELD(iommu_hwpt_selftest, iotlb, VALUE, VALUES(IOMMU_TEST_IOTLB_DEFAULT)))
#define VTD_INVALIDATE_LAYOUT                                                                  \
	LAYOUT(iommu_hwpt_vtd_s1_invalidate, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,                \
	       FIELD(iommu_hwpt_vtd_s1_invalidate, npages, VALUE, VALUES(UINT64_MAX, 1, 512)), \
	       FIELD(iommu_hwpt_vtd_s1_invalidate, addr, VALUE,                                \
		     VALUES(0, 0x4000000, 0x4001000, UINT64_MAX & ~(uint64_t)4095)),           \
	       FIELD(iommu_hwpt_vtd_s1_invalidate, flags, FLAGS, .known = 1),                  \
	       FIELD(iommu_hwpt_vtd_s1_invalidate, __reserved, RESERVED))
#define SELFTEST_INVALIDATE_LAYOUT                                                  \
	LAYOUT(iommu_hwpt_invalidate_selftest, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, \
	       FIELD(iommu_hwpt_invalidate_selftest, flags, FLAGS, .known = 1),     \
	       FIELD(iommu_hwpt_invalidate_selftest, iotlb_id, VALUE, VALUES(0)))
#define VIOMMU_INVALIDATE_LAYOUT                                                        \
	LAYOUT(iommu_viommu_invalidate_selftest, IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, \
	       FIELD(iommu_viommu_invalidate_selftest, flags, FLAGS, .known = 1),       \
	       FIELD(iommu_viommu_invalidate_selftest, vdev_id, VALUE, VALUES(0)),      \
	       FIELD(iommu_viommu_invalidate_selftest, cache_id, VALUE, VALUES(0)))
#define SELFTEST_VIOMMU_LAYOUT \
	LAYOUT(iommu_viommu_selftest, 0, FIELD(iommu_viommu_selftest, in_data, VALUE, VALUES(0)))
#define HW_INFO_LAYOUT(struct_, type_)                          \
	{                                                       \
		.type = (type_), .size = sizeof(struct struct_) \
	}

#define TEST_CALL(op_, name_)                                                                 \
	.name = #name_, .cmd = IOMMU_TEST_CMD, .op = 0xc0 + (op_), .file = FUZZ_FILE_CONTEXT, \
	.size = sizeof(struct iommu_test_cmd), .min = THROUGH(iommu_test_cmd, last)
#define TEST_FIELDS(op_, ...)                                                                \
	FIELDS(SIZE_OF(iommu_test_cmd), FIELD(iommu_test_cmd, op, CONSTANT, .usual = (op_)), \
	       __VA_ARGS__)
#define TEST_FIELD(member, kind, ...) FIELD(iommu_test_cmd, member, kind, __VA_ARGS__)
#define TEST_OBJECT(types)	      TEST_FIELD(id, OBJECT, .known = (types))
#define TEST_STDEV		      TEST_OBJECT(FUZZ_STDEV)
#define TEST_ACCESS		      TEST_FIELD(id, FD, .usual = FUZZ_FILE_ACCESS)
#define TEST_DEVICE(member)	      TEST_FIELD(member, OBJECT, .known = FUZZ_DEVICE_ID)
#define TEST_PT(member)		      TEST_FIELD(member, OBJECT, .known = FUZZ_IOAS | FUZZ_PAGING | FUZZ_NESTED)
#define TEST_PASID(member)	      TEST_FIELD(member, VALUE, VALUES(1, 0, 1024, 1 << 20))

#define DEVICE_CALL(cmd_, struct_, last)                                               \
	.name = #cmd_, .cmd = (cmd_), .op = (uint8_t)(cmd_), .file = FUZZ_FILE_DEVICE, \
	.size = sizeof(struct struct_), .min = THROUGH(struct_, last)
#define ARGSZ(struct_) FIELD(struct_, argsz, SIZE)
#define EVENTFD_LAYOUT(type_)                                                   \
	{                                                                       \
		.type = (type_), .size = 4, .field_count = 1,                   \
		.fields = &(const struct fuzz_field){"fd", 0, 4, FUZZ_EVENTFD}, \
	}
#define BYTE_LAYOUT(type_)                                                      \
	{                                                                       \
		.type = (type_), .size = 1, .field_count = 1,                   \
		.fields = &(const struct fuzz_field){"byte", 0, 1, FUZZ_VALUE}, \
	}
#define TAIL(struct_, type_, number_, ...)                                            \
	DATA(.type = (type_), .number = (number_), .inlined = sizeof(struct struct_), \
	     LAYOUTS(__VA_ARGS__))

/* A container's numbers are a device's, too: theirs are 0x40 lower in records. */
#define CONTAINER_VALUE(cmd_, ...)                                                                \
	{                                                                                         \
		.name = #cmd_, .cmd = (cmd_), .op = (uint8_t)((cmd_)-0x40),                       \
		.file = FUZZ_FILE_CONTEXT,                                                        \
		FIELDS({.name = "argument", .width = 8, .kind = FUZZ_VALUE, VALUES(__VA_ARGS__)}) \
	}
#define CONTAINER_CALL(cmd_, struct_, last)                                                    \
	.name = #cmd_, .cmd = (cmd_), .op = (uint8_t)((cmd_)-0x40), .file = FUZZ_FILE_CONTEXT, \
	.size = sizeof(struct struct_), .min = THROUGH(struct_, last)

const struct fuzz_call fuzz_calls[] = {
	/* ---- iommufd ---- */
	{CONTEXT_CALL(IOMMU_DESTROY, iommu_destroy, id),
	 FIELDS(SIZE_OF(iommu_destroy), FIELD(iommu_destroy, id, OBJECT, .known = FUZZ_ANY))},
	{CONTEXT_CALL(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id),
	 FIELDS(SIZE_OF(iommu_ioas_alloc), NO_FLAGS(iommu_ioas_alloc),
		FIELD(iommu_ioas_alloc, out_ioas_id, NEW_ID, .known = FUZZ_IOAS))},
	{CONTEXT_CALL(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, allowed_iovas),
	 FIELDS(SIZE_OF(iommu_ioas_allow_iovas), IOAS_ID(iommu_ioas_allow_iovas),
		RESERVED(iommu_ioas_allow_iovas)),
	 ARRAY(iommu_ioas_allow_iovas, num_iovas, allowed_iovas, RANGE_LAYOUT)},
	{CONTEXT_CALL(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova),
	 FIELDS(SIZE_OF(iommu_ioas_copy), MAP_FLAGS(iommu_ioas_copy),
		FIELD(iommu_ioas_copy, dst_ioas_id, OBJECT, .known = FUZZ_IOAS),
		FIELD(iommu_ioas_copy, src_ioas_id, OBJECT, .known = FUZZ_IOAS),
		FIELD(iommu_ioas_copy, length, LENGTH), FIELD(iommu_ioas_copy, dst_iova, IOVA),
		FIELD(iommu_ioas_copy, src_iova, IOVA))},
	{CONTEXT_CALL(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges, out_iova_alignment),
	 .answers = true,
	 FIELDS(SIZE_OF(iommu_ioas_iova_ranges), IOAS_ID(iommu_ioas_iova_ranges),
		RESERVED(iommu_ioas_iova_ranges),
		FIELD(iommu_ioas_iova_ranges, num_iovas, VALUE, VALUES(4, 0, 1, 2)),
		FIELD(iommu_ioas_iova_ranges, allowed_iovas, BUFFER))},
	{CONTEXT_CALL(IOMMU_IOAS_MAP, iommu_ioas_map, iova),
	 FIELDS(SIZE_OF(iommu_ioas_map), MAP_FLAGS(iommu_ioas_map), IOAS_ID(iommu_ioas_map),
		RESERVED(iommu_ioas_map), FIELD(iommu_ioas_map, user_va, ADDRESS),
		FIELD(iommu_ioas_map, length, LENGTH), FIELD(iommu_ioas_map, iova, IOVA))},
	{CONTEXT_CALL(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, iova),
	 FIELDS(SIZE_OF(iommu_ioas_map_file), MAP_FLAGS(iommu_ioas_map_file),
		IOAS_ID(iommu_ioas_map_file), FIELD(iommu_ioas_map_file, fd, MEMFD),
		FIELD(iommu_ioas_map_file, start, VALUE,
		      VALUES(0, 4096, 2048, 1 << 20, UINT64_MAX, UINT64_MAX - 4095)),
		FIELD(iommu_ioas_map_file, length, LENGTH),
		FIELD(iommu_ioas_map_file, iova, IOVA))},
	{CONTEXT_CALL(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length),
	 FIELDS(SIZE_OF(iommu_ioas_unmap), IOAS_ID(iommu_ioas_unmap),
		FIELD(iommu_ioas_unmap, iova, IOVA), FIELD(iommu_ioas_unmap, length, LENGTH))},
	{CONTEXT_CALL(IOMMU_OPTION, iommu_option, val64),
	 FIELDS(SIZE_OF(iommu_option),
		FIELD(iommu_option, option_id, VALUE, VALUES(IOMMU_OPTION_HUGE_PAGES, 0)),
		FIELD(iommu_option, op, VALUE, VALUES(IOMMU_OPTION_OP_SET, IOMMU_OPTION_OP_GET)),
		RESERVED(iommu_option), FIELD(iommu_option, object_id, OBJECT, .known = FUZZ_IOAS),
		FIELD(iommu_option, val64, VALUE, VALUES(0, 1)))},
	{CONTEXT_CALL(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved),
	 FIELDS(SIZE_OF(iommu_vfio_ioas), IOAS_ID(iommu_vfio_ioas),
		FIELD(iommu_vfio_ioas, op, VALUE,
		      VALUES(IOMMU_VFIO_IOAS_SET, IOMMU_VFIO_IOAS_GET, IOMMU_VFIO_IOAS_CLEAR)),
		RESERVED(iommu_vfio_ioas))},
	{CONTEXT_CALL(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved),
	 FIELDS(SIZE_OF(iommu_hwpt_alloc), FIELD(iommu_hwpt_alloc, flags, FLAGS, .known = 15),
		FIELD(iommu_hwpt_alloc, dev_id, OBJECT, .known = FUZZ_DEVICE_ID),
		FIELD(iommu_hwpt_alloc, pt_id, OBJECT,
		      .known = FUZZ_IOAS | FUZZ_PAGING | FUZZ_VIOMMU),
		RESERVED(iommu_hwpt_alloc),
		FIELD(iommu_hwpt_alloc, fault_id, OBJECT, .known = FUZZ_FAULT),
		FIELD(iommu_hwpt_alloc, __reserved2, RESERVED),
		FIELD(iommu_hwpt_alloc, out_hwpt_id, NEW_ID, .known = FUZZ_PAGING | FUZZ_NESTED)),
	 BLOB(iommu_hwpt_alloc, data_type, data_len, data_uptr, VTD_S1_LAYOUT,
	      SELFTEST_HWPT_LAYOUT)},
	{CONTEXT_CALL(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved),
	 FIELDS(SIZE_OF(iommu_hw_info), FIELD(iommu_hw_info, flags, FLAGS, .known = 1),
		FIELD(iommu_hw_info, dev_id, OBJECT, .known = FUZZ_DEVICE_ID),
		RESERVED(iommu_hw_info)),
	 BLOB(iommu_hw_info, in_data_type, data_len, data_uptr,
	      HW_INFO_LAYOUT(iommu_hw_info_vtd, IOMMU_HW_INFO_TYPE_INTEL_VTD),
	      HW_INFO_LAYOUT(iommu_test_hw_info, IOMMU_HW_INFO_TYPE_SELFTEST))},
	{CONTEXT_CALL(IOMMU_HWPT_SET_DIRTY_TRACKING, iommu_hwpt_set_dirty_tracking, __reserved),
	 FIELDS(SIZE_OF(iommu_hwpt_set_dirty_tracking),
		FIELD(iommu_hwpt_set_dirty_tracking, flags, FLAGS, .usual = 1, .known = 1),
		FIELD(iommu_hwpt_set_dirty_tracking, hwpt_id, OBJECT, .known = FUZZ_PAGING),
		RESERVED(iommu_hwpt_set_dirty_tracking))},
	{CONTEXT_CALL(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap, data),
	 FIELDS(SIZE_OF(iommu_hwpt_get_dirty_bitmap),
		FIELD(iommu_hwpt_get_dirty_bitmap, flags, FLAGS, .known = 1),
		FIELD(iommu_hwpt_get_dirty_bitmap, hwpt_id, OBJECT, .known = FUZZ_PAGING),
		RESERVED(iommu_hwpt_get_dirty_bitmap),
		FIELD(iommu_hwpt_get_dirty_bitmap, iova, IOVA),
		FIELD(iommu_hwpt_get_dirty_bitmap, length, LENGTH),
		FIELD(iommu_hwpt_get_dirty_bitmap, page_size, LENGTH),
		FIELD(iommu_hwpt_get_dirty_bitmap, data, BUFFER))},
	{CONTEXT_CALL(IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, __reserved), .answers = true,
	 FIELDS(SIZE_OF(iommu_hwpt_invalidate),
		FIELD(iommu_hwpt_invalidate, hwpt_id, OBJECT, .known = FUZZ_NESTED | FUZZ_VIOMMU),
		RESERVED(iommu_hwpt_invalidate)),
	 DATA(.type = offsetof(struct iommu_hwpt_invalidate, data_type),
	      .length = offsetof(struct iommu_hwpt_invalidate, entry_len),
	      .number = offsetof(struct iommu_hwpt_invalidate, entry_num),
	      .pointer = offsetof(struct iommu_hwpt_invalidate, data_uptr),
	      LAYOUTS(VTD_INVALIDATE_LAYOUT, SELFTEST_INVALIDATE_LAYOUT,
		      VIOMMU_INVALIDATE_LAYOUT))},
	{CONTEXT_CALL(IOMMU_FAULT_QUEUE_ALLOC, iommu_fault_alloc, out_fault_fd),
	 FIELDS(SIZE_OF(iommu_fault_alloc), NO_FLAGS(iommu_fault_alloc),
		FIELD(iommu_fault_alloc, out_fault_id, NEW_ID, .known = FUZZ_FAULT),
		FIELD(iommu_fault_alloc, out_fault_fd, NEW_FILE, .usual = FUZZ_FILE_QUEUE))},
	{CONTEXT_CALL(IOMMU_VIOMMU_ALLOC, iommu_viommu_alloc, out_viommu_id),
	 FIELDS(SIZE_OF(iommu_viommu_alloc), NO_FLAGS(iommu_viommu_alloc),
		FIELD(iommu_viommu_alloc, type, VALUE, VALUES(IOMMU_VIOMMU_TYPE_SELFTEST, 0, 1, 2)),
		FIELD(iommu_viommu_alloc, dev_id, OBJECT, .known = FUZZ_DEVICE_ID),
		FIELD(iommu_viommu_alloc, hwpt_id, OBJECT, .known = FUZZ_PAGING),
		RESERVED(iommu_viommu_alloc),
		FIELD(iommu_viommu_alloc, out_viommu_id, NEW_ID, .known = FUZZ_VIOMMU)),
	 DATA(.length = offsetof(struct iommu_viommu_alloc, data_len),
	      .pointer = offsetof(struct iommu_viommu_alloc, data_uptr),
	      LAYOUTS(SELFTEST_VIOMMU_LAYOUT))},
	{CONTEXT_CALL(IOMMU_VDEVICE_ALLOC, iommu_vdevice_alloc, virt_id),
	 FIELDS(SIZE_OF(iommu_vdevice_alloc),
		FIELD(iommu_vdevice_alloc, viommu_id, OBJECT, .known = FUZZ_VIOMMU),
		FIELD(iommu_vdevice_alloc, dev_id, OBJECT, .known = FUZZ_DEVICE_ID),
		FIELD(iommu_vdevice_alloc, virt_id, VALUE, VALUES(0, 1, UINT64_MAX, 1ull << 32)),
		FIELD(iommu_vdevice_alloc, out_vdevice_id, NEW_ID, .known = FUZZ_VDEVICE))},
	{CONTEXT_CALL(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process, __reserved),
	 FIELDS(SIZE_OF(iommu_ioas_change_process), RESERVED(iommu_ioas_change_process))},
	{CONTEXT_CALL(IOMMU_VEVENTQ_ALLOC, iommu_veventq_alloc, out_veventq_fd),
	 FIELDS(SIZE_OF(iommu_veventq_alloc), NO_FLAGS(iommu_veventq_alloc),
		FIELD(iommu_veventq_alloc, viommu_id, OBJECT, .known = FUZZ_VIOMMU),
		FIELD(iommu_veventq_alloc, type, VALUE,
		      VALUES(IOMMU_VEVENTQ_TYPE_SELFTEST, 0, 1, 2)),
		FIELD(iommu_veventq_alloc, veventq_depth, VALUE,
		      VALUES(2, 0, 1, 1 << 19, (1 << 19) + 1)),
		RESERVED(iommu_veventq_alloc),
		FIELD(iommu_veventq_alloc, out_veventq_id, NEW_ID, .known = FUZZ_VEVENTQ),
		FIELD(iommu_veventq_alloc, out_veventq_fd, NEW_FILE, .usual = FUZZ_FILE_QUEUE))},
	{CONTEXT_CALL(IOMMU_HW_QUEUE_ALLOC, iommu_hw_queue_alloc, length),
	 FIELDS(SIZE_OF(iommu_hw_queue_alloc), NO_FLAGS(iommu_hw_queue_alloc),
		FIELD(iommu_hw_queue_alloc, viommu_id, OBJECT, .known = FUZZ_VIOMMU),
		FIELD(iommu_hw_queue_alloc, type, VALUE,
		      VALUES(IOMMU_HW_QUEUE_TYPE_SELFTEST, 0, 1)),
		FIELD(iommu_hw_queue_alloc, index, VALUE, VALUES(0, 1, 2)),
		FIELD(iommu_hw_queue_alloc, nesting_parent_iova, IOVA),
		FIELD(iommu_hw_queue_alloc, length, LENGTH),
		FIELD(iommu_hw_queue_alloc, out_hw_queue_id, NEW_ID, .known = FUZZ_HW_QUEUE))},

	/* ---- the test ABI: one row for each operation ---- */
	{TEST_CALL(1, ADD_RESERVED),
	 TEST_FIELDS(1, TEST_OBJECT(FUZZ_IOAS), TEST_FIELD(add_reserved.start, IOVA),
		     TEST_FIELD(add_reserved.length, LENGTH))},
	{TEST_CALL(2, MOCK_DOMAIN),
	 TEST_FIELDS(2, TEST_PT(id),
		     TEST_FIELD(mock_domain.out_stdev_id, NEW_ID, .known = FUZZ_STDEV),
		     TEST_FIELD(mock_domain.out_hwpt_id, NEW_ID, .known = FUZZ_PAGING),
		     TEST_FIELD(mock_domain.out_idev_id, NEW_ID, .known = FUZZ_DEVICE_ID))},
	{TEST_CALL(3, MD_CHECK_MAP),
	 TEST_FIELDS(3, TEST_OBJECT(FUZZ_PAGING), TEST_FIELD(check_map.iova, IOVA),
		     TEST_FIELD(check_map.length, LENGTH), TEST_FIELD(check_map.uptr, ADDRESS))},
	{TEST_CALL(4, MD_CHECK_REFS),
	 TEST_FIELDS(4, TEST_FIELD(check_refs.length, LENGTH), TEST_FIELD(check_refs.uptr, ADDRESS),
		     TEST_FIELD(check_refs.refs, VALUE))},
	{TEST_CALL(5, CREATE_ACCESS),
	 TEST_FIELDS(5, TEST_OBJECT(FUZZ_IOAS),
		     TEST_FIELD(create_access.flags, FLAGS, .usual = 1, .known = 1),
		     TEST_FIELD(create_access.out_access_fd, NEW_FILE, .usual = FUZZ_FILE_ACCESS))},
	{TEST_CALL(6, DESTROY_ACCESS_PAGES),
	 TEST_FIELDS(6, TEST_ACCESS, TEST_FIELD(destroy_access_pages.access_pages_id, VALUE))},
	{TEST_CALL(7, ACCESS_PAGES),
	 TEST_FIELDS(7, TEST_ACCESS, TEST_FIELD(access_pages.flags, FLAGS, .known = 0x10001),
		     TEST_FIELD(access_pages.iova, IOVA), TEST_FIELD(access_pages.length, LENGTH),
		     TEST_FIELD(access_pages.uptr, ADDRESS))},
	{TEST_CALL(8, ACCESS_RW),
	 TEST_FIELDS(8, TEST_ACCESS, TEST_FIELD(access_rw.flags, FLAGS, .known = 0x10005),
		     TEST_FIELD(access_rw.iova, IOVA), TEST_FIELD(access_rw.length, LENGTH),
		     TEST_FIELD(access_rw.uptr, BUFFER))},
	{TEST_CALL(9, SET_TEMP_MEMORY_LIMIT),
	 TEST_FIELDS(9, TEST_FIELD(memory_limit.limit, VALUE, VALUES(65536, 12, 11)))},
	{TEST_CALL(10, MOCK_DOMAIN_REPLACE),
	 TEST_FIELDS(10, TEST_STDEV, TEST_PT(mock_domain_replace.pt_id))},
	{TEST_CALL(11, ACCESS_REPLACE_IOAS),
	 TEST_FIELDS(11, TEST_ACCESS,
		     TEST_FIELD(access_replace_ioas.ioas_id, OBJECT, .known = FUZZ_IOAS))},
	{TEST_CALL(12, MOCK_DOMAIN_FLAGS),
	 TEST_FIELDS(12, TEST_PT(id), TEST_FIELD(mock_domain_flags.dev_flags, FLAGS, .known = 5),
		     TEST_FIELD(mock_domain_flags.out_stdev_id, NEW_ID, .known = FUZZ_STDEV),
		     TEST_FIELD(mock_domain_flags.out_hwpt_id, NEW_ID, .known = FUZZ_PAGING),
		     TEST_FIELD(mock_domain_flags.out_idev_id, NEW_ID, .known = FUZZ_DEVICE_ID))},
	{TEST_CALL(13, DIRTY),
	 TEST_FIELDS(13, TEST_OBJECT(FUZZ_PAGING), TEST_FIELD(dirty.iova, IOVA),
		     TEST_FIELD(dirty.length, LENGTH), TEST_FIELD(dirty.page_size, LENGTH),
		     TEST_FIELD(dirty.uptr, BUFFER))},
	{TEST_CALL(14, MD_CHECK_IOTLB),
	 TEST_FIELDS(14, TEST_OBJECT(FUZZ_NESTED), TEST_FIELD(check_iotlb.id, VALUE),
		     TEST_FIELD(check_iotlb.iotlb, VALUE, VALUES(IOMMU_TEST_IOTLB_DEFAULT)))},
	{TEST_CALL(15, TRIGGER_IOPF),
	 TEST_FIELDS(15, TEST_DEVICE(trigger_iopf.dev_id), TEST_PASID(trigger_iopf.pasid),
		     TEST_FIELD(trigger_iopf.grpid, VALUE), TEST_FIELD(trigger_iopf.perm, VALUE),
		     TEST_FIELD(trigger_iopf.addr, IOVA))},
	{TEST_CALL(16, DEV_CHECK_CACHE),
	 TEST_FIELDS(16, TEST_DEVICE(id), TEST_FIELD(check_dev_cache.id, VALUE),
		     TEST_FIELD(check_dev_cache.cache, VALUE,
				VALUES(IOMMU_TEST_DEV_CACHE_DEFAULT)))},
	{TEST_CALL(17, TRIGGER_VEVENT), TEST_FIELDS(17, TEST_DEVICE(trigger_vevent.dev_id))},
	{TEST_CALL(18, PASID_ATTACH),
	 TEST_FIELDS(18, TEST_STDEV, TEST_PASID(pasid_attach.pasid), TEST_PT(pasid_attach.pt_id))},
	{TEST_CALL(19, PASID_REPLACE), TEST_FIELDS(19, TEST_STDEV, TEST_PASID(pasid_replace.pasid),
						   TEST_PT(pasid_replace.pt_id))},
	{TEST_CALL(20, PASID_DETACH), TEST_FIELDS(20, TEST_STDEV, TEST_PASID(pasid_detach.pasid))},
	{TEST_CALL(21, PASID_CHECK_HWPT),
	 TEST_FIELDS(21, TEST_STDEV, TEST_PASID(pasid_check.pasid),
		     TEST_FIELD(pasid_check.hwpt_id, OBJECT, .known = FUZZ_PAGING | FUZZ_NESTED))},
	{TEST_CALL(22, DMABUF_GET),
	 TEST_FIELDS(22,
		     TEST_FIELD(dmabuf_get.length, VALUE,
				VALUES(4096, 0, 8192, 2 << 20, (2 << 20) + 1)),
		     TEST_FIELD(dmabuf_get.open_flags, VALUE, VALUES(2, 02000002)))},
	{TEST_CALL(23, DMABUF_REVOKE),
	 TEST_FIELDS(23, TEST_FIELD(dmabuf_revoke.dmabuf_fd, FD, .usual = FUZZ_FILE_DMABUF),
		     TEST_FIELD(dmabuf_revoke.revoked, VALUE, VALUES(1, 0)))},

	/* ---- VFIO devices ---- */
	{DEVICE_CALL(VFIO_DEVICE_GET_INFO, vfio_device_info, num_irqs),
	 FIELDS(ARGSZ(vfio_device_info))},
	{DEVICE_CALL(VFIO_DEVICE_GET_REGION_INFO, vfio_region_info, offset),
	 FIELDS(ARGSZ(vfio_region_info), FIELD(vfio_region_info, index, VALUE),
		FIELD(vfio_region_info, flags, VALUE))},
	{DEVICE_CALL(VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info, count),
	 FIELDS(ARGSZ(vfio_irq_info), FIELD(vfio_irq_info, index, VALUE, VALUES(2, 1, 0)))},
	{DEVICE_CALL(VFIO_DEVICE_SET_IRQS, vfio_irq_set, count),
	 FIELDS(ARGSZ(vfio_irq_set), FIELD(vfio_irq_set, index, VALUE, VALUES(2, 1, 0)),
		FIELD(vfio_irq_set, flags, VALUE,
		      VALUES(VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_UNMASK,
			     VFIO_IRQ_SET_ACTION_MASK)),
		FIELD(vfio_irq_set, start, VALUE, VALUES(0, 1, UINT32_MAX))),
	 TAIL(vfio_irq_set, offsetof(struct vfio_irq_set, flags),
	      offsetof(struct vfio_irq_set, count), EVENTFD_LAYOUT(VFIO_IRQ_SET_DATA_EVENTFD),
	      {.type = VFIO_IRQ_SET_DATA_NONE}, BYTE_LAYOUT(VFIO_IRQ_SET_DATA_BOOL))},
	{.name = "VFIO_DEVICE_RESET",
	 .cmd = VFIO_DEVICE_RESET,
	 .op = (uint8_t)VFIO_DEVICE_RESET,
	 .file = FUZZ_FILE_DEVICE,
	 FIELDS({.name = "argument", .width = 8, .kind = FUZZ_VALUE})},
	{DEVICE_CALL(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, vfio_pci_hot_reset_info, count),
	 .answers = true, FIELDS(ARGSZ(vfio_pci_hot_reset_info)),
	 TAIL(vfio_pci_hot_reset_info, 0, 0, BYTE_LAYOUT(0))},
	{DEVICE_CALL(VFIO_DEVICE_PCI_HOT_RESET, vfio_pci_hot_reset, count),
	 FIELDS(ARGSZ(vfio_pci_hot_reset), FIELD(vfio_pci_hot_reset, flags, FLAGS)),
	 TAIL(vfio_pci_hot_reset, 0, offsetof(struct vfio_pci_hot_reset, count), {.size = 0},
	      EVENTFD_LAYOUT(0))},
	{DEVICE_CALL(VFIO_DEVICE_IOEVENTFD, vfio_device_ioeventfd, fd),
	 FIELDS(ARGSZ(vfio_device_ioeventfd),
		FIELD(vfio_device_ioeventfd, flags, VALUE, VALUES(4, 1, 2, 8)),
		FIELD(vfio_device_ioeventfd, offset, VALUE, VALUES(0x80, 0)),
		FIELD(vfio_device_ioeventfd, data, VALUE),
		FIELD(vfio_device_ioeventfd, fd, EVENTFD))},
	{DEVICE_CALL(VFIO_DEVICE_FEATURE, vfio_device_feature, flags),
	 FIELDS(ARGSZ(vfio_device_feature),
		FIELD(vfio_device_feature, flags, VALUE,
		      VALUES(VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_GET,
			     VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
			     VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET))),
	 TAIL(vfio_device_feature, offsetof(struct vfio_device_feature, flags), 0,
	      {.type = VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY},
	      {.type = VFIO_DEVICE_FEATURE_LOW_POWER_EXIT},
	      LAYOUT(vfio_device_low_power_entry_with_wakeup,
		     VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		     FIELD(vfio_device_low_power_entry_with_wakeup, wakeup_eventfd, EVENTFD),
		     FIELD(vfio_device_low_power_entry_with_wakeup, reserved, RESERVED)),
	      {.type = VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, .size = 16},
	      {.type = VFIO_DEVICE_FEATURE_MIGRATION, .size = 8},
	      LAYOUT(vfio_device_feature_dma_buf, VFIO_DEVICE_FEATURE_DMA_BUF,
		     FIELD(vfio_device_feature_dma_buf, region_index, VALUE),
		     FIELD(vfio_device_feature_dma_buf, open_flags, VALUE, VALUES(2)),
		     FIELD(vfio_device_feature_dma_buf, flags, FLAGS),
		     FIELD(vfio_device_feature_dma_buf, nr_ranges, VALUE)))},
	{DEVICE_CALL(VFIO_DEVICE_BIND_IOMMUFD, vfio_device_bind_iommufd, out_devid),
	 FIELDS(ARGSZ(vfio_device_bind_iommufd),
		FIELD(vfio_device_bind_iommufd, flags, FLAGS, .known = 1),
		FIELD(vfio_device_bind_iommufd, iommufd, FD, .usual = FUZZ_FILE_CONTEXT),
		FIELD(vfio_device_bind_iommufd, token_uuid_ptr, BUFFER),
		FIELD(vfio_device_bind_iommufd, out_devid, NEW_ID, .known = FUZZ_DEVICE_ID))},
	{DEVICE_CALL(VFIO_DEVICE_ATTACH_IOMMUFD_PT, vfio_device_attach_iommufd_pt, pt_id),
	 FIELDS(ARGSZ(vfio_device_attach_iommufd_pt),
		FIELD(vfio_device_attach_iommufd_pt, flags, FLAGS, .known = 1),
		FIELD(vfio_device_attach_iommufd_pt, pt_id, OBJECT,
		      .known = FUZZ_IOAS | FUZZ_PAGING | FUZZ_NESTED),
		FIELD(vfio_device_attach_iommufd_pt, pasid, VALUE,
		      VALUES(1, 0, 2, 1 << 20, UINT32_MAX)),
		FIELD(vfio_device_attach_iommufd_pt, pt_id, NEW_ID, .known = FUZZ_PAGING))},
	{DEVICE_CALL(VFIO_DEVICE_DETACH_IOMMUFD_PT, vfio_device_detach_iommufd_pt, flags),
	 FIELDS(ARGSZ(vfio_device_detach_iommufd_pt),
		FIELD(vfio_device_detach_iommufd_pt, flags, FLAGS, .known = 1),
		FIELD(vfio_device_detach_iommufd_pt, pasid, VALUE,
		      VALUES(1, 0, 2, 1 << 20, UINT32_MAX)))},

	/* ---- a type1 container ---- */
	CONTAINER_VALUE(VFIO_GET_API_VERSION, 0),
	CONTAINER_VALUE(VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU,
			VFIO_DMA_CC_IOMMU, VFIO_NOIOMMU_IOMMU, VFIO_UNMAP_ALL, VFIO_UPDATE_VADDR),
	CONTAINER_VALUE(VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU, VFIO_NOIOMMU_IOMMU),
	{CONTAINER_CALL(VFIO_IOMMU_GET_INFO, vfio_iommu_type1_info, iova_pgsizes),
	 FIELDS(ARGSZ(vfio_iommu_type1_info)), TAIL(vfio_iommu_type1_info, 0, 0, BYTE_LAYOUT(0))},
	{CONTAINER_CALL(VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map, size),
	 FIELDS(ARGSZ(vfio_iommu_type1_dma_map),
		FIELD(vfio_iommu_type1_dma_map, flags, FLAGS, .usual = 3, .known = 7),
		FIELD(vfio_iommu_type1_dma_map, vaddr, ADDRESS),
		FIELD(vfio_iommu_type1_dma_map, iova, IOVA),
		FIELD(vfio_iommu_type1_dma_map, size, LENGTH))},
	{CONTAINER_CALL(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_type1_dma_unmap, size), .answers = true,
	 FIELDS(ARGSZ(vfio_iommu_type1_dma_unmap),
		FIELD(vfio_iommu_type1_dma_unmap, flags, FLAGS, .known = 7),
		FIELD(vfio_iommu_type1_dma_unmap, iova, IOVA),
		FIELD(vfio_iommu_type1_dma_unmap, size, LENGTH))},
	{CONTAINER_CALL(VFIO_IOMMU_DIRTY_PAGES, vfio_iommu_type1_dirty_bitmap, flags),
	 FIELDS(ARGSZ(vfio_iommu_type1_dirty_bitmap),
		FIELD(vfio_iommu_type1_dirty_bitmap, flags, FLAGS, .usual = 1, .known = 7))},
};

const size_t fuzz_call_count = FUZZ_COUNT(fuzz_calls);
