// SPDX-License-Identifier: GPL-2.0-only
/* Events, decisions and locks of one scenario. */
#include <string.h>

#include "world.h"

struct kshim_event trace_events[MAX_EVENTS];
struct kshim_decision trace_decisions[MAX_DECISIONS];
uint32_t trace_event_count, trace_decision_count;

static uint8_t prefix[MAX_DECISIONS];
static uint32_t prefix_count;
static uint16_t current_call;
static uint32_t current_event;

static struct {
	const volatile void *lock;
	int mode;
	uint32_t number;
} held[MAX_HELD];
static uint32_t held_count, held_write, held_read, held_spinning;

#define MAX_NAMED_LOCKS 31
#define UNNAMED_LOCK 31
static const volatile void *named[MAX_NAMED_LOCKS];

void trace_reset(const uint8_t *choices, uint32_t count)
{
	prefix_count = count < MAX_DECISIONS ? count : MAX_DECISIONS - 1;
	memcpy(prefix, choices, prefix_count);
	trace_event_count = trace_decision_count = 0;
	held_count = held_write = held_read = held_spinning = 0;
	current_call = 0xffff;
}

struct kshim_event *trace_record(enum kshim_event_kind kind, uint64_t pc)
{
	struct kshim_event *event;

	if (trace_event_count >= MAX_EVENTS - 1) {
		/* The last place is kept for saying so. */
		event = &trace_events[MAX_EVENTS - 1];
		memset(event, 0, sizeof(*event));
		event->kind = KSHIM_EVENT_OVERFLOW;
		event->step = step_number;
		trace_event_count = MAX_EVENTS;
		step_end();
	}
	event = &trace_events[trace_event_count++];
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->call = current_call;
	event->step = step_number;
	event->held_write = held_write;
	event->held_read = held_read;
	event->pc = pc;
	return event;
}

void kshim_call(unsigned call, const kshim_u64 *args, unsigned count, kshim_u64 pc)
{
	struct kshim_event *event;

	current_call = call;
	current_event = trace_event_count;
	event = trace_record(KSHIM_EVENT_CALL, pc);
	event->at = count < 4 ? count : 4;
	for (unsigned i = 0; i < event->at; i++)
		event->arg[i] = args[i];
}

void kshim_answer(kshim_u64 value)
{
	trace_events[current_event].value = value;
	current_call = 0xffff;
}

unsigned kshim_decide(unsigned arity)
{
	struct kshim_decision *decision;

	if (trace_decision_count == MAX_DECISIONS) {
		trace_record(KSHIM_EVENT_OVERFLOW, 0);
		step_end();
	}
	decision = &trace_decisions[trace_decision_count];
	decision->call = current_call;
	decision->arity = arity;
	decision->choice = trace_decision_count < prefix_count ? prefix[trace_decision_count] : 0;
	decision->event = current_event;
	if (decision->choice >= arity)
		decision->choice = arity - 1;
	trace_decision_count++;
	return decision->choice;
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

void kshim_no_room(void)
{
	trace_record(KSHIM_EVENT_OVERFLOW, KSHIM_PC());
	step_end();
}

void kshim_may_sleep(kshim_u64 pc)
{
	if (held_spinning)
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
	held_write = held_read = held_spinning = 0;
	for (uint32_t i = 0; i < held_count; i++) {
		if (held[i].mode == KSHIM_LOCK_READ)
			held_read |= 1u << held[i].number;
		else
			held_write |= 1u << held[i].number;
		held_spinning += held[i].mode != KSHIM_LOCK_MUTEX;
	}
}

static struct kshim_event *record_lock(enum kshim_event_kind kind, const volatile void *lock,
				       int mode, uint64_t pc)
{
	struct kshim_event *event = trace_record(kind, pc);

	event->arg[0] = number_of(lock);
	event->arg[1] = mode;
	return event;
}

void kshim_lock(const volatile void *lock, int mode, kshim_u64 pc)
{
	struct kshim_event *event;

	if (mode == KSHIM_LOCK_MUTEX)
		kshim_may_sleep(pc);
	event = record_lock(KSHIM_EVENT_LOCK, lock, mode, pc);
	for (uint32_t i = 0; i < held_count; i++)
		if (held[i].lock == lock) {
			/* On hardware this never returns. */
			event->arg[2] = 1;
			step_end();
		}
	if (held_count == MAX_HELD) {
		trace_record(KSHIM_EVENT_OVERFLOW, pc);
		step_end();
	}
	held[held_count].lock = lock;
	held[held_count].mode = mode;
	held[held_count++].number = number_of(lock);
	count_held();
	event->held_write = held_write;
	event->held_read = held_read;
}

void kshim_unlock(const volatile void *lock, int mode, kshim_u64 pc)
{
	struct kshim_event *event = record_lock(KSHIM_EVENT_UNLOCK, lock, mode, pc);

	for (uint32_t i = 0; i < held_count; i++) {
		if (held[i].lock != lock || held[i].mode != mode)
			continue;
		held[i] = held[--held_count];
		count_held();
		return;
	}
	event->arg[2] = 1;
}

/* A mutex is held exclusively too. */
static bool holds(int held_mode, int mode)
{
	return !mode || held_mode == mode ||
	       (mode == KSHIM_LOCK_WRITE && held_mode == KSHIM_LOCK_MUTEX);
}

void kshim_assert_held_at(const volatile void *lock, int mode, kshim_u64 pc)
{
	for (uint32_t i = 0; i < held_count; i++)
		if (held[i].lock == lock && holds(held[i].mode, mode))
			return;
	record_lock(KSHIM_EVENT_ASSERT, lock, mode, pc);
}

void kshim_assert_held(const volatile void *lock, int mode)
{
	kshim_assert_held_at(lock, mode, KSHIM_PC());
}

void kshim_assert_not_held(const volatile void *lock)
{
	for (uint32_t i = 0; i < held_count; i++)
		if (held[i].lock == lock)
			record_lock(KSHIM_EVENT_ASSERT, lock, -1, KSHIM_PC());
}

uint32_t trace_locks_held(void)
{
	return held_count;
}

uint64_t trace_digest(uint64_t seed)
{
	for (uint32_t i = 0; i < trace_event_count; i++) {
		const struct kshim_event *event = &trace_events[i];

		seed = mix(seed, (uint64_t)event->kind << 32 | (uint64_t)event->call << 16 |
				 event->at);
		seed = mix(seed, event->value);
		for (int a = 0; a < 4; a++)
			seed = mix(seed, event->arg[a]);
	}
	return seed;
}
