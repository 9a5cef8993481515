// SPDX-License-Identifier: GPL-2.0-only
/* A fresh world, and calls of targets in it: one alone, or two that race. */
#include <string.h>

#include "instruments.h"
#include "world.h"

/* What the harness's own set-up may use of its caller's stack. */
#define STACK_ROOM (256 * 1024)

const struct kshim_harness *step_harness;
uint8_t step_number;
uint32_t step_block_count;

/* Ways through three blocks, by hash, that some run has passed: where two meet the third tells which
 * of them it depends on. Each block shifts the third last one out of the hash. */
#define WAYS (1 << 18)
#define WAY_SHIFT 6
static uint64_t ways[WAYS / 64];	/* a bit each: they stay in the processor's first cache */
static uint64_t way, way_outcomes;
static bool watches_ways;
static bool is_new_path;

/* Blocks of the loops that were seen not to end. */
static uint64_t looping[1024];
static bool knows_loops;
static uint32_t in_loop;	/* how many of the last blocks are of one */
static uint32_t before_loop;	/* how many decisions came before them */

bool step_inside;
/* So many blocks are only taken down: none outside of the kernel's code, mostly all inside. */
static uint32_t plain_blocks;
static bool ended, repeats;
static uint64_t blocks[KSHIM_BLOCK_RING];
static struct kshim_world world;

/* Set-up and look-ups run on the caller's stack. */
static void use_callers_stack(uint64_t frame)
{
	/* Nobody says where the variables of it are. */
	static const uint8_t none[2 * STACK_ROOM / GUARD_GRANULE + 1];

	memory_stack(frame - STACK_ROOM, frame + STACK_ROOM, none);
}

static void begin_afresh(const unsigned char *choices, unsigned count, uint64_t frame)
{
	trace_reset(choices, count);
	thread_reset();
	checkpoint_reset();
	counters_begin();
	step_number = 0;
	step_block_count = 0;
	ended = repeats = false;
	is_new_path = false;
	in_loop = 0;
	use_callers_stack(frame);
}

void kshim_reset(const unsigned char *choices, unsigned count)
{
	memory_reset();
	inputs_reset();
	unset_reset();
	begin_afresh(choices, count, (uint64_t)__builtin_frame_address(0));
	step_harness->prepare();
}

/* The world that kshim_back() returns to. */
static struct {
	struct memory_state memory;
	struct inputs_state inputs;
	struct unset_state unset;
} marked;

void kshim_mark(void)
{
	memory_save(&marked.memory);
	inputs_save(&marked.inputs);
	unset_save(&marked.unset);
}

void kshim_back(const unsigned char *choices, unsigned count)
{
	memory_restore(&marked.memory);
	inputs_restore(&marked.inputs);
	unset_restore(&marked.unset);
	begin_afresh(choices, count, (uint64_t)__builtin_frame_address(0));
}

void step_save(struct step_state *state)
{
	state->number = step_number;
	state->block_count = step_block_count;
	state->way = way;
	state->way_outcomes = way_outcomes;
}

void step_restore(const struct step_state *state)
{
	step_number = state->number;
	step_block_count = state->block_count;
	way = state->way;
	way_outcomes = state->way_outcomes;
	in_loop = 0;
	is_new_path = false;
	ended = repeats = false;
}

void step_recent_blocks(uint64_t *recent, uint32_t count, bool restore)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t *block = &blocks[(step_block_count - 1 - i) % KSHIM_BLOCK_RING];

		if (restore)
			*block = recent[i];
		else
			recent[i] = *block;
	}
}

void step_stop(void)
{
	ended = true;
	if (step_inside)
		thread_leave();
}

void step_end(void)
{
	step_stop();
	__builtin_trap();	/* the harness's own set-up ran out of room */
}

void step_repeat(void)
{
	repeats = true;
	step_end();
}

void step_fault(enum kshim_fault fault, uint64_t pc)
{
	/* A jump to nowhere came from the last block. */
	if (!memory_is_code(pc))
		pc = thread_last_block();
	trace_record(KSHIM_EVENT_FAULT, pc)->arg[0] = fault;
	step_end();
}

static inline void pass(uint64_t pc)
{
	uint64_t number, bit;

	way = (way << WAY_SHIFT ^ pc) % WAYS;
	number = (way ^ mix(0, way_outcomes)) % WAYS;
	bit = 1ULL << number % 64;
	if (!(ways[number / 64] & bit)) {
		ways[number / 64] |= bit;
		is_new_path = true;
	}
	way_outcomes = 0;
}

static uint64_t *looping_at(uint64_t pc)
{
	return &looping[mix(0, pc) % (sizeof(looping) / sizeof(looping[0]))];
}

/* Waiting a million blocks once for each loop is enough. */
#define LOOP_BLOCKS 300

static void look_for_loop(uint64_t pc)
{
	if (*looping_at(pc) != pc) {
		in_loop = 0;
		return;
	}
	if (!in_loop++)
		before_loop = trace_decision_count;
	if (in_loop > LOOP_BLOCKS) {
		trace_limit(KSHIM_LIMIT_LOOP, pc);
		step_end();
	}
}

void kshim_forget_loops(void)
{
	memset(looping, 0, sizeof(looping));
	knows_loops = false;
}

static void hang(uint64_t pc)
{
	for (uint32_t i = 0; i < KSHIM_BLOCK_RING; i++)
		*looping_at(blocks[i]) = blocks[i];
	knows_loops = true;
	trace_record(KSHIM_EVENT_HANG, pc);
	step_end();
}

void kshim_watch_ways(_Bool is_watching)
{
	watches_ways = is_watching;
}

static void __attribute__((noinline, cold)) watch_block(uint64_t pc, uint64_t stack)
{
	if (!step_inside)
		return;
	if (stack < thread_lowest)
		step_fault(KSHIM_FAULT_STACK, pc);
	if (watches_ways)
		pass(pc);
	blocks[step_block_count++ % KSHIM_BLOCK_RING] = pc;
	if (unset_trace_path)
		unset_pass(pc, 0, 0);
	if (knows_loops)
		look_for_loop(pc);
	if (step_block_count > BLOCK_LIMIT)
		hang(pc);
}

static inline uint64_t stack_pointer(void)
{
	uint64_t stack;

	__asm__("movq %%rsp, %0" : "=r"(stack));
	return stack;
}

/* At the start of every block: without a frame of its own, and with no call that it comes back from. */
static inline __attribute__((always_inline)) void instrument_block(uint64_t pc)
{
	const uint64_t stack = stack_pointer();

	if (step_block_count >= plain_blocks || stack < thread_lowest) {
		watch_block(pc, stack);
		return;
	}
	blocks[step_block_count++ % KSHIM_BLOCK_RING] = pc;
}

static void instrument_divided(uint64_t pc)
{
	if (!step_inside)
		__builtin_trap();
	step_fault(KSHIM_FAULT_DIVISION, pc);
}

static void instrument_indexed(uint64_t index, uint64_t pc)
{
	struct kshim_event *event;

	if (!step_inside)
		__builtin_trap();
	event = trace_record(KSHIM_EVENT_ACCESS, pc);
	event->arg[0] = index;
	event->arg[3] = KSHIM_AT_INDEX;
	step_end();
}

static void instrument_compared(uint64_t left, uint64_t right, uint64_t pc)
{
	if (plain_blocks)
		return;
	way_outcomes = way_outcomes * 16 + (left < right) + 2 * (left == right) +
		       4 * ((int64_t)left < (int64_t)right);
	if (unset_trace_path && step_inside)
		unset_pass(pc, memory_symbol(left), memory_symbol(right));
}

static inline __attribute__((always_inline)) void instrument_access(uint64_t address, uint64_t size,
								    bool write, uint64_t pc)
{
	memory_check(address, size, write, pc);
}

static void instrument_guarded(uint64_t address, uint64_t size, uint8_t guard)
{
	thread_guard(address, size, guard);
}

#ifdef KSHIM_DIRECT
/* The harness's first instructions are instrumented too. */
__attribute__((constructor)) static void open_world(void)
{
	memory_open();
	thread_open();
	counters_open();
}

void kshim_attach(const struct kshim_harness *harness)
{
	step_harness = harness;
}

static void use_own_instruments(void)
{
}
#else
static const struct kshim_instruments own_instruments = {
	.access = instrument_access,
	.block = instrument_block,
	.divided = instrument_divided,
	.indexed = instrument_indexed,
	.compared = instrument_compared,
	.guarded = instrument_guarded,
};

static void use_own_instruments(void)
{
	kshim_instruments = &own_instruments;
}

void kshim_attach(const struct kshim_harness *harness)
{
	if (kshim_instruments == &own_instruments)
		return;
	memory_open();
	thread_open();
	step_harness = harness;
	use_own_instruments();
}
#endif

uint64_t step_last_block(void)
{
	return step_block_count ? blocks[(step_block_count - 1) % KSHIM_BLOCK_RING] : 0;
}

void kshim_access(const volatile void *address, unsigned long size, int write)
{
	memory_check((uint64_t)address, size, write, KSHIM_PC());
}

/* What is left that the thread was not called with. Two that race have one task. */
static unsigned what_is_left(uint64_t before)
{
	const uint64_t now = step_harness->sections ? step_harness->sections() : 0;
	unsigned left = 0;

	if (!thread_racing && before >> 32 != now >> 32)
		left |= KSHIM_LEFT_PAGEFAULTS;
	if (!thread_racing && (uint32_t)before != (uint32_t)now)
		left |= KSHIM_LEFT_MEMALLOC;
	for (uint32_t i = 0; i < step_harness->armed_count; i++)
		if (thread_place(step_harness->armed[i]) == THREAD_STACK)
			left |= KSHIM_LEFT_STACK;
	return left;
}

/* Where a number was taken since an event, if the function fails and nothing names it. */
static uint64_t lost_number(uint32_t since, int64_t result)
{
	const struct kshim_number *numbers = step_harness->numbers;
	const uint64_t end = (uint64_t)(numbers + step_harness->number_count);

	if (result >= 0 || result < -4095)
		return 0;
	for (uint32_t i = 0; i < step_harness->number_count; i++)
		if (numbers[i].is_used && numbers[i].event > since &&
		    trace_events[numbers[i].event].thread == thread_now - threads &&
		    !memory_names_number(numbers[i].index, (uint64_t)numbers, end))
			return trace_events[numbers[i].event].pc;
	return 0;
}

uint64_t step_run(uint32_t entry, const uint64_t *args)
{
	const uint64_t sections = step_harness->sections ? step_harness->sections() : 0;
	const uint32_t first = trace_event_count;
	struct kshim_event *event;
	uint64_t result;

	trace_record(KSHIM_EVENT_STEP, 0)->call = entry;
	result = step_harness->enter(entry, (const kshim_u64 *)args);
	event = trace_record(KSHIM_EVENT_RETURN, thread_last_block());
	event->call = entry;
	event->arg[0] = what_is_left(sections);
	event->arg[1] = lost_number(first, (int64_t)result);
	event->value = step_harness->pointers && step_harness->pointers[entry] ?
			       memory_symbol(result) : result;
	return result;
}

static void enter(void)
{
	use_own_instruments();
	step_inside = true;
	plain_blocks = watches_ways || unset_trace_path || knows_loops ? 0 : BLOCK_LIMIT;
}

/* What comes before the subject's code, and after it. */
static void begin(void)
{
	if (!step_number)
		memory_log_stores_from_here();
	enter();
}

static bool finish(uint64_t frame)
{
	if (watches_ways)
		pass(0);
	step_inside = false;
	plain_blocks = 0;
	thread_racing = meeting_watching = false;
	use_callers_stack(frame);
	if (!ended)
		memory_free_later();
	step_number++;
	return !ended;
}

_Bool kshim_step(unsigned entry, const kshim_u64 *args, kshim_u64 *result)
{
	const struct thread *thread = thread_now;

	if (ended)
		return false;
	begin();
	thread_step(entry, (const uint64_t *)args);
	*result = thread->result;
	return finish((uint64_t)__builtin_frame_address(0));
}

_Bool kshim_race(const struct kshim_racer *calls, kshim_u64 *results, unsigned switches,
		 unsigned failures, _Bool joining)
{
	bool is_whole;

	if (step_harness->threads != THREADS)
		__builtin_trap();
	if (ended)
		return false;
	begin();
	thread_race(calls, switches, failures, joining);
	is_whole = finish((uint64_t)__builtin_frame_address(0));
	thread_select(0);
	for (unsigned n = 0; n < THREADS; n++)
		results[n] = threads[n].result;
	return is_whole;
}

_Bool kshim_resume(unsigned decision, const unsigned char *choices, unsigned count,
		   kshim_u64 *results)
{
	bool is_whole;

	enter();
	if (!checkpoint_restore(decision, choices, count))
		__builtin_trap();
	is_whole = finish((uint64_t)__builtin_frame_address(0));
	thread_select(0);
	for (unsigned n = 0; n < THREADS; n++)
		results[n] = threads[n].result;
	return is_whole;
}

void kshim_select(unsigned thread)
{
	thread_select(thread);
}

const struct kshim_world *kshim_world_now(void)
{
	world = (struct kshim_world){
		.events = trace_events,
		.decisions = trace_decisions,
		.stores = memory_stores + memory_first_step_store,
		.event_count = trace_event_count,
		.decision_count = trace_decision_count,
		.store_count = memory_store_count - memory_first_step_store,
		.locks_held = trace_locks_held(),
		.ended = ended,
		.repeats = repeats,
		.blocks = blocks,
		.block_count = step_block_count,
		.checkpoint_count = checkpoint_count,
		.asked = inputs_asked,
		.asked_count = inputs_asked_count,
		.seen = inputs_seen,
		.seen_count = inputs_seen_count,
		.new_path = is_new_path,
		.before_loop = in_loop > LOOP_BLOCKS ? before_loop : trace_decision_count,
		.read_unset = unset_was_read,
		.path = unset_passed,
		.path_count = unset_passed_count,
	};
	return &world;
}

kshim_u64 kshim_digest(void)
{
	return memory_digest(trace_digest(0x6b7368696dULL)) ^ unset_path;
}
