/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In place of the tree's: the count of what keeps a thread from being preempted is the runtime's. It
 * never calls for another thread.
 */
#ifndef __ASM_PREEMPT_H
#define __ASM_PREEMPT_H

#include <asm/rmwcc.h>
#include <asm/percpu.h>
#include <asm/current.h>
#include <linux/static_call_types.h>
#include <kshim_runtime.h>

#define PREEMPT_NEED_RESCHED 0x80000000
#define PREEMPT_ENABLED 0
#define init_task_preempt_count(p) do { } while (0)
#define init_idle_preempt_count(p, cpu) do { } while (0)

static __always_inline int preempt_count(void)
{
	return kshim_preempt_count();
}

static __always_inline void preempt_count_set(unsigned long value)
{
}

static __always_inline void set_preempt_need_resched(void)
{
}

static __always_inline void clear_preempt_need_resched(void)
{
}

static __always_inline bool test_preempt_need_resched(void)
{
	return false;
}

static __always_inline void __preempt_count_add(int value)
{
	kshim_preempt_add(value);
}

static __always_inline void __preempt_count_sub(int value)
{
	kshim_preempt_sub(value);
}

static __always_inline bool __preempt_count_dec_and_test(void)
{
	kshim_preempt_sub(1);
	return false;
}

static __always_inline bool should_resched(int offset)
{
	return false;
}

#define __preempt_schedule() do { } while (0)
#define __preempt_schedule_notrace() do { } while (0)
#endif
