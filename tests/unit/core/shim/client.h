#pragma once

/* Clients of an instance's control socket. */

#include "support.h"

#include "core/shim/control.h"

enum { CLIENTS_MAX = 4 };

struct client {
	struct fixture *fixture;
	int fd; /* -1: closed */
	struct json_lines *lines;
	json_t *next;
	bool ended;
};

struct control_fixture {
	struct fixture *fixture;
	struct control *control;
	struct client clients[CLIENTS_MAX];
	size_t count;
};

/* For cmocka: *state is a control_fixture without an instance. */
int control_fixture_open(void **state);
int control_fixture_close(void **state);

/* The instance of instance_of and its control socket; changes are published. */
void control_of(struct control_fixture *control, const char *more);
/* The same with a running guest. */
void control_run(struct control_fixture *control, const char *more);

/* Connects, and takes the greeting. */
struct client *client_open(struct control_fixture *control);
/* The same, but leaves the greeting. */
struct client *client_connect(struct control_fixture *control);
void client_close(struct client *client);

/* Sends a line; JSON with ' for ". */
void client_say(struct client *client, const char *line);
void client_send(struct client *client, const void *bytes, size_t length);
/* The next line. New reference. */
json_t *client_next(struct client *client);
/* The next line that is no event must be this one. */
void client_expect(struct client *client, const char *wanted);
/* The next line that is no event is an error of that id and code, its detail begins so. */
void client_expect_error(struct client *client, json_int_t id, const char *code, const char *detail);
/* The next line that is no event is a status of that state. */
void client_expect_status(struct client *client, json_int_t id, const char *wanted_state);
/* The end of file follows, behind nothing but events. */
void client_expect_end(struct client *client);

#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, control_fixture_open, control_fixture_close)
