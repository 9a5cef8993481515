// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the instruments do not see coming: a jump through a wild pointer, an illegal instruction, a
 * division by zero, the end of the stack. The processor's fault ends the step, not the process.
 */
#include <signal.h>

#include "world.h"

static enum kshim_fault fault_of(int number, uint64_t address, uint64_t instruction)
{
	if (number == SIGFPE)
		return KSHIM_FAULT_DIVISION;
	if (number == SIGSYS)
		return KSHIM_FAULT_CALL;
	if (number == SIGILL || number == SIGTRAP)
		return KSHIM_FAULT_INSTRUCTION;
	if (number == SIGSEGV && !instruction)
		return KSHIM_FAULT_NULL;
	return number == SIGSEGV && thread_place(address) == THREAD_GUARD ?
	       KSHIM_FAULT_STACK : KSHIM_FAULT_ADDRESS;
}

/* Whether a call has led out of the subject's code; its return address is on the stack then. */
static bool was_called(uint64_t instruction, uint64_t stack)
{
	return !memory_is_code(instruction) && thread_place(stack) == THREAD_STACK &&
	       !(stack & 7) && memory_is_code(*(uint64_t *)stack);
}

void kshim_fault(int number, kshim_u64 address, kshim_u64 instruction, kshim_u64 stack)
{
	if (!step_inside)
		return;
	/* A return address, as every event has: one past the instruction, where that is over. */
	step_fault(fault_of(number, address, instruction),
		   was_called(instruction, stack) ? *(uint64_t *)stack :
		   instruction + (number != SIGSYS));
}
