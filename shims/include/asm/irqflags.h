/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced and observed: whether interrupts are off is the runtime's to say. */
#pragma once

#define arch_local_save_flags kshim_kernels_local_save_flags
#define arch_local_irq_restore kshim_kernels_local_irq_restore
#define arch_local_irq_disable kshim_kernels_local_irq_disable
#define arch_local_irq_enable kshim_kernels_local_irq_enable
#define arch_local_irq_save kshim_kernels_local_irq_save
#define arch_irqs_disabled kshim_kernels_irqs_disabled
#include_next <asm/irqflags.h>
#undef arch_local_save_flags
#undef arch_local_irq_restore
#undef arch_local_irq_disable
#undef arch_local_irq_enable
#undef arch_local_irq_save
#undef arch_irqs_disabled

#include <kshim_runtime.h>

#define arch_local_save_flags() kshim_irq_flags()
#define arch_local_irq_restore(flags) kshim_irq_restore(flags)
#define arch_local_irq_disable() kshim_irq_disable()
#define arch_local_irq_enable() kshim_irq_restore(KSHIM_IRQ_ENABLE)
#define arch_local_irq_save() kshim_irq_save()
#define arch_irqs_disabled() (!kshim_irq_flags())
