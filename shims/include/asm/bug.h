/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replaced and observed: WARN*() becomes a recorded event with the condition's value kept, BUG()
 * ends the step. "Once" hides nothing: each scenario sees every WARN.
 */
#include_next <asm/bug.h>

#pragma once
#include <kshim_runtime.h>

#undef WARN
#undef WARN_ON
#undef WARN_ONCE
#undef WARN_ON_ONCE
#undef WARN_TAINT
#undef WARN_TAINT_ONCE
#undef WARN_ON_SMP
#undef BUG
#undef BUG_ON

#define KSHIM_WARN(condition) ({				\
	int __kshim_condition = !!(condition);			\
	if (__builtin_expect(__kshim_condition, 0))		\
		kshim_warn(__LINE__);				\
	__builtin_expect(__kshim_condition, 0);			\
})
#define WARN_ON(condition) KSHIM_WARN(condition)
#define WARN_ON_ONCE(condition) KSHIM_WARN(condition)
#define WARN_ON_SMP(condition) KSHIM_WARN(condition)
#define WARN(condition, format...) KSHIM_WARN(condition)
#define WARN_ONCE(condition, format...) KSHIM_WARN(condition)
#define WARN_TAINT(condition, taint, format...) KSHIM_WARN(condition)
#define WARN_TAINT_ONCE(condition, taint, format...) KSHIM_WARN(condition)
#define BUG() kshim_bug(__LINE__)
/* No branch of its own: that it never fires is how it should be. */
#define BUG_ON(condition) kshim_bug_on(!!(condition), __LINE__)
