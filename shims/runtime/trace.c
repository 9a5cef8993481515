// SPDX-License-Identifier: GPL-2.0-only
/* Events, decisions and locks of one scenario. */
#include <string.h>

#include "world.h"

struct kshim_event trace_events[MAX_EVENTS];
struct kshim_decision trace_decisions[MAX_DECISIONS];
uint32_t trace_event_count, trace_decision_count;

static uint8_t prefix[MAX_DECISIONS];
static uint32_t prefix_count;
#define MAX_NAMED_LOCKS 31
#define UNNAMED_LOCK 31
static const volatile void *named[MAX_NAMED_LOCKS];

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

void kshim_call(unsigned call, const kshim_u64 *args, unsigned count, kshim_u64 pc)
{
	struct kshim_event *event;

	kshim_point();
	thread_now->call = call;
	thread_now->event = trace_event_count;
	event = trace_record(KSHIM_EVENT_CALL, pc);
	event->at = count < 4 ? count : 4;
	for (unsigned i = 0; i < event->at; i++)
		event->arg[i] = args[i];
}

void kshim_answer(kshim_u64 value)
{
	trace_events[thread_now->event].value = value;
	thread_now->call = KSHIM_NO_CALL;
	if (thread_now->has_released) {
		thread_now->has_released = false;
		kshim_point();
	}
}

unsigned kshim_decide(unsigned arity)
{
	return (thread_racing ? thread_decide : trace_decide)(thread_now->call, arity,
							      thread_now->event);
}

unsigned trace_decide(uint16_t call, unsigned arity, uint32_t event)
{
	struct kshim_decision *decision;

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
	if (step_inside)
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

void kshim_no_room(void)
{
	trace_limit(KSHIM_LIMIT_MODEL, KSHIM_PC());
	step_end();
}

void kshim_may_sleep(kshim_u64 pc)
{
	if (thread_now->held_spinning)
		trace_record(KSHIM_EVENT_SLEEP, pc);
}

void kshim_name_lock(unsigned number, const volatile void *lock)
{
	if (number < MAX_NAMED_LOCKS)
		named[number] = lock;
}

static uint32_t number_of(const volatile void *lock)
{
	for (uint32_t i = 0; i < MAX_NAMED_LOCKS && named[i]; i++)
		if (named[i] == lock)
			return i;
	return UNNAMED_LOCK;
}

static void count_held(void)
{
	struct thread *thread = thread_now;

	thread->held_write = thread->held_read = thread->held_spinning = 0;
	for (uint32_t i = 0; i < thread->held_count; i++) {
		const struct held_lock *held = &thread->held[i];

		if (held->mode == KSHIM_LOCK_READ)
			thread->held_read |= 1u << held->number;
		else
			thread->held_write |= 1u << held->number;
		thread->held_spinning += held->mode != KSHIM_LOCK_MUTEX;
	}
}

/* Whether a thread holds a lock in a way that keeps others from taking it. */
bool trace_holds(const struct thread *thread, const volatile void *lock, int mode)
{
	for (uint32_t i = 0; i < thread->held_count; i++)
		if (thread->held[i].lock == lock &&
		    (mode != KSHIM_LOCK_READ || thread->held[i].mode != KSHIM_LOCK_READ))
			return true;
	return false;
}

struct kshim_event *trace_lock(enum kshim_event_kind kind, const volatile void *lock, int mode,
			       uint64_t pc)
{
	struct kshim_event *event = trace_record(kind, pc);

	event->arg[0] = number_of(lock);
	event->arg[1] = mode;
	return event;
}

static struct held_lock *find_held(const volatile void *lock)
{
	for (uint32_t i = 0; i < thread_now->held_count; i++)
		if (thread_now->held[i].lock == lock)
			return &thread_now->held[i];
	return NULL;
}

void kshim_lock(const volatile void *lock, int mode, kshim_u64 pc)
{
	struct thread *thread = thread_now;
	struct kshim_event *event;

	if (mode == KSHIM_LOCK_MUTEX)
		kshim_may_sleep(pc);
	thread_wait(lock, mode, pc);
	event = trace_lock(KSHIM_EVENT_LOCK, lock, mode, pc);
	if (find_held(lock)) {
		/* On hardware this never returns. */
		event->arg[2] = 1;
		step_end();
	}
	if (thread->held_count == MAX_HELD) {
		trace_limit(KSHIM_LIMIT_LOCKS, pc);
		step_end();
	}
	thread->held[thread->held_count++] = (struct held_lock){
		.lock = lock, .mode = mode, .number = number_of(lock),
	};
	count_held();
	event->held_write = thread->held_write;
	event->held_read = thread->held_read;
}

void kshim_unlock(const volatile void *lock, int mode, kshim_u64 pc)
{
	struct kshim_event *event = trace_lock(KSHIM_EVENT_UNLOCK, lock, mode, pc);
	struct held_lock *held = find_held(lock);

	if (!held || held->mode != mode) {
		event->arg[2] = 1;
		return;
	}
	*held = thread_now->held[--thread_now->held_count];
	count_held();
	thread_now->has_released = true;
}

/* A mutex is held exclusively too. */
static bool fits(int held_mode, int mode)
{
	return !mode || held_mode == mode ||
	       (mode == KSHIM_LOCK_WRITE && held_mode == KSHIM_LOCK_MUTEX);
}

void kshim_assert_held_at(const volatile void *lock, int mode, kshim_u64 pc)
{
	const struct held_lock *held = find_held(lock);

	if (!held || !fits(held->mode, mode))
		trace_lock(KSHIM_EVENT_ASSERT, lock, mode, pc);
}

void kshim_assert_held(const volatile void *lock, int mode)
{
	kshim_assert_held_at(lock, mode, KSHIM_PC());
}

void kshim_assert_not_held(const volatile void *lock)
{
	if (find_held(lock))
		trace_lock(KSHIM_EVENT_ASSERT, lock, -1, KSHIM_PC());
}

uint32_t trace_locks_held(void)
{
	uint32_t count = 0;

	for (unsigned n = 0; n < THREADS; n++)
		count += threads[n].held_count;
	return count;
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
