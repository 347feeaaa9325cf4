#include "server/api/changes.h"

#include "core/base/cleanup.h"
#include "server/events/events.h"
#include "server/runs/runs.h"
#include "server/watch/samples.h"

static json_t *describe_new(const struct board *board)
{
	return json_pack("{s:s, s:s, s:O, s:s}", "target", board_target(board), "emulator",
			 board_emulator(board), "labels", board_labels(board), "state", board_state(board));
}

static json_t *describe_state(const struct board *board, const char *previous)
{
	json_t *exit = board_exit(board);
	return json_pack("{s:s, s:s?, s:I, s:s*, s:o*}", "state", board_state(board), "previous", previous,
			 "start_number", (json_int_t) board_start_number(board), "paused_by",
			 board_paused_by(board), "exit", exit);
}

static json_t *describe_deleted(const struct board *board)
{
	return json_pack("{s:s, s:O}", "target", board_target(board), "labels", board_labels(board));
}

void publish_change(const struct fleet_change *change, void *data)
{
	struct app *app = data;
	const struct board *board = change->board;
	struct event event = {.actor = change->actor, .instance = board_id(board)};
	switch (change->kind) {
	case FLEET_CREATED:
		event.type = "instance.created";
		event.data = describe_new(board);
		event.time_ms = board_state_since_ms(board);
		break;
	case FLEET_STATE:
		event.type = "instance.state";
		event.data = describe_state(board, change->previous);
		event.time_ms = board_state_since_ms(board);
		break;
	case FLEET_DELETED:
		event.type = "instance.deleted";
		event.data = describe_deleted(board);
		break;
	}
	events_publish(app->events, &event);
	if (app->runs)
		runs_look(app->runs);
	if (app->samples)
		samples_look(app->samples, change);
}

void publish_reset(struct app *app, const struct board *board, const char *actor)
{
	const struct event event = {
	    .type = "instance.reset",
	    .actor = actor,
	    .instance = board_id(board),
	    .data = json_pack("{s:I}", "start_number", (json_int_t) board_start_number(board)),
	};
	events_publish(app->events, &event);
}

void publish_file_created(struct app *app, const struct file_row *row, const char *actor)
{
	const struct event event = {
	    .type = "file.created",
	    .actor = actor,
	    .data = json_pack("{s:s, s:s, s:I, s:s}", "sha256", row->sha256, "name",
			      row->name[0] ? row->name : row->sha256, "size", (json_int_t) row->size_bytes,
			      "kind", row->kind),
	};
	events_publish(app->events, &event);
}

void publish_file_deleted(struct app *app, const char *sha256, const char *actor)
{
	const struct event event = {
	    .type = "file.deleted",
	    .actor = actor,
	    .data = json_pack("{s:s}", "sha256", sha256),
	};
	events_publish(app->events, &event);
}
