// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process has once, however many subjects it loads and unloads: the handler of the processor's
 * faults. A subject's own code may be gone by the time that something else faults.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* names of registers */
#endif
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#include <kshim.h>

#define ALTERNATE_STACK (64 * 1024)

static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))
static struct sigaction previous[SIGNALS];
/* Whose step this thread makes. */
static _Thread_local const struct kshim_table *running;

/* Faults of anybody else go to whoever was there before. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	for (unsigned i = 0; i < SIGNALS; i++) {
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

static void on_fault(int number, siginfo_t *info, void *context)
{
	const ucontext_t *state = context;

	if (running)
		running->fault(number, (uint64_t)info->si_addr,
			       (uint64_t)state->uc_mcontext.gregs[REG_RIP],
			       (uint64_t)state->uc_mcontext.gregs[REG_RSP]);
	pass_on(number, info, context);
}

static void install(void)
{
	for (unsigned i = 0; i < SIGNALS; i++) {
		struct sigaction action = {
			.sa_sigaction = on_fault,
			.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
		};

		sigemptyset(&action.sa_mask);
		if (sigaction(signals[i], &action, &previous[i]))
			__builtin_trap();
	}
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

void kshim_run_in(const struct kshim_table *table)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static _Thread_local bool is_ready;

	if (table && !is_ready) {
		add_alternate_stack();
		pthread_once(&once, install);
		is_ready = true;
	}
	running = table;
}
