// SPDX-License-Identifier: MIT
/* A machine: IOMMUs, the devices behind them in their groups, and what they answer to. */
#include "front/spec.h"

#include "iommu/iommu.h"
#include "iommufd/iommufd.h"
#include "models/models.h"
#include "vfio/vfio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_GROUP 26
#define FIRST_BUS   0x6a

struct front_group {
	struct base_list node;
	struct iommu_group *group;
	uint32_t number;
	size_t kind; /* of IOMMU: all members are behind that IOMMU */
};

struct front_device {
	struct base_list node;
	struct swiommu_device *device;
	struct iommu_device *stream;
	uint32_t number; /* N of vfioN */
	uint32_t bdf;
};

struct front_machine {
	struct iommufd_options options;
	size_t kind;				/* of devices that do not say */
	struct iommu *iommus[IOMMU_KIND_COUNT]; /* made when the first device needs it */
	struct base_list groups, devices;
	uint32_t device_count;
};

/* ---- words ---- */

static size_t kind_find(const char *name)
{
	size_t kind = 0;

	while (kind < IOMMU_KIND_COUNT && strcmp(iommu_kind_name(kind), name))
		kind++;
	return kind;
}

/* Append a word to a list "a, b"; what does not fit is left out. */
static void list_add(char *text, size_t size, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length ? ", " : "", word);
}

void front_iommu_list(char *text, size_t size)
{
	*text = '\0';
	for (size_t i = 0; i < IOMMU_KIND_COUNT; i++)
		list_add(text, size, iommu_kind_name(i));
}

void front_model_list(char *text, size_t size)
{
	const struct swiommu_model *model;

	*text = '\0';
	for (size_t i = 0; (model = models_at(i)) != NULL; i++)
		list_add(text, size, model->name);
}

int front_vdevice_destroy_flag(const char *word, uint64_t *flags)
{
	if (!strcmp(word, "anytime"))
		*flags = 0;
	else if (!strcmp(word, "unbound"))
		*flags = SWIOMMU_VDEVICE_DESTROY_UNBOUND;
	else
		return -EINVAL;
	return 0;
}

int front_memlock_flag(const char *word, uint64_t *flags)
{
	if (!strcmp(word, "host"))
		*flags = 0;
	else if (!strcmp(word, "unlimited"))
		*flags = SWIOMMU_MEMLOCK_UNLIMITED;
	else
		return -EINVAL;
	return 0;
}

/* ---- the machine ---- */

#define MACHINE_FLAGS \
	((uint64_t)(SWIOMMU_VDEVICE_DESTROY_UNBOUND | SWIOMMU_TEST_ABI | SWIOMMU_MEMLOCK_UNLIMITED))

static int need_iommu(struct front_machine *machine, size_t kind)
{
	return machine->iommus[kind] ? 0 : iommu_new(iommu_kind_name(kind), &machine->iommus[kind]);
}

/* The test ABI makes its devices on the machine's own mock IOMMU. */
static int enable_test_abi(struct front_machine *machine)
{
	size_t kind = kind_find("mock");
	int rc = need_iommu(machine, kind);

	if (rc)
		return rc;
	mem_pincount_enable();
	machine->options.test_abi = true;
	machine->options.test_iommu = machine->iommus[kind];
	return 0;
}

int front_machine_new(const char *iommu, uint64_t flags, struct front_machine **out)
{
	size_t kind = iommu ? kind_find(iommu) : 0;
	struct front_machine *machine;
	int rc;

	if (kind == IOMMU_KIND_COUNT || flags & ~MACHINE_FLAGS)
		return -EINVAL;
	machine = base_zalloc(sizeof(*machine));
	if (!machine)
		return -ENOMEM;
	machine->options.vdevice_destroy_unbound = flags & SWIOMMU_VDEVICE_DESTROY_UNBOUND;
	machine->options.memlock_unlimited = flags & SWIOMMU_MEMLOCK_UNLIMITED;
	machine->kind = kind;
	base_list_init(&machine->groups);
	base_list_init(&machine->devices);
	rc = flags & SWIOMMU_TEST_ABI ? enable_test_abi(machine) : 0;
	if (rc) {
		base_free(machine);
		return rc;
	}
	*out = machine;
	return 0;
}

static void group_free(struct front_group *group)
{
	base_list_remove(&group->node);
	iommu_group_free(group->group);
	base_free(group);
}

void front_machine_free(struct front_machine *machine)
{
	struct front_device *device, *next_device;
	struct front_group *group, *next_group;

	base_list_for_each_safe (device, next_device, &machine->devices, node) {
		vfio_device_free(device->device);
		iommu_device_free(device->stream);
		base_free(device);
	}
	base_list_for_each_safe (group, next_group, &machine->groups, node)
		group_free(group);
	for (size_t i = 0; i < IOMMU_KIND_COUNT; i++)
		if (machine->iommus[i])
			iommu_free(machine->iommus[i]);
	base_free(machine);
}

static const struct front_device *device_find(const struct front_machine *machine, uint32_t number)
{
	const struct front_device *device;

	base_list_for_each (device, &machine->devices, node)
		if (device->number == number)
			return device;
	return NULL;
}

bool front_machine_has(const struct front_machine *machine, struct front_node node)
{
	return node.type == FRONT_NODE_IOMMUFD || node.type == FRONT_NODE_CONTAINER ||
	       (node.type == FRONT_NODE_DEVICE && node.number < machine->device_count);
}

int front_machine_open(struct front_machine *machine, struct front_node node,
		       struct mem_client *client, struct mem_file **file)
{
	struct iommufd_options options = machine->options;

	options.per_process = node.type == FRONT_NODE_CONTAINER;
	if (!front_machine_has(machine, node))
		return -ENOENT;
	if (node.type == FRONT_NODE_DEVICE)
		return vfio_device_open(device_find(machine, node.number)->device, file);
	iommufd_client_refresh(&options, client);
	return iommufd_open(&options, file);
}

/* ---- adding a device ---- */

/* Does a device answer to an address that equals bdf where mask is set? */
static bool bdf_is_taken(const struct front_machine *machine, uint32_t bdf, uint32_t mask)
{
	const struct front_device *device;

	base_list_for_each (device, &machine->devices, node)
		if (!((device->bdf ^ bdf) & mask))
			return true;
	return false;
}

/* Function 0 of the first slot that is empty, from 0000:6a:01.0 on. */
static int choose_bdf(const struct front_machine *machine, uint32_t *bdf)
{
	for (uint32_t bus = FIRST_BUS; bus < 0x100; bus++)
		for (uint32_t slot = 1; slot < 32; slot++) {
			*bdf = bus << 8 | slot << 3;
			if (!bdf_is_taken(machine, *bdf, ~7u))
				return 0;
		}
	return -EBUSY;
}

static int place(const struct front_machine *machine, const struct front_spec *spec, uint32_t *bdf,
		 const struct front_message *message)
{
	if (!spec->has_bdf) {
		if (choose_bdf(machine, bdf))
			return front_fail(message, -EBUSY, "no free PCI address: add bdf=");
		return 0;
	}
	*bdf = spec->bdf;
	if (bdf_is_taken(machine, *bdf, ~0u))
		return front_fail(message, -EBUSY,
				  "PCI address " FRONT_BDF_FORMAT " is taken: write another, "
				  "or leave bdf= out to get a free one",
				  FRONT_BDF_ARGS(*bdf));
	return 0;
}

static int find_kind(const struct front_machine *machine, const struct front_spec *spec,
		     size_t *kind, const struct front_message *message)
{
	char list[64];

	*kind = spec->iommu ? kind_find(spec->iommu) : machine->kind;
	if (*kind < IOMMU_KIND_COUNT)
		return 0;
	front_iommu_list(list, sizeof(list));
	return front_fail(message, -EINVAL, "no IOMMU '%s': write one of: %s", spec->iommu, list);
}

static struct front_group *group_find(const struct front_machine *machine, uint32_t number)
{
	struct front_group *group;

	base_list_for_each (group, &machine->groups, node)
		if (group->number == number)
			return group;
	return NULL;
}

static struct front_group *group_new(struct front_machine *machine, uint32_t number, size_t kind)
{
	struct front_group *group = base_zalloc(sizeof(*group));

	if (!group)
		return NULL;
	group->number = number;
	group->kind = kind;
	if (iommu_group_new(number, &group->group)) {
		base_free(group);
		return NULL;
	}
	base_list_add_tail(&machine->groups, &group->node);
	return group;
}

/* The group that the spec names, or one of its own. *fresh: this call made it. */
static int find_group(struct front_machine *machine, const struct front_spec *spec, size_t kind,
		      struct front_group **out, bool *fresh, const struct front_message *message)
{
	uint32_t number = spec->group;

	if (!spec->has_group)
		for (number = FIRST_GROUP; group_find(machine, number);)
			number++;
	*out = group_find(machine, number);
	*fresh = !*out;
	if (*fresh)
		*out = group_new(machine, number, kind);
	if (!*out)
		return front_fail(message, -ENOMEM, "out of memory");
	if ((*out)->kind != kind)
		return front_fail(message, -EINVAL,
				  "group %u is behind IOMMU '%s': write another number", number,
				  iommu_kind_name((*out)->kind));
	return 0;
}

/* `complaint`, if the model has one, names the model itself. */
static int explain_create(const struct swiommu_model *model, int rc, const char *complaint,
			  const struct front_message *message)
{
	if (complaint)
		return front_fail(message, rc, "%s", complaint);
	return front_fail(message, rc, "%s: %s", model->name, strerror(-rc));
}

/* Make the device of a spec that is in order; its place and group are known. */
static int device_new(struct front_machine *machine, const struct swiommu_model *model,
		      const struct front_spec *spec, uint32_t bdf, const struct front_group *group,
		      struct front_device **out, const struct front_message *message)
{
	struct front_device *device = base_zalloc(sizeof(*device));
	const char *complaint = NULL;
	int rc = -ENOMEM;

	if (!device)
		return explain_create(model, rc, NULL, message);
	device->bdf = bdf;
	rc = need_iommu(machine, group->kind);
	if (!rc)
		rc = iommu_device_new(machine->iommus[group->kind], group->group, (uint16_t)bdf,
				      &device->stream);
	if (rc)
		goto fail_stream;
	rc = vfio_device_new(model, spec->options, device->stream, &device->device, &complaint);
	if (rc)
		goto fail_device;
	*out = device;
	return 0;

fail_device:
	iommu_device_free(device->stream);
fail_stream:
	base_free(device);
	return explain_create(model, rc, complaint, message);
}

static int add(struct front_machine *machine, const struct swiommu_model *model,
	       const struct front_spec *spec, struct front_device **out,
	       const struct front_message *message)
{
	struct front_group *group;
	bool fresh;
	uint32_t bdf;
	size_t kind;
	int rc;

	rc = place(machine, spec, &bdf, message);
	if (!rc)
		rc = find_kind(machine, spec, &kind, message);
	if (!rc)
		rc = find_group(machine, spec, kind, &group, &fresh, message);
	if (rc)
		return rc;
	rc = device_new(machine, model, spec, bdf, group, out, message);
	if (rc && fresh)
		group_free(group);
	if (rc)
		return rc;
	(*out)->number = machine->device_count++;
	base_list_add_tail(&machine->devices, &(*out)->node);
	return 0;
}

/* The model of the library that the spec names, or the caller's own, which it must name. */
static int find_model(const struct swiommu_model **model, const struct front_spec *spec,
		      const struct front_message *message)
{
	char list[128];

	if (*model && !strcmp((*model)->name, spec->model))
		return 0;
	if (*model)
		return front_fail(message, -EINVAL, "no model '%s': write %s", spec->model,
				  (*model)->name);
	*model = models_find(spec->model);
	if (*model)
		return 0;
	front_model_list(list, sizeof(list));
	return front_fail(message, -EINVAL, "no model '%s': write one of: %s", spec->model, list);
}

int front_machine_add(struct front_machine *machine, const struct swiommu_model *model,
		      const char *text, struct swiommu_device **device, char *line, size_t size)
{
	struct front_message message = {line, size};
	struct front_device *added = NULL;
	struct front_spec spec;
	int rc = front_spec_init(&spec, text, &message);

	if (rc)
		return rc;
	rc = find_model(&model, &spec, &message);
	if (!rc)
		rc = add(machine, model, &spec, &added, &message);
	if (!rc && device)
		*device = added->device;
	front_spec_fini(&spec);
	return rc;
}

int front_machine_add_lines(struct front_machine *machine, const char *specs, char *message,
			    size_t size)
{
	int rc = 0;

	while (!rc && *specs) {
		size_t length = strcspn(specs, "\n");
		char *spec = base_alloc(length + 1);

		if (!spec)
			return front_fail(&(struct front_message){message, size}, -ENOMEM,
					  "out of memory");
		memcpy(spec, specs, length);
		spec[length] = '\0';
		rc = front_machine_add(machine, NULL, spec, NULL, message, size);
		base_free(spec);
		specs += length + (specs[length] == '\n');
	}
	return rc;
}
