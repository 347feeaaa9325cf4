#include "server/watch/samples.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "server/shims/board.h"
#include "server/watch/line_watch.h"
#include "server/watch/usage_history.h"
#include "server/watch/usage_round.h"

#include <math.h>
#include <search.h>
#include <string.h>
#include <sys/queue.h>

/* BOARDS_PER_TURN: opened, read and told in one turn of the loop. */
enum { BOARDS_PER_TURN = 32, RSS_NOTICED_BYTES = 64 * 1024, ID_SIZE = 64 };

static const double cpu_noticed = 0.005;

/* A board that runs, and that somebody wants to know of. */
struct sampled {
	char id[ID_SIZE]; /* first: what the tree compares */
	LIST_ENTRY(sampled) link;
	struct samples *samples;
	int64_t start_number;
	struct line_watch *line; /* NULL: it has no console, yet */
	int64_t read_at_ms;      /* 0: not read yet */
	double cpu_seconds;
	double cpu; /* as told; negative: not yet */
	uint64_t rss_bytes;
};

struct sample_listener {
	LIST_ENTRY(sample_listener) link;
	struct samples *samples;
	char *instance;
	bool is_full, has_missed;
	bool is_behind;      /* it is being told how every board stands */
	char after[ID_SIZE]; /* told up to this one */
	sample_sink *sink;
	void *data;
};

struct samples {
	struct loop *loop;
	struct fleet *fleet;
	struct growth *growth;
	LIST_HEAD(, sample_listener) listeners;
	LIST_HEAD(, sampled) boards;
	void *by_id; /* the same as a tree */
	struct usage_history *history;
	json_t *changed; /* ids of boards to look at, as keys */
	struct usage_round *round;
	bool is_reading;  /* the pool has the round */
	size_t next_told; /* of the round */
	struct loop_timer *pause;
	struct loop_deferred *turn;
};

static void on_turn(void *data);

/* Without memory for it, the next change or round is another occasion. */
static void schedule(struct samples *samples)
{
	if (!samples->turn)
		samples->turn = loop_defer(samples->loop, on_turn, samples, NULL);
}

/* ---- who wants to know, and is told ---- */

static bool fits(const struct sample_listener *listener, const char *id)
{
	return !listener->instance || strcmp(listener->instance, id) == 0;
}

static bool is_wanted(const struct samples *samples, const char *id)
{
	const struct sample_listener *listener;
	LIST_FOREACH (listener, &samples->listeners, link)
		if (fits(listener, id))
			return true;
	return false;
}

/* Takes data. */
static json_t *make_sample(const char *id, json_t *data)
{
	char time[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(clock_wall_ms(), time);
	return json_pack("{s:s, s:s, s:s, s:o}", "type", "instance.sample", "instance", id, "time", time,
			 "data", data);
}

static void give(struct sample_listener *listener, const json_t *sample)
{
	if (!listener->is_full)
		listener->is_full = sample && listener->sink(sample, listener->data) != 0;
	listener->has_missed |= listener->is_full || !sample;
}

/* Takes data. */
static void tell(struct samples *samples, const char *id, json_t *data)
{
	cleanup_json json_t *sample = make_sample(id, data);
	struct sample_listener *listener;
	LIST_FOREACH (listener, &samples->listeners, link)
		if (fits(listener, id))
			give(listener, sample);
}

static void tell_line(struct samples *samples, const char *id, const char *line)
{
	tell(samples, id, json_pack("{s:s}", "line", line));
}

/* ---- boards that run ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct sampled *find(const struct samples *samples, const char *id)
{
	void *node = tfind(id, &samples->by_id, compare);
	return node ? *(struct sampled **) node : NULL;
}

static void forget(struct sampled *sampled)
{
	if (!sampled)
		return;
	tdelete(sampled, &sampled->samples->by_id, compare);
	LIST_REMOVE(sampled, link);
	line_watch_destroy(sampled->line);
	free(sampled);
}

static void on_line(void *data)
{
	const struct sampled *sampled = data;
	tell_line(sampled->samples, sampled->id, line_watch_text(sampled->line));
}

static const char *first_console(const struct board *board)
{
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) board_channels(board), name, channel)
		if (text_equal(json_member_string(channel, "kind", NULL), "console"))
			return name;
	return NULL;
}

/* The file of its latest start; negative: there is none. */
static int open_console(const struct board *board)
{
	const char *console = first_console(board);
	return console ? console_log_open(board_dirfd(board), console, NULL) : -ENOENT;
}

static struct sampled *enter(struct samples *samples, const struct board *board)
{
	struct sampled *sampled = calloc(1, sizeof(*sampled));
	if (!sampled)
		return NULL;
	*sampled = (struct sampled){.samples = samples, .start_number = board_start_number(board), .cpu = -1};
	snprintf(sampled->id, sizeof(sampled->id), "%s", board_id(board));
	if (!tsearch(sampled, &samples->by_id, compare)) {
		free(sampled);
		return NULL;
	}
	LIST_INSERT_HEAD(&samples->boards, sampled, link);
	return sampled;
}

/* Its processes and console are there. */
static bool is_up(const struct board *board)
{
	return !board_is_over(board) && !text_equal(board_state(board), "starting");
}

/* NULL: it does not run, or there is no memory. *ret_is_new_line: its console is watched from now on. */
static struct sampled *follow(struct samples *samples, const struct board *board, bool *ret_is_new_line)
{
	struct sampled *sampled = find(samples, board_id(board));
	*ret_is_new_line = false;
	if (sampled && (!is_up(board) || sampled->start_number != board_start_number(board))) {
		forget(sampled);
		sampled = NULL;
	}
	if (!is_up(board) || (!sampled && !(sampled = enter(samples, board))))
		return NULL;
	int fd = sampled->line ? -1 : open_console(board);
	if (fd >= 0)
		sampled->line = line_watch_create(samples->loop, samples->growth, fd, on_line, sampled, NULL);
	*ret_is_new_line = fd >= 0 && sampled->line;
	return sampled;
}

/* What is kept of one that has ended; NULL: nothing, as it was never started. Caller frees. */
static char *read_kept_line(const struct board *board)
{
	if (!board_is_over(board) || text_equal(board_state(board), "created"))
		return NULL;
	cleanup_close int fd = open_console(board);
	return fd < 0 ? strdup("") : line_read(fd);
}

static void look_at(struct samples *samples, const struct board *board)
{
	bool is_new_line;
	if (!is_wanted(samples, board_id(board)))
		return;
	const struct sampled *sampled = follow(samples, board, &is_new_line);
	cleanup_free char *kept = sampled ? NULL : read_kept_line(board);
	if (is_new_line)
		on_line((void *) sampled);
	else if (kept)
		tell_line(samples, board_id(board), kept);
}

static bool look_at_changed(struct samples *samples)
{
	const char *id;
	void *next;
	json_t *value;
	size_t count = 0;
	json_object_foreach_safe (samples->changed, next, id, value) {
		if (count++ == BOARDS_PER_TURN)
			break;
		const struct board *board = fleet_find(samples->fleet, id);
		if (board)
			look_at(samples, board);
		json_object_del(samples->changed, id);
	}
	return json_object_size(samples->changed) > 0;
}

void samples_look(struct samples *samples, const struct fleet_change *change)
{
	const char *id = board_id(change->board);
	if (change->kind == FLEET_DELETED) {
		forget(find(samples, id));
		usage_history_forget(samples->history, id);
		json_object_del(samples->changed, id);
	} else if (is_wanted(samples, id) && json_object_set_new(samples->changed, id, json_true()) == 0) {
		schedule(samples);
	}
}

/* ---- how they stand, for one listener ---- */

/* New reference. NULL: there is nothing to tell. */
static json_t *describe(struct samples *samples, const struct board *board)
{
	bool is_new_line;
	const struct sampled *sampled = follow(samples, board, &is_new_line);
	cleanup_free char *kept = sampled ? NULL : read_kept_line(board);
	const char *line = sampled && sampled->line ? line_watch_text(sampled->line) : kept;
	json_t *data = json_pack("{s:s*}", "line", line);
	if (data && sampled && sampled->read_at_ms)
		json_object_set_new(data, "rss_bytes", json_integer((json_int_t) sampled->rss_bytes));
	if (data && sampled && sampled->cpu >= 0)
		json_object_set_new(data, "cpu", json_real(sampled->cpu));
	if (json_object_size(data))
		return make_sample(board_id(board), data);
	json_decref(data);
	return NULL;
}

struct walk {
	struct sample_listener *listener;
	size_t left;
};

static bool walk_on(struct board *board, void *data)
{
	struct walk *walk = data;
	struct sample_listener *listener = walk->listener;
	if (!walk->left)
		return false;
	walk->left--;
	cleanup_json json_t *sample =
	    fits(listener, board_id(board)) ? describe(listener->samples, board) : NULL;
	listener->is_full = sample && listener->sink(sample, listener->data) != 0;
	if (listener->is_full)
		return false;
	snprintf(listener->after, sizeof(listener->after), "%s", board_id(board));
	return true;
}

/* Only at the end it begins anew for what was missed meanwhile: else the last ones would never have their
 * turn. */
static void begin_walk(struct sample_listener *listener)
{
	listener->is_behind = listener->has_missed;
	listener->has_missed = false;
	listener->after[0] = '\0';
}

/* True: there are more for the next turn. */
static bool catch_up(struct sample_listener *listener)
{
	struct walk walk = {.listener = listener, .left = BOARDS_PER_TURN};
	if (!listener->is_behind || listener->is_full)
		return false;
	struct fleet *fleet = listener->samples->fleet;
	fleet_each(fleet, listener->after[0] ? listener->after : NULL, walk_on, &walk);
	if (listener->is_full)
		return false;
	if (walk.left)
		begin_walk(listener);
	return listener->is_behind;
}

static bool let_catch_up(struct samples *samples)
{
	bool is_more = false;
	struct sample_listener *listener;
	LIST_FOREACH (listener, &samples->listeners, link)
		is_more |= catch_up(listener);
	return is_more;
}

/* ---- CPU and memory ---- */

static bool add_to_round(struct board *board, void *data)
{
	struct samples *samples = data;
	return !board_is_live(board) || !is_wanted(samples, board_id(board)) ||
	       usage_round_add(samples->round, board) == 0;
}

static void on_read(struct usage_round *round, void *data)
{
	(void) round;
	struct samples *samples = data;
	samples->is_reading = false;
	samples->next_told = 0;
	schedule(samples);
}

/* Once no board runs, nothing is timed until one does. */
static void on_pause_end(void *data)
{
	struct samples *samples = data;
	samples->round = usage_round_create();
	if (samples->round)
		fleet_each(samples->fleet, NULL, add_to_round, samples);
	if (samples->round && !samples->round->count) {
		usage_round_destroy(TAKE(samples->round));
		return;
	}
	samples->is_reading =
	    samples->round && usage_round_begin(samples->round, samples->loop, on_read, samples, NULL) == 0;
	if (samples->is_reading)
		return;
	usage_round_destroy(TAKE(samples->round));
	loop_timer_start(samples->pause, SAMPLES_INTERVAL_MS);
}

/* Where none is under way; boards that are not read yet are then read within SAMPLES_INTERVAL_MS. */
static void read_usage(struct samples *samples)
{
	if (!samples->round && !loop_timer_is_active(samples->pause))
		on_pause_end(samples);
}

static bool is_noticeable(const struct sampled *sampled, double cpu, uint64_t rss_bytes)
{
	double rss_change = (double) rss_bytes - (double) sampled->rss_bytes;
	return !sampled->read_at_ms || (cpu >= 0 && fabs(cpu - sampled->cpu) >= cpu_noticed) ||
	       fabs(rss_change) >= RSS_NOTICED_BYTES;
}

/* A share of one core since the last reading; negative: this is the first. What ends takes
 * its time along. */
static double cpu_share(const struct sampled *sampled, const struct usage_reading *reading)
{
	double elapsed_s = (double) (reading->read_at_ms - sampled->read_at_ms) / 1000;
	double used_s = reading->cpu_seconds - sampled->cpu_seconds;
	if (!sampled->read_at_ms || elapsed_s <= 0)
		return sampled->cpu;
	return used_s > 0 ? used_s / elapsed_s : 0;
}

static void remember(struct samples *samples, const struct sampled *sampled)
{
	const struct usage_sample sample = {
	    .time_ms = clock_wall_ms(), .cpu = sampled->cpu, .rss_bytes = sampled->rss_bytes};
	usage_history_add(samples->history, sampled->id, sampled->start_number, &sample,
			  clock_monotonic_ms());
}

json_t *samples_describe_history(const struct samples *samples, const struct board *board)
{
	return usage_history_describe(samples->history, board_id(board), board_start_number(board),
				      clock_monotonic_ms());
}

static void take_reading(struct samples *samples, const struct usage_reading *reading)
{
	const struct board *board = fleet_find(samples->fleet, reading->id);
	bool is_new_line;
	if (!board || !reading->read_at_ms || board_start_number(board) != reading->start_number ||
	    !is_wanted(samples, reading->id))
		return;
	struct sampled *sampled = follow(samples, board, &is_new_line);
	if (!sampled)
		return;
	if (is_new_line)
		on_line(sampled);
	double cpu = cpu_share(sampled, reading);
	bool is_told = is_noticeable(sampled, cpu, reading->rss_bytes);
	sampled->read_at_ms = reading->read_at_ms;
	sampled->cpu_seconds = reading->cpu_seconds;
	if (!is_told)
		return;
	sampled->cpu = cpu;
	sampled->rss_bytes = reading->rss_bytes;
	json_t *data = json_pack("{s:I}", "rss_bytes", (json_int_t) reading->rss_bytes);
	if (cpu >= 0) {
		json_object_set_new(data, "cpu", json_real(cpu));
		remember(samples, sampled);
	}
	tell(samples, sampled->id, data);
}

/* True: there are more for the next turn. */
static bool take_round(struct samples *samples)
{
	struct usage_round *round = samples->round;
	if (!round || samples->is_reading)
		return false;
	size_t end = samples->next_told + BOARDS_PER_TURN;
	for (; samples->next_told < round->count && samples->next_told < end; samples->next_told++)
		take_reading(samples, &round->readings[samples->next_told]);
	if (samples->next_told < round->count)
		return true;
	usage_round_destroy(TAKE(samples->round));
	loop_timer_start(samples->pause, SAMPLES_INTERVAL_MS);
	return false;
}

/* ---- turns ---- */

static void on_turn(void *data)
{
	struct samples *samples = data;
	samples->turn = NULL;
	bool is_more = look_at_changed(samples);
	if (!LIST_EMPTY(&samples->boards))
		read_usage(samples);
	is_more |= let_catch_up(samples);
	/* Not before all are followed: else their lines would be told twice. */
	if (is_more || take_round(samples))
		schedule(samples);
}

/* ---- listeners ---- */

static void abandon_round(struct samples *samples)
{
	struct usage_round *round = TAKE(samples->round);
	if (samples->is_reading)
		round->on_done = NULL;
	else
		usage_round_destroy(round);
	samples->is_reading = false;
}

/* Those that nobody wants to know of any more. */
static void release(struct samples *samples)
{
	struct sampled *next;
	for (struct sampled *sampled = LIST_FIRST(&samples->boards); sampled; sampled = next) {
		next = LIST_NEXT(sampled, link);
		if (is_wanted(samples, sampled->id))
			continue;
		usage_history_pause(samples->history, sampled->id, clock_monotonic_ms());
		forget(sampled);
	}
	if (!LIST_EMPTY(&samples->listeners))
		return;
	abandon_round(samples);
	loop_timer_stop(samples->pause);
	loop_deferred_cancel(TAKE(samples->turn));
	json_object_clear(samples->changed);
}

struct sample_listener *sample_listener_create(struct samples *samples, const char *instance,
					       sample_sink *sink, void *data, struct error *error)
{
	struct sample_listener *listener = calloc(1, sizeof(*listener));
	char *copy = instance ? strdup(instance) : NULL;
	if (!listener || (instance && !copy)) {
		free(listener);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*listener = (struct sample_listener){
	    .samples = samples, .instance = copy, .is_behind = true, .sink = sink, .data = data};
	LIST_INSERT_HEAD(&samples->listeners, listener, link);
	schedule(samples);
	read_usage(samples);
	return listener;
}

void sample_listener_destroy(struct sample_listener *listener)
{
	if (!listener)
		return;
	LIST_REMOVE(listener, link);
	release(listener->samples);
	free(listener->instance);
	free(listener);
}

void sample_listener_resume(struct sample_listener *listener)
{
	listener->is_full = false;
	if (!listener->is_behind)
		begin_walk(listener);
	schedule(listener->samples);
}

/* ---- coming and going ---- */

struct samples *samples_create(struct loop *loop, struct fleet *fleet, struct growth *growth,
			       struct error *error)
{
	struct samples *samples = calloc(1, sizeof(*samples));
	if (!samples) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*samples = (struct samples){.loop = loop,
				    .fleet = fleet,
				    .growth = growth,
				    .history = usage_history_create(),
				    .changed = json_object()};
	samples->pause = loop_timer_create(loop, on_pause_end, samples, error);
	if (samples->pause && samples->history && samples->changed)
		return samples;
	samples_destroy(samples);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

void samples_destroy(struct samples *samples)
{
	if (!samples)
		return;
	release(samples);
	loop_timer_destroy(samples->pause);
	usage_history_destroy(samples->history);
	json_decref(samples->changed);
	free(samples);
}
