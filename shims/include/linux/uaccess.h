/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: one word of the user's memory goes the way of a copy, which can fail. */
#include_next <linux/uaccess.h>

#pragma once
#undef get_user
#undef put_user
#undef __get_user
#undef __put_user
#undef unsafe_get_user
#undef unsafe_put_user
#undef user_access_begin
#undef user_access_end
#undef user_read_access_begin
#undef user_read_access_end
#undef user_write_access_begin
#undef user_write_access_end
#define get_user(x, from) ({						\
	__typeof__((__typeof__(*(from)))0) __kshim_word = 0;		\
	int __kshim_error = copy_from_user(&__kshim_word, (from), sizeof(__kshim_word)) ? \
			    -14 : 0;					\
	(x) = (__typeof__(x))__kshim_word;				\
	__kshim_error;							\
})
#define put_user(x, to) ({						\
	__typeof__(*(to)) __kshim_word = (x);				\
	copy_to_user((to), &__kshim_word, sizeof(__kshim_word)) ? -14 : 0; \
})
#define __get_user(x, from) get_user(x, from)
#define __put_user(x, to) put_user(x, to)
#define unsafe_get_user(x, from, label) do { if (get_user(x, from)) goto label; } while (0)
#define unsafe_put_user(x, to, label) do { if (put_user(x, to)) goto label; } while (0)
#define user_access_begin(from, size) ((void)(from), (void)(size), 1)
#define user_access_end() do { } while (0)
#define user_read_access_begin(from, size) user_access_begin(from, size)
#define user_read_access_end() do { } while (0)
#define user_write_access_begin(to, size) user_access_begin(to, size)
#define user_write_access_end() do { } while (0)
