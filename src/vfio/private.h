/* SPDX-License-Identifier: MIT */
/* Inside vfio/: a device, its files, config space and interrupts. */
#ifndef VFIO_PRIVATE_H
#define VFIO_PRIVATE_H

#include "vfio/vfio.h"

#include <linux/pci_regs.h>

/* ---- config space (config.c, config_caps.c) ---- */

#define VFIO_CONFIG_SIZE 4096

/*
 * The device's own registers, and what a program sees of them
 * (vfio-device-ioctls.md 8): bits in `virt` are kept in `shadow`, bits in `allow`
 * may be written. Guarded by the device's lock.
 */
struct vfio_config {
	uint8_t hw[VFIO_CONFIG_SIZE];
	uint8_t reset[VFIO_CONFIG_SIZE];    /* hw after a reset */
	uint8_t writable[VFIO_CONFIG_SIZE]; /* hw bits that software can write */
	uint8_t clear[VFIO_CONFIG_SIZE];    /* hw bits that go when one is written to them */
	uint8_t shadow[VFIO_CONFIG_SIZE];
	uint8_t virt[VFIO_CONFIG_SIZE];
	uint8_t allow[VFIO_CONFIG_SIZE];
	/* Offsets of capabilities, 0: none. */
	uint8_t pm, msi, msix, pcie, af;
};

/* ---- interrupts (irq.c, irq_set.c) ---- */

/* Which kind of interrupt a program has enabled; one at a time. */
enum vfio_irq_mode { VFIO_IRQ_NONE, VFIO_IRQ_INTX, VFIO_IRQ_MSI, VFIO_IRQ_MSIX };

struct vfio_irqs {
	struct base_mutex lock;
	enum vfio_irq_mode mode;
	int *vectors;		    /* eventfds of the mode, -1: none */
	unsigned vector_count;	    /* allocated */
	bool line;		    /* INTx: what the device drives */
	bool masked;		    /* INTx: by the program, or after each interrupt */
	bool disabled;		    /* INTx: by the command register */
	struct vfio_unmask *unmask; /* INTx: watches an eventfd, or NULL */
	int err, req;		    /* eventfds of the error and request interrupts, -1: none */
};

/* ---- devices and files (device.c) ---- */

struct vfio_file;

struct swiommu_device {
	const struct swiommu_model *model;
	void *state; /* the model's */
	struct iommu_device *stream;

	struct base_mutex set_lock; /* bound, and everything that binds or attaches */
	struct vfio_file *bound;    /* the one file that has the device */

	struct base_mutex lock; /* config, model callbacks */
	struct vfio_config config;
	bool low_power;
	bool bus_master; /* copy of the command register's bit, read without the lock */

	struct vfio_irqs irqs;
	uint32_t watchers; /* threads that wait to unmask INTx */
};

/* A PASID that the program attached, in ascending order. */
struct vfio_pasid {
	struct base_list node;
	uint32_t pasid;
};

/* One open of the cdev. */
struct vfio_file {
	struct mem_file file;
	struct swiommu_device *device;
	bool bound; /* set once, under set_lock; read without */

	/* Below: guarded by set_lock. */
	struct mem_file *iommufd;
	struct iommufd_device *idev;
	bool attached; /* requests without PASID */
	struct base_list pasids;
};

/* BIND, ATTACH, DETACH and the undoing of all (bind.c). */
int vfio_bind(struct vfio_file *vfile, struct mem_client *client, uint64_t arg);
int vfio_attach(struct vfio_file *vfile, struct mem_client *client, uint64_t arg);
int vfio_detach(struct vfio_file *vfile, struct mem_client *client, uint64_t arg);
void vfio_unbind(struct vfio_file *vfile);

/* Everything that a bound device answers (info.c, irq_set.c, feature.c). */
int vfio_get_info(struct swiommu_device *device, struct mem_client *client, uint64_t arg);
int vfio_get_region_info(struct swiommu_device *device, struct mem_client *client, uint64_t arg);
int vfio_get_irq_info(struct swiommu_device *device, struct mem_client *client, uint64_t arg);
int vfio_set_irqs(struct swiommu_device *device, struct mem_client *client, uint64_t arg);
int vfio_reset(struct swiommu_device *device);
int vfio_hot_reset_info(struct mem_client *client, uint64_t arg);
int vfio_hot_reset(struct mem_client *client, uint64_t arg);
int vfio_feature(struct swiommu_device *device, struct mem_client *client, uint64_t arg);

/* Region access (region.c). */
ssize_t vfio_region_read(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			 size_t count, uint64_t pos);
ssize_t vfio_region_write(struct swiommu_device *device, struct mem_client *client, uint64_t addr,
			  size_t count, uint64_t pos);

/* Bytes of a region, 0 if absent; -EINVAL: no such region. */
int64_t vfio_region_size(const struct swiommu_device *device, unsigned index);

/* The capabilities are laid out: find them and note the reset values. */
void vfio_config_seal(struct swiommu_device *device);

/* Fill the header of a new device from its model. */
void vfio_config_header(struct swiommu_device *device);

/* Make the program's view of config space anew, as at every bind. */
void vfio_config_open_locked(struct swiommu_device *device);

/* 256 or 4096. */
unsigned vfio_config_size(const struct swiommu_device *device);

/* The device's own registers, `width` 1, 2 or 4. */
uint32_t vfio_config_hw_get(const struct vfio_config *config, unsigned offset, unsigned width);
void vfio_config_hw_set(struct vfio_config *config, unsigned offset, unsigned width,
			uint32_t value);

/* A program's access inside config space. */
uint8_t vfio_config_read_locked(struct swiommu_device *device, unsigned offset);

/*
 * `width` 1, 2 or 4 bytes, naturally aligned. Returns true if the write asked for
 * a function reset, which the caller then does.
 */
bool vfio_config_write_locked(struct swiommu_device *device, unsigned offset, unsigned width,
			      uint32_t value);

/* Who may write what in the capabilities (config_caps.c, config_ext.c). */
void vfio_config_caps_open(struct vfio_config *config);
void vfio_config_ext_open(struct vfio_config *config);

/* `length` bytes that a program can only read. */
void vfio_config_read_only(struct vfio_config *config, unsigned offset, unsigned length);

/* The rights of `width` bytes: virtual bits, writable bits. */
void vfio_config_rights(struct vfio_config *config, unsigned offset, unsigned width, uint32_t virt,
			uint32_t allow);

/* Reset the function: registers and model (feature.c). */
void vfio_function_reset_locked(struct swiommu_device *device);

/* Is memory space on? */
bool vfio_memory_enabled_locked(const struct swiommu_device *device);

/* The command register may have changed. */
void vfio_command_changed_locked(struct swiommu_device *device);

/* Interrupts. */
void vfio_irqs_init(struct vfio_irqs *irqs);

/* How many interrupts an index has. */
unsigned vfio_irq_count(const struct swiommu_device *device, unsigned index);

/* Enable a mode with `count` vectors, none of which has an eventfd. -ENOMEM. */
int vfio_irqs_enable_locked(struct swiommu_device *device, enum vfio_irq_mode mode, unsigned count);

/* The mode off, its eventfds given back. */
void vfio_irqs_disable_locked(struct swiommu_device *device);

/* The same at close, with the error and request interrupts. */
void vfio_irqs_close(struct swiommu_device *device);

/*
 * Unmask INTx whenever `eventfd` (ours, taken over in any case) is signalled; -1:
 * stop doing so. 0 or a negative errno.
 */
int vfio_unmask_watch_locked(struct swiommu_device *device, int eventfd);

/* Wait until no watcher of the device is left; all have been told to stop. */
void vfio_unmask_wait(struct swiommu_device *device);

/* The command register's INTx disable bit changed. */
void vfio_intx_disable(struct swiommu_device *device, bool disabled);

/* Send INTx if the line is up and nothing masks it; it is masked then. */
void vfio_intx_deliver_locked(struct vfio_irqs *irqs);

/* Make the eventfd readable; -1: nothing. */
void vfio_irq_signal(int eventfd);

#endif
