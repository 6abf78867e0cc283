// SPDX-License-Identifier: MIT
/*
 * Finding the C library's functions: all at once, when the library is loaded, or
 * when the first of them is called before that (by another library's start-up).
 */
#include "front/preload/real.h"

#include "base/base.h"

#include <dlfcn.h>

static void resolve(void);

/* Each pointer starts at a function that resolves all and then does the call. */
#define FIRST_CALL(name, result, params, args) \
	static result first_##name params      \
	{                                      \
		resolve();                     \
		return libc_##name args;       \
	}                                      \
	result(*libc_##name) params = first_##name;
PRELOAD_LIBC(FIRST_CALL)

#define ROW(name, result, params, args) {#name, (void **)&libc_##name},

static void __attribute__((constructor(101))) resolve(void)
{
	static const struct {
		const char *name;
		void **call;
	} rows[] = {PRELOAD_LIBC(ROW)};

	for (size_t i = 0; i < base_array_size(rows); i++)
		base_store_relaxed(rows[i].call, dlsym(RTLD_NEXT, rows[i].name));
}
