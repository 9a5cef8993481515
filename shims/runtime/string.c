// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of the kernel's lib/string.c that the subject may call: what they read and write is
 * looked at, too. UnitWriter gives the kernel's names to these.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kshim_runtime.h>

#include "instruments.h"

#define READ(address) (INSTRUMENT(access)((uint64_t)(address), 1, false, pc), *(address))
#define WRITE(address, value)								\
	(INSTRUMENT(access)((uint64_t)(address), 1, true, pc), *(address) = (value))

int kshim_memcmp(const unsigned char *left, const unsigned char *right, size_t count);
int kshim_memcmp(const unsigned char *left, const unsigned char *right, size_t count)
{
	const uint64_t pc = KSHIM_PC();

	for (; count; count--, left++, right++) {
		const int difference = READ(left) - READ(right);

		if (difference)
			return difference;
	}
	return 0;
}

void *kshim_memchr(const unsigned char *from, int byte, size_t count);
void *kshim_memchr(const unsigned char *from, int byte, size_t count)
{
	const uint64_t pc = KSHIM_PC();

	for (; count; count--, from++)
		if (READ(from) == (unsigned char)byte)
			return (void *)from;
	return NULL;
}

static size_t length(const char *text, size_t most, uint64_t pc)
{
	size_t count = 0;

	while (count < most && READ(text + count))
		count++;
	return count;
}

size_t kshim_strlen(const char *text);
size_t kshim_strlen(const char *text)
{
	return length(text, SIZE_MAX, KSHIM_PC());
}

size_t kshim_strnlen(const char *text, size_t most);
size_t kshim_strnlen(const char *text, size_t most)
{
	return length(text, most, KSHIM_PC());
}

static int compare(const unsigned char *left, const unsigned char *right, size_t most, uint64_t pc)
{
	for (; most; most--, left++, right++) {
		const int first = READ(left), second = READ(right);

		if (first != second)
			return first < second ? -1 : 1;
		if (!first)
			break;
	}
	return 0;
}

int kshim_strcmp(const char *left, const char *right);
int kshim_strcmp(const char *left, const char *right)
{
	return compare((const unsigned char *)left, (const unsigned char *)right, SIZE_MAX,
		       KSHIM_PC());
}

int kshim_strncmp(const char *left, const char *right, size_t most);
int kshim_strncmp(const char *left, const char *right, size_t most)
{
	return compare((const unsigned char *)left, (const unsigned char *)right, most, KSHIM_PC());
}

char *kshim_strchr(const char *text, int wanted);
char *kshim_strchr(const char *text, int wanted)
{
	const uint64_t pc = KSHIM_PC();

	for (;; text++) {
		const char found = READ(text);

		if (found == (char)wanted)
			return (char *)text;
		if (!found)
			return NULL;
	}
}

char *kshim_strrchr(const char *text, int wanted);
char *kshim_strrchr(const char *text, int wanted)
{
	const uint64_t pc = KSHIM_PC();
	const char *last = NULL;

	for (;; text++) {
		const char found = READ(text);

		if (found == (char)wanted)
			last = text;
		if (!found)
			return (char *)last;
	}
}

static void copy(char *to, const char *from, uint64_t pc)
{
	char byte;

	do {
		byte = READ(from++);
		WRITE(to++, byte);
	} while (byte);
}

char *kshim_strcpy(char *to, const char *from);
char *kshim_strcpy(char *to, const char *from)
{
	copy(to, from, KSHIM_PC());
	return to;
}

char *kshim_strncpy(char *to, const char *from, size_t count);
char *kshim_strncpy(char *to, const char *from, size_t count)
{
	const uint64_t pc = KSHIM_PC();
	bool is_over = false;

	for (size_t i = 0; i < count; i++) {
		const char byte = is_over ? 0 : READ(from + i);

		WRITE(to + i, byte);
		is_over = is_over || !byte;
	}
	return to;
}

char *kshim_strcat(char *to, const char *from);
char *kshim_strcat(char *to, const char *from)
{
	const uint64_t pc = KSHIM_PC();

	copy(to + length(to, SIZE_MAX, pc), from, pc);
	return to;
}
