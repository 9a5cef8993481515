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

/* How long an operand in memory or in a register is, from its ModRM byte on. */
static unsigned operand(const uint8_t *code)
{
	const unsigned mode = *code >> 6, base = *code & 7;
	const unsigned sib = mode != 3 && base == 4;

	if (mode == 3)
		return 1;
	if (mode == 0)
		return 1 + sib + ((sib ? code[1] & 7 : base) == 5 ? 4 : 0);
	return 1 + sib + (mode == 1 ? 1 : 4);
}

/* What only a hypervisor may do succeeds, and what it reads is 0. Returns whether it was that. */
static int skip_virtualisation(ucontext_t *state)
{
	static const int registers[] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	greg_t *values = state->uc_mcontext.gregs;
	const uint8_t *code = (const uint8_t *)values[REG_RIP];
	unsigned rex = 0, length = 0, is_long = 0;

	if (code[length] == 0x66 || code[length] == 0xf3) {
		is_long = 1;
		length++;
	}
	if (code[length] >> 4 == 4)
		rex = code[length++];
	if (code[length] != 0x0f)
		return 0;
	if (code[length + 1] == 0x78 || code[length + 1] == 0x79) {	/* vmread, vmwrite */
		const uint8_t *byte = code + length + 2;

		if (code[length + 1] == 0x78 && *byte >> 6 == 3)
			values[registers[(*byte & 7) | (rex & 1) << 3]] = 0;
		length += 2 + operand(byte);
	} else if (is_long && code[length + 1] == 0x38 && (code[length + 2] & 0xfe) == 0x80) {
		length += 3 + operand(code + length + 3);	/* invept, invvpid */
	} else if (code[length + 1] == 0xc7 && code[length + 2] >> 6 != 3 &&
		   (code[length + 2] >> 3 & 7) >= 6) {
		length += 2 + operand(code + length + 2);	/* vmptrld, vmclear, vmxon, vmptrst */
	} else {
		return 0;
	}
	values[REG_RIP] += length;
	values[REG_EFL] &= ~0x8d5LL;	/* carry and zero say that it fails */
	return 1;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *state = context;

	if (running && number == SIGILL && skip_virtualisation(state))
		return;
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
