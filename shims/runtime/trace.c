// SPDX-License-Identifier: GPL-2.0-only
/* Events and decisions of one scenario. */
#include <string.h>

#include "world.h"

struct kshim_event trace_events[MAX_EVENTS];
struct kshim_decision trace_decisions[MAX_DECISIONS];
uint32_t trace_event_count, trace_decision_count;

static uint8_t prefix[MAX_DECISIONS];
static uint32_t prefix_count;

static void take_prefix(const uint8_t *choices, uint32_t count)
{
	prefix_count = count < MAX_DECISIONS ? count : MAX_DECISIONS;
	memcpy(prefix, choices, prefix_count);
}

void trace_reset(const uint8_t *choices, uint32_t count)
{
	take_prefix(choices, count);
	trace_event_count = trace_decision_count = 0;
}

void trace_save(struct trace_state *state)
{
	state->event_count = trace_event_count;
	state->decision_count = trace_decision_count;
}

void trace_restore(const struct trace_state *state, const uint8_t *choices, uint32_t count)
{
	struct kshim_decision *decision;

	take_prefix(choices, count);
	trace_event_count = state->event_count;
	trace_decision_count = state->decision_count;
	decision = &trace_decisions[trace_decision_count - 1];
	decision->choice = choices[trace_decision_count - 1];
}

struct kshim_event *trace_record(enum kshim_event_kind kind, uint64_t pc)
{
	struct kshim_event *event;

	if (trace_event_count >= MAX_EVENTS - 1) {
		/* The last place is kept for saying so. */
		event = &trace_events[MAX_EVENTS - 1];
		memset(event, 0, sizeof(*event));
		event->kind = KSHIM_EVENT_OVERFLOW;
		event->arg[0] = KSHIM_LIMIT_EVENTS;
		event->step = step_number;
		trace_event_count = MAX_EVENTS;
		step_stop();
		return event;
	}
	event = &trace_events[trace_event_count++];
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->call = thread_now->call;
	event->step = step_number;
	event->thread = thread_now - threads;
	event->held_write = thread_now->held_write;
	event->held_read = thread_now->held_read;
	event->pc = pc;
	event->block = step_block_count;
	return event;
}

void trace_limit(enum kshim_limit limit, uint64_t pc)
{
	trace_record(KSHIM_EVENT_OVERFLOW, pc)->arg[0] = limit;
}

void kshim_point(void)
{
	if (thread_racing)
		thread_point();
}

void kshim_call_as(unsigned call, unsigned count, kshim_u64 pc, kshim_u64 first, kshim_u64 second,
		   kshim_u64 third, kshim_u64 fourth)
{
	struct kshim_event *event;

	kshim_point();
	thread_now->call = call;
	thread_now->event = trace_event_count;
	event = trace_record(KSHIM_EVENT_CALL, pc);
	event->at = count < 4 ? count : 4;
	event->arg[0] = first;
	event->arg[1] = second;
	event->arg[2] = third;
	event->arg[3] = fourth;
}

void kshim_call(unsigned call, unsigned count, kshim_u64 pc, kshim_u64 first, kshim_u64 second,
		kshim_u64 third, kshim_u64 fourth)
{
	kshim_call_as(call, count, pc, memory_symbol(first), memory_symbol(second),
		      memory_symbol(third), memory_symbol(fourth));
}

void kshim_answer(kshim_u64 value)
{
	trace_events[thread_now->event].value = thread_now->told ? (uint64_t)thread_now->told :
								   memory_symbol(value);
	thread_now->told = 0;
	thread_now->call = KSHIM_NO_CALL;
	if (thread_now->has_released) {
		thread_now->has_released = false;
		kshim_point();
	}
}

void kshim_gave(unsigned argument, const void *where, kshim_u64 address)
{
	const bool is_new = thread_place((uint64_t)where) == THREAD_STACK ||
			    memory_was_stored((uint64_t)where);

	trace_events[thread_now->event].arg[argument] = is_new ? memory_symbol(address) : 0;
}

void kshim_tell(long value)
{
	thread_now->told = value;
}

static bool is_errno(uint64_t value)
{
	return (int64_t)value < 0 ? (int64_t)value >= -4095 :
	       value >> 32 == 0 && (int32_t)value < 0 && (int32_t)value >= -4095;
}

void kshim_refuse(kshim_u64 value)
{
	if (!is_errno(value))
		trace_events[thread_now->event].at |= KSHIM_CALL_REFUSED;
}

kshim_u64 kshim_call_pc(void)
{
	return trace_events[thread_now->event].pc;
}

unsigned kshim_call_event(void)
{
	return thread_now->event;
}

unsigned kshim_decide(unsigned arity)
{
	return (thread_racing ? thread_decide : trace_decide)(thread_now->call, arity,
							      thread_now->event);
}

unsigned trace_decide(uint16_t call, unsigned arity, uint32_t event)
{
	struct kshim_decision *decision;

	/* Of a loop the first rounds tell. */
	if (step_harness->types && trace_decision_count >= KSHIM_MOST_ASKED)
		return 0;
	if (trace_decision_count == MAX_DECISIONS) {
		trace_limit(KSHIM_LIMIT_DECISIONS,
			    event < trace_event_count ? trace_events[event].pc : 0);
		step_end();
	}
	decision = &trace_decisions[trace_decision_count];
	decision->call = call;
	decision->arity = arity;
	decision->choice = trace_decision_count < prefix_count ? prefix[trace_decision_count] : 0;
	decision->event = event;
	decision->step = step_number;
	if (decision->choice >= arity)
		decision->choice = arity - 1;
	trace_decision_count++;
	if (arity == 1)
		checkpoint_pass();
	else if (step_inside)
		checkpoint_take();
	/* Another one, where the search has come back. */
	return trace_decisions[trace_decision_count - 1].choice;
}

void kshim_warn(int line)
{
	trace_record(KSHIM_EVENT_WARN, KSHIM_PC())->arg[0] = line;
}

static void bug(int line, kshim_u64 pc) __attribute__((noreturn));

static void bug(int line, kshim_u64 pc)
{
	trace_record(KSHIM_EVENT_BUG, pc)->arg[0] = line;
	step_end();
}

void kshim_bug(int line)
{
	bug(line, KSHIM_PC());
}

void kshim_bug_on(int condition, int line)
{
	if (condition)
		bug(line, KSHIM_PC());
}

void kshim_gone(kshim_u64 pc)
{
	trace_record(KSHIM_EVENT_BUG, pc);
	step_end();
}

void kshim_wait(kshim_u64 pc)
{
	trace_limit(KSHIM_LIMIT_WAIT, pc);
	step_end();
}

void kshim_no_room(void)
{
	trace_limit(KSHIM_LIMIT_MODEL, KSHIM_PC());
	step_end();
}

uint64_t trace_digest(uint64_t seed)
{
	for (uint32_t i = 0; i < trace_event_count; i++) {
		const struct kshim_event *event = &trace_events[i];

		seed = mix(seed, (uint64_t)event->thread << 48 | (uint64_t)event->kind << 32 |
				 (uint64_t)event->call << 16 | event->at);
		seed = mix(seed, event->value);
		for (int a = 0; a < 4; a++)
			seed = mix(seed, event->arg[a]);
	}
	return seed;
}
