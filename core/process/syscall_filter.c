#include "core/process/syscall_filter.h"

#include "core/process/syscall_filter_table.h"

const struct sock_fprog syscall_filter = {
    .len = sizeof(syscall_filter_table) / sizeof(syscall_filter_table[0]),
    .filter = (struct sock_filter *) syscall_filter_table,
};
