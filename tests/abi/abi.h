/* SPDX-License-Identifier: MIT */
/*
 * What the ABI tests share: machines, a context with devices bound to it, and
 * the calls on them in one line each. Only the public API is used.
 *
 * Calls return what swiommu_ioctl() does: 0 or a negative errno.
 */
#ifndef TESTS_ABI_H
#define TESTS_ABI_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <swiommu/swiommu.h>

#include "uapi/test.h"

#define ABI_DEVICES 4
#define ABI_MEMORY  64

#define PAGE	  ((uint64_t)4096)
#define KIB(n)	  ((uint64_t)(n) << 10)
#define MIB(n)	  ((uint64_t)(n) << 20)
#define ULAST	  UINT64_MAX
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define NO_ID	  0x7ffffff0u /* an id that no test reaches */
#define ADDR(ptr) ((uint64_t)(uintptr_t)(ptr))

/* Mapping flags. */
#define R     IOMMU_IOAS_MAP_READABLE
#define W     IOMMU_IOAS_MAP_WRITEABLE
#define RW    (R | W)
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA

/* What IOVA_RANGES shows of each domain (vtd.md 2.1, 7; iommufd-test-abi.md 4.1). */
#define MSI_START      0xfee00000ull
#define MSI_LAST       0xfeefffffull
#define VTD_FS_LAST    ((1ull << 47) - 1)
#define VTD_SS_LAST    ((1ull << 48) - 1)
#define MOCK_HUGE_LAST ((1ull << 38) - 1)

/* ---- machines ---- */

struct abi_machine {
	const char *iommu;
	uint64_t flags;
	bool memlock;			   /* RLIMIT_MEMLOCK of whoever runs the tests counts */
	const struct swiommu_model *model; /* of all devices; NULL: the library's */
	const char *devices[ABI_DEVICES + 1];
};

/* Two devices, each in a group of its own. */
extern const struct abi_machine abi_vtd, abi_mock;
/* Devices 0 and 1 in one group, 2 in another. */
extern const struct abi_machine abi_vtd_group, abi_mock_group;
/* Device 0 behind VT-d, 1 and 2 behind the mock. */
extern const struct abi_machine abi_mixed;
/* No machine: the test makes its own with abi_init() and takes it down again. */
extern const struct abi_machine abi_none;

struct abi {
	struct swiommu *machine;
	bool mock;
	int ctx; /* an iommufd */
	unsigned device_count;
	struct swiommu_device *device[ABI_DEVICES];
	int file[ABI_DEVICES]; /* device files; -1: not open */
	uint32_t devid[ABI_DEVICES];
	const void *row; /* of the table that the test runs */

	struct {
		void *addr;
		size_t size;
	} memory[ABI_MEMORY];
	unsigned memory_count;
};

/* A machine with an open context and open, unbound device files; fails the test if it cannot be. */
void abi_init(struct abi *abi, const struct abi_machine *machine);
void abi_fini(struct abi *abi);

/* Another one in its place. */
void abi_again(struct abi *abi, const struct abi_machine *machine);

/* ---- expectations ---- */

/* The call's result is `want` (0 or -Exxx); both are named if it is not. */
#define expect(call, want) abi_expect((call), (want), #call, __FILE__, __LINE__)
#define ok(call)	   expect(call, 0)
void abi_expect(long got, long want, const char *call, const char *file, int line);

/* ---- running ---- */

typedef void (*abi_test)(struct abi *abi);

/* Register a test; `row` becomes abi->row. */
void abi_add(const char *name, abi_test test, const struct abi_machine *machine, const void *row);
#define abi_on(machine, test) abi_add(#test, test, &(machine), NULL)
#define abi_on_both(test, vtd_machine, mock_machine)         \
	(abi_add("vtd: " #test, test, &(vtd_machine), NULL), \
	 abi_add("mock: " #test, test, &(mock_machine), NULL))
#define abi_both(test)	 abi_on_both(test, abi_vtd, abi_mock)
#define abi_groups(test) abi_on_both(test, abi_vtd_group, abi_mock_group)

/* One test for each row of a table, whose first member is the name. */
void abi_add_rows(const char *name, abi_test test, const struct abi_machine *machine,
		  const void *rows, size_t size, size_t count);
#define abi_rows(machine, rows, test) \
	abi_add_rows(#test, test, &(machine), rows, sizeof((rows)[0]), COUNT(rows))

/*
 * The tests are built twice: on the library, and as a program for the preload library
 * (preload.c). There, tests are left out that need another machine than the program has,
 * and those registered inside this: they look through a device's eyes, or at the library.
 */
#define abi_library(registration) (abi_is_library ? (void)(registration) : (void)0)
extern const bool abi_is_library;
/* Can this machine be had? */
bool abi_has(const struct abi_machine *machine);

/* Of the test that runs. */
extern const char *abi_test_name;

/* Run what is registered; the exit status. */
int abi_run(const char *name);

/* ---- memory ---- */

/* Pages that can be read and written, zeroed, multiples of 4 KiB; gone at the end of the test. */
void *abi_pages(struct abi *abi, size_t npages);
/* The same, at a multiple of 16 MiB. */
void *abi_aligned(struct abi *abi, size_t npages);
/* Pages that can only be read. */
void *abi_constant(struct abi *abi, size_t npages);
/* The first byte of a page that cannot be accessed; so many pages before it can. */
uint8_t *abi_edge_of(struct abi *abi, size_t npages);
static inline uint8_t *abi_edge(struct abi *abi)
{
	return abi_edge_of(abi, 2);
}
/* A copy of bytes of which only the first `writable` can be written; all can be read. */
void *abi_constant_copy(struct abi *abi, const void *bytes, size_t size, size_t writable);

/* Put `size` bytes so that they end just before the edge. */
void *abi_at(uint8_t *edge, const void *bytes, size_t size);

/* ---- calls on the context ---- */

static inline int abi_ioctl(struct abi *abi, unsigned long cmd, void *arg)
{
	return swiommu_ioctl(abi->machine, abi->ctx, cmd, arg);
}

int abi_destroy(struct abi *abi, uint32_t id);
uint32_t abi_ioas(struct abi *abi);

/* The id that the next object will get. */
uint32_t abi_next_id(struct abi *abi);

/* With FIXED at *iova, else *iova is set. `iova` may be NULL without FIXED. */
int abi_map(struct abi *abi, uint32_t ioas, uint32_t flags, uint64_t va, uint64_t length,
	    uint64_t *iova);
int abi_map_at(struct abi *abi, uint32_t ioas, uint32_t flags, const void *va, uint64_t length,
	       uint64_t iova);
/* `unmapped` may be NULL. */
int abi_unmap(struct abi *abi, uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *unmapped);
int abi_unmap_all(struct abi *abi, uint32_t ioas, uint64_t *unmapped);

/* MAP_FILE; as abi_map(). */
int abi_map_file(struct abi *abi, uint32_t ioas, uint32_t flags, int fd, uint64_t start,
		 uint64_t length, uint64_t *iova);
int abi_map_file_at(struct abi *abi, uint32_t ioas, uint32_t flags, int fd, uint64_t start,
		    uint64_t length, uint64_t iova);

/* COPY [src_iova, src_iova + length - 1] of `src`; with FIXED to *iova, else *iova is set. */
int abi_copy(struct abi *abi, uint32_t dst, uint32_t flags, uint32_t src, uint64_t src_iova,
	     uint64_t length, uint64_t *iova);
int abi_copy_to(struct abi *abi, uint32_t dst, uint32_t flags, uint64_t iova, uint32_t src,
		uint64_t src_iova, uint64_t length);

int abi_allow(struct abi *abi, uint32_t ioas, const struct iommu_iova_range *ranges,
	      uint32_t count);
/* IOVA_RANGES gives exactly these, and this alignment. */
#define expect_ranges(abi, ioas, alignment, ...)                                                \
	abi_expect_ranges(abi, ioas, alignment, (const struct iommu_iova_range[]){__VA_ARGS__}, \
			  COUNT(((const struct iommu_iova_range[]){__VA_ARGS__})), __LINE__)
#define expect_full_ranges(abi, ioas) expect_ranges(abi, ioas, 1, {0, ULAST})
void abi_expect_ranges(struct abi *abi, uint32_t ioas, uint64_t alignment,
		       const struct iommu_iova_range *ranges, uint32_t count, int line);

struct abi_data {
	uint32_t type, len;
	const void *ptr;
};

/* `data` may be NULL, `id` only on failure. Devices are given by their ids. */
int abi_hwpt(struct abi *abi, uint32_t devid, uint32_t pt, uint32_t flags,
	     const struct abi_data *data, uint32_t *id);
int abi_viommu(struct abi *abi, uint32_t devid, uint32_t hwpt, uint32_t *id);
int abi_vdevice(struct abi *abi, uint32_t viommu, uint32_t devid, uint64_t virt_id, uint32_t *id);
/* Of the mock's type. */
int abi_hw_queue(struct abi *abi, uint32_t viommu, uint32_t index, uint64_t iova, uint64_t length,
		 uint32_t *id);

/* The same, which have to work: paging HWPT of device n, nest parent, nested with default data. */
uint32_t abi_paging(struct abi *abi, unsigned n, uint32_t ioas);
uint32_t abi_parent(struct abi *abi, unsigned n, uint32_t ioas);
uint32_t abi_nested(struct abi *abi, unsigned n, uint32_t pt);

/* ---- calls on device n ---- */

static inline int abi_dev(struct abi *abi, unsigned n, unsigned long cmd, void *arg)
{
	return swiommu_ioctl(abi->machine, abi->file[n], cmd, arg);
}

void abi_open(struct abi *abi, unsigned n);
void abi_close(struct abi *abi, unsigned n);

/* BIND to the context; sets abi->devid[n]. */
int abi_bind(struct abi *abi, unsigned n);

/* Bind device n and switch bus mastering on. Returns the device's id. */
uint32_t abi_bound(struct abi *abi, unsigned n);

/* ATTACH, DETACH without PASID. *pt is in and out. */
int abi_attach(struct abi *abi, unsigned n, uint32_t *pt);
int abi_attach_to(struct abi *abi, unsigned n, uint32_t pt);
int abi_detach(struct abi *abi, unsigned n);
/* Attach, which has to work. Returns the HWPT. */
uint32_t abi_attached(struct abi *abi, unsigned n, uint32_t pt);

/* Config space; these have to work. `width` 1, 2 or 4. */
uint32_t abi_config(struct abi *abi, unsigned n, unsigned offset, unsigned width);
void abi_config_set(struct abi *abi, unsigned n, unsigned offset, unsigned width, uint32_t value);
#define CONFIG_REGION ((off_t)7 << 40)

/* Can device n read and write one byte there? */
bool abi_reads(struct abi *abi, unsigned n, uint64_t iova);
bool abi_writes(struct abi *abi, unsigned n, uint64_t iova);

/* Is what device n reads and writes at iova the memory at `va`? */
bool abi_sees(struct abi *abi, unsigned n, uint64_t iova, void *va);

#endif
