// SPDX-License-Identifier: MIT
/* Requests of a device: what they reach, how they are refused, and what is recorded. */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE  MIB(2)
#define PASID 9u

/* One domain, attached with and without PASID; SOME_IOVA leads to SIZE bytes of memory. */
struct setting {
	struct rig rig;
	struct iommu_device *device;
	struct iommu_domain *domain;
	uint8_t *memory;
};

static void setting_init(struct setting *s, const char *kind, uint32_t prot)
{
	rig_init(&s->rig, kind);
	s->device = s->rig.device;
	s->domain = domain_new(s->device, IOMMU_HWPT_ALLOC_PASID);
	s->memory = memory_new(SIZE, SIZE);
	map(s->domain, SOME_IOVA, s->memory, SIZE, prot);
	attach(&s->rig, s->domain);
	assert_int_equal(iommu_group_attach(s->rig.group, PASID, s->domain), 0);
}

static void setting_fini(struct setting *s)
{
	iommu_group_detach(s->rig.group, 0);
	iommu_group_detach(s->rig.group, PASID);
	iommu_domain_free(s->domain);
	memory_free(s->memory, SIZE);
	rig_fini(&s->rig);
}

static void paint(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + i / 251 + seed);
}

/* ---- what is reached ---- */

static const size_t sizes[] = {1, 2, 7, 8, 64, 4095, 4096, 4097, 65536, 300000, MIB(1) + 3};

static void reads_and_writes_of_any_size_are_exact(void **state)
{
	static uint8_t buf[MIB(1) + 16], expected[SIZE];
	struct iommu_dma_fault fault;
	struct setting s;

	setting_init(&s, *state, BOTH);
	for (size_t i = 0; i < base_array_size(sizes); i++) {
		size_t n = sizes[i], offset = 4090 + 13 * i;

		paint(s.memory, SIZE, i);
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(iommu_dma_read(s.device, 0, SOME_IOVA + offset, buf + 1, n,
						&fault),
				 0);
		assert_int_equal(buf[0], 0xee);
		assert_int_equal(buf[n + 1], 0xee);
		assert_memory_equal(buf + 1, s.memory + offset, n);
		memcpy(expected, s.memory, SIZE);
		paint(buf, n, i + 100);
		memcpy(expected + offset, buf, n);
		assert_int_equal(iommu_dma_write(s.device, PASID, SOME_IOVA + offset, buf, n,
						 &fault),
				 0);
		assert_memory_equal(s.memory, expected, SIZE);
	}
	setting_fini(&s);
}

static void fill_repeats_its_pattern_from_the_first_byte(void **state)
{
	static uint8_t expected[SIZE];
	const uint64_t pattern = 0x8877665544332211;
	struct iommu_dma_fault fault;
	struct setting s;

	setting_init(&s, *state, BOTH);
	for (size_t i = 0; i < base_array_size(sizes); i++) {
		size_t n = sizes[i], offset = 4090 + 13 * i;

		paint(s.memory, SIZE, i);
		memcpy(expected, s.memory, SIZE);
		for (size_t j = 0; j < n; j++)
			expected[offset + j] = 0x11 * (j % 8 + 1);
		assert_int_equal(iommu_dma_fill(s.device, 0, SOME_IOVA + offset, pattern, n,
						&fault),
				 0);
		assert_memory_equal(s.memory, expected, SIZE);
	}
	setting_fini(&s);
}

static void copies_that_overlap_are_like_memmove(void **state)
{
	static const int shifts[] = {0,	   1,	 -1,	7,    -8,    64,     -4095,
				     4095, 4096, -4096, 4097, -5000, 300000, -300000};
	static uint8_t expected[SIZE];
	struct iommu_dma_fault fault;
	struct setting s;

	setting_init(&s, *state, BOTH);
	paint(s.memory, SIZE, 0);
	paint(expected, SIZE, 0);
	for (size_t i = 0; i < base_array_size(shifts); i++) {
		for (size_t j = 0; j < base_array_size(sizes); j++) {
			size_t src = 400000 + j, dst = src + shifts[i];

			memmove(expected + dst, expected + src, sizes[j]);
			assert_int_equal(iommu_dma_copy(s.device, 0, SOME_IOVA + dst,
							SOME_IOVA + src, sizes[j], &fault),
					 0);
			assert_memory_equal(s.memory, expected, SIZE);
		}
	}
	setting_fini(&s);
}

/* Nothing is asked of the IOMMU, so nothing is refused. */
static void an_access_of_no_bytes_always_works(void **state)
{
	struct iommu_fault_record record;
	struct iommu_dma_fault fault;
	struct rig rig;

	rig_init(&rig, *state);
	assert_int_equal(iommu_dma_read(rig.device, 0, 0, NULL, 0, &fault), 0);
	assert_int_equal(iommu_dma_write(rig.device, PASID, UINT64_MAX, NULL, 0, &fault), 0);
	assert_int_equal(iommu_dma_fill(rig.device, 0, 0, 1, 0, &fault), 0);
	assert_int_equal(iommu_dma_copy(rig.device, 0, 1, 0, 0, &fault), 0);
	assert_int_equal(iommu_dma_copy(rig.device, 0, 0, 1, 0, &fault), 0);
	iommu_last_fault(rig.iommu, &record);
	assert_int_equal(record.count, 0);
	rig_fini(&rig);
}

/* ---- how it is refused ---- */

static void holes_are_refused_at_their_first_byte(void **state)
{
	uint8_t buf[64];
	struct iommu_dma_fault fault;
	struct setting s;

	setting_init(&s, *state, BOTH);
	expect_refused(s.device, 0, SOME_IOVA - 8, READ, IOMMU_FAULT_NOT_MAPPED);
	expect_refused(s.device, PASID, SOME_IOVA + SIZE, WRITE, IOMMU_FAULT_NOT_MAPPED);
	memset(buf, 0xee, sizeof(buf));
	paint(s.memory, SIZE, 1);
	assert_int_equal(iommu_dma_read(s.device, 0, SOME_IOVA + SIZE - 30, buf, sizeof(buf),
					&fault),
			 -EFAULT);
	assert_int_equal(fault.iova, SOME_IOVA + SIZE);
	assert_int_equal(fault.prot, READ);
	assert_int_equal(fault.code, IOMMU_FAULT_NOT_MAPPED);
	assert_memory_equal(buf, s.memory + SIZE - 30, 30);
	assert_int_equal(buf[30], 0xee);
	setting_fini(&s);
}

static void read_only_memory_is_not_written(void **state)
{
	struct setting s;

	setting_init(&s, *state, READ);
	paint(s.memory, SIZE, 1);
	expect_refused(s.device, 0, SOME_IOVA + 8, WRITE, IOMMU_FAULT_NO_WRITE);
	expect_word(s.device, 0, SOME_IOVA, *(uint64_t *)s.memory);
	/* also now that a translation for reads is cached */
	expect_refused(s.device, 0, SOME_IOVA + 8, WRITE, IOMMU_FAULT_NO_WRITE);
	setting_fini(&s);
}

static void write_only_memory_is_not_read(void **state)
{
	struct setting s;

	setting_init(&s, "mock", WRITE);
	(void)state;
	expect_refused(s.device, 0, SOME_IOVA, READ, IOMMU_FAULT_NO_READ);
	store_word(s.device, 0, SOME_IOVA, 77);
	assert_int_equal(*(uint64_t *)s.memory, 77);
	expect_refused(s.device, 0, SOME_IOVA, READ, IOMMU_FAULT_NO_READ);
	setting_fini(&s);
}

static void addresses_behind_the_aperture_are_too_wide(void **state)
{
	uint8_t buf[16] = {0};
	struct iommu_dma_fault fault;
	struct setting s;
	uint64_t end;

	setting_init(&s, *state, BOTH);
	end = s.domain->aperture_last + 1;
	expect_refused(s.device, 0, end, READ, IOMMU_FAULT_TOO_WIDE);
	expect_refused(s.device, 0, UINT64_MAX - 7, WRITE, IOMMU_FAULT_TOO_WIDE);
	map(s.domain, end - PAGE, s.memory, PAGE, BOTH);
	assert_int_equal(iommu_dma_write(s.device, 0, end - 8, buf, 16, &fault), -EFAULT);
	assert_int_equal(fault.iova, end);
	assert_int_equal(fault.code, IOMMU_FAULT_TOO_WIDE);
	setting_fini(&s);
}

static void ranges_that_wrap_are_refused_as_a_whole(void **state)
{
	uint8_t buf[64] = {0};
	struct iommu_dma_fault fault;
	struct setting s;

	setting_init(&s, *state, BOTH);
	assert_int_equal(iommu_dma_read(s.device, 0, -8, buf, 9, &fault), -EFAULT);
	assert_int_equal(fault.code, IOMMU_FAULT_TOO_WIDE);
	assert_int_equal(fault.prot, READ);
	assert_int_equal(iommu_dma_write(s.device, 0, -8, buf, 9, &fault), -EFAULT);
	assert_int_equal(fault.prot, WRITE);
	assert_int_equal(iommu_dma_fill(s.device, 0, -8, 0, 9, &fault), -EFAULT);
	assert_int_equal(iommu_dma_copy(s.device, 0, SOME_IOVA, -8, 9, &fault), -EFAULT);
	assert_int_equal(fault.iova, -8);
	assert_int_equal(fault.prot, READ);
	assert_int_equal(iommu_dma_copy(s.device, 0, -8, SOME_IOVA, 9, &fault), -EFAULT);
	assert_int_equal(fault.iova, -8);
	assert_int_equal(fault.prot, WRITE);
	setting_fini(&s);
}

static void the_interrupt_window_is_not_memory_without_pasid(void **state)
{
	const uint64_t window = 0xfee00000;
	struct setting s;

	setting_init(&s, "vtd", BOTH);
	(void)state;
	map(s.domain, window - MIB(1), s.memory, MIB(2), BOTH);
	paint(s.memory, SIZE, 3);
	for (uint64_t offset = 0; offset < MIB(1); offset += MIB(1) - 8) {
		expect_refused(s.device, 0, window + offset, WRITE, IOMMU_FAULT_INTERRUPT);
		expect_refused(s.device, 0, window + offset, READ, IOMMU_FAULT_INTERRUPT);
		expect_word(s.device, PASID, window + offset,
			    *(uint64_t *)(s.memory + MIB(1) + offset));
	}
	expect_word(s.device, 0, window - 8, *(uint64_t *)(s.memory + MIB(1) - 8));
	expect_refused(s.device, 0, window + MIB(1), READ, IOMMU_FAULT_NOT_MAPPED);
	setting_fini(&s);
}

/* A large leaf reaches from outside into the window: [0xfee00000, 0xfeffffff]. */
static void what_is_cached_beside_the_window_does_not_open_it(void **state)
{
	const uint64_t window = 0xfee00000;
	struct setting s;

	setting_init(&s, "vtd", BOTH);
	(void)state;
	map(s.domain, window, s.memory, MIB(2), BOTH);
	store_word(s.device, 0, window + MIB(1), 1);
	expect_refused(s.device, 0, window, WRITE, IOMMU_FAULT_INTERRUPT);
	expect_refused(s.device, 0, window + MIB(1) - PAGE, READ, IOMMU_FAULT_INTERRUPT);
	setting_fini(&s);
}

static void what_is_cached_for_a_pasid_does_not_open_the_window(void **state)
{
	const uint64_t window = 0xfee00000;
	struct setting s;

	setting_init(&s, "vtd", BOTH);
	(void)state;
	map(s.domain, window, s.memory, MIB(1), BOTH);
	store_word(s.device, PASID, window, 1);
	expect_refused(s.device, 0, window, WRITE, IOMMU_FAULT_INTERRUPT);
	setting_fini(&s);
}

static void the_mock_has_no_interrupt_window(void **state)
{
	struct iommu_domain *domain;
	uint8_t *memory = memory_new(PAGE, PAGE);
	struct rig rig;

	(void)state;
	rig_init(&rig, "mock");
	domain = mock_domain_new(rig.device, MOCK_IOMMUPT_HUGE);
	map(domain, 0xfee00000, memory, PAGE, BOTH);
	attach(&rig, domain);
	store_word(rig.device, 0, 0xfee00000, 5);
	iommu_group_detach(rig.group, 0);
	iommu_domain_free(domain);
	memory_free(memory, PAGE);
	rig_fini(&rig);
}

/* The client's own mistake: it unmapped memory that is still mapped for the device. */
static void memory_that_is_gone_is_a_fault_not_a_crash(void **state)
{
	struct setting s;

	setting_init(&s, *state, BOTH);
	assert_int_equal(mprotect(s.memory, PAGE, PROT_NONE), 0);
	expect_refused(s.device, 0, SOME_IOVA, READ, IOMMU_FAULT_ACCESS);
	expect_refused(s.device, 0, SOME_IOVA, WRITE, IOMMU_FAULT_ACCESS);
	assert_int_equal(mprotect(s.memory, PAGE, PROT_READ), 0);
	expect_word(s.device, 0, SOME_IOVA, 0);
	expect_refused(s.device, 0, SOME_IOVA, WRITE, IOMMU_FAULT_ACCESS);
	assert_int_equal(mprotect(s.memory, PAGE, PROT_READ | PROT_WRITE), 0);
	store_word(s.device, 0, SOME_IOVA, 1);
	setting_fini(&s);
}

/* Behind one leaf there may be memory that is there and memory that is not. */
static void the_first_byte_that_is_gone_is_reported(void **state)
{
	static uint8_t buf[MIB(1)];
	const uint64_t hole = 5 * PAGE;
	struct iommu_dma_fault fault;
	struct setting s;

	setting_init(&s, *state, BOTH);
	assert_int_equal(mprotect(s.memory + hole, PAGE, PROT_NONE), 0);
	assert_int_equal(iommu_dma_read(s.device, 0, SOME_IOVA + 24, buf, MIB(1), &fault), -EFAULT);
	assert_int_equal(fault.code, IOMMU_FAULT_ACCESS);
	assert_int_equal(fault.iova, SOME_IOVA + hole);
	assert_int_equal(iommu_dma_write(s.device, 0, SOME_IOVA, buf, MIB(1), &fault), -EFAULT);
	assert_int_equal(fault.iova, SOME_IOVA + hole);
	assert_int_equal(iommu_dma_copy(s.device, 0, SOME_IOVA + MIB(1), SOME_IOVA, MIB(1), &fault),
			 -EFAULT);
	assert_int_equal(fault.iova, SOME_IOVA + hole);
	assert_int_equal(fault.prot, READ);
	assert_int_equal(iommu_dma_copy(s.device, 0, SOME_IOVA, SOME_IOVA + MIB(1), MIB(1), &fault),
			 -EFAULT);
	assert_int_equal(fault.iova, SOME_IOVA + hole);
	assert_int_equal(fault.prot, WRITE);
	setting_fini(&s);
}

/* ---- what is recorded ---- */

static void the_last_fault_is_recorded_and_all_are_counted(void **state)
{
	struct iommu_fault_record record;
	struct iommu_device *second;
	struct setting s;

	setting_init(&s, *state, READ);
	second = device_new(s.rig.iommu, s.rig.group, 0x1234, 1);
	iommu_last_fault(s.rig.iommu, &record);
	assert_int_equal(record.count, 0);
	expect_word(s.device, 0, SOME_IOVA, 0);
	iommu_last_fault(s.rig.iommu, &record);
	assert_int_equal(record.count, 0);
	expect_refused(s.device, PASID, SOME_IOVA + 16, WRITE, IOMMU_FAULT_NO_WRITE);
	iommu_last_fault(s.rig.iommu, &record);
	assert_int_equal(record.count, 1);
	assert_int_equal(record.source_id, SOURCE_ID);
	assert_int_equal(record.pasid, PASID);
	assert_int_equal(record.last.iova, SOME_IOVA + 16);
	assert_int_equal(record.last.prot, WRITE);
	assert_int_equal(record.last.code, IOMMU_FAULT_NO_WRITE);
	for (unsigned i = 0; i < 10; i++)
		expect_refused(second, 0, SOME_IOVA - 8, READ, IOMMU_FAULT_BLOCKED);
	iommu_last_fault(s.rig.iommu, &record);
	assert_int_equal(record.count, 11);
	assert_int_equal(record.source_id, 0x1234);
	assert_int_equal(record.pasid, 0);
	assert_int_equal(record.last.code, IOMMU_FAULT_BLOCKED);
	iommu_device_free(second);
	setting_fini(&s);
}

static void every_iommu_has_a_record_of_its_own(void **state)
{
	struct iommu_fault_record record;
	struct setting a, b;

	setting_init(&a, *state, READ);
	setting_init(&b, *state, READ);
	expect_refused(a.device, 0, SOME_IOVA, WRITE, IOMMU_FAULT_NO_WRITE);
	iommu_last_fault(b.rig.iommu, &record);
	assert_int_equal(record.count, 0);
	iommu_last_fault(a.rig.iommu, &record);
	assert_int_equal(record.count, 1);
	setting_fini(&a);
	setting_fini(&b);
}

static void *refused_requests(void *arg)
{
	struct setting *s = arg;
	struct iommu_dma_fault fault;
	uint64_t word = 0;

	for (unsigned i = 0; i < 500; i++)
		iommu_dma_write(s->device, 0, SOME_IOVA, &word, 8, &fault);
	return NULL;
}

static void faults_of_many_threads_are_all_counted(void **state)
{
	struct iommu_fault_record record;
	pthread_t threads[4];
	struct setting s;

	setting_init(&s, *state, READ);
	for (unsigned i = 0; i < base_array_size(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, refused_requests, &s), 0);
	for (unsigned i = 0; i < base_array_size(threads); i++)
		pthread_join(threads[i], NULL);
	iommu_last_fault(s.rig.iommu, &record);
	assert_int_equal(record.count, 4 * 500);
	setting_fini(&s);
}

/* ---- memory of our own ---- */

/* The requests of a thread whose first allocation fails. */
struct newcomer {
	struct iommu_device *device;
	int first, second, third;
	struct iommu_dma_fault fault;
	unsigned left_after_first, left_after_third;
};

static void *newcomer_run(void *arg)
{
	struct newcomer *n = arg;
	struct iommu_dma_fault fault;
	uint64_t word;

	base_fail_nth(1);
	n->first = iommu_dma_read(n->device, 0, SOME_IOVA, &word, 8, &n->fault);
	n->left_after_first = base_fail_pending();
	base_fail_nth(0);
	n->second = iommu_dma_read(n->device, 0, SOME_IOVA, &word, 8, &fault);
	base_fail_nth(1);
	n->third = iommu_dma_read(n->device, 0, SOME_IOVA, &word, 8, &fault);
	n->left_after_third = base_fail_pending();
	base_fail_nth(0);
	return NULL;
}

/* The first thread but the main one: there is no record of an earlier thread to take over. */
static void a_new_thread_without_memory_is_refused(void **state)
{
	struct newcomer n;
	pthread_t thread;
	struct setting s;

	(void)state;
	setting_init(&s, "vtd", BOTH);
	expect_word(s.device, 0, SOME_IOVA, 0);
	n.device = s.device;
	assert_int_equal(pthread_create(&thread, NULL, newcomer_run, &n), 0);
	pthread_join(thread, NULL);
	assert_int_equal(n.first, -EFAULT);
	assert_int_equal(n.fault.code, IOMMU_FAULT_BLOCKED);
	assert_int_equal(n.fault.iova, SOME_IOVA);
	assert_int_equal(n.left_after_first, 0);
	assert_int_equal(n.second, 0);
	assert_int_equal(n.third, 0);
	assert_int_equal(n.left_after_third, 1);
	setting_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_thread_without_memory_is_refused),
		ON_EACH_KIND(reads_and_writes_of_any_size_are_exact),
		ON_EACH_KIND(fill_repeats_its_pattern_from_the_first_byte),
		ON_EACH_KIND(copies_that_overlap_are_like_memmove),
		ON_EACH_KIND(an_access_of_no_bytes_always_works),
		ON_EACH_KIND(holes_are_refused_at_their_first_byte),
		ON_EACH_KIND(read_only_memory_is_not_written),
		cmocka_unit_test(write_only_memory_is_not_read),
		ON_EACH_KIND(addresses_behind_the_aperture_are_too_wide),
		ON_EACH_KIND(ranges_that_wrap_are_refused_as_a_whole),
		cmocka_unit_test(the_interrupt_window_is_not_memory_without_pasid),
		cmocka_unit_test(what_is_cached_beside_the_window_does_not_open_it),
		cmocka_unit_test(what_is_cached_for_a_pasid_does_not_open_the_window),
		cmocka_unit_test(the_mock_has_no_interrupt_window),
		ON_EACH_KIND(memory_that_is_gone_is_a_fault_not_a_crash),
		ON_EACH_KIND(the_first_byte_that_is_gone_is_reported),
		ON_EACH_KIND(the_last_fault_is_recorded_and_all_are_counted),
		ON_EACH_KIND(every_iommu_has_a_record_of_its_own),
		ON_EACH_KIND(faults_of_many_threads_are_all_counted),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
