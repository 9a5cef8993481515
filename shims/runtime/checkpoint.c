// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the subject was when it asked: a copy of its stacks and of what the runtime knew. The search
 * goes back there and takes another answer, and nothing that came before is run again.
 */
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define ARENA (256ULL << 20)
#define RECENT 16	/* blocks that reports look at */

struct checkpoint {
	uint32_t decision;		/* which decision it is about to answer */
	uint32_t running;		/* which thread */
	uint64_t stack[THREADS];	/* what is above is copied, 0 where a thread does not run */
	uint64_t copied[THREADS];
	uint64_t guards[THREADS];	/* 0 where there are none */
	uint64_t end;			/* of its part of the arena */
	struct memory_state memory;
	struct inputs_state inputs;
	struct trace_state trace;
	struct thread_state threads;
	struct step_state step;
	struct unset_state unset;
	uint64_t counters;		/* where those of the run are */
	uint64_t meeting;		/* and what two threads touched, 0 where none race */
	uint64_t recent[RECENT];
};

static char *arena;
static uint64_t used;
static struct checkpoint *checkpoints[MAX_DECISIONS];
uint32_t checkpoint_count;

void checkpoint_reset(void)
{
	checkpoint_count = 0;
	used = 0;
}

static void copy_stacks_and_counters(struct checkpoint *checkpoint, uint64_t stack)
{
	char *place = arena + used + sizeof(*checkpoint);

	for (unsigned n = 0; n < THREADS; n++) {
		struct thread *thread = &threads[n];
		uint64_t size;

		checkpoint->stack[n] = 0;
		if (!thread->is_active)
			continue;
		checkpoint->stack[n] = thread == thread_now ? stack : thread->stack;
		checkpoint->copied[n] = (uint64_t)place;
		size = thread_top(thread) - checkpoint->stack[n];
		memcpy(place, (void *)checkpoint->stack[n], size);
		place += (size + 63) & ~63ULL;
		size = thread_save_guards(thread, checkpoint->stack[n], (uint8_t *)place);
		checkpoint->guards[n] = size ? (uint64_t)place : 0;
		place += (size + 63) & ~63ULL;
	}
	checkpoint->counters = (uint64_t)place;
	counters_save((uint64_t *)place);
	place += (counters_size() + 63) & ~63ULL;
	checkpoint->meeting = 0;
	if (meeting_watching) {
		checkpoint->meeting = (uint64_t)place;
		meeting_save((uint64_t *)place);
		place += (meeting_size() + 63) & ~63ULL;
	}
	checkpoint->end = (uint64_t)(place - arena);
}

/* Called with the registers that a callee must keep on top of the stack. */
__attribute__((used)) static void take_down(uint64_t stack)
{
	const uint32_t decision = trace_decision_count - 1;
	struct checkpoint *checkpoint;

	if (!arena) {
		arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (arena == MAP_FAILED)
			__builtin_trap();
	}
	/* Decisions that have none are run again from the beginning. */
	if (decision != checkpoint_count ||
	    used + 2 * THREADS * STACK_SIZE + PAGE_SIZE + counters_size() + meeting_size() > ARENA)
		return;
	checkpoint = (struct checkpoint *)(arena + used);
	checkpoint->decision = decision;
	checkpoint->running = (uint32_t)(thread_now - threads);
	memory_save(&checkpoint->memory);
	inputs_save(&checkpoint->inputs);
	trace_save(&checkpoint->trace);
	thread_save(&checkpoint->threads);
	step_save(&checkpoint->step);
	unset_save(&checkpoint->unset);
	step_recent_blocks(checkpoint->recent, RECENT, false);
	copy_stacks_and_counters(checkpoint, stack);
	used = (checkpoint->end + 63) & ~63ULL;
	checkpoints[checkpoint_count++] = checkpoint;
}

void checkpoint_pass(void)
{
	if (trace_decision_count - 1 == checkpoint_count)
		checkpoints[checkpoint_count++] = NULL;
}

/* Returns here once when it is taken, and again each time that the search comes back. */
__attribute__((naked, noinline)) void checkpoint_take(void)
{
	__asm__("pushq %rbp\n\t"
		"pushq %rbx\n\t"
		"pushq %r12\n\t"
		"pushq %r13\n\t"
		"pushq %r14\n\t"
		"pushq %r15\n\t"
		"movq %rsp, %rdi\n\t"
		"subq $8, %rsp\n\t"
		"call take_down\n\t"
		"addq $8, %rsp\n\t"
		"popq %r15\n\t"
		"popq %r14\n\t"
		"popq %r13\n\t"
		"popq %r12\n\t"
		"popq %rbx\n\t"
		"popq %rbp\n\t"
		"retq");
}

bool checkpoint_restore(uint32_t decision, const uint8_t *choices, uint32_t count)
{
	struct checkpoint *checkpoint;

	if (decision >= checkpoint_count)
		return false;
	checkpoint = checkpoints[decision];
	checkpoint_count = decision + 1;
	used = (checkpoint->end + 63) & ~63ULL;
	memory_restore(&checkpoint->memory);
	inputs_restore(&checkpoint->inputs);
	trace_restore(&checkpoint->trace, choices, count);
	thread_restore(&checkpoint->threads, checkpoint->running);
	step_restore(&checkpoint->step);
	unset_restore(&checkpoint->unset);
	step_recent_blocks(checkpoint->recent, RECENT, true);
	counters_restore((const uint64_t *)checkpoint->counters);
	if (checkpoint->meeting)
		meeting_restore((const uint64_t *)checkpoint->meeting);
	for (unsigned n = 0; n < THREADS; n++) {
		if (!checkpoint->stack[n])
			continue;
		memcpy((void *)checkpoint->stack[n], (void *)checkpoint->copied[n],
		       thread_top(&threads[n]) - checkpoint->stack[n]);
		thread_restore_guards(&threads[n], checkpoint->stack[n],
				      (const uint8_t *)checkpoint->guards[n]);
	}
	threads[checkpoint->running].stack = checkpoint->stack[checkpoint->running];
	thread_continue(checkpoint->running);
	return true;
}
