// SPDX-License-Identifier: MIT
// The list of device models, by name and by number.

#include "models/models.h"

#include <string.h>

#include "base/base.h"

static const struct swiommu_model *const models[] = {
	&model_ioat,
};

const struct swiommu_model *models_at(size_t index)
{
	return index < base_array_size(models) ? models[index] : NULL;
}

const struct swiommu_model *models_find(const char *name)
{
	for (size_t i = 0; i < base_array_size(models); i++)
		if (!strcmp(models[i]->name, name))
			return models[i];
	return NULL;
}
