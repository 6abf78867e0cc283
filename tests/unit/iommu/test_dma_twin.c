// SPDX-License-Identifier: MIT
/* Requests beside a dumb twin: an array of pages with rights, and a copy of all memory. */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#define PAGES	  1500	 /* of IOVA, from BASE_IOVA on */
#define HOST_SIZE MIB(4) /* what they can lead to */
#define BASE_IOVA MIB(1022)
#define OUTSIDE	  20000 /* bytes that a request may begin before or end behind the pages */
#define MAPS	  40
#define STEPS	  2500
#define LARGEST	  MIB(1)

struct page {
	uint32_t prot; /* 0: nothing */
	size_t host;   /* offset in memory */
};

struct twin {
	struct rig rig;
	struct iommu_domain *domain;
	struct random random;
	uint64_t granule;
	uint32_t implied; /* rights that come with PGTABLE_WRITE */
	struct page pages[PAGES];
	bool host_used[HOST_SIZE / KIB(2)];
	struct {
		unsigned first, count;
	} maps[MAPS];
	unsigned map_count;
	uint8_t *memory, *copy; /* of the product, of the twin */
};

/* ---- maps ---- */

static bool host_is_free(const struct twin *twin, size_t first, size_t count)
{
	if (first + count > HOST_SIZE / twin->granule)
		return false;
	for (size_t i = 0; i < count; i++)
		if (twin->host_used[first + i])
			return false;
	return true;
}

/* A place in memory for pages [first, first + count - 1]: as aligned as the IOVA, or anywhere. */
static size_t host_choose(struct twin *twin, unsigned first, unsigned count)
{
	size_t total = HOST_SIZE / twin->granule;
	size_t host = (BASE_IOVA / twin->granule + first) % total;

	if (random_below(&twin->random, 2) && host_is_free(twin, host, count))
		return host;
	host = random_below(&twin->random, total);
	for (size_t i = 0; i < total; i++)
		if (host_is_free(twin, (host + i) % total, count))
			return (host + i) % total;
	return SIZE_MAX;
}

static unsigned free_pages(const struct twin *twin, unsigned first, unsigned max)
{
	unsigned count = 0;

	while (count < max && first + count < PAGES && !twin->pages[first + count].prot)
		count++;
	return count;
}

static void twin_map(struct twin *twin)
{
	unsigned first = random_below(&twin->random, PAGES);
	unsigned max = random_below(&twin->random, 4) ? 12 : 700;
	unsigned count = free_pages(twin, first, 1 + random_below(&twin->random, max));
	uint32_t prot = 1 + random_below(&twin->random, 3);
	size_t host = count ? host_choose(twin, first, count) : SIZE_MAX;

	if (host == SIZE_MAX || twin->map_count == MAPS)
		return;
	if (twin->domain->no_read_only)
		prot |= WRITE;
	map(twin->domain, BASE_IOVA + first * twin->granule, twin->memory + host * twin->granule,
	    count * twin->granule, prot);
	for (unsigned i = 0; i < count; i++) {
		twin->pages[first + i] = (struct page){
			.prot = prot & WRITE ? prot | twin->implied : prot,
			.host = (host + i) * twin->granule,
		};
		twin->host_used[host + i] = true;
	}
	twin->maps[twin->map_count].first = first;
	twin->maps[twin->map_count++].count = count;
}

static void twin_unmap(struct twin *twin)
{
	unsigned i, first, count;

	if (!twin->map_count)
		return;
	i = random_below(&twin->random, twin->map_count);
	first = twin->maps[i].first;
	count = twin->maps[i].count;
	unmap(twin->domain, BASE_IOVA + first * twin->granule, count * twin->granule);
	for (unsigned p = first; p < first + count; p++) {
		twin->host_used[twin->pages[p].host / twin->granule] = false;
		twin->pages[p].prot = 0;
	}
	twin->maps[i] = twin->maps[--twin->map_count];
}

/* ---- requests ---- */

static const struct page *page_at(const struct twin *twin, uint64_t iova)
{
	static const struct page nothing;
	uint64_t page = (iova - BASE_IOVA) / twin->granule;

	return iova < BASE_IOVA || page >= PAGES ? &nothing : &twin->pages[page];
}

/* The twin's byte behind an address, NULL if it cannot be accessed so. */
static uint8_t *byte_at(struct twin *twin, uint64_t iova, uint32_t prot)
{
	const struct page *page = page_at(twin, iova);

	return page->prot & prot ? twin->copy + page->host + iova % twin->granule : NULL;
}

/* How many bytes from iova on can be accessed. */
static size_t reachable(struct twin *twin, uint64_t iova, size_t size, uint32_t prot)
{
	size_t n = 0;

	while (n < size && byte_at(twin, iova + n, prot))
		n += twin->granule - (iova + n) % twin->granule;
	return base_min_u64(n, size);
}

static void expect_fault(struct twin *twin, const struct iommu_dma_fault *fault, uint64_t iova,
			 uint32_t prot)
{
	iommu_fault_code code = prot == WRITE ? IOMMU_FAULT_NO_WRITE : IOMMU_FAULT_NO_READ;

	assert_int_equal(fault->iova, iova);
	assert_int_equal(fault->prot, prot);
	assert_int_equal(fault->code, page_at(twin, iova)->prot ? code : IOMMU_FAULT_NOT_MAPPED);
}

static uint64_t random_iova(struct twin *twin)
{
	uint64_t span = PAGES * twin->granule + 2 * OUTSIDE;

	/* Often where something is. */
	if (twin->map_count && random_below(&twin->random, 8)) {
		unsigned i = random_below(&twin->random, twin->map_count);

		return BASE_IOVA + twin->maps[i].first * twin->granule +
		       random_below(&twin->random, twin->maps[i].count * twin->granule);
	}
	return BASE_IOVA - OUTSIDE + random_below(&twin->random, span);
}

static size_t random_size(struct twin *twin)
{
	static const size_t below[] = {16, 16, 300, 9000, 9000, 70000, LARGEST};

	return 1 + random_below(&twin->random,
				below[random_below(&twin->random, base_array_size(below))]);
}

static uint8_t buffer[LARGEST + 1], expected[LARGEST + 1];

static void twin_read(struct twin *twin)
{
	uint64_t iova = random_iova(twin);
	size_t size = random_size(twin), ok = reachable(twin, iova, size, READ);
	struct iommu_dma_fault fault;
	int rc;

	memset(buffer, 0xee, size + 1);
	memset(expected, 0xee, size + 1);
	for (size_t i = 0; i < ok; i++)
		expected[i] = *byte_at(twin, iova + i, READ);
	rc = iommu_dma_read(twin->rig.device, 0, iova, buffer, size, &fault);
	assert_int_equal(rc, ok == size ? 0 : -EFAULT);
	assert_memory_equal(buffer, expected, size + 1);
	if (rc)
		expect_fault(twin, &fault, iova + ok, READ);
}

/* Write a buffer, or fill with its first 8 bytes. */
static void twin_write(struct twin *twin, bool fill)
{
	uint64_t iova = random_iova(twin), pattern = random_next(&twin->random);
	size_t size = random_size(twin), ok = reachable(twin, iova, size, WRITE);
	struct iommu_dma_fault fault;
	int rc;

	for (size_t i = 0; i < size; i++)
		buffer[i] = fill ? pattern >> i % 8 * 8 : random_next(&twin->random);
	for (size_t i = 0; i < ok; i++)
		*byte_at(twin, iova + i, WRITE) = buffer[i];
	rc = fill ? iommu_dma_fill(twin->rig.device, 0, iova, pattern, size, &fault)
		  : iommu_dma_write(twin->rig.device, 0, iova, buffer, size, &fault);
	assert_int_equal(rc, ok == size ? 0 : -EFAULT);
	if (rc)
		expect_fault(twin, &fault, iova + ok, WRITE);
}

/* From the first byte on: what is before the fault has been copied. */
static void copy_up(struct twin *twin, uint64_t dst, uint64_t src, size_t size)
{
	size_t can_read = reachable(twin, src, size, READ);
	size_t can_write = reachable(twin, dst, size, WRITE);
	size_t ok = base_min_u64(can_read, can_write);
	struct iommu_dma_fault fault;
	int rc;

	for (size_t i = 0; i < ok; i++)
		*byte_at(twin, dst + i, WRITE) = *byte_at(twin, src + i, READ);
	rc = iommu_dma_copy(twin->rig.device, 0, dst, src, size, &fault);
	assert_int_equal(rc, ok == size ? 0 : -EFAULT);
	if (rc && ok == can_read)
		expect_fault(twin, &fault, src + ok, READ);
	else if (rc)
		expect_fault(twin, &fault, dst + ok, WRITE);
}

/* Is `at` the first byte of [start, start + size - 1], or of a page, that cannot be accessed? */
static bool is_edge(struct twin *twin, uint64_t at, uint64_t start, size_t size, uint32_t prot)
{
	if (at < start || at - start >= size || byte_at(twin, at, prot))
		return false;
	return at % twin->granule == 0 || at == start || at % PAGE == (start + size) % PAGE;
}

/*
 * The destination lies inside the source, so the order is not the one of
 * addresses: after a fault each byte is an old one or a new one.
 */
static void copy_down(struct twin *twin, uint64_t dst, uint64_t src, size_t size)
{
	bool ok = reachable(twin, src, size, READ) == size &&
		  reachable(twin, dst, size, WRITE) == size;
	struct iommu_dma_fault fault;
	int rc;

	for (size_t i = 0; i < size; i++) {
		const uint8_t *from = byte_at(twin, src + i, READ);

		expected[i] = from ? *from : 0;
	}
	rc = iommu_dma_copy(twin->rig.device, 0, dst, src, size, &fault);
	assert_int_equal(rc, ok ? 0 : -EFAULT);
	if (rc) {
		uint64_t start = fault.prot == READ ? src : dst;

		assert_true(is_edge(twin, fault.iova, start, size, fault.prot));
		expect_fault(twin, &fault, fault.iova, fault.prot);
	}
	for (size_t i = 0; i < size; i++) {
		uint8_t *to = byte_at(twin, dst + i, WRITE);
		uint8_t now = to ? twin->memory[to - twin->copy] : 0;

		if (to && (ok || (byte_at(twin, src + i, READ) && now == expected[i])))
			*to = expected[i];
	}
}

static void twin_copy(struct twin *twin)
{
	uint64_t src = random_iova(twin), dst = random_iova(twin);
	size_t size = random_size(twin);

	/* Often near each other. */
	if (random_below(&twin->random, 2))
		dst = src + random_below(&twin->random, 20000) - 10000;
	if (dst > src && dst - src < size)
		copy_down(twin, dst, src, size);
	else
		copy_up(twin, dst, src, size);
}

/* ---- the run ---- */

static void twin_step(struct twin *twin)
{
	switch (random_below(&twin->random, 10)) {
	case 0:
	case 1:
	case 2: twin_map(twin); break;
	case 3: twin_unmap(twin); break;
	case 4:
	case 5: twin_read(twin); break;
	case 6: twin_write(twin, true); break;
	case 7: twin_write(twin, false); break;
	default: twin_copy(twin);
	}
}

static void twin_run(const char *kind, uint32_t flags, uint32_t pagetable_type, uint64_t granule,
		     uint32_t implied)
{
	static struct twin twin;

	twin = (struct twin){.granule = granule, .implied = implied, .random = {granule + flags}};
	rig_init(&twin.rig, kind);
	twin.domain = pagetable_type ? mock_domain_new(twin.rig.device, pagetable_type)
				     : domain_new(twin.rig.device, flags);
	twin.memory = memory_new(HOST_SIZE, MIB(2));
	twin.copy = memory_new(HOST_SIZE, MIB(2));
	attach(&twin.rig, twin.domain);
	for (unsigned i = 0; i < STEPS; i++) {
		twin_step(&twin);
		if (i % 8 == 0 && memcmp(twin.memory, twin.copy, HOST_SIZE))
			fail_msg("memory differs after step %u", i);
	}
	assert_memory_equal(twin.memory, twin.copy, HOST_SIZE);
	iommu_group_detach(twin.rig.group, 0);
	iommu_domain_free(twin.domain);
	memory_free(twin.memory, HOST_SIZE);
	memory_free(twin.copy, HOST_SIZE);
	rig_fini(&twin.rig);
}

static void requests_through_a_first_stage_domain(void **state)
{
	(void)state;
	twin_run("vtd", 0, 0, KIB(4), READ);
}

static void requests_through_a_second_stage_domain(void **state)
{
	(void)state;
	twin_run("vtd", IOMMU_HWPT_ALLOC_NEST_PARENT, 0, KIB(4), 0);
}

static void requests_through_a_mock_domain_of_small_pages(void **state)
{
	(void)state;
	twin_run("mock", 0, MOCK_IOMMUPT_DEFAULT, KIB(2), 0);
}

static void requests_through_a_mock_domain_of_huge_pages(void **state)
{
	(void)state;
	twin_run("mock", 0, MOCK_IOMMUPT_HUGE, KIB(4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_through_a_first_stage_domain),
		cmocka_unit_test(requests_through_a_second_stage_domain),
		cmocka_unit_test(requests_through_a_mock_domain_of_small_pages),
		cmocka_unit_test(requests_through_a_mock_domain_of_huge_pages),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
