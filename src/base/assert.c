// SPDX-License-Identifier: MIT
/* What a failed base_assert() does. */
#include "base/compiler.h"
#include "base/arith.h"
#include "base/sys.h"

#include <stdio.h>
#include <stdlib.h>

void base_assert_failed(const char *cond, const char *file, int line)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:%d: assertion `%s' failed\n", file, line, cond);

	base_sys_write(2, text, base_min_u64((uint64_t)n, sizeof(text) - 1));
	abort();
}
