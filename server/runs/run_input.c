#include "server/runs/run_input.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <string.h>

/* Longer than any run: it ends when the run does. */
#define NEVER_MS ((uint64_t) 1000 * 60 * 60 * 24 * 365)

struct run_input {
	struct run_input_options options;
	char *instance, *channel; /* of the options */
	const struct run_input_events *events;
	void *data;
	struct expectation *expectation;
	struct shim_call *sending;
	struct loop_deferred *turn;
};

static void take_step(struct run_input *input);

static void fail(struct run_input *input, const struct error *error)
{
	bool has_ended = text_equal(error->code, "not_running") || text_equal(error->code, "instance_busy");
	if (!has_ended)
		input->events->on_failed(input->options.step, error, input->data);
}

static void on_turn(void *data)
{
	struct run_input *input = data;
	input->turn = NULL;
	take_step(input);
}

static void take_next_turn(struct run_input *input)
{
	struct error error;
	input->turn = loop_defer(input->options.loop, on_turn, input, &error);
	if (!input->turn)
		fail(input, &error);
}

/* ---- sending ---- */

static void on_sent(const struct error *error, const json_t *body, void *data)
{
	(void) body;
	struct run_input *input = data;
	input->sending = NULL;
	if (error) {
		fail(input, error);
		return;
	}
	input->options.step++;
	input->events->on_step(input->options.step, input->options.offset, input->data);
	take_next_turn(input);
}

static void send_step(struct run_input *input)
{
	struct error error;
	const json_t *step = json_array_get(input->options.steps, input->options.step);
	struct board *board = fleet_find(input->options.fleet, input->instance);
	cleanup_json json_t *arguments =
	    json_pack("{s:s, s:s, s:I}", "channel", input->channel, "base64",
		      json_member_string(step, "send_base64", ""), "step", (json_int_t) input->options.step);
	if (!board || board_start_number(board) != input->options.start_number)
		return;
	input->sending = board_command(board, "input", arguments, NEVER_MS, on_sent, input, &error);
	if (!input->sending)
		fail(input, &error);
}

/* ---- waiting ---- */

static void on_outcome(const struct expectation_outcome *outcome, void *data)
{
	struct run_input *input = data;
	if (outcome->end == EXPECTATION_MATCHED) {
		input->options.offset = outcome->match->end;
		expectation_destroy(TAKE(input->expectation));
		send_step(input);
	} else if (outcome->end == EXPECTATION_FAILED) {
		fail(input, outcome->error);
	}
}

static int wait_for(struct run_input *input, struct pattern_set *set, struct error *error)
{
	const struct run_input_options *options = &input->options;
	struct board *board = fleet_find(options->fleet, input->instance);
	if (!board)
		return 0;
	int fd = fcntl(options->output_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "the console cannot be read");
	const struct expectation_options waited = {
	    .tail = {.fd = fd,
		     .offset = options->offset,
		     .limit = INT64_MAX,
		     .growth = options->growth,
		     .board = board,
		     .start_number = options->start_number},
	    .set = set,
	    .matcher = options->matcher,
	    .timeout_ms = NEVER_MS,
	};
	input->expectation = expectation_create(options->loop, &waited, on_outcome, input, error);
	return input->expectation ? 0 : error->number;
}

static void take_step(struct run_input *input)
{
	struct error error;
	size_t step = input->options.step;
	if (step >= input->options.patterns->step_count)
		return;
	struct pattern_set *set = input->options.patterns->steps[step];
	if (!set)
		send_step(input);
	else if (wait_for(input, set, &error) < 0)
		fail(input, &error);
}

struct run_input *run_input_create(const struct run_input_options *options,
				   const struct run_input_events *events, void *data, struct error *error)
{
	struct run_input *input = calloc(1, sizeof(*input));
	if (input) {
		*input = (struct run_input){.options = *options,
					    .instance = strdup(options->instance),
					    .channel = strdup(options->channel),
					    .events = events,
					    .data = data};
		input->turn = loop_defer(options->loop, on_turn, input, error);
	}
	if (input && input->instance && input->channel && input->turn)
		return input;
	run_input_destroy(input);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

void run_input_destroy(struct run_input *input)
{
	if (!input)
		return;
	loop_deferred_cancel(input->turn);
	shim_call_cancel(input->sending);
	expectation_destroy(input->expectation);
	free(input->instance);
	free(input->channel);
	free(input);
}
