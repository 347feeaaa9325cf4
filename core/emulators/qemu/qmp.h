#pragma once

/* The QEMU Machine Protocol as bytes and messages. Knows no socket and no loop. */

#include "core/base/json_lines.h"

#include <stdbool.h>

enum qmp_kind { QMP_GREETING, QMP_RETURN, QMP_ERROR, QMP_EVENT };

struct qmp_message {
	enum qmp_kind kind;
	json_int_t id;           /* of the request that a return or an error answers; 0: none */
	const char *name;        /* the event's name, the error's class, else "" */
	const char *description; /* of an error, else "" */
	const json_t *data;      /* what was returned, the event's data, the greeting; NULL: none */
	json_t *whole;           /* what the others point into */
};

void qmp_message_finish(struct qmp_message *message);

struct qmp_codec {
	struct json_lines lines;
};

void qmp_codec_init(struct qmp_codec *codec);
void qmp_codec_finish(struct qmp_codec *codec);

/* Takes bytes as they come. 0, -ENOMEM, or -EMSGSIZE: a line that will not end; the connection is lost
 * then. */
int qmp_codec_feed(struct qmp_codec *codec, const void *bytes, size_t length, struct error *error);

/* 1 and a message (finish it), 0: none is complete yet, or a negative errno for a line that is no QMP
 * (passed over: the next call goes on behind it). error must not be NULL. */
int qmp_codec_next(struct qmp_codec *codec, struct qmp_message *ret_message, struct error *error);

/* True for a JSON integer of any length: "-17". */
bool qmp_is_integer(const char *text);

/*
 * Appends a request. arguments: an object, or NULL. wide_value (nullable): decimal digits, with a sign
 * perhaps, that become the number "value" of the arguments: jansson holds no integer beyond 64-bit signed,
 * QEMU does. 0, -ENOMEM, or -EINVAL where wide_value is no integer or stands without arguments.
 */
int qmp_encode(struct buffer *out, json_int_t id, const char *command, const json_t *arguments,
	       const char *wide_value);
