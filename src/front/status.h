/* SPDX-License-Identifier: MIT */
/* What a kernel would say of a process that has pinned memory: /proc/PID/status. */
#ifndef FRONT_STATUS_H
#define FRONT_STATUS_H

#include "mem/mem.h"

/* A rewritten text is at most this much longer. */
#define FRONT_STATUS_GROWTH 64

/*
 * Copy the `size` bytes of `text` to `out`, which has room for FRONT_STATUS_GROWTH more, with the
 * account's pages added to what the lines VmPin and VmLck say (in kB). No line is added or moved:
 * programs count them. Returns the new size.
 */
size_t front_status_rewrite(char *out, const char *text, size_t size,
			    const struct mem_account *account);

#endif
