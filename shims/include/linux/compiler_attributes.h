/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: where code and data lie. The subject may write its own sections, which the unit names. */
#include_next <linux/compiler_attributes.h>

#pragma once
#undef __section
#define __section(section)
