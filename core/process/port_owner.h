#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* True if that process (of this network namespace, and ours to look into) listens on that TCP port over IPv4:
 * it holds the socket, by the kernel's own tables. */
bool port_owner_is(pid_t pid, uint16_t port);
