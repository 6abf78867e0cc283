// SPDX-License-Identifier: MIT
/* Config space: what a program reads and what its writes do (vfio-device-ioctls.md 8). */
#include "model.h"

#define ANY (-1)

/* ---- a device whose capabilities the test lays out ---- */

static const struct model_field *layout;

static int layout_create(struct swiommu_device *device, const char *const *options, void **state,
			 const char **message)
{
	size_t count = 0;

	(void)options, (void)message;
	while (layout[count].width)
		count++;
	return model_create(device, layout, count, state);
}

static const struct swiommu_model layout_model = {
	.name = "layout",
	.vendor = 0x1af4,
	.device = 0x1111,
	.capability_ptr = 0x40,
	.bars = {[0] = {0x1000, 0}},
	.create = layout_create,
	MODEL_CALLBACKS,
};

static const struct abi_machine layout_machine = {.iommu = "vtd",
						  .model = &layout_model,
						  .devices = {"layout"}};

static void bind_layout(struct abi *abi, const struct model_field *fields)
{
	layout = fields;
	abi_init(abi, &layout_machine);
	abi_bound(abi, 0);
}

/* ---- one write, and what is read then ---- */

struct write_row {
	const char *name;
	unsigned offset, width;
	uint32_t value;
	uint32_t want;
	int64_t hw; /* what the device's own register is then, or ANY */
};

static void run_write(struct abi *abi, const struct write_row *row)
{
	abi_config_set(abi, 0, row->offset, row->width, row->value);
	assert_int_equal(abi_config(abi, 0, row->offset, row->width), row->want);
	if (row->hw != ANY)
		assert_int_equal(swiommu_config_get(abi->device[0], row->offset, row->width),
				 row->hw);
}

/* The model "pci". */
static const struct write_row headers[] = {
	{"vendor", 0x00, 2, 0xffff, 0x1af4, 0x1af4},
	{"device", 0x02, 2, 0, 0x1234, 0x1234},
	{"command: what the device has", 0x04, 2, 0x0146, 0x0146, 0x0146},
	{"command: INTx disable is the program's own", 0x04, 2, 0x0402, 0x0402, 0x0002},
	{"command: what the device has not", 0x04, 2, 0xf8b9, 0, 0},
	{"command: one byte", 0x05, 1, 0x04, 0x04, 0x00},
	{"status", 0x06, 2, 0xffff, 0x0010, 0x0010},
	{"command and status", 0x04, 4, 0xffff0006, 0x00100006, 0x00100006},
	{"revision and class", 0x08, 4, 0, 0x02000042, 0x02000042},
	{"cache line size", 0x0c, 1, 0x40, 0x40, 0x40},
	{"latency, which the device has not", 0x0d, 1, 0xff, 0, 0},
	{"header type", 0x0e, 1, 0xff, 0, 0},
	{"BIST, which the device has not", 0x0f, 1, 0xff, 0, 0},
	{"BAR 0: all ones", 0x10, 4, 0xffffffff, 0xffffc004, ANY},
	{"BAR 0: an address", 0x10, 4, 0x12345678, 0x12344004, ANY},
	{"BAR 0: one byte", 0x13, 1, 0xab, 0xab, ANY},
	{"BAR 0: a byte below the size", 0x10, 1, 0xff, 0x04, ANY},
	{"BAR 1: the upper half", 0x14, 4, 0xffffffff, 0xffffffff, ANY},
	{"BAR 2: all ones", 0x18, 4, 0xffffffff, 0xfffff008, ANY},
	{"BAR 3: all ones", 0x1c, 4, 0xffffffff, 0xfffffff0, ANY},
	{"BAR 4: absent", 0x20, 4, 0xffffffff, 0, 0},
	{"BAR 5: absent", 0x24, 4, 0xffffffff, 0, 0},
	{"CardBus", 0x28, 4, 0xffffffff, 0, 0},
	{"subsystem", 0x2c, 4, 0, 0x9abc5678, 0x9abc5678},
	{"ROM: absent", 0x30, 4, 0xffffffff, 0, 0},
	{"capability pointer", 0x34, 1, 0xff, 0x40, 0x40},
	{"interrupt line", 0x3c, 1, 0x5a, 0x5a, ANY},
	{"interrupt pin", 0x3d, 1, 0xff, 1, 1},
	{"a gap after a capability", 0x60, 4, 0xffffffff, 0xffff3344, 0xffff3344},
	{"behind all capabilities", 0xf0, 4, 0, 0x55660000, 0x55660000},

	{"PM: header", 0x40, 2, 0, 0x5001, 0x5001},
	{"PM: wake-up events are hidden", 0x42, 2, 0xffff, 0x0003, 0x4803},
	{"PM: D3", 0x44, 2, 0x0003, 0x000b, 0x000b},
	{"PM: wake-up enable", 0x44, 2, 0x0100, 0x0008, 0x0008},

	{"MSI: header", 0x50, 2, 0, 0x7005, 0x7005},
	{"MSI: enable does not stick while MSI is off", 0x52, 2, 0x0001, 0x0086, 0x0086},
	{"MSI: what is not writable", 0x52, 2, 0xff8e, 0x0086, 0x0086},
	{"MSI: not more vectors than are enabled", 0x52, 2, 0x0030, 0x0086, 0x0086},
	{"MSI: address", 0x54, 4, 0xfee01230, 0xfee01230, 0},
	{"MSI: upper address", 0x58, 4, 0x12345678, 0x12345678, 0},
	{"MSI: data", 0x5c, 2, 0x4321, 0x4321, 0},

	{"MSI-X: header", 0x70, 2, 0, 0x9011, 0x9011},
	{"MSI-X: control", 0x72, 2, 0xffff, 0x000f, 0x000f},
	{"MSI-X: table", 0x74, 4, 0xffffffff, 0x0802, 0x0802},
	{"MSI-X: pending bits", 0x78, 4, 0xffffffff, 0x0f02, 0x0f02},

	{"PCIe: header", 0x90, 4, 0, 0x00020010, 0x00020010},
	{"PCIe: capabilities", 0x94, 4, 0, 0x10008002, 0x10008002},
	{"PCIe: relaxed ordering off", 0x98, 2, 0x2840, 0x2840, 0x2840},
	{"PCIe: error reporting", 0x98, 2, 0x285f, 0x285f, 0x285f},
	{"PCIe: phantom functions", 0x98, 2, 0x2a50, 0x2850, 0x2850},
	{"PCIe: payload size is the program's own", 0x98, 2, 0x28b0, 0x28b0, 0x2850},
	{"PCIe: read request above the payload size", 0x98, 2, 0x5850, 0x5850, 0x5850},
	{"PCIe: read request at the payload size", 0x98, 2, 0x2850, 0x2850, 0x2850},
	{"PCIe: control 2", 0xb8, 2, 0x001f, 0x001f, 0x001f},
	{"PCIe: ARI forwarding", 0xb8, 2, 0x0020, 0, 0},
};

static void write_and_read(struct abi *abi)
{
	abi_bound(abi, 0);
	run_write(abi, abi->row);
}

/* The device's own read request is never below the payload size, here 512 bytes (code 2). */
static void read_requests_are_not_below_the_payload_size(struct abi *abi)
{
	abi_bound(abi, 0);
	for (uint32_t code = 0; code < 6; code++) {
		abi_config_set(abi, 0, 0x98, 2, code << 12 | 0x0850);
		assert_int_equal(swiommu_config_get(abi->device[0], 0x98, 2) >> 12,
				 code < 2 ? 2 : code);
	}
}

/* No pin, no capability, 256 bytes. */
static const struct write_row plains[] = {
	{"status", 0x06, 2, 0xffff, 0, 0},
	{"capability pointer", 0x34, 1, 0x40, 0, 0},
	{"interrupt pin", 0x3d, 1, 1, 0, 0},
	{"where a capability could be", 0x40, 4, 0xffffffff, 0, 0},
	{"a 32-bit BAR", 0x10, 4, 0xffffffff, 0xfffff000, ANY},
	{"and none above it", 0x14, 4, 0xffffffff, 0, 0},
};

/* Each byte is the same in pieces of any size. */
static void pieces_of_all_sizes_agree(struct abi *abi)
{
	abi_bound(abi, 0);
	for (unsigned offset = 0; offset < 0x200; offset += 4) {
		uint32_t all = abi_config(abi, 0, offset, 4);

		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(abi_config(abi, 0, offset + i, 1), all >> 8 * i & 0xff);
		for (unsigned i = 0; i < 4; i += 2)
			assert_int_equal(abi_config(abi, 0, offset + i, 2), all >> 8 * i & 0xffff);
	}
}

/* The MSI registers are the program's own while MSI is on: enable sticks, vectors are limited. */
static void msi_control_while_msi_is_on(struct abi *abi)
{
	uint32_t cmd[] = {
		9 * sizeof(uint32_t),
		VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_PCI_MSI_IRQ_INDEX,
		0,
		4,
		~0u,
		~0u,
		~0u,
		~0u,
	};

	abi_bound(abi, 0);
	ok(abi_dev(abi, 0, VFIO_DEVICE_SET_IRQS, cmd));
	abi_config_set(abi, 0, 0x52, 2, 0x0011);
	assert_int_equal(abi_config(abi, 0, 0x52, 2), 0x0097);
	abi_config_set(abi, 0, 0x52, 2, 0x0071);
	assert_int_equal(abi_config(abi, 0, 0x52, 2), 0x00a7);
	abi_config_set(abi, 0, 0x52, 2, 0x0020);
	assert_int_equal(abi_config(abi, 0, 0x52, 2), 0x00a6);
}

/* ---- function reset by a write ---- */

struct reset_row {
	const char *name;
	unsigned offset, width;
	uint32_t value;
	unsigned resets;
};

static const struct reset_row resets[] = {
	{"a word", 0x98, 2, 0xa850, 1},		 {"a byte", 0x99, 1, 0xa8, 1},
	{"a double word", 0x98, 4, 0xa850, 1},	 {"the other byte", 0x98, 1, 0x80, 0},
	{"without the bit", 0x98, 2, 0x2850, 0}, {"the register before it", 0x94, 4, ~0u, 0},
};

static void function_reset(struct abi *abi)
{
	const struct reset_row *row = abi->row;

	abi_bound(abi, 0);
	model_forget();
	abi_config_set(abi, 0, row->offset, row->width, row->value);
	assert_int_equal(model_log.resets, row->resets);
	assert_int_equal(abi_config(abi, 0, 0x98, 2) & 0x8000, 0);
	/* Capabilities and the rest of the program's view are there as before. */
	assert_int_equal(abi_config(abi, 0, 0x34, 1), 0x40);
}

/* ---- which capabilities are shown ---- */

struct shown_row {
	const char *name;
	uint32_t id;
	bool shown;
};

static const struct shown_row standard[] = {
	{"1 power management", 0x01, true},
	{"2 AGP", 0x02, true},
	{"3 vital product data", 0x03, true},
	{"4 slot", 0x04, false},
	{"5 MSI", 0x05, true},
	{"6 CompactPCI hot swap", 0x06, false},
	{"7 PCI-X", 0x07, true},
	{"8 HyperTransport", 0x08, true},
	{"9 vendor specific", 0x09, true},
	{"a debug", 0x0a, false},
	{"b CompactPCI CRC", 0x0b, false},
	{"c hot plug", 0x0c, false},
	{"d subsystem", 0x0d, false},
	{"e AGP 8x", 0x0e, false},
	{"f secure device", 0x0f, false},
	{"10 PCI Express", 0x10, true},
	{"11 MSI-X", 0x11, true},
	{"12 SATA", 0x12, true},
	{"13 advanced features", 0x13, true},
	{"14 enhanced allocation", 0x14, false},
	{"15 flattening portal bridge", 0x15, false},
	{"7f nobody's", 0x7f, false},
};

/* The one in question is the second of three vendor-specific ones of 8 bytes. */
static void standard_capability(struct abi *abi)
{
	const struct shown_row *row = abi->row;
	const struct model_field fields[] = {
		{0x40, 4, 0x00085009, 0, 0},
		{0x50, 4, 0x00089000 | row->id, 0, 0},
		{0x90, 4, 0x00080009, 0, 0},
		{0},
	};

	bind_layout(abi, fields);
	assert_int_equal(abi_config(abi, 0, 0x34, 1), 0x40);
	assert_int_equal(abi_config(abi, 0, 0x41, 1), row->shown ? 0x50 : 0x90);
	assert_int_equal(abi_config(abi, 0, 0x91, 1), 0);
	abi_fini(abi);
}

/* The same where it is the first: the pointer leads past it. */
static void first_capability(struct abi *abi)
{
	const struct shown_row *row = abi->row;
	const struct model_field fields[] = {
		{0x40, 4, 0x00089000 | row->id, 0, 0},
		{0x90, 4, 0x00080009, 0, 0},
		{0},
	};

	bind_layout(abi, fields);
	assert_int_equal(abi_config(abi, 0, 0x34, 1), row->shown ? 0x40 : 0x90);
	assert_int_equal(abi_config(abi, 0, 0x06, 2), 0x0010);
	abi_fini(abi);
}

static const struct shown_row extended[] = {
	{"1 errors", 0x0001, true},
	{"2 virtual channel", 0x0002, true},
	{"3 serial number", 0x0003, true},
	{"4 power budget", 0x0004, true},
	{"5 root complex links", 0x0005, false},
	{"6 root complex internal link", 0x0006, false},
	{"7 root complex event collector", 0x0007, false},
	{"a root complex header", 0x000a, false},
	{"b vendor specific", 0x000b, true},
	{"c CAC", 0x000c, false},
	{"d ACS", 0x000d, true},
	{"e ARI", 0x000e, true},
	{"f ATS", 0x000f, true},
	{"10 SR-IOV", 0x0010, true},
	{"11 MR-IOV", 0x0011, false},
	{"13 page requests", 0x0013, true},
	{"15 resizable BAR", 0x0015, true},
	{"17 TPH", 0x0017, true},
	{"18 LTR", 0x0018, true},
	{"19 secondary PCIe", 0x0019, false},
	{"1a PMUX", 0x001a, false},
	{"1b PASID", 0x001b, false},
	{"23 vendor specific (DVSEC)", 0x0023, true},
	{"fff nobody's", 0x0fff, false},
};

#define PCIE                              \
	{                                 \
		0x40, 4, 0x00020010, 0, 0 \
	}

static void extended_capability(struct abi *abi)
{
	const struct shown_row *row = abi->row;
	const struct model_field fields[] = {
		PCIE,
		{0x100, 4, 0x1501000b, 0, 0},
		{0x104, 4, 0x01000000, 0, 0},
		{0x150, 4, 0x20010000 | row->id, 0, 0},
		{0x200, 4, 0x0001000b, 0, 0},
		{0x204, 4, 0x01000000, 0, 0},
		{0},
	};

	bind_layout(abi, fields);
	assert_int_equal(abi_config(abi, 0, 0x100, 4), row->shown ? 0x1501000b : 0x2001000b);
	if (row->shown)
		assert_int_equal(abi_config(abi, 0, 0x150, 4), 0x20010000 | row->id);
	assert_int_equal(abi_config(abi, 0, 0x200, 4), 0x0001000b);
	abi_fini(abi);
}

/* The first one is the anchor of the list: if it is hidden it has no id. */
static void first_extended_capability(struct abi *abi)
{
	const struct shown_row *row = abi->row;
	const struct model_field fields[] = {
		PCIE,
		{0x100, 4, 0x20010000 | row->id, 0, 0},
		{0x200, 4, 0x0001000b, 0, 0},
		{0x204, 4, 0x01000000, 0, 0},
		{0},
	};

	bind_layout(abi, fields);
	assert_int_equal(abi_config(abi, 0, 0x100, 2), row->shown ? row->id : 0);
	assert_int_equal(abi_config(abi, 0, 0x102, 2) >> 4, 0x200);
	abi_fini(abi);
}

/* ---- what can be written of a capability ---- */

struct cap_row {
	struct write_row write;
	struct model_field fields[6];
};

/* A standard capability at 40 with these bytes, all of which the device would let be written. */
#define STD(id, rest)                                                                         \
	{                                                                                     \
		{0x40, 2, id, 0, 0}, {0x42, 2, rest, 0xffff, 0}, {0x44, 4, 0, 0xffffffff, 0}, \
		{                                                                             \
			0x48, 4, 0, 0xffffffff, 0                                             \
		}                                                                             \
	}
/* An extended one at 100, with one register at `offset`. */
#define EXT(id, offset, value, clear)                                     \
	{                                                                 \
		PCIE, {0x100, 4, 0x00010000 | (id), 0, 0},                \
		{                                                         \
			offset, 4, value, (clear) ? 0 : 0xffffffff, clear \
		}                                                         \
	}

static const struct cap_row caps[] = {
	{{"vendor specific is raw", 0x44, 4, 0x12345678, 0x12345678, 0x12345678}, STD(9, 0x000c)},
	{{"vendor specific, to its end", 0x48, 4, ~0u, ~0u, ~0u}, STD(9, 0x000c)},
	{{"HyperTransport is read only", 0x42, 2, 0xffff, 0x1111, 0x1111}, STD(8, 0x1111)},
	{{"SATA is read only", 0x44, 4, 0xffff, 0, 0}, STD(0x12, 0x0010)},
	{{"AGP is read only", 0x48, 4, 0xffff, 0, 0}, STD(2, 0x0030)},
	{{"PCI-X command", 0x42, 2, 0x0070, 0x0070, 0x0070}, STD(7, 0)},
	{{"PCI-X status is read only", 0x44, 4, ~0u, 0, 0}, STD(7, 0)},
	{{"VPD address is the program's own", 0x42, 2, 0x0124, 0x0124, ANY}, STD(3, 0)},
	{{"VPD data is the program's own", 0x44, 4, 0xabcdef01, 0xabcdef01, 0}, STD(3, 0)},
	{{"AF control reads 0", 0x44, 1, 1, 0, ANY}, STD(0x13, 0x0306)},

	{{"errors: uncorrectable status", 0x104, 4, 0x10, 0x20, 0x20}, EXT(1, 0x104, 0x30, ~0u)},
	{{"errors: uncorrectable mask", 0x108, 4, 0x30, 0x30, 0x30}, EXT(1, 0x108, 0, 0)},
	{{"errors: severity", 0x10c, 4, 0x30, 0x30, 0x30}, EXT(1, 0x10c, 0, 0)},
	{{"errors: correctable status", 0x110, 4, 0x10, 0x20, 0x20}, EXT(1, 0x110, 0x30, ~0u)},
	{{"errors: correctable mask", 0x114, 4, 0x30, 0x30, 0x30}, EXT(1, 0x114, 0, 0)},
	{{"errors: control", 0x118, 4, 0x140, 0x140, 0x140}, EXT(1, 0x118, 0, 0)},
	{{"errors: header log is read only", 0x11c, 4, 0x30, 0, 0}, EXT(1, 0x11c, 0, 0)},
	{{"power budget: selector", 0x104, 1, 0x05, 0x05, 0x05}, EXT(4, 0x104, 0, 0)},
	{{"power budget: data is read only", 0x108, 4, 0x05, 0, 0}, EXT(4, 0x108, 0, 0)},
	{{"serial number is read only", 0x104, 4, 0x05, 0, 0}, EXT(3, 0x104, 0, 0)},
	{{"serial number is read only to its end", 0x108, 4, 0x05, 0, 0}, EXT(3, 0x108, 0, 0)},
	{{"SR-IOV control is read only", 0x108, 2, 0x09, 0, 0}, EXT(0x10, 0x108, 0, 0)},
	{{"page request control is read only", 0x104, 2, 0x03, 0, 0}, EXT(0x13, 0x104, 0, 0)},
	{{"page request allocation is read only", 0x10c, 4, 0x03, 0, 0}, EXT(0x13, 0x10c, 0, 0)},
	{{"ATS control is read only", 0x106, 2, 0x8000, 0, 0}, EXT(0xf, 0x104, 0, 0)},
	{{"LTR is read only", 0x104, 4, 0x10011001, 0, 0}, EXT(0x18, 0x104, 0, 0)},
	{{"an extended header is read only", 0x100, 4, 0, 0x00010001, ANY}, EXT(1, 0x104, 0, 0)},
	{{"behind an extended capability", 0x180, 4, 0x30, 0x30, 0x30}, EXT(0x18, 0x180, 0, 0)},
};

static void capability(struct abi *abi)
{
	const struct cap_row *row = abi->row;

	bind_layout(abi, row->fields);
	run_write(abi, &row->write);
	abi_fini(abi);
}

/* Raw: everything behind the header. The first register tells the length. */
static void vendor_specific_extended_is_raw(struct abi *abi)
{
	static const uint32_t ids[] = {0x0b, 0x23};

	for (unsigned i = 0; i < COUNT(ids); i++) {
		const struct model_field fields[] = {
			PCIE,
			{0x100, 4, 0x00010000 | ids[i], 0, 0},
			{0x104, 4, 0x01000000, 0, 0},
			{0x108, 4, 0, 0xffff0000, 0},
			{0x10c, 4, 0, 0xffffffff, 0},
			{0},
		};

		bind_layout(abi, fields);
		abi_config_set(abi, 0, 0x10c, 4, 0x12345678);
		assert_int_equal(abi_config(abi, 0, 0x10c, 4), 0x12345678);
		abi_config_set(abi, 0, 0x10a, 2, 0xabcd);
		assert_int_equal(abi_config(abi, 0, 0x108, 4), 0xabcd0000);
		abi_fini(abi);
	}
}

/* The advanced features capability resets the function, too. */
static void af_resets_the_function(struct abi *abi)
{
	const struct model_field fields[] = {{0x40, 4, 0x03060013, 0, 0}, {0x44, 2, 0, 0, 0}, {0}};

	bind_layout(abi, fields);
	model_forget();
	abi_config_set(abi, 0, 0x44, 1, 1);
	assert_int_equal(model_log.resets, 1);
	assert_int_equal(abi_config(abi, 0, 0x44, 2), 0);
	abi_fini(abi);
}

/* A device that cannot do it is not reset. */
static void a_reset_bit_without_the_capability_does_nothing(struct abi *abi)
{
	const struct model_field fields[] = {PCIE, {0x44, 4, 0x00008000, 0, 0}, {0}};

	bind_layout(abi, fields);
	model_forget();
	abi_config_set(abi, 0, 0x48, 2, 0x8000);
	assert_int_equal(model_log.resets, 0);
	assert_int_equal(abi_config(abi, 0, 0x48, 2), 0);
	abi_fini(abi);
}

/* A 32-bit MSI capability is 10 bytes long; what follows keeps its own rules. */
static void a_short_msi_capability_ends_where_it_ends(struct abi *abi)
{
	const struct model_field fields[] = {
		{0x40, 4, 0x00085009, 0, 0}, /* vendor specific, to 50 */
		{0x50, 2, 0x7001, 0, 0},     /* power management at 50, to 70 */
		{0x52, 2, 0x0003, 0, 0},
		{0x54, 2, 0x0008, 0x0003, 0},
		{0x70, 2, 0x7c05, 0, 0}, /* MSI at 70, to 7c */
		{0x72, 2, 0x0000, 0, 0},
		{0x7c, 2, 0x0009, 0, 0}, /* vendor specific, with a register at 80 */
		{0x7e, 2, 0x000c, 0, 0},
		{0x80, 4, 0, 0xffffffff, 0},
		{0},
	};

	bind_layout(abi, fields);
	abi_config_set(abi, 0, 0x80, 4, 0x12345678);
	assert_int_equal(abi_config(abi, 0, 0x80, 4), 0x12345678);
	abi_config_set(abi, 0, 0x54, 2, 3);
	assert_int_equal(abi_config(abi, 0, 0x54, 2), 0x000b);
	abi_fini(abi);
}

/* The order of the list does not matter: here MSI comes after what lies behind it. */
static void the_order_of_the_list_does_not_matter(struct abi *abi)
{
	const struct model_field fields[] = {
		{0x40, 4, 0x00085c09, 0, 0},			      /* vendor specific, to 5c */
		{0x50, 2, 0x0005, 0, 0},			      /* MSI at 50, the last */
		{0x52, 2, 0x0000, 0, 0},     {0x5c, 2, 0x5001, 0, 0}, /* power management at 5c, to
									 50 */
		{0x5e, 2, 0x0003, 0, 0},     {0x60, 2, 0x0008, 0x0003, 0}, {0},
	};

	bind_layout(abi, fields);
	abi_config_set(abi, 0, 0x60, 2, 3);
	assert_int_equal(abi_config(abi, 0, 0x60, 2), 0x000b);
	abi_fini(abi);
}

int main(void)
{
	abi_rows(machine_pci, headers, write_and_read);
	abi_rows(machine_plain, plains, write_and_read);
	abi_on(machine_pci, read_requests_are_not_below_the_payload_size);
	abi_on(machine_pci, pieces_of_all_sizes_agree);
	abi_on(abi_vtd, pieces_of_all_sizes_agree);
	abi_on(machine_pci, msi_control_while_msi_is_on);
	abi_rows(machine_pci, resets, function_reset);
	abi_rows(abi_none, standard, standard_capability);
	abi_rows(abi_none, standard, first_capability);
	abi_rows(abi_none, extended, extended_capability);
	abi_rows(abi_none, extended, first_extended_capability);
	abi_rows(abi_none, caps, capability);
	abi_on(abi_none, vendor_specific_extended_is_raw);
	abi_on(abi_none, af_resets_the_function);
	abi_on(abi_none, a_reset_bit_without_the_capability_does_nothing);
	abi_on(abi_none, a_short_msi_capability_ends_where_it_ends);
	abi_on(abi_none, the_order_of_the_list_does_not_matter);
	return abi_run("config");
}
