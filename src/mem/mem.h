/* SPDX-License-Identifier: MIT */
/* The outward header of mem/: clients, their memory and their files. */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include "base/base.h"
#include "mem/client.h"
#include "mem/dmabuf.h"
#include "mem/file.h"
#include "mem/pageid.h"
#include "mem/pincount.h"
#include "mem/pa.h"
#include "mem/source.h"

#endif
