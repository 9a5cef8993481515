// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters of a build that counts branches: not the subject's memory. How often a branch goes one
 * way is partly computed: how often its code is come to, less how often it goes the other way. So a run
 * that goes on from a checkpoint counts what came before as well, as if it had run from the beginning.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

extern uint64_t __start___llvm_prf_cnts[] __attribute__((weak, visibility("hidden")));
extern uint64_t __stop___llvm_prf_cnts[] __attribute__((weak, visibility("hidden")));

/* What they were when the present run began, if it had begun at the beginning. */
static uint64_t *counters_before;

bool counters_hold(uint64_t address)
{
	return address >= (uint64_t)__start___llvm_prf_cnts &&
	       address < (uint64_t)__stop___llvm_prf_cnts;
}

/*
 * The sanitizer has every counter watched, twice each time that it counts. As ftrace does with calls of
 * __fentry__(), the code is changed before it first runs: a call becomes a nop that is as long. What
 * the compiler writes before such a call is
 *
 *	leaq	counters(%rip), %rdi
 *	addq	$number, %rdi		or nothing
 *	call	__asan_load8_noabort	or __asan_store8_noabort
 *
 * A call that comes another way stays, and finds by counters_hold() that there is nothing to watch.
 */
extern void __asan_load8_noabort(uint64_t address) __attribute__((visibility("hidden")));
extern void __asan_store8_noabort(uint64_t address) __attribute__((visibility("hidden")));
extern void __sanitizer_cov_trace_pc(void) __attribute__((visibility("hidden")));

static const uint8_t load_address[] = { 0x48, 0x8d, 0x3d };
static const uint8_t add_byte[] = { 0x48, 0x83, 0xc7 }, add_word[] = { 0x48, 0x81, 0xc7 };
static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
#define CALL 0xe8
/* From a call back to the longest instructions before it. */
#define MOST_BEFORE 14
/* From there on to the store, in bytes. */
#define MOST_COUNTING 80

static int32_t word_at(const uint8_t *place)
{
	int32_t word;

	memcpy(&word, place, sizeof(word));
	return word;
}

static bool is_at(const uint8_t *place, const uint8_t *instruction)
{
	return !memcmp(place, instruction, sizeof(load_address));
}

/* Whether the address in rdi is a counter's at a call. */
static bool is_given_counter(const uint8_t *call)
{
	const uint8_t *load = call - 7;
	int64_t added = 0;

	if (is_at(call - 4, add_byte) && is_at(call - 11, load_address)) {
		load = call - 11;
		added = (int8_t)call[-1];
	} else if (is_at(call - 7, add_word) && is_at(call - 14, load_address)) {
		load = call - 14;
		added = word_at(call - 4);
	} else if (!is_at(load, load_address)) {
		return false;
	}
	return counters_hold((uint64_t)load + 7 + word_at(load + 3) + added);
}

/* movq %reg, counter(%rip) */
static bool is_count(const uint8_t *store)
{
	return (store[0] & 0xfb) == 0x48 && store[1] == 0x89 && (store[2] & 0xc7) == 0x05 &&
	       counters_hold((uint64_t)store + 7 + word_at(store + 3));
}

/* Behind what counts it, where code begins with that; else NULL. */
static const uint8_t *behind_count(const uint8_t *load)
{
	const uint8_t *call = load + 7;

	if (!is_at(load, load_address))
		return NULL;
	if (is_at(call, add_byte))
		call += 4;
	else if (is_at(call, add_word))
		call += 7;
	if (!is_given_counter(call))
		return NULL;
	for (const uint8_t *store = call; store < call + MOST_COUNTING; store++)
		if (is_count(store))
			return store + 7;
	return NULL;
}

static bool is_call_of(const uint8_t *call, void (*called)(void))
{
	return *call == CALL && (uint64_t)call + sizeof(nop) + word_at(call + 1) == (uint64_t)called;
}

/* A block begins with the call that tells of it. What counts it comes next, and is of no line. */
kshim_u64 kshim_place_of(kshim_u64 pc)
{
	const uint8_t *place = (const uint8_t *)pc, *behind;

	if (__start___llvm_prf_cnts == __stop___llvm_prf_cnts || !memory_is_code(pc) ||
	    !is_call_of(place - sizeof(nop), __sanitizer_cov_trace_pc))
		return pc;
	while ((behind = behind_count(place)))
		place = behind;
	/* As a return address: the instruction before it is meant. */
	return place == (const uint8_t *)pc ? pc : (kshim_u64)place + 1;
}

static void unwatch(uint8_t *code, uint64_t size)
{
	for (uint8_t *call = code + MOST_BEFORE; call + sizeof(nop) <= code + size; call++) {
		if ((is_call_of(call, (void (*)(void))__asan_load8_noabort) ||
		     is_call_of(call, (void (*)(void))__asan_store8_noabort)) && is_given_counter(call))
			memcpy(call, nop, sizeof(nop));
	}
}

void counters_open(void)
{
	const uint8_t *module = (const uint8_t *)__ehdr_start;
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)module;
	const Elf64_Phdr *part = (const Elf64_Phdr *)(module + header->e_phoff);

	if (__start___llvm_prf_cnts == __stop___llvm_prf_cnts)
		return;
	/* For the compiler the name's own bytes are constant. */
	__asm__("" : "+r"(module));
	for (unsigned i = 0; i < header->e_phnum; i++, part++) {
		uint8_t *code = (uint8_t *)module + part->p_vaddr;
		uint8_t *page = (uint8_t *)((uint64_t)code & ~(PAGE_SIZE - 1));

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		/* This function is in it as well. Where that is not allowed the calls stay. */
		if (mprotect(page, code + part->p_memsz - page, PROT_READ | PROT_WRITE | PROT_EXEC))
			continue;
		unwatch(code, part->p_memsz);
		if (mprotect(page, code + part->p_memsz - page, PROT_READ | PROT_EXEC))
			__builtin_trap();
	}
}

static uint64_t counters_count(void)
{
	return (uint64_t)(__stop___llvm_prf_cnts - __start___llvm_prf_cnts);
}

uint64_t counters_size(void)
{
	return counters_count() * sizeof(*counters_before);
}

void counters_begin(void)
{
	if (!counters_count())
		return;
	if (!counters_before)
		counters_before = malloc(counters_size());
	if (!counters_before)
		__builtin_trap();
	memcpy(counters_before, __start___llvm_prf_cnts, counters_size());
}

void counters_save(uint64_t *counted)
{
	for (uint64_t i = 0; i < counters_count(); i++)
		counted[i] = __start___llvm_prf_cnts[i] - counters_before[i];
}

void counters_restore(const uint64_t *counted)
{
	counters_begin();
	for (uint64_t i = 0; i < counters_count(); i++)
		__start___llvm_prf_cnts[i] += counted[i];
}
