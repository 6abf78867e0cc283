// SPDX-License-Identifier: MIT
/* The fixture of the ABI tests. */
#include "abi.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

/* cmocka would take SIGSEGV and SIGBUS from the library for each test. */
__attribute__((visibility("default"))) void (*signal(int signo, void (*handler)(int)))(int)
{
	(void)signo, (void)handler;
	return SIG_DFL;
}

const struct abi_machine abi_vtd = {.iommu = "vtd", .devices = {"ioat", "ioat"}};
const struct abi_machine abi_mock = {.iommu = "mock", .devices = {"ioat", "ioat"}};
const struct abi_machine abi_vtd_group = {
	.iommu = "vtd",
	.devices = {"ioat,group=5", "ioat,group=5", "ioat"},
};
const struct abi_machine abi_mock_group = {
	.iommu = "mock",
	.devices = {"ioat,group=5", "ioat,group=5", "ioat"},
};
const struct abi_machine abi_mixed = {
	.iommu = "mock",
	.devices = {"ioat,iommu=vtd", "ioat", "ioat"},
};
const struct abi_machine abi_none = {0};

/* ---- expectations ---- */

static const char *result_name(long result, char *text, size_t size)
{
	const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;

	snprintf(text, size, "%ld%s%s", result, name ? " -" : "", name ? name : "");
	return text;
}

void abi_expect(long got, long want, const char *call, const char *file, int line)
{
	char is[40], should[40];

	if (got == want)
		return;
	print_error("%s\n\tis %s, not %s\n", call, result_name(got, is, sizeof(is)),
		    result_name(want, should, sizeof(should)));
	_fail(file, line);
}

/* ---- machines ---- */

static void add_device(struct abi *abi, const struct abi_machine *machine, unsigned n)
{
	const char *message = "";
	int rc = swiommu_add_device(abi->machine, machine->model, machine->devices[n],
				    &abi->device[n], &message);

	if (rc)
		print_error("%s: %s\n", machine->devices[n], message);
	ok(rc);
}

void abi_init(struct abi *abi, const struct abi_machine *machine)
{
	const struct swiommu_options options = {
		.size = sizeof(options),
		.iommu = machine->iommu,
		.flags = machine->flags | (machine->memlock ? 0 : SWIOMMU_MEMLOCK_UNLIMITED),
	};

	assert_true(abi_has(machine));
	memset(abi, 0, sizeof(*abi));
	ok(swiommu_new(&options, &abi->machine));
	abi->mock = !strcmp(machine->iommu, "mock");
	abi->ctx = swiommu_open(abi->machine, "/dev/iommu");
	assert_true(abi->ctx >= 0);
	for (; machine->devices[abi->device_count]; abi->device_count++) {
		add_device(abi, machine, abi->device_count);
		abi_open(abi, abi->device_count);
	}
}

void abi_fini(struct abi *abi)
{
	swiommu_free(abi->machine);
	for (unsigned i = 0; i < abi->memory_count; i++)
		munmap(abi->memory[i].addr, abi->memory[i].size);
}

void abi_again(struct abi *abi, const struct abi_machine *machine)
{
	abi_fini(abi);
	abi_init(abi, machine);
}

/* ---- running ---- */

#define TESTS_MAX 1024

struct registered {
	char name[120];
	abi_test test;
	const struct abi_machine *machine;
	const void *row;
	struct abi *abi;
};

const char *abi_test_name = "";

static struct registered registered[TESTS_MAX];
static size_t registered_count;

void abi_add(const char *name, abi_test test, const struct abi_machine *machine, const void *row)
{
	struct registered *r = &registered[registered_count];

	if (!abi_has(machine))
		return;
	assert_true(++registered_count <= TESTS_MAX);
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->test = test;
	r->machine = machine;
	r->row = row;
}

void abi_add_rows(const char *name, abi_test test, const struct abi_machine *machine,
		  const void *rows, size_t size, size_t count)
{
	char text[120];

	for (size_t i = 0; i < count; i++) {
		const void *row = (const char *)rows + i * size;

		snprintf(text, sizeof(text), "%s: %s", name, *(const char *const *)row);
		abi_add(text, test, machine, row);
	}
}

static int set_up(void **state)
{
	struct registered *r = *state;

	abi_test_name = r->name;
	r->abi = calloc(1, sizeof(*r->abi));
	assert_non_null(r->abi);
	if (r->machine != &abi_none)
		abi_init(r->abi, r->machine);
	r->abi->row = r->row;
	return 0;
}

static int tear_down(void **state)
{
	struct registered *r = *state;

	if (r->machine != &abi_none)
		abi_fini(r->abi);
	free(r->abi);
	return 0;
}

static void run_one(void **state)
{
	struct registered *r = *state;

	r->test(r->abi);
}

int abi_run(const char *name)
{
	static struct CMUnitTest tests[TESTS_MAX];

	for (size_t i = 0; i < registered_count; i++)
		tests[i] = (struct CMUnitTest){
			.name = registered[i].name,
			.test_func = run_one,
			.setup_func = set_up,
			.teardown_func = tear_down,
			.initial_state = &registered[i],
		};
	return _cmocka_run_group_tests(name, tests, registered_count, NULL, NULL) ? EXIT_FAILURE
										  : EXIT_SUCCESS;
}

/* ---- memory ---- */

static void *map_memory(struct abi *abi, size_t size)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(addr, MAP_FAILED);
	assert_true(abi->memory_count < ABI_MEMORY);
	abi->memory[abi->memory_count].addr = addr;
	abi->memory[abi->memory_count++].size = size;
	return addr;
}

static void protect(void *addr, size_t npages, int prot)
{
	assert_int_equal(mprotect(addr, npages * PAGE, prot), 0);
}

void *abi_pages(struct abi *abi, size_t npages)
{
	return map_memory(abi, npages * PAGE);
}

void *abi_aligned(struct abi *abi, size_t npages)
{
	uint64_t addr = ADDR(map_memory(abi, npages * PAGE + MIB(16)));

	return (void *)(uintptr_t)((addr + MIB(16) - 1) & ~(MIB(16) - 1));
}

void *abi_constant(struct abi *abi, size_t npages)
{
	void *addr = abi_pages(abi, npages);

	protect(addr, npages, PROT_READ);
	return addr;
}

uint8_t *abi_edge_of(struct abi *abi, size_t npages)
{
	uint8_t *addr = abi_pages(abi, npages + 1);

	protect(addr + npages * PAGE, 1, PROT_NONE);
	return addr + npages * PAGE;
}

void *abi_constant_copy(struct abi *abi, const void *bytes, size_t size, size_t writable)
{
	uint8_t *addr = abi_pages(abi, 2), *at = addr + PAGE - writable;

	memcpy(at, bytes, size);
	protect(addr + PAGE, 1, PROT_READ);
	return at;
}

void *abi_at(uint8_t *edge, const void *bytes, size_t size)
{
	return memcpy(edge - size, bytes, size);
}
