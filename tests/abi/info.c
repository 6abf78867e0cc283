// SPDX-License-Identifier: MIT
/* What a bound device tells, its resets and features (vfio-device-ioctls.md 2, 6, 7, 9, 10, 11). */
#include "model.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* ---- sizes of the structs, for all of them ---- */

struct size_row {
	const char *name;
	uint32_t cmd, min, index;
};

static const struct size_row sizes[] = {
	{"GET_INFO", VFIO_DEVICE_GET_INFO, 16, 0},
	{"GET_REGION_INFO", VFIO_DEVICE_GET_REGION_INFO, 32, 7},
	{"GET_IRQ_INFO", VFIO_DEVICE_GET_IRQ_INFO, 16, 4},
};

/* 2: argsz below the minimum is EINVAL, more is fine and not looked at. */
static void argsz(struct abi *abi)
{
	const struct size_row *row = abi->row;
	uint32_t cmd[16] = {0, 0, row->index};
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	for (uint32_t size = 0; size < row->min; size++) {
		cmd[0] = size;
		expect(abi_dev(abi, 0, row->cmd, cmd), -EINVAL);
		expect(abi_dev(abi, 0, row->cmd, abi_at(edge, cmd, row->min)), -EINVAL);
	}
	for (uint32_t size = row->min; size < row->min + 40; size++) {
		cmd[0] = size;
		ok(abi_dev(abi, 0, row->cmd, cmd));
		assert_int_equal(cmd[0], size);
	}
	cmd[0] = row->min;
	ok(abi_dev(abi, 0, row->cmd, abi_at(edge, cmd, row->min)));
}

static void bad_memory(struct abi *abi)
{
	const struct size_row *row = abi->row;
	uint32_t cmd[16] = {row->min, 0, row->index};
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	expect(abi_dev(abi, 0, row->cmd, NULL), -EFAULT);
	for (uint32_t there = 0; there < row->min; there++)
		expect(abi_dev(abi, 0, row->cmd, abi_at(edge, cmd, there)), -EFAULT);
	expect(abi_dev(abi, 0, row->cmd, abi_constant_copy(abi, cmd, row->min, 0)), -EFAULT);
	expect(abi_dev(abi, 0, row->cmd, abi_constant_copy(abi, cmd, row->min, 8)), -EFAULT);
}

/* ---- GET_INFO (6) ---- */

static void device_info(struct abi *abi)
{
	struct vfio_device_info cmd = {.argsz = sizeof(cmd), .flags = ~0u, .cap_offset = ~0u};

	abi_bound(abi, 0);
	ok(abi_dev(abi, 0, VFIO_DEVICE_GET_INFO, &cmd));
	assert_int_equal(cmd.argsz, sizeof(cmd));
	assert_int_equal(cmd.flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	assert_int_equal(cmd.num_regions, 9);
	assert_int_equal(cmd.num_irqs, 5);
	assert_int_equal(cmd.cap_offset, 0);
}

/* 6: it writes min(argsz, 24) bytes. */
static void device_info_writes_what_there_is_room_for(struct abi *abi)
{
	abi_bound(abi, 0);
	for (uint32_t size = 16; size <= 32; size++) {
		uint8_t buf[40];
		struct vfio_device_info *cmd = (struct vfio_device_info *)buf;

		memset(buf, 0xee, sizeof(buf));
		cmd->argsz = size;
		ok(abi_dev(abi, 0, VFIO_DEVICE_GET_INFO, cmd));
		assert_int_equal(cmd->num_irqs, 5);
		for (uint32_t i = 16; i < sizeof(buf); i++)
			assert_int_equal(buf[i], i < size && i < 24 ? 0 : 0xee);
	}
}

/* ---- GET_REGION_INFO (7) ---- */

struct region_row {
	const char *name;
	const struct abi_machine *machine;
	uint32_t index;
	uint64_t size;
	uint32_t flags; /* READ, WRITE */
	int want;
};

#define RD_WR (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)

static const struct region_row regions[] = {
	{"BAR 0", &machine_pci, 0, 0x4000, RD_WR, 0},
	{"BAR 1, the upper half of BAR 0", &machine_pci, 1, 0, 0, 0},
	{"BAR 2", &machine_pci, 2, 0x1000, RD_WR, 0},
	{"BAR 3", &machine_pci, 3, 16, RD_WR, 0},
	{"BAR 4, absent", &machine_pci, 4, 0, 0, 0},
	{"BAR 5, absent", &machine_pci, 5, 0, 0, 0},
	{"ROM, absent", &machine_pci, 6, 0, 0, 0},
	{"config space of a PCI Express device", &machine_pci, 7, 4096, RD_WR, 0},
	{"config space of another device", &machine_plain, 7, 256, RD_WR, 0},
	{"VGA", &machine_pci, 8, 0, 0, -EINVAL},
	{"9", &machine_pci, 9, 0, 0, -EINVAL},
	{"2^24", &machine_pci, 1 << 24, 0, 0, -EINVAL},
	{"2^32 - 1", &machine_pci, ~0u, 0, 0, -EINVAL},
};

static void region_info(struct abi *abi)
{
	const struct region_row *row = abi->row;
	struct vfio_region_info cmd = {.argsz = 32, .index = row->index, .offset = 1}, before = cmd;

	abi_init(abi, row->machine);
	abi_bound(abi, 0);
	expect(abi_dev(abi, 0, VFIO_DEVICE_GET_REGION_INFO, &cmd), row->want);
	if (row->want) {
		assert_memory_equal(&cmd, &before, sizeof(cmd));
	} else {
		assert_int_equal(cmd.index, row->index);
		assert_int_equal(cmd.flags & RD_WR, row->flags);
		assert_int_equal(cmd.size, row->size);
		assert_int_equal(cmd.offset, (uint64_t)row->index << 40);
	}
	abi_fini(abi);
}

/* ---- GET_IRQ_INFO (9) ---- */

struct irq_row {
	const char *name;
	const struct abi_machine *machine;
	uint32_t index, count, flags;
	int want;
};

#define EVENT	 VFIO_IRQ_INFO_EVENTFD
#define NORESIZE VFIO_IRQ_INFO_NORESIZE
#define INTX	 (EVENT | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED)

/* MSI-X vectors can be added one by one here, so that it is not NORESIZE. */
static const struct irq_row irqs[] = {
	{"INTx", &machine_pci, 0, 1, INTX, 0},
	{"MSI", &machine_pci, 1, 8, EVENT | NORESIZE, 0},
	{"MSI-X", &machine_pci, 2, 16, EVENT, 0},
	{"error", &machine_pci, 3, 1, EVENT | NORESIZE, 0},
	{"request", &machine_pci, 4, 1, EVENT | NORESIZE, 0},
	{"5", &machine_pci, 5, 0, 0, -EINVAL},
	{"2^32 - 1", &machine_pci, ~0u, 0, 0, -EINVAL},
	{"INTx without a pin", &machine_plain, 0, 0, INTX, 0},
	{"MSI without the capability", &machine_plain, 1, 0, EVENT | NORESIZE, 0},
	{"MSI-X without the capability", &machine_plain, 2, 0, EVENT, 0},
	{"error without PCI Express", &machine_plain, 3, 0, 0, -EINVAL},
	{"request of any device", &machine_plain, 4, 1, EVENT | NORESIZE, 0},
};

static void irq_info(struct abi *abi)
{
	const struct irq_row *row = abi->row;
	struct vfio_irq_info cmd = {.argsz = sizeof(cmd), .flags = ~0u, .index = row->index};

	abi_init(abi, row->machine);
	abi_bound(abi, 0);
	expect(abi_dev(abi, 0, VFIO_DEVICE_GET_IRQ_INFO, &cmd), row->want);
	if (!row->want) {
		assert_int_equal(cmd.flags, row->flags);
		assert_int_equal(cmd.count, row->count);
		assert_int_equal(cmd.index, row->index);
	}
	abi_fini(abi);
}

/* ---- resets (10) ---- */

/* The model is reset; what the program sees of config space stays, and so does the attachment. */
static void reset_keeps_config_space(struct abi *abi)
{
	void *page = abi_pages(abi, 1);
	uint32_t ioas = abi_ioas(abi);

	ok(abi_map_at(abi, ioas, RW, page, PAGE, 0x2000000));
	abi_bound(abi, 0);
	abi_attached(abi, 0, ioas);
	abi_config_set(abi, 0, 0x04, 2, 0x0546);
	abi_config_set(abi, 0, 0x0c, 1, 0x10);
	abi_config_set(abi, 0, 0x10, 4, 0x12340000);
	abi_config_set(abi, 0, 0x3c, 1, 0x11);
	model_forget();
	ok(abi_dev(abi, 0, VFIO_DEVICE_RESET, NULL));
	assert_int_equal(model_log.resets, 1);
	assert_int_equal(abi_config(abi, 0, 0x04, 2), 0x0546);
	assert_int_equal(abi_config(abi, 0, 0x0c, 1), 0x10);
	assert_int_equal(abi_config(abi, 0, 0x10, 4), 0x12340004);
	assert_int_equal(abi_config(abi, 0, 0x3c, 1), 0x11);
	assert_true(abi_sees(abi, 0, 0x2000000, page));
}

/* 10: it leaves D3 behind. */
static void reset_wakes_the_device(struct abi *abi)
{
	uint32_t value;

	abi_bound(abi, 0);
	abi_config_set(abi, 0, 0x44, 2, 3);
	expect(swiommu_pread(abi->machine, abi->file[0], &value, 4, 0), -EIO);
	ok(abi_dev(abi, 0, VFIO_DEVICE_RESET, NULL));
	assert_int_equal(abi_config(abi, 0, 0x44, 2) & 3, 0);
	expect(swiommu_pread(abi->machine, abi->file[0], &value, 4, 0), 4);
}

/* 3.11, 5: a function reset at open and one at close. */
static void bind_and_close_reset_the_function(struct abi *abi)
{
	model_forget();
	ok(abi_bind(abi, 0));
	assert_int_equal(model_log.resets, 1);
	abi_close(abi, 0);
	assert_int_equal(model_log.resets, 2);
}

/* Neither the slot nor the bus of a device here can be reset. */
static void hot_reset_is_not_possible(struct abi *abi)
{
	uint32_t info[3] = {12}, reset[4] = {12};
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	expect(abi_dev(abi, 0, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info), -ENODEV);
	info[0] = 1000;
	expect(abi_dev(abi, 0, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, abi_at(edge, info, 12)),
	       -ENODEV);
	expect(abi_dev(abi, 0, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, abi_at(edge, info, 11)),
	       -EFAULT);
	info[0] = 11;
	expect(abi_dev(abi, 0, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info), -EINVAL);

	expect(abi_dev(abi, 0, VFIO_DEVICE_PCI_HOT_RESET, reset), -ENODEV);
	expect(abi_dev(abi, 0, VFIO_DEVICE_PCI_HOT_RESET, abi_at(edge, reset, 11)), -EFAULT);
	reset[0] = 11;
	expect(abi_dev(abi, 0, VFIO_DEVICE_PCI_HOT_RESET, reset), -EINVAL);
	reset[0] = 16;
	reset[1] = 1;
	expect(abi_dev(abi, 0, VFIO_DEVICE_PCI_HOT_RESET, reset), -EINVAL);
	/* A device opened through its own node gives no groups. */
	reset[1] = 0;
	reset[2] = 1;
	expect(abi_dev(abi, 0, VFIO_DEVICE_PCI_HOT_RESET, reset), -EINVAL);
}

/* ---- FEATURE (11) ---- */

#define GET   VFIO_DEVICE_FEATURE_GET
#define SET   VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

struct feature_row {
	const char *name;
	uint32_t argsz, flags;
	int want;
};

/* 3: entry, 4: entry with wake-up (8 bytes), 5: exit. */
static const struct feature_row features[] = {
	{"7 bytes", 7, 3 | SET, -EINVAL},
	{"0 bytes", 0, 3 | SET, -EINVAL},
	{"unknown flags", 8, 3 | SET | 1 << 19, -EINVAL},
	{"unknown flags, unknown feature", 8, 0xffff | 1u << 31, -EINVAL},
	{"get and set", 8, 3 | GET | SET, -EINVAL},
	{"get and set of an unknown feature", 8, 0xffff | GET | SET, -EINVAL},
	{"an unknown feature", 8, 13 | GET, -ENOTTY},
	{"an unknown feature, probed", 8, 13 | PROBE, -ENOTTY},
	{"an unknown feature, get and set probed", 8, 13 | GET | SET | PROBE, -ENOTTY},
	{"a token of a device without virtual functions", 24, 0 | SET, -ENOTTY},
	{"migration", 16, 1 | GET, -ENOTTY},
	{"migration, probed", 8, 1 | GET | PROBE, -ENOTTY},
	{"device state", 16, 2 | SET, -ENOTTY},
	{"DMA logging, start", 32, 6 | SET, -ENOTTY},
	{"DMA logging, stop", 8, 7 | SET, -ENOTTY},
	{"DMA logging, report", 40, 8 | GET, -ENOTTY},
	{"migration data size", 16, 9 | GET, -ENOTTY},
	{"bus master", 12, 10 | SET, -ENOTTY},
	{"pre-copy info", 8, 12 | SET, -EINVAL},
	{"pre-copy info, probed", 8, 12 | SET | PROBE, -EINVAL},
	{"low power: set", 8, 3 | SET, 0},
	{"low power: probed", 8, 3 | PROBE, 0},
	{"low power: set probed", 8, 3 | SET | PROBE, 0},
	{"low power: get", 8, 3 | GET, -EINVAL},
	{"low power: get probed", 8, 3 | GET | PROBE, -EINVAL},
	{"low power: get and set probed", 8, 3 | GET | SET | PROBE, -EINVAL},
	{"low power: neither", 8, 3, -EINVAL},
	{"wake-up: data that is too short", 15, 4 | SET, -EINVAL},
	{"wake-up: probed without data", 8, 4 | SET | PROBE, 0},
	{"wake-up: get", 16, 4 | GET, -EINVAL},
	{"exit: get", 8, 5 | GET, -EINVAL},
	{"exit: probed", 8, 5 | SET | PROBE, 0},
};

static void feature(struct abi *abi)
{
	const struct feature_row *row = abi->row;
	uint32_t cmd[2] = {row->argsz, row->flags};

	abi_bound(abi, 0);
	expect(abi_dev(abi, 0, VFIO_DEVICE_FEATURE, abi_at(abi_edge(abi), cmd, sizeof(cmd))),
	       row->want);
}

static void feature_in_bad_memory_is_efault(struct abi *abi)
{
	const uint32_t cmd[2] = {8, 3 | SET};
	uint8_t *edge = abi_edge(abi);

	abi_bound(abi, 0);
	for (size_t there = 0; there < sizeof(cmd); there++)
		expect(abi_dev(abi, 0, VFIO_DEVICE_FEATURE, abi_at(edge, cmd, there)), -EFAULT);
}

static int low_power(struct abi *abi, uint32_t index)
{
	uint32_t cmd[2] = {8, index | SET};

	return abi_dev(abi, 0, VFIO_DEVICE_FEATURE, cmd);
}

static int low_power_with_wakeup(struct abi *abi, int32_t eventfd)
{
	uint32_t cmd[4] = {16, 4 | SET, (uint32_t)eventfd};

	return abi_dev(abi, 0, VFIO_DEVICE_FEATURE, cmd);
}

static void low_power_is_entered_once(struct abi *abi)
{
	int event = eventfd(0, EFD_CLOEXEC);

	abi_bound(abi, 0);
	ok(low_power(abi, 3));
	expect(low_power(abi, 3), -EINVAL);
	expect(low_power_with_wakeup(abi, event), -EINVAL);
	ok(low_power(abi, 5));
	expect(low_power_with_wakeup(abi, -1), -EINVAL);
	expect(low_power_with_wakeup(abi, abi->ctx + 5000), -EBADF);
	ok(low_power_with_wakeup(abi, event));
	expect(low_power(abi, 3), -EINVAL);
	ok(low_power(abi, 5));
	ok(low_power(abi, 3));
	/* 5: close leaves it. */
	abi_close(abi, 0);
	abi_open(abi, 0);
	abi_bound(abi, 0);
	ok(low_power(abi, 3));
	close(event);
}

int main(void)
{
	abi_rows(machine_pci, sizes, argsz);
	abi_rows(machine_pci, sizes, bad_memory);
	abi_on(machine_pci, device_info);
	abi_on(machine_plain, device_info_writes_what_there_is_room_for);
	abi_rows(abi_none, regions, region_info);
	abi_rows(abi_none, irqs, irq_info);
	abi_on(machine_pci, reset_keeps_config_space);
	abi_on(machine_pci, reset_wakes_the_device);
	abi_on(machine_pci, bind_and_close_reset_the_function);
	abi_on(machine_pci, hot_reset_is_not_possible);
	abi_rows(machine_pci, features, feature);
	abi_on(machine_pci, feature_in_bad_memory_is_efault);
	abi_on(machine_pci, low_power_is_entered_once);
	return abi_run("info");
}
