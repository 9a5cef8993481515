// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subject's threads: each runs on a stack of its own, and one at a time. A step is one thread;
 * a race is two, which change places where the search says so.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

/* Below each stack: wider than any frame that a compiler would let pass. */
#define GUARD_SIZE (16 * 1024 * 1024)
/* What the runtime itself may need of it. */
#define STACK_RESERVE (16 * 1024)
#define AREA (GUARD_SIZE + STACK_SIZE)

struct thread threads[THREADS];
struct thread *thread_now = threads;
bool thread_racing, thread_is_joining;
uint64_t thread_lowest;

static uint64_t stacks;			/* [guard, stack] for each thread, then a guard */
/* Of each granule of the stacks, and where the lowest that says anything is. */
static uint8_t guards[THREADS][STACK_SIZE / GUARD_GRANULE];
static uint64_t guarded[THREADS];
static uint64_t caller;			/* the caller's stack pointer while the subject runs */
static uint32_t switches_left, failures_left;

void thread_open(void)
{
	char *base;

	if (stacks)
		return;
	base = mmap(NULL, THREADS * AREA + GUARD_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		__builtin_trap();
	for (unsigned n = 0; n < THREADS; n++)
		if (mprotect(base + n * AREA + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE))
			__builtin_trap();
	stacks = (uint64_t)base;
}

static uint64_t low_of(const struct thread *thread)
{
	return stacks + (uint64_t)(thread - threads) * AREA + GUARD_SIZE;
}

enum thread_place thread_place(uint64_t address)
{
	uint64_t within = address - stacks;

	if (!stacks || within >= THREADS * AREA + GUARD_SIZE)
		return THREAD_ELSEWHERE;
	return within / AREA < THREADS && within % AREA >= GUARD_SIZE ? THREAD_STACK : THREAD_GUARD;
}

/* Keeps what a callee must keep, and goes on where the other stack left off. */
__attribute__((naked, noinline)) static void change_stack(uint64_t *from, uint64_t to)
{
	__asm__("pushq %rbp\n\t"
		"pushq %rbx\n\t"
		"pushq %r12\n\t"
		"pushq %r13\n\t"
		"pushq %r14\n\t"
		"pushq %r15\n\t"
		"movq %rsp, (%rdi)\n\t"
		"movq %rsi, %rsp\n\t"
		"popq %r15\n\t"
		"popq %r14\n\t"
		"popq %r13\n\t"
		"popq %r12\n\t"
		"popq %rbx\n\t"
		"popq %rbp\n\t"
		"retq");
}

void thread_select(uint32_t number)
{
	if (number >= step_harness->threads)
		__builtin_trap();
	thread_now = &threads[number];
	if (step_harness->thread)
		step_harness->thread(number);
}

/* Where a thread is when it does not run. */
static void resume(struct thread *thread, uint64_t *from)
{
	thread_select((uint32_t)(thread - threads));
	memory_stack(low_of(thread), low_of(thread) + STACK_SIZE, guards[thread - threads]);
	thread_lowest = low_of(thread) + STACK_RESERVE;
	thread->first_block = step_block_count;
	meeting_watching = thread_racing && thread_is_joining;
	change_stack(from, thread->stack);
}

static void change(struct thread *to, bool by_choice)
{
	struct thread *from = thread_now;

	/* Whoever hands back without a choice may do so for nothing, too. */
	if (!by_choice && meeting_is_idle())
		step_repeat();
	meeting_hand_over(by_choice);
	meeting_watching = false;
	from->last_block = thread_last_block();
	resume(to, &from->stack);
}

uint64_t thread_last_block(void)
{
	return step_block_count != thread_now->first_block ? step_last_block() :
	       thread_now->last_block;
}

static uint8_t *guards_at(const struct thread *thread, uint64_t address)
{
	return &guards[thread - threads][(address - low_of(thread)) / GUARD_GRANULE];
}

void thread_guard(uint64_t address, uint64_t size, uint8_t guard)
{
	const uint64_t n = (address - stacks) / AREA;

	if (thread_place(address) != THREAD_STACK)
		return;
	memset(guards_at(&threads[n], address), guard, size / GUARD_GRANULE);
	if (guard && address < guarded[n])
		guarded[n] = address;
}

/* A stack's part below an address is not in use, whatever those left there who never returned. */
static void clear_guards(const struct thread *thread, uint64_t end)
{
	uint64_t *lowest = &guarded[thread - threads];

	if (*lowest >= low_of(thread) && *lowest < end)
		memset(guards_at(thread, *lowest), 0, (end - *lowest) / GUARD_GRANULE);
	*lowest = end;
}

uint64_t thread_save_guards(const struct thread *thread, uint64_t from, uint8_t *to)
{
	const uint64_t count = (thread_top(thread) - from) / GUARD_GRANULE;

	if (guarded[thread - threads] >= thread_top(thread))
		return 0;
	memcpy(to, guards_at(thread, from), count);
	return count;
}

void thread_restore_guards(struct thread *thread, uint64_t from, const uint8_t *saved)
{
	clear_guards(thread, saved ? from : thread_top(thread));
	if (saved)
		memcpy(guards_at(thread, from), saved, (thread_top(thread) - from) / GUARD_GRANULE);
}

static struct thread *other(void)
{
	return &threads[thread_now == threads];
}

/* The first function on a thread's stack. */
static void run(void)
{
	struct thread *thread = thread_now;
	uint64_t nowhere;

	thread->result = step_run(thread->entry, thread->args);
	thread->is_active = false;
	if (other()->is_active)
		change(other(), false);
	change_stack(&nowhere, caller);
	__builtin_unreachable();
}

static void start(struct thread *thread, uint32_t entry, const uint64_t *args)
{
	uint64_t *top = (uint64_t *)(low_of(thread) + STACK_SIZE);

	clear_guards(thread, (uint64_t)top);
	*--top = 0;				/* where run() would return to */
	*--top = (uint64_t)run;
	for (int saved = 0; saved < 6; saved++)
		*--top = 0;
	thread->stack = (uint64_t)top;
	thread->entry = entry;
	for (int i = 0; i < KSHIM_MAX_ARGS; i++)
		thread->args[i] = args[i];
	thread->is_active = true;
	thread->waits_for = NULL;
	thread->last_block = 0;
}

void thread_step(uint32_t entry, const uint64_t *args)
{
	struct thread *thread = thread_now;

	start(thread, entry, args);
	resume(thread, &caller);
}

static void set_joining(bool is_joining)
{
	if (thread_is_joining == is_joining)
		return;
	thread_is_joining = is_joining;
	memory_find_plain();
}

void thread_race(const struct kshim_racer *calls, uint32_t switches, uint32_t failures,
		 bool joining)
{
	set_joining(joining);
	meeting_begin();
	failures_left = failures;
	for (unsigned n = 0; n < THREADS; n++)
		start(&threads[n], calls[n].entry, calls[n].args);
	switches_left = switches;
	thread_racing = true;
	resume(threads, &caller);
}

void thread_leave(void)
{
	uint64_t nowhere;

	change_stack(&nowhere, caller);
	__builtin_unreachable();
}

void thread_reset(void)
{
	for (unsigned n = 0; n < THREADS; n++)
		threads[n] = (struct thread){ .call = KSHIM_NO_CALL };
	thread_racing = false;
	set_joining(false);
	thread_select(0);
}

/* Whether a thread waits for a lock that the other holds. */
static bool is_stuck(const struct thread *thread, const struct thread *against)
{
	return thread->waits_for && trace_holds(against, thread->waits_for, thread->waits_how);
}

uint64_t thread_top(const struct thread *thread)
{
	return low_of(thread) + STACK_SIZE;
}

static void copy_thread(struct thread *to, const struct thread *from)
{
	memcpy(to, from, offsetof(struct thread, held) + from->held_count * sizeof(from->held[0]));
}

/* Outside of a race only the thread that runs changes. */
static bool may_change(unsigned n)
{
	return thread_racing || thread_now == &threads[n];
}

void thread_save(struct thread_state *state)
{
	for (unsigned n = 0; n < THREADS; n++)
		if (may_change(n))
			copy_thread(&state->threads[n], &threads[n]);
	state->switches_left = switches_left;
	state->failures_left = failures_left;
	state->is_racing = thread_racing;
	state->is_joining = thread_is_joining;
}

void thread_restore(const struct thread_state *state, uint32_t running)
{
	thread_now = &threads[running];
	switches_left = state->switches_left;
	failures_left = state->failures_left;
	thread_racing = state->is_racing;
	set_joining(state->is_joining);
	for (unsigned n = 0; n < THREADS; n++)
		if (may_change(n))
			copy_thread(&threads[n], &state->threads[n]);
}

void thread_continue(uint32_t number)
{
	thread_now = &threads[number];
	thread_now->last_block = step_last_block();
	resume(thread_now, &caller);
}

void thread_point(void)
{
	struct thread *rival = other();
	bool is_idle;

	/*
	 * Inside of a callee nothing is the subject's. What the code did since the last point does
	 * not count: whatever the compiler makes of it, the points are the same.
	 */
	if (!switches_left || !rival->is_active || thread_now->call != KSHIM_NO_CALL ||
	    is_stuck(rival, thread_now))
		return;
	is_idle = meeting_is_idle();
	if (trace_decide(step_harness->switch_call, is_idle ? 1 : 2, trace_event_count)) {
		switches_left--;
		change(rival, true);
	} else if (!is_idle) {
		meeting_go_on();
	}
}

unsigned thread_decide(uint16_t call, unsigned arity, uint32_t event)
{
	unsigned choice = failures_left ? trace_decide(call, arity, event) : 0;

	failures_left -= choice != 0;
	return choice;
}

void thread_wait(const volatile void *lock, int mode, uint64_t pc)
{
	struct thread *thread = thread_now;

	meeting_touch((uint64_t)lock, 1, true);
	if (!thread_racing || !trace_holds(other(), lock, mode))
		return;
	trace_lock(KSHIM_EVENT_WAIT, lock, mode, pc);
	thread->waits_for = lock;
	thread->waits_how = mode;
	while (is_stuck(thread, other())) {
		if (!other()->is_active || is_stuck(other(), thread)) {
			trace_lock(KSHIM_EVENT_DEADLOCK, lock, mode, pc)->arg[2] =
				!other()->is_active;
			step_end();
		}
		change(other(), false);
	}
	thread->waits_for = NULL;
}
