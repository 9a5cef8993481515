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

static const struct kshim_instruments none = {
	.access = no_access, .block = no_block, .divided = divided, .indexed = indexed,
	.compared = no_comparison,
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

void __asan_handle_no_return(void)
{
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
