/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In place of the tree's: there is one CPU, and its variables are variables. Accesses are C, so that
 * they are checked like any other.
 */
#ifndef _ASM_X86_PERCPU_H
#define _ASM_X86_PERCPU_H

#ifndef __ASSEMBLY__
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/stringify.h>

#define PER_CPU_VAR(variable) variable
#define __percpu_prefix ""
#define __percpu_seg_override
#define __percpu_arg(x) "%" #x
#define __force_percpu_arg(x) "%" #x
#define __my_cpu_offset 0UL
#define __per_cpu_offset kshim_per_cpu_offset
#define per_cpu_offset(cpu) ((void)(cpu), 0UL)
#define arch_raw_cpu_ptr(pointer) ((typeof(*(pointer)) __kernel __force *)(pointer))
#define PER_CPU_BASE_SECTION ".data"

#define INIT_PER_CPU_VAR(variable) variable
#define DECLARE_INIT_PER_CPU(variable) extern typeof(variable) init_per_cpu_##variable
#define init_per_cpu_var(variable) init_per_cpu__##variable

#define this_cpu_read_1(pcp) raw_cpu_generic_read(pcp)
#define this_cpu_read_2(pcp) raw_cpu_generic_read(pcp)
#define this_cpu_read_4(pcp) raw_cpu_generic_read(pcp)
#define this_cpu_read_8(pcp) raw_cpu_generic_read(pcp)
#define this_cpu_write_1(pcp, value) raw_cpu_generic_to_op(pcp, value, =)
#define this_cpu_write_2(pcp, value) raw_cpu_generic_to_op(pcp, value, =)
#define this_cpu_write_4(pcp, value) raw_cpu_generic_to_op(pcp, value, =)
#define this_cpu_write_8(pcp, value) raw_cpu_generic_to_op(pcp, value, =)
#define this_cpu_add_1(pcp, value) raw_cpu_generic_to_op(pcp, value, +=)
#define this_cpu_add_2(pcp, value) raw_cpu_generic_to_op(pcp, value, +=)
#define this_cpu_add_4(pcp, value) raw_cpu_generic_to_op(pcp, value, +=)
#define this_cpu_add_8(pcp, value) raw_cpu_generic_to_op(pcp, value, +=)
#define this_cpu_and_1(pcp, value) raw_cpu_generic_to_op(pcp, value, &=)
#define this_cpu_and_2(pcp, value) raw_cpu_generic_to_op(pcp, value, &=)
#define this_cpu_and_4(pcp, value) raw_cpu_generic_to_op(pcp, value, &=)
#define this_cpu_and_8(pcp, value) raw_cpu_generic_to_op(pcp, value, &=)
#define this_cpu_or_1(pcp, value) raw_cpu_generic_to_op(pcp, value, |=)
#define this_cpu_or_2(pcp, value) raw_cpu_generic_to_op(pcp, value, |=)
#define this_cpu_or_4(pcp, value) raw_cpu_generic_to_op(pcp, value, |=)
#define this_cpu_or_8(pcp, value) raw_cpu_generic_to_op(pcp, value, |=)
#define this_cpu_add_return_1(pcp, value) raw_cpu_generic_add_return(pcp, value)
#define this_cpu_add_return_2(pcp, value) raw_cpu_generic_add_return(pcp, value)
#define this_cpu_add_return_4(pcp, value) raw_cpu_generic_add_return(pcp, value)
#define this_cpu_add_return_8(pcp, value) raw_cpu_generic_add_return(pcp, value)
#define this_cpu_xchg_1(pcp, value) raw_cpu_generic_xchg(pcp, value)
#define this_cpu_xchg_2(pcp, value) raw_cpu_generic_xchg(pcp, value)
#define this_cpu_xchg_4(pcp, value) raw_cpu_generic_xchg(pcp, value)
#define this_cpu_xchg_8(pcp, value) raw_cpu_generic_xchg(pcp, value)
#define this_cpu_cmpxchg_1(pcp, old, value) raw_cpu_generic_cmpxchg(pcp, old, value)
#define this_cpu_cmpxchg_2(pcp, old, value) raw_cpu_generic_cmpxchg(pcp, old, value)
#define this_cpu_cmpxchg_4(pcp, old, value) raw_cpu_generic_cmpxchg(pcp, old, value)
#define this_cpu_cmpxchg_8(pcp, old, value) raw_cpu_generic_cmpxchg(pcp, old, value)

#include <asm-generic/percpu.h>

/* Where the subject may write. */
#undef __PCPU_ATTRS
#define __PCPU_ATTRS(section) __percpu

#define this_cpu_read_stable(pcp) (*raw_cpu_ptr(&(pcp)))
#define this_cpu_read_const(pcp) (*raw_cpu_ptr(&(pcp)))
#define x86_this_cpu_test_bit(bit, map) \
	((*((const unsigned long *)(map) + (bit) / 64) >> ((bit) % 64)) & 1)
#define x86_this_cpu_constant_test_bit(bit, map) x86_this_cpu_test_bit(bit, map)
#define x86_this_cpu_variable_test_bit(bit, map) x86_this_cpu_test_bit(bit, map)

#define DECLARE_EARLY_PER_CPU(type, name) \
	DECLARE_PER_CPU(type, name); \
	extern __typeof__(type) *name##_early_ptr; \
	extern __typeof__(type) name##_early_map[]
#define DECLARE_EARLY_PER_CPU_READ_MOSTLY(type, name) \
	DECLARE_PER_CPU_READ_MOSTLY(type, name); \
	extern __typeof__(type) *name##_early_ptr; \
	extern __typeof__(type) name##_early_map[]
#define DEFINE_EARLY_PER_CPU(type, name, value) DEFINE_PER_CPU(type, name) = value
#define DEFINE_EARLY_PER_CPU_READ_MOSTLY(type, name, value) \
	DEFINE_PER_CPU_READ_MOSTLY(type, name) = value
#define EXPORT_EARLY_PER_CPU_SYMBOL(symbol) EXPORT_PER_CPU_SYMBOL(symbol)
#define early_per_cpu_ptr(name) (name##_early_ptr)
#define early_per_cpu_map(name, index) (name##_early_map[index])
#define early_per_cpu(name, cpu) per_cpu(name, cpu)

DECLARE_PER_CPU(unsigned long, this_cpu_off);
#endif
#endif
