/* SPDX-License-Identifier: MIT */
/* The outward header of models/: the device models that come with swiommu. */
#ifndef MODELS_MODELS_H
#define MODELS_MODELS_H

#include <stddef.h>

#include <swiommu/model.h>

/*
 * "ioat": one channel of an Intel I/OAT DMA engine (8086:2021).
 * Options: fault=data|address, which error bit a DMA fault sets (default data);
 * xfercap=12..20, log2 of the largest transfer (default 20).
 */
extern const struct swiommu_model model_ioat;

/* The model called `name`, NULL if there is none. */
const struct swiommu_model *models_find(const char *name);

/* The models one by one, in a fixed order: index 0, 1, ... until NULL. */
const struct swiommu_model *models_at(size_t index);

#endif
