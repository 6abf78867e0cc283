// SPDX-License-Identifier: MIT
/* Page tables in the x86-64 format. */
#include "pgtable/fmt/x86_64.h"
#include "pgtable/template.h"

const struct pgtable_format pgtable_x86_64 = {
	.name = "x86_64",
	.pgsizes = FMT_PGSIZES,
	FMT_OPS,
};
