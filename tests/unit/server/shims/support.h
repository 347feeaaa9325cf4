#pragma once

/* What the tests of the shims share: a loop that is run until something holds, a fleet over a store of its
 * own, and a shim that plays a part instead of running an emulator. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/loop/loop.h"
#include "server/shims/board.h"
#include "server/shims/fleet.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SUPPORT_DEADLINE_MS = 20000 };

/* Runs the loop until it holds; false when ms are over. */
bool run_loop(struct loop *loop, bool (*holds)(void *data), void *data, int64_t ms);
void run_loop_until(struct loop *loop, bool (*holds)(void *data), void *data);

/* ---- a fleet ---- */

struct fleet_fixture {
	struct scratch scratch;
	struct loop *loop;
	struct log *log;
	struct store *store;
	struct config *config;
	struct fleet *fleet;
	bool ready;
	int spare_descriptors; /* while it recovers; -1: no limit */
	char told[4096];       /* what its observer was told, a line each */
};

struct fleet_fixture *fleet_fixture_create(void);
void fleet_fixture_destroy(struct fleet_fixture *fixture);
/* emud dies and comes again: another fleet over the same store and directories. */
void fleet_fixture_restart(struct fleet_fixture *fixture);
void fleet_fixture_open(struct fleet_fixture *fixture);
void fleet_fixture_close(struct fleet_fixture *fixture);

/* What the next shims do: a word of play_shim's table. */
void shims_play(const char *part);

struct board *make_board(struct fleet_fixture *fixture, const char *id);
/* Makes it, starts it, and waits until it runs. */
struct board *run_board(struct fleet_fixture *fixture, const char *id);
void start_board(struct board *board);
void wait_for_state(struct fleet_fixture *fixture, const char *id, const char *state);
/* True once no process bears the cookie that is in the board's spec.json; forget: read it first. */
char *read_cookie(const struct board *board);
bool cookie_is_gone(void *cookie);

/* The shim's part of this program. */
int play_shim(void);
