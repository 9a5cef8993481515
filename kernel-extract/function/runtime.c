// SPDX-License-Identifier: GPL-2.0-only
#define KSHIM_NAME(name) name##_function
#include "../runtime.inc"
