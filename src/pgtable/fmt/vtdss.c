// SPDX-License-Identifier: MIT
/* Page tables in the VT-d second-stage format. */
#include "pgtable/fmt/vtdss.h"
#include "pgtable/template.h"
#include "pgtable/dirty.h"

const struct pgtable_format pgtable_vtdss = {
	.name = "vtdss",
	.pgsizes = FMT_PGSIZES,
	FMT_OPS,
	FMT_DIRTY_OPS,
};
