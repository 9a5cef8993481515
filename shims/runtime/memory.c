// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated physical memory. Physical addresses are not the identity: hpa + offset = virtual, as
 * in the kernel's direct map. Every access of the subject comes by memory_check(), through the
 * callbacks that clang's kernel address sanitizer calls (instrument.c).
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

static uint64_t offset;			/* virtual = hpa + offset; 0 until memory_open() */
static uint64_t vmemmap, page_struct_size;
static uint8_t state[2][WINDOW_PAGES];	/* of the low and the high window */
static uint32_t next[2];		/* the next unused frame of each window */
static uint64_t stack_low, stack_high;

struct kshim_store memory_stores[MAX_STORES];
uint32_t memory_store_count, memory_first_step_store;

static struct {
	uint64_t address, size;
} objects[MAX_OBJECTS];
static uint32_t object_count;

/* The linker's names for the first and the last byte of this module. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* The counters of a build that counts branches: not the subject's memory. */
extern char __start___llvm_prf_cnts[] __attribute__((weak, visibility("hidden")));
extern char __stop___llvm_prf_cnts[] __attribute__((weak, visibility("hidden")));

static uint64_t data_low, data_high;	/* what of this module can be written */

/* The module's writable segment, without what is read-only after relocation. */
static void find_data(void)
{
	const Elf64_Ehdr *header = (const void *)__ehdr_start;
	const Elf64_Phdr *segment = (const void *)(__ehdr_start + header->e_phoff);
	uint64_t relocated = 0;

	for (int i = 0; i < header->e_phnum; i++, segment++) {
		const uint64_t start = (uint64_t)__ehdr_start + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_W) {
			data_low = data_low ? data_low : start;
			data_high = start + segment->p_memsz;
		} else if (segment->p_type == PT_GNU_RELRO) {
			relocated = start + segment->p_memsz;
		}
	}
	if (relocated > data_low)
		data_low = relocated;
}

static const uint64_t window_hpa[2] = { LOW_HPA, HIGH_HPA };

void memory_open(void)
{
	const uint64_t span = HIGH_HPA + WINDOW_PAGES * PAGE_SIZE;
	char *base;

	if (offset)
		return;
	base = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		__builtin_trap();
	for (int w = 0; w < 2; w++)
		if (mprotect(base + window_hpa[w], WINDOW_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE))
			__builtin_trap();
	offset = (uint64_t)base;
	find_data();
}

kshim_u64 kshim_vmemmap(unsigned long size)
{
	if (!vmemmap) {
		char *base = mmap(NULL, (HIGH_HPA / PAGE_SIZE + WINDOW_PAGES) * size,
				  PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base == MAP_FAILED)
			__builtin_trap();
		vmemmap = (uint64_t)base;
		page_struct_size = size;
	}
	return vmemmap;
}

/* Which window an hpa lies in, or -1. */
static inline int window_of(uint64_t hpa)
{
	if (hpa - HIGH_HPA < WINDOW_PAGES * PAGE_SIZE)
		return 1;
	if (hpa - LOW_HPA < WINDOW_PAGES * PAGE_SIZE)
		return 0;
	return -1;
}

static uint8_t *state_of(uint64_t hpa)
{
	int w = window_of(hpa);

	return w < 0 ? NULL : &state[w][(hpa - window_hpa[w]) / PAGE_SIZE];
}

/* Every byte the same, and one that clang's pattern initialisation writes. */
static bool is_poison(uint64_t value)
{
	return value == 0xaaaaaaaaaaaaaaaaULL || value == 0xffffffffaaaaaaaaULL ||
	       value == 0xaaaaaaaaULL;
}

enum kshim_at memory_at(uint64_t address)
{
	uint8_t *page = state_of(address - offset);

	if (page)
		return *page == PAGE_LIVE ? KSHIM_AT_LIVE :
		       *page == PAGE_FREED ? KSHIM_AT_FREED : KSHIM_AT_GUARD;
	if (address < PAGE_SIZE)
		return KSHIM_AT_NULL;
	if (is_poison(address & ~0xfffULL) || is_poison(address) ||
	    (address >> 12) == (0xaaaaaaaaaaaaaaaaULL >> 12))
		return KSHIM_AT_POISON;
	return KSHIM_AT_WILD;
}

bool memory_is_page(uint64_t address)
{
	return memory_at(address) == KSHIM_AT_LIVE && !(address & (PAGE_SIZE - 1));
}

static uint64_t take_page(int window, uint8_t fill, uint64_t pc)
{
	uint64_t hpa;

	if (next[window] >= WINDOW_PAGES) {
		trace_record(KSHIM_EVENT_OVERFLOW, pc);
		step_end();
	}
	hpa = window_hpa[window] + next[window] * PAGE_SIZE;
	state[window][next[window]] = PAGE_LIVE;
	next[window] += 2;
	memset((void *)(hpa + offset), fill, PAGE_SIZE);
	return hpa;
}

kshim_u64 kshim_boot_page(unsigned char fill, _Bool below_4g)
{
	return take_page(below_4g ? 0 : 1, fill, 0);
}

kshim_u64 kshim_alloc_page(unsigned flags, kshim_u64 pc)
{
	/* Dirty unless zeroed was asked; the byte differs between the two builds. */
	uint8_t fill = flags & KSHIM_ALLOC_ZEROED ? 0 : *step_harness->dirty;
	bool refused = kshim_decide(2);
	uint64_t hpa = refused ? 0 : take_page(flags & KSHIM_ALLOC_DMA32 ? 0 : 1, fill, pc);
	struct kshim_event *event = trace_record(KSHIM_EVENT_ALLOC, pc);

	event->value = hpa;
	event->arg[0] = flags;
	return hpa ? hpa + offset : 0;
}

void kshim_free_page(kshim_u64 address, kshim_u64 pc)
{
	struct kshim_event *event;
	enum kshim_at at;

	if (!address)
		return;
	at = memory_is_page(address) ? KSHIM_AT_LIVE : memory_at(address);
	if (at == KSHIM_AT_LIVE && (address & (PAGE_SIZE - 1)))
		at = KSHIM_AT_WILD;
	event = trace_record(KSHIM_EVENT_FREE, pc);
	event->at = at;
	event->arg[0] = memory_symbol(address);
	if (at == KSHIM_AT_LIVE)
		*state_of(address - offset) = PAGE_FREED;
}

kshim_u64 kshim_pa(kshim_u64 address, kshim_u64 pc)
{
	if (window_of(address - offset) >= 0)
		return address - offset;
	trace_record(KSHIM_EVENT_ADDRESS, pc)->arg[0] = memory_symbol(address);
	return address - offset;
}

kshim_u64 kshim_page_pa(kshim_u64 address)
{
	return window_of(address - offset) >= 0 ? address - offset : address;
}

kshim_u64 kshim_va(kshim_u64 hpa)
{
	return window_of(hpa) >= 0 ? hpa + offset : hpa;
}

kshim_u64 kshim_page_offset(void)
{
	return offset;
}

/* The zero page: always the first frame of the high window. */
kshim_u64 kshim_zero_pfn(void)
{
	return HIGH_HPA / PAGE_SIZE;
}

_Bool kshim_load(kshim_u64 hpa, kshim_u64 *value)
{
	uint8_t *page = state_of(hpa);

	if (!page || *page != PAGE_LIVE || (hpa & 7))
		return false;
	*value = *(uint64_t *)(hpa + offset);
	return true;
}

void kshim_poke(kshim_u64 hpa, kshim_u64 value)
{
	uint8_t *page = state_of(hpa);

	if (!page || *page != PAGE_LIVE || (hpa & 7))
		__builtin_trap();
	*(uint64_t *)(hpa + offset) = value;
}

void kshim_name_object(unsigned number, const void *address, unsigned long size)
{
	if (number >= MAX_OBJECTS)
		__builtin_trap();
	objects[number].address = (uint64_t)address;
	objects[number].size = size;
	if (number >= object_count)
		object_count = number + 1;
}

bool memory_is_code(uint64_t address)
{
	return address - (uint64_t)__ehdr_start < (uint64_t)(_end - __ehdr_start);
}

/*
 * A name for an address that is the same in every build and process: an hpa for the direct map,
 * object and offset for the harness's objects, a tag for the stack and for code.
 */
uint64_t memory_symbol(uint64_t address)
{
	if (!address)
		return 0;
	if (window_of(address - offset) >= 0)
		return address - offset;
	for (uint32_t i = 0; i < object_count; i++)
		if (address - objects[i].address < objects[i].size)
			return 0x0b00000000000000ULL | (uint64_t)i << 32 |
			       (address - objects[i].address);
	if (address - stack_low < stack_high - stack_low || thread_place(address) == THREAD_STACK)
		return 0x0c00000000000000ULL;
	if (memory_is_code(address))
		return 0x0d00000000000000ULL;
	if (vmemmap && address >= vmemmap &&
	    address - vmemmap < (HIGH_HPA / PAGE_SIZE + WINDOW_PAGES) * page_struct_size)
		return 0x0e00000000000000ULL | (address - vmemmap);
	return address;
}

kshim_u64 kshim_symbol(kshim_u64 address)
{
	return memory_symbol(address);
}

void memory_stack(uint64_t low, uint64_t high)
{
	stack_low = low;
	stack_high = high;
}

/* Keeps what each touched granule of 8 bytes held before, for reset and for "who wrote this". */
static void log_store(uint64_t address, uint64_t size, uint64_t pc)
{
	uint64_t last = (address + size - 1) & ~7ULL;

	for (uint64_t granule = address & ~7ULL; granule <= last; granule += 8) {
		struct kshim_store *store;

		if (memory_store_count == MAX_STORES) {
			trace_record(KSHIM_EVENT_OVERFLOW, pc);
			step_end();
		}
		store = &memory_stores[memory_store_count++];
		store->address = granule;
		store->before = *(uint64_t *)granule;
		store->pc = pc;
		store->size = size;
		store->step = step_number;
	}
}

static void refuse(uint64_t address, uint64_t size, bool write, enum kshim_at at, uint64_t pc)
	__attribute__((noreturn, cold, noinline));

static void refuse(uint64_t address, uint64_t size, bool write, enum kshim_at at, uint64_t pc)
{
	struct kshim_event *event;

	if (thread_place(address) == THREAD_GUARD)
		step_fault(KSHIM_FAULT_STACK, pc);
	event = trace_record(KSHIM_EVENT_ACCESS, pc);
	event->arg[0] = memory_symbol(address);
	event->arg[1] = size;
	event->arg[2] = write;
	event->arg[3] = at;
	step_end();
}

/* A struct page that belongs to a frame of the windows. */
static bool is_page_struct(uint64_t address, uint64_t size)
{
	uint64_t hpa;

	if (!vmemmap || address < vmemmap)
		return false;
	hpa = (address - vmemmap) / page_struct_size * PAGE_SIZE;
	return window_of(hpa) >= 0 && size <= page_struct_size;
}

void memory_check(uint64_t address, uint64_t size, bool write, uint64_t pc)
{
	uint64_t hpa = address - offset;
	int window;

	if (address - stack_low < stack_high - stack_low)
		return;
	window = window_of(hpa);
	if (window >= 0) {
		uint64_t frame = (hpa - window_hpa[window]) / PAGE_SIZE;
		uint64_t last = (hpa + size - 1 - window_hpa[window]) / PAGE_SIZE;

		if (state[window][frame] != PAGE_LIVE)
			refuse(address, size, write, memory_at(address), pc);
		if (last != frame)
			refuse(address, size, write, KSHIM_AT_GUARD, pc);
	} else if (memory_is_code(address)) {
		if (write && address - data_low >= data_high - data_low)
			refuse(address, size, write, KSHIM_AT_READ_ONLY, pc);
	} else if (!is_page_struct(address, size) && thread_place(address) != THREAD_STACK) {
		refuse(address, size, write, memory_at(address), pc);
	}
	if (address - (uint64_t)__start___llvm_prf_cnts <
	    (uint64_t)(__stop___llvm_prf_cnts - __start___llvm_prf_cnts))
		return;
	if (write)
		log_store(address, size, pc);
}

void memory_log_stores_from_here(void)
{
	memory_first_step_store = memory_store_count;
}

void memory_reset(void)
{
	while (memory_store_count) {
		struct kshim_store *store = &memory_stores[--memory_store_count];

		*(uint64_t *)store->address = store->before;
	}
	memory_first_step_store = 0;
	for (int w = 0; w < 2; w++) {
		memset(state[w], PAGE_UNUSED, next[w]);
		next[w] = 0;
	}
	kshim_boot_page(0, false);	/* the zero page */
}

/* What every granule that was written holds at the end. */
uint64_t memory_digest(uint64_t seed)
{
	for (uint32_t i = memory_first_step_store; i < memory_store_count; i++) {
		uint64_t address = memory_stores[i].address;

		seed = mix(seed, memory_symbol(address));
		seed = mix(seed, memory_symbol(*(uint64_t *)address));
	}
	return seed;
}
