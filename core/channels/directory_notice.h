#pragma once

/*
 * Tells, once after each arming, that a file in a directory has been written, by whatever process. dnotify
 * first: it costs no inotify instance. Its signal is SIGIO and not a realtime one: the kernel merges what it
 * has not delivered yet and never drops it for want of queue space, where a realtime signal would become
 * SIGIO.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

struct directory_notice;

/* on_modified may come without a modification (SIGIO does not say for whom it is). NULL with -ENOTSUP: this
 * kernel offers neither dnotify nor an inotify instance. dirfd is borrowed for the call. */
struct directory_notice *directory_notice_create(struct loop *loop, int dirfd,
						 void (*on_modified)(void *data), void *data,
						 struct error *error);
void directory_notice_destroy(struct directory_notice *notice);

/* Asks for the next modification. 0 or a negative errno. */
int directory_notice_arm(struct directory_notice *notice);
