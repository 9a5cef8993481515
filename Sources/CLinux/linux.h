/* SPDX-License-Identifier: GPL-2.0-only */
/* Of Linux alone, and variadic: what Swift does not see. */
#ifndef KSHIM_LINUX_H
#define KSHIM_LINUX_H

#include <signal.h>
#include <sys/prctl.h>

/* The process is killed when the one that made it ends. */
static inline int linux_die_with_parent(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Orphans of the processes that it makes become its own children. */
static inline int linux_adopt_orphans(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

#endif
