/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzer shares: an input is a byte of settings and then records of
 * FUZZ_RECORD bytes, each one call. A record of zeros behind its first byte is a
 * call as a program would make it; other bytes bend it. Every input gets a fresh
 * machine, the same memory at the same addresses, and leaves nothing behind.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <swiommu/swiommu.h>

#define FUZZ_RECORD	24
#define FUZZ_DEVICES	3
#define FUZZ_PAGE	((size_t)4096)
#define FUZZ_COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define FUZZ_STRUCT_MAX 128 /* bytes of a struct, what follows it included */

/* ---- the bytes of one record ---- */

struct fuzz_input {
	const uint8_t *at, *end;
};

/* The next byte, 0 behind the end. */
uint8_t fuzz_byte(struct fuzz_input *in);
/* Little endian. */
uint64_t fuzz_bytes(struct fuzz_input *in, unsigned count);

/* ---- structs, by table (table.c) ---- */

/* Types of objects, as bits. */
enum fuzz_object {
	FUZZ_IOAS = 1,
	FUZZ_PAGING = 2,
	FUZZ_NESTED = 4,
	FUZZ_DEVICE_ID = 8,
	FUZZ_FAULT = 16,
	FUZZ_VIOMMU = 32,
	FUZZ_VDEVICE = 64,
	FUZZ_VEVENTQ = 128,
	FUZZ_HW_QUEUE = 256,
	FUZZ_STDEV = 512,
	FUZZ_ANY = 1023,
};

enum fuzz_file {
	FUZZ_FILE_CONTEXT,
	FUZZ_FILE_DEVICE,
	FUZZ_FILE_QUEUE,
	FUZZ_FILE_ACCESS,
	FUZZ_FILE_DMABUF,
	FUZZ_FILE_KINDS,
};

enum fuzz_kind {
	FUZZ_CONSTANT, /* usual */
	FUZZ_SIZE,     /* of the struct */
	FUZZ_FLAGS,    /* usual, with some of `known` or unknown ones changed */
	FUZZ_RESERVED, /* 0, or not */
	FUZZ_VALUE,    /* one of `values`, or any small number */
	FUZZ_OBJECT,   /* an id; `known`: the types that are wanted */
	FUZZ_FD,       /* of the machine; usual: enum fuzz_file */
	FUZZ_EVENTFD,  /* or another fd of the process */
	FUZZ_MEMFD,    /* likewise */
	FUZZ_IOVA,     /* plus usual */
	FUZZ_ADDRESS,  /* memory of the program */
	FUZZ_LENGTH,
	FUZZ_BUFFER,   /* room for what a call writes */
	FUZZ_NEW_ID,   /* out; `known`: the type of the new object, or several: it depends */
	FUZZ_NEW_FILE, /* out; usual: enum fuzz_file */
};

struct fuzz_field {
	const char *name;
	uint8_t offset, width, kind, value_count;
	uint64_t usual, known;
	const uint64_t *values;
};

/* What a struct points at: one or several entries of `size` bytes. */
struct fuzz_layout {
	uint64_t type; /* what the struct calls it; taken together with what its field says */
	uint8_t size, field_count;
	const struct fuzz_field *fields;
};

/* The fields that describe such data, by offset in the struct; 0: there is none. */
struct fuzz_data {
	uint8_t type, length, number, pointer;
	uint8_t inlined; /* not 0: the entries are in the struct, from here on; `size` counts them
			  */
	uint8_t layout_count;
	const struct fuzz_layout *layouts;
};

struct fuzz_call {
	uint8_t op; /* first byte of the record */
	uint8_t file;
	uint8_t size, min; /* of the struct; 0: the argument is a value, the first field */
	bool answers;	   /* writes also if it fails */
	uint8_t field_count;
	uint32_t cmd;
	const char *name;
	const struct fuzz_field *fields;
	const struct fuzz_data *data;
};

extern const struct fuzz_call fuzz_calls[];
extern const size_t fuzz_call_count;

/* ---- memory (memory.c) ---- */

/* Two pages behind which there is nothing; some of its views are not writable. */
enum fuzz_window {
	FUZZ_STRUCTS,
	FUZZ_DATAS,
	FUZZ_WINDOWS,
};

struct fuzz_place {
	uint64_t address; /* as the call gets it */
	uint8_t *bytes;	  /* the same memory, writable */
	size_t room;	  /* bytes there are */
};

/* Once. */
void fuzz_memory_init(void);
/* All as in the beginning. */
void fuzz_memory_reset(void);

/*
 * A place for so many bytes: 0 is an ordinary one; else it ends at the edge or too
 * early, is writable in part or not at all, is not aligned, or is nowhere.
 */
struct fuzz_place fuzz_place(enum fuzz_window window, uint8_t choice, size_t size);

/* An address in, near or far from memory that can be mapped. */
uint64_t fuzz_address(struct fuzz_input *in);

/* What the program may do with a piece of its memory changes. */
void fuzz_memory_change(struct fuzz_input *in);
/* Put an address with some low bits where a page table or a descriptor may be. */
void fuzz_memory_poke(struct fuzz_input *in);

/* ---- the machine and what has been seen of it (scene.c) ---- */

extern struct fuzz_scene {
	struct swiommu *machine;
	struct swiommu_device *devices[FUZZ_DEVICES];
	unsigned fail_nth; /* of the next call */
} fuzz_scene;

extern bool fuzz_verbose; /* calls are printed */

void fuzz_scene_init(uint8_t settings);
/* Close everything, and find nothing left; else the end of the process. */
void fuzz_scene_fini(void);

int fuzz_file(enum fuzz_file kind, uint8_t choice); /* a descriptor */
void fuzz_file_add(enum fuzz_file kind, int fd);
void fuzz_file_close(int fd);

uint32_t fuzz_id(uint64_t types, uint8_t choice);
void fuzz_id_add(uint64_t types, uint32_t id);
void fuzz_id_remove(uint32_t id);

uint64_t fuzz_iova(struct fuzz_input *in);
void fuzz_iova_add(uint64_t iova);

int fuzz_process_fd(enum fuzz_kind kind, uint8_t choice);

/* ---- calls (run.c, ioctl.c) ---- */

/* What must not be: says so, and ends the process. */
_Noreturn void fuzz_finding(const char *what);

uint64_t fuzz_length(struct fuzz_input *in);
void fuzz_ioctl(const struct fuzz_call *call, struct fuzz_input *in);
void fuzz_run(const uint8_t *bytes, size_t size);

/* The first bytes of records that mean something. */
size_t fuzz_ops(uint8_t ops[256]);

#endif
