#pragma once

/* Closes connections whose request was answered before its body was read. To close such a socket at once
 * would reset it, and the reset may destroy the answer before the client has read it. */

#include "core/base/error.h"
#include "core/loop/loop.h"

struct lingerers;

struct lingerers *lingerers_create(struct loop *loop);
void lingerers_destroy(struct lingerers *lingerers);

/* Keeps the connection of fd (whose writing end is shut already, and which its owner is about to close)
 * open until the peer closes it, sends too much, or a few seconds have passed. */
void lingerers_add(struct lingerers *lingerers, int fd);
