/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced and observed: assertions about locks hold whatever the tree's configuration says. */
#include_next <linux/lockdep.h>

#pragma once
#include <kshim_runtime.h>

#undef lockdep_assert_held
#undef lockdep_assert_held_write
#undef lockdep_assert_held_read
#undef lockdep_assert_held_once
#undef lockdep_assert_not_held
#define lockdep_assert_held(lock) kshim_assert_held((lock), 0)
#define lockdep_assert_held_once(lock) kshim_assert_held((lock), 0)
#define lockdep_assert_held_read(lock) kshim_assert_held((lock), 1)
#define lockdep_assert_held_write(lock) kshim_assert_held((lock), 2)
#define lockdep_assert_not_held(lock) kshim_assert_not_held((lock))

/* Sections, as enum kshim_context counts them. */
#undef lockdep_assert_irqs_enabled
#undef lockdep_assert_irqs_disabled
#undef lockdep_assert_preemption_enabled
#undef lockdep_assert_preemption_disabled
#undef might_lock
#undef might_lock_read
#undef might_lock_nested
#define lockdep_assert_irqs_enabled() kshim_assert_context(0, 0)
#define lockdep_assert_irqs_disabled() kshim_assert_context(0, 1)
#define lockdep_assert_preemption_enabled() \
	(kshim_assert_context(2, 0), kshim_assert_context(0, 0))
#define lockdep_assert_preemption_disabled() kshim_assert_context(2, 1)
#define might_lock(lock) kshim_assert_not_held((lock))
#define might_lock_read(lock) ((void)(lock))
#define might_lock_nested(lock, subclass) ((void)(lock))
