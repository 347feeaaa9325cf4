#include "server/api/pump.h"

#include "core/base/cleanup.h"

struct pump {
	struct loop *loop;
	struct tail *tail;
	const struct pump_sink *sink;
	void *data;
	struct loop_deferred *turn;
	bool is_held; /* until pump_resume */
	bool is_over;
};

static void finish(struct pump *pump, int number)
{
	pump->is_over = true;
	pump->sink->on_end(number, pump->data);
}

static void on_turn(void *data);

static void schedule(struct pump *pump)
{
	if (pump->turn || pump->is_over)
		return;
	pump->turn = loop_defer(pump->loop, on_turn, pump, NULL);
	if (!pump->turn)
		finish(pump, -ENOMEM);
}

static void skip_gap(struct pump *pump)
{
	int result = tail_skip_gap(pump->tail);
	if (result < 0) {
		finish(pump, result);
		return;
	}
	if (pump->sink->on_gap)
		pump->sink->on_gap(tail_offset(pump->tail), pump->data);
	schedule(pump);
}

static void give(struct pump *pump, const char *bytes, size_t length)
{
	int64_t offset = tail_offset(pump->tail) - (int64_t) length;
	int result = pump->sink->on_bytes(offset, bytes, length, pump->data);
	pump->is_held = result == -EAGAIN;
	pump->is_over = result < 0 && result != -EAGAIN;
	if (!pump->is_held)
		schedule(pump);
}

static void run(struct pump *pump)
{
	char bytes[PUMP_CHUNK_BYTES];
	if (pump->is_held || pump->is_over || pump->turn)
		return;
	ssize_t count = tail_read(pump->tail, bytes, sizeof(bytes));
	if (count > 0)
		give(pump, bytes, (size_t) count);
	else if (count == -ESTALE)
		skip_gap(pump);
	else if (count < 0)
		finish(pump, count == -ENODATA ? 0 : (int) count);
}

static void on_turn(void *data)
{
	struct pump *pump = data;
	pump->turn = NULL;
	run(pump);
}

static void on_ready(void *data)
{
	run(data);
}

struct pump *pump_create(struct loop *loop, const struct tail_options *tail, const struct pump_sink *sink,
			 void *data, struct error *error)
{
	struct pump *pump = malloc(sizeof(*pump));
	if (!pump) {
		close(tail->fd);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	struct tail_options options = *tail;
	options.on_ready = on_ready;
	options.data = pump;
	*pump = (struct pump){.loop = loop, .sink = sink, .data = data, .is_held = true};
	pump->tail = tail_create(&options, error);
	if (pump->tail)
		return pump;
	free(pump);
	return NULL;
}

void pump_destroy(struct pump *pump)
{
	if (!pump)
		return;
	loop_deferred_cancel(pump->turn);
	tail_destroy(pump->tail);
	free(pump);
}

void pump_resume(struct pump *pump)
{
	pump->is_held = false;
	schedule(pump);
}

const struct tail *pump_tail(const struct pump *pump)
{
	return pump->tail;
}
