#pragma once

/*
 * The driver protocol of docs/driver-protocol.md as messages: one JSON value a line, requests from us,
 * replies and events from the driver. Members that are not known are passed over.
 */

#include "core/base/error.h"

#include <jansson.h>
#include <stdint.h>

enum { DRIVER_PROTOCOL = 1, DRIVER_LINE_BYTES_MAX = 1024 * 1024 };

/* {"id","command","arguments"}; arguments (NULL: none) are borrowed. New reference. */
json_t *driver_request_make(json_int_t id, const char *command, const json_t *arguments);

enum driver_message_kind { DRIVER_RETURN, DRIVER_ERROR, DRIVER_EVENT };

/* Borrowed from its JSON. */
struct driver_message {
	enum driver_message_kind kind;
	json_int_t id;      /* return, error */
	const json_t *body; /* return: the value; event: its data or NULL */
	const char *name;   /* event: its name; error: its code */
	const char *words;  /* error: its message */
};

/* 0, or -EPROTO with what is wrong, as the end of a sentence about the driver ("said what ..."). */
int driver_message_parse(const json_t *json, struct driver_message *ret_message, struct error *error);

/* One of ours for the code of an error: what is not known is "emulator_error". Static text. */
const char *driver_error_code(const char *code);

enum driver_capability {
	DRIVER_CAN_RESET = 1 << 0,
	DRIVER_CAN_PAUSE = 1 << 1,
	DRIVER_CAN_RESUME = 1 << 2,
	DRIVER_CAN_LIST = 1 << 3,
	DRIVER_CAN_GET = 1 << 4,
	DRIVER_CAN_SET = 1 << 5,
	DRIVER_CAN_QUIT = 1 << 6,
	DRIVER_HOLDS = 1 << 7, /* the guest stands still after `started` until `resume` */
};

/* The capabilities of the answer to `hello`. 0, or -EPROTO with what is wrong with it. */
int driver_hello_parse(const json_t *body, unsigned *ret_capabilities, struct error *error);
