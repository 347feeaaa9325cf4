#include "server/demo.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/shims/board.h"

static const char demo_id[] = "demo";

/* As a spec names it. New reference; NULL with error. */
static json_t *find_firmware(struct app *app, struct error *error)
{
	cleanup_free char *path = text_format("%s/firmware/demo.elf", app->settings->share_dir);
	char resolved[4096];
	if (path && realpath(path, resolved))
		return json_pack("{s:s}", "path", resolved);
	error_set(error, -ENOENT, "file_not_found",
		  "the demo firmware %s was not built: clang and lld are needed", path ? path : "");
	return NULL;
}

static struct board *make(struct app *app, struct error *error)
{
	cleanup_json json_t *file = find_firmware(app, error);
	if (!file)
		return NULL;
	cleanup_json json_t *spec = json_pack("{s:s, s:O, s:[], s:{s:s}}", "target", "qemu-lm3s6965evb",
					      "file", file, "args", "labels", "emud", demo_id);
	const struct board_request wanted = {.id = demo_id, .spec = spec};
	return fleet_make_board(app->fleet, &wanted, error);
}

/* With this emud's firmware: the one of before may be another checkout's. Whoever has a board of that name of
 * his own keeps what it was. */
static int start(struct app *app, struct board *board, struct error *error)
{
	bool is_ours = text_equal(json_member_string(board_labels(board), "emud", NULL), demo_id);
	cleanup_json json_t *file = is_ours ? find_firmware(app, error) : NULL;
	if (is_ours && !file)
		return error->number;
	const struct board_start wanted = {.file = file, .paused = -1};
	return board_start(board, &wanted, error);
}

bool demo_start(struct app *app)
{
	struct error error;
	struct board *board = fleet_find(app->fleet, demo_id);
	if (!board)
		board = make(app, &error);
	bool failed = !board || (board_is_over(board) && start(app, board, &error) < 0);
	if (failed)
		log_event(app->log, LOG_LEVEL_WARNING, "demo.failed", "detail", error.message, NULL);
	return !failed;
}

void demo_print(const char *base_url)
{
	printf("\n  The demo board runs. In another terminal, or in a browser at %s/ :\n\n"
	       "    curl %s/instances/demo\n"
	       "    curl -N \"%s/instances/demo/channels/serial0/output?follow=true\"\n"
	       "    curl --data-binary $'help\\n' %s/instances/demo/channels/serial0/input\n\n"
	       "  Ctrl-C stops emud and its boards.\n\n",
	       base_url, base_url, base_url, base_url);
	fflush(stdout);
}
