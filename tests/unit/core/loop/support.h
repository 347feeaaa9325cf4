#pragma once

/* A loop that is run until something holds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

/* False when ms are over. */
bool run_loop(struct loop *loop, bool (*holds)(void *data), void *data, int64_t ms);
void run_loop_until(struct loop *loop, bool (*holds)(void *data), void *data);
/* Lets the loop work for a time in which nothing more is to happen. */
void run_loop_for(struct loop *loop, int64_t ms);

bool is_set(void *flag);

/* For cmocka: *state is a loop. */
int make_loop(void **state);
int destroy_loop(void **state);
