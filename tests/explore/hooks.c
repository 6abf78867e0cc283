// SPDX-License-Identifier: MIT
/*
 * What the compiler calls in code that is compiled with -fsanitize=thread. The
 * names are its interface; the sanitizer's own library is not linked.
 */
#include "engine.h"

#include "base/scan.h"

#include <string.h>

#define CALLER ((uintptr_t)__builtin_return_address(0))

/* Declared by nobody. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wmissing-prototypes"
#endif

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void)
{
}

/* ---- plain accesses ---- */

#define PLAIN(name, size, write)                              \
	void __tsan_##name(void *addr)                        \
	{                                                     \
		memory_access(addr, (size), (write), CALLER); \
	}
#define PLAIN_SIZE(size)                         \
	PLAIN(read##size, size, false)           \
	PLAIN(write##size, size, true)           \
	PLAIN(unaligned_read##size, size, false) \
	PLAIN(unaligned_write##size, size, true) \
	PLAIN(volatile_read##size, size, false)  \
	PLAIN(volatile_write##size, size, true)
PLAIN_SIZE(1)
PLAIN_SIZE(2)
PLAIN_SIZE(4)
PLAIN_SIZE(8)
PLAIN_SIZE(16)

void __tsan_read_range(void *addr, size_t size)
{
	memory_access(addr, size, false, CALLER);
}

void __tsan_write_range(void *addr, size_t size)
{
	memory_access(addr, size, true, CALLER);
}

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	memory_access(from, size, false, CALLER);
	memory_access(to, size, true, CALLER);
	return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size)
{
	memory_access(from, size, false, CALLER);
	memory_access(to, size, true, CALLER);
	return memmove(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size)
{
	memory_access(to, size, true, CALLER);
	return memset(to, byte, size);
}

/* ---- memory of the client: linked with --wrap ---- */

int __real_base_guard_copy(void *to, const void *from, size_t size);
int __real_base_guard_move(void *to, const void *from, size_t size);
int __real_base_guard_fill(void *to, uint64_t pattern, size_t size);

int __wrap_base_guard_copy(void *to, const void *from, size_t size)
{
	engine_touch(from, false, CALLER);
	engine_touch(to, true, CALLER);
	return __real_base_guard_copy(to, from, size);
}

int __wrap_base_guard_move(void *to, const void *from, size_t size)
{
	engine_touch(from, false, CALLER);
	engine_touch(to, true, CALLER);
	return __real_base_guard_move(to, from, size);
}

int __wrap_base_guard_fill(void *to, uint64_t pattern, size_t size)
{
	engine_touch(to, true, CALLER);
	return __real_base_guard_fill(to, pattern, size);
}

/* ---- atomics ---- */

/* The operation, seen by the engine before and after; `value` is what the trace shows. */
#define AROUND(addr, operation, kind, order, value)                                         \
	do {                                                                                \
		bool is_event = engine_before(addr, sizeof(*(addr)), CALLER);               \
		operation;                                                                  \
		if (is_event)                                                               \
			engine_after(addr, sizeof(*(addr)), kind, order, (uint64_t)(value), \
				     CALLER);                                               \
	} while (0)

#define CHANGE(bits, name, native, new_value)                                                    \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *addr,               \
						    uint##bits##_t operand, int order)           \
	{                                                                                        \
		uint##bits##_t old;                                                              \
                                                                                                 \
		AROUND(addr, old = native(addr, operand, __ATOMIC_SEQ_CST), EVENT_CHANGE, order, \
		       new_value);                                                               \
		return old;                                                                      \
	}

#define ATOMICS(bits)                                                                              \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *addr, int order)  \
	{                                                                                          \
		uint##bits##_t value;                                                              \
                                                                                                   \
		AROUND(addr, value = __atomic_load_n(addr, __ATOMIC_SEQ_CST), EVENT_LOAD, order,   \
		       value);                                                                     \
		return value;                                                                      \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *addr, uint##bits##_t value,      \
					 int order)                                                \
	{                                                                                          \
		AROUND(addr, __atomic_store_n(addr, value, __ATOMIC_SEQ_CST), EVENT_STORE, order,  \
		       value);                                                                     \
	}                                                                                          \
	CHANGE(bits, exchange, __atomic_exchange_n, operand)                                       \
	CHANGE(bits, fetch_add, __atomic_fetch_add, old + operand)                                 \
	CHANGE(bits, fetch_sub, __atomic_fetch_sub, old - operand)                                 \
	CHANGE(bits, fetch_and, __atomic_fetch_and, old &operand)                                  \
	CHANGE(bits, fetch_or, __atomic_fetch_or, old | operand)                                   \
	CHANGE(bits, fetch_xor, __atomic_fetch_xor, old ^ operand)                                 \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile uint##bits##_t *addr,           \
							  uint##bits##_t *expected,                \
							  uint##bits##_t value, int order,         \
							  int failure_order)                       \
	{                                                                                          \
		bool is_event = engine_before(addr, sizeof(*addr), CALLER);                        \
		bool done = __atomic_compare_exchange_n(addr, expected, value, false,              \
							__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
                                                                                                   \
		if (is_event)                                                                      \
			engine_after(addr, sizeof(*addr), done ? EVENT_CAS : EVENT_CAS_FAILED,     \
				     done ? order : failure_order, done ? value : *expected,       \
				     CALLER);                                                      \
		else if (done)                                                                     \
			engine_lock_taken(addr);                                                   \
		return done;                                                                       \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile uint##bits##_t *addr,             \
							uint##bits##_t *expected,                  \
							uint##bits##_t value, int order,           \
							int failure_order)                         \
	{                                                                                          \
		return __tsan_atomic##bits##_compare_exchange_strong(addr, expected, value, order, \
								     failure_order);               \
	}                                                                                          \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *addr,   \
								  uint##bits##_t expected,         \
								  uint##bits##_t value, int order, \
								  int failure_order)               \
	{                                                                                          \
		__tsan_atomic##bits##_compare_exchange_strong(addr, &expected, value, order,       \
							      failure_order);                      \
		return expected;                                                                   \
	}
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

/* ---- looks at many words: linked with --wrap, since the compiler does not report them ---- */

uint64_t __wrap_base_scan_or(const uint64_t *words)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < BASE_SCAN_WORDS; i++)
		sum |= __tsan_atomic64_load(&words[i], __ATOMIC_RELAXED);
	return sum;
}

uint64_t __wrap_base_scan_and(const uint64_t *words)
{
	uint64_t sum = UINT64_MAX;

	for (unsigned i = 0; i < BASE_SCAN_WORDS; i++)
		sum &= __tsan_atomic64_load(&words[i], __ATOMIC_RELAXED);
	return sum;
}

/* Threads run one at a time: there is nothing to order. */
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
