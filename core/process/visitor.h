#pragma once

/*
 * A fork of us that does one thing in other namespaces than ours, and ends. It shares our table of
 * descriptors: what it opens there is open here and needs no sending, and what it does not close stays open.
 */

#include "core/base/error.h"

#include <stddef.h>
#include <sys/types.h>

/* Who we are, for visitor_map_user: to be asked before, since inside one is nobody yet. */
struct visitor_user {
	uid_t uid;
	gid_t gid;
};
struct visitor_user visitor_user(void);

/*
 * Runs visit in a fork that begins in new namespaces (flags of clone) or (0) in ours, and waits for its end.
 * What the fork has made of data's bytes (some hundred at most) is what data holds then. 0, or a negative
 * errno where it could not be made (-EPERM: not here) or was killed. Single-threaded callers only.
 */
int visitor_send(unsigned long flags, void (*visit)(void *data), void *data, size_t size,
		 struct error *error);

/* In a visitor that began in a new user namespace: the user stays who he is. 0 or a negative errno. */
int visitor_map_user(struct visitor_user user);

/* In a visitor: the namespace it is in, by its name below /proc/self/ns. Close-on-exec; or a negative errno.
 */
int visitor_open_namespace(const char *name);
