#pragma once

/* Renode as somebody drives it by hand: over its robot port, with the steps that emud takes. */

#include <stdbool.h>
#include <sys/types.h>

struct bare_renode {
	pid_t pid;
	int port; /* of its robot server; the terminals' and gdb's are the next ones */
};

/* Why there is none to be measured; NULL: there is one. *ret_is_double: it is that of tests/doubles. */
const char *bare_renode_missing(bool *ret_is_double);

/* Starts it, waits for the robot port, sets the board up with that image, starts that. */
void bare_renode_start(struct bare_renode *renode, const char *image);
void bare_renode_stop(struct bare_renode *renode);
