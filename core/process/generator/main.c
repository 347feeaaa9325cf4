/*
 * Build-time program: writes the filter for system calls as a table of C (see core/process/syscall_filter.h).
 * usage: syscall_filter_generator OUTPUT
 */

#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Refused and not killed for: programs probe for some of these, and go on without. */
static const int denied_calls[] = {
    /* the tree of mounts, and ways around path checks */
    SCMP_SYS(mount),
    SCMP_SYS(umount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    /* the kernel itself */
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(reboot),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(syslog),
    /* other processes */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    /* keyrings, which other processes of the user share */
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    /* the clock */
    SCMP_SYS(settimeofday),
    SCMP_SYS(stime),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_settime64),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_adjtime64),
    /* namespaces, in which one is root; clone's are below */
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
};

static const unsigned int denied_clone_flags[] = {
    CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
};

/* The architectures whose programs this kernel may run beside its own: the same holds for them. */
static int add_architectures(scmp_filter_ctx filter)
{
	int result = 0;

	if (seccomp_arch_native() == SCMP_ARCH_X86_64) {
		result = seccomp_arch_add(filter, SCMP_ARCH_X86);
		if (result == 0)
			result = seccomp_arch_add(filter, SCMP_ARCH_X32);
	} else if (seccomp_arch_native() == SCMP_ARCH_AARCH64) {
		result = seccomp_arch_add(filter, SCMP_ARCH_ARM);
	}
	return result;
}

static int add_rules(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof(denied_calls) / sizeof(denied_calls[0]); i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied_calls[i], 0);
	for (size_t i = 0; result == 0 && i < sizeof(denied_clone_flags) / sizeof(denied_clone_flags[0]);
	     i++) {
		uint64_t flag = denied_clone_flags[i];

		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
	}
	/* Its flags lie in memory, where a filter cannot look; who is told that it is missing uses clone. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return result;
}

/* libseccomp 2.5 writes a program to descriptors only. */
static int write_table(scmp_filter_ctx filter, FILE *program, FILE *output)
{
	struct sock_filter instruction;
	int result = seccomp_export_bpf(filter, fileno(program));

	if (result < 0)
		return result;
	rewind(program);
	fputs("/* Made by syscall_filter_generator. */\n"
	      "static const struct sock_filter syscall_filter_table[] = {\n",
	      output);
	while (fread(&instruction, sizeof(instruction), 1, program) == 1)
		fprintf(output, "\t{%#x, %u, %u, %#x},\n", instruction.code, instruction.jt, instruction.jf,
			instruction.k);
	fputs("};\n", output);
	return ferror(program) || ferror(output) ? -EIO : 0;
}

static int generate(FILE *program, FILE *output)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result = filter ? 0 : -ENOMEM;

	/* A binary tree: the kernel looks every call up in it while it takes the filter in. */
	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0)
		result = add_architectures(filter);
	if (result == 0)
		result = add_rules(filter);
	if (result == 0)
		result = write_table(filter, program, output);
	if (filter)
		seccomp_release(filter);
	return result;
}

int main(int argc, char **argv)
{
	FILE *program = tmpfile();
	FILE *output = argc == 2 ? fopen(argv[1], "w") : NULL;
	int result = program && output ? generate(program, output) : -errno;

	if (program)
		fclose(program);
	if (output && fclose(output) != 0)
		result = -errno;
	if (result != 0 || !output) {
		fprintf(stderr, "syscall_filter_generator: %s\n", strerror(-result));
		return 1;
	}
	return 0;
}
