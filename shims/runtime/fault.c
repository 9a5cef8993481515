// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the instruments do not see coming: a jump through a wild pointer, an illegal instruction, a
 * division by zero, the end of the stack. The processor's fault ends the step, not the process.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* names of registers */
#endif
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#include "world.h"

#define ALTERNATE_STACK (64 * 1024)

static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
static struct sigaction previous[sizeof(signals) / sizeof(signals[0])];
static pthread_t worker;

/* Faults of anybody else go to whoever was there before. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i] != number)
			continue;
		if (previous[i].sa_flags & SA_SIGINFO) {
			previous[i].sa_sigaction(number, info, context);
		} else if (previous[i].sa_handler != SIG_DFL && previous[i].sa_handler != SIG_IGN) {
			previous[i].sa_handler(number);
		} else {
			signal(number, SIG_DFL);
			raise(number);
		}
	}
}

static enum kshim_fault fault_of(int number, uint64_t address)
{
	if (number == SIGFPE)
		return KSHIM_FAULT_DIVISION;
	if (number == SIGILL || number == SIGTRAP)
		return KSHIM_FAULT_INSTRUCTION;
	return number == SIGSEGV && thread_place(address) == THREAD_GUARD ?
	       KSHIM_FAULT_STACK : KSHIM_FAULT_ADDRESS;
}

/* Whether a call has led out of the subject's code; its return address is on the stack then. */
static bool was_called(uint64_t instruction, uint64_t stack)
{
	return !memory_is_code(instruction) && thread_place(stack) == THREAD_STACK &&
	       !(stack & 7) && memory_is_code(*(uint64_t *)stack);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	const ucontext_t *state = context;
	uint64_t instruction = (uint64_t)state->uc_mcontext.gregs[REG_RIP];
	uint64_t stack = (uint64_t)state->uc_mcontext.gregs[REG_RSP];

	if (!step_inside || !pthread_equal(worker, pthread_self())) {
		pass_on(number, info, context);
		return;
	}
	/* A return address, as every event has: one past the instruction. */
	step_fault(fault_of(number, (uint64_t)info->si_addr),
		   was_called(instruction, stack) ? *(uint64_t *)stack : instruction + 1);
}

static void add_alternate_stack(void)
{
	stack_t stack = { .ss_size = ALTERNATE_STACK };
	stack_t present;

	if (!sigaltstack(NULL, &present) && !(present.ss_flags & SS_DISABLE))
		return;
	stack.ss_sp = malloc(ALTERNATE_STACK);	/* the thread's, to its end */
	if (!stack.ss_sp || sigaltstack(&stack, NULL))
		__builtin_trap();
}

void fault_expect(void)
{
	static _Thread_local bool is_ready;
	static bool is_installed;

	worker = pthread_self();
	if (!is_ready) {
		add_alternate_stack();
		is_ready = true;
	}
	if (is_installed)
		return;
	is_installed = true;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction action = {
			.sa_sigaction = on_fault,
			.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
		};

		sigemptyset(&action.sa_mask);
		if (sigaction(signals[i], &action, &previous[i]))
			__builtin_trap();
	}
}
