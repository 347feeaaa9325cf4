#include "client.h"

#include "core/base/json_lines.h"
#include "core/loop/listener.h"

#include <fcntl.h>
#include <sys/socket.h>

int control_fixture_open(void **state)
{
	struct control_fixture *control = *state = calloc(1, sizeof(*control));
	return fixture_open((void **) &control->fixture);
}

int control_fixture_close(void **state)
{
	struct control_fixture *control = *state;
	struct fixture *fixture = control->fixture;
	while (control->count)
		client_close(&control->clients[--control->count]);
	fixture->on_change = NULL;
	/* As main does: the answers that the end of the instance brings find no control. */
	control_destroy(control->control);
	free(control);
	return fixture_close((void **) &fixture);
}

static void publish(void *data)
{
	struct control_fixture *control = data;
	if (control->control)
		control_publish(control->control);
}

void control_of(struct control_fixture *control, const char *more)
{
	struct fixture *fixture = control->fixture;
	struct error error;
	instance_of(fixture, more);
	int fd = listener_open_unix(fixture->scratch.dirfd, "control.sock", &error);
	assert_true(fd >= 0);
	control->control = control_create(fixture->loop, fd, fixture->instance, &error);
	assert_non_null(control->control);
	fixture->on_change = publish;
	fixture->data = control;
}

void control_run(struct control_fixture *control, const char *more)
{
	control_of(control, more);
	instance_start(control->fixture->instance);
	fake_started(NULL);
	fake.calls[0] = '\0';
}

struct client *client_connect(struct control_fixture *control)
{
	struct error error;
	assert_true(control->count < CLIENTS_MAX);
	struct client *client = &control->clients[control->count++];
	*client = (struct client){.fixture = control->fixture};
	client->fd = listener_connect_unix(control->fixture->scratch.dirfd, "control.sock", &error);
	assert_true(client->fd >= 0);
	assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
	client->lines = calloc(1, sizeof(*client->lines));
	json_lines_init(client->lines, 1 << 20);
	return client;
}

void client_close(struct client *client)
{
	if (client->fd < 0)
		return;
	close(client->fd);
	client->fd = -1;
	json_lines_finish(client->lines);
	free(client->lines);
	json_decref(TAKE(client->next));
}

struct client *client_open(struct control_fixture *control)
{
	struct client *client = client_connect(control);
	json_decref(client_next(client));
	return client;
}

struct outgoing {
	struct client *client;
	const char *bytes;
	size_t length;
};

static bool is_sent(void *data)
{
	struct outgoing *outgoing = data;
	ssize_t count = send(outgoing->client->fd, outgoing->bytes, outgoing->length, MSG_NOSIGNAL);
	if (count < 0 && errno != EAGAIN)
		outgoing->length = 0; /* the other side has gone: what comes next tells */
	if (count > 0) {
		outgoing->bytes += count;
		outgoing->length -= (size_t) count;
	}
	return outgoing->length == 0;
}

void client_send(struct client *client, const void *bytes, size_t length)
{
	struct outgoing outgoing = {.client = client, .bytes = bytes, .length = length};
	if (length)
		wait_until(client->fixture, is_sent, &outgoing);
}

void client_say(struct client *client, const char *line)
{
	cleanup_json json_t *json = quoted(line);
	cleanup_free char *text = json_to_text(json);
	cleanup_free char *with_end = text_format("%s\n", text);
	client_send(client, with_end, strlen(with_end));
}

static bool has_next(void *data)
{
	struct client *client = data;
	char bytes[65536];
	struct error error = {0};
	while (!client->next && !client->ended) {
		client->next = json_lines_next(client->lines, &error);
		assert_int_equal(error.number, 0);
		if (client->next)
			break;
		ssize_t count = recv(client->fd, bytes, sizeof(bytes), 0);
		if (count < 0 && errno == EAGAIN)
			return false;
		client->ended = count <= 0;
		if (count > 0)
			assert_int_equal(json_lines_feed(client->lines, bytes, (size_t) count, NULL), 0);
	}
	return true;
}

json_t *client_next(struct client *client)
{
	wait_until(client->fixture, has_next, client);
	if (!client->next)
		fail_msg("the connection has ended");
	return TAKE(client->next);
}

static json_t *next_reply(struct client *client)
{
	for (;;) {
		json_t *json = client_next(client);
		if (!json_object_get(json, "event"))
			return json;
		json_decref(json);
	}
}

void client_expect(struct client *client, const char *wanted)
{
	cleanup_json json_t *found = next_reply(client);
	cleanup_json json_t *json = quoted(wanted);
	cleanup_free char *text = json_to_text(found);
	if (!json_equal(found, json))
		fail_msg("%s, not %s", text, wanted);
}

void client_expect_error(struct client *client, json_int_t id, const char *code, const char *detail)
{
	cleanup_json json_t *found = next_reply(client);
	cleanup_free char *text = json_to_text(found);
	const json_t *error = json_object_get(found, "error");
	if (json_member_integer(found, "id", -1) != id ||
	    !text_equal(json_member_string(error, "code", ""), code) ||
	    !text_starts_with(json_member_string(error, "detail", ""), detail))
		fail_msg("%s, not %s: %s", text, code, detail);
}

void client_expect_status(struct client *client, json_int_t id, const char *wanted_state)
{
	cleanup_json json_t *found = next_reply(client);
	cleanup_free char *text = json_to_text(found);
	const json_t *status = json_object_get(found, "return");
	if (json_member_integer(found, "id", -1) != id ||
	    !text_equal(json_member_string(status, "state", ""), wanted_state))
		fail_msg("%s, not %s", text, wanted_state);
}

void client_expect_end(struct client *client)
{
	for (;;) {
		wait_until(client->fixture, has_next, client);
		if (!client->next)
			return;
		cleanup_json json_t *event = TAKE(client->next);
		assert_non_null(json_object_get(event, "event"));
	}
}
