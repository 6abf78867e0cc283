/* SPDX-License-Identifier: MIT */
/* SET_IRQS of device 0 in one line, and eventfds to look at. */
#ifndef TESTS_ABI_IRQS_H
#define TESTS_ABI_IRQS_H

#include "model.h"

/* Indexes. */
#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI  VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ERR  VFIO_PCI_ERR_IRQ_INDEX
#define REQ  VFIO_PCI_REQ_IRQ_INDEX

/* Flags. */
#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* The call with `size` bytes of data; with none; with a byte for each digit; with eventfds. */
int irqs_set(struct abi *abi, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
	     const void *data, uint32_t size);
int set_none(struct abi *abi, uint32_t action, uint32_t index, uint32_t start, uint32_t count);
int set_bools(struct abi *abi, uint32_t action, uint32_t index, uint32_t start, const char *bools);
int set_fds(struct abi *abi, uint32_t action, uint32_t index, uint32_t start, const int32_t *set,
	    uint32_t count);
int set_fd(struct abi *abi, uint32_t action, uint32_t index, int32_t fd);

/* Eventfds of the test, an open file that is none, and a number that is not open. */
#define FDS	 16
#define NOT_OPEN 1000000
extern int32_t fds[FDS];
extern int not_an_eventfd;

/* Bind device 0 and open them. */
void irqs_begin(struct abi *abi);
void irqs_end(void);

/* How often fd was signalled since the last look; which of fds were (bit i). */
uint64_t signals(int fd);
unsigned signalled(void);

/* Raise every vector that there could be; which of fds were signalled. */
unsigned raise_all(struct abi *abi);

#endif
