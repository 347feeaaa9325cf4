#include "core/channels/relay.h"

#include "core/base/cleanup.h"
#include "core/channels/http_guard.h"

#include <string.h>
#include <sys/socket.h>

/* One way: from -> buffer -> to. */
struct way {
	int from, to;
	bool ended;                     /* `from` gives nothing more */
	bool closed;                    /* and `to` has been told */
	bool cut;                       /* which has no half-close: that ends the connection whole */
	bool held;                      /* nothing goes out until the first bytes are judged */
	struct http_guard_watch *watch; /* or every request is; NULL: not */
	size_t judged, allowed;         /* with a watch: how many of length it has seen, and lets pass */
	size_t start, length;
	char bytes[RELAY_BUFFER_BYTES];
};

struct relay {
	struct loop_watch *client_watch, *emulator_watch;
	struct loop_timer *first_turn;
	struct way inward, outward; /* to the emulator, to the client */
	void (*on_end)(enum relay_end end, void *data);
	void *data;
};

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* False: `from` is broken. */
static bool fill(struct way *way)
{
	if (way->ended || way->length == sizeof(way->bytes))
		return true;
	if (way->start > 0)
		memmove(way->bytes, way->bytes + way->start, way->length);
	way->start = 0;
	ssize_t count = read(way->from, way->bytes + way->length, sizeof(way->bytes) - way->length);
	if (count < 0)
		return would_block();
	way->length += (size_t) count;
	way->ended = count == 0;
	return true;
}

/* A broken connection is an answer here, not a signal; a pty is no socket. */
static ssize_t put(int fd, const char *bytes, size_t length)
{
	ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL);
	return count < 0 && errno == ENOTSOCK ? write(fd, bytes, length) : count;
}

/* False: `to` is broken. */
static bool empty(struct way *way)
{
	if (way->held)
		return true;
	size_t ready = way->watch ? way->allowed : way->length;
	if (ready > 0) {
		ssize_t count = put(way->to, way->bytes + way->start, ready);
		if (count < 0)
			return would_block();
		way->start += (size_t) count;
		way->length -= (size_t) count;
		if (way->watch) {
			way->judged -= (size_t) count;
			way->allowed -= (size_t) count;
		}
	}
	if (way->ended && way->length == 0 && !way->closed) {
		way->closed = true;
		way->cut = shutdown(way->to, SHUT_WR) < 0 && errno == ENOTSOCK; /* a pty */
	}
	return true;
}

/* False: refused. A request that does not end before the connection does goes nowhere. */
static bool judge_requests(struct way *way)
{
	const char *fresh = way->bytes + way->start + way->judged;
	ssize_t count = http_guard_watch_feed(way->watch, fresh, way->length - way->judged);
	if (count < 0)
		return false;
	way->judged = way->length;
	way->allowed += (size_t) count;
	if (way->ended && way->allowed == 0)
		way->length = way->judged = 0;
	return way->allowed > 0 || way->length < sizeof(way->bytes);
}

/* False: refused. */
static bool judge(struct way *way)
{
	if (way->watch)
		return judge_requests(way);
	enum http_guard verdict =
	    way->held ? http_guard_judge(way->bytes + way->start, way->length) : HTTP_GUARD_OTHER;
	way->held = verdict == HTTP_GUARD_UNDECIDED && !way->ended;
	return verdict != HTTP_GUARD_HTTP;
}

static int wanted_events(const struct way *in, const struct way *out)
{
	bool room = !in->ended && in->length < sizeof(in->bytes);
	bool waiting = !out->held && (out->watch ? out->allowed : out->length) > 0;
	return (room ? LOOP_READABLE : 0) | (waiting ? LOOP_WRITABLE : 0);
}

/* The owner may destroy the relay in its callback: nothing comes behind this. */
static void end(struct relay *relay, enum relay_end reason)
{
	loop_watch_set(relay->client_watch, 0);
	loop_watch_set(relay->emulator_watch, 0);
	loop_timer_stop(relay->first_turn);
	relay->on_end(reason, relay->data);
}

static void step(struct relay *relay, int client_events, int emulator_events)
{
	struct way *inward = &relay->inward, *outward = &relay->outward;
	bool emulator = !(emulator_events & LOOP_READABLE) || fill(outward);
	bool client = !(client_events & LOOP_READABLE) || fill(inward);
	bool allowed = judge(inward);
	client = empty(outward) && client;
	if (allowed && !empty(inward)) {
		/* The emulator takes nothing more, but its last words may still be on the way. */
		inward->length = inward->judged = inward->allowed = 0;
		inward->ended = inward->closed = true;
	}
	if (!allowed)
		end(relay, RELAY_END_REFUSED);
	else if (!client || inward->cut)
		end(relay, RELAY_END_CLIENT);
	else if (!emulator || outward->closed)
		end(relay, RELAY_END_EMULATOR);
	else {
		loop_watch_set(relay->client_watch, wanted_events(inward, outward));
		loop_watch_set(relay->emulator_watch, wanted_events(outward, inward));
	}
}

static void on_client(int events, void *data)
{
	step(data, events, 0);
}

static void on_emulator(int events, void *data)
{
	step(data, 0, events);
}

static void on_first_turn(void *data)
{
	step(data, 0, 0);
}

struct relay *relay_create(struct loop *loop, const struct relay_options *options,
			   void (*on_end)(enum relay_end end, void *data), void *data, struct error *error)
{
	struct relay *relay = options->first_length <= RELAY_BUFFER_BYTES ? calloc(1, sizeof(*relay)) : NULL;
	if (!relay) {
		error_set(error, -ENOMEM, NULL, "no memory for %zu bytes", options->first_length);
		return NULL;
	}
	relay->inward.from = relay->outward.to = options->client_fd;
	relay->inward.to = relay->outward.from = options->emulator_fd;
	relay->inward.held = options->refuse_http;
	relay->inward.length = options->first_length;
	if (options->first_length)
		memcpy(relay->inward.bytes, options->first_bytes, options->first_length);
	relay->on_end = on_end;
	relay->data = data;
	if (options->refuse_pages && !(relay->inward.watch = http_guard_watch_create())) {
		relay_destroy(relay);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	relay->client_watch = loop_watch_create(loop, options->client_fd, 0, on_client, relay, error);
	relay->emulator_watch = loop_watch_create(loop, options->emulator_fd, 0, on_emulator, relay, error);
	relay->first_turn = loop_timer_create(loop, on_first_turn, relay, error);
	if (!relay->client_watch || !relay->emulator_watch || !relay->first_turn) {
		relay_destroy(relay);
		return NULL;
	}
	loop_timer_start(relay->first_turn, 0);
	return relay;
}

void relay_destroy(struct relay *relay)
{
	if (!relay)
		return;
	loop_watch_destroy(relay->client_watch);
	loop_watch_destroy(relay->emulator_watch);
	loop_timer_destroy(relay->first_turn);
	http_guard_watch_destroy(relay->inward.watch);
	free(relay);
}
