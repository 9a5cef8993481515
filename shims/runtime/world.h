/* SPDX-License-Identifier: GPL-2.0-only */
/* One world: what the parts of the runtime share. Internal to shims/. */
#ifndef KSHIM_WORLD_H
#define KSHIM_WORLD_H

#include <kshim.h>
#include <kshim_runtime.h>

#include "instruments.h"

#define PAGE_SIZE 4096ULL
/* Behind each allocation a page frame is left unused: the guard. */
#define WINDOW_PAGES 4096
#define MAX_PAGE_STRUCT 256ULL
#define HIGH_HPA 0x140000000ULL		/* 5 GiB: truncation to 32 bits shows */
#define LOW_HPA 0x7ff00000ULL		/* below 4 GiB, for __GFP_DMA32 */
#define MAX_EVENTS 65536
#define MAX_DECISIONS 4096
#define MAX_STORES (1 << 20)
#define MAX_HELD 16
#define MAX_OBJECTS 16
/* Basic blocks in one scenario before it counts as a hang: far more than any that ends. */
#define BLOCK_LIMIT 1000000

#define THREADS 2
#define KSHIM_NO_CALL 0xffff

enum page_state { PAGE_UNUSED, PAGE_LIVE, PAGE_FREED };

struct held_lock {
	const volatile void *lock;
	int mode;
	uint32_t number;
	uint32_t index;		/* of a section of SRCU */
};

/* One thread of the subject. */
struct thread {
	/* thread.c */
	uint64_t stack;			/* its stack pointer while it does not run */
	uint64_t args[KSHIM_MAX_ARGS], result;
	uint32_t entry;
	bool is_active;			/* started and not at its end */
	const volatile void *waits_for;	/* a lock, or NULL */
	int waits_how;
	uint32_t first_block;		/* how many blocks there were when it went on */
	uint64_t last_block;		/* its last one before that */
	/* trace.c */
	uint16_t call;			/* the callee that it is in */
	uint32_t event;			/* the event of that call */
	bool has_released;		/* a lock, in that call */
	int64_t told;			/* what its answer means, or 0 */
	/* locks.c */
	uint32_t irq_nested;		/* how often interrupts were switched off that were off */
	uint32_t held_count, held_write, held_read, held_spinning;
	struct held_lock held[MAX_HELD];	/* last: of what is kept only those in use */
};

enum thread_place { THREAD_ELSEWHERE, THREAD_STACK, THREAD_GUARD };

#define MAX_LATER 16
struct freed_later {
	uint64_t object, pc;
	uint32_t thread;
};

/* What a checkpoint or a mark keeps of each part. */
struct memory_state {
	uint32_t store_count, free_count, later_count;
	struct freed_later later[MAX_LATER];
	uint32_t next[2];
	uint32_t objects;
};

struct inputs_state {
	uint32_t watched_count, asked_count, asked_mask, seen_count, seen_mask;
};

#define MAX_STRETCHES 64
struct stretch {
	uint64_t start, end;
};

struct unset_state {
	uint32_t count;
	bool was_read;
	uint64_t low, high, path;
	uint32_t passed_count;
	struct stretch stretches[MAX_STRETCHES];
};

struct trace_state {
	uint32_t event_count, decision_count;
};

struct thread_state {
	struct thread threads[THREADS];
	uint32_t switches_left, failures_left;
	bool is_racing, is_joining;
};
struct meeting_state {
	bool is_after;		/* whether the other handed over, and could have done so before what it did last */
	bool has_met;		/* whether what was done since then meets that */
	bool could_earlier;	/* whether there was a point to hand over before what was done last */
	bool is_before_full, is_now_full;
	uint32_t before, now;
};

struct step_state {
	uint8_t number;
	uint32_t block_count;
	uint64_t way, way_outcomes;
};

/* checkpoint.c */
extern uint32_t checkpoint_count;	/* decisions before this one can be taken otherwise */
void checkpoint_reset(void);
void checkpoint_take(void);
void checkpoint_pass(void);	/* for a decision that has no other answer */
/* Runs to the end of the step. */
bool checkpoint_restore(uint32_t decision, const uint8_t *choices, uint32_t count);

/* counters.c */
void counters_open(void);
bool counters_hold(uint64_t address);
uint64_t counters_size(void);	/* of all, in bytes; 0 where nothing is counted */
void counters_begin(void);	/* a run */
void counters_save(uint64_t *counted);
void counters_restore(const uint64_t *counted);

/* thread.c */
#define STACK_SIZE (64 * 1024)
uint64_t thread_top(const struct thread *thread);
void thread_save(struct thread_state *state);
void thread_restore(const struct thread_state *state, uint32_t running);
void thread_continue(uint32_t number);	/* from where its stack pointer says */
extern struct thread threads[THREADS];
extern struct thread *thread_now;
extern bool thread_racing;		/* whether two threads run */
extern bool thread_is_joining;	/* and of what each of them touches it is taken down */
extern uint64_t thread_lowest;		/* where the subject's part of the stack ends */
void thread_open(void);
void thread_reset(void);
void thread_select(uint32_t number);	/* whose objects and steps it is about */
void thread_step(uint32_t entry, const uint64_t *args);
/* is_joining: of orders that differ only in what does not meet, one is enough. */
void thread_race(const struct kshim_racer *calls, uint32_t switches, uint32_t failures,
		 bool is_joining);
unsigned thread_decide(uint16_t call, unsigned arity, uint32_t event);	/* in a race */
void thread_leave(void) __attribute__((noreturn));	/* back to the caller, for good */
void thread_point(void);		/* here the other thread may go on */
void thread_wait(const volatile void *lock, int mode, uint64_t pc);
enum thread_place thread_place(uint64_t address);
void thread_guard(uint64_t address, uint64_t size, uint8_t guard);
/* A copy of the guards above an address of a thread's stack, and how many there are. */
uint64_t thread_save_guards(const struct thread *thread, uint64_t from, uint8_t *to);
void thread_restore_guards(struct thread *thread, uint64_t from, const uint8_t *saved);
uint64_t thread_last_block(void);

/* meeting.c */
extern bool meeting_watching;
void meeting_touch(uint64_t address, uint64_t size, bool write);
void meeting_free(uint64_t page);
void meeting_all(void);		/* what is done here may meet anything */
bool meeting_is_idle(void);	/* whether nothing that was done since the other handed over meets it */
void meeting_begin(void);	/* a race */
void meeting_go_on(void);	/* at a point at which the other could have gone on */
void meeting_hand_over(bool by_choice);
uint64_t meeting_size(void);
void meeting_save(uint64_t *to);
void meeting_restore(const uint64_t *from);

/* access.c */
void access_open(void);
void access_undo(uint32_t count);	/* takes writes back, down to so many */

/* memory.c */
void memory_open(void);
/* The linker's names for the first and the last byte of this module. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
void memory_free_later(void);	/* at a step's end */
/* What an access to simulated memory meets; false where the address is none of it. */
bool memory_meets(uint64_t address, uint64_t size, enum kshim_at *at);
bool memory_is_page_struct(uint64_t address, uint64_t size);	/* one that belongs to a frame */
/* As memory_symbol(), also for what is computed from a wrong frame. */
uint64_t memory_wild_symbol(uint64_t address);
void memory_reset(void);
enum kshim_at memory_at(uint64_t address);
void memory_log_stores_from_here(void);
uint64_t memory_symbol(uint64_t address);
bool memory_is_address(uint64_t word);
uint64_t memory_digest(uint64_t seed);
void memory_stack(uint64_t low, uint64_t high, const uint8_t *guards);
void memory_check_closely(uint64_t address, uint64_t size, bool write, uint64_t pc);
/* The stack that is in use. */
extern uint64_t memory_stack_low, memory_stack_size;
extern const uint8_t *memory_stack_guards;	/* of each granule of it */
/* What of this module is the subject's, and is read without more ado where no guard stands and nothing is
 * watched; none while each member of it is made from its type. */
extern struct memory_plain {
	uint64_t low, size;
	const uint8_t *guards;		/* of each granule */
} memory_plain;
void memory_find_plain(void);
/* What the subject may write of this module. */
extern struct memory_section {
	uint64_t low, high;
} memory_sections[2];
extern struct kshim_store *memory_stores;
extern uint32_t memory_store_count, memory_first_step_store;

/* Whether a step, or what it called, wrote there. */
bool memory_was_stored(uint64_t address);

bool memory_is_code(uint64_t address);
bool memory_is_data(uint64_t address);		/* the subject's own, and what the harness gives it */
bool memory_names_number(uint64_t number, uint64_t low, uint64_t high);	/* anywhere but there */
bool memory_is_object(uint64_t address, uint32_t *number);	/* what the harness gives it */

/* One allocation, or what is left of it. */
#define MEMORY_FRAMES (2 * WINDOW_PAGES)
struct memory_block {
	uint32_t number;		/* of its first frame, below MEMORY_FRAMES */
	bool is_live, is_freed;
};
/* The one that an address lies in, of its memory or of the struct page of it. */
bool memory_block_at(uint64_t address, struct memory_block *block);
/* The same, or the one that an hpa with any flags around it lies in. */
bool memory_block_of(uint64_t value, struct memory_block *block);

/* Memory for an object of a type, and what an address of such memory belongs to: first is the number of
 * the object's first byte among all. */
uint64_t memory_take_typed(uint64_t size, uint32_t type);
/* Pages for what stands for them, its address; 0 where the subject knows of no struct page. */
uint64_t memory_take_page(uint64_t size, uint32_t type);
/* What the subject allocated and did not free that holds an address. */
bool memory_allocated_at(uint64_t address, uint64_t *start, uint64_t *size);
uint64_t memory_typed(uint64_t symbol);	/* such memory by the name of its address; 0 where it is none */
void memory_own(uint64_t address);	/* kshim_give_back() frees it */
bool memory_typed_at(uint64_t address, uint64_t *start, uint64_t *size, uint64_t *first,
		     uint32_t *type);

/* objects.c */
extern bool objects_in_data;	/* whether the subject's data is made from types */
void objects_access(uint64_t address, uint64_t size, bool write, uint64_t pc);
bool objects_may_dangle(uint64_t address);	/* whether somebody frees what is named there */
uint32_t objects_save(void);
uint32_t objects_handed(const uint64_t **addresses);	/* what callees may keep beside what is recorded */
void objects_restore(uint32_t count);
void objects_reset(void);

/* reach.c */
uint32_t kshim_lost(const uint64_t *held, uint32_t held_count, bool is_released, uint32_t *events,
		    uint32_t room);
uint64_t kshim_dangling(void);
uint64_t kshim_raised(void);
uint64_t kshim_listed(void);
bool objects_is_argument(uint64_t address);
bool objects_is_count(uint64_t address);

void memory_save(struct memory_state *state);
void memory_restore(const struct memory_state *state);

/* inputs.c */
#define WATCH_SLOTS 8192
/* Not 0 where a granule with this hash is watched. */
extern uint8_t watch_filter[WATCH_SLOTS];
extern struct kshim_asked inputs_asked[KSHIM_MAX_INPUTS];
extern uint32_t inputs_asked_count;
extern struct kshim_asked inputs_seen[KSHIM_MAX_INPUTS];
extern uint32_t inputs_seen_count;
void inputs_reset(void);
void inputs_save(struct inputs_state *state);
void inputs_restore(const struct inputs_state *state);
void inputs_watch(uint64_t address, uint64_t size, uint32_t mask);
void inputs_touch(uint64_t address, uint64_t size);

static inline bool is_watched(uint64_t address, uint64_t size)
{
	if (watch_filter[address / 8 % WATCH_SLOTS])
		return true;
	if ((address & 7) + size <= 8)
		return false;
	for (uint64_t next = (address & ~7ULL) + 8; next < address + size; next += 8)
		if (watch_filter[next / 8 % WATCH_SLOTS])
			return true;
	return false;
}

/* unset.c */
extern uint32_t unset_count;	/* stretches that nothing has written yet */
extern uint64_t unset_low, unset_high;	/* where they are */
extern bool unset_was_read;
extern uint8_t unset_fill;
extern bool unset_trace_path;
extern uint64_t unset_path;	/* a digest of blocks and comparisons, where it is asked for */
extern struct kshim_passed *unset_passed;
extern uint32_t unset_passed_count;
void unset_pass(uint64_t pc, uint64_t left, uint64_t right);
void unset_reset(void);
void unset_save(struct unset_state *state);
void unset_restore(const struct unset_state *state);
void unset_add(uint64_t address, uint64_t size, uint8_t byte);
void unset_move(uint64_t to, uint64_t from, uint64_t size);
void unset_access(uint64_t address, uint64_t size, bool write);
bool unset_holds(uint64_t address, uint64_t size);	/* whether any of it is unset */
void unset_clear(uint64_t address, uint64_t size);	/* what is unset is zero from here on */

static inline bool is_unset(uint64_t address, uint64_t size)
{
	return address < unset_high && address + size > unset_low;
}

static inline bool memory_in_section(const struct memory_section *section, uint64_t address,
				     uint64_t size)
{
	return address >= section->low && address + size <= section->high;
}

/* Every access of the subject comes by here. What is met most comes first. */
static inline __attribute__((always_inline)) void memory_check(uint64_t address, uint64_t size,
							       bool write, uint64_t pc)
{
	const bool is_one = (address & 7) + size <= 8;	/* granule */

	if (is_one && !write && address - memory_plain.low < memory_plain.size &&
	    !memory_plain.guards[(address - memory_plain.low) / 8] && !is_watched(address, size))
		return;
	if (is_one && address - memory_stack_low < memory_stack_size &&
	    !memory_stack_guards[(address - memory_stack_low) / 8] && !is_unset(address, size))
		return;
	memory_check_closely(address, size, write, pc);
}

/* trace.c */
extern struct kshim_event trace_events[MAX_EVENTS];
extern struct kshim_decision trace_decisions[MAX_DECISIONS];
extern uint32_t trace_event_count, trace_decision_count;
void trace_reset(const uint8_t *choices, uint32_t count);
void trace_save(struct trace_state *state);
void trace_restore(const struct trace_state *state, const uint8_t *choices, uint32_t count);
struct kshim_event *trace_record(enum kshim_event_kind kind, uint64_t pc);
void trace_limit(enum kshim_limit limit, uint64_t pc);
uint64_t trace_digest(uint64_t seed);
unsigned trace_decide(uint16_t call, unsigned arity, uint32_t event);

/* locks.c */
uint32_t trace_locks_held(void);
bool trace_holds(const struct thread *thread, const volatile void *lock, int mode);
struct kshim_event *trace_lock(enum kshim_event_kind kind, const volatile void *lock, int mode,
			       uint64_t pc);

/* step.c */
extern uint8_t step_number;
extern uint32_t step_block_count;
void step_save(struct step_state *state);
void step_restore(const struct step_state *state);
void step_recent_blocks(uint64_t *recent, uint32_t count, bool restore);
uint64_t step_last_block(void);
uint64_t step_run(uint32_t entry, const uint64_t *args);	/* on the thread's own stack */
extern const struct kshim_harness *step_harness;
extern bool step_inside;			/* whether the kernel's code runs */
void step_fault(enum kshim_fault fault, uint64_t pc) __attribute__((noreturn));
void step_end(void) __attribute__((noreturn));	/* leaves the kernel's code for good */
void step_repeat(void) __attribute__((noreturn));	/* the same: another run shows what this one would */
void step_stop(void);		/* the same; between steps it returns, and no step follows */

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 29);
}

#endif
