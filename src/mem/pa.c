// SPDX-License-Identifier: MIT
/*
 * Windows: PAs that stand for memory of other processes. A window is a fixed part
 * of the PA space; the table says whose memory it shows at present.
 */
#include "mem/pa.h"

#include <errno.h>

#define WINDOW_SIZE ((uint64_t)1 << MEM_WINDOW_LG2)
#define WINDOWS	    ((MEM_PA_END - MEM_PA_END_OF_HOST) >> MEM_WINDOW_LG2)

/* Copies from window to window go through a buffer of this size. */
#define PIECE ((size_t)8192)

struct window {
	struct mem_client *client; /* NULL: free */
	uint64_t base;		   /* in the client's memory */
	uint32_t uses;
};

/* Changed under the lock; read without by those who know that the window is in use. */
static struct window windows[WINDOWS];
static size_t window_count; /* none above has ever been in use */
static struct base_mutex windows_lock = BASE_MUTEX_INIT(RANK_LEAF);
static struct base_mutex cas_lock = BASE_MUTEX_INIT(RANK_LEAF);

void mem_pa_after_fork(void)
{
	base_mutex_init(&windows_lock, RANK_LEAF);
	base_mutex_init(&cas_lock, RANK_LEAF);
	while (window_count)
		windows[--window_count] = (struct window){0};
}

static struct window *window_of(uint64_t pa)
{
	return &windows[(pa - MEM_PA_END_OF_HOST) >> MEM_WINDOW_LG2];
}

static uint64_t address_of(uint64_t pa)
{
	return window_of(pa)->base + (pa & (WINDOW_SIZE - 1));
}

/* ---- who shows what ---- */

/* The window that shows this already, else a free one, else NULL. */
static struct window *window_find_locked(const struct mem_client *client, uint64_t base)
{
	struct window *unused = NULL;

	base_assert_held(&windows_lock);
	for (size_t i = 0; i < window_count; i++) {
		if (windows[i].client == client && windows[i].base == base)
			return &windows[i];
		if (!windows[i].client && !unused)
			unused = &windows[i];
	}
	if (!unused && window_count < WINDOWS)
		unused = &windows[window_count++];
	return unused;
}

int mem_window_get(struct mem_client *client, uint64_t addr, uint64_t *pa)
{
	uint64_t base = base_align_down(addr, WINDOW_SIZE);
	struct window *window;

	base_scoped_lock(&windows_lock);
	window = window_find_locked(client, base);
	if (!window)
		return -ENOMEM;
	window->client = client;
	window->base = base;
	window->uses++;
	*pa = MEM_PA_END_OF_HOST + ((uint64_t)(window - windows) << MEM_WINDOW_LG2) + (addr - base);
	return 0;
}

void mem_window_put(uint64_t pa)
{
	struct window *window = window_of(pa);

	base_scoped_lock(&windows_lock);
	base_assert(window->uses);
	if (!--window->uses)
		window->client = NULL;
}

/* ---- access ---- */

int mem_window_read(void *dst, uint64_t pa, size_t n)
{
	return mem_copy_in(window_of(pa)->client, dst, address_of(pa), n);
}

int mem_window_write(uint64_t pa, const void *src, size_t n)
{
	return mem_copy_out(window_of(pa)->client, address_of(pa), src, n);
}

int mem_window_fill(uint64_t pa, uint64_t pattern, size_t n)
{
	uint64_t buf[64];
	int rc = 0;

	for (size_t i = 0; i < base_array_size(buf); i++)
		buf[i] = pattern;
	for (size_t done = 0; done < n && !rc; done += sizeof(buf))
		rc = mem_window_write(pa + done, buf, base_min_u64(n - done, sizeof(buf)));
	return rc;
}

static int move_piece(uint64_t dst, uint64_t src, size_t n)
{
	uint8_t buf[PIECE];
	int rc = mem_pa_read(buf, src, n);

	return rc ? rc : mem_pa_write(dst, buf, n);
}

int mem_window_move(uint64_t dst, uint64_t src, size_t n)
{
	bool backwards = dst > src && dst - src < n;
	int rc = 0;

	for (size_t done = 0; done < n && !rc; done += PIECE) {
		size_t part = base_min_u64(n - done, PIECE);
		size_t at = backwards ? n - done - part : done;

		rc = move_piece(dst + at, src + at, part);
	}
	return rc;
}

int mem_window_cas64(uint64_t pa, uint64_t *expected, uint64_t desired, bool *swapped)
{
	uint64_t value;
	int rc;

	base_scoped_lock(&cas_lock);
	rc = mem_window_read(&value, pa, sizeof(value));
	if (rc)
		return rc;
	*swapped = value == *expected;
	*expected = value;
	return *swapped ? mem_window_write(pa, &desired, sizeof(desired)) : 0;
}

int mem_window_touch(uint64_t pa, size_t n, bool write)
{
	uint64_t last = base_align_down(pa + n - 1, BASE_PAGE_SIZE);
	int rc = 0;
	uint8_t byte;

	(void)write;
	for (uint64_t at = base_align_down(pa, BASE_PAGE_SIZE); at <= last && !rc;
	     at += BASE_PAGE_SIZE)
		rc = mem_window_read(&byte, at, 1);
	return rc;
}
