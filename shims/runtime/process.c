// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process has once, however many subjects it loads and unloads: the handler of the processor's
 * faults. A subject's own code may be gone by the time that something else faults.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* names of registers */
#endif
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <kshim.h>

#define ALTERNATE_STACK (64 * 1024)

static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))
static struct sigaction previous[SIGNALS];
/* Whose step this thread makes. */
static _Thread_local const struct kshim_table *running;

/* Where the C library's own system calls are. */
static struct { uint64_t start, size; } library;
static bool is_confined;
/* What the kernel looks at before a system call of this thread that is none of the library's. */
static _Thread_local volatile char dispatch = SYSCALL_DISPATCH_FILTER_ALLOW;
#define SYSCALL_INSTRUCTION 2	/* bytes */

static int find_library(struct dl_phdr_info *info, size_t size, void *known)
{
	(void)size;
	(void)known;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		const uint64_t start = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) ||
		    (uint64_t)&prctl - start >= part->p_memsz)
			continue;
		library.start = start;
		library.size = part->p_memsz;
		return 1;
	}
	return 0;
}

void kshim_confine(void)
{
	dl_iterate_phdr(find_library, NULL);
	is_confined = library.size != 0;
}

/* A kernel that cannot (before 5.11) lets everything through. */
static void confine_thread(void)
{
	if (is_confined)
		prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, library.start, library.size,
		      &dispatch);
}

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
	dispatch = SYSCALL_DISPATCH_FILTER_ALLOW;
	if (running)
		running->fault(number, (uint64_t)info->si_addr,
			       (uint64_t)state->uc_mcontext.gregs[REG_RIP],
			       (uint64_t)state->uc_mcontext.gregs[REG_RSP]);
	if (number == SIGSYS && is_confined) {
		/* The harness's own, by another library: it is made again. */
		state->uc_mcontext.gregs[REG_RIP] -= SYSCALL_INSTRUCTION;
		state->uc_mcontext.gregs[REG_RAX] = info->si_syscall;
		return;
	}
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
		confine_thread();
		is_ready = true;
	}
	running = table;
	dispatch = table && is_confined ? SYSCALL_DISPATCH_FILTER_BLOCK : SYSCALL_DISPATCH_FILTER_ALLOW;
}
