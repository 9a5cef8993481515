/* SPDX-License-Identifier: GPL-2.0-only */
/* One world: what the parts of the runtime share. Internal to shims/. */
#ifndef KSHIM_WORLD_H
#define KSHIM_WORLD_H

#include <kshim.h>
#include <kshim_runtime.h>

#define PAGE_SIZE 4096ULL
/* Behind each allocation a page frame is left unused: the guard. */
#define WINDOW_PAGES 128
#define HIGH_HPA 0x140000000ULL		/* 5 GiB: truncation to 32 bits shows */
#define LOW_HPA 0x7ff00000ULL		/* below 4 GiB, for __GFP_DMA32 */
#define MAX_EVENTS 1024
#define MAX_DECISIONS 256
#define MAX_STORES 16384
#define MAX_HELD 16
#define MAX_OBJECTS 16
#define BLOCK_LIMIT 200000		/* basic blocks in one scenario before it counts as a hang */

enum page_state { PAGE_UNUSED, PAGE_LIVE, PAGE_FREED };

/* memory.c */
void memory_open(void);
void memory_reset(void);
enum kshim_at memory_at(uint64_t address);
void memory_log_stores_from_here(void);
uint64_t memory_symbol(uint64_t address);
uint64_t memory_digest(uint64_t seed);
void memory_stack(uint64_t low, uint64_t high);
void memory_check(uint64_t address, uint64_t size, bool write, uint64_t pc);
extern struct kshim_store memory_stores[MAX_STORES];
extern uint32_t memory_store_count, memory_first_step_store;

bool memory_is_code(uint64_t address);

/* fault.c */
void fault_expect(void);		/* faults of this thread's next step are the subject's */

/* trace.c */
extern struct kshim_event trace_events[MAX_EVENTS];
extern struct kshim_decision trace_decisions[MAX_DECISIONS];
extern uint32_t trace_event_count, trace_decision_count;
void trace_reset(const uint8_t *choices, uint32_t count);
struct kshim_event *trace_record(enum kshim_event_kind kind, uint64_t pc);
uint64_t trace_digest(uint64_t seed);
uint32_t trace_locks_held(void);

/* step.c */
extern uint16_t step_number;
extern const struct kshim_harness *step_harness;
extern bool step_inside;			/* whether the kernel's code runs */
void step_fault(enum kshim_fault fault, uint64_t pc) __attribute__((noreturn));
void step_end(void) __attribute__((noreturn));	/* leaves the kernel's code for good */

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 29);
}

#endif
