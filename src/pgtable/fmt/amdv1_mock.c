// SPDX-License-Identifier: MIT
/*
 * Page tables of the mock IOMMU: AMDv1 with a 2 KiB granule (pgtable-formats.md
 * 2.9), three levels at first (iommufd-test-abi.md 4.2).
 */
#define FMT_GRANULE_LG2 11
#define FMT_MIN_LEVELS	3
#define FMT_VA_LG2	56
#define FMT_PA_LG2	51

#include "pgtable/fmt/amdv1.h"
#include "pgtable/template.h"
#include "pgtable/dirty.h"

/* iommufd-test-abi.md 4.1: every power of two from 2 KiB to 64 GiB. */
const struct pgtable_format pgtable_amdv1_mock = {
	.name = "amdv1_mock",
	.pgsizes = ((uint64_t)1 << 37) - ((uint64_t)1 << 11),
	FMT_OPS,
	FMT_DIRTY_OPS,
};

const struct pgtable_format pgtable_amdv1_mock_huge = {
	.name = "amdv1_mock_huge",
	.pgsizes = (uint64_t)1 << 12 | (uint64_t)1 << 20,
	FMT_OPS,
	FMT_DIRTY_OPS,
};
