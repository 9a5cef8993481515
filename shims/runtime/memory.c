// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated physical memory. Physical addresses are not the identity: hpa + offset = virtual, as
 * in the kernel's direct map. access.c looks at what the subject does with it.
 */
#include <string.h>
#include <sys/mman.h>

#include "world.h"

/* Frames from hpa 0 to the end of the high window, and room for the struct page of each. */
#define FRAMES (HIGH_HPA / PAGE_SIZE + WINDOW_PAGES)
#define VMEMMAP_SPAN (FRAMES * MAX_PAGE_STRUCT / PAGE_SIZE * PAGE_SIZE)
/* Where physical memory ends, as the kernel is told. Most of it is never in use. */
#define END_HPA (1ULL << 36)

/* One reservation, so that wild addresses near it are as far off in every build. */
static uint64_t vmemmap;		/* the struct pages, then the direct map; 0 until memory_open() */
static uint64_t offset;			/* virtual = hpa + offset */
static uint64_t page_struct_size;
static uint8_t state[2][WINDOW_PAGES];	/* of the low and the high window */
static uint32_t next[2];		/* the next unused frame of each window */

/* Frames that were freed, to take it back. */
static struct {
	uint16_t window, frame;
} frees[2 * WINDOW_PAGES];
static uint32_t free_count;

/* The allocation that a frame belongs to. */
struct allocation {
	uint64_t start;			/* hpa */
	uint64_t size;			/* bytes */
	uint64_t cache;			/* that it came from, or 0 */
	enum kshim_memory kind;
};

static struct allocation allocations[2][WINDOW_PAGES];

/* Of each frame of the high window the type that its object is made from, and one more; 0: none. */
static uint32_t types_of[WINDOW_PAGES];
/* The same for the struct page of it. */
static uint32_t pages_of[WINDOW_PAGES];

static struct {
	uint64_t address, size;
} objects[MAX_OBJECTS];
static uint32_t object_count;

static const uint64_t window_hpa[2] = { LOW_HPA, HIGH_HPA };

void memory_open(void)
{
	const uint64_t span = VMEMMAP_SPAN + HIGH_HPA + WINDOW_PAGES * PAGE_SIZE;
	char *base;

	if (offset)
		return;
	base = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		__builtin_trap();
	access_open();
	vmemmap = (uint64_t)base;
	base += VMEMMAP_SPAN;
	for (int w = 0; w < 2; w++)
		if (mprotect(base + window_hpa[w], WINDOW_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE))
			__builtin_trap();
	offset = (uint64_t)base;
}

kshim_u64 kshim_vmemmap(unsigned long size)
{
	if (size == page_struct_size)
		return vmemmap;
	if (size > MAX_PAGE_STRUCT ||
	    mprotect((void *)vmemmap, FRAMES * size, PROT_READ | PROT_WRITE))
		__builtin_trap();
	page_struct_size = size;
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

/* What is freed when the step is over: until then somebody may use it. */
static struct freed_later later[MAX_LATER];
static uint32_t later_count;

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

/*
 * Whole pages begin where a frame begins. An object ends where its last frame ends, but for what
 * its alignment to 8 bytes needs: the first byte behind it is in the guard.
 */
static uint64_t take(int window, uint64_t size, enum kshim_memory kind, uint8_t fill,
		     uint64_t pc)
{
	uint64_t frames = size ? (size - 1) / PAGE_SIZE + 1 : 1;
	uint64_t first = window_hpa[window] + next[window] * PAGE_SIZE;
	uint64_t start = first;

	if (frames >= WINDOW_PAGES - next[window]) {
		trace_limit(KSHIM_LIMIT_PAGES, pc);
		step_stop();
		return HIGH_HPA;	/* to the set-up of a step that will not be made */
	}
	if (kind != KSHIM_MEMORY_PAGES && kind != KSHIM_MEMORY_EITHER)
		start += frames * PAGE_SIZE - ((size + 7) & ~7ULL);
	for (uint64_t i = 0; i < frames; i++) {
		state[window][next[window]] = PAGE_LIVE;
		if (window)
			types_of[next[window]] = pages_of[next[window]] = 0;
		allocations[window][next[window]++] = (struct allocation){ start, size, 0, kind };
	}
	next[window]++;
	memset((void *)(start + offset), fill, size);
	return start;
}

kshim_u64 kshim_boot_page(unsigned char fill, _Bool below_4g)
{
	return take(below_4g ? 0 : 1, PAGE_SIZE, KSHIM_MEMORY_EITHER, fill, 0);
}

kshim_u64 kshim_boot_object(kshim_u64 size)
{
	return take(1, size, KSHIM_MEMORY_ANY, 0, 0) + offset;
}

/* Whoever made it may have aligned it. */
#define TYPED_ALIGNMENT 64

uint64_t memory_take_typed(uint64_t size, uint32_t type)
{
	const uint64_t alignment = size < TYPED_ALIGNMENT ? 16 : TYPED_ALIGNMENT;
	const uint64_t rounded = (size + alignment - 1) & ~(alignment - 1);
	const uint64_t hpa = take(1, rounded ? rounded : alignment, KSHIM_MEMORY_ANY, 0, 0);
	const uint64_t room = PAGE_SIZE - (hpa + rounded) % PAGE_SIZE;
	uint64_t frame = (hpa - HIGH_HPA) / PAGE_SIZE;

	/* As an object's, its end is where the guard begins. */
	if (room < PAGE_SIZE) {
		for (uint64_t i = frame; i < next[1] - 1; i++)
			allocations[1][i].start = hpa + room;
	}
	for (; frame < next[1] - 1; frame++)
		types_of[frame] = type + 1;
	return hpa + (room < PAGE_SIZE ? room : 0) + offset;
}

uint64_t memory_take_page(uint64_t size, uint32_t type)
{
	uint64_t hpa, frames;

	if (!page_struct_size)
		return 0;
	frames = size > page_struct_size ? size / page_struct_size : 1;
	hpa = take(1, frames * PAGE_SIZE, KSHIM_MEMORY_ANY, 0, 0);
	for (uint64_t i = 0; i < frames; i++)
		pages_of[(hpa - HIGH_HPA) / PAGE_SIZE + i] = type + 1;
	return vmemmap + hpa / PAGE_SIZE * page_struct_size;
}

static bool page_typed_at(uint64_t address, uint64_t *start, uint64_t *size, uint64_t *first,
			  uint32_t *type)
{
	const uint64_t frame = (address - vmemmap) / page_struct_size - HIGH_HPA / PAGE_SIZE;
	const struct allocation *allocation = &allocations[1][frame];

	if (frame >= next[1] || state[1][frame] == PAGE_UNUSED || !pages_of[frame])
		return false;
	*type = pages_of[frame] - 1;
	*start = vmemmap + allocation->start / PAGE_SIZE * page_struct_size;
	*size = allocation->size / PAGE_SIZE * page_struct_size;
	*first = WINDOW_PAGES * PAGE_SIZE +
		 (allocation->start - HIGH_HPA) / PAGE_SIZE * MAX_PAGE_STRUCT;
	return true;
}

bool memory_typed_at(uint64_t address, uint64_t *start, uint64_t *size, uint64_t *first,
		     uint32_t *type)
{
	const uint64_t frame = (address - offset - HIGH_HPA) / PAGE_SIZE;

	if (page_struct_size && address - vmemmap < FRAMES * page_struct_size)
		return page_typed_at(address, start, size, first, type);
	if (address - offset - HIGH_HPA >= WINDOW_PAGES * PAGE_SIZE || frame >= next[1] ||
	    state[1][frame] == PAGE_UNUSED || !types_of[frame])
		return false;
	*type = types_of[frame] - 1;
	*start = allocations[1][frame].start + offset;
	*size = allocations[1][frame].size;
	*first = allocations[1][frame].start - HIGH_HPA;
	return address >= *start;
}

uint64_t memory_typed(uint64_t symbol)
{
	uint64_t start, size, first;
	uint32_t type;

	if (symbol - HIGH_HPA >= WINDOW_PAGES * PAGE_SIZE ||
	    state[1][(symbol - HIGH_HPA) / PAGE_SIZE] != PAGE_LIVE ||
	    !memory_typed_at(symbol + offset, &start, &size, &first, &type))
		return 0;
	return symbol + offset;
}

bool memory_allocated_at(uint64_t address, uint64_t *start, uint64_t *size)
{
	const uint64_t frame = (address - offset - HIGH_HPA) / PAGE_SIZE;

	if (address - offset - HIGH_HPA >= WINDOW_PAGES * PAGE_SIZE || frame >= next[1] ||
	    state[1][frame] != PAGE_LIVE || types_of[frame])
		return false;
	*start = allocations[1][frame].start + offset;
	*size = allocations[1][frame].size;
	return address - *start < *size;
}

/* What a page that nobody asked to be zeroed is filled with, unlike what variables hold. */
#define DIRTY 0xa5

/* What kmalloc() gives for no bytes: an address that nothing may reach. */
#define ZERO_SIZE 16

kshim_u64 kshim_alloc(int kind, kshim_u64 size, unsigned flags, kshim_u64 pc)
{
	struct kshim_event *event;
	uint64_t hpa;

	if (!size)
		return ZERO_SIZE;
	/* What fits into a page comes from kmalloc() then, for certain, and for who may not sleep. */
	if (kind == KSHIM_MEMORY_KVMALLOC && (size <= PAGE_SIZE || !(flags & KSHIM_ALLOC_SLEEPS)))
		kind = KSHIM_MEMORY_OBJECT;
	hpa = !(flags & KSHIM_ALLOC_NOFAIL) && kshim_decide(2) ?
		      0 :
		      take(flags & KSHIM_ALLOC_DMA32 ? 0 : 1, size, kind, 0, pc);
	if (hpa && !(flags & KSHIM_ALLOC_ZEROED))
		unset_add(hpa + offset, size, unset_fill ? DIRTY : 0);
	event = trace_record(KSHIM_EVENT_ALLOC, pc);
	event->value = hpa;
	event->arg[0] = flags;
	event->arg[1] = size;
	return hpa ? hpa + offset : 0;
}

static struct allocation *allocation_at(uint64_t address)
{
	const uint64_t hpa = address - offset;
	const int window = window_of(hpa);

	return window < 0 ? NULL : &allocations[window][(hpa - window_hpa[window]) / PAGE_SIZE];
}

/* No cache is there to allocate from, or to free to. */
static void need_cache(const void *cache, uint64_t pc)
{
	struct kshim_event *event;

	if (cache)
		return;
	event = trace_record(KSHIM_EVENT_ACCESS, pc);
	event->arg[1] = 8;
	event->arg[3] = KSHIM_AT_NULL;
	step_end();
}

kshim_u64 kshim_alloc_of(const void *cache, kshim_u64 size, unsigned flags, kshim_u64 pc)
{
	struct allocation *found;
	kshim_u64 address;

	need_cache(cache, pc);
	address = kshim_alloc(KSHIM_MEMORY_OBJECT, size, flags, pc);
	found = allocation_at(address);
	if (found)
		found->cache = (uint64_t)cache;
	return address;
}

/* Whether what one allocates the other frees. */
static bool is_freed_by(enum kshim_memory allocated, enum kshim_memory freed)
{
	if (freed == KSHIM_MEMORY_ANY)
		return allocated != KSHIM_MEMORY_PAGES;
	switch (allocated) {
	case KSHIM_MEMORY_EITHER:
		return freed <= KSHIM_MEMORY_EITHER || freed == KSHIM_MEMORY_KVMALLOC;
	case KSHIM_MEMORY_ANY:
		return freed != KSHIM_MEMORY_PAGES;
	case KSHIM_MEMORY_OBJECT:
	case KSHIM_MEMORY_VMALLOC:
		return freed == allocated || freed == KSHIM_MEMORY_KVMALLOC;
	default:
		return freed == allocated;
	}
}

_Bool kshim_may_be_vmalloc(kshim_u64 object)
{
	const struct allocation *found = allocation_at(object);

	return found && (found->kind == KSHIM_MEMORY_KVMALLOC || found->kind == KSHIM_MEMORY_VMALLOC);
}

/* What could be either is vmalloc()'s from here on. */
_Bool kshim_is_vmalloc(kshim_u64 object)
{
	struct allocation *found = allocation_at(object);

	if (found && found->kind == KSHIM_MEMORY_KVMALLOC)
		found->kind = KSHIM_MEMORY_VMALLOC;
	return found && found->kind == KSHIM_MEMORY_VMALLOC;
}

/* Whether a timer or work in it may still run. */
static bool is_busy(uint64_t address, uint64_t size)
{
	for (uint32_t i = 0; i < step_harness->armed_count; i++)
		if (step_harness->armed[i] && step_harness->armed[i] - address < size)
			return true;
	return false;
}

/* What is freed at an address, as pages of a size or as an object of any. */
static enum kshim_at freed_at(uint64_t address, int kind, uint64_t size)
{
	uint64_t hpa = address - offset;
	int window = window_of(hpa);
	const struct allocation *found;

	if (window < 0)
		return memory_at(address);
	found = &allocations[window][(hpa - window_hpa[window]) / PAGE_SIZE];
	if (*state_of(hpa) == PAGE_UNUSED || found->start != hpa)
		return KSHIM_AT_WILD;
	if (!is_freed_by(found->kind, kind) || (kind == KSHIM_MEMORY_PAGES && found->size != size))
		return kind == KSHIM_MEMORY_PAGES || found->kind == KSHIM_MEMORY_PAGES ?
			       KSHIM_AT_WILD : KSHIM_AT_FOREIGN;
	return memory_at(address);
}

/* The size of what is allocated at an address; 0 where nothing is. */
static uint64_t size_at(uint64_t address)
{
	int window = window_of(address - offset);
	uint64_t hpa = address - offset;

	return window < 0 ? 0 : allocations[window][(hpa - window_hpa[window]) / PAGE_SIZE].size;
}

kshim_u64 kshim_size_of(kshim_u64 object)
{
	return size_at(object);
}

kshim_u64 kshim_cache_size(const void *cache)
{
	/* One that was made elsewhere says nothing. */
	const kshim_u64 size = size_at((uint64_t)cache) ? *(const kshim_u64 *)cache : 0;

	return size ? size : PAGE_SIZE;
}

/* Whether anybody is where a grace period waits for him. */
static bool is_anybody_reading(void)
{
	for (unsigned n = 0; n < THREADS; n++)
		if (threads[n].held_spinning)
			return true;
	return false;
}

void kshim_free_later(kshim_u64 object, kshim_u64 pc)
{
	meeting_all();
	if (!is_anybody_reading()) {
		kshim_free(object, KSHIM_MEMORY_KVMALLOC, 0, pc);
		return;
	}
	if (later_count == MAX_LATER) {
		trace_limit(KSHIM_LIMIT_PAGES, pc);
		step_end();
	}
	later[later_count++] = (struct freed_later){ object, pc, thread_now - threads };
}

void memory_free_later(void)
{
	for (uint32_t i = 0; i < later_count; i++) {
		const uint32_t event = trace_event_count;

		kshim_free(later[i].object, KSHIM_MEMORY_KVMALLOC, 0, later[i].pc);
		if (event < trace_event_count)
			trace_events[event].thread = later[i].thread;
	}
	later_count = 0;
}

void kshim_replace(kshim_u64 old, kshim_u64 new, int kind, kshim_u64 pc)
{
	uint64_t size = size_at(old);

	if (size > size_at(new))
		size = size_at(new);
	if (size) {
		const bool was_read = unset_was_read;

		memory_check(old, size, false, pc);
		unset_move(new, old, size);
		unset_was_read = was_read;	/* a copy decides nothing */
	}
	kshim_free(old, kind, 0, pc);
}

static void free_with(const void *cache, uint64_t address, int kind, uint64_t size, uint64_t pc)
{
	struct kshim_event *event;
	enum kshim_at at;

	if (!address || (kind != KSHIM_MEMORY_PAGES && address == ZERO_SIZE))
		return;
	at = freed_at(address, kind, size);
	if (at == KSHIM_AT_LIVE && cache && allocation_at(address)->kind != KSHIM_MEMORY_ANY &&
	    allocation_at(address)->cache != (uint64_t)cache)
		at = KSHIM_AT_FOREIGN;
	event = trace_record(KSHIM_EVENT_FREE, pc);
	event->at = at == KSHIM_AT_LIVE && is_busy(address, size_at(address)) ? KSHIM_AT_BUSY : at;
	event->arg[0] = memory_wild_symbol(address);
	/* Freed the wrong way it is gone all the same. */
	if (at != KSHIM_AT_LIVE && at != KSHIM_AT_FOREIGN)
		return;
	/* The guard behind it ends an allocation. */
	for (uint8_t *first = state_of(address - offset), *frame = first; *frame == PAGE_LIVE; frame++) {
		const int window = window_of(address - offset);

		*frame = PAGE_FREED;
		meeting_free((address & ~(PAGE_SIZE - 1)) + (uint64_t)(frame - first) * PAGE_SIZE);
		frees[free_count].window = (uint16_t)window;
		frees[free_count++].frame = (uint16_t)(frame - state[window]);
	}
}

void kshim_free(kshim_u64 address, int kind, kshim_u64 size, kshim_u64 pc)
{
	free_with(NULL, address, kind, size, pc);
}

void kshim_free_of(const void *cache, kshim_u64 address, kshim_u64 pc)
{
	need_cache(cache, pc);
	free_with(cache, address, KSHIM_MEMORY_OBJECT, 0, pc);
}

/* In place of a cache: what a callee made and another frees. */
#define OWN 1

void memory_own(uint64_t address)
{
	struct allocation *found = allocation_at(address);

	if (found)
		found->cache = OWN;
}

/* Frees what holds an address, where a callee made it. */
void kshim_give_back(kshim_u64 address, kshim_u64 pc)
{
	const struct allocation *found = allocation_at(address);
	enum kshim_at at = memory_at(address);

	if (!found || found->cache != OWN || (at != KSHIM_AT_LIVE && at != KSHIM_AT_FREED))
		return;
	address = found->start + offset;
	free_with(NULL, address, KSHIM_MEMORY_ANY, 0, pc);
}

kshim_u64 kshim_pa(kshim_u64 address, kshim_u64 pc)
{
	if (window_of(address - offset) >= 0)
		return address - offset;
	trace_record(KSHIM_EVENT_ADDRESS, pc)->arg[0] = memory_wild_symbol(address);
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

kshim_u64 kshim_memory_end(void)
{
	return END_HPA;
}

/* The zero page: always the first frame of the high window. */
kshim_u64 kshim_zero_pfn(void)
{
	return HIGH_HPA / PAGE_SIZE;
}

_Bool kshim_peek_memory(kshim_u64 hpa, kshim_u64 *value)
{
	uint8_t *page = state_of(hpa);

	if (!page || *page != PAGE_LIVE || (hpa & 7))
		return false;
	*value = *(uint64_t *)(hpa + offset);
	return true;
}

_Bool kshim_load(kshim_u64 hpa, kshim_u64 *value)
{
	if (is_watched(hpa + offset, 8))
		inputs_touch(hpa + offset, 8);
	return kshim_peek_memory(hpa, value);
}

static bool any_of_eight(const uint64_t *entries)
{
	uint64_t any = 0, watched;

	for (int i = 0; i < 8; i++)
		any |= entries[i];
	memcpy(&watched, &watch_filter[(uint64_t)entries / 8 % WATCH_SLOTS], sizeof(watched));
	return any | watched;
}

/* The first entry of 8 bytes from a number on that is not 0, 512 when there is none. */
unsigned kshim_next_entry(kshim_u64 hpa, unsigned from)
{
	const uint64_t *entries = (const uint64_t *)(hpa + offset);
	uint8_t *page = state_of(hpa);

	if (!page || *page != PAGE_LIVE || (hpa & (PAGE_SIZE - 1)))
		return 512;
	/* An entry that depends on an input is looked at. */
	for (; from < 512 && from % 8; from++)
		if (entries[from] || is_watched((uint64_t)&entries[from], 8))
			return from;
	while (from < 512 && !any_of_eight(&entries[from]))
		from += 8;
	for (; from < 512; from++)
		if (entries[from] || is_watched((uint64_t)&entries[from], 8))
			break;
	return from;
}

void kshim_poke(kshim_u64 hpa, kshim_u64 value, unsigned mask)
{
	uint8_t *page = state_of(hpa);

	if (!page || *page != PAGE_LIVE || (hpa & 7))
		__builtin_trap();
	*(uint64_t *)(hpa + offset) = value;
	inputs_watch(hpa + offset, 8, mask);
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
	/* NULL and small numbers: nothing lies there. */
	if (address < PAGE_SIZE)
		return address;
	if (window_of(address - offset) >= 0)
		return address - offset;
	for (uint32_t i = 0; i < object_count; i++)
		if (address - objects[i].address < objects[i].size)
			return 0x0b00000000000000ULL | (uint64_t)i << 32 |
			       (address - objects[i].address);
	if (address - memory_stack_low < memory_stack_size || thread_place(address) == THREAD_STACK)
		return KSHIM_SYMBOL_STACK;
	if (memory_is_code(address))
		return KSHIM_SYMBOL_CODE;
	if (address - vmemmap < FRAMES * page_struct_size)
		return 0x0e00000000000000ULL | (address - vmemmap);
	return address;
}

/* Whether a word depends on where something lies: the module, the stack, or physical memory up to its end. */
bool memory_is_address(uint64_t word)
{
	return word - vmemmap <= offset - vmemmap + END_HPA || memory_symbol(word) != word;
}

/* A name for where the subject goes wrong: what it computes from a wrong frame is so far off. */
uint64_t memory_wild_symbol(uint64_t address)
{
	uint64_t name = memory_symbol(address);

	if (name == address && address && address - vmemmap < 0x1000000000000000ULL)
		return 0x1000000000000000ULL | (address - vmemmap);
	return name;
}

kshim_u64 kshim_symbol(kshim_u64 address)
{
	return memory_symbol(address);
}

bool memory_is_page_struct(uint64_t address, uint64_t size)
{
	uint64_t hpa;

	if (!page_struct_size || address < vmemmap)
		return false;
	hpa = (address - vmemmap) / page_struct_size * PAGE_SIZE;
	return window_of(hpa) >= 0 && size <= page_struct_size;
}

bool memory_meets(uint64_t address, uint64_t size, enum kshim_at *at)
{
	const uint64_t hpa = address - offset;
	const int w = window_of(hpa);
	uint64_t frame, last;

	if (w < 0)
		return false;
	frame = (hpa - window_hpa[w]) / PAGE_SIZE;
	last = (hpa + size - 1 - window_hpa[w]) / PAGE_SIZE;
	if (state[w][frame] != PAGE_LIVE)
		*at = memory_at(address);
	else if (hpa < allocations[w][frame].start || last >= WINDOW_PAGES ||
		 state[w][last] != PAGE_LIVE)
		*at = KSHIM_AT_GUARD;
	else
		*at = KSHIM_AT_LIVE;
	return true;
}

void memory_reset(void)
{
	later_count = 0;
	access_undo(0);
	objects_reset();
	memory_find_plain();
	memory_first_step_store = 0;
	free_count = 0;
	for (int w = 0; w < 2; w++) {
		memset(state[w], PAGE_UNUSED, next[w]);
		next[w] = 0;
	}
	kshim_boot_page(0, false);	/* the zero page */
}

void memory_save(struct memory_state *now)
{
	now->store_count = memory_store_count;
	now->free_count = free_count;
	now->later_count = later_count;
	now->objects = objects_save();
	memcpy(now->later, later, later_count * sizeof(later[0]));
	for (int w = 0; w < 2; w++)
		now->next[w] = next[w];
}

void memory_restore(const struct memory_state *then)
{
	access_undo(then->store_count);
	objects_restore(then->objects);
	later_count = then->later_count;
	memcpy(later, then->later, later_count * sizeof(later[0]));
	while (free_count > then->free_count) {
		free_count--;
		state[frees[free_count].window][frees[free_count].frame] = PAGE_LIVE;
	}
	for (int w = 0; w < 2; w++) {
		memset(state[w] + then->next[w], PAGE_UNUSED, next[w] - then->next[w]);
		next[w] = then->next[w];
	}
}

bool memory_is_object(uint64_t address, uint32_t *number)
{
	for (uint32_t i = 0; i < object_count; i++)
		if (address - objects[i].address < objects[i].size) {
			*number = i;
			return true;
		}
	return false;
}

static bool block_at_hpa(uint64_t hpa, bool is_frame, struct memory_block *block)
{
	const int w = window_of(hpa);
	const struct allocation *found;
	uint64_t frame;

	if (w < 0)
		return false;
	frame = (hpa - window_hpa[w]) / PAGE_SIZE;
	if (state[w][frame] == PAGE_UNUSED)
		return false;
	found = &allocations[w][frame];
	if (!is_frame && hpa - found->start >= found->size)
		return false;
	block->number = w * WINDOW_PAGES + (found->start - window_hpa[w]) / PAGE_SIZE;
	block->is_live = state[w][frame] == PAGE_LIVE;
	block->is_freed = !block->is_live;
	return true;
}

bool memory_block_at(uint64_t address, struct memory_block *block)
{
	if (page_struct_size && address - vmemmap < FRAMES * page_struct_size)
		return block_at_hpa((address - vmemmap) / page_struct_size * PAGE_SIZE, true, block);
	return block_at_hpa(address - offset, false, block);
}

bool memory_block_of(uint64_t value, struct memory_block *block)
{
	return memory_block_at(value, block) ||
	       block_at_hpa(value & ((1ULL << 51) - 1), false, block);
}
