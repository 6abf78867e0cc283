// SPDX-License-Identifier: MIT
/*
 * The rows of iommufd-objects.md 12.5: vdevices, and devices that are unbound.
 * Each runs with both rules for who may destroy a vdevice.
 */
#include "ops.h"

static void devid_state(struct world *w)
{
	fact(w, "devid %s", id_state(w, w->devid[0]));
}

/* Device 0 is on an HWPT that is nested on its vIOMMU. */
static void set_up_nested(struct world *w)
{
	set_up_vdevice(w);
	w->nested = new_nested(w, 0, w->viommu);
}

static void set_up_on_nested(struct world *w)
{
	set_up_nested(w);
	must(attach_device(w, 0, w->nested));
}

static void set_up_two_vdevices(struct world *w)
{
	set_up_vdevice(w);
	new_vdevice(w, 1, VIRT_ID + 1);
	must(attach_device(w, 0, w->ioas));
}

/* Device 0 is one that a client has made, and destroys by its id. */
static void set_up_test_device(struct world *w)
{
	bind_device(w, 1);
	w->ioas = new_ioas(w);
	w->parent = new_hwpt(w, 1, w->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT);
	must(alloc_viommu_of(w, w->devid[1], &w->viommu));
	new_test_device(w);
}

static void set_up_test_vdevice(struct world *w)
{
	set_up_test_device(w);
	w->vdevice = new_vdevice(w, 0, VIRT_ID);
}

static void set_up_viommu_and_next(struct world *w)
{
	set_up_viommu(w);
	w->next = next_id(w);
}

#define UNBOUND SWIOMMU_VDEVICE_DESTROY_UNBOUND

/* One rule, with what it allows. */
#define ROW(name_, rows_, flags_, set_up_, check_, a, b, c, ...)                              \
	{                                                                                     \
		.name = name_, .rows = rows_, .bound = 3, .flags = flags_, .set_up = set_up_, \
		.threads = {CALLS a, CALLS b, CALLS c}, .check = check_, .outcomes = {        \
			__VA_ARGS__                                                           \
		}                                                                             \
	}

/* No vdevice is destroyed by its id: the rules are the same. */
#define BOTH(name_, rows_, flags_, ...)         \
	ROW(name_, rows_, flags_, __VA_ARGS__), \
		ROW(name_ "/unbound", rows_, (flags_) | UNBOUND, __VA_ARGS__)
#define ROWS(name_, rows_, ...) BOTH(name_, rows_, 0, __VA_ARGS__)

static const struct scenario list[] = {
	ROWS("12.5-1", "1", set_up_viommu, devid_state, (&close_device), (&alloc_ioas), (NULL),
	     "ok | ok : devid free", "ok | ok : devid live"),
	ROWS("12.5-2-hw_info", "2", set_up_viommu, devid_state, (&close_device), (&hw_info), (NULL),
	     "ok | NOENT : devid free", "ok | ok : devid free"),
	ROWS("12.5-2-stream", "2", set_up_viommu, NULL, (&close_device), (&hw_info, &hw_info),
	     (&hw_info), "ok | NOENT NOENT | NOENT", "ok | NOENT NOENT | ok",
	     "ok | ok NOENT | NOENT", "ok | ok NOENT | ok", "ok | ok ok | NOENT",
	     "ok | ok ok | ok"),
	ROWS("12.5-2-alloc_hwpt", "2", set_up_viommu, made_state, (&close_device), (&alloc_hwpt),
	     (NULL), "ok | NOENT", "ok | ok : b's live"),
	ROWS("12.5-2-alloc_viommu", "2", set_up_viommu, made_state, (&close_device),
	     (&alloc_viommu), (NULL), "ok | NOENT", "ok | ok : b's live"),
	ROWS("12.5-3-virt_id", "3", set_up_vdevice, vdevice_state, (&close_device),
	     (&alloc_vdevice_of_other), (NULL), "ok | EXIST : vdevice retired",
	     "ok | ok : vdevice retired"),
	ROWS("12.5-3-ids", "3", set_up_vdevice, vdevice_state, (&close_device),
	     (&alloc_ioas, &alloc_ioas), (NULL), "ok | ok ok : vdevice retired"),
	ROW("12.5-4-5", "4, 5", 0, set_up_vdevice, vdevice_state, (&close_device),
	    (&destroy_vdevice), (NULL), "ok | BUSY : vdevice retired",
	    "ok | NOENT : vdevice retired", "ok | ok : vdevice free"),
	ROW("12.5-4-5/unbound", "4, 5", UNBOUND, set_up_vdevice, vdevice_state, (&close_device),
	    (&destroy_vdevice), (NULL), "ok | BUSY : vdevice retired",
	    "ok | NOENT : vdevice retired"),
	ROW("12.5-4-5-twice", "4, 5", 0, set_up_vdevice, vdevice_state, (&close_device),
	    (&destroy_vdevice), (&destroy_vdevice), "ok | BUSY | BUSY : vdevice retired",
	    "ok | BUSY | NOENT : vdevice retired", "ok | NOENT | BUSY : vdevice retired",
	    "ok | NOENT | NOENT : vdevice retired", "ok | NOENT | ok : vdevice free",
	    "ok | ok | NOENT : vdevice free"),
	ROW("12.5-4-5-twice/unbound", "4, 5", UNBOUND, set_up_vdevice, vdevice_state,
	    (&close_device), (&destroy_vdevice), (&destroy_vdevice),
	    "ok | BUSY | BUSY : vdevice retired", "ok | BUSY | NOENT : vdevice retired",
	    "ok | NOENT | BUSY : vdevice retired", "ok | NOENT | NOENT : vdevice retired"),
	ROWS("12.5-6-7-8", "6, 7, 8", set_up_viommu, made_state, (&alloc_vdevice), (&close_device),
	     (NULL), "NOENT | ok", "ok | ok : a's retired"),
	ROWS("12.5-6-7-8-held", "2, 6, 7, 8", set_up_viommu, made_state, (&alloc_vdevice),
	     (&close_device), (&hw_info), "NOENT | ok | NOENT", "NOENT | ok | ok",
	     "ok | ok | NOENT : a's retired", "ok | ok | ok : a's retired"),
	ROW("12.5-6-destroy", "4, 5, 6", 0, set_up_viommu, NULL, (&alloc_vdevice, &destroy_made),
	    (&close_device), (NULL), "NOENT NOENT | ok", "ok BUSY | ok", "ok NOENT | ok",
	    "ok ok | ok"),
	ROW("12.5-6-destroy/unbound", "4, 5, 6", UNBOUND, set_up_viommu, NULL,
	    (&alloc_vdevice, &destroy_made), (&close_device), (NULL), "NOENT NOENT | ok",
	    "ok BUSY | ok", "ok NOENT | ok"),
	ROWS("12.5-9", "9", set_up_vdevice, vdevice_state, (&close_device), (&invalidate_vdevice),
	     (NULL), "ok | INVAL : vdevice retired", "ok | NOENT : vdevice retired"),
	ROW("12.5-9-10", "5, 9, 10", 0, set_up_vdevice, vdevice_state, (&close_device),
	    (&invalidate_vdevice), (&destroy_vdevice), "ok | INVAL | BUSY : vdevice retired",
	    "ok | INVAL | NOENT : vdevice retired", "ok | INVAL | ok : vdevice free",
	    "ok | NOENT | BUSY : vdevice retired", "ok | NOENT | NOENT : vdevice retired",
	    "ok | NOENT | ok : vdevice free"),
	ROW("12.5-9-10/unbound", "5, 9, 10", UNBOUND, set_up_vdevice, vdevice_state,
	    (&close_device), (&invalidate_vdevice), (&destroy_vdevice),
	    "ok | INVAL | BUSY : vdevice retired", "ok | INVAL | NOENT : vdevice retired",
	    "ok | NOENT | BUSY : vdevice retired", "ok | NOENT | NOENT : vdevice retired"),
	ROW("12.5-10", "10", 0, set_up_vdevice, vdevice_state, (&destroy_vdevice),
	    (&invalidate_vdevice), (NULL), "BUSY | INVAL : vdevice live",
	    "ok | INVAL : vdevice free", "ok | NOENT : vdevice free"),
	ROW("12.5-10/unbound", "10", UNBOUND, set_up_vdevice, vdevice_state, (&destroy_vdevice),
	    (&invalidate_vdevice), (NULL), "BUSY | INVAL : vdevice live"),
	ROWS("12.5-11-alloc", "11", set_up_viommu, made_state, (&destroy_viommu), (&alloc_vdevice),
	     (NULL), "BUSY | ok : b's live", "ok | NOENT"),
	ROWS("12.5-11-close", "11", set_up_vdevice, vdevice_state, (&destroy_viommu),
	     (&close_device), (NULL), "BUSY | ok : vdevice retired", "ok | ok : vdevice retired"),
	ROW("12.5-11-destroy", "11", 0, set_up_vdevice, vdevice_state, (&destroy_viommu),
	    (&destroy_vdevice), (NULL), "BUSY | ok : vdevice free", "ok | ok : vdevice free"),
	ROW("12.5-11-destroy/unbound", "11", UNBOUND, set_up_vdevice, vdevice_state,
	    (&destroy_viommu), (&destroy_vdevice), (NULL), "BUSY | BUSY : vdevice live"),
	ROWS("12.5-11-all", "6, 7, 8, 11", set_up_viommu, made_state, (&destroy_viommu),
	     (&alloc_vdevice), (&close_device), "BUSY | NOENT | ok", "BUSY | ok | ok : b's retired",
	     "ok | NOENT | ok", "ok | ok | ok : b's retired"),
	ROWS("12.5-12", "12", set_up_viommu, made_state, (&alloc_vdevice), (&alloc_vdevice_again),
	     (NULL), "EXIST | ok : b's live", "ok | EXIST : a's live"),
	ROWS("12.5-12-close", "6, 7, 8, 12", set_up_viommu, made_state, (&alloc_vdevice),
	     (&alloc_vdevice_again), (&close_device), "EXIST | ok | ok : b's retired",
	     "NOENT | NOENT | ok", "NOENT | ok | ok : b's retired", "ok | EXIST | ok : a's retired",
	     "ok | NOENT | ok : a's retired"),
	ROWS("12.5-13", "13", set_up_viommu, made_state, (&alloc_vdevice),
	     (&alloc_vdevice_of_other), (NULL), "EXIST | ok : b's live", "ok | EXIST : a's live"),
	ROWS("12.5-13-close", "3, 13", set_up_viommu, made_state, (&alloc_vdevice),
	     (&alloc_vdevice_of_other), (&close_device), "EXIST | ok | ok : b's live",
	     "NOENT | ok | ok : b's live", "ok | EXIST | ok : a's retired",
	     "ok | ok | ok : a's retired, b's live"),
	ROW("12.5-14", "14", 0, set_up_vdevice, NULL, (&destroy_vdevice), (&alloc_vdevice_again),
	    (NULL), "ok | EXIST", "ok | ok"),
	ROW("12.5-14/unbound", "14", UNBOUND, set_up_vdevice, NULL, (&destroy_vdevice),
	    (&alloc_vdevice_again), (NULL), "BUSY | EXIST"),
	ROW("12.5-14-close", "4, 5, 14", 0, set_up_vdevice, NULL, (&destroy_vdevice),
	    (&alloc_vdevice_again), (&close_device), "BUSY | EXIST | ok", "BUSY | NOENT | ok",
	    "NOENT | EXIST | ok", "NOENT | NOENT | ok", "ok | EXIST | ok", "ok | NOENT | ok",
	    "ok | ok | ok"),
	ROW("12.5-14-close/unbound", "4, 5, 14", UNBOUND, set_up_vdevice, NULL, (&destroy_vdevice),
	    (&alloc_vdevice_again), (&close_device), "BUSY | EXIST | ok", "BUSY | NOENT | ok",
	    "NOENT | EXIST | ok", "NOENT | NOENT | ok"),
	ROW("12.5-15", "15", 0, set_up_on_nested, vdevice_state, (&destroy_vdevice),
	    (&destroy_nested), (&destroy_viommu), "ok | BUSY | BUSY : vdevice free"),
	ROW("12.5-15/unbound", "15", UNBOUND, set_up_on_nested, vdevice_state, (&destroy_vdevice),
	    (&destroy_nested), (&destroy_viommu), "BUSY | BUSY | BUSY : vdevice live"),
	ROWS("12.5-15-close", "3, 15", set_up_on_nested, vdevice_state, (&close_device),
	     (&destroy_nested), (&destroy_viommu), "ok | BUSY | BUSY : vdevice retired",
	     "ok | ok | BUSY : vdevice retired", "ok | ok | ok : vdevice retired"),
	ROW("12.5-15-attach", "15", 0, set_up_nested, vdevice_state, (&destroy_vdevice),
	    (&attach_nested), (NULL), "ok | NOENT : vdevice free", "ok | ok : vdevice free"),
	ROW("12.5-15-attach/unbound", "15", UNBOUND, set_up_nested, vdevice_state,
	    (&destroy_vdevice), (&attach_nested), (NULL), "BUSY | ok : vdevice live"),
	ROW("12.5-15-detach", "15", 0, set_up_on_nested, vdevice_state, (&destroy_vdevice),
	    (&detach, &destroy_nested), (NULL), "ok | ok ok : vdevice free"),
	ROW("12.5-15-detach/unbound", "15", UNBOUND, set_up_on_nested, vdevice_state,
	    (&destroy_vdevice), (&detach, &destroy_nested), (NULL), "BUSY | ok ok : vdevice live"),
	ROWS("12.5-16", "16", set_up_two_vdevices, NULL, (&close_device), (&close_other_device),
	     (&close_context), "ok | ok | ok"),
	/* An object is reserved, filled, published: nobody meets half of it (3.3, 6.1;
	   ioctls 29.8). */
	ROW("new-vdevice", "L3", 0, set_up_viommu_and_next, NULL, (&alloc_vdevice), (&destroy_next),
	    (NULL), "ok | NOENT", "ok | ok"),
	ROW("new-vdevice/unbound", "L3", UNBOUND, set_up_viommu_and_next, NULL, (&alloc_vdevice),
	    (&destroy_next), (NULL), "ok | BUSY", "ok | NOENT"),
	ROW("new-vdevice-close", "L3", 0, set_up_viommu_and_next, NULL, (&alloc_vdevice),
	    (&destroy_next), (&close_device), "NOENT | NOENT | ok", "ok | BUSY | ok",
	    "ok | NOENT | ok", "ok | ok | ok"),
	ROW("new-vdevice-close/unbound", "L3", UNBOUND, set_up_viommu_and_next, NULL,
	    (&alloc_vdevice), (&destroy_next), (&close_device), "NOENT | NOENT | ok",
	    "ok | BUSY | ok", "ok | NOENT | ok"),
	ROW("new-hwpt", "L3", 0, set_up_viommu_and_next, NULL, (&alloc_hwpt), (&destroy_next),
	    (NULL), "ok | NOENT", "ok | ok"),
	ROW("new-viommu", "L3", 0, set_up_viommu_and_next, NULL, (&alloc_viommu), (&destroy_next),
	    (NULL), "ok | NOENT", "ok | ok"),
	ROW("destroy_viommu-twice", "L1, L5", 0, set_up_viommu, NULL, (&destroy_viommu),
	    (&destroy_viommu), (NULL), "NOENT | ok", "ok | NOENT"),
	ROW("destroy_viommu-destroy_parent", "L4, L5", 0, set_up_viommu, NULL, (&destroy_viommu),
	    (&destroy_parent), (NULL), "ok | BUSY", "ok | ok"),
	ROW("alloc_viommu-destroy_parent", "L3, L4", 0, set_up_viommu, NULL,
	    (&destroy_viommu, &destroy_parent), (&alloc_viommu), (NULL), "ok BUSY | ok",
	    "ok ok | NOENT"),

	/* A device of the test ABI is unbound by DESTROY, or by the end of the context (6.4.3). */
	BOTH("test_device-hw_info", "2", SWIOMMU_TEST_ABI, set_up_test_device, NULL,
	     (&destroy_device), (&hw_info), (NULL), "ok | NOENT", "ok | ok"),
	BOTH("test_device-alloc", "6, 7, 8", SWIOMMU_TEST_ABI, set_up_test_device, made_state,
	     (&destroy_device), (&alloc_vdevice), (NULL), "ok | NOENT", "ok | ok : b's retired"),
	ROW("test_device-destroy", "4, 5", SWIOMMU_TEST_ABI, set_up_test_vdevice, vdevice_state,
	    (&destroy_device), (&destroy_vdevice), (NULL), "ok | BUSY : vdevice retired",
	    "ok | NOENT : vdevice retired", "ok | ok : vdevice free"),
	ROW("test_device-destroy/unbound", "4, 5", SWIOMMU_TEST_ABI | UNBOUND, set_up_test_vdevice,
	    vdevice_state, (&destroy_device), (&destroy_vdevice), (NULL),
	    "ok | BUSY : vdevice retired", "ok | NOENT : vdevice retired"),
	BOTH("test_device-invalidate", "9", SWIOMMU_TEST_ABI, set_up_test_vdevice, vdevice_state,
	     (&destroy_device), (&invalidate_vdevice), (NULL), "ok | INVAL : vdevice retired",
	     "ok | NOENT : vdevice retired"),
	BOTH("test_device-twice", "3", SWIOMMU_TEST_ABI, set_up_test_vdevice, vdevice_state,
	     (&destroy_device), (&destroy_device), (NULL), "NOENT | ok : vdevice retired",
	     "ok | NOENT : vdevice retired"),
	BOTH("test_device-virt_id", "3", SWIOMMU_TEST_ABI, set_up_test_vdevice, vdevice_state,
	     (&destroy_device), (&alloc_vdevice_of_other), (NULL), "ok | EXIST : vdevice retired",
	     "ok | ok : vdevice retired"),
	BOTH("test_device-release", "L18", SWIOMMU_TEST_ABI, set_up_test_vdevice, NULL,
	     (&close_other_device), (&close_context), (&destroy_device), "ok | ok | BADF",
	     "ok | ok | ok"),
	ROWS("bind-while-unbinding", "2, 3", set_up_everything_and_vdevice, vdevice_state,
	     (&close_device), (&bind_again), (&hw_info), "ok | INVAL | NOENT : vdevice retired",
	     "ok | INVAL | ok : vdevice retired", "ok | ok | NOENT : vdevice retired",
	     "ok | ok | ok : vdevice retired"),
	ROWS("bind-and-alloc", "6, 7, 8", set_up_everything, made_state, (&close_device),
	     (&bind_again), (&alloc_vdevice), "ok | INVAL | NOENT", "ok | INVAL | ok : c's retired",
	     "ok | ok | NOENT : b's live", "ok | ok | ok : b's live, c's live",
	     "ok | ok | ok : b's live, c's retired"),
};
SCENARIOS(scenarios_vdevice, list);
