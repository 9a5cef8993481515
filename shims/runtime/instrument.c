// SPDX-License-Identifier: GPL-2.0-only
/*
 * The callbacks of clang's kernel address sanitizer in outline mode
 * (-fsanitize=kernel-address -mllvm -asan-instrumentation-with-call-threshold=0): one for each
 * load and store of the subject, none of this file's own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <kshim_runtime.h>

#include "instruments.h"

#ifndef KSHIM_DIRECT
/* Until a runtime is there: the harness's first instructions are instrumented too. */
static void no_access(uint64_t address, uint64_t size, bool write, uint64_t pc)
{
	(void)address, (void)size, (void)write, (void)pc;
}

static void no_block(uint64_t pc)
{
	(void)pc;
}

static void divided(uint64_t pc)
{
	(void)pc;
	__builtin_trap();
}

static void indexed(uint64_t index, uint64_t pc)
{
	(void)index, (void)pc;
	__builtin_trap();
}

static void no_comparison(uint64_t left, uint64_t right, uint64_t pc)
{
	(void)left, (void)right, (void)pc;
}

static void no_guard(uint64_t address, uint64_t size, uint8_t guard)
{
	(void)address, (void)size, (void)guard;
}

static const struct kshim_instruments none = {
	.access = no_access, .block = no_block, .divided = divided, .indexed = indexed,
	.compared = no_comparison, .guarded = no_guard,
};

const struct kshim_instruments *kshim_instruments = &none;
#endif

#define ACCESS(bytes)									\
	void __asan_load##bytes##_noabort(uint64_t address);				\
	void __asan_store##bytes##_noabort(uint64_t address);				\
	void __asan_load##bytes##_noabort(uint64_t address)				\
	{										\
		INSTRUMENT(access)(address, bytes, false, KSHIM_PC());			\
	}										\
	void __asan_store##bytes##_noabort(uint64_t address)				\
	{										\
		INSTRUMENT(access)(address, bytes, true, KSHIM_PC());				\
	}

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(uint64_t address, size_t size);
void __asan_storeN_noabort(uint64_t address, size_t size);
void *__asan_memset(void *to, int byte, size_t size);
void *__asan_memcpy(void *to, const void *from, size_t size);
void *__asan_memmove(void *to, const void *from, size_t size);
void __asan_handle_no_return(void);
void __asan_before_dynamic_init(uint64_t module);
void __asan_after_dynamic_init(void);

void __asan_loadN_noabort(uint64_t address, size_t size)
{
	if (size)
		INSTRUMENT(access)(address, size, false, KSHIM_PC());
}

void __asan_storeN_noabort(uint64_t address, size_t size)
{
	if (size)
		INSTRUMENT(access)(address, size, true, KSHIM_PC());
}

void *__asan_memset(void *to, int byte, size_t size)
{
	__asan_storeN_noabort((uint64_t)to, size);
	return memset(to, byte, size);
}

void *__asan_memcpy(void *to, const void *from, size_t size)
{
	__asan_loadN_noabort((uint64_t)from, size);
	__asan_storeN_noabort((uint64_t)to, size);
	return memcpy(to, from, size);
}

void *__asan_memmove(void *to, const void *from, size_t size)
{
	__asan_loadN_noabort((uint64_t)from, size);
	__asan_storeN_noabort((uint64_t)to, size);
	return memmove(to, from, size);
}

/* Around constructors, which a patch may bring. */
void __asan_before_dynamic_init(uint64_t module)
{
	(void)module;
}

void __asan_after_dynamic_init(void)
{
}

void __asan_handle_no_return(void)
{
}

/* What a function's frame holds between and around its variables, and what a block leaves. */
#define SET_SHADOW(guard)								\
	void __asan_set_shadow_##guard(uint64_t shadow, uint64_t count);		\
	void __asan_set_shadow_##guard(uint64_t shadow, uint64_t count)			\
	{										\
		INSTRUMENT(guarded)(shadow * GUARD_GRANULE, count * GUARD_GRANULE, 0x##guard); \
	}

SET_SHADOW(00)
SET_SHADOW(01)
SET_SHADOW(02)
SET_SHADOW(03)
SET_SHADOW(04)
SET_SHADOW(05)
SET_SHADOW(06)
SET_SHADOW(07)
SET_SHADOW(f1)
SET_SHADOW(f2)
SET_SHADOW(f3)
SET_SHADOW(f5)
SET_SHADOW(f8)

/* A variable that outlives a call, and the room behind it, as clang describes both. */
struct global {
	uint64_t start, size, size_with_guard;
	uint64_t name, module, is_dynamic, place, odr;
};

#define GUARD_GLOBAL 0xf9

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

struct kshim_guards kshim_guards;
static uint64_t guards_size;

void __asan_register_globals(const struct global *globals, uint64_t count);
void __asan_unregister_globals(const struct global *globals, uint64_t count);

/* Called before any other code of the module, once for each of its units. */
void __asan_register_globals(const struct global *globals, uint64_t count)
{
	const uint64_t low = (uint64_t)__ehdr_start & ~(uint64_t)(GUARD_GRANULE - 1);
	uint8_t *bytes = (uint8_t *)kshim_guards.bytes;

	if (!bytes) {
		guards_size = ((uint64_t)_end - low) / GUARD_GRANULE + 1;
		bytes = mmap(NULL, guards_size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (bytes == MAP_FAILED)
			__builtin_trap();
		kshim_guards = (struct kshim_guards){ bytes, low, (uint64_t)_end };
	}
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t end = globals[i].start + globals[i].size;
		const uint64_t last = globals[i].start + globals[i].size_with_guard;
		uint8_t *guard = &bytes[(end - low) / GUARD_GRANULE];

		if (end % GUARD_GRANULE)
			*guard++ = end % GUARD_GRANULE;
		memset(guard, GUARD_GLOBAL, (uint64_t)(&bytes[(last - low) / GUARD_GRANULE] - guard));
	}
}

void __asan_unregister_globals(const struct global *globals, uint64_t count)
{
	(void)globals, (void)count;
	if (!kshim_guards.bytes)
		return;
	munmap((void *)kshim_guards.bytes, guards_size);
	kshim_guards.bytes = NULL;
}

void __sanitizer_cov_trace_pc(void);

/* At the start of every basic block. */
void __sanitizer_cov_trace_pc(void)
{
	INSTRUMENT(block)(KSHIM_PC());
}

/* Before every comparison, with both sides. */
#define COMPARE(bytes, type)								\
	void __sanitizer_cov_trace_cmp##bytes(type left, type right);			\
	void __sanitizer_cov_trace_const_cmp##bytes(type left, type right);		\
	void __sanitizer_cov_trace_cmp##bytes(type left, type right)			\
	{										\
		INSTRUMENT(compared)(left, right, KSHIM_PC());			\
	}										\
	void __sanitizer_cov_trace_const_cmp##bytes(type left, type right)		\
	{										\
		INSTRUMENT(compared)(left, right, KSHIM_PC());			\
	}

COMPARE(1, uint8_t)
COMPARE(2, uint16_t)
COMPARE(4, uint32_t)
COMPARE(8, uint64_t)

void __sanitizer_cov_trace_switch(uint64_t value, const uint64_t *cases);

void __sanitizer_cov_trace_switch(uint64_t value, const uint64_t *cases)
{
	(void)cases;
	INSTRUMENT(compared)(value, 0, KSHIM_PC());
}

void __ubsan_handle_divrem_overflow(void *place, uint64_t left, uint64_t right);

/* Before a division by zero. Otherwise the compiler may leave one out that it knows of. */
void __ubsan_handle_divrem_overflow(void *place, uint64_t left, uint64_t right)
{
	(void)place, (void)left, (void)right;
	INSTRUMENT(divided)(KSHIM_PC());
}

void __ubsan_handle_out_of_bounds(void *place, uint64_t index);

/* Before an index past the end of an array whose size is known: what follows may be a live field. */
void __ubsan_handle_out_of_bounds(void *place, uint64_t index)
{
	(void)place;
	INSTRUMENT(indexed)(index, KSHIM_PC());
}
