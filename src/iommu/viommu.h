/* SPDX-License-Identifier: MIT */
/*
 * The hardware side of a vIOMMU: a slice of an IOMMU given to a guest, on a
 * nesting parent domain, with the guest's names (virtual ids) for its devices.
 */
#ifndef IOMMU_VIOMMU_H
#define IOMMU_VIOMMU_H

#include "iommu/device.h"

struct iommu_hw_queue;

/* Where a vIOMMU's driver shows memory to the client, who maps it. */
struct iommu_mmaps {
	/*
	 * `length` bytes (pages) of the memory behind `fd` from now on until the vIOMMU is
	 * freed, or could not be made: *offset is for mmap(2) of the iommufd. The driver
	 * closes fd, which is not used any more when it frees. -EBUSY: no room; -ENOMEM.
	 */
	int (*add)(struct iommu_mmaps *mmaps, int fd, uint64_t length, uint64_t *offset);
};

struct iommu_viommu_ops {
	/* A nested domain on the vIOMMU; NULL: not supported. */
	int (*domain_alloc_nested)(struct iommu_viommu *viommu, uint32_t flags,
				   const struct iommu_user_data *data, struct iommu_domain **out);

	/* See iommu_viommu_invalidate(). NULL: not supported. */
	int (*invalidate)(struct iommu_viommu *viommu, const struct iommu_user_array *array,
			  uint32_t *done);

	/* Does the guest get hardware queues of that type? NULL: of none. */
	bool (*hw_queue_is_supported)(struct iommu_viommu *viommu, uint32_t type);

	/* See iommu_hw_queue_start(). */
	int (*hw_queue_start)(struct iommu_hw_queue *queue);
	void (*hw_queue_stop)(struct iommu_hw_queue *queue);

	void (*free)(struct iommu_viommu *viommu);
};

struct iommu_viommu {
	const struct iommu_viommu_ops *ops;
	struct iommu *iommu; /* the instance of the device it was made with */
	struct iommu_domain *parent;
	struct base_mutex lock;	      /* vdevices, and what the driver adds */
	struct base_gaptree vdevices; /* by virtual id */
	struct base_rwlock reports;   /* sinks */
	struct base_list sinks;	      /* struct iommu_event_sink */
};

/* A queue in the guest's memory, which is pinned and contiguous, that hardware works on. */
struct iommu_hw_queue {
	struct iommu_viommu *viommu;
	uint32_t type, index;
	uint64_t iova, length; /* in the parent domain */
	uint64_t pa;

	/* A queue that has to be stopped after this one, which start() has held; or NULL. */
	struct iommu_hw_queue *below;
	/* Of its owner: keep it from being stopped, unless it is about to be (false); let go. */
	bool (*hold)(struct iommu_hw_queue *queue);
	void (*unhold)(struct iommu_hw_queue *queue);
};

/* Who takes a vIOMMU's events of one type. */
struct iommu_event_sink {
	struct base_list node;
	uint32_t type;

	/*
	 * One event of `size` bytes. 0 or -ENOMEM. The sink cannot be removed meanwhile.
	 * Any thread, under locks of the driver.
	 */
	int (*event)(struct iommu_event_sink *sink, const void *data, size_t size);
};

/* A device as the guest knows it. */
struct iommu_vdevice {
	struct base_gapnode node; /* start = last = virtual id */
	struct iommu_viommu *viommu;
	struct iommu_device *device;
	bool visible; /* to drivers: set once it is complete */
};

/*
 * A vIOMMU of `type` for the IOMMU of `device`, on `parent` (a nesting parent
 * that outlives it), with driver data or NULL. -EOPNOTSUPP: no such type here.
 */
int iommu_viommu_alloc(struct iommu_device *device, struct iommu_domain *parent, uint32_t type,
		       const struct iommu_user_data *data, struct iommu_mmaps *mmaps,
		       struct iommu_viommu **out);
bool iommu_viommu_is_supported(struct iommu_device *device, uint32_t type);
void iommu_viommu_free(struct iommu_viommu *viommu);

/* For drivers: the common members. */
void iommu_viommu_init(struct iommu_viommu *viommu, const struct iommu_viommu_ops *ops,
		       struct iommu *iommu, struct iommu_domain *parent);

/* As iommu_domain_alloc_nested(). -EOPNOTSUPP: the vIOMMU has no nesting. */
int iommu_viommu_domain_alloc(struct iommu_viommu *viommu, uint32_t flags,
			      const struct iommu_user_data *data, struct iommu_domain **out);

/* As iommu_domain_invalidate(), for what the guest names by virtual ids. */
int iommu_viommu_invalidate(struct iommu_viommu *viommu, const struct iommu_user_array *array,
			    uint32_t *done);

/*
 * Have hardware work on a queue, whose members but `below` are set; and no longer. The
 * type is supported. 0 or the driver's errno.
 */
bool iommu_hw_queue_is_supported(struct iommu_viommu *viommu, uint32_t type);
int iommu_hw_queue_start(struct iommu_hw_queue *queue);
void iommu_hw_queue_stop(struct iommu_hw_queue *queue);

/* -EEXIST: there is a sink of that type. When remove returns the sink gets no more events. */
int iommu_viommu_add_sink(struct iommu_viommu *viommu, struct iommu_event_sink *sink);
void iommu_viommu_remove_sink(struct iommu_viommu *viommu, struct iommu_event_sink *sink);

/* For drivers: an event. -EOPNOTSUPP: nobody takes that type; -ENOMEM. */
int iommu_viommu_report(struct iommu_viommu *viommu, uint32_t type, const void *data, size_t size);

/*
 * Take the slot of a virtual id for a vdevice, still hidden from drivers; make it
 * visible; give it back. -EEXIST: the id is taken, hidden or not.
 */
int iommu_vdevice_reserve(struct iommu_viommu *viommu, struct iommu_device *device,
			  uint64_t virt_id, struct iommu_vdevice *vdevice);
void iommu_vdevice_show(struct iommu_vdevice *vdevice);
void iommu_vdevice_remove(struct iommu_vdevice *vdevice);

/* The virtual id of a device on a vIOMMU. False if it has no visible vdevice there. */
bool iommu_viommu_find_device(struct iommu_viommu *viommu, struct iommu_device *device,
			      uint64_t *virt_id);

/*
 * The device that has a visible vdevice of this virtual id, or NULL. It stays as
 * long as the caller holds viommu->lock.
 */
struct iommu_device *iommu_viommu_device_locked(struct iommu_viommu *viommu, uint64_t virt_id);

#endif
