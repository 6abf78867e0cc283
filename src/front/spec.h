/* SPDX-License-Identifier: MIT */
/* What "MODEL[,key=value...]" says: private to machine.c. */
#ifndef FRONT_SPEC_H
#define FRONT_SPEC_H

#include "front/front.h"

/* Where a line for people goes; `size` is at least 1. */
struct front_message {
	char *text;
	size_t size;
};

/* Writes the line and returns `error`, so that it can end a function. */
int front_fail(const struct front_message *message, int error, const char *fmt, ...)
	BASE_PRINTF(3, 4);

/* PCI address: domain in the upper half, bus (8), device (5) and function (3) in the lower. */
#define FRONT_BDF_FORMAT   "%04x:%02x:%02x.%x"
#define FRONT_BDF_ARGS(id) (id) >> 16, (id) >> 8 & 0xff, (id) >> 3 & 0x1f, (id)&7

struct front_spec {
	char *text; /* the spec, cut into words: what all pointers here point into */
	const char *model;
	const char **options; /* for the model, NULL-terminated */
	const char *iommu;    /* NULL: the machine's */
	bool has_bdf, has_group;
	uint32_t bdf;
	uint32_t group;
};

/* 0; -EINVAL (with a message), -ENOMEM. front_spec_fini() after success only. */
int front_spec_init(struct front_spec *spec, const char *text, const struct front_message *message);
void front_spec_fini(struct front_spec *spec);

#endif
