#pragma once

#include <linux/filter.h>

/*
 * A seccomp program under which the system calls that no emulator, helper or debugger of a board needs fail
 * with EPERM. generator/main.c lists them; libseccomp makes the program of that list when emud is built.
 */
extern const struct sock_fprog syscall_filter;
