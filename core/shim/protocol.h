#pragma once

/*
 * The control protocol between emud and a shim: JSON lines over control.sock. Readers ignore members they
 * do not know; a shim of an older emud stays controllable.
 *
 *   greeting  {"emud-shim":{"version":"0.1.0","protocol":1},"status":{...}}
 *   request   {"id":1,"command":"reset","arguments":{...}}
 *   reply     {"id":1,"return":{...}}  or  {"id":1,"error":{"code","detail",...}}
 *   event     {"event":"state","data":{<status>}}
 */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>

enum { SHIM_PROTOCOL = 1, SHIM_LINE_BYTES_MAX = 64 * 1024 * 1024 };

/* A request, borrowed from its JSON. */
struct shim_request {
	json_int_t id;
	const char *command;
	const json_t *arguments; /* an object, or NULL */
};

/* 0, or -EINVAL with error set. */
int shim_request_parse(const json_t *json, struct shim_request *ret_request, struct error *error);

/* New references; status, result and arguments are borrowed. */
json_t *shim_greeting_make(const json_t *status);
json_t *shim_request_make(json_int_t id, const char *command, const json_t *arguments);
json_t *shim_reply_make(json_int_t id, const json_t *result);
/* extra (nullable): members beside code and detail, such as "written". */
json_t *shim_error_make(json_int_t id, const struct error *error, const json_t *extra);
json_t *shim_event_make(const char *event, const json_t *data);

/* What emud receives. */
enum shim_message_kind { SHIM_GREETING, SHIM_REPLY, SHIM_ERROR, SHIM_EVENT };

struct shim_message {
	enum shim_message_kind kind;
	json_int_t id;       /* reply, error */
	const char *event;   /* event */
	const json_t *body;  /* greeting: status; reply: result; error: the error object; event: data */
	json_int_t protocol; /* greeting */
	const char *version; /* greeting */
};

/* 0, or -EPROTO for what is none of them. Borrowed from json. */
int shim_message_parse(const json_t *json, struct shim_message *ret_message, struct error *error);

/* The error of an error reply; its code is one of ours (static), "emulator_error" where it is unknown. */
void shim_error_read(const json_t *body, struct error *ret_error);
