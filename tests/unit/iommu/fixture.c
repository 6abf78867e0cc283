// SPDX-License-Identifier: MIT
/* A device behind an IOMMU, memory, expected faults. */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

/* cmocka would take SIGSEGV and SIGBUS from the guard for each test. */
void (*signal(int signo, void (*handler)(int)))(int)
{
	(void)signo, (void)handler;
	return SIG_DFL;
}

uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

int fixture_setup(void **state)
{
	(void)state;
	return base_guard_install();
}

static const struct mem_client_ops local_ops;
struct mem_client local_client = {&local_ops};

static uint8_t *map_memory(size_t size)
{
	uint8_t *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

/* A larger piece, and then what is too much of it goes. */
uint8_t *memory_new(size_t size, size_t align)
{
	uint8_t *memory = map_memory(size + align);
	size_t before = -(uintptr_t)memory % align;

	if (before)
		munmap(memory, before);
	munmap(memory + before + size, align - before);
	return memory + before;
}

void memory_free(uint8_t *memory, size_t size)
{
	assert_int_equal(munmap(memory, size), 0);
}

/* ---- a machine ---- */

void rig_init(struct rig *rig, const char *kind)
{
	assert_int_equal(iommu_new(kind, &rig->iommu), 0);
	assert_int_equal(iommu_group_new(7, &rig->group), 0);
	rig->device = device_new(rig->iommu, rig->group, SOURCE_ID, 1u << 20);
}

void rig_fini(struct rig *rig)
{
	iommu_device_free(rig->device);
	iommu_group_free(rig->group);
	iommu_free(rig->iommu);
}

struct iommu_device *device_new(struct iommu *iommu, struct iommu_group *group, uint16_t source_id,
				uint32_t max_pasids)
{
	struct iommu_device *device;

	assert_int_equal(iommu_device_new(iommu, group, source_id, &device), 0);
	device->max_pasids = max_pasids;
	return device;
}

/* ---- domains ---- */

struct iommu_domain *domain_new(struct iommu_device *device, uint32_t flags)
{
	struct iommu_domain *domain;

	assert_int_equal(iommu_domain_alloc(device, flags, NULL, &domain), 0);
	return domain;
}

struct iommu_domain *mock_domain_new(struct iommu_device *device, uint32_t pagetable_type)
{
	struct iommu_hwpt_selftest selftest = {.pagetable_type = pagetable_type};
	struct iommu_user_data data = {&local_client, (uintptr_t)&selftest,
				       IOMMU_HWPT_DATA_SELFTEST, sizeof(selftest)};
	struct iommu_domain *domain;

	assert_int_equal(iommu_domain_alloc(device, 0, &data, &domain), 0);
	return domain;
}

void map(struct iommu_domain *domain, uint64_t iova, const void *host, uint64_t length,
	 uint32_t prot)
{
	assert_int_equal(iommu_domain_map(domain, iova, (uintptr_t)host, length, prot, UINT64_MAX),
			 0);
}

void unmap(struct iommu_domain *domain, uint64_t iova, uint64_t length)
{
	struct base_list trash = BASE_LIST_INIT(trash);

	iommu_domain_unmap(domain, iova, length, &trash);
	iommu_sync(&trash);
	assert_true(base_list_is_empty(&trash));
}

void attach(struct rig *rig, struct iommu_domain *domain)
{
	assert_int_equal(iommu_group_attach(rig->group, 0, domain), 0);
}

/* ---- requests ---- */

static void expect_no_fault(int rc, const struct iommu_dma_fault *fault)
{
	if (rc)
		fail_msg("%d: fault 0x%x at 0x%llx", rc, fault->code,
			 (unsigned long long)fault->iova);
}

void expect_word(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint64_t value)
{
	struct iommu_dma_fault fault;
	uint64_t word = ~value;

	expect_no_fault(iommu_dma_read(device, pasid, iova, &word, sizeof(word), &fault), &fault);
	assert_int_equal(word, value);
}

void store_word(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint64_t value)
{
	struct iommu_dma_fault fault;

	expect_no_fault(iommu_dma_write(device, pasid, iova, &value, sizeof(value), &fault),
			&fault);
}

void expect_refused(struct iommu_device *device, uint32_t pasid, uint64_t iova, uint32_t prot,
		    iommu_fault_code code)
{
	struct iommu_dma_fault fault = {0};
	uint64_t word = 0x5a5a5a5a5a5a5a5a;
	int rc = prot == WRITE ? iommu_dma_write(device, pasid, iova, &word, 8, &fault)
			       : iommu_dma_read(device, pasid, iova, &word, 8, &fault);

	assert_int_equal(rc, -EFAULT);
	assert_int_equal(fault.code, code);
	assert_int_equal(fault.iova, iova);
	assert_int_equal(fault.prot, prot);
	assert_int_equal(word, 0x5a5a5a5a5a5a5a5a);
}
