// SPDX-License-Identifier: MIT
/* Caches, events and page requests of mock devices (iommufd-test-abi.md 6, 8, 10). */
#include "selftest.h"

#define NEST	IOMMU_HWPT_ALLOC_NEST_PARENT
#define PASID	IOMMU_HWPT_ALLOC_PASID
#define ALL	IOMMU_TEST_INVALIDATE_FLAG_ALL
#define DEFAULT IOMMU_TEST_DEV_CACHE_DEFAULT
#define RECORD	12

/* A device with PASIDs on a parent, and a vIOMMU where it has a virtual id. */
struct scene {
	uint32_t ioas, parent, viommu, vdevice;
	struct stdev stdev;
};

static struct scene scene_new(struct abi *abi, uint64_t virt_id)
{
	struct scene s = {.ioas = abi_ioas(abi)};

	s.stdev = st_new_flags(abi, s.ioas, MOCK_FLAGS_DEVICE_PASID);
	s.parent = st_hwpt(abi, s.stdev.idev, s.ioas, NEST);
	ok(abi_viommu(abi, s.stdev.idev, s.parent, &s.viommu));
	ok(abi_vdevice(abi, s.viommu, s.stdev.idev, virt_id, &s.vdevice));
	return s;
}

static int invalidate(struct abi *abi, uint32_t id, const void *entries, uint32_t size,
		      uint32_t count)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = id,
		.data_uptr = ADDR(entries),
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_len = size,
		.entry_num = count,
	};

	return abi_ioctl(abi, IOMMU_HWPT_INVALIDATE, &cmd);
}

/* ---- words (6.2-6.4, 8.4, 8.5) ---- */

static void expect_iotlb(struct abi *abi, uint32_t hwpt, const uint32_t words[4])
{
	for (uint32_t i = 0; i < MOCK_NESTED_DOMAIN_IOTLB_NUM; i++) {
		ok(st_check_iotlb(abi, hwpt, i, words[i]));
		expect(st_check_iotlb(abi, hwpt, i, words[i] ^ 1), -EINVAL);
	}
	expect(st_check_iotlb(abi, hwpt, MOCK_NESTED_DOMAIN_IOTLB_ID_MAX + 1, words[0]), -EINVAL);
	expect(st_check_iotlb(abi, hwpt, ~0u, words[0]), -EINVAL);
}

static void invalidation_clears_words_of_a_nested_hwpt(struct abi *abi)
{
	static const struct iommu_hwpt_invalidate_selftest one = {.iotlb_id = 2},
							   all = {.flags = ALL};
	uint32_t ioas = abi_ioas(abi), nested;
	struct stdev stdev = st_new(abi, ioas);

	nested = st_nested(abi, stdev.idev, st_hwpt(abi, stdev.idev, ioas, NEST), 0, 42);
	expect_iotlb(abi, nested, (uint32_t[]){42, 42, 42, 42});
	ok(invalidate(abi, nested, &one, sizeof(one), 1));
	expect_iotlb(abi, nested, (uint32_t[]){42, 42, 0, 42});
	ok(invalidate(abi, nested, &all, sizeof(all), 1));
	expect_iotlb(abi, nested, (uint32_t[]){0, 0, 0, 0});
	expect(st_check_iotlb(abi, stdev.hwpt, 0, 0), -ENOENT);
}

static void expect_cache(struct abi *abi, uint32_t idev, const uint32_t words[4])
{
	for (uint32_t i = 0; i < MOCK_DEV_CACHE_NUM; i++) {
		ok(st_check_cache(abi, idev, i, words[i]));
		expect(st_check_cache(abi, idev, i, words[i] ^ 1), -EINVAL);
	}
	expect(st_check_cache(abi, idev, MOCK_DEV_CACHE_ID_MAX + 1, words[0]), -EINVAL);
}

static void invalidation_clears_words_of_a_device(struct abi *abi)
{
	struct scene s = scene_new(abi, 0x99);
	const struct iommu_viommu_invalidate_selftest entries[] = {
		{.vdev_id = 0x99, .cache_id = 1},
		{.flags = ALL, .vdev_id = 0x99},
		{.vdev_id = 0x98},
	};
	struct stdev other = st_new(abi, s.ioas);

	expect_cache(abi, s.stdev.idev, (uint32_t[]){DEFAULT, DEFAULT, DEFAULT, DEFAULT});
	expect(invalidate(abi, s.viommu, &entries[2], sizeof(entries[2]), 1), -EINVAL);
	ok(invalidate(abi, s.viommu, &entries[0], sizeof(entries[0]), 1));
	expect_cache(abi, s.stdev.idev, (uint32_t[]){DEFAULT, 0, DEFAULT, DEFAULT});
	ok(invalidate(abi, s.viommu, entries, sizeof(entries[0]), 2));
	expect_cache(abi, s.stdev.idev, (uint32_t[]){0, 0, 0, 0});
	expect_cache(abi, other.idev, (uint32_t[]){DEFAULT, DEFAULT, DEFAULT, DEFAULT});
}

/* ---- events (8.3, 8.6) ---- */

static void expect_event(struct abi *abi, int fd, uint32_t sequence, uint32_t virt_id)
{
	uint32_t record[3] = {~0u, ~0u, ~0u};

	expect(swiommu_read(abi->machine, fd, record, RECORD), RECORD);
	assert_int_equal(record[0], 0);
	assert_int_equal(record[1], sequence);
	assert_int_equal(record[2], virt_id);
}

static void an_event_has_the_virtual_id(struct abi *abi)
{
	struct scene s = scene_new(abi, 0x100000099);
	uint32_t record[3], idev = s.stdev.idev;
	int fd;

	/* Attached through no vIOMMU. */
	expect(st_trigger_vevent(abi, idev), -ENOENT);
	ok(st_replace_by(abi, s.stdev.id, st_nested(abi, idev, s.parent, 0, 0)));
	expect(st_trigger_vevent(abi, idev), -ENOENT);
	ok(st_replace_by(abi, s.stdev.id, st_nested(abi, idev, s.viommu, 0, 0)));
	/* Nobody takes it. */
	expect(st_trigger_vevent(abi, idev), -EOPNOTSUPP);
	fd = st_veventq(abi, s.viommu, 1);
	ok(st_trigger_vevent(abi, idev));
	expect_event(abi, fd, 0, 0x99);
	/* The second is lost: the header of a loss, alone. */
	ok(st_trigger_vevent(abi, idev));
	ok(st_trigger_vevent(abi, idev));
	expect_event(abi, fd, 1, 0x99);
	expect(swiommu_read(abi->machine, fd, record, sizeof(record)), 8);
	assert_int_equal(record[0], IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	assert_int_equal(record[1], 2);
	ok(st_replace_by(abi, s.stdev.id, s.ioas));
	expect(st_trigger_vevent(abi, idev), -ENOENT);
}

static void virtual_id_0_sends_no_events(struct abi *abi)
{
	struct scene s = scene_new(abi, 0);

	st_veventq(abi, s.viommu, 1);
	ok(st_replace_by(abi, s.stdev.id, st_nested(abi, s.stdev.idev, s.viommu, 0, 0)));
	expect(st_trigger_vevent(abi, s.stdev.idev), -ENOENT);
}

/* 8.3: what is recorded at the attach stays, also for another nested HWPT of the vIOMMU. */
static void the_record_changes_with_the_viommu_only(struct abi *abi)
{
	struct scene s = scene_new(abi, 5);
	int fd = st_veventq(abi, s.viommu, 4);
	uint32_t idev = s.stdev.idev, first, second;

	first = st_nested(abi, idev, s.viommu, 0, 0);
	second = st_nested(abi, idev, s.viommu, 0, 0);
	ok(st_replace_by(abi, s.stdev.id, first));
	ok(abi_destroy(abi, s.vdevice));
	ok(st_trigger_vevent(abi, idev));
	expect_event(abi, fd, 0, 5);
	/* The look-up is still made. */
	expect(st_replace_by(abi, s.stdev.id, second), -ENOENT);
	ok(abi_vdevice(abi, s.viommu, idev, 6, &s.vdevice));
	ok(st_replace_by(abi, s.stdev.id, second));
	ok(st_trigger_vevent(abi, idev));
	expect_event(abi, fd, 1, 5);
	ok(st_replace_by(abi, s.stdev.id, s.ioas));
	ok(st_replace_by(abi, s.stdev.id, first));
	ok(st_trigger_vevent(abi, idev));
	expect_event(abi, fd, 2, 6);
}

/* ---- page requests (10) ---- */

/* The request is the next message, or (`arrives` false) there is none. */
static void expect_request(struct abi *abi, int fd, uint32_t idev, uint32_t pasid, bool arrives)
{
	struct iommu_hwpt_pgfault message;
	struct iommu_hwpt_page_response response = {.code = IOMMUFD_PAGE_RESP_SUCCESS};

	ok(st_trigger_iopf(abi, idev, pasid));
	expect(swiommu_read(abi->machine, fd, &message, sizeof(message)),
	       arrives ? (long)sizeof(message) : 0);
	if (!arrives)
		return;
	assert_int_equal(message.flags, IOMMU_PGFAULT_FLAGS_LAST_PAGE |
						(pasid ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0u));
	assert_int_equal(message.dev_id, idev);
	assert_int_equal(message.pasid, pasid);
	assert_int_equal(message.grpid, 0x1234);
	assert_int_equal(message.perm, 0x2);
	assert_int_equal(message.addr, 0xdeadbeaf000);
	response.cookie = message.cookie;
	expect(swiommu_write(abi->machine, fd, &response, sizeof(response)), sizeof(response));
}

static void requests_go_to_the_attachment_they_concern(struct abi *abi)
{
	struct scene s = scene_new(abi, 1);
	uint32_t idev = s.stdev.idev, fault, paging, nested, plain;
	int fd;

	fault = st_fault_queue(abi, &fd);
	paging = st_fault_hwpt(abi, idev, s.ioas, PASID, fault, false);
	nested = st_fault_hwpt(abi, idev, s.parent, PASID, fault, true);
	plain = st_hwpt(abi, idev, s.ioas, PASID);
	expect_request(abi, fd, idev, 0, false);
	ok(st_replace_by(abi, s.stdev.id, paging));
	expect_request(abi, fd, idev, 0, true);
	/* A PASID without an attachment: only a nested HWPT answers for it. */
	expect_request(abi, fd, idev, 3, false);
	ok(st_replace_by(abi, s.stdev.id, nested));
	expect_request(abi, fd, idev, 0, true);
	expect_request(abi, fd, idev, 3, true);
	ok(st_pasid_attach_to(abi, s.stdev.id, 3, plain));
	expect_request(abi, fd, idev, 3, false);
	ok(st_pasid_replace_by(abi, s.stdev.id, 3, paging));
	ok(st_replace_by(abi, s.stdev.id, plain));
	expect_request(abi, fd, idev, 3, true);
	expect_request(abi, fd, idev, 0, false);
	expect_request(abi, fd, idev, ~0u, false);
}

/* iommufd-objects.md 9.4: requests that are not answered end with the device. */
static void a_device_goes_with_its_requests(struct abi *abi)
{
	struct scene s = scene_new(abi, 1);
	struct iommu_hwpt_page_response response = {0};
	struct iommu_hwpt_pgfault message;
	uint32_t fault, hwpt;
	int fd;

	fault = st_fault_queue(abi, &fd);
	hwpt = st_fault_hwpt(abi, s.stdev.idev, s.ioas, 0, fault, false);
	ok(st_replace_by(abi, s.stdev.id, hwpt));
	ok(st_trigger_iopf(abi, s.stdev.idev, 0));
	expect(swiommu_read(abi->machine, fd, &message, sizeof(message)), sizeof(message));
	ok(st_trigger_iopf(abi, s.stdev.idev, 0));
	ok(abi_destroy(abi, s.stdev.id));
	response.cookie = message.cookie;
	expect(swiommu_write(abi->machine, fd, &response, sizeof(response)), -EINVAL);
	expect(swiommu_read(abi->machine, fd, &message, sizeof(message)), 0);
	ok(abi_destroy(abi, hwpt));
	ok(swiommu_close(abi->machine, fd));
	ok(abi_destroy(abi, fault));
}

static void devices_of_other_iommus_send_nothing(struct abi *abi)
{
	abi_bound(abi, 0);
	abi_bound(abi, 1);
	expect(st_trigger_iopf(abi, abi->devid[0], 0), -EINVAL);
	ok(st_trigger_iopf(abi, abi->devid[1], 0));
	expect(st_trigger_vevent(abi, abi->devid[0]), -EINVAL);
	expect(st_trigger_vevent(abi, abi->devid[1]), -ENOENT);
}

int main(void)
{
	abi_on(abi_selftest, invalidation_clears_words_of_a_nested_hwpt);
	abi_on(abi_selftest, invalidation_clears_words_of_a_device);
	abi_on(abi_selftest, an_event_has_the_virtual_id);
	abi_on(abi_selftest, virtual_id_0_sends_no_events);
	abi_on(abi_selftest, the_record_changes_with_the_viommu_only);
	abi_on(abi_selftest, requests_go_to_the_attachment_they_concern);
	abi_on(abi_selftest, a_device_goes_with_its_requests);
	abi_on(abi_selftest_mixed, devices_of_other_iommus_send_nothing);
	return abi_run("selftest_events");
}
