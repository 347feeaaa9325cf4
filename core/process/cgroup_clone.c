#include "core/process/cgroup_clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_OWN_STACK 0
#elif defined(__x86_64__)
#define HAS_OWN_STACK 1
#else
#define HAS_OWN_STACK 0
#endif

#if HAS_OWN_STACK

enum { STACK_BYTES = 65536 };

/*
 * The child must not go on with our stack (it would overwrite what we return to), and C knows no other: so it
 * calls `child` on a new one from here. The frame that holds it outlives the child's use of it, since
 * CLONE_VFORK keeps us waiting in the system call.
 */
pid_t cgroup_clone(int cgroup_fd, void (*child)(const void *data), const void *data)
{
	_Alignas(16) char stack[STACK_BYTES];
	const struct clone_args arguments = {
	    .flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP,
	    .exit_signal = SIGCHLD,
	    .stack = (uint64_t) (uintptr_t) stack,
	    .stack_size = sizeof(stack),
	    .cgroup = (unsigned) cgroup_fd,
	};
	register void (*entry)(const void *data) __asm__("r12") = child;
	register const void *argument __asm__("r13") = data;
	long result = SYS_clone3;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %%r13, %%rdi\n\t"
			 "callq *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "+a"(result)
			 : "D"(&arguments), "S"(sizeof(arguments)), "r"(entry), "r"(argument)
			 : "rcx", "r11", "cc", "memory");
	if (result >= 0)
		return (pid_t) result;
	errno = (int) -result;
	return -1;
}

#else

/* The child has a copy of our memory, and so of our stack: slower, and the same otherwise. */
pid_t cgroup_clone(int cgroup_fd, void (*child)(const void *data), const void *data)
{
	const struct clone_args arguments = {
	    .flags = CLONE_INTO_CGROUP,
	    .exit_signal = SIGCHLD,
	    .cgroup = (unsigned) cgroup_fd,
	};
	long result = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (result == 0)
		child(data);
	return (pid_t) result;
}

#endif
