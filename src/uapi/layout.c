/* SPDX-License-Identifier: MIT */
/*
 * Checks at compile time that the headers of the ABI have the ioctl numbers, sizes and offsets that
 * the specification gives. The values are written out on purpose: they are not derived from the
 * headers.
 */
#include <stddef.h>

#include "uapi/uapi.h"

#define ABI_IOCTL(name, value) _Static_assert((name) == (value), #name)
#define ABI_SIZE(type, bytes)  _Static_assert(sizeof(struct type) == (bytes), #type " size")
#define ABI_FIELD(type, field, offset, bytes)                                \
	_Static_assert(offsetof(struct type, field) == (offset) &&           \
			       sizeof(((struct type *)0)->field) == (bytes), \
		       #type "." #field)
/* A flexible array: bytes is the size of an element. */
#define ABI_ARRAY(type, field, offset, bytes) ABI_FIELD(type, field[0], offset, bytes)

/* iommufd-ioctls 1: numbers */

ABI_IOCTL(IOMMU_DESTROY, 0x3b80);
ABI_IOCTL(IOMMU_IOAS_ALLOC, 0x3b81);
ABI_IOCTL(IOMMU_IOAS_ALLOW_IOVAS, 0x3b82);
ABI_IOCTL(IOMMU_IOAS_COPY, 0x3b83);
ABI_IOCTL(IOMMU_IOAS_IOVA_RANGES, 0x3b84);
ABI_IOCTL(IOMMU_IOAS_MAP, 0x3b85);
ABI_IOCTL(IOMMU_IOAS_UNMAP, 0x3b86);
ABI_IOCTL(IOMMU_OPTION, 0x3b87);
ABI_IOCTL(IOMMU_VFIO_IOAS, 0x3b88);
ABI_IOCTL(IOMMU_HWPT_ALLOC, 0x3b89);
ABI_IOCTL(IOMMU_GET_HW_INFO, 0x3b8a);
ABI_IOCTL(IOMMU_HWPT_SET_DIRTY_TRACKING, 0x3b8b);
ABI_IOCTL(IOMMU_HWPT_GET_DIRTY_BITMAP, 0x3b8c);
ABI_IOCTL(IOMMU_HWPT_INVALIDATE, 0x3b8d);
ABI_IOCTL(IOMMU_FAULT_QUEUE_ALLOC, 0x3b8e);
ABI_IOCTL(IOMMU_IOAS_MAP_FILE, 0x3b8f);
ABI_IOCTL(IOMMU_VIOMMU_ALLOC, 0x3b90);
ABI_IOCTL(IOMMU_VDEVICE_ALLOC, 0x3b91);
ABI_IOCTL(IOMMU_IOAS_CHANGE_PROCESS, 0x3b92);
ABI_IOCTL(IOMMU_VEVENTQ_ALLOC, 0x3b93);
ABI_IOCTL(IOMMU_HW_QUEUE_ALLOC, 0x3b94);

/* iommufd-ioctls 2 to 23: structs */

ABI_SIZE(iommu_destroy, 8);
ABI_FIELD(iommu_destroy, size, 0, 4);
ABI_FIELD(iommu_destroy, id, 4, 4);

ABI_SIZE(iommu_ioas_alloc, 12);
ABI_FIELD(iommu_ioas_alloc, size, 0, 4);
ABI_FIELD(iommu_ioas_alloc, flags, 4, 4);
ABI_FIELD(iommu_ioas_alloc, out_ioas_id, 8, 4);

ABI_SIZE(iommu_iova_range, 16);
ABI_FIELD(iommu_iova_range, start, 0, 8);
ABI_FIELD(iommu_iova_range, last, 8, 8);

ABI_SIZE(iommu_ioas_iova_ranges, 32);
ABI_FIELD(iommu_ioas_iova_ranges, size, 0, 4);
ABI_FIELD(iommu_ioas_iova_ranges, ioas_id, 4, 4);
ABI_FIELD(iommu_ioas_iova_ranges, num_iovas, 8, 4);
ABI_FIELD(iommu_ioas_iova_ranges, __reserved, 12, 4);
ABI_FIELD(iommu_ioas_iova_ranges, allowed_iovas, 16, 8);
ABI_FIELD(iommu_ioas_iova_ranges, out_iova_alignment, 24, 8);

ABI_SIZE(iommu_ioas_allow_iovas, 24);
ABI_FIELD(iommu_ioas_allow_iovas, size, 0, 4);
ABI_FIELD(iommu_ioas_allow_iovas, ioas_id, 4, 4);
ABI_FIELD(iommu_ioas_allow_iovas, num_iovas, 8, 4);
ABI_FIELD(iommu_ioas_allow_iovas, __reserved, 12, 4);
ABI_FIELD(iommu_ioas_allow_iovas, allowed_iovas, 16, 8);

ABI_SIZE(iommu_ioas_map, 40);
ABI_FIELD(iommu_ioas_map, size, 0, 4);
ABI_FIELD(iommu_ioas_map, flags, 4, 4);
ABI_FIELD(iommu_ioas_map, ioas_id, 8, 4);
ABI_FIELD(iommu_ioas_map, __reserved, 12, 4);
ABI_FIELD(iommu_ioas_map, user_va, 16, 8);
ABI_FIELD(iommu_ioas_map, length, 24, 8);
ABI_FIELD(iommu_ioas_map, iova, 32, 8);

ABI_SIZE(iommu_ioas_map_file, 40);
ABI_FIELD(iommu_ioas_map_file, size, 0, 4);
ABI_FIELD(iommu_ioas_map_file, flags, 4, 4);
ABI_FIELD(iommu_ioas_map_file, ioas_id, 8, 4);
ABI_FIELD(iommu_ioas_map_file, fd, 12, 4);
ABI_FIELD(iommu_ioas_map_file, start, 16, 8);
ABI_FIELD(iommu_ioas_map_file, length, 24, 8);
ABI_FIELD(iommu_ioas_map_file, iova, 32, 8);

ABI_SIZE(iommu_ioas_copy, 40);
ABI_FIELD(iommu_ioas_copy, size, 0, 4);
ABI_FIELD(iommu_ioas_copy, flags, 4, 4);
ABI_FIELD(iommu_ioas_copy, dst_ioas_id, 8, 4);
ABI_FIELD(iommu_ioas_copy, src_ioas_id, 12, 4);
ABI_FIELD(iommu_ioas_copy, length, 16, 8);
ABI_FIELD(iommu_ioas_copy, dst_iova, 24, 8);
ABI_FIELD(iommu_ioas_copy, src_iova, 32, 8);

ABI_SIZE(iommu_ioas_unmap, 24);
ABI_FIELD(iommu_ioas_unmap, size, 0, 4);
ABI_FIELD(iommu_ioas_unmap, ioas_id, 4, 4);
ABI_FIELD(iommu_ioas_unmap, iova, 8, 8);
ABI_FIELD(iommu_ioas_unmap, length, 16, 8);

ABI_SIZE(iommu_option, 24);
ABI_FIELD(iommu_option, size, 0, 4);
ABI_FIELD(iommu_option, option_id, 4, 4);
ABI_FIELD(iommu_option, op, 8, 2);
ABI_FIELD(iommu_option, __reserved, 10, 2);
ABI_FIELD(iommu_option, object_id, 12, 4);
ABI_FIELD(iommu_option, val64, 16, 8);

ABI_SIZE(iommu_vfio_ioas, 12);
ABI_FIELD(iommu_vfio_ioas, size, 0, 4);
ABI_FIELD(iommu_vfio_ioas, ioas_id, 4, 4);
ABI_FIELD(iommu_vfio_ioas, op, 8, 2);
ABI_FIELD(iommu_vfio_ioas, __reserved, 10, 2);

ABI_SIZE(iommu_ioas_change_process, 8);
ABI_FIELD(iommu_ioas_change_process, size, 0, 4);
ABI_FIELD(iommu_ioas_change_process, __reserved, 4, 4);

ABI_SIZE(iommu_hw_info, 40);
ABI_FIELD(iommu_hw_info, size, 0, 4);
ABI_FIELD(iommu_hw_info, flags, 4, 4);
ABI_FIELD(iommu_hw_info, dev_id, 8, 4);
ABI_FIELD(iommu_hw_info, data_len, 12, 4);
ABI_FIELD(iommu_hw_info, data_uptr, 16, 8);
ABI_FIELD(iommu_hw_info, in_data_type, 24, 4);
ABI_FIELD(iommu_hw_info, out_data_type, 24, 4);
ABI_FIELD(iommu_hw_info, out_max_pasid_log2, 28, 1);
ABI_FIELD(iommu_hw_info, __reserved, 29, 3);
ABI_FIELD(iommu_hw_info, out_capabilities, 32, 8);

ABI_SIZE(iommu_hwpt_alloc, 48);
ABI_FIELD(iommu_hwpt_alloc, size, 0, 4);
ABI_FIELD(iommu_hwpt_alloc, flags, 4, 4);
ABI_FIELD(iommu_hwpt_alloc, dev_id, 8, 4);
ABI_FIELD(iommu_hwpt_alloc, pt_id, 12, 4);
ABI_FIELD(iommu_hwpt_alloc, out_hwpt_id, 16, 4);
ABI_FIELD(iommu_hwpt_alloc, __reserved, 20, 4);
ABI_FIELD(iommu_hwpt_alloc, data_type, 24, 4);
ABI_FIELD(iommu_hwpt_alloc, data_len, 28, 4);
ABI_FIELD(iommu_hwpt_alloc, data_uptr, 32, 8);
ABI_FIELD(iommu_hwpt_alloc, fault_id, 40, 4);
ABI_FIELD(iommu_hwpt_alloc, __reserved2, 44, 4);

ABI_SIZE(iommu_hwpt_set_dirty_tracking, 16);
ABI_FIELD(iommu_hwpt_set_dirty_tracking, size, 0, 4);
ABI_FIELD(iommu_hwpt_set_dirty_tracking, flags, 4, 4);
ABI_FIELD(iommu_hwpt_set_dirty_tracking, hwpt_id, 8, 4);
ABI_FIELD(iommu_hwpt_set_dirty_tracking, __reserved, 12, 4);

ABI_SIZE(iommu_hwpt_get_dirty_bitmap, 48);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, size, 0, 4);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, hwpt_id, 4, 4);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, flags, 8, 4);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, __reserved, 12, 4);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, iova, 16, 8);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, length, 24, 8);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, page_size, 32, 8);
ABI_FIELD(iommu_hwpt_get_dirty_bitmap, data, 40, 8);

ABI_SIZE(iommu_hwpt_invalidate, 32);
ABI_FIELD(iommu_hwpt_invalidate, size, 0, 4);
ABI_FIELD(iommu_hwpt_invalidate, hwpt_id, 4, 4);
ABI_FIELD(iommu_hwpt_invalidate, data_uptr, 8, 8);
ABI_FIELD(iommu_hwpt_invalidate, data_type, 16, 4);
ABI_FIELD(iommu_hwpt_invalidate, entry_len, 20, 4);
ABI_FIELD(iommu_hwpt_invalidate, entry_num, 24, 4);
ABI_FIELD(iommu_hwpt_invalidate, __reserved, 28, 4);

ABI_SIZE(iommu_fault_alloc, 16);
ABI_FIELD(iommu_fault_alloc, size, 0, 4);
ABI_FIELD(iommu_fault_alloc, flags, 4, 4);
ABI_FIELD(iommu_fault_alloc, out_fault_id, 8, 4);
ABI_FIELD(iommu_fault_alloc, out_fault_fd, 12, 4);

ABI_SIZE(iommu_hwpt_pgfault, 40);
ABI_FIELD(iommu_hwpt_pgfault, flags, 0, 4);
ABI_FIELD(iommu_hwpt_pgfault, dev_id, 4, 4);
ABI_FIELD(iommu_hwpt_pgfault, pasid, 8, 4);
ABI_FIELD(iommu_hwpt_pgfault, grpid, 12, 4);
ABI_FIELD(iommu_hwpt_pgfault, perm, 16, 4);
ABI_FIELD(iommu_hwpt_pgfault, __reserved, 20, 4);
ABI_FIELD(iommu_hwpt_pgfault, addr, 24, 8);
ABI_FIELD(iommu_hwpt_pgfault, length, 32, 4);
ABI_FIELD(iommu_hwpt_pgfault, cookie, 36, 4);

ABI_SIZE(iommu_hwpt_page_response, 8);
ABI_FIELD(iommu_hwpt_page_response, cookie, 0, 4);
ABI_FIELD(iommu_hwpt_page_response, code, 4, 4);

ABI_SIZE(iommu_viommu_alloc, 40);
ABI_FIELD(iommu_viommu_alloc, size, 0, 4);
ABI_FIELD(iommu_viommu_alloc, flags, 4, 4);
ABI_FIELD(iommu_viommu_alloc, type, 8, 4);
ABI_FIELD(iommu_viommu_alloc, dev_id, 12, 4);
ABI_FIELD(iommu_viommu_alloc, hwpt_id, 16, 4);
ABI_FIELD(iommu_viommu_alloc, out_viommu_id, 20, 4);
ABI_FIELD(iommu_viommu_alloc, data_len, 24, 4);
ABI_FIELD(iommu_viommu_alloc, __reserved, 28, 4);
ABI_FIELD(iommu_viommu_alloc, data_uptr, 32, 8);

ABI_SIZE(iommu_vdevice_alloc, 24);
ABI_FIELD(iommu_vdevice_alloc, size, 0, 4);
ABI_FIELD(iommu_vdevice_alloc, viommu_id, 4, 4);
ABI_FIELD(iommu_vdevice_alloc, dev_id, 8, 4);
ABI_FIELD(iommu_vdevice_alloc, out_vdevice_id, 12, 4);
ABI_FIELD(iommu_vdevice_alloc, virt_id, 16, 8);

ABI_SIZE(iommu_veventq_alloc, 32);
ABI_FIELD(iommu_veventq_alloc, size, 0, 4);
ABI_FIELD(iommu_veventq_alloc, flags, 4, 4);
ABI_FIELD(iommu_veventq_alloc, viommu_id, 8, 4);
ABI_FIELD(iommu_veventq_alloc, type, 12, 4);
ABI_FIELD(iommu_veventq_alloc, veventq_depth, 16, 4);
ABI_FIELD(iommu_veventq_alloc, out_veventq_id, 20, 4);
ABI_FIELD(iommu_veventq_alloc, out_veventq_fd, 24, 4);
ABI_FIELD(iommu_veventq_alloc, __reserved, 28, 4);

ABI_SIZE(iommufd_vevent_header, 8);
ABI_FIELD(iommufd_vevent_header, flags, 0, 4);
ABI_FIELD(iommufd_vevent_header, sequence, 4, 4);

ABI_SIZE(iommu_hw_queue_alloc, 40);
ABI_FIELD(iommu_hw_queue_alloc, size, 0, 4);
ABI_FIELD(iommu_hw_queue_alloc, flags, 4, 4);
ABI_FIELD(iommu_hw_queue_alloc, viommu_id, 8, 4);
ABI_FIELD(iommu_hw_queue_alloc, type, 12, 4);
ABI_FIELD(iommu_hw_queue_alloc, index, 16, 4);
ABI_FIELD(iommu_hw_queue_alloc, out_hw_queue_id, 20, 4);
ABI_FIELD(iommu_hw_queue_alloc, nesting_parent_iova, 24, 8);
ABI_FIELD(iommu_hw_queue_alloc, length, 32, 8);

/* iommufd-ioctls 26: vendor data */

ABI_SIZE(iommu_hw_info_vtd, 24);
ABI_FIELD(iommu_hw_info_vtd, flags, 0, 4);
ABI_FIELD(iommu_hw_info_vtd, __reserved, 4, 4);
ABI_FIELD(iommu_hw_info_vtd, cap_reg, 8, 8);
ABI_FIELD(iommu_hw_info_vtd, ecap_reg, 16, 8);

ABI_SIZE(iommu_hw_info_arm_smmuv3, 40);
ABI_FIELD(iommu_hw_info_arm_smmuv3, flags, 0, 4);
ABI_FIELD(iommu_hw_info_arm_smmuv3, __reserved, 4, 4);
ABI_FIELD(iommu_hw_info_arm_smmuv3, idr, 8, 24);
ABI_FIELD(iommu_hw_info_arm_smmuv3, iidr, 32, 4);
ABI_FIELD(iommu_hw_info_arm_smmuv3, aidr, 36, 4);

ABI_SIZE(iommu_hw_info_tegra241_cmdqv, 8);
ABI_FIELD(iommu_hw_info_tegra241_cmdqv, flags, 0, 4);
ABI_FIELD(iommu_hw_info_tegra241_cmdqv, version, 4, 1);
ABI_FIELD(iommu_hw_info_tegra241_cmdqv, log2vcmdqs, 5, 1);
ABI_FIELD(iommu_hw_info_tegra241_cmdqv, log2vsids, 6, 1);
ABI_FIELD(iommu_hw_info_tegra241_cmdqv, __reserved, 7, 1);

ABI_SIZE(iommu_hw_info_amd, 16);
ABI_FIELD(iommu_hw_info_amd, efr, 0, 8);
ABI_FIELD(iommu_hw_info_amd, efr2, 8, 8);

ABI_SIZE(iommu_hwpt_vtd_s1, 24);
ABI_FIELD(iommu_hwpt_vtd_s1, flags, 0, 8);
ABI_FIELD(iommu_hwpt_vtd_s1, pgtbl_addr, 8, 8);
ABI_FIELD(iommu_hwpt_vtd_s1, addr_width, 16, 4);
ABI_FIELD(iommu_hwpt_vtd_s1, __reserved, 20, 4);

ABI_SIZE(iommu_hwpt_arm_smmuv3, 16);
ABI_FIELD(iommu_hwpt_arm_smmuv3, ste, 0, 16);

ABI_SIZE(iommu_hwpt_amd_guest, 32);
ABI_FIELD(iommu_hwpt_amd_guest, dte, 0, 32);

ABI_SIZE(iommu_hwpt_vtd_s1_invalidate, 24);
ABI_FIELD(iommu_hwpt_vtd_s1_invalidate, addr, 0, 8);
ABI_FIELD(iommu_hwpt_vtd_s1_invalidate, npages, 8, 8);
ABI_FIELD(iommu_hwpt_vtd_s1_invalidate, flags, 16, 4);
ABI_FIELD(iommu_hwpt_vtd_s1_invalidate, __reserved, 20, 4);

ABI_SIZE(iommu_viommu_arm_smmuv3_invalidate, 16);
ABI_FIELD(iommu_viommu_arm_smmuv3_invalidate, cmd, 0, 16);

ABI_SIZE(iommu_viommu_tegra241_cmdqv, 16);
ABI_FIELD(iommu_viommu_tegra241_cmdqv, out_vintf_mmap_offset, 0, 8);
ABI_FIELD(iommu_viommu_tegra241_cmdqv, out_vintf_mmap_length, 8, 8);

ABI_SIZE(iommu_vevent_arm_smmuv3, 32);
ABI_FIELD(iommu_vevent_arm_smmuv3, evt, 0, 32);

ABI_SIZE(iommu_vevent_tegra241_cmdqv, 16);
ABI_FIELD(iommu_vevent_tegra241_cmdqv, lvcmdq_err_map, 0, 16);

/* vfio-device-ioctls 2, 12, 13: numbers */

ABI_IOCTL(VFIO_GET_API_VERSION, 0x3b64);
ABI_IOCTL(VFIO_CHECK_EXTENSION, 0x3b65);
ABI_IOCTL(VFIO_SET_IOMMU, 0x3b66);
ABI_IOCTL(VFIO_GROUP_GET_STATUS, 0x3b67);
ABI_IOCTL(VFIO_GROUP_SET_CONTAINER, 0x3b68);
ABI_IOCTL(VFIO_GROUP_UNSET_CONTAINER, 0x3b69);
ABI_IOCTL(VFIO_GROUP_GET_DEVICE_FD, 0x3b6a);
ABI_IOCTL(VFIO_DEVICE_GET_INFO, 0x3b6b);
ABI_IOCTL(VFIO_DEVICE_GET_REGION_INFO, 0x3b6c);
ABI_IOCTL(VFIO_DEVICE_GET_IRQ_INFO, 0x3b6d);
ABI_IOCTL(VFIO_DEVICE_SET_IRQS, 0x3b6e);
ABI_IOCTL(VFIO_DEVICE_RESET, 0x3b6f);
ABI_IOCTL(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 0x3b70);
ABI_IOCTL(VFIO_DEVICE_PCI_HOT_RESET, 0x3b71);
ABI_IOCTL(VFIO_DEVICE_IOEVENTFD, 0x3b74);
ABI_IOCTL(VFIO_DEVICE_FEATURE, 0x3b75);
ABI_IOCTL(VFIO_DEVICE_BIND_IOMMUFD, 0x3b76);
ABI_IOCTL(VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0x3b77);
ABI_IOCTL(VFIO_DEVICE_DETACH_IOMMUFD_PT, 0x3b78);
ABI_IOCTL(VFIO_IOMMU_GET_INFO, 0x3b70);
ABI_IOCTL(VFIO_IOMMU_MAP_DMA, 0x3b71);
ABI_IOCTL(VFIO_IOMMU_UNMAP_DMA, 0x3b72);
ABI_IOCTL(VFIO_IOMMU_DIRTY_PAGES, 0x3b75);

/* vfio-device-ioctls 3 to 13: structs */

ABI_SIZE(vfio_info_cap_header, 8);
ABI_FIELD(vfio_info_cap_header, id, 0, 2);
ABI_FIELD(vfio_info_cap_header, version, 2, 2);
ABI_FIELD(vfio_info_cap_header, next, 4, 4);

ABI_SIZE(vfio_group_status, 8);
ABI_FIELD(vfio_group_status, argsz, 0, 4);
ABI_FIELD(vfio_group_status, flags, 4, 4);

ABI_SIZE(vfio_device_bind_iommufd, 24);
ABI_FIELD(vfio_device_bind_iommufd, argsz, 0, 4);
ABI_FIELD(vfio_device_bind_iommufd, flags, 4, 4);
ABI_FIELD(vfio_device_bind_iommufd, iommufd, 8, 4);
ABI_FIELD(vfio_device_bind_iommufd, out_devid, 12, 4);
ABI_FIELD(vfio_device_bind_iommufd, token_uuid_ptr, 16, 8);

ABI_SIZE(vfio_device_attach_iommufd_pt, 16);
ABI_FIELD(vfio_device_attach_iommufd_pt, argsz, 0, 4);
ABI_FIELD(vfio_device_attach_iommufd_pt, flags, 4, 4);
ABI_FIELD(vfio_device_attach_iommufd_pt, pt_id, 8, 4);
ABI_FIELD(vfio_device_attach_iommufd_pt, pasid, 12, 4);

ABI_SIZE(vfio_device_detach_iommufd_pt, 12);
ABI_FIELD(vfio_device_detach_iommufd_pt, argsz, 0, 4);
ABI_FIELD(vfio_device_detach_iommufd_pt, flags, 4, 4);
ABI_FIELD(vfio_device_detach_iommufd_pt, pasid, 8, 4);

ABI_SIZE(vfio_device_info, 24);
ABI_FIELD(vfio_device_info, argsz, 0, 4);
ABI_FIELD(vfio_device_info, flags, 4, 4);
ABI_FIELD(vfio_device_info, num_regions, 8, 4);
ABI_FIELD(vfio_device_info, num_irqs, 12, 4);
ABI_FIELD(vfio_device_info, cap_offset, 16, 4);
ABI_FIELD(vfio_device_info, pad, 20, 4);

ABI_SIZE(vfio_device_info_cap_pci_atomic_comp, 16);
ABI_FIELD(vfio_device_info_cap_pci_atomic_comp, header, 0, 8);
ABI_FIELD(vfio_device_info_cap_pci_atomic_comp, flags, 8, 4);

ABI_SIZE(vfio_region_info, 32);
ABI_FIELD(vfio_region_info, argsz, 0, 4);
ABI_FIELD(vfio_region_info, flags, 4, 4);
ABI_FIELD(vfio_region_info, index, 8, 4);
ABI_FIELD(vfio_region_info, cap_offset, 12, 4);
ABI_FIELD(vfio_region_info, size, 16, 8);
ABI_FIELD(vfio_region_info, offset, 24, 8);

ABI_SIZE(vfio_region_sparse_mmap_area, 16);
ABI_FIELD(vfio_region_sparse_mmap_area, offset, 0, 8);
ABI_FIELD(vfio_region_sparse_mmap_area, size, 8, 8);

ABI_SIZE(vfio_region_info_cap_sparse_mmap, 16);
ABI_FIELD(vfio_region_info_cap_sparse_mmap, header, 0, 8);
ABI_FIELD(vfio_region_info_cap_sparse_mmap, nr_areas, 8, 4);
ABI_FIELD(vfio_region_info_cap_sparse_mmap, reserved, 12, 4);
ABI_ARRAY(vfio_region_info_cap_sparse_mmap, areas, 16, 16);

ABI_SIZE(vfio_region_info_cap_type, 16);
ABI_FIELD(vfio_region_info_cap_type, header, 0, 8);
ABI_FIELD(vfio_region_info_cap_type, type, 8, 4);
ABI_FIELD(vfio_region_info_cap_type, subtype, 12, 4);

ABI_SIZE(vfio_irq_info, 16);
ABI_FIELD(vfio_irq_info, argsz, 0, 4);
ABI_FIELD(vfio_irq_info, flags, 4, 4);
ABI_FIELD(vfio_irq_info, index, 8, 4);
ABI_FIELD(vfio_irq_info, count, 12, 4);

ABI_SIZE(vfio_irq_set, 20);
ABI_FIELD(vfio_irq_set, argsz, 0, 4);
ABI_FIELD(vfio_irq_set, flags, 4, 4);
ABI_FIELD(vfio_irq_set, index, 8, 4);
ABI_FIELD(vfio_irq_set, start, 12, 4);
ABI_FIELD(vfio_irq_set, count, 16, 4);
ABI_ARRAY(vfio_irq_set, data, 20, 1);

ABI_SIZE(vfio_pci_dependent_device, 8);
ABI_FIELD(vfio_pci_dependent_device, group_id, 0, 4);
ABI_FIELD(vfio_pci_dependent_device, devid, 0, 4);
ABI_FIELD(vfio_pci_dependent_device, segment, 4, 2);
ABI_FIELD(vfio_pci_dependent_device, bus, 6, 1);
ABI_FIELD(vfio_pci_dependent_device, devfn, 7, 1);

ABI_SIZE(vfio_pci_hot_reset_info, 12);
ABI_FIELD(vfio_pci_hot_reset_info, argsz, 0, 4);
ABI_FIELD(vfio_pci_hot_reset_info, flags, 4, 4);
ABI_FIELD(vfio_pci_hot_reset_info, count, 8, 4);
ABI_ARRAY(vfio_pci_hot_reset_info, devices, 12, 8);

ABI_SIZE(vfio_pci_hot_reset, 12);
ABI_FIELD(vfio_pci_hot_reset, argsz, 0, 4);
ABI_FIELD(vfio_pci_hot_reset, flags, 4, 4);
ABI_FIELD(vfio_pci_hot_reset, count, 8, 4);
ABI_ARRAY(vfio_pci_hot_reset, group_fds, 12, 4);

ABI_SIZE(vfio_device_ioeventfd, 32);
ABI_FIELD(vfio_device_ioeventfd, argsz, 0, 4);
ABI_FIELD(vfio_device_ioeventfd, flags, 4, 4);
ABI_FIELD(vfio_device_ioeventfd, offset, 8, 8);
ABI_FIELD(vfio_device_ioeventfd, data, 16, 8);
ABI_FIELD(vfio_device_ioeventfd, fd, 24, 4);
ABI_FIELD(vfio_device_ioeventfd, reserved, 28, 4);

ABI_SIZE(vfio_device_feature, 8);
ABI_FIELD(vfio_device_feature, argsz, 0, 4);
ABI_FIELD(vfio_device_feature, flags, 4, 4);
ABI_ARRAY(vfio_device_feature, data, 8, 1);

ABI_SIZE(vfio_device_low_power_entry_with_wakeup, 8);
ABI_FIELD(vfio_device_low_power_entry_with_wakeup, wakeup_eventfd, 0, 4);
ABI_FIELD(vfio_device_low_power_entry_with_wakeup, reserved, 4, 4);

ABI_SIZE(vfio_region_dma_range, 16);
ABI_FIELD(vfio_region_dma_range, offset, 0, 8);
ABI_FIELD(vfio_region_dma_range, length, 8, 8);

ABI_SIZE(vfio_device_feature_dma_buf, 16);
ABI_FIELD(vfio_device_feature_dma_buf, region_index, 0, 4);
ABI_FIELD(vfio_device_feature_dma_buf, open_flags, 4, 4);
ABI_FIELD(vfio_device_feature_dma_buf, flags, 8, 4);
ABI_FIELD(vfio_device_feature_dma_buf, nr_ranges, 12, 4);
ABI_ARRAY(vfio_device_feature_dma_buf, dma_ranges, 16, 16);

ABI_SIZE(vfio_iommu_type1_info, 24);
ABI_FIELD(vfio_iommu_type1_info, argsz, 0, 4);
ABI_FIELD(vfio_iommu_type1_info, flags, 4, 4);
ABI_FIELD(vfio_iommu_type1_info, iova_pgsizes, 8, 8);
ABI_FIELD(vfio_iommu_type1_info, cap_offset, 16, 4);
ABI_FIELD(vfio_iommu_type1_info, pad, 20, 4);

ABI_SIZE(vfio_iova_range, 16);
ABI_FIELD(vfio_iova_range, start, 0, 8);
ABI_FIELD(vfio_iova_range, end, 8, 8);

ABI_SIZE(vfio_iommu_type1_info_cap_iova_range, 16);
ABI_FIELD(vfio_iommu_type1_info_cap_iova_range, header, 0, 8);
ABI_FIELD(vfio_iommu_type1_info_cap_iova_range, nr_iovas, 8, 4);
ABI_FIELD(vfio_iommu_type1_info_cap_iova_range, reserved, 12, 4);
ABI_ARRAY(vfio_iommu_type1_info_cap_iova_range, iova_ranges, 16, 16);

ABI_SIZE(vfio_iommu_type1_info_dma_avail, 12);
ABI_FIELD(vfio_iommu_type1_info_dma_avail, header, 0, 8);
ABI_FIELD(vfio_iommu_type1_info_dma_avail, avail, 8, 4);

ABI_SIZE(vfio_iommu_type1_dma_map, 32);
ABI_FIELD(vfio_iommu_type1_dma_map, argsz, 0, 4);
ABI_FIELD(vfio_iommu_type1_dma_map, flags, 4, 4);
ABI_FIELD(vfio_iommu_type1_dma_map, vaddr, 8, 8);
ABI_FIELD(vfio_iommu_type1_dma_map, iova, 16, 8);
ABI_FIELD(vfio_iommu_type1_dma_map, size, 24, 8);

ABI_SIZE(vfio_iommu_type1_dma_unmap, 24);
ABI_FIELD(vfio_iommu_type1_dma_unmap, argsz, 0, 4);
ABI_FIELD(vfio_iommu_type1_dma_unmap, flags, 4, 4);
ABI_FIELD(vfio_iommu_type1_dma_unmap, iova, 8, 8);
ABI_FIELD(vfio_iommu_type1_dma_unmap, size, 16, 8);

/* iommufd-test-abi 1: the command */

ABI_IOCTL(IOMMU_TEST_CMD, 0x3ba0);

ABI_SIZE(iommu_test_cmd, 72);
ABI_FIELD(iommu_test_cmd, size, 0, 4);
ABI_FIELD(iommu_test_cmd, op, 4, 4);
ABI_FIELD(iommu_test_cmd, id, 8, 4);
ABI_FIELD(iommu_test_cmd, __reserved, 12, 4);
ABI_FIELD(iommu_test_cmd, last, 64, 4);
ABI_FIELD(iommu_test_cmd, add_reserved.start, 16, 8);
ABI_FIELD(iommu_test_cmd, add_reserved.length, 24, 8);
ABI_FIELD(iommu_test_cmd, mock_domain.out_stdev_id, 16, 4);
ABI_FIELD(iommu_test_cmd, mock_domain.out_hwpt_id, 20, 4);
ABI_FIELD(iommu_test_cmd, mock_domain.out_idev_id, 24, 4);
ABI_FIELD(iommu_test_cmd, mock_domain_flags.out_stdev_id, 16, 4);
ABI_FIELD(iommu_test_cmd, mock_domain_flags.out_hwpt_id, 20, 4);
ABI_FIELD(iommu_test_cmd, mock_domain_flags.out_idev_id, 24, 4);
ABI_FIELD(iommu_test_cmd, mock_domain_flags.dev_flags, 28, 4);
ABI_FIELD(iommu_test_cmd, check_map.iova, 16, 8);
ABI_FIELD(iommu_test_cmd, check_map.length, 24, 8);
ABI_FIELD(iommu_test_cmd, check_map.uptr, 32, 8);
ABI_FIELD(iommu_test_cmd, check_refs.length, 16, 8);
ABI_FIELD(iommu_test_cmd, check_refs.uptr, 24, 8);
ABI_FIELD(iommu_test_cmd, check_refs.refs, 32, 4);
ABI_FIELD(iommu_test_cmd, create_access.out_access_fd, 16, 4);
ABI_FIELD(iommu_test_cmd, create_access.flags, 20, 4);
ABI_FIELD(iommu_test_cmd, destroy_access_pages.access_pages_id, 16, 4);
ABI_FIELD(iommu_test_cmd, access_pages.flags, 16, 4);
ABI_FIELD(iommu_test_cmd, access_pages.out_access_pages_id, 20, 4);
ABI_FIELD(iommu_test_cmd, access_pages.iova, 24, 8);
ABI_FIELD(iommu_test_cmd, access_pages.length, 32, 8);
ABI_FIELD(iommu_test_cmd, access_pages.uptr, 40, 8);
ABI_FIELD(iommu_test_cmd, access_rw.iova, 16, 8);
ABI_FIELD(iommu_test_cmd, access_rw.length, 24, 8);
ABI_FIELD(iommu_test_cmd, access_rw.uptr, 32, 8);
ABI_FIELD(iommu_test_cmd, access_rw.flags, 40, 4);
ABI_FIELD(iommu_test_cmd, memory_limit.limit, 16, 4);
ABI_FIELD(iommu_test_cmd, mock_domain_replace.pt_id, 16, 4);
ABI_FIELD(iommu_test_cmd, access_replace_ioas.ioas_id, 16, 4);
ABI_FIELD(iommu_test_cmd, dirty.flags, 16, 4);
ABI_FIELD(iommu_test_cmd, dirty.iova, 24, 8);
ABI_FIELD(iommu_test_cmd, dirty.length, 32, 8);
ABI_FIELD(iommu_test_cmd, dirty.page_size, 40, 8);
ABI_FIELD(iommu_test_cmd, dirty.uptr, 48, 8);
ABI_FIELD(iommu_test_cmd, dirty.out_nr_dirty, 56, 8);
ABI_FIELD(iommu_test_cmd, check_iotlb.id, 16, 4);
ABI_FIELD(iommu_test_cmd, check_iotlb.iotlb, 20, 4);
ABI_FIELD(iommu_test_cmd, trigger_iopf.dev_id, 16, 4);
ABI_FIELD(iommu_test_cmd, trigger_iopf.pasid, 20, 4);
ABI_FIELD(iommu_test_cmd, trigger_iopf.grpid, 24, 4);
ABI_FIELD(iommu_test_cmd, trigger_iopf.perm, 28, 4);
ABI_FIELD(iommu_test_cmd, trigger_iopf.addr, 32, 8);
ABI_FIELD(iommu_test_cmd, check_dev_cache.id, 16, 4);
ABI_FIELD(iommu_test_cmd, check_dev_cache.cache, 20, 4);
ABI_FIELD(iommu_test_cmd, trigger_vevent.dev_id, 16, 4);
ABI_FIELD(iommu_test_cmd, pasid_attach.pasid, 16, 4);
ABI_FIELD(iommu_test_cmd, pasid_attach.pt_id, 20, 4);
ABI_FIELD(iommu_test_cmd, pasid_replace.pasid, 16, 4);
ABI_FIELD(iommu_test_cmd, pasid_replace.pt_id, 20, 4);
ABI_FIELD(iommu_test_cmd, pasid_detach.pasid, 16, 4);
ABI_FIELD(iommu_test_cmd, pasid_check.pasid, 16, 4);
ABI_FIELD(iommu_test_cmd, pasid_check.hwpt_id, 20, 4);
ABI_FIELD(iommu_test_cmd, dmabuf_get.length, 16, 4);
ABI_FIELD(iommu_test_cmd, dmabuf_get.open_flags, 20, 4);
ABI_FIELD(iommu_test_cmd, dmabuf_revoke.dmabuf_fd, 16, 4);
ABI_FIELD(iommu_test_cmd, dmabuf_revoke.revoked, 20, 4);

/* iommufd-test-abi 2: structs */

ABI_SIZE(iommu_test_hw_info, 8);
ABI_FIELD(iommu_test_hw_info, flags, 0, 4);
ABI_FIELD(iommu_test_hw_info, test_reg, 4, 4);

ABI_SIZE(iommu_hwpt_selftest, 8);
ABI_FIELD(iommu_hwpt_selftest, iotlb, 0, 4);
ABI_FIELD(iommu_hwpt_selftest, pagetable_type, 4, 4);

ABI_SIZE(iommu_hwpt_invalidate_selftest, 8);
ABI_FIELD(iommu_hwpt_invalidate_selftest, flags, 0, 4);
ABI_FIELD(iommu_hwpt_invalidate_selftest, iotlb_id, 4, 4);

ABI_SIZE(iommu_viommu_selftest, 24);
ABI_FIELD(iommu_viommu_selftest, in_data, 0, 4);
ABI_FIELD(iommu_viommu_selftest, out_data, 4, 4);
ABI_FIELD(iommu_viommu_selftest, out_mmap_offset, 8, 8);
ABI_FIELD(iommu_viommu_selftest, out_mmap_length, 16, 8);

ABI_SIZE(iommu_viommu_invalidate_selftest, 12);
ABI_FIELD(iommu_viommu_invalidate_selftest, flags, 0, 4);
ABI_FIELD(iommu_viommu_invalidate_selftest, vdev_id, 4, 4);
ABI_FIELD(iommu_viommu_invalidate_selftest, cache_id, 8, 4);

ABI_SIZE(iommu_viommu_event_selftest, 4);
ABI_FIELD(iommu_viommu_event_selftest, virt_id, 0, 4);
