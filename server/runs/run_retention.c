#include "server/runs/run_retention.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "server/store/runs.h"

#include <sys/timerfd.h>

enum {
	REMOVED_A_TURN = 8, /* each is a few writes to the disk */
	RETRY_MS = 60 * 1000,
};

struct run_retention {
	struct loop *loop;
	struct store *store;
	struct fleet *fleet;
	struct loop_deferred *turn; /* NULL: none is coming */
	int alarm_fd;
	struct loop_watch *alarm;
	struct loop_timer *retry;
	int (*on_remove)(int64_t id, const char *why, void *data);
	void *data;
};

static void on_turn(void *data);

void run_retention_look(struct run_retention *retention)
{
	if (!retention->turn)
		retention->turn = loop_defer(retention->loop, on_turn, retention, NULL);
	if (!retention->turn)
		loop_timer_start(retention->retry, RETRY_MS);
}

static void on_retry(void *data)
{
	run_retention_look(data);
}

/* The time has come, or somebody has set the clock. */
static void on_alarm(int events, void *data)
{
	(void) events;
	struct run_retention *retention = data;
	uint64_t expirations;
	if (read(retention->alarm_fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	run_retention_look(retention);
}

/* At a time of the wall's clock, which may be set forth and back until then. 0: never. */
static void set_alarm(struct run_retention *retention, int64_t wall_ms)
{
	const struct itimerspec at = {
	    .it_value = {.tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1000000}};
	timerfd_settime(retention->alarm_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static int64_t expiry_of(const struct runs_kept *kept, const struct config_limits *limits)
{
	return kept->oldest_ended_at_ms + (int64_t) (limits->kept_runs_age * 1000);
}

/* Why the oldest is to go; NULL: it may stay. */
static const char *why_remove(const struct runs_kept *kept, const struct config_limits *limits)
{
	if (!kept->oldest)
		return NULL;
	if ((uint64_t) kept->count > limits->kept_runs)
		return "count";
	if (kept->bytes > 0 && (uint64_t) kept->bytes > limits->kept_runs_bytes)
		return "bytes";
	return expiry_of(kept, limits) <= clock_wall_ms() ? "age" : NULL;
}

static void on_turn(void *data)
{
	struct run_retention *retention = data;
	retention->turn = NULL;
	loop_timer_stop(retention->retry);
	set_alarm(retention, 0);
	const struct config_limits *limits = &config_server(fleet_config(retention->fleet))->limits;
	struct runs_kept kept;
	for (int removed = 0; removed < REMOVED_A_TURN; removed++) {
		int result = runs_sum_kept(retention->store, &kept, NULL);
		const char *why = result ? NULL : why_remove(&kept, limits);
		if (why)
			result = retention->on_remove(kept.oldest, why, retention->data);
		if (result) {
			loop_timer_start(retention->retry, RETRY_MS);
			return;
		}
		if (!why) {
			set_alarm(retention, kept.oldest ? expiry_of(&kept, limits) : 0);
			return;
		}
	}
	run_retention_look(retention);
}

struct run_retention *run_retention_create(struct loop *loop, struct store *store, struct fleet *fleet,
					   int (*on_remove)(int64_t id, const char *why, void *data),
					   void *data, struct error *error)
{
	struct run_retention *retention = calloc(1, sizeof(*retention));
	if (!retention) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*retention = (struct run_retention){
	    .loop = loop, .store = store, .fleet = fleet, .on_remove = on_remove, .data = data};
	retention->alarm_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (retention->alarm_fd < 0)
		error_set_errno(error, -errno, NULL, "no timer can be made for what is kept of runs");
	else
		retention->alarm =
		    loop_watch_create(loop, retention->alarm_fd, LOOP_READABLE, on_alarm, retention, error);
	if (retention->alarm)
		retention->retry = loop_timer_create(loop, on_retry, retention, error);
	if (retention->retry)
		return retention;
	run_retention_destroy(retention);
	return NULL;
}

void run_retention_destroy(struct run_retention *retention)
{
	if (!retention)
		return;
	loop_deferred_cancel(retention->turn);
	loop_timer_destroy(retention->retry);
	loop_watch_destroy(retention->alarm);
	if (retention->alarm_fd >= 0)
		close(retention->alarm_fd);
	free(retention);
}
