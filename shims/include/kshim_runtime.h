/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stub headers and the generated harness call. Plain C types only: this header stands
 * beside the kernel's own types, which disagree with <stdint.h>.
 */
#pragma once

typedef unsigned long long kshim_u64;

#define KSHIM_PC() ((kshim_u64)(unsigned long)__builtin_return_address(0))

/* WARN and BUG of include/asm/bug.h */
void kshim_warn(int line);
void kshim_bug(int line) __attribute__((noreturn));
void kshim_bug_on(int condition, int line);

/* lockdep_assert_*() of include/linux/lockdep.h; mode as enum kshim_lock_mode, 0: any */
void kshim_assert_held(const volatile void *lock, int mode);
void kshim_assert_held_at(const volatile void *lock, int mode, kshim_u64 pc);
void kshim_assert_not_held(const volatile void *lock);
void kshim_assert_context(int context, _Bool is_inside);	/* enum kshim_context */

/* A marked access, include/asm-generic/rwonce.h: in a race the other thread may go on here. */
void kshim_point(void);

void kshim_wait(kshim_u64 pc) __attribute__((noreturn));	/* nobody else is here: for ever */
void kshim_no_room(void) __attribute__((noreturn));	/* the harness's limit, not the patch's fault */

/* Accesses that inline assembly makes, include/linux/instrumented.h */
void kshim_access(const volatile void *address, unsigned long size, int write);

/* Behind the declaration of a variable that gets no first value. */
void kshim_unset(void *address, unsigned long size);

/* The boundary. Each callee opens with kshim_call(), which records it. */
void kshim_call(unsigned call, unsigned count, kshim_u64 pc, kshim_u64 first, kshim_u64 second,
		kshim_u64 third, kshim_u64 fourth);
/* The same for what is recorded as it is, addresses too. */
void kshim_call_as(unsigned call, unsigned count, kshim_u64 pc, kshim_u64 first, kshim_u64 second,
		   kshim_u64 third, kshim_u64 fourth);
void kshim_answer(kshim_u64 value);
void kshim_tell(long value);	/* what an answer means that is no plain number */
void kshim_refuse(kshim_u64 value);	/* an answer out of the ordinary */
kshim_u64 kshim_call_pc(void);	/* where the callee was called that runs */
unsigned kshim_call_event(void);	/* the number of its event */
unsigned kshim_decide(unsigned arity);
void kshim_may_sleep(kshim_u64 pc);
void kshim_may_sleep_with(unsigned allowed, kshim_u64 pc);	/* so many spinning locks may be held */
void kshim_gone(kshim_u64 pc) __attribute__((noreturn));	/* a callee that never comes back */

/* kind: enum kshim_memory, size in bytes, flags: enum kshim_alloc_flag; virtual address or 0 */
kshim_u64 kshim_alloc(int kind, kshim_u64 size, unsigned flags, kshim_u64 pc);
/* The same from a cache of objects. */
kshim_u64 kshim_alloc_of(const void *cache, kshim_u64 size, unsigned flags, kshim_u64 pc);
void kshim_free_of(const void *cache, kshim_u64 address, kshim_u64 pc);
void kshim_free(kshim_u64 address, int kind, kshim_u64 size, kshim_u64 pc);	/* 0 is a no-op */
void kshim_replace(kshim_u64 old, kshim_u64 new, int kind, kshim_u64 pc);	/* krealloc(): moves it */
void kshim_free_later(kshim_u64 object, kshim_u64 pc);	/* when nobody is in a section */
_Bool kshim_is_vmalloc(kshim_u64 object);
_Bool kshim_may_be_vmalloc(kshim_u64 object);
kshim_u64 kshim_size_of(kshim_u64 object);	/* 0 where nothing is allocated */
kshim_u64 kshim_cache_size(const void *cache);	/* of one of its objects */
kshim_u64 kshim_boot_object(kshim_u64 size);	/* in use before the first step; virtual */
kshim_u64 kshim_pa(kshim_u64 address, kshim_u64 pc);		/* __pa() */
kshim_u64 kshim_page_pa(kshim_u64 address);	/* hpa, 0 for NULL, else the raw value */
kshim_u64 kshim_va(kshim_u64 hpa);
kshim_u64 kshim_vmemmap(unsigned long size_of_struct_page);
kshim_u64 kshim_page_offset(void);
kshim_u64 kshim_memory_end(void);	/* hpa behind the last byte */
kshim_u64 kshim_zero_pfn(void);
kshim_u64 kshim_symbol(kshim_u64 address);	/* a pointer's name, the same in every build */
void kshim_name_object(unsigned number, const void *address, unsigned long size);

void kshim_lock(const volatile void *lock, int mode, kshim_u64 pc);
void kshim_unlock(const volatile void *lock, int mode, kshim_u64 pc);
unsigned kshim_held_with(const volatile void *lock);	/* for 'allowing' */
_Bool kshim_is_locked(const volatile void *lock, int mode);	/* by any thread */
void kshim_downgrade(const volatile void *lock, kshim_u64 pc);	/* down_write() to down_read() */
void kshim_name_lock(unsigned number, const volatile void *lock);

/* Contexts; context: enum kshim_context */
void kshim_enter_context(int context, kshim_u64 pc);
_Bool kshim_in_context(int context);	/* this thread */
void kshim_leave_context(int context, kshim_u64 pc);
unsigned kshim_enter_srcu(const void *domain, kshim_u64 pc);	/* its index */
void kshim_leave_srcu(const void *domain, unsigned index, kshim_u64 pc);
void kshim_wait_srcu(const void *domain, kshim_u64 pc);	/* for ever inside of a section of it */
unsigned long kshim_irq_flags(void);		/* EFLAGS.IF or 0 */
unsigned long kshim_irq_save(void);	/* the flags before */
enum { KSHIM_IRQ_ENABLE = ~0UL };	/* flags of whoever asks for nobody's */
void kshim_irq_disable(void);
void kshim_irq_disable_at(kshim_u64 pc);
void kshim_irq_restore(unsigned long flags);
void kshim_irq_restore_at(unsigned long flags, kshim_u64 pc);
unsigned long kshim_irq_save_at(kshim_u64 pc);
int kshim_preempt_count(void);
void kshim_preempt_add(int value);
void kshim_preempt_sub(int value);

/* Objects that are made from their types. */
enum { KSHIM_NO_TYPE = ~0u };
enum kshim_field_kind {
	KSHIM_FIELD_NUMBER = 1,
	KSHIM_FIELD_POINTER,	/* value 1: a fresh object of a type; others as they are */
	KSHIM_FIELD_FUNCTION,	/* value 1: the function of that number */
	KSHIM_FIELD_LIST,	/* struct list_head; value 1: with one element of a type, 0: empty */
};
struct kshim_field {
	unsigned offset, count, stride;	/* elements of an array lie a stride apart */
	unsigned char size, kind;
	unsigned char bit, width;	/* of a bit-field, in `size` bytes at the offset; 0: none */
	unsigned char is_given_back;	/* another function of the file frees what it points to, or lowers the count */
	unsigned short call;		/* who asks */
	unsigned short value_count;	/* 0: zero */
	unsigned target, within;	/* LIST: where in an element its node is */
	const long long *values;	/* the ordinary one first */
};
struct kshim_type {
	unsigned size;
	unsigned room;			/* behind it, all 0 */
	unsigned home, within;		/* a type that this is part of, and where; or KSHIM_NO_TYPE */
	unsigned field_count;
	const struct kshim_field *fields;
	unsigned char is_page;		/* struct page and its like, which stand for pages */
};
/* What is copied from the user's memory, by its size; the last has none. */
struct kshim_sent {
	unsigned size, type;
};
struct kshim_types {
	const struct kshim_type *types;
	void *const *functions;
	const struct kshim_sent *sent;
};
kshim_u64 kshim_make(unsigned type);
/* What it made for the same arguments, as they are recorded, or 0; the second only where that is there still. */
kshim_u64 kshim_made_before(void);
kshim_u64 kshim_found_before(void);
kshim_u64 kshim_make_own(unsigned type);	/* what a callee of its own gives back */
void kshim_give_back(kshim_u64 address, kshim_u64 pc);
kshim_u64 kshim_value(const struct kshim_field *field);
void kshim_region(void *address, unsigned long size, unsigned type);
void kshim_hand(kshim_u64 address);		/* a callee may keep it */
void kshim_leave(void *where, unsigned type, kshim_u64 pc);	/* what a callee leaves there */
void kshim_sent(kshim_u64 address, kshim_u64 size, kshim_u64 pc);	/* the user's memory was copied to there */
/* What the callee that answers has put where an argument says; what was there before it did not give. */
void kshim_gave(unsigned argument, const void *where, kshim_u64 address);
void kshim_adopt(void *where, unsigned type);	/* a callee has given it its first values */
void kshim_drop(const void *count, kshim_u64 pc);	/* a callee lowers a count of references */

/* The generated harness offers these to the runtime. */
struct kshim_table;
struct kshim_racer;
/* An entry of a table of numbers. */
struct kshim_number {
	kshim_u64 table, index, value;
	kshim_u64 is_used;
	kshim_u64 event;	/* of the call that chose the number; 0 where the caller did */
};

struct kshim_harness {
	void (*prepare)(void);		/* binds objects, variables and locks in a fresh world */
	kshim_u64 (*enter)(unsigned entry, const kshim_u64 *args);
	unsigned threads;		/* 1, or 2 where two steps can race */
	void (*thread)(unsigned number);	/* says which thread runs; NULL where there is one */
	unsigned switch_call;		/* asks whether the other thread goes on */
	unsigned objects;		/* how many of what it names are objects of targets: the first */
	const unsigned char *pointers;	/* 1 for each target that returns one; NULL where none does */
	const struct kshim_types *types;	/* NULL where nothing is made from its type */
	kshim_u64 (*sections)(void);	/* of the task: page faults off in the high half, memalloc flags */
	const struct kshim_number *numbers;	/* taken from tables; NULL where there are none */
	unsigned number_count;
	const kshim_u64 *armed;		/* addresses of work and timers that may run */
	unsigned armed_count;
};
void kshim_attach(const struct kshim_harness *harness);

/* Runtime side of struct kshim_table. */
void kshim_reset(const unsigned char *choices, unsigned count);
kshim_u64 kshim_boot_page(unsigned char fill, _Bool below_4g);
unsigned kshim_next_entry(kshim_u64 hpa, unsigned from);
_Bool kshim_load(kshim_u64 hpa, kshim_u64 *value);
void kshim_poke(kshim_u64 hpa, kshim_u64 value, unsigned mask);
_Bool kshim_peek_memory(kshim_u64 hpa, kshim_u64 *value);
unsigned kshim_ask(unsigned input);
void kshim_fill_unset(unsigned char byte, _Bool trace_path);
void kshim_mark(void);
void kshim_back(const unsigned char *choices, unsigned count);

/* Where a slot of the manifest is, and how it is read; no address: it has none. */
enum kshim_place_kind {
	KSHIM_PLACE_SIZE = 0x1f,
	KSHIM_PLACE_SIGNED = 0x20,
	KSHIM_PLACE_POINTER = 0x40,	/* its value is a symbol, or an hpa to be set */
	KSHIM_PLACE_INPUT = 0x80,	/* the harness's own, on which others depend */
};
struct kshim_place {
	void *address;
	unsigned kind;
};
#define KSHIM_PLACE(lvalue, more) \
	((struct kshim_place){ (void *)&(lvalue), sizeof(lvalue) | (more) })
#define KSHIM_PLACE_NUMBER(lvalue, more) \
	KSHIM_PLACE(lvalue, ((__typeof__(lvalue))-1 < 0 ? KSHIM_PLACE_SIGNED : 0) | (more))
kshim_u64 kshim_look(struct kshim_place place);
void kshim_put(struct kshim_place place, kshim_u64 value);
extern _Bool kshim_is_peeking;	/* while it is set, reading asks for nothing and tells of nothing */

void kshim_quiet(_Bool quiet);	/* whether touching memory asks for no input */
unsigned kshim_first_store(void);	/* number of the next store that is logged */
void kshim_watch_store(unsigned number, unsigned mask);
_Bool kshim_step(unsigned entry, const kshim_u64 *args, kshim_u64 *result);
_Bool kshim_race(const struct kshim_racer *calls, kshim_u64 *results, unsigned switches,
		 unsigned failures, _Bool joining);
_Bool kshim_resume(unsigned decision, const unsigned char *choices, unsigned count,
		   kshim_u64 *results);
void kshim_fault(int number, kshim_u64 address, kshim_u64 instruction, kshim_u64 stack);
void kshim_forget_loops(void);
void kshim_watch_ways(_Bool is_watching);
kshim_u64 kshim_place_of(kshim_u64 pc);
void kshim_select(unsigned thread);
const struct kshim_world *kshim_world_now(void);
kshim_u64 kshim_digest(void);
