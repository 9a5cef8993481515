/* SPDX-License-Identifier: GPL-2.0-only */
#define RQ_nr_pinned 0
