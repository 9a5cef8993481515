// SPDX-License-Identifier: GPL-2.0-only
/* Locks, and the other sections that a thread is in. */
#include <string.h>

#include "world.h"

#define MAX_NAMED_LOCKS 31
#define UNNAMED_LOCK 31
static const volatile void *named[MAX_NAMED_LOCKS];

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

static bool is_shared(int mode)
{
	return mode == KSHIM_LOCK_READ || mode == KSHIM_LOCK_SHARED;
}

static bool is_atomic(const struct held_lock *held)
{
	switch (held->mode) {
	case KSHIM_LOCK_MUTEX:
	case KSHIM_LOCK_SHARED:
		return false;
	case KSHIM_LOCK_CONTEXT:
		return held->number < KSHIM_CONTEXT_SRCU;
	default:
		return true;
	}
}

static void count_held(void)
{
	struct thread *thread = thread_now;

	thread->held_write = thread->held_read = thread->held_spinning = 0;
	for (uint32_t i = 0; i < thread->held_count; i++) {
		const struct held_lock *held = &thread->held[i];

		thread->held_spinning += is_atomic(held);
		if (held->mode == KSHIM_LOCK_CONTEXT)
			continue;
		if (is_shared(held->mode))
			thread->held_read |= 1u << held->number;
		else
			thread->held_write |= 1u << held->number;
	}
}

/* Whether a thread holds a lock in a way that keeps others from taking it. */
bool trace_holds(const struct thread *thread, const volatile void *lock, int mode)
{
	for (uint32_t i = 0; i < thread->held_count; i++)
		if (thread->held[i].lock == lock &&
		    !(is_shared(mode) && is_shared(thread->held[i].mode)))
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

/* What of all that is held forbids to sleep, the newest first. */
static const struct held_lock *what_forbids_sleep(void)
{
	for (uint32_t i = thread_now->held_count; i--; )
		if (is_atomic(&thread_now->held[i]))
			return &thread_now->held[i];
	return NULL;
}

void kshim_may_sleep_with(unsigned allowed, kshim_u64 pc)
{
	const struct held_lock *held;

	if (thread_now->held_spinning <= allowed)
		return;
	held = what_forbids_sleep();
	trace_lock(KSHIM_EVENT_SLEEP, held->lock, held->mode, pc)->arg[0] = held->number;
}

void kshim_may_sleep(kshim_u64 pc)
{
	kshim_may_sleep_with(0, pc);
}

static struct held_lock *find_held(const volatile void *lock)
{
	for (uint32_t i = 0; i < thread_now->held_count; i++)
		if (thread_now->held[i].lock == lock)
			return &thread_now->held[i];
	return NULL;
}

static void hold(const volatile void *lock, int mode, uint32_t number, uint64_t pc)
{
	struct thread *thread = thread_now;

	if (thread->held_count == MAX_HELD) {
		trace_limit(KSHIM_LIMIT_LOCKS, pc);
		step_end();
	}
	thread->held[thread->held_count++] = (struct held_lock){
		.lock = lock, .mode = mode, .number = number,
	};
	count_held();
}

static void release(struct held_lock *held)
{
	struct thread *thread = thread_now;

	/* The order stays: the newest of what forbids to sleep is told. */
	memmove(held, held + 1, (char *)&thread->held[--thread->held_count] - (char *)held);
	count_held();
}

void kshim_lock(const volatile void *lock, int mode, kshim_u64 pc)
{
	struct thread *thread = thread_now;
	struct kshim_event *event;

	if (mode == KSHIM_LOCK_MUTEX || mode == KSHIM_LOCK_SHARED)
		kshim_may_sleep(pc);
	thread_wait(lock, mode, pc);
	event = trace_lock(KSHIM_EVENT_LOCK, lock, mode, pc);
	if (find_held(lock)) {
		/* On hardware this never returns. */
		event->arg[2] = 1;
		step_end();
	}
	hold(lock, mode, number_of(lock), pc);
	event->held_write = thread->held_write;
	event->held_read = thread->held_read;
}

_Bool kshim_is_locked(const volatile void *lock, int mode)
{
	meeting_touch((uint64_t)lock, 1, false);
	for (unsigned n = 0; n < THREADS; n++)
		if (trace_holds(&threads[n], lock, mode))
			return true;
	return false;
}

void kshim_unlock(const volatile void *lock, int mode, kshim_u64 pc)
{
	struct kshim_event *event = trace_lock(KSHIM_EVENT_UNLOCK, lock, mode, pc);
	struct held_lock *held = find_held(lock);

	meeting_touch((uint64_t)lock, 1, true);
	if (!held || held->mode != mode) {
		event->arg[2] = 1;
		return;
	}
	release(held);
	thread_now->has_released = true;
}

void kshim_downgrade(const volatile void *lock, kshim_u64 pc)
{
	struct kshim_event *event = trace_lock(KSHIM_EVENT_LOCK, lock, KSHIM_LOCK_SHARED, pc);
	struct held_lock *held = find_held(lock);

	if (!held || held->mode != KSHIM_LOCK_MUTEX) {
		event->arg[2] = 1;
		step_end();
	}
	trace_lock(KSHIM_EVENT_UNLOCK, lock, KSHIM_LOCK_MUTEX, pc);
	meeting_touch((uint64_t)lock, 1, true);
	held->mode = KSHIM_LOCK_SHARED;
	count_held();
	thread_now->has_released = true;
}

/* Contexts: sections that a thread of its own is in. They nest, but for that of interrupts. */
static const char contexts[KSHIM_CONTEXTS];

static struct held_lock *find_context(enum kshim_context context)
{
	struct held_lock *found = NULL;

	for (uint32_t i = 0; i < thread_now->held_count; i++)
		if (thread_now->held[i].lock == &contexts[context])
			found = &thread_now->held[i];
	return found;
}

static struct kshim_event *trace_context(enum kshim_event_kind kind, enum kshim_context context,
					 uint64_t pc)
{
	struct kshim_event *event = trace_record(kind, pc);

	event->arg[0] = context;
	event->arg[1] = KSHIM_LOCK_CONTEXT;
	return event;
}

_Bool kshim_in_context(int context)
{
	return find_context(context);
}

void kshim_enter_context(int context, kshim_u64 pc)
{
	trace_context(KSHIM_EVENT_LOCK, context, pc);
	hold(&contexts[context], KSHIM_LOCK_CONTEXT, context, pc);
}

void kshim_leave_context(int context, kshim_u64 pc)
{
	struct held_lock *held = find_context(context);
	struct kshim_event *event = trace_context(KSHIM_EVENT_UNLOCK, context, pc);

	if (held)
		release(held);
	else
		event->arg[2] = 1;
}

/* Sections of SRCU are apart by their domain, and end with the index that they began with. */
static struct held_lock *find_srcu(const void *domain, const unsigned *index)
{
	struct held_lock *found = NULL;

	for (uint32_t i = 0; i < thread_now->held_count; i++) {
		struct held_lock *held = &thread_now->held[i];

		if (held->mode == KSHIM_LOCK_CONTEXT && held->number == KSHIM_CONTEXT_SRCU &&
		    held->lock == domain && (!index || held->index == *index))
			found = held;
	}
	return found;
}

unsigned kshim_enter_srcu(const void *domain, kshim_u64 pc)
{
	unsigned index = 0;

	for (uint32_t i = 0; i < thread_now->held_count; i++)
		index ^= thread_now->held[i].mode == KSHIM_LOCK_CONTEXT &&
			 thread_now->held[i].number == KSHIM_CONTEXT_SRCU;
	trace_context(KSHIM_EVENT_LOCK, KSHIM_CONTEXT_SRCU, pc);
	hold(domain, KSHIM_LOCK_CONTEXT, KSHIM_CONTEXT_SRCU, pc);
	thread_now->held[thread_now->held_count - 1].index = index;
	return index;
}

void kshim_leave_srcu(const void *domain, unsigned index, kshim_u64 pc)
{
	struct held_lock *held = find_srcu(domain, &index);
	struct kshim_event *event = trace_context(KSHIM_EVENT_UNLOCK, KSHIM_CONTEXT_SRCU, pc);

	if (!held) {
		held = find_srcu(domain, NULL);
		event->arg[2] = held ? 3 : 1;
	}
	if (held)
		release(held);
}

void kshim_wait_srcu(const void *domain, kshim_u64 pc)
{
	if (!find_srcu(domain, NULL))
		return;
	trace_record(KSHIM_EVENT_HANG, pc);
	step_end();
}

/* Any spinning lock keeps a thread from being preempted. */
void kshim_assert_context(int context, _Bool is_inside)
{
	const bool is = find_context(context) ||
			(context == KSHIM_CONTEXT_PREEMPT && kshim_preempt_count()) ||
			(context == KSHIM_CONTEXT_PREEMPT && find_context(KSHIM_CONTEXT_IRQ));

	if (is != is_inside)
		trace_context(KSHIM_EVENT_ASSERT, context, KSHIM_PC())->arg[2] = is_inside;
}

/* How much of what forbids to sleep a lock brings: itself, and what its function switched off. */
unsigned kshim_held_with(const volatile void *lock)
{
	const struct held_lock *held = find_held(lock);

	if (!held)
		return 0;
	return held > thread_now->held && held[-1].mode == KSHIM_LOCK_CONTEXT &&
			       held[-1].number <= KSHIM_CONTEXT_BH ?
		       2 :
		       1;
}

/* EFLAGS.IF */
#define INTERRUPT_FLAG 0x200UL

unsigned long kshim_irq_flags(void)
{
	return find_context(KSHIM_CONTEXT_IRQ) ? 0 : INTERRUPT_FLAG;
}

/* A lock that is taken with interrupts off must not be held with interrupts on. */
static bool was_locked_inside(const struct held_lock *context)
{
	for (uint32_t i = context - thread_now->held + 1; i < thread_now->held_count; i++)
		if (thread_now->held[i].mode == KSHIM_LOCK_READ ||
		    thread_now->held[i].mode == KSHIM_LOCK_WRITE)
			return true;
	return false;
}

void kshim_irq_restore_at(unsigned long flags, kshim_u64 pc)
{
	struct held_lock *held = find_context(KSHIM_CONTEXT_IRQ);

	if (!(flags & INTERRUPT_FLAG)) {
		if (!held)
			kshim_enter_context(KSHIM_CONTEXT_IRQ, pc);
	} else if (held) {
		/* Nor where somebody had them off before. */
		const bool is_wrong = was_locked_inside(held) ||
				      (flags == KSHIM_IRQ_ENABLE && thread_now->irq_nested);
		struct kshim_event *event = trace_context(KSHIM_EVENT_UNLOCK,
							  KSHIM_CONTEXT_IRQ, pc);

		event->arg[2] = is_wrong ? 2 : 0;
		thread_now->irq_nested = 0;
		release(held);
	}
}

unsigned long kshim_irq_save_at(kshim_u64 pc)
{
	const unsigned long flags = kshim_irq_flags();

	kshim_irq_restore_at(0, pc);
	return flags;
}

void kshim_irq_disable_at(kshim_u64 pc)
{
	if (!kshim_irq_flags())
		thread_now->irq_nested++;
	kshim_irq_restore_at(0, pc);
}

void kshim_irq_disable(void)
{
	kshim_irq_disable_at(KSHIM_PC());
}

void kshim_irq_restore(unsigned long flags)
{
	kshim_irq_restore_at(flags, KSHIM_PC());
}

unsigned long kshim_irq_save(void)
{
	return kshim_irq_save_at(KSHIM_PC());
}

/* The count of <linux/preempt.h>: preemption in the lowest byte, softirqs in the next. */
#define SOFTIRQS 0x200

int kshim_preempt_count(void)
{
	int count = 0;

	for (uint32_t i = 0; i < thread_now->held_count; i++) {
		const struct held_lock *held = &thread_now->held[i];

		if (held->mode == KSHIM_LOCK_CONTEXT && held->number == KSHIM_CONTEXT_BH)
			count += SOFTIRQS;
		else if (held->mode == KSHIM_LOCK_READ || held->mode == KSHIM_LOCK_WRITE ||
			 (held->mode == KSHIM_LOCK_CONTEXT &&
			  held->number == KSHIM_CONTEXT_PREEMPT))
			count++;
	}
	return count;
}

void kshim_preempt_add(int value)
{
	const kshim_u64 pc = KSHIM_PC();

	for (; value >= SOFTIRQS; value -= SOFTIRQS)
		kshim_enter_context(KSHIM_CONTEXT_BH, pc);
	for (; value > 0; value--)
		kshim_enter_context(KSHIM_CONTEXT_PREEMPT, pc);
}

void kshim_preempt_sub(int value)
{
	const kshim_u64 pc = KSHIM_PC();

	for (; value >= SOFTIRQS; value -= SOFTIRQS)
		kshim_leave_context(KSHIM_CONTEXT_BH, pc);
	for (; value > 0; value--)
		kshim_leave_context(KSHIM_CONTEXT_PREEMPT, pc);
}

/* What sleeps is held exclusively or shared, too. */
static bool fits(int held_mode, int mode)
{
	return !mode || held_mode == mode ||
	       (mode == KSHIM_LOCK_WRITE && held_mode == KSHIM_LOCK_MUTEX) ||
	       (mode == KSHIM_LOCK_READ && held_mode == KSHIM_LOCK_SHARED);
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
