// SPDX-License-Identifier: MIT
/* front/front.h: specs, their complaints, and paths. */
#include "front/front.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct front_machine *machine_of(const char *iommu)
{
	struct front_machine *machine;

	assert_int_equal(front_machine_new(iommu, 0, &machine), 0);
	return machine;
}

/* ---- specs ---- */

static void good_specs_are_taken(void **state)
{
	static const char *const specs[] = {
		"ioat",
		"ioat,bdf=0000:00:00.0",
		"ioat,bdf=ffff:ff:1f.7",
		"ioat,bdf=ABCD:eF:1a.3",
		"ioat,group=0",
		"ioat,group=1048575",
		"ioat,iommu=mock",
		"ioat,iommu=vtd,group=7,bdf=0001:02:03.4,xfercap=16",
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(specs); i++) {
		struct front_machine *machine = machine_of(NULL);
		char message[FRONT_MESSAGE_SIZE] = "";
		struct swiommu_device *device = NULL;

		if (front_machine_add(machine, NULL, specs[i], &device, message, sizeof(message)))
			fail_msg("%s: %s", specs[i], message);
		assert_non_null(device);
		front_machine_free(machine);
	}
}

/* Each is added to a machine that has the devices of `first`. */
static const struct {
	const char *first, *spec;
	int error;
	const char *message;
} bad_specs[] = {
	{"", "", -EINVAL, "no model '': write one of: ioat"},
	{"", "iota", -EINVAL, "no model 'iota': write one of: ioat"},
	{"", ",bdf=0000:6a:01.0", -EINVAL, "no model '': write one of: ioat"},
	{"", "ioat,", -EINVAL, "no option '': write KEY=VALUE"},
	{"", "ioat,bdf", -EINVAL, "no option 'bdf': write KEY=VALUE"},
	{"", "ioat,=3", -EINVAL, "no option '=3': write KEY=VALUE"},
	{"", "ioat,bdf=6a:01.0", -EINVAL,
	 "no PCI address '6a:01.0': write bdf=DDDD:BB:DD.F in hexadecimal, "
	 "for example bdf=0000:6a:01.0"},
	{"", "ioat,bdf=0000:6a:20.0", -EINVAL,
	 "no PCI address '0000:6a:20.0': write bdf=DDDD:BB:DD.F in hexadecimal, "
	 "for example bdf=0000:6a:01.0"},
	{"", "ioat,bdf=0000:6a:01.8", -EINVAL,
	 "no PCI address '0000:6a:01.8': write bdf=DDDD:BB:DD.F in hexadecimal, "
	 "for example bdf=0000:6a:01.0"},
	{"", "ioat,bdf=0000:6a:01.0x", -EINVAL,
	 "no PCI address '0000:6a:01.0x': write bdf=DDDD:BB:DD.F in hexadecimal, "
	 "for example bdf=0000:6a:01.0"},
	{"", "ioat,bdf=0000:6a:01.0,bdf=0000:6a:01.0", -EINVAL,
	 "bdf is given twice: write it once"},
	{"", "ioat,group=1,group=1", -EINVAL, "group is given twice: write it once"},
	{"", "ioat,iommu=vtd,iommu=vtd", -EINVAL, "iommu is given twice: write it once"},
	{"", "ioat,group=x", -EINVAL,
	 "no group number 'x': write a decimal number below 2^20, for example group=26"},
	{"", "ioat,group=-1", -EINVAL,
	 "no group number '-1': write a decimal number below 2^20, for example group=26"},
	{"", "ioat,group=", -EINVAL,
	 "no group number '': write a decimal number below 2^20, for example group=26"},
	{"", "ioat,group=1048576", -EINVAL,
	 "no group number '1048576': write a decimal number below 2^20, for example group=26"},
	{"", "ioat,iommu=amd", -EINVAL, "no IOMMU 'amd': write one of: vtd, mock"},
	{"", "ioat,fault=1", -EINVAL, "ioat: write fault=data or fault=address"},
	{"ioat", "ioat,bdf=0000:6a:01.0", -EBUSY,
	 "PCI address 0000:6a:01.0 is taken: write another, or leave bdf= out to get a free one"},
	{"ioat\nioat", "ioat,bdf=0000:6a:02.0", -EBUSY,
	 "PCI address 0000:6a:02.0 is taken: write another, or leave bdf= out to get a free one"},
	{"ioat,bdf=0000:6a:01.5\nioat", "ioat,bdf=0000:6a:02.0", -EBUSY,
	 "PCI address 0000:6a:02.0 is taken: write another, or leave bdf= out to get a free one"},
	{"ioat", "ioat,iommu=mock,group=26", -EINVAL,
	 "group 26 is behind IOMMU 'vtd': write another number"},
	{"ioat,group=26\nioat", "ioat,iommu=mock,group=27", -EINVAL,
	 "group 27 is behind IOMMU 'vtd': write another number"},
};

static void bad_specs_are_explained(void **state)
{
	char message[FRONT_MESSAGE_SIZE];

	(void)state;
	for (size_t i = 0; i < base_array_size(bad_specs); i++) {
		struct front_machine *machine = machine_of("vtd");

		assert_int_equal(front_machine_add_lines(machine, bad_specs[i].first, message,
							 sizeof(message)),
				 0);
		assert_int_equal(front_machine_add(machine, NULL, bad_specs[i].spec, NULL, message,
						   sizeof(message)),
				 bad_specs[i].error);
		assert_string_equal(message, bad_specs[i].message);
		front_machine_free(machine);
	}
}

static void a_message_fits_its_buffer(void **state)
{
	struct front_machine *machine = machine_of(NULL);
	char message[9];

	(void)state;
	memset(message, 'x', sizeof(message));
	assert_int_equal(front_machine_add(machine, NULL, "iota", NULL, message, 8), -EINVAL);
	assert_string_equal(message, "no mode");
	assert_int_equal(message[8], 'x');
	front_machine_free(machine);
}

static void the_models_own_options_are_checked_by_it(void **state)
{
	struct front_machine *machine = machine_of(NULL);
	char message[FRONT_MESSAGE_SIZE];

	(void)state;
	assert_int_equal(front_machine_add(machine, NULL, "ioat,foo=1", NULL, message,
					   sizeof(message)),
			 -EINVAL);
	assert_non_null(strstr(message, "ioat: "));
	assert_null(strchr(message, '\n'));
	front_machine_free(machine);
}

static int own_create(struct swiommu_device *device, const char *const *options, void **state,
		      const char **message)
{
	(void)device, (void)message;
	*state = NULL;
	assert_string_equal(options[0], "colour=red");
	assert_null(options[1]);
	return 0;
}

static void own_destroy(void *state)
{
	(void)state;
}

static void a_callers_own_model_must_be_named(void **state)
{
	static const struct swiommu_model own = {.name = "own",
						 .create = own_create,
						 .destroy = own_destroy};
	struct front_machine *machine = machine_of(NULL);
	char message[FRONT_MESSAGE_SIZE];

	(void)state;
	assert_int_equal(front_machine_add(machine, &own, "ioat", NULL, message, sizeof(message)),
			 -EINVAL);
	assert_string_equal(message, "no model 'ioat': write own");
	assert_int_equal(front_machine_add(machine, &own, "own,group=3,colour=red", NULL, message,
					   sizeof(message)),
			 0);
	front_machine_free(machine);
}

static void a_failed_add_changes_nothing(void **state)
{
	struct front_machine *machine = machine_of(NULL);
	char message[FRONT_MESSAGE_SIZE];

	(void)state;
	assert_int_equal(front_machine_add(machine, NULL, "ioat,group=9,fault=x", NULL, message,
					   sizeof(message)),
			 -EINVAL);
	assert_false(front_machine_has(machine, front_node_parse("/dev/vfio/devices/vfio0")));
	/* The group that was begun for it is not there, behind another IOMMU. */
	assert_int_equal(front_machine_add(machine, NULL, "ioat,group=9,iommu=mock", NULL, message,
					   sizeof(message)),
			 0);
	front_machine_free(machine);
}

static void add_survives_every_failure(void **state)
{
	size_t before = base_alloc_count();
	unsigned nth = 0;
	int rc;

	(void)state;
	do {
		struct front_machine *machine = machine_of(NULL);
		char message[FRONT_MESSAGE_SIZE];

		base_fail_nth(++nth);
		rc = front_machine_add(machine, NULL, "ioat,bdf=0000:01:02.3", NULL, message,
				       sizeof(message));
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_true(rc || base_fail_pending());
		base_fail_nth(0);
		front_machine_free(machine);
		assert_int_equal(base_alloc_count(), before);
	} while (rc);
	assert_true(nth > 5);
}

/* ---- machines ---- */

static void machines_know_their_words(void **state)
{
	struct front_machine *machine;
	uint64_t flags;
	char list[64];

	(void)state;
	assert_int_equal(front_machine_new("amd", 0, &machine), -EINVAL);
	assert_int_equal(front_machine_new("vtd", 8, &machine), -EINVAL);
	assert_int_equal(front_vdevice_destroy_flag("anytime", &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(front_vdevice_destroy_flag("unbound", &flags), 0);
	assert_int_equal(flags, SWIOMMU_VDEVICE_DESTROY_UNBOUND);
	assert_int_equal(front_vdevice_destroy_flag("never", &flags), -EINVAL);
	assert_int_equal(front_memlock_flag("host", &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(front_memlock_flag("unlimited", &flags), 0);
	assert_int_equal(flags, SWIOMMU_MEMLOCK_UNLIMITED);
	assert_int_equal(front_memlock_flag("Host", &flags), -EINVAL);
	front_iommu_list(list, sizeof(list));
	assert_string_equal(list, "vtd, mock");
	front_iommu_list(list, 5);
	assert_string_equal(list, "vtd,");
}

static void lines_make_devices_until_one_fails(void **state)
{
	struct front_machine *machine = machine_of("mock");
	char message[FRONT_MESSAGE_SIZE];

	(void)state;
	assert_int_equal(front_machine_add_lines(machine, "ioat\nioat\n", message, sizeof(message)),
			 0);
	assert_true(front_machine_has(machine, front_node_parse("/dev/vfio/devices/vfio1")));
	assert_false(front_machine_has(machine, front_node_parse("/dev/vfio/devices/vfio2")));
	assert_int_equal(front_machine_add_lines(machine, "ioat\nx\nioat", message,
						 sizeof(message)),
			 -EINVAL);
	assert_true(front_machine_has(machine, front_node_parse("/dev/vfio/devices/vfio2")));
	assert_false(front_machine_has(machine, front_node_parse("/dev/vfio/devices/vfio3")));
	front_machine_free(machine);
}

/* ---- paths ---- */

static void paths_are_known_by_their_exact_spelling(void **state)
{
	static const struct {
		const char *path;
		enum front_node_type type;
		uint32_t number;
	} rows[] = {
		{"/dev/iommu", FRONT_NODE_IOMMUFD, 0},
		{"/dev/iommu/", FRONT_NODE_NONE, 0},
		{"/dev//iommu", FRONT_NODE_NONE, 0},
		{"dev/iommu", FRONT_NODE_NONE, 0},
		{"iommu", FRONT_NODE_NONE, 0},
		{"/dev/iommu2", FRONT_NODE_NONE, 0},
		{"/dev/iomm", FRONT_NODE_NONE, 0},
		{"/dev/", FRONT_NODE_NONE, 0},
		{"", FRONT_NODE_NONE, 0},
		{"/dev/vfio", FRONT_NODE_DIR, 0},
		{"/dev/vfio/devices", FRONT_NODE_DIR, 1},
		{"/dev/vfio/vfio", FRONT_NODE_CONTAINER, 0},
		{"/dev/vfio/vfio0", FRONT_NODE_NONE, 0},
		{"/dev/vfio/devices/vfio", FRONT_NODE_NONE, 0},
		{"/dev/vfio/devices/vfio0", FRONT_NODE_DEVICE, 0},
		{"/dev/vfio/devices/vfio17", FRONT_NODE_DEVICE, 17},
		{"/dev/vfio/devices/vfio01", FRONT_NODE_NONE, 0},
		{"/dev/vfio/devices/vfio1x", FRONT_NODE_NONE, 0},
		{"/dev/vfio/devices/vfio-1", FRONT_NODE_NONE, 0},
		{"/dev/vfio/devices/vfio4294967296", FRONT_NODE_NONE, 0},
	};

	(void)state;
	for (size_t i = 0; i < base_array_size(rows); i++) {
		struct front_node node = front_node_parse(rows[i].path);

		if (node.type != rows[i].type ||
		    (node.type != FRONT_NODE_NONE && node.number != rows[i].number))
			fail_msg("%s: %d %u", rows[i].path, node.type, node.number);
	}
}

static void nodes_open_as_files(void **state)
{
	struct front_machine *machine = machine_of(NULL);
	struct mem_client client = {0};
	char message[FRONT_MESSAGE_SIZE];
	struct mem_file *file;

	(void)state;
	assert_int_equal(front_machine_add_lines(machine, "ioat", message, sizeof(message)), 0);
	assert_int_equal(front_machine_open(machine, front_node_parse("/dev/iommu"), &client,
					    &file),
			 0);
	assert_string_equal(file->ops->name, "iommufd");
	mem_file_put(file);
	assert_int_equal(front_machine_open(machine, front_node_parse("/dev/vfio/devices/vfio0"),
					    &client, &file),
			 0);
	assert_string_equal(file->ops->name, "vfio-device");
	mem_file_put(file);
	assert_int_equal(front_machine_open(machine, front_node_parse("/dev/vfio/devices/vfio1"),
					    &client, &file),
			 -ENOENT);
	assert_int_equal(front_machine_open(machine, front_node_parse("/dev/vfio"), &client, &file),
			 -ENOENT);
	front_machine_free(machine);
}

/* What a client may lock is asked when it opens a context, and only then. */
static void opening_a_context_says_what_may_be_locked(void **state)
{
	struct mem_client near = {0}, far = {.remote = true, .refs = {1}};
	struct front_machine *machine = machine_of(NULL), *unlimited;
	struct front_node node = front_node_parse("/dev/iommu");
	struct mem_file *file;

	(void)state;
	assert_int_equal(front_machine_new(NULL, SWIOMMU_MEMLOCK_UNLIMITED, &unlimited), 0);
	near.may_lock = !base_sys_may_lock();
	assert_int_equal(front_machine_open(machine, node, &near, &file), 0);
	assert_int_equal(near.may_lock, base_sys_may_lock());
	mem_file_put(file);
	assert_int_equal(front_machine_open(machine, node, &far, &file), 0);
	assert_false(far.may_lock);
	mem_file_put(file);
	assert_int_equal(front_machine_open(unlimited, node, &far, &file), 0);
	assert_true(far.may_lock);
	mem_file_put(file);
	front_machine_free(unlimited);
	front_machine_free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_specs_are_taken),
		cmocka_unit_test(bad_specs_are_explained),
		cmocka_unit_test(a_message_fits_its_buffer),
		cmocka_unit_test(the_models_own_options_are_checked_by_it),
		cmocka_unit_test(a_callers_own_model_must_be_named),
		cmocka_unit_test(a_failed_add_changes_nothing),
		cmocka_unit_test(add_survives_every_failure),
		cmocka_unit_test(machines_know_their_words),
		cmocka_unit_test(lines_make_devices_until_one_fails),
		cmocka_unit_test(paths_are_known_by_their_exact_spelling),
		cmocka_unit_test(nodes_open_as_files),
		cmocka_unit_test(opening_a_context_says_what_may_be_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
