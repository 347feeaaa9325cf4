/*
 * emud-shim: one start of one instance. Run by emud, it makes itself ready and waits for its order (order.h):
 * the listening control socket, the state directory and, where there is one, the firmware. Ends when its
 * emulator has ended, or when emud goes before it has given the order.
 */

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/handles/spec.h"
#include "core/loop/loop.h"
#include "core/process/sweep.h"
#include "core/shim/control.h"
#include "core/shim/instance.h"
#include "core/shim/order.h"
#include "core/shim/prestart.h"

#include <fcntl.h>
#include <signal.h>

struct shim {
	struct loop *loop;
	struct log *log;
	struct shim_order order;
	struct spec spec;
	int64_t start_number; /* 0: spec.json could not be read */
	struct instance *instance;
	struct control *control;
	struct loop_watch *second_order; /* that a prestarted one waits for */
	struct loop_signal *on_terminate;
};

static void on_change(void *data)
{
	struct shim *shim = data;
	if (shim->control)
		control_publish(shim->control);
}

static void on_quiet(void *data)
{
	struct shim *shim = data;
	loop_stop(shim->loop);
}

static void on_ended(void *data)
{
	struct shim *shim = data;
	if (shim->control)
		control_finish(shim->control, on_quiet, shim);
	else
		loop_stop(shim->loop);
}

static const struct instance_events instance_events = {.on_change = on_change, .on_ended = on_ended};

static void on_terminate(int signal_number, void *data)
{
	(void) signal_number;
	struct shim *shim = data;
	instance_stop(shim->instance);
}

/* What it has to say goes where it can be found beside what its processes say. */
static int open_log(int state_fd, struct error *error)
{
	cleanup_close int fd = openat(state_fd, "shim.log",
				      O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return error_set_errno(error, -errno, NULL, "cannot make shim.log");
	return 0;
}

/* A start that cannot even begin leaves its reason where emud looks. */
static void record_failure(const struct shim *shim, const struct error *error)
{
	char now[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(clock_wall_ms(), now);
	cleanup_json json_t *status =
	    json_pack("{s:I, s:s, s:s, s:s, s:{s:n, s:n, s:s, s:s}}", "start_number",
		      (json_int_t) shim->start_number, "state", "failed", "started_at", now, "ended_at", now,
		      "exit", "code", "signal", "reason", "start_failed", "detail", error->message);
	exit_record_write(shim->order.state_fd, status, NULL);
}

/* All that needs no order: it is done while nobody waits. */
static int get_ready(struct shim *shim, struct error *error)
{
	char now[CLOCK_RFC3339_SIZE];
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (fcntl(SHIM_ORDER_FD, F_SETFD, FD_CLOEXEC) < 0)
		return error_set(error, -EBADF, NULL, "emud-shim is run by emud, which sends it its order");
	clock_format_rfc3339(clock_wall_ms(), now); /* reads the time zone */
	int result = sweep_become_subreaper(error);
	if (result < 0)
		return result;
	shim->loop = loop_create(error);
	return shim->loop ? 0 : error->number;
}

static int open_control(struct shim *shim, struct error *error)
{
	shim->control = control_create(shim->loop, shim->order.listen_fd, shim->instance, error);
	return shim->control ? 0 : error->number;
}

/* What a prestarted emulator is for; nobody wants it where emud has gone. */
static void on_second_order(int events, void *data)
{
	(void) events;
	struct shim *shim = data;
	struct shim_order order;
	struct spec spec;
	struct error error;
	int result = shim_order_receive(SHIM_ORDER_FD, &order, &error);
	loop_watch_destroy(TAKE(shim->second_order));
	close(SHIM_ORDER_FD);
	if (!result) {
		shim->order.firmware_fd = order.firmware_fd;
		result = spec_read(shim->order.state_fd, &spec, &error);
	}
	if (!result) {
		shim->start_number = spec.start_number;
		prestart_settle(shim->instance, &spec, order.firmware_fd);
		result = open_control(shim, &error);
	}
	if (result == 0)
		return;
	if (result != -EPIPE)
		log_event(shim->log, LOG_LEVEL_ERROR, "shim.failed", "detail", error.message, NULL);
	instance_stop(shim->instance);
}

static int take_order(struct shim *shim, struct error *error)
{
	const struct shim_order *order = &shim->order;
	int result = shim_order_receive(SHIM_ORDER_FD, &shim->order, error);
	if (result < 0)
		return result;
	result = open_log(order->state_fd, error);
	if (!result)
		result = spec_read(order->state_fd, &shim->spec, error);
	if (result < 0)
		return result;
	shim->start_number = shim->spec.start_number;
	shim->on_terminate = loop_signal_create(shim->loop, SIGTERM, on_terminate, shim, error);
	if (!shim->on_terminate)
		return error->number;
	shim->instance = instance_create(shim->loop, shim->log, &shim->spec, order->state_fd,
					 order->firmware_fd, &instance_events, shim, error);
	if (!shim->instance)
		return error->number;
	if (instance_spec(shim->instance)->prestart) {
		shim->second_order =
		    loop_watch_create(shim->loop, SHIM_ORDER_FD, LOOP_READABLE, on_second_order, shim, error);
		return shim->second_order ? 0 : error->number;
	}
	close(SHIM_ORDER_FD);
	return open_control(shim, error);
}

static void tear_down(struct shim *shim)
{
	control_destroy(shim->control);
	loop_watch_destroy(shim->second_order);
	instance_destroy(shim->instance);
	spec_finish(&shim->spec);
	loop_signal_destroy(shim->on_terminate);
	loop_destroy(shim->loop);
	log_destroy(shim->log);
}

int main(void)
{
	struct shim shim = {.log = log_create(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_KEY_VALUE),
			    .order = {.listen_fd = -1, .state_fd = -1, .firmware_fd = -1}};
	struct error error;
	int result = get_ready(&shim, &error);
	if (!result)
		result = take_order(&shim, &error);
	if (!result) {
		instance_start(shim.instance);
		loop_run(shim.loop);
	} else if (result != -EPIPE) {
		log_event(shim.log, LOG_LEVEL_ERROR, "shim.failed", "detail", error.message, NULL);
		if (shim.start_number)
			record_failure(&shim, &error);
	}
	tear_down(&shim);
	return result < 0 ? 1 : 0;
}
