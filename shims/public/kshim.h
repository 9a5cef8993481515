/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kshim.h - the door between Swift and one compiled subject.
 *
 * A subject is a struct kshim_table: functions that set up one fresh world, call the kernel's
 * functions in it, and leave behind what happened. The same table comes out of a shared object
 * (kshim check) and out of the kernel-extract targets (swift test).
 *
 * Units: an hpa is a host physical address in bytes; a page is 4096 bytes; a slot is a named
 * piece of kernel state (a field, or an input of the harness), an array of uint64_t.
 *
 * Ownership: everything a table points to is owned by the subject and valid until its shared
 * object is closed; what kshim_world points to is overwritten by the next reset().
 * A table is used by one thread at a time; each shared object has a world of its own.
 */
#ifndef KSHIM_H
#define KSHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised when a field below changes its meaning; a loader refuses another number. */
#define KSHIM_ABI 14

#define KSHIM_BLOCK_RING 256
#define KSHIM_MAX_INPUTS 32
#define KSHIM_MOST_ASKED 256	/* decisions of a run, where objects are made from types */
/* The one name of all addresses on the stack, and of all in the subject's text and data. */
#define KSHIM_SYMBOL_STACK 0x0c00000000000000ULL
#define KSHIM_SYMBOL_CODE 0x0d00000000000000ULL
#define KSHIM_MAX_ARGS 8		/* of a target, those that are no objects */

/* What an event says happened. */
enum kshim_event_kind {
	KSHIM_EVENT_STEP = 1,	/* the harness calls a target: call = entry */
	KSHIM_EVENT_RETURN,	/* the target returned: value = result, arg[0] = KSHIM_LEFT_*, arg[1] =
				 * where a number was taken that nothing names, or 0 */
	KSHIM_EVENT_CALL,	/* a boundary callee: call, arg[], value = its answer */
	KSHIM_EVENT_ALLOC,	/* value = hpa or 0 when refused, arg[0] = KSHIM_ALLOC_*,
				 * arg[1] = size in bytes */
	KSHIM_EVENT_FREE,	/* arg[0] = hpa, or the raw value if it is no page */
	KSHIM_EVENT_WARN,	/* WARN*: arg[0] = line as the kernel's text says it */
	KSHIM_EVENT_BUG,	/* BUG(), or the callee that ends everything: ends the step */
	KSHIM_EVENT_LOCK,	/* arg[0] = lock, arg[1] = KSHIM_LOCK_* */
	KSHIM_EVENT_UNLOCK,	/* same; arg[2] = 1 when it is not held, 2 when interrupts go on
				 * below a lock that was taken with them off, 3 with another's index */
	KSHIM_EVENT_ASSERT,	/* lockdep_assert_*() that failed: arg as LOCK */
	KSHIM_EVENT_SLEEP,	/* something that may sleep was called where nothing may:
				 * arg[0], arg[1] as LOCK */
	KSHIM_EVENT_ACCESS,	/* an access outside live memory: ends the step; arg[0] = address,
				 * arg[1] = size, arg[2] = 1 for a write, arg[3] = KSHIM_AT_* */
	KSHIM_EVENT_ADDRESS,	/* __pa() of what is no page: arg[0] = the raw value */
	KSHIM_EVENT_FAULT,	/* the processor refused an instruction: ends the step;
				 * arg[0] = KSHIM_FAULT_* */
	KSHIM_EVENT_HANG,	/* a loop that does not end, seen for the first time: ends the step */
	KSHIM_EVENT_OVERFLOW,	/* the harness ran out of room: ends the step, never the patch's fault;
				 * arg[0] = KSHIM_LIMIT_* */
	KSHIM_EVENT_WAIT,	/* the other thread holds the lock: arg as LOCK */
	KSHIM_EVENT_DEADLOCK,	/* and never releases it: ends the step; arg as LOCK, arg[2] = 1 when
				 * the holder has returned */
};

/* What the harness ran out of. */
enum kshim_limit {
	KSHIM_LIMIT_EVENTS = 1,
	KSHIM_LIMIT_DECISIONS,
	KSHIM_LIMIT_STORES,
	KSHIM_LIMIT_PAGES,	/* and objects */
	KSHIM_LIMIT_LOCKS,	/* held at once */
	KSHIM_LIMIT_MODEL,	/* what the subject's glue keeps */
	KSHIM_LIMIT_LOOP,	/* it is in a loop that was seen not to end */
	KSHIM_LIMIT_WAIT,	/* it waits for somebody, and nobody else is here */
};

/* What a function leaves behind that it was not called with, or lets go on. */
enum kshim_left {
	KSHIM_LEFT_PAGEFAULTS = 1,	/* page faults are off, or no longer off */
	KSHIM_LEFT_MEMALLOC = 2,	/* memory is allocated otherwise than before: memalloc_nofs_save() */
	KSHIM_LEFT_STACK = 4,		/* work or a timer on its stack may still run */
};

/* Who allocates, and so who frees. */
enum kshim_memory {
	KSHIM_MEMORY_PAGES = 1,	/* of the page allocator: whole pages, freed with their order */
	KSHIM_MEMORY_OBJECT,	/* of kmalloc() and its kin: any size, aligned to 8 bytes */
	KSHIM_MEMORY_EITHER,	/* in use before the first step: who allocated it is not known */
	KSHIM_MEMORY_VMALLOC,
	KSHIM_MEMORY_KVMALLOC,	/* of kmalloc() or vmalloc(), which only its size tells */
	KSHIM_MEMORY_PERCPU,
	KSHIM_MEMORY_DEVICE,	/* devm_kmalloc() */
	KSHIM_MEMORY_DMA,
	KSHIM_MEMORY_OTHER,	/* has a function of its own */
	KSHIM_MEMORY_ANY,	/* an object; nobody has said whose */
};

enum kshim_alloc_flag {
	KSHIM_ALLOC_ZEROED = 1,
	KSHIM_ALLOC_ACCOUNTED = 2,
	KSHIM_ALLOC_DMA32 = 4,
	KSHIM_ALLOC_SLEEPS = 8,
	KSHIM_ALLOC_NOFAIL = 16,
};

enum kshim_lock_mode {
	KSHIM_LOCK_READ = 1,	/* shared and spinning */
	KSHIM_LOCK_WRITE = 2,	/* exclusive and spinning */
	KSHIM_LOCK_MUTEX = 3,	/* exclusive and sleeping */
	KSHIM_LOCK_SHARED = 4,	/* shared and sleeping */
	KSHIM_LOCK_CONTEXT = 5,	/* no lock: the number is one of enum kshim_context */
};

/* Sections that a thread is in; before SRCU those in which nothing may sleep. */
enum kshim_context {
	KSHIM_CONTEXT_IRQ,	/* interrupts are off */
	KSHIM_CONTEXT_BH,
	KSHIM_CONTEXT_PREEMPT,
	KSHIM_CONTEXT_RCU,
	KSHIM_CONTEXT_SRCU,
	KSHIM_CONTEXT_CPUS,	/* CPUs stay as they are: cpus_read_lock() */
	KSHIM_CONTEXT_MIGRATE,	/* it stays on its CPU */
	KSHIM_CONTEXTS,
};

enum kshim_fault {
	KSHIM_FAULT_ADDRESS = 1,	/* a jump or an access outside of memory */
	KSHIM_FAULT_INSTRUCTION,	/* an illegal instruction */
	KSHIM_FAULT_DIVISION,
	KSHIM_FAULT_STACK,		/* the stack is used up */
	KSHIM_FAULT_COUNT,		/* a reference is dropped where nothing has counted any */
	KSHIM_FAULT_CALL,		/* a system call, where none is let through */
	KSHIM_FAULT_NULL,		/* a jump to NULL */
};

/* What is at an address, or what became of a freed one. */
enum kshim_at {
	KSHIM_AT_LIVE = 0,	/* a page in use */
	KSHIM_AT_NULL,		/* the first page of the address space */
	KSHIM_AT_POISON,	/* a value that only an uninitialised variable has */
	KSHIM_AT_FREED,		/* a page that was freed */
	KSHIM_AT_GUARD,		/* between pages: past the end of one */
	KSHIM_AT_WILD,		/* anything else */
	KSHIM_AT_READ_ONLY,	/* the subject's own text or constants, written to */
	KSHIM_AT_INDEX,		/* past the end of an array; arg[0] is the index */
	KSHIM_AT_BETWEEN,	/* beside a variable of the subject, in none */
	KSHIM_AT_SCOPE,		/* a variable of a block that was left */
	KSHIM_AT_FOREIGN,	/* FREE: another allocator's */
	KSHIM_AT_BUSY,		/* FREE: a timer is armed or work is queued in it */
};

/* The answer is out of the ordinary and no errno: it says no, and not why. */
#define KSHIM_CALL_REFUSED 0x100

struct kshim_event {
	uint16_t kind;		/* enum kshim_event_kind */
	uint16_t call;		/* number of the boundary callee or entry, else 0xffff */
	uint8_t step;		/* how many steps came before; those of a race have one number */
	uint8_t thread;		/* which thread, from 0 */
	uint16_t at;		/* FREE: enum kshim_at of what was freed; CALL: number of arg[], and
				 * KSHIM_CALL_REFUSED */
	uint32_t held_write;	/* locks held exclusively, bit = lock number */
	uint32_t held_read;	/* locks held shared */
	uint64_t pc;		/* return address into the subject, 0 if none */
	uint64_t value;
	uint64_t arg[4];
	uint32_t block;		/* how many blocks had been entered */
};

/* One answer at the boundary that could have gone otherwise. */
struct kshim_decision {
	uint16_t call;		/* the callee that asked */
	uint8_t choice;		/* 0 is the answer without failure */
	uint8_t arity;		/* how many answers there are */
	uint8_t step;
	uint32_t event;		/* index of the event that carries the answer */
};

/* An input of the starting state: the number of its value, and how many it has. 0 is the ordinary one. */
struct kshim_input {
	uint8_t value;
	uint8_t arity;
};

/* An input that somebody looked at: the code under test, the harness or whoever called ask(). */
struct kshim_asked {
	uint8_t input;
	uint8_t value;
	uint8_t arity;
	uint32_t before;	/* how many decisions came before */
};

/* A write to memory that outlives the call, for "who wrote this". */
struct kshim_store {
	uint64_t address;
	uint64_t before;	/* the 8 bytes at address, as they were */
	uint64_t pc;
	uint16_t size;
	uint8_t step;
	uint8_t thread;
	uint32_t within : 8;	/* where in these the write began */
	uint32_t block : 24;	/* how many blocks had been entered, modulo 2^24 */
};

/* A block that was entered or a comparison that was made, while the path is traced. */
struct kshim_passed {
	uint64_t pc;
	uint64_t digest;	/* of all that was passed, this one included */
};

struct kshim_world {
	const struct kshim_event *events;
	const struct kshim_decision *decisions;
	const struct kshim_store *stores;	/* those of the steps, not of the set-up */
	uint32_t event_count;
	uint32_t decision_count;
	uint32_t store_count;
	uint32_t locks_held;	/* how many locks are held */
	uint32_t ended;		/* 1 if a step was ended by an event that says so, or where it repeats */
	bool repeats;		/* whether it would show what an earlier order of the threads shows */
	const uint64_t *blocks;	/* return addresses of the last basic blocks, a ring of
				 * KSHIM_BLOCK_RING: the newest is at (block_count - 1) % KSHIM_BLOCK_RING */
	uint32_t block_count;	/* of all basic blocks since the reset */
	uint32_t checkpoint_count;	/* how many decisions resume() can go back to */
	const struct kshim_asked *asked;	/* in the order in which they were looked at */
	uint32_t asked_count;
	const struct kshim_asked *seen;	/* the same, without what only who judges has looked at */
	uint32_t seen_count;
	uint32_t before_loop;	/* how many decisions came before a loop that does not end */
	bool new_path;		/* where ways are watched: whether it passed a way through three blocks, or an outcome of the
				 * comparisons there, that no run of this process had passed */
	bool read_unset;	/* whether something was read that nothing had written */
	const struct kshim_passed *path;	/* while fill_unset() says so; else none */
	uint32_t path_count;
};

/* One of two calls that race: a target, and the arguments that are no objects. */
struct kshim_racer {
	uint32_t entry;
	uint64_t args[KSHIM_MAX_ARGS];
};

struct kshim_table {
	uint32_t abi;
	const char *subject;
	const char *text_sha256;	/* of the extracted functions */
	uint64_t module_start;		/* first byte of the module that the subject's code is in */

	uint32_t slot_count;
	const char *const *slots;
	const uint32_t *slot_sizes;	/* elements of each */
	uint32_t call_count;		/* boundary callees */
	const char *const *calls;
	uint32_t entry_count;		/* targets */
	const char *const *entries;
	const uint8_t *entry_is_void;	/* 1 for each that returns nothing */
	uint32_t lock_count;
	const char *const *locks;
	uint32_t thread_count;		/* 1, or 2 where two steps can race */
	const char *thread_name;	/* what the subject calls a thread, "" where there is one */

	/* Makes a fresh world. choices are replayed from the first decision on; further
	 * decisions answer 0. choices is copied; at most 4096 count. */
	void (*reset)(const uint8_t *choices, uint32_t count);
	/* The inputs of the starting states from the next reset on, at most KSHIM_MAX_INPUTS; copied. */
	void (*inputs)(const struct kshim_input *inputs, uint32_t count);
	/* Looks at an input. Returns the number of its value. */
	unsigned (*ask)(uint32_t input);
	/* Says whether who looks from here on only judges: see kshim_world.seen. */
	void (*judging)(bool judging);
	/* What never-written variables and memory hold from the next reset on, and whether path and
	 * comparisons count in digest(): two runs with two fills part where one of these is looked at. */
	void (*fill_unset)(uint8_t byte, bool trace_path);
	/* Remembers this world: back() returns to it. */
	void (*mark)(void);
	void (*back)(const uint8_t *choices, uint32_t count);
	/* A page in use before the first step, filled with the byte. Returns its hpa. */
	uint64_t (*boot_page)(uint8_t fill, bool below_4g);
	/* Slot values; inputs (in_*) are set before other slots. For a pointer slot the hpa, 0 for NULL; of a pointer that is no page
	 * get() returns a name, the same in every build, and the raw value where it has none. An index past count is a programmer's error and aborts. */
	void (*set)(uint32_t slot, uint32_t index, uint64_t value);
	/* The same; the slot is watched: who looks at it asks for the inputs of the mask. */
	void (*set_input)(uint32_t slot, uint32_t index, uint64_t value, uint32_t mask);
	/* Looks at a slot: what it depends on is asked. */
	uint64_t (*get)(uint32_t slot, uint32_t index);
	/* The same without asking: for what must not count as a look. */
	uint64_t (*peek)(uint32_t slot, uint32_t index);
	uint64_t (*address)(uint32_t slot, uint32_t index);	/* for kshim_store.address; 0: bit-field */
	/* Simulated physical memory, 8 bytes at an aligned hpa. load() returns false when there
	 * is no page in use. poke() is for the set-up: it is watched as by set_input(). */
	bool (*load)(uint64_t hpa, uint64_t *value);
	void (*poke)(uint64_t hpa, uint64_t value, uint32_t mask);
	bool (*peek_memory)(uint64_t hpa, uint64_t *value);	/* load() without asking */
	/* The first of the 512 entries of the page at hpa, from a number on, that is not 0; 512
	 * when there is none or no page in use. */
	uint32_t (*next_entry)(uint64_t hpa, uint32_t from);
	/* A helper of the glue for the set-up, by number; see the manifest's prepares. */
	uint32_t prepare_count;
	const char *const *prepares;
	uint64_t (*prepare)(uint32_t helper, const uint64_t *args, bool asks);
	/* The address by which the kernel's code writes to hpa. */
	uint64_t (*virtual_address)(uint64_t hpa);
	/* Calls a target; further arguments come from args (KSHIM_MAX_ARGS). A pointer that it
	 * returns is an address in *result, and a name in the event. False when an event ended it. */
	bool (*call)(uint32_t entry, const uint64_t *args, uint64_t *result);
	/* Whose objects set(), get(), address(), prepare() and call() are about; reset() says 0. */
	void (*select)(uint32_t thread);
	/* Goes back to where a decision was asked for and takes another answer, up to the end of that
	 * step; both threads' results, as race() or, the first alone, call(). Only for decisions below
	 * kshim_world.checkpoint_count. */
	bool (*resume)(uint32_t decision, const uint8_t *choices, uint32_t count,
		       uint64_t *results);
	/* Calls two targets at once, thread 0 first. At a scheduling point (before a boundary callee,
	 * a lock or a marked access, after an unlock) the other thread may go on: a decision of the
	 * callee "switch", asked as long as fewer than `switches` were taken. A thread that waits
	 * for a lock, or returns, hands over without being asked. Where orders are joined, one that
	 * differs from an earlier one only in what touches nothing in common is not made: the
	 * decision has one answer there, or the run ends and repeats. As soon as `failures` answers
	 * were failures, callees answer without one and nothing is asked. False when an event
	 * ended it. */
	bool (*race)(const struct kshim_racer *calls, uint64_t *results, uint32_t switches,
		     uint32_t failures, bool joining);
	/* The next scenario that does not end is a hang again, not a limit. */
	void (*forget_loops)(void);
	/* Whether runs tell that they passed a new way: see new_path. */
	void (*watch_ways)(bool is_watching);
	/* A return address whose line is that of another one: of a block's, behind what counts it. */
	uint64_t (*place)(uint64_t pc);
	/* A signal of the processor's, what it is about, and the registers RIP and RSP. Returns where it
	 * is not the subject's; else it ends the step. */
	void (*fault)(int number, uint64_t address, uint64_t instruction, uint64_t stack);
	/* What happened since reset(). Valid until the next reset(). */
	const struct kshim_world *(*world)(void);
	/* A digest of every event without its pc, and of what was written: two fills of what was never
	 * written must agree on it. */
	uint64_t (*digest)(void);
	/* What the manifest says of drivers and inputs, a line each; see Exploration/Plan.swift. */
	const char *plan;
	/* Gives a slot of the plan the value of that number: watched as by set_input(). Of an argument it
	 * returns the value. */
	uint64_t (*choose)(uint32_t input, uint32_t value, uint32_t mask);
	/* Whether the subject's own data names an allocation, by way of others that it names;
	 * with_objects: or what the harness gives to targets. */
	bool (*keeps)(uint64_t hpa, bool with_objects);
	/* Allocations of this scenario that are in use and that nothing names any more: the numbers of
	 * their events, at most room; returns how many. held are values that the caller has; where the
	 * objects are given back, what they name is not named. */
	uint32_t (*lost)(const uint64_t *held, uint32_t count, bool is_released, uint32_t *events,
			 uint32_t room);
	/* Where the subject's own data names freed memory, for kshim_store.address; 0: nowhere. */
	uint64_t (*dangling)(void);
	/* Where a count that somebody lowers again was raised and still is; 0 when nowhere. */
	uint64_t (*raised)(void);
	/* Where what a target was handed was put into a list that others walk, and still is; 0 when
	 * nowhere. */
	uint64_t (*listed)(void);
	/* Writes how often each branch was taken, for llvm-profdata. NULL in a build that does not
	 * count; false when the file cannot be written. */
	bool (*write_profile)(const char *path);
	/* Begins to count anew. NULL in a build that does not count. */
	void (*forget_counts)(void);
	/* Puts a mutant in the place of the function that it is of, from the next call on; 0 is the
	 * original everywhere. NULL in a build without mutants. */
	void (*choose_mutant)(uint32_t number);
	/* Whether what a mark stands for came about since it was last asked: a function with mutants was
	 * called, or a mutant would have done something else. NULL in a build without mutants. */
	uint64_t (*marked)(uint32_t number);
};

/*
 * Says whose step this thread makes from here on, NULL for nobody's: the processor's faults go there.
 * One handler serves the whole process, and outlives every shared object.
 */
void kshim_run_in(const struct kshim_table *table);

/* From now on code that runs in a world makes no system call of its own: that is a fault. */
void kshim_confine(void);

/* The name of the symbol that returns a shared object's table. */
#define KSHIM_TABLE_SYMBOL "kshim_table"

#endif
