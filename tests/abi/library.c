// SPDX-License-Identifier: MIT
/* The ABI tests on the library itself: every machine can be made. */
#include "abi.h"

const bool abi_is_library = true;

bool abi_has(const struct abi_machine *machine)
{
	(void)machine;
	return true;
}
