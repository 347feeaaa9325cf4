#pragma once

/* Which port Renode's robot server took, when it was told to take any: it leaves the number in a file. */

#include <stdint.h>

/* Looks below dirfd/folder (Renode's TMPDIR) for renode-<pid>/robot_port. 0: not there yet, or the process of
 * that pid does not (yet) listen on that port. */
uint16_t robot_port_find(int dirfd, const char *folder);
