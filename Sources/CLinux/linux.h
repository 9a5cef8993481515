/* SPDX-License-Identifier: GPL-2.0-only */
/* Of Linux alone, and variadic: what Swift does not see. */
#ifndef KSHIM_LINUX_H
#define KSHIM_LINUX_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/*
 * A filter of system calls, as seccomp(2) takes it, in a file that lies in memory: what a worker and
 * its compilers have no use for fails with EPERM. Calls of another architecture end the process.
 */
static inline int linux_worker_filter(void)
{
	static const unsigned int refused[] = {
		/* Anybody else. */
		SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
		SYS_sendmmsg, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd,
		SYS_kcmp,
		/* Other rooms. */
		SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
		SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
		SYS_mount_setattr, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_mknod, SYS_mknodat,
		/* The kernel's less walked ways. */
		SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter,
		SYS_io_uring_register, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module,
		SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_reboot,
		SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_nfsservctl, SYS_personality,
		SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname,
		SYS_setdomainname, SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_vhangup, SYS_syslog,
		SYS_fanotify_init, SYS_lookup_dcookie, SYS_mbind, SYS_migrate_pages, SYS_move_pages,
	};
	enum { COUNT = sizeof(refused) / sizeof(refused[0]) };
	struct sock_filter filter[COUNT + 12];
	unsigned int at = 0, number;
	int file;

	filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	/* x32 */
	filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	for (number = 0; number < COUNT; number++)
		filter[at++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, refused[number], (unsigned char)(COUNT - number), 0);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);

	file = (int)syscall(SYS_memfd_create, "filter", 1U /* MFD_CLOEXEC */);
	if (file < 0)
		return -1;
	if (write(file, filter, at * sizeof(filter[0])) != (long)(at * sizeof(filter[0])) ||
	    lseek(file, 0, SEEK_SET) != 0) {
		close(file);
		return -1;
	}
	return file;
}

#endif
