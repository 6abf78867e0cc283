/* SPDX-License-Identifier: MIT */
/*
 * The I/OAT model from inside. Numbers in comments are sections of the device's
 * fact sheet (spec/ioat.md).
 *
 * There is one channel and no thread: work runs to its end inside the write of
 * DMACOUNT, so that a program never reads the state ACTIVE. Only completion
 * words of descriptors in the middle of a run carry it.
 */
#ifndef MODELS_IOAT_H
#define MODELS_IOAT_H

#include <stdbool.h>
#include <stdint.h>

#include <swiommu/model.h>

/* BAR 0, by offset (2). Offsets and widths are in the table of ioat_regs.c. */
enum model_ioat_reg {
	IOAT_CHANCNT,
	IOAT_XFERCAP,
	IOAT_GENCTRL,
	IOAT_INTRCTRL,
	IOAT_ATTNSTATUS,
	IOAT_CBVER,
	IOAT_INTRDELAY,
	IOAT_CS_STATUS,
	IOAT_DMACAPABILITY,
	IOAT_DCAOFFSET,
	IOAT_CHANCTRL,
	IOAT_DMA_COMP,
	IOAT_CHANCMD,
	IOAT_DMACOUNT,
	IOAT_CHANSTS,
	IOAT_CHAINADDR,
	IOAT_CHANCMP,
	IOAT_CDAR,
	IOAT_CHANERR,
	IOAT_CHANERRMSK,
	IOAT_DCACTRL,
	IOAT_DRSCTL,
	IOAT_LTRSEL,
	IOAT_LTRACTIVE,
	IOAT_LTRIDLE,
	IOAT_MSIX_ADDRESS_LOW,
	IOAT_MSIX_ADDRESS_HIGH,
	IOAT_MSIX_DATA,
	IOAT_MSIX_CONTROL,
	IOAT_MSIX_PBA,
	IOAT_REG_COUNT,
};

/* INTRCTRL (2) */
#define IOAT_INTRCTRL_MASTER 0x01u
#define IOAT_INTRCTRL_STATUS 0x02u
#define IOAT_INTRCTRL_LINE   0x04u
#define IOAT_INTRCTRL_MSIX   0x08u

/* CHANCTRL (3) */
#define IOAT_CHANCTRL_INT_DISABLE    0x0001u
#define IOAT_CHANCTRL_ERR_COMPLETION 0x0004u
#define IOAT_CHANCTRL_ANY_ERR_ABORT  0x0008u
#define IOAT_CHANCTRL_ERR_INT	     0x0010u
#define IOAT_CHANCTRL_IN_USE	     0x0100u
#define IOAT_CHANCTRL_STORED	     0xf23cu

/* CHANCMD (4) */
#define IOAT_CHANCMD_SUSPEND 0x04u
#define IOAT_CHANCMD_OLD     0x1bu /* start, append, abort, resume: parts before version 3 */
#define IOAT_CHANCMD_RESET   0x20u

/* CHANSTS 2:0 (4) */
enum model_ioat_state {
	IOAT_ACTIVE = 0,
	IOAT_DONE = 1,
	IOAT_SUSPENDED = 2,
	IOAT_HALTED = 3,
	IOAT_ARMED = 4,
};

/* CHANERR, the bits that the model sets (8). 0: no error. */
enum model_ioat_error {
	IOAT_ERR_SOURCE_ADDRESS = 1 << 0,
	IOAT_ERR_DESTINATION_ADDRESS = 1 << 1,
	IOAT_ERR_NEXT_ADDRESS = 1 << 2,
	IOAT_ERR_DESCRIPTOR = 1 << 3,
	IOAT_ERR_CHAIN_ADDRESS = 1 << 4,
	IOAT_ERR_COMMAND = 1 << 5,
	IOAT_ERR_READ_DATA = 1 << 8,
	IOAT_ERR_WRITE_DATA = 1 << 9,
	IOAT_ERR_CONTROL = 1 << 10,
	IOAT_ERR_LENGTH = 1 << 11,
	IOAT_ERR_COMPLETION = 1 << 12,
};

#define IOAT_CONFIG_CHANERR_INT 0x180 /* config space (1) */

/* What the channel knows beyond its registers; power-on: all zero but HALTED. */
struct model_ioat_channel {
	enum model_ioat_state state;
	uint64_t done_iova;   /* last descriptor completed without error, 0: none */
	uint64_t next_iova;   /* the descriptor to fetch when one is due */
	uint16_t executed;    /* descriptors since the last chain write, modulo 65536 */
	bool at_chain_start;  /* next_iova comes from CHAINADDR */
	bool chain_staged;    /* CHAINADDR written in part: takes effect later */
	bool completion_set;  /* CHANCMP written since reset */
	bool interrupt_held;  /* due while INT_DISABLE was set */
	bool status_latched;  /* low half of CHANSTS read, high half not yet */
	uint32_t status_high; /* what it has to be then */
};

struct model_ioat {
	struct swiommu_device *device;
	bool fault_is_address; /* option fault=address */
	unsigned xfercap_lg2;  /* option xfercap= */
	uint64_t reg[IOAT_REG_COUNT];
	struct model_ioat_channel channel;
};

/* ---- ioat_regs.c: BAR 0 ---- */

/* Every register, and the channel, to the reset column (2). */
void model_ioat_regs_reset(struct model_ioat *ioat);

/*
 * One access, as bar_read and bar_write of struct swiommu_model. It reaches each
 * register that it covers, in rising order, and of that only the covered bytes.
 */
uint64_t model_ioat_regs_read(struct model_ioat *ioat, uint64_t offset, unsigned width);
void model_ioat_regs_write(struct model_ioat *ioat, uint64_t offset, unsigned width,
			   uint64_t value);

/* ---- ioat_channel.c: states, commands, errors (4, 8) ---- */

/* The command RESET. CHANERR, its mirror and INTRCTRL stay. */
void model_ioat_channel_reset(struct model_ioat *ioat);

/* A value was written to CHANCMD. */
void model_ioat_channel_command(struct model_ioat *ioat, uint8_t command);

/* All of CHAINADDR has been written: take it as the start of a new chain. */
void model_ioat_channel_chain(struct model_ioat *ioat);

/* DMACOUNT has been written: do the work that became due. */
void model_ioat_channel_count(struct model_ioat *ioat);

/* CHANSTS as it is now; also the completion word (7). */
uint64_t model_ioat_channel_status(const struct model_ioat *ioat);

/* Record an error, and do what CHANCTRL asks for in that case. */
void model_ioat_channel_fail(struct model_ioat *ioat, enum model_ioat_error error);

/* ---- ioat_engine.c: descriptors (5, 6) ---- */

/* Run an ACTIVE channel until it is DONE or HALTED. */
void model_ioat_engine_run(struct model_ioat *ioat);

/* Write the completion word if CHANCMP is set. False if memory refused it. */
bool model_ioat_engine_completion(struct model_ioat *ioat);

/* ---- ioat_irq.c: interrupts (3, 7) ---- */

/* The channel wants to interrupt: raise it, hold it back, or drop it. */
void model_ioat_irq_due(struct model_ioat *ioat);

/* One was written to INT_DISABLE: permit the next interrupt, deliver a held one. */
void model_ioat_irq_rearm(struct model_ioat *ioat);

/* INTRCTRL or ATTNSTATUS changed: drive the INTx line accordingly. */
void model_ioat_irq_line_update(struct model_ioat *ioat);

/* INTRCTRL as a program sees it now. */
uint8_t model_ioat_irq_control(const struct model_ioat *ioat);

#endif
