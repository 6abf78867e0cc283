/* SPDX-License-Identifier: MIT */
/* The outward header of base/: everything that knows nothing of IOMMUs. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "base/compiler.h"
#include "base/arith.h"
#include "base/list.h"
#include "base/trace.h"
#include "base/alloc.h"
#include "base/sync.h"
#include "base/slab.h"
#include "base/thread.h"
#include "base/idtable.h"
#include "base/gaptree.h"
#include "base/guard.h"
#include "base/maps.h"
#include "base/process.h"
#include "base/scan.h"
#include "base/socket.h"
#include "base/sys.h"

#endif
