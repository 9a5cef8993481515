// SPDX-License-Identifier: GPL-2.0-only
/*
 * The callbacks of clang's kernel address sanitizer in outline mode
 * (-fsanitize=kernel-address -mllvm -asan-instrumentation-with-call-threshold=0): one for each
 * load and store of the subject, none of this file's own.
 */
#include <string.h>

#include "world.h"

#define ACCESS(bytes)									\
	void __asan_load##bytes##_noabort(uint64_t address);				\
	void __asan_store##bytes##_noabort(uint64_t address);				\
	void __asan_load##bytes##_noabort(uint64_t address)				\
	{										\
		memory_check(address, bytes, false, KSHIM_PC());			\
	}										\
	void __asan_store##bytes##_noabort(uint64_t address)				\
	{										\
		memory_check(address, bytes, true, KSHIM_PC());				\
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
		memory_check(address, size, false, KSHIM_PC());
}

void __asan_storeN_noabort(uint64_t address, size_t size)
{
	if (size)
		memory_check(address, size, true, KSHIM_PC());
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

void kshim_access(const volatile void *address, unsigned long size, int write)
{
	memory_check((uint64_t)address, size, write, KSHIM_PC());
}
