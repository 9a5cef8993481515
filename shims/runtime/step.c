// SPDX-License-Identifier: GPL-2.0-only
/* A fresh world, and one call of a target in it. */
#include <setjmp.h>
#include <string.h>

#include "instruments.h"
#include "world.h"

#define STACK_ROOM (256 * 1024)

const struct kshim_harness *step_harness;
uint16_t step_number;

static jmp_buf leave;
bool step_inside;
static bool ended;
static uint64_t blocks[KSHIM_BLOCK_RING];
static uint32_t block_count;
static struct kshim_world world;

void kshim_reset(const unsigned char *choices, unsigned count)
{
	memory_reset();
	trace_reset(choices, count);
	step_number = 0;
	block_count = 0;
	ended = false;
	memory_stack((uint64_t)__builtin_frame_address(0) - STACK_ROOM,
		     (uint64_t)__builtin_frame_address(0) + STACK_ROOM);
	step_harness->prepare();
}

void step_end(void)
{
	ended = true;
	if (step_inside)
		longjmp(leave, 1);
	__builtin_trap();	/* the harness's own set-up ran out of room */
}

void step_fault(enum kshim_fault fault, uint64_t pc)
{
	/* A jump to nowhere came from the last block. */
	if (!memory_is_code(pc))
		pc = block_count ? blocks[(block_count - 1) % KSHIM_BLOCK_RING] : 0;
	trace_record(KSHIM_EVENT_FAULT, pc)->arg[0] = fault;
	step_end();
}

static void block(uint64_t pc)
{
	if (!step_inside)
		return;
	blocks[block_count++ % KSHIM_BLOCK_RING] = pc;
	if (block_count > BLOCK_LIMIT) {
		trace_record(KSHIM_EVENT_HANG, pc);
		step_end();
	}
}

static const struct kshim_instruments own_instruments = {
	.access = memory_check,
	.block = block,
};

void kshim_attach(const struct kshim_harness *harness)
{
	memory_open();
	step_harness = harness;
	kshim_instruments = &own_instruments;
}

void kshim_access(const volatile void *address, unsigned long size, int write)
{
	memory_check((uint64_t)address, size, write, KSHIM_PC());
}

_Bool kshim_step(unsigned entry, const kshim_u64 *args, kshim_u64 *result)
{
	struct kshim_event *event;
	uint64_t frame = (uint64_t)__builtin_frame_address(0);
	/* The caller's own memory is out of the subject's reach. */
	const kshim_u64 own[4] = { args[0], args[1], args[2], args[3] };

	if (ended)
		return false;
	kshim_instruments = &own_instruments;
	if (!step_number)
		memory_log_stores_from_here();
	trace_record(KSHIM_EVENT_STEP, 0)->call = entry;
	/* Locals of the subject only: what lies above belongs to the caller. */
	memory_stack(frame - STACK_ROOM, frame);
	fault_expect();
	step_inside = true;
	if (setjmp(leave)) {
		step_inside = false;
		return false;
	}
	*result = step_harness->enter(entry, own);
	step_inside = false;
	event = trace_record(KSHIM_EVENT_RETURN, block_count ?
			     blocks[(block_count - 1) % KSHIM_BLOCK_RING] : 0);
	event->call = entry;
	event->value = *result;
	step_number++;
	return true;
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
		.blocks = blocks,
		.block_count = block_count,
	};
	return &world;
}

kshim_u64 kshim_digest(void)
{
	return memory_digest(trace_digest(0x6b7368696dULL));
}
