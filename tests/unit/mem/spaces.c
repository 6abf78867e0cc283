// SPDX-License-Identifier: MIT
/* The near client is our own memory; the far one is an array behind copy functions. */
#include "spaces.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define REMOTE_ADDR 0xffff800012340000ull /* nothing that we could touch by mistake */

/* cmocka would take SIGSEGV and SIGBUS from the guard for each test. */
void (*signal(int signo, void (*handler)(int)))(int)
{
	(void)signo, (void)handler;
	return SIG_DFL;
}

static uint8_t remote_bytes[SPACE_SIZE];
static unsigned remote_copies;

/* A prefix may be copied before the fault; what is before `first` cannot be reached. */
static size_t reachable(uint64_t addr, size_t n, size_t first)
{
	uint64_t offset = addr - REMOTE_ADDR;

	if (offset < first || offset >= SPACE_SIZE)
		return 0;
	return base_min_u64(n, SPACE_SIZE - offset);
}

static int remote_copy_in(struct mem_client *client, void *dst, uint64_t addr, size_t n)
{
	size_t part = reachable(addr, n, 0);

	assert_ptr_equal(client, &space_remote.client);
	remote_copies++;
	if (part)
		memcpy(dst, remote_bytes + (addr - REMOTE_ADDR), part);
	return part == n ? 0 : -EFAULT;
}

static int remote_copy_out(struct mem_client *client, uint64_t addr, const void *src, size_t n)
{
	size_t part = reachable(addr, n, SPACE_PAGE);

	assert_ptr_equal(client, &space_remote.client);
	remote_copies++;
	if (part)
		memcpy(remote_bytes + (addr - REMOTE_ADDR), src, part);
	return part == n ? 0 : -EFAULT;
}

static const struct mem_client_ops local_ops;
static const struct mem_client_ops remote_ops = {
	.copy_in = remote_copy_in,
	.copy_out = remote_copy_out,
};

struct space space_local = {.client = {&local_ops}, .name = "local"};
struct space space_remote = {
	.client = {.ops = &remote_ops, .remote = true, .refs = {1}},
	.name = "remote",
	.addr = REMOTE_ADDR,
	.bytes = remote_bytes,
};

int spaces_setup(void **state)
{
	uint8_t *bytes = mmap(NULL, SPACE_SIZE + SPACE_PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (bytes == MAP_FAILED || base_guard_install())
		return -1;
	if (mprotect(bytes, SPACE_PAGE, PROT_READ) ||
	    mprotect(bytes + SPACE_SIZE, SPACE_PAGE, PROT_NONE))
		return -1;
	space_local.bytes = bytes;
	space_local.addr = (uintptr_t)bytes;
	return 0;
}

void space_fill(struct space *space, uint8_t byte)
{
	memset(space->bytes + SPACE_PAGE, byte, SPACE_SIZE - SPACE_PAGE);
}

unsigned space_remote_copies(void)
{
	unsigned copies = remote_copies;

	remote_copies = 0;
	return copies;
}
