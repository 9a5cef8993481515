// SPDX-License-Identifier: GPL-2.0-only
#define KSHIM_NAME(name) name##_behaviours
#include "../../../kernel-extract/runtime.inc"
