#pragma once

/* Tells when somebody opens a pty's slave: inotify, or a look every 250 ms where no instance can be had. */

#include "core/base/error.h"
#include "core/channels/pty.h"
#include "core/loop/loop.h"

#include <stdbool.h>

struct pty_presence;

/* pty is borrowed; its slave must not be held open by us. on_open may come although nobody is there any
 * more. */
struct pty_presence *pty_presence_create(struct loop *loop, const struct pty *pty,
					 void (*on_open)(void *data), void *data, struct error *error);
void pty_presence_destroy(struct pty_presence *presence);

/* True while anybody has the slave open. */
bool pty_is_open(const struct pty *pty);
