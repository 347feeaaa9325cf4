#pragma once

/* Notices clients that go away while their request is suspended: the library does not look at those. */

#include "core/base/error.h"
#include "core/loop/loop.h"

struct vigil;

/* on_gone is told the data of a descriptor whose peer has closed, half-closed or reset; once, then the
 * descriptor is no longer watched. */
struct vigil *vigil_create(struct loop *loop, void (*on_gone)(void *data), struct error *error);
void vigil_destroy(struct vigil *vigil);

int vigil_add(struct vigil *vigil, int fd, void *data);
void vigil_remove(struct vigil *vigil, int fd);
